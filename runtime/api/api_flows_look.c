/* api_flows_look.c - flows over the API, looked into: what a text is made of, whether it is ready, how it was called. */
#include "api_flow.h"
#include "api_runs.h"
#include "runtime/flow/flow_facets.h"
#include <stdio.h>
#include <string.h>

enum { CALLS_SCANNED = 2000, CALLS_WINDOW = 128, CALL_GROUPS = 100 };

/* --- compile -----------------------------------------------------------------------------------------------------------------------------
 */
static bool compile(ApiCall *c) {
  Blob src = {0};
  Flow f = {0};
  int64_t version;
  int errors;
  char hash[65];
  ValVec m = {0}, analysis = {0};
  if (!api_flow_find(c, &f) || !api_flow_read(c, f.slug, api_text(c, "source"), api_int(c, "version", 0), &src, &version, hash))
    return false;
  Val def = api_flow_definition(src.p, src.n), facets = flow_facets(def), found = api_diagnostics(src.p, src.n, f.slug, &errors);
  blob_free(&src);
  api_put(&analysis, "steps", flow_steps(def));
  api_put(&analysis, "stepTypes", map_get_kw(facets, "step-types"));
  api_put(&analysis, "connections", map_get_kw(facets, "connections"));
  api_put(&analysis, "providers", map_get_kw(facets, "providers"));
  api_put(&analysis, "toolNames", map_get_kw(facets, "tool-names"));
  api_put_text(&m, "flowSlug", f.slug);
  api_put_text(&m, "source", version ? "version" : "draft");
  api_put(&m, "version", int_val(version));
  api_put_text(&m, "sourceHash", hash);
  api_put(&m, "compiled", bool_val(!errors));
  api_put(&m, "analysis", api_map(&analysis));
  api_put(&m, "diagnostics", found);
  return api_ok(c, api_map(&m));
}

/* --- doctor ------------------------------------------------------------------------------------------------------------------------------
 */
static bool check(ValVec *all, const char *id, const char *label, bool pass, const char *hint) {
  ValVec m = {0};
  api_put_text(&m, "id", id);
  api_put_text(&m, "label", label);
  api_put(&m, "pass", bool_val(pass));
  if (!pass) api_put_text(&m, "hint", hint);
  vv_push(all, api_map(&m));
  return pass;
}

static bool has_entry(Val def) {
  Val schedules = map_get_kw(def, "schedules"), triggers = map_get_kw(def, "triggers"), all = map_get_kw(def, "interfaces"), k, v;
  MapIter it;
  if (is_vec(schedules) && vec_count(schedules)) return true;
  if (is_vec(triggers) && vec_count(triggers)) return true;
  if (!is_map(all)) return false;
  map_iter(&it, all);
  while (map_next(&it, &k, &v))
    if (is_vec(v) && vec_count(v)) return true;
  return false;
}

static bool has_code(Val diagnostics, const char *code) {
  for (uint32_t i = 0; i < vec_count(diagnostics); i++)
    if (str_eq_c(map_get_kw(vec_nth(diagnostics, i), "code"), code)) return true;
  return false;
}

static Val doctor_summary(Val flow, Val diagnostics, int errors) {
  ValVec m = {0};
  api_put(&m, "activeVersion", api_flow_number_or_nil(api_flow_number(flow, "active")));
  api_put(&m, "latestVersion", api_flow_number_or_nil(api_flow_number(flow, "latest")));
  api_put(&m, "liveVersion", api_flow_number_or_nil(api_flow_number(flow, "live")));
  api_put(&m, "errors", fix(errors));
  api_put(&m, "warnings", fix((int)vec_count(diagnostics) - errors));
  return api_map(&m);
}

/* The checks of the text that the target has; of a live target without version that of the draft. */
static bool doctor_checks(ApiCall *c, const Flow *f, bool live, ValVec *checks, Val *summary, bool *ready) {
  Blob src = {0};
  int64_t version, at = live ? api_flow_number(f->map, "live") : 0;
  int errors;
  char hash[65];
  if (!api_flow_read(c, f->slug, "draft", at, &src, &version, hash)) return false;
  Val def = api_flow_definition(src.p, src.n), found = api_diagnostics(src.p, src.n, f->slug, &errors);
  blob_free(&src);
  *ready =
      check(checks, "definition", "The definition has no errors", !errors, "breyta flows validate <slug>") &
      check(checks, "interfaces", "It has an interface or a schedule", has_entry(def),
            "add :interfaces {:manual [{:id :run :invocation :default}]}") &
      check(checks, "steps", "This server runs all of its steps", !has_code(found, "unsupported_step"), "breyta flows validate <slug>") &
      check(checks, "not-archived", "It is not archived", !api_flow_is_archived(f->map), "breyta flows push --file <path>");
  if (live) {
    *ready &= check(checks, "released", "A version is released", api_flow_number(f->map, "active") > 0, "breyta flows release <slug>") &
              check(checks, "live", "Live points at a version", at > 0, "breyta flows promote <slug>");
  }
  *summary = doctor_summary(f->map, found, errors);
  return true;
}

static bool doctor(ApiCall *c) {
  Flow f = {0};
  ValVec checks = {0}, m = {0}, data = {0};
  Val summary;
  bool ready;
  const char *target = api_text(c, "target");
  if (!target) target = "draft";
  if (!api_flow_find(c, &f) || !doctor_checks(c, &f, !strcmp(target, "live"), &checks, &summary, &ready)) return false;
  api_put_text(&m, "flowSlug", f.slug);
  api_put_text(&m, "target", target);
  api_put(&m, "ready", bool_val(ready));
  api_put(&m, "summary", summary);
  api_put(&m, "checks", vec_from(checks.a, checks.n));
  api_put(&data, "doctor", api_map(&m));
  return api_ok(c, api_map(&data));
}

/* --- would it be public? A server of one's own has no catalogue to be listed in. ------------------------------------------------- */
static bool preflight(ApiCall *c) {
  Flow f = {0};
  Blob src = {0};
  int64_t version;
  char hash[65];
  ValVec checks = {0}, m = {0}, pub = {0}, data = {0};
  if (!api_flow_find(c, &f)) return false;
  const char *text = api_flow_number(f.map, "active") ? "active" : "draft";
  if (!api_flow_read(c, f.slug, text, 0, &src, &version, hash)) return false;
  Val def = api_flow_definition(src.p, src.n);
  blob_free(&src);
  bool listed = same(map_get_kw(map_get_kw(def, "discover"), "public"), TRUE_V);
  bool visible = same(map_get_kw(map_get_kw(def, "marketplace"), "visible"), TRUE_V);
  check(&checks, "catalogue", "This server has a public catalogue", false,
        "there is none on a server of your own: share the definition's text");
  check(&checks, "released", "A version is released", api_flow_number(f.map, "active") > 0, "breyta flows release <slug>");
  check(&checks, "discover-public", "The definition says :discover {:public true}", listed, "add it, and release");
  api_put(&pub, "discoverPublic", bool_val(listed));
  api_put(&pub, "marketplaceVisible", bool_val(visible));
  api_put_text(&m, "flowSlug", f.slug);
  api_put(&m, "ready", FALSE_V);
  api_put(&m, "public", api_map(&pub));
  api_put(&m, "checks", vec_from(checks.a, checks.n));
  api_put(&data, "preflight", api_map(&m));
  return api_ok(c, api_map(&data));
}

/* --- how it was called -------------------------------------------------------------------------------------------------------------- */
typedef struct Calls { /* runs of one entry on one target */
  Val kind, entry, target, installation, last_id, last_status;
  int64_t last_ms, n, good, bad, took_ms;
} Calls;

static bool same_or_nil(Val a, Val b) { return is_nil(a) ? is_nil(b) : same(val_eq(a, b), TRUE_V); }

/* The door by the name that clients give it. */
static Val kind_of(const RunRow *r) {
  Val door = api_run_fact(r, "door");
  return is_nil(door) || str_eq_c(door, "api") ? str_c("manual") : door;
}

static Calls *group_of(Calls *all, size_t *n, const RunRow *r) {
  Val kind = kind_of(r), entry = api_run_fact(r, "trigger-id"), target = api_run_fact(r, "target"),
      on = r->installation ? str_c(r->installation) : NIL;
  if (is_nil(entry)) entry = api_run_fact(r, "invocation");
  if (is_nil(target)) target = str_c("draft");
  for (size_t i = 0; i < *n; i++)
    if (same_or_nil(all[i].kind, kind) && same_or_nil(all[i].entry, entry) && same_or_nil(all[i].target, target) &&
        same_or_nil(all[i].installation, on))
      return &all[i];
  if (*n == CALL_GROUPS) return NULL;
  all[*n] = (Calls){.kind = kind, .entry = entry, .target = target, .installation = on, .last_id = NIL, .last_status = NIL};
  return &all[(*n)++];
}

static void count_run(Calls *all, size_t *n, const RunRow *r) {
  bool good = r->status == RUN_COMPLETED, over = run_status_final(r->status);
  Calls *g = r->lineage || !is_nil(api_run_fact(r, "step")) ? NULL : group_of(all, n, r); /* children and steps alone are no calls */
  if (!g) return;
  if (is_nil(g->last_id)) { /* newest first */
    g->last_id = str_c(r->run_id);
    g->last_status = str_c(api_run_status(r->status));
    g->last_ms = r->created_ms;
  }
  g->n++;
  g->good += good;
  g->bad += (over && !good) || r->status == RUN_BLOCKED;
  if (over && r->finished_ms > r->created_ms) g->took_ms += r->finished_ms - r->created_ms;
}

static bool count_calls(ApiCall *c, const char *slug, Calls *all, size_t *n) {
  RunRow rows[CALLS_WINDOW];
  RunQuery q = {.workspace = c->workspace, .slug = slug};
  Err err = {0};
  int64_t before = INT64_MAX;
  size_t got = CALLS_WINDOW;
  for (size_t seen = 0; got == CALLS_WINDOW && seen < CALLS_SCANNED && !err.code; seen += got) {
    got = store_runs_newest(c->api->store, &q, before, rows, CALLS_WINDOW, &err);
    for (size_t i = 0; i < got; i++) {
      count_run(all, n, &rows[i]);
      before = rows[i].run;
      run_row_free(&rows[i]);
    }
  }
  return !err.code || api_fail_err(c, &err);
}

static const char *bucket(Val status) {
  if (str_eq_c(status, "completed")) return "2xx";
  return str_eq_c(status, "failed") || str_eq_c(status, "timed-out")       ? "5xx"
         : str_eq_c(status, "cancelled") || str_eq_c(status, "terminated") ? "4xx"
                                                                           : NULL;
}

static Val calls_item(const char *slug, const Calls *g) {
  ValVec m = {0};
  api_put_text(&m, "flowSlug", slug);
  api_put(&m, "invocationKind", g->kind);
  api_put(&m, "entrypointId", g->entry);
  api_put(&m, "interfaceScope", is_nil(g->installation) ? g->target : str_c("installation"));
  api_put(&m, "installationId", g->installation);
  api_put(&m, "lastWorkflowId", g->last_id);
  api_put(&m, "lastCalledAt", api_time(g->last_ms));
  api_put(&m, "lastStatus", g->last_status);
  api_put_text(&m, "lastStatusBucket", bucket(g->last_status));
  api_put(&m, "requestCount", int_val(g->n));
  api_put(&m, "successCount", int_val(g->good));
  api_put(&m, "errorCount", int_val(g->bad));
  if (g->good + g->bad) api_put(&m, "avgDurationMs", int_val(g->took_ms / (g->good + g->bad)));
  return api_map(&m);
}

static bool wanted(const ApiCall *c, const Calls *g) {
  const char *entry = api_text(c, "entrypointId"), *kind = api_text(c, "kind"), *on = api_text(c, "installationId"),
             *scope = api_text(c, "interfaceScope");
  bool live = on && !strncmp(on, "live-", 5); /* the profile of live */
  return (!entry || str_eq_c(g->entry, entry)) && (!kind || str_eq_c(g->kind, kind)) &&
         (!on || str_eq_c(g->installation, on) || (live && str_eq_c(g->target, "live"))) &&
         (!scope || str_eq_c(g->target, scope) || (!strcmp(scope, "installation") && !is_nil(g->installation)));
}

static bool metrics(ApiCall *c) {
  Flow f = {0};
  size_t n = 0;
  ValVec items = {0}, m = {0}, meta = {0};
  Calls *all = mem_alloc(CALL_GROUPS * sizeof *all);
  if (!api_flow_find(c, &f) || !count_calls(c, f.slug, all, &n)) return false;
  for (size_t i = 0; i < n && items.n < (size_t)api_int(c, "limit", 25); i++)
    if (wanted(c, &all[i])) vv_push(&items, calls_item(f.slug, &all[i]));
  api_put_text(&m, "flowSlug", f.slug);
  api_put(&m, "items", vec_from(items.a, items.n));
  api_put(&meta, "count", int_val((int64_t)items.n));
  api_put(&meta, "runsLookedAt", int_val(CALLS_SCANNED));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

const ApiCommand api_look_commands[] = {
    {"flows.compile",
     "flows.read",
     false,
     "What a text is made of: its steps in order, connections, providers, tools.",
     compile,
     {FLOW_SLUG_ARG,
      {"source", API_TEXT, false, 0, 0, "draft|active|live", "which text: the draft (default), the active version or what is live"},
      FLOW_VERSION_ARG(false, "a version, in place of source")}},
    {"flows.doctor",
     "flows.read",
     false,
     "Is the flow ready to run on a target? One check each.",
     doctor,
     {FLOW_SLUG_ARG, {"target", API_TEXT, false, 0, 0, "draft|live", "the draft if it is not said"}}},
    {"flows.public.preflight",
     "flows.read",
     false,
     "Could the flow be listed publicly? Never here: a server of one's own has no public catalogue, and it says so.",
     preflight,
     {FLOW_SLUG_ARG}},
    {"flows.invocations.metrics",
     "runs.read",
     false,
     "How the flow was called: counts and the last run of each entry, out of its newest 2,000 runs.",
     metrics,
     {FLOW_SLUG_ARG,
      {"entrypointId", API_TEXT, false, 0, 256, NULL, "only of this interface, schedule or trigger"},
      {"installationId", API_TEXT, false, 0, 256, NULL, "only of this installation, or of live"},
      {"interfaceScope", API_TEXT, false, 0, 0, "draft|live|installation", "only of this target"},
      {"kind", API_TEXT, false, 0, 64, NULL, "only manual, http, mcp, schedule, webhook or cli"},
      {"limit", API_INT, false, 1, CALL_GROUPS, NULL, "how many entries"}}},
    {.name = NULL},
};
