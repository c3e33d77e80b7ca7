/* A VFS between SQLite and the one it would use: counts the syncs of each store, makes the name of the log durable, lets the
 * log grow ahead of its frames, and forwards everything else.
 *
 * The name of the log: SQLite's unix VFS syncs the directory only through the file handle that made the log. That is the
 * reading connection of this or of another process, and it never syncs. So the first sync of every other log handle syncs
 * the directory too; otherwise acknowledged commits could vanish with the log's name.
 *
 * Growing ahead: a sync of data inside the file's size costs half of one that must also make a new size durable (measured on
 * ext4: 0.20 against 0.41 ms; fallocate alone: 0.31, the extents still change at the sync). So a log written up to its end
 * gets zeros behind it. A frame of zeros has no valid salt: SQLite's recovery ends there as it would at the end of the file.
 * Only the holder of the log's write lock writes frames, so nobody's frames can lie where the zeros go. */
#include "store_sqlite.h"
#include "store_files.h"

#include <stdlib.h>
#include <string.h>

typedef struct CountVfs {
  sqlite3_vfs vfs; /* first; pAppData = the VFS below */
  struct CountVfs *next;
  char name[64];
} CountVfs;

typedef struct CountFile {
  sqlite3_file base; /* first */
  _Atomic uint64_t *syncs;
  const char *unsynced; /* the name of a log whose directory this handle has not synced yet */
  bool log;             /* a WAL: grows ahead */
  sqlite3_int64 size;   /* of a log, at least, when this handle looked last */
  sqlite3_file *below;  /* right behind this struct */
} CountFile;

static pthread_mutex_t vfs_lock = PTHREAD_MUTEX_INITIALIZER;
static CountVfs *vfs_all;
static _Thread_local _Atomic uint64_t *opening; /* the counter of the connection that is being opened */

#define BELOW(f) (((CountFile *)(f))->below)
#define FORWARD(name, params, ...) \
  static int name params { return BELOW(f)->pMethods->__VA_ARGS__; }

static int count_close(sqlite3_file *f) {
  int rc = BELOW(f)->pMethods->xClose(BELOW(f));
  f->pMethods = NULL;
  return rc;
}

static void count_one(CountFile *c) { atomic_fetch_add_explicit(c->syncs, 1, memory_order_relaxed); }

static int sync_name(CountFile *c) {
  count_one(c);
  int rc = c->below->pMethods->xFileControl(c->below, SQ_FCNTL_SYNC_DIR, NULL);
  if (rc == SQLITE_NOTFOUND) rc = store_files_sync_parent(c->unsynced) ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
  if (rc == SQLITE_OK) c->unsynced = NULL;
  return rc;
}

static int count_sync(sqlite3_file *f, int flags) {
  CountFile *c = (CountFile *)f;
  int rc = c->unsynced ? sync_name(c) : SQLITE_OK;
  if (rc != SQLITE_OK) return rc;
  count_one(c);
  return c->below->pMethods->xSync(c->below, flags);
}

enum { AHEAD_MIN = 64 << 10, AHEAD_MAX = 1 << 20 };

/* A log that was written up to `end`, its end: zeros as long as the log itself behind it, within bounds. Without room for
 * them the log stays as it is: the next frames say what is wrong, if they do not fit either. */
static void grow_ahead(CountFile *c, sqlite3_int64 end) {
  static const char zeros[AHEAD_MIN];
  const sqlite3_io_methods *m = c->below->pMethods;
  if (m->xFileSize(c->below, &c->size) != SQLITE_OK || c->size > end) return;
  sqlite3_int64 room = end < AHEAD_MIN ? AHEAD_MIN : end > AHEAD_MAX ? AHEAD_MAX : end;
  for (c->size = end; c->size < end + room; c->size += AHEAD_MIN)
    if (m->xWrite(c->below, zeros, AHEAD_MIN, c->size) != SQLITE_OK) {
      m->xTruncate(c->below, end);
      c->size = end;
      return;
    }
}

static int count_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
  CountFile *c = (CountFile *)f;
  int rc = c->below->pMethods->xWrite(c->below, p, n, at);
  if (rc == SQLITE_OK && c->log && at + n > c->size) grow_ahead(c, at + n);
  return rc;
}

static int count_truncate(sqlite3_file *f, sqlite3_int64 n) {
  CountFile *c = (CountFile *)f;
  c->size = 0;
  return c->below->pMethods->xTruncate(c->below, n);
}

FORWARD(count_read, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), xRead(BELOW(f), p, n, at))
FORWARD(count_size, (sqlite3_file * f, sqlite3_int64 *n), xFileSize(BELOW(f), n))
FORWARD(count_lock, (sqlite3_file * f, int level), xLock(BELOW(f), level))
FORWARD(count_unlock, (sqlite3_file * f, int level), xUnlock(BELOW(f), level))
FORWARD(count_reserved, (sqlite3_file * f, int *out), xCheckReservedLock(BELOW(f), out))
FORWARD(count_control, (sqlite3_file * f, int op, void *arg), xFileControl(BELOW(f), op, arg))
FORWARD(count_sector, (sqlite3_file * f), xSectorSize(BELOW(f)))
FORWARD(count_device, (sqlite3_file * f), xDeviceCharacteristics(BELOW(f)))
FORWARD(count_shm_map, (sqlite3_file * f, int page, int size, int extend, void volatile **out), xShmMap(BELOW(f), page, size, extend, out))
FORWARD(count_shm_lock, (sqlite3_file * f, int at, int n, int flags), xShmLock(BELOW(f), at, n, flags))
FORWARD(count_shm_unmap, (sqlite3_file * f, int del), xShmUnmap(BELOW(f), del))
static void count_shm_barrier(sqlite3_file *f) { BELOW(f)->pMethods->xShmBarrier(BELOW(f)); }

/* Version 2: with shared memory for the WAL, without memory-mapped pages. */
static const sqlite3_io_methods count_methods = {2, count_close, count_read, count_write, count_truncate, count_sync, count_size,
    count_lock, count_unlock, count_reserved, count_control, count_sector, count_device, count_shm_map, count_shm_lock,
    count_shm_barrier, count_shm_unmap, NULL, NULL};

static _Atomic uint64_t *counter_of(sqlite3_filename name, int flags) {
  static _Atomic uint64_t nobody;
  if (flags & SQLITE_OPEN_MAIN_DB) return opening ? opening : &nobody;
  if (!(flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL))) return &nobody;
  return ((CountFile *)sqlite3_database_file_object(name))->syncs;
}

static int count_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out) {
  CountFile *c = (CountFile *)f;
  sqlite3_vfs *below = v->pAppData;
  c->base.pMethods = NULL;
  c->below = (sqlite3_file *)(c + 1);
  c->syncs = counter_of(name, flags);
  c->log = flags & SQLITE_OPEN_WAL;
  c->size = 0;
  c->unsynced = c->log ? name : NULL;
  int rc = below->xOpen(below, name, c->below, flags, out);
  if (c->below->pMethods) c->base.pMethods = &count_methods;
  return rc;
}

static CountVfs *vfs_make(sqlite3_vfs *below) {
  CountVfs *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->vfs = *below; /* the other methods: see below */
  c->vfs.pAppData = below;
  c->vfs.szOsFile = (int)sizeof(CountFile) + below->szOsFile;
  snprintf(c->name, sizeof c->name, "breyta:%s", below->zName);
  c->vfs.zName = c->name;
  c->vfs.pNext = NULL;
  c->vfs.xOpen = count_open;
  return c;
}

/* ---- methods of the VFS itself: the one below must see itself, not us ---- */

#define VFS(v) ((sqlite3_vfs *)(v)->pAppData)
static int v_delete(sqlite3_vfs *v, const char *name, int sync) { return VFS(v)->xDelete(VFS(v), name, sync); }
static int v_access(sqlite3_vfs *v, const char *name, int flags, int *out) { return VFS(v)->xAccess(VFS(v), name, flags, out); }
static int v_full(sqlite3_vfs *v, const char *name, int n, char *out) { return VFS(v)->xFullPathname(VFS(v), name, n, out); }
static int v_random(sqlite3_vfs *v, int n, char *out) { return VFS(v)->xRandomness(VFS(v), n, out); }
static int v_sleep(sqlite3_vfs *v, int us) { return VFS(v)->xSleep(VFS(v), us); }
static int v_time(sqlite3_vfs *v, double *out) { return VFS(v)->xCurrentTime(VFS(v), out); }
static int v_error(sqlite3_vfs *v, int n, char *out) { return VFS(v)->xGetLastError(VFS(v), n, out); }
static int v_time64(sqlite3_vfs *v, sqlite3_int64 *out) { return VFS(v)->xCurrentTimeInt64(VFS(v), out); }

static void vfs_methods(sqlite3_vfs *v) {
  v->iVersion = VFS(v)->iVersion < 2 ? 1 : 2;
  v->xDelete = v_delete;
  v->xAccess = v_access;
  v->xFullPathname = v_full;
  v->xDlOpen = NULL;
  v->xDlError = NULL;
  v->xDlSym = NULL;
  v->xDlClose = NULL;
  v->xRandomness = v_random;
  v->xSleep = v_sleep;
  v->xCurrentTime = v_time;
  v->xGetLastError = v_error;
  v->xCurrentTimeInt64 = v_time64;
}

/* The name of the counting VFS above `base` (NULL = SQLite's default); made once per base and kept. */
static const char *vfs_above(const char *base) {
  sqlite3_vfs *below = sqlite3_vfs_find(base);
  if (!below) return NULL;
  pthread_mutex_lock(&vfs_lock);
  CountVfs *c = vfs_all;
  while (c && c->vfs.pAppData != below) c = c->next;
  if (!c && (c = vfs_make(below))) {
    vfs_methods(&c->vfs);
    c->next = vfs_all;
    vfs_all = c;
    sqlite3_vfs_register(&c->vfs, 0);
  }
  pthread_mutex_unlock(&vfs_lock);
  return c ? c->name : NULL;
}

int sq_vfs_open(const char *path, sqlite3 **db, int flags, const char *base, _Atomic uint64_t *syncs) {
  *db = NULL;
  const char *name = vfs_above(base);
  if (!name) return SQLITE_ERROR;
  opening = syncs;
  int rc = sqlite3_open_v2(path, db, flags, name);
  opening = NULL;
  return rc;
}
