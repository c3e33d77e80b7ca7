/* numbers.c - conversions between number types, unchecked arithmetic, bits, parsing, random numbers.
 *
 * There is one integer type below BigInt (long) and one floating point type: (int x), (short x) and (byte x) check the
 * range and give a long, (float x) rounds to single precision and gives a double. */
#include "stdlib.h"
#include "args.h"
#include "reader/read.h"
#include <math.h>
#include <sys/random.h>

/* ---- checked conversions ---- */

static Val out_of_range(const char *type, Val x) {
  TRY(s, arg_str_of(x));
  return ex_throw(EXC_ILLEGAL_ARG, "Value out of range for %s: %s", type, str_s(s));
}

static Val code_point(Val x) { return is_char(x) ? fix((int64_t)char_of(x)) : x; }

DOC(as_long, "[x]", "Coerces a number or character to a long, truncating.",
    "(long 1.9) ;=> 1\n(long \\a) ;=> 97\n(long 1e20) ;!> argument");
static Val numbers_long(Val x) {
  Val n = code_point(x);
  CHECK(arg_num_call(n, ARG_DOUBLE_VALUE));
  return num_to_long_checked(n);
}

DOC(as_int, "[x]", "Coerces a number or character to an integer of 32 bits, truncating.",
    "(int 3.7) ;=> 3\n(int \\A) ;=> 65\n(int 9999999999) ;!> arithmetic");

static Val narrow(Val x, int64_t limit, const char *type) {
  Val n = code_point(x);
  CHECK(arg_num_call(n, ARG_DOUBLE_VALUE));
  TRY(l, num_to_long_checked(n));
  return long_of(l) < -limit || long_of(l) >= limit ? out_of_range(type, x) : l;
}

DOC(as_short, "[x]", "Coerces to an integer of 16 bits.", "(short 5) ;=> 5\n(short 40000) ;!> argument");
static Val numbers_short(Val x) { return narrow(x, 32768, "short"); }

DOC(as_byte, "[x]", "Coerces to an integer of 8 bits.", "(byte 5) ;=> 5\n(byte 200) ;!> argument");
static Val numbers_byte(Val x) { return narrow(x, 128, "byte"); }

DOC(as_double, "[x]", "Coerces a number to a double.", "(double 1/4) ;=> 0.25");
static Val numbers_double(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  return is_dbl(x) && !is_float(x) ? x : dbl_val(num_to_double(x));
}

DOC(as_float, "[x]", "Rounds a number to single precision; arithmetic with the result gives doubles.", "(float 1.5) ;=> 1.5\n(float 1e300) ;!> argument");
static Val numbers_float(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  double d = num_to_double(x);
  if (fabs(d) > 3.4028234663852886e38) return out_of_range("float", x);
  return num_float(d);
}

DOC(as_num, "[x]", "x itself if it is a number (or nil), an error otherwise.", "(num 5) ;=> 5\n(num :a) ;!> type");
static Val numbers_num(Val x) {
  if (!is_nil(x)) CHECK(arg_num(x));
  return x;
}

DOC(as_char, "[x]", "Coerces a code point to a character.", "(char 97) ;=> \\a\n(char -1) ;!> argument");
static Val numbers_char(Val x) {
  int64_t i;
  if (is_char(x)) return x;
  CHECK(arg_num_call(x, "java.lang.Number.longValue()"));
  if (!num_to_long(x, &i) || i < 0 || i > 0xffff) return out_of_range("char", x);
  return char_val((uint32_t)i);
}

/* ---- big numbers ---- */

static Val no_constructor(const char *cls) { return ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class %s", cls); }

static Val bad_number(Val s) { return ex_throw(EXC_NUMBER_FORMAT, "For input string: \"%s\"", str_s(s)); }

static Val big_of_str(Val s) {
  const char *p = str_s(s), *end = p + str_n(s);
  if (p == end) return ex_throw(EXC_NUMBER_FORMAT, "Zero length BigInteger");
  if (*p == '-' || *p == '+') p++;
  if (p == end) return ex_throw(EXC_NUMBER_FORMAT, "Zero length BigInteger");
  for (const char *q = p; q < end; q++)
    if (*q < '0' || *q > '9') return bad_number(s);
  bool plus = *str_s(s) == '+';
  return big_of_decimal_text(str_s(s) + plus, str_n(s) - plus, 10);
}

DOC(as_bigint, "[x]", "Coerces a number or a string of digits to a BigInt.",
    "(bigint 5) ;=> 5N\n(bigint \"123\") ;=> 123N\n(bigint 1.9) ;=> 1N");
static Val numbers_bigint(Val x) {
  if (is_num(x)) return num_to_bigint(x);
  if (is_str(x)) return big_of_str(x);
  return is_nil(x) ? arg_null("String.length()", "val") : no_constructor("java.math.BigInteger");
}

DOC(as_biginteger, "[x]", "Coerces a number or a string of digits to a java.math.BigInteger.", "(biginteger 5) ;=> 5");
static Val numbers_biginteger(Val x) {
  TRY(n, numbers_bigint(x));
  return num_to_biginteger(n);
}

/* The syntax of new BigDecimal(String): [sign] digits [. digits] [e [sign] digits], a digit on one side of the point. */
static const char *decimal_error(const char *p, const char *end) {
  size_t digits = 0;
  if (p < end && (*p == '-' || *p == '+')) p++;
  for (; p < end && *p >= '0' && *p <= '9'; p++) digits++;
  if (p < end && *p == '.')
    for (p++; p < end && *p >= '0' && *p <= '9'; p++) digits++;
  if (!digits) return p;
  if (p < end && (*p == 'e' || *p == 'E')) {
    if (++p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return p;
    while (p < end && *p >= '0' && *p <= '9') p++;
  }
  return p < end ? p : NULL;
}

static Val decimal_of_str(Val s) {
  const char *p = str_s(s), *end = p + str_n(s), *bad = decimal_error(p, end);
  if (bad == end) return ex_throw(EXC_NUMBER_FORMAT, "Index %zu out of bounds for length %zu", str_n(s), str_n(s));
  if (bad) {
    const char *q = bad;
    char c[5] = {0};
    utf8_put(c, utf8_next(&q));
    return ex_throw(EXC_NUMBER_FORMAT,
                    "Character %s is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.", c);
  }
  Buf b = {0};
  if (*p == '-' || *p == '+') {
    if (*p == '-') buf_ch(&b, '-');
    p++;
  }
  while (p + 1 < end && p[0] == '0' && p[1] >= '0' && p[1] <= '9') p++;
  if (*p == '.') buf_ch(&b, '0');
  buf_add(&b, p, (size_t)(end - p));
  buf_ch(&b, 'M');
  Val v = num_parse(b.p, b.n);
  buf_free(&b);
  return same(v, ABSENT) ? bad_number(s) : v;
}

DOC(as_bigdec, "[x]", "Coerces a number or the text of a number to a BigDecimal.",
    "(bigdec \"1.50\") ;=> 1.50M\n(bigdec 1/3) ;!> arithmetic");
static Val numbers_bigdec(Val x) {
  if (is_num(x)) return num_to_decimal(x);
  if (is_str(x)) return decimal_of_str(x);
  return is_nil(x) ? arg_null("Object.getClass()", "val") : no_constructor("java.math.BigDecimal");
}

static Val need_ratio(Val r, const char *field) {
  if (is_type(r, T_RATIO)) return NIL;
  if (is_nil(r)) return ex_throw(EXC_NULL, "Cannot read field \"%s\" because \"r\" is null", field);
  return ex_cast(r, "clojure.lang.Ratio");
}

DOC(numerator, "[r]", "The numerator of a Ratio.", "(numerator 6/4) ;=> 3");
static Val numbers_numerator(Val r) {
  CHECK(need_ratio(r, "numerator"));
  return num_numerator(r);
}

DOC(denominator, "[r]", "The denominator of a Ratio.", "(denominator 6/4) ;=> 2");
static Val numbers_denominator(Val r) {
  CHECK(need_ratio(r, "denominator"));
  return num_denominator(r);
}

DOC(rationalize, "[num]", "The rational value of num: a double becomes the ratio its text says.", "(rationalize 1.5) ;=> 3/2");
static Val numbers_rationalize(Val x) {
  if (is_nil(x)) return NIL;
  CHECK(arg_num(x));
  return num_rationalize(x);
}

/* ---- unchecked arithmetic ---- */

static Val wrap(uint64_t x) { return int_val((int64_t)x); }
static uint64_t bits_of(Val x) { return (uint64_t)long_of(x); }

DOC(unchecked_add, "[x y]", "Sum of two longs, wrapping around on overflow.",
    "(unchecked-add 9223372036854775807 1) ;=> -9223372036854775808");
static Val numbers_uadd(Val x, Val y) { return is_long(x) && is_long(y) ? wrap(bits_of(x) + bits_of(y)) : num_add(x, y); }

DOC(unchecked_subtract, "[x y]", "Difference of two longs, wrapping around on overflow.", "(unchecked-subtract 3 1) ;=> 2");
static Val numbers_usub(Val x, Val y) { return is_long(x) && is_long(y) ? wrap(bits_of(x) - bits_of(y)) : num_sub(x, y); }

DOC(unchecked_multiply, "[x y]", "Product of two longs, wrapping around on overflow.", "(unchecked-multiply 9223372036854775807 2) ;=> -2");
static Val numbers_umul(Val x, Val y) { return is_long(x) && is_long(y) ? wrap(bits_of(x) * bits_of(y)) : num_mul(x, y); }

DOC(unchecked_negate, "[x]", "Negation of a long, wrapping around on overflow.", "(unchecked-negate 5) ;=> -5");
static Val numbers_uneg(Val x) { return is_long(x) ? wrap(0 - bits_of(x)) : num_neg(x); }

DOC(unchecked_inc, "[x]", "One more than a long, wrapping around on overflow.",
    "(unchecked-inc 9223372036854775807) ;=> -9223372036854775808");
static Val numbers_uinc(Val x) { return is_long(x) ? wrap(bits_of(x) + 1) : num_inc(x); }

DOC(unchecked_dec, "[x]", "One less than a long, wrapping around on overflow.", "(unchecked-dec 5) ;=> 4");
static Val numbers_udec(Val x) { return is_long(x) ? wrap(bits_of(x) - 1) : num_dec(x); }

static Val wrap32(uint64_t x) { return fix((int32_t)(uint32_t)x); }

/* Two arguments of the -int operations: no characters here. */
static Val two_ints(Val x, Val y, int64_t *a, int64_t *b) {
  CHECK(is_nil(x) ? arg_null("java.lang.Character.charValue()", "x") : arg_num(x));
  TRY(i, num_to_int_checked(x));
  CHECK(is_nil(y) ? arg_null("java.lang.Character.charValue()", "x") : arg_num(y));
  TRY(j, num_to_int_checked(y));
  *a = long_of(i);
  *b = long_of(j);
  return NIL;
}

#define INT_OP(name, expr, doc, example)                                                                                                   \
  DOC(name, "[x y]", doc, example);                                                                                                        \
  static Val numbers_##name(Val x, Val y) {                                                                                                \
    int64_t a, b;                                                                                                                          \
    CHECK(two_ints(x, y, &a, &b));                                                                                                         \
    return wrap32((uint64_t)(expr));                                                                                                       \
  }
INT_OP(add_int, a + b, "Sum of two 32-bit integers, wrapping around.", "(unchecked-add-int 2147483647 1) ;=> -2147483648")
INT_OP(subtract_int, a - b, "Difference of two 32-bit integers, wrapping around.", "(unchecked-subtract-int 3 1) ;=> 2")
INT_OP(multiply_int, a *b, "Product of two 32-bit integers, wrapping around.", "(unchecked-multiply-int 65536 65536) ;=> 0")

DOC(divide_int, "[x y]", "Quotient of two 32-bit integers.", "(unchecked-divide-int 7 2) ;=> 3");
static Val numbers_divide_int(Val x, Val y) {
  int64_t a, b;
  CHECK(two_ints(x, y, &a, &b));
  return b ? wrap32((uint64_t)(a / b)) : ex_throw(EXC_ARITHMETIC, "/ by zero");
}

DOC(remainder_int, "[x y]", "Remainder of two 32-bit integers.", "(unchecked-remainder-int 7 2) ;=> 1");
static Val numbers_remainder_int(Val x, Val y) {
  int64_t a, b;
  CHECK(two_ints(x, y, &a, &b));
  return b ? wrap32((uint64_t)(a % b)) : ex_throw(EXC_ARITHMETIC, "/ by zero");
}

DOC(inc_int, "[x]", "One more than a 32-bit integer, wrapping around.", "(unchecked-inc-int 2147483647) ;=> -2147483648");
static Val numbers_inc_int(Val x) { return numbers_add_int(x, fix(1)); }
DOC(dec_int, "[x]", "One less than a 32-bit integer, wrapping around.", "(unchecked-dec-int 0) ;=> -1");
static Val numbers_dec_int(Val x) { return numbers_subtract_int(x, fix(1)); }
DOC(negate_int, "[x]", "Negation of a 32-bit integer, wrapping around.", "(unchecked-negate-int 5) ;=> -5");
static Val numbers_negate_int(Val x) { return numbers_subtract_int(fix(0), x); }

static Val unchecked_bits(Val x, const char *call, uint64_t *out) {
  Val n = code_point(x);
  CHECK(arg_num_call(n, call));
  *out = (uint64_t)num_java_long(n);
  return NIL;
}

DOC(unchecked_long, "[x]", "Coerces to a long; what does not fit saturates (doubles) or wraps around.",
    "(unchecked-long 1e30) ;=> 9223372036854775807");
static Val numbers_ulong(Val x) {
  uint64_t bits;
  if (is_char(x)) return ex_cast(x, "java.lang.Number");
  CHECK(unchecked_bits(x, "java.lang.Number.longValue()", &bits));
  return wrap(bits);
}

DOC(unchecked_int, "[x]", "Coerces to 32 bits; what does not fit wraps around.", "(unchecked-int 3000000000) ;=> -1294967296");
static Val numbers_uint(Val x) {
  uint64_t bits;
  if (!is_nil(x) && !is_num(x) && !is_char(x)) return ex_cast(x, "java.lang.Character");
  CHECK(unchecked_bits(x, "java.lang.Number.intValue()", &bits));
  if (is_dbl(x) && (int64_t)bits > INT32_MAX) return fix(INT32_MAX);
  if (is_dbl(x) && (int64_t)bits < INT32_MIN) return fix(INT32_MIN);
  return wrap32(bits);
}

DOC(unchecked_short, "[x]", "Coerces to 16 bits; what does not fit wraps around.", "(unchecked-short 70000) ;=> 4464");
static Val numbers_ushort(Val x) {
  uint64_t bits;
  if (is_char(x)) return ex_cast(x, "java.lang.Number");
  CHECK(unchecked_bits(x, "java.lang.Number.shortValue()", &bits));
  return fix((int16_t)bits);
}

DOC(unchecked_byte, "[x]", "Coerces to 8 bits; what does not fit wraps around.", "(unchecked-byte 200) ;=> -56");
static Val numbers_ubyte(Val x) {
  uint64_t bits;
  if (is_char(x)) return ex_cast(x, "java.lang.Number");
  CHECK(unchecked_bits(x, "java.lang.Number.byteValue()", &bits));
  return fix((int8_t)bits);
}

DOC(unchecked_char, "[x]", "Coerces to a character; the code wraps around at 65536.", "(unchecked-char 65) ;=> \\A");
static Val numbers_uchar(Val x) {
  uint64_t bits;
  if (is_char(x)) return x;
  CHECK(unchecked_bits(x, "java.lang.Number.longValue()", &bits));
  return char_val((uint32_t)(bits & 0xffff));
}

DOC(unchecked_double, "[x]", "Coerces a number to a double.", "(unchecked-double 1) ;=> 1.0");
DOC(unchecked_float, "[x]", "Rounds a number to single precision.", "(unchecked-float 1) ;=> 1.0");
static Val numbers_ufloat(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  return num_float(num_to_double(x));
}

/* ---- bits ---- */

static Val bit_fold(enum BitOp op, int n, const Val *a) {
  Val acc = a[0];
  for (int i = 1; i < n; i++) {
    TRY(x, num_bit(op, acc, a[i]));
    acc = x;
  }
  return acc;
}

#define BIT_OP(name, op)                                                                                                                   \
  static Val numbers_##name(Val x, Val y) { return num_bit(op, x, y); }
#define BIT_OPS(name, op)                                                                                                                  \
  BIT_OP(name, op)                                                                                                                         \
  static Val numbers_##name##_n(int n, const Val *a) { return bit_fold(op, n, a); }

DOC(bit_and, "[x y] [x y & more]", "Bitwise and.", "(bit-and 12 10) ;=> 8");
DOC(bit_or, "[x y] [x y & more]", "Bitwise or.", "(bit-or 12 10) ;=> 14");
DOC(bit_xor, "[x y] [x y & more]", "Bitwise exclusive or.", "(bit-xor 12 10) ;=> 6");
DOC(bit_and_not, "[x y] [x y & more]", "Bitwise and with complement.", "(bit-and-not 7 2) ;=> 5");
DOC(bit_not, "[x]", "Bitwise complement.", "(bit-not 5) ;=> -6\n(bit-not \"a\") ;!> argument");
DOC(bit_shl, "[x n]", "Bits of x shifted left by n modulo 64.", "(bit-shift-left 1 10) ;=> 1024");
DOC(bit_shr, "[x n]", "Bits of x shifted right by n, keeping the sign.", "(bit-shift-right -8 1) ;=> -4");
DOC(bit_ushr, "[x n]", "Bits of x shifted right by n, filling with zeros.", "(unsigned-bit-shift-right -1 60) ;=> 15");
DOC(bit_clear, "[x n]", "x with bit n cleared.", "(bit-clear 11 3) ;=> 3");
DOC(bit_set, "[x n]", "x with bit n set.", "(bit-set 0 3) ;=> 8");
DOC(bit_flip, "[x n]", "x with bit n flipped.", "(bit-flip 11 2) ;=> 15");
DOC(bit_test, "[x n]", "True if bit n of x is set.", "(bit-test 5 0) ;=> true");
BIT_OPS(bit_and, BIT_AND)
BIT_OPS(bit_or, BIT_OR)
BIT_OPS(bit_xor, BIT_XOR)
BIT_OPS(bit_and_not, BIT_AND_NOT)
BIT_OP(bit_shl, BIT_SHL)
BIT_OP(bit_shr, BIT_SHR)
BIT_OP(bit_ushr, BIT_USHR)
BIT_OP(bit_clear, BIT_CLEAR)
BIT_OP(bit_set, BIT_SET)
BIT_OP(bit_flip, BIT_FLIP)
BIT_OP(bit_test, BIT_TEST)

/* ---- parsing ---- */

static Val parse_arg(Val s) {
  if (is_str(s)) return NIL;
  return ex_throw(EXC_ILLEGAL_ARG, "Expected string, got %s", is_nil(s) ? "nil" : class_name_of(s));
}

DOC(parse_long, "[s]", "The long that the string says in decimal, nil if it says none.",
    "(parse-long \"42\") ;=> 42\n(parse-long \"4.2\") ;=> nil\n(parse-long nil) ;!> argument");
static Val numbers_parse_long(Val s) {
  CHECK(parse_arg(s));
  return num_parse_long(s);
}

DOC(parse_double, "[s]", "The double that the string says, nil if it says none.",
    "(parse-double \"1.5\") ;=> 1.5\n(parse-double \"x\") ;=> nil");
static Val numbers_parse_double(Val s) {
  CHECK(parse_arg(s));
  return num_parse_double(s);
}

DOC(parse_boolean, "[s]", "true for \"true\", false for \"false\", otherwise nil.",
    "(parse-boolean \"true\") ;=> true\n(parse-boolean \"True\") ;=> nil");
static Val numbers_parse_boolean(Val s) {
  CHECK(parse_arg(s));
  return str_eq_c(s, "true") ? TRUE_V : str_eq_c(s, "false") ? FALSE_V : NIL;
}

/* ---- random numbers ---- */

/* xoshiro256++ (Blackman and Vigna), one per thread, seeded by the kernel. */
static _Thread_local uint64_t rand_state[4];

static _Thread_local bool rand_seeded;

void stdlib_seed(uint64_t seed) {
  rand_seeded = seed != 0;
  for (int i = 0; i < 4; i++) { /* splitmix64 */
    uint64_t z = seed ? (seed += 0x9e3779b97f4a7c15u) : 0;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    rand_state[i] = z ^ z >> 31;
  }
}

static void rand_seed(void) {
  while (getrandom(rand_state, sizeof rand_state, 0) != (ssize_t)sizeof rand_state) continue;
}

static uint64_t rand_bits(void) {
  uint64_t *s = rand_state;
  if (!(s[0] | s[1] | s[2] | s[3])) rand_seed();
  uint64_t sum = s[0] + s[3], result = ((sum << 23) | (sum >> 41)) + s[0], t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = (s[3] << 45) | (s[3] >> 19);
  return result;
}

bool stdlib_random(uint64_t *out, size_t n) {
  for (size_t i = 0; i < n && rand_seeded; i++) out[i] = rand_bits();
  return rand_seeded;
}

DOC(rand, "[] [n]", "A random double from 0 (included) to n (not included, default 1).", "(< -1 (rand 5) 5) ;=> true");
static Val numbers_rand(void) { return dbl_val((double)(rand_bits() >> 11) * 0x1.0p-53); }
static Val numbers_rand_to(Val n) { return num_mul(n, numbers_rand()); }

DOC(rand_int, "[n]", "A random integer from 0 (included) to n (not included).", "(rand-int 1) ;=> 0");
static Val numbers_rand_int(Val n) {
  TRY(r, numbers_rand_to(n));
  return num_to_int_checked(r);
}

const BuiltinRow rows_numbers[] = {
    ROW1("long", numbers_long, as_long, B_PURE),
    ROW1("int", num_to_int_checked, as_int, B_PURE),
    ROW1("short", numbers_short, as_short, B_PURE),
    ROW1("byte", numbers_byte, as_byte, B_PURE),
    ROW1("double", numbers_double, as_double, B_PURE),
    ROW1("float", numbers_float, as_float, B_PURE),
    ROW1("num", numbers_num, as_num, B_PURE),
    ROW1("char", numbers_char, as_char, B_PURE),
    ROW1("bigint", numbers_bigint, as_bigint, B_PURE),
    ROW1("biginteger", numbers_biginteger, as_biginteger, B_PURE),
    ROW1("bigdec", numbers_bigdec, as_bigdec, B_PURE),
    ROW1("BigInteger.", numbers_biginteger, as_biginteger, B_PURE),
    ROW1("BigDecimal.", numbers_bigdec, as_bigdec, B_PURE),
    ROW1("numerator", numbers_numerator, numerator, B_PURE),
    ROW1("denominator", numbers_denominator, denominator, B_PURE),
    ROW1("rationalize", numbers_rationalize, rationalize, B_PURE),
    ROW2("unchecked-add", numbers_uadd, unchecked_add, B_PURE),
    ROW2("unchecked-subtract", numbers_usub, unchecked_subtract, B_PURE),
    ROW2("unchecked-multiply", numbers_umul, unchecked_multiply, B_PURE),
    ROW1("unchecked-negate", numbers_uneg, unchecked_negate, B_PURE),
    ROW1("unchecked-inc", numbers_uinc, unchecked_inc, B_PURE),
    ROW1("unchecked-dec", numbers_udec, unchecked_dec, B_PURE),
    ROW2("unchecked-add-int", numbers_add_int, add_int, B_PURE),
    ROW2("unchecked-subtract-int", numbers_subtract_int, subtract_int, B_PURE),
    ROW2("unchecked-multiply-int", numbers_multiply_int, multiply_int, B_PURE),
    ROW2("unchecked-divide-int", numbers_divide_int, divide_int, B_PURE),
    ROW2("unchecked-remainder-int", numbers_remainder_int, remainder_int, B_PURE),
    ROW1("unchecked-inc-int", numbers_inc_int, inc_int, B_PURE),
    ROW1("unchecked-dec-int", numbers_dec_int, dec_int, B_PURE),
    ROW1("unchecked-negate-int", numbers_negate_int, negate_int, B_PURE),
    ROW1("unchecked-long", numbers_ulong, unchecked_long, B_PURE),
    ROW1("unchecked-int", numbers_uint, unchecked_int, B_PURE),
    ROW1("unchecked-short", numbers_ushort, unchecked_short, B_PURE),
    ROW1("unchecked-byte", numbers_ubyte, unchecked_byte, B_PURE),
    ROW1("unchecked-char", numbers_uchar, unchecked_char, B_PURE),
    ROW1("unchecked-double", numbers_double, unchecked_double, B_PURE),
    ROW1("unchecked-float", numbers_ufloat, unchecked_float, B_PURE),
    ROW2("bit-and", numbers_bit_and, bit_and, B_PURE),
    ROWV("bit-and", 3, numbers_bit_and_n, bit_and, B_PURE),
    ROW2("bit-or", numbers_bit_or, bit_or, B_PURE),
    ROWV("bit-or", 3, numbers_bit_or_n, bit_or, B_PURE),
    ROW2("bit-xor", numbers_bit_xor, bit_xor, B_PURE),
    ROWV("bit-xor", 3, numbers_bit_xor_n, bit_xor, B_PURE),
    ROW2("bit-and-not", numbers_bit_and_not, bit_and_not, B_PURE),
    ROWV("bit-and-not", 3, numbers_bit_and_not_n, bit_and_not, B_PURE),
    ROW1("bit-not", num_bit_not, bit_not, B_PURE),
    ROW2("bit-shift-left", numbers_bit_shl, bit_shl, B_PURE),
    ROW2("bit-shift-right", numbers_bit_shr, bit_shr, B_PURE),
    ROW2("unsigned-bit-shift-right", numbers_bit_ushr, bit_ushr, B_PURE),
    ROW2("bit-clear", numbers_bit_clear, bit_clear, B_PURE),
    ROW2("bit-set", numbers_bit_set, bit_set, B_PURE),
    ROW2("bit-flip", numbers_bit_flip, bit_flip, B_PURE),
    ROW2("bit-test", numbers_bit_test, bit_test, B_PURE),
    ROW1("parse-long", numbers_parse_long, parse_long, B_PURE),
    ROW1("parse-double", numbers_parse_double, parse_double, B_PURE),
    ROW1("parse-boolean", numbers_parse_boolean, parse_boolean, B_PURE),
    ROW0("rand", numbers_rand, rand, B_NONDET),
    ROW1("rand", numbers_rand_to, rand, B_NONDET),
    ROW1("rand-int", numbers_rand_int, rand_int, B_NONDET),
    ROW_END,
};
