/* engine_frames.c - the flow builtins that live in the machine: the frame in which a run waits for a step. */
#include "child.h"
#include "runtime/base/limits.h"
#include "composite.h"
#include "runtime/store/connection.h"
#include "engine_int.h"
#include "runtime/resource/persist.h"
#include "reader/record.h"

static Run *host(Mach *m) { return m->host; }

Val *step_slots(Mach *m) {
  if (!m->nframes) return NULL;
  const Frame *f = &m->frames[m->nframes - 1];
  return f->code == &nd_step ? m->slots + f->base + 1 : NULL;
}

static Val step_usage(Val what, const char *must) {
  Buf b = {0};
  CHECK(print_to(&b, what, &print_readably));
  Val r = ex_throw(EXC_ILLEGAL_ARG, "flow/step: %s, got %.100s", must, buf_cstr(&b));
  buf_free(&b);
  return r;
}

static Val step_enter(Mach *m, Val *s) {
  if (m->in_function)
    return ex_throw(EXC_UNSUPPORTED, "flow/step cannot be used inside :function code: only the flow body may run steps");
  if (!host(m)) return ex_throw(EXC_UNSUPPORTED, "flow/step works only in a running flow");
  if (!is_kw(s[ST_TYPE])) return step_usage(s[ST_TYPE], "the step type must be a keyword such as :http");
  if (is_map(s[ST_ID]) && same(s[ST_CFG], ABSENT)) {
    if (is_nil(AS(Kw, s[ST_TYPE])->ns))
      return step_usage(s[ST_TYPE], "a typed step takes a type, a step id and a config map; only packaged steps (:ns/name) need no id");
    s[ST_CFG] = s[ST_ID]; /* (flow/step :ns/name {...}): the name is the id */
    s[ST_ID] = kw_of(NIL, AS(Kw, s[ST_TYPE])->name);
  }
  if (!is_kw(s[ST_ID])) return step_usage(s[ST_ID], "the step id must be a keyword");
  if (same(s[ST_CFG], ABSENT)) s[ST_CFG] = map_empty;
  if (!is_map(s[ST_CFG])) return step_usage(s[ST_CFG], "the config must be a map");
  Val v = snap_storable(step_journal_cfg(s[ST_CFG]));
  if (same(v, SIG_THROW) && is_type(pend.ex, T_EX)) { /* of the step, not only of the call */
    Ex *x = AS(Ex, pend.ex);
    if (is_map(x->data)) x->data = map_assoc(x->data, kw_c("step-id"), s[ST_ID]);
  }
  return v; /* SIG_DEMAND: realise what is lazy in it and come back */
}

/* The code of a :function step is not run again by a replay, so what it counts (identities, gensyms) must not show: only data
 * leaves it. */
static void counters_save(const Mach *m, Val *s) {
  s[ST_SERIAL] = fix(m->env->serial);
  s[ST_GENSYM] = fix(m->env->gensym);
}
static void counters_restore(Mach *m, Val *s) {
  m->in_function = 0;
  m->env->serial = (uint32_t)fix_of(s[ST_SERIAL]);
  m->env->gensym = fix_of(s[ST_GENSYM]);
  s[ST_SERIAL] = s[ST_GENSYM] = NIL;
}

static Val function_returned(Mach *m, Val *s) {
  Val v = snap_storable(s[ST_TMP]);
  if (same(v, SIG_DEMAND)) return v;
  counters_restore(m, s);
  s[ST_PHASE] = fix(PHASE_VALUE);
  if (same(v, SIG_THROW)) {
    s[ST_PHASE] = fix(PHASE_THREW);
    s[ST_TMP] = pend.ex;
  }
  m->nf_pc = 1;
  return SIG_SUSPEND;
}

/* A step that is made of steps has its function called in place of a suspension; nil: it is a step by itself. */
static Val step_composite(Mach *m, const Val *s) {
  Run *r = host(m);
  bool whole = r->e->o.answers && r->e->o.answers(r->e->o.ctx, s[ST_ID]);
  return composite_function(s[ST_TYPE], s[ST_CFG], whole);
}

/* A step that is made of steps has options of its family all the same. nil, or the exception it fails with. */
static Val composite_invalid(const Val *s) {
  Err e = {0};
  Persist p;
  bool plain = is_nil(AS(Kw, s[ST_TYPE])->ns);
  if (!plain || (step_options_check(s[ST_TYPE], s[ST_CFG], &e) && persist_read(map_get_kw(s[ST_CFG], "persist"), kw_text(s[ST_TYPE]), false, &p, &e))) return NIL;
  Val msg = str_fmt("step :%s: %s", id_text(s[ST_ID]), e.msg);
  Val kv[] = {kw_c("type"), kw_c("validation"), kw_c("message"), msg, kw_c("step-id"), s[ST_ID], kw_c("attempt"), fix(1), kw_c("retryable?"), FALSE_V};
  return ex_make(EXC_INFO, msg, map_from(kv, 5, false), NIL);
}

/* nil: its function can be called. */
static Val composite_begin(const Val *s, bool *skipped) {
  Val ex = composite_invalid(s);
  *skipped = !is_nil(ex) && kw_is(map_get_kw(s[ST_CFG], "on-error"), "skip");
  return is_nil(ex) || *skipped ? NIL : ex_throw_val(ex);
}

enum { PC_STEP_ANSWER = 1, PC_STEP_CODE = 2, PC_STEP_REALISE = 3, PC_STEP_PARTS = 4, PC_STEP_PARSED = 5, PC_STEP_AFTER = 6 };

/* The :parser-fn of an :http step reads the body that the journal has, so a replay runs it again: it is code of the flow, but no
 * step may be inside. */
static Val parse_body(Mach *m, Val *s, Val result) {
  Val code = map_get_kw(s[ST_CFG], "parser-fn");
  if (is_nil(code) || !kw_is(s[ST_TYPE], "http") || !is_map(result) || is_nil(map_get_kw(result, "status"))) return result;
  const Run *r = host(m);
  TRY(fn, is_type(code, T_FN) || is_type(code, T_BUILTIN) ? code : flowdef_compile_fn(m->env, code, r && r->def ? r->def->file : NULL));
  s[ST_TMP] = result;
  m->in_function = 1;
  return nf_call1(m, PC_STEP_PARSED, fn, map_get_kw(result, "body"));
}

static Val body_parsed(Mach *m, Val *s, Val body) {
  Val result = s[ST_TMP];
  s[ST_TMP] = NIL;
  m->in_function = 0;
  return map_assoc(result, kw_c("body"), body);
}
/* The result is recorded; what the flow wants made of it is made now, and again in every replay. */
static Val step_result(Mach *m, Val *s, Val v) {
  TRY(fn, step_after_fn(m, s[ST_TYPE], s[ST_CFG]));
  return is_nil(fn) ? parse_body(m, s, v) : nf_call1(m, PC_STEP_AFTER, fn, v);
}

static Val step_step(Mach *m, uint32_t pc, Val *s, Val in) {
  bool skipped = false;
  if (pc == (NF_THROWN | PC_STEP_PARTS) || pc == (NF_THROWN | PC_STEP_AFTER)) return ex_throw_val(in);
  if (pc == (PC_STEP_PARSED | NF_THROWN)) {
    m->in_function = 0;
    return ex_throw_val(in);
  }
  if (pc & NF_THROWN) { /* the function's code threw */
    counters_restore(m, s);
    if (is_type(in, T_EX) && AS(Ex, in)->kind == KIND_LIMIT && !host(m)->timed_out) return ex_throw_val(in);
    s[ST_PHASE] = fix(PHASE_THREW);
    s[ST_TMP] = in;
    m->nf_pc = PC_STEP_ANSWER;
    return SIG_SUSPEND;
  }
  switch (pc) {
  case 0:
    CHECK(step_enter(m, s));
    TRY(parts, step_composite(m, s));
    if (!is_nil(parts)) CHECK(composite_begin(s, &skipped));
    if (skipped) return NIL;
    if (!is_nil(parts)) return nf_call3(m, PC_STEP_PARTS, parts, s[ST_TYPE], s[ST_ID], s[ST_CFG]);
    if (kw_is(s[ST_TYPE], "fanout")) fanout_count(m, s[ST_CFG]);
    limits_count(m, s[ST_TYPE]);
    s[ST_PHASE] = fix(PHASE_BEGIN);
    m->nf_pc = PC_STEP_ANSWER;
    return SIG_SUSPEND;
  case PC_STEP_ANSWER:
    if (!same(in, ABSENT)) return step_result(m, s, in);
    m->in_function = 1;
    counters_save(m, s);
    return nf_call1(m, PC_STEP_CODE, vec_nth(s[ST_TMP], 0), vec_nth(s[ST_TMP], 1)); /* function and input */
  case PC_STEP_PARTS:
  case PC_STEP_AFTER: return in;
  case PC_STEP_PARSED: return body_parsed(m, s, in);
  case PC_STEP_CODE: s[ST_TMP] = in; /* fall through */
  default: /* what is lazy in the result is still the function's code */
    m->nf_pc = PC_STEP_REALISE;
    return function_returned(m, s);
  }
}
const NativeDef nd_step = {"flow/step", 2, 2, 3, false, NF_CATCHES, 4, step_step};
DOC(step, "[type step-id config]",
    "Runs one durable step: type is the step family (:http :function :kv :sleep :wait ...), step-id a stable keyword, config a map "
    "of the family's options. Returns the step's result; the result is kept, so a crash never repeats finished steps. "
    "(flow/step :ns/name {...}) and (flow/step :ns/name step-id {...}) run a packaged step of :steps or an agent of :agents. "
    "`breyta-run help step` lists the families and `breyta-run help step http` the options of one.",
    "");

static Val input_step(Mach *m, uint32_t pc, Val *s, Val in) {
  (void)pc; (void)s; (void)in;
  if (!host(m)) return ex_throw(EXC_UNSUPPORTED, "flow/input works only in a running flow");
  return map_get_kw(m->state, "input");
}
static const NativeDef nd_input = {"flow/input", 1, 0, 0, false, false, 0, input_step};
DOC(input, "[]", "The run's input map, with :flow/ctx (ids of the run, workspace and flow).", "");

/* The body's value becomes the run's result: everything lazy in it is realised while the machine still runs. */
static Val result_step(Mach *m, uint32_t pc, Val *s, Val in) {
  (void)m; (void)pc; (void)in;
  Val v = snap_storable(s[0]);
  return is_sig(v) ? v : rec_plain(s[0]); /* as it is stored */
}
static const NativeDef nd_result = {"flow/result*", 1, 1, 1, false, false, 0, result_step};
DOC(result, "[x]", "The engine's own wrapper of a flow body.", "");

DOC(now_ms, "[]", "Workflow time: UTC milliseconds, recorded, so that a replay sees the same instant.", "");
static Val flow_now_ms(void) { return int_val(now_ms()); }

DOC(slot_bound, "[slot]",
    "Is the slot, of a connection or a secret, bound on this run's target? Recorded, so that a replay sees the same answer. From the shell "
    "--connections FILE binds slots, as do `breyta-run connections` and `secrets`.",
    "");
static Val flow_slot_bound(Val slot) {
  Run *r = mach_cur ? host(mach_cur) : NULL;
  if (!is_kw(slot)) return ex_throw(EXC_ILLEGAL_ARG, "flow/slot-bound?: the slot must be a keyword");
  if (!r) return ex_throw(EXC_UNSUPPORTED, "flow/slot-bound? works only in a running flow");
  bool bound = target_slot_bound(run_target(r), run_flow(r), slot);
  const char *why = target_problem(run_target(r));
  if (!bound && why) return ex_throw(EXC_INFO, "flow/slot-bound?: what %s is bound to cannot be read: %s", kw_text(slot), why);
  return bool_val(bound);
}

const BuiltinRow rows_flow[] = {
    ROW1("flow/slot-bound?", flow_slot_bound, slot_bound, B_IMPURE | B_NONDET),
    ROW_NATIVE("flow/step", nd_step, step, B_STEP | B_IMPURE),
    ROW_NATIVE("flow/input", nd_input, input, B_IMPURE),
    ROW_NATIVE("flow/result*", nd_result, result, B_IMPURE),
    ROW0("flow/now-ms", flow_now_ms, now_ms, B_IMPURE | B_NONDET),
    ROW_END};
