/* cli_session.h - a store with an engine on it, for the commands that run flows: progress on standard error, signals that stop the loop,
 * and telling how a run ended. One at a time; the main thread. */
#ifndef BR_CLI_SESSION_H
#define BR_CLI_SESSION_H
#include "runtime/engine/child_find.h"
#include "cli_progress.h"
#include "cli_run.h"
#include "runtime/store/conn_store.h"
#include "runtime/engine/engine_listen.h"

typedef struct CliSession {
  const Cli *cli;
  Store *store;
  Engine *engine;
  EngineListener *listener;
  struct Target *target;
  Vault *vault;
  ConnPlace place; /* what the database has of connections and secrets */
  FlowPlaces flows;
  int status; /* when it could not be opened */
  Progress progress;
  int ticker;
} CliSession;

bool cli_session_open(CliSession *s, const Cli *cli); /* false: told */
void cli_session_close(CliSession *s);
bool cli_loop(CliSession *s);                         /* false: told */
/* Tells how the run stands; its value to standard output when `print`. The exit status. */
int cli_report(CliSession *s, int64_t run, bool print);
int cli_detached(CliSession *s, int64_t run);         /* prints the id of a run that was only started */
/* A line for people with the commands in it completed (cli_commands_text); "`breyta-run resume RUN-ID`" behind a prefix. */
void cli_say_commands(const Cli *cli, const char *prefix, const char *text);
void cli_say_resume(const Cli *cli, const char *prefix, const char *run_id);
#endif
