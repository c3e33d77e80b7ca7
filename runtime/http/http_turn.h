/* http_turn.h - a request's turn at its gate (http_limit.h), for every family that sends: :http, :llm, :notify. Requests to one host,
 * or over one connection with limits of its own, share a gate whatever family they are of. Here are the gates' names, the clock that
 * brings turns, and what the metrics say. Engine thread; not for the requests that fetch access tokens. */
#ifndef BR_HTTP_TURN_H
#define BR_HTTP_TURN_H
#include "runtime/engine/engine.h"
#include "runtime/net/http_client.h"
#include "runtime/net/http_limit.h"

typedef struct Turn { Gate *gate; Waiter *waiter; void (*go)(void *ctx); void *ctx; } Turn;
/* Who asks: the connection's config (nil: none) and slot, the address, and the flow that it is for. */
typedef struct TurnAsk { Val config, slot; const char *url, *workspace, *flow; } TurnAsk;

/* The clock is made and `e` woken by it. false: *err. */
bool turn_ready(Engine *e, Err *err);
/* false: the :max-concurrent or :rate-limit of the connection's config is wrong, *err. */
bool turn_check(Val config, Err *err);
/* Calls `go` at once or later; turn_end before then gives the place up. false: as turn_check, and `go` is not called. */
bool turn_take(Turn *t, const TurnAsk *ask, void (*go)(void *ctx), void *ctx, Err *err);
void turn_end(Turn *t); /* the request is over, or given up; may be called again */
void turn_answered(const HttpResponse *r); /* what came of it, for the metrics */
static inline bool turn_waits(const Turn *t) { return t->waiter != NULL; }
#endif
