/* The contract of store_jobs.h, over the SQLite and the memory store; then what only a file can show. */
#include "runtime/store/store_jobs.h"
#include "runtime/store/store_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[PATH_MAX], db[PATH_MAX + 16];

/* ---- helpers ---- */

static Store *open_store(bool memory) {
  Err e = {0};
  Store *s = store_open(db, &(StoreOptions){.memory = memory, .executor = !memory}, &e);
  if (!s) fail_msg("open: %s %s", e.code, e.msg);
  return s;
}

static void close_store(Store *s) {
  static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".reserve"};
  char path[PATH_MAX + 32];
  store_close(s);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    snprintf(path, sizeof path, "%s%s", db, ends[i]);
    unlink(path);
  }
}

static void must_store(Store *s, Batch *b) {
  Err e = {0};
  if (!store_submit_wait(s, b, &e)) fail_msg("submit: %s %s", e.code, e.msg);
}

static void must_refuse(Store *s, Batch *b, const char *code) {
  Err e = {0};
  assert_false(store_submit_wait(s, b, &e));
  assert_string_equal(e.code, code);
}

static JobRow fresh(int64_t job, const char *type, int64_t priority) {
  static char ids[64][32];
  char *id = ids[job % 64];
  snprintf(id, 32, "job-%" PRId64 "-x", job);
  return (JobRow){.job = job, .workspace = "main", .id = id, .type = (char *)(uintptr_t)type, .priority = priority, .max_attempts = 3,
                  .created_ms = 100, .updated_ms = 100, .head = {"head", 4}};
}

static void put(Store *s, JobRow j, enum JobPhase was) {
  Batch *b = batch_new();
  batch_job_put(b, &j, was);
  must_store(s, b);
}

static JobRow got(Store *s, int64_t job) {
  JobRow j;
  Err e = {0};
  if (!store_job_get(s, job, &j, &e)) fail_msg("job %" PRId64 " is not there: %s", job, e.code ? e.msg : "-");
  return j;
}

/* Numbers of what a query gives, as "3 1 2 ". */
static void query_is(Store *s, JobQuery q, size_t max, const char *want) {
  JobRow rows[32];
  char text[256] = "";
  Err e = {0};
  size_t n = store_jobs(s, &q, rows, max, &e);
  assert_null(e.code);
  for (size_t i = 0; i < n; i++) {
    sprintf(text + strlen(text), "%" PRId64 " ", rows[i].job);
    job_row_free(&rows[i]);
  }
  assert_string_equal(text, want);
}

static JobQuery ready(const char *type) { return (JobQuery){.how = JOBS_READY, .workspace = "main", .type = type}; }

/* ---- both stores ---- */

static void c_row(Store *s) {
  JobRow j = fresh(1, "t", 5);
  Err e = {0};
  assert_int_equal(store_next_jobs(s, 3), 1);
  assert_int_equal(store_next_jobs(s, 1), 4);
  j.run = 9, j.unique_key = "k", j.unique_until_ms = 500, j.tail = (Blob){"tail", 4};
  put(s, j, JOB_READY);
  JobRow r = got(s, 1);
  assert_int_equal(r.rev, 1);
  assert_int_equal(r.phase, JOB_READY);
  assert_int_equal(r.priority, 5);
  assert_int_equal(r.run, 9);
  assert_int_equal(r.unique_until_ms, 500);
  assert_string_equal(r.id, "job-1-x");
  assert_string_equal(r.type, "t");
  assert_string_equal(r.unique_key, "k");
  assert_null(r.token);
  assert_memory_equal(r.head.p, "head", 4);
  assert_memory_equal(r.tail.p, "tail", 4);
  free(r.tail.p);
  r.tail = (Blob){strdup("longer tail"), 11};
  r.phase = JOB_LEASED, r.attempt = 1, r.due_ms = 700, r.started_ms = 600, r.updated_ms = 600, r.token = strdup("secret"), r.worker = strdup("w");
  put(s, r, JOB_READY);
  JobRow again = got(s, 1);
  assert_int_equal(again.rev, 2);
  assert_int_equal(again.attempt, 1);
  assert_int_equal(again.due_ms, 700);
  assert_string_equal(again.token, "secret");
  assert_memory_equal(again.head.p, "head", 4);
  assert_memory_equal(again.tail.p, "longer tail", 11);
  job_row_free(&r);
  job_row_free(&again);
  assert_false(store_job_get(s, 2, &r, &e));
  assert_null(e.code);
}

static void c_big_head(Store *s) {
  JobRow j = fresh(1, "t", 0);
  char *big = malloc(300000);
  memset(big, 'x', 300000);
  j.head = (Blob){big, 300000};
  put(s, j, JOB_READY);
  JobRow r = got(s, 1);
  assert_int_equal(r.head.n, 300000);
  assert_memory_equal(r.head.p, big, 300000);
  r.phase = JOB_SUCCEEDED, r.due_ms = 5;
  put(s, r, JOB_READY);
  job_row_free(&r);
  r = got(s, 1);
  assert_int_equal(r.head.n, 300000);
  Batch *b = batch_new();
  batch_job_del(b, &r);
  must_store(s, b);
  job_row_free(&r);
  free(big);
  query_is(s, (JobQuery){.how = JOBS_NEWEST, .workspace = "main", .after = INT64_MAX}, 9, "");
}

/* Whoever has an older revision changes nothing, and neither does what stands beside it. */
static void c_fenced(Store *s) {
  put(s, fresh(1, "t", 0), JOB_READY);
  JobRow a = got(s, 1), b = got(s, 1);
  a.phase = JOB_LEASED;
  put(s, a, JOB_READY);
  b.phase = JOB_CANCELLED;
  Batch *batch = batch_new();
  batch_meta_put(batch, "beside", "x");
  batch_job_put(batch, &b, JOB_READY);
  must_refuse(s, batch, "job_conflict");
  char *v;
  assert_false(store_meta_get(s, "beside", &v, NULL));
  JobRow now = got(s, 1);
  assert_int_equal(now.phase, JOB_LEASED);
  batch = batch_new();
  batch_job_expect(batch, 1, 1);
  must_refuse(s, batch, "job_conflict");
  batch = batch_new();
  batch_job_expect(batch, 1, 2);
  must_store(s, batch);
  batch = batch_new();
  batch_job_del(batch, &b);
  must_refuse(s, batch, "job_conflict");
  batch = batch_new();
  JobRow twice = fresh(1, "t", 0);
  batch_job_put(batch, &twice, JOB_READY);
  must_refuse(s, batch, "job_conflict");
  JobRow nobody = fresh(7, "t", 0);
  nobody.rev = 1;
  batch = batch_new();
  batch_job_put(batch, &nobody, JOB_READY);
  must_refuse(s, batch, "job_conflict");
  job_row_free(&a);
  job_row_free(&b);
  job_row_free(&now);
}

/* Two claims of one job that come in the same commit: one of them has it. */
static void c_one_of_two(Store *s) {
  put(s, fresh(1, "t", 0), JOB_READY);
  JobRow j = got(s, 1);
  j.phase = JOB_LEASED;
  store_gather(s);
  for (uint64_t i = 1; i <= 2; i++) {
    Batch *b = batch_new();
    j.attempt = (int64_t)i;
    batch_job_put(b, &j, JOB_READY);
    store_submit(s, b, i);
  }
  store_release(s);
  int good = 0, bad = 0;
  while (good + bad < 2) {
    Completion c[4];
    size_t n = store_completions(s, c, 4);
    for (size_t i = 0; i < n; i++) c[i].error ? bad++ : good++;
  }
  assert_int_equal(good, 1);
  job_row_free(&j);
  j = got(s, 1);
  assert_int_equal(j.attempt, 1);
  job_row_free(&j);
}

static void c_order(Store *s) {
  static const int64_t priorities[] = {0, 5, 0, 5, -1};
  for (int64_t i = 0; i < 5; i++) put(s, fresh(i + 1, "t", priorities[i]), JOB_READY);
  put(s, fresh(6, "other", 9), JOB_READY);
  JobRow far = fresh(7, "t", 9);
  far.workspace = "far";
  put(s, far, JOB_READY);
  query_is(s, ready("t"), 9, "2 4 1 3 5 ");
  query_is(s, ready("t"), 2, "2 4 ");
  query_is(s, ready("none"), 9, "");
  JobRow j = got(s, 4);
  j.phase = JOB_LEASED;
  put(s, j, JOB_READY);
  job_row_free(&j);
  query_is(s, ready("t"), 9, "2 1 3 5 ");
  query_is(s, (JobQuery){.how = JOBS_ACTIVE}, 9, "4 ");
  query_is(s, (JobQuery){.how = JOBS_ACTIVE, .after = 4}, 9, "");
}

static void c_due(Store *s) {
  static const int64_t due[] = {30, 10, 0, 20};
  assert_int_equal(store_jobs_due(s), INT64_MAX);
  for (int64_t i = 0; i < 4; i++) {
    JobRow j = fresh(i + 1, "t", 0);
    j.due_ms = due[i];
    j.phase = due[i] ? JOB_DELAYED : JOB_READY;
    put(s, j, JOB_READY);
  }
  assert_int_equal(store_jobs_due(s), 10);
  query_is(s, (JobQuery){.how = JOBS_DUE, .at_ms = 20}, 9, "2 4 ");
  query_is(s, (JobQuery){.how = JOBS_DUE, .at_ms = 9}, 9, "");
  query_is(s, (JobQuery){.how = JOBS_DUE, .at_ms = 99}, 2, "2 4 ");
  query_is(s, ready("t"), 9, "3 ");
}

static void c_newest(Store *s) {
  for (int64_t i = 1; i <= 6; i++) {
    JobRow j = fresh(i, i % 2 ? "odd" : "even", 0);
    j.phase = i > 4 ? JOB_FAILED : JOB_READY;
    if (i == 3) j.workspace = "far";
    put(s, j, JOB_READY);
  }
  JobQuery q = {.how = JOBS_NEWEST, .workspace = "main", .after = INT64_MAX};
  query_is(s, q, 9, "6 5 4 2 1 ");
  query_is(s, q, 3, "6 5 4 ");
  q.after = 4;
  query_is(s, q, 9, "2 1 ");
  q.type = "odd", q.after = INT64_MAX;
  query_is(s, q, 9, "5 1 ");
  q.phases = job_status_phases("failed");
  query_is(s, q, 9, "5 ");
  q.type = NULL;
  query_is(s, q, 9, "6 5 ");
  char *types[4];
  assert_int_equal(store_job_types(s, "main", NULL, types, 4, NULL), 2);
  assert_string_equal(types[0], "even");
  assert_string_equal(types[1], "odd");
  free(types[0]);
  free(types[1]);
  assert_int_equal(store_job_types(s, "main", "odd", types, 4, NULL), 0);
  assert_int_equal(job_status_phases("nothing"), 0);
}

static void c_of_run(Store *s) {
  for (int64_t i = 1; i <= 4; i++) {
    JobRow j = fresh(i, "t", 0);
    j.run = i < 4 ? 5 : 6;
    put(s, j, JOB_READY);
  }
  JobRow j = got(s, 2);
  j.phase = JOB_SUCCEEDED;
  put(s, j, JOB_READY);
  job_row_free(&j);
  query_is(s, (JobQuery){.how = JOBS_OF_RUN, .run = 5}, 9, "1 3 ");
  query_is(s, (JobQuery){.how = JOBS_OF_RUN, .run = 5, .after = 1}, 9, "3 ");
}

static JobBatchRow batch_now(Store *s, int64_t batch) {
  JobBatchRow r;
  Err e = {0};
  if (!store_job_batch_get(s, batch, &r, &e)) fail_msg("no batch: %s", e.code ? e.msg : "-");
  return r;
}

static void make_batch(Store *s, int64_t number, int64_t n, enum JobPhase rest) {
  Batch *b = batch_new();
  JobBatchRow r = {.batch = number, .workspace = "main", .id = "batch-x", .type = "t", .created_ms = 50, .run = 3, .requested = n, .max_active = 2,
                   .data = {"data", 4}};
  batch_job_batch_put(b, &r);
  for (int64_t i = 1; i <= n; i++) {
    JobRow j = fresh(number + i, "t", 0);
    j.batch = number;
    j.phase = i > 2 ? rest : JOB_READY;
    batch_job_put(b, &j, JOB_READY);
  }
  must_store(s, b);
}

static void move(Store *s, int64_t job, enum JobPhase to, int64_t at) {
  JobRow j = got(s, job);
  enum JobPhase was = j.phase;
  j.phase = to;
  j.updated_ms = at;
  put(s, j, was);
  job_row_free(&j);
}

static void c_batch(Store *s) {
  make_batch(s, 10, 4, JOB_HELD);
  JobBatchRow r = batch_now(s, 10);
  assert_int_equal(r.requested, 4);
  assert_int_equal(r.queued, 4);
  assert_int_equal(r.active, 0);
  assert_int_equal(r.max_active, 2);
  assert_int_equal(r.finished_ms, 0);
  assert_string_equal(r.id, "batch-x");
  assert_memory_equal(r.data.p, "data", 4);
  job_batch_row_free(&r);
  query_is(s, (JobQuery){.how = JOBS_READY_OF, .batch = 10}, 9, "11 12 ");
  query_is(s, (JobQuery){.how = JOBS_WAITING, .batch = 10}, 9, "13 14 ");
  query_is(s, (JobQuery){.how = JOBS_OF_BATCH, .batch = 10, .after = 12}, 9, "13 14 ");
  query_is(s, ready("t"), 9, "11 12 ");
  move(s, 11, JOB_LEASED, 60);
  move(s, 11, JOB_RUNNING, 61);
  move(s, 11, JOB_SUCCEEDED, 62);
  move(s, 12, JOB_LEASED, 63);
  move(s, 13, JOB_READY, 64);
  query_is(s, (JobQuery){.how = JOBS_OF_BATCH, .batch = 10, .phases = job_status_phases("queued")}, 9, "13 14 ");
  query_is(s, (JobQuery){.how = JOBS_OF_BATCH, .batch = 10, .after = 11, .phases = job_status_phases("leased")}, 9, "12 ");
  query_is(s, (JobQuery){.how = JOBS_OF_BATCH, .batch = 10, .phases = job_status_phases("failed")}, 9, "");
  r = batch_now(s, 10);
  assert_int_equal(r.queued, 2);
  assert_int_equal(r.active, 1);
  assert_int_equal(r.done[0], 1);
  job_batch_row_free(&r);
  move(s, 12, JOB_FAILED, 70);
  move(s, 13, JOB_CANCELLED, 71);
  move(s, 14, JOB_TIMED_OUT, 72);
  Batch *b = batch_new();
  batch_job_batch_cancel(b, 10);
  must_store(s, b);
  r = batch_now(s, 10);
  assert_int_equal(r.queued + r.active, 0);
  assert_int_equal(r.done[JOB_FAILED - JOB_SUCCEEDED], 1);
  assert_int_equal(r.done[JOB_CANCELLED - JOB_SUCCEEDED], 1);
  assert_int_equal(r.done[JOB_TIMED_OUT - JOB_SUCCEEDED], 1);
  assert_int_equal(r.finished_ms, 72);
  assert_true(r.cancelled);
  job_batch_row_free(&r);
}

/* The batch goes with its last job. */
static void c_forgotten(Store *s) {
  make_batch(s, 20, 2, JOB_READY);
  JobBatchRow r;
  for (int64_t i = 21; i <= 22; i++) {
    JobRow j = got(s, i);
    Batch *b = batch_new();
    batch_job_del(b, &j);
    must_store(s, b);
    job_row_free(&j);
    assert_int_equal(store_job_batch_get(s, 20, &r, NULL), i == 21);
    if (i == 21) job_batch_row_free(&r);
  }
  assert_int_equal(store_job_types(s, "main", NULL, (char *[1]){0}, 1, NULL), 0);
}

static Batch *unique(int64_t job, const char *key, int64_t at, int64_t until) {
  Batch *b = batch_new();
  JobRow j = fresh(job, "t", 0);
  j.unique_key = (char *)(uintptr_t)key;
  j.created_ms = at;
  j.unique_until_ms = until;
  batch_job_put(b, &j, JOB_READY);
  return b;
}

static void c_unique(Store *s) {
  Err e = {0};
  must_store(s, unique(1, "open", 100, JOB_UNIQUE_OPEN));
  must_store(s, unique(2, "window", 100, 200));
  must_refuse(s, unique(3, "open", 150, JOB_UNIQUE_OPEN), "job_exists");
  must_refuse(s, unique(3, "window", 150, 300), "job_exists");
  assert_int_equal(store_job_unique(s, "main", "open", 150, &e), 1);
  assert_int_equal(store_job_unique(s, "main", "window", 199, &e), 2);
  assert_int_equal(store_job_unique(s, "main", "window", 200, &e), 0);
  assert_int_equal(store_job_unique(s, "far", "open", 150, &e), 0);
  must_store(s, unique(3, "window", 200, 300));
  move(s, 1, JOB_SUCCEEDED, 160);
  must_store(s, unique(4, "open", 161, JOB_UNIQUE_OPEN));
  move(s, 3, JOB_FAILED, 210); /* its window goes on */
  must_refuse(s, unique(5, "window", 220, 300), "job_exists");
  JobRow old = got(s, 1);
  Batch *b = batch_new();
  batch_job_del(b, &old); /* the key is another's by now */
  must_store(s, b);
  job_row_free(&old);
  assert_int_equal(store_job_unique(s, "main", "open", 170, &e), 4);
}

/* ---- only a file ---- */

static void f_reopen(Store *s) {
  make_batch(s, 10, 2, JOB_READY);
  move(s, 11, JOB_LEASED, 60);
  store_close(s);
  s = open_store(false);
  JobRow j = got(s, 11);
  assert_int_equal(j.phase, JOB_LEASED);
  job_row_free(&j);
  assert_int_equal(store_next_jobs(s, 1), 13);
  query_is(s, (JobQuery){.how = JOBS_ACTIVE}, 9, "11 ");
  close_store(s);
}

static void f_killed(Store *s) {
  store_close(s);
  pid_t child = fork();
  if (!child) {
    s = open_store(false);
    put(s, fresh(1, "t", 0), JOB_READY);
    move(s, 1, JOB_LEASED, 5);
    _exit(0); /* nothing is closed or checkpointed */
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  s = open_store(false);
  JobRow j = got(s, 1);
  assert_int_equal(j.phase, JOB_LEASED);
  assert_int_equal(j.rev, 2);
  job_row_free(&j);
  close_store(s);
}

/* ---- running ---- */

static void on(bool memory, void (*f)(Store *s)) {
  Store *s = open_store(memory);
  f(s);
  close_store(s);
}
#define CASE(f) \
  static void f##_mem(void **st) { (void)st; on(true, f); } \
  static void f##_file(void **st) { (void)st; on(false, f); }
CASE(c_row) CASE(c_big_head) CASE(c_fenced) CASE(c_one_of_two) CASE(c_order) CASE(c_due) CASE(c_newest) CASE(c_of_run) CASE(c_batch)
CASE(c_forgotten) CASE(c_unique)
static void run_reopen(void **st) { (void)st; f_reopen(open_store(false)); }
static void run_killed(void **st) { (void)st; f_killed(open_store(false)); }

int main(void) {
#define BOTH(f) cmocka_unit_test(f##_mem), cmocka_unit_test(f##_file)
  const struct CMUnitTest tests[] = {
      BOTH(c_row), BOTH(c_big_head), BOTH(c_fenced), BOTH(c_one_of_two), BOTH(c_order), BOTH(c_due), BOTH(c_newest), BOTH(c_of_run), BOTH(c_batch),
      BOTH(c_forgotten), BOTH(c_unique), cmocka_unit_test(run_reopen), cmocka_unit_test(run_killed)};
  const char *tmp = getenv("TMPDIR");
  snprintf(dir, sizeof dir, "%s/breyta-jobs-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(dir)) return perror(dir), 1;
  snprintf(db, sizeof db, "%s/t.db", dir);
  int rc = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(dir);
  return rc;
}
