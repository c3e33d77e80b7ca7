/* store_files.h - the files beside the database: its directory, the executor lock `<db>.lock`, the space reserve
 * `<db>.reserve`. No SQLite here.
 *
 * The lock is an open-file-description lock: it belongs to the open file, dies with its holder however that ends, and is
 * also refused to a second store in the same process. The file holds the holder's pid for the message; the file itself
 * stays, because unlinking a lock file races with the next locker.
 *
 * The reserve is 16 MiB of allocated, unused space. On a full disk it is given back so that cancels and completions still
 * go through. It is kept only where at least 64 MiB are free. */
#ifndef BR_STORE_FILES_H
#define BR_STORE_FILES_H
#include "runtime/base/port.h"

/* Makes the missing directories above `path`, each synced into its parent. */
bool store_files_mkdirs(const char *path, Err *e);
/* Can nothing be made beside the database, and is there no log beside it? Then whoever reads it may take the file as it is. */
bool store_files_frozen(const char *db);
/* Has an executor had it before? */
bool store_files_lock_exists(const char *db);
/* Syncs the directory that holds `path`: names made in it survive a power loss. */
bool store_files_sync_parent(const char *path);
/* A descriptor that holds the lock, or -1 with db_locked or db_open. */
int store_files_lock(const char *db, Err *e);
void store_files_unlock(int fd);
void store_files_reserve(const char *db);         /* makes it when the disk is roomy; failure is no error */
bool store_files_release_reserve(const char *db); /* false = there was none */
bool store_files_space_back(const char *db);      /* 24 MiB or more are free again */
#endif
