/* client_jobs.h - commands about jobs that are more than one request (client_rows_jobs.c). Each returns an exit status. */
#ifndef BR_CLIENT_JOBS_H
#define BR_CLIENT_JOBS_H
#include "client_cli.h"

int client_jobs_list(ClientRun *r);   /* jobs short, unless --full */
int client_jobs_leased(ClientRun *r); /* the lease token also from the environment */
int client_batches_create(ClientRun *r);
#endif
