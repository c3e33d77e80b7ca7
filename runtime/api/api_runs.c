/* api_runs.c - runs over the API: start, look, list, events, cancel (spec/flows.md 8). */
#include "api_runs.h"
#include "api_target.h"
#include "runtime/engine/child.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "runtime/net/otel.h"
#include "runtime/trigger/trigger.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { RUN_LIST = 100, EVENTS = 500 };

/* --- starting ------------------------------------------------------------------------------------------------------------------------ */
static void put_more(ValVec *m, Val more) {
  MapIter it;
  Val k, v;
  if (!is_map(more)) return;
  map_iter(&it, more);
  while (map_next(&it, &k, &v)) api_put(m, kw_text(k), v);
}

Val api_run_started(const RunRow *row, const char *target, const SlotDecision *slot, Val more) {
  ValVec m = {0};
  api_put_text(&m, "workflowId", row->run_id);
  api_put_text(&m, "flowSlug", row->slug);
  api_put_text(&m, "status", run_status_name(row->status));
  api_put(&m, "version", int_val(row->version));
  api_put_text(&m, "target", target);
  api_put_text(&m, "installationId", row->installation);
  api_put(&m, "startedAt", api_time(row->created_ms));
  if (slot) {
    api_put_text(&m, "concurrencyDecision", slot->decision);
    api_put(&m, "concurrencyKey", api_shown(slot->key));
    api_put(&m, "concurrency", api_shown(slot_decision_map(slot)));
  }
  put_more(&m, more);
  return api_map(&m);
}

typedef struct Start {
  ApiCall *c;
  const ApiStart *how;
  ApiPending *pending;
  SlotDecision slot;
} Start;

/* The answer and the memory of it are in the batch of the run's START: who asks again gets this run. */
static void start_also(void *ctx, Batch *b, const RunRow *row) {
  Start *s = ctx;
  api_ok(s->c, api_run_started(row, s->how->target, &s->slot, s->how->more));
  api_seal(s->c, b);
  if (s->pending) api_pend_answer(s->pending, s->c);
}

static void start_done(void *ctx, const char *error) { api_pend_done(ctx, error); }

Val api_run_origin(const ApiCall *c, const char *target, Val more) {
  char trace[33], span[17];
  ValVec m = {0};
  api_put_text(&m, "door", "api");
  api_put_text(&m, "target", target);
  api_put_text(&m, "by", c->key_id);
  if (otel_on() && otel_parent(listener_header(c->request, "traceparent"), trace, span))
    api_put_text(&m, "traceparent", listener_header(c->request, "traceparent"));
  put_more(&m, more);
  return api_map(&m);
}

static Val rejected(const SlotDecision *d) {
  ValVec m = {0};
  api_put_text(&m, "concurrencyDecision", d->decision);
  api_put(&m, "concurrency", api_shown(slot_decision_map(d)));
  return api_map(&m);
}

bool api_run_begin(ApiCall *c, FlowDef *f, Val input, const ApiStart *as) {
  Err err = {0};
  int64_t run;
  Start s = {c, as, c->api->listener ? api_pend(c) : NULL, {0}};
  const char *on = as->installation ? as->installation : !as->target || !strcmp(as->target, "draft") ? "draft" : "live"; /* a version runs on live, too */
  RunStart how = {.workspace = c->workspace, .target = on, .version = as->version, .installation = as->installation, .slot = &s.slot, .also = start_also, .ctx = &s,
                  .origin = api_run_origin(c, as->target, as->origin), .done_ctx = s.pending};
  if (s.pending) how.done = start_done;
  if (engine_start_as(c->api->engine, f, input, &how, &run, &err)) return true;
  if (s.pending) api_pend_drop(s.pending);
  c->sealed = c->later = false;
  if (err.code && !strncmp(err.code, "concurrency_", 12)) c->details = rejected(&s.slot);
  return api_fail_err(c, &err);
}

/* "orders.live.in", as triggers.list shows it, or "in" */
static const char *own_id(const FlowDef *f, const ApiTarget *t, const char *id) {
  char before[340];
  int n = snprintf(before, sizeof before, "%s.%s.", f->slug, t->name);
  return strncmp(id, before, (size_t)n) ? id : id + n;
}

/* What the call says about the way in: an invocation by its name, or an interface by its id. The inputs of that, and what the run's origin is
 * told. */
static bool way_in(ApiCall *c, const FlowDef *f, const ApiTarget *t, Val *inputs, Val *origin) {
  Trigger way;
  const char *id = api_text(c, "triggerId"), *name = api_text(c, "invocation");
  Val kv[] = {kw_c("invocation"), api_arg(c, "invocation"), kw_c("trigger-id"), NIL};
  if (id && !trigger_named(f->map, own_id(f, t, id), &way)) return api_fail(c, 404, "not_found", "interface not found: %.130s", id);
  if (id && !way.enabled) return api_fail(c, 409, "interface_disabled", "the interface %s is switched off", way.id);
  if (id && !name && *way.invocation) name = way.invocation, kv[1] = str_c(name);
  if (id) kv[3] = str_c(way.id);
  if (name && *name == ':') name++;
  if (name && !is_map(map_get_kw(map_get_kw(f->map, "invocations"), name)))
    return api_fail(c, 404, "not_found", "flow %s has no invocation %s", f->slug, name);
  *inputs = flowdef_inputs(f->map, name);
  *origin = is_nil(kv[3]) ? name ? map_from(kv, 1, false) : NIL : map_from(kv + (name ? 0 : 2), name ? 2 : 1, false);
  return true;
}

/* The names of what must be given and is not. */
static Val missing_keys(Val declared, Val input) {
  ValVec keys = {0};
  for (uint32_t i = 0; is_vec(declared) && i < vec_count(declared); i++) {
    Val d = vec_nth(declared, i), name = api_name(map_get_kw(d, "name"));
    bool needed = truthy(map_get_kw(d, "required")) && is_nil(map_get_kw(d, "default")) && is_str(name);
    if (needed && is_nil(map_get_kw(input, str_s(name)))) vv_push(&keys, name);
  }
  return vec_from(keys.a, keys.n);
}

bool api_run_input(ApiCall *c, Val declared, Val *input) {
  Err err = {0};
  ValVec m = {0};
  Buf names = {0};
  Val keys = missing_keys(declared, is_nil(*input) ? map_empty : *input);
  if (flowdef_input_for(declared, input, &err)) return true;
  if (!vec_count(keys)) return api_fail(c, 400, "bad_request", "%s", err.msg);
  for (uint32_t i = 0; i < vec_count(keys); i++) buf_fmt(&names, "%s%s", i ? ", " : "", str_s(vec_nth(keys, i)));
  api_put(&m, "missingKeys", keys);
  c->details = api_map(&m);
  api_fail(c, 400, "bad_request", "missing required run inputs: %s", buf_cstr(&names));
  buf_free(&names);
  return false;
}

bool api_run_not_runnable(ApiCall *c, const char *slug, const char *hash, const Err *why) {
  char *file = NULL;
  Blob src = {0};
  Err err = {0};
  int errors = 0;
  if (!strcmp(why->code, "flow_invalid") && store_source_get(c->api->store, hash, &file, &src, &err)) {
    ValVec m = {0};
    api_put(&m, "diagnostics", api_diagnostics(src.p, src.n, file, &errors));
    c->details = api_map(&m);
  }
  free(file);
  blob_free(&src);
  if (!errors) return api_fail_err(c, why);
  return api_fail(c, 400, "flow_invalid", "flow %s cannot run: %d error%s, see details.diagnostics", slug, errors, errors == 1 ? "" : "s");
}

static bool start_def(ApiCall *c, FlowDef *f, const ApiTarget *t) {
  Val input = api_arg(c, "input"), inputs = NIL, origin = NIL;
  Val activation = flowdef_activation(f->map, t->activation);
  if (is_nil(input)) input = map_empty;
  if (!way_in(c, f, t, &inputs, &origin) || !api_target_runs(c, t, f->map) || !api_run_input(c, inputs, &input)) return false;
  if (map_count(activation)) input = map_assoc(input, kw_c("activation"), activation);
  bool installed = strcmp(t->name, "draft") && strcmp(t->name, "live");
  ApiStart how = {.target = installed ? "live" : t->name, .installation = installed ? t->name : NULL, .version = t->version,
                  .origin = origin, .more = NIL};
  return api_run_begin(c, f, input, &how);
}

static bool start(ApiCall *c, const char *target) {
  ApiTarget t;
  FlowDef *f;
  Err err = {0};
  const char *slug = api_text(c, "flowSlug");
  if (!api_target_of_call(c, slug, target, &t)) return false;
  return engine_def(c->api->engine, t.hash, &f, NULL, &err) ? start_def(c, f, &t) : api_run_not_runnable(c, slug, t.hash, &err);
}

static bool flows_run(ApiCall *c) { return start(c, api_text(c, "target") ? api_text(c, "target") : "draft"); }
static bool runs_start(ApiCall *c) { return start(c, api_text(c, "source") ? api_text(c, "source") : "active"); }

/* --- what all of them need ------------------------------------------------------------------------------------------------------ */
/* "r12" or "-r12": the 12th of its flow. */
static const char *short_id(const char *id) {
  if (*id == '-') id++;
  return *id == 'r' && id[1] && !id[1 + strspn(id + 1, "0123456789")] ? id : NULL;
}

static bool names_of(ApiCall *c, const RunRow *row) {
  const char *inst = api_text(c, "installationId"), *profile = api_text(c, "profileId");
  if (!inst) inst = profile;
  return row->workspace && !strcmp(row->workspace, c->workspace) && (!inst || (row->installation && !strcmp(inst, row->installation)));
}

bool api_run_row(ApiCall *c, RunRow *row) {
  Err err = {0};
  Buf whole = {0};
  const char *given = api_text(c, "workflowId"), *end = short_id(given), *slug = api_text(c, "flowSlug");
  if (end && !slug) return api_fail(c, 400, "bad_request", "%.40s is short for a run of some flow: send flowSlug, or the whole workflowId", given);
  const char *inst = api_text(c, "installationId") ? api_text(c, "installationId") : api_text(c, "profileId");
  if (end) buf_fmt(&whole, "flow-%s-%s%s%s-%s", slug, c->workspace, inst ? "-install-" : "", inst ? inst : "", end);
  bool found = store_run_by_id(c->api->store, c->workspace, end ? buf_cstr(&whole) : given, row, &err);
  buf_free(&whole);
  if (found && names_of(c, row)) return true;
  if (found) run_row_free(row);
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "run not found: %s", given);
}

const char *api_run_status(enum RunStatus s) { return s == RUN_BLOCKED ? "failed" : run_status_name(s); }

static Val origin_of(const RunRow *r) {
  Val v = r->origin ? read_one(r->origin, strlen(r->origin), NULL, true) : NIL;
  return is_map(v) ? v : NIL;
}
Val api_run_fact(const RunRow *r, const char *key) { return map_get_kw(origin_of(r), key); }

static void put_origin(ValVec *m, Val o) {
  static const char *const facts[][2] = {{"door", "triggeredBy"}, {"target", "target"}, {"trigger-id", "triggerId"}, {"invocation", "invocation"},
                                         {"by", "startedBy"}, {"replay-of", "originalWorkflowId"}, {"fork-of", "forkedFrom"}, {"fork-step", "forkedAtStep"}};
  for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) api_put(m, facts[i][1], api_shown(map_get_kw(o, facts[i][0])));
}

void api_run_put(ValVec *m, const RunRow *r) {
  api_put_text(m, "workflowId", r->run_id);
  api_put_text(m, "flowSlug", r->slug);
  api_put(m, "version", int_val(r->version));
  api_put_text(m, "status", api_run_status(r->status));
  if (r->status == RUN_BLOCKED) api_put(m, "blocked", TRUE_V);
  api_put_text(m, "installationId", r->installation);
  api_put(m, "startedAt", api_time(r->created_ms));
  api_put(m, "updatedAt", api_time(r->updated_ms));
  api_put(m, "completedAt", api_time(r->finished_ms));
  if (r->finished_ms) api_put(m, "durationMs", int_val(r->finished_ms - r->created_ms));
  api_put(m, "wakesAt", api_time(r->wake_ms));
  api_debug_put(m, r);
  put_origin(m, origin_of(r));
  Val of = child_lineage(r);
  api_put(m, "parentWorkflowId", map_get_kw(of, "parent-workflow-id"));
  api_put(m, "rootWorkflowId", map_get_kw(of, "root-workflow-id"));
  api_put(m, "parentStepId", api_shown(map_get_kw(of, "parent-step-id")));
  api_put(m, "fanoutIndex", map_get_kw(of, "fanout-index"));
}

/* --- cancel -------------------------------------------------------------------------------------------------------------------------- */
static bool runs_cancel(ApiCall *c) {
  RunRow row = {0};
  Err err = {0};
  ValVec m = {0};
  if (!api_run_row(c, &row)) return false;
  batch_essential(api_batch(c)); /* the memory of the answer */
  bool over = run_status_final(row.status);
  api_put_text(&m, "workflowId", row.run_id);
  api_put_text(&m, "flowSlug", row.slug);
  api_put_text(&m, "status", over ? run_status_name(row.status) : "cancelling");
  api_put(&m, "force", api_flag(c, "force") ? TRUE_V : FALSE_V);
  bool ok = !over && engine_cancel(c->api->store, &row, api_flag(c, "force"), api_text(c, "reason"), &err) &&
            engine_drain_inbox(c->api->engine, &err);
  run_row_free(&row);
  if (over) c->details = api_map(&m);
  if (over) return api_fail(c, 409, "already_completed", "the run is over already");
  return ok ? api_ok(c, api_map(&m)) : api_fail_err(c, &err);
}

#define RUN_ARG                                                                                                                            \
  {"workflowId", API_TEXT, true, 0, 256, NULL, "the run's id; with flowSlug also its end, such as r12"}, {                                 \
    "flowSlug", API_SLUG, false, 0, 0, NULL, "the flow of a short id"                                                                      \
  }
#define INSTALLATION_ARGS                                                                                                                  \
  {"installationId", API_TEXT, false, 0, 256, NULL, "only if it belongs to this installation"}, {                                          \
    "profileId", API_TEXT, false, 0, 256, NULL, "older name of installationId"                                                             \
  }
#define FLOW_ARG                                                                                                                           \
  { "flowSlug", API_SLUG, true, 0, 0, NULL, "the flow's slug" }
#define INPUT_ARGS                                                                                                                         \
  {"version", API_VERSION, false, 0, 0, NULL, "a version, or latest for the active one"},                                                  \
      {"installationId", API_TEXT, false, 0, 80, NULL, "run on this installation"},                                                        \
      {"profileId", API_TEXT, false, 0, 160, NULL, "the older name of installationId"},                                                  \
      {"invocation", API_TEXT, false, 0, 256, NULL, "which of the flow's :invocations"},                                                 \
      {"triggerId", API_TEXT, false, 0, 340, NULL, "the interface or trigger whose invocation it is, by its id"}, {                                                 \
    "input", API_OBJECT, false, 0, 0, NULL, "the flow's input"                                                                             \
  }

const ApiCommand api_run_commands[] = {
    {"flows.run",
     "flows.run",
     true,
     "Starts a run; it is durable when this is answered.",
     flows_run,
     {FLOW_ARG, {"target", API_TEXT, false, 0, 0, "draft|live", "the draft (default) or what is live"}, INPUT_ARGS}},
    {"runs.start",
     "flows.run",
     true,
     "Starts a run of the active version, or of the draft.",
     runs_start,
     {FLOW_ARG, {"source", API_TEXT, false, 0, 0, "draft|active|live", "which text; the active version if it is not said"}, INPUT_ARGS}},
    {"runs.get",
     "runs.read",
     false,
     "One run: status, input, result or error, and its steps if they are wanted.",
     api_runs_get,
     {RUN_ARG,
      INSTALLATION_ARGS,
      {"includeSteps", API_BOOL, false, 0, 0, NULL, "with every attempt of every step"},
      {"includeResult", API_BOOL, false, 0, 0, NULL, "with the whole result"},
      {"includeStepResults", API_BOOL, false, 0, 0, NULL, "steps with whole inputs and outputs, not previews"},
      {"stepId", API_TEXT, false, 0, 256, NULL, "only this step"},
      {"compactInspect", API_BOOL, false, 0, 0, NULL, "shorter previews"}}},
    {"runs.list",
     "runs.read",
     false,
     "Runs, newest first.",
     api_runs_list,
     {{"flowSlug", API_SLUG, false, 0, 0, NULL, "only of this flow"},
      {"installationId", API_TEXT, false, 0, 256, NULL, "only of this installation"},
      {"profileId", API_TEXT, false, 0, 256, NULL, "older name of installationId"},
      {"status", API_TEXT, false, 0, 40, NULL, "only in this status"},
      {"version", API_INT, false, 0, INT32_MAX, NULL, "only of this version; 0: of drafts"},
      {"cursor", API_TEXT, false, 0, 60, NULL, "meta.nextCursor of the page before"},
      {"limit", API_INT, false, 1, RUN_LIST, NULL, "how many at once"},
      {"query", API_TEXT, false, 0, 1024, NULL, "status:S flow:SLUG installation:I version:N, together with the other filters"}}},
    {"runs.cancel",
     "flows.run",
     true,
     "Asks a run to end: finally blocks run, then it is cancelled; with force it is terminated at once.",
     runs_cancel,
     {RUN_ARG, {"reason", API_TEXT, false, 0, 1024, NULL, "why"}, {"force", API_BOOL, false, 0, 0, NULL, "without finally blocks"}}},
    {"runs.events",
     "runs.read",
     false,
     "What happened in a run, oldest first; the newest ones when there are more than limit.",
     api_runs_events,
     {RUN_ARG,
      INSTALLATION_ARGS,
      {"stepId", API_TEXT, false, 0, 256, NULL, "only of this step"}, {"limit", API_INT, false, 1, EVENTS, NULL, "how many"}}},
    {"runs.replay",
     "flows.run",
     true,
     "Runs it again from the beginning: same input, same version, a new run.",
     api_runs_replay,
     {RUN_ARG, INSTALLATION_ARGS}},
    {"runs.retry",
     "flows.run",
     true,
     "A new run that goes on at the step where this one failed; what was done before it is taken over.",
     api_runs_retry,
     {RUN_ARG, {"stepId", API_TEXT, false, 0, 256, NULL, "go on at this step (the last time it was reached) instead"}}},
    {"runs.fork",
     "flows.run",
     true,
     "A new run that shares the steps before this one, and goes on from there with what was changed.",
     api_runs_fork,
     {RUN_ARG,
      {"stepId", API_TEXT, false, 0, 256, NULL, "in front of this step (the first time, or that of occurrence)"},
      {"occurrence", API_INT, false, 1, INT32_MAX, NULL, "which time the step was reached, 1 the first"},
      {"number", API_INT, false, 1, INT32_MAX, NULL, "in front of this step, counted from 1, instead of stepId"},
      {"input", API_OBJECT, false, 0, 0, NULL, "the run's input instead"},
      {"config", API_OBJECT, false, 0, 0, NULL, "the step's options instead"},
      {"result", API_ANY, false, 0, 0, NULL, "the step's result: it is not run"},
      {"error", API_OBJECT, false, 0, 0, NULL, "the step fails with this: {\"message\": ..}"}}},
    {"runs.verify",
     "runs.read",
     false,
     "Rebuilds the run from its journal, without any effect, and says whether the outcome is the same to the bit.",
     api_runs_verify,
     {RUN_ARG}},
    {.name = NULL},
};
