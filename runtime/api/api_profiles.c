/* api_profiles.c - setting up draft and live, looking at how they are set up, and targets as the profiles that clients look for.
 *
 * The profile of live is "live-<slug>", that of the draft "draft-<slug>"; installations are profiles under their own ids. */
#include "api_configure.h"
#include "api_flow_index.h"
#include "runtime/store/conn_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_str(v) ? str_s(v) : "";
}

/* --- how it is set up
 * --------------------------------------------------------------------------------------------------------------------- */
static const char *target_named(ApiCall *c) {
  const char *t = api_text(c, "target"), *type = api_text(c, "profileType"), *id = api_text(c, "profileId");
  if (!id) id = api_text(c, "installationId");
  if (id) return id;
  if (type) return !strcmp(type, "prod") ? "live" : "draft";
  return t ? t : "draft";
}

static Val bound_values(ApiCall *c, const ApiTarget *t, Err *err) {
  Val all = binding_get(c->api->store, c->workspace, t->flow, t->name, NULL, err);
  return err->code ? NIL : all;
}

static Val fields_set(const ApiTarget *t, Val def) {
  Val all = map_get_kw(def, "requires"), out = map_empty;
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val fields = is_map(vec_nth(all, i)) ? map_get_kw(vec_nth(all, i), "fields") : NIL;
    for (uint32_t n = 0; is_vec(fields) && n < vec_count(fields); n++) {
      Val key = is_map(vec_nth(fields, n)) ? map_get_kw(vec_nth(fields, n), "key") : NIL;
      const char *name = is_kw(key) ? kw_text(key) : is_str(key) ? str_s(key) : NULL;
      if (!name) continue;
      Val set = is_nil(map_get(t->activation, kw_c(name), NIL)) ? FALSE_V : TRUE_V;
      out = map_assoc(out, str_c(name), map_assoc(map_empty, kw_c("set"), set));
    }
  }
  return out;
}

static bool put_state(ApiCall *c, const ApiConfiguring *k, ValVec *m) {
  ApiSetup s;
  Err err = {0};
  Val bound = bound_values(c, &k->t, &err);
  if (err.code) return api_fail_err(c, &err);
  api_setup(c->api, c->workspace, &k->t, k->def, &s);
  api_put_text(m, "flowSlug", k->t.flow);
  api_put_text(m, "target", k->t.name);
  api_put(m, "version", int_val(k->t.version));
  api_put(m, "enabled", k->t.enabled ? TRUE_V : FALSE_V);
  api_put(m, "ready", vec_count(s.slots) || vec_count(s.fields) ? FALSE_V : TRUE_V);
  api_put(m, "missingBindings", s.slots);
  api_put(m, "missingActivation", s.fields);
  api_put(m, "bindingValues", bound);
  api_put(m, "activation", fields_set(&k->t, k->def));
  api_put(m, "schedules", k->t.schedules);
  api_put(m, "requirements", s.requirements);
  return true;
}

static bool state(ApiCall *c, const ApiConfiguring *k) {
  ValVec m = {0};
  if (!put_state(c, k, &m)) return false;
  api_put_text(&m, "profileType", strcmp(k->t.name, "draft") ? "prod" : "draft");
  return api_ok(c, api_map(&m));
}

static bool look(ApiCall *c) {
  ApiConfiguring k;
  return api_configure_open(c, api_text(c, "flowSlug"), target_named(c), &k) && state(c, &k);
}

static bool configure_on(ApiCall *c, const char *target) {
  ApiConfiguring k;
  return api_configure_open(c, api_text(c, "flowSlug"), target, &k) && api_configure_apply(c, &k) && state(c, &k);
}
static bool configure(ApiCall *c) { return configure_on(c, target_named(c)); }
static bool apply_live(ApiCall *c) { return configure_on(c, "live"); }
static bool apply_draft(ApiCall *c) { return configure_on(c, "draft"); }
static bool apply_from_draft(ApiCall *c) {
  c->args = map_assoc(c->args, kw_c("fromDraft"), TRUE_V);
  return configure_on(c, "live");
}

/* --- live at a version, if it is set up for it
 * ------------------------------------------------------------------------------------------------ */
static bool activate(ApiCall *c) {
  ApiConfiguring k;
  Flow f = {0};
  Val v;
  int64_t rev;
  const char *slug = api_text(c, "flowSlug");
  if (is_nil(api_arg(c, "version"))) c->args = map_assoc(c->args, kw_c("version"), str_c("latest"));
  if (!api_flow_find(c, &f) || !api_flow_key_ok(c, &f) || !api_configure_open(c, slug, "live", &k)) return false;
  k.t.enabled = true;
  if (!api_target_runs(c, &k.t, k.def) || !api_flow_version(c, slug, k.t.version, &v, &rev)) return false;
  api_flow_live(c, &f, k.t.version, map_get_kw(v, "facets"));
  if (!api_flow_save(c, &f)) return false;
  ValVec m = {0};
  if (!put_state(c, &k, &m)) return false;
  api_put(&m, "profileId", str_fmt("live-%s", slug));
  return api_ok(c, api_map(&m));
}

/* --- targets as profiles
 * -------------------------------------------------------------------------------------------------------------------------- */
static Val profile(const ApiTarget *t, int64_t updated_ms, Val install) {
  ValVec m = {0}, config = {0};
  bool installed = is_map(install);
  bool draft = !strcmp(t->name, "draft");
  api_put_text(&config, "install-scope", installed ? "end-user" : draft ? "draft" : "live");
  api_put(&m, "profile-id", installed ? str_c(t->name) : str_fmt("%s-%s", t->name, t->flow));
  api_put_text(&m, "flow-slug", t->flow);
  api_put_text(&m, "profile-type", draft ? "draft" : "prod");
  api_put(&m, "version", int_val(t->version));
  api_put(&m, "enabled", t->enabled ? TRUE_V : FALSE_V);
  api_put(&m, "name", map_get_kw(install, "name"));
  api_put(&m, "user-id", installed ? map_get_kw(install, "by") : NIL);
  api_put(&m, "updated-at", api_time(updated_ms));
  api_put(&m, "config", api_map(&config));
  return api_map(&m);
}

typedef struct Profiles {
  ApiCall *c;
  const char *slug, *user;
  bool draft, live, installs;
  Val enabled; /* nil: both */
  size_t skip, limit;
  ValVec items;
  bool more;
} Profiles;

static bool profile_of(ApiCall *c, const ApiTarget *t, Val *out) {
  Val flow = NIL, install = NIL;
  int64_t rev;
  Err err = {0};
  bool draft = !strcmp(t->name, "draft"), live = !strcmp(t->name, "live");
  if (!api_doc(c->api, c->workspace, "flow", t->flow, &flow, &rev, &err) && err.code) return api_fail_err(c, &err);
  if (!draft && !live) install = api_installation(c->api, c->workspace, t->name, &rev, &err);
  *out = profile(t,
                 draft  ? api_number(flow, "updated-ms")
                 : live ? api_number(flow, "live-ms")
                        : api_number(install, "updated-ms"),
                 install);
  return !err.code || api_fail_err(c, &err);
}

static bool take_profile(void *ctx, const ApiTarget *t) {
  Profiles *p = ctx;
  Val one;
  bool draft = !strcmp(t->name, "draft"), live = !strcmp(t->name, "live");
  if ((p->slug && strcmp(p->slug, t->flow)) || !(draft ? p->draft : live ? p->live : p->installs)) return true;
  if (!is_nil(p->enabled) && same(p->enabled, TRUE_V) != t->enabled) return true;
  if (!profile_of(p->c, t, &one)) return false;
  if (p->user && strcmp(p->user, text(one, "user-id"))) return true;
  if (p->skip) return p->skip--, true;
  if (p->items.n == p->limit) return p->more = true, false;
  vv_push(&p->items, one);
  return true;
}

static bool profiles(ApiCall *c) {
  Err err = {0};
  Val flow;
  int64_t rev;
  char *end = NULL;
  ValVec m = {0};
  const char *type = api_text(c, "profile-type"), *cursor = api_text(c, "cursor"), *slug = api_text(c, "flow-slug");
  bool prod = !type || !strcmp(type, "prod");
  size_t from = cursor ? (size_t)strtoul(cursor, &end, 10) : 0;
  if (cursor && (*end || end == cursor)) return api_fail(c, 400, "bad_request", "cursor: send next-cursor of the page before");
  Profiles p = {.c = c,
                .slug = slug,
                .user = api_text(c, "user-id"),
                .draft = !prod,
                .live = prod,
                .installs = prod,
                .enabled = api_arg(c, "enabled"),
                .skip = from,
                .limit = (size_t)api_int(c, "limit", API_PAGE)};
  if (slug && !api_doc(c->api, c->workspace, "flow", slug, &flow, &rev, &err))
    return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "flow not found: %.130s", slug);
  if (!api_targets_each(c->api, c->workspace, take_profile, &p, &err)) return api_fail_err(c, &err);
  if (c->code) return false;
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(p.items.a, p.items.n));
  api_put(&m, "has-more", p.more ? TRUE_V : FALSE_V);
  if (p.more) api_put(&m, "next-cursor", str_fmt("%zu", from + p.items.n));
  return api_ok(c, api_map(&m));
}

/* "live-x", "draft-x" or an installation's id. */
static bool by_id(ApiCall *c, ApiTarget *t) {
  const char *id = api_path(c, "id");
  Err err = {0};
  int64_t rev;
  bool live = !strncmp(id, "live-", 5), draft = !strncmp(id, "draft-", 6), found;
  if (live || draft) {
    found = api_target_find(c->api, c->workspace, id + (live ? 5 : 6), live ? "live" : "draft", t, &err);
  } else {
    Val i = api_installation(c->api, c->workspace, id, &rev, &err);
    found = is_map(i) && api_target_find(c->api, c->workspace, text(i, "flow"), id, t, &err);
  }
  if (found) return true;
  bool gone = !err.code || strcmp(err.code, "profile_missing") == 0 || strcmp(err.code, "not_found") == 0;
  return gone ? api_fail(c, 404, "not_found", "profile not found: %.160s", id) : api_fail_err(c, &err);
}

static bool profile_get(ApiCall *c) {
  ApiTarget t;
  ApiConfiguring k;
  Val one;
  Err err = {0};
  if (!by_id(c, &t) || !profile_of(c, &t, &one) || !api_configure_open(c, t.flow, t.name, &k)) return false;
  Val bound = bound_values(c, &t, &err);
  return err.code ? api_fail_err(c, &err) : api_ok(c, map_assoc(one, kw_c("bindings"), bound));
}

static bool profile_bindings(ApiCall *c) {
  ApiTarget t;
  ApiConfiguring k;
  return by_id(c, &t) && api_configure_open(c, t.flow, t.name, &k) && api_configure_apply(c, &k) && state(c, &k);
}

/* An installation, as flows.installations.delete; live has no version then; the draft forgets its setup. */
static bool profile_delete(ApiCall *c) {
  ApiTarget t;
  Flow f = {0};
  Val i;
  int64_t rev;
  Err err = {0};
  ValVec m = {0};
  if (!by_id(c, &t) || !api_configure_forget(c, t.flow, t.name)) return false;
  if (!strcmp(t.name, "live")) {
    c->args = map_assoc(c->args, kw_c("flowSlug"), str_c(t.flow));
    if (!api_flow_find(c, &f)) return false;
    api_flow_live(c, &f, 0, NIL);
    if (!api_flow_save(c, &f)) return false;
  } else if (strcmp(t.name, "draft")) {
    i = api_installation(c->api, c->workspace, t.name, &rev, &err);
    if (is_map(i)) api_doc_del(api_batch(c), c->workspace, "installation", t.name, rev);
  }
  api_put(&m, "deleted", TRUE_V);
  api_put_text(&m, "profile-id", api_path(c, "id"));
  return api_ok(c, api_map(&m));
}

#define SLUG_ARG                                                                                                                           \
  { "flowSlug", API_SLUG, true, 0, 0, NULL, "the flow's slug" }
#define TARGET_ARGS                                                                                                                        \
  {"target", API_TEXT, false, 0, 0, "draft|live", "the draft (default) or live"},                                                          \
      {"profileType", API_TEXT, false, 0, 0, "draft|prod", "the same: prod is live"},                                                      \
      {"installationId", API_TEXT, false, 0, 80, NULL, "an installation, in place of them"}, {                                             \
    "profileId", API_TEXT, false, 0, 80, NULL, "the older name of installationId"                                                          \
  }
#define VERSION_ARG                                                                                                                        \
  { "version", API_ANY, false, 0, 0, NULL, "set it up for this version's :requires; a number or \"latest\"" }
#define READ "flows.read"
#define MANAGE "flows.manage"

const ApiCommand api_profile_commands[] = {
    {"flows.configure",
     MANAGE,
     true,
     "Sets up a target: bindings of the slots of :requires, activation inputs, schedule switches.",
     configure,
     {SLUG_ARG, TARGET_ARGS, VERSION_ARG, API_CONFIGURE_ARGS, {"bindings", API_OBJECT, false, 0, 0, NULL, "slot: {\"connectionId\": id}"}}},
    {"flows.configure.check", READ, false, "Is a target set up, and what is missing?", look, {SLUG_ARG, TARGET_ARGS, VERSION_ARG}},
    {"profiles.status", READ, false, "How a target is set up; values are never shown.", look, {SLUG_ARG, TARGET_ARGS, VERSION_ARG}},
    {"profiles.template", READ, false, "What a flow requires to be set up.", look, {SLUG_ARG, TARGET_ARGS, VERSION_ARG}},
    {"profiles.bindings.apply", MANAGE, true, "flows.configure of live.", apply_live, {SLUG_ARG, VERSION_ARG, API_CONFIGURE_ARGS}},
    {"profiles.bindings.apply_from_draft", MANAGE, true, "Gives live what the draft has.", apply_from_draft, {SLUG_ARG, VERSION_ARG}},
    {"profiles.draft.bindings", MANAGE, true, "flows.configure of the draft.", apply_draft, {SLUG_ARG, API_CONFIGURE_ARGS}},
    {"profiles.activate",
     MANAGE,
     true,
     "Points live at a version, if it is set up for it.",
     activate,
     {SLUG_ARG, {"version", API_ANY, false, 0, 0, NULL, "a number or \"latest\", the active one"}, FLOW_KEY_ARG}},
    {.name = NULL},
};

const ApiRoute api_profile_routes[] = {
    {"GET",
     "flow-profiles",
     0,
     {"flow-profiles.list",
      READ,
      false,
      "The targets of a flow, or of all.",
      profiles,
      {{"flow-slug", API_SLUG, false, 0, 0, NULL, "the flow"},
       {"profile-type", API_TEXT, false, 0, 0, "prod|draft", "live and installations, or drafts"},
       {"enabled", API_BOOL, false, 0, 0, NULL, "those that are on, or off"},
       {"user-id", API_TEXT, false, 0, 0, NULL, "of whom"},
       {"limit", API_INT, false, 1, 200, NULL, "how many at once"},
       {"cursor", API_TEXT, false, 0, 0, NULL, "next-cursor of the page before"}}}},
    {"GET", "flow-profiles/{id}", 0, {"flow-profiles.get", READ, false, "One target, with its bindings.", profile_get, {{0}}}},
    {"DELETE",
     "flow-profiles/{id}",
     0,
     {"flow-profiles.delete", MANAGE, true, "Deletes an installation, or what live or the draft was set up with.", profile_delete, {{0}}}},
    {"PUT",
     "flow-profiles/{id}/bindings",
     0,
     {"flow-profiles.bindings",
      MANAGE,
      true,
      "Binds slots of a target to connections.",
      profile_bindings,
      {{"bindings", API_OBJECT, true, 0, 0, NULL, "slot: connection id, or {\"connectionId\": id}"}}}},
    {0},
};
