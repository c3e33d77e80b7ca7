/* trigger_hook.h - requests that start runs: POST /<workspace>/events/<path> of webhooks, the same for drafts and to try out, and calls of
 * interfaces (spec/flows.md 5.2, 5.3).
 *
 * A request that is believed becomes a run whose START, the memory of its delivery id and of its replay id, and what it brought as files
 * are one batch. When that is durable:
 *   the flow's own answer   its value is a map with an integer :status (:headers, :body), and it has it within HOOK_WAIT_MS, or within
 *                           what "Prefer: wait=SECONDS" says (at most HOOK_WAIT_MAX_MS; "respond-async": not at all)
 *   202                     else; {"data": {"workflowId": ..}}
 *   200 {"deduped": true}   the delivery was there before, within a day: same delivery id (a header that hook_delivery knows), or of a :keyed
 *                           flow the same body
 * Refused: 401 not believed, 409 a signed request was used before, 413 too large, 422 not what the invocation's inputs say, 503.
 *
 * A webhook without :auth, or with :none, takes nothing but on a draft. Engine thread. */
#ifndef BR_TRIGGER_HOOK_H
#define BR_TRIGGER_HOOK_H
#include "trigger.h"

#define HOOK_WAIT_MS ((int64_t)10000)
#define HOOK_WAIT_MAX_MS ((int64_t)60000)
#define HOOK_REMEMBERED_MS ((int64_t)24 * 3600 * 1000)
enum { HOOK_WATCHES = 2000 };

/* EngineEventFn; ctx: the Triggers. */
bool hook_event(void *ctx, const struct ListenRequest *r);
/* Runs the draft whose webhook has this path. The caller of the API is known already. */
bool hook_draft(ApiCall *c, const char *path);
/* Says what would happen, and starts nothing. */
bool hook_validate(ApiCall *c, const char *path, bool draft, bool persist);

/* Is the caller believed by the trigger's :auth? by, if wanted: the id of the key that was shown, "" where none is asked for.
 * e: unauthorized, unverifiable. */
struct HookProof;
bool hook_believed(Api *a, const char *workspace, const ApiTarget *target, Val auth, const struct ListenRequest *r, struct HookProof *proof, char by[64], Err *e);
/* The signed request was used before: true, *e (webhook_replay). Else whoever accepts it puts the memory of it into the batch of the START. */
bool hook_replayed(Api *a, const char *workspace, const ApiTarget *target, const Trigger *t, const struct HookProof *proof, Err *e);
void hook_remember(Api *a, Batch *b, const char *workspace, const ApiTarget *target, const Trigger *t, const struct HookProof *proof, const char *run_id);
/* The answer of a start of a run, as data. */
Val hook_started(const RunRow *row, const ApiTarget *target, const Trigger *t);
#endif
