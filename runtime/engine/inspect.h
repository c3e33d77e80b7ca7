/* inspect.h - runs as they were: the machine at any past step, rebuilt from the nearest snapshot or the start of the journal, without
 * doing any effect or writing anything. Works on a store opened for reading, on runs in any state.
 *
 * Steps are counted from 1 in the order in which they began; retries of a step do not count. "At step n" is the moment when it is
 * about to begin: its config is evaluated, its result is not there.
 * What is shown is plain data, safe to print and to process: functions, cells and what else is no data stand there as symbols such as
 * #<fn user/f>, the unrealised rest of a lazy seq as ...
 * Thread: the engine's. */
#ifndef BR_INSPECT_H
#define BR_INSPECT_H
#include "engine.h"

/* {:run-id :step {:number :id :type :input ...} :frames [{:frame 0 :fn :file :line :column :locals {:x 1}} ...]}, innermost first.
 * step 0: the last one that has begun. ABSENT with *err: no_step, not_found, replay_differs, those of the store. */
Val inspect_at(Engine *e, int64_t run, int64_t step, Err *err);
/* The number of a step given as people do: "3", "fetch", ":fetch", "fetch#2" (the second time it began), "last". */
bool inspect_step_number(Engine *e, int64_t run, const char *text, int64_t *n, Err *err);

struct Run;
struct Activation;
/* The run with its machine in front of the step, not in the engine's table: run_release (engine_int.h). NULL: *err. */
struct Run *inspect_rebuild(Engine *e, const RunRow *row, int64_t step, bool from_start, Err *err);
/* The same of a run in memory that stands in front of a step. */
Val inspect_run(struct Run *r);
bool inspect_shown(const struct Activation *a); /* those that get a frame number */
Val inspect_copy(Val v);
/* "  0  user/f   flow.edn:3:7\n       x  1\n" ...: the frames of such a map for people, lines of at most `width`. */
void inspect_print(Val map, size_t width, Buf *out);
#endif
