/* Reads of the engine's thread between two waits of its loop share one reading transaction: locking and unlocking the log for each of them
 * costs more than most of them read.
 *
 * Nothing newer than the transaction may be known from elsewhere (heads in memory, edits on their way, completions): commits are counted
 * before any of that is told, and a read that finds the count moved begins a new transaction. A transaction sees the log as it is at its
 * first read, which comes after the count was taken. What other processes write meanwhile is seen after the next
 * wait, or when store_changed has told of it. */
#include "store_sqlite.h"

void sq_look_end(Sq *s) {
  if (s->looking && !sqlite3_get_autocommit(s->rd.db)) sq_exec(&s->rd, W_COMMIT); /* reads only: there is nothing that could fail to be kept */
  s->looking = false;
}

void sq_together(Store *st, bool on) {
  Sq *s = (Sq *)st;
  s->together = on && s->o.executor;
  if (s->together) return;
  sq_look_end(s);
  s->looks = 0;
}

/* In front of the first row of every read. One read alone needs no transaction, which would cost more than it. A walk that is under way
 * keeps the state that it has begun with, and so does what it reads. */
void sq_look(Sq *s) {
  uint64_t commits = atomic_load(&s->commits);
  if (!s->together || !s->looks++ || (s->looking && s->looked == commits)) return;
  sq_look_end(s);
  if (sqlite3_txn_state(s->rd.db, "main") != SQLITE_TXN_NONE) return;
  s->looked = commits;
  s->looking = sq_exec(&s->rd, X_BEGIN) == SQLITE_OK;
}
