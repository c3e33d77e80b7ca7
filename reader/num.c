/* num.c - see num.h: the front of the numeric tower. Fixnums and inline doubles are answered at once; everything else
 * goes by the class of both operands (contagion: the higher one wins) to longs, big.c, decimal.c or doubles. */
#include "big.h"
#include "hash.h"
#include "mem.h"
#include <math.h>

/* In order of contagion. */
enum Class { C_LONG, C_BIG, C_RATIO, C_DEC, C_DBL, C_NONE };

Val box_long(int64_t i) {
  LongObj *o = mem_obj(T_LONG);
  o->n = i;
  return from_obj(o);
}

Val box_double(double d) {
  DoubleObj *o = mem_obj(T_DOUBLE);
  o->d = d;
  return from_obj(o);
}

Val num_float(double d) {
  Val v = box_double((double)(float)d);
  obj(v)->flags = DBL_FLOAT;
  return v;
}

bool is_float(Val v) { return is_type(v, T_DOUBLE) && obj(v)->flags & DBL_FLOAT; }

static enum Class class_of(Val v) {
  if (is_fix(v)) return C_LONG;
  if (is_flo(v)) return C_DBL;
  switch (type_of(v)) {
  case T_LONG: return C_LONG;
  case T_DOUBLE: return C_DBL;
  case T_BIGINT: return C_BIG;
  case T_RATIO: return C_RATIO;
  case T_DECIMAL: return C_DEC;
  default: return C_NONE;
  }
}

bool is_num(Val v) { return class_of(v) != C_NONE; }
bool is_long(Val v) { return is_fix(v) || is_type(v, T_LONG); }
bool is_integer(Val v) { return class_of(v) <= C_BIG; }
int64_t long_of(Val v) { return is_fix(v) ? fix_of(v) : AS(LongObj, v)->n; }
double dbl_of(Val v) { return is_flo(v) ? flo_of(v) : AS(DoubleObj, v)->d; }

static Val bad_number(Val v) { return ex_cast(v, "java.lang.Number"); }

/* A nil is found before a value of another class is. */
static Val bad_operand(Val a, Val b) {
  if (is_nil(a) || is_nil(b)) return bad_number(NIL);
  return bad_number(class_of(a) == C_NONE ? a : b);
}

static Val overflow(void) { return ex_throw(EXC_ARITHMETIC, "long overflow"); }
static Val div_zero(void) { return ex_throw(EXC_ARITHMETIC, "Divide by zero"); }

/* ---- conversions ---- */

double num_to_double(Val v) {
  switch (class_of(v)) {
  case C_LONG: return (double)long_of(v);
  case C_BIG: return big_to_double(v);
  case C_RATIO: return dec_ratio_to_double(v);
  case C_DEC: return dec_to_double(v);
  case C_DBL: return dbl_of(v);
  default: return 0;
  }
}

static bool dbl_to_long(double d, int64_t *out) {
  bool ok = d >= -0x1p63 && d < 0x1p63;
  if (ok) *out = (int64_t)d;
  return ok;
}

bool num_to_long(Val v, int64_t *out) {
  Val i = v;
  switch (class_of(v)) {
  case C_LONG: *out = long_of(v); return true;
  case C_DBL: return dbl_to_long(dbl_of(v), out);
  case C_RATIO: i = big_op(OP_QUOT, ratio_num(v), ratio_den(v)); break;
  case C_DEC: i = dec_to_integer(v); break;
  default: break;
  }
  return !is_sig(i) && big_to_long(i, out);
}

static double clamp(double d, double low, double high) { return isnan(d) ? 0 : d < low ? low : d > high ? high : d; }

int64_t num_java_long(Val v) {
  int64_t i;
  if (is_dbl(v) && dbl_of(v) >= 0x1p63) return INT64_MAX;
  if (is_dbl(v)) return (int64_t)clamp(dbl_of(v), -0x1p63, 0x1p63);
  if (num_to_long(v, &i)) return i;
  Val n = num_to_bigint(v);
  uint64_t limb = is_sig(n) || !AS(BigInt, n)->n ? 0 : AS(BigInt, n)->limb[0];
  return (int64_t)(!is_sig(n) && AS(BigInt, n)->h.flags & 1 ? 0 - limb : limb);
}

int32_t num_java_int(Val v) {
  if (is_type(v, T_RATIO)) return (int32_t)clamp(num_to_double(v), INT32_MIN, INT32_MAX); /* Ratio.intValue goes by a double */
  if (is_dbl(v)) return (int32_t)clamp(dbl_of(v), INT32_MIN, INT32_MAX);
  return (int32_t)num_java_long(v);
}

static Val out_of_range(const char *type, Val v) {
  Buf b = {0};
  num_str(&b, v);
  Val e = ex_throw(EXC_ILLEGAL_ARG, "Value out of range for %s: %s", type, buf_cstr(&b));
  buf_free(&b);
  return e;
}

/* Double to long as Java casts it, after the range check of RT.longCast (which lets 2^63 pass). */
static Val double_to_long(double d) {
  if (d < -0x1p63 || d > 0x1p63) return out_of_range("long", dbl_val(d));
  if (isnan(d)) return fix(0);
  return int_val(d >= 0x1p63 ? INT64_MAX : (int64_t)d);
}

Val num_to_long_checked(Val v) {
  int64_t i;
  if (is_char(v)) return fix((int64_t)char_of(v));
  if (is_nil(v)) return ex_throw(EXC_NULL, "Cannot invoke \"java.lang.Number.doubleValue()\" because \"x\" is null");
  switch (class_of(v)) {
  case C_LONG: return v;
  case C_BIG: return big_to_long(v, &i) ? int_val(i) : out_of_range("long", v);
  case C_RATIO: return num_to_long_checked(big_op(OP_QUOT, ratio_num(v), ratio_den(v)));
  case C_DEC:
  case C_DBL: return double_to_long(num_to_double(v));
  default: return is_sig(v) ? v : bad_number(v);
  }
}

Val num_to_int_checked(Val v) {
  if (is_nil(v)) return ex_throw(EXC_NULL, "Cannot invoke \"java.lang.Character.charValue()\" because \"x\" is null");
  if (!is_char(v) && !is_num(v)) return ex_cast(v, "java.lang.Character");
  TRY(n, num_to_long_checked(v));
  int64_t i = long_of(n);
  if (i < INT32_MIN || i > INT32_MAX) return ex_throw(EXC_ARITHMETIC, "integer overflow");
  return n;
}

bool arg_int(Val v, int64_t *out) {
  if (is_fix(v) && fix_of(v) >= INT32_MIN && fix_of(v) <= INT32_MAX) {
    *out = fix_of(v);
    return true;
  }
  Val n = is_num(v) ? num_to_int_checked(v) : bad_number(v);
  if (is_sig(n)) return false;
  *out = long_of(n);
  return true;
}

static Val bigint_of_text(Val str) { return big_of_decimal_text(str_s(str), str_n(str), 10); }

Val num_to_bigint(Val v) {
  switch (class_of(v)) {
  case C_LONG: return big_of_i64(long_of(v));
  case C_BIG: return AS(BigInt, v)->h.flags & BIG_JAVA ? big_op(OP_ADD, v, fix(0)) : v;
  case C_RATIO: return big_op(OP_QUOT, ratio_num(v), ratio_den(v));
  case C_DEC: return dec_to_integer(v);
  case C_DBL: {
    TRY(d, dec_of_double(dbl_of(v)));
    return dec_to_integer(d);
  }
  default: break;
  }
  if (is_str(v)) return bigint_of_text(v);
  if (is_nil(v)) return ex_throw(EXC_NULL, "Cannot invoke \"String.length()\" because \"val\" is null");
  return ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class java.math.BigInteger");
}

Val num_to_biginteger(Val v) { return big_as_java(num_to_bigint(v)); }

static Val decimal_of_text(Val str) {
  const char *p = str_s(str), *end = p + str_n(str);
  Val v = dec_of_text(p, str_n(str));
  if (!same(v, ABSENT)) return v;
  while (p < end && ((*p >= '0' && *p <= '9') || strchr("+-.eE", *p))) p++;
  if (p == end) return ex_throw(EXC_NUMBER_FORMAT, "No digits or exponent found in \"%s\".", str_s(str));
  const char *q = p;
  utf8_next(&q);
  return ex_throw(EXC_NUMBER_FORMAT,
                  "Character %.*s is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.",
                  (int)(q - p), p);
}

Val num_to_decimal(Val v) {
  if (is_dbl(v)) return dec_of_double(dbl_of(v));
  if (is_num(v)) return dec_in_context(v);
  if (is_str(v)) return decimal_of_text(v);
  if (is_nil(v)) return ex_throw(EXC_NULL, "Cannot invoke \"Object.getClass()\" because \"val\" is null");
  return ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class java.math.BigDecimal");
}

Val num_rationalize(Val v) {
  if (is_nil(v)) return v;
  switch (class_of(v)) {
  case C_DBL: {
    TRY(d, dec_of_double(dbl_of(v)));
    return dec_rational(d);
  }
  case C_DEC: return dec_rational(v);
  case C_NONE: return bad_number(v);
  default: return v;
  }
}

static Val ratio_part(Val r, bool num) {
  if (is_nil(r))
    return ex_throw(EXC_NULL, "Cannot read field \"%s\" because \"r\" is null", num ? "numerator" : "denominator");
  if (!is_type(r, T_RATIO)) return ex_cast(r, "clojure.lang.Ratio");
  return big_as_java(num ? ratio_num(r) : ratio_den(r));
}

Val num_numerator(Val r) { return ratio_part(r, true); }
Val num_denominator(Val r) { return ratio_part(r, false); }

/* ---- arithmetic ---- */

static uint64_t gcd_of(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t t = a % b;
    a = b;
    b = t;
  }
  return a;
}

static Val long_div(int64_t a, int64_t b) {
  if (b == -1 && a == INT64_MIN) return int_val(a); /* as Java's division wraps */
  if (a % b == 0) return int_val(a / b);
  uint64_t ua = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, ub = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
  int64_t g = (int64_t)gcd_of(ua, ub);
  Val n = big_of_i64(a / g), d = big_of_i64(b / g);
  return ratio_make(n, d);
}

static Val long_op(enum NumOp op, int64_t a, int64_t b, bool promote) {
  int64_t r;
  bool over = false;
  switch (op) {
  case OP_ADD: over = __builtin_add_overflow(a, b, &r); break;
  case OP_SUB: over = __builtin_sub_overflow(a, b, &r); break;
  case OP_MUL: over = __builtin_mul_overflow(a, b, &r); break;
  case OP_DIV: return long_div(a, b);
  case OP_QUOT: return int_val(b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b);
  default: return int_val(b == -1 ? 0 : a % b);
  }
  if (!over) return int_val(r);
  return promote ? big_op(op, big_of_i64(a), big_of_i64(b)) : overflow();
}

/* The quotient goes through a long, which has no -0.0; beyond long range through a BigDecimal. */
static Val double_quot(double q) {
  if (!isfinite(q)) return ex_throw(EXC_NUMBER_FORMAT, "Infinite or NaN");
  return dbl_val(trunc(q) + 0.0);
}

static Val double_rem(double a, double b) {
  TRY(q, double_quot(a / b));
  return dbl_val(a - dbl_of(q) * b);
}

static Val double_op(enum NumOp op, double a, double b) {
  switch (op) {
  case OP_ADD: return dbl_val(a + b);
  case OP_SUB: return dbl_val(a - b);
  case OP_MUL: return dbl_val(a * b);
  case OP_DIV: return dbl_val(a / b);
  default: break;
  }
  return op == OP_QUOT ? double_quot(a / b) : double_rem(a, b);
}

static Val exact_op(enum NumOp op, enum Class c, Val a, Val b) {
  if (c == C_DEC) return dec_op(op, a, b);
  if (c == C_RATIO || op == OP_DIV) return ratio_op(op, a, b);
  return big_op(op, a, b);
}

static bool is_nan_val(Val v) { return is_dbl(v) && isnan(dbl_of(v)); }

/* Division looks at the divisor first, and throws for a zero of any type: only what the compiler knows to be doubles
 * (num_div_double) divides as IEEE 754 says. A NaN goes before everything. */
static Val divisor(enum NumOp op, Val a, Val b) {
  if (op == OP_DIV && is_nan_val(a)) return a;
  if (op == OP_DIV && is_nan_val(b)) return b;
  if (class_of(b) == C_NONE) return bad_number(b);
  return num_is_zero(b) ? div_zero() : NIL;
}

static __attribute__((noinline)) Val arith(enum NumOp op, Val a, Val b, bool promote) {
  enum Class ca = class_of(a), cb = class_of(b), c = ca > cb ? ca : cb;
  if (op >= OP_DIV) {
    Val v = divisor(op, a, b);
    if (!is_nil(v)) return v;
  }
  if (c == C_NONE) return bad_operand(a, b);
  if (c == C_DBL) return double_op(op, num_to_double(a), num_to_double(b));
  if (c != C_LONG) return exact_op(op, c, a, b);
  return long_op(op, long_of(a), long_of(b), promote);
}

static inline bool both_fix(Val a, Val b) { return a.w & b.w & 1; }
static inline bool both_flo(Val a, Val b) { return is_flo(a) && is_flo(b); }

static inline Val add(Val a, Val b, bool promote) {
  if (both_fix(a, b)) return int_val(fix_of(a) + fix_of(b));
  if (both_flo(a, b)) return dbl_val(flo_of(a) + flo_of(b));
  return arith(OP_ADD, a, b, promote);
}

static inline Val sub(Val a, Val b, bool promote) {
  if (both_fix(a, b)) return int_val(fix_of(a) - fix_of(b));
  if (both_flo(a, b)) return dbl_val(flo_of(a) - flo_of(b));
  return arith(OP_SUB, a, b, promote);
}

static inline Val mul(Val a, Val b, bool promote) {
  int64_t r;
  if (both_fix(a, b) && !__builtin_mul_overflow(fix_of(a), fix_of(b), &r)) return int_val(r);
  if (both_flo(a, b)) return dbl_val(flo_of(a) * flo_of(b));
  return arith(OP_MUL, a, b, promote);
}

Val num_add(Val a, Val b) { return add(a, b, false); }
Val num_sub(Val a, Val b) { return sub(a, b, false); }
Val num_mul(Val a, Val b) { return mul(a, b, false); }
Val num_addp(Val a, Val b) { return add(a, b, true); }
Val num_subp(Val a, Val b) {
  if (class_of(b) == C_NONE && !is_nil(a)) return bad_number(b); /* -y is made first */
  return sub(a, b, true);
}
Val num_mulp(Val a, Val b) { return mul(a, b, true); }
Val num_inc(Val a) { return add(a, fix(1), false); }
Val num_dec(Val a) { return sub(a, fix(1), false); }
Val num_incp(Val a) { return add(a, fix(1), true); }
Val num_decp(Val a) { return sub(a, fix(1), true); }

Val num_div(Val a, Val b) {
  if (both_flo(a, b) && flo_of(b) != 0) return dbl_val(flo_of(a) / flo_of(b));
  return arith(OP_DIV, a, b, false);
}

Val num_div_double(Val a, Val b) {
  if (class_of(a) == C_NONE || class_of(b) == C_NONE) return bad_operand(a, b);
  return dbl_val(num_to_double(a) / num_to_double(b));
}

Val num_quot(Val a, Val b) {
  if (both_fix(a, b) && fix_of(b)) return int_val(fix_of(a) / fix_of(b));
  return arith(OP_QUOT, a, b, false);
}

Val num_rem(Val a, Val b) {
  if (both_fix(a, b) && fix_of(b)) return fix(fix_of(a) % fix_of(b));
  return arith(OP_REM, a, b, false);
}

Val num_mod(Val a, Val b) {
  TRY(m, num_rem(a, b));
  if (num_is_zero(m) || num_is_pos(a) == num_is_pos(b)) return m;
  return num_add(m, b);
}

static Val neg(Val a, bool promote) {
  if (is_dbl(a)) return dbl_val(-dbl_of(a));
  if (is_type(a, T_DECIMAL)) return dec_negate(a);
  return sub(fix(0), a, promote);
}

Val num_neg(Val a) { return neg(a, false); }
Val num_negp(Val a) { return neg(a, true); }

Val num_abs(Val a) {
  if (is_long(a)) return long_of(a) < 0 && long_of(a) != INT64_MIN ? int_val(-long_of(a)) : a;
  if (is_dbl(a)) return dbl_val(fabs(dbl_of(a)));
  if (!is_num(a)) return bad_number(a);
  return num_is_neg(a) ? num_neg(a) : a;
}

/* ---- comparison ---- */

enum { UNORDERED = 2 };

static int cmp_double(double a, double b) {
  if (isnan(a) || isnan(b)) return UNORDERED;
  return (a > b) - (a < b);
}

/* -1, 0, 1 or UNORDERED */
static int order(Val a, Val b) {
  enum Class ca = class_of(a), cb = class_of(b), c = ca > cb ? ca : cb;
  switch (c) {
  case C_LONG: return (long_of(a) > long_of(b)) - (long_of(a) < long_of(b));
  case C_BIG: return big_cmp(a, b);
  case C_RATIO: return ratio_cmp(a, b);
  case C_DEC: return dec_cmp(a, b);
  default: return cmp_double(num_to_double(a), num_to_double(b));
  }
}

static bool is_gt(int o) { return o == 1; }
static bool is_equal(int o) { return o == 0; }

/* A ratio beside a decimal is made a decimal, which fails when its expansion does not end. */
static Val comparable(Val a, Val b) {
  enum Class ca = class_of(a), cb = class_of(b);
  if ((ca == C_RATIO && cb == C_DEC) || (ca == C_DEC && cb == C_RATIO)) return dec_of(ca == C_RATIO ? a : b);
  return NIL;
}

Val num_compare(Val a, Val b, int *out) {
  CHECK(comparable(a, b));
  *out = num_cmp(a, b);
  return NIL;
}

static __attribute__((noinline)) Val ordered(Val a, Val b, bool (*test)(int)) {
  if (test == is_equal) { /* == casts both before it looks for nil */
    if (!is_nil(a) && !is_num(a)) return bad_number(a);
    if (!is_nil(b) && !is_num(b)) return bad_number(b);
  }
  if (!is_num(a) || !is_num(b)) return test == is_gt ? bad_operand(b, a) : bad_operand(a, b); /* (> a b) is (< b a) */
  CHECK(comparable(a, b));
  return bool_val(test(order(a, b)));
}

static bool is_lt(int o) { return o == -1; }
static bool is_le(int o) { return o <= 0; }
static bool is_ge(int o) { return o == 0 || o == 1; }

/* Fixnums order as their words do. */
Val num_lt(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w < (int64_t)b.w) : ordered(a, b, is_lt); }
Val num_le(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w <= (int64_t)b.w) : ordered(a, b, is_le); }
Val num_gt(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w > (int64_t)b.w) : ordered(a, b, is_gt); }
Val num_ge(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w >= (int64_t)b.w) : ordered(a, b, is_ge); }
Val num_equiv(Val a, Val b) { return both_fix(a, b) ? bool_val(same(a, b)) : ordered(a, b, is_equal); }

/* Integers are one category; the others are their own. */
bool num_eq(Val a, Val b) {
  enum Class ca = class_of(a), cb = class_of(b);
  if (ca == C_BIG) ca = C_LONG;
  if (cb == C_BIG) cb = C_LONG;
  return ca == cb && ca != C_NONE && order(a, b) == 0;
}

int num_cmp(Val a, Val b) {
  int o = order(a, b);
  return o == UNORDERED ? 0 : o;
}

static int sign_of(Val v) {
  switch (class_of(v)) {
  case C_LONG: return (long_of(v) > 0) - (long_of(v) < 0);
  case C_BIG: return big_sign(v);
  case C_RATIO: return big_sign(ratio_num(v));
  case C_DEC: return big_sign(AS(Decimal, v)->unscaled);
  case C_DBL: return cmp_double(dbl_of(v), 0);
  default: return UNORDERED;
  }
}

bool num_is_zero(Val v) { return sign_of(v) == 0; }
bool num_is_pos(Val v) { return sign_of(v) == 1; }
bool num_is_neg(Val v) { return sign_of(v) == -1; }

/* ---- bits ---- */

static bool bit_arg(Val v, int64_t *out) {
  if (is_long(v)) {
    *out = long_of(v);
    return true;
  }
  if (is_nil(v)) bad_number(v);
  else ex_throw(EXC_ILLEGAL_ARG, "bit operation not supported for: class %s", class_name_of(v));
  return false;
}

Val num_bit(enum BitOp op, Val a, Val b) {
  int64_t x, y;
  if (!bit_arg(a, &x) || !bit_arg(b, &y)) return SIG_THROW;
  uint64_t u = (uint64_t)x, one = (uint64_t)1 << (y & 63);
  switch (op) {
  case BIT_AND: return int_val(x & y);
  case BIT_OR: return int_val(x | y);
  case BIT_XOR: return int_val(x ^ y);
  case BIT_AND_NOT: return int_val(x & ~y);
  case BIT_SHL: return int_val((int64_t)(u << (y & 63)));
  case BIT_SHR: return int_val(x >> (y & 63));
  case BIT_USHR: return int_val((int64_t)(u >> (y & 63)));
  case BIT_CLEAR: return int_val((int64_t)(u & ~one));
  case BIT_SET: return int_val((int64_t)(u | one));
  case BIT_FLIP: return int_val((int64_t)(u ^ one));
  default: return bool_val(u & one);
  }
}

Val num_bit_not(Val a) {
  int64_t x;
  return bit_arg(a, &x) ? int_val(~x) : SIG_THROW;
}

/* ---- hash, text ---- */

static uint32_t hash_double(double d) {
  uint64_t b;
  if (d == 0) return 0;
  if (isnan(d)) return 0x7ff80000u;
  memcpy(&b, &d, 8);
  return (uint32_t)b ^ (uint32_t)(b >> 32);
}

static uint32_t hash_float(float f) {
  uint32_t b;
  if (f == 0) return 0;
  if (isnan(f)) return 0x7fc00000u;
  memcpy(&b, &f, 4);
  return b;
}

uint32_t num_hash(Val v) {
  int64_t i;
  switch (class_of(v)) {
  case C_LONG: return hash_long(long_of(v));
  case C_BIG: return big_to_long(v, &i) ? hash_long(i) : big_hash(v);
  case C_RATIO: return big_hash(ratio_num(v)) ^ big_hash(ratio_den(v));
  case C_DEC: return dec_hash(v);
  case C_DBL: return is_float(v) ? hash_float((float)dbl_of(v)) : hash_double(dbl_of(v));
  default: return 0;
  }
}

static void put_long(Buf *b, int64_t i) {
  char text[24];
  char *p = text + sizeof text;
  uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
  do *--p = (char)('0' + u % 10);
  while (u /= 10);
  if (i < 0) *--p = '-';
  buf_add(b, p, (size_t)(text + sizeof text - p));
}

static void put_double(Buf *b, Val v, const char *nan, const char *inf, const char *minus_inf) {
  double d = dbl_of(v);
  if (isfinite(d) && is_float(v)) flt_print(b, (float)d);
  else if (isfinite(d)) dbl_print(b, d);
  else buf_c(b, isnan(d) ? nan : d > 0 ? inf : minus_inf);
}

static void put_exact(Buf *b, Val v) {
  switch (class_of(v)) {
  case C_LONG: put_long(b, long_of(v)); break;
  case C_BIG: big_print(b, v); break;
  case C_DEC: dec_print(b, v); break;
  default:
    big_print(b, ratio_num(v));
    buf_ch(b, '/');
    big_print(b, ratio_den(v));
  }
}

void num_str(Buf *b, Val v) {
  if (is_dbl(v)) put_double(b, v, "NaN", "Infinity", "-Infinity");
  else put_exact(b, v);
}

void num_print(Buf *b, Val v) {
  if (is_dbl(v)) {
    put_double(b, v, "##NaN", "##Inf", "##-Inf");
    return;
  }
  put_exact(b, v);
  if (is_type(v, T_DECIMAL)) buf_ch(b, 'M');
  if (is_type(v, T_BIGINT) && !(obj(v)->flags & BIG_JAVA)) buf_ch(b, 'N');
}
