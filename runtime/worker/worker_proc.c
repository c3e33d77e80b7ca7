/* worker_proc.c - see worker_proc.h */
#include "worker_proc.h"
#include "worker_warden.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Start {
  char *const *argv, *const *env;
  int out, null, warden;
  const sigset_t *mask;
  volatile int error; /* written by the child, which shares our memory until it has become the program */
} Start;

static _Noreturn void become(Start *s) {
  pid_t self = getpid();
  struct sigaction plain = {.sa_handler = SIG_DFL};
  sigset_t none;
  setpgid(0, 0);
  if (!worker_warden_add(s->warden, self)) {
    s->error = EPIPE;
    _exit(127);
  }
  sigaction(SIGPIPE, &plain, NULL); /* what we ignore would stay ignored; handlers of ours end with exec */
  dup2(s->null, 0);
  dup2(s->out, 1);
  dup2(s->out, 2);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvpe(s->argv[0], s->argv, s->env);
  s->error = errno;
  _exit(127);
}

/* fork would copy the page tables of a heap for every handler; the parent stands still until the child has become the program. */
static pid_t spawn(Start *s) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old); /* a handler of ours must not run in the child */
  pid_t pid = vfork();
  if (!pid) become(s);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return pid;
}

static bool started(WorkerProc *p, Start *s, pid_t pid, Err *e) {
  int why = pid < 0 ? errno : s->error;
  if (!why) {
    p->pid = pid;
    return true;
  }
  if (pid > 0) {
    waitpid(pid, NULL, 0);
    worker_warden_drop(s->warden, pid);
  }
  return err_set(e, "handler_start_failed", "cannot start %.200s: %s", s->argv[0], strerror(why));
}

bool worker_proc_start(WorkerProc *p, char *const argv[], char *const env[], int warden, Err *e) {
  int fds[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  *p = (WorkerProc){.out = -1};
  if (null < 0 || pipe2(fds, O_CLOEXEC) < 0) {
    if (null >= 0) close(null);
    return err_set(e, "handler_start_failed", "cannot start %.200s: %s", argv[0], strerror(errno));
  }
  Start s = {.argv = argv, .env = env, .out = fds[1], .null = null, .warden = warden};
  bool ok = started(p, &s, spawn(&s), e);
  close(null);
  close(fds[1]);
  if (!ok) return close(fds[0]), false;
  p->out = fds[0];
  return fcntl(p->out, F_SETFL, O_NONBLOCK) == 0;
}

void worker_proc_signal(const WorkerProc *p, int sig) {
  if (p->pid > 1) kill(-p->pid, sig);
}

static void reap(WorkerProc *p, int warden, int *status) {
  worker_proc_signal(p, SIGKILL); /* its number is still the group's: the handler has not been waited for */
  while (waitpid(p->pid, status, 0) < 0 && errno == EINTR) continue;
  worker_warden_drop(warden, p->pid);
  p->pid = 0;
}

bool worker_proc_over(WorkerProc *p, int warden, int *status) {
  siginfo_t info = {0};
  if (p->pid <= 0 || waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != p->pid) return false;
  reap(p, warden, status);
  return true;
}

void worker_proc_kill(WorkerProc *p, int warden) {
  int status;
  if (p->pid > 0) reap(p, warden, &status);
}

void worker_proc_close(WorkerProc *p) {
  if (p->out >= 0) close(p->out);
  p->out = -1;
}
