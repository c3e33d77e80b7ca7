/* nrepl.h - the nREPL server: editors' sessions over bencode (nREPL 1.0's protocol, the ops of nrepl_ops.h).
 *
 * Threads. One polls the sockets (nrepl_io.h); it never touches a value and answers what needs none: describe, ls-sessions,
 * interrupt, close, stdin. Each session has a worker while it has requests, known to the collector: its evaluations run there,
 * one after the other in the order they came. A further worker, "tools", does clone, completions and lookups, so that those
 * answer while their session evaluates. Different sessions evaluate at the same time, in slices of about a millisecond under
 * the one lock of repl_session.h: an endless loop in one holds up no other, but two evaluations are not faster than one
 * after the other. All sessions see the same namespaces; each has its own current one and its own *1 *2 *3 *e and bindings.
 * A request without session is evaluated in a fresh copy of the first session, those of one client one after the other.
 *
 * When a client goes away its waiting requests are dropped and what it evaluates is interrupted: nobody could read the answer.
 * Sessions stay for whoever knows their id; beyond NREPL_SESSIONS the longest unused one without client makes room. */
#ifndef BR_NREPL_H
#define BR_NREPL_H
#include "runtime/base/port.h"
#include "repl_session.h"

enum { NREPL_SESSIONS = 256 };

typedef struct Nrepl Nrepl;
/* Listens on host_port (sock_listen's forms); its sessions are clones of `of`, as it is now. After repl_init, on a thread that may
 * build values. NULL with an Err. */
Nrepl *nrepl_start(const char *host_port, ReplSession *of, Err *e);
int nrepl_port(const Nrepl *n);
const char *nrepl_host(const Nrepl *n); /* numeric address */
/* Interrupts what is evaluated, sends the last answers, closes all connections, ends all threads. */
void nrepl_stop(Nrepl *n);
#endif
