/* client_docs.h - the server's reference, read at a terminal: rows of client_rows_look.c. Unless --format json is given, what they print is
 * text, as the stock client does. Each returns an exit status. */
#ifndef BR_CLIENT_DOCS_H
#define BR_CLIENT_DOCS_H
#include "client_cli.h"

int client_docs_find(ClientRun *r);
int client_docs_show(ClientRun *r);
int client_docs_fields(ClientRun *r); /* the tables of a page, a line for each row */
int client_docs_sync(ClientRun *r);   /* all pages into files */
#endif
