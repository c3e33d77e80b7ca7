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

enum { PUT_OFF_MS = 10 * 60 * 1000 };

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

static void job_free(Job *j) {
  Job **at = &working;
  while (*at != j) at = &(*at)->next;
  *at = j->next;
  if (j->far.fd >= 0) close(j->far.fd);
  api_free(&j->call);
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

/* e NULL: the engine is gone, and nobody waits any more. */
static void done(Engine *e, uint64_t token, void *arg) {
  Job *j = arg;
  (void)token;
  if (e && !atomic_load(&j->stop) && j->api->listener) {
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
  for (Job *j = working; j; j = j->next)
    if (j->api == a) reader_stop(&j->stop);
}
