/* worker.h - `breyta jobs worker run`: claims jobs of one type, runs a handler for each, and tells the server how it ended.
 *
 * One thread claims, starts handlers, reads what they write and reports; it never waits for any one of them (worker.c: the loop and the
 * claims, worker_job.c: one job from its claim to its report). A second thread keeps the leases (worker_beat.h), a small process ends the
 * handlers of a worker that is gone (worker_warden.h). Nothing is kept between two starts: what a worker had claimed comes back to the
 * queue when its lease is over.
 *
 * A job: claimed -> running -> settling -> gone. Settling is the report of its end, repeated under one operation id until the server has it
 * or says that the lease is somebody else's; meanwhile its place among the running is free, so that at most twice `concurrency` jobs are
 * held. A lease that is lost, or a job that is cancelled, ends the handler: SIGTERM to its group, SIGKILL two seconds later.
 *
 * SIGTERM or SIGINT: no more claims; handlers may end by themselves for `grace`, then they are ended and their jobs failed as
 * worker_stopped. The second signal kills them and leaves at once; their leases run out. */
#ifndef BR_WORKER_H
#define BR_WORKER_H
#include "runtime/client/client_cli.h"
#include "worker_beat.h"
#include "worker_dir.h"
#include "worker_log.h"
#include "worker_proc.h"
#include "worker_rpc.h"
#include "worker_say.h"
#include "worker_sweep.h"
#include "worker_warden.h"

enum { WORKER_START_TRIES = 3 /* then it stops claiming: one broken machine must not fail the whole queue */ };
enum { WORKER_KILL_MS = 2000, WORKER_CALL_MS = 30000, WORKER_WAIT_MS = 20000, WORKER_MOST = 1000 };

typedef struct WorkerOptions {
  const ClientConfig *where;
  const char *type, *id, *batch;                 /* batch NULL: any */
  Val labels;                                    /* map; nil: none */
  char *const *argv;                             /* the handler and its arguments, NULL behind */
  int64_t lease_ms, poll_ms, grace_ms, max_jobs; /* max_jobs 0: no end */
  int concurrency;
  bool once, keep;
} WorkerOptions;

enum WorkerState { WORKER_RUNNING, WORKER_SETTLING, WORKER_GONE };
enum WorkerWhy { WORKER_WHY_NONE, WORKER_WHY_LOST, WORKER_WHY_CANCELLED, WORKER_WHY_STOPPED };
typedef struct WorkerJob {
  struct Worker *w;
  struct WorkerJob *next;
  enum WorkerState state;
  enum WorkerWhy why; /* it was ended by the worker */
  char *id, *token;
  WorkerDir dir;
  WorkerProc proc;
  WorkerLog log;
  uint64_t lease;
  int64_t begun_us, ended_us;
  int64_t kill_us;    /* when SIGKILL follows SIGTERM; 0: no */
  int64_t started_us; /* when the server is told that the handler has started; 0: it was, or need not be */
  WorkerCall started, settle;
  bool denied; /* the server has not taken the report for want of a right */
  bool second; /* settle is a failure that the server's refusal of the first report has made necessary */
} WorkerJob;

typedef struct WorkerClaim {
  WorkerCall call;
  int64_t wait_ms;
  bool leaving; /* it was broken off; an answer that comes nevertheless is given back */
} WorkerClaim;

typedef struct Worker {
  const WorkerOptions *o;
  WorkerRpc rpc;
  WorkerBeat *beat;
  WorkerWarden warden;
  WorkerSay say;
  WorkerJob *jobs;
  WorkerClaim *claims; /* o->concurrency of them */
  int running, held;   /* jobs with a handler; all jobs */
  int width;           /* how many claims may be under way: 1 while there is nothing to do */
  int64_t idle_us;     /* no claim before */
  bool no_wait;        /* the server does not take waitMs */
  int64_t claimed, handled, failed, lost, idle_polls;
  int not_started; /* jobs in a row whose handler could not be started */
  Val last_job;
  char *last_dir;
  int signals, signal_fd;
  int64_t grace_us, end_us;    /* while draining: when handlers are ended, when the worker goes whatever is left */
  char code[64], message[480]; /* why it cannot go on; "" */
} Worker;

/* Prints the result as the row's answer; the exit status. */
int worker_run(ClientRun *r, const WorkerOptions *o);

/* No more claims; what runs comes to its end, and the worker's status is 1. The first reason counts. */
void worker_cannot_go_on(Worker *w, const char *code, const char *message);

/* --- worker_job.c --------------------------------------------------------------------------------------------------------------------- */
/* A job that was claimed: its folder, its handler, or its failure. sure: the lease has begun when the claim was sent. */
void worker_job_begin(Worker *w, Val job, int64_t begun_us, bool sure);
void worker_job_output(WorkerJob *j);                                     /* there is some */
void worker_job_look(WorkerJob *j, int64_t now);                          /* has it ended? what is due? */
int64_t worker_job_due(const WorkerJob *j);                               /* when worker_job_look has something to do again; INT64_MAX */
void worker_job_stop(WorkerJob *j, enum WorkerWhy why, const char *text); /* ends its handler */
bool worker_job_answer(WorkerJob *j, const WorkerAnswer *a);              /* was it for this job? */
void worker_job_free(WorkerJob *j);                                       /* kills what runs */
#endif
