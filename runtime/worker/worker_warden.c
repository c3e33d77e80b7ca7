/* worker_warden.c - see worker_warden.h */
#include "worker_warden.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Note {
  int32_t group, begun;
} Note;
static pid_t groups[WORKER_WARDEN_GROUPS]; /* in the warden's process; 0: free */

static void remember(pid_t was, pid_t is) {
  for (int i = 0; i < WORKER_WARDEN_GROUPS; i++) {
    if (groups[i] != was) continue;
    groups[i] = is;
    return;
  }
}

static void watch(int fd) {
  Note n;
  ssize_t got;
  while ((got = read(fd, &n, sizeof n)) == sizeof n || (got < 0 && errno == EINTR)) {
    if (got < 0) continue;
    if (n.begun)
      remember(0, n.group);
    else
      remember(n.group, 0);
  }
  for (int i = 0; i < WORKER_WARDEN_GROUPS; i++)
    if (groups[i] > 1) kill(-groups[i], SIGKILL);
}

/* It must live on when the terminal or a supervisor signals the worker's group, and must not keep the worker's files open. */
static _Noreturn void serve(int fd) {
  int null = open("/dev/null", O_RDWR);
  setsid();
  prctl(PR_SET_NAME, "breyta-warden");
  for (int i = 0; i < 3 && null >= 0; i++) dup2(null, i);
  dup2(fd, 3);
  close_range(4, ~0u, 0);
  watch(3);
  _exit(0);
}

bool worker_warden_start(WorkerWarden *w, Err *e) {
  int fds[2];
  *w = (WorkerWarden){.fd = -1};
  if (pipe2(fds, O_CLOEXEC) < 0) return err_set(e, "worker", "cannot make a pipe: %s", strerror(errno));
  w->pid = fork();
  if (!w->pid) {
    close(fds[1]);
    serve(fds[0]);
  }
  close(fds[0]);
  w->fd = fds[1];
  if (w->pid > 0) return true;
  worker_warden_stop(w);
  return err_set(e, "worker", "cannot start a process: %s", strerror(errno));
}

void worker_warden_stop(WorkerWarden *w) {
  if (w->fd >= 0) close(w->fd);
  if (w->pid > 0)
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) continue;
  *w = (WorkerWarden){.fd = -1};
}

static bool note(int fd, pid_t group, bool begun) {
  Note n = {group, begun};
  ssize_t k;
  while ((k = write(fd, &n, sizeof n)) < 0 && errno == EINTR) continue;
  return k == sizeof n;
}
bool worker_warden_add(int fd, pid_t group) { return note(fd, group, true); }
bool worker_warden_drop(int fd, pid_t group) { return note(fd, group, false); }
