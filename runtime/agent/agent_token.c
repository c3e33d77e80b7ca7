/* agent_token.c - see agent_token.h. */
#include "agent_token.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/hash.h"
#include "runtime/store/connection.h"
#include "runtime/store/vault.h"
#include <stdlib.h>
#include <string.h>

/* A control character: no workspace of flows is called so. */
#define PLACE "\x01" "agents"
#define NAME "credentials"

static bool key_make(Vault *v, Err *err) {
  uint8_t bytes[32];
  Buf hex = {0};
  hash_random(bytes, sizeof bytes);
  hash_hex(bytes, sizeof bytes, &hex);
  bool ok = vault_put(v, PLACE, NAME, hex.p, hex.n, DOC_NEW, NULL, err);
  explicit_bzero(bytes, sizeof bytes);
  buf_wipe(&hex);
  if (ok || strcmp(err->code, "doc_conflict")) return ok;
  *err = (Err){0}; /* another process has made one in between */
  return true;
}

static bool key_of(Engine *e, bool make, Buf *out, Err *err) {
  Vault *v = e->o.vault;
  if (!v) return err_set(err, "no_vault", "one-shot credentials need a place for secrets, which this engine does not have");
  if (vault_open(v, PLACE, NAME, out, err)) return true;
  if (!make || strcmp(err->code, "missing-binding")) return false;
  *err = (Err){0};
  return key_make(v, err) && vault_open(v, PLACE, NAME, out, err);
}

static bool token_of(Engine *e, bool make, const char *workspace, const char *key, char out[AGENT_TOKEN_CHARS + 1], Err *err) {
  Buf secret = {0}, text = {0}, hex = {0};
  uint8_t mac[32];
  if (!key_of(e, make, &secret, err)) return buf_wipe(&secret), false;
  buf_fmt(&text, "agent\n%s\n%s", workspace, key);
  hash_hmac_sha256(secret.p, secret.n, text.p, text.n, mac);
  hash_hex(mac, sizeof mac, &hex);
  memcpy(out, buf_cstr(&hex), AGENT_TOKEN_CHARS + 1);
  explicit_bzero(mac, sizeof mac);
  buf_wipe(&secret);
  buf_wipe(&hex);
  buf_free(&text);
  return true;
}

bool agent_token(Engine *e, const char *workspace, const char *key, char out[AGENT_TOKEN_CHARS + 1], Err *err) {
  return token_of(e, true, workspace, key, out, err);
}

bool agent_token_auth(Val auth) { return kw_is(map_get_kw(auth, "type"), "one-shot"); }

/* The two ways to show it, as auths of webhook_auth.h. */
static Val shown_as(const ListenRequest *r) {
  Val bearer[] = {kw_c("type"), kw_c("bearer"), kw_c("secret-ref"), str_c(NAME)};
  Val sign[] = {kw_c("type"), kw_c("signature"), kw_c("algo"), kw_c("hmac-sha256"), kw_c("secret-ref"), str_c(NAME),
                kw_c("signature-header"), str_c("x-breyta-signature"), kw_c("timestamp-header"), str_c("x-breyta-timestamp"),
                kw_c("signature-format"), kw_c("hex"), kw_c("signature-prefix"), str_c("v1=")};
  return listener_header(r, "x-breyta-signature") ? map_from(sign, 7, false) : map_from(bearer, 2, false);
}

static bool token_is(void *ctx, const char *name) { return ctx && !strcmp(name, NAME); }
static char *token_copy(void *ctx, const char *name, Err *e) {
  char *copy = strdup(ctx);
  if (!copy) mem_exhausted(0);
  (void)name;
  (void)e;
  return copy;
}

enum HookVerdict agent_token_verify(Engine *e, const ListenRequest *r, const char *key, HookProof *proof, Err *err) {
  char token[AGENT_TOKEN_CHARS + 1];
  Err why = {0};
  proof->replay[0] = 0;
  if (!token_of(e, false, r->workspace, key, token, &why)) { /* a request of a stranger makes no key */
    if (!strcmp(why.code, "missing-binding")) return err_set(err, "unauthorized", "the credential is missing or wrong"), HOOK_DENIED;
    err_set(err, "unverifiable", "%s [%s]", why.msg, why.code);
    return HOOK_BROKEN;
  }
  SecretSet *one = secret_set_new();
  secret_set_behind(one, (SecretSource){token_is, token_copy, token});
  enum HookVerdict v = hook_auth_verify(shown_as(r), one, r, proof, err);
  secret_set_free(one);
  explicit_bzero(token, sizeof token);
  return v;
}

/* One that is not there any more cannot be cut out. */
static void given(Engine *e, Val names, int64_t run, SecretUse **used) {
  for (uint32_t i = 0; is_vec(names) && i < vec_count(names); i++) {
    Val name = vec_nth(names, i);
    Err err = {0};
    if (is_kw(name) || is_str(name)) (void)secret_use(target_secrets(engine_target(e, run)), kw_text(name), used, &err);
  }
}

Val agent_token_clean(Engine *e, const char *workspace, const char *key, Val spec, int64_t run, Val v) {
  char token[AGENT_TOKEN_CHARS + 1];
  SecretUse *used = NULL;
  Err err = {0};
  if (!token_of(e, false, workspace, key, token, &err)) return v;
  secret_note(&used, "agent-credential", token);
  explicit_bzero(token, sizeof token);
  given(e, map_get_kw(spec, "secrets"), run, &used);
  Val out = secret_clean(used, v);
  secret_use_free(used);
  return out;
}
