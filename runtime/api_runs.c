/* api_runs.c - runs over the API: start, look, list, events, cancel (spec/flows.md 8). */
#include "api.h"
#include "child.h"
#include "engine_int.h"
#include "engine_journal.h"
#include "eval/unit.h"
#include "snapshot.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { SCAN = 128, SCAN_PAGES = 64, RUN_LIST = 100, EVENTS = 500 };

/* --- starting ------------------------------------------------------------------------------------------------------------------------ */
static Val started(const RunRow *row, const char *target) {
  ValVec m = {0};
  api_put_text(&m, "workflowId", row->run_id);
  api_put_text(&m, "flowSlug", row->slug);
  api_put_text(&m, "status", run_status_name(row->status));
  api_put(&m, "version", int_val(row->version));
  api_put_text(&m, "target", target);
  api_put(&m, "startedAt", api_time(row->created_ms));
  return api_map(&m);
}

typedef struct Start {
  ApiCall *c;
  const char *target;
  ApiPending *pending;
} Start;

/* The answer and the memory of it are in the batch of the run's START: who asks again gets this run. */
static void start_also(void *ctx, Batch *b, const RunRow *row) {
  Start *s = ctx;
  api_ok(s->c, started(row, s->target));
  api_seal(s->c, b);
  if (s->pending) api_pend_answer(s->pending, s->c);
}

static void start_done(void *ctx, const char *error) { api_pend_done(ctx, error); }

static bool invocation_ok(ApiCall *c, const FlowDef *f) {
  const char *name = api_text(c, "invocation");
  Val all = map_get_kw(f->map, "invocations");
  if (!name) return true;
  if (*name == ':') name++;
  if (!is_map(map_get_kw(all, name))) return api_fail(c, 404, "not_found", "flow %s has no invocation %s", f->slug, name);
  bool chosen = !strcmp(name, "default") || (is_nil(map_get_kw(all, "default")) && map_count(all) == 1);
  return chosen || api_fail(c, 400, "bad_request", "only the invocation :default, or the only one there is, can be run; not yet %s", name);
}

static bool not_runnable(ApiCall *c, const char *slug, const char *hash, const Err *why) {
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

static bool start_def(ApiCall *c, FlowDef *f, const char *target, int64_t version) {
  Err err = {0};
  int64_t run;
  Val input = api_arg(c, "input");
  if (is_nil(input)) input = map_empty;
  if (!invocation_ok(c, f)) return false;
  if (!flowdef_input(f, &input, &err)) return api_fail(c, 400, "bad_request", "%s", err.msg);
  Start s = {c, target, c->api->listener ? api_pend(c) : NULL};
  RunStart how = {.workspace = c->workspace, .target = target, .version = version, .also = start_also, .ctx = &s, .done_ctx = s.pending};
  if (s.pending) how.done = start_done;
  if (engine_start_as(c->api->engine, f, input, &how, &run, &err)) return true;
  if (s.pending) api_pend_drop(s.pending);
  c->sealed = c->later = false;
  return api_fail_err(c, &err);
}

static bool start(ApiCall *c, const char *target) {
  char *hash = NULL;
  int64_t version;
  FlowDef *f;
  Err err = {0};
  const char *slug = api_text(c, "flowSlug");
  Val wanted = api_arg(c, "version");
  if (str_eq_c(wanted, "latest")) target = "active";
  if (!api_flow_source(c->api, c->workspace, slug, target, is_long(wanted) ? long_of(wanted) : 0, &hash, &version, &err))
    return api_fail_err(c, &err);
  bool ok = engine_def(c->api->engine, hash, &f, NULL, &err);
  ok = ok ? start_def(c, f, target, version) : not_runnable(c, slug, hash, &err);
  free(hash);
  return ok;
}

static bool flows_run(ApiCall *c) { return start(c, api_text(c, "target") ? api_text(c, "target") : "draft"); }
static bool runs_start(ApiCall *c) { return start(c, api_text(c, "source") ? api_text(c, "source") : "active"); }

/* --- one run ------------------------------------------------------------------------------------------------------------------------- */
static bool run_find_row(ApiCall *c, RunRow *row) {
  Err err = {0};
  const char *id = api_text(c, "workflowId");
  bool found = store_run_by_id(c->api->store, c->workspace, id, row, &err);
  if (found) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "run not found: %s", id);
}

/* A blocked run waits for an operator. */
static const char *status_text(enum RunStatus s) { return s == RUN_BLOCKED ? "failed" : run_status_name(s); }

static void put_row(ValVec *m, const RunRow *r) {
  api_put_text(m, "workflowId", r->run_id);
  api_put_text(m, "flowSlug", r->slug);
  api_put(m, "version", int_val(r->version));
  api_put_text(m, "status", status_text(r->status));
  if (r->status == RUN_BLOCKED) api_put(m, "blocked", TRUE_V);
  api_put(m, "startedAt", api_time(r->created_ms));
  api_put(m, "updatedAt", api_time(r->updated_ms));
  api_put(m, "completedAt", api_time(r->finished_ms));
  api_put(m, "wakesAt", api_time(r->wake_ms));
  Val of = child_lineage(r);
  api_put(m, "parentWorkflowId", map_get_kw(of, "parent-workflow-id"));
  api_put(m, "rootWorkflowId", map_get_kw(of, "root-workflow-id"));
}

typedef struct Steps {
  ValVec items;
  const char *only;
  bool results;
  Val current;
} Steps;

static Val error_shown(Val error) {
  ValVec m = {0};
  if (is_nil(error)) return NIL;
  if (!is_map(error)) return api_preview(error);
  api_put(&m, "message", api_shown(map_get_kw(error, "message")));
  api_put(&m, "type", api_shown(map_get_kw(error, "type")));
  api_put(&m, "status", api_shown(map_get_kw(error, "status")));
  api_put(&m, "stepId", api_shown(map_get_kw(error, "step-id")));
  return api_map(&m);
}

static bool take_step(void *ctx, const HistoryStep *h) {
  Steps *s = ctx;
  ValVec m = {0};
  if (!h->ended_ms) s->current = str_c(h->step);
  if (s->only && strcmp(s->only, h->step)) return true;
  api_put_text(&m, "stepId", h->step);
  api_put_text(&m, "stepType", h->type);
  api_put_text(&m, "title", h->title);
  api_put_text(&m, "status", h->status);
  api_put(&m, "attempt", fix(h->attempt));
  api_put(&m, "occurrence", int_val(h->occurrence));
  api_put(&m, "startedAt", api_time(h->started_ms));
  api_put(&m, "completedAt", api_time(h->ended_ms));
  if (h->ended_ms) api_put(&m, "durationMs", int_val(h->ended_ms - h->started_ms));
  api_put(&m, s->results ? "input" : "inputPreview", s->results ? api_shown(h->input) : api_preview(h->input));
  if (!strcmp(h->status, "completed"))
    api_put(&m, s->results ? "output" : "resultPreview", s->results ? api_shown(h->output) : api_preview(h->output));
  api_put(&m, "error", error_shown(h->error));
  vv_push(&s->items, api_map(&m));
  return true;
}

static bool take_input(void *ctx, const JournalRec *j) {
  Val v = j->kind == J_START ? snap_read_value(env_core(), j->data.p, j->data.n) : NIL;
  if (is_vec(v)) *(Val *)ctx = map_dissoc(vec_nth(v, JT_INPUT), kw_new("flow", "ctx"));
  return false;
}

static void put_end(ApiCall *c, ValVec *m, const RunState *st) {
  if (st->status == RUN_COMPLETED) {
    ValVec data = {0}, preview = {0};
    Val shown = api_preview(st->value);
    vv_push(&data, kw_c("result"));
    vv_push(&data, shown);
    api_put(&preview, "data", api_map(&data));
    api_put(m, "resultPreview", api_map(&preview));
    if (api_flag(c, "includeResult")) {
      vv_push(m, kw_c("result"));
      vv_push(m, api_shown(st->value));
    }
  }
  api_put(m, "error", error_shown(st->error));
}

static bool get_run(ApiCall *c, const RunRow *row, Val *out) {
  Err err = {0};
  RunState st = {0};
  Val input = NIL;
  Steps steps = {.only = api_text(c, "stepId"), .results = api_flag(c, "includeStepResults"), .current = NIL};
  Engine *e = c->api->engine;
  ValVec m = {0};
  if (!engine_state(e, row->run, &st, &err)) return api_fail_err(c, &err);
  put_row(&m, row);
  bool details = api_flag(c, "includeSteps") || !run_status_final(row->status);
  if (details && !engine_history(e, row->run, take_step, &steps, &err)) return api_fail_err(c, &err);
  if (!run_status_final(row->status)) api_put(&m, "currentStep", steps.current);
  if (!store_journal(c->api->store, row->run, 0, take_input, &input, &err) && err.code) return api_fail_err(c, &err);
  api_put(&m, "inputPreview", api_preview(input));
  put_end(c, &m, &st);
  if (api_flag(c, "includeSteps")) api_put(&m, "steps", vec_from(steps.items.a, steps.items.n));
  *out = api_map(&m);
  return true;
}

static bool runs_get(ApiCall *c) {
  RunRow row = {0};
  ValVec m = {0};
  Val run;
  if (!run_find_row(c, &row)) return false;
  bool ok = get_run(c, &row, &run);
  run_row_free(&row);
  if (!ok) return false;
  api_put(&m, "run", run);
  return api_ok(c, api_map(&m));
}

/* --- events -------------------------------------------------------------------------------------------------------------------------- */
typedef struct Events {
  ValVec items;
  const char *only;
} Events;

static void event(Events *ev, int64_t at, const char *type, const HistoryStep *h) {
  ValVec m = {0}, details = {0};
  api_put(&m, "at", api_time(at));
  api_put_text(&m, "type", type);
  if (h) {
    api_put_text(&m, "stepId", h->step);
    api_put_text(&m, "status", h->status);
    api_put_text(&details, "stepType", h->type);
    api_put(&details, "attempt", fix(h->attempt));
    api_put(&details, "occurrence", int_val(h->occurrence));
    if (h->ended_ms) api_put(&details, "error", error_shown(h->error));
    api_put(&m, "details", api_map(&details));
  }
  vv_push(&ev->items, api_map(&m));
}

static bool take_events(void *ctx, const HistoryStep *h) {
  Events *ev = ctx;
  char type[64];
  if (ev->only && strcmp(ev->only, h->step)) return true;
  HistoryStep begun = *h;
  begun.status = "running";
  begun.ended_ms = 0;
  event(ev, h->started_ms, "step_started", &begun);
  snprintf(type, sizeof type, "step_%s", h->status);
  if (h->ended_ms || !strcmp(h->status, "waiting")) event(ev, h->ended_ms ? h->ended_ms : h->started_ms, type, h);
  return true;
}

static bool runs_events(ApiCall *c) {
  RunRow row = {0};
  Err err = {0};
  Events ev = {.only = api_text(c, "stepId")};
  char type[64];
  ValVec m = {0}, meta = {0};
  if (!run_find_row(c, &row)) return false;
  if (!ev.only) event(&ev, row.created_ms, "run_started", NULL);
  bool ok = engine_history(c->api->engine, row.run, take_events, &ev, &err);
  snprintf(type, sizeof type, "run_%s", run_status_name(row.status));
  if (run_status_final(row.status) && !ev.only) event(&ev, row.finished_ms, type, NULL);
  run_row_free(&row);
  if (!ok) return api_fail_err(c, &err);
  size_t limit = (size_t)api_int(c, "limit", 100), n = ev.items.n < limit ? ev.items.n : limit; /* the newest */
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(ev.items.n ? ev.items.a + (ev.items.n - n) : NULL, n));
  api_put(&meta, "count", int_val((int64_t)n));
  api_put(&meta, "hasMore", ev.items.n > n ? TRUE_V : FALSE_V);
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

/* --- cancel -------------------------------------------------------------------------------------------------------------------------- */
static bool runs_cancel(ApiCall *c) {
  RunRow row = {0};
  Err err = {0};
  ValVec m = {0};
  if (!run_find_row(c, &row)) return false;
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

/* --- list ---------------------------------------------------------------------------------------------------------------------------- */
typedef struct Filter {
  char flow[132];
  int64_t version;
  unsigned mask;
  bool by_version, by_status;
} Filter;

static bool filter_status(ApiCall *c, Filter *f, const char *s) {
  static const char *const as[][2] = {{"canceled", "cancelled"}, {"timed_out", "timed-out"}, {"timedout", "timed-out"}};
  for (size_t i = 0; i < 3; i++)
    if (!strcmp(s, as[i][0])) s = as[i][1];
  for (int i = RUN_RUNNING; i <= RUN_BLOCKED; i++)
    if (!strcmp(status_text((enum RunStatus)i), s)) f->mask |= 1u << i;
  f->by_status = true;
  return f->mask || !strcmp(s, "queued") ||
         api_fail(c, 400, "bad_request",
                  "status: %.40s is none of queued, running, waiting, completed, failed, cancelled, terminated, timed-out", s);
}

/* One word of the query language: status:X flow:S version:N. */
static bool filter_word(ApiCall *c, Filter *f, const char *word) {
  char *end;
  if (!strncmp(word, "status:", 7)) return f->by_status || filter_status(c, f, word + 7);
  if (!strncmp(word, "flow:", 5)) return snprintf(f->flow, sizeof f->flow, "%.128s", word + 5), true;
  if (strncmp(word, "version:", 8))
    return api_fail(c, 400, "bad_request", "query: %.60s is not understood; use status:S flow:SLUG version:N", word);
  f->version = strtoll(word + 8, &end, 10);
  f->by_version = true;
  return !*end || api_fail(c, 400, "bad_request", "query: version: wants a number, not %.40s", word + 8);
}

static bool filter_of(ApiCall *c, Filter *f) {
  const char *slug = api_text(c, "flowSlug"), *status = api_text(c, "status"), *query = api_text(c, "query");
  if (slug) snprintf(f->flow, sizeof f->flow, "%s", slug);
  if (status && !filter_status(c, f, status)) return false;
  if (!is_nil(api_arg(c, "version"))) f->version = api_int(c, "version", 0), f->by_version = true;
  char *copy = query ? strdup(query) : NULL, *save = NULL;
  bool ok = true;
  for (char *w = copy ? strtok_r(copy, " ", &save) : NULL; ok && w; w = strtok_r(NULL, " ", &save)) ok = filter_word(c, f, w);
  free(copy);
  return ok;
}

static bool fits(const ApiCall *c, const Filter *f, const RunRow *r) {
  return r->workspace && !strcmp(r->workspace, c->workspace) && (!f->by_status || f->mask & 1u << r->status) &&
         (!*f->flow || (r->slug && !strcmp(r->slug, f->flow))) && (!f->by_version || r->version == f->version);
}

/* Runs below `before`, newest first: run numbers are walked down in windows. *before: where the next page begins, 0 none. */
static bool list_page(ApiCall *c, const Filter *f, int64_t *before, size_t limit, ValVec *items, Err *err) {
  RunRow rows[SCAN];
  for (int page = 0; page<SCAN_PAGES && * before> 1; page++) {
    int64_t low = *before - 1 > SCAN ? *before - 1 - SCAN : 0;
    size_t n = store_runs(c->api->store, low, 0, rows, SCAN, err);
    int64_t next = low + 1;
    for (size_t i = n; i-- > 0;) {
      if (rows[i].run < *before && items->n < limit && fits(c, f, &rows[i])) {
        ValVec m = {0};
        put_row(&m, &rows[i]);
        vv_push(items, api_map(&m));
        if (items->n == limit) next = rows[i].run;
      }
      run_row_free(&rows[i]);
    }
    *before = next;
    if (err->code) return false;
    if (items->n == limit) return true;
  }
  return true;
}

static bool runs_list(ApiCall *c) {
  Filter f = {0};
  Err err = {0};
  ValVec items = {0}, m = {0}, meta = {0};
  char *end = NULL;
  const char *cursor = api_text(c, "cursor");
  int64_t before = cursor ? strtoll(cursor, &end, 10) : store_last_run(c->api->store) + 1;
  if (cursor && (*end || before < 1)) return api_fail(c, 400, "bad_request", "cursor: send meta.nextCursor of the page before");
  if (!filter_of(c, &f)) return false;
  if (!list_page(c, &f, &before, (size_t)api_int(c, "limit", 25), &items, &err)) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&meta, "hasMore", before > 1 ? TRUE_V : FALSE_V);
  if (before > 1) api_put(&meta, "nextCursor", str_fmt("%lld", (long long)before));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

#define RUN_ARG                                                                                                                            \
  { "workflowId", API_TEXT, true, 0, 256, NULL, "the run's id" }
#define FLOW_ARG                                                                                                                           \
  { "flowSlug", API_SLUG, true, 0, 0, NULL, "the flow's slug" }
#define INPUT_ARGS                                                                                                                         \
  {"version", API_VERSION, false, 0, 0, NULL, "a version, or latest for the active one"},                                                  \
      {"invocation", API_TEXT, false, 0, 256, NULL, "which of the flow's :invocations"}, {                                                 \
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
     runs_get,
     {RUN_ARG,
      {"includeSteps", API_BOOL, false, 0, 0, NULL, "with every attempt of every step"},
      {"includeResult", API_BOOL, false, 0, 0, NULL, "with the whole result"},
      {"includeStepResults", API_BOOL, false, 0, 0, NULL, "steps with whole inputs and outputs, not previews"},
      {"stepId", API_TEXT, false, 0, 256, NULL, "only this step"},
      {"compactInspect", API_BOOL, false, 0, 0, NULL, "accepted; previews are short anyway"}}},
    {"runs.list",
     "runs.read",
     false,
     "Runs, newest first.",
     runs_list,
     {{"flowSlug", API_SLUG, false, 0, 0, NULL, "only of this flow"},
      {"status", API_TEXT, false, 0, 40, NULL, "only in this status"},
      {"version", API_INT, false, 0, INT32_MAX, NULL, "only of this version; 0: of drafts"},
      {"cursor", API_TEXT, false, 0, 40, NULL, "meta.nextCursor of the page before"},
      {"limit", API_INT, false, 1, RUN_LIST, NULL, "how many at once"},
      {"query", API_TEXT, false, 0, 1024, NULL, "status:S flow:SLUG version:N, together with the other filters"}}},
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
     runs_events,
     {RUN_ARG, {"stepId", API_TEXT, false, 0, 256, NULL, "only of this step"}, {"limit", API_INT, false, 1, EVENTS, NULL, "how many"}}},
    {.name = NULL},
};
