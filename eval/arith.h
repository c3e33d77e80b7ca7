/* arith.h - operators with a fast path for small integers, inlined into the nodes that use them; private to direct.c and
 * fast.c. Each means exactly what the builtin of that name does: everything but the common case is a call of it. */
#ifndef BR_ARITH_H
#define BR_ARITH_H
#include "reader/num.h"
#include "reader/eq.h"
#include "reader/seq.h"
#include "reader/text.h"
#include "reader/vec.h"

static inline bool both_fix(Val a, Val b) { return a.w & b.w & 1; }
static inline Val add2(Val a, Val b) {
  int64_t r;
  if (both_fix(a, b) && !__builtin_add_overflow((int64_t)a.w, (int64_t)(b.w - 1), &r)) return (Val){(uint64_t)r};
  return num_add(a, b);
}
static inline Val sub2(Val a, Val b) {
  int64_t r;
  if (both_fix(a, b) && !__builtin_sub_overflow((int64_t)a.w, (int64_t)(b.w - 1), &r)) return (Val){(uint64_t)r};
  return num_sub(a, b);
}
static inline Val mul2(Val a, Val b) {
  int64_t r;
  if (both_fix(a, b) && !__builtin_mul_overflow(fix_of(a), (int64_t)(b.w - 1), &r)) return (Val){(uint64_t)r | 1};
  return num_mul(a, b);
}
static inline Val lt2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w < (int64_t)b.w) : num_lt(a, b); }
static inline Val le2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w <= (int64_t)b.w) : num_le(a, b); }
static inline Val gt2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w > (int64_t)b.w) : num_gt(a, b); }
static inline Val ge2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w >= (int64_t)b.w) : num_ge(a, b); }
static inline Val numeq2(Val a, Val b) { return both_fix(a, b) ? bool_val(same(a, b)) : num_equiv(a, b); }
static inline Val eq2(Val a, Val b) {
  if (both_fix(a, b)) return bool_val(same(a, b));
  if (is_kw(a) || is_kw(b)) return bool_val(same(a, b));
  return val_eq(a, b);
}
/* Division of 32 bits takes half the time of one of 64. */
static inline bool both_small(Val a, Val b) { return both_fix(a, b) && !((a.w | b.w) >> 33) && b.w > 1; }
static inline Val mod2(Val a, Val b) {
  if (both_small(a, b)) return fix((uint32_t)fix_of(a) % (uint32_t)fix_of(b));
  if (both_fix(a, b) && fix_of(b) > 0 && fix_of(a) >= 0) return fix(fix_of(a) % fix_of(b));
  return num_mod(a, b);
}
static inline Val rem2(Val a, Val b) {
  if (both_small(a, b)) return fix((uint32_t)fix_of(a) % (uint32_t)fix_of(b));
  if (both_fix(a, b) && fix_of(b) > 0) return fix(fix_of(a) % fix_of(b));
  return num_rem(a, b);
}
static inline Val quot2(Val a, Val b) {
  if (both_small(a, b)) return fix((uint32_t)fix_of(a) / (uint32_t)fix_of(b));
  if (both_fix(a, b) && fix_of(b) > 0) return fix(fix_of(a) / fix_of(b));
  return num_quot(a, b);
}
/* A keyword in an array map, what most lookups are. */
static inline Val get3(Val m, Val k, Val not_found) {
  if (!is_type(m, T_AMAP) || !is_type(k, T_KW)) return coll_get(m, k, not_found);
  const AMap *a = AS(AMap, m);
  for (uint32_t i = 0; i < a->n; i += 2)
    if (same(a->kv[i], k)) return a->kv[i + 1];
  return not_found;
}
static inline Val get2(Val m, Val k) { return get3(m, k, NIL); }
/* not_found ABSENT: IndexOutOfBoundsException. A vector without a trie and the head of a list are what destructuring sees. */
static inline Val nth3(Val v, Val i, Val not_found) {
  if (is_type(v, T_VEC) && is_fix(i)) {
    const Vec *x = AS(Vec, v);
    uint64_t at = (uint64_t)fix_of(i) + x->off;
    if (x->tcount <= 32 && fix_of(i) >= 0 && at < x->end) return AS(Arr, x->tail)->a[at];
    if (fix_of(i) >= 0 && at < x->end) return vec_nth(v, (uint32_t)fix_of(i));
  } else if (is_type(v, T_LIST) && same(i, fix(0))) {
    return AS(List, v)->first;
  }
  int64_t k;
  if (!arg_int(i, &k)) return SIG_THROW;
  return coll_nth(v, k, not_found);
}
static inline Val nth2(Val v, Val i) { return nth3(v, i, ABSENT); }
static inline Val inc1(Val a) { return add2(a, fix(1)); }
static inline Val dec1(Val a) { return sub2(a, fix(1)); }
static inline Val not1(Val a) { return bool_val(!truthy(a)); }
static inline Val nil1(Val a) { return bool_val(is_nil(a)); }
static inline Val some1(Val a) { return bool_val(!is_nil(a)); }
static inline Val zero1(Val a) { return is_fix(a) ? bool_val(same(a, fix(0))) : num_equiv(a, fix(0)); }
static inline Val pos1(Val a) { return gt2(a, fix(0)); }
static inline Val neg1(Val a) { return lt2(a, fix(0)); }

/* name, inline function. The first six are comparisons: a branch on one of locals and constants is one operation (TESTS). */
#define BINARY(X)                                                                                            \
  X("<", lt2) X("<=", le2) X(">", gt2) X(">=", ge2) X("==", numeq2) X("=", eq2)                              \
  X("+", add2) X("-", sub2) X("*", mul2) X("mod", mod2) X("rem", rem2) X("quot", quot2) X("get", get2) X("nth", nth2)
#define UNARY(X) \
  X("inc", inc1) X("dec", dec1) X("not", not1) X("nil?", nil1) X("some?", some1) X("zero?", zero1) X("pos?", pos1) X("neg?", neg1)
#define TESTS(T) T(lt2) T(le2) T(gt2) T(ge2) T(numeq2) T(eq2)

#define TERNARY(X) X("get", get3) X("nth", nth3)
#define FOLDS(X) X("+", add2) X("-", sub2) X("*", mul2) /* of three arguments and more */

/* Operands of a binary call node that direct.c made of a local and a constant (lc) or of two locals (ll). */
#define LC_A(n) fp[(n)->slot]
#define LC_B(n) ((Val){(uint64_t)(uintptr_t)(n)->p})
#define LL_A(n) fp[(n)->slot]
#define LL_B(n) fp[(uintptr_t)(n)->p]
#endif
