/* blobs_place.h - where the blobs of a database are: beside its file, or in an object storage (blobs_s3.h) that it was told once
 * and remembers, with the owner's name that it shows there. One in memory has a temporary directory. */
#ifndef BR_BLOBS_PLACE_H
#define BR_BLOBS_PLACE_H
#include "blobs.h"

/* url: s3://.., or "disk". Blobs that are elsewhere already stay there. Only its executor may say so, before an engine uses the store.
 * false: *e is "validation" (what is wrong with the URL), "blob_denied" (no keys), or the store's. */
bool blobs_place_set(Store *s, const char *url, Err *e);
/* NULL: *e. */
BlobStore *blobs_place_open(Store *s, Err *e);
#endif
