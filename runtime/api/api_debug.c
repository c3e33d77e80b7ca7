/* api_debug.c - breakpoints over REST: overlays of flows, and the runs that stand at a breakpoint (breaks.h). */
#include "api_flow.h"
#include "api_runs.h"
#include "reader/read.h"
#include "runtime/engine/breaks.h"
#include "runtime/flow/flow_facets.h"
#include <stdio.h>
#include <string.h>

enum { STEPS_MOST = 100, WAITING_SHOWN = 100, WAITING_LOOKS = 1000, PAGE = 50, STEP_MAX = 256, SLUG_MAX = 130 };

/* --- what is shown ---------------------------------------------------------------------------------------------------------- */
static Val steps_of(Val overlay) {
  MapIter it;
  Val k, v, steps = map_get_kw(overlay, "steps");
  ValVec all = {0};
  if (is_map(steps)) map_iter(&it, steps);
  while (is_map(steps) && map_next(&it, &k, &v)) {
    ValVec m = {0};
    api_put(&m, "stepId", k);
    api_put(&m, "type", map_get_kw(v, "type"));
    api_put(&m, "setAt", api_time(api_number(v, "at")));
    api_put(&m, "setBy", map_get_kw(v, "by"));
    vv_push(&all, api_map(&m));
  }
  return vec_from(all.a, all.n);
}

static Val overlay_shown(const char *slug, Val overlay) {
  ValVec m = {0};
  Val target = map_get_kw(overlay, "target");
  api_put_text(&m, "flowSlug", slug);
  vv_push(&m, kw_c("enabled"));
  vv_push(&m, bool_val(truthy(map_get_kw(overlay, "enabled"))));
  api_put(&m, "target", is_str(target) ? target : str_c("draft"));
  vv_push(&m, kw_c("breakpoints"));
  vv_push(&m, steps_of(overlay));
  api_put(&m, "updatedAt", api_time(api_number(overlay, "at")));
  return api_map(&m);
}

/* EDN as JSON says it; a text that was cut stays one. */
static Val shown_value(Val text) {
  if (!is_str(text)) return NIL;
  Val v = read_one(str_s(text), str_n(text), NULL, true);
  return is_sig(v) ? text : api_shown(v);
}

static Val stop_shown(Val stop) {
  ValVec m = {0};
  Val of = map_get_kw(stop, "of");
  api_put_text(&m, "stepId", id_text(map_get_kw(stop, "step")));
  api_put_text(&m, "stepType", kw_text(map_get_kw(stop, "type")));
  api_put_text(&m, "side", kw_text(map_get_kw(stop, "side")));
  api_put(&m, "occurrence", map_get_kw(stop, "occurrence"));
  api_put(&m, "since", api_time(api_number(stop, "since")));
  vv_push(&m, of);
  vv_push(&m, shown_value(map_get_kw(stop, "shown")));
  return api_map(&m);
}

void api_debug_put(ValVec *m, const RunRow *row) {
  Val stop = breaks_stop(row);
  if (!is_nil(stop)) api_put(m, "breakpoint", stop_shown(stop));
}

Val api_debug_event(const RunRow *row, const char *step) {
  Val stop = breaks_stop(row);
  ValVec m = {0};
  if (is_nil(stop) || (step && strcmp(step, id_text(map_get_kw(stop, "step"))))) return NIL;
  api_put(&m, "at", api_time(api_number(stop, "since")));
  api_put_text(&m, "type", "breakpoint_reached");
  api_put_text(&m, "stepId", id_text(map_get_kw(stop, "step")));
  api_put_text(&m, "status", "waiting");
  api_put(&m, "details", stop_shown(stop));
  return api_map(&m);
}

/* --- overlays ------------------------------------------------------------------------------------------------------------------- */
/* The overlay of the flow of the path; one without breakpoints, when none was ever set. false: the call has failed. */
static bool find(ApiCall *c, const char **slug, Val *overlay, int64_t *rev) {
  Err err = {0};
  Val flow;
  *slug = api_path(c, "slug");
  *overlay = map_assoc(map_empty, kw_c("enabled"), TRUE_V);
  *rev = DOC_NEW;
  bool there = strlen(*slug) <= SLUG_MAX && api_doc(c->api, c->workspace, "flow", *slug, &flow, rev, &err);
  if (!there && !err.code) return api_fail(c, 404, "not_found", "flow not found: %.130s", *slug);
  *rev = DOC_NEW;
  if (there) api_doc(c->api, c->workspace, BREAKS_KIND, *slug, overlay, rev, &err);
  return !err.code || api_fail_err(c, &err);
}

static bool save(ApiCall *c, const char *slug, Val overlay, int64_t rev, Val warning) {
  ValVec m = {0};
  overlay = map_assoc(overlay, kw_c("at"), int_val(now_ms()));
  if (!api_doc_put(api_batch(c), c->workspace, BREAKS_KIND, slug, overlay, rev, now_ms(), 0))
    return api_fail(c, 500, "internal", "the overlay cannot be stored");
  breaks_sweep(c->api->engine, api_batch(c), c->workspace, slug);
  api_put(&m, "overlay", overlay_shown(slug, overlay));
  api_put(&m, "warning", warning);
  return api_ok(c, api_map(&m));
}

static bool list(ApiCall *c) {
  DocRow rows[PAGE];
  ValVec items = {0}, m = {0};
  Err err = {0};
  char after[SLUG_MAX + 2] = "";
  for (size_t n = PAGE; n == PAGE && !err.code;) {
    n = store_docs(c->api->store, c->workspace, BREAKS_KIND, "", after, rows, PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      vv_push(&items, overlay_shown(rows[i].key, api_doc_value(&rows[i])));
      snprintf(after, sizeof after, "%s", rows[i].key);
      doc_row_free(&rows[i]);
    }
  }
  if (err.code) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  return api_ok(c, api_map(&m));
}

/* Who stands at a breakpoint of the flow, newest first. false: *err */
static bool waiting(ApiCall *c, const char *slug, ValVec *out, Err *err) {
  RunRow rows[PAGE];
  RunQuery q = {c->workspace, slug, NULL, 1u << RUN_WAITING};
  int64_t before = INT64_MAX;
  size_t n = PAGE;
  for (int looks = 0; n == PAGE && looks < WAITING_LOOKS && !err->code; looks += PAGE) {
    n = store_runs_newest(c->api->store, &q, before, rows, PAGE, err);
    for (size_t i = 0; i < n; i++) {
      Val stop = breaks_stop(&rows[i]);
      before = rows[i].run;
      if (!is_nil(stop) && out->n < WAITING_SHOWN) vv_push(out, map_assoc(stop_shown(stop), kw_c("workflowId"), str_c(rows[i].run_id)));
      run_row_free(&rows[i]);
    }
  }
  return !err->code;
}

static bool show(ApiCall *c) {
  const char *slug;
  Val overlay;
  int64_t rev;
  Err err = {0};
  ValVec m = {0}, runs = {0};
  if (!find(c, &slug, &overlay, &rev)) return false;
  if (!waiting(c, slug, &runs, &err)) return api_fail_err(c, &err);
  api_put(&m, "overlay", overlay_shown(slug, overlay));
  vv_push(&m, kw_c("waiting"));
  vv_push(&m, vec_from(runs.a, runs.n));
  return api_ok(c, api_map(&m));
}

/* A breakpoint may be set before the step is written; but most of such are typing errors. */
static Val unknown_step(ApiCall *c, const char *slug, const char *step) {
  Blob text = {0};
  int64_t version;
  char hash[65];
  if (!api_flow_read(c, slug, "draft", 0, &text, &version, hash)) {
    c->code = NULL; /* it has no draft that could be read: nothing to say about steps */
    return NIL;
  }
  Val steps = flow_steps(api_flow_definition(text.p, text.n));
  blob_free(&text);
  for (uint32_t i = 0; i < vec_count(steps); i++) {
    Val id = map_get_kw(vec_nth(steps, i), "id");
    const char *own = id_text(id), *slash = strchr(step, '/');
    size_t n = slash ? (size_t)(slash - step) : strlen(step);
    if (!*own || !strcmp(own, step) || (strlen(own) == n && !strncmp(own, step, n))) return NIL; /* an id that is computed may be any */
  }
  return str_fmt("the draft of %s has no step %s", slug, step);
}

/* The step of the path, as the flow writes it or with a colon. NULL: the call has failed. */
static const char *step_of(ApiCall *c) {
  const char *step = api_path(c, "step");
  step += *step == ':';
  bool ok = *step && strlen(step) <= STEP_MAX;
  for (const char *p = step; *p; p++) ok = ok && (unsigned char)*p > ' ' && *p != 0x7f;
  if (!ok) api_fail(c, 400, "bad_request", "the step's id must have 1 to %d characters, and no blanks", STEP_MAX);
  return ok ? step : NULL;
}

static bool set_breakpoint(ApiCall *c) {
  const char *slug, *step = step_of(c), *type = api_text(c, "type");
  Val overlay, warning = NIL;
  int64_t rev;
  ValVec one = {0};
  if (!step || !find(c, &slug, &overlay, &rev)) return false;
  Val steps = map_get_kw(overlay, "steps"), key = str_c(step);
  if (!is_map(steps)) steps = map_empty;
  if (type && strcmp(type, "none")) {
    if (is_nil(map_get(steps, key, NIL)) && map_count(steps) >= STEPS_MOST)
      return api_fail(c, 400, "bad_request", "a flow has at most %d breakpoints", STEPS_MOST);
    api_put_text(&one, "type", type);
    api_put(&one, "at", int_val(now_ms()));
    api_put_text(&one, "by", c->key_name);
    steps = map_assoc(steps, key, api_map(&one));
    warning = unknown_step(c, slug, step);
  } else {
    steps = map_dissoc(steps, key);
  }
  return save(c, slug, map_assoc(overlay, kw_c("steps"), steps), rev, warning);
}

static bool set_enabled(ApiCall *c) {
  const char *slug, *target = api_text(c, "target");
  Val overlay;
  int64_t rev;
  if (!find(c, &slug, &overlay, &rev)) return false;
  overlay = map_assoc(overlay, kw_c("enabled"), bool_val(api_flag(c, "enabled")));
  if (target) overlay = map_assoc(overlay, kw_c("target"), str_c(target));
  return save(c, slug, overlay, rev, NIL);
}

/* --- runs that stand at one ---------------------------------------------------------------------------------------------------------- */
/* Does it stand where the path says, and has nobody let it go or ended it yet? */
static bool stands_there(ApiCall *c, const RunRow *row, Val stop) {
  const char *side = api_path(c, "side"), *step = step_of(c), *at = kw_text(map_get_kw(stop, "side"));
  int64_t time = api_int(c, "occurrence", 0), its = api_number(stop, "occurrence");
  if (!step) return false;
  if (strcmp(side, "before") && strcmp(side, "after") && strcmp(side, "both"))
    return api_fail(c, 400, "bad_request", "%.40s is none of before, after and both", side);
  if (is_nil(stop) || breaks_sent(c->api->engine, row))
    return api_fail(c, 409, "conflict", "run %s does not stand at a breakpoint%s", row->run_id, is_nil(stop) ? "" : " any more: it was let go or ended just now");
  if (!step_named(map_get_kw(stop, "step"), step) || (strcmp(side, "both") && strcmp(side, at)) || (time && time != its))
    return api_fail(c, 409, "conflict", "run %s stands %s step %s, the %lld. time, not there", row->run_id, at, id_text(map_get_kw(stop, "step")), (long long)its);
  return true;
}

static bool act(ApiCall *c, bool abort) {
  RunRow row = {0};
  Err err = {0};
  ValVec m = {0};
  const char *id = api_path(c, "workflow");
  if (!store_run_by_id(c->api->store, c->workspace, id, &row, &err))
    return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "run not found: %.200s", id);
  Val stop = breaks_stop(&row);
  if (!stands_there(c, &row, stop)) return run_row_free(&row), false;
  breaks_send(api_batch(c), &row, stop, abort, c->key_name ? c->key_name : c->key_id);
  c->api->engine->inbox_again = true;
  api_put_text(&m, "workflowId", row.run_id);
  api_put_text(&m, "stepId", id_text(map_get_kw(stop, "step")));
  api_put_text(&m, "side", kw_text(map_get_kw(stop, "side")));
  api_put(&m, "occurrence", map_get_kw(stop, "occurrence"));
  api_put_text(&m, "status", abort ? "aborting" : "continuing");
  run_row_free(&row);
  return api_ok(c, api_map(&m));
}

static bool go_on(ApiCall *c) { return act(c, false); }
static bool end(ApiCall *c) { return act(c, true); }

/* --- rows ------------------------------------------------------------------------------------------------------------------------------ */
#define WHICH_ARG {"occurrence", API_INT, false, 1, INT64_MAX, NULL, "only if the run stands at this round of a loop, as runs.get tells it"}

const ApiRoute api_debug_routes[] = {
    {"GET", "debug/overlays", 0, {"debug.overlays.list", "flows.read", false, "Flows with breakpoints.", list, {{0}}}},
    {"GET", "debug/overlays/{slug}", 0, {"debug.overlays.get", "flows.read", false, "The breakpoints of a flow, and runs that stand at one.", show, {{0}}}},
    {"PATCH",
     "debug/overlays/{slug}/breakpoint/{step}",
     0,
     {"debug.overlays.breakpoint",
      "flows.manage",
      true,
      "Runs of the flow's draft stop at this step. Who waits at a breakpoint that is taken away goes on.",
      set_breakpoint,
      {{"type", API_TEXT, false, 0, 0, "before|after|both|none", "before it is tried, after its result is recorded; none, or null, takes the breakpoint away"}}}},
    {"PATCH",
     "debug/overlays/{slug}/enabled",
     0,
     {"debug.overlays.enabled",
      "flows.manage",
      true,
      "Switches the breakpoints of a flow on or off together; who waits at one that is off goes on.",
      set_enabled,
      {{"enabled", API_BOOL, true, 0, 0, NULL, "false: runs pass them"},
       {"target", API_TEXT, false, 0, 0, "draft|all", "whose runs stop: those of the draft alone, as at first, or live ones and installations too"}}}},
    {"POST",
     "debug/breakpoints/{workflow}/{step}/{side}/continue",
     0,
     {"debug.breakpoints.continue", "flows.manage", true, "The run that stands at this breakpoint goes on.", go_on, {WHICH_ARG}}},
    {"POST",
     "debug/breakpoints/{workflow}/{step}/{side}/abort",
     0,
     {"debug.breakpoints.abort",
      "flows.manage",
      true,
      "The run that stands at this breakpoint fails with breakpoint-aborted; its finally blocks run, no catch takes it.",
      end,
      {WHICH_ARG}}},
    {0},
};
