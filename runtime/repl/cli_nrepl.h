/* cli_nrepl.h - `repl --nrepl [HOST:]PORT`: starts the server, says where it listens (on standard output, in the words that editors
 * look for), and keeps the file .nrepl-port in the working directory while it runs.
 *
 * cli_nrepl_start blocks SIGINT, SIGTERM and SIGHUP for cli_nrepl_serve when there is no terminal; beside a terminal REPL
 * (`terminal`) it leaves SIGINT alone and has SIGTERM and SIGHUP remove the file before they end the process. Call it before any
 * other thread is started. The file is replaced in one piece; one that names a server which is alive is left as it is. */
#ifndef BR_CLI_NREPL_H
#define BR_CLI_NREPL_H
#include "runtime/cli/cli.h"
#include "repl_session.h"

/* Sessions are clones of `of`. EXIT_OK, or the exit status after telling what is wrong. */
int cli_nrepl_start(const Cli *cli, const char *host_port, ReplSession *of, bool terminal);
/* Until one of the signals comes: its number. */
int cli_nrepl_serve(void);
void cli_nrepl_stop(void);
#endif
