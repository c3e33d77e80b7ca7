/* worker_dir.h - the folder of one job, what the worker and the handler's commands share (spec/http-api.md, B3).
 *
 *   job.json             the job as it was claimed        payload.json  its payload, {} when it has none
 *   worker-context.json  jobId, leaseToken, resultFile    result.json   made by finish, fail and attach-*
 *   handler.log          what the handler wrote
 *
 * Folder 0700, files 0600. Files are replaced whole, and whoever changes result.json holds result.json.lock meanwhile, so that commands of
 * a handler may run side by side. */
#ifndef BR_WORKER_DIR_H
#define BR_WORKER_DIR_H
#include "reader/text.h"
#include "runtime/base/port.h"

enum { WORKER_RESULT_MAX = 64 << 20 /* bytes of result.json */ };
typedef struct WorkerDir {
  char *path, *job, *payload, *context, *result, *log; /* absolute */
} WorkerDir;
/* A new folder in $TMPDIR for a job with its files; log and result do not exist yet. */
bool worker_dir_make(WorkerDir *d, Val job, Err *e);
/* The names in an existing folder. */
void worker_dir_at(WorkerDir *d, const char *path);
void worker_dir_remove(const WorkerDir *d); /* with all that is in it */
void worker_dir_free(WorkerDir *d);

/* ABSENT: no file, or nothing but white space in it. false: it cannot be read, is too large or no JSON; e: code "invalid_json" for the
 * last. */
bool worker_dir_read(const char *path, Val *v, Err *e);

/* result.json from `change` of what it was ({} at first), under the lock; *out, unless NULL: as it is now. */
bool worker_dir_change(const char *result, Val (*change)(Val was, void *ctx), void *ctx, Val *out, Err *e);
#endif
