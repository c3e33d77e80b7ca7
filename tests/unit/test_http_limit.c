/* http_limit.c: turns, fairness between flows, rates, giving up; what a config may say. Times are given, none passes. */
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/net/http_limit.h"
#include "runtime/base/metrics.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char went[100];
static void go(void *ctx) { strcat(went, ctx); }

static bool enter(Gate *g, const char *flow, const char *name, int64_t at, Waiter **w) {
  return limit_enter(g, flow, go, (void *)(uintptr_t)name, at, w);
}

static void test_concurrent_and_fair(void **state) {
  (void)state;
  Waiter *w[6];
  Gate *g = limit_gate("a", &(LimitSpec){.concurrent = 2}, 0);
  *went = 0;
  int64_t late = metric_get(METRIC_http_delayed_total);
  assert_true(enter(g, "x", "1", 0, &w[0]) && enter(g, "x", "2", 0, &w[0]));
  assert_false(enter(g, "x", "a", 0, &w[0]));
  assert_false(enter(g, "x", "b", 0, &w[1]));
  assert_false(enter(g, "x", "c", 0, &w[2]));
  assert_false(enter(g, "y", "d", 0, &w[3])); /* another flow does not wait for all of x */
  assert_false(enter(g, "y", "e", 0, &w[4]));
  assert_int_equal(metric_get(METRIC_http_queued), 5);
  limit_give_up(w[1]);
  assert_int_equal(metric_get(METRIC_http_queued), 4);
  for (int i = 0; i < 6; i++) limit_leave(g, 1000);
  assert_string_equal(went, "adce");
  assert_int_equal(metric_get(METRIC_http_queued), 0);
  assert_int_equal(metric_get(METRIC_http_delayed_total), late + 5);
  assert_int_equal(limit_turn(2000), INT64_MAX);
  assert_true(enter(g, "x", "z", 3000, &w[0])); /* empty again */
  limit_leave(g, 3000);
}

static void test_rate(void **state) {
  (void)state;
  Waiter *w;
  Gate *g = limit_gate("r", &(LimitSpec){.requests = 2, .per_us = 1000}, 10);
  *went = 0;
  assert_true(enter(g, "x", "1", 10, &w));
  assert_true(enter(g, "x", "2", 400, &w));
  limit_leave(g, 500); /* being done early does not help */
  assert_false(enter(g, "x", "a", 600, &w));
  assert_false(enter(g, "x", "b", 600, &w));
  assert_int_equal(limit_turn(700), 1010);
  assert_string_equal(went, "");
  assert_int_equal(limit_turn(1010), 1400);
  assert_string_equal(went, "a");
  assert_int_equal(limit_turn(1400), INT64_MAX);
  assert_string_equal(went, "ab");
  for (int i = 0; i < 3; i++) limit_leave(g, 1500);
  /* in no window of 1000 us there are more than two */
  assert_false(enter(g, "x", "c", 1500, &w));
  assert_int_equal(limit_turn(1500), 2010);
  limit_give_up(w);
  assert_int_equal(limit_turn(9000), INT64_MAX);
}

static void test_both(void **state) {
  (void)state;
  Waiter *w;
  Gate *g = limit_gate("b", &(LimitSpec){.concurrent = 1, .requests = 1, .per_us = 100}, 1);
  *went = 0;
  assert_true(enter(g, "x", "1", 1, &w));
  assert_false(enter(g, "x", "a", 2, &w));
  assert_int_equal(limit_turn(500), INT64_MAX); /* the rate would let it in; the one inside does not */
  limit_leave(g, 600);
  assert_string_equal(went, "a");
  limit_leave(g, 700);
  g = limit_gate("b", &(LimitSpec){0}, 800); /* limits can change */
  for (int i = 0; i < 5; i++) assert_true(enter(g, "x", "n", 800, &w));
  for (int i = 0; i < 5; i++) limit_leave(g, 800);
}

static void spec(const char *text, const char *expect) {
  LimitSpec s;
  Err e = {0};
  bool given;
  Val v = read_one(text, strlen(text), "test", true);
  bool ok = limit_spec(v, &s, &given, &e);
  if (ok != !expect || (expect && !strstr(e.msg, expect))) fail_msg("%s: %s", text, ok ? "accepted" : e.msg);
}

static void test_spec(void **state) {
  (void)state;
  LimitSpec s;
  Err e = {0};
  bool given;
  const char *text = "{:max-concurrent 3 :rate-limit {:requests 10 :per \"2s\"} :base-url \"x\"}";
  assert_true(limit_spec(read_one(text, strlen(text), "test", true), &s, &given, &e));
  assert_true(given && s.concurrent == 3 && s.requests == 10 && s.per_us == 2000000);
  assert_true(limit_spec(NIL, &s, &given, &e) && !given);
  spec("{}", NULL);
  spec("{:max-concurrent 0}", ":max-concurrent");
  spec("{:max-concurrent \"3\"}", "from 1 to 10000");
  spec("{:rate-limit {:requests 0 :per \"1s\"}}", ":requests");
  spec("{:rate-limit {:requests 1}}", ":per");
  spec("{:rate-limit {:requests 1 :per \"25h\"}}", "24h");
  spec("{:rate-limit [1]}", "is a map such as");
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_concurrent_and_fair), cmocka_unit_test(test_rate), cmocka_unit_test(test_both),
                                     cmocka_unit_test(test_spec)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
