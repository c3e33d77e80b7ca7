/* api_workspaces.c - the workspaces of the server: which a caller reaches, their members, making one. */
#include "api.h"
#include "api_target.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

bool api_workspace_name(const char *s) {
  static const char *const taken[] = {"api", "cli", "metrics", "healthz", "readyz", "docs"};
  size_t n = strlen(s);
  if (!n || n > NAME_MAX_BYTES || !isalnum((unsigned char)*s)) return false;
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (!strcasecmp(s, taken[i])) return false;
  return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

bool api_workspace_there(Api *a, const char *id) {
  DocRow d = {0};
  Err err = {0};
  bool there = store_doc_get(a->store, "", "workspace", id, &d, &err);
  doc_row_free(&d);
  return there;
}

static bool put_workspace(Batch *b, const char *id, const char *name, const char *by) {
  ValVec m = {0};
  api_put_text(&m, "id", id);
  api_put_text(&m, "name", name);
  api_put_text(&m, "by", by);
  api_put(&m, "created-ms", int_val(now_ms()));
  return api_doc_put(b, "", "workspace", id, api_map(&m), DOC_NEW, now_ms(), 0);
}

bool api_workspace_make(Api *a, const char *id, Err *err) {
  if (api_workspace_there(a, id)) return true;
  Batch *b = batch_new();
  put_workspace(b, id, id, NULL);
  return store_submit_wait(a->store, b, err);
}

bool api_workspace_enter(ApiCall *c, const char *ws) {
  if (!ws || !*ws || !strcmp(ws, c->workspace)) return true;
  if (api_may(c, "server.admin") && api_workspace_there(c->api, ws)) {
    snprintf(c->key_workspace, sizeof c->key_workspace, "%s", ws);
    return true;
  }
  return api_fail(c, 403, "forbidden", "the key is not a workspace member of %.100s", ws);
}

/* --- who am I ---------------------------------------------------------------------------------------------------------------------- */
static const char *role(const ApiCall *c) { return api_may(c, "workspace.full") ? "admin" : "member"; }

static bool put_one(ApiCall *c, const char *id, ValVec *all) {
  Val w = NIL;
  int64_t rev;
  Err err = {0};
  ValVec m = {0};
  if (!api_doc(c->api, "", "workspace", id, &w, &rev, &err) && err.code) return api_fail_err(c, &err);
  Val name = map_get_kw(w, "name");
  api_put_text(&m, "id", id);
  api_put(&m, "name", is_str(name) ? name : str_c(id));
  api_put_text(&m, "role", role(c));
  vv_push(all, api_map(&m));
  return true;
}

typedef struct Reached {
  ApiCall *c;
  ValVec all;
} Reached;
static bool reach(void *ctx, const char *id) {
  Reached *r = ctx;
  return put_one(r->c, id, &r->all);
}

static bool me(ApiCall *c) {
  ValVec m = {0}, user = {0};
  Reached r = {.c = c};
  Err err = {0};
  bool all = api_may(c, "server.admin");
  if (all ? !api_workspaces_each(c->api, reach, &r, &err) : !put_one(c, c->workspace, &r.all))
    return c->code ? false : api_fail_err(c, &err);
  if (c->code) return false;
  api_put_text(&user, "id", c->key_id);
  api_put_text(&user, "name", c->key_name);
  api_put(&m, "user", api_map(&user));
  api_put(&m, "workspaces", vec_from(r.all.a, r.all.n));
  return api_ok(c, api_map(&m));
}

/* --- members ------------------------------------------------------------------------------------------------------------------------ */
static Val member(const char *id, Val account) {
  ValVec m = {0};
  ApiCall as = {.capabilities = map_get_kw(account, "capabilities")};
  api_put_text(&m, "userId", id);
  api_put_text(&m, "role", role(&as));
  api_put(&m, "name", map_get_kw(account, "name"));
  api_put_text(&m, "email", "");
  api_put(&m, "status", map_get_kw(account, "status"));
  return api_map(&m);
}

static bool members(ApiCall *c) {
  DocRow rows[32];
  Err err = {0};
  ValVec items = {0}, m = {0};
  char after[64] = "";
  size_t n;
  const char *only = api_text(c, "role");
  if (!api_workspace_enter(c, api_path(c, "ws"))) return false;
  do {
    n = store_docs(c->api->store, c->workspace, "service-account", "", after, rows, 32, &err);
    for (size_t i = 0; i < n; i++) {
      Val one = member(rows[i].key, api_doc_value(&rows[i]));
      if (!only || str_eq_c(map_get_kw(one, "role"), only)) vv_push(&items, one);
      snprintf(after, sizeof after, "%s", rows[i].key);
      doc_row_free(&rows[i]);
    }
  } while (n == 32);
  if (err.code) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&m, "includePending", api_flag(c, "include-pending") ? TRUE_V : FALSE_V);
  return api_ok(c, api_map(&m));
}

/* --- a new one ----------------------------------------------------------------------------------------------------------------------- */
static bool bootstrap(ApiCall *c) {
  const char *id = api_text(c, "workspaceId"), *name = api_text(c, "name");
  ValVec m = {0};
  if (!api_workspace_name(id))
    return api_fail(
        c, 400, "bad_request",
        "workspaceId: a letter or digit, then letters, digits, - and _, at most 64 in all, and not a word that URLs here begin with");
  bool there = api_workspace_there(c->api, id), mine = !strcmp(id, c->workspace);
  if (!mine && !api_may(c, "server.admin"))
    return api_fail(c, 403, "forbidden", "only a key with the scope server.admin makes workspaces; this one belongs to %s", c->workspace);
  if (!there && !put_workspace(api_batch(c), id, name ? name : id, c->key_id))
    return api_fail(c, 500, "internal", "the workspace cannot be stored");
  api_put(&m, "ok", TRUE_V);
  api_put_text(&m, "workspaceId", id);
  api_put(&m, "created", there ? FALSE_V : TRUE_V);
  api_put(&m, "member", TRUE_V);
  api_put_text(&m, "role", role(c));
  return api_ok(c, api_map(&m));
}

const ApiRoute api_workspace_routes[] = {
    {"GET", "me", 0, {"me", NULL, false, "The caller and the workspaces that it can reach.", me, {{0}}}},
    {"GET",
     "workspaces/{ws}/members",
     0,
     {"workspaces.members",
      "workspace.full",
      false,
      "Who may act in a workspace: its service accounts. A role is admin for those with workspace.full, else member.",
      members,
      {{"role", API_TEXT, false, 0, 0, "admin|member|creator|billing|user", "only these"},
       {"include-pending", API_BOOL, false, 0, 0, NULL, "invited ones, too; there are none here"}}}},
    {"POST",
     "debug/workspace/bootstrap",
     0,
     {"workspaces.bootstrap",
      NULL,
      true,
      "Makes a workspace unless it is there; for keys with the scope server.admin.",
      bootstrap,
      {{"workspaceId", API_TEXT, true, 0, 200, NULL, "its id, a part of URLs"},
       {"name", API_TEXT, false, 0, 200, NULL, "its name for people"}}}},
    {0},
};
