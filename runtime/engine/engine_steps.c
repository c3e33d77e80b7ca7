/* engine_steps.c - a flow/step frame on its way to a result: what its history says of it, when it begins, the families that the
 * engine does itself, timers, what people answer. */
#include "runtime/base/duration.h"
#include "runtime/base/limits.h"
#include "breaks.h"
#include "child.h"
#include "runtime/jobs/engine_job.h"
#include "runtime/steps/engine_table.h"
#include "eval/frame.h"
#include "runtime/resource/resource.h"
#include "runtime/store/connection.h"

/* --- replay --------------------------------------------------------------------------------------------------------------------- */
static bool same_step(StepCall *c, Val rec) {
  Run *r = c->r;
  if (!same(vec_nth(rec, JI_STEP), c->id) || !same(vec_nth(rec, JI_TYPE), c->type)) {
    step_mismatch(r, "the flow reaches step %s where its history has %s", id_text(c->id), id_text(vec_nth(rec, JI_STEP)));
    return false;
  }
  if (!num_eq(vec_nth(rec, JI_HASH), int_val((int64_t)c->hash))) {
    step_mismatch(r, "step %s is called with another input than in its history%s", id_text(c->id), "");
    return false;
  }
  return true;
}

static void compare_snapshot(Run *r, int64_t seq) {
  if (!r->compare || r->compare_seq != seq) return;
  Buf b = {0};
  if (!is_sig(snap_machine(&b, r->m)) && (b.n != r->compare->n || memcmp(b.p, r->compare->p, b.n)))
    r->on_replay(r, "the snapshot made by replay differs from the stored one");
  r->compare = NULL; /* compared */
  buf_free(&b);
}

/* Records of the step in flight that follow its intent. True when its result was among them (answered). */
static bool replay_attempts(StepCall *c, int *last_kind) {
  Run *r = c->r;
  *last_kind = J_INTENT;
  while (r->cursor < r->nrecs) {
    const Rec *rec = &r->recs[r->cursor];
    switch (rec->kind) {
    case J_RESULT:
      r->cursor++;
      step_answer(r, truthy(vec_nth(rec->v, JR_OK)), vec_nth(rec->v, JR_VALUE), journal_field(rec->v, JR_BY));
      return true;
    case J_RETRY:
      c->attempt = (int)fix_of(vec_nth(rec->v, JY_ATTEMPT)) + 1;
      c->due_ms = long_of(vec_nth(rec->v, JY_DUE));
      break;
    case J_CHECK:
      c->checkpoint = true;
      c->attempt = (int)fix_of(vec_nth(rec->v, JY_ATTEMPT));
      break;
    case J_CHILD: child_replayed(c, rec->v); break;
    case J_INTENT:
      c->kids = NULL;
      c->attempt = (int)fix_of(vec_nth(rec->v, JI_ATTEMPT));
      c->intent_seq = rec->seq;
      c->due_ms = long_of(vec_nth(rec->v, JI_DUE));
      c->started_ms = long_of(vec_nth(rec->v, JI_AT));
      c->checkpoint = false;
      step_pending(r, rec->v, rec->seq);
      compare_snapshot(r, rec->seq);
      break;
    case J_END:
      if (cancel_replay(r)) return true; /* fall through */
    default:
      step_mismatch(r, "unexpected record while step %s is in flight%s", id_text(c->id), "");
      return true;
    }
    *last_kind = rec->kind;
    r->cursor++;
  }
  return false;
}

static void live_again(StepCall *c, int last_kind);

/* The next journal record answers, or has to answer, this step. */
static void replay_step(StepCall *c) {
  Run *r = c->r;
  const Rec *rec = &r->recs[r->cursor];
  if (rec->kind == J_STEP) {
    if (!same_step(c, rec->v)) return;
    r->cursor++;
    step_answer(r, truthy(vec_nth(rec->v, JS_OK)), vec_nth(rec->v, JS_VALUE), journal_field(rec->v, JS_BY));
    return;
  }
  if (rec->kind != J_INTENT) {
    step_mismatch(r, "the flow reaches step %s where its history has something else%s", id_text(c->id), "");
    return;
  }
  if (!same_step(c, rec->v)) return;
  r->cursor++;
  c->intent_seq = rec->seq;
  c->due_ms = long_of(vec_nth(rec->v, JI_DUE));
  c->started_ms = long_of(vec_nth(rec->v, JI_AT));
  step_pending(r, rec->v, rec->seq);
  compare_snapshot(r, rec->seq);
  int last;
  if (replay_attempts(c, &last)) return;
  live_again(c, last);
}

/* --- :function ------------------------------------------------------------------------------------------------------------------------------- */
static bool function_code(StepCall *c, Val *fn) {
  Run *r = c->r;
  Val code = map_get_kw(c->cfg, "code"), ref = map_get_kw(c->cfg, "ref");
  if (is_nil(code) == is_nil(ref)) {
    step_invalid(c, ":function needs exactly one of :ref (a function of :functions) and :code (a quoted (fn [input] ...))");
    return false;
  }
  Err err = {0};
  if (!is_nil(ref)) {
    if (!r->def && !engine_def(r->e, r->source_hash, &r->def, NULL, &err)) {
      step_invalid(c, err.msg);
      return false;
    }
    code = flowdef_function(r->def, ref);
    if (same(code, ABSENT)) {
      Buf b = {0};
      buf_fmt(&b, "there is no function %s in :functions", kw_text(ref));
      step_invalid(c, buf_cstr(&b));
      buf_free(&b);
      return false;
    }
  }
  *fn = is_type(code, T_FN) || is_type(code, T_BUILTIN) ? code : flowdef_compile_fn(r->m->env, code, r->def ? r->def->file : NULL);
  if (is_sig(*fn)) {
    step_error(c, map_assoc(run_error_map(r, pend.ex), kw_c("retryable?"), FALSE_V), -1);
    return false;
  }
  return true;
}

/* false: :timeout is no duration. */
static bool function_deadline(StepCall *c) {
  Val t = map_get_kw(c->cfg, "timeout");
  int64_t ms;
  Err e = {0};
  c->deadline_us = 0;
  if (is_nil(t)) return true;
  if (!duration_of(t, DURATION_SECONDS, ":timeout", &ms, &e)) {
    step_invalid(c, e.msg);
    return false;
  }
  c->deadline_us = mono_us() + ms * 1000;
  return true;
}

static void function_begin(StepCall *c) {
  Val fn;
  Val input = map_get_kw(c->cfg, "input"), keys = map_get_kw(c->cfg, "load"), error;
  if (!is_nil(keys) && table_far_begin(c)) return;
  if (!function_code(c, &fn) || !function_deadline(c)) return;
  if (!is_nil(keys)) input = resource_load(c->r->e, c, input, keys, &error);
  c->loaded = NIL; /* another attempt looks anew */
  if (same(input, ABSENT)) {
    step_error(c, error, -1);
    return;
  }
  Val *s = step_slots(c->r->m);
  s[ST_TMP] = vec_of2(fn, input);
  s[ST_PHASE] = fix(PHASE_BEGIN);
  run_progress(c->r, STEP_STARTED, NULL, 0);
  c->r->resume = ABSENT;
  c->r->resume_throw = false;
  run_ready(c->r);
}

static void function_ended(Run *r, Val *s) {
  StepCall *c = r->call;
  Val v = s[ST_TMP];
  bool threw = fix_of(s[ST_PHASE]) == PHASE_THREW;
  bool late = r->timed_out;
  r->timed_out = false;
  s[ST_TMP] = NIL;
  s[ST_PHASE] = fix(PHASE_BEGIN);
  if (late) step_error(c, map_assoc(err_map("timeout", "the code took longer than its :timeout"), kw_c("retryable?"), TRUE_V), -1);
  else if (threw) step_error(c, run_error_map(r, v), -1);
  else step_resolve(c, true, v);
}

/* --- :sleep --------------------------------------------------------------------------------------------------------------------------- */
static bool sleep_ms(Val cfg, int64_t *ms, Err *e) {
  Val s = map_get_kw(cfg, "seconds"), m = map_get_kw(cfg, "millis"), d = map_get_kw(cfg, "duration");
  int given = !is_nil(s) + !is_nil(m) + !is_nil(d);
  if (given > 1) return err_set(e, "validation", ":sleep takes one of :seconds, :millis and :duration");
  if (!is_nil(s)) {
    if (!is_num(s) || !(num_to_double(s) >= 0 && num_to_double(s) <= 3e10)) {
      Buf b = {0};
      if (is_sig(print_to(&b, s, &print_readably))) b.n = 0;
      err_set(e, "validation", ":seconds is %.60s; use a number of seconds from 0 to 30000000000", buf_cstr(&b));
      buf_free(&b);
      return false;
    }
    *ms = (int64_t)(num_to_double(s) * 1000 + 0.5);
    return true;
  }
  if (!is_nil(m)) return duration_of(m, DURATION_MS, ":millis", ms, e);
  if (!is_nil(d)) return duration_of(d, DURATION_MS, ":duration", ms, e);
  *ms = 1000;
  return true;
}

/* The :wait of a :confirm or :review (steps.clj): its key is the step's own. */
bool step_is_checkpoint(const StepCall *c) { return kw_is(c->type, "wait") && is_kw(map_get_kw(c->cfg, "checkpoint")); }

Val step_shown(Val v, size_t most) {
  Buf b = {0};
  PrintOpts o = print_readably;
  o.max_bytes = 1 << 20;
  if (is_sig(print_to(&b, v, &o))) pend.ex = NIL, buf_free(&b), buf_c(&b, "too much to show");
  bool cut = b.n > most;
  size_t n = cut ? most : b.n;
  while (cut && n && ((uint8_t)b.p[n] & 0xc0) == 0x80) n--; /* not in the middle of a character */
  Val text = str_fmt("%.*s%s", (int)n, buf_cstr(&b), cut ? " ..." : "");
  buf_free(&b);
  return text;
}

/* What a person is asked, if one is. */
static Val with_question(const StepCall *c, Val note) {
  static const char *const keys[] = {"checkpoint", "title", "message", "problem", "fields"};
  for (size_t i = 0; step_is_checkpoint(c) && i < sizeof keys / sizeof *keys; i++) {
    Val v = map_get_kw(c->cfg, keys[i]);
    if (!is_nil(v)) note = map_assoc(note, kw_c(keys[i]), v);
  }
  Val shown = map_get(c->cfg, kw_c("value"), map_get(c->cfg, kw_c("config"), ABSENT));
  return step_is_checkpoint(c) && !same(shown, ABSENT) ? map_assoc(note, kw_c("shown"), step_shown(shown, 300)) : note;
}

void step_note(Run *r, const char *what, Val step, Val key, int64_t wake) {
  Val kv[] = {kw_c("waits"), kw_c(what), kw_c("step"), step, kw_c("key"), key, kw_c("due"), int_val(r->call->due_ms)};
  Buf note = {0};
  print_to(&note, with_question(r->call, map_from(kv, 4, false)), &print_readably);
  r->status = RUN_WAITING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_WAITING, now_ms(), wake, buf_cstr(&note));
  buf_free(&note);
}

void run_again(Run *r) {
  if (r->status == RUN_RUNNING) return;
  r->status = RUN_RUNNING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_RUNNING, now_ms(), 0, NULL);
}

#define SLEEP_PARK_MS 1000
static void sleep_begin(StepCall *c) {
  Run *r = c->r;
  int64_t ms;
  Err e = {0};
  if (!sleep_ms(c->cfg, &ms, &e)) {
    step_invalid(c, e.msg);
    return;
  }
  c->due_ms = now_ms() + ms;
  if (!step_intent(c)) return;
  batch_timer_put(run_batch(r), r->run, r->epoch, c->intent_seq, c->due_ms);
  if (ms >= SLEEP_PARK_MS) {
    run_snapshot(r);
    step_note(r, "sleep", c->id, NIL, c->due_ms);
  }
  run_progress(r, STEP_STARTED, NULL, c->due_ms);
  run_submit(r, AFTER_TIMER);
}

static Val slept(StepCall *c) {
  int64_t ms = 1000;
  Err e = {0};
  sleep_ms(c->cfg, &ms, &e);
  Val kv[] = {kw_c("slept-seconds"), ms % 1000 ? dbl_val((double)ms / 1000) : int_val(ms / 1000)};
  return map_from(kv, 1, false);
}

bool step_named(Val id, const char *name) {
  const char *own = id_text(id);
  size_t n = strlen(name);
  return !strcmp(own, name) || (!strncmp(own, name, n) && (own[n] == '/' || own[n] == '.') && strchr(own, '/'));
}

/* --- a person's answers ------------------------------------------------------------------------------------------------------------------------------ */
static void check_again(StepCall *c) {
  run_again(c->r);
  c->checkpoint = false;
  c->attempt++;
  c->due_ms = 0;
  step_begin_attempt(c);
}

bool step_action(Run *r, Val body) {
  StepCall *c = r->call;
  const char *action = kw_text(map_get_kw(body, "action"));
  Val step = map_get_kw(body, "step"), value = map_get_kw(body, "value"), record = map_get_kw(body, "record");
  if (is_long(record) && long_of(record) != r->seq) return false; /* of a checkpoint before this one */
  if (!c || (!is_nil(step) && !step_named(c->id, id_text(step)))) return false;
  bool yes = !strcmp(action, "approve"), no = !strcmp(action, "reject");
  if ((step_is_checkpoint(c) || kw_is(c->type, "wait")) && (yes || no)) return wait_decided(r, action, body);
  if (!c->checkpoint) return false;
  if (!strcmp(action, "retry") || yes) check_again(c);
  else if (!strcmp(action, "skip")) {
    run_again(r);
    step_skip(c, value);
  } else if (no || !strcmp(action, "fail")) {
    run_again(r);
    step_resolve(c, false, map_assoc(err_map("rejected", "a person rejected this step"), kw_c("step-id"), c->id));
  } else {
    return false;
  }
  return true;
}

/* --- beginning and going on ----------------------------------------------------------------------------------------------------------------------------- */
static void kv_begin(StepCall *c) {
  static const char *const changing[] = {"set", "delete", "increment", "append"};
  Val result = NIL, error = NIL;
  for (size_t i = 0; i < 4 && !is_nil(map_get_kw(c->cfg, "persist")); i++)
    if (kw_is(map_get_kw(c->cfg, "operation"), changing[i])) {
      step_invalid(c, "a :kv step that changes a value cannot have :persist: keep its result in a step of its own");
      return;
    }
  if (kv_step(c->r, c->cfg, &result, &error)) step_resolve(c, true, result);
  else if (c->r->status == RUN_BLOCKED) return;
  else if (kw_is(map_get_kw(error, "type"), "validation")) step_invalid(c, str_s(map_get_kw(error, "message")));
  else step_error(c, error, -1);
}

static void table_begin(StepCall *c) {
  if (!table_far_begin(c) && !table_export_step(c)) table_here(c);
}

/* What is bound to the slot of its :connection is in the database and cannot be read: that is no missing binding. */
static bool connection_unreadable(StepCall *c) {
  Val slot = map_get_kw(c->cfg, "connection");
  if (is_str(slot)) slot = kw_parse(str_s(slot), str_n(slot));
  const char *why = is_kw(slot) && is_nil(step_connection(c, slot)) ? target_problem(run_target(c->r)) : NULL;
  if (!why) return false;
  Val msg = str_fmt("the connection of the slot %s cannot be read: %s", kw_text(slot), why);
  step_error(c, map_assoc(err_map("connection-unreadable", str_s(msg)), kw_c("retryable?"), FALSE_V), -1);
  return true;
}

/* Is the step called by the runtime's own code, and not by the flow's? */
static bool called_inside(const Mach *m) {
  uint32_t i = m->nframes - 1;
  while (i && m->frames[i].flags & FR_NATIVE) i--;
  return frame_site(&m->frames[i])->unit->core_unit;
}

static void external_begin(StepCall *c) {
  Run *r = c->r;
  if (!c->stand_in && c->kind->inner && c->attempt == 1 && !called_inside(r->m)) {
    step_invalid(c, "this family is a part of others, and not for flows");
    return;
  }
  if (!c->stand_in && connection_unreadable(c)) return;
  if (c->kind->check) {
    Val v = c->kind->check(r->e, c);
    if (is_sig(v)) {
      step_error(c, map_assoc(run_error_map(r, pend.ex), kw_c("retryable?"), FALSE_V), -1);
      return;
    }
  }
  if (!step_intent(c)) return;
  size_t limit = r->e->o.snapshot_after ? r->e->o.snapshot_after : 64 * 1024;
  if (r->e->o.verify || (r->tail_bytes > limit && r->tail_bytes > 4 * r->snap_bytes)) run_snapshot(r);
  c = r->call;
  run_progress(r, STEP_STARTED, NULL, 0);
  run_submit(r, AFTER_START);
}

void step_begin_attempt(StepCall *c) {
  const char *type = kw_text(c->type);
  c->keeping = NIL; /* of an attempt before */
  if (!is_nil(c->problem)) step_error(c, c->problem, -1);
  else if (c->stand_in) external_begin(c);
  else if (!strcmp(type, "function")) function_begin(c);
  else if (!strcmp(type, "kv")) kv_begin(c);
  else if (!strcmp(type, "table")) table_begin(c);
  else if (!strcmp(type, "sleep")) sleep_begin(c);
  else if (!strcmp(type, "wait")) wait_begin(c);
  else if (child_step(c->type)) child_begin(c);
  else if (!strcmp(type, "job") && job_begin(c)) return;
  else if (c->kind) external_begin(c);
  else {
    Buf b = {0};
    buf_fmt(&b, "step family :%s is not part of this build", type);
    Val m = map_assoc(err_map("unsupported_step", buf_cstr(&b)), kw_c("family"), c->type);
    buf_free(&b);
    step_error(c, map_assoc(m, kw_c("retryable?"), FALSE_V), -1);
  }
}

static bool one_of_these(Err *e, const char *option, Val v, const char *works) {
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) b.n = 0;
  err_set(e, "validation", "%s is %.60s; use %s", option, buf_cstr(&b), works);
  buf_free(&b);
  return false;
}

static bool common_options_ok(StepCall *c, Err *e) {
  Val on = map_get_kw(c->cfg, "on-error"), d = map_get_kw(c->cfg, "delivery");
  RetryPolicy p;
  Persist keep;
  Val retry = map_get_kw(c->cfg, "retry");
  Val template = map_get_kw(c->cfg, "template");
  bool told = !is_nil(c->problem) && (is_kw(template) || is_str(template)); /* a template that cannot be rendered says more */
  if (!told && !step_options_check(c->type, c->cfg, e)) return false;
  if (!is_nil(retry) && !backoff_policy(retry, &p, e)) return false;
  if (!persist_read(map_get_kw(c->cfg, "persist"), kw_text(c->type), false, &keep, e)) return false;
  if (!kw_is(c->type, "fanout") && !is_nil(on) && !kw_is(on, "fail") && !kw_is(on, "skip") && !kw_is(on, "checkpoint"))
    return one_of_these(e, ":on-error", on, ":fail, :skip or :checkpoint");
  if (!is_nil(d) && !kw_is(d, "at-least-once") && !kw_is(d, "at-most-once") && !kw_is(d, "idempotent"))
    return one_of_these(e, ":delivery", d, ":at-least-once, :at-most-once or :idempotent");
  return true;
}

/* Changes made by hand in front of this step. true: its call is evaluated again. */
static bool replay_edits(Run *r) {
  while (r->cursor < r->nrecs && r->recs[r->cursor].kind == J_EDIT)
    if (edit_apply(r, r->recs[r->cursor++].v)) return true;
  return false;
}

void step_reached(Run *r) {
  Val *s = step_slots(r->m);
  if (r->call && fix_of(s[ST_PHASE]) != PHASE_BEGIN) {
    function_ended(r, s);
    return;
  }
  if (r->fork) {
    fork_step(r);
    return;
  }
  if (replay_edits(r)) return;
  if (r->stop_at == r->steps + 1) {
    r->stopped = true;
    r->phase = R_DONE;
    return;
  }
  if (cancel_replay(r)) return;
  if (r->cursor < r->nrecs) {
    replay_step(step_call(r));
    return;
  }
  if (r->replaying_only) { /* what is durable ends here, in front of the step: nothing differed */
    r->phase = R_DONE;
    return;
  }
  if (cancel_due(r)) return;
  if (breaks_before(r)) return;
  if (r->e->stepping == r->run || r->e->draining) {
    run_submit(r, AFTER_HOLD);
    return;
  }
  step_begin(step_call(r));
}

void step_begin(StepCall *c) {
  Run *r = c->r;
  c->started_ms = now_ms();
  Err e = {0};
  r->phase = R_COMMITTING; /* until the attempt says what is next */
  Val over = limits_over(r->m->state, c->type, c->started_ms - r->created_ms);
  if (!is_nil(over)) step_error(c, over, -1);
  else if (!common_options_ok(c, &e)) step_invalid(c, e.msg);
  else step_begin_attempt(c);
}

/* After a crash or a load: the step's effect is not known to have ended. */
static void interrupted(StepCall *c) {
  if (!kw_is(map_get_kw(c->cfg, "delivery"), "at-most-once")) {
    c->r->after = AFTER_NOTHING;
    c->r->phase = R_EFFECT;
    run_progress(c->r, STEP_STARTED, NULL, 0);
    c->kind->start(c->r->e, c);
    return;
  }
  Val m = err_map("interrupted", "the process ended while this step ran; :delivery :at-most-once does not run it again");
  step_error(c, map_assoc(m, kw_c("retryable?"), FALSE_V), -1);
}

static void live_again(StepCall *c, int last_kind) {
  Run *r = c->r;
  r->phase = R_COMMITTING;
  if (r->replaying_only) {
    r->phase = R_DONE; /* the history ends inside this step: nothing differed */
    return;
  }
  if (cancel_due(r)) return;
  if (c->checkpoint || kw_is(c->type, "wait")) {
    r->phase = R_PARKED;
    return;
  }
  if (last_kind == J_INTENT && job_awaits(c)) {
    r->phase = R_PARKED;
    return;
  }
  if (last_kind == J_CHILD) {
    child_again(c);
    return;
  }
  if (last_kind == J_RETRY || kw_is(c->type, "sleep")) {
    r->phase = R_TIMER;
    engine_timer_add(r->e, c->due_ms, r);
    return;
  }
  if (c->kind) interrupted(c);
  else step_begin_attempt(c); /* :function and :kv leave no intent but for retries */
}

void step_in_flight(Run *r) {
  Val pending = map_get_kw(r->m->state, "step");
  if (!is_vec(pending)) {
    run_ready(r);
    return;
  }
  StepCall *c = step_from_intent(r, vec_nth(pending, 1), long_of(vec_nth(pending, 0)));
  int last;
  if (replay_attempts(c, &last)) {
    if (r->phase == R_READY) run_ready(r);
    return;
  }
  live_again(c, last);
}

void step_timer(StepCall *c) {
  Run *r = c->r;
  if (kw_is(c->type, "wait") && !c->checkpoint) {
    wait_timed_out(c);
    return;
  }
  if (job_awaits(c) && !c->checkpoint && r->phase == R_PARKED) {
    job_timed_out(c);
    return;
  }
  if (c->kids) {
    child_timer(c);
    return;
  }
  run_again(r);
  batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  if (kw_is(c->type, "sleep") && c->due_ms <= now_ms()) {
    step_resolve(c, true, slept(c));
    return;
  }
  c->due_ms = 0;
  if (kw_is(c->type, "function") || kw_is(c->type, "kv") || kw_is(c->type, "table")) c->started_ms = now_ms();
  step_begin_attempt(c);
}
