/* api_keys.c - API keys: "bsa_sak-<id>_<secret>", shown once, kept as a hash (durability rule 20). The id finds the record, the secret
 * is 256 random bits, so one round of SHA-256 hides it; hashes are compared in constant time. */
#include "api.h"
#include "runtime/base/hash.h"
#include "reader/mem.h"
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

bool api_key_put(Batch *b, const ApiKey *k) {
  ValVec m = {0};
  api_put_text(&m, "workspace", k->workspace);
  api_put_text(&m, "account", k->account);
  api_put_text(&m, "name", k->name);
  api_put_text(&m, "secret-hash", k->secret_hash);
  api_put_text(&m, "status", "active");
  api_put_text(&m, "by", k->by);
  api_put(&m, "metadata", k->metadata);
  api_put(&m, "created-ms", int_val(now_ms()));
  if (k->expires_ms) api_put(&m, "expires-ms", int_val(k->expires_ms));
  return api_doc_put(b, "", "api-key", k->id, api_map(&m), DOC_NEW, now_ms(), 0);
}

bool api_key_first(Api *a, const char *workspace, const char *id, const char *secret_hash, Err *err) {
  Val all[] = {str_c("workspace.full"), str_c("service-accounts.manage"), str_c("server.admin")};
  Batch *b = batch_new();
  ValVec m = {0};
  char account[32];
  snprintf(account, sizeof account, "sa-%s", id + 4);
  api_put_text(&m, "id", account);
  api_put_text(&m, "name", "admin");
  api_put_text(&m, "status", "active");
  api_put(&m, "capabilities", vec_from(all, 3));
  api_put(&m, "job-types", vec_empty);
  api_put(&m, "created-ms", int_val(now_ms()));
  api_put(&m, "updated-ms", int_val(now_ms()));
  ApiKey k = {.id = id, .workspace = workspace, .account = account, .name = "admin", .secret_hash = secret_hash, .metadata = NIL};
  bool ok = api_doc_put(b, workspace, "service-account", account, api_map(&m), DOC_NEW, now_ms(), 0) && api_key_put(b, &k);
  if (ok) return store_submit_wait(a->store, b, err);
  batch_free(b);
  return err_set(err, "internal", "the key cannot be stored");
}

/* --- what a key may do: read once, kept until something about keys changes ------------------------------------------------------- */
enum { CACHE = 256 }; /* a power of two; keys that share a place take turns */
typedef struct KeyEntry {
  char id[64], hash[65], workspace[128], name[256], account[64];
  bool active;
  int64_t expires_ms;
  Val capabilities, job_types;
} KeyEntry;
typedef struct KeyCache {
  KeyEntry a[CACHE];
} KeyCache;

void api_keys_changed(Api *a) {
  for (int i = 0; a->keys && i < CACHE; i++) a->keys->a[i].id[0] = 0;
  if (a->listener) engine_listen_forget(a->listener);
}

static void copy_text(char *out, size_t n, Val v) { snprintf(out, n, "%s", is_str(v) ? str_s(v) : ""); }
static Val vec_or_empty(Val v) { return is_vec(v) ? v : vec_empty; }

static bool entry_read(Api *a, const char *id, KeyEntry *e, Err *err) {
  Val key, account = NIL, expires;
  int64_t rev;
  if (!api_doc(a, "", "api-key", id, &key, &rev, err)) return false;
  copy_text(e->workspace, sizeof e->workspace, map_get_kw(key, "workspace"));
  copy_text(e->account, sizeof e->account, map_get_kw(key, "account"));
  if (!api_doc(a, e->workspace, "service-account", e->account, &account, &rev, err)) return false;
  snprintf(e->id, sizeof e->id, "%s", id);
  copy_text(e->hash, sizeof e->hash, map_get_kw(key, "secret-hash"));
  copy_text(e->name, sizeof e->name, map_get_kw(key, "name"));
  if (!*e->name) copy_text(e->name, sizeof e->name, map_get_kw(account, "name"));
  e->active = str_eq_c(map_get_kw(key, "status"), "active") && str_eq_c(map_get_kw(account, "status"), "active");
  expires = map_get_kw(key, "expires-ms");
  e->expires_ms = is_long(expires) ? long_of(expires) : 0;
  e->capabilities = vec_or_empty(map_get_kw(account, "capabilities"));
  e->job_types = vec_or_empty(map_get_kw(account, "job-types"));
  return true;
}

/* NULL: there is no such key, or err->code. */
static const KeyEntry *entry_of(Api *a, const char *id, Err *err) {
  uint32_t h = 2166136261u;
  for (const char *p = id; *p; p++) h = (h ^ (unsigned char)*p) * 16777619u;
  if (!a->keys) a->keys = mem_root(sizeof *a->keys);
  KeyEntry *e = &a->keys->a[h % CACHE], fresh = {0};
  if (*e->id && !strcmp(e->id, id)) return e;
  if (!entry_read(a, id, &fresh, err)) return NULL;
  *e = fresh;
  return e;
}

static bool entry_works(const KeyEntry *e) { return e->active && (!e->expires_ms || e->expires_ms > now_ms()); }

bool api_key_admin(Api *a, Err *err) {
  DocRow rows[32];
  char after[64] = "";
  bool any = false;
  size_t n;
  do {
    n = store_docs(a->store, "", "api-key", "", after, rows, 32, err);
    for (size_t i = 0; i < n; i++) {
      KeyEntry e = {0};
      Err bad = {0};
      ApiCall as = {0};
      snprintf(after, sizeof after, "%s", rows[i].key);
      if (!any && entry_read(a, rows[i].key, &e, &bad) && entry_works(&e)) {
        as.capabilities = e.capabilities;
        any = api_may(&as, "server.admin");
      }
      doc_row_free(&rows[i]);
    }
  } while (n == 32 && !any);
  return any;
}

/* "bsa_sak-<id>_<secret>" in two parts. */
static bool split_key(const char *key, char id[64], const char **secret) {
  const char *from = key + 4;
  if (strncmp(key, "bsa_sak-", 8)) return false;
  size_t n = strcspn(from, "_");
  if (!from[n] || n >= 64 || !from[n + 1]) return false;
  memcpy(id, from, n);
  id[n] = 0;
  *secret = from + n + 1;
  return true;
}

/* A secret of an unknown key is hashed and compared all the same. */
static bool secret_ok(const KeyEntry *e, const char *secret) {
  char hash[65];
  hash_sha256_hex(secret, strlen(secret), hash);
  const char *stored = e && strlen(e->hash) == 64 ? e->hash : "0000000000000000000000000000000000000000000000000000000000000000";
  return hash_equal(stored, 64, hash, 64) && e;
}

bool api_authenticate(ApiCall *c) {
  const char *header = listener_header(c->request, "authorization");
  if (!header) return api_fail(c, 401, "api_auth_required", "send an API key: Authorization: Bearer bsa_sak-...");
  bool bearer = !strncasecmp(header, "bearer ", 7);
  return api_authenticate_key(c, bearer ? header + 7 + strspn(header + 7, " ") : "");
}

bool api_authenticate_key(ApiCall *c, const char *key) {
  const char *secret;
  Err err = {0};
  if (!split_key(key, c->id, &secret))
    return api_fail(c, 401, "auth_invalid", "the Authorization header holds no API key of the form Bearer bsa_sak-<id>_<secret>");
  const KeyEntry *e = entry_of(c->api, c->id, &err);
  if (!e && err.code) return api_fail_err(c, &err);
  if (!secret_ok(e, secret) || !entry_works(e))
    return api_fail(c, 401, "auth_invalid", "this API key is unknown, expired or revoked, or its service account is disabled");
  snprintf(c->key_workspace, sizeof c->key_workspace, "%s", e->workspace);
  snprintf(c->account, sizeof c->account, "%s", e->account);
  snprintf(c->name, sizeof c->name, "%s", e->name);
  c->workspace = c->key_workspace;
  c->key_id = c->id;
  c->key_name = c->name;
  c->capabilities = e->capabilities;
  c->job_types = e->job_types;
  c->key_expires_ms = e->expires_ms;
  return true;
}

bool api_job_type_ok(ApiCall *c, const char *type) {
  bool any = !is_vec(c->job_types) || !vec_count(c->job_types);
  for (uint32_t i = 0; !any && i < vec_count(c->job_types); i++) any = str_eq_c(vec_nth(c->job_types, i), type);
  return any || api_fail(c, 403, "forbidden", "this key may not touch jobs of type %.100s: its service account is allowed others", type);
}

/* --- scopes ------------------------------------------------------------------------------------------------------------------------ */
/* Those of the server, and those of other programs' keys that no row here asks for. */
static const char *const scopes[] = {"workspace.full", "service-accounts.manage",
                                     "server.admin",   "jobs.worker",
                                     "flows.read",     "flows.manage",
                                     "flows.run",      "runs.read",
                                     "resources.read", "resources.write",
                                     "steps.read",     "installations.read",
                                     "feedback.send",  "connections.read"};

static bool among(const char *list, const char *name) {
  size_t n = strlen(name);
  for (const char *p = list; p && *p; p += strcspn(p, "|"), p += *p == '|')
    if (strcspn(p, "|") == n && !memcmp(p, name, n)) return true;
  return false;
}

bool api_scope_known(const char *scope) {
  const ApiCommand *cmd;
  const ApiRoute *r;
  if (!*scope || strchr(scope, '|')) return false;
  if (!strncmp(scope, "role:", 5)) return scope[5]; /* a role of people: who may decide at waits with :roles */
  for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
    if (!strcmp(scopes[i], scope)) return true;
  for (int i = 0; (cmd = api_command_at(i)); i++)
    if (among(cmd->scope, scope)) return true;
  for (int i = 0; (r = api_route_at(i)); i++)
    if (among(r->op.scope, scope)) return true;
  return false;
}

static bool has_one(const ApiCall *c, const char *scope) {
  bool full = strcmp(scope, "service-accounts.manage") && strcmp(scope, "server.admin");
  for (uint32_t i = 0; is_vec(c->capabilities) && i < vec_count(c->capabilities); i++) {
    Val s = vec_nth(c->capabilities, i);
    if (str_eq_c(s, scope) || (full && str_eq_c(s, "workspace.full"))) return true;
  }
  return false;
}

bool api_may(const ApiCall *c, const char *scope) {
  char one[128];
  for (const char *p = scope; *p; p += strcspn(p, "|"), p += *p == '|') {
    snprintf(one, sizeof one, "%.*s", (int)strcspn(p, "|"), p);
    if (has_one(c, one)) return true;
  }
  return false;
}
