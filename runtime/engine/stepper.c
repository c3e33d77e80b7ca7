/* stepper.c - see stepper.h */
#include "stepper.h"
#include "child.h"
#include "engine_int.h"
#include "eval/scope.h"
#include "inspect.h"

static Run *held_run(const Stepper *s) {
  Run *r = run_find(s->e, s->run);
  return r && r->phase == R_HELD ? r : NULL;
}

static enum StepperAt stored(const Stepper *s) { /* it is not in memory */
  RunState st;
  Err err = {0};
  if (!engine_state(s->e, s->run, &st, &err) || run_status_final(st.status) || st.status == RUN_BLOCKED) return STEPPER_OVER;
  return st.status == RUN_WAITING && !child_at_work(s->e, s->run) ? STEPPER_WAITS : STEPPER_BUSY;
}

enum StepperAt stepper_where(const Stepper *s) {
  const Run *r = run_find(s->e, s->run);
  if (!r) return stored(s);
  switch (r->phase) {
  case R_HELD: return STEPPER_HELD;
  case R_PARKED: return STEPPER_WAITS;
  case R_TIMER: return STEPPER_TIMER;
  case R_DONE: return STEPPER_OVER;
  default: return STEPPER_BUSY;
  }
}

/* --- going on ------------------------------------------------------------ */
bool stepper_settle(const Stepper *s, bool wait_timers, Err *err) {
  for (;;) {
    bool idle;
    enum StepperAt at = stepper_where(s);
    if (at == STEPPER_HELD || at == STEPPER_WAITS || at == STEPPER_OVER || (at == STEPPER_TIMER && !wait_timers)) return true;
    if (!engine_turn(s->e, 20, &idle, err)) return false;
    if (s->stop && s->stop(s->ctx)) return true;
  }
}

static bool not_held(const Stepper *s, Err *err) {
  static const char *const where[] = {"", "it waits to be answered", "it sleeps, or pauses before another attempt", "its step is under way",
                                      "it is over"};
  return err_set(err, "not_at_step", "the run does not stand in front of a step: %s", where[stepper_where(s)]);
}

bool stepper_step(const Stepper *s, Err *err) {
  s->e->stepping = s->run;
  enum StepperAt at = stepper_where(s);
  Run *r = held_run(s);
  if (r) {
    r->phase = R_COMMITTING;
    step_begin(step_call(r));
  } else if (at != STEPPER_TIMER && at != STEPPER_BUSY) {
    return not_held(s, err);
  }
  return stepper_settle(s, at != STEPPER_HELD, err); /* asked again while it sleeps: that is waited out */
}

bool stepper_run_on(const Stepper *s, Err *err) {
  s->e->stepping = 0;
  Run *r = held_run(s);
  if (r) {
    r->phase = R_COMMITTING;
    step_begin(step_call(r));
  } else if (stepper_where(s) == STEPPER_OVER) {
    return not_held(s, err);
  }
  return stepper_settle(s, true, err);
}

/* --- answers ------------------------------------------------------------ */
/* The run in memory at the step that is to be answered: one that waits in the database is taken over. */
static Run *answerable(const Stepper *s, Err *err) {
  Run *r = run_find(s->e, s->run);
  if (!r && stored(s) == STEPPER_WAITS) {
    RunRow row = {0};
    if (store_run_get(s->e->store, s->run, &row, err)) r = take_over_row(s->e, &row, (Cancel){.error = NIL}, err);
    run_row_free(&row);
    for (bool idle; r && r->phase == R_READY && engine_turn(s->e, 0, &idle, err);) r = run_find(s->e, s->run);
  }
  if (r && (r->phase == R_HELD || ((r->phase == R_PARKED || r->phase == R_TIMER) && r->call))) return r;
  if (!err->code) not_held(s, err);
  return NULL;
}

bool stepper_answer(const Stepper *s, bool ok, Val value, Err *err) {
  err->code = NULL;
  s->e->stepping = s->run;
  Run *r = answerable(s, err);
  if (!r) return false;
  Val copy = copy_data(r, ok ? value : edit_error(value));
  if (is_sig(copy)) return edit_failed(err, "not_serializable", ok ? "the answer" : "the error");
  bool held = r->phase == R_HELD;
  r->phase = R_COMMITTING;
  StepCall *c = held ? step_call(r) : r->call;
  if (!c->started_ms) c->started_ms = now_ms();
  if (!ok) copy = map_assoc(map_assoc(copy, kw_c("step-id"), c->id), kw_c("attempt"), fix(c->attempt));
  run_again(r);
  if (kw_is(c->type, "wait") && !c->checkpoint && c->intent_seq) wait_cleanup(c, ok ? copy : kw_c("failed"));
  else if (c->intent_seq) batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  c->by = kw_c("hand");
  step_resolve(c, ok, copy);
  return stepper_settle(s, false, err);
}

/* --- changes ------------------------------------------------------------ */
bool stepper_change(const Stepper *s, const LocalChange *l, size_t n, Val config, Err *err) {
  Run *r = held_run(s);
  ValVec edits = {0};
  err->code = NULL;
  if (!r) return not_held(s, err);
  s->e->stepping = s->run;
  for (size_t i = 0; i < n; i++)
    if (!edit_local(r, &l[i], &edits, err)) return false;
  if (!is_nil(config) && !edit_config(r, config, &edits, err)) return false;
  Val f[JD_COUNT] = {vec_from(edits.a, edits.n), bool_val(is_nil(config) && scope_can_call_again(r->m)), int_val(now_ms())};
  if (run_append(r, J_EDIT, f, JD_COUNT) < 0) return edit_failed(err, "not_serializable", "the change");
  Val rec = copy_data(r, vec_from(f, JD_COUNT)); /* what replay will see */
  if (edit_apply(r, rec)) run_ready(r);
  else run_submit(r, AFTER_HOLD);
  return stepper_settle(s, false, err);
}

/* --- how it stands ------------------------------------------------------------ */
Val stepper_stack(const Stepper *s) {
  Run *r = held_run(s);
  return r ? inspect_run(r) : ABSENT;
}

typedef struct Last { Val step; } Last;
static bool last_step(void *ctx, const HistoryStep *h) {
  Val kv[] = {kw_c("number"), int_val(h->number), kw_c("id"), kw_c(h->step),   kw_c("type"),
              kw_c(h->type),  kw_c("input"),      h->input,   kw_c("attempt"), fix(h->attempt)};
  ((Last *)ctx)->step = map_from(kv, 5, false);
  return true;
}

static void put(Val *m, const char *key, Val v) {
  if (!is_nil(v)) *m = map_assoc(*m, kw_c(key), v);
}

static Val over(const Stepper *s, Val m) {
  RunState st;
  Err err = {0};
  if (!engine_state(s->e, s->run, &st, &err)) return m;
  m = map_assoc(map_assoc(m, kw_c("run-id"), str_c(st.run_id)), kw_c("status"), kw_c(run_status_name(st.status)));
  if (st.status == RUN_COMPLETED) return map_assoc(m, kw_c("value"), st.value);
  put(&m, "error", st.error);
  return m;
}

static Val inst_of(int64_t ms) {
  Inst *i = mem_obj(T_INST);
  i->ms = ms;
  return from_obj(i);
}

Val stepper_state(const Stepper *s) {
  static const char *const names[] = {"held", "waiting", "timer", "busy", "over"};
  enum StepperAt at = stepper_where(s);
  Val m = over(s, map_assoc(map_empty, kw_c("at"), kw_c(names[at])));
  const Run *r = held_run(s);
  Err err = {0};
  Last last = {NIL};
  if (r) put(&m, "step", map_get_kw(inspect_run((Run *)(uintptr_t)r), "step"));
  else if (at != STEPPER_OVER && engine_history(s->e, s->run, last_step, &last, &err)) put(&m, "step", last.step);
  const Run *in = run_find(s->e, s->run);
  if (in && in->call && in->call->due_ms) put(&m, "until", inst_of(in->call->due_ms));
  return m;
}
