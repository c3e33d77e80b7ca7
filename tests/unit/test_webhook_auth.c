/* Unit tests of webhook_auth.c: every type with right, wrong, missing and doubled credentials, skew both ways, replay ids, known
 * signature vectors, addresses behind proxies, and every wrong value of a config. */
#include "runtime/net/webhook_auth.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/base/hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define AT 1795228542000ll
static SecretSet *secrets;
static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), "test", true);
  if (is_sig(v)) fail_msg("cannot read %s", s);
  return v;
}

/* "name: value" lines */
static ListenRequest *request(const char *body, const char *headers, const char *query, const char *peer) {
  static ListenRequest r;
  static ListenPair pairs[2][8];
  static char text[2][2048];
  memset(&r, 0, sizeof r);
  const char *from[] = {headers ? headers : "", query ? query : ""};
  size_t counts[2] = {0};
  for (int k = 0; k < 2; k++) {
    snprintf(text[k], sizeof text[k], "%s", from[k]);
    for (char *line = strtok(text[k], "\n"); line; line = strtok(NULL, "\n")) {
      char *colon = strchr(line, ':');
      *colon = 0;
      pairs[k][counts[k]++] = (ListenPair){line, colon + 2};
    }
  }
  r.headers = pairs[0], r.nheaders = counts[0];
  r.query = pairs[1], r.nquery = counts[1];
  r.body = (char *)(uintptr_t)body;
  r.nbody = strlen(body);
  r.received_ms = AT;
  snprintf(r.peer, sizeof r.peer, "%s", peer ? peer : "192.0.2.9");
  return &r;
}

static HookProof proof;
static enum HookVerdict judge(const char *auth, const char *body, const char *headers, const char *query, const char *peer) {
  Err e = {0};
  enum HookVerdict v = hook_auth_verify(edn(auth), secrets, request(body, headers, query, peer), &proof, &e);
  if (v != HOOK_OK) assert_non_null(e.code);
  assert_null(strstr(e.msg, "s3cret-value"));
  return v;
}
#define YES(...) assert_int_equal(judge(__VA_ARGS__), HOOK_OK)
#define NO(...) assert_int_equal(judge(__VA_ARGS__), HOOK_DENIED)
#define BROKEN(...) assert_int_equal(judge(__VA_ARGS__), HOOK_BROKEN)

static void test_tokens(void **state) {
  (void)state;
  const char *key = "{:type :api-key :secret-ref :k}";
  YES(key, "{}", "x-api-key: s3cret-value", NULL, NULL);
  NO(key, "{}", "x-api-key: s3cret-valuE", NULL, NULL);
  NO(key, "{}", "x-api-key: s3cret-value2", NULL, NULL);
  NO(key, "{}", "x-api-key: ", NULL, NULL);
  NO(key, "{}", NULL, "token: s3cret-value", NULL);
  NO(key, "{}", "x-api-key: s3cret-value\nx-api-key: s3cret-value", NULL, NULL); /* which one was meant? */
  YES("{:type :api-key :secret-ref \"k\" :header \"X-Hook\"}", "{}", "x-hook: s3cret-value", NULL, NULL);
  const char *query = "{:type :api-key :secret-ref :k :location :query}";
  YES(query, "{}", NULL, "token: s3cret-value", NULL);
  NO(query, "{}", "x-api-key: s3cret-value", NULL, NULL);
  NO(query, "{}", NULL, "token: s3cret-value\ntoken: s3cret-value", NULL);
  YES("{:type :api-key :secret-ref :k :location :query :param \"sig\"}", "{}", NULL, "sig: s3cret-value", NULL);
  const char *bearer = "{:type :bearer :secret-ref :k}";
  YES(bearer, "{}", "authorization: bearer s3cret-value", NULL, NULL);
  NO(bearer, "{}", "authorization: s3cret-value", NULL, NULL);
  NO(bearer, "{}", "authorization: Basic s3cret-value", NULL, NULL);
  NO(bearer, "{}", NULL, NULL, NULL);
  const char *basic = "{:type :basic :username \"ann\" :secret-ref :k}";
  YES(basic, "{}", "authorization: Basic YW5uOnMzY3JldC12YWx1ZQ==", NULL, NULL);
  NO(basic, "{}", "authorization: Basic Ym9iOnMzY3JldC12YWx1ZQ==", NULL, NULL); /* bob */
  NO(basic, "{}", "authorization: Basic YW5uOnMzY3JldA==", NULL, NULL);
  NO(basic, "{}", "authorization: Basic YW5u", NULL, NULL); /* no colon */
  NO(basic, "{}", "authorization: Basic !!", NULL, NULL);
  YES("{:type :none}", "{}", NULL, NULL, NULL);
  BROKEN("{:type :bearer :secret-ref :gone}", "{}", "authorization: Bearer x", NULL, NULL);
  BROKEN("{:type :bearer :secret-ref :empty}", "{}", "authorization: Bearer  ", NULL, NULL);
}

/* The worked example of spec/http-api.md G2. */
#define SIG "CHhx806JhCb0vx8Jxomjgwn8r5gLprFKkXBuU0tRWiQ="
static void test_hmac(void **state) {
  (void)state;
  const char *stamped = "{:type :signature :algo :hmac-sha256 :secret-ref :s :timestamp-header \"X-Timestamp\"}";
  YES(stamped, "{\"id\":1}", "x-timestamp: 1795228542\nx-signature: " SIG, NULL, NULL);
  assert_int_equal(strlen(proof.replay), 64);
  NO(stamped, "{\"id\":2}", "x-timestamp: 1795228542\nx-signature: " SIG, NULL, NULL);
  NO(stamped, "{\"id\":1}", "x-timestamp: 1795228543\nx-signature: " SIG, NULL, NULL);
  assert_string_equal(proof.replay, "");
  NO(stamped, "{\"id\":1}", "x-signature: " SIG, NULL, NULL);
  NO(stamped, "{\"id\":1}", "x-timestamp: 17952285420000000\nx-signature: " SIG, NULL, NULL);
  NO(stamped, "{\"id\":1}", "x-timestamp: 1795228542 \nx-signature: " SIG, NULL, NULL);
  uint8_t mac[32];
  Buf plain = {0}, hex = {0}, h = {0};
  hash_hmac_sha256("s3", 2, "{\"id\":1}", 8, mac);
  hash_base64(mac, 32, &plain);
  hash_hex(mac, 32, &hex);
  buf_fmt(&h, "x-signature: %s", buf_cstr(&plain));
  YES("{:type :hmac-sha256 :secret-ref :s}", "{\"id\":1}", buf_cstr(&h), NULL, NULL);
  assert_string_equal(proof.replay, "");
  NO("{:type :hmac-sha256 :secret-ref :s}", "{\"id\": 1}", buf_cstr(&h), NULL, NULL); /* the bytes, not the JSON */
  YES("{:type :signature :algo :hmac-sha256 :secret-ref :s}", "{\"id\":1}", buf_cstr(&h), NULL, NULL);
  h.n = 0;
  buf_fmt(&h, "x-hub-signature-256: sha256=%s", buf_cstr(&hex));
  const char *hub = "{:type :signature :algo :hmac-sha256 :secret-ref :s :signature-header \"X-Hub-Signature-256\" :signature-format :hex :signature-prefix \"sha256=\"}";
  YES(hub, "{\"id\":1}", buf_cstr(&h), NULL, NULL);
  NO("{:type :signature :algo :hmac-sha256 :secret-ref :s :signature-header \"X-Hub-Signature-256\" :signature-format :hex}", "{\"id\":1}", buf_cstr(&h), NULL, NULL);
  h.p[h.n - 1] ^= 1;
  NO(hub, "{\"id\":1}", buf_cstr(&h), NULL, NULL);
  buf_free(&plain);
  buf_free(&hex);
  buf_free(&h);
}

static void test_skew(void **state) {
  (void)state;
  static const struct { const char *stamp; bool ok; } cases[] = {
      {"1795228542", true}, {"1795228842", true}, {"1795228843", false}, {"1795228242", true}, {"1795228241", false},
      {"1795228542000", true}, {"1795228842000", true}, {"1795228842001", false}, {"1795228241999", false}, {"0", false}, {"-1", false}, {"", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t mac[32];
    Buf m = {0}, sig = {0}, h = {0};
    buf_fmt(&m, "%s{}", cases[i].stamp);
    hash_hmac_sha256("s3", 2, m.p, m.n, mac);
    hash_base64(mac, 32, &sig);
    buf_fmt(&h, "x-t: %s\nx-signature: %s", cases[i].stamp, buf_cstr(&sig));
    assert_int_equal(judge("{:type :signature :algo :hmac-sha256 :secret-ref :s :timestamp-header \"X-T\"}", "{}", buf_cstr(&h), NULL, NULL),
                     cases[i].ok ? HOOK_OK : HOOK_DENIED);
    enum HookVerdict narrow = judge("{:type :signature :algo :hmac-sha256 :secret-ref :s :timestamp-header \"X-T\" :timestamp-max-skew-ms 1}", "{}", buf_cstr(&h), NULL, NULL);
    assert_int_equal(narrow, !strcmp(cases[i].stamp, "1795228542") || !strcmp(cases[i].stamp, "1795228542000") ? HOOK_OK : HOOK_DENIED);
    buf_free(&m);
    buf_free(&sig);
    buf_free(&h);
  }
}

/* Made with: openssl ecparam -name prime256v1 -genkey; openssl dgst -sha256 -sign; message 1795228542{"id":1} and {"id":1}. */
#include "tests/unit/webhook_vectors.h"
static void test_ecdsa(void **state) {
  (void)state;
  const char *stamped = "{:type :signature :algo :ecdsa-p256 :public-key-ref :pub :timestamp-header \"X-T\"}";
  const char *bare = "{:type :signature :algo :ecdsa-p256 :public-key-ref :pub}";
  YES(stamped, "{\"id\":1}", "x-t: 1795228542\nx-signature: " EC_SIG_STAMPED, NULL, NULL);
  NO(stamped, "{\"id\":2}", "x-t: 1795228542\nx-signature: " EC_SIG_STAMPED, NULL, NULL);
  NO(stamped, "{\"id\":1}", "x-t: 1795228542\nx-signature: " EC_SIG_BARE, NULL, NULL);
  YES(bare, "{\"id\":1}", "x-signature: " EC_SIG_BARE, NULL, NULL);
  YES("{:type :signature :algo :ecdsa-p256 :public-key-ref :pub :timestamp-header \"X-T\" :signed-message :payload}", "{\"id\":1}",
      "x-t: 1795228542\nx-signature: " EC_SIG_BARE, NULL, NULL);
  NO(bare, "{\"id\":1}", "x-signature: AAAA", NULL, NULL);
  NO(bare, "{\"id\":1}", NULL, NULL, NULL);
  BROKEN("{:type :signature :algo :ecdsa-p256 :public-key-ref :k}", "{\"id\":1}", "x-signature: " EC_SIG_BARE, NULL, NULL);
  BROKEN("{:type :signature :algo :ecdsa-p256 :public-key-ref :other-curve}", "{\"id\":1}", "x-signature: " EC_SIG_BARE, NULL, NULL);
}

static void test_addresses(void **state) {
  (void)state;
  const char *net = "{:type :ip-allowlist :allow [\"203.0.113.0/24\" \"2001:db8::/32\" \"198.51.100.7\"]}";
  YES(net, "", NULL, NULL, "203.0.113.77");
  NO(net, "", NULL, NULL, "203.0.114.1");
  YES(net, "", NULL, NULL, "198.51.100.7");
  NO(net, "", NULL, NULL, "198.51.100.8");
  YES(net, "", NULL, NULL, "2001:db8:1::5");
  NO(net, "", NULL, NULL, "2001:db9::5");
  YES(net, "", NULL, NULL, "::ffff:203.0.113.1");
  NO(net, "", "x-forwarded-for: 203.0.113.1", NULL, "192.0.2.9"); /* anybody can write that */
  NO(net, "", "x-real-ip: 203.0.113.1", NULL, "192.0.2.9");
  YES(net, "", "x-forwarded-for: 203.0.113.1", NULL, "127.0.0.1");
  YES(net, "", "x-forwarded-for: 10.9.9.9, 203.0.113.1", NULL, "127.0.0.1");
  NO(net, "", "x-forwarded-for: 203.0.113.1, 10.9.9.9", NULL, "127.0.0.1"); /* the last one is who the proxy saw */
  YES(net, "", "x-forwarded-for: 203.0.113.1, 127.0.0.1", NULL, "::1");
  NO(net, "", "x-forwarded-for: nonsense", NULL, "127.0.0.1");
  NO(net, "", "x-forwarded-for: ", NULL, "127.0.0.1");
  NO(net, "", "x-forwarded-for: 203.0.113.1\nx-forwarded-for: 203.0.113.1", NULL, "127.0.0.1");
  YES(net, "", "x-real-ip: 203.0.113.1", NULL, "127.0.0.1");
  NO(net, "", NULL, NULL, "127.0.0.1");
  const char *proxies = "{:type :ip-allowlist :allow [\"203.0.113.1\"] :trusted-proxies [\"10.0.0.0/8\"]}";
  YES(proxies, "", "x-forwarded-for: 203.0.113.1, 10.1.1.1", NULL, "10.2.2.2");
  NO(proxies, "", "x-forwarded-for: 203.0.113.1", NULL, "127.0.0.1");
}

static void test_configs(void **state) {
  (void)state;
  static const char *const wrong[][2] = {
      {"42", "is a map"}, {"{}", "nil"}, {"{:type :magic}", "magic"}, {"{:type :bearer}", ":secret-ref"},
      {"{:type :bearer :token \"x\"}", "never their values"}, {"{:type :api-key :secret-ref :k :location :body}", ":location body"},
      {"{:type :api-key :secret-ref :k :header \"a b\"}", "no header name"}, {"{:type :basic :secret-ref :k}", ":username"},
      {"{:type :signature :secret-ref :k}", ":algo"}, {"{:type :signature :algo :md5 :secret-ref :k}", "md5"},
      {"{:type :signature :algo :ecdsa-p256 :secret-ref :k}", ":public-key-ref"},
      {"{:type :signature :algo :hmac-sha256 :secret-ref :k :signature-format :octal}", "octal"},
      {"{:type :signature :algo :hmac-sha256 :secret-ref :k :signed-message :header}", ":signed-message header"},
      {"{:type :signature :algo :hmac-sha256 :secret-ref :k :signed-message :timestamp-payload}", ":timestamp-header"},
      {"{:type :signature :algo :hmac-sha256 :secret-ref :k :timestamp-max-skew-ms 0}", "86400000"},
      {"{:type :signature :algo :hmac-sha256 :secret-ref :k :timestamp-max-skew-ms 90000000}", "86400000"},
      {"{:type :ip-allowlist}", ":allow"}, {"{:type :ip-allowlist :allow []}", ":allow"}, {"{:type :ip-allowlist :allow [\"10.0.0.0/33\"]}", ":allow"},
      {"{:type :ip-allowlist :allow [\"host\"]}", ":allow"}, {"{:type :ip-allowlist :allow [\"10.0.0.1\"] :trusted-proxies 1}", ":trusted-proxies"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    Err e = {0};
    assert_false(hook_auth_check(edn(wrong[i][0]), true, &e));
    assert_string_equal(e.code, "validation");
    if (!strstr(e.msg, wrong[i][1])) fail_msg("%s: \"%s\" does not say %s", wrong[i][0], e.msg, wrong[i][1]);
  }
  Err e = {0};
  assert_false(hook_auth_check(edn("{:type :none}"), false, &e));
  assert_non_null(strstr(e.msg, "Webhook authentication required"));
  assert_true(hook_auth_check(edn("{:type :none}"), true, &e));
  assert_true(hook_auth_insecure(edn("{:type :none}")) && hook_auth_insecure(NIL) && !hook_auth_insecure(edn("{:type :bearer :secret-ref :k}")));
  assert_string_equal(hook_auth_secret(edn("{:type :signature :algo :ecdsa-p256 :public-key-ref :p}"), 0), "p");
  assert_null(hook_auth_secret(edn("{:type :bearer :secret-ref :k}"), 1));
  assert_null(hook_auth_secret(edn("{:type :none}"), 0));
}

static int setup(void **state) {
  (void)state;
  Err e = {0};
  secrets = secret_set_new();
  secret_set_add(secrets, "k", str_c("s3cret-value"), &e);
  secret_set_add(secrets, "s", str_c(" s3\n"), &e); /* trimmed */
  secret_set_add(secrets, "empty", str_c("  "), &e);
  secret_set_add(secrets, "pub", str_c(EC_PUBLIC), &e);
  return !secret_set_add(secrets, "other-curve", str_c(EC_P384), &e);
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokens), cmocka_unit_test(test_hmac), cmocka_unit_test(test_skew),
                                     cmocka_unit_test(test_ecdsa), cmocka_unit_test(test_addresses), cmocka_unit_test(test_configs)};
  return cmocka_run_group_tests(tests, setup, NULL);
}
