/* cli_show.c - looking at runs: `runs`, `show`, `replay`. The database is opened for reading only, beside whoever runs it. */
#include "runtime/engine/child.h"
#include "cli_run.h"
#include "runtime/base/duration.h"
#include "eval/unit.h"
#include "runtime/engine/inspect.h"
#include "runtime/base/json.h"
#include "reader/num.h"
#include <stdlib.h>

enum { PAGE = 128, SHORT = 160 };

static bool formatted(const Cli *cli) { return CLI_GIVEN(cli, format); }

void cli_short_text(Val v, size_t most, Buf *b) {
  Buf all = {0};
  if (is_sig(cli_pr(env_core(), v, &all))) buf_c(&all, "?");
  size_t n = all.n;
  if (n > most) {
    n = most;
    while (n && ((unsigned char)all.p[n] & 0xc0) == 0x80) n--;
  }
  buf_add(b, all.p ? all.p : "", n);
  if (n < all.n) buf_c(b, "...");
  buf_free(&all);
}

/* Entries in the order in which they are told; `fields` makes them a map that keeps it. */
static void put(ValVec *m, const char *key, Val v) {
  if (is_nil(v)) return;
  vv_push(m, kw_c(key));
  vv_push(m, v);
}
static Val fields(const ValVec *m) { return amap_from(m->a, m->n / 2); }

static Val text_or_nil(const char *s) { return s && *s ? str_c(s) : NIL; }
static Val time_or_nil(int64_t ms) {
  char t[40];
  if (!ms) return NIL;
  cli_time_text(ms, t);
  return str_c(t);
}

static void put_row(ValVec *m, const RunRow *r) {
  put(m, "run-id", str_c(r->run_id));
  put(m, "flow", text_or_nil(r->slug));
  put(m, "workspace", text_or_nil(r->workspace));
  put(m, "status", str_c(run_status_name(r->status)));
  put(m, "created", time_or_nil(r->created_ms));
  put(m, "updated", time_or_nil(r->updated_ms));
  put(m, "finished", time_or_nil(r->finished_ms));
  put(m, "wakes", time_or_nil(r->wake_ms));
  put(m, "child-of", child_lineage(r));
}

/* "child of RUN, step :s" and which one of a fan-out; nothing for a run that is nobody's child. */
static void child_text(const RunRow *r, const char *before, Buf *b) {
  Val of = child_lineage(r), index = map_get_kw(of, "fanout-index"), count = map_get_kw(of, "fanout-count");
  if (!is_map(of)) return;
  buf_fmt(b, "%schild of %s, step :%s", before, str_s(map_get_kw(of, "parent-workflow-id")), kw_text(map_get_kw(of, "parent-step-id")));
  if (is_long(index) && is_long(count)) buf_fmt(b, ", %lld of %lld", (long long)long_of(index) + 1, (long long)long_of(count));
}

/* --- runs ------------------------------------------------------------------------------------------------------------------------ */
static bool list_row(const Cli *cli, const RunRow *r, bool first, Buf *b) {
  char at[40];
  if (formatted(cli)) {
    bool json = !strcmp(cli->format, "json");
    if (json) buf_c(b, first ? "[" : ",\n ");
    ValVec m = {0};
    put_row(&m, r);
    if (!cli_value_text(cli, fields(&m), b)) return false;
    if (!json) buf_ch(b, '\n');
    return true;
  }
  if (first) buf_fmt(b, "%-36s %-20s %-10s %-20s %s\n", "RUN", "FLOW", "STATUS", "CREATED", "FINISHED");
  cli_time_text(r->created_ms, at);
  buf_fmt(b, "%-36s %-20s %-10s %-20s ", r->run_id, r->slug ? r->slug : "", run_status_name(r->status), at);
  if (r->finished_ms) cli_time_text(r->finished_ms, at);
  buf_fmt(b, "%s", r->finished_ms ? at : "-");
  child_text(r, "  ", b);
  buf_ch(b, '\n');
  return true;
}

static bool list_runs(const Cli *cli, Store *s, Err *err) {
  RunRow rows[PAGE];
  int64_t after = 0;
  size_t n;
  bool first = true, ok = true;
  do {
    Buf b = {0};
    n = store_runs(s, after, 0, rows, PAGE, err);
    for (size_t i = 0; i < n; i++) {
      after = rows[i].run;
      bool wanted = !CLI_GIVEN(cli, workspace) || (rows[i].workspace && !strcmp(rows[i].workspace, cli->workspace));
      if (wanted && ok) {
        ok = list_row(cli, &rows[i], first, &b);
        first = false;
      }
      run_row_free(&rows[i]);
    }
    cli_out(b.p ? b.p : "", b.n);
    buf_free(&b);
  } while (n == PAGE && ok);
  if (formatted(cli) && !strcmp(cli->format, "json")) cli_out(first ? "[]\n" : "]\n", first ? 3 : 2);
  else if (first && !err->code) fprintf(stderr, "no runs in %s\n", cli->db);
  return ok;
}

int cmd_runs(Cli *cli) {
  if (cli->args.n) return cli_usage(cli, "runs takes no argument; `breyta-run show %s` shows one run", cli->args.a[0]);
  if (cli_no_database(cli)) return EXIT_USAGE;
  cli_values();
  Store *s = cli_store(cli, (StoreOptions){.read_only = true});
  if (!s) return EXIT_FAILED;
  Err err = {0};
  bool ok = list_runs(cli, s, &err);
  if (err.code) cli_say("%s [%s]", err.msg, err.code);
  cli_out_flush();
  store_close(s);
  return ok && !err.code ? EXIT_OK : EXIT_FAILED;
}

/* --- show ------------------------------------------------------------------------------------------------------------------------ */
/* What all calls of models took together. */
typedef struct Usage { int64_t in, out, calls; double cost; Val currency; bool priced; } Usage;
typedef struct Shown { const Cli *cli; Buf *b; ValVec steps; int64_t created, last; int n; Usage used; } Shown;

static void duration_text(Buf *b, int64_t ms) { duration_print(b, ms < 0 ? 0 : ms); }

static void short_line(Buf *b, const char *label, Val v) {
  if (is_nil(v)) return;
  buf_fmt(b, "             %-7s ", label);
  cli_short_text(v, SHORT, b);
  buf_ch(b, '\n');
}

/* What a language model took: {:usage {:input-tokens ..} :cost {:total ..}} of a result or an error. */
static bool usage_of(Val v, Usage *u) {
  Val used = map_get_kw(v, "usage"), in = map_get_kw(used, "input-tokens"), out = map_get_kw(used, "output-tokens");
  Val cost = map_get_kw(map_get_kw(v, "cost"), "total"), currency = map_get_kw(map_get_kw(v, "cost"), "currency");
  *u = (Usage){.calls = 1, .currency = NIL};
  if (!is_long(in) || !is_long(out)) return false;
  u->in = long_of(in);
  u->out = long_of(out);
  u->priced = is_num(cost) && is_str(currency);
  if (u->priced) u->cost = num_to_double(cost), u->currency = currency;
  return true;
}

static void usage_add(Usage *all, const Usage *u) {
  all->priced = u->priced && (!all->calls || (all->priced && str_eq_c(all->currency, str_s(u->currency))));
  all->in += u->in;
  all->out += u->out;
  all->calls += u->calls;
  all->cost += u->cost;
  all->currency = u->currency;
}

static void usage_text(Buf *b, const Usage *u) {
  buf_fmt(b, "%lld tokens in, %lld out", (long long)u->in, (long long)u->out);
  if (u->calls > 1) buf_fmt(b, " by %lld calls", (long long)u->calls);
  if (u->priced) {
    buf_c(b, ", ");
    num_str(b, dbl_val(u->cost));
    buf_fmt(b, " %s", str_s(u->currency));
  }
  buf_ch(b, '\n');
}

static void usage_line(Shown *s, Val v) {
  Usage u;
  if (!usage_of(v, &u)) return;
  usage_add(&s->used, &u);
  buf_fmt(s->b, "             %-7s ", "usage");
  usage_text(s->b, &u);
}

static const char *by_text(const char *by) {
  return !strcmp(by, "hand") ? "answered by hand" : !strcmp(by, "parent") ? "taken over" : !strcmp(by, "cancel") ? "cancelled" : by;
}

static bool show_step(void *ctx, const HistoryStep *h) {
  Shown *s = ctx;
  Buf at = {0}, took = {0};
  buf_ch(&at, '+');
  duration_text(&at, h->started_ms - s->created);
  if (h->ended_ms) duration_text(&took, h->ended_ms - h->started_ms);
  if (h->number > s->last) buf_fmt(s->b, "%4lld", (long long)h->number);
  buf_fmt(s->b, "%*s%-10s %-9s :%s :%s", h->number > s->last ? 2 : 6, "", buf_cstr(&at), h->status, h->type, h->step);
  s->last = h->number;
  if (h->occurrence > 1) buf_fmt(s->b, " #%lld", (long long)h->occurrence);
  if (h->attempt > 1) buf_fmt(s->b, " attempt %d", h->attempt);
  if (took.n) buf_fmt(s->b, "  %s", buf_cstr(&took));
  if (h->title) buf_fmt(s->b, "  (%s)", h->title);
  if (*h->by) buf_fmt(s->b, "  %s", by_text(h->by));
  buf_ch(s->b, '\n');
  short_line(s->b, "input", h->input);
  short_line(s->b, "output", h->output);
  short_line(s->b, "error", h->error);
  if (!strcmp(h->type, "llm")) usage_line(s, is_nil(h->error) ? h->output : h->error);
  buf_free(&at);
  buf_free(&took);
  s->n++;
  return true;
}

static bool collect_step(void *ctx, const HistoryStep *h) {
  Shown *s = ctx;
  ValVec m = {0};
  put(&m, "number", int_val(h->number));
  put(&m, "step", str_c(h->step));
  put(&m, "type", str_c(h->type));
  put(&m, "title", text_or_nil(h->title));
  put(&m, "status", str_c(h->status));
  put(&m, "attempt", fix(h->attempt));
  put(&m, "occurrence", int_val(h->occurrence));
  put(&m, "started", time_or_nil(h->started_ms));
  put(&m, "ended", time_or_nil(h->ended_ms));
  put(&m, "input", h->input);
  put(&m, "output", h->output);
  put(&m, "error", h->error);
  put(&m, "by", text_or_nil(h->by));
  vv_push(&s->steps, fields(&m));
  return true;
}

static bool show_data(const Cli *cli, Engine *e, const RunRow *row, const RunState *st, Err *err) {
  Shown s = {.cli = cli};
  if (!engine_history(e, row->run, collect_step, &s, err)) return false;
  ValVec m = {0};
  put_row(&m, row);
  put(&m, "source", text_or_nil(row->source_hash));
  put(&m, "forked-from", engine_lineage(e, row->run));
  if (!run_status_final(st->status)) put(&m, "waits-for", text_or_nil(st->waits_for));
  put(&m, "steps", vec_from(s.steps.a, s.steps.n));
  if (st->status == RUN_COMPLETED) {
    vv_push(&m, kw_c("value"));
    vv_push(&m, st->value);
  }
  put(&m, "error", st->error);
  return cli_print_value(cli, fields(&m)) || err_set(err, "print", "the run cannot be shown in this format");
}

static void show_head(const RunRow *row, Buf *b) {
  char at[40];
  cli_time_text(row->created_ms, at);
  buf_fmt(b, "run       %s\nflow      %s (source %.12s)\nstatus    %s\ncreated   %s\n", row->run_id, row->slug ? row->slug : "", row->source_hash ? row->source_hash : "?",
          run_status_name(row->status), at);
  if (!row->finished_ms) return;
  cli_time_text(row->finished_ms, at);
  buf_fmt(b, "finished  %s (", at);
  duration_text(b, row->finished_ms - row->created_ms);
  buf_c(b, ")\n");
}

static void show_lineage(Engine *e, const RunRow *row, Buf *b) {
  Val from = engine_lineage(e, row->run), changed = is_map(from) ? map_get_kw(from, "changed") : NIL;
  if (!is_map(from)) return;
  buf_fmt(b, "forked    from %s at step %lld", str_s(map_get_kw(from, "run-id")), (long long)long_of(map_get_kw(from, "step")));
  for (uint32_t i = 0; is_vec(changed) && i < vec_count(changed); i++) buf_fmt(b, "%s%s", i ? ", " : ", other ", str_s(AS(Kw, vec_nth(changed, i))->name));
  buf_ch(b, '\n');
}

static bool show_text(const Cli *cli, Engine *e, const RunRow *row, const RunState *st, Err *err) {
  Buf b = {0};
  Shown s = {.cli = cli, .b = &b, .created = row->created_ms};
  show_head(row, &b);
  show_lineage(e, row, &b);
  if (row->lineage) child_text(row, "parent    ", &b), buf_ch(&b, '\n');
  buf_c(&b, "steps\n");
  bool ok = engine_history(e, row->run, show_step, &s, err);
  if (!s.n) buf_c(&b, "  none yet\n");
  if (s.used.calls > 1) buf_c(&b, "usage     "), usage_text(&b, &s.used);
  if (st->status == RUN_COMPLETED) {
    buf_c(&b, "value     ");
    cli_short_text(st->value, 4 * SHORT, &b);
  } else if (!is_nil(st->error)) {
    buf_c(&b, "error     ");
    cli_short_text(st->error, 4 * SHORT, &b);
  } else {
    cli_commands_text(cli, st->waits_for, &b);
  }
  buf_ch(&b, '\n');
  cli_out(b.p, b.n);
  cli_out_flush();
  buf_free(&b);
  return ok;
}

/* Opens for reading, finds the run the command names, does f. */
static int with_run(Cli *cli, int (*f)(Cli *cli, Engine *e, const RunRow *row, Err *err)) {
  const char *verb = cli_commands[cli->cmd].name;
  if (cli->args.n != 1) return cli_usage(cli, "%s takes one run id: breyta-run %s RUN-ID", verb, verb);
  if (cli_no_database(cli)) return EXIT_USAGE;
  cli_engine_values();
  Store *s = cli_store(cli, (StoreOptions){.read_only = true});
  if (!s) return EXIT_FAILED;
  Err err = {0};
  RunRow row = {0};
  int status = cli_run_row(cli, s, cli->args.a[0], &row);
  if (status == EXIT_OK) {
    Engine *e = engine_new(s, &(EngineOptions){.workspace = cli->workspace}, &err);
    status = e ? f(cli, e, &row, &err) : EXIT_FAILED;
    if (err.code) cli_say("%s [%s]", err.msg, err.code);
    if (e) engine_free(e);
  }
  run_row_free(&row);
  store_close(s);
  return status;
}

enum { STEP_WIDTH = 120 };
static int show_stack(Cli *cli, Engine *e, const RunRow *row, Err *err) {
  int64_t step;
  if (!inspect_step_number(e, row->run, cli->step, &step, err)) return EXIT_USAGE;
  Val at = inspect_at(e, row->run, step, err);
  if (same(at, ABSENT)) return err->code && !strcmp(err->code, "no_step") ? EXIT_USAGE : EXIT_FAILED;
  if (formatted(cli)) return cli_print_value(cli, at) ? EXIT_OK : EXIT_FAILED;
  Buf b = {0};
  inspect_print(at, STEP_WIDTH, &b);
  cli_out(b.p, b.n);
  cli_out_flush();
  buf_free(&b);
  return EXIT_OK;
}

static int show(Cli *cli, Engine *e, const RunRow *row, Err *err) {
  RunState st;
  if (cli->step) return show_stack(cli, e, row, err);
  if (!engine_state(e, row->run, &st, err)) return EXIT_FAILED;
  return (formatted(cli) ? show_data : show_text)(cli, e, row, &st, err) ? EXIT_OK : EXIT_FAILED;
}
int cmd_show(Cli *cli) { return with_run(cli, show); }

/* --- replay ---------------------------------------------------------------------------------------------------------------------- */
static int replay(Cli *cli, Engine *e, const RunRow *row, Err *err) {
  (void)cli;
  Buf diff = {0};
  RunState end = {0};
  if (!engine_replay(e, row->run, &diff, &end, err)) return EXIT_FAILED;
  bool same_end = diff.n == 0;
  if (same_end) fprintf(stderr, "replay of %s is identical to its history (%s)\n", row->run_id, run_status_name(row->status));
  else fprintf(stderr, "replay of %s differs: %s\n", row->run_id, buf_cstr(&diff));
  buf_free(&diff);
  return same_end ? EXIT_OK : EXIT_FAILED;
}
int cmd_replay(Cli *cli) { return with_run(cli, replay); }
