/* Connections for reading on other threads, each in a transaction of its own: one committed state from begin to end. */
#include "store_sqlite.h"

enum { LOOK_EVERY = 20000 }; /* of SQLite's instructions, about a millisecond */

Store *sq_reader(Store *of, Err *e) {
  const Sq *s = (const Sq *)of;
  StoreOptions o = {.read_only = true, .vfs = s->o.vfs};
  return store_sqlite_open(s->path, &o, e);
}

static int stopped(void *stop) { return atomic_load((const _Atomic bool *)stop); }

bool sq_reader_begin(Store *reader, const _Atomic bool *stop, Err *e) {
  Sq *s = (Sq *)reader;
  sqlite3_progress_handler(s->rd.db, LOOK_EVERY, stopped, (void *)(uintptr_t)stop);
  int rc = sqlite3_exec(s->rd.db, "BEGIN", NULL, NULL, NULL);
  return rc == SQLITE_OK || sq_error(&s->rd, e, "no reading transaction can be begun");
}

void sq_reader_end(Store *reader) {
  Sq *s = (Sq *)reader;
  sqlite3_progress_handler(s->rd.db, 0, NULL, NULL);
  if (!sqlite3_get_autocommit(s->rd.db)) sqlite3_exec(s->rd.db, "ROLLBACK", NULL, NULL, NULL);
}
