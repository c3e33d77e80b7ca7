/* client_steps.h - steps by themselves (client_rows_resources.c). Each returns an exit status. */
#ifndef BR_CLIENT_STEPS_H
#define BR_CLIENT_STEPS_H
#include "client_cli.h"

int client_steps_run(ClientRun *r); /* run and record */
int client_steps_docs(ClientRun *r);
#endif
