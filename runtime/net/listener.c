#include "listener_int.h"
#include "agent_script.h"
#include "runtime/base/sock.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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
  x->type = type ? listener_copy(type, strlen(type)) : x->type;
  if (!x->l->answered) wake(x->l);
  x->next = x->l->answered;
  x->l->answered = x;
}

static void answer_503(Conn *x, const char *code, const char *message) {
  size_t n;
  char *t = listener_error_text(code, message, &n);
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
  if (!reserve_park(l)) return listener_request_free(r), listener_reply_error(x, 503, "stopping", "the server is stopping; try again");
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
  if (x) answer_locked(x, status >= 100 && status <= 599 ? status : 500, listener_copy(text, n), n, type);
  pthread_mutex_unlock(&l->lock);
  return x;
}

/* locked */
static void answer_bytes(Conn *x, uint64_t size, const char *content_type, const char *filename) {
  x->nfile = size;
  x->type = listener_copy(content_type, strlen(content_type));
  x->filename = filename ? listener_copy(filename, strlen(filename)) : NULL;
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
  return answer_any(l, token, status, html, n, listener_page_type);
}
bool listener_answer_text(Listener *l, uint64_t token, int status, const char *content_type, const char *text, size_t n) {
  return answer_any(l, token, status, text, n, content_type);
}

bool listener_answer_own(Listener *l, uint64_t token, int status, const char *content_type, const char *headers, const char *text, size_t n) {
  pthread_mutex_lock(&l->lock);
  Conn *x = parked(l, token);
  if (x) x->extra = listener_copy(headers, strlen(headers));
  if (x) answer_locked(x, status, listener_copy(text, n), n, content_type);
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
  return listener_reply_error(x, 413, "too_large", text);
}

typedef struct Framing {
  int lengths, encodings, hosts;
  bool other; /* than chunked */
} Framing;

static enum MHD_Result framing_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
  Framing *f = ctx;
  (void)kind;
  if (!strchr("HhCcTt", *name)) return MHD_YES; /* most of them, and for each request */
  f->hosts += !strcasecmp(name, "Host");
  f->lengths += !strcasecmp(name, "Content-Length");
  if (strcasecmp(name, "Transfer-Encoding")) return MHD_YES;
  f->encodings++;
  f->other |= !value || strcasecmp(value, "chunked");
  return MHD_YES;
}

/* Where two servers could see different ends of this request, or different hosts, and the library picks one (RFC 9112 3.2, 6.3). NULL: clear. */
static const char *framing_problem(struct MHD_Connection *c) {
  Framing f = {0};
  (void)L(MHD_get_connection_values)(c, MHD_HEADER_KIND, framing_header, &f);
  if (f.hosts > 1) return "there are two Host headers";
  if (f.lengths + f.encodings > 1) return "the length of the body is said twice: one Content-Length, or Transfer-Encoding: chunked";
  return f.other ? "of Transfer-Encoding chunked alone is understood" : NULL;
}

static enum MHD_Result first_call(Listener *l, struct MHD_Connection *c, const char *url, const char *method, void **slot) {
  Conn *x = listener_must(calloc(1, sizeof *x));
  x->l = l;
  x->mhd = c;
  x->fd = x->spool = -1;
  x->begun_us = mono_us();
  x->route = "unknown";
  x->max_body = listener_max_body(l, url, method);
  *slot = x;
  const char *len = L(MHD_lookup_connection_value)(c, MHD_HEADER_KIND, "Content-Length");
  const char *problem = framing_problem(c);
  if (problem) return listener_reply_error(x, 400, "bad_request", problem);
  /* A little too much is read and thrown away, so that the client sees the answer; much too much is not. */
  if (len && strtoull(len, NULL, 10) > x->max_body + 7u * LISTENER_MEMORY) return too_large(x);
  return MHD_YES;
}


static const char *const door_names[] = {
    [LISTEN_EVENTS] = "events", [LISTEN_WAITS] = "waits", [LISTEN_RESOURCES] = "resources", [LISTEN_PROGRESS] = "progress", [LISTEN_API] = "api", [LISTEN_SELF] = "self", [LISTEN_LOGIN] = "login"};

/* The helper for machines where agents run: the same for everybody. */
static enum MHD_Result install_script(Conn *x) {
  Buf b = {0};
  agent_script_install(&b);
  size_t n = b.n;
  x->route = "agent";
  x->phase = PHASE_QUEUED;
  listener_observe(x, 200);
  return listener_reply(x, 200, buf_cstr(&b), n, "text/x-shellscript; charset=utf-8", NULL);
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
  listener_observe(x, 200);
  *result = known.result;
  return true;
}

void listener_keep(Listener *l, const ListenRequest *r, const char *json, size_t n, const char *route, int64_t until_ms) {
  KeptAnswer k = {.route = route, .until_ms = until_ms, .bytes = n + sizeof k};
  if (r->door != LISTEN_API || strcmp(r->method, "POST") || r->nquery || r->nbody > KEPT_BODY || n > KEPT_ANSWER) return;
  kept_id(r->raw, listener_header(r, "authorization"), listener_header(r, "x-breyta-workspace"), r->body, r->nbody, k.id);
  k.answer = listener_must(L(MHD_create_response_from_buffer)(n, listener_copy(json, n), MHD_RESPMEM_MUST_FREE));
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
  if (!listener_path(x->l, url, &ws, &n, &key, &door)) return listener_reply_error(x, 404, "not_found", "callbacks go to POST /<workspace>/events/<wait-key>");
  x->route = door_names[door];
  if (door == LISTEN_SELF && listener_method_ok(door, method) && !strcmp(key, "healthz")) {
    x->phase = PHASE_QUEUED;
    listener_observe(x, 200);
    return listener_reply(x, 200, listener_copy("{\"ok\":true}", 11), 11, NULL, NULL);
  }
  if (!listener_method_ok(door, method))
    return listener_reply_error(x, 405, "method_not_allowed", door == LISTEN_SELF ? "this is asked with GET or HEAD" : door == LISTEN_API ? "GET, POST, PUT, PATCH and DELETE are understood here" : "callbacks are sent with POST");
  if (x->too_big) return too_large(x);
  if (x->full) return listener_reply_error(x, 507, "disk_full", "there is no room on the disk for a body of this size");
  if (x->shed) return listener_reply_error(x, 503, "busy", "too many bodies under way; try again");
  enum MHD_Result known;
  if (door == LISTEN_API && answered_as_kept(x, key, method, &known)) return known;
  ListenRequest *r = listener_request(x, url, method);
  if (!r) return listener_reply_error(x, 400, "bad_request", "the path or query is not percent-encoded UTF-8, or the key is over 1024 bytes");
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
  if (ready) listener_observe(x, status);
  if (ready && (x->fd >= 0 || x->source.free)) return listener_reply_file(x);
  return ready ? listener_reply(x, status, t, n, x->type, x->extra) : MHD_YES;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                              const char *data, size_t *ndata, void **slot) {
  Conn *x = *slot;
  (void)version;
  if (!x) return first_call(ctx, c, url, method, slot);
  if (*ndata) {
    listener_body_add(x, data, *ndata);
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

/* Paths and arguments are decoded here, not by the library: %2F and %00 listener_must stay visible. */
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
  listener_mhd_serves();
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

#define TLS_VERSIONS "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1" /* RFC 8996 */

static bool start_threads(Listener *l, Err *e) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
  struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, l->cert}, {MHD_OPTION_HTTPS_MEM_KEY, 0, l->key},
                                 {MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)(uintptr_t)TLS_VERSIONS}, {MHD_OPTION_END, 0, NULL}};
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (l->cert ? (unsigned)MHD_USE_TLS : 0);
  l->daemon =
      L(MHD_start_daemon)(flags, 0, NULL, NULL, handle, l, MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_LIMIT,
                          l->o.connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LISTENER_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                          (size_t)65536, MHD_OPTION_NOTIFY_COMPLETED, completed, (void *)l, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
                          NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, l->cert ? tls : tls + 3, MHD_OPTION_END);
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
  Listener *l = listener_must(calloc(1, sizeof *l));
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
  l->spool_dir = listener_copy(dir, strlen(dir));
  l->cert = o->cert ? listener_copy(o->cert, strlen(o->cert)) : NULL;
  l->key = o->key ? listener_copy(o->key, strlen(o->key)) : NULL;
  l->port = sock_port(fd);
  l->park_us = (int64_t)(o->park_ms ? o->park_ms : LISTENER_PARK_MS) * 1000;
  l->sweep_us = mono_us() + l->park_us / 8 + 1000;
  l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (l->wake_fd < 0) err_set(e, "listen", "no event descriptor: %s", strerror(errno));
  else if (start_threads(l, e)) return l;
  listener_free(l);
  return NULL;
}

Listener *listener_start(const char *host_port, int park_ms, ListenFn f, void *ctx, Err *e) {
  int fd = listener_mhd_load(e) ? sock_listen(host_port, e) : -1;
  return fd < 0 ? NULL : start_on(fd, &(ListenerOptions){.park_ms = park_ms}, f, ctx, e);
}

Listener *listener_start_on(int fd, const ListenerOptions *o, ListenFn f, void *ctx, Err *e) {
  if (listener_mhd_load(e) && !listen(fd, 4096)) return start_on(fd, o, f, ctx, e);
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
  for (Drip *s = l->streams; s; s = s->next) listener_stream_wake(s);
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

