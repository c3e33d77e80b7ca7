/* transient.c - transients: collections under construction that change in place. A step that is run again after a demand
 * (a lazy seq inside a key) puts the same things in the same places. */
#include "stdlib.h"
#include "args.h"

static Val need(Val t, bool ok, const char *iface, const char *call) {
  if (ok) return transient_check(t);
  if (is_nil(t)) return arg_null(call, "coll");
  Buf b = {0};
  buf_fmt(&b, "clojure.lang.%s", iface);
  Val r = ex_cast(t, buf_cstr(&b));
  buf_free(&b);
  return r;
}

static bool is_transient(Val t) { return is_type(t, T_TVEC) || is_type(t, T_TMAP) || is_type(t, T_TSET); }

DOC(transient, "[coll]", "A transient copy of a vector, map or set, in constant time.",
    "(persistent! (conj! (transient [1]) 2)) ;=> [1 2]\n(transient '(1)) ;!> type");
static Val transient_of(Val coll) {
  if (is_type(coll, T_VEC)) return tvec_of(coll);
  if (is_type(coll, T_AMAP) || is_type(coll, T_HMAP)) return tmap_of(coll);
  if (is_type(coll, T_SET)) return tset_of(coll);
  return is_nil(coll) ? arg_null("clojure.lang.IEditableCollection.asTransient()", "coll")
                      : ex_cast(coll, "clojure.lang.IEditableCollection");
}

DOC(persistent, "[coll]", "The persistent collection of a transient, which must not be used any more.",
    "(persistent! (transient {:a 1})) ;=> {:a 1}");
static Val transient_persistent(Val t) {
  CHECK(need(t, is_transient(t), "ITransientCollection", "clojure.lang.ITransientCollection.persistent()"));
  if (is_type(t, T_TVEC)) return tvec_persistent(t);
  return is_type(t, T_TMAP) ? tmap_persistent(t) : tset_persistent(t);
}

static Val conj_entries(Val t, Val entries) {
  SeqIter it;
  Val e;
  CHECK(seq_iter(&it, entries));
  for (;;) {
    TRY(more, seq_iter_next(&it, &e));
    if (!truthy(more)) return t;
    if (!is_entry(e)) return ex_cast(e, "java.util.Map$Entry");
    CHECK(tmap_assoc(t, AS(Entry, e)->k, AS(Entry, e)->v));
  }
}

static Val conj_map(Val t, Val x) {
  if (!is_vec(x)) return conj_entries(t, x);
  if (vec_count(x) != 2) return ex_throw(EXC_ILLEGAL_ARG, "Vector arg to map conj must be a pair");
  return tmap_assoc(t, vec_nth(x, 0), vec_nth(x, 1));
}

DOC(conj_t, "[] [coll] [coll x]", "Adds x to a transient collection and returns it.", "(persistent! (conj! (transient #{}) 1)) ;=> #{1}");
static Val transient_conj0(void) { return tvec_of(vec_empty); }
static Val transient_same(Val t) { return t; }
static Val transient_conj(Val t, Val x) {
  CHECK(need(t, is_transient(t), "ITransientCollection", "clojure.lang.ITransientCollection.conj(Object)"));
  if (is_type(t, T_TVEC)) return tvec_conj(t, x);
  return is_type(t, T_TMAP) ? conj_map(t, x) : tset_conj(t, x);
}

static Val assoc_vec(Val t, Val k, Val v) {
  int64_t i;
  if (!is_integer(k)) return ex_throw(EXC_ILLEGAL_ARG, "Key must be integer");
  if (!num_to_long(k, &i) || i < 0 || i > (int64_t)tvec_count(t)) return ex_index();
  return tvec_assoc(t, (uint32_t)i, v);
}

DOC(assoc_t, "[coll key val] [coll key val & kvs]", "Puts values at keys of a transient map or vector and returns it.",
    "(persistent! (assoc! (transient {}) :a 1)) ;=> {:a 1}");
static Val transient_assoc(Val t, Val k, Val v) {
  bool ok = is_type(t, T_TVEC) || is_type(t, T_TMAP);
  CHECK(need(t, ok, "ITransientAssociative", "clojure.lang.ITransientAssociative.assoc(Object, Object)"));
  return is_type(t, T_TVEC) ? assoc_vec(t, k, v) : tmap_assoc(t, k, v);
}
static Val transient_assoc_n(int n, const Val *a) { /* a key without value gets nil, as in Clojure */
  for (int i = 1; i < n; i += 2) CHECK(transient_assoc(a[0], a[i], i + 1 < n ? a[i + 1] : NIL));
  return a[0];
}

DOC(dissoc_t, "[map key] [map key & ks]", "Removes keys from a transient map and returns it.",
    "(persistent! (dissoc! (transient {:a 1 :b 2}) :a)) ;=> {:b 2}");
static Val transient_dissoc(Val t, Val k) {
  CHECK(need(t, is_type(t, T_TMAP), "ITransientMap", "clojure.lang.ITransientMap.without(Object)"));
  return tmap_dissoc(t, k);
}
static Val transient_dissoc_n(int n, const Val *a) {
  for (int i = 1; i < n; i++) CHECK(transient_dissoc(a[0], a[i]));
  return a[0];
}

DOC(disj_t, "[set] [set key] [set key & ks]", "Removes keys from a transient set and returns it.",
    "(persistent! (disj! (transient #{1 2}) 1)) ;=> #{2}");
static Val transient_disj(Val t, Val k) {
  CHECK(need(t, is_type(t, T_TSET), "ITransientSet", "clojure.lang.ITransientSet.disjoin(Object)"));
  return tset_disj(t, k);
}
static Val transient_disj_n(int n, const Val *a) {
  for (int i = 1; i < n; i++) CHECK(transient_disj(a[0], a[i]));
  return a[0];
}

DOC(pop_t, "[coll]", "Removes the last element of a transient vector and returns it.", "(persistent! (pop! (transient [1 2]))) ;=> [1]");
static Val transient_pop(Val t) {
  CHECK(need(t, is_type(t, T_TVEC), "ITransientVector", "clojure.lang.ITransientVector.pop()"));
  return tvec_pop(t);
}

const BuiltinRow rows_transient[] = {
    ROW1("transient", transient_of, transient, B_IMPURE),
    ROW1("persistent!", transient_persistent, persistent, B_IMPURE),
    ROW0("conj!", transient_conj0, conj_t, B_IMPURE),
    ROW1("conj!", transient_same, conj_t, B_IMPURE),
    ROW2("conj!", transient_conj, conj_t, B_IMPURE),
    ROW3("assoc!", transient_assoc, assoc_t, B_IMPURE),
    ROWV("assoc!", 4, transient_assoc_n, assoc_t, B_IMPURE),
    ROW2("dissoc!", transient_dissoc, dissoc_t, B_IMPURE),
    ROWV("dissoc!", 3, transient_dissoc_n, dissoc_t, B_IMPURE),
    ROW1("disj!", transient_same, disj_t, B_IMPURE),
    ROW2("disj!", transient_disj, disj_t, B_IMPURE),
    ROWV("disj!", 3, transient_disj_n, disj_t, B_IMPURE),
    ROW1("pop!", transient_pop, pop_t, B_IMPURE),
    ROW_END,
};
