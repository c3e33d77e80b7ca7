/* repl_flow.c - breyta.repl: the functions by which an author runs a flow step by step, looks at runs and forks them. What they work on
 * is in repl_bench.c, how their values look at a terminal in repl_view.c. */
#include "runtime/cli/cli_run.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/fork.h"
#include "runtime/engine/inspect.h"
#include "repl_bench.h"
#include "repl_ext.h"
#include "repl_view.h"
#include "eval/unit.h"
#include "reader/read.h"
#include <stdio.h>
#include <unistd.h>

#define BENCH(b)              \
  Bench *b = bench_enter();   \
  if (!b) return SIG_THROW

static Val opt(Val m, const char *key) { return is_map(m) ? map_get_kw(m, key) : NIL; }
static void put(Val *m, const char *key, Val v) {
  if (!is_nil(v)) *m = map_assoc(*m, kw_c(key), v);
}
static Val inst_of(int64_t ms) {
  if (!ms) return NIL;
  Inst *i = mem_obj(T_INST);
  i->ms = ms;
  return from_obj(i);
}
static Val usage(const char *must, Val got) {
  Buf b = {0};
  if (is_sig(print_to(&b, got, &print_readably))) buf_ch(&b, '?');
  Val v = bench_fail("usage", "%s, not %.100s", must, buf_cstr(&b));
  buf_free(&b);
  return v;
}
static Val state_of(Bench *b) {
  Stepper s = bench_stepper(b);
  return view_as(stepper_state(&s), "state");
}

/* --- the flow and its input ------------------------------------------------------------ */
static Val flow_map(const Bench *b) {
  Val m = map_assoc(map_empty, kw_c("slug"), kw_c(b->def->slug));
  put(&m, "file", str_c(b->flow_path));
  put(&m, "input", b->input);
  return m;
}

static Val load_path(Bench *b, const char *path) {
  FlowDef *def;
  CHECK(bench_load(b, path, &def));
  bench_flow(def, path);
  return flow_map(b);
}

DOC(load_flow, "[] [path]",
    "Reads a flow definition; with no path the one loaded last, again. Problems are printed. (start!) then runs it.",
    "(fn? breyta.repl/load-flow) ;=> true");
static Val load_flow1(Val path) {
  BENCH(b);
  return is_str(path) ? load_path(b, str_s(path)) : usage("load-flow takes the path of a flow, (load-flow \"flow.edn\")", path);
}
static Val load_flow0(void) {
  BENCH(b);
  return b->flow_path ? load_path(b, b->flow_path) : bench_fail("no-flow", "no flow is loaded: (load-flow \"flow.edn\")");
}

DOC(set_input, "[] [m]", "Sets the input map of the runs that (start!) begins; without an argument says what it is.",
    "(fn? breyta.repl/input!) ;=> true");
static Val set_input1(Val m) {
  BENCH(b);
  if (!is_map(m)) return usage("the input of a flow is a map", m);
  return b->input = m;
}
static Val set_input0(void) {
  BENCH(b);
  return b->input;
}

/* --- running ------------------------------------------------------------ */
static Val settled(Bench *b, bool ok, const Err *err) { return ok ? state_of(b) : bench_error(err); }

static Val start(Bench *b, Val o) {
  Err err = {0};
  Val input = opt(o, "input"), id = opt(o, "id");
  if (!b->def) return bench_fail("no-flow", "no flow is loaded: (load-flow \"flow.edn\")");
  if (is_nil(input)) input = b->input;
  if (!is_map(input)) return usage("the input of a flow is a map", input);
  if (!is_nil(id) && !is_str(id)) return usage(":id is a string", id);
  CHECK(bench_writing(b));
  if (!flowdef_input(b->def, &input, &err)) return bench_fail("bad-input", "%s; set it with (input! {...})", err.msg);
  int64_t run;
  if (!engine_start(b->e, b->def, input, is_nil(id) ? NULL : str_s(id), &run, &err)) return bench_error(&err);
  b->e->stepping = b->run = run;
  Stepper s = bench_stepper(b);
  return settled(b, stepper_settle(&s, false, &err), &err);
}

DOC(start, "[] [opts]",
    "Begins a run of the loaded flow and stops in front of its first step. opts: :input a map in place of (input!), :id the run's name.",
    "(fn? breyta.repl/start!) ;=> true");
static Val start0(void) {
  BENCH(b);
  return start(b, NIL);
}
static Val start1(Val o) {
  BENCH(b);
  return is_map(o) ? start(b, o) : usage("start! takes a map of :input and :id", o);
}

static Val on_run(Bench *b) {
  return b->run ? bench_writing(b)
                : bench_fail("no-run", "no run is at hand: (start!) begins one, (attach! \"run-id\") takes one of (runs)");
}

DOC(step, "[]",
    "Does the step in front of which the run stands, and stops in front of the next one. A :wait that begins then waits to be answered.",
    "(fn? breyta.repl/step!) ;=> true");
static Val step0(void) {
  BENCH(b);
  Err err = {0};
  CHECK(on_run(b));
  Stepper s = bench_stepper(b);
  return settled(b, stepper_step(&s, &err), &err);
}

DOC(run_on, "[]", "Lets the run go on for real, to its end or until it waits for the outside; tells each step that ends.",
    "(fn? breyta.repl/run-on!) ;=> true");
static Val run_on0(void) {
  BENCH(b);
  Err err = {0};
  CHECK(on_run(b));
  Stepper s = bench_stepper(b);
  b->talk = true;
  bool ok = stepper_run_on(&s, &err);
  b->talk = false;
  return settled(b, ok, &err);
}

DOC(answer, "[value]",
    "Answers the step by hand: its result is value, as data. Works in front of a step, in a :wait, at a :checkpoint and in a pause.",
    "(fn? breyta.repl/answer!) ;=> true");
static Val answer1(Val v) {
  BENCH(b);
  Err err = {0};
  CHECK(on_run(b));
  Stepper s = bench_stepper(b);
  return settled(b, stepper_answer(&s, true, v, &err), &err);
}

static Val fail_with(Val msg, Val data) {
  BENCH(b);
  Err err = {0};
  CHECK(on_run(b));
  if (!is_str(msg) && !is_map(msg) && !is_nil(msg)) return usage("fail! takes a message and a map", msg);
  if (!is_nil(data) && !is_map(data)) return usage("the data of an error is a map", data);
  Val error = is_map(msg) ? msg : is_map(data) ? data : map_empty;
  if (is_str(msg)) error = map_assoc(error, kw_c("message"), msg);
  Stepper s = bench_stepper(b);
  return settled(b, stepper_answer(&s, false, error, &err), &err);
}
DOC(fail, "[] [message] [message data]",
    "Fails the step by hand: the flow sees an ex-info with this message and data (:type :by-hand unless given), and may catch it.",
    "(fn? breyta.repl/fail!) ;=> true");
static Val fail0(void) { return fail_with(NIL, NIL); }
static Val fail1(Val msg) { return fail_with(msg, NIL); }
static Val fail2(Val msg, Val data) { return fail_with(msg, data); }

DOC(state, "[]", "How the run at hand stands: in front of which step, waiting for what, or with which value it ended.",
    "(fn? breyta.repl/state) ;=> true");
static Val state0(void) {
  BENCH(b);
  RunRow row = {0};
  CHECK(bench_run(b, NIL, &row));
  run_row_free(&row);
  return state_of(b);
}

DOC(attach, "[run-id]", "Takes a stored run at hand. An unfinished one goes on under the stepper: it stops in front of its next step.",
    "(fn? breyta.repl/attach!) ;=> true");
static Val attach1(Val id) {
  BENCH(b);
  RunRow row = {0};
  Err err = {0};
  CHECK(bench_run(b, id, &row));
  b->run = row.run;
  bool over = run_status_final(row.status) || row.status == RUN_BLOCKED;
  run_row_free(&row);
  if (over) return state_of(b);
  CHECK(bench_writing(b));
  b->e->stepping = b->run;
  Stepper s = bench_stepper(b);
  return settled(b, engine_resume(b->e, b->run, &err) && stepper_settle(&s, false, &err), &err);
}

DOC(cancel, "[] [run-id]", "Cancels the run at hand, or another one: its step fails as no catch clause takes it, finally blocks run.",
    "(fn? breyta.repl/cancel!) ;=> true");
static Val cancel1(Val id) {
  BENCH(b);
  RunRow row = {0};
  Err err = {0};
  CHECK(bench_run(b, id, &row));
  int64_t run = row.run, was = b->run;
  Val v = bench_writing(b);
  bool ok = !is_sig(v) && engine_cancel(b->store, &row, false, NULL, &err);
  run_row_free(&row);
  if (is_sig(v)) return v;
  if (!ok) return bench_error(&err);
  b->run = run;
  b->e->stepping = 0;
  Stepper s = bench_stepper(b);
  ok = engine_drain_inbox(b->e, &err) && stepper_settle(&s, true, &err);
  Val out = settled(b, ok, &err);
  if (was && was != run) b->run = was;
  return out;
}
static Val cancel0(void) { return cancel1(NIL); }

/* --- looking ------------------------------------------------------------ */
/* A step as people name it: 3, :fetch, "fetch#2". */
static Val step_number(Bench *b, int64_t run, Val step, int64_t *n) {
  Err err = {0};
  *n = 0;
  if (is_nil(step)) return NIL;
  if (is_fix(step)) {
    *n = fix_of(step);
    return NIL;
  }
  if (!is_kw(step) && !is_str(step))
    return usage("a step is named by its number, its id such as :fetch, or \"fetch#2\" for its second time", step);
  return inspect_step_number(b->e, run, kw_text(step), n, &err) ? NIL : bench_error(&err);
}

static Val stack_at(Bench *b, Val id, Val step) {
  RunRow row = {0};
  Err err = {0};
  int64_t n;
  CHECK(bench_run(b, id, &row));
  int64_t run = row.run;
  run_row_free(&row);
  Stepper s = bench_stepper(b);
  Val held = is_nil(step) && run == b->run ? stepper_stack(&s) : ABSENT;
  if (!same(held, ABSENT)) return held;
  CHECK(step_number(b, run, step, &n));
  Val at = inspect_at(b->e, run, n, &err);
  return same(at, ABSENT) ? bench_error(&err) : at;
}

static Val stack(Val id, Val step) {
  BENCH(b);
  TRY(at, stack_at(b, id, step));
  return view_as(at, "stack");
}
DOC(stack, "[] [step] [run-id step]",
    "The calls that had not returned and their locals, innermost first: where the run at hand stands, or as it was in front "
    "of a step (a number, an id such as :fetch, or \"fetch#2\") of it or of any stored run.",
    "(fn? breyta.repl/stack) ;=> true");
static Val stack0(void) { return stack(NIL, NIL); }
static Val stack1(Val step) { return stack(NIL, step); }
static Val stack2(Val id, Val step) { return stack(id, step); }

static Val locals(Val id, Val step, Val frame) {
  BENCH(b);
  if (!is_fix(frame) || fix_of(frame) < 0) return usage("a frame is given by its number in (stack)", frame);
  TRY(at, stack_at(b, id, step));
  Val frames = map_get_kw(at, "frames");
  if (fix_of(frame) >= vec_count(frames)) return bench_fail("no-frame", "there are %u frames, counted from 0", vec_count(frames));
  Val m = map_get_kw(vec_nth(frames, (uint32_t)fix_of(frame)), "locals");
  return is_nil(m) ? map_empty : m;
}
DOC(locals, "[] [frame] [run-id step] [run-id step frame]",
    "The locals of a frame of (stack) as a map, {:x 1}; of the innermost one if none is named.", "(fn? breyta.repl/locals) ;=> true");
static Val locals0(void) { return locals(NIL, NIL, fix(0)); }
static Val locals1(Val frame) { return locals(NIL, NIL, frame); }
static Val locals2(Val id, Val step) { return locals(id, step, fix(0)); }
static Val locals3(Val id, Val step, Val frame) { return locals(id, step, frame); }

typedef struct Steps { Val rows; } Steps;
static bool step_row(void *ctx, const HistoryStep *h) {
  Val m = map_assoc(map_empty, kw_c("number"), int_val(h->number));
  put(&m, "type", kw_c(h->type));
  put(&m, "step", kw_c(h->step));
  put(&m, "status", kw_c(h->status));
  if (h->attempt > 1) put(&m, "attempt", fix(h->attempt));
  if (*h->by) put(&m, "by", kw_c(h->by));
  put(&m, "started", inst_of(h->started_ms));
  put(&m, "ended", inst_of(h->ended_ms));
  put(&m, "input", h->input);
  m = map_assoc(m, kw_c("output"), h->output);
  put(&m, "error", h->error);
  if (!is_nil(h->error)) m = map_assoc(m, kw_c("output"), h->error);
  ((Steps *)ctx)->rows = vec_conj(((Steps *)ctx)->rows, m);
  return true;
}
DOC(steps, "[] [run-id]", "Every attempt of every step of a run: input, output or error, times, who answered it.",
    "(fn? breyta.repl/steps) ;=> true");
static Val steps1(Val id) {
  static const char *const columns[] = {"number", "type", "step", "status", "by", "input", "output", NULL};
  BENCH(b);
  RunRow row = {0};
  Err err = {0};
  Steps s = {vec_empty};
  CHECK(bench_run(b, id, &row));
  bool ok = engine_history(b->e, row.run, step_row, &s, &err);
  run_row_free(&row);
  return ok ? view_table(s.rows, columns) : bench_error(&err);
}
static Val steps0(void) { return steps1(NIL); }

/* The records as they are, fields by name. */
static bool journal_row(void *ctx, const JournalRec *j) {
  static const char *const kinds[] = {"", "start", "intent", "result", "step", "retry", "check", "nondet", "end", "edit"};
  static const char *const fields[][JS_COUNT + 1] = {
      {0}, {"input", "source", "at", "lineage"}, {"step", "type", "title", "occurrence", "attempt", "hash", "at", "input", "due", "node"},
      {"ok", "value", "at", "intent", "by"},
      {"step", "type", "title", "occurrence", "attempt", "hash", "at", "input", "ok", "value", "end", "node", "by"},
      {"attempt", "value", "at", "due"}, {"attempt", "value", "at"}, {"value"}, {"status", "value", "at"}, {"value", "again", "at"}};
  Val v = snap_read_value(env_core(), j->data.p, j->data.n), m = map_assoc(map_empty, kw_c("seq"), int_val(j->seq));
  if (!is_vec(v) || j->kind < 1 || j->kind >= (int)(sizeof kinds / sizeof *kinds)) return false;
  put(&m, "record", kw_c(kinds[j->kind]));
  for (uint32_t i = 0; i < vec_count(v) && fields[j->kind][i]; i++) {
    const char *name = fields[j->kind][i];
    bool time = !strcmp(name, "at") || !strcmp(name, "end") || !strcmp(name, "due");
    put(&m, name, time && is_long(vec_nth(v, i)) ? inst_of(long_of(vec_nth(v, i))) : vec_nth(v, i));
  }
  ((Steps *)ctx)->rows = vec_conj(((Steps *)ctx)->rows, m);
  return true;
}
DOC(journal, "[] [run-id]", "The journal of a run, record by record, as it is stored.", "(fn? breyta.repl/journal) ;=> true");
static Val journal1(Val id) {
  static const char *const columns[] = {"seq", "record", "step", "at", "by", "input", "value", NULL};
  BENCH(b);
  RunRow row = {0};
  Err err = {0};
  Steps s = {vec_empty};
  CHECK(bench_run(b, id, &row));
  bool ok = store_journal(b->store, row.run, 0, journal_row, &s, &err) || !err.code;
  run_row_free(&row);
  return ok ? view_table(s.rows, columns) : bench_error(&err);
}
static Val journal0(void) { return journal1(NIL); }

static Val run_row_map(const RunRow *r) {
  Val m = map_assoc(map_empty, kw_c("run-id"), str_c(r->run_id));
  put(&m, "flow", r->slug ? str_c(r->slug) : NIL);
  put(&m, "status", kw_c(run_status_name(r->status)));
  put(&m, "created", inst_of(r->created_ms));
  put(&m, "finished", inst_of(r->finished_ms));
  return m;
}

static Val wait_row_map(const RunRow *r) {
  Val note = r->note && *r->note ? read_one(r->note, strlen(r->note), NULL, true) : NIL;
  Val m = map_assoc(map_empty, kw_c("run-id"), str_c(r->run_id)), due = opt(note, "due");
  put(&m, "waits", opt(note, "waits"));
  put(&m, "step", opt(note, "step"));
  put(&m, "key", opt(note, "key"));
  if (is_long(due)) put(&m, "until", inst_of(long_of(due)));
  put(&m, "error", opt(note, "error"));
  return m;
}

static Val all_runs(Bench *b, unsigned mask, Val (*f)(const RunRow *r), const char *const *columns) {
  RunRow rows[128];
  Err err = {0};
  Val out = vec_empty;
  int64_t after = 0;
  size_t n;
  CHECK(bench_reading(b));
  do {
    n = store_runs(b->store, after, mask, rows, 128, &err);
    for (size_t i = 0; i < n; i++) {
      after = rows[i].run;
      out = vec_conj(out, f(&rows[i]));
      run_row_free(&rows[i]);
    }
  } while (n == 128);
  return err.code ? bench_error(&err) : view_table(out, columns);
}
DOC(runs, "[]", "All runs of the database, oldest first.", "(fn? breyta.repl/runs) ;=> true");
static Val runs0(void) {
  static const char *const columns[] = {"run-id", "flow", "status", "created", "finished", NULL};
  BENCH(b);
  return all_runs(b, 0, run_row_map, columns);
}
DOC(waits, "[]", "The runs that wait for something: an answer, a person at a checkpoint, or the end of a sleep.",
    "(fn? breyta.repl/waits) ;=> true");
static Val waits0(void) {
  static const char *const columns[] = {"run-id", "waits", "step", "key", "until", "error", NULL};
  BENCH(b);
  return all_runs(b, 1u << RUN_WAITING, wait_row_map, columns);
}

/* --- changing ------------------------------------------------------------ */
static const char *name_of(Val v) { return is_kw(v) || is_sym(v) || is_str(v) ? kw_text(v) : NULL; }

static Val set_local(int frame, Val name, Val v) {
  BENCH(b);
  Err err = {0};
  if (!name_of(name)) return usage("a local is named by a keyword, as in (set-local! :x 5)", name);
  CHECK(on_run(b));
  Stepper s = bench_stepper(b);
  return settled(b, stepper_change(&s, &(LocalChange){name_of(name), frame, v}, 1, NIL, &err), &err);
}
DOC(set_local, "[name value] [frame name value]",
    "Another value for a local of the run at hand, which stands in front of a step: (set-local! :x 5). The step's input is "
    "computed again. The change is part of the run's history.",
    "(fn? breyta.repl/set-local!) ;=> true");
static Val set_local2(Val name, Val v) { return set_local(-1, name, v); }
static Val set_local3(Val frame, Val name, Val v) {
  if (!is_fix(frame) || fix_of(frame) < 0 || fix_of(frame) > 1000000) return usage("a frame is given by its number in (stack)", frame);
  return set_local((int)fix_of(frame), name, v);
}

DOC(set_config, "[m]", "Another config map for the step in front of which the run at hand stands.",
    "(fn? breyta.repl/set-config!) ;=> true");
static Val set_config1(Val m) {
  BENCH(b);
  Err err = {0};
  if (!is_map(m)) return usage("the config of a step is a map", m);
  CHECK(on_run(b));
  Stepper s = bench_stepper(b);
  return settled(b, stepper_change(&s, NULL, 0, m, &err), &err);
}

enum { MAX_LOCALS = 64 };
static Val fork_locals(Val m, LocalChange *out, ForkChanges *c) {
  MapIter it;
  Val k, v;
  if (is_nil(m)) return NIL;
  if (!is_map(m)) return usage(":locals is a map such as {:x 5}", m);
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    if (!name_of(k)) return usage("a local is named by a keyword", k);
    if (c->nlocals == MAX_LOCALS) return bench_fail("usage", "at most %d locals at once", MAX_LOCALS);
    out[c->nlocals++] = (LocalChange){name_of(k), -1, v};
  }
  c->locals = out;
  return NIL;
}

static Val fork_flow(Bench *b, Val flow, ForkChanges *c) {
  if (is_str(flow)) return bench_load(b, str_s(flow), &c->def);
  if (is_nil(flow)) return NIL;
  if (!b->def) return bench_fail("no-flow", "no flow is loaded: (load-flow \"flow.edn\")");
  c->def = b->def;
  return NIL;
}

static Val fork_changes(Bench *b, Val o, LocalChange *locals_out, ForkChanges *c) {
  static const char *const known[] = {"locals", "result", "error", "config", "input", "flow", "id"};
  MapIter it;
  Val k, v;
  map_iter(&it, o);
  while (map_next(&it, &k, &v)) {
    bool ok = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) ok = ok || kw_is(k, known[i]);
    if (!ok) return usage("fork! knows :locals :result :error :config :input :flow :id", k);
  }
  *c = (ForkChanges){.result = map_get_kw(o, "result"), .config = map_get_kw(o, "config"), .input = map_get_kw(o, "input")};
  if (!same(map_get(o, kw_c("result"), ABSENT), ABSENT)) c->step = FORK_RESULT;
  if (!is_nil(map_get_kw(o, "error"))) c->step = FORK_ERROR, c->result = map_get_kw(o, "error");
  if (!is_nil(c->config) && !is_map(c->config)) return usage(":config is a map", c->config);
  if (!is_nil(c->input) && !is_map(c->input)) return usage(":input is a map", c->input);
  CHECK(fork_locals(map_get_kw(o, "locals"), locals_out, c));
  return fork_flow(b, map_get_kw(o, "flow"), c);
}

static Val fork_run(Val id, Val step, Val o) {
  BENCH(b);
  RunRow row = {0};
  Err err = {0};
  LocalChange changed[MAX_LOCALS];
  ForkChanges c;
  int64_t n;
  if (!is_map(o)) return usage("fork! takes a map of changes, such as {:locals {:x 5}}", o);
  Val name = map_get_kw(o, "id");
  if (!is_nil(name) && !is_str(name)) return usage(":id is a string", name);
  CHECK(bench_run(b, id, &row));
  int64_t parent = row.run;
  run_row_free(&row);
  CHECK(bench_writing(b));
  CHECK(step_number(b, parent, step, &n));
  CHECK(fork_changes(b, o, changed, &c));
  int64_t run;
  if (!engine_fork(b->e, parent, n, &c, is_nil(name) ? NULL : str_s(name), &run, &err)) return bench_error(&err);
  b->e->stepping = b->run = run;
  Stepper s = bench_stepper(b);
  return settled(b, engine_resume(b->e, b->run, &err) && stepper_settle(&s, false, &err), &err);
}
DOC(fork, "[step] [run-id step] [run-id step changes]",
    "A new run with the history of another one up to a step, without doing it again; it stands in front of the step and "
    "is at hand. changes: :locals {:x 5}, :config {...}, :result v or :error \"why\" (then behind the step), :input {...}, :flow a path or "
    "true for the "
    "loaded one, :id the new run's name.",
    "(fn? breyta.repl/fork!) ;=> true");
static Val fork1(Val step) { return fork_run(NIL, step, map_empty); }
static Val fork2(Val id, Val step) { return fork_run(id, step, map_empty); }

DOC(replay, "[] [run-id]",
    "Runs a stored run again from its journal, without any effect: nil when all is as it was, else the first difference in words.",
    "(fn? breyta.repl/replay) ;=> true");
static Val replay1(Val id) {
  BENCH(b);
  RunRow row = {0};
  RunState st;
  Err err = {0};
  Buf diff = {0};
  CHECK(bench_run(b, id, &row));
  bool ok = engine_replay(b->e, row.run, &diff, &st, &err);
  run_row_free(&row);
  Val out = !ok ? bench_error(&err) : diff.n ? buf_str(&diff) : NIL;
  buf_free(&diff);
  return out;
}
static Val replay0(void) { return replay1(NIL); }

/* --- the database ------------------------------------------------------------ */
DOC(db, "[] [path]", "Which database is at hand and how it is open; with a path, goes to another one.", "(fn? breyta.repl/db) ;=> true");
static Val db0(void) {
  BENCH(b);
  Val m = map_assoc(map_empty, kw_c("path"), str_c(b->db));
  put(&m, "workspace", str_c(b->workspace));
  return map_assoc(m, kw_c("open"), !b->store ? NIL : kw_c(b->writable ? "writing" : "reading"));
}
static Val db1(Val path) {
  BENCH(b);
  if (!is_str(path)) return usage("a database is a file: (db \"path\")", path);
  bench_config(str_s(path), NULL, b->guard, NULL, NULL);
  return db0();
}
DOC(close, "[]", "Hands the database back, so that other processes can run its flows; what is at hand stays where it is durable.",
    "(fn? breyta.repl/close!) ;=> true");
static Val close0(void) {
  BENCH(b);
  bench_close(b);
  return NIL;
}

/* --- the extension ------------------------------------------------------------ */
static const BuiltinRow rows_repl_flow[] = {
    ROW0("breyta.repl/load-flow", load_flow0, load_flow, B_IMPURE), ROW1("breyta.repl/load-flow", load_flow1, load_flow, B_IMPURE),
    ROW0("breyta.repl/input!", set_input0, set_input, B_IMPURE), ROW1("breyta.repl/input!", set_input1, set_input, B_IMPURE),
    ROW0("breyta.repl/start!", start0, start, B_IMPURE), ROW1("breyta.repl/start!", start1, start, B_IMPURE),
    ROW0("breyta.repl/step!", step0, step, B_IMPURE), ROW0("breyta.repl/run-on!", run_on0, run_on, B_IMPURE),
    ROW1("breyta.repl/answer!", answer1, answer, B_IMPURE), ROW0("breyta.repl/fail!", fail0, fail, B_IMPURE),
    ROW1("breyta.repl/fail!", fail1, fail, B_IMPURE), ROW2("breyta.repl/fail!", fail2, fail, B_IMPURE),
    ROW0("breyta.repl/state", state0, state, B_IMPURE), ROW1("breyta.repl/attach!", attach1, attach, B_IMPURE),
    ROW0("breyta.repl/cancel!", cancel0, cancel, B_IMPURE), ROW1("breyta.repl/cancel!", cancel1, cancel, B_IMPURE),
    ROW0("breyta.repl/stack", stack0, stack, B_IMPURE), ROW1("breyta.repl/stack", stack1, stack, B_IMPURE),
    ROW2("breyta.repl/stack", stack2, stack, B_IMPURE), ROW0("breyta.repl/locals", locals0, locals, B_IMPURE),
    ROW1("breyta.repl/locals", locals1, locals, B_IMPURE), ROW2("breyta.repl/locals", locals2, locals, B_IMPURE),
    ROW3("breyta.repl/locals", locals3, locals, B_IMPURE), ROW0("breyta.repl/steps", steps0, steps, B_IMPURE),
    ROW1("breyta.repl/steps", steps1, steps, B_IMPURE), ROW0("breyta.repl/journal", journal0, journal, B_IMPURE),
    ROW1("breyta.repl/journal", journal1, journal, B_IMPURE), ROW0("breyta.repl/runs", runs0, runs, B_IMPURE),
    ROW0("breyta.repl/waits", waits0, waits, B_IMPURE), ROW2("breyta.repl/set-local!", set_local2, set_local, B_IMPURE),
    ROW3("breyta.repl/set-local!", set_local3, set_local, B_IMPURE), ROW1("breyta.repl/set-config!", set_config1, set_config, B_IMPURE),
    ROW1("breyta.repl/fork!", fork1, fork, B_IMPURE), ROW2("breyta.repl/fork!", fork2, fork, B_IMPURE),
    ROW3("breyta.repl/fork!", fork_run, fork, B_IMPURE), ROW0("breyta.repl/replay", replay0, replay, B_IMPURE),
    ROW1("breyta.repl/replay", replay1, replay, B_IMPURE), ROW0("breyta.repl/db", db0, db, B_IMPURE),
    ROW1("breyta.repl/db", db1, db, B_IMPURE), ROW0("breyta.repl/close!", close0, close, B_IMPURE), ROW_END};

static const char *const names[] = {"load-flow",  "input!",      "start!", "step!",  "run-on!", "answer!", "fail!", "state",
                                    "attach!",    "cancel!",     "stack",  "locals", "steps",   "journal", "runs",  "waits",
                                    "set-local!", "set-config!", "fork!",  "replay", "db",      "close!",  NULL};

static const char help[] =
    "(load-flow \"f.edn\") (input! {...}) (start!)   a flow step by step: (step!) does it, (answer! v) and (fail! \"why\") answer it, "
    "(run-on!)\n"
    "(stack) (locals) (steps) (journal)   the run at hand; (stack id 3) any stored run in front of a step; (runs) (waits) (attach! id)\n"
    "(set-local! :x 5)    changes a value in front of a step; (fork! id 3 {:locals {:x 5}}) does so in a new run that goes on from there\n";

static int open_flow(ReplSession *s, const Cli *cli, const char *path) {
  (void)s;
  cli_engine_values();
  Err err = {0};
  Target *t = cli->connections ? target_load(cli->connections, &err) : NULL;
  if (cli->connections && !t) return cli_usage(cli, "--connections %s", err.msg);
  for (int i = 0; i < cli->flows.n; i++)
    if (!flow_places_add(bench_flows(), cli->flows.a[i], &err)) return cli_usage(cli, "--flows: %s", err.msg);
  bench_config(cli->db, cli->workspace, cli->guard, t, cli->secrets_key);
  FlowDef *def = path ? cli_read_flow(cli, path) : NULL;
  if (!path) return EXIT_OK;
  if (!def) return EXIT_USAGE;
  bench_flow(def, path);
  if (isatty(STDIN_FILENO)) printf("flow :%s is loaded: (input! {...}) gives it input, (start!) begins a run\n", def->slug);
  return EXIT_OK;
}

const ReplExtension repl_ext_flow = {
    .ns = "breyta.repl", .rows = rows_repl_flow, .refer = names, .help = help, .open = open_flow, .show = view_show};
