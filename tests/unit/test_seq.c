/* test_seq.c - equality, order, lazy seqs and their demands, seqs, and the operations on any collection, of reader/.
 * Error texts and results are those of Clojure 1.11. */
#include "tests/unit/coll_help.h"

/* ---- equality ---- */

static void test_equality(void **state) {
  (void)state;
  Val v = V(I(1), I(2), I(3)), same_as[] = {v, L(I(1), I(2), I(3)), range_new(1, 4, 1), seq_of(v), realised(L(I(1), I(2), I(3))),
    cons_new(I(1), V(I(2), I(3))), chunk_new(arr_new(ARGS(I(0), I(1), I(2))), 1, 3, L(I(3))), rseq_new(V(I(3), I(2), I(1))),
    vec_sub(V(I(0), I(1), I(2), I(3), I(4)), 1, 4), list_rest_from(ARGS(I(1), I(2)), realised(L(I(3))))};
  enum { N = sizeof same_as / sizeof *same_as };
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) assert_eq(same_as[i], same_as[j]);
    assert_int_equal(hash_of(same_as[i]), 736442005);
    assert_false(eq(same_as[i], V(I(1), I(2))));
    assert_false(eq(same_as[i], L(I(1), I(2), I(3), I(4))));
    assert_false(eq(same_as[i], SET(I(1), I(2), I(3))));
    assert_false(eq(same_as[i], K("a")));
    assert_false(eq(NIL, same_as[i]));
  }
  assert_false(eq(empty_list, NIL));
  assert_eq(realised(NIL), vec_empty);
  assert_eq(repeat_new(2, I(1)), V(I(1), I(1)));
  assert_eq(seq_of(S("ab")), V(char_val('a'), char_val('b')));
  assert_eq(V(I(1)), realised(realised(L(I(1)))));
  assert_false(eq(map_empty, set_empty));
  assert_false(eq(map_empty, vec_empty));
}

static void test_equality_scalars(void **state) {
  (void)state;
  assert_false(eq(I(1), dbl_val(1.0)));
  assert_eq(I(INT64_MAX), box_long(INT64_MAX));
  assert_eq(M(big_of_i64(1), K("x")), M(I(1), K("x")));
  assert_same(map_get(M(big_of_i64(1), K("x")), I(1), NIL), K("x"));
  assert_same(map_get(hmap_from(ARGS(I(1), K("x")) / 2), big_of_i64(1), NIL), K("x"));
  Val nan = dbl_val(__builtin_nan(""));
  assert_false(eq(nan, nan));
  assert_eq(V(nan), V(nan)); /* identical elements are equal */
  assert_false(eq(V(nan), V(box_double(__builtin_nan("")))));
  assert_false(eq(S("a"), sym_c("a")));
  assert_eq(with_meta(sym_c("a"), map_empty), sym_c("a"));
  assert_false(eq(TRUE_V, FALSE_V));
  assert_false(eq(K("a"), K("b")));
}

static void test_equality_of_sorted(void **state) { /* as Clojure: lookups in the other map may throw */
  (void)state;
  assert_false(eq(SM(K("a"), I(1)), M(S("x"), I(1))));
  assert_true(same(val_eq(M(S("x"), I(1)), SM(K("a"), I(1))), SIG_THROW));
  assert_eq(SM(I(2), I(1), I(1), I(2)), M(I(1), I(2), I(2), I(1)));
}

static Val nested(Val (*wrap)(Val), int depth) {
  Val v = NIL;
  for (int i = 0; i < depth; i++) v = wrap(v);
  return v;
}
static Val wrap_vec(Val v) { return V(v); }
static Val wrap_map(Val v) { return M(K("a"), v); }
static Val wrap_hmap(Val v) { return hmap_from(ARGS(K("a"), v) / 2); }
static Val wrap_list(Val v) { return L(v); }
static Val wrap_lazy(Val v) { return realised(L(v)); }

static void test_deep_nesting(void **state) {
  (void)state;
  Val (*const wraps[])(Val) = {wrap_vec, wrap_map, wrap_hmap, wrap_list, wrap_lazy};
  for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++) {
    uint32_t h;
    assert_eq(nested(wraps[i], 1900), nested(wraps[i], 1900));
    assert_throws(val_eq(nested(wraps[i], 100000), nested(wraps[i], 100000)), EXC_STACK, NULL);
    assert_throws(val_hash(nested(wraps[i], 100000), &h), EXC_STACK, NULL);
    assert_throws(map_assoc(hmap_empty, nested(wraps[i], 3000), NIL), EXC_STACK, NULL);
    hash_of(nested(wraps[i], 1900)); /* the depth is back at zero */
  }
  int c;
  assert_throws(val_compare(nested(wrap_vec, 3000), nested(wrap_vec, 3001), &c), EXC_STACK, NULL);
  Val long_list = empty_list;
  for (int i = 0; i < 100000; i++) long_list = cons_new(I(i), long_list);
  Val other = empty_list;
  for (int i = 0; i < 100000; i++) other = list_conj(other, I(i));
  assert_eq(long_list, other); /* long is not deep */
  assert_int_equal(hash_of(long_list), hash_of(other));
}

/* ---- order ---- */

static void check_compare(Val a, Val b, int want) {
  int c = 99;
  assert_true(is_nil(val_compare(a, b, &c)));
  assert_int_equal(c, want);
}

static void test_compare(void **state) {
  (void)state;
  check_compare(S("a"), S("c"), -2);
  check_compare(S("a"), S("abc"), -2);
  check_compare(S("\xc3\xa9"), S("\xf0\x9f\x98\x80"), -55124);
  check_compare(S("\xef\xbf\xbd"), S("\xf0\x9f\x98\x80"), 0xfffd - 0xd83d); /* UTF-16 order, not code point order */
  check_compare(S("\xf0\x9f\x98\x80"), S("\xf0\x9f\x98\x81"), -1);
  check_compare(char_val('a'), char_val('d'), -3);
  check_compare(V(I(1), I(2)), V(I(3)), 1);
  check_compare(V(I(1), I(2)), V(I(1), I(3)), -1);
  check_compare(entry_new(I(1), I(2)), V(I(1), I(2)), 0);
  check_compare(K("a"), kw_new("b", "c"), -1);
  check_compare(kw_new("b", "c"), K("a"), 1);
  check_compare(sym_new("a", "z"), sym_new("b", "c"), -1);
  check_compare(sym_c("a"), with_meta(sym_c("a"), map_empty), 0);
  check_compare(NIL, I(1), -1);
  check_compare(I(1), NIL, 1);
  check_compare(NIL, NIL, 0);
  check_compare(TRUE_V, FALSE_V, 1);
  check_compare(FALSE_V, TRUE_V, -1);
  check_compare(I(1), dbl_val(1.0), 0);
  check_compare(I(1), I(2), -1);
  Val m = M(I(1), I(2));
  check_compare(m, m, 0);
}

static void check_no_compare(Val a, Val b, const char *from, const char *to) {
  int c;
  char want[200];
  assert_true(same(val_compare(a, b, &c), SIG_THROW));
  const Ex *ex = AS(Ex, pend.ex);
  assert_int_equal(ex->cls, EXC_CLASS_CAST);
  snprintf(want, sizeof want, "class %s cannot be cast to class %s (", from, to);
  assert_memory_equal(str_s(ex->msg), want, strlen(want));
}

static void test_compare_errors(void **state) {
  (void)state;
  check_no_compare(S("a"), I(1), "java.lang.Long", "java.lang.String");
  check_no_compare(I(1), S("a"), "java.lang.String", "java.lang.Number");
  check_no_compare(K("a"), S("x"), "java.lang.String", "clojure.lang.Keyword");
  check_no_compare(V(I(1)), L(I(1)), "clojure.lang.PersistentList", "clojure.lang.IPersistentVector");
  check_no_compare(map_empty, M(I(1), I(2)), "clojure.lang.PersistentArrayMap", "java.lang.Comparable");
  check_no_compare(L(I(1)), L(I(2)), "clojure.lang.PersistentList", "java.lang.Comparable");
  check_no_compare(set_empty, I(1), "clojure.lang.PersistentHashSet", "java.lang.Comparable");
  check_no_compare(sym_c("a"), S("a"), "java.lang.String", "clojure.lang.Symbol");
  check_no_compare(char_val('a'), S("a"), "java.lang.String", "java.lang.Character");
  check_no_compare(TRUE_V, I(1), "java.lang.Long", "java.lang.Boolean");
}

/* ---- lazy seqs ---- */

static void test_demand_walkers(void **state) {
  (void)state;
  Val z = unrealised(), tail = cons_new(I(1), z), one = realised(tail);
  assert_demand(seq_of(z), z, 0, false);
  assert_demand(seq_first(z), z, 0, false);
  assert_demand(seq_next(one), z, 0, false);
  assert_same(seq_first(one), I(1));
  assert_same(seq_rest(one), z); /* rest does not look */
  assert_same(seq_of(one), tail);
  assert_demand(coll_count(one), z, UINT32_MAX, false);
  assert_same(coll_nth(one, 0, ABSENT), I(1));
  assert_demand(coll_nth(one, 1, ABSENT), z, 1, false);
  assert_demand(coll_nth(one, 10, NIL), z, 10, false);
  assert_demand(coll_conj(z, I(1)), z, 0, false);
  assert_demand(with_meta(z, map_empty), z, 0, false);
  ValVec out = {0};
  vv_push(&out, NIL);
  assert_demand(coll_into_array(one, &out), z, UINT32_MAX, false);
  assert_int_equal(out.n, 1); /* can be asked again */
  assert_demand(coll_conj(map_empty, z), z, 0, false);
  Val buf[32], rest;
  assert_int_equal(seq_chunk(z, buf, &rest), 0);
}

static void test_demand_equality(void **state) {
  (void)state;
  uint32_t h;
  Val z = unrealised(), one = cons_new(I(1), z);
  assert_demand(val_eq(one, V(I(1), I(2))), z, 0, false);
  assert_demand(val_eq(V(I(1)), one), z, 0, false);
  assert_false(eq(one, V(I(2), I(2)))); /* decided before the seq is needed */
  assert_false(eq(z, K("a")));
  assert_demand(val_eq(M(K("a"), z), M(K("a"), L(I(1)))), z, 0, false);
  assert_demand(val_hash(one, &h), one, UINT32_MAX, true);
  Val box = V(M(K("a"), one), z);
  assert_demand(val_hash(box, &h), box, UINT32_MAX, true);
  assert_demand(map_get(hmap_from(ARGS(I(1), I(1)) / 2), z, NIL), z, UINT32_MAX, true);
  assert_demand(map_get(M(vec_empty, I(1)), z, NIL), z, 0, false);
  assert_demand(set_conj(SET(I(1)), one), one, UINT32_MAX, true);
  AS(Lazy, z)->fn = NIL; /* realised as empty */
  assert_eq(one, V(I(1)));
  assert_int_equal(hash_of(one), hash_of(L(I(1))));
}

static void test_realised_walk(void **state) {
  (void)state;
  Val s = NIL;
  for (int i = 999; i >= 0; i--) s = realised(cons_new(I(i), s));
  assert_eq(coll_count(s), I(1000));
  assert_eq(coll_nth(s, 999, ABSENT), I(999));
  assert_throws(coll_nth(s, 1000, ABSENT), EXC_INDEX, NULL);
  assert_eq(s, range_new(0, 1000, 1));
  assert_int_equal(hash_of(s), hash_of(range_new(0, 1000, 1)));
  Val m = M(K("m"), I(1)), with = with_meta(s, m);
  assert_same(meta_of(with), m);
  assert_eq(with, s);
  assert_true(is_nil(AS(Lazy, with)->fn));
}

/* ---- seqs ---- */

static void check_seq(Val s, Val want, uint32_t n) { /* by first/next, by iterator, by count and nth */
  SeqIter it;
  Val x, walk = n ? s : seq_of(s);
  assert_false(is_sig(seq_iter(&it, s)));
  for (uint32_t i = 0; i < n; i++) {
    Val w = vec_nth(want, i);
    assert_eq(seq_first(walk), w);
    assert_same(seq_iter_next(&it, &x), TRUE_V);
    assert_eq(x, w);
    assert_eq(coll_nth(s, i, ABSENT), w);
    assert_true(is_seq(seq_rest(walk)));
    walk = seq_next(walk);
  }
  assert_true(is_nil(walk));
  assert_same(seq_iter_next(&it, &x), FALSE_V);
  assert_same(seq_iter_next(&it, &x), FALSE_V);
  assert_eq(coll_count(s), I(n));
  assert_same(coll_nth(s, n, K("none")), K("none"));
  assert_same(coll_nth(s, -1, K("none")), K("none"));
  assert_eq(seq_rest(cons_new(NIL, s)), want); /* a string is no seq, its seq is */
}

static void test_seq_kinds(void **state) {
  (void)state;
  ValVec nums = {0};
  for (int i = 0; i < 100; i++) vv_push(&nums, I(i));
  Val hundred = vec_from(nums.a, 100), tail = vec_from(nums.a + 10, 90);
  check_seq(hundred, hundred, 100);
  check_seq(list_from(nums.a, 100), hundred, 100);
  check_seq(range_new(0, 100, 1), hundred, 100);
  check_seq(seq_of(hundred), hundred, 100);
  check_seq(cons_new(I(0), range_new(1, 100, 1)), hundred, 100);
  check_seq(chunk_new(arr_new(nums.a, 32), 0, 32, chunk_new(arr_new(nums.a, 50), 32, 50, range_new(50, 100, 1))), hundred, 100);
  check_seq(chunk_new(arr_new(nums.a, 10), 0, 10, seq_of(tail)), hundred, 100);
  check_seq(chunk_new(arr_new(nums.a, 10), 0, 10, realised(tail)), hundred, 100);
  check_seq(vseq_new(hundred, 10), tail, 90);
  check_seq(vec_sub(hundred, 10, 100), tail, 90);
  check_seq(rseq_new(V(I(2), I(1), I(0))), vec_sub(hundred, 0, 3), 3);
  check_seq(S("h\xc3\xa9\xf0\x9f\x98\x80"), V(char_val('h'), char_val(0xe9), char_val(0x1f600)), 3);
  check_seq(seq_of(S("ab")), V(char_val('a'), char_val('b')), 2);
  check_seq(repeat_new(3, I(7)), V(I(7), I(7), I(7)), 3);
  check_seq(range_new(5, -5, -3), V(I(5), I(2), I(-1), I(-4)), 4);
  check_seq(range_new(INT64_MAX - 2, INT64_MAX, 2), V(I(INT64_MAX - 2)), 1);
  check_seq(range_new(INT64_MIN, INT64_MAX, INT64_MAX), V(I(INT64_MIN), I(-1), I(INT64_MAX - 1)), 3);
  check_seq(map_seq(M(K("a"), I(1), K("b"), I(2))), V(V(K("a"), I(1)), V(K("b"), I(2))), 2);
  check_seq(map_vals_seq(M(K("a"), I(1), K("b"), I(2))), V(I(1), I(2)), 2);
  check_seq(empty_list, vec_empty, 0);
}

static void test_seq_making(void **state) {
  (void)state;
  assert_same(range_new(0, 0, 1), empty_list);
  assert_same(range_new(3, 3, 0), empty_list);
  assert_int_equal(type_of(range_new(1, 5, 0)), T_REPEAT);
  assert_int_equal(type_of(cons_new(I(1), NIL)), T_LIST);
  assert_int_equal(type_of(cons_new(I(1), V(I(2)))), T_CONS);
  assert_int_equal(type_of(coll_conj(range_new(0, 3, 1), I(1))), T_CONS);
  assert_throws(cons_new(I(1), I(2)), EXC_ILLEGAL_ARG, "Don't know how to create ISeq from: java.lang.Long");
  assert_throws(seq_of(char_val('a')), EXC_ILLEGAL_ARG, "Don't know how to create ISeq from: java.lang.Character");
  assert_throws(seq_first(K("a")), EXC_ILLEGAL_ARG, "Don't know how to create ISeq from: clojure.lang.Keyword");
  assert_throws(coll_count(repeat_new(-1, I(1))), EXC_LIMIT, "count of an infinite seq");
  assert_eq(coll_nth(repeat_new(-1, I(1)), 1000000, ABSENT), I(1));
  assert_true(is_nil(vseq_new(V(I(1)), 1)) && is_nil(rseq_new(vec_empty)));
  assert_true(is_seqable(NIL) && is_seqable(S("")) && !is_seqable(I(1)));
  assert_true(is_seq(empty_list) && !is_seq(vec_empty) && !is_seq(NIL));
  Val m = M(K("m"), I(1)), l = with_meta(L(I(1), I(2)), m);
  assert_same(meta_of(list_conj(l, I(0))), m);
  assert_true(is_nil(meta_of(seq_rest(l))));
  assert_same(meta_of(seq_of(l)), m);
}

static void check_chunks(Val s, Val want) {
  Val got = vec_empty, buf[32], rest;
  while (!is_nil(s) && coll_count(s).w != I(0).w) {
    uint32_t n = seq_chunk(s, buf, &rest);
    assert_in_range(n, 1, 32);
    for (uint32_t i = 0; i < n; i++) got = vec_conj(got, buf[i]);
    s = rest;
  }
  assert_eq(got, want);
}

static void test_seq_chunk(void **state) {
  (void)state;
  ValVec nums = {0};
  for (int i = 0; i < 100; i++) vv_push(&nums, I(i));
  Val hundred = vec_from(nums.a, 100);
  check_chunks(hundred, hundred);
  check_chunks(seq_of(hundred), hundred);
  check_chunks(realised(seq_of(hundred)), hundred);
  check_chunks(vec_sub(hundred, 5, 77), vec_sub(hundred, 5, 77));
  check_chunks(range_new(0, 100, 1), hundred);
  check_chunks(chunk_new(arr_new(nums.a, 50), 0, 50, range_new(50, 100, 1)), hundred);
  Val buf[32], rest;
  assert_int_equal(seq_chunk(L(I(1)), buf, &rest), 0);
  assert_int_equal(seq_chunk(NIL, buf, &rest), 0);
}

/* The cursor walk of a big map allocates about one cell and one entry per step, not a copy of the map. */
static void test_mseq_is_cheap(void **state) {
  (void)state;
  Val t = tmap_of(map_empty);
  for (int i = 0; i < 50000; i++) t = tmap_assoc(t, I(i), NIL);
  Val m = tmap_persistent(t);
  uint64_t before = mem_charged;
  assert_true(truthy(map_seq(m)));
  assert_true(mem_charged - before < 2000);
  uint32_t n = 0;
  for (Val s = map_keys_seq(m); !is_nil(s); s = seq_next(s)) n++;
  assert_int_equal(n, 50000);
  assert_true(mem_charged - before < 50000 * 120);
}

/* ---- polymorphic operations ---- */

static void test_nth_get(void **state) {
  (void)state;
  assert_throws(coll_nth(S("abc"), 5, ABSENT), EXC_STRING_INDEX, "String index out of range: 5");
  assert_throws(coll_nth(S("abc"), -1, ABSENT), EXC_STRING_INDEX, "String index out of range: -1");
  assert_throws(coll_nth(V(I(1)), 5, ABSENT), EXC_INDEX, NULL);
  assert_throws(coll_nth(L(I(1)), 5, ABSENT), EXC_INDEX, NULL);
  assert_throws(coll_nth(SET(I(1)), 0, ABSENT), EXC_UNSUPPORTED, "nth not supported on this type: PersistentHashSet");
  assert_throws(coll_nth(SET(I(1)), 0, NIL), EXC_UNSUPPORTED, "nth not supported on this type: PersistentHashSet");
  assert_throws(coll_nth(I(5), 0, ABSENT), EXC_UNSUPPORTED, "nth not supported on this type: Long");
  assert_true(is_nil(coll_nth(NIL, 5, ABSENT)));
  assert_same(coll_nth(NIL, 5, K("x")), K("x"));
  assert_same(coll_nth(entry_new(I(1), I(2)), 1, ABSENT), I(2));
  assert_same(coll_get(S("abc"), dbl_val(1.7), NIL), char_val('b'));
  assert_true(is_nil(coll_get(V(I(1), I(2)), dbl_val(1.0), NIL)));
  assert_same(coll_get(V(I(1), I(2)), big_of_i64(1), NIL), I(2));
  assert_same(coll_get(entry_new(I(1), I(2)), I(1), NIL), I(2));
  assert_same(coll_get(NIL, I(1), K("x")), K("x"));
  assert_same(coll_get(I(5), I(1), K("x")), K("x"));
  assert_same(coll_get(SET(I(1)), I(1), NIL), I(1));
  assert_same(coll_get(tset_of(SET(I(1))), I(1), NIL), I(1));
  assert_same(coll_get(tmap_of(M(NIL, I(1))), NIL, NIL), I(1));
  assert_same(coll_get(tvec_of(V(I(7))), I(0), NIL), I(7));
  assert_same(map_get_kw(M(K("a"), I(1)), "a"), I(1));
  assert_true(is_nil(map_get_kw(NIL, "a")));
}

static void test_contains_count(void **state) {
  (void)state;
  assert_throws(coll_contains(I(5), I(1)), EXC_ILLEGAL_ARG, "contains? not supported on type: java.lang.Long");
  assert_throws(coll_contains(S("abc"), K("a")), EXC_ILLEGAL_ARG, "contains? not supported on type: java.lang.String");
  assert_throws(coll_contains(L(I(1)), I(0)), EXC_ILLEGAL_ARG, "contains? not supported on type: clojure.lang.PersistentList");
  assert_same(coll_contains(S("abc"), I(1)), TRUE_V);
  assert_same(coll_contains(V(I(1), I(2)), dbl_val(1.0)), FALSE_V);
  assert_same(coll_contains(NIL, I(1)), FALSE_V);
  assert_same(coll_contains(M(K("a"), NIL), K("a")), TRUE_V);
  assert_same(coll_contains(tmap_of(M(I(1), I(2))), I(1)), TRUE_V);
  assert_same(coll_contains(SET(FALSE_V), FALSE_V), TRUE_V);
  assert_throws(coll_count(I(5)), EXC_UNSUPPORTED, "count not supported on this type: Long");
  assert_throws(coll_count(K("a")), EXC_UNSUPPORTED, "count not supported on this type: Keyword");
  assert_throws(coll_count(char_val('a')), EXC_UNSUPPORTED, "count not supported on this type: Character");
  assert_same(coll_count(NIL), I(0));
  assert_same(coll_count(tmap_of(M(K("a"), I(1)))), I(1));
  assert_same(coll_count(S("\xf0\x9f\x98\x80")), I(1));
}

static void test_assoc_dissoc(void **state) {
  (void)state;
  assert_throws(coll_assoc(V(I(1)), K("a"), I(1)), EXC_ILLEGAL_ARG, "Key must be integer");
  assert_throws(coll_assoc(V(I(1)), dbl_val(1.0), I(1)), EXC_ILLEGAL_ARG, "Key must be integer");
  assert_throws(coll_assoc(V(I(1)), I(5), I(1)), EXC_INDEX, NULL);
  assert_throws(coll_assoc(V(I(1)), I(-1), I(1)), EXC_INDEX, NULL);
  check_cast(coll_assoc(I(5), I(1), I(1)), "java.lang.Long", "clojure.lang.Associative");
  check_cast(coll_assoc(set_empty, I(1), I(1)), "clojure.lang.PersistentHashSet", "clojure.lang.Associative");
  check_cast(coll_assoc(L(I(1)), I(0), I(1)), "clojure.lang.PersistentList", "clojure.lang.Associative");
  assert_eq(coll_assoc(NIL, I(1), I(2)), M(I(1), I(2)));
  assert_eq(coll_assoc(V(I(1)), I(1), I(2)), V(I(1), I(2)));
  check_cast(coll_dissoc(I(5), I(1)), "java.lang.Long", "clojure.lang.IPersistentMap");
  check_cast(coll_dissoc(V(I(1)), I(0)), "clojure.lang.PersistentVector", "clojure.lang.IPersistentMap");
  assert_true(is_nil(coll_dissoc(NIL, I(1))));
  Val m = M(K("m"), I(1));
  assert_same(meta_of(coll_dissoc(with_meta(M(I(1), I(2)), m), I(1))), m);
}

static void test_conj(void **state) {
  (void)state;
  assert_throws(coll_conj(map_empty, V(I(1), I(2), I(3))), EXC_ILLEGAL_ARG, "Vector arg to map conj must be a pair");
  assert_throws(coll_conj(map_empty, I(5)), EXC_ILLEGAL_ARG, "Don't know how to create ISeq from: java.lang.Long");
  check_cast(coll_conj(map_empty, L(V(I(1), I(2)))), "clojure.lang.PersistentVector", "java.util.Map$Entry");
  check_cast(coll_conj(map_empty, S("ab")), "java.lang.Character", "java.util.Map$Entry");
  check_cast(coll_conj(I(5), I(1)), "java.lang.Long", "clojure.lang.IPersistentCollection");
  assert_eq(coll_conj(map_empty, V(I(1), I(2))), M(I(1), I(2)));
  assert_eq(coll_conj(map_empty, entry_new(I(1), I(2))), M(I(1), I(2)));
  assert_eq(coll_conj(M(I(1), I(1)), M(I(1), I(2), I(3), I(4))), M(I(1), I(2), I(3), I(4)));
  assert_eq(coll_conj(map_empty, map_seq(M(I(1), I(2)))), M(I(1), I(2)));
  Val m = M(K("a"), I(1));
  assert_same(coll_conj(m, NIL), m);
  assert_eq(coll_conj(NIL, I(1)), L(I(1)));
  assert_eq(coll_conj(range_new(0, 2, 1), I(9)), L(I(9), I(0), I(1)));
  assert_eq(coll_conj(realised(NIL), I(9)), L(I(9)));
  assert_eq(coll_conj(SET(I(1)), I(2)), SET(I(2), I(1)));
}

static void test_stack_empty(void **state) {
  (void)state;
  assert_throws(coll_pop(empty_list), EXC_STATE, "Can't pop empty list");
  assert_throws(coll_pop(vec_empty), EXC_STATE, "Can't pop empty vector");
  check_cast(coll_peek(range_new(0, 3, 1)), "clojure.lang.LongRange", "clojure.lang.IPersistentStack");
  check_cast(coll_peek(set_empty), "clojure.lang.PersistentHashSet", "clojure.lang.IPersistentStack");
  check_cast(coll_pop(cons_new(I(1), V(I(2)))), "clojure.lang.Cons", "clojure.lang.IPersistentStack");
  check_cast(coll_peek(S("a")), "java.lang.String", "clojure.lang.IPersistentStack");
  assert_true(is_nil(coll_pop(NIL)) && is_nil(coll_peek(NIL)) && is_nil(coll_peek(empty_list)));
  assert_same(coll_peek(L(I(1), I(2))), I(1));
  assert_same(coll_peek(V(I(1), I(2))), I(2));
  Val m = M(K("m"), I(1));
  assert_same(meta_of(coll_pop(with_meta(L(I(1)), m))), m);
  assert_same(meta_of(coll_empty(with_meta(V(I(1)), m))), m);
  assert_same(meta_of(coll_empty(with_meta(SM(I(1), I(2)), m))), m);
  assert_eq(coll_empty(with_meta(SM(I(1), I(2)), m)), map_empty);
  assert_same(coll_empty(range_new(0, 3, 1)), empty_list);
  assert_true(is_nil(coll_empty(I(5))) && is_nil(coll_empty(S("a"))) && is_nil(coll_empty(entry_new(I(1), I(2)))));
}

static void test_meta(void **state) {
  (void)state;
  Val m = M(K("m"), I(1));
  check_cast(with_meta(I(5), map_empty), "java.lang.Long", "clojure.lang.IObj");
  check_cast(with_meta(K("a"), map_empty), "clojure.lang.Keyword", "clojure.lang.IObj");
  check_cast(with_meta(sym_c("a"), I(5)), "java.lang.Long", "clojure.lang.IPersistentMap");
  check_cast(with_meta(entry_new(I(1), I(2)), map_empty), "clojure.lang.MapEntry", "clojure.lang.IObj");
  assert_true(same(with_meta(NIL, map_empty), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, EXC_NULL);
  Val nine[18];
  for (int i = 0; i < 18; i++) nine[i] = I(i);
  Val all[] = {sym_c("s"), V(I(1)), vec_empty, M(I(1), I(2)), map_empty, map_from(nine, 9, false), SM(I(1), I(2)), SET(I(1)), set_empty,
    set_conj(sset_new(NIL), I(1)), empty_list, L(I(1)), cons_new(I(1), V(I(2))), realised(L(I(1))), range_new(0, 3, 1),
    chunk_new(arr_new(ARGS(I(1))), 0, 1, NIL), seq_of(V(I(1))), rseq_new(V(I(1))), seq_of(S("a")), map_seq(M(I(1), I(2))),
    repeat_new(2, I(1))};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    Val c = with_meta(all[i], m);
    assert_same(meta_of(c), m);
    assert_true(is_nil(meta_of(all[i])));
    assert_int_equal(type_of(c), type_of(all[i]));
    assert_eq(c, all[i]);
    assert_int_equal(hash_of(c), hash_of(all[i]));
    assert_true(is_nil(meta_of(with_meta(c, NIL))));
  }
  assert_same(with_meta(with_meta(sym_c("s"), m), NIL), sym_c("s"));
}

int main(void) {
  mem_init();
  mem_thread_enter();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_equality),
      cmocka_unit_test(test_equality_scalars),
      cmocka_unit_test(test_equality_of_sorted),
      cmocka_unit_test(test_deep_nesting),
      cmocka_unit_test(test_compare),
      cmocka_unit_test(test_compare_errors),
      cmocka_unit_test(test_demand_walkers),
      cmocka_unit_test(test_demand_equality),
      cmocka_unit_test(test_realised_walk),
      cmocka_unit_test(test_seq_kinds),
      cmocka_unit_test(test_seq_making),
      cmocka_unit_test(test_seq_chunk),
      cmocka_unit_test(test_mseq_is_cheap),
      cmocka_unit_test(test_nth_get),
      cmocka_unit_test(test_contains_count),
      cmocka_unit_test(test_assoc_dissoc),
      cmocka_unit_test(test_conj),
      cmocka_unit_test(test_stack_empty),
      cmocka_unit_test(test_meta),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
