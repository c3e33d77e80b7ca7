/* client_runs.c - see client_runs.h */
#include "client_runs.h"
#include "cli.h"
#include "reader/num.h"
#include <stdlib.h>
#include <string.h>

/* --- runs show, inspect, step ------------------------------------------------------------------------------------------------------------ */
/* The last `most` of the steps; `failed`: of those that failed. */
static Val chosen(Val steps, int64_t most, bool failed) {
  Val kept = vec_empty;
  for (uint32_t i = 0; is_vec(steps) && i < vec_count(steps); i++) {
    Val step = vec_nth(steps, i);
    if (!failed || !is_nil(client_at(step, "error"))) kept = vec_conj(kept, step);
  }
  uint32_t n = vec_count(kept);
  return !most || n <= most ? kept : vec_sub(kept, n - (uint32_t)most, n);
}

int client_runs_show(ClientRun *r) {
  ClientAnswer a;
  bool full = client_flag(r, "full"), errors = client_flag(r, "errors"), steps = full || errors || client_flag(r, "include-steps");
  r->args = client_put(r->args, "includeSteps", bool_val(steps));
  r->args = client_put(r->args, "includeResult", bool_val(full || client_flag(r, "include-result")));
  if (full) r->args = client_put(r->args, "includeStepResults", TRUE_V);
  client_send(r, &a);
  if (a.ok && steps) a.body = client_put(a.body, "data.run.steps", chosen(client_at(a.body, "data.run.steps"), full ? 0 : client_int(r, "steps", 20), errors));
  return client_finish(r, &a);
}

int client_runs_inspect(ClientRun *r) { return client_runs_show(r); }
int client_runs_step(ClientRun *r) { return client_runs_show(r); }
