/* listener_int.h - what the files of the listener share: a request on its way (Conn) and the listener itself.
 *   listener_mhd.c      the library        listener_request.c  from a connection to a ListenRequest: paths, headers, bodies
 *   listener_reply.c    answers, files, bytes that come bit by bit        listener.c  everything else: parking, the thread, start and stop */
#ifndef BR_LISTENER_INT_H
#define BR_LISTENER_INT_H
#include "listener.h"
#include "listener_kept.h"
#include "listener_mhd.h"
#include "reader/text.h"
#include <pthread.h>

enum Phase { PHASE_READING, PHASE_PARKED, PHASE_ANSWERED, PHASE_QUEUED };

/* One HTTP request, from its first header to the end of its answer. `lock` of the listener guards phase, status, answer. */
typedef struct Conn {
  Listener *l;
  struct MHD_Connection *mhd;
  uint64_t token;
  enum Phase phase;
  bool was_parked;
  bool too_big, shed, full; /* body over the limit; over the bound of all bodies; the disk took no more of it */
  Buf body;
  uint64_t max_body;
  int spool; /* where a large body goes, -1 */
  uint64_t nspool;
  size_t held; /* this request's part of the listener's sum, until it is over */
  int status;
  char *answer;
  size_t nanswer;
  int fd; /* a file in place of the text; -1 */
  ListenSource source; /* or this */
  uint64_t nfile;
  char *type, *filename;
  char *extra; /* more headers, "name\nvalue\n" each; NULL: an answer of our own */
  int64_t park_until_us;    /* monotonic */
  int64_t begun_us;
  const char *route; /* for the figures: a literal */
  struct Conn *prev, *next; /* list of parked ones, or of answered ones */
  struct Conn *chain;       /* of the same bucket */
} Conn;

enum { PARKED_BUCKETS = 1024 }; /* tokens are counted up */

struct Listener {
  struct MHD_Daemon *daemon;
  ListenFn f;
  void *ctx;
  int fd, port;
  int64_t park_us;
  ListenerOptions o;
  char *spool_dir, *cert, *key;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread; /* runs the daemon */
  int wake_fd;      /* and is woken by this */
  bool ends;
  int64_t sweep_us; /* when to look for those that nobody has answered */
  Conn *parked;     /* suspended, oldest last */
  Conn *answered;   /* suspended, to be resumed by the thread */
  Conn *by_token[PARKED_BUCKETS];
  struct Drip *streams;
  int suspended; /* about to be suspended, suspended, or resumed but not yet seen by the handler again */
  int unsent;    /* requests that were parked and whose answer has not been sent completely */
  size_t held;   /* bytes of bodies under way */
  uint64_t last_token;
  KeptTable kept;
  bool stopping, refusing;
};

typedef struct Drip {
  Listener *l;
  struct MHD_Connection *mhd;
  ListenSource source;
  uint64_t token, from;
  bool asleep, resumed, woken; /* under the lock; resumed: out of its sleep, not seen yet; woken: since it was read last */
  struct Drip *next;
} Drip;

void *listener_must(void *p);                   /* not NULL, or the process ends */
char *listener_copy(const char *s, size_t n);   /* with a NUL behind */

/* ---- listener_request.c ---- */
/* "/<workspace>/<door>/<key...>"; the parts still encoded. */
bool listener_path(const Listener *l, const char *url, const char **ws, size_t *nws, const char **key, enum ListenDoor *door);
bool listener_method_ok(enum ListenDoor door, const char *method);
ListenRequest *listener_request(Conn *x, const char *url, const char *method); /* NULL: something in it cannot be decoded */
uint64_t listener_max_body(Listener *l, const char *url, const char *method);
void listener_body_add(Conn *x, const char *p, size_t n);

/* ---- listener_reply.c ---- */
/* With a text of its own, which is the response's; type NULL: JSON; extra: Conn.extra. */
enum MHD_Result listener_reply(Conn *x, int status, char *json, size_t n, const char *type, char *extra);
enum MHD_Result listener_reply_file(Conn *x);
enum MHD_Result listener_reply_error(Conn *x, int status, const char *code, const char *message); /* both fixed texts */
char *listener_error_text(const char *code, const char *message, size_t *n);
void listener_observe(const Conn *x, int status); /* for the figures */
void listener_stream_wake(Drip *s);               /* locked */
#endif
