/* engine_http.h - one HTTP request on the engine's client for what is no :http step: notifications. Engine thread. */
#ifndef BR_ENGINE_HTTP_H
#define BR_ENGINE_HTTP_H
#include "runtime/engine/engine.h"
#include "runtime/base/secret.h"

typedef struct HttpCall {
  Val cfg;                  /* options as of an :http step, without :connection and :auth */
  Val bound;                /* config of the connection ({:base-url :headers :query :auth}), nil none */
  const SecretSet *secrets;
  SecretUse **used;
  const char *key;          /* sent as Idempotency-Key; NULL none */
  bool fresh;               /* never on a kept connection: curl would repeat it */
  size_t max_body;          /* bytes that may be sent */
  Val slot;                 /* of the connection, nil none; it, workspace and flow say whose turn it is (http_turn.h) */
  const char *workspace, *flow;
  uint64_t token;           /* step_token of the call that it is for; 0: of none. A request that waits is dropped when that is over */
} HttpCall;
/* On the engine thread: ok with {:status :headers :body}, else the error's map. */
typedef void (*HttpDone)(Engine *e, void *ctx, bool ok, Val v, int64_t retry_after_ms);
/* false: *error, and `done` is not called. Else it is, perhaps before this returns. */
bool engine_http_call(Engine *e, const HttpCall *call, HttpDone done, void *ctx, Val *error);
#endif
