/* Stopping a run anywhere changes nothing: for every flow of tests/flows and every event of a step (started, tried again,
 * ended, parked)
 *   uninterrupted == stopped there and resumed == the same with a snapshot at every effect == replayed from the start,
 * before and after it goes on; replay compares the stored snapshot byte for byte. Stopped: the engine and the store are
 * dropped without being closed, the files are as a kill leaves them. Two stops in one run are tried too. */
#include "flow_trial.h"
#include "runtime/engine/engine_int.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed, stops, compared;
static int events, stop_at; /* events seen; the one at which the process dies, 0 never */

static void on_event(void *ctx, const StepEvent *e) {
  (void)ctx;
  (void)e;
  if (++events == stop_at) vfs_crash_now();
}

static const EngineOptions plain = {.progress = on_event}, forced = {.progress = on_event, .snapshot_after = 1, .verify = true};

static bool fail(const Script *s, const EngineOptions *o, int n, const char *what, const char *more) {
  failed++;
  printf("FAILED %s%s stopped at %d: %s %s\n", trial_name(s), o->verify ? " (snapshots)" : "", n, what, more ? more : "");
  return false;
}

/* Does the stored snapshot, if there is one, get compared by a replay of the run as it stands? */
static bool replays(const Script *s, const EngineOptions *o, const Trial *t, int n) {
  Process p;
  RunRow row = {0};
  Err err = {0};
  EngineOptions quiet_options = {.verify = false};
  if (!process_start(&p, t, quiet_options)) return fail(s, o, n, trial_why, NULL);
  bool there = store_run_get(p.store, t->run, &row, &err);
  compared += there && row.snap_seq >= 0;
  run_row_free(&row);
  bool ok = !there || trial_replay(&p, t) || fail(s, o, n, trial_why, NULL);
  process_end(&p);
  return ok;
}

/* Runs until it ends or dies at event n of this process. */
static enum Progress live(Trial *t, const EngineOptions *o, int n, char **outcome) {
  Process p;
  events = 0;
  stop_at = n;
  enum Progress end = WRONG;
  if (process_start(&p, t, *o)) end = trial_go(&p, t);
  if (end == FINISHED) *outcome = trial_outcome(&p, t);
  process_end(&p);
  stop_at = 0;
  return end;
}

/* The first process dies at event n, the second at event m (0: it does not), the next finishes. */
static bool stopped(const Script *s, const EngineOptions *o, int n, int m, const char *want) {
  Trial t = {.script = s};
  char *outcome = NULL;
  int stop[3] = {n, m, 0};
  stops++;
  trial_world();
  for (int i = 0; i < 3; i++) {
    enum Progress end = live(&t, o, stop[i], &outcome);
    if (end == WRONG) return fail(s, o, n, trial_why, NULL);
    if (end == CRASHED) {
      vfs_crash_materialise(VFS_KEEP_ALL, 0);
      if (t.run && !replays(s, o, &t, n)) return false;
      continue;
    }
    bool same_end = outcome && !strcmp(outcome, want);
    if (!same_end) fail(s, o, n, "the outcome differs:", outcome ? outcome : trial_why);
    free(outcome);
    return same_end && replays(s, o, &t, n);
  }
  return fail(s, o, n, "it stopped where nothing stopped it", NULL);
}

static void flow(const Script *s, const EngineOptions *o) {
  Trial t = {.script = s};
  char *want = NULL;
  int before = failed;
  trial_world();
  if (live(&t, o, 0, &want) != FINISHED) {
    fail(s, o, 0, trial_why, NULL);
    return;
  }
  int n = events;
  bool once = !strcmp(s->flow, "at_most_once"); /* its outcome says where it was interrupted: crash_flows.c knows */
  replays(s, o, &t, 0);
  for (int k = 1; k <= n && !once; k++) {
    stopped(s, o, k, 0, want);
    stopped(s, o, k, k % 3 + 1, want);
  }
  free(want);
  if (failed == before) passed++;
}

static bool listed(const char *file) {
  size_t n = strlen(file);
  for (size_t i = 0; i < trial_count; i++)
    if (n == strlen(trial_scripts[i].flow) + 4 && !strncmp(file, trial_scripts[i].flow, n - 4)) return true;
  return false;
}

static void every_flow_is_run(void) {
  DIR *d = opendir(trial_dir);
  int missing = 0;
  if (!d) {
    perror(trial_dir);
    exit(2);
  }
  for (struct dirent *e; (e = readdir(d));) {
    const char *dot = strrchr(e->d_name, '.');
    if (!dot || strcmp(dot, ".edn") || listed(e->d_name)) continue;
    printf("FAILED %s is in no script of flow_trial.c\n", e->d_name);
    missing++;
  }
  closedir(d);
  failed += missing;
  if (!missing) passed++;
}

int main(int argc, char **argv) {
  trial_init(argc, argv);
  every_flow_is_run();
  for (size_t i = 0; i < trial_count; i++) {
    if (!trial_wanted(argc, argv, &trial_scripts[i])) continue;
    flow(&trial_scripts[i], &plain);
    flow(&trial_scripts[i], &forced);
  }
  printf("%d stops, %d stored snapshots compared\n%d passed, %d failed\n", stops, compared, passed, failed);
  return failed != 0;
}
