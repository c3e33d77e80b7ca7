/* engine_cancel.c - ending runs from outside (see engine_cancel in engine.h). The request is an inbox row, so it survives whatever
 * happens before it is acted on; it goes away in the batch that records the act. */
#include "breaks.h"
#include "child.h"
#include "runtime/steps/engine_index.h"
#include "engine_observe.h"
#include "engine_over.h"
#include "eval/unit.h"
#include "runtime/jobs/engine_job.h"
#include "runtime/jobs/jobs.h"
#include "slots.h"

#define CANCEL_GRACE_MS 10000

static Val ended_error(bool force, Val reason, bool finally_skipped) {
  const char *what = force ? "terminated" : "cancelled";
  Val m = err_map(what, what);
  if (is_str(reason) && str_n(reason)) m = map_assoc(m, kw_c("message"), str_fmt("%s: %s", what, str_s(reason)));
  m = map_assoc(m, kw_c("retryable?"), FALSE_V);
  return finally_skipped ? map_assoc(m, kw_c("finally"), kw_c("skipped")) : m;
}

bool engine_cancel(Store *s, const RunRow *row, bool force, const char *reason, Err *err) {
  Buf b = {0};
  Val kv[] = {kw_c("force"), bool_val(force), kw_c("reason"), reason ? str_c(reason) : NIL};
  snap_data(&b, map_from(kv, 2, false));
  Batch *batch = batch_new();
  batch_essential(batch);
  batch_inbox_put(batch, row->workspace, row->run_id, "cancel", now_ms(), (Bytesv){b.p, b.n});
  buf_free(&b);
  return store_submit_wait(s, batch, err);
}

void cancel_done(Run *r) {
  batch_inbox_del(run_batch(r), r->cancel.inbox);
  r->cancel_acted = r->cancel.inbox;
  r->cancel = (Cancel){.error = NIL};
}

/* --- at a step ------------------------------------------------------------ */
static void cancel_step(Run *r) {
  StepCall *c = r->call ? r->call : step_call(r);
  Val error = r->cancel.error;
  if (r->phase == R_EFFECT && c->kind && c->kind->cancel) c->kind->cancel(r->e, c);
  run_again(r);
  if (kw_is(c->type, "wait") && !c->checkpoint && c->intent_seq) wait_cleanup(c, kw_c("cancelled"));
  else if (job_awaits(c) && c->intent_seq) job_await_cleanup(c);
  else if (c->intent_seq) child_close(c, CLOSE_CANCELLED), batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  cancel_done(r);
  if (!c->started_ms) c->started_ms = now_ms();
  c->by = kw_c("cancel");
  step_resolve(c, false, error);
}

bool cancel_due(Run *r) {
  if (is_nil(r->cancel.error) || r->replaying_only) return false;
  if (breaks_holds_behind(r)) return !(r->e->inbox_again = true); /* once it has left memory: the step is answered already */
  r->phase = r->phase == R_EFFECT ? R_EFFECT : R_COMMITTING;
  cancel_step(r);
  return true;
}

/* --- without one ------------------------------------------------------------ */
static void end_now(Run *r, enum RunStatus st, Val error) {
  if (r->phase == R_EFFECT && r->call && r->call->kind && r->call->kind->cancel) r->call->kind->cancel(r->e, r->call);
  cancel_done(r);
  run_finish(r, st, error);
}

/* The history says that the run was ended in the middle of its code. */
bool cancel_ended_here(const Run *r) {
  if (r->cursor + 1 != r->nrecs || r->recs[r->cursor].kind != J_END) return false;
  Val v = vec_nth(r->recs[r->cursor].v, JE_VALUE);
  const char *status = kw_text(vec_nth(r->recs[r->cursor].v, JE_STATUS));
  return is_map(v) && kw_is(map_get_kw(v, "finally"), "skipped") && (!strcmp(status, "cancelled") || !strcmp(status, "terminated"));
}

bool cancel_replay(Run *r) {
  if (!r->replaying_only || r->fork || !cancel_ended_here(r)) return false;
  Val end = r->recs[r->cursor].v;
  run_finish(r, !strcmp(kw_text(vec_nth(end, JE_STATUS)), "terminated") ? RUN_TERMINATED : RUN_CANCELLED, vec_nth(end, JE_VALUE));
  return true;
}

bool cancel_slice(Run *r) {
  if (r->replaying_only) return cancel_replay(r);
  if (is_nil(r->cancel.error) || now_ms() - r->cancel.at_ms < CANCEL_GRACE_MS) return false;
  end_now(r, RUN_CANCELLED, map_assoc(r->cancel.error, kw_c("finally"), kw_c("skipped")));
  return true;
}

/* A run that is not in memory and need not get there. */
static void end_row(Engine *e, const RunRow *run, enum RunStatus st, Val error, int64_t inbox, Err *err) {
  Buf b = {0};
  Val rec[] = {str_c(run_status_name(st)), error, int_val(now_ms())};
  snap_data(&b, vec_from(rec, JE_COUNT));
  Batch *batch = batch_new();
  batch_append(batch, run->run, run->epoch, J_END, (Bytesv){b.p, b.n});
  batch_status(batch, run->run, run->epoch, st, now_ms(), 0, NULL);
  index_run(batch, run, st, error);
  batch_inbox_del(batch, inbox);
  child_over_row(batch, run, st, error);
  jobs_run_over(e, batch, run->run, run->workspace, run->run_id, st, false);
  child_close_row(e, batch, run, st == RUN_TERMINATED);
  buf_free(&b);
  if (store_submit_wait(e->store, batch, err)) {
    observe_row_ended(e, run, st, error);
    engine_over_tell(e, run->run);
  }
  e->inbox_again = true; /* for its children and its parent */
  parked_remove(&e->parked, run->run);
  if (run->slot && !err->code) slot_freed(e, run->workspace, run->slot);
}

/* --- requests ------------------------------------------------------------ */
static void cancel_or_wait(Run *r) { /* for its next step */
  if (r->phase == R_EFFECT || r->phase == R_TIMER || r->phase == R_HELD || r->phase == R_PARKED) cancel_due(r);
}

static void deliver_to(Run *r, Cancel c, bool force) {
  if (r->phase == R_DONE || r->after == AFTER_DONE || c.inbox <= r->cancel_acted) return;
  if (force) {
    r->cancel = c;
    end_now(r, RUN_TERMINATED, c.error);
    return;
  }
  if (is_nil(r->cancel.error)) r->cancel = c; /* else the same request again */
  cancel_or_wait(r);
}

static void deliver_row(Engine *e, const RunRow *run, Cancel c, bool force, Err *err) {
  if (run_status_final(run->status)) inbox_done(e, NULL, c.inbox);
  else if (force) end_row(e, run, RUN_TERMINATED, c.error, c.inbox, err);
  else if (run->status == RUN_BLOCKED || run->status == RUN_QUEUED) end_row(e, run, RUN_CANCELLED, map_assoc(c.error, kw_c("finally"), kw_c("skipped")), c.inbox, err);
  else {
    Run *r = take_over_row(e, run, c, err);
    if (r) cancel_or_wait(r);
    else e->inbox_again = true; /* blocked just now: ended at the next look */
  }
}

void cancel_deliver(Engine *e, const InboxRow *row, Err *err) {
  RunRow run = {0};
  if (!store_run_by_id(e->store, row->workspace, row->key, &run, err)) {
    if (!err->code) inbox_done(e, NULL, row->id);
    return;
  }
  Val body = snap_read_value(env_core(), row->body.p, row->body.n);
  bool force = is_map(body) && truthy(map_get_kw(body, "force"));
  Val reason = is_map(body) ? map_get_kw(body, "reason") : NIL;
  Cancel c = {ended_error(force, reason, force), row->id, now_ms()};
  Run *r = run_find(e, run.run);
  if (r) deliver_to(r, c, force);
  else deliver_row(e, &run, c, force, err);
  run_row_free(&run);
}
