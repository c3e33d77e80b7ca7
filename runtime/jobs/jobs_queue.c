/* jobs_queue.c - which job is next, and for whom; see jobs.h */
#include "eval/unit.h"
#include "runtime/base/hash.h"
#include "jobs_int.h"
#include "runtime/base/metrics.h"
#include "reader/read.h"
#include <stdlib.h>

enum { SKIP_MAX = 4096, QUEUES = 1000, IDLE_MS = 600000 };

/* --- limits of a type ---------------------------------------------------------------------------------------------------------- */
static int64_t number(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_long(v) ? long_of(v) : 0;
}

bool jobs_limits(Engine *e, const char *workspace, const char *type, JobLimits *out, int64_t *rev, Err *err) {
  DocRow d = {0};
  *out = (JobLimits){0};
  *rev = 0;
  err->code = NULL;
  if (!store_doc_get(e->store, workspace, JOB_TYPE_KIND, type, &d, err)) return !err->code;
  Val v = snap_read_value(env_core(), d.data.p, d.data.n);
  *rev = d.rev;
  doc_row_free(&d);
  if (is_map(v)) *out = (JobLimits){number(v, "max-active"), number(v, "rate"), number(v, "per-ms")};
  return true;
}

void jobs_limits_put(Engine *e, Batch *b, const char *workspace, const char *type, const JobLimits *l, int64_t rev) {
  (void)e;
  Val kv[] = {kw_c("max-active"), int_val(l->max_active), kw_c("rate"), int_val(l->rate), kw_c("per-ms"), int_val(l->per_ms)};
  Buf data = {0};
  snap_data(&data, map_from(kv, 3, false));
  DocRow d = {.workspace = (char *)(uintptr_t)workspace, .kind = JOB_TYPE_KIND, .key = (char *)(uintptr_t)type, .rev = rev,
      .at_ms = now_ms(),
              .data = {data.p, data.n}};
  batch_doc_put(b, &d);
  buf_free(&data);
}

void jobs_limits_set(Engine *e, const char *workspace, const char *type, const JobLimits *l) {
  JobQueue *q = job_queue(jobs_of(e), workspace, type);
  q->limits = *l;
  q->tokens = (double)l->rate;
  q->tokens_ms = now_ms();
  job_queue_serve(e->jobs, q);
}

/* --- queues -------------------------------------------------------------------------------------------------------------------- */
static void queue_free(JobQueue *q) {
  free(q->workspace);
  free(q->type);
  free(q);
}

/* A worker may ask for any type: those that nobody needs do not pile up. */
static void forget_idle(Jobs *s) {
  int64_t before = s->nqueues > 2 * QUEUES ? INT64_MAX : now_ms() - IDLE_MS;
  for (JobQueue **at = &s->queues; *at;) {
    JobQueue *q = *at;
    if (q->held || q->first || q->seen_ms >= before) {
      at = &q->next;
      continue;
    }
    *at = q->next;
    queue_free(q);
    s->nqueues--;
  }
}

JobQueue *job_queue(Jobs *s, const char *workspace, const char *type) {
  for (JobQueue *q = s->queues; q; q = q->next)
    if (!strcmp(q->type, type) && !strcmp(q->workspace, workspace)) return q;
  if (s->nqueues >= QUEUES) forget_idle(s);
  JobQueue *q = calloc(1, sizeof *q);
  Err err = {0};
  int64_t rev;
  if (!q) abort();
  job_text(&q->workspace, workspace);
  job_text(&q->type, type);
  jobs_limits(s->e, workspace, type, &q->limits, &rev, &err);
  q->tokens = (double)q->limits.rate;
  q->tokens_ms = now_ms();
  q->stale = true;
  q->next = s->queues;
  s->nqueues++;
  return s->queues = q;
}

static bool behind(const JobQueue *q, int64_t job, int64_t priority) {
  if (q->at == q->n) return true;
  int64_t last = q->ready[q->n - 1].priority;
  return priority < last || (priority == last && job > q->ready[q->n - 1].job);
}

void job_queue_ready(JobQueue *q, int64_t job, int64_t priority) {
  if (q->stale) return;
  if (q->at == q->n) q->at = q->n = 0;
  bool last = behind(q, job, priority);
  if (q->all && last && q->n < READY_MAX) {
    q->ready[q->n].job = job;
    q->ready[q->n++].priority = priority;
  } else if (q->all || !last) {
    q->stale = true;
  }
}

/* Behind a list that is cut they are found when it has been used up. */
void job_queue_more(JobQueue *q, int64_t priority) {
  bool behind_all = q->at < q->n && priority <= q->ready[q->n - 1].priority;
  if (q->all || !behind_all) q->stale = true;
}

/* Can the job be given away? What is in memory knows better than the list, which was read a while ago. */
static bool claimable(Jobs *s, int64_t number) {
  const Job *j = job_find(s, number);
  return !j || (j->row.phase == JOB_READY && !j->inflight);
}

static void fill(Jobs *s, JobQueue *q, size_t most) {
  JobQuery query = {.how = JOBS_READY, .workspace = q->workspace, .type = q->type};
  JobRow *rows = calloc(most, sizeof *rows);
  Err err = {0};
  if (!rows) abort();
  size_t n = store_jobs(s->e->store, &query, rows, most, &err);
  q->at = q->n = 0;
  q->stale = err.code != NULL;
  q->all = n < most && !err.code;
  for (size_t i = 0; i < n; i++) {
    bool room = q->n < READY_MAX;
    if (claimable(s, rows[i].job)) {
      q->all = q->all && room;
      if (room) {
        q->ready[q->n].job = rows[i].job;
        q->ready[q->n++].priority = rows[i].priority;
      }
    }
    job_row_free(&rows[i]);
  }
  free(rows);
}

static int64_t take_next(Jobs *s, JobQueue *q) {
  while (q->at < q->n) {
    int64_t job = q->ready[q->at++].job;
    if (claimable(s, job)) return job;
  }
  return 0;
}

/* Those under way to somebody stand in the store as claimable still: they are looked over. */
static int64_t next_job(Jobs *s, JobQueue *q) {
  int64_t job = q->stale ? 0 : take_next(s, q);
  for (size_t most = READY_MAX; !job && (q->stale || !q->all) && most <= SKIP_MAX; most *= 4) {
    fill(s, q, most);
    job = take_next(s, q);
    if (q->stale) break; /* cannot be read */
  }
  return job;
}

static int64_t next_of_batch(Jobs *s, const JobQueue *q, int64_t batch) {
  JobQuery query = {.how = JOBS_READY_OF, .batch = batch};
  int64_t job = 0;
  bool more = true;
  for (size_t most = 16; !job && more && most <= SKIP_MAX; most *= 4) {
    JobRow *rows = calloc(most, sizeof *rows);
    Err err = {0};
    if (!rows) abort();
    size_t n = store_jobs(s->e->store, &query, rows, most, &err);
    for (size_t i = 0; i < n; i++) {
      bool fits = !strcmp(rows[i].type, q->type) && !strcmp(rows[i].workspace, q->workspace);
      if (!job && fits && claimable(s, rows[i].job)) job = rows[i].job;
      job_row_free(&rows[i]);
    }
    free(rows);
    more = n == most;
  }
  return job;
}

/* --- whether one may be given away now ------------------------------------------------------------------------------------------ */
static void refill(JobQueue *q, int64_t now) {
  const JobLimits *l = &q->limits;
  int64_t passed = now - q->tokens_ms;
  if (passed > 0) q->tokens += (double)l->rate * (double)passed / (double)l->per_ms;
  if (q->tokens > (double)l->rate) q->tokens = (double)l->rate;
  q->tokens_ms = now;
}

/* until: when it may be again, if it is the rate that says no. */
static bool may_claim(JobQueue *q, int64_t now, int64_t *until) {
  const JobLimits *l = &q->limits;
  *until = INT64_MAX;
  if (l->max_active && q->active >= l->max_active) return false;
  if (!l->rate) return true;
  refill(q, now);
  if (q->tokens >= 1) return true;
  *until = now + 1 + (int64_t)((1 - q->tokens) * (double)l->per_ms / (double)l->rate);
  return false;
}

/* --- giving ---------------------------------------------------------------------------------------------------------------------- */
static void ask_over(JobAsk *a, const JobRow *j, const char *error, bool *told) {
  bool ok = a->got(a->ctx, j, error);
  if (told) *told = ok;
  free(a->workspace);
  free(a->type);
  free(a->worker);
  free(a->labels);
  free(a);
}

typedef struct Grant { Jobs *jobs; JobAsk *ask; int64_t job; } Grant;

static void reached(Jobs *s, Job *j, bool told, uint64_t token) {
  if (j->repeats) return; /* that one's answer counts */
  if (told) j->asked = token;
  else job_unclaim(s, j);
}

static void granted(void *ctx, const char *error) {
  Grant *g = ctx;
  Job *j = job_find(g->jobs, g->job);
  bool told = true, ok = j && !error;
  uint64_t token = g->ask->token;
  ask_over(g->ask, ok ? &j->row : NULL, ok ? NULL : error, &told);
  if (ok) metric_add(METRIC_jobs_claimed_total, 1);
  if (ok) reached(g->jobs, j, told, token);
  free(g);
}

/* The same once more: what became of the first answer nobody knows. */
static void granted_again(void *ctx, const char *error) {
  Grant *g = ctx;
  Job *j = job_find(g->jobs, g->job);
  bool told = true, ok = j && !error && !strcmp(j->claim, g->ask->claim);
  uint64_t token = g->ask->token;
  if (j && j->repeats) j->repeats--; /* 0: it was read anew */
  ask_over(g->ask, ok ? &j->row : NULL, ok ? NULL : error, &told);
  if (ok) reached(g->jobs, j, told, token);
  free(g);
}

static void grant_again(Jobs *s, JobAsk *ask, Job *j) {
  Grant *g = calloc(1, sizeof *g);
  if (!g) abort();
  *g = (Grant){s, ask, j->row.job};
  j->repeats++;
  j->asked = 0;
  JobWork *w = job_work(s, NULL);
  batch_job_expect(w->b, j->row.job, j->row.rev); /* the claim itself may be under way */
  job_work_commit(w, granted_again, g);
}

static Val attempt_map(const JobRow *j, const JobAsk *a, int64_t now) {
  Val labels = a->labels ? read_one(a->labels, strlen(a->labels), NULL, true) : NIL;
  Val kv[] = {kw_c("attempt"), int_val(j->attempt), kw_c("worker-id"), str_c(a->worker), kw_c("started-ms"), int_val(now),
      kw_c("worker-labels"), labels};
  return map_from(kv, is_map(labels) ? 4 : 3, false);
}

static Val with_attempt(Val tail, Val attempt, const char *claim) {
  Val all = map_get_kw(tail, "attempts");
  if (!is_vec(all)) all = vec_empty;
  if (vec_count(all) >= JOB_ATTEMPTS_SHOWN) {
    ValVec keep = {0};
    for (uint32_t i = 1; i < vec_count(all); i++) vv_push(&keep, vec_nth(all, i));
    all = vec_from(keep.a, keep.n);
  }
  tail = map_dissoc(map_assoc(tail, kw_c("attempts"), vec_conj(all, attempt)), kw_c("progress"));
  return *claim ? map_assoc(tail, kw_c("claim"), str_c(claim)) : map_dissoc(tail, kw_c("claim"));
}

static void token_new(char out[49]) {
  uint8_t r[24];
  Buf b = {0};
  hash_random(r, sizeof r);
  hash_hex(r, sizeof r, &b);
  memcpy(out, buf_cstr(&b), 49);
  buf_free(&b);
}

/* false: it cannot be given away after all. */
static bool grant(Jobs *s, JobAsk *ask, int64_t job) {
  Err err = {0};
  Job *j = job_hold(s, job, &err);
  if (!j) return false;
  if (j->row.phase != JOB_READY || j->inflight) return job_let_go(s, j), false;
  char token[49];
  int64_t now = now_ms();
  Grant *g = calloc(1, sizeof *g);
  if (!g) abort();
  token_new(token);
  j->row.phase = JOB_LEASED;
  j->row.attempt++;
  j->row.due_ms = now + ask->lease_ms;
  j->row.started_ms = j->row.updated_ms = now;
  job_text(&j->row.token, token);
  job_text(&j->row.worker, ask->worker);
  job_tail_set(&j->row, with_attempt(jobs_tail(&j->row), attempt_map(&j->row, ask, now), ask->claim));
  job_claim_set(s, j, ask->claim);
  *g = (Grant){s, ask, job};
  JobWork *w = job_work(s, NULL);
  job_work_put(w, j, JOB_READY);
  job_work_commit(w, granted, g);
  return true;
}

/* The job that he has claimed already, while its lease lives. */
static Job *his_already(Jobs *s, const char *claim) {
  Job *j = job_claimed(s, claim);
  return j && j->row.due_ms > now_ms() ? j : NULL;
}

/* false: there is none for it. */
static bool give(Jobs *s, JobQueue *q, JobAsk *ask) {
  Job *his = his_already(s, ask->claim);
  if (his) return grant_again(s, ask, his), true;
  for (;;) {
    int64_t job = ask->batch ? next_of_batch(s, q, ask->batch) : next_job(s, q);
    if (!job) return false;
    if (!grant(s, ask, job)) continue;
    if (q->limits.rate) q->tokens -= 1;
    return true;
  }
}

static JobAsk *unlink_ask(JobQueue *q, JobAsk *before, JobAsk *a) {
  *(before ? &before->next : &q->first) = a->next;
  if (q->last == a) q->last = before;
  JobAsk *next = a->next;
  a->next = NULL;
  metric_add(METRIC_jobs_polls, -1);
  return next;
}

void job_queue_serve(Jobs *s, JobQueue *q) {
  int64_t now = now_ms(), until;
  JobAsk *before = NULL, *a = q->first;
  while (a && may_claim(q, now, &until)) {
    JobAsk *next = a->next;
    if (a->alive && !a->alive(a->ctx)) {
      unlink_ask(q, before, a);
      ask_over(a, NULL, NULL, NULL);
    } else if (give(s, q, a)) {
      unlink_ask(q, before, a);
    } else if (!a->batch) {
      break; /* none at all */
    } else {
      before = a;
    }
    a = next;
  }
  if (a && until < s->ask_ms) s->ask_ms = until;
}

bool jobs_claim_fits(Engine *e, const char *claim) {
  const Job *j = his_already(jobs_of(e), claim);
  return !j || !strcmp(j->claim, claim);
}

void jobs_ask(Engine *e, JobAsk *ask) {
  Jobs *s = jobs_of(e);
  JobQueue *q = job_queue(s, ask->workspace, ask->type);
  int64_t now = now_ms(), until = INT64_MAX;
  bool again = his_already(s, ask->claim) != NULL; /* whatever the limits say: it is counted already */
  q->seen_ms = now;
  if ((again || (may_claim(q, now, &until) && !(q->first && !ask->batch && !q->first->batch))) && give(s, q, ask)) return;
  if (ask->until_ms <= now) {
    ask_over(ask, NULL, NULL, NULL);
    return;
  }
  ask->next = NULL;
  *(q->last ? &q->last->next : &q->first) = ask;
  q->last = ask;
  metric_add(METRIC_jobs_polls, 1);
  if (ask->until_ms < s->ask_ms) s->ask_ms = ask->until_ms;
  if (until < s->ask_ms) s->ask_ms = until;
}

static void turn(Jobs *s, JobQueue *q, int64_t now) {
  JobAsk *before = NULL, *a = q->first;
  while (a) {
    JobAsk *next = a->next;
    if (a->until_ms <= now) {
      unlink_ask(q, before, a);
      q->seen_ms = now;
      ask_over(a, NULL, NULL, NULL);
    } else {
      if (a->until_ms < s->ask_ms) s->ask_ms = a->until_ms;
      before = a;
    }
    a = next;
  }
  if (q->first) job_queue_serve(s, q);
}

void job_queues_turn(Jobs *s, int64_t now) {
  if (now < s->ask_ms) return;
  s->ask_ms = INT64_MAX;
  for (JobQueue *q = s->queues; q; q = q->next)
    if (q->first) turn(s, q, now);
}

void jobs_hang_up(Engine *e) {
  for (JobQueue *q = e->jobs ? e->jobs->queues : NULL; q; q = q->next)
    for (JobAsk *a; (a = q->first);) {
      unlink_ask(q, NULL, a);
      ask_over(a, NULL, NULL, NULL);
    }
}

void job_queues_free(Jobs *s) {
  for (JobQueue *q = s->queues, *next; q; q = next) {
    next = q->next;
    for (JobAsk *a = q->first, *more; a; a = more) {
      more = a->next;
      ask_over(a, NULL, "stopping", NULL);
    }
    queue_free(q);
  }
}

bool jobs_worker_seen(Engine *e, const char *workspace, const char *type, int64_t within_ms, int64_t *at_ms) {
  *at_ms = 0;
  for (const JobQueue *q = jobs_of(e)->queues; q; q = q->next)
    if (!strcmp(q->type, type) && !strcmp(q->workspace, workspace)) *at_ms = q->first ? now_ms() : q->seen_ms;
  return *at_ms && now_ms() - *at_ms <= within_ms;
}
