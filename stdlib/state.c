/* state.c - making cells: atoms, volatiles, reduced values, lazy seqs and delays. What calls functions (swap!, deref of a
 * delay, validators and watches) is in cells.c. */
#include "stdlib.h"
#include "args.h"
#include "reader/mem.h"

/* The options :meta and :validator of atom. */
static Val atom_options(Atom *a, int n, const Val *opts) {
  for (int i = 0; i < n; i += 2) {
    if (i + 1 >= n) return arg_no_value(opts[i]);
    if (kw_is(opts[i], "meta")) {
      CHECK(arg_map(opts[i + 1]));
      a->meta = opts[i + 1];
    } else if (kw_is(opts[i], "validator")) {
      a->validator = opts[i + 1];
    }
  }
  return NIL;
}

DOC(atom, "[x] [x & options]", "A cell with the value x, for swap!, reset! and deref. Options: :meta map, :validator function.",
    "@(atom 1) ;=> 1\n(meta (atom 1 :meta {:a 1})) ;=> {:a 1}");
static Val state_atom(Val x) {
  Atom *a = mem_obj(T_ATOM);
  a->serial = arg_serial();
  a->val = x;
  return from_obj(a);
}
/* slots: x, options | the atom, which its validator is asked about */
static Val state_atom_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    s[2] = state_atom(s[0]);
    Atom *a = AS(Atom, s[2]);
    if (!is_nil(s[1])) CHECK(atom_options(a, (int)AS(Arr, s[1])->n, AS(Arr, s[1])->a));
    if (is_nil(a->validator)) return s[2];
    return nf_call1(m, 1, a->validator, s[0]);
  }
  return truthy(in) ? s[2] : ex_throw(EXC_STATE, "Invalid reference state");
}
static const NativeDef nd_atom = {"clojure.core/atom", 1, 1, 1, true, false, 1, state_atom_step};

static Val box(enum Type t, Val x) {
  Box *b = mem_obj(t);
  b->val = x;
  return from_obj(b);
}

DOC(new_volatile, "[val]", "A volatile cell, for vswap!, vreset! and deref.", "@(volatile! 1) ;=> 1");
static Val state_volatile(Val x) {
  Val v = box(T_VOLATILE, x);
  AS(Box, v)->serial = arg_serial();
  return v;
}

DOC(vreset, "[vol newval]", "Sets the value of a volatile and returns it.", "(vreset! (volatile! 1) 2) ;=> 2\n(vreset! 5 1) ;!> type");
static Val state_vreset(Val v, Val x) {
  if (is_nil(v)) return arg_null("clojure.lang.Volatile.reset(Object)", "vol");
  if (!is_type(v, T_VOLATILE)) return ex_cast(v, "clojure.lang.Volatile");
  AS(Box, v)->val = x;
  return x;
}

DOC(reduced, "[x]", "Wraps x so that a reduce that gets it ends with the value x.",
    "(reduce (fn [a x] (if (> x 2) (reduced a) (+ a x))) 0 [1 2 3 4]) ;=> 3");
static Val state_reduced(Val x) { return box(T_REDUCED, x); }

DOC(unreduced, "[x]", "The value of a reduced x, or x itself.", "(unreduced (reduced 1)) ;=> 1");
static Val state_unreduced(Val x) { return is_type(x, T_REDUCED) ? AS(Box, x)->val : x; }

DOC(ensure_reduced, "[x]", "x if it is reduced, otherwise (reduced x).", "(unreduced (ensure-reduced 1)) ;=> 1");
static Val state_ensure_reduced(Val x) { return is_type(x, T_REDUCED) ? x : state_reduced(x); }

DOC(realized, "[x]", "True if a delay or lazy seq has produced its value.", "(realized? (delay 1)) ;=> false\n(realized? 1) ;!> type");
static Val state_realized(Val x) {
  if (is_lazy(x)) return bool_val(is_nil(AS(Lazy, x)->fn));
  if (is_type(x, T_REF) && obj(x)->aux >= REF_PROMISE) return bool_val(!same(AS(Ref, x)->val, UNBOUND));
  if (is_type(x, T_DELAY)) return bool_val(is_nil(AS(Delay, x)->fn));
  return is_nil(x) ? arg_null("clojure.lang.IPending.isRealized()", "x") : ex_cast(x, "clojure.lang.IPending");
}

DOC(lazy_seq, "[f]", "A lazy seq whose elements are the result of (f); what the macro lazy-seq expands to.",
    "(lazy-seq* (fn [] [1 2])) ;=> (1 2)");
static Val state_lazy(Val f) { return lazy_new(f); }

DOC(new_delay, "[f]", "A delay of (f); what the macro delay expands to.", "@(delay* (fn [] 1)) ;=> 1");
static Val state_delay(Val f) {
  Delay *d = mem_obj(T_DELAY);
  d->serial = arg_serial();
  d->fn = f;
  return from_obj(d);
}

DOC(get_validator, "[iref]", "The validator function of an atom, or nil.", "(get-validator (atom 1)) ;=> nil");
static Val state_get_validator(Val a) {
  if (is_type(a, T_VAR)) return NIL;
  return is_type(a, T_ATOM) || is_type(a, T_REF) ? AS(Atom, a)->validator : ex_cast(a, "clojure.lang.IRef");
}

const BuiltinRow rows_state[] = {
    ROW_NATIVE("atom", nd_atom, atom, B_IMPURE),
    ROW1("volatile!", state_volatile, new_volatile, B_IMPURE),
    ROW2("vreset!", state_vreset, vreset, B_IMPURE),
    ROW1("reduced", state_reduced, reduced, B_PURE),
    ROW1("unreduced", state_unreduced, unreduced, B_PURE),
    ROW1("ensure-reduced", state_ensure_reduced, ensure_reduced, B_PURE),
    ROW1("realized?", state_realized, realized, B_IMPURE),
    ROW1("lazy-seq*", state_lazy, lazy_seq, B_PURE),
    ROW1("delay*", state_delay, new_delay, B_IMPURE),
    ROW1("get-validator", state_get_validator, get_validator, B_IMPURE),
    ROW_END,
};
