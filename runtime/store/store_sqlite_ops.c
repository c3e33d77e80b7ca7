/* Applying the operations of a batch inside the writer's transaction. Every function returns SQLITE_OK, SQ_REFUSED with
 * b->error set, or the SQLite error that ends the transaction. */
#include "store_sqlite.h"
#include "store_record.h"

#include <string.h>

#define OK SQLITE_OK
#define DO(call) \
  do { \
    int do_rc = (call); \
    if (do_rc != OK) return do_rc; \
  } while (0)

static int refuse(Batch *b, const char *code) {
  b->error = code;
  return SQ_REFUSED;
}

static sqlite3_stmt *stmt(Sq *s, enum SqStmt id) { return sq_stmt(&s->wr, id); }
static int conn_rc(const Sq *s) { return sqlite3_extended_errcode(s->wr.db); }
#define STMT(var, id) \
  sqlite3_stmt *var = stmt(s, id); \
  if (!var) return conn_rc(s)

static void bind_blob(sqlite3_stmt *st, int at, const Batch *b, const Op *op) {
  if (op->blob_n) sqlite3_bind_blob64(st, at, op_blob(b, op), op->blob_n, SQLITE_STATIC);
  else sqlite3_bind_zeroblob(st, at, 0);
}

static void bind_ints(sqlite3_stmt *st, int at, const int64_t *v, int n) {
  for (int i = 0; i < n; i++) sqlite3_bind_int64(st, at + i, v[i]);
}

static void bind_strs(sqlite3_stmt *st, int at, const Batch *b, const Op *op, int from, int n) {
  for (int i = 0; i < n; i++) sq_bind_str(st, at + i, op_str(b, op, from + i));
}

static const char *or_empty(const char *s) { return s ? s : ""; }

static void bind_key(sqlite3_stmt *st, const Batch *b, const Op *op) {
  sq_bind_str(st, 1, or_empty(op_str(b, op, 0)));
  sq_bind_str(st, 2, or_empty(op_str(b, op, 1)));
}

/* ---- heads ---- */

static void head_touch(Sq *s, Head *h) {
  if (!h->touched) {
    h->touched = true;
    h->next_touched = s->touched;
    s->touched = h;
  }
  if (h->stamp == s->stamp) return;
  h->stamp = s->stamp;
  h->save = h->cur;
}

static int head_add(Sq *s, int64_t run, Head **out) {
  pthread_mutex_lock(&s->head_lock);
  *out = sq_head_add(s, run);
  pthread_mutex_unlock(&s->head_lock);
  return *out ? OK : SQLITE_NOMEM;
}

static int head_fetch(Sq *s, int64_t run, Head **out) {
  STMT(st, W_HEAD);
  sqlite3_bind_int64(st, 1, run);
  int rc = sqlite3_step(st);
  HeadState f = {.exists = rc == SQLITE_ROW};
  if (f.exists) {
    f.epoch = sqlite3_column_int64(st, 0);
    f.status = (enum RunStatus)sqlite3_column_int(st, 1);
    f.row = f.flushed = sqlite3_column_int64(st, 2);
    f.seq = sqlite3_column_int64(st, 3);
  }
  sqlite3_reset(st);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) return rc;
  DO(head_add(s, run, out));
  (*out)->cur = (*out)->com = f; /* not yet changed by this transaction: what is read is what is committed */
  return OK;
}

static int head_get(Sq *s, int64_t run, Head **out) {
  *out = sq_head_find(s, run);
  return *out ? OK : head_fetch(s, run, out);
}

/* The head of a run that this epoch may change. */
static int head_writable(Sq *s, Batch *b, const Op *op, Head **out) {
  DO(head_get(s, op->run, out));
  const HeadState *c = &(*out)->cur;
  if (!c->exists) return refuse(b, "run_unknown");
  if (c->epoch != op->epoch) return refuse(b, "stale_epoch");
  if (run_status_final(c->status)) return refuse(b, "run_final");
  head_touch(s, *out);
  return OK;
}

/* ---- runs ---- */

static int run_create(Sq *s, Batch *b, const Op *op) {
  Head *h;
  DO(head_get(s, op->run, &h));
  if (h->cur.exists) return refuse(b, "run_exists");
  STMT(st, W_RUN);
  bind_ints(st, 1, (const int64_t[]){op->run, op->epoch}, 2);
  bind_ints(st, 3, op->i, 6);
  bind_strs(st, 9, b, op, 0, 10);
  int rc = sq_done(st);
  if ((rc & 255) == SQLITE_CONSTRAINT) return refuse(b, "run_exists");
  DO(rc);
  head_touch(s, h);
  h->cur = (HeadState){.exists = true, .bare = true, .epoch = op->epoch, .status = (enum RunStatus)op->i[1]};
  STMT(flow, W_FLOW);
  sq_bind_str(flow, 1, or_empty(op_str(b, op, 1)));
  sq_bind_str(flow, 2, or_empty(op_str(b, op, 2)));
  sqlite3_bind_int64(flow, 3, op->i[6]);
  return sq_done(flow);
}

/* A run that is over holds no timer, wait or snapshot. */
static int run_tidy(Sq *s, int64_t run) {
  static const enum SqStmt all[] = {W_TIMERS_DEL, W_WAITS_DEL, W_SNAPSHOT_DEL};
  for (int i = 0; i < 3; i++) {
    STMT(st, all[i]);
    sqlite3_bind_int64(st, 1, run);
    DO(sq_done(st));
  }
  return OK;
}

static int run_status(Sq *s, Batch *b, const Op *op) {
  Head *h;
  DO(head_writable(s, b, op, &h));
  bool final = run_status_final((enum RunStatus)op->kind);
  STMT(st, W_STATUS);
  bind_ints(st, 1, (const int64_t[]){op->run, op->kind, op->i[0], final ? op->i[0] : 0, op->i[1]}, 5);
  sq_bind_str(st, 6, op_str(b, op, 0));
  bind_ints(st, 7, (const int64_t[]){h->cur.row, h->cur.seq}, 2);
  DO(sq_done(st));
  h->cur.status = (enum RunStatus)op->kind;
  h->cur.flushed = h->cur.row;
  return final && !h->cur.bare ? run_tidy(s, op->run) : OK;
}

static int run_take_over(Sq *s, Batch *b, const Op *op) {
  Head *h;
  DO(head_writable(s, b, op, &h));
  if (op->i[0] <= op->epoch) return refuse(b, "stale_epoch");
  STMT(st, W_EPOCH);
  bind_ints(st, 1, (const int64_t[]){op->run, op->i[0], h->cur.row, h->cur.seq}, 4);
  DO(sq_done(st));
  h->cur.epoch = op->i[0];
  h->cur.flushed = h->cur.row;
  return OK;
}

/* ---- journal ---- */

static int journal_segment(Sq *s, int64_t seg, sqlite3_stmt **out) {
  SegStmt *in = &s->wr.insert;
  *out = in->st;
  if (in->st && in->seg == seg) return OK;
  char sql[160];
  snprintf(sql, sizeof sql, "CREATE TABLE IF NOT EXISTS j%lld(id INTEGER PRIMARY KEY, run INTEGER, prev INTEGER, data BLOB)",
           (long long)seg);
  sqlite3_finalize(in->st);
  *in = (SegStmt){.seg = seg};
  DO(sqlite3_exec(s->wr.db, sql, NULL, NULL, NULL));
  snprintf(sql, sizeof sql, "INSERT INTO j%lld VALUES(?1,?2,?3,?4)", (long long)seg);
  DO(sqlite3_prepare_v3(s->wr.db, sql, -1, SQLITE_PREPARE_PERSISTENT, &in->st, NULL));
  *out = in->st;
  return OK;
}

static int expect(Sq *s, Batch *b, const Op *op) {
  Head *h;
  DO(head_writable(s, b, op, &h));
  return h->cur.seq == op->i[0] ? OK : refuse(b, "out_of_order");
}

static int journal_append(Sq *s, Batch *b, const Op *op) {
  Head *h;
  sqlite3_stmt *st;
  DO(head_writable(s, b, op, &h));
  int64_t row = s->last_row + 1;
  DO(journal_segment(s, sq_segment(s, row), &st));
  store_record_seal(op_blob(b, op), op->blob_n - RECORD_HEADER, op->kind, op->run, h->cur.row, h->cur.seq + 1, op->epoch);
  bind_ints(st, 1, (const int64_t[]){row, op->run, h->cur.row}, 3);
  bind_blob(st, 4, b, op);
  DO(sq_done(st));
  s->last_row = h->cur.row = row;
  h->cur.seq++;
  return OK;
}

static int snapshot(Sq *s, Batch *b, const Op *op) {
  Head *h;
  DO(head_writable(s, b, op, &h));
  h->cur.bare = false;
  STMT(st, op->blob_n > SNAPSHOT_HEADER ? W_SNAPSHOT : W_SNAPSHOT_DEL);
  sqlite3_bind_int64(st, 1, op->run);
  if (op->blob_n == SNAPSHOT_HEADER) return sq_done(st);
  store_record_seal_snapshot(op_blob(b, op), op->blob_n - SNAPSHOT_HEADER, op->run, op->i[0]);
  sqlite3_bind_int64(st, 2, op->i[0]);
  bind_blob(st, 3, b, op);
  return sq_done(st);
}

static int drop_segment(Sq *s, const Op *op) {
  char sql[64];
  if (op->i[0] >= sq_segment(s, s->last_row + 1)) return OK; /* the open one stays */
  DO(sq_ops_flush_heads(s)); /* the scan from the watermark must not need it */
  if (s->wr.insert.seg == op->i[0]) {
    sqlite3_finalize(s->wr.insert.st);
    s->wr.insert = (SegStmt){0};
  }
  snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS j%lld", (long long)op->i[0]);
  return sqlite3_exec(s->wr.db, sql, NULL, NULL, NULL);
}

/* ---- timers and waits ---- */

static int timer(Sq *s, Batch *b, const Op *op) {
  Head *h;
  DO(head_writable(s, b, op, &h));
  h->cur.bare = false;
  STMT(st, op->type == OP_TIMER_PUT ? W_TIMER : W_TIMER_DEL);
  bind_ints(st, 1, (const int64_t[]){op->run, op->i[0], op->i[1]}, op->type == OP_TIMER_PUT ? 3 : 2);
  return sq_done(st);
}

/* Whether the key is held by another wait than (run, seq). */
static int wait_held(Sq *s, const Batch *b, const Op *op, bool *held) {
  STMT(st, W_WAIT_HOLDER);
  bind_key(st, b, op);
  int rc = sqlite3_step(st);
  *held = rc == SQLITE_ROW && (sqlite3_column_int64(st, 0) != op->run || sqlite3_column_int64(st, 1) != op->i[0]);
  sqlite3_reset(st);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : rc;
}

static int wait_put(Sq *s, Batch *b, const Op *op) {
  Head *h;
  bool held;
  DO(head_writable(s, b, op, &h));
  DO(wait_held(s, b, op, &held));
  if (held) return refuse(b, "wait_exists");
  h->cur.bare = false;
  STMT(st, W_WAIT);
  bind_key(st, b, op);
  bind_ints(st, 3, (const int64_t[]){op->run, op->i[0], op->i[1]}, 3);
  bind_blob(st, 6, b, op);
  return sq_done(st);
}

/* Deletes; nothing to delete is a refusal. */
static int must_delete(Sq *s, Batch *b, sqlite3_stmt *st, const char *code) {
  DO(sq_done(st));
  return sqlite3_changes(s->wr.db) ? OK : refuse(b, code);
}

static int wait_del(Sq *s, Batch *b, const Op *op) {
  Head *h;
  DO(head_writable(s, b, op, &h));
  STMT(st, W_WAIT_DEL);
  bind_key(st, b, op);
  sqlite3_bind_int64(st, 3, op->run);
  return must_delete(s, b, st, "wait_missing");
}

/* ---- everything without a run ---- */

static int inbox_put(Sq *s, const Batch *b, const Op *op) {
  STMT(st, W_INBOX);
  bind_strs(st, 1, b, op, 0, 3);
  sqlite3_bind_int64(st, 4, op->i[0]);
  bind_blob(st, 5, b, op);
  return sq_done(st);
}

static int inbox_del(Sq *s, Batch *b, const Op *op) {
  STMT(st, W_INBOX_DEL);
  sqlite3_bind_int64(st, 1, op->i[0]);
  return must_delete(s, b, st, "inbox_gone");
}

static int kv(Sq *s, const Batch *b, const Op *op) {
  STMT(st, op->type == OP_KV_PUT ? W_KV : W_KV_DEL);
  bind_key(st, b, op);
  if (op->type == OP_KV_DEL) return sq_done(st);
  bind_blob(st, 3, b, op);
  sqlite3_bind_int64(st, 4, op->i[0]);
  return sq_done(st);
}

/* The revision that is there, 0 none. */
static int doc_rev(Sq *s, const Batch *b, const Op *op, int64_t *rev) {
  STMT(st, W_DOC_REV);
  bind_key(st, b, op);
  sq_bind_str(st, 3, or_empty(op_str(b, op, 2)));
  int rc = sqlite3_step(st);
  *rev = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
  sqlite3_reset(st);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : rc;
}

static int doc(Sq *s, Batch *b, const Op *op) {
  int64_t rev;
  DO(doc_rev(s, b, op, &rev));
  if (op->i[0] != DOC_ANY && op->i[0] != rev) return refuse(b, "doc_conflict");
  STMT(st, op->type == OP_DOC_PUT ? W_DOC : W_DOC_DEL);
  bind_key(st, b, op);
  sq_bind_str(st, 3, or_empty(op_str(b, op, 2)));
  if (op->type == OP_DOC_DEL) return sq_done(st);
  sqlite3_bind_int64(st, 4, rev + 1);
  bind_ints(st, 5, op->i + 1, 3);
  bind_blob(st, 8, b, op);
  return sq_done(st);
}

static int index_op(Sq *s, const Batch *b, const Op *op) {
  if (op->type == OP_INDEX_WORK) return sq_index_work(&s->wr, (int)op->i[0]);
  IndexRow r = op_index_row(b, op);
  return sq_index_later(&s->wr, &r, op->type == OP_INDEX_DEL);
}

static int unit_put(Sq *s, const Batch *b, const Op *op) {
  STMT(st, W_UNIT);
  sqlite3_bind_blob(st, 1, op->key16, 16, SQLITE_STATIC);
  sq_bind_str(st, 2, op_str(b, op, 0));
  bind_blob(st, 3, b, op);
  return sq_done(st);
}

static int source_put(Sq *s, const Batch *b, const Op *op) {
  STMT(st, W_SOURCE);
  bind_strs(st, 1, b, op, 0, 2);
  bind_blob(st, 3, b, op);
  return sq_done(st);
}

static int meta_put(Sq *s, const Batch *b, const Op *op) {
  STMT(st, W_META);
  bind_strs(st, 1, b, op, 0, 2);
  return sq_done(st);
}

static int outcome_purge(Sq *s, int64_t at) {
  STMT(st, W_OUTCOME_PURGE);
  sqlite3_bind_int64(st, 1, at - OUTCOME_KEEP_MS);
  return sq_done(st);
}

static int outcome_put(Sq *s, const Batch *b, const Op *op) {
  STMT(st, W_OUTCOME);
  bind_key(st, b, op);
  sqlite3_bind_int64(st, 3, op->i[0]);
  bind_blob(st, 4, b, op);
  DO(sq_done(st));
  return s->tune.purge_always || ++s->outcome_puts % 64 == 0 ? outcome_purge(s, op->i[0]) : OK;
}

static int outcome_del(Sq *s, const Batch *b, const Op *op) {
  STMT(st, W_OUTCOME_DEL);
  bind_key(st, b, op);
  return sq_done(st);
}

static int op_apply(Sq *s, Batch *b, const Op *op) {
  switch (op->type) {
  case OP_RUN_CREATE: return run_create(s, b, op);
  case OP_EXPECT: return expect(s, b, op);
  case OP_APPEND: return journal_append(s, b, op);
  case OP_STATUS: return run_status(s, b, op);
  case OP_TAKE_OVER: return run_take_over(s, b, op);
  case OP_SNAPSHOT: return snapshot(s, b, op);
  case OP_TIMER_PUT:
  case OP_TIMER_DEL: return timer(s, b, op);
  case OP_WAIT_PUT: return wait_put(s, b, op);
  case OP_WAIT_DEL: return wait_del(s, b, op);
  case OP_INBOX_PUT: return inbox_put(s, b, op);
  case OP_INBOX_DEL: return inbox_del(s, b, op);
  case OP_KV_PUT:
  case OP_KV_DEL: return kv(s, b, op);
  case OP_DOC_PUT:
  case OP_DOC_DEL: return doc(s, b, op);
  case OP_UNIT_PUT: return unit_put(s, b, op);
  case OP_SOURCE_PUT: return source_put(s, b, op);
  case OP_META_PUT: return meta_put(s, b, op);
  case OP_OUTCOME_PUT: return outcome_put(s, b, op);
  case OP_OUTCOME_DEL: return outcome_del(s, b, op);
  case OP_INDEX_PUT:
  case OP_INDEX_WORK:
  case OP_INDEX_DEL: return index_op(s, b, op);
  case OP_DROP_SEGMENT: return drop_segment(s, op);
  case OP_TABLE_PUT:
  case OP_TABLE_DROP:
  case OP_TABLE_EDITS: return sq_table_apply(s, b, op);
  case OP_JOB_PUT:
  case OP_JOB_EXPECT:
  case OP_JOB_DEL:
  case OP_JOB_BATCH:
  case OP_JOB_BATCH_CANCEL: return sq_job_apply(s, b, op);
  }
  return SQLITE_MISUSE;
}

int sq_ops_apply(Sq *s, Batch *b) {
  if (s->o.beside && b->touches_runs) return refuse(b, "not_executor");
  if (b->has_kv && b->kv_world != KV_BLIND && b->kv_world != s->kv_world) return refuse(b, "out_of_order");
  for (size_t i = 0; i < b->n; i++) {
    int rc = op_apply(s, b, &b->ops[i]);
    if (rc == SQLITE_TOOBIG) return refuse(b, "too_big");
    DO(rc);
  }
  return OK;
}

/* ---- ends of a transaction ---- */

static int flush_head(Sq *s, Head *h) {
  STMT(st, W_FLUSH);
  bind_ints(st, 1, (const int64_t[]){h->run, h->cur.row, h->cur.seq}, 3);
  DO(sq_done(st));
  head_touch(s, h);
  h->cur.flushed = h->cur.row;
  return OK;
}

int sq_ops_flush_heads(Sq *s) {
  for (size_t i = 0; i < s->cap_heads; i++)
    for (Head *h = s->heads[i]; h; h = h->chain)
      if (h->cur.exists && h->cur.flushed != h->cur.row) DO(flush_head(s, h));
  STMT(st, W_WATERMARK);
  sqlite3_bind_int64(st, 1, s->last_row);
  DO(sq_done(st));
  s->watermark = s->last_row;
  return OK;
}

/* Beside an executor the heads are the reading thread's alone: the writer has none and stays away. */
void sq_ops_commit(Sq *s) {
  if (s->o.beside) return;
  pthread_mutex_lock(&s->head_lock);
  for (Head *h = s->touched; h; h = h->next_touched) {
    h->com = h->cur;
    h->touched = false;
  }
  pthread_mutex_unlock(&s->head_lock);
  s->touched = NULL;
  atomic_fetch_add(&s->rows, (uint64_t)(s->last_row - s->com_last_row));
  s->com_last_row = s->last_row;
  s->com_watermark = s->watermark;
}

static void forget_insert(Sq *s) {
  sqlite3_finalize(s->wr.insert.st); /* its segment may not exist any more */
  s->wr.insert = (SegStmt){0};
}

void sq_ops_rollback(Sq *s) {
  if (s->o.beside) return;
  for (Head *h = s->touched; h; h = h->next_touched) {
    h->cur = h->com;
    h->touched = false;
  }
  s->touched = NULL;
  forget_insert(s);
  s->last_row = s->com_last_row;
  s->watermark = s->com_watermark;
}

void sq_ops_undo(Sq *s, uint64_t stamp, int64_t last_row) {
  if (s->o.beside) return;
  for (Head *h = s->touched; h; h = h->next_touched)
    if (h->stamp == stamp) h->cur = h->save;
  s->last_row = last_row;
  forget_insert(s);
}
