/* blobs_s3_sign.h - Signature Version 4 in the query of a GET, after "Authenticating Requests: Using Query Parameters" of Amazon's S3
 * API reference. Nothing but text in and text out. */
#ifndef BR_BLOBS_S3_SIGN_H
#define BR_BLOBS_S3_SIGN_H
#include "reader/text.h"

typedef struct S3Presign {
  const char *id, *secret, *region;
  const char *stamp; /* "20130524T000000Z" */
  const char *host, *path; /* as they are sent, the path percent-encoded */
  int64_t seconds;
  const char *disposition, *content_type; /* of the answer; NULL */
} S3Presign;
/* Appends to the empty query. */
void s3_sign_query(const S3Presign *p, Buf *query);
#endif
