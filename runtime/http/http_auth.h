/* http_auth.h - the :auth of a connection or a step onto a built request (spec/flows.md 1.3, 4.1). Secret refs only:
 *   {:type :none}
 *   {:type :bearer :secret-ref r}                           Authorization: Bearer <r>
 *   {:type :api-key :secret-ref r :header "X-API-Key"}      :prefix "Token " goes in front; or :query "key": a query parameter
 *   {:type :basic :username "u" :secret-ref r}              r is the password; :username-secret-ref instead of :username
 *   {:type :google-service-account :secret-ref r :scopes ["https://.."]}   r is the JSON key file; see http_token.h
 *   {:type :aws-sigv4 :access-key-ref a :secret-key-ref s :region "eu-west-1" :service "s3"}   :session-token-ref for temporary keys
 * A header that the step wrote itself is not replaced. */
#ifndef BR_HTTP_AUTH_H
#define BR_HTTP_AUTH_H
#include "runtime/store/connection.h"
#include "runtime/net/http_client.h"

/* nil auth: nothing to do. false: *e is :validation, :missing-binding or :secret-unreadable. */
bool http_auth_apply(Val auth, const SecretSet *secrets, SecretUse **used, HttpRequest *req, Err *e);
/* For :google-service-account, which http_auth_apply leaves to the caller: the key file's text, alive as long as *used, and the
 * scopes separated by blanks. */
bool http_auth_is_google(Val auth);
const char *http_auth_google(Val auth, const SecretSet *secrets, SecretUse **used, Buf *scope, Err *e);
/* Its header, with the token that came of it. */
void http_auth_token(Val auth, const char *token, SecretUse **used, HttpRequest *req);
/* The same without values: whether it could be applied. */
bool http_auth_check(Val auth, const SecretSet *secrets, Err *e);
#endif
