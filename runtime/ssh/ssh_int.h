/* ssh_int.h - between the threads of ssh.h: ssh_connect.c makes sessions on helper threads, ssh_io.c uses them on the I/O thread. */
#ifndef BR_SSH_INT_H
#define BR_SSH_INT_H
#include "ssh.h"
#include "ssh_lib.h"

/* One try to be connected and logged in: from the I/O thread to a helper thread and back. */
typedef struct SshConnect {
  const SshHop *hop;     /* borrowed: the host's, which outlives it */
  const Guard *guard;
  int nth;               /* of the hops: 0 is the one whose socket we open */
  int64_t deadline_us;
  int fd;                /* in: a socket that leads there through another session, or -1. out: of the session */
  LIBSSH2_SESSION *session; /* out: logged in, non-blocking; NULL: *answer says why not */
  SshAnswer answer;
  void (*done)(struct SshConnect *c); /* on the helper thread */
  void *ctx;
  struct SshConnect *next;
} SshConnect;
/* false: no thread, nothing is called. */
bool ssh_connect_start(SshConnect *c);
/* Ends a session on whichever thread owns it: says goodbye when it can do so at once, closes fd. */
void ssh_session_end(LIBSSH2_SESSION *s, int fd, bool polite);

int64_t ssh_clock_us(void); /* monotonic, the machine's own */
/* Sets err and msg, unless they are set. false, for return. */
bool ssh_fail(SshAnswer *a, enum SshErr err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *ssh_session_error(LIBSSH2_SESSION *s);

/* ---- the I/O thread ----
 * A host is a target that jobs wait for; it has sessions, a session has channels, a channel works on one task. libssh2 wants a call that
 * could not send all of it to be made again before any other of that session (`stuck`), and only one channel opened at a time (`opening`). */

typedef struct SshTask {
  uint64_t id;           /* 0: it is nobody's job: it leads to another host, through a jump host, or ends a process group */
  SshJob job;
  SshAnswer *answer;
  int64_t born_us, deadline_us;
  int tries;
  struct SshHost *host;  /* that runs it */
  struct SshHost *beyond; /* id 0: for whom; NULL: it is a kill */
  struct SshChan *chan;  /* NULL: it waits */
  struct SshTask *next;  /* in the host's queue */
  struct SshTask *all, **at;
} SshTask;

enum SshStep { SSH_WAIT, SSH_MORE, SSH_GONE };
typedef struct SshChan {
  struct SshSession *s;
  struct SshTask *task;  /* NULL: nobody waits for it any more */
  enum SshStep (*step)(struct SshChan *c);
  LIBSSH2_CHANNEL *ch;
  int phase;
  int64_t until_us;      /* given up then; 0: the task's deadline counts */
  int64_t born_us;
  SshMarks marks;
  Buf boot;              /* still to be sent in front of the input, or the command of a kill */
  char *input;           /* the job's: libssh2 may still need it when the task is over */
  size_t ninput, sent;   /* sent: of boot and input */
  bool eof_sent, out_eof, quit, killer; /* quit: its task is over before it was; killer: it has none by design */
  int64_t group;         /* killer: what it ends */
  int op;                /* the call that could not send all, to be made again first; 0 none */
  char *exec;
  /* files */
  LIBSSH2_SFTP *sftp;
  LIBSSH2_SFTP_HANDLE *file;
  size_t nput;
  uint64_t at;
  char *piece;
  size_t npiece, done;
  /* a way through a jump host */
  int fd;                /* our end, non-blocking; -1 */
  uint32_t watched;
  Buf up, down;          /* to the channel, to fd */
  struct SshChan *next;
} SshChan;

typedef struct SshSession {
  LIBSSH2_SESSION *s;
  int fd;
  struct SshHost *host;
  SshChan *chans, *stuck, *opening;
  int nchans, most;      /* channels */
  bool lost, last;       /* broken; takes no more tasks */
  bool reads, again;     /* somebody waits for bytes; there may be more to do at once */
  uint32_t watched;
  uint64_t received;     /* bytes from the socket */
  int64_t idle_us, connect_us;
  SshAnswer *hello;      /* fingerprint, host key, banner of the login */
  struct SshSession *next;
} SshSession;

typedef struct SshHost {
  char key[65];
  SshTarget target;
  struct SshHost *via;
  SshTask *first, *last;
  SshSession *sessions;
  int nsessions, connecting, users; /* users: hosts that go through it */
  int64_t again_us;      /* no new connection before that */
  struct SshHost *next;
} SshHost;

/* ssh_chan.c: what a channel does next. The caller has the session's turn. */
SshChan *ssh_chan_new(SshSession *s, SshTask *t);
void ssh_chan_abandon(SshChan *c, bool kill);         /* its task is over */
void ssh_chan_give_back(SshChan *c);                  /* what its task needs to begin again elsewhere */
void ssh_chan_free(SshChan *c);                       /* libssh2's part must be gone, or the session lost */

/* Of steps: is rc EAGAIN (what it waits for is noted)? Else: is the session at an end? Then the step returns SSH_WAIT. */
bool ssh_chan_blocked(SshChan *c, long rc);
bool ssh_chan_lost(SshChan *c, long rc);
bool ssh_chan_turn(SshChan *c);                       /* may it open a channel now? */
enum SshStep ssh_chan_fail(SshChan *c, enum SshErr err, const char *what);
void ssh_chan_command(SshChan *c);                    /* its task's command comes next */
enum SshStep ssh_file_step(SshChan *c);               /* ssh_file.c: files before and behind the command, over SFTP */

/* ssh_io.c */
void ssh_told(SshTask *t, bool errs, const char *p, size_t n); /* SSH_OUTPUT */
void ssh_started(SshTask *t, int64_t pid);
void ssh_task_end(SshTask *t);                        /* with its answer; frees it */
void ssh_kill_later(SshHost *h, int64_t group);       /* by whichever session has room */
bool ssh_chan_kills(const SshChan *c);                /* ssh_chan.c: it is to end something, and that is not sent yet */
void ssh_task_again(SshTask *t);                      /* back into the queue: it has not begun */
void ssh_watch(int fd, uint32_t events, uint32_t *watched, void *what);
void ssh_beyond(SshTask *t, int fd);                  /* the way is open: fd leads to the host beyond; frees the task */
enum { SSH_PIECE = 64 << 10 };
char *ssh_scratch(void);                              /* SSH_PIECE bytes of the I/O thread */
#endif
