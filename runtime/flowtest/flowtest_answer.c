/* flowtest_answer.c - the step kind that stands in for effects: gives scripted answers, some of them later, and says what is
 * missing in a form that can be pasted. When recording, it watches what the real kinds report. */
#include "runtime/base/duration.h"
#include "flowtest_int.h"
#include "reader/mem.h"
#include <stdio.h>

enum { MOST_ATTEMPTS = 100000, INPUT_BYTES = 600 };

/* --- who stands in ---------------------------------------------------------------------------------------------------------- */
static bool one_of(Val type, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (kw_is(type, names[i])) return true;
  return false;
}

static void start(Engine *e, StepCall *c);
static Val check(Engine *e, StepCall *c);
static const StepKind scripted = {.name = "scripted", .check = check, .start = start};

const StepKind *answer_stand_in(void *ctx, Val type, Val id) {
  static const char *const by_clock[] = {"sleep", "wait"}, *const local[] = {"function", "kv", "table", "search"}, *const flows[] = {"call-flow", "fanout"};
  const World *w = ctx;
  if (one_of(type, by_clock, 2)) return NULL;
  if (script_real(&w->script, id)) return NULL;
  if (one_of(type, flows, 2) && (w->flows.n || kw_is(type, "fanout"))) return script_has(&w->script, id) ? &scripted : NULL;
  if (w->real || one_of(type, local, sizeof local / sizeof *local)) return script_has(&w->script, id) ? &scripted : NULL;
  return &scripted;
}

bool answer_whole(void *ctx, Val id) {
  const World *w = ctx;
  return script_has(&w->script, id) && !script_real(&w->script, id);
}

/* --- no answer -------------------------------------------------------------------------------------------------------------- */
static const char *stanza(const StepCall *c) { return kw_is(c->type, "http") ? "{:response {:status 200 :body {}}}" : "{:value {}}"; }

static void unscripted(World *w, const StepCall *c, int call) {
  Buf b = {0};
  const char *id = id_text(c->id);
  buf_fmt(&b, "step :%s (:%s) has no answer: call %d", id, kw_text(c->type), call);
  if (c->attempt > 1) buf_fmt(&b, ", attempt %d", c->attempt);
  buf_c(&b, "\n  its input: ");
  match_text(c->journal_cfg, INPUT_BYTES, &b);
  if (!script_has(&w->script, c->id)) buf_fmt(&b, "\n  add to :steps of the case: :%s %s", id, stanza(c));
  else if (c->attempt > 1) buf_fmt(&b, "\n  add to the :attempts of its answer: %s", stanza(c));
  else buf_fmt(&b, "\n  add to the answers of :%s: %s", id, stanza(c));
  world_fail(w, "%s", buf_cstr(&b));
  buf_free(&b);
  w->stop = true;
}

static bool input_fits(World *w, const StepCall *c, Val a, int call) {
  Val want = map_get(a, kw_c("input"), ABSENT);
  Buf b = {0};
  if (same(want, ABSENT) || !match_diff(w->env, want, c->journal_cfg, false, "input", "  ", &b)) return true;
  world_fail(w, "step :%s, call %d, has another input\n%s", id_text(c->id), call, buf_cstr(&b));
  buf_free(&b);
  w->stop = true;
  return false;
}

/* The family's own check of the call, but for what is bound: a test needs no binding and no secret. */
static Val check(Engine *e, StepCall *c) {
  const StepKind *real = engine_kind(kw_text(c->type));
  Val v = real && real->check ? real->check(e, c) : NIL;
  Val type = is_sig(v) && is_type(pend.ex, T_EX) ? map_get_kw(AS(Ex, pend.ex)->data, "type") : NIL;
  if (!kw_is(type, "missing-binding") && !kw_is(type, "secret-unreadable")) return v;
  pend.ex = NIL;
  return NIL;
}

/* --- giving it -------------------------------------------------------------------------------------------------------------- */
static int64_t step_timeout(const StepCall *c) {
  Val t = map_get_kw(c->cfg, "timeout");
  int64_t ms;
  Err e = {0};
  return !is_nil(t) && duration_of(t, DURATION_SECONDS, ":timeout", &ms, &e) && ms > 0 ? ms : TEST_NEVER;
}

static void give(Engine *e, StepCall *c, bool ok, Val v, int64_t retry_after) {
  if (ok) step_done(e, c, v);
  else step_failed(e, c, v, retry_after);
}

static void later(World *w, const StepCall *c, int64_t delay, bool ok, Val v, int64_t retry_after) {
  if (w->npending == w->cap_pending) {
    w->cap_pending = w->cap_pending ? 2 * w->cap_pending : 8;
    TestPending *grown = mem_alloc(w->cap_pending * sizeof *grown);
    if (w->npending) memcpy(grown, w->pending, w->npending * sizeof *grown);
    w->pending = grown;
  }
  w->pending[w->npending++] = (TestPending){c->token, now_ms() + delay, ok, v, retry_after};
}

static void answer(World *w, Engine *e, StepCall *c, Val a, int call) {
  Val out = NIL;
  int64_t retry_after = -1, delay = is_nil(map_get_kw(a, "delay")) ? 0 : test_duration(map_get_kw(a, "delay")), timeout = step_timeout(c);
  bool ok = script_result(&w->script, a, c, call, &out, &retry_after);
  if (delay > timeout) {
    Buf b = {0};
    buf_c(&b, "no answer within ");
    duration_print(&b, timeout);
    ok = false;
    delay = timeout;
    retry_after = -1;
    out = map_assoc(err_map("timeout", buf_cstr(&b)), kw_c("retryable?"), TRUE_V);
    buf_free(&b);
  }
  if (delay) later(w, c, delay, ok, out, retry_after);
  else give(e, c, ok, out, retry_after);
}

static void start(Engine *e, StepCall *c) {
  World *w = e->o.ctx;
  if (w->stop) return;
  int call = script_call(&w->script, c->id, c->key);
  Val a = script_answer(&w->script, c->id, call, c->attempt);
  if (++w->attempts > MOST_ATTEMPTS) {
    world_fail(w, "more than %d attempts of steps: does the flow ever end?", MOST_ATTEMPTS);
    w->stop = true;
    return;
  }
  if (same(a, ABSENT)) unscripted(w, c, call);
  else if (input_fits(w, c, a, call)) answer(w, e, c, a, call);
}

bool answer_pending(const World *w, uint64_t token) {
  for (size_t i = 0; i < w->npending; i++)
    if (w->pending[i].token == token) return true;
  return false;
}

int64_t answer_next(const World *w) {
  int64_t next = TEST_NEVER;
  for (size_t i = 0; i < w->npending; i++)
    if (w->pending[i].due < next) next = w->pending[i].due;
  return next;
}

void answer_due(World *w) {
  for (size_t i = 0; i < w->npending;) {
    TestPending p = w->pending[i];
    if (p.due > now_ms()) {
      i++;
      continue;
    }
    memmove(&w->pending[i], &w->pending[i + 1], (--w->npending - i) * sizeof p);
    StepCall *c = step_by_token(w->engine, p.token);
    if (c) give(w->engine, c, p.ok, p.value, p.retry_after);
  }
}

/* --- recording -------------------------------------------------------------------------------------------------------------- */
static Val duration_text(int64_t ms) { return str_fmt("%lldms", (long long)(ms < 0 ? 0 : ms)); }

void answer_observed(void *ctx, const StepCall *c, bool ok, Val v, int64_t retry_after) {
  World *w = ctx;
  if (!w->real || c->stand_in || script_real(&w->script, c->id)) return;
  int call = script_call(&w->script, c->id, c->key);
  if (!ok) v = map_dissoc(v, kw_c("retryable?"));
  if (!ok && retry_after >= 0) v = map_assoc(v, kw_c("retry-after"), duration_text(retry_after));
  Val a = map_assoc(map_empty, kw_c(ok ? "value" : "error"), v), calls = map_get(w->recorded, c->id, vec_empty);
  a = map_assoc(a, kw_c("delay"), duration_text(now_ms() - c->started_ms));
  while ((int)vec_count(calls) < call) calls = vec_conj(calls, vec_empty);
  Val attempts = vec_conj(vec_nth(calls, (uint32_t)call - 1), a);
  w->recorded = map_assoc(w->recorded, c->id, vec_assoc(calls, (uint32_t)call - 1, attempts));
}
