/* resource_fetch.c - blobs that are not on this machine: a step that misses one waits while a helper thread gets it, and begins again.
 * That is before it has done anything: its body is not sent, its code not run, its rows not read. */
#include "runtime/engine/engine_int.h"
#include "runtime/engine/offload.h"
#include "resource.h"
#include <stdlib.h>
#include <string.h>

/* More for one attempt would mean that they push each other out of the cache. */
enum { FETCHES_MAX = 200 };
static OffloadPool pool = OFFLOAD_POOL("blob-fetch", 16, NULL);
typedef struct Fetch { BlobStore *store; char hash[65]; bool ok; Err err; } Fetch;

static const struct { const char *code, *type; bool passes; } errors[] = {
    {"not_found", "not-found", false},        {"blob_io", "resource-io", true},         {"disk_full", "disk-full", true},
    {"blob_busy", "resource-busy", true},     {"blob_denied", "resource-denied", false}, {"blob_damaged", "resource-damaged", false},
    {"blob_away", "resource-away", true},     {"oversize", "oversize", false},
};

const char *resource_error_type(const Err *err) {
  for (size_t i = 0; err->code && i < sizeof errors / sizeof *errors; i++)
    if (!strcmp(err->code, errors[i].code)) return errors[i].type;
  return err->code ? err->code : "resource-io";
}

bool resource_error_passes(const Err *err) {
  for (size_t i = 0; err->code && i < sizeof errors / sizeof *errors; i++)
    if (!strcmp(err->code, errors[i].code)) return errors[i].passes;
  return true;
}

void resource_away(Engine *e, const Resource *r, const Err *err) {
  if (err->code && !strcmp(err->code, "blob_away")) memcpy(e->away, r->hash, sizeof e->away);
}

int resource_file(Engine *e, const Resource *r, int64_t *size, Err *err) {
  int fd = blobs_file(engine_blobs(e), r->hash, size, err);
  if (fd < 0) resource_away(e, r, err);
  return fd;
}

static void work(void *arg) {
  Fetch *f = arg;
  f->ok = blobs_fetch(f->store, f->hash, &f->err);
}

static void begin_again(StepCall *c) {
  Run *r = c->r;
  if (c->kind) {
    c->kind->start(r->e, c);
    return;
  }
  r->phase = R_COMMITTING;
  step_begin_attempt(c);
}

static void done(Engine *e, uint64_t token, void *arg) {
  Fetch *f = arg;
  StepCall *c = e ? step_by_token(e, token) : NULL;
  bool does_without = c && kw_is(c->type, "search"); /* what it cannot get it does not show */
  if (does_without && !f->ok) c->fetches = FETCHES_MAX;
  if (c && (f->ok || does_without)) begin_again(c);
  else if (c) step_error(c, map_assoc(err_map(resource_error_type(&f->err), f->err.msg), kw_c("retryable?"), bool_val(resource_error_passes(&f->err))), -1);
  blobs_close(f->store);
  free(f);
}

bool resource_fetch(StepCall *c, Val error) {
  Engine *e = c->r->e;
  Err err = {0};
  if (!*e->away || !kw_is(map_get_kw(error, "type"), "resource-away") || c->fetches++ >= FETCHES_MAX) return false;
  Fetch *f = calloc(1, sizeof *f);
  if (!f) abort();
  f->store = blobs_hold(engine_blobs(e));
  memcpy(f->hash, e->away, sizeof f->hash);
  *e->away = 0;
  c->r->phase = R_EFFECT;
  if (offload_run(&pool, e, work, done, f, step_token(c), &err)) return true;
  blobs_close(f->store); /* no thread: the step fails, and may be tried again */
  free(f);
  c->r->phase = R_COMMITTING;
  return false;
}
