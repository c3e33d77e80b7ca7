/* multipart.h - bodies of type multipart/form-data (RFC 7578) that are in memory, taken apart. Trusts nothing: parts are counted, their
 * headers bounded, names must be UTF-8 without control characters. Plain C, any thread; nothing is copied but names. */
#ifndef BR_MULTIPART_H
#define BR_MULTIPART_H
#include "port.h"

enum { MULTIPART_PARTS = 1000, MULTIPART_HEAD = 8192, MULTIPART_NAME = 256 };
typedef struct MultipartPart {
  char name[MULTIPART_NAME];
  bool file;                     /* it has a filename, which may be "" */
  char filename[MULTIPART_NAME]; /* its last segment alone */
  char type[MULTIPART_NAME];     /* "" when it does not say */
  const char *body;              /* within the text that is parsed */
  size_t n;
} MultipartPart;

bool multipart_is(const char *content_type); /* may be NULL */
/* Calls f for each part in order; f returns false to stop. false: *e (bad_request) says what is wrong, or f has stopped it. */
bool multipart_parse(const char *content_type, const char *p, size_t n, bool (*f)(void *ctx, const MultipartPart *part), void *ctx, Err *e);
#endif
