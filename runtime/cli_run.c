/* cli_run.c - being written. */
#include "cli.h"
#define NOT_YET(c) int cmd_##c(Cli *cli) { return cli_usage(cli, "this command is being built"); }
NOT_YET(run) NOT_YET(resume) NOT_YET(send) NOT_YET(approve) NOT_YET(reject) NOT_YET(retry) NOT_YET(skip)
NOT_YET(runs) NOT_YET(show) NOT_YET(replay)
