/* breyta_cli.c - the command line of breyta, from the tables of breyta_options.h. Exit status: 0 fine, 1 failed, 2 bad usage. */
#include "breyta_options.h"
#include "cli.h"
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

typedef struct Command {
  const char *name, *args, *summary;
  int (*run)(const BreytaOptions *o);
} Command;
typedef struct Option {
  const char *name, *arg, *dflt, *help;
  size_t field;
} Option;
#define COMMAND_ROW(id, name, args, summary) {name, args, summary, breyta_##id},
static const Command commands[] = {BREYTA_COMMANDS(COMMAND_ROW)};
#define OPTION_ROW(id, name, arg, dflt, cmd, help) {name, arg, dflt, help, offsetof(BreytaOptions, id)},
static const Option options[] = {BREYTA_OPTIONS(OPTION_ROW)};
enum { COMMANDS = sizeof commands / sizeof *commands, OPTIONS = sizeof options / sizeof *options };

static int help(FILE *to) {
  fputs("breyta " BREYTA_VERSION ": a server for flows that survive anything\n\n", to);
  for (size_t i = 0; i < COMMANDS; i++) fprintf(to, "  breyta %s %s   %s\n", commands[i].name, commands[i].args, commands[i].summary);
  fputs("\nOptions of serve\n", to);
  for (size_t i = 0; i < OPTIONS; i++) {
    fprintf(to, "  --%-10s %-10s %s", options[i].name, options[i].arg, options[i].help);
    fprintf(to, options[i].dflt ? " (%s)\n" : "\n", options[i].dflt);
  }
  return to == stdout ? EXIT_OK : EXIT_USAGE;
}

static int say(const char *what, const char *word) {
  fprintf(stderr, "breyta: %s%s; `breyta --help` lists commands and options\n", what, word);
  return EXIT_USAGE;
}

static int parse(int argc, char **argv, BreytaOptions *o) {
  struct option longs[OPTIONS + 1] = {{0}};
  int c;
  for (int i = 0; i < OPTIONS; i++) {
    longs[i] = (struct option){options[i].name, 1, NULL, 256 + i};
    *(const char **)((char *)o + options[i].field) = options[i].dflt;
  }
  opterr = 0;
  while ((c = getopt_long(argc, argv, ":", longs, NULL)) >= 0) {
    if (c == ':') return say("a value is missing behind ", argv[optind - 1]);
    if (c == '?') return say("unknown option ", argv[optind - 1]);
    *(const char **)((char *)o + options[c - 256].field) = optarg;
  }
  return optind < argc ? say("unexpected ", argv[optind]) : 0;
}

int breyta_main(int argc, char **argv) {
  BreytaOptions o;
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) return help(stderr);
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "help")) return help(stdout);
    if (!strcmp(argv[i], "--version")) return puts("breyta " BREYTA_VERSION), EXIT_OK;
  }
  for (size_t i = 0; i < COMMANDS; i++) {
    if (strcmp(commands[i].name, argv[1])) continue;
    int bad = parse(argc - 1, argv + 1, &o);
    return bad ? bad : commands[i].run(&o);
  }
  return say("unknown command ", argv[1]);
}
