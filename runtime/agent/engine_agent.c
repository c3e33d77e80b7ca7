/* engine_agent.c - see engine_agent.h. */
#include "engine_agent.h"
#include "runtime/net/agent_script.h"
#include "agent_token.h"
#include "runtime/base/duration.h"
#include "runtime/engine/engine_int.h"
#include "runtime/ssh/engine_ssh.h"
#include "eval/unit.h"
#include "runtime/base/hash.h"
#include "runtime/jobs/jobs.h"
#include "runtime/base/json.h"
#include "runtime/base/limits.h"
#include "runtime/resource/resource.h"
#include "reader/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KICKOFF_MS = 60000, CHECK_MS = 300000, CHECK_LEAST_MS = 1000, DAY_MS = 24 * 3600 * 1000, INPUTS_MOST = 100000, GRACE_S = 2 };
enum Op { OP_PLAN, OP_START, OP_CHECK, OP_STOP, OP_END_JOB, OP_COUNT };
static const char *const op_names[OP_COUNT] = {"plan", "start", "check", "stop", "end-job"};

typedef struct Flight {
  uint64_t id, token;
  enum Op op;
  struct Flight *next, **at;
} Flight;
static Flight *flights;

static void flight_free(Flight *f) {
  *f->at = f->next;
  if (f->next) f->next->at = f->at;
  free(f);
}

static Flight *flight_new(StepCall *c, enum Op op) {
  Flight *f = calloc(1, sizeof *f);
  if (!f) abort();
  *f = (Flight){.token = step_token(c), .op = op, .next = flights, .at = &flights};
  if (flights) flights->at = &f->next;
  return flights = f;
}

static enum Op op_of(const StepCall *c) {
  int i = 0;
  while (i < OP_COUNT && !kw_is(map_get_kw(c->cfg, "op"), op_names[i])) i++;
  return (enum Op)i;
}

static const char *text_of(const StepCall *c, const char *key) {
  Val v = map_get_kw(c->cfg, key);
  return is_str(v) ? str_s(v) : is_kw(v) ? kw_text(v) : NULL;
}

/* ---- the plan ---- */

/* From the step's own key under the database's secret: the same after a crash, another one in every other database. */
static bool wait_key(Engine *e, const StepCall *c, Buf *out, Err *err) {
  char token[AGENT_TOKEN_CHARS + 1], hex[65];
  if (!agent_token(e, c->r->workspace, c->key, token, err)) return false;
  hash_sha256_hex(token, AGENT_TOKEN_CHARS, hex);
  explicit_bzero(token, sizeof token);
  buf_fmt(out, "agent-%.200s-%.12s", c->r->run_id, hex);
  return true;
}

bool engine_agent_run(const char *key, Buf *run_id) {
  size_t n = strlen(key);
  if (n < 20 || strncmp(key, "agent-", 6) || key[n - 13] != '-') return false;
  buf_add(run_id, key + 6, n - 19);
  return true;
}

static void url_of(Engine *e, const StepCall *c, const char *door, const char *key, Buf *out) {
  buf_fmt(out, "%s/%s/%s/", e->base_url, c->r->workspace, door);
  resource_percent(out, key);
}

static bool span(const StepCall *c, const char *key, enum DurationUnit unit, int64_t most, int64_t *ms, Err *err) {
  Val v = map_get_kw(c->cfg, key);
  char what[32];
  snprintf(what, sizeof what, ":%s", key);
  if (is_nil(v)) return true;
  if (!duration_of(v, unit, what, ms, err)) return false;
  return (*ms >= 1 && *ms <= most) || err_set(err, "validation", "%s of an :agent step is between 1 ms and %lld s", what, (long long)most / 1000);
}

static bool reachable(const Engine *e, Err *err) {
  return e->base_url || err_set(err, "no-address", "the agent could not report back: nobody can reach this run over HTTP. Start it with --listen HOST:PORT, "
                                                   "and --public-url URL if other machines know it by another name");
}

static bool plan(Engine *e, StepCall *c, Val *out, Err *err) {
  int64_t timeout = DAY_MS, check = CHECK_MS, kickoff = KICKOFF_MS;
  Buf key = {0}, call = {0}, progress = {0};
  if (!reachable(e, err) || !span(c, "timeout", DURATION_SECONDS, limit_value(LIMIT_wait_seconds) * 1000, &timeout, err)) return false;
  if (!span(c, "check-every", DURATION_SECONDS, timeout > DAY_MS ? timeout : DAY_MS, &check, err)) return false;
  if (!span(c, "kickoff-timeout", DURATION_SECONDS, DAY_MS, &kickoff, err) || !wait_key(e, c, &key, err)) return false;
  url_of(e, c, "events", buf_cstr(&key), &call);
  url_of(e, c, "progress", buf_cstr(&key), &progress);
  Val kv[] = {kw_c("key"), buf_str(&key), kw_c("callback-url"), buf_str(&call), kw_c("progress-url"), buf_str(&progress),
              kw_c("timeout-ms"), int_val(timeout), kw_c("check-ms"), int_val(check < CHECK_LEAST_MS ? CHECK_LEAST_MS : check)};
  *out = map_from(kv, 5, false);
  buf_free(&key);
  buf_free(&call);
  buf_free(&progress);
  return true;
}

/* ---- what is run over there ---- */

static void command(const StepCall *c, enum Op op, Buf *b) {
  agent_script_begin(b);
  if (op == OP_STOP) buf_fmt(b, "stop --grace %d ", GRACE_S);
  else buf_c(b, op == OP_CHECK ? "attach --result " : "run --id ");
  ssh_shell_quote(b, text_of(c, "key"));
  if (op != OP_START) return;
  buf_c(b, " -- sh -lc ");
  ssh_shell_quote(b, text_of(c, "command"));
}

static void env_put(SshJob *j, const char *name, const char *value) {
  j->env = realloc(j->env, (j->nenv + 1) * sizeof *j->env);
  if (!j->env) abort();
  j->env[j->nenv++] = (SshVar){mem_raw_copy(name), mem_raw_copy(value)};
}

/* The credential is among what this attempt has used: whoever says it back gives #secret[agent-credential]. */
static bool credential(Engine *e, StepCall *c, SshJob *j, Err *err) {
  char token[AGENT_TOKEN_CHARS + 1];
  if (!agent_token(e, c->r->workspace, text_of(c, "key"), token, err)) return false;
  secret_note(step_secrets_used(c), "agent-credential", token);
  env_put(j, "BREYTA_CALLBACK_TOKEN", token);
  explicit_bzero(token, sizeof token);
  env_put(j, "BREYTA_CALLBACK_AUTH", "auto");
  return true;
}

static bool inputs(const StepCall *c, SshJob *j, Err *err) {
  Val v = map_get_kw(c->cfg, "inputs");
  Buf b = {0};
  if (text_of(c, "objective")) env_put(j, "BREYTA_OBJECTIVE", text_of(c, "objective"));
  if (is_nil(v)) return true;
  if (is_sig(json_print(&b, v))) return buf_free(&b), err_set(err, "validation", ":inputs of an :agent step must be data that JSON can say");
  bool fits = b.n <= INPUTS_MOST;
  if (fits) env_put(j, "BREYTA_INPUTS", buf_cstr(&b));
  else err_set(err, "validation", ":inputs of an :agent step have %zu bytes as JSON, and %d are possible: :persist them and give the reference", b.n, INPUTS_MOST);
  buf_free(&b);
  return fits;
}

static bool contract(Engine *e, StepCall *c, bool send, SshJob *j, Err *err) {
  Buf call = {0}, progress = {0};
  const char *key = text_of(c, "key");
  if (!engine_ssh_env(c, c->cfg, send, j, err) || !inputs(c, j, err)) return false;
  if (!reachable(e, err) || (send && !credential(e, c, j, err))) return false;
  url_of(e, c, "events", key, &call);
  url_of(e, c, "progress", key, &progress);
  env_put(j, "BREYTA_WAIT_KEY", key);
  env_put(j, "BREYTA_CALLBACK_URL", buf_cstr(&call));
  env_put(j, "BREYTA_PROGRESS_URL", buf_cstr(&progress));
  env_put(j, "BREYTA_KEEP_RUNNING", same(map_get_kw(c->cfg, "keep-running"), TRUE_V) ? "1" : "");
  env_put(j, "BREYTA_WORKFLOW_ID", c->r->run_id);
  env_put(j, "BREYTA_STEP_ID", id_text(c->id));
  buf_free(&call);
  buf_free(&progress);
  return true;
}

static bool job_of(Engine *e, StepCall *c, enum Op op, bool send, SshJob *j, Err *err) {
  Val bound;
  size_t n;
  Buf b = {0};
  ssh_job_init(j);
  j->timeout_ms = KICKOFF_MS;
  j->max_output = (size_t)limit_value(LIMIT_callback_bytes) + 4096;
  if (!text_of(c, "key") || (op == OP_START && !text_of(c, "command"))) return err_set(err, "validation", "this step is made by :agent steps alone");
  if (!engine_ssh_target(c, map_get_kw(c->cfg, "connection"), send, &j->target, &bound, err)) return false;
  if (!span(c, "kickoff-timeout", DURATION_SECONDS, DAY_MS, &j->timeout_ms, err)) return false;
  if (ssh_target_is_mock(bound)) return err_set(err, "validation", "the connection is a mock: no agent can be started there. Answer this :agent step in the test of the flow");
  if (text_of(c, "workdir")) j->workdir = mem_raw_copy(text_of(c, "workdir"));
  const char *text = agent_script(&n);
  j->input = mem_raw_copy(text);
  j->ninput = n;
  command(c, op, &b);
  j->command = buf_cstr(&b);
  if (b.n > SSH_COMMAND_MAX) return err_set(err, "validation", ":command of an :agent step has more than %d bytes", SSH_COMMAND_MAX);
  return contract(e, c, send, j, err);
}

/* ---- what comes back ---- */

/* The value of "name=..." at the beginning of a line; NIL. */
static Val line_of(const char *out, const char *name) {
  size_t n = strlen(name);
  for (const char *p = out; p && *p; p = strchr(p, '\n'), p += p != NULL)
    if (!strncmp(p, name, n) && p[n] == '=') return str_new(p + n + 1, strcspn(p + n + 1, "\n"));
  return NIL;
}

static Val answer_of(const char *out) {
  const char *at = strstr(out, "\nresult:\n");
  Err err = {0};
  if (!at) return NIL;
  Val v = json_parse(at + 9, strlen(at + 9), &err);
  return same(v, ABSENT) || is_sig(v) ? str_c(at + 9) : v;
}

static Val put(Val m, const char *key, Val v) { return is_nil(v) ? m : map_assoc(m, kw_c(key), v); }

static Val result_of(SshAnswer *a, enum Op op) {
  const char *out = buf_cstr(&a->out);
  Val pid = line_of(out, "pid"), m = put(map_empty, "state", line_of(out, "state"));
  if (is_str(pid)) m = put(m, "pid", int_val(strtoll(str_s(pid), NULL, 10)));
  m = put(put(m, "token", line_of(out, "token")), "log-path", line_of(out, "log"));
  if (!is_nil(line_of(out, "attached"))) m = put(m, "attached", TRUE_V);
  return op == OP_CHECK ? put(m, "answer", answer_of(out)) : m;
}

/* The helper says with its status what may pass by itself (sysexits.h: EX_TEMPFAIL). */
static Val refusal(const SshAnswer *a) {
  Buf b = {0};
  size_t from = a->errs.n, end;
  while (from && strchr("\r\n ", a->errs.p[from - 1])) from--;
  for (end = from; from && a->errs.p[from - 1] != '\n';) from--;
  buf_fmt(&b, "the agent could not be started: exit %d", a->exit);
  if (end > from) buf_fmt(&b, ": %.*s", (int)(end - from > 300 ? 300 : end - from), a->errs.p + from);
  bool late = a->exit == 75;
  Val m = map_assoc(err_map(late ? "timeout" : "agent-kickoff", buf_cstr(&b)), kw_c("exit"), fix(a->exit));
  buf_free(&b);
  return map_assoc(m, kw_c("retryable?"), bool_val(late));
}

static void over(Engine *e, Flight *f, SshAnswer *a) {
  StepCall *c = step_by_token(e, f->token);
  Val absent[] = {kw_c("state"), str_c("absent")};
  if (!c) return;
  if (a->err) step_failed(e, c, engine_ssh_error(a, false), -1);
  else if (a->exit == 66 && f->op == OP_CHECK) step_done(e, c, map_from(absent, 1, false));
  else if (a->exit) step_failed(e, c, refusal(a), -1);
  else step_done(e, c, result_of(a, f->op));
}

static void landed(Engine *e, void *ctx, const SshEvent *v) {
  Flight *f = ctx;
  if (v && v->kind != SSH_ENDED) return;
  if (e && v) over(e, f, v->answer);
  flight_free(f);
}

/* ---- a job ---- */

typedef struct Ending { Engine *e; uint64_t token; } Ending;

static Val ended_map(void) {
  Val kv[] = {kw_c("state"), str_c("cancelled")};
  return map_from(kv, 1, false);
}

/* It was over when its change came too late: that is as good. */
static void job_ended(void *ctx, const char *error) {
  Ending *x = ctx;
  StepCall *c = error && !strcmp(error, "stopping") ? NULL : step_by_token(x->e, x->token);
  if (c) step_done(x->e, c, ended_map());
  free(x);
}

static void end_job(Engine *e, StepCall *c) {
  JobRow j;
  Err err = {0};
  const char *id = text_of(c, "job-id");
  bool found = id && jobs_get(e, c->r->workspace, id, &j, &err), open = found && job_phase_open(j.phase);
  if (open) {
    Ending *x = malloc(sizeof *x);
    if (!x) abort();
    *x = (Ending){e, step_token(c)};
    jobs_commit(jobs_cancel(e, &j, batch_new()), job_ended, x);
  }
  if (found) job_row_free(&j);
  if (!open) step_done(e, c, ended_map());
}

/* ---- the step ---- */

static Val error_of(const Err *e) { return map_assoc(err_map(e->code ? e->code : "validation", e->msg), kw_c("retryable?"), FALSE_V); }

static Val agent_check(Engine *e, StepCall *c) {
  SshJob j = {0};
  Err err = {0};
  enum Op op = op_of(c);
  bool ok = op == OP_PLAN || op == OP_END_JOB || (op < OP_COUNT ? job_of(e, c, op, false, &j, &err) : err_set(&err, "validation", "this step is made by :agent steps alone"));
  ssh_job_free(&j);
  return ok ? NIL : ex_throw_val(ex_make(EXC_INFO, str_c(err.msg), error_of(&err), NIL));
}

static void agent_start(Engine *e, StepCall *c) {
  SshJob j;
  Err err = {0};
  Val planned = NIL;
  enum Op op = op_of(c);
  if (op == OP_END_JOB) {
    end_job(e, c);
    return;
  }
  if (op == OP_PLAN) {
    if (plan(e, c, &planned, &err)) step_done(e, c, planned);
    else step_failed(e, c, error_of(&err), -1);
    return;
  }
  if (!job_of(e, c, op, true, &j, &err)) {
    ssh_job_free(&j);
    step_failed(e, c, error_of(&err), -1);
    return;
  }
  Flight *f = flight_new(c, op);
  f->id = engine_ssh_send(e, &j, landed, f, &err);
  if (f->id) return;
  flight_free(f);
  step_failed(e, c, error_of(&err), -1);
}

static void agent_cancel(Engine *e, StepCall *c) {
  (void)e;
  for (Flight *f = flights; f; f = f->next)
    if (f->token == step_token(c)) engine_ssh_cancel(f->id);
}

void engine_agent_register(void) {
  static const StepKind kind = {.name = "remote-agent", .inner = true, .check = agent_check, .start = agent_start, .cancel = agent_cancel};
  engine_register(&kind);
}
