/* engine.h - runs flows durably on a store.
 *
 * One engine thread (the caller's) runs machines, reads the store and builds values; the store's writer thread and the
 * HTTP client's I/O thread hold no values. A run is in memory only while it has something to do or is about to.
 *
 * Journal of a run, one record each (engine_journal.h): START, then per step INTENT (durable before the effect) and RESULT,
 * or one STEP record for work that needs no intent (:function, :kv), RETRY between attempts, NONDET for clock and random
 * values in the body, END. The result of step n and the intent of step n+1 travel in one batch. */
#ifndef BR_ENGINE_H
#define BR_ENGINE_H
#include "runtime/flow/flowdef.h"
#include "runtime/store/store.h"

typedef struct Engine Engine;
struct StepEvent;
struct StepCall;
struct StepKind;

/* A flow that another one calls. version: a number, a keyword or nil; target: "draft" ...; from: file of the caller's source or NULL. */
typedef struct FlowWanted {
  const char *slug, *target, *from;
  Val version;
  const char *workspace, *installation; /* of the caller; an installation's id or NULL */
  const char *caller_target;            /* what the caller runs on: as of RunRow */
} FlowWanted;
typedef struct FlowSource {
  char *file;
  Buf text;
  int64_t version;  /* 0: draft */
  char *on;         /* the target that the child runs on, as of RunRow; NULL: the draft */
  Val activation;   /* what its input has as :activation; nil none */
} FlowSource; /* malloc'ed */
void flow_source_free(FlowSource *s);

typedef struct EngineOptions {
  const char *workspace;      /* "local" */
  bool guard;                 /* outbound guard on */
  const char *listen;         /* HOST:PORT or NULL; NULL: a :wait parks at once */
  const char *public_url;     /* base of callback URLs; NULL: from listen */
  const struct Target *target; /* connections and secrets; NULL: nothing is bound */
  /* The same for the runs of a workspace's flow on a target (as of RunRow, "draft" for NULL), in place of `target`. It stays where it
   * is as long as the engine; looked at when a step asks. With resolve_ctx. */
  const struct Target *(*target_of)(void *ctx, const char *workspace, const char *slug, const char *target);
  struct Vault *vault;        /* its key seals requests that come before their wait; NULL: they are kept as they came */
  struct BlobStore *blobs;    /* NULL: a store of its own beside the database, or temporary for one in memory */
  /* Which source the slug of a child flow names (child.h). NULL: no flow can be called. Its own context. */
  bool (*resolve)(void *ctx, const FlowWanted *w, FlowSource *out, Err *err);
  void *resolve_ctx;
  /* Does the workspace exist? Requests for others are answered with 404. NULL: all do. With resolve_ctx. */
  bool (*workspace_known)(void *ctx, const char *workspace);
  bool detach;                /* start durably and come back: nothing is run in the foreground */
  /* Called on the engine thread when a step starts, ends, retries or parks; for progress lines. May be NULL. */
  void (*progress)(void *ctx, const struct StepEvent *e); /* struct below */
  void *ctx;
  bool serves;                /* requests may come at any time: the loop is never idle */
  bool watched;               /* somebody looks at progress as it happens: steps that can stream do */
  size_t snapshot_after;      /* journal bytes behind the last snapshot that make a new one; 0 = 64 KiB */
  int64_t mem_limit;          /* bytes a run may hold; 0 = 1 GiB */
  int64_t fuel_limit;         /* machine steps between two durable boundaries; 0 = 3,000,000,000 */
  /* Tests, all with ctx. stand_in: who runs a step in place of its family, NULL nobody; asked for every call, also for one that
   * is only replayed. answered: what an external kind reported, before policies look at it. Either may be NULL. */
  const struct StepKind *(*stand_in)(void *ctx, Val type, Val id);
  void (*answered)(void *ctx, const struct StepCall *c, bool ok, Val v, int64_t retry_after_ms);
  bool (*answers)(void *ctx, Val id); /* tests: has the step an answer of its own, though it is made of steps? May be NULL */
  bool verify;                /* tests: after every step check that snapshot -> restore -> snapshot is the identity */
} EngineOptions;

typedef struct StepEvent {
  int64_t run;
  const char *run_id;
  enum { STEP_STARTED, STEP_DONE, STEP_FAILED, STEP_RETRY, STEP_PARKED,
         STEP_TEXT /* text: what a step has so far, streamed */,
         RUN_HELD /* the store refused what the run did (a full disk): it is tried again; error says why; no step */ } what;
  const char *step, *type, *title;
  int attempt;
  int64_t occurrence, at_ms, due_ms; /* due: next attempt or timer; 0 none */
  const char *error, *text;
} StepEvent;

/* How a run stands, for the caller. value/error: EDN values. */
typedef struct RunState {
  int64_t run;
  char run_id[256];
  enum RunStatus status;
  Val value;      /* completed */
  Val error;      /* failed: map {:type :message :step-id :attempt :at "flow.edn:3:7" :trace ...}; blocked: :message */
  bool parked;    /* waits for something this process does not provide */
  char waits_for[2048]; /* parked: what would wake it, by when, and the command to do it; lines */
} RunState;

#define ANSWERED_FOR_MS (24 * 3600 * 1000LL) /* after a wait was answered, another answer to its key changes nothing */
Engine *engine_new(Store *s, const EngineOptions *o, Err *e);
void engine_free(Engine *e); /* hands back runs in memory: nothing is lost, they stay where they are durable */
void engine_here(Engine *e); /* the engine's thread is this one from now on (one at a time: the caller sees to that) */
/* Make a run: START is durable when this returns true. run_id NULL: flow-<slug>-<workspace>-r<N>. Existing run_id: error
 * run_exists. The body does not run before engine_loop. */
bool engine_start(Engine *e, const FlowDef *f, Val input, const char *run_id, int64_t *run, Err *err);
/* The same for a server: which version of which target it is, and what else becomes durable in the batch of its START. */
typedef struct RunStart {
  const char *run_id, *target;        /* NULL: as above; what it runs on, as of RunRow ("draft" is NULL there) */
  const char *workspace;              /* NULL: that of the options */
  int64_t version;                    /* 0: the draft */
  const char *installation;           /* of the flow; NULL: the target, if that is one */
  Val origin;                         /* who starts it and how: map such as {:trigger-id :invocation :replay-of :by}, data; or 0 */
  struct SlotDecision *slot;          /* not NULL: the flow's :concurrency is kept, and this says what that meant (slots.h) */
  bool part;                          /* a step of a flow alone: its text is not found as the flow */
  void (*also)(void *ctx, Batch *b, const RunRow *row); /* may be NULL; row has the run's id */
  /* Not NULL: engine_start_as returns without waiting for the disk, and this is called once, later, if that was true: error NULL, the
   * run is durable and goes; else a code of the store's, and there is no such run. */
  void (*done)(void *done_ctx, const char *error);
  void *ctx, *done_ctx;
} RunStart;
bool engine_start_as(Engine *e, const FlowDef *f, Val input, const RunStart *how, int64_t *run, Err *err);
/* Take an unfinished run over (new epoch) and make it ready. Finished or blocked: true, nothing to do. */
bool engine_resume(Engine *e, int64_t run, Err *err);
/* Run until no run in memory can go on without the outside (all finished or parked), or *stop becomes true, or the store
 * has failed. Sleeps, polls, retry delays are waited out. false: store failed or fatal (err). */
bool engine_loop(Engine *e, volatile bool *stop, Err *err);
/* One turn of the loop: handle what is ready, wait at most max_wait_ms. *idle: nothing in memory can go on by itself. */
bool engine_turn(Engine *e, int64_t max_wait_ms, bool *idle, Err *err);
/* When the next timer fires of a run in memory or waiting outside; INT64_MAX none. For callers whose clock jumps. */
int64_t engine_next_due(Engine *e);
/* engine_drain.c: the process is about to end. No run begins another step, no timer fires and no answer is taken up: all of that waits
 * durably for the next process. What engine_turn still does is to end steps under way and make their results durable. */
void engine_drain(Engine *e);
size_t engine_under_way(const Engine *e); /* runs and answers that are not settled yet */
bool engine_state(Engine *e, int64_t run, RunState *out, Err *err);
/* Deliver what waits in the inbox (callbacks sent by others, answers to checkpoints) to the runs it belongs to. */
bool engine_drain_inbox(Engine *e, Err *err);
/* Answer a wait by key; kept when no such wait is registered yet. `outcome`: "delivered", "kept", "duplicate". */
bool engine_send(Engine *e, const char *workspace, const char *key, Val body, const char **outcome, Err *err);

/* Asks for a run to be ended; durable when it returns true, done by engine_drain_inbox of the executor. The step that the run is at (or
 * comes to next) fails with {:type :cancelled :message}, as an exception that no catch clause takes; finally blocks run, steps in them
 * as ever; then the run is cancelled, whatever they did. A body that comes to no step within 10 s is ended without (:finally :skipped),
 * and so is a blocked run. force: terminated at once, no finally block runs. Runs that are over stay as they are. */
bool engine_cancel(Store *s, const RunRow *row, bool force, const char *reason, Err *err);

/* Re-execution from the journal alone: no effect, no writing. true and *diff empty: identical to the end of the journal
 * (and final value / snapshots bit-identical); *diff: the first difference in words. false: cannot be replayed (err). */
bool engine_replay(Engine *e, int64_t run, Buf *diff, RunState *end, Err *err);
/* The same, taking turns with other runs: f is called once, by engine_turn, or with end NULL by engine_free. ctx: of mem.h, or NULL. */
typedef void (*ReplayedFn)(void *ctx, const RunState *end, const Buf *diff);
bool engine_replay_in_turns(Engine *e, int64_t run, ReplayedFn f, void *ctx, Err *err);

/* One attempt of one step, for `show`: oldest first. f returns false to stop. */
typedef struct HistoryStep {
  const char *step, *type, *title; /* texts; title may be NULL */
  const char *status;              /* "completed" "failed" "retrying" "running" "waiting"; "unfinished": the run ended before it */
  const char *by;                  /* who answered it: "" the step itself, "hand", "cancel", "parent" (engine_journal.h) */
  int attempt;
  int64_t number;                  /* steps of the run counted from 1; attempts of one step share it */
  int64_t occurrence, started_ms, ended_ms; /* ended 0: not yet */
  Val input, output, error;        /* NIL where there is none */
} HistoryStep;
bool engine_history(Engine *e, int64_t run, bool (*f)(void *ctx, const HistoryStep *s), void *ctx, Err *err);
/* Of the records with numbers above `after` alone; what began before is not told, and `number` counts from there. */
bool engine_history_from(Engine *e, int64_t run, int64_t after, bool (*f)(void *ctx, const HistoryStep *s), void *ctx, Err *err);
/* The same out of a store; on any thread that has entered the collector and has that store to itself. */
bool engine_history_in(Store *s, int64_t run, int64_t after, bool (*f)(void *ctx, const HistoryStep *s), void *ctx, Err *err);

/* Of a fork: the map of its START record, {:run-id :run :step :changed}; else nil. */
Val engine_lineage(Engine *e, int64_t run);

/* --- step kinds ------------------------------------------------------------------------------------------------------- */
typedef struct StepCall StepCall; /* one attempt of one step of one run; opaque */
typedef struct StepKind {
  const char *name;                     /* "http" */
  /* Checks the call before the intent is written: nil, or a signal (:validation error). */
  Val (*check)(Engine *e, StepCall *c);
  /* Called when the intent is durable. Must end in step_done / step_failed, now or later, on the engine thread. */
  void (*start)(Engine *e, StepCall *c);
  void (*cancel)(Engine *e, StepCall *c); /* may be NULL */
  bool inner;                           /* only steps made of steps (composite.h) may use it, definitions do not know it */
  void (*gone)(Engine *e);              /* may be NULL: the engine is freed, what was under way for it finds nobody */
} StepKind;
void engine_register(const StepKind *k);   /* external effects; the built-in inline kinds are in engine_steps.c */
const StepKind *engine_kind(const char *name); /* NULL: not registered */
bool engine_kind_known(const char *name);  /* registered: a definition may use it */
Val step_config(const StepCall *c);
const char *step_key(const StepCall *c);   /* idempotency key run/step/occurrence */
int step_attempt(const StepCall *c);
/* What the slot is bound to for this run: {:type :backend :config}, nil when it is not. */
Val step_connection(const StepCall *c, Val slot);
/* The secrets of the target, and what this call has used of them: its result or error is cleaned of their values. */
const struct SecretSet *step_secrets(const StepCall *c);
struct SecretUse **step_secrets_used(StepCall *c);
uint64_t step_token(const StepCall *c);    /* for completions that come back by number */
StepCall *step_by_token(Engine *e, uint64_t token); /* NULL: the run is gone or has moved on */
void step_done(Engine *e, StepCall *c, Val result);
/* error: map with at least :type and :message; :retryable? decides about retries together with :retry-on. retry_after_ms
 * < 0: policy decides. */
void step_failed(Engine *e, StepCall *c, Val error, int64_t retry_after_ms);
/* A file descriptor that the loop watches; f is called on the engine thread when it is readable. */
void engine_watch(Engine *e, int fd, void (*f)(Engine *e, void *ctx), void *ctx);
void engine_http_register(void);           /* engine_http.c: the :http kind */
void engine_search_register(void);         /* engine_search.c: the :search kind */
void engine_llm_register(void);            /* engine_llm.c: the :llm kind */
void engine_db_register(void);             /* engine_db.c: the :db kind */
/* Registers the flow builtins, macros and kinds; once per process before any flow is read. */
void engine_init(void);
#endif
