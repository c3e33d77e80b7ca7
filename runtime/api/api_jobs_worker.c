/* api_jobs_worker.c - claims, and what workers do with their jobs: see api_jobs.h */
#include "api_jobs.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "runtime/base/limits.h"
#include "runtime/table/table.h"
#include "reader/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOLD_MORE_MS = 5000, LABELS_MAX = 50, TAIL_MAX = 1 << 20 };
#define SCOPE "jobs.worker"

/* --- claims -------------------------------------------------------------------------------------------------------------------- */
typedef struct Claim {
  Api *api;
  ApiLater later;
  uint64_t token;
} Claim;

static bool claim_alive(void *ctx) {
  const Claim *c = ctx;
  return engine_listen_alive(c->api->listener, c->token);
}

/* A worker dies of anything but 200: who gets no job because something is wrong here asks again. One that has hung up is answered too, so that
 * his connection ends. */
static bool claim_got(void *ctx, const JobRow *j, const char *error) {
  Claim *c = ctx;
  bool told = true;
  if (c->api->listener && !(error && !strcmp(error, "stopping"))) {
    Val none[] = {kw_c("job"), NIL};
    bool alive = !j || claim_alive(c);
    Val data = j && alive ? api_job_map(j, JOB_SHOW_PAYLOAD | JOB_SHOW_TOKEN) : map_from(none, 1, false);
    told = api_later_ok(c->api, &c->later, data, NIL) && alive;
  }
  free(c);
  return told;
}

static bool labels_of(ApiCall *c, char **out) {
  Val m = api_arg(c, "workerLabels"), k, v;
  MapIter it;
  Buf b = {0};
  *out = NULL;
  if (is_nil(m) || !map_count(m)) return true;
  if (map_count(m) > LABELS_MAX) return api_fail(c, 400, "bad_request", "args.workerLabels: at most %d labels", LABELS_MAX);
  map_iter(&it, m);
  while (map_next(&it, &k, &v))
    if (!is_str(v)) return api_fail(c, 400, "bad_request", "args.workerLabels: texts are expected as values");
  if (!is_sig(print_to(&b, m, &print_readably))) *out = strdup(buf_cstr(&b));
  buf_free(&b);
  return true;
}

static bool batch_number(ApiCall *c, int64_t *out) {
  JobBatchRow b;
  Err err = {0};
  const char *id = api_text(c, "batchId");
  *out = 0;
  if (!id || !*id) return true;
  if (!jobs_batch_get(c->api->engine, c->workspace, id, &b, &err))
    return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "there is no batch %.100s", id);
  *out = b.batch;
  job_batch_row_free(&b);
  return true;
}

/* By which operation, so that whoever lost the answer gets this job again. */
static void claim_named(ApiCall *c, char out[JOB_CLAIM_MAX]) {
  Buf b = {0};
  char op[65];
  *out = 0;
  if (!c->op_id) return;
  buf_fmt(&b, "%s/%s/%s", c->workspace, c->key_id, c->op_id);
  hash_sha256_hex(b.p, b.n, op);
  snprintf(out, JOB_CLAIM_MAX, "%.*s %.16s", JOB_CLAIM_ID, op, api_request_hash(c));
  buf_free(&b);
}

static bool claim(ApiCall *c) {
  const char *type = api_text(c, "jobType"), *worker = api_text(c, "workerId");
  int64_t batch, wait = api_int(c, "waitMs", 0);
  char *labels, name[JOB_CLAIM_MAX];
  if (!api_job_text(c, "jobType", type) || !api_job_text(c, "workerId", worker) || !api_job_type_ok(c, type) || !batch_number(c,
      &batch)) return false;
  claim_named(c, name);
  if (!jobs_claim_fits(c->api->engine, name)) return api_op_mismatch(c);
  if (!labels_of(c, &labels)) return false;
  Claim *k = calloc(1, sizeof *k);
  JobAsk *a = calloc(1, sizeof *a);
  if (!k || !a) abort();
  *k = (Claim){.api = c->api, .token = c->request->token};
  if (!api_put_off(c, &k->later, wait + HOLD_MORE_MS)) return free(k), free(a), free(labels), false;
  *a = (JobAsk){.workspace = mem_raw_copy(c->workspace), .type = mem_raw_copy(type), .worker = mem_raw_copy(worker), .labels = labels, .batch = batch,
                .lease_ms = api_int(c, "leaseDuration", JOB_LEASE_MS), .until_ms = wait ? now_ms() + wait : 0, .token = k->token,
                .alive = claim_alive, .got = claim_got, .ctx = k};
  memcpy(a->claim, name, sizeof name);
  jobs_ask(c->api->engine, a);
  return true;
}

/* --- the job of a worker ------------------------------------------------------------------------------------------------------- */
/* false: the call has failed. */
static bool held(ApiCall *c, JobRow *j, enum JobCall *how) {
  Err err = {0};
  const char *id = api_text(c, "jobId");
  *how = jobs_held(c->api->engine, c->workspace, id, api_text(c, "leaseToken"), j, &err);
  if (*how == JOB_CALL_ERROR) return api_fail_err(c, &err);
  if (*how == JOB_CALL_MISSING) return api_fail(c, 404, "not_found", "there is no job %.100s", id);
  bool ok = api_job_type_ok(c, j->type);
  if (ok && *how == JOB_CALL_CONFLICT)
    ok = api_fail(c, 409, "lease_conflict", "job %.60s is %s, and this lease token is not that of its last claim: another worker has it, or its lease has ended", id,
                  job_status_name(j->phase));
  if (!ok) job_row_free(j);
  return ok;
}

/* It is over, and this worker had it last: nothing changes. */
static bool late(ApiCall *c, JobRow *j) {
  Batch *b = batch_new();
  api_job_changed(c, j, jobs_settle(c->api->engine, j, b), b);
  job_row_free(j);
  return true;
}

static bool tail_fits(ApiCall *c, Val tail) {
  Buf b = {0};
  bool ok = !is_sig(snap_data(&b, tail)) && snap_last_size() <= TAIL_MAX;
  buf_free(&b);
  return ok || api_fail(c, 413, "too_large", "outputs, metrics, details and artifacts of a job may take 1 MiB together: keep large results as files or tables, and give their URIs");
}

static bool changed(ApiCall *c, JobRow *j, const JobUpdate *u, Batch *b) {
  bool ok = tail_fits(c, u->tail);
  if (ok) api_job_changed(c, j, jobs_update(c->api->engine, j, u, b), b);
  else batch_free(b);
  job_row_free(j);
  return ok;
}

/* --- artifacts ----------------------------------------------------------------------------------------------------------------- */
static bool same_artifact(Val a, Val b) {
  Val ua = map_get_kw(a, "resourceUri"), ub = map_get_kw(b, "resourceUri"), la = map_get_kw(a, "label"), lb = map_get_kw(b, "label");
  return is_str(ua) && is_str(ub) && same(val_eq(ua, ub), TRUE_V) && same(val_eq(la, lb), TRUE_V);
}

/* The same resource under the same label again is the newer one; all others are added. */
static Val with_artifact(Val all, Val a) {
  for (uint32_t i = 0; i < vec_count(all); i++)
    if (same_artifact(vec_nth(all, i), a)) return vec_assoc(all, i, a);
  return vec_conj(all, a);
}

static bool add_artifacts(ApiCall *c, Val *tail) {
  Val more = api_arg(c, "artifacts"), all = map_get_kw(*tail, "artifacts");
  if (is_nil(more)) return true;
  if (!is_vec(all)) all = vec_empty;
  for (uint32_t i = 0; i < vec_count(more); i++) {
    if (!is_map(vec_nth(more, i))) return api_fail(c, 400, "bad_request", "args.artifacts[%u]: an object is expected", i);
    all = with_artifact(all, vec_nth(more, i));
  }
  if (vec_count(all) > JOB_ARTIFACTS_MAX) return api_fail(c, 413, "too_large", "a job has at most %d artifacts", JOB_ARTIFACTS_MAX);
  if (vec_count(all)) *tail = map_assoc(*tail, kw_c("artifacts"), all);
  return true;
}

/* --- while it works ------------------------------------------------------------------------------------------------------------ */
static bool heartbeat(ApiCall *c) {
  JobRow j;
  enum JobCall how;
  if (!held(c, &j, &how)) return false;
  if (how == JOB_CALL_LATE) return late(c, &j);
  JobUpdate u = {.to = JOB_PHASES, .lease_ms = api_int(c, "leaseDuration", JOB_LEASE_MS)};
  u.tail = map_assoc(jobs_tail(&j), kw_c("heartbeat-ms"), int_val(now_ms()));
  return changed(c, &j, &u, batch_new());
}

static enum JobPhase phase_named(const char *status, enum JobPhase otherwise) {
  for (int p = JOB_LEASED; status && p < JOB_PHASES; p++)
    if (!strcmp(status, job_status_name((enum JobPhase)p))) return (enum JobPhase)p;
  return otherwise;
}

static void put_arg(const ApiCall *c, ValVec *m, const char *arg, const char *key) {
  Val v = api_arg(c, arg);
  if (is_nil(v)) return;
  vv_push(m, kw_c(key));
  vv_push(m, v);
}

/* What the attempt shows from now on. A worker's "first" word may come after the handler's own: then it says the status and no more. */
static Val progress_of(const ApiCall *c, Val before, const char *status) {
  ValVec m = {0};
  if (api_flag(c, "first") && is_map(before)) return map_assoc(before, kw_c("status"), str_c(status));
  api_put_text(&m, "status", status);
  put_arg(c, &m, "message", "message");
  put_arg(c, &m, "details", "details");
  put_arg(c, &m, "metrics", "metrics");
  api_put(&m, "updated-ms", int_val(now_ms()));
  return api_map(&m);
}

static bool progress(ApiCall *c) {
  JobRow j;
  enum JobCall how;
  if (!held(c, &j, &how)) return false;
  if (how == JOB_CALL_LATE) return late(c, &j);
  enum JobPhase to = phase_named(api_text(c, "status"), j.phase);
  Val tail = jobs_tail(&j);
  if (to < j.phase) to = j.phase;
  tail = map_assoc(tail, kw_c("progress"), progress_of(c, map_get_kw(tail, "progress"), job_status_name(to)));
  if (!add_artifacts(c, &tail)) return job_row_free(&j), false;
  return changed(c, &j, &(JobUpdate){.to = to, .tail = tail}, batch_new());
}

/* --- its end ------------------------------------------------------------------------------------------------------------------- */
static void keep(ApiCall *c, Val *tail, const char *arg, const char *key) {
  Val v = api_arg(c, arg);
  if (!is_nil(v)) *tail = map_assoc(*tail, kw_c(key), v);
}

static bool complete(ApiCall *c) {
  JobRow j;
  enum JobCall how;
  if (!held(c, &j, &how)) return false;
  if (how == JOB_CALL_LATE) return late(c, &j);
  Val tail = jobs_tail(&j);
  keep(c, &tail, "summary", "summary");
  keep(c, &tail, "outputs", "outputs");
  keep(c, &tail, "metrics", "metrics");
  keep(c, &tail, "workerInfo", "worker-info");
  if (!add_artifacts(c, &tail)) return job_row_free(&j), false;
  return changed(c, &j, &(JobUpdate){.to = phase_named(api_text(c, "status"), JOB_SUCCEEDED), .tail = tail}, batch_new());
}

static bool fail(ApiCall *c) {
  JobRow j;
  enum JobCall how;
  if (!held(c, &j, &how)) return false;
  if (how == JOB_CALL_LATE) return late(c, &j);
  Val tail = jobs_tail(&j);
  ValVec m = {0};
  const char *message = api_text(c, "message"), *code = api_text(c, "code");
  api_put_text(&m, "message", message && *message ? message : "the worker says that the job failed");
  api_put_text(&m, "code", code && *code ? code : "handler_failed");
  put_arg(c, &m, "details", "details");
  tail = map_assoc(tail, kw_c("error"), api_map(&m));
  if (!add_artifacts(c, &tail)) return job_row_free(&j), false;
  return changed(c, &j, &(JobUpdate){.to = JOB_FAILED, .tail = tail}, batch_new());
}

/* --- given back ---------------------------------------------------------------------------------------------------------------- */
static bool release(ApiCall *c) {
  JobRow j;
  enum JobCall how;
  if (!held(c, &j, &how)) return false;
  if (how == JOB_CALL_LATE) return late(c, &j);
  enum JobPhase phase = j.phase;
  Batch *b = phase == JOB_LEASED ? batch_new() : NULL;
  if (b) api_job_changed(c, &j, jobs_release(c->api->engine, &j, b), b);
  job_row_free(&j);
  return b || api_fail(c, 409, "already_started", "the job is %s: one that was begun counts, end it with jobs.complete or jobs.fail",
                       job_status_name(phase));
}

/* --- attaching ----------------------------------------------------------------------------------------------------------------- */
/* Letters, digits, - and _ of the name that the worker gave; all else becomes -. */
static bool local_name(ApiCall *c, const char *arg, Buf *out) {
  const char *s = api_text(c, arg);
  if (!s || !*s) s = api_text(c, "label");
  size_t n = strlen(s);
  if (n > 120) return api_fail(c, 400, "bad_request", "args.%s: at most 120 bytes", arg);
  for (; *s; s++) {
    bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_' || *s == '-';
    buf_ch(out, plain ? *s : '-');
  }
  return true;
}

/* The job, that may still be attached to; artifacts of one that is over stay as they are. */
static bool attachable(ApiCall *c, JobRow *j) {
  enum JobCall how;
  const char *label = api_text(c, "label");
  if (!*label || strspn(label, " \t\r\n") == strlen(label))
    return api_fail(c, 400, "bad_request", "args.label: it is blank; say what people call the artifact");
  if (!held(c, j, &how)) return false;
  if (how == JOB_CALL_OK) return true;
  enum JobPhase phase = j->phase;
  job_row_free(j);
  return api_fail(c, 409, "lease_conflict", "the job is %s: nothing can be attached any more", job_status_name(phase));
}

/* The answer is the artifact; the job with it and what is in b become durable together. */
static bool attached(ApiCall *c, JobRow *j, Val artifact, Batch *b) {
  Val tail = jobs_tail(j), all = map_get_kw(tail, "artifacts");
  all = with_artifact(is_vec(all) ? all : vec_empty, artifact);
  tail = map_assoc(tail, kw_c("artifacts"), all);
  bool ok = vec_count(all) <= JOB_ARTIFACTS_MAX || api_fail(c, 413, "too_large", "a job has at most %d artifacts", JOB_ARTIFACTS_MAX);
  ok = ok && tail_fits(c, tail);
  if (ok) {
    Val kv[] = {kw_c("artifact"), artifact};
    api_ok(c, map_from(kv, 1, false));
    api_jobs_commit(c, jobs_update(c->api->engine, j, &(JobUpdate){.to = JOB_PHASES, .tail = tail}, b), b);
  } else batch_free(b);
  job_row_free(j);
  return ok;
}

static const char *or_text(ApiCall *c, const char *arg, const char *otherwise) {
  const char *s = api_text(c, arg);
  return s && *s ? s : otherwise;
}

static bool kv_bytes(ApiCall *c, Buf *out) {
  Val kv[] = {kw_c("value"), api_arg(c, "value")};
  if (is_sig(snap_data(out, map_from(kv, 1, false)))) return api_fail(c, 400, "bad_request", "args.value: it cannot be stored");
  int64_t most = limit_value(LIMIT_kv_value_bytes);
  return (int64_t)snap_last_size() <= most || api_fail(c, 413, "too_large",
      "args.value: a value may take at most %lld bytes: attach it as a file", (long long)most);
}

static bool attach_kv(ApiCall *c) {
  JobRow j;
  Buf key = {0}, bytes = {0}, text = {0};
  ValVec m = {0};
  int64_t ttl = api_int(c, "ttlSeconds", 0);
  if (!attachable(c, &j)) return false;
  buf_fmt(&key, "jobs:%s:", j.id);
  bool ok = local_name(c, "key", &key) && kv_bytes(c, &bytes);
  if (ok && is_sig(json_print(&text, api_arg(c, "value")))) text.n = 0;
  Batch *b = batch_new();
  if (ok) batch_kv_put(b, c->workspace, buf_cstr(&key), (Bytesv){bytes.p, bytes.n}, ttl ? now_ms() + ttl * 1000 : 0);
  api_put_text(&m, "label", api_text(c, "label"));
  api_put_text(&m, "kind", or_text(c, "kind", "kv"));
  api_put_text(&m, "contentType", or_text(c, "contentType", "application/json"));
  api_put(&m, "resourceUri", str_fmt("res://v1/ws/%s/result/kv/%s", c->workspace, buf_cstr(&key)));
  api_put_text(&m, "key", buf_cstr(&key));
  api_put(&m, "sizeBytes", int_val((int64_t)text.n));
  if (ttl) api_put(&m, "expiresAt", api_time(now_ms() + ttl * 1000));
  buf_free(&key);
  buf_free(&bytes);
  buf_free(&text);
  if (ok) return attached(c, &j, api_map(&m), b);
  batch_free(b);
  job_row_free(&j);
  return false;
}

static Val persist_of(ApiCall *c, const char *table) {
  ValVec m = {0};
  const char *mode = or_text(c, "writeMode", "append"), *schema = or_text(c, "schemaMode", "flexible");
  api_put_text(&m, "table", table);
  api_put(&m, "write-mode", kw_c(mode));
  api_put(&m, "schema-mode", kw_c(schema));
  api_put(&m, "key-fields", api_arg(c, "keyFields"));
  api_put(&m, "index-fields", api_arg(c, "indexFields"));
  return api_map(&m);
}

static bool rows_ok(ApiCall *c, Val rows) {
  if (!vec_count(rows)) return api_fail(c, 400, "bad_request", "args.rows: it is empty; at least one object is expected");
  for (uint32_t i = 0; i < vec_count(rows); i++)
    if (!is_map(vec_nth(rows, i))) return api_fail(c, 400, "bad_request", "args.rows[%u]: an object is expected", i);
  return true;
}

static Batch *batch_in(void *ctx) {
  Batch **b = ctx;
  if (!*b) *b = batch_new();
  return *b;
}

static Val table_artifact(ApiCall *c, Val handle) {
  ValVec m = {0};
  api_put_text(&m, "label", api_text(c, "label"));
  api_put_text(&m, "kind", or_text(c, "kind", "table"));
  api_put_text(&m, "contentType", or_text(c, "contentType", "application/vnd.breyta.table+json"));
  api_put(&m, "resourceUri", map_get_kw(handle, "uri"));
  api_put(&m, "tableId", map_get_kw(handle, "table-id"));
  api_put(&m, "tableName", map_get_kw(handle, "table"));
  api_put(&m, "rowsWritten", map_get_kw(handle, "rows-written"));
  api_put(&m, "rowCount", map_get_kw(handle, "row-count"));
  api_put(&m, "keyFields", api_arg(c, "keyFields"));
  api_put(&m, "indexFields", api_arg(c, "indexFields"));
  api_put_text(&m, "writeMode", or_text(c, "writeMode", "append"));
  return api_map(&m);
}

static bool attach_table(ApiCall *c) {
  JobRow j;
  Buf name = {0};
  Batch *b = NULL;
  Val handle = NIL, error = NIL, rows = api_arg(c, "rows");
  if (!rows_ok(c, rows) || !attachable(c, &j)) return false;
  buf_fmt(&name, "jobs/%s/", j.id);
  TableCall t = {.store = c->api->store, .workspace = c->workspace, .batch = batch_in, .ctx = &b};
  bool ok = local_name(c, "table", &name);
  if (ok && !table_write(&t, persist_of(c, buf_cstr(&name)), rows, &handle, &error)) ok = api_table_fail(c, error);
  buf_free(&name);
  if (ok) return attached(c, &j, table_artifact(c, handle), batch_in(&b));
  if (b) batch_free(b);
  job_row_free(&j);
  return false;
}

#define JOB {"jobId", API_TEXT, true, 0, 0, 0, "the job"}, {"leaseToken", API_TEXT, true, 0, 0, 0, "of the claim"}
#define LEASE {"leaseDuration", API_INT, false, JOB_LEASE_MIN_MS, JOB_LEASE_MAX_MS, 0, "milliseconds, default 120000"}
#define ARTIFACTS {"artifacts", API_ARRAY, false, 0, 0, 0, "added to those of the job"}
#define LABEL {"label", API_TEXT, true, 0, 200, 0, "what people call it"}
#define KIND(d) {"kind", API_TEXT, false, 0, 100, 0, "default " d}

const ApiCommand api_job_worker_commands[] = {
    {"jobs.claim", SCOPE, true,
     "The next job of a type for a worker, with its lease: the oldest of the highest priority; job null when there is none. With waitMs the answer comes as soon as "
     "there is one. Asked again under the same X-Breyta-Operation-ID, while the lease lives, it is the same job with the same lease.",
     claim,
     {{"jobType", API_TEXT, true, 1, JOB_TYPE_MAX, 0, "the type"}, {"workerId", API_TEXT, true, 1, 200, 0, "who asks"},
      {"batchId", API_TEXT, false, 0, 0, 0, "of this batch only"}, {"workerLabels", API_OBJECT, false, 0, 0, 0, "texts, kept with the attempt"}, LEASE,
      {"waitMs", API_INT, false, 0, JOB_WAIT_MAX_MS, 0, "how long to wait for one, default 0"}}},
    {"jobs.heartbeat", SCOPE, true, "The worker still works: its lease ends so long from now. Of a job that is over the answer says its status: stop.", heartbeat, {JOB, LEASE}},
    {"jobs.progress", SCOPE, true, "What the worker is doing. The status never goes back.", progress,
     {JOB, {"status", API_TEXT, false, 0, 0, "leased|started|running", "of the job"}, {"message", API_TEXT, false, 0, 0, 0, "for people"},
      {"details", API_OBJECT, false, 0, 0, 0, "whatever helps"}, {"metrics", API_OBJECT, false, 0, 0, 0, "numbers"}, ARTIFACTS,
      {"first", API_BOOL, false, 0, 0, 0, "what a worker says as it starts: where this attempt has reported already, it changes the status alone"}}},
    {"jobs.complete", SCOPE, true, "The job is done. Sent again with the same token it changes nothing.", complete,
     {JOB, {"status", API_TEXT, false, 0, 0, "succeeded|no_changes|cancelled", "default succeeded"}, {"summary", API_TEXT, false, 0,
         65536, 0, "for people"},
      {"outputs", API_ANY, false, 0, 0, 0, "what the flow gets"}, {"metrics", API_OBJECT, false, 0, 0, 0, "numbers"}, ARTIFACTS,
      {"workerInfo", API_OBJECT, false, 0, 0, 0, "who did it"}}},
    {"jobs.fail", SCOPE, true, "The job has failed, for good. Sent again with the same token it changes nothing.", fail,
     {JOB, {"message", API_TEXT, false, 0, 65536, 0, "why"}, {"code", API_TEXT, false, 0, 200, 0, "default handler_failed"},
      {"details", API_OBJECT, false, 0, 0, 0, "whatever helps"}, ARTIFACTS}},
    {"jobs.release", SCOPE, true,
     "The worker gives a job back that it has not begun: others can claim it at once, and the attempt is not counted. Not of a job that is started or running.",
     release, {JOB}},
    {"jobs.attach_kv", SCOPE, true, "Keeps a value with the job, under a key of the job's own, as an artifact.", attach_kv,
     {JOB, LABEL, {"value", API_ANY, true, 0, 0, 0, "the value"}, {"key", API_TEXT, false, 0, 0, 0, "default: the label"}, KIND("kv"),
      {"contentType", API_TEXT, false, 0, 255, 0, "default application/json"}, {"ttlSeconds", API_INT, false, 1, 31536000, 0, "gone after that"}}},
    {"jobs.attach_table", SCOPE, true, "Writes rows into a table of the job's own, made with its columns when it is new, as an artifact.", attach_table,
     {JOB, LABEL, {"rows", API_ARRAY, true, 0, 0, 0, "objects"}, {"table", API_TEXT, false, 0, 0, 0, "default: the label"}, KIND("table"),
      {"writeMode", API_TEXT, false, 0, 0, "append|upsert", "default append; upsert replaces rows with the same key fields"},
      {"schemaMode", API_TEXT, false, 0, 0, "flexible|strict", "default flexible"}, {"keyFields", API_ARRAY, false, 0, 0, 0, "fields that a row is told by"},
      {"indexFields", API_ARRAY, false, 0, 0, 0, "fields that are looked up often"}, {"contentType", API_TEXT, false, 0, 255, 0, "default application/vnd.breyta.table+json"}}},
    {0},
};
