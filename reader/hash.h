/* hash.h - inline fast paths of hashing and equality of map keys; private to the collections of reader/.
 *
 * `hash_key` and `key_eq` answer the common keys (keywords, small integers, anything whose hash is cached) without a
 * call and fall back to eq.h. `val_equiv` is `=` as collections see their elements: an identical object is equal, even
 * a NaN; `val_eq`, what the program calls, says no to that one case. */
#ifndef BR_HASH_H
#define BR_HASH_H
#include "eq.h"

/* Nesting deeper than this is a StackOverflowError, as it would be on the JVM. */
enum { EQ_MAX_DEPTH = 2000 };

Val val_equiv(Val a, Val b);
/* Enter one level of nesting: false (with a pending StackOverflowError) when that is too deep. Pair with eq_leave. */
bool eq_enter(void);
void eq_leave(void);

static inline uint32_t hash_rotl(uint32_t x, int r) { return (x << r) | (x >> (32 - r)); }
static inline uint32_t hash_mix_k1(uint32_t k) { return hash_rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u; }
static inline uint32_t hash_mix_h1(uint32_t h, uint32_t k1) { return hash_rotl(h ^ k1, 13) * 5 + 0xe6546b64u; }
static inline uint32_t hash_fmix(uint32_t h, uint32_t len) {
  h ^= len;
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}
static inline uint32_t hash_long(int64_t x) {
  if (x == 0) return 0;
  uint32_t h = hash_mix_h1(0, hash_mix_k1((uint32_t)x));
  return hash_fmix(hash_mix_h1(h, hash_mix_k1((uint32_t)((uint64_t)x >> 32))), 8);
}

/* The hash cache is the one field of a shared object that several threads may write: always the same value. */
static inline uint32_t hash_cached(Val v) { return __atomic_load_n(&obj(v)->hash, __ATOMIC_RELAXED); }
static inline void hash_cache(Val v, uint32_t h) { __atomic_store_n(&obj(v)->hash, h, __ATOMIC_RELAXED); }

static inline Val hash_key(Val k, uint32_t *out) {
  if (is_fix(k)) {
    *out = hash_long(fix_of(k));
    return NIL;
  }
  if (is_ptr(k) && (*out = hash_cached(k)) != 0) return NIL;
  return val_hash(k, out);
}

/* Equal only to the very same word: nil, booleans, characters, keywords. */
static inline bool key_is_word(Val k) { return is_imm(k) || is_nil(k) || is_type(k, T_KW); }

static inline Val key_eq(Val a, Val b) {
  if (same(a, b)) return TRUE_V;
  if (key_is_word(a) || key_is_word(b) || (is_fix(a) && is_fix(b))) return FALSE_V;
  return val_equiv(a, b);
}

/* Bits set in x, and twice those in a plus those in b. Where the compiler may not use the popcnt instruction (see
 * champ_nodes.h) both counts go through one computation. */
#if defined(__POPCNT__) || !defined(__x86_64__)
static inline uint32_t hash_pop(uint32_t x) { return (uint32_t)__builtin_popcount(x); }
static inline uint32_t hash_pop2(uint32_t a, uint32_t b) { return 2 * hash_pop(a) + hash_pop(b); }
#else
static inline uint32_t hash_pop(uint32_t x) {
  x -= (x >> 1) & 0x55555555u;
  x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
  return (((x + (x >> 4)) & 0x0f0f0f0fu) * 0x01010101u) >> 24;
}
static inline uint32_t hash_pop2(uint32_t a, uint32_t b) {
  uint64_t x = ((uint64_t)a << 32) | b;
  x -= (x >> 1) & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  x += x >> 8;
  x += x >> 16;
  return 2 * ((uint32_t)(x >> 32) & 63) + ((uint32_t)x & 63);
}
#endif
#endif
