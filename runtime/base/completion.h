/* completion.h - completion scripts for the shells out of a program's tables of commands and options. */
#ifndef BR_COMPLETION_H
#define BR_COMPLETION_H
#include "reader/text.h"

/* A command without a name is what the program does without one. */
typedef struct Completed {
  const char *program;
  int ncommands, noptions;
  const char *(*command)(int i, const char **summary);
  /* arg NULL: a flag. false: command i does not take it, or it is not told to people. */
  bool (*option)(int command, int i, const char **name, const char **arg, const char **help);
  /* More first words, NULL behind the last: what follows them is asked from `program --complete WORDS...`. NULL: there are none. */
  const char *(*group)(int i, const char **summary);
  void (*words)(int command, Buf *b); /* other words behind a command, a space behind each, for bash; NULL: none */
} Completed;
/* shell: "bash", "zsh" or "fish"; false: another one. */
bool completion_script(Buf *b, const Completed *c, const char *shell);
#endif
