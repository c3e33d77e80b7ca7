/* engine_job.c - see engine_job.h */
#include "engine_job.h"
#include "runtime/base/duration.h"
#include "eval/unit.h"
#include "runtime/base/json.h"
#include "jobs_int.h"
#include "reader/read.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_MAX = 1000, PAYLOAD_SHOWN = 256 << 10, WAKE_ROWS = 64, POLLS_MAX = 1000000 };
#define AWAIT_MS ((int64_t)30 * 60000)
#define INTERVAL_MS ((int64_t)10000)

static const char *op_of(Val cfg) { return kw_text(map_get_kw(cfg, "op")); }
static bool is_op(Val cfg, const char *op) { return !strcmp(op_of(cfg), op); }

bool job_input_awaits(Val type, Val cfg) { return kw_is(type, "job") && (is_op(cfg, "await") || is_op(cfg, "await-batch")); }
bool job_awaits(const StepCall *c) { return !c->stand_in && job_input_awaits(c->type, c->cfg); }

/* --- options ------------------------------------------------------------------------------------------------------------------- */
static bool bad(Err *e, const char *option, Val v, const char *works) {
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) pend.ex = NIL, b.n = 0;
  err_set(e, "validation", "%s is %.80s; use %s", option, buf_cstr(&b), works);
  buf_free(&b);
  return false;
}

static bool text_option(Val cfg, const char *key, const char *option, const char **out, Err *e) {
  Val v = map_get_kw(cfg, key);
  *out = is_kw(v) ? id_text(v) : is_str(v) ? str_s(v) : "";
  if (is_nil(v)) return err_set(e, "validation", ":op :%s needs %s", op_of(cfg), option);
  bool ok = **out && (!is_str(v) || strlen(*out) == str_n(v)) && strlen(*out) <= JOB_TYPE_MAX;
  return ok || bad(e, option, v, "a text of 1 to 200 bytes");
}

static bool int_option(Val m, const char *key, const char *option, int64_t least, int64_t most, int64_t *out, Err *e) {
  Val v = map_get_kw(m, key);
  char works[80];
  if (is_nil(v)) return true;
  snprintf(works, sizeof works, "an integer from %lld to %lld", (long long)least, (long long)most);
  if (!is_long(v) || long_of(v) < least || long_of(v) > most) return bad(e, option, v, works);
  *out = long_of(v);
  return true;
}

static bool flag_option(Val m, const char *key, const char *option, Err *e) {
  Val v = map_get_kw(m, key);
  return is_nil(v) || is_bool(v) || bad(e, option, v, "true or false");
}

static bool has_json(Val v, const char *option, Err *e) {
  Buf b = {0};
  bool ok = !is_sig(json_print(&b, v));
  buf_free(&b);
  if (!ok) pend.ex = NIL;
  return ok || err_set(e, "validation", "the %s cannot be sent to a worker: it has no JSON form (a function, ##NaN, or a lazy sequence inside)", option);
}

static bool map_option(Val m, const char *key, const char *option, Val *out, Err *e) {
  *out = map_get_kw(m, key);
  return is_nil(*out) || (is_map(*out) ? has_json(*out, option, e) : bad(e, option, *out, "a map"));
}

static bool spec_of(Val cfg, Val job, JobSpec *s, Err *e) {
  *s = (JobSpec){.payload = map_get(job, kw_c("payload"), ABSENT), .lineage = NIL};
  int64_t delay = 0;
  Val wait = map_get_kw(job, "delay");
  if (is_nil(wait)) wait = map_get_kw(cfg, "delay");
  if (!is_nil(wait) && !duration_of(wait, DURATION_MS, ":delay", &delay, e)) return false;
  if (delay > JOB_DELAY_MAX_MS) return bad(e, ":delay", wait, "at most a year");
  s->delay_ms = delay;
  return int_option(cfg, "max-attempts", ":max-attempts", 1, JOB_ATTEMPTS_MAX, &s->max_attempts, e) &&
         int_option(job, "max-attempts", ":max-attempts", 1, JOB_ATTEMPTS_MAX, &s->max_attempts, e) &&
         int_option(cfg, "priority", ":priority", -JOB_PRIORITY_MAX, JOB_PRIORITY_MAX, &s->priority, e) &&
         int_option(job, "priority", ":priority", -JOB_PRIORITY_MAX, JOB_PRIORITY_MAX, &s->priority, e) &&
         map_option(job, "metadata", ":metadata", &s->metadata, e) && (same(s->payload, ABSENT) || has_json(s->payload, ":payload", e));
}

/* The moment at which it is given up. */
static bool await_due(Val cfg, int64_t now, int64_t *due, Err *e) {
  BackoffSpec every;
  int64_t interval = INTERVAL_MS, timeout = 0, polls = 0, most = 0;
  Val i = map_get_kw(cfg, "interval"), t = map_get_kw(cfg, "timeout");
  if (!is_nil(i) && !duration_of(i, DURATION_MS, ":interval", &interval, e)) return false;
  if (!is_nil(t) && !duration_of(t, DURATION_MS, ":timeout", &timeout, e)) return false;
  Val backoff = map_get_kw(cfg, "backoff");
  if (!is_nil(backoff) && !is_map(backoff)) return bad(e, ":backoff", backoff, "a map such as {:type :linear}");
  if (!backoff_spec(backoff, interval, &every, e)) return false;
  if (!int_option(cfg, "max-attempts", ":max-attempts", 1, POLLS_MAX, &polls, e)) return false;
  if (is_nil(t) && !polls) timeout = AWAIT_MS;
  for (int64_t k = 1; k < polls && most < DURATION_MAX_MS; k++) most += backoff_interval(&every, k);
  bool by_time = !is_nil(t) || !polls;
  *due = now + (by_time && (!polls || timeout < most) ? timeout : most);
  return true;
}

/* --- submitting ---------------------------------------------------------------------------------------------------------------- */
static Val lineage_of(const StepCall *c) {
  const Run *r = c->r;
  Val root = map_get_kw(r->lineage, "root-workflow-id");
  Val kv[] = {kw_c("root-workflow-id"), is_str(root) ? root : str_c(r->run_id), kw_c("workflow-id"), str_c(r->run_id), kw_c("flow-slug"),
      str_c(r->slug),
              kw_c("parent-step-id"), str_c(id_text(c->id))};
  return map_from(kv, 4, false);
}

static bool group_of(const StepCall *c, JobGroup *g, Err *e) {
  const Run *r = c->r;
  bool kept = truthy(map_get_kw(c->cfg, "keep-running"));
  *g = (JobGroup){.workspace = r->workspace, .run = kept ? 0 : r->run, .batch = is_op(c->cfg, "submit-batch"), .lineage = lineage_of(c)};
  return flag_option(c->cfg, "keep-running", ":keep-running", e) && text_option(c->cfg, "job-type", ":job-type", &g->type, e) && map_option(c->cfg, "metadata", ":metadata", &g->metadata, e) &&
         (!g->batch || int_option(c->cfg, "max-concurrency", ":max-concurrency", 1, JOB_BATCH_MAX, &g->max_active, e));
}

/* The :jobs of a batch, or the step's own options as the one. */
static JobSpec *specs_of(Val cfg, bool batch, size_t *n, Err *e) {
  Val jobs = map_get_kw(cfg, "jobs");
  if (batch && !(is_vec(jobs) && vec_count(jobs) && vec_count(jobs) <= JOB_BATCH_MAX)) {
    bad(e, ":jobs", jobs, "a vector of 1 to 100000 maps such as {:payload {...}}");
    return NULL;
  }
  *n = batch ? vec_count(jobs) : 1;
  JobSpec *s = mem_alloc(*n * sizeof *s);
  for (size_t i = 0; i < *n; i++) {
    Val job = batch ? vec_nth(jobs, (uint32_t)i) : cfg;
    if (!is_map(job)) return bad(e, "an entry of :jobs", job, "a map such as {:payload {...}}"), NULL;
    if (!spec_of(cfg, job, &s[i], e)) return NULL;
  }
  return s;
}

static Val submitted(const JobGroup *g, const JobRow *rows, size_t n, const JobBatchRow *batch) {
  if (!g->batch) return jobs_map(rows, rows->head.n <= PAYLOAD_SHOWN ? JOB_SHOW_PAYLOAD : 0);
  ValVec jobs = {0};
  for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
    Val kv[] = {kw_c("job-id"), str_c(rows[i].id), kw_c("job-type"), str_c(rows[i].type), kw_c("status"),
        str_c(job_status_name(rows[i].phase)),
                kw_c("batch-id"), str_c(batch->id)};
    vv_push(&jobs, map_from(kv, 4, false));
  }
  return map_assoc(jobs_batch_map(batch), kw_c("jobs"), vec_from(jobs.a, jobs.n));
}

static void submit(StepCall *c) {
  Run *r = c->r;
  JobGroup g;
  JobBatchRow batch = {0};
  JobRow *rows = NULL;
  size_t n = 0;
  Err e = {0};
  if (!is_nil(map_get_kw(c->cfg, "persist"))) {
    step_invalid(c, "a :job step that submits cannot have :persist: keep its result in a step of its own");
    return;
  }
  JobSpec *specs = group_of(c, &g, &e) ? specs_of(c->cfg, g.batch, &n, &e) : NULL;
  if (!specs || !jobs_submit(r->e, &g, specs, n, run_batch(r), &rows, &batch, &e)) {
    step_invalid(c, e.msg);
    return;
  }
  Val result = submitted(&g, rows, n, &batch);
  int64_t job = rows->job, priority = INT64_MIN;
  for (size_t i = 0; i < n; i++)
    if (specs[i].priority > priority) priority = specs[i].priority;
  jobs_rows_free(rows, n);
  job_batch_row_free(&batch);
  if (!is_vec(r->jobs_sent)) r->jobs_sent = vec_empty;
  r->jobs_sent = vec_conj(r->jobs_sent, vec_from((Val[]){str_c(g.type), int_val(n == 1 ? job : 0), int_val(priority)}, 3));
  r->jobs_any = true;
  step_resolve(c, true, result);
}

void job_sent(Run *r) {
  Val sent = r->jobs_sent;
  if (!r->inflight && !r->batch) r->jobs_sent = NIL;
  for (uint32_t i = 0; i < vec_count(sent); i++) {
    Val s = vec_nth(sent, i);
    jobs_submitted(r->e, r->workspace, str_s(vec_nth(s, 0)), long_of(vec_nth(s, 1)), long_of(vec_nth(s, 2)));
  }
}

/* --- what is shown ------------------------------------------------------------------------------------------------------------- */
static Val kebab_key(Val k) {
  Buf b = {0};
  if (!is_kw(k)) return k;
  for (const char *s = id_text(k); *s; s++) {
    if (*s >= 'A' && *s <= 'Z') {
      if (b.n) buf_ch(&b, '-');
      buf_ch(&b, (char)(*s | 32));
    } else {
      buf_ch(&b, *s);
    }
  }
  Val out = kw_parse(buf_cstr(&b), b.n);
  buf_free(&b);
  return out;
}

static Val kebab(Val m) {
  MapIter it;
  Val k, v, out = map_empty;
  if (!is_map(m)) return m;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) out = map_assoc(out, kebab_key(k), v);
  return out;
}

/* Artifacts come as workers and attach calls have written them, in camel case. */
static Val for_flow(const JobRow *j) {
  Val m = jobs_map(j, JOB_SHOW_PAYLOAD), all = map_get_kw(m, "artifacts");
  ValVec out = {0};
  if (!is_vec(all)) return m;
  for (uint32_t i = 0; i < vec_count(all); i++) vv_push(&out, kebab(vec_nth(all, i)));
  return map_assoc(m, kw_c("artifacts"), vec_from(out.a, out.n));
}

static Val jobs_of_batch(Engine *e, int64_t batch, int64_t limit, Err *err) {
  JobQuery q = {.how = JOBS_OF_BATCH, .batch = batch};
  Val out = vec_empty;
  JobRow rows[64];
  for (size_t n = 64; n == 64 && limit > 0;) {
    n = store_jobs(e->store, &q, rows, limit < 64 ? (size_t)limit : 64, err);
    for (size_t i = 0; i < n; i++) {
      q.after = rows[i].job;
      out = vec_conj(out, for_flow(&rows[i]));
      job_row_free(&rows[i]);
    }
    limit -= (int64_t)n;
  }
  return out;
}

/* The batch with its jobs, where they are wanted. */
static Val batch_for_flow(Engine *e, Val cfg, const JobBatchRow *b, Err *err) {
  Val m = jobs_batch_map(b), with = map_get_kw(cfg, "include-jobs?");
  int64_t limit = SHOWN_MAX;
  bool jobs = is_nil(with) ? jobs_batch_over(b) : truthy(with);
  if (!jobs || !int_option(cfg, "limit", ":limit", 1, JOB_BATCH_MAX, &limit, err)) return m;
  return map_assoc(m, kw_c("jobs"), jobs_of_batch(e, b->batch, limit, err));
}

typedef struct Look { bool found, over; Val value; } Look;

/* The job or batch that the config names, as it is durably. false: the store cannot be read, or the config is wrong. */
static bool look(const Run *r, Val cfg, Look *out, Err *e) {
  bool batch = is_op(cfg, "get-batch") || is_op(cfg, "await-batch");
  const char *id;
  JobBatchRow b;
  JobRow j;
  int64_t limit;
  *out = (Look){.value = NIL};
  if (!text_option(cfg, batch ? "batch-id" : "job-id", batch ? ":batch-id" : ":job-id", &id, e)) return false;
  if (batch && !int_option(cfg, "limit", ":limit", 1, JOB_BATCH_MAX, &limit, e)) return false;
  if (batch && !flag_option(cfg, "include-jobs?", ":include-jobs?", e)) return false;
  if (batch ? jobs_batch_get(r->e, r->workspace, id, &b, e) : jobs_get_durable(r->e, r->workspace, id, &j, e)) {
    *out = (Look){true, batch ? jobs_batch_over(&b) : !job_phase_open(j.phase), batch ? batch_for_flow(r->e, cfg, &b, e) : for_flow(&j)};
    if (batch) job_batch_row_free(&b);
    else job_row_free(&j);
  }
  return !e->code;
}

static Val not_found(Val cfg) {
  bool batch = is_op(cfg, "get-batch") || is_op(cfg, "await-batch");
  Val id = map_get_kw(cfg, batch ? "batch-id" : "job-id");
  Val m = err_map("not-found", str_s(str_fmt("there is no %s %.80s in this workspace; what is over is kept for 30 days",
      batch ? "batch" : "job", is_str(id) ? str_s(id) : "?")));
  return map_assoc(map_assoc(m, kw_c(batch ? "batch-id" : "job-id"), id), kw_c("retryable?"), FALSE_V);
}

static void fail_look(StepCall *c, const Err *e) {
  if (!strcmp(e->code, "validation")) step_invalid(c, e->msg);
  else step_error(c, map_assoc(err_map("store-failed", e->msg), kw_c("retryable?"), TRUE_V), -1);
}

/* --- :get, :get-batch ---------------------------------------------------------------------------------------------------------- */
static void get_start(Engine *e, StepCall *c) {
  Look l;
  Err err = {0};
  if (!look(c->r, c->cfg, &l, &err)) fail_look(c, &err);
  else if (l.found) step_done(e, c, l.value);
  else step_failed(e, c, not_found(c->cfg), -1);
}

/* --- :await, :await-batch ------------------------------------------------------------------------------------------------------ */
static const char *awaited(Val cfg) {
  Val id = map_get_kw(cfg, is_op(cfg, "await") ? "job-id" : "batch-id");
  return is_str(id) ? str_s(id) : "";
}

static void wait_name(Buf *b, const char *id, const Run *r) {
  buf_fmt(b, "%cjob/%s/", WAIT_SYSTEM, id);
  if (r) buf_fmt(b, "%lld", (long long)r->run);
}

static Val too_late(StepCall *c, Val last) {
  bool batch = is_op(c->cfg, "await-batch");
  const char *what = batch ? "batch" : "job";
  Val status = map_get_kw(last, "status");
  Val m = err_map("await-timeout", str_s(str_fmt("%s %s was %s when the time to wait for it was over; it goes on: await it again, or look with :op :get%s", what,
                                                 awaited(c->cfg), is_str(status) ? str_s(status) : "gone", batch ? "-batch" : "")));
  m = map_assoc(map_assoc(m, kw_c(batch ? "batch-id" : "job-id"), str_c(awaited(c->cfg))), kw_c(what), last);
  return map_assoc(m, kw_c("retryable?"), FALSE_V);
}

static void park(StepCall *c) {
  Run *r = c->r;
  Buf key = {0};
  wait_name(&key, awaited(c->cfg), r);
  WaitRow w = {.workspace = r->workspace, .key = buf_cstr(&key), .run = r->run, .seq = c->intent_seq, .created_ms = now_ms()};
  batch_wait_put(run_batch(r), r->epoch, &w);
  buf_free(&key);
  batch_timer_put(run_batch(r), r->run, r->epoch, c->intent_seq, c->due_ms);
  run_snapshot(r);
  step_note(r, "job", c->id, str_c(awaited(c->cfg)), 0);
  run_submit(r, AFTER_PARK);
}

static bool nobody_can_work(StepCall *c) {
  if (store_path(c->r->e->store)) return false;
  Val m = err_map("no-worker", "this run's store is in memory, where no worker can take a job: run it with --db FILE, or script the step with `breyta-run test`");
  step_error(c, map_assoc(m, kw_c("retryable?"), FALSE_V), -1);
  return true;
}

static void await(StepCall *c) {
  Run *r = c->r;
  Look l;
  Err e = {0};
  int64_t now = now_ms();
  if (!await_due(c->cfg, now, &c->due_ms, &e)) {
    step_invalid(c, e.msg);
    return;
  }
  bool settled = !r->inflight && !(r->batch && r->jobs_any); /* what it has submitted itself is there to be looked at */
  bool ok = look(r, c->cfg, &l, &e);
  if (!ok) fail_look(c, &e);
  else if (settled && !l.found) step_error(c, not_found(c->cfg), -1);
  else if (!l.over && nobody_can_work(c)) return;
  else if (!step_intend(c)) run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
  else if (l.over) step_resolve(c, true, l.value);
  else park(c);
}

/* An attempt that failed and waits to be made again has no row. */
void job_await_cleanup(StepCall *c) {
  Run *r = c->r;
  WaitRow w = {0};
  Buf key = {0};
  Err e = {0};
  wait_name(&key, awaited(c->cfg), r);
  if (store_wait_get(r->e->store, r->workspace, buf_cstr(&key), &w, &e) && w.run == r->run)
    batch_wait_del(run_batch(r), r->run, r->epoch, r->workspace, buf_cstr(&key));
  wait_row_free(&w);
  batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  buf_free(&key);
}

/* The run stands in the await: goes on when the job is over, or was never there. */
static bool deliver(Run *r) {
  StepCall *c = r->call;
  Look l;
  Err e = {0};
  if (!c || !job_awaits(c) || c->checkpoint || r->phase != R_PARKED || !look(r, c->cfg, &l, &e) || (l.found && !l.over)) return false;
  run_again(r);
  job_await_cleanup(c);
  if (l.found) step_resolve(c, true, l.value);
  else step_error(c, not_found(c->cfg), -1);
  return true;
}

void job_parked(Run *r) { deliver(r); }

void job_timed_out(StepCall *c) {
  Run *r = c->r;
  Look l;
  Err e = {0};
  if (!look(r, c->cfg, &l, &e)) l.value = NIL;
  run_again(r);
  job_await_cleanup(c);
  if (l.over) step_resolve(c, true, l.value);
  else step_error(c, too_late(c, l.value), -1);
}

static void wake_run(Engine *e, int64_t run) {
  Run *r = run_find(e, run);
  RunRow row = {0};
  Err err = {0};
  if (r) {
    deliver(r); /* one whose park is on its way looks by itself when it is durable */
    return;
  }
  if (!store_run_get(e->store, run, &row, &err)) return;
  r = take_over_row(e, &row, (Cancel){.error = NIL}, &err);
  run_row_free(&row);
  if (r && !deliver(r)) run_submit(r, AFTER_PARK);
}

void job_awaits_wake(Engine *e, const char *workspace, const char *id) {
  WaitRow rows[WAKE_ROWS];
  Buf prefix = {0};
  char after[128] = "";
  Err err = {0};
  size_t n;
  wait_name(&prefix, id, NULL);
  do {
    n = store_waits_under(e->store, workspace, buf_cstr(&prefix), after, rows, WAKE_ROWS, &err);
    for (size_t i = 0; i < n; i++) {
      snprintf(after, sizeof after, "%s", rows[i].key);
      wake_run(e, rows[i].run);
      wait_row_free(&rows[i]);
    }
  } while (n == WAKE_ROWS);
  buf_free(&prefix);
}

static Val note_of(const RunRow *row) {
  Val v = row->note && *row->note ? read_one(row->note, strlen(row->note), NULL, true) : NIL;
  return is_map(v) ? v : NIL;
}

static bool is_over(Engine *e, const char *workspace, const char *id) {
  JobBatchRow b;
  JobRow j;
  Err err = {0};
  bool over = false;
  if (jobs_get_durable(e, workspace, id, &j, &err)) {
    over = !job_phase_open(j.phase);
    job_row_free(&j);
  } else if (!err.code && jobs_batch_get(e, workspace, id, &b, &err)) {
    over = jobs_batch_over(&b);
    job_batch_row_free(&b);
  }
  return over;
}

void job_resume(Engine *e, const RunRow *row) {
  Val note = note_of(row), id = map_get_kw(note, "key");
  if (kw_is(map_get_kw(note, "waits"), "job") && is_str(id) && is_over(e, row->workspace, str_s(id))) wake_run(e, row->run);
}

/* A server's database is breyta.db in its folder. */
static void say_server(Buf *b, const Engine *e, const char *workspace) {
  const char *path = store_path(e->store), *slash = path ? strrchr(path, '/') : NULL;
  bool its = path && !strcmp(slash ? slash + 1 : path, "breyta.db");
  if (its) buf_fmt(b, "`breyta serve --data %.*s --workspace %s`", slash ? (int)(slash - path) : 1, slash ? path : ".", workspace);
  else buf_fmt(b, "`breyta serve --data DIR --workspace %s`, with this database as DIR/breyta.db", workspace);
}

void job_say(Engine *e, const RunRow *row, Val note, const char *until, char *out, size_t n) {
  Val id = map_get_kw(note, "key");
  const char *type = "TYPE", *name = is_str(id) ? str_s(id) : "?";
  Buf server = {0};
  JobRow j = {0};
  JobBatchRow b = {0};
  Err err = {0};
  if (jobs_get_durable(e, row->workspace, name, &j, &err)) type = j.type;
  else if (jobs_batch_get(e, row->workspace, name, &b, &err)) type = b.type;
  say_server(&server, e, row->workspace);
  snprintf(out, n,
           "step :%s waits for %s until %s\n"
           "it is for a worker outside: %s, and `breyta jobs worker run --type %s --handler PROGRAM`\n"
           "to go on: breyta-run resume %s",
           id_text(map_get_kw(note, "step")), name, until, buf_cstr(&server), type, row->run_id);
  buf_free(&server);
  job_row_free(&j);
  job_batch_row_free(&b);
}

/* --- the family ---------------------------------------------------------------------------------------------------------------- */
bool job_begin(StepCall *c) {
  static const char *const ops[] = {"submit", "submit-batch", "get", "get-batch", "await", "await-batch"};
  Err e = {0};
  size_t i = 0;
  while (i < 6 && !is_op(c->cfg, ops[i])) i++;
  if (i == 6) {
    bad(&e, ":op", map_get_kw(c->cfg, "op"), ":submit :submit-batch :get :get-batch :await or :await-batch");
    step_invalid(c, e.msg);
  } else if (i < 2) submit(c);
  else if (i > 3) await(c);
  else return false;
  return true;
}

void engine_job_register(void) {
  static const StepKind job = {.name = "job", .start = get_start};
  engine_register(&job);
}
