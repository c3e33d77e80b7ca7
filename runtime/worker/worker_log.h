/* worker_log.h - what a handler writes: kept in a file of the job's folder, and its end in memory for the report of a failure.
 *
 * The file holds the first WORKER_LOG_MAX bytes; what comes later is only counted and remembered as the end. Lines are handed on as they
 * become whole (a longer one in pieces of WORKER_LOG_LINE). The server's key, which handlers have in their environment, is replaced by ***
 * in lines and in the end, not in the file that only the worker's user can read. */
#ifndef BR_WORKER_LOG_H
#define BR_WORKER_LOG_H
#include "reader/text.h"
#include "runtime/base/port.h"

enum { WORKER_LOG_TAIL = 4096, WORKER_LOG_LINE = 2000 /* what an event holds */, WORKER_LOG_MAX = 64 << 20 };
typedef struct WorkerLog {
  int fd; /* of the file, -1: none */
  uint64_t bytes, kept;
  const char *secret; /* NULL: none */
  void (*line)(void *ctx, const char *text);
  void *ctx;
  Buf tail, rest; /* the last bytes; a line that has not ended */
} WorkerLog;
void worker_log_open(WorkerLog *l, const char *path, const char *secret, void (*line)(void *ctx, const char *text), void *ctx);
/* Reads what there is from a pipe that does not block. false: it has ended, or failed. */
bool worker_log_read(WorkerLog *l, int fd);
void worker_log_close(WorkerLog *l); /* hands on the last line */
/* The end of it: at most WORKER_LOG_TAIL bytes, from the begin of a line if there is one. Valid UTF-8. */
void worker_log_tail(const WorkerLog *l, Buf *out);
void worker_log_free(WorkerLog *l);
#endif
