/* secret_stream.h - bytes that come in pieces, without the secrets in them: what secret_clean does to values, for a body that goes
 * from the socket to the disk. A value that lies across two pieces is found; so many bytes as the longest value has are held back.
 *
 * It has copies of the values, so it may be used on another thread, one at a time. Plain C. */
#ifndef BR_SECRET_STREAM_H
#define BR_SECRET_STREAM_H
#include "secret.h"

typedef struct SecretStream SecretStream;
typedef bool (*SecretPut)(void *ctx, const char *p, size_t n);
SecretStream *secret_stream_new(const SecretUse *used); /* NULL: there is nothing to cut out */
void secret_stream_free(SecretStream *s); /* wipes; NULL is fine */
/* false: put said so. */
bool secret_stream_add(SecretStream *s, const char *p, size_t n, SecretPut put, void *ctx);
bool secret_stream_end(SecretStream *s, SecretPut put, void *ctx); /* what is held back */
#endif
