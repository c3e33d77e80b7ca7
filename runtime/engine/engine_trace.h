/* engine_trace.h - runs and attempts as spans (otel.h). Ids follow from what a run is, not from memory: a run that is continued after a
 * crash goes on in its trace. The trace is that of the traceparent the run was started with (its origin, or its parent's step), else the
 * run's own; the run is one span, every attempt of a step one below it, and a child's run one below the attempt that started it. */
#ifndef BR_ENGINE_TRACE_H
#define BR_ENGINE_TRACE_H
#include "engine_int.h"
#include "runtime/base/log.h"

void trace_run(Run *r, const RunRow *row); /* a run comes into memory */
void trace_run_ended(const Run *r, const LogField *f, size_t n, bool failed, const char *message);
void trace_attempt_ended(const StepCall *c, const LogField *f, size_t n, bool failed, const char *message);
/* "00-...": what the attempt sends along; false: nothing is traced. */
bool trace_header(const StepCall *c, char out[56]);
#endif
