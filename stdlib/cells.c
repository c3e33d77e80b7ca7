/* cells.c - native frames on cells: what changes an atom calls its validator and watches, deref runs delays, swap! calls f. */
#include "hof.h"
#include "args.h"
#include "reader/eq.h"
#include "reader/user.h"
#include "reader/num.h"

/* Refs and agents have validators and watches too; their structs begin alike. */
static Val cell_ref(Val v) { return is_type(v, T_ATOM) || is_type(v, T_REF) ? v : ex_cast(v, "clojure.lang.IRef"); }
static Val cell_is(Val v, const char *cls) { return is_type(v, T_ATOM) ? v : ex_cast(v, cls); }
static Val cell_atom(Val v) { return cell_is(v, "clojure.lang.IAtom"); }

/* ---- changing an atom ---- */

/* The common tail of swap! and its like, in slots: atom, old value, new value, watches array, place. pc:
 *   CELL_NEW begin, CELL_VALID the validator has answered, CELL_NOTIFY a watch has been told
 * TRUE_V: done. FALSE_V: the atom no longer holds the old value, begin again. Else a signal to return. */
enum { CELL_NEW = 16, CELL_VALID, CELL_NOTIFY };
enum { C_ATOM, C_OLD, C_VAL, C_WATCHES, C_PLACE, C_COUNT };

static Val cell_watches(Val watches) { /* [key f key f ...] */
  if (is_nil(watches)) return NIL;
  Val arr = arr_new(NULL, 2 * map_count(watches)), k, f;
  MapIter it;
  map_iter(&it, watches);
  for (uint32_t i = 0; map_next(&it, &k, &f); i += 2) {
    AS(Arr, arr)->a[i] = k;
    AS(Arr, arr)->a[i + 1] = f;
  }
  return arr;
}

static Val cell_notify(Mach *m, Val *c) {
  uint32_t i = (uint32_t)fix_of(c[C_PLACE]);
  if (is_nil(c[C_WATCHES]) || i >= AS(Arr, c[C_WATCHES])->n) return TRUE_V;
  const Val *kf = AS(Arr, c[C_WATCHES])->a + i;
  Val args[4] = {kf[0], c[C_ATOM], c[C_OLD], c[C_VAL]};
  c[C_PLACE] = fix(i + 2);
  return nf_calln(m, CELL_NOTIFY, kf[1], args, 4);
}

static Val cell_change(Mach *m, uint32_t pc, Val *c, Val in) {
  Atom *a = AS(Atom, c[C_ATOM]);
  if (pc == CELL_NEW && !is_nil(a->validator)) {
    Val v = fast_call1(a->validator, c[C_VAL]);
    if (same(v, ABSENT) || same(v, SIG_DEMAND)) return nf_call1(m, CELL_VALID, a->validator, c[C_VAL]);
    if (is_sig(v)) return v;
    in = v;
    pc = CELL_VALID;
  }
  if (pc == CELL_VALID && !truthy(in)) return ex_throw(EXC_STATE, "Invalid reference state");
  if (pc != CELL_NOTIFY) {
    if (!same(a->val, c[C_OLD])) return FALSE_V; /* f, or the validator, has changed it meanwhile */
    a->val = c[C_VAL];
    c[C_WATCHES] = cell_watches(a->watches);
    c[C_PLACE] = fix(0);
  }
  return cell_notify(m, c);
}

/* ---- swap!, swap-vals! ---- */

/* slots: atom, f, more | C_... */
static Val swap_run(Mach *m, uint32_t pc, Val *s, Val in) {
  Val *c = s + 3;
  for (;;) {
    if (pc == 0) {
      CHECK(cell_atom(s[0]));
      c[C_ATOM] = s[0];
      c[C_OLD] = AS(Atom, s[0])->val;
      in = hof_call_more(m, 1, s[1], c[C_OLD], s[2]);
      if (is_sig(in)) return in;
      pc = 1;
    }
    if (pc == 1) {
      c[C_VAL] = in;
      pc = CELL_NEW;
    }
    TRY(done, cell_change(m, pc, c, in));
    if (truthy(done)) return TRUE_V;
    pc = 0;
    if (nf_spent(m, 1)) return nf_yield(m, 0);
  }
}

DOC(swap, "[atom f] [atom f x] [atom f x y] [atom f x y & args]",
    "Sets the atom to (f value x ...) and answers the new value. A validator may refuse it; watches are told.",
    "(let [a (atom 1)] (swap! a + 2) @a) ;=> 3\n(swap! (atom {}) assoc :a 1) ;=> {:a 1}\n(swap! {} inc) ;!> :type");
static Val swap_step(Mach *m, uint32_t pc, Val *s, Val in) {
  CHECK(swap_run(m, pc, s, in));
  return s[3 + C_VAL];
}
static const NativeDef nd_swap = {"clojure.core/swap!", 1, 2, 2, true, false, C_COUNT, swap_step};

DOC(swap_vals, "[atom f] [atom f x] [atom f x y] [atom f x y & args]", "As swap!, but answers [old new].",
    "(swap-vals! (atom 1) inc) ;=> [1 2]");
static Val swap_vals_step(Mach *m, uint32_t pc, Val *s, Val in) {
  CHECK(cell_is(s[0], "clojure.lang.IAtom2"));
  CHECK(swap_run(m, pc, s, in));
  return vec_of2(s[3 + C_OLD], s[3 + C_VAL]);
}
static const NativeDef nd_swap_vals = {"clojure.core/swap-vals!", 1, 2, 2, true, false, C_COUNT, swap_vals_step};

/* ---- reset!, reset-vals!, compare-and-set! ---- */

/* slots: atom, value | C_... */
static Val reset_run(Mach *m, uint32_t pc, Val *s, Val in) {
  Val *c = s + 2;
  for (;;) {
    if (pc == 0) {
      CHECK(cell_atom(s[0]));
      c[C_ATOM] = s[0];
      c[C_OLD] = AS(Atom, s[0])->val;
      c[C_VAL] = s[1];
      pc = CELL_NEW;
    }
    TRY(done, cell_change(m, pc, c, in));
    if (truthy(done)) return TRUE_V;
    pc = 0;
    if (nf_spent(m, 1)) return nf_yield(m, 0);
  }
}

DOC(reset, "[atom newval]", "Sets the atom to newval and answers it.", "(let [a (atom 1)] (reset! a 5) @a) ;=> 5");
static Val reset_step(Mach *m, uint32_t pc, Val *s, Val in) {
  CHECK(reset_run(m, pc, s, in));
  return s[2 + C_VAL];
}
static const NativeDef nd_reset = {"clojure.core/reset!", 1, 2, 2, false, false, C_COUNT, reset_step};

DOC(reset_vals, "[atom newval]", "Sets the atom to newval and answers [old new].", "(reset-vals! (atom 1) 5) ;=> [1 5]");
static Val reset_vals_step(Mach *m, uint32_t pc, Val *s, Val in) {
  CHECK(cell_is(s[0], "clojure.lang.IAtom2"));
  CHECK(reset_run(m, pc, s, in));
  return vec_of2(s[2 + C_OLD], s[2 + C_VAL]);
}
static const NativeDef nd_reset_vals = {"clojure.core/reset-vals!", 1, 2, 2, false, false, C_COUNT, reset_vals_step};

DOC(compare_and_set, "[atom oldval newval]", "Sets the atom to newval if its value is identical to oldval. Answers whether it did.",
    "(compare-and-set! (atom 1) 1 2) ;=> true\n(compare-and-set! (atom 1) 5 2) ;=> false");
/* slots: atom, old, new | C_... */
static Val compare_and_set_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Val *c = s + 3;
  if (pc == 0) {
    CHECK(cell_atom(s[0]));
    if (!val_identical(AS(Atom, s[0])->val, s[1])) return FALSE_V;
    c[C_ATOM] = s[0];
    c[C_OLD] = AS(Atom, s[0])->val;
    c[C_VAL] = s[2];
    pc = CELL_NEW;
  }
  return cell_change(m, pc, c, in);
}
static const NativeDef nd_compare_and_set = {"clojure.core/compare-and-set!", 1, 3, 3, false, false, C_COUNT, compare_and_set_step};

/* ---- set-validator!, watches ---- */

DOC(set_validator, "[atom f]", "Gives the atom a validator (nil: none). Refused when the present value does not pass it.",
    "(let [a (atom 1)] (set-validator! a pos?) (try (reset! a -1) (catch Exception e @a))) ;=> 1");
static Val set_validator_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    CHECK(cell_ref(s[0]));
    if (!is_nil(s[1])) in = hof_call1(m, 1, s[1], AS(Atom, s[0])->val);
    else in = TRUE_V;
    if (is_sig(in)) return in;
  }
  if (!truthy(in)) return ex_throw(EXC_STATE, "Invalid reference state");
  AS(Atom, s[0])->validator = s[1];
  return NIL;
}
static const NativeDef nd_set_validator = {"clojure.core/set-validator!", 1, 2, 2, false, false, 0, set_validator_step};

DOC(add_watch, "[atom key f]", "Has (f key atom old new) called after each change of the atom, until remove-watch of that key.",
    "(let [log (atom []) a (atom 1)] (add-watch a :k (fn [k _ o n] (swap! log conj [k o n]))) (swap! a inc) @log) ;=> [[:k 1 2]]");
static Val add_watch(Val a, Val k, Val f) {
  CHECK(cell_ref(a));
  TRY(watches, coll_assoc(AS(Atom, a)->watches, k, f));
  AS(Atom, a)->watches = watches;
  return a;
}

DOC(remove_watch, "[atom key]", "Ends what add-watch with that key began.",
    "(let [n (atom 0) a (atom 1)] (add-watch a :k (fn [& _] (swap! n inc))) (remove-watch a :k) (swap! a inc) @n) ;=> 0");
static Val remove_watch(Val a, Val k) {
  CHECK(cell_ref(a));
  TRY(watches, coll_dissoc(AS(Atom, a)->watches, k));
  AS(Atom, a)->watches = watches;
  return a;
}

/* ---- deref, force ---- */

/* Run a delay's function once: pc 1 has its value, pc 1 | NF_THROWN its exception. */
static Val delay_run(Mach *m, uint32_t pc, Val v, Val in) {
  Delay *d = AS(Delay, v);
  if (pc == (1 | NF_THROWN)) {
    bool limit = AS(Ex, in)->kind == KIND_LIMIT || AS(Ex, in)->kind == KIND_CANCELLED; /* not the delay's own: a later look may try again */
    if (!is_nil(d->fn) && !limit) {
      d->ex = in;
      d->fn = NIL;
    }
    return ex_throw_val(in);
  }
  if (pc == 1 && !is_nil(d->fn)) {
    d->val = in;
    d->fn = NIL;
  }
  if (!is_nil(d->fn)) return nf_call0(m, 1, d->fn);
  return is_nil(d->ex) ? d->val : ex_throw_val(d->ex);
}

static Val deref_future(const Ref *r) {
  if (is_nil(r->extra)) return r->val;
  TRY(text, arg_str_of(r->extra));
  return ex_throw_val(ex_make(EXC_EXECUTION, text, NIL, r->extra));
}

static Val deref_ref(const Ref *r) {
  if (r->h.aux == REF_FUTURE) return deref_future(r);
  if (r->h.aux == REF_REF && !same(r->extra, UNBOUND)) return r->extra;
  if (!same(r->val, UNBOUND)) return r->val;
  return ex_throw(EXC_STATE, "The promise has no value, and nothing runs that could deliver one: deliver it before deref, or give deref a timeout");
}

static Val deref_plain(Val v) {
  if (is_nil(v)) return arg_null("java.util.concurrent.Future.get()", "fut");
  switch (type_of(v)) {
  case T_ATOM: return AS(Atom, v)->val;
  case T_REF: return deref_ref(AS(Ref, v));
  case T_VAR: return var_get(v);
  case T_VOLATILE:
  case T_REDUCED: return AS(Box, v)->val;
  case T_INSTANCE: {
    Val own = user_invoke(v, UM_DEREF, NULL, 0);
    if (!same(own, ABSENT)) return own;
  }
  /* fall through */
  default: return ex_cast(v, "java.util.concurrent.Future");
  }
}

DOC(deref, "[ref] [ref timeout-ms timeout-val]",
    "The value of an atom, var, volatile, delay, reduced value, ref, agent, promise or future; @ref reads as this. With timeout-val a "
    "promise without value answers that, at once.",
    "@(atom 1) ;=> 1\n(deref (delay 2)) ;=> 2\n(deref 5) ;!> :type\n(deref (promise) 100 :none) ;=> :none");
static Val deref_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc & NF_THROWN && !is_type(s[0], T_DELAY)) return ex_throw_val(in); /* of a type's own deref */
  if (!same(s[1], ABSENT)) {
    if (same(s[2], ABSENT)) return ex_arity(2, "clojure.core/deref");
    bool blocking = is_type(s[0], T_REF) && (obj(s[0])->aux == REF_PROMISE || obj(s[0])->aux == REF_FUTURE);
    if (!blocking) return is_nil(s[0]) ? arg_null("java.util.concurrent.Future.get()", "fut") : ex_cast(s[0], "java.util.concurrent.Future");
    if (same(AS(Ref, s[0])->val, UNBOUND)) return s[2];
  }
  return is_type(s[0], T_DELAY) ? delay_run(m, pc, s[0], in) : deref_plain(s[0]);
}
static const NativeDef nd_deref = {"clojure.core/deref", 2, 1, 3, false, NF_CATCHES, 0, deref_step};

DOC(force, "[x]", "The value of x when it is a delay, else x itself.", "(force (delay 3)) ;=> 3\n(force 4) ;=> 4");
static Val force_step(Mach *m, uint32_t pc, Val *s, Val in) { return is_type(s[0], T_DELAY) ? delay_run(m, pc, s[0], in) : s[0]; }
static const NativeDef nd_force = {"clojure.core/force", 1, 1, 1, false, NF_CATCHES, 0, force_step};

extern const BuiltinRow rows_cells[];
const BuiltinRow rows_cells[] = {
    ROW_NATIVE("swap!", nd_swap, swap, B_IMPURE),
    ROW_NATIVE("swap-vals!", nd_swap_vals, swap_vals, B_IMPURE),
    ROW_NATIVE("reset!", nd_reset, reset, B_IMPURE),
    ROW_NATIVE("reset-vals!", nd_reset_vals, reset_vals, B_IMPURE),
    ROW_NATIVE("compare-and-set!", nd_compare_and_set, compare_and_set, B_IMPURE),
    ROW_NATIVE("set-validator!", nd_set_validator, set_validator, B_IMPURE),
    ROW3("add-watch", add_watch, add_watch, B_IMPURE),
    ROW2("remove-watch", remove_watch, remove_watch, B_IMPURE),
    ROW_NATIVE("deref", nd_deref, deref, B_IMPURE),
    ROW_NATIVE("force", nd_force, force, B_IMPURE),
    ROW_END,
};
