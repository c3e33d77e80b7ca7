/* client_rows.c - the table of client_cli.h, put together from its families. */
#include "client_rows.h"

static const ClientCommand *const families[] = {client_rows_flows, client_rows_runs, client_rows_access, client_rows_call, client_rows_resources, client_rows_jobs, client_rows_worker, client_rows_agent, client_rows_look, client_rows_debug};

const ClientCommand *client_command_at(int i) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    const ClientCommand *c = families[f];
    for (; c->name; c++)
      if (!i--) return c;
  }
  return NULL;
}
