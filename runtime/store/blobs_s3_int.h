/* blobs_s3_int.h - what the files of blobs_s3 share: the store, and one request with its attempts (blobs_s3_call.c). */
#ifndef BR_BLOBS_S3_INT_H
#define BR_BLOBS_S3_INT_H
#include "blobs_s3.h"
#include "runtime/net/http_client.h"
#include "reader/text.h"
#include <pthread.h>

typedef struct S3 {
  S3Place place;
  S3Keys keys;
  Err no_keys; /* why there are none */
  char *owner;
  bool owned;  /* the prefix has been seen to be this database's */
  HttpClient *http;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool polling;         /* somebody waits for the client, for all */
  HttpResponse *done;   /* nobody has taken them yet */
  char (*claims)[65];   /* hashes that somebody writes or deletes */
  size_t nclaims, cap;
  char (*written)[65];  /* those written since a sweep began, while there is one */
  size_t nwritten, written_cap;
  int sweeping;
} S3;

/* One request. key: behind the prefix, "" the bucket. query: canonical, as it is sent ("" none). */
typedef struct S3Call {
  const char *method, *key, *query;
  const char *body; /* with nbody bytes; or `file`, as many from `at` */
  size_t nbody;
  int file; /* -1 */
  int64_t at;
  const char *hash; /* of the body; NULL: it is computed (of `body` only) */
  const char *range, *header[2];
  size_t most; /* of the answer's body; 0: 1 MiB */
} S3Call;
/* The answer of the last attempt, to be freed: 2xx, 416 to a range behind the end, or 404 when `missing` is given (then *missing). NULL: *e. */
HttpResponse *s3_call(S3 *s, const S3Call *c, bool *missing, Err *e);
/* Where an object is: the URL without a query. */
void s3_url(const S3Place *p, const char *key, Buf *out);
/* host of that URL, as it is signed; the path behind it */
void s3_host_path(const S3Place *p, const char *key, Buf *host, Buf *path);
void s3_hash_key(const char *hash, char out[80]); /* ab/cdef.. */
/* The text between <tag> and </tag> behind *at, at most n - 1 bytes, entities resolved; *at moves behind it. false: there is none. */
bool s3_tag(const char **at, const char *tag, char *out, size_t n);
void s3_query(Buf *b, const char *name, const char *value); /* appends &name=value, encoded; the caller keeps the order */

/* One at a time may write or delete a blob. */
void s3_claim(S3 *s, const char *hash);
void s3_release(S3 *s, const char *hash, bool wrote);
bool s3_own(S3 *s, Err *e); /* is the prefix ours? It becomes ours when it is nobody's */

bool s3_sweep(void *ctx, bool (*used)(void *ctx, const char *hash), void *used_ctx, int64_t grace_ms, bool dry_run, BlobSweep *out, Err *e);
/* A GET that anybody may send until then, at most 7 days: Signature Version 4 in the query. malloc'ed. */
char *s3_presigned(void *ctx, const char *hash, const char *content_type, const char *filename, int64_t now, int64_t until);
#endif
