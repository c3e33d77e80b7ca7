/* api_jobs.c - jobs and batches: submitting, looking, cancelling, limits of types. See api_jobs.h */
#include "api_jobs.h"
#include "eval/unit.h"
#include "runtime/base/metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_DEFAULT = 10, LIST_MAX = 500, SHOWN_MAX = 1000, TYPES_PAGE = 100 };
#define SCOPE_SUBMIT "flows.run"
#define SCOPE_LOOK "jobs.worker|runs.read|flows.run"

/* --- shared -------------------------------------------------------------------------------------------------------------------- */
static Val camel_job(Val job) {
  Val m = api_camel(job), progress = map_get_kw(m, "progress"), attempts = map_get_kw(m, "attempts");
  ValVec all = {0};
  if (is_map(progress)) m = map_assoc(m, kw_c("progress"), api_camel(progress));
  for (uint32_t i = 0; is_vec(attempts) && i < vec_count(attempts); i++) vv_push(&all, api_camel(vec_nth(attempts, i)));
  return is_vec(attempts) ? map_assoc(m, kw_c("attempts"), vec_from(all.a, all.n)) : m;
}

Val api_job_map(const JobRow *j, unsigned show) {
  Val kv[] = {kw_c("job"), camel_job(jobs_map(j, show))}; /* all of it came from JSON, or has been checked to have such a form */
  return map_from(kv, 1, false);
}

/* The job of the argument jobId, that the key may touch: false, it has failed. */
static bool job_of(ApiCall *c, bool (*look)(Engine *, const char *, const char *, JobRow *, Err *), JobRow *out) {
  Err err = {0};
  const char *id = api_text(c, "jobId");
  if (!look(c->api->engine, c->workspace, id, out, &err))
    return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "there is no job %.100s", id);
  if (api_job_type_ok(c, out->type)) return true;
  job_row_free(out);
  return false;
}

bool api_job_text(ApiCall *c, const char *name, const char *s) {
  for (const char *p = s; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7f) return api_fail(c, 400, "bad_request",
        "args.%s: a text without control characters is expected", name);
  return *s || api_fail(c, 400, "bad_request", "args.%s: it is empty", name);
}

static void pended(void *pending, const char *error) { api_pend_done(pending, error); }

void api_jobs_commit(ApiCall *c, struct JobWork *w, Batch *b) {
  api_seal(c, b);
  ApiPending *p = api_pend(c);
  api_pend_answer(p, c);
  jobs_commit(w, pended, p);
}

void api_job_changed(ApiCall *c, const JobRow *was, struct JobWork *w, Batch *b) {
  JobRow j;
  Err err = {0};
  if (jobs_get(c->api->engine, c->workspace, was->id, &j, &err)) {
    api_ok(c, api_job_map(&j, 0));
    job_row_free(&j);
  } else api_fail(c, 404, "not_found", "there is no job %.100s any more", was->id);
  api_jobs_commit(c, w, b);
}

/* --- submitting ---------------------------------------------------------------------------------------------------------------- */
static const char *const lineage_keys[][2] = {{"rootWorkflowId", "root-workflow-id"}, {"parentStepId", "parent-step-id"},
                                              {"fanoutParentStepId", "fanout-parent-step-id"}};

static Val lineage_of(Val args) {
  ValVec m = {0};
  for (size_t i = 0; i < 3; i++) api_put(&m, lineage_keys[i][1], map_get_kw(args, lineage_keys[i][0]));
  Val most = map_get_kw(args, "fanoutMaxConcurrency");
  api_put(&m, "fanout-max-concurrency", most);
  return m.n ? api_map(&m) : NIL;
}

static int64_t number(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_long(v) ? long_of(v) : 0;
}

/* An entry of `jobs`, whose fields the row of the command does not describe. */
static bool entry_ok(ApiCall *c, uint32_t i, Val job) {
  static const struct { const char *key; int64_t least, most; } numbers[] = {
      {"maxAttempts", 1, JOB_ATTEMPTS_MAX}, {"priority", -JOB_PRIORITY_MAX, JOB_PRIORITY_MAX}, {"delayMs", 0, JOB_DELAY_MAX_MS}};
  if (!is_map(job)) return api_fail(c, 400, "bad_request", "args.jobs[%u]: an object such as {\"payload\":{..}} is expected", i);
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
    Val v = map_get_kw(job, numbers[k].key);
    if (is_nil(v) || (is_long(v) && long_of(v) >= numbers[k].least && long_of(v) <= numbers[k].most)) continue;
    return api_fail(c, 400, "bad_request", "args.jobs[%u].%s: an integer from %lld to %lld is expected", i, numbers[k].key,
        (long long)numbers[k].least,
                    (long long)numbers[k].most);
  }
  Val meta = map_get_kw(job, "metadata"), key = map_get_kw(job, "uniqueKey");
  if (!is_nil(meta) && !is_map(meta)) return api_fail(c, 400, "bad_request", "args.jobs[%u].metadata: an object is expected", i);
  if (is_nil(key)) return true;
  return api_fail(c, 400, "bad_request", "args.jobs[%u].uniqueKey: only single jobs have unique keys (jobs.create)", i);
}

static JobSpec spec_of(Val job) {
  return (JobSpec){.payload = map_get(job, kw_c("payload"), ABSENT), .metadata = map_get_kw(job, "metadata"), .lineage = lineage_of(job),
                   .max_attempts = number(job, "maxAttempts"), .priority = number(job, "priority"), .delay_ms = number(job, "delayMs")};
}

static bool refused(ApiCall *c, Batch *b, const Err *err) {
  batch_free(b);
  if (!strcmp(err->code, "too_large")) return api_fail(c, 413, "too_large", "%s", err->msg);
  return api_fail_err(c, err);
}

typedef struct Submit {
  Api *api;
  ApiPending *pending;
  char *workspace, *type;
  int64_t n, job, priority; /* how many, the first, the highest */
} Submit;

static void submit_durable(Engine *e, void *ctx, const char *error) {
  Submit *s = ctx;
  api_pend_done(s->pending, error);
  if (!error) {
    metric_add(METRIC_jobs_submitted_total, s->n);
    jobs_submitted(e, s->workspace, s->type, s->n == 1 ? s->job : 0, s->priority);
  }
  free(s->workspace);
  free(s->type);
  free(s);
}

static bool submit_commit(ApiCall *c, Batch *b, const Submit *what) {
  Submit *s = calloc(1, sizeof *s);
  if (!s) abort();
  *s = (Submit){c->api, api_pend(c), strdup(c->workspace), strdup(what->type), what->n, what->job, what->priority};
  if (!s->workspace || !s->type) abort();
  api_pend_answer(s->pending, c);
  engine_commit(c->api->engine, b, submit_durable, s);
  return true;
}

/* The answer is in c; it goes out when b is durable. */
static bool sealed(ApiCall *c, Batch *b, const Submit *what) {
  if (api_seal(c, b)) return submit_commit(c, b, what);
  batch_free(b);
  c->sealed = false;
  return api_fail(c, 500, "internal", "the answer cannot be stored");
}

/* Another job holds the key: the answer is that one. */
static bool held_already(ApiCall *c, const char *key, bool *is) {
  Err err = {0};
  JobRow j;
  int64_t number_held = store_job_unique(c->api->store, c->workspace, key, now_ms(), &err);
  *is = number_held && store_job_get(c->api->store, number_held, &j, &err);
  if (err.code) return api_fail_err(c, &err);
  if (!*is) return true;
  api_ok(c, map_assoc(api_job_map(&j, JOB_SHOW_PAYLOAD), kw_c("duplicate"), TRUE_V));
  job_row_free(&j);
  return true;
}

/* The disk is waited for: whoever comes with the same key meanwhile gets this job. */
static bool sealed_now(ApiCall *c, Batch *b, const Submit *what) {
  Err err = {0};
  api_seal(c, b);
  if (store_submit_wait(c->api->store, b, &err)) {
    jobs_submitted(c->api->engine, c->workspace, what->type, what->job, what->priority);
    return true;
  }
  c->sealed = false;
  return api_fail_err(c, &err);
}

static bool submit_one(ApiCall *c, const char *type, const JobSpec *spec) {
  JobGroup g = {.workspace = c->workspace, .type = type, .metadata = NIL, .lineage = NIL};
  JobBatchRow none;
  JobRow *rows;
  Err err = {0};
  Batch *b = batch_new();
  if (!jobs_submit(c->api->engine, &g, spec, 1, b, &rows, &none, &err)) return refused(c, b, &err);
  api_ok(c, api_job_map(rows, JOB_SHOW_PAYLOAD));
  Submit what = {.type = (char *)(uintptr_t)type, .n = 1, .job = rows->job, .priority = rows->priority};
  jobs_rows_free(rows, 1);
  return spec->unique_key ? sealed_now(c, b, &what) : sealed(c, b, &what);
}

static bool create(ApiCall *c) {
  const char *type = api_text(c, "jobType"), *key = api_text(c, "uniqueKey");
  JobSpec spec = spec_of(c->args);
  Buf full = {0};
  bool held = false, ok = api_job_text(c, "jobType", type) && api_job_type_ok(c, type) && (!key || api_job_text(c, "uniqueKey", key));
  if (ok && key) {
    buf_fmt(&full, "%s%c%s", type, JOB_UNIQUE_SEP, key);
    spec.unique_key = buf_cstr(&full);
    spec.unique_ms = api_int(c, "uniqueForMs", 0);
    ok = held_already(c, spec.unique_key, &held);
  }
  if (ok && !held) ok = submit_one(c, type, &spec);
  buf_free(&full);
  return ok;
}

static Val compact(const JobRow *rows, size_t n, const char *batch) {
  ValVec jobs = {0};
  for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
    Val kv[] = {kw_c("jobId"), str_c(rows[i].id), kw_c("jobType"), str_c(rows[i].type), kw_c("status"),
        str_c(job_status_name(rows[i].phase)),
                kw_c("batchId"), str_c(batch)};
    vv_push(&jobs, map_from(kv, 4, false));
  }
  return vec_from(jobs.a, jobs.n);
}

static bool create_batch(ApiCall *c) {
  const char *type = api_text(c, "jobType");
  Val jobs = api_arg(c, "jobs");
  uint32_t n = vec_count(jobs);
  JobGroup g = {.workspace = c->workspace, .type = type, .batch = true, .metadata = api_arg(c, "metadata"), .lineage = lineage_of(c->args),
                .max_active = api_int(c, "fanoutMaxConcurrency", 0)};
  JobBatchRow batch;
  JobRow *rows;
  Err err = {0};
  if (!api_job_text(c, "jobType", type) || !api_job_type_ok(c, type)) return false;
  if (!n || n > JOB_BATCH_MAX) return api_fail(c, 400, "bad_request", "args.jobs: 1 to %d objects are expected, there are %u",
      JOB_BATCH_MAX, n);
  JobSpec *specs = mem_alloc(n * sizeof *specs);
  for (uint32_t i = 0; i < n; i++) {
    if (!entry_ok(c, i, vec_nth(jobs, i))) return false;
    specs[i] = spec_of(vec_nth(jobs, i));
    if (!specs[i].max_attempts) specs[i].max_attempts = api_int(c, "maxAttempts", 0);
  }
  Batch *b = batch_new();
  if (!jobs_submit(c->api->engine, &g, specs, n, b, &rows, &batch, &err)) return refused(c, b, &err);
  ValVec m = {0};
  api_put(&m, "batch", api_camel(jobs_batch_map(&batch)));
  api_put(&m, "jobs", compact(rows, n, batch.id));
  Submit what = {.type = (char *)(uintptr_t)type, .n = n, .priority = INT64_MIN};
  for (uint32_t i = 0; i < n; i++)
    if (rows[i].priority > what.priority) what.priority = rows[i].priority;
  jobs_rows_free(rows, n);
  job_batch_row_free(&batch);
  api_ok(c, api_map(&m));
  return sealed(c, b, &what);
}

/* --- looking ------------------------------------------------------------------------------------------------------------------- */
static bool get(ApiCall *c) {
  JobRow j;
  if (!job_of(c, jobs_get_durable, &j)) return false;
  api_ok(c, api_job_map(&j, JOB_SHOW_PAYLOAD));
  job_row_free(&j);
  return true;
}

static Val jobs_shown(JobRow *rows, size_t n) {
  ValVec items = {0};
  for (size_t i = 0; i < n; i++) {
    vv_push(&items, camel_job(jobs_map(&rows[i], JOB_SHOW_PAYLOAD)));
    job_row_free(&rows[i]);
  }
  return vec_from(items.a, items.n);
}

static bool batch_of(ApiCall *c, JobBatchRow *out) {
  Err err = {0};
  const char *id = api_text(c, "batchId");
  if (!jobs_batch_get(c->api->engine, c->workspace, id, out, &err))
    return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "there is no batch %.100s", id);
  if (api_job_type_ok(c, out->type)) return true;
  job_batch_row_free(out);
  return false;
}

static Val page_meta(bool more, const char *cursor) {
  ValVec m = {0};
  api_put(&m, "hasMore", more ? TRUE_V : FALSE_V);
  if (more) api_put_text(&m, "nextCursor", cursor);
  return api_map(&m);
}

/* One more than asked for is read, to know whether there are any. */
static bool page_of(ApiCall *c, JobQuery *q, Val *items) {
  Err err = {0};
  int64_t limit = api_int(c, "limit", LIST_DEFAULT);
  const char *cursor = api_text(c, "cursor");
  char *end = NULL, next[32];
  int64_t at = cursor ? strtoll(cursor, &end, 10) : 0;
  if (cursor && (!*cursor || *end || at <= 0)) return api_fail(c, 400, "bad_request", "args.cursor: it is not one that this server gave");
  if (cursor) q->after = at;
  JobRow *rows = calloc((size_t)limit + 1, sizeof *rows);
  if (!rows) abort();
  size_t n = store_jobs(c->api->store, q, rows, (size_t)limit + 1, &err);
  bool more = n > (size_t)limit;
  if (more) job_row_free(&rows[--n]);
  snprintf(next, sizeof next, "%lld", n ? (long long)rows[n - 1].job : 0ll);
  *items = jobs_shown(rows, n);
  free(rows);
  c->meta = page_meta(more, next);
  return !err.code || api_fail_err(c, &err);
}

/* What a key whose account is bound to some types may see. */
static bool list(ApiCall *c) {
  const char *type = api_text(c, "jobType"), *batch = api_text(c, "batchId"), *status = api_text(c, "status");
  JobQuery q = {.how = JOBS_NEWEST, .workspace = c->workspace, .type = type, .after = INT64_MAX,
      .phases = status ? job_status_phases(status) : 0};
  Val items;
  if (type && !api_job_type_ok(c, type)) return false;
  if (!type && is_vec(c->job_types) && vec_count(c->job_types) == 1) q.type = str_s(vec_nth(c->job_types, 0));
  else if (!type && is_vec(c->job_types) && vec_count(c->job_types))
    return api_fail(c, 400, "bad_request", "args.jobType: this key is bound to several types of jobs: name one of them");
  if (batch) {
    JobBatchRow b;
    if (!batch_of(c, &b)) return false;
    bool its = !type || !strcmp(b.type, type);
    q = (JobQuery){.how = JOBS_OF_BATCH, .batch = its ? b.batch : -1, .phases = q.phases};
    job_batch_row_free(&b);
  }
  if (!page_of(c, &q, &items)) return false;
  ValVec m = {0};
  api_put(&m, "items", items);
  return api_ok(c, api_map(&m));
}

static bool get_batch(ApiCall *c) {
  JobBatchRow b;
  Val items;
  if (!batch_of(c, &b)) return false;
  JobQuery q = {.how = JOBS_OF_BATCH, .batch = b.batch};
  Val shown = api_camel(jobs_batch_map(&b));
  job_batch_row_free(&b);
  if (!page_of(c, &q, &items)) return false;
  ValVec m = {0};
  api_put(&m, "batch", shown);
  api_put(&m, "jobs", items);
  return api_ok(c, api_map(&m));
}

/* --- cancelling ---------------------------------------------------------------------------------------------------------------- */
static bool over_already(ApiCall *c, const char *what, const char *status) {
  return api_fail(c, 409, "already_completed", "the %s is %s already", what, status);
}

static bool cancel(ApiCall *c) {
  JobRow j;
  if (!job_of(c, jobs_get, &j)) return false;
  Batch *b = batch_new();
  bool open = job_phase_open(j.phase);
  if (!open) batch_free(b);
  else api_job_changed(c, &j, jobs_cancel(c->api->engine, &j, b), b);
  enum JobPhase phase = j.phase;
  job_row_free(&j);
  return open ? !c->code : over_already(c, "job", job_status_name(phase));
}

static bool cancel_batch(ApiCall *c) {
  JobBatchRow r;
  if (!batch_of(c, &r)) return false;
  const char *status = jobs_batch_over(&r) ? jobs_batch_status(&r) : NULL;
  Val kv[] = {kw_c("batch"), map_assoc(api_camel(jobs_batch_map(&r)), kw_c("status"), str_c("cancelled"))};
  api_ok(c, map_from(kv, 1, false));
  Batch *b = batch_new();
  if (status) batch_free(b);
  else api_jobs_commit(c, jobs_cancel_batch(c->api->engine, &r, b), b);
  job_batch_row_free(&r);
  return status ? over_already(c, "batch", status) : !c->code;
}

/* --- types ----------------------------------------------------------------------------------------------------------------------- */
static Val type_map(ApiCall *c, const char *type, const JobLimits *l) {
  ValVec m = {0};
  int64_t seen;
  bool live = jobs_worker_seen(c->api->engine, c->workspace, type, 2 * JOB_LEASE_MS, &seen);
  api_put_text(&m, "jobType", type);
  if (l->max_active) api_put(&m, "maxConcurrency", int_val(l->max_active));
  if (l->rate) api_put(&m, "rateLimit", int_val(l->rate)), api_put(&m, "ratePeriodMs", int_val(l->per_ms));
  api_put(&m, "workerSeen", live ? TRUE_V : FALSE_V);
  api_put(&m, "workerSeenAt", api_time(seen));
  return api_map(&m);
}

static bool sees_type(const ApiCall *c, const char *type) {
  uint32_t n = is_vec(c->job_types) ? vec_count(c->job_types) : 0;
  bool any = !n;
  for (uint32_t i = 0; i < n && !any; i++) any = str_eq_c(vec_nth(c->job_types, i), type);
  return any;
}

static bool types_list(ApiCall *c) {
  char *names[TYPES_PAGE];
  Err err = {0};
  ValVec items = {0}, m = {0};
  size_t n = store_job_types(c->api->store, c->workspace, api_text(c, "cursor"), names, TYPES_PAGE, &err);
  c->meta = page_meta(n == TYPES_PAGE, n ? names[n - 1] : "");
  for (size_t i = 0; i < n; i++) {
    JobLimits l;
    int64_t rev;
    if (sees_type(c, names[i]) && jobs_limits(c->api->engine, c->workspace, names[i], &l, &rev, &err)) vv_push(&items, type_map(c,
        names[i], &l));
    free(names[i]);
  }
  api_put(&m, "items", vec_from(items.a, items.n));
  return err.code ? api_fail_err(c, &err) : api_ok(c, api_map(&m));
}

static bool types_update(ApiCall *c) {
  const char *type = api_text(c, "jobType");
  JobLimits l;
  int64_t rev;
  Err err = {0};
  if (!api_job_text(c, "jobType", type)) return false;
  if (!jobs_limits(c->api->engine, c->workspace, type, &l, &rev, &err)) return api_fail_err(c, &err);
  l.max_active = api_int(c, "maxConcurrency", l.max_active);
  l.rate = api_int(c, "rateLimit", l.rate);
  l.per_ms = api_int(c, "ratePeriodMs", l.per_ms ? l.per_ms : 1000);
  Val kv[] = {kw_c("type"), type_map(c, type, &l)};
  api_ok(c, map_from(kv, 1, false));
  Batch *b = batch_new();
  jobs_limits_put(c->api->engine, b, c->workspace, type, &l, rev);
  api_seal(c, b);
  if (store_submit_wait(c->api->store, b, &err)) return jobs_limits_set(c->api->engine, c->workspace, type, &l), true;
  c->sealed = false;
  return api_fail_err(c, &err);
}

#define LINEAGE \
  {"rootWorkflowId", API_TEXT, false, 0, 0, 0, "run that the job belongs to, in the end"}, \
  {"parentStepId", API_TEXT, false, 0, 0, 0, "step that it was submitted for"}, \
  {"fanoutParentStepId", API_TEXT, false, 0, 0, 0, "the same of a fan-out"}
#define TYPE {"jobType", API_TEXT, true, 1, JOB_TYPE_MAX, 0, "type of the jobs: workers ask for theirs by it"}
#define PAGE \
  {"limit", API_INT, false, 1, LIST_MAX, 0, "how many, default 10"}, {"cursor", API_TEXT, false, 0, 0, 0, "nextCursor of the page before"}

const ApiCommand api_job_commands[] = {
    {"jobs.create", SCOPE_SUBMIT, true, "Puts a job into the queue. With a uniqueKey that another open job holds, the answer is that one (duplicate: true).",
     create,
     {TYPE, {"payload", API_ANY, false, 0, 0, 0, "the worker's input, at most 1 MiB"}, {"metadata", API_OBJECT, false, 0, 0, 0,
         "kept with it"},
      {"maxAttempts", API_INT, false, 1, JOB_ATTEMPTS_MAX, 0, "how often workers may try, default 3"},
      {"priority", API_INT, false, -JOB_PRIORITY_MAX, JOB_PRIORITY_MAX, 0, "higher ones are taken first, default 0"},
      {"delayMs", API_INT, false, 0, JOB_DELAY_MAX_MS, 0, "no worker gets it before that time has passed"},
      {"uniqueKey", API_TEXT, false, 1, 500, 0, "no second job of the type under it while this one is open"},
      {"uniqueForMs", API_INT, false, 1, JOB_DELAY_MAX_MS, 0, "in place of that: for so long, open or not"}, LINEAGE,
      {"fanoutMaxConcurrency", API_INT, false, 1, JOB_BATCH_MAX, 0, "kept with it; of a batch it is a limit"}}},
    {"jobs.list", SCOPE_LOOK, false, "Jobs, newest first; those of a batch in their order.", list,
     {{"jobType", API_TEXT, false, 1, JOB_TYPE_MAX, 0, "of this type only"}, {"batchId", API_TEXT, false, 0, 0, 0, "of this batch only"},
      {"status", API_TEXT, false, 0, 0, "queued|leased|started|running|succeeded|no_changes|failed|cancelled|timed_out", "in this status only"}, PAGE}},
    {"jobs.get", SCOPE_LOOK, false, "One job as it is now.", get, {{"jobId", API_TEXT, true, 0, 0, 0, "its id"}}},
    {"jobs.cancel", SCOPE_SUBMIT, true, "Ends a job that is not over. Its worker learns it with its next heartbeat.", cancel,
     {{"jobId", API_TEXT, true, 0, 0, 0, "its id"}}},
    {"jobs.batches.create", SCOPE_SUBMIT, true, "Puts a batch of jobs of one type into the queue, all or none; the first 1000 are named in the answer.", create_batch,
     {TYPE, {"jobs", API_ARRAY, true, 0, 0, 0, "1 to 100000 objects {payload, metadata, maxAttempts, priority, delayMs}"},
      {"metadata", API_OBJECT, false, 0, 0, 0, "kept with the batch"}, {"maxAttempts", API_INT, false, 1, JOB_ATTEMPTS_MAX, 0, "of jobs that do not say it"}, LINEAGE,
      {"fanoutMaxConcurrency", API_INT, false, 1, JOB_BATCH_MAX, 0, "so many jobs of the batch are worked on side by side"}}},
    {"jobs.batches.get", SCOPE_LOOK, false, "One batch: counts, status, and a page of its jobs.", get_batch,
     {{"batchId", API_TEXT, true, 0, 0, 0, "its id"}, PAGE}},
    {"jobs.batches.cancel", SCOPE_SUBMIT, true, "Ends every job of a batch that is not over.", cancel_batch, {{"batchId", API_TEXT, true, 0, 0, 0, "its id"}}},
    {"jobs.types.list", SCOPE_LOOK, false, "Types of jobs that there are, their limits, and whether a worker of them was seen lately.", types_list,
     {{"cursor", API_TEXT, false, 0, 0, 0, "nextCursor of the page before"}}},
    {"jobs.types.update", "flows.manage", true, "Limits of a type of jobs: how many are worked on at once, and how many are claimed in a time. 0 takes a limit away.", types_update,
     {TYPE, {"maxConcurrency", API_INT, false, 0, JOB_BATCH_MAX, 0, "jobs of the type that workers have at once"},
      {"rateLimit", API_INT, false, 0, JOB_BATCH_MAX, 0, "claims in each period"},
      {"ratePeriodMs", API_INT, false, 10, 24 * 3600 * 1000, 0, "the period, default 1000"}}},
    {0},
};
