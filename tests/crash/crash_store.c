/* Enumerates crash points of a scripted store workload. The oracle is the memory store: after every crash the database
 * must hold exactly what the memory store holds after some first n batches, n not less than what was acknowledged. */
#include "vfs_crash.h"

#include "runtime/store/store.h"
#include "runtime/store/store_impl.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 60, PER_RUN = 15, SEEDS = 3 };
static const char *const DB = "crash.db";
static char *dumps[BATCHES + 1]; /* [n]: after the first n batches */
static int points, violations, passed, failed;

/* ---- the script ---- */

static Bytesv bytes_of(int i) {
  static char text[1024];
  int n = snprintf(text, sizeof text, "batch %d ", i), size = n + i * 97 % 900;
  memset(text + n, 'a' + i % 26, (size_t)(size - n));
  return (Bytesv){text, (size_t)size};
}

static void add_create(Batch *b, int64_t run) {
  char id[32];
  snprintf(id, sizeof id, "flow-x-main-r%d", (int)run);
  RunRow r = {.run = run, .run_id = id, .workspace = "main", .slug = "x", .version = 1, .epoch = 1, .created_ms = run, .updated_ms = run,
              .source_hash = "00ff"};
  batch_run_create(b, &r);
}

static void add_park(Batch *b, int64_t run, int64_t epoch, int i) {
  WaitRow w = {.workspace = "main", .key = "approval", .run = run, .seq = i, .created_ms = i, .spec = {"{}", 2}};
  batch_wait_put(b, epoch, &w);
  batch_timer_put(b, run, epoch, i, 1000 - i);
  batch_snapshot(b, run, epoch, i, bytes_of(i + 1));
  batch_status(b, run, epoch, RUN_WAITING, i, 1000 - i, "{:waits-for \"approval\"}");
}

static void add_wake(Batch *b, int64_t run, int64_t epoch, int i) {
  batch_wait_del(b, run, epoch, "main", "approval");
  batch_timer_del(b, run, epoch, i - 1);
  batch_outcome_put(b, "main", "approval", i * 3600000ll, bytes_of(i));
  batch_status(b, run, epoch, RUN_RUNNING, i, 0, NULL);
}

static void add_things(Batch *b, int i) {
  char key[16];
  snprintf(key, sizeof key, "k%d", i % 5);
  if (i % 7 == 6) batch_kv_del(b, "main", key);
  else batch_kv_put(b, "main", key, bytes_of(i), i);
  if (i % 6 == 0) batch_inbox_put(b, "main", "approval", "event", i, bytes_of(i));
  if (i % 6 == 1) batch_inbox_del(b, i / 6 + 1);
  if (i % 10 == 3) batch_source_put(b, key, "flow.edn", bytes_of(i));
  if (i % 10 == 4) batch_unit_put(b, (const uint8_t *)"0123456789abcdef", "flow.edn", bytes_of(i));
  batch_meta_put(b, "last", key);
}

/* Batch i; a run lives for PER_RUN batches, is taken over in its seventh and ends in its last. Some are to be refused. */
static Batch *script(int i) {
  Batch *b = batch_new();
  int at = i % PER_RUN;
  int64_t run = i / PER_RUN + 1, epoch = at > 7 ? 2 : 1;
  if (at == 0) add_create(b, run);
  add_things(b, i);
  batch_append(b, run, epoch, 1 + i % 4, bytes_of(i));
  if (i % 2) batch_append(b, run, epoch, 7, bytes_of(i * 3));
  if (at == 7) batch_take_over(b, run, 1, 2);
  if (at == 3 || at == 10) add_park(b, run, epoch, i);
  if (at == 4 || at == 11) add_wake(b, run, epoch, i);
  if (at == 8) batch_append(b, run, 1, 1, bytes_of(i)); /* a stale epoch: the whole batch leaves no trace */
  if (at == PER_RUN - 1) batch_status(b, run, epoch, RUN_COMPLETED, i, 0, "{:result 1}");
  return b;
}

static bool to_be_refused(int i) { return i % PER_RUN == 8; }

/* ---- what a store holds ---- */

typedef struct Text { char *p; size_t n, cap; } Text;

static void say(Text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(Text *t, const char *fmt, ...) {
  va_list ap;
  if (t->cap - t->n < 8192 && !(t->p = realloc(t->p, t->cap = t->cap * 2 + 16384))) abort();
  va_start(ap, fmt);
  t->n += (size_t)vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
  va_end(ap);
}

static void say_error(Text *t, const Err *e) {
  if (e->code) say(t, "ERROR %s %s\n", e->code, e->msg);
}

static bool say_record(void *ctx, const JournalRec *r) {
  say(ctx, " j %" PRId64 " kind %d epoch %" PRId64 " %.*s\n", r->seq, r->kind, r->epoch, (int)r->data.n, (const char *)r->data.p);
  return true;
}

static void say_run(Text *t, Store *s, RunRow *r) {
  Err e = {0};
  Blob snap;
  int64_t seq;
  say(t, "run %" PRId64 " %s epoch %" PRId64 " %s up %" PRId64 " fin %" PRId64 " wake %" PRId64 " head %" PRId64 " snap %" PRId64 " %s\n",
      r->run, r->run_id, r->epoch, run_status_name(r->status), r->updated_ms, r->finished_ms, r->wake_ms, r->head_seq, r->snap_seq,
      r->note ? r->note : "-");
  store_journal(s, r->run, -1, say_record, t, &e);
  say_error(t, &e);
  if (store_snapshot_get(s, r->run, &seq, &snap, &e)) {
    say(t, " snapshot %" PRId64 " %s\n", seq, snap.p);
    blob_free(&snap);
  }
  say_error(t, &e);
  run_row_free(r);
}

static void say_waits(Text *t, Store *s) {
  Err e;
  WaitRow w[8];
  TimerRow timers[8];
  size_t n = store_waits(s, NULL, 0, w, 8, &e);
  say_error(t, &e);
  for (size_t i = 0; i < n; i++) {
    say(t, "wait %s %s run %" PRId64 " seq %" PRId64 "\n", w[i].workspace, w[i].key, w[i].run, w[i].seq);
    wait_row_free(&w[i]);
  }
  n = store_timers_due(s, INT64_MAX, timers, 8, &e);
  say_error(t, &e);
  for (size_t i = 0; i < n; i++) say(t, "timer %" PRId64 " %" PRId64 " %" PRId64 "\n", timers[i].run, timers[i].seq, timers[i].due_ms);
}

/* Starts that were refused have used numbers up, so the count is only never less than the runs that there are. */
static void say_numbers(Text *t, Store *s) {
  RunRow r[16];
  Err e;
  int64_t made = 0;
  size_t n = store_runs(s, 0, 0, r, 16, &e);
  for (size_t i = 0; i < n; i++) {
    made += r[i].workspace && !strcmp(r[i].workspace, "main") && !strcmp(r[i].slug, "x");
    run_row_free(&r[i]);
  }
  say(t, "flows %" PRId64 " %s\n", made, store_count_slug(s, "main", "x") >= made ? "counted" : "count less");
}

static void say_rest(Text *t, Store *s) {
  Err e;
  InboxRow in[16];
  KvRow kv[8];
  Blob b;
  char *text;
  int64_t at;
  size_t n = store_inbox(s, 0, in, 16, &e);
  say_error(t, &e);
  for (size_t i = 0; i < n; i++) {
    say(t, "inbox %" PRId64 " %s %s\n", in[i].id, in[i].kind, in[i].body.p);
    inbox_row_free(&in[i]);
  }
  n = store_kv_list(s, "main", "k", "", kv, 8, &e);
  say_error(t, &e);
  for (size_t i = 0; i < n; i++) {
    say(t, "kv %s %s %" PRId64 "\n", kv[i].key, kv[i].value.p, kv[i].expires_ms);
    free(kv[i].key);
    blob_free(&kv[i].value);
  }
  if (store_outcome_get(s, "main", "approval", &at, &b, &e)) say(t, "outcome %" PRId64 " %s\n", at, b.p), blob_free(&b);
  if (store_source_get(s, "k3", &text, &b, &e)) say(t, "source %s %s\n", text, b.p), free(text), blob_free(&b);
  if (store_unit_get(s, (const uint8_t *)"0123456789abcdef", &text, &b, &e)) say(t, "unit %s %s\n", text, b.p), free(text), blob_free(&b);
  if (store_meta_get(s, "last", &text, &e)) say(t, "meta %s\n", text), free(text);
  say_numbers(t, s);
}

static char *dump(Store *s) {
  Text t = {0};
  RunRow r[16];
  Err e;
  size_t n = store_runs(s, 0, 0, r, 16, &e);
  say_error(&t, &e);
  for (size_t i = 0; i < n; i++) say_run(&t, s, &r[i]);
  say_waits(&t, s);
  say_rest(&t, s);
  return t.p;
}

/* ---- checks ---- */

static void violation(const char *what, uint64_t k, int mode, uint64_t seed) {
  violations++;
  if (violations < 20) printf("VIOLATION at event %" PRIu64 " mode %d seed %" PRIu64 ": %s\n", k, mode, seed, what);
}

static void check(bool ok, const char *what) {
  ok ? passed++ : failed++;
  if (!ok) printf("FAILED %s\n", what);
}

static Store *open_db(Err *e) { return store_open(DB, &(StoreOptions){.vfs = "crash", .executor = true}, e); }

/* The n whose dump this is, at least `from`; -1 = none. */
static int matching(const char *text, int from) {
  for (int n = from; n <= BATCHES; n++)
    if (!strcmp(dumps[n], text)) return n;
  return -1;
}

static void make_dumps(void) {
  Err e;
  Store *s = store_open(NULL, &(StoreOptions){.memory = true}, &e);
  for (int i = 0; i <= BATCHES; i++) {
    dumps[i] = dump(s);
    if (i == BATCHES) break;
    bool ok = store_submit_wait(s, script(i), &e);
    check(ok != to_be_refused(i), "the memory store takes the script");
  }
  store_close(s);
}

/* Submits batches [from, to) in groups of one to four, waits for each group. The number acknowledged in a row. */
static int work(Store *s, int from, int to) {
  int acked = from;
  for (int i = from; i < to && acked == i;) {
    int group = i % 4 + 1, n = 0;
    for (; n < group && i < to; n++, i++) store_submit(s, script(i), (uint64_t)i);
    while (n) {
      Completion c[4];
      struct pollfd p = {.fd = store_event_fd(s), .events = POLLIN};
      poll(&p, 1, -1);
      size_t got = store_completions(s, c, 4);
      n -= (int)got;
      for (size_t k = 0; k < got; k++) {
        bool settled = !c[k].error || !strcmp(c[k].error, "stale_epoch");
        if (settled && c[k].tag == (uint64_t)acked) acked++;
        else if (settled) violation("a batch was acknowledged behind one that failed", vfs_crash_count(), -1, 0);
      }
    }
  }
  return acked;
}

/* Opens what is left and checks it; with `more`, finishes the script on it and checks again. Acknowledged so far or -1. */
static int check_survivor(uint64_t k, int mode, uint64_t seed, int acked, bool more) {
  Err e;
  Store *s = open_db(&e);
  if (!s) {
    if (!vfs_crash_happened()) violation(e.msg, k, mode, seed);
    return acked;
  }
  char *text = dump(s);
  int n = matching(text, acked);
  if (vfs_crash_happened()) n = -1;
  else if (n < 0) violation(matching(text, 0) >= 0 ? "acknowledged batches are gone" : text, k, mode, seed);
  free(text);
  int done = n >= 0 && more ? work(s, n, BATCHES) : n;
  if (n >= 0 && more && !vfs_crash_happened()) {
    text = dump(s);
    if (done != BATCHES || strcmp(text, dumps[BATCHES])) violation("the script cannot be finished", k, mode, seed);
    free(text);
  }
  store_close(s);
  return done > acked ? done : acked;
}

/* The power goes again while the survivor is opened or goes on. */
static void check_second_crash(uint64_t k, int acked) {
  vfs_crash_materialise(VFS_RANDOM, k);
  vfs_crash_at(k % 13 + 1);
  int more = check_survivor(k, 10, k, acked, true);
  if (!vfs_crash_happened()) return; /* nothing left to do: the script had ended */
  vfs_crash_materialise(VFS_RANDOM, k + 1);
  check_survivor(k, 11, k, more, true);
  points++;
}

static void check_outcomes(uint64_t k, int acked) {
  for (int mode = VFS_DROP_ALL; mode <= VFS_RANDOM; mode++)
    for (uint64_t seed = 0; seed < (mode == VFS_RANDOM ? SEEDS : 1); seed++) {
      vfs_crash_materialise((enum VfsCrashMode)mode, k * 31 + seed);
      check_survivor(k, mode, seed, acked, (k + seed) % 4 == 0);
      points++;
    }
}

/* One run of the workload with the power going at event k. True = it came that far. */
static bool crash_at(uint64_t k) {
  Err e;
  vfs_crash_reset();
  vfs_crash_at(k);
  Store *s = open_db(&e);
  int acked = s ? work(s, 0, BATCHES) : 0;
  store_close(s);
  if (!vfs_crash_happened()) return false;
  check_outcomes(k, acked);
  check_second_crash(k, acked);
  return true;
}

/* ---- faults without a crash ---- */

static bool submit_until_stored(Store *s, int i) {
  Err e;
  for (int tries = 0; tries < 200; tries++) {
    if (store_submit_wait(s, script(i), &e)) return true;
    if (strcmp(e.code, "disk_full")) return to_be_refused(i) && !strcmp(e.code, "stale_epoch");
  }
  return false;
}

/* The disk is full for a while from event k on: nothing breaks, it goes on by itself. False = behind the end. */
static bool full_at(uint64_t k) {
  Err e;
  vfs_crash_reset();
  vfs_crash_fault(VFS_ENOSPC, k, 25);
  Store *s = NULL;
  for (int tries = 0; !s && tries < 50; tries++) s = open_db(&e);
  if (!s) return violation(e.msg, k, 20, 0), true;
  bool ok = true;
  for (int i = 0; ok && i < BATCHES; i++) ok = submit_until_stored(s, i);
  ok = ok && !store_failed(s);
  uint64_t end = vfs_crash_count();
  store_close(s);
  vfs_crash_fault(VFS_NO_FAULT, 0, 0);
  s = open_db(&e);
  char *text = s ? dump(s) : NULL;
  if (!ok || !text || strcmp(text, dumps[BATCHES])) violation("a full disk is not survived", k, 20, 0);
  free(text);
  store_close(s);
  points++;
  return k < end;
}

/* An I/O error at event k: the store stops acknowledging, and what it did acknowledge is there after the crash. */
static bool error_at(uint64_t k, enum VfsFault fault) {
  Err e;
  vfs_crash_reset();
  vfs_crash_fault(fault, k, 1);
  Store *s = open_db(&e);
  int acked = s ? work(s, 0, BATCHES) : 0;
  bool was_failed = s && store_failed(s);
  if (s && acked < BATCHES && !was_failed) violation("it stopped without having failed", k, 30, fault);
  if (was_failed && store_submit_wait(s, script(0), &e)) violation("it acknowledges after a failed write", k, 30, fault);
  uint64_t end = vfs_crash_count();
  vfs_crash_now();
  store_close(s);
  check_outcomes(k, acked);
  return k <= end;
}

int main(void) {
  vfs_crash_register();
  store_tune = (StoreTune){.checkpoint_bytes = 30 * 4120, .flush_rows = 8, .segment_bits = 4, .purge_always = true};
  make_dumps();
  uint64_t k = 1;
  while (crash_at(k)) k++;
  check(k > 200, "the workload has a few hundred crash points");
  check(violations == 0, "crash at every event");
  int before = violations;
  for (k = 1; full_at(k); k += 3) {}
  check(violations == before, "a full disk at every event");
  before = violations;
  for (k = 1; error_at(k, VFS_EIO); k += 2) {}
  check(violations == before, "an I/O error at every event");
  before = violations;
  for (k = 1; error_at(k, VFS_EIO_SYNC); k++) {}
  check(violations == before, "a failed sync at every sync");
  vfs_crash_reset();
  for (int i = 0; i <= BATCHES; i++) free(dumps[i]);
  printf("%d crash points, %d violations\n%d passed, %d failed\n", points, violations, passed, failed);
  return violations || failed;
}
