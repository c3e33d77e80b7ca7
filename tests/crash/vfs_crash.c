#include "vfs_crash.h"

#include "runtime/store/store_sqlite.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, SHM_SLOTS = 8 };

/* ---- the disk ---- */

typedef struct Bytes { uint8_t *p; int64_t n, cap; } Bytes;

/* A write of n bytes at `at`, or (p NULL) a truncation to `at`. */
typedef struct Pending { int64_t at, n; uint8_t *p; } Pending;

typedef struct Inode {
  Bytes now, durable;
  Pending *pending;
  size_t n_pending, cap_pending;
  int refs; /* names, open files and directory events */
  /* locks of the open files on it */
  int shared;
  struct CrashFile *reserved, *exclusive; /* exclusive: from PENDING on */
  /* shared memory of the WAL */
  uint8_t **shm;
  int n_shm, shm_refs;
  struct CrashFile *shm_excl[SHM_SLOTS];
  int shm_shared[SHM_SLOTS];
} Inode;

typedef struct Name { char *path; Inode *inode; } Name;
typedef struct Dir { Name *v; size_t n, cap; } Dir;
/* A pending change of the directory: path now leads to inode, or (NULL) nowhere. */
typedef struct DirEvent { char *path; Inode *inode; } DirEvent;

typedef struct World {
  Dir now, durable;
  DirEvent *pending;
  size_t n_pending, cap_pending;
} World;

typedef struct CrashFile {
  sqlite3_file base; /* first */
  Inode *inode;
  uint64_t world; /* dead when it is not the present one */
  int lock;
  bool shm_open, created, delete_on_close;
  uint8_t shm_held[SHM_SLOTS]; /* 0, 1 shared, 2 exclusive */
} CrashFile;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static World world, frozen; /* frozen: the disk at the last crash */
static bool has_frozen, crashed;
static uint64_t world_id = 1, events, syncs, crash_event, fault_from, fault_n;
static enum VfsFault fault;

static void *must(void *p) {
  if (!p) abort();
  return p;
}

static void bytes_size(Bytes *b, int64_t n) {
  if (n > b->cap) {
    b->cap = n * 2;
    b->p = must(realloc(b->p, (size_t)b->cap));
  }
  if (n > b->n) memset(b->p + b->n, 0, (size_t)(n - b->n));
  b->n = n;
}

static void bytes_write(Bytes *b, int64_t at, const void *p, int64_t n) {
  if (at + n > b->n) bytes_size(b, at + n);
  memcpy(b->p + at, p, (size_t)n);
}

static void bytes_copy(Bytes *to, const Bytes *from) {
  bytes_size(to, from->n);
  if (from->n) memcpy(to->p, from->p, (size_t)from->n);
}

static void pending_free(Inode *f) {
  for (size_t i = 0; i < f->n_pending; i++) free(f->pending[i].p);
  f->n_pending = 0;
}

static void inode_unref(Inode *f) {
  if (!f || --f->refs) return;
  pending_free(f);
  free(f->pending);
  free(f->now.p);
  free(f->durable.p);
  for (int i = 0; i < f->n_shm; i++) free(f->shm[i]);
  free(f->shm);
  free(f);
}

static Inode *inode_ref(Inode *f) {
  if (f) f->refs++;
  return f;
}

static Name *dir_find(Dir *d, const char *path) {
  for (size_t i = 0; i < d->n; i++)
    if (!strcmp(d->v[i].path, path)) return &d->v[i];
  return NULL;
}

/* Lets path lead to inode (takes a reference), or removes it. */
static void dir_set(Dir *d, const char *path, Inode *f) {
  Name *n = dir_find(d, path);
  if (n) {
    inode_unref(n->inode);
    n->inode = inode_ref(f);
    if (f) return;
    free(n->path);
    *n = d->v[--d->n];
    return;
  }
  if (!f) return;
  if (d->n == d->cap) {
    d->cap = d->cap ? d->cap * 2 : 8;
    d->v = must(realloc(d->v, d->cap * sizeof *d->v));
  }
  d->v[d->n++] = (Name){must(strdup(path)), inode_ref(f)};
}

static void dir_clear(Dir *d) {
  for (size_t i = 0; i < d->n; i++) {
    inode_unref(d->v[i].inode);
    free(d->v[i].path);
  }
  free(d->v);
  *d = (Dir){0};
}

static void world_change(const char *path, Inode *f) {
  dir_set(&world.now, path, f);
  if (world.n_pending == world.cap_pending) {
    world.cap_pending = world.cap_pending ? world.cap_pending * 2 : 8;
    world.pending = must(realloc(world.pending, world.cap_pending * sizeof *world.pending));
  }
  world.pending[world.n_pending++] = (DirEvent){must(strdup(path)), inode_ref(f)};
}

static void dir_events_apply(World *w, Dir *d, size_t n) {
  for (size_t i = 0; i < n; i++) dir_set(d, w->pending[i].path, w->pending[i].inode);
}

static void dir_events_free(World *w) {
  for (size_t i = 0; i < w->n_pending; i++) {
    inode_unref(w->pending[i].inode);
    free(w->pending[i].path);
  }
  w->n_pending = 0;
}

static void sync_dir(void) {
  dir_events_apply(&world, &world.durable, world.n_pending);
  dir_events_free(&world);
}

static void world_clear(World *w) {
  dir_clear(&w->now);
  dir_clear(&w->durable);
  dir_events_free(w);
  free(w->pending);
  *w = (World){0};
}

/* ---- events ---- */

enum EventKind { EV_WRITE, EV_TRUNCATE, EV_SYNC, EV_DELETE };

/* Counts one; SQLITE_OK = it happens. The power goes with the armed one. */
static int event(enum EventKind kind, bool grows) {
  events++;
  if (kind == EV_SYNC) syncs++;
  if (crash_event && events >= crash_event) crashed = true;
  if (crashed) return SQLITE_IOERR;
  if (fault == VFS_NO_FAULT || events < fault_from || events - fault_from >= fault_n) return SQLITE_OK;
  if (fault == VFS_ENOSPC) return kind == EV_WRITE && grows ? SQLITE_FULL : SQLITE_OK;
  if (kind == EV_SYNC) return SQLITE_IOERR_FSYNC;
  if (fault == VFS_EIO_SYNC) return SQLITE_OK;
  return kind == EV_WRITE ? SQLITE_IOERR_WRITE : kind == EV_TRUNCATE ? SQLITE_IOERR_TRUNCATE : SQLITE_IOERR_DELETE;
}

/* What event() returned for something that reaches the cache: it went well, or the power went in the middle of it. */
static bool may_happen(int rc) { return rc == SQLITE_OK || rc == SQLITE_IOERR; }

static bool dead(const CrashFile *f) { return crashed || f->world != world_id; }

static void add_pending(Inode *f, int64_t at, const void *p, int64_t n) {
  if (f->n_pending == f->cap_pending) {
    f->cap_pending = f->cap_pending ? f->cap_pending * 2 : 16;
    f->pending = must(realloc(f->pending, f->cap_pending * sizeof *f->pending));
  }
  Pending w = {.at = at, .n = n};
  if (p) w.p = memcpy(must(malloc((size_t)n + 1)), p, (size_t)n);
  f->pending[f->n_pending++] = w;
}

static void pending_apply(Bytes *b, const Pending *w) {
  if (w->p) bytes_write(b, w->at, w->p, w->n);
  else bytes_size(b, w->at);
}

/* ---- chance ---- */

static uint64_t coin_state;

static uint64_t coin(void) { /* splitmix64 */
  uint64_t z = (coin_state += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* Each sector of a write survives or not; one write in four survives or is lost whole. */
static void random_write(Bytes *b, const Pending *w) {
  uint64_t how = coin() & 7;
  if (how == 0) return;
  if (how == 1 || !w->p) {
    pending_apply(b, w);
    return;
  }
  for (int64_t at = w->at; at < w->at + w->n;) {
    int64_t end = (at / SECTOR + 1) * SECTOR;
    if (end > w->at + w->n) end = w->at + w->n;
    if (coin() & 1) bytes_write(b, at, w->p + (at - w->at), end - at);
    at = end;
  }
}

/* ---- files ---- */

static int crash_read(sqlite3_file *base, void *p, int n, sqlite3_int64 at) {
  CrashFile *f = (CrashFile *)base;
  pthread_mutex_lock(&lock);
  int rc = dead(f) ? SQLITE_IOERR_READ : SQLITE_OK;
  if (rc == SQLITE_OK) {
    int64_t have = f->inode->now.n - at;
    if (have > n) have = n;
    if (have < 0) have = 0;
    if (have) memcpy(p, f->inode->now.p + at, (size_t)have);
    if (have < n) {
      memset((char *)p + have, 0, (size_t)(n - have));
      rc = SQLITE_IOERR_SHORT_READ;
    }
  }
  pthread_mutex_unlock(&lock);
  return rc;
}

static int crash_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at) {
  CrashFile *f = (CrashFile *)base;
  pthread_mutex_lock(&lock);
  int rc = dead(f) ? SQLITE_IOERR_WRITE : event(EV_WRITE, at + n > f->inode->now.n);
  if (may_happen(rc)) {
    add_pending(f->inode, at, p, n);
    bytes_write(&f->inode->now, at, p, n);
  }
  pthread_mutex_unlock(&lock);
  return rc;
}

static int crash_truncate(sqlite3_file *base, sqlite3_int64 n) {
  CrashFile *f = (CrashFile *)base;
  pthread_mutex_lock(&lock);
  int rc = dead(f) ? SQLITE_IOERR_TRUNCATE : event(EV_TRUNCATE, false);
  if (may_happen(rc)) {
    add_pending(f->inode, n, NULL, 0);
    bytes_size(&f->inode->now, n);
  }
  pthread_mutex_unlock(&lock);
  return rc;
}

static void inode_sync(Inode *f) {
  for (size_t i = 0; i < f->n_pending; i++) pending_apply(&f->durable, &f->pending[i]);
  pending_free(f);
}

static void inode_sync_failed(Inode *f) {
  for (size_t i = 0; i < f->n_pending; i++) random_write(&f->durable, &f->pending[i]);
  pending_free(f);
}

static int crash_sync(sqlite3_file *base, int flags) {
  (void)flags;
  CrashFile *f = (CrashFile *)base;
  pthread_mutex_lock(&lock);
  int rc = dead(f) ? SQLITE_IOERR_FSYNC : event(EV_SYNC, false);
  if (rc == SQLITE_OK) {
    inode_sync(f->inode);
    if (f->created) sync_dir();
    f->created = false;
  } else if (!dead(f)) inode_sync_failed(f->inode);
  pthread_mutex_unlock(&lock);
  return rc;
}

static int crash_size(sqlite3_file *base, sqlite3_int64 *n) {
  CrashFile *f = (CrashFile *)base;
  pthread_mutex_lock(&lock);
  int rc = dead(f) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
  *n = f->inode->now.n;
  pthread_mutex_unlock(&lock);
  return rc;
}

/* SHARED(1) many; RESERVED(2) one beside them; PENDING(3), EXCLUSIVE(4) one, alone. */
static int lock_raise(CrashFile *f, int level) {
  Inode *n = f->inode;
  if (level >= 1 && f->lock < 1) {
    if (n->exclusive) return SQLITE_BUSY;
    n->shared++;
    f->lock = 1;
  }
  if (level == 2 && f->lock < 2) {
    if (n->reserved || n->exclusive) return SQLITE_BUSY;
    n->reserved = f;
    f->lock = 2;
  }
  if (level < 3 || f->lock == 4) return SQLITE_OK;
  if ((n->reserved && n->reserved != f) || (n->exclusive && n->exclusive != f)) return SQLITE_BUSY;
  n->exclusive = f;
  f->lock = 3;
  if (n->shared > 1) return SQLITE_BUSY;
  f->lock = 4;
  return SQLITE_OK;
}

static void lock_lower(CrashFile *f, int level) {
  Inode *n = f->inode;
  if (f->lock <= level) return;
  if (n->exclusive == f) n->exclusive = NULL;
  if (n->reserved == f) n->reserved = NULL;
  if (level == 0) n->shared--;
  f->lock = level;
}

static int crash_lock(sqlite3_file *base, int level) {
  pthread_mutex_lock(&lock);
  int rc = dead((CrashFile *)base) ? SQLITE_IOERR_LOCK : lock_raise((CrashFile *)base, level);
  pthread_mutex_unlock(&lock);
  return rc;
}

static int crash_unlock(sqlite3_file *base, int level) {
  pthread_mutex_lock(&lock);
  lock_lower((CrashFile *)base, level);
  pthread_mutex_unlock(&lock);
  return SQLITE_OK;
}

static int crash_reserved(sqlite3_file *base, int *out) {
  CrashFile *f = (CrashFile *)base;
  pthread_mutex_lock(&lock);
  *out = f->inode->reserved || f->inode->exclusive;
  pthread_mutex_unlock(&lock);
  return SQLITE_OK;
}

/* The store asks for a sync of the directory with SQ_FCNTL_SYNC_DIR (runtime/store/store_sqlite.h). */
static int crash_control(sqlite3_file *base, int op, void *arg) {
  (void)arg;
  if (op != SQ_FCNTL_SYNC_DIR) return SQLITE_NOTFOUND;
  pthread_mutex_lock(&lock);
  int rc = dead((CrashFile *)base) ? SQLITE_IOERR_DIR_FSYNC : event(EV_SYNC, false);
  if (rc == SQLITE_OK) sync_dir();
  pthread_mutex_unlock(&lock);
  return rc;
}

static int crash_sector(sqlite3_file *base) { return (void)base, SECTOR; }
/* As the unix VFS says of itself: a write does not damage its neighbours. Nothing is atomic or ordered. */
static int crash_device(sqlite3_file *base) { return (void)base, SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

/* ---- shared memory of the WAL: lives as long as someone has it mapped, never reaches the disk ---- */

static int shm_map(CrashFile *f, int page, int size, int extend, void volatile **out) {
  Inode *n = f->inode;
  *out = NULL;
  if (dead(f)) return SQLITE_IOERR_SHMMAP;
  if (!f->shm_open) {
    f->shm_open = true;
    n->shm_refs++;
  }
  if (page >= n->n_shm && !extend) return SQLITE_OK;
  while (page >= n->n_shm) {
    n->shm = must(realloc(n->shm, (size_t)(n->n_shm + 1) * sizeof *n->shm));
    n->shm[n->n_shm++] = must(calloc(1, (size_t)size));
  }
  *out = n->shm[page];
  return SQLITE_OK;
}

static int crash_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out) {
  pthread_mutex_lock(&lock);
  int rc = shm_map((CrashFile *)base, page, size, extend, out);
  pthread_mutex_unlock(&lock);
  return rc;
}

static void shm_release(CrashFile *f, int i) {
  if (f->shm_held[i] == 1) f->inode->shm_shared[i]--;
  if (f->shm_held[i] == 2) f->inode->shm_excl[i] = NULL;
  f->shm_held[i] = 0;
}

static bool shm_busy(const CrashFile *f, int i, bool exclusive) {
  const Inode *n = f->inode;
  if (n->shm_excl[i] && n->shm_excl[i] != f) return true;
  return exclusive && n->shm_shared[i] > (f->shm_held[i] == 1);
}

static void shm_take(CrashFile *f, int i, bool exclusive) {
  if (f->shm_held[i]) return;
  f->shm_held[i] = exclusive ? 2 : 1;
  if (exclusive) f->inode->shm_excl[i] = f;
  else f->inode->shm_shared[i]++;
}

static int shm_lock(CrashFile *f, int at, int n, int flags) {
  if (flags & SQLITE_SHM_UNLOCK) {
    for (int i = at; i < at + n; i++) shm_release(f, i);
    return SQLITE_OK;
  }
  if (dead(f)) return SQLITE_IOERR_SHMLOCK;
  bool exclusive = flags & SQLITE_SHM_EXCLUSIVE;
  for (int i = at; i < at + n; i++)
    if (shm_busy(f, i, exclusive)) return SQLITE_BUSY;
  for (int i = at; i < at + n; i++) shm_take(f, i, exclusive);
  return SQLITE_OK;
}

static int crash_shm_lock(sqlite3_file *base, int at, int n, int flags) {
  pthread_mutex_lock(&lock);
  int rc = shm_lock((CrashFile *)base, at, n, flags);
  pthread_mutex_unlock(&lock);
  return rc;
}

static void crash_shm_barrier(sqlite3_file *base) {
  (void)base;
  __sync_synchronize();
}

static void shm_close(CrashFile *f) {
  if (!f->shm_open) return;
  Inode *n = f->inode;
  f->shm_open = false;
  for (int i = 0; i < SHM_SLOTS; i++) shm_release(f, i);
  if (--n->shm_refs) return;
  for (int i = 0; i < n->n_shm; i++) free(n->shm[i]);
  free(n->shm);
  n->shm = NULL;
  n->n_shm = 0;
}

static int crash_shm_unmap(sqlite3_file *base, int del) {
  (void)del;
  pthread_mutex_lock(&lock);
  shm_close((CrashFile *)base);
  pthread_mutex_unlock(&lock);
  return SQLITE_OK;
}

static int crash_close(sqlite3_file *base) {
  CrashFile *f = (CrashFile *)base;
  pthread_mutex_lock(&lock);
  shm_close(f);
  lock_lower(f, 0);
  inode_unref(f->inode);
  base->pMethods = NULL;
  pthread_mutex_unlock(&lock);
  return SQLITE_OK;
}

static const sqlite3_io_methods methods = {2, crash_close, crash_read, crash_write, crash_truncate, crash_sync, crash_size, crash_lock,
    crash_unlock, crash_reserved, crash_control, crash_sector, crash_device, crash_shm_map, crash_shm_lock, crash_shm_barrier,
    crash_shm_unmap, NULL, NULL};

/* ---- the VFS ---- */

static int open_inode(CrashFile *f, const char *name, int flags) {
  Name *n = name ? dir_find(&world.now, name) : NULL;
  if (crashed) return SQLITE_CANTOPEN;
  if (n) {
    f->inode = inode_ref(n->inode);
    return SQLITE_OK;
  }
  if (!(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
  f->inode = inode_ref(must(calloc(1, sizeof *f->inode)));
  f->created = true;
  if (name) world_change(name, f->inode);
  return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *base, int flags, int *out) {
  (void)v;
  CrashFile *f = (CrashFile *)base;
  *f = (CrashFile){.world = 0};
  pthread_mutex_lock(&lock);
  f->world = world_id;
  int rc = open_inode(f, name, flags);
  if (rc == SQLITE_OK) base->pMethods = &methods;
  pthread_mutex_unlock(&lock);
  if (out) *out = flags;
  return rc;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync) {
  (void)v;
  pthread_mutex_lock(&lock);
  bool there = dir_find(&world.now, name) != NULL;
  int rc = crashed ? SQLITE_IOERR_DELETE : there ? event(EV_DELETE, false) : SQLITE_IOERR_DELETE_NOENT;
  if (may_happen(rc)) {
    world_change(name, NULL);
    if (sync && rc == SQLITE_OK) sync_dir();
  }
  pthread_mutex_unlock(&lock);
  return rc;
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out) {
  (void)v;
  (void)flags;
  pthread_mutex_lock(&lock);
  Name *n = dir_find(&world.now, name);
  *out = n && (flags != SQLITE_ACCESS_EXISTS || n->inode->now.n > 0); /* as the unix VFS: an empty file does not count */
  pthread_mutex_unlock(&lock);
  return SQLITE_OK;
}

static int vfs_full(sqlite3_vfs *v, const char *name, int n, char *out) {
  (void)v;
  snprintf(out, (size_t)n, "%s", name);
  return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *v, int n, char *out) {
  (void)v;
  static uint64_t x = 88172645463325252u; /* the same salts in every process: a run can be repeated */
  pthread_mutex_lock(&lock);
  for (int i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    out[i] = (char)(x >> 32);
  }
  pthread_mutex_unlock(&lock);
  return n;
}

static int vfs_sleep(sqlite3_vfs *v, int us) {
  (void)v;
  usleep((useconds_t)us);
  return us;
}

static int vfs_time64(sqlite3_vfs *v, sqlite3_int64 *out) {
  (void)v;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  *out = 210866760000000ll + (sqlite3_int64)t.tv_sec * 1000 + t.tv_nsec / 1000000;
  return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *v, double *out) {
  sqlite3_int64 ms;
  vfs_time64(v, &ms);
  *out = (double)ms / 86400000.0;
  return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *v, int n, char *out) {
  (void)v;
  if (n > 0) *out = 0;
  return 0;
}

void vfs_crash_register(void) {
  static sqlite3_vfs v = {.iVersion = 2, .szOsFile = sizeof(CrashFile), .mxPathname = 512, .zName = "crash", .xOpen = vfs_open,
                          .xDelete = vfs_delete, .xAccess = vfs_access, .xFullPathname = vfs_full, .xRandomness = vfs_random,
                          .xSleep = vfs_sleep, .xCurrentTime = vfs_time, .xGetLastError = vfs_error, .xCurrentTimeInt64 = vfs_time64};
  sqlite3_vfs_register(&v, 0);
}

/* ---- control ---- */

static void rearm(void) {
  events = syncs = crash_event = 0;
  crashed = false;
  fault = VFS_NO_FAULT;
  world_id++;
}

void vfs_crash_reset(void) {
  pthread_mutex_lock(&lock);
  world_clear(&world);
  world_clear(&frozen);
  has_frozen = false;
  rearm();
  pthread_mutex_unlock(&lock);
}

void vfs_crash_at(uint64_t k) {
  pthread_mutex_lock(&lock);
  crash_event = k;
  pthread_mutex_unlock(&lock);
}

void vfs_crash_now(void) {
  pthread_mutex_lock(&lock);
  crashed = true;
  pthread_mutex_unlock(&lock);
}

bool vfs_crash_happened(void) {
  pthread_mutex_lock(&lock);
  bool c = crashed;
  pthread_mutex_unlock(&lock);
  return c;
}

static uint64_t read_counter(const uint64_t *p) {
  pthread_mutex_lock(&lock);
  uint64_t v = *p;
  pthread_mutex_unlock(&lock);
  return v;
}

uint64_t vfs_crash_count(void) { return read_counter(&events); }
uint64_t vfs_crash_syncs(void) { return read_counter(&syncs); }

void vfs_crash_fault(enum VfsFault what, uint64_t from, uint64_t n) {
  pthread_mutex_lock(&lock);
  fault = what;
  fault_from = from ? from : events + 1;
  fault_n = n;
  pthread_mutex_unlock(&lock);
}

/* ---- after the crash ---- */

static Inode *inode_after(const Inode *f, enum VfsCrashMode mode) {
  Inode *n = must(calloc(1, sizeof *n));
  bytes_copy(&n->durable, &f->durable);
  for (size_t i = 0; i < f->n_pending && mode != VFS_DROP_ALL; i++) {
    if (mode == VFS_KEEP_ALL) pending_apply(&n->durable, &f->pending[i]);
    else random_write(&n->durable, &f->pending[i]);
  }
  bytes_copy(&n->now, &n->durable);
  return n;
}

static size_t surviving_dir_events(enum VfsCrashMode mode) {
  if (mode == VFS_DROP_ALL) return 0;
  return mode == VFS_KEEP_ALL ? frozen.n_pending : (size_t)(coin() % (frozen.n_pending + 1));
}

static void dir_copy(Dir *to, const Dir *from) {
  for (size_t i = 0; i < from->n; i++) dir_set(to, from->v[i].path, from->v[i].inode);
}

static void world_after(enum VfsCrashMode mode) {
  Dir names = {0};
  dir_copy(&names, &frozen.durable);
  dir_events_apply(&frozen, &names, surviving_dir_events(mode));
  for (size_t i = 0; i < names.n; i++) {
    Inode *f = inode_after(names.v[i].inode, mode);
    dir_set(&world.now, names.v[i].path, f);
    dir_set(&world.durable, names.v[i].path, f);
  }
  dir_clear(&names);
}

void vfs_crash_materialise(enum VfsCrashMode mode, uint64_t seed) {
  pthread_mutex_lock(&lock);
  if (crashed || !has_frozen) {
    world_clear(&frozen);
    frozen = world;
    world = (World){0};
    has_frozen = true;
  }
  world_clear(&world);
  coin_state = seed;
  world_after(mode);
  rearm();
  pthread_mutex_unlock(&lock);
}

bool vfs_crash_flip(const char *path, int64_t offset) {
  pthread_mutex_lock(&lock);
  Name *n = dir_find(&world.now, path);
  bool ok = n && offset < n->inode->now.n && offset < n->inode->durable.n;
  if (ok) {
    n->inode->now.p[offset] ^= 0xff;
    n->inode->durable.p[offset] ^= 0xff;
  }
  pthread_mutex_unlock(&lock);
  return ok;
}

int64_t vfs_crash_size(const char *path) {
  pthread_mutex_lock(&lock);
  Name *n = dir_find(&world.now, path);
  int64_t size = n ? n->inode->now.n : -1;
  pthread_mutex_unlock(&lock);
  return size;
}

void vfs_crash_each(void (*f)(void *ctx, const char *path, const void *data, int64_t n), void *ctx) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < world.now.n; i++) f(ctx, world.now.v[i].path, world.now.v[i].inode->now.p, world.now.v[i].inode->now.n);
  pthread_mutex_unlock(&lock);
}
