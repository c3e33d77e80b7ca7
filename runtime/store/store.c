#include "store.h"
#include "store_impl.h"
#include "store_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

StoreTune store_tune = {.checkpoint_bytes = 16 << 20, .flush_rows = 4096, .segment_bits = 20};

/* ---- rows ---- */

void blob_free(Blob *b) {
  free(b->p);
  *b = (Blob){0};
}

bool blob_copy(Blob *out, const void *p, size_t n) {
  out->p = malloc(n + 1);
  if (!out->p) return false;
  if (n) memcpy(out->p, p, n);
  out->p[n] = 0;
  out->n = n;
  return true;
}

const char *run_status_name(enum RunStatus s) {
  static const char *const names[] = {"running", "waiting", "completed", "failed", "cancelled", "terminated", "timed-out", "blocked", "queued"};
  return names[s];
}

void run_row_free(RunRow *r) {
  free(r->run_id);
  free(r->workspace);
  free(r->slug);
  free(r->source_hash);
  free(r->note);
  free(r->lineage);
  free(r->slot);
  free(r->installation);
  free(r->origin);
  free(r->target);
  *r = (RunRow){0};
}

void wait_row_free(WaitRow *w) {
  free(w->workspace);
  free(w->key);
  blob_free(&w->spec);
  *w = (WaitRow){0};
}

void inbox_row_free(InboxRow *r) {
  free(r->workspace);
  free(r->key);
  free(r->kind);
  blob_free(&r->body);
  *r = (InboxRow){0};
}

/* ---- building a batch ---- */

uint64_t op_key_hash(const char *workspace, const char *key) {
  uint64_t h = 14695981039346656037u;
  for (const char *p = workspace; *p; p++) h = (h ^ (uint8_t)*p) * 1099511628211u;
  h = (h ^ 255) * 1099511628211u;
  for (const char *p = key; *p; p++) h = (h ^ (uint8_t)*p) * 1099511628211u;
  return h;
}

/* Batches that have done their work on this thread, with their memory: the next ones begin with it. */
enum { SPARE_BATCHES = 256, SPARE_OPS = 16, SPARE_BYTES = 4096 };
static _Thread_local Batch *spare;
static _Thread_local int nspare;

/* NULL when there is no memory; every function takes that NULL, and submitting it completes with out_of_memory. */
Batch *batch_new(void) {
  Batch *b = spare;
  if (!b) return calloc(1, sizeof(Batch));
  spare = b->next;
  nspare--;
  *b = (Batch){.ops = b->ops, .cap = b->cap, .mem = b->mem, .mem_cap = b->mem_cap};
  return b;
}

void batch_free(Batch *b) {
  if (!b) return;
  free(b->ops);
  free(b->mem);
  free(b);
}

static void batch_spare(Batch *b) {
  if (nspare == SPARE_BATCHES || b->cap > SPARE_OPS || b->mem_cap > SPARE_BYTES) {
    batch_free(b);
    return;
  }
  b->next = spare;
  spare = b;
  nspare++;
}

/* Of a thread that closes its store. */
static void batch_forget(void) {
  for (Batch *b; (b = spare); batch_free(b)) spare = b->next;
  nspare = 0;
}

size_t batch_ops(const Batch *b) { return b ? b->n : 0; }
bool batch_has_kv(const Batch *b) { return b && b->has_kv; }

static bool batch_grow(Batch *b, void **p, size_t *cap, size_t need, size_t size, size_t first) {
  if (need <= *cap) return true;
  size_t n = *cap ? *cap * 2 : first;
  while (n < need) n *= 2;
  void *q = realloc(*p, n * size);
  if (!q) {
    b->error = "out_of_memory";
    return false;
  }
  *p = q;
  *cap = n;
  return true;
}

/* A new zeroed operation, or NULL when the batch is already lost. */
Op *batch_op(Batch *b, enum OpType type, int64_t run, int64_t epoch) {
  if (!b || b->error || !batch_grow(b, (void **)&b->ops, &b->cap, b->n + 1, sizeof(Op), 4)) return NULL;
  Op *op = &b->ops[b->n++];
  *op = (Op){.type = type, .run = run, .epoch = epoch};
  if (type <= OP_WAIT_DEL) b->touches_runs = true;
  if (type == OP_INBOX_DEL) b->essential = true;
  return op;
}

void batch_essential(Batch *b) {
  if (b) b->essential = true;
}

char *batch_room(Batch *b, size_t n) {
  if (b->error || !batch_grow(b, (void **)&b->mem, &b->mem_cap, b->mem_n + n, 1, 512)) return NULL;
  char *p = b->mem + b->mem_n;
  b->mem_n += n;
  return p;
}

void op_set_str(Batch *b, Op *op, int k, const char *s) {
  if (!s) return;
  size_t n = strlen(s) + 1, at = b->mem_n;
  char *p = batch_room(b, n);
  if (!p) return;
  memcpy(p, s, n);
  op->s[k] = at + 1;
}

/* The blob with `header` bytes of room in front; blob and blob_n cover both. */
void op_set_blob(Batch *b, Op *op, Bytesv v, size_t header) {
  if (v.n > STORE_BLOB_MAX) {
    b->error = "too_big";
    return;
  }
  size_t at = b->mem_n;
  char *p = batch_room(b, header + v.n);
  if (!p) return;
  if (v.n) memcpy(p + header, v.p, v.n);
  op->blob = at;
  op->blob_n = header + v.n;
}

void op_set_key(Batch *b, Op *op, const char *workspace, const char *key) {
  op_set_str(b, op, 0, workspace);
  op_set_str(b, op, 1, key);
}

void batch_run_create(Batch *b, const RunRow *r) {
  Op *op = batch_op(b, OP_RUN_CREATE, r->run, r->epoch);
  if (!op) return;
  const int64_t v[6] = {r->version, r->status, r->created_ms, r->updated_ms, r->finished_ms, r->wake_ms};
  memcpy(op->i, v, sizeof v);
  const char *s[10] = {r->run_id, r->workspace, r->slug, r->source_hash, r->note, r->lineage, r->slot, r->installation, r->origin, r->target};
  for (int k = 0; k < 10; k++) op_set_str(b, op, k, s[k]);
}

void batch_expect(Batch *b, int64_t run, int64_t epoch, int64_t seq) {
  Op *op = batch_op(b, OP_EXPECT, run, epoch);
  if (op) op->i[0] = seq;
}

void batch_append(Batch *b, int64_t run, int64_t epoch, int kind, Bytesv data) {
  Op *op = batch_op(b, OP_APPEND, run, epoch);
  if (!op) return;
  op->kind = kind;
  op_set_blob(b, op, data, RECORD_HEADER);
}

void batch_status(Batch *b, int64_t run, int64_t epoch, enum RunStatus st, int64_t at_ms, int64_t wake_ms, const char *note) {
  Op *op = batch_op(b, OP_STATUS, run, epoch);
  if (!op) return;
  op->kind = st;
  op->i[0] = at_ms;
  op->i[1] = wake_ms;
  if (run_status_final(st)) b->essential = true;
  op_set_str(b, op, 0, note);
}

void batch_take_over(Batch *b, int64_t run, int64_t old_epoch, int64_t new_epoch) {
  Op *op = batch_op(b, OP_TAKE_OVER, run, old_epoch);
  if (op) op->i[0] = new_epoch;
}

void batch_snapshot(Batch *b, int64_t run, int64_t epoch, int64_t seq, Bytesv data) {
  Op *op = batch_op(b, OP_SNAPSHOT, run, epoch);
  if (!op) return;
  op->i[0] = seq;
  op_set_blob(b, op, data, SNAPSHOT_HEADER);
}

void batch_timer_put(Batch *b, int64_t run, int64_t epoch, int64_t seq, int64_t due_ms) {
  Op *op = batch_op(b, OP_TIMER_PUT, run, epoch);
  if (!op) return;
  op->i[0] = seq;
  op->i[1] = due_ms;
}

void batch_timer_del(Batch *b, int64_t run, int64_t epoch, int64_t seq) {
  Op *op = batch_op(b, OP_TIMER_DEL, run, epoch);
  if (op) op->i[0] = seq;
}

void batch_wait_put(Batch *b, int64_t epoch, const WaitRow *w) {
  Op *op = batch_op(b, OP_WAIT_PUT, w->run, epoch);
  if (!op) return;
  op->i[0] = w->seq;
  op->i[1] = w->created_ms;
  op_set_key(b, op, w->workspace, w->key);
  op_set_blob(b, op, (Bytesv){w->spec.p, w->spec.n}, 0);
}

void batch_wait_del(Batch *b, int64_t run, int64_t epoch, const char *workspace, const char *key) {
  Op *op = batch_op(b, OP_WAIT_DEL, run, epoch);
  if (op) op_set_key(b, op, workspace, key);
}

void batch_inbox_put(Batch *b, const char *workspace, const char *key, const char *kind, int64_t received_ms, Bytesv body) {
  Op *op = batch_op(b, OP_INBOX_PUT, 0, 0);
  if (!op) return;
  op->i[0] = received_ms;
  op_set_key(b, op, workspace, key);
  op_set_str(b, op, 2, kind);
  op_set_blob(b, op, body, 0);
}

void batch_inbox_del(Batch *b, int64_t id) {
  Op *op = batch_op(b, OP_INBOX_DEL, 0, 0);
  if (op) op->i[0] = id;
}

static Op *batch_kv(Batch *b, enum OpType type, const char *workspace, const char *key) {
  Op *op = batch_op(b, type, 0, 0);
  if (!op) return NULL;
  b->has_kv = true;
  op->i[1] = (int64_t)op_key_hash(workspace, key);
  op_set_key(b, op, workspace, key);
  return op;
}

void batch_kv_put(Batch *b, const char *workspace, const char *key, Bytesv value, int64_t expires_ms) {
  Op *op = batch_kv(b, OP_KV_PUT, workspace, key);
  if (!op) return;
  op->i[0] = expires_ms;
  op_set_blob(b, op, value, 0);
}

void batch_kv_del(Batch *b, const char *workspace, const char *key) { batch_kv(b, OP_KV_DEL, workspace, key); }

static void batch_doc(Batch *b, Op *op, const char *workspace, const char *kind, const char *key, int64_t rev) {
  op->i[0] = rev;
  op_set_key(b, op, workspace, key);
  op_set_str(b, op, 2, kind);
}

void batch_doc_put(Batch *b, const DocRow *d) {
  Op *op = batch_op(b, OP_DOC_PUT, 0, 0);
  if (!op) return;
  batch_doc(b, op, d->workspace, d->kind, d->key, d->rev);
  op->i[1] = d->at_ms;
  op->i[2] = d->run;
  op->i[3] = d->expires_ms;
  op_set_blob(b, op, (Bytesv){d->data.p, d->data.n}, 0);
}

void batch_doc_del(Batch *b, const char *workspace, const char *kind, const char *key, int64_t rev) {
  Op *op = batch_op(b, OP_DOC_DEL, 0, 0);
  if (op) batch_doc(b, op, workspace, kind, key, rev);
}

void batch_index_put(Batch *b, const IndexRow *r) {
  Op *op = batch_op(b, OP_INDEX_PUT, 0, 0);
  if (!op) return;
  const char *s[7] = {r->workspace, r->key, r->target, r->title, r->tags, r->type, r->path};
  for (int k = 0; k < 7; k++) op_set_str(b, op, k, s[k] ? s[k] : "");
  op->i[0] = r->at_ms;
  op_set_blob(b, op, r->text, 0);
}

void batch_index_del(Batch *b, const char *workspace, const char *target, const char *key) {
  Op *op = batch_op(b, OP_INDEX_DEL, 0, 0);
  if (!op) return;
  op_set_key(b, op, workspace, key);
  op_set_str(b, op, 2, target);
}

void batch_index_work(Batch *b, int rows) {
  Op *op = batch_op(b, OP_INDEX_WORK, 0, 0);
  if (op) op->i[0] = rows;
}

bool store_index_waits(Store *s, Err *e) {
  store_fresh(s, e);
  return s->impl->index_waits && s->impl->index_waits(s, e);
}

bool store_index_drain(Store *s, Err *e) {
  while (store_index_waits(s, e)) {
    Batch *b = batch_new();
    batch_index_work(b, INDEX_DRAIN_ROWS);
    if (!store_submit_wait(s, b, e)) return false;
  }
  return !e->code;
}

void batch_unit_put(Batch *b, const uint8_t hash[16], const char *file, Bytesv data) {
  Op *op = batch_op(b, OP_UNIT_PUT, 0, 0);
  if (!op) return;
  memcpy(op->key16, hash, 16);
  op_set_str(b, op, 0, file);
  op_set_blob(b, op, data, 0);
}

void batch_source_put(Batch *b, const char *hash, const char *file, Bytesv text) {
  Op *op = batch_op(b, OP_SOURCE_PUT, 0, 0);
  if (!op) return;
  op_set_key(b, op, hash, file);
  op_set_blob(b, op, text, 0);
}

void batch_meta_put(Batch *b, const char *name, const char *value) {
  Op *op = batch_op(b, OP_META_PUT, 0, 0);
  if (op) op_set_key(b, op, name, value);
}

void batch_outcome_del(Batch *b, const char *workspace, const char *key) {
  Op *op = batch_op(b, OP_OUTCOME_DEL, 0, 0);
  if (op) op_set_key(b, op, workspace, key);
}

void batch_outcome_put(Batch *b, const char *workspace, const char *key, int64_t at_ms, Bytesv outcome) {
  Op *op = batch_op(b, OP_OUTCOME_PUT, 0, 0);
  if (!op) return;
  op->i[0] = at_ms;
  op_set_key(b, op, workspace, key);
  op_set_blob(b, op, outcome, 0);
}

/* ---- completions ---- */

bool store_base_init(Store *s, const StoreImpl *impl, Err *e) {
  s->impl = impl;
  s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (s->event_fd < 0) return err_set(e, "db_open", "eventfd: %s", strerror(errno));
  pthread_mutex_init(&s->done_lock, NULL);
  return true;
}

static void signal_event(Store *s) {
  uint64_t one = 1;
  while (write(s->event_fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

static void clear_event(Store *s) {
  uint64_t n;
  while (read(s->event_fd, &n, sizeof n) < 0 && errno == EINTR) {}
}

static void waiter_wake(Waiter *w, const char *error) {
  pthread_mutex_lock(&w->lock);
  w->error = error;
  w->done = true;
  pthread_cond_signal(&w->cond);
  pthread_mutex_unlock(&w->lock);
}

void store_complete(Store *s, Batch *b) {
  if (b->waiter) {
    waiter_wake(b->waiter, b->error);
    batch_free(b);
    return;
  }
  b->next = NULL;
  pthread_mutex_lock(&s->done_lock);
  bool first = !s->done_first && !s->n_lost;
  if (s->done_first) s->done_last->next = b;
  else s->done_first = b;
  s->done_last = b;
  if (first) signal_event(s);
  pthread_mutex_unlock(&s->done_lock);
}

/* A batch that could not be allocated still completes. More than 64 of those at once is past any recovery. */
static void complete_lost(Store *s, uint64_t tag) {
  pthread_mutex_lock(&s->done_lock);
  if (s->n_lost == (int)(sizeof s->lost / sizeof s->lost[0])) abort();
  s->lost[s->n_lost++] = tag;
  signal_event(s);
  pthread_mutex_unlock(&s->done_lock);
}

size_t store_completions(Store *s, Completion *out, size_t max) {
  size_t n = 0;
  Batch *finished = NULL;
  pthread_mutex_lock(&s->done_lock);
  while (n < max && s->n_lost) out[n++] = (Completion){s->lost[--s->n_lost], "out_of_memory"};
  while (n < max && s->done_first) {
    Batch *b = s->done_first;
    s->done_first = b->next;
    out[n++] = (Completion){b->tag, b->error};
    b->next = finished;
    finished = b;
  }
  if (!s->done_first && !s->n_lost) clear_event(s);
  pthread_mutex_unlock(&s->done_lock);
  while (finished) {
    Batch *b = finished;
    finished = b->next;
    batch_spare(b);
  }
  return n;
}

int store_event_fd(const Store *s) { return s->event_fd; }

/* ---- numbers given out ahead of the disk ---- */

struct SlugCount {
  SlugCount *next;
  uint64_t hash;
  int64_t count;
  char *workspace, *slug;
};
enum { SLUG_BUCKETS = 256 };

static void slug_free(SlugCount *c) {
  if (!c) return;
  free(c->workspace);
  free(c->slug);
  free(c);
}

static SlugCount *slug_load(Store *s, uint64_t hash, const char *workspace, const char *slug) {
  int64_t n = s->impl->slug_count(s, workspace, slug);
  SlugCount *c = n < 0 ? NULL : calloc(1, sizeof *c);
  if (!c) return NULL;
  *c = (SlugCount){.hash = hash, .count = n, .workspace = strdup(workspace), .slug = strdup(slug)};
  if (c->workspace && c->slug) return c;
  slug_free(c);
  return NULL;
}

/* The counter of a flow, read from the database at its first use: before any run of it is submitted by us. */
static SlugCount *slug_get(Store *s, const char *workspace, const char *slug) {
  if (!s->slugs) s->slugs = calloc(SLUG_BUCKETS, sizeof *s->slugs);
  if (!s->slugs) return NULL;
  uint64_t h = op_key_hash(workspace, slug);
  SlugCount **at = &s->slugs[h % SLUG_BUCKETS];
  for (SlugCount *c = *at; c; c = c->next)
    if (c->hash == h && !strcmp(c->workspace, workspace) && !strcmp(c->slug, slug)) return c;
  SlugCount *c = slug_load(s, h, workspace, slug);
  if (!c) return NULL;
  c->next = *at;
  return *at = c;
}

static void count_new_runs(Store *s, Batch *b) {
  for (size_t i = 0; i < b->n && !b->error; i++) {
    Op *op = &b->ops[i];
    if (op->type != OP_RUN_CREATE) continue;
    SlugCount *c = slug_get(s, op_str(b, op, 1) ? op_str(b, op, 1) : "", op_str(b, op, 2) ? op_str(b, op, 2) : "");
    if (c) op->i[6] = ++c->count; /* some before it may be refused: what is stored is never less than what was given out */
    else b->error = store_failed(s) ? store_failed(s) : "db_read";
    if (s->next_run && op->run >= s->next_run) s->next_run = op->run + 1;
  }
}

int64_t store_last_run(Store *s) {
  if (!s->next_run) {
    int64_t max = s->impl->max_run(s);
    if (max < 0) return -1;
    s->next_run = max + 1;
  }
  return s->next_run - 1;
}

int64_t store_next_run(Store *s) { return store_last_run(s) < 0 ? -1 : s->next_run++; }

int64_t store_count_slug(Store *s, const char *workspace, const char *slug) {
  SlugCount *c = slug_get(s, workspace, slug);
  return c ? c->count : -1;
}

bool store_take_number(Store *s, const char *workspace, const char *slug) {
  SlugCount *c = slug_get(s, workspace, slug);
  if (c) c->count++;
  return c;
}

void store_base_free(Store *s) {
  batch_forget();
  while (s->done_first) {
    Batch *b = s->done_first;
    s->done_first = b->next;
    batch_free(b);
  }
  for (int i = 0; s->slugs && i < SLUG_BUCKETS; i++)
    for (SlugCount *c = s->slugs[i], *next; c; c = next) {
      next = c->next;
      slug_free(c);
    }
  free(s->slugs);
  free(s->path);
  pthread_mutex_destroy(&s->done_lock);
  close(s->event_fd);
}

/* ---- the door ---- */

Store *store_open(const char *path, const StoreOptions *o, Err *e) {
  if (e) e->code = NULL;
  Store *s = o->memory ? store_mem_open(e) : store_sqlite_open(path, o, e);
  if (s && !o->memory) s->path = strdup(path);
  return s;
}

const char *store_path(const Store *s) { return s->path; }

void store_close(Store *s) {
  if (s) s->impl->close(s);
}

const char *store_failed(const Store *s) { return s->impl->failed(s); }

void store_submit(Store *s, Batch *b, uint64_t tag) {
  if (!b) {
    complete_lost(s, tag);
    return;
  }
  b->tag = tag;
  if (!b->error) count_new_runs(s, b);
  if (b->error) store_complete(s, b);
  else s->impl->submit(s, b);
}

void store_gather(Store *s) {
  if (s->impl->gather) s->impl->gather(s, true);
}

void store_release(Store *s) {
  if (s->impl->gather) s->impl->gather(s, false);
}

void store_together(Store *s, bool on) {
  if (s && s->impl->together) s->impl->together(s, on);
}

const char *store_error_text(const char *code) {
  static const char *const text[][2] = {
      {"store_failed", "the database could not be written: nothing more is acknowledged; start again to recover"},
      {"db_corrupt", "the database file is damaged: nothing more is acknowledged; restore it from a backup"},
      {"db_read", "the database could not be read"},
      {"disk_full", "no space left for the database; free some space and it goes on by itself"},
      {"run_exists", "a run with this number or id exists"},
      {"run_unknown", "no such run"},
      {"run_final", "the run has ended and never changes again"},
      {"out_of_order", "an earlier change of the run was refused"},
      {"stale_epoch", "another executor has taken the run over"},
      {"wait_exists", "another live wait has this key"},
      {"doc_conflict", "it was changed by somebody else meanwhile: read it again and repeat the change"},
      {"wait_missing", "no such wait"},
      {"job_conflict", "the job was changed by somebody else meanwhile"},
      {"job_exists", "another job holds this unique key"},
      {"table_exists", "another table has this name"},
      {"inbox_gone", "the inbox row is already gone"},
      {"not_executor", "only the executor changes runs; use the inbox beside it"},
      {"db_readonly", "the database was opened for reading only"},
      {"db_busy", "another process kept the database locked"},
      {"too_big", "the value is larger than 512 MiB"},
      {"out_of_memory", "out of memory"},
  };
  for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
    if (!strcmp(text[i][0], code)) return text[i][1];
  return "the batch was not stored";
}

bool store_submit_wait(Store *s, Batch *b, Err *e) {
  if (e) e->code = NULL;
  if (!b) return err_set(e, "out_of_memory", "out of memory");
  Waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  b->waiter = &w;
  store_submit(s, b, 0);
  pthread_mutex_lock(&w.lock);
  while (!w.done) pthread_cond_wait(&w.cond, &w.lock);
  pthread_mutex_unlock(&w.lock);
  return w.error ? err_set(e, w.error, "%s", store_error_text(w.error)) : true;
}

/* Reads forget the error of the call before, so that false with e->code NULL means "not there". */
Store *store_fresh(Store *s, Err *e) {
  if (e) e->code = NULL;
  return s;
}

bool store_run_get(Store *s, int64_t run, RunRow *out, Err *e) { return s->impl->run_get(store_fresh(s, e), run, out, e); }
bool store_run_by_id(Store *s, const char *workspace, const char *run_id, RunRow *out, Err *e) {
  return s->impl->run_by_id(store_fresh(s, e), workspace, run_id, out, e);
}
size_t store_runs(Store *s, int64_t after, unsigned mask, RunRow *out, size_t max, Err *e) {
  return s->impl->runs(store_fresh(s, e), after, mask, out, max, e);
}
size_t store_runs_newest(Store *s, const RunQuery *q, int64_t before, RunRow *out, size_t max, Err *e) {
  return s->impl->runs_newest(store_fresh(s, e), q, before, out, max, e);
}
size_t store_slot(Store *s, const char *workspace, const char *slot, unsigned mask, int64_t after, RunRow *out, size_t max, Err *e) {
  return s->impl->slot(store_fresh(s, e), workspace, slot, mask ? mask & RUNS_OPEN : RUNS_OPEN, after, out, max, e);
}
int64_t store_slot_queue(Store *s, const char *workspace, const char *slot, int64_t most) {
  return s->impl->slot_queue(s, workspace, slot, most);
}
bool store_journal(Store *s, int64_t run, int64_t after, bool (*f)(void *ctx, const JournalRec *r), void *ctx, Err *e) {
  return s->impl->journal(store_fresh(s, e), run, after, f, ctx, e);
}
bool store_snapshot_get(Store *s, int64_t run, int64_t *seq, Blob *out, Err *e) {
  return s->impl->snapshot_get(store_fresh(s, e), run, seq, out, e);
}
size_t store_timers_due(Store *s, int64_t now, TimerRow *out, size_t max, Err *e) {
  return s->impl->timers_due(store_fresh(s, e), now, out, max, e);
}
int64_t store_timer_next(Store *s) { return s->impl->timer_next(s); }
bool store_wait_get(Store *s, const char *workspace, const char *key, WaitRow *out, Err *e) {
  return s->impl->wait_get(store_fresh(s, e), workspace, key, out, e);
}
size_t store_waits(Store *s, const char *workspace, int64_t run, WaitRow *out, size_t max, Err *e) {
  return s->impl->waits(store_fresh(s, e), workspace, run, out, max, e);
}
size_t store_waits_under(Store *s, const char *workspace, const char *prefix, const char *after, WaitRow *out, size_t max, Err *e) {
  return s->impl->waits_under(store_fresh(s, e), workspace, prefix, after ? after : "", out, max, e);
}
size_t store_outcomes_under(Store *s, const char *workspace, const char *prefix, const char *after, InboxRow *out, size_t max, Err *e) {
  return s->impl->outcomes_under(store_fresh(s, e), workspace, prefix, after ? after : "", out, max, e);
}
bool store_outcomes_use(Store *s, const char *workspace, const char *prefix, int64_t *n, int64_t *bytes, Err *e) {
  return s->impl->outcomes_use(store_fresh(s, e), workspace, prefix, n, bytes, e);
}
bool store_outcome_get(Store *s, const char *workspace, const char *key, int64_t *at_ms, Blob *out, Err *e) {
  return s->impl->outcome_get(store_fresh(s, e), workspace, key, at_ms, out, e);
}
size_t store_inbox(Store *s, int64_t after, InboxRow *out, size_t max, Err *e) { return s->impl->inbox(store_fresh(s, e), after, out, max, e); }
size_t store_inbox_by_key(Store *s, const char *workspace, const char *key, InboxRow *out, size_t max, Err *e) {
  return s->impl->inbox_by_key(store_fresh(s, e), workspace, key, out, max, e);
}
bool store_kv_get(Store *s, const char *workspace, const char *key, KvRow *out, Err *e) {
  return s->impl->kv_get(store_fresh(s, e), workspace, key, out, e);
}
uint64_t store_reads(Store *s, uint64_t mine) { return s->impl->reads ? s->impl->reads(s, mine) : 0; }

size_t store_kv_list(Store *s, const char *workspace, const char *prefix, const char *after, KvRow *out, size_t max, Err *e) {
  return s->impl->kv_list(store_fresh(s, e), workspace, prefix ? prefix : "", after ? after : "", out, max, e);
}
void doc_row_free(DocRow *d) {
  free(d->workspace);
  free(d->kind);
  free(d->key);
  blob_free(&d->data);
  *d = (DocRow){0};
}
bool store_doc_get(Store *s, const char *workspace, const char *kind, const char *key, DocRow *out, Err *e) {
  return s->impl->doc_get(store_fresh(s, e), workspace, kind, key, out, e);
}
size_t store_docs(Store *s, const char *workspace, const char *kind, const char *prefix, const char *after, DocRow *out, size_t max, Err *e) {
  DocQuery q = {DOCS_BY_KEY, workspace, kind, prefix ? prefix : "", after ? after : "", 0, 0};
  return s->impl->docs(store_fresh(s, e), &q, out, max, e);
}
size_t store_docs_newest(Store *s, const char *workspace, const char *kind, int64_t before_ms, const char *before_key, DocRow *out, size_t max,
                         Err *e) {
  DocQuery q = {DOCS_NEWEST, workspace, kind, "", before_key ? before_key : "", before_ms, 0};
  return s->impl->docs(store_fresh(s, e), &q, out, max, e);
}
size_t store_docs_of_run(Store *s, const char *workspace, const char *kind, int64_t run, const char *after, DocRow *out, size_t max, Err *e) {
  DocQuery q = {DOCS_OF_RUN, workspace, kind, "", after ? after : "", 0, run};
  return s->impl->docs(store_fresh(s, e), &q, out, max, e);
}
size_t store_docs_due(Store *s, const char *workspace, const char *kind, int64_t until_ms, DocRow *out, size_t max, Err *e) {
  DocQuery q = {DOCS_DUE, workspace, kind, "", "", until_ms, 0};
  return s->impl->docs(store_fresh(s, e), &q, out, max, e);
}
size_t store_docs_everywhere(Store *s, const char *kind, const char *workspace, const char *after, int64_t expired_by, DocRow *out, size_t max,
                             Err *e) {
  DocQuery q = {DOCS_EVERYWHERE, workspace, kind, "", after, expired_by, 0};
  return s->impl->docs(store_fresh(s, e), &q, out, max, e);
}
bool store_docs_each(Store *s, const char *kind, int64_t expired_by, StoreDocFn f, void *ctx, Err *e) {
  enum { PAGE = 256 };
  DocRow page[PAGE];
  char *workspace = strdup(""), *key = strdup("");
  bool ok = true;
  for (size_t n = PAGE; ok && n == PAGE;) {
    n = store_docs_everywhere(s, kind, workspace, key, expired_by, page, PAGE, e);
    ok = !e->code;
    for (size_t i = 0; i < n; i++) ok = ok && f(ctx, &page[i]);
    free(workspace);
    free(key);
    workspace = strdup(n ? page[n - 1].workspace : "");
    key = strdup(n ? page[n - 1].key : "");
    for (size_t i = 0; i < n; i++) doc_row_free(&page[i]);
  }
  free(workspace);
  free(key);
  return ok;
}
size_t store_search(Store *s, const SearchQuery *q, SearchHit *out, size_t max, Err *e) { return s->impl->search(store_fresh(s, e), q, out, max, e); }
bool store_unit_get(Store *s, const uint8_t hash[16], char **file, Blob *out, Err *e) {
  return s->impl->unit_get(store_fresh(s, e), hash, file, out, e);
}
bool store_source_get(Store *s, const char *hash, char **file, Blob *out, Err *e) {
  return s->impl->source_get(store_fresh(s, e), hash, file, out, e);
}
bool store_meta_get(Store *s, const char *name, char **value, Err *e) { return s->impl->meta_get(store_fresh(s, e), name, value, e); }
bool store_changed(Store *s) { return s->impl->changed(s); }
void store_stats(const Store *s, StoreStats *out) { s->impl->stats(s, out); }
int store_sweep_history(Store *s, int64_t before, HistorySweep *at, int rows, Err *e) {
  return s->impl->sweep_history(store_fresh(s, e), before, at, rows, e);
}
int store_drop_history(Store *s, int64_t before, Err *e) {
  HistorySweep at = {0};
  Err local = {0};
  int n = 0, k;
  while ((k = store_sweep_history(s, before, &at, 100000, e ? e : &local)) >= 0) n += k;
  return n;
}
int64_t store_used_bytes(Store *s) { return s->impl->used_bytes(s); }
