/* hof.c - native frames that call a function on elements or on a part of a collection: apply, mapv, filterv, group-by,
 * frequencies, update, update-in, and the C functions get-in and assoc-in. */
#include "hof.h"
#include "lazy.h"

/* ---- shared ---- */

Val hof_call_more(Mach *m, uint32_t pc, Val f, Val x, Val more) {
  if (is_nil(more)) return hof_call1(m, pc, f, x);
  const Arr *a = AS(Arr, more);
  if (a->n == 1) return hof_call2(m, pc, f, x, a->a[0]);
  Val args = arr_new(NULL, a->n + 1);
  AS(Arr, args)->a[0] = x;
  memcpy(AS(Arr, args)->a + 1, a->a, a->n * sizeof(Val));
  return nf_calln(m, pc, f, AS(Arr, args)->a, a->n + 1);
}

/* ---- apply ---- */

DOC(apply, "[f args] [f x args] [f x y args] [f x y z args] [f a b c d & args]",
    "Calls f with the arguments given before the last one and the elements of the last one.",
    "(apply + 1 2 [3 4]) ;=> 10\n(apply str [\"a\" \"b\"]) ;=> \"ab\"\n(apply + nil) ;=> 0\n(apply + 1) ;!> :argument");
/* Pure C functions of many arguments need no room on the stack. ABSENT: not one. */
static Val apply_direct(Val f, Val args) {
  if (!is_type(f, T_BUILTIN)) return ABSENT;
  const Builtin *b = AS(BuiltinObj, f)->def;
  if (b->native || b->macro || !(b->flags & B_PURE)) return ABSENT;
  return builtin_call(b, (int)AS(Arr, args)->n, AS(Arr, args)->a);
}

static bool apply_is_concat(Val f) {
  return is_type(f, T_BUILTIN) && !strcmp(AS(BuiltinObj, f)->def->name, "clojure.core/concat");
}

/* (apply concat a... colls) stays lazy in colls. */
static Val apply_concat(const Val *s) {
  Val last = s[1], rest = s[2];
  uint32_t n = is_nil(rest) ? 0 : AS(Arr, rest)->n;
  if (!n) return lazy_concat(last);
  Val tail = AS(Arr, rest)->a[n - 1];
  TRY(colls, list_rest_from(AS(Arr, rest)->a, n - 1, tail));
  TRY(all, cons_new(s[1], colls));
  return lazy_concat(all);
}

/* slots: f, first argument or list, more | array, n, src, at */
static void apply_start(Val *s) {
  uint32_t n = is_nil(s[2]) ? 0 : AS(Arr, s[2])->n;
  s[3] = arr_new(NULL, n + 16);
  s[4] = fix(0);
  if (n) walk_push(&s[3], &s[4], s[1]);
  for (uint32_t i = 0; i + 1 < n; i++) walk_push(&s[3], &s[4], AS(Arr, s[2])->a[i]);
  s[5] = n ? AS(Arr, s[2])->a[n - 1] : s[1];
  s[6] = fix(0);
  s[1] = s[2] = NIL;
}

static Val apply_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 3) return in;
  if (pc == 0 && apply_is_concat(s[0])) return apply_concat(s);
  if (pc == 0) apply_start(s);
  if (pc < 2) {
    m->nf_pc = 1;
    CHECK(walk_all(m, 1, &s[5], &s[6], &s[3], &s[4]));
    s[3] = walk_take_arr(s[3], s[4]);
  }
  m->nf_pc = 2;
  Val direct = apply_direct(s[0], s[3]);
  if (!same(direct, ABSENT)) return direct;
  Val f = s[0], args = s[3];
  s[3] = NIL;
  return nf_calln(m, 3, f, AS(Arr, args)->a, AS(Arr, args)->n);
}
static const NativeDef nd_apply = {"clojure.core/apply", 1, 2, 2, true, false, 4, apply_step};

/* ---- mapv, filterv ---- */

DOC(mapv, "[f coll] [f c1 c2] [f c1 c2 c3] [f c1 c2 c3 & colls]",
    "The vector of (f x) for the elements of coll; with several colls, of f on their first, second ... elements until the "
    "shortest ends.",
    "(mapv inc [1 2]) ;=> [2 3]\n(mapv + [1 2] [10 20 30]) ;=> [11 22]\n(mapv inc nil) ;=> []");
/* slots: f, coll, more | result, at or got, cursors, values */
static Val mapv_many(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    uint32_t n = AS(Arr, s[2])->n;
    s[3] = tvec_of(vec_empty);
    s[5] = walk_cursors(s[1], AS(Arr, s[2])->a, n);
    s[6] = arr_new(NULL, n + 1);
    s[4] = fix(0);
    s[1] = s[2] = NIL;
  }
  if (pc == 4) {
    CHECK(tvec_conj(s[3], in));
    s[4] = fix(0);
  }
  m->nf_pc = 3;
  for (;;) {
    TRY(more, walk_zip(s[5], s[6], &s[4], MAP_EAGER));
    if (!truthy(more)) return tvec_persistent(s[3]);
    const Arr *a = AS(Arr, s[6]);
    if (a->n != 2) return nf_calln(m, 4, s[0], a->a, a->n);
    TRY(v, hof_call2(m, 4, s[0], a->a[0], a->a[1]));
    CHECK(tvec_conj(s[3], v));
    s[4] = fix(0);
    if (nf_spent(m, 1)) return nf_yield(m, 3);
  }
}

static Val mapv_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  Val x;
  if (pc >= 3 || (pc == 0 && !is_nil(s[2]))) return mapv_many(m, pc, s, in);
  if (pc == 0) {
    s[3] = tvec_of(vec_empty);
    s[4] = fix(0);
  }
  if (pc == 2) CHECK(tvec_conj(s[3], in));
  m->nf_pc = 1;
  for (int64_t turns = 1;; turns++) {
    TRY(more, walk_next(&w, &s[1], &s[4], &x));
    if (!truthy(more)) return tvec_persistent(s[3]);
    TRY(v, hof_call1(m, 2, s[0], x));
    CHECK(tvec_conj(s[3], v));
    if (turns % 256 == 0 && nf_spent(m, 256)) return nf_yield(m, 1);
  }
}
static const NativeDef nd_mapv = {"clojure.core/mapv", 1, 2, 2, true, false, 4, mapv_step};

DOC(filterv, "[pred coll]", "The vector of the elements of coll for which (pred x) is truthy.",
    "(filterv odd? (range 5)) ;=> [1 3]\n(filterv odd? nil) ;=> []");
/* slots: pred, coll | result, at, element */
static Val filterv_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  if (pc == 0) {
    s[2] = tvec_of(vec_empty);
    s[3] = fix(0);
  }
  if (pc == 2 && truthy(in)) CHECK(tvec_conj(s[2], s[4]));
  m->nf_pc = 1;
  for (int64_t turns = 1;; turns++) {
    TRY(more, walk_next(&w, &s[1], &s[3], &s[4]));
    if (!truthy(more)) return tvec_persistent(s[2]);
    TRY(v, hof_call1(m, 2, s[0], s[4]));
    if (truthy(v)) CHECK(tvec_conj(s[2], s[4]));
    if (turns % 256 == 0 && nf_spent(m, 256)) return nf_yield(m, 1);
  }
}
static const NativeDef nd_filterv = {"clojure.core/filterv", 1, 2, 2, false, false, 3, filterv_step};

/* ---- group-by, frequencies ---- */

DOC(group_by, "[f coll]", "A map from each value of (f x) to the vector of the elements of coll that gave it, in order.",
    "(group-by odd? [1 2 3]) ;=> {true [1 3], false [2]}\n(group-by count [\"a\" \"bb\" \"c\"]) ;=> {1 [\"a\" \"c\"], 2 [\"bb\"]}\n"
    "(group-by :a nil) ;=> {}");
static Val group_put(Val *s) { /* s[4] element, s[5] key */
  TRY(old, tmap_get(s[2], s[5], vec_empty));
  TRY(t, tmap_assoc(s[2], s[5], vec_conj(old, s[4])));
  s[2] = t;
  return NIL;
}

/* slots: f, coll | map, at, element, key */
static Val group_by_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  if (pc == 0) {
    s[2] = tmap_of(map_empty);
    s[3] = fix(0);
  }
  if (pc == 2) s[5] = in;
  if (pc >= 2) { /* 3: hashing the key has demanded */
    m->nf_pc = 3;
    CHECK(group_put(s));
  }
  for (int64_t turns = 1;; turns++) {
    m->nf_pc = 1;
    TRY(more, walk_next(&w, &s[1], &s[3], &s[4]));
    if (!truthy(more)) return tmap_persistent(s[2]);
    TRY(k, hof_call1(m, 2, s[0], s[4]));
    s[5] = k;
    m->nf_pc = 3;
    CHECK(group_put(s));
    if (turns % 256 == 0 && nf_spent(m, 256)) return nf_yield(m, 1);
  }
}
static const NativeDef nd_group_by = {"clojure.core/group-by", 1, 2, 2, false, false, 4, group_by_step};

DOC(frequencies, "[coll]", "A map from each distinct element of coll to how often it occurs.",
    "(frequencies [:a :b :a]) ;=> {:a 2, :b 1}\n(frequencies \"aab\") ;=> {\\a 2, \\b 1}\n(frequencies nil) ;=> {}");
static Val frequencies_put(Val *s) {
  TRY(old, tmap_get(s[1], s[3], fix(0)));
  TRY(t, tmap_assoc(s[1], s[3], fix(fix_of(old) + 1)));
  s[1] = t;
  return NIL;
}

/* slots: coll | map, at, element */
static Val frequencies_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  (void)in;
  if (pc == 0) {
    s[1] = tmap_of(map_empty);
    s[2] = fix(0);
  }
  if (pc == 2) {
    m->nf_pc = 2;
    CHECK(frequencies_put(s));
  }
  for (int64_t turns = 1;; turns++) {
    m->nf_pc = 1;
    TRY(more, walk_next(&w, &s[0], &s[2], &s[3]));
    if (!truthy(more)) return tmap_persistent(s[1]);
    m->nf_pc = 2;
    CHECK(frequencies_put(s));
    if (turns % 256 == 0 && nf_spent(m, 64)) return nf_yield(m, 1);
  }
}
static const NativeDef nd_frequencies = {"clojure.core/frequencies", 1, 1, 1, false, false, 3, frequencies_step};

/* ---- update, update-in, get-in, assoc-in ---- */

DOC(update, "[m k f] [m k f x] [m k f x y] [m k f x y z] [m k f x y z & more]",
    "m with the value of k replaced by (f old x ...), where old is nil when k is missing.",
    "(update {:a 1} :a inc) ;=> {:a 2}\n(update {} :a (fnil conj []) 1) ;=> {:a [1]}\n(update [1 2] 0 + 10) ;=> [11 2]");
/* slots: m, k, f, more | new value */
static Val update_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    TRY(old, coll_get(s[0], s[1], NIL));
    TRY(v, hof_call_more(m, 1, s[2], old, s[3]));
    s[4] = v;
  } else if (pc == 1) {
    s[4] = in;
  }
  m->nf_pc = 2;
  return coll_assoc(s[0], s[1], s[4]);
}
static const NativeDef nd_update = {"clojure.core/update", 1, 3, 3, true, false, 1, update_step};

/* The keys of a path as an array: at least one (nil), as destructuring [k & ks] gives it. */
static Val path_keys(Val ks, ValVec *out) {
  CHECK(coll_into_array(ks, out));
  if (!out->n) vv_push(out, NIL);
  return NIL;
}

/* The maps along the path: a[i] is where keys[i] is looked up. */
static Val path_down(Val top, const Val *keys, size_t n, Val *maps) {
  maps[0] = top;
  for (size_t i = 0; i + 1 < n; i++) {
    TRY(inner, coll_get(maps[i], keys[i], NIL));
    maps[i + 1] = inner;
  }
  return NIL;
}

static Val path_up(const Val *keys, size_t n, const Val *maps, Val v) {
  for (size_t i = n; i > 0; i--) {
    TRY(outer, coll_assoc(maps[i - 1], keys[i - 1], v));
    v = outer;
  }
  return v;
}

DOC(get_in, "[m ks] [m ks not-found]", "The value at the end of the path of keys ks into nested collections, else not-found or nil.",
    "(get-in {:a {:b 1}} [:a :b]) ;=> 1\n(get-in {:a [5 6]} [:a 1]) ;=> 6\n(get-in {} [:a :b] :none) ;=> :none\n"
    "(get-in {:a 1} []) ;=> {:a 1}");
static Val get_in3(Val m, Val ks, Val not_found) {
  SeqIter it;
  Val k;
  CHECK(seq_iter(&it, ks));
  for (;;) {
    TRY(more, seq_iter_next(&it, &k));
    if (!truthy(more)) return m;
    TRY(v, coll_get(m, k, ABSENT));
    if (same(v, ABSENT)) return not_found;
    m = v;
  }
}
static Val get_in2(Val m, Val ks) {
  SeqIter it;
  Val k;
  CHECK(seq_iter(&it, ks));
  for (;;) {
    TRY(more, seq_iter_next(&it, &k));
    if (!truthy(more)) return m;
    TRY(v, coll_get(m, k, NIL));
    m = v;
  }
}

DOC(assoc_in, "[m ks v]", "m with v at the end of the path of keys ks; missing maps on the way are made.",
    "(assoc-in {} [:a :b] 1) ;=> {:a {:b 1}}\n(assoc-in {:a [1 2]} [:a 0] 9) ;=> {:a [9 2]}");
static Val assoc_in(Val m, Val ks, Val v) {
  ValVec keys = {0};
  CHECK(path_keys(ks, &keys));
  Val maps = arr_new(NULL, (uint32_t)keys.n);
  CHECK(path_down(m, keys.a, keys.n, AS(Arr, maps)->a));
  return path_up(keys.a, keys.n, AS(Arr, maps)->a, v);
}

DOC(update_in, "[m ks f & args]", "m with the value at the end of the path of keys ks replaced by (f old & args).",
    "(update-in {:a {:b 1}} [:a :b] inc) ;=> {:a {:b 2}}\n(update-in {} [:a] (fnil + 0) 2 3) ;=> {:a 5}");
/* slots: m, ks, f, more | keys, maps, new value */
static Val update_in_start(Mach *m, Val *s) {
  ValVec keys = {0};
  CHECK(path_keys(s[1], &keys));
  s[4] = arr_new(keys.a, (uint32_t)keys.n);
  s[5] = arr_new(NULL, (uint32_t)keys.n);
  CHECK(path_down(s[0], keys.a, keys.n, AS(Arr, s[5])->a));
  TRY(old, coll_get(AS(Arr, s[5])->a[keys.n - 1], keys.a[keys.n - 1], NIL));
  return hof_call_more(m, 1, s[2], old, s[3]);
}

static Val update_in_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    TRY(v, update_in_start(m, s));
    s[6] = v;
  } else if (pc == 1) {
    s[6] = in;
  }
  m->nf_pc = 2;
  return path_up(AS(Arr, s[4])->a, AS(Arr, s[4])->n, AS(Arr, s[5])->a, s[6]);
}
static const NativeDef nd_update_in = {"clojure.core/update-in", 1, 3, 3, true, false, 3, update_in_step};

DOC(walk_entry, "[k v]", "A map entry.", "(breyta.walk/entry :a 1) ;=> [:a 1]");

extern const BuiltinRow rows_hof[];
const BuiltinRow rows_hof[] = {
    ROW_NATIVE("apply", nd_apply, apply, 0),
    ROW_NATIVE("mapv", nd_mapv, mapv, 0),
    ROW_NATIVE("filterv", nd_filterv, filterv, 0),
    ROW_NATIVE("group-by", nd_group_by, group_by, 0),
    ROW_NATIVE("frequencies", nd_frequencies, frequencies, 0),
    ROW_NATIVE("update", nd_update, update, 0),
    ROW_NATIVE("update-in", nd_update_in, update_in, 0),
    ROW2("get-in", get_in2, get_in, B_PURE),
    ROW3("get-in", get_in3, get_in, B_PURE),
    ROW3("assoc-in", assoc_in, assoc_in, B_PURE),
    ROW2("breyta.walk/entry", entry_new, walk_entry, B_PURE),
    ROW_END,
};
