/* Who may decide at a wait, how many it takes, what is kept: decisions.h over the store in memory. */
#include "runtime/wait/decisions.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/cli_run.h"
#include "runtime/store/snapshot.h"
#include "runtime/flow/wait_spec.h"
#include "eval/unit.h"
#include "reader/map.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/vec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static Store *s;
static Val edn(const char *text) { return read_one(text, strlen(text), NULL, true); }
static void is(Val v, const char *want) {
  Val text = pr_str(v);
  assert_string_equal(str_s(text), want);
}

static bool has_role(void *ctx, const char *role) { return !strcmp(ctx, role); }
static Decider person(const char *name, const char *role) { return (Decider){name, name, false, has_role, (void *)(uintptr_t)role}; }

/* NULL: decided; else the code of the refusal. */
static const char *decide(const DecisionWait *w, const char *action, const char *fields, Decider who, Decided *d) {
  static Err err;
  Batch *b = batch_new();
  err = (Err){0};
  if (!decision_make(s, w, action, edn(fields), NULL, &who, b, d, &err)) {
    assert_int_equal(batch_ops(b), 0);
    batch_free(b);
    return err.code;
  }
  assert_true(store_submit_wait(s, b, &err));
  return NULL;
}

static DecisionWait wait_with(int64_t seq, const char *spec) { return (DecisionWait){"ws", 1, seq, edn(spec), "ann"}; }

static void test_roles(void **state) {
  (void)state;
  Decided d;
  DecisionWait w = wait_with(2, "{:roles [\"manager\" \"cfo\"]}");
  assert_string_equal(decide(&w, "approve", "{}", person("bob", "intern"), &d), "forbidden");
  assert_null(decide(&w, "approve", "{:n 1}", person("bob", "cfo"), &d));
  assert_true(d.final);
  is(d.answer, "{:n 1, :action :approve, :by \"bob\"}");
  DecisionWait again = wait_with(3, "{:roles [\"manager\"]}");
  Decider all = {"root", "root", true, has_role, ""};
  assert_null(decide(&again, "reject", "{}", all, &d));
  DecisionWait links = wait_with(4, "{:roles [\"manager\"]}");
  assert_null(decide(&links, "approve", "{}", (Decider){.id = "link", .name = "link"}, &d)); /* whoever was sent the link */
}

static void test_several_people(void **state) {
  (void)state;
  Decided d;
  Err err = {0};
  DecisionWait w = wait_with(10, "{:approvals 3 :required [[:amount]]}");
  assert_string_equal(decide(&w, "approve", "{}", person("bob", ""), &d), "invalid_answer");
  assert_null(decide(&w, "approve", "{:amount 1}", person("bob", ""), &d));
  assert_false(d.final);
  assert_int_equal(d.have, 1);
  assert_int_equal(d.need, 3);
  assert_string_equal(decide(&w, "approve", "{:amount 1}", person("bob", ""), &d), "already_decided");
  assert_string_equal(decide(&w, "reject", "{}", person("bob", ""), &d), "already_decided");
  assert_null(decide(&w, "approve", "{:amount 2}", person("eve", ""), &d));
  assert_false(d.final);
  assert_null(decide(&w, "approve", "{:amount 3}", person("joe", ""), &d));
  assert_true(d.final);
  assert_int_equal(vec_count(map_get_kw(d.answer, "decisions")), 3);
  is(map_get_kw(vec_nth(map_get_kw(d.answer, "decisions"), 0), "by"), "\"bob\"");
  is(map_get_kw(d.answer, "amount"), "3");
  assert_int_equal(vec_count(decisions_of(s, "ws", 1, 10, &err)), 3);
  assert_int_equal(vec_count(decisions_of(s, "other", 1, 10, &err)), 0);
  assert_true(vec_count(decisions_of(s, "ws", 1, 0, &err)) >= 3);
  DecisionWait one = wait_with(1, "{}"); /* 1-1/ is no prefix of 1-10/ */
  assert_null(decide(&one, "approve", "{}", person("bob", ""), &d));
  assert_true(d.final);
  is(d.answer, "{:action :approve, :by \"bob\"}");
}

static void test_one_rejection_ends_it(void **state) {
  (void)state;
  Decided d;
  DecisionWait w = wait_with(20, "{:approvals 2 :required [[:amount]]}");
  assert_null(decide(&w, "approve", "{:amount 1}", person("bob", ""), &d));
  assert_null(decide(&w, "reject", "{}", person("eve", ""), &d));
  assert_true(d.final);
  is(map_get_kw(d.answer, "action"), ":reject");
  assert_int_equal(vec_count(map_get_kw(d.answer, "decisions")), 2);
}

static void test_not_by_oneself(void **state) {
  (void)state;
  Decided d;
  DecisionWait w = wait_with(30, "{:self-approval false}");
  Decider all = {"ann", "Ann", true, has_role, ""};
  assert_string_equal(decide(&w, "approve", "{}", all, &d), "self_approval");
  assert_null(decide(&w, "approve", "{}", person("bob", ""), &d));
  DecisionWait free = wait_with(31, "{}");
  assert_null(decide(&free, "approve", "{}", all, &d));
  DecisionWait own = wait_with(32, "{:self-approval false}");
  assert_null(decide(&own, "reject", "{}", all, &d)); /* taking it back is no approval */
}

static void delegate(const DecisionWait *w, const char *to, Decider who, const char *code) {
  Err err = {0};
  Batch *b = batch_new();
  bool ok = decision_delegate(s, w, to, NULL, &who, b, &err);
  if (code) assert_string_equal(err.code, code);
  assert_int_equal(ok, code == NULL);
  if (ok) assert_true(store_submit_wait(s, b, &err));
  else batch_free(b);
}

static void test_passed_on(void **state) {
  (void)state;
  Decided d;
  DecisionWait w = wait_with(40, "{:roles [\"manager\"]}");
  delegate(&w, "eve", person("bob", "intern"), "forbidden");
  delegate(&w, "eve", person("bob", "manager"), NULL);
  assert_string_equal(decide(&w, "approve", "{}", person("bob", "manager"), &d), "delegated");
  assert_string_equal(decide(&w, "approve", "{}", (Decider){.id = "link", .name = "link"}, &d), "delegated");
  delegate(&w, "bob", person("bob", "manager"), "delegated");
  delegate(&w, "role:cfo", person("eve", "manager"), NULL); /* and on */
  Err e = {0};
  assert_int_equal(vec_count(decisions_of(s, w.workspace, w.run, w.seq, &e)), 2); /* whom it went through */
  assert_string_equal(decide(&w, "approve", "{}", person("eve", "manager"), &d), "delegated");
  DecisionWait any = wait_with(41, "{}");
  delegate(&any, "role:cfo", person("bob", ""), NULL);
  assert_null(decide(&any, "approve", "{}", person("zoe", "cfo"), &d));
  assert_true(d.final);
  assert_null(decide(&w, "approve", "{}", (Decider){"root", "root", true, has_role, ""}, &d));
}

static void test_actions_and_questions(void **state) {
  (void)state;
  Decided d;
  DecisionWait w = wait_with(50, "{:actions [\"escalate\"] :approvals 2}");
  assert_string_equal(decide(&w, "aprove", "{}", person("bob", ""), &d), "unknown_action");
  assert_null(decide(&w, "escalate", "{:to 1}", person("bob", ""), &d));
  assert_true(d.final);
  is(d.answer, "{:to 1, :action :escalate, :by \"bob\"}");
  DecisionWait question = wait_with(51, "{:person true}");
  assert_null(decide(&question, "approve", "nil", person("bob", ""), &d));
  is(d.answer, "{:action :approve, :by \"bob\"}");
  question.seq = 52;
  assert_null(decide(&question, "approve", "[1]", person("bob", ""), &d));
  is(d.answer, "{:value [1], :action :approve, :by \"bob\"}");
}

static int setup(void **state) {
  (void)state;
  Err err = {0};
  cli_engine_values();
  s = store_open(NULL, &(StoreOptions){.memory = true}, &err);
  return s ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  store_close(s);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_roles),          cmocka_unit_test(test_several_people), cmocka_unit_test(test_one_rejection_ends_it),
      cmocka_unit_test(test_not_by_oneself), cmocka_unit_test(test_passed_on),      cmocka_unit_test(test_actions_and_questions)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
