/* api_connections.c - connections and secrets over REST (spec/http-api.md, I). Secret values come in and never go out. */
#include "api_connections.h"
#include "runtime/base/hash.h"
#include "reader/print.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 64 << 10, PAGE_MOST = 200 };

/* --- shown ------------------------------------------------------------------------------------------------------------------------------
 */
Val api_conn_shown(Val r) {
  ValVec m = {0};
  Val config = map_get_kw(r, "config"), status = map_get_kw(r, "status");
  api_put(&m, "connection-id", map_get_kw(r, "id"));
  api_put(&m, "id", map_get_kw(r, "id"));
  api_put(&m, "name", map_get_kw(r, "name"));
  api_put(&m, "type", api_name(map_get_kw(r, "type")));
  api_put(&m, "backend", api_name(map_get_kw(r, "backend")));
  api_put(&m, "status", is_nil(status) ? str_c("active") : status);
  api_put(&m, "description", map_get_kw(r, "description"));
  api_put(&m, "base-url", map_get_kw(config, "base-url"));
  api_put(&m, "config", api_shown(config));
  api_put(&m, "created-at", api_time(api_number(r, "created-ms")));
  api_put(&m, "updated-at", api_time(api_number(r, "updated-ms")));
  return api_map(&m);
}

static bool one(ApiCall *c, Val record) {
  ValVec m = {0};
  api_put(&m, "connection", api_conn_shown(record));
  api_put(&m, "connection-id", map_get_kw(record, "id"));
  return api_ok(c, api_map(&m));
}

static bool items_answer(ApiCall *c, const ValVec *items, const char *next) {
  ValVec m = {0};
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items->a, items->n));
  api_put(&m, "has-more", next ? TRUE_V : FALSE_V);
  api_put_text(&m, "next-cursor", next);
  return api_ok(c, api_map(&m));
}

bool api_conn_find(ApiCall *c, const char *id, Val *record, int64_t *rev) {
  Err err = {0};
  *record = conn_store_get(c->api->store, c->workspace, id, rev, &err);
  if (is_map(*record)) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "connection not found: %.130s", id);
}

/* --- secrets of a connection
 * -------------------------------------------------------------------------------------------------------------- */
static bool speaks_http(Val type) {
  Val t = api_name(type);
  return str_eq_c(t, "http-api") || str_eq_c(t, "llm-provider");
}

Val api_conn_with_secret(Val type, Val config, const char *secret) {
  Val auth = map_get_kw(config, "auth");
  bool ssh = str_eq_c(api_name(type), "ssh");
  if (ssh) return map_assoc(config, kw_c("auth"), map_assoc(is_map(auth) ? auth : map_empty, kw_c("secret-ref"), str_c(secret)));
  if (!speaks_http(type)) return map_assoc(config, kw_c("secret-ref"), str_c(secret));
  if (!is_map(auth) || str_eq_c(api_name(map_get_kw(auth, "type")), "none")) auth = map_assoc(map_empty, kw_c("type"), str_c("bearer"));
  return map_assoc(config, kw_c("auth"), map_assoc(auth, kw_c("secret-ref"), str_c(secret)));
}

bool api_secret_ok(ApiCall *c, const char *name, Val value) {
  Err err = {0};
  if (!is_str(value) || !str_n(value) || str_n(value) > SECRET_BYTES)
    return api_fail(c, 400, "bad_secret", "the value of the secret %.100s must be a text of 1 to %d bytes", name, SECRET_BYTES);
  return vault_valid(name, str_s(value), str_n(value), &err) || api_fail_err(c, &err);
}

bool api_secret_put(ApiCall *c, const char *name, Val value) {
  Err err = {0};
  if (!api_secret_ok(c, name, value)) return false;
  return vault_put(c->api->vault, c->workspace, name, str_s(value), str_n(value), DOC_ANY, NULL, &err) || api_fail_err(c, &err);
}

const SecretSet *api_workspace_secrets(ApiCall *c) { return target_secrets(api_place_target(c->api, c->workspace, "", "workspace")); }

void api_conn_secrets_delete(ApiCall *c, const char *id) {
  VaultRow r;
  Buf prefix = {0};
  Err err = {0};
  bool own = true;
  buf_fmt(&prefix, "%s.", id);
  while (own && !err.code && vault_list(c->api->vault, c->workspace, buf_cstr(&prefix), &r, 1, &err)) {
    own = !strncmp(r.name, prefix.p, prefix.n) && vault_delete(c->api->vault, c->workspace, r.name, DOC_ANY, &err);
    vault_row_free(&r);
  }
  buf_free(&prefix);
}

/* --- connections
 * ------------------------------------------------------------------------------------------------------------------------------ */
static Val config_of(ApiCall *c, Val was) {
  Val config = api_arg(c, "config"), base = api_arg(c, "base-url");
  if (!is_map(config)) config = is_map(was) ? was : map_empty;
  return is_nil(base) ? config : map_assoc(config, kw_c("base-url"), base);
}

static Val record_of(ApiCall *c, Val type, Val backend, Val config) {
  Val r = map_assoc(map_assoc(map_empty, kw_c("type"), type), kw_c("config"), config);
  if (!is_nil(backend)) r = map_assoc(r, kw_c("backend"), backend);
  static const char *const texts[] = {"name", "description", "status"};
  for (size_t i = 0; i < 3; i++)
    if (api_text(c, texts[i])) r = map_assoc(r, kw_c(texts[i]), api_arg(c, texts[i]));
  return r;
}

/* The record first, and the secret that it names only when the record is fine; neither when the secret is not. */
static bool save(ApiCall *c, const char *id, Val record, int64_t rev, Val *out) {
  Err err = {0};
  Val key = api_arg(c, "api-key");
  char secret[VAULT_NAME_MAX + 1];
  snprintf(secret, sizeof secret, "%s.api-key", id);
  if (is_str(key) && !api_secret_ok(c, secret, key)) return false;
  if (is_str(key))
    record = map_assoc(record, kw_c("config"), api_conn_with_secret(map_get_kw(record, "type"), map_get_kw(record, "config"), secret));
  *out = conn_store_put(c->api->store, c->workspace, id, record, rev, &err);
  if (is_nil(*out)) return api_fail_err(c, &err);
  return !is_str(key) || api_secret_put(c, secret, key);
}

static bool create(ApiCall *c) {
  uint8_t bytes[8];
  Buf id = {0};
  Val out;
  if (!*api_text(c, "name")) return api_fail(c, 400, "bad_request", "name must not be empty");
  hash_random(bytes, sizeof bytes);
  buf_c(&id, "conn-");
  hash_hex(bytes, sizeof bytes, &id);
  bool ok = save(c, buf_cstr(&id), record_of(c, api_arg(c, "type"), api_arg(c, "backend"), config_of(c, NIL)), DOC_NEW, &out);
  buf_free(&id);
  return ok && one(c, out) && (c->status = 201);
}

static bool get(ApiCall *c) {
  Val r;
  int64_t rev;
  return api_conn_find(c, api_path(c, "id"), &r, &rev) && api_ok(c, api_conn_shown(r));
}

static bool update_one(ApiCall *c, const char *id) {
  Val r, out, backend = api_arg(c, "backend");
  int64_t rev;
  const char *name = api_text(c, "name");
  if (name && !*name) return api_fail(c, 400, "bad_request", "name must not be empty");
  if (!api_conn_find(c, id, &r, &rev)) return false;
  Val record =
      record_of(c, map_get_kw(r, "type"), is_nil(backend) ? map_get_kw(r, "backend") : backend, config_of(c, map_get_kw(r, "config")));
  return save(c, id, record, rev, &out) && one(c, out);
}

static bool update(ApiCall *c) { return update_one(c, api_path(c, "id")); }

bool api_conn_save(ApiCall *c, const char *id) { return id ? update_one(c, id) : create(c); }

static bool deleted(ApiCall *c, const char *what, const char *id) {
  ValVec m = {0};
  api_put(&m, "deleted", TRUE_V);
  api_put_text(&m, what, id);
  return api_ok(c, api_map(&m));
}

static bool delete (ApiCall *c) {
  Err err = {0};
  const char *id = api_path(c, "id");
  if (!conn_store_delete(c->api->store, c->workspace, id, &err)) return api_fail_err(c, &err);
  api_conn_secrets_delete(c, id);
  return deleted(c, "connection-id", id);
}

static bool list(ApiCall *c) {
  Err err = {0};
  ValVec items = {0};
  const char *cursor = api_text(c, "cursor"), *type = api_text(c, "type");
  size_t limit = (size_t)api_int(c, "limit", API_PAGE);
  Val all = conn_store_list(c->api->store, c->workspace, type ? kw_c(type) : NIL, cursor, limit + 1, &err);
  if (err.code) return api_fail_err(c, &err);
  for (uint32_t i = 0; i < vec_count(all) && i < limit; i++) vv_push(&items, api_conn_shown(vec_nth(all, i)));
  bool more = vec_count(all) > limit;
  return items_answer(c, &items, more ? str_s(map_get_kw(vec_nth(all, (uint32_t)limit - 1), "id")) : NULL);
}

/* --- who uses what
 * ------------------------------------------------------------------------------------------------------------------------------ */
static Val usage_shown(Val u, const char *id) {
  ValVec m = {0};
  api_put(&m, "connection-id", is_nil(u) ? str_c(id) : map_get_kw(u, "connection"));
  api_put(&m, "flow-slug", map_get_kw(u, "flow"));
  api_put(&m, "target", map_get_kw(u, "target"));
  api_put(&m, "slot", map_get_kw(u, "slot"));
  api_put(&m, "connected", is_nil(u) ? FALSE_V : TRUE_V);
  return api_map(&m);
}

static bool used_in(Val usages, Val id) {
  for (uint32_t i = 0; i < vec_count(usages); i++)
    if (same(val_eq(map_get_kw(vec_nth(usages, i), "connection"), id), TRUE_V)) return true;
  return false;
}

static bool usages(ApiCall *c) {
  Err err = {0};
  ValVec items = {0};
  const char *id = api_text(c, "connection-id"), *slug = api_text(c, "flow-slug");
  Val used = binding_usages(c->api->store, c->workspace, id, &err), all = NIL;
  for (uint32_t i = 0; !err.code && i < vec_count(used); i++)
    if (!slug || str_eq_c(map_get_kw(vec_nth(used, i), "flow"), slug)) vv_push(&items, usage_shown(vec_nth(used, i), NULL));
  bool idle = !slug && !api_flag(c, "only-connected"); /* those that nothing uses, too */
  if (!err.code && idle) all = conn_store_list(c->api->store, c->workspace, NIL, NULL, SIZE_MAX, &err);
  for (uint32_t i = 0; !err.code && is_vec(all) && i < vec_count(all); i++) {
    Val this = map_get_kw(vec_nth(all, i), "id");
    if ((!id || str_eq_c(this, id)) && !used_in(used, this)) vv_push(&items, usage_shown(NIL, str_s(this)));
  }
  return err.code ? api_fail_err(c, &err) : items_answer(c, &items, NULL);
}

typedef void (*RefFn)(void *ctx, const char *name);
/* Every secret that a config names. */
static void each_ref(Val config, RefFn f, void *ctx, int depth) {
  MapIter it;
  Val k, v;
  if (!is_map(config) || depth > 8) return;
  map_iter(&it, config);
  while (map_next(&it, &k, &v)) {
    const char *key = is_kw(k) ? kw_text(k) : "";
    size_t n = strlen(key);
    each_ref(v, f, ctx, depth + 1);
    if (n >= 4 && !strcmp(key + n - 4, "-ref") && (is_str(v) || is_kw(v))) f(ctx, kw_text(v));
  }
}

typedef struct Items {
  ValVec all;
  const char *type;
} Items;
static void item(Items *t, const char *type, const char *id, Val detail) {
  ValVec m = {0};
  if (t->type && strcmp(t->type, type)) return;
  api_put_text(&m, "item-type", type);
  api_put_text(&m, "item-id", id);
  api_put(&m, "detail", detail);
  vv_push(&t->all, api_map(&m));
}
static void secret_item(void *ctx, const char *name) { item(ctx, "secret", name, NIL); }

/* What belongs to a connection: the slots that are bound to it, and the secrets that it names. */
static bool items(ApiCall *c) {
  Val r;
  int64_t rev;
  Err err = {0};
  Items t = {.type = api_text(c, "item-type")};
  ValVec m = {0}, summary = {0}, page = {0};
  char *end = NULL;
  const char *id = api_path(c, "id"), *cursor = api_text(c, "cursor");
  if (!api_conn_find(c, id, &r, &rev)) return false;
  Val used = binding_usages(c->api->store, c->workspace, id, &err);
  if (err.code) return api_fail_err(c, &err);
  for (uint32_t i = 0; i < vec_count(used); i++) {
    Val u = vec_nth(used, i);
    Buf name = {0};
    buf_fmt(&name, "%s/%s/%s", str_s(map_get_kw(u, "flow")), str_s(map_get_kw(u, "target")), str_s(map_get_kw(u, "slot")));
    item(&t, "binding", buf_cstr(&name), usage_shown(u, NULL));
    buf_free(&name);
  }
  each_ref(map_get_kw(r, "config"), secret_item, &t, 0);
  size_t from = cursor ? (size_t)strtoul(cursor, &end, 10) : 0, limit = (size_t)api_int(c, "limit", API_PAGE);
  if (cursor && (*end || end == cursor || from > t.all.n))
    return api_fail(c, 400, "bad_request", "cursor: send next-cursor of the page before");
  for (size_t i = from; i < t.all.n && i < from + limit; i++) vv_push(&page, t.all.a[i]);
  bool more = from + limit < t.all.n;
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(page.a, page.n));
  api_put(&summary, "total", int_val((int64_t)t.all.n));
  api_put(&m, "summary", api_map(&summary));
  api_put(&m, "has-more", more ? TRUE_V : FALSE_V);
  if (more) api_put(&m, "next-cursor", str_fmt("%zu", from + limit));
  return api_ok(c, api_map(&m));
}

static bool cleanup(ApiCall *c) {
  Err err = {0};
  ValVec gone = {0}, m = {0};
  bool apply = api_flag(c, "apply");
  Val used = binding_usages(c->api->store, c->workspace, NULL, &err), all = NIL;
  if (!err.code) all = conn_store_list(c->api->store, c->workspace, NIL, NULL, SIZE_MAX, &err);
  for (uint32_t i = 0; !err.code && i < vec_count(all); i++) {
    Val r = vec_nth(all, i), id = map_get_kw(r, "id");
    if (used_in(used, id)) continue;
    if (apply && !conn_store_delete(c->api->store, c->workspace, str_s(id), &err)) break;
    if (apply) api_conn_secrets_delete(c, str_s(id));
    vv_push(&gone, api_conn_shown(r));
  }
  if (err.code) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(gone.a, gone.n));
  api_put(&m, "count", int_val((int64_t)gone.n));
  api_put(&m, "applied", apply ? TRUE_V : FALSE_V);
  return api_ok(c, api_map(&m));
}

/* --- secrets
 * ---------------------------------------------------------------------------------------------------------------------------------- */
static Val secret_shown(const VaultRow *r) {
  ValVec m = {0};
  api_put_text(&m, "secret-id", r->name);
  api_put_text(&m, "id", r->name);
  api_put_text(&m, "name", r->name);
  if (!r->version) api_put(&m, "damaged", TRUE_V);
  if (r->version) api_put(&m, "version", int_val(r->version));
  api_put(&m, "created-at", api_time(r->created_ms));
  api_put(&m, "updated-at", api_time(r->updated_ms));
  return api_map(&m);
}

static bool secret_list(ApiCall *c) {
  VaultRow r = {0};
  Err err = {0};
  ValVec items = {0};
  Buf after = {0};
  const char *only = api_text(c, "secret-id"), *cursor = api_text(c, "cursor");
  size_t limit = (size_t)api_int(c, "limit", PAGE_MOST);
  bool more = false;
  if (cursor) buf_c(&after, cursor);
  while (vault_list(c->api->vault, c->workspace, after.n ? buf_cstr(&after) : NULL, &r, 1, &err)) {
    bool wanted = !only || !strcmp(only, r.name);
    more = wanted && items.n == limit;
    if (wanted && !more) vv_push(&items, secret_shown(&r));
    if (!more) after.n = 0, buf_c(&after, r.name);
    vault_row_free(&r);
    if (more) break;
  }
  bool ok = err.code ? api_fail_err(c, &err) : items_answer(c, &items, more ? buf_cstr(&after) : NULL);
  buf_free(&after);
  return ok;
}

static bool secret_set(ApiCall *c) {
  VaultRow r = {0};
  Err err = {0};
  const char *name = api_text(c, "secret-id");
  if (!api_secret_put(c, name, api_arg(c, "value"))) return false;
  if (!vault_row(c->api->vault, c->workspace, name, &r, &err)) return api_fail_err(c, &err);
  Val shown = secret_shown(&r);
  vault_row_free(&r);
  return api_ok(c, shown);
}

typedef struct Users {
  ValVec all;
  const char *secret, *connection, *flow; /* secret: NULL = any */
} Users;
static void secret_user(void *ctx, const char *name) {
  Users *u = ctx;
  ValVec m = {0};
  if (u->secret && strcmp(u->secret, name)) return;
  api_put_text(&m, "secret-id", name);
  api_put_text(&m, "connection-id", u->connection);
  vv_push(&u->all, api_map(&m));
}

static bool secret_users(ApiCall *c, Users *u) {
  Err err = {0};
  Val all = conn_store_list(c->api->store, c->workspace, NIL, NULL, SIZE_MAX, &err);
  for (uint32_t i = 0; !err.code && i < vec_count(all); i++) {
    u->connection = str_s(map_get_kw(vec_nth(all, i), "id"));
    each_ref(map_get_kw(vec_nth(all, i), "config"), secret_user, u, 0);
  }
  return !err.code || api_fail_err(c, &err);
}

/* Which connections name a secret, and which flows' slots are bound to those. */
static bool secret_usages(ApiCall *c) {
  Err err = {0};
  Users u = {.secret = api_text(c, "secret-id")};
  ValVec items = {0};
  const char *slug = api_text(c, "flow");
  if (!secret_users(c, &u)) return false;
  Val used = binding_usages(c->api->store, c->workspace, NULL, &err);
  if (err.code) return api_fail_err(c, &err);
  for (size_t i = 0; i < u.all.n; i++) {
    Val id = map_get_kw(u.all.a[i], "connection-id");
    bool any = false;
    for (uint32_t k = 0; k < vec_count(used); k++) {
      Val b = vec_nth(used, k);
      if (!same(val_eq(map_get_kw(b, "connection"), id), TRUE_V) || (slug && !str_eq_c(map_get_kw(b, "flow"), slug))) continue;
      vv_push(&items, map_assoc(usage_shown(b, NULL), kw_c("secret-id"), map_get_kw(u.all.a[i], "secret-id")));
      any = true;
    }
    if (!any && !slug && !api_flag(c, "only-connected")) vv_push(&items, map_assoc(u.all.a[i], kw_c("connected"), FALSE_V));
  }
  return items_answer(c, &items, NULL);
}

static bool secret_delete(ApiCall *c) {
  Err err = {0};
  Users u = {.secret = api_path(c, "id")};
  if (!secret_users(c, &u)) return false;
  if (u.all.n)
    return api_fail(c, 409, "in_use", "the secret %.100s is named by the connection %.100s", u.secret,
                    str_s(map_get_kw(u.all.a[0], "connection-id")));
  if (!vault_delete(c->api->vault, c->workspace, u.secret, DOC_ANY, &err)) return api_fail_err(c, &err);
  return deleted(c, "secret-id", u.secret);
}

/* --- tables
 * -------------------------------------------------------------------------------------------------------------------------------------- */
#define READ "connections.read"
#define MANAGE "connections.manage"
#define KEY_ARG                                                                                                                            \
  { "api-key", API_TEXT, false, 0, SECRET_BYTES, NULL, "the secret value, sealed under the connection; :bearer unless config says :auth; of ssh the private key, or the password" }
#define PAGE_ARGS                                                                                                                          \
  {"limit", API_INT, false, 1, PAGE_MOST, NULL, "how many at once"}, {                                                                     \
    "cursor", API_TEXT, false, 0, 300, NULL, "next-cursor of the page before"                                                              \
  }

const ApiRoute api_connection_routes[] = {
    {"GET",
     "connections",
     0,
     {"connections.list",
      READ,
      false,
      "The connections of the workspace; no secret is shown.",
      list,
      {{"type", API_TEXT, false, 0, 60, NULL, "only of this type"}, PAGE_ARGS}}},
    {"POST",
     "connections",
     0,
     {"connections.create",
      MANAGE,
      true,
      "Makes a connection. Secret values are in api-key alone; a config names secrets by secret-ref.",
      create,
      {{"type", API_TEXT, true, 0, 60, NULL, "http-api, database, blob-storage, kv-store, secret, ssh or llm-provider"},
       {"name", API_TEXT, true, 0, 200, NULL, "its name for people"},
       {"base-url", API_TEXT, false, 0, 0, NULL, "what paths are appended to"},
       {"description", API_TEXT, false, 0, 0, NULL, "for people"},
       {"slot", API_TEXT, false, 0, 128, NULL, "accepted; flows.configure binds it to a slot"},
       {"backend", API_TEXT, false, 0, 60, NULL, "which kind of that type, such as postgres"},
       {"config", API_OBJECT, false, 0, 0, NULL, "as of its type"},
       KEY_ARG}}},
    {"GET",
     "connections/usages",
     0,
     {"connections.usages",
      READ,
      false,
      "Which slots of which flows are bound to a connection.",
      usages,
      {{"connection-id", API_TEXT, false, 0, 130, NULL, "only of this one"},
       {"flow-slug", API_SLUG, false, 0, 0, NULL, "only by this flow"},
       {"only-connected", API_BOOL, false, 0, 0, NULL, "without connections that nothing uses"}}}},
    {"POST",
     "connections/test",
     0,
     {"connections.test_all",
      MANAGE,
      false,
      "Tries all connections, side by side.",
      api_conn_test_all,
      {{"all", API_BOOL, false, 0, 0, NULL, "true"},
       {"onlyFailing", API_BOOL, false, 0, 0, NULL, "tell of those alone that do not work"}}}},
    {"GET", "connections/{id}", 0, {"connections.get", READ, false, "One connection; no secret is shown.", get, {{0}}}},
    {"PUT",
     "connections/{id}",
     0,
     {"connections.update",
      MANAGE,
      true,
      "Changes a connection; the next step that uses it sees that.",
      update,
      {{"id", API_TEXT, false, 0, 130, NULL, "that of the path"},
       {"name", API_TEXT, false, 0, 200, NULL, "its name for people"},
       {"description", API_TEXT, false, 0, 0, NULL, "for people"},
       {"status", API_TEXT, false, 0, 0, "active|disabled", "disabled: steps cannot use it"},
       {"base-url", API_TEXT, false, 0, 0, NULL, "what paths are appended to"},
       {"backend", API_TEXT, false, 0, 60, NULL, "which kind of its type"},
       {"config", API_OBJECT, false, 0, 0, NULL, "in place of the one that is there"},
       KEY_ARG}}},
    {"DELETE",
     "connections/{id}",
     0,
     {"connections.delete", MANAGE, true, "Deletes a connection that no slot is bound to.", delete, {{0}}}},
    {"POST",
     "connections/{id}/test",
     0,
     {"connections.test", MANAGE, false, "Is there something behind it, and does it take the credentials?", api_conn_test, {{0}}}},
    {"POST",
     "connections/{id}/trust",
     0,
     {"connections.trust",
      MANAGE,
      false,
      "Shows the host key of an SSH connection that is not trusted yet; with its fingerprint the key is put into known-hosts.",
      api_conn_trust,
      {{"fingerprint", API_TEXT, false, 0, 100, NULL, "SHA256:.. as the machine itself says; without it nothing is changed"},
       {"replace", API_BOOL, false, 0, 0, NULL, "in place of the key that the host was known by until now"}}}},
    {"POST",
     "connections/{id}/call",
     0,
     {"connections.call",
      MANAGE,
      false,
      "One HTTP request with the connection's credentials, as an :http step sends it; success is false unless the status is 2xx.",
      api_conn_call,
      {{"method", API_TEXT, false, 0, 16, NULL, "GET if it is not said"},
       {"path", API_TEXT, false, 0, 0, NULL, "appended to the base URL"},
       {"url", API_TEXT, false, 0, 0, NULL, "in place of path: an address below the base URL"},
       {"query", API_OBJECT, false, 0, 0, NULL, "parameters"},
       {"headers", API_OBJECT, false, 0, 0, NULL, "headers"},
       {"json", API_ANY, false, 0, 0, NULL, "the body, any JSON value"},
       {"form", API_OBJECT, false, 0, 0, NULL, "the body, a form"},
       {"body", API_TEXT, false, 0, 1 << 20, NULL, "the body, a text"},
       {"contentType", API_TEXT, false, 0, 200, NULL, "of the body"},
       {"accept", API_TEXT, false, 0, 200, NULL, "the Accept header"},
       {"responseAs", API_TEXT, false, 0, 0, "auto|json|jsonl|sse|text|edn|xml|yaml", "how the answer is read"},
       {"includeHeaders", API_ANY, false, 0, 0, NULL, "names of headers of the answer to tell"},
       {"timeout", API_INT, false, 1, 600, NULL, "seconds; 30 if it is not said"}}}},
    {"GET",
     "connections/{id}/items",
     0,
     {"connections.items",
      READ,
      false,
      "What belongs to a connection: slots bound to it and secrets that it names.",
      items,
      {{"item-type", API_TEXT, false, 0, 0, "binding|secret", "only these"}, PAGE_ARGS}}},
    {"GET",
     "secrets",
     0,
     {"secrets.list",
      READ,
      false,
      "The names of the secrets of the workspace; values are never shown.",
      secret_list,
      {{"secret-id", API_TEXT, false, 0, VAULT_NAME_MAX, NULL, "only this one"}, PAGE_ARGS}}},
    {"POST",
     "secrets",
     0,
     {"secrets.set",
      MANAGE,
      false,
      "Seals a value under a name, in place of the one that is there.",
      secret_set,
      {{"secret-id", API_TEXT, true, 0, VAULT_NAME_MAX, NULL, "its name"}, {"value", API_TEXT, true, 0, SECRET_BYTES, NULL, "the value"}}}},
    {"GET",
     "secrets/usages",
     0,
     {"secrets.usages",
      READ,
      false,
      "Which connections name a secret, and which flows use those.",
      secret_usages,
      {{"secret-id", API_TEXT, false, 0, VAULT_NAME_MAX, NULL, "only this one"},
       {"flow", API_SLUG, false, 0, 0, NULL, "only by this flow"},
       {"only-connected", API_BOOL, false, 0, 0, NULL, "without those that no flow uses"}}}},
    {"DELETE", "secrets/{id...}", 0, {"secrets.delete", MANAGE, true, "Deletes a secret that no connection names.", secret_delete, {{0}}}},
    {0},
};

const ApiCommand api_connection_commands[] = {
    {"connections.unused.cleanup",
     MANAGE,
     true,
     "Which connections no slot is bound to; with apply they are deleted.",
     cleanup,
     {{"apply", API_BOOL, false, 0, 0, NULL, "delete them"}}},
    {.name = NULL},
};
