/* jobs.h - the jobs control plane of an engine: who may have which job, and what becomes of it (spec/flows.md 7, durability.md 15-18).
 *
 * Truth is in the store (store_jobs.h). In memory stand only jobs that a worker has or that are being changed (Job), a short list of
 * claimable ones for each type (JobQueue), and whoever waits for one (JobAsk). What is in memory is as it will be when everything under
 * way is durable; every change carries the revision it was made from, so a change that builds on one that was refused is refused too, and
 * the job is then read anew. Changes that come at the same time share one sync (engine_commit.h); callers hear of theirs when it is
 * durable, never before.
 *
 * A lease is a token and a deadline. Whoever comes with the token of the last claim is believed as long as the job is his, and gets the
 * job as it is once it is over; every other token is refused ("lease_conflict"). The deadline is in the store, so a lease also ends while
 * nobody runs: the job is requeued after a pause (1 s doubling to 60 s), or timed_out after its last attempt.
 *
 * Nothing is polled: a job becomes claimable in somebody's commit, and that commit's completion hands it to the oldest JobAsk of its type;
 * a flow that awaits a job has a row in `waits`, and the completion of the commit that ends the job takes it up (engine_job.c).
 *
 * No values of the collected heap are kept here. Engine thread. */
#ifndef BR_JOBS_H
#define BR_JOBS_H
#include "runtime/engine/engine.h"
#include "runtime/store/store_jobs.h"

enum {
  JOB_LEASE_MS = 120000, JOB_LEASE_MIN_MS = 100, JOB_LEASE_MAX_MS = 24 * 3600 * 1000,
  JOB_ATTEMPTS = 3, JOB_ATTEMPTS_MAX = 1000,
  JOB_REQUEUE_MS = 1000, JOB_REQUEUE_MAX_MS = 60000,
  JOB_BATCH_MAX = 100000, JOB_PRIORITY_MAX = 1000000,
  JOB_TYPE_MAX = 200, JOB_ID_MAX = 48,
  JOB_WAIT_MAX_MS = 20000,
  JOB_ARTIFACTS_MAX = 1000, JOB_ATTEMPTS_SHOWN = 100
};
#define JOB_UNIQUE_SEP '\x1f' /* unique keys are kept as TYPE, this, KEY */
#define JOB_KEEP_MS ((int64_t)30 * 86400 * 1000)
#define JOB_DELAY_MAX_MS ((int64_t)366 * 86400 * 1000)

typedef struct Jobs Jobs;
Jobs *jobs_of(Engine *e);          /* the engine's; made at first use, ends with it */
/* This process looks after leases and delays from now on, and jobs that workers have are taken into memory. */
bool jobs_serve(Engine *e, Err *err);

/* --- submitting ---------------------------------------------------------------------------------------------------------------- */
typedef struct JobSpec {
  Val payload, metadata;   /* payload ABSENT: none; metadata nil: none */
  Val lineage;             /* map {:root-workflow-id ..}, or nil */
  int64_t max_attempts;    /* 0: JOB_ATTEMPTS */
  int64_t priority, delay_ms;
  const char *unique_key;  /* NULL none */
  int64_t unique_ms;       /* 0: while the job is open */
} JobSpec;
typedef struct JobGroup {
  const char *workspace, *type;
  int64_t run;             /* with which it is cancelled; 0 none */
  bool batch;              /* else the one job stands alone */
  Val metadata, lineage;   /* of the batch */
  int64_t max_active;      /* of the batch; 0 any number */
} JobGroup;
/* Puts them into b. *rows: malloc'ed, n of them; *batch is filled when g->batch. false: *err. jobs_submitted says when they are durable. */
bool jobs_submit(Engine *e, const JobGroup *g, const JobSpec *specs, size_t n, Batch *b, JobRow **rows, JobBatchRow *batch, Err *err);
void jobs_rows_free(JobRow *rows, size_t n);
/* job: the number of the one, 0 several; priority: the highest. */
void jobs_submitted(Engine *e, const char *workspace, const char *type, int64_t job, int64_t priority);

/* --- looking ------------------------------------------------------------------------------------------------------------------- */
/* As it is, changes under way included. false and err->code NULL: there is none. */
bool jobs_get(Engine *e, const char *workspace, const char *id, JobRow *out, Err *err);
bool jobs_get_durable(Engine *e, const char *workspace, const char *id, JobRow *out, Err *err); /* as it is in the store */
bool jobs_batch_get(Engine *e, const char *workspace, const char *id, JobBatchRow *out, Err *err); /* committed */
const char *jobs_batch_status(const JobBatchRow *b); /* "queued" "running", or how it ended */
bool jobs_batch_over(const JobBatchRow *b);
/* Was a worker of that type seen within `within_ms`? */
bool jobs_worker_seen(Engine *e, const char *workspace, const char *type, int64_t within_ms, int64_t *at_ms);

/* Maps with kebab-case keywords. Both: what is not there is left out. */
enum JobShow { JOB_SHOW_PAYLOAD = 1, JOB_SHOW_TOKEN = 2 };
Val jobs_map(const JobRow *j, unsigned show);
Val jobs_batch_map(const JobBatchRow *b);
Val jobs_tail(const JobRow *j);

/* --- changing ------------------------------------------------------------------------------------------------------------------ */
/* error: NULL durable, "job_conflict" and the like: nothing has changed. */
typedef void (*JobDoneFn)(void *ctx, const char *error);

/* Whose claim it is, so that it can be asked for again: 32 hex digits of the caller and his operation, a space, 16 of what was asked. */
enum { JOB_CLAIM_ID = 32, JOB_CLAIM_MAX = 50 };
/* Somebody who wants a job. With the claim of a job that is held he gets that one again. `got` is called once: with a job that is durably his, or with NULL at the deadline (at once without one), or
 * with an error. It returns whether he could be told: if not, the job is claimable again, and no attempt is used. */
typedef struct JobAsk {
  char *workspace, *type, *worker, *labels; /* malloc'ed; labels: EDN map, NULL none. Freed here */
  int64_t batch;           /* 0: any */
  int64_t lease_ms, until_ms; /* until: UTC; 0: do not wait */
  char claim[JOB_CLAIM_MAX]; /* "" none */
  uint64_t token;          /* his request, for jobs_unsent; 0 none */
  bool (*alive)(void *ctx);
  bool (*got)(void *ctx, const JobRow *j, const char *error);
  void *ctx;
  struct JobAsk *next;
} JobAsk;
void jobs_ask(Engine *e, JobAsk *ask); /* takes it */
/* false: another request was made under this caller's operation, and its job is held. */
bool jobs_claim_fits(Engine *e, const char *claim);
/* The server ends: nobody waits any longer, all get none. */
void jobs_hang_up(Engine *e);
/* The answer to this request has not reached him. */
void jobs_unsent(Engine *e, uint64_t token);

/* What a worker does with his job. JOB_CALL_LATE: the job is over and the token was its last: out is the job as it is, and nothing is to
 * be changed (jobs_settle). */
enum JobCall { JOB_CALL_OK, JOB_CALL_LATE, JOB_CALL_MISSING, JOB_CALL_CONFLICT, JOB_CALL_ERROR };
/* The job and whether the token holds it. */
enum JobCall jobs_held(Engine *e, const char *workspace, const char *id, const char *token, JobRow *out, Err *err);
typedef struct JobUpdate {
  enum JobPhase to;        /* JOB_PHASES: stays where it is; progress never goes back */
  int64_t lease_ms;        /* extends the lease to now + that; 0: as it is. Progress too extends none */
  Val tail;                /* the new one */
} JobUpdate;
/* Changes are made in two parts: begun, they are in memory (jobs_get shows the job as it will be) and in the batch, to which the caller may
 * add; jobs_commit makes them durable. What has begun has to be committed. */
struct JobWork;
struct JobWork *jobs_update(Engine *e, const JobRow *j, const JobUpdate *u, Batch *b);
struct JobWork *jobs_settle(Engine *e, const JobRow *j, Batch *b); /* changes nothing: durable when everything known of the job is */
/* A claim (JOB_LEASED) is given back: claimable at once, as if it had not been. */
struct JobWork *jobs_release(Engine *e, const JobRow *j, Batch *b);
/* Ends what is open: one job, or a batch. */
struct JobWork *jobs_cancel(Engine *e, const JobRow *j, Batch *b);
struct JobWork *jobs_cancel_batch(Engine *e, const JobBatchRow *r, Batch *b);
void jobs_commit(struct JobWork *w, JobDoneFn done, void *ctx);

/* --- limits of a type ---------------------------------------------------------------------------------------------------------- */
typedef struct JobLimits {
  int64_t max_active;      /* 0: any number */
  int64_t rate, per_ms;    /* claims in that time; 0: any number */
} JobLimits;
bool jobs_limits(Engine *e, const char *workspace, const char *type, JobLimits *out, int64_t *rev, Err *err);
void jobs_limits_put(Engine *e, Batch *b, const char *workspace, const char *type, const JobLimits *l, int64_t rev);
void jobs_limits_set(Engine *e, const char *workspace, const char *type, const JobLimits *l); /* it is durable */
#define JOB_TYPE_KIND "job-type" /* of the documents that hold them */

/* --- for the engine ------------------------------------------------------------------------------------------------------------ */
struct Run;
void jobs_turn(Engine *e);         /* leases that are over, jobs that are due, asks whose time is over */
void jobs_free(Engine *e);
/* Into the batch that ends a run: what it submitted is to be cancelled. */
void jobs_run_over(Engine *e, Batch *b, int64_t run, const char *workspace, const char *run_id, enum RunStatus st, bool submitted);
void jobs_cancel_deliver(Engine *e, const InboxRow *row); /* such a request */
#endif
