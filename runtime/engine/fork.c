/* fork.c - see fork.h */
#include "fork.h"
#include "edit.h"
#include "engine_observe.h"
#include "runtime/steps/engine_index.h"
#include "eval/scope.h"
#include "eval/unit.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct Fork {
  const ForkChanges *c;
  int64_t step;
  bool changed;  /* input or source differ from the parent's: its path may, too */
  bool past;     /* in front of step n: what the body asks now is new */
  Err err;       /* code set: the fork cannot be made */
  FlowDef *def;
  RunRow parent, row; /* row: the fork's; it points into parent, def, id and origin */
  char id[512];
  Buf origin;
  ForkChanges changes; /* of one in turns */
  ForkedFn f;
} Fork;

/* --- the parent's history, taken over ------------------------------------------------------------ */
typedef struct Taken { Val intent, value, by; bool ok, there; int64_t ended; int attempt; } Taken;

static const Rec *next_rec(Run *r, enum JournalKind skip) {
  while (r->cursor < r->nrecs && r->recs[r->cursor].kind == (int)skip) r->cursor++;
  return r->cursor < r->nrecs ? &r->recs[r->cursor] : NULL;
}

static void take_step(Taken *t, Val rec) {
  *t = (Taken){.intent = rec,
               .there = true,
               .ok = truthy(vec_nth(rec, JS_OK)),
               .value = vec_nth(rec, JS_VALUE),
               .by = journal_field(rec, JS_BY),
               .ended = long_of(vec_nth(rec, JS_END)),
               .attempt = (int)fix_of(vec_nth(rec, JI_ATTEMPT))};
}

static void take_result(Taken *t, Val rec) {
  t->there = true;
  t->ok = truthy(vec_nth(rec, JR_OK));
  t->value = vec_nth(rec, JR_VALUE);
  t->by = journal_field(rec, JR_BY);
  t->ended = long_of(vec_nth(rec, JR_AT));
}

/* The records of the next step, however many attempts it took. */
static Taken take(Run *r) {
  Taken t = {.intent = NIL};
  const Rec *rec = next_rec(r, J_NONDET); /* asked for by the parent's path alone: only where input or source differ */
  for (; rec && !t.there; rec = r->cursor < r->nrecs ? &r->recs[r->cursor] : NULL) {
    if (rec->kind == J_STEP && is_nil(t.intent)) take_step(&t, rec->v);
    else if (rec->kind == J_INTENT) t.intent = rec->v, t.attempt = (int)fix_of(vec_nth(rec->v, JI_ATTEMPT));
    else if (rec->kind == J_RESULT && !is_nil(t.intent)) take_result(&t, rec->v);
    else if (rec->kind != J_RETRY && rec->kind != J_CHECK && rec->kind != J_CHILD) break;
    r->cursor++;
  }
  if (rec && rec->kind == J_ABORT) { /* its call threw in place of that */
    t.ok = false;
    t.value = vec_nth(rec->v, JB_ERROR);
    t.by = kw_c("cancel");
    r->cursor++;
  }
  return t;
}

static void append_step(StepCall *c, bool ok, Val value, int64_t ended, Val by) {
  Val f[JS_COUNT];
  step_fields(c, f);
  f[JS_OK] = bool_val(ok);
  f[JS_VALUE] = value;
  f[JS_END] = int_val(ended);
  f[JS_NODE] = c->node;
  f[JS_BY] = by;
  run_append(c->r, J_STEP, f, JS_COUNT);
}

static bool diverges(StepCall *c, const Taken *t) {
  if (is_nil(t->intent) || !t->there) {
    step_mismatch(c->r, "the flow reaches step :%s, but the history ends before it%s", id_text(c->id), "");
    return true;
  }
  Val id = vec_nth(t->intent, JI_STEP), type = vec_nth(t->intent, JI_TYPE);
  if (same(id, c->id) && same(type, c->type)) return false;
  step_mismatch(c->r, "the flow reaches step :%s where the history has :%s", id_text(c->id), id_text(id));
  return true;
}

static bool parent_edits(Run *r) {
  const Rec *rec = next_rec(r, r->fork->changed ? J_NONDET : 0);
  while (rec && rec->kind == J_EDIT) {
    Val f[JD_COUNT] = {vec_nth(rec->v, JD_EDITS), vec_nth(rec->v, JD_AGAIN), vec_nth(rec->v, JD_AT)};
    r->cursor++;
    if (r->fork->changed) {
      step_mismatch(r, "values of it were changed by hand%s%s: it can only be forked with the same source and input", "", "");
      return true;
    }
    run_append(r, J_EDIT, f, JD_COUNT);
    if (edit_apply(r, rec->v)) return true;
    rec = r->cursor < r->nrecs ? &r->recs[r->cursor] : NULL;
  }
  return false;
}

void fork_step(Run *r) {
  if (parent_edits(r)) return;
  if (r->steps + 1 == r->fork->step) {
    r->stopped = true;
    r->phase = R_DONE;
    return;
  }
  Taken t = take(r);
  StepCall *c = step_call(r);
  if (diverges(c, &t)) return;
  c->attempt = t.attempt;
  c->started_ms = long_of(vec_nth(t.intent, JI_AT));
  Val by = kw_is(t.by, "cancel") ? t.by : kw_c("parent");
  append_step(c, t.ok, t.value, t.ended, by);
  step_answer(r, t.ok, t.value, by);
}

Val fork_nondet(Run *r, Val v) {
  const Rec *rec = r->cursor < r->nrecs && !r->fork->past ? &r->recs[r->cursor] : NULL;
  if (rec && rec->kind == J_NONDET) {
    v = vec_nth(rec->v, 0);
    r->cursor++;
  }
  if (run_append(r, J_NONDET, &v, 1) < 0) return SIG_THROW;
  return v;
}

static void on_mismatch(Run *r, const char *what) {
  Fork *f = r->fork;
  if (!f->err.code) err_set(&f->err, "fork_diverged", "step %lld: %s", (long long)(r->call ? r->steps : r->steps + 1), what);
  r->phase = R_DONE;
}

/* --- up to step n ------------------------------------------------------------ */
static bool not_reached(Run *r, Err *err) {
  if (r->fork->err.code) {
    *err = r->fork->err;
    return false;
  }
  Val msg = is_map(r->outcome) && r->status == RUN_FAILED ? map_get_kw(r->outcome, "message") : NIL;
  return err_set(err, r->fork->changed ? "fork_diverged" : "no_step", "the flow ends (%s%s%.200s) after %lld step%s, before step %lld",
                 run_status_name(r->status), is_str(msg) ? ": " : "", is_str(msg) ? str_s(msg) : "", (long long)r->steps,
                 r->steps == 1 ? "" : "s", (long long)r->fork->step);
}

static bool reached(Run *r, Err *err) { return (r->stopped && !r->fork->err.code) || not_reached(r, err); }

static bool reach(Run *r, Err *err) {
  run_replay(r);
  return reached(r, err);
}

static Val lineage(const RunRow *parent, const Fork *f) {
  ValVec changed = {0};
  if (f->c->step != FORK_RUN) vv_push(&changed, kw_c(f->c->step == FORK_ERROR ? "error" : "result"));
  if (f->c->nlocals) vv_push(&changed, kw_c("locals"));
  if (!is_nil(f->c->config)) vv_push(&changed, kw_c("config"));
  if (!is_nil(f->c->input)) vv_push(&changed, kw_c("input"));
  if (f->c->def) vv_push(&changed, kw_c("source"));
  Val kv[] = {kw_c("run-id"), str_c(parent->run_id), kw_c("run"), int_val(parent->run), kw_c("step"), int_val(f->step),
              kw_c("changed"), vec_from(changed.a, changed.n)};
  return map_from(kv, 4, false);
}

static bool begin(Run *r, Err *err) {
  Fork *f = r->fork;
  const RunRow *row = &f->row, *parent = &f->parent;
  FlowDef *def = f->def;
  r->on_replay = on_mismatch;
  if (!run_load_records(r, parent->run, 0, err)) return false;
  if (!r->nrecs || r->recs[0].kind != J_START)
    return err_set(err, "corrupt_record", "the journal of %s does not begin with its start", parent->run_id);
  r->cursor = 1;
  r->seq = 0;
  Val ctx = kw_new("flow", "ctx"), input = is_nil(f->c->input) ? vec_nth(r->recs[0].v, JT_INPUT) : f->c->input;
  input = map_dissoc(input, ctx);
  if (f->changed && !flowdef_input(def, &input, err)) return false;
  input = engine_input(r->e, row, input);
  Val start[JT_COUNT] = {input, str_c(def->hash), int_val(row->created_ms), lineage(parent, f)};
  batch_run_create(run_batch(r), row);
  batch_source_put(run_batch(r), def->hash, def->file ? def->file : "flow.edn", (Bytesv){def->text, def->text_n});
  if (run_append(r, J_START, start, JT_COUNT) < 0) return edit_failed(err, "not_serializable", "the input");
  Buf b = {0};
  snap_data(&b, input);
  r->input = snap_read_value(env_core(), b.p, b.n);
  buf_free(&b);
  r->phase = R_READY;
  return run_boot(r, err);
}

/* --- changes in front of it ------------------------------------------------------------ */
static bool again_at(Run *r, Val node, Val id, Err *err) {
  r->phase = R_READY;
  r->stopped = false;
  if (!reach(r, err)) return false;
  if (same(val_eq(step_node(r->m), node), TRUE_V) && same(step_slots(r->m)[ST_ID], id)) return true;
  return err_set(err, "fork_diverged", "with these values the flow reaches step :%s first", id_text(step_slots(r->m)[ST_ID]));
}

static bool edit(Run *r, Err *err) {
  const ForkChanges *c = r->fork->c;
  ValVec edits = {0};
  r->fork->past = true;
  if (!c->nlocals && is_nil(c->config)) return true;
  for (size_t i = 0; i < c->nlocals; i++)
    if (!edit_local(r, &c->locals[i], &edits, err)) return false;
  if (!is_nil(c->config) && !edit_config(r, c->config, &edits, err)) return false;
  Val node = step_node(r->m), id = step_slots(r->m)[ST_ID];
  Val rec[JD_COUNT] = {vec_from(edits.a, edits.n), bool_val(is_nil(c->config) && scope_can_call_again(r->m)), int_val(now_ms())};
  if (run_append(r, J_EDIT, rec, JD_COUNT) < 0) return edit_failed(err, "not_serializable", "the change");
  return !edit_apply(r, vec_from(rec, JD_COUNT)) || again_at(r, node, id, err);
}

static bool answered(Run *r, Err *err) {
  const ForkChanges *c = r->fork->c;
  if (c->step == FORK_RUN) return true;
  StepCall *call = step_call(r);
  bool ok = c->step == FORK_RESULT;
  Val value = ok ? c->result : edit_error(c->result);
  if (!ok) value = map_assoc(map_assoc(value, kw_c("step-id"), call->id), kw_c("attempt"), fix(1));
  value = copy_data(r, value);
  if (is_sig(value)) return edit_failed(err, "not_serializable", ok ? "the result" : "the error");
  call->started_ms = now_ms();
  append_step(call, ok, value, now_ms(), kw_c("hand"));
  return true;
}

/* --- the whole ------------------------------------------------------------ */
/* In front of step n: the changes, and all of it becomes durable. */
static bool make(Run *r, int64_t *run, Err *err) {
  Fork *f = r->fork;
  bool ok = reached(r, err) && edit(r, err) && answered(r, err);
  if (ok) {
    if (f->c->also) f->c->also(f->c->ctx, r->batch, &f->row);
    ok = store_submit_wait(r->e->store, r->batch, err);
    r->batch = NULL;
    *run = f->row.run;
    if (ok) index_flow(r->e, f->row.workspace, f->def), observe_run_started(r);
  }
  if (!ok && err->code && !strcmp(err->code, "run_exists")) err_set(err, "run_exists", "there is a run %s already", f->row.run_id);
  return ok;
}

static void fork_free(Fork *f) {
  buf_free(&f->origin);
  run_row_free(&f->parent);
}

static bool look(Engine *e, Fork *f, int64_t parent, Err *err) {
  const ForkChanges *c = f->c;
  err->code = NULL;
  if (f->step < 1) return err_set(err, "no_step", "steps are counted from 1");
  if (!store_run_get(e->store, parent, &f->parent, err))
    return err->code ? false : err_set(err, "not_found", "there is no run number %lld", (long long)parent);
  f->def = c->def;
  return c->def ? engine_def_add(e, c->def, err) : engine_def(e, f->parent.source_hash, &f->def, NULL, err);
}

static Run *new_run(Engine *e, Fork *f, const char *run_id) {
  RunRow *row = &f->row;
  *row = engine_new_row(e, f->parent.workspace, f->def, f->parent.target, run_id, f->id);
  row->version = f->c->def ? 0 : f->parent.version;
  row->installation = f->parent.installation;
  if (is_map(f->c->origin) && !is_sig(print_to(&f->origin, f->c->origin, &print_readably))) row->origin = (char *)(uintptr_t)buf_cstr(&f->origin);
  Run *r = run_make(e, row);
  r->replaying_only = true;
  r->fork = f;
  return r;
}

bool engine_fork(Engine *e, int64_t parent, int64_t step, const ForkChanges *c, const char *run_id, int64_t *run, Err *err) {
  Fork *f = mem_alloc(sizeof *f);
  *f = (Fork){.c = c, .step = step, .changed = c->def || !is_nil(c->input)};
  bool ok = look(e, f, parent, err);
  Run *r = ok ? new_run(e, f, run_id) : NULL;
  if (r) {
    ok = begin(r, err);
    if (ok) run_replay(r);
    ok = ok && make(r, run, err);
    run_release(r);
  }
  fork_free(f);
  return ok;
}

static void forked(Run *r, bool stopping) {
  Fork *f = r->fork;
  Err err = {0};
  int64_t run = 0;
  bool ok = !stopping && make(r, &run, &err);
  f->f(f->c->ctx, ok ? run : 0, &err);
  run_release(r);
  fork_free(f);
}

/* The first slice at once: nearly always that is all. */
enum ForkHow engine_fork_in_turns(Engine *e, int64_t parent, int64_t step, const ForkChanges *c, ForkedFn done, int64_t *run, Err *err) {
  Fork *f = mem_alloc(sizeof *f);
  *f = (Fork){.changes = *c, .step = step, .changed = c->def || !is_nil(c->input), .f = done};
  f->c = &f->changes;
  bool ok = look(e, f, parent, err);
  Run *r = ok ? new_run(e, f, NULL) : NULL;
  ok = r && begin(r, err);
  if (ok) run_slice(r);
  if (ok && r->phase == R_READY && store_take_number(e->store, f->row.workspace, f->row.slug)) {
    run_rebuild(r, forked, f);
    return FORK_LATER;
  }
  ok = ok && make(r, run, err);
  if (r) run_release(r);
  fork_free(f);
  return ok ? FORK_MADE : FORK_FAILED;
}
