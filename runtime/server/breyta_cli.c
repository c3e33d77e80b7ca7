/* breyta_cli.c - the command line of breyta, from the tables of breyta_options.h. Exit status: 0 fine, 1 failed, 2 bad usage. */
#include "breyta_config.h"
#include "breyta_doc.h"
#include "runtime/cli/cli.h"
#include "runtime/client/client_cli.h"
#include "runtime/client/client_complete.h"
#include "reader/mem.h"
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#define COMMAND_ROW(id, name, args, summary, text) {name, args, summary, text, breyta_##id},
const BreytaCommand breyta_commands[] = {BREYTA_COMMANDS(COMMAND_ROW)};
#define OPTION_ROW(id, name, arg, dflt, cmds, help) {name, arg, dflt, help, BREYTA_ON_##cmds, offsetof(BreytaOptions, id)},
const BreytaOption breyta_options[] = {BREYTA_OPTIONS(OPTION_ROW)};
enum { COMMANDS = sizeof breyta_commands / sizeof *breyta_commands, OPTIONS = sizeof breyta_options / sizeof *breyta_options };
const int breyta_ncommands = COMMANDS, breyta_noptions = OPTIONS;

static int help(FILE *to, int cmd) {
  Buf b = {0};
  breyta_help(&b, cmd);
  fwrite(b.p, 1, b.n, to);
  buf_free(&b);
  return to == stdout ? EXIT_OK : EXIT_USAGE;
}

static int say(const char *what, const char *word) {
  fprintf(stderr, "breyta: %s%s; `breyta --help` lists commands and options\n", what, word);
  return EXIT_USAGE;
}

bool breyta_repeats(const BreytaOption *o) {
  size_t n = o->arg ? strlen(o->arg) : 0;
  return n > 3 && !strcmp(o->arg + n - 3, "...");
}

void breyta_option_set(BreytaOptions *o, const BreytaOption *option, const char *value) {
  const char **at = (const char **)((char *)o + option->field);
  Buf b = {0};
  if (!*at || !breyta_repeats(option)) {
    *at = value;
    return;
  }
  buf_fmt(&b, "%s\n%s", *at, value);
  *at = buf_cstr(&b); /* kept for good, as argv is */
}

static void defaults(BreytaOptions *o) {
  for (int i = 0; i < OPTIONS; i++) {
    const char **at = (const char **)((char *)o + breyta_options[i].field);
    if (!*at) *at = breyta_options[i].dflt;
  }
}

static int parse(int argc, char **argv, int cmd, BreytaOptions *o) {
  struct option longs[OPTIONS + 1] = {{0}};
  int c, n = 0, at[OPTIONS];
  for (int i = 0; i < OPTIONS; i++) {
    if (!(breyta_options[i].on >> cmd & 1)) continue;
    longs[n] = (struct option){breyta_options[i].name, breyta_options[i].arg != NULL, NULL, 256 + n};
    at[n++] = i;
  }
  opterr = 0;
  while ((c = getopt_long(argc, argv, ":", longs, NULL)) >= 0) {
    if (c == ':') return say("a value is missing behind ", argv[optind - 1]);
    if (c == '?') return say("unknown option ", argv[optind - 1]);
    const BreytaOption *option = &breyta_options[at[c - 256]];
    breyta_option_set(o, option, option->arg ? optarg : "yes");
  }
  return optind < argc ? say("unexpected ", argv[optind]) : 0;
}

/* The command line, then the file that it names, then what is left. */
static int options(int argc, char **argv, int cmd, BreytaOptions *o) {
  Err err = {0};
  int bad = parse(argc, argv, cmd, o);
  if (bad) return bad;
  if (o->config && !breyta_config(o->config, o, &err)) {
    fprintf(stderr, "breyta %s: --config: %s\n", breyta_commands[cmd].name, err.msg);
    return EXIT_USAGE;
  }
  defaults(o);
  return 0;
}

static int command(const char *name) {
  for (int i = 0; name && i < COMMANDS; i++)
    if (!strcmp(breyta_commands[i].name, name)) return i;
  return -1;
}

/* --man NAME, --completion SHELL: for `make install`. */
static int generated(const char *what, const char *name) {
  Buf b = {0};
  if (!breyta_generate(&b, what, name)) return say(what, " takes breyta or breyta-serve, --completion takes bash, zsh or fish");
  fwrite(b.p, 1, b.n, stdout);
  buf_free(&b);
  return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int breyta_main(int argc, char **argv) {
  BreytaOptions o = {0};
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) return help(stderr, -1);
  if (!strcmp(argv[1], "--complete")) return client_complete(argc - 2, argv + 2);
  int cmd = command(argv[1]);
  bool about = !strcmp(argv[1], "help") && argc > 2 && command(argv[2]) < 0; /* `help flows push` is `flows push --help` */
  if (about) return client_help(argc - 2, argv + 2);
  if (argc == 3 && (!strcmp(argv[1], "--man") || !strcmp(argv[1], "--completion"))) return generated(argv[1], argv[2]);
  if (cmd < 0 && strcmp(argv[1], "help") != 0 && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "--version") != 0) return client_main(argc, argv);
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "help")) return help(stdout, cmd >= 0 ? cmd : command(argv[i + 1]));
    if (!strcmp(argv[i], "--version")) return puts("breyta " BREYTA_VERSION), EXIT_OK;
  }
  int bad = options(argc - 1, argv + 1, cmd, &o);
  return bad ? bad : breyta_commands[cmd].run(&o);
}
