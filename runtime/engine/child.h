/* child.h - child flows: the step types :call-flow (one child, flow/call-flow) and :fanout (several).
 *
 * A child is an ordinary run whose row and START record say whose it is (its lineage). It is created in the batch that writes the
 * parent's intent and J_CHILD record, so it is there exactly when the parent's journal says so. The parent then parks: nothing of
 * it is in memory. The batch that ends a child puts its outcome into the inbox, addressed to the parent; whoever holds the
 * database hands it over: the J_CHILD record of the outcome and the end of the inbox row are one batch again. So no crash
 * loses or doubles a child or its result, and a journal alone rebuilds the parent, without any child.
 *
 * State of a step in flight is the fold of its J_CHILD records (engine_journal.h), at most 25 children; a snapshot is taken in front
 * of them.
 *
 * Ids: PARENT.STEP.N, N the number of the step in the parent's run; .INDEX behind it for items of a fan-out, -A for the A-th
 * attempt under :retry-policy, where :workflow-id does not name the run. A path that gets too long is SLUG.HASH.
 *
 * What happens to children in flight when the parent stops waiting (:parent-close-policy): :request-cancel asks them to cancel,
 * :terminate ends them at once, :abandon leaves them alone. Without one it is as in Temporal: a parent that is terminated
 * terminates its children; one that is cancelled, gives up waiting (:timeout) or fails over another item asks them to cancel. */
#ifndef BR_CHILD_H
#define BR_CHILD_H
#include "engine_int.h"
#include "runtime/base/limits.h"


enum KidState { KID_TODO, KID_RUNNING, KID_RETRY, KID_OVER };
typedef struct Kid {
  enum KidState state;
  int attempt;
  int64_t due_ms;  /* RUNNING, when its :timeout is over; RETRY, when the next attempt starts; 0 never */
  Val id;          /* workflow id, nil: it never started */
  Val status;      /* OVER: keyword as of runs */
  Val value;       /* OVER: result, or error map */
} Kid;
typedef struct Kids { uint32_t n; Kid a[]; } Kids;

/* --- for the engine ------------------------------------------------------------------------------- */
bool child_step(Val type);                    /* :call-flow or :fanout */
void child_begin(StepCall *c);
void child_replayed(StepCall *c, Val rec);    /* a J_CHILD record */
void child_again(StepCall *c);                /* after a load: waits on */
void child_timer(StepCall *c);
void child_launch(Run *r);                    /* what it created is durable: children go into the queue */
bool child_resume(Engine *e, const RunRow *parent, Err *err); /* the children that a parked run waits for */
void child_deliver(Engine *e, const InboxRow *row, Err *err); /* the outcome of a child */
enum ChildClose { CLOSE_CANCELLED, CLOSE_TERMINATED, CLOSE_TIMEOUT, CLOSE_SIBLING };
void child_close(StepCall *c, enum ChildClose why); /* nobody waits for its children any more */
void child_close_row(Engine *e, Batch *b, const RunRow *parent, bool force); /* the same of a run that is not in memory */
/* Into the batch that ends a run: its outcome for the parent, if it has one. */
void child_over(Run *r, enum RunStatus st, Val outcome);
void child_over_row(Batch *b, const RunRow *row, enum RunStatus st, Val outcome);
bool child_at_work(Engine *e, int64_t run);   /* of the same root as this run, one is in memory and goes on by itself */
void child_say_waits(Engine *e, Val note, const char *workspace, const char *run_id, char *out, size_t size);
Val child_lineage(const RunRow *row);         /* map, or nil */

/* --- starting: child_start.c ------------------------------------------------------------------------------- */
Val child_item(const StepCall *c, uint32_t i);
Val child_items(Val cfg);                     /* vector; ABSENT: there is none */
/* What is wrong with the call, as an error map; nil. */
Val child_problem(Run *r, Val type, Val cfg);
/* Makes item i a run, in the run's batch. false: *error says why that cannot be. */
bool child_start(StepCall *c, uint32_t i, Val *error);
int64_t child_timeout(Val item);              /* ms, 0 none */
int child_at_once(Val cfg);
Val child_error(const char *code, const char *msg);

/* --- in the machine: child_frames.c ------------------------------------------------------------------------------- */
extern const BuiltinRow rows_child[];
void child_register(void);
bool fanout_legacy(Val type, Val cfg);        /* its items are steps, not flows */
void fanout_count(Mach *m, Val cfg);
Val fanout_over(Val state);                   /* error map when the run has too many; nil */
Val fanout_result(Val items, Val policy);     /* from the vector of item maps */
/* The function that a step's result goes through in the machine, compiled; nil, or a signal. */
Val step_after_fn(Mach *m, Val type, Val cfg);
#endif
