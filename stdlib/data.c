/* data.c - equality, order and hash, and the access to collections: get, assoc, nth, first, rest, keys, ... */
#include "stdlib.h"
#include "args.h"
#include "reader/user.h"

/* ---- equality, order, hash ---- */

static Val data_true1(Val x) {
  (void)x;
  return TRUE_V;
}

DOC(eq, "[x] [x y] [x y & more]", "True if the values are equal: collections by their elements, numbers by category and value.",
    "(= [1 2] '(1 2)) ;=> true\n(= 1 1.0) ;=> false\n(= 1 1 1) ;=> true");
static Val data_eq_n(int n, const Val *a) {
  for (int i = 0; i + 1 < n; i++) {
    TRY(e, val_eq(a[i], a[i + 1]));
    if (!truthy(e)) return FALSE_V;
  }
  return TRUE_V;
}

DOC(not_eq, "[x] [x y] [x y & more]", "The opposite of =.", "(not= 1 2) ;=> true\n(not= 1) ;=> false");
static Val data_false1(Val x) {
  (void)x;
  return FALSE_V;
}
static Val data_not_eq_n(int n, const Val *a) {
  TRY(e, data_eq_n(n, a));
  return bool_val(!truthy(e));
}
static Val data_not_eq(Val x, Val y) {
  TRY(e, val_eq(x, y));
  return bool_val(!truthy(e));
}

DOC(compare, "[x y]", "Negative, zero or positive as x is less than, equal to or greater than y; nil is least.",
    "(compare 1 2) ;=> -1\n(compare \"b\" \"a\") ;=> 1\n(compare 1 :a) ;!> type");
static Val data_compare(Val x, Val y) {
  int order;
  CHECK(val_compare(x, y, &order));
  return fix(order);
}

DOC(hash, "[x]", "Hash code of x, consistent with =; the same number as on the JVM.", "(hash :a) ;=> -2123407586\n(hash nil) ;=> 0");
static Val data_hash(Val x) {
  uint32_t h;
  CHECK(val_hash(x, &h));
  return fix((int32_t)h);
}

DOC(mix_hash, "[hash-basis count]", "Mixes the hash of a collection with its size.", "(mix-collection-hash 1 2) ;=> 1734656966");
static Val data_mix_hash(Val h, Val n) {
  ARG_INT(basis, h);
  ARG_INT(count, n);
  return fix((int32_t)murmur_mix_coll((uint32_t)basis, (uint32_t)count));
}

static Val hash_elements(Val coll, bool ordered) {
  SeqIter it;
  Val x;
  uint32_t h = ordered, n = 0, e;
  CHECK(seq_iter(&it, coll));
  for (;; n++) {
    TRY(more, seq_iter_next(&it, &x));
    if (!truthy(more)) return fix((int32_t)murmur_mix_coll(h, n));
    CHECK(val_hash(x, &e));
    h = ordered ? 31 * h + e : h + e;
  }
}

static Val need_iterable(Val x) {
  if (is_nil(x)) return arg_null("java.lang.Iterable.iterator()", "xs");
  return is_coll(x) ? NIL : ex_cast(x, "java.lang.Iterable");
}

DOC(hash_ordered, "[coll]", "Hash of the elements in their order, as of a vector.", "(hash-ordered-coll [1]) ;=> -1381383523");
static Val data_hash_ordered(Val coll) {
  CHECK(need_iterable(coll));
  return hash_elements(coll, true);
}
DOC(hash_unordered, "[coll]", "Hash of the elements whatever their order, as of a set.", "(hash-unordered-coll #{1}) ;=> 1038464948");
static Val data_hash_unordered(Val coll) {
  CHECK(need_iterable(coll));
  return hash_elements(coll, false);
}

/* ---- lookup ---- */

DOC(get, "[map key] [map key not-found]", "The value at key in a map, set, vector or string; nil or not-found if there is none.",
    "(get {:a 1} :a) ;=> 1\n(get [1 2] 5 :none) ;=> :none\n(get nil :a) ;=> nil");
static Val data_get(Val m, Val k) { return coll_get(m, k, NIL); }

DOC(contains, "[coll key]", "True if the key is in the collection; for vectors and strings the key is an index.",
    "(contains? {:a nil} :a) ;=> true\n(contains? [5 6] 2) ;=> false\n(contains? '(1) 0) ;!> argument");

DOC(find, "[map key]", "The entry of key, or nil.", "(find {:a 1} :a) ;=> [:a 1]\n(find {:a 1} :b) ;=> nil");
static Val data_find(Val m, Val k) {
  if (is_nil(m)) return NIL;
  if (is_map(m)) return map_find(m, k);
  Val own = is_type(m, T_INSTANCE) ? user_invoke(m, UM_ENTRY_AT, &k, 1) : ABSENT;
  if (!same(own, ABSENT)) return own;
  if (!is_vec(m) && !is_type(m, T_TMAP) && !is_type(m, T_TVEC))
    return ex_throw(EXC_ILLEGAL_ARG, "find not supported on type: %s", class_name_of(m));
  TRY(v, coll_get(m, k, ABSENT));
  return same(v, ABSENT) ? NIL : entry_new(k, v);
}

static Val need_entry(Val e, const char *call) {
  if (is_entry(e)) return NIL;
  return is_nil(e) ? arg_null(call, "e") : ex_cast(e, "java.util.Map$Entry");
}

DOC(key, "[e]", "The key of a map entry.", "(key (first {:a 1})) ;=> :a");
static Val data_key(Val e) {
  CHECK(need_entry(e, "java.util.Map$Entry.getKey()"));
  return AS(Entry, e)->k;
}

DOC(val, "[e]", "The value of a map entry.", "(val (first {:a 1})) ;=> 1");
static Val data_val(Val e) {
  CHECK(need_entry(e, "java.util.Map$Entry.getValue()"));
  return AS(Entry, e)->v;
}

/* keys and vals of a seq of entries */
static Val entry_parts(Val coll, bool keys) {
  ValVec v = {0};
  CHECK(coll_into_array(coll, &v));
  for (size_t i = 0; i < v.n; i++) {
    if (!is_entry(v.a[i])) return ex_cast(v.a[i], "java.util.Map$Entry");
    v.a[i] = keys ? AS(Entry, v.a[i])->k : AS(Entry, v.a[i])->v;
  }
  return v.n ? list_from(v.a, v.n) : NIL;
}

DOC(keys, "[map]", "Seq of the keys, nil if there are none.", "(keys {:a 1 :b 2}) ;=> (:a :b)\n(keys {}) ;=> nil");
static Val data_keys(Val m) { return is_map(m) ? map_keys_seq(m) : entry_parts(m, true); }

DOC(vals, "[map]", "Seq of the values, nil if there are none.", "(vals {:a 1 :b 2}) ;=> (1 2)");
static Val data_vals(Val m) { return is_map(m) ? map_vals_seq(m) : entry_parts(m, false); }

DOC(select_keys, "[map keyseq]", "A map of only those entries of map whose key is in keys.",
    "(select-keys {:a 1 :b 2} [:a :c]) ;=> {:a 1}");
static Val data_select_keys(Val m, Val keys) {
  SeqIter it;
  Val k, out = map_empty;
  CHECK(seq_iter(&it, keys));
  for (;;) {
    TRY(more, seq_iter_next(&it, &k));
    if (!truthy(more)) return with_meta(out, meta_of(m));
    TRY(e, data_find(m, k));
    if (is_nil(e)) continue;
    TRY(now, map_assoc(out, AS(Entry, e)->k, AS(Entry, e)->v));
    out = now;
  }
}

DOC(nth, "[coll index] [coll index not-found]",
    "The element at an index of a vector, string or seq. An error if there is none and no not-found is given.",
    "(nth [1 2 3] 1) ;=> 2\n(nth [1] 5 :none) ;=> :none\n(nth [] 0) ;!> index");
static Val data_nth(Val coll, Val i) {
  if (is_fix(i)) return coll_nth(coll, fix_of(i), ABSENT);
  ARG_INT(index, i);
  return coll_nth(coll, index, ABSENT);
}
static Val data_nth3(Val coll, Val i, Val not_found) {
  ARG_INT(index, i);
  return coll_nth(coll, index, not_found);
}

DOC(count, "[coll]", "Number of elements; 0 for nil. Works on strings, collections and seqs.",
    "(count [1 2 3]) ;=> 3\n(count nil) ;=> 0\n(count 5) ;!> unsupported");

/* ---- first, rest ---- */

DOC(seq, "[coll]", "A seq of the elements, nil if there are none.", "(seq [1 2]) ;=> (1 2)\n(seq []) ;=> nil\n(seq 5) ;!> argument");
DOC(first, "[coll]", "The first element, nil if there is none.", "(first [1 2]) ;=> 1\n(first nil) ;=> nil");
DOC(rest, "[coll]", "The elements after the first, perhaps empty.", "(rest [1 2 3]) ;=> (2 3)\n(rest []) ;=> ()");
DOC(next, "[coll]", "Seq of the elements after the first, nil if there are none.", "(next [1 2 3]) ;=> (2 3)\n(next [1]) ;=> nil");

DOC(second, "[coll]", "The second element.", "(second [1 2 3]) ;=> 2");
static Val data_second(Val coll) {
  if (is_vec(coll)) return vec_count(coll) > 1 ? vec_nth(coll, 1) : NIL;
  TRY(rest, seq_next(coll));
  return seq_first(rest);
}

DOC(ffirst, "[x]", "The first of the first.", "(ffirst [[1 2] 3]) ;=> 1");
static Val data_ffirst(Val coll) {
  TRY(x, seq_first(coll));
  return seq_first(x);
}

DOC(nfirst, "[x]", "The next of the first.", "(nfirst [[1 2] 3]) ;=> (2)");
static Val data_nfirst(Val coll) {
  TRY(x, seq_first(coll));
  return seq_next(x);
}

DOC(nnext, "[x]", "The next of the next.", "(nnext [1 2 3]) ;=> (3)");
static Val data_nnext(Val coll) {
  TRY(x, seq_next(coll));
  return seq_next(x);
}

DOC(fnext, "[x]", "The first of the next.", "(fnext [1 2 3]) ;=> 2");

DOC(last, "[coll]", "The last element; walks a seq from its beginning.", "(last [1 2 3]) ;=> 3\n(last []) ;=> nil");
static Val data_last(Val coll) {
  SeqIter it;
  Val x, last = NIL;
  if (is_vec(coll)) return vec_peek(coll);
  CHECK(seq_iter(&it, coll));
  for (;;) {
    Val more = seq_iter_next(&it, &x);
    if (same(more, SIG_DEMAND)) return demand_all(pend.demand);
    if (is_sig(more)) return more;
    if (!truthy(more)) return last;
    last = x;
  }
}

DOC(is_empty, "[coll]", "True if the collection has no elements.", "(empty? []) ;=> true\n(empty? \"a\") ;=> false");
static Val data_is_empty(Val coll) {
  if (is_vec(coll)) return bool_val(vec_count(coll) == 0);
  if (is_map(coll)) return bool_val(map_count(coll) == 0);
  TRY(s, seq_of(coll));
  return bool_val(is_nil(s));
}

DOC(not_empty, "[coll]", "coll itself, or nil if it has no elements.", "(not-empty [1]) ;=> [1]\n(not-empty []) ;=> nil");
static Val data_not_empty(Val coll) {
  TRY(none, data_is_empty(coll));
  return truthy(none) ? NIL : coll;
}

DOC(empty, "[coll]", "An empty collection of the same kind, or nil.", "(empty [1 2]) ;=> []\n(empty \"a\") ;=> nil");
DOC(peek, "[coll]", "The last element of a vector, the first of a list.", "(peek [1 2]) ;=> 2\n(peek '(1 2)) ;=> 1");
DOC(pop, "[coll]", "The collection without the element that peek gives.", "(pop [1 2]) ;=> [1]\n(pop []) ;!> state");

/* ---- changed copies ---- */

DOC(assoc, "[map key val] [map key val & kvs]", "A copy of a map or vector with the value at key; nil counts as an empty map.",
    "(assoc {:a 1} :b 2) ;=> {:a 1, :b 2}\n(assoc [1 2] 0 :x) ;=> [:x 2]\n(assoc [] 1 :x) ;!> index");
static Val data_assoc_n(int n, const Val *a) {
  Val m = a[0];
  for (int i = 1; i < n; i += 2) {
    if (i + 1 >= n) return ex_throw(EXC_ILLEGAL_ARG, "assoc expects even number of arguments after map/vector, found odd number");
    TRY(now, coll_assoc(m, a[i], a[i + 1]));
    m = now;
  }
  return m;
}

static Val same_value(Val x) { return x; }

DOC(dissoc, "[map] [map key] [map key & ks]", "A copy of the map without the keys.",
    "(dissoc {:a 1 :b 2} :a) ;=> {:b 2}\n(dissoc [1] 0) ;!> type");
static Val data_dissoc_n(int n, const Val *a) {
  Val m = a[0];
  for (int i = 1; i < n; i++) {
    TRY(now, coll_dissoc(m, a[i]));
    m = now;
  }
  return m;
}

DOC(conj, "[] [coll] [coll x] [coll x & xs]",
    "A copy with x added: at the end of a vector, the front of a list; an entry or map into a map.",
    "(conj [1] 2 3) ;=> [1 2 3]\n(conj '(1) 2) ;=> (2 1)\n(conj {:a 1} [:b 2]) ;=> {:a 1, :b 2}");
static Val data_conj0(void) { return vec_empty; }
static Val data_conj_n(int n, const Val *a) {
  Val c = a[0];
  for (int i = 1; i < n; i++) {
    TRY(now, coll_conj(c, a[i]));
    c = now;
  }
  return c;
}

DOC(disj, "[set] [set key] [set key & ks]", "A copy of the set without the keys.", "(disj #{1 2} 1) ;=> #{2}\n(disj {} 1) ;!> type");
static Val data_disj(Val s, Val x) {
  if (is_set(s)) return set_disj(s, x);
  return !truthy(s) ? NIL : ex_cast(s, "clojure.lang.IPersistentSet");
}
static Val data_disj_n(int n, const Val *a) {
  Val s = a[0];
  for (int i = 1; i < n; i++) {
    TRY(now, data_disj(s, a[i]));
    s = now;
  }
  return s;
}

DOC(merge, "[& maps]", "The maps joined into the first one; later values win. nil if all are nil.",
    "(merge {:a 1} {:b 2} {:a 3}) ;=> {:a 3, :b 2}\n(merge nil nil) ;=> nil");
static Val data_merge(int n, const Val *a) {
  bool any = false;
  for (int i = 0; i < n; i++) any |= truthy(a[i]);
  if (!any) return NIL;
  Val m = a[0];
  for (int i = 1; i < n; i++) {
    TRY(now, coll_conj(truthy(m) ? m : map_empty, a[i]));
    m = now;
  }
  return m;
}

/* ---- metadata ---- */

DOC(with_meta, "[obj m]", "A copy of obj with m as its metadata.", "(with-meta [1] {:a 1}) ;=> [1]\n(with-meta \"s\" {}) ;!> type");
static Val data_with_meta(Val x, Val m) {
  if (is_nil(x)) return arg_null("clojure.lang.IObj.withMeta(clojure.lang.IPersistentMap)", "x");
  if (is_type(x, T_BUILTIN)) { /* a constant of the library: there is nothing to copy */
    CHECK(arg_map(m));
    return x;
  }
  return with_meta(x, m);
}

const BuiltinRow rows_data[] = {
    ROW1("=", data_true1, eq, B_PURE),
    ROW2("=", val_eq, eq, B_PURE),
    ROWV("=", 3, data_eq_n, eq, B_PURE),
    ROW1("not=", data_false1, not_eq, B_PURE),
    ROW2("not=", data_not_eq, not_eq, B_PURE),
    ROWV("not=", 3, data_not_eq_n, not_eq, B_PURE),
    ROW2("compare", data_compare, compare, B_PURE),
    ROW1("hash", data_hash, hash, B_PURE),
    ROW2("mix-collection-hash", data_mix_hash, mix_hash, B_PURE),
    ROW1("hash-ordered-coll", data_hash_ordered, hash_ordered, B_PURE),
    ROW1("hash-unordered-coll", data_hash_unordered, hash_unordered, B_PURE),
    ROW2("get", data_get, get, B_PURE),
    ROW3("get", coll_get, get, B_PURE),
    ROW2("contains?", coll_contains, contains, B_PURE),
    ROW2("find", data_find, find, B_PURE),
    ROW1("key", data_key, key, B_PURE),
    ROW1("val", data_val, val, B_PURE),
    ROW1("keys", data_keys, keys, B_PURE),
    ROW1("vals", data_vals, vals, B_PURE),
    ROW2("select-keys", data_select_keys, select_keys, B_PURE),
    ROW2("nth", data_nth, nth, B_PURE),
    ROW3("nth", data_nth3, nth, B_PURE),
    ROW1("count", coll_count, count, B_PURE),
    ROW1("seq", seq_of, seq, B_PURE),
    ROW1("first", seq_first, first, B_PURE),
    ROW1("rest", seq_rest, rest, B_PURE),
    ROW1("next", seq_next, next, B_PURE),
    ROW1("second", data_second, second, B_PURE),
    ROW1("ffirst", data_ffirst, ffirst, B_PURE),
    ROW1("nfirst", data_nfirst, nfirst, B_PURE),
    ROW1("nnext", data_nnext, nnext, B_PURE),
    ROW1("fnext", data_second, fnext, B_PURE),
    ROW1("last", data_last, last, B_PURE),
    ROW1("empty?", data_is_empty, is_empty, B_PURE),
    ROW1("not-empty", data_not_empty, not_empty, B_PURE),
    ROW1("empty", coll_empty, empty, B_PURE),
    ROW1("peek", coll_peek, peek, B_PURE),
    ROW1("pop", coll_pop, pop, B_PURE),
    ROW3("assoc", coll_assoc, assoc, B_PURE),
    ROWV("assoc", 4, data_assoc_n, assoc, B_PURE),
    ROW1("dissoc", same_value, dissoc, B_PURE),
    ROW2("dissoc", coll_dissoc, dissoc, B_PURE),
    ROWV("dissoc", 3, data_dissoc_n, dissoc, B_PURE),
    ROW0("conj", data_conj0, conj, B_PURE),
    ROW1("conj", same_value, conj, B_PURE),
    ROW2("conj", coll_conj, conj, B_PURE),
    ROWV("conj", 3, data_conj_n, conj, B_PURE),
    ROW1("disj", same_value, disj, B_PURE),
    ROW2("disj", data_disj, disj, B_PURE),
    ROWV("disj", 3, data_disj_n, disj, B_PURE),
    ROWV("merge", 0, data_merge, merge, B_PURE),
    ROW2("with-meta", data_with_meta, with_meta, B_PURE),
    ROW_END,
};
