/* connection.h - what the slots of a flow's :requires are bound to (spec/flows.md 1.3).
 *
 * A Target is one set of bindings: connections by slot, and the secrets they and the steps name. The shell reads it from
 * --connections FILE:
 *   {"connections": {"api": {"type": "http-api", "config": {"base-url": "https://..", "auth": {"type": "bearer", "secret-ref": "token"}}}},
 *    "secrets": {"token": {"env": "API_TOKEN"}}}
 * A connection is a map {:type kw :backend kw :config {...}}; configs hold names of secrets, never their values. A slot that
 * the file does not bind but whose requirement says all there is to know (:base-url with :auth {:type :none}) is bound by its
 * own declaration. Engine thread only. */
#ifndef BR_CONNECTION_H
#define BR_CONNECTION_H
#include "runtime/base/secret.h"

typedef struct Target Target;
Target *target_new(void); /* nothing bound */
/* EDN when the name ends in .edn, else JSON. NULL: *e has path, place and what would work. All problems in one message. */
Target *target_load(const char *path, Err *e);
/* The same from data {:connections {..} :secrets {..}}; `what` begins the messages. */
Target *target_from(Val data, const char *what, Err *e);
void target_free(Target *t);
const SecretSet *target_secrets(const Target *t); /* t may be NULL */
/* All that the file binds: a map from slot to connection. */
Val target_connections(const Target *t);
/* The connection of a slot for a flow's definition (a map with :slug and :requires, or nil): what is bound, laid over what the
 * requirement declares. nil: not bound. What the file binds comes before what the store binds. */
Val target_slot(const Target *t, Val flow, Val slot);
/* The name of the secret of a slot of type :secret, a string: its :secret-ref, or the slot's own. nil: it is no such slot. */
Val target_secret_slot(Val flow, Val slot);
/* Is it a secret's slot, and there is such a secret; or a connection's, and target_slot finds one? */
bool target_slot_bound(const Target *t, Val flow, Val slot);
/* Why the last target_slot found nothing though something may be bound: what the store holds of it cannot be read. NULL: it is not bound. */
const char *target_problem(const Target *t);
/* What the store has for a slot of a flow, looked at each time: a map {:type :backend :config}, or nil, with *e when it cannot be read.
 * all: its connections whose ids are behind `after`, a vector of at most max maps with :id and :name as well. */
typedef struct TargetStore {
  Val (*bound)(void *ctx, const char *slug, const char *slot, Err *e);
  Val (*all)(void *ctx, const char *after, size_t max, Err *e);
  SecretSource secrets;
  void *ctx;
} TargetStore;
/* That, [] when there is no store behind the target. */
Val target_stored(const Target *t, const char *after, size_t max, Err *e);
void target_behind(Target *t, const TargetStore *s);
#endif
