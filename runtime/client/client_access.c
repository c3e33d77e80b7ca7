/* client_access.c - see client_access.h */
#include "client_access.h"
#include "runtime/cli/cli.h"
#include "client_flows.h"
#include "reader/num.h"
#include "reader/map.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- auth ------------------------------------------------------------------------------------------------------------------------- */
static Val where_of(const ClientRun *r) {
  const ClientConfig *w = &r->where;
  Val m = client_put_text(client_put_text(NIL, "apiUrl", w->url), "apiUrlFrom", w->url_from);
  m = client_put_text(client_put_text(m, "workspaceId", w->workspace), "workspaceFrom", w->workspace_from);
  m = client_put_text(m, "caFile", w->ca_file);
  return client_put_text(client_put(m, "keyPresent", bool_val(w->key != NULL)), "keyFrom", w->key_from);
}

/* It is told, not judged: data.verify.success says whether the key is good. No server at all is a failure. */
int client_whoami(ClientRun *r) {
  ClientAnswer v, me;
  if (!client_get(r, "api/auth/verify", NIL, &v) && !v.status) return client_finish(r, &v);
  Val verify = client_at(v.body, "data");
  verify = client_put(is_map(verify) ? verify : NIL, "success", bool_val(v.ok && !same(client_at(verify, "success"), FALSE_V)));
  if (v.message) client_say("%s", v.message);
  Val data = client_put(where_of(r), "verify", verify);
  if (v.ok && client_get(r, "api/me", NIL, &me)) data = map_merge(data, client_at(me.body, "data"));
  return client_done(r, data);
}

static void now_text(char out[32]) {
  time_t t = time(NULL);
  struct tm tm;
  gmtime_r(&t, &tm);
  strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static bool keep_profile(const char *name, const ClientConfig *w, const char *workspace, Err *e) {
  Val config;
  if (!client_config_read(&config, e)) return false;
  Val all = client_at(config, "devProfiles"), one = is_map(all) ? map_get(all, client_key(name), NIL) : NIL;
  one = client_put_text(client_put_text(client_put_text(one, "apiUrl", w->url), "workspaceId", workspace), "token", w->key);
  one = client_put_text(one, "caFile", w->ca_file);
  return client_config_write(client_put(config, "devProfiles", map_assoc(is_map(all) ? all : map_empty, client_key(name), one)), e);
}

static bool keep_key(const char *store, const ClientConfig *w, const char *workspace, Err *e) {
  Val auth, config;
  char at[32];
  now_text(at);
  if (!client_auth_read(store, &auth, e) || !client_config_read(&config, e)) return false;
  Val tokens = client_at(auth, "tokens"), one = client_put_text(client_put_text(NIL, "token", w->key), "updatedAt", at);
  auth = client_put(auth, "tokens", map_assoc(is_map(tokens) ? tokens : map_empty, client_key(w->url), one));
  config = client_put_text(client_put_text(client_put_text(config, "apiUrl", w->url), "workspaceId", workspace), "caFile", w->ca_file);
  return client_auth_write(store, auth, e) && client_config_write(config, e);
}

static int remembered(ClientRun *r, Val me, const char *profile) {
  Err e = {0};
  const char *workspace = r->where.workspace ? r->where.workspace : client_text_at(me, "workspaces.0.id");
  bool ok = profile ? keep_profile(profile, &r->where, workspace, &e) : keep_key(client_text(r, "store"), &r->where, workspace, &e);
  if (!ok) return client_fail(r, e.code, "%s", e.msg);
  Val data = client_put_text(client_put_text(NIL, "apiUrl", r->where.url), "workspaceId", workspace);
  data = client_put_text(client_put(data, "user", client_at(me, "user")), "profile", profile);
  client_hint(r, "breyta flows list%s%s", profile ? " --profile " : "", profile ? profile : "");
  if (strcmp(client_text(r, "print"), "token")) return client_done(r, data);
  cli_out(r->where.key, strlen(r->where.key));
  cli_out("\n", 1);
  cli_out_flush();
  return EXIT_OK;
}

/* The key comes from where other commands have it from too, or from standard input; it is tried, then kept. */
int client_login(ClientRun *r) {
  Err e = {0};
  ClientAnswer me;
  const char *profile = r->said.profile;
  r->said.profile = NULL;
  if (client_flag(r, "key-stdin") || client_flag(r, "password-stdin")) r->said.api_key_file = "-";
  if (client_given(r, "password")) r->said.api_key = client_text(r, "password");
  if (!client_config(&r->said, &r->where, &e)) return client_fail(r, e.code, "%s", e.msg);
  if (!r->where.key)
    return client_usage(
        r,
        "no key: BREYTA_API_KEY, --api-key-file FILE or --key-stdin say which; the server prints the first one when it is started first");
  if (!client_get(r, "api/me", NIL, &me)) return client_finish(r, &me);
  return remembered(r, client_at(me.body, "data"), profile);
}

int client_logout(ClientRun *r) {
  Val auth;
  Err e = {0};
  const char *store = client_text(r, "store");
  if (!client_config(&r->said, &r->where, &e) || !client_auth_read(store, &auth, &e)) return client_fail(r, e.code, "%s", e.msg);
  Val tokens = client_at(auth, "tokens"), left = map_empty;
  uint32_t before = is_map(tokens) ? map_count(tokens) : 0;
  if (before && !client_flag(r, "all")) left = map_dissoc(tokens, client_key(r->where.url));
  uint32_t gone = before - map_count(left);
  if (gone && !client_auth_write(store, client_put(auth, "tokens", left), &e)) return client_fail(r, e.code, "%s", e.msg);
  return client_done(r, client_put(client_put_text(NIL, "apiUrl", r->where.url), "removed", fix((int)gone)));
}

int client_api_connection(ClientRun *r) {
  ClientAnswer a;
  if (!r->where.key) return client_usage(r, "no key: BREYTA_API_KEY or --api-key-file says which one flows shall use");
  r->args = client_put_text(client_put_text(r->args, "token", r->where.key), "authMode", "service-account");
  if (!client_given(r, "base-url")) r->args = client_put_text(r->args, "baseUrl", r->where.url);
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- workspaces ------------------------------------------------------------------------------------------------------------------- */
static Val workspace_in(Val me, const char *id) {
  Val all = client_at(me, "workspaces");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    const char *s = client_text_at(vec_nth(all, i), "id");
    if (s && (!id || !strcmp(s, id))) return vec_nth(all, i);
  }
  return NIL;
}

/* The workspace `id`, NULL: the one that counts; nil: told. */
static Val find_workspace(ClientRun *r, const char *id) {
  ClientAnswer me;
  if (!client_get(r, "api/me", NIL, &me)) return client_finish(r, &me), NIL;
  Val ws = workspace_in(client_at(me.body, "data"), id);
  client_answer_free(&me);
  if (is_nil(ws))
    client_fail(r, "not_found", "this key reaches no workspace %.200s; `breyta workspaces list` says which", id ? id : "at all");
  return ws;
}

int client_workspaces_show(ClientRun *r) {
  Val ws = find_workspace(r, client_text(r, "<workspace-id>"));
  return is_nil(ws) ? EXIT_FAILED : client_done(r, client_put(NIL, "workspace", ws));
}

int client_workspaces_current(ClientRun *r) {
  Val ws = find_workspace(r, r->where.workspace);
  if (is_nil(ws)) return EXIT_FAILED;
  return client_done(r, client_put_text(client_put(NIL, "workspace", ws), "from", r->where.workspace_from));
}

int client_workspaces_use(ClientRun *r) {
  Val ws = find_workspace(r, client_text(r, "<workspace-id>")), config;
  Err e = {0};
  if (is_nil(ws)) return EXIT_FAILED;
  if (!client_config_read(&config, &e)) return client_fail(r, e.code, "%s", e.msg);
  config = client_put(config, "workspaceId", client_at(ws, "id"));
  if (!client_config_write(config, &e)) return client_fail(r, e.code, "%s", e.msg);
  if (!strcmp(r->where.workspace_from, "BREYTA_WORKSPACE")) client_say("%s", "BREYTA_WORKSPACE is set and counts before the configuration");
  return client_done(r, client_put(NIL, "workspace", ws));
}

int client_members(ClientRun *r) {
  ClientAnswer a;
  const char *format = client_text(r, "format");
  if (!r->where.workspace) {
    Val ws = find_workspace(r, NULL);
    if (is_nil(ws)) return EXIT_FAILED;
    r->path = client_put(r->path, "ws", client_at(ws, "id"));
  } else
    r->path = client_put_text(r->path, "ws", r->where.workspace);
  if (!client_send(r, &a) || (format && !strcmp(format, "json"))) return client_finish(r, &a);
  Val items = client_at(a.body, "data.items");
  Buf b = {0};
  for (uint32_t i = 0; is_vec(items) && i < vec_count(items); i++) {
    Val m = vec_nth(items, i);
    const char *id = client_text_at(m, "userId"), *role = client_text_at(m, "role"), *name = client_text_at(m, "name");
    buf_fmt(&b, "%-40s %-10s %s\n", id ? id : "", role ? role : "", name ? name : "");
  }
  cli_out(b.n ? b.p : "", b.n);
  cli_out_flush();
  buf_free(&b);
  client_answer_free(&a);
  return EXIT_OK;
}

int client_secret_set(ClientRun *r) {
  ClientAnswer a;
  if (is_nil(client_at(r->args, "value")))
    return client_usage(r, "the value comes from --value-file FILE (- is standard input) or --value-env NAME, so that nobody else sees it");
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- connections ------------------------------------------------------------------------------------------------------------------ */
int client_connections_test(ClientRun *r) {
  ClientAnswer a;
  Client *c = client_of(r);
  const char *id = client_text(r, "[id]");
  bool all = client_flag(r, "all");
  Buf path = {0};
  if (!c) return EXIT_FAILED;
  if (!id == !all) return client_usage(r, "a connection's id, or --all");
  buf_c(&path, "api/connections");
  if (id) client_segment(&path, id);
  buf_c(&path, "/test");
  Val body = all ? client_put(client_put(NIL, "all", TRUE_V), "onlyFailing", bool_val(client_flag(r, "only-failing"))) : map_empty;
  client_rest(
      c, &(ClientRequest){.method = "POST", .path = buf_cstr(&path), .query = NIL, .body = body, .timeout_ms = r->command->timeout_ms}, &a);
  buf_free(&path);
  bool bad = client_int_at(a.body, "data.summary.failed", 0) > 0;
  int status = client_finish(r, &a);
  return bad ? EXIT_FAILED : status;
}

int client_connections_call(ClientRun *r) {
  ClientAnswer a;
  client_send(r, &a);
  bool bad = same(client_at(a.body, "data.success"), FALSE_V);
  int status = client_finish(r, &a);
  return bad ? EXIT_FAILED : status;
}
