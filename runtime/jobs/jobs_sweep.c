/* jobs_sweep.c - what time does to jobs: leases end, delays are over, what is over for long is forgotten. See jobs.h */
#include "eval/unit.h"
#include "jobs_int.h"
#include <stdlib.h>

enum { SWEEP_ROWS = 256, SWEEP_HOLD_MS = 500, HELD_LOOK = 256 /* for one that is not delayed */, HELD_MOST = 4096 };

static int64_t requeue_pause(int64_t attempt) {
  int64_t ms = JOB_REQUEUE_MS;
  while (--attempt > 0 && ms < JOB_REQUEUE_MAX_MS) ms *= 2;
  return ms < JOB_REQUEUE_MAX_MS ? ms : JOB_REQUEUE_MAX_MS;
}

static void unlease(Job *j) {
  job_text(&j->row.token, NULL);
  job_text(&j->row.worker, NULL);
  j->row.started_ms = 0;
  j->asked = 0;
}

static void lease_over(JobWork *w, Job *j, int64_t now) {
  enum JobPhase was = j->row.phase;
  Val tail = jobs_tail(&j->row);
  j->row.updated_ms = now;
  if (j->row.attempt >= j->row.max_attempts) {
    Val kv[] = {kw_c("message"), str_fmt("no worker ended it within its lease, in %lld attempt%s", (long long)j->row.attempt,
        j->row.attempt == 1 ? "" : "s"),
                kw_c("code"), str_c("lease_expired")};
    job_end(w, j, JOB_TIMED_OUT, map_assoc(tail, kw_c("error"), map_from(kv, 2, false)), now);
  } else {
    j->row.phase = JOB_DELAYED;
    j->row.due_ms = now + requeue_pause(j->row.attempt);
    job_tail_set(&j->row, job_attempt_over(tail, "lease_expired", now));
    unlease(j);
  }
  job_work_put(w, j, was);
}

static void ready_now(JobWork *w, Job *j, int64_t now) {
  enum JobPhase was = j->row.phase;
  j->row.phase = JOB_READY;
  j->row.due_ms = 0;
  j->row.updated_ms = now;
  job_work_put(w, j, was);
}

/* It still waits for others of its batch, and for nothing else any more. */
static void due_now(JobWork *w, Job *j, int64_t now) {
  j->row.due_ms = 0;
  j->row.updated_ms = now;
  job_work_put(w, j, JOB_HELD);
}

/* The whole question is asked again of the job as it is now: what was read may be old. */
static void act(JobWork *w, int64_t number, int64_t now) {
  Err err = {0};
  Job *j = job_hold(w->jobs, number, &err);
  if (!j) return;
  bool due = j->row.due_ms && j->row.due_ms <= now;
  if (due && job_phase_held(j->row.phase)) lease_over(w, j, now);
  else if (due && j->row.phase == JOB_DELAYED) ready_now(w, j, now);
  else if (due && j->row.phase == JOB_HELD) due_now(w, j, now);
  else if (due && !job_phase_open(j->row.phase) && !j->inflight) job_work_del(w, j);
  else job_let_go(w->jobs, j);
}

static void swept(void *ctx, const char *error) {
  Jobs *s = ctx;
  s->sweeping--;
  s->due_ms = 0;
  if (error) s->hold_until_ms = now_ms() + SWEEP_HOLD_MS;
}

static void sweep(Jobs *s, int64_t now) {
  JobQuery q = {.how = JOBS_DUE, .at_ms = now};
  JobRow rows[SWEEP_ROWS];
  Err err = {0};
  if (!s->serving || s->sweeping || now < s->due_ms || now < s->hold_until_ms) return;
  size_t n = store_jobs(s->e->store, &q, rows, SWEEP_ROWS, &err);
  if (!n) {
    s->due_ms = err.code ? now + SWEEP_HOLD_MS : store_jobs_due(s->e->store);
    return;
  }
  JobWork *w = job_work(s, NULL);
  for (size_t i = 0; i < n; i++) {
    act(w, rows[i].job, now);
    job_row_free(&rows[i]);
  }
  s->sweeping++;
  job_work_commit(w, swept, s); /* also when all were changed meanwhile: then what is under way is durable with it */
}

void jobs_turn(Engine *e) {
  Jobs *s = e->jobs;
  int64_t now = now_ms();
  if (!s) return;
  job_queues_turn(s, now);
  sweep(s, now);
}

/* --- held ones ------------------------------------------------------------------------------------------------------------------- */
/* The first that waits for nothing else, else the one whose time comes first; NULL: none waits any more. */
static Job *next_held(JobWork *w, const JobRow *rows, size_t n) {
  Err err = {0};
  Job *best = NULL;
  for (size_t i = 0; i < n && !(best && !best->row.due_ms); i++) {
    Job *j = job_hold(w->jobs, rows[i].job, &err);
    if (!j) continue;
    bool better = j->row.phase == JOB_HELD && (!best || j->row.due_ms < best->row.due_ms);
    job_let_go(w->jobs, better ? best : j);
    if (better) best = j;
  }
  return best;
}

/* It has the place, and takes it when its delay is over. */
static void delay_on(JobWork *w, Job *j) {
  j->row.phase = JOB_DELAYED;
  j->row.updated_ms = now_ms();
  job_work_put(w, j, JOB_HELD);
}

void job_over_moves_on(JobWork *w, int64_t batch) {
  JobQuery q = {.how = JOBS_WAITING, .batch = batch};
  bool done = false, more = true;
  for (size_t most = 4; !done && more && most <= HELD_MOST; most *= 4) {
    JobRow *rows = calloc(most, sizeof *rows);
    Err err = {0};
    if (!rows) abort();
    size_t n = store_jobs(w->jobs->e->store, &q, rows, most, &err);
    more = n == most;
    Job *j = next_held(w, rows, n);
    bool later = j && j->row.due_ms > now_ms();
    done = j && (!later || !more || most >= HELD_LOOK);
    if (!done) job_let_go(w->jobs, j);
    else if (later) delay_on(w, j);
    else ready_now(w, j, now_ms());
    for (size_t i = 0; i < n; i++) job_row_free(&rows[i]);
    free(rows);
  }
}

/* --- a claim that reached nobody, or is given back ------------------------------------------------------------------------------ */
static void unclaim(JobWork *w, Job *j) {
  enum JobPhase was = j->row.phase;
  Val tail = jobs_tail(&j->row), all = map_get_kw(tail, "attempts");
  ValVec keep = {0};
  for (uint32_t i = 0; is_vec(all) && i + 1 < vec_count(all); i++) vv_push(&keep, vec_nth(all, i));
  job_tail_set(&j->row, map_assoc(tail, kw_c("attempts"), vec_from(keep.a, keep.n)));
  j->row.attempt--;
  unlease(j);
  j->row.phase = JOB_READY;
  j->row.due_ms = 0;
  j->row.updated_ms = now_ms();
  job_work_put(w, j, was);
}

void job_unclaim(Jobs *s, Job *j) {
  if (j->row.phase != JOB_LEASED) return;
  JobWork *w = job_work(s, NULL);
  unclaim(w, j);
  job_work_commit(w, NULL, NULL);
}

JobWork *jobs_release(Engine *e, const JobRow *row, Batch *b) {
  JobWork *w = job_work(jobs_of(e), b);
  Err err = {0};
  Job *j = job_hold(w->jobs, row->job, &err);
  if (j) unclaim(w, j);
  else batch_job_expect(w->b, row->job, row->rev); /* it was there a moment ago */
  return w;
}

/* Rare: all that workers have are looked through. */
void jobs_unsent(Engine *e, uint64_t token) {
  Jobs *s = jobs_of(e);
  for (size_t i = 0; token && i < s->cap; i++)
    for (Job *j = s->map[i]; j; j = j->chain)
      if (j->asked == token) {
        job_unclaim(s, j);
        return;
      }
}
