/* cli_run.h - what the commands that touch a database share: opening it, arguments that are JSON, reporting how a run stands. */
#ifndef BR_CLI_RUN_H
#define BR_CLI_RUN_H
#include "cli.h"
#include "runtime/engine/engine.h"
#include "reader/map.h"

/* Values, and the engine's tables when `engine`. */
void cli_engine_values(void);
/* NULL: told on standard error. */
Store *cli_store(const Cli *cli, StoreOptions o);
/* For commands that look at what is stored: a mistyped --db must not become a database. 0: it is there; else told: EXIT_USAGE. */
int cli_no_database(const Cli *cli);
/* JSON, @FILE (EDN when it ends in .edn) or - to a value; false: told, naming `what`. */
bool cli_json(const Cli *cli, const char *what, const char *arg, Val *out);
bool cli_edn(const Cli *cli, const char *what, const char *text, size_t n, const char *file, Val *out);
/* --input, checked against what the flow asks for. */
bool cli_flow_input(const Cli *cli, const FlowDef *f, Val *input);
/* A value in --format to b; false: told. */
bool cli_value_text(const Cli *cli, Val v, Buf *b);
bool cli_print_value(const Cli *cli, Val v);
/* Row of a run named on the command line: EXIT_OK, or told: EXIT_USAGE for an unknown id, EXIT_FAILED when reading failed. */
int cli_run_row(const Cli *cli, Store *s, const char *run_id, RunRow *row);
/* `text` with --db (and --workspace for send) put into the breyta-run commands in it, as this call was given them. */
void cli_commands_text(const Cli *cli, const char *text, Buf *b);
/* The definition in a file; NULL: told. */
FlowDef *cli_read_flow(const Cli *cli, const char *path);
/* A diagnostic as data: {:severity :code :message :line :column :path :hint :runs}. */
Val cli_diag_map(const Diag *d);
bool cli_good_run_id(const char *id);
bool cli_good_url(const char *s); /* "https://host/path", no slash at the end */
void cli_time_text(int64_t ms, char out[40]);
/* EDN of a step's or run's value cut to so many bytes, on one line. */
void cli_short_text(Val v, size_t most, Buf *b);
#endif
