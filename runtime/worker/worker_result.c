/* worker_result.c - see worker_result.h */
#include "worker_result.h"
#include "runtime/client/client.h"
#include "reader/map.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static Val begin(const WorkerEnd *end) { return client_put_text(client_put_text(NIL, "jobId", end->job), "leaseToken", end->token); }

/* The value of the result's key, unless it is missing or null. */
static Val take(Val args, Val result, const char *key) {
  Val v = is_map(result) ? client_at(result, key) : NIL;
  return is_nil(v) ? args : client_put(args, key, v);
}

static Val artifacts_to_send(Val result) {
  Val all = is_map(result) ? client_at(result, "artifacts") : NIL, left = vec_empty;
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++)
    if (!client_true_at(vec_nth(all, i), "_breytaPersisted")) left = vec_conj(left, vec_nth(all, i));
  return left;
}

static Val with_artifacts(Val args, Val result) {
  Val left = artifacts_to_send(result);
  return vec_count(left) ? client_put(args, "artifacts", left) : args;
}

/* --- failures ------------------------------------------------------------------------------------------------------------------------ */
static Val with_tail(Val args, const WorkerEnd *end) {
  Val details = client_at(args, "details");
  if (!end->tail || !*end->tail || !(is_nil(details) || is_map(details))) return args;
  return client_put(args, "details", client_put_text(details, "logTail", end->tail));
}

WorkerSettle worker_result_fail(const WorkerEnd *end, const char *code, const char *message, const char *detail_key, Val detail) {
  Val args = client_put_text(client_put_text(begin(end), "message", message), "code", code);
  if (detail_key) args = client_put(args, "details", client_put(NIL, detail_key, detail));
  return (WorkerSettle){"jobs.fail", with_tail(with_artifacts(args, end->result), end)};
}

static WorkerSettle failed(const WorkerEnd *end, const char *message, const char *detail_key, Val detail) {
  Val args = client_put_text(client_put_text(begin(end), "message", message), "code", "handler_failed");
  if (detail_key) args = client_put(args, "details", client_put(NIL, detail_key, detail));
  args = take(take(take(args, end->result, "message"), end->result, "code"), end->result, "details");
  return (WorkerSettle){"jobs.fail", with_tail(with_artifacts(args, end->result), end)};
}

static WorkerSettle failed_by_exit(const WorkerEnd *end) {
  char message[128];
  if (WIFSIGNALED(end->status)) {
    const char *name = sigabbrev_np(WTERMSIG(end->status));
    snprintf(message, sizeof message, "handler was ended by signal %d (SIG%s)", WTERMSIG(end->status), name ? name : "?");
    return failed(end, message, "signal", int_val(WTERMSIG(end->status)));
  }
  snprintf(message, sizeof message, "handler exited with status %d", WEXITSTATUS(end->status));
  return failed(end, message, "exitCode", int_val(WEXITSTATUS(end->status)));
}

/* --- its own word ----------------------------------------------------------------------------------------------------------------------
 */
/* "Timed-Out" is timed_out. "": none. */
static void status_of(Val result, char out[32]) {
  const char *s = client_text_at(result, "status");
  size_t n = 0;
  for (; s && *s && n + 1 < 32; s++)
    if (!isspace((unsigned char)*s)) out[n++] = *s == '-' ? '_' : (char)tolower((unsigned char)*s);
  out[n] = 0;
}

static WorkerSettle completed(const WorkerEnd *end, const char *status) {
  static const char *const keys[] = {"summary", "outputs", "metrics"};
  Val args = client_put_text(begin(end), "status", status), info = end->info;
  if (!is_map(end->result)) args = client_put_text(args, "summary", "handler exited successfully");
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) args = take(args, end->result, keys[i]);
  args = with_artifacts(args, end->result);
  if (is_map(end->result)) info = map_merge(info, client_at(end->result, "workerInfo"));
  return (WorkerSettle){"jobs.complete", client_put(args, "workerInfo", info)};
}

static bool one_of(const char *s, const char *a, const char *b, const char *c) {
  return !strcmp(s, a) || !strcmp(s, b) || (c && !strcmp(s, c));
}

WorkerSettle worker_result_settle(const WorkerEnd *end) {
  char status[32], message[128];
  if (!WIFEXITED(end->status) || WEXITSTATUS(end->status)) return failed_by_exit(end);
  if (end->problem) return worker_result_fail(end, "invalid_result", end->problem, NULL, NIL);
  if (same(end->result, ABSENT)) return completed(end, "succeeded");
  if (!is_map(end->result)) return worker_result_fail(end, "invalid_result", "result.json is not a JSON object", NULL, NIL);
  status_of(end->result, status);
  if (one_of(status, "failed", "timed_out", NULL)) return failed(end, "handler failed", NULL, NIL);
  if (!*status || one_of(status, "succeeded", "no_changes", "cancelled")) return completed(end, *status ? status : "succeeded");
  snprintf(message, sizeof message, "invalid status \"%s\"; succeeded, no_changes, cancelled and failed are known", status);
  return worker_result_fail(end, "invalid_result", message, NULL, NIL);
}

WorkerSettle worker_result_cancelled(const WorkerEnd *end) {
  Val args = client_put_text(client_put_text(begin(end), "status", "cancelled"), "summary", "the job was cancelled while the handler ran");
  return (WorkerSettle){"jobs.complete", args};
}
