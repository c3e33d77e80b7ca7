/* eq.c - equality and order, see eq.h. */
#include "host.h"
#include "hash.h"
#include "user.h"
#include "ex.h"

bool val_identical(Val a, Val b) { return same(a, b); }

/* ---- equality of collections ---- */

static Val eq_sequential(Val a, Val b) {
  SeqIter ia, ib;
  Val x, y;
  CHECK(seq_iter(&ia, a));
  CHECK(seq_iter(&ib, b));
  for (;;) {
    TRY(more_a, seq_iter_next(&ia, &x));
    TRY(more_b, seq_iter_next(&ib, &y));
    if (!truthy(more_a) || !truthy(more_b)) return bool_val(same(more_a, more_b));
    TRY(e, key_eq(x, y));
    if (!truthy(e)) return FALSE_V;
  }
}

/* Counts decide without a walk where both are known. */
static bool counted(Val v, uint32_t *n) {
  switch (type_of(v)) {
  case T_VEC: case T_ENTRY: *n = vec_count(v); return true;
  case T_LIST: *n = AS(List, v)->cnt; return true;
  case T_EMPTY: *n = 0; return true;
  default: return false;
  }
}

static Val eq_seqs(Val a, Val b) {
  uint32_t na, nb;
  if (counted(a, &na) && counted(b, &nb) && na != nb) return FALSE_V;
  return eq_sequential(a, b);
}

static bool same_kind(Val a, Val b) { /* records equal only those of their class */
  bool ra = is_type(a, T_RECORD), rb = is_type(b, T_RECORD);
  return ra == rb && (!ra || same(AS(Record, a)->type, AS(Record, b)->type));
}

static Val eq_maps(Val a, Val b) {
  if (!same_kind(a, b)) return FALSE_V;
  if (map_count(a) != map_count(b)) return FALSE_V;
  MapIter it;
  Val k, v;
  map_iter(&it, a);
  while (map_next(&it, &k, &v)) {
    TRY(other, map_get(b, k, ABSENT));
    if (same(other, ABSENT)) return FALSE_V;
    TRY(e, key_eq(v, other));
    if (!truthy(e)) return FALSE_V;
  }
  return TRUE_V;
}

static Val eq_sets(Val a, Val b) { /* as Clojure: the elements of b are looked up in a */
  if (set_count(a) != set_count(b)) return FALSE_V;
  MapIter it;
  Val k, v;
  map_iter(&it, b);
  while (map_next(&it, &k, &v)) {
    TRY(other, set_get(a, k, ABSENT));
    if (same(other, ABSENT)) return FALSE_V;
  }
  return TRUE_V;
}

static Val eq_colls(Val a, Val b) {
  Val (*eq)(Val, Val) = NULL;
  if (is_sequential(a)) eq = is_sequential(b) ? eq_seqs : NULL;
  else if (is_map(a)) eq = is_map(b) ? eq_maps : NULL;
  else eq = is_set(b) ? eq_sets : NULL;
  if (!eq) return FALSE_V;
  if (!eq_enter()) return SIG_THROW;
  Val r = eq(a, b);
  eq_leave();
  return r;
}

/* ---- equality of scalars ---- */

static Val eq_heap(Val a, Val b) { /* same type, not a number nor a collection */
  switch (type_of(a)) {
  case T_STR: return bool_val(str_n(a) == str_n(b) && !memcmp(str_s(a), str_s(b), str_n(a)));
  case T_SYM: return bool_val(sym_eq(a, b));
  case T_HOST: return host_eq(a, b);
  case T_UUID: return bool_val(AS(Uuid, a)->hi == AS(Uuid, b)->hi && AS(Uuid, a)->lo == AS(Uuid, b)->lo);
  case T_INST: return bool_val(AS(Inst, a)->ms == AS(Inst, b)->ms);
  case T_TAGGED: {
    TRY(tag, val_equiv(AS(Tagged, a)->tag, AS(Tagged, b)->tag));
    return truthy(tag) ? val_equiv(AS(Tagged, a)->form, AS(Tagged, b)->form) : FALSE_V;
  }
  default: return FALSE_V;
  }
}

Val val_equiv(Val a, Val b) {
  if (same(a, b)) return TRUE_V;
  if (is_num(a)) return bool_val(is_num(b) && num_eq(a, b));
  if (!is_ptr(a) || !is_ptr(b)) return FALSE_V;
  if (is_type(a, T_INSTANCE) || is_type(b, T_INSTANCE)) return user_eq(a, b);
  if (is_coll(a)) return is_coll(b) ? eq_colls(a, b) : FALSE_V;
  return type_of(a) == type_of(b) ? eq_heap(a, b) : FALSE_V;
}

Val val_eq(Val a, Val b) {
  if (same(a, b) && is_dbl(a)) return bool_val(dbl_of(a) == dbl_of(b));
  return val_equiv(a, b);
}

/* ---- order ---- */

static uint32_t utf16_units(const char *p, const char *end) {
  uint32_t n = 0;
  while (p < end) n += utf8_next(&p) > 0xffff ? 2 : 1;
  return n;
}

static int utf16_lead(uint32_t cp) { return (int)(cp > 0xffff ? 0xd7c0 + (cp >> 10) : cp); }
static int utf16_trail(uint32_t cp) { return (int)(0xdc00 + (cp & 0x3ff)); }

static int char_compare(uint32_t a, uint32_t b) {
  int d = utf16_lead(a) - utf16_lead(b);
  return d || a <= 0xffff ? d : utf16_trail(a) - utf16_trail(b);
}

int str_compare_java(Val a, Val b) {
  const char *p = str_s(a), *q = str_s(b), *pe = p + str_n(a), *qe = q + str_n(b);
  while (p < pe && q < qe) {
    uint32_t x = utf8_next(&p), y = utf8_next(&q);
    if (x != y) return char_compare(x, y);
  }
  return (int)utf16_units(p, pe) - (int)utf16_units(q, qe);
}

static int three_way(bool less, bool more) { return less ? -1 : more; }

/* Symbols and keywords: those without a namespace first. */
static int named_compare(Val ns_a, Val name_a, Val ns_b, Val name_b) {
  if (is_nil(ns_a) != is_nil(ns_b)) return is_nil(ns_a) ? -1 : 1;
  int c = is_nil(ns_a) ? 0 : str_compare_java(ns_a, ns_b);
  return c ? c : str_compare_java(name_a, name_b);
}

static int uuid_compare(const Uuid *a, const Uuid *b) { /* java.util.UUID compares signed */
  int64_t ah = (int64_t)a->hi, bh = (int64_t)b->hi, al = (int64_t)a->lo, bl = (int64_t)b->lo;
  return ah != bh ? three_way(ah < bh, ah > bh) : three_way(al < bl, al > bl);
}

static Val compare_vecs(Val a, Val b, int *out) {
  uint32_t n = vec_count(a), m = vec_count(b);
  *out = three_way(n < m, n > m);
  if (*out) return NIL;
  if (!eq_enter()) return SIG_THROW;
  Val r = NIL;
  for (uint32_t i = 0; i < n && !*out && !is_sig(r); i++) r = val_compare(vec_nth(a, i), vec_nth(b, i), out);
  eq_leave();
  return r;
}

static Val compare_heap(Val a, Val b, int *out) { /* same type */
  switch (type_of(a)) {
  case T_STR: *out = str_compare_java(a, b); return NIL;
  case T_SYM: *out = named_compare(AS(Sym, a)->ns, AS(Sym, a)->name, AS(Sym, b)->ns, AS(Sym, b)->name); return NIL;
  case T_KW: *out = named_compare(AS(Kw, a)->ns, AS(Kw, a)->name, AS(Kw, b)->ns, AS(Kw, b)->name); return NIL;
  case T_HOST: return host_compare(a, b, out) ? NIL : ex_cast(obj(a)->aux == obj(b)->aux ? a : b, obj(a)->aux == obj(b)->aux ? "java.lang.Comparable" : class_name_of(a));
  case T_UUID: *out = uuid_compare(AS(Uuid, a), AS(Uuid, b)); return NIL;
  case T_INST: *out = three_way(AS(Inst, a)->ms < AS(Inst, b)->ms, AS(Inst, a)->ms > AS(Inst, b)->ms); return NIL;
  case T_CLASS:
    if (same(AS(Class, a)->name, AS(Class, b)->name)) return NIL;
    break;
  default: break;
  }
  return ex_cast(a, "java.lang.Comparable");
}

static bool is_comparable_type(int t) { return t == T_STR || t == T_SYM || t == T_KW || t == T_UUID || t == T_INST || t == T_HOST; }

static Val compare_imm(Val a, Val b, int *out) {
  if (is_bool(a)) {
    if (!is_bool(b)) return ex_cast(b, "java.lang.Boolean");
    *out = three_way(!truthy(a) && truthy(b), truthy(a) && !truthy(b));
    return NIL;
  }
  if (!is_char(b)) return ex_cast(b, "java.lang.Character");
  *out = char_compare(char_of(a), char_of(b));
  return NIL;
}

Val val_compare(Val a, Val b, int *out) {
  *out = 0;
  if (same(a, b)) return NIL;
  if (is_nil(a) || is_nil(b)) {
    *out = is_nil(a) ? -1 : 1;
    return NIL;
  }
  if (is_num(a)) {
    if (!is_num(b)) return ex_cast(b, "java.lang.Number");
    return num_compare(a, b, out);
  }
  if (is_imm(a)) return compare_imm(a, b, out);
  if (is_vec(a)) return is_vec(b) ? compare_vecs(a, b, out) : ex_cast(b, "clojure.lang.IPersistentVector");
  if (is_user(a)) {
    Val r = user_compare(a, b, out);
    return same(r, ABSENT) ? ex_cast(a, "java.lang.Comparable") : r;
  }
  if (type_of(a) != type_of(b) && is_comparable_type(type_of(a))) return ex_cast(b, class_name_of(a));
  return type_of(a) == type_of(b) ? compare_heap(a, b, out) : ex_cast(a, "java.lang.Comparable");
}
