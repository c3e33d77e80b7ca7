/* child_frames.c - what of child flows happens in the machine: flow/call-flow, fan-outs over steps (one after the other), and
 * functions that a step's recorded result goes through. */
#include "child.h"
#include "composite.h"
#include "reader/ex.h"
#include <stdio.h>
#include <string.h>

static Val step_fn(void) { return builtin_find("flow/step")->self; }

/* --- flow/call-flow ------------------------------------------------------------------------------- */
static Val call_usage(const char *must, Val got) {
  Buf b = {0};
  CHECK(print_to(&b, got, &print_readably));
  Val r = ex_throw(EXC_ILLEGAL_ARG, "flow/call-flow: %s, got %.100s", must, buf_cstr(&b));
  buf_free(&b);
  return r;
}

static Val call_flow_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc) return in;
  Val id = s[0], opts = same(s[1], ABSENT) ? map_empty : s[1];
  if (!is_kw(id)) return call_usage("the step id, or the slug of the flow, must be a keyword", id);
  if (!is_map(opts)) return call_usage("the second argument must be a map, of options with :flow-slug, or the input", opts);
  if (same(map_get(opts, kw_c("flow-slug"), ABSENT), ABSENT)) { /* the short form */
    Val kv[] = {kw_c("flow-slug"), id, kw_c("input"), opts};
    opts = map_from(kv, 2, false);
  }
  return nf_call3(m, 1, step_fn(), kw_c("call-flow"), id, opts);
}
static const NativeDef nd_call_flow = {"flow/call-flow", 1, 1, 2, false, false, 0, call_flow_step};
DOC(call_flow, "[step-id {:flow-slug slug :input {} ...}] [slug input]",
    "Runs another flow as a durable child run and returns its value. The run parks while the child runs. Options beside :flow-slug "
    "and :input: :timeout :version :target :installation-id :workflow-id :parent-close-policy :retry-policy. In the short form the "
    "map is the input and the slug is the step id, too. A child that fails raises an ex-info of :type :child-failed with its "
    ":workflow-id and :error. Flows may call flows five deep.",
    "");

/* --- fan-outs ------------------------------------------------------------------------------- */
bool fanout_legacy(Val type, Val cfg) {
  Val items = kw_is(type, "fanout") ? child_items(cfg) : ABSENT;
  if (same(items, ABSENT) || !vec_count(items)) return false;
  for (uint32_t i = 0; i < vec_count(items); i++)
    if (kw_is(map_get_kw(vec_nth(items, i), "type"), "call-flow")) return false;
  return true;
}

/* [fan-outs so far, their items], part of the run's state. */
static int64_t counted(Val state, uint32_t i) {
  Val n = map_get_kw(state, "fanouts");
  return is_vec(n) ? long_of(vec_nth(n, i)) : 0;
}

void fanout_count(Mach *m, Val cfg) {
  Val items = child_items(cfg);
  int64_t n = same(items, ABSENT) ? 0 : vec_count(items);
  Val now = vec_of2(int_val(counted(m->state, 0) + 1), int_val(counted(m->state, 1) + n));
  m->state = map_assoc(m->state, kw_c("fanouts"), now);
}

/* text has a %lld for the number. */
static Val child_limit(enum LimitId id, const char *text) {
  char msg[160];
  const char *at = strstr(text, "%lld");
  snprintf(msg, sizeof msg, "%.*s%lld%s", (int)(at - text), text, (long long)limit_value(id), at + 4);
  return limit_named(child_error("limit", msg), id);
}

Val fanout_over(Val state) {
  if (counted(state, 0) > limit_value(LIMIT_fanouts_per_run)) return child_limit(LIMIT_fanouts_per_run, "a run may do at most %lld :fanout steps");
  if (counted(state, 1) <= limit_value(LIMIT_fanout_items_per_run)) return NIL;
  return child_limit(LIMIT_fanout_items_per_run, "the :fanout steps of a run may have at most %lld items together");
}

Val fanout_result(Val items, Val policy) {
  Val errors = vec_empty;
  uint32_t n = vec_count(items);
  for (uint32_t i = 0; i < n; i++) {
    Val item = vec_nth(items, i), error = map_get(item, kw_c("error"), ABSENT);
    if (!same(error, ABSENT)) errors = vec_conj(errors, map_dissoc(item, kw_c("status")));
  }
  Val kv[] = {kw_c("items"), items, kw_c("succeeded-count"), fix(n - vec_count(errors)), kw_c("failed-count"), fix(vec_count(errors)), kw_c("errors"), errors};
  return map_from(kv, kw_is(policy, "collect") ? 4 : 3, false);
}

enum { EACH_TYPE, EACH_ID, EACH_CFG, EACH_AT, EACH_DONE };
enum { PC_EACH_PART = 1, PC_EACH_AFTER = 2 };
static Val each_call(Mach *m, Val *s) {
  Val items = child_items(s[EACH_CFG]), item = vec_nth(items, (uint32_t)fix_of(s[EACH_AT])), id = map_get_kw(item, "id");
  if (!is_kw(id)) id = kw_of(AS(Kw, s[EACH_ID])->name, str_fmt("%lld", (long long)fix_of(s[EACH_AT])));
  return nf_call3(m, PC_EACH_PART, step_fn(), map_get_kw(item, "type"), id, map_dissoc(item, kw_c("id")));
}

static Val each_failed(Val ex) {
  Val e = is_type(ex, T_EX) && is_map(AS(Ex, ex)->data) ? AS(Ex, ex)->data : map_empty, msg = AS(Ex, ex)->msg;
  if (is_nil(map_get_kw(e, "type"))) e = map_assoc(e, kw_c("type"), kw_c("runtime"));
  return is_nil(map_get_kw(e, "message")) ? map_assoc(e, kw_c("message"), is_str(msg) ? msg : str_c("the step failed")) : e;
}

static void each_ended(Val *s, bool ok, Val v) {
  Val kv[] = {kw_c("index"), s[EACH_AT], kw_c("status"), str_c(ok ? "completed" : "failed"), kw_c(ok ? "result" : "error"), v};
  s[EACH_DONE] = vec_conj(s[EACH_DONE], map_from(kv, 3, false));
  s[EACH_AT] = fix(fix_of(s[EACH_AT]) + 1);
}

static Val each_begin(Mach *m, Val *s) {
  fanout_count(m, s[EACH_CFG]);
  Val p = child_problem(m->host, kw_c("fanout"), s[EACH_CFG]);
  if (!is_nil(p)) return ex_throw_val(ex_make(EXC_INFO, map_get_kw(p, "message"), map_assoc(p, kw_c("step-id"), s[EACH_ID]), NIL));
  s[EACH_AT] = fix(0);
  s[EACH_DONE] = vec_empty;
  return NIL;
}

static Val each_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Val on = map_get_kw(s[EACH_CFG], "on-error");
  if (pc == PC_EACH_AFTER || pc == (PC_EACH_AFTER | NF_THROWN)) return pc & NF_THROWN ? ex_throw_val(in) : in;
  if (pc & NF_THROWN) {
    bool final = !is_type(in, T_EX) || AS(Ex, in)->kind == KIND_LIMIT || AS(Ex, in)->kind == KIND_CANCELLED;
    if (final || is_nil(on) || kw_is(on, "fail")) return ex_throw_val(in);
    each_ended(s, false, each_failed(in));
  } else if (pc) each_ended(s, true, in);
  else CHECK(each_begin(m, s));
  if (fix_of(s[EACH_AT]) < vec_count(child_items(s[EACH_CFG]))) return each_call(m, s);
  Val result = fanout_result(s[EACH_DONE], on);
  TRY(after, step_after_fn(m, s[EACH_TYPE], s[EACH_CFG]));
  return is_nil(after) ? result : nf_call1(m, PC_EACH_AFTER, after, result);
}
static const NativeDef nd_each = {"flow/fanout-each*", 1, 3, 3, false, NF_CATCHES, 2, each_step};
DOC(each, "[type step-id config]", "The engine's own: a :fanout over steps, one after the other.", "");

static bool legacy_items(Val cfg) { return fanout_legacy(kw_c("fanout"), cfg); }
void child_register(void) {
  static const Composite over_steps = {"fanout", "flow/fanout-each*", legacy_items};
  composite_register(&over_steps);
}

/* --- behind a step ------------------------------------------------------------------------------- */
Val step_after_fn(Mach *m, Val type, Val cfg) {
  Val fn = kw_is(type, "fanout") ? map_get_kw(cfg, "transform") : NIL;
  if (is_nil(fn) || is_type(fn, T_FN) || is_type(fn, T_BUILTIN)) return fn;
  const Run *r = m->host;
  return flowdef_compile_fn(m->env, fn, r->def ? r->def->file : NULL);
}

const BuiltinRow rows_child[] = {ROW_NATIVE("flow/call-flow", nd_call_flow, call_flow, B_STEP | B_IMPURE),
                                 ROW_NATIVE("flow/fanout-each*", nd_each, each, B_STEP | B_IMPURE), ROW_END};
