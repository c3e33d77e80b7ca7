/* store_jobs.h - jobs and batches of jobs in the store (store.h): rows that external workers claim.
 *
 * A job is a row with a revision. Whoever changes it names the revision that the change was made from; another one there refuses the whole
 * batch with "job_conflict". So two claims of one job, a late completion and a sweep that comes at the same time exclude each other in the
 * writer, whatever the engine's memory says. `head` is written once (what was submitted), `tail` with every change (what has become of it).
 *
 * due_ms is the one clock of a job: when a delayed job becomes claimable, when a lease ends, when a job that is over is forgotten; 0 never.
 * Claimable jobs are in the order of priority (higher first), then of number. Counts of a batch are kept by the store itself, in the
 * transaction that changes a job. The jobs of a batch have the numbers behind the batch's own, without a gap.
 *
 * A unique key holds its job until `unique_until_ms`; JOB_UNIQUE_OPEN: until the job is over. Submitting another one under it meanwhile is
 * refused with "job_exists". */
#ifndef BR_STORE_JOBS_H
#define BR_STORE_JOBS_H
#include "store.h"

enum JobPhase {
  JOB_READY,   /* claimable */
  JOB_DELAYED, /* until due_ms */
  JOB_HELD,    /* until others of its batch are over, and not before due_ms */
  JOB_LEASED, JOB_STARTED, JOB_RUNNING, /* a worker has it */
  JOB_SUCCEEDED, JOB_NO_CHANGES, JOB_FAILED, JOB_CANCELLED, JOB_TIMED_OUT,
  JOB_PHASES
};
const char *job_status_name(enum JobPhase p); /* "queued" of the first three */
unsigned job_status_phases(const char *status); /* as a mask; 0: there is no such status */
static inline bool job_phase_open(enum JobPhase p) { return p <= JOB_RUNNING; }
static inline bool job_phase_held(enum JobPhase p) { return p >= JOB_LEASED && p <= JOB_RUNNING; }

#define JOB_UNIQUE_OPEN INT64_MAX

typedef struct JobRow {
  int64_t job, rev;     /* number, from store_next_jobs; rev: 0 new */
  enum JobPhase phase;
  int64_t priority, attempt, max_attempts, due_ms;
  int64_t created_ms, updated_ms, started_ms, finished_ms; /* started: of the present attempt */
  int64_t batch, run;   /* numbers; 0 none. run: whose step submitted it */
  int64_t unique_until_ms;
  char *workspace, *id, *type, *unique_key; /* unique_key: NULL none */
  char *token, *worker; /* of the lease, kept when the job is over; NULL none */
  Blob head, tail;
} JobRow;
void job_row_free(JobRow *j);

typedef struct JobBatchRow {
  int64_t batch;
  char *workspace, *id, *type;
  int64_t created_ms, finished_ms, run, requested, max_active; /* finished: when no job of it was open any more; max_active: 0 any number */
  int64_t queued, active, done[JOB_PHASES - JOB_SUCCEEDED];    /* how many jobs are there now, done by phase - JOB_SUCCEEDED */
  bool cancelled;       /* as a whole */
  Blob data;
} JobBatchRow;
void job_batch_row_free(JobBatchRow *b);

/* Numbers for n jobs or batches, the first of them; -1: cannot be read. */
int64_t store_next_jobs(Store *s, int64_t n);
/* j->rev 0: a new job (workspace, id, type, head, priority, batch, run and keys are of this alone); else the revision it replaces and `was`
 * its phase. */
void batch_job_put(Batch *b, const JobRow *j, enum JobPhase was);
void batch_job_expect(Batch *b, int64_t job, int64_t rev);
void batch_job_del(Batch *b, const JobRow *j); /* at its revision; the batch goes with its last job */
void batch_job_batch_put(Batch *b, const JobBatchRow *r); /* new; with the puts of all its `requested` jobs, queued, in the same Batch */
void batch_job_batch_cancel(Batch *b, int64_t batch);

/* Committed rows. */
bool store_job_get(Store *s, int64_t job, JobRow *out, Err *e);
bool store_job_batch_get(Store *s, int64_t batch, JobBatchRow *out, Err *e);
/* The job that holds the key now, 0 none. */
int64_t store_job_unique(Store *s, const char *workspace, const char *key, int64_t now_ms, Err *e);

typedef struct JobQuery {
  enum {
    JOBS_READY,    /* of (workspace, type), in the order of claims; light: without head and tail */
    JOBS_READY_OF, /* the same of one batch */
    JOBS_WAITING,  /* held ones of a batch, by number, light */
    JOBS_DUE,      /* due until at_ms, by due; light */
    JOBS_ACTIVE,   /* a worker has them; by number behind `after` */
    JOBS_OF_RUN,   /* open ones that the run submitted, by number behind `after`; light */
    JOBS_OF_BATCH, /* those of a batch, by number behind `after`; phases */
    JOBS_NEWEST    /* of the workspace, newest first, numbers below `after`; type NULL: any; phases */
  } how;
  const char *workspace, *type;
  int64_t batch, run, after, at_ms;
  unsigned phases; /* mask; 0 any */
} JobQuery;
size_t store_jobs(Store *s, const JobQuery *q, JobRow *out, size_t max, Err *e);
int64_t store_jobs_due(Store *s); /* the earliest due time, INT64_MAX none */
/* Types of jobs of a workspace that there are or were, behind `after`, in order; malloc'ed. */
size_t store_job_types(Store *s, const char *workspace, const char *after, char **out, size_t max, Err *e);
#endif
