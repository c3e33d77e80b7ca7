/* Opening and closing, and the writer thread with its group commit. */
#include "store_sqlite.h"
#include "store_files.h"
#include "runtime/base/metrics.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAL_FRAME = 4096 + 24 };

static bool real_files(const Sq *s) { return !s->o.vfs; }

/* ---- the writer ---- */

static bool rc_is_full(int rc) { return (rc & 255) == SQLITE_FULL || rc == SQLITE_IOERR_SHMSIZE; }

/* What a failed transaction means for its batches. Everything unknown is fatal: better to stop than to acknowledge. */
static const char *rc_code(int rc) {
  if (rc_is_full(rc)) return "disk_full";
  if ((rc & 255) == SQLITE_BUSY) return "db_busy";
  if ((rc & 255) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) return "out_of_memory";
  if ((rc & 255) == SQLITE_READONLY) return "db_readonly";
  if ((rc & 255) == SQLITE_CORRUPT || (rc & 255) == SQLITE_NOTADB) return "db_corrupt";
  return "store_failed";
}

/* Of those that end the store: later batches are not tried. */
static bool code_is_final(const char *code) { return !strcmp(code, "store_failed") || !strcmp(code, "db_corrupt"); }

static void note_failure(Sq *s, int rc) {
  const char *none = NULL, *code = rc_code(rc);
  if (rc != SQLITE_OK && code_is_final(code)) atomic_compare_exchange_strong(&s->failed, &none, code);
}

/* Whether another connection than c has committed since the last look. */
static int look_for_commits(Conn *c, bool *moved) {
  int64_t v = 0;
  int rc = sq_data_version(c, &v);
  *moved = rc == SQLITE_OK && v != c->version;
  if (*moved) c->version = v;
  return rc;
}

static int look_beside(Sq *s) {
  bool moved;
  int rc = look_for_commits(&s->wr, &moved);
  if (!moved) return rc;
  s->wr_moved = true;
  atomic_store(&s->changed, true);
  return rc;
}

/* Other processes commit only inbox rows beside an executor. Without the executor lock they may do anything: then what we
 * know of the heads is read again. Both are seen at the beginning of a transaction, before anything is trusted. */
static int note_changes(Sq *s) {
  int rc = look_beside(s);
  if (rc != SQLITE_OK || s->o.beside) return rc;
  pthread_mutex_lock(&s->head_lock);
  if (!s->heads_loaded || (s->wr_moved && !s->o.executor)) rc = sq_heads_load(s, &s->wr);
  pthread_mutex_unlock(&s->head_lock);
  if (rc == SQLITE_OK) s->wr_moved = false;
  return rc;
}

/* Batches that were built on what a refused one would have written must not be stored: those of the same run see it by their
 * place in the journal, others that have read its keys by the number of the world they have seen. */
static void kv_refused(Sq *s, const Batch *b) {
  if (!b->has_kv) return;
  pthread_mutex_lock(&s->queue_lock);
  s->kv_world++;
  pthread_mutex_unlock(&s->queue_lock);
}

static int apply_isolated(Sq *s, Batch *b) {
  int64_t last_row = s->o.beside ? 0 : s->last_row;
  int rc = sq_exec(&s->wr, W_SAVE);
  if (rc != SQLITE_OK) return rc;
  rc = sq_ops_apply(s, b);
  if (rc == SQ_REFUSED) {
    b->refused = true;
    kv_refused(s, b);
    sq_ops_undo(s, s->stamp, last_row);
    rc = sq_exec(&s->wr, W_UNDO);
  }
  return rc == SQLITE_OK ? sq_exec(&s->wr, W_RELEASE) : rc;
}

static int apply_group(Sq *s, Batch *list, bool isolate) {
  int rc = SQLITE_OK;
  for (Batch *b = list; b && rc == SQLITE_OK; b = b->next) {
    if (b->error) continue;
    s->stamp++;
    rc = isolate ? apply_isolated(s, b) : sq_ops_apply(s, b);
    if (rc == SQ_REFUSED) b->error = NULL; /* only met without isolation: the group is tried again with it */
  }
  s->stamp++;
  if (rc == SQLITE_OK && !s->o.beside && s->last_row - s->watermark >= s->tune.flush_rows) rc = sq_ops_flush_heads(s);
  return rc;
}

/* A refusal judged by what earlier batches of the same transaction did, so it goes with them. */
static void roll_back(Sq *s, Batch *list) {
  for (Batch *b = list; b; b = b->next) {
    if (b->refused) b->error = NULL;
    b->refused = false;
  }
  if (!sqlite3_get_autocommit(s->wr.db)) sq_exec(&s->wr, W_ROLLBACK);
  sq_ops_rollback(s);
}

static void observe_commit(const Batch *list, int64_t begun_us, int64_t synced_us) {
  int64_t n = 0, now = mono_us();
  for (; list; list = list->next)
    if (!list->error) n += (int64_t)list->n;
  metric_observe(METRIC_commit_operations, NULL, NULL, n);
  metric_observe(METRIC_commit_seconds, NULL, NULL, now - begun_us);
  metric_observe(METRIC_sync_seconds, NULL, NULL, now - synced_us);
}

static void disk_is_full(Sq *s, bool full) {
  metric_add(METRIC_store_full, (int)full - (int)s->full);
  s->full = full;
}

/* One transaction; with SQLITE_OK everything in it without b->error is on stable storage. */
static int group_try(Sq *s, Batch *list, bool isolate) {
  int64_t begun = mono_us(), sync;
  int rc = sq_exec(&s->wr, W_BEGIN);
  if (rc != SQLITE_OK) return rc;
  rc = note_changes(s);
  if (rc == SQLITE_OK) rc = apply_group(s, list, isolate);
  sync = mono_us();
  if (rc == SQLITE_OK) rc = sq_exec(&s->wr, W_COMMIT);
  if (rc != SQLITE_OK) {
    roll_back(s, list);
    return rc;
  }
  atomic_fetch_add(&s->commits, 1); /* before anybody can hear of it: sq_look */
  sq_ops_commit(s);
  observe_commit(list, begun, sync);
  return rc;
}

static int group_commit(Sq *s, Batch *list) {
  int rc = group_try(s, list, false);
  return rc == SQ_REFUSED ? group_try(s, list, true) : rc;
}

static void refuse_all(Sq *s, Batch *list, const char *code, bool even_essential) {
  for (Batch *b = list; b; b = b->next)
    if (!b->error && (even_essential || !b->essential)) {
      b->error = code;
      kv_refused(s, b);
    }
}

static bool any_left(const Batch *list) {
  while (list && list->error) list = list->next;
  return list != NULL;
}

/* The disk is full: what ends runs goes on with the reserve given back, everything else is refused. */
static int group_without_space(Sq *s, Batch *list) {
  disk_is_full(s, true);
  refuse_all(s, list, "disk_full", false);
  if (!any_left(list)) return SQLITE_OK;
  if (real_files(s) && store_files_release_reserve(s->path)) s->reserve_used = true;
  return group_commit(s, list);
}

/* While the reserve is being used up, other work waits until there is room again; otherwise trying costs nothing. */
static int group_store(Sq *s, Batch *list) {
  if (s->full && s->reserve_used && !store_files_space_back(s->path)) return group_without_space(s, list);
  int rc = group_commit(s, list);
  if (rc_is_full(rc)) return group_without_space(s, list);
  if (rc == SQLITE_OK && s->full) {
    disk_is_full(s, false);
    s->reserve_tried = s->reserve_used = false;
  }
  return rc;
}

/* Copies the log into the database when it has grown; readers and later commits are not blocked. A full disk only means
 * that the log stays; the next try is a megabyte later. */
static void checkpoint(Sq *s) {
  if (s->wal_frames < s->checkpoint_at) return;
  int rc = sqlite3_wal_checkpoint_v2(s->wr.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  s->checkpoint_at = s->tune.checkpoint_bytes / WAL_FRAME;
  if (rc != SQLITE_OK) s->checkpoint_at = s->wal_frames + (1 << 20) / WAL_FRAME;
  note_failure(s, rc);
}

static int on_wal(void *ctx, sqlite3 *db, const char *name, int frames) {
  (void)db;
  (void)name;
  ((Sq *)ctx)->wal_frames = frames;
  return SQLITE_OK;
}

/* A refused one was seen until now: also by who has read since it was refused. */
static void kv_unlink(Sq *s, Batch *b) {
  pthread_mutex_lock(&s->queue_lock);
  if (b->error) s->kv_world++;
  *(b->kv_prev ? &b->kv_prev->kv_next : &s->kv_first) = b->kv_next;
  *(b->kv_next ? &b->kv_next->kv_prev : &s->kv_last) = b->kv_prev;
  sq_pending_done(s, b);
  pthread_mutex_unlock(&s->queue_lock);
}

/* All are out of sight before anybody hears of one: who is told of a refusal reads anew at once. */
static void group_complete(Sq *s, Batch *list) {
  for (Batch *b = list; b; b = b->next)
    if (b->has_kv) kv_unlink(s, b);
  for (Batch *b = list, *next; b; b = next) {
    next = b->next;
    if (!b->error) atomic_fetch_add_explicit(&s->ops, b->n, memory_order_relaxed);
    store_complete(&s->base, b);
  }
}

static void after_commit(Sq *s) {
  checkpoint(s);
  if (s->o.beside) return;
  if (s->n_heads > s->evict_at) {
    sq_heads_evict(s);
    s->evict_at = s->n_heads * 2 > 8192 ? s->n_heads * 2 : 8192;
  }
  if (s->reserve_tried || s->full || !real_files(s)) return;
  s->reserve_tried = true;
  store_files_reserve(s->path);
}

static void group_run(Sq *s, Batch *list) {
  pthread_mutex_lock(&s->wr_lock);
  int rc = SQLITE_OK;
  const char *code = atomic_load(&s->failed);
  if (!code && (rc = group_store(s, list)) != SQLITE_OK) code = rc_code(rc);
  note_failure(s, rc);
  if (code) refuse_all(s, list, code, true);
  group_complete(s, list);
  if (!code) after_commit(s);
  pthread_mutex_unlock(&s->wr_lock);
}

/* Under queue_lock. */
static bool group_ready(const Sq *s) { return s->queue_first && (!s->gathering || s->urgent || s->queued >= STORE_GATHER); }

/* Waits for work and takes up to group_ops operations of it; NULL = the store closes and all is done. */
static Batch *take_group(Sq *s) {
  size_t max = (size_t)(s->o.group_ops > 0 ? s->o.group_ops : 2048), n = 0;
  pthread_mutex_lock(&s->queue_lock);
  while (!group_ready(s) && !s->stop) pthread_cond_wait(&s->queue_cond, &s->queue_lock);
  Batch *first = s->queue_first, *last = NULL;
  for (Batch *b = first; b && (!last || n + b->n <= max); b = b->next) {
    last = b;
    n += b->n;
  }
  if (last) {
    s->queue_first = last->next;
    last->next = NULL;
    s->queued -= n;
    s->urgent = s->urgent && s->queue_first;
  }
  pthread_mutex_unlock(&s->queue_lock);
  return first;
}

static void writer_open(Sq *s) {
  pthread_mutex_lock(&s->wr_lock);
  if (sq_schema_open(s, &s->wr, false, NULL)) {
    sqlite3_wal_hook(s->wr.db, on_wal, s);
    sq_data_version(&s->wr, &s->wr.version);
  } else note_failure(s, s->wr.db && sqlite3_errcode(s->wr.db) == SQLITE_CORRUPT ? SQLITE_CORRUPT : SQLITE_IOERR);
  s->wr_moved = true;
  atomic_store(&s->changed, true); /* what happened between the eyes of rd and of wr is not known */
  pthread_mutex_unlock(&s->wr_lock);
}

static void *writer_main(void *arg) {
  Sq *s = arg;
  writer_open(s);
  for (Batch *list; (list = take_group(s));) group_run(s, list);
  return NULL;
}

/* Signals are for the engine's threads. */
static bool writer_start(Sq *s) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  s->started = pthread_create(&s->writer, NULL, writer_main, s) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (s->started) pthread_setname_np(s->writer, "store");
  return s->started;
}

static void enqueue(Sq *s, Batch *b) {
  b->next = NULL;
  pthread_mutex_lock(&s->queue_lock);
  if (b->has_kv) {
    b->kv_world = s->kv_read ? s->kv_read_world : KV_BLIND;
    s->kv_read = false;
    b->kv_prev = s->kv_last;
    *(s->kv_last ? &s->kv_last->kv_next : &s->kv_first) = b;
    s->kv_last = b;
  }
  *(s->queue_first ? &s->queue_last->next : &s->queue_first) = b;
  s->queue_last = b;
  s->queued += b->n;
  if (b->waiter) s->urgent = true;
  if (group_ready(s)) pthread_cond_signal(&s->queue_cond);
  pthread_mutex_unlock(&s->queue_lock);
}

void sq_gather(Store *st, bool on) {
  Sq *s = (Sq *)st;
  pthread_mutex_lock(&s->queue_lock);
  s->gathering = on;
  if (!on && s->queue_first) s->urgent = true; /* also when gathering begins again before the writer has woken up */
  if (group_ready(s)) pthread_cond_signal(&s->queue_cond);
  pthread_mutex_unlock(&s->queue_lock);
}

void sq_submit(Store *st, Batch *b) {
  Sq *s = (Sq *)st;
  if (s->o.read_only) b->error = "db_readonly";
  else if (!s->started && !writer_start(s)) b->error = "out_of_memory";
  if (b->error) store_complete(st, b);
  else enqueue(s, b);
}

/* ---- beside the writer ---- */

const char *sq_failed(const Store *st) { return atomic_load(&((const Sq *)st)->failed); }

void sq_stats(const Store *st, StoreStats *out) {
  const Sq *s = (const Sq *)st;
  *out = (StoreStats){.commits = s->commits, .syncs = s->syncs, .ops = s->ops, .journal_rows = s->rows};
}

/* rd also sees our own writer's commits, wr does not: it is asked when the writer does not hold it. When it does, it looks
 * itself at the beginning of its transaction, and nobody else commits before that ends. */
static bool changed_beside(Sq *s) {
  bool moved = false;
  if (!s->started) {
    look_for_commits(&s->rd, &moved);
    if (moved) s->heads_loaded = s->o.executor;
    return atomic_exchange(&s->changed, false) || moved;
  }
  if (pthread_mutex_trylock(&s->wr_lock) == 0) {
    if (s->wr.db) look_beside(s);
    pthread_mutex_unlock(&s->wr_lock);
  }
  return atomic_exchange(&s->changed, false);
}

bool sq_changed(Store *st) {
  bool changed = changed_beside((Sq *)st);
  if (changed) sq_look_end((Sq *)st); /* what is read now sees it */
  return changed;
}

/* ---- open and close ---- */

static void sq_free(Sq *s) {
  bool failed = atomic_load(&s->failed) != NULL;
  sq_conn_close(&s->wr, failed);
  sq_conn_close(&s->rd, failed);
  store_files_unlock(s->lock_fd);
  sq_heads_clear(s);
  store_omap_free(&s->pending);
  pthread_mutex_destroy(&s->queue_lock);
  pthread_cond_destroy(&s->queue_cond);
  pthread_mutex_destroy(&s->wr_lock);
  pthread_mutex_destroy(&s->head_lock);
  store_base_free(&s->base);
  free(s->path);
  free(s);
}

void sq_close(Store *st) {
  Sq *s = (Sq *)st;
  if (s->started) {
    pthread_mutex_lock(&s->queue_lock);
    s->stop = true;
    pthread_cond_signal(&s->queue_cond);
    pthread_mutex_unlock(&s->queue_lock);
    pthread_join(s->writer, NULL);
  }
  sq_free(s);
}

static Sq *sq_new(const char *path, const StoreOptions *o, Err *e) {
  Sq *s = calloc(1, sizeof *s);
  if (!s || !(s->path = strdup(path))) {
    free(s);
    err_set(e, "out_of_memory", "out of memory");
    return NULL;
  }
  s->o = *o;
  s->tune = store_tune;
  s->segment_bits = s->tune.segment_bits;
  s->checkpoint_at = s->tune.checkpoint_bytes / WAL_FRAME;
  s->lock_fd = -1;
  s->evict_at = 8192;
  store_omap_init(&s->pending);
  if (!store_base_init(&s->base, &sq_impl, e)) {
    free(s->path);
    free(s);
    return NULL;
  }
  pthread_mutex_init(&s->queue_lock, NULL);
  pthread_cond_init(&s->queue_cond, NULL);
  pthread_mutex_init(&s->wr_lock, NULL);
  pthread_mutex_init(&s->head_lock, NULL);
  return s;
}

static bool prepare_files(Sq *s, Err *e) {
  if (!real_files(s)) return true;
  struct stat st;
  bool there = stat(s->path, &st) == 0;
  if (there && S_ISDIR(st.st_mode)) return err_set(e, "db_open", "%s is a directory; give the path of a file", s->path);
  if (s->o.read_only) return there || err_set(e, "db_open", "%s: %s; no run was ever stored there", s->path, strerror(errno));
  if (there && !store_files_lock_exists(s->path) && sq_schema_refused(s, e)) return false;
  if (!store_files_mkdirs(s->path, e)) return false;
  if (s->o.executor && (s->lock_fd = store_files_lock(s->path, e)) < 0) return false;
  return true;
}

Store *store_sqlite_open(const char *path, const StoreOptions *o, Err *e) {
  Err local;
  if (!e) e = &local;
  Sq *s = sq_new(path, o, e);
  if (!s) return NULL;
  if (prepare_files(s, e) && sq_schema_open(s, &s->rd, true, e) && sq_data_version(&s->rd, &s->rd.version) == SQLITE_OK)
    return &s->base;
  if (!e->code) err_set(e, "db_open", "%s: %s", path, s->rd.db ? sqlite3_errmsg(s->rd.db) : "cannot be opened");
  sq_free(s);
  return NULL;
}
