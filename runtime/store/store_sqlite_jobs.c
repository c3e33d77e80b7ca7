/* store_sqlite_jobs.c - jobs in SQLite: applying their operations, reading them. See store_jobs.h */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#define OK SQLITE_OK
#define DO(call) \
  do { \
    int do_rc = (call); \
    if (do_rc != OK) return do_rc; \
  } while (0)
#define STMT(var, id) \
  sqlite3_stmt *var = sq_stmt(&s->wr, id); \
  if (!var) return sqlite3_extended_errcode(s->wr.db)

static int refuse(Batch *b, const char *code) {
  b->error = code;
  return SQ_REFUSED;
}

static void bind_ints(sqlite3_stmt *st, int at, const int64_t *v, int n) {
  for (int i = 0; i < n; i++) sqlite3_bind_int64(st, at + i, v[i]);
}

/* v NULL or empty: NULL is bound, for what the statement had there last is gone with its batch. */
static void bind_blob(sqlite3_stmt *st, int at, const Blob *v) {
  if (v && v->n) sqlite3_bind_blob64(st, at, v->p, v->n, SQLITE_STATIC);
  else sqlite3_bind_null(st, at);
}

/* ---- applying ---- */

static int key_take(Sq *s, Batch *b, const JobRow *j) {
  STMT(held, W_JOB_KEY_HELD);
  sq_bind_str(held, 1, j->workspace);
  sq_bind_str(held, 2, j->unique_key);
  sqlite3_bind_int64(held, 3, j->created_ms);
  int rc = sqlite3_step(held);
  sqlite3_reset(held);
  if (rc == SQLITE_ROW) return refuse(b, "job_exists");
  if (rc != SQLITE_DONE) return rc;
  STMT(st, W_JOB_KEY);
  sq_bind_str(st, 1, j->workspace);
  sq_bind_str(st, 2, j->unique_key);
  bind_ints(st, 3, (const int64_t[]){j->job, j->unique_until_ms}, 2);
  return sq_done(st);
}

static int key_drop(Sq *s, const char *workspace, const char *key, int64_t job, int64_t until) {
  STMT(st, W_JOB_KEY_DEL);
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, key);
  bind_ints(st, 3, (const int64_t[]){job, until}, 2);
  return sq_done(st);
}

static int job_new(Sq *s, Batch *b, const JobRow *j) {
  if (j->unique_key) DO(key_take(s, b, j));
  STMT(st, W_JOB);
  bind_ints(st, 1, (const int64_t[]){j->job, j->phase, j->priority, j->attempt, j->max_attempts, j->due_ms, j->created_ms, j->updated_ms,
                                     j->started_ms, j->finished_ms, j->batch, j->run, j->unique_until_ms}, 13);
  const char *text[] = {j->workspace, j->id, j->type, j->unique_key, j->token, j->worker};
  for (int i = 0; i < 6; i++) sq_bind_str(st, 14 + i, text[i]);
  bind_blob(st, 20, &j->tail);
  bool apart = j->head.n > SQ_JOB_HEAD;
  bind_blob(st, 21, apart ? NULL : &j->head);
  int rc = sq_done(st);
  if ((rc & 255) == SQLITE_CONSTRAINT) return refuse(b, "job_conflict");
  if (rc != OK || !apart) return rc;
  STMT(head, W_JOB_HEAD);
  sqlite3_bind_int64(head, 1, j->job);
  bind_blob(head, 2, &j->head);
  return sq_done(head);
}

static int count(Sq *s, const JobRow *j, enum JobPhase was) {
  int from = job_class(was), to = job_class(j->phase);
  int64_t change[JOB_CLASSES] = {0};
  if (!j->batch || from == to) return OK;
  change[from]--;
  change[to]++;
  STMT(st, W_JOB_COUNT);
  sqlite3_bind_int64(st, 1, j->batch);
  bind_ints(st, 2, change, JOB_CLASSES);
  sqlite3_bind_int64(st, 9, j->updated_ms);
  return sq_done(st);
}

static int job_put(Sq *s, Batch *b, const Op *op) {
  JobRow j = op_job(b, op);
  if (!j.rev) return job_new(s, b, &j);
  STMT(st, W_JOB_SET);
  bind_ints(st, 1, (const int64_t[]){j.job, j.rev, j.phase, j.attempt, j.due_ms, j.updated_ms, j.started_ms, j.finished_ms}, 8);
  sq_bind_str(st, 9, j.token);
  sq_bind_str(st, 10, j.worker);
  bind_blob(st, 11, &j.tail);
  DO(sq_done(st));
  if (!sqlite3_changes(s->wr.db)) return refuse(b, "job_conflict");
  if (j.unique_key && !job_phase_open(j.phase)) DO(key_drop(s, j.workspace, j.unique_key, j.job, JOB_UNIQUE_OPEN));
  return count(s, &j, (enum JobPhase)op->kind);
}

static int job_expect(Sq *s, Batch *b, const Op *op) {
  STMT(st, W_JOB_REV);
  bind_ints(st, 1, op->i, 2);
  int rc = sqlite3_step(st);
  sqlite3_reset(st);
  return rc == SQLITE_ROW ? OK : rc == SQLITE_DONE ? refuse(b, "job_conflict") : rc;
}

static int by_number(Sq *s, enum SqStmt id, int64_t number) {
  STMT(st, id);
  sqlite3_bind_int64(st, 1, number);
  return sq_done(st);
}

static int job_del(Sq *s, Batch *b, const Op *op) {
  STMT(st, W_JOB_DEL);
  bind_ints(st, 1, op->i, 2);
  DO(sq_done(st));
  if (!sqlite3_changes(s->wr.db)) return refuse(b, "job_conflict");
  DO(by_number(s, W_JOB_HEAD_DEL, op->i[0]));
  if (op_str(b, op, 1)) DO(key_drop(s, op_str(b, op, 0), op_str(b, op, 1), op->i[0], 0));
  if (!op->i[2]) return OK;
  DO(by_number(s, W_JOB_BATCH_LESS, op->i[2]));
  return by_number(s, W_JOB_BATCH_DEL, op->i[2]);
}

static int batch_new_row(Sq *s, Batch *b, const Op *op) {
  JobBatchRow r = op_job_batch(b, op);
  STMT(st, W_JOB_BATCH);
  bind_ints(st, 1, (const int64_t[]){r.batch, r.created_ms, r.run, r.requested, r.max_active}, 5);
  sq_bind_str(st, 6, r.workspace);
  sq_bind_str(st, 7, r.id);
  sq_bind_str(st, 8, r.type);
  bind_blob(st, 9, &r.data);
  int rc = sq_done(st);
  return (rc & 255) == SQLITE_CONSTRAINT ? refuse(b, "job_conflict") : rc;
}

int sq_job_apply(Sq *s, Batch *b, const Op *op) {
  switch (op->type) {
  case OP_JOB_PUT: return job_put(s, b, op);
  case OP_JOB_EXPECT: return job_expect(s, b, op);
  case OP_JOB_DEL: return job_del(s, b, op);
  case OP_JOB_BATCH: return batch_new_row(s, b, op);
  case OP_JOB_BATCH_CANCEL: return by_number(s, W_JOB_BATCH_CANCEL, op->i[0]);
  default: return SQLITE_MISUSE;
  }
}

/* ---- reading ---- */

enum { COL_TEXT = 14, COL_TAIL = 20, COL_HEAD };

static bool row_out(sqlite3_stmt *st, JobRow *j, bool light, Err *e) {
  bool ok = true;
  int64_t v[COL_TEXT];
  for (int i = 0; i < COL_TEXT; i++) v[i] = sqlite3_column_int64(st, i);
  *j = (JobRow){.job = v[0], .rev = v[1], .phase = (enum JobPhase)v[2], .priority = v[3], .attempt = v[4], .max_attempts = v[5], .due_ms = v[6],
                .created_ms = v[7], .updated_ms = v[8], .started_ms = v[9], .finished_ms = v[10], .batch = v[11], .run = v[12],
                .unique_until_ms = v[13]};
  char **text[] = {&j->workspace, &j->id, &j->type, &j->unique_key, &j->token, &j->worker};
  for (int i = 0; i < 6; i++) *text[i] = sq_col_str(st, COL_TEXT + i, &ok);
  if (!light) {
    j->tail = sq_col_blob(st, COL_TAIL, &ok);
    j->head = sq_col_blob(st, COL_HEAD, &ok);
  }
  if (!ok) job_row_free(j);
  return ok || sq_no_memory(e);
}

bool sq_job_get(Store *base, int64_t job, JobRow *out, Err *e) {
  Sq *s = (Sq *)base;
  sqlite3_stmt *st = sq_query(s, R_JOB, e);
  *out = (JobRow){0};
  if (!st) return false;
  sqlite3_bind_int64(st, 1, job);
  if (!sq_next_row(s, st, e)) return false;
  bool ok = row_out(st, out, false, e);
  sqlite3_reset(st);
  return ok;
}

bool sq_job_batch_get(Store *base, int64_t batch, JobBatchRow *out, Err *e) {
  Sq *s = (Sq *)base;
  sqlite3_stmt *st = sq_query(s, R_JOB_BATCH, e);
  bool ok = true;
  *out = (JobBatchRow){0};
  if (!st) return false;
  sqlite3_bind_int64(st, 1, batch);
  if (!sq_next_row(s, st, e)) return false;
  int64_t v[15];
  for (int i = 0; i < 15; i++) v[i] = sqlite3_column_int64(st, i);
  *out = (JobBatchRow){.batch = v[0], .created_ms = v[1], .finished_ms = v[2], .run = v[3], .requested = v[4], .max_active = v[6],
                       .cancelled = v[7], .queued = v[8], .active = v[9]};
  memcpy(out->done, v + 10, sizeof out->done);
  out->workspace = sq_col_str(st, 15, &ok);
  out->id = sq_col_str(st, 16, &ok);
  out->type = sq_col_str(st, 17, &ok);
  out->data = sq_col_blob(st, 18, &ok);
  sqlite3_reset(st);
  if (!ok) job_batch_row_free(out);
  return ok || sq_no_memory(e);
}

/* The one integer of a bound query; `otherwise` when there is no row, -1 when it cannot be read. */
static int64_t one_int(Sq *s, sqlite3_stmt *st, int64_t otherwise, Err *e) {
  Err local = {0};
  if (!e) e = &local;
  if (!st) return -1;
  if (!sq_next_row(s, st, e)) return e->code ? -1 : otherwise;
  int64_t v = sqlite3_column_int64(st, 0);
  sqlite3_reset(st);
  return v;
}

int64_t sq_job_max(Store *base) { return one_int((Sq *)base, sq_query((Sq *)base, R_JOB_MAX, NULL), 0, NULL); }
int64_t sq_jobs_due(Store *base) { return one_int((Sq *)base, sq_query((Sq *)base, R_JOBS_NEXT, NULL), INT64_MAX, NULL); }

int64_t sq_job_unique(Store *base, const char *workspace, const char *key, int64_t now_ms, Err *e) {
  sqlite3_stmt *st = sq_query((Sq *)base, R_JOB_KEY, e);
  if (!st) return 0;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, key);
  sqlite3_bind_int64(st, 3, now_ms);
  int64_t job = one_int((Sq *)base, st, 0, e);
  return job < 0 ? 0 : job;
}

static size_t rows_out(Sq *s, sqlite3_stmt *st, bool light, JobRow *out, size_t max, Err *e) {
  size_t n = 0;
  while (n < max && sq_next_row(s, st, e) && row_out(st, &out[n], light, e)) n++;
  sqlite3_reset(st);
  return n;
}

size_t sq_job_types(Store *base, const char *workspace, const char *after, char **out, size_t max, Err *e) {
  Sq *s = (Sq *)base;
  size_t n = 0;
  for (; n < max; after = out[n++]) {
    sqlite3_stmt *st = sq_query(s, R_JOB_TYPES, e);
    bool ok = true;
    if (!st) break;
    sq_bind_str(st, 1, workspace);
    sq_bind_str(st, 2, after);
    if (!sq_next_row(s, st, e)) break;
    out[n] = sq_col_str(st, 0, &ok);
    sqlite3_reset(st);
    if (!ok && !sq_no_memory(e)) break;
  }
  return n;
}

/* Puts what is newer in front of what is there: the first `max` of both, newest first. */
static size_t merge(JobRow *out, size_t n, size_t max, JobRow *more, size_t m) {
  for (size_t k = 0; k < m; k++) {
    size_t i = n;
    while (i && out[i - 1].job < more[k].job) i--;
    if (i == max) {
      job_row_free(&more[k]);
      continue;
    }
    if (n == max) job_row_free(&out[--n]);
    memmove(out + i + 1, out + i, (n - i) * sizeof *out);
    out[i] = more[k];
    n++;
  }
  return n;
}

static size_t newest_of(Sq *s, const JobQuery *q, const char *type, JobRow *out, size_t n, size_t max, JobRow *room, Err *e) {
  for (int phase = 0; phase < JOB_PHASES; phase++) {
    if (q->phases && !(q->phases & 1u << phase)) continue;
    sqlite3_stmt *st = sq_query(s, R_JOBS_NEWEST, e);
    if (!st) return n;
    sq_bind_str(st, 1, q->workspace);
    sq_bind_str(st, 2, type);
    bind_ints(st, 3, (const int64_t[]){phase, q->after, (int64_t)max}, 3);
    n = merge(out, n, max, room, rows_out(s, st, false, room, max, e));
  }
  return n;
}

static size_t newest(Sq *s, const JobQuery *q, JobRow *out, size_t max, Err *e) {
  JobRow *room = calloc(max, sizeof *room);
  char *type = NULL;
  size_t n = 0;
  if (!room) return sq_no_memory(e), 0;
  if (q->type) n = newest_of(s, q, q->type, out, 0, max, room, e);
  for (char *next; !q->type && !e->code && sq_job_types(&s->base, q->workspace, type ? type : "", &next, 1, e); type = next) {
    free(type);
    n = newest_of(s, q, next, out, n, max, room, e);
  }
  free(type);
  free(room);
  return n;
}

static size_t of_batch(Sq *s, const JobQuery *q, JobRow *out, size_t max, Err *e) {
  JobBatchRow b;
  if (!sq_job_batch_get(&s->base, q->batch, &b, e)) return 0;
  int64_t requested = b.requested;
  job_batch_row_free(&b);
  sqlite3_stmt *st = sq_query(s, R_JOBS_OF_BATCH, e);
  if (!st) return 0;
  bind_ints(st, 1, (const int64_t[]){q->batch, q->after > q->batch ? q->after : q->batch, (int64_t)max, requested, q->phases}, 5);
  return rows_out(s, st, false, out, max, e);
}

size_t sq_jobs(Store *base, const JobQuery *q, JobRow *out, size_t max, Err *e) {
  static const enum SqStmt how[] = {R_JOBS_READY, R_JOBS_READY_OF, R_JOBS_WAITING, R_JOBS_DUE, R_JOBS_ACTIVE, R_JOBS_OF_RUN};
  Sq *s = (Sq *)base;
  Err local = {0};
  if (!e) e = &local;
  if (!max) return 0;
  if (q->how == JOBS_NEWEST) return newest(s, q, out, max, e);
  if (q->how == JOBS_OF_BATCH) return of_batch(s, q, out, max, e);
  sqlite3_stmt *st = sq_query(s, how[q->how], e);
  int64_t most = (int64_t)max;
  if (!st) return 0;
  switch (q->how) {
  case JOBS_READY:
    sq_bind_str(st, 1, q->workspace);
    sq_bind_str(st, 2, q->type);
    sqlite3_bind_int64(st, 3, most);
    break;
  case JOBS_OF_RUN: bind_ints(st, 1, (const int64_t[]){q->run, q->after, most}, 3); break;
  case JOBS_DUE: bind_ints(st, 1, (const int64_t[]){q->at_ms, most}, 2); break;
  case JOBS_ACTIVE: bind_ints(st, 1, (const int64_t[]){q->after, most}, 2); break;
  default: bind_ints(st, 1, (const int64_t[]){q->batch, most}, 2); break;
  }
  return rows_out(s, st, q->how != JOBS_ACTIVE, out, max, e);
}
