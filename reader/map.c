/* map.c - see map.h: array maps, and the dispatch of map operations to array, hash and sorted maps. */
#include "map.h"
#include "champ.h"
#include "sorted.h"
#include "mapint.h"
#include "record.h"
#include "mem.h"
#include "ex.h"
#include "print.h"

static AMap map_empty_obj = {.h = {.type = T_AMAP}};
static HMap hmap_empty_obj = {.h = {.type = T_HMAP}};
Val map_empty = {(uint64_t)(uintptr_t)&map_empty_obj};
Val hmap_empty = {(uint64_t)(uintptr_t)&hmap_empty_obj};

/* ---- array maps ---- */

static Val amap_find_equal(const Val *kv, uint32_t n, Val k, int32_t *at) {
  for (uint32_t i = 0; i < n; i += 2) {
    TRY(e, key_eq(kv[i], k));
    if (truthy(e)) {
      *at = (int32_t)i;
      break;
    }
  }
  return NIL;
}

Val amap_find(const Val *kv, uint32_t n, Val k, int32_t *at) {
  for (uint32_t i = 0; i < n; i += 2) {
    if (same(kv[i], k)) {
      *at = (int32_t)i;
      return NIL;
    }
  }
  *at = -1;
  return key_is_word(k) ? NIL : amap_find_equal(kv, n, k, at);
}

static AMap *amap_new(uint32_t n, Val meta) {
  AMap *m = mem_obj_n(T_AMAP, n);
  m->meta = meta;
  return m;
}

static Val amap_grow(const AMap *m, Val k, Val v) {
  AMap *c = amap_new(m->n + 2, m->meta);
  memcpy(c->kv, m->kv, m->n * sizeof(Val));
  c->kv[m->n] = k;
  c->kv[m->n + 1] = v;
  return from_obj(c);
}

/* The ninth key makes a hash map. */
static Val amap_to_hash(const AMap *m, Val k, Val v) {
  TRY(t, tmap_hashed(m->kv, m->n));
  CHECK(tmap_assoc(t, k, v));
  Val h = tmap_persistent(t);
  AS(HMap, h)->meta = m->meta;
  return h;
}

static Val amap_assoc(Val mv, Val k, Val v) {
  const AMap *m = AS(AMap, mv);
  int32_t at;
  CHECK(amap_find(m->kv, m->n, k, &at));
  if (at < 0) return m->n >= AMAP_MAX ? amap_to_hash(m, k, v) : amap_grow(m, k, v);
  if (same(m->kv[at + 1], v)) return mv;
  AMap *c = amap_new(m->n, m->meta);
  memcpy(c->kv, m->kv, m->n * sizeof(Val));
  c->kv[at + 1] = v;
  return from_obj(c);
}

static Val amap_dissoc(Val mv, Val k) {
  const AMap *m = AS(AMap, mv);
  int32_t at;
  CHECK(amap_find(m->kv, m->n, k, &at));
  if (at < 0) return mv;
  if (m->n == 2 && is_nil(m->meta)) return map_empty;
  AMap *c = amap_new(m->n - 2, m->meta);
  memcpy(c->kv, m->kv, (size_t)at * sizeof(Val));
  memcpy(c->kv + at, m->kv + at + 2, (m->n - 2 - (uint32_t)at) * sizeof(Val));
  return from_obj(c);
}

static Val amap_assoc_own(Val mv, Val k, Val v) {
  AMap *m = AS(AMap, mv);
  int32_t at;
  CHECK(amap_find(m->kv, m->n, k, &at));
  if (at >= 0 && same(m->kv[at + 1], v)) return mv;
  if (at >= 0 && (m->h.flags & COLL_OWNED)) {
    m->kv[at + 1] = v;
    m->h.hash = 0;
    return mv;
  }
  TRY(c, amap_assoc(mv, k, v));
  obj(c)->flags = COLL_OWNED;
  return c;
}

/* ---- hash maps ---- */

static Val hmap_with(const HMap *m, Val root, uint32_t cnt) {
  HMap *c = mem_obj(T_HMAP);
  c->cnt = cnt;
  c->has_nil = m->has_nil;
  c->meta = m->meta;
  c->root = root;
  c->nil_val = m->nil_val;
  return from_obj(c);
}

static Val hmap_set_nil(Val mv, bool present, Val v) {
  const HMap *m = AS(HMap, mv);
  if (m->has_nil == present && same(m->nil_val, v)) return mv;
  Val c = hmap_with(m, m->root, m->cnt - m->has_nil + present);
  AS(HMap, c)->has_nil = present;
  AS(HMap, c)->nil_val = v;
  return c;
}

Val hmap_assoc(Val mv, Val k, Val v) {
  const HMap *m = AS(HMap, mv);
  if (is_nil(k)) return hmap_set_nil(mv, true, same(v, ABSENT) ? NIL : v);
  uint32_t h;
  CHECK(hash_key(k, &h));
  bool added = false;
  TRY(root, champ_assoc(m->root, 0, h, k, v, 0, &added));
  return same(root, m->root) ? mv : hmap_with(m, root, m->cnt + added);
}

/* The token of an owned map's nodes is that of its root. */
static Val hmap_assoc_own(Val mv, Val k, Val v) {
  if (is_nil(k)) return hmap_set_nil(mv, true, v);
  HMap *m = AS(HMap, mv);
  bool own = (m->h.flags & COLL_OWNED) && AS(MNode, m->root)->edit;
  uint32_t h, edit = own ? AS(MNode, m->root)->edit : edit_token();
  CHECK(hash_key(k, &h));
  bool added = false;
  TRY(root, champ_assoc(m->root, 0, h, k, v, edit, &added));
  if (!own && same(root, m->root)) return mv;
  Val c = own ? mv : hmap_with(m, root, m->cnt + added);
  if (own) {
    m->root = root;
    m->cnt += added;
    m->h.hash = 0;
  }
  obj(c)->flags = COLL_OWNED;
  return c;
}

Val hmap_dissoc(Val mv, Val k) {
  const HMap *m = AS(HMap, mv);
  if (is_nil(k)) return hmap_set_nil(mv, false, NIL);
  uint32_t h;
  CHECK(hash_key(k, &h));
  bool removed = false;
  TRY(root, champ_dissoc(m->root, 0, h, k, 0, &removed));
  return removed ? hmap_with(m, root, m->cnt - 1) : mv;
}

Val hmap_pair(Val mv, Val k, const Val **kv) {
  static const Val nil_key = {0};
  const HMap *m = AS(HMap, mv);
  if (is_nil(k)) {
    *kv = m->has_nil ? &nil_key : NULL;
    return NIL;
  }
  uint32_t h;
  *kv = NULL;
  if (is_nil(m->root)) return NIL;
  CHECK(hash_key(k, &h));
  return champ_find(m->root, h, k, kv);
}

static Val hmap_get(Val mv, Val k, Val not_found) {
  const Val *kv;
  if (is_nil(k)) return AS(HMap, mv)->has_nil ? AS(HMap, mv)->nil_val : not_found;
  CHECK(hmap_pair(mv, k, &kv));
  return kv ? kv[1] : not_found;
}

/* ---- any map ---- */

uint32_t map_count(Val m) {
  switch (type_of(m)) {
  case T_AMAP: return AS(AMap, m)->n / 2;
  case T_HMAP: return AS(HMap, m)->cnt;
  case T_RECORD: return rec_count(m);
  default: return AS(SMap, m)->cnt;
  }
}

Val map_get(Val m, Val k, Val not_found) {
  int type = type_of(m);
  if (type == T_AMAP) {
    int32_t at;
    CHECK(amap_find(AS(AMap, m)->kv, AS(AMap, m)->n, k, &at));
    return at < 0 ? not_found : AS(AMap, m)->kv[at + 1];
  }
  if (type == T_HMAP) return hmap_get(m, k, not_found);
  if (type == T_RECORD) return rec_get(m, k, not_found);
  Val node;
  CHECK(sorted_find(AS(SMap, m), k, &node));
  return is_nil(node) ? not_found : AS(SNode, node)->v;
}

Val map_find(Val m, Val k) {
  int type = type_of(m);
  if (type == T_AMAP) {
    const Val *kv = AS(AMap, m)->kv;
    int32_t at;
    CHECK(amap_find(kv, AS(AMap, m)->n, k, &at));
    return at < 0 ? NIL : entry_new(kv[at], kv[at + 1]);
  }
  if (type == T_HMAP) {
    const Val *kv;
    CHECK(hmap_pair(m, k, &kv));
    if (kv && is_nil(k)) return entry_new(NIL, AS(HMap, m)->nil_val);
    return kv ? entry_new(kv[0], kv[1]) : NIL;
  }
  if (type == T_RECORD) return rec_find(m, k);
  Val node;
  CHECK(sorted_find(AS(SMap, m), k, &node));
  return is_nil(node) ? NIL : entry_new(AS(SNode, node)->k, AS(SNode, node)->v);
}

Val map_assoc(Val m, Val k, Val v) {
  switch (type_of(m)) {
  case T_AMAP: return amap_assoc(m, k, v);
  case T_HMAP: return hmap_assoc(m, k, v);
  case T_RECORD: return rec_assoc(m, k, v);
  default: return sorted_assoc(m, k, v);
  }
}

Val map_assoc_own(Val m, Val k, Val v) {
  return is_type(m, T_AMAP) ? amap_assoc_own(m, k, v) : hmap_assoc_own(m, k, v);
}

Val map_dissoc(Val m, Val k) {
  switch (type_of(m)) {
  case T_AMAP: return amap_dissoc(m, k);
  case T_HMAP: return hmap_dissoc(m, k);
  case T_RECORD: return rec_dissoc(m, k);
  default: return sorted_dissoc(m, k);
  }
}

Val map_merge(Val under, Val over) {
  MapIter it;
  Val k, v;
  if (!is_map(over)) return under;
  if (!is_map(under)) return over;
  map_iter(&it, over);
  while (!is_sig(under) && map_next(&it, &k, &v)) under = map_assoc(under, k, v);
  return under;
}

Val map_get_kw(Val m, const char *name) { return is_map(m) ? map_get(m, kw_c(name), NIL) : NIL; }

/* ---- making ---- */

Val map_duplicate_key(Val k) {
  if (is_nil(k)) return ex_throw(EXC_ILLEGAL_ARG, "Duplicate key: null");
  Buf b = {0};
  Val printed = print_str_of(&b, k);
  Val r = is_sig(printed) ? printed : ex_throw(EXC_ILLEGAL_ARG, "Duplicate key: %s", buf_cstr(&b));
  buf_free(&b);
  return r;
}

/* Fill kv from the pairs; *n = values used. */
static Val amap_fill(Val *kv, uint32_t *n, const Val *kvs, size_t pairs, bool dup_error) {
  for (size_t i = 0; i < 2 * pairs; i += 2) {
    int32_t at;
    CHECK(amap_find(kv, *n, kvs[i], &at));
    if (at >= 0 && dup_error) return map_duplicate_key(kvs[i]);
    if (at < 0) {
      at = (int32_t)*n;
      kv[at] = kvs[i];
      *n += 2;
    }
    kv[at + 1] = kvs[i + 1];
  }
  return NIL;
}

static Val amap_build(const Val *kvs, size_t pairs, bool dup_error) {
  if (!pairs) return map_empty;
  AMap *m = amap_new((uint32_t)(2 * pairs), NIL);
  uint32_t n = 0;
  CHECK(amap_fill(m->kv, &n, kvs, pairs, dup_error));
  if (n == m->n) return from_obj(m);
  AMap *less = amap_new(n, NIL);
  memcpy(less->kv, m->kv, n * sizeof(Val));
  return from_obj(less);
}

Val amap_from(const Val *kvs, size_t pairs) { return amap_build(kvs, pairs, false); }

static Val hmap_build(const Val *kvs, size_t pairs, bool dup_error) {
  TRY(t, tmap_hashed(NULL, 0));
  for (size_t i = 0; i < pairs; i++) {
    CHECK(tmap_assoc(t, kvs[2 * i], kvs[2 * i + 1]));
    if (dup_error && tmap_count(t) != i + 1) return map_duplicate_key(kvs[2 * i]);
  }
  return tmap_persistent(t);
}

Val hmap_from(const Val *kvs, size_t pairs) { return hmap_build(kvs, pairs, false); }

Val map_from(const Val *kvs, size_t pairs, bool dup_error) {
  return pairs <= AMAP_MAX / 2 ? amap_build(kvs, pairs, dup_error) : hmap_build(kvs, pairs, dup_error);
}
