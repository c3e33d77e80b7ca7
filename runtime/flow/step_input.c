/* step_input.c - see step_input.h. */
#include "step_input.h"
#include "eval/unit.h"
#include "reader/num.h"
#include "reader/vec.h"
#include <string.h>

#define SINCE "breyta/since"
static const char *const lists[] = {"follow-up", "messages", "history"};

static bool is_list(Val key) {
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (kw_is(key, lists[i])) return true;
  return false;
}

static Val since_key(void) { return kw_parse(SINCE, strlen(SINCE)); }

static Val hash_of(Val v) {
  UnitHash h;
  int64_t x;
  unit_hash(v, NULL, NIL, &h);
  memcpy(&x, h.b, sizeof x);
  return int_val(x);
}

static Val slice(Val v, uint32_t from, uint32_t to) {
  Val out = vec_empty;
  for (uint32_t i = from; i < to; i++) out = vec_conj(out, vec_nth(v, i));
  return out;
}

/* What is remembered of an option: its hash, of a list [length hash]. */
static Val mark_of(Val key, Val v) {
  return is_list(key) && is_vec(v) ? vec_of2(fix(vec_count(v)), hash_of(v)) : hash_of(v);
}

/* How many of v's first elements are the list that the mark is of; 0: none. */
static uint32_t begins_with(Val mark, Val v) {
  if (!is_vec(mark) || !is_vec(v)) return 0;
  uint32_t n = (uint32_t)fix_of(vec_nth(mark, 0));
  return n && n <= vec_count(v) && num_eq(hash_of(slice(v, 0, n)), vec_nth(mark, 1)) ? n : 0;
}

Val step_input_kept(Val *state, Val type, Val id, Val cfg) {
  if (!kw_is(type, "llm") || !is_map(cfg) || !same(map_get(cfg, since_key(), ABSENT), ABSENT)) return cfg;
  Val all = map_get_kw(*state, "sent"), before = is_map(all) ? map_get(all, id, NIL) : NIL;
  Val marks = map_empty, out = map_empty, as_before = vec_empty, from = map_empty, k, v;
  MapIter it;
  map_iter(&it, cfg);
  while (map_next(&it, &k, &v)) {
    Val mark = mark_of(k, v), old = is_map(before) ? map_get(before, k, NIL) : NIL;
    uint32_t n = begins_with(old, v);
    marks = map_assoc(marks, k, mark);
    if (is_long(mark) && is_long(old) && num_eq(mark, old)) as_before = vec_conj(as_before, k);
    else out = map_assoc(out, k, n ? slice(v, n, vec_count(v)) : v);
    if (n) from = map_assoc(from, k, fix(n));
  }
  *state = map_assoc(*state, kw_c("sent"), map_assoc(is_map(all) ? all : map_empty, id, marks));
  if (!vec_count(as_before) && !map_count(from)) return cfg;
  Val kv[] = {kw_c("same"), as_before, kw_c("from"), from};
  return map_assoc(out, since_key(), map_from(kv, 2, false));
}

static Val whole_list(Val before, Val n, Val more) {
  if (!is_vec(before) || !is_vec(more) || !is_fix(n) || fix_of(n) < 0 || fix_of(n) > vec_count(before)) return more;
  Val out = slice(before, 0, (uint32_t)fix_of(n));
  for (uint32_t i = 0; i < vec_count(more); i++) out = vec_conj(out, vec_nth(more, i));
  return out;
}

static Val whole(Val before, Val kept, Val since) {
  Val out = map_dissoc(kept, since_key()), as_before = map_get_kw(since, "same"), from = map_get_kw(since, "from"), k, n;
  MapIter it;
  for (uint32_t i = 0; is_vec(as_before) && i < vec_count(as_before); i++)
    out = map_assoc(out, vec_nth(as_before, i), map_get(before, vec_nth(as_before, i), NIL));
  if (!is_map(from)) return out;
  map_iter(&it, from);
  while (map_next(&it, &k, &n)) out = map_assoc(out, k, whole_list(map_get(before, k, NIL), n, map_get(kept, k, NIL)));
  return out;
}

Val step_input_whole(Val *seen, Val type, Val id, Val kept) {
  if (!kw_is(type, "llm") || !is_map(kept)) return kept;
  Val since = map_get(kept, since_key(), NIL), before = is_map(*seen) ? map_get(*seen, id, NIL) : NIL;
  Val out = is_map(since) && is_map(before) ? whole(before, kept, since) : kept;
  *seen = map_assoc(is_map(*seen) ? *seen : map_empty, id, out);
  return out;
}
