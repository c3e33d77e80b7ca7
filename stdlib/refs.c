/* refs.c - refs, agents, promises and futures. Nothing runs beside the program here, so that a run can be repeated exactly: a
 * future has run before future answers, an agent's action before send does, and a transaction never has to be tried again.
 * cells.clj says what they do; here are the cells. */
#include "stdlib.h"
#include "args.h"
#include "eval/mach.h"
#include "reader/mem.h"

static bool is_kind(Val v, enum RefKind k) { return is_type(v, T_REF) && obj(v)->aux == k; }
static Val need(Val v, enum RefKind k, const char *cls) { return is_kind(v, k) ? NIL : ex_cast(v, cls); }

static Val ref_new(enum RefKind k, Val val, Val extra) {
  Ref *r = mem_obj(T_REF);
  r->h.aux = k;
  r->serial = arg_serial();
  r->val = val;
  r->extra = extra;
  return from_obj(r);
}

DOC(new_ref, "[x]", "A ref with the value x; see ref.", "@(breyta.cells/ref 1) ;=> 1");
static Val refs_ref(Val x) { return ref_new(REF_REF, x, UNBOUND); }

DOC(new_agent, "[x]", "An agent with the value x; see agent.", "@(breyta.cells/agent 1) ;=> 1");
static Val refs_agent(Val x) { return ref_new(REF_AGENT, x, NIL); }

DOC(promise, "[]", "A promise: deliver gives it its value once, deref reads it. Nothing runs that could deliver while deref waits, so deref of "
    "a promise without value is an error, or the timeout value when one is given.",
    "(let [p (promise)] (deliver p 1) (deliver p 2) @p) ;=> 1\n(deref (promise) 10 :late) ;=> :late\n@(promise) ;!> state");
static Val refs_promise(void) { return ref_new(REF_PROMISE, UNBOUND, NIL); }

DOC(deliver, "[promise val]", "Gives a promise its value, and answers the promise; nil if it had one already.",
    "(let [p (promise)] (deliver p 1) (deliver p 2)) ;=> nil");
static Val refs_deliver(Val p, Val v) {
  CHECK(need(p, REF_PROMISE, "clojure.lang.IFn"));
  if (!same(AS(Ref, p)->val, UNBOUND)) return NIL;
  AS(Ref, p)->val = v;
  return p;
}

DOC(new_future, "[val ex]", "A future that is done, with a value or the exception ex.", "@(breyta.cells/future 1 nil) ;=> 1");
static Val refs_future(Val v, Val ex) { return ref_new(REF_FUTURE, v, ex); }

#define IS(id, kind, what, example) \
  DOC(is_##id, "[x]", "Is x " what "?", example); \
  static Val refs_is_##id(Val x) { return bool_val(is_kind(x, kind)); }
IS(future, REF_FUTURE, "a future", "(future? (future 1)) ;=> true\n(future? 1) ;=> false")
IS(ref, REF_REF, "a ref", "(breyta.cells/ref? (ref 1)) ;=> true")
IS(agent, REF_AGENT, "an agent", "(breyta.cells/agent? (agent 1)) ;=> true")

/* ---- transactions ---- */

DOC(tentative, "[ref]", "The value that the running transaction gave a ref, or else its own.", "(breyta.cells/tentative (ref 1)) ;=> 1");
static Val refs_tentative(Val r) {
  CHECK(need(r, REF_REF, "clojure.lang.Ref"));
  return same(AS(Ref, r)->extra, UNBOUND) ? AS(Ref, r)->val : AS(Ref, r)->extra;
}

DOC(is_touched, "[ref]", "Has the running transaction changed the ref?", "(breyta.cells/touched? (ref 1)) ;=> false");
static Val refs_is_touched(Val r) {
  CHECK(need(r, REF_REF, "clojure.lang.Ref"));
  return bool_val(!same(AS(Ref, r)->extra, UNBOUND));
}

DOC(set_tentative, "[ref val]", "Changes a ref within the running transaction; val.", "(breyta.cells/set-tentative! 1 2) ;!> type");
static Val refs_set_tentative(Val r, Val v) {
  CHECK(need(r, REF_REF, "clojure.lang.Ref"));
  return AS(Ref, r)->extra = v;
}

DOC(settle, "[ref keep?]", "Ends what a transaction did to a ref: keeps the new value or takes it back. The value before.",
    "(breyta.cells/settle! (ref 1) true) ;=> 1");
static Val refs_settle(Val r, Val keep) {
  CHECK(need(r, REF_REF, "clojure.lang.Ref"));
  Ref *ref = AS(Ref, r);
  Val before = ref->val;
  if (truthy(keep) && !same(ref->extra, UNBOUND)) ref->val = ref->extra;
  ref->extra = UNBOUND;
  return before;
}

/* ---- agents ---- */

DOC(agent_error, "[a]", "The exception that stopped an agent, nil if none did.", "(agent-error (agent 1)) ;=> nil");
static Val refs_agent_error(Val a) {
  CHECK(need(a, REF_AGENT, "clojure.lang.Agent"));
  return AS(Ref, a)->extra;
}

DOC(set_agent_error, "[a ex]", "Stops an agent with an exception, or lets it go on (nil).", "(breyta.cells/set-agent-error! 1 nil) ;!> type");
static Val refs_set_agent_error(Val a, Val ex) {
  CHECK(need(a, REF_AGENT, "clojure.lang.Agent"));
  return AS(Ref, a)->extra = ex;
}

DOC(set_val, "[cell val]", "Sets the value of a ref or agent, without asking its validator.", "(breyta.cells/set-val! 1 2) ;!> type");
static Val refs_set_val(Val a, Val v) {
  if (!is_type(a, T_REF)) return ex_cast(a, "clojure.lang.ARef");
  return AS(Ref, a)->val = v;
}

DOC(watches, "[cell]", "The map of watches of an atom, ref or agent.", "(breyta.cells/watches (atom 1)) ;=> nil");
static Val refs_watches(Val a) { return is_type(a, T_REF) || is_type(a, T_ATOM) ? AS(Atom, a)->watches : ex_cast(a, "clojure.lang.IRef"); }

/* ---- what belongs to the run ---- */

static Val world_var(Val key) { return env_intern(mach_cur->env, sym_c("breyta.world"), sym_of(NIL, AS(Kw, key)->name)); }

DOC(world, "[key]", "A value that the library keeps for this run under a keyword, nil at first.", "(breyta.cells/world :nothing) ;=> nil");
static Val refs_world(Val key) {
  if (!is_kw(key)) return ex_cast(key, "clojure.lang.Keyword");
  Val root = AS(Var, world_var(key))->root;
  return same(root, UNBOUND) ? NIL : root;
}

DOC(set_world, "[key val]", "Sets what world answers.", "(do (breyta.cells/set-world! :k 1) (breyta.cells/world :k)) ;=> 1");
static Val refs_set_world(Val key, Val v) {
  if (!is_kw(key)) return ex_cast(key, "clojure.lang.Keyword");
  return AS(Var, world_var(key))->root = v;
}

const BuiltinRow rows_refs[] = {
    ROW1("breyta.cells/ref", refs_ref, new_ref, B_IMPURE),
    ROW1("breyta.cells/agent", refs_agent, new_agent, B_IMPURE),
    ROW0("promise", refs_promise, promise, B_IMPURE),
    ROW2("deliver", refs_deliver, deliver, B_IMPURE),
    ROW2("breyta.cells/future", refs_future, new_future, B_IMPURE),
    ROW1("future?", refs_is_future, is_future, B_PURE),
    ROW1("breyta.cells/ref?", refs_is_ref, is_ref, B_PURE),
    ROW1("breyta.cells/agent?", refs_is_agent, is_agent, B_PURE),
    ROW1("breyta.cells/tentative", refs_tentative, tentative, B_IMPURE),
    ROW1("breyta.cells/touched?", refs_is_touched, is_touched, B_IMPURE),
    ROW2("breyta.cells/set-tentative!", refs_set_tentative, set_tentative, B_IMPURE),
    ROW2("breyta.cells/settle!", refs_settle, settle, B_IMPURE),
    ROW1("agent-error", refs_agent_error, agent_error, B_IMPURE),
    ROW2("breyta.cells/set-agent-error!", refs_set_agent_error, set_agent_error, B_IMPURE),
    ROW2("breyta.cells/set-val!", refs_set_val, set_val, B_IMPURE),
    ROW1("breyta.cells/watches", refs_watches, watches, B_IMPURE),
    ROW1("breyta.cells/world", refs_world, world, B_IMPURE),
    ROW2("breyta.cells/set-world!", refs_set_world, set_world, B_IMPURE),
    ROW_END};
