/* decisions.h - people decide about waits: who may, how many it takes, and the record of it.
 *
 * Options of a :wait that this is about: :roles (who), :approvals n (so many different people must approve; one rejection ends it),
 * :self-approval false (not whoever started the run), :actions (what may be decided besides approve and reject).
 * A decision is a document "decision" of its run under "<run>-<seq>/<who>", written in the batch that does what it says, and kept when the
 * wait is over: {:action s :by name :id id :at ms :reason s}. An approval that is not the last one needed is that document alone. A wait
 * that was passed on has "<run>-<seq>/>", {:to name ..}: from then on nobody else decides, but a key with all rights; those before it
 * are under "<run>-<seq>/>/<ms>", and what ended a wait in another way than by deciding under "<run>-<seq>/<who>/<action>".
 * The answer is the fields with :action, :by, :reason; of a :confirm or :review {:action :value :by :reason}; with :decisions, when it took several.
 * Everybody who holds the links of a wait counts as one person. Engine thread. */
#ifndef BR_DECISIONS_H
#define BR_DECISIONS_H
#include "runtime/engine/engine.h"

typedef struct DecisionWait {
  const char *workspace;
  int64_t run, seq;
  Val spec;            /* wait_spec_read */
  const char *starter; /* id of who started the run; NULL: not known */
} DecisionWait;

typedef struct Decider {
  const char *id, *name;                       /* "link" for links */
  bool all;                                    /* has every role, and decides also what was passed on to others */
  bool (*has_role)(void *ctx, const char *role); /* NULL: roles do not matter (links, and shells without --role) */
  void *ctx;
} Decider;

typedef struct Decided {
  bool final;         /* the wait is answered by `answer`; else more approvals are needed */
  Val answer;
  int64_t have, need; /* approvals */
} Decided;

/* Puts the decision into the batch. `fields` is the answer's map (of a :confirm or :review its value, any; nil none). false: *err is forbidden, self_approval, delegated, already_decided,
 * invalid_answer or unknown_action, and nothing was put. */
bool decision_make(Store *s, const DecisionWait *w, const char *action, Val fields, const char *reason, const Decider *who, Batch *b, Decided *out,
                   Err *err);
/* Passes the wait on to somebody: the name or id of a key, or "role:NAME". */
bool decision_delegate(Store *s, const DecisionWait *w, const char *to, const char *reason, const Decider *who, Batch *b, Err *err);
/* May this person decide here at all? */
bool decision_may(Store *s, const DecisionWait *w, const Decider *who, Err *err);
/* Only the record: of what ends a wait in another way ("complete", "dismiss" ..). */
void decision_record(const DecisionWait *w, const char *action, const char *reason, const Decider *who, Batch *b);

/* What was decided, oldest first: vector of maps; seq 0: everything of the run. */
Val decisions_of(Store *s, const char *workspace, int64_t run, int64_t seq, Err *err);
bool decision_action_ok(Val spec, const char *action);
#endif
