/* tmap.c - transient maps and sets.
 *
 * A transient begins as a copy of an array map (`map` is a T_ARR of max(16, its size) slots) or on the root of a hash map
 * (`map` is a T_MNODE or nil, `extra` the value of the nil key). The array becomes a hash map when it is full. What
 * comes out of `persistent!` is an array or a hash map accordingly, without metadata, all as in Clojure. */
#include "map.h"
#include "champ.h"
#include "mapint.h"
#include "mem.h"
#include "ex.h"

static bool tmap_is_array(const TMap *t) { return is_type(t->map, T_ARR); }

static Val dead(void) { return ex_throw(EXC_ILLEGAL_ACCESS, "Transient used after persistent! call"); }

Val transient_check(Val t) {
  switch (type_of(t)) {
  case T_TVEC: return AS(TVec, t)->edit ? NIL : dead();
  case T_TSET: return transient_check(AS(TSet, t)->map);
  default: return AS(TMap, t)->edit ? NIL : dead();
  }
}

static TMap *tmap_new(void) {
  TMap *t = mem_obj(T_TMAP);
  t->edit = edit_token();
  return t;
}

static Val tmap_of_array(const AMap *m) {
  TMap *t = tmap_new();
  Arr *a = mem_obj_n(T_ARR, m->n > AMAP_MAX ? m->n : AMAP_MAX);
  memcpy(a->a, m->kv, m->n * sizeof(Val));
  t->cnt = m->n / 2;
  t->map = from_obj(a);
  return from_obj(t);
}

Val tmap_of(Val m) {
  if (is_type(m, T_AMAP)) return tmap_of_array(AS(AMap, m));
  if (!is_type(m, T_HMAP)) return ex_cast(m, "clojure.lang.IEditableCollection");
  const HMap *h = AS(HMap, m);
  TMap *t = tmap_new();
  t->cnt = h->cnt;
  t->map = h->root;
  t->extra = h->nil_val;
  t->h.flags = h->has_nil ? TMAP_HAS_NIL : 0;
  return from_obj(t);
}

/* ---- hash mode ---- */

static Val hash_assoc(Val tv, Val k, Val v) {
  TMap *t = AS(TMap, tv);
  if (is_nil(k)) {
    t->cnt += !(t->h.flags & TMAP_HAS_NIL);
    t->h.flags |= TMAP_HAS_NIL;
    t->extra = same(v, ABSENT) ? NIL : v;
    return tv;
  }
  uint32_t h;
  CHECK(hash_key(k, &h));
  bool added = false;
  TRY(root, champ_assoc(t->map, 0, h, k, v, t->edit, &added));
  t->map = root;
  t->cnt += added;
  return tv;
}

static Val hash_dissoc(Val tv, Val k) {
  TMap *t = AS(TMap, tv);
  if (is_nil(k)) {
    t->cnt -= t->h.flags & TMAP_HAS_NIL;
    t->h.flags &= (uint8_t)~TMAP_HAS_NIL;
    t->extra = NIL;
    return tv;
  }
  uint32_t h;
  CHECK(hash_key(k, &h));
  bool removed = false;
  TRY(root, champ_dissoc(t->map, 0, h, k, t->edit, &removed));
  t->map = root;
  t->cnt -= removed;
  return tv;
}

Val tmap_hashed(const Val *kvs, uint32_t n) {
  Val t = from_obj(tmap_new());
  for (uint32_t i = 0; i < n; i += 2) CHECK(hash_assoc(t, kvs[i], kvs[i + 1]));
  return t;
}

/* ---- array mode ---- */

static Val array_to_hash(TMap *t) {
  const Arr *a = AS(Arr, t->map);
  TRY(hv, tmap_hashed(a->a, 2 * t->cnt));
  const TMap *h = AS(TMap, hv);
  t->edit = h->edit; /* the new nodes are owned by that token */
  t->map = h->map;
  t->extra = h->extra;
  t->h.flags = h->h.flags;
  return NIL;
}

static Val array_assoc(Val tv, Val k, Val v) {
  TMap *t = AS(TMap, tv);
  Arr *a = AS(Arr, t->map);
  int32_t at;
  CHECK(amap_find(a->a, 2 * t->cnt, k, &at));
  if (at < 0) {
    if (2 * t->cnt >= a->n) {
      CHECK(array_to_hash(t));
      return hash_assoc(tv, k, v);
    }
    at = (int32_t)(2 * t->cnt++);
    a->a[at] = k;
  }
  a->a[at + 1] = v;
  return tv;
}

static Val array_dissoc(Val tv, Val k) { /* the last pair takes the place, as in Clojure */
  TMap *t = AS(TMap, tv);
  Arr *a = AS(Arr, t->map);
  int32_t at;
  CHECK(amap_find(a->a, 2 * t->cnt, k, &at));
  if (at < 0) return tv;
  uint32_t last = 2 * --t->cnt;
  memmove(a->a + at, a->a + last, 2 * sizeof(Val));
  a->a[last] = a->a[last + 1] = NIL;
  return tv;
}

static Val array_persistent(const TMap *t) {
  if (!t->cnt) return map_empty;
  AMap *m = mem_obj_n(T_AMAP, 2 * t->cnt);
  memcpy(m->kv, AS(Arr, t->map)->a, m->n * sizeof(Val));
  return from_obj(m);
}

/* ---- both ---- */

Val tmap_assoc(Val tv, Val k, Val v) {
  CHECK(transient_check(tv));
  return tmap_is_array(AS(TMap, tv)) ? array_assoc(tv, k, v) : hash_assoc(tv, k, v);
}

Val tmap_dissoc(Val tv, Val k) {
  CHECK(transient_check(tv));
  return tmap_is_array(AS(TMap, tv)) ? array_dissoc(tv, k) : hash_dissoc(tv, k);
}

static Val tmap_pair(const TMap *t, Val k, const Val **kv) { /* k is not nil in hash mode */
  *kv = NULL;
  if (tmap_is_array(t)) {
    int32_t at;
    CHECK(amap_find(AS(Arr, t->map)->a, 2 * t->cnt, k, &at));
    if (at >= 0) *kv = AS(Arr, t->map)->a + at;
    return NIL;
  }
  uint32_t h;
  CHECK(hash_key(k, &h));
  return champ_find(t->map, h, k, kv);
}

Val tmap_get(Val tv, Val k, Val not_found) {
  CHECK(transient_check(tv));
  const TMap *t = AS(TMap, tv);
  if (is_nil(k) && !tmap_is_array(t)) return t->h.flags & TMAP_HAS_NIL ? t->extra : not_found;
  const Val *kv;
  CHECK(tmap_pair(t, k, &kv));
  return kv ? kv[1] : not_found;
}

Val tmap_key(Val tv, Val x, Val not_found) {
  const TMap *t = AS(TMap, tv);
  if (is_nil(x)) return t->h.flags & TMAP_HAS_NIL ? NIL : not_found;
  const Val *kv;
  CHECK(tmap_pair(t, x, &kv));
  return kv ? kv[0] : not_found;
}

uint32_t tmap_count(Val t) { return AS(TMap, t)->cnt; }

Val tmap_add(Val tv, Val x) { return hash_assoc(tv, x, ABSENT); }

Val tmap_persistent(Val tv) {
  CHECK(transient_check(tv));
  TMap *t = AS(TMap, tv);
  t->edit = 0;
  if (tmap_is_array(t)) return array_persistent(t);
  HMap *m = mem_obj(T_HMAP);
  m->cnt = t->cnt;
  m->has_nil = t->h.flags & TMAP_HAS_NIL;
  m->root = t->map;
  m->nil_val = t->extra;
  return from_obj(m);
}
