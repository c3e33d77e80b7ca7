/* client_doc.h - what the client's command line says about itself, out of the rows of client_cli.h. */
#ifndef BR_CLIENT_DOC_H
#define BR_CLIENT_DOC_H
#include "client_cli.h"

/* Is this ("flows versions") a command or the beginning of one? "" is. */
bool client_help_has(const char *words);
/* The words that may follow; names are kept for good. */
size_t client_help_below(const char *words, const char **names, size_t max);
/* Help of the command or group that the words name, to standard output; EXIT_OK. */
int client_help_print(char **words, int n);
const char *client_help_summary(const char *words); /* of a command, or of a group; NULL */
/* The groups, in order; NULL behind the last. */
const char *client_help_group(int i, const char **summary);
int client_commands(ClientRun *r); /* the table as JSON */
/* The groups with a line each, for `breyta --help`. */
void client_help_groups(Buf *b);
/* The part of the man page. */
void client_man(Buf *b);
#endif
