/* cli_test.c - `breyta-run test`: finds test files, has each run by a child process, reports.
 *
 * A child runs the cases of one file one after the other and writes what comes out to a pipe. When a case takes it down or takes
 * too long, the parent reports that and starts another child behind it. The parent builds no value, which keeps fork safe.
 *
 * Messages on the pipe: a letter, a length (uint32), so many bytes.
 *   d diagnostics   x the file is invalid   s a case begins: its number and name   r its result   e the end */
#include "cli_report.h"
#include "cli_run.h"
#include "runtime/store/conn_store.h"
#include "eval/mach.h"
#include "runtime/flowtest/flowtest.h"
#include "reader/mem.h"
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_ADDRESS_SPACE ((rlim_t)4 << 30)
#define CHILD_FUNCTION_BYTES ((uint64_t)512 << 20) /* of a function in the test file; runs have their own limit */

typedef struct Paths { char **a; size_t n; } Paths;
typedef struct Job {
  Cli *cli;
  const char *path;   /* test file, or the database with --replay-db */
  const Paths *flows; /* --replay-db: files that may be flows; those named on the command line first */
  size_t named;
  size_t from;        /* first case to run */
} Job;

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), k = strlen(end);
  return n > k && !strcmp(s + n - k, end);
}

/* --- finding files ---------------------------------------------------------------------------------------------------------- */
static void add_path(Paths *p, const char *path) {
  p->a = mem_raw_grow(p->a, (p->n + 1) * sizeof *p->a);
  p->a[p->n++] = mem_raw_copy(path);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_dir(const char *path) {
  struct stat st;
  return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool is_test(const char *name) { return ends_with(name, ".test.edn"); }
static bool is_flow(const char *name) { return ends_with(name, ".edn") && !is_test(name); }

/* Files below a folder, hidden ones left out, in the order of their names. */
static bool walk(Paths *out, const char *dir, bool (*wanted)(const char *name), int depth) {
  DIR *d = opendir(dir);
  Paths names = {0};
  bool ok = d != NULL;
  for (struct dirent *e; d && (e = readdir(d));)
    if (e->d_name[0] != '.') add_path(&names, e->d_name);
  if (d) closedir(d);
  if (names.n) qsort(names.a, names.n, sizeof *names.a, by_name);
  for (size_t i = 0; i < names.n; i++) {
    Buf path = {0};
    buf_fmt(&path, "%s%s%s", strcmp(dir, ".") ? dir : "", strcmp(dir, ".") ? "/" : "", names.a[i]);
    if (depth < 32 && is_dir(buf_cstr(&path))) ok = walk(out, buf_cstr(&path), wanted, depth + 1) && ok;
    else if (wanted(names.a[i])) add_path(out, buf_cstr(&path));
    buf_free(&path);
    free(names.a[i]);
  }
  free(names.a);
  return ok;
}

static char *plain_dir(const char *arg) {
  char *s = mem_raw_copy(arg);
  for (size_t n = strlen(s); n > 1 && s[n - 1] == '/'; n--) s[n - 1] = 0;
  return s;
}

static void test_of_flow(const char *flow, Buf *b) { buf_fmt(b, "%.*s.test.edn", (int)(strlen(flow) - 4), flow); }

/* One argument to test files. 0, or an exit status. */
static int find_tests(Cli *cli, Paths *out, const char *arg) {
  if (is_dir(arg)) {
    char *dir = plain_dir(arg);
    size_t before = out->n;
    bool ok = walk(out, dir, is_test, 0);
    free(dir);
    if (!ok) return cli_usage(cli, "cannot read %s: %s", arg, strerror(errno));
    return out->n > before ? 0 : cli_usage(cli, "there is no *.test.edn below %s", arg);
  }
  if (access(arg, R_OK)) return cli_usage(cli, "cannot read %s: %s", arg, strerror(errno));
  Buf beside = {0};
  int status = 0;
  if (is_test(arg)) add_path(out, arg);
  else if (!is_flow(arg)) status = cli_usage(cli, "%s is no test file: their names end in .test.edn", arg);
  else {
    test_of_flow(arg, &beside);
    if (!access(buf_cstr(&beside), R_OK) || cli->record) add_path(out, buf_cstr(&beside));
    else
      status = cli_usage(cli, "%s has no test file %s; `breyta-run test %s --record --input JSON` begins one", arg, buf_cstr(&beside), arg);
  }
  buf_free(&beside);
  return status;
}

/* --- the child -------------------------------------------------------------------------------------------------------------- */
static void tell(int fd, char what, const void *p, size_t n) {
  uint32_t len = (uint32_t)n;
  char head[1 + sizeof len] = {what};
  memcpy(head + 1, &len, sizeof len);
  if (!cli_write_all(fd, head, sizeof head) || !cli_write_all(fd, p ? p : "", n)) _exit(EXIT_PIPE);
}

static void tell_start(int fd, size_t i, const char *name) {
  Buf b = {0};
  buf_add(&b, (char *)&i, sizeof i);
  buf_c(&b, name);
  tell(fd, 's', b.p, b.n);
  buf_free(&b);
}

static void tell_result(int fd, TestResult *r, int64_t us) {
  Buf b = {0};
  int64_t n[] = {r->verdict, us, r->virtual_ms};
  buf_add(&b, (char *)n, sizeof n);
  buf_c(&b, buf_cstr(&r->text));
  buf_ch(&b, 0);
  buf_c(&b, buf_cstr(&r->note));
  buf_ch(&b, 0);
  tell(fd, 'r', b.p, b.n);
  buf_free(&b);
  test_result_free(r);
}

static bool wanted(const Cli *cli, const char *name) { return !cli->filter || strstr(name, cli->filter); }

/* How the last recorded one ended, or nil. */
static Val run_cases(const Job *job, const TestFile *f, const TestOptions *o, int fd) {
  Val end = NIL;
  for (size_t i = job->from; i < flowtest_count(f); i++) {
    TestResult r;
    if (!wanted(job->cli, flowtest_name(f, i))) continue;
    tell_start(fd, i, flowtest_name(f, i));
    int64_t us = mono_us();
    flowtest_run(f, i, o, &r);
    end = r.expect;
    tell_result(fd, &r, mono_us() - us);
  }
  return end;
}

static bool read_text(const char *path, Buf *b) {
  if (!cli_read_file(path, b)) return false;
  buf_cstr(b);
  return true;
}

/* The test file of a flow that has none: written before its one case is recorded and, since then its end is known, again. */
static void write_skeleton(const Job *job, Val expect) {
  Buf flow = {0}, text = {0}, out = {0}, names = {0};
  Diags d = {0};
  const char *slash = strrchr(job->path, '/'), *base = slash ? slash + 1 : job->path;
  int stem = (int)(strlen(base) - strlen(".test.edn"));
  buf_fmt(&flow, "%.*s.edn", (int)(strlen(job->path) - strlen(".test.edn")), job->path);
  FlowDef *f = read_text(buf_cstr(&flow), &text) ? flowdef_read_file(buf_cstr(&text), text.n, buf_cstr(&flow), &d) : NULL;
  diags_print(&d, buf_cstr(&flow), &out);
  if (!f) {
    fputs(buf_cstr(&out), stderr);
    _exit(EXIT_USAGE);
  }
  out.n = 0;
  buf_fmt(&names, "%.*s.edn%c%.*s.recorded.edn", stem, base, 0, stem, base);
  flowtest_skeleton(f, buf_cstr(&names), buf_cstr(&names) + strlen(buf_cstr(&names)) + 1, expect, &out);
  FILE *file = fopen(job->path, "wb");
  if (!file || fwrite(out.p, 1, out.n, file) != out.n || fclose(file)) {
    cli_say("cannot write %s: %s", job->path, strerror(errno));
    _exit(EXIT_USAGE);
  }
  diags_free(&d);
  buf_free(&flow);
  buf_free(&text);
  buf_free(&out);
  buf_free(&names);
}

static Val any_end(void) {
  Val kv[] = {kw_c("status"), kw_c("completed")};
  return map_from(kv, 1, false);
}

/* What recording uses for real: what the file binds, then what the database has stored, when there is one. */
static bool recording_target(Cli *cli, TestOptions *o) {
  static ConnPlace place; /* of this process, which ends with its test */
  Err err = {0};
  if (cli->connections && !(o->target = target_load(cli->connections, &err))) return cli_usage(cli, "--connections %s", err.msg), false;
  if (!cli->record || access(cli->db, F_OK)) return true;
  Store *s = cli_store(cli, (StoreOptions){.read_only = true});
  if (!s) return false;
  place = (ConnPlace){s, {vault_new(s, cli->secrets_key), cli->workspace}, cli->workspace, "draft"};
  o->target = target_from_store(o->target, &place);
  return true;
}

static void test_child(const Job *job, int fd) {
  Cli *cli = job->cli;
  TestOptions o = {.record = cli->record, .input = ABSENT};
  Diags d = {0};
  Buf text = {0}, out = {0};
  if (!recording_target(cli, &o)) _exit(EXIT_USAGE);
  if (cli->input && !cli_json(cli, "--input", cli->input, &o.input)) _exit(EXIT_USAGE);
  bool new_file = cli->record && access(job->path, F_OK);
  if (new_file) write_skeleton(job, any_end());
  if (!read_text(job->path, &text)) {
    buf_fmt(&out, "%s: cannot be read: %s\n", job->path, strerror(errno));
    tell(fd, 'x', out.p, out.n);
    return;
  }
  TestFile *f = flowtest_read(buf_cstr(&text), text.n, job->path, true, &d, &out);
  diags_print(&d, job->path, &out);
  if (!f) tell(fd, 'x', out.p, out.n);
  else if (out.n && !job->from) tell(fd, 'd', out.p, out.n);
  diags_free(&d);
  Val end = f ? run_cases(job, f, &o, fd) : NIL;
  if (new_file && is_map(end)) write_skeleton(job, end);
}

/* --- the child of --replay-db ----------------------------------------------------------------------------------------------- */
typedef struct Flows { FlowDef **a; size_t n; } Flows;

/* In a folder anything may lie about; a file that was named must be a flow. */
static void read_flows(const Job *job, Flows *flows, Buf *bad) {
  flows->a = mem_alloc((job->flows->n + 1) * sizeof *flows->a);
  for (size_t i = 0; i < job->flows->n; i++) {
    Buf text = {0};
    Diags d = {0};
    const char *path = job->flows->a[i];
    if (read_text(path, &text) && (i < job->named || strstr(buf_cstr(&text), ":slug"))) {
      FlowDef *f = flowdef_read_file(buf_cstr(&text), text.n, path, &d);
      if (f) flows->a[flows->n++] = f;
      else if (i < job->named) diags_print(&d, path, bad);
    }
    diags_free(&d);
    buf_free(&text);
  }
}

static const FlowDef *flow_of(const Flows *flows, const char *slug) {
  for (size_t i = 0; i < flows->n; i++)
    if (!strcmp(flows->a[i]->slug, slug ? slug : "")) return flows->a[i];
  return NULL;
}

static void replay_one(Engine *e, const Flows *flows, const RunRow *row, size_t i, int fd) {
  TestResult r = {.verdict = TEST_SKIPPED};
  const FlowDef *f = flow_of(flows, row->slug);
  tell_start(fd, i, row->run_id);
  int64_t us = mono_us();
  if (f) flowtest_replay(e, row, f, &r);
  else buf_fmt(&r.text, "no flow with the slug :%s was given", row->slug ? row->slug : "?");
  tell_result(fd, &r, mono_us() - us);
}

static void replay_runs(const Job *job, Store *s, const Flows *flows, int fd) {
  Err err = {0};
  RunRow rows[64];
  size_t n, i = 0;
  int64_t after = 0;
  Engine *e = engine_new(s, &(EngineOptions){.workspace = job->cli->workspace}, &err);
  do {
    n = store_runs(s, after, 0, rows, 64, &err);
    for (size_t k = 0; k < n; k++, i++) {
      after = rows[k].run;
      if (i >= job->from && wanted(job->cli, rows[k].run_id)) replay_one(e, flows, &rows[k], i, fd);
      run_row_free(&rows[k]);
    }
  } while (n == 64);
  if (err.code) {
    Buf b = {0};
    buf_fmt(&b, "%s: %s [%s]\n", job->path, err.msg, err.code);
    tell(fd, 'x', b.p, b.n);
    buf_free(&b);
  }
  engine_free(e);
}

static void replay_child(const Job *job, int fd) {
  Flows flows = {0};
  Buf bad = {0};
  Err err = {0};
  read_flows(job, &flows, &bad);
  Store *s = store_open(job->path, &(StoreOptions){.read_only = true}, &err);
  if (!s) buf_fmt(&bad, "%s: %s [%s]\n", job->path, err.msg, err.code);
  if (bad.n) tell(fd, 'x', bad.p, bad.n);
  else replay_runs(job, s, &flows, fd);
  if (s) store_close(s);
  buf_free(&bad);
}

static _Noreturn void child_main(const Job *job, int fd) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  struct rlimit lim;
  if (!getrlimit(RLIMIT_AS, &lim) && (lim.rlim_cur == RLIM_INFINITY || lim.rlim_cur > CHILD_ADDRESS_SPACE)) {
    lim.rlim_cur = CHILD_ADDRESS_SPACE;
    setrlimit(RLIMIT_AS, &lim);
  }
#endif
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  mach_defaults.mem_limit = CHILD_FUNCTION_BYTES;
  cli_engine_values();
  if (job->cli->replay_db) replay_child(job, fd);
  else test_child(job, fd);
  tell(fd, 'e', NULL, 0);
  _exit(EXIT_OK);
}

/* --- the parent ------------------------------------------------------------------------------------------------------------- */
typedef struct Child {
  pid_t pid;
  int fd;
  Buf got;
  size_t taken;
  /* the case that runs */
  bool running, ended, invalid;
  size_t at;
  char *name;
  int64_t since_us;
} Child;

static bool child_start(Child *c, const Job *job) {
  int out[2];
  *c = (Child){0};
  if (pipe(out)) return false;
  fflush(NULL);
  if ((c->pid = fork()) < 0) return false;
  if (c->pid == 0) {
    close(out[0]);
    child_main(job, out[1]);
  }
  close(out[1]);
  c->fd = out[0];
  c->since_us = mono_us();
  return true;
}

static int child_end(Child *c, bool now) {
  int status = 0;
  if (now) kill(c->pid, SIGKILL);
  close(c->fd);
  while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) continue;
  buf_free(&c->got);
  free(c->name);
  c->name = NULL;
  return status;
}

static void result(Child *c, Report *r, const char *p) {
  int64_t n[3];
  memcpy(n, p, sizeof n);
  const char *text = p + sizeof n;
  report_case(r, &(ReportCase){c->name, (enum ReportVerdict)n[0], n[1], n[2], text, text + strlen(text) + 1});
  c->running = false;
  c->since_us = mono_us();
}

static void message(Child *c, Report *r, char what, const char *p, size_t n) {
  Buf text = {0};
  switch (what) {
  case 's':
    memcpy(&c->at, p, sizeof c->at);
    buf_add(&text, p + sizeof c->at, n - sizeof c->at);
    free(c->name);
    c->name = mem_raw_copy(buf_cstr(&text));
    c->running = true;
    c->since_us = mono_us();
    break;
  case 'r': result(c, r, p); break;
  case 'x':
    buf_add(&text, p, n);
    fputs(buf_cstr(&text), stderr);
    report_invalid(r, buf_cstr(&text));
    c->invalid = true;
    break;
  case 'd': fwrite(p, 1, n, stderr); break;
  default: c->ended = true; break;
  }
  buf_free(&text);
}

/* The messages that have come, one by one while `more` cases are wanted. */
static void take_messages(Child *c, Report *r, bool fail_fast) {
  uint32_t n;
  const size_t head = 1 + sizeof n;
  while (c->got.n - c->taken >= head && !(fail_fast && report_failures(r))) {
    const char *p = c->got.p + c->taken;
    memcpy(&n, p + 1, sizeof n);
    if (c->got.n - c->taken < head + n) return;
    c->taken += head + n;
    message(c, r, *p, p + head, n);
  }
}

/* Until the child has ended or is too slow. true: it is gone by itself. */
static bool listen_to(Child *c, Report *r, int64_t limit_ms, bool fail_fast) {
  for (;;) {
    int64_t left = limit_ms - (mono_us() - c->since_us) / 1000;
    if (left <= 0) return false;
    struct pollfd p = {c->fd, POLLIN, 0};
    int k = poll(&p, 1, left > 60000 ? 60000 : (int)left);
    if (k < 0 && errno != EINTR) return true;
    if (k <= 0) continue;
    char chunk[65536];
    ssize_t n = read(c->fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    buf_add(&c->got, chunk, (size_t)n);
    take_messages(c, r, fail_fast);
    if (fail_fast && report_failures(r)) return false;
  }
}

static void death_text(Buf *b, bool gone, int status, int64_t limit_ms) {
  if (!gone) {
    buf_c(b, "it took longer than ");
    buf_fmt(b, "%llds", (long long)(limit_ms / 1000));
    buf_c(b, "\n  an endless loop, or raise --time-limit\n");
  } else if (WIFSIGNALED(status)) {
    buf_fmt(b, "its process died of signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
  } else {
    buf_fmt(b, "its process ended with status %d%s\n", WEXITSTATUS(status), WEXITSTATUS(status) == 70 ? ": out of memory" : "");
  }
}

/* What a child that did not say its end leaves behind. */
static void lost(Child *c, Report *r, const char *name, bool gone, int status, int64_t limit_ms) {
  Buf b = {0};
  death_text(&b, gone, status, limit_ms);
  report_case(r, &(ReportCase){name ? name : "reading the file", REPORT_BROKEN, mono_us() - c->since_us, 0, buf_cstr(&b), ""});
  buf_free(&b);
}

/* All cases of one file. false: stop here, *status says why when it is not 0. */
static bool run_job(Job *job, Report *r, int64_t limit_ms, int *status) {
  bool fail_fast = job->cli->fail_fast;
  for (;;) {
    Child c;
    if (!child_start(&c, job)) {
      cli_say("cannot start a process: %s", strerror(errno));
      *status = EXIT_FAILED;
      return false;
    }
    bool gone = listen_to(&c, r, limit_ms, fail_fast), ended = c.ended, running = c.running, enough = fail_fast && report_failures(r);
    char *name = running ? mem_raw_copy(c.name) : NULL;
    int st = child_end(&c, !gone);
    if (enough) return free(name), false;
    if (!ended && gone && !running && WIFEXITED(st) && WEXITSTATUS(st) == EXIT_USAGE) {
      *status = EXIT_USAGE;
      return false;
    }
    if (!ended) lost(&c, r, name, gone, st, limit_ms);
    free(name);
    if (ended || !running) return !(fail_fast && report_failures(r));
    job->from = c.at + 1;
  }
}

/* --- the command ------------------------------------------------------------------------------------------------------------ */
static int bad_options(Cli *cli, int *format, int64_t *limit_ms) {
  char *end;
  const char *limit = cli->time_limit;
  for (*format = 0; report_formats[*format] && strcmp(report_formats[*format], cli->report); ++*format) continue;
  if (!report_formats[*format]) return cli_usage(cli, "--format is text, tap, junit or json, not %s", cli->report);
  *limit_ms = strtol(limit, &end, 10) * 1000;
  if (*end || *limit_ms < 1000 || *limit_ms > 86400000) return cli_usage(cli, "--time-limit is a number of seconds, not %s", limit);
  if (cli->input && !cli->record) return cli_usage(cli, "--input goes with --record; a case has its own :input");
  if (cli->connections && !cli->record) return cli_usage(cli, "--connections goes with --record; a case has its own :connections");
  if (cli->record && cli->replay_db) return cli_usage(cli, "--record and --replay-db exclude each other");
  if (cli->replay_db && !cli->args.n)
    return cli_usage(cli, "--replay-db needs the flows to compare with: breyta-run test --replay-db FILE FLOW.edn|FOLDER ...");
  return 0;
}

static int test_files(Cli *cli, Report *r, int64_t limit_ms, const Paths *files) {
  int status = 0;
  for (size_t i = 0; i < files->n; i++) {
    report_file(r, files->a[i]);
    if (!run_job(&(Job){.cli = cli, .path = files->a[i]}, r, limit_ms, &status)) break;
  }
  return status;
}

static int find_flows(Cli *cli, Paths *flows, size_t *named) {
  for (int i = 0; i < cli->args.n; i++)
    if (!is_dir(cli->args.a[i])) {
      if (access(cli->args.a[i], R_OK)) return cli_usage(cli, "cannot read %s: %s", cli->args.a[i], strerror(errno));
      add_path(flows, cli->args.a[i]);
    }
  *named = flows->n;
  for (int i = 0; i < cli->args.n; i++)
    if (is_dir(cli->args.a[i])) {
      char *dir = plain_dir(cli->args.a[i]);
      walk(flows, dir, is_flow, 0);
      free(dir);
    }
  return 0;
}

static void paths_free(Paths *p) {
  for (size_t i = 0; i < p->n; i++) free(p->a[i]);
  free(p->a);
}

int cmd_test(Cli *cli) {
  static const char *const here[] = {"."};
  int format, status = 0;
  int64_t limit_ms = 0;
  Paths paths = {0};
  size_t named = 0;
  if (!cli->args.n && !cli->replay_db) cli->args = (CliList){(const char **)(uintptr_t)here, 1};
  if ((status = bad_options(cli, &format, &limit_ms))) return status;
  if (cli->replay_db) status = find_flows(cli, &paths, &named);
  for (int i = 0; i < cli->args.n && !status && !cli->replay_db; i++) status = find_tests(cli, &paths, cli->args.a[i]);
  if (status) return paths_free(&paths), status;
  const char *term = getenv("TERM");
  bool colour = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") && !getenv("NO_COLOR");
  Report *r = report_new((enum ReportFormat)format, colour);
  if (cli->replay_db) {
    report_file(r, cli->replay_db);
    run_job(&(Job){.cli = cli, .path = cli->replay_db, .flows = &paths, .named = named}, r, limit_ms, &status);
  } else {
    status = test_files(cli, r, limit_ms, &paths);
  }
  int cases = report_cases(r), worst = report_end(r);
  paths_free(&paths);
  if (!status && !worst && !cases && cli->filter) return cli_usage(cli, "--filter %s: no case has that in its name", cli->filter);
  return status ? status : worst;
}
