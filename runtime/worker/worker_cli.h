/* worker_cli.h - the functions of the rows `jobs worker ...` (client_rows_worker.c): the worker itself, and what its handler calls. Those
 * find their job by BREYTA_JOB_CONTEXT_FILE, else worker-context.json in BREYTA_JOB_DIR, else BREYTA_JOB_ID, BREYTA_JOB_LEASE_TOKEN and
 * BREYTA_JOB_RESULT_FILE. */
#ifndef BR_WORKER_CLI_H
#define BR_WORKER_CLI_H
#include "runtime/client/client_cli.h"

int worker_cli_run(ClientRun *r);          /* worker_cli.c */
int worker_handler_progress(ClientRun *r); /* worker_handler.c */
int worker_handler_finish(ClientRun *r);
int worker_handler_fail(ClientRun *r);
int worker_handler_state(ClientRun *r);
int worker_agent(ClientRun *r);            /* worker_agent.c */
int worker_attach_file(ClientRun *r); /* worker_attach.c */
int worker_attach_kv(ClientRun *r);
int worker_attach_table(ClientRun *r);
#endif
