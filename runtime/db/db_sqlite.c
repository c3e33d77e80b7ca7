/* db_sqlite.c - SQLite files of users, apart from the store: the second of the two places that include sqlite3.h (store_sqlite*.c is the
 * first), on helper threads only.
 *
 * A statement is stopped by its progress handler, which looks at the deadline and the cancellation; a lock held by others is waited for
 * until then. ATTACH is refused (a connection is one file), and so are extensions and what would damage the file's structure. Values come
 * as SQLite has them: INTEGER, REAL, TEXT, BLOB; only columns declared BOOLEAN and JSON become more than that. */
#include "db.h"
#include <ctype.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { STEPS_BETWEEN_LOOKS = 2000, LOCK_POLL_MS = 5 };

typedef struct Conn {
  sqlite3 *db;
  DbJob *job;        /* on which it works: for the handlers */
  bool attach;       /* somebody tried to */
} Conn;

/* ---- failures ---- */

static const char *class_of(int code, bool *again) {
  *again = false;
  switch (code & 0xff) {
  case SQLITE_BUSY: case SQLITE_LOCKED: return *again = true, "lock";
  case SQLITE_CONSTRAINT: return "constraint";
  case SQLITE_READONLY: return "read-only";
  case SQLITE_AUTH: case SQLITE_PERM: return "permission";
  case SQLITE_ERROR: case SQLITE_RANGE: return "syntax";
  case SQLITE_MISMATCH: case SQLITE_TOOBIG: return "data";
  default: return "other";
  }
}

static bool fail_sqlite(Conn *c, DbJob *j, int rc) {
  if (j->fail.type) return false;
  if ((rc & 0xff) == SQLITE_INTERRUPT && db_due(j)) return db_fail_late(j, true);
  if ((rc & 0xff) == SQLITE_BUSY && db_due(j)) return db_fail_late(j, true);
  int offset = c->db ? sqlite3_error_offset(c->db) : -1;
  if (c->attach) db_fail(j, "db-error", "ATTACH is not possible in a :db step: give the other file a connection of its own");
  else db_fail(j, "db-error", "%s", c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
  j->fail.code = c->db ? sqlite3_extended_errcode(c->db) : rc;
  j->fail.class = class_of(rc, &j->fail.retryable);
  if (offset >= 0) db_sql_place(j->source, j->nsource, DB_SQLITE, (size_t)offset, &j->fail.line, &j->fail.col);
  return false;
}

/* ---- handlers ---- */

static int progress(void *arg) { return db_due(((Conn *)arg)->job); }

static int busy(void *arg, int times) {
  (void)times;
  Conn *c = arg;
  return db_wait(c->job, -1, 0, LOCK_POLL_MS) == DB_READY;
}

static int allowed(void *arg, int action, const char *a, const char *b, const char *db, const char *trigger) {
  (void)b, (void)db, (void)trigger;
  Conn *c = arg;
  if ((action == SQLITE_ATTACH && a && *a) || (action == SQLITE_FUNCTION && b && !strcasecmp(b, "load_extension"))) { /* VACUUM attaches a file without a name */
    c->attach = action == SQLITE_ATTACH;
    return SQLITE_DENY;
  }
  return SQLITE_OK;
}

/* ---- connecting ---- */

static void *sq_open(DbJob *j) {
  Conn *c = calloc(1, sizeof *c);
  if (!c) abort();
  c->job = j;
  int flags = (j->target->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int rc = sqlite3_open_v2(j->target->path, &c->db, flags, NULL);
  if (rc != SQLITE_OK) {
    db_fail(j, "network", "SQLite cannot open %.300s: %s", j->target->path, c->db ? sqlite3_errmsg(c->db) : "out of memory");
    j->fail.code = rc;
    sqlite3_close(c->db);
    free(c);
    return NULL;
  }
  sqlite3_busy_handler(c->db, busy, c);
  sqlite3_progress_handler(c->db, STEPS_BETWEEN_LOOKS, progress, c);
  sqlite3_set_authorizer(c->db, allowed, c);
  sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
  return c;
}

/* Is the file still the one that the path names? */
static bool sq_fresh(void *conn, DbJob *j) {
  Conn *c = conn;
  int moved = 0;
  c->job = j;
  return sqlite3_file_control(c->db, NULL, SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && !moved;
}

static void sq_close(void *conn) {
  Conn *c = conn;
  sqlite3_close(c->db);
  free(c);
}

/* ---- parameters ---- */

static int bind_one(sqlite3_stmt *s, int at, const DbParam *p) {
  switch (p->type) {
  case DB_NULL: return sqlite3_bind_null(s, at);
  case DB_BOOL: case DB_INT: return sqlite3_bind_int64(s, at, p->i);
  case DB_DOUBLE: return sqlite3_bind_double(s, at, p->d);
  case DB_BYTES: return sqlite3_bind_blob64(s, at, p->s, p->n, SQLITE_STATIC);
  case DB_BIG: case DB_DECIMAL: case DB_TEXT: case DB_INST: case DB_UUID: case DB_JSON: case DB_LIST: break;
  }
  return sqlite3_bind_text64(s, at, p->s, p->n, SQLITE_STATIC, SQLITE_UTF8);
}

static bool bind(Conn *c, DbJob *j, sqlite3_stmt *s) {
  if (sqlite3_bind_parameter_count(s) != j->nparams)
    return db_fail(j, "validation", "SQLite finds %d parameters in :sql, and :params has %d values", sqlite3_bind_parameter_count(s), j->nparams);
  for (int i = 0, rc; i < j->nparams; i++)
    if ((rc = bind_one(s, i + 1, &j->params[i])) != SQLITE_OK) return fail_sqlite(c, j, rc);
  return true;
}

/* ---- rows ---- */

typedef struct Rows { sqlite3_stmt *s; int n; char *kinds; bool over; } Rows;

static const char *column_name(void *ctx, int i) { return sqlite3_column_name(ctx, i); }

static char declared(sqlite3_stmt *s, int i) {
  const char *t = sqlite3_column_decltype(s, i);
  if (!t) return 0;
  return !strcasecmp(t, "boolean") || !strcasecmp(t, "bool") ? 'b' : !strcasecmp(t, "json") || !strcasecmp(t, "jsonb") ? 'J' : 0;
}

static void put_cell(Buf *b, sqlite3_stmt *s, int i, char kind) {
  int64_t bits;
  double d;
  switch (sqlite3_column_type(s, i)) {
  case SQLITE_NULL: return db_put_tag(b, 'N');
  case SQLITE_INTEGER:
    bits = sqlite3_column_int64(s, i);
    return kind == 'b' && (bits == 0 || bits == 1) ? db_put_bool(b, bits) : db_put_int(b, 'I', bits);
  case SQLITE_FLOAT:
    d = sqlite3_column_double(s, i);
    memcpy(&bits, &d, sizeof bits);
    return db_put_int(b, 'E', bits);
  case SQLITE_BLOB: {
    const char *p = sqlite3_column_blob(s, i);
    return db_put_text(b, 'B', p ? p : "", (size_t)sqlite3_column_bytes(s, i));
  }
  default: {
    const char *p = (const char *)sqlite3_column_text(s, i);
    return db_put_text(b, kind == 'J' ? 'J' : 'S', p ? p : "", (size_t)sqlite3_column_bytes(s, i));
  }
  }
}

static bool put_row(DbJob *j, Rows *r) {
  if (!db_row_begin(j)) return false;
  for (int i = 0; i < r->n; i++) put_cell(&j->rows, r->s, i, r->kinds[i]);
  return db_row_end(j);
}

static bool step_all(Conn *c, DbJob *j, Rows *r) {
  for (;;) {
    int rc = sqlite3_step(r->s);
    if (rc == SQLITE_DONE) return true;
    if (rc != SQLITE_ROW) return fail_sqlite(c, j, rc);
    if (put_row(j, r)) continue;
    r->over = true;
    return db_fail_oversize(j, j->sql.returning);
  }
}

static bool execute(Conn *c, DbJob *j, sqlite3_stmt *s) {
  Rows r = {.s = s, .n = sqlite3_column_count(s)};
  r.kinds = calloc((size_t)r.n + 1, 1);
  if (!r.kinds) abort();
  for (int i = 0; i < r.n; i++) r.kinds[i] = declared(s, i);
  int64_t before = sqlite3_total_changes64(c->db);
  sqlite3_set_last_insert_rowid(c->db, 0); /* what earlier steps have inserted is not this one's */
  if (r.n) db_columns(j, r.n, column_name, s);
  j->sent = true;
  bool ok = step_all(c, j, &r);
  free(r.kinds);
  bool wrote = sqlite3_total_changes64(c->db) != before; /* sqlite3_changes is of the last statement that did */
  j->updated = wrote ? sqlite3_changes64(c->db) : 0;
  if (wrote && !r.n) j->last_id = sqlite3_last_insert_rowid(c->db);
  return ok;
}

/* ---- statements ---- */

static bool blank(const char *s) {
  DbSql q;
  Err e = {0};
  bool empty = db_sql_read(s, strlen(s), DB_SQLITE, &q, &e) && q.empty;
  if (empty) db_sql_free(&q);
  return empty;
}

static sqlite3_stmt *prepare(Conn *c, DbJob *j) {
  sqlite3_stmt *s = NULL;
  const char *rest = "";
  int rc = sqlite3_prepare_v2(c->db, j->sql.text.p, (int)j->sql.text.n + 1, &s, &rest);
  if (rc != SQLITE_OK) return fail_sqlite(c, j, rc), NULL;
  if (!s) return db_fail(j, "validation", ":sql holds no statement"), NULL;
  if (blank(rest)) return s;
  db_fail(j, "validation", ":sql holds more than one statement: each :db step runs one");
  sqlite3_finalize(s);
  return NULL;
}

static bool simple(Conn *c, DbJob *j, const char *sql) {
  int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK || fail_sqlite(c, j, rc);
}

static bool statement(Conn *c, DbJob *j) {
  sqlite3_stmt *s = prepare(c, j);
  if (!s) return false;
  bool ok = bind(c, j, s) && execute(c, j, s);
  int rc = sqlite3_finalize(s); /* commits: a lock may be missing only now */
  return ok && (rc == SQLITE_OK || fail_sqlite(c, j, rc));
}

static bool sq_exec(void *conn, DbJob *j) {
  Conn *c = conn;
  bool whole = j->sql.returning;
  c->attach = false;
  if (whole && !simple(c, j, "BEGIN IMMEDIATE")) return false;
  bool ok = statement(c, j);
  if (whole) return ok && simple(c, j, "COMMIT"); /* closing rolls back */
  if (!sqlite3_get_autocommit(c->db)) return db_fail_open_transaction(j);
  return !j->sql.session && (ok || !strcmp(j->fail.type, "db-error"));
}

const DbDriver db_sqlite = {"SQLite", sq_open, sq_fresh, sq_exec, sq_close};
