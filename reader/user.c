/* user.c - see user.h. */
#include "user.h"
#include "hash.h"
#include "big.h"
#include "print.h"
#include "record.h"
#include "mem.h"
#include "ex.h"
#include <math.h>

/* ---- finding and calling ---- */

/* The names as keywords: made once, and kept from the weak table. Racing threads store the same values. */
static Val *method_names(void) {
  static const char *const texts[] = {
#define USER_METHOD_TEXT(e, s) s,
      USER_METHODS(USER_METHOD_TEXT)};
  static Val *names;
  Val *at = __atomic_load_n(&names, __ATOMIC_ACQUIRE);
  if (at) return at;
  at = mem_root(UM_COUNT_ * sizeof *at);
  for (size_t i = 0; i < UM_COUNT_; i++) at[i] = kw_c(texts[i]);
  __atomic_store_n(&names, at, __ATOMIC_RELEASE);
  return at;
}

Val user_named(Val x, Val keyword) {
  const Record *r = AS(Record, x);
  const Class *c = AS(Class, r->type);
  Val f = map_get(c->methods, keyword, NIL);
  return c->h.flags & CLASS_REIFY ? reify_method(x, f) : f;
}

bool class_has_host(Val cls) { return obj(cls)->flags & CLASS_HOST; }

Val user_method(Val x, enum UserMethod m) {
  return class_has_host(AS(Record, x)->type) ? user_named(x, method_names()[m]) : NIL;
}

static bool same_words(const Val *a, const Val *b, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (!same(a[i], b[i])) return false;
  return true;
}

Val user_call(Val f, const Val *args, uint32_t n) {
  uint32_t known = is_nil(pend.answers) ? 0 : vec_count(pend.answers);
  while (pend.answer_at < known) { /* each: [answer f arg ...]; those whose result was cached somewhere are not asked for again */
    const Arr *a = AS(Arr, vec_nth(pend.answers, pend.answer_at++));
    if (a->n == n + 2 && same(a->a[1], f) && same_words(a->a + 2, args, n)) return a->a[0];
  }
  Val call = arr_new(NULL, n + 1);
  AS(Arr, call)->a[0] = f;
  if (n) memcpy(AS(Arr, call)->a + 1, args, n * sizeof *args);
  return demand(call, 0);
}

Val user_invoke(Val x, enum UserMethod m, const Val *args, uint32_t n) {
  Val f = user_method(x, m), all[4] = {x};
  if (is_nil(f)) return ABSENT;
  if (n) memcpy(all + 1, args, n * sizeof *args);
  return user_call(f, all, n + 1);
}

/* ---- Object and Comparable ---- */

static Val truth_of(Val v) { return is_sig(v) ? v : bool_val(truthy(v)); }

static Val equiv_of(Val a, Val b) { return is_type(a, T_INSTANCE) ? user_invoke(a, UM_EQUIV, &b, 1) : ABSENT; }

Val user_eq(Val a, Val b) { /* a collection of either side decides, as in clojure.lang.Util */
  Val r = equiv_of(a, b);
  if (same(r, ABSENT)) r = equiv_of(b, a);
  if (same(r, ABSENT) && is_type(a, T_INSTANCE)) r = user_invoke(a, UM_EQUALS, &b, 1);
  return same(r, ABSENT) ? FALSE_V : truth_of(r);
}

static Val int_of(Val v, uint32_t *out) {
  int64_t i;
  if (is_sig(v)) return v;
  if (!is_num(v)) return ex_cast(v, "java.lang.Number");
  if (!num_to_long(v, &i)) return ex_throw(EXC_ILLEGAL_ARG, "Value out of range for int");
  *out = (uint32_t)i;
  return NIL;
}

Val user_hash(Val x, uint32_t *out) {
  Val h = user_invoke(x, UM_HASHEQ, NULL, 0);
  if (same(h, ABSENT)) h = user_invoke(x, UM_HASH_CODE, NULL, 0);
  if (!same(h, ABSENT)) return int_of(h, out);
  *out = murmur_int((uint32_t)T_INSTANCE << 24 ^ AS(Record, x)->serial);
  return NIL;
}

Val user_compare(Val a, Val b, int *out) {
  uint32_t c;
  Val v = user_invoke(a, UM_COMPARE_TO, &b, 1);
  if (same(v, ABSENT)) return v;
  CHECK(int_of(v, &c));
  *out = (int)c;
  return NIL;
}

Val user_text(Buf *b, Val x) {
  uint32_t h = AS(Record, x)->serial;
  Val s = user_invoke(x, UM_TO_STRING, NULL, 0);
  if (is_sig(s)) return s;
  if (is_str(s)) {
    buf_add(b, str_s(s), str_n(s));
    return NIL;
  }
  if (!same(s, ABSENT)) return is_nil(s) ? NIL : ex_cast(s, "java.lang.String");
  if (is_type(x, T_RECORD)) CHECK(java_hash(x, &h));
  buf_fmt(b, "%s@%x", class_text(AS(Record, x)->type), h);
  return NIL;
}

/* ---- Java's hash codes ---- */

static uint32_t hash_fold(uint64_t x) { return (uint32_t)(x ^ x >> 32); }
static uint32_t text_hash(Val s) { return str_hash_java(str_s(s), str_n(s)); }

static uint32_t symbol_hash(Val ns, Val name) { /* Util.hashCombine(name, ns) */
  uint32_t seed = text_hash(name), h = is_nil(ns) ? 0 : text_hash(ns);
  return seed ^ (h + 0x9e3779b9u + (seed << 6) + (uint32_t)((int32_t)seed >> 2));
}

static Val hash_items(Val v, uint32_t *out) {
  SeqIter it;
  Val x;
  uint32_t h = 1, one;
  CHECK(seq_iter(&it, v));
  for (;;) {
    TRY(more, seq_iter_next(&it, &x));
    if (!truthy(more)) break;
    CHECK(java_hash(x, &one));
    h = 31 * h + one;
  }
  *out = h;
  return NIL;
}

static Val hash_pairs(Val v, uint32_t *out) { /* maps: the sum of key ^ value; sets: of the elements */
  MapIter it;
  Val k, x;
  uint32_t sum = 0, hk, hx = 0;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    CHECK(java_hash(k, &hk));
    if (is_map(v)) CHECK(java_hash(x, &hx));
    sum += hk ^ hx;
  }
  *out = sum;
  return NIL;
}

static Val hash_coll(Val v, uint32_t *out) {
  if (!eq_enter()) return SIG_THROW;
  Val r = is_sequential(v) ? hash_items(v, out) : hash_pairs(v, out);
  eq_leave();
  return r;
}

Val java_hash(Val v, uint32_t *out) {
  int64_t i;
  if (is_coll(v)) return hash_coll(v, out);
  switch (type_of(v)) {
  case T_STR: *out = text_hash(v); return NIL;
  case T_SYM: *out = symbol_hash(AS(Sym, v)->ns, AS(Sym, v)->name); return NIL;
  case T_KW: *out = symbol_hash(AS(Kw, v)->ns, AS(Kw, v)->name) + 0x9e3779b9u; return NIL;
  default: break;
  }
  if (is_type(v, T_DECIMAL)) *out = 31 * big_hash(AS(Decimal, v)->unscaled) + (uint32_t)AS(Decimal, v)->scale;
  else if (is_type(v, T_BIGINT) && (obj(v)->flags & 2 || !num_to_long(v, &i))) *out = big_hash(v); /* a small BigInt is a long */
  else if (is_integer(v)) *out = hash_fold((uint64_t)num_java_long(v));
  else if (is_dbl(v) && dbl_of(v) == 0) *out = signbit(dbl_of(v)) ? 0x80000000u : 0;
  else return val_hash(v, out);
  return NIL;
}
