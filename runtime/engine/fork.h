/* fork.h - a new run that shares the beginning of another one: "change a value and go on from there".
 *
 * engine_fork runs the flow again as the new run, in memory, up to the front of step n (1: the first). The steps before it are
 * answered with what the parent's journal has, without doing any effect, and so are clock and random values. What happens on the way is
 * written as the new run's own journal: its START with its own input and :flow/ctx, one STEP record for each step taken over
 * (retries folded, marked as the parent's), then the changes. So the fork is an ordinary run: its journal alone rebuilds it, bit for bit,
 * its input hashes and idempotency keys are its own from the beginning, and nothing of the parent has to stay. It is one batch of the
 * store: after a crash the fork is there wholly or not at all. It does not run before engine_resume.
 *
 * Changes, all optional:
 *   result   step n has this result, or failed with this error; the fork goes on behind it
 *   locals   values of locals in front of step n. They are journaled (J_EDIT: which slot of which activation), so that replay makes
 *            the same change at the same place and no snapshot has to stand in for the history. The call of step n is then
 *            evaluated again, so that its input sees them; what was computed from them before keeps its value.
 *   config   step n gets this config map in place of the one the flow computed
 *   input    the run's input; def: another source. The body runs again from its start and has to reach the same steps (id and type, in
 *            this order) up to step n; otherwise: fork_diverged.
 * The parent may be in any state: running, parked, finished, blocked. Errors: no_step, no_local, fork_diverged, not_serializable,
 * run_exists, and those of the store.
 * Thread: the engine's. */
#ifndef BR_FORK_H
#define BR_FORK_H
#include "edit.h"

typedef struct ForkChanges {
  enum { FORK_RUN, FORK_RESULT, FORK_ERROR } step; /* what becomes of step n */
  Val result;          /* of FORK_RESULT: data; of FORK_ERROR: a map with :message and, if you like, :type */
  const LocalChange *locals;
  size_t nlocals;
  Val config, input;   /* maps, or nil */
  FlowDef *def;        /* or NULL */
  Val origin;          /* of the new run, as in RunStart; or 0 */
  void (*also)(void *ctx, Batch *b, const RunRow *row); /* into the batch that makes it; may be NULL */
  void *ctx;
} ForkChanges;

/* The same for an engine that others wait for: the way to step n may be long, or have no end. Not with locals or def.
 *   FORK_FAILED  *err
 *   FORK_MADE    as engine_fork
 *   FORK_LATER   it takes turns with other runs; c, of which `also` is still to be called, is copied, what it points to stays with the caller.
 *                f is called once, by engine_turn: run, or 0 and *err; or by engine_free, with run 0 and no err: there is no fork. */
enum ForkHow { FORK_FAILED, FORK_MADE, FORK_LATER };
typedef void (*ForkedFn)(void *ctx, int64_t run, const Err *err);
enum ForkHow engine_fork_in_turns(Engine *e, int64_t parent, int64_t step, const ForkChanges *c, ForkedFn f, int64_t *run, Err *err);
/* run_id NULL: the next of the flow. */
bool engine_fork(Engine *e, int64_t parent, int64_t step, const ForkChanges *c, const char *run_id, int64_t *run, Err *err);
#endif
