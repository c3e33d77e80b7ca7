/* api_setup.c - how far a target is set up: what a definition's :requires want, and what of it the target has (spec/flows.md 1.3). */
#include "api_target.h"
#include "runtime/store/connection.h"
#include "runtime/flow/flowdef_int.h"
#include "runtime/jobs/jobs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool api_target_def(ApiCall *c, const char *hash, Val *def) {
  char *file = NULL;
  Blob src = {0};
  Err err = {0};
  Diags d = {0};
  if (!store_source_get(c->api->store, hash, &file, &src, &err))
    return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "the flow's source is gone");
  if (!diags_read_map(src.p, src.n, "flow.edn", "flow definition", def, &d)) *def = map_empty;
  diags_free(&d);
  blob_free(&src);
  free(file);
  return true;
}

/* --- one requirement ------------------------------------------------------------------------------------------------------------------ */
typedef struct Look {
  const Target *on;
  const ApiTarget *t;
  Val def;
  ValVec all, slots, fields;
  Engine *engine;
  const char *workspace;
} Look;

static void look_slot(Look *l, Val req, ValVec *m) {
  Val slot = map_get_kw(req, "slot");
  bool optional = truthy(map_get_kw(req, "optional"));
  if (!is_kw(slot)) return;
  bool bound = target_slot_bound(l->on, l->def, slot);
  const char *why = bound ? NULL : target_problem(l->on);
  api_put_text(m, "slot", kw_text(slot));
  api_put(m, "kind", api_name(is_nil(map_get_kw(req, "kind")) ? kw_c("connection") : map_get_kw(req, "kind")));
  api_put(m, "optional", optional ? TRUE_V : FALSE_V);
  api_put(m, "bound", bound ? TRUE_V : FALSE_V);
  api_put_text(m, "problem", why);
  if (!bound && (!optional || why)) vv_push(&l->slots, str_c(kw_text(slot)));
}

static bool field_set(const Look *l, Val field) {
  Val key = name_kw(map_get_kw(field, "key"));
  return !is_nil(map_get(l->t->activation, key, NIL)) || !is_nil(map_get_kw(field, "default"));
}

static void look_form(Look *l, Val req, ValVec *m) {
  Val fields = map_get_kw(req, "fields");
  ValVec shown = {0};
  bool per_run = kw_is(map_get_kw(req, "collect"), "run");
  api_put_text(m, "kind", "form");
  for (uint32_t i = 0; is_vec(fields) && i < vec_count(fields); i++) {
    Val f = vec_nth(fields, i), key = api_name(map_get_kw(f, "key"));
    bool set = is_map(f) && field_set(l, f);
    if (!is_str(key)) continue;
    vv_push(&shown, map_assoc(api_shown(f), kw_c("set"), set ? TRUE_V : FALSE_V));
    if (!set && !per_run && truthy(map_get_kw(f, "required"))) vv_push(&l->fields, key);
  }
  api_put(m, "fields", vec_from(shown.a, shown.n));
}

/* A worker that is not there never holds up a run: its jobs wait for it. */
static void look_worker(const Look *l, Val req, ValVec *m) {
  Val type = map_get_kw(req, "job-type");
  int64_t at;
  bool live = jobs_worker_seen(l->engine, l->workspace, is_kw(type) ? id_text(type) : is_str(type) ? str_s(type) : "", 2 * JOB_LEASE_MS, &at);
  api_put_text(m, "kind", "worker");
  api_put(m, "optional", truthy(map_get_kw(req, "optional")) ? TRUE_V : FALSE_V);
  api_put(m, "description", map_get_kw(req, "description"));
  api_put(m, "worker-seen", live ? TRUE_V : FALSE_V);
  api_put(m, "worker-seen-at", api_time(at));
}

static void look_one(Look *l, Val req) {
  static const char *const same_as[] = {"label", "type", "auth", "base-url", "oauth", "backend", "backends", "job-type", "provided-by"};
  Val kind = map_get_kw(req, "kind");
  ValVec m = {0};
  if (kw_is(kind, "form"))
    look_form(l, req, &m);
  else if (kw_is(kind, "worker"))
    look_worker(l, req, &m);
  else
    look_slot(l, req, &m);
  for (size_t i = 0; i < sizeof same_as / sizeof *same_as; i++) {
    Val v = map_get_kw(req, same_as[i]);
    if (!is_nil(v)) api_put(&m, same_as[i], api_shown(api_name(v)));
  }
  vv_push(&l->all, api_map(&m));
}

void api_setup(Api *a, const char *workspace, const ApiTarget *t, Val def, ApiSetup *out) {
  Look l = {.on = api_place_target(a, workspace, t->flow, t->name), .t = t, .def = def, .engine = a->engine, .workspace = workspace};
  Val all = map_get_kw(def, "requires");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++)
    if (is_map(vec_nth(all, i))) look_one(&l, vec_nth(all, i));
  *out = (ApiSetup){vec_from(l.all.a, l.all.n), vec_from(l.slots.a, l.slots.n), vec_from(l.fields.a, l.fields.n)};
}

/* --- may it run? ------------------------------------------------------------------------------------------------------------------------
 */
static bool is_live(const ApiTarget *t) { return !strcmp(t->name, "live"); }
static bool is_draft(const ApiTarget *t) { return !strcmp(t->name, "draft"); }

static Val recovery(const ApiCall *c, const ApiTarget *t) {
  ValVec m = {0};
  const char *page = is_draft(t) ? "draft-bindings" : is_live(t) ? "activate" : "installations";
  api_put_text(&m, "kind", is_draft(t) ? "draft-bindings" : is_live(t) ? "flow-activation" : "installation");
  api_put_text(&m, "label", is_draft(t) ? "Set up the draft" : is_live(t) ? "Set up live" : "Set up the installation");
  api_put(&m, "url", str_fmt("/%s/flows/%s/%s", c->workspace, t->flow, page));
  if (!is_draft(t) && !is_live(t)) api_put_text(&m, "profileId", t->name);
  Val one[] = {api_map(&m)};
  return vec_from(one, 1);
}

static void names(Buf *b, const char *what, Val v) {
  if (!vec_count(v)) return;
  buf_fmt(b, "%s%s ", b->n ? "; " : "", what);
  for (uint32_t i = 0; i < vec_count(v); i++) buf_fmt(b, "%s%s", i ? ", " : "", str_s(vec_nth(v, i)));
}

bool api_target_runs(ApiCall *c, const ApiTarget *t, Val def) {
  ApiSetup s;
  ValVec m = {0};
  Buf says = {0};
  if (!t->enabled) {
    api_put(&m, "actions", recovery(c, t));
    c->details = api_map(&m);
    return api_fail(c, 409, "installation_disabled", "%s of flow %s is switched off", t->name, t->flow);
  }
  api_setup(c->api, c->workspace, t, def, &s);
  if (!vec_count(s.slots) && !vec_count(s.fields)) return true;
  const char *code = is_live(t)           ? "live_config_incomplete"
                     : vec_count(s.slots) ? "profile_bindings_incomplete"
                                          : "profile_activation_inputs_incomplete";
  api_put_text(&m, "flowSlug", t->flow);
  api_put_text(&m, "target", t->name);
  api_put(&m, "missingBindings", s.slots);
  api_put(&m, "missingActivation", s.fields);
  api_put(&m, "actions", recovery(c, t));
  c->details = api_map(&m);
  names(&says, "not bound:", s.slots);
  names(&says, "not filled in:", s.fields);
  api_fail(c, 409, code, "flow %s is not set up on %s (%s); flows.configure sets it up, flows.configure.check shows all", t->flow, t->name,
           buf_cstr(&says));
  buf_free(&says);
  return false;
}

/* --- which target a call means
 * ------------------------------------------------------------------------------------------------------------ */
bool api_target_of_call(ApiCall *c, const char *slug, const char *target, ApiTarget *out) {
  Err err = {0};
  const char *id = api_text(c, "installationId");
  Val wanted = api_arg(c, "version");
  char *hash = NULL;
  if (!id) id = api_text(c, "profileId");
  if (id && !strncmp(id, "live-", 5) && !strcmp(id + 5, slug)) id = "live";
  if (id && !strncmp(id, "draft-", 6) && !strcmp(id + 6, slug)) id = "draft";
  bool active = !id && !strcmp(target, "active");
  if (active) {
    if (!api_flow_source(c->api, c->workspace, slug, "active", is_long(wanted) ? long_of(wanted) : 0, &hash, &out->version, &err) ||
        !api_target_live_at(c->api, c->workspace, slug, out->version, out, &err))
      api_fail_err(c, &err);
    free(hash);
    return !c->code;
  }
  if (!api_target_find(c->api, c->workspace, slug, id ? id : target, out, &err)) return api_fail_err(c, &err);
  bool other = str_eq_c(wanted, "latest") || is_long(wanted);
  if (!other) return true;
  if (!api_flow_source(c->api, c->workspace, slug, "active", is_long(wanted) ? long_of(wanted) : 0, &hash, &out->version, &err))
    return api_fail_err(c, &err);
  snprintf(out->hash, sizeof out->hash, "%s", hash);
  free(hash);
  return true;
}
