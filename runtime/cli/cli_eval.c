/* cli_eval.c - `breyta-run eval`: expressions, files, and the batch protocol of tests/conformance/README.md.
 *
 * The batch is evaluated in a child process: the parent hands over line by line and answers itself for a line that took the
 * child down (memory gone, C stack overflow) or took too long inside one C call, where no fuel is counted. Then a new child
 * goes on. So the process survives any expression. The parent never builds a value, which keeps fork safe. */
#include "cli.h"
#include "eval/unit.h"
#include "reader/read.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH_FUEL 100000000
#define BATCH_MEM ((uint64_t)512 << 20)
#define BATCH_FRAMES 10000
#define BATCH_ADDRESS_SPACE ((rlim_t)3 << 30)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BATCH_SECONDS 60
#else
#define BATCH_SECONDS 4
#endif

static void out_stdout(Mach *m, const char *s, size_t n) {
  (void)m;
  cli_out(s, n);
}

static void out_stderr(Mach *m, const char *s, size_t n) {
  (void)m;
  cli_out_flush();
  fwrite(s, 1, n, stderr);
}

static Val in_stdin(Mach *m) {
  static char *line;
  static size_t cap;
  (void)m;
  cli_out_flush();
  ssize_t n = getline(&line, &cap, stdin);
  return n < 0 ? NIL : str_new(line, (size_t)n - (line[n - 1] == '\n'));
}

static void add_aliases(Env *e) {
  static const char *const aliases[][2] = {
      {"str", "clojure.string"}, {"string", "clojure.string"}, {"set", "clojure.set"}, {"walk", "clojure.walk"}, {"edn", "clojure.edn"}};
  Ns *ns = AS(Ns, e->cur_ns);
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    ns->aliases = map_assoc(ns->aliases, sym_c(aliases[i][0]), sym_c(aliases[i][1]));
}

Val cli_pr(Env *env, Val v, Buf *b) {
  const Builtin *pr = builtin_find("clojure.core/pr-str");
  TRY(text, mach_call_sync(env, pr->self, &v, 1));
  buf_add(b, str_s(text), str_n(text));
  return NIL;
}

/* --- -e and files --------------------------------------------------------------------------------------------------------------- */
static bool eval_print(Env *e, const char *src) {
  Reader r;
  read_init(&r, src, strlen(src), "-e");
  for (;;) {
    env_reader(e, &r);
    Val form = read_next(&r);
    if (same(form, ABSENT)) return true;
    Buf b = {0};
    Val v = is_sig(form) ? form : env_eval_at(e, form, "-e");
    if (!is_sig(v)) v = cli_pr(e, v, &b);
    buf_ch(&b, '\n');
    if (!is_sig(v)) cli_out(b.p, b.n);
    buf_free(&b);
    if (is_sig(v)) return false;
  }
}

static int eval_exprs(Cli *cli) {
  Env *e = env_new();
  add_aliases(e);
  for (int i = 0; i < cli->expr.n; i++) {
    if (eval_print(e, cli->expr.a[i])) continue;
    cli_out_flush();
    cli_say_exception(pend.ex);
    return EXIT_FAILED;
  }
  cli_out_flush();
  return EXIT_OK;
}

static int eval_file(Cli *cli, const char *path) {
  Buf b = {0};
  if (!cli_read_file(path, &b)) return cli_usage(cli, "cannot read %s: %s", path, strerror(errno));
  Val v = env_eval_text(env_new(), buf_cstr(&b), b.n, path);
  cli_out_flush();
  if (!is_sig(v)) return EXIT_OK;
  cli_say_exception(pend.ex);
  return EXIT_FAILED;
}

/* --- batch: the child --------------------------------------------------------------------------------------------------------------- */
static Val eval_line(Env *e, const char *s, size_t n, Buf *b) {
  Reader r;
  read_init(&r, s, n, NULL);
  env_reader(e, &r);
  TRY(form, read_next(&r));
  if (same(form, ABSENT)) return ex_throw_kind(EXC_RUNTIME, KIND_READER, "EOF while reading: the line has no form");
  TRY(more, read_next(&r));
  if (!same(more, ABSENT)) return ex_throw_kind(EXC_RUNTIME, KIND_READER, "the line has more than one form");
  TRY(v, env_eval(e, form));
  return cli_pr(e, v, b);
}

static void error_line(Env *e, Val x, Buf *b) {
  const Ex *ex = AS(Ex, x);
  Buf data = {0};
  b->n = 0;
  buf_fmt(b, "#error {:kind :%s, :message ", kind_name(ex->kind));
  if (is_sig(cli_pr(e, ex->msg, b))) buf_c(b, "nil");
  if (ex->kind == KIND_EX_INFO && !is_sig(cli_pr(e, ex->data, &data))) {
    buf_c(b, ", :data ");
    buf_add(b, data.p, data.n);
  }
  buf_free(&data);
  if (getenv("BREYTA_BATCH_CLASS")) buf_fmt(b, ", :class \"%s\"", exc_class_name((enum Exc)ex->cls)); /* tests/compat asks for it */
  buf_ch(b, '}');
}

static void batch_line(const char *s, size_t n, Buf *b) {
  Env *e = env_new();
  add_aliases(e);
  if (is_sig(eval_line(e, s, n, b))) error_line(e, pend.ex, b);
  for (size_t i = 0; i < b->n; i++) /* names made at run time may hold line ends */
    if (b->p[i] == '\n' || b->p[i] == '\r') b->p[i] = ' ';
  buf_ch(b, '\n');
}

static _Noreturn void batch_child(int in, int out) {
  struct rlimit lim;
  if (!getrlimit(RLIMIT_AS, &lim) && (lim.rlim_cur == RLIM_INFINITY || lim.rlim_cur > BATCH_ADDRESS_SPACE)) {
    lim.rlim_cur = BATCH_ADDRESS_SPACE;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    setrlimit(RLIMIT_AS, &lim);
#endif
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGINT, SIG_DFL); /* the parent says it */
  FILE *lines = fdopen(in, "r"); /* not stdin: its buffer holds what the parent has read ahead */
  if (!lines || dup2(out, 1) < 0) _exit(EXIT_FAILED);
  close(0);
  close(out);
  mach_defaults = (MachDefaults){.fuel_limit = BATCH_FUEL, .mem_limit = BATCH_MEM, .max_frames = BATCH_FRAMES};
  cli_values();
  char *line = NULL;
  size_t cap = 0;
  ssize_t n;
  while ((n = getline(&line, &cap, lines)) >= 0) {
    Buf b = {0};
    if (n && line[n - 1] == '\n') n--;
    batch_line(line, (size_t)n, &b);
    if (!cli_write_all(1, b.p, b.n)) _exit(EXIT_PIPE);
    buf_free(&b);
  }
  _exit(EXIT_OK);
}

/* --- batch: the parent -------------------------------------------------------------------------------------------------------------- */
typedef struct Child { pid_t pid; int in, out; Buf got; } Child;

static bool child_start(Child *c) {
  int in[2], out[2];
  if (pipe(in) || pipe(out)) return false;
  c->pid = fork();
  if (c->pid < 0) return false;
  if (c->pid == 0) {
    close(in[1]);
    close(out[0]);
    batch_child(in[0], out[1]);
  }
  close(in[0]);
  close(out[1]);
  *c = (Child){.pid = c->pid, .in = in[1], .out = out[0]};
  return true;
}

static int child_end(Child *c, bool now) {
  int status = 0;
  if (now) kill(c->pid, SIGKILL);
  close(c->in);
  close(c->out);
  while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) continue;
  buf_free(&c->got);
  c->pid = 0;
  return status;
}

/* One answer line into c->got. 1: there; 0: the child is gone; -1: it takes too long. */
static int child_answer(Child *c) {
  int64_t until = mono_us() + BATCH_SECONDS * 1000000LL;
  c->got.n = 0;
  for (;;) {
    int64_t left = (until - mono_us()) / 1000;
    if (left <= 0) return -1;
    struct pollfd p = {c->out, POLLIN, 0};
    int k = poll(&p, 1, (int)left);
    if (k < 0 && errno != EINTR) return 0;
    if (k <= 0) continue;
    char chunk[65536];
    ssize_t n = read(c->out, chunk, sizeof chunk);
    if (n <= 0) return 0;
    buf_add(&c->got, chunk, (size_t)n);
    if (chunk[n - 1] == '\n') return 1;
  }
}

static const char *verdict(int answer, int status) {
  if (answer < 0) return "#error {:kind :limit, :message \"the evaluation took too long\"}\n";
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) return "#error {:kind :stack, :message \"values are nested too deep\"}\n";
  return "#error {:kind :limit, :message \"the evaluation needs too much memory\"}\n";
}

static int batch(void) {
  Child c = {0};
  char *line = NULL;
  size_t cap = 0;
  ssize_t n;
  while ((n = getline(&line, &cap, stdin)) >= 0) {
    if (!c.pid && !child_start(&c)) {
      cli_say("cannot start an evaluator: %s", strerror(errno));
      return EXIT_FAILED;
    }
    bool sent = cli_write_all(c.in, line, (size_t)n) && (line[n - 1] == '\n' || cli_write_all(c.in, "\n", 1));
    int answer = sent ? child_answer(&c) : 0;
    if (answer == 1) {
      cli_out(c.got.p, c.got.n);
    } else {
      const char *why = verdict(answer, child_end(&c, answer < 0));
      cli_out(why, strlen(why));
    }
    cli_out_flush();
  }
  free(line);
  if (c.pid) child_end(&c, false);
  return EXIT_OK;
}

/* Ctrl-C. What was printed is out up to its last line at least where a person looks on: a terminal is written line by line. */
static void on_interrupt(int sig) {
  static const char said[] = "breyta-run: interrupted\n";
  if (write(STDERR_FILENO, said, sizeof said - 1) < 0) _exit(128 + sig);
  _exit(128 + sig);
}

int cmd_eval(Cli *cli) {
  if (cli->batch + (cli->expr.n > 0) + (cli->args.n > 0) != 1)
    return cli_usage(cli, "eval needs exactly one of -e EXPR, FILE.clj and --batch");
  if (cli->args.n > 1) return cli_usage(cli, "eval takes one file, and there is also %s", cli->args.a[1]);
  struct sigaction stop = {.sa_handler = on_interrupt}, was;
  if (!sigaction(SIGINT, NULL, &was) && was.sa_handler != SIG_IGN) sigaction(SIGINT, &stop, NULL);
  if (cli->batch) return batch();
  mach_defaults.out = out_stdout;
  mach_defaults.mem_limit = mem_share();
  mach_defaults.io = (MachIo){.err = out_stderr, .line = in_stdin};
  cli_values();
  return cli->expr.n ? eval_exprs(cli) : eval_file(cli, cli->args.a[0]);
}
