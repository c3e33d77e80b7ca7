/* ssh_save.c - see ssh_save.h. */
#include "ssh_save.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/secret_stream.h"
#include <stdlib.h>

struct SshSave {
  SecretStream *clean; /* cuts out what the other side echoes of the step's secrets; NULL: there are none */
  BlobWriter *writer;
  Err err;
};

static bool put(void *ctx, const char *p, size_t n) {
  SshSave *s = ctx;
  return blobs_write(s->writer, p, n, &s->err);
}

static bool sink(void *ctx, const char *p, size_t n) {
  SshSave *s = ctx;
  if (!s->writer) return false;
  return s->clean ? secret_stream_add(s->clean, p, n, put, s) : put(s, p, n);
}

SshSave *ssh_save_new(StepCall *c, SshJob *j) {
  Persist p;
  Err err = {0};
  if (!persist_read(map_get_kw(step_config(c), "persist"), "ssh", false, &p, &err) || p.type != PERSIST_BLOB) return NULL;
  SshSave *s = calloc(1, sizeof *s);
  if (!s) abort();
  int64_t most = p.ephemeral ? PERSIST_EPHEMERAL_MAX : PERSIST_RETAINED_MAX;
  s->clean = secret_stream_new(*step_secrets_used(c));
  s->writer = blobs_begin(engine_blobs(c->r->e), most, &s->err);
  j->sink = sink;
  j->ctx = s;
  j->max_get = most;
  return s;
}

void ssh_save_free(SshSave *s) {
  if (!s) return;
  if (s->writer) blobs_abort(s->writer);
  secret_stream_free(s->clean);
  free(s);
}

const Err *ssh_save_error(const SshSave *s) { return s && s->err.code ? &s->err : NULL; }

void ssh_save_finish(SshSave *s, StepCall *c, Val result, const char *content_type) {
  if (s->clean) (void)secret_stream_end(s->clean, put, s);
  if (s->err.code || !s->writer) {
    Val m = map_assoc(err_map(resource_error_type(&s->err), s->err.msg), kw_c("retryable?"), bool_val(resource_error_passes(&s->err)));
    ssh_save_free(s);
    step_failed(c->r->e, c, m, -1);
    return;
  }
  BlobWriter *w = s->writer;
  s->writer = NULL;
  ssh_save_free(s);
  persist_written(c, map_assoc(result, kw_c("content-type"), str_c(content_type)), w);
}
