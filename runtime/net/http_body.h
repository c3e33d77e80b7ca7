/* http_body.h - what a request sends and where a response's bytes go, when neither is one piece of memory.
 *
 * HttpBody is the body of a request: pieces of memory and ranges of open files in order, read once from front to back and
 * again from the start when a request has to be repeated. Files are read piece by piece with pread, so a body of any size costs
 * its buffer alone. One thread at a time; plain malloc'ed data, no values.
 *
 * HttpSink takes a response's body as it arrives, on the I/O thread: its functions must not block for long and touch no value. */
#ifndef BR_HTTP_BODY_H
#define BR_HTTP_BODY_H
#include "runtime/base/port.h"
#include <sys/types.h>

typedef struct HttpBody HttpBody;
HttpBody *http_body_new(void);
void http_body_free(HttpBody *b); /* NULL is fine; closes its files */
void http_body_mem(HttpBody *b, const char *p, size_t n); /* a copy of the bytes */
/* n bytes of an open file from `at`; the descriptor is the body's from now on. */
void http_body_file(HttpBody *b, int fd, uint64_t at, uint64_t n);
uint64_t http_body_size(const HttpBody *b);
/* Up to n bytes; 0: the end; -1: a file is shorter than it was or cannot be read. */
ssize_t http_body_read(HttpBody *b, char *p, size_t n);
bool http_body_seek(HttpBody *b, uint64_t at); /* false: behind the end */

/* What becomes of the body of the response that counts (never of a redirect's). All may be NULL but `write`.
 *   begin   before its first byte: false = this one is kept in memory as usual (an error's body: the caller wants to read it)
 *   write   false aborts the request: it fails as HTTP_ABORTED
 *   end     once, after the last byte or the failure, before the response is delivered; `ok`: the body is complete
 *   free    once, before the response is delivered, or with a request that was never sent; then nothing touches ctx any more
 * keep: the bytes are kept in memory as well (max_response counts). Otherwise max_response counts what was written. */
typedef struct HttpSink {
  void *ctx;
  bool (*begin)(void *ctx, int status);
  bool (*write)(void *ctx, const char *p, size_t n);
  void (*end)(void *ctx, bool ok);
  void (*free)(void *ctx);
  bool keep;
} HttpSink;
#endif
