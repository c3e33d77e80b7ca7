/* cli_fork.c - `breyta-run fork`: a new run from a step of another one. */
#include "cli_session.h"
#include "runtime/engine/fork.h"
#include "runtime/engine/inspect.h"
#include "reader/read.h"
#include <stdlib.h>

enum { MAX_SET = 64 };
typedef struct Plan { ForkChanges c; LocalChange locals[MAX_SET]; char names[MAX_SET][128]; } Plan;

static bool parse_edn(const Cli *cli, const char *what, const char *text, Val *out) {
  return cli_edn(cli, what, text, strlen(text), NULL, out);
}

static int set_local(const Cli *cli, Plan *p, const char *arg) {
  const char *eq = strchr(arg, '=');
  if (p->c.nlocals == MAX_SET) return cli_usage(cli, "--set: at most %d of them", MAX_SET);
  if (!eq || eq == arg || eq - arg >= 128) return cli_usage(cli, "--set takes NAME=EDN, such as --set attempts=3, and not %s", arg);
  size_t i = p->c.nlocals++;
  snprintf(p->names[i], sizeof p->names[i], "%.*s", (int)(eq - arg), arg);
  p->locals[i] = (LocalChange){p->names[i], -1, NIL};
  return parse_edn(cli, "--set", eq + 1, &p->locals[i].value) ? 0 : EXIT_USAGE;
}

/* A text that is no map is the message. */
static bool error_arg(const Cli *cli, Val *out) {
  if (cli->error[0] != '{') {
    *out = str_c(cli->error);
    return true;
  }
  return parse_edn(cli, "--error", cli->error, out);
}

static int plan(Cli *cli, Plan *p) {
  p->c = (ForkChanges){.locals = p->locals, .result = NIL, .config = NIL, .input = NIL};
  if (cli->result && cli->error) return cli_usage(cli, "--result and --error exclude each other");
  if ((cli->result || cli->error) && (cli->set.n || cli->config))
    return cli_usage(cli, "--%s answers the step, so --%s would change nothing", cli->result ? "result" : "error",
                     cli->set.n ? "set" : "config");
  for (int i = 0; i < cli->set.n; i++)
    if (set_local(cli, p, cli->set.a[i])) return EXIT_USAGE;
  if (cli->result && !parse_edn(cli, "--result", cli->result, &p->c.result)) return EXIT_USAGE;
  if (cli->error && !error_arg(cli, &p->c.result)) return EXIT_USAGE;
  p->c.step = cli->result ? FORK_RESULT : cli->error ? FORK_ERROR : FORK_RUN;
  if (cli->config && !parse_edn(cli, "--config", cli->config, &p->c.config)) return EXIT_USAGE;
  if (cli->config && !is_map(p->c.config)) return cli_usage(cli, "--config is a map, such as '{:url \"http://...\"}'");
  if (cli->flow && !(p->c.def = cli_read_flow(cli, cli->flow))) return EXIT_USAGE;
  if (cli->input && !cli_json(cli, "--input", cli->input, &p->c.input)) return EXIT_USAGE;
  if (cli->input && !is_map(p->c.input)) return cli_usage(cli, "--input: the flow's input is a JSON object");
  return 0;
}

static int usage_or_failed(const Err *err) {
  static const char *const usage[] = {"no_step",    "no_local",  "fork_diverged", "not_serializable",
                                      "run_exists", "bad_input", "flow_invalid"};
  cli_say("%s [%s]", err->msg, err->code ? err->code : "?");
  for (size_t i = 0; i < sizeof usage / sizeof *usage; i++)
    if (err->code && !strcmp(err->code, usage[i])) return EXIT_USAGE;
  return EXIT_FAILED;
}

static int go(CliSession *s, const Plan *p) {
  const Cli *cli = s->cli;
  RunRow row = {0};
  Err err = {0};
  int64_t step, run;
  int status = cli_run_row(cli, s->store, cli->args.a[0], &row);
  if (status) return status;
  bool ok = inspect_step_number(s->engine, row.run, cli->args.a[1], &step, &err) &&
            engine_fork(s->engine, row.run, step, &p->c, cli->run_id, &run, &err) && (cli->detach || engine_resume(s->engine, run, &err));
  run_row_free(&row);
  if (!ok) return usage_or_failed(&err);
  if (cli->detach) return cli_detached(s, run);
  return cli_loop(s) ? cli_report(s, run, true) : EXIT_FAILED;
}

int cmd_fork(Cli *cli) {
  if (cli->args.n != 2) return cli_usage(cli, "fork takes a run id and a step: breyta-run fork RUN-ID STEP");
  if (cli->run_id && !cli_good_run_id(cli->run_id)) return cli_usage(cli, "--run-id: 1 to 200 characters without spaces and quotes");
  if (cli->detach && cli->listen) return cli_usage(cli, "--detach runs nothing, so --listen makes no sense with it");
  if (cli_no_database(cli)) return EXIT_USAGE;
  CliSession s = {0};
  Plan p = {0};
  if (!cli_session_open(&s, cli)) return s.status;
  int status = plan(cli, &p);
  if (!status) status = go(&s, &p);
  cli_session_close(&s);
  return status;
}
