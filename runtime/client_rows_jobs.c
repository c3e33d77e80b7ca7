/* client_rows_jobs.c - rows: jobs and batches of jobs. The worker's: client_rows_worker.c. */
#include "client_jobs.h"
#include "client_rows.h"

#define JOB WORD("<job-id>", "jobId", "the job")
#define TYPE NEEDED(TEXT, "type", "jobType", "the type of the job")
#define LEASE {"lease-token", CLIENT_TEXT, "leaseToken", NULL, "leaseToken of the claim; else BREYTA_JOB_LEASE_TOKEN", NULL, 0}
#define JSON_OF(type, name, to, help) FLAG(type, name, to, NULL, help), FROM_FILE(type, name "-file", to, "the same from a file")
#define LINEAGE                                                                                                                                \
  TEXT("root-workflow-id", "rootWorkflowId", "the run that it belongs to"), TEXT("parent-step-id", "parentStepId", "the step of that run"),    \
      TEXT("fanout-parent-step-id", "fanoutParentStepId", "the step that it is one part of"),                                                  \
      FLAG(INT, "fanout-max-concurrency", "fanoutMaxConcurrency", NULL, "how many of these at the same time")
#define ARTIFACTS JSON_OF(ARRAY, "artifacts", "artifacts", "what it has made, a JSON array")

const ClientCommand client_rows_jobs[] = {
    {.name = "jobs create", .call = "jobs.create", .summary = "make a job", .next = "breyta jobs show {data.job.jobId}",
     PARAMS(TYPE, JSON_OF(JSON, "payload", "payload", "what the worker gets, JSON"), JSON_OF(OBJECT, "metadata", "metadata", "what you want to remember, a JSON object"),
            FLAG(INT, "max-attempts", "maxAttempts", NULL, "how often it may be claimed"), LINEAGE)},
    {.name = "jobs list", .alias = "ls", .call = "jobs.list", .summary = "list jobs, short", .run = client_jobs_list, .next = "breyta jobs show {data.items.0.jobId}",
     PARAMS(TEXT("type", "jobType", "only of this type"), TEXT("batch-id", "batchId", "only of this batch"), TEXT("status", "status", "queued, leased, started, running, succeeded, failed ..."),
            FLAG(INT, "limit", "limit", "10", "how many at once"), TEXT("cursor", "cursor", "meta.nextCursor of the page before"), FLAG(BOOL, "full", NULL, NULL, "with payloads and outputs"))},
    {.name = "jobs show", .alias = "get", .call = "jobs.get", .summary = "show a job", PARAMS(JOB)},
    {.name = "jobs claim", .call = "jobs.claim", .summary = "take the next job of a type; data.job is null when there is none", .next = "breyta jobs complete {data.job.jobId} --lease-token {data.job.leaseToken}",
     PARAMS(TYPE, NEEDED(TEXT, "worker-id", "workerId", "who takes it"), TEXT("batch-id", "batchId", "only of this batch"), FLAG(LABELS, "label", "workerLabels", NULL, "a label of the worker"),
            FLAG(DURATION, "lease-duration", "leaseDuration", NULL, "how long it is yours without a sign of life (2m)"), FLAG(DURATION, "wait", "waitMs", NULL, "how long to wait for one, at most 20s"))},
    {.name = "jobs heartbeat", .call = "jobs.heartbeat", .summary = "a sign of life: the lease is longer", .run = client_jobs_leased,
     PARAMS(JOB, LEASE, FLAG(DURATION, "lease-duration", "leaseDuration", "2m", "how long it is yours from now"))},
    {.name = "jobs progress", .call = "jobs.progress", .summary = "tell how far it is", .run = client_jobs_leased,
     PARAMS(JOB, LEASE, CHOICE("status", "status", NULL, "leased|started|running", "its state"), TEXT("message", "message", "a sentence"), JSON_OF(OBJECT, "details", "details", "more, a JSON object"),
            JSON_OF(OBJECT, "metrics", "metrics", "figures, a JSON object"), ARTIFACTS)},
    {.name = "jobs complete", .call = "jobs.complete", .summary = "it is done", .run = client_jobs_leased, .next = "breyta jobs show {<job-id>}",
     PARAMS(JOB, LEASE, CHOICE("status", "status", NULL, "succeeded|no_changes|cancelled", "how it ended (succeeded)"), TEXT("summary", "summary", "a sentence"), JSON_OF(JSON, "outputs", "outputs", "its result, JSON"),
            FLAG(PAIRS, "output", "outputs", NULL, "one field of its result"), JSON_OF(OBJECT, "metrics", "metrics", "figures, a JSON object"), ARTIFACTS, JSON_OF(OBJECT, "worker-info", "workerInfo", "who did it, a JSON object"))},
    {.name = "jobs fail", .call = "jobs.fail", .summary = "it has failed", .run = client_jobs_leased, .next = "breyta jobs show {<job-id>}",
     PARAMS(JOB, LEASE, TEXT("message", "message", "why"), TEXT("code", "code", "a word for programs"), JSON_OF(OBJECT, "details", "details", "more, a JSON object"), ARTIFACTS)},
    {.name = "jobs cancel", .call = "jobs.cancel", .summary = "end a job as cancelled", .next = "breyta jobs show {<job-id>}", PARAMS(JOB, TEXT("reason", "reason", "why"))},
    {.name = "jobs batches create", .call = "jobs.batches.create", .summary = "make jobs that belong together", .run = client_batches_create, .next = "breyta jobs batches show {data.batch.batchId}",
     PARAMS(TYPE, FLAG(JSONS, "job", "jobs", NULL, "one job, {\"payload\": .., \"metadata\": ..}"), FROM_FILE(ARRAY, "jobs-file", "jobs", "all of them, a JSON array"),
            JSON_OF(OBJECT, "metadata", "metadata", "what you want to remember, a JSON object"), LINEAGE)},
    {.name = "jobs batches show", .alias = "get", .call = "jobs.batches.get", .summary = "show a batch with its jobs, short", .run = client_jobs_list,
     PARAMS(WORD("<batch-id>", "batchId", "the batch"), FLAG(INT, "limit", "limit", "10", "how many jobs"), FLAG(BOOL, "full", NULL, NULL, "with payloads and outputs"))},
    {.name = "jobs batches cancel", .call = "jobs.batches.cancel", .summary = "end what is left of a batch as cancelled", PARAMS(WORD("<batch-id>", "batchId", "the batch"), TEXT("reason", "reason", "why"))},
    {0}};
