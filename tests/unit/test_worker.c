/* test_worker.c - what is hard to see from outside of a worker: rows out of files through a window, logs that hold a secret on a border,
 * reports. The whole of it: tests/api/test_worker.py. */
#include "reader/eq.h"
#include "reader/mem.h"
#include "runtime/client/client.h"
#include "runtime/base/json.h"
#include "runtime/worker/worker.h"
#include "runtime/worker/worker_result.h"
#include "runtime/worker/worker_rows.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* --- rows ----------------------------------------------------------------------------------------------------------------------------- */
enum { ROWS = 3000 };
static char dir[] = "/tmp/test-worker-XXXXXX";

static void text_of(Buf *b, int i) { /* of many lengths, with all that could end a field too early */
  for (int k = 0; k < i * 7919 % 97; k++) buf_c(b, k % 13 == 3 ? "\"" : k % 17 == 5 ? ",\n" : k % 19 == 7 ? "}]\\" : "ä");
}

static void put_json(Buf *b, int i) {
  Buf t = {0};
  text_of(&t, i);
  buf_fmt(b, "{\"i\":%d,\"t\":", i);
  json_text(b, t.n ? t.p : "", t.n);
  buf_c(b, "}");
  buf_free(&t);
}

static void put_csv(Buf *b, int i) {
  Buf t = {0};
  text_of(&t, i);
  buf_fmt(b, "%d,", i);
  csv_put(b, t.n ? t.p : "", t.n, ',', true);
  buf_c(b, i % 2 ? "\r\n" : "\n");
  buf_free(&t);
}

static void check_file(const char *name, const Buf *b) {
  char path[256];
  WorkerRows r;
  Err e = {0};
  Val row;
  size_t n;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(b->p, 1, b->n, f), b->n);
  fclose(f);
  assert_true(worker_rows_open(&r, path, WORKER_ROWS_BY_NAME, &e));
  for (int i = 0; i < ROWS; i++) {
    Buf t = {0};
    text_of(&t, i);
    if (worker_rows_next(&r, &row, &n, &e) != 1) fail_msg("%s, row %d: %s", name, i, e.msg);
    assert_int_equal(client_int_at(row, "i", -1), i);
    assert_int_equal(strlen(client_text_at(row, "t")), t.n);
    if (t.n) assert_memory_equal(client_text_at(row, "t"), t.p, t.n);
    buf_free(&t);
  }
  assert_int_equal(worker_rows_next(&r, &row, &n, &e), 0);
  worker_rows_close(&r);
  unlink(path);
}

static void test_rows(void **state) {
  (void)state;
  Buf array = {0}, lines = {0}, csv = {0};
  assert_non_null(mkdtemp(dir));
  buf_c(&array, " [\n");
  buf_c(&csv, "\xef\xbb\xbfi,t\r\n");
  for (int i = 0; i < ROWS; i++) {
    if (i) buf_c(&array, i % 3 ? "," : " ,\n ");
    put_json(&array, i);
    put_json(&lines, i);
    buf_c(&lines, i % 5 ? "\n" : "\r\n\n");
    put_csv(&csv, i);
  }
  buf_c(&array, "]\n");
  csv.n -= csv.p[csv.n - 2] == '\r' ? 2 : 1; /* the last line need not end */
  check_file("rows.json", &array);
  check_file("rows.jsonl", &lines);
  check_file("rows.csv", &csv);
  buf_free(&array), buf_free(&lines), buf_free(&csv);
  rmdir(dir);
}

static void test_bad_rows(void **state) {
  (void)state;
  static const char *const bad[][2] = {{"[{\"a\":1},]", "behind the comma"}, {"[{\"a\":1}", "ends inside"}, {"[{\"a\":1}] 2", "something follows"}, {"{\"a\":", "ends inside"},
                                       {"{\"a\":x}", "row 1"}, {"[[1]]", "JSON object"}, {"{\"a\":1}{\"a\" 1}", "row 2"}, {"17", "JSON object"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    WorkerRows r;
    Err e = {0};
    Val row;
    size_t n;
    int got;
    worker_rows_text(&r, bad[i][0], strlen(bad[i][0]));
    while ((got = worker_rows_next(&r, &row, &n, &e)) > 0) continue;
    assert_int_equal(got, -1);
    if (!strstr(e.msg, bad[i][1])) fail_msg("%s: %s", bad[i][0], e.msg);
    worker_rows_close(&r);
  }
}

/* --- logs ----------------------------------------------------------------------------------------------------------------------------------- */
static Buf seen;
static size_t longest;
static void line(void *ctx, const char *text) {
  (void)ctx;
  if (strlen(text) > longest) longest = strlen(text);
  buf_c(&seen, text);
}

/* A line without end, in which the secret stands at every distance from where it is cut, read in pieces of every size. */
static void test_secret_in_a_log(void **state) {
  (void)state;
  static const char secret[] = "bsa_sak-1_abcdefgh";
  for (int before = WORKER_LOG_LINE - 40; before < WORKER_LOG_LINE + 40; before++) {
    WorkerLog l;
    Buf tail = {0};
    int fds[2];
    seen.n = longest = 0;
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    worker_log_open(&l, "/dev/null", secret, line, NULL);
    for (int i = 0; i < before; i++) assert_int_equal(write(fds[1], "x", 1), 1);
    for (const char *p = secret; *p; p++) {
      assert_int_equal(write(fds[1], p, 1), 1);
      assert_true(worker_log_read(&l, fds[0]));
    }
    for (int i = 0; i < 3 * WORKER_LOG_LINE; i++) assert_int_equal(write(fds[1], "y", 1), 1);
    close(fds[1]);
    assert_false(worker_log_read(&l, fds[0]));
    close(fds[0]);
    worker_log_close(&l);
    assert_null(strstr(buf_cstr(&seen), "abc"));
    assert_non_null(strstr(seen.p, "x***y"));
    assert_int_equal(seen.n, before + 3 + 3 * WORKER_LOG_LINE);
    assert_true(longest <= WORKER_LOG_LINE + sizeof secret);
    worker_log_tail(&l, &tail);
    assert_true(tail.n <= WORKER_LOG_TAIL);
    assert_null(strstr(buf_cstr(&tail), "abc"));
    buf_free(&tail);
    worker_log_free(&l);
  }
  buf_free(&seen);
}

/* --- reports ---------------------------------------------------------------------------------------------------------------------------------- */
static Val json(const char *s) {
  Err e = {0};
  Val v = json_parse(s, strlen(s), &e);
  if (same(v, ABSENT)) fail_msg("%s: %s", s, e.msg);
  return v;
}

static void test_reports(void **state) {
  (void)state;
  static const struct { int status; const char *result, *command, *args; } cases[] = {
      {0, NULL, "jobs.complete", "{\"status\":\"succeeded\",\"summary\":\"handler exited successfully\",\"workerInfo\":{\"pid\":1}}"},
      {0, "{}", "jobs.complete", "{\"status\":\"succeeded\",\"workerInfo\":{\"pid\":1}}"},
      {0, "{\"status\":\"NO-CHANGES\",\"workerInfo\":{\"gpu\":2},\"artifacts\":[{\"label\":\"a\",\"_breytaPersisted\":true},{\"label\":\"b\"}]}", "jobs.complete",
       "{\"status\":\"no_changes\",\"artifacts\":[{\"label\":\"b\"}],\"workerInfo\":{\"pid\":1,\"gpu\":2}}"},
      {0, "{\"status\":\"failed\",\"details\":[1]}", "jobs.fail", "{\"message\":\"handler failed\",\"code\":\"handler_failed\",\"details\":[1]}"},
      {7 << 8, "{\"status\":\"succeeded\",\"outputs\":1}", "jobs.fail",
       "{\"message\":\"handler exited with status 7\",\"code\":\"handler_failed\",\"details\":{\"exitCode\":7,\"logTail\":\"tail\"}}"},
      {9, NULL, "jobs.fail", "{\"message\":\"handler was ended by signal 9 (SIGKILL)\",\"code\":\"handler_failed\",\"details\":{\"signal\":9,\"logTail\":\"tail\"}}"},
      {0, "\"done\"", "jobs.fail", "{\"message\":\"result.json is not a JSON object\",\"code\":\"invalid_result\",\"details\":{\"logTail\":\"tail\"}}"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    WorkerEnd end = {.job = "j", .token = "t", .status = cases[i].status, .result = cases[i].result ? json(cases[i].result) : ABSENT, .tail = "tail", .info = json("{\"pid\":1}")};
    WorkerSettle s = worker_result_settle(&end);
    Val want = client_put_text(client_put_text(json(cases[i].args), "jobId", "j"), "leaseToken", "t");
    assert_string_equal(s.command, cases[i].command);
    if (!same(val_eq(s.args, want), TRUE_V)) {
      Buf b = {0};
      assert_false(is_sig(json_print(&b, s.args)));
      fail_msg("case %zu: %s", i, buf_cstr(&b));
    }
  }
}

/* How often a report is made while the server answers so; at most `most` times. */
static int reports_made(WorkerJob *j, int status, int most, const char *command) {
  int n = 0;
  while (j->state == WORKER_SETTLING && strstr(j->settle.body, command) && n < most) {
    WorkerAnswer a = {.id = j->settle.id, .said = WORKER_SAID_AGAIN, .status = status, .body = NIL, .code = "internal", .message = "it broke", .retry_after_ms = -1};
    assert_int_not_equal(a.id, 0);
    n++;
    assert_true(worker_job_answer(j, &a));
    if (j->state == WORKER_SETTLING && !j->settle.id) worker_job_look(j, j->settle.again_us);
  }
  return n;
}

/* A server that breaks over a report gets it twenty times, then twenty times that the job has failed for it; one that is only away has no limit. */
static void test_a_server_that_breaks_over_a_report(void **state) {
  (void)state;
  Err e = {0};
  ClientConfig where = {.url = "http://127.0.0.1:9"};
  WorkerOptions o = {.where = &where, .type = "t", .id = "w", .argv = (char *[]){"true", NULL}, .lease_ms = 60000};
  Worker w = {.o = &o, .last_job = NIL, .warden = {.fd = -1}};
  WorkerJob j = {.w = &w, .state = WORKER_SETTLING, .id = "job-1-a", .token = "token", .proc = {.out = -1}, .log = {.fd = -1}};
  int quiet = open("/dev/null", O_WRONLY), err = dup(2);
  assert_true(worker_rpc_open(&w.rpc, &where, &e));
  w.beat = worker_beat_start(&where, o.lease_ms, &e);
  assert_non_null(w.beat);
  worker_call_new(&j.settle, "jobs.complete", client_put_text(NIL, "jobId", j.id), 1000);
  dup2(quiet, 2);
  assert_true(worker_rpc_send(&w.rpc, &j.settle, &e));
  int away = reports_made(&j, 503, 50, "jobs.complete");
  j.settle.attempt = 1;
  int completed = reports_made(&j, 500, 100, "jobs.complete"), failed = reports_made(&j, 500, 100, "result_refused");
  dup2(err, 2);
  close(err), close(quiet);
  assert_int_equal(away, 50);
  assert_int_equal(completed, 20);
  assert_int_equal(failed, 20);
  assert_int_equal(j.state, WORKER_GONE);
  assert_int_equal(w.lost, 1);
  assert_int_equal(w.handled, 0);
  worker_call_free(&j.settle);
  worker_beat_stop(w.beat);
  worker_rpc_close(&w.rpc);
}

/* More folders than may wait, one of them deep and with a part that its owner has locked. */
static void test_folders_are_swept(void **state) {
  enum { FOLDERS = 2 * WORKER_SWEEP_MOST };
  char base[] = "/tmp/test-sweep-XXXXXX", path[128];
  (void)state;
  assert_non_null(mkdtemp(base));
  for (int i = 0; i < FOLDERS; i++) {
    snprintf(path, sizeof path, "%s/%d", base, i);
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/in");
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/file");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
  }
  snprintf(path, sizeof path, "%s/0/in", base);
  assert_int_equal(chmod(path, 0), 0);
  for (int i = 0; i < FOLDERS; i++) {
    snprintf(path, sizeof path, "%s/%d", base, i);
    worker_sweep(path);
  }
  worker_sweep_end();
  assert_int_equal(rmdir(base), 0); /* nothing is left in it */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_bad_rows), cmocka_unit_test(test_secret_in_a_log), cmocka_unit_test(test_reports),
                                     cmocka_unit_test(test_a_server_that_breaks_over_a_report), cmocka_unit_test(test_folders_are_swept)};
  mem_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
