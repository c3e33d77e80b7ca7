/* reduce.c - native frames that take a collection to one value: reduce, transduce, into, some, every? ... */
#include "hof.h"
#include "reader/user.h"
#include "reader/num.h"

/* ---- shared ---- */

Val hof_count(Val v, int64_t *out) {
  if (is_fix(v)) {
    *out = fix_of(v);
    return NIL;
  }
  if (!is_num(v)) return ex_cast(v, "java.lang.Number");
  double d = num_to_double(v);
  int64_t i = 0;
  if (!num_to_long(v, &i)) i = d > 0 ? INT64_MAX : INT64_MIN;
  *out = (double)i < d && i < INT64_MAX ? i + 1 : i; /* (take 1.5 coll) takes two */
  return NIL;
}

Val hof_open(Val to) {
  switch (type_of(to)) {
  case T_VEC: return tvec_of(to);
  case T_AMAP:
  case T_HMAP: return tmap_of(to);
  case T_SET: return tset_of(to);
  default: return to;
  }
}

/* conj to a transient map: an entry, a pair, or anything `conj` to a map takes. */
static Val add_to_map(Val t, Val x) {
  if (is_vec(x) && vec_count(x) == 2) return tmap_assoc(t, vec_nth(x, 0), vec_nth(x, 1));
  TRY(more, coll_conj(map_empty, x));
  MapIter it;
  Val k, v;
  map_iter(&it, more);
  while (map_next(&it, &k, &v)) {
    TRY(t2, tmap_assoc(t, k, v));
    t = t2;
  }
  return t;
}

Val hof_add(Val acc, Val x) {
  switch (type_of(acc)) {
  case T_TVEC: return tvec_conj(acc, x);
  case T_TMAP: return add_to_map(acc, x);
  case T_TSET: return tset_conj(acc, x);
  default: return coll_conj(acc, x);
  }
}

Val hof_close(Val acc) {
  switch (type_of(acc)) {
  case T_TVEC: return tvec_persistent(acc);
  case T_TMAP: return tmap_persistent(acc);
  case T_TSET: return tset_persistent(acc);
  default: return acc;
  }
}

/* An instance of the program's own type that reduces itself: the method, nil: none. */
static Val own_reduce(Val coll, enum UserMethod name) { return is_type(coll, T_INSTANCE) ? user_method(coll, name) : NIL; }

Val hof_reduce(Mach *m, uint32_t pc, Val f, Val *src, Val *at, Val *acc) {
  Walk w = {0};
  bool conj = is_type(f, T_BUILTIN) && AS(BuiltinObj, f)->def->f2 == coll_conj;
  Val x, own = own_reduce(*src, UM_REDUCE);
  if (!is_nil(own)) { /* its answer is what has come together when nothing is left */
    Val coll = *src, a = *acc;
    *src = *acc = NIL;
    return nf_call3(m, pc + 1, own, coll, f, a);
  }
  m->nf_pc = pc;
  for (int64_t turns = 1;; turns++) {
    TRY(more, walk_next(&w, src, at, &x));
    if (!truthy(more)) {
      coll_publish(*acc);
      return *acc;
    }
    Val v = conj ? coll_conj_own(*acc, x) : fast_call2(f, *acc, x);
    if (same(v, ABSENT) || same(v, SIG_DEMAND)) {
      Val a = *acc;
      *acc = NIL;
      return nf_call2(m, pc + 1, f, a, x);
    }
    if (is_sig(v)) return v;
    if (hof_is_reduced(v)) return AS(Box, v)->val;
    *acc = v;
    if (turns % 256 == 0 && nf_spent(m, 256)) return nf_yield(m, pc);
  }
}

Val hof_core(const char *full_name) {
  TRY(var, env_resolve(mach_cur->env, sym_parse(full_name, strlen(full_name))));
  if (is_nil(var)) return ex_throw(EXC_STATE, "No such var: %s", full_name);
  return is_type(var, T_VAR) ? var_get(var) : var;
}

/* ---- reduce ---- */

DOC(reduce, "[f coll] [f init coll]",
    "Combines the elements of coll from the left with f, a function of the result so far and the next element. Without init the "
    "first element is where it starts; for an empty coll the answer is init, or (f). Stops early when f returns (reduced x).",
    "(reduce + [1 2 3]) ;=> 6\n(reduce conj [] '(1 2)) ;=> [1 2]\n(reduce + []) ;=> 0\n"
    "(reduce (fn [a x] (if (> x 2) (reduced a) (+ a x))) 0 (range)) ;=> 3\n(reduce + 0 5) ;!> :argument");
/* slots: f, init or coll, coll | acc, at */
/* Some collections reduce themselves with a function, which is cast before the first element is looked at. */
static Val reduce_fn(Val f, Val coll) {
  bool own = is_type(coll, T_VEC) || is_type(coll, T_LIST) || is_type(coll, T_RANGE) || is_type(coll, T_REPEAT);
  if (is_type(f, T_FN) || is_type(f, T_BUILTIN) || !own || is_nil(f)) return NIL;
  TRY(callable, builtin_find("clojure.core/ifn?")->f1(f));
  return truthy(callable) ? NIL : ex_cast(f, "clojure.lang.IFn");
}

static Val reduce_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Val own = pc == 0 && same(s[2], ABSENT) ? own_reduce(s[1], UM_REDUCE) : NIL;
  if (!is_nil(own)) return nf_call2(m, 3, own, s[1], s[0]);
  if (pc == 0) {
    bool init = !same(s[2], ABSENT);
    CHECK(reduce_fn(s[0], s[init ? 2 : 1]));
    s[3] = init ? s[1] : ABSENT;
    if (!init) s[2] = s[1];
    s[1] = NIL;
    s[4] = fix(0);
    pc = 1;
  }
  if (pc == 1 && same(s[3], ABSENT)) {
    Walk w = {0};
    Val x;
    m->nf_pc = 1;
    TRY(more, walk_next(&w, &s[2], &s[4], &x));
    if (!truthy(more)) return nf_call0(m, 3, s[0]);
    s[3] = x;
  }
  if (pc == 3) return in;
  if (pc == 2) {
    if (hof_is_reduced(in)) return AS(Box, in)->val;
    s[3] = in;
  }
  return hof_reduce(m, 1, s[0], &s[2], &s[4], &s[3]);
}
static const NativeDef nd_reduce = {"clojure.core/reduce", 1, 2, 3, false, NF_OWNS, 2, reduce_step};

DOC(reduce_kv, "[f init coll]",
    "Combines the entries of a map (or the indices and elements of a vector) with f, a function of the result so far, key and "
    "value. Stops early when f returns (reduced x). nil counts as empty.",
    "(reduce-kv (fn [a k v] (assoc a v k)) {} {:a 1}) ;=> {1 :a}\n(reduce-kv (fn [a i x] (+ a (* i x))) 0 [5 6]) ;=> 6\n"
    "(reduce-kv + 7 nil) ;=> 7");
enum { KV_PAIRS, KV_VEC, KV_ENTRIES };
static Val kv_array(Val m) {
  Val arr = arr_new(NULL, 2 * map_count(m));
  Val *a = AS(Arr, arr)->a;
  MapIter it;
  map_iter(&it, m);
  for (uint32_t i = 0; i < AS(Arr, arr)->n && map_next(&it, &a[i], &a[i + 1]);) i += 2;
  return arr;
}

/* slots: f, acc, coll | kind, i, array, n */
static Val kv_start(Mach *m, Val *s) {
  if (is_map(s[2])) {
    s[2] = kv_array(s[2]);
    s[3] = fix(KV_PAIRS);
  } else if (is_vec(s[2])) {
    s[3] = fix(KV_VEC);
  } else { /* any seq of entries */
    if (is_nil(s[4])) s[4] = fix(0);
    m->nf_pc = 0;
    CHECK(walk_all(m, 0, &s[2], &s[4], &s[5], &s[6]));
    s[2] = walk_take_arr(s[5], s[6]);
    s[3] = fix(KV_ENTRIES);
  }
  s[4] = fix(0);
  return NIL;
}

static Val kv_at(const Val *s, uint32_t i, Val *k, Val *v) {
  switch (fix_of(s[3])) {
  case KV_PAIRS:
    *k = AS(Arr, s[2])->a[2 * i];
    *v = AS(Arr, s[2])->a[2 * i + 1];
    return NIL;
  case KV_VEC:
    *k = fix(i);
    *v = vec_nth(s[2], i);
    return NIL;
  default: {
    Val e = AS(Arr, s[2])->a[i];
    if (!is_entry(e)) return ex_cast(e, "java.util.Map$Entry");
    *k = AS(Entry, e)->k;
    *v = AS(Entry, e)->v;
    return NIL;
  }
  }
}

static uint32_t kv_count(const Val *s) {
  if (same(s[3], fix(KV_VEC))) return vec_count(s[2]);
  return AS(Arr, s[2])->n / (same(s[3], fix(KV_PAIRS)) ? 2 : 1);
}

static Val reduce_kv_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Val own = pc == 0 ? own_reduce(s[2], UM_KVREDUCE) : NIL;
  if (!is_nil(own)) return nf_call3(m, 3, own, s[2], s[0], s[1]);
  if (pc == 3) return in;
  if (pc == 0) CHECK(kv_start(m, s));
  m->nf_pc = 1;
  if (pc == 2) {
    if (hof_is_reduced(in)) return AS(Box, in)->val;
    s[1] = in;
  }
  uint32_t i = (uint32_t)fix_of(s[4]);
  if (i >= kv_count(s)) {
    coll_publish(s[1]);
    return s[1];
  }
  Val k, v, acc = s[1];
  CHECK(kv_at(s, i, &k, &v));
  s[4] = fix(i + 1);
  s[1] = NIL;
  return nf_call3(m, 2, s[0], acc, k, v);
}
static const NativeDef nd_reduce_kv = {"clojure.core/reduce-kv", 1, 3, 3, false, NF_OWNS, 4, reduce_kv_step};

/* ---- transduce, into ---- */

DOC(transduce, "[xform f coll] [xform f init coll]",
    "Reduces coll with (xform f): the elements go through the transducer without intermediate seqs. Without init starts from "
    "(f); at the end (f result) completes.",
    "(transduce (map inc) + [1 2 3]) ;=> 9\n(transduce (comp (filter odd?) (take 2)) conj [] (range)) ;=> [1 3]\n"
    "(transduce (map inc) +) ;!> :arity");
/* slots: xform, f then reducing function, init or coll, coll | acc, at */
static Val transduce_step(Mach *m, uint32_t pc, Val *s, Val in) {
  switch (pc) {
  case 0:
    s[5] = fix(0);
    if (same(s[3], ABSENT)) {
      s[3] = s[2];
      s[2] = NIL;
      return nf_call0(m, 1, s[1]);
    }
    s[4] = s[2];
    s[2] = NIL;
    return nf_call1(m, 2, s[0], s[1]);
  case 1: s[4] = in; return nf_call1(m, 2, s[0], s[1]);
  case 2: s[1] = in; break;
  case 4:
    s[4] = hof_unreduced(in);
    if (hof_is_reduced(in)) return nf_call1(m, 5, s[1], s[4]);
    break;
  case 5: return in;
  default: break;
  }
  TRY(r, hof_reduce(m, 3, s[1], &s[3], &s[5], &s[4]));
  s[4] = NIL;
  return nf_call1(m, 5, s[1], r);
}
static const NativeDef nd_transduce = {"clojure.core/transduce", 1, 3, 4, false, false, 2, transduce_step};

DOC(conj_rf, "[] [coll] [coll x]", "The reducing function under into: adds to a collection that into has opened.",
    "(breyta.rf/conj [1] 2) ;=> [1 2]");
static Val conj_rf0(void) { return vec_empty; }
static Val conj_rf1(Val coll) { return coll; }

DOC(into, "[] [to] [to from] [to xform from]",
    "Adds every element of from to the collection to, as conj does; with a transducer, what it makes of them.",
    "(into [1] '(2 3)) ;=> [1 2 3]\n(into {} [[:a 1]]) ;=> {:a 1}\n(into '() [1 2]) ;=> (2 1)\n"
    "(into [] (map inc) [1 2]) ;=> [2 3]\n(into nil [1]) ;=> (1)");
static Val into_done(Val *s, Val acc) {
  if (!same(s[6], s[3])) acc = hof_close(acc); /* to was opened */
  Val meta = meta_of(s[6]);
  return is_nil(meta) || is_nil(acc) ? acc : with_meta(acc, meta);
}

/* slots: to, from or xform, from | acc, at, pending element, the original */
static Val into_plain(Mach *m, Val *s) {
  Walk w = {0};
  m->nf_pc = 1;
  for (int64_t turns = 1;; turns++) {
    if (same(s[5], ABSENT)) {
      TRY(more, walk_next(&w, &s[2], &s[4], &s[5]));
      if (!truthy(more)) return into_done(s, s[3]);
    }
    TRY(acc, hof_add(s[3], s[5]));
    s[3] = acc;
    s[5] = ABSENT;
    if (turns % 256 == 0 && nf_spent(m, 64)) return nf_yield(m, 1);
  }
}

static Val into_start(Mach *m, Val *s) {
  if (same(s[0], ABSENT)) return vec_empty;
  if (same(s[1], ABSENT)) return s[0];
  s[6] = s[0];
  s[3] = hof_open(s[0]);
  s[4] = fix(0);
  s[5] = ABSENT;
  if (!same(s[2], ABSENT)) {
    TRY(rf, hof_core("breyta.rf/conj"));
    return nf_call1(m, 2, s[1], rf);
  }
  s[2] = s[1];
  s[1] = NIL;
  if (is_nil(own_reduce(s[2], UM_REDUCE))) return into_plain(m, s);
  TRY(rf, hof_core("breyta.rf/conj"));
  s[1] = rf;
  return hof_reduce(m, 3, s[1], &s[2], &s[4], &s[3]);
}

static Val into_step(Mach *m, uint32_t pc, Val *s, Val in) {
  switch (pc) {
  case 0: return into_start(m, s);
  case 1: return into_plain(m, s);
  case 2: s[1] = in; break;
  case 4:
    s[3] = hof_unreduced(in);
    if (hof_is_reduced(in)) return nf_call1(m, 5, s[1], s[3]);
    break;
  case 5:
    s[3] = NIL;
    return into_done(s, in);
  default: break;
  }
  TRY(r, hof_reduce(m, 3, s[1], &s[2], &s[4], &s[3]));
  return nf_call1(m, 5, s[1], r);
}
static const NativeDef nd_into = {"clojure.core/into", 1, 0, 3, false, false, 4, into_step};

/* ---- some, every? and their like ---- */

enum TestKind { TEST_SOME, TEST_EVERY, TEST_NOT_ANY, TEST_NOT_EVERY, TEST_RUN };

/* What one answer of f decides; ABSENT: go on. */
static Val test_decides(enum TestKind kind, Val v) {
  switch (kind) {
  case TEST_SOME: return truthy(v) ? v : ABSENT;
  case TEST_EVERY: return truthy(v) ? ABSENT : FALSE_V;
  case TEST_NOT_ANY: return truthy(v) ? FALSE_V : ABSENT;
  case TEST_NOT_EVERY: return truthy(v) ? ABSENT : TRUE_V;
  default: return hof_is_reduced(v) ? NIL : ABSENT;
  }
}

static Val test_end(enum TestKind kind) {
  if (kind == TEST_EVERY || kind == TEST_NOT_ANY) return TRUE_V;
  return kind == TEST_NOT_EVERY ? FALSE_V : NIL;
}

/* slots: f, coll | at */
static Val test_step(Mach *m, uint32_t pc, Val *s, Val in, enum TestKind kind) {
  Walk w = {0};
  Val x, v;
  if (pc == 0) s[2] = fix(0);
  if (pc == 2 && !same(v = test_decides(kind, in), ABSENT)) return v;
  m->nf_pc = 1;
  for (int64_t turns = 1;; turns++) {
    TRY(more, walk_next(&w, &s[1], &s[2], &x));
    if (!truthy(more)) return test_end(kind);
    TRY(answer, hof_call1(m, 2, s[0], x));
    if (!same(v = test_decides(kind, answer), ABSENT)) return v;
    if (turns % 256 == 0 && nf_spent(m, 256)) return nf_yield(m, 1);
  }
}

#define TEST_NATIVE(id, name, kind)                                                                                   \
  static Val id##_step(Mach *m, uint32_t pc, Val *s, Val in) { return test_step(m, pc, s, in, kind); }                \
  static const NativeDef nd_##id = {"clojure.core/" name, 1, 2, 2, false, false, 1, id##_step}

DOC(some, "[pred coll]", "The first truthy value of (pred x) for the elements of coll, else nil.",
    "(some even? [1 2]) ;=> true\n(some #{:b} [:a :b]) ;=> :b\n(some even? [1]) ;=> nil");
TEST_NATIVE(some, "some", TEST_SOME);
DOC(every, "[pred coll]", "True if (pred x) is truthy for every element of coll (so also when it is empty).",
    "(every? pos? [1 2]) ;=> true\n(every? pos? [1 -2]) ;=> false\n(every? pos? nil) ;=> true");
TEST_NATIVE(every, "every?", TEST_EVERY);
DOC(not_any, "[pred coll]", "True if (pred x) is truthy for no element of coll.",
    "(not-any? neg? [1 2]) ;=> true\n(not-any? neg? [1 -2]) ;=> false");
TEST_NATIVE(not_any, "not-any?", TEST_NOT_ANY);
DOC(not_every, "[pred coll]", "True if (pred x) is falsey for at least one element of coll.",
    "(not-every? pos? [1 -2]) ;=> true\n(not-every? pos? []) ;=> false");
TEST_NATIVE(not_every, "not-every?", TEST_NOT_EVERY);
DOC(run, "[proc coll]", "Calls proc on each element of coll for its effects. Answers nil.",
    "(let [a (atom [])] (run! #(swap! a conj %) [1 2]) @a) ;=> [1 2]\n(run! identity [1]) ;=> nil");
TEST_NATIVE(run, "run!", TEST_RUN);

/* ---- doall, dorun ---- */

DOC(dorun, "[coll] [n coll]", "Realises a lazy seq (or its first n elements) for the effects of making it. Answers nil.",
    "(let [n (atom 0)] (dorun (map (fn [_] (swap! n inc)) [1 2])) @n) ;=> 2");
DOC(doall, "[coll] [n coll]", "Realises a lazy seq (or its first n elements) and answers it.",
    "(doall (map inc [1 2])) ;=> (2 3)");
/* slots: n or coll, coll | at, cursor, left */
static Val realise_step(Mach *m, uint32_t pc, Val *s, bool keep) {
  Walk w = {0};
  Val x;
  if (pc == 0) {
    int64_t n = FIX_MAX;
    if (same(s[1], ABSENT)) {
      s[1] = s[0];
    } else { /* the collection is looked at before the number */
      m->nf_pc = 0;
      TRY(any, walk_seq(s[1]));
      if (is_nil(any)) return keep ? s[1] : NIL;
      CHECK(hof_count(s[0], &n));
    }
    s[0] = keep ? s[1] : NIL;
    s[3] = s[1];
    s[1] = NIL;
    s[2] = fix(0);
    s[4] = fix(n < 0 ? 0 : n < FIX_MAX ? n + 1 : n);
  }
  m->nf_pc = 1;
  for (int64_t turns = 1; fix_of(s[4]) > 0; turns++) {
    TRY(more, walk_next(&w, &s[3], &s[2], &x));
    if (!truthy(more)) break;
    s[4] = fix(fix_of(s[4]) - 1);
    if (turns % 256 == 0 && nf_spent(m, 16)) return nf_yield(m, 1);
  }
  return s[0];
}
static Val dorun_step(Mach *m, uint32_t pc, Val *s, Val in) { (void)in; return realise_step(m, pc, s, false); }
static Val doall_step(Mach *m, uint32_t pc, Val *s, Val in) { (void)in; return realise_step(m, pc, s, true); }
static const NativeDef nd_dorun = {"clojure.core/dorun", 1, 1, 2, false, false, 3, dorun_step};
static const NativeDef nd_doall = {"clojure.core/doall", 1, 1, 2, false, false, 3, doall_step};

extern const BuiltinRow rows_reduce[];
const BuiltinRow rows_reduce[] = {
    ROW_NATIVE("reduce", nd_reduce, reduce, 0),
    ROW_NATIVE("reduce-kv", nd_reduce_kv, reduce_kv, 0),
    ROW_NATIVE("transduce", nd_transduce, transduce, 0),
    ROW_NATIVE("into", nd_into, into, 0),
    ROW0("breyta.rf/conj", conj_rf0, conj_rf, B_IMPURE),
    ROW1("breyta.rf/conj", conj_rf1, conj_rf, B_IMPURE),
    ROW2("breyta.rf/conj", hof_add, conj_rf, B_IMPURE),
    ROW_NATIVE("some", nd_some, some, 0),
    ROW_NATIVE("every?", nd_every, every, 0),
    ROW_NATIVE("not-any?", nd_not_any, not_any, 0),
    ROW_NATIVE("not-every?", nd_not_every, not_every, 0),
    ROW_NATIVE("run!", nd_run, run, 0),
    ROW_NATIVE("dorun", nd_dorun, dorun, 0),
    ROW_NATIVE("doall", nd_doall, doall, 0),
    ROW_END,
};
