/* resource_gc.h - removes resources whose time is over, and blobs that nothing names any more.
 *
 * A resource goes when it has expired and no unfinished run holds its URI: not in its newest snapshot, nor in the records behind it or
 * its input, nor in an answer that waits for a run in the inbox. The URI is looked for as text, so it is found inside of any value,
 * even in the middle of a string; a resource whose URI only begins like the text is kept as well. What a finished run still names is
 * no reference. Resources that are no blobs are left alone.
 * Then blobs go that no resource names and that are older than the grace time. Documents first, blobs second: wherever this is
 * killed, no document is left without its blob, and the next time finishes the work.
 *
 * Nothing may run flows meanwhile: the caller holds the executor lock, or is the executor on its engine thread. Memory: 16 bytes for
 * each resource, and the largest snapshot. */
#ifndef BR_RESOURCE_GC_H
#define BR_RESOURCE_GC_H
#include "runtime/store/blobs.h"

typedef struct ResourceGc {
  int64_t resources, expired, removed; /* all there were; over; of those, removed */
  int64_t referenced;                  /* expired, but an unfinished run holds them */
  int64_t runs;                        /* unfinished ones looked through */
  BlobSweep blobs;
} ResourceGc;
/* dry_run: counts, and writes nothing. false: *e; damage to a run or a resource stops it before anything is removed. */
bool resource_gc(Store *s, BlobStore *b, int64_t now, int64_t grace_ms, bool dry_run, ResourceGc *out, Err *e);
#endif
