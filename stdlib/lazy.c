/* lazy.c - the lazy seq functions. A public function (map, filter, take, ...) only makes a cell; a step (breyta.lazy/map,
 * ...) makes the next piece of the seq from a cursor (walk.h) when the cell is forced. Steps never change their arguments,
 * so a step that throws can be run again. Callbacks run ahead only as far as Clojure's chunked seqs do, and not at all when
 * the callback may contain a step. With one argument less the public functions answer transducers, which the prelude
 * defines as breyta.xf/map, ... */
#include "lazy.h"
#include "hof.h"
#include "reader/num.h"

/* Name of the step and of the transducer. */
#define LAZY_TABLE(X)                                                                                              \
  X(LZ_MAP, "map") X(LZ_FILTER, "filter") X(LZ_REMOVE, "remove") X(LZ_KEEP, "keep") X(LZ_MAP_INDEXED, "map-indexed") \
  X(LZ_KEEP_INDEXED, "keep-indexed") X(LZ_MAPN, "mapn") X(LZ_CONCAT, "concat") X(LZ_MAPCAT, "mapcat")               \
  X(LZ_TAKE, "take") X(LZ_DROP, "drop") X(LZ_TAKE_WHILE, "take-while") X(LZ_DROP_WHILE, "drop-while")               \
  X(LZ_ITERATE, "iterate") X(LZ_REPEATEDLY, "repeatedly") X(LZ_CYCLE, "cycle") X(LZ_RANGE, "range")                 \
  X(LZ_INTERLEAVE, "interleave") X(LZ_INTERPOSE, "interpose") X(LZ_PARTITION, "partition")                          \
  X(LZ_PARTITION_ALL, "partition-all") X(LZ_DISTINCT, "distinct")
#define LAZY_ENUM(id, name) id,
#define LAZY_STEP_NAME(id, name) "breyta.lazy/" name,
#define LAZY_XF_NAME(id, name) "breyta.xf/" name,
enum LazyId { LAZY_TABLE(LAZY_ENUM) LZ_COUNT };
static const char *const lazy_step_name[] = {LAZY_TABLE(LAZY_STEP_NAME)};
static const char *const lazy_xf_name[] = {LAZY_TABLE(LAZY_XF_NAME)};
static Val lazy_steps[LZ_COUNT]; /* the step functions, filled in by lazy_init */

void lazy_init(void) {
  for (int i = 0; i < LZ_COUNT; i++) {
    const Builtin *b = builtin_find(lazy_step_name[i]);
    if (b) lazy_steps[i] = b->self;
  }
}

static Val lazy_cell(enum LazyId id, const Val *args, uint32_t n) {
  Val fn = arr_new(NULL, n + 1);
  AS(Arr, fn)->a[0] = lazy_steps[id];
  memcpy(AS(Arr, fn)->a + 1, args, n * sizeof(Val));
  return lazy_new(fn);
}
#define LAZY(id, ...) lazy_cell(id, (Val[]){__VA_ARGS__}, sizeof((Val[]){__VA_ARGS__}) / sizeof(Val))

#define STEP(id, cname, fixed, nstate)                                          \
  static const NativeDef nd_step_##cname = {"breyta.lazy/" id, 1, fixed, fixed, \
                                            false, false, nstate, step_##cname}

/* ---- map, filter, remove, keep, map-indexed, keep-indexed: one step ---- */

DOC(step, "[& state]", "Makes the next piece of a lazy seq: the function inside the cells of map, filter and so on.", "");

/* What becomes of element x for which f answered v: true with *out, or it is left out. */
static bool each_gives(enum LazyId id, Val x, Val v, Val *out) {
  *out = v;
  switch (id) {
  case LZ_FILTER: *out = x; return truthy(v);
  case LZ_REMOVE: *out = x; return !truthy(v);
  case LZ_KEEP:
  case LZ_KEEP_INDEXED: return !is_nil(v);
  default: return true;
  }
}

static bool each_indexed(enum LazyId id) { return id == LZ_MAP_INDEXED || id == LZ_KEEP_INDEXED; }

static Val each_call(Mach *m, uint32_t pc, enum LazyId id, Val f, Val i, Val x) {
  return each_indexed(id) ? hof_call2(m, pc, f, i, x) : hof_call1(m, pc, f, x);
}

/* slots: f, src, at, index | block or element, results, place, kept */
static Val each_rest(const Val *s, enum LazyId id) { return LAZY(id, s[0], s[1], s[2], s[3]); }

/* A block of several: pc 1 takes an answer. ABSENT: all were left out. */
static Val each_block(Mach *m, uint32_t pc, Val *s, Val in, enum LazyId id) {
  const Arr *xs = AS(Arr, s[4]);
  uint32_t i = (uint32_t)fix_of(s[6]), kept = (uint32_t)fix_of(s[7]);
  Val v = in, out;
  while (i < xs->n) {
    if (pc != 1) {
      s[6] = fix(i);
      s[7] = fix(kept);
      v = each_call(m, 1, id, s[0], fix(fix_of(s[3]) + i), xs->a[i]);
      if (is_sig(v)) return v;
    }
    if (each_gives(id, xs->a[i], v, &out)) AS(Arr, s[5])->a[kept++] = out;
    pc = 0;
    i++;
  }
  s[3] = fix(fix_of(s[3]) + xs->n);
  return kept ? chunk_new(s[5], 0, kept, each_rest(s, id)) : ABSENT;
}

static void each_open_block(Val *s, const Val *xs, uint32_t n) {
  s[4] = arr_new(xs, n);
  s[5] = arr_new(NULL, n);
  s[6] = s[7] = fix(0);
}

/* One element: pc 2 takes the answer. ABSENT: left out. */
static Val each_single(Mach *m, uint32_t pc, Val *s, Val in, enum LazyId id) {
  Val v = pc == 2 ? in : each_call(m, 2, id, s[0], s[3], s[4]), out;
  if (is_sig(v)) return v;
  s[3] = fix(fix_of(s[3]) + 1);
  return each_gives(id, s[4], v, &out) ? cons_new(out, each_rest(s, id)) : ABSENT;
}

static Val each_step(Mach *m, uint32_t pc, Val *s, Val in, enum LazyId id) {
  Val xs[32];
  uint32_t n;
  Val made = pc == 1 ? each_block(m, 1, s, in, id) : pc == 2 ? each_single(m, 2, s, in, id) : ABSENT;
  while (same(made, ABSENT)) {
    m->nf_pc = 0;
    CHECK(walk_block(&s[1], &s[2], xs, &n, fn_may_step(s[0]) ? WALK_ONE : WALK_CHUNKED));
    if (!n) return NIL;
    if (n == 1) {
      s[4] = xs[0];
      made = each_single(m, 0, s, NIL, id);
    } else {
      each_open_block(s, xs, n);
      made = each_block(m, 0, s, NIL, id);
    }
    if (nf_spent(m, n) && same(made, ABSENT)) return nf_yield(m, 0);
  }
  return made;
}

#define EACH(cname, id, name)                                                                                        \
  static Val step_##cname(Mach *m, uint32_t pc, Val *s, Val in) { return each_step(m, pc, s, in, id); }              \
  STEP(name, cname, 4, 4)
EACH(map, LZ_MAP, "map");
EACH(filter, LZ_FILTER, "filter");
EACH(remove, LZ_REMOVE, "remove");
EACH(keep, LZ_KEEP, "keep");
EACH(map_indexed, LZ_MAP_INDEXED, "map-indexed");
EACH(keep_indexed, LZ_KEEP_INDEXED, "keep-indexed");

/* ---- map of several collections, interleave ---- */

/* slots: f, cursors | own cursors, values, got */
static void zip_open(Val *s, Val cursors) {
  uint32_t n = AS(Arr, cursors)->n;
  s[0] = arr_new(AS(Arr, cursors)->a, n);
  s[1] = arr_new(NULL, n / 2);
  s[2] = fix(0);
}

static Val step_mapn(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 1) return cons_new(in, LAZY(LZ_MAPN, s[0], s[2]));
  if (is_nil(s[2])) zip_open(s + 2, s[1]);
  TRY(more, walk_zip(s[2], s[3], &s[4], MAP_EAGER));
  if (!truthy(more)) return NIL;
  const Arr *a = AS(Arr, s[3]);
  if (a->n != 2) return nf_calln(m, 1, s[0], a->a, a->n);
  TRY(v, hof_call2(m, 1, s[0], a->a[0], a->a[1]));
  return cons_new(v, LAZY(LZ_MAPN, s[0], s[2]));
}
STEP("mapn", mapn, 2, 3);

/* slots: cursors | own cursors, values, got */
static Val step_interleave(Mach *m, uint32_t pc, Val *s, Val in) {
  (void)m, (void)pc, (void)in;
  if (is_nil(s[1])) zip_open(s + 1, s[0]);
  TRY(more, walk_zip(s[1], s[2], &s[3], INTERLEAVE_EAGER));
  return truthy(more) ? walk_loose(s[2], 0, AS(Arr, s[2])->n, LAZY(LZ_INTERLEAVE, s[1])) : NIL;
}
STEP("interleave", interleave, 1, 3);

/* ---- concat ---- */

/* slots: src, at, colls, their at */
static Val step_concat(Mach *m, uint32_t pc, Val *s, Val in) {
  Val xs[32], x;
  uint32_t n;
  (void)pc, (void)in;
  for (;;) {
    if (is_type(s[2], T_ARR) && fix_of(s[3]) >= AS(Arr, s[2])->n) return walk_to_seq(s[0], s[1]); /* the last one as it is */
    CHECK(walk_block(&s[0], &s[1], xs, &n, WALK_CHUNKED));
    if (n) {
      Val rest = LAZY(LZ_CONCAT, s[0], s[1], s[2], s[3]);
      return n == 1 ? cons_new(xs[0], rest) : chunk_new(arr_new(xs, n), 0, n, rest);
    }
    Walk w = {0};
    TRY(more, walk_next(&w, &s[2], &s[3], &x));
    if (!truthy(more)) return NIL;
    s[0] = x;
    s[1] = fix(0);
    if (nf_spent(m, 1)) return nf_yield(m, 0);
  }
}
STEP("concat", concat, 4, 0);

Val lazy_concat(Val colls) { return LAZY(LZ_CONCAT, NIL, fix(0), colls, fix(0)); }

DOC(concat, "[] [x] [x y] [x y & zs]", "The lazy seq of the elements of the collections, one after the other.",
    "(concat [1] nil '(2)) ;=> (1 2)\n(concat) ;=> ()\n(take 3 (concat [1] (range))) ;=> (1 0 1)");
static Val fn_concat(int argc, const Val *argv) {
  return argc == 1 ? LAZY(LZ_CONCAT, argv[0], fix(0), arr_new(NULL, 0), fix(0)) : lazy_concat(arr_new(argv, (uint32_t)argc));
}

/* ---- take, drop and their while ---- */

/* slots: n, src, at */
static Val step_take(Mach *m, uint32_t pc, Val *s, Val in) {
  Val xs[32];
  int64_t want;
  uint32_t n;
  (void)m, (void)pc, (void)in;
  CHECK(hof_count(s[0], &want));
  if (want <= 0) return NIL;
  CHECK(walk_block(&s[1], &s[2], xs, &n, WALK_ANY));
  if (!n) return NIL;
  if (n > want) n = (uint32_t)want;
  Val rest = n == want ? empty_list : LAZY(LZ_TAKE, int_val(want - n), s[1], s[2]);
  return n == 1 ? cons_new(xs[0], rest) : walk_loose(arr_new(xs, n), 0, n, rest);
}
STEP("take", take, 3, 0);

static bool drop_ahead(Val *s, int64_t *left) { /* collections that know where the n-th element is */
  if (is_vec(s[1]) || is_type(s[1], T_RANGE)) {
    if (fix_of(s[2]) > FIX_MAX - *left) return false;
    s[2] = fix(fix_of(s[2]) + *left);
    *left = 0;
    return true;
  }
  return false;
}

/* slots: n, src, at */
static Val step_drop(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  Val x;
  int64_t left;
  (void)pc, (void)in;
  if (!is_num(s[0])) { /* the collection is looked at first */
    Val src = s[1], at = s[2];
    CHECK(walk_next(&w, &src, &at, &x));
    w = (Walk){0};
  }
  CHECK(hof_count(s[0], &left));
  for (int64_t turns = 1; left > 0 && !drop_ahead(s, &left); turns++) {
    TRY(more, walk_next(&w, &s[1], &s[2], &x));
    if (!truthy(more)) return NIL;
    s[0] = int_val(--left);
    if (turns % 256 == 0 && nf_spent(m, 16)) return nf_yield(m, 0);
  }
  s[0] = fix(0);
  return walk_to_seq(s[1], s[2]);
}
STEP("drop", drop, 3, 0);

/* slots: pred, src, at | element */
static Val step_take_while(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  if (pc == 0) {
    TRY(more, walk_next(&w, &s[1], &s[2], &s[3]));
    if (!truthy(more)) return NIL;
    in = hof_call1(m, 1, s[0], s[3]);
    if (is_sig(in)) return in;
  }
  return truthy(in) ? cons_new(s[3], LAZY(LZ_TAKE_WHILE, s[0], s[1], s[2])) : NIL;
}
STEP("take-while", take_while, 3, 1);

/* slots: pred, src, at | src and at before the element */
static Val step_drop_while(Mach *m, uint32_t pc, Val *s, Val in) {
  Val x;
  if (pc == 1 && !truthy(in)) return walk_to_seq(s[3], s[4]);
  m->nf_pc = 0;
  for (;;) {
    Walk w = {0};
    s[3] = s[1];
    s[4] = s[2];
    TRY(more, walk_next(&w, &s[1], &s[2], &x));
    if (!truthy(more)) return NIL;
    TRY(v, hof_call1(m, 1, s[0], x));
    if (!truthy(v)) return walk_to_seq(s[3], s[4]);
    if (nf_spent(m, 1)) return nf_yield(m, 0);
  }
}
STEP("drop-while", drop_while, 3, 2);

/* ---- the public functions of the shape (f [x]) transducer, (f x coll) seq ---- */

static Val lazy_xf(Mach *m, enum LazyId id, const Val *args, uint32_t n) {
  TRY(make, hof_core(lazy_xf_name[id]));
  return nf_calln(m, 1, make, args, n);
}

static Val public2(Mach *m, uint32_t pc, Val *s, Val in, enum LazyId id) {
  if (pc == 1) return in;
  if (same(s[1], ABSENT)) return lazy_xf(m, id, (Val[]){s[0]}, 1);
  return each_indexed(id) || id <= LZ_KEEP ? LAZY(id, s[0], s[1], fix(0), fix(0)) : LAZY(id, s[0], s[1], fix(0));
}
#define PUBLIC2(cname, id, name)                                                                                      \
  static Val public_##cname(Mach *m, uint32_t pc, Val *s, Val in) { return public2(m, pc, s, in, id); }               \
  static const NativeDef nd_##cname = {"clojure.core/" name, 1, 1, 2, false, false, 0, public_##cname}

DOC(filter, "[pred] [pred coll]", "The lazy seq of the elements for which (pred x) is truthy. Without coll a transducer.",
    "(filter odd? [1 2 3]) ;=> (1 3)\n(into [] (filter odd?) [1 2 3]) ;=> [1 3]\n(filter odd? nil) ;=> ()");
PUBLIC2(filter, LZ_FILTER, "filter");
DOC(remove, "[pred] [pred coll]", "The lazy seq of the elements for which (pred x) is falsey. Without coll a transducer.",
    "(remove nil? [1 nil 2]) ;=> (1 2)\n(into [] (remove odd?) [1 2 3]) ;=> [2]");
PUBLIC2(remove, LZ_REMOVE, "remove");
DOC(keep, "[f] [f coll]", "The lazy seq of the values of (f x) that are not nil (false is kept). Without coll a transducer.",
    "(keep :a [{:a 1} {} {:a false}]) ;=> (1 false)");
PUBLIC2(keep, LZ_KEEP, "keep");
DOC(map_indexed, "[f] [f coll]", "The lazy seq of (f 0 x0), (f 1 x1), ... Without coll a transducer.",
    "(map-indexed vector [:a :b]) ;=> ([0 :a] [1 :b])");
PUBLIC2(map_indexed, LZ_MAP_INDEXED, "map-indexed");
DOC(keep_indexed, "[f] [f coll]", "The lazy seq of the values of (f index x) that are not nil. Without coll a transducer.",
    "(keep-indexed (fn [i x] (when (odd? i) x)) [:a :b :c :d]) ;=> (:b :d)");
PUBLIC2(keep_indexed, LZ_KEEP_INDEXED, "keep-indexed");
DOC(take, "[n] [n coll]", "The lazy seq of the first n elements, or all if there are fewer. Without coll a transducer.",
    "(take 2 [1 2 3]) ;=> (1 2)\n(take 5 [1]) ;=> (1)\n(take 3 (range)) ;=> (0 1 2)");
PUBLIC2(take, LZ_TAKE, "take");
DOC(drop, "[n] [n coll]", "The lazy seq of all but the first n elements. Without coll a transducer.",
    "(drop 1 [1 2]) ;=> (2)\n(drop 5 [1]) ;=> ()");
PUBLIC2(drop, LZ_DROP, "drop");
DOC(take_while, "[pred] [pred coll]",
    "The lazy seq of the elements before the first for which (pred x) is falsey. Without coll a transducer.",
    "(take-while pos? [1 2 -1 3]) ;=> (1 2)");
PUBLIC2(take_while, LZ_TAKE_WHILE, "take-while");
DOC(drop_while, "[pred] [pred coll]", "The lazy seq from the first element on for which (pred x) is falsey. Without coll a transducer.",
    "(drop-while pos? [1 2 -1 3]) ;=> (-1 3)");
PUBLIC2(drop_while, LZ_DROP_WHILE, "drop-while");
DOC(interpose, "[sep] [sep coll]", "The lazy seq of the elements with sep between them. Without coll a transducer.",
    "(interpose :x [1 2 3]) ;=> (1 :x 2 :x 3)\n(apply str (interpose \", \" [1 2])) ;=> \"1, 2\"");
PUBLIC2(interpose, LZ_INTERPOSE, "interpose");

DOC(map, "[f] [f coll] [f c1 c2] [f c1 c2 c3] [f c1 c2 c3 & colls]",
    "The lazy seq of (f x) for the elements of coll; with several colls, of f on their first, second ... elements until the "
    "shortest ends. Without colls a transducer.",
    "(map inc [1 2 3]) ;=> (2 3 4)\n(map + [1 2] [10 20 30]) ;=> (11 22)\n(into [] (map inc) [1]) ;=> [2]\n(map) ;!> :arity");
static Val lazy_map(Val f, Val coll, Val more) {
  if (is_nil(more)) return LAZY(LZ_MAP, f, coll, fix(0), fix(0));
  return LAZY(LZ_MAPN, f, walk_cursors(coll, AS(Arr, more)->a, AS(Arr, more)->n));
}
static Val public_map(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 1) return in;
  return same(s[1], ABSENT) ? lazy_xf(m, LZ_MAP, (Val[]){s[0]}, 1) : lazy_map(s[0], s[1], s[2]);
}
static const NativeDef nd_map = {"clojure.core/map", 1, 1, 2, true, false, 0, public_map};

DOC(mapcat, "[f] [f & colls]", "The lazy seq of the elements of all (f x): concat of map. Without colls a transducer.",
    "(mapcat reverse [[1 2] [3]]) ;=> (2 1 3)\n(into [] (mapcat #(vector % %)) [1 2]) ;=> [1 1 2 2]");
static Val public_mapcat(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 1) return in;
  return same(s[1], ABSENT) ? lazy_xf(m, LZ_MAPCAT, (Val[]){s[0]}, 1) : lazy_concat(lazy_map(s[0], s[1], s[2]));
}
static const NativeDef nd_mapcat = {"clojure.core/mapcat", 1, 1, 2, true, false, 0, public_mapcat};

/* ---- iterate, repeatedly, cycle, range ---- */

/* slots: f, x */
static Val step_iterate(Mach *m, uint32_t pc, Val *s, Val in) {
  Val y = pc == 1 ? in : hof_call1(m, 1, s[0], s[1]);
  return is_sig(y) ? y : cons_new(y, LAZY(LZ_ITERATE, s[0], y));
}
STEP("iterate", iterate, 2, 0);
DOC(iterate, "[f x]", "The endless lazy seq of x, (f x), (f (f x)), ...", "(take 3 (iterate inc 5)) ;=> (5 6 7)");
static Val fn_iterate(Val f, Val x) { return cons_new(x, LAZY(LZ_ITERATE, f, x)); }

/* slots: n or nil, f */
static Val step_repeatedly(Mach *m, uint32_t pc, Val *s, Val in) {
  int64_t n = 0;
  if (!is_nil(s[0])) CHECK(hof_count(s[0], &n));
  if (!is_nil(s[0]) && n <= 0) return NIL;
  if (pc == 0) return nf_call0(m, 1, s[1]);
  return cons_new(in, LAZY(LZ_REPEATEDLY, is_nil(s[0]) ? NIL : int_val(n - 1), s[1]));
}
STEP("repeatedly", repeatedly, 2, 0);
DOC(repeatedly, "[f] [n f]", "The lazy seq of the values of (f), n of them or without end.", "(repeatedly 2 (constantly 1)) ;=> (1 1)");
static Val fn_repeatedly1(Val f) { return LAZY(LZ_REPEATEDLY, NIL, f); }
static Val fn_repeatedly2(Val n, Val f) { return is_num(n) ? LAZY(LZ_REPEATEDLY, n, f) : ex_cast(n, "java.lang.Number"); }

/* slots: all, src, at */
static Val step_cycle(Mach *m, uint32_t pc, Val *s, Val in) {
  Val xs[32];
  uint32_t n;
  (void)m, (void)pc, (void)in;
  CHECK(walk_block(&s[1], &s[2], xs, &n, WALK_ANY));
  if (!n) {
    s[1] = s[0];
    s[2] = fix(0);
    CHECK(walk_block(&s[1], &s[2], xs, &n, WALK_ANY));
    if (!n) return NIL;
  }
  return walk_loose(arr_new(xs, n), 0, n, LAZY(LZ_CYCLE, s[0], s[1], s[2]));
}
STEP("cycle", cycle, 3, 0);
DOC(cycle, "[coll]", "The endless lazy seq of the elements of coll, again and again; () when coll is empty.",
    "(take 5 (cycle [1 2])) ;=> (1 2 1 2 1)\n(cycle nil) ;=> ()");
static Val fn_cycle(Val coll) {
  TRY(s, walk_seq(coll));
  return is_nil(s) ? empty_list : LAZY(LZ_CYCLE, coll, coll, fix(0));
}

static Val range_ended(Val x, Val end, Val step) {
  if (num_is_zero(step)) return FALSE_V;
  return num_is_pos(step) ? num_ge(x, end) : num_le(x, end);
}

static Val range_block(Val x, Val last, Val step) {
  Val xs[32];
  uint32_t n = 0;
  for (; n < 32; n++) {
    TRY(end, range_ended(x, last, step));
    if (truthy(end)) break;
    xs[n] = x;
    TRY(next, num_add(x, step));
    x = next;
  }
  return n ? chunk_new(arr_new(xs, n), 0, n, n < 32 ? empty_list : LAZY(LZ_RANGE, x, last, step)) : NIL;
}

/* slots: start, end, step */
static Val step_range(Mach *m, uint32_t pc, Val *s, Val in) {
  (void)m, (void)pc, (void)in;
  return range_block(s[0], s[1], s[2]);
}
STEP("range", range, 3, 0);
DOC(range, "[] [end] [start end] [start end step]", "The numbers from start (0) up to but without end (none) by step (1), lazily.",
    "(range 3) ;=> (0 1 2)\n(range 1 3) ;=> (1 2)\n(range 3 0 -1) ;=> (3 2 1)\n(range 0 1 0.25) ;=> (0 0.25 0.5 0.75)\n"
    "(take 2 (range)) ;=> (0 1)");
static Val fn_range0(void) { return range_new(0, INT64_MAX, 1); }
static Val fn_range3(Val start, Val end, Val step) {
  if (is_long(start) && is_long(end) && is_long(step)) return range_new(long_of(start), long_of(end), long_of(step));
  TRY(at_end, num_equiv(start, end));
  if (num_is_zero(step)) return truthy(at_end) ? empty_list : repeat_new(-1, start);
  TRY(ended, range_ended(start, end, step));
  return truthy(ended) ? empty_list : range_block(start, end, step);
}
static Val fn_range1(Val end) { return is_dbl(end) && dbl_of(end) != dbl_of(end) ? empty_list : fn_range3(fix(0), end, fix(1)); }
static Val fn_range2(Val start, Val end) { return fn_range3(start, end, fix(1)); }

/* ---- interleave, interpose ---- */

DOC(interleave, "[] [c1] [c1 c2] [c1 c2 & colls]", "The lazy seq of the first elements of all colls, then the second ones, ...",
    "(interleave [1 2] [:a :b]) ;=> (1 :a 2 :b)\n(interleave [1 2] [:a]) ;=> (1 :a)");
static Val fn_interleave(int argc, const Val *argv) {
  if (argc == 0) return empty_list;
  return LAZY(LZ_INTERLEAVE, walk_cursors(argv[0], argv + 1, (uint32_t)argc - 1));
}

/* slots: sep, src, at, [begun] */
static Val step_interpose(Mach *m, uint32_t pc, Val *s, Val in) {
  Val xs[32], out[64];
  uint32_t n, k = 0;
  (void)m, (void)pc, (void)in;
  CHECK(walk_block(&s[1], &s[2], xs, &n, WALK_ANY));
  if (!n) return NIL;
  bool begun = !same(s[3], ABSENT);
  for (uint32_t i = 0; i < n; i++) {
    if (i || begun) out[k++] = s[0];
    out[k++] = xs[i];
  }
  Val rest = LAZY(LZ_INTERPOSE, s[0], s[1], s[2], TRUE_V);
  return k == 1 ? cons_new(out[0], rest) : walk_loose(arr_new(out, k), 0, k, rest);
}
static const NativeDef nd_step_interpose = {"breyta.lazy/interpose", 1, 3, 4, false, false, 0, step_interpose};

/* ---- partition, partition-all ---- */

enum { PART_EXACT, PART_PAD, PART_ALL };
/* slots: kind, n, step, pad, src, at | array, count, src and at of the next one, at of pad */
static Val partition_next(const Val *s, int64_t n, int64_t step) {
  if (step <= n) return LAZY(LZ_PARTITION, s[0], s[1], s[2], s[3], s[8], s[9]);
  Val rest = LAZY(LZ_DROP, int_val(step - n), s[4], s[5]);
  return LAZY(LZ_PARTITION, s[0], s[1], s[2], s[3], rest, fix(0));
}

static Val partition_piece(const Val *s) { return list_from(AS(Arr, s[6])->a, (size_t)fix_of(s[7])); }

/* The collection ended inside a piece: pc 1 fills it up from pad. */
static Val partition_last(Mach *m, Val *s, int64_t n, int64_t step) {
  Walk w = {0};
  Val x;
  if (same(s[7], fix(0)) || same(s[0], fix(PART_EXACT))) return NIL;
  if (same(s[0], fix(PART_ALL))) return cons_new(partition_piece(s), step < fix_of(s[7]) ? partition_next(s, n, step) : empty_list);
  m->nf_pc = 1;
  while (fix_of(s[7]) < n) {
    TRY(more, walk_next(&w, &s[3], &s[10], &x));
    if (!truthy(more)) break;
    walk_push(&s[6], &s[7], x);
  }
  return list_from((Val[]){partition_piece(s)}, 1);
}

static Val partition_begin(Val *s, int64_t n) { /* nil at the end of the collection */
  Walk w = {0};
  Val src = s[4], at = s[5], x;
  TRY(more, walk_next(&w, &src, &at, &x));
  if (!truthy(more) || (n < 0 && same(s[0], fix(PART_EXACT)))) return NIL;
  s[6] = arr_new(NULL, n > 0 && n < 32 ? (uint32_t)n : 16);
  s[7] = s[10] = fix(0);
  return TRUE_V;
}

static Val step_partition(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  Val x;
  int64_t n, step;
  (void)in;
  if (!is_num(s[1]) && pc == 0 && is_nil(s[6])) { /* the collection is looked at first */
    Val src = s[4], at = s[5];
    TRY(more, walk_next(&w, &src, &at, &x));
    if (!truthy(more)) return NIL;
    w = (Walk){0};
  }
  CHECK(hof_count(s[1], &n));
  bool bad_step = !is_num(s[2]); /* seen only when there is a piece */
  if (bad_step) step = n;
  else CHECK(hof_count(s[2], &step));
  if (pc == 0 && is_nil(s[6])) {
    TRY(any, partition_begin(s, n));
    if (is_nil(any)) return NIL;
  }
  while (pc == 0) {
    if (fix_of(s[7]) == (step < 0 ? 0 : step)) {
      s[8] = s[4];
      s[9] = s[5];
    }
    if (fix_of(s[7]) >= n && bad_step) return hof_count(s[2], &step);
    if (fix_of(s[7]) >= n) return cons_new(partition_piece(s), partition_next(s, n, step));
    TRY(more, walk_next(&w, &s[4], &s[5], &x));
    if (!truthy(more)) break;
    walk_push(&s[6], &s[7], x);
    if (fix_of(s[7]) % 256 == 0 && nf_spent(m, 16)) return nf_yield(m, 0);
  }
  return partition_last(m, s, n, step);
}
STEP("partition", partition, 6, 5);

DOC(partition, "[n coll] [n step coll] [n step pad coll]",
    "The lazy seq of lists of n elements, each beginning step (n) elements after the one before. An incomplete last one is left "
    "out, or filled from pad as far as that goes.",
    "(partition 2 [1 2 3 4 5]) ;=> ((1 2) (3 4))\n(partition 2 1 [1 2 3]) ;=> ((1 2) (2 3))\n"
    "(partition 3 3 [0] [1 2 3 4]) ;=> ((1 2 3) (4 0))");
static Val fn_partition2(Val n, Val coll) { return LAZY(LZ_PARTITION, fix(PART_EXACT), n, n, NIL, coll, fix(0)); }
static Val fn_partition3(Val n, Val step, Val coll) { return LAZY(LZ_PARTITION, fix(PART_EXACT), n, step, NIL, coll, fix(0)); }
static Val fn_partition4(Val n, Val step, Val pad, Val coll) {
  return LAZY(LZ_PARTITION, fix(PART_PAD), n, step, pad, coll, fix(0));
}

DOC(partition_all, "[n] [n coll] [n step coll]",
    "Like partition, but the last lists may be shorter. Without coll a transducer that gives vectors.",
    "(partition-all 2 [1 2 3]) ;=> ((1 2) (3))\n(partition-all 2 1 [1 2 3]) ;=> ((1 2) (2 3) (3))\n"
    "(into [] (partition-all 2) (range 3)) ;=> [[0 1] [2]]");
/* slots: n, coll or step, coll */
static Val public_partition_all(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 1) return in;
  if (same(s[1], ABSENT)) return lazy_xf(m, LZ_PARTITION_ALL, (Val[]){s[0]}, 1);
  bool step = !same(s[2], ABSENT);
  return LAZY(LZ_PARTITION, fix(PART_ALL), s[0], step ? s[1] : s[0], NIL, step ? s[2] : s[1], fix(0));
}
static const NativeDef nd_partition_all = {"clojure.core/partition-all", 1, 1, 3, false, false, 0, public_partition_all};

/* ---- distinct ---- */

/* slots: src, at, seen | element, whether there is one */
static Val step_distinct(Mach *m, uint32_t pc, Val *s, Val in) {
  Walk w = {0};
  (void)pc, (void)in;
  if (is_map(s[0]) || is_set(s[0]) || !is_seqable(s[0])) /* as in Clojure, where distinct takes its argument apart like a vector */
    return coll_nth(s[0], 0, ABSENT);
  for (int64_t turns = 1;; turns++) {
    if (is_nil(s[4])) {
      TRY(more, walk_next(&w, &s[0], &s[1], &s[3]));
      if (!truthy(more)) return NIL;
      s[4] = TRUE_V;
    }
    TRY(old, set_get(s[2], s[3], ABSENT));
    if (same(old, ABSENT)) {
      TRY(seen, set_conj(s[2], s[3]));
      return cons_new(s[3], LAZY(LZ_DISTINCT, s[0], s[1], seen));
    }
    s[4] = NIL;
    if (turns % 256 == 0 && nf_spent(m, 64)) return nf_yield(m, 0);
  }
}
STEP("distinct", distinct, 3, 2);
DOC(distinct, "[] [coll]", "The lazy seq of the elements without repetitions. Without coll a transducer.",
    "(distinct [1 2 1]) ;=> (1 2)\n(into [] (distinct) [1 1 2]) ;=> [1 2]");
static Val public_distinct(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 1) return in;
  return same(s[0], ABSENT) ? lazy_xf(m, LZ_DISTINCT, (Val[]){NIL}, 0) : LAZY(LZ_DISTINCT, s[0], fix(0), set_empty);
}
static const NativeDef nd_distinct = {"clojure.core/distinct", 1, 0, 1, false, false, 0, public_distinct};

DOC(chunked_seq, "[x]", "Is x a seq whose elements are made and handed on in groups?", "(chunked-seq? (seq [1 2])) ;=> true");
static Val fn_chunked_seq(Val x) {
  int t = type_of(x);
  return bool_val(t == T_VSEQ || (t == T_CHUNK && !(obj(x)->aux & CHUNK_LOOSE)) || (t == T_RANGE && AS(Range, x)->end != INT64_MAX));
}

DOC(chunk_first, "[s]", "The elements in front of a chunked seq that are there together, as a vector.", "(breyta.seq/chunk-first (seq [1 2])) ;=> [1 2]");
static Val fn_chunk_first(Val x) {
  Val out[32], rest;
  TRY(ok, fn_chunked_seq(x));
  if (!truthy(ok)) return ex_cast(x, "clojure.lang.IChunkedSeq");
  return vec_from(out, seq_chunk(x, out, &rest));
}

DOC(chunk_cons, "[values rest]", "A chunked seq of the elements of a vector with rest behind them.", "(breyta.seq/chunk-cons [1] [2]) ;=> (1 2)");
static Val fn_chunk_cons(Val v, Val rest) {
  ValVec xs = {0};
  CHECK(coll_into_array(v, &xs));
  if (!is_seq(rest)) {
    TRY(s, seq_of(rest));
    rest = is_nil(s) ? empty_list : s;
  }
  return xs.n ? chunk_new(arr_new(xs.a, (uint32_t)xs.n), 0, (uint32_t)xs.n, rest) : rest;
}

extern const BuiltinRow rows_lazy[];
#define STEP_ROW(name, cname) ROW_NATIVE("breyta.lazy/" name, nd_step_##cname, step, 0)
const BuiltinRow rows_lazy[] = {
    ROW_NATIVE("map", nd_map, map, 0),
    ROW_NATIVE("filter", nd_filter, filter, 0),
    ROW_NATIVE("remove", nd_remove, remove, 0),
    ROW_NATIVE("keep", nd_keep, keep, 0),
    ROW_NATIVE("map-indexed", nd_map_indexed, map_indexed, 0),
    ROW_NATIVE("keep-indexed", nd_keep_indexed, keep_indexed, 0),
    ROW_NATIVE("mapcat", nd_mapcat, mapcat, 0),
    ROW_NATIVE("take", nd_take, take, 0),
    ROW_NATIVE("drop", nd_drop, drop, 0),
    ROW_NATIVE("take-while", nd_take_while, take_while, 0),
    ROW_NATIVE("drop-while", nd_drop_while, drop_while, 0),
    ROW_NATIVE("interpose", nd_interpose, interpose, 0),
    ROW_NATIVE("partition-all", nd_partition_all, partition_all, 0),
    ROW_NATIVE("distinct", nd_distinct, distinct, 0),
    ROWV("concat", 0, fn_concat, concat, B_PURE),
    ROWV("interleave", 0, fn_interleave, interleave, B_PURE),
    ROW2("iterate", fn_iterate, iterate, B_PURE),
    ROW1("repeatedly", fn_repeatedly1, repeatedly, B_PURE),
    ROW2("repeatedly", fn_repeatedly2, repeatedly, B_PURE),
    ROW1("cycle", fn_cycle, cycle, B_PURE),
    ROW0("range", fn_range0, range, B_PURE),
    ROW1("range", fn_range1, range, B_PURE),
    ROW2("range", fn_range2, range, B_PURE),
    ROW3("range", fn_range3, range, B_PURE),
    ROW2("partition", fn_partition2, partition, B_PURE),
    ROW3("partition", fn_partition3, partition, B_PURE),
    ROW4("partition", fn_partition4, partition, B_PURE),
    ROW1("breyta.seq/chunk-first", fn_chunk_first, chunk_first, B_PURE),
    ROW2("breyta.seq/chunk-cons", fn_chunk_cons, chunk_cons, B_PURE),
    ROW1("chunked-seq?", fn_chunked_seq, chunked_seq, B_PURE),
    STEP_ROW("map", map),
    STEP_ROW("filter", filter),
    STEP_ROW("remove", remove),
    STEP_ROW("keep", keep),
    STEP_ROW("map-indexed", map_indexed),
    STEP_ROW("keep-indexed", keep_indexed),
    STEP_ROW("mapn", mapn),
    STEP_ROW("concat", concat),
    STEP_ROW("take", take),
    STEP_ROW("drop", drop),
    STEP_ROW("take-while", take_while),
    STEP_ROW("drop-while", drop_while),
    STEP_ROW("iterate", iterate),
    STEP_ROW("repeatedly", repeatedly),
    STEP_ROW("cycle", cycle),
    STEP_ROW("range", range),
    STEP_ROW("interleave", interleave),
    STEP_ROW("interpose", interpose),
    STEP_ROW("partition", partition),
    STEP_ROW("distinct", distinct),
    ROW_END,
};
