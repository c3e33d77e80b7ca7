/* Unit tests of the numeric tower. The cases in num_cases.h are answers of Clojure 1.11 (JVM); see its head. */
#include "reader/big.h"
#include "reader/ex.h"
#include "reader/mem.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct Case { const char *op, *a, *b, *want; } Case;
typedef struct Parse { const char *text, *want; } Parse;
#ifndef NUM_CASES
#define NUM_CASES "num_cases.h"
#endif
#include NUM_CASES

static Val num(const char *s) {
  if (!strcmp(s, "##Inf")) return dbl_val((double)INFINITY);
  if (!strcmp(s, "##-Inf")) return dbl_val(-(double)INFINITY);
  if (!strcmp(s, "##NaN")) return dbl_val((double)NAN);
  Val v = num_parse(s, strlen(s));
  assert_true(is_num(v));
  return v;
}

/* A result as the tables write it; static buffer. */
static const char *text_of(Val v) {
  static Buf b;
  b.n = 0;
  if (same(v, SIG_THROW)) {
    buf_ch(&b, '!');
    Val msg = AS(Ex, pend.ex)->msg;
    buf_c(&b, is_nil(msg) ? "null" : str_s(msg));
  } else if (same(v, ABSENT)) {
    buf_c(&b, "ABSENT");
  } else if (is_nil(v)) {
    buf_c(&b, "nil");
  } else if (is_bool(v)) {
    buf_c(&b, truthy(v) ? "true" : "false");
  } else if (is_str(v)) {
    buf_fmt(&b, "\"%s\"", str_s(v));
  } else {
    num_print(&b, v);
  }
  return buf_cstr(&b);
}

static Val op_eq(Val a, Val b) { return bool_val(num_eq(a, b)); }
static Val op_compare(Val a, Val b) { return fix(num_cmp(a, b)); }
static Val op_zero(Val a) { return bool_val(num_is_zero(a)); }
static Val op_pos(Val a) { return bool_val(num_is_pos(a)); }
static Val op_neg(Val a) { return bool_val(num_is_neg(a)); }
static Val op_hash(Val a) { return fix((int32_t)num_hash(a)); }
static Val op_double(Val a) { return dbl_val(num_to_double(a)); }
static Val op_str(Val a) {
  Buf b = {0};
  num_str(&b, a);
  return buf_str(&b);
}

typedef struct Op { const char *name; Val (*two)(Val, Val); Val (*one)(Val); } Op;
static const Op ops[] = {
    {"+", num_add, NULL},          {"-", num_sub, num_neg},         {"*", num_mul, NULL},
    {"/", num_div, NULL},          {"+'", num_addp, NULL},          {"-'", num_subp, num_negp},
    {"*'", num_mulp, NULL},        {"quot", num_quot, NULL},        {"rem", num_rem, NULL},
    {"mod", num_mod, NULL},        {"<", num_lt, NULL},             {"<=", num_le, NULL},
    {">", num_gt, NULL},           {">=", num_ge, NULL},            {"==", num_equiv, NULL},
    {"=", op_eq, NULL},            {"compare", op_compare, NULL},   {"inc", NULL, num_inc},
    {"dec", NULL, num_dec},        {"inc'", NULL, num_incp},        {"dec'", NULL, num_decp},
    {"abs", NULL, num_abs},        {"long", NULL, num_to_long_checked}, {"int", NULL, num_to_int_checked},
    {"double", NULL, op_double},   {"bigint", NULL, num_to_bigint}, {"biginteger", NULL, num_to_biginteger},
    {"bigdec", NULL, num_to_decimal}, {"rationalize", NULL, num_rationalize}, {"hash", NULL, op_hash},
    {"str", NULL, op_str},         {"zero?", NULL, op_zero},        {"pos?", NULL, op_pos},
    {"neg?", NULL, op_neg},        {"bit-not", NULL, num_bit_not},  {"numerator", NULL, num_numerator},
    {"denominator", NULL, num_denominator},
};

static Val run(const Case *c) {
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    if (strcmp(ops[i].name, c->op)) continue;
    Val a = num(c->a);
    return c->b ? ops[i].two(a, num(c->b)) : ops[i].one(a);
  }
  fail_msg("no operation %s", c->op);
  return NIL;
}

static void test_cases(void **state) {
  (void)state;
  size_t bad = 0, n = sizeof cases / sizeof *cases;
  for (size_t i = 0; i < n; i++) {
    const char *got = text_of(run(&cases[i]));
    if (!strcmp(got, cases[i].want)) continue;
    print_error("(%s %s %s) => %s, Clojure says %s\n", cases[i].op, cases[i].a, cases[i].b ? cases[i].b : "", got, cases[i].want);
    bad++;
  }
  assert_true(n > 500);
  assert_int_equal(bad, 0);
}

static void test_parse(void **state) {
  (void)state;
  size_t bad = 0;
  for (size_t i = 0; i < sizeof parses / sizeof *parses; i++) {
    const char *got = text_of(num_parse(parses[i].text, strlen(parses[i].text)));
    if (!strcmp(got, parses[i].want)) continue;
    print_error("%s => %s, Clojure says %s\n", parses[i].text, got, parses[i].want);
    bad++;
  }
  assert_int_equal(bad, 0);
}

static void check_double(double d, const char *want) {
  Buf b = {0};
  dbl_print(&b, d);
  assert_string_equal(buf_cstr(&b), want);
  buf_free(&b);
}

static void test_double_format(void **state) {
  (void)state;
  check_double(0.0, "0.0");
  check_double(-0.0, "-0.0");
  check_double(1.0, "1.0");
  check_double(100.0, "100.0");
  check_double(9999999.0, "9999999.0");
  check_double(1e7, "1.0E7");
  check_double(1.2345e10, "1.2345E10");
  check_double(0.001, "0.001");
  check_double(0.002, "0.002");
  check_double(0.00099, "9.9E-4");
  check_double(0.1 + 0.2, "0.30000000000000004");
  check_double(1234567.8, "1234567.8");
  check_double(123456.789e-9, "1.23456789E-4");
  check_double(4.9e-324, "4.9E-324");
  check_double(9.9e-324, "1.0E-323");
  check_double(1.5e-323, "1.5E-323");
  check_double(2.2250738585072014e-308, "2.2250738585072014E-308");
  check_double(1.7976931348623157e308, "1.7976931348623157E308");
  check_double(9007199254740992.0, "9.007199254740992E15");
}

static uint64_t rnd(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  return *s ^= *s << 17;
}

static int significant(const char *s) {
  int n = 0, zeros = 0;
  for (; *s && *s != 'e' && *s != 'E'; s++) {
    if (*s < '0' || *s > '9') continue;
    if (*s == '0' && n) zeros++;
    else if (*s != '0') n += zeros + 1, zeros = 0;
  }
  return n;
}

/* The printed text reads back as the same double, is as short as "%.*e" can be, and as near. */
static void check_shortest(double d) {
  char shortest[40];
  int p = 1;
  while (snprintf(shortest, sizeof shortest, "%.*e", p, d) && strtod(shortest, NULL) != d) p++;
  Buf b = {0};
  dbl_print(&b, d);
  double back = dbl_of_text(b.p, b.n);
  int len = significant(buf_cstr(&b));
  if (back != d || len > p + 1) fail_msg("%.17g printed as %s, shortest %s", d, b.p, shortest);
  buf_free(&b);
}

static void test_double_shortest(void **state) {
  (void)state;
  uint64_t seed = 88172645463325252u, bits;
  for (int i = 0; i < 20000; i++) {
    double d;
    bits = rnd(&seed);
    memcpy(&d, &bits, 8);
    if (isfinite(d) && d != 0) check_shortest(d);
    check_shortest((double)(bits >> 40) / 1000.0);
    check_shortest(ldexp(1.0, (int)(bits % 2097) - 1073));
  }
}

static void test_dbl_of_text(void **state) {
  (void)state;
  uint64_t seed = 7;
  char s[64];
  for (int i = 0; i < 20000; i++) {
    uint64_t r = rnd(&seed);
    int n = snprintf(s, sizeof s, "%s%llu.%lluE%d", r & 1 ? "-" : "", (unsigned long long)(r >> 5) % 100000000,
                     (unsigned long long)(r >> 20) % (r & 2 ? 1000 : 100000000000), (int)(r % 60) - 30);
    assert_true(dbl_of_text(s, (size_t)n) == strtod(s, NULL));
  }
}

static void test_golden_hashes(void **state) {
  (void)state;
  static const struct { const char *s; int32_t h; } golden[] = {
      {"1", 1392991556}, {"1.5", 1073217536}, {"1/2", 3}, {"10N", -289985220}, {"1.5M", 466}, {"22/7", 17}, {"-0.0", 0}, {"0", 0},
  };
  for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) assert_int_equal((int32_t)num_hash(num(golden[i].s)), golden[i].h);
}

static void test_boxes(void **state) {
  (void)state;
  static const int64_t ints[] = {0, 1, -1, INT64_MAX, INT64_MIN, FIX_MAX, FIX_MIN, FIX_MAX + 1, FIX_MIN - 1};
  static const double dbls[] = {0.0, -0.0, 1.5, -1e300, 5e-324, 1e-80, 1e80};
  for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) assert_true(long_of(int_val(ints[i])) == ints[i]);
  for (size_t i = 0; i < sizeof dbls / sizeof *dbls; i++) {
    double d = dbl_of(dbl_val(dbls[i]));
    assert_memory_equal(&d, &dbls[i], 8);
  }
  assert_true(isnan(dbl_of(dbl_val((double)NAN))));
  assert_true(is_type(num_add(num("4611686018427387903"), fix(1)), T_LONG));
  assert_true(is_fix(num_sub(num("4611686018427387904"), fix(1))));
}

static void check_throw(Val v, enum Exc cls, const char *msg) {
  assert_true(same(v, SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, cls);
  if (msg) assert_string_equal(str_s(AS(Ex, pend.ex)->msg), msg);
}

static void test_errors(void **state) {
  (void)state;
  const char *null_msg = "Cannot invoke \"Object.getClass()\" because \"x\" is null";
  check_throw(num_add(NIL, fix(1)), EXC_NULL, null_msg);
  check_throw(num_add(str_c("a"), NIL), EXC_NULL, null_msg);
  check_throw(num_lt(fix(1), NIL), EXC_NULL, null_msg);
  check_throw(num_add(str_c("a"), fix(1)), EXC_CLASS_CAST,
              "class java.lang.String cannot be cast to class java.lang.Number (java.lang.String and java.lang.Number are in "
              "module java.base of loader 'bootstrap')");
  check_throw(num_neg(kw_c("a")), EXC_CLASS_CAST,
              "class clojure.lang.Keyword cannot be cast to class java.lang.Number (clojure.lang.Keyword is in unnamed module of "
              "loader 'app'; java.lang.Number is in module java.base of loader 'bootstrap')");
  check_throw(num_bit(BIT_AND, num("1N"), fix(1)), EXC_ILLEGAL_ARG, "bit operation not supported for: class clojure.lang.BigInt");
  check_throw(num_numerator(fix(1)), EXC_CLASS_CAST, NULL);
  check_throw(num_to_bigint(str_c("x")), EXC_NUMBER_FORMAT, "For input string: \"x\"");
  check_throw(num_to_decimal(str_c("a")), EXC_NUMBER_FORMAT,
              "Character a is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.");
  check_throw(num_parse_long(fix(1)), EXC_ILLEGAL_ARG, "Expected string, got java.lang.Long");
}

/* Numbers that would exhaust memory or time are refused. */
static void test_limits(void **state) {
  (void)state;
  check_throw(num_add(num("1e999999999M"), fix(1)), EXC_LIMIT, NULL);
  check_throw(num_to_bigint(num("1e999999999M")), EXC_LIMIT, NULL);
  assert_true(truthy(num_lt(fix(2), num("1e999999999M"))));
  assert_true(truthy(num_gt(num("1/2"), num("1e-999999999M"))));
  assert_int_equal(num_cmp(num("-1e999999999M"), num("1e999999999M")), -1);
  Val v = num("3N");
  for (int i = 0; i < 30 && !is_sig(v); i++) v = num_mul(v, v);
  check_throw(v, EXC_LIMIT, NULL);
  int64_t i;
  assert_false(num_to_long(num("1e400M"), &i));
  assert_true(num_to_long(num("1e-999999999M"), &i) && i == 0);
}

static void test_bits(void **state) {
  (void)state;
  static const struct { enum BitOp op; const char *a, *b, *want; } t[] = {
      {BIT_AND, "12", "10", "8"}, {BIT_OR, "12", "10", "14"}, {BIT_XOR, "5", "1", "4"}, {BIT_AND_NOT, "7", "2", "5"},
      {BIT_SHL, "1", "64", "1"}, {BIT_SHL, "1", "-1", "-9223372036854775808"}, {BIT_SHL, "1", "62", "4611686018427387904"},
      {BIT_SHR, "-8", "1", "-4"}, {BIT_USHR, "-1", "1", "9223372036854775807"}, {BIT_CLEAR, "5", "0", "4"},
      {BIT_SET, "0", "63", "-9223372036854775808"}, {BIT_FLIP, "5", "1", "7"}, {BIT_TEST, "5", "64", "true"},
      {BIT_TEST, "5", "1", "false"},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++)
    assert_string_equal(text_of(num_bit(t[i].op, num(t[i].a), num(t[i].b))), t[i].want);
}

static void test_parse_strings(void **state) {
  (void)state;
  static const Parse longs[] = {
      {"+5", "5"}, {"-5", "-5"}, {"-", "nil"}, {"", "nil"}, {" 5", "nil"}, {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "nil"}, {"-9223372036854775808", "-9223372036854775808"}, {"5N", "nil"}, {"007", "7"},
  };
  static const Parse dbls[] = {
      {"1", "1.0"}, {" 1.5 ", "1.5"}, {"1e400", "##Inf"}, {"0x1p3", "8.0"}, {"NaN", "##NaN"}, {"-Infinity", "##-Inf"},
      {"+NaN", "##NaN"}, {"1f", "1.0"}, {"1.5D", "1.5"}, {".5", "0.5"}, {"5.", "5.0"}, {".", "nil"}, {"1e", "nil"},
      {"1_0", "nil"}, {"", "nil"}, {"inf", "nil"}, {"nan", "nil"}, {"0x.8p0f", "0.5"}, {"0x1", "nil"}, {"1L", "nil"},
      {"\t2\n", "2.0"}, {"-0", "-0.0"}, {"1.5ff", "nil"}, {"--1", "nil"}, {"-", "nil"},
  };
  for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
    assert_string_equal(text_of(num_parse_long(str_c(longs[i].text))), longs[i].want);
  for (size_t i = 0; i < sizeof dbls / sizeof *dbls; i++)
    assert_string_equal(text_of(num_parse_double(str_c(dbls[i].text))), dbls[i].want);
}

static void test_decimals(void **state) {
  (void)state;
  /* HALF_UP of 1.255 etc.; modes in java.math order */
  static const char *const up[] = {"2M", "1M", "2M", "1M", "2M", "1M", "2M"};
  static const char *const down[] = {"-3M", "-2M", "-2M", "-3M", "-3M", "-2M", "-2M"};
  for (int mode = 0; mode < 7; mode++) {
    assert_string_equal(text_of(dec_with_scale(num("1.5M"), 0, mode)), up[mode]);
    assert_string_equal(text_of(dec_with_scale(num("-2.5M"), 0, mode)), down[mode]);
  }
  assert_string_equal(text_of(dec_with_scale(num("1.255M"), 2, 6)), "1.26M");
  assert_string_equal(text_of(dec_with_scale(num("1.2M"), 4, 7)), "1.2000M");
  assert_string_equal(text_of(dec_with_scale(num("1.2M"), -400, 0)), "1E+400M");
  check_throw(dec_with_scale(num("1.25M"), 1, 7), EXC_ARITHMETIC, "Rounding necessary");
  assert_string_equal(text_of(dec_round(num("9.996M"), 3, 4)), "10.0M");
  assert_int_equal(dec_precision(num("0.00M")), 1);
  assert_int_equal(dec_precision(num("1200M")), 4);
  assert_int_equal(dec_precision(num("99999999999999999999M")), 20);
}

static void test_arg_int(void **state) {
  (void)state;
  int64_t i = 0;
  assert_true(arg_int(fix(7), &i) && i == 7);
  assert_true(arg_int(num("3.9"), &i) && i == 3);
  assert_true(arg_int(num("7/2"), &i) && i == 3);
  assert_false(arg_int(fix(3000000000), &i));
  assert_false(arg_int(NIL, &i));
  check_throw(SIG_THROW, EXC_NULL, NULL);
}

int main(void) {
  mem_init();
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),       cmocka_unit_test(test_parse),         cmocka_unit_test(test_double_format),
      cmocka_unit_test(test_double_shortest), cmocka_unit_test(test_dbl_of_text), cmocka_unit_test(test_golden_hashes),
      cmocka_unit_test(test_boxes),       cmocka_unit_test(test_errors),        cmocka_unit_test(test_limits),
      cmocka_unit_test(test_bits),        cmocka_unit_test(test_parse_strings), cmocka_unit_test(test_decimals),
      cmocka_unit_test(test_arg_int),
  };
  return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
