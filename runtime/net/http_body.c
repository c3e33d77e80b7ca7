/* http_body.c - see http_body.h. */
#include "http_body.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Piece {
  char *mem; /* NULL: a file */
  int fd;
  uint64_t at, n;
} Piece;

struct HttpBody {
  Piece *pieces;
  size_t npieces, now; /* the piece that is read next, */
  uint64_t off;        /* and from where in it */
};

static void *must(void *p) {
  if (p) return p;
  fputs("breyta-run: out of memory in the HTTP client\n", stderr);
  _exit(70);
}

HttpBody *http_body_new(void) { return must(calloc(1, sizeof(HttpBody))); }

void http_body_free(HttpBody *b) {
  if (!b) return;
  for (size_t i = 0; i < b->npieces; i++) {
    if (!b->pieces[i].mem) close(b->pieces[i].fd);
    free(b->pieces[i].mem);
  }
  free(b->pieces);
  free(b);
}

static void push(HttpBody *b, Piece p) {
  b->pieces = must(realloc(b->pieces, (b->npieces + 1) * sizeof *b->pieces));
  b->pieces[b->npieces++] = p;
}

void http_body_mem(HttpBody *b, const char *p, size_t n) {
  char *copy = must(malloc(n + 1));
  if (n) memcpy(copy, p, n);
  push(b, (Piece){.mem = copy, .fd = -1, .n = n});
}

void http_body_file(HttpBody *b, int fd, uint64_t at, uint64_t n) { push(b, (Piece){.fd = fd, .at = at, .n = n}); }

uint64_t http_body_size(const HttpBody *b) {
  uint64_t n = 0;
  for (size_t i = 0; i < b->npieces; i++) n += b->pieces[i].n;
  return n;
}

/* At most n bytes of one piece, at least one. */
static ssize_t piece_read(const Piece *p, uint64_t off, char *to, size_t n) {
  if (p->n - off < n) n = (size_t)(p->n - off);
  if (p->mem) return memcpy(to, p->mem + off, n), (ssize_t)n;
  ssize_t got;
  while ((got = pread(p->fd, to, n, (off_t)(p->at + off))) < 0 && errno == EINTR) continue;
  return got > 0 ? got : -1; /* the end before its time is a failure */
}

ssize_t http_body_read(HttpBody *b, char *p, size_t n) {
  while (b->now < b->npieces && b->off == b->pieces[b->now].n) {
    b->now++;
    b->off = 0;
  }
  if (b->now == b->npieces || !n) return 0;
  ssize_t got = piece_read(&b->pieces[b->now], b->off, p, n);
  if (got > 0) b->off += (uint64_t)got;
  return got;
}

bool http_body_seek(HttpBody *b, uint64_t at) {
  for (size_t i = 0; i < b->npieces; at -= b->pieces[i++].n)
    if (at < b->pieces[i].n || (at == b->pieces[i].n && i + 1 == b->npieces)) {
      b->now = i;
      b->off = at;
      return true;
    }
  b->now = b->off = 0;
  return !at;
}
