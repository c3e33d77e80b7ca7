/* test_breaks.c - breakpoints of runs (breaks.h) on the in-memory store, with every snapshot checked: the engine is thrown away and made
 * anew at each moment at which a process may end; tests/api/test_debug.py has the server. */
#include "eval/macros.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/engine/breaks.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct World { Store *store; Engine *e; int64_t run; Err err; } World;

#define HEAD "{:slug :t :name \"t\" :concurrency {:type :singleton :on-new-version :supersede}\n :flow '"
static const char *const two = "(let [a (flow/step :kv :one {:operation :append :key \"ones\" :item (rand-int 9)})]\n"
                               " (try (flow/step :function :two {:input {:n 1} :code '(fn [in] {:password \"s3cret\" :n (:n in)})})\n"
                               "  (finally (flow/step :kv :clean {:operation :append :key \"cleaned\" :item 1}))))";

static void true_at(bool ok, World *w, int line) {
  if (!ok) print_error("line %d: %s\n", line, w->err.code ? w->err.msg : "false");
  assert_true(ok);
}
#define OK(x) true_at(x, &w, __LINE__)

static void engine_anew(World *w) {
  if (w->e) engine_free(w->e);
  w->e = engine_new(w->store, &(EngineOptions){.verify = true}, &w->err);
}

static void overlay(World *w, const char *text) {
  Buf data = {0};
  Batch *b = batch_new();
  snap_data(&data, read_one(text, strlen(text), NULL, true));
  DocRow d = {.workspace = (char *)"local", .kind = (char *)BREAKS_KIND, .key = (char *)"t", .rev = DOC_ANY, .data = {data.p, data.n}};
  batch_doc_put(b, &d);
  breaks_sweep(w->e, b, "local", "t");
  assert_true(store_submit_wait(w->store, b, &w->err));
  buf_free(&data);
}

static void start(World *w, const char *body) {
  Buf text = {0};
  Diags d = {0};
  buf_fmt(&text, HEAD "%s}", body);
  FlowDef *f = flowdef_read(buf_cstr(&text), text.n, "t.edn", &d);
  assert_non_null(f);
  diags_free(&d);
  assert_true(engine_start(w->e, f, map_empty, NULL, &w->run, &w->err));
}

static void settle(World *w) { assert_true(engine_resume(w->e, w->run, &w->err) && engine_loop(w->e, NULL, &w->err)); }

static World world(const char *body, const char *set) {
  World w = {0};
  w.store = store_open("mem", &(StoreOptions){.memory = true, .executor = true}, &w.err);
  assert_non_null(w.store);
  engine_anew(&w);
  overlay(&w, set);
  start(&w, body);
  return w;
}

/* "before :one #1", or how the run ended; its history replays in any case. */
static const char *where(World *w) {
  static char out[200];
  RunRow row = {0};
  RunState st;
  Buf diff = {0};
  assert_true(store_run_get(w->store, w->run, &row, &w->err) && engine_state(w->e, w->run, &st, &w->err));
  Val stop = breaks_stop(&row), type = map_get_kw(st.error, "type");
  if (!is_nil(stop))
    snprintf(out, sizeof out, "%s :%s #%lld", kw_text(map_get_kw(stop, "side")), id_text(map_get_kw(stop, "step")), (long long)long_of(map_get_kw(stop, "occurrence")));
  else snprintf(out, sizeof out, "%s%s%s", run_status_name(row.status), is_nil(type) ? "" : " ", kw_text(type));
  assert_true(engine_replay(w->e, w->run, &diff, &st, &w->err));
  assert_string_equal(buf_cstr(&diff), "");
  buf_free(&diff);
  run_row_free(&row);
  return out;
}
#define STANDS(text) assert_string_equal(where(&w), text)

/* The request is durable, and nothing else has happened. */
static void ask(World *w, bool abort) {
  RunRow row = {0};
  Batch *b = batch_new();
  assert_true(store_run_get(w->store, w->run, &row, &w->err));
  assert_false(is_nil(breaks_stop(&row)) || breaks_sent(w->e, &row));
  breaks_send(b, &row, breaks_stop(&row), abort, "me");
  assert_true(store_submit_wait(w->store, b, &w->err));
  assert_true(breaks_sent(w->e, &row));
  run_row_free(&row);
}
static void go_on(World *w) {
  ask(w, false);
  settle(w);
}

static int64_t items(World *w, const char *key) {
  Val v = NIL;
  return kv_look(w->store, "local", key, 0, &v) && is_vec(v) ? vec_count(v) : 0;
}

static void end(World *w) {
  engine_free(w->e);
  store_close(w->store);
}

#define BOTH "{:enabled true :target \"draft\" :steps {\"one\" {:type \"both\"} \"two\" {:type \"both\"}}}"

/* --- ends of the process ------------------------------------------------------------------------------------------------------------------ */
enum { WHILE_IT_STANDS, ASKED, DELIVERED, DRAINED, MOMENTS };

static void pass(World *w, int moment) {
  if (moment == WHILE_IT_STANDS) engine_anew(w);
  ask(w, false);
  if (moment == ASKED) engine_anew(w);
  if (moment >= DELIVERED) assert_true(engine_drain_inbox(w->e, &w->err)); /* taken over: in memory alone */
  if (moment == DRAINED) {
    bool idle;
    engine_drain(w->e);
    for (int i = 0; i < 20; i++) assert_true(engine_turn(w->e, 5, &idle, &w->err));
  }
  if (moment >= DELIVERED) engine_anew(w);
  settle(w);
}

static void test_every_moment(void **st) {
  (void)st;
  static const char *const stops[] = {"before :one #1", "after :one #1", "before :two #1", "after :two #1"};
  for (int moment = 0; moment < MOMENTS; moment++) {
    World w = world(two, BOTH);
    settle(&w);
    for (size_t i = 0; i < 4; i++) {
      STANDS(stops[i]);
      assert_null(run_find(w.e, w.run)); /* it takes no room in memory */
      assert_int_equal(items(&w, "ones"), i > 0);
      pass(&w, moment);
    }
    STANDS("completed");
    assert_int_equal(items(&w, "ones"), 1);
    assert_int_equal(items(&w, "cleaned"), 1);
    end(&w);
  }
}

static void test_ends(void **st) {
  (void)st;
  for (int how = 0; how < 6; how++)
    for (size_t stop = 0; stop < 4; stop++) {
      World w = world(two, BOTH);
      RunRow row = {0};
      settle(&w);
      for (size_t i = 0; i < stop; i++) go_on(&w);
      OK(store_run_get(w.store, w.run, &row, &w.err));
      if (how < 2) ask(&w, true);
      else OK(engine_cancel(w.store, &row, how >= 4, "enough", &w.err));
      run_row_free(&row);
      if (how % 2) OK(engine_drain_inbox(w.e, &w.err)), engine_anew(&w);
      settle(&w);
      STANDS(how < 2 ? "failed breakpoint-aborted" : how < 4 ? "cancelled cancelled" : "terminated terminated");
      assert_int_equal(items(&w, "cleaned"), stop >= 2 && how < 4); /* in the try, and not ended by force */
      end(&w);
    }
}

/* Behind its last step there is no other at which it could be ended. */
static void test_ends_at_the_end(void **st) {
  (void)st;
  static const char *const outcomes[] = {"failed breakpoint-aborted", "cancelled cancelled", "terminated terminated", "completed"};
  for (int how = 0; how < 4; how++) {
    World w = world("(flow/step :kv :one {:operation :append :key \"ones\" :item 1})", "{:enabled true :steps {\"one\" {:type \"after\"}}}");
    RunRow row = {0};
    settle(&w);
    OK(store_run_get(w.store, w.run, &row, &w.err));
    if (how % 3) OK(engine_cancel(w.store, &row, how == 2, NULL, &w.err));
    else ask(&w, !how);
    run_row_free(&row);
    settle(&w);
    STANDS(outcomes[how]);
    end(&w);
  }
}

/* --- what comes while the stop is on its way to the disk --------------------------------------------------------------------------------------- */
static void in_flight(World *w) {
  Run *r = run_find(w->e, w->run);
  while (r->phase == R_READY) run_slice(r);
  assert_true(r->after == AFTER_PARK && r->inflight); /* the engine looks at completions in its turns alone */
}

static void test_cancelled_in_flight(void **st) {
  (void)st;
  static const char *const sets[] = {"{:enabled true :steps {\"two\" {:type \"after\"}}}", "{:enabled true :steps {\"two\" {:type \"before\"}}}"};
  for (size_t i = 0; i < 2; i++) {
    World w = world(two, sets[i]);
    RunRow row = {0};
    in_flight(&w);
    OK(store_run_get(w.store, w.run, &row, &w.err));
    OK(engine_cancel(w.store, &row, false, NULL, &w.err) && engine_drain_inbox(w.e, &w.err));
    run_row_free(&row);
    OK(engine_loop(w.e, NULL, &w.err));
    STANDS("cancelled cancelled");
    assert_int_equal(items(&w, "cleaned"), 1);
    end(&w);
  }
}

static void test_taken_away_in_flight(void **st) {
  (void)st;
  for (int i = 0; i < 2; i++) {
    World w = world(two, i ? "{:enabled true :steps {\"two\" {:type \"after\"}}}" : "{:enabled true :steps {\"two\" {:type \"before\"}}}");
    in_flight(&w);
    overlay(&w, "{:enabled false :steps {\"two\" {:type \"both\"}}}");
    settle(&w);
    STANDS("completed");
    end(&w);
  }
}

/* Taken up for another reason, before anybody has let it go: it runs, and says so. */
static void test_taken_up_when_the_breakpoint_is_gone(void **st) {
  (void)st;
  for (int i = 0; i < 2; i++) {
    World w = world("(do (flow/step :kv :one {:operation :append :key \"ones\" :item 1}) (flow/step :sleep :nap {:millis 100}))",
                    i ? "{:enabled true :steps {\"one\" {:type \"after\"}}}" : "{:enabled true :steps {\"one\" {:type \"before\"}}}");
    RunRow row = {0};
    settle(&w);
    OK(store_run_get(w.store, w.run, &row, &w.err) && row.status == RUN_WAITING);
    overlay(&w, "{:enabled false :steps {\"one\" {:type \"both\"}}}");
    Run *r = take_over_row(w.e, &row, (Cancel){.error = NIL}, &w.err);
    while (r->phase == R_READY) run_slice(r);
    assert_true(r->call && r->status == RUN_RUNNING);
    run_row_free(&row);
    settle(&w);
    STANDS("completed");
    end(&w);
  }
}

/* It stands there durably, and the engine has not noticed yet. */
static void test_let_go_in_flight(void **st) {
  (void)st;
  for (int how = 0; how < 2; how++) {
    World w = world(two, "{:enabled true :steps {\"two\" {:type \"before\"}}}");
    RunRow row = {0};
    in_flight(&w);
    for (bool there = false; !there; run_row_free(&row)) {
      OK(store_run_get(w.store, w.run, &row, &w.err));
      there = row.status == RUN_WAITING;
    }
    ask(&w, how);
    OK(engine_loop(w.e, NULL, &w.err));
    STANDS(how ? "failed breakpoint-aborted" : "completed");
    end(&w);
  }
}

/* --- where ----------------------------------------------------------------------------------------------------------------------------------- */
static void test_rounds(void **st) {
  (void)st;
  char want[40];
  World w = world("(loop [i 0] (when (< i 3) (flow/step :kv :turn {:operation :append :key \"ones\" :item i}) (recur (inc i))))",
                  "{:enabled true :steps {\"turn\" {:type \"before\"}}}");
  settle(&w);
  for (int i = 1; i <= 3; i++) {
    snprintf(want, sizeof want, "before :turn #%d", i);
    STANDS(want);
    engine_anew(&w);
    settle(&w);
    STANDS(want);
    go_on(&w);
  }
  STANDS("completed");
  assert_int_equal(items(&w, "ones"), 3);
  end(&w);
}

/* A request for a place that the run has left says nothing of where it is now. */
static void test_old_request(void **st) {
  (void)st;
  World w = world(two, BOTH);
  RunRow row = {0};
  settle(&w);
  OK(store_run_get(w.store, w.run, &row, &w.err));
  go_on(&w);
  STANDS("after :one #1");
  Batch *b = batch_new();
  breaks_send(b, &row, breaks_stop(&row), true, "me");
  OK(store_submit_wait(w.store, b, &w.err));
  settle(&w);
  STANDS("after :one #1");
  assert_false(breaks_sent(w.e, &row));
  run_row_free(&row);
  end(&w);
}

static void test_no_stop(void **st) {
  (void)st;
  static const char *const sets[] = {"{:enabled false :steps {\"one\" {:type \"both\"}}}", "{:enabled true :steps {}}", "{:enabled true}", "{}",
                                     "{:enabled true :steps {\"on\" {:type \"both\"} \"one/x\" {:type \"both\"} \"clean\" {}}}"};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    World w = world(two, sets[i]);
    settle(&w);
    STANDS("completed");
    end(&w);
  }
}

static void test_odd_names(void **st) {
  (void)st;
  World w = world("(flow/step :kv (keyword \"a)\\\"b :c\") {:operation :append :key \"ones\" :item \"\\\"(\"})", "{:enabled true :steps {\"a)\\\"b :c\" {:type \"both\"}}}");
  settle(&w);
  STANDS("before :a)\"b :c #1");
  go_on(&w);
  STANDS("after :a)\"b :c #1");
  ask(&w, true);
  settle(&w);
  STANDS("failed breakpoint-aborted");
  end(&w);
}

static void test_nothing_secret_is_shown(void **st) {
  (void)st;
  World w = world(two, "{:enabled true :steps {\"two\" {:type \"after\"}}}");
  RunRow row = {0};
  settle(&w);
  OK(store_run_get(w.store, w.run, &row, &w.err));
  assert_non_null(strstr(row.note, "[redacted]"));
  assert_null(strstr(row.note, "s3cret"));
  run_row_free(&row);
  end(&w);
}

static int setup(void **st) {
  (void)st;
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  engine_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_moment), cmocka_unit_test(test_ends), cmocka_unit_test(test_ends_at_the_end), cmocka_unit_test(test_cancelled_in_flight),
                                     cmocka_unit_test(test_taken_up_when_the_breakpoint_is_gone), cmocka_unit_test(test_let_go_in_flight),
                                     cmocka_unit_test(test_taken_away_in_flight), cmocka_unit_test(test_rounds), cmocka_unit_test(test_old_request),
                                     cmocka_unit_test(test_no_stop), cmocka_unit_test(test_odd_names), cmocka_unit_test(test_nothing_secret_is_shown)};
  return cmocka_run_group_tests(tests, setup, NULL);
}
