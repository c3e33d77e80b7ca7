/* Reads on the engine's own connection. A statement is reset before a read returns, so no read transaction outlives it. */
#include "store_sqlite.h"
#include "store_record.h"

#include <stdlib.h>
#include <string.h>

bool sq_no_memory(Err *e) { return err_set(e, "out_of_memory", "out of memory"); }

/* Bound and ready, or NULL with *e. */
sqlite3_stmt *sq_query(Sq *s, enum SqStmt id, Err *e) {
  sqlite3_stmt *st = sq_stmt(&s->rd, id);
  sq_look(s);
  if (!st) sq_error(&s->rd, e, "a read failed");
  return st;
}

/* One row? false at the end, or with *e on an error; then the statement is reset. */
bool sq_next_row(Sq *s, sqlite3_stmt *st, Err *e) {
  int rc = sqlite3_step(st);
  if (rc == SQLITE_ROW) return true;
  if (rc != SQLITE_DONE) sq_error(&s->rd, e, "a read failed");
  sqlite3_reset(st);
  return false;
}

/* ---- columns ---- */

char *sq_col_str(sqlite3_stmt *st, int i, bool *ok) {
  const char *t = (const char *)sqlite3_column_text(st, i);
  if (!t) return NULL;
  char *copy = strdup(t);
  if (!copy) *ok = false;
  return copy;
}

Blob sq_col_blob(sqlite3_stmt *st, int i, bool *ok) {
  Blob b = {0};
  const void *p = sqlite3_column_blob(st, i);
  if (!blob_copy(&b, p, (size_t)sqlite3_column_bytes(st, i))) *ok = false;
  return b;
}

static int64_t col_int(sqlite3_stmt *st, int i) { return sqlite3_column_int64(st, i); }

/* ---- heads ---- */

/* Who is not the executor follows the other processes: it scans again after a commit. An executor looks only once, nobody
 * else writes runs; and a running writer of ours keeps the heads itself. */
static int heads_follow(Sq *s) {
  int64_t v = 0;
  int rc = sq_data_version(&s->rd, &v);
  if (rc != SQLITE_OK || v == s->rd.version) return rc;
  s->rd.version = v;
  s->heads_loaded = false;
  if (!s->started) atomic_store(&s->changed, true); /* sq_changed would not see it any more */
  return SQLITE_OK;
}

static bool heads_current(Sq *s, Err *e) {
  bool ours = s->o.executor || (s->started && !s->o.beside);
  int rc = ours ? SQLITE_OK : heads_follow(s);
  if (rc == SQLITE_OK && !s->heads_loaded) rc = sq_heads_load(s, &s->rd);
  return rc == SQLITE_OK || sq_error(&s->rd, e, "the journal's tail cannot be read");
}

/* The committed head of a run: its row's, or a newer one that is not written down yet. */
static bool head_now(Sq *s, int64_t run, int64_t *row, int64_t *seq, Err *e) {
  pthread_mutex_lock(&s->head_lock);
  bool ok = heads_current(s, e);
  const Head *h = ok ? sq_head_find(s, run) : NULL;
  if (h && h->com.exists && h->com.row > *row) {
    *row = h->com.row;
    *seq = h->com.seq;
  }
  pthread_mutex_unlock(&s->head_lock);
  return ok;
}

/* ---- runs ---- */

static bool run_from_row(sqlite3_stmt *st, RunRow *r) {
  bool ok = true;
  *r = (RunRow){.run = col_int(st, 0), .run_id = sq_col_str(st, 1, &ok), .workspace = sq_col_str(st, 2, &ok), .slug = sq_col_str(st, 3, &ok),
                .version = col_int(st, 4), .epoch = col_int(st, 5), .status = (enum RunStatus)col_int(st, 6), .created_ms = col_int(st, 7),
                .updated_ms = col_int(st, 8), .finished_ms = col_int(st, 9), .wake_ms = col_int(st, 10), .head_row = col_int(st, 11),
                .head_seq = col_int(st, 12), .snap_seq = col_int(st, 13), .source_hash = sq_col_str(st, 14, &ok),
                .note = sq_col_str(st, 15, &ok), .lineage = sq_col_str(st, 16, &ok), .slot = sq_col_str(st, 17, &ok),
                .installation = sq_col_str(st, 18, &ok), .origin = sq_col_str(st, 19, &ok), .target = sq_col_str(st, 20, &ok)};
  if (!ok) run_row_free(r);
  return ok;
}

/* The heads come after the rows: then they are at least as new. */
static size_t run_rows(Sq *s, sqlite3_stmt *st, RunRow *out, size_t max, Err *e) {
  size_t n = 0;
  while (n < max && sq_next_row(s, st, e)) {
    if (!run_from_row(st, &out[n])) {
      sq_no_memory(e);
      break;
    }
    n++;
  }
  sqlite3_reset(st);
  for (size_t i = 0; i < n; i++)
    if (!head_now(s, out[i].run, &out[i].head_row, &out[i].head_seq, e)) break;
  return n;
}

static bool one_run(Sq *s, sqlite3_stmt *st, RunRow *out, Err *e) {
  Err local;
  if (!e) e = &local;
  e->code = NULL;
  if (!run_rows(s, st, out, 1, e)) return false;
  if (!e->code) return true;
  run_row_free(out);
  return false;
}

static bool r_run_get(Store *b, int64_t run, RunRow *out, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_RUN, e);
  if (!st) return false;
  sqlite3_bind_int64(st, 1, run);
  return one_run(s, st, out, e);
}

static bool r_run_by_id(Store *b, const char *workspace, const char *run_id, RunRow *out, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_RUN_ID, e);
  if (!st) return false;
  sq_bind_str(st, 1, run_id);
  sq_bind_str(st, 2, workspace);
  return one_run(s, st, out, e);
}

static size_t r_runs(Store *b, int64_t after, unsigned mask, RunRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, mask && !(mask & ~RUNS_OPEN) ? R_RUNS_OPEN : R_RUNS, e);
  if (!st) return 0;
  sqlite3_bind_int64(st, 1, after);
  sqlite3_bind_int64(st, 2, mask ? mask : ~0u);
  sqlite3_bind_int64(st, 3, (int64_t)max);
  return run_rows(s, st, out, max, e);
}

static int newest_first(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}
static int oldest_first(const void *a, const void *b) { return newest_first(b, a); }

/* A page is the first of what every status gave by a walk along an index. */
static size_t merged(Sq *s, int64_t *all, size_t n, int (*order)(const void *, const void *), RunRow *out, size_t max, Err *e) {
  size_t got = 0;
  qsort(all, n, sizeof *all, order);
  for (size_t i = 0; i < n && got < max && !e->code; i++)
    if (r_run_get(&s->base, all[i], &out[got], e)) got++;
  free(all);
  return got;
}

/* Numbers, at most max of each status; NULL: *e. */
static int64_t *numbers(Sq *s, enum SqStmt id, const char *workspace, const char *name, int64_t from, size_t max, unsigned mask, const char *inst,
                        size_t *n, Err *e) {
  size_t room = (RUN_QUEUED + 1) * max;
  int64_t *all = malloc(room * sizeof *all + 1);
  sqlite3_stmt *st = all ? sq_query(s, id, e) : NULL;
  *n = 0;
  if (!all) sq_no_memory(e);
  if (!st) return free(all), NULL;
  sq_bind_str(st, 1, workspace);
  if (id != R_NEW_STATUS) sq_bind_str(st, 2, name);
  sqlite3_bind_int64(st, 3, from);
  sqlite3_bind_int64(st, 4, (int64_t)max);
  sqlite3_bind_int64(st, 5, mask);
  if (id == R_NEW_INSTALLATION) sq_bind_str(st, 6, inst);
  while (*n < room && sq_next_row(s, st, e)) all[(*n)++] = col_int(st, 0);
  sqlite3_reset(st);
  return all;
}

static size_t r_runs_newest(Store *b, const RunQuery *q, int64_t before, RunRow *out, size_t max, Err *e) {
  enum SqStmt id = q->installation ? R_NEW_INSTALLATION : q->slug ? R_NEW_FLOW : R_NEW_STATUS;
  size_t n;
  int64_t *all = numbers((Sq *)b, id, q->workspace, q->slug, before, max, q->mask ? q->mask : ~0u, q->installation, &n, e);
  return all ? merged((Sq *)b, all, n, newest_first, out, max, e) : 0;
}

static size_t r_slot(Store *b, const char *workspace, const char *slot, unsigned mask, int64_t after, RunRow *out, size_t max, Err *e) {
  size_t n;
  int64_t *all = numbers((Sq *)b, R_SLOT, workspace, slot, after, max, mask, NULL, &n, e);
  return all ? merged((Sq *)b, all, n, oldest_first, out, max, e) : 0;
}

static int64_t one_int(sqlite3_stmt *st, int64_t none, int64_t error) {
  int rc = sqlite3_step(st);
  int64_t v = rc == SQLITE_ROW ? col_int(st, 0) : rc == SQLITE_DONE ? none : error;
  sqlite3_reset(st);
  return v;
}

static int64_t r_slot_queue(Store *b, const char *workspace, const char *slot, int64_t most) {
  sqlite3_stmt *st = sq_query((Sq *)b, R_SLOT_QUEUE, NULL);
  if (!st) return -1;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, slot);
  sqlite3_bind_int64(st, 3, most);
  return one_int(st, 0, -1);
}

/* A number that new runs are counted from; -1 = it could not be read, and on a damaged file nothing is written any more. */
static int64_t counted(Sq *s, sqlite3_stmt *st) {
  int64_t n = st ? one_int(st, 0, -1) : -1;
  const char *none = NULL;
  if (n < 0 && (sqlite3_errcode(s->rd.db) & 255) == SQLITE_CORRUPT) atomic_compare_exchange_strong(&s->failed, &none, "db_corrupt");
  return n;
}

static int64_t r_max_run(Store *b) { return counted((Sq *)b, sq_query((Sq *)b, R_MAX_RUN, NULL)); }

static int64_t r_slug_count(Store *b, const char *workspace, const char *slug) {
  sqlite3_stmt *st = sq_query((Sq *)b, R_SLUG, NULL);
  if (st) sq_bind_str(st, 1, workspace);
  if (st) sq_bind_str(st, 2, slug);
  return counted((Sq *)b, st);
}

/* ---- journal ---- */

typedef struct Chain {
  int64_t *rows; /* newest first */
  size_t n, cap;
} Chain;

static bool chain_add(Chain *c, int64_t row) {
  if (c->n == c->cap) {
    size_t cap = c->cap ? c->cap * 2 : 64;
    int64_t *p = realloc(c->rows, cap * sizeof *p);
    if (!p) return false;
    c->rows = p;
    c->cap = cap;
  }
  c->rows[c->n++] = row;
  return true;
}

static bool corrupt(Err *e, int64_t run, int64_t seq, int64_t row) {
  return err_set(e, "corrupt_record", "run %lld: journal record seq %lld (row %lld) is damaged", (long long)run, (long long)seq,
                 (long long)row);
}

enum Read { READ_OK, READ_GONE, READ_BAD };

/* Steps to one journal row and checks it. READ_GONE: its segment was dropped. The statement is left on the row. */
static enum Read journal_row(Sq *s, int64_t run, int64_t seq, int64_t row, sqlite3_stmt **st, JournalRec *rec, Err *e) {
  int rc = sq_journal_stmt(s, &s->rd, row, st);
  if (rc != SQLITE_OK) return sq_error(&s->rd, e, "the journal cannot be read"), READ_BAD;
  if (!*st) return READ_GONE;
  sqlite3_bind_int64(*st, 1, row);
  rc = sqlite3_step(*st);
  bool whole = rc == SQLITE_ROW && col_int(*st, 0) == run && col_int(*st, 1) < row &&
               store_record_open(sqlite3_column_blob(*st, 2), (size_t)sqlite3_column_bytes(*st, 2), run, col_int(*st, 1), rec) &&
               rec->seq == seq;
  if (whole) return READ_OK;
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) sq_error(&s->rd, e, "the journal cannot be read");
  else corrupt(e, run, seq, row);
  sqlite3_reset(*st);
  return READ_BAD;
}

/* The rows of records with sequence numbers above `after`, newest first. */
static bool chain_collect(Sq *s, int64_t run, int64_t after, int64_t row, int64_t seq, Chain *c, Err *e) {
  for (; row && seq > after; seq--) {
    sqlite3_stmt *st;
    JournalRec rec;
    enum Read r = journal_row(s, run, seq, row, &st, &rec, e);
    if (r != READ_OK) return r == READ_GONE;
    bool ok = chain_add(c, row);
    row = col_int(st, 1);
    sqlite3_reset(st);
    if (!ok) return sq_no_memory(e);
    if (!row != (seq == 1)) return corrupt(e, run, seq, c->rows[c->n - 1]);
  }
  return true;
}

/* Hands out a copy, so that f may read from the store. */
static bool chain_deliver(Sq *s, int64_t run, int64_t seq, const Chain *c, bool (*f)(void *, const JournalRec *), void *ctx, Err *e) {
  bool more = true;
  for (size_t i = c->n; i-- && more; seq++) {
    sqlite3_stmt *st;
    JournalRec rec;
    enum Read r = journal_row(s, run, seq, c->rows[i], &st, &rec, e);
    if (r != READ_OK) return r == READ_GONE;
    Blob copy;
    bool ok = blob_copy(&copy, rec.data.p, rec.data.n);
    sqlite3_reset(st);
    if (!ok) return sq_no_memory(e);
    rec.data.p = copy.p;
    more = f(ctx, &rec);
    blob_free(&copy);
  }
  return true;
}

static bool run_head(Sq *s, int64_t run, int64_t *row, int64_t *seq, Err *e) {
  sqlite3_stmt *st = sq_query(s, W_HEAD, e);
  if (!st) return false;
  sqlite3_bind_int64(st, 1, run);
  if (!sq_next_row(s, st, e)) return false;
  *row = col_int(st, 2);
  *seq = col_int(st, 3);
  sqlite3_reset(st);
  return head_now(s, run, row, seq, e);
}

/* One read transaction for all the rows of a journal: locking the log for each of them costs more than reading it. It begins behind the
 * head, which may be one that was committed just now: a transaction that is older does not see its record. */
static bool chain_begin(Sq *s) {
  if (s->together) return sq_look(s), false;
  if (!sqlite3_get_autocommit(s->rd.db)) sq_exec(&s->rd, W_COMMIT); /* of who reads a journal from a journal's f; it goes on without */
  return sq_exec(&s->rd, X_BEGIN) == SQLITE_OK;
}

static bool r_journal(Store *b, int64_t run, int64_t after, bool (*f)(void *, const JournalRec *), void *ctx, Err *e) {
  Sq *s = (Sq *)b;
  Chain c = {0};
  int64_t row, seq;
  if (!run_head(s, run, &row, &seq, e)) return false;
  bool begun = chain_begin(s);
  bool ok = chain_collect(s, run, after, row, seq, &c, e) &&
            chain_deliver(s, run, seq - (int64_t)c.n + 1, &c, f, ctx, e);
  if (begun && !sqlite3_get_autocommit(s->rd.db)) sq_exec(&s->rd, W_COMMIT); /* reads only: there is nothing that could fail to be kept */
  free(c.rows);
  return ok;
}

static bool snapshot_out(sqlite3_stmt *st, int64_t run, int64_t *seq, Blob *out, Err *e) {
  Bytesv v;
  *seq = col_int(st, 0);
  if (!store_record_open_snapshot(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1), run, *seq, &v))
    return err_set(e, "corrupt_record", "run %lld: the snapshot of seq %lld is damaged", (long long)run, (long long)*seq);
  return blob_copy(out, v.p, v.n) || sq_no_memory(e);
}

static bool r_snapshot(Store *b, int64_t run, int64_t *seq, Blob *out, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_SNAPSHOT, e);
  if (!st) return false;
  sqlite3_bind_int64(st, 1, run);
  if (!sq_next_row(s, st, e)) return false;
  bool ok = snapshot_out(st, run, seq, out, e);
  sqlite3_reset(st);
  return ok;
}

/* ---- timers, waits, outcomes, inbox ---- */

static size_t r_timers_due(Store *b, int64_t now, TimerRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_DUE, e);
  if (!st) return 0;
  sqlite3_bind_int64(st, 1, now);
  sqlite3_bind_int64(st, 2, (int64_t)max);
  size_t n = 0;
  for (; n < max && sq_next_row(s, st, e); n++) out[n] = (TimerRow){col_int(st, 0), col_int(st, 1), col_int(st, 2)};
  sqlite3_reset(st);
  return n;
}

static int64_t r_timer_next(Store *b) {
  sqlite3_stmt *st = sq_query((Sq *)b, R_NEXT, NULL);
  return st ? one_int(st, INT64_MAX, INT64_MAX) : INT64_MAX;
}

static bool wait_from_row(sqlite3_stmt *st, WaitRow *w) {
  bool ok = true;
  *w = (WaitRow){.workspace = sq_col_str(st, 0, &ok), .key = sq_col_str(st, 1, &ok), .run = col_int(st, 2), .seq = col_int(st, 3),
                 .created_ms = col_int(st, 4), .spec = sq_col_blob(st, 5, &ok)};
  if (!ok) wait_row_free(w);
  return ok;
}

static size_t wait_rows(Sq *s, sqlite3_stmt *st, WaitRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (; n < max && sq_next_row(s, st, e); n++)
    if (!wait_from_row(st, &out[n])) {
      sq_no_memory(e);
      break;
    }
  sqlite3_reset(st);
  return n;
}

static bool r_wait_get(Store *b, const char *workspace, const char *key, WaitRow *out, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_WAIT, e);
  if (!st) return false;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, key);
  return wait_rows(s, st, out, 1, e) == 1;
}

static size_t r_waits(Store *b, const char *workspace, int64_t run, WaitRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  enum SqStmt id = workspace ? (run ? R_WAITS_RUN : R_WAITS) : (run ? R_WAITS_RUN_ALL : R_WAITS_ALL);
  sqlite3_stmt *st = sq_query(s, id, e);
  if (!st) return 0;
  if (workspace) sq_bind_str(st, 1, workspace);
  if (run) sqlite3_bind_int64(st, 2, run);
  sqlite3_bind_int64(st, 3, (int64_t)max);
  return wait_rows(s, st, out, max, e);
}

static void bind_under(sqlite3_stmt *st, const char *workspace, const char *prefix, const char *after, size_t max) {
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, prefix);
  sq_bind_str(st, 3, after);
  sqlite3_bind_int64(st, 4, (int64_t)max);
}

static size_t r_waits_under(Store *b, const char *workspace, const char *prefix, const char *after, WaitRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_WAITS_UNDER, e);
  if (!st) return 0;
  bind_under(st, workspace, prefix, after, max);
  return wait_rows(s, st, out, max, e);
}

static bool r_outcomes_use(Store *b, const char *workspace, const char *prefix, int64_t *n, int64_t *bytes, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_OUTCOMES_USE, e);
  if (!st) return false;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, prefix);
  if (!sq_next_row(s, st, e)) return false;
  *n = col_int(st, 0);
  *bytes = col_int(st, 1);
  sqlite3_reset(st);
  return true;
}

static bool r_outcome(Store *b, const char *workspace, const char *key, int64_t *at, Blob *out, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_OUTCOME, e);
  if (!st) return false;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, key);
  if (!sq_next_row(s, st, e)) return false;
  bool ok = true;
  *at = col_int(st, 0);
  *out = sq_col_blob(st, 1, &ok);
  sqlite3_reset(st);
  return ok || sq_no_memory(e);
}

static bool inbox_from_row(sqlite3_stmt *st, InboxRow *r) {
  bool ok = true;
  *r = (InboxRow){.id = col_int(st, 0), .workspace = sq_col_str(st, 1, &ok), .key = sq_col_str(st, 2, &ok), .kind = sq_col_str(st, 3, &ok),
                  .received_ms = col_int(st, 4), .body = sq_col_blob(st, 5, &ok)};
  if (!ok) inbox_row_free(r);
  return ok;
}

static size_t inbox_rows(Sq *s, sqlite3_stmt *st, InboxRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (; n < max && sq_next_row(s, st, e); n++)
    if (!inbox_from_row(st, &out[n])) {
      sq_no_memory(e);
      break;
    }
  sqlite3_reset(st);
  return n;
}

static size_t r_outcomes_under(Store *b, const char *workspace, const char *prefix, const char *after, InboxRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_OUTCOMES_UNDER, e);
  if (!st) return 0;
  bind_under(st, workspace, prefix, after, max);
  return inbox_rows(s, st, out, max, e);
}

static size_t r_inbox(Store *b, int64_t after, InboxRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_INBOX, e);
  if (!st) return 0;
  sqlite3_bind_int64(st, 1, after);
  sqlite3_bind_int64(st, 2, (int64_t)max);
  return inbox_rows(s, st, out, max, e);
}

static size_t r_inbox_by_key(Store *b, const char *workspace, const char *key, InboxRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_INBOX_KEY, e);
  if (!st) return 0;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, key);
  sqlite3_bind_int64(st, 3, (int64_t)max);
  return inbox_rows(s, st, out, max, e);
}

/* ---- kv: what is submitted and not committed lies over what is stored ---- */

static bool kv_set(KvRow *out, const char *key, const void *p, size_t n, int64_t expires) {
  *out = (KvRow){.key = strdup(key), .expires_ms = expires};
  if (out->key && blob_copy(&out->value, p, n)) return true;
  free(out->key);
  *out = (KvRow){0};
  return false;
}

static bool kv_from_op(KvRow *out, const Batch *b, const Op *op) {
  return kv_set(out, op_str(b, op, 1), op_blob(b, op), op->blob_n, op->i[0]);
}

static bool kv_from_row(KvRow *out, sqlite3_stmt *st) {
  const void *p = sqlite3_column_blob(st, 1);
  return kv_set(out, (const char *)sqlite3_column_text(st, 0), p, (size_t)sqlite3_column_bytes(st, 1), col_int(st, 2));
}

static bool op_is_kv(const Op *op) { return op->type == OP_KV_PUT || op->type == OP_KV_DEL; }

static const Op *kv_in_batch(const Batch *b, const char *workspace, const char *key, int64_t hash) {
  for (size_t i = b->n; i-- > 0;) {
    const Op *op = &b->ops[i];
    if (op_is_kv(op) && op->i[1] == hash && !strcmp(op_str(b, op, 0), workspace) && !strcmp(op_str(b, op, 1), key)) return op;
  }
  return NULL;
}

enum Pending { PENDING_NONE, PENDING_PUT, PENDING_DEL, PENDING_OOM };

/* With queue_lock: the next kv batch may be built on what is pending now. */
void sq_kv_seen(Sq *s) {
  if (!s->kv_read) s->kv_read_world = s->kv_world;
  s->kv_read = true;
}

/* The thread that reads and submits alone. */
static uint64_t sq_reads(Store *st, uint64_t mine) {
  Sq *s = (Sq *)st;
  uint64_t was = s->kv_read ? s->kv_read_world + 1 : 0;
  s->kv_read = mine != 0;
  s->kv_read_world = mine ? mine - 1 : 0;
  return was;
}

static enum Pending kv_pending(Sq *s, const char *workspace, const char *key, KvRow *out) {
  int64_t hash = (int64_t)op_key_hash(workspace, key);
  enum Pending found = PENDING_NONE;
  pthread_mutex_lock(&s->queue_lock);
  sq_kv_seen(s);
  for (const Batch *b = s->kv_last; b && !found; b = b->kv_prev) {
    const Op *op = kv_in_batch(b, workspace, key, hash);
    if (!op) continue;
    found = op->type == OP_KV_DEL ? PENDING_DEL : kv_from_op(out, b, op) ? PENDING_PUT : PENDING_OOM;
  }
  pthread_mutex_unlock(&s->queue_lock);
  return found;
}

static bool r_kv_get(Store *b, const char *workspace, const char *key, KvRow *out, Err *e) {
  Sq *s = (Sq *)b;
  enum Pending p = kv_pending(s, workspace, key, out);
  if (p == PENDING_OOM) return sq_no_memory(e);
  if (p != PENDING_NONE) return p == PENDING_PUT;
  sqlite3_stmt *st = sq_query(s, R_KV, e);
  if (!st) return false;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, key);
  if (!sq_next_row(s, st, e)) return false;
  bool ok = kv_from_row(out, st);
  sqlite3_reset(st);
  return ok || sq_no_memory(e);
}

/* A pending key of a listing; a deletion has no value and `del`. */
typedef struct Over { KvRow row; bool del; size_t order; } Over;
typedef struct Overs { Over *v; size_t n, cap; bool oom; } Overs;

static void overs_add(Overs *o, const Batch *b, const Op *op) {
  if (o->n == o->cap) {
    size_t cap = o->cap ? o->cap * 2 : 16;
    Over *p = realloc(o->v, cap * sizeof *p);
    if (!p) {
      o->oom = true;
      return;
    }
    o->v = p;
    o->cap = cap;
  }
  Over x = {.del = op->type == OP_KV_DEL, .order = o->n};
  if (kv_from_op(&x.row, b, op)) o->v[o->n++] = x;
  else o->oom = true;
}

static int over_compare(const void *a, const void *b) {
  const Over *x = a, *y = b;
  int c = strcmp(x->row.key, y->row.key);
  return c ? c : x->order < y->order ? 1 : -1; /* of one key the newest first */
}

static void over_free(Over *x) {
  free(x->row.key);
  blob_free(&x->row.value);
}

/* Sorted by key, one (the newest) per key. */
static void overs_settle(Overs *o) {
  if (o->n) qsort(o->v, o->n, sizeof *o->v, over_compare);
  size_t n = 0;
  for (size_t i = 0; i < o->n; i++) {
    if (n && !strcmp(o->v[n - 1].row.key, o->v[i].row.key)) over_free(&o->v[i]);
    else o->v[n++] = o->v[i];
  }
  o->n = n;
}

static bool in_listing(const char *key, const char *prefix, const char *after) {
  return strcmp(key, after) > 0 && !strncmp(key, prefix, strlen(prefix));
}

static void overs_collect(Sq *s, Overs *o, const char *workspace, const char *prefix, const char *after) {
  pthread_mutex_lock(&s->queue_lock);
  sq_kv_seen(s);
  for (const Batch *b = s->kv_first; b; b = b->kv_next)
    for (size_t i = 0; i < b->n; i++) {
      const Op *op = &b->ops[i];
      if (op_is_kv(op) && !strcmp(op_str(b, op, 0), workspace) && in_listing(op_str(b, op, 1), prefix, after)) overs_add(o, b, op);
    }
  pthread_mutex_unlock(&s->queue_lock);
  overs_settle(o);
}

/* Takes pending keys below `key` (NULL = all) into out. Moved rows leave an empty Over behind. */
static size_t overs_take(Overs *o, size_t *at, const char *key, KvRow *out, size_t n, size_t max) {
  for (; n < max && *at < o->n && (!key || strcmp(o->v[*at].row.key, key) < 0); (*at)++) {
    Over *x = &o->v[*at];
    if (x->del) continue;
    out[n++] = x->row;
    x->row = (KvRow){.key = NULL};
  }
  return n;
}

static size_t kv_merge(Sq *s, sqlite3_stmt *st, const char *prefix, Overs *o, KvRow *out, size_t max, Err *e) {
  size_t n = 0, at = 0;
  while (n < max && sq_next_row(s, st, e)) {
    const char *key = (const char *)sqlite3_column_text(st, 0);
    if (strncmp(key, prefix, strlen(prefix))) break;
    n = overs_take(o, &at, key, out, n, max);
    if (n == max) break;
    if (at < o->n && !strcmp(o->v[at].row.key, key)) continue; /* covered: taken in the next turn, or deleted */
    if (!kv_from_row(&out[n], st)) return sq_no_memory(e), n;
    n++;
  }
  return overs_take(o, &at, NULL, out, n, max);
}

static size_t r_kv_list(Store *b, const char *workspace, const char *prefix, const char *after, KvRow *out, size_t max, Err *e) {
  Sq *s = (Sq *)b;
  Overs o = {0};
  overs_collect(s, &o, workspace, prefix, after); /* first: what is committed meanwhile must be seen below */
  sqlite3_stmt *st = sq_query(s, R_KV_LIST, e);
  size_t n = 0;
  if (st && o.oom) sq_no_memory(e);
  if (st && !o.oom) {
    sq_bind_str(st, 1, workspace);
    sq_bind_str(st, 2, prefix);
    sq_bind_str(st, 3, after);
    n = kv_merge(s, st, prefix, &o, out, max, e);
    sqlite3_reset(st);
  }
  for (size_t i = 0; i < o.n; i++) over_free(&o.v[i]);
  free(o.v);
  return n;
}

/* ---- units, sources, meta ---- */

static bool file_and_blob(Sq *s, sqlite3_stmt *st, char **file, Blob *out, Err *e) {
  if (!sq_next_row(s, st, e)) return false;
  bool ok = true;
  Blob data = sq_col_blob(st, 1, &ok);
  char *name = sq_col_str(st, 0, &ok);
  sqlite3_reset(st);
  if (!ok || !file) free(name);
  else *file = name;
  if (ok) *out = data;
  else blob_free(&data);
  return ok || sq_no_memory(e);
}

static bool r_unit(Store *b, const uint8_t hash[16], char **file, Blob *out, Err *e) {
  sqlite3_stmt *st = sq_query((Sq *)b, R_UNIT, e);
  if (!st) return false;
  sqlite3_bind_blob(st, 1, hash, 16, SQLITE_STATIC);
  return file_and_blob((Sq *)b, st, file, out, e);
}

static bool r_source(Store *b, const char *hash, char **file, Blob *out, Err *e) {
  sqlite3_stmt *st = sq_query((Sq *)b, R_SOURCE, e);
  if (!st) return false;
  sq_bind_str(st, 1, hash);
  return file_and_blob((Sq *)b, st, file, out, e);
}

static bool r_meta(Store *b, const char *name, char **value, Err *e) {
  Sq *s = (Sq *)b;
  sqlite3_stmt *st = sq_query(s, R_META, e);
  if (!st) return false;
  sq_bind_str(st, 1, name);
  if (!sq_next_row(s, st, e)) return false;
  bool ok = true;
  *value = sq_col_str(st, 0, &ok);
  sqlite3_reset(st);
  return ok || sq_no_memory(e);
}

/* ---- dropping history ---- */

/* Of the next rows: how many, the last of them, and whether a run still needs one: it is live, finished too recently, or unknown. */
typedef struct Look { int64_t n, last, needed; } Look;
static bool segment_look(Sq *s, const HistorySweep *at, int64_t before, int rows, Look *out, Err *e) {
  char sql[400];
  snprintf(sql, sizeof sql,
           "SELECT count(*),max(id),max(needed) FROM (SELECT j.id AS id,r.run IS NULL OR r.status NOT BETWEEN %d AND %d OR r.finished>=?1 AS needed"
           " FROM j%lld j LEFT JOIN runs r ON r.run=j.run WHERE j.id>?2 ORDER BY j.id LIMIT ?3)",
           RUN_COMPLETED, RUN_TIMED_OUT, (long long)at->segment);
  sqlite3_stmt *st = NULL;
  int rc = sqlite3_prepare_v2(s->rd.db, sql, -1, &st, NULL);
  if (rc == SQLITE_OK) {
    sqlite3_bind_int64(st, 1, before);
    sqlite3_bind_int64(st, 2, at->row);
    sqlite3_bind_int64(st, 3, rows);
    rc = sqlite3_step(st);
  }
  if (rc == SQLITE_ROW) *out = (Look){col_int(st, 0), col_int(st, 1), col_int(st, 2)};
  else sq_error(&s->rd, e, "history cannot be read");
  sqlite3_finalize(st);
  return rc == SQLITE_ROW;
}

static bool segment_drop(Sq *s, int64_t seg, Err *e) {
  Batch *b = batch_new();
  if (b && (b->ops = calloc(1, sizeof *b->ops))) {
    b->ops[0] = (Op){.type = OP_DROP_SEGMENT, .i = {seg}};
    b->n = b->cap = 1;
    b->touches_runs = true;
  } else if (b) b->error = "out_of_memory";
  sq_journal_forget(&s->rd, seg);
  return store_submit_wait(&s->base, b, e);
}

/* The numbers of all segments but the newest, collected first: dropping changes the list. */
static int64_t *closed_segments(Sq *s, size_t *n, Err *e) {
  sqlite3_stmt *st = sq_query(s, X_SEGMENTS, e);
  Chain c = {0};
  *n = 0;
  if (!st) return NULL;
  int64_t newest = -1;
  bool ok = true;
  while (ok && sq_next_row(s, st, e)) {
    int64_t seg = strtoll((const char *)sqlite3_column_text(st, 0) + 1, NULL, 10);
    if (seg > newest) newest = seg;
    ok = chain_add(&c, seg);
  }
  sqlite3_reset(st);
  if (!ok) sq_no_memory(e);
  for (size_t i = 0; ok && i < c.n; i++)
    if (c.rows[i] != newest) c.rows[(*n)++] = c.rows[i];
  return c.rows;
}

/* The first closed segment from this one on; -1 none. */
static int64_t next_closed(Sq *s, int64_t from, Err *e) {
  size_t n;
  int64_t *all = closed_segments(s, &n, e), first = -1;
  for (size_t i = 0; i < n; i++)
    if (all[i] >= from && (first < 0 || all[i] < first)) first = all[i];
  free(all);
  return first;
}

static int r_sweep_history(Store *b, int64_t before, HistorySweep *at, int rows, Err *e) {
  Sq *s = (Sq *)b;
  Err local;
  if (!e) e = &local;
  e->code = NULL;
  int64_t seg = next_closed(s, at->segment, e);
  if (seg < 0) return -1;
  if (seg != at->segment) *at = (HistorySweep){seg, 0};
  Look look;
  if (!segment_look(s, at, before, rows, &look, e)) return -1;
  if (look.n == rows && !look.needed) return at->row = look.last, 0;
  *at = (HistorySweep){seg + 1, 0};
  if (look.needed) return 0;
  return segment_drop(s, seg, e) ? 1 : -1; /* who is over stays so: all rows of it have been looked at */
}

static int64_t pragma_int(Sq *s, const char *sql) {
  sqlite3_stmt *st = NULL;
  int64_t v = sqlite3_prepare_v2(s->rd.db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW ? col_int(st, 0) : -1;
  sqlite3_finalize(st);
  return v;
}

static int64_t r_used_bytes(Store *b) {
  Sq *s = (Sq *)b;
  int64_t pages = pragma_int(s, "PRAGMA page_count"), unused = pragma_int(s, "PRAGMA freelist_count"), size = pragma_int(s, "PRAGMA page_size");
  return pages < 0 || unused < 0 || size < 0 ? -1 : (pages - unused) * size;
}

const StoreImpl sq_impl = {
    .close = sq_close, .failed = sq_failed, .submit = sq_submit, .gather = sq_gather, .together = sq_together, .reads = sq_reads, .max_run = r_max_run, .slug_count = r_slug_count, .run_get = r_run_get,
    .run_by_id = r_run_by_id, .runs = r_runs, .journal = r_journal, .snapshot_get = r_snapshot, .timers_due = r_timers_due,
    .runs_newest = r_runs_newest, .slot = r_slot, .slot_queue = r_slot_queue,
    .timer_next = r_timer_next, .wait_get = r_wait_get, .waits = r_waits, .waits_under = r_waits_under, .outcomes_under = r_outcomes_under,
    .outcomes_use = r_outcomes_use, .outcome_get = r_outcome, .inbox = r_inbox,
    .inbox_by_key = r_inbox_by_key, .kv_get = r_kv_get, .kv_list = r_kv_list, .unit_get = r_unit, .source_get = r_source,
    .doc_get = sq_doc_get, .docs = sq_docs, .search = sq_search, .meta_get = r_meta, .changed = sq_changed, .stats = sq_stats,
    .sweep_history = r_sweep_history, .used_bytes = r_used_bytes,
    .table_max = sq_table_max, .table_get = sq_table_get, .tables = sq_tables, .tables_pending = sq_tables_pending, .index_waits = sq_index_waits, .reader = sq_reader, .reader_begin = sq_reader_begin, .reader_end = sq_reader_end, .table_row = sq_table_row,
    .table_rows = sq_table_rows, .table_keys = sq_table_keys,
    .job_max = sq_job_max, .job_get = sq_job_get, .job_batch_get = sq_job_batch_get, .job_unique = sq_job_unique, .jobs = sq_jobs,
    .jobs_due = sq_jobs_due, .job_types = sq_job_types,
};
