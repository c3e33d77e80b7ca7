/* client_jobs.c - see client_jobs.h */
#include "client_jobs.h"
#include "runtime/cli/cli.h"
#include <stdlib.h>
#include <string.h>

static Val keys_of(Val m) {
  Val keys = vec_empty, k, v;
  MapIter it;
  if (!is_map(m)) return NIL;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) keys = vec_conj(keys, str_c(id_text(k)));
  return keys;
}

static Val either(Val job, const char *a, const char *b) {
  Val v = client_at(job, a);
  return is_nil(v) ? client_at(job, b) : v;
}

static Val put_there(Val m, const char *key, Val v) { return is_nil(v) ? m : client_put(m, key, v); }

/* What fits on a line: names in place of values. */
static Val compact(Val job) {
  static const char *const same_keys[] = {"jobId",       "jobType",         "status",        "batchId",   "rootWorkflowId", "parentStepId",
                                          "attempt",     "maxAttempts",     "workerId",      "createdAt", "startedAt",      "updatedAt",
                                          "completedAt", "lastHeartbeatAt", "resultSummary", "progress"};
  Val m = map_empty, outputs = either(job, "outputs", "result.outputs"), artifacts = either(job, "artifacts", "result.artifacts");
  for (size_t i = 0; i < sizeof same_keys / sizeof *same_keys; i++) m = put_there(m, same_keys[i], client_at(job, same_keys[i]));
  m = put_there(put_there(m, "payloadKeys", keys_of(client_at(job, "payload"))), "outputKeys", keys_of(outputs));
  if (is_vec(artifacts)) m = client_put(m, "artifactCount", fix((int)vec_count(artifacts)));
  m = put_there(m, "prUrl", either(outputs, "pr-url", "prUrl"));
  return put_there(m, "reportResourceUri", either(outputs, "report-resource-uri", "reportResourceUri"));
}

static Val compacted(Val body, const char *path) {
  Val jobs = client_at(body, path), all = vec_empty;
  for (uint32_t i = 0; is_vec(jobs) && i < vec_count(jobs); i++) all = vec_conj(all, compact(vec_nth(jobs, i)));
  return is_vec(jobs) ? client_put(body, path, all) : body;
}

int client_jobs_list(ClientRun *r) {
  ClientAnswer a;
  client_send(r, &a);
  if (a.ok && !client_flag(r, "full")) a.body = compacted(compacted(compacted(a.body, "data.items"), "data.jobs"), "data.batch.jobs");
  return client_finish(r, &a);
}

int client_jobs_leased(ClientRun *r) {
  ClientAnswer a;
  if (!client_given(r, "lease-token")) {
    const char *token = getenv("BREYTA_JOB_LEASE_TOKEN");
    if (!token || !*token) return client_usage(r, "--lease-token is needed: leaseToken of the claim; or BREYTA_JOB_LEASE_TOKEN");
    r->args = client_put_text(r->args, "leaseToken", token);
  }
  client_send(r, &a);
  return client_finish(r, &a);
}

int client_batches_create(ClientRun *r) {
  ClientAnswer a;
  Val jobs = client_at(r->args, "jobs");
  if (!is_vec(jobs) || !vec_count(jobs)) return client_usage(r, "a batch needs jobs: --job '{\"payload\": {}}', or --jobs-file FILE");
  client_send(r, &a);
  return client_finish(r, &a);
}
