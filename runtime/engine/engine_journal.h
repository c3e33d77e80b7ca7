/* engine_journal.h - the records of a run's journal. Each is a vector value (snapshot.h, data only) in the store's record
 * envelope, whose kind is one of these. Times are UTC milliseconds.
 *
 *   J_START   [input source-hash started-ms lineage]   lineage: nil, of a fork {:run-id :run :step :changed}
 *             (fork.h), of a child {:parent-workflow-id ..} (child.h)
 *   J_INTENT  [step-id type title occurrence attempt input-hash at-ms input due-ms node]
 *             the effect may start once this is durable; for :sleep and :wait due-ms is when the timer fires (0: never)
 *   J_RESULT  [ok? value at-ms intent-seq by]    value: the raw result, or the error map when ok? is false
 *   J_STEP    [step-id type title occurrence attempt input-hash at-ms input ok? value end-ms node by]   intent and result in one
 *   J_RETRY   [attempt error at-ms due-ms]       attempt failed; the next one starts at due-ms
 *   J_CHECK   [attempt error at-ms]              :on-error :checkpoint: waits for a person
 *   J_NONDET  [value]                            what a clock or random builtin of the body gave
 *   J_EDIT    [edits again? at-ms]               the run stood in front of a step and values of it were changed by hand: edits are
 *             [base captured? at value name] as in scope.h; with again? the call of the step was evaluated once more
 *   J_CHILD   [index event attempt at-ms workflow-id value due-ms]   of a :call-flow or :fanout step in flight: event :started (due-ms:
 *             its :timeout), :retry (value: the error, due-ms: when it starts again), or the status it ended with (value: result or error)
 *   J_ABORT   [error at-ms]                      behind a step's result: the run was ended where it stood at a breakpoint, the step's call
 *             throws this instead (breaks.h)
 *   J_END     [status value-or-error at-ms]
 *
 * input: as step_input.h keeps it. node is "unit-hash/node-id", where the step stands in the code. by says who answered when it was not the step itself: :hand, a
 * person in the stepper; :cancel, an error that no catch clause takes; :parent, the run that this one was forked from. It, and
 * lineage, are absent (shorter vectors) where they are nil: use journal_field. */
#ifndef BR_ENGINE_JOURNAL_H
#define BR_ENGINE_JOURNAL_H
#include "reader/vec.h"
enum JournalKind { J_START = 1, J_INTENT, J_RESULT, J_STEP, J_RETRY, J_CHECK, J_NONDET, J_END, J_EDIT, J_CHILD, J_ABORT };
enum { JI_STEP, JI_TYPE, JI_TITLE, JI_OCC, JI_ATTEMPT, JI_HASH, JI_AT, JI_INPUT, JI_DUE, JI_NODE, JI_COUNT };
enum { JT_INPUT, JT_SOURCE, JT_AT, JT_LINEAGE, JT_COUNT };
enum { JR_OK, JR_VALUE, JR_AT, JR_INTENT, JR_BY, JR_COUNT };
enum { JS_OK = 8, JS_VALUE, JS_END, JS_NODE, JS_BY, JS_COUNT }; /* the first eight as JI_ */
enum { JY_ATTEMPT, JY_ERROR, JY_AT, JY_DUE, JY_COUNT };
enum { JD_EDITS, JD_AGAIN, JD_AT, JD_COUNT };
enum { JD_BASE, JD_CAPTURED, JD_SLOT, JD_VALUE, JD_NAME }; /* of one edit */
enum { JC_INDEX, JC_EVENT, JC_ATTEMPT, JC_AT, JC_ID, JC_VALUE, JC_DUE, JC_COUNT };
enum { JB_ERROR, JB_AT, JB_COUNT }; /* of J_ABORT */
enum { JE_STATUS, JE_VALUE, JE_AT, JE_COUNT };
static inline Val journal_field(Val rec, uint32_t i) { return i < vec_count(rec) ? vec_nth(rec, i) : NIL; }
#define ENGINE_SEMANTICS 1 /* bumped when replay of older journals would differ */
#endif
