/* api_configure.h - setting up a target: bindings, activation inputs, schedule switches.
 *
 * The keys of `inputs` are (spec/http-api.md D, "--set grammar"):
 *   form-FIELD      the value of a field of a :kind :form requirement; those of type :password and :secret are sealed, and the flow gets
 *                   the name of the secret
 *   conn-SLOT       the id of a connection
 *   FIELD-SLOT      makes a connection for this slot of this target alone: url apikey secret user pass host port database connstr dsn
 *                   provider backend project location header prefix query-param param-name svcacct name
 *   headers-SLOT    {name value}, headers that such a connection sends
 * null or "" takes a value away, "redacted" leaves it, and "generate" makes one up for apikey, secret and pass. Secret values are sealed
 * and never shown. A connection of a slot's own goes when the last target that is bound to it goes; when another target is bound to it
 * (fromDraft), a change makes a copy first: what one target is set up with never changes another one. */
#ifndef BR_API_CONFIGURE_H
#define BR_API_CONFIGURE_H
#include "api_target.h"

typedef struct ApiConfiguring {
  ApiTarget t;
  Val def; /* of the version that it is set up for */
  Val doc; /* of the target; {} */
  int64_t rev;
  Val bound; /* slots of the target: id of the connection */
  bool dry;  /* nothing is written yet */
} ApiConfiguring;
#define API_CONFIGURE_ARGS                                                                                                                 \
  {"inputs", API_OBJECT, false, 0, 0, NULL, "form-FIELD, conn-SLOT, FIELD-SLOT, headers-SLOT: values"},                                    \
      {"schedules", API_OBJECT, false, 0, 0, NULL, "schedule id: {\"enabled\": true or false}"},                                           \
      {"scheduleResets", API_ARRAY, false, 0, 0, NULL, "ids of schedules that go back to what the flow says"}, {                           \
    "fromDraft", API_BOOL, false, 0, 0, NULL, "begin with what the draft has"                                                              \
  }
/* Without a live version, live is set up for the active one, else for the draft. version of the call: 0 or nothing: the target's. */
bool api_configure_open(ApiCall *c, const char *slug, const char *target, ApiConfiguring *k);
/* What the call's arguments say, into the store; nothing of it when one of them is wrong. */
bool api_configure_apply(ApiCall *c, ApiConfiguring *k);
/* The target is gone: so is what was set up for it. */
bool api_configure_forget(ApiCall *c, const char *slug, const char *target);
/* The flow is being deleted: installations, connections and secrets of its targets go; their documents under "<slug>/.." are the caller's. */
bool api_configure_flow_gone(ApiCall *c, const char *slug);
#endif
