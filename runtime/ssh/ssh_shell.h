/* ssh_shell.h - how a command gets to the other side without anything of it being interpolated (durability rule 23).
 *
 * What the server is asked to run is a constant text with a random word in it (ssh_shell_exec). It reads one line from its standard input,
 * the boot line, which sets the variables, changes the folder and runs the command with `sh -lc`: so neither the values of :env nor the
 * folder ever stand on a remote command line, where other users of that machine could read them. The rest of the input is the command's.
 *
 * The remote shell tells what it does in lines of its own, the marks, on the stream of errors (on a terminal: on the only stream):
 *   breyta-WORD pid N     it has started; N is its process group, too
 *   breyta-WORD go        on a terminal: the boot line is read, input may be sent
 *   breyta-WORD cd        the folder is not there
 *   breyta-WORD exit N    the command has ended; without that line nobody can say how
 * SshMarks takes them out of the stream again. Plain C, any thread. */
#ifndef BR_SSH_SHELL_H
#define BR_SSH_SHELL_H
#include "runtime/base/port.h"
#include "reader/text.h"

enum { SSH_WORD = 16, SSH_COMMAND_MAX = 120 << 10, SSH_ENV_MAX = 120 << 10 };
typedef struct SshVar { char *name, *value; } SshVar;

bool ssh_shell_name_ok(const char *s, size_t n);              /* a name of a variable: letters, digits, _ */
void ssh_shell_quote(Buf *b, const char *s);                  /* one word of sh, whatever is in it; may hold line breaks */
void ssh_shell_exec(Buf *b, const char *word, bool pty);
/* With its line break. workdir NULL: where the login begins; "~" and "~/.." are below $HOME. */
void ssh_shell_boot(Buf *b, const char *workdir, const SshVar *env, size_t nenv, const char *command);
/* Ends a process group: TERM, and KILL to what is left 2 s later. */
void ssh_shell_kill(Buf *b, int64_t group);

typedef struct SshMarks {
  char word[SSH_WORD + 1];
  bool started, go, no_folder, ended;
  int64_t pid;
  int status;
  Buf held; /* what may be the beginning of a mark */
} SshMarks;
void ssh_marks_init(SshMarks *m); /* with a new word */
void ssh_marks_feed(SshMarks *m, const char *p, size_t n, Buf *out); /* appends to `out` what is no mark */
void ssh_marks_end(SshMarks *m, Buf *out);                           /* and what was held back */
const char *ssh_signal_name(int status); /* of an exit status above 128: "TERM"; NULL: it says no signal */
#endif
