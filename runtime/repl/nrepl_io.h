/* nrepl_io.h - the connections of the nREPL server: sockets and messages, nothing of what they mean.
 *
 * One thread polls all sockets; it holds no values and is not known to the collector. Complete messages are handed to
 * `message` on that thread, which must not block. Answers may be sent from any thread: they are queued and written as the
 * client reads. A client that vanishes, sends garbage or never reads harms nobody but itself:
 *   - what is sent to a connection that is gone is dropped; `gone` is called once, after the last `message`;
 *   - malformed bencode is answered with an error message, then the connection is closed;
 *   - printed text (nrepl_io_text) waits while the client is NREPL_IO_BACKLOG behind; text that is not sent yet grows the
 *     message at the end of the queue, and such messages are some ms apart: a thousand small prints are not a thousand messages;
 *   - a client with that much unread, or with NREPL_IO_HELD requests under way, is not read from until it catches up.
 * A connection is counted: it stays valid for whoever retained it, also when it is gone. */
#ifndef BR_NREPL_IO_H
#define BR_NREPL_IO_H
#include "runtime/base/bencode.h"
#include "runtime/base/port.h"

enum {
  NREPL_IO_CONNECTIONS = 256,
  NREPL_IO_BACKLOG = 1 << 20,
  NREPL_IO_HELD = 1024, /* requests of one client that are not answered yet */
  NREPL_IO_FLUSH_MS = 1000 /* at the stop, and for the error message of a connection that is closed */
};

typedef struct NreplIo NreplIo;
typedef struct NreplConn NreplConn;
typedef struct NreplIoCalls {
  void *ctx;
  void (*message)(void *ctx, NreplConn *c, BenMsg *m); /* takes the message */
  void (*gone)(void *ctx, NreplConn *c);
} NreplIoCalls;

/* Listens (sock_listen's forms of host_port) and starts the thread. NULL with an Err. */
NreplIo *nrepl_io_start(const char *host_port, const NreplIoCalls *calls, Err *e);
int nrepl_io_port(const NreplIo *io);
const char *nrepl_io_host(const NreplIo *io); /* numeric */
/* Sends what is queued, as long as the clients read, closes all connections and ends the thread. */
void nrepl_io_stop(NreplIo *io);

void nrepl_io_retain(NreplConn *c);
void nrepl_io_release(NreplConn *c);
/* A place for whoever handles messages: only used on the polling thread. */
void **nrepl_io_user(NreplConn *c);

/* Queues one message, behind all text; never waits. The writer is emptied. False: the connection is gone. */
bool nrepl_io_send(NreplConn *c, BenWriter *w);
/* Queues text under `key` ("out", "err"; one and the same pointer each) for a request; `id` is bencode, or NULL. Waits while
 * the client is behind, until `stop` says so: then the text is dropped. False: it was dropped. */
bool nrepl_io_text(NreplConn *c, const char *key, const char *session, const char *id, const char *s, size_t n, bool (*stop)(void *ctx),
                   void *ctx);
bool nrepl_io_gone(NreplConn *c);
bool nrepl_io_behind(NreplConn *c); /* would text wait? */
/* Waits until the client has caught up, or is gone, or `stop` says so. */
void nrepl_io_wait(NreplConn *c, bool (*stop)(void *ctx), void *ctx);
/* Has those who wait ask `stop` again. */
void nrepl_io_nudge(NreplConn *c);
/* A request is under way, or answered. */
void nrepl_io_hold(NreplConn *c);
void nrepl_io_unhold(NreplConn *c);
#endif
