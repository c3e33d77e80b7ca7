/* engine_listen.c - see engine_listen.h. The listener's thread queues plain requests; the engine thread takes them. */
#include "engine_listen.h"
#include "engine_int.h"
#include "json.h"
#include "listener.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct Queued { ListenRequest *r; struct Queued *next; } Queued;
struct EngineListener {
  Listener *l;
  pthread_mutex_t lock;
  Queued *first, *last;
  int fd;
};

static void request_in(void *ctx, ListenRequest *r) { /* listener thread */
  EngineListener *el = ctx;
  Queued *q = calloc(1, sizeof *q);
  if (!q) abort();
  q->r = r;
  pthread_mutex_lock(&el->lock);
  if (el->last) el->last->next = q;
  else el->first = q;
  el->last = q;
  pthread_mutex_unlock(&el->lock);
  uint64_t one = 1;
  if (write(el->fd, &one, sizeof one) < 0) abort();
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

static void answer_text(EngineListener *el, uint64_t token, int status, const char *json) {
  listener_answer(el->l, token, status, json, strlen(json));
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

static void handle(Engine *e, EngineListener *el, ListenRequest *r) {
  Err err = {0};
  Val body = r->nbody ? json_parse(r->body, r->nbody, &err) : map_empty;
  if (is_sig(body) || err.code) {
    answer_error(el, r->token, 400, "bad_request", err.code ? err.msg : "the body must be JSON");
    return;
  }
  const char *outcome = "";
  if (!engine_send(e, r->workspace, r->key, body, &outcome, &err)) {
    answer_error(el, r->token, 503, err.code ? err.code : "store_failed", err.msg);
    return;
  }
  bool kept = !strcmp(outcome, "kept");
  Buf b = {0};
  buf_fmt(&b, "{\"ok\":true,\"data\":{\"outcome\":\"%s\"}}", outcome);
  answer_text(el, r->token, kept ? 202 : 200, buf_cstr(&b));
  buf_free(&b);
}

static void requests(Engine *e, void *ctx) {
  EngineListener *el = ctx;
  for (Queued *q = take_all(el), *next; q; q = next) {
    next = q->next;
    handle(e, el, q->r);
    listener_request_free(q->r);
    free(q);
  }
}

EngineListener *engine_listen(Engine *e, const char *host_port, Err *err) {
  EngineListener *el = calloc(1, sizeof *el);
  if (!el) abort();
  pthread_mutex_init(&el->lock, NULL);
  el->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  el->l = el->fd < 0 ? NULL : listener_start(host_port, 0, request_in, el, err);
  if (!el->l) {
    if (!err->code) err_set(err, "listen", "no event descriptor");
    if (el->fd >= 0) close(el->fd);
    free(el);
    return NULL;
  }
  engine_watch(e, el->fd, requests, el);
  return el;
}

int engine_listen_port(const EngineListener *l) { return listener_port(l->l); }

void engine_listen_stop(EngineListener *el) {
  listener_stop(el->l);
  for (Queued *q = take_all(el), *next; q; q = next) {
    next = q->next;
    listener_request_free(q->r);
    free(q);
  }
  close(el->fd);
  free(el);
}
