/* worker_context.h - which job a handler's command is about. */
#ifndef BR_WORKER_CONTEXT_H
#define BR_WORKER_CONTEXT_H
#include "runtime/client/client_cli.h"

typedef struct WorkerContext {
  const char *job, *token, *result; /* token and result may be NULL when they were not asked for */
  Val keep;                         /* what they point into */
  const char *file;                 /* the context file; NULL: there was none */
} WorkerContext;
enum { WORKER_NEEDS_TOKEN = 1, WORKER_NEEDS_RESULT = 2 };
/* false: told, with the status EXIT_FAILED. */
bool worker_context(ClientRun *r, unsigned needs, WorkerContext *c);
/* The server, asked for some 18 s before a handler's command gives up: a server that is started anew must not fail the job. NULL: told. */
Client *worker_context_client(ClientRun *r);
/* Arguments of a command with the job's id and token. */
Val worker_context_args(const WorkerContext *c, Val args);
/* What people may see: without marks that are ours, and the token of a lease. */
Val worker_context_shown(Val v);
#endif
