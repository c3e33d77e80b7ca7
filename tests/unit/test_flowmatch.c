/* test_flowmatch.c - expected against actual data, a table of patterns and the lines they must give; and the deaths that a store
 * in memory may be told. */
#include "eval/expand.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/flowtest/flowtest_match.h"
#include "runtime/store/store_mem.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct Row { bool exact; const char *want, *got, *lines; } Row;
static const Row rows[] = {
    {true, "{:a 1}", "{:a 1}", ""},
    {true, "{:a 1}", "{:a 2}", "[:a] expected 1, got 2\n"},
    {true, "{:a 1}", "{:a 1 :b nil}", "[:b] was not expected, got nil\n"},
    {true, "{:a 1 :b nil}", "{:a 1}", "[:b] is missing, expected nil\n"},
    {true, "{:a 1}", "{\"a\" 1}", "[:a] is missing, expected 1 (there is \"a\")\n[\"a\"] was not expected, got 1\n"},
    {true, "1", "1.0", "x expected 1, got 1.0 (a java.lang.Long and a java.lang.Double)\n"},
    {true, "[1 2 3]", "(1 2 3)", ""},
    {true, "'(1 (f 2))", "[1 (f 2)]", ""},
    {true, "{:items [{:id 1} {:id 2} {:price 3}]}", "{:items [{:id 1} {:id 2} {:price 4}]}", "[:items 2 :price] expected 3, got 4\n"},
    {true, "[1 2 3]", "[1 9 2 3]", "[1] was not expected, got 9\n"},
    {true, "[1 2 3]", "[1 3]", "[1] is missing, expected 2\n"},
    {true, "[1 2 3 4]", "[0 1 3 4 5]", "[0] was not expected, got 0\n[2] is missing, expected 2\n[4] was not expected, got 5\n"},
    {true, "[]", "nil", "x expected [], got nil\n"},
    {true, "#{1 2}", "#{2 3}", "x lacks the element 1\nx has the unexpected element 3\n"},
    {true, "{[1] {:a [[1]]}}", "{[1] {:a [[2]]}}", "[[1] :a 0 0] expected 1, got 2\n"},
    {false, "{:a 1}", "{:a 1 :b 2}", ""},
    {false, "{:a {}}", "{:a 1}", "[:a] expected {}, got 1\n"},
    {false, "_", "nil", ""},
    {false, "{:a _}", "{}", "[:a] is missing, expected any?\n"},
    {false, "[1 ...]", "[1 2 3]", ""},
    {false, "[1 2 ...]", "[1]", "[1] is missing, expected 2\n"},
    {false, "[string? _]", "[\"x\" 2]", ""},
    {false, "[string?]", "[2]", "[0] does not satisfy string?: 2\n"},
    {false, "(fn [x] (> x 2))", "1", "x does not satisfy (fn [x] (> x 2)): 1\n"},
    {false, "(fn [x] (:a (/ x 0)))", "1", "x does not satisfy (fn [x] (:a (/ x 0))): 1 (it threw: Divide by zero)\n"},
    {false, "#\"b.d\"", "\"abcde\"", ""},
    {false, "#\"^b\"", "\"abcde\"", "x expected a match of #\"^b\", got \"abcde\"\n"},
    {false, "#\"1\"", "1", "x expected a match of #\"1\", got 1\n"},
    {false, "'(fn [x] x)", "[fn [x] x]", ""},
    {false, "#{1}", "#{1 2}", "x has the unexpected element 2\n"},
};

static Val read_text(const char *s) {
  Val v = read_one(s, strlen(s), NULL, false);
  assert_false(is_sig(v));
  return v;
}

static void table(void **state) {
  (void)state;
  Env *env = env_new();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const Row *r = &rows[i];
    Buf b = {0};
    Val want = match_prepare(env, read_text(r->want), NULL, r->exact), got = read_text(r->got);
    assert_false(is_sig(want));
    int n = match_diff(env, want, got, r->exact, "x", "", &b), lines = 0;
    for (const char *p = r->lines; *p; p++) lines += *p == '\n';
    if (strcmp(buf_cstr(&b), r->lines)) print_error("%s against %s\n", r->want, r->got);
    assert_string_equal(buf_cstr(&b), r->lines);
    assert_int_equal(n, lines);
    assert_int_equal(match_ok(env, want, got, r->exact), n == 0);
    buf_free(&b);
  }
}

static void code_that_does_not_compile(void **state) {
  (void)state;
  static const char *const bad[] = {"(fn [x] (nope x))", "{:a [nope/x]}", "(fn)"};
  for (size_t i = 0; i < 3; i++) assert_true(is_sig(match_prepare(env_new(), read_text(bad[i]), NULL, false)));
  assert_false(is_sig(match_prepare(env_new(), read_text("(nope)"), NULL, true)));
}

static void many_differences_are_cut(void **state) {
  (void)state;
  Buf b = {0}, want = {0}, got = {0};
  for (int i = 0; i < 300; i++) buf_fmt(&want, "%d ", i), buf_fmt(&got, "%d ", i + 1000);
  Val a = read_text(str_s(str_fmt("[%s]", buf_cstr(&want)))), z = read_text(str_s(str_fmt("[%s]", buf_cstr(&got))));
  assert_int_equal(match_diff(env_new(), a, z, true, "x", "", &b), 300);
  assert_non_null(strstr(buf_cstr(&b), "... and 288 more\n"));
  buf_free(&b);
  buf_free(&want);
  buf_free(&got);
}

/* --- deaths ----------------------------------------------------------------------------------------------------------------- */
static enum StoreMemVerdict verdict;
static enum StoreMemVerdict on_kind_3(void *ctx, int64_t run, int kind, Bytesv payload) {
  assert_int_equal(run, 1);
  assert_memory_equal(payload.p, "rec", payload.n);
  ++*(int *)ctx;
  return kind == 3 ? verdict : STORE_MEM_KEEP;
}

static Store *store_with_run(int *asked) {
  Err e = {0};
  Store *s = store_open("", &(StoreOptions){.memory = true}, &e);
  RunRow row = {.run = 1,
                .run_id = (char *)(uintptr_t) "r",
                .workspace = (char *)(uintptr_t) "w",
                .slug = (char *)(uintptr_t) "s",
                .epoch = 1,
                .snap_seq = -1};
  Batch *b = batch_new();
  batch_run_create(b, &row);
  assert_true(store_submit_wait(s, b, &e));
  store_mem_judge(s, on_kind_3, asked);
  return s;
}

static void append(Store *s, int kind) {
  Batch *b = batch_new();
  batch_append(b, 1, 1, kind, (Bytesv){"rec", 3});
  store_submit(s, b, (uint64_t)kind);
}

static bool count_record(void *ctx, const JournalRec *r) {
  (void)r;
  ++*(int *)ctx;
  return true;
}

static void dies(enum StoreMemVerdict v, int kept, int told) {
  int asked = 0, n = 0;
  Err e = {0};
  Completion c[8];
  verdict = v;
  Store *s = store_with_run(&asked);
  append(s, 2);
  append(s, 3);
  append(s, 4);
  store_journal(s, 1, 0, count_record, &n, &e);
  assert_int_equal(n, kept);
  assert_int_equal(asked, v == STORE_MEM_KEEP ? 3 : 2);
  Batch *b = batch_new();
  batch_meta_put(b, "k", "v");
  assert_int_equal(store_submit_wait(s, b, &e), v == STORE_MEM_KEEP);
  if (v != STORE_MEM_KEEP) {
    store_mem_revive(s);
    assert_int_equal(store_completions(s, c, 8), 0);
    append(s, 5);
  }
  assert_int_equal(store_completions(s, c, 8), told);
  store_close(s);
}

static void a_store_in_memory_dies_where_it_is_told(void **state) {
  (void)state;
  dies(STORE_MEM_KEEP, 3, 3);
  dies(STORE_MEM_LAST, 2, 1);
  dies(STORE_MEM_LOSE, 1, 1);
}

int main(void) {
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(table), cmocka_unit_test(code_that_does_not_compile), cmocka_unit_test(many_differences_are_cut),
      cmocka_unit_test(a_store_in_memory_dies_where_it_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
