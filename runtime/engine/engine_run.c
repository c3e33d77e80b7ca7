/* engine_run.c - one run: its slices, journal, commits, snapshots, recovery and end. */
#include "breaks.h"
#include "child.h"
#include "runtime/steps/engine_index.h"
#include "runtime/jobs/engine_job.h"
#include "engine_over.h"
#include "runtime/flow/flow_include.h"
#include "runtime/steps/engine_table.h"
#include "runtime/jobs/jobs.h"
#include "slots.h"
#include "eval/expand.h"
#include "eval/frame.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "engine_observe.h"
#include "engine_trace.h"
#include <stdio.h>
#include <stdlib.h>

#define SNAPSHOT_AFTER (64 * 1024)
#define MAX_BATCH_OPS 32

/* --- table and queue -------------------------------------------------------------------------------------------------------- */
static Run **bucket(Engine *e, int64_t run) { return &e->runs[(uint64_t)run * 0x9e3779b97f4a7c15u >> 40 & (e->cap - 1)]; }

Run *run_find(Engine *e, int64_t run) {
  if (!e->cap) return NULL;
  Run *r = *bucket(e, run);
  while (r && r->run != run) r = r->chain;
  return r;
}

static void table_grow(Engine *e) {
  Run **old = e->runs;
  size_t n = e->cap;
  e->cap = n ? n * 2 : 256;
  e->runs = mem_alloc(e->cap * sizeof *e->runs);
  for (size_t i = 0; i < n; i++)
    for (Run *r = old[i], *next; r; r = next) {
      next = r->chain;
      Run **b = bucket(e, r->run);
      r->chain = *b;
      *b = r;
    }
}

static char *dup(const char *s) {
  char *d = strdup(s ? s : "");
  if (!d) abort();
  return d;
}

Run *run_make(Engine *e, const RunRow *row) {
  Run *r = mem_alloc(sizeof *r);
  r->e = e;
  r->run = row->run;
  r->epoch = r->stored_epoch = row->epoch;
  r->life = ++e->next_life;
  r->seq = r->stored_seq = row->head_seq;
  r->run_id = dup(row->run_id);
  r->workspace = dup(row->workspace);
  r->slug = dup(row->slug);
  r->slot = row->slot ? dup(row->slot) : NULL;
  r->target = row->target ? dup(row->target) : NULL;
  snprintf(r->source_hash, sizeof r->source_hash, "%s", row->source_hash ? row->source_hash : "");
  r->version = row->version;
  r->created_ms = row->created_ms;
  r->status = row->status;
  r->snap_seq = row->snap_seq;
  r->lineage = child_lineage(row);
  breaks_run(r, row);
  r->fresh = r->jobs_sent = NIL;
  return r;
}

Run *run_add(Engine *e, const RunRow *row) {
  if (e->nruns >= e->cap) table_grow(e);
  Run *r = run_make(e, row), **b = bucket(e, r->run);
  r->chain = *b;
  *b = r;
  e->nruns++;
  parked_remove(&e->parked, r->run);
  trace_run(r, row);
  return r;
}

void run_release(Run *r) {
  if (r->batch) batch_free(r->batch);
  r->batch = NULL;
  free(r->run_id);
  free(r->workspace);
  free(r->slug);
  free(r->slot);
  free(r->target);
  call_free(r->call);
  r->call = NULL;
  r->m = NULL;
}

void run_drop(Run *r) {
  Run **at = bucket(r->e, r->run);
  while (*at && *at != r) at = &(*at)->chain;
  if (!*at) return;
  *at = r->chain;
  r->e->nruns--;
  run_release(r);
}

static void run_is_over(Run *r) {
  r->over = r->e->over;
  r->e->over = r;
}

void runs_leave(Engine *e) {
  for (Run *r = e->over, *next; r; r = next) {
    next = r->over;
    run_drop(r);
  }
  e->over = NULL;
}

void run_ready(Run *r) {
  r->phase = R_READY;
  if (r->queued || r->replaying_only) return;
  r->queued = true;
  r->next = NULL;
  if (r->e->ready_tail) r->e->ready_tail->next = r;
  else r->e->ready = r;
  r->e->ready_tail = r;
}

/* --- journal and commits ------------------------------------------------------------------------------------------------------- */
/* What the batch before this one appended must be there: it may be refused (a full disk) with this one on its way. */
Batch *run_batch(Run *r) {
  if (r->batch) return r->batch;
  r->batch = batch_new();
  if (r->stored_seq) batch_expect(r->batch, r->run, r->stored_epoch, r->stored_seq);
  return r->batch;
}

/* With `copy`, also the record as a later replay will read it. */
static int64_t append(Run *r, enum JournalKind kind, const Val *fields, size_t n, size_t most, Val *copy) {
  static _Thread_local Buf b; /* of the record before: most fit in */
  bool store = !r->replaying_only || r->fork;
  if (!store && !copy) return ++r->seq;
  b.n = 0;
  if (is_sig(snap_data(&b, vec_from(fields, n)))) return -1;
  if (snap_last_size() > most) return -1;
  if (copy && is_sig(*copy = snap_read_value(r->m ? r->m->env : env_core(), b.p, b.n))) return -1;
  if (store) {
    batch_append(run_batch(r), r->run, r->epoch, kind, (Bytesv){b.p, b.n});
    r->tail_bytes += b.n + 40;
  }
  if (b.cap > (1u << 20)) buf_free(&b);
  return ++r->seq;
}

int64_t run_append(Run *r, enum JournalKind kind, const Val *fields, size_t n) { return append(r, kind, fields, n, SIZE_MAX, NULL); }
int64_t run_append_copy(Run *r, enum JournalKind kind, const Val *fields, size_t n, size_t most, Val *copy) {
  return append(r, kind, fields, n, most, copy);
}

Val copy_data(Run *r, Val v) {
  if (!is_ptr(v)) return v;
  Buf b = {0};
  Val s = snap_data(&b, v);
  Val copy = is_sig(s) ? s : snap_read_value(r->m->env, b.p, b.n);
  buf_free(&b);
  return copy;
}

void run_submit(Run *r, enum After after) {
  r->after = after;
  if (r->replaying_only) return;
  if (r->batch && batch_ops(r->batch)) {
    r->inflight++;
    store_reads(r->e->store, r->reads);
    store_submit(r->e->store, r->batch, (uint64_t)r->run | (uint64_t)r->life << 48);
    r->reads = store_reads(r->e->store, 0);
    r->batch = NULL;
    r->stored_epoch = r->epoch;
    r->stored_seq = r->seq;
  }
  if (after != AFTER_NOTHING) r->phase = R_COMMITTING;
  if (!r->inflight) run_committed(r, NULL);
}

/* All batches of the run are durable: act on what was waiting for that. */
static void durable(Run *r) {
  enum After after = r->after;
  r->after = AFTER_NOTHING;
  child_launch(r);
  if (r->tells) r->e->inbox_again = true;
  r->tells = false;
  if (after != AFTER_NOTHING && after != AFTER_DONE && cancel_due(r)) return;
  switch (after) {
  case AFTER_NOTHING: break;
  case AFTER_TABLE: table_far_start(r->call); break;
  case AFTER_START:
    r->phase = R_EFFECT;
    observe_attempt(r->call);
    r->call->kind->start(r->e, r->call);
    break;
  case AFTER_TIMER:
    r->phase = R_TIMER;
    engine_timer_add(r->e, r->call->due_ms, r);
    break;
  case AFTER_HOLD: r->phase = R_HELD; break;
  case AFTER_PARK:
    r->phase = R_PARKED;
    wait_parked(r);
    job_parked(r);
    if (r->phase != R_PARKED) break;
    parked_add(&r->e->parked, r->run);
    if (!r->call || !r->call->kids) run_progress(r, STEP_PARKED, NULL, r->call ? r->call->due_ms : 0);
    if (r->call && r->call->due_ms && r->call->due_ms < r->e->next_store_timer) r->e->next_store_timer = r->call->due_ms;
    run_drop(r);
    break;
  case AFTER_DONE:
    r->phase = R_DONE;
    r->m = NULL;
    if (r->slot && run_status_final(r->status)) slot_freed(r->e, r->workspace, r->slot);
    observe_run_ended(r);
    engine_over_tell(r->e, r->run);
    run_is_over(r); /* who has called this may still look at it */
    break;
  }
}

/* The run leaves memory and is taken up again later, less and less often while the store refuses. */
static void hold(Run *r, const char *error) {
  Engine *e = r->e;
  int64_t number = r->run;
  StepEvent ev = {.run = r->run, .run_id = r->run_id, .what = RUN_HELD, .at_ms = now_ms(), .error = store_error_text(error)};
  if (!e->hold_ms && e->o.progress) e->o.progress(e->o.ctx, &ev);
  e->hold_ms = !e->hold_ms ? 125 : e->hold_ms < 4000 ? e->hold_ms * 2 : 4000;
  run_drop(r);
  engine_timer_add(e, now_ms() + e->hold_ms, &(Run){.run = number});
}

void run_committed(Run *r, const char *error) {
  if (error) {
    /* disk_full and the like: nothing of this batch is stored. Go back to what is durable and try again from there. */
    r->inflight = 0;
    Engine *e = r->e;
    if (store_failed(e->store)) {
      engine_fatal(e, error, store_error_text(error));
      return;
    }
    hold(r, error);
    return;
  }
  r->e->hold_ms = 0;
  if (is_vec(r->jobs_sent)) job_sent(r);
  if (r->inflight) return;
  r->taken = r->taken && r->batch;
  durable(r);
}

/* --- snapshots ------------------------------------------------------------------------------------------------------------------ */
static void put_units(Run *r, Unit **units, size_t n) {
  for (size_t i = 0; i < n; i++) {
    char hex[33];
    unit_hex(&units[i]->hash, hex);
    Val key = kw_c(hex);
    if (!is_nil(set_get(r->e->units, key, NIL))) continue;
    Buf b = {0};
    if (is_sig(snap_value(&b, unit_stored_form(units[i])))) continue;
    batch_unit_put(run_batch(r), units[i]->hash.b, units[i]->file ? units[i]->file : "", (Bytesv){b.p, b.n});
    buf_free(&b);
    r->e->units = set_conj(r->e->units, key);
  }
}

/* Units that the snapshot names and the store has not been given yet: those of code that defines vars are no one else's. */
typedef struct Fresh { Unit **units; size_t n; Val (*loader)(void *ctx, const UnitHash *h); void *ctx; } Fresh;
static Val load_fresh(void *ctx, const UnitHash *h) {
  const Fresh *f = ctx;
  for (size_t i = 0; i < f->n; i++)
    if (!memcmp(&f->units[i]->hash, h, sizeof *h)) return unit_stored_form(f->units[i]);
  return f->loader ? f->loader(f->ctx, h) : ABSENT;
}

static Mach *read_back(const Buf *b, Unit **units, size_t n) {
  Fresh f = {units, n, unit_loader, unit_loader_ctx};
  unit_loader = load_fresh;
  unit_loader_ctx = &f;
  Mach *copy = snap_read_machine(b->p, b->n);
  unit_loader = f.loader;
  unit_loader_ctx = f.ctx;
  return copy;
}

static void verify_snapshot(Run *r, const Buf *b, Unit **units, size_t n) {
  Mach *copy = read_back(b, units, n);
  Buf again = {0};
  bool ok = copy && !is_sig(snap_machine(&again, copy)) && again.n == b->n && !memcmp(again.p, b->p, b->n);
  buf_free(&again);
  if (!ok) {
    engine_fatal(r->e, "snapshot_mismatch", "a snapshot did not survive being read and written again");
    return;
  }
  /* Go on with the restored machine: what a resume after a crash would run. */
  copy->host = r;
  copy->nondet = r->m->nondet;
  copy->out = r->m->out;
  copy->mem_limit = r->m->mem_limit;
  copy->fuel_limit = r->m->fuel_limit;
  copy->slice = r->m->slice;
  r->m = copy;
  if (r->call) {
    Val *s = step_slots(copy);
    if (s) r->call->cfg = s[ST_CFG];
  }
}

void run_snapshot(Run *r) {
  if (r->replaying_only) return;
  Buf b = {0};
  Val v = snap_machine(&b, r->m);
  if (is_sig(v)) {
    buf_free(&b);
    return; /* recovery then replays from the snapshot before */
  }
  Unit **units;
  size_t n = snap_units(&units);
  put_units(r, units, n);
  batch_snapshot(run_batch(r), r->run, r->epoch, r->seq, (Bytesv){b.p, b.n});
  if (r->e->o.verify) verify_snapshot(r, &b, units, n);
  r->tail_bytes = 0;
  r->snap_bytes = b.n;
  r->snap_seq = r->seq;
  buf_free(&b);
}

/* --- the machine ------------------------------------------------------------------------------------------------------------------ */
static Val run_nondet(Mach *m, Val v) {
  Run *r = m->host;
  if (m->in_function) return v; /* the step's result is what the journal keeps */
  if (r->fork) return fork_nondet(r, v);
  if (r->cursor < r->nrecs) {
    if (r->recs[r->cursor].kind == J_NONDET) return vec_nth(r->recs[r->cursor++].v, 0);
    if (r->on_replay && !cancel_ended_here(r)) r->on_replay(r, "the body asks for the time or a random value where the journal has none");
  }
  if (run_append(r, J_NONDET, &v, 1) < 0) return SIG_THROW;
  return v;
}

static void run_out(Mach *m, const char *s, size_t n) {
  Run *r = m->host;
  if (r->cursor < r->nrecs || r->replaying_only) return; /* printed the first time */
  observe_output(r, s, n);
}

static void machine_ports(Run *r) {
  const EngineOptions *o = &r->e->o;
  r->m->host = r;
  r->m->nondet = run_nondet;
  r->m->out = run_out;
  r->m->mem_limit = (uint64_t)(o->mem_limit ? o->mem_limit : (int64_t)1 << 30);
  r->m->fuel_limit = o->fuel_limit ? o->fuel_limit : 3000000000;
}

static Val state_map(Val input) {
  Val kv[] = {kw_c("input"), input, kw_c("occ"), map_empty};
  return map_from(kv, 2, false);
}

bool run_boot(Run *r, Err *err) {
  Unit *u = NULL;
  if (!engine_def(r->e, r->source_hash, &r->def, &u, err)) return false;
  Env *env = engine_env();
  if (!u || !u->shared) u = engine_body_unit(r->def, env, err);
  if (!u) return false;
  r->m = mach_new(env);
  machine_ports(r);
  r->m->state = state_map(r->input);
  mach_start_unit(r->m, u);
  r->started = false;
  return true;
}

static void run_ended(Run *r, Val v) {
  Val cancelled = map_get_kw(r->m->state, "cancelled");
  if (cancel_replay(r)) return;
  if (!is_nil(cancelled)) run_finish(r, breaks_end(cancelled), cancelled);
  else if (same(v, SIG_THROW)) run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
  else run_finish(r, RUN_COMPLETED, v);
}

/* The code of a :function step has used up its :timeout: a limit, so no catch or finally of its own keeps it running. */
static bool function_is_late(Run *r) {
  if (!r->m->in_function || !r->call || !r->call->deadline_us || mono_us() < r->call->deadline_us) return false;
  r->timed_out = true;
  ex_throw(EXC_LIMIT, "the code took longer than its :timeout");
  return true;
}

void run_slice(Run *r) {
  Mach *m = r->m;
  while (r->phase == R_READY && r->m == m) {
    Val v;
    if (!r->started) {
      r->started = true;
      v = mach_run(m);
    } else if (r->resume_throw) {
      r->resume_throw = false;
      v = mach_resume(m, ex_throw_val(r->resume));
    } else if (step_slots(m)) {
      v = mach_resume(m, r->resume);
    } else {
      v = mach_continue(m);
    }
    if (same(v, SIG_STOP) && function_is_late(r)) v = mach_throw(m);
    if (same(v, SIG_STOP)) {
      /* other runs come between: what this one wrote to shared values must be there for them to read */
      if (r->batch && batch_has_kv(r->batch)) run_submit(r, AFTER_NOTHING);
      if (!cancel_slice(r)) run_ready(r);
      return;
    }
    if (!same(v, SIG_SUSPEND)) run_ended(r, v);
    else {
      m->fuel_total = 0;
      step_reached(r);
      if (r->batch && batch_ops(r->batch) >= MAX_BATCH_OPS && r->phase == R_READY) run_submit(r, AFTER_NOTHING);
      m = r->m; /* verify may have exchanged it */
    }
  }
}

void run_replay(Run *r) {
  r->status = RUN_RUNNING;
  while (r->phase == R_READY) run_slice(r);
}

void run_rebuild(Run *r, void (*rebuilt)(Run *r, bool stopping), void *ctx) {
  Engine *e = r->e;
  r->status = RUN_RUNNING;
  r->rebuilt = rebuilt;
  r->rebuild = ctx;
  r->next = NULL;
  if (!e->rebuilds) e->rebuilds_last = &e->rebuilds;
  *e->rebuilds_last = r;
  e->rebuilds_last = &r->next;
}

static Run *next_rebuild(Engine *e) {
  Run *r = e->rebuilds;
  if (r && !(e->rebuilds = r->next)) e->rebuilds_last = &e->rebuilds;
  return r;
}

/* One slice of the one whose turn it is. */
void rebuilds_turn(Engine *e) {
  Run *r = next_rebuild(e);
  if (!r) return;
  if (r->phase == R_READY) run_slice(r);
  if (r->phase == R_READY) run_rebuild(r, r->rebuilt, r->rebuild);
  else r->rebuilt(r, false);
}

void rebuilds_stop(Engine *e) {
  for (Run *r; (r = next_rebuild(e));) r->rebuilt(r, true);
}

/* --- ends --------------------------------------------------------------------------------------------------------------------------- */
const FlowDef *run_definition(Run *r) {
  Err e = {0};
  if (!r->def && *r->source_hash && !engine_def(r->e, r->source_hash, &r->def, NULL, &e)) return NULL;
  return r->def;
}

Val run_error_map(Run *r, Val ex) {
  if (!is_type(ex, T_EX)) return err_map("runtime", "unknown error");
  const Ex *x = AS(Ex, ex);
  Val m = is_map(x->data) ? x->data : map_empty;
  if (is_sig(snap_storable(m))) m = map_empty;
  if (is_nil(map_get_kw(m, "type"))) m = map_assoc(m, kw_c("type"), kw_c(kind_name((enum Kind)x->kind)));
  if (is_nil(map_get_kw(m, "message"))) m = map_assoc(m, kw_c("message"), is_nil(x->msg) ? str_c(exc_class_name((enum Exc)x->cls)) : x->msg);
  m = map_assoc(m, kw_c("class"), str_c(exc_class_name((enum Exc)x->cls)));
  bool of_step = is_kw(map_get_kw(m, "step-id")) && is_str(map_get_kw(m, "trace")); /* says more: where in the function */
  if (!of_step && is_str(x->trace) && str_n(x->trace)) m = map_assoc(m, kw_c("trace"), flow_include_trace(run_definition(r), x->trace));
  return m;
}

void run_finish(Run *r, enum RunStatus st, Val outcome) {
  r->status = st;
  if (r->replaying_only) {
    r->outcome = outcome;
    r->phase = R_DONE;
    return;
  }
  Val rec[] = {str_c(run_status_name(st)), outcome, int_val(now_ms())};
  if (run_append(r, J_END, rec, JE_COUNT) < 0) { /* only an error map could fail here: say what can be said */
    rec[JE_VALUE] = outcome = err_map("not-serializable", "the outcome could not be stored");
    run_append(r, J_END, rec, JE_COUNT);
  }
  r->outcome = outcome;
  child_over(r, st, outcome);
  jobs_run_over(r->e, run_batch(r), r->run, r->workspace, r->run_id, st, r->jobs_any);
  if (st == RUN_CANCELLED || st == RUN_TERMINATED) r->tells = true;
  batch_status(run_batch(r), r->run, r->epoch, st, now_ms(), 0, NULL);
  index_run(run_batch(r), &(RunRow){.workspace = r->workspace, .run_id = r->run_id, .slug = r->slug}, st, outcome);
  run_submit(r, AFTER_DONE);
}

void run_block(Run *r, const char *why) {
  r->status = RUN_BLOCKED;
  r->outcome = err_map("blocked", why);
  if (r->batch) batch_free(r->batch);
  r->batch = NULL;
  r->phase = R_DONE;
  if (r->replaying_only) return;
  if (r->stored_epoch != r->epoch) batch_take_over(run_batch(r), r->run, r->stored_epoch, r->epoch);
  batch_status(run_batch(r), r->run, r->epoch, RUN_BLOCKED, now_ms(), 0, why);
  run_submit(r, AFTER_DONE);
}

/* --- recovery ------------------------------------------------------------------------------------------------------------------------ */
typedef struct Load { Run *r; size_t cap; bool bad; Err err; } Load;

static bool load_record(void *ctx, const JournalRec *j) {
  Load *l = ctx;
  Run *r = l->r;
  Env *env = r->m ? r->m->env : env_new();
  Val v = snap_read_value(env, j->data.p, j->data.n);
  if (!is_type(v, T_VEC)) {
    l->bad = true;
    return false;
  }
  if (r->nrecs == l->cap) {
    l->cap = l->cap ? l->cap * 2 : 32;
    Rec *grown = mem_alloc(l->cap * sizeof *grown);
    if (r->nrecs) memcpy(grown, r->recs, r->nrecs * sizeof *grown);
    r->recs = grown;
  }
  r->recs[r->nrecs++] = (Rec){j->seq, j->kind, v, j->data.n};
  r->tail_bytes += j->data.n + 40;
  return true;
}

bool run_load_records(Run *r, int64_t of, int64_t after, Err *err) {
  Load l = {.r = r};
  r->recs = NULL;
  r->nrecs = r->cursor = 0;
  r->tail_bytes = 0;
  if (!store_journal(r->e->store, of, after, load_record, &l, err) && err->code) return false;
  if (l.bad) return err_set(err, "corrupt_record", "record %lld of %s cannot be read", (long long)(r->nrecs ? r->recs[r->nrecs - 1].seq + 1 : after + 1), r->run_id);
  if (r->nrecs) r->seq = r->recs[r->nrecs - 1].seq;
  return true;
}

static bool load_from_start(Run *r, Err *err) {
  if (!run_load_records(r, r->run, 0, err)) return false;
  if (!r->nrecs || r->recs[0].kind != J_START) return err_set(err, "corrupt_record", "the journal of %s does not begin with its start", r->run_id);
  r->input = vec_nth(r->recs[0].v, JT_INPUT);
  r->cursor = 1;
  return run_boot(r, err);
}

static int64_t steps_begun(Run *r) {
  MapIter it;
  Val k, v;
  int64_t n = 0;
  map_iter(&it, map_get_kw(r->m->state, "occ"));
  while (map_next(&it, &k, &v)) n += is_fix(v) ? fix_of(v) : 0;
  return n;
}

bool run_load(Run *r, const RunRow *row, bool from_start, Err *err) {
  err->code = NULL;
  if (from_start || row->snap_seq < 0) {
    if (!load_from_start(r, err)) return false;
    run_ready(r);
    return true;
  }
  int64_t seq;
  Blob b = {0};
  if (!store_snapshot_get(r->e->store, r->run, &seq, &b, err)) {
    if (!err->code) err_set(err, "corrupt_snapshot", "the snapshot of %s is missing", r->run_id);
    return false;
  }
  r->m = snap_read_machine(b.p, b.n);
  r->snap_bytes = b.n;
  blob_free(&b);
  if (!r->m) return err_set(err, "snapshot_unreadable", "%s", is_type(pend.ex, T_EX) && is_str(AS(Ex, pend.ex)->msg) ? str_s(AS(Ex, pend.ex)->msg) : "?");
  machine_ports(r);
  r->input = map_get_kw(r->m->state, "input");
  r->started = true;
  r->seq = seq;
  if (!run_load_records(r, r->run, seq, err)) return false;
  r->snap_seq = seq;
  r->steps = steps_begun(r);
  r->stopped = r->stop_at == r->steps && r->stop_at;
  if (r->stop_at && r->stop_at <= r->steps) r->phase = R_DONE;
  else step_in_flight(r); /* the machine stands in a step */
  return true;
}
