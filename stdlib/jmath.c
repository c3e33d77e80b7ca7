/* jmath.c - java.lang.Math under its own name and as clojure.math. The C library's functions stand in for StrictMath's;
 * the last digit of transcendental functions may differ from the JVM's. */
#include "stdlib.h"
#include "args.h"
#include <math.h>

static Val double_arg(Val x, double *out) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  *out = num_to_double(x);
  return NIL;
}

#define MATH1(id, expr, doc, example)                                                                                                      \
  DOC(id, "[a]", doc, example);                                                                                                            \
  static Val jmath_##id(Val x) {                                                                                                           \
    double a;                                                                                                                              \
    CHECK(double_arg(x, &a));                                                                                                              \
    return dbl_val(expr);                                                                                                                  \
  }
#define MATH2(id, expr, doc, example)                                                                                                      \
  DOC(id, "[a b]", doc, example);                                                                                                          \
  static Val jmath_##id(Val x, Val y) {                                                                                                    \
    double a, b;                                                                                                                           \
    CHECK(double_arg(x, &a));                                                                                                              \
    CHECK(double_arg(y, &b));                                                                                                              \
    return dbl_val(expr);                                                                                                                  \
  }

/* Java's signum keeps zeros and NaN. */
static double sign_of(double a) { return a > 0 ? 1.0 : a < 0 ? -1.0 : a; }
static double ulp_of(double a) {
  a = fabs(a);
  return a - a != 0 ? a : nextafter(a, INFINITY) - a == INFINITY ? 0x1.0p971 : nextafter(a, INFINITY) - a;
}

MATH1(sin, sin(a), "Sine of an angle in radians.", "(Math/sin 0) ;=> 0.0")
MATH1(cos, cos(a), "Cosine of an angle in radians.", "(Math/cos 0) ;=> 1.0")
MATH1(tan, tan(a), "Tangent of an angle in radians.", "(Math/tan 0) ;=> 0.0")
MATH1(asin, asin(a), "Arc sine, in radians.", "(Math/asin 0) ;=> 0.0")
MATH1(acos, acos(a), "Arc cosine, in radians.", "(Math/acos 1) ;=> 0.0")
MATH1(atan, atan(a), "Arc tangent, in radians.", "(Math/atan 0) ;=> 0.0")
MATH1(sinh, sinh(a), "Hyperbolic sine.", "(Math/sinh 0) ;=> 0.0")
MATH1(cosh, cosh(a), "Hyperbolic cosine.", "(Math/cosh 0) ;=> 1.0")
MATH1(tanh, tanh(a), "Hyperbolic tangent.", "(Math/tanh 0) ;=> 0.0")
MATH1(exp, exp(a), "e to the power of a.", "(Math/exp 1) ;=> 2.718281828459045")
MATH1(expm1, expm1(a), "e to the power of a, minus 1.", "(Math/expm1 0) ;=> 0.0")
MATH1(log, log(a), "Natural logarithm.", "(Math/log 1) ;=> 0.0")
MATH1(log10, log10(a), "Logarithm to base 10.", "(Math/log10 1000) ;=> 3.0")
MATH1(log1p, log1p(a), "Natural logarithm of 1 + a.", "(Math/log1p 0) ;=> 0.0")
MATH1(sqrt, sqrt(a), "Square root; NaN of negative numbers.", "(Math/sqrt 16) ;=> 4.0")
MATH1(cbrt, (double)cbrtl(a), "Cube root.", "(Math/cbrt 27) ;=> 3.0")
MATH1(ceil, ceil(a), "The least integer that is not less than a, as a double.", "(Math/ceil 1.2) ;=> 2.0")
MATH1(floor, floor(a), "The greatest integer that is not greater than a, as a double.", "(Math/floor 1.8) ;=> 1.0")
MATH1(rint, rint(a), "The nearest integer as a double; ties go to the even one.", "(Math/rint 2.5) ;=> 2.0")
MATH1(signum, sign_of(a), "-1.0, 0.0 or 1.0.", "(Math/signum -2.0) ;=> -1.0")
MATH1(to_radians, a * 0.017453292519943295, "Degrees to radians.", "(Math/toRadians 180) ;=> 3.141592653589793")
MATH1(to_degrees, a * 57.29577951308232, "Radians to degrees.", "(Math/toDegrees 0) ;=> 0.0")
MATH1(ulp, ulp_of(a), "Distance from a to the next greater double.", "(Math/ulp 1.0) ;=> 2.220446049250313E-16")
MATH1(next_up, nextafter(a, INFINITY), "The next greater double.", "(Math/nextUp 1.0) ;=> 1.0000000000000002")
MATH1(next_down, nextafter(a, -INFINITY), "The next smaller double.", "(Math/nextDown 1.0) ;=> 0.9999999999999999")
MATH2(pow, fabs(a) == 1 && b - b != 0 ? NAN : a == 1 && b != b ? NAN : pow(a, b), "a to the power of b.", "(Math/pow 2 10) ;=> 1024.0")
MATH2(atan2, atan2(a, b), "Angle of the point (b, a) in polar coordinates.", "(Math/atan2 0 1) ;=> 0.0")
MATH2(hypot, hypot(a, b), "Square root of the sum of the squares.", "(Math/hypot 3 4) ;=> 5.0")
MATH2(ieee_remainder, remainder(a, b), "Remainder as IEEE 754 defines it.", "(Math/IEEEremainder 5 3) ;=> -1.0")
MATH2(copy_sign, copysign(a, b), "a with the sign of b.", "(Math/copySign 1.0 -2.0) ;=> -1.0")
MATH2(next_after, a == b ? b : nextafter(a, b), "The double next to a in the direction of b.",
      "(Math/nextAfter 1.0 2.0) ;=> 1.0000000000000002")

DOC(pi, "", "The ratio of a circle's circumference to its diameter.", "Math/PI ;=> 3.141592653589793");
static Val jmath_pi(void) { return dbl_val(3.141592653589793); }
DOC(e, "", "The base of the natural logarithms.", "Math/E ;=> 2.718281828459045");
static Val jmath_e(void) { return dbl_val(2.718281828459045); }

/* ---- rounding ---- */

static Val round_double(double d) { /* floor(d + 1/2) without rounding the sum */
  double f = floor(d);
  if (d != d) return fix(0);
  if (d - f >= 0.5) f += 1;
  if (f >= 9223372036854775808.0) return int_val(INT64_MAX);
  return int_val(f < -9223372036854775808.0 ? INT64_MIN : (int64_t)f);
}

DOC(round, "[a]", "The nearest long; ties go up. NaN gives 0.", "(Math/round 2.5) ;=> 3\n(Math/round -2.5) ;=> -2");
static Val jmath_round_strict(Val x) { return is_dbl(x) ? round_double(dbl_of(x)) : arg_no_method("round", 1, NIL); }
static Val jmath_round(Val x) {
  double a;
  CHECK(double_arg(x, &a));
  return round_double(a);
}

DOC(scalb, "[d scale]", "d times 2 to the power of scale.", "(Math/scalb 1.0 3) ;=> 8.0");
static Val jmath_scalb(Val x, Val scale) {
  double a;
  CHECK(double_arg(x, &a));
  ARG_INT(n, scale);
  return dbl_val(scalbn(a, n > 5000 ? 5000 : n < -5000 ? -5000 : (int)n));
}

DOC(get_exponent, "[d]", "The unbiased exponent of a double.", "(Math/getExponent 8.0) ;=> 3");
static Val jmath_get_exponent(Val x) {
  double a;
  CHECK(double_arg(x, &a));
  if (a - a != 0) return fix(1024);
  return fix(fabs(a) < 0x1.0p-1022 ? -1023 : ilogb(a));
}

DOC(random, "[]", "A random double from 0 (included) to 1 (not included).", "(< -1 (Math/random) 1) ;=> true");
static Val jmath_random(void) {
  const Builtin *b = builtin_find("clojure.core/rand");
  return b->f0();
}

/* ---- longs ---- */

static Val long_arg(Val x, int64_t *out) {
  CHECK(arg_num_call(x, "java.lang.Number.longValue()"));
  TRY(n, num_to_long_checked(x));
  *out = long_of(n);
  return NIL;
}

static Val two_longs(Val x, Val y, int64_t *a, int64_t *b) {
  CHECK(long_arg(x, a));
  return long_arg(y, b);
}

static Val overflow(void) { return ex_throw(EXC_ARITHMETIC, "long overflow"); }

#define EXACT2(id, builtin, doc, example)                                                                                                  \
  DOC(id, "[x y]", doc, example);                                                                                                          \
  static Val jmath_##id(Val x, Val y) {                                                                                                    \
    int64_t a, b, r;                                                                                                                       \
    CHECK(two_longs(x, y, &a, &b));                                                                                                        \
    return builtin(a, b, &r) ? overflow() : int_val(r);                                                                                    \
  }
EXACT2(add_exact, __builtin_add_overflow, "Sum of two longs; throws on overflow.", "(Math/addExact 1 2) ;=> 3")
EXACT2(subtract_exact, __builtin_sub_overflow, "Difference of two longs; throws on overflow.", "(Math/subtractExact 3 2) ;=> 1")
EXACT2(multiply_exact, __builtin_mul_overflow, "Product of two longs; throws on overflow.", "(Math/multiplyExact 2 3) ;=> 6")

DOC(increment_exact, "[a]", "a + 1; throws on overflow.", "(Math/incrementExact 1) ;=> 2");
static Val jmath_increment_exact(Val x) { return jmath_add_exact(x, fix(1)); }
DOC(decrement_exact, "[a]", "a - 1; throws on overflow.", "(Math/decrementExact 1) ;=> 0");
static Val jmath_decrement_exact(Val x) { return jmath_subtract_exact(x, fix(1)); }
DOC(negate_exact, "[a]", "-a; throws on overflow.", "(Math/negateExact 5) ;=> -5");
static Val jmath_negate_exact(Val x) { return jmath_subtract_exact(fix(0), x); }

DOC(to_int_exact, "[a]", "a as a 32-bit integer; throws on overflow.", "(Math/toIntExact 5) ;=> 5");
static Val jmath_to_int_exact(Val x) {
  int64_t a;
  CHECK(long_arg(x, &a));
  return a == (int32_t)a ? fix(a) : ex_throw(EXC_ARITHMETIC, "integer overflow");
}

static Val by_zero(void) { return ex_throw(EXC_ARITHMETIC, "/ by zero"); }

DOC(floor_div, "[x y]", "Quotient rounded towards negative infinity.", "(Math/floorDiv -7 2) ;=> -4");
static Val jmath_floor_div(Val x, Val y) {
  int64_t a, b;
  CHECK(two_longs(x, y, &a, &b));
  if (!b) return by_zero();
  if (b == -1) return int_val((int64_t)(0 - (uint64_t)a));
  return int_val(a / b - (a % b != 0 && (a < 0) != (b < 0)));
}

DOC(floor_mod, "[x y]", "Remainder of the quotient rounded towards negative infinity.", "(Math/floorMod -7 2) ;=> 1");
static Val jmath_floor_mod(Val x, Val y) {
  int64_t a, b;
  CHECK(two_longs(x, y, &a, &b));
  if (!b) return by_zero();
  int64_t r = b == -1 ? 0 : a % b;
  return int_val(r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

/* ---- abs, max, min: chosen by the types of the arguments, as reflection does ---- */

DOC(jabs, "[a]", "Absolute value of a long or double.", "(Math/abs -5) ;=> 5");
static Val jmath_abs(Val x) {
  if (is_float(x)) return num_float(fabs(dbl_of(x)));
  return is_long(x) || is_dbl(x) ? num_abs(x) : arg_no_method("abs", 1, NIL);
}

static bool same_kind(Val x, Val y) { return (is_long(x) && is_long(y)) || (is_dbl(x) && is_dbl(y)); }

DOC(jmax, "[a b]", "The greater of two longs or two doubles.", "(Math/max 1 2) ;=> 2");
static Val jmath_max(Val x, Val y) {
  if (!same_kind(x, y)) return arg_no_method("max", 2, NIL);
  if (is_long(x)) return long_of(x) >= long_of(y) ? x : y;
  double a = dbl_of(x), b = dbl_of(y);
  if (a != a) return x;
  return a == 0 && b == 0 ? (signbit(a) ? y : x) : a >= b ? x : y;
}

DOC(jmin, "[a b]", "The smaller of two longs or two doubles.", "(Math/min 1 2) ;=> 1");
static Val jmath_min(Val x, Val y) {
  if (!same_kind(x, y)) return arg_no_method("min", 2, NIL);
  if (is_long(x)) return long_of(x) <= long_of(y) ? x : y;
  double a = dbl_of(x), b = dbl_of(y);
  if (a != a) return x;
  return a == 0 && b == 0 ? (signbit(a) ? x : y) : a <= b ? x : y;
}

#define BOTH1(java, lisp, id) ROW1("Math/" java, jmath_##id, id, B_PURE), ROW1("clojure.math/" lisp, jmath_##id, id, B_PURE)
#define BOTH2(java, lisp, id) ROW2("Math/" java, jmath_##id, id, B_PURE), ROW2("clojure.math/" lisp, jmath_##id, id, B_PURE)

const BuiltinRow rows_jmath[] = {
    BOTH1("sin", "sin", sin),
    BOTH1("cos", "cos", cos),
    BOTH1("tan", "tan", tan),
    BOTH1("asin", "asin", asin),
    BOTH1("acos", "acos", acos),
    BOTH1("atan", "atan", atan),
    BOTH1("sinh", "sinh", sinh),
    BOTH1("cosh", "cosh", cosh),
    BOTH1("tanh", "tanh", tanh),
    BOTH1("exp", "exp", exp),
    BOTH1("expm1", "expm1", expm1),
    BOTH1("log", "log", log),
    BOTH1("log10", "log10", log10),
    BOTH1("log1p", "log1p", log1p),
    BOTH1("sqrt", "sqrt", sqrt),
    BOTH1("cbrt", "cbrt", cbrt),
    BOTH1("ceil", "ceil", ceil),
    BOTH1("floor", "floor", floor),
    BOTH1("rint", "rint", rint),
    BOTH1("signum", "signum", signum),
    BOTH1("ulp", "ulp", ulp),
    BOTH1("toRadians", "to-radians", to_radians),
    BOTH1("toDegrees", "to-degrees", to_degrees),
    BOTH1("nextUp", "next-up", next_up),
    BOTH1("nextDown", "next-down", next_down),
    BOTH2("pow", "pow", pow),
    BOTH2("atan2", "atan2", atan2),
    BOTH2("hypot", "hypot", hypot),
    BOTH2("IEEEremainder", "IEEE-remainder", ieee_remainder),
    BOTH2("copySign", "copy-sign", copy_sign),
    BOTH2("nextAfter", "next-after", next_after),
    BOTH2("scalb", "scalb", scalb),
    BOTH1("getExponent", "get-exponent", get_exponent),
    BOTH2("addExact", "add-exact", add_exact),
    BOTH2("subtractExact", "subtract-exact", subtract_exact),
    BOTH2("multiplyExact", "multiply-exact", multiply_exact),
    BOTH1("incrementExact", "increment-exact", increment_exact),
    BOTH1("decrementExact", "decrement-exact", decrement_exact),
    BOTH1("negateExact", "negate-exact", negate_exact),
    BOTH2("floorDiv", "floor-div", floor_div),
    BOTH2("floorMod", "floor-mod", floor_mod),
    ROW1("Math/toIntExact", jmath_to_int_exact, to_int_exact, B_PURE),
    ROW1("Math/round", jmath_round_strict, round, B_PURE),
    ROW1("clojure.math/round", jmath_round, round, B_PURE),
    ROW1("Math/abs", jmath_abs, jabs, B_PURE),
    ROW2("Math/max", jmath_max, jmax, B_PURE),
    ROW2("Math/min", jmath_min, jmin, B_PURE),
    ROW0("Math/random", jmath_random, random, B_NONDET),
    ROW0("clojure.math/random", jmath_random, random, B_NONDET),
    ROW0("Math/PI", jmath_pi, pi, B_PURE),
    ROW0("Math/E", jmath_e, e, B_PURE),
    ROW0("clojure.math/PI", jmath_pi, pi, B_PURE),
    ROW0("clojure.math/E", jmath_e, e, B_PURE),
    ROW_END,
};
