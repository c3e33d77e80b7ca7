/* blobs_cache.h - keeps the directory of blobs that are kept elsewhere (blobs.h) under its bound: when it is over, the blobs go whose
 * last use is longest ago, until a tenth of the room is free. What was used in the last BLOBS_CACHE_PIN_S seconds stays, so that who
 * has just fetched a blob finds it. Any thread. */
#ifndef BR_BLOBS_CACHE_H
#define BR_BLOBS_CACHE_H
#include <stdatomic.h>
#include <stdint.h>

enum { BLOBS_CACHE_PIN_S = 5 };
typedef struct BlobCache {
  int64_t most;          /* bytes */
  _Atomic int64_t bytes; /* about as many as there are; 0: not looked at yet */
  atomic_flag busy;      /* somebody trims */
} BlobCache;

void blobs_cache_added(BlobCache *c, const char *dir, int64_t size); /* a blob has been put into dir */
void blobs_cache_used(int fd);                                       /* one has been opened */
#endif
