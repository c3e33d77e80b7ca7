/* cli_cancel.c - `breyta-run cancel`: the request is recorded first; then whoever may run the flow acts on it, this process or the one
 * that holds the database. */
#include "cli_session.h"
#include <time.h>

enum { NOTICE_MS = 5000, LOOK_MS = 20 };

static int say_over(const RunRow *row) {
  fprintf(stderr, "run %s is %s already\n", row->run_id, run_status_name(row->status));
  return EXIT_OK;
}

/* Records the request. EXIT_OK and row.status final: there was nothing to do. */
static int record(Cli *cli, RunRow *row) {
  Err err = {0};
  Store *s = cli_store(cli, (StoreOptions){.beside = true});
  if (!s) return EXIT_FAILED;
  int status = cli_run_row(cli, s, cli->args.a[0], row);
  if (!status && !run_status_final(row->status) && !engine_cancel(s, row, cli->force, cli->reason, &err)) {
    cli_say("%s [%s]", err.msg, err.code);
    status = EXIT_FAILED;
  }
  store_close(s);
  return status;
}

/* Beside the executor: it has 50 ms to notice; finally blocks may take longer. */
static int watch(Cli *cli, const RunRow *row) {
  Err err = {0};
  RunRow now = {0};
  Store *s = cli_store(cli, (StoreOptions){.read_only = true});
  if (!s) return EXIT_FAILED;
  int status = EXIT_PARKED;
  for (int64_t end = mono_us() + NOTICE_MS * 1000; status == EXIT_PARKED && mono_us() < end;) {
    if (store_run_get(s, row->run, &now, &err) && run_status_final(now.status)) {
      fprintf(stderr, "run %s is %s\n", now.run_id, run_status_name(now.status));
      status = EXIT_OK;
    }
    run_row_free(&now);
    if (status == EXIT_PARKED) nanosleep(&(struct timespec){0, LOOK_MS * 1000000}, NULL);
  }
  store_close(s);
  if (status == EXIT_PARKED) fprintf(stderr, "recorded; the process that holds %s is still at it\n", cli->db);
  return status;
}

/* No executor: this process is it until the run is over. */
static int act(CliSession *s, const RunRow *row) {
  Err err = {0};
  RunState st;
  if (!cli_loop(s)) return EXIT_FAILED;
  if (!engine_state(s->engine, row->run, &st, &err)) {
    cli_say("%s [%s]", err.msg, err.code);
    return EXIT_FAILED;
  }
  if (!run_status_final(st.status)) return cli_report(s, row->run, false);
  fprintf(stderr, "run %s is %s\n", st.run_id, run_status_name(st.status));
  return EXIT_OK;
}

static bool held(const Cli *cli) {
  Err err = {0};
  Store *s = store_open(cli->db, &(StoreOptions){.executor = true}, &err);
  if (s) store_close(s);
  return !s && err.code && !strcmp(err.code, "db_locked");
}

int cmd_cancel(Cli *cli) {
  if (cli->args.n != 1) return cli_usage(cli, "cancel takes one run id: breyta-run cancel RUN-ID");
  if (cli_no_database(cli)) return EXIT_USAGE;
  RunRow row = {0};
  CliSession s = {0};
  cli_engine_values();
  int status = record(cli, &row);
  if (!status && run_status_final(row.status)) status = say_over(&row);
  else if (!status && held(cli)) status = watch(cli, &row);
  else if (!status && cli_session_open(&s, cli)) {
    status = act(&s, &row);
    cli_session_close(&s);
  } else if (!status) {
    status = EXIT_FAILED;
  }
  run_row_free(&row);
  return status;
}
