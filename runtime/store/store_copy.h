/* store_copy.h - a database as a whole, beside its executor: a copy of one moment of it, and whether it is in order. */
#ifndef BR_STORE_COPY_H
#define BR_STORE_COPY_H
#include "runtime/base/port.h"
/* `to` must not be there; it is on stable storage when true. What is committed in `from` when the call begins is in it, and nothing of
 * what comes later. false: *e (db_open, db_exists, disk_full, db_corrupt); `to` is gone. */
bool store_copy(const char *from, const char *to, Err *e);
/* Every page, index and constraint; quick: without comparing indexes with their tables. false: *e is db_corrupt with what is damaged, or
 * db_open. */
bool store_whole(const char *db, bool quick, Err *e);
#endif
