/* test_jobs.c - the jobs of an engine without a socket; the clock is ours: leases, delays, rates, forgetting (durability.md 15, 16, 19). */
#include "runtime/cli/cli.h"
#include "runtime/cli/cli_run.h"
#include "runtime/engine/engine_int.h"
#include "runtime/jobs/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t clock_now = 1750000000000;
static int64_t fake_now(void *ctx) { return (void)ctx, clock_now; }

typedef struct World { Store *store; Engine *e; } World;
enum { DAY = 24 * 3600 * 1000 };

static World *world_new(void) {
  static World w;
  Err e = {0};
  clock_port.now_ms = fake_now;
  w.store = store_open(NULL, &(StoreOptions){.memory = true}, &e);
  w.e = engine_new(w.store, &(EngineOptions){.workspace = "ws", .serves = true}, &e);
  assert_true(jobs_serve(w.e, &e));
  return &w;
}

static void world_free(World *w) {
  engine_free(w->e);
  store_close(w->store);
}

/* Until nothing moves any more: the store in memory is done at once, what it has done is told in the next turn. */
static void turns(World *w) {
  bool idle;
  Err e = {0};
  for (int i = 0; i < 6; i++) assert_true(engine_turn(w->e, 0, &idle, &e));
}

static void submit_all(World *w, const char *type, size_t n, const JobSpec *specs, int64_t max_active) {
  JobGroup g = {.workspace = "ws", .type = type, .batch = n > 1, .metadata = NIL, .lineage = NIL, .max_active = max_active};
  JobRow *rows;
  JobBatchRow batch;
  Err e = {0};
  Batch *b = batch_new();
  assert_true(jobs_submit(w->e, &g, specs, n, b, &rows, &batch, &e));
  assert_true(store_submit_wait(w->store, b, &e));
  jobs_submitted(w->e, "ws", type, n == 1 ? rows->job : 0, specs->priority);
  if (g.batch) job_batch_row_free(&batch);
  jobs_rows_free(rows, n);
}

static void submit(World *w, const char *type, size_t n, JobSpec spec, int64_t max_active) {
  JobSpec specs[16];
  for (size_t i = 0; i < n; i++) specs[i] = spec;
  submit_all(w, type, n, specs, max_active);
}

static JobSpec plain(void) { return (JobSpec){.payload = ABSENT, .metadata = NIL, .lineage = NIL}; }

typedef struct Got { char id[JOB_ID_MAX], token[64]; int64_t attempt; int times; bool told; } Got;

static bool got(void *ctx, const JobRow *j, const char *error) {
  Got *g = ctx;
  (void)error;
  g->times++;
  snprintf(g->id, sizeof g->id, "%s", j ? j->id : "");
  snprintf(g->token, sizeof g->token, "%s", j && j->token ? j->token : "");
  g->attempt = j ? j->attempt : 0;
  return g->told;
}

static void ask_as(World *w, const char *type, const char *claim, uint64_t token, int64_t lease_ms, int64_t wait_ms, Got *g) {
  JobAsk *a = calloc(1, sizeof *a);
  *g = (Got){.told = true};
  *a = (JobAsk){.workspace = strdup("ws"), .type = strdup(type), .worker = strdup("w"), .lease_ms = lease_ms,
                .until_ms = wait_ms ? clock_now + wait_ms : 0, .got = got, .ctx = g, .token = token};
  snprintf(a->claim, sizeof a->claim, "%s", claim);
  jobs_ask(w->e, a);
}

static void ask(World *w, const char *type, int64_t lease_ms, int64_t wait_ms, Got *g) { ask_as(w, type, "", 0, lease_ms, wait_ms, g); }

static bool claimed(World *w, const char *type, int64_t lease_ms, Got *g) {
  ask(w, type, lease_ms, 0, g);
  turns(w);
  assert_int_equal(g->times, 1);
  return *g->id;
}

static enum JobPhase phase_of(World *w, const char *id) {
  JobRow j;
  Err e = {0};
  if (!jobs_get_durable(w->e, "ws", id, &j, &e)) return JOB_PHASES;
  enum JobPhase p = j.phase;
  job_row_free(&j);
  return p;
}

static void finish(World *w, const Got *g, enum JobPhase to) {
  JobRow j;
  Err e = {0};
  assert_int_equal(jobs_held(w->e, "ws", g->id, g->token, &j, &e), JOB_CALL_OK);
  jobs_commit(jobs_update(w->e, &j, &(JobUpdate){.to = to, .tail = jobs_tail(&j)}, NULL), NULL, NULL);
  job_row_free(&j);
  turns(w);
  assert_int_equal(phase_of(w, g->id), to);
}

/* --- cases ------------------------------------------------------------------------------------------------------------------- */
static void leases_end_on_time(void **state) {
  World *w = world_new();
  Got g, again;
  JobSpec spec = plain();
  (void)state;
  spec.max_attempts = 8;
  submit(w, "t", 1, spec, 0);
  static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000};
  for (int i = 0; i < 7; i++) {
    assert_true(claimed(w, "t", 500, &g));
    assert_int_equal(g.attempt, i + 1);
    clock_now += 499;
    turns(w);
    assert_int_equal(phase_of(w, g.id), JOB_LEASED);
    clock_now -= 3600000; /* a clock that is put back ends nothing early */
    turns(w);
    assert_int_equal(phase_of(w, g.id), JOB_LEASED);
    clock_now += 3600001;
    turns(w);
    assert_int_equal(phase_of(w, g.id), JOB_DELAYED);
    JobRow j;
    Err e = {0};
    assert_int_equal(jobs_held(w->e, "ws", g.id, g.token, &j, &e), JOB_CALL_CONFLICT);
    job_row_free(&j);
    clock_now += pauses[i] - 1;
    turns(w);
    assert_false(claimed(w, "t", 500, &again));
    clock_now += 1;
    turns(w);
  }
  assert_true(claimed(w, "t", 500, &g));
  clock_now += 500;
  turns(w);
  assert_int_equal(phase_of(w, g.id), JOB_TIMED_OUT);
  world_free(w);
}

static void a_heartbeat_extends(void **state) {
  World *w = world_new();
  Got g;
  (void)state;
  submit(w, "t", 1, plain(), 0);
  assert_true(claimed(w, "t", 1000, &g));
  for (int i = 0; i < 5; i++) {
    JobRow j;
    Err e = {0};
    clock_now += 900;
    assert_int_equal(jobs_held(w->e, "ws", g.id, g.token, &j, &e), JOB_CALL_OK);
    jobs_commit(jobs_update(w->e, &j, &(JobUpdate){.to = JOB_PHASES, .lease_ms = 1000, .tail = jobs_tail(&j)}, NULL), NULL, NULL);
    job_row_free(&j);
    turns(w);
    assert_int_equal(phase_of(w, g.id), JOB_LEASED);
  }
  finish(w, &g, JOB_SUCCEEDED);
  clock_now += DAY;
  turns(w);
  assert_int_equal(phase_of(w, g.id), JOB_SUCCEEDED); /* nothing sweeps what is over */
  world_free(w);
}

static void forgotten_after_thirty_days(void **state) {
  World *w = world_new();
  Got g[3];
  JobBatchRow b;
  Err e = {0};
  (void)state;
  submit(w, "t", 3, plain(), 0);
  for (int i = 0; i < 3; i++) {
    assert_true(claimed(w, "t", 60000, &g[i]));
    finish(w, &g[i], i ? JOB_FAILED : JOB_SUCCEEDED);
    clock_now += 1000;
  }
  clock_now += JOB_KEEP_MS - 2500;
  turns(w);
  assert_int_equal(phase_of(w, g[0].id), JOB_PHASES);
  assert_int_equal(phase_of(w, g[1].id), JOB_FAILED);
  assert_true(store_job_batch_get(w->store, 1, &b, &e));
  job_batch_row_free(&b);
  clock_now += 5000;
  turns(w);
  assert_int_equal(phase_of(w, g[2].id), JOB_PHASES);
  assert_false(store_job_batch_get(w->store, 1, &b, &e));
  world_free(w);
}

static void polls(void **state) {
  World *w = world_new();
  Got a, b, c;
  (void)state;
  ask(w, "t", 1000, 5000, &a);
  ask(w, "t", 1000, 3000, &b);
  turns(w);
  assert_int_equal(a.times + b.times, 0);
  clock_now += 3000;
  turns(w);
  assert_int_equal(b.times, 1);
  assert_string_equal(b.id, "");
  assert_int_equal(a.times, 0);
  submit(w, "t", 1, plain(), 0);
  turns(w);
  assert_int_equal(a.times, 1);
  assert_int_equal(a.attempt, 1);
  ask(w, "t", 1000, 5000, &b);
  b.told = false; /* he has gone: the job is claimable at once, and no attempt was used */
  submit(w, "t", 1, plain(), 0);
  turns(w);
  assert_int_equal(b.times, 1);
  assert_true(claimed(w, "t", 1000, &c));
  assert_string_equal(c.id, b.id);
  assert_int_equal(c.attempt, 1);
  JobSpec later = plain();
  later.delay_ms = 10000;
  submit(w, "d", 1, later, 0);
  ask(w, "d", 1000, 20000, &a);
  clock_now += 9999;
  turns(w);
  assert_int_equal(a.times, 0);
  clock_now += 1;
  turns(w);
  assert_int_equal(a.times, 1);
  ask(w, "x", 1000, 20000, &a);
  jobs_hang_up(w->e);
  assert_int_equal(a.times, 1);
  world_free(w);
}

/* The same claim while the first is under way, and after its answer has got lost. */
static void asked_again(void **state) {
  static const char mine[] = "0123456789abcdef0123456789abcdef 0123456789abcdef", other[] = "0123456789abcdef0123456789abcdef fedcba9876543210";
  World *w = world_new();
  Got a, b, c, d;
  (void)state;
  for (int i = 0; i < 3; i++) submit(w, "t", 1, plain(), 0);
  ask_as(w, "t", mine, 7, 1000, 0, &a);
  ask_as(w, "t", mine, 8, 1000, 5000, &b);
  a.told = false; /* his connection has broken, and he is back */
  assert_true(jobs_claim_fits(w->e, mine));
  assert_false(jobs_claim_fits(w->e, other));
  turns(w);
  assert_int_equal(a.times + b.times, 2);
  assert_string_equal(b.id, a.id);
  assert_string_equal(b.token, a.token);
  assert_int_equal(phase_of(w, b.id), JOB_LEASED);
  jobs_unsent(w->e, 7); /* that one was answered again */
  turns(w);
  assert_int_equal(phase_of(w, b.id), JOB_LEASED);
  ask_as(w, "t", mine, 9, 1000, 0, &c);
  turns(w);
  assert_string_equal(c.token, a.token);
  jobs_unsent(w->e, 9); /* the last answer has not reached him either: anybody's, and no attempt was used */
  turns(w);
  assert_int_equal(phase_of(w, c.id), JOB_READY);
  assert_true(jobs_claim_fits(w->e, other));
  assert_true(claimed(w, "t", 1000, &d));
  assert_string_equal(d.id, a.id);
  assert_int_equal(d.attempt, 1);
  assert_string_not_equal(d.token, a.token);
  ask_as(w, "t", mine, 10, 1000, 0, &b);
  turns(w);
  assert_string_not_equal(b.id, a.id);
  clock_now += 1000; /* the lease ends: from now on it names no job, also before anybody has noticed */
  ask_as(w, "t", mine, 11, 1000, 0, &c);
  turns(w);
  assert_int_equal(phase_of(w, b.id), JOB_DELAYED);
  assert_string_not_equal(c.id, b.id);
  assert_int_equal(strlen(c.token), 48);
  ask_as(w, "t", mine, 12, 1000, 0, &d);
  turns(w);
  assert_string_equal(d.token, c.token);
  for (int i = 0; i < 600; i++) { /* as many as make the tables of memory grow */
    char name[JOB_CLAIM_MAX];
    snprintf(name, sizeof name, "%032d 0123456789abcdef", i);
    submit(w, "many", 1, plain(), 0);
    ask_as(w, "many", name, 0, 60000, 0, &d);
    turns(w);
    assert_int_equal(jobs_claim_fits(w->e, name), true);
    if (i == 300) a = d;
  }
  ask_as(w, "many", "00000000000000000000000000000300 0123456789abcdef", 0, 60000, 0, &d);
  turns(w);
  assert_string_equal(d.token, a.token);
  world_free(w);
}

/* However its jobs are delayed, a batch has no more of them worked on than its width; a delay does not take a place from those that could go. */
static void width_with_delays(void **state) {
  World *w = world_new();
  Got g[8];
  JobSpec specs[8], late = plain();
  (void)state;
  late.delay_ms = 5000;
  submit(w, "all", 6, late, 2);
  assert_false(claimed(w, "all", 60000, &g[0]));
  clock_now += 5000;
  turns(w);
  assert_true(claimed(w, "all", 60000, &g[0]));
  assert_true(claimed(w, "all", 60000, &g[1]));
  assert_false(claimed(w, "all", 60000, &g[2]));
  finish(w, &g[1], JOB_SUCCEEDED);
  assert_true(claimed(w, "all", 60000, &g[2]));
  assert_false(claimed(w, "all", 60000, &g[3]));
  for (int i = 0; i < 8; i++) specs[i] = plain();
  specs[0].delay_ms = 9000;
  specs[1].delay_ms = 3000;
  specs[2].delay_ms = 6000;
  submit_all(w, "mixed", 4, specs, 1);
  assert_true(claimed(w, "mixed", 60000, &g[0])); /* the last: it is not delayed */
  assert_false(claimed(w, "mixed", 60000, &g[1]));
  clock_now += 3000;
  turns(w);
  assert_false(claimed(w, "mixed", 60000, &g[1])); /* its time has come, the place is taken */
  finish(w, &g[0], JOB_FAILED);
  assert_true(claimed(w, "mixed", 60000, &g[1]));
  finish(w, &g[1], JOB_SUCCEEDED);
  assert_false(claimed(w, "mixed", 60000, &g[2])); /* the place is kept for the one whose time comes first */
  clock_now += 2999;
  turns(w);
  assert_false(claimed(w, "mixed", 60000, &g[2]));
  clock_now += 1;
  turns(w);
  assert_true(claimed(w, "mixed", 60000, &g[2]));
  clock_now += 3000;
  turns(w);
  assert_false(claimed(w, "mixed", 60000, &g[3]));
  finish(w, &g[2], JOB_SUCCEEDED);
  assert_true(claimed(w, "mixed", 60000, &g[3]));
  world_free(w);
}

static void rates(void **state) {
  World *w = world_new();
  Got g;
  JobLimits l = {.rate = 2, .per_ms = 1000};
  (void)state;
  for (int i = 0; i < 6; i++) submit(w, "t", 1, plain(), 0);
  jobs_limits_set(w->e, "ws", "t", &l);
  assert_true(claimed(w, "t", 60000, &g));
  assert_true(claimed(w, "t", 60000, &g));
  assert_false(claimed(w, "t", 60000, &g));
  clock_now += 499;
  assert_false(claimed(w, "t", 60000, &g));
  clock_now += 1;
  assert_true(claimed(w, "t", 60000, &g));
  ask(w, "t", 60000, 20000, &g);
  clock_now += 600;
  turns(w);
  assert_int_equal(g.times, 1);
  l = (JobLimits){.max_active = 4};
  jobs_limits_set(w->e, "ws", "t", &l);
  assert_false(claimed(w, "t", 60000, &g));
  world_free(w);
}

/* Jobs that the list of claimable ones does not hold, and higher ones that come later. */
static void a_long_queue_in_order(void **state) {
  World *w = world_new();
  Got g;
  JobSpec high = plain();
  (void)state;
  high.priority = 9;
  for (int i = 0; i < 300; i++) submit(w, "t", 1, plain(), 0);
  int64_t last = 0;
  for (int i = 0; i < 310; i++) {
    if (i % 30 == 5) submit(w, "t", 1, high, 0);
    assert_true(claimed(w, "t", 600000, &g));
    int64_t number = strtoll(g.id + 4, NULL, 10);
    if (i % 30 == 5) assert_true(number > 300);
    else assert_true(number > last && number <= 300);
    if (i % 30 != 5) last = number;
  }
  assert_int_equal(last, 299);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(leases_end_on_time), cmocka_unit_test(a_heartbeat_extends), cmocka_unit_test(forgotten_after_thirty_days),
                                     cmocka_unit_test(polls), cmocka_unit_test(asked_again), cmocka_unit_test(width_with_delays),
                                     cmocka_unit_test(rates), cmocka_unit_test(a_long_queue_in_order)};
  cli_engine_values();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
