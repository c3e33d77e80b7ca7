#include "listener.h"
#include "reader/text.h"
#include "agent_script.h"
#include "runtime/base/limits.h"
#include "listener_kept.h"
#include "runtime/base/metrics.h"
#include "proxy.h"
#include "runtime/base/sock.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- libmicrohttpd, loaded by the first listener_start ---- */

#define MHD_FUNCTIONS(F)                                                                                                                   \
  F(MHD_start_daemon)                                                                                                                      \
  F(MHD_stop_daemon) F(MHD_quiesce_daemon) F(MHD_suspend_connection) F(MHD_resume_connection) F(MHD_create_response_from_buffer)           \
      F(MHD_add_response_header) F(MHD_queue_response) F(MHD_destroy_response) F(MHD_get_connection_values) F(MHD_lookup_connection_value) \
          F(MHD_get_connection_info) F(MHD_create_response_from_fd_at_offset64) F(MHD_create_response_from_callback) F(MHD_run) F(MHD_get_timeout) F(MHD_get_daemon_info)
#define MHD_FIELD(f) __typeof__(&f) p_##f;
static struct {
  MHD_FUNCTIONS(MHD_FIELD) char error[200];
  bool ok;
} lib;
#define L(f) (lib.p_##f)

static pthread_once_t lib_once = PTHREAD_ONCE_INIT;

static void lib_load(void) {
  void *so = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(lib.error, sizeof lib.error, "%s", dlerror());
    return;
  }
#define MHD_LOAD(f)                                                                                                                        \
  *(void **)&lib.p_##f = dlsym(so, #f);                                                                                                    \
  if (!lib.p_##f) {                                                                                                                        \
    snprintf(lib.error, sizeof lib.error, "libmicrohttpd.so.12 has no " #f);                                                               \
    return;                                                                                                                                \
  }
  MHD_FUNCTIONS(MHD_LOAD)
  lib.ok = true;
}

/* ---- state ---- */

enum Phase { PHASE_READING, PHASE_PARKED, PHASE_ANSWERED, PHASE_QUEUED };

/* One HTTP request, from its first header to the end of its answer. `lock` of the listener guards phase, status, answer. */
typedef struct Conn {
  Listener *l;
  struct MHD_Connection *mhd;
  uint64_t token;
  enum Phase phase;
  bool was_parked;
  bool too_big, shed, full; /* body over the limit; over the bound of all bodies; the disk took no more of it */
  Buf body;
  uint64_t max_body;
  int spool; /* where a large body goes, -1 */
  uint64_t nspool;
  size_t held; /* this request's part of the listener's sum, until it is over */
  int status;
  char *answer;
  size_t nanswer;
    int fd;         /* a file in place of the text; -1 */
  ListenSource source; /* or this */
  uint64_t nfile;
  char *type, *filename;
  char *extra; /* more headers, "name\nvalue\n" each; NULL: an answer of our own */
  int64_t park_until_us;    /* monotonic */
  int64_t begun_us;
  const char *route; /* for the figures: a literal */
  struct Conn *prev, *next; /* list of parked ones, or of answered ones */
  struct Conn *chain;       /* of the same bucket */
} Conn;

enum { PARKED_BUCKETS = 1024 }; /* tokens are counted up */

struct Listener {
  struct MHD_Daemon *daemon;
  ListenFn f;
  void *ctx;
  int fd, port;
  int64_t park_us;
  ListenerOptions o;
  char *spool_dir, *cert, *key;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread; /* runs the daemon */
  int wake_fd;      /* and is woken by this */
  bool ends;
  int64_t sweep_us; /* when to look for those that nobody has answered */
  Conn *parked;     /* suspended, oldest last */
  Conn *answered;   /* suspended, to be resumed by the thread */
  Conn *by_token[PARKED_BUCKETS];
  struct Drip *streams;
  int suspended; /* about to be suspended, suspended, or resumed but not yet seen by the handler again */
  int unsent;    /* requests that were parked and whose answer has not been sent completely */
  size_t held;   /* bytes of bodies under way */
  uint64_t last_token;
  KeptTable kept;
  bool stopping, refusing;
};

static void *must(void *p) {
  if (!p) {
    fputs("breyta-run: out of memory in the listener\n", stderr);
    _exit(70);
  }
  return p;
}

static char *copy_n(const char *s, size_t n) {
  char *p = must(malloc(n + 1));
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

/* ---- answers ---- */

static const char page_type[] = "text/html; charset=utf-8";

/* Of an answer whose headers somebody else has written: a browser runs nothing of it as ours. */
static void extra_headers(struct MHD_Response *r, char *extra) {
  (void)L(MHD_add_response_header)(r, "Content-Security-Policy", "sandbox");
  (void)L(MHD_add_response_header)(r, "X-Content-Type-Options", "nosniff");
  for (char *name = extra, *value, *end; *name; name = end + 1) {
    value = strchr(name, '\n');
    *value++ = 0;
    end = strchr(value, '\n');
    *end = 0;
    (void)L(MHD_add_response_header)(r, name, value);
  }
}

/* What is understood there, for 405. */
static const char *allowed(const Conn *x) {
  static const char *const by_door[][2] = {{"api", "GET, POST, PUT, DELETE"}, {"self", "GET"}, {"resources", "GET"}, {"waits", "GET, POST"}};
  for (size_t i = 0; x->route && i < sizeof by_door / sizeof *by_door; i++)
    if (!strcmp(x->route, by_door[i][0])) return by_door[i][1];
  return "POST";
}

/* Not-error answers carry their own text; errors are made here. type NULL: JSON. */
static enum MHD_Result reply(Conn *x, int status, char *json, size_t n, const char *type, char *extra) {
  struct MHD_Response *r = must(L(MHD_create_response_from_buffer)(n, json, MHD_RESPMEM_MUST_FREE));
  (void)L(MHD_add_response_header)(r, "Content-Type", type ? type : "application/json");
  static const char *const page_headers[][2] = {
      {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
      {"Referrer-Policy", "no-referrer"}, {"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"}, {"X-Robots-Tag", "noindex"}};
  bool html = type && !strcmp(type, page_type);
  for (size_t i = 0; html && i < sizeof page_headers / sizeof *page_headers; i++)
    (void)L(MHD_add_response_header)(r, page_headers[i][0], page_headers[i][1]);
  if (extra) extra_headers(r, extra);
  else (void)L(MHD_add_response_header)(r, "Cache-Control", "no-store");
  if (status == 405) (void)L(MHD_add_response_header)(r, "Allow", allowed(x));
  if (status == 503) (void)L(MHD_add_response_header)(r, "Retry-After", "1");
  enum MHD_Result ok = L(MHD_queue_response)(x->mhd, (unsigned)status, r);
  L(MHD_destroy_response)(r);
  return ok;
}

/* The one range of "bytes=a-b", "bytes=a-" or "bytes=-n" within size (RFC 9110 14.1.2). 0: none that is understood, the whole file;
 * -1: none that there is. */
static int range_of(const char *s, uint64_t size, uint64_t *from, uint64_t *n) {
  char *end;
  if (!s || strncmp(s, "bytes=", 6) || strchr(s, ',')) return 0;
  s += 6;
  bool tail = *s == '-';
  uint64_t a = strtoull(s + tail, &end, 10), b = UINT64_MAX;
  if (end == s + tail || strspn(s, "0123456789-") != strlen(s)) return 0;
  if (tail) a = a >= size ? 0 : a ? size - a : size;
  else if (*end == '-' && end[1]) b = strtoull(end + 1, &end, 10);
  else if (*end != '-') return 0;
  if (!tail && b < a) return 0;
  if (a >= size) return -1;
  *from = a;
  *n = (b >= size ? size - 1 : b) - a + 1;
  return 1;
}

/* What a file is called, in the quotes of Content-Disposition: other characters than plain ones become _. */
static void disposition(const char *filename, char *out, size_t n) {
  size_t at = (size_t)snprintf(out, n, "attachment; filename=\"");
  for (; *filename && at + 3 < n; filename++) out[at++] = (unsigned char)*filename > 0x7e || strchr("\\\"\r\n/", *filename) || *filename < ' ' ? '_' : *filename;
  snprintf(out + at, n - at, "\"");
}

/* ---- bytes that come bit by bit ---- */

typedef struct Drip {
  Listener *l;
  struct MHD_Connection *mhd;
  ListenSource source;
  uint64_t token, from;
  bool asleep, resumed, woken; /* under the lock; resumed: out of its sleep, not seen yet; woken: since it was read last */
  struct Drip *next;
} Drip;

/* locked */
static void stream_seen(Drip *s) {
  if (!s->asleep) return;
  s->asleep = s->resumed = false;
  s->l->suspended--;
  pthread_cond_broadcast(&s->l->changed);
}

static bool stream_sleeps(Drip *s) { /* false: it was woken meanwhile */
  Listener *l = s->l;
  pthread_mutex_lock(&l->lock);
  bool sleeps = !s->woken && !l->stopping;
  s->woken = false;
  if (sleeps) {
    s->asleep = true;
    l->suspended++;
    L(MHD_suspend_connection)(s->mhd);
  }
  pthread_mutex_unlock(&l->lock);
  return sleeps;
}

static ssize_t stream_read(void *ctx, uint64_t at, char *p, size_t n) {
  Drip *s = ctx;
  pthread_mutex_lock(&s->l->lock);
  stream_seen(s);
  bool stopping = s->l->stopping;
  pthread_mutex_unlock(&s->l->lock);
  int64_t got;
  while (!(got = s->source.read(s->source.ctx, s->from + at, p, n)) && !stopping) {
    if (stream_sleeps(s)) return 0;
    pthread_mutex_lock(&s->l->lock);
    stopping = s->l->stopping;
    pthread_mutex_unlock(&s->l->lock);
  }
  return got > 0 ? (ssize_t)got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void stream_free(void *ctx) {
  Drip *s = ctx, **at;
  pthread_mutex_lock(&s->l->lock);
  for (at = &s->l->streams; *at != s; at = &(*at)->next) continue;
  *at = s->next;
  stream_seen(s);
  pthread_mutex_unlock(&s->l->lock);
  s->source.free(s->source.ctx);
  free(s);
}

static void stream_wake(Drip *s) { /* locked */
  s->woken = true;
  if (s->asleep && !s->resumed) L(MHD_resume_connection)(s->mhd);
  s->resumed = s->asleep;
}

void listener_wake(Listener *l, uint64_t token) {
  pthread_mutex_lock(&l->lock);
  for (Drip *s = l->streams; s; s = s->next)
    if (s->token == token) stream_wake(s);
  pthread_mutex_unlock(&l->lock);
}

static struct MHD_Response *stream_response(Conn *x, uint64_t from, uint64_t n) {
  if (!n) return must(L(MHD_create_response_from_buffer)(0, NULL, MHD_RESPMEM_PERSISTENT));
  Drip *s = must(calloc(1, sizeof *s));
  *s = (Drip){.l = x->l, .mhd = x->mhd, .source = x->source, .token = x->token, .from = from};
  x->source.free = NULL;
  pthread_mutex_lock(&x->l->lock);
  s->next = x->l->streams;
  x->l->streams = s;
  pthread_mutex_unlock(&x->l->lock);
  return must(L(MHD_create_response_from_callback)(n, 65536, stream_read, s, stream_free));
}

static enum MHD_Result reply_file(Conn *x) {
  uint64_t from = 0, n = x->nfile;
  char text[300];
  int range = range_of(L(MHD_lookup_connection_value)(x->mhd, MHD_HEADER_KIND, "Range"), x->nfile, &from, &n);
  if (range < 0) n = 0;
  struct MHD_Response *r = x->fd >= 0 ? must(L(MHD_create_response_from_fd_at_offset64)(n, x->fd, from)) : stream_response(x, from, n);
  x->fd = -1; /* the response's */
  (void)L(MHD_add_response_header)(r, "Content-Type", x->type);
  static const char *const headers[][2] = {{"Content-Security-Policy", "default-src 'none'; sandbox"}, {"X-Content-Type-Options", "nosniff"},
                                           {"Referrer-Policy", "no-referrer"}, {"Accept-Ranges", "bytes"}, {"Cache-Control", "private, no-store"}};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) (void)L(MHD_add_response_header)(r, headers[i][0], headers[i][1]);
  if (x->filename) {
    disposition(x->filename, text, sizeof text);
    (void)L(MHD_add_response_header)(r, "Content-Disposition", text);
  }
  if (range > 0) snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)from, (unsigned long long)(from + n - 1), (unsigned long long)x->nfile);
  if (range < 0) snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)x->nfile);
  if (range) (void)L(MHD_add_response_header)(r, "Content-Range", text);
  metric_add(METRIC_resource_served_bytes_total, (int64_t)n);
  enum MHD_Result ok = L(MHD_queue_response)(x->mhd, range > 0 ? 206 : range < 0 ? 416 : 200, r);
  L(MHD_destroy_response)(r);
  return ok;
}

static char *error_text(const char *code, const char *message, size_t *n) {
  char t[400];
  int k = snprintf(t, sizeof t, "{\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code, message); /* both fixed texts */
  *n = (size_t)k;
  return copy_n(t, *n);
}

static void observe(const Conn *x, int status) {
  char text[8];
  snprintf(text, sizeof text, "%d", status);
  metric_count(METRIC_requests_total, x->route, text);
  metric_observe(METRIC_request_seconds, x->route, NULL, mono_us() - x->begun_us);
}

static enum MHD_Result refuse(Conn *x, int status, const char *code, const char *message) {
  size_t n;
  char *t = error_text(code, message, &n);
  x->phase = PHASE_QUEUED;
  observe(x, status);
  return reply(x, status, t, n, NULL, NULL);
}

/* ---- paths ---- */

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

/* Percent-decoded copy of n bytes; NULL: malformed, NUL inside, or not UTF-8. */
static char *decode(const char *s, size_t n, bool plus) {
  char *out = must(malloc(n + 1));
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
static bool split_path(const Listener *l, const char *url, const char **ws, size_t *nws, const char **key, enum ListenDoor *door) {
  static const char *const doors[] = {[LISTEN_EVENTS] = "/events/", [LISTEN_WAITS] = "/waits/", [LISTEN_RESOURCES] = "/resources/",
                                      [LISTEN_PROGRESS] = "/progress/"};
  if (*url != '/') return false;
  *ws = url + 1;
  *nws = strcspn(*ws, "/");
  const char *p = *ws + *nws;
  if (l->o.api && (!strcmp(url, "/metrics") || !strcmp(url, "/readyz") || !strcmp(url, "/healthz")))
    return *door = LISTEN_SELF, *key = url + 1, *nws = 0, true;
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

static bool method_ok(enum ListenDoor door, const char *method) {
  bool get = !strcmp(method, "GET"), post = !strcmp(method, "POST");
  if (door == LISTEN_SELF) return get;
  if (door == LISTEN_API) return get || post || !strcmp(method, "PUT") || !strcmp(method, "DELETE");
  return door == LISTEN_RESOURCES ? get : door == LISTEN_WAITS ? get || post : post;
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
    p.name = copy_n(name, strlen(name));
    p.value = copy_n(value ? value : "", value ? strlen(value) : 0);
    for (char *s = p.name; *s; s++)
      if (*s >= 'A' && *s <= 'Z') *s += 'a' - 'A';
  }
  l->a = must(realloc(l->a, (l->n + 1) * sizeof *l->a));
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
static ListenRequest *request_of(Conn *x, const char *url, const char *method) {
  const char *ws = NULL, *key = NULL;
  size_t nws = 0;
  ListenRequest *r = must(calloc(1, sizeof *r));
  PairList headers = {0}, query = {.query = true};
  if (!split_path(x->l, url, &ws, &nws, &key, &r->door)) return free(r), NULL;
  snprintf(r->method, sizeof r->method, "%s", method);
  r->workspace = decode(ws, nws, false);
  r->key = decode(key, strlen(key), false);
  r->raw = copy_n(key, strlen(key));
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

/* ---- parking ---- */

static Conn *parked(Listener *l, uint64_t token) {
  Conn *x = l->by_token[token % PARKED_BUCKETS];
  while (x && x->token != token) x = x->chain;
  return x;
}

static void unlink_parked(Conn *x) {
  Conn **at = &x->l->by_token[x->token % PARKED_BUCKETS];
  while (*at != x) at = &(*at)->chain;
  *at = x->chain;
  if (x->prev)
    x->prev->next = x->next;
  else
    x->l->parked = x->next;
  if (x->next) x->next->prev = x->prev;
  x->prev = x->next = NULL;
}

static void wake(Listener *l) {
  uint64_t one = 1;
  if (write(l->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN) abort(); /* EAGAIN: it is awake for long */
}

/* Under the lock: the answer is there, the handler may go on. */
static void answer_locked(Conn *x, int status, char *json, size_t n, const char *type) {
  unlink_parked(x);
  x->phase = PHASE_ANSWERED;
  x->status = status;
  x->answer = json;
  x->nanswer = n;
  x->type = type ? copy_n(type, strlen(type)) : x->type;
  if (!x->l->answered) wake(x->l);
  x->next = x->l->answered;
  x->l->answered = x;
}

static void answer_503(Conn *x, const char *code, const char *message) {
  size_t n;
  char *t = error_text(code, message, &n);
  answer_locked(x, 503, t, n, NULL);
}

/* False when the listener is stopping: then nothing may be suspended any more. */
static bool reserve_park(Listener *l) {
  pthread_mutex_lock(&l->lock);
  bool ok = !l->stopping && !l->refusing;
  if (ok) l->suspended++, l->unsent++;
  pthread_mutex_unlock(&l->lock);
  return ok;
}

/* Suspends first and publishes the token after: an answer may come while the callback is still running. */
static enum MHD_Result park(Conn *x, ListenRequest *r) {
  Listener *l = x->l;
  if (!reserve_park(l)) return listener_request_free(r), refuse(x, 503, "stopping", "the server is stopping; try again");
  L(MHD_suspend_connection)(x->mhd);
  pthread_mutex_lock(&l->lock);
  x->token = r->token = ++l->last_token;
  x->phase = PHASE_PARKED;
  x->was_parked = true;
  x->park_until_us = mono_us() + l->park_us;
  x->next = l->parked;
  if (l->parked) l->parked->prev = x;
  l->parked = x;
  x->chain = l->by_token[x->token % PARKED_BUCKETS];
  l->by_token[x->token % PARKED_BUCKETS] = x;
  bool stopping = l->stopping;
  if (stopping) answer_503(x, "stopping", "the server is stopping; try again");
  pthread_mutex_unlock(&l->lock);
  if (stopping)
    listener_request_free(r);
  else
    l->f(l->ctx, r);
  return MHD_YES;
}

static bool answer_any(Listener *l, uint64_t token, int status, const char *text, size_t n, const char *type) {
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  if (x) answer_locked(x, status >= 100 && status <= 599 ? status : 500, copy_n(text, n), n, type);
  pthread_mutex_unlock(&l->lock);
  return x;
}

/* locked */
static void answer_bytes(Conn *x, uint64_t size, const char *content_type, const char *filename) {
  x->nfile = size;
  x->type = copy_n(content_type, strlen(content_type));
  x->filename = filename ? copy_n(filename, strlen(filename)) : NULL;
  answer_locked(x, 200, NULL, 0, NULL);
}

bool listener_answer_source(Listener *l, uint64_t token, ListenSource source, uint64_t size, const char *content_type, const char *filename) {
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  if (x) {
    x->source = source;
    answer_bytes(x, size, content_type, filename);
  }
  pthread_mutex_unlock(&l->lock);
  if (!x) source.free(source.ctx);
  return x;
}

bool listener_answer_file(Listener *l, uint64_t token, int fd, uint64_t size, const char *content_type, const char *filename) {
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  if (x) {
    x->fd = fd;
    answer_bytes(x, size, content_type, filename);
  } else {
    close(fd);
  }
  pthread_mutex_unlock(&l->lock);
  return x;
}
bool listener_answer(Listener *l, uint64_t token, int status, const char *json, size_t n) {
  return answer_any(l, token, status, json, n, NULL);
}
bool listener_answer_page(Listener *l, uint64_t token, int status, const char *html, size_t n) {
  return answer_any(l, token, status, html, n, page_type);
}
bool listener_answer_text(Listener *l, uint64_t token, int status, const char *content_type, const char *text, size_t n) {
  return answer_any(l, token, status, text, n, content_type);
}

bool listener_answer_own(Listener *l, uint64_t token, int status, const char *content_type, const char *headers, const char *text, size_t n) {
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  if (x) x->extra = copy_n(headers, strlen(headers));
  if (x) answer_locked(x, status, copy_n(text, n), n, content_type);
  pthread_mutex_unlock(&l->lock);
  return x;
}

bool listener_alive(Listener *l, uint64_t token) {
  char one;
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  const union MHD_ConnectionInfo *i = x ? L(MHD_get_connection_info)(x->mhd, MHD_CONNECTION_INFO_CONNECTION_FD) : NULL;
  ssize_t n = i ? recv(i->connect_fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) : 0;
  bool alive = n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
  pthread_mutex_unlock(&l->lock);
  return alive;
}

void listener_route(Listener *l, uint64_t token, const char *route) {
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  if (x) x->route = route;
  pthread_mutex_unlock(&l->lock);
}

bool listener_hold(Listener *l, uint64_t token, int64_t ms) {
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  if (x) x->park_until_us = mono_us() + ms * 1000;
  pthread_mutex_unlock(&l->lock);
  return x;
}

/* libmicrohttpd does not notice a client that hung up while its connection is suspended: nobody stays parked for ever. */
static void sweep(Listener *l) {
  int64_t now = mono_us();
  for (Conn *x = l->parked, *next; x; x = next) {
    next = x->next;
    if (x->park_until_us <= now) answer_503(x, "not_confirmed", "the request was not confirmed in time; send it again");
  }
}

static struct timespec time_in(int64_t us) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += (time_t)(us / 1000000);
  t.tv_nsec += (long)(us % 1000000) * 1000;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  return t;
}

/* ---- libmicrohttpd's callbacks ---- */

static enum MHD_Result too_large(Conn *x) {
  char text[80];
  unsigned long long most = x->max_body;
  if (most % (1 << 20)) snprintf(text, sizeof text, "the body is over %llu bytes", most);
  else snprintf(text, sizeof text, "the body is over %llu MiB", most >> 20);
  return refuse(x, 413, "too_large", text);
}

static uint64_t max_body(Listener *l, const char *url, const char *method) {
  const char *ws, *key;
  size_t n;
  enum ListenDoor door;
  bool known = split_path(l, url, &ws, &n, &key, &door);
  if (known && door == LISTEN_PROGRESS) return LISTENER_PROGRESS_BYTES;
  return known && l->o.max_body ? l->o.max_body(door, method, key) : (uint64_t)limit_value(LIMIT_callback_bytes);
}

static enum MHD_Result first_call(Listener *l, struct MHD_Connection *c, const char *url, const char *method, void **slot) {
  Conn *x = must(calloc(1, sizeof *x));
  x->l = l;
  x->mhd = c;
  x->fd = x->spool = -1;
  x->begun_us = mono_us();
  x->route = "unknown";
  x->max_body = max_body(l, url, method);
  *slot = x;
  const char *len = L(MHD_lookup_connection_value)(c, MHD_HEADER_KIND, "Content-Length");
  /* A little too much is read and thrown away, so that the client sees the answer; much too much is not. */
  if (len && strtoull(len, NULL, 10) > x->max_body + 7u * LISTENER_MEMORY) return too_large(x);
  return MHD_YES;
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

static void take_data(Conn *x, const char *p, size_t n) {
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

static const char *const door_names[] = {
    [LISTEN_EVENTS] = "events", [LISTEN_WAITS] = "waits", [LISTEN_RESOURCES] = "resources", [LISTEN_PROGRESS] = "progress", [LISTEN_API] = "api", [LISTEN_SELF] = "self"};

/* The helper for machines where agents run: the same for everybody. */
static enum MHD_Result install_script(Conn *x) {
  Buf b = {0};
  agent_script_install(&b);
  size_t n = b.n;
  x->route = "agent";
  x->phase = PHASE_QUEUED;
  observe(x, 200);
  return reply(x, 200, buf_cstr(&b), n, "text/x-shellscript; charset=utf-8", NULL);
}

/* ---- answers that stay true ---- */

static const char *sent(const Conn *x, const char *name) { return L(MHD_lookup_connection_value)(x->mhd, MHD_HEADER_KIND, name); }
static void drop_response(void *r) { L(MHD_destroy_response)(r); }

typedef struct Known {
  Conn *x;
  enum MHD_Result result;
} Known;
static void queue_known(void *ctx, const KeptAnswer *k) {
  Known *known = ctx;
  known->x->route = k->route;
  known->result = L(MHD_queue_response)(known->x->mhd, 200, k->answer);
}

/* false: it goes its way */
static bool answered_as_kept(Conn *x, const char *key, const char *method, enum MHD_Result *result) {
  Known known = {.x = x};
  uint8_t id[32];
  if (strcmp(method, "POST") || x->body.n > KEPT_BODY || x->spool >= 0 || !kept_any(&x->l->kept)) return false;
  pthread_mutex_lock(&x->l->lock);
  bool ends = x->l->stopping || x->l->refusing;
  pthread_mutex_unlock(&x->l->lock);
  kept_id(key, sent(x, "Authorization"), sent(x, "X-Breyta-Workspace"), x->body.p ? x->body.p : "", x->body.n, id);
  if (ends || !kept_use(&x->l->kept, id, now_ms(), queue_known, &known)) return false;
  x->phase = PHASE_QUEUED;
  observe(x, 200);
  *result = known.result;
  return true;
}

void listener_keep(Listener *l, const ListenRequest *r, const char *json, size_t n, const char *route, int64_t until_ms) {
  KeptAnswer k = {.route = route, .until_ms = until_ms, .bytes = n + sizeof k};
  if (r->door != LISTEN_API || strcmp(r->method, "POST") || r->nquery || r->nbody > KEPT_BODY || n > KEPT_ANSWER) return;
  kept_id(r->raw, listener_header(r, "authorization"), listener_header(r, "x-breyta-workspace"), r->body, r->nbody, k.id);
  k.answer = must(L(MHD_create_response_from_buffer)(n, copy_n(json, n), MHD_RESPMEM_MUST_FREE));
  (void)L(MHD_add_response_header)(k.answer, "Content-Type", "application/json");
  (void)L(MHD_add_response_header)(k.answer, "Cache-Control", "no-store");
  kept_put(&l->kept, &k);
}

void listener_forget(Listener *l) { kept_forget(&l->kept); }

static enum MHD_Result dispatch(Conn *x, const char *url, const char *method) {
  const char *ws, *key;
  size_t n;
  enum ListenDoor door;
  if (!strcmp(url, "/agent/install.sh") && !strcmp(method, "GET")) return install_script(x);
  if (!split_path(x->l, url, &ws, &n, &key, &door)) return refuse(x, 404, "not_found", "callbacks go to POST /<workspace>/events/<wait-key>");
  x->route = door_names[door];
  if (door == LISTEN_SELF && method_ok(door, method) && !strcmp(key, "healthz")) {
    x->phase = PHASE_QUEUED;
    observe(x, 200);
    return reply(x, 200, copy_n("{\"ok\":true}", 11), 11, NULL, NULL);
  }
  if (!method_ok(door, method))
    return refuse(x, 405, "method_not_allowed", door == LISTEN_SELF ? "this is asked with GET" : door == LISTEN_API ? "GET, POST, PUT and DELETE are understood here" : "callbacks are sent with POST");
  if (x->too_big) return too_large(x);
  if (x->full) return refuse(x, 507, "disk_full", "there is no room on the disk for a body of this size");
  if (x->shed) return refuse(x, 503, "busy", "too many bodies under way; try again");
  enum MHD_Result known;
  if (door == LISTEN_API && answered_as_kept(x, key, method, &known)) return known;
  ListenRequest *r = request_of(x, url, method);
  if (!r) return refuse(x, 400, "bad_request", "the path or query is not percent-encoded UTF-8, or the key is over 1024 bytes");
  return park(x, r);
}

static enum MHD_Result send_answer(Conn *x) {
  Listener *l = x->l;
  pthread_mutex_lock(&l->lock);
  bool ready = x->phase == PHASE_ANSWERED;
  char *t = x->answer;
  size_t n = x->nanswer;
  int status = x->status;
  if (ready) {
    x->answer = NULL;
    x->phase = PHASE_QUEUED;
    l->suspended--;
    if (l->stopping) pthread_cond_broadcast(&l->changed); /* nobody else counts */
  }
  pthread_mutex_unlock(&l->lock);
  if (ready) observe(x, status);
  if (ready && (x->fd >= 0 || x->source.free)) return reply_file(x);
  return ready ? reply(x, status, t, n, x->type, x->extra) : MHD_YES;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                              const char *data, size_t *ndata, void **slot) {
  Conn *x = *slot;
  (void)version;
  if (!x) return first_call(ctx, c, url, method, slot);
  if (*ndata) {
    take_data(x, data, *ndata);
    *ndata = 0;
    return MHD_YES;
  }
  return x->phase == PHASE_READING ? dispatch(x, url, method) : send_answer(x);
}

static void completed(void *ctx, struct MHD_Connection *c, void **slot, enum MHD_RequestTerminationCode why) {
  Listener *l = ctx;
  Conn *x = *slot;
  (void)c;
  if (!x) return;
  if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK && x->was_parked && l->o.unsent) l->o.unsent(l->ctx, x->token);
  pthread_mutex_lock(&l->lock);
  if (x->phase == PHASE_PARKED) unlink_parked(x);
  if (x->phase == PHASE_PARKED || x->phase == PHASE_ANSWERED) l->suspended--;
  l->unsent -= x->was_parked;
  l->held -= x->held;
  if (l->stopping) pthread_cond_broadcast(&l->changed);
  pthread_mutex_unlock(&l->lock);
  buf_free(&x->body);
  free(x->answer);
  if (x->fd >= 0) close(x->fd);
  if (x->spool >= 0) close(x->spool);
  if (x->source.free) x->source.free(x->source.ctx);
  free(x->type);
  free(x->filename);
  free(x->extra);
  free(x);
  *slot = NULL;
}

/* Paths and arguments are decoded here, not by the library: %2F and %00 must stay visible. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *c, char *s) {
  (void)ctx;
  (void)c;
  return strlen(s);
}

/* ---- the thread ----
 * libmicrohttpd's own one is not used: when 128 connections have something to say at once, it waits for more of them before it looks at
 * these (0.9.75, MHD_epoll). And this one resumes those that were answered together. */

static void resume_answered(Listener *l) {
  uint64_t n;
  if (read(l->wake_fd, &n, sizeof n) < 0) n = 0;
  pthread_mutex_lock(&l->lock);
  for (Conn *x = l->answered, *next; x; x = next) {
    next = x->next;
    x->next = NULL;
    L(MHD_resume_connection)(x->mhd);
  }
  l->answered = NULL;
  if (mono_us() >= l->sweep_us) {
    l->sweep_us = mono_us() + l->park_us / 8 + 1000;
    sweep(l);
  }
  pthread_mutex_unlock(&l->lock);
}

static bool goes_on(Listener *l) {
  pthread_mutex_lock(&l->lock);
  bool on = !l->ends;
  pthread_mutex_unlock(&l->lock);
  return on;
}

static int wait_at_most(Listener *l) {
  MHD_UNSIGNED_LONG_LONG ms = 0;
  int64_t left = (l->sweep_us - mono_us()) / 1000 + 1;
  if (L(MHD_get_timeout)(l->daemon, &ms) == MHD_YES && (int64_t)ms < left) left = (int64_t)ms;
  return left < 0 ? 0 : (int)left;
}

static void *thread_run(void *arg) {
  Listener *l = arg;
  const union MHD_DaemonInfo *info = L(MHD_get_daemon_info)(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  struct pollfd fds[] = {{.fd = info->epoll_fd, .events = POLLIN}, {.fd = l->wake_fd, .events = POLLIN}};
  while (goes_on(l)) {
    if (poll(fds, 2, wait_at_most(l)) < 0 && errno != EINTR) abort();
    if (fds[1].revents || l->sweep_us <= mono_us()) resume_answered(l);
    (void)L(MHD_run)(l->daemon);
  }
  return NULL;
}

static void thread_end(Listener *l) {
  pthread_mutex_lock(&l->lock);
  l->ends = true;
  wake(l);
  pthread_mutex_unlock(&l->lock);
  pthread_join(l->thread, NULL);
}

/* ---- start and stop ---- */

static bool start_threads(Listener *l, Err *e) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
  struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, l->cert}, {MHD_OPTION_HTTPS_MEM_KEY, 0, l->key}, {MHD_OPTION_END, 0, NULL}};
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (l->cert ? (unsigned)MHD_USE_TLS : 0);
  l->daemon =
      L(MHD_start_daemon)(flags, 0, NULL, NULL, handle, l, MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_LIMIT,
                          l->o.connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LISTENER_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                          (size_t)65536, MHD_OPTION_NOTIFY_COMPLETED, completed, (void *)l, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
                          NULL, MHD_OPTION_ARRAY, l->cert ? tls : tls + 2, MHD_OPTION_END);
  int rc = l->daemon ? pthread_create(&l->thread, NULL, thread_run, l) : 0;
  if (l->daemon && !rc) pthread_setname_np(l->thread, "http");
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (!l->daemon) return err_set(e, "listen", "the HTTP server did not start: %s", strerror(errno));
  if (!rc) return true;
  L(MHD_stop_daemon)(l->daemon); /* closes the socket */
  l->fd = -1;
  return err_set(e, "listen", "cannot start a thread: %s", strerror(rc));
}

static void listener_free(Listener *l) {
  if (l->fd >= 0) close(l->fd);
  if (l->wake_fd >= 0) close(l->wake_fd);
  kept_free(&l->kept);
  pthread_cond_destroy(&l->changed);
  pthread_mutex_destroy(&l->lock);
  free(l->spool_dir);
  free(l->cert);
  if (l->key) explicit_bzero(l->key, strlen(l->key));
  free(l->key);
  free(l);
}

/* On a socket that is open already; it is the listener's. */
static Listener *start_on(int fd, const ListenerOptions *o, ListenFn f, void *ctx, Err *e) {
  const char *tmp = getenv("TMPDIR");
  pthread_condattr_t mono;
  Listener *l = must(calloc(1, sizeof *l));
  pthread_condattr_init(&mono);
  pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->changed, &mono);
  pthread_condattr_destroy(&mono);
  kept_init(&l->kept, drop_response);
  l->f = f;
  l->ctx = ctx;
  l->fd = fd;
  l->o = *o;
  if (!l->o.connections) l->o.connections = LISTENER_CONNECTIONS;
  const char *dir = o->spool_dir ? o->spool_dir : tmp && *tmp ? tmp : "/tmp";
  l->spool_dir = copy_n(dir, strlen(dir));
  l->cert = o->cert ? copy_n(o->cert, strlen(o->cert)) : NULL;
  l->key = o->key ? copy_n(o->key, strlen(o->key)) : NULL;
  l->port = sock_port(fd);
  l->park_us = (int64_t)(o->park_ms ? o->park_ms : LISTENER_PARK_MS) * 1000;
  l->sweep_us = mono_us() + l->park_us / 8 + 1000;
  l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (l->wake_fd < 0) err_set(e, "listen", "no event descriptor: %s", strerror(errno));
  else if (start_threads(l, e)) return l;
  listener_free(l);
  return NULL;
}

static bool lib_ready(Err *e) {
  pthread_once(&lib_once, lib_load);
  return lib.ok || err_set(e, "listen", "cannot load libmicrohttpd: %s", lib.error);
}

Listener *listener_start(const char *host_port, int park_ms, ListenFn f, void *ctx, Err *e) {
  int fd = lib_ready(e) ? sock_listen(host_port, e) : -1;
  return fd < 0 ? NULL : start_on(fd, &(ListenerOptions){.park_ms = park_ms}, f, ctx, e);
}

Listener *listener_start_on(int fd, const ListenerOptions *o, ListenFn f, void *ctx, Err *e) {
  if (lib_ready(e) && !listen(fd, 4096)) return start_on(fd, o, f, ctx, e);
  if (!e->code) err_set(e, "listen", "cannot listen: %s", strerror(errno));
  close(fd);
  return NULL;
}

int listener_port(const Listener *l) { return l->port; }

/* MHD_stop_daemon aborts the process when a connection is suspended: all are answered, and the handler has seen every one
 * of them again, before it is called. It also cuts answers off that are being sent: those get LISTENER_FLUSH_MS. */
static void drain(Listener *l) {
  pthread_mutex_lock(&l->lock);
  l->stopping = true;
  while (l->parked) answer_503(l->parked, "stopping", "the server is stopping; try again");
  for (Drip *s = l->streams; s; s = s->next) stream_wake(s);
  pthread_cond_broadcast(&l->changed);
  while (l->suspended > 0) pthread_cond_wait(&l->changed, &l->lock);
  struct timespec end = time_in(LISTENER_FLUSH_MS * 1000);
  while (l->unsent > 0 && !pthread_cond_timedwait(&l->changed, &l->lock, &end)) continue;
  pthread_mutex_unlock(&l->lock);
}

void listener_refuse(Listener *l) {
  pthread_mutex_lock(&l->lock);
  l->refusing = true;
  pthread_mutex_unlock(&l->lock);
  if (L(MHD_quiesce_daemon)(l->daemon) >= 0) shutdown(l->fd, SHUT_RDWR); /* who connects now is told so at once */
}

void listener_stop(Listener *l) {
  if (!l) return;
  listener_refuse(l);
  drain(l);
  thread_end(l);
  L(MHD_stop_daemon)(l->daemon);
  listener_free(l);
}
