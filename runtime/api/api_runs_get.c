/* api_runs_get.c - one run over the API: how it stands, its steps, what happened. See api_runs.h.
 *
 * A look without steps costs a few records however long the run is: clients poll. The journal is read from its start only for steps, and
 * for the input of runs that have few records. */
#include "api_far.h"
#include "api_runs.h"
#include "runtime/agent/agent_progress.h"
#include "runtime/wait/decisions.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_JOURNAL = 8, COMPACT_BYTES = 400, EVENT_RECORDS = 8, LONG_JOURNAL = 500 /* records: more are read on a helper thread */ };

typedef struct Steps {
  ApiCall *c;
  ValVec items;
  const char *only;
  bool results, compact;
} Steps;

/* --- steps ----------------------------------------------------------------------------------------------------------------------- */
static Val preview(const Steps *s, Val v) { return s->compact ? api_preview_in(v, COMPACT_BYTES) : api_preview(v); }

static Val error_shown(Val error) {
  static const char *const context[] = {"step-id", "attempt", "at", "class", "trace", "exit", "retryable?"};
  ValVec m = {0}, more = {0};
  if (is_nil(error)) return NIL;
  if (!is_map(error)) return api_preview(error);
  api_put(&m, "message", api_shown(map_get_kw(error, "message")));
  api_put(&m, "code", api_shown(map_get_kw(error, "type")));
  api_put(&m, "type", api_shown(map_get_kw(error, "type")));
  api_put(&m, "status", api_shown(map_get_kw(error, "status")));
  api_put(&m, "url", api_shown(map_get_kw(error, "url")));
  api_put(&m, "stepId", api_shown(map_get_kw(error, "step-id")));
  for (size_t i = 0; i < sizeof context / sizeof *context; i++) api_put(&more, context[i], api_preview(map_get_kw(error, context[i])));
  if (more.n) api_put(&m, "context", api_map(&more));
  return api_map(&m);
}

/* The resource that a result stands for: a res:// reference. */
static Val resource_of(Val v) {
  Val uri = map_get_kw(v, "uri");
  if (!is_str(uri)) uri = map_get_kw(v, "resource-uri");
  if (!is_str(uri) || strncmp(str_s(uri), "res://", 6)) return NIL;
  ValVec m = {0};
  api_put(&m, "uri", uri);
  api_put(&m, "contentType", api_shown(map_get_kw(v, "content-type")));
  api_put(&m, "sizeBytes", api_shown(map_get_kw(v, "size-bytes")));
  api_put(&m, "filename", api_shown(map_get_kw(v, "filename")));
  return api_map(&m);
}

static void put_output(Steps *s, ValVec *m, Val out) {
  api_put(m, s->results ? "output" : "resultPreview", s->results ? api_shown(out) : preview(s, out));
  if (!is_map(out)) return;
  api_put(m, "outputResource", resource_of(out));
  api_put(m, "usage", api_shown(map_get_kw(out, "usage")));
  api_put(m, "cost", api_shown(map_get_kw(out, "cost")));
}

static bool take_step(void *ctx, const HistoryStep *h) {
  Steps *s = ctx;
  ValVec m = {0};
  if (s->only && strcmp(s->only, h->step)) return true;
  api_put_text(&m, "stepId", h->step);
  api_put_text(&m, "stepType", h->type);
  api_put_text(&m, "title", h->title);
  api_put_text(&m, "status", h->status);
  api_put(&m, "number", int_val(h->number));
  api_put(&m, "attempt", fix(h->attempt));
  api_put(&m, "occurrence", int_val(h->occurrence));
  if (*h->by) api_put_text(&m, "answeredBy", h->by);
  api_put(&m, "startedAt", api_time(h->started_ms));
  api_put(&m, "completedAt", api_time(h->ended_ms));
  if (h->ended_ms) api_put(&m, "durationMs", int_val(h->ended_ms - h->started_ms));
  api_put(&m, s->results ? "input" : "inputPreview", s->results ? api_shown(h->input) : preview(s, h->input));
  if (!strcmp(h->status, "completed")) put_output(s, &m, h->output);
  api_put(&m, "error", error_shown(h->error));
  if (is_map(h->error)) api_put(&m, "errorResource", resource_of(map_get_kw(h->error, "body")));
  vv_push(&s->items, api_map(&m));
  return true;
}

/* --- the run --------------------------------------------------------------------------------------------------------------------- */
typedef struct Begin { Val input; int64_t seq; } Begin;
static bool take_begin(void *ctx, const JournalRec *j) {
  Begin *b = ctx;
  b->seq = j->seq;
  Val v = j->kind == J_START ? snap_read_value(env_core(), j->data.p, j->data.n) : NIL;
  if (is_vec(v)) b->input = map_dissoc(vec_nth(v, JT_INPUT), kw_new("flow", "ctx"));
  return false;
}

/* The last record of a run that is over: its end. */
typedef struct End { Val v; bool there; } End;
static bool take_end(void *ctx, const JournalRec *j) {
  End *e = ctx;
  Val v = j->kind == J_END ? snap_read_value(env_core(), j->data.p, j->data.n) : NIL;
  e->there = true;
  e->v = is_vec(v) ? vec_nth(v, JE_VALUE) : NIL;
  return false;
}

/* Segments of the journal that were old enough are dropped (--keep-history): the row stays. */
static bool put_history(ApiCall *c, ValVec *m, const RunRow *row, bool details, End *end, Err *err) {
  Begin b = {NIL, 0};
  Store *s = c->api->store;
  bool over = run_status_final(row->status);
  *end = (End){NIL, !over};
  if (over && !store_journal(s, row->run, row->head_seq - 1, take_end, end, err) && err->code) return false;
  bool look = end->there && (details || row->head_seq <= SHORT_JOURNAL);
  if (look && !store_journal(s, row->run, 0, take_begin, &b, err) && err->code) return false;
  bool gone = !end->there || b.seq > 1;
  if (gone) api_put(m, "historyGone", TRUE_V);
  if (gone) api_put_text(m, "historyNote", end->there ? "the beginning of this run's history was dropped: it was older than the server keeps"
                                                      : "this run's history was dropped: it was older than the server keeps");
  api_put(m, "inputPreview", api_preview(b.input));
  return true;
}

/* What it does at the moment, from memory or from the note that it has left. */
static Val current_step(ApiCall *c, const RunRow *row) {
  const Run *r = c->api->engine ? run_find(c->api->engine, row->run) : NULL; /* none on a helper thread */
  if (r && r->call) return str_c(id_text(r->call->id));
  Val note = row->note && row->status == RUN_WAITING ? read_one(row->note, strlen(row->note), NULL, true) : NIL;
  Val step = is_map(note) ? map_get_kw(note, "step") : NIL;
  return is_kw(step) ? str_c(id_text(step)) : is_str(step) ? step : NIL;
}

static void put_result(ApiCall *c, ValVec *m, Val value) {
  ValVec data = {0}, preview = {0};
  vv_push(&data, kw_c("result"));
  vv_push(&data, api_flag(c, "compactInspect") ? api_preview_in(value, COMPACT_BYTES) : api_preview(value));
  api_put(&preview, "data", api_map(&data));
  api_put(m, "resultPreview", api_map(&preview));
  if (api_flag(c, "includeResult")) {
    vv_push(m, kw_c("result"));
    vv_push(m, api_shown(value));
  }
  if (is_map(value)) api_put(m, "outputResource", resource_of(value));
}

static void put_end(ApiCall *c, ValVec *m, const RunRow *row, Val end) {
  if (row->status == RUN_COMPLETED) put_result(c, m, end);
  else if (run_status_final(row->status)) api_put(m, "error", error_shown(end));
  else if (row->status == RUN_BLOCKED) api_put(m, "error", error_shown(err_map("blocked", row->note ? row->note : "blocked")));
}

/* What people have decided at its waits. */
static void put_decisions(ApiCall *c, ValVec *m, const RunRow *row, Err *err) {
  Val all = decisions_of(c->api->store, c->workspace, row->run, 0, err);
  ValVec out = {0};
  for (uint32_t i = 0; i < vec_count(all); i++) {
    Val d = vec_nth(all, i), at = map_get_kw(d, "at");
    vv_push(&out, is_long(at) ? map_assoc(d, kw_c("at"), api_time(long_of(at))) : d);
  }
  if (out.n) api_put(m, "decisions", vec_from(out.a, out.n));
}

static bool get_run(ApiCall *c, const RunRow *row, Val *out) {
  Err err = {0};
  End end;
  Steps steps = {.c = c, .only = api_text(c, "stepId"), .results = api_flag(c, "includeStepResults"), .compact = api_flag(c, "compactInspect")};
  ValVec m = {0};
  bool with_steps = api_flag(c, "includeSteps"), details = with_steps || api_flag(c, "includeResult");
  api_run_put(&m, row);
  if (!run_status_final(row->status)) api_put(&m, "currentStep", current_step(c, row));
  if (row->status == RUN_QUEUED) api_put_text(&m, "waitsFor", "an earlier run of its flow to end (:concurrency)");
  if (!put_history(c, &m, row, details, &end, &err)) return api_fail_err(c, &err);
  put_end(c, &m, row, end.v);
  if (details) put_decisions(c, &m, row, &err);
  if (with_steps && !engine_history_in(c->api->store, row->run, 0, take_step, &steps, &err)) return api_fail_err(c, &err);
  if (with_steps) api_put(&m, "steps", vec_from(steps.items.a, steps.items.n));
  *out = api_map(&m);
  return true;
}

/* The whole of a long journal: others are answered meanwhile. */
static bool is_far(const ApiCall *c, const RunRow *row, bool whole) { return whole && row->head_seq > LONG_JOURNAL && api_far_can(c); }

static bool read_far(ApiCall *c, RunRow *row, bool (*handler)(ApiCall *c)) {
  run_row_free(row);
  return api_far_read(c, handler, false);
}

bool api_runs_get(ApiCall *c) {
  RunRow row = {0};
  ValVec m = {0};
  Val run;
  if (!api_run_row(c, &row)) return false;
  if (is_far(c, &row, api_flag(c, "includeSteps"))) return read_far(c, &row, api_runs_get);
  bool ok = get_run(c, &row, &run);
  c->final = run_status_final(row.status); /* its row and its journal change no more, but that history is dropped (server.c) */
  run_row_free(&row);
  if (!ok) return false;
  api_put(&m, "run", run);
  return api_ok(c, api_map(&m));
}

/* --- events ------------------------------------------------------------------------------------------------------------------------ */
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
    if (h->ended_ms) api_put(&details, "durationMs", int_val(h->ended_ms - h->started_ms));
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

/* What the one who will answer an open wait has told on the way. */
static void take_progress(ApiCall *c, const RunRow *row, Events *ev) {
  WaitRow w = {0};
  Err err = {0};
  if (row->status != RUN_WAITING || !wait_of_run(c->api->store, row->workspace, row->run, &w, &err)) return;
  Val all = agent_progress_list(c->api->store, row->workspace, w.key), step = map_get_kw(wait_spec_read(&w), "step");
  bool wanted = !ev->only || (is_str(step) && !strcmp(ev->only, str_s(step)));
  for (uint32_t i = 0; wanted && i < vec_count(all); i++) {
    Val p = vec_nth(all, i);
    ValVec m = {0}, details = {0};
    api_put(&m, "at", api_time(long_of(map_get_kw(p, "at"))));
    api_put_text(&m, "type", "step_progress");
    api_put(&m, "stepId", step);
    api_put(&details, "message", map_get_kw(p, "message"));
    api_put(&details, "percent", map_get_kw(p, "percent"));
    api_put(&details, "logTail", map_get_kw(p, "log-tail"));
    api_put(&m, "details", api_map(&details));
    vv_push(&ev->items, api_map(&m));
  }
  wait_row_free(&w);
}

/* The newest, `limit` of them if there are so many: a window at the end of the journal, doubled until it is enough. false: *err */
static bool collect(ApiCall *c, const RunRow *row, size_t limit, Events *ev, bool *more, Err *err) {
  for (int64_t window = (int64_t)limit + EVENT_RECORDS;; window *= 2) {
    int64_t after = !ev->only && row->head_seq > window ? row->head_seq - window : 0;
    ev->items = (ValVec){0};
    if (!ev->only && !after) event(ev, row->created_ms, row->status == RUN_QUEUED ? "run_queued" : "run_started", NULL);
    if (!engine_history_in(c->api->store, row->run, after, take_events, ev, err)) return false;
    take_progress(c, row, ev);
    *more = after || ev->items.n > limit;
    if (!after || ev->items.n >= limit) return true;
  }
}

bool api_runs_events(ApiCall *c) {
  RunRow row = {0};
  Err err = {0};
  Events ev = {.only = api_text(c, "stepId")};
  char type[64];
  bool more = false;
  ValVec m = {0}, meta = {0};
  size_t limit = (size_t)api_int(c, "limit", 100);
  if (!api_run_row(c, &row)) return false;
  if (is_far(c, &row, ev.only || limit >= LONG_JOURNAL)) return read_far(c, &row, api_runs_events);
  bool ok = collect(c, &row, limit, &ev, &more, &err);
  snprintf(type, sizeof type, "run_%s", run_status_name(row.status));
  if (run_status_final(row.status) && !ev.only) event(&ev, row.finished_ms, type, NULL);
  Val stop = api_debug_event(&row, ev.only);
  if (!is_nil(stop)) vv_push(&ev.items, stop);
  run_row_free(&row);
  if (!ok) return api_fail_err(c, &err);
  size_t n = ev.items.n < limit ? ev.items.n : limit;
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(ev.items.n ? ev.items.a + (ev.items.n - n) : NULL, n));
  api_put(&meta, "count", int_val((int64_t)n));
  api_put(&meta, "hasMore", more || ev.items.n > n ? TRUE_V : FALSE_V);
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}
