/* Forks and past steps of every flow of tests/flows, and crash points on the commit of a fork.
 *
 *   Any step of a run, finished or stopped anywhere, can be looked at; rebuilt from the start of the journal and from the stored
 *   snapshot it is the same machine, byte for byte.
 *   A fork at any step, nothing changed, ends as its parent did; no effect of a step that it took over happens again, those from the
 *   step on happen once, under its own keys (flows on kv and tables end otherwise: what the parent stored is there); its own journal
 *   rebuilds it. Children of the steps taken over are the parent's, and no run is made for them; those from the step on are new runs,
 *   named after the fork. So do forks of forks.
 *   A crash while a fork is made leaves it wholly or not at all, and never without an acknowledged fork; the parent is as it was.
 *   A crash around a request to cancel loses no acknowledged one: the run ends cancelled, and its journal says so. */
#include "flow_trial.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/fork.h"
#include "runtime/engine/inspect.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed, forks, looks, points;
static int events, stop_at;

static void on_event(void *ctx, const StepEvent *e) {
  (void)ctx;
  (void)e;
  if (++events == stop_at) vfs_crash_now();
}

static bool fail(const Script *s, int64_t step, const char *what, const char *more) {
  if (++failed < 30) printf("FAILED %s step %lld: %s %s\n", trial_name(s), (long long)step, what, more ? more : "");
  return false;
}

/* --- looking ------------------------------------------------------------ */
static bool take_number(void *ctx, const HistoryStep *h) {
  *(int64_t *)ctx = h->number;
  return true;
}

static int64_t steps_of(Process *p, int64_t run) {
  int64_t n = 0;
  Err err = {0};
  if (!engine_history(p->engine, run, take_number, &n, &err)) return -1;
  return n;
}

static bool bytes_at(Process *p, const RunRow *row, int64_t n, bool from_start, Buf *out, Err *err) {
  Run *r = inspect_rebuild(p->engine, row, n, from_start, err);
  if (!r) return false;
  r->m->state = NIL; /* in a snapshot the step has been counted already */
  bool ok = !is_sig(snap_machine(out, r->m));
  run_release(r);
  return ok || err_set(err, "snapshot", "the machine cannot be written");
}

static bool same_machine(const Script *s, Process *p, const RunRow *row, int64_t n) {
  Buf a = {0}, b = {0};
  Err err = {0};
  bool ok = bytes_at(p, row, n, true, &a, &err) && bytes_at(p, row, n, row->snap_seq < 0, &b, &err);
  if (!ok) fail(s, n, "cannot be rebuilt:", err.msg);
  else if (a.n != b.n || memcmp(a.p, b.p, a.n)) ok = fail(s, n, "from the snapshot it is another machine", NULL);
  buf_free(&a);
  buf_free(&b);
  looks++;
  return ok;
}

static bool look(const Script *s, Process *p, int64_t run) {
  Err err = {0};
  RunRow row = {0};
  if (!store_run_get(p->store, run, &row, &err)) return true; /* the crash was before its start was durable */
  int64_t n = steps_of(p, run);
  bool ok = n >= 0 || fail(s, n, "the history cannot be read", NULL);
  for (int64_t i = 1; ok && i <= n; i++) {
    Val at = inspect_at(p->engine, run, i, &err);
    ok = (!same(at, ABSENT) && vec_count(map_get_kw(at, "frames")) > 0) || fail(s, i, "has no stack:", err.msg);
    ok = ok && same_machine(s, p, &row, i);
  }
  run_row_free(&row);
  return ok;
}

/* --- runs ------------------------------------------------------------ */
static enum Progress go(Trial *t, const EngineOptions *o, char **outcome) {
  Process p;
  enum Progress end = process_start(&p, t, *o) ? trial_go(&p, t) : WRONG;
  if (end == FINISHED) *outcome = trial_ended(&p, t);
  process_end(&p);
  return end;
}

static bool replays(const Script *s, const Trial *t, int64_t step) {
  Process p;
  bool ok = process_start(&p, t, (EngineOptions){0}) && trial_replay(&p, t);
  if (!ok) fail(s, step, trial_why, NULL);
  process_end(&p);
  return ok;
}

/* --- forks ------------------------------------------------------------ */
static bool make_fork(Trial *child, const Trial *parent, int64_t step, const ForkChanges *c, Err *err) {
  Process p;
  bool ok = process_start(&p, child, (EngineOptions){0}) && engine_fork(p.engine, parent->run, step, c, child->run_id, &child->run, err);
  child->start_acked = ok;
  process_end(&p);
  return ok;
}

typedef struct Took { const Script *s; const char *run_id; int64_t step; bool ok; } Took;

static bool check_taken(void *ctx, const HistoryStep *h) {
  Took *t = ctx;
  size_t n = strlen(t->run_id);
  bool before = h->number < t->step, marked = !strcmp(h->by, "parent");
  if (before != marked) t->ok = fail(t->s, h->number, before ? "is not marked as the parent's" : "is marked as the parent's:", h->step);
  for (size_t i = 0; before && i < effect_ledger.n; i++) {
    const Effect *f = &effect_ledger.a[i];
    if (!strncmp(f->key, t->run_id, n) && f->key[n] == '/' && !strcmp(f->step, h->step) && f->occurrence == h->occurrence)
      t->ok = fail(t->s, h->number, "was done again:", f->key);
  }
  return true;
}

/* --- a fork's children ------------------------------------------------------------ */
enum { KIDS_MOST = 64 };
typedef struct Ids { size_t n; char a[KIDS_MOST][60]; } Ids;

static void add_id(Ids *l, const char *id, int n) {
  if (l->n == KIDS_MOST) abort();
  snprintf(l->a[l->n++], sizeof l->a[0], "%.*s", n, id);
}

static int by_id(const void *a, const void *b) { return strcmp(a, b); }

static char *children(const Trial *t) {
  Process p;
  char *text = process_start(&p, t, (EngineOptions){0}) ? trial_children(&p) : NULL;
  process_end(&p);
  if (!text) abort();
  return text;
}

/* The number of the parent's step in a child's id: T.STEP.N, and more behind it. */
static int64_t step_of(const char *id) {
  const char *step = strchr(id, '.'), *number = step ? strchr(step + 1, '.') : NULL;
  return number ? strtoll(number + 1, NULL, 10) : 0;
}

/* Those there were, and those of the first run from the step on, under the fork's name. */
static char *children_wanted(const char *before, const char *fork, int64_t step) {
  Ids l = {0};
  Buf b = {0};
  for (const char *at = before; *at++;) {
    int n = (int)strcspn(at, " ");
    char id[60];
    snprintf(id, sizeof id, "%s%.*s", fork, n - 1, at + 1);
    add_id(&l, at, n);
    if (!strncmp(at, "t.", 2) && step_of(at) >= step) add_id(&l, id, (int)strlen(id));
    at += n;
  }
  qsort(l.a, l.n, sizeof l.a[0], by_id);
  for (size_t i = 0; i < l.n; i++) buf_fmt(&b, " %s", l.a[i]);
  char *text = strdup(buf_cstr(&b));
  buf_free(&b);
  return text;
}

static bool children_as_wanted(const Script *s, const Trial *child, int64_t step, const char *before) {
  char *want = children_wanted(before, child->run_id, step), *got = children(child);
  bool ok = !strcmp(want, got) || fail(s, step, "the children are", got) || fail(s, step, "the children should be", want);
  free(want);
  free(got);
  return ok;
}

/* The outcome with the names of the forks, f1 or g1 (in quotes, or in front of a child's), as the first run's. */
static char *as_first(const char *outcome) {
  Buf b = {0};
  for (const char *at = outcome; *at; at++) {
    buf_ch(&b, *at);
    if (*at != '"' || (at[1] != 'f' && at[1] != 'g')) continue;
    size_t digits = strspn(at + 2, "0123456789");
    if (!digits || (at[2 + digits] != '.' && at[2 + digits] != '"')) continue;
    buf_ch(&b, 't');
    at += 1 + digits;
  }
  char *text = strdup(buf_cstr(&b));
  buf_free(&b);
  return text;
}

/* What the run before it stored changes how it ends; a cell that has got another value since is a conflict. */
static bool ends_otherwise(const Script *s) {
  return !strncmp(s->flow, "kv", 2) || !strcmp(s->flow, "table") || !strcmp(s->flow, "child_retry");
}

static bool ended_well(const Script *s, const char *outcome) {
  const char *begins = !strcmp(s->flow, "table") && *outcome == 'f' ? "failed {:type :conflict," : "completed ";
  return !strncmp(outcome, begins, strlen(begins));
}

static bool ends_as_wanted(const Script *s, const Trial *child, int64_t step, const char *outcome, const char *want, const char *before) {
  if (ends_otherwise(s)) return ended_well(s, outcome) || fail(s, step, "the fork does not complete:", outcome);
  char *first = as_first(outcome);
  bool ok = !strcmp(first, want) || fail(s, step, "the fork ends otherwise:", outcome);
  free(first);
  return ok && children_as_wanted(s, child, step, before);
}

static bool only_once(const Script *s, const Trial *t, int64_t step, const Ledger *before) {
  Took took = {s, t->run_id, step, true};
  Process p;
  Err err = {0};
  bool ok = process_start(&p, t, (EngineOptions){0}) && engine_history(p.engine, t->run, check_taken, &took, &err);
  process_end(&p);
  for (size_t i = 0; i < before->n; i++)
    if (effect_ledger.a[i].count != before->a[i].count) ok = fail(s, step, "an effect of the parent happened again:", before->a[i].key);
  return ok && took.ok;
}

/* Forks `parent` at the step and takes the fork to its end. */
static bool fork_at(const Script *s, const Trial *parent, Trial *child, int64_t step, const EngineOptions *o, const char *want) {
  ForkChanges none = {.result = NIL, .config = NIL, .input = NIL};
  Ledger *before = malloc(sizeof *before);
  Err err = {0};
  char *outcome = NULL, *kids = children(parent);
  if (!before) abort();
  *before = effect_ledger;
  forks++;
  bool ok = make_fork(child, parent, step, &none, &err) || fail(s, step, "cannot be forked:", err.msg);
  if (ok) ok = go(child, o, &outcome) == FINISHED || fail(s, step, "the fork does not end:", trial_why);
  ok = ok && ends_as_wanted(s, child, step, outcome, want, kids) && only_once(s, child, step, before) && replays(s, child, step);
  free(outcome);
  free(kids);
  free(before);
  return ok;
}

static int64_t steps_taken(const Trial *t) {
  Process p;
  int64_t n = process_start(&p, t, (EngineOptions){0}) ? steps_of(&p, t->run) : -1;
  process_end(&p);
  return n;
}

static void every_step(const Script *s, const EngineOptions *o) {
  Script again = *s;
  Trial parent = {.script = s};
  char *want = NULL;
  trial_world();
  if (go(&parent, &(EngineOptions){0}, &want) != FINISHED) {
    fail(s, 0, trial_why, NULL);
    return;
  }
  Process p;
  int64_t n = 0;
  bool ok = process_start(&p, &parent, (EngineOptions){0}) && look(s, &p, parent.run) && (n = steps_of(&p, parent.run)) > 0;
  process_end(&p);
  if (again.outside == EARLY) again.outside = LATE; /* the answer that came early has been used */
  for (int64_t i = 1; ok && i <= n; i += n > 12 ? 5 : 1) {
    char a[40], b[40];
    snprintf(a, sizeof a, "f%lld", (long long)i);
    snprintf(b, sizeof b, "g%lld", (long long)i);
    Trial child = {.script = &again, .run_id = a}, grand = {.script = &again, .run_id = b};
    if (effect_ledger.n > EFFECT_MAX / 2) effect_ledger.n = 0;
    ok = fork_at(s, &parent, &child, i, o, want) && fork_at(s, &child, &grand, (i + steps_taken(&child)) / 2, o, want);
  }
  free(want);
  passed += ok;
}

/* --- looking at runs that were stopped ------------------------------------------------------------ */
static bool stopped_at(const Script *s, int k, bool *over) {
  EngineOptions o = {.progress = on_event, .snapshot_after = 1, .verify = true};
  Trial t = {.script = s};
  char *outcome = NULL;
  Process p;
  trial_world();
  events = 0;
  stop_at = k;
  *over = go(&t, &o, &outcome) == FINISHED;
  stop_at = 0;
  free(outcome);
  if (*over) return true;
  vfs_crash_materialise(VFS_KEEP_ALL, 0);
  bool ok = process_start(&p, &t, (EngineOptions){0}) || fail(s, k, trial_why, NULL);
  ok = ok && look(s, &p, t.run);
  process_end(&p);
  return ok;
}

static void every_stop(const Script *s) {
  bool over = false, ok = true;
  for (int k = 1; ok && !over && k < 40; k++) ok = stopped_at(s, k, &over);
  passed += ok;
}

/* --- crash points ------------------------------------------------------------ */
typedef struct Crash { const Script *s; int64_t step; ForkChanges c; const char *want; } Crash;

static bool parent_run(const Script *s, Trial *t) {
  char *outcome = NULL;
  *t = (Trial){.script = s};
  trial_world();
  bool ok = go(t, &(EngineOptions){0}, &outcome) == FINISHED;
  free(outcome);
  return ok;
}

/* Makes the fork and runs it on; the power goes at the event. The number of events. */
static uint64_t fork_until(const Crash *x, const Trial *parent, Trial *child, uint64_t event, char **outcome) {
  Process p;
  Err err = {0};
  *child = (Trial){.script = x->s, .run_id = "f", .send_acked = false};
  if (!process_start(&p, child, (EngineOptions){0})) abort();
  uint64_t from = vfs_crash_count();
  vfs_crash_at(event ? from + event : 0);
  child->start_acked = engine_fork(p.engine, parent->run, x->step, &x->c, "f", &child->run, &err);
  enum Progress end = child->start_acked ? trial_go(&p, child) : CRASHED;
  if (end == FINISHED) *outcome = trial_outcome(&p, child);
  uint64_t n = vfs_crash_count() - from;
  if (event && !vfs_crash_happened()) vfs_crash_now();
  process_end(&p);
  return n;
}

static bool survives(const Crash *x, const Trial *parent, Trial child, uint64_t event, int mode) {
  Process p;
  RunRow row = {0};
  Err err = {0};
  char *outcome = NULL;
  points++;
  vfs_crash_materialise((enum VfsCrashMode)mode, event * 31 + (uint64_t)mode);
  if (!process_start(&p, &child, (EngineOptions){0})) return fail(x->s, (int64_t)event, trial_why, NULL);
  bool there = store_run_by_id(p.store, NULL, "f", &row, &err),
       ok = there || !child.start_acked || fail(x->s, (int64_t)event, "an acknowledged fork is gone", NULL);
  if (ok && !there)
    ok = engine_fork(p.engine, parent->run, x->step, &x->c, "f", &child.run, &err) ||
         fail(x->s, (int64_t)event, "cannot be forked any more:", err.msg);
  run_row_free(&row);
  process_end(&p);
  ok = ok && (go(&child, &(EngineOptions){0}, &outcome) == FINISHED || fail(x->s, (int64_t)event, "does not end:", trial_why));
  ok = ok && (!strcmp(outcome, x->want) || fail(x->s, (int64_t)event, "ends otherwise:", outcome));
  free(outcome);
  return ok && replays(x->s, &child, (int64_t)event) && replays(x->s, parent, (int64_t)event);
}

static void crash_points(const Script *s, int64_t step, ForkChanges c, const char *want) {
  Crash x = {s, step, c, want};
  Trial parent, child;
  char *outcome = NULL;
  if (!parent_run(s, &parent)) {
    fail(s, step, trial_why, NULL);
    return;
  }
  uint64_t n = fork_until(&x, &parent, &child, 0, &outcome);
  bool ok = outcome && (!strcmp(outcome, want) || fail(s, step, "uninterrupted:", outcome));
  free(outcome);
  for (uint64_t k = 1; ok && k <= n; k++) {
    ok = parent_run(s, &parent);
    char *ignored = NULL;
    fork_until(&x, &parent, &child, k, &ignored);
    free(ignored);
    for (int mode = VFS_DROP_ALL; ok && mode <= VFS_RANDOM; mode++) ok = survives(&x, &parent, child, k, mode);
  }
  passed += ok && n > 4;
}

/* --- cancelling ------------------------------------------------------------ */
static void turns(Process *p, int64_t run) {
  Err err = {0};
  RunState st = {.status = RUN_RUNNING};
  bool idle = false;
  if (!engine_drain_inbox(p->engine, &err)) return;
  for (int i = 0; i < 1000 && !vfs_crash_happened(); i++)
    if (!engine_turn(p->engine, 5, &idle, &err) || !engine_state(p->engine, run, &st, &err) || run_status_final(st.status) || idle) return;
}

/* Parks the run, asks for its end; the power goes at the event. *acked: the request was durable. The number of events. */
static uint64_t cancel_until(Trial *t, uint64_t event, bool *acked) {
  Process p;
  Err err = {0};
  RunRow row = {0};
  trial_world();
  if (!process_start(&p, t, (EngineOptions){0})) abort();
  Val input = map_assoc(map_empty, kw_c("name"), str_c("trial"));
  if (!engine_start(p.engine, trial_def(t->script), input, "t", &t->run, &err)) abort();
  for (bool idle = false; !idle;)
    if (!engine_turn(p.engine, 5, &idle, &err)) abort();
  if (!store_run_get(p.store, t->run, &row, &err)) abort();
  uint64_t from = vfs_crash_count();
  vfs_crash_at(event ? from + event : 0);
  *acked = engine_cancel(p.store, &row, false, "enough", &err);
  if (*acked) turns(&p, t->run);
  uint64_t n = vfs_crash_count() - from;
  if (event && !vfs_crash_happened()) vfs_crash_now();
  run_row_free(&row);
  process_end(&p);
  return n;
}

static bool ends_cancelled(Trial *t, bool acked, uint64_t event) {
  Process p;
  Err err = {0};
  RunState st;
  if (!process_start(&p, t, (EngineOptions){0})) return fail(t->script, (int64_t)event, trial_why, NULL);
  bool ok = engine_resume(p.engine, t->run, &err) || fail(t->script, (int64_t)event, "cannot be resumed:", err.msg);
  if (ok) turns(&p, t->run);
  ok = ok && engine_state(p.engine, t->run, &st, &err);
  if (ok && st.status != RUN_CANCELLED && (acked || st.status != RUN_WAITING))
    ok = fail(t->script, (int64_t)event, "is", run_status_name(st.status));
  ok = ok && (trial_replay(&p, t) || fail(t->script, (int64_t)event, trial_why, NULL));
  process_end(&p);
  return ok;
}

static void cancel_points(const Script *s) {
  Trial t = {.script = s};
  bool acked, ok = true;
  uint64_t n = cancel_until(&t, 0, &acked);
  for (uint64_t k = 1; ok && k <= n + 1; k++) {
    t = (Trial){.script = s};
    cancel_until(&t, k, &acked);
    for (int mode = VFS_DROP_ALL; ok && mode <= VFS_RANDOM; mode++) {
      points++;
      vfs_crash_materialise((enum VfsCrashMode)mode, k * 7 + (uint64_t)mode);
      ok = ends_cancelled(&t, acked, k);
    }
  }
  passed += ok && n > 4;
}

static const Script *script(const char *flow) {
  for (size_t i = 0; i < trial_count; i++)
    if (!strcmp(trial_scripts[i].flow, flow)) return &trial_scripts[i];
  abort();
}

int main(int argc, char **argv) {
  trial_init(argc, argv);
  EngineOptions snapshots = {.snapshot_after = 1, .verify = true};
  for (size_t i = 0; i < trial_count; i++) {
    if (!trial_wanted(argc, argv, &trial_scripts[i]) || !strcmp(trial_scripts[i].flow, "at_most_once")) continue;
    every_step(&trial_scripts[i], &(EngineOptions){0});
    every_step(&trial_scripts[i], &snapshots);
    every_stop(&trial_scripts[i]);
  }
  ForkChanges none = {.result = NIL, .config = NIL, .input = NIL}, result = none, locals = none;
  LocalChange two = {"n", -1, fix(2)};
  result.step = FORK_RESULT;
  result.result = fix(100);
  locals.locals = &two;
  locals.nlocals = 1;
  crash_points(script("nested_try"), 3, none, "completed {:message \"level 2\", :levels [2 1 0], :after :calm}");
  crash_points(script("nested_try"), 2, locals, "completed {:message \"level 2\", :levels [2 1 2], :after :calm}");
  crash_points(script("lazy"), 2, result,
               "completed {:two [1 100], :four [1 100 9 16], :p 101, :q 1, :odd [1 9 25], :nested ([1 :a] [1 :b] [100 :a] [100 :b])}");
  cancel_points(script("wait"));
  cancel_points(script("checkpoint"));
  printf("%d forks, %d rebuilt machines compared, %d crash points\n%d passed, %d failed\n", forks, looks, points, passed, failed);
  return failed != 0;
}
