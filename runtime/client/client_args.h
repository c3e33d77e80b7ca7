/* client_args.h - what was given on the command line, checked, as arguments of the request (client_cli.h). */
#ifndef BR_CLIENT_ARGS_H
#define BR_CLIENT_ARGS_H
#include "client_cli.h"

/* Fills args, query and path of the run. 0, or the exit status when something is missing or wrong: that is told. */
int client_args(ClientRun *r);
#endif
