/* backup.c - `breyta backup`: the database at one moment, then the blobs that this copy names.
 *
 * A blob never changes, so it may be copied after the database. One that the server removes in between (its resource has expired) makes
 * the copy begin again. What is written goes to names of its own until all of it is synced and checked; then it is renamed. */
#include "runtime/api/api.h"
#include "runtime/store/blobs_place.h"
#include "breyta_options.h"
#include "runtime/cli/cli_run.h"
#include "data_dir.h"
#include "runtime/store/store_copy.h"
#include "runtime/store/store_files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKUP_TRIES = 3, CHUNK = 256 << 10 };

typedef struct Backup {
  const BreytaOptions *o;
  bool folder;            /* else FILE.db */
  char *db;               /* what is copied */
  char temp[4200];        /* folder or file that becomes --to */
  char copy[4300];        /* the database in it */
  BlobStore *from, *to;
  int64_t blobs, blob_bytes, unfinished;
} Backup;

/* --- blobs ------------------------------------------------------------------------------------------------------------------------- */
static bool copy_bytes(int fd, BlobWriter *w, Err *err) {
  char *chunk = malloc(CHUNK);
  ssize_t n = chunk ? 1 : -1;
  bool ok = chunk;
  while (ok && (n = read(fd, chunk, CHUNK)) > 0) ok = blobs_write(w, chunk, (size_t)n, err);
  free(chunk);
  return ok && (n == 0 || err_set(err, "blob_io", "a blob cannot be read: %s", strerror(errno)));
}

static bool copy_blob(Backup *b, const Resource *r, int fd, Err *err) {
  BlobName name;
  BlobWriter *w = blobs_begin(b->to, 0, err);
  if (!w) return false;
  if (!copy_bytes(fd, w, err)) return blobs_abort(w), false;
  if (!blobs_finish(w, &name, err)) return false;
  if (!strcmp(name.hash, r->hash)) return b->blobs++, b->blob_bytes += name.size, true;
  return err_set(err, "blob_damaged", "the bytes of %.200s are damaged: `breyta doctor` tells all that are", r->uri);
}

static bool blob(void *ctx, const Resource *r, Err *err) {
  Backup *b = ctx;
  int64_t size;
  Err none = {0};
  int there = blobs_file(b->to, r->hash, &size, &none);
  if (there >= 0) return close(there), true; /* named twice */
  int fd = blobs_file(b->from, r->hash, &size, err);
  if (fd < 0) return false;
  bool ok = copy_blob(b, r, fd, err);
  close(fd);
  return ok;
}

static bool copy_blobs(Backup *b, Err *err) {
  Store *s = store_open(b->copy, &(StoreOptions){.read_only = true}, err);
  if (!s) return false;
  b->unfinished = data_runs(s, 1u << RUN_RUNNING | 1u << RUN_WAITING | 1u << RUN_QUEUED, err);
  b->from = blobs_place_open(s, NULL, err);
  bool ok = b->from && b->unfinished >= 0;
  if (ok && !blobs_is_remote(b->from)) {
    blobs_close(b->from);
    char *dir = blobs_place(b->db), *to = blobs_place(b->folder ? b->copy : b->o->to);
    b->from = blobs_open(dir);
    b->to = blobs_open(to);
    free(dir);
    free(to);
    ok = data_blobs(s, blob, b, err);
    blobs_close(b->to);
  }
  if (b->from) blobs_close(b->from);
  store_close(s);
  return ok;
}

/* --- the copy's place -------------------------------------------------------------------------------------------------------------- */
static int rm(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st;
  (void)type;
  (void)at;
  return remove(path);
}

static void give_up(Backup *b) {
  char beside[4400];
  if (b->folder) nftw(b->temp, rm, 16, FTW_DEPTH | FTW_PHYS);
  for (int i = 0; !b->folder && i < 3; i++) {
    snprintf(beside, sizeof beside, "%s%s", b->temp, (const char *const[]){"", "-wal", "-shm"}[i]);
    unlink(beside);
  }
}

/* An empty folder may be there; anything else stays as it is. */
static bool place_free(const Backup *b, Err *err) {
  const char *to = b->o->to;
  DIR *d = b->folder ? opendir(to) : NULL;
  int n = 0;
  for (struct dirent *e; d && (e = readdir(d));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
  if (d) closedir(d);
  if (d ? n : !access(to, F_OK)) return err_set(err, "exists", "%.300s is there already; name a new place", to);
  return true;
}

static bool make_place(Backup *b, Err *err) {
  if (!place_free(b, err)) return false;
  if (!store_files_mkdirs(b->o->to, err)) return false;
  snprintf(b->temp, sizeof b->temp, "%s.partial-%d", b->o->to, (int)getpid());
  snprintf(b->copy, sizeof b->copy, "%s%s", b->temp, b->folder ? "/breyta.db" : "");
  if (b->folder && mkdir(b->temp, 0700)) return err_set(err, "exists", "cannot make the folder %.300s: %s", b->temp, strerror(errno));
  return true;
}

static bool appear(Backup *b, Err *err) {
  if (rename(b->temp, b->o->to)) return err_set(err, "exists", "cannot rename %.200s: %s", b->temp, strerror(errno));
  return store_files_sync_parent(b->o->to) || err_set(err, "failed", "the folder of %.300s cannot be synced", b->o->to);
}

/* --- all of it --------------------------------------------------------------------------------------------------------------------- */
static bool copy_all(Backup *b, Err *err) {
  for (int i = 0; i < BACKUP_TRIES; i++) {
    *err = (Err){0};
    b->blobs = b->blob_bytes = 0;
    unlink(b->copy);
    if (!store_copy(b->db, b->copy, err)) return false;
    if (copy_blobs(b, err)) return store_whole(b->copy, false, err) && store_files_sync_parent(b->copy);
    if (strcmp(err->code, "not_found")) return false;
  }
  return err_set(err, "blob_missing", "blobs that the database names are not there: `breyta doctor` tells which");
}

static int64_t size_of(const char *path) {
  struct stat st;
  return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

static void report(const Backup *b, int64_t ms) {
  ValVec m = {0};
  char db[4400];
  snprintf(db, sizeof db, "%s%s", b->o->to, b->folder ? "/breyta.db" : "");
  api_put_text(&m, "to", b->o->to);
  api_put(&m, "databaseBytes", int_val(size_of(db)));
  api_put(&m, "unfinishedRuns", int_val(b->unfinished));
  api_put(&m, "blobs", int_val(b->blobs));
  api_put(&m, "blobBytes", int_val(b->blob_bytes));
  api_put(&m, "ms", int_val(ms));
  data_print(api_map(&m), !strcmp(b->o->format, "json"));
}

static int failed(const Err *err) {
  fprintf(stderr, "breyta backup: %s\n", err->msg);
  return EXIT_FAILED;
}

static int backup_usage(const char *what) {
  fprintf(stderr, "breyta backup: %s\n", what);
  return EXIT_USAGE;
}

/* DIR for DIR/ and DIR/. too: what becomes DIR is made beside it. */
static size_t place_length(const char *to) {
  size_t n = to ? strlen(to) : 0;
  while (n > 1 && (to[n - 1] == '/' || (n > 2 && to[n - 1] == '.' && to[n - 2] == '/'))) n--;
  return n;
}

int breyta_backup(const BreytaOptions *given) {
  Err err = {0};
  int64_t began = mono_us();
  size_t n = place_length(given->to);
  char to[4096];
  BreytaOptions named = *given, *o = &named;
  if (!n || n > 4000) return backup_usage("--to says where the copy goes: a folder, or a file whose name ends in .db");
  if (strcmp(o->format, "text") && strcmp(o->format, "json")) return backup_usage("--format: text or json");
  snprintf(to, sizeof to, "%.*s", (int)n, given->to);
  o->to = to;
  Backup b = {.o = o, .folder = n < 4 || strcmp(to + n - 3, ".db")};
  cli_engine_values();
  umask(0077); /* what is kept is nobody else's */
  b.db = data_db(o->data);
  if (access(b.db, R_OK)) {
    fprintf(stderr, "breyta backup: cannot read %s: %s; --data names the folder of the server\n", b.db, strerror(errno));
    return EXIT_FAILED;
  }
  if (!make_place(&b, &err)) return failed(&err);
  if (!copy_all(&b, &err) || !appear(&b, &err)) {
    give_up(&b);
    return failed(&err);
  }
  report(&b, (mono_us() - began) / 1000);
  free(b.db);
  return EXIT_OK;
}
