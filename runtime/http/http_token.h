/* http_token.h - access tokens of Google service accounts (RFC 7523): a key file's RSA key signs an assertion, the token endpoint
 * named in the file gives a token for it, and the token serves every step with that key and those scopes until shortly before it
 * expires. One exchange at a time for one token, however many steps wait for it.
 *
 * Keys and tokens are secrets: they stay in malloc'ed memory, are wiped when they go, and are in no message. Engine thread only. */
#ifndef BR_HTTP_TOKEN_H
#define BR_HTTP_TOKEN_H
#include "runtime/net/http_client.h"

typedef struct Token Token;
typedef struct TokenWait TokenWait;
/* token NULL: *e says why there is none. */
typedef void (*TokenFn)(void *ctx, const char *token, const Err *e, bool retryable);

/* The token for a key file's text and scopes (separated by blanks). The text, alive until the next call of this file; or NULL with
 *   *wait      it is being fetched: f is called when it is there, unless token_forget(*wait) comes first
 *   *ask       true: the caller has to send *req and to give its response to token_answer
 * or NULL with *e (auth-failed): the key file is none. */
const char *token_get(const char *key_json, const char *scope, int64_t at_ms, TokenFn f, void *ctx, TokenWait **wait, bool *ask,
                      HttpRequest *req, Token **token, Err *e);
void token_forget(TokenWait *w);
/* The response of the exchange, NULL when it could not be sent (*e); calls everybody who waits. */
void token_answer(Token *t, const HttpResponse *r, const Err *e, int64_t at_ms);
void token_refused(const char *token); /* a server did not accept it: the next one is fetched */
#endif
