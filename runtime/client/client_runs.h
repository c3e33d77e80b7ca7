/* client_runs.h - commands about runs that are more than one request: rows of client_rows_runs.c. Each returns an exit status. */
#ifndef BR_CLIENT_RUNS_H
#define BR_CLIENT_RUNS_H
#include "client_cli.h"

int client_runs_show(ClientRun *r);
int client_runs_inspect(ClientRun *r);
int client_runs_step(ClientRun *r);
int client_runs_cancel(ClientRun *r);
int client_runs_continue(ClientRun *r);
int client_runs_watch(ClientRun *r);
int client_run_again(ClientRun *r); /* replay, retry, fork: the row's request, and with --wait what becomes of the run */
int client_run_start(ClientRun *r); /* flows run, runs start, ...: the same */

/* workflowId in r->args may be the end of an id (r12, -r12) without a flow: it is looked up. false: told, EXIT_FAILED. */
bool client_run_id(ClientRun *r);
/* Follows a run until it is over or --timeout has passed; prints; `start`: the answer that started it. The row has flags poll and timeout.
 */
int client_follow(ClientRun *r, const char *run, Val start, bool events);
#endif
