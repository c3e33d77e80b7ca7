/* worker_proc.h - one handler: a process group of its own, whose output comes through a pipe.
 *
 * Whatever the handler starts is in its group unless it leaves it (setsid): signals go to all of them, and when the handler ends, what it
 * left behind is killed. Standard input is /dev/null; signals and their mask are as a fresh program expects them. */
#ifndef BR_WORKER_PROC_H
#define BR_WORKER_PROC_H
#include "runtime/base/port.h"
#include <sys/types.h>

typedef struct WorkerProc {
  pid_t pid; /* 0: none runs */
  int out;   /* what it writes, not blocking; -1: closed */
} WorkerProc;
/* argv[0] is found by the PATH of env, as a shell does. warden: its pipe. */
bool worker_proc_start(WorkerProc *p, char *const argv[], char *const env[], int warden, Err *e);
void worker_proc_signal(const WorkerProc *p, int sig); /* to the group */
/* Has the handler ended? Then *status is that of waitpid, its group is killed and forgotten; `out` stays open. */
bool worker_proc_over(WorkerProc *p, int warden, int *status);
void worker_proc_kill(WorkerProc *p, int warden); /* at once, the whole group; waits for it */
void worker_proc_close(WorkerProc *p);
#endif
