/* conncheck.h - is there something behind a bound connection? What `breyta-run check` asks of each.
 *
 * A ConnectionTest tries one type of connection in two parts: `begin` on the thread that owns values makes plain malloc'ed data of the
 * connection (or says what is wrong with it), `work` on a thread of its own does the asking and touches no value. `says` is text for
 * people without any secret in it. Types of other families: conncheck_register, before the first check. */
#ifndef BR_CONNCHECK_H
#define BR_CONNCHECK_H
#include "runtime/store/connection.h"

enum ConnState {
  CONN_FINE,
  CONN_UNTESTED,    /* nothing was asked */
  CONN_INVALID,     /* it cannot be used as it is bound */
  CONN_UNREACHABLE,
  CONN_REFUSED      /* it answers, and does not take the credentials */
};
enum { CONNCHECK_MS = 5000 };

typedef struct ConnCheck {
  Val connection;           /* {:type :backend :config}; for begin */
  const SecretSet *secrets;
  bool guard;
  const char *db;           /* path of the engine's own database */
  const char *callback;     /* where others reach this engine; NULL: nowhere, or not known. For begin */
  enum ConnState state;
  Buf says;
  SecretUse *used;          /* wiped by conncheck_run */
  void *job;                /* of the test; NULL after begin: it is done */
  struct ConnectionTest *test;
} ConnCheck;

typedef struct ConnectionTest {
  const char *type;             /* "http-api" */
  void (*begin)(ConnCheck *c);
  void (*work)(ConnCheck *c);   /* for a job */
  void (*end)(ConnCheck *c);    /* frees the job */
  struct ConnectionTest *next;
} ConnectionTest;
void conncheck_register(ConnectionTest *t);
/* Tries all of them side by side; `says` are the caller's to free. Without `connect` only begin is done. */
void conncheck_run(ConnCheck *checks, size_t n, bool connect);
/* The same in parts, for who may not block: begin and end on the thread that owns values, once each; work anywhere, when there is a job
 * after begin. The ConnCheck may lie outside the collected memory: `connection` is not looked at after begin. */
void conncheck_begin(ConnCheck *c);
void conncheck_work(ConnCheck *c);
void conncheck_end(ConnCheck *c);
const char *conncheck_state(enum ConnState s); /* "fine" "untested" "invalid" "unreachable" "auth-refused" */
/* Sets state and text; for tests. */
void conncheck_says(ConnCheck *c, enum ConnState s, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
