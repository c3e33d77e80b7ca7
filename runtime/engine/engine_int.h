/* engine_int.h - what the engine's files share. Everything here belongs to the engine thread.
 *
 * A Run in memory is in one of these states:
 *   READY       in the queue: its machine can go on
 *   COMMITTING  a batch is on its way; `after` says what happens when it is durable
 *   EFFECT      a step kind works on `call`
 *   TIMER       waits in the foreground for call->due (sleep, retry)
 *   HELD        stands in front of a step that the stepper has to let go; everything before is durable
 *   PARKED      durable and needs the outside; dropped from memory at once, a summary stays
 *   DONE        finished or blocked; the outcome stays until asked for
 * Batches of one run are submitted in order; `after` is acted on when none is in flight. */
#ifndef BR_ENGINE_INT_H
#define BR_ENGINE_INT_H
#include "runtime/base/backoff.h"
#include "engine.h"
#include "engine_journal.h"
#include "reader/print.h"
#include "runtime/store/snapshot.h"

typedef struct Rec { int64_t seq; int kind; Val v; size_t bytes; } Rec;

enum RunPhase { R_READY, R_COMMITTING, R_EFFECT, R_TIMER, R_HELD, R_PARKED, R_DONE };
enum After { AFTER_NOTHING, AFTER_TABLE, AFTER_START, AFTER_TIMER, AFTER_HOLD, AFTER_PARK, AFTER_DONE };

struct StepCall {
  struct Run *r;
  const StepKind *kind; /* external kinds */
  Val type, id, cfg, title; /* type, id: keywords; cfg: the map as the flow gave it */
  Val journal_cfg;      /* of it, what is data */
  Val kept_cfg;         /* of that, what the journal keeps (step_input.h) */
  uint64_t hash;
  int64_t occ;
  int attempt;
  int64_t intent_seq;   /* 0: none yet */
  int64_t started_ms, due_ms;
  int64_t deadline_us;  /* of :function code, monotonic; 0 = none */
  uint64_t token;
  char *key;            /* idempotency key */
  struct SecretUse *secrets; /* used by this attempt */
  Val node;
  const RetryPolicy *retry;
  bool checkpoint;      /* parked at :on-error :checkpoint */
  Val problem;          /* error map: its :template cannot be rendered; nil */
  Val by;               /* who answers it, nil: the step itself (engine_journal.h) */
  Val loaded;           /* rows of big tables that :load names, by its keys (engine_table_far.c) */
  Val keeping;          /* the result that :persist is writing */
  bool kept;            /* it is written: the result is a reference now */
  struct Kids *kids;    /* child.h: children of a step in flight */
  bool stand_in;        /* kind is a test's, in place of the family */
  int fetches;          /* blobs that were got for it (resource_fetch.c) */
};

/* error: the map its step fails with; nil: not to be cancelled. The request's row in the inbox, and when it was noticed. */
typedef struct Cancel { Val error; int64_t inbox, at_ms; } Cancel;

typedef struct Run {
  struct Engine *e;
  struct Run *chain;    /* hash table */
  struct Run *next;     /* ready queue */
  int64_t run, epoch, seq;
  int64_t stored_epoch, stored_seq; /* those in the database once what is submitted is durable */
  uint16_t life;        /* of this Run struct: completions of an earlier one for the same run do not count */
  char *run_id, *workspace, *slug, *target; /* target: as of RunRow */
  char *slot;           /* slots.h; NULL none */
  char source_hash[65];
  int64_t version, created_ms;
  FlowDef *def;
  Mach *m;
  enum RunPhase phase;
  enum After after;
  bool queued, replaying_only, started, resume_throw;
  bool timed_out;       /* the limit that ends the :function's code is the step's :timeout */
  Batch *batch;
  int inflight;
  uint64_t reads;       /* what it has read of the store since it last changed it: store_reads */
  bool taken;           /* an answer was taken from what came early, and its row is not deleted durably yet */
  uint64_t early_seen;  /* EarlyUse.serial + 1 when its wait looked at what came early; 0: it did not */
  StepCall *call;
  Val resume;           /* what the machine is resumed with; ABSENT for :function = run the code */
  Val input;            /* with :flow/ctx */
  Rec *recs;            /* journal still to be replayed */
  size_t nrecs, cursor;
  size_t tail_bytes, snap_bytes;
  int64_t snap_seq;
  enum RunStatus status;
  Val outcome;          /* value or error map */
  void (*on_replay)(struct Run *r, const char *what); /* replay: first difference */
  Buf *diff;
  int64_t compare_seq;  /* replay: compare a snapshot here with the stored one */
  Blob *compare;
  int64_t steps;        /* steps begun, the present one included */
  int64_t stop_at;      /* re-execution: stop in front of this step; 0 none */
  bool stopped;         /* it stands there */
  Cancel cancel;        /* to be cancelled at its next step */
  int64_t cancel_acted; /* inbox row of the last request acted on; it may be there until that is durable */
  int64_t stop_place, past_place; /* breaks.h: where it stands at a breakpoint, 0 nowhere; it does not stop at places up to that */
  bool never_stops;
  Val lineage;          /* of a child: child.h; nil */
  Val fresh;            /* vector of the numbers of runs that batches on their way create: they run when these are durable; nil */
  struct { char trace[33], span[17], parent[17]; } trace; /* engine_trace.h; empty: not traced */
  Val jobs_sent;        /* [type number-or-0 priority] of jobs that batches on their way submit; nil */
  bool jobs_any;        /* it has submitted some in this life */
  bool tells;           /* a batch of it puts something into the inbox: look there when it is durable */
  struct Fork *fork;    /* re-execution that writes another run's history (fork.c) */
  struct Run *over;     /* among those that are over: runs_leave */
  void (*rebuilt)(struct Run *r, bool stopping); /* of one that run_rebuild has in hand */
  void *rebuild;        /* of who asked for that */
} Run;

typedef struct TimerEntry { int64_t due; int64_t run; uint64_t token; } TimerEntry;
typedef struct ParkedSet { int64_t *a; size_t n, cap; } ParkedSet; /* engine_state.c: engine_replay; with `as`, against that definition in place of the stored one (snapshots are then not
 * compared), and `differs` says what it sees to r->diff. */
bool replay_against(Engine *e, int64_t run, const FlowDef *as, void (*differs)(Run *r, const char *what), Buf *diff, RunState *end, Err *err);

/* engine_parked.c */
enum { ENGINE_WATCHES = 32 };
typedef struct Watch { int fd; void (*f)(Engine *e, void *ctx); void *ctx; } Watch;

/* Requests kept for waits to come: the workspace last asked about (wait_early.c). */
typedef struct EarlyUse { char *workspace; int64_t n, bytes; uint64_t serial; bool gone; } EarlyUse;

struct Engine {
  Store *store;
  EngineOptions o;
  char *workspace;
  Run **runs;           /* hash table by number */
  size_t nruns, cap;
  Run *ready, *ready_tail;
  Run *over;            /* their end is durable: they leave memory at the next turn */
  Run *rebuilds, **rebuilds_last; /* re-executions that take turns: run_rebuild */
  TimerEntry *timers;   /* binary heap */
  size_t ntimers, cap_timers;
  Watch watches[ENGINE_WATCHES];
  size_t nwatches;
  struct BlobStore *blobs; /* made when needed: engine_blobs */
  char away[65];           /* the blob that a step has just missed (resource_fetch.c) */
  uint64_t next_token;
  Val delivering;       /* set of texts: answers to waits on their way to the disk (wait_answer.c) */
  struct Accepted *accepted, *accepted_last; /* wait_accepted.c: answers to be handed over, before any timer fires */
  Val accepted_keys;    /* set of texts: their guards */
  size_t naccepted;
  int64_t next_inbox_us; /* when the inbox is looked through, while there are such */
  int64_t hand_over_us; /* not before then, while others wait for acknowledgement */
  bool inbox_now;       /* the inbox is looked at before anything else happens */
  struct CommitWait *commits, *commits_last; /* engine_commit.c */
  uint64_t next_commit;
  struct OverWait *overs; /* engine_over.c */
  uint16_t next_life;
  Val units;            /* set of unit hashes (hex strings) known to be stored */
  Val indexed;          /* map from workspace/slug to the hash of the source that this engine has put into the search index last */
  int64_t next_index_us; /* when to see whether entries wait for the search index */
  FlowDef **defs;       /* by source hash */
  Unit **def_units;
  size_t ndefs;
  ParkedSet parked;     /* numbers of the runs this engine answers for that wait in the database alone */
  int64_t next_store_timer; /* cached due time of the earliest stored timer */
  int64_t stepping;     /* number of the run that holds in front of every step; 0 none */
  bool draining;        /* every run does: engine_drain.c */
  bool child_timers;    /* a parked run waits for children until some time */
  int64_t next_look_us; /* when to ask next whether another process has written */
  bool inbox_again;     /* an answer waits for a commit of the run it is for */
  EarlyUse early;
  Val overlays;         /* breaks.c: those that can stop a run; nil: not read yet */
  struct SlotStarting *slot_starting; /* slots.c */
  bool wait_parked;     /* a wait has become durable: the inbox may hold its notification and its answer */
  char *base_url;       /* where people and services reach this engine; NULL: nowhere */
  int64_t hold_ms;      /* pause before a refused run is tried again; 0 = the store takes what it is given */
  struct Jobs *jobs;    /* jobs.h; NULL: none were seen yet */
  bool fatal;
  Err fatal_err;
};

/* step_call.c */
void kinds_gone(Engine *e);  /* by engine_free */
void call_free(StepCall *c); /* what it holds outside the heap; NULL is fine */

/* engine_run.c */
Run *run_find(Engine *e, int64_t run);
Run *run_add(Engine *e, const RunRow *row);
Run *run_make(Engine *e, const RunRow *row); /* not in the table: for re-execution alone; run_release */
void run_release(Run *r);
void run_drop(Run *r);                 /* out of the table */
void runs_leave(Engine *e);            /* those that are over; nobody may hold one of them across it */
void run_ready(Run *r);                /* into the queue; a run that only replays is in none */
void run_replay(Run *r);               /* slices until it ends, stops or has no more history */
/* The same in turns with other runs, on an engine whose engine_turn is called: `rebuilt` gets the run when there is no more to do, or when
 * the engine is being freed before that (stopping); the run is then its own, to be released. */
void run_rebuild(Run *r, void (*rebuilt)(Run *r, bool stopping), void *ctx);
void rebuilds_turn(Engine *e);
void rebuilds_stop(Engine *e);
void run_slice(Run *r);
Batch *run_batch(Run *r);
int64_t run_append(Run *r, enum JournalKind kind, const Val *fields, size_t n); /* sequence number, or -1 with pend.ex */
/* And the record as replay will see it. -1 too, and nothing appended, when it has more than `most` bytes. */
int64_t run_append_copy(Run *r, enum JournalKind kind, const Val *fields, size_t n, size_t most, Val *copy);
void run_submit(Run *r, enum After after);
void run_committed(Run *r, const char *error);
void run_snapshot(Run *r);             /* into the batch, with the units it names */
bool run_boot(Run *r, Err *err);       /* a fresh machine about to evaluate the body */
bool run_load(Run *r, const RunRow *row, bool from_start, Err *err); /* snapshot and records, or from the start */
bool run_load_records(Run *r, int64_t of, int64_t after, Err *err);  /* the records of run number `of` */
void run_finish(Run *r, enum RunStatus st, Val outcome);
void run_block(Run *r, const char *why);
const FlowDef *run_definition(Run *r); /* NULL: it has none, or none that can be read */
Val run_error_map(Run *r, Val ex);
bool engine_def(Engine *e, const char *source_hash, FlowDef **out, Unit **unit, Err *err);
Val run_flow(Run *r); /* the definition's map, read again for a run that was taken over; nil: it cannot be read */
Env *engine_env(void);                                       /* an empty one for the code of a flow */
Unit *engine_body_unit(const FlowDef *f, Env *env, Err *err); /* NULL: it does not compile */
bool engine_def_add(Engine *e, FlowDef *f, Err *err);
/* A row for a new run; id has room for the text. Its input with :flow/ctx. */
RunRow engine_new_row(Engine *e, const char *workspace, const FlowDef *f, const char *target, const char *run_id, char id[512]);
const struct Target *run_target(const Run *r);
const struct Target *engine_target(Engine *e, int64_t run); /* of a run that may not be in memory */
Val engine_input(Engine *e, const RunRow *row, Val input);
void engine_timer_add(Engine *e, int64_t due, Run *r);
void engine_fatal(Engine *e, const char *code, const char *msg);
Val copy_data(Run *r, Val v);          /* decode(encode(v)): what replay will see */
void run_progress(Run *r, int what, const char *error, int64_t due);
void run_progress_text(Run *r, const char *text); /* STEP_TEXT */

/* engine.c */
Run *take_over_row(Engine *e, const RunRow *row, Cancel cancel, Err *err); /* into memory, under a new epoch. NULL: blocked or over */
void inbox_done(Engine *e, Run *r, int64_t id);
bool inbox_event(Engine *e, const InboxRow *row, Err *err); /* an answer from the inbox, for its wait: true when it was used */

/* step_call.c */
StepCall *step_call(Run *r);           /* of the flow/step frame on top, which is about to begin */
StepCall *step_from_intent(Run *r, Val intent, int64_t seq);
void step_fields(const StepCall *c, Val f[JI_COUNT]);
Val step_node(const Mach *m);          /* "unit-hash/node-id" */
void step_pending(Run *r, Val intent, int64_t seq); /* the step in flight is part of the run's state; nil: none */
bool step_intend(StepCall *c);         /* its intent into the batch; false: pend.ex */
bool step_intent(StepCall *c);         /* so, but false: the run has ended over it */
Val err_map(const char *type, const char *msg);

/* step_end.c */
void step_resolve(StepCall *c, bool ok, Val value); /* journal the result and go on */
void step_error(StepCall *c, Val error, int64_t retry_after_ms);
void step_skip(StepCall *c, Val value); /* it counts as done with this value, for :on-error or a person */
void step_invalid(StepCall *c, const char *msg); /* it fails as :validation, with no further attempt */
void step_answer(Run *r, bool ok, Val v, Val by); /* to the machine, with no record made */
void step_mismatch(Run *r, const char *fmt, const char *a, const char *b);

/* engine_steps.c */
void run_again(Run *r);                /* a waiting run goes on */
void step_reached(Run *r);             /* the machine stands in a flow/step frame */
void step_begin(StepCall *c);          /* for real */
void step_begin_attempt(StepCall *c);  /* after commit of its intent, or again after a crash */
void step_timer(StepCall *c);          /* its timer has fired */
void step_in_flight(Run *r);           /* recovery: the step under the top frame has an intent and no result */
void step_note(Run *r, const char *what, Val step, Val key, int64_t wake); /* the run waits, for `what` */
bool step_named(Val id, const char *name); /* :send/confirm is "send/confirm", and as part of :send it is "send" too */
bool step_is_checkpoint(const StepCall *c); /* the :wait of a :confirm or :review: its key is the step's own */
bool step_action(Run *r, Val body);    /* a person's answer to a checkpoint or an approval */

/* A config without the functions in it ((fn ...) unquoted under :code): they are no data, the journal keeps the rest. */
Val step_shown(Val v, size_t most); /* its text, cut behind so many bytes */
Val step_journal_cfg(Val cfg);

/* engine_wait.c */
void wait_begin(StepCall *c);
void wait_cleanup(StepCall *c, Val outcome);
void wait_timed_out(StepCall *c);
void wait_parked(Run *r);              /* its wait is durable: what came meanwhile may be its answer */
bool step_deliver(Run *r, Val body, Batch *extra); /* the answer of a :wait */
bool wait_decided(Run *r, const char *action, Val body); /* a person's approve or reject {:value :by :role :reason}; false: not the last one needed, or not taken */
void wait_dismissed(Run *r, Val body); /* nobody shall answer it any more: {:by :reason} */
bool step_waits_for(const Run *r, const char *key); /* the run stands in a :wait with this key */

/* wait_say.c */
Val wait_told(Engine *e, const WaitRow *w); /* what came of its notification within a day, as of notify_result; nil: it is not sent yet */
void wait_say(Engine *e, const RunRow *row, const char *step, const char *key, const char *until, char *out, size_t n);

/* wait_notify.c */
void wait_notify(Engine *e, const InboxRow *row); /* tells people about a wait, unless it is being done */
bool wait_notifying(const Engine *e);
void wait_notify_stop(const Engine *e);

/* engine_frames.c */
extern const NativeDef nd_step;
enum { ST_TYPE, ST_ID, ST_CFG, ST_PHASE, ST_TMP, ST_SERIAL, ST_GENSYM };
enum { PHASE_BEGIN, PHASE_VALUE, PHASE_THREW };
/* Slots of the flow/step frame on top, NULL if there is none. */
Val *step_slots(Mach *m);
extern const BuiltinRow rows_flow[];

/* engine_cancel.c */
void cancel_deliver(Engine *e, const InboxRow *row, Err *err); /* a request from the inbox */
void cancel_done(Run *r);              /* what was asked for is in the run's batch */
bool cancel_due(Run *r);               /* the run is at a step and to be cancelled: done */
bool cancel_slice(Run *r);             /* at the end of a slice: the body does not come to a step. true: ended */
bool cancel_ended_here(const Run *r);  /* the history says that the run was ended where it stands now, in the middle of its code */
bool cancel_replay(Run *r);            /* so ended in the replay as well */

/* fork.c */
void fork_step(Run *r);                /* a re-execution that writes another history has reached a step */
Val fork_nondet(Run *r, Val v);

/* edit.c */
bool edit_apply(Run *r, Val rec);      /* a J_EDIT record: the changes, and the call evaluated again if it says so */

/* engine_parked.c */
void parked_add(ParkedSet *s, int64_t run);
void parked_remove(ParkedSet *s, int64_t run);
void parked_clear(ParkedSet *s);

/* engine_kv.c */
bool kv_step(Run *r, Val cfg, Val *result, Val *error); /* false, too: the run is blocked, its database cannot be read */
/* Beside any run: what :kv holds under a key. kv_look: NIL and false when there is nothing at that time. */
bool kv_seed(Store *s, const char *workspace, const char *key, Val value, Err *e);
bool kv_look(Store *s, const char *workspace, const char *key, int64_t at_ms, Val *value);
#endif
