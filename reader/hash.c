/* hash.c - Clojure's hasheq: Murmur3 over the shape of values, see eq.h and hash.h. */
#include "hash.h"
#include "user.h"
#include "ex.h"
#include "host.h"

uint32_t murmur_int(uint32_t x) { return x ? hash_fmix(hash_mix_h1(0, hash_mix_k1(x)), 4) : 0; }
uint32_t murmur_mix_coll(uint32_t h, uint32_t count) { return hash_fmix(hash_mix_h1(0, hash_mix_k1(h)), count); }

uint32_t murmur_bytes_of_str(Val s) {
  uint32_t h = hash_cached(s);
  if (h) return h;
  h = murmur_int(str_hash_java(str_s(s), str_n(s)));
  hash_cache(s, h);
  return h;
}

/* ---- depth ---- */

static _Thread_local uint32_t depth;

bool eq_enter(void) {
  if (depth >= EQ_MAX_DEPTH) {
    ex_throw_val(ex_make(EXC_STACK, NIL, NIL, NIL));
    return false;
  }
  depth++;
  return true;
}

void eq_leave(void) { depth--; }

/* ---- collections ---- */

static Val hash_in(Val v, uint32_t *out);

static Val hash_ordered(Val v, uint32_t *out) {
  SeqIter it;
  uint32_t h = 1, n = 0, one;
  Val x;
  CHECK(seq_iter(&it, v));
  for (;;) {
    TRY(more, seq_iter_next(&it, &x));
    if (!truthy(more)) break;
    CHECK(hash_in(x, &one));
    h = 31 * h + one;
    n++;
  }
  *out = murmur_mix_coll(h, n);
  return NIL;
}

static uint32_t hash_pair(uint32_t k, uint32_t v) { return murmur_mix_coll((31 + k) * 31 + v, 2); }

static Val hash_unordered(Val v, uint32_t *out) {
  MapIter it;
  Val k, x;
  uint32_t sum = 0, n = 0, hk, hx;
  bool set = is_set(v);
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    CHECK(hash_in(k, &hk));
    if (!set) CHECK(hash_in(x, &hx));
    sum += set ? hk : hash_pair(hk, hx);
    n++;
  }
  *out = murmur_mix_coll(sum, n);
  if (!is_type(v, T_RECORD)) return NIL;
  CHECK(hash_in(AS(Class, AS(Record, v)->type)->name, &hk));
  *out ^= hk;
  return NIL;
}

static Val hash_coll(Val v, uint32_t *out) {
  if (!eq_enter()) return SIG_THROW;
  Val r = is_sequential(v) ? hash_ordered(v, out) : hash_unordered(v, out);
  eq_leave();
  if (is_sig(r)) return r;
  hash_cache(v, *out);
  return NIL;
}

static Val hash_tagged(const Tagged *t, uint32_t *out) {
  uint32_t tag, form;
  CHECK(hash_in(t->tag, &tag));
  CHECK(hash_in(t->form, &form));
  *out = 31 * tag + form;
  return NIL;
}

/* ---- scalars ---- */

static uint32_t fold64(uint64_t x) { return (uint32_t)(x ^ (x >> 32)); }

/* Things equal only to themselves. Their hash may decide the order of a set that a run sees, so it comes from what the
 * snapshot keeps: the serial number of the run, or a name, never an address. */
static uint32_t hash_opaque(Val v) {
  uint32_t type = (uint32_t)type_of(v) << 24;
  switch (type_of(v)) {
  case T_FN: return murmur_int(type ^ AS(Fn, v)->serial);
  case T_ATOM: return murmur_int(type ^ AS(Atom, v)->serial);
  case T_MULTI: return murmur_int(type ^ AS(Multi, v)->serial);
  case T_VOLATILE: case T_REDUCED: return murmur_int(type ^ AS(Box, v)->serial);
  case T_DELAY: return murmur_int(type ^ AS(Delay, v)->serial);
  case T_EX: return murmur_int(type ^ AS(Ex, v)->cls);
  case T_BYTES: return murmur_int(type ^ AS(Bytes, v)->n);
  case T_REF: return murmur_int(type ^ AS(Ref, v)->serial);
  case T_JARRAY: return murmur_int(type ^ AS(JArray, v)->serial);
  case T_STREAM: return murmur_int(type ^ AS(Stream, v)->serial);
  default: return murmur_int(type | 1);
  }
}

static Val hash_named(Val v, Val name, uint32_t *out) {
  CHECK(hash_in(name, out));
  *out = murmur_int(*out ^ ((uint32_t)type_of(v) << 24));
  return NIL;
}

static Val hash_heap(Val v, uint32_t *out) {
  switch (type_of(v)) {
  case T_STR: *out = murmur_bytes_of_str(v); return NIL;
  case T_KW: case T_SYM: *out = obj(v)->hash; return NIL;
  case T_HOST: return host_hash(v, out);
  case T_UUID: *out = fold64(AS(Uuid, v)->hi ^ AS(Uuid, v)->lo); return NIL;
  case T_INST: *out = fold64((uint64_t)AS(Inst, v)->ms); return NIL;
  case T_TAGGED: return hash_tagged(AS(Tagged, v), out);
  case T_INSTANCE: return user_hash(v, out);
  case T_METHOD: return hash_named(v, AS(Method, v)->full, out);
  case T_REGEX: return hash_named(v, AS(Regex, v)->pattern, out);
  case T_CLASS: return hash_named(v, AS(Class, v)->name, out);
  case T_NS: return hash_named(v, AS(Ns, v)->name, out);
  case T_VAR:
    CHECK(hash_named(v, AS(Var, v)->name, out));
    *out = murmur_int(*out ^ AS(Var, v)->serial);
    return NIL;
  default: *out = hash_opaque(v); return NIL;
  }
}

static Val hash_in(Val v, uint32_t *out) {
  if (is_fix(v)) {
    *out = hash_long(fix_of(v));
  } else if (is_ptr(v)) {
    if (is_coll(v)) return (*out = hash_cached(v)) ? NIL : hash_coll(v, out);
    if (!is_num(v)) return hash_heap(v, out);
    *out = num_hash(v);
  } else if (is_flo(v)) {
    *out = num_hash(v);
  } else if (is_bool(v)) {
    *out = truthy(v) ? 1231 : 1237;
  } else {
    *out = is_char(v) ? char_of(v) : 0;
  }
  return NIL;
}

/* One demand for everything inside the outermost value: asked seq by seq, a vector of n lazy seqs would start over n
 * times. */
Val val_hash(Val v, uint32_t *out) {
  Val r = hash_in(v, out);
  return same(r, SIG_DEMAND) && !demand_is_call() ? demand_deep(v) : r;
}
