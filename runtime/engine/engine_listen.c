/* engine_listen.c - see engine_listen.h. The listener's thread queues plain requests; the engine thread takes them. */
#include "engine_listen.h"
#include "runtime/agent/agent_progress.h"
#include "engine_commit.h"
#include "engine_int.h"
#include "runtime/base/json.h"
#include "runtime/net/listener.h"
#include "reader/read.h"
#include "runtime/resource/resource.h"
#include "runtime/resource/resource_stream.h"
#include "runtime/wait/wait_answer.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct Queued { ListenRequest *r; struct Queued *next; } Queued;
struct EngineListener {
  Engine *e;
  Listener *l;
  pthread_mutex_t lock;
  Queued *first, *last;
  int fd;
  EngineApiFn api;
  void *api_ctx;
  Queued *current; /* the one that is being handled */
  EngineEventFn events;
  void *events_ctx;
  struct Delivery *deliveries;
  struct Report *reports;
  struct Reading *readings;
  struct Wrap *wraps;
  void (*unsent)(Engine *e, uint64_t token);
  uint64_t *lost; /* under the lock */
  size_t nlost;
};

static void request_in(void *ctx, ListenRequest *r) { /* listener thread */
  EngineListener *el = ctx;
  Queued *q = calloc(1, sizeof *q);
  if (!q) abort();
  q->r = r;
  pthread_mutex_lock(&el->lock);
  bool first = !el->first;
  if (el->last) el->last->next = q;
  else el->first = q;
  el->last = q;
  pthread_mutex_unlock(&el->lock);
  uint64_t one = 1;
  if (first && write(el->fd, &one, sizeof one) < 0) abort(); /* else it was woken and has not looked yet */
}

static void answer_lost(void *ctx, uint64_t token) { /* listener thread */
  EngineListener *el = ctx;
  uint64_t one = 1;
  pthread_mutex_lock(&el->lock);
  el->lost = realloc(el->lost, (el->nlost + 1) * sizeof *el->lost);
  if (!el->lost) abort();
  el->lost[el->nlost++] = token;
  pthread_mutex_unlock(&el->lock);
  if (write(el->fd, &one, sizeof one) < 0) abort();
}

static void tell_lost(Engine *e, EngineListener *el) {
  pthread_mutex_lock(&el->lock);
  uint64_t *lost = el->lost;
  size_t n = el->nlost;
  el->lost = NULL;
  el->nlost = 0;
  pthread_mutex_unlock(&el->lock);
  for (size_t i = 0; i < n && el->unsent; i++) el->unsent(e, lost[i]);
  free(lost);
}

static Queued *take_all(EngineListener *el) {
  uint64_t n;
  if (read(el->fd, &n, sizeof n) < 0) n = 0;
  pthread_mutex_lock(&el->lock);
  Queued *q = el->first;
  el->first = el->last = NULL;
  pthread_mutex_unlock(&el->lock);
  return q;
}

static void answer_error(EngineListener *el, uint64_t token, int status, const char *code, const char *msg) {
  Val kv[] = {kw_c("code"), str_c(code), kw_c("message"), str_c(msg)};
  Val top[] = {kw_c("ok"), FALSE_V, kw_c("error"), map_from(kv, 2, false)};
  Buf b = {0};
  Err e = {0};
  if (is_sig(json_print(&b, map_from(top, 2, false)))) buf_c(&b, "{\"ok\":false}");
  (void)e;
  listener_answer(el->l, token, status, b.p, b.n);
  buf_free(&b);
}

static Val time_text(int64_t ms) {
  Buf b = {0};
  inst_print(&b, ms);
  Val s = buf_str(&b);
  buf_free(&b);
  return s;
}

static void answer_event(EngineListener *el, uint64_t token, const WaitReply *w) {
  if (w->code) {
    answer_error(el, token, w->status, w->code, w->msg);
    return;
  }
  Val kv[] = {kw_c("outcome"), str_c(w->outcome)};
  Val data = map_from(kv, 1, false);
  if (w->answered_ms) {
    data = map_assoc(data, kw_c("answeredAt"), time_text(w->answered_ms));
    data = map_assoc(data, kw_c("recorded"), str_c(w->recorded));
  }
  Val top[] = {kw_c("ok"), TRUE_V, kw_c("data"), data};
  Buf b = {0};
  if (is_sig(json_print(&b, map_from(top, 2, false)))) b.n = 0;
  listener_answer(el->l, token, w->status, b.p, b.n);
  buf_free(&b);
}

/* An answer to a wait on its way to the disk, and who else sent one meanwhile. */
typedef struct Delivery {
  EngineListener *el;
  WaitReply reply;
  char *guard;
  uint64_t token, *others;
  size_t nothers;
  struct Delivery *next;
} Delivery;

static void delivered(Engine *e, void *ctx, const char *error) {
  Delivery *d = ctx;
  WaitReply others;
  wait_settle(e, &d->reply, &others, error);
  if (d->el) {
    Delivery **at = &d->el->deliveries;
    while (*at != d) at = &(*at)->next;
    *at = d->next;
    answer_event(d->el, d->token, &d->reply);
    for (size_t i = 0; i < d->nothers; i++) answer_event(d->el, d->others[i], &others);
  }
  free(d->others);
  free(d->guard);
  free(d);
}

static void deliver(Engine *e, EngineListener *el, uint64_t token, const WaitReply *w) {
  Delivery *d = calloc(1, sizeof *d);
  if (!d || !(d->guard = strdup(w->guard))) abort();
  d->el = el;
  d->reply = *w;
  d->token = token;
  d->next = el->deliveries;
  el->deliveries = d;
  engine_commit(e, w->batch, delivered, d);
}

static void deliver_with(EngineListener *el, uint64_t token, const WaitReply *w) {
  Delivery *d = el->deliveries;
  while (strcmp(d->guard, w->guard)) d = d->next;
  d->others = realloc(d->others, (d->nothers + 1) * sizeof *d->others);
  if (!d->others) abort();
  d->others[d->nothers++] = token;
  free(w->guard);
}

static void handle_event(Engine *e, EngineListener *el, ListenRequest *r) {
  WaitReply w;
  if (wait_may_take(r) && engine_listen_read(el, r, wait_body_read)) return; /* a larger one may be a webhook's, and looks at who sends it first */
  if (!wait_request_taken(e, r, &w)) { /* by no wait */
    if (el->events && el->events(el->events_ctx, r)) return;
    wait_request_early(e, r, &w);
  }
  if (!w.guard) answer_event(el, r->token, &w);
  else if (w.batch) deliver(e, el, r->token, &w);
  else deliver_with(el, r->token, &w);
}

/* A report of progress on its way to the disk. */
typedef struct Report { EngineListener *el; uint64_t token; struct Report *next; } Report;

static void answer_reported(EngineListener *el, uint64_t token) { listener_answer(el->l, token, 200, "{\"ok\":true}", 11); }

static void reported(Engine *e, void *ctx, const char *error) {
  Report *x = ctx;
  (void)e;
  if (x->el) {
    Report **at = &x->el->reports;
    while (*at != x) at = &(*at)->next;
    *at = x->next;
    if (error) answer_error(x->el, x->token, 503, error, store_error_text(error));
    else answer_reported(x->el, x->token);
  }
  free(x);
}

static void handle_progress(Engine *e, EngineListener *el, ListenRequest *r) {
  ProgressReply p;
  agent_progress_request(e, r, &p);
  if (!p.batch) {
    if (p.code) answer_error(el, r->token, p.status, p.code, p.msg);
    else answer_reported(el, r->token);
    return;
  }
  Report *x = malloc(sizeof *x);
  if (!x) abort();
  *x = (Report){el, r->token, el->reports};
  el->reports = x;
  engine_commit(e, p.batch, reported, x);
}

static void handle_link(Engine *e, EngineListener *el, ListenRequest *r) {
  Buf b = {0};
  bool json;
  int status = wait_link_request(e, r, &b, &json);
  (json ? listener_answer : listener_answer_page)(el->l, r->token, status, buf_cstr(&b), b.n);
  buf_free(&b);
}

static const char *query_of(const ListenRequest *r, const char *name) {
  for (size_t i = 0; i < r->nquery; i++)
    if (!strcmp(r->query[i].name, name)) return r->query[i].value;
  return "";
}

/* A signed URL (resource_url.c). Who has no right to look is not told what there is. */
static void handle_resource(Engine *e, EngineListener *el, ListenRequest *r) {
  const char *uri = query_of(r, "uri");
  Resource found;
  Err err = {0};
  int64_t size;
  if (!resource_url_ok(e->store, r->workspace, uri, strtoll(query_of(r, "expires"), NULL, 10), query_of(r, "signature"))) {
    answer_error(el, r->token, 403, "link_invalid", "this link has expired, or is not complete");
    return;
  }
  int fd = resource_look(e, r->workspace, uri, &found, &err) ? blobs_file(engine_blobs(e), found.hash, &size, &err) : -1;
  if (fd < 0 && !strcmp(err.code, "blob_away") && resource_stream(e, el->l, r, &found)) return;
  if (fd < 0) answer_error(el, r->token, strcmp(err.code, "not_found") ? 500 : 404, err.code, err.msg);
  else listener_answer_file(el->l, r->token, fd, (uint64_t)size, found.content_type, *found.filename ? found.filename : NULL);
}

static void handle(Engine *e, EngineListener *el, ListenRequest *r) {
  if (r->door == LISTEN_API || r->door == LISTEN_SELF || r->door == LISTEN_LOGIN) {
    el->api(el, r, el->api_ctx);
    return;
  }
  if (e->o.workspace_known && !e->o.workspace_known(e->o.resolve_ctx, r->workspace)) {
    answer_error(el, r->token, 404, "not_found", "there is nothing at this address");
    return;
  }
  if (r->door == LISTEN_EVENTS) handle_event(e, el, r);
  else if (r->door == LISTEN_PROGRESS) handle_progress(e, el, r);
  else (r->door == LISTEN_WAITS ? handle_link : handle_resource)(e, el, r);
}

ListenRequest *engine_listen_take(EngineListener *el, const ListenRequest *r) {
  ListenRequest *mine = el->current->r;
  if (mine != r) abort();
  el->current->r = NULL;
  mine->read = NULL;
  return mine;
}

static void handle_one(Engine *e, EngineListener *el, Queued *q) {
  el->current = q;
  handle(e, el, q->r);
  el->current = NULL;
  if (q->r) listener_request_free(q->r);
}

static void requests(Engine *e, void *ctx) {
  EngineListener *el = ctx;
  for (Queued *q = take_all(el), *next; q; q = next) {
    next = q->next;
    handle_one(e, el, q);
    free(q);
  }
  tell_lost(e, el);
}

/* --- large bodies ----------------------------------------------------------------------------------------------------------------------- */
enum { READ_MS = 60 * 1000 };
typedef struct Reading { EngineListener *el; struct Reading *next; } Reading;

static EngineListener *reading_over(Reading *x) {
  EngineListener *el = x->el;
  if (el) {
    Reading **at = &el->readings;
    while (*at != x) at = &(*at)->next;
    *at = x->next;
  }
  free(x);
  return el;
}

static void body_is_read(Engine *e, ListenRequest *r, const BodyRead *read, void *ctx) {
  EngineListener *el = reading_over(ctx);
  r->read = read;
  if (el && e) handle_one(e, el, &(Queued){.r = r});
  else listener_request_free(r);
}

bool engine_listen_read(EngineListener *el, const ListenRequest *r, BodyReader read) {
  if (!el || r->read || r->nbody < BODY_FAR_BYTES || !listener_hold(el->l, r->token, READ_MS)) return false;
  Reading *x = malloc(sizeof *x);
  if (!x) abort();
  *x = (Reading){el, el->readings};
  el->readings = x;
  Queued *now = el->current;
  ListenRequest *mine = engine_listen_take(el, r);
  if (body_read(el->e, mine, read, body_is_read, x)) return true;
  now->r = mine;
  reading_over(x);
  return false;
}

/* Where links lead when --public-url does not say it: with the port that was got where port 0 was asked for. */
static void set_base(Engine *e, const char *host_port, int port) {
  const char *colon = strrchr(host_port, ':');
  size_t n = colon ? (size_t)(colon - host_port) : 0;
  Buf b = {0};
  if (e->base_url) return;
  buf_c(&b, "http://");
  if (!n || *host_port == '*') buf_c(&b, "127.0.0.1");
  else buf_add(&b, host_port, n);
  buf_fmt(&b, ":%d", port);
  e->base_url = strdup(buf_cstr(&b));
  buf_free(&b);
}

static EngineListener *listener_new(Engine *e, EngineApiFn api, void *ctx) {
  EngineListener *el = calloc(1, sizeof *el);
  if (!el) abort();
  el->e = e;
  pthread_mutex_init(&el->lock, NULL);
  el->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  el->api = api;
  el->api_ctx = ctx;
  return el;
}

/* Watches for its requests, or frees it when there is no listener. */
static EngineListener *listening(Engine *e, EngineListener *el, Err *err) {
  if (el->l) {
    engine_watch(e, el->fd, requests, el);
    return el;
  }
  if (!err->code) err_set(err, "listen", "no event descriptor");
  if (el->fd >= 0) close(el->fd);
  free(el);
  return NULL;
}

EngineListener *engine_listen(Engine *e, const char *host_port, Err *err) {
  EngineListener *el = listener_new(e, NULL, NULL);
  el->l = el->fd < 0 ? NULL : listener_start(host_port, 0, request_in, el, err);
  el = listening(e, el, err);
  if (el) set_base(e, host_port, listener_port(el->l));
  return el;
}

EngineListener *engine_listen_api(Engine *e, int fd, const ListenerOptions *o, EngineApiFn f, void *ctx, Err *err) {
  EngineListener *el = listener_new(e, f, ctx);
  ListenerOptions with = *o;
  with.unsent = answer_lost;
  if (el->fd < 0) close(fd);
  else el->l = listener_start_on(fd, &with, request_in, el, err);
  return listening(e, el, err);
}

/* --- answers that are put into another form on their way ------------------------------------------------------------------------------ */
typedef struct Wrap {
  uint64_t token;
  EngineWrapFn f;
  void *ctx;
  struct Wrap *next;
} Wrap;

void engine_listen_wrap(EngineListener *el, uint64_t token, EngineWrapFn f, void *ctx) {
  Wrap *w = malloc(sizeof *w);
  if (!w) abort();
  *w = (Wrap){token, f, ctx, el->wraps};
  el->wraps = w;
}

/* out NULL: it is forgotten. false: there is none for this request. */
static bool wrapped(EngineListener *el, uint64_t token, const char *text, size_t n, Buf *out) {
  Wrap **at = &el->wraps;
  while (*at && (*at)->token != token) at = &(*at)->next;
  Wrap *w = *at;
  if (!w) return false;
  *at = w->next;
  w->f(w->ctx, text, n, out);
  free(w);
  return true;
}
bool engine_listen_own(EngineListener *el, uint64_t token, int status, const char *content_type, const char *headers, const char *text, size_t n) {
  return listener_answer_own(el->l, token, status, content_type, headers, text, n);
}
bool engine_listen_alive(EngineListener *el, uint64_t token) { return listener_alive(el->l, token); }
void engine_listen_unsent(EngineListener *el, void (*f)(Engine *e, uint64_t token)) { el->unsent = f; }
void engine_listen_events(EngineListener *el, EngineEventFn f, void *ctx) {
  el->events = f;
  el->events_ctx = ctx;
}

void engine_listen_unwrap(EngineListener *el, uint64_t token) { wrapped(el, token, "", 0, NULL); }

bool engine_listen_text(EngineListener *el, uint64_t token, int status, const char *content_type, const char *text, size_t n) {
  Buf b = {0};
  if (!el->wraps || !wrapped(el, token, text, n, &b)) return listener_answer_text(el->l, token, status, content_type, text, n);
  bool ok = listener_answer(el->l, token, b.n ? 200 : 500, b.p, b.n);
  buf_free(&b);
  return ok;
}
bool engine_listen_answer(EngineListener *el, uint64_t token, int status, const char *json, size_t n) {
  return engine_listen_text(el, token, status, "application/json", json, n);
}
void engine_listen_route(EngineListener *el, uint64_t token, const char *route) { listener_route(el->l, token, route); }
bool engine_listen_hold(EngineListener *el, uint64_t token, int64_t ms) { return listener_hold(el->l, token, ms); }
bool engine_listen_file(EngineListener *el, uint64_t token, int fd, uint64_t size, const char *content_type, const char *filename) {
  return listener_answer_file(el->l, token, fd, size, content_type, filename);
}

void engine_listen_keep(EngineListener *el, const ListenRequest *r, const char *json, size_t n, const char *route, int64_t until_ms) {
  listener_keep(el->l, r, json, n, route, until_ms);
}
void engine_listen_forget(EngineListener *el) { listener_forget(el->l); }
int engine_listen_port(const EngineListener *l) { return listener_port(l->l); }

void engine_listen_refuse(EngineListener *el) { listener_refuse(el->l); }

void engine_listen_stop(EngineListener *el) {
  listener_stop(el->l);
  while (el->wraps) engine_listen_unwrap(el, el->wraps->token);
  for (Delivery *d = el->deliveries; d; d = d->next) d->el = NULL; /* they end with the engine */
  for (Report *x = el->reports; x; x = x->next) x->el = NULL;
  for (Reading *x = el->readings; x; x = x->next) x->el = NULL;
  for (Queued *q = take_all(el), *next; q; q = next) {
    next = q->next;
    listener_request_free(q->r);
    free(q);
  }
  close(el->fd);
  free(el->lost);
  free(el);
}
