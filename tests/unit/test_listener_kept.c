/* Answers that are kept: found by what was asked, bounded, dropped once each. */
#include "runtime/net/listener_kept.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int live;
static void drop(void *p) {
  live--;
  free(p);
}

static KeptAnswer answer(const char *body, size_t bytes, int64_t until) {
  KeptAnswer k = {.answer = strdup(body), .route = "r", .until_ms = until, .bytes = bytes};
  kept_id("commands", "key", NULL, body, strlen(body), k.id);
  live++;
  return k;
}

static void take(void *ctx, const KeptAnswer *k) { strcpy(ctx, k->answer); }

/* What is kept for the body at that time; "" nothing. */
static const char *find(KeptTable *t, const char *body, int64_t now) {
  static char text[100];
  uint8_t id[32];
  text[0] = 0;
  kept_id("commands", "key", NULL, body, strlen(body), id);
  kept_use(t, id, now, take, text);
  return text;
}

static void t_put_find_forget(void **state) {
  (void)state;
  KeptTable t;
  kept_init(&t, drop);
  assert_false(kept_any(&t));
  assert_string_equal(find(&t, "a", 1), "");
  KeptAnswer a = answer("a", 10, 0), b = answer("b", 10, 100), again = answer("a", 10, 0);
  kept_put(&t, &a);
  kept_put(&t, &b);
  kept_put(&t, &again);
  assert_int_equal(live, 2);
  assert_string_equal(find(&t, "a", 1), "a");
  assert_string_equal(find(&t, "b", 99), "b");
  assert_string_equal(find(&t, "b", 100), "");
  kept_forget(&t);
  assert_int_equal(live, 0);
  assert_false(kept_any(&t));
  assert_string_equal(find(&t, "a", 1), "");
  kept_free(&t);
}

static void t_bounded(void **state) {
  (void)state;
  KeptTable t;
  char body[20];
  kept_init(&t, drop);
  for (int i = 0; i < 3 * KEPT_SLOTS; i++) {
    snprintf(body, sizeof body, "%d", i);
    KeptAnswer k = answer(body, 1, 0);
    kept_put(&t, &k);
    assert_string_equal(find(&t, body, 1), body);
  }
  assert_true(live <= KEPT_SLOTS && live > KEPT_SLOTS / 2);
  kept_forget(&t);
  for (int i = 0; i < 3; i++) {
    snprintf(body, sizeof body, "big %d", i);
    KeptAnswer k = answer(body, KEPT_BYTES / 2 + 1, 0);
    kept_put(&t, &k);
    assert_int_equal(live, 1);
    assert_string_equal(find(&t, body, 1), body);
  }
  kept_free(&t);
  assert_int_equal(live, 0);
}

static void t_ids(void **state) {
  (void)state;
  uint8_t a[32], b[32];
  kept_id("commands", "key", "ws", "body", 4, a);
  const char *other[][4] = {{"command", "key", "ws", "body"}, {"commands", "kez", "ws", "body"}, {"commands", "keyw", "s", "body"},
                            {"commands", "key", NULL, "wsbody"}, {"commands", NULL, "ws", "body"}, {"commands", "key", "ws", "bodz"}};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    kept_id(other[i][0], other[i][1], other[i][2], other[i][3], strlen(other[i][3]), b);
    assert_memory_not_equal(a, b, 32);
  }
  kept_id("commands", "key", "ws", "body", 4, b);
  assert_memory_equal(a, b, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(t_put_find_forget), cmocka_unit_test(t_bounded), cmocka_unit_test(t_ids)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
