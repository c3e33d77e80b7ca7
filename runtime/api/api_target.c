/* api_target.c - see api_target.h. "target" <slug>/<target>: {:activation :secrets :schedules :updated-ms}, of every target that was
 * configured; what slots are bound to is in "binding" (conn_store.h). */
#include "api_target.h"
#include <stdio.h>
#include <string.h>

static uint64_t changes = 1;
uint64_t api_target_changes(void) { return changes; }
void api_target_touch(void) { changes++; }

static void copy_text(char *out, size_t n, Val v) { snprintf(out, n, "%s", is_str(v) ? str_s(v) : ""); }

static Val map_or_empty(Val v) { return is_map(v) ? v : map_empty; }

/* --- one target -------------------------------------------------------------------------------------------------------------------- */
static bool configured(Api *a, const char *workspace, ApiTarget *t, Err *err) {
  char key[220];
  Val doc = NIL;
  int64_t rev;
  snprintf(key, sizeof key, "%s/%s", t->flow, t->name);
  if (!api_doc(a, workspace, "target", key, &doc, &rev, err) && err->code) return false;
  t->schedules = map_or_empty(map_get_kw(doc, "schedules"));
  t->activation = map_or_empty(map_get_kw(doc, "activation"));
  return true;
}

static bool versioned(Api *a, const char *workspace, ApiTarget *t, Err *err) {
  char key[160];
  Val v;
  int64_t rev;
  snprintf(key, sizeof key, "%s/%010lld", t->flow, (long long)t->version);
  if (!api_doc(a, workspace, "flow-version", key, &v, &rev, err))
    return err->code ? false : err_set(err, "not_found", "flow %s has no version %lld", t->flow, (long long)t->version);
  copy_text(t->hash, sizeof t->hash, map_get_kw(v, "hash"));
  return true;
}

static bool filled(Api *a, const char *workspace, Val flow, ApiTarget *t, Err *err) {
  if (!strcmp(t->name, "draft"))
    copy_text(t->hash, sizeof t->hash, map_get_kw(flow, "hash"));
  else if (!versioned(a, workspace, t, err))
    return false;
  return configured(a, workspace, t, err);
}

/* What installations that follow have: the last version promoted for all. */
int64_t api_installation_version(Val flow, Val installation) {
  static const char *const from[] = {"track", "live", "active", "latest"};
  int64_t n = str_eq_c(map_get_kw(installation, "policy"), "pinned") ? api_number(installation, "version") : 0;
  for (size_t i = 0; !n && i < sizeof from / sizeof *from; i++) n = api_number(flow, from[i]);
  return n;
}

Val api_installation(Api *a, const char *workspace, const char *id, int64_t *rev, Err *err) {
  Val doc;
  return api_doc(a, workspace, "installation", id, &doc, rev, err) ? doc : NIL;
}

static bool install_target(Api *a, const char *workspace, Val flow, const char *id, Val inst, ApiTarget *t, Err *err) {
  *t = (ApiTarget){.version = api_installation_version(flow, inst), .enabled = same(map_get_kw(inst, "enabled"), TRUE_V)};
  copy_text(t->flow, sizeof t->flow, map_get_kw(inst, "flow"));
  snprintf(t->name, sizeof t->name, "%s", id);
  if (!t->version) return err_set(err, "not_found", "flow %s has no released version; release one first", t->flow);
  return filled(a, workspace, flow, t, err);
}

static bool base_target(Api *a, const char *workspace, const char *slug, Val flow, const char *name, ApiTarget *t, Err *err) {
  bool live = !strcmp(name, "live");
  *t = (ApiTarget){.version = live ? api_number(flow, "live") : 0, .enabled = true};
  snprintf(t->flow, sizeof t->flow, "%s", slug);
  snprintf(t->name, sizeof t->name, "%s", name);
  if (live && !t->version) return err_set(err, "profile_missing", "live target is not configured: promote a version of %s first", slug);
  return filled(a, workspace, flow, t, err);
}

bool api_target_live_at(Api *a, const char *workspace, const char *slug, int64_t version, ApiTarget *out, Err *err) {
  *out = (ApiTarget){.version = version, .enabled = true};
  snprintf(out->flow, sizeof out->flow, "%s", slug);
  snprintf(out->name, sizeof out->name, "live");
  return filled(a, workspace, NIL, out, err);
}

bool api_target_find(Api *a, const char *workspace, const char *slug, const char *name, ApiTarget *out, Err *err) {
  Val flow;
  int64_t rev;
  if (!api_doc(a, workspace, "flow", slug, &flow, &rev, err))
    return err->code ? false : err_set(err, "not_found", "flow not found: %s", slug);
  if (same(map_get_kw(flow, "archived"), TRUE_V)) return err_set(err, "flow_archived", "flow %s is archived: push it again to take it back", slug);
  if (!strcmp(name, "draft") || !strcmp(name, "live")) return base_target(a, workspace, slug, flow, name, out, err);
  Val inst = api_installation(a, workspace, name, &rev, err);
  if (is_nil(inst) && err->code) return false;
  if (str_eq_c(map_get_kw(inst, "flow"), slug)) return install_target(a, workspace, flow, name, inst, out, err);
  return err_set(err, "installation_not_found", "flow %s has no installation %.80s", slug, name);
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------- */
typedef struct Walk {
  Api *a;
  const char *workspace;
  bool (*f)(void *ctx, const ApiTarget *t);
  void *ctx;
  Err *err;
  bool *stopped;
} Walk;

static bool targets_of(const Walk *w, const char *slug, Val flow) {
  ApiTarget t;
  if (same(map_get_kw(flow, "archived"), TRUE_V)) return true;
  if (!base_target(w->a, w->workspace, slug, flow, "draft", &t, w->err) || !w->f(w->ctx, &t)) return false;
  return !api_number(flow, "live") || (base_target(w->a, w->workspace, slug, flow, "live", &t, w->err) && w->f(w->ctx, &t));
}

typedef bool (*DocFn)(void *ctx, const char *key, Val v);
static bool each_doc(Api *a, const char *workspace, const char *kind, DocFn f, void *ctx, Err *err) {
  DocRow rows[32];
  char after[256] = "";
  bool more = true;
  size_t n;
  err->code = NULL;
  do {
    n = store_docs(a->store, workspace, kind, "", after, rows, 32, err);
    for (size_t i = 0; i < n; i++) {
      snprintf(after, sizeof after, "%s", rows[i].key);
      more = more && f(ctx, rows[i].key, api_doc_value(&rows[i]));
      doc_row_free(&rows[i]);
    }
  } while (n == 32 && more);
  return !err->code;
}

static bool installed(void *ctx, const char *id, Val inst) {
  const Walk *w = ctx;
  ApiTarget t;
  Val flow, slug = map_get_kw(inst, "flow");
  int64_t rev;
  if (!is_str(slug)) return true;
  if (!api_doc(w->a, w->workspace, "flow", str_s(slug), &flow, &rev, w->err)) return !w->err->code;
  if (same(map_get_kw(flow, "archived"), TRUE_V) || !api_installation_version(flow, inst)) return true;
  return install_target(w->a, w->workspace, flow, id, inst, &t, w->err) && w->f(w->ctx, &t);
}

typedef struct OfFlow {
  const char *slug;
  bool (*f)(void *ctx, const char *id, Val doc);
  void *ctx;
} OfFlow;
static bool of_flow(void *ctx, const char *id, Val doc) {
  const OfFlow *o = ctx;
  return (o->slug && !str_eq_c(map_get_kw(doc, "flow"), o->slug)) || o->f(o->ctx, id, doc);
}

bool api_installations_each(Api *a, const char *workspace, const char *slug, bool (*f)(void *ctx, const char *id, Val doc), void *ctx,
                            Err *err) {
  return each_doc(a, workspace, "installation", of_flow, &(OfFlow){slug, f, ctx}, err);
}

static bool flow_targets(void *ctx, const char *key, Val flow) {
  const Walk *w = ctx;
  *w->stopped = !targets_of(w, key, flow);
  return !*w->stopped;
}

bool api_targets_each(Api *a, const char *workspace, bool (*f)(void *ctx, const ApiTarget *t), void *ctx, Err *err) {
  bool stopped = false;
  Walk w = {a, workspace, f, ctx, err, &stopped};
  return each_doc(a, workspace, "flow", flow_targets, &w, err) && (stopped || each_doc(a, workspace, "installation", installed, &w, err));
}

bool api_flow_targets_each(Api *a, const char *workspace, const char *slug, bool (*f)(void *ctx, const ApiTarget *t), void *ctx, Err *err) {
  bool stopped = false;
  Walk w = {a, workspace, f, ctx, err, &stopped};
  Val flow;
  int64_t rev;
  if (!api_doc(a, workspace, "flow", slug, &flow, &rev, err)) return !err->code;
  if (targets_of(&w, slug, flow) && !err->code) api_installations_each(a, workspace, slug, installed, &w, err);
  return !err->code;
}

bool api_target_schedule(const ApiTarget *t, const char *id, bool enabled_in_flow) {
  Val on = map_get_kw(map_get(t->schedules, str_c(id), NIL), "enabled");
  if (!t->enabled) return false;
  return same(on, TRUE_V) || (enabled_in_flow && is_nil(on) && strcmp(t->name, "draft"));
}

/* --- workspaces -------------------------------------------------------------------------------------------------------------------- */
typedef struct Names {
  bool (*f)(void *ctx, const char *id);
  void *ctx;
} Names;
static bool name_of(void *ctx, const char *key, Val v) {
  const Names *n = ctx;
  (void)v;
  return n->f(n->ctx, key);
}
bool api_workspaces_each(Api *a, bool (*f)(void *ctx, const char *id), void *ctx, Err *err) {
  return each_doc(a, "", "workspace", name_of, &(Names){f, ctx}, err);
}
