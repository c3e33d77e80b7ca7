/* Unit tests of backoff.c: the :retry map, pauses and their jitter, Retry-After, flow/backoff specs. */
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/base/backoff.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), "test", true);
  assert_false(is_sig(v));
  return v;
}

static RetryPolicy policy(const char *text) {
  RetryPolicy p;
  Err e = {0};
  if (!backoff_policy(edn(text), &p, &e)) fail_msg("%s: %s", text, e.msg);
  return p;
}

static void test_defaults(void **state) {
  (void)state;
  RetryPolicy none = policy("nil"), p = policy("{:max-attempts 3}");
  assert_int_equal(none.max_attempts, 1);
  assert_int_equal(p.max_attempts, 3);
  assert_int_equal(p.kind, BACKOFF_EXPONENTIAL);
  assert_int_equal(p.backoff_ms, 1000);
  assert_int_equal(p.max_backoff_ms, 60000);
  assert_true(p.jitter);
  static const int yes[] = {408, 425, 429, 500, 502, 503, 504, 529}, no[] = {0, 99, 200, 301, 400, 401, 404, 422, 501, 505, 600};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) assert_true(backoff_retryable(&p, "http-error", yes[i]));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) assert_false(backoff_retryable(&p, "http-error", no[i]));
  assert_true(backoff_retryable(&p, "network", 0) && backoff_retryable(&p, "timeout", 0));
  assert_false(backoff_retryable(&p, "oversize", 0) || backoff_retryable(&p, "validation", 0) || backoff_retryable(&p, "interrupted", 0));
}

static void test_policy(void **state) {
  (void)state;
  RetryPolicy p =
      policy("{:max-attempts 5 :backoff :linear :backoff-ms \"2s\" :max-backoff-ms 5000 :jitter false :retry-on [:ssh-exit 418]}");
  assert_int_equal(p.kind, BACKOFF_LINEAR);
  assert_int_equal(backoff_delay(&p, 1, 9, -1), 2000);
  assert_int_equal(backoff_delay(&p, 2, 9, -1), 4000);
  assert_int_equal(backoff_delay(&p, 3, 9, -1), 5000);
  assert_true(backoff_retryable(&p, "ssh-exit", 0) && backoff_retryable(&p, "http-error", 418));
  assert_false(backoff_retryable(&p, "network", 0) || backoff_retryable(&p, "http-error", 503));
}

static void test_policy_errors(void **state) {
  (void)state;
  RetryPolicy p;
  Err e = {0};
  assert_false(backoff_policy(edn("{:max-attempts 0 :backoff :fibonacci :backoff-ms -1 :jitter 3 :retry-on #{99}}"), &p, &e));
  assert_string_equal(e.code, "validation");
  static const char *const parts[] = {":max-attempts is 0", ":fibonacci", ":backoff-ms is negative", ":jitter is 3"};
  for (size_t i = 0; i < 4; i++)
    if (!strstr(e.msg, parts[i])) fail_msg("\"%s\" lacks \"%s\"", e.msg, parts[i]);
  assert_false(backoff_policy(fix(3), &p, &e));
  assert_non_null(strstr(e.msg, "{:max-attempts 3"));
  assert_false(backoff_policy(edn("{:retry-on #{\"x\"}}"), &p, &e));
  assert_non_null(strstr(e.msg, ":retry-on has \"x\""));
}

static void test_exponential(void **state) {
  (void)state;
  RetryPolicy p = policy("{:max-attempts 9 :backoff-ms 100 :max-backoff-ms 1000 :jitter false}");
  static const int64_t expect[] = {100, 200, 400, 800, 1000, 1000};
  for (int i = 0; i < 6; i++) assert_int_equal(backoff_delay(&p, i + 1, 0, -1), expect[i]);
  assert_int_equal(backoff_delay(&p, 1000000, 0, -1), 1000);
  p = policy("{:backoff :constant :backoff-ms 70 :jitter false}");
  assert_int_equal(backoff_delay(&p, 50, 0, -1), 70);
  p = policy("{:backoff :linear :backoff-ms 0 :jitter false}");
  assert_int_equal(backoff_delay(&p, 50, 0, -1), 0);
}

/* The same seed gives the same pause; over many seeds pauses fill [0, d] evenly. */
static void test_jitter(void **state) {
  (void)state;
  RetryPolicy p = policy("{:backoff :constant :backoff-ms 999}");
  int64_t sum = 0, low = 0, high = 0, equal = 0;
  for (uint64_t seed = 0; seed < 10000; seed++) {
    int64_t d = backoff_delay(&p, 1, seed, -1);
    assert_in_range(d, 0, 999);
    assert_int_equal(d, backoff_delay(&p, 1, seed, -1));
    equal += d == backoff_delay(&p, 2, seed, -1);
    sum += d;
    low += d < 100;
    high += d >= 900;
  }
  assert_in_range(sum / 10000, 480, 520);
  assert_in_range(low, 900, 1100);
  assert_in_range(high, 900, 1100);
  assert_in_range(equal, 0, 40);
}

static void test_retry_after(void **state) {
  (void)state;
  const int64_t now = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */
  RetryPolicy p = policy("{:backoff-ms 5}");
  assert_int_equal(backoff_delay(&p, 1, 0, 120000), 120000);
  assert_int_equal(backoff_retry_after("120", now), 120000);
  assert_int_equal(backoff_retry_after(" 0 ", now), 0);
  assert_int_equal(backoff_retry_after("99999999999999999999999", now), BACKOFF_MAX_RETRY_AFTER);
  assert_int_equal(backoff_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now - 5000), 5000);
  assert_int_equal(backoff_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now - 5000), 5000);
  assert_int_equal(backoff_retry_after("Sun Nov  6 08:49:37 1994", now - 5000), 5000);
  assert_int_equal(backoff_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now + 5000), 0);
  assert_int_equal(backoff_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", now), BACKOFF_MAX_RETRY_AFTER);
  static const char *const bad[] = {"",
                                    "soon",
                                    "-5",
                                    "1.5",
                                    "12x",
                                    "Sun, 06 Nox 1994 08:49:37 GMT",
                                    "Sun, 06 Nov 1994 08:49:37",
                                    "Sun, 06 Nov 1994 25:49:37 GMT",
                                    "Sun, 32 Nov 1994 08:49:37 GMT",
                                    "Sun, 06 Nov 1994 08:49:37 CET"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (backoff_retry_after(bad[i], now) != -1) fail_msg("accepted: %s", bad[i]);
}

static void test_spec(void **state) {
  (void)state;
  BackoffSpec s;
  Err e = {0};
  assert_true(backoff_spec(edn("{:type :exponential :interval \"1s\" :factor 2 :max \"60s\"}"), -1, &s, &e));
  static const int64_t expect[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
  for (int i = 0; i < 8; i++) assert_int_equal(backoff_interval(&s, i + 1), expect[i]);
  assert_int_equal(backoff_interval(&s, INT64_MAX), 60000);
  assert_true(backoff_spec(edn("{:type :linear :interval 100 :step 50}"), -1, &s, &e));
  assert_int_equal(backoff_interval(&s, 1), 100);
  assert_int_equal(backoff_interval(&s, 4), 250);
  assert_true(backoff_spec(NIL, 700, &s, &e));
  assert_int_equal(backoff_interval(&s, 12), 700);
  assert_true(backoff_spec(str_c("3s"), -1, &s, &e));
  assert_int_equal(backoff_interval(&s, 2), 3000);
  assert_true(backoff_spec(edn("{:type :exponential :factor 1.5}"), 1000, &s, &e));
  assert_int_equal(backoff_interval(&s, 3), 2250);
  assert_false(backoff_spec(edn("{:type :exponential :factor 0.5}"), -1, &s, &e));
  assert_non_null(strstr(e.msg, ":interval is missing"));
  assert_non_null(strstr(e.msg, ":factor is 0.5"));
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),    cmocka_unit_test(test_policy), cmocka_unit_test(test_policy_errors),
      cmocka_unit_test(test_exponential), cmocka_unit_test(test_jitter), cmocka_unit_test(test_retry_after),
      cmocka_unit_test(test_spec),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
