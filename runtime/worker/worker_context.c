/* worker_context.c - see worker_context.h */
#include "worker_context.h"
#include "runtime/cli/cli.h"
#include "worker_dir.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 6 }; /* with pauses of 150 ms, 450 ms ... */

static const char *env(const char *name) {
  const char *s = getenv(name);
  return s && *s ? s : NULL;
}

/* The file that there is; in `b`. */
static const char *context_file(Buf *b) {
  const char *file = env("BREYTA_JOB_CONTEXT_FILE"), *dir = env("BREYTA_JOB_DIR");
  if (file) return file;
  if (!dir) return NULL;
  buf_fmt(b, "%s/worker-context.json", dir);
  return access(buf_cstr(b), F_OK) == 0 ? b->p : NULL;
}

static bool from_file(WorkerContext *c, Err *e) {
  Val v;
  if (!worker_dir_read(c->file, &v, e)) return false;
  if (!is_map(v)) return err_set(e, "no_job", "%.300s is not a worker's context", c->file);
  c->keep = v;
  c->job = client_text_at(v, "jobId");
  c->token = client_text_at(v, "leaseToken");
  c->result = client_text_at(v, "resultFile");
  return true;
}

static bool complete(const WorkerContext *c, unsigned needs, Err *e) {
  const char *lacks = !c->job && needs & WORKER_NEEDS_TOKEN       ? "BREYTA_JOB_ID"
                      : !c->token && needs & WORKER_NEEDS_TOKEN   ? "BREYTA_JOB_LEASE_TOKEN"
                      : !c->result && needs & WORKER_NEEDS_RESULT ? "BREYTA_JOB_RESULT_FILE"
                                                                  : NULL;
  return !lacks || err_set(e, "no_job",
                           "this command belongs into a handler of `breyta jobs worker run`, which sets BREYTA_JOB_CONTEXT_FILE; it is not "
                           "set, nor is %s",
                           lacks);
}

bool worker_context(ClientRun *r, unsigned needs, WorkerContext *c) {
  Buf b = {0};
  Err e = {0};
  *c = (WorkerContext){.keep = NIL};
  const char *file = context_file(&b);
  if (file) c->keep = str_c(file), c->file = str_s(c->keep);
  buf_free(&b);
  if (c->file && !from_file(c, &e)) {
    client_fail(r, e.code, "%s", e.msg);
    return false;
  }
  if (!c->job) c->job = env("BREYTA_JOB_ID");
  if (!c->token) c->token = env("BREYTA_JOB_LEASE_TOKEN");
  if (!c->result) c->result = env("BREYTA_JOB_RESULT_FILE");
  if (complete(c, needs, &e)) return true;
  client_fail(r, e.code, "%s", e.msg);
  return false;
}

Client *worker_context_client(ClientRun *r) {
  Client *c = client_of(r);
  if (c) client_tries(c, TRIES);
  return c;
}

Val worker_context_args(const WorkerContext *c, Val args) {
  return client_put_text(client_put_text(args, "jobId", c->job), "leaseToken", c->token);
}

static Val shown_map(Val m) {
  Val out = map_empty, k, v;
  MapIter it;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    const char *name = id_text(k);
    if (!strcmp(name, "_breytaPersisted")) continue;
    out = map_assoc(out, k, !strcmp(name, "leaseToken") && is_str(v) ? str_c("[redacted]") : worker_context_shown(v));
  }
  return out;
}

Val worker_context_shown(Val v) {
  if (is_map(v)) return shown_map(v);
  if (!is_vec(v)) return v;
  Val out = vec_empty;
  for (uint32_t i = 0; i < vec_count(v); i++) out = vec_conj(out, worker_context_shown(vec_nth(v, i)));
  return out;
}
