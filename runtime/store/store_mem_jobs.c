/* store_mem_jobs.c - jobs in the store without a disk: rows by number, and a look at all of them for everything else. See store_jobs.h */
#include "store_mem_int.h"

/* ---- rows ---- */

static Bytes pack(const JobRow *j) {
  const int64_t v[] = {j->rev, j->phase, j->priority, j->attempt, j->max_attempts, j->due_ms, j->created_ms, j->updated_ms, j->started_ms,
                       j->finished_ms, j->batch, j->run, j->unique_until_ms, (int64_t)j->head.n};
  const char *s[] = {j->workspace, j->id, j->type, j->unique_key, j->token, j->worker};
  Bytes b = {0};
  for (size_t i = 0; i < sizeof v / sizeof *v; i++) add_int(&b, v[i]);
  for (int i = 0; i < 6; i++) add_opt(&b, s[i]);
  add(&b, j->head.p, j->head.n);
  add(&b, j->tail.p, j->tail.n);
  return b;
}

static int64_t number_of(const OmapNode *n) {
  Reader k = reader(store_omap_key(n));
  k.p++;
  return get_int(&k);
}

static bool unpack(const OmapNode *n, JobRow *j, Err *e) {
  Reader in = reader(store_omap_value(n));
  int64_t v[14];
  for (int i = 0; i < 14; i++) v[i] = get_int(&in);
  *j = (JobRow){.job = number_of(n), .rev = v[0], .phase = (enum JobPhase)v[1], .priority = v[2], .attempt = v[3], .max_attempts = v[4],
                .due_ms = v[5], .created_ms = v[6], .updated_ms = v[7], .started_ms = v[8], .finished_ms = v[9], .batch = v[10],
                    .run = v[11],
                .unique_until_ms = v[12]};
  char **text[] = {&j->workspace, &j->id, &j->type, &j->unique_key, &j->token, &j->worker};
  for (int i = 0; i < 6; i++) *text[i] = get_opt(&in);
  bool ok = !in.oom && blob_copy(&j->head, in.p, (size_t)v[13]);
  in.p += v[13];
  ok = ok && blob_copy(&j->tail, in.p, (size_t)(in.end - in.p));
  if (!ok) job_row_free(j);
  return ok || no_memory(e);
}

static Bytes pack_batch(const JobBatchRow *r, int64_t there) {
  const int64_t v[] = {r->created_ms, r->finished_ms, r->run, r->requested, there, r->max_active, r->cancelled, r->queued, r->active};
  Bytes b = {0};
  for (size_t i = 0; i < sizeof v / sizeof *v; i++) add_int(&b, v[i]);
  for (int i = 0; i < JOB_PHASES - JOB_SUCCEEDED; i++) add_int(&b, r->done[i]);
  add_opt(&b, r->workspace);
  add_opt(&b, r->id);
  add_opt(&b, r->type);
  add(&b, r->data.p, r->data.n);
  return b;
}

static bool unpack_batch(const OmapNode *n, JobBatchRow *r, int64_t *there, Err *e) {
  Reader in = reader(store_omap_value(n));
  *r = (JobBatchRow){.batch = number_of(n)};
  r->created_ms = get_int(&in);
  r->finished_ms = get_int(&in);
  r->run = get_int(&in);
  r->requested = get_int(&in);
  *there = get_int(&in);
  r->max_active = get_int(&in);
  r->cancelled = get_int(&in);
  r->queued = get_int(&in);
  r->active = get_int(&in);
  for (int i = 0; i < JOB_PHASES - JOB_SUCCEEDED; i++) r->done[i] = get_int(&in);
  r->workspace = get_opt(&in);
  r->id = get_opt(&in);
  r->type = get_opt(&in);
  r->data = get_rest(&in);
  if (in.oom) job_batch_row_free(r);
  return !in.oom || no_memory(e);
}

/* ---- applying ---- */

static const char *key_take(Mem *m, const JobRow *j) {
  const OmapNode *n = store_mem_find(m, key_strs('U', j->workspace, j->unique_key));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  if (n) get_int(&in);
  if (n && get_int(&in) > j->created_ms) return "job_exists";
  Bytes v = {0};
  add_int(&v, j->job);
  add_int(&v, j->unique_until_ms);
  return store_mem_put(m, key_strs('U', j->workspace, j->unique_key), v);
}

static const char *key_drop(Mem *m, const char *workspace, const char *key, int64_t job, int64_t until) {
  const OmapNode *n = store_mem_find(m, key_strs('U', workspace, key));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  if (!n || get_int(&in) != job || get_int(&in) < until) return NULL;
  return store_mem_del(m, key_strs('U', workspace, key));
}

static int64_t *class_of(JobBatchRow *r, enum JobPhase p) {
  int k = job_class(p);
  return k == 0 ? &r->queued : k == 1 ? &r->active : &r->done[k - 2];
}

static const char *count(Mem *m, const JobRow *j, enum JobPhase was) {
  const OmapNode *n = j->batch && job_class(was) != job_class(j->phase) ? store_mem_find(m, KEY('B', j->batch)) : NULL;
  JobBatchRow r;
  int64_t there;
  if (!n) return NULL;
  if (!unpack_batch(n, &r, &there, NULL)) return NO_MEMORY;
  --*class_of(&r, was);
  ++*class_of(&r, j->phase);
  r.finished_ms = r.queued + r.active ? 0 : j->updated_ms;
  const char *e = store_mem_put(m, KEY('B', j->batch), pack_batch(&r, there));
  job_batch_row_free(&r);
  return e;
}

/* The row as it is, at that revision. */
static const char *load(Mem *m, int64_t job, int64_t rev, JobRow *out) {
  const OmapNode *n = store_mem_find(m, KEY('J', job));
  if (!n) return "job_conflict";
  if (!unpack(n, out, NULL)) return NO_MEMORY;
  if (out->rev == rev) return NULL;
  job_row_free(out);
  return "job_conflict";
}

static const char *job_put(Mem *m, const Batch *b, const Op *op) {
  JobRow j = op_job(b, op), was;
  const char *e;
  if (!j.rev) {
    if (store_mem_find(m, KEY('J', j.job))) return "job_conflict";
    if (j.unique_key && (e = key_take(m, &j))) return e;
    j.rev = 1;
    return store_mem_put(m, KEY('J', j.job), pack(&j));
  }
  if ((e = load(m, j.job, j.rev, &was))) return e;
  j.rev++;
  j.head = was.head;
  j.priority = was.priority;
  e = store_mem_put(m, KEY('J', j.job), pack(&j));
  if (!e && j.unique_key && !job_phase_open(j.phase)) e = key_drop(m, j.workspace, j.unique_key, j.job, JOB_UNIQUE_OPEN);
  job_row_free(&was);
  return e ? e : count(m, &j, (enum JobPhase)op->kind);
}

static const char *job_expect(Mem *m, const Op *op) {
  JobRow j;
  const char *e = load(m, op->i[0], op->i[1], &j);
  if (!e) job_row_free(&j);
  return e;
}

static const char *batch_less(Mem *m, int64_t batch) {
  const OmapNode *n = store_mem_find(m, KEY('B', batch));
  JobBatchRow r;
  int64_t there;
  if (!n) return NULL;
  if (!unpack_batch(n, &r, &there, NULL)) return NO_MEMORY;
  const char *e = there <= 1 ? store_mem_del(m, KEY('B', batch)) : store_mem_put(m, KEY('B', batch), pack_batch(&r, there - 1));
  job_batch_row_free(&r);
  return e;
}

static const char *job_del(Mem *m, const Batch *b, const Op *op) {
  const char *e = job_expect(m, op);
  if (!e) e = store_mem_del(m, KEY('J', op->i[0]));
  if (!e && op_str(b, op, 1)) e = key_drop(m, op_str(b, op, 0), op_str(b, op, 1), op->i[0], 0);
  return e || !op->i[2] ? e : batch_less(m, op->i[2]);
}

static const char *batch_add(Mem *m, const Batch *b, const Op *op) {
  JobBatchRow r = op_job_batch(b, op);
  if (store_mem_find(m, KEY('B', r.batch))) return "job_conflict";
  return store_mem_put(m, KEY('B', r.batch), pack_batch(&r, r.requested));
}

static const char *batch_cancel(Mem *m, int64_t batch) {
  const OmapNode *n = store_mem_find(m, KEY('B', batch));
  JobBatchRow r;
  int64_t there;
  if (!n) return NULL;
  if (!unpack_batch(n, &r, &there, NULL)) return NO_MEMORY;
  r.cancelled = true;
  const char *e = store_mem_put(m, KEY('B', batch), pack_batch(&r, there));
  job_batch_row_free(&r);
  return e;
}

const char *store_mem_job(Mem *m, const Batch *b, const Op *op) {
  switch (op->type) {
  case OP_JOB_PUT: return job_put(m, b, op);
  case OP_JOB_EXPECT: return job_expect(m, op);
  case OP_JOB_DEL: return job_del(m, b, op);
  case OP_JOB_BATCH: return batch_add(m, b, op);
  default: return batch_cancel(m, op->i[0]);
  }
}

/* ---- reading ---- */

bool store_mem_job_get(Store *s, int64_t job, JobRow *out, Err *e) {
  const OmapNode *n = store_mem_find((Mem *)s, KEY('J', job));
  *out = (JobRow){0};
  return n && unpack(n, out, e);
}

bool store_mem_job_batch_get(Store *s, int64_t batch, JobBatchRow *out, Err *e) {
  const OmapNode *n = store_mem_find((Mem *)s, KEY('B', batch));
  int64_t there;
  *out = (JobBatchRow){0};
  return n && unpack_batch(n, out, &there, e);
}

int64_t store_mem_job_unique(Store *s, const char *workspace, const char *key, int64_t now_ms, Err *e) {
  (void)e;
  const OmapNode *n = store_mem_find((Mem *)s, key_strs('U', workspace, key));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  int64_t job = n ? get_int(&in) : 0;
  return n && get_int(&in) > now_ms ? job : 0;
}

static int64_t last_of(const Mem *m, char table) {
  int64_t max = 0;
  for (const OmapNode *n = store_mem_walk(m, KEY(table, 0)); in_table(n, table); n = store_omap_next(n)) max = number_of(n);
  return max;
}

int64_t store_mem_job_max(Store *s) {
  int64_t jobs = last_of((Mem *)s, 'J'), batches = last_of((Mem *)s, 'B');
  return jobs > batches ? jobs : batches;
}

static bool of_type(const JobRow *j, const JobQuery *q) {
  return !strcmp(j->workspace, q->workspace) && (!q->type || !strcmp(j->type, q->type));
}

static bool of_phases(const JobRow *j, const JobQuery *q) { return !q->phases || q->phases & 1u << j->phase; }

static bool wanted(const JobRow *j, const JobQuery *q) {
  switch (q->how) {
  case JOBS_READY: return j->phase == JOB_READY && of_type(j, q);
  case JOBS_READY_OF: return j->phase == JOB_READY && j->batch == q->batch;
  case JOBS_WAITING: return j->phase == JOB_HELD && j->batch == q->batch;
  case JOBS_DUE: return j->due_ms && j->due_ms <= q->at_ms;
  case JOBS_ACTIVE: return job_phase_held(j->phase) && j->job > q->after;
  case JOBS_OF_RUN: return job_phase_open(j->phase) && j->run == q->run && j->job > q->after;
  case JOBS_OF_BATCH: return j->batch == q->batch && j->job > q->after && of_phases(j, q);
  default: return j->job < q->after && of_type(j, q) && of_phases(j, q);
  }
}

static bool before(const JobRow *a, const JobRow *b, const JobQuery *q) {
  if (q->how == JOBS_NEWEST) return a->job > b->job;
  if (q->how == JOBS_DUE && a->due_ms != b->due_ms) return a->due_ms < b->due_ms;
  bool ranked = q->how == JOBS_READY || q->how == JOBS_READY_OF || q->how == JOBS_WAITING;
  if (ranked && a->priority != b->priority) return a->priority > b->priority;
  return a->job < b->job;
}

size_t store_mem_jobs(Store *s, const JobQuery *q, JobRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = store_mem_walk((Mem *)s, KEY('J', 0)); max && in_table(at, 'J'); at = store_omap_next(at)) {
    JobRow j;
    if (!unpack(at, &j, e)) break;
    size_t i = n;
    while (i && before(&j, &out[i - 1], q)) i--;
    if (!wanted(&j, q) || i == max) {
      job_row_free(&j);
      continue;
    }
    if (n == max) job_row_free(&out[--n]);
    memmove(out + i + 1, out + i, (n - i) * sizeof *out);
    out[i] = j;
    n++;
  }
  return n;
}

int64_t store_mem_jobs_due(Store *s) {
  JobRow j;
  JobQuery q = {.how = JOBS_DUE, .at_ms = INT64_MAX};
  if (!store_mem_jobs(s, &q, &j, 1, NULL)) return INT64_MAX;
  int64_t due = j.due_ms;
  job_row_free(&j);
  return due;
}

size_t store_mem_job_types(Store *s, const char *workspace, const char *after, char **out, size_t max, Err *e) {
  size_t n = 0;
  for (; n < max; after = out[n++]) {
    out[n] = NULL;
    for (const OmapNode *at = store_mem_walk((Mem *)s, KEY('J', 0)); in_table(at, 'J'); at = store_omap_next(at)) {
      JobRow j;
      if (!unpack(at, &j, e)) return n;
      if (!strcmp(j.workspace, workspace) && strcmp(j.type, after) > 0 && (!out[n] || strcmp(j.type, out[n]) < 0)) {
        free(out[n]);
        out[n] = j.type;
        j.type = NULL;
      }
      job_row_free(&j);
    }
    if (!out[n]) break;
  }
  return n;
}
