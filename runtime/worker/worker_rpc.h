/* worker_rpc.h - commands of the API without blocking: many under way at once over one HttpClient, their answers in any order.
 *
 * A WorkerCall is one thing that the worker wants of the server, however often it has to be asked: it keeps its operation id, by which
 * the server answers a repeated call again instead of doing it twice, and knows when to ask again. Whether to is for the caller to say.
 * One thread; others make a WorkerRpc of their own. */
#ifndef BR_WORKER_RPC_H
#define BR_WORKER_RPC_H
#include "runtime/client/client.h"

typedef struct WorkerRpc {
  const ClientConfig *where;
  struct HttpClient *http;
  uint64_t seed; /* of jitter */
} WorkerRpc;
bool worker_rpc_open(WorkerRpc *r, const ClientConfig *where, Err *e);
void worker_rpc_close(WorkerRpc *r);   /* what is under way is abandoned */
int worker_rpc_fd(const WorkerRpc *r); /* readable: worker_rpc_next has something */

typedef struct WorkerCall {
  char op[37];
  char *body; /* {"command","args"}; NULL: no such call */
  size_t n;
  uint64_t id; /* under way; 0: not */
  int attempt;
  int64_t timeout_ms;
  int64_t sent_us, first_us; /* monotonic: the last and the first time */
  int64_t again_us;          /* when to ask again; 0: not waiting */
} WorkerCall;
void worker_call_new(WorkerCall *c, const char *command, Val args, int64_t timeout_ms);
void worker_call_free(WorkerCall *c);
/* false: it cannot be sent at all (e); a broken network is an answer. */
bool worker_rpc_send(WorkerRpc *r, WorkerCall *c, Err *e);
void worker_rpc_cancel(WorkerRpc *r, WorkerCall *c); /* its answer is not for it any more */
/* Sets again_us: after 0.2, 0.4, 0.8 ... at most 10 s, each between half and the whole of it by chance, or after what the server asked for.
 */
void worker_rpc_later(WorkerRpc *r, WorkerCall *c, int64_t retry_after_ms);

enum WorkerSaid {
  WORKER_SAID_OK,
  WORKER_SAID_AGAIN,  /* no answer, or one that another time may be better: broken connection, 408, 429, 5xx, no JSON */
  WORKER_SAID_LOST,   /* 404, 409: not our job any more */
  WORKER_SAID_DENIED, /* 401, 403 */
  WORKER_SAID_REFUSED /* any other: what was asked is wrong */
};
typedef struct WorkerAnswer {
  uint64_t id;
  enum WorkerSaid said;
  int status;
  Val body;                    /* map; nil: none */
  char code[64], message[400]; /* when it is not OK */
  int64_t retry_after_ms;      /* -1: none */
} WorkerAnswer;
bool worker_rpc_next(WorkerRpc *r, WorkerAnswer *a); /* false: none is there now */
#endif
