/* Tables in SQLite: applying their operations on the writer's connection, reading them on the engine's. */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

/* ---- the writer's side ---- */

static int no_stmt(const Sq *s) { return sqlite3_extended_errcode(s->wr.db); }

static int refuse(Batch *b, const char *code) {
  b->error = code;
  return SQ_REFUSED;
}

static int table_put(Sq *s, Batch *b, const Op *op) {
  sqlite3_stmt *st = sq_stmt(&s->wr, W_TABLE);
  if (!st) return no_stmt(s);
  const int64_t v[] = {op->i[2], op->i[3], op->i[4]};
  sqlite3_bind_int64(st, 1, op->i[0]);
  sq_bind_str(st, 2, op_str(b, op, 0));
  sq_bind_str(st, 3, op_str(b, op, 1));
  for (int i = 0; i < 3; i++) sqlite3_bind_int64(st, 4 + i, v[i]);
  sqlite3_bind_blob64(st, 7, op_blob(b, op), op->blob_n, SQLITE_STATIC);
  int rc = sq_done(st);
  return (rc & 255) == SQLITE_CONSTRAINT ? refuse(b, "table_exists") : rc;
}

static int run_two_ints(Sq *s, enum SqStmt id, int64_t a, int64_t b) {
  sqlite3_stmt *st = sq_stmt(&s->wr, id);
  if (!st) return no_stmt(s);
  sqlite3_bind_int64(st, 1, a);
  if (sqlite3_bind_parameter_count(st) > 1) sqlite3_bind_int64(st, 2, b);
  return sq_done(st);
}

static int run_two_blobs(Sq *s, enum SqStmt id, Bytesv a, Bytesv b) {
  sqlite3_stmt *st = sq_stmt(&s->wr, id);
  if (!st) return no_stmt(s);
  sqlite3_bind_blob64(st, 1, a.p, a.n, SQLITE_STATIC);
  if (sqlite3_bind_parameter_count(st) > 1) sqlite3_bind_blob64(st, 2, b.p, b.n, SQLITE_STATIC);
  return sq_done(st);
}

static int table_drop(Sq *s, const Op *op) {
  char from[4], to[4];
  table_key_prefix(op->i[0], from);
  table_key_prefix(op->i[0] + 1, to);
  int rc = run_two_ints(s, W_TABLE_DEL, op->i[0], 0);
  if (rc == SQLITE_OK) rc = run_two_ints(s, W_TABLE_ROWS_DEL, table_place(op->i[0], 0, 0), table_place(op->i[0] + 1, 0, 0) - 1);
  return rc == SQLITE_OK ? run_two_blobs(s, W_TABLE_KEYS_DEL, (Bytesv){from, 4}, (Bytesv){to, 4}) : rc;
}

static int row_put(Sq *s, const TableEdit *x) {
  sqlite3_stmt *st = sq_stmt(&s->wr, W_TABLE_ROW);
  if (!st) return no_stmt(s);
  sqlite3_bind_int64(st, 1, x->place);
  if (x->v.n)
    sqlite3_bind_blob64(st, 2, x->v.p, x->v.n, SQLITE_STATIC);
  else
    sqlite3_bind_zeroblob(st, 2, 0);
  return sq_done(st);
}

static int edit_apply(Sq *s, const TableEdit *x) {
  switch (x->what) {
  case 'R': return row_put(s, x);
  case 'r': return run_two_ints(s, W_TABLE_ROW_DEL, x->place, 0);
  case 'K': return run_two_blobs(s, W_TABLE_KEY, x->v, (Bytesv){0});
  default: return run_two_blobs(s, W_TABLE_KEY_DEL, x->v, (Bytesv){0});
  }
}

int sq_table_apply(Sq *s, Batch *b, const Op *op) {
  if (op->type == OP_TABLE_PUT) return table_put(s, b, op);
  if (op->type == OP_TABLE_DROP) return table_drop(s, op);
  const char *p = op_blob(b, op), *end = p + op->blob_n;
  TableEdit x;
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && table_edit_next(&p, end, &x)) rc = edit_apply(s, &x);
  return rc;
}

/* ---- the registry: what is submitted lies over what is stored ---- */

static bool filled(StoreTable *t, const char *workspace, const char *name, const void *meta, size_t n) {
  t->workspace = strdup(workspace);
  t->name = strdup(name);
  if (t->workspace && t->name && blob_copy(&t->meta, meta, n)) return true;
  store_table_free(t);
  return false;
}

static bool from_row(StoreTable *t, sqlite3_stmt *st) {
  *t = (StoreTable){.id = sqlite3_column_int64(st, 0),
                    .rows = sqlite3_column_int64(st, 3),
                    .created_ms = sqlite3_column_int64(st, 4),
                    .updated_ms = sqlite3_column_int64(st, 5)};
  const void *p = sqlite3_column_blob(st, 6);
  return filled(t, (const char *)sqlite3_column_text(st, 1), (const char *)sqlite3_column_text(st, 2), p,
                (size_t)sqlite3_column_bytes(st, 6));
}

static bool from_op(StoreTable *t, const Batch *b, const Op *op) {
  *t = (StoreTable){.id = op->i[0], .rows = op->i[2], .created_ms = op->i[3], .updated_ms = op->i[4]};
  return filled(t, op_str(b, op, 0), op_str(b, op, 1), op_blob(b, op), op->blob_n);
}

static const Op *in_batch(const Batch *b, const char *workspace, const char *name, int64_t hash) {
  for (size_t i = b->n; i-- > 0;) {
    const Op *op = &b->ops[i];
    bool ours = op->type == OP_TABLE_PUT || op->type == OP_TABLE_DROP;
    if (ours && op->i[1] == hash && !strcmp(op_str(b, op, 0), workspace) && !strcmp(op_str(b, op, 1), name)) return op;
  }
  return NULL;
}

enum Pending { PENDING_NONE, PENDING_PUT, PENDING_DROP, PENDING_OOM };
static enum Pending pending(Sq *s, const char *workspace, const char *name, StoreTable *out) {
  int64_t hash = (int64_t)op_key_hash(workspace, name);
  enum Pending found = PENDING_NONE;
  pthread_mutex_lock(&s->queue_lock);
  sq_kv_seen(s);
  for (const Batch *b = s->kv_last; b && !found; b = b->kv_prev) {
    const Op *op = b->has_table ? in_batch(b, workspace, name, hash) : NULL;
    if (op) found = op->type == OP_TABLE_DROP ? PENDING_DROP : from_op(out, b, op) ? PENDING_PUT : PENDING_OOM;
  }
  pthread_mutex_unlock(&s->queue_lock);
  return found;
}

bool sq_tables_pending(Store *st) {
  Sq *s = (Sq *)st;
  bool any = false;
  pthread_mutex_lock(&s->queue_lock);
  for (const Batch *b = s->kv_first; b && !any; b = b->kv_next) any = b->has_table;
  pthread_mutex_unlock(&s->queue_lock);
  return any;
}

/* ---- reading ---- */

static sqlite3_stmt *query(Sq *s, enum SqStmt id, Err *e) {
  sqlite3_stmt *st = sq_stmt(&s->rd, id);
  sq_look(s);
  if (!st) sq_error(&s->rd, e, "a table cannot be read");
  return st;
}

static bool next_row(Sq *s, sqlite3_stmt *st, Err *e) {
  int rc = sqlite3_step(st);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) sq_error(&s->rd, e, "a table cannot be read");
  return rc == SQLITE_ROW;
}

int64_t sq_table_max(Store *base) {
  Err e;
  Sq *s = (Sq *)base;
  sqlite3_stmt *st = query(s, R_TABLE_MAX, &e);
  int64_t max = st && next_row(s, st, &e) ? sqlite3_column_int64(st, 0) : -1;
  if (st) sqlite3_reset(st);
  return max;
}

bool sq_table_get(Store *base, const char *workspace, const char *name, StoreTable *out, Err *e) {
  Sq *s = (Sq *)base;
  enum Pending p = pending(s, workspace, name, out);
  if (p == PENDING_OOM) return sq_no_memory(e);
  if (p != PENDING_NONE) return p == PENDING_PUT;
  sqlite3_stmt *st = query(s, R_TABLE, e);
  if (!st) return false;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, name);
  bool found = next_row(s, st, e), ok = found && (from_row(out, st) || sq_no_memory(e));
  sqlite3_reset(st);
  return ok;
}

size_t sq_tables(Store *base, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e) {
  Sq *s = (Sq *)base;
  sqlite3_stmt *st = query(s, R_TABLES, e);
  size_t n = 0;
  if (!st) return 0;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, after);
  sqlite3_bind_int64(st, 3, (int64_t)max);
  while (n < max && next_row(s, st, e) && (from_row(&out[n], st) || sq_no_memory(e))) n++;
  sqlite3_reset(st);
  return n;
}

static bool stored_row(Sq *s, int64_t place, Blob *out, Err *e) {
  sqlite3_stmt *st = query(s, R_TABLE_ROW, e);
  if (!st) return false;
  sqlite3_bind_int64(st, 1, place);
  bool found = next_row(s, st, e), ok = found;
  if (found) {
    const void *p = sqlite3_column_blob(st, 0);
    ok = blob_copy(out, p, (size_t)sqlite3_column_bytes(st, 0)) || sq_no_memory(e);
  }
  sqlite3_reset(st);
  return ok;
}

bool sq_table_row(Store *base, int64_t place, Blob *out, Err *e) {
  enum SqPending p = sq_pending_row((Sq *)base, place, out, e);
  return p == SQ_PENDING_NONE ? stored_row((Sq *)base, place, out, e) : p == SQ_PENDING_THERE;
}

/* A walk inside a walk of the same kind gets a statement of its own. */
static sqlite3_stmt *walk_begin(Sq *s, enum SqStmt id, bool *own, Err *e) {
  sqlite3_stmt *st = query(s, id, e);
  *own = st && sqlite3_stmt_busy(st);
  if (!*own) return st;
  st = NULL;
  if (sqlite3_prepare_v2(s->rd.db, sq_text(id), -1, &st, NULL) != SQLITE_OK) sq_error(&s->rd, e, "a table cannot be read");
  return st;
}

static void walk_end(sqlite3_stmt *st, bool own) {
  if (own)
    sqlite3_finalize(st);
  else {
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
  }
}

/* What is stored and what is on its way over it, in one order. */
typedef struct Merge {
  const SqPendingRange *over;
  size_t at;
  bool descending, more; /* more: f wants to go on */
  StoreTableRowFn row;
  bool (*key)(void *ctx, Bytesv key);
  void *ctx;
} Merge;

static void give(Merge *m, int64_t place, Bytesv key, Bytesv row) { m->more = m->row ? m->row(m->ctx, place, row) : m->key(m->ctx, key); }

static int bytes_cmp(Bytesv a, Bytesv b) {
  int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
  return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* < 0: x comes before what is stored. */
static int beside(const Merge *m, const SqPendingItem *x, int64_t place, Bytesv key) {
  int c = m->row ? (x->place > place) - (x->place < place) : bytes_cmp(x->key, key);
  return m->descending ? -c : c;
}

/* Of what is on its way, all that comes before this; `stored` false: all of it. true: it is in the place of what is stored. */
static bool merge_over(Merge *m, bool stored, int64_t place, Bytesv key) {
  for (int c = -1; m->more && m->at < m->over->n; m->at++) {
    const SqPendingItem *x = &m->over->a[m->at];
    if (stored && (c = beside(m, x, place, key)) > 0) return false;
    if (!x->gone) give(m, x->place, x->key, x->row);
    if (!c) return m->at++, true;
  }
  return false;
}

static void merge_stored(Merge *m, int64_t place, Bytesv key, Bytesv row) {
  if (m->at < m->over->n && merge_over(m, true, place, key)) return;
  if (m->more) give(m, place, key, row);
}

static Bytesv column(sqlite3_stmt *st, int i) {
  const void *p = sqlite3_column_blob(st, i);
  return (Bytesv){p, (size_t)sqlite3_column_bytes(st, i)};
}

static bool walk(Sq *s, sqlite3_stmt *st, Merge *m, Err *e) {
  Err local = {0};
  m->more = true;
  while (m->more && next_row(s, st, &local)) {
    Bytesv v = column(st, m->row ? 1 : 0);
    merge_stored(m, m->row ? sqlite3_column_int64(st, 0) : 0, v, v);
  }
  if (m->more && !local.code) merge_over(m, false, 0, (Bytesv){0});
  return !local.code || err_set(e, local.code, "%s", local.msg);
}

bool sq_table_rows(Store *base, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e) {
  Sq *s = (Sq *)base;
  SqPendingRange over;
  bool own, ok = sq_pending_rows(s, from, to, descending, &over, e);
  sqlite3_stmt *st = ok ? walk_begin(s, descending ? R_TABLE_ROWS_DESC : R_TABLE_ROWS, &own, e) : NULL;
  if (st) {
    sqlite3_bind_int64(st, 1, from);
    sqlite3_bind_int64(st, 2, to);
    ok = walk(s, st, &(Merge){.over = &over, .descending = descending, .row = f, .ctx = ctx}, e);
    walk_end(st, own);
  }
  sq_pending_free(&over);
  return st && ok;
}

bool sq_table_keys(Store *base, Bytesv from, Bytesv to, bool descending, bool (*f)(void *, Bytesv), void *ctx, Err *e) {
  Sq *s = (Sq *)base;
  SqPendingRange over;
  bool own, ok = sq_pending_keys(s, from, to, descending, &over, e);
  sqlite3_stmt *st = ok ? walk_begin(s, descending ? R_TABLE_KEYS_DESC : R_TABLE_KEYS, &own, e) : NULL;
  if (st) {
    sqlite3_bind_blob64(st, 1, from.p, from.n, SQLITE_TRANSIENT);
    sqlite3_bind_blob64(st, 2, to.p, to.n, SQLITE_TRANSIENT);
    ok = walk(s, st, &(Merge){.over = &over, .descending = descending, .key = f, .ctx = ctx}, e);
    walk_end(st, own);
  }
  sq_pending_free(&over);
  return st && ok;
}
