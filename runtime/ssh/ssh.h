/* ssh.h - commands and files on other machines, over SSH (libssh2, non-blocking).
 *
 * A job is plain malloc'ed data: a target, a command, files to send before it, one to fetch after it. ssh_send hands it over and gives an
 * id at once; events come out of ssh_next, and an eventfd (ssh_fd) is readable while there are any. Every job ends in exactly one SSH_ENDED,
 * also after ssh_cancel. One I/O thread serves all sessions with epoll; what takes longer than a millisecond (names, key exchanges,
 * passphrases) is done on helper threads, which hand over sessions that are logged in. Nothing here touches values.
 *
 * Connections are shared: jobs with equal targets (every byte of credentials and known hosts included) run beside each other on one
 * connection, up to SSH_CHANNELS at a time, and a connection stays for its target's idle time after its last job. A job whose connection
 * turns out dead before its command was sent is moved to a new one; after that nobody knows, and it fails as SSH_LOST.
 *
 * The host key is checked before any credential is sent (ssh_hosts.h). With a guard the address of the first hop is checked where the
 * socket is opened; what lies behind a jump host is that host's network.
 *
 * When a job's time is over or it is cancelled, the process group of its command gets TERM, and KILL 2 s later (`keep`: it is left alone).
 *
 * One client for the steps of a process; ssh_send, ssh_cancel from any thread; ssh_next from one. */
#ifndef BR_SSH_H
#define BR_SSH_H
#include "runtime/base/guard.h"
#include "ssh_shell.h"

enum { SSH_HOPS = 3, SSH_CHANNELS = 8, SSH_CONNECT_MS = 10000, SSH_IDLE_MS = 60000 };

/* ---- where ---- */

typedef struct SshHop {
  char *host, *user;
  int port;
  char *password, *key, *passphrase; /* NULL: none. Wiped when freed */
  char *known;                       /* text of known_hosts; NULL: none */
} SshHop;

typedef struct SshTarget {
  SshHop hops[SSH_HOPS]; /* jump hosts first, where the command runs last */
  int nhops;
  int64_t connect_ms;    /* to be connected and logged in, each hop */
  int64_t idle_ms;
  const Guard *guard;    /* NULL: off. Lives as long as the process */
} SshTarget;
void ssh_target_free(SshTarget *t); /* the members; wipes */

/* ---- what ---- */

typedef struct SshPut { /* a file to send */
  char *path;
  int fd;               /* its bytes: from here, or -1: those of `bytes` */
  char *bytes;
  uint64_t n;
  long mode;            /* 0644 */
} SshPut;

typedef struct SshJob {
  SshTarget target;
  char *command;        /* for `sh -lc`; NULL: only files */
  char *workdir;        /* NULL: where a login begins */
  SshVar *env;
  size_t nenv;
  char *input;          /* its standard input; NULL: empty */
  size_t ninput;
  bool pty;
  bool keep;            /* not killed when the time is over or the job is cancelled */
  int64_t timeout_ms;   /* all of it, with connecting */
  size_t max_output;    /* bytes of both streams together, without what goes into the sink */
  SshPut *puts;
  size_t nputs;
  char *get;            /* path of a file to fetch when the command has ended; NULL: none */
  int64_t max_get;
  uint64_t ok_exits[4]; /* bits: the file is fetched after these; ssh_job_init sets 0 */
  bool tell;            /* SSH_STARTED and SSH_OUTPUT events, too; what is told is not kept */
  /* Takes stdout, or with `get` the file, on the I/O thread; false: no more (the job fails as `aborted`). */
  bool (*sink)(void *ctx, const char *p, size_t n);
  void *ctx;
} SshJob;
void ssh_job_init(SshJob *j); /* zeroes, defaults */
void ssh_job_free(SshJob *j);

/* ---- what came of it ---- */

enum SshErr {
  SSH_OK,          /* the command has ended, `exit` says how */
  SSH_BAD_HOST,    /* the name means no machine */
  SSH_UNREACHABLE, /* nothing answers there, or no SSH */
  SSH_GUARD,
  SSH_TIMEOUT,
  SSH_KEY_UNKNOWN,
  SSH_KEY_CHANGED,
  SSH_AUTH,
  SSH_LOST,        /* the connection or the channel went away, or the exit status is missing: what the command did is not known */
  SSH_OVERSIZE,
  SSH_REFUSED,     /* the server would not do it: no channel, no terminal, no SFTP */
  SSH_NO_FOLDER,   /* :workdir is not there */
  SSH_FILE,        /* a file cannot be read or written */
  SSH_ABORTED,     /* the sink would not take more */
  SSH_CANCELLED,
  SSH_INTERNAL     /* libssh2 cannot be loaded, no thread */
};
const char *ssh_err_type(enum SshErr e);   /* the :type of an error as flows see it: "host-key-unknown", "network" ... */
const char *ssh_err_reason(enum SshErr e); /* its :reason where several have one type: "unreachable", "channel-lost" ... */

typedef struct SshAnswer {
  enum SshErr err;
  char msg[900];
  bool passing;    /* of an err: it may pass by itself */
  bool started;    /* the command was sent: it may have had effects */
  bool ended;      /* exit and signal count */
  int exit;
  char signal[16]; /* "TERM"; "": none */
  int64_t pid;     /* of the remote process group; 0: it did not say */
  Buf out, errs;   /* stdout, stderr; with pty all is in out */
  Buf content;     /* what `get` fetched, without a sink */
  uint64_t nout, nget;
  int64_t duration_us, connect_us;
  Buf fingerprint, host_key; /* of the last hop that was reached: SHA256:.., a line for known_hosts */
  Buf recorded;    /* SSH_KEY_CHANGED: what it is known by */
  Buf methods;     /* SSH_AUTH: what the server offers */
  Buf banner;      /* of the server */
  int hop;         /* where it failed */
} SshAnswer;

void ssh_answer_free(SshAnswer *a); /* its members */

enum SshKind { SSH_STARTED, SSH_OUTPUT, SSH_ENDED };
typedef struct SshEvent {
  enum SshKind kind;
  uint64_t id;
  int64_t pid;       /* SSH_STARTED */
  bool errs;         /* SSH_OUTPUT: stderr */
  Buf bytes;
  SshAnswer *answer; /* SSH_ENDED */
  struct SshEvent *next;
} SshEvent;
void ssh_event_free(SshEvent *v);

typedef struct SshClient SshClient;
SshClient *ssh_client_new(Err *e);
/* Stops its thread, once no connection is being made any more; jobs end, events not taken are freed. NULL is fine. */
void ssh_client_free(SshClient *c);
int ssh_fd(const SshClient *c);
/* Takes the job's members (j is zeroed), also on failure. 0: *e. */
uint64_t ssh_send(SshClient *c, SshJob *j, Err *e);
void ssh_cancel(SshClient *c, uint64_t id); /* unknown ids are ignored */
SshEvent *ssh_next(SshClient *c);           /* NULL: none ready */
/* Waits until what was cancelled has been told so, at most so long: for a process that is about to end. */
void ssh_settle(SshClient *c, int64_t ms);
#endif
