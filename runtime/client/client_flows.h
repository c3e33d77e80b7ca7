/* client_flows.h - commands about flows that are more than one request: rows of client_rows_flows.c. Each returns an exit status. */
#ifndef BR_CLIENT_FLOWS_H
#define BR_CLIENT_FLOWS_H
#include "client_cli.h"

int client_flows_init(ClientRun *r);
int client_flows_create(ClientRun *r);
int client_flows_push(ClientRun *r);
int client_flows_lint(ClientRun *r);
int client_flows_list(ClientRun *r);
int client_flows_show(ClientRun *r);
int client_flows_pull(ClientRun *r);
int client_flows_source(ClientRun *r); /* validate, compile: --target and --version say which text */
int client_flows_steps(ClientRun *r);
int client_flows_diff(ClientRun *r);
int client_flows_release(ClientRun *r);
int client_flows_deploy(ClientRun *r);
int client_flows_delete(ClientRun *r);
int client_flows_doctor(ClientRun *r);
int client_flows_readiness(ClientRun *r);
int client_flows_run(ClientRun *r);
/* client_setup.c */
int client_configure(ClientRun *r); /* --set, --schedule-..., @file */
int client_setup_template(ClientRun *r);
int client_setup_suggest(ClientRun *r);

bool client_ask(ClientRun *r, const char *command, Val args, ClientAnswer *a); /* another command than the row's */
bool client_get(ClientRun *r, const char *path, Val query, ClientAnswer *a);
#endif
