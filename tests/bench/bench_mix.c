/* bench_mix DIR: 50 runs of plain steps, alone and beside 50 runs that write rows with a key into one table, or beside runs that read a
 * table of a million rows. What the plain runs get done in a second, and the longest turn of the engine. A wrong result ends it. */
#include "reader/map.h"
#include "reader/text.h"
#include "runtime/cli/cli.h"
#include "runtime/engine/engine_int.h"
#include "runtime/table/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RUNS = 50, WRITES = 100, READERS = 4, BIG = 1000000, CHUNK = 20000 };
static const char flow_text[] =
    "{:slug :mix :name \"Mix\" :concurrency {:type :keyed :key-field :run :on-new-version :coexist}\n"
    " :invocations {:default {:label \"Start\" :inputs [{:name :run :type :number} {:name :kind :type :string} {:name :n :type :number}]}}\n"
    " :interfaces {:manual [{:id :run :label \"Start\" :invocation :default}]}\n"
    " :functions [{:id :same :language :clojure :code '(fn [x] x)}]\n"
    " :flow '(let [{:keys [run kind n]} (flow/input)]\n"
    "   (loop [i 0]\n"
    "     (when (< i n)\n"
    "       (case kind\n"
    "         \"plain\" (flow/step :kv :k {:operation :set :key (str \"k\" run) :value i})\n"
    "         \"write\" (flow/step :function :row {:ref :same :input [{:id (+ (* run 1000) (mod i 10)) :v i}]\n"
    "                    :persist {:type :table :table \"rows\" :write-mode :upsert :key-fields [:id]}})\n"
    "         \"read\" (flow/step :table :sum {:op :aggregate :table \"big\" :metrics [{:op :count :as :n} {:op :sum :field :v :as :s}]}))\n"
    "       (recur (inc i)))))}\n";

static void die(const char *what, const char *why) {
  fprintf(stderr, "bench_mix: %s: %s\n", what, why);
  exit(1);
}

static double now(void) { return (double)mono_us() / 1000; }
static char db[4096];
static Store *store;
static Engine *engine;
static FlowDef *flow;

static void db_new(void) {
  static const char *const ends[] = {"", "-wal", "-shm", ".lock", "-lock"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char path[4200];
    snprintf(path, sizeof path, "%s%s", db, ends[i]);
    unlink(path);
  }
}

static void rig_open(void) {
  Err err = {0};
  Diags d = {0};
  db_new();
  store = store_open(db, &(StoreOptions){.executor = true}, &err);
  if (!store) die("store", err.msg);
  engine = engine_new(store, &(EngineOptions){.workspace = "local"}, &err);
  if (!engine) die("engine", err.msg);
  flow = flowdef_read(flow_text, sizeof flow_text - 1, "mix.edn", &d);
  if (!flow) die("flow", "does not read");
}

static void rig_close(void) {
  engine_free(engine);
  store_close(store);
}

static int64_t start(const char *kind, int64_t i, int64_t n) {
  Val kv[] = {kw_c("run"), int_val(i), kw_c("kind"), str_c(kind), kw_c("n"), int_val(n)};
  int64_t run = 0;
  Err err = {0};
  if (!engine_start(engine, flow, map_from(kv, 3, false), NULL, &run, &err)) die("start", err.msg);
  return run;
}

/* Whether all of them are completed; one that is over otherwise ends it. */
static bool all_over(const int64_t *runs, int n) {
  for (int i = 0; i < n; i++) {
    RunState st;
    Err err = {0};
    if (!engine_state(engine, runs[i], &st, &err)) die("state", err.msg);
    if (st.status == RUN_RUNNING || st.status == RUN_WAITING) return false;
    if (st.status != RUN_COMPLETED) die("a run failed", str_s(map_get_kw(st.error, "message")));
  }
  return true;
}

static double longest;
static double until(const int64_t *runs, int n) {
  double t0 = now();
  longest = 0;
  for (int turns = 0; turns % 16 || !all_over(runs, n); turns++) {
    bool idle;
    Err err = {0};
    double t = now();
    if (!engine_turn(engine, 5, &idle, &err)) die("engine", err.msg);
    if (now() - t - 5 > longest) longest = now() - t - 5;
  }
  return now() - t0;
}

static void part(const char *what, const char *beside, int n, int64_t each, int steps) {
  int64_t plain[RUNS], others[RUNS];
  for (int i = 0; i < n; i++) others[i] = start(beside, i, each);
  for (int i = 0; i < RUNS; i++) plain[i] = start("plain", i, steps);
  double t0 = now(), ms = until(plain, RUNS), worst = longest;
  printf("%-52s %8.0f plain steps/s, longest turn %.0f ms", what, RUNS * steps / ms * 1000, worst > 0 ? worst : 0);
  if (n) until(others, n), printf("; %.0f of the others a second", n * (double)each / (now() - t0) * 1000);
  putchar('\n');
  fflush(stdout);
}

static Batch *batch;
static Batch *batch_of(void *ctx) { (void)ctx; return batch; }

static void fill(void) {
  TableCall c = {.store = store, .workspace = "local", .batch = batch_of};
  Val opt[] = {kw_c("table"), str_c("big")}, result, error;
  for (int64_t i = 0; i < BIG; i += CHUNK) {
    Val rows = vec_empty;
    Err e = {0};
    for (int64_t k = i; k < i + CHUNK; k++) {
      Val kv[] = {kw_c("id"), fix(k), kw_c("v"), fix(k % 7)};
      rows = vec_conj(rows, map_from(kv, 2, false));
    }
    batch = batch_new();
    if (!table_write(&c, map_from(opt, 1, false), rows, &result, &error)) die("write", str_s(map_get_kw(error, "message")));
    if (!store_submit_wait(store, batch, &e)) die("commit", e.msg);
  }
}

int main(int argc, char **argv) {
  if (argc < 2) die("usage", "bench_mix DIR");
  snprintf(db, sizeof db, "%s/mix.db", argv[1]);
  cli_values();
  engine_init();
  rig_open();
  part("50 runs of :kv", NULL, 0, 0, 400);
  part("50 runs of :kv beside 50 that upsert rows", "write", RUNS, WRITES, 400);
  fill();
  part("50 runs of :kv beside 4 that sum a million rows", "read", READERS, 2, 400);
  rig_close();
  db_new();
  return 0;
}
