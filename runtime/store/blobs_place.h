/* blobs_place.h - where the blobs of a database are: beside its file, or in an object storage (blobs_s3.h) that it was told once
 * and remembers, with the owner's name that it shows there. One in memory has a temporary directory. */
#ifndef BR_BLOBS_PLACE_H
#define BR_BLOBS_PLACE_H
#include "blobs.h"
#include "vault.h"

/* The folder beside a database that has its blobs while they are on disk; malloc'ed. */
char *blobs_place(const char *db);

/* url: s3://.., or "disk". Blobs that are elsewhere already stay there. Only its executor may say so, before an engine uses the store.
 * false: *e is "validation" (what is wrong with the URL), "blob_denied" (no keys), or the store's. */
bool blobs_place_set(Store *s, Vault *v, const char *url, Err *e);
/* v: for keys that are a stored secret (?keys=); NULL: one with the key of BREYTA_SECRETS_KEY, of a secrets.key beside the database, or the
 * user's (keyring_new). NULL: *e. */
BlobStore *blobs_place_open(Store *s, Vault *v, Err *e);
#endif
