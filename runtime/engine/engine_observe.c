/* engine_observe.c - see engine_observe.h. */
#include "engine_observe.h"
#include "engine_trace.h"
#include "runtime/base/log.h"
#include "runtime/base/metrics.h"
#include "runtime/net/otel.h"
#include "runtime/base/secret.h"
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int64_t since(int64_t ms) { return (now_ms() - ms) * 1000; }

/* The class of an error map; of a text or number nothing is told. */
static const char *error_type(Val error) {
  Val type = is_map(error) ? map_get_kw(error, "type") : NIL;
  return is_kw(type) ? id_text(type) : is_nil(type) ? "none" : "other";
}

static const char *error_message(Val error) {
  Val m = is_map(error) ? map_get_kw(error, "message") : NIL;
  return is_str(m) ? str_s(m) : NULL;
}

/* --- runs ---------------------------------------------------------------------------------------------------------------------------- */
static void begun(const Run *r, const char *event) {
  if (log_mode() == LOG_OFF) return;
  LogField f[] = {{"workspace", r->workspace, 0}, {"flow", r->slug, 0}, {"runId", r->run_id, 0}, {"version", NULL, r->version}};
  log_line("info", event, f, COUNT(f));
}

void observe_run_started(const Run *r) {
  metric_count(METRIC_runs_started_total, NULL, NULL);
  begun(r, r->status == RUN_QUEUED ? "run-queued" : "run-started");
}

void observe_run_begun(const Run *r) { begun(r, "run-started"); }

void observe_row_ended(Engine *e, const RunRow *row, enum RunStatus st, Val error) {
  Run *r = run_make(e, row);
  trace_run(r, row);
  r->status = st;
  r->outcome = error;
  observe_run_ended(r);
  run_release(r);
}

void observe_run_ended(const Run *r) {
  const char *status = run_status_name(r->status), *type = r->status == RUN_COMPLETED ? "none" : error_type(r->outcome);
  bool good = r->status == RUN_COMPLETED;
  metric_count(METRIC_runs_ended_total, status, type);
  metric_observe(METRIC_run_seconds, status, NULL, since(r->created_ms));
  if (log_mode() == LOG_OFF && !otel_on()) return;
  Val step = good || !is_map(r->outcome) ? NIL : map_get_kw(r->outcome, "step-id");
  LogField f[] = {{"workspace", r->workspace, 0},
                  {"flow", r->slug, 0},
                  {"runId", r->run_id, 0},
                  {"status", status, 0},
                  {"ms", NULL, now_ms() - r->created_ms},
                  {"stepId", is_kw(step) ? id_text(step) : NULL, 0},
                  {"errorType", good ? NULL : type, 0},
                  {"message", good ? NULL : error_message(r->outcome), 0}};
  log_line(good || r->status == RUN_CANCELLED ? "info" : "error", "run-ended", f, COUNT(f));
  trace_run_ended(r, f, COUNT(f), !good, error_message(r->outcome));
}

/* --- steps --------------------------------------------------------------------------------------------------------------------------- */
/* An attempt is over. level NULL: of that the log says nothing, the trace does. */
static void step_line(const StepCall *c, const char *level, const char *event, Val error, int64_t in_ms, const char *outcome) {
  const Run *r = c->r;
  if ((log_mode() == LOG_OFF || !level) && !otel_on()) return;
  const char *message = error_message(error);
  Buf clean = {0};
  if (message) buf_c(&clean, message);
  secret_clean_text(c->secrets, &clean); /* of an attempt that ended before its secrets were forgotten */
  LogField f[] = {{"workspace", r->workspace, 0},
                  {"flow", r->slug, 0},
                  {"runId", r->run_id, 0},
                  {"stepId", id_text(c->id), 0},
                  {"stepType", kw_text(c->type), 0},
                  {"attempt", NULL, c->attempt},
                  {"outcome", outcome, 0},
                  {"errorType", is_nil(error) ? NULL : error_type(error), 0},
                  {"message", message ? buf_cstr(&clean) : NULL, 0},
                  {"retryInMs", NULL, in_ms},
                  {"ms", NULL, outcome ? now_ms() - c->started_ms : 0}};
  if (level) log_line(level, event, f, COUNT(f));
  trace_attempt_ended(c, f, COUNT(f), !is_nil(error), message ? buf_cstr(&clean) : NULL);
  buf_free(&clean);
}

void observe_attempt(const StepCall *c) {
  metric_observe(METRIC_step_queue_seconds, kw_text(c->type), NULL, since(c->attempt > 1 && c->due_ms ? c->due_ms : c->started_ms));
}

void observe_retry(const StepCall *c, Val error, int64_t in_ms) {
  if (c->r->replaying_only) return;
  metric_count(METRIC_step_retries_total, kw_text(c->type), error_type(error));
  step_line(c, "warn", "step-retry", error, in_ms, NULL);
}

/* A person's decision says what was done: {:action :approve ...}. */
static void wait_ended(const StepCall *c, bool ok, Val value) {
  bool late = !ok && !strcmp(error_type(value), "wait-timeout");
  const char *outcome = ok ? "answered" : late ? "timed-out" : "failed";
  Val action = ok && is_map(value) ? map_get_kw(value, "action") : NIL;
  metric_observe(METRIC_wait_seconds, outcome, NULL, since(c->started_ms));
  if (is_kw(action)) metric_observe(METRIC_approval_seconds, id_text(action), NULL, since(c->started_ms));
  step_line(c, "info", ok ? "wait-answered" : "wait-ended", ok ? NIL : value, 0, is_kw(action) ? id_text(action) : outcome);
}

void observe_step_ended(const StepCall *c, bool ok, Val value) {
  const char *type = kw_text(c->type);
  if (c->r->replaying_only) return;
  metric_observe(METRIC_step_seconds, type, ok ? "completed" : "failed", since(c->started_ms));
  if (!ok) metric_count(METRIC_step_failures_total, type, error_type(value));
  if (!strcmp(type, "wait")) wait_ended(c, ok, value);
  else step_line(c, ok ? NULL : "warn", "step-failed", ok ? NIL : value, 0, ok ? "completed" : "failed");
}

void observe_timer(int64_t due_ms) { metric_observe(METRIC_timer_lag_seconds, NULL, NULL, since(due_ms)); }

/* --- what flows print ------------------------------------------------------------------------------------------------------------------ */
void observe_output(const Run *r, const char *s, size_t n) {
  if (log_mode() != LOG_JSON) {
    fwrite(s, 1, n, stderr);
    return;
  }
  while (n && s[n - 1] == '\n') n--; /* the line has an end of its own */
  if (!n) return;
  Buf text = {0};
  buf_add(&text, s, n);
  LogField f[] = {{"workspace", r->workspace, 0}, {"flow", r->slug, 0}, {"runId", r->run_id, 0}, {"text", buf_cstr(&text), 0}};
  log_line("info", "output", f, COUNT(f));
  buf_free(&text);
}

/* --- the moment ------------------------------------------------------------------------------------------------------------------------ */
/* The timer that should have fired longest ago: of a run in memory, or of a wait in the store. */
static int64_t timer_overdue(Engine *e) {
  int64_t now = now_ms(), due = store_timer_next(e->store);
  if (e->ntimers && e->timers[0].due < due) due = e->timers[0].due;
  return due < now ? (now - due) * 1000 : 0;
}

void observe_text(Engine *e, Buf *out) {
  metrics_text(out);
  metrics_number(out, "runs_in_memory", "runs that have something to do, or are about to", (int64_t)e->nruns);
  metrics_gauge(out, "timer_overdue_seconds", "how late the timer is that should have fired longest ago", timer_overdue(e));
  metrics_number(out, "ready", "1: the server is ready for work; 0: it is not", !observe_ready(e));
}

/* After the disk was full only a write shows that there is room again, and nobody sends one to a server that is not ready. */
static bool room_again(Store *s) {
  Err err = {0};
  if (metric_get(METRIC_store_full) <= 0) return true;
  Batch *b = batch_new();
  batch_doc_put(b, &(DocRow){.workspace = "", .kind = "probe", .key = "ready", .rev = DOC_ANY, .at_ms = now_ms(), .data = {"1", 1}});
  return store_submit_wait(s, b, &err);
}

const char *observe_ready(Engine *e) {
  if (store_failed(e->store)) return store_error_text(store_failed(e->store));
  if (e->hold_ms) return "there is no room on the disk: runs are held until there is";
  return room_again(e->store) ? NULL : store_error_text("disk_full");
}
