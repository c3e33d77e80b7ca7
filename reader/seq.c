/* seq.c - see seq.h: the kinds of seq, making and walking them. */
#include "seq.h"
#include "text.h"
#include "mem.h"
#include "ex.h"
#include "user.h"

static EmptyList empty_list_obj = {.h = {.type = T_EMPTY}};
Val empty_list = {(uint64_t)(uintptr_t)&empty_list_obj};

/* ---- demands ---- */

Val demand(Val lazy, uint32_t n) {
  pend.demand = lazy;
  pend.demand_n = n;
  pend.demand_deep = false;
  return SIG_DEMAND;
}

Val demand_all(Val lazy) { return demand(lazy, UINT32_MAX); }

Val demand_deep(Val v) {
  demand(v, UINT32_MAX);
  pend.demand_deep = true;
  return SIG_DEMAND;
}

/* ---- kinds ---- */

bool is_seq(Val v) {
  int t = type_of(v);
  return t >= T_EMPTY && t <= T_REPEAT;
}
_Static_assert(T_REPEAT - T_EMPTY == 10, "all types of seq, and nothing else, lie between T_EMPTY and T_REPEAT");

bool is_sequential(Val v) { return is_vec(v) || is_seq(v); }
bool is_coll(Val v) { return is_sequential(v) || is_map(v) || is_set(v); }
bool is_seqable(Val v) { return is_nil(v) || is_coll(v) || is_str(v) || is_type(v, T_BYTES) || is_type(v, T_JARRAY); }

/* ---- making ---- */

static Val list_cell(Val meta, Val first, Val rest, uint32_t cnt) {
  List *l = mem_obj(T_LIST);
  l->cnt = cnt;
  l->meta = meta;
  l->first = first;
  l->rest = rest;
  return from_obj(l);
}

static Val cons_cell(Val first, Val rest) {
  Cons *c = mem_obj(T_CONS);
  c->first = first;
  c->rest = rest;
  return from_obj(c);
}

Val cons_new(Val first, Val rest) {
  if (is_nil(rest)) return list_cell(NIL, first, empty_list, 1);
  if (!is_seq(rest)) {
    TRY(s, seq_of(rest));
    rest = is_nil(s) ? empty_list : s;
  }
  return cons_cell(first, rest);
}

Val list_conj(Val list, Val x) {
  if (is_type(list, T_LIST)) return list_cell(AS(List, list)->meta, x, list, AS(List, list)->cnt + 1);
  return list_cell(is_nil(list) ? NIL : AS(EmptyList, list)->meta, x, empty_list, 1);
}

Val list_from(const Val *xs, size_t n) {
  Val l = empty_list;
  for (size_t i = n; i > 0; i--) l = list_cell(NIL, xs[i - 1], l, (uint32_t)(n - i + 1));
  return l;
}

Val list2(Val a, Val b) { return list_from((Val[]){a, b}, 2); }
Val list3(Val a, Val b, Val c) { return list_from((Val[]){a, b, c}, 3); }

Val list_rest_from(const Val *xs, size_t n, Val tail) {
  for (size_t i = n; i > 0; i--) {
    TRY(l, cons_new(xs[i - 1], tail));
    tail = l;
  }
  return tail;
}

Val chunk_new(Val arr, uint32_t off, uint32_t end, Val rest) {
  Chunk *c = mem_obj(T_CHUNK);
  c->off = off;
  c->end = end;
  c->arr = arr;
  c->rest = rest;
  return from_obj(c);
}

Val lazy_new(Val fn) {
  Lazy *l = mem_obj(T_LAZY);
  l->fn = fn;
  return from_obj(l);
}

Val range_new(int64_t start, int64_t end, int64_t step) {
  if (step == 0 && start != end) return repeat_new(-1, int_val(start));
  if (step >= 0 ? start >= end : start <= end) return empty_list;
  Range *r = mem_obj(T_RANGE);
  r->start = start;
  r->end = end;
  r->step = step;
  return from_obj(r);
}

Val repeat_new(int64_t n, Val x) {
  if (n == 0) return empty_list;
  Repeat *r = mem_obj(T_REPEAT);
  r->cnt = n;
  r->x = x;
  return from_obj(r);
}

static Val vseq_cell(int type, Val vec, uint32_t i) {
  VSeq *s = mem_obj(type);
  s->i = i;
  s->vec = vec;
  return from_obj(s);
}

Val vseq_new(Val vec, uint32_t i) { return i < vec_count(vec) ? vseq_cell(T_VSEQ, vec, i) : NIL; }

Val rseq_new(Val vec) {
  uint32_t n = vec_count(vec);
  return n ? vseq_cell(T_RSEQ, vec, n - 1) : NIL;
}

static Val strseq_new(Val str, uint32_t byte, uint32_t index) {
  if (byte >= str_n(str)) return NIL;
  StrSeq *s = mem_obj(T_STRSEQ);
  s->byte = byte;
  s->index = index;
  s->str = str;
  return from_obj(s);
}

static Val bytes_seq(const Bytes *b) { /* Java's bytes are signed */
  if (!b->n) return NIL;
  ValVec all = {0};
  for (uint32_t i = 0; i < b->n; i++) vv_push(&all, fix((int8_t)b->b[i]));
  return vseq_new(vec_from(all.a, all.n), 0);
}

/* ---- seq, first, next ---- */

static Val lazy_seq(Val v) {
  while (is_lazy(v)) {
    if (!is_nil(AS(Lazy, v)->fn)) return demand(v, 0);
    v = AS(Lazy, v)->seq;
  }
  return seq_of(v);
}

static Val user_seq(Val x) {
  TRY(s, user_invoke(x, UM_SEQ, NULL, 0));
  return same(s, ABSENT) ? ex_not_seqable(x) : seq_of(s);
}
/* Reads the array itself, as Java's does: what is put in later is seen. */
static Val array_seq(Val arr) { return AS(Arr, arr)->n ? chunk_new(arr, 0, AS(Arr, arr)->n, empty_list) : NIL; }

Val seq_of(Val x) {
  switch (type_of(x)) {
  case T_LIST: case T_CONS: case T_CHUNK: case T_VSEQ: case T_RSEQ: case T_STRSEQ: case T_RANGE: case T_MSEQ: case T_REPEAT: return x;
  case T_LAZY: return lazy_seq(x);
  case T_EMPTY: return NIL;
  case T_VEC: case T_ENTRY: return vseq_new(x, 0);
  case T_STR: return strseq_new(x, 0, 0);
  case T_AMAP: case T_HMAP: case T_SMAP: case T_SET: case T_SSET: case T_RECORD: return map_seq(x);
  case T_INSTANCE: return user_seq(x);
  case T_BYTES: return bytes_seq(AS(Bytes, x));
  case T_JARRAY: return array_seq(AS(JArray, x)->arr);
  default: return is_nil(x) ? NIL : ex_not_seqable(x);
  }
}

static Val strseq_first(const StrSeq *s) {
  const char *p = str_s(s->str) + s->byte;
  return char_val(utf8_next(&p));
}

static Val strseq_next(const StrSeq *s) {
  const char *p = str_s(s->str) + s->byte;
  utf8_next(&p);
  return strseq_new(s->str, (uint32_t)(p - str_s(s->str)), s->index + 1);
}

static Val first_of(Val s) { /* s: a non-empty seq, not lazy */
  switch (type_of(s)) {
  case T_LIST: return AS(List, s)->first;
  case T_CONS: return AS(Cons, s)->first;
  case T_CHUNK: return AS(Arr, AS(Chunk, s)->arr)->a[AS(Chunk, s)->off];
  case T_VSEQ: case T_RSEQ: return vec_nth(AS(VSeq, s)->vec, AS(VSeq, s)->i);
  case T_STRSEQ: return strseq_first(AS(StrSeq, s));
  case T_RANGE: return int_val(AS(Range, s)->start);
  case T_MSEQ: return mseq_first(s);
  default: return AS(Repeat, s)->x;
  }
}

Val seq_first(Val x) {
  if (is_vec(x)) return vec_count(x) ? vec_nth(x, 0) : NIL;
  TRY(s, seq_of(x));
  return is_nil(s) ? NIL : first_of(s);
}

static Val range_next(const Range *r) {
  int64_t next;
  if (__builtin_add_overflow(r->start, r->step, &next)) return empty_list;
  return range_new(next, r->end, r->step);
}

static Val chunk_rest(const Chunk *c) {
  return c->off + 1 < c->end ? chunk_new(c->arr, c->off + 1, c->end, c->rest) : c->rest;
}

static Val repeat_rest(Val s) {
  const Repeat *r = AS(Repeat, s);
  return r->cnt < 0 ? s : repeat_new(r->cnt - 1, r->x);
}

static Val rest_of(Val s) { /* as first_of; may be nil, lazy or () */
  switch (type_of(s)) {
  case T_LIST: return AS(List, s)->rest;
  case T_CONS: return AS(Cons, s)->rest;
  case T_CHUNK: return chunk_rest(AS(Chunk, s));
  case T_VSEQ: return vseq_new(AS(VSeq, s)->vec, AS(VSeq, s)->i + 1);
  case T_RSEQ: return AS(VSeq, s)->i ? vseq_cell(T_RSEQ, AS(VSeq, s)->vec, AS(VSeq, s)->i - 1) : NIL;
  case T_STRSEQ: return strseq_next(AS(StrSeq, s));
  case T_RANGE: return range_next(AS(Range, s));
  case T_MSEQ: return mseq_next(s);
  default: return repeat_rest(s);
  }
}

Val seq_rest(Val x) {
  TRY(s, seq_of(x));
  if (is_nil(s)) return empty_list;
  Val r = rest_of(s);
  if (is_nil(r)) return empty_list;
  return is_seq(r) ? r : seq_of(r);
}

Val seq_next(Val x) {
  TRY(s, seq_of(x));
  return is_nil(s) ? NIL : seq_of(rest_of(s));
}

/* ---- chunks ---- */

static uint32_t chunk_of_values(const Val *xs, uint32_t n, Val out[32]) {
  if (n > 32) n = 32;
  memcpy(out, xs, n * sizeof(Val));
  return n;
}

static uint32_t chunk_of_vec(Val vec, uint32_t i, Val out[32], Val *rest) {
  uint32_t n;
  const Val *run = vec_run(vec, i, &n);
  if (!n) return 0;
  n = chunk_of_values(run, n, out);
  *rest = vseq_new(vec, i + n);
  return n;
}

static uint32_t chunk_of_range(const Range *r, Val out[32], Val *rest) {
  uint64_t left = range_count(from_obj(r));
  uint32_t n = left < 32 ? (uint32_t)left : 32;
  for (uint32_t i = 0; i < n; i++) out[i] = int_val((int64_t)((uint64_t)r->start + i * (uint64_t)r->step));
  *rest = left > n ? range_new((int64_t)((uint64_t)r->start + n * (uint64_t)r->step), r->end, r->step) : NIL;
  return n;
}

uint32_t seq_chunk(Val s, Val out[32], Val *rest) {
  while (is_lazy(s)) {
    if (!is_nil(AS(Lazy, s)->fn)) return 0;
    s = AS(Lazy, s)->seq;
  }
  switch (type_of(s)) {
  case T_VEC: case T_ENTRY: return chunk_of_vec(s, 0, out, rest);
  case T_VSEQ: return chunk_of_vec(AS(VSeq, s)->vec, AS(VSeq, s)->i, out, rest);
  case T_RANGE: return chunk_of_range(AS(Range, s), out, rest);
  case T_CHUNK: {
    const Chunk *c = AS(Chunk, s);
    uint32_t n = chunk_of_values(AS(Arr, c->arr)->a + c->off, c->end - c->off, out);
    *rest = c->off + n < c->end ? chunk_new(c->arr, c->off + n, c->end, c->rest) : c->rest;
    return n;
  }
  default: return 0;
  }
}

uint64_t range_count(Val range) {
  const Range *r = AS(Range, range);
  uint64_t up = r->step > 0;
  uint64_t span = up ? (uint64_t)r->end - (uint64_t)r->start : (uint64_t)r->start - (uint64_t)r->end;
  uint64_t step = up ? (uint64_t)r->step : 0 - (uint64_t)r->step;
  return (span - 1) / step + 1;
}

/* ---- iterators ---- */

Val seq_iter(SeqIter *it, Val x) {
  *it = (SeqIter){.s = x};
  if (is_vec(x) || is_seq(x)) return NIL;
  TRY(s, seq_of(x));
  it->s = s;
  return NIL;
}

/* `at`: in a vector the index behind the run, in a range the elements already given; 0 for the other kinds. */
static void iter_vec(SeqIter *it, Val vec, uint32_t from) {
  it->s = vec;
  it->run = vec_run(vec, from, &it->left);
  it->at = from + it->left;
}

/* Find the run of values that `s` begins with; false if it has none. */
static bool iter_run(SeqIter *it) {
  switch (type_of(it->s)) {
  case T_VEC: case T_ENTRY: iter_vec(it, it->s, it->at); break;
  case T_VSEQ: iter_vec(it, AS(VSeq, it->s)->vec, AS(VSeq, it->s)->i); break;
  case T_CHUNK: {
    const Chunk *c = AS(Chunk, it->s);
    it->run = AS(Arr, c->arr)->a + c->off; /* being on the C stack keeps the array alive */
    it->left = c->end - c->off;
    it->s = c->rest;
    it->at = 0;
    break;
  }
  default: return false;
  }
  return it->left > 0;
}

static Val iter_range(SeqIter *it, Val *x) { /* counts without making cells */
  const Range *r = AS(Range, it->s);
  int64_t now = (int64_t)((uint64_t)r->start + it->at * (uint64_t)r->step), next;
  bool over = __builtin_add_overflow(now, r->step, &next);
  *x = int_val(now);
  it->at++;
  if (!over && (r->step > 0 ? next < r->end : next > r->end) && it->at < UINT32_MAX) return TRUE_V;
  it->s = over ? NIL : range_new(next, r->end, r->step);
  it->at = 0;
  return TRUE_V;
}

static Val iter_slow(SeqIter *it, Val *x) {
  if (++it->walked > SEQ_WALK_MAX) return ex_throw(EXC_LIMIT, "more than %u elements of a seq in one call", SEQ_WALK_MAX);
  if (is_type(it->s, T_RANGE)) return iter_range(it, x);
  if (is_vec(it->s)) it->s = NIL; /* iter_run found it used up */
  TRY(s, seq_of(it->s));
  if (is_nil(s)) return FALSE_V;
  if (!same(s, it->s)) {
    it->s = s;
    it->at = 0;
    return seq_iter_next(it, x);
  }
  *x = first_of(s);
  it->s = rest_of(s);
  it->at = 0;
  return TRUE_V;
}

Val seq_iter_next(SeqIter *it, Val *x) {
  if (!it->left && !iter_run(it)) return iter_slow(it, x);
  *x = *it->run++;
  it->left--;
  return TRUE_V;
}
