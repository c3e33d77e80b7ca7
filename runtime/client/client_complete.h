/* client_complete.h - what may stand at the end of a command line of the client: asked by the shells' completion scripts. */
#ifndef BR_CLIENT_COMPLETE_H
#define BR_CLIENT_COMPLETE_H

/* The words behind "breyta", the last one as far as it is written. Prints a candidate a line, with a tab and what it is; none: a file, or
 * whatever the user likes. */
int client_complete(int n, char **words);
#endif
