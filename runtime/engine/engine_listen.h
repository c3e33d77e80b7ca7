/* engine_listen.h - `--listen`: callbacks over HTTP become answers to waits. A request is answered when what it brought is
 * durable: 200 delivered or duplicate, 202 kept for a wait that is not registered yet, 400 bad body. */
#ifndef BR_ENGINE_LISTEN_H
#define BR_ENGINE_LISTEN_H
#include "body_read.h"
typedef struct EngineListener EngineListener;
EngineListener *engine_listen(Engine *e, const char *host_port, Err *err);
/* The same with the API of a server: requests for /api/... go to f, on the engine's thread; it answers by engine_listen_answer, now or
 * later, and the request is freed when it returns. fd: of sock_bind, the listener's from now on. */
struct ListenRequest;
typedef void (*EngineApiFn)(EngineListener *el, const struct ListenRequest *r, void *ctx);
struct ListenerOptions;
EngineListener *engine_listen_api(Engine *e, int fd, const struct ListenerOptions *o, EngineApiFn f, void *ctx, Err *err);
/* Within f: the request stays, it is the caller's from now on (listener_request_free), without `read`. */
struct ListenRequest *engine_listen_take(EngineListener *el, const struct ListenRequest *r);
/* While a request is handled whose body is large and not read yet: true, it is on its way to a helper thread and will be handled once more, from
 * the beginning, with r->read. false: there is no need, no thread, or no listener (el NULL): it is read in place. The caller has checked what may be checked before: who sends it, how large it may be. */
bool engine_listen_read(EngineListener *el, const struct ListenRequest *r, BodyReader read);
bool engine_listen_answer(EngineListener *el, uint64_t token, int status, const char *json, size_t n);
bool engine_listen_own(EngineListener *el, uint64_t token, int status, const char *content_type, const char *headers, const char *text, size_t n);
/* Who is asked when no wait takes a request for /<workspace>/events/...: true, it is answered by that function, now or later. */
typedef bool (*EngineEventFn)(void *ctx, const struct ListenRequest *r);
void engine_listen_events(EngineListener *el, EngineEventFn f, void *ctx);
/* The same with another content type, and with a file: see listener.h. */
bool engine_listen_text(EngineListener *el, uint64_t token, int status, const char *content_type, const char *text, size_t n);
bool engine_listen_file(EngineListener *el, uint64_t token, int fd, uint64_t size, const char *content_type, const char *filename);
/* The answer to that request, whenever it comes, is sent as 200 with the JSON that f makes of it. f is called once and ends with ctx; with
 * out NULL nobody waits any more. unwrap: it is not wrapped after all (f is called so). */
typedef void (*EngineWrapFn)(void *ctx, const char *text, size_t n, Buf *out);
void engine_listen_wrap(EngineListener *el, uint64_t token, EngineWrapFn f, void *ctx);
void engine_listen_unwrap(EngineListener *el, uint64_t token);
void engine_listen_route(EngineListener *el, uint64_t token, const char *route); /* listener_route */
bool engine_listen_alive(EngineListener *el, uint64_t token); /* listener_alive */
/* f is told of answers that could not be sent to their end, on the engine's thread. */
void engine_listen_unsent(EngineListener *el, void (*f)(Engine *e, uint64_t token));
bool engine_listen_hold(EngineListener *el, uint64_t token, int64_t ms); /* it may stay without an answer for that long */
/* listener_keep, listener_forget */
void engine_listen_keep(EngineListener *el, const struct ListenRequest *r, const char *json, size_t n, const char *route, int64_t until_ms);
void engine_listen_forget(EngineListener *el);
int engine_listen_port(const EngineListener *l);
void engine_listen_refuse(EngineListener *l); /* listener_refuse */
void engine_listen_stop(EngineListener *l);
#endif
