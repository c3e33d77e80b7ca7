/* set.c - hash sets, sorted sets and transient sets: maps from each element to itself. */
#include "map.h"
#include "mapint.h"
#include "sorted.h"
#include "mem.h"
#include "ex.h"

static HMap set_empty_map = {.h = {.type = T_HMAP}};
static Set set_empty_obj = {.h = {.type = T_SET}, .map = {(uint64_t)(uintptr_t)&set_empty_map}};
Val set_empty = {(uint64_t)(uintptr_t)&set_empty_obj};

static Val set_with(Val meta, Val map) {
  Set *s = mem_obj(T_SET);
  s->meta = meta;
  s->map = map;
  return from_obj(s);
}

static Val sset_with(Val meta, Val map) {
  SSet *s = mem_obj(T_SSET);
  s->meta = meta;
  s->map = map;
  return from_obj(s);
}

Val sset_new(Val cmp) { return sset_with(NIL, smap_new(cmp)); }

uint32_t set_count(Val s) { return map_count(is_type(s, T_SET) ? AS(Set, s)->map : AS(SSet, s)->map); }

Val set_get(Val s, Val x, Val not_found) {
  if (is_type(s, T_SSET)) {
    Val node;
    CHECK(sorted_find(AS(SMap, AS(SSet, s)->map), x, &node));
    return is_nil(node) ? not_found : AS(SNode, node)->k;
  }
  const Val *kv;
  CHECK(hmap_pair(AS(Set, s)->map, x, &kv));
  return kv ? kv[0] : not_found;
}

Val set_conj(Val s, Val x) {
  bool sorted = is_type(s, T_SSET);
  Val map = sorted ? AS(SSet, s)->map : AS(Set, s)->map;
  TRY(now, sorted ? sorted_assoc(map, x, ABSENT) : hmap_assoc(map, x, ABSENT));
  if (same(now, map)) return s;
  return sorted ? sset_with(AS(SSet, s)->meta, now) : set_with(AS(Set, s)->meta, now);
}

Val set_disj(Val s, Val x) {
  bool sorted = is_type(s, T_SSET);
  Val map = sorted ? AS(SSet, s)->map : AS(Set, s)->map;
  TRY(now, sorted ? sorted_dissoc(map, x) : hmap_dissoc(map, x));
  if (same(now, map)) return s;
  return sorted ? sset_with(AS(SSet, s)->meta, now) : set_with(AS(Set, s)->meta, now);
}

Val set_from(const Val *xs, size_t n, bool dup_error) {
  if (!n) return set_empty;
  TRY(t, tmap_hashed(NULL, 0));
  for (size_t i = 0; i < n; i++) {
    CHECK(tmap_add(t, xs[i]));
    if (dup_error && tmap_count(t) != i + 1) return map_duplicate_key(xs[i]);
  }
  TRY(map, tmap_persistent(t));
  return set_with(NIL, map);
}

/* ---- transients ---- */

Val tset_of(Val s) {
  if (!is_type(s, T_SET)) return ex_cast(s, "clojure.lang.IEditableCollection");
  TSet *t = mem_obj(T_TSET);
  t->map = tmap_of(AS(Set, s)->map);
  return from_obj(t);
}

Val tset_conj(Val t, Val x) {
  CHECK(transient_check(t));
  CHECK(tmap_add(AS(TSet, t)->map, x));
  return t;
}

Val tset_disj(Val t, Val x) {
  CHECK(tmap_dissoc(AS(TSet, t)->map, x));
  return t;
}

Val tset_get(Val t, Val x, Val not_found) {
  CHECK(transient_check(t));
  return tmap_key(AS(TSet, t)->map, x, not_found);
}

uint32_t tset_count(Val t) { return tmap_count(AS(TSet, t)->map); }

Val tset_persistent(Val t) {
  TRY(map, tmap_persistent(AS(TSet, t)->map));
  return AS(HMap, map)->cnt ? set_with(NIL, map) : set_empty;
}
