/* api_installs.c - installations: a flow set up once more, with a version policy, bindings, inputs and an off switch of its own.
 *
 * An installation follows what is promoted for all (policy track-latest) or stays at a version (pinned). It is made switched off, set up,
 * and then switched on. Deleted ones leave the history of their runs. */
#include "api_configure.h"
#include "runtime/store/conn_store.h"
#include "runtime/base/hash.h"
#include "runtime/resource/resource.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_str(v) ? str_s(v) : "";
}

/* --- shown
 * -------------------------------------------------------------------------------------------------------------------------------- */
static bool flow_of(ApiCall *c, const char *slug, Val *flow, int64_t *rev) {
  Err err = {0};
  if (api_doc(c->api, c->workspace, "flow", slug, flow, rev, &err)) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "flow not found: %.130s", slug);
}

static bool install_of(ApiCall *c, Val *doc, int64_t *rev) {
  Err err = {0};
  const char *id = api_text(c, "profileId");
  *doc = api_installation(c->api, c->workspace, id, rev, &err);
  if (is_map(*doc)) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "installation_not_found", "installation not found: %.80s", id);
}

static void put_install(ValVec *m, Val i, int64_t version) {
  api_put(m, "profileId", map_get_kw(i, "id"));
  api_put(m, "installationId", map_get_kw(i, "id"));
  api_put(m, "flowSlug", map_get_kw(i, "flow"));
  api_put(m, "sourceFlowSlug", map_get_kw(i, "flow"));
  api_put(m, "name", map_get_kw(i, "name"));
  api_put(m, "enabled", same(map_get_kw(i, "enabled"), TRUE_V) ? TRUE_V : FALSE_V);
  api_put(m, "policy", map_get_kw(i, "policy"));
  if (version) api_put(m, "version", int_val(version)), api_put(m, "installedVersion", int_val(version));
  api_put(m, "createdAt", api_time(api_number(i, "created-ms")));
  api_put(m, "updatedAt", api_time(api_number(i, "updated-ms")));
}

static bool answer(ApiCall *c, Val i) {
  Val flow;
  int64_t rev;
  ValVec one = {0}, m = {0};
  if (!flow_of(c, text(i, "flow"), &flow, &rev)) return false;
  int64_t version = api_installation_version(flow, i);
  put_install(&one, i, version);
  put_install(&m, i, version);
  api_put(&m, "instance", api_map(&one));
  api_put(&m, "installation", api_map(&one));
  return api_ok(c, api_map(&m));
}

static bool save(ApiCall *c, Val i, int64_t rev) {
  i = map_assoc(i, kw_c("updated-ms"), int_val(now_ms()));
  if (!api_doc_put(api_batch(c), c->workspace, "installation", text(i, "id"), i, rev, now_ms(), 0))
    return api_fail(c, 500, "internal", "the installation cannot be stored");
  return answer(c, i);
}

/* --- making and changing
 * -------------------------------------------------------------------------------------------------------------------- */
static bool can_be_on(ApiCall *c, const char *slug, const char *id) {
  ApiTarget t;
  Val def;
  Err err = {0};
  if (!api_target_find(c->api, c->workspace, slug, id, &t, &err)) return api_fail_err(c, &err);
  t.enabled = true;
  return api_target_def(c, t.hash, &def) && api_target_runs(c, &t, def);
}

static bool policy_of(ApiCall *c, Val flow, Val *i) {
  const char *policy = api_text(c, "policy");
  int64_t version = api_int(c, "version", 0), rev;
  Err err = {0};
  Val v;
  char key[160];
  if (version && policy && strcmp(policy, "pinned"))
    return api_fail(c, 400, "bad_request", "version goes with the policy pinned; track-latest follows what is promoted");
  *i = map_assoc(*i, kw_c("policy"), str_c(policy ? policy : version ? "pinned" : "track-latest"));
  if (!version) version = api_installation_version(flow, NIL);
  if (!version) return api_fail(c, 409, "not_released", "flow %s has no released version; release one first", text(flow, "slug"));
  snprintf(key, sizeof key, "%s/%010lld", text(flow, "slug"), (long long)version);
  if (!api_doc(c->api, c->workspace, "flow-version", key, &v, &rev, &err))
    return err.code ? api_fail_err(c, &err)
                    : api_fail(c, 404, "not_found", "flow %s has no version %lld", text(flow, "slug"), (long long)version);
  *i = map_assoc(*i, kw_c("version"), int_val(version));
  return true;
}

static bool create(ApiCall *c) {
  uint8_t bytes[8];
  Buf id = {0};
  Val flow, i = map_empty;
  int64_t rev;
  const char *slug = api_text(c, "flowSlug"), *name = api_text(c, "name");
  if (!flow_of(c, slug, &flow, &rev) || !policy_of(c, flow, &i)) return false;
  hash_random(bytes, sizeof bytes);
  buf_c(&id, "inst-");
  hash_hex(bytes, sizeof bytes, &id);
  i = map_assoc(i, kw_c("id"), str_c(buf_cstr(&id)));
  buf_free(&id);
  i = map_assoc(i, kw_c("flow"), str_c(slug));
  i = map_assoc(i, kw_c("name"), str_c(name && *name ? name : slug));
  i = map_assoc(i, kw_c("enabled"), FALSE_V);
  i = map_assoc(i, kw_c("created-ms"), int_val(now_ms()));
  i = map_assoc(i, kw_c("by"), str_c(c->key_id));
  if (!api_flag(c, "enabled")) return save(c, i, DOC_NEW);
  ApiTarget t = {.version = api_number(i, "version"), .enabled = true, .schedules = map_empty, .activation = map_empty};
  Val def;
  Err err = {0};
  char *hash = NULL;
  snprintf(t.flow, sizeof t.flow, "%s", slug);
  snprintf(t.name, sizeof t.name, "%s", text(i, "id"));
  if (!api_flow_source(c->api, c->workspace, slug, "active", t.version, &hash, &t.version, &err)) return api_fail_err(c, &err);
  bool ready = api_target_def(c, hash, &def) && api_target_runs(c, &t, def);
  free(hash);
  return ready && save(c, map_assoc(i, kw_c("enabled"), TRUE_V), DOC_NEW);
}

/* As a profile: {flow-slug profile-type bindings config version name}; of type draft it is the draft's setup. */
static bool create_profile(ApiCall *c) {
  const char *slug = api_text(c, "flow-slug"), *type = api_text(c, "profile-type");
  ApiConfiguring k;
  if (!slug) return api_fail(c, 400, "bad_request", "flow-profiles: flow-slug says of which flow");
  bool draft = type && !strcmp(type, "draft");
  if (draft) c->args = map_dissoc(c->args, kw_c("version"));
  if (!api_configure_open(c, slug, draft ? "draft" : "live", &k)) return false;
  if (draft) return api_configure_apply(c, &k) && api_ok(c, map_assoc(map_empty, kw_c("profile-id"), str_fmt("draft-%s", slug)));
  c->args = map_assoc(c->args, kw_c("flowSlug"), str_c(slug));
  if (!create(c)) return false;
  Val id = map_get_kw(c->data, "profileId");
  snprintf(k.t.name, sizeof k.t.name, "%s", str_s(id));
  k.doc = map_empty;
  k.rev = DOC_NEW;
  c->data = map_assoc(c->data, kw_c("profile-id"), id);
  return api_configure_apply(c, &k) && (c->status = 201);
}

const ApiRoute api_install_routes[] = {
    {"POST",
     "flow-profiles",
     0,
     {"flow-profiles.create",
      "flows.manage",
      true,
      "Makes an installation with its bindings, or sets up the draft.",
      create_profile,
      {{"flow-slug", API_SLUG, true, 0, 0, NULL, "the flow"},
       {"profile-type", API_TEXT, false, 0, 0, "prod|draft", "an installation, or the draft"},
       {"bindings", API_OBJECT, false, 0, 0, NULL, "slot: connection id, or {\"connectionId\": id}"},
       {"config", API_OBJECT, false, 0, 0, NULL, "accepted"},
       {"version", API_INT, false, 1, INT32_MAX, NULL, "stay at this one"},
       {"name", API_TEXT, false, 0, 200, NULL, "its name for people"}}}},
    {0},
};

static bool rename_it(ApiCall *c) {
  Val i;
  int64_t rev;
  if (!install_of(c, &i, &rev)) return false;
  if (!*api_text(c, "name")) return api_fail(c, 400, "bad_request", "name must not be empty");
  return save(c, map_assoc(i, kw_c("name"), api_arg(c, "name")), rev);
}

static bool set_enabled(ApiCall *c) {
  Val i;
  int64_t rev;
  if (!install_of(c, &i, &rev)) return false;
  if (api_flag(c, "enabled") && !can_be_on(c, text(i, "flow"), text(i, "id"))) return false;
  return save(c, map_assoc(i, kw_c("enabled"), api_arg(c, "enabled")), rev);
}

static bool set_inputs(ApiCall *c) {
  Val i;
  int64_t rev;
  if (!install_of(c, &i, &rev)) return false;
  ApiConfiguring k;
  return api_configure_open(c, text(i, "flow"), text(i, "id"), &k) && api_configure_apply(c, &k) && answer(c, i);
}

static bool delete (ApiCall *c) {
  Val i;
  int64_t rev;
  ValVec m = {0};
  if (!install_of(c, &i, &rev)) return false;
  api_doc_del(api_batch(c), c->workspace, "installation", text(i, "id"), rev);
  if (!api_configure_forget(c, text(i, "flow"), text(i, "id"))) return false;
  api_put(&m, "deleted", TRUE_V);
  api_put(&m, "profileId", map_get_kw(i, "id"));
  return api_ok(c, api_map(&m));
}

/* --- looking
 * ------------------------------------------------------------------------------------------------------------------------------------ */
typedef struct Listing {
  ApiCall *c;
  ValVec items;
  size_t limit;
  const char *after;
  char last[80];
  bool more;
} Listing;

static bool take(void *ctx, const char *id, Val i) {
  Listing *l = ctx;
  Val flow = NIL;
  int64_t rev;
  Err err = {0};
  if (l->after && strcmp(id, l->after) <= 0) return true;
  if (l->items.n == l->limit) return l->more = true, false;
  api_doc(l->c->api, l->c->workspace, "flow", text(i, "flow"), &flow, &rev, &err);
  ValVec one = {0};
  put_install(&one, i, is_map(flow) ? api_installation_version(flow, i) : 0);
  vv_push(&l->items, api_map(&one));
  snprintf(l->last, sizeof l->last, "%s", id);
  return true;
}

static bool list(ApiCall *c) {
  Listing l = {.c = c, .limit = (size_t)api_int(c, "limit", API_PAGE), .after = api_text(c, "cursor")};
  ValVec m = {0}, meta = {0};
  Err err = {0};
  Val flow;
  int64_t rev;
  const char *slug = api_text(c, "flowSlug");
  if (!slug) slug = api_text(c, "sourceFlowSlug");
  if (!slug) slug = api_text(c, "workspaceFlowSlug");
  if (!slug && !api_flag(c, "allFlows") && !api_flag(c, "all"))
    return api_fail(c, 400, "bad_request", "flows.installations.list needs flowSlug, or allFlows true");
  if (slug && !flow_of(c, slug, &flow, &rev)) return false;
  if (!api_installations_each(c->api, c->workspace, slug, take, &l, &err)) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(l.items.a, l.items.n));
  api_put(&meta, "hasMore", l.more ? TRUE_V : FALSE_V);
  if (l.more) api_put_text(&meta, "nextCursor", l.last);
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

/* The definition at its version. */
static bool its_def(ApiCall *c, Val i, ApiTarget *t, Val *def) {
  Err err = {0};
  if (!api_target_find(c->api, c->workspace, text(i, "flow"), text(i, "id"), t, &err)) return api_fail_err(c, &err);
  return api_target_def(c, t->hash, def);
}

static Val name_text(Val v) { return is_kw(v) ? str_c(kw_text(v)) : is_str(v) ? v : NIL; }

static Val fields_of(Val def, Val invocation) {
  Val invocations = map_get_kw(def, "invocations"),
      all = is_map(invocations) ? map_get_kw(map_get(invocations, invocation, NIL), "inputs") : NIL;
  ValVec out = {0};
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val f = vec_nth(all, i);
    ValVec m = {0};
    api_put(&m, "name", name_text(map_get_kw(f, "name")));
    api_put(&m, "type", name_text(map_get_kw(f, "type")));
    api_put(&m, "required", truthy(map_get_kw(f, "required")) ? TRUE_V : FALSE_V);
    api_put(&m, "multiple", truthy(map_get_kw(f, "multiple")) ? TRUE_V : FALSE_V);
    vv_push(&out, api_map(&m));
  }
  return vec_from(out.a, out.n);
}

static Val webhook_of(const ApiCall *c, const ApiTarget *t, Val def, Val one, const char *event) {
  ValVec m = {0};
  Buf endpoint = {0};
  Val path = str_fmt("webhooks/%s/%s/%s", t->flow, event, t->name);
  api_put(&m, "eventPath", path);
  buf_fmt(&endpoint, "/%s/events/", c->workspace);
  resource_percent_path(&endpoint, str_s(path));
  api_put(&m, "endpoint", buf_str(&endpoint));
  buf_free(&endpoint);
  api_put(&m, "fields", fields_of(def, map_get_kw(one, "invocation")));
  return api_map(&m);
}

static bool switched_on(Val one) { return !same(map_get_kw(one, "enabled"), FALSE_V); }

static Val surface(const ApiCall *c, const ApiTarget *t, Val def, Val one, const char *kind) {
  ValVec m = {0};
  Val id = name_text(map_get_kw(one, "id")), event = name_text(map_get_kw(one, "event-name"));
  if (is_nil(id)) id = name_text(map_get_kw(one, "tool-name"));
  if (is_nil(event)) event = id;
  bool hook = !strcmp(kind, "webhook") && is_str(event);
  api_put(&m, "id", id);
  api_put(&m, "triggerId", is_str(id) ? str_fmt("%s/%s/%s/%s", t->flow, t->name, kind, str_s(id)) : NIL);
  api_put_text(&m, "type", kind);
  api_put(&m, "label", map_get_kw(one, "label"));
  api_put(&m, "invocation", name_text(map_get_kw(one, "invocation")));
  api_put(&m, "enabled", t->enabled && switched_on(one) ? TRUE_V : FALSE_V);
  if (hook) api_put(&m, "eventName", event);
  if (hook) api_put(&m, "webhook", webhook_of(c, t, def, one, str_s(event)));
  if (!strcmp(kind, "http") && is_str(id))
    api_put(&m, "endpoint", str_fmt("/api/flows/%s/installations/%s/interfaces/%s", t->flow, t->name, str_s(id)));
  return api_map(&m);
}

static void interfaces(const ApiCall *c, const ApiTarget *t, Val def, ValVec *out) {
  static const char *const kinds[] = {"manual", "http", "webhook", "mcp"};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    Val all = map_get_kw(map_get_kw(def, "interfaces"), kinds[k]);
    for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) vv_push(out, surface(c, t, def, vec_nth(all, i), kinds[k]));
  }
}

static void schedules(const ApiTarget *t, Val def, ValVec *out) {
  Val all = map_get_kw(def, "schedules");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val one = vec_nth(all, i), id = name_text(map_get_kw(one, "id"));
    ValVec m = {0};
    if (!is_str(id)) continue;
    api_put(&m, "triggerId", str_fmt("%s/%s/schedule/%s", t->flow, t->name, str_s(id)));
    api_put_text(&m, "type", "schedule");
    api_put(&m, "id", id);
    api_put(&m, "label", map_get_kw(one, "label"));
    api_put(&m, "cron", map_get_kw(one, "cron"));
    api_put(&m, "timezone", map_get_kw(one, "timezone"));
    api_put(&m, "enabled", api_target_schedule(t, str_s(id), switched_on(one)) ? TRUE_V : FALSE_V);
    vv_push(out, api_map(&m));
  }
}

static bool items_answer(ApiCall *c, const ValVec *items, Val i) {
  ValVec m = {0};
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items->a, items->n));
  api_put(&m, "profileId", map_get_kw(i, "id"));
  api_put(&m, "flowSlug", map_get_kw(i, "flow"));
  return api_ok(c, api_map(&m));
}

static bool triggers_or_surfaces(ApiCall *c, bool with_schedules) {
  Val i, def;
  int64_t rev;
  ApiTarget t;
  ValVec items = {0};
  if (!install_of(c, &i, &rev) || !its_def(c, i, &t, &def)) return false;
  interfaces(c, &t, def, &items);
  if (with_schedules) schedules(&t, def, &items);
  return items_answer(c, &items, i);
}
static bool triggers(ApiCall *c) { return triggers_or_surfaces(c, true); }
static bool surfaces(ApiCall *c) { return triggers_or_surfaces(c, false); }

static bool get(ApiCall *c) {
  Val i, def;
  int64_t rev;
  ApiTarget t;
  ApiSetup s;
  ValVec items = {0}, surf = {0};
  if (!install_of(c, &i, &rev) || !its_def(c, i, &t, &def) || !answer(c, i)) return false;
  interfaces(c, &t, def, &items);
  api_setup(c->api, c->workspace, &t, def, &s);
  vv_push(&surf, kw_c("items"));
  vv_push(&surf, vec_from(items.a, items.n));
  c->data = map_assoc(c->data, kw_c("surfaces"), api_map(&surf));
  c->data = map_assoc(c->data, kw_c("ready"), vec_count(s.slots) || vec_count(s.fields) ? FALSE_V : TRUE_V);
  c->data = map_assoc(c->data, kw_c("missingBindings"), s.slots);
  c->data = map_assoc(c->data, kw_c("missingActivation"), s.fields);
  return true;
}

/* --- its runs
 * ------------------------------------------------------------------------------------------------------------------------------------- */
enum { RUN_WINDOW = 128, RUN_WINDOWS = 512, RUN_STATUSES = 16 };
typedef struct RunsOf {
  const ApiCall *c;
  const char *id;
  int64_t by[RUN_STATUSES], total;
  ValVec events;
  size_t limit;
  bool cut;
} RunsOf;

static void put_event(RunsOf *r, int64_t at, const char *type, const RunRow *row) {
  ValVec m = {0};
  if (r->events.n >= r->limit) return;
  api_put(&m, "at", api_time(at));
  api_put_text(&m, "type", type);
  api_put_text(&m, "workflowId", row->run_id);
  api_put(&m, "version", int_val(row->version));
  vv_push(&r->events, api_map(&m));
}

static void take_run(RunsOf *r, const RunRow *row) {
  char type[64];
  r->by[row->status]++;
  r->total++;
  snprintf(type, sizeof type, "run_%s", run_status_name(row->status));
  if (run_status_final(row->status)) put_event(r, row->finished_ms, type, row);
  put_event(r, row->created_ms, "run_started", row);
}

/* Newest first, as many as are looked at in one call. */
static bool runs_of(ApiCall *c, RunsOf *r, Err *err) {
  RunRow rows[RUN_WINDOW];
  RunQuery q = {.workspace = c->workspace, .installation = r->id};
  int64_t before = INT64_MAX;
  size_t n = RUN_WINDOW;
  for (int w = 0; w < RUN_WINDOWS && n == RUN_WINDOW && !err->code; w++) {
    n = store_runs_newest(c->api->store, &q, before, rows, RUN_WINDOW, err);
    for (size_t i = 0; i < n; i++) {
      before = rows[i].run;
      take_run(r, &rows[i]);
      run_row_free(&rows[i]);
    }
  }
  r->cut = n == RUN_WINDOW;
  return !err->code || api_fail_err(c, err);
}

static bool stats(ApiCall *c) {
  Val i;
  int64_t rev;
  Err err = {0};
  ValVec m = {0}, by = {0};
  RunsOf r = {.c = c, .id = api_text(c, "profileId")};
  if (!install_of(c, &i, &rev) || !runs_of(c, &r, &err)) return false;
  for (int s = 0; s < RUN_STATUSES; s++)
    if (r.by[s]) api_put(&by, run_status_name((enum RunStatus)s), int_val(r.by[s]));
  api_put(&m, "profileId", map_get_kw(i, "id"));
  api_put(&m, "flowSlug", map_get_kw(i, "flow"));
  api_put(&m, "totalRuns", int_val(r.total));
  vv_push(&m, kw_c("byStatus"));
  vv_push(&m, api_map(&by));
  api_put(&m, "onlyRecent", r.cut ? TRUE_V : FALSE_V);
  return api_ok(c, api_map(&m));
}

static bool events(ApiCall *c) {
  Val i;
  int64_t rev;
  Err err = {0};
  RunsOf r = {.c = c, .id = api_text(c, "profileId"), .limit = (size_t)api_int(c, "limit", API_PAGE)};
  return install_of(c, &i, &rev) && runs_of(c, &r, &err) && items_answer(c, &r.events, i);
}

/* --- promoted for all
 * -------------------------------------------------------------------------------------------------------------------------------- */
typedef struct Promoting {
  ApiCall *c;
  int64_t version;
  const char *policy;
  bool ok;
} Promoting;

static bool promote_one(void *ctx, const char *id, Val i) {
  Promoting *p = ctx;
  i = map_assoc(map_assoc(i, kw_c("policy"), str_c(p->policy)), kw_c("version"), int_val(p->version));
  i = map_assoc(i, kw_c("updated-ms"), int_val(now_ms()));
  p->ok = api_doc_put(api_batch(p->c), p->c->workspace, "installation", id, i, DOC_ANY, now_ms(), 0);
  return p->ok;
}

bool api_installations_promoted(ApiCall *c, const char *slug, int64_t version, const char *policy) {
  Promoting p = {c, version, policy, true};
  Err err = {0};
  if (!policy) return true;
  if (!api_installations_each(c->api, c->workspace, slug, promote_one, &p, &err)) return api_fail_err(c, &err);
  return p.ok || api_fail(c, 500, "internal", "an installation cannot be stored");
}

#define ID_ARG                                                                                                                             \
  { "profileId", API_TEXT, true, 0, 80, NULL, "the installation's id" }
#define READ "installations.read|flows.read"
#define MANAGE "flows.manage"

const ApiCommand api_install_commands[] = {
    {"flows.installations.list",
     READ,
     false,
     "The installations of a flow, or of all flows.",
     list,
     {{"flowSlug", API_SLUG, false, 0, 0, NULL, "of this flow"},
      {"sourceFlowSlug", API_SLUG, false, 0, 0, NULL, "the same"},
      {"workspaceFlowSlug", API_SLUG, false, 0, 0, NULL, "the same"},
      {"sourceWorkspaceId", API_TEXT, false, 0, 128, NULL, "accepted; flows come from this workspace"},
      {"allFlows", API_BOOL, false, 0, 0, NULL, "of every flow"},
      {"all", API_BOOL, false, 0, 0, NULL, "of every flow"},
      {"limit", API_INT, false, 1, API_PAGE, NULL, "how many at once"},
      {"cursor", API_TEXT, false, 0, 80, NULL, "meta.nextCursor of the page before"}}},
    {"flows.installations.create",
     MANAGE,
     true,
     "Makes an installation of a released flow, switched off unless enabled is true and nothing is missing.",
     create,
     {{"flowSlug", API_SLUG, true, 0, 0, NULL, "the flow"},
      {"name", API_TEXT, false, 0, 200, NULL, "its name for people"},
      {"enabled", API_BOOL, false, 0, 0, NULL, "switched on at once"},
      {"policy", API_TEXT, false, 0, 0, "track-latest|pinned", "follow what is promoted (the default), or stay at a version"},
      {"version", API_INT, false, 1, INT32_MAX, NULL, "stay at this one"}}},
    {"flows.installations.get", READ, false, "One installation, with its ways in and what is still missing.", get, {ID_ARG}},
    {"flows.installations.rename",
     MANAGE,
     true,
     "Changes the name.",
     rename_it,
     {ID_ARG, {"name", API_TEXT, true, 0, 200, NULL, "the name"}}},
    {"flows.installations.set_inputs",
     MANAGE,
     true,
     "Sets bindings, activation inputs and schedule switches of an installation.",
     set_inputs,
     {ID_ARG, API_CONFIGURE_ARGS, {"bindings", API_OBJECT, false, 0, 0, NULL, "slot: {\"connectionId\": id}"}}},
    {"flows.installations.set_enabled",
     MANAGE,
     true,
     "Switches an installation on or off; on only when nothing is missing.",
     set_enabled,
     {ID_ARG, {"enabled", API_BOOL, true, 0, 0, NULL, "on or off"}}},
    {"flows.installations.delete", MANAGE, true, "Deletes an installation, its bindings and secrets; its runs stay.", delete, {ID_ARG}},
    {"flows.installations.triggers.list", READ, false, "What starts runs of an installation.", triggers, {ID_ARG}},
    {"flows.installations.surfaces.list", READ, false, "The ways into an installation.", surfaces, {ID_ARG}},
    {"flows.installations.stats", "runs.read", false, "How many runs an installation had, by status.", stats, {ID_ARG}},
    {"flows.installations.events",
     "runs.read",
     false,
     "Starts and ends of an installation's runs, newest first.",
     events,
     {ID_ARG, {"limit", API_INT, false, 1, API_PAGE, NULL, "how many"}}},
    {.name = NULL},
};
