/* api_runs_again.c - runs made out of others: again from the beginning, on from a step, or only rebuilt to be compared. See api_runs.h.
 *
 * A replay (runs.replay) is an ordinary start with the input, source, version, target and installation of the other run, under its flow's
 * policy. A retry and a fork are forks (fork.h): the steps before are taken over from the history, not done again. They take no slot. */
#include "api_runs.h"
#include "api_target.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "runtime/engine/fork.h"
#include "reader/mem.h"
#include <stdio.h>
#include <string.h>

enum { REBUILD_MOST = 20000, /* records of a journal that is read here and now, on the engine's thread */
       REBUILD_MS = 15 * 60 * 1000 };

static Val fact(const char *key, Val v) {
  Val kv[] = {kw_c(key), v};
  return map_from(kv, 1, false);
}

/* err: its journal could not be read. Old segments are dropped, the first ones first; a record that is damaged is told as it is. */
static bool is_there(void *ctx, const JournalRec *j) {
  *(bool *)ctx = j->seq == 1;
  return false;
}

static bool gone(ApiCall *c, const RunRow *row, const Err *err, const char *what) {
  Err bad = {0};
  bool there = false;
  if (err && (!store_journal(c->api->store, row->run, 0, is_there, &there, &bad) && bad.code)) return api_fail_err(c, &bad);
  if (err && there) return api_fail_err(c, err);
  return api_fail(c, 410, "history_gone", "the history of this run was dropped (it was older than the server keeps), so it cannot be %s", what);
}

/* What was switched off, deleted or archived runs nothing again. Steps alone have no flow. */
static bool still_runs(ApiCall *c, const RunRow *row) {
  ApiTarget t;
  Err err = {0};
  Val flow;
  int64_t rev;
  if (row->installation && !api_target_find(c->api, c->workspace, row->slug, row->installation, &t, &err)) return api_fail_err(c, &err);
  if (row->installation && !t.enabled) return api_fail(c, 409, "installation_disabled", "%s of flow %s is switched off", t.name, t.flow);
  bool archived = api_doc(c->api, c->workspace, "flow", row->slug, &flow, &rev, &err) && same(map_get_kw(flow, "archived"), TRUE_V);
  if (err.code) return api_fail_err(c, &err);
  return !archived || api_fail(c, 409, "flow_archived", "flow %s is archived: push it again to take it back", row->slug);
}

/* --- again from the beginning ------------------------------------------------------------------------------------------------------- */
static bool take_input(void *ctx, const JournalRec *j) {
  Val v = j->kind == J_START ? snap_read_value(env_core(), j->data.p, j->data.n) : NIL;
  if (is_vec(v)) *(Val *)ctx = map_dissoc(vec_nth(v, JT_INPUT), kw_new("flow", "ctx"));
  return false;
}

static bool replay(ApiCall *c, const RunRow *row) {
  Err err = {0};
  FlowDef *f;
  Val input = NIL, target = api_run_fact(row, "target"), id = str_c(row->run_id);
  if (!store_journal(c->api->store, row->run, 0, take_input, &input, &err) && err.code) return api_fail_err(c, &err);
  if (!is_map(input)) return gone(c, row, NULL, "run again: its input is not there any more");
  if (!engine_def(c->api->engine, row->source_hash, &f, NULL, &err)) return api_run_not_runnable(c, row->slug, row->source_hash, &err);
  ApiStart how = {.target = is_str(target) ? str_s(target) : "draft", .installation = row->installation, .version = row->version,
                  .origin = fact("replay-of", id), .more = fact("originalWorkflowId", id)};
  return api_run_begin(c, f, input, &how);
}

bool api_runs_replay(ApiCall *c) {
  RunRow row = {0};
  if (!api_run_row(c, &row)) return false;
  bool ok = still_runs(c, &row) && replay(c, &row);
  run_row_free(&row);
  return ok;
}

/* --- on from a step ------------------------------------------------------------------------------------------------------------------ */
typedef struct Find {
  const char *step;   /* NULL: the last one that failed, else the last one */
  int64_t occurrence; /* 0: the last */
  int64_t found, failed, last, seen, last_number;
} Find;

static bool take_step(void *ctx, const HistoryStep *h) {
  Find *f = ctx;
  bool again = h->number == f->last_number; /* another attempt of the same step */
  f->last_number = f->last = h->number;
  if (!strcmp(h->status, "failed")) f->failed = h->number;
  if (!f->step || strcmp(f->step, h->step)) return true;
  f->seen += !again;
  if (!f->occurrence || f->seen == f->occurrence) f->found = h->number;
  return true;
}

static bool find_step(ApiCall *c, const RunRow *row, Find *f, int64_t *number) {
  Err err = {0};
  if (row->head_seq > REBUILD_MOST)
    return api_fail(c, 409, "too_long", "the run has %lld records; up to %d can be rebuilt here", (long long)row->head_seq, REBUILD_MOST);
  if (!engine_history(c->api->engine, row->run, take_step, f, &err)) return api_fail_err(c, &err);
  *number = f->step ? f->found : f->failed ? f->failed : f->last;
  if (*number) return true;
  if (f->step) return api_fail(c, 404, "not_found", "run %s has not reached a step %s%s", row->run_id, f->step, f->occurrence > 1 ? " that often" : "");
  return api_fail(c, 409, "no_step", "run %s has reached no step: run it again with runs.replay", row->run_id);
}

/* A call that is answered when its run is rebuilt: in memory of the collector, with its own copies. */
typedef struct Later {
  ApiCall call;
  ListenRequest none;
  ApiLater answer;
  char workspace[128], key_id[64], op_id[160], run_id[512]; /* run_id: of the run that was asked for */
} Later;

static Later *later_new(const ApiCall *c, const RunRow *row) {
  Later *l = mem_alloc(sizeof *l);
  l->call = (ApiCall){.api = c->api, .request = &l->none, .workspace = l->workspace, .key_id = l->key_id, .bare = c->bare, .args = map_empty,
                      .data = NIL, .meta = NIL, .details = NIL, .body = NIL};
  snprintf(l->workspace, sizeof l->workspace, "%s", c->workspace);
  snprintf(l->key_id, sizeof l->key_id, "%s", c->key_id ? c->key_id : "");
  snprintf(l->run_id, sizeof l->run_id, "%s", row->run_id);
  return l;
}

typedef struct Forking {
  ApiCall *c;
  Val more;
  char target[80];
  RunRow row; /* of the other run; when it takes turns */
  ApiPending *pending;
  Later *later;
} Forking;
static void fork_also(void *ctx, Batch *b, const RunRow *row) {
  Forking *f = ctx;
  api_ok(f->c, api_run_started(row, f->target, NULL, f->more));
  api_seal(f->c, b);
}

static bool fork_failed(ApiCall *c, const RunRow *row, const Err *err) {
  static const char *const theirs[] = {"no_step", "fork_diverged", "not_serializable", "bad_input"};
  c->sealed = false;
  for (size_t i = 0; err->code && i < sizeof theirs / sizeof *theirs; i++)
    if (!strcmp(err->code, theirs[i])) return api_fail(c, 409, err->code, "%s", err->msg);
  return err->code && !strcmp(err->code, "corrupt_record") ? gone(c, row, err, "forked") : api_fail_err(c, err);
}

/* Forked, or not: err without a code, when the server is being stopped. */
static void forked(void *ctx, int64_t run, const Err *why) {
  Forking *f = ctx;
  Err err = *why;
  ApiCall *c = f->c;
  if (run && !engine_resume(c->api->engine, run, &err)) run = 0;
  if (!run && !err.code) {
    api_pend_drop(f->pending);
    return;
  }
  if (!run) fork_failed(c, &f->row, &err), api_seal(c, NULL);
  api_pend_answer(f->pending, c);
  api_pend_done(f->pending, NULL);
  api_free(c);
}

/* The call that asked is over; what it was asked with is kept for the answer. */
static bool fork_later(ApiCall *c, Forking *f) {
  Later *l = f->later;
  if (c->op_id) {
    snprintf(l->op_id, sizeof l->op_id, "%s", c->op_id);
    snprintf(l->call.body_hash, sizeof l->call.body_hash, "%s", api_request_hash(c));
    l->call.op_id = l->op_id;
  }
  api_put_off(c, &l->answer, REBUILD_MS); /* a client that has gone gets no answer, and its fork is there */
  f->pending = api_pend(c);
  f->c = &l->call;
  return true;
}

static bool fork_at(ApiCall *c, const RunRow *row, int64_t number, ForkChanges *ch, const char *why) {
  Err err = {0};
  int64_t run;
  Val target = api_run_fact(row, "target"), id = str_c(row->run_id);
  Val origin = map_assoc(map_assoc(fact(why, id), kw_c("fork-of"), id), kw_c("fork-step"), int_val(number));
  Forking *f = mem_alloc(sizeof *f);
  *f = (Forking){.c = c, .more = map_assoc(fact("originalWorkflowId", id), kw_c("forkedAtStep"), int_val(number)), .later = later_new(c, row)};
  f->row = (RunRow){.run = row->run, .run_id = f->later->run_id};
  snprintf(f->target, sizeof f->target, "%s", is_str(target) ? str_s(target) : "draft");
  ch->also = fork_also;
  ch->ctx = f;
  ch->origin = api_run_origin(c, f->target, origin);
  enum ForkHow how = FORK_FAILED;
  if (c->api->listener) how = engine_fork_in_turns(c->api->engine, row->run, number, ch, forked, &run, &err);
  else if (engine_fork(c->api->engine, row->run, number, ch, NULL, &run, &err)) how = FORK_MADE;
  if (how == FORK_LATER) return fork_later(c, f);
  if (how == FORK_FAILED || !engine_resume(c->api->engine, run, &err)) return fork_failed(c, row, &err);
  return true;
}

static bool retry(ApiCall *c, const RunRow *row) {
  Find f = {.step = api_text(c, "stepId")};
  ForkChanges ch = {.result = NIL, .config = NIL, .input = NIL};
  int64_t number;
  if (!run_status_final(row->status) && row->status != RUN_BLOCKED)
    return api_fail(c, 409, "not_over", "run %s is %s: only a run that is over can be retried; runs.fork takes any", row->run_id, api_run_status(row->status));
  if (row->status == RUN_COMPLETED && !f.step)
    return api_fail(c, 409, "already_completed", "run %s has completed: name the stepId to go on from, or use runs.replay", row->run_id);
  return find_step(c, row, &f, &number) && fork_at(c, row, number, &ch, "retry-of");
}

bool api_runs_retry(ApiCall *c) {
  RunRow row = {0};
  if (!api_run_row(c, &row)) return false;
  bool ok = still_runs(c, &row) && retry(c, &row);
  run_row_free(&row);
  return ok;
}

static bool changes(ApiCall *c, ForkChanges *ch) {
  Val result = api_arg(c, "result"), error = api_arg(c, "error");
  *ch = (ForkChanges){.result = NIL, .config = api_arg(c, "config"), .input = api_arg(c, "input")};
  if (!is_nil(result) && !is_nil(error)) return api_fail(c, 400, "bad_request", "result and error exclude each other");
  if ((!is_nil(result) || !is_nil(error)) && !is_nil(ch->config))
    return api_fail(c, 400, "bad_request", "config: the step is not run when its result or error is given");
  ch->step = !is_nil(result) ? FORK_RESULT : !is_nil(error) ? FORK_ERROR : FORK_RUN;
  if (ch->step != FORK_RUN) ch->result = is_nil(result) ? error : result;
  return true;
}

static bool fork_run(ApiCall *c, const RunRow *row) {
  Find f = {.step = api_text(c, "stepId"), .occurrence = api_int(c, "occurrence", 1)};
  ForkChanges ch;
  int64_t number = api_int(c, "number", 0);
  if (!changes(c, &ch)) return false;
  if (!f.step == !number) return api_fail(c, 400, "bad_request", "stepId or number says where the new run begins: one of them");
  return (number || find_step(c, row, &f, &number)) && fork_at(c, row, number, &ch, "forked");
}

bool api_runs_fork(ApiCall *c) {
  RunRow row = {0};
  if (!api_run_row(c, &row)) return false;
  bool ok = still_runs(c, &row) && fork_run(c, &row);
  run_row_free(&row);
  return ok;
}

static void fail_rebuilt(ApiCall *c, const RunRow *row, const Err *err) {
  if (err->code && !strcmp(err->code, "corrupt_record")) gone(c, row, err, "rebuilt");
  else api_fail_err(c, err);
}

/* --- rebuilt ---------------------------------------------------------------------------------------------------------------------------- */
typedef struct Verifying {
  Later *later;
  enum RunStatus status;
  int64_t records;
} Verifying;

static bool verified(ApiCall *c, const Verifying *v, const RunState *end, const Buf *diff) {
  ValVec m = {0};
  api_put_text(&m, "workflowId", v->later->run_id);
  api_put(&m, "identical", diff->n ? FALSE_V : TRUE_V);
  if (diff->n) api_put(&m, "difference", str_new(diff->p, diff->n));
  api_put_text(&m, "status", api_run_status(v->status));
  api_put_text(&m, "rebuiltStatus", run_status_name(end->status));
  api_put(&m, "records", int_val(v->records));
  return api_ok(c, api_map(&m));
}

static void verified_later(void *ctx, const RunState *end, const Buf *diff) {
  Verifying *v = ctx;
  ApiCall *c = &v->later->call;
  if (!end) return;
  verified(c, v, end, diff);
  api_later_send(c->api, &v->later->answer, c);
}

static bool verify(ApiCall *c, const RunRow *row) {
  Err err = {0};
  Buf diff = {0};
  RunState end = {.value = NIL, .error = NIL};
  if (row->head_seq > REBUILD_MOST)
    return api_fail(c, 409, "too_long", "the run has %lld records; up to %d can be rebuilt here", (long long)row->head_seq, REBUILD_MOST);
  Verifying *v = mem_alloc(sizeof *v);
  *v = (Verifying){later_new(c, row), row->status, row->head_seq};
  bool turns = c->api->listener, ok = turns ? engine_replay_in_turns(c->api->engine, row->run, verified_later, v, &err)
                                            : engine_replay(c->api->engine, row->run, &diff, &end, &err);
  if (!ok) fail_rebuilt(c, row, &err);
  else if (turns) api_put_off(c, &v->later->answer, REBUILD_MS);
  else verified(c, v, &end, &diff);
  buf_free(&diff);
  return !c->code;
}

bool api_runs_verify(ApiCall *c) {
  RunRow row = {0};
  if (!api_run_row(c, &row)) return false;
  bool ok = verify(c, &row);
  run_row_free(&row);
  return ok;
}
