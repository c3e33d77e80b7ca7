/* Connections with their prepared statements, and the table of run heads. */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#define X_SQL(name, sql) sql,
static const char *const sql_text[SQ_STMTS] = {SQ_STATEMENTS(X_SQL)};
#undef X_SQL

const char *sq_text(enum SqStmt id) { return sql_text[id]; }

sqlite3_stmt *sq_stmt(Conn *c, enum SqStmt id) {
  if (!c->st[id]) sqlite3_prepare_v3(c->db, sql_text[id], -1, SQLITE_PREPARE_PERSISTENT, &c->st[id], NULL);
  return c->st[id];
}

int sq_done(sqlite3_stmt *st) {
  int rc = sqlite3_step(st);
  sqlite3_reset(st);
  return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int sq_exec(Conn *c, enum SqStmt id) {
  sqlite3_stmt *st = sq_stmt(c, id);
  return st ? sq_done(st) : sqlite3_extended_errcode(c->db);
}

void sq_bind_str(sqlite3_stmt *st, int at, const char *s) { sqlite3_bind_text(st, at, s, -1, SQLITE_STATIC); }

bool sq_error(Conn *c, Err *e, const char *doing) {
  const char *code = (sqlite3_errcode(c->db) & 255) == SQLITE_CORRUPT ? "db_corrupt" : "db_read";
  return err_set(e, code, "%s: %s (%s)", sqlite3_db_filename(c->db, "main"), doing, sqlite3_errmsg(c->db));
}

/* After a failed sync nothing may be copied from the log to the database: what the log holds is not known. */
void sq_conn_close(Conn *c, bool keep_wal) {
  for (int i = 0; i < SQ_STMTS; i++) sqlite3_finalize(c->st[i]);
  for (int i = 0; i < SEG_CACHE; i++) sqlite3_finalize(c->read[i].st);
  sqlite3_finalize(c->insert.st);
  if (c->db && keep_wal) sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_close(c->db);
  *c = (Conn){0};
}

int sq_data_version(Conn *c, int64_t *out) {
  sqlite3_stmt *st = sq_stmt(c, X_VERSION);
  if (!st) return sqlite3_extended_errcode(c->db);
  int rc = sqlite3_step(st);
  if (rc == SQLITE_ROW) *out = sqlite3_column_int64(st, 0);
  sqlite3_reset(st);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* ---- journal segments ---- */

static bool segment_missing(Conn *c) {
  return sqlite3_errcode(c->db) == SQLITE_ERROR && strstr(sqlite3_errmsg(c->db), "no such table") != NULL;
}

int sq_journal_stmt(Sq *s, Conn *c, int64_t row, sqlite3_stmt **out) {
  int64_t seg = sq_segment(s, row);
  SegStmt *slot = &c->read[seg % SEG_CACHE];
  *out = slot->st;
  if (slot->st && slot->seg == seg) return SQLITE_OK;
  sqlite3_finalize(slot->st);
  *slot = (SegStmt){.seg = seg};
  char sql[96];
  snprintf(sql, sizeof sql, "SELECT run,prev,data FROM j%lld WHERE id=?1", (long long)seg);
  int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->st, NULL);
  *out = slot->st;
  return rc != SQLITE_OK && segment_missing(c) ? SQLITE_OK : rc;
}

void sq_journal_forget(Conn *c, int64_t seg) {
  SegStmt *slot = &c->read[seg % SEG_CACHE];
  if (slot->seg != seg) return;
  sqlite3_finalize(slot->st);
  *slot = (SegStmt){.seg = -1};
}

/* ---- the table of heads: buckets of chains, entries never move ---- */

static size_t head_bucket(const Sq *s, int64_t run) { return (size_t)((uint64_t)run * 0x9e3779b97f4a7c15u >> 32) & (s->cap_heads - 1); }

Head *sq_head_find(const Sq *s, int64_t run) {
  if (!s->cap_heads) return NULL;
  Head *h = s->heads[head_bucket(s, run)];
  while (h && h->run != run) h = h->chain;
  return h;
}

static bool heads_grow(Sq *s) {
  size_t old = s->cap_heads, n = old ? old * 2 : 64;
  Head **from = s->heads, **to = calloc(n, sizeof *to);
  if (!to) return old > 0;
  s->heads = to;
  s->cap_heads = n;
  for (size_t i = 0; i < old; i++)
    for (Head *h = from[i], *next; h; h = next) {
      next = h->chain;
      Head **at = &to[head_bucket(s, h->run)];
      h->chain = *at;
      *at = h;
    }
  free(from);
  return true;
}

Head *sq_head_add(Sq *s, int64_t run) {
  if (s->n_heads >= s->cap_heads && !heads_grow(s)) return NULL;
  Head *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  h->run = run;
  Head **at = &s->heads[head_bucket(s, run)];
  h->chain = *at;
  *at = h;
  s->n_heads++;
  return h;
}

static bool head_idle(const Head *h) {
  return !h->com.exists || (h->com.row == h->com.flushed && h->com.status != RUN_RUNNING);
}

static void heads_remove(Sq *s, bool all) {
  for (size_t i = 0; i < s->cap_heads; i++)
    for (Head **at = &s->heads[i]; *at;) {
      Head *h = *at;
      if (!all && !head_idle(h)) {
        at = &h->chain;
        continue;
      }
      *at = h->chain;
      free(h);
      s->n_heads--;
    }
}

/* Forgets runs that are parked or over and written down; only between transactions. */
void sq_heads_evict(Sq *s) {
  pthread_mutex_lock(&s->head_lock);
  heads_remove(s, false);
  pthread_mutex_unlock(&s->head_lock);
}

void sq_heads_clear(Sq *s) {
  heads_remove(s, true);
  free(s->heads);
  s->heads = NULL;
  s->cap_heads = s->n_heads = 0;
  s->touched = NULL;
  s->heads_loaded = false;
}

/* ---- finding the heads above the watermark ---- */

static int head_from_row(Conn *c, Head *h) {
  sqlite3_stmt *st = sq_stmt(c, W_HEAD);
  if (!st) return sqlite3_extended_errcode(c->db);
  sqlite3_bind_int64(st, 1, h->run);
  int rc = sqlite3_step(st);
  if (rc == SQLITE_ROW) {
    h->com = (HeadState){.exists = true, .epoch = sqlite3_column_int64(st, 0), .status = (enum RunStatus)sqlite3_column_int(st, 1),
                         .row = sqlite3_column_int64(st, 2), .seq = sqlite3_column_int64(st, 3), .flushed = sqlite3_column_int64(st, 2)};
    rc = SQLITE_OK;
  } else if (rc == SQLITE_DONE) rc = SQLITE_OK;
  sqlite3_reset(st);
  h->cur = h->com;
  return rc;
}

static int tail_row(Sq *s, Conn *c, int64_t row, int64_t run) {
  Head *h = sq_head_find(s, run);
  if (!h) {
    h = sq_head_add(s, run);
    if (!h) return SQLITE_NOMEM;
    int rc = head_from_row(c, h);
    if (rc != SQLITE_OK) return rc;
  }
  if (row > h->com.row) {
    h->com.row = row;
    h->com.seq++;
  }
  h->cur = h->com;
  s->com_last_row = row;
  return SQLITE_OK;
}

static int tail_segment(Sq *s, Conn *c, int64_t seg) {
  char sql[96];
  sqlite3_stmt *st = NULL;
  snprintf(sql, sizeof sql, "SELECT id,run FROM j%lld WHERE id>?1 ORDER BY id", (long long)seg);
  int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_int64(st, 1, s->com_watermark);
  while ((rc = sqlite3_step(st)) == SQLITE_ROW)
    if ((rc = tail_row(s, c, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1))) != SQLITE_OK) break;
  sqlite3_finalize(st);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int heads_state(Sq *s, Conn *c) {
  sqlite3_stmt *st = sq_stmt(c, X_STATE);
  if (!st) return sqlite3_extended_errcode(c->db);
  int rc = sqlite3_step(st);
  if (rc == SQLITE_ROW) {
    s->com_watermark = sqlite3_column_int64(st, 0);
    s->segment_bits = sqlite3_column_int(st, 1);
  }
  sqlite3_reset(st);
  return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* The newest segment; -1 none yet. */
static int newest_segment(Conn *c, int64_t *out) {
  sqlite3_stmt *st = sq_stmt(c, X_SEGMENTS);
  if (!st) return sqlite3_extended_errcode(c->db);
  int rc;
  *out = -1;
  while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
    int64_t seg = strtoll((const char *)sqlite3_column_text(st, 0) + 1, NULL, 10);
    if (seg > *out) *out = seg;
  }
  sqlite3_reset(st);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int heads_scan(Sq *s, Conn *c) {
  int64_t newest = -1;
  int rc = heads_state(s, c);
  if (rc == SQLITE_OK) rc = newest_segment(c, &newest);
  if (rc != SQLITE_OK) return rc;
  s->com_last_row = s->com_watermark;
  int64_t seg = sq_segment(s, s->com_watermark + 1);
  for (; rc == SQLITE_OK && seg <= newest; seg++) rc = tail_segment(s, c, seg);
  s->last_row = s->com_last_row;
  s->watermark = s->com_watermark;
  return rc;
}

/* One read transaction, so that rows and heads are of the same moment; inside the writer's transaction that one serves. */
int sq_heads_load(Sq *s, Conn *c) {
  bool own = sqlite3_get_autocommit(c->db) != 0;
  sq_heads_clear(s);
  int rc = own ? sqlite3_exec(c->db, "BEGIN", NULL, NULL, NULL) : SQLITE_OK;
  if (rc == SQLITE_OK) rc = heads_scan(s, c);
  if (own) sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
  s->heads_loaded = rc == SQLITE_OK;
  if (rc != SQLITE_OK) sq_heads_clear(s);
  return rc;
}
