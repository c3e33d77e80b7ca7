/* client_runs.h - commands about runs that are more than one request: rows of client_rows_runs.c. Each returns an exit status. */
#ifndef BR_CLIENT_RUNS_H
#define BR_CLIENT_RUNS_H
#include "client_cli.h"

int client_runs_show(ClientRun *r);
int client_runs_inspect(ClientRun *r);
int client_runs_step(ClientRun *r);
#endif
