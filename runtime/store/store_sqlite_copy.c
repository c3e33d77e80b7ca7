/* store_sqlite_copy.c - see store_copy.h. SQLite's backup in one step: one read transaction, which holds up no writer under WAL. */
#include "store_copy.h"
#include "store_files.h"
#include "store_sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 10000 };

static bool failed(sqlite3 *db, const char *path, Err *e) {
  int rc = sqlite3_errcode(db) & 255;
  const char *code = rc == SQLITE_FULL ? "disk_full" : rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ? "db_corrupt" : "db_open";
  return err_set(e, code, "%s: %s", path, sqlite3_errmsg(db));
}

static bool opened(const char *path, int flags, sqlite3 **db, Err *e) {
  if (sqlite3_open_v2(path, db, flags, NULL) != SQLITE_OK) return failed(*db, path, e);
  sqlite3_busy_timeout(*db, BUSY_MS);
  return true;
}

static bool copy_pages(sqlite3 *from, sqlite3 *to, const char *path, Err *e) {
  sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
  if (!b) return failed(to, path, e);
  int rc = sqlite3_backup_step(b, -1);
  sqlite3_backup_finish(b);
  return rc == SQLITE_DONE || failed(to, path, e);
}

static bool synced(const char *path, Err *e) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool ok = fd >= 0 && !fsync(fd);
  if (!ok) err_set(e, "db_open", "%s: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  return ok && (store_files_sync_parent(path) || err_set(e, "db_open", "%s: its folder cannot be synced", path));
}

bool store_copy(const char *from, const char *to, Err *e) {
  sqlite3 *a = NULL, *b = NULL;
  if (!access(to, F_OK)) return err_set(e, "db_exists", "%s is there already", to);
  bool ok = opened(from, SQLITE_OPEN_READWRITE, &a, e) && opened(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &b, e) && copy_pages(a, b, to, e);
  sqlite3_close(a);
  ok = sqlite3_close(b) == SQLITE_OK && ok;
  ok = ok && synced(to, e);
  if (!ok) unlink(to);
  return ok;
}

bool store_whole(const char *db, bool quick, Err *e) {
  sqlite3 *c = NULL;
  sqlite3_stmt *st = NULL;
  bool ok = opened(db, SQLITE_OPEN_READWRITE, &c, e) || (sqlite3_close(c), c = NULL, *e = (Err){0}, opened(db, SQLITE_OPEN_READONLY, &c, e));
  ok = ok && (sqlite3_prepare_v2(c, quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)", -1, &st, NULL) == SQLITE_OK || failed(c, db, e));
  if (ok && sqlite3_step(st) != SQLITE_ROW) ok = failed(c, db, e);
  const char *says = ok ? (const char *)sqlite3_column_text(st, 0) : NULL;
  if (ok && (!says || strcmp(says, "ok"))) ok = err_set(e, "db_corrupt", "%s is damaged: %.300s", db, says ? says : "?");
  sqlite3_finalize(st);
  sqlite3_close(c);
  return ok;
}
