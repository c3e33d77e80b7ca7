/* build.c - constructors of collections and seqs: vector, list, hash-map, sorted-set, cons, repeat, reverse, ... */
#include "stdlib.h"
#include "args.h"
#include "reader/mem.h"
#include <stdio.h>

/* ---- vectors and lists ---- */

DOC(vector, "[& args]", "A vector of the arguments.", "(vector 1 2) ;=> [1 2]\n(vector) ;=> []");
static Val build_vector(int n, const Val *a) { return vec_from(a, (size_t)n); }

DOC(vec, "[coll]", "A vector of the elements of coll.", "(vec '(1 2)) ;=> [1 2]\n(vec nil) ;=> []\n(vec 5) ;!> runtime");
static Val build_vec(Val coll) {
  if (is_type(coll, T_VEC)) return with_meta(coll, NIL);
  if (is_entry(coll)) return vec_as_vec(coll);
  if (is_type(coll, T_BYTES) || is_seqable(coll)) {
    ValVec v = {0};
    CHECK(coll_into_array(coll, &v));
    return vec_from(v.a, v.n);
  }
  return ex_throw(EXC_RUNTIME, "Unable to convert: class %s to Object[]", class_name_of(coll));
}

DOC(list, "[& items]", "A list of the arguments.", "(list 1 2) ;=> (1 2)");
static Val build_list(int n, const Val *a) { return list_from(a, (size_t)n); }

DOC(list_star, "[args] [a args] [a b & more]", "A seq of the arguments before the last one and the elements of the last one.",
    "(list* 1 2 [3 4]) ;=> (1 2 3 4)\n(list* []) ;=> nil");
static Val build_list_star(int n, const Val *a) {
  if (n == 1) return seq_of(a[0]);
  return list_rest_from(a, (size_t)n - 1, a[n - 1]);
}

DOC(cons, "[x seq]", "A seq that begins with x and goes on with the elements of seq.", "(cons 1 [2 3]) ;=> (1 2 3)\n(cons 1 nil) ;=> (1)");

DOC(subvec, "[v start] [v start end]", "The part of a vector from start up to but not including end, in constant time.",
    "(subvec [1 2 3 4] 1 3) ;=> [2 3]\n(subvec [1 2] 3) ;!> index");
static Val subvec_range(Val v, int64_t start, int64_t end) {
  if (end < start || start < 0 || end > (int64_t)vec_count(v)) return ex_index();
  return start == end ? vec_empty : vec_sub(v, (uint32_t)start, (uint32_t)end);
}
static Val need_vector(Val v) {
  if (is_vec(v)) return NIL;
  return is_nil(v) ? arg_null("clojure.lang.IPersistentVector.count()", "v") : ex_cast(v, "clojure.lang.IPersistentVector");
}
static Val build_subvec(Val v, Val start) {
  CHECK(coll_count(v));
  CHECK(need_vector(v));
  ARG_INT(from, start);
  return subvec_range(v, from, vec_count(v));
}
static Val build_subvec3(Val v, Val start, Val end) {
  CHECK(need_vector(v));
  ARG_INT(from, start);
  ARG_INT(to, end);
  return subvec_range(v, from, to);
}

DOC(rseq, "[rev]", "A seq of the elements of a vector or sorted collection in reverse; nil if there are none.",
    "(rseq [1 2 3]) ;=> (3 2 1)");
static Val build_rseq(Val v) {
  if (is_vec(v)) return rseq_new(v);
  if (is_type(v, T_SMAP) || is_type(v, T_SSET)) return smap_seq_from(v, false);
  return is_nil(v) ? arg_null("clojure.lang.Reversible.rseq()", "rev") : ex_cast(v, "clojure.lang.Reversible");
}

DOC(reverse, "[coll]", "A list of the elements in reverse order.", "(reverse [1 2 3]) ;=> (3 2 1)");
static Val build_reverse(Val coll) {
  ValVec v = {0};
  CHECK(coll_into_array(coll, &v));
  Val out = empty_list;
  for (size_t i = 0; i < v.n; i++) out = list_conj(out, v.a[i]);
  return out;
}

/* ---- maps ---- */

/* The last key when keys and values do not come in pairs. */
static Val need_pairs(int n, const Val *a) { return n % 2 ? arg_no_value(a[n - 1]) : NIL; }

DOC(hash_map, "[& keyvals]", "A hash map of keys and values.", "(= (hash-map :a 1 :b 2) {:a 1 :b 2}) ;=> true\n(hash-map :a) ;!> argument");
static Val build_hash_map(int n, const Val *a) {
  if (n == 0) return map_empty;
  CHECK(need_pairs(n, a));
  return hmap_from(a, (size_t)n / 2);
}

DOC(array_map, "[& keyvals]", "A map that keeps the order of its entries.", "(array-map :b 1 :a 2) ;=> {:b 1, :a 2}");
static Val build_array_map(int n, const Val *a) {
  CHECK(need_pairs(n, a));
  return amap_from(a, (size_t)n / 2);
}

DOC(sorted_map, "[& keyvals]", "A map sorted by its keys.", "(sorted-map :b 1 :a 2) ;=> {:a 2, :b 1}");
static Val build_sorted_map(int n, const Val *a) {
  CHECK(need_pairs(n, a));
  Val m = smap_new(NIL);
  for (int i = 0; i < n; i += 2) {
    TRY(now, map_assoc(m, a[i], a[i + 1]));
    m = now;
  }
  return m;
}

DOC(zipmap, "[keys vals]", "A map of the keys to the values at the same place.", "(zipmap [:a :b] [1 2]) ;=> {:a 1, :b 2}");
static Val build_zipmap(Val keys, Val vals) {
  SeqIter ki, vi;
  Val k, v, t = tmap_of(map_empty);
  CHECK(seq_iter(&ki, keys));
  CHECK(seq_iter(&vi, vals));
  for (;;) {
    TRY(more_keys, seq_iter_next(&ki, &k));
    if (!truthy(more_keys)) return tmap_persistent(t);
    TRY(more_vals, seq_iter_next(&vi, &v));
    if (!truthy(more_vals)) return tmap_persistent(t);
    TRY(now, tmap_assoc(t, k, v));
    t = now;
  }
}

/* ---- sets ---- */

DOC(hash_set, "[& keys]", "A hash set of the arguments.", "(= (hash-set 1 2) #{1 2}) ;=> true");
static Val build_hash_set(int n, const Val *a) { return set_from(a, (size_t)n, false); }

DOC(set, "[coll]", "A set of the elements of coll.", "(set [1 1]) ;=> #{1}\n(set nil) ;=> #{}");
static Val build_set(Val coll) {
  if (is_set(coll)) return with_meta(coll, NIL);
  ValVec v = {0};
  CHECK(coll_into_array(coll, &v));
  return set_from(v.a, v.n, false);
}

DOC(sorted_set, "[& keys]", "A sorted set of the arguments.", "(sorted-set 3 1 2) ;=> #{1 2 3}");
static Val build_sorted_set(int n, const Val *a) {
  Val s = sset_new(NIL);
  for (int i = 0; i < n; i++) {
    TRY(now, set_conj(s, a[i]));
    s = now;
  }
  return s;
}

DOC(distinct, "[x] [x & more]", "True if no two arguments are equal.", "(distinct? 1 2 3) ;=> true\n(distinct? 1 2 1) ;=> false");
static Val build_distinct(int n, const Val *a) {
  TRY(s, set_from(a, (size_t)n, false));
  return bool_val(set_count(s) == (uint32_t)n);
}

/* ---- repeat ---- */

DOC(repeat, "[x] [n x]", "A seq of n times x, or endless.", "(repeat 3 :a) ;=> (:a :a :a)");
static Val build_repeat(Val x) { return repeat_new(-1, x); }
static Val build_repeat2(Val n, Val x) {
  CHECK(arg_num_call(n, ARG_DOUBLE_VALUE));
  TRY(times, num_to_long_checked(n));
  return repeat_new(long_of(times) < 0 ? 0 : long_of(times), x);
}

/* ---- arrays, which are vectors and bytes here ---- */

/* What vector-of makes of an element of each type: the conversion of that name. */
static Val element_converter(Val type) {
  static const char *const types[] = {"int", "long", "float", "double", "byte", "short", "char", "boolean"};
  char name[32];
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (!kw_is(type, types[i])) continue;
    snprintf(name, sizeof name, "clojure.core/%s", types[i]);
    return builtin_find(name)->self;
  }
  TRY(shown, arg_str_of(type));
  return ex_throw(EXC_ILLEGAL_ARG, "Unrecognized type %s", str_s(shown));
}

DOC(vector_of, "[t & elements]", "A vector of elements of one type: :int :long :float :double :byte :short :char :boolean.",
    "(vector-of :int 1 2.5) ;=> [1 2]\n(vector-of :foo 1) ;!> argument");
static Val build_vector_of(int n, const Val *a) {
  ValVec v = {0};
  CHECK(element_converter(a[0]));
  for (int i = 1; i < n; i++) {
    TRY(f, element_converter(a[0]));
    TRY(x, builtin_call(AS(BuiltinObj, f)->def, 1, &a[i]));
    vv_push(&v, x);
  }
  return vec_from(v.a, v.n);
}

const BuiltinRow rows_build[] = {
    ROWV("vector", 0, build_vector, vector, B_PURE),
    ROW1("vec", build_vec, vec, B_PURE),
    ROWV("list", 0, build_list, list, B_PURE),
    ROWV("list*", 1, build_list_star, list_star, B_PURE),
    ROW2("cons", cons_new, cons, B_PURE),
    ROW2("subvec", build_subvec, subvec, B_PURE),
    ROW3("subvec", build_subvec3, subvec, B_PURE),
    ROW1("rseq", build_rseq, rseq, B_PURE),
    ROW1("reverse", build_reverse, reverse, B_PURE),
    ROWV("hash-map", 0, build_hash_map, hash_map, B_PURE),
    ROWV("array-map", 0, build_array_map, array_map, B_PURE),
    ROWV("sorted-map", 0, build_sorted_map, sorted_map, B_PURE),
    ROW2("zipmap", build_zipmap, zipmap, B_PURE),
    ROWV("hash-set", 0, build_hash_set, hash_set, B_PURE),
    ROW1("set", build_set, set, B_PURE),
    ROWV("sorted-set", 0, build_sorted_set, sorted_set, B_PURE),
    ROWV("distinct?", 1, build_distinct, distinct, B_PURE),
    ROW1("repeat", build_repeat, repeat, B_PURE),
    ROW2("repeat", build_repeat2, repeat, B_PURE),
    ROWV("vector-of", 1, build_vector_of, vector_of, B_PURE),
    ROW_END,
};
