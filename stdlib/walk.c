/* walk.c - see walk.h */
#include "walk.h"
#include "reader/mem.h"

Val walk_seq(Val x) {
  Val s = seq_of(x);
  if (same(s, SIG_DEMAND) && !pend.demand_deep) pend.demand_n = 1;
  return s;
}

/* Begin a run of n values at p, the first of which is the answer. */
static Val run_start(Walk *w, const Val *p, uint32_t n, Val *at, Val *out) {
  *out = p[0];
  w->p = p + 1;
  w->n = n - 1;
  at->w += 2;
  return TRUE_V;
}

static Val walk_vec(Walk *w, Val v, Val *at, Val *out) {
  int64_t i = fix_of(*at);
  uint32_t n = 0;
  if (i >= vec_count(v)) return FALSE_V;
  const Val *p = vec_run(v, (uint32_t)i, &n);
  return run_start(w, p, n, at, out);
}

static Val walk_range(const Range *r, Val *at, Val *out) {
  int64_t d, v;
  if (__builtin_mul_overflow(fix_of(*at), r->step, &d) || __builtin_add_overflow(r->start, d, &v)) return FALSE_V;
  if (r->step > 0 ? v >= r->end : v <= r->end) return FALSE_V;
  *out = int_val(v);
  at->w += 2;
  return TRUE_V;
}

/* Strings are walked by byte offset. */
static Val walk_str(Val s, Val *at, Val *out) {
  size_t i = (size_t)fix_of(*at);
  if (i >= str_n(s)) return FALSE_V;
  const char *p = str_s(s) + i;
  *out = char_val(utf8_next(&p));
  *at = fix((int64_t)(p - str_s(s)));
  return TRUE_V;
}

static Val map_array(Val m) {
  bool pairs = is_map(m);
  uint32_t n = pairs ? map_count(m) : set_count(m);
  Val arr = arr_new(NULL, n), k, v;
  MapIter it;
  map_iter(&it, m);
  for (uint32_t i = 0; i < n && map_next(&it, &k, &v); i++) AS(Arr, arr)->a[i] = pairs ? entry_new(k, v) : k;
  return arr;
}

static void move_to(Val *src, Val *at, Val x) {
  *src = x;
  *at = fix(0);
}

static Val walk_seq_step(Val *src, Val *at, Val *out) {
  TRY(s, walk_seq(*src));
  if (is_nil(s)) {
    move_to(src, at, NIL);
    return FALSE_V;
  }
  TRY(x, seq_first(s));
  TRY(rest, seq_rest(s));
  *out = x;
  move_to(src, at, rest);
  return TRUE_V;
}

Val walk_more(Walk *w, Val *src, Val *at, Val *out) {
  for (;;) {
    Val x = *src;
    switch (type_of(x)) {
    case T_VEC:
    case T_ENTRY: return walk_vec(w, x, at, out);
    case T_ARR: {
      uint32_t i = (uint32_t)fix_of(*at);
      return i < AS(Arr, x)->n ? run_start(w, AS(Arr, x)->a + i, AS(Arr, x)->n - i, at, out) : FALSE_V;
    }
    case T_CHUNK: {
      const Chunk *c = AS(Chunk, x);
      uint32_t i = c->off + (uint32_t)fix_of(*at);
      if (i < c->end) return run_start(w, AS(Arr, c->arr)->a + i, c->end - i, at, out);
      move_to(src, at, c->rest);
      break;
    }
    case T_RANGE: return walk_range(AS(Range, x), at, out);
    case T_STR: return walk_str(x, at, out);
    case T_LIST:
      *out = AS(List, x)->first;
      move_to(src, at, AS(List, x)->rest);
      return TRUE_V;
    case T_CONS:
      *out = AS(Cons, x)->first;
      move_to(src, at, AS(Cons, x)->rest);
      return TRUE_V;
    case T_EMPTY: return FALSE_V;
    case T_LAZY:
      if (!is_nil(AS(Lazy, x)->fn)) return demand(x, 1);
      move_to(src, at, AS(Lazy, x)->seq);
      break;
    case T_VSEQ:
      *src = AS(VSeq, x)->vec;
      *at = fix(AS(VSeq, x)->i);
      break;
    case T_AMAP:
    case T_HMAP:
    case T_SMAP:
    case T_SET:
    case T_SSET:
    case T_RECORD: move_to(src, at, map_array(x)); break;
    default:
      if (is_nil(x)) return FALSE_V;
      return walk_seq_step(src, at, out);
    }
  }
}

void walk_push(Val *arr, Val *n, Val x) {
  uint32_t i = (uint32_t)fix_of(*n);
  if (i >= AS(Arr, *arr)->n) {
    Val bigger = arr_new(NULL, i < 8 ? 16 : 2 * i);
    memcpy(AS(Arr, bigger)->a, AS(Arr, *arr)->a, i * sizeof(Val));
    *arr = bigger;
  }
  AS(Arr, *arr)->a[i] = x;
  n->w += 2;
}

Val walk_take_arr(Val arr, Val n) {
  uint32_t k = (uint32_t)fix_of(n);
  return AS(Arr, arr)->n == k ? arr : arr_new(AS(Arr, arr)->a, k);
}

Val walk_all(struct Mach *m, uint32_t pc, Val *src, Val *at, Val *arr, Val *n) {
  Walk w = {0};
  Val x;
  if (is_nil(*arr)) {
    *arr = arr_new(NULL, is_vec(*src) && vec_count(*src) ? vec_count(*src) : 16);
    *n = fix(0);
  }
  for (int64_t turns = 1;; turns++) {
    TRY(more, walk_next(&w, src, at, &x));
    if (!truthy(more)) return TRUE_V;
    walk_push(arr, n, x);
    if (turns % 1024 == 0 && nf_spent(m, 64)) return nf_yield(m, pc);
  }
}

/* ---- blocks ---- */

static bool block_together(Val src, enum WalkBlock how) {
  if (how == WALK_ONE) return false;
  switch (type_of(src)) {
  case T_VEC:
  case T_ENTRY: return true;
  case T_CHUNK: return how == WALK_ANY || !(obj(src)->aux & CHUNK_LOOSE);
  case T_RANGE: return how == WALK_ANY || AS(Range, src)->end != INT64_MAX; /* (range) is not chunked */
  case T_ARR: return how == WALK_ANY;
  default: return false;
  }
}

Val walk_block(Val *src, Val *at, Val out[32], uint32_t *n, enum WalkBlock how) {
  Walk w = {0};
  *n = 0;
  TRY(more, walk_more(&w, src, at, &out[0]));
  if (!truthy(more)) return FALSE_V;
  *n = 1;
  if (!block_together(*src, how)) return TRUE_V;
  if (is_type(*src, T_RANGE)) {
    while (*n < 32 && truthy(walk_range(AS(Range, *src), at, &out[*n]))) ++*n;
    return TRUE_V;
  }
  uint32_t k = w.n < 31 ? w.n : 31;
  if (k) memcpy(out + 1, w.p, k * sizeof(Val));
  *at = fix(fix_of(*at) + k);
  *n = 1 + k;
  return TRUE_V;
}

static Val str_seq_at(Val s, size_t byte) {
  if (byte >= str_n(s)) return NIL;
  StrSeq *q = mem_obj(T_STRSEQ);
  q->byte = (uint32_t)byte;
  for (const char *p = str_s(s); p < str_s(s) + byte; utf8_next(&p)) q->index++;
  q->str = s;
  return from_obj(q);
}

Val walk_to_seq(Val src, Val at) {
  int64_t i = fix_of(at);
  if (!i) return walk_seq(src);
  switch (type_of(src)) {
  case T_VEC:
  case T_ENTRY: return i < vec_count(src) ? vseq_new(src, (uint32_t)i) : NIL;
  case T_STR: return str_seq_at(src, (size_t)i);
  case T_ARR: return i < AS(Arr, src)->n ? walk_loose(src, (uint32_t)i, AS(Arr, src)->n, empty_list) : NIL;
  case T_RANGE: {
    const Range *r = AS(Range, src);
    int64_t d, v;
    if (__builtin_mul_overflow(i, r->step, &d) || __builtin_add_overflow(r->start, d, &v)) return NIL;
    return seq_of(range_new(v, r->end, r->step));
  }
  case T_CHUNK: {
    const Chunk *c = AS(Chunk, src);
    if (c->off + i >= c->end) return walk_seq(c->rest);
    Val s = chunk_new(c->arr, c->off + (uint32_t)i, c->end, c->rest);
    obj(s)->aux = obj(src)->aux;
    return s;
  }
  default: return walk_seq(src);
  }
}

Val walk_loose(Val arr, uint32_t off, uint32_t end, Val rest) {
  Val s = chunk_new(arr, off, end, rest);
  obj(s)->aux |= CHUNK_LOOSE;
  return s;
}

/* ---- side by side ---- */

Val walk_cursors(Val first, const Val *more, uint32_t n) {
  Val arr = arr_new(NULL, 2 * (n + 1));
  Val *a = AS(Arr, arr)->a;
  for (uint32_t i = 0; i <= n; i++) {
    a[2 * i] = i ? more[i - 1] : first;
    a[2 * i + 1] = fix(0);
  }
  return arr;
}

/* The others are looked at all the same: seq is called on each before the test. Those in front have given a value already. */
static Val zip_ended(const Val *c, uint32_t i, uint32_t n) {
  for (i++; i < n; i++) {
    Walk w = {0};
    Val src = c[2 * i], at = c[2 * i + 1], x; /* copies: nothing moves, so this may be done again after a demand */
    CHECK(walk_more(&w, &src, &at, &x));
  }
  return FALSE_V;
}

Val walk_zip(Val cursors, Val vals, Val *got, uint32_t eager) {
  Val *c = AS(Arr, cursors)->a, *v = AS(Arr, vals)->a;
  for (int64_t i = fix_of(*got); i < AS(Arr, vals)->n; i++) {
    Walk w = {0};
    TRY(more, walk_more(&w, &c[2 * i], &c[2 * i + 1], &v[i]));
    if (!truthy(more)) return AS(Arr, vals)->n <= eager ? zip_ended(c, (uint32_t)i, AS(Arr, vals)->n) : FALSE_V;
    got->w += 2;
  }
  return TRUE_V;
}
