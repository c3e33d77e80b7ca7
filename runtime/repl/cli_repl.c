/* cli_repl.c - `breyta-run repl`: the session at a terminal, or fed by a pipe. */
#include "runtime/cli/cli.h"
#include "cli_nrepl.h"
#include "reader/mem.h"
#include "repl_color.h"
#include "repl_ext.h"
#include "repl_term.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* --- what both print ------------------------------------------------------------------------------------------------------------------ */
typedef struct Repl {
  ReplSession *s;
  ReplTerm *term;    /* NULL: a pipe */
  bool colour, colour_err;
  bool mid_line;     /* the last thing on standard output did not end its line */
  bool failed;
  Buf pending;       /* pipe: read from standard input and not yet evaluated */
  char *line;
  size_t line_cap;
  int line_no;       /* pipe: of the first line of pending */
} Repl;

static void print_out(void *ctx, ReplStream to, const char *s, size_t n) {
  Repl *r = ctx;
  if (to == REPL_ERR) {
    cli_out_flush();
    fwrite(s, 1, n, stderr);
    return;
  }
  cli_out(s, n);
  if (r->term) cli_out_flush();
  r->mid_line = s[n - 1] != '\n';
}

static void fresh_line(Repl *r) {
  if (r->mid_line && r->term) cli_out("\n", 1);
  r->mid_line = false;
}

static void print_value(void *ctx, Val v, const char *text, size_t n, const char *ns) {
  Repl *r = ctx;
  Buf b = {0};
  (void)v, (void)ns;
  fresh_line(r);
  if (r->colour) repl_color(&b, text, n);
  else buf_add(&b, text, n);
  buf_ch(&b, '\n');
  cli_out(b.p, b.n);
  buf_free(&b);
}

static void print_error(void *ctx, const ReplError *e) {
  Repl *r = ctx;
  r->failed = true;
  r->mid_line |= e->interrupted; /* the terminal shows ^C */
  fresh_line(r);
  cli_out_flush();
  size_t first = strcspn(e->text, "\n");
  const char *on = r->colour_err ? "\033[31m" : "", *off = r->colour_err ? "\033[0m" : "";
  fprintf(stderr, "%s%.*s%s%s", on, (int)first, e->text, off, e->text + first);
  bool told = e->nframes || e->interrupted || e->phase == REPL_READ;
  if (!told && e->line) fprintf(stderr, "  at %s:%d:%d\n", e->file ? e->file : "REPL", e->line, e->col);
}

/* --- the pipe ------------------------------------------------------------------------------------------------------------------------- */
static bool next_line(Repl *r) {
  ssize_t n = getline(&r->line, &r->line_cap, stdin);
  if (n <= 0) return false;
  buf_add(&r->pending, r->line, (size_t)n);
  return true;
}

static void take(Repl *r, size_t n) {
  for (size_t i = 0; i < n; i++) r->line_no += r->pending.p[i] == '\n';
  memmove(r->pending.p, r->pending.p + n, r->pending.n - n);
  r->pending.n -= n;
}

/* read-line takes what stands behind the form that is evaluated. */
static bool pipe_line(void *ctx, Buf *line) {
  Repl *r = ctx;
  cli_out_flush();
  if (!r->pending.n && !next_line(r)) return false;
  r->line_no++;
  return buf_take_line(&r->pending, line, true);
}

/* Evaluates the first n bytes that are pending; they are taken away before, with the rest of a line that is blank. */
static void pipe_eval(Repl *r, size_t n) {
  ReplCallbacks cb = {r, print_out, print_value, print_error, pipe_line, NULL};
  Buf text = {0};
  ReplSource src = {.file = "<stdin>", .line = r->line_no};
  buf_add(&text, r->pending.p, n);
  size_t end = n;
  while (end < r->pending.n && strchr(" \t\r,", r->pending.p[end]) && r->pending.p[end]) end++;
  if (end == r->pending.n || r->pending.p[end] == '\n') n = end + (end < r->pending.n);
  take(r, n);
  src.text = buf_cstr(&text);
  src.n = text.n;
  repl_eval(r->s, &src, &cb);
  repl_take_input(r->s, &r->pending);
  cli_out_flush();
  buf_free(&text);
}

/* Cheap look at a growing text: are brackets or a string open for sure? Then the reader need not be asked at every line. */
typedef struct Scan { size_t at; long depth; bool string; } Scan;
static bool surely_open(Scan *s, const Buf *b) {
  for (; s->at < b->n; s->at++) {
    char c = b->p[s->at];
    if (c == '\\') s->at++;
    else if (c == '"') s->string = !s->string;
    else if (s->string) continue;
    else if (c == ';') while (s->at + 1 < b->n && b->p[s->at + 1] != '\n') s->at++;
    else if (strchr("([{", c) && c) s->depth++;
    else if (strchr(")]}", c) && c) s->depth--;
  }
  return s->string || s->depth > 0;
}

static int pipe_loop(Repl *r) {
  Scan scan = {0};
  for (;;) {
    ReplCheck c = {.form = REPL_EMPTY};
    if (r->pending.n && !surely_open(&scan, &r->pending)) repl_check(r->s, r->pending.p, r->pending.n, &c);
    if (c.first_end || c.form == REPL_BAD) {
      pipe_eval(r, c.first_end ? c.first_end : r->pending.n);
      scan = (Scan){0};
    } else if (!next_line(r)) {
      break;
    }
  }
  if (r->pending.n) pipe_eval(r, r->pending.n); /* an open form: the reader says what is missing */
  return r->failed ? EXIT_FAILED : EXIT_OK;
}

/* --- the terminal ---------------------------------------------------------------------------------------------------------------------- */
static ReplSession *on_terminal;
static volatile sig_atomic_t interrupts;

/* When the evaluation goes on for a second after Ctrl-C it is in C code which counts no fuel: another one says so, and the next
 * ends the program. */
static void on_interrupt(int sig) {
  static const char waits[] = "\nbreyta-run: the evaluation does not stop; Ctrl-C again ends the REPL\n";
  static int64_t first_us;
  (void)sig;
  if (!repl_evaluating(on_terminal)) return;
  repl_interrupt(on_terminal);
  if (!interrupts) first_us = mono_us();
  if (interrupts == 2) _exit(130);
  if (interrupts && mono_us() - first_us < 1000000) return;
  interrupts = interrupts + 1;
  if (interrupts == 2 && write(STDERR_FILENO, waits, sizeof waits - 1) < 0) _exit(130);
}

static bool terminal_line(void *ctx, Buf *line) {
  Repl *r = ctx;
  cli_out_flush();
  r->mid_line = false;
  return repl_term_line(r->term, line);
}

static bool colour_on(int fd) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(fd) && !(no && *no) && term && *term && strcmp(term, "dumb");
}

static void terminal_eval(Repl *r, const Buf *text) {
  ReplCallbacks cb = {r, print_out, print_value, print_error, terminal_line, NULL};
  interrupts = 0;
  repl_eval(r->s, &(ReplSource){.text = text->p, .n = text->n, .width = repl_term_width()}, &cb);
  fresh_line(r);
  cli_out_flush();
}

static int terminal_loop(Repl *r) {
  Buf text = {0}, prompt = {0};
  ReplTyped typed;
  do {
    prompt.n = 0;
    repl_ns(r->s, &prompt);
    buf_c(&prompt, "=>");
    typed = repl_term_read(r->term, buf_cstr(&prompt), &text);
    if (typed == REPL_TYPED && text.n) terminal_eval(r, &text);
  } while (typed != REPL_ENDED);
  cli_out("\n", 1);
  cli_out_flush();
  buf_free(&text);
  buf_free(&prompt);
  return EXIT_OK;
}

static int at_terminal(Repl *r) {
  Buf note = {0};
  struct sigaction act = {.sa_handler = on_interrupt}; /* without SA_RESTART: read-line returns */
  r->colour = colour_on(STDOUT_FILENO);
  r->colour_err = colour_on(STDERR_FILENO);
  on_terminal = r->s;
  sigaction(SIGINT, &act, NULL);
  r->term = repl_term_open(r->s, r->colour, &note);
  printf("breyta-run " BREYTA_VERSION ", (help) says what can be done\n");
  if (note.n) fputs(buf_cstr(&note), stderr);
  int status = terminal_loop(r);
  repl_term_close(r->term);
  buf_free(&note);
  return status;
}

/* --- the command ----------------------------------------------------------------------------------------------------------------------- */
static int open_flow(Repl *r, const Cli *cli, const char *path) {
  for (size_t i = 0; repl_extensions[i]; i++)
    if (repl_extensions[i]->open) return repl_extensions[i]->open(r->s, cli, path);
  return EXIT_OK;
}

/* FLOW.edn is opened by the extension that knows flows, anything else is a Clojure file that is evaluated first. */
static int open_file(Repl *r, const Cli *cli, const char *path) {
  size_t n = strlen(path);
  bool flow = n > 4 && !strcmp(path + n - 4, ".edn");
  int status = open_flow(r, cli, flow ? path : NULL);
  if (flow || status) return status;
  Buf text = {0};
  if (!cli_read_file(path, &text)) return cli_usage(cli, "cannot read %s: %s", path, strerror(errno));
  ReplCallbacks cb = {r, print_out, NULL, print_error, pipe_line, NULL};
  ReplResult done = repl_eval(r->s, &(ReplSource){.text = buf_cstr(&text), .n = text.n, .file = path, .width = -1}, &cb);
  cli_out_flush();
  buf_free(&text);
  return done == REPL_DONE ? EXIT_OK : EXIT_FAILED;
}

int cmd_repl(Cli *cli) {
  if (cli->args.n > 1) return cli_usage(cli, "repl takes one file, and there is also %s", cli->args.a[1]);
  repl_init();
  Repl r = {.s = repl_new(), .line_no = 1};
  int status = cli->args.n ? open_file(&r, cli, cli->args.a[0]) : open_flow(&r, cli, NULL);
  if (status) return status;
  bool terminal = isatty(STDIN_FILENO);
  if (cli->nrepl) status = cli_nrepl_start(cli, cli->nrepl, r.s, terminal);
  if (status) return status;
  status = terminal ? at_terminal(&r) : cli->nrepl ? 128 + cli_nrepl_serve() : pipe_loop(&r);
  cli_nrepl_stop();
  repl_free(r.s);
  buf_free(&r.pending);
  free(r.line);
  return status;
}
