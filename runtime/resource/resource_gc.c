#include "resource_gc.h"
#include "eval/unit.h"
#include "resource.h"
#include "runtime/store/snapshot.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE = 256, HASHED = 16 };
#define SCHEME "res://"
#define SCHEME_N 6
#define UNFINISHED RUNS_OPEN

/* ---- sets of 64-bit hashes; the lowest bit is a mark ----
 * Two names with one hash keep each other alive, which is harmless. */
typedef struct HashSet { uint64_t *a; size_t n, cap; } HashSet;

static uint64_t *set_slot(const HashSet *s, uint64_t h) {
  size_t i = (h >> 1) * 0x9e3779b97f4a7c15u >> 20 & (s->cap - 1);
  while (s->a[i] && (s->a[i] | 1) != (h | 1)) i = (i + 1) & (s->cap - 1);
  return &s->a[i];
}

static void set_grow(HashSet *s) {
  HashSet to = {.n = s->n, .cap = s->cap ? s->cap * 2 : 1024};
  to.a = calloc(to.cap, sizeof *to.a);
  if (!to.a) abort();
  for (size_t i = 0; i < s->cap; i++)
    if (s->a[i]) *set_slot(&to, s->a[i]) = s->a[i];
  free(s->a);
  *s = to;
}

static void set_add(HashSet *s, uint64_t h) {
  if (s->n * 2 >= s->cap) set_grow(s);
  uint64_t *at = set_slot(s, h);
  if (*at) return;
  *at = h;
  s->n++;
}

static uint64_t *set_find(const HashSet *s, uint64_t h) {
  uint64_t *at = s->cap ? set_slot(s, h) : NULL;
  return at && *at ? at : NULL;
}

/* FNV-1a, so that the hashes of all beginnings of a text come one after the other. */
#define FNV_START 0xcbf29ce484222325u
static uint64_t fnv(uint64_t h, unsigned char c) { return (h ^ c) * 0x100000001b3u; }
/* Never 0, the mark is off. */
static uint64_t set_key(uint64_t fnv) { return (fnv & ~(uint64_t)1) ? fnv & ~(uint64_t)1 : 2; }
static uint64_t text_key(const char *s) {
  uint64_t h = FNV_START;
  while (*s) h = fnv(h, (unsigned char)*s++);
  return set_key(h);
}

typedef struct Gc {
  Store *s;
  BlobStore *blobs;
  int64_t now;
  bool dry_run;
  HashSet over, used;                  /* URIs that have expired, marked: referenced; blobs that are named */
  bool lengths[RESOURCE_URI_MAX + 1];  /* of URIs in `over` */
  Batch *batch;
  ResourceGc *out;
  Err *e;
} Gc;

/* ---- documents ---- */

static bool each_doc(Gc *g, int64_t expired_by, StoreDocFn f) { return store_docs_each(g->s, RESOURCE_KIND, expired_by, f, g, g->e); }

static bool add_expired(void *ctx, const DocRow *d) {
  Gc *g = ctx;
  Resource r;
  size_t n = strlen(d->key);
  if (!resource_of(d, &r) || n > RESOURCE_URI_MAX || strncmp(d->key, SCHEME, SCHEME_N)) return true;
  set_add(&g->over, text_key(d->key));
  g->lengths[n] = true;
  g->out->expired++;
  return true;
}

/* ---- what unfinished runs hold ---- */

/* Marks the URIs that p begins with. */
static void mark_at(Gc *g, const char *p, size_t n) {
  uint64_t h = FNV_START, *at;
  for (size_t i = 0; i < n && i < RESOURCE_URI_MAX; i++) {
    h = fnv(h, (unsigned char)p[i]);
    if (g->lengths[i + 1] && (at = set_find(&g->over, set_key(h)))) *at |= 1;
  }
}

static void mark_bytes(Gc *g, const char *p, size_t n) {
  const char *end = p + n, *at = p;
  while ((at = memmem(at, (size_t)(end - at), SCHEME, SCHEME_N))) {
    mark_at(g, at, (size_t)(end - at));
    at += SCHEME_N;
  }
}

static bool mark_snapshot(Gc *g, const void *p, size_t n, const char *what) {
  Blob b;
  if (!snap_bytes(p, n, &b)) return err_set(g->e, "db_corrupt", "%s is damaged: nothing was removed", what);
  mark_bytes(g, b.p, b.n);
  blob_free(&b);
  return true;
}

static bool mark_record(void *ctx, const JournalRec *r) {
  Gc *g = ctx;
  return mark_snapshot(g, r->data.p, r->data.n, "a record of an unfinished run");
}

static bool mark_start(void *ctx, const JournalRec *r) { return mark_record(ctx, r), false; }

static bool mark_run(Gc *g, const RunRow *row) {
  Blob snap = {0};
  int64_t seq = -1;
  bool ok = true;
  if (store_snapshot_get(g->s, row->run, &seq, &snap, g->e)) ok = mark_snapshot(g, snap.p, snap.n, "the snapshot of an unfinished run");
  else ok = !g->e->code, seq = 0;
  blob_free(&snap);
  ok = ok && store_journal(g->s, row->run, seq, mark_record, g, g->e) && !g->e->code;
  if (ok && seq > 0) ok = store_journal(g->s, row->run, 0, mark_start, g, g->e) && !g->e->code;
  g->out->runs++;
  return ok;
}

static bool mark_runs(Gc *g) {
  RunRow page[PAGE];
  int64_t after = 0;
  bool ok = true;
  size_t n = PAGE;
  while (ok && n == PAGE) {
    n = store_runs(g->s, after, UNFINISHED, page, PAGE, g->e);
    ok = !g->e->code;
    for (size_t i = 0; i < n; i++) {
      after = page[i].run;
      ok = ok && mark_run(g, &page[i]);
      run_row_free(&page[i]);
    }
  }
  return ok;
}

/* Answers are stored by others as well: one that is no value yet is looked through as it is. */
static bool mark_inbox(Gc *g) {
  InboxRow page[PAGE];
  int64_t after = 0;
  bool ok = true;
  size_t n = PAGE;
  while (ok && n == PAGE) {
    n = store_inbox(g->s, after, page, PAGE, g->e);
    ok = !g->e->code;
    for (size_t i = 0; i < n; i++) {
      Blob b;
      after = page[i].id;
      if (snap_bytes(page[i].body.p, page[i].body.n, &b)) mark_bytes(g, b.p, b.n), blob_free(&b);
      else mark_bytes(g, page[i].body.p, page[i].body.n);
      inbox_row_free(&page[i]);
    }
  }
  return ok;
}

/* ---- removing ---- */

static uint64_t blob_key(const char *hash) {
  char first[HASHED + 1] = "";
  memcpy(first, hash, HASHED);
  return set_key(strtoull(first, NULL, 16));
}

static bool goes(const Gc *g, const DocRow *d) {
  const uint64_t *at = d->expires_ms && d->expires_ms <= g->now ? set_find(&g->over, text_key(d->key)) : NULL;
  return at && !(*at & 1);
}

static bool count_doc(void *ctx, const DocRow *d) {
  Gc *g = ctx;
  Resource r;
  Val m = snap_read_value(env_core(), d->data.p, d->data.n);
  if (!is_map(m)) return err_set(g->e, "db_corrupt", "the resource %.300s is damaged: nothing was removed", d->key);
  bool blob = resource_of(d, &r), gone = goes(g, d);
  g->out->resources++;
  g->out->removed += gone;
  g->out->referenced += !gone && blob && d->expires_ms && d->expires_ms <= g->now;
  if (blob && !gone) set_add(&g->used, blob_key(r.hash));
  return true;
}

/* What was written again since it was looked at stays, with the others of its batch: they go the next time. */
static bool remove_batched(Gc *g) {
  int64_t n = (int64_t)batch_ops(g->batch) / 2; /* each has an entry in the index */
  bool ok = store_submit_wait(g->s, g->batch, g->e), again = !ok && !strcmp(g->e->code, "doc_conflict");
  g->batch = batch_new();
  if (again) *g->e = (Err){0};
  else if (ok) g->out->removed += n;
  return ok || again;
}

static bool remove_doc(void *ctx, const DocRow *d) {
  Gc *g = ctx;
  if (!goes(g, d)) return true;
  batch_doc_del(g->batch, d->workspace, d->kind, d->key, d->rev);
  batch_index_del(g->batch, d->workspace, "resources", d->key);
  return batch_ops(g->batch) < 2 * PAGE || remove_batched(g);
}

static bool remove_docs(Gc *g) {
  g->batch = batch_new();
  bool ok = each_doc(g, g->now, remove_doc) && (!batch_ops(g->batch) || remove_batched(g));
  batch_free(g->batch);
  return ok;
}

static bool used(void *ctx, const char *hash) { return set_find(&((Gc *)ctx)->used, blob_key(hash)) != NULL; }

bool resource_gc(Store *s, BlobStore *b, int64_t now, int64_t grace_ms, bool dry_run, ResourceGc *out, Err *e) {
  Gc g = {.s = s, .blobs = b, .now = now, .dry_run = dry_run, .out = out, .e = e};
  *out = (ResourceGc){0};
  *e = (Err){0};
  bool ok = each_doc(&g, now, add_expired);
  if (ok && g.over.n) ok = mark_runs(&g) && mark_inbox(&g);
  ok = ok && each_doc(&g, 0, count_doc);
  int64_t gone = out->removed;
  if (ok && gone && !dry_run) out->removed = 0, ok = remove_docs(&g);
  ok = ok && blobs_sweep(b, used, &g, grace_ms, dry_run, &out->blobs, e);
  free(g.over.a);
  free(g.used.a);
  return ok;
}
