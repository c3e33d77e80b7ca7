/* webhook_auth.h - who sent a request: the :auth of waits and of webhook interfaces (spec/flows.md 5.3), verified over the raw bytes.
 *
 *   {:type :none}                                            waits only
 *   {:type :api-key :secret-ref r :header "X-API-Key"}       or :location :query :param "token"
 *   {:type :bearer :secret-ref r}
 *   {:type :basic :username "u" :secret-ref r}
 *   {:type :hmac-sha256 :secret-ref r :header "X-Signature"} base64 of the HMAC of the body
 *   {:type :signature :algo :hmac-sha256|:ecdsa-p256 :secret-ref r | :public-key-ref r :signature-header "X-Signature"
 *    :timestamp-header h :signed-message :payload|:timestamp-payload :signature-format :base64|:hex :signature-prefix "v1="
 *    :timestamp-max-skew-ms 300000}
 *   {:type :ip-allowlist :allow ["10.0.0.0/8" ..] :trusted-proxies ["127.0.0.1"]}
 *
 * With a :timestamp-header the signed message is the header's text with the body right behind it, unless :signed-message says
 * :payload; the stamp (seconds, or milliseconds when it has more than ten digits) may differ from the time of receipt by the
 * skew, both ways, and the request gets a replay id: who accepts it remembers the id for HOOK_REPLAY_MS and refuses it then. A
 * header of the credentials that comes twice is refused. X-Forwarded-For and X-Real-IP count only when the request comes from
 * one of :trusted-proxies (default: this machine). Comparisons take the same time whatever they find.
 *
 * No flow values are made from the request and none of its bytes, nor a secret, gets into a message. Registered threads. */
#ifndef BR_WEBHOOK_AUTH_H
#define BR_WEBHOOK_AUTH_H
#include "listener.h"
#include "runtime/base/secret.h"

#define HOOK_SKEW_MS ((int64_t)300000)
#define HOOK_SKEW_MAX_MS ((int64_t)24 * 3600 * 1000)
#define HOOK_REPLAY_MS (2 * HOOK_SKEW_MAX_MS) /* a stamp may lie in the future, and be good until it lies as far back */

/* Is the map a complete auth? false: *e (validation) says what is wrong and what would work. nil is not: waits without an :auth
 * have nothing to verify. `none`: :type :none is allowed. */
bool hook_auth_check(Val auth, bool none, Err *e);
bool hook_auth_insecure(Val auth); /* nil or :none: whoever knows the address is believed */
/* The names of the secrets that it needs, one after the other; NULL behind the last. */
const char *hook_auth_secret(Val auth, int i);

enum HookVerdict {
  HOOK_OK,
  HOOK_DENIED,  /* 401: missing or wrong credentials, or a stamp too far away */
  HOOK_BROKEN   /* 503: the secret to verify with is not there or no key: nobody can be believed */
};
typedef struct HookProof {
  char replay[65];   /* "" when the type has no replay ids */
  char delivery[65]; /* hook_delivery, where it matters */
} HookProof;
/* Judges by r->received_ms. e: why not. */
enum HookVerdict hook_auth_verify(Val auth, const SecretSet *secrets, const ListenRequest *r, HookProof *proof, Err *e);

/* A hash of the header with which its sender numbers the request, such as X-Breyta-Delivery-Id, Webhook-Id or Idempotency-Key; "": it has none. */
void hook_delivery(const ListenRequest *r, char out[65]);

/* Parsers, for tests and fuzzing, and for proxy.c. */
bool hook_timestamp(const char *s, int64_t *ms);
bool hook_network(const char *text, uint8_t addr[16], int *bits); /* "10.0.0.0/8", "::1": IPv4 as ::ffff:a.b.c.d */
bool hook_within(const uint8_t addr[16], const uint8_t net[16], int bits);
#endif
