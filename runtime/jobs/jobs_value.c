/* jobs_value.c - jobs and batches as maps, for flows and for the API. See jobs.h */
#include "eval/unit.h"
#include "jobs_int.h"
#include "reader/print.h"
#include "reader/read.h"

static void put(ValVec *m, const char *key, Val v) {
  if (is_nil(v)) return;
  vv_push(m, kw_c(key));
  vv_push(m, v);
}

static void put_text(ValVec *m, const char *key, const char *s) {
  if (s) put(m, key, str_c(s));
}

static Val time_text(int64_t ms) {
  if (!ms) return NIL;
  Buf b = {0};
  inst_print(&b, ms);
  Val s = str_fmt("%.23sZ", buf_cstr(&b));
  buf_free(&b);
  return s;
}

static void put_all(ValVec *m, Val from) {
  MapIter it;
  Val k, v;
  if (!is_map(from)) return;
  map_iter(&it, from);
  while (map_next(&it, &k, &v)) {
    vv_push(m, k);
    vv_push(m, v);
  }
}

/* :x-ms becomes :x-at, a text. */
static Val with_times(Val m) {
  MapIter it;
  Val k, v;
  ValVec out = {0};
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    const char *name = kw_text(k);
    size_t n = strlen(name);
    bool time = is_kw(k) && n > 3 && !strcmp(name + n - 3, "-ms") && is_long(v);
    vv_push(&out, time ? kw_c(str_s(str_fmt("%.*s-at", (int)n - 3, name))) : k);
    vv_push(&out, time ? time_text(long_of(v)) : v);
  }
  return amap_from(out.a, out.n / 2);
}

static Val attempts_shown(Val all) {
  ValVec out = {0};
  if (!is_vec(all)) return NIL;
  for (uint32_t i = 0; i < vec_count(all); i++) vv_push(&out, with_times(vec_nth(all, i)));
  return vec_from(out.a, out.n);
}

Val jobs_map(const JobRow *j, unsigned show) {
  Val head = job_map_of(&j->head), tail = job_map_of(&j->tail);
  Val attempts = map_get_kw(tail, "attempts"), progress = map_get_kw(tail, "progress");
  Val last = is_vec(attempts) && vec_count(attempts) ? vec_nth(attempts, vec_count(attempts) - 1) : NIL;
  ValVec m = {0};
  put_text(&m, "job-id", j->id);
  put_text(&m, "job-type", j->type);
  put_text(&m, "status", job_status_name(j->phase));
  put_text(&m, "workspace-id", j->workspace);
  put(&m, "batch-id", map_get_kw(head, "batch-id"));
  put_all(&m, map_get_kw(head, "lineage"));
  put(&m, "attempt", int_val(j->attempt));
  put(&m, "max-attempts", int_val(j->max_attempts));
  if (j->priority) put(&m, "priority", int_val(j->priority));
  const char *sep = j->unique_key ? strchr(j->unique_key, JOB_UNIQUE_SEP) : NULL;
  put_text(&m, "unique-key", sep ? sep + 1 : j->unique_key);
  Val payload = map_get(head, kw_c("payload"), ABSENT);
  if (show & JOB_SHOW_PAYLOAD && !same(payload, ABSENT)) vv_push(&m, kw_c("payload")), vv_push(&m, payload);
  put(&m, "metadata", map_get_kw(head, "metadata"));
  if (show & JOB_SHOW_TOKEN) put_text(&m, "lease-token", j->token);
  if (job_phase_held(j->phase)) put(&m, "lease-expires-at", time_text(j->due_ms));
  if (j->phase == JOB_DELAYED || j->phase == JOB_HELD) put(&m, "run-at", time_text(j->due_ms));
  put_text(&m, "worker-id", j->worker);
  if (j->worker) put(&m, "worker-labels", map_get_kw(last, "worker-labels"));
  if (is_map(progress)) put(&m, "progress", with_times(progress));
  put(&m, "created-at", time_text(j->created_ms));
  put(&m, "started-at", time_text(j->started_ms));
  put(&m, "updated-at", time_text(j->updated_ms));
  put(&m, "completed-at", time_text(j->finished_ms));
  Val beat = map_get_kw(tail, "heartbeat-ms");
  if (is_long(beat)) put(&m, "last-heartbeat-at", time_text(long_of(beat)));
  put(&m, "summary", map_get_kw(tail, "summary"));
  put(&m, "result-summary", map_get_kw(tail, "summary"));
  put(&m, "outputs", map_get_kw(tail, "outputs"));
  put(&m, "metrics", map_get_kw(tail, "metrics"));
  Val artifacts = map_get_kw(tail, "artifacts");
  put(&m, "artifacts", is_nil(artifacts) && !job_phase_open(j->phase) ? vec_empty : artifacts);
  put(&m, "error", map_get_kw(tail, "error"));
  put(&m, "worker-info", map_get_kw(tail, "worker-info"));
  put(&m, "attempts", attempts_shown(attempts));
  return amap_from(m.a, m.n / 2);
}

Val jobs_batch_map(const JobBatchRow *b) {
  static const char *const counts[] = {"succeeded-count", "no-changes-count", "failed-count", "cancelled-count", "timed-out-count"};
  Val data = job_map_of(&b->data);
  ValVec m = {0};
  put_text(&m, "batch-id", b->id);
  put_text(&m, "job-type", b->type);
  put_text(&m, "status", jobs_batch_status(b));
  put_text(&m, "workspace-id", b->workspace);
  put(&m, "requested-count", int_val(b->requested));
  put(&m, "queued-count", int_val(b->queued));
  put(&m, "active-count", int_val(b->active));
  for (int i = 0; i < JOB_PHASES - JOB_SUCCEEDED; i++) put(&m, counts[i], int_val(b->done[i]));
  if (b->max_active) put(&m, "fanout-max-concurrency", int_val(b->max_active));
  put(&m, "metadata", map_get_kw(data, "metadata"));
  put_all(&m, map_get_kw(data, "lineage"));
  put(&m, "created-at", time_text(b->created_ms));
  if (jobs_batch_over(b)) put(&m, "completed-at", time_text(b->finished_ms));
  return amap_from(m.a, m.n / 2);
}
