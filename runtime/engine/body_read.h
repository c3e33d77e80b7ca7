/* body_read.h - large bodies of requests become values on helper threads while the engine goes on with other things. */
#ifndef BR_BODY_READ_H
#define BR_BODY_READ_H
#include "engine.h"
#include "runtime/net/listener.h"

enum { BODY_FAR_BYTES = 64 << 10 /* some milliseconds for JSON */ };

/* What became of a body. ListenRequest.read points to one while a request is handled whose body was read before. */
typedef struct BodyRead {
  Val value; /* ABSENT: *err */
  Err err;
  char hash[65]; /* SHA-256 of the bytes, if the reader wants it */
} BodyRead;

typedef void (*BodyReader)(const ListenRequest *r, BodyRead *out); /* on a helper thread, which the collector knows */
/* On the engine's thread, exactly once; the request is the callee's again. e NULL: nobody waits any more. */
typedef void (*BodyDone)(Engine *e, ListenRequest *r, const BodyRead *read, void *ctx);

/* Takes the request. false: no thread could be had; it is the caller's still, and nothing is called. */
bool body_read(Engine *e, ListenRequest *r, BodyReader read, BodyDone done, void *ctx);
#endif
