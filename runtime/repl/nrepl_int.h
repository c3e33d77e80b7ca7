/* nrepl_int.h - what nrepl*.c share: requests, sessions, workers.
 *
 * One lock (Nrepl.lock) guards the table of sessions and everything in a session but its ReplSession, which has rules of its own.
 * It is never held while values are touched or a socket is waited for. Sessions are counted: the table holds one reference, each
 * worker and each request that names it one; only threads that may build values drop the last (session_drop in nrepl.c
 * hands over to one). */
#ifndef BR_NREPL_INT_H
#define BR_NREPL_INT_H
#include "nrepl.h"
#include "nrepl_io.h"
#include <pthread.h>
#include <stdatomic.h>

typedef struct NreplSession NreplSession;
typedef struct NreplReq NreplReq;
typedef struct NreplPair { const char *name, *text; } NreplPair;
enum NreplWhere { NREPL_NOW, NREPL_TOOLS, NREPL_SESSION };
typedef struct NreplOp {
  const char *name;
  enum NreplWhere where;
  void (*run)(NreplReq *r);
  const char *doc;
  const NreplPair *required, *optional, *returned; /* ended by an empty pair */
} NreplOp;
extern const NreplOp nrepl_ops[];
extern const size_t nrepl_nops;

struct NreplReq {
  NreplReq *next;
  Nrepl *n;
  NreplConn *c;       /* NULL: nobody is told */
  BenMsg m;
  char *id;           /* as bencode; NULL: none */
  NreplSession *s;    /* NULL: the request names none (and is not evaluated) */
  const NreplOp *op;
  atomic_bool stop;   /* interrupted, or nobody waits for it any more; under the lock when it is set */
};

struct NreplSession {
  NreplSession *next; /* of Nrepl.sessions */
  Nrepl *n;
  char id[37];
  int refs;
  bool listed;        /* in the table: clients may name it */
  bool ephemeral;     /* a client's requests without session: `rs` lives for one request */
  bool closed;        /* takes no more requests */
  ReplSession *rs;
  char *ns;           /* name of its namespace when it was last idle, for describe */
  NreplReq *first, *last, *running;
  bool worker;        /* has a thread */
  pthread_cond_t wake; /* requests, input, interrupts, the end */
  NreplConn *owner;   /* who asked last; only compared */
  uint64_t used;      /* when, by Nrepl.clock */
  Buf input;          /* for read-line */
  uint64_t inputs;    /* how often some came */
  bool input_end;
};

struct Nrepl {
  NreplIo *io;
  ReplSession *base;
  pthread_mutex_t lock;
  pthread_cond_t quiet; /* a worker ended */
  NreplSession *sessions; /* all there are */
  NreplSession *tools;    /* its queue is what the tools worker does; no session otherwise */
  int nsessions, workers; /* listed sessions; threads */
  uint64_t clock;
  bool stopping;
};

/* --- nrepl.c */
NreplSession *nrepl_session_new(Nrepl *n, bool ephemeral); /* one reference, not in the table */
void nrepl_release(NreplSession *s);  /* on a thread that may build values */
bool nrepl_register(NreplSession *s, NreplConn *owner); /* into the table, which takes the reference; false: it is full */
/* Out of the table; stops what it does, drops what waits. */
void nrepl_close(NreplSession *s);
void nrepl_stop_request(NreplReq *r);                /* under the lock: has what runs end */
NreplReq *nrepl_dequeue(NreplSession *s, const char *id); /* under the lock: the waiting request of that id, taken out; or NULL */
void nrepl_drop_requests(NreplReq *list, const char *status); /* answers each with that status and done, and frees it */
char *nrepl_id_text(const BenMsg *m, const char *key); /* bencode of a string or number of the message, malloc'ed; or NULL */

/* --- answers: nrepl_reply begins one with id and session, the caller adds entries, nrepl_reply_end sends it with statuses (the
 * last argument is NULL; none: no status). */
void nrepl_reply(const NreplReq *r, BenWriter *w);
void nrepl_reply_end(const NreplReq *r, BenWriter *w, ...) __attribute__((sentinel));
#define nrepl_answer(r, ...) do { BenWriter w_ = {0}; nrepl_reply(r, &w_); nrepl_reply_end(r, &w_, __VA_ARGS__, NULL); } while (0)

void nrepl_note_ns(NreplSession *s); /* refreshes s->ns; on a thread that may build values */
#endif
