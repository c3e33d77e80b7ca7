/* engine_listen.h - `--listen`: callbacks over HTTP become answers to waits. A request is answered when what it brought is
 * durable: 200 delivered or duplicate, 202 kept for a wait that is not registered yet, 400 bad body. */
#ifndef BR_ENGINE_LISTEN_H
#define BR_ENGINE_LISTEN_H
#include "engine.h"
typedef struct EngineListener EngineListener;
EngineListener *engine_listen(Engine *e, const char *host_port, Err *err);
int engine_listen_port(const EngineListener *l);
void engine_listen_stop(EngineListener *l);
#endif
