/* api_target.h - the targets of flows: what a run runs on.
 *
 * A flow has the target "draft" (its working text), "live" (the version that was promoted) and any number of installations, each a
 * target of its own that is named by its id, "inst-..". Every target has its own bindings of the slots of :requires, its own activation
 * inputs, its own schedule switches, and is on or off. api_target_find tells one of them, api_targets_each all that a workspace has,
 * for whoever keeps what follows from them (schedules, webhooks): it looks again when api_target_changes has moved.
 *
 * Schedules of the flow's definition run on live and on installations while the target is enabled, unless `schedules` switches one
 * off; on the draft only those that `schedules` switches on: {"nightly" {:enabled true}} by the schedule's id. api_target_schedule
 * says it. Engine thread. */
#ifndef BR_API_TARGET_H
#define BR_API_TARGET_H
#include "api.h"

enum { TARGET_NAME = 80 };
typedef struct ApiTarget {
  char flow[132], name[TARGET_NAME]; /* name: "draft", "live" or an installation's id */
  int64_t version;                   /* 0: the draft's text */
  char hash[65];                     /* of the source: store_source_get, engine_def */
  bool enabled;
  Val schedules;  /* map from schedule id (text) to {:enabled bool}; {} */
  Val activation; /* what :activation of the input is: map, {} */
} ApiTarget;

/* false: *err; not_found, profile_missing (live: nothing was promoted), installation_not_found. */
bool api_target_find(Api *a, const char *workspace, const char *slug, const char *name, ApiTarget *out, Err *err);
/* Live with that version, whatever is promoted: what a released version runs on that is asked for by its number. */
bool api_target_live_at(Api *a, const char *workspace, const char *slug, int64_t version, ApiTarget *out, Err *err);
/* All targets of the workspace, also those that are off: draft and live of each flow, then the installations; f returns false to stop. A
 * flow without a live version has no live target; archived flows have none at all. false: *err. */
bool api_targets_each(Api *a, const char *workspace, bool (*f)(void *ctx, const ApiTarget *t), void *ctx, Err *err);
/* The same of one flow; none when there is no such flow. */
bool api_flow_targets_each(Api *a, const char *workspace, const char *slug, bool (*f)(void *ctx, const ApiTarget *t), void *ctx, Err *err);
/* Moves whenever a flow, a version, a target or an installation of any workspace may have changed. From 1. */
uint64_t api_target_changes(void);
/* To be called by who writes such documents past api_doc_put and api_doc_del. */
void api_target_touch(void);
/* Does the schedule of that id run on the target, when the definition has it :enabled (or does not say)? */
bool api_target_schedule(const ApiTarget *t, const char *id, bool enabled_in_flow);
/* Draft, live, and installations alike: "flow/target" of "target" documents; the installation's document, {:id :flow :name :enabled :policy
 * "track-latest"|"pinned" :version :created-ms :updated-ms :by}, nil: none. */
Val api_installation(Api *a, const char *workspace, const char *id, int64_t *rev, Err *err);
/* Each installation of a flow (NULL: of all) in the order of ids. */
bool api_installations_each(Api *a, const char *workspace, const char *slug, bool (*f)(void *ctx, const char *id, Val doc), void *ctx,
                            Err *err);
/* The version of an installation of that flow (the flow's document). */
int64_t api_installation_version(Val flow, Val installation);
/* flows.promote with scope all: the version is what installations that track have from now on (set_track is :track of the flow's document);
 * with a policy every installation gets it, and this version. */
bool api_installations_promoted(ApiCall *c, const char *slug, int64_t version, const char *policy);

/* --- api_setup.c: how far a target is set up for a definition (its map) */
typedef struct ApiSetup {
  Val requirements;  /* vector of maps, as clients show them */
  Val slots, fields; /* what is missing: vectors of names */
} ApiSetup;
bool api_target_def(ApiCall *c, const char *hash, Val *def); /* the definition's map, also of a draft that cannot run; false: failed */
void api_setup(Api *a, const char *workspace, const ApiTarget *t, Val def, ApiSetup *out);
/* May a run start on it? false: failed with live_config_incomplete, profile_bindings_incomplete, profile_activation_inputs_incomplete or
 * installation_disabled, with what is missing in the details. */
bool api_target_runs(ApiCall *c, const ApiTarget *t, Val def);
/* The target that a call means by installationId or profileId, else `target`, with the version that it asks for. false: failed. */
bool api_target_of_call(ApiCall *c, const char *slug, const char *target, ApiTarget *out);
/* Ids of the workspaces, in order, behind `after` ("" from the first): for whoever looks at all of them. */
bool api_workspaces_each(Api *a, bool (*f)(void *ctx, const char *id), void *ctx, Err *err);
#endif
