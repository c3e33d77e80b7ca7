/* worker_agent.c - `jobs worker agent`: the handler for jobs of :agent steps with :via :job. It runs the step's :command with what
 * breyta-agent gives it on a machine that is reached over SSH (runtime/net/breyta_agent.sh), so that a flow moves from one to the other by
 * its :via: :workdir below the home folder, :env, BREYTA_INPUTS, BREYTA_OBJECTIVE, and files for the result, artifacts and progress. */
#include "runtime/base/json.h"
#include "runtime/cli/cli.h"
#include "runtime/ssh/ssh_shell.h"
#include "reader/num.h"
#include "worker_cli.h"
#include "worker_context.h"
#include "worker_dir.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 4096, MESSAGE = 1000, INTERVAL_MS = 5000 };
extern char **environ;

typedef struct Agent {
  ClientRun *r;
  WorkerContext job;
  Val payload;
  Buf script;                        /* for `sh -lc` */
  char *result, *artifacts, *progress; /* the command's files */
  char told[LINE + 1];               /* the line of progress that the server has */
} Agent;

/* ---- what the worker reports ---- */

/* What the command has said by itself (jobs worker finish, fail, attach-..) counts, but not that a failure is none. */
static Val with(Val was, void *ctx) {
  Val more = *(Val *)ctx, k, v;
  MapIter it;
  const char *status = client_text_at(more, "status");
  if (!strcmp(status, "failed")) was = client_put_text(was, "status", status);
  map_iter(&it, more);
  while (map_next(&it, &k, &v))
    if (is_nil(map_get(was, k, NIL))) was = map_assoc(was, k, v);
  return was;
}

static int give(Agent *a, Val more) {
  Err e = {0};
  if (worker_dir_change(a->job.result, with, &more, NULL, &e)) return EXIT_OK;
  return client_fail(a->r, e.code, "%s", e.msg);
}

static int __attribute__((format(printf, 2, 3))) refuse(Agent *a, const char *fmt, ...) {
  char text[600];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  return give(a, client_put_text(client_put_text(client_put_text(NIL, "status", "failed"), "code", "agent_not_started"), "message", text));
}

/* ---- the command's surroundings ---- */

static const char *text_at(const Agent *a, const char *key) { return client_text_at(a->payload, key); }

static void set(const char *name, const char *value) {
  if (value && setenv(name, value, 1)) abort();
}

static char *file_of(const char *name, const char *variable) {
  Buf b = {0};
  buf_fmt(&b, "%s/agent-%s", getenv("BREYTA_JOB_DIR"), name);
  set(variable, buf_cstr(&b));
  return b.p;
}

static bool is_line(Val v) { return is_str(v) && strlen(str_s(v)) == str_n(v); }

/* NULL, or the name of the variable that cannot be set. */
static const char *env_bad(Val all) {
  Val k, v;
  MapIter it;
  if (!is_map(all)) return NULL;
  map_iter(&it, all);
  while (map_next(&it, &k, &v)) {
    const char *name = id_text(k);
    if (!ssh_shell_name_ok(name, strlen(name)) || (!is_line(v) && !is_long(v) && !is_bool(v))) return name;
  }
  return NULL;
}

/* A login's profile sets PATH: the step's is set behind it. */
static void env_set(Agent *a, Val all) {
  Val k, v;
  MapIter it;
  if (!is_map(all)) return;
  map_iter(&it, all);
  while (map_next(&it, &k, &v)) {
    Buf b = {0};
    json_print(&b, v);
    const char *value = is_str(v) ? str_s(v) : buf_cstr(&b);
    set(id_text(k), value);
    if (!strcmp(id_text(k), "PATH")) {
      buf_c(&a->script, "PATH=");
      ssh_shell_quote(&a->script, value);
      buf_c(&a->script, "; export PATH\n");
    }
    buf_free(&b);
  }
}

static void contract(Agent *a) {
  Val inputs = client_at(a->payload, "inputs"), job;
  Err e = {0};
  Buf b = {0};
  const char *file = getenv("BREYTA_JOB_FILE");
  if (file && worker_dir_read(file, &job, &e) && is_map(job)) {
    set("BREYTA_WORKFLOW_ID", client_text_at(job, "workflowId"));
    set("BREYTA_STEP_ID", client_text_at(job, "parentStepId"));
  }
  set("BREYTA_OBJECTIVE", text_at(a, "objective"));
  if (!is_nil(inputs)) {
    json_print(&b, inputs);
    set("BREYTA_INPUTS", buf_cstr(&b));
    buf_free(&b);
  }
  a->result = file_of("result", "BREYTA_RESULT_FILE");
  a->artifacts = file_of("artifacts", "BREYTA_ARTIFACTS_FILE");
  a->progress = file_of("progress", "BREYTA_PROGRESS_FILE");
}

/* As after a login: at home, or in the folder that is named from there. */
static bool enter(const char *dir) {
  const char *home = getenv("HOME");
  if (home && *home && chdir(home)) return !dir && errno == ENOENT;
  if (!dir) return true;
  if (dir[0] == '~' && (!dir[1] || dir[1] == '/')) dir += 1 + (dir[1] == '/');
  return !*dir || chdir(dir) == 0;
}

/* ---- progress ---- */

static bool last_line(const char *path, char out[LINE + 1]) {
  FILE *f = fopen(path, "re");
  if (!f) return false;
  if (fseek(f, -LINE, SEEK_END)) rewind(f); /* it is shorter */
  size_t n = fread(out, 1, LINE, f), from;
  fclose(f);
  while (n && (out[n - 1] == '\n' || out[n - 1] == '\r')) n--;
  for (from = n; from && out[from - 1] != '\n';) from--;
  memmove(out, out + from, n - from);
  out[n - from] = 0;
  return n > from;
}

/* "40% copying" */
static Val said(const char *line) {
  char *end;
  Val m = client_put_text(NIL, "status", "running");
  long percent = strtol(line, &end, 10);
  if (end > line && *end == '%') {
    m = client_put(m, "details", client_put(NIL, "percent", int_val(percent)));
    line = end + 1 + strspn(end + 1, " ");
  }
  size_t n = strlen(line) > MESSAGE ? MESSAGE : strlen(line);
  while (n && n == MESSAGE && ((unsigned char)line[n] & 0xc0) == 0x80) n--;
  return n && utf8_valid(line, n) ? client_put(m, "message", str_new(line, n)) : m;
}

/* What is lost is lost, the next one says more; that a lease is lost is for the worker to notice. */
static void report(Agent *a) {
  char line[LINE + 1];
  ClientAnswer answer = {.body = NIL};
  if (!last_line(a->progress, line) || !strcmp(line, a->told)) return;
  a->r->args = worker_context_args(&a->job, said(line));
  if (client_send(a->r, &answer)) strcpy(a->told, line);
  client_answer_free(&answer);
}

static int interval_ms(void) {
  const char *s = getenv("BREYTA_PROGRESS_INTERVAL");
  Val v = s ? num_parse_double(str_c(s)) : NIL;
  return is_num(v) && num_to_double(v) >= 0.05 && num_to_double(v) < 1e6 ? (int)(num_to_double(v) * 1000) : INTERVAL_MS;
}

/* ---- the command ---- */

/* The worker's signals are for the command; this process stays to say how it ended. */
static bool start(Agent *a, pid_t *pid) {
  char sh[] = "sh", flags[] = "-lc", *argv[] = {sh, flags, buf_cstr(&a->script), NULL};
  posix_spawnattr_t at;
  sigset_t own;
  sigemptyset(&own);
  for (int s = 0; s < 2; s++) {
    static const int signals[] = {SIGTERM, SIGINT};
    sigaddset(&own, signals[s]);
    signal(signals[s], SIG_IGN);
  }
  posix_spawnattr_init(&at);
  posix_spawnattr_setsigdefault(&at, &own);
  posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGDEF);
  int rc = posix_spawnp(pid, sh, NULL, &at, argv, environ);
  posix_spawnattr_destroy(&at);
  return !rc || (errno = rc, false);
}

static int wait_for(Agent *a, pid_t pid) {
  int status = 0, ms = interval_ms(), fd = pidfd_open(pid, 0);
  struct pollfd p = {fd, POLLIN, 0};
  while (fd >= 0 && poll(&p, 1, ms) <= 0) report(a);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (fd >= 0) close(fd);
  return status;
}

/* ---- its end ---- */

/* The file's JSON, or what stands there as a text; nil: nothing. */
static Val written(const char *path) {
  Val v;
  Err e = {0};
  Buf b = {0};
  if (worker_dir_read(path, &v, &e)) return same(v, ABSENT) ? NIL : v;
  v = cli_read_file(path, &b) && b.n <= WORKER_RESULT_MAX && utf8_valid(b.p, b.n) ? str_new(b.p, b.n) : NIL;
  buf_free(&b);
  return v;
}

static Val artifacts(const char *path) {
  Val all = written(path);
  if (is_nil(all)) return NIL;
  bool ok = is_vec(all);
  for (uint32_t i = 0; ok && i < vec_count(all); i++) ok = is_map(vec_nth(all, i));
  if (!ok) client_say("BREYTA_ARTIFACTS_FILE holds no JSON array of objects: it is left out");
  return ok ? all : NIL;
}

static Val failed(int status, Val result) {
  char text[80];
  int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (code > 128 && code < 160) snprintf(text, sizeof text, "the command was killed by signal %d", code - 128);
  else snprintf(text, sizeof text, "the command ended with status %d", code);
  Val details = client_put(NIL, "exit", int_val(code)), m = client_put_text(client_put_text(NIL, "status", "failed"), "message", text);
  if (!is_nil(result)) details = client_put(details, "result", result);
  return client_put(client_put_text(m, "code", "command_failed"), "details", details);
}

static int ended(Agent *a, int status) {
  Val result = written(a->result), files = artifacts(a->artifacts), m;
  if (status) m = failed(status, result);
  else {
    m = client_put_text(NIL, "status", "succeeded");
    if (!is_nil(result)) m = client_put(m, "outputs", result);
  }
  if (!is_nil(files)) m = client_put(m, "artifacts", files);
  return give(a, m);
}

static int run(Agent *a) {
  Val env = client_at(a->payload, "env");
  const char *dir = text_at(a, "workdir"), *command = text_at(a, "command"), *bad = env_bad(env);
  pid_t pid;
  if (!command) return refuse(a, "the job's payload has no \"command\": it is none of an :agent step with :via :job and :command");
  if (bad) return refuse(a, ":env: the variable %.60s cannot be set; names have letters, digits and _, and values are texts, integers or booleans: "
                            "a secret of the server does not come here, give it to the worker's environment", bad);
  contract(a);
  env_set(a, env);
  if (!enter(dir)) return refuse(a, "the folder %.300s is not there, or may not be entered", dir ? dir : getenv("HOME"));
  buf_c(&a->script, command);
  if (!start(a, &pid)) return refuse(a, "sh cannot be started: %s", strerror(errno));
  return ended(a, wait_for(a, pid));
}

int worker_agent(ClientRun *r) {
  Agent a = {.r = r};
  Err e = {0};
  const char *payload = getenv("BREYTA_JOB_PAYLOAD_FILE");
  if (!worker_context(r, WORKER_NEEDS_TOKEN | WORKER_NEEDS_RESULT, &a.job) || !client_of(r)) return EXIT_FAILED;
  if (!payload || !getenv("BREYTA_JOB_DIR")) return client_fail(r, "no_job", "BREYTA_JOB_PAYLOAD_FILE and BREYTA_JOB_DIR are not set: `breyta jobs worker run` does it");
  if (!worker_dir_read(payload, &a.payload, &e)) return client_fail(r, e.code, "%s", e.msg);
  int status = run(&a);
  buf_free(&a.script);
  free(a.result), free(a.artifacts), free(a.progress);
  return status;
}
