/* api_connections.h - connections and secrets of a workspace, for the API: what api_connections.c, api_conncall.c and api_configure.c
 * share.
 *
 * A value that must not be read goes into the vault under a name of its owner's, "<connection id>.api-key", and the config names it. */
#ifndef BR_API_CONNECTIONS_H
#define BR_API_CONNECTIONS_H
#include "api.h"
#include "runtime/store/conn_store.h"
#include "runtime/store/vault.h"

Val api_conn_shown(Val record); /* as JSON has it, with both spellings of its keys that clients read */
bool api_conn_find(ApiCall *c, const char *id, Val *record, int64_t *rev); /* false: failed with 404 */
bool api_conn_save(ApiCall *c, const char *id); /* as connections.create (id NULL) or .update do it, with the arguments of those */
/* `config` with what an api-key means for a connection of that type: the name of the secret, where its steps look for it. */
Val api_conn_with_secret(Val type, Val config, const char *secret);
bool api_secret_ok(ApiCall *c, const char *name, Val value);  /* could it be sealed? false: failed */
bool api_secret_put(ApiCall *c, const char *name, Val value); /* a text; durable when it returns true. false: failed */
const SecretSet *api_workspace_secrets(ApiCall *c);
void api_conn_secrets_delete(ApiCall *c, const char *id); /* those of the connection's own */

/* api_conncall.c: answered later */
bool api_conn_test(ApiCall *c);
bool api_conn_test_all(ApiCall *c);
bool api_conn_call(ApiCall *c);
bool api_conn_trust(ApiCall *c); /* api_conntrust.c */
#endif
