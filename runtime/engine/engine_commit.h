/* engine_commit.h - a batch that becomes durable while the engine goes on: who asked for it is told on the engine's thread.
 *
 * Batches of requests that come at the same time share one sync this way. What a batch builds upon must be a precondition in it, or be
 * guarded in memory until it is durable: other requests are looked at in between. */
#ifndef BR_ENGINE_COMMIT_H
#define BR_ENGINE_COMMIT_H
#include "engine.h"

/* error: NULL durable, else the store's code (store_error_text); "stopping": the engine is freed, nobody knows. */
typedef void (*EngineCommitFn)(Engine *e, void *ctx, const char *error);
/* Takes b. f is called once, never from within this call. */
void engine_commit(Engine *e, Batch *b, EngineCommitFn f, void *ctx);

/* For engine.c: does the completion belong to such a batch? Then it has been told. */
bool engine_commit_done(Engine *e, uint64_t tag, const char *error);
void engine_commit_stop(Engine *e);
#endif
