/* api_far.c - see api_far.h. What a job works on lies in a Job, which is a root of the collector; only the engine's thread links them. */
#include "api_far.h"
#include "runtime/engine/engine_reader.h"
#include "runtime/engine/offload.h"
#include "reader/mem.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PUT_OFF_MS = 10 * 60 * 1000, CHANGE_TRIES = 3 };

typedef struct Job {
  ApiFar far; /* first */
  struct Job *next; /* among those at work, or those to be used again */
  Api *api;
  Store *of;
  ApiLater later;
  char workspace[128];
  ApiFarWork work;
  ApiFarAnswer answer;
  bool index; /* what waits for the index comes first */
  bool (*handler)(ApiCall *c); /* api_far_read */
  ApiCall call;                /* what it answers */
  ApiPending *pending;         /* api_far_change; else NULL */
  char key_id[64], *op_id, body_hash[65];
  int tries;
  _Atomic bool stop;
} Job;

static OffloadPool pool = {.name = "api-reads", .most = 2, .stack_mib = 8, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
static Job *working, *unused;

static Job *job_new(ApiCall *c, ApiFarWork work, ApiFarAnswer answer, Val in) {
  Job *j = unused;
  if (j) unused = j->next;
  else j = mem_root(sizeof *j);
  *j = (Job){.far = {.in = in, .result = NIL, .error = NIL, .fd = -1, .token = c->request->token}, .next = working, .api = c->api, .of = c->api->store,
             .work = work, .answer = answer};
  snprintf(j->workspace, sizeof j->workspace, "%s", c->workspace);
  j->far.workspace = j->workspace;
  return working = j;
}

/* What a change has made goes. */
static void job_reset(Job *j) {
  batch_free(j->far.batch);
  j->far.batch = NULL;
  table_seen_free(&j->far.seen);
  j->far.store = NULL;
  j->far.err = (Err){0};
}

static void job_free(Job *j) {
  Job **at = &working;
  while (*at != j) at = &(*at)->next;
  *at = j->next;
  if (j->far.fd >= 0) close(j->far.fd);
  api_free(&j->call);
  job_reset(j);
  free(j->op_id);
  *j = (Job){.next = unused};
  unused = j;
}

/* Helper thread. */
static void read_far(void *arg) {
  Job *j = arg;
  mem_thread_enter();
  j->far.store = reader_take(j->of, &j->stop, &j->far.err);
  if (j->far.store) j->work(&j->far);
  reader_give(j->far.store, &j->stop);
  mem_thread_leave();
}

static void answer_call(ApiCall *c, Job *j) {
  if (j->far.store) j->answer(c, &j->far);
  else if (j->far.err.code) api_fail_err(c, &j->far.err);
  else api_fail(c, 503, "stopping", "the server is being stopped; try again");
}

static bool change_done(Engine *e, Job *j);

/* e NULL: the engine is gone, and nobody waits any more. */
static void done(Engine *e, uint64_t token, void *arg) {
  Job *j = arg;
  (void)token;
  if (e && j->pending) {
    if (!change_done(e, j)) return;
  } else if (e && !atomic_load(&j->stop) && j->api->listener) {
    ApiCall c = {.api = j->api, .workspace = j->workspace, .args = map_empty, .data = NIL, .meta = NIL, .details = NIL, .body = NIL};
    answer_call(&c, j);
    if (c.later) api_free(&c); /* it is a file */
    else api_later_send(j->api, &j->later, &c);
  }
  job_free(j);
}

static void read_here(Job *j) {
  j->far.store = j->of;
  j->work(&j->far);
}

static void launch(Engine *e, Job *j);

static void drained(Engine *e, void *ctx, const char *error) {
  Job *j = ctx;
  bool stopping = error && !strcmp(error, "stopping");
  if (error) err_set(&j->far.err, error, "%s", store_error_text(error));
  if (error) done(stopping ? NULL : e, 0, j);
  else launch(e, j);
}

static void launch(Engine *e, Job *j) {
  Err err = {0};
  if (j->index && store_index_waits(j->of, &err)) {
    Batch *b = batch_new();
    batch_index_work(b, INDEX_DRAIN_ROWS);
    engine_commit(e, b, drained, j);
    return;
  }
  if (offload_run(&pool, e, read_far, done, j, 0, &err)) return;
  read_here(j); /* no thread could be had */
  done(e, 0, j);
}

/* --- changes ------------------------------------------------------------------------------------------------------------------------------- */
/* The call as far as its answer needs it. */
static ApiCall call_of(Job *j) {
  ApiCall c = {.api = j->api, .workspace = j->workspace, .key_id = j->key_id, .op_id = j->op_id, .bare = j->later.bare, .args = map_empty,
               .data = NIL, .meta = NIL, .details = NIL, .body = NIL};
  snprintf(c.body_hash, sizeof c.body_hash, "%s", j->body_hash);
  return c;
}

/* Its answer leaves: at once, or when what it has changed is durable. */
static void change_answer(Job *j) {
  ApiCall c = call_of(j);
  answer_call(&c, j);
  Batch *b = !c.code && j->far.batch ? j->far.batch : batch_new();
  if (b == j->far.batch) j->far.batch = NULL;
  if (!api_seal(&c, b)) {
    api_fail(&c, 500, "internal", "the answer cannot be stored");
    api_seal(&c, b);
  }
  api_pend_answer(j->pending, &c);
  if (!c.code && batch_ops(b)) api_pend_commit(j->pending, b);
  else {
    batch_free(b);
    api_pend_done(j->pending, NULL);
  }
  j->pending = NULL;
  api_free(&c);
}

/* false: it is at work again. */
static bool change_done(Engine *e, Job *j) {
  Err err = {0};
  bool again = j->far.store && j->far.ok && !table_seen_still(&j->far.seen, j->of, j->workspace);
  if (again) {
    job_reset(j);
    if (++j->tries < CHANGE_TRIES && offload_run(&pool, e, read_far, done, j, 0, &err)) return false;
    read_here(j);
  }
  change_answer(j);
  return true;
}

bool api_far_change(ApiCall *c, ApiFarWork work, ApiFarAnswer answer, Val in) {
  Job *j = job_new(c, work, answer, in);
  if (!api_put_off(c, &j->later, PUT_OFF_MS)) return job_free(j), false;
  j->pending = api_pend(c);
  j->far.number = store_next_table(j->of);
  snprintf(j->key_id, sizeof j->key_id, "%s", c->key_id);
  if (c->op_id && !(j->op_id = strdup(c->op_id))) abort();
  if (c->op_id) snprintf(j->body_hash, sizeof j->body_hash, "%s", api_request_hash(c));
  launch(c->api->engine, j);
  return true;
}

/* --- whole handlers ---------------------------------------------------------------------------------------------------------------------- */
static void handle(ApiFar *f) {
  Job *j = (Job *)f;
  Api api = {.store = f->store};
  j->call.api = &api;
  j->handler(&j->call);
  api_seal(&j->call, NULL); /* of a call without operation: its text alone */
}

static bool take_answer(ApiCall *c, ApiFar *f) {
  Job *j = (Job *)f;
  *c = j->call;
  j->call = (ApiCall){0};
  return !c->code;
}

bool api_far_can(const ApiCall *c) { return c->api->listener && store_path(c->api->store); }

static bool begin(ApiCall *c, Job *j) {
  if (api_far_can(c)) {
    if (!api_put_off(c, &j->later, PUT_OFF_MS)) return job_free(j), false;
    launch(c->api->engine, j);
    return true;
  }
  read_here(j);
  j->answer(c, &j->far);
  job_free(j);
  return !c->code;
}

bool api_far(ApiCall *c, ApiFarWork work, ApiFarAnswer answer, Val in) { return begin(c, job_new(c, work, answer, in)); }

bool api_far_search(ApiCall *c, ApiFarWork work, ApiFarAnswer answer, Val in) {
  Job *j = job_new(c, work, answer, in);
  j->index = true;
  return begin(c, j);
}

bool api_far_read(ApiCall *c, bool (*handler)(ApiCall *c), bool index) {
  if (!api_far_can(c)) return handler(c);
  Job *j = job_new(c, handle, take_answer, NIL);
  j->index = index;
  j->handler = handler;
  j->call = (ApiCall){.workspace = j->workspace, .command = c->command, .bare = c->bare, .args = c->args, .meta = c->meta, .data = NIL,
                      .details = NIL, .body = NIL, .capabilities = NIL};
  return begin(c, j);
}

void api_far_gone(const Api *a) {
  for (Job *j = working; j; j = j->next) {
    if (j->api != a) continue;
    reader_stop(&j->stop);
    if (j->pending) api_pend_drop(j->pending);
    j->pending = NULL;
  }
}
