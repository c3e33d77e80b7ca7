/* worker_handler.c - what a handler calls while it works: progress, finish, fail, state; see worker_cli.h. finish and fail ask no server:
 * they write into result.json, which the worker reports when the handler has ended. */
#include "runtime/cli/cli.h"
#include "worker_cli.h"
#include "worker_context.h"
#include "worker_dir.h"
#include "reader/map.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int worker_handler_progress(ClientRun *r) {
  WorkerContext c;
  ClientAnswer a;
  if (!worker_context(r, WORKER_NEEDS_TOKEN, &c) || !worker_context_client(r)) return EXIT_FAILED;
  r->args = worker_context_args(&c, r->args);
  client_send(r, &a);
  int status = client_finish(r, &a);
  client_answer_free(&a);
  return status;
}

/* --- finish, fail ------------------------------------------------------------------------------------------------------------------------
 */
/* Maps add up over several calls; anything else takes the place of what was there. */
static Val merged(Val was, Val more) {
  Val k, v;
  MapIter it;
  if (!is_map(more)) return was;
  map_iter(&it, more);
  while (map_next(&it, &k, &v)) {
    Val old = map_get(was, k, NIL);
    was = map_assoc(was, k, is_map(old) && is_map(v) ? map_merge(old, v) : v);
  }
  return was;
}

static Val finished(Val was, void *ctx) {
  Val is = merged(was, *(Val *)ctx);
  const char *status = client_text_at(is, "status");
  return status && *status ? is : client_put_text(is, "status", "succeeded");
}

static Val failed(Val was, void *ctx) { return client_put_text(merged(was, *(Val *)ctx), "status", "failed"); }

static int write_result(ClientRun *r, Val (*change)(Val was, void *ctx)) {
  WorkerContext c;
  Err e = {0};
  Val is;
  if (!worker_context(r, WORKER_NEEDS_RESULT, &c)) return EXIT_FAILED;
  if (!worker_dir_change(c.result, change, &r->args, &is, &e)) return client_fail(r, e.code, "%s", e.msg);
  Val data = client_put_text(client_put_text(NIL, "jobId", c.job), "resultFile", c.result);
  return client_done(r, client_put(data, "result", worker_context_shown(is)));
}

/* "No-Changes" is no_changes, as the worker reads it. */
static bool status_ok(ClientRun *r) {
  static const char *const known[] = {"succeeded", "no_changes", "cancelled", "failed", "timed_out"};
  const char *given = client_text(r, "status");
  Buf b = {0};
  bool ok = !given;
  for (const char *p = given; p && *p; p++) buf_ch(&b, *p == '-' ? '_' : (char)tolower((unsigned char)*p));
  for (size_t i = 0; !ok && i < sizeof known / sizeof *known; i++) ok = !strcmp(buf_cstr(&b), known[i]);
  if (ok && given) r->args = client_put_text(r->args, "status", b.p);
  buf_free(&b);
  return ok;
}

int worker_handler_finish(ClientRun *r) {
  if (status_ok(r)) return write_result(r, finished);
  return client_usage(r, "--status: one of succeeded, no_changes, cancelled and failed is expected, not %.100s", client_text(r, "status"));
}
int worker_handler_fail(ClientRun *r) { return write_result(r, failed); }

/* --- state ------------------------------------------------------------------------------------------------------------------------ */
static Val file_state(const char *path) {
  struct stat st;
  Buf b = {0};
  Err e = {0};
  Val v, m = client_put_text(NIL, "path", path);
  bool there = stat(path, &st) == 0;
  m = client_put(m, "exists", bool_val(there));
  if (!there) return m;
  m = client_put(m, "sizeBytes", int_val(st.st_size));
  if (worker_dir_read(path, &v, &e))
    return same(v, ABSENT) ? client_put_text(m, "raw", "") : client_put(m, "json", worker_context_shown(v));
  m = client_put_text(m, "jsonError", e.msg);
  if (st.st_size <= 65536 && cli_read_file(path, &b)) m = client_put(m, "raw", str_new(buf_cstr(&b), b.n));
  buf_free(&b);
  return m;
}

static bool find_dir(ClientRun *r, WorkerDir *d) {
  const char *given = client_text(r, "job-dir"), *dir = given ? given : getenv("BREYTA_JOB_DIR");
  if (!dir || !*dir) {
    client_fail(r, "no_job", "which job? Inside of a handler BREYTA_JOB_DIR says it, elsewhere --job-dir DIR");
    return false;
  }
  char *path = realpath(dir, NULL);
  if (!path) {
    client_fail(r, "not_found", "there is no folder %.300s", dir);
    return false;
  }
  worker_dir_at(d, path);
  free(path);
  return true;
}

static Val put_known(Val data, const char *key, Val file) {
  Val v = client_at(file, "json");
  return is_nil(v) ? data : client_put(data, key, v);
}

static bool set(const char *name) {
  const char *s = getenv(name);
  return s && *s;
}

int worker_handler_state(ClientRun *r) {
  WorkerDir d;
  if (!find_dir(r, &d)) return EXIT_FAILED;
  Val context = file_state(d.context), job = file_state(d.job), payload = file_state(d.payload), result = file_state(d.result);
  Val files = client_put(client_put(NIL, "context", context), "job", job);
  files = client_put(client_put(files, "payload", payload), "result", result);
  Val data = client_put_text(client_put_text(NIL, "jobDir", d.path), "jobFile", d.job);
  data = client_put_text(client_put_text(data, "payloadFile", d.payload), "resultFile", d.result);
  data = client_put(client_put_text(data, "contextFile", d.context), "files", files);
  data = put_known(put_known(put_known(put_known(data, "job", job), "payload", payload), "result", result), "context", context);
  data = client_put_text(client_put_text(data, "apiUrl", r->where.url), "workspace", r->where.workspace);
  data = client_put(data, "apiKeyPresent", bool_val(set("BREYTA_API_KEY")));
  data = client_put(data, "tokenPresent", bool_val(set("BREYTA_TOKEN")));
  worker_dir_free(&d);
  return client_done(r, data);
}
