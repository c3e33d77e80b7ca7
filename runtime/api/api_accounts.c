/* api_accounts.c - service accounts: who acts over the API, with which scopes and job types, and the keys that they show.
 *
 * "service-account" <id>: {:id :name :status :capabilities :job-types :metadata :by :created-ms :updated-ms}. A key belongs to one
 * account and has its rights, so what changes at the account changes for all its keys at once. Nobody hands out more than they have:
 * whoever makes or changes an account, or a key of it, needs every scope of it and its types of jobs. Nobody disables the account or
 * revokes the key that they call with, so an administrator cannot lock themselves out by one wrong command. */
#include "api.h"
#include "runtime/base/hash.h"
#include "reader/read.h"
#include <stdio.h>
#include <string.h>

enum { CAPABILITIES = 64, JOB_TYPES = 200, METADATA_BYTES = 16 << 10 };
#define ACCOUNT_ARG                                                                                                                        \
  { "serviceAccountId", API_TEXT, true, 0, 64, NULL, "the service account's id" }
#define KEY_ID_ARG                                                                                                                         \
  { "keyId", API_TEXT, true, 0, 64, NULL, "the key's id, sak-..." }
#define METADATA_ARG                                                                                                                       \
  { "metadata", API_OBJECT, false, 0, 0, NULL, "what you want to keep beside it" }
#define RIGHTS_ARGS                                                                                                                        \
  {"status", API_TEXT, false, 0, 0, "active|disabled", "disabled: none of its keys works"},                                                \
      {"capabilities", API_ARRAY, false, 0, 0, NULL, "scopes, such as flows.read"}, {                                                      \
    "allowedJobTypes", API_ARRAY, false, 0, 0, NULL, "the types of jobs that it may touch; none: any"                                      \
  }

/* --- shown --------------------------------------------------------------------------------------------------------------------------- */
static void put_times(ValVec *m, Val doc) {
  api_put(m, "createdAt", api_time(api_number(doc, "created-ms")));
  api_put(m, "updatedAt", api_time(api_number(doc, "updated-ms")));
  api_put(m, "createdBy", map_get_kw(doc, "by"));
}

static void put_vec(ValVec *m, const char *key, Val v) {
  vv_push(m, kw_c(key));
  vv_push(m, is_vec(v) ? v : vec_empty);
}

static Val account_shown(const ApiCall *c, Val a) {
  ValVec m = {0};
  api_put(&m, "serviceAccountId", map_get_kw(a, "id"));
  api_put(&m, "name", map_get_kw(a, "name"));
  api_put(&m, "status", map_get_kw(a, "status"));
  put_vec(&m, "capabilities", map_get_kw(a, "capabilities"));
  put_vec(&m, "allowedJobTypes", map_get_kw(a, "job-types"));
  api_put(&m, "metadata", map_get_kw(a, "metadata"));
  api_put_text(&m, "workspaceId", c->workspace);
  put_times(&m, a);
  return api_map(&m);
}

static Val key_shown(const char *id, Val k) {
  ValVec m = {0};
  int64_t expires = api_number(k, "expires-ms");
  bool over = expires && expires <= now_ms() && str_eq_c(map_get_kw(k, "status"), "active");
  api_put_text(&m, "keyId", id);
  api_put(&m, "serviceAccountId", map_get_kw(k, "account"));
  api_put(&m, "name", map_get_kw(k, "name"));
  api_put(&m, "status", over ? str_c("expired") : map_get_kw(k, "status"));
  api_put(&m, "expiresAt", api_time(expires));
  api_put(&m, "revokedAt", api_time(api_number(k, "revoked-ms")));
  api_put(&m, "metadata", map_get_kw(k, "metadata"));
  put_times(&m, k);
  return api_map(&m);
}

/* --- arguments ------------------------------------------------------------------------------------------------------------------------ */
static bool small_metadata(ApiCall *c) {
  Buf b = {0};
  Val m = api_arg(c, "metadata");
  bool ok = is_nil(m) || (!is_sig(print_to(&b, m, &print_readably)) && b.n <= METADATA_BYTES);
  buf_free(&b);
  return ok || api_fail(c, 400, "bad_request", "metadata: at most %d bytes are kept", METADATA_BYTES);
}

/* Texts, each once. */
static bool texts_of(ApiCall *c, const char *name, uint32_t most, Val *out) {
  Val given = api_arg(c, name);
  ValVec all = {0};
  if (is_nil(given)) return true;
  if (vec_count(given) > most) return api_fail(c, 400, "bad_request", "%s: at most %u are expected", name, most);
  for (uint32_t i = 0; i < vec_count(given); i++) {
    Val v = vec_nth(given, i);
    bool seen = false;
    if (!is_str(v) || !str_n(v) || str_n(v) > 128 || strlen(str_s(v)) != str_n(v))
      return api_fail(c, 400, "bad_request", "%s: texts of 1 to 128 bytes are expected", name);
    for (size_t k = 0; k < all.n; k++) seen = seen || str_eq_c(all.a[k], str_s(v));
    if (!seen) vv_push(&all, v);
  }
  *out = vec_from(all.a, all.n);
  return true;
}

static bool all_known(ApiCall *c, Val scopes) {
  for (uint32_t i = 0; i < vec_count(scopes); i++)
    if (!api_scope_known(str_s(vec_nth(scopes, i))))
      return api_fail(c, 400, "bad_request", "capabilities: there is no scope %.128s; x-scope in /api/openapi.json says which there are",
                      str_s(vec_nth(scopes, i)));
  return true;
}

/* Do these scopes let somebody touch jobs, so that it matters of which types? */
static bool works_on_jobs(Val scopes) {
  static const char *const some[] = {"jobs.worker", "flows.run", "runs.read", "workspace.full"};
  for (uint32_t i = 0; is_vec(scopes) && i < vec_count(scopes); i++)
    for (size_t k = 0; k < sizeof some / sizeof *some; k++)
      if (str_eq_c(vec_nth(scopes, i), some[k])) return true;
  return false;
}

/* Nobody gives what they have not: scopes, and types of jobs (none: all). */
static bool may_grant(ApiCall *c, Val account) {
  Val scopes = map_get_kw(account, "capabilities"), types = map_get_kw(account, "job-types");
  for (uint32_t i = 0; is_vec(scopes) && i < vec_count(scopes); i++)
    if (!api_may(c, str_s(vec_nth(scopes, i))))
      return api_fail(c, 403, "forbidden", "this key does not have the scope %.128s, so it cannot give it to others",
                      str_s(vec_nth(scopes, i)));
  if (!works_on_jobs(scopes) || !is_vec(c->job_types) || !vec_count(c->job_types)) return true;
  for (uint32_t i = 0; is_vec(types) && i < vec_count(types); i++)
    if (!api_job_type_ok(c, str_s(vec_nth(types, i)))) return false;
  return (is_vec(types) && vec_count(types)) ||
         api_fail(c, 403, "forbidden", "this key may touch jobs of some types alone, so it cannot give others all: say allowedJobTypes");
}

static bool take(ApiCall *c, Val *a, const char *arg, const char *key) {
  Val v = api_arg(c, arg);
  if (!is_nil(v)) *a = map_assoc(*a, kw_c(key), v);
  return true;
}

static bool take_rights(ApiCall *c, Val *a) {
  Val caps = map_get_kw(*a, "capabilities"), jobs = map_get_kw(*a, "job-types");
  if (!small_metadata(c) || !texts_of(c, "capabilities", CAPABILITIES, &caps) || !texts_of(c, "allowedJobTypes", JOB_TYPES, &jobs))
    return false;
  if (!all_known(c, caps) || !may_grant(c, *a)) return false;
  *a = map_assoc(map_assoc(*a, kw_c("capabilities"), caps), kw_c("job-types"), jobs);
  if (!may_grant(c, *a)) return false;
  take(c, a, "name", "name");
  take(c, a, "status", "status");
  if (is_nil(map_get(c->args, kw_c("metadata"), ABSENT))) *a = map_dissoc(*a, kw_c("metadata")); /* null takes it away */
  return take(c, a, "metadata", "metadata");
}

/* --- accounts --------------------------------------------------------------------------------------------------------------------------
 */
static bool account_save(ApiCall *c, const char *id, Val a, int64_t rev) {
  ValVec m = {0};
  a = map_assoc(a, kw_c("updated-ms"), int_val(now_ms()));
  if (!api_doc_put(api_batch(c), c->workspace, "service-account", id, a, rev, now_ms(), 0))
    return api_fail(c, 500, "internal", "the service account cannot be stored");
  api_keys_changed(c->api);
  api_put(&m, "serviceAccount", account_shown(c, a));
  return api_ok(c, api_map(&m));
}

static bool account_find(ApiCall *c, Val *a, int64_t *rev) {
  Err err = {0};
  const char *id = api_text(c, "serviceAccountId");
  if (api_doc(c->api, c->workspace, "service-account", id, a, rev, &err)) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "service account not found: %s", id);
}

static bool create(ApiCall *c) {
  uint8_t bytes[8];
  Buf id = {0};
  Val a = map_empty;
  if (!*api_text(c, "name")) return api_fail(c, 400, "bad_request", "service_accounts.create: name must not be empty");
  hash_random(bytes, sizeof bytes);
  buf_c(&id, "sa-");
  hash_hex(bytes, sizeof bytes, &id);
  a = map_assoc(a, kw_c("id"), str_c(buf_cstr(&id)));
  a = map_assoc(a, kw_c("status"), str_c("active"));
  a = map_assoc(a, kw_c("capabilities"), vec_empty);
  a = map_assoc(a, kw_c("job-types"), vec_empty);
  a = map_assoc(a, kw_c("created-ms"), int_val(now_ms()));
  a = map_assoc(a, kw_c("by"), str_c(c->key_id));
  bool ok = take_rights(c, &a) && account_save(c, buf_cstr(&id), a, DOC_NEW);
  buf_free(&id);
  return ok;
}

static bool get(ApiCall *c) {
  Val a;
  int64_t rev;
  ValVec m = {0};
  if (!account_find(c, &a, &rev)) return false;
  api_put(&m, "serviceAccount", account_shown(c, a));
  return api_ok(c, api_map(&m));
}

static bool update(ApiCall *c) {
  Val a;
  int64_t rev;
  const char *status = api_text(c, "status"), *name = api_text(c, "name");
  if (!account_find(c, &a, &rev)) return false;
  if (name && !*name) return api_fail(c, 400, "bad_request", "service_accounts.update: name must not be empty");
  bool own = !strcmp(c->account, api_text(c, "serviceAccountId"));
  if (own && status && !strcmp(status, "disabled"))
    return api_fail(c, 409, "own_account", "this is the service account that you call with; use a key of another one to disable it");
  if (own && !is_nil(api_arg(c, "capabilities")))
    return api_fail(c, 409, "own_account", "this is the service account that you call with; use a key of another one to change its scopes");
  return take_rights(c, &a) && account_save(c, api_text(c, "serviceAccountId"), a, rev);
}

static bool paged(ApiCall *c, ValVec *items, const char *next) {
  ValVec m = {0}, meta = {0};
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items->a, items->n));
  api_put(&meta, "hasMore", next && *next ? TRUE_V : FALSE_V);
  if (next && *next) api_put_text(&meta, "nextCursor", next);
  if (is_map(c->meta)) api_put(&meta, "warnings", map_get_kw(c->meta, "warnings"));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

typedef Val (*Shown)(const ApiCall *c, const char *key, Val doc); /* nil: not one of them */

static bool list_docs(ApiCall *c, const char *workspace, const char *kind, Shown f) {
  DocRow rows[32];
  Err err = {0};
  ValVec items = {0};
  char after[80], next[80] = "";
  const char *cursor = api_text(c, "cursor");
  size_t limit = (size_t)api_int(c, "limit", API_PAGE), n;
  snprintf(after, sizeof after, "%s", cursor ? cursor : "");
  do {
    n = store_docs(c->api->store, workspace, kind, "", after, rows, 32, &err);
    for (size_t i = 0; i < n; i++) {
      Val one = *next ? NIL : f(c, rows[i].key, api_doc_value(&rows[i]));
      if (!is_nil(one) && items.n == limit)
        snprintf(next, sizeof next, "%s", after);
      else if (!is_nil(one))
        vv_push(&items, one);
      if (!*next) snprintf(after, sizeof after, "%s", rows[i].key);
      doc_row_free(&rows[i]);
    }
  } while (n == 32 && !*next);
  return err.code ? api_fail_err(c, &err) : paged(c, &items, next);
}

static Val listed_account(const ApiCall *c, const char *key, Val a) {
  const char *status = api_text(c, "status");
  (void)key;
  return !status || str_eq_c(map_get_kw(a, "status"), status) ? account_shown(c, a) : NIL;
}

static bool list(ApiCall *c) { return list_docs(c, c->workspace, "service-account", listed_account); }

/* --- keys --------------------------------------------------------------------------------------------------------------------------------
 */
/* RFC 3339 with a zone, in the future. */
static bool expiry(ApiCall *c, int64_t *ms) {
  const char *s = api_text(c, "expiresAt");
  if (!s) return true;
  size_t n = strlen(s);
  bool zoned = n > 19 && n < 40 && s[10] == 'T' && (s[n - 1] == 'Z' || s[n - 6] == '+' || s[n - 6] == '-');
  Val at = zoned ? inst_parse(s[n - 1] == 'Z' ? str_fmt("%.*s-00:00", (int)n - 1, s) : str_c(s)) : NIL;
  if (is_sig(at)) pend.ex = NIL;
  if (!is_type(at, T_INST)) return api_fail(c, 400, "bad_request", "expiresAt: a time such as 2027-01-31T12:00:00Z is expected");
  *ms = AS(Inst, at)->ms;
  return *ms > now_ms() || api_fail(c, 400, "bad_request", "expiresAt: %s is over already", s);
}

static bool key_create(ApiCall *c) {
  Val a;
  int64_t rev, expires = 0;
  char id[32];
  Buf key = {0}, hash = {0};
  ValVec m = {0};
  const char *account = api_text(c, "serviceAccountId");
  if (!account_find(c, &a, &rev) || !small_metadata(c) || !expiry(c, &expires) || !may_grant(c, a))
    return false;
  api_key_new(id, &key, &hash);
  ApiKey k = {id, c->workspace, account, api_text(c, "name"), buf_cstr(&hash), c->key_id, api_arg(c, "metadata"), expires};
  bool ok = api_key_put(api_batch(c), &k);
  ValVec shown = {0};
  api_put_text(&shown, "keyId", id);
  api_put_text(&shown, "apiKey", buf_cstr(&key));
  api_put_text(&shown, "serviceAccountId", account);
  api_put_text(&shown, "name", k.name);
  api_put_text(&shown, "status", "active");
  api_put(&shown, "createdAt", api_time(now_ms()));
  api_put(&shown, "expiresAt", api_time(expires));
  api_put(&shown, "metadata", k.metadata);
  api_put_text(&m, "serviceAccountId", account);
  api_put(&m, "key", api_map(&shown));
  c->once = true;
  explicit_bzero(key.p, key.n);
  buf_free(&key);
  buf_free(&hash);
  return ok ? api_ok(c, api_map(&m)) : api_fail(c, 500, "internal", "the key cannot be stored");
}

static bool key_of(const ApiCall *c, Val k) {
  return str_eq_c(map_get_kw(k, "workspace"), c->workspace) && str_eq_c(map_get_kw(k, "account"), api_text(c, "serviceAccountId"));
}

static Val listed_key(const ApiCall *c, const char *key, Val k) { return key_of(c, k) ? key_shown(key, k) : NIL; }

static bool key_list(ApiCall *c) {
  Val a;
  int64_t rev;
  return account_find(c, &a, &rev) && list_docs(c, "", "api-key", listed_key);
}

static bool key_revoke(ApiCall *c) {
  Val a, k;
  int64_t rev;
  Err err = {0};
  ValVec m = {0};
  const char *id = api_text(c, "keyId");
  if (!account_find(c, &a, &rev)) return false;
  if (!api_doc(c->api, "", "api-key", id, &k, &rev, &err) || !key_of(c, k))
    return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "key not found: %s", id);
  if (!strcmp(id, c->key_id)) return api_fail(c, 409, "own_key", "this is the key that you call with; revoke it with another one");
  if (!may_grant(c, a)) return false;
  if (str_eq_c(map_get_kw(k, "status"), "active")) {
    k = map_assoc(map_assoc(k, kw_c("status"), str_c("revoked")), kw_c("revoked-ms"), int_val(now_ms()));
    if (!api_doc_put(api_batch(c), "", "api-key", id, k, rev, now_ms(), 0)) return api_fail(c, 500, "internal", "the key cannot be stored");
    api_keys_changed(c->api);
  }
  api_put(&m, "serviceAccountId", map_get_kw(k, "account"));
  api_put(&m, "key", key_shown(id, k));
  return api_ok(c, api_map(&m));
}

#define LIST_ARGS                                                                                                                          \
  {"limit", API_INT, false, 1, API_PAGE, NULL, "how many at once"}, {                                                                      \
    "cursor", API_TEXT, false, 0, 64, NULL, "meta.nextCursor of the page before"                                                           \
  }
#define MANAGE "service-accounts.manage"

const ApiCommand api_account_commands[] = {
    {"service_accounts.create",
     MANAGE,
     true,
     "Makes a service account. It can be given only scopes that the caller has.",
     create,
     {{"name", API_TEXT, true, 0, 200, NULL, "its name for people"}, RIGHTS_ARGS, METADATA_ARG}},
    {"service_accounts.list",
     MANAGE,
     false,
     "The service accounts of the workspace.",
     list,
     {{"status", API_TEXT, false, 0, 0, "active|disabled", "only these"}, LIST_ARGS}},
    {"service_accounts.get", MANAGE, false, "One service account.", get, {ACCOUNT_ARG}},
    {"service_accounts.update",
     MANAGE,
     true,
     "Changes a service account, at once for all its keys. Lists replace what was there.",
     update,
     {ACCOUNT_ARG, {"name", API_TEXT, false, 0, 200, NULL, "its name for people"}, RIGHTS_ARGS, METADATA_ARG}},
    {"service_accounts.keys.create",
     MANAGE,
     true,
     "Makes a key. Its secret is in this answer alone: only a hash of it is stored.",
     key_create,
     {ACCOUNT_ARG,
      {"name", API_TEXT, false, 0, 200, NULL, "its name for people"},
      {"expiresAt", API_TEXT, false, 0, 40, NULL, "when it stops working, RFC 3339; never, if it is not said"},
      METADATA_ARG}},
    {"service_accounts.keys.list",
     MANAGE,
     false,
     "The keys of a service account, without their secrets.",
     key_list,
     {ACCOUNT_ARG, LIST_ARGS}},
    {"service_accounts.keys.revoke", MANAGE, true, "Ends a key at once and for good.", key_revoke, {ACCOUNT_ARG, KEY_ID_ARG}},
    {.name = NULL},
};
