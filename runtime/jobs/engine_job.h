/* engine_job.h - the :job step (spec/flows.md 7.2) inside of the engine.
 *
 * :submit and :submit-batch put jobs into the batch of the step's own record: they are there exactly when the journal says so, also after a
 * crash, and without waiting for the disk. :get and :get-batch read when everything before them is durable. :await and :await-batch park the
 * run beside a row in `waits` whose key begins with the job's id; nothing looks at it until the commit that ends the job is durable, or the
 * timer fires. A row whose job is over is all that recovery needs. :interval, :backoff and :max-attempts say how long is waited, as if it was
 * looked that often. */
#ifndef BR_ENGINE_JOB_H
#define BR_ENGINE_JOB_H
#include "runtime/engine/engine_int.h"

bool job_begin(StepCall *c);              /* false: it goes on as an external step does (:get, :get-batch) */
bool job_awaits(const StepCall *c);
bool job_input_awaits(Val type, Val cfg); /* the same of a record */
void job_parked(Run *r);                  /* its wait is durable: the job may be over by now */
void job_timed_out(StepCall *c);
void job_await_cleanup(StepCall *c);      /* nobody waits any more */
void job_resume(Engine *e, const RunRow *row); /* a run that waits outside: its job may have ended meanwhile */
void job_say(Engine *e, const RunRow *row, Val note, const char *until, char *out, size_t n);
void job_sent(Run *r);                    /* what the run has submitted may be durable */
void engine_job_register(void);
#endif
