/* math.c - arithmetic, comparison and the predicates of numbers. The tower itself is reader/num.h; here are the arities. */
#include "stdlib.h"
#include "args.h"

typedef Val (*Op2)(Val, Val);

static Val fold(Op2 f, int n, const Val *a) {
  Val acc = a[0];
  for (int i = 1; i < n; i++) {
    TRY(x, f(acc, a[i]));
    acc = x;
  }
  return acc;
}

static Val chain(Op2 f, int n, const Val *a) {
  for (int i = 0; i + 1 < n; i++) {
    TRY(ok, f(a[i], a[i + 1]));
    if (!truthy(ok)) return FALSE_V;
  }
  return TRUE_V;
}

/* (+ x) and (* x): any number, and nil, as Class.cast takes it. */
static Val math_cast(Val x) {
  if (is_nil(x) || is_num(x)) return x;
  return ex_throw(EXC_CLASS_CAST, "Cannot cast %s to java.lang.Number", class_name_of(x));
}

static Val math_zero(void) { return fix(0); }
static Val math_one(void) { return fix(1); }
static Val math_true1(Val x) {
  (void)x;
  return TRUE_V;
}

/* ---- arithmetic ---- */

DOC(add, "[] [x] [x y] [x y & more]", "Sum of the numbers; (+) is 0. Longs throw on overflow, see +'.",
    "(+) ;=> 0\n(+ 1 2 3) ;=> 6\n(+ 1/2 1/3) ;=> 5/6");
static Val math_add_n(int n, const Val *a) { return fold(num_add, n, a); }

DOC(sub, "[x] [x y] [x y & more]", "Subtracts the later numbers from x; with one argument the negation. Longs throw on overflow, see -'.",
    "(- 5) ;=> -5\n(- 5 3 1) ;=> 1");
static Val math_sub_n(int n, const Val *a) { return fold(num_sub, n, a); }

DOC(mul, "[] [x] [x y] [x y & more]", "Product of the numbers; (*) is 1. Longs throw on overflow, see *'.",
    "(* 2 3 4) ;=> 24\n(*) ;=> 1\n(* 9223372036854775807 2) ;!> arithmetic");
static Val math_mul_n(int n, const Val *a) { return fold(num_mul, n, a); }

DOC(div, "[x] [x y] [x y & more]", "Divides x by the later numbers; with one argument 1/x. Integers give ratios.",
    "(/ 6 3) ;=> 2\n(/ 1 2) ;=> 1/2\n(/ 1 0) ;!> arithmetic");
static Val math_inverse(Val x) { return num_div(fix(1), x); }
static Val math_div_n(int n, const Val *a) { return fold(num_div, n, a); }

DOC(div_double, "[x y]", "What / becomes where the compiler sees that x or y is a double: division by zero is infinite.",
    "(breyta.num/divide 1.0 0) ;=> ##Inf");

DOC(addp, "[] [x] [x y] [x y & more]", "Sum of the numbers, promoting to BigInt instead of overflowing.",
    "(+' 9223372036854775807 1) ;=> 9223372036854775808N");
static Val math_addp_n(int n, const Val *a) { return fold(num_addp, n, a); }

DOC(subp, "[x] [x y] [x y & more]", "Difference or negation, promoting to BigInt instead of overflowing.",
    "(-' -9223372036854775808 1) ;=> -9223372036854775809N");
static Val math_subp_n(int n, const Val *a) { return fold(num_subp, n, a); }

DOC(mulp, "[] [x] [x y] [x y & more]", "Product of the numbers, promoting to BigInt instead of overflowing.",
    "(*' 9223372036854775807 2) ;=> 18446744073709551614N");
static Val math_mulp_n(int n, const Val *a) { return fold(num_mulp, n, a); }

DOC(inc, "[x]", "A number one greater than x. Throws on long overflow, see inc'.", "(inc 1) ;=> 2\n(inc nil) ;!> null");
DOC(dec, "[x]", "A number one less than x. Throws on long overflow, see dec'.", "(dec 1) ;=> 0");
DOC(incp, "[x]", "A number one greater than x, promoting instead of overflowing.", "(inc' 9223372036854775807) ;=> 9223372036854775808N");
DOC(decp, "[x]", "A number one less than x, promoting instead of overflowing.", "(dec' 1) ;=> 0");
DOC(quot, "[num div]", "Quotient of dividing num by div, truncated towards zero.", "(quot 7 2) ;=> 3\n(quot -7 2) ;=> -3");
DOC(rem, "[num div]", "Remainder of dividing num by div; has the sign of num.", "(rem -7 2) ;=> -1");
DOC(mod, "[num div]", "Modulus of num and div; has the sign of div.", "(mod -7 2) ;=> 1\n(mod 1 0) ;!> arithmetic");
DOC(abs, "[a]", "Absolute value of a number.", "(abs -5) ;=> 5\n(abs -1.5) ;=> 1.5");

/* ---- max, min ---- */

static bool is_nan(Val v) { return is_dbl(v) && dbl_of(v) != dbl_of(v); }

static Val math_max2(Val x, Val y) {
  if (is_nan(x)) return x;
  if (is_nan(y)) return y;
  TRY(gt, num_gt(x, y));
  return truthy(gt) ? x : y;
}

static Val math_min2(Val x, Val y) {
  if (is_nan(x)) return x;
  if (is_nan(y)) return y;
  TRY(lt, num_lt(x, y));
  return truthy(lt) ? x : y;
}

static Val math_same(Val x) { return x; }

DOC(max, "[x] [x y] [x y & more]", "The greatest of the numbers; of equal ones the last.", "(max 1 3 2) ;=> 3");
static Val math_max_n(int n, const Val *a) { return fold(math_max2, n, a); }

DOC(min, "[x] [x y] [x y & more]", "The least of the numbers; of equal ones the last.", "(min 3 1 2) ;=> 1");
static Val math_min_n(int n, const Val *a) { return fold(math_min2, n, a); }

/* ---- comparison ---- */

DOC(lt, "[x] [x y] [x y & more]", "True if the numbers are in strictly ascending order.", "(< 1 2 3) ;=> true\n(< 1 1) ;=> false");
static Val math_lt_n(int n, const Val *a) { return chain(num_lt, n, a); }

DOC(le, "[x] [x y] [x y & more]", "True if the numbers are in ascending order.", "(<= 1 1 2) ;=> true");
static Val math_le_n(int n, const Val *a) { return chain(num_le, n, a); }

DOC(gt, "[x] [x y] [x y & more]", "True if the numbers are in strictly descending order.", "(> 3 2 1) ;=> true");
static Val math_gt_n(int n, const Val *a) { return chain(num_gt, n, a); }

DOC(ge, "[x] [x y] [x y & more]", "True if the numbers are in descending order.", "(>= 2 2 1) ;=> true");
static Val math_ge_n(int n, const Val *a) { return chain(num_ge, n, a); }

DOC(equiv, "[x] [x y] [x y & more]", "True if the numbers have the same value, whatever their type.",
    "(== 1 1.0) ;=> true\n(== 1 \"a\") ;!> type");
static Val math_equiv_n(int n, const Val *a) { return chain(num_equiv, n, a); }

/* ---- predicates ---- */

DOC(zero, "[num]", "True if num is zero.", "(zero? 0.0) ;=> true");
static Val math_is_zero(Val x) {
  CHECK(arg_num(x));
  return bool_val(num_is_zero(x));
}

DOC(pos, "[num]", "True if num is greater than zero.", "(pos? 1) ;=> true");
static Val math_is_pos(Val x) {
  CHECK(arg_num(x));
  return bool_val(num_is_pos(x));
}

DOC(neg, "[num]", "True if num is less than zero.", "(neg? -1) ;=> true");
static Val math_is_neg(Val x) {
  CHECK(arg_num(x));
  return bool_val(num_is_neg(x));
}

static Val parity(Val x, int64_t want) {
  if (is_long(x)) return bool_val((long_of(x) & 1) == want);
  if (is_type(x, T_BIGINT)) return bool_val((AS(BigInt, x)->n ? (int64_t)(AS(BigInt, x)->limb[0] & 1) : 0) == want);
  TRY(s, arg_str_of(x));
  return ex_throw(EXC_ILLEGAL_ARG, "Argument must be an integer: %s", str_s(s));
}

DOC(even, "[n]", "True if the integer n is even.", "(even? 2) ;=> true\n(even? 1.5) ;!> argument");
static Val math_is_even(Val x) { return parity(x, 0); }

DOC(odd, "[n]", "True if the integer n is odd.", "(odd? -1) ;=> true");
static Val math_is_odd(Val x) { return parity(x, 1); }

DOC(number, "[x]", "True if x is a number.", "(number? 1/2) ;=> true\n(number? \"1\") ;=> false");
static Val math_is_number(Val x) { return bool_val(is_num(x)); }

DOC(integer, "[n]", "True if n is an integer: a long or a BigInt.", "(integer? 1N) ;=> true\n(integer? 1.0) ;=> false");
static Val math_is_integer(Val x) { return bool_val(is_integer(x)); }

DOC(is_int, "[x]", "True if x is a fixed precision integer, a long.", "(int? 1) ;=> true\n(int? 1N) ;=> false");
static Val math_is_int(Val x) { return bool_val(is_long(x)); }

DOC(pos_int, "[x]", "True if x is a positive fixed precision integer.", "(pos-int? 1) ;=> true");
static Val math_is_pos_int(Val x) { return bool_val(is_long(x) && long_of(x) > 0); }

DOC(neg_int, "[x]", "True if x is a negative fixed precision integer.", "(neg-int? -1) ;=> true");
static Val math_is_neg_int(Val x) { return bool_val(is_long(x) && long_of(x) < 0); }

DOC(nat_int, "[x]", "True if x is a non-negative fixed precision integer.", "(nat-int? 0) ;=> true");
static Val math_is_nat_int(Val x) { return bool_val(is_long(x) && long_of(x) >= 0); }

DOC(is_double, "[x]", "True if x is a double.", "(double? 1.0) ;=> true\n(double? 1) ;=> false");
DOC(is_float, "[n]", "True if n is a floating point number.", "(float? 1.0) ;=> true\n(float? 1M) ;=> false");
static Val math_is_double(Val x) { return bool_val(is_dbl(x) && !is_float(x)); }
static Val math_is_float(Val x) { return bool_val(is_dbl(x)); }

DOC(ratio, "[n]", "True if n is a Ratio.", "(ratio? 1/2) ;=> true\n(ratio? 1) ;=> false");
static Val math_is_ratio(Val x) { return bool_val(is_type(x, T_RATIO)); }

DOC(decimal, "[n]", "True if n is a BigDecimal.", "(decimal? 1M) ;=> true");
static Val math_is_decimal(Val x) { return bool_val(is_type(x, T_DECIMAL)); }

DOC(rational, "[n]", "True if n is an integer, a ratio or a decimal.", "(rational? 1/2) ;=> true\n(rational? 1.5) ;=> false");
static Val math_is_rational(Val x) { return bool_val(is_num(x) && !is_dbl(x)); }

DOC(nan, "[num]", "True if num is NaN.", "(NaN? ##NaN) ;=> true\n(NaN? 1.0) ;=> false");
static Val math_is_nan(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  return bool_val(is_nan(x));
}

DOC(infinite, "[num]", "True if num is negative or positive infinity.", "(infinite? ##-Inf) ;=> true");
static Val math_is_infinite(Val x) {
  CHECK(arg_num_call(x, ARG_DOUBLE_VALUE));
  double d = num_to_double(x);
  return bool_val(d - d != 0 && d == d);
}

const BuiltinRow rows_math[] = {
    ROW0("+", math_zero, add, B_PURE),
    ROW1("+", math_cast, add, B_PURE),
    ROW2("+", num_add, add, B_PURE),
    ROWV("+", 3, math_add_n, add, B_PURE),
    ROW1("-", num_neg, sub, B_PURE),
    ROW2("-", num_sub, sub, B_PURE),
    ROWV("-", 3, math_sub_n, sub, B_PURE),
    ROW0("*", math_one, mul, B_PURE),
    ROW1("*", math_cast, mul, B_PURE),
    ROW2("*", num_mul, mul, B_PURE),
    ROWV("*", 3, math_mul_n, mul, B_PURE),
    ROW1("/", math_inverse, div, B_PURE),
    ROW2("/", num_div, div, B_PURE),
    ROWV("/", 3, math_div_n, div, B_PURE),
    ROW2("breyta.num/divide", num_div_double, div_double, B_PURE),
    ROW0("+'", math_zero, addp, B_PURE),
    ROW1("+'", math_cast, addp, B_PURE),
    ROW2("+'", num_addp, addp, B_PURE),
    ROWV("+'", 3, math_addp_n, addp, B_PURE),
    ROW1("-'", num_negp, subp, B_PURE),
    ROW2("-'", num_subp, subp, B_PURE),
    ROWV("-'", 3, math_subp_n, subp, B_PURE),
    ROW0("*'", math_one, mulp, B_PURE),
    ROW1("*'", math_cast, mulp, B_PURE),
    ROW2("*'", num_mulp, mulp, B_PURE),
    ROWV("*'", 3, math_mulp_n, mulp, B_PURE),
    ROW1("inc", num_inc, inc, B_PURE),
    ROW1("dec", num_dec, dec, B_PURE),
    ROW1("inc'", num_incp, incp, B_PURE),
    ROW1("dec'", num_decp, decp, B_PURE),
    ROW2("quot", num_quot, quot, B_PURE),
    ROW2("rem", num_rem, rem, B_PURE),
    ROW2("mod", num_mod, mod, B_PURE),
    ROW1("abs", num_abs, abs, B_PURE),
    ROW1("max", math_same, max, B_PURE),
    ROW2("max", math_max2, max, B_PURE),
    ROWV("max", 3, math_max_n, max, B_PURE),
    ROW1("min", math_same, min, B_PURE),
    ROW2("min", math_min2, min, B_PURE),
    ROWV("min", 3, math_min_n, min, B_PURE),
    ROW1("<", math_true1, lt, B_PURE),
    ROW2("<", num_lt, lt, B_PURE),
    ROWV("<", 3, math_lt_n, lt, B_PURE),
    ROW1("<=", math_true1, le, B_PURE),
    ROW2("<=", num_le, le, B_PURE),
    ROWV("<=", 3, math_le_n, le, B_PURE),
    ROW1(">", math_true1, gt, B_PURE),
    ROW2(">", num_gt, gt, B_PURE),
    ROWV(">", 3, math_gt_n, gt, B_PURE),
    ROW1(">=", math_true1, ge, B_PURE),
    ROW2(">=", num_ge, ge, B_PURE),
    ROWV(">=", 3, math_ge_n, ge, B_PURE),
    ROW1("==", math_true1, equiv, B_PURE),
    ROW2("==", num_equiv, equiv, B_PURE),
    ROWV("==", 3, math_equiv_n, equiv, B_PURE),
    ROW1("zero?", math_is_zero, zero, B_PURE),
    ROW1("pos?", math_is_pos, pos, B_PURE),
    ROW1("neg?", math_is_neg, neg, B_PURE),
    ROW1("even?", math_is_even, even, B_PURE),
    ROW1("odd?", math_is_odd, odd, B_PURE),
    ROW1("number?", math_is_number, number, B_PURE),
    ROW1("integer?", math_is_integer, integer, B_PURE),
    ROW1("int?", math_is_int, is_int, B_PURE),
    ROW1("pos-int?", math_is_pos_int, pos_int, B_PURE),
    ROW1("neg-int?", math_is_neg_int, neg_int, B_PURE),
    ROW1("nat-int?", math_is_nat_int, nat_int, B_PURE),
    ROW1("double?", math_is_double, is_double, B_PURE),
    ROW1("float?", math_is_float, is_float, B_PURE),
    ROW1("ratio?", math_is_ratio, ratio, B_PURE),
    ROW1("decimal?", math_is_decimal, decimal, B_PURE),
    ROW1("rational?", math_is_rational, rational, B_PURE),
    ROW1("NaN?", math_is_nan, nan, B_PURE),
    ROW1("infinite?", math_is_infinite, infinite, B_PURE),
    ROW_END,
};
