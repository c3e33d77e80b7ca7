/* The tables, and the checks that a file is ours, whole and not from the future. */
#include "store_sqlite.h"
#include "store_files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sizes matter here: 100,000 parked runs must stay under 4 KiB each. Text keys are stored once per index that needs them,
 * rows that are their key have no rowid, and the journal has no index at all. */
static const char SCHEMA[] =
    "CREATE TABLE state(watermark INTEGER NOT NULL, segment_bits INTEGER NOT NULL);"
    "CREATE TABLE runs(run INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, version INTEGER, status INTEGER NOT NULL,"
    " created INTEGER, updated INTEGER, finished INTEGER, wake INTEGER, head_row INTEGER NOT NULL, head_seq INTEGER NOT NULL,"
    " run_id TEXT NOT NULL, workspace TEXT, slug TEXT, source_hash TEXT, note TEXT, lineage TEXT,"
    " slot TEXT, installation TEXT, origin TEXT, target TEXT);"
    "CREATE INDEX runs_open ON runs(run) WHERE status<2 OR status>6;"
    "CREATE INDEX runs_slot ON runs(workspace,slot,status) WHERE slot IS NOT NULL AND (status<2 OR status>6);"
    "CREATE INDEX runs_status ON runs(workspace,status);"
    "CREATE INDEX runs_flow ON runs(workspace,slug,status);"
    "CREATE INDEX runs_installation ON runs(workspace,installation) WHERE installation IS NOT NULL;"
    "CREATE UNIQUE INDEX runs_id ON runs(run_id,coalesce(workspace,''));"
    "CREATE TABLE flows(workspace TEXT, slug TEXT, n INTEGER NOT NULL, PRIMARY KEY(workspace,slug)) WITHOUT ROWID;"
    "CREATE TABLE snapshots(run INTEGER PRIMARY KEY, seq INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE TABLE timers(run INTEGER, seq INTEGER, due INTEGER NOT NULL, PRIMARY KEY(run,seq)) WITHOUT ROWID;"
    "CREATE INDEX timers_due ON timers(due);"
    "CREATE TABLE waits(workspace TEXT, key TEXT, run INTEGER NOT NULL, seq INTEGER NOT NULL, created INTEGER, spec BLOB,"
    " PRIMARY KEY(workspace,key)) WITHOUT ROWID;"
    "CREATE INDEX waits_run ON waits(run);"
    "CREATE TABLE inbox(id INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT, key TEXT, kind TEXT, received INTEGER, body BLOB);"
    "CREATE INDEX inbox_key ON inbox(workspace,key);"
    "CREATE TABLE outcomes(workspace TEXT, key TEXT, at INTEGER NOT NULL, outcome BLOB, PRIMARY KEY(workspace,key)) WITHOUT ROWID;"
    "CREATE INDEX outcomes_at ON outcomes(at);"
    "CREATE TABLE kv(workspace TEXT, key TEXT, value BLOB, expires INTEGER NOT NULL, PRIMARY KEY(workspace,key)) WITHOUT ROWID;"
    "CREATE TABLE docs(workspace TEXT, kind TEXT, key TEXT, rev INTEGER NOT NULL, at INTEGER NOT NULL, run INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, data BLOB, PRIMARY KEY(workspace,kind,key)) WITHOUT ROWID;"
    "CREATE INDEX docs_at ON docs(workspace,kind,at);"
    "CREATE INDEX docs_run ON docs(run) WHERE run>0;"
    "CREATE TABLE tables(id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, rows INTEGER NOT NULL, created INTEGER,"
    " updated INTEGER, meta BLOB, UNIQUE(workspace,name));"
    "CREATE TABLE table_rows(place INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE table_keys(k BLOB PRIMARY KEY) WITHOUT ROWID;"
    SQ_SEARCH_SCHEMA SQ_JOBS_SCHEMA
    "CREATE TABLE units(hash BLOB PRIMARY KEY, file TEXT, data BLOB);"
    "CREATE TABLE sources(hash TEXT PRIMARY KEY, file TEXT, text BLOB);"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;";

static bool schema_error(Sq *s, Conn *c, Err *e) {
  int rc = sqlite3_errcode(c->db) & 255;
  const char *why = sqlite3_errmsg(c->db);
  if (rc == SQLITE_NOTADB)
    return err_set(e, "db_foreign", "%s is not a breyta-run database; give another path with --db, or move the file away", s->path);
  if (rc == SQLITE_CORRUPT) return err_set(e, "db_corrupt", "%s is damaged (%s); restore it from a backup", s->path, why);
  if (s->o.read_only && (rc == SQLITE_READONLY || rc == SQLITE_CANTOPEN) && access(s->path, R_OK) == 0)
    return err_set(e, "db_readonly", "%s has a log, %s-wal, that cannot be read without making files beside it, and its directory cannot be written; "
                   "copy both to a place of your own", s->path, s->path);
  if (rc == SQLITE_READONLY) return err_set(e, "db_readonly", "%s cannot be written (%s)", s->path, why);
  if (rc == SQLITE_FULL) return err_set(e, "disk_full", "%s: no space left on the disk", s->path);
  return err_set(e, "db_open", "%s: %s", s->path, why);
}

/* The one integer of a pragma or query. */
static bool schema_int(Sq *s, Conn *c, const char *sql, int64_t *out, Err *e) {
  sqlite3_stmt *st = NULL;
  bool ok = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
  if (ok) *out = sqlite3_column_int64(st, 0);
  else schema_error(s, c, e);
  sqlite3_finalize(st);
  return ok;
}

static bool schema_run(Sq *s, Conn *c, const char *sql, Err *e) {
  return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK || schema_error(s, c, e);
}

enum Found { FOUND_OURS, FOUND_EMPTY, FOUND_BAD };

static enum Found schema_identify(Sq *s, Conn *c, Err *e) {
  int64_t id, version, tables;
  if (!schema_int(s, c, "PRAGMA application_id", &id, e) || !schema_int(s, c, "PRAGMA user_version", &version, e) ||
      !schema_int(s, c, "SELECT count(*) FROM sqlite_master", &tables, e))
    return FOUND_BAD;
  if (!id && !tables) return FOUND_EMPTY;
  if (id != STORE_APPLICATION_ID)
    err_set(e, "db_foreign", "%s is an SQLite database of another program; give another path with --db", s->path);
  else if (version > STORE_VERSION)
    err_set(e, "db_newer", "%s has format %lld, this program reads up to %d; use a newer breyta-run", s->path, (long long)version,
            STORE_VERSION);
  else if (version < 1 || !tables) err_set(e, "db_corrupt", "%s has no valid format number; restore it from a backup", s->path);
  else return FOUND_OURS;
  return FOUND_BAD;
}

/* Everything in one transaction: a crash leaves a whole database or an empty one. Two processes may come here at once. */
static bool schema_create(Sq *s, Conn *c, Err *e) {
  char finish[160];
  snprintf(finish, sizeof finish, "PRAGMA application_id=%d;PRAGMA user_version=%d;INSERT INTO state VALUES(0,%d);COMMIT",
           STORE_APPLICATION_ID, STORE_VERSION, s->tune.segment_bits);
  if (!schema_run(s, c, "BEGIN IMMEDIATE", e)) return false;
  enum Found f = schema_identify(s, c, e);
  if (f == FOUND_EMPTY && schema_run(s, c, SCHEMA, e) && schema_run(s, c, finish, e)) return true;
  sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
  return f == FOUND_OURS;
}

/* WAL and full sync, set and read back. */
static bool schema_wal(Sq *s, Conn *c, Err *e) {
  sqlite3_stmt *st = NULL;
  bool ok = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode=WAL", -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
  bool wal = ok && !sqlite3_stricmp((const char *)sqlite3_column_text(st, 0), "wal");
  if (!ok) schema_error(s, c, e);
  else if (!wal) err_set(e, "db_open", "%s: this file system cannot do write-ahead logging", s->path);
  sqlite3_finalize(st);
  return wal;
}

static bool schema_full_sync(Sq *s, Conn *c, Err *e) {
  int64_t level;
  if (!schema_run(s, c, "PRAGMA synchronous=FULL", e) || !schema_int(s, c, "PRAGMA synchronous", &level, e)) return false;
  return level == 2 || err_set(e, "db_open", "%s: synchronous=FULL was refused", s->path);
}

static bool schema_settings(Sq *s, Conn *c, bool first, Err *e) {
  const char *sql = first ? "PRAGMA cache_size=-8192;PRAGMA temp_store=MEMORY;PRAGMA wal_autocheckpoint=0"
                          : "PRAGMA cache_size=-16384;PRAGMA temp_store=MEMORY;PRAGMA wal_autocheckpoint=0";
  return schema_run(s, c, sql, e);
}

/* A reader makes the files of the log, too. Where it cannot, and where there is no log, the file alone is the database. */
static char *frozen_uri(const char *path) {
  char *uri = malloc(3 * strlen(path) + 32), *to = uri;
  if (!uri) return NULL;
  to += sprintf(to, "file:");
  while (path[0] == '/' && path[1] == '/') path++; /* two would begin the name of a host */
  for (; *path; path++)
    if (strchr("%?#", *path)) to += sprintf(to, "%%%02X", (unsigned char)*path);
    else *to++ = *path;
  sprintf(to, "?immutable=1");
  return uri;
}

static int open_file(Sq *s, Conn *c, bool read_only) {
  if (!read_only) return sq_vfs_open(s->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, s->o.vfs, &s->syncs);
  char *uri = !s->o.vfs && store_files_frozen(s->path) ? frozen_uri(s->path) : NULL;
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | (uri ? SQLITE_OPEN_URI : 0);
  int rc = sq_vfs_open(uri ? uri : s->path, &c->db, flags, s->o.vfs, &s->syncs);
  free(uri);
  return rc;
}

static bool schema_connect(Sq *s, Conn *c, Err *e) {
  int rc = open_file(s, c, s->o.read_only);
  if (!c->db) return err_set(e, "db_open", "%s: %s", s->path, sqlite3_errstr(rc));
  sqlite3_extended_result_codes(c->db, 1);
  sqlite3_busy_timeout(c->db, 10000);
  if (rc != SQLITE_OK) return schema_error(s, c, e);
  if (!s->o.read_only && sqlite3_db_readonly(c->db, "main") == 1)
    return err_set(e, "db_readonly", "%s cannot be written; check its permissions", s->path);
  return true;
}

/* Is the file somebody else's, or of a later version? Asked before anything is made beside it. What else may be wrong with it is
 * found when it is opened for good. */
bool sq_schema_refused(Sq *s, Err *e) {
  Conn c = {0};
  Err why = {0};
  if (open_file(s, &c, true) == SQLITE_OK) schema_identify(s, &c, &why);
  sq_conn_close(&c, true);
  if (!why.code || (strcmp(why.code, "db_foreign") && strcmp(why.code, "db_newer"))) return false;
  *e = why;
  return true;
}

/* `first`: the connection of store_open, which identifies the file and makes the schema. */
bool sq_schema_open(Sq *s, Conn *c, bool first, Err *e) {
  if (!schema_connect(s, c, e)) return false;
  enum Found f = first ? schema_identify(s, c, e) : FOUND_OURS;
  if (f == FOUND_BAD) return false;
  if (f == FOUND_EMPTY && s->o.read_only) return err_set(e, "db_foreign", "%s is empty: no run was ever stored in it", s->path);
  if (!schema_full_sync(s, c, e) || !schema_settings(s, c, first, e)) return false;
  if (f == FOUND_EMPTY && !schema_create(s, c, e)) return false;
  return s->o.read_only || schema_wal(s, c, e);
}
