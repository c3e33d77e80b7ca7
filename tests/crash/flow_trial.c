/* flow_trial.c - see flow_trial.h */
#include "flow_trial.h"
#include "eval/macros.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/engine/engine_int.h"
#include "runtime/resource/resource.h"
#include "stdlib/stdlib.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

const Script trial_scripts[] = {
    {"function", NOBODY, NULL, NULL, NULL, false},
    {"persist", NOBODY, NULL, NULL, NULL, false},
    {"kv", NOBODY, NULL, NULL, NULL, false},
    {"jobs", NOBODY, NULL, NULL, NULL, false},
    {"kv_many", NOBODY, NULL, NULL, NULL, false},
    {"table", NOBODY, NULL, NULL, NULL, false},
    {"sleep", NOBODY, NULL, NULL, NULL, false},
    {"wait", EARLY, "order-1", "{:who \"early\"}", "{:ask \"asked\", :answer {:who \"early\"}, :done \"thanks early\"}", false},
    {"wait", LATE, "order-1", "{:who \"late\"}", "{:ask \"asked\", :answer {:who \"late\"}, :done \"thanks late\"}", false},
    {"wait_timeout", TIMEOUT, NULL, NULL, "[{:who \"default\"} \"default\" :wait-timeout :wait-timeout]", false},
    {"retry", NOBODY, NULL, NULL, NULL, false},
    {"poll", NOBODY, NULL, NULL, "{:r 3, :n 3}", false},
    {"lazy", NOBODY, NULL, NULL, NULL, false},
    {"catch_finally", NOBODY, NULL, NULL, NULL, false},
    {"loop", NOBODY, NULL, NULL, NULL, false},
    {"apply_reduce", NOBODY, NULL, NULL, NULL, false},
    {"in_place", NOBODY, NULL, NULL, NULL, false},
    {"atoms", NOBODY, NULL, NULL, NULL, false},
    {"records", NOBODY, NULL, NULL,
     "{:sent {:a 9}, :same-key :one, :next 42, :plain true, :described [[:shape 16] [:other \"7\"]], :record false, :again 5, "
     ":shape {:a 3, :extra true}, :tally \"tally 42\", :json \"[{\\\"a\\\":1}]\", :areas [1 36 4 0 5]}", false},
    {"skip", NOBODY, NULL, NULL, "[true true]", false},
    {"nested_try", NOBODY, NULL, NULL, "{:message \"level 2\", :levels [2 1 0], :after :calm}", false},
    {"at_most_once", NOBODY, NULL, NULL, "[1 2 3 :done]", false},
    {"checkpoint", ACTION, NULL, "{:action \"retry\"}", "[1 :fixed]", false},
    {"checkpoint", ACTION, NULL, "{:action \"skip\" :step \"fragile\" :value :waved}", "[1 :waved]", false},
    {"packaged", NOBODY, NULL, NULL, "[[{:said 1} {:said 2} {:said 3}] {:n 6} true [:n]]", false},
    {"confirm", ACTION, NULL, "{:action \"approve\"}", "[:finished [1 :sent]]", false},
    {"confirm", ACTION, NULL, "{:action \"reject\" :step \"send\" :reason \"no\" :by \"ann\"}",
     "[:finished {:type :rejected, :reason \"no\", :by \"ann\", :step-id :send, :checkpoint :confirm}]", false},
    {"confirm", TIMEOUT, NULL, NULL, "[:finished {:type :wait-timeout, :step-id :send, :checkpoint :confirm}]", false},
    {"review", ACTION, NULL, "{:action \"approve\"}", "[{:text \"Hi\", :to \"ann\"}]", false},
    {"review", ACTION, NULL, "{:action \"approve\" :step \"draft/review\" :value {:text \"Hello\"}}", "[{:text \"Hello\", :to \"ann\"}]", false},
    {"review", ACTION, NULL, "{:action \"reject\"}", "[nil]", false},
    {"fails", NOBODY, NULL, NULL, NULL, true},
    {"chance", NOBODY, NULL, NULL, "{:same-a true, :same-b true, :same-c true, :order true}", false},
    {"constants", NOBODY, NULL, NULL, NULL, false},
    {"call_child", NOBODY, NULL, NULL, "[1 11 \"t\" \"t\" [1 11] [:child-failed \"t.bad.6\" :told] 2]", false},
    {"fanout", NOBODY, NULL, NULL, "[[11 21 :told 41] 3 1 [:child-failed 0]]", false},
    {"fanout_steps", NOBODY, NULL, NULL, "[[5 2 :network {:slept-seconds 0.015}] 1 1]", false},
    {"child_retry", NOBODY, NULL, NULL, "[{:tries 3} 3]", false},
    {"child_wait", LATE, "child-key", "{:who \"late\"}", "[\"late\" \"late\"]", false},
    {"child_wait", EARLY, "child-key", "{:who \"early\"}", "[\"early\" \"early\"]", false},
    {"child_timeout", TIMEOUT, NULL, NULL, "[[:timeout \"t.ask.1\"] 1]", false},
    {"bulk", LATE, "bulk", "{:go true}", NULL, false},
};
const size_t trial_count = sizeof trial_scripts / sizeof *trial_scripts;
char trial_why[600];
const char *trial_dir = "tests/flows";

static const char *const DB = "flows.db";
static const char *run_id(const Trial *t) { return t->run_id ? t->run_id : "t"; }
_Atomic int64_t virtual_now;
static FlowDef *defs[sizeof trial_scripts / sizeof *trial_scripts];

static int64_t trial_now(void *ctx) {
  (void)ctx;
  return virtual_now;
}

static bool wrong(const char *what, const Err *e) {
  snprintf(trial_why, sizeof trial_why, "%s%s%s", what, e ? ": " : "", e ? e->msg : "");
  return false;
}

const char *trial_name(const Script *s) {
  static const char *const how[] = {"", " answered early", " answered late", " in time", " answered by a person"};
  static char name[80];
  snprintf(name, sizeof name, "%s%s", s->flow, how[s->outside]);
  return name;
}

static bool file_text(const char *path, Buf *text) {
  FILE *f = fopen(path, "rb");
  if (!f) return false;
  for (int c; (c = getc(f)) != EOF;) buf_ch(text, (char)c);
  fclose(f);
  return true;
}

/* Children are in a folder of their own. */
static bool find_child(void *ctx, const FlowWanted *w, FlowSource *out, Err *err) {
  (void)ctx;
  char path[200];
  snprintf(path, sizeof path, "%s/children/%s.edn", trial_dir, w->slug);
  *out = (FlowSource){.file = strdup(path)};
  return file_text(path, &out->text) || err_set(err, "flow_not_found", "there is no %s", path);
}

static FlowDef *read_flow(const char *name) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s.edn", trial_dir, name);
  Buf text = {0}, out = {0};
  if (!file_text(path, &text)) {
    perror(path);
    exit(2);
  }
  Diags d = {0};
  FlowDef *def = flowdef_read(buf_cstr(&text), text.n, path, &d);
  if (!def) {
    diags_print(&d, path, &out);
    fprintf(stderr, "%s", buf_cstr(&out));
    exit(2);
  }
  diags_free(&d);
  buf_free(&text);
  return def;
}

bool trial_wanted(int argc, char **argv, const Script *s) {
  bool named = false;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], s->flow)) return true;
    named = named || !strchr(argv[i], '/');
  }
  return !named;
}

void trial_init(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strchr(argv[i], '/')) trial_dir = argv[i];
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  engine_init();
  effect_register();
  vfs_crash_register();
  clock_port.now_ms = trial_now;
  for (size_t i = 0; i < trial_count; i++) {
    defs[i] = mem_root(sizeof *defs[i]);
    *defs[i] = *read_flow(trial_scripts[i].flow);
  }
}

void trial_world(void) {
  vfs_crash_reset();
  effect_crash();
  effect_ledger = (Ledger){.n = 0};
  virtual_now = 1750000000000;
}

/* Blobs are on the real disk, which does not crash here; that they are there before their record is test_blobs' and the order of
 * calls in engine_persist.c. */
static BlobStore *blobs;
static void blobs_gone(void) { blobs_close(blobs); }
static BlobStore *trial_blobs(void) {
  if (blobs) return blobs;
  atexit(blobs_gone);
  return blobs = blobs_open_temporary();
}

bool process_start(Process *p, const Trial *t, EngineOptions o) {
  Err e = {0};
  *p = (Process){0};
  o.blobs = trial_blobs();
  o.resolve = find_child;
  if (t->script->outside == TIMEOUT) o.listen = "127.0.0.1:1"; /* only then timers of waits fire here; nothing listens */
  p->store = store_open(DB, &(StoreOptions){.vfs = "crash", .executor = true}, &e);
  if (p->store) p->engine = engine_new(p->store, &o, &e);
  if (!p->engine) wrong("the database does not open", &e);
  return p->engine != NULL;
}

void process_end(Process *p) {
  if (p->engine) engine_free(p->engine);
  if (p->store) store_close(p->store);
  effect_crash();
  *p = (Process){0};
}

/* --- the outside ---------------------------------------------------------------------------------------------------------------- */
static bool say(Process *p, Trial *t) {
  const Script *s = t->script;
  Err err = {0};
  const char *outcome = "";
  Val body = read_one(s->body, strlen(s->body), NULL, true);
  if (s->outside != ACTION) return t->send_acked = engine_send(p->engine, "local", s->key, body, &outcome, &err);
  Buf b = {0};
  if (is_sig(snap_data(&b, body))) abort();
  Batch *batch = batch_new();
  batch_inbox_put(batch, "local", run_id(t), "action", now_ms(), (Bytesv){b.p, b.n});
  buf_free(&b);
  return t->send_acked = store_submit_wait(p->store, batch, &err);
}

FlowDef *trial_def(const Script *s) {
  for (size_t i = 0; i < trial_count; i++)
    if (!strcmp(trial_scripts[i].flow, s->flow)) return defs[i];
  abort();
}

static bool begin(Process *p, Trial *t) {
  Err err = {0};
  RunRow row = {0};
  if (t->script->outside == EARLY && !t->send_acked && !say(p, t)) return false;
  if (store_run_by_id(p->store, NULL, run_id(t), &row, &err)) {
    t->run = row.run;
    run_row_free(&row);
    t->start_acked = true;
    return engine_resume(p->engine, t->run, &err) && engine_drain_inbox(p->engine, &err);
  }
  if (err.code) return false;
  if (t->start_acked) return wrong("an acknowledged run is gone", NULL);
  Val input = map_assoc(map_empty, kw_c("name"), str_c("trial"));
  return t->start_acked = engine_start(p->engine, trial_def(t->script), input, run_id(t), &t->run, &err);
}

/* Nothing in memory can go on. true: something was done about it. */
static bool outside_acts(Process *p, Trial *t, bool parked, int *patience) {
  Err err = {0};
  if ((t->script->outside == LATE || (t->script->outside == ACTION && parked)) && !t->send_acked)
    return say(p, t) ? engine_drain_inbox(p->engine, &err) : ++*patience < 40; /* refused, by a full disk: ask again */
  if (t->script->outside == TIMEOUT) {
    int64_t due = store_timer_next(p->store);
    if (due != INT64_MAX && due > virtual_now) virtual_now = due;
  }
  p->engine->next_store_timer = 0;
  return ++*patience < 60 && engine_drain_inbox(p->engine, &err);
}

static bool any_at_work(const Engine *e) {
  for (size_t i = 0; i < e->cap; i++)
    for (const Run *r = e->runs[i]; r; r = r->chain)
      if (r->phase != R_DONE && r->phase != R_PARKED) return true;
  return e->inbox_again;
}

static bool quiet(Process *p, const Trial *t) {
  Run *r = run_find(p->engine, t->run);
  if (any_at_work(p->engine)) return false;
  if (!r && p->engine->hold_ms && p->engine->ntimers) return false; /* refused by a full disk: taken up again later */
  return !p->engine->ready && (!r || r->phase == R_DONE || r->phase == R_PARKED);
}

static bool only_timers(const Engine *e) {
  for (size_t i = 0; i < e->cap; i++)
    for (const Run *r = e->runs[i]; r; r = r->chain)
      if (r->phase != R_DONE && r->phase != R_PARKED && r->phase != R_TIMER) return false;
  return true;
}

/* In place of waiting: the clock goes to where the next timer fires. Not past what a child still has to do: a parent that was taken up
 * again parked is not in memory, and its timeout stands among the timers. */
static void pass_time(Process *p, const Trial *t) {
  Run *r = run_find(p->engine, t->run);
  Engine *e = p->engine;
  virtual_now += 3;
  if (!e->ready && e->ntimers && (r ? r->phase == R_TIMER : only_timers(e)) && e->timers[0].due > virtual_now) virtual_now = e->timers[0].due;
}

static enum Progress ended(Process *p, Trial *t, int *patience) {
  RunState st;
  Err err = {0};
  if (!engine_state(p->engine, t->run, &st, &err)) return vfs_crash_happened() ? CRASHED : (wrong("engine_state", &err), WRONG);
  if (run_status_final(st.status)) return FINISHED;
  if (st.status == RUN_BLOCKED) {
    Val m = map_get_kw(st.error, "message");
    err_set(&err, "blocked", "%s", is_str(m) ? str_s(m) : "?");
    return wrong("the run is blocked", &err), WRONG;
  }
  if (outside_acts(p, t, st.parked, patience) || vfs_crash_happened()) return CRASHED;
  return wrong(t->send_acked ? "an acknowledged answer is lost" : "the run is stuck", NULL), WRONG;
}

enum Progress trial_go(Process *p, Trial *t) {
  Err err = {0};
  bool idle;
  int patience = 0;
  trial_why[0] = 0;
  if (!begin(p, t)) {
    if (vfs_crash_happened()) return CRASHED;
    if (!*trial_why) wrong("the run cannot be started or resumed", NULL);
    return WRONG;
  }
  for (int turns = 0; turns < 100000; turns++) {
    pass_time(p, t);
    if (!engine_turn(p->engine, 20, &idle, &err)) return vfs_crash_happened() ? CRASHED : (wrong("engine_turn", &err), WRONG);
    if (!quiet(p, t)) continue;
    enum Progress now = ended(p, t, &patience);
    if (now != CRASHED || vfs_crash_happened()) return now;
  }
  wrong("the run does not end", NULL);
  return WRONG;
}

/* --- afterwards ------------------------------------------------------------------------------------------------------------------- */
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The ids of all children: none is missing, none is there twice under another name. */
static bool children_text(Process *p, Buf *b, Err *err) {
  enum { MOST = 64 };
  RunRow rows[MOST];
  char *ids[MOST];
  size_t n = store_runs(p->store, 0, 0, rows, MOST, err), k = 0;
  for (size_t i = 0; i < n; i++) {
    if (rows[i].lineage) ids[k++] = strdup(rows[i].run_id);
    run_row_free(&rows[i]);
  }
  qsort(ids, k, sizeof *ids, by_text);
  for (size_t i = 0; i < k; i++) {
    buf_fmt(b, " %s", ids[i]);
    free(ids[i]);
  }
  return !err->code && n < MOST;
}

static char *text_of(Buf *b) {
  char *text = strdup(buf_cstr(b));
  buf_free(b);
  return text;
}

static bool ended_text(Process *p, const Trial *t, Buf *b) {
  RunState st;
  Err err = {0};
  if (!engine_state(p->engine, t->run, &st, &err)) return wrong("engine_state", &err);
  buf_fmt(b, "%s ", run_status_name(st.status));
  print_to(b, st.status == RUN_COMPLETED ? st.value : st.error, &print_readably);
  return true;
}

char *trial_ended(Process *p, const Trial *t) {
  Buf b = {0};
  return ended_text(p, t, &b) ? text_of(&b) : NULL;
}

char *trial_children(Process *p) {
  Buf b = {0};
  Err err = {0};
  return children_text(p, &b, &err) ? text_of(&b) : (wrong("the runs cannot be listed", &err), NULL);
}

char *trial_outcome(Process *p, const Trial *t) {
  Buf b = {0};
  Err err = {0};
  if (!ended_text(p, t, &b)) return NULL;
  return children_text(p, &b, &err) ? text_of(&b) : (wrong("the runs cannot be listed", &err), NULL);
}

static bool replay_one(Process *p, int64_t run, const char *id) {
  Buf diff = {0};
  RunState end;
  Err err = {0};
  if (!engine_replay(p->engine, run, &diff, &end, &err)) return wrong("replay", &err);
  bool same_all = diff.n == 0;
  if (!same_all) snprintf(trial_why, sizeof trial_why, "replay of %s: %s", id, buf_cstr(&diff));
  buf_free(&diff);
  return same_all;
}

bool trial_replay(Process *p, const Trial *t) {
  (void)t;
  RunRow rows[64];
  Err err = {0};
  bool ok = true;
  size_t n = store_runs(p->store, 0, 0, rows, 64, &err);
  for (size_t i = 0; i < n; i++) {
    ok = ok && replay_one(p, rows[i].run, rows[i].run_id);
    run_row_free(&rows[i]);
  }
  return ok && (!err.code || wrong("the runs cannot be listed", &err));
}
