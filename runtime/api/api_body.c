/* api_body.c - large JSON bodies are read on a helper thread, after the key was looked at; then the request is looked at again. See api.h */
#include "api_body.h"
#include "reader/mem.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "runtime/engine/offload.h"
#include <stdlib.h>

enum { FAR_BYTES = 64 << 10 /* some milliseconds */, READ_MS = 60 * 1000 };

typedef struct BodyJob {
  ApiBody body; /* first */
  struct BodyJob *next; /* among those at work, or those to be used again */
  Api *api;
  ListenRequest *request;
} BodyJob;

static OffloadPool pool = {.name = "api-bodies", .most = 2, .stack_mib = 8, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
static BodyJob *working, *unused; /* roots of the collector */

static void job_free(BodyJob *j) {
  BodyJob **at = &working;
  while (*at != j) at = &(*at)->next;
  *at = j->next;
  listener_request_free(j->request);
  *j = (BodyJob){.next = unused};
  unused = j;
}

/* Helper thread. */
static void work(void *arg) {
  BodyJob *j = arg;
  const ListenRequest *r = j->request;
  mem_thread_enter();
  j->body.value = json_parse(r->body, r->nbody, &j->body.err);
  hash_sha256_hex(r->body, r->nbody, j->body.hash);
  mem_thread_leave();
}

static void done(Engine *e, uint64_t token, void *arg) {
  BodyJob *j = arg;
  (void)token;
  if (e && j->api->listener) api_request_read(j->api, j->request, &j->body); /* e NULL: nobody waits any more */
  job_free(j);
}

bool api_body_far(ApiCall *c) {
  EngineListener *el = c->api->listener;
  Err err = {0};
  if (!el || c->read || c->request->nbody < FAR_BYTES || !engine_listen_hold(el, c->request->token, READ_MS)) return false;
  BodyJob *j = unused;
  if (j) unused = j->next;
  else j = mem_root(sizeof *j);
  *j = (BodyJob){.next = working, .api = c->api, .request = engine_listen_take(el, c->request)};
  working = j;
  c->later = true;
  if (offload_run(&pool, c->api->engine, work, done, j, 0, &err)) return true;
  work(j); /* no thread could be had */
  done(c->api->engine, 0, j);
  return true;
}

Val api_body(const ApiCall *c, Err *e) {
  if (!c->read) return json_parse(c->request->body, c->request->nbody, e);
  *e = c->read->err;
  return c->read->value;
}
