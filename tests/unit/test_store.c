/* The contract of store.h, run over the SQLite and the memory store; then what only a file can show. */
#include "runtime/store/store.h"
#include "runtime/store/store_impl.h"
#include "runtime/store/store_record.h"
#include "runtime/store/store_files.h"
#include "runtime/store/store_sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[PATH_MAX], db[PATH_MAX + 16];

#define BYTES(s) ((Bytesv){s, sizeof(s) - 1})

/* ---- helpers ---- */

static Store *must_open(const StoreOptions *o) {
  Err e = {0};
  Store *s = store_open(db, o, &e);
  if (!s) fail_msg("open: %s %s", e.code, e.msg);
  return s;
}

static Store *open_file(void) { return must_open(&(StoreOptions){.executor = true}); }

static void must_store(Store *s, Batch *b) {
  Err e = {0};
  if (!store_submit_wait(s, b, &e)) fail_msg("submit: %s %s", e.code, e.msg);
}

static void must_refuse(Store *s, Batch *b, const char *code) {
  Err e = {0};
  assert_false(store_submit_wait(s, b, &e));
  assert_string_equal(e.code, code);
}

static void add_run(Batch *b, int64_t run) {
  char id[64];
  snprintf(id, sizeof id, "flow-x-main-r%" PRId64, run);
  RunRow r = {.run = run, .run_id = id, .workspace = "main", .slug = "x", .version = 7, .epoch = 1, .created_ms = 100, .updated_ms = 100,
              .source_hash = "abcd", .lineage = run == 2 ? "{:parent-workflow-id \"flow-x-main-r1\"}" : NULL};
  batch_run_create(b, &r);
}

static void make_run(Store *s, int64_t run) {
  Batch *b = batch_new();
  add_run(b, run);
  must_store(s, b);
}

static Batch *appending(int64_t run, int64_t epoch, const char *text) {
  Batch *b = batch_new();
  batch_append(b, run, epoch, 3, (Bytesv){text, strlen(text)});
  return b;
}

static void add_wait(Batch *b, int64_t run, int64_t seq, const char *key) {
  WaitRow w = {.workspace = "main", .key = (char *)key, .run = run, .seq = seq, .created_ms = 5, .spec = {"spec", 4}};
  batch_wait_put(b, 1, &w);
}

static bool collect(void *ctx, const JournalRec *r) {
  char *out = ctx;
  sprintf(out + strlen(out), "%" PRId64 ":%d:%" PRId64 ":%.*s ", r->seq, r->kind, r->epoch, (int)r->data.n, (const char *)r->data.p);
  return true;
}

static void journal_is(Store *s, int64_t run, int64_t after, const char *want) {
  char got[4096] = "";
  Err e = {0};
  if (!store_journal(s, run, after, collect, got, &e)) fail_msg("journal: %s %s", e.code, e.msg);
  assert_string_equal(got, want);
}

static RunRow run_of(Store *s, int64_t run) {
  RunRow r;
  Err e = {0};
  if (!store_run_get(s, run, &r, &e)) fail_msg("no run %" PRId64 ": %s", run, e.code ? e.code : "absent");
  return r;
}

static void kv_is(Store *s, const char *key, const char *want) {
  KvRow r;
  Err e;
  bool there = store_kv_get(s, "main", key, &r, &e);
  assert_null(e.code);
  assert_int_equal(there, want != NULL);
  if (!there) return;
  assert_string_equal(r.key, key);
  assert_string_equal(r.value.p, want);
  free(r.key);
  blob_free(&r.value);
}

/* ---- contract: over both implementations; *state is the store ---- */

static int setup_memory(void **state) {
  *state = must_open(&(StoreOptions){.memory = true});
  return 0;
}

static int setup_file(void **state) {
  *state = open_file();
  return 0;
}

static int setup_together(void **state) {
  *state = open_file();
  store_together(*state, true);
  return 0;
}

static int teardown(void **state) {
  char cmd[PATH_MAX + 64];
  store_close(*state);
  snprintf(cmd, sizeof cmd, "rm -rf '%s'/*", dir);
  return system(cmd);
}

static void c_run_row(void **state) {
  Store *s = *state;
  assert_int_equal(store_next_run(s), 1);
  assert_int_equal(store_count_slug(s, "main", "x"), 0);
  make_run(s, 1);
  assert_int_equal(store_next_run(s), 2);
  assert_int_equal(store_count_slug(s, "main", "x"), 1);
  assert_int_equal(store_count_slug(s, "other", "x"), 0);
  RunRow r = run_of(s, 1), by_id;
  assert_string_equal(r.run_id, "flow-x-main-r1");
  assert_string_equal(r.source_hash, "abcd");
  assert_null(r.note);
  assert_null(r.lineage);
  assert_int_equal(r.version, 7);
  assert_int_equal(r.head_seq, 0);
  assert_int_equal(r.snap_seq, -1);
  assert_int_equal(r.status, RUN_RUNNING);
  run_row_free(&r);
  Err e;
  assert_true(store_run_by_id(s, NULL, "flow-x-main-r1", &by_id, &e));
  assert_int_equal(by_id.run, 1);
  run_row_free(&by_id);
  assert_false(store_run_by_id(s, "other", "flow-x-main-r1", &by_id, &e));
  assert_false(store_run_by_id(s, NULL, "nobody", &by_id, &e));
  assert_null(e.code);
}

/* Whose child a run is stays with it to its end. */
static void c_run_lineage(void **state) {
  Store *s = *state;
  make_run(s, 1);
  make_run(s, 2);
  Batch *b = batch_new();
  batch_status(b, 2, 1, RUN_COMPLETED, 300, 0, NULL);
  must_store(s, b);
  RunRow r = run_of(s, 2);
  assert_string_equal(r.lineage, "{:parent-workflow-id \"flow-x-main-r1\"}");
  assert_null(r.note);
  run_row_free(&r);
}

/* The same id is another run in another workspace; each has its target. */
static void c_run_ids_by_workspace(void **state) {
  Store *s = *state;
  Err e = {0};
  Batch *b = batch_new();
  RunRow a = {.run = 1, .run_id = "same", .workspace = "one", .slug = "x", .epoch = 1, .target = "live"}, other = a, got;
  other.run = 2;
  other.workspace = "two";
  other.target = NULL;
  batch_run_create(b, &a);
  batch_run_create(b, &other);
  must_store(s, b);
  assert_true(store_run_by_id(s, "two", "same", &got, &e));
  assert_int_equal(got.run, 2);
  assert_null(got.target);
  run_row_free(&got);
  assert_true(store_run_by_id(s, NULL, "same", &got, &e));
  assert_int_equal(got.run, 1);
  assert_string_equal(got.target, "live");
  run_row_free(&got);
  assert_false(store_run_by_id(s, "three", "same", &got, &e));
  other.run = 3;
  b = batch_new();
  batch_run_create(b, &other);
  must_refuse(s, b, "run_exists");
}

static void c_run_exists(void **state) {
  Store *s = *state;
  make_run(s, 1);
  Batch *b = batch_new();
  add_run(b, 1);
  must_refuse(s, b, "run_exists");
  b = batch_new();
  RunRow other = {.run = 2, .run_id = "flow-x-main-r1", .workspace = "main", .epoch = 1};
  batch_run_create(b, &other);
  must_refuse(s, b, "run_exists");
  RunRow r;
  Err e;
  assert_false(store_run_get(s, 2, &r, &e));
}

static void c_journal(void **state) {
  Store *s = *state;
  make_run(s, 1);
  make_run(s, 2);
  must_store(s, appending(1, 1, "a"));
  must_store(s, appending(2, 1, "other"));
  Batch *b = appending(1, 1, "b");
  batch_append(b, 1, 1, 9, BYTES(""));
  must_store(s, b);
  journal_is(s, 1, -1, "1:3:1:a 2:3:1:b 3:9:1: ");
  journal_is(s, 1, 0, "1:3:1:a 2:3:1:b 3:9:1: ");
  journal_is(s, 1, 2, "3:9:1: ");
  journal_is(s, 1, 3, "");
  journal_is(s, 2, -1, "1:3:1:other ");
  RunRow r = run_of(s, 1);
  assert_int_equal(r.head_seq, 3);
  run_row_free(&r);
  char got[16] = "";
  Err e;
  assert_false(store_journal(s, 99, -1, collect, got, &e));
  assert_null(e.code);
}

static bool count_records(void *ctx, const JournalRec *r) {
  (void)r;
  ++*(int *)ctx;
  return true;
}

/* A reader's f asks for something else; meanwhile records are added, and it reads the same journal to its new end. */
static bool reads_other(void *ctx, const JournalRec *r) {
  Store *s = ctx;
  int n = 0;
  Err e;
  must_store(s, appending(1, 1, "more"));
  assert_true(store_journal(s, 1, r->seq, count_records, &n, &e));
  assert_int_equal(n, 1);
  return false;
}

static void c_journal_grows_meanwhile(void **state) {
  Store *s = *state;
  Err e;
  make_run(s, 1);
  must_store(s, appending(1, 1, "a"));
  assert_true(store_journal(s, 1, -1, reads_other, s, &e));
  journal_is(s, 1, -1, "1:3:1:a 2:3:1:more ");
}

static bool stop_at_two(void *ctx, const JournalRec *r) {
  *(int64_t *)ctx = r->seq;
  return r->seq < 2;
}

static void c_journal_stops(void **state) {
  Store *s = *state;
  make_run(s, 1);
  for (int i = 0; i < 5; i++) must_store(s, appending(1, 1, "x"));
  int64_t last = 0;
  Err e;
  assert_true(store_journal(s, 1, -1, stop_at_two, &last, &e));
  assert_int_equal(last, 2);
}

static void c_preconditions(void **state) {
  Store *s = *state;
  must_refuse(s, appending(1, 1, "x"), "run_unknown");
  make_run(s, 1);
  must_refuse(s, appending(1, 2, "x"), "stale_epoch");
  Batch *b = batch_new();
  batch_status(b, 1, 1, RUN_COMPLETED, 200, 0, "{:ok 1}");
  must_store(s, b);
  must_refuse(s, appending(1, 1, "x"), "run_final");
  b = batch_new();
  batch_status(b, 1, 1, RUN_RUNNING, 300, 0, NULL);
  must_refuse(s, b, "run_final");
  b = batch_new();
  batch_take_over(b, 1, 1, 2);
  must_refuse(s, b, "run_final");
  RunRow r = run_of(s, 1);
  assert_int_equal(r.status, RUN_COMPLETED);
  assert_int_equal(r.finished_ms, 200);
  assert_string_equal(r.note, "{:ok 1}");
  run_row_free(&r);
}

static void c_every_run_operation_is_fenced(void **state) {
  Store *s = *state;
  make_run(s, 1);
  for (int op = 0; op < 8; op++) {
    Batch *b = batch_new();
    WaitRow w = {.workspace = "main", .key = "k", .run = 1, .seq = 1};
    switch (op) {
    case 0: batch_append(b, 1, 5, 1, BYTES("x")); break;
    case 1: batch_status(b, 1, 5, RUN_WAITING, 1, 0, NULL); break;
    case 2: batch_take_over(b, 1, 5, 6); break;
    case 3: batch_snapshot(b, 1, 5, 1, BYTES("x")); break;
    case 4: batch_timer_put(b, 1, 5, 1, 1); break;
    case 5: batch_timer_del(b, 1, 5, 1); break;
    case 6: batch_wait_put(b, 5, &w); break;
    default: batch_wait_del(b, 1, 5, "main", "k");
    }
    must_refuse(s, b, "stale_epoch");
  }
}

static void c_take_over(void **state) {
  Store *s = *state;
  make_run(s, 1);
  must_store(s, appending(1, 1, "a"));
  Batch *b = batch_new();
  batch_take_over(b, 1, 1, 2);
  must_store(s, b);
  must_refuse(s, appending(1, 1, "late"), "stale_epoch");
  must_store(s, appending(1, 2, "b"));
  journal_is(s, 1, -1, "1:3:1:a 2:3:2:b ");
  b = batch_new();
  batch_take_over(b, 1, 2, 2);
  must_refuse(s, b, "stale_epoch");
}

static void c_all_or_nothing(void **state) {
  Store *s = *state;
  make_run(s, 1);
  Batch *b = appending(1, 1, "lost");
  add_run(b, 2);
  batch_append(b, 2, 1, 1, BYTES("lost"));
  add_wait(b, 1, 1, "k");
  batch_timer_put(b, 1, 1, 1, 50);
  batch_snapshot(b, 1, 1, 1, BYTES("lost"));
  batch_inbox_put(b, "main", "k", "event", 1, BYTES("lost"));
  batch_kv_put(b, "main", "k", BYTES("lost"), 0);
  batch_meta_put(b, "m", "lost");
  batch_status(b, 1, 1, RUN_WAITING, 1, 50, "lost");
  batch_append(b, 77, 1, 1, BYTES("no such run"));
  must_refuse(s, b, "run_unknown");
  journal_is(s, 1, -1, "");
  RunRow r;
  Err e;
  assert_false(store_run_get(s, 2, &r, &e));
  r = run_of(s, 1);
  assert_int_equal(r.status, RUN_RUNNING);
  assert_int_equal(r.snap_seq, -1);
  run_row_free(&r);
  WaitRow w;
  InboxRow in;
  char *v;
  assert_false(store_wait_get(s, "main", "k", &w, &e));
  assert_int_equal(store_timer_next(s), INT64_MAX);
  assert_int_equal(store_inbox(s, 0, &in, 1, &e), 0);
  assert_false(store_meta_get(s, "m", &v, &e));
  kv_is(s, "k", NULL);
  must_store(s, appending(1, 1, "first"));
  journal_is(s, 1, -1, "1:3:1:first ");
}

static Batch *next_in_order(int64_t seq, const char *text, bool last) {
  Batch *b = batch_new();
  batch_expect(b, 1, 1, seq);
  batch_append(b, 1, 1, 3, (Bytesv){text, strlen(text)});
  if (last) batch_status(b, 1, 1, RUN_COMPLETED, 7, 0, NULL);
  return b;
}

/* Nothing is stored behind a refused batch, the end of a run neither. */
static void c_in_order(void **state) {
  Store *s = *state;
  make_run(s, 1);
  must_store(s, next_in_order(0, "a", false));
  Batch *bad = next_in_order(1, "b", false);
  batch_append(bad, 77, 1, 1, BYTES("no such run"));
  store_submit(s, bad, 1);
  must_refuse(s, next_in_order(2, "c", true), "out_of_order");
  Batch *stale = batch_new();
  batch_expect(stale, 1, 9, 2);
  must_refuse(s, stale, "stale_epoch");
  journal_is(s, 1, -1, "1:3:1:a ");
  must_store(s, next_in_order(1, "b", true));
  journal_is(s, 1, -1, "1:3:1:a 2:3:1:b ");
}

static void c_refused_among_others(void **state) {
  Store *s = *state;
  make_run(s, 1);
  for (uint64_t i = 0; i < 30; i++) store_submit(s, appending(i % 3 == 1 ? 9 : 1, 1, "r"), i);
  for (size_t n = 0, at = 0; n < 30;) {
    Completion c[7];
    struct pollfd p = {.fd = store_event_fd(s), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    size_t got = store_completions(s, c, 7);
    for (size_t i = 0; i < got; i++, at++) {
      assert_int_equal(c[i].tag, at);
      if (at % 3 == 1) assert_string_equal(c[i].error, "run_unknown");
      else assert_null(c[i].error);
    }
    n += got;
  }
  struct pollfd p = {.fd = store_event_fd(s), .events = POLLIN};
  assert_int_equal(poll(&p, 1, 0), 0);
  RunRow r = run_of(s, 1);
  assert_int_equal(r.head_seq, 20);
  run_row_free(&r);
}

static void c_snapshot(void **state) {
  Store *s = *state;
  make_run(s, 1);
  int64_t seq;
  Blob out;
  Err e;
  assert_false(store_snapshot_get(s, 1, &seq, &out, &e));
  assert_null(e.code);
  Batch *b = appending(1, 1, "a");
  batch_snapshot(b, 1, 1, 1, BYTES("one"));
  must_store(s, b);
  b = batch_new();
  batch_snapshot(b, 1, 1, 2, BYTES("two\0with NUL"));
  must_store(s, b);
  assert_true(store_snapshot_get(s, 1, &seq, &out, &e));
  assert_int_equal(seq, 2);
  assert_int_equal(out.n, 12);
  assert_memory_equal(out.p, "two\0with NUL", 13);
  blob_free(&out);
  RunRow r = run_of(s, 1);
  assert_int_equal(r.snap_seq, 2);
  run_row_free(&r);
}

static void c_timers(void **state) {
  Store *s = *state;
  make_run(s, 1);
  make_run(s, 2);
  assert_int_equal(store_timer_next(s), INT64_MAX);
  Batch *b = batch_new();
  batch_timer_put(b, 1, 1, 1, 500);
  batch_timer_put(b, 1, 1, 2, 300);
  batch_timer_put(b, 2, 1, 1, 400);
  batch_timer_put(b, 2, 1, 1, 200); /* moved */
  must_store(s, b);
  assert_int_equal(store_timer_next(s), 200);
  TimerRow t[4];
  Err e;
  assert_int_equal(store_timers_due(s, 199, t, 4, &e), 0);
  assert_int_equal(store_timers_due(s, 499, t, 4, &e), 2);
  assert_int_equal(t[0].run, 2);
  assert_int_equal(t[1].seq, 2);
  assert_int_equal(store_timers_due(s, 1000, t, 1, &e), 1);
  b = batch_new();
  batch_timer_del(b, 2, 1, 1);
  batch_timer_del(b, 2, 1, 77); /* absent: fine */
  must_store(s, b);
  assert_int_equal(store_timer_next(s), 300);
}

static void c_waits(void **state) {
  Store *s = *state;
  make_run(s, 1);
  make_run(s, 2);
  Batch *b = batch_new();
  add_wait(b, 1, 1, "b");
  add_wait(b, 1, 2, "a");
  add_wait(b, 2, 1, "c");
  must_store(s, b);
  WaitRow w[4];
  Err e;
  assert_true(store_wait_get(s, "main", "a", w, &e));
  assert_int_equal(w[0].run, 1);
  assert_int_equal(w[0].seq, 2);
  assert_string_equal(w[0].spec.p, "spec");
  wait_row_free(w);
  assert_false(store_wait_get(s, "other", "a", w, &e));
  assert_int_equal(store_waits(s, "main", 0, w, 4, &e), 3);
  assert_string_equal(w[0].key, "a");
  for (int i = 0; i < 3; i++) wait_row_free(&w[i]);
  assert_int_equal(store_waits(s, NULL, 2, w, 4, &e), 1);
  assert_string_equal(w[0].key, "c");
  wait_row_free(w);
  assert_int_equal(store_waits(s, "other", 1, w, 4, &e), 0);
  b = batch_new();
  add_wait(b, 2, 5, "a");
  must_refuse(s, b, "wait_exists");
  b = batch_new();
  add_wait(b, 1, 2, "a"); /* the same wait again */
  must_store(s, b);
  b = batch_new();
  batch_wait_del(b, 2, 1, "main", "a"); /* another run's */
  must_refuse(s, b, "wait_missing");
  b = batch_new();
  batch_wait_del(b, 1, 1, "main", "a");
  add_wait(b, 2, 5, "a"); /* free in the same batch */
  must_store(s, b);
  b = batch_new();
  batch_wait_del(b, 1, 1, "main", "a");
  must_refuse(s, b, "wait_missing");
}

static void c_final_tidies(void **state) {
  Store *s = *state;
  make_run(s, 1);
  make_run(s, 2);
  Batch *b = batch_new();
  add_wait(b, 1, 1, "a");
  add_wait(b, 1, 2, "b");
  add_wait(b, 2, 1, "c");
  batch_timer_put(b, 1, 1, 1, 10);
  batch_timer_put(b, 1, 1, 2, 20);
  batch_timer_put(b, 2, 1, 1, 30);
  batch_snapshot(b, 1, 1, 0, BYTES("s"));
  must_store(s, b);
  b = batch_new();
  batch_status(b, 1, 1, RUN_CANCELLED, 9, 0, NULL);
  must_store(s, b);
  WaitRow w[4];
  Err e;
  assert_int_equal(store_waits(s, NULL, 0, w, 4, &e), 1);
  assert_string_equal(w[0].key, "c");
  wait_row_free(w);
  assert_int_equal(store_timer_next(s), 30);
  RunRow r = run_of(s, 1);
  assert_int_equal(r.snap_seq, -1);
  run_row_free(&r);
}

/* Rows of a prefix, page by page; a prefix is text and not a pattern. */
static void c_under(void **state) {
  Store *s = *state;
  make_run(s, 1);
  Batch *b = batch_new();
  const char *const keys[] = {"\x01" "a/1", "\x01" "a/2", "\x01" "a/\xf0\x9f\x98\x80", "\x01" "b/1", "a/1", "\x01" "a%"};
  for (int i = 0; i < 6; i++) {
    add_wait(b, 1, i + 1, keys[i]);
    batch_outcome_put(b, "main", keys[i], 1000 + i, BYTES("12345"));
  }
  batch_outcome_put(b, "other", keys[0], 1, BYTES("x"));
  must_store(s, b);
  WaitRow w[8];
  InboxRow r[8];
  Err e;
  int64_t n, bytes;
  assert_int_equal(store_waits_under(s, "main", "\x01" "a/", NULL, w, 8, &e), 3);
  assert_string_equal(w[0].key, keys[0]);
  assert_int_equal(w[1].seq, 2);
  assert_string_equal(w[2].spec.p, "spec");
  for (int i = 0; i < 3; i++) wait_row_free(&w[i]);
  assert_int_equal(store_waits_under(s, "main", "\x01" "a/", keys[0], w, 1, &e), 1);
  assert_string_equal(w[0].key, keys[1]);
  wait_row_free(w);
  assert_int_equal(store_waits_under(s, "main", "\x01" "a/", keys[2], w, 8, &e), 0);
  assert_int_equal(store_waits_under(s, "other", "\x01" "a/", NULL, w, 8, &e), 0);
  assert_int_equal(store_outcomes_under(s, "main", "\x01" "a/", keys[0], r, 8, &e), 2);
  assert_string_equal(r[0].key, keys[1]);
  assert_int_equal(r[1].received_ms, 1002);
  assert_string_equal(r[1].body.p, "12345");
  for (int i = 0; i < 2; i++) inbox_row_free(&r[i]);
  assert_true(store_outcomes_use(s, "main", "\x01" "a", &n, &bytes, &e));
  assert_int_equal(n, 4);
  assert_int_equal(bytes, 20);
  b = batch_new();
  batch_outcome_del(b, "main", keys[1]);
  batch_outcome_del(b, "main", "never there");
  must_store(s, b);
  assert_true(store_outcomes_use(s, "main", "\x01" "a/", &n, &bytes, &e));
  assert_int_equal(n, 2);
  assert_true(store_outcomes_use(s, "nobody", "\x01", &n, &bytes, &e));
  assert_int_equal(n + bytes, 0);
}

static void c_inbox(void **state) {
  Store *s = *state;
  Batch *b = batch_new();
  batch_inbox_put(b, "main", "k1", "event", 11, BYTES("one"));
  batch_inbox_put(b, "main", "k2", "cancel", 12, BYTES(""));
  batch_inbox_put(b, "main", "k1", "event", 13, BYTES("three"));
  must_store(s, b);
  InboxRow r[4];
  Err e;
  assert_int_equal(store_inbox(s, 0, r, 4, &e), 3);
  assert_string_equal(r[0].body.p, "one");
  assert_string_equal(r[1].kind, "cancel");
  assert_int_equal(r[2].received_ms, 13);
  int64_t first = r[0].id, last = r[2].id;
  for (int i = 0; i < 3; i++) inbox_row_free(&r[i]);
  assert_int_equal(store_inbox(s, first, r, 4, &e), 2);
  for (int i = 0; i < 2; i++) inbox_row_free(&r[i]);
  assert_int_equal(store_inbox_by_key(s, "main", "k1", r, 4, &e), 2);
  assert_string_equal(r[1].body.p, "three");
  for (int i = 0; i < 2; i++) inbox_row_free(&r[i]);
  b = batch_new();
  batch_inbox_del(b, last);
  must_store(s, b);
  b = batch_new();
  batch_inbox_del(b, last);
  must_refuse(s, b, "inbox_gone");
  b = batch_new();
  batch_inbox_put(b, "main", "k3", "event", 14, BYTES("x"));
  must_store(s, b);
  assert_int_equal(store_inbox(s, last, r, 4, &e), 1); /* ids are never used again */
  inbox_row_free(r);
}

static void c_kv(void **state) {
  Store *s = *state;
  Batch *b = batch_new();
  batch_kv_put(b, "main", "k", BYTES("v"), 99);
  batch_kv_put(b, "other", "k", BYTES("w"), 0);
  batch_kv_put(b, "main", "k", BYTES("v2"), 98);
  must_store(s, b);
  kv_is(s, "k", "v2");
  KvRow r;
  Err e;
  assert_true(store_kv_get(s, "main", "k", &r, &e));
  assert_int_equal(r.expires_ms, 98);
  free(r.key);
  blob_free(&r.value);
  b = batch_new();
  batch_kv_del(b, "main", "k");
  batch_kv_del(b, "main", "absent");
  must_store(s, b);
  kv_is(s, "k", NULL);
}

static void list_is(Store *s, const char *prefix, const char *after, size_t max, const char *want) {
  KvRow r[16];
  Err e;
  char got[512] = "";
  size_t n = store_kv_list(s, "main", prefix, after, r, max, &e);
  assert_null(e.code);
  for (size_t i = 0; i < n; i++) {
    sprintf(got + strlen(got), "%s=%s ", r[i].key, r[i].value.p);
    free(r[i].key);
    blob_free(&r[i].value);
  }
  assert_string_equal(got, want);
}

/* ---- documents ---- */

static void doc_put(Batch *b, const char *kind, const char *key, int64_t rev, int64_t at, int64_t run, const char *data) {
  DocRow d = {.workspace = (char *)"main", .kind = (char *)(uintptr_t)kind, .key = (char *)(uintptr_t)key, .rev = rev, .at_ms = at, .run = run,
              .expires_ms = at + 5, .data = {(char *)(uintptr_t)data, strlen(data)}};
  batch_doc_put(b, &d);
}

static void docs_are(DocRow *r, size_t n, const Err *e, const char *want) {
  char got[512] = "";
  assert_null(e->code);
  for (size_t i = 0; i < n; i++) {
    sprintf(got + strlen(got), "%s.%d=%s ", r[i].key, (int)r[i].rev, r[i].data.p);
    doc_row_free(&r[i]);
  }
  assert_string_equal(got, want);
}

static void c_docs(void **state) {
  Store *s = *state;
  Batch *b = batch_new();
  DocRow r[8];
  Err e = {0};
  doc_put(b, "res", "b", DOC_NEW, 10, 3, "x");
  doc_put(b, "res", "a1", DOC_NEW, 30, 3, "y");
  doc_put(b, "res", "a2", DOC_ANY, 10, 0, "z");
  doc_put(b, "resource", "a0", DOC_ANY, 99, 3, "other kind");
  doc_put(b, "res", "b", DOC_ANY, 20, 3, "x2");
  must_store(s, b);
  assert_true(store_doc_get(s, "main", "res", "b", r, &e));
  assert_int_equal(r->run, 3);
  assert_int_equal(r->expires_ms, 25);
  assert_string_equal(r->kind, "res");
  docs_are(r, 1, &e, "b.2=x2 ");
  assert_false(store_doc_get(s, "main", "res", "c", r, &e));
  assert_false(store_doc_get(s, "other", "res", "b", r, &e));
  docs_are(r, store_docs(s, "main", "res", "", "", r, 8, &e), &e, "a1.1=y a2.1=z b.2=x2 ");
  docs_are(r, store_docs(s, "main", "res", "a", "a1", r, 8, &e), &e, "a2.1=z ");
  docs_are(r, store_docs(s, "main", "res", "", "", r, 2, &e), &e, "a1.1=y a2.1=z ");
  docs_are(r, store_docs_newest(s, "main", "res", INT64_MAX, "", r, 2, &e), &e, "a1.1=y b.2=x2 ");
  docs_are(r, store_docs_newest(s, "main", "res", 20, "b", r, 8, &e), &e, "a2.1=z ");
  docs_are(r, store_docs_due(s, "main", "res", 30, r, 8, &e), &e, "a2.1=z b.2=x2 a1.1=y ");
  docs_are(r, store_docs_due(s, "main", "res", 29, r, 8, &e), &e, "a2.1=z b.2=x2 ");
  docs_are(r, store_docs_due(s, "main", "res", 30, r, 1, &e), &e, "a2.1=z ");
  docs_are(r, store_docs_due(s, "main", "res", 9, r, 8, &e), &e, "");
  docs_are(r, store_docs_of_run(s, "main", "res", 3, "", r, 8, &e), &e, "a1.1=y b.2=x2 ");
  docs_are(r, store_docs_of_run(s, "main", "res", 3, "a1", r, 8, &e), &e, "b.2=x2 ");
}

typedef struct EachDoc {
  int n, stop_at;
  char last[16];
} EachDoc;

static bool each_doc(void *ctx, const DocRow *d) {
  EachDoc *all = ctx;
  snprintf(all->last, sizeof all->last, "%s", d->key);
  return ++all->n < all->stop_at;
}

static void c_docs_everywhere(void **state) {
  static const struct { const char *workspace, *kind, *key; int64_t expires; } rows[] = {
      {"b", "res", "k1", 50}, {"a", "res", "k2", 0}, {"a", "res", "k1", 99}, {"ab", "res", "k0", 50}, {"a", "other", "k9", 50}, {"b", "zzz", "k3", 50}};
  Store *s = *state;
  DocRow r[8];
  Err e = {0};
  Batch *b = batch_new();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    DocRow d = {.workspace = (char *)rows[i].workspace, .kind = (char *)rows[i].kind, .key = (char *)rows[i].key, .rev = DOC_NEW,
                .expires_ms = rows[i].expires, .data = {(char *)rows[i].workspace, strlen(rows[i].workspace)}};
    batch_doc_put(b, &d);
  }
  must_store(s, b);
  docs_are(r, store_docs_everywhere(s, "res", "", "", 0, r, 8, &e), &e, "k1.1=a k2.1=a k0.1=ab k1.1=b ");
  docs_are(r, store_docs_everywhere(s, "res", "", "", 0, r, 2, &e), &e, "k1.1=a k2.1=a ");
  docs_are(r, store_docs_everywhere(s, "res", "a", "k2", 0, r, 8, &e), &e, "k0.1=ab k1.1=b ");
  docs_are(r, store_docs_everywhere(s, "res", "", "", 50, r, 8, &e), &e, "k0.1=ab k1.1=b ");
  docs_are(r, store_docs_everywhere(s, "res", "", "", 49, r, 8, &e), &e, "");
  docs_are(r, store_docs_everywhere(s, "res", "ab", "k0", 99, r, 8, &e), &e, "k1.1=b ");
  b = batch_new(); /* more than a page of them, read by the one that asks for all */
  for (int i = 0; i < 600; i++) {
    char key[16];
    snprintf(key, sizeof key, "n%03d", i);
    batch_doc_put(b, &(DocRow){.workspace = "many", .kind = "res", .key = key, .rev = DOC_NEW, .expires_ms = 1000, .data = {"x", 1}});
  }
  must_store(s, b);
  EachDoc all = {.stop_at = 700};
  assert_true(store_docs_each(s, "res", 0, each_doc, &all, &e));
  assert_int_equal(all.n, 604);
  assert_string_equal(all.last, "n599");
  all = (EachDoc){.stop_at = 300};
  assert_false(store_docs_each(s, "res", 0, each_doc, &all, &e));
  assert_int_equal(all.n, 300);
  assert_null(e.code);
  all = (EachDoc){.stop_at = 700};
  assert_true(store_docs_each(s, "res", 99, each_doc, &all, &e)); /* only what is over by then */
  assert_int_equal(all.n, 3);
}

/* ---- the search index ---- */

static void index_put(Batch *b, const char *target, const char *key, const char *title, const char *tags, const char *text) {
  IndexRow r = {.workspace = "main", .target = target, .key = key, .title = title, .tags = tags, .type = "note", .path = key, .text = {text, strlen(text)}, .at_ms = 7};
  batch_index_put(b, &r);
}

/* Keys in the order found, and the snippet of the first. */
static void found_are(Store *s, const SearchQuery *q, size_t max, const char *want) {
  char got[512] = "";
  SearchHit h[8];
  Err e = {0};
  size_t n = store_search(s, q, h, max, &e);
  double last = 1e9;
  for (size_t i = 0; i < n; i++) {
    sprintf(got + strlen(got), "%s ", h[i].key);
    if (h[i].score <= 0 || h[i].score > last || h[i].at_ms != 7) fail_msg("%s: %s has score %g, time %d", q->text, h[i].key, h[i].score, (int)h[i].at_ms);
    last = h[i].score;
    search_hit_free(&h[i]);
  }
  if (e.code) sprintf(got, "%s", e.code);
  if (strcmp(got, want)) fail_msg("%s: got \"%s\", wanted \"%s\"", q->text, got, want);
}
#define FOUND(text_, want) found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = (text_)}, 8, want)

static void put_notes(Store *s) {
  Batch *b = batch_new();
  index_put(b, "t", "a", "Invoice", "red\nblue", "The caf\u00e9 in Z\u00dcRICH");
  index_put(b, "t", "b", "Letter", "red", "an invoice, net 30 days, by net");
  index_put(b, "t", "c", "Memo", "", "nothing of note; Stra\u00dfe \u0416\u0443\u043a");
  index_put(b, "other", "d", "Invoice", "", "of another target");
  must_store(s, b);
}

static void c_search(void **state) {
  Store *s = *state;
  put_notes(s);
  FOUND("invoice", "a b ");
  FOUND("INVOICE cafe", "a ");
  FOUND("zurich", "a ");
  FOUND("\u0436\u0423\u041a", "c ");
  FOUND("\"net 30\"", "b ");
  FOUND("\"30 net\"", "");
  FOUND("lett*", "b ");
  FOUND("lett", "");
  FOUND("\"net 3\"*", "b ");
  FOUND("blue", "a ");
  FOUND("xt", ""); /* the scope is no word of an entry */
  FOUND("invoice OR", "");
  FOUND("-- invoice) \"", "a b ");
  FOUND("scope:main", "");
  FOUND(" \t ", "validation");
  FOUND("\"\" * ( -", "validation");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "letter memo nowhere", .any = true}, 8, "c b ");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice"}, 1, "a ");
  found_are(s, &(SearchQuery){.workspace = "mai", .target = "t", .text = "invoice"}, 8, "");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "other", .text = "invoice"}, 8, "d ");
}

static void c_search_filters(void **state) {
  Store *s = *state;
  put_notes(s);
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice", .tags = "red"}, 8, "a b ");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice", .tags = "blue\nred"}, 8, "a ");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice", .tags = "re"}, 8, "");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice", .types = "file\nnote"}, 8, "a b ");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice", .types = "file"}, 8, "");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice", .path = "b"}, 8, "b ");
  found_are(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "invoice", .path = "b"}, 1, "b ");
}

static void c_search_changes(void **state) {
  Store *s = *state;
  put_notes(s);
  Batch *b = batch_new();
  index_put(b, "t", "a", "Reminder", "", "second time");
  batch_index_del(b, "main", "t", "b");
  batch_index_del(b, "main", "t", "absent");
  must_store(s, b);
  FOUND("invoice", "");
  FOUND("red", "");
  FOUND("reminder", "a ");
  b = batch_new(); /* refused: nothing of it is there */
  index_put(b, "t", "e", "Reminder", "", "");
  batch_inbox_del(b, 999);
  must_refuse(s, b, "inbox_gone");
  FOUND("reminder", "a ");
}

static void c_search_snippet(void **state) {
  Store *s = *state;
  char text[4096] = "";
  SearchHit h;
  Err e = {0};
  for (int i = 0; i < 200; i++) sprintf(text + strlen(text), i == 150 ? "the needle " : "w%d ", i);
  Batch *b = batch_new();
  index_put(b, "t", "a", "Hay", "", text);
  must_store(s, b);
  assert_int_equal(store_search(s, &(SearchQuery){.workspace = "main", .target = "t", .text = "needle"}, &h, 1, &e), 1);
  assert_non_null(strstr(h.snippet, " the **needle** "));
  assert_true(strlen(h.snippet) < 200);
  assert_string_equal(h.title, "Hay");
  search_hit_free(&h);
}

static void doc_refused(Store *s, const char *key, int64_t rev) {
  Err e = {0};
  Batch *b = batch_new();
  batch_kv_put(b, "main", "beside", BYTES("v"), 0);
  doc_put(b, "res", key, rev, 1, 0, "late");
  assert_false(store_submit_wait(s, b, &e));
  assert_string_equal(e.code, "doc_conflict");
  kv_is(s, "beside", NULL);
}

static void c_doc_revisions(void **state) {
  Store *s = *state;
  DocRow r;
  Err e = {0};
  Batch *b = batch_new();
  doc_put(b, "res", "k", DOC_NEW, 1, 0, "one");
  must_store(s, b);
  doc_refused(s, "k", DOC_NEW);
  doc_refused(s, "k", 2);
  doc_refused(s, "absent", 1);
  b = batch_new();
  doc_put(b, "res", "k", 1, 1, 0, "two");
  must_store(s, b);
  b = batch_new();
  batch_doc_del(b, "main", "res", "k", 1);
  assert_false(store_submit_wait(s, b, &e));
  assert_string_equal(e.code, "doc_conflict");
  b = batch_new();
  batch_doc_del(b, "main", "res", "k", 2);
  batch_doc_del(b, "main", "res", "absent", DOC_ANY);
  must_store(s, b);
  assert_false(store_doc_get(s, "main", "res", "k", &r, &e));
}

static void c_kv_list(void **state) {
  Store *s = *state;
  Batch *b = batch_new();
  const char *keys[] = {"b", "p:3", "p:1", "p:2", "q", "p"};
  for (int i = 0; i < 6; i++) batch_kv_put(b, "main", keys[i], (Bytesv){keys[i], strlen(keys[i])}, 0);
  batch_kv_put(b, "zother", "p:0", BYTES("x"), 0);
  must_store(s, b);
  list_is(s, "p:", NULL, 16, "p:1=p:1 p:2=p:2 p:3=p:3 ");
  list_is(s, "p:", "p:1", 16, "p:2=p:2 p:3=p:3 ");
  list_is(s, "p:", "", 2, "p:1=p:1 p:2=p:2 ");
  list_is(s, NULL, "p:3", 16, "q=q ");
  list_is(s, "", "", 2, "b=b p=p ");
  list_is(s, "nothing", "", 16, "");
}

/* Reads see what is submitted. The queue is kept busy so that some of it is not committed yet; the answer must not depend
 * on that. */
static void c_kv_sees_submitted(void **state) {
  Store *s = *state;
  char text[32];
  for (int i = 0; i < 200; i++) {
    Batch *b = batch_new();
    snprintf(text, sizeof text, "%d", i);
    batch_kv_put(b, "main", "k", (Bytesv){text, strlen(text)}, 0);
    if (i % 2) batch_kv_del(b, "main", "j");
    else batch_kv_put(b, "main", "j", (Bytesv){text, strlen(text)}, 0);
    store_submit(s, b, (uint64_t)i);
    kv_is(s, "k", text);
    kv_is(s, "j", i % 2 ? NULL : text);
    char want[96];
    snprintf(want, sizeof want, i % 2 ? "k=%s " : "j=%s k=%s ", text, text);
    list_is(s, "", "", 16, want);
  }
  must_store(s, batch_new());
  kv_is(s, "k", "199");
}

static StoreTable table_named(const char *name, int64_t id, int64_t rows, const char *meta) {
  return (StoreTable){.workspace = "main", .name = (char *)(uintptr_t)name, .id = id, .rows = rows, .created_ms = 5, .updated_ms = rows + 5,
                      .meta = {(char *)(uintptr_t)meta, strlen(meta)}};
}

static void put_table(Batch *b, const char *name, int64_t id, int64_t rows, const char *meta) {
  StoreTable t = table_named(name, id, rows, meta);
  batch_table_put(b, &t);
}

static void table_is(Store *s, const char *name, int64_t id, int64_t rows, const char *meta) {
  StoreTable t;
  Err e;
  if (!store_table_get(s, "main", name, &t, &e)) fail_msg("no table %s", name);
  assert_int_equal(t.id, id);
  assert_int_equal(t.rows, rows);
  assert_int_equal(t.created_ms, 5);
  assert_string_equal(t.meta.p, meta);
  assert_string_equal(t.name, name);
  store_table_free(&t);
}

static bool add_row_text(void *ctx, int64_t place, Bytesv data) {
  char *out = ctx;
  sprintf(out + strlen(out), "%lld=%.*s ", (long long)(place & 0xffff), (int)data.n, (const char *)data.p);
  return strlen(out) < 40;
}

static bool add_key_text(void *ctx, Bytesv key) {
  char *out = ctx;
  sprintf(out + strlen(out), "%.*s ", (int)(key.n - 4), (const char *)key.p + 4);
  return strlen(out) < 40;
}

static void rows_are(Store *s, int64_t id, bool down, const char *want) {
  char got[200] = "";
  Err e;
  assert_true(store_table_rows(s, table_place(id, 0, 2), table_place(id, 3, 0), down, add_row_text, got, &e));
  assert_string_equal(got, want);
}

static Bytesv table_key(char *out, int64_t id, const char *text) {
  table_key_prefix(id, out);
  memcpy(out + 4, text, strlen(text));
  return (Bytesv){out, 4 + strlen(text)};
}

static void keys_are(Store *s, int64_t id, const char *from, const char *to, bool down, const char *want) {
  char got[200] = "", a[20], b[20];
  Err e;
  assert_true(store_table_keys(s, table_key(a, id, from), table_key(b, id, to), down, add_key_text, got, &e));
  assert_string_equal(got, want);
}

static void c_tables(void **state) {
  Store *s = *state;
  int64_t first = store_next_table(s), second = store_next_table(s);
  assert_true(first > 0 && second > first);
  Batch *b = batch_new();
  char key[20];
  const char *keys[] = {"b", "a", "c", "aa"};
  for (int i = 1; i <= 4; i++) batch_table_row_put(b, table_place(first, 0, i), (Bytesv){&"wxyz"[i - 1], 1});
  batch_table_row_put(b, table_place(first, 2, 9), BYTES("part"));
  batch_table_row_put(b, table_place(second, 0, 3), BYTES("other"));
  for (int i = 0; i < 4; i++) batch_table_key_put(b, table_key(key, first, keys[i]));
  batch_table_key_put(b, table_key(key, second, "a"));
  put_table(b, "t", first, 5, "meta");
  put_table(b, "u", second, 1, "m2");
  must_store(s, b);
  table_is(s, "t", first, 5, "meta");
  rows_are(s, first, false, "2=x 3=y 4=z 9=part ");
  rows_are(s, first, true, "9=part 4=z 3=y 2=x ");
  keys_are(s, first, "a", "c", false, "a aa b ");
  keys_are(s, first, "", "\xff", true, "c b aa a ");
  Blob row;
  Err e;
  assert_true(store_table_row(s, table_place(first, 0, 1), &row, &e));
  assert_string_equal(row.p, "w");
  blob_free(&row);
  assert_false(store_table_row(s, table_place(first, 1, 1), &row, &e));
  assert_null(e.code);
  b = batch_new();
  batch_table_row_put(b, table_place(first, 0, 2), BYTES("new"));
  batch_table_row_del(b, table_place(first, 0, 3));
  batch_table_key_del(b, table_key(key, first, "aa"));
  batch_table_key_put(b, table_key(key, first, "a"));
  put_table(b, "t", first, 4, "more");
  must_store(s, b);
  rows_are(s, first, false, "2=new 4=z 9=part ");
  keys_are(s, first, "", "\xff", false, "a b c ");
  table_is(s, "t", first, 4, "more");
  StoreTable list[4];
  assert_int_equal(store_tables(s, "main", NULL, list, 4, &e), 2);
  assert_string_equal(list[1].name, "u");
  for (int i = 0; i < 2; i++) store_table_free(&list[i]);
  assert_int_equal(store_tables(s, "main", "t", list, 4, &e), 1);
  store_table_free(list);
  assert_int_equal(store_tables(s, "other", NULL, list, 4, &e), 0);
  b = batch_new();
  put_table(b, "t", 99, 0, "");
  must_refuse(s, b, "table_exists");
  b = batch_new();
  batch_table_drop(b, "main", "t", first);
  put_table(b, "t", store_next_table(s), 0, "again");
  must_store(s, b);
  rows_are(s, first, false, "");
  keys_are(s, first, "", "\xff", false, "");
  rows_are(s, second, false, "3=other ");
  keys_are(s, second, "", "\xff", false, "a ");
  table_is(s, "t", second + 1, 0, "again");
}

/* What was added since a mark is taken out; a refused batch leaves nothing. */
static void c_tables_undone(void **state) {
  Store *s = *state;
  int64_t id = store_next_table(s);
  char key[20];
  Batch *b = batch_new();
  batch_meta_put(b, "m", "kept");
  BatchMark m = batch_mark(b);
  batch_table_row_put(b, table_place(id, 0, 2), BYTES("lost"));
  batch_table_key_put(b, table_key(key, id, "lost"));
  put_table(b, "t", id, 1, "lost");
  batch_undo(b, m);
  assert_false(batch_has_kv(b));
  assert_int_equal(batch_ops(b), 1);
  must_store(s, b);
  b = batch_new();
  batch_table_row_put(b, table_place(id, 0, 2), BYTES("lost"));
  batch_table_key_put(b, table_key(key, id, "lost"));
  put_table(b, "t", id, 1, "lost");
  batch_append(b, 77, 1, 1, BYTES("no such run"));
  must_refuse(s, b, "run_unknown");
  StoreTable t;
  Err e;
  assert_false(store_table_get(s, "main", "t", &t, &e));
  assert_null(e.code);
  rows_are(s, id, false, "");
  keys_are(s, id, "", "\xff", false, "");
}

/* All of a table is seen as submitted, over what is stored, in both directions. */
static void c_tables_submitted(void **state) {
  Store *s = *state;
  int64_t id = store_next_table(s);
  char text[16], want[64], key[64];
  Err e;
  for (int i = 2; i < 200; i++) {
    Batch *b = batch_new();
    snprintf(text, sizeof text, "%d", i);
    batch_table_row_put(b, table_place(id, 0, 2), (Bytesv){text, strlen(text)});
    batch_table_row_put(b, table_place(id, 0, 3 + i % 2), (Bytesv){text, strlen(text)});
    batch_table_row_del(b, table_place(id, 0, 4 - i % 2));
    batch_table_key_put(b, table_key(key, id, i % 2 ? "odd" : "even"));
    batch_table_key_del(b, table_key(key, id, i % 2 ? "even" : "odd"));
    put_table(b, "t", id, i, text);
    store_submit(s, b, (uint64_t)i);
    table_is(s, "t", id, i, text);
    snprintf(want, sizeof want, "2=%s %d=%s ", text, 3 + i % 2, text);
    rows_are(s, id, false, want);
    snprintf(want, sizeof want, "%d=%s 2=%s ", 3 + i % 2, text, text);
    rows_are(s, id, true, want);
    keys_are(s, id, "", "\xff", i % 3 == 0, i % 2 ? "odd " : "even ");
    if (i % 7 == 0) assert_true(store_table_settle(s, &e));
  }
  must_store(s, batch_new());
}

/* What is refused is not seen any more. */
static void c_tables_refused_later(void **state) {
  Store *s = *state;
  int64_t id = store_next_table(s);
  char key[64];
  Batch *b = batch_new();
  batch_table_row_put(b, table_place(id, 0, 2), BYTES("kept"));
  put_table(b, "t", id, 1, "m");
  must_store(s, b);
  for (int i = 0; i < 20; i++) {
    b = batch_new();
    batch_table_row_put(b, table_place(id, 0, 2), BYTES("lost"));
    batch_table_row_put(b, table_place(id, 0, 3), BYTES("lost"));
    batch_table_key_put(b, table_key(key, id, "lost"));
    put_table(b, "t", id, 2, "m");
    batch_append(b, 77, 1, 1, BYTES("no such run"));
    store_submit(s, b, 5);
    Blob out = {0};
    Err e;
    if (store_table_row(s, table_place(id, 0, 3), &out, &e)) blob_free(&out); /* it may be seen now */
    must_store(s, batch_new());
    rows_are(s, id, false, "2=kept ");
    keys_are(s, id, "", "\xff", false, "");
  }
}

static void c_files_and_meta(void **state) {
  Store *s = *state;
  const uint8_t hash[16] = {1, 2, 3}, no[16] = {9};
  Batch *b = batch_new();
  batch_unit_put(b, hash, "a.edn", BYTES("unit"));
  batch_unit_put(b, hash, "b.edn", BYTES("ignored"));
  batch_source_put(b, "ff", "a.edn", BYTES("text"));
  batch_source_put(b, "ff", "b.edn", BYTES("ignored"));
  batch_meta_put(b, "m", "1");
  batch_meta_put(b, "m", "2");
  must_store(s, b);
  char *file, *value;
  Blob out;
  Err e;
  assert_true(store_unit_get(s, hash, &file, &out, &e));
  assert_string_equal(file, "a.edn");
  assert_string_equal(out.p, "unit");
  free(file);
  blob_free(&out);
  assert_false(store_unit_get(s, no, &file, &out, &e));
  assert_null(e.code);
  assert_true(store_source_get(s, "ff", NULL, &out, &e));
  assert_string_equal(out.p, "text");
  blob_free(&out);
  assert_true(store_meta_get(s, "m", &value, &e));
  assert_string_equal(value, "2");
  free(value);
  assert_false(store_meta_get(s, "none", &value, &e));
}

static void c_outcomes(void **state) {
  Store *s = *state;
  Batch *b = batch_new();
  batch_outcome_put(b, "main", "k", 1000, BYTES("first"));
  must_store(s, b);
  int64_t at;
  Blob out;
  Err e;
  assert_true(store_outcome_get(s, "main", "k", &at, &out, &e));
  assert_int_equal(at, 1000);
  assert_string_equal(out.p, "first");
  blob_free(&out);
  b = batch_new();
  batch_outcome_put(b, "main", "k2", 1000 + 48 * 3600000ll, BYTES("x"));
  must_store(s, b);
  assert_true(store_outcome_get(s, "main", "k", &at, &out, &e)); /* remembered for 48 h */
  blob_free(&out);
  b = batch_new();
  batch_outcome_put(b, "main", "k3", 1000 + 50 * 3600000ll, BYTES("x"));
  must_store(s, b);
  assert_false(store_outcome_get(s, "main", "k", &at, &out, &e));
  assert_true(store_outcome_get(s, "main", "k2", &at, &out, &e));
  blob_free(&out);
}

static void c_run_lists(void **state) {
  Store *s = *state;
  for (int64_t i = 1; i <= 6; i++) make_run(s, i);
  Batch *b = batch_new();
  batch_status(b, 2, 1, RUN_WAITING, 1, 77, "{:waits 1}");
  batch_status(b, 4, 1, RUN_FAILED, 1, 0, NULL);
  batch_append(b, 5, 1, 1, BYTES("x"));
  must_store(s, b);
  RunRow r[8];
  Err e;
  assert_int_equal(store_runs(s, 0, 0, r, 8, &e), 6);
  assert_int_equal(store_last_run(s), 6);
  assert_int_equal(store_last_run(s), 6); /* asking gives none away */
  assert_int_equal(r[4].head_seq, 1);
  assert_int_equal(r[1].wake_ms, 77);
  for (int i = 0; i < 6; i++) run_row_free(&r[i]);
  assert_int_equal(store_runs(s, 1, 1u << RUN_RUNNING, r, 8, &e), 3);
  assert_int_equal(r[0].run, 3);
  for (int i = 0; i < 3; i++) run_row_free(&r[i]);
  assert_int_equal(store_runs(s, 0, 1u << RUN_WAITING | 1u << RUN_FAILED, r, 8, &e), 2);
  for (int i = 0; i < 2; i++) run_row_free(&r[i]);
  assert_int_equal(store_runs(s, 2, 0, r, 2, &e), 2);
  assert_int_equal(r[0].run, 3);
  for (int i = 0; i < 2; i++) run_row_free(&r[i]);
}

static void add_slotted(Batch *b, int64_t run, const char *workspace, const char *slug, const char *slot, const char *installation) {
  char id[64];
  snprintf(id, sizeof id, "run-%" PRId64, run);
  RunRow r = {.run = run, .run_id = id, .workspace = (char *)workspace, .slug = (char *)slug, .epoch = 1, .created_ms = 1, .updated_ms = 1,
              .status = run == 3 ? RUN_QUEUED : RUN_RUNNING, .slot = (char *)slot, .installation = (char *)installation,
              .origin = run == 1 ? "{:by 1}" : NULL};
  batch_run_create(b, &r);
}

static void newest_are(Store *s, const RunQuery *q, int64_t before, size_t max, const char *want) {
  RunRow r[8];
  Err e = {0};
  char got[80] = "";
  size_t n = store_runs_newest(s, q, before, r, max, &e);
  assert_null(e.code);
  for (size_t i = 0; i < n; i++) {
    sprintf(got + strlen(got), "%" PRId64 " ", r[i].run);
    run_row_free(&r[i]);
  }
  assert_string_equal(got, want);
}

static void c_runs_newest(void **state) {
  Store *s = *state;
  Batch *b = batch_new();
  for (int64_t i = 1; i <= 6; i++) add_slotted(b, i, i == 4 ? "other" : "main", i % 2 ? "odd" : "even", NULL, i > 4 ? "inst-1" : NULL);
  batch_status(b, 2, 1, RUN_COMPLETED, 5, 0, NULL);
  batch_status(b, 5, 1, RUN_FAILED, 5, 0, NULL);
  must_store(s, b);
  newest_are(s, &(RunQuery){.workspace = "main"}, INT64_MAX, 8, "6 5 3 2 1 ");
  newest_are(s, &(RunQuery){.workspace = "main"}, INT64_MAX, 2, "6 5 ");
  newest_are(s, &(RunQuery){.workspace = "main"}, 5, 2, "3 2 ");
  newest_are(s, &(RunQuery){.workspace = "other"}, INT64_MAX, 8, "4 ");
  newest_are(s, &(RunQuery){.workspace = "main", .slug = "odd"}, INT64_MAX, 8, "5 3 1 ");
  newest_are(s, &(RunQuery){.workspace = "main", .slug = "odd", .mask = 1u << RUN_RUNNING | 1u << RUN_QUEUED}, INT64_MAX, 8, "3 1 ");
  newest_are(s, &(RunQuery){.workspace = "main", .mask = 1u << RUN_FAILED | 1u << RUN_COMPLETED}, INT64_MAX, 8, "5 2 ");
  newest_are(s, &(RunQuery){.workspace = "main", .installation = "inst-1"}, INT64_MAX, 8, "6 5 ");
  newest_are(s, &(RunQuery){.workspace = "main", .installation = "inst-1", .slug = "odd"}, INT64_MAX, 8, "5 ");
  newest_are(s, &(RunQuery){.workspace = "main", .installation = "inst-1", .mask = 1u << RUN_RUNNING}, INT64_MAX, 8, "6 ");
  newest_are(s, &(RunQuery){.workspace = "main", .slug = "none"}, INT64_MAX, 8, "");
}

static void c_slots(void **state) {
  Store *s = *state;
  RunRow r[8];
  Err e;
  Batch *b = batch_new();
  for (int64_t i = 1; i <= 5; i++) add_slotted(b, i, i == 5 ? "other" : "main", "x", i == 2 ? "b" : "a", NULL);
  must_store(s, b);
  assert_int_equal(store_slot(s, "main", "a", 0, 0, r, 8, &e), 3);
  assert_int_equal(r[1].run, 3);
  assert_int_equal(r[1].status, RUN_QUEUED);
  assert_string_equal(r[0].slot, "a");
  assert_string_equal(r[0].origin, "{:by 1}");
  assert_null(r[0].installation);
  for (int i = 0; i < 3; i++) run_row_free(&r[i]);
  b = batch_new();
  batch_status(b, 1, 1, RUN_CANCELLED, 9, 0, NULL);
  must_store(s, b);
  assert_int_equal(store_slot(s, "main", "a", 0, 0, r, 8, &e), 2);
  assert_int_equal(r[0].run, 3);
  for (int i = 0; i < 2; i++) run_row_free(&r[i]);
  assert_int_equal(store_slot(s, "main", "a", 0, 3, r, 8, &e), 1);
  assert_int_equal(r[0].run, 4);
  run_row_free(&r[0]);
  assert_int_equal(store_slot(s, "main", "a", 1u << RUN_QUEUED, 0, r, 8, &e), 1);
  assert_int_equal(r[0].run, 3);
  run_row_free(&r[0]);
  assert_int_equal(store_slot_queue(s, "main", "a", 100), 1);
  assert_int_equal(store_slot_queue(s, "main", "a", 0), 0);
  assert_int_equal(store_slot_queue(s, "main", "none", 100), 0);
  assert_int_equal(store_runs(s, 0, RUNS_OPEN, r, 8, &e), 4);
  for (int i = 0; i < 4; i++) run_row_free(&r[i]);
}

static void c_big_and_empty(void **state) {
  Store *s = *state;
  make_run(s, 1);
  size_t n = 3 << 20;
  char *big = malloc(n);
  memset(big, 'z', n);
  Batch *b = batch_new();
  batch_append(b, 1, 1, 65535, (Bytesv){big, n});
  batch_snapshot(b, 1, 1, 1, (Bytesv){big, n});
  must_store(s, b);
  Blob out;
  int64_t seq;
  Err e;
  assert_true(store_snapshot_get(s, 1, &seq, &out, &e));
  assert_int_equal(out.n, n);
  assert_memory_equal(out.p, big, n);
  blob_free(&out);
  b = batch_new();
  batch_append(b, 1, 1, 1, (Bytesv){big, STORE_BLOB_MAX + 1}); /* refused before a byte is read */
  must_refuse(s, b, "too_big");
  must_refuse(s, NULL, "out_of_memory");
  store_submit(s, NULL, 42);
  Completion c;
  assert_int_equal(store_completions(s, &c, 1), 1);
  assert_int_equal(c.tag, 42);
  assert_string_equal(c.error, "out_of_memory");
  batch_free(batch_new());
  free(big);
}

/* ---- the file ---- */

static void f_group_commit(void **state) {
  Store *s = *state;
  StoreStats a, z;
  make_run(s, 1);
  store_stats(s, &a);
  for (uint64_t i = 0; i < 1000; i++) store_submit(s, appending(1, 1, "x"), i);
  must_store(s, appending(1, 1, "last"));
  store_stats(s, &z);
  assert_int_equal(z.journal_rows - a.journal_rows, 1001);
  assert_true(z.commits - a.commits < 500);
  assert_true(z.syncs - a.syncs <= z.commits - a.commits + 4);
}

static Batch *putting(const char *key) {
  Batch *b = batch_new();
  batch_kv_put(b, "main", key, BYTES("v"), 0);
  return b;
}

static void read_key(Store *s, const char *key) {
  KvRow row = {0};
  Err e = {0};
  if (!store_kv_get(s, "main", key, &row, &e)) return assert_null(e.code);
  free(row.key);
  blob_free(&row.value);
}

/* What one has read of a batch that is refused later is no concern of others, nor of itself once it has begun anew. */
static void f_reads(void **state) {
  Store *s = *state;
  read_key(s, "a");
  uint64_t mine = store_reads(s, 0);
  assert_true(mine != 0);
  Batch *bad = appending(9, 1, "r");
  batch_kv_put(bad, "main", "a", BYTES("lost"), 0);
  must_refuse(s, bad, "run_unknown");
  must_store(s, putting("b"));
  store_reads(s, mine);
  must_refuse(s, putting("c"), "out_of_order");
  must_store(s, putting("c"));
  read_key(s, "a");
  must_store(s, putting("d"));
  assert_int_equal(store_reads(s, 0), 0);
}

static void must_complete(Store *s, size_t n) {
  Completion c[64];
  while (n) {
    struct pollfd p = {.fd = store_event_fd(s), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    size_t got = store_completions(s, c, n < 64 ? n : 64);
    for (size_t i = 0; i < got; i++) assert_null(c[i].error);
    n -= got;
  }
}

/* What is gathered is one commit; it leaves at the release, when it is enough, and before somebody who waits. */
static void f_gather(void **state) {
  Store *s = *state;
  StoreStats a, z;
  make_run(s, 1);
  store_stats(s, &a);
  store_gather(s);
  for (uint64_t i = 0; i < STORE_GATHER - 1; i++) store_submit(s, appending(1, 1, "x"), i);
  store_release(s);
  must_complete(s, STORE_GATHER - 1);
  store_stats(s, &z);
  assert_int_equal(z.commits - a.commits, 1);
  store_gather(s);
  for (uint64_t i = 0; i < STORE_GATHER; i++) store_submit(s, appending(1, 1, "x"), i);
  must_complete(s, STORE_GATHER);
  for (uint64_t i = 0; i < 200; i++) { /* released is released, whatever is gathered behind it */
    store_submit(s, appending(1, 1, "x"), i);
    store_release(s);
    store_gather(s);
    must_complete(s, 1);
  }
  store_submit(s, appending(1, 1, "before"), 1);
  must_store(s, appending(1, 1, "last"));
  must_complete(s, 1);
  store_submit(s, appending(1, 1, "at the close"), 1);
  store_close(s);
  *state = s = open_file();
  RunRow r = run_of(s, 1);
  assert_int_equal(r.head_seq, 2 * STORE_GATHER + 202);
  run_row_free(&r);
}

/* Each acknowledged commit has its own sync: with a lower sync mode there would be none. */
static void f_full_sync(void **state) {
  Store *s = *state;
  StoreStats a, z;
  make_run(s, 1);
  store_stats(s, &a);
  for (int i = 0; i < 100; i++) {
    StoreStats before, after;
    store_stats(s, &before);
    must_store(s, appending(1, 1, "x"));
    store_stats(s, &after);
    assert_true(after.syncs > before.syncs);
  }
  store_stats(s, &z);
  assert_int_equal(z.commits - a.commits, 100);
  assert_int_equal(z.syncs - a.syncs, 100);
}

static void f_sync_budget(void **state) {
  Store *s = *state;
  char text[2000];
  memset(text, 'x', sizeof text);
  for (int i = 0; i < 1000; i++) {
    Batch *b = batch_new();
    if (i == 0) add_run(b, 1);
    batch_append(b, 1, 1, 1, (Bytesv){text, sizeof text});
    batch_append(b, 1, 1, 2, (Bytesv){text, sizeof text});
    must_store(s, b);
  }
  StoreStats z;
  store_stats(s, &z);
  assert_int_equal(z.commits, 1000);
  assert_true(z.syncs <= 1050); /* with creation and checkpoints */
}

/* A number that was given out and refused is not given out again behind those that came after it. */
static void f_numbers_of_runs(void **state) {
  Store *s = *state;
  Err e = {0};
  make_run(s, 1);
  for (int i = 0; i < 3; i++) {
    Batch *b = batch_new();
    add_run(b, 1);
    assert_false(store_submit_wait(s, b, &e));
    assert_string_equal(e.code, "run_exists");
  }
  make_run(s, 5);
  assert_int_equal(store_count_slug(s, "main", "x"), 5);
  store_close(s);
  *state = s = open_file();
  assert_int_equal(store_count_slug(s, "main", "x"), 5);
  make_run(s, 6);
  assert_int_equal(store_count_slug(s, "main", "x"), 6);
}

static void f_reopen(void **state) {
  Store *s = *state;
  make_run(s, 1);
  make_run(s, 2);
  for (int i = 0; i < 3; i++) must_store(s, appending(1, 1, "a"));
  must_store(s, appending(2, 1, "b"));
  Batch *b = batch_new();
  batch_status(b, 2, 1, RUN_WAITING, 1, 0, NULL);
  must_store(s, b);
  store_close(s);
  *state = s = open_file();
  assert_int_equal(store_next_run(s), 3);
  assert_int_equal(store_count_slug(s, "main", "x"), 2);
  RunRow r = run_of(s, 1);
  assert_int_equal(r.head_seq, 3);
  run_row_free(&r);
  must_store(s, appending(1, 1, "after"));
  must_store(s, appending(2, 1, "after"));
  journal_is(s, 1, -1, "1:3:1:a 2:3:1:a 3:3:1:a 4:3:1:after ");
  journal_is(s, 2, -1, "1:3:1:b 2:3:1:after ");
}

/* kill -9 in the middle of work: what was acknowledged is there, and the heads are found again. */
static void f_killed(void **state) {
  store_close(*state);
  *state = NULL;
  int told[2];
  assert_int_equal(pipe(told), 0);
  pid_t pid = fork();
  if (!pid) {
    Store *s = open_file();
    make_run(s, 1);
    for (int i = 0; i < 50; i++) must_store(s, appending(1, 1, "x"));
    if (write(told[1], "k", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char c;
  assert_int_equal(read(told[0], &c, 1), 1);
  Err e;
  assert_null(store_open(db, &(StoreOptions){.executor = true}, &e));
  assert_string_equal(e.code, "db_locked");
  char want[32];
  snprintf(want, sizeof want, "pid %d", (int)pid);
  assert_non_null(strstr(e.msg, want));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  close(told[0]);
  close(told[1]);
  Store *s = *state = open_file();
  RunRow r = run_of(s, 1);
  assert_int_equal(r.head_seq, 50);
  run_row_free(&r);
  must_store(s, appending(1, 1, "y"));
  journal_is(s, 1, 49, "50:3:1:x 51:3:1:y ");
}

static void f_lock_in_one_process(void **state) {
  (void)state;
  Err e;
  assert_null(store_open(db, &(StoreOptions){.executor = true}, &e));
  assert_string_equal(e.code, "db_locked");
}

static void f_watermark(void **state) {
  store_close(*state);
  store_tune.flush_rows = 16;
  Store *s = *state = open_file();
  for (int64_t i = 1; i <= 5; i++) make_run(s, i);
  for (int i = 0; i < 100; i++) must_store(s, appending(i % 5 + 1, 1, "x"));
  store_close(s);
  s = *state = open_file();
  store_tune.flush_rows = 4096;
  for (int64_t i = 1; i <= 5; i++) {
    RunRow r = run_of(s, i);
    assert_int_equal(r.head_seq, 20);
    run_row_free(&r);
    must_store(s, appending(i, 1, "y"));
    journal_is(s, i, 19, "20:3:1:x 21:3:1:y ");
  }
}

static void f_many_runs(void **state) {
  Store *s = *state;
  for (int64_t i = 1; i <= 20000; i++) {
    Batch *b = batch_new();
    add_run(b, i);
    batch_append(b, i, 1, 1, BYTES("a"));
    batch_status(b, i, 1, RUN_WAITING, 1, 0, NULL);
    store_submit(s, b, (uint64_t)i);
  }
  must_store(s, batch_new()); /* the heads of parked runs are forgotten on the way ... */
  for (int64_t i = 1; i <= 20000; i += 997) {
    must_store(s, appending(i, 1, "b")); /* ... and found again */
    journal_is(s, i, -1, "1:1:1:a 2:3:1:b ");
  }
}

static void f_beside(void **state) {
  Store *s = *state;
  make_run(s, 1);
  must_store(s, appending(1, 1, "a"));
  store_changed(s);
  assert_false(store_changed(s));
  must_store(s, appending(1, 1, "b"));
  assert_false(store_changed(s)); /* our own commit is no news */
  Store *o = must_open(&(StoreOptions){.beside = true});
  journal_is(o, 1, -1, "1:3:1:a 2:3:1:b ");
  Batch *b = batch_new();
  batch_inbox_put(b, "main", "k", "event", 1, BYTES("hello"));
  must_store(o, b);
  assert_true(store_changed(s));
  assert_false(store_changed(s));
  InboxRow in;
  Err e;
  assert_int_equal(store_inbox(s, 0, &in, 1, &e), 1);
  assert_string_equal(in.body.p, "hello");
  inbox_row_free(&in);
  must_refuse(o, appending(1, 1, "c"), "not_executor");
  must_store(s, appending(1, 1, "c"));
  journal_is(o, 1, 2, "3:3:1:c ");
  assert_true(store_changed(o));
  store_close(o);
  must_store(s, appending(1, 1, "d"));
  journal_is(s, 1, 3, "4:3:1:d ");
}

static int64_t inbox_rows(Store *s) {
  InboxRow in[4];
  Err e;
  size_t n = store_inbox(s, 0, in, 4, &e);
  for (size_t i = 0; i < n; i++) inbox_row_free(&in[i]);
  return (int64_t)n;
}

static void put_inbox(Store *s) {
  Batch *b = batch_new();
  batch_inbox_put(b, "main", "k", "event", 1, BYTES("hello"));
  must_store(s, b);
}

/* Reads that share a transaction see what this process commits, and what others do at the latest when it was told of. */
static void f_together(void **state) {
  Store *s = *state;
  make_run(s, 1);
  store_changed(s);
  store_together(s, true);
  assert_int_equal(inbox_rows(s), 0);
  put_inbox(s);
  assert_int_equal(inbox_rows(s), 1);
  Store *o = must_open(&(StoreOptions){.beside = true});
  put_inbox(o);
  assert_true(store_changed(s));
  assert_int_equal(inbox_rows(s), 2);
  put_inbox(o);
  store_together(s, false);
  store_together(s, true);
  assert_int_equal(inbox_rows(s), 3);
  for (int i = 0; i < 200; i++) { /* the head is known in memory before the next read begins */
    must_store(s, appending(1, 1, "x"));
    int64_t last = 0;
    Err e = {0};
    assert_true(store_journal(s, 1, i, stop_at_two, &last, &e));
    assert_int_equal(last, i + 1);
  }
  store_close(o);
}

static void f_read_only(void **state) {
  Store *s = *state;
  make_run(s, 1);
  must_store(s, appending(1, 1, "a"));
  Store *o = must_open(&(StoreOptions){.read_only = true});
  journal_is(o, 1, -1, "1:3:1:a ");
  must_store(s, appending(1, 1, "b"));
  journal_is(o, 1, -1, "1:3:1:a 2:3:1:b ");
  must_refuse(o, appending(1, 1, "c"), "db_readonly");
  store_close(o);
  store_close(s);
  o = must_open(&(StoreOptions){.read_only = true}); /* nobody runs */
  journal_is(o, 1, -1, "1:3:1:a 2:3:1:b ");
  store_close(o);
  *state = open_file();
}

/* Two stores without the executor lock: the epoch alone must keep them apart. */
static void f_epoch_fences_two_writers(void **state) {
  store_close(*state);
  Store *a = *state = must_open(&(StoreOptions){0});
  Store *b = must_open(&(StoreOptions){0});
  make_run(a, 1);
  must_store(a, appending(1, 1, "a"));
  Batch *t = batch_new();
  batch_take_over(t, 1, 1, 2);
  must_store(b, t);
  must_store(b, appending(1, 2, "b"));
  must_refuse(a, appending(1, 1, "stale"), "stale_epoch");
  t = batch_new();
  batch_take_over(t, 1, 2, 3);
  must_store(a, t);
  must_store(a, appending(1, 3, "c"));
  must_refuse(b, appending(1, 2, "stale"), "stale_epoch");
  journal_is(b, 1, -1, "1:3:1:a 2:3:2:b 3:3:3:c ");
  store_close(b);
}

static void f_segments(void **state) {
  store_close(*state);
  unlink(db);
  store_tune.segment_bits = 4;
  Store *s = *state = open_file();
  store_tune.segment_bits = 20;
  Err e;
  char got[4096] = "";
  make_run(s, 1);
  for (int i = 0; i < 40; i++) must_store(s, appending(1, 1, "x"));
  Batch *b = batch_new();
  batch_status(b, 1, 1, RUN_COMPLETED, 100, 0, NULL);
  must_store(s, b);
  make_run(s, 2);
  for (int i = 0; i < 40; i++) must_store(s, appending(2, 1, "y"));
  assert_true(store_journal(s, 1, -1, collect, got, &e));
  assert_non_null(strstr(got, "40:3:1:x"));
  assert_int_equal(store_drop_history(s, 100, &e), 0); /* not older */
  assert_int_equal(store_drop_history(s, 101, &e), 2); /* the third has records of the live run */
  assert_null(e.code);
  journal_is(s, 1, -1, "33:3:1:x 34:3:1:x 35:3:1:x 36:3:1:x 37:3:1:x 38:3:1:x 39:3:1:x 40:3:1:x ");
  store_close(s);
  s = *state = open_file();
  must_store(s, appending(2, 1, "z"));
  journal_is(s, 2, 39, "40:3:1:y 41:3:1:z ");
  assert_int_equal(store_drop_history(s, 101, &e), 0);
}

static void foreign(const char *sql) {
  sqlite3 *x;
  assert_int_equal(sqlite3_open(db, &x), SQLITE_OK);
  assert_int_equal(sqlite3_exec(x, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(x);
}

static void must_not_open(const char *code) {
  Err e = {0};
  assert_null(store_open(db, &(StoreOptions){.executor = true}, &e));
  assert_string_equal(e.code, code);
  assert_non_null(strstr(e.msg, db));
}

static void f_wrong_files(void **state) {
  store_close(*state);
  *state = NULL;
  foreign("PRAGMA user_version=2");
  must_not_open("db_newer");
  foreign("PRAGMA user_version=0");
  must_not_open("db_corrupt");
  unlink(db);
  foreign("CREATE TABLE t(x)");
  must_not_open("db_foreign");
  foreign("PRAGMA application_id=5");
  must_not_open("db_foreign");
  FILE *f = fopen(db, "w");
  for (int i = 0; i < 1000; i++) fputs("This is a letter and no database. ", f);
  fclose(f);
  must_not_open("db_foreign");
  unlink(db);
  Err e;
  assert_null(store_open(db, &(StoreOptions){.read_only = true}, &e));
  assert_string_equal(e.code, "db_open");
  mkdir(db, 0755);
  must_not_open("db_open");
  rmdir(db);
  fclose(fopen(db, "w")); /* an empty file is a new database */
  *state = open_file();
}

static void f_damaged_file(void **state) {
  store_close(*state);
  *state = NULL;
  assert_int_equal(truncate(db, 4096), 0);
  must_not_open("db_corrupt");
  unlink(db);
}

/* Changes one byte of a stored record behind the store's back. */
static void damage(const char *table, const char *where) {
  char sql[256];
  snprintf(sql, sizeof sql, "UPDATE %s SET data=CAST(substr(data,1,length(data)-1)||x'00' AS BLOB) WHERE %s", table, where);
  foreign(sql);
}

static void f_corrupt_record(void **state) {
  Store *s = *state;
  make_run(s, 1);
  make_run(s, 2);
  for (int i = 0; i < 3; i++) must_store(s, appending(1, 1, "abc"));
  must_store(s, appending(2, 1, "fine"));
  Batch *b = batch_new();
  batch_snapshot(b, 1, 1, 3, BYTES("snap"));
  must_store(s, b);
  damage("j0", "id=2");
  damage("snapshots", "run=1");
  char got[256] = "";
  Err e;
  assert_false(store_journal(s, 1, -1, collect, got, &e));
  assert_string_equal(e.code, "corrupt_record");
  assert_non_null(strstr(e.msg, "seq 2"));
  Blob out;
  int64_t seq;
  assert_false(store_snapshot_get(s, 1, &seq, &out, &e));
  assert_string_equal(e.code, "corrupt_record");
  journal_is(s, 1, 2, "3:3:1:abc "); /* behind the damage */
  journal_is(s, 2, -1, "1:3:1:fine ");
  foreign("UPDATE j0 SET data=(SELECT data FROM j0 WHERE id=1) WHERE id=3"); /* a whole record in the wrong row */
  assert_false(store_journal(s, 1, 2, collect, got, &e));
  assert_string_equal(e.code, "corrupt_record");
  foreign("DELETE FROM j0 WHERE id=3");
  assert_false(store_journal(s, 1, 2, collect, got, &e));
  assert_string_equal(e.code, "corrupt_record");
}

static void f_makes_directories(void **state) {
  (void)state;
  char path[PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/a/b//c/x.db", dir);
  Err e = {0};
  Store *s = store_open(path, &(StoreOptions){0}, &e);
  assert_non_null(s);
  store_close(s);
  assert_int_equal(access(path, F_OK), 0);
}

static void f_lazy_files(void **state) {
  Store *s = *state;
  char name[PATH_MAX + 32];
  struct stat st;
  snprintf(name, sizeof name, "%s.reserve", db);
  assert_int_not_equal(stat(name, &st), 0); /* opening alone reserves nothing */
  make_run(s, 1);
  store_close(s);
  *state = open_file();
  assert_int_equal(stat(name, &st), 0); /* needs 64 MiB of free space where the tests run */
  assert_int_equal(st.st_size, 16 << 20);
  assert_true(st.st_blocks >= 16 << 11);
  assert_true(store_files_release_reserve(db));
  assert_false(store_files_release_reserve(db));
}

/* ---- a default VFS whose disk can be full: the store uses its real files above it ---- */

static sqlite3_vfs full_vfs;
static struct { const sqlite3_io_methods *real; sqlite3_io_methods full; } full_methods[4]; /* databases and logs have different ones */
static _Atomic int disk_full, sync_fails;

static int full_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
  char name[PATH_MAX + 32];
  snprintf(name, sizeof name, "%s.reserve", db);
  if (disk_full && access(name, F_OK) == 0) return SQLITE_FULL; /* space is what the reserve gives back */
  return full_methods[0].real->xWrite(f, p, n, at);
}

static int full_sync(sqlite3_file *f, int flags) { return sync_fails ? SQLITE_IOERR_FSYNC : full_methods[0].real->xSync(f, flags); }

static const sqlite3_io_methods *methods_above(const sqlite3_io_methods *real) {
  int i = 0;
  while (i < 3 && full_methods[i].real && full_methods[i].real != real) i++;
  full_methods[i].real = real;
  full_methods[i].full = *real;
  full_methods[i].full.xWrite = full_write; /* the unix VFS has the same write and sync in all of them */
  full_methods[i].full.xSync = full_sync;
  return &full_methods[i].full;
}

static int full_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
  sqlite3_vfs *unix_vfs = v->pAppData;
  int rc = unix_vfs->xOpen(unix_vfs, name, f, flags, out);
  if (f->pMethods) f->pMethods = methods_above(f->pMethods);
  return rc;
}

/* Once: a registered VFS must not be overwritten. */
static void make_full_vfs(void) {
  if (full_vfs.zName) return;
  sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");
  full_vfs = *unix_vfs;
  full_vfs.zName = "full";
  full_vfs.pAppData = unix_vfs;
  full_vfs.xOpen = full_open;
}

static void with_full_vfs(void) {
  make_full_vfs();
  sqlite3_vfs_register(&full_vfs, 1);
}

static void without_full_vfs(void) {
  sqlite3_vfs_unregister(&full_vfs);
  sqlite3_vfs_register(sqlite3_vfs_find("unix"), 1);
  disk_full = sync_fails = 0;
}

static void f_disk_full(void **state) {
  store_close(*state);
  with_full_vfs();
  Store *s = *state = open_file();
  make_run(s, 1);
  make_run(s, 2);
  disk_full = 1;
  Batch *b = batch_new();
  add_run(b, 3);
  must_refuse(s, b, "disk_full");
  must_refuse(s, appending(2, 1, "x"), "disk_full");
  assert_false(store_failed(s));
  b = batch_new();
  batch_status(b, 1, 1, RUN_COMPLETED, 5, 0, NULL); /* the reserve is for this */
  must_store(s, b);
  RunRow r = run_of(s, 1);
  assert_int_equal(r.status, RUN_COMPLETED);
  run_row_free(&r);
  disk_full = 0;
  must_store(s, appending(2, 1, "y"));
  journal_is(s, 2, -1, "1:3:1:y ");
  store_close(s);
  without_full_vfs();
  char name[PATH_MAX + 32];
  snprintf(name, sizeof name, "%s.reserve", db);
  assert_int_equal(access(name, F_OK), 0); /* taken again, with the first commit on a disk with space */
  *state = open_file();
}

/* Who asks for the end of a run may use the reserve, too; who sends something else may not. */
static void f_disk_full_cancel(void **state) {
  store_close(*state);
  with_full_vfs();
  Store *s = *state = open_file();
  make_run(s, 1);
  disk_full = 1;
  Batch *b = batch_new();
  batch_inbox_put(b, "main", "k", "event", 5, (Bytesv){"x", 1});
  must_refuse(s, b, "disk_full");
  b = batch_new();
  batch_inbox_put(b, "main", "flow-x-main-r1", "cancel", 5, (Bytesv){"x", 1});
  batch_essential(b);
  must_store(s, b);
  store_close(s);
  without_full_vfs();
  *state = open_file();
}

static void f_sync_fails(void **state) {
  store_close(*state);
  with_full_vfs();
  Store *s = *state = open_file();
  make_run(s, 1);
  assert_false(store_failed(s));
  sync_fails = 1;
  must_refuse(s, appending(1, 1, "x"), "store_failed");
  assert_true(store_failed(s));
  sync_fails = 0;
  must_refuse(s, appending(1, 1, "y"), "store_failed"); /* never again in this process */
  must_refuse(s, batch_new(), "store_failed");
  store_close(s);
  without_full_vfs();
  *state = open_file();
  must_store(*state, appending(1, 1, "z"));
}

/* ---- records ---- */

static void t_crc(void **state) {
  (void)state;
  uint8_t zeros[32] = {0}, up[32];
  for (int i = 0; i < 32; i++) up[i] = (uint8_t)i;
  assert_int_equal(store_record_crc(0, "123456789", 9), 0xe3069283u); /* RFC 3720 B.4 and the usual check value */
  assert_int_equal(store_record_crc(0, zeros, 32), 0x8a9136aau);
  assert_int_equal(store_record_crc(0, up, 32), 0x46dd794eu);
  assert_int_equal(store_record_crc(store_record_crc(0, "1234", 4), "56789", 5), 0xe3069283u);
  uint8_t some[300];
  for (size_t i = 0; i < sizeof some; i++) some[i] = (uint8_t)(i * i * 7 + (i >> 3));
  for (size_t n = 0; n <= sizeof some; n++) {
    size_t from = n % 9 < n ? n % 9 : 0; /* at any address */
    assert_int_equal(store_record_crc_in(true, (uint32_t)n, some + from, n - from), store_record_crc_in(false, (uint32_t)n, some + from, n - from));
  }
}

/* What the next row of a list costs SQLite, in instructions. */
static int steps_of(sqlite3 *c, enum SqStmt id, bool kind, const char *after) {
  sqlite3_stmt *st;
  int at = 1;
  if (sqlite3_prepare_v2(c, sq_text(id), -1, &st, NULL)) fail_msg("%s: %s", sq_text(id), sqlite3_errmsg(c));
  sqlite3_bind_text(st, at++, "main", -1, SQLITE_STATIC);
  if (kind) sqlite3_bind_text(st, at++, "k", -1, SQLITE_STATIC);
  sqlite3_bind_text(st, at++, "p/", -1, SQLITE_STATIC);
  sqlite3_bind_text(st, at++, after, -1, SQLITE_STATIC);
  if (sqlite3_bind_parameter_count(st) == at) sqlite3_bind_int(st, at, 1);
  assert_int_equal(sqlite3_step(st), SQLITE_ROW);
  int n = sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
  sqlite3_finalize(st);
  return n;
}

/* A page of a list begins where the one before ended, and does not look at what is in front of that again. */
static void f_pages(void **state) {
  enum { MANY = 1000 };
  static const struct { enum SqStmt id; bool kind; } lists[] = {{R_WAITS_UNDER, false}, {R_OUTCOMES_UNDER, false}, {R_KV_LIST, false}, {R_DOCS, true}};
  Store *s = *state;
  sqlite3 *c;
  make_run(s, 1);
  Batch *b = batch_new();
  for (int i = 0; i < MANY; i++) {
    char key[32];
    snprintf(key, sizeof key, "p/%06d", i);
    add_wait(b, 1, i, key);
    batch_outcome_put(b, "main", key, 1, BYTES("x"));
    batch_kv_put(b, "main", key, BYTES("x"), 0);
    batch_doc_put(b, &(DocRow){.workspace = "main", .kind = "k", .key = key, .rev = DOC_ANY, .at_ms = 1, .data = {"x", 1}});
  }
  must_store(s, b);
  assert_int_equal(sqlite3_open_v2(db, &c, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    int first = steps_of(c, lists[i].id, lists[i].kind, ""), last = steps_of(c, lists[i].id, lists[i].kind, "p/000998");
    if (last > first + 20) fail_msg("the first row takes %d steps and the last %d: %s", first, last, sq_text(lists[i].id));
  }
  sqlite3_close(c);
}

static void t_record(void **state) {
  (void)state;
  uint8_t buf[RECORD_HEADER + 11];
  JournalRec r;
  memcpy(buf + RECORD_HEADER, "hello world", 11);
  store_record_seal(buf, 11, 513, 42, 41, 7, 3);
  assert_true(store_record_open(buf, sizeof buf, 42, 41, &r));
  assert_int_equal(r.kind, 513);
  assert_int_equal(r.seq, 7);
  assert_int_equal(r.epoch, 3);
  assert_memory_equal(r.data.p, "hello world", 11);
  assert_false(store_record_open(buf, sizeof buf, 43, 41, &r));
  assert_false(store_record_open(buf, sizeof buf, 42, 40, &r));
  for (size_t n = 0; n < sizeof buf; n++) assert_false(store_record_open(buf, n, 42, 41, &r));
  for (size_t i = 0; i < sizeof buf; i++)
    for (int bit = 0; bit < 8; bit++) {
      buf[i] ^= (uint8_t)(1 << bit);
      assert_false(store_record_open(buf, sizeof buf, 42, 41, &r));
      buf[i] ^= (uint8_t)(1 << bit);
    }
  assert_true(store_record_open(buf, sizeof buf, 42, 41, &r));
}

#define BOTH(f) \
  {.name = #f " (sqlite)", .test_func = f, .setup_func = setup_file, .teardown_func = teardown}, \
      {.name = #f " (sqlite, reads together)", .test_func = f, .setup_func = setup_together, .teardown_func = teardown}, \
      {.name = #f " (memory)", .test_func = f, .setup_func = setup_memory, .teardown_func = teardown}
#define ON_FILE(f) {.name = #f, .test_func = f, .setup_func = setup_file, .teardown_func = teardown}

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(c_run_row), BOTH(c_run_lineage), BOTH(c_runs_newest), BOTH(c_slots), BOTH(c_run_exists), BOTH(c_run_ids_by_workspace), BOTH(c_journal), BOTH(c_journal_stops), BOTH(c_journal_grows_meanwhile), BOTH(c_preconditions),
      BOTH(c_every_run_operation_is_fenced), BOTH(c_take_over), BOTH(c_all_or_nothing), BOTH(c_in_order), BOTH(c_refused_among_others), BOTH(c_snapshot),
      BOTH(c_timers), BOTH(c_waits), BOTH(c_final_tidies), BOTH(c_inbox), BOTH(c_under), BOTH(c_kv), BOTH(c_docs), BOTH(c_docs_everywhere), BOTH(c_search), BOTH(c_search_filters), BOTH(c_search_changes), BOTH(c_search_snippet), BOTH(c_doc_revisions), BOTH(c_kv_list), BOTH(c_kv_sees_submitted),
      BOTH(c_tables), BOTH(c_tables_undone), BOTH(c_tables_submitted), BOTH(c_tables_refused_later),
      BOTH(c_files_and_meta), BOTH(c_outcomes), BOTH(c_run_lists), BOTH(c_big_and_empty),
      ON_FILE(f_group_commit), ON_FILE(f_gather), ON_FILE(f_reads), ON_FILE(f_full_sync), ON_FILE(f_sync_budget), ON_FILE(f_reopen), ON_FILE(f_numbers_of_runs), ON_FILE(f_killed),
      ON_FILE(f_lock_in_one_process), ON_FILE(f_watermark), ON_FILE(f_many_runs), ON_FILE(f_beside), ON_FILE(f_together), ON_FILE(f_read_only),
      ON_FILE(f_epoch_fences_two_writers), ON_FILE(f_segments), ON_FILE(f_wrong_files), ON_FILE(f_damaged_file),
      ON_FILE(f_pages), ON_FILE(f_corrupt_record), ON_FILE(f_makes_directories), ON_FILE(f_lazy_files), ON_FILE(f_disk_full), ON_FILE(f_disk_full_cancel), ON_FILE(f_sync_fails),
      cmocka_unit_test(t_crc), cmocka_unit_test(t_record),
  };
  const char *tmp = getenv("TMPDIR");
  store_tune.purge_always = true;
  snprintf(dir, sizeof dir, "%s/breyta-store-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(dir)) return perror(dir), 1;
  snprintf(db, sizeof db, "%s/t.db", dir);
  int rc = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(dir);
  return rc;
}
