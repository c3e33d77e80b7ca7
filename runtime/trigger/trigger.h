/* trigger.h - what starts runs besides people: schedules, webhooks and other interfaces of flows (spec/flows.md 1.5 to 1.7, 5.2, 5.3).
 *
 * A trigger is an entry of :interfaces, :schedules or the older :triggers, on a target of its flow (api_target.h): "live" and installations
 * as their version says, "draft" as its text does. Its id is "<slug>.<target>.<id>", with "schedule:<id>" at its end where an interface
 * has that id already (trigger_name).
 *
 * Schedules. Every schedule that is on has a document of kind "schedule" in workspace "", key "<workspace>/<slug>/<target>/<id>", whose
 * `at` is its next time: the store finds what is due by its index. A firing is one batch: START of the run, whose id is made of the schedule
 * and the time it was due, and the next time, on condition that the document is as it was read. So a time fires once, whenever the process
 * dies; a run that cannot be started (input that does not fit, a full queue) leaves :last-error there and the schedule goes on.
 * Times that were missed: :catch-up :last (the default) starts one run for the newest of them, :skip none that is over a minute late,
 * :all one for each, the newest 100. Overlap is the flow's :concurrency.
 *
 * These documents follow from definitions and targets: when one of those is written (trigger_changed), and at the start of a server, what
 * a flow has is compared with the fingerprint in "trigger-sync" <slug> and brought up to date. Nothing is scanned in between.
 *
 * Engine thread. */
#ifndef BR_TRIGGER_H
#define BR_TRIGGER_H
#include "runtime/api/api_target.h"
#include "runtime/base/cron.h"

enum TriggerType { TRIGGER_MANUAL, TRIGGER_HTTP, TRIGGER_WEBHOOK, TRIGGER_MCP, TRIGGER_SCHEDULE };
const char *trigger_type_name(enum TriggerType t);

/* As a definition has it. */
typedef struct Trigger {
  enum TriggerType type;
  bool enabled, legacy;  /* legacy: of :triggers */
  char id[132];
  char invocation[132];  /* "" : the :default one, or the only one */
  char event[260];       /* webhook: its name in URLs */
  char path[1032];       /* webhook of :triggers with a :path of its own; else "" */
  Val label, auth, input; /* nil: none */
  Val def;               /* the entry itself; of :triggers its :config */
} Trigger;
/* f returns false to stop. */
void triggers_each(Val flow, bool (*f)(void *ctx, const Trigger *t), void *ctx);
/* The first with that id; trigger_find_type: of that type, for a schedule may be called like an interface. */
bool trigger_find(Val flow, const char *id, Trigger *out);
bool trigger_find_type(Val flow, enum TriggerType type, const char *id, Trigger *out);
/* Its name in ids of triggers: its id, with the type before it where another one of the flow comes first under that id. */
void trigger_name(Val flow, const Trigger *t, Buf *out);
bool trigger_named(Val flow, const char *name, Trigger *out);
/* What its input may have: a vector of declared inputs, or nil. */
Val trigger_inputs(Val flow, const Trigger *t);
/* The path of a webhook's URL behind /<workspace>/events/. */
void trigger_path(const ApiTarget *target, const Trigger *t, Buf *out);
/* "cron|zone|catch-up" of a schedule. */
void trigger_spec(const Trigger *t, Buf *out);
/* *late: what stands behind the second |. A list of many times makes it long. */
bool trigger_spec_read(const char *spec, Cron *c, const Tz **z, const char **late);

/* --- for server.c */
typedef struct Triggers Triggers;
Triggers *triggers_new(Api *a);
/* Each turn of the loop: what is due is started, requests that wait for a run's result are answered. */
void triggers_turn(Triggers *t);
void triggers_stop(Triggers *t); /* before the listener stops: who waits is told where the run is */
void triggers_free(Triggers *t); /* behind the engine */
/* A document was put into a batch that is about to be submitted; v: NIL when it is deleted. */
void trigger_changed(const char *workspace, const char *kind, const char *key, Val v);

extern const ApiRoute api_trigger_routes[]; /* api_triggers.c */

/* --- among trigger_*.c ----------------------------------------------------------------------------------------------------------- */
struct Triggers {
  Api *api;
  bool syncing;             /* what was submitted before the next look is not durable yet */
  char walk_ws[130], walk_key[132]; /* the first look at all flows: where it stands */
  bool walked;
  int firing;               /* schedules on their way to the disk */
  int64_t next_ms;          /* when the next schedule is due; 0: to be asked */
  int64_t hold_until_ms;    /* the store refused */
  struct HookWatch *watches; /* trigger_hook.c */
  int nwatches;
  int64_t sweep_ms;         /* when to look for what has expired next, */
  int sweep_kind;           /* and among which documents */
};
#define TRIGGER_SCHEDULES "schedule"
void trigger_sync_turn(Triggers *t);   /* trigger_sync.c */
void trigger_fire_turn(Triggers *t);   /* trigger_fire.c */
void trigger_hook_turn(Triggers *t);   /* trigger_hook.c */
void trigger_hook_stop(Triggers *t);
/* The map of a definition's source; false: it cannot be read. */
bool trigger_flow_map(Api *a, const char *hash, Val *out, Err *err);
/* The one way in which triggers start runs. `input` is as the trigger has it: what the target has as :activation is put in, defaults are
 * filled in and it is checked. how->target and how->version are set here. `by`: the id of the key that asked for it, if one did. */
bool trigger_start(Api *a, const char *workspace, const ApiTarget *target, const Trigger *t, const char *by, Val input, RunStart *how, int64_t *run, Err *err);
#endif
