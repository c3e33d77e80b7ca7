/* worker_warden.h - who ends the handlers of a worker that is gone. A worker may end without a word (kill -9, out of memory); what its
 * handlers had started would run on, beside the worker that takes their jobs over. So a small process of its own reads from a pipe
 * which process groups there are, and when the pipe ends it kills those that are left.
 *
 * Start it before the first thread is made: it is forked and touches no value. Only the worker holds the pipe's other end. */
#ifndef BR_WORKER_WARDEN_H
#define BR_WORKER_WARDEN_H
#include "runtime/base/port.h"
#include <sys/types.h>

enum { WORKER_WARDEN_GROUPS = 4096 };
typedef struct WorkerWarden {
  int fd; /* -1: none */
  pid_t pid;
} WorkerWarden;
bool worker_warden_start(WorkerWarden *w, Err *e);
/* Ends it; groups that it still knows are killed. */
void worker_warden_stop(WorkerWarden *w);
/* A group has begun, or is over. The first is called in a child before exec: it makes one system call and nothing else. */
bool worker_warden_add(int fd, pid_t group);
bool worker_warden_drop(int fd, pid_t group);
#endif
