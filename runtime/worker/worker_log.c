/* worker_log.c - see worker_log.h */
#include "worker_log.h"
#include "runtime/cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 65536, PIECES = 16 /* in one turn: other handlers have output too */ };

void worker_log_open(WorkerLog *l, const char *path, const char *secret, void (*line)(void *ctx, const char *text), void *ctx) {
  *l = (WorkerLog){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), .secret = secret, .line = line, .ctx = ctx};
}

/* p[0..n) with the secret replaced. */
static void put_clean(Buf *out, const char *p, size_t n, const char *secret) {
  size_t k = secret ? strlen(secret) : 0;
  while (k && n >= k) {
    const char *at = memmem(p, n, secret, k);
    if (!at) break;
    buf_add(out, p, (size_t)(at - p));
    buf_c(out, "***");
    n -= (size_t)(at - p) + k;
    p = at + k;
  }
  buf_add(out, p, n);
}

static void hand_on(WorkerLog *l, const char *p, size_t n) {
  Buf b = {0};
  if (n && p[n - 1] == '\r') n--;
  put_clean(&b, p, n, l->secret);
  l->line(l->ctx, buf_cstr(&b));
  buf_free(&b);
}

/* Where a line that is too long is cut: not inside of a character, nor of the secret, of which k bytes more are there. */
static size_t cut(const WorkerLog *l, const char *p, size_t k) {
  size_t len = WORKER_LOG_LINE;
  const char *at = k ? memmem(p + len - k, 2 * k, l->secret, k) : NULL;
  if (at && at > p) return at < p + len ? (size_t)(at - p) : len;
  while (len > WORKER_LOG_LINE - 4 && ((unsigned char)p[len] & 0xc0) == 0x80) len--;
  return len;
}

static void lines(WorkerLog *l, const char *p, size_t n) {
  size_t k = l->secret && strlen(l->secret) < WORKER_LOG_LINE / 2 ? strlen(l->secret) : 0;
  buf_add(&l->rest, p, n);
  const char *at = l->rest.p, *end = at + l->rest.n;
  while (at < end) {
    const char *nl = memchr(at, '\n', (size_t)(end - at));
    size_t len = nl ? (size_t)(nl - at) : (size_t)(end - at);
    if (!nl && len <= WORKER_LOG_LINE + k) break;
    if (len > WORKER_LOG_LINE + k) len = cut(l, at, k), nl = NULL;
    hand_on(l, at, len);
    at += len + (nl != NULL);
  }
  size_t left = (size_t)(end - at);
  if (left) memmove(l->rest.p, at, left);
  l->rest.n = left;
}

static void to_file(WorkerLog *l, const char *p, size_t n) {
  size_t room = WORKER_LOG_MAX - l->kept;
  if (n > room) n = room;
  if (l->fd < 0 || !n) return;
  if (cli_write_all(l->fd, p, n))
    l->kept += n;
  else
    close(l->fd), l->fd = -1; /* a full disk: the end in memory is what is left */
}

/* Twice what is wanted, so that a secret on the border is seen whole. */
static void to_tail(WorkerLog *l, const char *p, size_t n) {
  size_t most = 2 * WORKER_LOG_TAIL;
  if (n >= most) p += n - most, n = most, l->tail.n = 0;
  buf_add(&l->tail, p, n);
  if (l->tail.n <= 2 * most) return;
  memmove(l->tail.p, l->tail.p + l->tail.n - most, most);
  l->tail.n = most;
}

bool worker_log_read(WorkerLog *l, int fd) {
  char piece[PIECE];
  for (int i = 0; i < PIECES; i++) {
    ssize_t n = read(fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    l->bytes += (uint64_t)n;
    to_file(l, piece, (size_t)n);
    to_tail(l, piece, (size_t)n);
    lines(l, piece, (size_t)n);
  }
  return true;
}

void worker_log_close(WorkerLog *l) {
  if (l->rest.n) hand_on(l, l->rest.p, l->rest.n);
  l->rest.n = 0;
  if (l->fd >= 0) close(l->fd);
  l->fd = -1;
}

void worker_log_tail(const WorkerLog *l, Buf *out) {
  Buf b = {0};
  put_clean(&b, l->tail.p ? l->tail.p : "", l->tail.n, l->secret);
  const char *p = b.n ? b.p : "", *end = p + b.n;
  if (b.n > WORKER_LOG_TAIL) {
    p = end - WORKER_LOG_TAIL;
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    if (nl && nl + 1 < end) p = nl + 1;
    while (p < end && ((unsigned char)*p & 0xc0) == 0x80) p++;
  }
  buf_add(out, p, (size_t)(end - p));
  buf_free(&b);
}

void worker_log_free(WorkerLog *l) {
  worker_log_close(l);
  buf_free(&l->tail);
  buf_free(&l->rest);
}
