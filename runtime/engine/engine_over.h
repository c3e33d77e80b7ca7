/* engine_over.h - to be told when a run is over.
 *
 * For those who answer somebody with a run's outcome. f is called once, on the engine's thread, when the end of the run is durable: over,
 * or blocked. It is not called for a run that is over already: look first (engine_state), both on the engine's thread. st NULL: the
 * engine is freed, the run goes on in another life. ctx holds no values of the collected heap. */
#ifndef BR_ENGINE_OVER_H
#define BR_ENGINE_OVER_H
#include "engine.h"

typedef void (*EngineOverFn)(Engine *e, void *ctx, const RunState *st);
void engine_over_watch(Engine *e, int64_t run, EngineOverFn f, void *ctx);

/* For the engine: the end of the run is durable. */
void engine_over_tell(Engine *e, int64_t run);
void engine_over_stop(Engine *e);
#endif
