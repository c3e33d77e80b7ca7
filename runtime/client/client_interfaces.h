/* client_interfaces.h - flows called from outside: by their interfaces, and as tools over MCP (rows in client_rows_call.c). Each returns an
 * exit status. */
#ifndef BR_CLIENT_INTERFACES_H
#define BR_CLIENT_INTERFACES_H
#include "client_cli.h"

int client_interfaces_list(ClientRun *r);
int client_interfaces_show(ClientRun *r);
int client_interfaces_call(ClientRun *r);
int client_interfaces_curl(ClientRun *r);
/* client_mcp.c */
int client_mcp_config(ClientRun *r);
int client_mcp_doctor(ClientRun *r);
int client_mcp_stdio(ClientRun *r);
#endif
