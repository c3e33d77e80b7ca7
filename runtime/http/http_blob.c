/* http_blob.c - see http_blob.h. */
#include "http_blob.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/offload.h"
#include "runtime/base/secret_stream.h"
#include "runtime/table/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static OffloadPool pool = OFFLOAD_POOL("http-blobs", 16, NULL);

static char *text_or_null(const char *s) {
  char *p = *s ? strdup(s) : NULL;
  if (*s && !p) abort();
  return p;
}

static const char *error_type(const Err *e) { return e->code ? resource_error_type(e) : "validation"; }

/* ---- refs ---- */

/* A table goes as CSV. */
static bool open_table(Run *r, Val ref, HttpRef *out, Err *e) {
  int64_t size = 0;
  int fd = table_ref_csv(r, ref, RESOURCE_LOAD_MAX, &size, e);
  if (fd < 0) return e->code = error_type(e), false;
  *out = (HttpRef){fd, (uint64_t)size, text_or_null("text/csv; charset=utf-8"), text_or_null("table.csv")};
  return true;
}

static bool open_ref(void *ctx, Val ref, HttpRef *out, Err *e) {
  StepCall *c = ctx;
  Engine *engine = c->r->e;
  Resource r;
  int64_t size = 0;
  Val uri = resource_uri(ref);
  if (is_str(uri) && table_is_uri(str_s(uri))) return open_table(c->r, ref, out, e);
  bool ok = resource_find(engine, c, ref, &r, e);
  if (ok && r.size > resource_load_max(&r))
    ok = err_set(e, "oversize", "it has %lld bytes; a request's body takes at most %lld of the %s tier", (long long)r.size,
                 (long long)resource_load_max(&r), r.ephemeral ? "ephemeral" : "retained");
  int fd = ok ? resource_file(engine, &r, &size, e) : -1;
  if (fd < 0) return e->code = error_type(e), false;
  *out = (HttpRef){fd, (uint64_t)size, text_or_null(r.content_type), text_or_null(r.filename)};
  return true;
}

HttpRefs http_refs(StepCall *c) { return (HttpRefs){open_ref, c}; }

/* ---- into a blob ---- */

struct HttpSave {
  SecretStream *clean; /* cuts out what the server echoes of the step's secrets; NULL: there are none */
  BlobStore *store;
  BlobWriter *writer;
  int64_t most;
  StatusSet accept;
  Err err; /* of the writer */
  bool ok;
  BlobName name;
  char content_type[256];
};

static bool save_begin(void *ctx, int status) {
  HttpSave *s = ctx;
  return (status >= 200 && status < 300) || status_set_has(&s->accept, status);
}

static bool save_bytes(void *ctx, const char *p, size_t n) {
  HttpSave *s = ctx;
  if (!s->writer) s->writer = blobs_begin(s->store, s->most, &s->err);
  if (s->writer && blobs_write(s->writer, p, n, &s->err)) return true;
  if (!s->err.code) err_set(&s->err, "blob_io", "the body cannot be written");
  return false;
}

static bool save_write(void *ctx, const char *p, size_t n) {
  HttpSave *s = ctx;
  return s->clean ? secret_stream_add(s->clean, p, n, save_bytes, s) : save_bytes(s, p, n);
}

void http_save_clean(HttpSave *s, const SecretUse *used) {
  if (s && !s->clean) s->clean = secret_stream_new(used);
}

bool http_save_wanted(Val cfg, const HttpPlan *plan) {
  Persist p;
  Err err = {0};
  if (!persist_read(map_get_kw(cfg, "persist"), "http", false, &p, &err) || p.type != PERSIST_BLOB) return false;
  return plan->as == HTTP_AS_AUTO || plan->as == HTTP_AS_BYTES;
}

HttpSave *http_save_new(Engine *e, StepCall *c, HttpPlan *plan, HttpRequest *req) {
  Persist p;
  Err err = {0};
  Val cfg = step_config(c), opts = map_get_kw(cfg, "client-opts");
  if (!http_save_wanted(cfg, plan) || !persist_read(map_get_kw(cfg, "persist"), "http", false, &p, &err)) return NULL;
  HttpSave *s = calloc(1, sizeof *s);
  if (!s) abort();
  s->store = blobs_hold(engine_blobs(e));
  s->most = p.ephemeral ? PERSIST_EPHEMERAL_MAX : PERSIST_RETAINED_MAX;
  s->accept = plan->accept;
  plan->saved = true;
  if (!is_map(opts) || is_nil(map_get_kw(opts, "max-response-bytes"))) req->max_response = (size_t)s->most;
  http_request_sink(req, s, save_write)->begin = save_begin;
  return s;
}

void http_save_free(HttpSave *s) {
  if (!s) return;
  if (s->writer) blobs_abort(s->writer);
  blobs_close(s->store);
  secret_stream_free(s->clean);
  free(s);
}

Val http_save_error(const HttpSave *s) {
  if (!s || !s->err.code) return NIL;
  char msg[600];
  snprintf(msg, sizeof msg, ":persist: %s", s->err.msg);
  return http_error_map(error_type(&s->err), resource_error_passes(&s->err), msg);
}

static void finish_work(void *arg) {
  HttpSave *s = arg;
  if (s->clean && !secret_stream_end(s->clean, save_bytes, s)) return;
  if (!s->writer) s->writer = blobs_begin(s->store, s->most, &s->err); /* a body of no bytes */
  s->ok = s->writer && blobs_finish(s->writer, &s->name, &s->err);
  s->writer = NULL;
}

static void finish_done(Engine *e, uint64_t token, void *arg) {
  HttpSave *s = arg;
  StepCall *c = e ? step_by_token(e, token) : NULL;
  if (c && s->ok) step_done_blob(e, c, c->keeping, &s->name, s->content_type);
  else if (c) step_failed(e, c, http_save_error(s), -1);
  http_save_free(s);
}

void http_save_finish(HttpSave *s, Engine *e, StepCall *c, Val result) {
  Err err = {0};
  Val type = map_get(map_get_kw(result, "headers"), str_c("content-type"), NIL);
  snprintf(s->content_type, sizeof s->content_type, "%s", is_str(type) ? str_s(type) : "application/octet-stream");
  c->keeping = result;
  if (offload_run(&pool, e, finish_work, finish_done, s, step_token(c), &err)) return;
  finish_work(s); /* no thread: here, then */
  finish_done(e, step_token(c), s);
}
