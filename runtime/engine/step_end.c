/* step_end.c - how an attempt of a step ends: its result or error for the machine and for the journal, another attempt, a person
 * who is asked, a result that is too large. */
#include "runtime/base/limits.h"
#include "runtime/base/secret.h"
#include "breaks.h"
#include "engine_observe.h"
#include "runtime/resource/resource.h"

/* --- answers to the machine ------------------------------------------------------------------------------------------------------------ */
static Val error_exception(StepCall *c, Val error) {
  Val msg = map_get_kw(error, "message");
  if (is_nil(map_get_kw(error, "step-id"))) error = map_assoc(error, kw_c("step-id"), c->id);
  if (is_nil(map_get_kw(error, "attempt"))) error = map_assoc(error, kw_c("attempt"), fix(c->attempt));
  return ex_make(EXC_INFO, is_str(msg) ? msg : str_c("step failed"), error, NIL);
}

static Val cancel_exception(Run *r, Val error) {
  Val msg = map_get_kw(error, "message");
  r->m->state = map_assoc(r->m->state, kw_c("cancelled"), error); /* whatever its finally blocks do, the run ends cancelled */
  return ex_make(EXC_CANCELLED, is_str(msg) ? msg : str_c("cancelled"), error, NIL);
}

void step_answer(Run *r, bool ok, Val v, Val by) {
  limits_spent(r->m, r->call->type, v);
  bool stops = breaks_behind(r, &ok, &v, &by);
  r->resume_throw = !ok;
  r->resume = ok ? v : kw_is(by, "cancel") ? cancel_exception(r, v) : error_exception(r->call, v);
  step_pending(r, NIL, 0);
  call_free(r->call);
  r->call = NULL;
  r->phase = R_READY;
  if (stops) run_submit(r, AFTER_PARK);
}

void step_mismatch(Run *r, const char *fmt, const char *a, const char *b) {
  Buf msg = {0};
  buf_fmt(&msg, fmt, a, b);
  if (r->on_replay) r->on_replay(r, buf_cstr(&msg));
  else run_block(r, buf_cstr(&msg));
  r->phase = R_DONE;
  buf_free(&msg);
}

/* --- failing, retrying -------------------------------------------------------------------------------------------------------------------- */
static uint64_t hash_bytes(const Buf *b) {
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < b->n; i++) h = (h ^ (uint8_t)b->p[i]) * 0x100000001b3u;
  return h;
}

static uint64_t jitter_seed(const StepCall *c) {
  Buf b = {0};
  buf_c(&b, c->key);
  uint64_t h = hash_bytes(&b);
  buf_free(&b);
  return h ^ (uint64_t)c->attempt * 0x9e3779b97f4a7c15u;
}

static bool is_function(const StepCall *c) { return kw_is(c->type, "function"); }

static void wait_for_retry(StepCall *c, Val error, int64_t pause) {
  Run *r = c->r;
  if (!c->intent_seq && !step_intent(c)) return; /* :function and :kv have no intent until they fail */
  int64_t at = now_ms();
  observe_retry(c, error, pause);
  c->due_ms = at + pause;
  Val f[] = {fix(c->attempt), error, int_val(at), int_val(c->due_ms)};
  if (run_append(r, J_RETRY, f, JY_COUNT) < 0) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  Val msg = map_get_kw(error, "message");
  run_progress(r, STEP_RETRY, is_str(msg) ? str_s(msg) : NULL, c->due_ms);
  c->attempt++;
  batch_timer_put(run_batch(r), r->run, r->epoch, c->intent_seq, c->due_ms);
  run_submit(r, AFTER_TIMER);
}

static void park_at_checkpoint(StepCall *c, Val error) {
  Run *r = c->r;
  if (!c->intent_seq && !step_intent(c)) return;
  run_snapshot(r); /* before the record: replaying it is what says that a person is asked */
  c = r->call;
  Val f[] = {fix(c->attempt), error, int_val(now_ms())};
  run_append(r, J_CHECK, f, 3);
  Buf note = {0};
  Val msg = map_get_kw(error, "message");
  Val kv[] = {kw_c("waits"), kw_c("checkpoint"), kw_c("step"), c->id, kw_c("error"), is_str(msg) ? msg : NIL};
  print_to(&note, map_from(kv, 3, false), &print_readably);
  r->status = RUN_WAITING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_WAITING, now_ms(), 0, buf_cstr(&note));
  buf_free(&note);
  run_submit(r, AFTER_PARK);
}

/* spec/flows.md 10: a result travels inside the journal, up to 1 MiB encoded. */
static Val sized_copy(StepCall *c, Val value) {
  Buf b = {0};
  Val s = snap_data(&b, value);
  if (is_sig(s)) {
    buf_free(&b);
    return s;
  }
  size_t bytes = snap_last_size();
  Val copy = (int64_t)bytes > limit_value(LIMIT_result_bytes) ? ABSENT : is_ptr(value) ? snap_read_value(c->r->m->env, b.p, b.n) : value;
  buf_free(&b);
  return copy;
}

static Val oversize(const StepCall *c) {
  Buf b = {0};
  int64_t most = limit_value(LIMIT_result_bytes);
  if (most % (1 << 20)) buf_fmt(&b, "the result of step %s is over %lld bytes", id_text(c->id), (long long)most);
  else buf_fmt(&b, "the result of step %s is over %lld MiB", id_text(c->id), (long long)most >> 20);
  buf_c(&b, ": keep it with :persist {:type :blob} or return less");
  Val m = map_assoc(limit_named(err_map("oversize", buf_cstr(&b)), LIMIT_result_bytes), kw_c("retryable?"), FALSE_V);
  buf_free(&b);
  return m;
}

/* The record of a step's end: its result, or the whole of a step that had no intent. Its sequence number, or -1. Not null: *copy becomes
 * the value as replay will see it, and a record too large to be sure that the value is not fails. */
static int64_t append_end(StepCall *c, bool ok, Val value, Val *copy) {
  bool intent = c->intent_seq != 0;
  Val f[JS_COUNT], rec = NIL;
  size_t n = intent ? JR_COUNT : JS_COUNT, most = (size_t)limit_value(LIMIT_result_bytes);
  if (intent) {
    f[JR_OK] = bool_val(ok);
    f[JR_VALUE] = value;
    f[JR_AT] = int_val(now_ms());
    f[JR_INTENT] = int_val(c->intent_seq);
    f[JR_BY] = c->by;
  } else {
    step_fields(c, f);
    f[JS_OK] = bool_val(ok);
    f[JS_VALUE] = value;
    f[JS_END] = int_val(now_ms());
    f[JS_NODE] = c->node;
    f[JS_BY] = c->by;
  }
  n -= is_nil(c->by);
  if (copy && !intent) { /* the record is mostly the step's config: only the value is read back, and not even that when it is no object */
    *copy = is_ptr(value) ? sized_copy(c, value) : value;
    if (same(*copy, ABSENT) || is_sig(*copy)) return -1;
    f[JS_VALUE] = *copy;
    copy = NULL;
  }
  if (!copy) return run_append(c->r, intent ? J_RESULT : J_STEP, f, n);
  int64_t seq = run_append_copy(c->r, intent ? J_RESULT : J_STEP, f, n, most, &rec);
  if (seq >= 0) *copy = vec_nth(rec, intent ? JR_VALUE : JS_VALUE);
  return seq;
}

/* When the record could not be made at once: what is wrong with the value becomes the step's error. *out ABSENT: it is known to be too large. */
static int64_t append_checked(StepCall *c, bool *was_ok, Val value, Val *out) {
  Run *r = c->r;
  bool ok = *was_ok;
  Val copy = same(*out, ABSENT) ? ABSENT : sized_copy(c, value);
  if (same(copy, ABSENT)) {
    ok = false;
    copy = copy_data(r, map_assoc(map_assoc(oversize(c), kw_c("step-id"), c->id), kw_c("attempt"), fix(c->attempt)));
  }
  if (is_sig(copy)) {
    if (same(copy, SIG_DEMAND)) copy = err_map("not-serializable", "the step's result holds an unrealised lazy sequence");
    else copy = run_error_map(r, pend.ex);
    if (!ok) copy = err_map("not-serializable", "the step's error could not be stored");
    ok = false;
  }
  *was_ok = ok;
  *out = copy;
  return append_end(c, ok, copy, NULL);
}

void step_resolve(StepCall *c, bool ok, Val value) {
  Run *r = c->r;
  Val copy = NIL;
  if (ok && persist_begin(c, value)) return;
  int64_t seq = append_end(c, ok, value, &copy);
  if (seq < 0) seq = append_checked(c, &ok, value, &copy);
  if (seq < 0) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  Val msg = ok ? NIL : map_get_kw(copy, "message");
  observe_step_ended(c, ok, copy);
  run_progress(r, ok ? STEP_DONE : STEP_FAILED, is_str(msg) ? str_s(msg) : NULL, 0);
  step_answer(r, ok, copy, c->by);
  if (r->phase == R_READY) run_ready(r);
}

void step_skip(StepCall *c, Val value) {
  c->kept |= is_nil(value); /* there is nothing that :persist could keep */
  step_resolve(c, true, value);
}

void step_error(StepCall *c, Val error, int64_t retry_after_ms) {
  if (!is_map(error)) error = err_map("runtime", "step failed");
  if (resource_fetch(c, error)) return;
  Val type = map_get_kw(error, "type"), status = map_get_kw(error, "status"), able = map_get_kw(error, "retryable?");
  bool may = backoff_retryable(c->retry, kw_text(type), is_long(status) ? long_of(status) : 0);
  if (is_function(c) && is_nil(able)) may = true; /* code that throws says nothing about its class: :retry decides */
  if (same(able, FALSE_V)) may = false;
  if (may && c->attempt < c->retry->max_attempts) {
    wait_for_retry(c, error, backoff_delay(c->retry, c->attempt, jitter_seed(c), retry_after_ms));
    return;
  }
  error = map_assoc(map_assoc(error, kw_c("step-id"), c->id), kw_c("attempt"), fix(c->attempt));
  if (is_nil(able)) error = map_assoc(error, kw_c("retryable?"), bool_val(may));
  Val policy = map_get_kw(c->cfg, "on-error");
  if (kw_is(policy, "skip")) step_skip(c, NIL);
  else if (kw_is(policy, "checkpoint")) park_at_checkpoint(c, error);
  else step_resolve(c, false, error);
}

/* v without the secrets that the attempt has used; they are forgotten with it. */
static Val cleaned(StepCall *c, Val v) {
  Val out = secret_clean(c->secrets, v);
  secret_use_free(c->secrets);
  c->secrets = NULL;
  return is_sig(out) ? err_map("not-serializable", "the step's result holds an unrealised lazy sequence") : out;
}

void step_done(Engine *e, StepCall *c, Val result) {
  Val v = cleaned(c, result);
  if (e->o.answered) e->o.answered(e->o.ctx, c, true, v, -1);
  step_resolve(c, true, v);
}
void step_failed(Engine *e, StepCall *c, Val error, int64_t retry_after_ms) {
  Val v = cleaned(c, error);
  if (e->o.answered) e->o.answered(e->o.ctx, c, false, v, retry_after_ms);
  step_error(c, v, retry_after_ms);
}

/* Names the step: what is wrong is often seen far away from where it was written. */
void step_invalid(StepCall *c, const char *msg) {
  Buf b = {0};
  buf_fmt(&b, "step :%s: %s", id_text(c->id), msg);
  Val m = map_assoc(err_map("validation", buf_cstr(&b)), kw_c("retryable?"), FALSE_V);
  buf_free(&b);
  step_error(c, m, -1);
}

