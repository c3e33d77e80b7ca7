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
            FLAG(INT, "max-attempts", "maxAttempts", NULL, "how often workers may try (3)"), FLAG(SIGNED, "priority", "priority", NULL, "higher ones are taken first (0)"),
            FLAG(DURATION, "delay", "delayMs", NULL, "no worker gets it before that time has passed"), TEXT("unique-key", "uniqueKey", "no second job under it while this one is open"),
            FLAG(DURATION, "unique-for", "uniqueForMs", NULL, "in place of that: for so long, open or not"), LINEAGE)},
    {.name = "jobs list", .alias = "ls", .call = "jobs.list", .summary = "list jobs, short", .run = client_jobs_list, .next = "breyta jobs show {data.items.0.jobId}",
     PARAMS(TEXT("type", "jobType", "only of this type"), TEXT("batch-id", "batchId", "only of this batch"), CHOICE("status", "status", NULL, "queued|leased|started|running|succeeded|no_changes|failed|cancelled|timed_out", "only these"),
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
    {.name = "jobs cancel", .call = "jobs.cancel", .summary = "end a job as cancelled", .next = "breyta jobs show {<job-id>}", PARAMS(JOB)},
    {.name = "jobs batches create", .call = "jobs.batches.create", .summary = "make jobs that belong together", .run = client_batches_create, .next = "breyta jobs batches show {data.batch.batchId}",
     PARAMS(TYPE, FLAG(JSONS, "job", "jobs", NULL, "one job, {\"payload\": .., \"metadata\": ..}"), FROM_FILE(ARRAY, "jobs-file", "jobs", "all of them, a JSON array"),
            JSON_OF(OBJECT, "metadata", "metadata", "what you want to remember, a JSON object"), FLAG(INT, "max-attempts", "maxAttempts", NULL, "of jobs that do not say it (3)"), LINEAGE)},
    {.name = "jobs batches show", .alias = "get", .call = "jobs.batches.get", .summary = "show a batch with its jobs, short", .run = client_jobs_list,
     PARAMS(WORD("<batch-id>", "batchId", "the batch"), FLAG(INT, "limit", "limit", "10", "how many jobs"), TEXT("cursor", "cursor", "meta.nextCursor of the page before"), FLAG(BOOL, "full", NULL, NULL, "with payloads and outputs"))},
    {.name = "jobs batches cancel", .call = "jobs.batches.cancel", .summary = "end what is left of a batch as cancelled", PARAMS(WORD("<batch-id>", "batchId", "the batch"))},
    {.name = "jobs types list", .alias = "ls", .call = "jobs.types.list", .summary = "types of jobs, their limits, and whether a worker of them was seen lately",
     PARAMS(TEXT("cursor", "cursor", "meta.nextCursor of the page before"))},
    {.name = "jobs types update", .alias = "set", .call = "jobs.types.update", .summary = "limits of a type of jobs",
     PARAMS(WORD("<job-type>", "jobType", "the type"), FLAG(INT, "max-concurrency", "maxConcurrency", NULL, "jobs of the type that workers have at once; 0: no limit"),
            FLAG(INT, "rate-limit", "rateLimit", NULL, "claims in each period; 0: no limit"), FLAG(DURATION, "rate-period", "ratePeriodMs", NULL, "the period (1s)"))},
    {0}};
