/* api_keys.c - API keys: "bsa_sak-<id>_<secret>", shown once, kept as a hash (durability rule 20). The id finds the record, the secret
 * is 256 random bits, so one round of SHA-256 hides it; hashes are compared in constant time. */
#include "api.h"
#include "hash.h"
#include <stdio.h>
#include <string.h>

enum { ID_BYTES = 8, SECRET_BYTES = 32 };

void api_key_new(char id[32], Buf *key, Buf *secret_hash) {
  uint8_t bytes[SECRET_BYTES];
  char hash[65];
  Buf hex = {0};
  hash_random(bytes, ID_BYTES);
  hash_hex(bytes, ID_BYTES, &hex);
  snprintf(id, 32, "sak-%s", buf_cstr(&hex));
  hash_random(bytes, SECRET_BYTES);
  hex.n = 0;
  hash_hex(bytes, SECRET_BYTES, &hex);
  buf_fmt(key, "bsa_%s_%s", id, buf_cstr(&hex));
  hash_sha256_hex(hex.p, hex.n, hash);
  buf_c(secret_hash, hash);
  explicit_bzero(bytes, sizeof bytes);
  buf_free(&hex);
}

Val api_key_all(void) {
  Val all[] = {str_c("workspace.full"), str_c("service-accounts.manage")};
  return vec_from(all, 2);
}

bool api_key_store(Store *s, const ApiKey *k, Err *err) {
  ValVec m = {0};
  Batch *b = batch_new();
  api_put_text(&m, "workspace", k->workspace);
  api_put_text(&m, "name", k->name);
  api_put_text(&m, "secret-hash", k->secret_hash);
  api_put(&m, "capabilities", k->capabilities);
  api_put_text(&m, "status", k->status);
  api_put(&m, "created-ms", int_val(now_ms()));
  if (k->expires_ms) api_put(&m, "expires-ms", int_val(k->expires_ms));
  if (api_doc_put(b, "", "api-key", k->id, api_map(&m), DOC_NEW, now_ms(), 0)) return store_submit_wait(s, b, err);
  batch_free(b);
  return err_set(err, "internal", "the key cannot be stored");
}

bool api_key_any(Store *s, const char *workspace, Err *err) {
  DocRow rows[32];
  char after[64] = "";
  bool any = false;
  size_t n;
  do {
    n = store_docs(s, "", "api-key", "", after, rows, 32, err);
    for (size_t i = 0; i < n; i++) {
      any = any || str_eq_c(map_get_kw(api_doc_value(&rows[i]), "workspace"), workspace);
      snprintf(after, sizeof after, "%s", rows[i].key);
      doc_row_free(&rows[i]);
    }
  } while (n == 32 && !any);
  return any;
}

/* "Bearer bsa_sak-<id>_<secret>" in two parts. */
static bool split_key(const char *header, char id[64], const char **secret) {
  if (strncasecmp(header, "bearer ", 7)) return false;
  const char *key = header + 7 + strspn(header + 7, " "), *from = key + 4;
  if (strncmp(key, "bsa_sak-", 8)) return false;
  size_t n = strcspn(from, "_");
  if (!from[n] || n >= 64 || !from[n + 1]) return false;
  memcpy(id, from, n);
  id[n] = 0;
  *secret = from + n + 1;
  return true;
}

/* A secret of an unknown key is hashed and compared all the same. */
static bool secret_ok(Val key, const char *secret) {
  char hash[65];
  Val was = map_get_kw(key, "secret-hash");
  hash_sha256_hex(secret, strlen(secret), hash);
  const char *stored = is_str(was) && str_n(was) == 64 ? str_s(was) : "0000000000000000000000000000000000000000000000000000000000000000";
  return hash_equal(stored, 64, hash, 64) && !is_nil(key);
}

static bool live(Val key) {
  Val expires = map_get_kw(key, "expires-ms");
  return str_eq_c(map_get_kw(key, "status"), "active") && !(is_long(expires) && long_of(expires) <= now_ms());
}

bool api_authenticate(ApiCall *c) {
  const char *header = listener_header(c->request, "authorization"), *secret;
  Val key = NIL;
  int64_t rev;
  Err err = {0};
  if (!header) return api_fail(c, 401, "api_auth_required", "send an API key: Authorization: Bearer bsa_sak-...");
  if (!split_key(header, c->id, &secret))
    return api_fail(c, 401, "auth_invalid", "the Authorization header holds no API key of the form Bearer bsa_sak-<id>_<secret>");
  bool found = api_doc(c->api, "", "api-key", c->id, &key, &rev, &err);
  if (!found && err.code) return api_fail_err(c, &err);
  if (!secret_ok(found ? key : NIL, secret) || !live(key))
    return api_fail(c, 401, "auth_invalid", "this API key is unknown, expired or revoked");
  Val ws = map_get_kw(key, "workspace"), name = map_get_kw(key, "name");
  snprintf(c->key_workspace, sizeof c->key_workspace, "%s", is_str(ws) ? str_s(ws) : "");
  c->workspace = c->key_workspace;
  c->key_id = c->id;
  c->key_name = is_str(name) ? str_s(name) : "";
  c->capabilities = map_get_kw(key, "capabilities");
  return true;
}
