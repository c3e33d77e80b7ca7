/* client_runs.c - see client_runs.h */
#include "client_runs.h"
#include "runtime/cli/cli.h"
#include "runtime/base/duration.h"
#include "runtime/base/json.h"
#include "reader/num.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool over(const char *status) {
  static const char *const all[] = {"completed", "failed", "cancelled", "canceled", "terminated", "timed-out", "timed_out"};
  for (size_t i = 0; status && i < sizeof all / sizeof *all; i++)
    if (!strcmp(all[i], status)) return true;
  return false;
}

static void rest_ms(int64_t ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) < 0 && errno == EINTR) continue;
}

/* Sends another command than the row's. */
static bool ask(ClientRun *r, const char *command, Val args, ClientAnswer *a) {
  Client *c = client_of(r);
  *a = (ClientAnswer){.body = NIL};
  return c && client_call(c, command, args, 0, a);
}

/* --- short ids -------------------------------------------------------------------------------------------------------------------- */
/* "r12" or "-r12": its digits; NULL: another id. */
static const char *short_number(const char *id) {
  const char *p = id + (*id == '-');
  if (*p++ != 'r' || !*p) return NULL;
  return p[strspn(p, "0123456789")] ? NULL : p;
}

static bool ends_so(const char *id, const char *number) {
  size_t n = strlen(id), m = strlen(number);
  return n > m + 2 && !strcmp(id + n - m, number) && !memcmp(id + n - m - 2, "-r", 2);
}

/* Adds the ids on a page that end so; the cursor of the next page, or nil. */
static Val matching(Val page, const char *number, Val *found) {
  Val items = client_at(page, "data.items"), cursor = client_at(page, "meta.nextCursor");
  for (uint32_t i = 0; is_vec(items) && i < vec_count(items); i++) {
    const char *id = client_text_at(vec_nth(items, i), "workflowId");
    if (id && ends_so(id, number)) *found = vec_conj(*found, str_c(id));
  }
  return client_true_at(page, "meta.hasMore") && is_str(cursor) ? cursor : NIL;
}

static bool one_of(ClientRun *r, const char *id, Val found) {
  uint32_t n = vec_count(found);
  if (n == 1) {
    r->args = client_put(r->args, "workflowId", vec_nth(found, 0));
    return true;
  }
  if (!n)
    client_fail(r, "not_found", "no run's id ends in %.40s", id);
  else
    client_fail(r, "ambiguous", "%u runs end in %.40s, such as %.200s and %.200s; say which, or --flow", n, id, str_s(vec_nth(found, 0)),
                str_s(vec_nth(found, 1)));
  return false;
}

bool client_run_id(ClientRun *r) {
  const char *id = client_text_at(r->args, "workflowId"), *number = id ? short_number(id) : NULL;
  Val found = vec_empty, cursor = NIL, before;
  if (!number || client_text_at(r->args, "flowSlug")) return true;
  do {
    ClientAnswer a;
    Val args = client_put(NIL, "limit", int_val(100));
    before = cursor;
    if (!ask(r, "runs.list", is_nil(cursor) ? args : client_put(args, "cursor", cursor), &a)) {
      client_finish(r, &a);
      return false;
    }
    cursor = matching(a.body, number, &found);
    client_answer_free(&a);
    if (is_str(cursor) && is_str(before) && str_eq_c(before, str_s(cursor))) cursor = NIL; /* it does not move on */
  } while (is_str(cursor) && vec_count(found) < 2);
  return one_of(r, id, found);
}

/* --- runs show, inspect, step ----------------------------------------------------------------------------------------------------- */
/* The last `most` of the steps; `failed`: of those that failed. */
static Val chosen(Val steps, int64_t most, bool failed) {
  Val kept = vec_empty;
  for (uint32_t i = 0; is_vec(steps) && i < vec_count(steps); i++) {
    Val step = vec_nth(steps, i);
    if (!failed || !is_nil(client_at(step, "error"))) kept = vec_conj(kept, step);
  }
  uint32_t n = vec_count(kept);
  return !most || n <= most ? kept : vec_sub(kept, n - (uint32_t)most, n);
}

int client_runs_show(ClientRun *r) {
  ClientAnswer a;
  bool full = client_flag(r, "full"), errors = client_flag(r, "errors"), steps = full || errors || client_flag(r, "include-steps");
  r->args = client_put(r->args, "includeSteps", bool_val(steps));
  r->args = client_put(r->args, "includeResult", bool_val(full || client_flag(r, "include-result")));
  if (full) r->args = client_put(r->args, "includeStepResults", TRUE_V);
  client_send(r, &a);
  if (a.ok && steps)
    a.body = client_put(a.body, "data.run.steps",
                        chosen(client_at(a.body, "data.run.steps"), client_flag(r, "full") ? 0 : client_int(r, "steps", 20), errors));
  return client_finish(r, &a);
}

/* data.events beside data.run; a failure of that is told in meta, and what there is is printed. */
static Val with_events(ClientRun *r, Val body, int64_t limit) {
  ClientAnswer a;
  Val args = client_put(NIL, "workflowId", client_at(body, "data.run.workflowId"));
  args = client_put(args, "limit", int_val(limit));
  if (client_text_at(r->args, "stepId")) args = client_put(args, "stepId", client_at(r->args, "stepId"));
  if (ask(r, "runs.events", args, &a))
    body = client_put(body, "data.events", client_at(a.body, "data.items"));
  else if (a.message)
    body = client_put_text(body, "meta.eventsError", a.message);
  client_answer_free(&a);
  return body;
}

int client_runs_inspect(ClientRun *r) {
  ClientAnswer a;
  bool full = client_flag(r, "full");
  r->args = client_put(r->args, "includeSteps", TRUE_V);
  r->args = client_put(r->args, "includeResult", bool_val(full));
  r->args = client_put(r->args, full ? "includeStepResults" : "compactInspect", TRUE_V);
  client_send(r, &a);
  if (a.ok && !over(client_text_at(a.body, "data.run.status"))) a.body = with_events(r, a.body, 50);
  return client_finish(r, &a);
}

static Val step_of(Val steps, const char *id) {
  static const char *const names[] = {"stepId", "id", "name", "title"};
  Val found = NIL;
  for (uint32_t i = 0; is_vec(steps) && i < vec_count(steps); i++)
    for (size_t k = 0; k < 4; k++) {
      const char *s = client_text_at(vec_nth(steps, i), names[k]);
      if (s && !strcmp(s, id)) found = vec_nth(steps, i);
    }
  return found;
}

int client_runs_step(ClientRun *r) {
  ClientAnswer a;
  const char *id = client_text(r, "<step-id>");
  r->args = client_put(r->args, "includeSteps", TRUE_V);
  r->args = client_put(r->args, "includeResult", FALSE_V);
  r->args = client_put(r->args, "includeStepResults", bool_val(client_flag(r, "full")));
  client_send(r, &a);
  if (!a.ok) return client_finish(r, &a);
  Val step = step_of(client_at(a.body, "data.run.steps"), id);
  if (is_nil(step)) {
    const char *run = client_text_at(a.body, "data.run.workflowId");
    client_fail(r, "not_found", "run %.200s has not come to a step %.100s", run ? run : "", id);
    client_answer_free(&a);
    return EXIT_FAILED;
  }
  a.body = with_events(r, client_put(a.body, "data.step", step), 50);
  return client_finish(r, &a);
}

/* --- runs cancel, continue -------------------------------------------------------------------------------------------------------- */
int client_runs_cancel(ClientRun *r) {
  ClientAnswer a;
  client_send(r, &a);
  if (!a.ok && a.code && !strcmp(a.code, "already_completed")) { /* what was wanted is so */
    Val data = client_put(client_put(client_at(a.body, "error.details"), "alreadyCompleted", TRUE_V), "workflowId",
                          client_at(r->args, "workflowId"));
    client_answer_free(&a);
    client_say("%s", "the run was over already");
    return client_done(r, data);
  }
  return client_finish(r, &a);
}

static bool approvable(Val wait) {
  Val actions = client_at(wait, "approval.actions"), approval = client_at(wait, "approval");
  if (!is_vec(actions)) actions = client_at(wait, "actions");
  if (!is_vec(actions)) return is_map(approval);
  for (uint32_t i = 0; i < vec_count(actions); i++) {
    Val v = vec_nth(actions, i);
    const char *name = is_str(v) ? str_s(v) : client_text_at(v, "name");
    if (!name) name = client_text_at(v, "id");
    if (name && !strcmp(name, "approve")) return true;
  }
  return false;
}

static const char *newest_wait(Val items) {
  static const char *const times[] = {"updatedAt", "registeredAt", "createdAt"};
  const char *best = NULL, *best_at = "";
  for (uint32_t i = 0; is_vec(items) && i < vec_count(items); i++) {
    Val w = vec_nth(items, i);
    const char *id = client_text_at(w, "waitId"), *at = NULL;
    if (!id) id = client_text_at(w, "id");
    for (size_t k = 0; !at && k < 3; k++) at = client_text_at(w, times[k]);
    if (!id || !approvable(w) || (best && strcmp(at ? at : "", best_at) < 0)) continue;
    best = id;
    best_at = at ? at : "";
  }
  return best;
}

int client_runs_continue(ClientRun *r) {
  ClientAnswer a;
  Client *c = client_of(r);
  if (!client_flag(r, "approve-latest-wait"))
    return client_usage(r, "--approve-latest-wait says what to do; `breyta waits list --run RUN-ID` shows what it waits for");
  if (!c || !client_run_id(r)) return EXIT_FAILED;
  Val query = client_put(client_put(NIL, "workflowId", client_at(r->args, "workflowId")), "limit", int_val(client_int(r, "limit", 25)));
  ClientRequest q = {.method = "GET", .path = "api/waits", .query = query, .body = ABSENT};
  if (!client_rest(c, &q, &a)) return client_finish(r, &a);
  const char *id = newest_wait(client_at(a.body, "data.items"));
  if (!id) {
    client_answer_free(&a);
    return client_fail(r, "no_wait", "the run waits for nothing that can be approved");
  }
  Buf path = {0};
  buf_c(&path, "api/waits");
  client_segment(&path, id);
  buf_c(&path, "/approve");
  client_answer_free(&a);
  q = (ClientRequest){.method = "POST", .path = buf_cstr(&path), .query = NIL, .body = map_empty};
  client_rest(c, &q, &a);
  buf_free(&path);
  return client_finish(r, &a);
}

/* --- waiting ---------------------------------------------------------------------------------------------------------------------- */
typedef struct Follow {
  ClientRun *r;
  const char *run;
  Val start, last; /* answers */
  int64_t poll_ms, timeout_ms, began_us, next_ms;
  bool events;
  char said[256]; /* the last line of progress */
  Val told;       /* a map of the events that were told */
} Follow;

static Val run_args(const Follow *f, bool steps) {
  Val args = client_put_text(NIL, "workflowId", f->run);
  args = client_put_text(args, "installationId", client_text(f->r, "installation-id"));
  return client_put(client_put(args, "includeSteps", bool_val(steps)), "includeResult", FALSE_V);
}

static int64_t waited_ms(const Follow *f) { return (mono_us() - f->began_us) / 1000; }

static void progress(Follow *f, Val run) {
  char line[256];
  const char *status = client_text_at(run, "status"), *step = client_text_at(run, "currentStep");
  if (!step) step = client_text_at(run, "currentStep.stepId");
  const char *side = client_text_at(run, "breakpoint.side");
  snprintf(line, sizeof line, "%s: %s%s%s%s%s", f->run, status ? status : "?", side ? " " : "", side ? side : "", step ? side ? " step " : ", step " : "", step ? step : "");
  if (strcmp(line, f->said) != 0) client_say("%s", line);
  if (strcmp(line, f->said) != 0 && side && step) client_say("stands at a breakpoint; to go on: breyta debug breakpoints continue %s %s %s", f->run, step, side);
  snprintf(f->said, sizeof f->said, "%s", line);
}

static void tell_event(Val e) {
  const char *at = client_text_at(e, "at"), *type = client_text_at(e, "type"), *step = client_text_at(e, "stepId"),
             *status = client_text_at(e, "status");
  const char *why = client_text_at(e, "details.error.message");
  client_say("%s %s%s%s%s%s%s%s", at ? at : "", type ? type : "", step ? " " : "", step ? step : "", status ? " " : "",
             status ? status : "", why ? ": " : "", why ? why : "");
}

/* Events that were not told yet. The answer has the newest only, and where a step was waiting it has the step's end later: so each is
 * known by what it says, and not by its place. */
static void tell_events(Follow *f) {
  ClientAnswer a;
  Val args = client_put(client_put_text(NIL, "workflowId", f->run), "limit", int_val(500));
  bool ok = ask(f->r, "runs.events", args, &a);
  Val items = ok ? client_at(a.body, "data.items") : NIL;
  uint32_t n = is_vec(items) ? vec_count(items) : 0;
  if (n && client_true_at(a.body, "meta.hasMore") && is_nil(map_get(f->told, vec_nth(items, 0), NIL)))
    client_say("... (there are more: these are the last %u)", n);
  for (uint32_t i = 0; i < n; i++) {
    Val e = vec_nth(items, i);
    if (!is_nil(map_get(f->told, e, NIL))) continue;
    tell_event(e);
    f->told = map_assoc(f->told, e, TRUE_V);
  }
  client_answer_free(&a);
}

/* Steps as they are shown at the end of --wait. */
static Val brief(Val steps) {
  static const char *const keys[] = {"stepId", "stepType", "status", "durationMs", "attempt"};
  Val all = vec_empty;
  for (uint32_t i = 0; is_vec(steps) && i < vec_count(steps); i++) {
    Val step = vec_nth(steps, i), s = map_empty;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
      if (!is_nil(client_at(step, keys[k]))) s = client_put(s, keys[k], client_at(step, keys[k]));
    s = client_put_text(s, "error.message", client_text_at(step, "error.message"));
    all = vec_conj(all, s);
  }
  return all;
}

static int ended(Follow *f) {
  ClientAnswer a;
  ask(f->r, "runs.get", run_args(f, true), &a);
  if (!a.ok) return client_finish(f->r, &a);
  const char *status = client_text_at(a.body, "data.run.status");
  bool good = status && !strcmp(status, "completed");
  const char *why = client_text_at(a.body, "data.run.error.message");
  Val body = client_put(a.body, "data.run.steps", brief(client_at(a.body, "data.run.steps")));
  body = client_put_text(client_put_text(body, "data.workflowId", f->run), "data.status", status);
  if (is_map(f->start)) body = client_put(body, "data.start", f->start);
  client_hint(f->r, "breyta runs show %s --include-result", f->run);
  if (!good) client_say("%s: %s%s%s", f->run, status, why ? ": " : "", why ? why : "");
  if (!good) client_hint(f->r, "breyta runs inspect %s", f->run);
  client_print(f->r, body, true);
  client_answer_free(&a);
  return good ? EXIT_OK : EXIT_FAILED;
}

static int out_of_time(Follow *f) {
  Val data = client_put_text(NIL, "workflowId", f->run);
  data = client_put(data, "status", client_at(f->last, "status"));
  data = client_put(data, "wait.timedOut", TRUE_V);
  data = client_put(data, "wait.timeoutMs", int_val(f->timeout_ms));
  data = client_put(data, "wait.pollMs", int_val(f->poll_ms));
  data = client_put(client_put(data, "start", f->start), "lastPoll", f->last);
  Val body = client_put(client_put(NIL, "ok", TRUE_V), "data", data);
  client_hint(f->r, "breyta runs watch %s", f->run);
  client_say("%s is not over after %lld ms; it goes on", f->run, (long long)f->timeout_ms);
  return client_print(f->r, client_put(body, "meta.timedOut", TRUE_V), true);
}

/* -1: go on; else the exit status. */
static int look(Follow *f) {
  ClientAnswer a;
  bool ok = ask(f->r, "runs.get", run_args(f, false), &a);
  bool later = a.status == 404 || a.status == 408 || a.status == 429 || (a.status >= 502 && a.status <= 504);
  if (!ok && !later) return client_finish(f->r, &a);
  if (ok) f->last = client_at(a.body, "data.run");
  client_answer_free(&a);
  if (!ok) return -1;
  bool done = over(client_text_at(f->last, "status"));
  if (f->events)
    tell_events(f);
  else if (!done)
    progress(f, f->last);
  return done ? ended(f) : -1;
}

int client_follow(ClientRun *r, const char *run, Val start, bool events) {
  Follow f = {.r = r, .run = run, .start = start, .last = NIL, .told = map_empty, .events = events, .began_us = mono_us(), .next_ms = 10};
  f.poll_ms = client_int(r, "poll", 250);
  f.timeout_ms = client_int(r, "timeout", 900000);
  if (f.poll_ms < 10) f.poll_ms = 10;
  for (;;) { /* often at first: most runs are quick */
    int status = look(&f);
    if (status >= 0) return status;
    int64_t left = f.timeout_ms - waited_ms(&f);
    if (left <= 0) return out_of_time(&f);
    f.next_ms = f.next_ms * 2 < f.poll_ms ? f.next_ms * 2 : f.poll_ms;
    rest_ms(f.next_ms < left ? f.next_ms : left);
  }
}

int client_runs_watch(ClientRun *r) {
  if (!client_run_id(r)) return EXIT_FAILED;
  return client_follow(r, client_text_at(r->args, "workflowId"), NIL, true);
}

/* --- starting --------------------------------------------------------------------------------------------------------------------- */
int client_run_again(ClientRun *r) {
  ClientAnswer a;
  client_send(r, &a);
  const char *run = client_text_at(a.body, "data.workflowId");
  if (!run) run = client_text_at(a.body, "data.run.workflowId");
  if (!a.ok || !run || !client_flag(r, "wait")) {
    if (a.ok && run) client_hint(r, "breyta runs watch %s", run);
    if (a.ok && run) client_hint(r, "breyta runs show %s --include-result", run);
    return client_finish(r, &a);
  }
  client_say("%s started", run);
  int status = client_follow(r, run, client_at(a.body, "data"), false);
  client_answer_free(&a);
  return status;
}

int client_run_start(ClientRun *r) {
  if (client_given(r, "installation-id") && is_nil(client_at(r->args, "target"))) r->args = client_put_text(r->args, "target", "live");
  return client_run_again(r);
}
