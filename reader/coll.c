/* coll.c - the operations of clojure.core that work on several kinds of collection, with Clojure's errors. */
#include "eq.h"
#include "mem.h"
#include "ex.h"
#include "mapint.h"
#include "record.h"
#include "user.h"

/* "clojure.lang.PersistentVector$ChunkedSeq" -> "ChunkedSeq", as Class.getSimpleName says */
static const char *simple_name(Val x) {
  const char *name = class_name_of(x), *dot = strrchr(name, '.'), *dollar = strrchr(name, '$');
  if (dollar && dollar[1]) return dollar + 1;
  return dot ? dot + 1 : name;
}

/* What the program's own method answers. It has none: `otherwise`, or an error with the simple name of the class. */
static Val user_op(Val x, enum UserMethod m, const Val *args, uint32_t n, Val otherwise, const char *error) {
  Val v = user_invoke(x, m, args, n);
  if (!same(v, ABSENT)) return v;
  return error ? ex_throw(EXC_UNSUPPORTED, error, simple_name(x)) : otherwise;
}

/* ---- count ---- */

static Val count_infinite(void) { return ex_throw(EXC_LIMIT, "count of an infinite seq"); }

static bool counts_itself(Val s) {
  int t = type_of(s);
  return t == T_LIST || t == T_RANGE || t == T_REPEAT || t == T_STRSEQ || t == T_EMPTY;
}

static Val count_walk(Val s) {
  SeqIter it;
  Val x;
  CHECK(seq_iter(&it, s));
  for (int64_t n = 0;; n++) {
    n += it.left; /* a run of values at once */
    it.left = 0;
    if (counts_itself(it.s) && !it.at) {
      TRY(rest, coll_count(it.s));
      return fix(n + fix_of(rest));
    }
    Val more = seq_iter_next(&it, &x);
    if (same(more, SIG_DEMAND)) return demand_all(pend.demand);
    if (is_sig(more)) return more;
    if (!truthy(more)) return fix(n);
  }
}

static Val count_transient(Val x) {
  CHECK(transient_check(x));
  if (is_type(x, T_TVEC)) return fix(tvec_count(x));
  return fix(is_type(x, T_TMAP) ? tmap_count(x) : tset_count(x));
}

static Val count_range(Val x) {
  uint64_t n = range_count(x);
  return n > INT32_MAX ? count_infinite() : fix((int64_t)n);
}

Val coll_count(Val x) {
  switch (type_of(x)) {
  case T_STR: return fix(AS(Str, x)->nchars);
  case T_BYTES: return fix(AS(Bytes, x)->n);
  case T_JARRAY: return fix(AS(Arr, AS(JArray, x)->arr)->n);
  case T_VEC: case T_ENTRY: return fix(vec_count(x));
  case T_AMAP: case T_HMAP: case T_SMAP: case T_RECORD: return fix(map_count(x));
  case T_INSTANCE: return user_op(x, UM_COUNT, NULL, 0, ABSENT, "count not supported on this type: %s");
  case T_SET: case T_SSET: return fix(set_count(x));
  case T_EMPTY: return fix(0);
  case T_LIST: return fix(AS(List, x)->cnt);
  case T_VSEQ: return fix(vec_count(AS(VSeq, x)->vec) - AS(VSeq, x)->i);
  case T_RSEQ: return fix((int64_t)AS(VSeq, x)->i + 1);
  case T_STRSEQ: return fix((int64_t)AS(Str, AS(StrSeq, x)->str)->nchars - AS(StrSeq, x)->index);
  case T_RANGE: return count_range(x);
  case T_REPEAT: return AS(Repeat, x)->cnt < 0 ? count_infinite() : fix(AS(Repeat, x)->cnt);
  case T_CONS: case T_LAZY: case T_CHUNK: case T_MSEQ: return count_walk(x);
  case T_TVEC: case T_TMAP: case T_TSET: return count_transient(x);
  default: break;
  }
  return is_nil(x) ? fix(0) : ex_throw(EXC_UNSUPPORTED, "count not supported on this type: %s", simple_name(x));
}

/* ---- nth ---- */

static Val nth_missing(Val not_found) { return same(not_found, ABSENT) ? ex_index() : not_found; }

static Val str_char(Val s, uint32_t i) {
  const char *p = str_s(s) + str_byte_of(s, i);
  return char_val(utf8_next(&p));
}

static Val nth_str(Val s, int64_t i, Val not_found) {
  if (i >= 0 && i < (int64_t)AS(Str, s)->nchars) return str_char(s, (uint32_t)i);
  if (!same(not_found, ABSENT)) return not_found;
  return ex_throw(EXC_STRING_INDEX, "String index out of range: %lld", (long long)i);
}

static Val nth_bytes(const Bytes *b, int64_t i, Val not_found) {
  if (i >= 0 && i < (int64_t)b->n) return fix((int8_t)b->b[i]);
  if (!same(not_found, ABSENT)) return not_found;
  return ex_throw(EXC_ARRAY_INDEX, "Index %lld out of bounds for length %u", (long long)i, b->n);
}

static Val nth_array(const Arr *a, int64_t i, Val not_found) {
  if (i >= 0 && i < (int64_t)a->n) return a->a[i];
  return same(not_found, ABSENT) ? ex_throw(EXC_ARRAY_INDEX, "Index %lld out of bounds for length %u", (long long)i, a->n) : not_found;
}

/* An unrealised lazy seq in the way is asked for just the cells that are missing. */
static Val nth_walk(Val x, int64_t i, Val not_found) {
  SeqIter it;
  Val v;
  if (i < 0) return nth_missing(not_found);
  CHECK(seq_iter(&it, x));
  for (;; i--) {
    if (it.left && i >= it.left) { /* skip the rest of a run at once */
      i -= it.left;
      it.left = 0;
    }
    Val more = seq_iter_next(&it, &v);
    if (same(more, SIG_DEMAND)) return demand(pend.demand, i < UINT32_MAX - 1 ? (uint32_t)i + 1 : UINT32_MAX);
    if (is_sig(more)) return more;
    if (!truthy(more)) return nth_missing(not_found);
    if (i == 0) return v;
  }
}

static Val nth_range(const Range *r, int64_t i, Val not_found) {
  if (i < 0 || (uint64_t)i >= range_count(from_obj(r))) return nth_missing(not_found);
  return int_val((int64_t)((uint64_t)r->start + (uint64_t)i * (uint64_t)r->step));
}

static Val nth_repeat(const Repeat *r, int64_t i, Val not_found) {
  return i >= 0 && (r->cnt < 0 || i < r->cnt) ? r->x : nth_missing(not_found);
}

static Val nth_tvec(Val t, int64_t i, Val not_found) {
  CHECK(transient_check(t));
  return i >= 0 && i < (int64_t)tvec_count(t) ? tvec_nth(t, (uint32_t)i) : nth_missing(not_found);
}

static Val nth_seq(Val x, int64_t i, Val not_found) {
  if (is_type(x, T_RANGE)) return nth_range(AS(Range, x), i, not_found);
  if (is_type(x, T_REPEAT)) return nth_repeat(AS(Repeat, x), i, not_found);
  return nth_walk(x, i, not_found);
}

Val coll_nth(Val x, int64_t i, Val not_found) {
  if (is_vec(x)) return i >= 0 && i < (int64_t)vec_count(x) ? vec_nth(x, (uint32_t)i) : nth_missing(not_found);
  if (is_nil(x)) return same(not_found, ABSENT) ? NIL : not_found;
  if (is_str(x)) return nth_str(x, i, not_found);
  if (is_seq(x)) return nth_seq(x, i, not_found);
  if (is_type(x, T_TVEC)) return nth_tvec(x, i, not_found);
  if (is_type(x, T_BYTES)) return nth_bytes(AS(Bytes, x), i, not_found);
  if (is_type(x, T_INSTANCE)) {
    Val args[2] = {int_val(i), not_found};
    return user_op(x, UM_NTH, args, same(not_found, ABSENT) ? 1 : 2, NIL, "nth not supported on this type: %s");
  }
  if (is_type(x, T_JARRAY)) return nth_array(AS(Arr, AS(JArray, x)->arr), i, not_found);
  if (i < 0 && !same(not_found, ABSENT)) return not_found; /* looked at before the type */
  return ex_throw(EXC_UNSUPPORTED, "nth not supported on this type: %s", simple_name(x));
}

/* ---- get, contains? ---- */

/* The place a key names in n elements, -1 none: its Number.intValue(). Vectors take integers only, strings any number. */
static int64_t key_index(Val k, int64_t n, bool any_number) {
  if (!(any_number ? is_num(k) : is_integer(k))) return -1;
  int64_t i = is_fix(k) ? (int32_t)fix_of(k) : num_java_int(k);
  return i >= 0 && i < n ? i : -1;
}

static Val get_tvec(Val x, Val k, Val not_found) {
  CHECK(transient_check(x));
  int64_t i = key_index(k, tvec_count(x), false);
  return i < 0 ? not_found : tvec_nth(x, (uint32_t)i);
}

static Val get_indexed(Val x, Val k, Val not_found) {
  bool vec = is_vec(x);
  int64_t n = vec ? vec_count(x) : fix_of(coll_count(x));
  int64_t i = key_index(k, n, !vec);
  if (i < 0) return not_found;
  return vec ? vec_nth(x, (uint32_t)i) : coll_nth(x, i, not_found);
}

static Val get_user(Val x, Val k, Val not_found) {
  Val args[2] = {k, not_found};
  if (!same(not_found, ABSENT)) return user_op(x, UM_VAL_AT, args, is_nil(not_found) ? 1 : 2, not_found, NULL);
  TRY(has, user_op(x, UM_CONTAINS_KEY, args, 1, FALSE_V, NULL)); /* find, contains?: is it there at all? */
  return truthy(has) ? user_op(x, UM_VAL_AT, args, 1, NIL, NULL) : ABSENT;
}

Val coll_get(Val x, Val k, Val not_found) {
  switch (type_of(x)) {
  case T_AMAP: case T_HMAP: case T_SMAP: return map_get(x, k, not_found);
  case T_RECORD: return rec_get(x, k, not_found);
  case T_INSTANCE: return get_user(x, k, not_found);
  case T_VEC: case T_ENTRY: case T_STR: case T_BYTES: case T_JARRAY: return get_indexed(x, k, not_found);
  case T_SET: case T_SSET: return set_get(x, k, not_found);
  case T_TMAP: return tmap_get(x, k, not_found);
  case T_TSET: return tset_get(x, k, not_found);
  case T_TVEC: return get_tvec(x, k, not_found);
  case T_TAGGED: return kw_is(k, "tag") ? AS(Tagged, x)->tag : kw_is(k, "form") ? AS(Tagged, x)->form : not_found;
  default: return not_found;
  }
}

static bool contains_supported(Val x, Val k) {
  switch (type_of(x)) {
  case T_AMAP: case T_HMAP: case T_SMAP: case T_VEC: case T_ENTRY: case T_SET: case T_SSET:
  case T_TMAP: case T_TSET: case T_TVEC: case T_RECORD: return true;
  case T_INSTANCE: return !is_nil(user_method(x, UM_CONTAINS_KEY));
  case T_STR: case T_BYTES: case T_JARRAY: return is_num(k);
  default: return false;
  }
}

Val coll_contains(Val x, Val k) {
  if (is_nil(x)) return FALSE_V;
  if (!contains_supported(x, k)) return ex_throw(EXC_ILLEGAL_ARG, "contains? not supported on type: %s", class_name_of(x));
  TRY(v, coll_get(x, k, ABSENT));
  return bool_val(!same(v, ABSENT));
}

/* ---- assoc, dissoc, conj ---- */

static Val assoc_vec(Val x, Val k, Val v) {
  int64_t i;
  if (!is_integer(k)) return ex_throw(EXC_ILLEGAL_ARG, "Key must be integer");
  if (!num_to_long(k, &i) || i < 0 || i > (int64_t)vec_count(x)) return ex_index();
  return vec_assoc(x, (uint32_t)i, v);
}

Val coll_assoc(Val x, Val k, Val v) {
  if (is_map(x)) return map_assoc(x, k, v);
  if (is_vec(x)) return assoc_vec(x, k, v);
  Val r = is_type(x, T_INSTANCE) ? user_invoke(x, UM_ASSOC, (Val[]){k, v}, 2) : ABSENT;
  if (!same(r, ABSENT)) return r;
  return is_nil(x) ? map_assoc(map_empty, k, v) : ex_cast(x, "clojure.lang.Associative");
}

Val coll_dissoc(Val x, Val k) {
  if (is_map(x)) return map_dissoc(x, k);
  Val r = is_type(x, T_INSTANCE) ? user_invoke(x, UM_WITHOUT, &k, 1) : ABSENT;
  if (!same(r, ABSENT)) return r;
  return is_nil(x) ? NIL : ex_cast(x, "clojure.lang.IPersistentMap");
}

static Val conj_map_all(Val m, Val other) {
  MapIter it;
  Val k, v;
  map_iter(&it, other);
  while (map_next(&it, &k, &v)) {
    TRY(now, map_assoc(m, k, v));
    m = now;
  }
  return m;
}

static Val conj_entries(Val m, Val x) { /* a seq of map entries */
  SeqIter it;
  Val e;
  CHECK(seq_iter(&it, x));
  for (;;) {
    TRY(more, seq_iter_next(&it, &e));
    if (!truthy(more)) return m;
    if (!is_entry(e)) return ex_cast(e, "java.util.Map$Entry");
    TRY(now, map_assoc(m, AS(Entry, e)->k, AS(Entry, e)->v));
    m = now;
  }
}

static Val conj_map(Val m, Val x) {
  if (is_vec(x)) {
    if (vec_count(x) != 2) return ex_throw(EXC_ILLEGAL_ARG, "Vector arg to map conj must be a pair");
    return map_assoc(m, vec_nth(x, 0), vec_nth(x, 1));
  }
  return is_map(x) ? conj_map_all(m, x) : conj_entries(m, x);
}

static Val conj_seq(Val s, Val x) {
  TRY(rest, is_lazy(s) ? seq_of(s) : s);
  return cons_new(x, rest);
}

Val coll_conj(Val x, Val v) {
  if (is_vec(x)) return vec_conj(x, v);
  if (is_map(x)) return conj_map(x, v);
  if (is_set(x)) return set_conj(x, v);
  if (is_nil(x) || is_type(x, T_LIST) || is_type(x, T_EMPTY)) return list_conj(x, v);
  Val r = is_type(x, T_INSTANCE) ? user_invoke(x, UM_CONS, &v, 1) : ABSENT;
  if (!same(r, ABSENT)) return r;
  return is_seq(x) ? conj_seq(x, v) : ex_cast(x, "clojure.lang.IPersistentCollection");
}

Val coll_assoc_own(Val x, Val k, Val v) {
  if (is_nil(x)) x = map_empty;
  return is_type(x, T_AMAP) || is_type(x, T_HMAP) ? map_assoc_own(x, k, v) : coll_assoc(x, k, v);
}

Val coll_conj_own(Val x, Val v) {
  if (is_type(x, T_VEC)) return vec_conj_own(x, v);
  if ((is_type(x, T_AMAP) || is_type(x, T_HMAP)) && is_vec(v) && vec_count(v) == 2) return map_assoc_own(x, vec_nth(v, 0), vec_nth(v, 1));
  return coll_conj(x, v);
}

/* ---- empty, peek, pop ---- */

static Val empty_sorted(Val x) {
  if (is_type(x, T_SMAP)) return with_meta(smap_new(AS(SMap, x)->cmp), AS(SMap, x)->meta);
  return with_meta(sset_new(AS(SMap, AS(SSet, x)->map)->cmp), AS(SSet, x)->meta);
}

Val coll_empty(Val x) {
  switch (type_of(x)) {
  case T_VEC: return with_meta(vec_empty, meta_of(x));
  case T_AMAP: return with_meta(map_empty, meta_of(x));
  case T_HMAP: return with_meta(hmap_empty, meta_of(x));
  case T_SET: return with_meta(set_empty, meta_of(x));
  case T_SMAP: case T_SSET: return empty_sorted(x);
  case T_LIST: case T_EMPTY: return with_meta(empty_list, meta_of(x));
  case T_RECORD: return ex_throw(EXC_UNSUPPORTED, "Can't create empty: %s", class_name_of(x));
  case T_INSTANCE: return user_op(x, UM_EMPTY, NULL, 0, NIL, NULL);
  default: return is_seq(x) ? empty_list : NIL;
  }
}

Val coll_peek(Val x) {
  if (is_vec(x)) return vec_peek(x);
  if (is_type(x, T_LIST)) return AS(List, x)->first;
  Val r = is_type(x, T_INSTANCE) ? user_invoke(x, UM_PEEK, NULL, 0) : ABSENT;
  if (!same(r, ABSENT)) return r;
  return is_nil(x) || is_type(x, T_EMPTY) ? NIL : ex_cast(x, "clojure.lang.IPersistentStack");
}

Val coll_pop(Val x) {
  if (is_vec(x)) return vec_pop(x);
  if (is_nil(x)) return NIL;
  if (is_type(x, T_EMPTY)) return ex_throw(EXC_STATE, "Can't pop empty list");
  Val r = is_type(x, T_INSTANCE) ? user_invoke(x, UM_POP, NULL, 0) : ABSENT;
  if (!same(r, ABSENT)) return r;
  if (!is_type(x, T_LIST)) return ex_cast(x, "clojure.lang.IPersistentStack");
  const List *l = AS(List, x);
  return is_type(l->rest, T_EMPTY) ? with_meta(empty_list, l->meta) : l->rest;
}

Val coll_into_array(Val x, ValVec *out) {
  SeqIter it;
  Val v;
  size_t before = out->n;
  CHECK(seq_iter(&it, x));
  for (;;) {
    Val more = seq_iter_next(&it, &v);
    if (same(more, TRUE_V)) {
      vv_push(out, v);
      continue;
    }
    if (!is_sig(more)) return NIL;
    out->n = before;
    return same(more, SIG_DEMAND) ? demand_all(pend.demand) : more;
  }
}
