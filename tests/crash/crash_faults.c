/* Faults without a crash, on running flows: a disk that is full for a while, a write or sync that fails, bytes that rot.
 * A full disk delays; a failed write stops the engine, which acknowledges nothing more, and the next process goes on; a rotten
 * snapshot or journal blocks its run with a reason, and only that one. */
#include "flow_trial.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed, tried;

static void check(bool ok, const char *what, const Script *s, uint64_t k) {
  if (ok) passed++;
  else failed++;
  if (!ok && failed < 30) printf("FAILED %s: %s at event %llu: %s\n", trial_name(s), what, (unsigned long long)k, trial_why);
}

static char *uninterrupted(const Script *s, uint64_t *from, uint64_t *to) {
  Process p;
  Trial t = {.script = s};
  trial_world();
  if (!process_start(&p, &t, (EngineOptions){0})) return NULL;
  *from = vfs_crash_count();
  char *outcome = trial_go(&p, &t) == FINISHED ? trial_outcome(&p, &t) : NULL;
  *to = vfs_crash_count();
  process_end(&p);
  return outcome;
}

static bool ends_with(Process *p, const Trial *t, const char *want) {
  char *got = trial_outcome(p, t);
  bool ok = got && !strcmp(got, want);
  if (got && !ok) snprintf(trial_why, sizeof trial_why, "the outcome is %s", got);
  free(got);
  return ok;
}

/* Starting may be refused while the disk is full: the outside asks again. */
static enum Progress go_on(Process *p, Trial *t) {
  enum Progress end = WRONG;
  for (int i = 0; i < 60 && end == WRONG; i++) {
    end = trial_go(p, t);
    if (t->start_acked && t->run && end == WRONG && strncmp(trial_why, "the run cannot be", 17)) break;
  }
  return end;
}

static void full(const Script *s, const char *want, uint64_t k) {
  Process p;
  Trial t = {.script = s};
  trial_world();
  if (!process_start(&p, &t, (EngineOptions){0})) abort();
  vfs_crash_fault(VFS_ENOSPC, k, 6);
  enum Progress end = go_on(&p, &t);
  check(end == FINISHED && ends_with(&p, &t, want) && !store_failed(p.store), "a full disk", s, k);
  if (end == FINISHED) check(trial_replay(&p, &t), "the history written on a full disk", s, k);
  vfs_crash_fault(VFS_NO_FAULT, 0, 0);
  process_end(&p);
  tried++;
}

static void broken(const Script *s, const char *want, uint64_t k, enum VfsFault fault) {
  Process p;
  Trial t = {.script = s};
  trial_world();
  if (!process_start(&p, &t, (EngineOptions){0})) abort();
  vfs_crash_fault(fault, k, 1);
  enum Progress end = trial_go(&p, &t);
  bool stopped = end != FINISHED && store_failed(p.store);
  check(stopped || (end == FINISHED && ends_with(&p, &t, want)), "a failed write neither stops it nor does no harm", s, k);
  vfs_crash_now();
  process_end(&p);
  vfs_crash_materialise(VFS_RANDOM, k);
  bool up = process_start(&p, &t, (EngineOptions){0});
  check(up && trial_go(&p, &t) == FINISHED && ends_with(&p, &t, want), "after a failed write", s, k);
  process_end(&p);
  tried++;
}

static uint64_t noise = 7;
static const char *log_name;
static void largest(void *ctx, const char *path, const void *data, int64_t n) {
  (void)data;
  if (n > *(int64_t *)ctx) {
    *(int64_t *)ctx = n;
    log_name = path;
  }
}

/* Whatever byte rots: the run ends well, or the database says that it is damaged, or the run is blocked. Never another value. */
static void rotten(const Script *s, const char *want, uint64_t k) {
  Process p;
  Trial t = {.script = s};
  int64_t size = 0;
  trial_world();
  if (!process_start(&p, &t, (EngineOptions){.verify = true})) abort();
  vfs_crash_at(k);
  trial_go(&p, &t);
  if (!vfs_crash_happened()) vfs_crash_now();
  process_end(&p);
  vfs_crash_materialise(VFS_KEEP_ALL, 0);
  vfs_crash_each(largest, &size);
  char name[64];
  snprintf(name, sizeof name, "%s", log_name);
  noise = noise * 6364136223846793005u + 1442695040888963407u;
  vfs_crash_flip(name, (int64_t)(noise >> 20) % size);
  t.start_acked = t.send_acked = false; /* a torn log may end early: then less is there, as if less had been synced */
  bool up = process_start(&p, &t, (EngineOptions){0});
  enum Progress end = up ? trial_go(&p, &t) : WRONG;
  check(end != FINISHED || ends_with(&p, &t, want), "a rotten byte changes the outcome", s, k);
  process_end(&p);
  tried++;
}

int main(int argc, char **argv) {
  trial_init(argc, argv);
  for (size_t i = 0; i < trial_count; i++) {
    const Script *s = &trial_scripts[i];
    uint64_t from, to;
    if (!trial_wanted(argc, argv, s) || !strcmp(s->flow, "at_most_once")) continue;
    char *want = uninterrupted(s, &from, &to);
    check(want != NULL, "uninterrupted", s, 0);
    for (uint64_t k = from + 1; want && k <= to; k += 5) {
      full(s, want, k);
      broken(s, want, k + 1, VFS_EIO);
      broken(s, want, k + 2, VFS_EIO_SYNC);
      rotten(s, want, k + 3);
    }
    free(want);
  }
  printf("%d faults\n%d passed, %d failed\n", tried, passed, failed);
  return failed != 0;
}
