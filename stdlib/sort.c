/* sort.c - sort and sort-by: a stable bottom-up merge sort that can stop at every comparison; fewer than 32 items are sorted
 * by binary insertion with exactly the comparisons that Java's TimSort makes, so that a comparator which throws, counts or
 * contradicts itself shows what it shows in Clojure. All state is in slots, so that comparators and key functions are ordinary calls. Items are `stride` values apart; the first is what is compared
 * (sort-by: [key element]), and all are moved. */
#include "hof.h"
#include "args.h"
#include "reader/eq.h"
#include "reader/num.h"
#include "reader/print.h"

/* slots of sort: comparator, coll | then these; sort-by has the key function in front */
enum { S_ARR, S_TMP, S_N, S_STRIDE, S_WIDTH, S_LO, S_A, S_B, S_OUT, S_FAST, S_AT, S_META, S_PHASE, S_COUNT };
/* How two keys are compared. */
enum { FAST_NONE, FAST_COMPARE, FAST_FIX, FAST_FIX_DOWN, FAST_STR };

typedef struct Merge { /* the state of one merge, in registers while it runs */
  Val *from, *to;
  uint32_t n, st, width, lo, a, b, out;
} Merge;

static void merge_load(const Val *s, Merge *g) {
  g->from = AS(Arr, s[S_ARR])->a;
  g->to = AS(Arr, s[S_TMP])->a;
  g->n = (uint32_t)fix_of(s[S_N]);
  g->st = (uint32_t)fix_of(s[S_STRIDE]);
  g->width = (uint32_t)fix_of(s[S_WIDTH]);
  g->lo = (uint32_t)fix_of(s[S_LO]);
  g->a = (uint32_t)fix_of(s[S_A]);
  g->b = (uint32_t)fix_of(s[S_B]);
  g->out = (uint32_t)fix_of(s[S_OUT]);
}

static void merge_save(Val *s, const Merge *g) {
  s[S_WIDTH] = fix(g->width);
  s[S_LO] = fix(g->lo);
  s[S_A] = fix(g->a);
  s[S_B] = fix(g->b);
  s[S_OUT] = fix(g->out);
}

static uint32_t merge_min(uint64_t x, uint32_t n) { return x < n ? (uint32_t)x : n; }
static uint32_t merge_mid(const Merge *g) { return merge_min((uint64_t)g->lo + g->width, g->n); }
static uint32_t merge_hi(const Merge *g) { return merge_min((uint64_t)g->lo + 2 * (uint64_t)g->width, g->n); }

static void merge_move(Merge *g, uint32_t i, uint32_t count) {
  memcpy(g->to + (size_t)g->out * g->st, g->from + (size_t)i * g->st, (size_t)count * g->st * sizeof(Val));
  g->out += count;
}

/* One side is used up: copy the other and begin the next merge of this pass. */
static void merge_flush(Merge *g) {
  uint32_t mid = merge_mid(g), hi = merge_hi(g);
  merge_move(g, g->a, mid - g->a);
  merge_move(g, g->b, hi - g->b);
  g->lo = g->a = g->out = hi;
  g->b = merge_mid(g);
}

static void merge_pass(Val *s, Merge *g) { /* the arrays change places, the runs are twice as long */
  Val arr = s[S_ARR];
  s[S_ARR] = s[S_TMP];
  s[S_TMP] = arr;
  g->width = g->width > UINT32_MAX / 2 ? UINT32_MAX : 2 * g->width;
  g->lo = g->a = g->out = 0;
  g->b = merge_mid(g);
  merge_save(s, g);
  merge_load(s, g);
}

/* What the answer of a comparator means: TRUE_V if its first argument belongs in front of the second. */
static Val sort_answer(Val v) {
  if (is_bool(v)) return v;
  if (is_fix(v)) return bool_val((int32_t)fix_of(v) < 0);
  if (is_nil(v)) return arg_null("java.lang.Number.intValue()", "n");
  if (!is_num(v)) return ex_cast(v, "java.lang.Number");
  int64_t i = 0;
  if (!num_to_long(v, &i)) i = num_is_neg(v) ? -1 : 1;
  return bool_val((int32_t)i < 0);
}

/* TRUE_V if key y (right) must go before key x (left); ABSENT: the comparator needs the machine. */
static Val sort_before(int64_t fast, Val f, Val y, Val x) {
  int c;
  switch (fast) {
  case FAST_FIX: return bool_val((int64_t)y.w < (int64_t)x.w);
  case FAST_FIX_DOWN: return bool_val((int64_t)y.w > (int64_t)x.w);
  case FAST_STR: return bool_val(str_cmp(y, x) < 0);
  case FAST_COMPARE: {
    CHECK(val_compare(y, x, &c));
    return bool_val(c < 0);
  }
  default: {
    Val v = fast_call2(f, y, x);
    if (same(v, SIG_DEMAND)) return ABSENT;
    return is_sig(v) || same(v, ABSENT) ? v : sort_answer(v);
  }
  }
}

static void merge_take(Merge *g, bool right) { merge_move(g, right ? g->b++ : g->a++, 1); }

/* ---- few items: find the run at the beginning, then insert the others ---- */

enum { INSERT_MAX = 32 };
enum { RUN_FIRST, RUN_DOWN, RUN_UP, INSERT };
typedef struct Insertion { Val *a; uint32_t n, st, phase, i, left, right; } Insertion;

static void insertion_load(const Val *s, Insertion *g) {
  *g = (Insertion){AS(Arr, s[S_ARR])->a, (uint32_t)fix_of(s[S_N]), (uint32_t)fix_of(s[S_STRIDE]), (uint32_t)fix_of(s[S_PHASE]),
                   (uint32_t)fix_of(s[S_A]), (uint32_t)fix_of(s[S_LO]), (uint32_t)fix_of(s[S_B])};
}

static void insertion_save(Val *s, const Insertion *g) {
  s[S_PHASE] = fix(g->phase);
  s[S_A] = fix(g->i);
  s[S_LO] = fix(g->left);
  s[S_B] = fix(g->right);
}

static uint32_t insertion_other(const Insertion *g) { /* what item i is compared with */
  return g->phase == INSERT ? (g->left + g->right) / 2 : g->i - 1;
}

static void insertion_move(Insertion *g, uint32_t from, uint32_t to) {
  Val item[2];
  size_t bytes = g->st * sizeof(Val);
  memcpy(item, g->a + (size_t)from * g->st, bytes);
  memmove(g->a + (size_t)(to + 1) * g->st, g->a + (size_t)to * g->st, (from - to) * bytes);
  memcpy(g->a + (size_t)to * g->st, item, bytes);
}

static void insertion_end_run(Insertion *g) {
  if (g->phase == RUN_DOWN)
    for (uint32_t k = 1; k < g->i; k++) insertion_move(g, k, 0);
  g->phase = INSERT;
  g->left = 0;
  g->right = g->i;
}

/* Does item i belong in front of the other? */
static void insertion_answer(Insertion *g, bool before) {
  if (g->phase == INSERT) {
    if (before) g->right = insertion_other(g);
    else g->left = insertion_other(g) + 1;
    if (g->left < g->right) return;
    insertion_move(g, g->i, g->left);
    g->left = 0;
    g->right = ++g->i;
    return;
  }
  if (g->phase == RUN_FIRST) g->phase = before ? RUN_DOWN : RUN_UP;
  if (before == (g->phase == RUN_DOWN)) g->i++;
  if (before != (g->phase == RUN_DOWN) || g->i == g->n) insertion_end_run(g);
}

static Val insertion_run(Mach *m, uint32_t pc, Val *s, Val f, Val in) {
  Insertion g;
  insertion_load(s, &g);
  if (!is_nil(in)) insertion_answer(&g, truthy(in));
  m->nf_pc = pc;
  while (g.i < g.n) {
    Val x = g.a[(size_t)insertion_other(&g) * g.st], y = g.a[(size_t)g.i * g.st];
    insertion_save(s, &g);
    Val before = sort_before(fix_of(s[S_FAST]), f, y, x);
    if (same(before, ABSENT)) return nf_call2(m, pc + 1, f, y, x);
    if (is_sig(before)) return before;
    insertion_answer(&g, truthy(before));
  }
  return TRUE_V;
}

/* ---- many ---- */

/* Run until done (TRUE_V) or a signal. `pc` continues, pc + 1 takes the comparator's answer. */
static Val sort_run(Mach *m, uint32_t pc, Val *s, Val f, Val in) {
  Merge g;
  int64_t fast = fix_of(s[S_FAST]);
  if (!is_nil(s[S_PHASE])) return insertion_run(m, pc, s, f, in);
  merge_load(s, &g);
  if (!is_nil(in)) merge_take(&g, truthy(in));
  m->nf_pc = pc;
  for (int64_t turns = 1; g.width < g.n; turns++) {
    while (g.width < g.n && (g.a == merge_mid(&g) || g.b == merge_hi(&g))) {
      merge_flush(&g);
      if (g.lo >= g.n) merge_pass(s, &g);
    }
    merge_save(s, &g);
    if (g.width >= g.n) break;
    Val x = g.from[(size_t)g.a * g.st], y = g.from[(size_t)g.b * g.st];
    Val before = sort_before(fast, f, y, x);
    if (same(before, ABSENT)) return nf_call2(m, pc + 1, f, y, x);
    if (is_sig(before)) return before;
    merge_take(&g, truthy(before));
    if (turns % 1024 == 0) {
      merge_save(s, &g);
      if (nf_spent(m, 128)) return nf_yield(m, pc);
    }
  }
  return TRUE_V;
}

static bool keys_all(const Val *s, bool (*is)(Val)) {
  uint32_t n = (uint32_t)fix_of(s[S_N]), st = (uint32_t)fix_of(s[S_STRIDE]);
  const Val *a = AS(Arr, s[S_ARR])->a;
  for (uint32_t i = 0; i < n; i++)
    if (!is(a[(size_t)i * st])) return false;
  return true;
}
static bool key_is_fix(Val v) { return is_fix(v); }
static bool key_is_str(Val v) { return is_str(v); }
static bool sort_is(Val f, const char *name) {
  return is_type(f, T_BUILTIN) && !strcmp(AS(BuiltinObj, f)->def->name, name);
}

/* Functions are Comparators in Clojure; what only can be called, such as a keyword, is none. nil: the natural order. */
static Val sort_comparator(Val f) {
  int t = type_of(f);
  bool own = t == T_INSTANCE || t == T_RECORD; /* a type may be a Comparator */
  return t == T_FN || t == T_BUILTIN || t == T_METHOD || own || is_nil(f) || same(f, ABSENT) ? NIL : ex_cast(f, "java.util.Comparator");
}

static int64_t sort_fast(const Val *s, Val f) {
  bool natural = same(f, ABSENT) || sort_is(f, "clojure.core/compare");
  bool fixes = keys_all(s, key_is_fix);
  if (fixes && (natural || sort_is(f, "clojure.core/<"))) return FAST_FIX;
  if (fixes && sort_is(f, "clojure.core/>")) return FAST_FIX_DOWN;
  if (!natural) return FAST_NONE;
  return keys_all(s, key_is_str) ? FAST_STR : FAST_COMPARE;
}

/* The array in S_ARR has S_N items of S_STRIDE values: prepare for sort_run. */
static void sort_begin(Val *s, Val f) {
  Merge g = {.n = (uint32_t)fix_of(s[S_N]), .width = 1};
  s[S_FAST] = fix(sort_fast(s, f));
  if (g.n < INSERT_MAX) {
    Insertion few = {.phase = RUN_FIRST, .i = 1};
    insertion_save(s, &few);
    return;
  }
  s[S_TMP] = arr_new(NULL, AS(Arr, s[S_ARR])->n);
  g.b = merge_mid(&g);
  merge_save(s, &g);
}

static Val sort_result(const Val *s) {
  uint32_t n = (uint32_t)fix_of(s[S_N]), st = (uint32_t)fix_of(s[S_STRIDE]);
  if (!n) return empty_list;
  Val arr = s[S_ARR];
  if (st == 2) {
    arr = arr_new(NULL, n);
    for (uint32_t i = 0; i < n; i++) AS(Arr, arr)->a[i] = AS(Arr, s[S_ARR])->a[2 * i + 1];
  }
  Val seq = walk_loose(arr, 0, n, empty_list);
  if (is_type(s[S_META], T_JARRAY)) {
    memcpy(AS(Arr, AS(JArray, s[S_META])->arr)->a, AS(Arr, arr)->a, n * sizeof(Val));
    return seq;
  }
  return is_nil(s[S_META]) ? seq : with_meta(seq, s[S_META]);
}

DOC(sort, "[coll] [comp coll]",
    "The elements of coll in order (stable): by compare, or by comp, which answers a negative, zero or positive number, or true "
    "if its first argument comes first.",
    "(sort [3 1 2]) ;=> (1 2 3)\n(sort > [1 3 2]) ;=> (3 2 1)\n(sort #(compare %2 %1) [\"a\" \"b\"]) ;=> (\"b\" \"a\")\n"
    "(sort nil) ;=> ()\n(sort [1 :a]) ;!> :type");
/* slots: comparator or coll, coll | S_... */
static Val sort_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Val *q = s + 2;
  if (pc == 0) {
    if (same(s[1], ABSENT)) {
      s[1] = s[0];
      s[0] = ABSENT;
    }
    q[S_META] = is_type(s[1], T_JARRAY) && obj(s[1])->aux == ARRAY_OBJECT ? s[1] : meta_of(s[1]); /* an Object[] is sorted in place */
    q[S_AT] = fix(0);
    pc = 1;
  }
  if (pc == 1) {
    m->nf_pc = 1;
    CHECK(walk_all(m, 1, &s[1], &q[S_AT], &q[S_ARR], &q[S_N]));
    q[S_ARR] = walk_take_arr(q[S_ARR], q[S_N]);
    q[S_STRIDE] = fix(1);
    if (!same(q[S_N], fix(0))) CHECK(sort_comparator(s[0]));
    if (is_nil(s[0])) s[0] = ABSENT;
    sort_begin(q, s[0]);
  }
  Val answer = NIL;
  if (pc == 3) {
    answer = sort_answer(in);
    if (is_sig(answer)) return answer;
  }
  CHECK(sort_run(m, 2, q, s[0], answer));
  return sort_result(q);
}
static const NativeDef nd_sort = {"clojure.core/sort", 2, 1, 2, false, false, S_COUNT, sort_step};

DOC(sort_by, "[keyfn coll] [keyfn comp coll]",
    "The elements of coll in the order of their (keyfn x), as sort orders them. keyfn is called once per element.",
    "(sort-by :a [{:a 2} {:a 1}]) ;=> ({:a 1} {:a 2})\n(sort-by count > [\"a\" \"ccc\" \"bb\"]) ;=> (\"ccc\" \"bb\" \"a\")");
/* The second element is the first that a comparison looks at. A single one is not compared. */
static uint32_t sort_key_place(uint32_t i) { return i < 2 ? 1 - i : i; }

/* Keys for the elements: S_ARR becomes [key element key element ...]; S_A counts. */
static Val sort_keys(Mach *m, Val *s, uint32_t pc, Val in) {
  Val *q = s + 3;
  Val *pairs = AS(Arr, q[S_TMP])->a;
  uint32_t i = (uint32_t)fix_of(q[S_A]), n = (uint32_t)fix_of(q[S_N]);
  if (n == 1) pairs[1] = AS(Arr, q[S_ARR])->a[0];
  if (pc == 3) pairs[2 * sort_key_place(i++)] = in;
  for (; n > 1 && i < n; i++) {
    uint32_t at = sort_key_place(i);
    Val x = AS(Arr, q[S_ARR])->a[at];
    q[S_A] = fix(i);
    pairs[2 * at + 1] = x;
    TRY(k, hof_call1(m, 3, s[0], x));
    pairs[2 * at] = k;
    if (i % 256 == 255 && nf_spent(m, 256)) {
      q[S_A] = fix(i + 1);
      return nf_yield(m, 2);
    }
  }
  q[S_ARR] = q[S_TMP];
  q[S_STRIDE] = fix(2);
  return TRUE_V;
}

/* slots: keyfn, comparator or coll, coll | S_... */
static Val sort_by_step(Mach *m, uint32_t pc, Val *s, Val in) {
  Val *q = s + 3;
  if (pc == 0) {
    if (same(s[2], ABSENT)) {
      s[2] = s[1];
      s[1] = ABSENT;
    }
    q[S_META] = meta_of(s[2]);
    q[S_AT] = fix(0);
  }
  if (pc <= 1) {
    m->nf_pc = 1;
    CHECK(walk_all(m, 1, &s[2], &q[S_AT], &q[S_ARR], &q[S_N]));
    if (fix_of(q[S_N]) > 1) CHECK(sort_comparator(s[1]));
    q[S_TMP] = arr_new(NULL, 2 * (uint32_t)fix_of(q[S_N]));
    q[S_A] = fix(0);
  }
  if (pc <= 3) {
    m->nf_pc = 2;
    CHECK(sort_keys(m, s, pc, in));
    sort_begin(q, s[1]);
    pc = 4;
  }
  Val answer = NIL;
  if (pc == 5) {
    answer = sort_answer(in);
    if (is_sig(answer)) return answer;
  }
  CHECK(sort_run(m, 4, q, s[1], answer));
  return sort_result(q);
}
static const NativeDef nd_sort_by = {"clojure.core/sort-by", 2, 2, 3, false, false, S_COUNT, sort_by_step};

/* ---- the comparators of sorted collections ---- */

/* Sorted maps and sets compare inside C: a pure builtin at once; another function runs to its end on a machine of its
 * own, so it cannot contain a step. */
static Val sort_hook(Val cmp, Val a, Val b, int *out) {
  Val v = fast_call2(cmp, a, b);
  if (same(v, ABSENT)) v = mach_call_sync(mach_cur->env, cmp, (Val[]){a, b}, 2);
  if (is_sig(v)) return v;
  if (is_bool(v) && !truthy(v)) { /* a predicate: is it the other way round? */
    v = fast_call2(cmp, b, a);
    if (same(v, ABSENT)) v = mach_call_sync(mach_cur->env, cmp, (Val[]){b, a}, 2);
    if (is_sig(v)) return v;
    *out = truthy(v) ? 1 : 0;
    return NIL;
  }
  if (is_bool(v)) {
    *out = -1;
    return NIL;
  }
  TRY(before, sort_answer(v));
  *out = truthy(before) ? -1 : num_is_zero(v) ? 0 : 1;
  return NIL;
}

void sort_init(void) { smap_cmp_hook = sort_hook; }

DOC(sorted_map_by, "[comparator & keyvals]", "A map that keeps its keys in the order of comparator.",
    "(sorted-map-by > 1 :a 2 :b) ;=> {2 :b, 1 :a}\n(sorted-map-by (fn [a b] (compare b a)) 1 :a 2 :b) ;=> {2 :b, 1 :a}");
static Val sorted_map_by(int argc, const Val *argv) {
  CHECK(sort_comparator(argv[0]));
  Val m = smap_new(argv[0]);
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 >= argc) return arg_no_value(argv[i]);
    TRY(m2, map_assoc(m, argv[i], argv[i + 1]));
    m = m2;
  }
  return m;
}

DOC(sorted_set_by, "[comparator & keys]", "A set that keeps its elements in the order of comparator.",
    "(sorted-set-by > 1 3 2) ;=> #{3 2 1}");
static Val sorted_set_by(int argc, const Val *argv) {
  CHECK(sort_comparator(argv[0]));
  Val s = sset_new(argv[0]);
  for (int i = 1; i < argc; i++) {
    TRY(s2, set_conj(s, argv[i]));
    s = s2;
  }
  return s;
}

DOC(sorted_from, "[sc k ascending]", "The seq of a sorted collection from the first element >= k (or down from <= k), nil if none.",
    "(breyta.sorted/from (sorted-set 1 2 3) 2 true) ;=> (2 3)");
static Val sorted_from(Val sc, Val k, Val ascending) {
  int t = type_of(sc);
  if (t != T_SMAP && t != T_SSET) return ex_cast(sc, "clojure.lang.Sorted");
  return smap_seq_at(sc, k, truthy(ascending));
}

DOC(sorted_compare, "[sc a b]", "Compares two keys as the sorted collection sc does.", "(breyta.sorted/compare (sorted-set) 1 2) ;=> -1");
static Val sorted_compare(Val sc, Val a, Val b) {
  Val map = is_type(sc, T_SSET) ? AS(SSet, sc)->map : sc;
  if (!is_type(map, T_SMAP)) return ex_cast(sc, "clojure.lang.Sorted");
  Val cmp = AS(SMap, map)->cmp;
  int c;
  CHECK(is_nil(cmp) ? val_compare(a, b, &c) : sort_hook(cmp, a, b, &c));
  return fix(c);
}

extern const BuiltinRow rows_sort[];
const BuiltinRow rows_sort[] = {
    ROW_NATIVE("sort", nd_sort, sort, 0),
    ROW_NATIVE("sort-by", nd_sort_by, sort_by, 0),
    ROWV("sorted-map-by", 1, sorted_map_by, sorted_map_by, B_PURE),
    ROWV("sorted-set-by", 1, sorted_set_by, sorted_set_by, B_PURE),
    ROW3("breyta.sorted/from", sorted_from, sorted_from, B_PURE),
    ROW3("breyta.sorted/compare", sorted_compare, sorted_compare, B_PURE),
    ROW_END,
};
