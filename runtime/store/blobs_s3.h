/* blobs_s3.h - blobs in an S3-compatible object storage (a BlobRemote of blobs.h).
 *
 *   s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&cache=SIZE&keys=[WORKSPACE/]SECRET]
 *     endpoint  of a storage that is not Amazon's; its addresses are ENDPOINT/BUCKET/KEY. Else $AWS_ENDPOINT_URL_S3, $AWS_ENDPOINT_URL
 *     region    else $AWS_REGION, $AWS_DEFAULT_REGION, us-east-1
 *     cache     bytes of blobs kept on this machine, with K, M or G behind the number; 1G
 *     keys      name of a stored secret (vault.h) of that workspace ("local") with the keys, as lines of such a file as below
 * Else keys come from $AWS_ACCESS_KEY_ID, $AWS_SECRET_ACCESS_KEY and $AWS_SESSION_TOKEN, else from the profile $AWS_PROFILE ("default") of
 * $AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). They are never part of the URL, which is kept in the database.
 *
 * A blob is the object PREFIX/ab/cdef.., as it lies on a disk: copying a directory of blobs there moves them. The object
 * PREFIX/breyta-owner names the database that the prefix belongs to: what one database does not name is swept, so that no two may
 * share one. Requests are signed by libcurl (Signature Version 4; http_client.h), always with the hash of their body; their
 * URLs are made in canonical form here, since libcurl 7.88 signs paths and queries as it gets them. Whatever may pass (5xx, 429,
 * cut connections, timeouts) is tried S3_ATTEMPTS times with growing pauses; reading goes on where it was cut off.
 *
 * Errors: "not_found", "blob_busy" (try again later), "blob_denied" (keys, rights, bucket: a person has to look). */
#ifndef BR_BLOBS_S3_H
#define BR_BLOBS_S3_H
#include "blobs.h"

enum { S3_ATTEMPTS = 5 };
typedef struct S3Place {
  char bucket[64], prefix[512], region[64]; /* prefix: "" or ends in / */
  char endpoint[300];                       /* "" : Amazon's; no slash at the end */
  int64_t cache;
  char keys_of[132], keys[204];             /* workspace and name of the secret; "": none */
} S3Place;

bool s3_is_url(const char *url);
/* With what the environment says where the URL does not. false: *e says what is wrong with it, and what would work. */
bool s3_place(const char *url, S3Place *out, Err *e);
typedef struct S3Keys { char *id, *secret, *session; } S3Keys; /* session NULL: none; id NULL: there are no keys */
/* Those of the environment or its file; of a secret's text. false: *e says where they are looked for, or what the text lacks. */
bool s3_keys(S3Keys *out, Err *e);
bool s3_keys_of_text(const char *text, size_t n, const S3Place *p, S3Keys *out, Err *e);
void s3_keys_free(S3Keys *k);
/* owner: who may use the prefix, a text of the database's own. keys: taken; those that are missing are told by the first use, with `why`.
 * NULL: no memory. */
BlobStore *s3_open(const S3Place *p, const char *owner, const char *cache_dir, S3Keys *keys, const Err *why, Err *e);
#endif
