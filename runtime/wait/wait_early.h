/* wait_early.h - requests and events that come before anybody waits for them (spec/decisions.md, last row).
 *
 * They are kept durably for a day under the name they were sent to, headers and raw body as they came with the time of their
 * receipt, at most EARLY_MAX of a workspace and EARLY_MAX_BYTES together. A wait that registers tries those of its key, path
 * and event in the order of their receipt; the first that its :auth and :validation take wins, whoever sent the ones before.
 *
 * They hold headers with credentials and bodies of strangers, so they are sealed (seal.h) with the key of the engine's vault, bound to their
 * workspace and row. Without a vault they are kept as they came. Engine thread. */
#ifndef BR_WAIT_EARLY_H
#define BR_WAIT_EARLY_H
#include "runtime/engine/engine.h"
#include "runtime/net/listener.h"

#define EARLY_MAX 10000
#define EARLY_MAX_BYTES ((int64_t)256 << 20)
#define EARLY_KEEP_MS ((int64_t)24 * 3600 * 1000)

/* Durable when it returns true. false: *e is too_many_early (the bound is reached), or what the store said. */
bool early_keep_request(Engine *e, const ListenRequest *r, Err *err);
bool early_keep_event(Engine *e, const char *workspace, const char *name, Val payload, int64_t at_ms, Err *err);

/* One that was kept: a request, or with r NULL the payload of an event from this machine. */
typedef struct Early { ListenRequest *r; Val payload; } Early;
/* Calls f for what is kept under a name, oldest first; `row` is its key, for batch_outcome_del. f returns false to stop. */
void early_each(Engine *e, const char *workspace, const char *name, bool (*f)(void *ctx, const char *row, const Early *x), void *ctx);
bool early_any(Engine *e, const char *workspace); /* is anything kept there? */
/* One of them is deleted by a batch of the caller's. */
void early_gone(Engine *e);
#endif
