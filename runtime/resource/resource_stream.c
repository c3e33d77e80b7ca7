#include "resource_stream.h"
#include "runtime/base/hash.h"
#include "runtime/engine/offload.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 20 };
static OffloadPool pool = OFFLOAD_POOL("blob-stream", 16, NULL);

typedef struct Download {
  _Atomic int holders; /* the listener, and the helper thread that gets a chunk */
  pthread_mutex_t lock;
  BlobStore *store;
  Listener *l; /* NULL: nobody reads any more */
  uint64_t token, size, at; /* at: where the chunk begins */
  char *chunk;
  size_t n;
  bool busy, failed;
  HashStream *hash; /* of what came from the start in order; NULL: it did not */
  uint64_t hashed;
  bool ranged;
  Resource what;
  Err err;
} Download;

static void release(Download *d) {
  if (atomic_fetch_sub(&d->holders, 1) > 1) return;
  if (d->hash) hash_end(d->hash, NULL);
  blobs_close(d->store);
  pthread_mutex_destroy(&d->lock);
  free(d->chunk);
  free(d);
}

/* The chunk counts to the hash; at the end that has to be right. */
static bool right(Download *d, uint64_t at, size_t n) {
  char is[65];
  if (!d->hash || at != d->hashed) return true;
  hash_add(d->hash, d->chunk, n);
  d->hashed += n;
  if (d->hashed < d->size) return true;
  hash_end(d->hash, is);
  d->hash = NULL;
  return !strcmp(is, d->what.hash) || err_set(&d->err, "blob_damaged", "the blob %.12s.. is damaged in the object storage", d->what.hash);
}

/* Helper thread; while `busy` the chunk is its own. */
static bool get_chunk(Download *d, uint64_t at, size_t n) {
  size_t got;
  if (!blobs_range(d->store, d->what.hash, (int64_t)at, d->chunk, n, &got, &d->err)) return false;
  if (!got && d->size) return err_set(&d->err, "blob_damaged", "the blob %.12s.. is shorter than it should be", d->what.hash);
  d->at = at;
  d->n = got;
  return right(d, at, got);
}

/* ---- as the listener takes it ---- */

static void next_chunk(void *arg) {
  Download *d = arg;
  bool ok = get_chunk(d, d->at, CHUNK);
  pthread_mutex_lock(&d->lock);
  d->busy = false;
  d->failed = !ok;
  if (d->l) listener_wake(d->l, d->token);
  pthread_mutex_unlock(&d->lock);
  release(d);
}

static int64_t take(Download *d, uint64_t at, char *p, size_t n) { /* locked */
  if (d->failed) return -1;
  if (d->busy) return 0;
  if (at >= d->at && at < d->at + d->n) {
    if (n > d->at + d->n - at) n = (size_t)(d->at + d->n - at);
    memcpy(p, d->chunk + (at - d->at), n);
    return (int64_t)n;
  }
  d->at = at;
  d->n = 0;
  d->busy = true;
  atomic_fetch_add(&d->holders, 1);
  if (offload_post(&pool, next_chunk, d)) return 0;
  atomic_fetch_sub(&d->holders, 1);
  d->busy = false;
  return -1;
}

static int64_t source_read(void *ctx, uint64_t at, char *p, size_t n) {
  Download *d = ctx;
  pthread_mutex_lock(&d->lock);
  int64_t got = take(d, at, p, n);
  pthread_mutex_unlock(&d->lock);
  return got;
}

static void source_free(void *ctx) {
  Download *d = ctx;
  pthread_mutex_lock(&d->lock);
  d->l = NULL;
  pthread_mutex_unlock(&d->lock);
  release(d);
}

/* ---- the beginning ---- */

/* Of a range only whether there is something: it may begin anywhere. */
static void first_chunk(void *arg) {
  Download *d = arg;
  d->failed = !get_chunk(d, 0, d->ranged ? 1 : CHUNK);
}

static void answer_failed(const Download *d) {
  char text[700], msg[sizeof d->err.msg];
  size_t n = 0;
  for (const char *p = d->err.msg; *p && n + 1 < sizeof msg; p++) msg[n++] = (unsigned char)*p < ' ' || *p == '"' || *p == '\\' ? '\'' : *p;
  msg[n] = 0;
  int k = snprintf(text, sizeof text, "{\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", d->err.code, msg);
  listener_answer(d->l, d->token, !strcmp(d->err.code, "not_found") ? 404 : resource_error_passes(&d->err) ? 503 : 502, text, (size_t)k);
}

static void begun(Engine *e, uint64_t token, void *arg) {
  Download *d = arg;
  if (!e || d->failed) {
    if (e) answer_failed(d); /* a listener goes with its engine */
    release(d);
    return;
  }
  listener_answer_source(d->l, token, (ListenSource){d, source_read, source_free}, d->size, d->what.content_type, *d->what.filename ? d->what.filename : NULL);
}

bool resource_stream(Engine *e, Listener *l, const ListenRequest *r, const Resource *what) {
  Err err = {0};
  Download *d = calloc(1, sizeof *d);
  if (!d || !(d->chunk = malloc(CHUNK))) abort();
  d->holders = 1;
  pthread_mutex_init(&d->lock, NULL);
  d->store = blobs_hold(engine_blobs(e));
  d->l = l;
  d->token = r->token;
  d->size = (uint64_t)what->size;
  d->what = *what;
  d->ranged = listener_header(r, "range");
  d->hash = hash_begin();
  if (offload_run(&pool, e, first_chunk, begun, d, r->token, &err)) return true;
  release(d);
  return false;
}
