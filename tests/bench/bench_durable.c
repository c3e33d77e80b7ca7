/* bench_durable.c - the durable figures: bench_durable DIR [part ...]. Each part runs in a process of its own on a new
 * database in DIR and prints one row: figure, bar, PASS or MISS. Beside each row stands the disk's own speed, measured right
 * before and right after it: the median of 4 KiB append + fdatasync in the same directory. Bars are taken from the faster of
 * the two, the stricter one: shared disks change their pace tenfold from one second to the next, and a slow moment before a
 * fast one must not make a bar easy. A missed bar is no failure; a lost run is. */
#include "bench_effect.h"
#include "reader/map.h"
#include "reader/text.h"
#include "runtime/cli/cli.h"
#include "runtime/engine/engine_int.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dir;
static char db[4096];
static double sync_ms; /* of the disk, this part: what bars are taken from */
static double sync_before, sync_after;

/* Steps that run in the engine's own process make a history fast; the effects are what is measured. */
static const char flow_text[] =
    "{:slug :bench :name \"Bench\" :concurrency {:type :keyed :key-field :run :on-new-version :coexist}\n"
    " :invocations {:default {:label \"Start\" :inputs [{:name :run :type :number} {:name :hist :type :number}\n"
    "   {:name :effects :type :number} {:name :waits :type :number}]}}\n"
    " :interfaces {:manual [{:id :run :label \"Start\" :invocation :default}]}\n"
    " :functions [{:id :same :language :clojure :code '(fn [x] x)}]\n"
    " :flow '(let [{:keys [run hist effects waits]} (flow/input)]\n"
    "   (loop [i 0] (when (< i hist) (flow/step :function :past {:ref :same :input i}) (recur (inc i))))\n"
    "   (loop [i 0] (when (< i effects) (flow/step :effect :count {:i i}) (recur (inc i))))\n"
    "   (loop [j 0] (when (< j waits)\n"
    "     (flow/step :wait :pause {:key (str \"k\" run \"-\" j) :timeout \"6h\"})\n"
    "     (flow/step :effect :after {:i j})\n"
    "     (recur (inc j)))))}\n";

static _Noreturn void fail(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fprintf(stderr, "bench_durable: ");
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
  exit(1);
}

/* --- measuring --------------------------------------------------------------------------------------------------------------------------- */
static double now(void) { return (double)mono_us() / 1000; } /* ms */

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static double at_rank(double *a, size_t n, double rank) {
  qsort(a, n, sizeof *a, by_value);
  return a[(size_t)((double)(n - 1) * rank)];
}

/* Times n of 4 KiB append + fdatasync, in ms. */
static void disk_probe(double *t, int n) {
  static char block[4096];
  char path[4200];
  snprintf(path, sizeof path, "%s/sync-probe", dir);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) fail("%s: %s", path, strerror(errno));
  memset(block, 'x', sizeof block);
  for (int i = 0; i < n; i++) {
    double t0 = now();
    if (write(fd, block, sizeof block) != sizeof block || fdatasync(fd)) fail("%s: %s", path, strerror(errno));
    t[i] = now() - t0;
  }
  close(fd);
  unlink(path);
}

static double disk_sync_ms(void) {
  enum { N = 300 };
  static double t[N];
  disk_probe(t, N);
  return at_rank(t, N, 0.5);
}

/* The timed section is over. */
static void disk_again(void) {
  sync_after = disk_sync_ms();
  sync_ms = sync_after < sync_before ? sync_after : sync_before;
}

static double resident_mib(void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "re");
  if (!f || fscanf(f, "%*d %ld", &pages) != 1) fail("/proc/self/statm cannot be read");
  fclose(f);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static double file_bytes(const char *end) {
  char path[4200];
  struct stat st;
  snprintf(path, sizeof path, "%s%s", db, end);
  return stat(path, &st) ? 0 : (double)st.st_size;
}

static void db_new(void) {
  static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock", "-lock"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char path[4200];
    snprintf(path, sizeof path, "%s%s", db, ends[i]);
    unlink(path);
  }
}

static long setting(const char *name, long otherwise) {
  const char *s = getenv(name);
  return s && atol(s) > 0 ? atol(s) : otherwise;
}

static void row(const char *what, bool pass, const char *bar, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void row(const char *what, bool pass, const char *bar, const char *fmt, ...) {
  char text[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  printf("%-4s  %-38s %s\n      bar: %s; disk: fdatasync p50 %.3f ms before, %.3f after\n", pass ? "PASS" : "MISS", what, text, bar, sync_before,
         sync_after);
  fflush(stdout);
}

/* --- an engine on the database ----------------------------------------------------------------------------------------------------------- */
typedef struct Rig { Store *store; Engine *engine; FlowDef *flow; } Rig;
static long parked;

static void on_event(void *ctx, const StepEvent *e) {
  (void)ctx;
  if (e->what == STEP_PARKED) parked++;
}

static void rig_open(Rig *g, bool serving) {
  Err err = {0};
  cli_values();
  effect_register();
  engine_init();
  g->store = store_open(db, &(StoreOptions){.executor = true}, &err);
  if (!g->store) fail("%s", err.msg);
  g->engine = engine_new(g->store, &(EngineOptions){.workspace = "local", .progress = on_event, .listen = serving ? "127.0.0.1:9" : NULL}, &err);
  if (!g->engine) fail("%s", err.msg);
  Diags d = {0};
  g->flow = flowdef_read(flow_text, sizeof flow_text - 1, "bench.edn", &d);
  if (g->flow) return;
  Buf b = {0};
  diags_print(&d, "bench.edn", &b);
  fail("%s", buf_cstr(&b));
}

static void rig_close(Rig *g) {
  engine_free(g->engine);
  store_close(g->store);
}

static int64_t start(Rig *g, int64_t n, long hist, long effects, long waits) {
  Val kv[] = {kw_c("run"), int_val(n), kw_c("hist"), int_val(hist), kw_c("effects"), int_val(effects), kw_c("waits"), int_val(waits)};
  int64_t run = 0;
  Err err = {0};
  if (!engine_start(g->engine, g->flow, map_from(kv, 4, false), NULL, &run, &err)) fail("start: %s", err.msg);
  return run;
}

static void turn(Rig *g) {
  bool idle;
  Err err = {0};
  if (!engine_turn(g->engine, 50, &idle, &err)) fail("engine: %s", err.msg);
}

static void loop(Rig *g) {
  Err err = {0};
  if (!engine_loop(g->engine, NULL, &err)) fail("engine: %s", err.msg);
}

static void must_be(Rig *g, int64_t run, enum RunStatus want) {
  RunState st;
  Err err = {0};
  if (!engine_state(g->engine, run, &st, &err)) fail("run %lld: %s", (long long)run, err.msg);
  if (st.status != want) fail("run %lld is %s, not %s", (long long)run, run_status_name(st.status), run_status_name(want));
}

/* --- 1,000 runs at once ------------------------------------------------------------------------------------------------------------------- */
static void part_concurrent(void) {
  enum { RUNS = 1000, STEPS = 10 };
  Rig g;
  StoreStats a, b;
  effect_server();
  rig_open(&g, false);
  double t0 = now();
  int64_t first = 0, last = 0;
  for (int i = 0; i < RUNS; i++) {
    last = start(&g, i, 0, STEPS, 0);
    if (!i) first = last;
  }
  double starting = now() - t0;
  store_stats(g.store, &a);
  t0 = now();
  loop(&g);
  double ms = now() - t0, rate = RUNS * STEPS / ms * 1000;
  store_stats(g.store, &b);
  for (int64_t r = first; r <= last; r++) must_be(&g, r, RUN_COMPLETED);
  if (tally->orders != RUNS * STEPS) fail("%llu effects instead of %d", (unsigned long long)tally->orders, RUNS * STEPS);
  disk_again();
  double bar = sync_ms <= 0.3 ? 20000 : 0.3 * 64 / sync_ms * 1000;
  char text[160];
  snprintf(text, sizeof text, ">= %.0f steps/s (%s)", bar, sync_ms <= 0.3 ? "fdatasync <= 0.3 ms" : "0.3 of 64 records per sync");
  row("1,000 runs x 10 effects at once", rate >= bar, text, "%.0f steps/s; %.1f steps per sync; starting one by one took %.2f ms each", rate,
      RUNS * STEPS / (double)(b.syncs - a.syncs), starting / RUNS);
  rig_close(&g);
}

/* --- one run, 1,000 effects one after the other --------------------------------------------------------------------------------------------- */
/* Fifty steps, fifty syncs of the disk alone, and so on: both see the same moments of the disk. Means, because time adds up. */
static void part_sequential(void) {
  enum { STEPS = 1000, CHUNK = 50 };
  Rig g;
  StoreStats a, b;
  double steps_ms = 0, probes_ms = 0, t[CHUNK];
  effect_server();
  rig_open(&g, false);
  int64_t run = start(&g, 1, 0, STEPS, 0);
  store_stats(g.store, &a);
  for (uint64_t upto = CHUNK; upto <= STEPS; upto += CHUNK) {
    disk_probe(t, CHUNK);
    for (int i = 0; i < CHUNK; i++) probes_ms += t[i];
    double t0 = now();
    while (effect_acks < upto) turn(&g);
    if (upto == STEPS) loop(&g);
    steps_ms += now() - t0;
  }
  store_stats(g.store, &b);
  must_be(&g, run, RUN_COMPLETED);
  if (tally->orders != STEPS) fail("%llu effects instead of %d", (unsigned long long)tally->orders, STEPS);
  disk_again();
  double syncs = (double)(b.syncs - a.syncs) / STEPS, per_step = steps_ms / STEPS, ratio = steps_ms / probes_ms;
  row("1,000 effects of one run in sequence", ratio <= 1.5 && syncs <= 1.05, "<= 1.5 x fdatasync per step, <= 1.05 syncs per step",
      "%.3f ms per step = %.2f x fdatasync in between (mean %.3f ms); %.3f syncs per step", per_step, ratio, probes_ms / STEPS, syncs);
  rig_close(&g);
}

/* --- a fan-out ------------------------------------------------------------------------------------------------------------------------- */
#define FLOW_HEAD ":concurrency {:type :keyed :key-field :run :on-new-version :coexist} :invocations {:default {:label \"Start\" :inputs []}}\n"
static const char parent_text[] =
    "{:slug :parent :name \"Parent\" " FLOW_HEAD
    " :flow '(count (:items (flow/step :fanout :all {:items (vec (for [n (range 25)] {:type :call-flow :flow-slug :child :input {:n n}}))})))}\n";
static const char child_text[] =
    "{:slug :child :name \"Child\" " FLOW_HEAD " :flow '(flow/step :function :f {:input (flow/input) :code '(fn [i] (:n i))})}\n";

static bool child_source(void *ctx, const FlowWanted *w, FlowSource *out, Err *err) {
  (void)ctx, (void)w, (void)err;
  *out = (FlowSource){.file = strdup("child.edn")};
  buf_c(&out->text, child_text);
  return true;
}

/* 25 children of one function step each, five at a time, again and again; the parent parks and is taken up for each that ends. */
static void part_fanout(void) {
  enum { TIMES = 40, CHILDREN = 25 };
  Rig g;
  StoreStats a, b;
  double t[TIMES];
  Diags d = {0};
  rig_open(&g, false);
  g.engine->o.resolve = child_source;
  g.flow = flowdef_read(parent_text, sizeof parent_text - 1, "parent.edn", &d);
  if (!g.flow) fail("the parent does not read");
  store_stats(g.store, &a);
  for (int i = 0; i < TIMES; i++) {
    double t0 = now();
    int64_t run = start(&g, i, 0, 0, 0);
    loop(&g);
    t[i] = now() - t0;
    must_be(&g, run, RUN_COMPLETED);
  }
  store_stats(g.store, &b);
  disk_again();
  double syncs = (double)(b.syncs - a.syncs) / TIMES, ms = at_rank(t, TIMES, 0.5), bar = 40 * sync_ms + 25;
  char text[120];
  snprintf(text, sizeof text, "<= %.1f ms (40 x fdatasync + 1 ms a child)", bar);
  row("fan-out of 25 children, 5 at a time", ms <= bar, text, "%.1f ms median (p90 %.1f); %.1f syncs; %.2f ms per child", ms, at_rank(t, TIMES, 0.9), syncs,
      ms / CHILDREN);
  rig_close(&g);
}

/* --- waking ------------------------------------------------------------------------------------------------------------------------------------ */
static double seen_at;
static void note_seen(int64_t run, int64_t step) {
  (void)run, (void)step;
  seen_at = now();
}

/* From the answer to the start of the effect that follows the wait; then until the run is parked or over. */
static double wake(Rig *g, int64_t n, int wait) {
  char key[40];
  const char *outcome = NULL;
  Err err = {0};
  snprintf(key, sizeof key, "k%lld-%d", (long long)n, wait);
  uint64_t acks = effect_acks;
  seen_at = 0;
  double t0 = now();
  if (!engine_send(g->engine, "local", key, map_empty, &outcome, &err)) fail("send %s: %s", key, err.msg);
  if (strcmp(outcome, "delivered")) fail("send %s: %s", key, outcome);
  while (seen_at == 0) turn(g);
  double ms = seen_at - t0;
  while (effect_acks == acks) turn(g);
  return ms;
}

/* One wake of each in turn: a slow moment of the disk hits all three alike. */
static void part_resume(void) {
  enum { WAITS = 21 };
  static const long hist[] = {10, 1000, 100000};
  static double ms[3][WAITS];
  int64_t run[3];
  double p50[3], t0 = now();
  Rig g;
  effect_server();
  rig_open(&g, false);
  effect_seen = note_seen;
  for (int h = 0; h < 3; h++) run[h] = start(&g, h, hist[h], 0, WAITS);
  loop(&g);
  double making = (now() - t0) / 1000;
  for (int i = 0; i < WAITS; i++)
    for (int h = 0; h < 3; h++) {
      must_be(&g, run[h], RUN_WAITING);
      ms[h][i] = wake(&g, h, i);
      loop(&g);
    }
  for (int h = 0; h < 3; h++) {
    must_be(&g, run[h], RUN_COMPLETED);
    p50[h] = at_rank(ms[h], WAITS, 0.5);
  }
  disk_again();
  double most = 3 + 2 * sync_ms;
  bool pass = p50[2] <= 2 * p50[0];
  for (int h = 0; h < 3; h++) pass = pass && p50[h] <= most;
  row("resume after a wait, history 10/1,000/100,000", pass, "100,000 within 2 x of 10; each <= 3 ms + 2 fdatasync",
      "%.2f / %.2f / %.2f ms (%.2f x); the history took %.1f s", p50[0], p50[1], p50[2], p50[2] / p50[0], making);
  rig_close(&g);
}

/* --- parked runs -------------------------------------------------------------------------------------------------------------------------------- */
static long nparked_wanted;

static void make_parked(void) {
  Rig g;
  rig_open(&g, true);
  for (long i = 0; i < nparked_wanted; i++) {
    start(&g, i, 0, 0, 1);
    if (i % 500 == 499 || i == nparked_wanted - 1)
      while (parked <= i) turn(&g);
  }
  printf("      %ld runs started and parked; the process that did it is resident with %.1f MiB\n", nparked_wanted, resident_mib());
  fflush(stdout);
  rig_close(&g);
}

static void in_child(void (*f)(void)) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) fail("fork: %s", strerror(errno));
  if (!pid) {
    f();
    fflush(NULL);
    _exit(0);
  }
  int st;
  while (waitpid(pid, &st, 0) < 0)
    if (errno != EINTR) fail("waitpid: %s", strerror(errno));
  if (!WIFEXITED(st) || WEXITSTATUS(st)) exit(1);
}

static long resume_all(Rig *g, unsigned mask) {
  RunRow rows[256];
  Err err = {0};
  long total = 0;
  int64_t after = 0;
  for (size_t n; (n = store_runs(g->store, after, mask, rows, 256, &err));) {
    for (size_t i = 0; i < n; i++) {
      after = rows[i].run;
      if (!engine_resume(g->engine, rows[i].run, &err)) fail("resume: %s", err.msg);
      run_row_free(&rows[i]);
    }
    total += (long)n;
  }
  return total;
}

static void part_parked(void) {
  enum { WAKES = 51 };
  static double ms[WAKES];
  nparked_wanted = setting("BENCH_PARKED", 100000);
  in_child(make_parked);
  double bytes = (file_bytes("") + file_bytes("-wal")) / (double)nparked_wanted;
  Rig g;
  effect_server();
  double t0 = now();
  rig_open(&g, true);
  long n = resume_all(&g, 1u << RUN_WAITING);
  double opening = now() - t0;
  if (n != nparked_wanted) fail("%ld runs are parked, %ld were made", n, nparked_wanted);
  turn(&g);
  double mib = resident_mib();
  effect_seen = note_seen;
  for (int i = 0; i < WAKES; i++) ms[i] = wake(&g, nparked_wanted / WAKES * i, 0);
  double p50 = at_rank(ms, WAKES, 0.5);
  disk_again();
  row("parked runs", bytes <= 4096 && mib <= 64 && p50 <= 3 + 2 * sync_ms, "<= 4,096 bytes of database each, <= 64 MiB resident, wake one <= 3 ms + 2 fdatasync",
      "%ld: %.0f bytes each, %.1f MiB (%.1f after waking), wake p50 %.2f ms max %.2f ms; opened in %.0f ms", n, bytes, mib, resident_mib(), p50, ms[WAKES - 1], opening);
  rig_close(&g);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------------------------------------- */
static long crash_runs;
static int32_t last_before[TALLY_RUNS];
static uint8_t further[TALLY_RUNS];
static long nfurther;

static void note_further(int64_t run, int64_t step) {
  size_t r = (size_t)run % TALLY_RUNS;
  if (further[r] || step <= last_before[r]) return;
  further[r] = 1;
  nfurther++;
}

static void run_until_killed(int ready) {
  Rig g;
  effect_server();
  rig_open(&g, false);
  for (long i = 0; i < crash_runs; i++) start(&g, i, 0, TALLY_STEPS - 1, 0);
  if (write(ready, "", 1) != 1) fail("pipe: %s", strerror(errno));
  loop(&g);
  fail("the runs were over before the kill");
}

/* Every run has made a step and many have made two: then the process is killed in the middle of it. */
static void run_and_kill(void) {
  int p[2];
  char c;
  if (pipe2(p, O_CLOEXEC)) fail("pipe: %s", strerror(errno));
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) fail("fork: %s", strerror(errno));
  if (!pid) run_until_killed(p[1]);
  close(p[1]);
  if (read(p[0], &c, 1) != 1) fail("the process to kill has not come up");
  int st;
  while (__atomic_load_n(&tally->orders, __ATOMIC_RELAXED) < (uint64_t)crash_runs * 5 / 2) {
    if (waitpid(pid, &st, WNOHANG)) fail("the process to kill has ended by itself");
    usleep(500);
  }
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
  char eof;
  while (read(p[0], &eof, 1) < 0 && errno == EINTR) {} /* its effect process had this end too */
  close(p[0]);
}

static void part_recovery(void) {
  crash_runs = setting("BENCH_CRASH", 10000);
  if (crash_runs >= TALLY_RUNS) fail("BENCH_CRASH must be below %d", TALLY_RUNS);
  run_and_kill();
  memcpy(last_before, tally->last, sizeof last_before);
  effect_seen = note_further;
  Rig g;
  effect_server();
  double t0 = now();
  rig_open(&g, false);
  long n = resume_all(&g, 1u << RUN_RUNNING);
  double resumed = now() - t0;
  if (n != crash_runs) fail("%ld runs are there after the kill, %ld were in flight", n, crash_runs);
  while (nfurther < crash_runs) turn(&g);
  double ms = now() - t0;
  disk_again();
  double bar = 1000 + 2000 * sync_ms;
  long twice = 0, wrong = 0;
  for (int r = 0; r < TALLY_RUNS; r++)
    for (int s = 0; s < TALLY_STEPS; s++) {
      twice += tally->count[r][s] == 2;
      wrong += tally->count[r][s] > 2 || (tally->count[r][s] == 2 && s != last_before[r]);
    }
  char text[160];
  snprintf(text, sizeof text, "1 s + 2,000 fdatasync = %.0f ms; none lost, only steps in flight twice", bar);
  row("kill -9, all runs one step further", ms <= bar && !wrong, text, "%ld runs: %.0f ms (%.0f until all were taken over); %ld steps ran twice, %ld not in flight",
      crash_runs, ms, resumed, twice, wrong);
  rig_close(&g);
}

/* ---------------------------------------------------------------------------------------------------------------------------------------------------- */
static const struct { const char *name; void (*f)(void); } parts[] = {
    {"concurrent", part_concurrent}, {"sequential", part_sequential}, {"fanout", part_fanout}, {"resume", part_resume}, {"parked", part_parked}, {"recovery", part_recovery}};

static bool wanted(const char *name, int argc, char **argv) {
  for (int i = 2; i < argc; i++)
    if (!strcmp(argv[i], name)) return true;
  return argc <= 2;
}

int main(int argc, char **argv) {
  if (argc < 2) fail("usage: bench_durable DIR [concurrent sequential fanout resume parked recovery]");
  dir = argv[1];
  snprintf(db, sizeof db, "%s/bench.db", dir);
  signal(SIGPIPE, SIG_IGN);
  tally_new();
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (!wanted(parts[i].name, argc, argv)) continue;
    db_new();
    tally_clear();
    sync_before = disk_sync_ms();
    in_child(parts[i].f);
  }
  db_new();
  return 0;
}
