/* api_auth.c - what clients with a login ask for (http-api.md A7). This server knows API keys alone, and a key is its own token: the password
 * of a login is a key, a token is refreshed for as long as its key works. And a connection by which flows call this API. */
#include "api_connections.h"
#include "runtime/base/hash.h"
#include <stdio.h>
#include <string.h>

#define NEVER_S (10LL * 365 * 24 * 3600) /* a key without an end is asked again then */

int64_t api_key_seconds(const ApiCall *c) { return c->key_expires_ms ? (c->key_expires_ms - now_ms()) / 1000 : NEVER_S; }

static bool logged_in(ApiCall *c, const char *key) {
  ValVec m = {0};
  if (!api_authenticate_key(c, key)) return false;
  api_put(&m, "success", TRUE_V);
  api_put_text(&m, "token", key);
  api_put_text(&m, "refreshToken", key);
  api_put_text(&m, "uid", c->key_id);
  api_put(&m, "expiresIn", int_val(api_key_seconds(c)));
  return api_ok(c, api_map(&m));
}

static bool token(ApiCall *c) {
  if (logged_in(c, api_text(c, "password"))) return true;
  return c->status != 401 ? false : api_fail(c, 401, "auth_invalid", "this server has no passwords: give an API key (bsa_sak-..) that works as the password");
}

static bool refresh(ApiCall *c) {
  const char *key = api_text(c, "refreshToken") ? api_text(c, "refreshToken") : api_text(c, "refresh_token");
  return key ? logged_in(c, key) : api_fail(c, 400, "bad_request", "auth.refresh needs refreshToken");
}

/* The arguments of connections.create, or of connections.update when the connection is named. */
static bool runtime_connection(ApiCall *c) {
  Val kv[] = {kw_c("type"), str_c("http-api"), kw_c("name"), api_arg(c, "name"), kw_c("base-url"), api_arg(c, "baseUrl"), kw_c("api-key"), api_arg(c, "token")};
  const char *id = api_flag(c, "new") ? NULL : api_text(c, "connectionId");
  if (id && !api_may(c, "connections.manage"))
    return api_fail(c, 403, "forbidden", "this key may not change a connection: it needs the scope connections.manage");
  if (!id && is_nil(kv[3])) kv[3] = str_c("Breyta API");
  if (!*api_text(c, "token")) return api_fail(c, 400, "bad_request", "auth.runtime-connection needs token: the API key that the connection sends");
  c->args = map_from(id ? kv + 2 : kv, id ? 3 : 4, false);
  return api_conn_save(c, id);
}

#define IGNORED(name) {name, API_ANY, false, 0, 0, NULL, "accepted; has no effect"}

const ApiRoute api_auth_routes[] = {
    {"POST",
     "auth/token",
     ROUTE_OPEN,
     {"auth.token",
      NULL,
      false,
      "A login: the password is an API key of this server, and the token that is answered is that key.",
      token,
      {{"email", API_TEXT, false, 0, 0, NULL, "accepted; nobody is known by it here"}, {"password", API_TEXT, true, 0, 0, NULL, "an API key"}}}},
    {"POST",
     "auth/refresh",
     ROUTE_OPEN,
     {"auth.refresh",
      NULL,
      false,
      "The token once more, while its key works; 401 otherwise.",
      refresh,
      {{"refreshToken", API_TEXT, false, 0, 0, NULL, "the token"}, {"refresh_token", API_TEXT, false, 0, 0, NULL, "the same"}}}},
    {"POST",
     "auth/runtime-connection",
     0,
     {"auth.runtime-connection",
      "flows.manage",
      true,
      "A connection by which flows call this API with the key that is given.",
      runtime_connection,
      {{"token", API_TEXT, true, 0, 0, NULL, "the API key that the connection sends; it is stored as a secret"},
       {"baseUrl", API_TEXT, true, 0, 0, NULL, "the address of the API"},
       {"name", API_TEXT, false, 0, 200, NULL, "what people call the connection"},
       {"connectionId", API_TEXT, false, 0, 80, NULL, "changes this connection, in place of a new one; needs the scope connections.manage"},
       {"new", API_BOOL, false, 0, 0, NULL, "makes a new one all the same"},
       IGNORED("refreshToken"), IGNORED("refresh_token"), IGNORED("expiresAt"), IGNORED("secretId"), IGNORED("authMode"), IGNORED("capabilities"), IGNORED("force")}}},
    {0},
};
