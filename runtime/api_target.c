/* api_target.c - see api_target.h. "target" <slug>/<target>: {:activation :secrets :schedules :updated-ms}, of every target that was
 * configured; what slots are bound to is in "binding" (conn_store.h). */
#include "api_target.h"
#include <stdio.h>
#include <string.h>

static uint64_t changes = 1;
uint64_t api_target_changes(void) { return changes; }
void api_target_touch(void) { changes++; }

static int64_t number(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_long(v) ? long_of(v) : 0;
}

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

static bool base_target(Api *a, const char *workspace, const char *slug, Val flow, const char *name, ApiTarget *t, Err *err) {
  bool live = !strcmp(name, "live");
  *t = (ApiTarget){.version = live ? number(flow, "live") : 0, .enabled = true};
  snprintf(t->flow, sizeof t->flow, "%s", slug);
  snprintf(t->name, sizeof t->name, "%s", name);
  if (live && !t->version) return err_set(err, "profile_missing", "live target is not configured: promote a version of %s first", slug);
  return filled(a, workspace, flow, t, err);
}

bool api_target_find(Api *a, const char *workspace, const char *slug, const char *name, ApiTarget *out, Err *err) {
  Val flow;
  int64_t rev;
  if (!api_doc(a, workspace, "flow", slug, &flow, &rev, err))
    return err->code ? false : err_set(err, "not_found", "flow not found: %s", slug);
  if (!strcmp(name, "draft") || !strcmp(name, "live")) return base_target(a, workspace, slug, flow, name, out, err);
  return err_set(err, "installation_not_found", "flow %s has no installation %.80s", slug, name);
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------- */
typedef struct Walk {
  Api *a;
  const char *workspace;
  bool (*f)(void *ctx, const ApiTarget *t);
  void *ctx;
  Err *err;
} Walk;

static bool targets_of(const Walk *w, const char *slug, Val flow) {
  ApiTarget t;
  if (same(map_get_kw(flow, "archived"), TRUE_V) || number(flow, "archived-ms")) return true;
  if (!base_target(w->a, w->workspace, slug, flow, "draft", &t, w->err) || !w->f(w->ctx, &t)) return false;
  return !number(flow, "live") || (base_target(w->a, w->workspace, slug, flow, "live", &t, w->err) && w->f(w->ctx, &t));
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

static bool flow_targets(void *ctx, const char *key, Val flow) { return targets_of(ctx, key, flow); }

bool api_targets_each(Api *a, const char *workspace, bool (*f)(void *ctx, const ApiTarget *t), void *ctx, Err *err) {
  Walk w = {a, workspace, f, ctx, err};
  return each_doc(a, workspace, "flow", flow_targets, &w, err);
}

bool api_flow_targets_each(Api *a, const char *workspace, const char *slug, bool (*f)(void *ctx, const ApiTarget *t), void *ctx, Err *err) {
  Walk w = {a, workspace, f, ctx, err};
  Val flow;
  int64_t rev;
  if (!api_doc(a, workspace, "flow", slug, &flow, &rev, err)) return !err->code;
  targets_of(&w, slug, flow);
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
