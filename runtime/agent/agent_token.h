/* agent_token.h - one-shot credentials of agents on other machines: 256 bits that prove one wait, and that stand nowhere.
 *
 * A credential is an HMAC over workspace and key of the wait, under a random key that is kept sealed in the database (vault.h), in a
 * workspace that no flow can be in. So it is the same whenever it is asked for, a crash loses none, and there is nothing to clean up:
 * it ends with its wait. The auth of such a wait is {:type :one-shot}, which only the engine gives it. A request proves itself by
 *   Authorization: Bearer CREDENTIAL
 *   X-Breyta-Timestamp: unix seconds, X-Breyta-Signature: v1=hex of HMAC-SHA256(CREDENTIAL, timestamp and body)   within 5 minutes
 * Engine thread. */
#ifndef BR_AGENT_TOKEN_H
#define BR_AGENT_TOKEN_H
#include "runtime/engine/engine.h"
#include "runtime/net/webhook_auth.h"

enum { AGENT_TOKEN_CHARS = 64 };
/* Makes the sealed key when there is none. false: *err; wipe `out` after use. */
bool agent_token(Engine *e, const char *workspace, const char *key, char out[AGENT_TOKEN_CHARS + 1], Err *err);
bool agent_token_auth(Val auth); /* {:type :one-shot} */
/* Does the request have the credential of that wait in its workspace? As hook_auth_verify. */
enum HookVerdict agent_token_verify(Engine *e, const ListenRequest *r, const char *key, HookProof *proof, Err *err);
/* v without that credential and the secrets that the agent was given (:secrets of the wait's spec), should it have sent them back. */
Val agent_token_clean(Engine *e, const char *workspace, const char *key, Val spec, int64_t run, Val v);
#endif
