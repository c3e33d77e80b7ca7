/* api_runs.h - what the files of the family runs.* share: starting (api_runs.c), one run and its events (api_runs_get.c), lists
 * (api_runs_list.c), runs made out of others (api_runs_again.c). Engine thread. */
#ifndef BR_API_RUNS_H
#define BR_API_RUNS_H
#include "api.h"
#include "runtime/engine/slots.h"

/* How a run is started for a call: the answer {:workflowId ..} with `more` behind it is durable with its START. */
typedef struct ApiStart {
  const char *target, *installation;
  int64_t version;
  Val origin; /* map, see RunStart; the door and the key are put to it */
  Val more;   /* map for the answer, or nil */
} ApiStart;
/* Starts it under the policy of its flow. The call is answered, now or later; false: it has failed. */
bool api_run_begin(ApiCall *c, FlowDef *f, Val input, const ApiStart *how);
/* {:door "api" :target .. :by key ..} of this call. */
Val api_run_origin(const ApiCall *c, const char *target, Val more);
/* The input against what is declared, defaults filled in; missing: details.missingKeys. false: the call has failed. */
bool api_run_input(ApiCall *c, Val declared, Val *input);
/* What a start answers. slot: NULL, it took none. */
Val api_run_started(const RunRow *row, const char *target, const SlotDecision *slot, Val more);
/* A flow that does not run: its diagnostics. false. */
bool api_run_not_runnable(ApiCall *c, const char *slug, const char *hash, const Err *why);

/* The run that args.workflowId names (-rN with flowSlug), in this workspace and, if one is named, of that installation. false: 404. */
bool api_run_row(ApiCall *c, RunRow *row);
/* Its facts, as lists and runs.get show them. */
void api_run_put(ValVec *m, const RunRow *r);
const char *api_run_status(enum RunStatus s); /* a blocked run waits for an operator: "failed" */
Val api_run_fact(const RunRow *r, const char *key); /* of its origin */

/* api_debug.c: `breakpoint`, if the run stands at one; the event of that, or nil (step: only of this one, NULL any). */
void api_debug_put(ValVec *m, const RunRow *row);
Val api_debug_event(const RunRow *row, const char *step);

bool api_runs_get(ApiCall *c);
bool api_runs_events(ApiCall *c);
bool api_runs_list(ApiCall *c);
bool api_runs_replay(ApiCall *c);
bool api_runs_retry(ApiCall *c);
bool api_runs_fork(ApiCall *c);
bool api_runs_verify(ApiCall *c);
#endif
