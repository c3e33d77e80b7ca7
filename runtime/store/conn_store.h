/* conn_store.h - connections and what slots are bound to, in the database, per workspace.
 *
 * A connection is a document of kind "connection" under its id: EDN {:id :name :type :backend :config :description :status}, checked like
 * one of --connections FILE. What a config needs secret it names (:secret-ref); a config that seems to hold a value itself is refused.
 * A binding is a document of kind "binding" under "<flow slug>/<target>": EDN {slot-name connection-id}; targets are "draft" and "live".
 *
 * Writes compare the revision (DOC_NEW, DOC_ANY or the one they replace: doc_conflict) and may happen beside an executor, whose next
 * step sees them. Values, so the engine thread only. */
#ifndef BR_CONN_STORE_H
#define BR_CONN_STORE_H
#include "connection.h"
#include "store.h"
#include "vault.h"

/* NIL: not there, or *e. rev may be NULL. */
Val conn_store_get(Store *s, const char *workspace, const char *id, int64_t *rev, Err *e);
/* Vector of at most max records with ids behind `after` (NULL: from the first), of a type (nil: any). */
Val conn_store_list(Store *s, const char *workspace, Val type, const char *after, size_t max, Err *e);
/* `record`: {:name :type :backend :config :description :status}; :created-ms is kept, :updated-ms set. What is stored, or NIL: bad_connection,
 * doc_conflict, or what the store said. */
Val conn_store_put(Store *s, const char *workspace, const char *id, Val record, int64_t rev, Err *e);
bool conn_store_valid(const char *id, Val record, Err *e); /* is it one that conn_store_put takes? false: bad_connection */
/* not_found; in_use: a binding names it (the message says which flow). */
bool conn_store_delete(Store *s, const char *workspace, const char *id, Err *e);
/* Vector of problems (strings) that using it now would have: secrets that are missing or do not open. Nothing is sent anywhere. */
Val conn_store_check(const SecretSet *secrets, Val record);

/* {slot-name id}, {} when nothing is bound. */
Val binding_get(Store *s, const char *workspace, const char *slug, const char *target, int64_t *rev, Err *e);
/* id NULL: the slot is not bound any more. not_found: there is no such connection. */
bool binding_put(Store *s, const char *workspace, const char *slug, const char *target, const char *slot, const char *id, Err *e);
/* Vector of {:flow :target :slot :connection} of a workspace; id NULL: of every connection. */
Val binding_usages(Store *s, const char *workspace, const char *id, Err *e);

/* A target whose slots and secrets are those of the store, for a target's name ("draft", "live"); `over` (a file's; NULL: a new one) comes
 * before them. Looked at when a step asks, so what changes is used by the next step. `place` outlives it, and stays where it is. */
typedef struct ConnPlace { Store *store; VaultPlace secrets; const char *workspace, *target; } ConnPlace;
Target *target_from_store(Target *over, ConnPlace *place);
/* Its TargetStore.bound: the connection that a slot is bound to there; nil, with *e when it cannot be read. */
Val conn_place_bound(void *place, const char *slug, const char *slot, Err *e);
Val conn_place_all(void *place, const char *after, size_t max, Err *e); /* and its other */
#endif
