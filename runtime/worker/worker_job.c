/* worker_job.c - one job of a worker; see worker.h */
#include "runtime/cli/cli.h"
#include "reader/mem.h"
#include "worker.h"
#include "worker_result.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The server hears of a handler's start when it runs for longer: the report of a short one says as much. */
enum { SETTLE_TRIES = 20 /* with a server that fails over this very report; without a server there is no end */ };
enum { STARTED_MS = 50, LAST_MAX = 1 << 20 /* bytes, more than a pipe holds */ };
extern char **environ;

static void say(WorkerJob *j, const char *level, const char *event, const char *name, const char *text, int64_t ms) {
  LogField f[] = {{"jobId", j->id, 0}, {name, text, 0}, {"ms", NULL, ms}};
  worker_say_event(&j->w->say, level, event, f, 3);
}

static const char *handler_name(const WorkerOptions *o) {
  const char *slash = strrchr(o->argv[0], '/');
  return slash ? slash + 1 : o->argv[0];
}

/* --- the handler's environment -------------------------------------------------------------------------------------------------------- */
typedef struct Env {
  char **a;
  size_t n;
} Env;

static void env_add(Env *e, const char *name, const char *value) {
  Buf b = {0};
  buf_fmt(&b, "%s=%s", name, value ? value : "");
  e->a = mem_raw_grow(e->a, (e->n + 2) * sizeof *e->a);
  e->a[e->n++] = buf_cstr(&b);
  e->a[e->n] = NULL;
}

static void env_value(Env *e, const char *name, Val job, const char *key) {
  char n[24];
  Val v = client_at(job, key);
  snprintf(n, sizeof n, "%lld", (long long)client_int_at(job, key, 0));
  env_add(e, name, is_str(v) ? str_s(v) : is_nil(v) ? "" : n);
}

/* The commands that a handler calls are those of this program. */
static void env_program(Env *e) {
  char self[4096];
  const char *path = getenv("PATH");
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return;
  self[n] = 0;
  env_add(e, "BREYTA_CLI_BIN", self);
  Buf b = {0};
  *strrchr(self, '/') = 0;
  buf_fmt(&b, "%s:%s", self, path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
  env_add(e, "PATH", buf_cstr(&b));
  buf_free(&b);
}

static void env_job(Env *e, Val job, const WorkerDir *d) {
  static const char *const values[][2] = {{"BREYTA_JOB_ID", "jobId"},
                                          {"BREYTA_JOB_TYPE", "jobType"},
                                          {"BREYTA_JOB_BATCH_ID", "batchId"},
                                          {"BREYTA_JOB_ATTEMPT", "attempt"},
                                          {"BREYTA_JOB_WORKSPACE_ID", "workspaceId"},
                                          {"BREYTA_JOB_ROOT_WORKFLOW_ID", "rootWorkflowId"},
                                          {"BREYTA_JOB_PARENT_STEP_ID", "parentStepId"},
                                          {"BREYTA_JOB_FANOUT_PARENT_STEP_ID", "fanoutParentStepId"},
                                          {"BREYTA_JOB_FANOUT_MAX_CONCURRENCY", "fanoutMaxConcurrency"}};
  env_add(e, "BREYTA_JOB_DIR", d->path);
  env_add(e, "BREYTA_JOB_FILE", d->job);
  env_add(e, "BREYTA_JOB_PAYLOAD_FILE", d->payload);
  env_add(e, "BREYTA_JOB_RESULT_FILE", d->result);
  env_add(e, "BREYTA_JOB_CONTEXT_FILE", d->context);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) env_value(e, values[i][0], job, values[i][1]);
}

static void env_server(Env *e, const WorkerOptions *o, Val job) {
  const char *ws = client_text_at(job, "workspaceId");
  env_add(e, "BREYTA_WORKER_ID", o->id);
  env_add(e, "BREYTA_API_URL", o->where->url);
  env_add(e, "BREYTA_WORKSPACE", o->where->workspace ? o->where->workspace : ws);
  if (o->where->ca_file) env_add(e, "BREYTA_CA_FILE", o->where->ca_file);
  if (!o->where->key) return;
  if (!o->where->key_is_token) env_add(e, "BREYTA_API_KEY", o->where->key);
  env_add(e, "BREYTA_TOKEN", o->where->key);
}

/* Ours first: of two variables of one name, programs take the first. So what is ours is left out of the worker's own. */
static bool ours(const Env *e, size_t n, const char *variable) {
  size_t k = strcspn(variable, "=") + 1;
  for (size_t i = 0; i < n; i++)
    if (!strncmp(e->a[i], variable, k)) return true;
  return !strncmp(variable, "BREYTA_JOB_", 11) || !strncmp(variable, "BREYTA_API_KEY=", 15);
}

static Env env_of(const Worker *w, Val job, const WorkerDir *d) {
  Env e = {0};
  env_job(&e, job, d);
  env_program(&e);
  env_server(&e, w->o, job);
  size_t n = e.n;
  for (char **v = environ; *v; v++) {
    if (ours(&e, n, *v)) continue;
    const char *eq = strchr(*v, '=');
    Buf name = {0};
    if (!eq) continue;
    buf_add(&name, *v, (size_t)(eq - *v));
    env_add(&e, buf_cstr(&name), eq + 1);
    buf_free(&name);
  }
  return e;
}

static void env_free(Env *e) {
  for (size_t i = 0; i < e->n; i++) {
    explicit_bzero(e->a[i], strlen(e->a[i])); /* one of them is the key */
    free(e->a[i]);
  }
  free(e->a);
}

/* --- the report ------------------------------------------------------------------------------------------------------------------------
 */
static Val worker_info(const WorkerJob *j) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  Val m = client_put_text(NIL, "workerId", j->w->o->id);
  m = client_put_text(m, "handler", j->w->o->argv[0]);
  m = client_put(m, "pid", int_val(getpid()));
  return client_put_text(m, "host", host);
}

static WorkerEnd end_of(const WorkerJob *j, int status) {
  return (WorkerEnd){.job = j->id, .token = j->token, .status = status, .result = ABSENT, .tail = "", .info = worker_info(j)};
}

static void send(WorkerJob *j, WorkerCall *c) {
  Err e = {0};
  if (worker_rpc_send(&j->w->rpc, c, &e)) return;
  say(j, "error", "cannot-send", "message", e.msg, 0);
  worker_rpc_later(&j->w->rpc, c, -1);
}

static void settle(WorkerJob *j, WorkerSettle s) {
  j->state = WORKER_SETTLING;
  j->ended_us = mono_us();
  worker_rpc_cancel(&j->w->rpc, &j->started);
  j->started_us = 0;
  worker_call_free(&j->settle);
  worker_call_new(&j->settle, s.command, s.args, WORKER_CALL_MS);
  send(j, &j->settle);
}

static void gone(WorkerJob *j) {
  j->state = WORKER_GONE;
  worker_beat_drop(j->w->beat, j->lease);
  if (!j->dir.path) return;
  if (j->w->o->keep) {
    free(j->w->last_dir);
    j->w->last_dir = strcpy(mem_raw(strlen(j->dir.path) + 1), j->dir.path);
  } else
    worker_sweep(j->dir.path);
}

static void lost(WorkerJob *j, const char *why) {
  j->w->lost++;
  say(j, "warn", "lease-lost", "message", why, (mono_us() - j->begun_us) / 1000);
  gone(j);
}

/* An exit that was asked for, and a result nevertheless: the handler has come to its end in time. */
static bool finished_anyway(const WorkerEnd *end) {
  return end->status == 0 && is_map(end->result) && client_text_at(end->result, "status");
}

static WorkerSettle report(const WorkerJob *j, const WorkerEnd *end) {
  if (j->why == WORKER_WHY_CANCELLED) return worker_result_cancelled(end);
  if (j->why == WORKER_WHY_STOPPED && !finished_anyway(end))
    return worker_result_fail(end, "worker_stopped", "the worker was stopped before the handler ended", NULL, NIL);
  return worker_result_settle(end);
}

/* What it wrote last. Somebody outside of its group may hold the pipe and go on writing: then it is over as well. */
static void read_rest(WorkerJob *j) {
  uint64_t was, most = j->log.bytes + LAST_MAX;
  do was = j->log.bytes;
  while (worker_log_read(&j->log, j->proc.out) && j->log.bytes > was && j->log.bytes < most);
}

static void handler_over(WorkerJob *j, int status) {
  Buf tail = {0};
  Err e = {0};
  WorkerEnd end = end_of(j, status);
  read_rest(j);
  worker_proc_close(&j->proc);
  worker_log_close(&j->log);
  j->w->running--;
  if (j->why == WORKER_WHY_LOST) {
    gone(j);
    return;
  }
  if (!worker_dir_read(j->dir.result, &end.result, &e)) end.problem = e.msg;
  worker_log_tail(&j->log, &tail);
  end.tail = buf_cstr(&tail);
  settle(j, report(j, &end));
  buf_free(&tail);
}

static void refused(WorkerJob *j, const WorkerAnswer *a) {
  Buf b = {0};
  buf_fmt(&b, "the server refused the handler's result: %s [%s]", a->message, a->code);
  say(j, "error", "result-refused", "message", buf_cstr(&b), 0);
  if (j->second)
    lost(j, "the server takes no report of this job");
  else {
    WorkerEnd end = end_of(j, 0);
    j->second = true;
    settle(j, worker_result_fail(&end, "result_refused", buf_cstr(&b), NULL, NIL));
  }
  buf_free(&b);
}

static void settled(WorkerJob *j, const WorkerAnswer *a) {
  Worker *w = j->w;
  const char *status = client_text_at(a->body, "data.job.status");
  bool bad = status && (!strcmp(status, "failed") || !strcmp(status, "timed_out") || !strcmp(status, "cancelled"));
  w->handled++;
  w->failed += bad;
  w->last_job = client_at(a->body, "data.job");
  say(j, bad ? "warn" : "info", "job-ended", "status", status ? status : "?", (j->ended_us - j->begun_us) / 1000);
  gone(j);
}

static void settle_answer(WorkerJob *j, const WorkerAnswer *a) {
  j->settle.id = 0;
  switch (a->said) {
  case WORKER_SAID_OK: settled(j, a); break;
  case WORKER_SAID_LOST: lost(j, a->message); break;
  case WORKER_SAID_REFUSED: refused(j, a); break;
  case WORKER_SAID_AGAIN:
    if (a->status == 500 && j->settle.attempt >= SETTLE_TRIES) {
      refused(j, a);
      break;
    }
    /* fall through */
  default: /* a key may be put right again, as a server may come back */
    j->denied = a->said == WORKER_SAID_DENIED;
    say(j, "warn", "report-delayed", "message", a->message, 0);
    worker_rpc_later(&j->w->rpc, &j->settle, a->retry_after_ms);
  }
}

/* The server knows that the handler has started, or that the job is not ours any more. */
static void started_answer(WorkerJob *j, const WorkerAnswer *a) {
  enum WorkerNews what = a->said == WORKER_SAID_OK ? worker_beat_judge(a->body) : a->said == WORKER_SAID_LOST ? WORKER_NEWS_LOST : 0;
  j->started.id = 0;
  if (what == WORKER_NEWS_CANCELLED)
    worker_job_stop(j, WORKER_WHY_CANCELLED, "the job was cancelled");
  else if (what)
    worker_job_stop(j, WORKER_WHY_LOST, a->said == WORKER_SAID_OK ? "the job has ended without this worker" : a->message);
  else if (a->said != WORKER_SAID_OK)
    say(j, "warn", "progress-failed", "message", a->message, 0);
}

bool worker_job_answer(WorkerJob *j, const WorkerAnswer *a) {
  if (j->settle.id == a->id)
    settle_answer(j, a);
  else if (j->started.id == a->id)
    started_answer(j, a);
  else
    return false;
  return true;
}

/* --- begin ------------------------------------------------------------------------------------------------------------------------ */
static void on_line(void *ctx, const char *text) {
  WorkerJob *j = ctx;
  worker_say_output(&j->w->say, j->id, text);
}

static bool start(WorkerJob *j, Val job, Err *e) {
  Worker *w = j->w;
  Env env = env_of(w, job, &j->dir);
  bool ok = worker_proc_start(&j->proc, w->o->argv, env.a, w->warden.fd, e);
  env_free(&env);
  if (!ok) return false;
  worker_log_open(&j->log, j->dir.log, w->o->where->key, on_line, j);
  w->running++;
  w->not_started = 0;
  j->started_us = j->begun_us + STARTED_MS * 1000;
  say(j, "info", "job-started", "dir", w->o->keep ? j->dir.path : NULL, 0);
  return true;
}

static void not_started(WorkerJob *j, bool made, const Err *e) {
  const char *code = made ? "handler_start_failed" : "worker_setup_failed";
  WorkerEnd end = end_of(j, 0);
  say(j, "error", made ? "handler-start-failed" : "worker-setup-failed", "message", e->msg, 0);
  settle(j, worker_result_fail(&end, code, e->msg, made ? "handler" : NULL, str_c(j->w->o->argv[0])));
  if (++j->w->not_started == WORKER_START_TRIES) worker_cannot_go_on(j->w, code, e->msg);
}

void worker_job_begin(Worker *w, Val job, int64_t begun_us, bool sure) {
  Err e = {0};
  WorkerJob *j = mem_raw(sizeof *j);
  *j = (WorkerJob){.w = w,
                   .next = w->jobs,
                   .id = mem_raw_copy(client_text_at(job, "jobId")),
                   .token = mem_raw_copy(client_text_at(job, "leaseToken")),
                   .proc = {.out = -1},
                   .log = {.fd = -1},
                   .begun_us = mono_us()};
  w->jobs = j;
  w->held++;
  j->lease = worker_beat_add(w->beat, j->id, j->token, begun_us, sure);
  bool made = worker_dir_make(&j->dir, job, &e);
  if (made && start(j, job, &e)) return;
  not_started(j, made, &e);
}

static void tell_started(WorkerJob *j) {
  char message[256];
  j->started_us = 0;
  snprintf(message, sizeof message, "started handler %s", handler_name(j->w->o));
  Val args = client_put_text(client_put_text(NIL, "jobId", j->id), "leaseToken", j->token);
  args = client_put_text(client_put_text(args, "status", "started"), "message", message);
  args = client_put(args, "details", client_put_text(NIL, "handler", j->w->o->argv[0]));
  args = client_put(args, "first", TRUE_V); /* the handler may have said something already */
  worker_call_new(&j->started, "jobs.progress", args, WORKER_CALL_MS);
  send(j, &j->started);
}

/* --- while it runs
 * ------------------------------------------------------------------------------------------------------------------------ */
void worker_job_output(WorkerJob *j) {
  if (j->proc.out >= 0 && !worker_log_read(&j->log, j->proc.out)) worker_proc_close(&j->proc);
}

void worker_job_stop(WorkerJob *j, enum WorkerWhy why, const char *text) {
  static const char *const events[] = {"", "lease-lost", "job-cancelled", "handler-stopped"};
  if (j->state == WORKER_SETTLING && j->denied && why == WORKER_WHY_LOST)
    lost(j, text);                                                     /* else the server's answer to the report decides */
  if (j->state != WORKER_RUNNING || (j->why && j->why <= why)) return; /* a lost lease is stronger than what came before */
  say(j, "warn", events[why], "message", text, (mono_us() - j->begun_us) / 1000);
  if (why == WORKER_WHY_LOST) j->w->lost++;
  bool first = !j->why;
  j->why = why;
  if (!first) return;
  worker_proc_signal(&j->proc, SIGTERM);
  worker_proc_signal(&j->proc, SIGCONT); /* one that stands still cannot end */
  j->kill_us = mono_us() + WORKER_KILL_MS * 1000;
}

static void look_running(WorkerJob *j, int64_t now) {
  int status;
  if (worker_proc_over(&j->proc, j->w->warden.fd, &status)) {
    handler_over(j, status);
    return;
  }
  if (j->started_us && now >= j->started_us && !j->why) tell_started(j);
  if (j->kill_us && now >= j->kill_us) {
    worker_proc_signal(&j->proc, SIGKILL);
    j->kill_us = 0;
  }
}

void worker_job_look(WorkerJob *j, int64_t now) {
  if (j->state == WORKER_RUNNING) look_running(j, now);
  if (j->state == WORKER_SETTLING && !j->settle.id && j->settle.again_us && now >= j->settle.again_us) send(j, &j->settle);
}

int64_t worker_job_due(const WorkerJob *j) {
  int64_t due = INT64_MAX;
  if (j->state == WORKER_RUNNING && j->started_us && !j->why) due = j->started_us;
  if (j->state == WORKER_RUNNING && j->kill_us && j->kill_us < due) due = j->kill_us;
  if (j->state == WORKER_SETTLING && !j->settle.id) due = j->settle.again_us;
  return due;
}

void worker_job_free(WorkerJob *j) {
  worker_proc_kill(&j->proc, j->w->warden.fd);
  worker_proc_close(&j->proc);
  worker_log_free(&j->log);
  worker_rpc_cancel(&j->w->rpc, &j->started);
  worker_call_free(&j->started);
  worker_call_free(&j->settle);
  worker_dir_free(&j->dir);
  free(j->id);
  free(j->token);
  free(j);
}
