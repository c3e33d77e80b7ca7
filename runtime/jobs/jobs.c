/* jobs.c - jobs in memory, changes and their commits; see jobs.h */
#include "runtime/engine/engine_commit.h"
#include "eval/unit.h"
#include "runtime/base/hash.h"
#include "jobs_int.h"
#include "runtime/base/metrics.h"
#include "reader/mem.h"
#include <stdio.h>
#include <stdlib.h>

/* --- memory -------------------------------------------------------------------------------------------------------------------- */
static Job **bucket(Jobs *s, int64_t number) { return &s->map[(uint64_t)number * 0x9e3779b97f4a7c15u >> 32 & (s->cap - 1)]; }

Job *job_find(Jobs *s, int64_t number) {
  if (!s->cap) return NULL;
  Job *j = *bucket(s, number);
  while (j && j->row.job != number) j = j->chain;
  return j;
}

static Job **claim_bucket(Jobs *s, const char *claim) {
  uint64_t h = 0;
  for (int i = 0; i < 12; i++) h = h * 31 + (unsigned char)claim[i];
  return &s->claims[h * 0x9e3779b97f4a7c15u >> 32 & (s->cap - 1)];
}

static void claim_link(Jobs *s, Job *j) {
  Job **b = claim_bucket(s, j->claim);
  j->claim_chain = *b;
  *b = j;
}

void job_claim_set(Jobs *s, Job *j, const char *claim) {
  if (*j->claim) {
    Job **at = claim_bucket(s, j->claim);
    while (*at != j) at = &(*at)->claim_chain;
    *at = j->claim_chain;
  }
  snprintf(j->claim, sizeof j->claim, "%s", claim);
  if (*claim) claim_link(s, j);
}

Job *job_claimed(Jobs *s, const char *claim) {
  if (!s->cap || !*claim) return NULL;
  Job *j = *claim_bucket(s, claim);
  while (j && strncmp(j->claim, claim, JOB_CLAIM_ID) != 0) j = j->claim_chain;
  return j;
}

static void grow(Jobs *s) {
  Job **old = s->map;
  size_t n = s->cap;
  s->cap = n ? n * 2 : 256;
  free(s->claims);
  s->map = calloc(s->cap, sizeof *s->map);
  s->claims = calloc(s->cap, sizeof *s->claims);
  if (!s->map || !s->claims) abort();
  for (size_t i = 0; i < n; i++)
    for (Job *j = old[i], *next; j; j = next) {
      next = j->chain;
      Job **b = bucket(s, j->row.job);
      j->chain = *b;
      *b = j;
      if (*j->claim) claim_link(s, j);
    }
  free(old);
}

/* Takes the row. */
static Job *add(Jobs *s, const JobRow *row) {
  if (s->n >= s->cap) grow(s);
  Job *j = calloc(1, sizeof *j), **b = bucket(s, row->job);
  if (!j) abort();
  j->row = *row;
  j->q = job_queue(s, row->workspace, row->type);
  j->q->held++;
  if (job_phase_held(row->phase)) {
    j->q->active++;
    if (row->updated_ms > j->q->seen_ms) j->q->seen_ms = row->updated_ms;
    Val claim = map_get_kw(jobs_tail(row), "claim");
    if (is_str(claim) && str_n(claim) == JOB_CLAIM_MAX - 1) job_claim_set(s, j, str_s(claim));
  }
  j->chain = *b;
  *b = j;
  s->n++;
  return j;
}

static void drop(Jobs *s, Job *j) {
  Job **at = bucket(s, j->row.job);
  while (*at != j) at = &(*at)->chain;
  *at = j->chain;
  s->n--;
  if (job_phase_held(j->row.phase)) j->q->active--;
  j->q->held--;
  job_claim_set(s, j, "");
  job_row_free(&j->row);
  free(j);
}

Job *job_hold(Jobs *s, int64_t number, Err *err) {
  Job *j = job_find(s, number);
  JobRow row;
  if (j) return j;
  return store_job_get(s->e->store, number, &row, err) ? add(s, &row) : NULL;
}

/* In a server, jobs that workers have stay: they are counted. */
void job_let_go(Jobs *s, Job *j) {
  if (j && !j->inflight && !(s->serving && job_phase_held(j->row.phase))) drop(s, j);
}

Jobs *jobs_of(Engine *e) {
  if (e->jobs) return e->jobs;
  Jobs *s = calloc(1, sizeof *s);
  if (!s) abort();
  *s = (Jobs){.e = e, .ask_ms = INT64_MAX};
  return e->jobs = s;
}

void jobs_free(Engine *e) {
  Jobs *s = e->jobs;
  if (!s) return;
  for (size_t i = 0; i < s->cap; i++)
    while (s->map[i]) drop(s, s->map[i]);
  job_queues_free(s);
  free(s->map);
  free(s->claims);
  free(s->cancelling);
  free(s);
  e->jobs = NULL;
}

bool jobs_serve(Engine *e, Err *err) {
  Jobs *s = jobs_of(e);
  JobRow rows[64];
  JobQuery q = {.how = JOBS_ACTIVE};
  size_t n;
  s->serving = true;
  do {
    n = store_jobs(e->store, &q, rows, 64, err);
    for (size_t i = 0; i < n; i++) {
      q.after = rows[i].job;
      if (job_find(s, rows[i].job)) job_row_free(&rows[i]);
      else add(s, &rows[i]);
    }
  } while (n == 64);
  return !err->code;
}

void job_text(char **slot, const char *t) {
  char *copy = t ? strdup(t) : NULL;
  if (t && !copy) abort();
  free(*slot);
  *slot = copy;
}

/* --- what is in a job ---------------------------------------------------------------------------------------------------------- */
Val job_map_of(const Blob *b) {
  Val v = b->n ? snap_read_value(env_core(), b->p, b->n) : map_empty;
  return is_map(v) ? v : map_empty;
}

Val jobs_tail(const JobRow *j) { return job_map_of(&j->tail); }

static Blob bytes_of(Val v) {
  Buf b = {0};
  if (is_sig(snap_data(&b, v))) b.n = 0; /* made of data that came from JSON or was checked */
  return (Blob){b.p, b.n};
}

void job_tail_set(JobRow *j, Val tail) {
  blob_free(&j->tail);
  j->tail = bytes_of(tail);
}

Val job_attempt_over(Val tail, const char *outcome, int64_t at) {
  Val all = map_get_kw(tail, "attempts");
  if (!is_vec(all) || !vec_count(all)) return tail;
  uint32_t last = vec_count(all) - 1;
  Val a = map_assoc(map_assoc(vec_nth(all, last), kw_c("outcome"), str_c(outcome)), kw_c("ended-ms"), int_val(at));
  return map_assoc(tail, kw_c("attempts"), vec_assoc(all, last, a));
}

/* --- changes ------------------------------------------------------------------------------------------------------------------- */
JobWork *job_work(Jobs *s, Batch *b) {
  JobWork *w = calloc(1, sizeof *w);
  if (!w) abort();
  w->jobs = s;
  w->b = b ? b : batch_new();
  return w;
}

static void note(JobWork *w, Job *j) {
  if (w->n == w->cap) {
    w->cap = w->cap ? w->cap * 2 : 4;
    w->a = realloc(w->a, w->cap * sizeof *w->a);
    if (!w->a) abort();
  }
  w->a[w->n++] = j->row.job;
  j->inflight++;
}

void job_work_put(JobWork *w, Job *j, enum JobPhase was) {
  batch_job_put(w->b, &j->row, was);
  j->row.rev++;
  j->q->active += job_phase_held(j->row.phase) - job_phase_held(was);
  if (!job_phase_held(j->row.phase)) job_claim_set(w->jobs, j, "");
  if (j->row.due_ms && j->row.due_ms < w->jobs->due_ms) w->jobs->due_ms = j->row.due_ms;
  note(w, j);
}

void job_work_del(JobWork *w, Job *j) {
  batch_job_del(w->b, &j->row);
  note(w, j);
}

/* A change was refused: memory goes back to what is there. */
static void read_again(Jobs *s, Job *j) {
  JobRow row;
  Err err = {0};
  int64_t number = j->row.job;
  drop(s, j);
  if (store_job_get(s->e->store, number, &row, &err)) add(s, &row);
}

static void batch_moved(Jobs *s, int64_t batch) {
  JobBatchRow b;
  Err err = {0};
  if (!store_job_batch_get(s->e->store, batch, &b, &err)) return;
  if (jobs_batch_over(&b)) job_awaits_wake(s->e, b.workspace, b.id);
  job_batch_row_free(&b);
}

/* The batch that it ends in, 0 none. */
static int64_t job_settled(Jobs *s, int64_t number, bool failed) {
  Job *j = job_find(s, number);
  if (!j) return 0;
  j->inflight--;
  j->bad = j->bad || failed;
  if (j->inflight) return 0;
  if (j->bad) read_again(s, j);
  j = job_find(s, number);
  if (!j) return 0;
  bool over = !job_phase_open(j->row.phase);
  int64_t batch = over ? j->row.batch : 0;
  if (j->row.due_ms && j->row.due_ms < s->due_ms) s->due_ms = j->row.due_ms; /* the store has been asked before it knew */
  if (j->row.phase == JOB_READY) job_queue_ready(j->q, number, j->row.priority);
  if (over && !failed) metric_count(METRIC_jobs_ended_total, job_status_name(j->row.phase), NULL);
  if (over) job_awaits_wake(s->e, j->row.workspace, j->row.id);
  JobQueue *q = j->q;
  job_let_go(s, j);
  if (q->first) job_queue_serve(s, q);
  return batch;
}

static void all_settled(Jobs *s, const JobWork *w, bool failed) {
  int64_t last = 0;
  for (size_t i = 0; i < w->n; i++) {
    int64_t batch = job_settled(s, w->a[i], failed);
    if (last && batch && batch != last) batch_moved(s, last);
    if (batch) last = batch;
  }
  if (last) batch_moved(s, last);
}

static void committed(Engine *e, void *ctx, const char *error) {
  JobWork *w = ctx;
  bool stopping = error && !strcmp(error, "stopping");
  if (w->done) w->done(w->ctx, error);
  if (!stopping && e->jobs) all_settled(w->jobs, w, error != NULL);
  free(w->a);
  free(w);
}

void job_work_commit(JobWork *w, JobDoneFn done, void *ctx) {
  w->done = done;
  w->ctx = ctx;
  engine_commit(w->jobs->e, w->b, committed, w);
}

/* --- submitting ---------------------------------------------------------------------------------------------------------------- */
static void id_text_new(const char *what, int64_t number, char out[JOB_ID_MAX]) {
  uint8_t r[5];
  hash_random(r, sizeof r);
  snprintf(out, JOB_ID_MAX, "%s-%lld-%02x%02x%02x%02x%02x", what, (long long)number, r[0], r[1], r[2], r[3], r[4]);
}

/* The number in an id, 0: it is none. */
static int64_t number_in(const char *what, const char *id) {
  size_t n = strlen(what);
  if (strncmp(id, what, n) || id[n] != '-' || strlen(id) >= JOB_ID_MAX) return 0;
  char *end;
  long long number = strtoll(id + n + 1, &end, 10);
  return number > 0 && *end == '-' ? number : 0;
}

static void put_some(ValVec *m, const char *key, Val v) {
  if (is_nil(v)) return;
  vv_push(m, kw_c(key));
  vv_push(m, v);
}

static bool head_of(Val payload, Val metadata, Val lineage, const char *batch, Blob *out, Err *err) {
  ValVec m = {0};
  Buf b = {0};
  if (!same(payload, ABSENT)) vv_push(&m, kw_c("payload")), vv_push(&m, payload);
  put_some(&m, "metadata", metadata);
  put_some(&m, "lineage", lineage);
  if (batch) put_some(&m, "batch-id", str_c(batch));
  if (is_sig(snap_data(&b, amap_from(m.a, m.n / 2)))) {
    buf_free(&b);
    return err_set(err, "bad_input", "the :payload or :metadata of a job holds what is no data: a function, or a lazy sequence that has no end");
  }
  if (snap_last_size() > ((size_t)1 << 20)) {
    buf_free(&b);
    return err_set(err, "too_large", "the :payload and :metadata of a job are over 1 MiB: keep large data as a resource, and give its URI");
  }
  *out = (Blob){b.p, b.n};
  return true;
}

static bool new_row(const JobGroup *g, const JobSpec *spec, int64_t number, const char *batch, int64_t now, JobRow *j, Err *err) {
  char id[JOB_ID_MAX];
  id_text_new("job", number, id);
  *j = (JobRow){.job = number, .phase = spec->delay_ms ? JOB_DELAYED : JOB_READY, .priority = spec->priority, .created_ms = now, .updated_ms = now,
                .max_attempts = spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS, .run = g->run,
                .due_ms = spec->delay_ms ? now + spec->delay_ms : 0};
  if (!head_of(spec->payload, spec->metadata, is_nil(spec->lineage) ? g->lineage : spec->lineage, batch, &j->head, err)) return false;
  j->workspace = mem_raw_copy(g->workspace);
  j->type = mem_raw_copy(g->type);
  j->id = mem_raw_copy(id);
  j->unique_key = mem_raw_copy(spec->unique_key);
  if (j->unique_key) j->unique_until_ms = spec->unique_ms ? now + spec->unique_ms : JOB_UNIQUE_OPEN;
  return true;
}

static bool new_batch(const JobGroup *g, int64_t number, int64_t now, size_t n, JobBatchRow *out, Err *err) {
  char id[JOB_ID_MAX];
  id_text_new("batch", number, id);
  *out = (JobBatchRow){.batch = number, .created_ms = now, .run = g->run, .requested = (int64_t)n, .queued = (int64_t)n, .max_active = g->max_active};
  if (!head_of(ABSENT, g->metadata, g->lineage, NULL, &out->data, err)) return false;
  out->workspace = mem_raw_copy(g->workspace);
  out->type = mem_raw_copy(g->type);
  out->id = mem_raw_copy(id);
  return true;
}

void jobs_rows_free(JobRow *rows, size_t n) {
  for (size_t i = 0; rows && i < n; i++) job_row_free(&rows[i]);
  free(rows);
}

/* The places of a batch go to those that can be worked on now, what is left of them to delayed ones in their order. */
static void hold_back(JobRow *all, size_t n, int64_t places) {
  for (int delayed = 0; delayed < 2; delayed++)
    for (size_t i = 0; i < n; i++) {
      if (all[i].phase != (delayed ? JOB_DELAYED : JOB_READY)) continue;
      if (places > 0) places--;
      else all[i].phase = JOB_HELD;
    }
}

bool jobs_submit(Engine *e, const JobGroup *g, const JobSpec *specs, size_t n, Batch *b, JobRow **rows, JobBatchRow *batch, Err *err) {
  int64_t first = store_next_jobs(e->store, (int64_t)n + g->batch), now = now_ms();
  if (first < 0) return err_set(err, "store_failed", "the store cannot be read");
  if (g->batch && !new_batch(g, first, now, n, batch, err)) return false;
  JobRow *all = calloc(n ? n : 1, sizeof *all);
  if (!all) abort();
  bool ok = true;
  for (size_t i = 0; i < n && ok; i++) {
    ok = new_row(g, &specs[i], first + g->batch + (int64_t)i, g->batch ? batch->id : NULL, now, &all[i], err);
    if (g->batch) all[i].batch = first;
  }
  if (!ok) {
    jobs_rows_free(all, n);
    if (g->batch) job_batch_row_free(batch);
    return false;
  }
  if (g->max_active) hold_back(all, n, g->max_active);
  if (g->batch) batch_job_batch_put(b, batch);
  for (size_t i = 0; i < n; i++) batch_job_put(b, &all[i], JOB_READY);
  *rows = all;
  return true;
}

void jobs_submitted(Engine *e, const char *workspace, const char *type, int64_t job, int64_t priority) {
  Jobs *s = jobs_of(e);
  s->due_ms = 0;
  if (!s->serving) return;
  JobQueue *q = job_queue(s, workspace, type);
  if (job) job_queue_ready(q, job, priority);
  else job_queue_more(q, priority);
  if (q->first) job_queue_serve(s, q);
}

/* --- looking ------------------------------------------------------------------------------------------------------------------- */
static Blob copy_bytes(const Blob *b) {
  Blob out = {b->n ? malloc(b->n) : NULL, b->n};
  if (b->n && !out.p) abort();
  if (b->n) memcpy(out.p, b->p, b->n);
  return out;
}

static void copy_row(const JobRow *from, JobRow *to) {
  *to = *from;
  to->workspace = mem_raw_copy(from->workspace);
  to->id = mem_raw_copy(from->id);
  to->type = mem_raw_copy(from->type);
  to->unique_key = mem_raw_copy(from->unique_key);
  to->token = mem_raw_copy(from->token);
  to->worker = mem_raw_copy(from->worker);
  to->head = copy_bytes(&from->head);
  to->tail = copy_bytes(&from->tail);
}

static bool get(Engine *e, const char *workspace, const char *id, bool memory, JobRow *out, Err *err) {
  int64_t number = number_in("job", id);
  const Job *j = number && memory ? job_find(jobs_of(e), number) : NULL;
  err->code = NULL;
  *out = (JobRow){0};
  if (!number) return false;
  if (j) copy_row(&j->row, out);
  else if (!store_job_get(e->store, number, out, err)) return false;
  if (!strcmp(out->id, id) && !strcmp(out->workspace, workspace)) return true;
  job_row_free(out);
  return false;
}

bool jobs_get(Engine *e, const char *workspace, const char *id, JobRow *out, Err *err) { return get(e, workspace, id, true, out, err); }
bool jobs_get_durable(Engine *e, const char *workspace, const char *id, JobRow *out, Err *err) {
  return get(e, workspace, id, false, out, err);
}

bool jobs_batch_get(Engine *e, const char *workspace, const char *id, JobBatchRow *out, Err *err) {
  int64_t number = number_in("batch", id);
  err->code = NULL;
  *out = (JobBatchRow){0};
  if (!number || !store_job_batch_get(e->store, number, out, err)) return false;
  if (!strcmp(out->id, id) && !strcmp(out->workspace, workspace)) return true;
  job_batch_row_free(out);
  return false;
}

bool jobs_batch_over(const JobBatchRow *b) { return !b->queued && !b->active; }

const char *jobs_batch_status(const JobBatchRow *b) {
  int64_t good = b->done[0] + b->done[1], cancelled = b->done[JOB_CANCELLED - JOB_SUCCEEDED];
  if (!jobs_batch_over(b)) return b->active || b->queued < b->requested ? "running" : "queued";
  if (b->cancelled || cancelled == b->requested) return "cancelled";
  return good == b->requested ? "completed" : good ? "partially_failed" : "failed";
}

/* --- the worker's calls -------------------------------------------------------------------------------------------------------- */
enum JobCall jobs_held(Engine *e, const char *workspace, const char *id, const char *token, JobRow *out, Err *err) {
  if (!jobs_get(e, workspace, id, out, err)) return err->code ? JOB_CALL_ERROR : JOB_CALL_MISSING;
  bool his = out->token && hash_same(out->token, token);
  if (!his) return JOB_CALL_CONFLICT;
  return job_phase_open(out->phase) ? JOB_CALL_OK : JOB_CALL_LATE;
}

void job_end(JobWork *w, Job *j, enum JobPhase to, Val tail, int64_t now) {
  j->row.phase = to;
  j->row.finished_ms = now;
  j->row.due_ms = now + JOB_KEEP_MS;
  job_tail_set(&j->row, job_attempt_over(tail, job_status_name(to), now));
  if (j->row.batch) job_over_moves_on(w, j->row.batch);
}

void jobs_commit(JobWork *w, JobDoneFn done, void *ctx) { job_work_commit(w, done, ctx); }

JobWork *jobs_update(Engine *e, const JobRow *row, const JobUpdate *u, Batch *b) {
  Jobs *s = jobs_of(e);
  JobWork *w = job_work(s, b);
  Err err = {0};
  Job *j = job_hold(s, row->job, &err);
  int64_t now = now_ms();
  if (!j) { /* it was there a moment ago */
    batch_job_expect(w->b, row->job, row->rev);
    return w;
  }
  enum JobPhase was = j->row.phase;
  j->row.updated_ms = j->q->seen_ms = now;
  j->asked = 0;
  if (u->lease_ms) j->row.due_ms = now + u->lease_ms;
  if (u->to < JOB_PHASES && !job_phase_open(u->to)) job_end(w, j, u->to, u->tail, now);
  else {
    if (u->to < JOB_PHASES && u->to > was) j->row.phase = u->to;
    job_tail_set(&j->row, u->tail);
  }
  job_work_put(w, j, was);
  return w;
}

JobWork *jobs_settle(Engine *e, const JobRow *j, Batch *b) {
  JobWork *w = job_work(jobs_of(e), b);
  batch_job_expect(w->b, j->job, j->rev);
  return w;
}

/* --- cancelling ---------------------------------------------------------------------------------------------------------------- */
static void cancel(JobWork *w, int64_t number, bool moves_on) {
  Err err = {0};
  Job *j = job_hold(w->jobs, number, &err);
  if (!j || !job_phase_open(j->row.phase)) {
    if (j) job_let_go(w->jobs, j);
    return;
  }
  enum JobPhase was = j->row.phase;
  int64_t now = now_ms();
  j->row.phase = JOB_CANCELLED;
  j->row.updated_ms = j->row.finished_ms = now;
  j->row.due_ms = now + JOB_KEEP_MS;
  Val tail = jobs_tail(&j->row);
  job_tail_set(&j->row, job_phase_held(was) ? job_attempt_over(tail, "cancelled", now) : tail);
  job_work_put(w, j, was);
  if (moves_on && j->row.batch) job_over_moves_on(w, j->row.batch);
}

JobWork *jobs_cancel(Engine *e, const JobRow *j, Batch *b) {
  JobWork *w = job_work(jobs_of(e), b);
  cancel(w, j->job, true);
  return w;
}

JobWork *jobs_cancel_batch(Engine *e, const JobBatchRow *r, Batch *b) {
  JobWork *w = job_work(jobs_of(e), b);
  batch_job_batch_cancel(w->b, r->batch);
  for (int64_t i = 1; i <= r->requested; i++) cancel(w, r->batch + i, false);
  return w;
}

/* --- a run that was cancelled -------------------------------------------------------------------------------------------------- */
enum { CANCEL_PAGE = 500 };

void jobs_run_over(Engine *e, Batch *b, int64_t run, const char *workspace, const char *run_id, enum RunStatus st, bool submitted) {
  JobRow one;
  Err err = {0};
  JobQuery q = {.how = JOBS_OF_RUN, .run = run};
  if (st != RUN_CANCELLED && st != RUN_TERMINATED) return;
  if (!submitted && store_jobs(e->store, &q, &one, 1, &err)) {
    submitted = true;
    job_row_free(&one);
  }
  if (!submitted && !err.code) return;
  Buf body = {0};
  snap_data(&body, int_val(run));
  batch_inbox_put(b, workspace, run_id, "jobs-cancel", now_ms(), (Bytesv){body.p, body.n});
  buf_free(&body);
}

typedef struct RunCancel { Engine *e; int64_t inbox; bool more; } RunCancel;

static bool cancelling(Jobs *s, int64_t inbox) {
  for (size_t i = 0; i < s->ncancelling; i++)
    if (s->cancelling[i] == inbox) return true;
  return false;
}

static void run_cancelled(void *ctx, const char *error) {
  RunCancel *c = ctx;
  Jobs *s = c->e->jobs;
  if (s && (!error || strcmp(error, "stopping"))) {
    size_t i = 0;
    while (s->cancelling[i] != c->inbox) i++;
    s->cancelling[i] = s->cancelling[--s->ncancelling];
    if (error || c->more) c->e->inbox_again = true;
  }
  free(c);
}

void jobs_cancel_deliver(Engine *e, const InboxRow *row) {
  Jobs *s = jobs_of(e);
  Val run = snap_read_value(env_core(), row->body.p, row->body.n);
  JobQuery q = {.how = JOBS_OF_RUN, .run = is_long(run) ? long_of(run) : -1};
  JobRow *rows;
  Err err = {0};
  if (cancelling(s, row->id)) return;
  rows = calloc(CANCEL_PAGE, sizeof *rows);
  RunCancel *c = calloc(1, sizeof *c);
  s->cancelling = realloc(s->cancelling, (s->ncancelling + 1) * sizeof *s->cancelling);
  if (!rows || !c || !s->cancelling) abort();
  s->cancelling[s->ncancelling++] = row->id;
  JobWork *w = job_work(s, NULL);
  size_t n = store_jobs(e->store, &q, rows, CANCEL_PAGE, &err);
  for (size_t i = 0; i < n; i++) {
    cancel(w, rows[i].job, true);
    job_row_free(&rows[i]);
  }
  free(rows);
  *c = (RunCancel){e, row->id, n == CANCEL_PAGE || err.code};
  if (!c->more) batch_inbox_del(w->b, row->id);
  job_work_commit(w, run_cancelled, c);
}
