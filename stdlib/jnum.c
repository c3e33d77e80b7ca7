/* jnum.c - the static methods and constants of java.lang's number classes that flows use, and BigDecimal's methods. */
#include "stdlib.h"
#include "args.h"
#include "unicode.h"
#include <float.h>
#include <math.h>
#include <strings.h>

/* ---- parsing ---- */

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

static bool parse_i64(const char *p, const char *end, int radix, int64_t *out) {
  bool neg = p < end && *p == '-';
  int64_t v = 0;
  if (p < end && (*p == '-' || *p == '+')) p++;
  if (p == end) return false;
  for (; p < end; p++) {
    int d = digit_of(*p);
    if (d >= radix || __builtin_mul_overflow(v, radix, &v) || __builtin_sub_overflow(v, d, &v)) return false;
  }
  if (!neg && v == INT64_MIN) return false;
  *out = neg ? v : -v;
  return true;
}

static Val parse_radix(Val s, Val radix, int64_t limit) {
  int64_t v;
  if (is_nil(s)) return ex_throw(EXC_NUMBER_FORMAT, "Cannot parse null string");
  if (!is_str(s)) return ex_cast(s, "java.lang.String");
  ARG_INT(r, radix);
  if (r < 2) return ex_throw(EXC_NUMBER_FORMAT, "radix %lld less than Character.MIN_RADIX", (long long)r);
  if (r > 36) return ex_throw(EXC_NUMBER_FORMAT, "radix %lld greater than Character.MAX_RADIX", (long long)r);
  if (parse_i64(str_s(s), str_s(s) + str_n(s), (int)r, &v) && v <= limit && v >= -limit - 1) return int_val(v);
  if (r == 10) return ex_throw(EXC_NUMBER_FORMAT, "For input string: \"%s\"", str_s(s));
  return ex_throw(EXC_NUMBER_FORMAT, "For input string: \"%s\" under radix %d", str_s(s), (int)r);
}

DOC(parse_long_j, "[s] [s radix]", "Parses a long as Java does.",
    "(Long/parseLong \"42\") ;=> 42\n(Long/parseLong \"ff\" 16) ;=> 255\n(Long/parseLong \"x\") ;!> number-format");
static Val jnum_parse_long2(Val s, Val radix) { return parse_radix(s, radix, INT64_MAX); }
static Val jnum_parse_long(Val s) { return parse_radix(s, fix(10), INT64_MAX); }
static Val jnum_long_of(Val x) { return is_num(x) ? num_to_long_checked(x) : jnum_parse_long(x); }

DOC(parse_int_j, "[s] [s radix]", "Parses a 32-bit integer as Java does.",
    "(Integer/parseInt \"7\") ;=> 7\n(Integer/parseInt \"99999999999\") ;!> number-format");
static Val jnum_parse_int2(Val s, Val radix) { return parse_radix(s, radix, INT32_MAX); }
static Val jnum_parse_int(Val s) { return parse_radix(s, fix(10), INT32_MAX); }
static Val jnum_int_of(Val x) { return is_num(x) ? num_to_int_checked(x) : jnum_parse_int(x); }

DOC(parse_double_j, "[s]", "Parses a double as Java does.",
    "(Double/parseDouble \"1.5\") ;=> 1.5\n(Double/parseDouble \"x\") ;!> number-format");
static Val jnum_parse_double(Val s) {
  CHECK(arg_str(s, "String.trim()", "in"));
  TRY(d, num_parse_double(s));
  if (!is_nil(d)) return d;
  const char *p = str_s(s);
  while ((unsigned char)(*p - 1) < 32) p++;
  if (!*p) return ex_throw(EXC_NUMBER_FORMAT, "empty String");
  const char *end = str_s(s) + str_n(s);
  while ((unsigned char)(end[-1] - 1) < 32) end--;
  return ex_throw(EXC_NUMBER_FORMAT, "For input string: \"%.*s\"", (int)(end - p), p);
}
static Val jnum_double_of(Val x) { return is_num(x) ? dbl_val(num_to_double(x)) : jnum_parse_double(x); }

DOC(parse_float_j, "[s]", "Parses a float as Java does; Float/valueOf and Float. also take a number.",
    "(Float/parseFloat \"0.1\") ;=> 0.1\n(Float/parseFloat \"x\") ;!> number-format");
static Val jnum_parse_float(Val s) {
  TRY(d, jnum_parse_double(s));
  return num_float(dbl_of(d));
}
static Val jnum_float_of(Val x) { return is_num(x) ? num_float(num_to_double(x)) : jnum_parse_float(x); }

DOC(parse_boolean_j, "[s]", "True if the string is \"true\" in any case.", "(Boolean/parseBoolean \"TRUE\") ;=> true");
static Val jnum_parse_boolean(Val s) {
  if (is_bool(s)) return s;
  if (!is_nil(s) && !is_str(s)) return ex_cast(s, "java.lang.String");
  return bool_val(is_str(s) && str_n(s) == 4 && !strcasecmp(str_s(s), "true"));
}

/* ---- to text ---- */

static Val digits(uint64_t v, bool neg, unsigned radix) {
  char buf[66], *p = buf + sizeof buf;
  do {
    *--p = "0123456789abcdefghijklmnopqrstuvwxyz"[v % radix];
    v /= radix;
  } while (v);
  if (neg) *--p = '-';
  return str_new(p, (size_t)(buf + sizeof buf - p));
}

static Val as_long(Val x, int64_t *out) {
  CHECK(arg_num_call(x, "java.lang.Number.longValue()"));
  TRY(n, num_to_long_checked(x));
  *out = long_of(n);
  return NIL;
}

DOC(to_string_j, "[x] [x radix]", "Text of a number.", "(Long/toString 255 16) ;=> \"ff\"");
static Val jnum_to_string2(Val x, Val radix) {
  int64_t v;
  CHECK(as_long(x, &v));
  ARG_INT(r, radix);
  if (r < 2 || r > 36) r = 10;
  return digits(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0, (unsigned)r);
}
static Val jnum_to_string(Val x) {
  CHECK(arg_num(x));
  return arg_str_of(x);
}

static Val jnum_double_to_string(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  return arg_str_of(dbl_val(num_to_double(x)));
}

static Val jnum_float_to_string(Val x) {
  CHECK(arg_num_call(x, "java.lang.Number.floatValue()"));
  return arg_str_of(num_float(num_to_double(x)));
}

#define UNSIGNED_TEXT(id, radix, cast, doc, example)                                                                                       \
  DOC(id, "[x]", doc, example);                                                                                                            \
  static Val jnum_##id(Val x) {                                                                                                            \
    int64_t v;                                                                                                                             \
    CHECK(as_long(x, &v));                                                                                                                 \
    return digits((cast)v, false, radix);                                                                                                  \
  }
UNSIGNED_TEXT(long_bin, 2, uint64_t, "The bits of a long in binary.", "(Long/toBinaryString 5) ;=> \"101\"")
UNSIGNED_TEXT(long_oct, 8, uint64_t, "The bits of a long in octal.", "(Long/toOctalString 8) ;=> \"10\"")
UNSIGNED_TEXT(long_hex, 16, uint64_t, "The bits of a long in hexadecimal.", "(Long/toHexString 255) ;=> \"ff\"")
UNSIGNED_TEXT(int_bin, 2, uint32_t, "The bits of a 32-bit integer in binary.", "(Integer/toBinaryString 5) ;=> \"101\"")
UNSIGNED_TEXT(int_oct, 8, uint32_t, "The bits of a 32-bit integer in octal.", "(Integer/toOctalString 8) ;=> \"10\"")
UNSIGNED_TEXT(int_hex, 16, uint32_t, "The bits of a 32-bit integer in hexadecimal.", "(Integer/toHexString -1) ;=> \"ffffffff\"")

/* ---- bits and comparison of longs ---- */

#define LONG1(id, expr, doc, example)                                                                                                      \
  DOC(id, "[x]", doc, example);                                                                                                            \
  static Val jnum_##id(Val x) {                                                                                                            \
    int64_t v;                                                                                                                             \
    CHECK(as_long(x, &v));                                                                                                                 \
    return fix(expr);                                                                                                                      \
  }
LONG1(sign, (v > 0) - (v < 0), "-1, 0 or 1.", "(Long/signum -5) ;=> -1")
LONG1(bit_count, __builtin_popcountll((uint64_t)v), "Number of bits that are set.", "(Long/bitCount 255) ;=> 8")
LONG1(trailing, v ? __builtin_ctzll((uint64_t)v) : 64, "Number of zero bits below the lowest set one.",
      "(Long/numberOfTrailingZeros 8) ;=> 3")
LONG1(leading, v ? __builtin_clzll((uint64_t)v) : 64, "Number of zero bits above the highest set one.",
      "(Long/numberOfLeadingZeros 1) ;=> 63")

DOC(compare_j, "[x y]", "Order of two numbers: -1, 0 or 1.", "(Long/compare 1 2) ;=> -1");
static Val jnum_compare(Val x, Val y) {
  CHECK(arg_num_call(x, "java.lang.Number.longValue()"));
  CHECK(arg_num_call(y, "java.lang.Number.longValue()"));
  return fix(num_cmp(x, y));
}

DOC(compare_double_j, "[x y]", "Order of two doubles as Double.compare: -0.0 before 0.0, NaN behind everything.",
    "(Double/compare 1.0 ##NaN) ;=> -1\n(Double/compare 0.0 -0.0) ;=> 1");
static Val jnum_compare_double(Val x, Val y) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  CHECK(arg_num_call(y, ARG_DOUBLE_VALUE));
  double a = num_to_double(x), b = num_to_double(y);
  if (a < b || a > b) return fix(a < b ? -1 : 1);
  int ra = a != a ? 2 : !signbit(a), rb = b != b ? 2 : !signbit(b);
  return fix((ra > rb) - (ra < rb));
}

DOC(is_nan_j, "[x]", "True if x is NaN.", "(Double/isNaN 1.0) ;=> false");
static Val jnum_is_nan(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  double d = num_to_double(x);
  return bool_val(d != d);
}

DOC(is_infinite_j, "[x]", "True if x is infinite.", "(Double/isInfinite 1.0) ;=> false");
static Val jnum_is_infinite(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  double d = num_to_double(x);
  return bool_val(d == d && d - d != 0);
}

/* ---- constants ---- */

#define CONSTANT(id, expr, doc, example)                                                                                                   \
  DOC(id, "", doc, example);                                                                                                               \
  static Val jnum_##id(void) { return expr; }
CONSTANT(long_max, int_val(INT64_MAX), "The greatest long.", "Long/MAX_VALUE ;=> 9223372036854775807")
CONSTANT(long_min, int_val(INT64_MIN), "The least long.", "Long/MIN_VALUE ;=> -9223372036854775808")
CONSTANT(int_max, fix(INT32_MAX), "The greatest 32-bit integer.", "Integer/MAX_VALUE ;=> 2147483647")
CONSTANT(int_min, fix(INT32_MIN), "The least 32-bit integer.", "Integer/MIN_VALUE ;=> -2147483648")
CONSTANT(short_max, fix(32767), "The greatest 16-bit integer.", "Short/MAX_VALUE ;=> 32767")
CONSTANT(short_min, fix(-32768), "The least 16-bit integer.", "Short/MIN_VALUE ;=> -32768")
CONSTANT(byte_max, fix(127), "The greatest 8-bit integer.", "Byte/MAX_VALUE ;=> 127")
CONSTANT(byte_min, fix(-128), "The least 8-bit integer.", "Byte/MIN_VALUE ;=> -128")
CONSTANT(double_max, dbl_val(DBL_MAX), "The greatest finite double.", "Double/MAX_VALUE ;=> 1.7976931348623157E308")
CONSTANT(double_min, dbl_val(0x1p-1074), "The least positive double.", "Double/MIN_VALUE ;=> 4.9E-324")
CONSTANT(double_nan, dbl_val(__builtin_nan("")), "Not a number.", "(NaN? Double/NaN) ;=> true")
CONSTANT(double_inf, dbl_val(__builtin_inf()), "Positive infinity.", "Double/POSITIVE_INFINITY ;=> ##Inf")
CONSTANT(double_ninf, dbl_val(-__builtin_inf()), "Negative infinity.", "Double/NEGATIVE_INFINITY ;=> ##-Inf")
CONSTANT(float_max, num_float(FLT_MAX), "The greatest finite float.", "Float/MAX_VALUE ;=> 3.4028235E38")
CONSTANT(float_min, num_float(0x1p-149), "The least positive float.", "Float/MIN_VALUE ;=> 1.4E-45")
CONSTANT(float_nan, num_float(__builtin_nan("")), "Not a number.", "(NaN? Float/NaN) ;=> true")
CONSTANT(float_inf, num_float(__builtin_inf()), "Positive infinity.", "Float/POSITIVE_INFINITY ;=> ##Inf")
CONSTANT(float_ninf, num_float(-__builtin_inf()), "Negative infinity.", "Float/NEGATIVE_INFINITY ;=> ##-Inf")
CONSTANT(bool_true, TRUE_V, "true.", "Boolean/TRUE ;=> true")
CONSTANT(bool_false, FALSE_V, "false.", "Boolean/FALSE ;=> false")
CONSTANT(big_zero, num_to_biginteger(fix(0)), "The BigInteger 0.", "BigInteger/ZERO ;=> 0")
CONSTANT(big_one, num_to_biginteger(fix(1)), "The BigInteger 1.", "BigInteger/ONE ;=> 1")
CONSTANT(dec_zero, num_to_decimal(fix(0)), "The BigDecimal 0.", "BigDecimal/ZERO ;=> 0M")
CONSTANT(dec_one, num_to_decimal(fix(1)), "The BigDecimal 1.", "BigDecimal/ONE ;=> 1M")
CONSTANT(round_up, fix(0), "Rounding mode: away from zero.", "BigDecimal/ROUND_UP ;=> 0")
CONSTANT(round_down, fix(1), "Rounding mode: towards zero.", "BigDecimal/ROUND_DOWN ;=> 1")
CONSTANT(round_ceiling, fix(2), "Rounding mode: towards positive infinity.", "BigDecimal/ROUND_CEILING ;=> 2")
CONSTANT(round_floor, fix(3), "Rounding mode: towards negative infinity.", "BigDecimal/ROUND_FLOOR ;=> 3")
CONSTANT(round_half_up, fix(4), "Rounding mode: to the nearest, ties away from zero.", "BigDecimal/ROUND_HALF_UP ;=> 4")
CONSTANT(round_half_down, fix(5), "Rounding mode: to the nearest, ties towards zero.", "BigDecimal/ROUND_HALF_DOWN ;=> 5")
CONSTANT(round_half_even, fix(6), "Rounding mode: to the nearest, ties to the even digit.", "BigDecimal/ROUND_HALF_EVEN ;=> 6")
CONSTANT(round_unnecessary, fix(7), "Rounding mode: an error if digits would be lost.", "BigDecimal/ROUND_UNNECESSARY ;=> 7")

/* ---- characters ---- */

static Val char_arg(Val x, uint32_t *out) {
  if (is_char(x)) {
    *out = char_of(x);
    return NIL;
  }
  TRY(n, num_to_int_checked(x));
  *out = (uint32_t)long_of(n);
  return NIL;
}

#define CHAR_TEST(id, expr, doc, example)                                                                                                  \
  DOC(id, "[c]", doc, example);                                                                                                            \
  static Val jnum_##id(Val x) {                                                                                                            \
    uint32_t c;                                                                                                                            \
    CHECK(char_arg(x, &c));                                                                                                                \
    return bool_val(expr);                                                                                                                 \
  }
CHAR_TEST(is_digit, unicode_is_digit(c), "True if c is a decimal digit.", "(Character/isDigit \\5) ;=> true")
CHAR_TEST(is_letter, unicode_is_letter(c), "True if c is a letter.", "(Character/isLetter \\5) ;=> false")
CHAR_TEST(is_alnum, unicode_is_letter(c) || unicode_is_digit(c), "True if c is a letter or a digit.",
          "(Character/isLetterOrDigit \\5) ;=> true")
CHAR_TEST(is_white, unicode_is_space(c), "True if c is white space.", "(Character/isWhitespace \\space) ;=> true")
CHAR_TEST(is_upper, unicode_is_upper(c), "True if c is an upper case letter.", "(Character/isUpperCase \\A) ;=> true")
CHAR_TEST(is_lower, unicode_is_lower(c), "True if c is a lower case letter.", "(Character/isLowerCase \\A) ;=> false")

static Val same_kind(Val like, uint32_t c) { return is_char(like) ? char_val(c) : fix((int64_t)c); }

DOC(char_upper, "[c]", "c in upper case.", "(Character/toUpperCase \\a) ;=> \\A");
static Val jnum_char_upper(Val x) {
  uint32_t c;
  CHECK(char_arg(x, &c));
  return same_kind(x, unicode_upper_char(c));
}

DOC(char_lower, "[c]", "c in lower case.", "(Character/toLowerCase \\A) ;=> \\a");
static Val jnum_char_lower(Val x) {
  uint32_t c;
  CHECK(char_arg(x, &c));
  return same_kind(x, unicode_lower_char(c));
}

DOC(char_value, "[c]", "Value of a digit character, -1 if it is none.", "(Character/getNumericValue \\7) ;=> 7");
static Val jnum_char_value(Val x) {
  uint32_t c;
  CHECK(char_arg(x, &c));
  int d = c < 128 ? digit_of((char)c) : 99;
  return fix(d == 99 ? -1 : d);
}

DOC(char_digit, "[c radix]", "Value of a digit character in a radix, -1 if it is none.", "(Character/digit \\f 16) ;=> 15");
static Val jnum_char_digit(Val x, Val radix) {
  uint32_t c;
  CHECK(char_arg(x, &c));
  ARG_INT(r, radix);
  int d = c < 128 ? digit_of((char)c) : 99;
  return fix(d >= r ? -1 : d);
}

DOC(char_to_string, "[c]", "The character as a string.", "(Character/toString \\a) ;=> \"a\"");
static Val jnum_char_to_string(Val x) {
  uint32_t c;
  CHECK(char_arg(x, &c));
  return arg_str_of(char_val(c));
}

/* ---- methods of numbers ---- */

#define NUM_METHOD(id, java, expr, doc, example)                                                                                           \
  DOC(id, "[x]", doc, example);                                                                                                            \
  static Val jnum_##id(Val x) {                                                                                                            \
    if (!is_num(x)) return is_nil(x) ? arg_null("Object.getClass()", "target") : arg_no_method(java, 0, x);                                     \
    return expr;                                                                                                                           \
  }
NUM_METHOD(long_value, "longValue", int_val(num_java_long(x)), "The number as a long.", "(.longValue 1.9) ;=> 1")
NUM_METHOD(int_value, "intValue", fix(num_java_int(x)), "The number as an integer.", "(.intValue 1.9) ;=> 1")
NUM_METHOD(float_value, "floatValue", num_float(num_to_double(x)), "The number as a float.", "(.floatValue 1) ;=> 1.0")
NUM_METHOD(double_value, "doubleValue", dbl_val(num_to_double(x)), "The number as a double.", "(.doubleValue 1) ;=> 1.0")
NUM_METHOD(negate, "negate", num_neg(x), "The number with the other sign.", "(.negate 1.5M) ;=> -1.5M")
NUM_METHOD(method_abs, "abs", num_abs(x), "Absolute value.", "(.abs -1.5M) ;=> 1.5M")
NUM_METHOD(method_sign, "signum", fix(num_is_neg(x) ? -1 : num_is_zero(x) ? 0 : 1), "-1, 0 or 1.", "(.signum -1.5M) ;=> -1")

static Val need_decimal(Val x, const char *method, int n) {
  if (is_type(x, T_DECIMAL)) return NIL;
  return is_nil(x) ? arg_null("Object.getClass()", "target") : arg_no_method(method, n, x);
}

DOC(set_scale, "[x scale] [x scale rounding-mode]", "A BigDecimal with that many digits behind the point.",
    "(.setScale 1.255M 2 BigDecimal/ROUND_HALF_UP) ;=> 1.26M\n(.setScale 1.5M 2) ;=> 1.50M");
static Val jnum_set_scale3(Val x, Val scale, Val mode) {
  CHECK(need_decimal(x, "setScale", 2));
  ARG_INT(digits_behind, scale);
  ARG_INT(m, mode);
  if (m < 0 || m > 7) return ex_throw(EXC_ILLEGAL_ARG, "Invalid rounding mode");
  return dec_with_scale(x, (int)digits_behind, (int)m);
}
static Val jnum_set_scale(Val x, Val scale) { return jnum_set_scale3(x, scale, fix(7)); }

DOC(scale, "[x]", "Number of digits behind the point of a BigDecimal.", "(.scale 1.50M) ;=> 2");
static Val jnum_scale(Val x) {
  CHECK(need_decimal(x, "scale", 0));
  return fix(AS(Decimal, x)->scale);
}

DOC(precision, "[x]", "Number of digits of a BigDecimal.", "(.precision 1.50M) ;=> 3");
static Val jnum_precision(Val x) {
  CHECK(need_decimal(x, "precision", 0));
  return fix(dec_precision(x));
}

#define NUM_METHOD2(id, java, fn, doc, example)                                                                                            \
  DOC(id, "[x y]", doc, example);                                                                                                          \
  static Val jnum_##id(Val x, Val y) {                                                                                                     \
    if (is_type(x, T_DECIMAL) ? is_type(y, T_DECIMAL) : is_type(x, T_BIGINT) && is_integer(y)) return fn(x, y);                            \
    return is_nil(x) ? arg_null("Object.getClass()", "target") : arg_no_method(java, 1, x);                                                          \
  }
NUM_METHOD2(method_add, "add", num_add, "Sum of two BigDecimals or two BigIntegers.", "(.add 1.5M 2.5M) ;=> 4.0M")
NUM_METHOD2(method_subtract, "subtract", num_sub, "Difference of two BigDecimals or two BigIntegers.", "(.subtract 1.5M 1.0M) ;=> 0.5M")
NUM_METHOD2(method_multiply, "multiply", num_mul, "Product of two BigDecimals or two BigIntegers.", "(.multiply 1.5M 2M) ;=> 3.0M")

const BuiltinRow rows_jnum[] = {
    ROW1("Long/parseLong", jnum_parse_long, parse_long_j, B_PURE),
    ROW2("Long/parseLong", jnum_parse_long2, parse_long_j, B_PURE),
    ROW1("Long/valueOf", jnum_long_of, parse_long_j, B_PURE),
    ROW1("Long.", jnum_long_of, parse_long_j, B_PURE),
    ROW1("Integer/parseInt", jnum_parse_int, parse_int_j, B_PURE),
    ROW2("Integer/parseInt", jnum_parse_int2, parse_int_j, B_PURE),
    ROW1("Integer/valueOf", jnum_int_of, parse_int_j, B_PURE),
    ROW1("Integer.", jnum_int_of, parse_int_j, B_PURE),
    ROW1("Double/parseDouble", jnum_parse_double, parse_double_j, B_PURE),
    ROW1("Double/valueOf", jnum_double_of, parse_double_j, B_PURE),
    ROW1("Double.", jnum_double_of, parse_double_j, B_PURE),
    ROW1("Boolean/parseBoolean", jnum_parse_boolean, parse_boolean_j, B_PURE),
    ROW1("Boolean/valueOf", jnum_parse_boolean, parse_boolean_j, B_PURE),
    ROW1("Long/toString", jnum_to_string, to_string_j, B_PURE),
    ROW2("Long/toString", jnum_to_string2, to_string_j, B_PURE),
    ROW1("Integer/toString", jnum_to_string, to_string_j, B_PURE),
    ROW2("Integer/toString", jnum_to_string2, to_string_j, B_PURE),
    ROW1("Double/toString", jnum_double_to_string, to_string_j, B_PURE),
    ROW1("Long/toBinaryString", jnum_long_bin, long_bin, B_PURE),
    ROW1("Long/toOctalString", jnum_long_oct, long_oct, B_PURE),
    ROW1("Long/toHexString", jnum_long_hex, long_hex, B_PURE),
    ROW1("Integer/toBinaryString", jnum_int_bin, int_bin, B_PURE),
    ROW1("Integer/toOctalString", jnum_int_oct, int_oct, B_PURE),
    ROW1("Integer/toHexString", jnum_int_hex, int_hex, B_PURE),
    ROW1("Long/signum", jnum_sign, sign, B_PURE),
    ROW1("Integer/signum", jnum_sign, sign, B_PURE),
    ROW1("Long/bitCount", jnum_bit_count, bit_count, B_PURE),
    ROW1("Long/numberOfTrailingZeros", jnum_trailing, trailing, B_PURE),
    ROW1("Long/numberOfLeadingZeros", jnum_leading, leading, B_PURE),
    ROW2("Long/compare", jnum_compare, compare_j, B_PURE),
    ROW2("Integer/compare", jnum_compare, compare_j, B_PURE),
    ROW1("Float/parseFloat", jnum_parse_float, parse_float_j, B_PURE),
    ROW1("Float/valueOf", jnum_float_of, parse_float_j, B_PURE),
    ROW1("Float.", jnum_float_of, parse_float_j, B_PURE),
    ROW1("Float/toString", jnum_float_to_string, to_string_j, B_PURE),
    ROW1("Float/isNaN", jnum_is_nan, is_nan_j, B_PURE),
    ROW1("Float/isInfinite", jnum_is_infinite, is_infinite_j, B_PURE),
    ROW0("Float/MAX_VALUE", jnum_float_max, float_max, B_PURE),
    ROW0("Float/MIN_VALUE", jnum_float_min, float_min, B_PURE),
    ROW0("Float/NaN", jnum_float_nan, float_nan, B_PURE),
    ROW0("Float/POSITIVE_INFINITY", jnum_float_inf, float_inf, B_PURE),
    ROW0("Float/NEGATIVE_INFINITY", jnum_float_ninf, float_ninf, B_PURE),
    ROW2("Double/compare", jnum_compare_double, compare_double_j, B_PURE),
    ROW1("Double/isNaN", jnum_is_nan, is_nan_j, B_PURE),
    ROW1("Double/isInfinite", jnum_is_infinite, is_infinite_j, B_PURE),
    ROW0("Long/MAX_VALUE", jnum_long_max, long_max, B_PURE),
    ROW0("Long/MIN_VALUE", jnum_long_min, long_min, B_PURE),
    ROW0("Integer/MAX_VALUE", jnum_int_max, int_max, B_PURE),
    ROW0("Integer/MIN_VALUE", jnum_int_min, int_min, B_PURE),
    ROW0("Short/MAX_VALUE", jnum_short_max, short_max, B_PURE),
    ROW0("Short/MIN_VALUE", jnum_short_min, short_min, B_PURE),
    ROW0("Byte/MAX_VALUE", jnum_byte_max, byte_max, B_PURE),
    ROW0("Byte/MIN_VALUE", jnum_byte_min, byte_min, B_PURE),
    ROW0("Double/MAX_VALUE", jnum_double_max, double_max, B_PURE),
    ROW0("Double/MIN_VALUE", jnum_double_min, double_min, B_PURE),
    ROW0("Double/NaN", jnum_double_nan, double_nan, B_PURE),
    ROW0("Double/POSITIVE_INFINITY", jnum_double_inf, double_inf, B_PURE),
    ROW0("Double/NEGATIVE_INFINITY", jnum_double_ninf, double_ninf, B_PURE),
    ROW0("Boolean/TRUE", jnum_bool_true, bool_true, B_PURE),
    ROW0("Boolean/FALSE", jnum_bool_false, bool_false, B_PURE),
    ROW0("BigInteger/ZERO", jnum_big_zero, big_zero, B_PURE),
    ROW0("BigInteger/ONE", jnum_big_one, big_one, B_PURE),
    ROW0("BigDecimal/ZERO", jnum_dec_zero, dec_zero, B_PURE),
    ROW0("BigDecimal/ONE", jnum_dec_one, dec_one, B_PURE),
    ROW0("BigDecimal/ROUND_UP", jnum_round_up, round_up, B_PURE),
    ROW0("BigDecimal/ROUND_DOWN", jnum_round_down, round_down, B_PURE),
    ROW0("BigDecimal/ROUND_CEILING", jnum_round_ceiling, round_ceiling, B_PURE),
    ROW0("BigDecimal/ROUND_FLOOR", jnum_round_floor, round_floor, B_PURE),
    ROW0("BigDecimal/ROUND_HALF_UP", jnum_round_half_up, round_half_up, B_PURE),
    ROW0("BigDecimal/ROUND_HALF_DOWN", jnum_round_half_down, round_half_down, B_PURE),
    ROW0("BigDecimal/ROUND_HALF_EVEN", jnum_round_half_even, round_half_even, B_PURE),
    ROW0("BigDecimal/ROUND_UNNECESSARY", jnum_round_unnecessary, round_unnecessary, B_PURE),
    ROW1("Character/isDigit", jnum_is_digit, is_digit, B_PURE),
    ROW1("Character/isLetter", jnum_is_letter, is_letter, B_PURE),
    ROW1("Character/isLetterOrDigit", jnum_is_alnum, is_alnum, B_PURE),
    ROW1("Character/isWhitespace", jnum_is_white, is_white, B_PURE),
    ROW1("Character/isUpperCase", jnum_is_upper, is_upper, B_PURE),
    ROW1("Character/isLowerCase", jnum_is_lower, is_lower, B_PURE),
    ROW1("Character/toUpperCase", jnum_char_upper, char_upper, B_PURE),
    ROW1("Character/toLowerCase", jnum_char_lower, char_lower, B_PURE),
    ROW1("Character/getNumericValue", jnum_char_value, char_value, B_PURE),
    ROW2("Character/digit", jnum_char_digit, char_digit, B_PURE),
    ROW1("Character/toString", jnum_char_to_string, char_to_string, B_PURE),
    ROW1(".longValue", jnum_long_value, long_value, B_PURE),
    ROW1(".intValue", jnum_int_value, int_value, B_PURE),
    ROW1(".floatValue", jnum_float_value, float_value, B_PURE),
    ROW1(".doubleValue", jnum_double_value, double_value, B_PURE),
    ROW1(".negate", jnum_negate, negate, B_PURE),
    ROW1(".abs", jnum_method_abs, method_abs, B_PURE),
    ROW1(".signum", jnum_method_sign, method_sign, B_PURE),
    ROW2(".setScale", jnum_set_scale, set_scale, B_PURE),
    ROW3(".setScale", jnum_set_scale3, set_scale, B_PURE),
    ROW1(".scale", jnum_scale, scale, B_PURE),
    ROW1(".precision", jnum_precision, precision, B_PURE),
    ROW2(".add", jnum_method_add, method_add, B_PURE),
    ROW2(".subtract", jnum_method_subtract, method_subtract, B_PURE),
    ROW2(".multiply", jnum_method_multiply, method_multiply, B_PURE),
    ROW_END,
};
