/* webhook_auth.c - see webhook_auth.h. */
#include "webhook_auth.h"
#include "runtime/base/hash.h"
#include "reader/map.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum Kind { KIND_NONE, KIND_API_KEY, KIND_BEARER, KIND_BASIC, KIND_HMAC, KIND_SIGNATURE, KIND_IP, KIND_COUNT };
static const char *const kind_names[KIND_COUNT] = {"none", "api-key", "bearer", "basic", "hmac-sha256", "signature", "ip-allowlist"};

static const char *text_of(Val auth, const char *key) {
  Val v = map_get_kw(auth, key);
  return is_str(v) ? str_s(v) : is_kw(v) ? kw_text(v) : NULL;
}
static const char *text_or(Val auth, const char *key, const char *otherwise) {
  const char *s = text_of(auth, key);
  return s ? s : otherwise;
}

static enum Kind kind_of(Val auth) {
  const char *type = text_of(auth, "type");
  for (int i = 0; type && i < KIND_COUNT; i++)
    if (!strcmp(type, kind_names[i])) return (enum Kind)i;
  return KIND_COUNT;
}

static bool is_ecdsa(Val auth) { return !strcmp(text_or(auth, "algo", ""), "ecdsa-p256"); }
static bool by_query(Val auth) { return !strcmp(text_or(auth, "location", "header"), "query"); }

/* ---- what can be said without a request ---- */

static bool bad(Err *e, const char *text) { return err_set(e, "validation", ":auth %s", text); }

static bool one_of(Val auth, const char *key, const char *a, const char *b, Err *e) {
  Val v = map_get_kw(auth, key);
  const char *s = text_of(auth, key);
  if (is_nil(v) || (s && (!strcmp(s, a) || !strcmp(s, b)))) return true;
  return err_set(e, "validation", ":auth has :%s %.40s; use :%s or :%s", key, s ? s : "of another type", a, b);
}

static bool token_ok(const char *s) {
  for (const char *p = s; *p; p++)
    if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p)) return false;
  return *s;
}

static bool header_ok(Val auth, const char *key, Err *e) {
  Val v = map_get_kw(auth, key);
  const char *s = text_of(auth, key);
  if (is_nil(v) || (s && token_ok(s))) return true;
  return err_set(e, "validation", ":auth has a :%s that is no header name; use one such as \"X-Signature\"", key);
}

static bool needs(Val auth, const char *key, Err *e) {
  const char *s = text_of(auth, key);
  if (s && *s) return true;
  return err_set(e, "validation", ":auth of :type :%s needs :%s%s", text_or(auth, "type", "?"), key,
                 strstr(key, "-ref") ? ", the name of a secret (never its value)" : "");
}

static bool skew_of(Val auth, int64_t *ms, Err *e) {
  Val v = map_get_kw(auth, "timestamp-max-skew-ms");
  *ms = HOOK_SKEW_MS;
  if (is_nil(v)) return true;
  if (!is_fix(v) || fix_of(v) < 1 || fix_of(v) > HOOK_SKEW_MAX_MS) return bad(e, "has a :timestamp-max-skew-ms that is not from 1 to 86400000 (a day)");
  *ms = fix_of(v);
  return true;
}

static bool signature_ok(Val auth, Err *e) {
  int64_t skew;
  if (!text_of(auth, "algo")) return bad(e, "of :type :signature needs :algo, :hmac-sha256 or :ecdsa-p256");
  if (!one_of(auth, "algo", "hmac-sha256", "ecdsa-p256", e) || !one_of(auth, "signature-format", "base64", "hex", e)) return false;
  if (!one_of(auth, "signed-message", "payload", "timestamp-payload", e)) return false;
  if (!header_ok(auth, "signature-header", e) || !header_ok(auth, "timestamp-header", e) || !skew_of(auth, &skew, e)) return false;
  if (!strcmp(text_or(auth, "signed-message", ""), "timestamp-payload") && !text_of(auth, "timestamp-header"))
    return bad(e, "with :signed-message :timestamp-payload needs :timestamp-header");
  return needs(auth, is_ecdsa(auth) ? "public-key-ref" : "secret-ref", e);
}

/* Calls f for every text of a vector, set or list. */
static bool each_net(Val list, bool (*f)(void *ctx, const char *net), void *ctx) {
  ValVec xs = {0};
  if (is_str(list)) return f(ctx, str_s(list));
  if (!is_vec(list) && !is_set(list) && !is_sequential(list)) return false;
  if (is_sig(coll_into_array(list, &xs)) || !xs.n) return false;
  for (size_t i = 0; i < xs.n; i++)
    if (!is_str(xs.a[i]) || !f(ctx, str_s(xs.a[i]))) return false;
  return true;
}
static bool net_parses(void *ctx, const char *net) {
  uint8_t a[16];
  int bits;
  (void)ctx;
  return hook_network(net, a, &bits);
}

static bool nets_ok(Val auth, const char *key, Err *e) {
  if (each_net(map_get_kw(auth, key), net_parses, NULL)) return true;
  return err_set(e, "validation", ":auth of :type :ip-allowlist: :%s is a vector of addresses or networks such as [\"203.0.113.7\" \"10.0.0.0/8\"]", key);
}

static bool ip_ok(Val auth, Err *e) {
  return nets_ok(auth, "allow", e) && (is_nil(map_get_kw(auth, "trusted-proxies")) || nets_ok(auth, "trusted-proxies", e));
}

bool hook_auth_check(Val auth, bool none, Err *e) {
  static const char *const inline_keys[] = {"token", "value", "key", "password", "secret", "api-key", "public-key"};
  if (!is_map(auth)) return bad(e, "is a map such as {:type :bearer :secret-ref :my-token}");
  for (size_t i = 0; i < sizeof inline_keys / sizeof *inline_keys; i++)
    if (!is_nil(map_get_kw(auth, inline_keys[i]))) return bad(e, "takes names of secrets (:secret-ref), never their values");
  switch (kind_of(auth)) {
  case KIND_NONE: return none || err_set(e, "validation", "Webhook authentication required: use one of :api-key :bearer :basic :hmac-sha256 :signature :ip-allowlist");
  case KIND_API_KEY: return one_of(auth, "location", "header", "query", e) && header_ok(auth, "header", e) && needs(auth, "secret-ref", e);
  case KIND_BEARER: return needs(auth, "secret-ref", e);
  case KIND_BASIC: return needs(auth, "username", e) && needs(auth, "secret-ref", e);
  case KIND_HMAC: return header_ok(auth, "header", e) && needs(auth, "secret-ref", e);
  case KIND_SIGNATURE: return signature_ok(auth, e);
  case KIND_IP: return ip_ok(auth, e);
  case KIND_COUNT: break;
  }
  return err_set(e, "validation", ":auth has the :type %.40s; use one of :api-key :bearer :basic :hmac-sha256 :signature :ip-allowlist%s",
                 text_or(auth, "type", "nil"), none ? " :none" : "");
}

bool hook_auth_insecure(Val auth) { return is_nil(auth) || kind_of(auth) == KIND_NONE; }

const char *hook_auth_secret(Val auth, int i) {
  enum Kind k = kind_of(auth);
  if (i || k == KIND_NONE || k == KIND_IP || k == KIND_COUNT) return NULL;
  return text_of(auth, k == KIND_SIGNATURE && is_ecdsa(auth) ? "public-key-ref" : "secret-ref");
}

/* ---- parsers ---- */

bool hook_timestamp(const char *s, int64_t *ms) {
  size_t n = strspn(s, "0123456789");
  if (!n || n > 15 || s[n]) return false;
  int64_t v = strtoll(s, NULL, 10);
  *ms = n <= 10 ? v * 1000 : v;
  return true;
}

static bool address(const char *s, uint8_t out[16]) {
  struct in_addr v4;
  if (inet_pton(AF_INET6, s, out) == 1) return true;
  if (inet_pton(AF_INET, s, &v4) != 1) return false;
  memset(out, 0, 10);
  out[10] = out[11] = 0xff;
  memcpy(out + 12, &v4, 4);
  return true;
}

bool hook_network(const char *text, uint8_t addr[16], int *bits) {
  char host[64];
  size_t n = strcspn(text, "/");
  if (!n || n >= sizeof host) return false;
  memcpy(host, text, n);
  host[n] = 0;
  if (!address(host, addr)) return false;
  int most = strchr(host, ':') ? 128 : 32;
  *bits = 128;
  if (!text[n]) return true;
  const char *p = text + n + 1;
  size_t digits = strspn(p, "0123456789");
  if (!digits || digits > 3 || p[digits]) return false;
  int k = atoi(p);
  *bits = 128 - most + k;
  return k <= most;
}

bool hook_within(const uint8_t addr[16], const uint8_t net[16], int bits) {
  int whole = bits / 8, rest = bits % 8;
  if (memcmp(addr, net, (size_t)whole)) return false;
  return !rest || !((addr[whole] ^ net[whole]) >> (8 - rest));
}

/* ---- one request ---- */

typedef struct Hook {
  Val auth;
  const SecretSet *secrets;
  SecretUse *used;
  const ListenRequest *r;
  HookProof *proof;
  Err *e;
} Hook;

static enum HookVerdict denied(Hook *h, const char *why) {
  err_set(h->e, "unauthorized", "%s", why);
  return HOOK_DENIED;
}

/* The only one of that name, in any case; NULL: it is missing, or there are several. */
static const char *only(const ListenPair *a, size_t n, const char *name) {
  const char *found = NULL;
  for (size_t i = 0; i < n; i++) {
    if (strcasecmp(a[i].name, name)) continue;
    if (found) return NULL;
    found = a[i].value;
  }
  return found;
}
static const char *header(Hook *h, const char *name) { return only(h->r->headers, h->r->nheaders, name); }

static const char *secret(Hook *h, size_t *n) {
  const char *v = secret_use(h->secrets, hook_auth_secret(h->auth, 0), &h->used, h->e);
  if (!v) return NULL;
  while (isspace((unsigned char)*v)) v++;
  *n = strlen(v);
  while (*n && isspace((unsigned char)v[*n - 1])) --*n;
  if (*n) return v;
  err_set(h->e, "secret-unreadable", "the secret %.100s to verify with is empty", hook_auth_secret(h->auth, 0));
  return NULL;
}

static enum HookVerdict matches(Hook *h, const char *given, size_t ngiven, const char *why) {
  size_t n;
  const char *want = secret(h, &n);
  if (!want) return HOOK_BROKEN;
  return given && hash_equal(given, ngiven, want, n) ? HOOK_OK : denied(h, why);
}

static enum HookVerdict api_key(Hook *h) {
  bool query = by_query(h->auth);
  const char *name = query ? text_or(h->auth, "param", "token") : text_or(h->auth, "header", "X-API-Key");
  const char *v = query ? only(h->r->query, h->r->nquery, name) : header(h, name);
  return matches(h, v, v ? strlen(v) : 0, query ? "the API key in the query is missing or wrong" : "the API key header is missing or wrong");
}

static const char *scheme(Hook *h, const char *name) {
  const char *v = header(h, "authorization");
  size_t n = strlen(name);
  if (!v || strncasecmp(v, name, n) || v[n] != ' ') return NULL;
  return v + n + strspn(v + n, " ");
}

static enum HookVerdict bearer(Hook *h) {
  const char *v = scheme(h, "Bearer");
  return matches(h, v, v ? strlen(v) : 0, "the header `Authorization: Bearer ...` is missing or wrong");
}

static enum HookVerdict basic(Hook *h) {
  static const char why[] = "the header `Authorization: Basic ...` is missing or wrong";
  const char *v = scheme(h, "Basic"), *user = text_or(h->auth, "username", "");
  Buf b = {0};
  bool ok = v && hash_unbase64(v, strlen(v), &b) && b.n;
  const char *colon = ok ? memchr(b.p, ':', b.n) : NULL;
  size_t nuser = colon ? (size_t)(colon - b.p) : 0;
  bool same_user = colon && hash_equal(b.p, nuser, user, strlen(user));
  enum HookVerdict pass = matches(h, colon ? colon + 1 : NULL, colon ? b.n - nuser - 1 : 0, why);
  if (b.p) explicit_bzero(b.p, b.n);
  buf_free(&b);
  return pass == HOOK_OK && !same_user ? denied(h, why) : pass;
}

/* The signature's bytes from its header: prefix cut off, decoded. */
static bool signature_bytes(Hook *h, const char *name, Buf *out) {
  const char *v = header(h, name), *prefix = text_or(h->auth, "signature-prefix", "");
  size_t n = strlen(prefix);
  if (!v || strncmp(v, prefix, n)) return false;
  v += n;
  n = strlen(v);
  return !strcmp(text_or(h->auth, "signature-format", "base64"), "hex") ? hash_unhex(v, n, out) : hash_unbase64(v, n, out);
}

static enum HookVerdict signed_by(Hook *h, const Buf *message, const Buf *sig) {
  size_t n;
  uint8_t mac[32];
  const char *key = secret(h, &n);
  if (!key) return HOOK_BROKEN;
  if (!is_ecdsa(h->auth)) {
    hash_hmac_sha256(key, n, message->p, message->n, mac);
    return hash_equal((const char *)mac, 32, sig->p, sig->n) ? HOOK_OK : denied(h, "the signature is wrong");
  }
  int ok = hash_ecdsa_p256_verify(key, n, message->p, message->n, sig->p, sig->n);
  if (ok >= 0) return ok ? HOOK_OK : denied(h, "the signature is wrong");
  err_set(h->e, "secret-unreadable", "the secret %.100s is no P-256 public key in PEM (-----BEGIN PUBLIC KEY-----)", hook_auth_secret(h->auth, 0));
  return HOOK_BROKEN;
}

/* false: denied. */
static bool stamp_ok(Hook *h, const char *stamp, Err *e) {
  int64_t ms, skew;
  if (!skew_of(h->auth, &skew, e)) return false;
  if (!stamp || !hook_timestamp(stamp, &ms)) return err_set(e, "unauthorized", "the timestamp header is missing or no unix time");
  int64_t off = ms > h->r->received_ms ? ms - h->r->received_ms : h->r->received_ms - ms;
  return off <= skew || err_set(e, "unauthorized", "the timestamp is more than %lld ms away from the time of receipt", (long long)skew);
}

/* What was signed is what a replay repeats; ECDSA signatures of one message may differ. */
static void replay_id(Hook *h, const Buf *message) { hash_sha256_hex(message->p, message->n, h->proof->replay); }

static enum HookVerdict signature(Hook *h) {
  const char *stamp_name = text_of(h->auth, "timestamp-header"), *stamp = stamp_name ? header(h, stamp_name) : NULL;
  bool with_stamp = stamp_name && strcmp(text_or(h->auth, "signed-message", ""), "payload");
  Buf message = {0}, sig = {0};
  enum HookVerdict v;
  if (stamp_name && !stamp_ok(h, stamp, h->e)) return HOOK_DENIED;
  if (with_stamp) buf_c(&message, stamp);
  buf_add(&message, h->r->nbody ? h->r->body : "", h->r->nbody);
  if (!signature_bytes(h, text_or(h->auth, "signature-header", "X-Signature"), &sig)) v = denied(h, "the signature header is missing or malformed");
  else v = signed_by(h, &message, &sig);
  if (v == HOOK_OK && stamp_name) replay_id(h, &message);
  buf_free(&message);
  buf_free(&sig);
  return v;
}

static enum HookVerdict hmac(Hook *h) {
  Buf message = {0}, sig = {0};
  const char *v = header(h, text_or(h->auth, "header", "X-Signature"));
  buf_add(&message, h->r->nbody ? h->r->body : "", h->r->nbody);
  bool read = v && hash_unbase64(v, strlen(v), &sig);
  enum HookVerdict out = read ? signed_by(h, &message, &sig) : denied(h, "the signature header is missing or malformed");
  buf_free(&message);
  buf_free(&sig);
  return out;
}

/* ---- addresses ---- */

typedef struct Member { uint8_t addr[16]; bool in; } Member;
static bool member(void *ctx, const char *net) {
  Member *m = ctx;
  uint8_t a[16];
  int bits;
  m->in = m->in || (hook_network(net, a, &bits) && hook_within(m->addr, a, bits));
  return true;
}
static bool in_list(Val list, const uint8_t addr[16]) {
  Member m = {.in = false};
  memcpy(m.addr, addr, 16);
  each_net(list, member, &m);
  return m.in;
}

static bool is_proxy(Hook *h, const uint8_t addr[16]) {
  static const uint8_t v6[16] = {[15] = 1}, v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127};
  Val list = map_get_kw(h->auth, "trusted-proxies");
  return is_nil(list) ? hook_within(addr, v6, 128) || hook_within(addr, v4, 104) : in_list(list, addr);
}

/* The last part of X-Forwarded-For that no trusted proxy wrote: what stands before it, the sender may have made up. */
static bool forwarded(Hook *h, const char *list, uint8_t addr[16]) {
  size_t n = strlen(list);
  while (n) {
    char part[64];
    size_t end = n;
    while (n && list[n - 1] != ',') n--;
    size_t from = n + strspn(list + n, " \t"), k = end > from ? end - from : 0;
    while (k && (list[from + k - 1] == ' ' || list[from + k - 1] == '\t')) k--;
    if (!k || k >= sizeof part) return false;
    memcpy(part, list + from, k);
    part[k] = 0;
    if (!address(part, addr)) return false;
    if (!is_proxy(h, addr)) return true;
    if (n) n--;
  }
  return true;
}

static enum HookVerdict ip_allowed(Hook *h) {
  static const char why[] = "requests from this address are not accepted";
  uint8_t addr[16];
  if (!address(h->r->peer, addr)) return denied(h, why);
  if (is_proxy(h, addr)) {
    const char *list = header(h, "x-forwarded-for"), *real = header(h, "x-real-ip");
    bool several = !list && listener_header(h->r, "x-forwarded-for");
    if (several || (list && !forwarded(h, list, addr)) || (!list && real && !address(real, addr))) return denied(h, why);
  }
  return in_list(map_get_kw(h->auth, "allow"), addr) ? HOOK_OK : denied(h, why);
}

enum HookVerdict hook_auth_verify(Val auth, const SecretSet *secrets, const ListenRequest *r, HookProof *proof, Err *e) {
  Hook h = {auth, secrets, NULL, r, proof, e};
  enum HookVerdict v = HOOK_OK;
  proof->replay[0] = 0;
  if (is_nil(auth)) return HOOK_OK;
  if (!hook_auth_check(auth, true, e)) return HOOK_BROKEN;
  switch (kind_of(auth)) {
  case KIND_API_KEY: v = api_key(&h); break;
  case KIND_BEARER: v = bearer(&h); break;
  case KIND_BASIC: v = basic(&h); break;
  case KIND_HMAC: v = hmac(&h); break;
  case KIND_SIGNATURE: v = signature(&h); break;
  case KIND_IP: v = ip_allowed(&h); break;
  case KIND_NONE: case KIND_COUNT: break;
  }
  secret_use_free(h.used);
  return v;
}

/* ---- deliveries ---- */

/* Headers with which senders number their deliveries. */
static const char *const delivery_headers[] = {"x-breyta-delivery-id", "webhook-id", "x-webhook-id", "x-github-delivery", "x-gitlab-event-uuid",
                                               "x-shopify-webhook-id", "x-delivery-id", "idempotency-key", "svix-id", "ce-id"};

void hook_delivery(const ListenRequest *r, char out[65]) {
  Buf b = {0};
  for (size_t i = 0; !b.n && i < sizeof delivery_headers / sizeof *delivery_headers; i++) {
    const char *v = listener_header(r, delivery_headers[i]);
    if (v && *v) buf_fmt(&b, "%s: %s", delivery_headers[i], v);
  }
  *out = 0;
  if (b.n) hash_sha256_hex(b.p, b.n, out);
  buf_free(&b);
}
