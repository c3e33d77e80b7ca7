/* worker_result.h - how a job ends: from the handler's exit and its result.json to jobs.complete or jobs.fail (spec/http-api.md, B3.6).
 *
 *   exit 0, no result               succeeded, "handler exited successfully"
 *   exit 0, status of an end        jobs.complete; failed and timed_out: jobs.fail with what the result says
 *   exit 0, another status, no JSON jobs.fail, code invalid_result
 *   exit N, a signal                jobs.fail, code handler_failed, details {exitCode} or {signal}; message, code and details of the result
 *                                   count more; that it says succeeded does not
 * A failure's details have logTail, the end of what the handler wrote. Artifacts that attach-* has stored already are left out. */
#ifndef BR_WORKER_RESULT_H
#define BR_WORKER_RESULT_H
#include "reader/text.h"
#include "runtime/base/port.h"

typedef struct WorkerEnd {
  const char *job, *token;
  int status;          /* of waitpid */
  Val result;          /* of result.json; ABSENT: none */
  const char *problem; /* NULL, or why it cannot be read */
  const char *tail;    /* "": nothing was written */
  Val info;            /* workerInfo: map */
} WorkerEnd;
typedef struct WorkerSettle {
  const char *command; /* jobs.complete or jobs.fail */
  Val args;
} WorkerSettle;
WorkerSettle worker_result_settle(const WorkerEnd *end);
/* A failure that is not the handler's word: it could not be started, the worker was stopped. detail_key NULL: no detail of its own. */
WorkerSettle worker_result_fail(const WorkerEnd *end, const char *code, const char *message, const char *detail_key, Val detail);
WorkerSettle worker_result_cancelled(const WorkerEnd *end);
#endif
