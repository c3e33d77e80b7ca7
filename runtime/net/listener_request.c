#include "listener_int.h"
#include "proxy.h"
#include "runtime/base/limits.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *listener_must(void *p) {
  if (!p) {
    fputs("breyta-run: out of memory in the listener\n", stderr);
    _exit(70);
  }
  return p;
}

char *listener_copy(const char *s, size_t n) {
  char *p = listener_must(malloc(n + 1));
  if (n) memcpy(p, s, n);
  p[n] = 0;
  return p;
}

const char *listener_header(const ListenRequest *r, const char *name) {
  for (size_t i = 0; i < r->nheaders; i++)
    if (!strcmp(r->headers[i].name, name)) return r->headers[i].value;
  return NULL;
}

static void pairs_free(ListenPair *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    free(p[i].name);
    free(p[i].value);
  }
  free(p);
}

void listener_request_free(ListenRequest *r) {
  if (!r) return;
  pairs_free(r->headers, r->nheaders);
  pairs_free(r->query, r->nquery);
  free(r->workspace);
  free(r->key);
  free(r->raw);
  if (r->spooled) {
    munmap(r->body, r->nbody + 1);
    close(r->body_fd);
  } else {
    free(r->body);
  }
  free(r);
}

/* ---- paths ---- */

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

/* Percent-decoded copy of n bytes; NULL: malformed, NUL inside, or not UTF-8. */
static char *decode(const char *s, size_t n, bool plus) {
  char *out = listener_must(malloc(n + 1));
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    char c = s[i];
    if (c == '%') {
      int hi = i + 2 < n ? hex(s[i + 1]) : -1, lo = hi >= 0 ? hex(s[i + 2]) : -1;
      if (lo < 0 || !(hi | lo)) return free(out), NULL;
      c = (char)(hi << 4 | lo);
      i += 2;
    } else if (c == '+' && plus)
      c = ' ';
    out[k++] = c;
  }
  out[k] = 0;
  if (utf8_valid(out, k)) return out;
  free(out);
  return NULL;
}

char *listener_decode(const char *s, size_t n) { return decode(s, n, false); }

/* "/<workspace>/<door>/<key...>"; the parts still encoded. */
bool listener_path(const Listener *l, const char *url, const char **ws, size_t *nws, const char **key, enum ListenDoor *door) {
  static const char *const doors[] = {[LISTEN_EVENTS] = "/events/", [LISTEN_WAITS] = "/waits/", [LISTEN_RESOURCES] = "/resources/",
                                      [LISTEN_PROGRESS] = "/progress/"};
  if (*url != '/') return false;
  *ws = url + 1;
  *nws = strcspn(*ws, "/");
  const char *p = *ws + *nws;
  if (l->o.api && (!strcmp(url, "/metrics") || !strcmp(url, "/readyz") || !strcmp(url, "/healthz")))
    return *door = LISTEN_SELF, *key = url + 1, *nws = 0, true;
  if (l->o.api && !strcmp(url, "/cli/auth")) return *door = LISTEN_LOGIN, *key = url + 1, *nws = 0, true;
  if (l->o.api && *nws == 3 && !strncmp(url, "/api/", 5)) return *door = LISTEN_API, *key = url + 5, **key != 0;
  for (int i = 0; *nws && i <= LISTEN_PROGRESS; i++) {
    size_t n = strlen(doors[i]);
    if (strncmp(p, doors[i], n)) continue;
    *door = (enum ListenDoor)i;
    *key = p + n;
    return **key && (i != LISTEN_RESOURCES || !strcmp(*key, "content"));
  }
  return false;
}

bool listener_method_ok(enum ListenDoor door, const char *method) {
  bool get = !strcmp(method, "GET"), post = !strcmp(method, "POST");
  if (door == LISTEN_SELF) return get || !strcmp(method, "HEAD"); /* monitors look with either */
  if (door == LISTEN_API) return get || post || !strcmp(method, "PUT") || !strcmp(method, "PATCH") || !strcmp(method, "DELETE");
  return door == LISTEN_RESOURCES ? get : door == LISTEN_WAITS || door == LISTEN_LOGIN ? get || post : post;
}

/* ---- from connection to request ---- */

typedef struct PairList {
  ListenPair *a;
  size_t n;
  bool bad, query;
} PairList;

static enum MHD_Result add_pair(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
  PairList *l = ctx;
  (void)kind;
  ListenPair p = {NULL, NULL};
  if (l->query) {
    p.name = decode(name, strlen(name), true);
    p.value = decode(value ? value : "", value ? strlen(value) : 0, true);
    l->bad = l->bad || !p.name || !p.value;
  } else {
    p.name = listener_copy(name, strlen(name));
    p.value = listener_copy(value ? value : "", value ? strlen(value) : 0);
    for (char *s = p.name; *s; s++)
      if (*s >= 'A' && *s <= 'Z') *s += 'a' - 'A';
  }
  l->a = listener_must(realloc(l->a, (l->n + 1) * sizeof *l->a));
  l->a[l->n++] = p;
  return MHD_YES;
}

static void peer_of(struct MHD_Connection *c, char *out, size_t n) {
  const union MHD_ConnectionInfo *i = L(MHD_get_connection_info)(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  out[0] = 0;
  if (!i || !i->client_addr) return;
  if (i->client_addr->sa_family == AF_INET)
    inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->client_addr)->sin_addr, out, (socklen_t)n);
  if (i->client_addr->sa_family == AF_INET6)
    inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)i->client_addr)->sin6_addr, out, (socklen_t)n);
}

/* The body is the request's from now on. false: a large one cannot be mapped. */
static bool take_body(Conn *x, ListenRequest *r) {
  if (x->spool < 0) {
    r->nbody = x->body.n;
    r->body = buf_cstr(&x->body); /* moved */
    x->body = (Buf){0};
    return true;
  }
  /* One byte more: the file ends in NUL, whatever its size. */
  void *p = ftruncate(x->spool, (off_t)x->nspool + 1) ? MAP_FAILED
                                                      : mmap(NULL, x->nspool + 1, PROT_READ, MAP_PRIVATE, x->spool, 0);
  if (p == MAP_FAILED) return false;
  r->nbody = x->nspool;
  r->body = p;
  r->spooled = true;
  r->body_fd = x->spool;
  x->spool = -1;
  return true;
}

/* NULL: something in it cannot be decoded. */
ListenRequest *listener_request(Conn *x, const char *url, const char *method) {
  const char *ws = NULL, *key = NULL;
  size_t nws = 0;
  ListenRequest *r = listener_must(calloc(1, sizeof *r));
  PairList headers = {0}, query = {.query = true};
  if (!listener_path(x->l, url, &ws, &nws, &key, &r->door)) return free(r), NULL;
  snprintf(r->method, sizeof r->method, "%s", method);
  r->workspace = decode(ws, nws, false);
  r->key = decode(key, strlen(key), false);
  r->raw = listener_copy(key, strlen(key));
  (void)L(MHD_get_connection_values)(x->mhd, MHD_HEADER_KIND, add_pair, &headers);
  (void)L(MHD_get_connection_values)(x->mhd, MHD_GET_ARGUMENT_KIND, add_pair, &query);
  r->headers = headers.a;
  r->nheaders = headers.n;
  r->query = query.a;
  r->nquery = query.n;
  if (!take_body(x, r)) return listener_request_free(r), NULL;
  r->received_ms = now_ms();
  peer_of(x->mhd, r->peer, sizeof r->peer);
  if (x->l->o.proxies) proxy_headers(x->l->o.proxies, r);
  if (r->workspace && r->key && !query.bad && strlen(r->key) <= LISTENER_MAX_KEY) return r;
  listener_request_free(r);
  return NULL;
}

static bool write_all(int fd, const char *p, size_t n) {
  while (n) {
    ssize_t k = write(fd, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return false;
    p += k;
    n -= (size_t)k;
  }
  return true;
}

/* What was held in memory goes to a file that has no name: it is gone with its last descriptor, whatever happens. */
static bool begin_spool(Conn *x) {
  Listener *l = x->l;
  x->spool = open(l->spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (x->spool < 0 || !write_all(x->spool, x->body.p, x->body.n)) return false;
  x->nspool = x->body.n;
  buf_free(&x->body);
  pthread_mutex_lock(&l->lock);
  l->held -= x->held;
  x->held = 0;
  pthread_mutex_unlock(&l->lock);
  return true;
}

static void spool_data(Conn *x, const char *p, size_t n) {
  x->too_big = x->nspool + n > x->max_body;
  if (x->too_big) return;
  x->full = !write_all(x->spool, p, n);
  x->nspool += n;
}

void listener_body_add(Conn *x, const char *p, size_t n) {
  Listener *l = x->l;
  if (x->too_big || x->shed || x->full || x->phase != PHASE_READING) return;
  if (x->spool < 0 && x->body.n + n > LISTENER_MEMORY && x->max_body > LISTENER_MEMORY) x->full = !begin_spool(x);
  if (x->full) return;
  if (x->spool >= 0) {
    spool_data(x, p, n);
    return;
  }
  pthread_mutex_lock(&l->lock);
  x->shed = l->held + n > LISTENER_HELD;
  if (!x->shed) l->held += n, x->held += n;
  pthread_mutex_unlock(&l->lock);
  if (!x->shed) buf_add(&x->body, p, n);
  x->too_big = x->body.n > x->max_body;
}
uint64_t listener_max_body(Listener *l, const char *url, const char *method) {
  const char *ws, *key;
  size_t n;
  enum ListenDoor door;
  bool known = listener_path(l, url, &ws, &n, &key, &door);
  if (known && door == LISTEN_PROGRESS) return LISTENER_PROGRESS_BYTES;
  return known && l->o.max_body ? l->o.max_body(door, method, key) : (uint64_t)limit_value(LIMIT_callback_bytes);
}

