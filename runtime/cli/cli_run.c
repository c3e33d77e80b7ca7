/* cli_run.c - running flows: `breyta-run FLOW.edn`, `resume`, and the answers that others record for runs (`send`, `approve` ...). */
#include "cli_session.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/engine_journal.h"
#include "eval/unit.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/store/snapshot.h"
#include "runtime/flow/wait_spec.h"
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* --- shared --------------------------------------------------------------------------------------------------------------------- */
void cli_engine_values(void) {
  cli_values();
  engine_init();
}

Store *cli_store(const Cli *cli, StoreOptions o) {
  Err err = {0};
  Store *s = store_open(cli->db, &o, &err);
  if (!s) cli_say("%s [%s]", err.msg, err.code);
  return s;
}

int cli_no_database(const Cli *cli) {
  if (!access(cli->db, F_OK) || (errno != ENOENT && errno != ENOTDIR)) return 0;
  return cli_usage(cli, "there is no database %s; --db names the one that the runs are in", cli->db);
}

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), k = strlen(end);
  return n >= k && !strcmp(s + n - k, end);
}

bool cli_edn(const Cli *cli, const char *what, const char *text, size_t n, const char *file, Val *out) {
  *out = read_one(text, n, file, true);
  if (!is_sig(*out)) return true;
  Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  cli_usage(cli, "%s: %s", what, is_str(msg) ? str_s(msg) : "is not EDN");
  return false;
}

bool cli_json(const Cli *cli, const char *what, const char *arg, Val *out) {
  Buf b = {0};
  const char *file = !strcmp(arg, "-") ? "-" : arg[0] == '@' ? arg + 1 : NULL;
  if (file && !cli_read_file(file, &b)) {
    cli_usage(cli, "%s: cannot read %s: %s", what, file, strerror(errno));
    return false;
  }
  bool ok;
  if (file && ends_with(file, ".edn")) {
    ok = cli_edn(cli, what, buf_cstr(&b), b.n, file, out);
  } else {
    Err err = {0};
    if (!file) buf_c(&b, arg);
    *out = json_parse(b.p ? b.p : "", b.n, &err);
    ok = !same(*out, ABSENT);
    if (!ok) cli_usage(cli, "%s: %s%sis not JSON: %s", what, file ? file : "", file ? " " : "", err.msg);
  }
  buf_free(&b);
  return ok;
}

bool cli_value_text(const Cli *cli, Val v, Buf *b) {
  bool json = !strcmp(cli->format, "json");
  Val r = json ? json_print(b, v) : cli_pr(env_core(), v, b);
  if (!is_sig(r)) return true;
  Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  cli_say("the value cannot be printed as %s: %s", cli->format, is_str(msg) ? str_s(msg) : "?");
  return false;
}

bool cli_print_value(const Cli *cli, Val v) {
  Buf b = {0};
  bool ok = cli_value_text(cli, v, &b);
  if (ok) {
    buf_ch(&b, '\n');
    cli_out(b.p, b.n);
    cli_out_flush();
  }
  buf_free(&b);
  return ok;
}

int cli_run_row(const Cli *cli, Store *s, const char *run_id, RunRow *row) {
  Err err = {0};
  if (store_run_by_id(s, NULL, run_id, row, &err)) return EXIT_OK;
  if (err.code) cli_say("%s [%s]", err.msg, err.code);
  else cli_say("there is no run %s in %s; `breyta-run runs` lists them", run_id, cli->db);
  return err.code ? EXIT_FAILED : EXIT_USAGE;
}

void cli_commands_text(const Cli *cli, const char *text, Buf *b) {
  static const char name[] = "breyta-run ";
  for (const char *p; (p = strstr(text, name)); text = p) {
    p += strlen(name);
    p += strcspn(p, " ");
    buf_add(b, text, (size_t)(p - text));
    if (CLI_GIVEN(cli, db)) buf_fmt(b, " --db %s", cli->db);
    if (CLI_GIVEN(cli, workspace) && p - text > 4 && !strncmp(p - 4, "send", 4)) buf_fmt(b, " --workspace %s", cli->workspace);
  }
  buf_c(b, text);
}

void cli_time_text(int64_t ms, char out[40]) {
  Buf b = {0};
  inst_print(&b, ms);
  snprintf(out, 40, "%.19sZ", buf_cstr(&b));
  buf_free(&b);
}

/* --- run ------------------------------------------------------------------------------------------------------------------------- */
FlowDef *cli_read_flow(const Cli *cli, const char *path) {
  Buf text = {0}, out = {0};
  if (!cli_read_file(path, &text)) {
    const char *names[CMD_COUNT], *near;
    for (int i = 1; i < CMD_COUNT; i++) names[i - 1] = cli_commands[i].name;
    near = cli_nearest(path, names, CMD_COUNT - 1);
    cli_usage(cli, "cannot read %s: %s%s%s%s", path, strerror(errno), near ? "; did you mean the command `" : "", near ? near : "", near ? "`?" : "");
    return NULL;
  }
  Diags d = {0};
  FlowDef *f = flowdef_read_file(buf_cstr(&text), text.n, path, &d);
  diags_print(&d, path, &out);
  fwrite(out.p ? out.p : "", 1, out.n, stderr);
  if (!f) cli_say("%s: %d error%s, nothing was run", path, d.errors, d.errors == 1 ? "" : "s");
  diags_free(&d);
  buf_free(&out);
  buf_free(&text);
  return f;
}

bool cli_flow_input(const Cli *cli, const FlowDef *f, Val *input) {
  Err err = {0};
  *input = map_empty;
  if (cli->input && !cli_json(cli, "--input", cli->input, input)) return false;
  if (!is_map(*input)) {
    cli_usage(cli, "--input: the flow's input is a JSON object, such as '{\"name\": \"Ada\"}'");
    return false;
  }
  if (flowdef_input(f, input, &err)) return true;
  cli_usage(cli, "%s: %s", cli->input ? "--input" : "the flow needs --input", err.msg);
  return false;
}

static bool take_start(void *ctx, const JournalRec *j) {
  if (j->kind == J_START) *(Val *)ctx = snap_read_value(env_core(), j->data.p, j->data.n);
  return false;
}

/* The first key whose values differ, to b; false: the inputs are equal. */
static bool input_difference(Val was, Val now, Buf *b) {
  MapIter it;
  Val k, v, maps[2] = {was, now};
  for (int i = 0; i < 2; i++) {
    map_iter(&it, maps[i]);
    while (map_next(&it, &k, &v)) {
      Val other = map_get(maps[1 - i], k, ABSENT);
      if (!same(other, ABSENT) && same(val_eq(v, other), TRUE_V)) continue;
      Val a = i ? other : v, z = i ? v : other;
      cli_short_text(k, 120, b);
      buf_c(b, " was ");
      if (same(a, ABSENT)) buf_c(b, "absent");
      else cli_short_text(a, 120, b);
      buf_c(b, " and is ");
      if (same(z, ABSENT)) buf_c(b, "absent");
      else cli_short_text(z, 120, b);
      return true;
    }
  }
  return false;
}

/* May the existing run go on for this flow and input? */
static bool same_run(CliSession *s, const RunRow *row, const FlowDef *f, Val input) {
  const Cli *cli = s->cli;
  Err err = {0};
  Val start = NIL;
  if (!row->source_hash || strcmp(row->source_hash, f->hash)) {
    cli_usage(cli, "--run-id %s: the run exists with another source (%.12s, and %s is %.12s); choose another id, or continue it with `breyta-run resume %s`",
              row->run_id, row->source_hash ? row->source_hash : "?", f->file, f->hash, row->run_id);
    return false;
  }
  if (!store_journal(s->store, row->run, 0, take_start, &start, &err) && err.code) {
    cli_say("%s [%s]", err.msg, err.code);
    return false;
  }
  Val was = is_vec(start) ? map_dissoc(vec_nth(start, 0), kw_new("flow", "ctx")) : map_empty;
  Buf diff = {0};
  bool differs = input_difference(was, input, &diff);
  if (differs)
    cli_usage(cli, "--run-id %s: the run exists with another input: %s; choose another id, or continue it with `breyta-run resume %s`", row->run_id,
              buf_cstr(&diff), row->run_id);
  buf_free(&diff);
  return !differs;
}

/* 0: *run is started or taken up; else the exit status. */
static int begin(CliSession *s, const FlowDef *f, Val input, int64_t *run) {
  Err err = {0};
  RunRow row = {0};
  const char *id = s->cli->run_id;
  if (id && store_run_by_id(s->store, s->cli->workspace, id, &row, &err)) {
    *run = row.run;
    bool ok = same_run(s, &row, f, input);
    run_row_free(&row);
    if (!ok) return EXIT_USAGE;
    if (s->cli->detach || engine_resume(s->engine, *run, &err)) return 0;
  } else if (engine_start(s->engine, f, input, id, run, &err)) {
    return 0;
  }
  cli_say("%s [%s]", err.msg, err.code ? err.code : "?");
  return err.code && (!strcmp(err.code, "flow_invalid") || !strcmp(err.code, "bad_input")) ? EXIT_USAGE : EXIT_FAILED;
}

bool cli_good_run_id(const char *id) {
  size_t n = strlen(id);
  if (!n || n > 200) return false;
  for (const char *p = id; *p; p++)
    if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\'') return false;
  return true;
}

int cmd_run(Cli *cli) {
  if (cli->args.n != 1)
    return cli->args.n ? cli_usage(cli, "one flow at a time, and there is also %s", cli->args.a[1]) : cli_usage(cli, "which flow? breyta-run FLOW.edn");
  if (cli->run_id && !cli_good_run_id(cli->run_id)) return cli_usage(cli, "--run-id: 1 to 200 characters without spaces and quotes");
  if (cli->detach && cli->listen) return cli_usage(cli, "--detach runs nothing, so --listen makes no sense with it");
  cli_engine_values();
  Val input;
  FlowDef *f = cli_read_flow(cli, cli->args.a[0]);
  if (!f || !cli_flow_input(cli, f, &input)) return EXIT_USAGE;
  CliSession s = {0};
  if (!cli_session_open(&s, cli)) return s.status;
  int64_t run;
  int status = begin(&s, f, input, &run);
  if (!status) status = cli->detach ? cli_detached(&s, run) : cli_loop(&s) ? cli_report(&s, run, true) : EXIT_FAILED;
  cli_session_close(&s);
  return status;
}

/* --- resume ---------------------------------------------------------------------------------------------------------------------- */
typedef struct Runs { int64_t *a; size_t n; } Runs;

static void runs_add(Runs *r, int64_t run) {
  r->a = mem_raw_grow(r->a, (r->n + 1) * sizeof *r->a);
  r->a[r->n++] = run;
}

static int named_runs(CliSession *s, Runs *runs) {
  for (int i = 0; i < s->cli->args.n; i++) {
    RunRow row = {0};
    int bad = cli_run_row(s->cli, s->store, s->cli->args.a[i], &row);
    if (bad) return bad;
    runs_add(runs, row.run);
    run_row_free(&row);
  }
  return EXIT_OK;
}

static int unfinished_runs(CliSession *s, Runs *runs) {
  RunRow rows[128];
  Err err = {0};
  int64_t after = 0;
  size_t n;
  do {
    n = store_runs(s->store, after, 1u << RUN_RUNNING | 1u << RUN_WAITING, rows, 128, &err);
    for (size_t i = 0; i < n; i++) {
      after = rows[i].run;
      runs_add(runs, after);
      run_row_free(&rows[i]);
    }
  } while (n == 128);
  if (err.code) cli_say("%s [%s]", err.msg, err.code);
  return err.code ? EXIT_FAILED : EXIT_OK;
}

static int report_all(CliSession *s, const Runs *runs) {
  if (runs->n == 1) return cli_report(s, runs->a[0], s->cli->args.n == 1);
  int worst = EXIT_OK;
  for (size_t i = 0; i < runs->n; i++) {
    int st = cli_report(s, runs->a[i], false);
    if (st > EXIT_PARKED) return st;
    if (st == EXIT_FAILED || (st == EXIT_PARKED && worst == EXIT_OK)) worst = st;
  }
  return worst;
}

static int resume_runs(CliSession *s, Runs *runs) {
  int bad = s->cli->args.n ? named_runs(s, runs) : unfinished_runs(s, runs);
  if (bad) return bad;
  if (!runs->n) {
    fprintf(stderr, "nothing to resume: every run in %s is finished\n", s->cli->db);
    return EXIT_OK;
  }
  s->progress.several = runs->n > 1;
  Err err = {0};
  for (size_t i = 0; i < runs->n; i++)
    if (!engine_resume(s->engine, runs->a[i], &err)) {
      cli_say("%s [%s]", err.msg, err.code);
      return EXIT_FAILED;
    }
  return cli_loop(s) ? report_all(s, runs) : EXIT_FAILED;
}

/* No database where one is looked for in vain: a mistyped --db must not become one. */
static int nothing_stored(const Cli *cli) {
  if (cli->args.n) return cli_usage(cli, "there is no run %s: %s does not exist", cli->args.a[0], cli->db);
  fprintf(stderr, "nothing to resume: %s does not exist\n", cli->db);
  return EXIT_OK;
}

int cmd_resume(Cli *cli) {
  CliSession s = {0};
  Runs runs = {0};
  if (access(cli->db, F_OK) && errno == ENOENT) return nothing_stored(cli);
  if (!cli_session_open(&s, cli)) return s.status;
  int status = resume_runs(&s, &runs);
  free(runs.a);
  cli_session_close(&s);
  return status;
}

/* --- answers recorded for runs: nothing is run here ---------------------------------------------------------------------------- */
static int put_inbox(Cli *cli, Store *s, const char *key, const char *kind, Val body) {
  Buf b = {0};
  Err err = {0};
  bool ok = !is_sig(snap_data(&b, body));
  if (!ok) err_set(&err, "bad_input", "the value cannot be stored");
  if (ok) {
    Batch *batch = batch_new();
    batch_inbox_put(batch, cli->workspace, key, kind, now_ms(), (Bytesv){b.p, b.n});
    ok = store_submit_wait(s, batch, &err);
  }
  buf_free(&b);
  if (!ok) cli_say("%s [%s]", err.msg, err.code);
  return ok ? EXIT_OK : EXIT_FAILED;
}

static void say_recorded(Cli *cli, Store *s, const char *key) {
  WaitRow w = {0};
  RunRow row = {0};
  Err err = {0};
  if (store_wait_get(s, cli->workspace, key, &w, &err) && store_run_get(s, w.run, &row, &err)) {
    fprintf(stderr, "recorded for run %s\n", row.run_id);
    cli_say_resume(cli, "to go on: ", row.run_id);
  } else {
    fprintf(stderr, "recorded; no run waits for \"%s\" yet, the first one that does gets it\n", key);
  }
  run_row_free(&row);
  wait_row_free(&w);
}

/* Has the key its answer already? Told; the first one counts, here as with --listen. */
static bool is_duplicate(Cli *cli, Store *s, const char *key) {
  WaitRow w = {0};
  InboxRow before = {0};
  Blob was = {0};
  Err err = {0};
  int64_t at = 0;
  if (store_inbox_by_key(s, cli->workspace, key, &before, 1, &err) && !strcmp(before.kind, "event")) {
    fprintf(stderr, "an answer to \"%s\" is recorded already and is the one that counts; this one changes nothing\n", key);
    inbox_row_free(&before);
    return true;
  }
  inbox_row_free(&before);
  bool waiting = store_wait_get(s, cli->workspace, key, &w, &err);
  wait_row_free(&w);
  if (waiting || !store_outcome_get(s, cli->workspace, key, &at, &was, &err)) return false;
  blob_free(&was);
  if (now_ms() - at >= ANSWERED_FOR_MS) return false;
  char when[40];
  cli_time_text(at, when);
  fprintf(stderr, "\"%s\" was answered at %s; for 24 hours, or until a run waits for it again, another answer changes nothing\n", key, when);
  return true;
}

static bool taken_by(const WaitRow *w, Val body, Err *err) {
  Val spec = wait_spec_read(w);
  return wait_answer_check(spec, body, NULL, err) && wait_value_check(spec, body, err);
}

/* What the wait, if there is one, says about such an answer. Told. */
static bool answer_is_good(Cli *cli, Store *s, const char *key, Val body) {
  WaitRow w = {0};
  Err err = {0};
  if (wait_is_system(key)) return cli_usage(cli, "send: the key begins with a control character"), false;
  if (!store_wait_get(s, cli->workspace, key, &w, &err)) return true;
  bool ok = taken_by(&w, body, &err);
  if (!ok) cli_say("send %s: %s", key, err.msg);
  wait_row_free(&w);
  return ok;
}

/* The executor looks for the wait again when it takes the event up: a run may come to it meanwhile. */
static int record_event(Cli *cli, Store *s, Val body) {
  WaitRow w = {0};
  RunRow row = {0};
  Err err = {0};
  bool found = wait_for_event(s, cli->workspace, cli->event, body, &w, &err);
  if (found && !taken_by(&w, body, &err)) {
    cli_say("send --event %s: %s", cli->event, err.msg);
    wait_row_free(&w);
    return EXIT_USAGE;
  }
  int status = put_inbox(cli, s, cli->event, "named", body);
  if (status == EXIT_OK && found && store_run_get(s, w.run, &row, &err)) {
    fprintf(stderr, "recorded for run %s\n", row.run_id);
    cli_say_resume(cli, "to go on: ", row.run_id);
  } else if (status == EXIT_OK) {
    fprintf(stderr, "recorded; no run waits for this event \"%s\" yet, the first one that does within a day gets it\n", cli->event);
  }
  run_row_free(&row);
  wait_row_free(&w);
  return status;
}

static int send_event(Cli *cli) {
  Val body;
  if (cli->args.n != 1) return cli_usage(cli, "send --event takes one JSON value: breyta-run send --event order.paid '{\"order\": {\"id\": \"A-1\"}}'");
  if (!*cli->event || wait_is_system(cli->event)) return cli_usage(cli, "--event: a name such as order.paid is needed");
  cli_values();
  if (!cli_json(cli, "the event", cli->args.a[0], &body)) return EXIT_USAGE;
  Store *s = cli_store(cli, (StoreOptions){.beside = true});
  if (!s) return EXIT_FAILED;
  int status = record_event(cli, s, body);
  store_close(s);
  return status;
}

int cmd_send(Cli *cli) {
  if (cli->event) return send_event(cli);
  if (cli->args.n != 2) return cli_usage(cli, "send takes a wait key and a JSON value: breyta-run send WAIT-KEY '{\"status\": \"ok\"}'");
  if (!*cli->args.a[0]) return cli_usage(cli, "send: the wait key is empty");
  cli_values();
  Val body;
  if (!cli_json(cli, "the answer", cli->args.a[1], &body)) return EXIT_USAGE;
  Store *s = cli_store(cli, (StoreOptions){.beside = true});
  if (!s) return EXIT_FAILED;
  if (!answer_is_good(cli, s, cli->args.a[0], body)) {
    store_close(s);
    return EXIT_USAGE;
  }
  bool duplicate = is_duplicate(cli, s, cli->args.a[0]);
  int status = duplicate ? EXIT_OK : put_inbox(cli, s, cli->args.a[0], "event", body);
  if (status == EXIT_OK && !duplicate) say_recorded(cli, s, cli->args.a[0]);
  store_close(s);
  return status;
}

static const char *note_text(Val note, const char *key) { return id_text(map_get_kw(note, key)); }

/* Does the run wait for this answer? Otherwise told. */
static bool answer_fits(Cli *cli, const RunRow *row, const char *step) {
  Val note = row->note && *row->note ? read_one(row->note, strlen(row->note), NULL, true) : NIL;
  const char *waits = note_text(note, "waits"), *at = note_text(note, "step"), *verb = cli_commands[cli->cmd].name;
  if (row->status != RUN_WAITING) {
    cli_say("%s %s: the run is %s and waits for no answer", verb, row->run_id, run_status_name(row->status));
    return false;
  }
  if (step && *at && !step_named(map_get_kw(note, "step"), step)) {
    cli_say("%s %s %s: the run waits at step %s", verb, row->run_id, step, at);
    return false;
  }
  if (!strcmp(waits, "sleep") || (!strcmp(waits, "wait") && (cli->cmd == CMD_retry || cli->cmd == CMD_skip))) {
    cli_say("%s %s: step %s is a :%s and no failed step at a checkpoint%s", verb, row->run_id, at, waits, *waits == 'w' ? "; answer it with `breyta-run send`" : "");
    return false;
  }
  return true;
}

/* May this person answer the run's wait so? Told. */
static bool decision_is_good(Cli *cli, Store *s, const RunRow *row, Val value) {
  WaitRow w = {0};
  Err err = {0};
  if ((cli->cmd != CMD_approve && cli->cmd != CMD_reject) || !wait_of_run(s, row->workspace, row->run, &w, &err)) return true;
  Val spec = wait_spec_read(&w);
  const char *verb = cli_commands[cli->cmd].name;
  bool ok = wait_role_check(spec, cli->role, &err) && wait_answer_check(spec, value, verb, &err);
  if (!ok) cli_say("%s %s: %s", verb, row->run_id, err.msg);
  wait_row_free(&w);
  return ok;
}

/* Who answers: the name of the account. */
static const char *cli_user(void) {
  const struct passwd *p = getpwuid(geteuid());
  return p ? p->pw_name : getenv("USER");
}

static int answer(Cli *cli) {
  const char *verb = cli_commands[cli->cmd].name;
  if (cli->args.n < 1 || cli->args.n > 2) return cli_usage(cli, "%s takes a run id and, if you like, a step: breyta-run %s RUN-ID [STEP]", verb, verb);
  cli_values();
  Val body = map_assoc(map_empty, kw_c("action"), str_c(verb)), value = NIL;
  const char *step = cli->args.n > 1 ? cli->args.a[1] : NULL;
  if (step && *step == ':') step++;
  if (step) body = map_assoc(body, kw_c("step"), str_c(step));
  if (cli->value) {
    if (!cli_json(cli, "--value", cli->value, &value)) return EXIT_USAGE;
    body = map_assoc(body, kw_c("value"), value);
  }
  if (cli_no_database(cli)) return EXIT_USAGE;
  if (cli->reason) body = map_assoc(body, kw_c("reason"), str_c(cli->reason));
  const char *by = cli->by ? cli->by : cli_user();
  if (by) body = map_assoc(body, kw_c("by"), str_c(by));
  if (cli->role) body = map_assoc(body, kw_c("role"), str_c(cli->role));
  Store *s = cli_store(cli, (StoreOptions){.beside = true});
  if (!s) return EXIT_FAILED;
  RunRow row = {0};
  int status = cli_run_row(cli, s, cli->args.a[0], &row);
  if (status == EXIT_OK && (!answer_fits(cli, &row, step) || !decision_is_good(cli, s, &row, value))) status = EXIT_USAGE;
  if (status == EXIT_OK) status = put_inbox(cli, s, row.run_id, "action", body);
  if (status == EXIT_OK) cli_say_resume(cli, "recorded; to go on: ", row.run_id);
  run_row_free(&row);
  store_close(s);
  return status;
}

int cmd_approve(Cli *cli) { return answer(cli); }
int cmd_reject(Cli *cli) { return answer(cli); }
int cmd_retry(Cli *cli) { return answer(cli); }
int cmd_skip(Cli *cli) { return answer(cli); }
