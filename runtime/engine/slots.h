/* slots.h - the :concurrency of flows (spec/flows.md 1.2): who may run now, who waits, who has to go.
 *
 * A slot is (workspace, flow, installation) of a :singleton, and that with the value of :key-field of a :keyed flow. Draft and versions
 * share it. A run that is started with `slot` in its RunStart keeps the policy of its own definition; the slot stands in its row, so that
 * who is in a slot, and who queues, is what the database says. While others of its slot are not over, a new run
 *   :supersede  takes their place: they are terminated (also those that queue), by requests in the inbox that are durable in the batch of
 *               its START, and it begins when they are over
 *   :drain      queues behind them, in the order of arrival; a run that was started while a version with another policy was live counts
 *   :coexist    begins
 * whatever their versions. A run that queues has the status "queued": its START is durable, nothing of it is in memory. It begins when the
 * end of the last run before it is durable, also after a crash (slots_resume). A blocked run holds its slot until it is cancelled. Children
 * and forks take no slot: their parents, and people, decide when they run; runs from the shell take none either.
 *
 * Every door starts runs the same way:
 *     SlotDecision d = {0};
 *     RunStart how = {.target = .., .version = .., .slot = &d, ..};
 *     if (!engine_start_as(e, def, input, &how, &run, &err)) ...
 * d is filled before how.also is called, so that the answer that becomes durable can hold slot_decision_map(&d). Errors of its own:
 * concurrency_key_missing (the input has no value at :key-field), concurrency_queue_full. Engine thread. */
#ifndef BR_SLOTS_H
#define BR_SLOTS_H
#include "engine.h"

enum { SLOT_QUEUE_MAX = 10000, SLOT_OTHERS = 20 };

typedef struct SlotDecision {
  const char *decision;      /* "started" "coexisted" "queued" "superseded"; of a failed start "rejected" */
  const char *type, *policy; /* "singleton" "keyed"; "supersede" "drain" "coexist" */
  Val key;                   /* of a keyed flow; nil */
  Val others;                /* vector of the ids of runs that it supersedes or waits behind, at most SLOT_OTHERS; nil: none */
} SlotDecision;

/* {:decision .. :type .. :policy .. :key .. :superseded [ids] or :behind [ids]}, as answers show it. */
Val slot_decision_map(const SlotDecision *d);

/* --- for the engine ------------------------------------------------------------------------------------------------------------ */
struct Engine;
struct Run;
/* Decides for a run about to start: row->slot (malloc'ed) and row->status, requests to end others into the batch. false: *err. */
bool slot_take(Engine *e, const FlowDef *f, Val input, const char *installation, SlotDecision *d, RunRow *row, Batch *b, Err *err);
/* The start is durable (ok), or there is no such run: what slot_take had noted in memory is forgotten. */
void slot_started(Engine *e, const char *workspace, const char *slot, int64_t run, bool ok);
/* A run of the slot is over: the next one begins. */
void slot_freed(Engine *e, const char *workspace, const char *slot);
/* After a start of the process: runs whose slot became free while it was down. */
bool slots_resume(Engine *e, Err *err);
void slots_stop(Engine *e);
#endif
