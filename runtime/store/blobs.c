#include "blobs.h"
#include "blobs_cache.h"
#include "runtime/base/hash.h"
#include "runtime/base/metrics.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_TAIL = 96 }; /* what is put behind the directory */
struct BlobStore {
  char *dir;
  bool temporary;
  struct BlobStore *next; /* of the temporary ones */
  _Atomic int holders;
  pthread_mutex_t lock; /* a rename against the sweep: it must not remove what has just become new */
  const BlobRemote *remote; /* NULL: the directory is all there is; else it is a cache, */
  void *ctx;
  BlobCache cache;          /* bounded so */
};
struct BlobWriter {
  BlobStore *store;
  HashStream *hash;
  int64_t n, most;
  int fd;
  char *tmp;
};

BlobStore *blobs_open(const char *dir) {
  BlobStore *b = calloc(1, sizeof *b);
  if (b) b->dir = strdup(dir), b->holders = 1;
  if (b && b->dir && !pthread_mutex_init(&b->lock, NULL)) return b;
  if (b) free(b->dir);
  free(b);
  return NULL;
}

/* Temporary stores that somebody still holds when the process ends: helper threads are not waited for. */
static BlobStore *temporaries;
static pthread_mutex_t temporaries_lock = PTHREAD_MUTEX_INITIALIZER;
static void remove_files(BlobStore *b);
static void at_end(void) {
  for (BlobStore *b = temporaries; b; b = b->next) remove_files(b);
}
static void temporary_add(BlobStore *b) {
  static bool asked;
  pthread_mutex_lock(&temporaries_lock);
  if (!asked) atexit(at_end);
  asked = b->temporary = true;
  b->next = temporaries;
  temporaries = b;
  pthread_mutex_unlock(&temporaries_lock);
}
static void temporary_remove(BlobStore *b) {
  pthread_mutex_lock(&temporaries_lock);
  for (BlobStore **at = &temporaries; *at; at = &(*at)->next)
    if (*at == b) {
      *at = b->next;
      break;
    }
  pthread_mutex_unlock(&temporaries_lock);
}

BlobStore *blobs_open_temporary(void) {
  const char *base = getenv("TMPDIR");
  char dir[512];
  static _Atomic unsigned number;
  snprintf(dir, sizeof dir, "%.400s/breyta-blobs-%ld-%u", base && *base ? base : "/tmp", (long)getpid(), atomic_fetch_add(&number, 1));
  BlobStore *b = blobs_open(dir);
  if (b) temporary_add(b);
  return b;
}

BlobStore *blobs_hold(BlobStore *b) {
  atomic_fetch_add(&b->holders, 1);
  return b;
}

const char *blobs_dir(const BlobStore *b) { return b->dir; }

BlobStore *blobs_open_remote(const char *cache_dir, int64_t cache_max, const BlobRemote *remote, void *ctx) {
  BlobStore *b = blobs_open(cache_dir);
  if (!b) return NULL;
  b->remote = remote;
  b->ctx = ctx;
  b->cache = (BlobCache){.most = cache_max};
  return b;
}

bool blobs_is_remote(const BlobStore *b) { return b->remote; }

static bool io_error(Err *e, const char *what, const char *path) {
  if (errno == ENOSPC || errno == EDQUOT) return err_set(e, "disk_full", "%.300s: no space left on the disk", path);
  return err_set(e, "blob_io", "cannot %s %.300s: %s", what, path, strerror(errno));
}

static char *path_of(const BlobStore *b, const char *tail) {
  size_t n = strlen(b->dir) + PATH_TAIL;
  char *p = malloc(n);
  if (!p) abort();
  snprintf(p, n, "%s/%s", b->dir, tail);
  return p;
}

bool blobs_hash_ok(const char *hash) { return strlen(hash) == 64 && strspn(hash, "0123456789abcdef") == 64; }

char *blobs_path(const BlobStore *b, const char *hash) {
  char tail[80];
  snprintf(tail, sizeof tail, "%.2s/%.62s", hash, hash + 2);
  return path_of(b, tail);
}

/* ---- writing ---- */

static bool sync_dir(const char *path, Err *e) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && !fsync(fd);
  if (!ok) io_error(e, "sync", path);
  if (fd >= 0) close(fd);
  return ok;
}

static bool sync_parent(char *path, Err *e) {
  char *slash = strrchr(path, '/');
  if (!slash || slash == path) return sync_dir(slash ? "/" : ".", e);
  *slash = 0;
  bool ok = sync_dir(path, e);
  *slash = '/';
  return ok;
}

/* The directory with its parents, each synced into its parent when it is new. */
static bool make_dir(char *path, Err *e) {
  bool made = !mkdir(path, 0700);
  if (!made && errno == ENOENT && strchr(path + 1, '/')) {
    char *slash = strrchr(path, '/');
    *slash = 0;
    bool ok = make_dir(path, e);
    *slash = '/';
    if (!ok) return false;
    made = !mkdir(path, 0700);
  }
  if (made) return sync_parent(path, e);
  return errno == EEXIST || io_error(e, "make the directory", path);
}

static BlobWriter *writer_free(BlobWriter *w) {
  if (w->hash) hash_end(w->hash, NULL);
  if (w->fd >= 0) close(w->fd);
  blobs_close(w->store);
  free(w->tmp);
  free(w);
  return NULL;
}

BlobWriter *blobs_begin(BlobStore *b, int64_t most, Err *e) {
  static _Atomic unsigned number;
  BlobWriter *w = calloc(1, sizeof *w);
  if (!w) return err_set(e, "out_of_memory", "out of memory"), NULL;
  *w = (BlobWriter){.store = blobs_hold(b), .most = most, .fd = -1};
  char tail[80], *dir = path_of(b, "tmp");
  bool ok = make_dir(dir, e);
  free(dir);
  if (!ok) return writer_free(w);
  snprintf(tail, sizeof tail, "tmp/%ld-%u-%llx", (long)getpid(), atomic_fetch_add(&number, 1), (unsigned long long)mono_us());
  w->tmp = path_of(b, tail);
  w->fd = open(w->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (w->fd < 0) {
    io_error(e, "write", w->tmp);
    return writer_free(w);
  }
  w->hash = hash_begin();
  return w;
}


bool blobs_write(BlobWriter *w, const void *p, size_t n, Err *e) {
  const char *at = p;
  if (w->most && (n > (uint64_t)w->most || w->n > w->most - (int64_t)n))
    return err_set(e, "oversize", "more than %lld bytes", (long long)w->most);
  hash_add(w->hash, p, n);
  w->n += (int64_t)n;
  while (n) {
    ssize_t k = write(w->fd, at, n);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return io_error(e, "write", w->tmp);
    at += k;
    n -= (size_t)k;
  }
  return true;
}

void blobs_abort(BlobWriter *w) {
  if (!w) return;
  unlink(w->tmp); /* one that stays is swept */
  writer_free(w);
}

/* Renamed even when it is there already: the newer file is what the sweep has to leave alone. */
static bool publish(BlobWriter *w, const char *hash, Err *e) {
  char *path = blobs_path(w->store, hash), *slash = strrchr(path, '/');
  *slash = 0;
  bool ok = make_dir(path, e);
  *slash = '/';
  pthread_mutex_lock(&w->store->lock);
  if (ok && rename(w->tmp, path)) ok = io_error(e, "rename to", path);
  pthread_mutex_unlock(&w->store->lock);
  *slash = 0;
  ok = ok && sync_dir(path, e);
  free(path);
  return ok;
}

bool blobs_finish(BlobWriter *w, BlobName *out, Err *e) {
  bool ok = !fsync(w->fd) || io_error(e, "sync", w->tmp);
  out->size = w->n;
  hash_end(w->hash, out->hash);
  w->hash = NULL;
  ok = ok && (!w->store->remote || w->store->remote->put(w->store->ctx, out, w->fd, e)) && publish(w, out->hash, e);
  if (ok) metric_add(METRIC_resource_written_bytes_total, w->n);
  if (!ok) unlink(w->tmp);
  else if (w->store->remote) blobs_cache_added(&w->store->cache, w->store->dir, out->size);
  writer_free(w);
  return ok;
}

bool blobs_put(BlobStore *b, const void *p, size_t n, BlobName *out, Err *e) {
  BlobWriter *w = blobs_begin(b, 0, e);
  if (!w) return false;
  if (blobs_write(w, p, n, e)) return blobs_finish(w, out, e);
  blobs_abort(w);
  return false;
}

/* ---- reading ---- */

int blobs_file(const BlobStore *b, const char *hash, int64_t *size, Err *e) {
  if (!blobs_hash_ok(hash)) return err_set(e, "not_found", "\"%.80s\" is no name of a blob", hash), -1;
  char *path = blobs_path(b, hash);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd >= 0 && b->remote) blobs_cache_used(fd);
  if (fd < 0 && errno == ENOENT && b->remote) err_set(e, "blob_away", "the blob %.12s.. is not on this machine", hash);
  else if (fd < 0 && errno == ENOENT) err_set(e, "not_found", "the blob %.12s.. is not in %.300s", hash, b->dir);
  else if (fd < 0 || fstat(fd, &st)) {
    io_error(e, "read", path);
    if (fd >= 0) close(fd);
    fd = -1;
  } else *size = st.st_size;
  free(path);
  return fd;
}

static bool read_all(int fd, char *p, int64_t n) {
  while (n) {
    ssize_t k = read(fd, p, (size_t)n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    p += k;
    n -= k;
  }
  return true;
}

bool blobs_read(const BlobStore *b, const char *hash, int64_t most, Blob *out, Err *e) {
  int64_t size;
  *out = (Blob){0};
  int fd = blobs_file(b, hash, &size, e);
  if (fd < 0) return false;
  bool ok = size <= most || err_set(e, "oversize", "%lld bytes, at most %lld", (long long)size, (long long)most);
  if (ok) {
    *out = (Blob){malloc((size_t)size + 1), (size_t)size};
    if (!out->p) ok = err_set(e, "out_of_memory", "out of memory");
    else if (!read_all(fd, out->p, size)) ok = err_set(e, "blob_io", "the blob %.12s.. cannot be read", hash);
    else out->p[size] = 0;
  }
  close(fd);
  if (!ok) blob_free(out);
  return ok;
}

/* ---- from a remote store ---- */

enum { FETCH_CHUNK = 4 << 20 };

bool blobs_range(const BlobStore *b, const char *hash, int64_t at, char *to, size_t n, size_t *got, Err *e) {
  int64_t size;
  int fd = blobs_file(b, hash, &size, e);
  if (fd < 0) return b->remote && !strcmp(e->code, "blob_away") && b->remote->range(b->ctx, hash, at, to, n, got, e);
  *got = at >= size ? 0 : (int64_t)n > size - at ? (size_t)(size - at) : n;
  bool ok = lseek(fd, at, SEEK_SET) == at && read_all(fd, to, (int64_t)*got);
  close(fd);
  return ok || err_set(e, "blob_io", "the blob %.12s.. cannot be read", hash);
}

/* The whole of it into w, whose hash says in the end whether it is what was asked for. */
static bool fetch_into(BlobWriter *w, const char *hash, char *chunk, Err *e) {
  for (size_t got = FETCH_CHUNK; got == FETCH_CHUNK;)
    if (!w->store->remote->range(w->store->ctx, hash, w->n, chunk, FETCH_CHUNK, &got, e) || !blobs_write(w, chunk, got, e)) return false;
  return true;
}

static bool fetched(BlobWriter *w, const char *hash, Err *e) {
  char is[65];
  hash_end(w->hash, is);
  w->hash = NULL;
  if (strcmp(is, hash)) return err_set(e, "blob_damaged", "the blob %.12s.. is damaged in the object storage: its content has another hash", hash);
  if (fsync(w->fd)) return io_error(e, "sync", w->tmp);
  if (!publish(w, hash, e)) return false;
  blobs_cache_added(&w->store->cache, w->store->dir, w->n);
  return true;
}

bool blobs_fetch(BlobStore *b, const char *hash, Err *e) {
  int64_t size;
  int fd = blobs_file(b, hash, &size, e);
  if (fd >= 0) return close(fd), true;
  if (strcmp(e->code, "blob_away")) return false;
  char *chunk = malloc(FETCH_CHUNK);
  BlobWriter *w = chunk ? blobs_begin(b, 0, e) : (err_set(e, "out_of_memory", "out of memory"), NULL);
  bool ok = w && fetch_into(w, hash, chunk, e) && fetched(w, hash, e);
  if (w && !ok) unlink(w->tmp);
  if (w) writer_free(w);
  free(chunk);
  return ok;
}

char *blobs_url(const BlobStore *b, const char *hash, const char *content_type, const char *filename, int64_t now, int64_t until) {
  return b->remote && b->remote->url ? b->remote->url(b->ctx, hash, content_type, filename, now, until) : NULL;
}

/* ---- sweeping ---- */

typedef struct Sweep {
  pthread_mutex_t *lock;
  bool (*used)(void *ctx, const char *hash);
  void *ctx;
  int64_t before; /* seconds since 1970: younger files stay */
  BlobSweep *out;
  const char *prefix;
  bool dry_run;
} Sweep;

/* Old enough and gone? *size: of the file. */
static bool sweep_old(Sweep *s, int dir, const char *name, int64_t *size) {
  struct stat st;
  pthread_mutex_lock(s->lock);
  bool old = !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) && st.st_mtime < s->before;
  bool gone = old && (s->dry_run || !unlinkat(dir, name, 0));
  pthread_mutex_unlock(s->lock);
  if (gone) *size = st.st_size;
  return gone;
}

static void sweep_file(Sweep *s, int dir, const char *name) {
  char hash[80] = "";
  memcpy(hash, s->prefix, strlen(s->prefix));
  memcpy(hash + strlen(s->prefix), name, strlen(name)); /* sweep_dir has looked at its length */
  bool blob = blobs_hash_ok(hash), stray = !strcmp(s->prefix, "");
  int64_t size;
  if (!blob && !stray) return;
  if ((blob && s->used(s->ctx, hash)) || !sweep_old(s, dir, name, &size)) {
    s->out->kept += blob;
    return;
  }
  s->out->removed++;
  s->out->bytes += size;
}

/* NAME_MAX entries are short; what is no file of ours is left alone. */
static bool sweep_dir(const char *path, Sweep *s, Err *e) {
  DIR *d = opendir(path);
  if (!d) return errno == ENOENT || io_error(e, "list", path);
  for (struct dirent *f; (f = readdir(d));)
    if (f->d_name[0] != '.' && strlen(f->d_name) < 70) sweep_file(s, dirfd(d), f->d_name);
  closedir(d);
  return true;
}

static bool sweep_all(BlobStore *b, Sweep s, Err *e) {
  char *tmp = path_of(b, "tmp");
  bool ok = sweep_dir(tmp, &s, e);
  free(tmp);
  for (int i = 0; ok && i < 256; i++) {
    char two[3];
    snprintf(two, sizeof two, "%02x", i);
    char *dir = path_of(b, two);
    s.prefix = two;
    ok = sweep_dir(dir, &s, e);
    free(dir);
  }
  return ok;
}

bool blobs_sweep(BlobStore *b, bool (*used)(void *ctx, const char *hash), void *ctx, int64_t grace_ms, bool dry_run, BlobSweep *out, Err *e) {
  *out = (BlobSweep){0};
  struct timespec now; /* the clock that files are stamped with, whatever clock_port says */
  clock_gettime(CLOCK_REALTIME, &now);
  /* without any grace what was written in this second goes as well */
  Sweep s = {&b->lock, used, ctx, now.tv_sec - grace_ms / 1000 + (grace_ms < 1000), out, "", dry_run};
  if (!b->remote) return sweep_all(b, s, e);
  BlobSweep local = {0}; /* of the cache: what counts is what is kept elsewhere */
  s.out = &local;
  return b->remote->sweep(b->ctx, used, ctx, grace_ms, dry_run, out, e) && sweep_all(b, s, e);
}

static bool nobody(void *ctx, const char *hash) { return (void)ctx, (void)hash, false; }

static void remove_dirs(BlobStore *b) {
  for (int i = 0; i < 256; i++) {
    char two[3];
    snprintf(two, sizeof two, "%02x", i);
    char *dir = path_of(b, two);
    rmdir(dir);
    free(dir);
  }
  char *tmp = path_of(b, "tmp");
  rmdir(tmp);
  free(tmp);
  rmdir(b->dir);
}

static void remove_files(BlobStore *b) {
  BlobSweep out;
  Err e;
  if (access(b->dir, F_OK)) return;
  sweep_all(b, (Sweep){&b->lock, nobody, NULL, INT64_MAX, &out, "", false}, &e);
  remove_dirs(b);
}

void blobs_close(BlobStore *b) {
  if (!b || atomic_fetch_sub(&b->holders, 1) > 1) return;
  if (b->temporary) {
    temporary_remove(b);
    remove_files(b);
  }
  if (b->remote) b->remote->free(b->ctx);
  pthread_mutex_destroy(&b->lock);
  free(b->dir);
  free(b);
}
