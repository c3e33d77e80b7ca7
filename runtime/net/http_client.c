#include "http_client.h"
#include <ctype.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* ---- libcurl, loaded at the first request ---- */

#define CURL_FUNCTIONS(F)                                                                                                                  \
  F(curl_global_init)                                                                                                                      \
  F(curl_easy_init) F(curl_easy_setopt) F(curl_easy_getinfo) F(curl_easy_cleanup) F(curl_easy_strerror) F(curl_multi_init)                 \
      F(curl_multi_setopt) F(curl_multi_add_handle) F(curl_multi_remove_handle) F(curl_multi_socket_action) F(curl_easy_reset)             \
          F(curl_multi_info_read) F(curl_multi_cleanup) F(curl_multi_strerror) F(curl_slist_append)                   \
              F(curl_slist_free_all) F(curl_url) F(curl_url_set) F(curl_url_get) F(curl_url_cleanup) F(curl_free)
#define CURL_FIELD(f) __typeof__(&f) p_##f;
static struct {
  CURL_FUNCTIONS(CURL_FIELD) char error[200];
  bool ok;
} lib;
#define L(f) (lib.p_##f)

static pthread_once_t lib_once = PTHREAD_ONCE_INIT;

static void lib_load(void) {
  void *so = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(lib.error, sizeof lib.error, "%s", dlerror());
    return;
  }
#define CURL_LOAD(f)                                                                                                                       \
  *(void **)&lib.p_##f = dlsym(so, #f);                                                                                                    \
  if (!lib.p_##f) {                                                                                                                        \
    snprintf(lib.error, sizeof lib.error, "libcurl.so.4 has no " #f "; 7.85 or newer is needed");                                          \
    return;                                                                                                                                \
  }
  CURL_FUNCTIONS(CURL_LOAD)
  lib.ok = L(curl_global_init)(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!lib.ok) snprintf(lib.error, sizeof lib.error, "curl_global_init failed");
}

/* ---- small allocation helpers: out of memory ends the process, as in mem.h ---- */

static void *must(void *p) {
  if (!p) {
    fputs("breyta-run: out of memory in the HTTP client\n", stderr);
    _exit(70);
  }
  return p;
}

static char *copy_n(const char *s, size_t n) {
  char *p = must(malloc(n + 1));
  memcpy(p, s, n);
  p[n] = 0;
  return p;
}

static char *copy(const char *s) { return copy_n(s, strlen(s)); }

/* ---- requests and responses ---- */

void http_request_init(HttpRequest *r) {
  memset(r, 0, sizeof *r);
  strcpy(r->method, "GET");
  r->connect_timeout_ms = HTTP_DEFAULT_CONNECT_MS;
  r->max_response = HTTP_DEFAULT_MAX_RESPONSE;
  r->max_redirects = HTTP_MAX_REDIRECTS;
  r->guard = true;
}

static void header_push(HttpHeader **a, size_t *n, HttpHeader h) {
  *a = must(realloc(*a, (*n + 1) * sizeof **a));
  (*a)[(*n)++] = h;
}

void http_request_header(HttpRequest *r, const char *name, const char *value, bool secret) {
  header_push(&r->headers, &r->nheaders, (HttpHeader){copy(name), copy(value), secret});
}

static const char *header_get(const HttpHeader *h, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (!strcasecmp(h[i].name, name)) return h[i].value;
  return NULL;
}

const char *http_request_get(const HttpRequest *r, const char *name) { return header_get(r->headers, r->nheaders, name); }
const char *http_response_get(const HttpResponse *r, const char *name) { return header_get(r->headers, r->nheaders, name); }

HttpSink *http_request_sink(HttpRequest *r, void *ctx, bool (*write)(void *ctx, const char *p, size_t n)) {
  HttpSink *s = must(calloc(1, sizeof *s));
  s->ctx = ctx;
  s->write = write;
  return r->sink = s;
}

static void wipe(char *s) {
  if (s) explicit_bzero(s, strlen(s));
  free(s);
}

static void headers_free(HttpHeader *h, size_t n) {
  for (size_t i = 0; i < n; i++) {
    free(h[i].name);
    free(h[i].value);
  }
  free(h);
}

void http_request_free(HttpRequest *r) {
  headers_free(r->headers, r->nheaders);
  free(r->url);
  free(r->body);
  http_body_free(r->stream);
  if (r->sink && r->sink->free) r->sink->free(r->sink->ctx);
  free(r->sink);
  free(r->sigv4);
  free(r->ca_file);
  wipe(r->user);
  wipe(r->password);
  memset(r, 0, sizeof *r);
}

void http_response_free(HttpResponse *r) {
  if (!r) return;
  headers_free(r->headers, r->nheaders);
  free(r->body);
  free(r->method);
  free(r->url);
  free(r);
}

const char *http_err_name(enum HttpErr e) {
  static const char *const names[] = {"ok", "network", "timeout", "oversize", "guard", "tls", "bad-url", "cancelled", "aborted"};
  return names[e];
}

/* ---- transfers ---- */

typedef struct Lane Lane;

/* One request from send to response. Owned by the queue of its lane, then by the lane's thread. */
typedef struct Xfer {
  HttpRequest req;
  HttpResponse *res;
  Lane *lane;
  CURL *easy;
  struct curl_slist *slist;
  size_t body_cap, header_bytes;
  char *host;          /* of the current hop, for the guard */
  const char *refused; /* why the guard said no */
  bool oversize, aborted, source_failed;
  enum { SINK_NOT_YET, SINK_OFF, SINK_ON } sinking; /* where the body of this hop goes */
  int64_t spent_us; /* by earlier hops */
  struct Xfer *prev, *next;
} Xfer;

struct Lane {
  HttpClient *client;
  bool guarded, started, stop;
  pthread_t thread;
  CURLM *multi;
  int poll_fd, wake_fd; /* epoll, of curl's sockets and of wake_fd */
  int64_t due_us;       /* when curl wants to be called whatever happens; -1 never. Monotonic */
  CURL *spare[64];      /* handles for the requests to come */
  size_t nspare;
  Xfer *incoming, **incoming_tail; /* under client->lock */
  uint64_t *cancels;               /* under client->lock */
  size_t ncancels;
  Xfer *active; /* the thread's own */
};

struct HttpClient {
  pthread_mutex_t lock;
  const Guard *guard;
  Guard *none;   /* when guard is NULL */
  Lane lanes[2]; /* [1]: guarded; the low bit of an id says which */
  uint64_t last_id;
  int fd;
  HttpResponse *ready, **ready_tail;
};

static void fail(Xfer *x, enum HttpErr err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void fail(Xfer *x, enum HttpErr err, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  x->res->err = err;
  vsnprintf(x->res->msg, sizeof x->res->msg, fmt, ap);
  va_end(ap);
}

static CURL *easy_get(Lane *l) { return l->nspare ? l->spare[--l->nspare] : must(L(curl_easy_init)()); }

/* The lane's thread, and whoever frees what never got there. */
static void easy_put(Lane *l, CURL *h) {
  if (!h) return;
  L(curl_easy_reset)(h);
  if (l->nspare < sizeof l->spare / sizeof *l->spare) l->spare[l->nspare++] = h;
  else L(curl_easy_cleanup)(h);
}

static void xfer_free(Xfer *x) {
  easy_put(x->lane, x->easy);
  if (x->slist) L(curl_slist_free_all)(x->slist);
  http_request_free(&x->req);
  http_response_free(x->res);
  free(x->host);
  free(x);
}

/* Makes an eventfd readable. */
static void ring(int fd) {
  uint64_t one = 1;
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

static void deliver(HttpClient *c, HttpResponse *r) {
  pthread_mutex_lock(&c->lock);
  r->next = NULL;
  if (!c->ready) ring(c->fd);
  *c->ready_tail = r;
  c->ready_tail = &r->next;
  pthread_mutex_unlock(&c->lock);
}

/* The transfer is over: its response goes out, everything else is freed. */
static void finish(Xfer *x) {
  HttpResponse *r = x->res;
  HttpSink *s = x->req.sink;
  if (s && s->end) s->end(s->ctx, r->err == HTTP_OK && x->sinking == SINK_ON);
  if (r->err == HTTP_OK && !r->body) r->body = copy("");
  r->duration_us = x->spent_us;
  x->res = NULL;
  HttpClient *c = x->lane->client;
  xfer_free(x); /* first: whoever has the response may drop what the sink stands on */
  deliver(c, r);
}

/* ---- curl's callbacks ---- */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
  Xfer *x = ctx;
  HttpClient *c = x->lane->client;
  const char *why;
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  if (x->lane->guarded && !guard_allows(c->guard, x->host, &a->addr, &why)) {
    x->refused = why;
    return CURL_SOCKET_BAD;
  }
  return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool body_reserve(Xfer *x, size_t need) {
  if (need <= x->body_cap) return true;
  size_t cap = x->body_cap ? x->body_cap : 4096;
  while (cap < need) cap *= 2;
  char *p = realloc(x->res->body, cap);
  if (!p) return false;
  x->res->body = p;
  x->body_cap = cap;
  return true;
}

static bool redirecting(const Xfer *x, long status) {
  return x->req.max_redirects && (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* Whether the sink takes this body, asked for at its first byte (or when it ends without one). */
static bool sink_begins(Xfer *x) {
  HttpSink *s = x->req.sink;
  long status = 0;
  if (!s) return false;
  if (x->sinking == SINK_NOT_YET) {
    (void)L(curl_easy_getinfo)(x->easy, CURLINFO_RESPONSE_CODE, &status);
    bool on = !redirecting(x, status) && (!s->begin || s->begin(s->ctx, (int)status));
    x->sinking = on ? SINK_ON : SINK_OFF;
    x->res->sunk = on;
  }
  return x->sinking == SINK_ON;
}

/* The limit of a sink's body may be far more than memory should hold. */
static size_t body_limit(const Xfer *x, bool sunk) {
  size_t max = x->req.max_response;
  bool small = !x->req.sink || (sunk && !x->req.sink->keep) || max < HTTP_DEFAULT_MAX_RESPONSE;
  return small ? max : HTTP_DEFAULT_MAX_RESPONSE;
}

static bool keep(Xfer *x, const char *p, size_t n) {
  HttpResponse *r = x->res;
  if (!body_reserve(x, r->nbody + n + 1)) return !(x->oversize = true);
  memcpy(r->body + r->nbody, p, n);
  r->nbody += n;
  r->body[r->nbody] = 0;
  return true;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx) {
  Xfer *x = ctx;
  HttpSink *s = x->req.sink;
  n *= size;
  bool sunk = sink_begins(x);
  x->oversize = n > body_limit(x, sunk) - x->res->received;
  if (x->oversize) return 0;
  x->res->received += n;
  if (sunk && !s->write(s->ctx, p, n)) return x->aborted = true, 0;
  if ((!sunk || s->keep) && !keep(x, p, n)) return 0;
  return size ? n / size : n;
}

static size_t on_source(char *p, size_t size, size_t n, void *ctx) {
  Xfer *x = ctx;
  ssize_t got = http_body_read(x->req.stream, p, size * n);
  if (got >= 0) return (size_t)got;
  x->source_failed = true;
  return CURL_READFUNC_ABORT;
}

static int on_rewind(void *ctx, curl_off_t at, int origin) {
  Xfer *x = ctx;
  return origin == SEEK_SET && http_body_seek(x->req.stream, (uint64_t)at) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static void header_join(HttpHeader *h, const char *value) {
  size_t a = strlen(h->value), b = strlen(value);
  h->value = must(realloc(h->value, a + b + 3));
  memcpy(h->value + a, ", ", 2);
  memcpy(h->value + a + 2, value, b + 1);
}

static void header_add(HttpResponse *r, char *name, const char *value) {
  for (char *p = name; *p; p++) *p = (char)tolower((unsigned char)*p);
  for (size_t i = 0; i < r->nheaders; i++)
    if (!strcmp(r->headers[i].name, name)) {
      header_join(&r->headers[i], value);
      free(name);
      return;
    }
  header_push(&r->headers, &r->nheaders, (HttpHeader){name, copy(value), false});
}

static void headers_reset(Xfer *x) {
  headers_free(x->res->headers, x->res->nheaders);
  x->res->headers = NULL;
  x->res->nheaders = 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx) {
  Xfer *x = ctx;
  size_t all = n * size, len = all;
  x->header_bytes += len;
  x->oversize = x->header_bytes > HTTP_MAX_HEADER_BYTES;
  if (x->oversize) return 0;
  while (len && (p[len - 1] == '\r' || p[len - 1] == '\n' || p[len - 1] == ' ' || p[len - 1] == '\t')) len--;
  if (len > 5 && !memcmp(p, "HTTP/", 5)) headers_reset(x); /* a status line: what came before was 1xx */
  char *colon = memchr(p, ':', len);
  if (!colon || colon == p || !memcmp(p, "HTTP/", 5 < len ? 5 : len)) return all;
  size_t v = (size_t)(colon - p) + 1;
  while (v < len && (p[v] == ' ' || p[v] == '\t')) v++;
  char *value = copy_n(p + v, len - v);
  header_add(x->res, copy_n(p, (size_t)(colon - p)), value);
  free(value);
  return all;
}

/* ---- setting up one hop ---- */

static bool token(const char *s) {
  if (!*s) return false;
  for (; *s; s++)
    if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s)) return false;
  return true;
}

static bool check_headers(Xfer *x) {
  for (size_t i = 0; i < x->req.nheaders; i++) {
    HttpHeader *h = &x->req.headers[i];
    if (!token(h->name)) return fail(x, HTTP_BAD_URL, "the header name \"%.60s\" is not a token", h->name), false;
    if (strpbrk(h->value, "\r\n")) return fail(x, HTTP_BAD_URL, "the value of header %.60s contains a line break", h->name), false;
  }
  return true;
}

static char *url_part(CURLU *u, CURLUPart part, unsigned flags) {
  char *p = NULL;
  if (L(curl_url_get)(u, part, &p, flags) != CURLUE_OK || !p) return copy("");
  char *out = copy(p);
  L(curl_free)(p);
  return out;
}

static void url_clear(CURLU *u) {
  static const CURLUPart parts[] = {CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_USER, CURLUPART_PASSWORD};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) (void)L(curl_url_set)(u, parts[i], NULL, 0);
}

/* Host for the guard, the shown URL for people: it must not carry keys that are in the query. */
static bool take_url(Xfer *x) {
  CURLU *u = must(L(curl_url)());
  CURLUcode rc = L(curl_url_set)(u, CURLUPART_URL, x->req.url, 0);
  if (rc == CURLUE_OK) {
    char *scheme = url_part(u, CURLUPART_SCHEME, 0);
    bool http = !strcmp(scheme, "http") || !strcmp(scheme, "https");
    if (!http) fail(x, HTTP_BAD_URL, "the URL has scheme \"%.20s\"; use http or https", scheme);
    free(scheme);
    free(x->host);
    x->host = url_part(u, CURLUPART_HOST, 0);
    url_clear(u);
    free(x->res->url);
    x->res->url = url_part(u, CURLUPART_URL, 0);
    if (!http) rc = CURLUE_UNSUPPORTED_SCHEME;
  } else {
    fail(x, HTTP_BAD_URL, "the URL is malformed (curl: %d); it looks like https://host/path", (int)rc);
  }
  L(curl_url_cleanup)(u);
  return rc == CURLUE_OK;
}

static void slist_add(Xfer *x, const char *line) { x->slist = must(L(curl_slist_append)(x->slist, line)); }

static bool sends_body(const HttpRequest *r) {
  return r->body || r->stream || !strcmp(r->method, "POST") || !strcmp(r->method, "PUT") || !strcmp(r->method, "PATCH");
}

static void add_headers(Xfer *x) {
  if (x->slist) L(curl_slist_free_all)(x->slist);
  x->slist = NULL;
  for (size_t i = 0; i < x->req.nheaders; i++) {
    const HttpHeader *h = &x->req.headers[i];
    size_t n = strlen(h->name) + strlen(h->value) + 3;
    char *line = must(malloc(n));
    if (*h->value)
      snprintf(line, n, "%s: %s", h->name, h->value);
    else
      snprintf(line, n, "%s;", h->name); /* curl's way to send an empty value */
    slist_add(x, line);
    free(line);
  }
  if (x->req.sigv4) { /* libcurl 7.88 signs lines that only take a header away, as if it were sent empty */
    L(curl_easy_setopt)(x->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    if (sends_body(&x->req) && !http_request_get(&x->req, "content-type")) slist_add(x, "Content-Type: application/octet-stream");
  } else {
    slist_add(x, "Expect:"); /* no extra round trip for larger bodies */
    if (!http_request_get(&x->req, "content-type")) slist_add(x, "Content-Type:");
  }
  L(curl_easy_setopt)(x->easy, CURLOPT_HTTPHEADER, x->slist);
}

static void set_stream(Xfer *x) {
  (void)http_body_seek(x->req.stream, 0); /* an earlier hop may have read it */
  L(curl_easy_setopt)(x->easy, CURLOPT_READFUNCTION, on_source);
  L(curl_easy_setopt)(x->easy, CURLOPT_READDATA, x);
  L(curl_easy_setopt)(x->easy, CURLOPT_SEEKFUNCTION, on_rewind);
  L(curl_easy_setopt)(x->easy, CURLOPT_SEEKDATA, x);
}

static void set_signature(Xfer *x) {
  if (!x->req.sigv4) return;
  L(curl_easy_setopt)(x->easy, CURLOPT_AWS_SIGV4, x->req.sigv4);
  L(curl_easy_setopt)(x->easy, CURLOPT_USERNAME, x->req.user);
  L(curl_easy_setopt)(x->easy, CURLOPT_PASSWORD, x->req.password);
}

static void set_method(Xfer *x) {
  CURL *h = x->easy;
  const char *m = x->req.method;
  bool body = sends_body(&x->req);
  if (!strcmp(m, "HEAD")) {
    L(curl_easy_setopt)(h, CURLOPT_NOBODY, 1L);
    return;
  }
  if (body) {
    L(curl_easy_setopt)(h, CURLOPT_POST, 1L);
    L(curl_easy_setopt)
    (h, CURLOPT_POSTFIELDSIZE_LARGE, x->req.stream ? (curl_off_t)http_body_size(x->req.stream) : (curl_off_t)x->req.nbody);
    if (x->req.stream) set_stream(x);
    else L(curl_easy_setopt)(h, CURLOPT_POSTFIELDS, x->req.body ? x->req.body : "");
  }
  if (strcmp(m, body ? "POST" : "GET")) L(curl_easy_setopt)(h, CURLOPT_CUSTOMREQUEST, m);
}

/* What is left of the whole time limit; -1: nothing. 0 = no limit. */
static int64_t time_left(const Xfer *x) {
  if (!x->req.timeout_ms) return 0;
  int64_t left = x->req.timeout_ms - x->spent_us / 1000;
  return left > 0 ? left : -1;
}

static void set_limits(Xfer *x, int64_t left) {
  CURL *h = x->easy;
  int64_t connect = x->req.connect_timeout_ms ? x->req.connect_timeout_ms : HTTP_DEFAULT_CONNECT_MS;
  L(curl_easy_setopt)(h, CURLOPT_TIMEOUT_MS, (long)left);
  L(curl_easy_setopt)(h, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
  if (strcmp(x->req.method, "HEAD")) L(curl_easy_setopt)(h, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)x->req.max_response);
}

static void set_options(Xfer *x) {
  CURL *h = x->easy;
  L(curl_easy_setopt)(h, CURLOPT_PRIVATE, x);
  L(curl_easy_setopt)(h, CURLOPT_URL, x->req.url);
  L(curl_easy_setopt)(h, CURLOPT_NOSIGNAL, 1L);
  L(curl_easy_setopt)(h, CURLOPT_PROTOCOLS_STR, "http,https");
  L(curl_easy_setopt)(h, CURLOPT_FOLLOWLOCATION, 0L);
  L(curl_easy_setopt)(h, CURLOPT_ACCEPT_ENCODING, "");
  L(curl_easy_setopt)(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  L(curl_easy_setopt)(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  L(curl_easy_setopt)(h, CURLOPT_OPENSOCKETDATA, x);
  L(curl_easy_setopt)(h, CURLOPT_WRITEFUNCTION, on_body);
  L(curl_easy_setopt)(h, CURLOPT_WRITEDATA, x);
  L(curl_easy_setopt)(h, CURLOPT_HEADERFUNCTION, on_header);
  L(curl_easy_setopt)(h, CURLOPT_HEADERDATA, x);
  L(curl_easy_setopt)(h, CURLOPT_FRESH_CONNECT, (long)x->req.fresh);
  L(curl_easy_setopt)(h, CURLOPT_FORBID_REUSE, (long)x->req.fresh);
  if (x->lane->guarded) L(curl_easy_setopt)(h, CURLOPT_PROXY, "");
  if (x->req.ca_file) L(curl_easy_setopt)(h, CURLOPT_CAINFO, x->req.ca_file);
  set_signature(x);
}

/* Starts the hop that x->req describes; on failure the transfer is finished with its error. */
static void start_hop(Lane *l, Xfer *x) {
  x->refused = NULL;
  x->oversize = x->aborted = x->source_failed = false;
  x->sinking = SINK_NOT_YET;
  x->header_bytes = x->body_cap = x->res->nbody = x->res->received = 0;
  free(x->res->body);
  x->res->body = NULL;
  headers_reset(x);
  free(x->res->method);
  x->res->method = copy(x->req.method);
  int64_t left = time_left(x);
  if (!take_url(x) || !check_headers(x)) return finish(x);
  if (!token(x->req.method)) return fail(x, HTTP_BAD_URL, "the method is not a token"), finish(x);
  if (left < 0) return fail(x, HTTP_TIMEOUT, "no time left after %d redirects", x->res->redirects), finish(x);
  x->easy = easy_get(l);
  set_options(x);
  set_method(x);
  set_limits(x, left);
  add_headers(x);
  CURLMcode rc = L(curl_multi_add_handle)(l->multi, x->easy);
  if (rc != CURLM_OK) return fail(x, HTTP_NETWORK, "%s", L(curl_multi_strerror)(rc)), finish(x);
  x->prev = NULL;
  x->next = l->active;
  if (l->active) l->active->prev = x;
  l->active = x;
}

static void detach(Lane *l, Xfer *x) {
  int64_t us = 0;
  curl_off_t t = 0;
  if (L(curl_easy_getinfo)(x->easy, CURLINFO_TOTAL_TIME_T, &t) == CURLE_OK) us = (int64_t)t;
  x->spent_us += us;
  (void)L(curl_multi_remove_handle)(l->multi, x->easy);
  if (x->prev)
    x->prev->next = x->next;
  else
    l->active = x->next;
  if (x->next) x->next->prev = x->prev;
}

/* ---- redirects ---- */

static bool same_origin(const char *a, const char *b) {
  bool same = true;
  CURLU *ua = must(L(curl_url)()), *ub = must(L(curl_url)());
  static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
  same = L(curl_url_set)(ua, CURLUPART_URL, a, 0) == CURLUE_OK && L(curl_url_set)(ub, CURLUPART_URL, b, 0) == CURLUE_OK;
  for (int i = 0; same && i < 3; i++) {
    char *pa = url_part(ua, parts[i], CURLU_DEFAULT_PORT), *pb = url_part(ub, parts[i], CURLU_DEFAULT_PORT);
    same = !strcasecmp(pa, pb);
    free(pa);
    free(pb);
  }
  L(curl_url_cleanup)(ua);
  L(curl_url_cleanup)(ub);
  return same;
}

static void drop_headers(HttpRequest *r, bool (*drop)(const HttpHeader *h)) {
  size_t n = 0;
  for (size_t i = 0; i < r->nheaders; i++) {
    if (drop(&r->headers[i])) {
      free(r->headers[i].name);
      free(r->headers[i].value);
    } else
      r->headers[n++] = r->headers[i];
  }
  r->nheaders = n;
}

static bool header_private(const HttpHeader *h) {
  return h->secret || !strcasecmp(h->name, "authorization") || !strcasecmp(h->name, "cookie") ||
         !strcasecmp(h->name, "proxy-authorization") || !strcasecmp(h->name, "host");
}

/* What another origin may not see. */
static void drop_private(HttpRequest *r) {
  drop_headers(r, header_private);
  free(r->sigv4);
  r->sigv4 = NULL;
}

static bool header_of_body(const HttpHeader *h) {
  return !strncasecmp(h->name, "content-", 8) || !strcasecmp(h->name, "transfer-encoding");
}

static void become_get(HttpRequest *r) {
  strcpy(r->method, "GET");
  free(r->body);
  http_body_free(r->stream);
  r->body = NULL;
  r->stream = NULL;
  r->nbody = 0;
  drop_headers(r, header_of_body);
}

/* Where a finished hop wants to go, malloc'ed; NULL: nowhere. */
static char *redirect_target(const Xfer *x) {
  char *url = NULL;
  if (!redirecting(x, x->res->status)) return NULL;
  if (L(curl_easy_getinfo)(x->easy, CURLINFO_REDIRECT_URL, &url) != CURLE_OK || !url) return NULL;
  return copy(url);
}

static void redirect(Lane *l, Xfer *x, char *target) {
  HttpRequest *r = &x->req;
  int s = x->res->status;
  bool origin = same_origin(r->url, target), post = !strcmp(r->method, "POST"), head = !strcmp(r->method, "HEAD");
  free(r->url);
  r->url = target;
  if (++x->res->redirects > r->max_redirects) {
    fail(x, HTTP_BAD_URL, "more than %d redirects", r->max_redirects);
    return finish(x);
  }
  if (!origin) drop_private(r);
  if ((s == 303 && !head) || ((s == 301 || s == 302) && post)) become_get(r);
  easy_put(l, x->easy);
  x->easy = NULL;
  start_hop(l, x);
}

/* ---- results ---- */

static enum HttpErr classify(CURLcode rc) {
  switch (rc) {
  case CURLE_OPERATION_TIMEDOUT: return HTTP_TIMEOUT;
  case CURLE_FILESIZE_EXCEEDED: return HTTP_OVERSIZE;
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL: return HTTP_BAD_URL;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_USE_SSL_FAILED: return HTTP_TLS;
  default: return HTTP_NETWORK;
  }
}

static void fail_curl(Xfer *x, CURLcode rc) {
  if (x->refused && rc == CURLE_COULDNT_CONNECT)
    fail(x, HTTP_GUARD, "%.100s is %s, which the outbound guard refuses; allow it with BREYTA_ALLOW_PRIVATE_HOSTS", x->host, x->refused);
  else if (x->aborted)
    fail(x, HTTP_ABORTED, "the body could not be taken further after %llu bytes", (unsigned long long)x->res->received);
  else if (x->source_failed)
    fail(x, HTTP_BAD_URL, "a file of the request's body cannot be read to its end");
  else if (x->oversize && x->header_bytes > HTTP_MAX_HEADER_BYTES)
    fail(x, HTTP_OVERSIZE, "response headers of more than %d bytes", HTTP_MAX_HEADER_BYTES);
  else if (x->oversize || rc == CURLE_FILESIZE_EXCEEDED)
    fail(x, HTTP_OVERSIZE, "response body of more than %zu bytes", body_limit(x, x->sinking != SINK_OFF));
  else if (classify(rc) == HTTP_TIMEOUT)
    fail(x, HTTP_TIMEOUT, "no complete answer in time (limit %lld ms, connecting %lld ms)", (long long)x->req.timeout_ms,
         (long long)(x->req.connect_timeout_ms ? x->req.connect_timeout_ms : HTTP_DEFAULT_CONNECT_MS));
  else
    fail(x, classify(rc), "%s (%.100s)", L(curl_easy_strerror)(rc), x->host);
}

static void hop_done(Lane *l, Xfer *x, CURLcode rc) {
  long status = 0;
  (void)L(curl_easy_getinfo)(x->easy, CURLINFO_RESPONSE_CODE, &status);
  x->res->status = (int)status;
  char *target = rc == CURLE_OK ? redirect_target(x) : NULL;
  detach(l, x);
  if (target) return redirect(l, x, target);
  if (rc != CURLE_OK) fail_curl(x, rc);
  else (void)sink_begins(x); /* a body of no bytes */
  finish(x);
}

/* ---- the I/O threads ---- */

static Xfer *find(Lane *l, uint64_t id) {
  for (Xfer *x = l->active; x; x = x->next)
    if (x->res->id == id) return x;
  return NULL;
}

static void cancel_now(Lane *l, uint64_t id) {
  Xfer *x = find(l, id);
  if (!x) return;
  detach(l, x);
  fail(x, HTTP_CANCELLED, "cancelled");
  finish(x);
}

/* Takes new requests and cancels; false when it is time to stop. */
static bool lane_take(Lane *l) {
  HttpClient *c = l->client;
  pthread_mutex_lock(&c->lock);
  Xfer *x = l->incoming;
  uint64_t *cancels = l->cancels;
  size_t n = l->ncancels;
  bool go = !l->stop;
  l->incoming = NULL;
  l->incoming_tail = &l->incoming;
  l->cancels = NULL;
  l->ncancels = 0;
  pthread_mutex_unlock(&c->lock);
  while (x) {
    Xfer *next = x->next;
    if (go)
      start_hop(l, x);
    else
      xfer_free(x);
    x = next;
  }
  for (size_t i = 0; i < n && go; i++) cancel_now(l, cancels[i]);
  free(cancels);
  return go;
}

static void lane_done(Lane *l) {
  int left;
  CURLMsg *m;
  while ((m = L(curl_multi_info_read)(l->multi, &left))) {
    Xfer *x = NULL;
    CURLcode rc = m->data.result; /* m dies with the handle */
    if (m->msg != CURLMSG_DONE) continue;
    (void)L(curl_easy_getinfo)(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
    hop_done(l, x, rc);
  }
}

/* The real one: tests that move the engine's clock do not move curl's. */
static int64_t clock_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* curl wants to know when this socket is ready. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known) {
  Lane *l = ctx;
  struct epoll_event ev = {.data.fd = fd};
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(l->poll_fd, EPOLL_CTL_DEL, fd, NULL);
    return 0;
  }
  if (what & CURL_POLL_IN) ev.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) ev.events |= EPOLLOUT;
  (void)known;
  if (epoll_ctl(l->poll_fd, EPOLL_CTL_MOD, fd, &ev) && errno == ENOENT) (void)epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, fd, &ev);
  return 0;
}

/* To the microsecond: when curl is called before the time it means, it does nothing and does not ask again. */
static int on_timer(CURLM *m, long ms, void *ctx) {
  Lane *l = ctx;
  (void)m;
  l->due_us = ms < 0 ? -1 : clock_us() + ms * 1000;
  return 0;
}

static void lane_must(CURLMcode rc) {
  if (rc == CURLM_OK) return;
  fprintf(stderr, "breyta-run: HTTP client: %s\n", L(curl_multi_strerror)(rc));
  abort(); /* only misuse or no memory lead here */
}

static void lane_wait(Lane *l) {
  struct epoll_event ev[64];
  uint64_t rings;
  int running, ms = -1;
  if (l->due_us >= 0) {
    int64_t left = l->due_us - clock_us();
    ms = left < 0 ? 0 : left > 60000000 ? 60000 : (int)((left + 999) / 1000);
  }
  int n = epoll_wait(l->poll_fd, ev, 64, ms);
  for (int i = 0; i < n; i++) {
    if (ev[i].data.fd == l->wake_fd) {
      while (read(l->wake_fd, &rings, sizeof rings) < 0 && errno == EINTR) continue;
      continue;
    }
    int what = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    lane_must(L(curl_multi_socket_action)(l->multi, ev[i].data.fd, what, &running));
  }
  if (l->due_us < 0 || clock_us() < l->due_us) return;
  l->due_us = -1;
  lane_must(L(curl_multi_socket_action)(l->multi, CURL_SOCKET_TIMEOUT, 0, &running));
}

static void *lane_run(void *arg) {
  Lane *l = arg;
  while (lane_take(l)) {
    lane_wait(l);
    lane_done(l);
  }
  while (l->active) {
    Xfer *x = l->active;
    detach(l, x);
    xfer_free(x);
  }
  while (l->nspare) L(curl_easy_cleanup)(l->spare[--l->nspare]);
  return NULL;
}

/* Signals are for the main thread. */
static int start_thread(Lane *l) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int rc = pthread_create(&l->thread, NULL, lane_run, l);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (!rc) pthread_setname_np(l->thread, l->guarded ? "http-guarded" : "http");
  return rc;
}

static bool lane_open(Lane *l) {
  struct epoll_event ev = {.events = EPOLLIN};
  l->due_us = -1;
  l->poll_fd = epoll_create1(EPOLL_CLOEXEC);
  l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ev.data.fd = l->wake_fd;
  l->multi = L(curl_multi_init)();
  return l->multi && l->wake_fd >= 0 && l->poll_fd >= 0 && !epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, l->wake_fd, &ev);
}

static void lane_close(Lane *l) {
  if (l->multi) (void)L(curl_multi_cleanup)(l->multi);
  if (l->poll_fd >= 0) close(l->poll_fd);
  if (l->wake_fd >= 0) close(l->wake_fd);
}

/* A connection that is closed after its request costs the next one half as much again; but those kept for later must leave descriptors to
 * the rest of the process. */
enum { MOST_CONNECTIONS = 512 };
static long kept_connections(void) {
  struct rlimit r;
  if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == RLIM_INFINITY || r.rlim_cur / 4 >= MOST_CONNECTIONS) return MOST_CONNECTIONS;
  return r.rlim_cur < 64 ? 16 : (long)r.rlim_cur / 4;
}

/* Under the lock. */
static bool lane_start(Lane *l, Err *e) {
  if (l->started) return true;
  if (!lane_open(l)) {
    err_set(e, "http_client", "the HTTP client cannot start: %s", strerror(errno));
    return lane_close(l), false;
  }
  (void)L(curl_multi_setopt)(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  (void)L(curl_multi_setopt)(l->multi, CURLMOPT_SOCKETDATA, l);
  (void)L(curl_multi_setopt)(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  (void)L(curl_multi_setopt)(l->multi, CURLMOPT_TIMERDATA, l);
  (void)L(curl_multi_setopt)(l->multi, CURLMOPT_MAXCONNECTS, kept_connections());
  (void)L(curl_multi_setopt)(l->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)MOST_CONNECTIONS);
  (void)L(curl_multi_setopt)(l->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
  int rc = start_thread(l);
  l->started = !rc;
  if (l->started) return true;
  lane_close(l);
  return err_set(e, "http_client", "cannot start the HTTP thread: %s", strerror(rc));
}

HttpClient *http_client_new(const Guard *g, Err *e) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return err_set(e, "http_client", "eventfd: %s", strerror(errno)), NULL;
  HttpClient *c = must(calloc(1, sizeof *c));
  pthread_mutex_init(&c->lock, NULL);
  c->fd = fd;
  c->none = g ? NULL : guard_new(NULL, e);
  c->guard = g ? g : c->none;
  c->ready_tail = &c->ready;
  for (int i = 0; i < 2; i++) {
    c->lanes[i].client = c;
    c->lanes[i].guarded = i;
    c->lanes[i].incoming_tail = &c->lanes[i].incoming;
  }
  return c;
}

static void lane_stop(Lane *l) {
  if (!l->started) return;
  pthread_mutex_lock(&l->client->lock);
  l->stop = true;
  ring(l->wake_fd);
  pthread_mutex_unlock(&l->client->lock);
  pthread_join(l->thread, NULL);
  lane_close(l);
  free(l->cancels);
}

void http_client_free(HttpClient *c) {
  if (!c) return;
  for (int i = 0; i < 2; i++) lane_stop(&c->lanes[i]);
  while (c->ready) {
    HttpResponse *r = c->ready;
    c->ready = r->next;
    http_response_free(r);
  }
  close(c->fd);
  guard_free(c->none);
  pthread_mutex_destroy(&c->lock);
  free(c);
}

uint64_t http_client_send(HttpClient *c, HttpRequest *r, Err *e) {
  pthread_once(&lib_once, lib_load);
  if (!lib.ok) {
    err_set(e, "http_client", "cannot load libcurl: %s", lib.error);
    http_request_free(r);
    return 0;
  }
  Lane *l = &c->lanes[r->guard];
  pthread_mutex_lock(&c->lock);
  uint64_t id = 0;
  if (lane_start(l, e)) {
    Xfer *x = must(calloc(1, sizeof *x));
    x->req = *r;
    memset(r, 0, sizeof *r);
    x->res = must(calloc(1, sizeof *x->res));
    x->lane = l;
    x->res->id = id = (++c->last_id << 1) | (uint64_t)l->guarded;
    if (!l->incoming) ring(l->wake_fd);
    *l->incoming_tail = x;
    l->incoming_tail = &x->next;
  }
  pthread_mutex_unlock(&c->lock);
  if (!id) http_request_free(r);
  return id;
}

void http_client_cancel(HttpClient *c, uint64_t id) {
  Lane *l = &c->lanes[id & 1];
  pthread_mutex_lock(&c->lock);
  if (l->started) {
    l->cancels = must(realloc(l->cancels, (l->ncancels + 1) * sizeof *l->cancels));
    l->cancels[l->ncancels++] = id;
    ring(l->wake_fd);
  }
  pthread_mutex_unlock(&c->lock);
}

HttpResponse *http_client_next(HttpClient *c) {
  uint64_t count;
  pthread_mutex_lock(&c->lock);
  HttpResponse *r = c->ready;
  if (r) c->ready = r->next;
  if (!c->ready) {
    c->ready_tail = &c->ready;
    while (read(c->fd, &count, sizeof count) < 0 && errno == EINTR) continue;
  }
  pthread_mutex_unlock(&c->lock);
  if (r) r->next = NULL;
  return r;
}

int http_client_fd(const HttpClient *c) { return c->fd; }
