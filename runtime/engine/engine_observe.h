/* engine_observe.h - what happens to runs, counted (metrics.h) and told to the log (log.h). Called where it has happened; a run that is
 * only replayed is not seen. Nothing here changes anything, and nothing of a secret comes this far: errors are cleaned before. */
#ifndef BR_ENGINE_OBSERVE_H
#define BR_ENGINE_OBSERVE_H
#include "engine_int.h"

void observe_run_started(const Run *r);                                        /* its start is durable; it may have to queue first */
void observe_run_begun(const Run *r);                                          /* one that queued */
void observe_run_ended(const Run *r);                                          /* its end is durable */
void observe_row_ended(Engine *e, const RunRow *row, enum RunStatus st, Val error); /* the same of one that was not in memory */
void observe_attempt(const StepCall *c);                                       /* its effect begins */
void observe_retry(const StepCall *c, Val error, int64_t in_ms);                /* the attempt has failed, another one follows */
void observe_step_ended(const StepCall *c, bool ok, Val value);                /* value: the result or the error map */
void observe_timer(int64_t due_ms);                                            /* fired now */
void observe_output(const Run *r, const char *s, size_t n);                    /* what the flow's code prints */
/* Of the server, when it is asked: figures of the moment. */
void observe_text(Engine *e, Buf *out);
/* NULL: ready for work; else why not. */
const char *observe_ready(Engine *e);
#endif
