/* vec.c - see vec.h. Clojure's 32-way trie: all leaves at one depth, the last 1-32 elements in a tail array outside it.
 *
 * Inner nodes and leaves are T_ARR. A node made by a persistent operation is as long as it needs to be; a node owned by
 * a transient (its `edit` is the transient's token) always has 32 slots and is changed in place. A slot past `n`
 * and a nil slot of an inner node mean the same: no child.
 *
 * A Vec shows the elements [off, end) of a trie that holds tcount. A subvec shares the trie. `conj` on a vector that ends
 * before its trie does overwrites in a copy, exactly as Clojure's SubVector does. */
#include "vec.h"
#include "mem.h"
#include "ex.h"

enum { BITS = 5, WIDTH = 32, MASK = 31 };

static Arr arr_empty_obj = {.h = {.type = T_ARR}};
#define ARR_EMPTY {(uint64_t)(uintptr_t)&arr_empty_obj}
static Vec vec_empty_obj = {.h = {.type = T_VEC}, .shift = BITS, .root = ARR_EMPTY, .tail = ARR_EMPTY};
Val vec_empty = {(uint64_t)(uintptr_t)&vec_empty_obj};

static const char *const err_pop = "Can't pop empty vector";
static const char *const err_dead = "Transient used after persistent! call";

/* ---- arrays ---- */

/* Tokens are unique in the process, dealt to threads in blocks: runs move between threads and take their nodes along.
 * The counter wraps after 2^32 transients; a node would then have to be exactly that old to be taken for an owned one. */
uint32_t edit_token(void) {
  static uint32_t next_block;
  static _Thread_local uint32_t next, left;
  if (!left) {
    left = 1024;
    next = __atomic_fetch_add(&next_block, left, __ATOMIC_RELAXED);
  }
  left--;
  uint32_t t = next++;
  return t ? t : edit_token();
}

Val arr_new(const Val *xs, uint32_t n) {
  if (!n) return from_obj(&arr_empty_obj);
  Arr *a = mem_obj_n(T_ARR, n);
  if (xs) memcpy(a->a, xs, n * sizeof(Val));
  return from_obj(a);
}

static Arr *arr_copy(const Arr *src, uint32_t used, uint32_t n, uint32_t edit) {
  Arr *a = mem_obj_n(T_ARR, n);
  a->edit = edit;
  memcpy(a->a, src->a, used * sizeof(Val));
  return a;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* `node` with slot i = x; in place when the transient `edit` owns it. */
static Val arr_set(Val node, uint32_t i, Val x, uint32_t edit) {
  Arr *a = AS(Arr, node);
  if (!edit || a->edit != edit) {
    uint32_t n = edit ? WIDTH : i >= a->n ? i + 1 : a->n;
    a = arr_copy(a, min_u32(a->n, n), n, edit);
  }
  a->a[i] = x;
  return from_obj(a);
}

static inline Val arr_child(Val node, uint32_t i) {
  const Arr *a = AS(Arr, node);
  return i < a->n ? a->a[i] : NIL;
}

void vv_push(ValVec *v, Val x) {
  if (v->n == v->cap) {
    size_t cap = v->cap ? 2 * v->cap : 16;
    Val *a = mem_alloc(cap * sizeof(Val));
    if (v->n) memcpy(a, v->a, v->n * sizeof(Val));
    v->a = a;
    v->cap = cap;
  }
  v->a[v->n++] = x;
}

/* ---- the trie ---- */

static inline uint32_t tail_off(uint32_t cnt) { return cnt ? (cnt - 1) & ~(uint32_t)MASK : 0; }

static inline const Arr *trie_leaf(Val root, uint32_t shift, Val tail, uint32_t cnt, uint32_t i) {
  if (i >= tail_off(cnt)) return AS(Arr, tail);
  for (uint32_t s = shift; s > 0; s -= BITS) root = AS(Arr, root)->a[(i >> s) & MASK];
  return AS(Arr, root);
}

static Val trie_path(uint32_t shift, Val leaf, uint32_t edit) {
  for (uint32_t s = 0; s < shift; s += BITS) leaf = arr_set(from_obj(&arr_empty_obj), 0, leaf, edit);
  return leaf;
}

/* Put a full leaf at index i, behind all others. */
static Val trie_push(Val node, uint32_t shift, uint32_t i, Val leaf, uint32_t edit) {
  uint32_t sub = (i >> shift) & MASK;
  if (shift == BITS) return arr_set(node, sub, leaf, edit);
  Val child = arr_child(node, sub);
  child = is_nil(child) ? trie_path(shift - BITS, leaf, edit) : trie_push(child, shift - BITS, i, leaf, edit);
  return arr_set(node, sub, child, edit);
}

static Val trie_push_root(Val root, uint32_t *shift, uint32_t cnt, Val leaf, uint32_t edit) {
  uint32_t i = cnt - WIDTH;
  if ((cnt >> BITS) <= ((uint32_t)1 << *shift)) return trie_push(root, *shift, i, leaf, edit);
  Val top = arr_set(from_obj(&arr_empty_obj), 0, root, edit);
  top = arr_set(top, 1, trie_path(*shift, leaf, edit), edit);
  *shift += BITS;
  return top;
}

static Val trie_set(Val node, uint32_t shift, uint32_t i, Val x, uint32_t edit) {
  uint32_t sub = (i >> shift) & MASK;
  if (shift > 0) x = trie_set(AS(Arr, node)->a[sub], shift - BITS, i, x, edit);
  return arr_set(node, sub, x, edit);
}

static Val arr_drop(Val node, uint32_t i, uint32_t edit) { /* slot i and all behind it */
  Arr *a = AS(Arr, node);
  if (edit) return arr_set(node, i, NIL, edit);
  return from_obj(arr_copy(a, i, i, 0));
}

/* Without the leaf that holds index i, the last one; nil when nothing is left. */
static Val trie_pop(Val node, uint32_t shift, uint32_t i, uint32_t edit) {
  uint32_t sub = (i >> shift) & MASK;
  Val child = shift > BITS ? trie_pop(AS(Arr, node)->a[sub], shift - BITS, i, edit) : NIL;
  if (!is_nil(child)) return arr_set(node, sub, child, edit);
  return sub ? arr_drop(node, sub, edit) : NIL;
}

static Val trie_pop_root(Val root, uint32_t *shift, uint32_t i, uint32_t edit) {
  root = trie_pop(root, *shift, i, edit);
  if (is_nil(root)) return from_obj(&arr_empty_obj);
  if (*shift > BITS && is_nil(arr_child(root, 1))) {
    root = arr_child(root, 0);
    *shift -= BITS;
  }
  return root;
}

/* ---- persistent vectors ---- */

Val entry_new(Val k, Val v) {
  Entry *e = mem_obj(T_ENTRY);
  e->k = k;
  e->v = v;
  return from_obj(e);
}

static inline const Val *entry_vals(Val v) { return &AS(Entry, v)->k; } /* k and v lie together */

static Vec *vec_copy(const Vec *v) {
  Vec *c = mem_obj(T_VEC);
  c->end = v->end;
  c->off = v->off;
  c->tcount = v->tcount;
  c->shift = v->shift;
  c->meta = v->meta;
  c->root = v->root;
  c->tail = v->tail;
  return c;
}

Val vec_from(const Val *xs, size_t n) {
  if (!n) return vec_empty;
  Vec *v = mem_obj(T_VEC);
  uint32_t cnt = (uint32_t)n, tail = tail_off(cnt), edit = tail ? edit_token() : 0;
  v->end = v->tcount = cnt;
  v->shift = BITS;
  v->root = from_obj(&arr_empty_obj);
  for (uint32_t i = 0; i < tail; i += WIDTH)
    v->root = trie_push_root(v->root, &v->shift, i + WIDTH, arr_new(xs + i, WIDTH), edit);
  v->tail = arr_new(xs + tail, cnt - tail);
  return from_obj(v);
}

Val vec_of2(Val a, Val b) {
  Val xs[2] = {a, b};
  return vec_from(xs, 2);
}

Val vec_as_vec(Val v) { return is_entry(v) ? vec_from(entry_vals(v), 2) : v; }

uint32_t vec_count(Val v) { return is_entry(v) ? 2 : AS(Vec, v)->end - AS(Vec, v)->off; }

Val vec_nth(Val v, uint32_t i) {
  if (is_entry(v)) return entry_vals(v)[i];
  const Vec *x = AS(Vec, v);
  i += x->off;
  return trie_leaf(x->root, x->shift, x->tail, x->tcount, i)->a[i & MASK];
}

const Val *vec_run(Val v, uint32_t i, uint32_t *n) {
  if (is_entry(v)) {
    *n = i < 2 ? 2 - i : 0;
    return entry_vals(v) + i;
  }
  const Vec *x = AS(Vec, v);
  i += x->off;
  *n = i < x->end ? min_u32(WIDTH - (i & MASK), x->end - i) : 0;
  return *n ? trie_leaf(x->root, x->shift, x->tail, x->tcount, i)->a + (i & MASK) : NULL;
}

static void vec_set_slot(Vec *c, uint32_t i, Val x) { /* i counts from the start of the trie */
  if (i >= tail_off(c->tcount)) c->tail = arr_set(c->tail, i & MASK, x, 0);
  else c->root = trie_set(c->root, c->shift, i, x, 0);
}

static Val entry_conj(Val v, Val x) {
  Val xs[3] = {AS(Entry, v)->k, AS(Entry, v)->v, x};
  return vec_from(xs, 3);
}

Val vec_conj(Val v, Val x) {
  if (is_entry(v)) return entry_conj(v, x);
  Vec *c = vec_copy(AS(Vec, v));
  if (c->end < c->tcount) {
    vec_set_slot(c, c->end++, x);
    return from_obj(c);
  }
  uint32_t used = c->tcount - tail_off(c->tcount);
  if (used == WIDTH) {
    c->root = trie_push_root(c->root, &c->shift, c->tcount, c->tail, 0);
    c->tail = from_obj(&arr_empty_obj);
    used = 0;
  }
  Arr *tail = arr_copy(AS(Arr, c->tail), used, used + 1, 0);
  tail->a[used] = x;
  c->tail = from_obj(tail);
  c->end = ++c->tcount;
  return from_obj(c);
}

/* An owned vector's tail is longer than its n says: n stays what a copy's would be, so nothing else needs to know. */
static Arr *tail_with_room(Val tail, uint32_t used) {
  Arr *a = mem_obj_n(T_ARR, WIDTH);
  a->n = used;
  memcpy(a->a, AS(Arr, tail)->a, used * sizeof(Val));
  return a;
}

Val vec_conj_own(Val v, Val x) {
  Vec *c = AS(Vec, v);
  if (c->end < c->tcount) return vec_conj(v, x);
  bool own = c->h.flags & COLL_OWNED;
  if (!own) c = vec_copy(c);
  uint32_t used = c->tcount - tail_off(c->tcount);
  if (used == WIDTH) {
    c->root = trie_push_root(c->root, &c->shift, c->tcount, c->tail, 0);
    used = 0;
  }
  if (!own || !used) c->tail = from_obj(tail_with_room(c->tail, used));
  Arr *tail = AS(Arr, c->tail);
  tail->a[used] = x;
  tail->n = used + 1;
  c->end = ++c->tcount;
  c->h.hash = 0;
  c->h.flags = COLL_OWNED;
  return from_obj(c);
}

Val vec_assoc(Val v, uint32_t i, Val x) {
  if (i == vec_count(v)) return vec_conj(v, x);
  Vec *c = vec_copy(AS(Vec, vec_as_vec(v)));
  vec_set_slot(c, c->off + i, x);
  return from_obj(c);
}

static Val vec_empty_like(const Vec *v) {
  if (is_nil(v->meta)) return vec_empty;
  Vec *c = vec_copy(&vec_empty_obj);
  c->meta = v->meta;
  return from_obj(c);
}

static void vec_pop_trie(Vec *c) {
  uint32_t used = c->tcount - tail_off(c->tcount);
  if (used > 1) {
    c->tail = from_obj(arr_copy(AS(Arr, c->tail), used - 1, used - 1, 0));
  } else {
    c->tail = from_obj(trie_leaf(c->root, c->shift, c->tail, c->tcount, c->tcount - 2));
    c->root = trie_pop_root(c->root, &c->shift, c->tcount - 2, 0);
  }
  c->end = --c->tcount;
}

Val vec_pop(Val v) {
  if (is_entry(v)) return vec_from(entry_vals(v), 1);
  const Vec *x = AS(Vec, v);
  if (x->end == x->off) return ex_throw(EXC_STATE, "%s", err_pop);
  if (x->end - x->off == 1) return vec_empty_like(x);
  Vec *c = vec_copy(x);
  if (x->off == 0 && x->end == x->tcount) vec_pop_trie(c);
  else c->end--;
  return from_obj(c);
}

Val vec_peek(Val v) {
  uint32_t n = vec_count(v);
  return n ? vec_nth(v, n - 1) : NIL;
}

Val vec_sub(Val v, uint32_t from, uint32_t to) {
  if (from == to) return vec_empty;
  Vec *c = vec_copy(AS(Vec, vec_as_vec(v)));
  c->end = c->off + to;
  c->off += from;
  c->meta = NIL;
  return from_obj(c);
}

/* ---- transients ---- */

static Val vec_compact(Val v) { /* a subvec as a vector of its own */
  ValVec all = {0};
  uint32_t n, cnt = vec_count(v);
  for (uint32_t i = 0; i < cnt; i += n) {
    const Val *run = vec_run(v, i, &n);
    for (uint32_t j = 0; j < n; j++) vv_push(&all, run[j]);
  }
  return vec_from(all.a, all.n);
}

Val tvec_of(Val vec) {
  vec = vec_as_vec(vec);
  if (AS(Vec, vec)->off || AS(Vec, vec)->end != AS(Vec, vec)->tcount) vec = vec_compact(vec);
  const Vec *v = AS(Vec, vec);
  TVec *t = mem_obj(T_TVEC);
  t->cnt = v->tcount;
  t->shift = v->shift;
  t->edit = edit_token();
  t->root = v->root;
  t->tail = from_obj(arr_copy(AS(Arr, v->tail), v->tcount - tail_off(v->tcount), WIDTH, t->edit));
  return from_obj(t);
}

static inline Val tvec_check(const TVec *t) { return t->edit ? NIL : ex_throw(EXC_ILLEGAL_ACCESS, "%s", err_dead); }

Val tvec_conj(Val tv, Val x) {
  TVec *t = AS(TVec, tv);
  CHECK(tvec_check(t));
  uint32_t used = t->cnt - tail_off(t->cnt);
  if (used == WIDTH) {
    t->root = trie_push_root(t->root, &t->shift, t->cnt, t->tail, t->edit);
    Arr *tail = mem_obj_n(T_ARR, WIDTH);
    tail->edit = t->edit;
    t->tail = from_obj(tail);
    used = 0;
  }
  AS(Arr, t->tail)->a[used] = x;
  t->cnt++;
  return tv;
}

Val tvec_assoc(Val tv, uint32_t i, Val x) {
  TVec *t = AS(TVec, tv);
  CHECK(tvec_check(t));
  if (i == t->cnt) return tvec_conj(tv, x);
  if (i >= tail_off(t->cnt)) AS(Arr, t->tail)->a[i & MASK] = x;
  else t->root = trie_set(t->root, t->shift, i, x, t->edit);
  return tv;
}

Val tvec_pop(Val tv) {
  TVec *t = AS(TVec, tv);
  CHECK(tvec_check(t));
  if (!t->cnt) return ex_throw(EXC_STATE, "%s", err_pop);
  uint32_t used = t->cnt - tail_off(t->cnt);
  if (used > 1 || t->cnt == 1) {
    AS(Arr, t->tail)->a[used - 1] = NIL;
  } else {
    const Arr *leaf = trie_leaf(t->root, t->shift, t->tail, t->cnt, t->cnt - 2);
    t->tail = from_obj(arr_copy(leaf, WIDTH, WIDTH, t->edit));
    t->root = trie_pop_root(t->root, &t->shift, t->cnt - 2, t->edit);
  }
  t->cnt--;
  return tv;
}

Val tvec_nth(Val tv, uint32_t i) {
  const TVec *t = AS(TVec, tv);
  CHECK(tvec_check(t));
  return trie_leaf(t->root, t->shift, t->tail, t->cnt, i)->a[i & MASK];
}

uint32_t tvec_count(Val t) { return AS(TVec, t)->cnt; }

Val tvec_persistent(Val tv) {
  TVec *t = AS(TVec, tv);
  CHECK(tvec_check(t));
  t->edit = 0;
  if (!t->cnt) return vec_empty;
  Vec *v = mem_obj(T_VEC);
  uint32_t used = t->cnt - tail_off(t->cnt);
  v->end = v->tcount = t->cnt;
  v->shift = t->shift;
  v->root = t->root;
  v->tail = from_obj(arr_copy(AS(Arr, t->tail), used, used, 0));
  return from_obj(v);
}
