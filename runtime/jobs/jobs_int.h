/* jobs_int.h - what the files of jobs.h share. */
#ifndef BR_JOBS_INT_H
#define BR_JOBS_INT_H
#include "runtime/engine/engine_int.h"
#include "jobs.h"

typedef struct Job {
  JobRow row;       /* as it will be when all is durable */
  int inflight;     /* changes under way */
  bool bad;         /* one was refused: to be read anew */
  uint64_t asked;   /* the request that was answered with it last */
  int repeats;      /* claims made again that are under way: one that reaches nobody is not taken back */
  char claim[JOB_CLAIM_MAX]; /* while it is held; "" none */
  struct JobQueue *q;
  struct Job *chain, *claim_chain;
} Job;

enum { READY_MAX = 256 };
typedef struct JobQueue {
  char *workspace, *type;
  int64_t active, held;       /* jobs of it that workers have; that are in memory */
  JobLimits limits;
  double tokens;              /* of the rate */
  int64_t tokens_ms;          /* when they were counted last */
  int64_t seen_ms;            /* a worker */
  struct { int64_t job, priority; } ready[READY_MAX];
  int at, n;
  bool all, stale;            /* ready holds all there are; it has to be read anew */
  JobAsk *first, *last;
  struct JobQueue *next;
} JobQueue;

struct Jobs {
  Engine *e;
  Job **map, **claims; /* by number; those that have one, by claim. cap of both */
  size_t n, cap;
  JobQueue *queues;
  size_t nqueues;
  bool serving;
  int64_t due_ms;             /* when the store has to be asked for what is due; INT64_MAX never */
  int64_t ask_ms;             /* when the first ask or rate is due; INT64_MAX never */
  int64_t hold_until_ms;      /* the store refused a sweep */
  int64_t *cancelling;        /* inbox rows under way */
  size_t ncancelling;
  int sweeping;               /* sweeps under way */
};

/* Changes that become durable together. */
typedef struct JobWork {
  Jobs *jobs;
  Batch *b;
  int64_t *a; /* numbers of the jobs */
  size_t n, cap;
  JobDoneFn done;
  void *ctx;
} JobWork;
JobWork *job_work(Jobs *s, Batch *b);            /* b NULL: a new one */
/* j->row has been changed, from phase `was`. */
void job_work_put(JobWork *w, Job *j, enum JobPhase was);
void job_work_del(JobWork *w, Job *j);
void job_work_commit(JobWork *w, JobDoneFn done, void *ctx); /* takes w */

Job *job_find(Jobs *s, int64_t number);          /* in memory */
Job *job_hold(Jobs *s, int64_t number, Err *err); /* into memory; NULL: there is none, or *err */
Job *job_claimed(Jobs *s, const char *claim);    /* held, by the caller and operation of the claim; NULL none */
void job_claim_set(Jobs *s, Job *j, const char *claim); /* "": none any more */
void job_let_go(Jobs *s, Job *j);                /* out of memory, unless it has to stay */
void job_text(char **slot, const char *s);
Val job_map_of(const Blob *b);                   /* {} of what is no map */
void job_tail_set(JobRow *j, Val tail);
Val job_attempt_over(Val tail, const char *outcome, int64_t at); /* the last entry of :attempts has ended */

void job_end(JobWork *w, Job *j, enum JobPhase to, Val tail, int64_t now); /* before job_work_put */

/* jobs_queue.c */
JobQueue *job_queue(Jobs *s, const char *workspace, const char *type);
void job_queue_ready(JobQueue *q, int64_t job, int64_t priority); /* durably claimable */
void job_queue_more(JobQueue *q, int64_t priority);               /* several new ones are */
void job_queue_serve(Jobs *s, JobQueue *q);
void job_queues_turn(Jobs *s, int64_t now);
void job_queues_free(Jobs *s);
/* jobs_sweep.c */
void job_over_moves_on(JobWork *w, int64_t batch); /* one of its batch is over: a held one becomes claimable */
void job_unclaim(Jobs *s, Job *j);
/* engine_job.c: what awaits it is taken up. Durable. */
void job_awaits_wake(Engine *e, const char *workspace, const char *id);
#endif
