/* client_access.h - who calls and where, and connections: commands that are more than one request (client_rows_access.c). Each returns an
 * exit status. */
#ifndef BR_CLIENT_ACCESS_H
#define BR_CLIENT_ACCESS_H
#include "client_cli.h"

int client_whoami(ClientRun *r);
int client_login(ClientRun *r);
int client_logout(ClientRun *r);
int client_api_connection(ClientRun *r);
int client_workspaces_show(ClientRun *r);
int client_workspaces_current(ClientRun *r);
int client_workspaces_use(ClientRun *r);
int client_members(ClientRun *r);
int client_secret_set(ClientRun *r);
int client_connections_test(ClientRun *r);
int client_connections_call(ClientRun *r);
#endif
