/* test_coll.c - the persistent collections of reader/: hashes, iteration order, vectors, maps, sets, transients.
 *
 * Expectations come from Clojure 1.11 itself (hashes, error texts, data/iteration_order.txt, made by the .clj beside it)
 * or from naive models under fixed random seeds. Runs from the top of the checkout. */
#include "tests/unit/coll_help.h"
#include "reader/champ.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/unit/data/"
#endif

static uint64_t seed;
static uint32_t rnd(uint32_t n) { /* xorshift64* */
  seed ^= seed >> 12;
  seed ^= seed << 25;
  seed ^= seed >> 27;
  return (uint32_t)((seed * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

/* ---- hashes ---- */

static void test_golden_hashes(void **state) {
  (void)state;
  assert_int_equal(hash_of(V(I(1), I(2))), 156247261);
  assert_int_equal(hash_of(entry_new(I(1), I(2))), 156247261);
  assert_int_equal(hash_of(M(K("a"), I(1))), 1772842048);
  assert_int_equal(hash_of(hmap_from(ARGS(K("a"), I(1)) / 2)), 1772842048);
  assert_int_equal(hash_of(SM(K("a"), I(1))), 1772842048);
  assert_int_equal(hash_of(SET(I(1))), 1038464948);
  assert_int_equal(hash_of(L(I(1), I(2), I(3))), 736442005);
  assert_int_equal(hash_of(seq_of(V(I(1), I(2), I(3)))), 736442005);
  assert_int_equal(hash_of(range_new(1, 4, 1)), 736442005);
  assert_int_equal(hash_of(realised(L(I(1), I(2), I(3)))), 736442005);
  assert_int_equal(hash_of(empty_list), -2017569654);
  assert_int_equal(hash_of(vec_empty), -2017569654);
  assert_int_equal(hash_of(realised(NIL)), -2017569654);
  assert_int_equal(hash_of(map_empty), -15128758);
  assert_int_equal(hash_of(set_empty), -15128758);
  assert_int_equal(hash_of(NIL), 0);
  assert_int_equal(hash_of(TRUE_V), 1231);
  assert_int_equal(hash_of(FALSE_V), 1237);
  assert_int_equal(hash_of(char_val('a')), 97);
  assert_int_equal(hash_of(I(1)), 1392991556);
  assert_int_equal(hash_of(I(0)), 0);
  assert_int_equal(hash_of(S("abc")), 74834163);
  assert_int_equal(hash_of(S("\xc3\xa9-\xe6\x97\xa5\xe6\x9c\xac")), 1426681388);
  assert_int_equal(hash_of(S("\xf0\x9f\x98\x80")), -1934073014);
  assert_int_equal(hash_of(K("a")), -2123407586);
  assert_int_equal(hash_of(kw_new("foo", "bar")), -1386151538);
  assert_int_equal(hash_of(sym_c("a")), -482876059);
  assert_int_equal(hash_of(S("Aa")), -506449132);
  assert_int_equal(hash_of(repeat_new(3, K("x"))), 1570820505);
  assert_int_equal(hash_of(range_new(0, 100, 1)), -328473137);
  assert_int_equal(hash_of(SM(I(1), I(2))), 1952097988);
}

static void test_golden_hashes_nested(void **state) {
  (void)state;
  Val deep = M(K("a"), I(1), K("b"), V(I(1), I(2), M(K("c"), SET(I(1), I(2)))));
  assert_int_equal(hash_of(deep), 496685323);
  assert_int_equal(hash_of(M(NIL, NIL)), -1730596701);
  assert_int_equal(hash_of(SET(NIL)), -1684229222);
  assert_int_equal(hash_of(V(V(vec_empty))), 1682760002);
  Val odd = M(V(I(1)), M(K("b"), SET(I(2), I(3))), S("x"), L(empty_list));
  assert_int_equal(hash_of(odd), 1061252589);
  ValVec all = {0}, kvs = {0};
  for (int i = 0; i < 1000; i++) {
    vv_push(&all, I(i));
    vv_push(&kvs, I(i));
    vv_push(&kvs, str_fmt("%d", i));
  }
  assert_int_equal(hash_of(vec_from(all.a, all.n)), 1272441236);
  assert_int_equal(hash_of(map_from(kvs.a, 1000, false)), 656128936);
  assert_int_equal(hash_of(set_from(all.a, all.n, false)), -2145116158);
  Val uuid = from_obj(mem_obj(T_UUID)), inst = from_obj(mem_obj(T_INST));
  AS(Uuid, uuid)->hi = 1;
  AS(Uuid, uuid)->lo = 2;
  AS(Inst, inst)->ms = 1577836800000;
  assert_int_equal(hash_of(uuid), 3);
  assert_int_equal(hash_of(inst), 1583802735);
}

/* Opaque values hash by serial number, so the order of a set of them is the same in every process. */
static void test_opaque_hash_by_serial(void **state) {
  (void)state;
  Val a = from_obj(mem_obj(T_ATOM)), b = from_obj(mem_obj(T_ATOM)), c = from_obj(mem_obj(T_ATOM));
  AS(Atom, a)->serial = AS(Atom, c)->serial = 7;
  AS(Atom, b)->serial = 8;
  assert_int_equal(hash_of(a), hash_of(c));
  assert_int_not_equal(hash_of(a), hash_of(b));
  assert_false(eq(a, c));
  assert_true(eq(a, a));
  Val s = SET(a, b, c);
  assert_int_equal(set_count(s), 3);
  assert_same(set_get(s, c, NIL), c);
}

/* ---- iteration order ---- */

static Val make_mixed(int i) {
  switch (i % 9) {
  case 0: return i ? str_fmt("m%d", i) : NIL;
  case 1: return kw_new("m", str_s(str_fmt("k%d", i)));
  case 2: return sym_c(str_s(str_fmt("s%d", i)));
  case 3: return V(I(i), I(i + 1));
  case 4: return str_fmt("string %d", i);
  case 5: return I(i * INT64_C(1000000007));
  case 6: return M(K("a"), I(i));
  case 7: return L(I(i));
  default: return SET(I(i));
  }
}

static Val make_key(const char *kind, int i) {
  static const char *const same_hash[] = {"AaAa", "AaBB", "BBAa", "BBBB"};
  if (!strcmp(kind, "int")) return I(i * 37 - 500);
  if (!strcmp(kind, "kw")) return kw_c(str_s(str_fmt("k%d", i)));
  if (!strcmp(kind, "str")) return str_fmt("s%d", i);
  if (!strcmp(kind, "clash")) return str_fmt("x%d%s", i / 4, same_hash[i % 4]);
  if (!strcmp(kind, "big")) return I(i * INT64_C(0x100000001));
  if (!strcmp(kind, "pair")) return V(I(i), I(-i));
  assert_string_equal(kind, "mixed");
  return make_mixed(i);
}

static Val build_assoc(const Val *kvs, int n) {
  Val m = map_empty;
  for (int i = 0; i < n; i++) m = map_assoc(m, kvs[2 * i], kvs[2 * i + 1]);
  return m;
}

static Val build_into(const Val *kvs, int n) {
  Val t = tmap_of(map_empty);
  for (int i = 0; i < n; i++) t = tmap_assoc(t, kvs[2 * i], kvs[2 * i + 1]);
  return tmap_persistent(t);
}

static Val build_hash(const Val *kvs, int n) {
  ValVec back = {0};
  for (int i = n - 1; i >= 0; i--) {
    vv_push(&back, kvs[2 * i]);
    vv_push(&back, kvs[2 * i + 1]);
  }
  return hmap_from(back.a, (size_t)n);
}

static Val build_dissoc(const Val *kvs, int n, int step) {
  Val m = build_into(kvs, n);
  for (int i = 0; i < n; i += step) m = map_dissoc(m, kvs[2 * i]);
  return m;
}

static Val build_dissoc_transient(const Val *kvs, int n) {
  Val t = tmap_of(build_into(kvs, n));
  for (int i = 0; i < n; i += 3) t = tmap_dissoc(t, kvs[2 * i]);
  return tmap_persistent(t);
}

static Val build_again(const Val *kvs, int n) {
  Val m = build_dissoc(kvs, n, 4);
  for (int i = 0; i < n; i++) m = map_assoc(m, kvs[2 * i], kvs[2 * i + 1]);
  return m;
}

static Val build_set(const Val *kvs, int n) {
  Val t = tset_of(set_empty);
  for (int i = 0; i < n; i++) t = tset_conj(t, kvs[2 * i]);
  return tset_persistent(t);
}

static Val build(const char *how, const Val *kvs, int n) {
  if (!strcmp(how, "assoc")) return build_assoc(kvs, n);
  if (!strcmp(how, "hash")) return build_hash(kvs, n);
  if (!strcmp(how, "into")) return build_into(kvs, n);
  if (!strcmp(how, "dissoc")) return build_dissoc(kvs, n, 3);
  if (!strcmp(how, "dissoc!")) return build_dissoc_transient(kvs, n);
  if (!strcmp(how, "again")) return build_again(kvs, n);
  assert_string_equal(how, "set");
  return build_set(kvs, n);
}

/* The map's keys must come as the numbers in `want`, from MapIter and from the seq alike. */
static void check_order(const char *line, Val m, const Val *kvs, const char *want) {
  MapIter it;
  Val k, v, s = map_seq(m), keys = map_keys_seq(m);
  map_iter(&it, m);
  for (char *end; *want == ' '; want = end) {
    long i = strtol(want, &end, 10);
    if (!map_next(&it, &k, &v)) fail_msg("%s: too few", line);
    if (!same(k, kvs[2 * i]) || !same(v, is_set(m) ? k : kvs[2 * i + 1])) fail_msg("%s: order differs at %ld", line, i);
    Val e = seq_first(s);
    assert_same(is_set(m) ? e : vec_nth(e, 0), k);
    assert_same(seq_first(keys), k);
    s = seq_next(s);
    keys = seq_next(keys);
  }
  assert_false(map_next(&it, &k, &v));
  assert_true(is_nil(s) && is_nil(keys));
}

static void test_iteration_order(void **state) {
  (void)state;
  static char line[16384];
  FILE *f = fopen(TEST_DATA "iteration_order.txt", "r");
  assert_non_null(f);
  int lines = 0;
  for (; fgets(line, sizeof line, f); lines++) {
    char how[16], kind[16];
    int n, at;
    assert_int_equal(sscanf(line, "%15s %15s %d:%n", how, kind, &n, &at), 3);
    ValVec kvs = {0};
    for (int i = 0; i < n; i++) {
      vv_push(&kvs, make_key(kind, i));
      vv_push(&kvs, I(i));
    }
    Val m = build(how, kvs.a, n);
    check_order(line, m, kvs.a, line + at);
  }
  fclose(f);
  assert_int_equal(lines, 651);
}

static void test_array_map_limit(void **state) {
  (void)state;
  Val kvs[20];
  for (int i = 0; i < 10; i++) {
    kvs[2 * i] = I(i);
    kvs[2 * i + 1] = K("v");
  }
  assert_int_equal(type_of(map_from(kvs, 8, false)), T_AMAP);
  assert_int_equal(type_of(map_from(kvs, 9, false)), T_HMAP);
  Val eight = map_from(kvs, 8, false);
  assert_int_equal(type_of(map_assoc(eight, I(3), NIL)), T_AMAP);
  assert_int_equal(type_of(map_assoc(eight, I(8), NIL)), T_HMAP);
  assert_int_equal(type_of(build_into(kvs, 8)), T_AMAP);
  assert_int_equal(type_of(build_into(kvs, 9)), T_HMAP);
  assert_int_equal(type_of(amap_from(kvs, 10)), T_AMAP);
  assert_int_equal(map_count(amap_from(kvs, 10)), 10);
  assert_int_equal(type_of(map_dissoc(map_from(kvs, 9, false), I(0))), T_HMAP);
  Val meta = M(K("m"), I(1));
  assert_same(meta_of(map_assoc(with_meta(eight, meta), I(8), NIL)), meta);
}

static void test_map_literals(void **state) {
  (void)state;
  assert_throws(map_from(ARGS(K("a"), I(1), K("a"), I(2)) / 2, true), EXC_ILLEGAL_ARG, "Duplicate key: :a");
  assert_throws(map_from(ARGS(NIL, I(1), NIL, I(2)) / 2, true), EXC_ILLEGAL_ARG, "Duplicate key: null");
  assert_throws(map_from(ARGS(S("x"), I(1), S("x"), I(2)) / 2, true), EXC_ILLEGAL_ARG, "Duplicate key: x");
  assert_throws(set_from(ARGS(I(1), I(1)), true), EXC_ILLEGAL_ARG, "Duplicate key: 1");
  Val kvs[20];
  for (int i = 0; i < 10; i++) kvs[2 * i] = kvs[2 * i + 1] = I(i == 9 ? 0 : i);
  assert_throws(map_from(kvs, 10, true), EXC_ILLEGAL_ARG, "Duplicate key: 0");
  assert_int_equal(map_count(map_from(kvs, 10, false)), 9);
  assert_eq(map_from(ARGS(K("a"), I(1), K("b"), I(2), K("a"), I(3)) / 2, false), M(K("a"), I(3), K("b"), I(2)));
}

/* ---- vectors against a model ---- */

enum { VERSIONS = 6, VMAX = 2200 };
typedef struct VecModel { Val v; uint32_t n; int64_t a[VMAX]; } VecModel;

static void vec_check(const VecModel *m) {
  assert_int_equal(vec_count(m->v), m->n);
  for (uint32_t i = 0; i < m->n; i++) assert_int_equal(fix_of(vec_nth(m->v, i)), m->a[i]);
  for (uint32_t i = 0, n; i < m->n; i += n) {
    const Val *run = vec_run(m->v, i, &n);
    assert_in_range(n, 1, m->n - i);
    for (uint32_t j = 0; j < n; j++) assert_int_equal(fix_of(run[j]), m->a[i + j]);
  }
}

static void vec_step_sub(VecModel *m) {
  uint32_t from = rnd(m->n + 1), to = from + rnd(m->n - from + 1);
  if (rnd(3)) from = from < 3 ? from : 3;
  m->v = vec_sub(m->v, from, to);
  memmove(m->a, m->a + from, (to - from) * sizeof m->a[0]);
  m->n = to - from;
}

static void vec_step(VecModel *m, int64_t x) {
  switch (rnd(4)) {
  case 0:
    if (!m->n) return;
    m->v = vec_pop(m->v);
    m->n--;
    return;
  case 1: {
    uint32_t i = rnd(m->n + 1);
    if (i == m->n && m->n == VMAX) return;
    m->v = vec_assoc(m->v, i, I(x));
    m->n += i == m->n;
    m->a[i] = x;
    return;
  }
  default:
    if (m->n == VMAX) return;
    m->v = vec_conj(m->v, I(x));
    m->a[m->n++] = x;
  }
}

static void vec_transient_steps(VecModel *m, int64_t x) {
  Val t = tvec_of(m->v);
  for (uint32_t steps = rnd(300), mode = rnd(3); steps > 0; steps--) {
    if (m->n && rnd(3) < mode) {
      t = tvec_pop(t);
      m->n--;
    } else if (m->n < VMAX) {
      uint32_t i = rnd(2) ? m->n : rnd(m->n + 1);
      t = i == m->n && rnd(2) ? tvec_conj(t, I(x)) : tvec_assoc(t, i, I(x));
      m->n += i == m->n;
      m->a[i] = x++;
    }
    assert_int_equal(tvec_count(t), m->n);
    if (m->n) assert_int_equal(fix_of(tvec_nth(t, m->n / 2)), m->a[m->n / 2]);
  }
  m->v = tvec_persistent(t);
}

/* As the only holder does; the version that it began with, and the one published, belong to others too. */
static void vec_own_steps(VecModel *m, int64_t x) {
  for (uint32_t steps = rnd(100); steps > 0 && m->n < VMAX; steps--) {
    m->v = coll_conj_own(m->v, I(x));
    m->a[m->n++] = x++;
  }
  coll_publish(m->v);
}

static void test_vec_model(void **state) {
  (void)state;
  static VecModel m[VERSIONS];
  seed = 20240611;
  for (int i = 0; i < VERSIONS; i++) m[i] = (VecModel){.v = vec_empty};
  for (int64_t round = 0; round < 1200; round++) {
    VecModel *to = &m[rnd(VERSIONS)];
    *to = m[rnd(VERSIONS)]; /* a branch of one history: the others must not see what happens to it */
    if (rnd(3)) vec_transient_steps(to, round * 1000);
    for (uint32_t k = rnd(60); k > 0; k--) vec_step(to, round * 1000 + 500 + k);
    if (rnd(2)) vec_own_steps(to, round * 1000 + 700);
    if (!rnd(12)) vec_step_sub(to);
    vec_check(to);
    vec_check(&m[round % VERSIONS]);
  }
}

static void test_vec_big(void **state) { /* four levels, up and down */
  (void)state;
  enum { N = 40000 };
  Val v = vec_empty, t = tvec_of(vec_empty);
  for (int i = 0; i < N; i++) {
    v = vec_conj(v, I(i));
    t = tvec_conj(t, I(i));
  }
  Val w = tvec_persistent(t);
  assert_eq(v, w);
  for (int i = 0; i < N; i += 7) v = vec_assoc(v, (uint32_t)i, I(-i));
  for (int i = 0; i < N; i++) {
    assert_int_equal(fix_of(vec_nth(v, (uint32_t)i)), i % 7 ? i : -i);
    assert_int_equal(fix_of(vec_nth(w, (uint32_t)i)), i);
  }
  t = tvec_of(w);
  for (int i = N; i > 0; i--) {
    v = vec_pop(v);
    t = tvec_pop(t);
    if (i > 1) assert_int_equal(fix_of(tvec_nth(t, (uint32_t)i - 2)), i - 2);
  }
  assert_eq(v, vec_empty);
  assert_eq(tvec_persistent(t), vec_empty);
  assert_int_equal(vec_count(w), N);
}

static void test_vec_edges(void **state) {
  (void)state;
  assert_throws(vec_pop(vec_empty), EXC_STATE, "Can't pop empty vector");
  Val meta = M(K("m"), I(1)), v = with_meta(V(I(1)), meta), e = entry_new(K("k"), I(2));
  assert_same(meta_of(vec_pop(v)), meta);
  assert_same(meta_of(vec_conj(v, NIL)), meta);
  assert_eq(vec_conj(e, I(3)), V(K("k"), I(2), I(3)));
  assert_eq(vec_assoc(e, 1, I(9)), V(K("k"), I(9)));
  assert_int_equal(type_of(vec_assoc(e, 1, I(9))), T_VEC);
  assert_eq(vec_pop(e), V(K("k")));
  assert_eq(e, V(K("k"), I(2)));
  assert_eq(vec_sub(V(I(0), I(1), I(2), I(3)), 1, 3), V(I(1), I(2)));
  assert_eq(vec_conj(vec_sub(V(I(0), I(1), I(2), I(3)), 1, 3), K("x")), V(I(1), I(2), K("x")));
  assert_true(is_nil(vec_peek(vec_empty)));
}

/* ---- maps and sets against a model ---- */

enum { DOMAIN = 160, MAPS = 5 };
typedef struct MapModel { Val m, s, sm; int64_t val[DOMAIN]; uint32_t n; } MapModel; /* val -1: absent */
static Val dom[DOMAIN];

/* Equal hashes, equal low bits, equal numbers of different type are all in. */
static void make_domain(bool sortable) {
  for (int i = 0; i < DOMAIN; i++) {
    if (sortable) dom[i] = I((i * 7919) % DOMAIN);
    else if (i < 40) dom[i] = make_key("clash", i);
    else dom[i] = make_mixed(i - 40);
  }
}

static void map_check(const MapModel *m) {
  assert_int_equal(map_count(m->m), m->n);
  assert_int_equal(set_count(m->s), m->n);
  uint32_t seen = 0;
  MapIter it;
  Val k, v, fresh = hmap_empty, fresh_set = set_empty;
  for (int i = 0; i < DOMAIN; i++) {
    Val got = map_get(m->m, dom[i], ABSENT);
    if (m->val[i] < 0) {
      assert_same(got, ABSENT);
      assert_same(set_get(m->s, dom[i], ABSENT), ABSENT);
      continue;
    }
    assert_int_equal(fix_of(got), m->val[i]);
    assert_same(set_get(m->s, dom[i], ABSENT), dom[i]);
    assert_same(vec_nth(map_find(m->m, dom[i]), 0), dom[i]);
    fresh = map_assoc(fresh, dom[i], I(m->val[i]));
    fresh_set = set_conj(fresh_set, dom[i]);
  }
  for (map_iter(&it, m->m); map_next(&it, &k, &v); seen++) assert_same(map_get(m->m, k, ABSENT), v);
  assert_int_equal(seen, m->n);
  assert_eq(m->m, fresh);
  assert_eq(fresh, m->m);
  assert_eq(m->s, fresh_set);
  assert_int_equal(hash_of(m->m), hash_of(fresh));
  assert_int_equal(hash_of(m->s), hash_of(fresh_set));
}

static void model_set(MapModel *m, uint32_t i, int64_t x) {
  m->n += (x >= 0) - (m->val[i] >= 0);
  m->val[i] = x;
}

static void map_steps(MapModel *m, int64_t x) {
  for (uint32_t k = rnd(40), bias = rnd(3); k > 0; k--, x++) {
    uint32_t i = rnd(DOMAIN);
    bool add = rnd(3) >= bias;
    m->m = add ? map_assoc(m->m, dom[i], I(x)) : map_dissoc(m->m, dom[i]);
    m->s = add ? set_conj(m->s, dom[i]) : set_disj(m->s, dom[i]);
    model_set(m, i, add ? x : -1);
  }
}

static void map_transient_steps(MapModel *m, int64_t x) {
  Val t = tmap_of(m->m), s = tset_of(m->s);
  for (uint32_t k = rnd(200), bias = rnd(3); k > 0; k--, x++) {
    uint32_t i = rnd(DOMAIN);
    bool add = rnd(3) >= bias;
    t = add ? tmap_assoc(t, dom[i], I(x)) : tmap_dissoc(t, dom[i]);
    s = add ? tset_conj(s, dom[i]) : tset_disj(s, dom[i]);
    model_set(m, i, add ? x : -1);
    assert_int_equal(tmap_count(t), m->n);
    assert_int_equal(tset_count(s), m->n);
    uint32_t j = rnd(DOMAIN);
    assert_same(tmap_get(t, dom[j], ABSENT), m->val[j] < 0 ? ABSENT : I(m->val[j]));
    assert_same(tset_get(s, dom[j], ABSENT), m->val[j] < 0 ? ABSENT : dom[j]);
  }
  m->m = tmap_persistent(t);
  m->s = tset_persistent(s);
}

static void map_own_steps(MapModel *m, int64_t x) {
  for (uint32_t k = rnd(60); k > 0; k--, x++) {
    uint32_t i = rnd(DOMAIN);
    m->m = coll_assoc_own(m->m, dom[i], I(x));
    m->s = set_conj(m->s, dom[i]);
    model_set(m, i, x);
  }
  coll_publish(m->m);
}

static void map_model(void) {
  static MapModel m[MAPS];
  seed = 77;
  make_domain(false);
  for (int i = 0; i < MAPS; i++) {
    m[i] = (MapModel){.m = map_empty, .s = set_empty};
    for (int j = 0; j < DOMAIN; j++) m[i].val[j] = -1;
  }
  for (int64_t round = 0; round < 1500; round++) {
    MapModel *to = &m[rnd(MAPS)];
    *to = m[rnd(MAPS)];
    if (rnd(2)) map_transient_steps(to, round * 1000);
    else map_steps(to, round * 1000);
    if (rnd(2)) map_own_steps(to, round * 1000 + 300);
    map_check(to);
    map_check(&m[round % MAPS]);
  }
}

static void test_map_model(void **state) {
  (void)state;
  map_model();
}

static void test_map_model_plain(void **state) { /* the code for processors without popcnt */
  (void)state;
  bool was = champ_use_popcnt(false);
  map_model();
  champ_use_popcnt(was);
}

static uint32_t tree_height(Val n) { /* of a tree that is balanced all over */
  if (is_nil(n)) return 0;
  uint32_t l = tree_height(AS(SNode, n)->l), r = tree_height(AS(SNode, n)->r);
  assert_true(l <= r + 1 && r <= l + 1);
  assert_int_equal(AS(SNode, n)->info, (l > r ? l : r) + 1);
  return AS(SNode, n)->info;
}

static void sorted_check(Val sm, const int64_t *val, uint32_t n) { /* dom[i] sorts by its number */
  assert_int_equal(map_count(sm), n);
  tree_height(AS(SMap, sm)->root);
  Val up = map_seq(sm), k, v;
  int64_t at[DOMAIN];
  for (int i = 0; i < DOMAIN; i++) at[fix_of(dom[i])] = val[i];
  MapIter it;
  map_iter(&it, sm);
  for (int i = 0; i < DOMAIN; i++) {
    if (at[i] < 0) continue;
    assert_true(map_next(&it, &k, &v));
    assert_int_equal(fix_of(k), i);
    assert_int_equal(fix_of(v), at[i]);
    assert_eq(seq_first(up), V(I(i), I(at[i])));
    up = seq_next(up);
  }
  assert_true(is_nil(up));
  Val down = smap_seq_from(sm, false);
  for (int i = DOMAIN - 1; i >= 0; i--) {
    if (at[i] < 0) continue;
    assert_int_equal(fix_of(vec_nth(seq_first(down), 0)), i);
    down = seq_next(down);
  }
  assert_true(is_nil(down));
}

static void sorted_check_from(Val sm, const int64_t *val) {
  int from = (int)rnd(DOMAIN), above = -1, below = -1;
  for (int i = 0; i < DOMAIN; i++) {
    int k = (int)fix_of(dom[i]);
    if (val[i] < 0) continue;
    if (k >= from && (above < 0 || k < above)) above = k;
    if (k <= from && k > below) below = k;
  }
  Val a = smap_seq_at(sm, I(from), true), b = smap_seq_at(sm, I(from), false);
  assert_int_equal(is_nil(a) ? -1 : fix_of(vec_nth(seq_first(a), 0)), above);
  assert_int_equal(is_nil(b) ? -1 : fix_of(vec_nth(seq_first(b), 0)), below);
}

static void test_sorted_model(void **state) {
  (void)state;
  Val sm = smap_new(NIL);
  int64_t val[DOMAIN];
  uint32_t n = 0;
  seed = 5;
  make_domain(true);
  for (int j = 0; j < DOMAIN; j++) val[j] = -1;
  for (int round = 0; round < 4000; round++) {
    uint32_t i = rnd(DOMAIN);
    bool add = rnd(100) < (round / 500 % 2 ? 30u : 70u);
    sm = add ? map_assoc(sm, dom[i], I(round)) : map_dissoc(sm, dom[i]);
    n += add - (val[i] >= 0);
    val[i] = add ? round : -1;
    if (round % 16 == 0) sorted_check(sm, val, n);
    sorted_check_from(sm, val);
  }
}

static Val compare_reverse(Val cmp, Val a, Val b, int *out) {
  assert_same(cmp, K("down"));
  Val r = val_compare(a, b, out);
  *out = -*out;
  return r;
}

static void test_sorted_comparators(void **state) {
  (void)state;
  smap_cmp_hook = compare_reverse;
  Val s = sset_new(K("down"));
  for (int i = 0; i < 5; i++) s = set_conj(s, I(i));
  assert_eq(map_seq(s), L(I(4), I(3), I(2), I(1), I(0)));
  assert_same(AS(SMap, AS(SSet, coll_empty(s))->map)->cmp, K("down"));
  smap_cmp_hook = NULL;
  assert_throws(set_conj(s, I(7)), EXC_UNSUPPORTED, "a sorted collection needs a comparator this layer knows");
  assert_throws(map_assoc(smap_new(NIL), map_empty, NIL), EXC_CLASS_CAST,
                "Default comparator requires nil, Number, or Comparable: {}");
  assert_int_equal(map_count(SM(NIL, I(1), I(2), I(3))), 2);
  assert_true(same(map_get(SM(K("a"), I(1)), S("x"), NIL), SIG_THROW));
}

static void test_key_kept(void **state) { /* a present key stays the one stored; its value is replaced */
  (void)state;
  Val a = S("key"), b = S("key"), m = M(a, I(1));
  assert_same(vec_nth(map_find(map_assoc(m, b, I(2)), b), 0), a);
  assert_same(set_get(set_conj(SET(a), b), b, NIL), a);
  Val s = SET(a);
  assert_same(set_conj(s, b), s);
  Val ss = set_conj(sset_new(NIL), a);
  assert_same(set_conj(ss, b), ss);
  assert_same(map_assoc(m, a, I(1)), m);
  assert_same(tset_get(tset_conj(tset_of(s), b), b, NIL), a);
}

/* ---- transients ---- */

static void test_transient_dead(void **state) {
  (void)state;
  static const char *const msg = "Transient used after persistent! call";
  Val v = tvec_of(vec_empty), m = tmap_of(map_empty), h = tmap_of(hmap_empty), s = tset_of(set_empty);
  assert_eq(tvec_persistent(v), vec_empty);
  assert_eq(tmap_persistent(m), map_empty);
  assert_eq(tmap_persistent(h), map_empty);
  assert_eq(tset_persistent(s), set_empty);
  assert_throws(tvec_conj(v, NIL), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tvec_assoc(v, 0, NIL), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tvec_pop(v), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tvec_persistent(v), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tmap_assoc(m, I(1), I(1)), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tmap_dissoc(h, I(1)), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tmap_get(h, I(1), NIL), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tmap_persistent(m), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tset_conj(s, I(1)), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tset_disj(s, I(1)), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tset_get(s, I(1), NIL), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tset_persistent(s), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(coll_count(v), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(coll_count(s), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(coll_nth(v, 0, NIL), EXC_ILLEGAL_ACCESS, msg);
  assert_throws(tvec_pop(tvec_of(vec_empty)), EXC_STATE, "Can't pop empty vector");
}

static void test_transient_not_editable(void **state) {
  (void)state;
  assert_true(same(tmap_of(smap_new(NIL)), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, EXC_CLASS_CAST);
  assert_true(same(tset_of(sset_new(NIL)), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, EXC_CLASS_CAST);
}

static void test_edit_tokens(void **state) {
  (void)state;
  uint32_t last = edit_token();
  for (int i = 0; i < 5000; i++) {
    uint32_t t = edit_token();
    assert_int_not_equal(t, 0);
    assert_int_not_equal(t, last);
    last = t;
  }
}

int main(void) {
  mem_init();
  mem_thread_enter();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_golden_hashes),
      cmocka_unit_test(test_golden_hashes_nested),
      cmocka_unit_test(test_opaque_hash_by_serial),
      cmocka_unit_test(test_iteration_order),
      cmocka_unit_test(test_array_map_limit),
      cmocka_unit_test(test_map_literals),
      cmocka_unit_test(test_vec_model),
      cmocka_unit_test(test_vec_big),
      cmocka_unit_test(test_vec_edges),
      cmocka_unit_test(test_map_model),
      cmocka_unit_test(test_map_model_plain),
      cmocka_unit_test(test_sorted_model),
      cmocka_unit_test(test_sorted_comparators),
      cmocka_unit_test(test_key_kept),
      cmocka_unit_test(test_transient_dead),
      cmocka_unit_test(test_transient_not_editable),
      cmocka_unit_test(test_edit_tokens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
