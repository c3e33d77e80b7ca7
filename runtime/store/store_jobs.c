/* store_jobs.c - jobs in batches of changes, and the door to reading them; see store_jobs.h */
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[JOB_PHASES] = {"queued", "queued", "queued", "leased", "started", "running",
                                              "succeeded", "no_changes", "failed", "cancelled", "timed_out"};

const char *job_status_name(enum JobPhase p) { return p < JOB_PHASES ? names[p] : "?"; }

unsigned job_status_phases(const char *status) {
  unsigned mask = 0;
  for (int i = 0; i < JOB_PHASES; i++)
    if (!strcmp(names[i], status)) mask |= 1u << i;
  return mask;
}

void job_row_free(JobRow *j) {
  char *const texts[] = {j->workspace, j->id, j->type, j->unique_key, j->token, j->worker};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
  blob_free(&j->head);
  blob_free(&j->tail);
  *j = (JobRow){0};
}

void job_batch_row_free(JobBatchRow *b) {
  free(b->workspace);
  free(b->id);
  free(b->type);
  blob_free(&b->data);
  *b = (JobBatchRow){0};
}

/* ---- operations: the blob is the numbers, then head and tail ---- */

typedef struct JobNumbers {
  int64_t job, rev, phase, priority, attempt, max_attempts, due, created, updated, started, finished, batch, run, unique_until;
  uint64_t head_n;
} JobNumbers;

static void set_blob(Batch *b, Op *op, const void *numbers, size_t n, const Blob *one, const Blob *two) {
  size_t at = b->mem_n, many = n + one->n + two->n;
  if (many > STORE_BLOB_MAX) {
    b->error = "too_big";
    return;
  }
  char *p = batch_room(b, many);
  if (!p) return;
  memcpy(p, numbers, n);
  if (one->n) memcpy(p + n, one->p, one->n);
  if (two->n) memcpy(p + n + one->n, two->p, two->n);
  op->blob = at;
  op->blob_n = many;
}

void batch_job_put(Batch *b, const JobRow *j, enum JobPhase was) {
  Op *op = batch_op(b, OP_JOB_PUT, 0, 0);
  if (!op) return;
  op->kind = was;
  JobNumbers n = {j->job, j->rev, j->phase, j->priority, j->attempt, j->max_attempts, j->due_ms, j->created_ms, j->updated_ms,
      j->started_ms,
                  j->finished_ms, j->batch, j->run, j->unique_until_ms, j->rev ? 0 : j->head.n};
  const char *s[6] = {j->workspace, j->id, j->type, j->unique_key, j->token, j->worker};
  for (int k = 0; k < 6; k++) op_set_str(b, op, k, s[k]);
  set_blob(b, op, &n, sizeof n, j->rev ? &(Blob){0} : &j->head, &j->tail);
  if (!job_phase_open(j->phase)) b->essential = true;
}

JobRow op_job(const Batch *b, const Op *op) {
  JobNumbers n;
  char *p = op_blob(b, op);
  memcpy(&n, p, sizeof n);
  p += sizeof n;
  char *s[6];
  for (int k = 0; k < 6; k++) s[k] = (char *)(uintptr_t)op_str(b, op, k);
  return (JobRow){.job = n.job, .rev = n.rev, .phase = (enum JobPhase)n.phase, .priority = n.priority, .attempt = n.attempt,
                  .max_attempts = n.max_attempts, .due_ms = n.due, .created_ms = n.created, .updated_ms = n.updated,
                      .started_ms = n.started,
                  .finished_ms = n.finished, .batch = n.batch, .run = n.run, .unique_until_ms = n.unique_until, .workspace = s[0],
                      .id = s[1],
                  .type = s[2], .unique_key = s[3], .token = s[4], .worker = s[5], .head = {p, n.head_n},
                  .tail = {p + n.head_n, op->blob_n - sizeof n - n.head_n}};
}

void batch_job_expect(Batch *b, int64_t job, int64_t rev) {
  Op *op = batch_op(b, OP_JOB_EXPECT, 0, 0);
  if (!op) return;
  op->i[0] = job;
  op->i[1] = rev;
}

void batch_job_del(Batch *b, const JobRow *j) {
  Op *op = batch_op(b, OP_JOB_DEL, 0, 0);
  if (!op) return;
  const int64_t v[] = {j->job, j->rev, j->batch};
  memcpy(op->i, v, sizeof v);
  op_set_key(b, op, j->workspace, j->unique_key);
}

typedef struct BatchNumbers { int64_t batch, created, run, requested, max_active; } BatchNumbers;

void batch_job_batch_put(Batch *b, const JobBatchRow *r) {
  Op *op = batch_op(b, OP_JOB_BATCH, 0, 0);
  if (!op) return;
  BatchNumbers n = {r->batch, r->created_ms, r->run, r->requested, r->max_active};
  op_set_key(b, op, r->workspace, r->id);
  op_set_str(b, op, 2, r->type);
  set_blob(b, op, &n, sizeof n, &r->data, &(Blob){0});
}

JobBatchRow op_job_batch(const Batch *b, const Op *op) {
  BatchNumbers n;
  char *p = op_blob(b, op), *s[3];
  memcpy(&n, p, sizeof n);
  for (int k = 0; k < 3; k++) s[k] = (char *)(uintptr_t)op_str(b, op, k);
  return (JobBatchRow){.batch = n.batch, .created_ms = n.created, .run = n.run, .requested = n.requested, .max_active = n.max_active,
                       .queued = n.requested, .workspace = s[0], .id = s[1], .type = s[2], .data = {p + sizeof n, op->blob_n - sizeof n}};
}

void batch_job_batch_cancel(Batch *b, int64_t batch) {
  Op *op = batch_op(b, OP_JOB_BATCH_CANCEL, 0, 0);
  if (op) op->i[0] = batch;
}

/* ---- the door ---- */

int64_t store_next_jobs(Store *s, int64_t n) {
  if (!s->next_job) {
    int64_t max = s->impl->job_max(s);
    if (max < 0) return -1;
    s->next_job = max + 1;
  }
  s->next_job += n;
  return s->next_job - n;
}

bool store_job_get(Store *s, int64_t job, JobRow *out, Err *e) { return s->impl->job_get(store_fresh(s, e), job, out, e); }
bool store_job_batch_get(Store *s, int64_t batch, JobBatchRow *out, Err *e) { return s->impl->job_batch_get(store_fresh(s, e), batch,
    out, e); }
int64_t store_job_unique(Store *s, const char *workspace, const char *key, int64_t now_ms, Err *e) {
  return s->impl->job_unique(store_fresh(s, e), workspace, key, now_ms, e);
}
size_t store_jobs(Store *s, const JobQuery *q, JobRow *out, size_t max, Err *e) { return s->impl->jobs(store_fresh(s, e), q, out, max, e); }
int64_t store_jobs_due(Store *s) { return s->impl->jobs_due(s); }
size_t store_job_types(Store *s, const char *workspace, const char *after, char **out, size_t max, Err *e) {
  return s->impl->job_types(store_fresh(s, e), workspace, after ? after : "", out, max, e);
}
