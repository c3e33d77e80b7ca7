/* breaks.h - breakpoints: runs of a flow stop in front of a step, or behind it, until somebody lets them go on or ends them.
 *
 * What is set is the overlay of a flow, a document of its workspace: kind BREAKS_KIND, key the slug,
 *   {:enabled true :target "draft"|"all" :steps {"pay" {:type "before"|"after"|"both" :at ms :by key}} :at ms}
 * It holds for runs on the draft; with :target "all" also for those on live and on installations. A step that is run alone does not stop,
 * and neither does a run in the stepper. A part of a step made of steps ("send/confirm") counts as that step ("send"), too.
 *
 * A run stops before a step is tried (its config is evaluated, its templates are not rendered; attempts after the first do not stop), or
 * behind it, when its result or last error is recorded. It is then as every run that waits: everything up to there is durable, it is not
 * in memory, its status is waiting and the note of its row says where it stands,
 *   {:waits :breakpoint :step "pay" :type "http" :side :before :occurrence 1 :place 7 :since ms :of :config :shown "EDN"}.
 * Nothing of that is in the journal: replay does not know of breakpoints and comes to the same end. A place is a number that only grows
 * in a run: twice the number of the last record in front of it, plus 1 in front of a step. Which place a run was let go from is in the
 * note of its running row, {:past-breakpoint 7}: it never stops twice in one place, whatever crashes. Each round of a loop is a place of
 * its own.
 *
 * A run that is ended here fails with {:type :breakpoint-aborted}, by the way of runs that are cancelled: an error that no catch clause
 * takes, finally blocks run. In front of a step that is the step's answer; behind one a record (J_ABORT) says that its call throws in
 * place of giving its result. Cancelling a run that stands at a breakpoint does the same.
 *
 * Who lets a run go or ends it puts a row into the inbox (breaks_send); what changes an overlay puts one that makes the engine let go
 * who waits at a breakpoint that is there no more (breaks_sweep). Engine thread. */
#ifndef BR_BREAKS_H
#define BR_BREAKS_H
#include "engine_int.h"

#define BREAKS_KIND "debug-overlay"
enum BreakSide { BREAK_BEHIND, BREAK_BEFORE };

/* Where a run of the engine meets them. */
void breaks_run(Run *r, const RunRow *row);                  /* what its row says of breakpoints */
bool breaks_before(Run *r);                                  /* it has reached a step: true, it stops there */
bool breaks_behind(Run *r, bool *ok, Val *value, Val *by);   /* r->call is answered with that, or with what is here afterwards; true: it stops, once it is */
bool breaks_holds_behind(const Run *r);                      /* it stops behind a step and is still in memory */
enum RunStatus breaks_end(Val error);                        /* how a run ends that this cancelling error has ended */
void breaks_deliver(Engine *e, const InboxRow *row, Err *err);
void breaks_say(Val note, const char *run_id, char *out, size_t n);

/* For the API. */
Val breaks_stop(const RunRow *row);                          /* the note of a run that stands at a breakpoint; nil */
bool breaks_sent(Engine *e, const RunRow *row);              /* somebody has let it go or ended it just now */
void breaks_send(Batch *b, const RunRow *row, Val stop, bool abort, const char *by);
void breaks_sweep(Engine *e, Batch *b, const char *workspace, const char *slug); /* the batch changes this overlay */
#endif
