/* api_triggers.c - triggers over REST (spec/http-api.md G2, G3, I): list, show, fire, secrets of webhooks; draft and trial requests; calls of
 * interfaces. See trigger.h and trigger_hook.h */
#include "runtime/engine/engine_int.h"
#include "runtime/trigger/trigger_hook.h"
#include "runtime/store/vault.h"
#include "runtime/net/webhook_auth.h"
#include "runtime/resource/resource.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 200, LIST_USUAL = 25, ID_MAX = 132 + TARGET_NAME + 146 };

/* --- one trigger as data ------------------------------------------------------------------------------------------------------------------ */
static void trigger_text(const ApiTarget *x, Val flow, const Trigger *t, char out[ID_MAX]) {
  Buf name = {0};
  trigger_name(flow, t, &name);
  snprintf(out, ID_MAX, "%s.%s.%s", x->flow, x->name, buf_cstr(&name));
  buf_free(&name);
}

static const char *shown_type(const Trigger *t) { return t->legacy && t->type == TRIGGER_WEBHOOK ? "event" : trigger_type_name(t->type); }

static Val shown_auth(Val auth) {
  static const char *const keys[] = {"location", "param", "header", "signature-header", "timestamp-header", "signature-format", "signature-prefix", "secret-ref"};
  ValVec m = {0};
  if (is_kw(auth)) auth = map_assoc(map_empty, kw_c("type"), auth);
  if (!is_map(auth)) return NIL;
  api_put(&m, "type", map_get_kw(auth, "type"));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) api_put(&m, keys[i], map_get_kw(auth, keys[i]));
  api_put(&m, "in", map_get_kw(auth, "location"));
  return api_map(&m);
}

static void put_schedule(ApiCall *c, const ApiTarget *x, const Trigger *t, ValVec *m) {
  char key[512];
  Val doc;
  DocRow d = {0};
  Err err = {0};
  snprintf(key, sizeof key, "%s/%s/%s/%s", c->workspace, x->flow, x->name, t->id);
  if (!store_doc_get(c->api->store, "", TRIGGER_SCHEDULES, key, &d, &err)) return;
  doc = api_doc_value(&d);
  Val last = map_get_kw(doc, "last-ms");
  if (d.at_ms != INT64_MAX) api_put(m, "nextAt", api_time(d.at_ms));
  if (is_long(last)) api_put(m, "lastAt", api_time(long_of(last)));
  api_put(m, "lastWorkflowId", map_get_kw(doc, "last-run"));
  api_put(m, "lastError", map_get_kw(doc, "last-error"));
  doc_row_free(&d);
}

static Val config_of(const ApiTarget *x, const Trigger *t) {
  ValVec m = {0};
  Buf path = {0};
  if (t->type == TRIGGER_WEBHOOK) {
    trigger_path(x, t, &path);
    api_put(&m, "path", buf_str(&path));
    api_put_text(&m, "source", "webhook");
    api_put_text(&m, "eventName", t->event);
  }
  buf_free(&path);
  static const char *const keys[] = {"cron", "preset", "timezone", "catch-up", "fields"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    Val v = map_get_kw(t->def, keys[i]);
    if (!is_nil(v)) api_put(&m, keys[i], api_shown(v));
  }
  api_put(&m, "auth", shown_auth(t->auth));
  if (!is_nil(t->input)) api_put(&m, "input", api_shown(t->input));
  return api_map(&m);
}

static bool works(const ApiTarget *x, const Trigger *t) {
  return t->type == TRIGGER_SCHEDULE ? api_target_schedule(x, t->id, t->enabled) : x->enabled && t->enabled;
}

static Val shown(ApiCall *c, const ApiTarget *x, Val flow, const Trigger *t) {
  char id[ID_MAX];
  ValVec m = {0};
  trigger_text(x, flow, t, id);
  api_put_text(&m, "id", id);
  api_put_text(&m, "triggerId", t->id);
  api_put_text(&m, "type", shown_type(t));
  api_put(&m, "label", is_str(t->label) ? t->label : str_c(t->id));
  api_put_text(&m, "flowSlug", x->flow);
  api_put_text(&m, "target", x->name);
  api_put(&m, "version", int_val(x->version));
  api_put(&m, "enabled", works(x, t) ? TRUE_V : FALSE_V);
  if (*t->invocation) api_put_text(&m, "invocation", t->invocation);
  api_put(&m, "config", config_of(x, t));
  if (t->type == TRIGGER_SCHEDULE) put_schedule(c, x, t, &m);
  if (t->type == TRIGGER_WEBHOOK && strcmp(x->name, "draft")) {
    Buf url = {0}, path = {0};
    buf_fmt(&url, "%s/%s/events/", c->api->engine->base_url ? c->api->engine->base_url : "", c->workspace);
    trigger_path(x, t, &path);
    resource_percent_path(&url, buf_cstr(&path));
    api_put(&m, "webhookUrl", buf_str(&url));
    buf_free(&path);
    buf_free(&url);
  }
  return api_map(&m);
}

/* --- list ----------------------------------------------------------------------------------------------------------------------------------- */
typedef struct Listing {
  ApiCall *c;
  const ApiTarget *x;
  Val flow; /* of x, read once for targets of one version */
  char hash[65];
  const char *type, *target, *after; /* after: id of the last one of the page before, until that is met; NULL */
  size_t limit;
  ValVec items;
  char last[ID_MAX];
  bool more, live;
  Err err;
} Listing;

static bool type_fits(const Listing *l, const Trigger *t) {
  return !l->type || !strcmp(l->type, shown_type(t)) || !strcmp(l->type, trigger_type_name(t->type));
}

static bool list_one(void *ctx, const Trigger *t) {
  Listing *l = ctx;
  char id[ID_MAX];
  if (!type_fits(l, t)) return true;
  trigger_text(l->x, l->flow, t, id);
  if (l->after) {
    if (!strcmp(l->after, id)) l->after = NULL;
    return true;
  }
  l->more = l->items.n == l->limit;
  if (l->more) return false;
  vv_push(&l->items, shown(l->c, l->x, l->flow, t));
  memcpy(l->last, id, sizeof id);
  return true;
}

static bool is_live(void *ctx, const ApiTarget *x) {
  *(bool *)ctx |= !strcmp(x->name, "live");
  return true;
}

/* Of a flow that is live its draft is only listed when that is asked for. */
static bool list_target(void *ctx, const ApiTarget *x) {
  Listing *l = ctx;
  Err err = {0};
  bool draft = !strcmp(x->name, "draft");
  if (l->target ? strcmp(l->target, x->name) != 0 : draft && l->live) return true;
  if (strcmp(l->hash, x->hash)) {
    snprintf(l->hash, sizeof l->hash, "%s", x->hash);
    if (!trigger_flow_map(l->c->api, x->hash, &l->flow, &err)) l->flow = NIL; /* a draft that does not read has none */
  }
  l->x = x;
  if (!is_nil(l->flow)) triggers_each(l->flow, list_one, l);
  return !l->more;
}

/* Where the cursor's trigger has gone meanwhile its flow is listed from the beginning: rather one twice than the rest never. */
static bool list_flow(Listing *l, const char *slug) {
  Api *a = l->c->api;
  l->live = false;
  bool ok = api_flow_targets_each(a, l->c->workspace, slug, is_live, &l->live, &l->err) &&
            api_flow_targets_each(a, l->c->workspace, slug, list_target, l, &l->err);
  if (!ok || !l->after) return ok && !l->more;
  l->after = NULL;
  return list_flow(l, slug);
}

static void list_flows(Listing *l, const char *from) {
  DocRow rows[32];
  char after[132];
  size_t n;
  if (*from && !list_flow(l, from)) return;
  snprintf(after, sizeof after, "%s", from);
  do {
    n = store_docs(l->c->api->store, l->c->workspace, "flow", "", after, rows, 32, &l->err);
    for (size_t i = 0; i < n; i++) {
      snprintf(after, sizeof after, "%s", rows[i].key);
      if (!l->more) list_flow(l, after);
      doc_row_free(&rows[i]);
    }
  } while (n == 32 && !l->more && !l->err.code);
}

/* "<slug>.<target>.<id>" */
static bool split(const char *id, char slug[132], char target[TARGET_NAME], const char **own) {
  const char *a = strchr(id, '.'), *b = a ? strchr(a + 1, '.') : NULL;
  if (!b || !b[1] || a == id || a - id >= 132 || b - a - 1 >= TARGET_NAME) return false;
  snprintf(slug, 132, "%.*s", (int)(a - id), id);
  snprintf(target, TARGET_NAME, "%.*s", (int)(b - a - 1), a + 1);
  *own = b + 1;
  return true;
}

static bool list(ApiCall *c) {
  char from[132] = "", target[TARGET_NAME];
  const char *own, *flow = api_text(c, "flow"), *cursor = api_text(c, "cursor");
  Listing l = {.c = c, .flow = NIL, .type = api_text(c, "type"), .target = api_text(c, "target"), .after = cursor, .limit = (size_t)api_int(c, "limit", LIST_USUAL)};
  ValVec m = {0};
  if (cursor && (!split(cursor, from, target, &own) || (flow && strcmp(flow, from))))
    return api_fail(c, 400, "bad_request", "cursor: send next-cursor of the page before");
  if (flow) list_flow(&l, flow);
  else list_flows(&l, from);
  if (l.err.code) return api_fail_err(c, &l.err);
  vv_push(&m, kw_c("triggers"));
  vv_push(&m, vec_from(l.items.a, l.items.n));
  api_put(&m, "has-more", l.more ? TRUE_V : FALSE_V);
  if (l.more) api_put_text(&m, "next-cursor", l.last);
  return api_ok(c, api_map(&m));
}

/* --- one ------------------------------------------------------------------------------------------------------------------------------------ */
typedef struct Which {
  ApiTarget target;
  Trigger trigger;
  Val flow;
  HookProof proof; /* of a caller whom its own :auth believes */
} Which;

static bool which(ApiCall *c, const char *slug, const char *target, const char *id, Which *w) {
  Err err = {0};
  bool there = api_target_find(c->api, c->workspace, slug, target, &w->target, &err);
  if (!there) return err.code && strcmp(err.code, "installation_not_found") ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "%s", err.msg);
  if (!trigger_flow_map(c->api, w->target.hash, &w->flow, &err)) return api_fail_err(c, &err);
  return trigger_named(w->flow, id, &w->trigger) || api_fail(c, 404, "not_found", "flow %s has no trigger %.130s on %s", slug, id, target);
}

static bool which_of_path(ApiCall *c, Which *w) {
  char slug[132], target[TARGET_NAME];
  const char *id = api_path(c, "id"), *own;
  if (!split(id, slug, target, &own)) return api_fail(c, 404, "not_found", "trigger not found: %.200s; ids are those of GET /api/triggers", id);
  return which(c, slug, target, own, w);
}

static bool show(ApiCall *c) {
  Which w = {.proof = {""}};
  if (!which_of_path(c, &w)) return false;
  ValVec m = {0};
  Val one = shown(c, &w.target, w.flow, &w.trigger);
  api_put(&m, "trigger", one);
  return api_ok(c, map_assoc(one, kw_c("trigger"), one));
}

/* --- starting ------------------------------------------------------------------------------------------------------------------------------- */
typedef struct Starting {
  ApiCall *c;
  const Which *w;
  ApiPending *pending;
} Starting;

static void also(void *ctx, Batch *b, const RunRow *row) {
  Starting *s = ctx;
  api_ok(s->c, hook_started(row, &s->w->target, &s->w->trigger));
  api_seal(s->c, b);
  hook_remember(s->c->api, b, s->c->workspace, &s->w->target, &s->w->trigger, &s->w->proof, row->run_id);
  if (s->pending) api_pend_answer(s->pending, s->c);
}

static void done(void *ctx, const char *error) { api_pend_done(ctx, error); }

static bool start(ApiCall *c, const Which *w, Val input) {
  Err err = {0};
  int64_t run;
  Val def;
  c->bare = false;
  if (!api_target_def(c, w->target.hash, &def) || !api_target_runs(c, &w->target, def)) return false;
  Starting s = {c, w, c->api->listener ? api_pend(c) : NULL};
  RunStart how = {.also = also, .ctx = &s, .done_ctx = s.pending};
  if (s.pending) how.done = done;
  if (trigger_start(c->api, c->workspace, &w->target, &w->trigger, c->key_id, input, &how, &run, &err)) return true;
  if (s.pending) api_pend_drop(s.pending);
  c->sealed = c->later = false;
  if (!strcmp(err.code, "invalid_input")) return api_fail(c, 400, "bad_request", "%s", err.msg);
  return api_fail_err(c, &err);
}

static bool fire(ApiCall *c) {
  Which w = {.proof = {""}};
  Val payload = is_nil(c->body) ? map_empty : c->body;
  if (!is_map(payload)) return api_fail(c, 400, "bad_request", "the payload must be a JSON object");
  return which_of_path(c, &w) && start(c, &w, map_merge(w.trigger.input, payload));
}

/* --- calls of interfaces --------------------------------------------------------------------------------------------------------------------- */
static bool callable(const Trigger *t) { return t->type == TRIGGER_HTTP || t->type == TRIGGER_MANUAL; }

static bool usable(const Which *w) { return w->trigger.enabled && w->target.enabled; }

static bool not_found(ApiCall *c) { return api_fail(c, 404, "not_found", "interface not found: %.130s", api_path(c, "id")); }

/* Its own :auth believes the caller, who has no key of ours. */
static bool own_auth(ApiCall *c, Which *w) {
  Err err = {0};
  Val type = is_map(w->trigger.auth) ? map_get_kw(w->trigger.auth, "type") : w->trigger.auth;
  return strcmp(w->target.name, "draft") && is_kw(type) && !kw_is(type, "workspace") && w->trigger.type == TRIGGER_HTTP &&
         hook_believed(c->api, c->workspace, &w->target, w->trigger.auth, c->request, &w->proof, NULL, &err);
}

/* The workspace that is meant when no key says it. */
static bool named_workspace(ApiCall *c, const char *ws) {
  if (!ws || !*ws) ws = listener_header(c->request, "x-breyta-workspace");
  if (!ws || !*ws || !api_workspace_there(c->api, ws) || strlen(ws) >= sizeof c->key_workspace) return false;
  snprintf(c->key_workspace, sizeof c->key_workspace, "%s", ws);
  c->workspace = c->key_workspace;
  return true;
}

static bool call_with_key(ApiCall *c, Which *w) {
  if (!api_workspace_enter(c, api_path(c, "ws"))) return false;
  if (!api_may(c, "flows.run")) return api_fail(c, 403, "forbidden", "this key may not do %s: it needs the scope flows.run", c->command->name);
  if (!which(c, api_path(c, "slug"), api_path(c, "target"), api_path(c, "id"), w)) return c->status == 404 ? not_found(c) : false;
  if (!callable(&w->trigger)) return not_found(c);
  return usable(w) || api_fail(c, 409, "interface_disabled", "the interface %s is switched off", w->trigger.id);
}

/* Who is not believed is not told what there is. */
static bool call_without(ApiCall *c, Which *w) {
  Err err = {0};
  bool there = named_workspace(c, api_path(c, "ws")) && which(c, api_path(c, "slug"), api_path(c, "target"), api_path(c, "id"), w);
  c->code = NULL;
  if (there && callable(&w->trigger) && usable(w) && own_auth(c, w))
    return !hook_replayed(c->api, c->workspace, &w->target, &w->trigger, &w->proof, &err) || api_fail(c, 409, err.code, "%s", err.msg);
  return api_fail(c, 401, "api_auth_required", "send an API key: Authorization: Bearer bsa_sak-..., or what the interface's :auth wants");
}

static bool call(ApiCall *c) {
  Which w = {.proof = {""}};
  c->bare = false;
  return (c->key_id ? call_with_key : call_without)(c, &w) && start(c, &w, api_arg(c, "input"));
}

/* --- drafts, and trying out -------------------------------------------------------------------------------------------------------------------- */
static bool draft(ApiCall *c) { return hook_draft(c, api_path(c, "path")); }
static bool validate(ApiCall *c) { return hook_validate(c, api_path(c, "path"), api_flag(c, "draft"), api_flag(c, "persist-resources")); }

/* --- the secret of a webhook ------------------------------------------------------------------------------------------------------------------- */
/* Where the target looks for the secret: what it calls so of its own, else the workspace's of that name (api_place.c). */
static void vault_name(ApiCall *c, const ApiTarget *x, const char *name, char out[VAULT_NAME_MAX + 1]) {
  char key[220];
  Val doc = NIL;
  int64_t rev;
  Err e = {0};
  snprintf(key, sizeof key, "%s/%s", x->flow, x->name);
  bool there = api_doc(c->api, c->workspace, "target", key, &doc, &rev, &e);
  Val own = there ? map_get(map_get_kw(doc, "secrets"), str_c(name), NIL) : NIL;
  snprintf(out, VAULT_NAME_MAX + 1, "%s", is_str(own) ? str_s(own) : name);
}

static bool new_secret(char out[72]) {
  uint8_t r[32];
  if (RAND_bytes(r, sizeof r) != 1) return false;
  int at = snprintf(out, 72, "whsec_");
  for (size_t i = 0; i < sizeof r; i++) at += snprintf(out + at, (size_t)(72 - at), "%02x", r[i]);
  OPENSSL_cleanse(r, sizeof r);
  return true;
}

static bool webhook_secret(ApiCall *c) {
  Which w = {.proof = {""}};
  Err err = {0};
  char name[VAULT_NAME_MAX + 1], secret[72];
  ValVec m = {0};
  if (!which_of_path(c, &w)) return false;
  const char *ref = is_map(w.trigger.auth) ? hook_auth_secret(w.trigger.auth, 0) : NULL;
  if (!ref) return api_fail(c, 400, "bad_request", "the trigger has no :auth with a :secret-ref, so there is no secret to make");
  if (!is_nil(map_get_kw(w.trigger.auth, "public-key-ref")))
    return api_fail(c, 400, "bad_request", "this webhook is verified with a public key: the sender has the secret, store its key under %s", ref);
  if (!new_secret(secret)) return api_fail(c, 503, "no_entropy", "the system gives no random numbers");
  vault_name(c, &w.target, ref, name);
  if (!vault_put(c->api->vault, c->workspace, name, secret, strlen(secret), DOC_ANY, NULL, &err)) return api_fail_err(c, &err);
  c->once = true;
  api_put(&m, "triggerId", str_c(api_path(c, "id")));
  api_put_text(&m, "secretRef", ref);
  api_put_text(&m, "secret", secret);
  OPENSSL_cleanse(secret, sizeof secret);
  return api_ok(c, api_map(&m));
}

#define CALL_ARGS {{"input", API_OBJECT, false, 0, 0, NULL, "what the invocation's inputs say"}}
#define CALL_DOC "Calls an interface of a flow: starts a run, which is durable when this is answered. By an API key, or what its :auth wants."

const ApiRoute api_trigger_routes[] = {
    {"GET",
     "triggers",
     0,
     {"triggers.list",
      "flows.read",
      false,
      "What starts runs: interfaces and schedules of what is live, and of drafts of flows that never were.",
      list,
      {{"flow", API_SLUG, false, 0, 0, NULL, "only of this flow"},
       {"type", API_TEXT, false, 0, 40, "manual|http|webhook|event|mcp|schedule", "only of this type"},
       {"target", API_TEXT, false, 0, TARGET_NAME, NULL, "only of draft, live or an installation"},
       {"cursor", API_TEXT, false, 0, ID_MAX, NULL, "next-cursor of the page before"},
       {"limit", API_INT, false, 1, LIST_MAX, NULL, "how many at once"}}}},
    {"GET", "triggers/{id}", 0, {"triggers.get", "flows.read", false, "One trigger; of a schedule also when it is due next and what it did last.", show, {{0}}}},
    {"POST",
     "triggers/{id}/fire",
     ROUTE_VALUE,
     {"triggers.fire", "flows.run", true, "Starts a run as the trigger would; the body is the payload. A schedule's :input lies under it.", fire, {{0}}}},
    {"POST",
     "triggers/{id}/webhook-secret",
     0,
     {"triggers.webhook-secret", "flows.manage", true, "Makes a new secret under the :secret-ref of a webhook, shown only here. The one before is no longer good.",
      webhook_secret, {{0}}}},
    {"POST", "events/draft/{path...}", ROUTE_BYTES, {"events.draft", "flows.run", false, "A request to a webhook of a draft, without its :auth.", draft, {{0}}}},
    {"POST",
     "events/validate/{path...}",
     ROUTE_BYTES,
     {"events.validate",
      "flows.run",
      true,
      "What a request to a webhook would give as input, and whether its :auth would believe it; nothing is started.",
      validate,
      {{"draft", API_BOOL, false, 0, 0, NULL, "the draft's webhook, in place of the live one"},
       {"persist-resources", API_BOOL, false, 0, 0, NULL, "files are stored, as they would be"}}}},
    {"POST", "flows/{slug}/interfaces/{target}/{id}", ROUTE_EITHER, {"interfaces.call", NULL, true, CALL_DOC, call, CALL_ARGS}},
    {"POST", "flows/{slug}/installations/{target}/interfaces/{id}", ROUTE_EITHER, {"interfaces.call_installed", NULL, true, CALL_DOC, call, CALL_ARGS}},
    {"POST", "workspaces/{ws}/flows/{slug}/interfaces/{target}/{id}", ROUTE_EITHER, {"workspaces.interfaces.call", NULL, true, CALL_DOC, call, CALL_ARGS}},
    {"POST",
     "workspaces/{ws}/flows/{slug}/installations/{target}/interfaces/{id}",
     ROUTE_EITHER,
     {"workspaces.interfaces.call_installed", NULL, true, CALL_DOC, call, CALL_ARGS}},
    {0},
};
