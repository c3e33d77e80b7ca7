/* cli.h - the command line of breyta-run: what cli*.c share.
 *
 * Standard output carries values only; everything for people goes to standard error. Exit status: 0 completed, 1 failed,
 * 2 bad usage or an invalid flow, 3 parked, 130 and 143 stopped by a signal with the run durable. Commands bring up no more
 * than they need: `eval` never touches the engine, listing takes no lock. */
#ifndef BR_CLI_H
#define BR_CLI_H
#include "cli_options.h"
#include "reader/val.h"
#include "reader/text.h"
#include "runtime/base/port.h"
#include <stdio.h>

#define BREYTA_VERSION "0.1.0"
enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_PARKED, EXIT_PIPE = 141 };

#define CLI_CMD_ENUM(id, name, args, summary, text) CMD_##id,
enum CliCmd { CLI_COMMANDS(CLI_CMD_ENUM) CMD_COUNT };
#define CLI_OPT_ENUM(kind, id, letter, name, arg, dflt, cmds, help) OPT_##id,
enum CliOpt { CLI_OPTIONS(CLI_OPT_ENUM) OPT_COUNT };

typedef struct CliList { const char **a; int n; } CliList;
typedef bool cli_FLAG;
typedef const char *cli_TEXT;
typedef CliList cli_LIST;
#define CLI_FIELD(kind, id, letter, name, arg, dflt, cmds, help) cli_##kind id;
typedef struct Cli {
  enum CliCmd cmd;
  CLI_OPTIONS(CLI_FIELD)
  CliList args;      /* what is no option */
  uint64_t given;    /* bits of the options on the command line: CLI_GIVEN */
} Cli;
#define CLI_GIVEN(cli, id) (((cli)->given >> OPT_##id & 1) != 0)

enum CliKind { CLI_FLAG, CLI_TEXT, CLI_LIST };
typedef struct CliCommand { const char *name, *args, *summary, *text; int (*run)(Cli *cli); } CliCommand;
typedef struct CliOption { enum CliKind kind; char letter; const char *name, *arg, *dflt; uint64_t cmds; const char *help; size_t field; } CliOption;
extern const CliCommand cli_commands[CMD_COUNT];
extern const CliOption cli_options[OPT_COUNT];
static inline bool cli_takes(enum CliCmd cmd, const CliOption *o) { return o->cmds >> cmd & 1; }

int cli_main(int argc, char **argv);
/* Collector, library, macros: before any value is made. */
void cli_values(void);
/* "breyta-run: message\n" to standard error. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, then EXIT_USAGE. */
int cli_usage(const Cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Standard output. A reader that went away ends the process with status 141; any other failure is told, with status 1. */
void cli_out(const char *s, size_t n);
void cli_out_flush(void);
bool cli_write_all(int fd, const void *bytes, size_t n); /* between processes */
bool cli_read_all(FILE *f, Buf *b);
bool cli_read_file(const char *path, Buf *b); /* errno on failure; - is standard input */
/* (pr-str v) with lazy seqs realised on a machine. nil, or a signal. */
struct Env;
Val cli_pr(struct Env *env, Val v, Buf *b);
/* "class: message", causes and trace of pend.ex to standard error. */
void cli_say_exception(Val ex);

/* cli_help.c */
void cli_help(enum CliCmd cmd, Buf *b);
void cli_man(Buf *b);
void cli_completion(Buf *b);
int cli_completion_for(const Cli *cli); /* prints it */
/* Words of s from column `indent` on, wrapped, and a newline; the same text for a man page. */
void cli_wrap(Buf *b, const char *s, size_t indent);
void cli_roff(Buf *b, const char *s);
/* An option and what it does, for --help and for a man page. dflt: NULL without. */
void cli_help_entry(Buf *b, const char *head, const char *text, const char *dflt);
void cli_man_entry(Buf *b, const char *head, const char *text, const char *dflt);
/* cli_doc.c: the part of the man page about steps, and the words that may follow `help`, each with a space behind it. */
void cli_man_steps(Buf *b);
void cli_help_words(Buf *b);
const char *cli_nearest(const char *word, const char *const *names, size_t n); /* NULL: nothing is near */

#define CLI_CMD_PROTO(id, name, args, summary, text) int cmd_##id(Cli *cli);
CLI_COMMANDS(CLI_CMD_PROTO)
#endif
