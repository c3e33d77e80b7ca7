/* Unit tests of json.c and duration.c. Expected values are written as EDN and compared by printing. */
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/base/duration.h"
#include "runtime/base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), "test", true);
  assert_false(is_sig(v));
  return v;
}

static void same_printed(Val v, const char *expect) {
  assert_false(is_sig(v) || same(v, ABSENT));
  assert_string_equal(str_s(pr_str(v)), expect);
}

static void parses(const char *json, const char *expect) {
  Err e = {0};
  Val v = json_parse(json, strlen(json), &e);
  if (same(v, ABSENT)) fail_msg("%s: %s", json, e.msg);
  same_printed(v, expect);
}

static void refused(const char *json, const char *message) {
  Err e = {0};
  assert_true(same(json_parse(json, strlen(json), &e), ABSENT));
  assert_string_equal(e.code, "json");
  if (!strstr(e.msg, message)) fail_msg("%s: \"%s\" lacks \"%s\"", json, e.msg, message);
}

static void prints_val(Val v, const char *expect) {
  Buf b = {0};
  assert_true(is_nil(json_print(&b, v)));
  assert_string_equal(buf_cstr(&b), expect);
  buf_free(&b);
}

static void prints(const char *text, const char *expect) { prints_val(edn(text), expect); }

static void throws_msg(Val v, enum Exc cls, const char *message) {
  Buf b = {0};
  assert_true(same(json_print(&b, v), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, cls);
  const char *msg = str_s(AS(Ex, pend.ex)->msg);
  if (!strstr(msg, message)) fail_msg("\"%s\" lacks \"%s\"", msg, message);
  buf_free(&b);
}

static void test_parse_scalars(void **state) {
  (void)state;
  parses("null", "nil");
  parses(" true ", "true");
  parses("\"a\\u00e9\\n\\ud83d\\ude00\"", "\"aé\\n😀\"");
  parses("[\"a\\u0000b\",1]", str_s(pr_str(vec_of2(str_new("a\0b", 3), fix(1)))));
  parses("12", "12");
  parses("-9223372036854775808", "-9223372036854775808");
  parses("9223372036854775807", "9223372036854775807");
  parses("1.0", "1.0");
  parses("1e2", "100.0");
  parses("\xef\xbb\xbf[1]", "[1]");
}

static void test_parse_big_integers(void **state) {
  (void)state;
  parses("9223372036854775808", "9.223372036854776E18");
  parses("{\"a\":[-9223372036854775809,1],\"12345678901234567890123\":2}", "{:a [-9.223372036854776E18 1], \"12345678901234567890123\" 2}");
  parses("[\"99999999999999999999\\\"\", 99999999999999999999]", "[\"99999999999999999999\\\"\" 1.0E20]");
  refused("[99999999999999999999, x]", "1:24");
  refused("1e999", "overflow");
}

static void test_parse_keys(void **state) {
  (void)state;
  parses("{\"a\":1,\"a/b\":2,\"x y\":3,\"1a\":4,\"\":5,\"a/b/c\":6,\"/\":7,\"ok?\":8}",
         "{:a 1, :a/b 2, \"x y\" 3, \"1a\" 4, \"\" 5, \"a/b/c\" 6, \"/\" 7, :ok? 8}");
  parses("{\"a\":1,\"b\":2,\"a\":3}", "{:a 3, :b 2}");
  parses("{\"a:b\":1,\"$ref\":2,\"@id\":3,\"a/1\":4,\"+x\":5}", "{\"a:b\" 1, \"$ref\" 2, \"@id\" 3, \"a/1\" 4, :+x 5}");
  assert_true(json_keyword_like("-_.?!*+<>=", 10));
  assert_false(json_keyword_like("a/", 2) || json_keyword_like("/a", 2) || json_keyword_like("", 0) || json_keyword_like("a\0b", 3));
}

/* Also behind the eighth key; the last of two same ones counts, at the place of the first; beyond 256 keys any order will do. */
static void test_parse_ordered(void **state) {
  (void)state;
  const char *text = "{\"z\":1,\"y\":{\"k\":[{\"b\":1,\"a\":2}]},\"x\":3,\"w\":4,\"v\":5,\"u\":6,\"t\":7,\"s\":8,\"r\":9,\"q\":10,\"a b\":11,\"x\":12}";
  Err e = {0};
  prints_val(json_parse_ordered(text, strlen(text), &e),
             "{\"z\":1,\"y\":{\"k\":[{\"b\":1,\"a\":2}]},\"x\":12,\"w\":4,\"v\":5,\"u\":6,\"t\":7,\"s\":8,\"r\":9,\"q\":10,\"a b\":11}");
  Buf b = {0};
  buf_c(&b, "{");
  for (int i = 0; i < 1000; i++) buf_fmt(&b, "%s\"k%d\":%d", i ? "," : "", i, i);
  buf_c(&b, "}");
  Val many = json_parse_ordered(buf_cstr(&b), b.n, &e);
  assert_int_equal(map_count(many), 1000);
  assert_true(same(map_get_kw(many, "k999"), fix(999)));
  buf_free(&b);
}

static void test_parse_errors(void **state) {
  (void)state;
  refused("", "1:1");
  refused("{\"a\": 1,\n  \"b\" 2}", "2:7");
  refused("[1] 2", "1:5");
  refused("[\"é\", }", "1:7");
  refused("\"\xff\"", "1:1: unable to decode byte 0xff");
  refused("nul", "nul");
  Buf b = {0};
  for (int i = 0; i < 1500; i++) buf_ch(&b, '[');
  for (int i = 0; i < 1500; i++) buf_ch(&b, ']');
  refused(buf_cstr(&b), "deeper than 1000");
  buf_free(&b);
  for (int i = 0; i < 100000; i++) buf_ch(&b, '[');
  refused(buf_cstr(&b), "depth");
  buf_free(&b);
}

static void test_print(void **state) {
  (void)state;
  prints("{:a 1 :b/c [1 2.5 nil true] \"s\" #{:x} }", "{\"a\":1,\"b/c\":[1,2.5,null,true],\"s\":[\"x\"]}");
  prints("(1 (2) [])", "[1,[2],[]]");
  prints("{1 2, nil 3, [1 :a] 4, foo/bar 5}", "{\"1\":2,\"nil\":3,\"[1 :a]\":4,\"foo/bar\":5}");
  prints("[:a/b sym \\x \"\\\"\\\\\\n\\t/é😀\"]", "[\"a/b\",\"sym\",\"x\",\"\\\"\\\\\\n\\t/é😀\"]");
  prints("#inst \"2026-01-02T03:04:05.678Z\"", "\"2026-01-02T03:04:05.678Z\"");
  prints("#uuid \"00000000-0000-0001-0000-000000000002\"", "\"00000000-0000-0001-0000-000000000002\"");
  prints("[1/2 1.50M 10N 12345678901234567890N 1e10 0.1 -0.0]", "[0.5,1.50,10,12345678901234567890,1.0E10,0.1,-0.0]");
  prints_val(str_new("\x01\x1f\x7f", 3), "\"\\u0001\\u001f\x7f\"");
  prints_val(range_new(0, 100, 50), "[0,50]");
  prints_val(map_seq(edn("{:a 1}")), "[[\"a\",1]]");
}

static void test_print_pretty(void **state) {
  (void)state;
  Buf b = {0};
  assert_true(is_nil(json_pretty(&b, edn("{:a [1 {}] :b []}"))));
  assert_string_equal(buf_cstr(&b), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
  buf_free(&b);
}

static void test_print_refuses(void **state) {
  (void)state;
  throws_msg(edn("{:a [1 ##NaN]}"), EXC_ILLEGAL_ARG, "##NaN (at [:a 1])");
  throws_msg(edn("##-Inf"), EXC_ILLEGAL_ARG, "JSON cannot hold ##-Inf;");
  throws_msg(vec_of2(NIL, from_obj(mem_obj(T_ATOM))), EXC_ILLEGAL_ARG, "clojure.lang.Atom (at [1])");
  Val deep = NIL;
  for (int i = 0; i < 1001; i++) deep = vec_from(&deep, 1);
  throws_msg(deep, EXC_LIMIT, "deeper than 1000");
  throws_msg(repeat_new(-1, str_fmt("%100000d", 1)), EXC_LIMIT, "bytes");
}

static void test_print_lazy(void **state) {
  (void)state;
  Buf b = {0};
  Val lazy = lazy_new(kw_c("fn")), root = map_assoc(map_empty, kw_c("a"), vec_of2(fix(1), lazy));
  assert_true(same(json_print(&b, root), SIG_DEMAND));
  assert_true(same(pend.demand, root) && pend.demand_deep);
  AS(Lazy, lazy)->fn = NIL;
  AS(Lazy, lazy)->seq = list2(fix(7), fix(8));
  b.n = 0;
  assert_true(is_nil(json_print(&b, root)));
  assert_string_equal(buf_cstr(&b), "{\"a\":[1,[7,8]]}");
  buf_free(&b);
}

/* Random values survive out and in. */
static uint64_t rng = 42;
static uint32_t rnd(uint32_t n) {
  rng = rng * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(rng >> 33) % n;
}

static Val random_value(int depth) {
  Val xs[24];
  uint32_t n = rnd(12);
  switch (rnd(depth > 4 ? 5 : 7)) {
  case 0: return NIL;
  case 1: return bool_val(rnd(2));
  case 2: return int_val((int64_t)(((uint64_t)rnd(1u << 31) << 33) ^ rnd(1u << 31)));
  case 3: return dbl_val((double)rnd(1u << 30) / (double)(1 + rnd(1000)));
  case 4: return str_fmt("s%u é\"\\\n%c", rnd(1000), (int)rnd(31) + 1);
  case 5:
    for (uint32_t i = 0; i < n; i++) xs[i] = random_value(depth + 1);
    return vec_from(xs, n);
  default:
    for (uint32_t i = 0; i < n; i++) {
      xs[2 * i] = rnd(2) ? kw_c(str_s(str_fmt("k%u", i))) : str_fmt("key %u", i);
      xs[2 * i + 1] = random_value(depth + 1);
    }
    return map_from(xs, n, false);
  }
}

static void test_round_trip(void **state) {
  (void)state;
  for (int i = 0; i < 2000; i++) {
    Buf b = {0};
    Err e = {0};
    Val v = random_value(0);
    assert_true(is_nil(i % 2 ? json_print(&b, v) : json_pretty(&b, v)));
    Val w = json_parse(buf_cstr(&b), b.n, &e);
    if (same(w, ABSENT)) fail_msg("%s: %s", buf_cstr(&b), e.msg);
    if (!same(val_eq(v, w), TRUE_V)) fail_msg("%s", buf_cstr(&b));
    buf_free(&b);
  }
}

/* ---- durations ---- */

static void duration_is(Val v, enum DurationUnit bare, int64_t expect) {
  int64_t ms = -1;
  Err e = {0};
  if (!duration_of(v, bare, ":timeout", &ms, &e)) fail_msg("%s", e.msg);
  assert_int_equal(ms, expect);
}

static void duration_bad(const char *text, const char *message) {
  int64_t ms = 77;
  Err e = {0};
  assert_false(duration_of(edn(text), DURATION_MS, ":interval", &ms, &e));
  assert_int_equal(ms, 77);
  assert_string_equal(e.code, "validation");
  if (!strstr(e.msg, message) || !strstr(e.msg, ":interval")) fail_msg("%s: \"%s\" lacks \"%s\"", text, e.msg, message);
}

static bool names(const char *json, const char *text) { return json_names(json, strlen(json), text); }

static void test_names(void **state) {
  (void)state;
  static const char *const yes[][2] = {{"{\"id\":\"o-1\"}", "o-1"}, {"{\"id\":17}", "17"}, {"{\"id\":\"o\\u002d1\"}", "o-1"}, {"[\"a\\nb\",\"x\\/y\"]", "x/y"},
                                       {"[\"\\uD83D\\ude00\\\"\"]", "\xf0\x9f\x98\x80\""}, {"\"stra\\u00dfe\"", "stra\xc3\x9f" "e"}, {"{\"\\u0061\":0}", "a"},
                                       {"[\"\\\\\",\"\\u0062\"]", "b"}, {"\"a\\tb\"", "a\tb"}};
  static const char *const no[][2] = {{"{\"id\":\"o-2\"}", "o-1"}, {"[\"o\\u002d1x\"]", "o-1"}, {"[\"\\u006f\"]", "o-1"}, {"", "x"}, {"\"", "x"}, {"\"\\", "x"}, {"\"\\u", "x"},
                                      {"\"\\u00", "x"}, {"[\"\\ud83d\"]", "\xf0\x9f\x98\x80"}, {"\"\\u0000\"", "x"}, {"[\"a\\\"b\", 1]", "a\" 1"}};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    if (!names(yes[i][0], yes[i][1])) fail_msg("%s names %s", yes[i][0], yes[i][1]);
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (names(no[i][0], no[i][1])) fail_msg("%s does not name %s", no[i][0], no[i][1]);
}

static void test_durations(void **state) {
  (void)state;
  duration_is(str_c("250ms"), DURATION_SECONDS, 250);
  duration_is(str_c("10s"), DURATION_MS, 10000);
  duration_is(str_c("45m"), DURATION_MS, 45 * 60000);
  duration_is(str_c("2h"), DURATION_MS, 7200000);
  duration_is(str_c("1d"), DURATION_MS, 86400000);
  duration_is(fix(5), DURATION_MS, 5);
  duration_is(fix(5), DURATION_SECONDS, 5000);
  duration_is(str_c("0s"), DURATION_MS, 0);
  duration_bad("\"10\"", "\"10s\"");
  duration_bad("\"s\"", "not a duration");
  duration_bad("\"-1s\"", "not a duration");
  duration_bad("\"1.5s\"", "not a duration");
  duration_bad("\"10 s\"", "not a duration");
  duration_bad("-1", "negative");
  duration_bad("2.5", "integer (milliseconds)");
  duration_bad("nil", "nil");
  duration_bad("\"99999999999999999999d\"", "1000 years");
  duration_bad("\"9999999999999d\"", "1000 years");
}

static void test_duration_print(void **state) {
  (void)state;
  static const struct {
    int64_t ms;
    const char *text;
  } rows[] = {{0, "0ms"},        {999, "999ms"},       {1000, "1s"},       {1234, "1.2s"},      {59999, "59.9s"}, {60000, "1m 0s"},
              {184000, "3m 4s"}, {3599999, "59m 59s"}, {7500000, "2h 5m"}, {97200000, "1d 3h"}, {-5, "0ms"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Buf b = {0};
    duration_print(&b, rows[i].ms);
    assert_string_equal(buf_cstr(&b), rows[i].text);
    buf_free(&b);
  }
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parse_scalars),  cmocka_unit_test(test_parse_big_integers),
      cmocka_unit_test(test_parse_keys),     cmocka_unit_test(test_parse_ordered), cmocka_unit_test(test_parse_errors),
      cmocka_unit_test(test_print),          cmocka_unit_test(test_print_pretty),
      cmocka_unit_test(test_print_refuses),  cmocka_unit_test(test_print_lazy),
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_names),     cmocka_unit_test(test_durations),
      cmocka_unit_test(test_duration_print),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
