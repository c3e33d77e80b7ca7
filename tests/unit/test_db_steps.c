/* test_db_steps.c - :db steps of several runs beside each other, on SQLite: turns at a connection, deadlines and cancelling while they
 * wait for one, an engine that goes away under a statement. */
#include "eval/macros.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/store/connection.h"
#include "runtime/db/db.h"
#include "runtime/engine/engine_int.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/test_db_XXXXXX";
#define FOREVER "with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c"

typedef struct World { Store *store; Engine *e; Err err; } World;

static Val edn(const char *s) { return read_one(s, strlen(s), NULL, true); }

static World world(int connections) {
  World w = {0};
  char text[300];
  snprintf(text, sizeof text, "{:connections {:x {:type :database :config {:url \"sqlite:%s\" :pool-size %d}}}}", path, connections);
  w.store = store_open("mem", &(StoreOptions){.memory = true, .executor = true}, &w.err);
  assert_non_null(w.store);
  w.e = engine_new(w.store, &(EngineOptions){.target = target_from(edn(text), "test", &w.err)}, &w.err);
  return w;
}

static int64_t start(World *w, const char *id, const char *sql, const char *timeout) {
  Buf text = {0};
  buf_fmt(&text,
          "{:slug :t :name \"t\" :concurrency {:type :singleton :on-new-version :coexist} :requires [{:slot :x :type :database :label \"X\"}]\n"
          " :flow '(flow/step :db :s {:connection :x :sql \"%s\" :timeout \"%s\"})}", sql, timeout);
  Diags d = {0};
  FlowDef *f = flowdef_read(buf_cstr(&text), text.n, "t.edn", &d);
  assert_non_null(f);
  diags_free(&d);
  int64_t run;
  assert_true(engine_start(w->e, f, map_empty, id, &run, &w->err));
  return run;
}

static RunState state(World *w, int64_t run) {
  RunState st = {0};
  assert_true(engine_state(w->e, run, &st, &w->err));
  return st;
}

/* Turns until the run is over. */
static RunState over(World *w, int64_t run) {
  for (int64_t until = db_clock_us() + 20000000; db_clock_us() < until;) {
    bool idle;
    assert_true(engine_turn(w->e, 20, &idle, &w->err));
    RunState st = state(w, run);
    if (run_status_final(st.status)) return st;
  }
  fail_msg("the run does not end");
  return (RunState){0};
}

static void turns(World *w, int64_t ms) {
  bool idle;
  for (int64_t until = db_clock_us() + ms * 1000; db_clock_us() < until;) assert_true(engine_turn(w->e, 5, &idle, &w->err));
}

static void has_error(RunState st, const char *type, const char *says) {
  assert_int_equal(st.status, RUN_FAILED);
  assert_string_equal(kw_text(map_get_kw(st.error, "type")), type);
  if (!strstr(str_s(map_get_kw(st.error, "message")), says)) fail_msg("%s", str_s(map_get_kw(st.error, "message")));
}

static void end(World *w) {
  engine_free(w->e);
  store_close(w->store);
}

static void test_turns(void **s) {
  (void)s;
  World w = world(2);
  int64_t runs[40];
  char id[16];
  start(&w, "table", "create table if not exists n (x)", "10s");
  turns(&w, 50);
  for (int i = 0; i < 40; i++) {
    snprintf(id, sizeof id, "r%d", i);
    runs[i] = start(&w, id, "insert into n values (1)", "20s");
  }
  for (int i = 0; i < 40; i++) assert_int_equal(over(&w, runs[i]).status, RUN_COMPLETED);
  RunState st = over(&w, start(&w, "count", "select count(*) as n from n", "10s"));
  assert_int_equal(long_of(map_get_kw(vec_nth(st.value, 0), "n")), 40);
  end(&w);
}

static void test_waits_no_longer_than_its_timeout(void **s) {
  (void)s;
  World w = world(1);
  int64_t hog = start(&w, "hog", FOREVER, "1500ms");
  turns(&w, 100);
  int64_t began = db_clock_us(), late = start(&w, "late", "select 1 as one", "200ms"), fine = start(&w, "fine", "select 1 as one", "20s");
  has_error(over(&w, late), "timeout", "no connection was free");
  assert_true(db_clock_us() - began < 1000000);
  assert_int_equal(state(&w, hog).status, RUN_RUNNING);
  has_error(over(&w, hog), "timeout", "stopped in the database");
  assert_int_equal(over(&w, fine).status, RUN_COMPLETED);
  end(&w);
}

static void cancel(World *w, int64_t run) {
  RunRow row = {0};
  assert_true(store_run_get(w->store, run, &row, &w->err));
  assert_true(engine_cancel(w->store, &row, false, "test", &w->err));
  run_row_free(&row);
  assert_true(engine_drain_inbox(w->e, &w->err));
}

static void test_cancelled_while_it_waits_and_while_it_runs(void **s) {
  (void)s;
  World w = world(1);
  int64_t hog = start(&w, "hog", FOREVER, "1h");
  turns(&w, 100);
  int64_t waits = start(&w, "waits", "select 1 as one", "1h"), fine = start(&w, "fine", "select 1 as one", "20s");
  turns(&w, 50);
  cancel(&w, waits);
  assert_int_equal(over(&w, waits).status, RUN_CANCELLED);
  assert_int_equal(state(&w, hog).status, RUN_RUNNING);
  cancel(&w, hog);
  assert_int_equal(over(&w, hog).status, RUN_CANCELLED);
  assert_int_equal(over(&w, fine).status, RUN_COMPLETED); /* the statement is stopped: its connection is free again */
  end(&w);
}

static void test_engine_gone(void **s) {
  (void)s;
  World w = world(1);
  start(&w, "hog", FOREVER, "300ms");
  start(&w, "waits", "select 1 as one", "1h");
  turns(&w, 100);
  end(&w);
  World next = world(1); /* takes what comes back for nobody, and the connection with it */
  assert_int_equal(over(&next, start(&next, "fine", "select 1 as one", "20s")).status, RUN_COMPLETED);
  end(&next);
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
  close(mkstemp(path));
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_turns), cmocka_unit_test(test_waits_no_longer_than_its_timeout),
                                     cmocka_unit_test(test_cancelled_while_it_waits_and_while_it_runs), cmocka_unit_test(test_engine_gone)};
  int rc = cmocka_run_group_tests(tests, setup, NULL);
  unlink(path);
  return rc;
}
