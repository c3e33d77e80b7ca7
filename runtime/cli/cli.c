/* cli.c - see cli.h: the option parser, dispatch, and what all commands use to talk. */
#include "cli.h"
#include "eval/expand.h"
#include "eval/introspect.h"
#include "eval/unit.h"
#include "runtime/flow/flow_tables.h"
#include "runtime/base/limits.h"
#include "reader/mem.h"
#include "stdlib/stdlib.h"
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define CLI_CMD_ROW(id, name, args, summary, text) {name, args, summary, text, cmd_##id},
#define CLI_OPT_ROW(kind, id, letter, name, arg, dflt, cmds, help) {CLI_##kind, letter, name, arg, dflt, cmds, help, offsetof(Cli, id)},
const CliCommand cli_commands[CMD_COUNT] = {CLI_COMMANDS(CLI_CMD_ROW)};
const CliOption cli_options[OPT_COUNT] = {CLI_OPTIONS(CLI_OPT_ROW)};

_Static_assert(OPT_COUNT <= 64 && CMD_COUNT <= 64, "Cli.given and CliOption.cmds have a bit for each");

/* --- talking --------------------------------------------------------------------------------------------------------------------- */
static void say(const char *fmt, va_list ap) {
  char msg[2048];
  vsnprintf(msg, sizeof msg, fmt, ap);
  fprintf(stderr, "breyta-run: %s\n", msg);
}

void cli_say(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  say(fmt, ap);
  va_end(ap);
}

int cli_usage(const Cli *cli, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  say(fmt, ap);
  va_end(ap);
  const char *name = cli_commands[cli->cmd].name;
  fprintf(stderr, "`breyta-run %s%s--help` says more\n", name, *name ? " " : "");
  return EXIT_USAGE;
}

static _Noreturn void out_failed(void) {
  if (errno == EPIPE) _exit(EXIT_PIPE);
  cli_say("cannot write to standard output: %s", strerror(errno));
  _exit(EXIT_FAILED);
}
void cli_out(const char *s, size_t n) {
  if (fwrite(s, 1, n, stdout) < n) out_failed();
}
void cli_out_flush(void) {
  if (fflush(stdout)) out_failed();
}

bool cli_write_all(int fd, const void *bytes, size_t n) {
  for (const char *p = bytes; n;) {
    ssize_t k = write(fd, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    p += k;
    n -= (size_t)k;
  }
  return true;
}

bool cli_read_all(FILE *f, Buf *b) {
  char chunk[65536];
  size_t n;
  while (!feof(f) && (n = fread(chunk, 1, sizeof chunk, f)) > 0) buf_add(b, chunk, n); /* a terminal ends once */
  return !ferror(f);
}

bool cli_read_file(const char *path, Buf *b) {
  if (!strcmp(path, "-")) return cli_read_all(stdin, b);
  FILE *f = fopen(path, "rb");
  if (!f) return false;
  bool ok = cli_read_all(f, b);
  int e = errno;
  fclose(f);
  errno = e;
  return ok;
}

static void say_one(const char *prefix, const Ex *ex) {
  Buf b = {0};
  if (!is_nil(ex->data) && is_sig(cli_pr(env_core(), ex->data, &b))) b.n = 0;
  fprintf(stderr, "%s%s: %s%s%s\n", prefix, exc_class_name(ex->cls), is_str(ex->msg) ? str_s(ex->msg) : "", b.n ? " " : "", buf_cstr(&b));
  if (is_str(ex->trace)) fputs(str_s(ex->trace), stderr);
  buf_free(&b);
}

void cli_say_exception(Val x) {
  for (int depth = 0; is_type(x, T_EX) && depth < 16; depth++) {
    say_one(depth ? "caused by " : "", AS(Ex, x));
    x = AS(Ex, x)->cause;
  }
}

/* The other threads' heaps of malloc grow by a system call for every few pages: 1,000 transfers of libcurl cost a third more with them than
 * in the one heap that grows by a megabyte. For programs of our own; who links the library has a malloc of their own choice. */
static void one_heap(void) {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

void cli_values(void) {
  static bool done;
  if (done) return;
  done = true;
  one_heap();
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  if (!builtin_find("breyta.sandbox/url-encode")) builtin_register(rows_sandbox);
  if (!builtin_find("breyta.repl/info")) builtin_register(rows_introspect);
}

/* --- parsing --------------------------------------------------------------------------------------------------------------------- */
static void list_add(CliList *l, const char *s) {
  l->a = mem_raw_grow(l->a, (size_t)(l->n + 1) * sizeof *l->a);
  l->a[l->n++] = s;
}

static void set_option(Cli *cli, int i, const char *arg) {
  const CliOption *o = &cli_options[i];
  void *field = (char *)cli + o->field;
  cli->given |= (uint64_t)1 << i;
  if (o->kind == CLI_FLAG) *(bool *)field = true;
  else if (o->kind == CLI_TEXT) *(const char **)field = arg;
  else list_add(field, arg);
}

/* getopt's tables for one command: a long option returns 256 + its number. */
static void getopt_tables(enum CliCmd cmd, struct option longs[OPT_COUNT + 1], char shorts[3 * OPT_COUNT + 2]) {
  char *p = shorts;
  struct option *l = longs;
  *p++ = ':';
  for (int i = 0; i < OPT_COUNT; i++) {
    const CliOption *o = &cli_options[i];
    if (!cli_takes(cmd, o)) continue;
    *l++ = (struct option){o->name, o->kind != CLI_FLAG, NULL, 256 + i};
    if (!o->letter) continue;
    *p++ = o->letter;
    if (o->kind != CLI_FLAG) *p++ = ':';
  }
  *l = (struct option){0};
  *p = 0;
}

static int by_letter(enum CliCmd cmd, int c) {
  for (int i = 0; i < OPT_COUNT; i++)
    if (cli_options[i].letter == c && cli_takes(cmd, &cli_options[i])) return i;
  return -1;
}

static int unknown_option(const Cli *cli, const char *word) {
  const char *names[OPT_COUNT];
  size_t n = 0;
  char bare[128];
  snprintf(bare, sizeof bare, "%s", word + strspn(word, "-"));
  bare[strcspn(bare, "=")] = 0;
  for (int i = 0; i < OPT_COUNT; i++)
    if (cli_takes(cli->cmd, &cli_options[i]) && cli_options[i].help) names[n++] = cli_options[i].name;
  const char *near = cli_nearest(bare, names, n);
  if (near) return cli_usage(cli, "unknown option %s; did you mean --%s?", word, near);
  return cli_usage(cli, "unknown option %s", word);
}

static int bad_option(const Cli *cli, int c, char **argv, int at) {
  char letter[3] = {'-', (char)optopt, 0};
  const char *word = optopt && optopt < 256 ? letter : argv[at];
  if (c != ':' && optopt < 256) return unknown_option(cli, word);
  if (c == ':') {
    int i = optopt >= 256 ? optopt - 256 : by_letter(cli->cmd, optopt);
    return cli_usage(cli, "option --%s needs a value: --%s %s", cli_options[i].name, cli_options[i].name, cli_options[i].arg);
  }
  return cli_usage(cli, "option --%s takes no value", cli_options[optopt - 256].name);
}

static int parse(Cli *cli, int argc, char **argv) {
  struct option longs[OPT_COUNT + 1];
  char shorts[3 * OPT_COUNT + 2];
  getopt_tables(cli->cmd, longs, shorts);
  opterr = 0;
  for (;;) {
    int at = optind, c = getopt_long(argc, argv, shorts, longs, NULL);
    if (c < 0) break;
    if (c == '?' || c == ':') return bad_option(cli, c, argv, optind > at ? optind - 1 : at);
    set_option(cli, c >= 256 ? c - 256 : by_letter(cli->cmd, c), optarg);
  }
  Err e = {0};
  if (cli->profile && !limit_profile(cli->profile, &e)) return cli_usage(cli, "--profile: %s", e.msg);
  for (int i = 0; i < cli->limit.n; i++)
    if (!limit_set(cli->limit.a[i], &e)) return cli_usage(cli, "--limit: %s", e.msg);
  while (optind < argc) list_add(&cli->args, argv[optind++]);
  if (cli->format && strcmp(cli->format, "edn") && strcmp(cli->format, "json"))
    return cli_usage(cli, "--format is edn or json, not %s", cli->format);
  if (cli->db && !*cli->db) return cli_usage(cli, "--db: a file name is needed");
  if (cli->workspace && (!*cli->workspace || cli->workspace[strcspn(cli->workspace, "/'\" \t\n")]))
    return cli_usage(cli, "--workspace: \"%s\" is no name: it is part of URLs, so no spaces, quotes or slashes", cli->workspace);
  return 0;
}

static enum CliCmd command_of(const char *word) {
  for (int i = 1; i < CMD_COUNT; i++)
    if (!strcmp(cli_commands[i].name, word)) return i;
  return CMD_run;
}

static int print_text(void (*f)(Buf *b)) {
  Buf b = {0};
  f(&b);
  cli_out(b.p, b.n);
  cli_out_flush();
  return EXIT_OK;
}

static int print_help(const Cli *cli) {
  Buf b = {0};
  cli_help(cli->cmd, &b);
  cli_out(b.p, b.n);
  cli_out_flush();
  return EXIT_OK;
}

static void defaults(Cli *cli) {
  for (int i = 0; i < OPT_COUNT; i++)
    if (cli_options[i].dflt) *(const char **)((char *)cli + cli_options[i].field) = cli_options[i].dflt;
}

int cli_main(int argc, char **argv) {
  Cli cli = {.cmd = argc > 1 ? command_of(argv[1]) : CMD_run};
  signal(SIGPIPE, SIG_IGN);
  defaults(&cli);
  if (cli.cmd != CMD_run) argc--, argv++;
  int bad = parse(&cli, argc, argv);
  if (bad) return bad;
  if (cli.help) return print_help(&cli);
  if (cli.man) return print_text(cli_man);
  if (cli.completion) return print_text(cli_completion);
  if (cli.completion_for) return cli_completion_for(&cli);
  if (cli.version) {
    puts("breyta-run " BREYTA_VERSION);
    return EXIT_OK;
  }
  return cli_commands[cli.cmd].run(&cli);
}
