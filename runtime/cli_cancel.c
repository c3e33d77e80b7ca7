#include "cli_session.h"
int cmd_cancel(Cli *cli) { return cli_usage(cli, "x"); }
