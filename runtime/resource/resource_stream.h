/* resource_stream.h - downloads of resources whose bytes are not on this machine: a chunk at a time from where they are, as fast as
 * the client takes them, and only the range it asks for. Neither is the whole in memory, nor does a slow client hold a thread. A
 * download of the whole is cut off in front of its last bytes when they have another hash than they should. */
#ifndef BR_RESOURCE_STREAM_H
#define BR_RESOURCE_STREAM_H
#include "runtime/net/listener.h"
#include "resource.h"

/* Engine thread. Answers r, now or later, with an error in plain words when there is nothing to send. false: no helper thread. */
bool resource_stream(Engine *e, Listener *l, const ListenRequest *r, const Resource *what);
#endif
