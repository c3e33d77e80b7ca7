/* vfs_crash.h - an SQLite VFS in memory that can lose power. Test only.
 *
 * Files live in memory in two states: what a running process sees, and what is on stable storage. Writes, truncations,
 * creations and deletions are pending until a sync. Every write, truncate, sync and delete is an event, numbered from 1
 * since the last reset or materialise. At the event armed with vfs_crash_at the power goes: that event does not complete
 * (a write may still reach the disk in part, like any un-synced one) and every later call on every open file fails.
 *
 * Use:  vfs_crash_register(); vfs_crash_reset(); vfs_crash_at(k); ... work on store_open(path, {.vfs = "crash"}) until it
 * fails, store_close ...; vfs_crash_materialise(mode, seed); open again: the files are now as one legal outcome of the
 * crash. materialise may be called again with other modes and seeds for the same crash; every call starts from the crash,
 * not from what happened since. After it no crash is armed; arming one again and crashing during recovery replaces the
 * crash that materialise starts from.
 *
 * What may survive: a synced byte always does. Of pending writes any subset does, each cut into 512-byte sectors that
 * survive one by one. Pending creations and deletions survive in order, up to some point (metadata is journaled); a sync
 * of a file makes its own creation and everything before it durable, as SQLite syncs the directory with a new journal or
 * log. A database file and its log may be torn against each other in any way.
 *
 * Faults: an armed fault makes events fail without a crash. When a sync fails, some sectors of the pending writes of that
 * file may have reached the disk and the rest never will, whatever is synced later, as Linux behaves.
 *
 * Threads: all calls may come from any thread; several connections share files, locks and WAL shared memory. */
#ifndef VFS_CRASH_H
#define VFS_CRASH_H
#include <stdbool.h>
#include <stdint.h>

enum VfsCrashMode {
  VFS_DROP_ALL, /* everything un-synced is gone */
  VFS_KEEP_ALL, /* kill -9: the kernel writes everything out */
  VFS_RANDOM    /* a seeded subset with torn sectors */
};
enum VfsFault {
  VFS_NO_FAULT,
  VFS_ENOSPC,  /* growing writes fail with SQLITE_FULL */
  VFS_EIO,     /* writes, truncates and syncs fail with SQLITE_IOERR_* */
  VFS_EIO_SYNC /* only syncs do */
};

void vfs_crash_register(void);          /* as "crash", not the default; may be called again */
void vfs_crash_reset(void);             /* an empty disk, nothing armed; every file must be closed */
void vfs_crash_at(uint64_t event);      /* 0 = never */
void vfs_crash_now(void);
bool vfs_crash_happened(void);
uint64_t vfs_crash_count(void);         /* events so far */
uint64_t vfs_crash_syncs(void);         /* of these, syncs */
void vfs_crash_materialise(enum VfsCrashMode mode, uint64_t seed);
void vfs_crash_fault(enum VfsFault fault, uint64_t from, uint64_t n); /* events [from, from+n) fail; from 0 = from now on */
/* Changes bytes at rest, for corruption tests: flips the byte that holds `offset` of the file. False = no such byte. */
bool vfs_crash_flip(const char *path, int64_t offset);
int64_t vfs_crash_size(const char *path); /* -1 = no such file */
/* Calls f for each file with what a running process would see. */
void vfs_crash_each(void (*f)(void *ctx, const char *path, const void *data, int64_t n), void *ctx);
#endif
