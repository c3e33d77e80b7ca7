/* fuzz_webhook.c - any bytes as a request to a webhook: lines of headers, an empty line, the body. No auth believes it that was
 * not told its secret, none crashes, and the parsers of stamps and networks agree with what they print. */
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/net/proxy.h"
#include "runtime/net/webhook_auth.h"
#include "tests/unit/webhook_vectors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const auths[] = {
    "{:type :api-key :secret-ref :k}",
    "{:type :api-key :secret-ref :k :location :query}",
    "{:type :bearer :secret-ref :k}",
    "{:type :basic :username \"ann\" :secret-ref :k}",
    "{:type :hmac-sha256 :secret-ref :k}",
    "{:type :signature :algo :hmac-sha256 :secret-ref :k :timestamp-header \"X-T\" :signature-format :hex :signature-prefix \"v1=\"}",
    "{:type :signature :algo :ecdsa-p256 :public-key-ref :p}",
    "{:type :ip-allowlist :allow [\"203.0.113.1\"]}"};
static Val parsed[8];
static SecretSet *secrets;

static void start(void) {
  Err e = {0};
  if (secrets) return;
  mem_init();
  secrets = secret_set_new();
  secret_set_add(secrets, "k", str_c("a-secret-that-no-fuzzer-finds-9321"), &e);
  secret_set_add(secrets, "p", str_c(EC_PUBLIC), &e);
  Val *root = mem_root(sizeof parsed);
  for (int i = 0; i < 8; i++) root[i] = parsed[i] = read_one(auths[i], strlen(auths[i]), NULL, true);
}

/* Splits "name: value" lines off the front. */
static size_t lines(char *s, ListenPair *out, size_t max, char **rest) {
  size_t n = 0;
  while (*s && *s != '\n' && n < max) {
    char *end = strchr(s, '\n'), *colon = strchr(s, ':');
    if (end) *end = 0;
    if (colon && (!end || colon < end)) {
      *colon = 0;
      out[n++] = (ListenPair){s, colon + 1 + (colon[1] == ' ')};
    }
    if (!end) {
      *rest = s + strlen(s);
      return n;
    }
    s = end + 1;
  }
  *rest = s + (*s == '\n');
  return n;
}

static void parsers(const char *s) {
  int64_t ms;
  uint8_t net[16];
  int bits;
  if (hook_timestamp(s, &ms) && ms < 0) abort();
  if (hook_network(s, net, &bits) && (bits < 0 || bits > 128 || !hook_within(net, net, bits))) abort();
}

/* X-Forwarded-* from a proxy that is trusted: whatever stands there, there is an address afterwards. A list of proxies is taken or says why. */
static void behind_proxy(ListenRequest r) {
  static Proxies *proxies;
  Err e = {0};
  if (!proxies) proxies = proxies_new("loopback, 10.0.0.0/8", &e);
  if (!proxies) abort();
  proxy_headers(proxies, &r);
  if (!*r.peer) abort();
  for (size_t i = 0; i < r.nheaders; i++) {
    Proxies *p = proxies_new(r.headers[i].value, &e);
    if (!p && !e.code) abort();
    proxies_free(p);
    e = (Err){0};
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  start();
  char *copy = calloc(1, n + 1);
  ListenPair pairs[16];
  if (!copy) abort();
  memcpy(copy, data, n);
  ListenRequest r = {.headers = pairs, .query = pairs, .received_ms = 1795228542000ll, .peer = "127.0.0.1"};
  char *body = copy;
  size_t used = lines(copy, pairs, 16, &body);
  r.nheaders = r.nquery = used;
  r.body = body;
  r.nbody = strlen(body);
  for (size_t i = 0; i < used; i++) parsers(pairs[i].value);
  behind_proxy(r);
  for (int i = 0; i < 8; i++) {
    HookProof proof;
    Err e = {0};
    enum HookVerdict v = hook_auth_verify(parsed[i], secrets, &r, &proof, &e);
    bool forged = v == HOOK_OK && i < 7; /* an address can be claimed from this machine */
    if (forged || v == HOOK_BROKEN || (v != HOOK_OK && !e.code)) {
      fprintf(stderr, "fuzz_webhook: %s gives %d: %s\n", auths[i], v, e.msg);
      abort();
    }
  }
  free(copy);
  return 0;
}
