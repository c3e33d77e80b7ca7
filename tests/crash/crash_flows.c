/* Enumerates crash points of running flows. The power goes at a write, truncation, sync or deletion; the disk is left in
 * one of its legal states; a new process resumes the run to its end. What must hold:
 *   the value is the uninterrupted one · an effect's intent was durable before it started · an effect whose outcome was
 *   durable does not start again, one in flight at most once more per crash, never with :delivery :at-most-once · what was
 *   acknowledged to the outside (start, answer) is there · re-execution from the journal finds no difference.
 *
 * `crash_flows` takes every n-th event, CRASH_ALL=1 all of them, CRASH_SEED changes which. Arguments: names of flows. */
#include "flow_trial.h"
#include "runtime/store/store_jobs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STRIDE = 3, MOST_ROWS = 128 };
static int points, violations, passed, failed;
static uint64_t seed = 1;

/* --- one point ------------------------------------------------------------------------------------------------------------------ */
typedef struct Row { char run[80], step[40]; int64_t occurrence; int attempt; bool open; } Row;
typedef struct Rows { Row a[MOST_ROWS]; size_t n; const char *run; } Rows;

typedef struct Point {
  const Script *script;
  EngineOptions options;
  uint64_t event, again; /* the second crash, 0 none */
  int mode;
  int crashes;
  bool interrupted[4];   /* at_most_once: occurrence i was in flight at a crash */
  Ledger at_crash;
  int64_t clock;         /* then: each outcome of the crash goes on from there */
} Point;

typedef struct Base { char *outcome; Ledger ledger; uint64_t from, to; } Base;

static bool violation(const Point *p, const char *what, const char *more) {
  static const char *const modes[] = {"dropped", "kept", "torn"};
  if (++violations < 30)
    printf("VIOLATION %s%s, event %llu, un-synced %s, second crash %llu: %s %s\n", trial_name(p->script), p->options.verify ? " (snapshots)" : "",
           (unsigned long long)p->event, modes[p->mode], (unsigned long long)p->again, what, more ? more : "");
  return false;
}

static bool take_row(void *ctx, const HistoryStep *s) {
  Rows *r = ctx;
  if (strcmp(s->type, "effect")) return true;
  if (r->n == MOST_ROWS) abort();
  Row *x = &r->a[r->n++];
  *x = (Row){.occurrence = s->occurrence, .attempt = s->attempt, .open = !strcmp(s->status, "running")};
  snprintf(x->step, sizeof x->step, "%s", s->step);
  snprintf(x->run, sizeof x->run, "%s/", r->run);
  return true;
}

static const Row *row_of(const Rows *rows, const Effect *f) {
  for (size_t i = 0; i < rows->n; i++)
    if (!strncmp(f->key, rows->a[i].run, strlen(rows->a[i].run)) && rows->a[i].occurrence == f->occurrence && rows->a[i].attempt == f->attempt && !strcmp(rows->a[i].step, f->step)) return &rows->a[i];
  return NULL;
}

/* Of all runs: children have effects, too. */
static bool take_rows(Process *p, Rows *rows, Err *err) {
  RunRow runs[64];
  size_t n = store_runs(p->store, 0, 0, runs, 64, err);
  bool ok = !err->code;
  for (size_t i = 0; i < n; i++) {
    rows->run = runs[i].run_id;
    ok = ok && engine_history(p->engine, runs[i].run, take_row, rows, err);
    run_row_free(&runs[i]);
  }
  return ok;
}

/* What is durable after a crash, before anything goes on. */
static bool look(Point *pt, Process *p, Trial *t, Rows *rows) {
  Err err = {0};
  RunRow row = {0};
  rows->n = 0;
  if (store_run_by_id(p->store, NULL, "t", &row, &err)) {
    t->run = row.run;
    run_row_free(&row);
  }
  if (!take_rows(p, rows, &err)) return !vfs_crash_happened() && violation(pt, "the history cannot be read", err.msg);
  for (size_t i = 0; i < effect_ledger.n; i++)
    if (!row_of(rows, &effect_ledger.a[i])) return violation(pt, "an effect started before its intent was durable:", effect_ledger.a[i].key);
  for (size_t i = 0; i < rows->n; i++)
    if (rows->a[i].open && !strcmp(rows->a[i].step, "once") && rows->a[i].occurrence < 4) pt->interrupted[rows->a[i].occurrence] = true;
  return true;
}

/* Since the look, only attempts in flight may have started again: one, or one of each child. */
static bool check_repeats(const Point *pt, const Ledger *before, const Rows *rows) {
  for (size_t i = 0; i < before->n; i++) {
    const Effect *was = &before->a[i], *now = effect_find(&effect_ledger, was->key, was->attempt);
    if (!now || now->count < was->count) return violation(pt, "the ledger shrank", was->key);
    if (now->count == was->count) continue;
    if (now->count > was->count + 1) return violation(pt, "an effect in flight ran again more than once:", was->key);
    if (!row_of(rows, was)->open) return violation(pt, "an effect ran again whose outcome was durable:", was->key);
    if (was->at_most_once) return violation(pt, "an at-most-once effect ran twice:", was->key);
  }
  return true;
}

static char *expected(const Point *pt, const Base *base) {
  if (strcmp(pt->script->flow, "at_most_once")) return strdup(base->outcome);
  char text[100];
  const bool *x = pt->interrupted;
  snprintf(text, sizeof text, "completed [%s %s %s :done]", x[1] ? ":interrupted" : "1", x[2] ? ":interrupted" : "2", x[3] ? ":interrupted" : "3");
  return strdup(text);
}

/* The flow's effects are those of the uninterrupted run: none is missing, none is new. */
static bool check_effects(const Point *pt, const Base *base) {
  for (size_t i = 0; i < base->ledger.n; i++) {
    const Effect *f = &base->ledger.a[i];
    if (!effect_find(&effect_ledger, f->key, f->attempt) && !(f->at_most_once && pt->interrupted[f->occurrence]))
      return violation(pt, "an effect never happened:", f->key);
  }
  for (size_t i = 0; i < effect_ledger.n; i++)
    if (!effect_find(&base->ledger, effect_ledger.a[i].key, effect_ledger.a[i].attempt)) return violation(pt, "an effect nobody asked for:", effect_ledger.a[i].key);
  return true;
}

/* Every job that the flow submits is there once, also one of an attempt that the crash has undone. */
static bool check_jobs(const Point *pt, Process *p) {
  enum { JOBS = 5 };
  JobRow rows[JOBS + 4];
  Err err = {0};
  if (strcmp(pt->script->flow, "jobs")) return true;
  size_t n = store_jobs(p->store, &(JobQuery){.how = JOBS_NEWEST, .workspace = "local", .after = INT64_MAX}, rows, JOBS + 4, &err);
  for (size_t i = 0; i < n; i++) job_row_free(&rows[i]);
  return err.code || n == JOBS || violation(pt, n < JOBS ? "a job is missing" : "a job is there twice", NULL);
}

static bool check_end(const Point *pt, Process *p, const Trial *t, const Base *base) {
  char *want = expected(pt, base), *got = trial_outcome(p, t);
  bool gone = !got && vfs_crash_happened(); /* the store's threads still had a checkpoint to write; the power went there */
  bool ok = gone || (got && !strcmp(want, got));
  if (!ok) violation(pt, "the outcome differs:", got ? got : trial_why);
  free(want);
  free(got);
  return ok && (gone || (check_effects(pt, base) && check_jobs(pt, p)));
}

static bool check_replay(const Point *pt, const Trial *t) {
  Process p;
  bool ok = process_start(&p, t, (EngineOptions){0}) && trial_replay(&p, t);
  if (!ok) violation(pt, trial_why, NULL);
  process_end(&p);
  return ok;
}

/* Opens what is left, looks, goes on to the end. *crashed: the power went again on the way. */
static bool survive(Point *pt, Trial *t, const Base *base, bool *crashed) {
  Process p;
  Rows *rows = malloc(sizeof *rows);
  Ledger *before = malloc(sizeof *before);
  if (!rows || !before) abort();
  bool ok = process_start(&p, t, pt->options);
  *crashed = !ok && vfs_crash_happened();
  if (!ok && !*crashed) violation(pt, trial_why, NULL);
  bool looked = ok && look(pt, &p, t, rows);
  *before = effect_ledger;
  enum Progress end = looked ? trial_go(&p, t) : WRONG;
  bool cut = !looked && vfs_crash_happened(); /* while it started or was looked at: the next process goes on */
  ok = looked;
  *crashed = *crashed || (ok && end == CRASHED);
  if (ok && end == WRONG) ok = violation(pt, trial_why, NULL);
  ok = cut || (ok && check_repeats(pt, before, rows));
  if (ok && end == FINISHED && !vfs_crash_happened()) ok = check_end(pt, &p, t, base);
  free(rows);
  free(before);
  process_end(&p);
  if (vfs_crash_happened()) *crashed = true;
  return ok;
}

/* The crash has happened: one outcome of it, with a second crash if `again`. */
static void check_outcome(Point pt, Trial t, const Base *base) {
  bool crashed;
  effect_ledger = pt.at_crash;
  virtual_now = pt.clock;
  points++;
  vfs_crash_materialise((enum VfsCrashMode)pt.mode, seed * 1000003 + pt.event * 31 + pt.again);
  if (pt.again) vfs_crash_at(pt.again);
  if (!survive(&pt, &t, base, &crashed)) return;
  if (crashed) {
    vfs_crash_materialise((enum VfsCrashMode)((pt.mode + 1) % 3), seed + pt.event);
    if (!survive(&pt, &t, base, &crashed)) return;
  }
  check_replay(&pt, &t);
}

/* --- one flow --------------------------------------------------------------------------------------------------------------------- */
static bool run_until_crash(const Script *s, EngineOptions o, uint64_t event, Trial *t, Point *pt) {
  Process p;
  trial_world();
  *t = (Trial){.script = s};
  *pt = (Point){.script = s, .options = o, .event = event};
  if (!process_start(&p, t, o)) abort(); /* crash_store.c crashes while a database is made */
  vfs_crash_at(event);
  enum Progress end = trial_go(&p, t);
  if (end == WRONG) violation(pt, "before the crash:", trial_why);
  pt->at_crash = effect_ledger;
  pt->clock = virtual_now;
  if (!vfs_crash_happened()) vfs_crash_now(); /* past the last event */
  process_end(&p);
  return end == CRASHED;
}

static bool uninterrupted(const Script *s, EngineOptions o, Base *b) {
  Process p;
  Point pt = {.script = s, .options = o};
  Trial t = {.script = s};
  trial_world();
  if (!process_start(&p, &t, o)) return violation(&pt, trial_why, NULL);
  b->from = vfs_crash_count();
  enum Progress end = trial_go(&p, &t);
  b->to = vfs_crash_count();
  b->ledger = effect_ledger;
  b->outcome = end == FINISHED ? trial_outcome(&p, &t) : NULL;
  process_end(&p);
  if (!b->outcome) return violation(&pt, "uninterrupted:", trial_why);
  char want[300];
  int len = snprintf(want, sizeof want, "completed %s", s->value ? s->value : "");
  if (strncmp(b->outcome, s->failed ? "failed" : "completed", 6) || (s->value && strncmp(want, b->outcome, (size_t)len)))
    return violation(&pt, "the uninterrupted outcome is", b->outcome);
  return check_replay(&pt, &t);
}

static void flow(const Script *s, EngineOptions o, uint64_t stride) {
  Base b = {0};
  Trial t;
  Point pt;
  int before = violations, from = points;
  if (uninterrupted(s, o, &b))
    for (uint64_t k = b.from + 1 + (seed + (uint64_t)(s - trial_scripts)) % stride; k <= b.to; k += stride) {
      run_until_crash(s, o, k, &t, &pt);
      for (pt.mode = VFS_DROP_ALL; pt.mode <= VFS_RANDOM; pt.mode++) check_outcome(pt, t, &b);
      pt.mode = (int)(k % 3);
      pt.again = (k * 7 + seed) % (b.to - b.from + 20) + 1;
      check_outcome(pt, t, &b);
    }
  free(b.outcome);
  if (getenv("CRASH_TRACE")) printf("%-30s %5d points of %llu events\n", trial_name(s), points - from, (unsigned long long)(b.to - b.from));
  if (violations == before) passed++;
  else failed++;
}

int main(int argc, char **argv) {
  const char *all = getenv("CRASH_ALL"), *text = getenv("CRASH_SEED");
  bool every = all && *all && strcmp(all, "0");
  if (text) seed = strtoull(text, NULL, 10);
  trial_init(argc, argv);
  for (size_t i = 0; i < trial_count; i++) {
    if (!trial_wanted(argc, argv, &trial_scripts[i])) continue;
    flow(&trial_scripts[i], (EngineOptions){0}, every ? 1 : STRIDE);
    flow(&trial_scripts[i], (EngineOptions){.snapshot_after = 1, .verify = true}, every ? 1 : STRIDE);
  }
  if (passed + failed == 2 * (int)trial_count && points < 5000) {
    printf("only %d crash points\n", points);
    failed++;
  }
  printf("%d crash points, %d violations\n%d passed, %d failed\n", points, violations, passed, failed);
  return violations || failed;
}
