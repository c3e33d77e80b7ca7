/* flowtest_world.c - plays one case: lets the engine go on while it can, then has something happen (an answer, an event, a death,
 * a timer), and when nothing is left to happen looks at how the run stands. */
#include "runtime/store/connection.h"
#include "flowtest_int.h"
#include "runtime/store/blobs.h"
#include "reader/read.h"
#include "reader/mem.h"
#include "stdlib/stdlib.h"
#include "runtime/store/store_mem.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define START_DEFAULT 1767225600000 /* 2026-01-01T00:00:00Z */
#define FUEL_LIMIT 300000000        /* between two boundaries, some seconds: an endless loop is told with its place */
#define WORKSPACE "local"

void world_fail(World *w, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  buf_vfmt(&w->fail, fmt, ap, again);
  va_end(again);
  va_end(ap);
  if (w->fail.p[w->fail.n - 1] != '\n') buf_ch(&w->fail, '\n');
}

/* --- clock ------------------------------------------------------------------------------------------------------------------ */
static ClockPort system_clock;
static int64_t world_now(void *ctx) { return ((World *)ctx)->now; }

static void take_clock(World *w) {
  system_clock = clock_port;
  if (w->real) return;
  clock_port.now_ms = world_now;
  clock_port.mono_us = system_clock.mono_us;
  clock_port.ctx = w;
}
static void give_clock_back(void) { clock_port = system_clock; }

/* --- deaths ----------------------------------------------------------------------------------------------------------------- */
/* The call of a record, numbered like the script's calls. */
static int judged_call(World *w, Val rec, int node) {
  Val key[] = {vec_nth(rec, JI_STEP), vec_nth(rec, JI_OCC), vec_nth(rec, (uint32_t)node)}, k = vec_from(key, 3);
  Val n = map_get(w->jseen, k, NIL);
  if (is_fix(n)) return (int)fix_of(n);
  n = fix(fix_of(map_get(w->jcalls, key[0], fix(0))) + 1);
  w->jcalls = map_assoc(w->jcalls, key[0], n);
  w->jseen = map_assoc(w->jseen, k, n);
  return (int)fix_of(n);
}

static int number_or_1(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_long(v) ? (int)long_of(v) : 1;
}

/* Does this crash belong to a record of such a kind (an intent, a result, or both in one)? */
static enum StoreMemVerdict verdict_of(Val spec, bool intent, bool result) {
  const char *point = kw_text(map_get_kw(spec, "point"));
  bool before = !strncmp(point, "before", 6), of_result = !strcmp(point + strcspn(point, "-"), "-result");
  if (of_result ? !result : !intent) return STORE_MEM_KEEP;
  return before ? STORE_MEM_LOSE : STORE_MEM_LAST;
}

static enum StoreMemVerdict planned(World *w, bool intent, bool result) {
  for (size_t i = 0; i < w->ncrashes; i++) {
    TestCrash *x = &w->crashes[i];
    if (x->done || !same(map_get_kw(x->spec, "step"), w->jstep)) continue;
    if (number_or_1(x->spec, "call") != w->jcall || number_or_1(x->spec, "attempt") != w->jattempt) continue;
    enum StoreMemVerdict v = verdict_of(x->spec, intent, result);
    if (v == STORE_MEM_KEEP) continue;
    x->done = true;
    return v;
  }
  return STORE_MEM_KEEP;
}

static enum StoreMemVerdict judge_record(World *w, int kind, Bytesv payload) {
  if (w->at_record) return ++w->records != w->at_record ? STORE_MEM_KEEP : w->lose ? STORE_MEM_LOSE : STORE_MEM_LAST;
  w->records++;
  if (!w->ncrashes) return STORE_MEM_KEEP;
  bool step = kind == J_STEP, intent = kind == J_INTENT;
  if (step || intent) {
    Val rec = snap_read_value(w->env, payload.p, payload.n);
    if (!is_vec(rec)) return STORE_MEM_KEEP;
    w->jstep = vec_nth(rec, JI_STEP);
    w->jcall = judged_call(w, rec, step ? JS_NODE : JI_NODE);
    w->jattempt = (int)long_of(vec_nth(rec, JI_ATTEMPT));
  }
  return planned(w, step || intent, step || kind == J_RESULT || kind == J_RETRY || kind == J_CHECK);
}

static enum StoreMemVerdict judge(void *ctx, int64_t run, int kind, Bytesv payload) {
  World *w = ctx;
  bool child = run != w->run; /* its records count, crashes of the plan are of the flow itself */
  if (child && !w->at_record) w->records++;
  enum StoreMemVerdict v = child && !w->at_record ? STORE_MEM_KEEP : judge_record(w, kind, payload);
  if (v != STORE_MEM_KEEP) w->died = true;
  return v;
}

/* --- engines ---------------------------------------------------------------------------------------------------------------- */
static void printed(bool silent) { /* what the flow prints goes to standard error, once */
  static int saved = -1;
  fflush(stderr);
  if (silent && saved < 0) {
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    saved = dup(STDERR_FILENO);
    if (null >= 0 && saved >= 0) dup2(null, STDERR_FILENO);
    if (null >= 0) close(null);
  } else if (!silent && saved >= 0) {
    dup2(saved, STDERR_FILENO);
    close(saved);
    saved = -1;
  }
}

static void engine_begin(World *w) {
  Err err = {0};
  EngineOptions o = {.workspace = WORKSPACE,
                     .listen = "test.invalid",
                     .public_url = "https://test.invalid",
                     .ctx = w,
                     .target = w->bound,
                     .resolve = w->flows.n ? flow_places_find : NULL,
                     .resolve_ctx = &w->flows,
                     .fuel_limit = FUEL_LIMIT,
                     .blobs = w->blobs, /* they survive the crashes of a case, as the store does */
                     .stand_in = answer_stand_in,
                     .answers = answer_whole,
                     .answered = answer_observed,
                     .verify = w->verify,
                     .snapshot_after = w->verify ? 1 : 0};
  w->engine = engine_new(w->store, &o, &err);
  if (!w->engine) abort(); /* it only allocates */
}

static bool begin_run(World *w, Val input) {
  Err err = {0};
  Val id = map_get_kw(w->tcase, "run-id");
  RunRow row = {0};
  if (w->started && store_run_get(w->store, w->run, &row, &err)) {
    run_row_free(&row);
    if (engine_resume(w->engine, w->run, &err) && engine_drain_inbox(w->engine, &err)) return true;
  } else {
    char own[300];
    snprintf(own, sizeof own, "flow-%s-" WORKSPACE "-r1", w->file->flow->slug);
    w->started = true;
    if (engine_start(w->engine, w->file->flow, input, is_nil(id) ? own : id_text(id), &w->run, &err) || w->died) return true;
  }
  world_fail(w, "the run cannot %s: %s", w->started ? "go on" : "start", err.msg);
  w->stop = true;
  return false;
}

/* The process has died: another takes its runs over. */
static void recover(World *w, Val input) {
  w->died = false;
  engine_free(w->engine);
  store_mem_revive(w->store);
  w->npending = 0;
  w->answered_waits = set_empty;
  engine_begin(w);
  begin_run(w, input);
}

/* --- going on --------------------------------------------------------------------------------------------------------------- */
enum Busy { IDLE, BUSY, BUSY_OUTSIDE };
static enum Busy run_busy(const World *w, const Run *r) {
  if (r->phase == R_READY || r->phase == R_COMMITTING) return BUSY;
  return r->phase == R_EFFECT && r->call && !answer_pending(w, r->call->token) ? BUSY_OUTSIDE : IDLE;
}

static enum Busy world_busy(const World *w) {
  const Engine *e = w->engine;
  enum Busy most = e->ready || e->inbox_again ? BUSY : IDLE;
  for (size_t i = 0; i < e->cap; i++)
    for (const Run *r = e->runs[i]; r; r = r->chain) {
      enum Busy b = run_busy(w, r);
      if (b == BUSY) return BUSY;
      if (b > most) most = b;
    }
  return most;
}

/* Until nothing can go on by itself. */
static void settle(World *w) {
  Err err = {0};
  bool idle;
  enum Busy busy = BUSY;
  while (busy != IDLE && !w->stop && !w->died) {
    if (!engine_turn(w->engine, busy == BUSY_OUTSIDE ? 20 : 0, &idle, &err)) {
      world_fail(w, "%s",
                 !strcmp(err.code ? err.code : "", "snapshot_mismatch") ? "a snapshot of the run does not survive being restored"
                                                                        : err.msg);
      w->stop = true;
    }
    busy = world_busy(w);
  }
}

/* --- the outside ------------------------------------------------------------------------------------------------------------ */
static Val note_of(const RunRow *row) {
  Val note = row->note && *row->note ? read_one(row->note, strlen(row->note), NULL, true) : NIL;
  return is_map(note) ? note : NIL;
}

static Val run_note(World *w, enum RunStatus *st) {
  RunRow row = {0};
  Err err = {0};
  Val note = NIL;
  *st = RUN_RUNNING;
  if (!store_run_get(w->store, w->run, &row, &err)) return NIL;
  *st = row.status;
  note = note_of(&row);
  run_row_free(&row);
  return note;
}

/* What the run is parked at, with the id of the run that is: its own note, or those of the children that it waits for. */
static void leaves_of(World *w, Val note, Val run_id, ValVec *out) {
  Val ids = map_get_kw(note, "children");
  if (!kw_is(map_get_kw(note, "waits"), "child") || !is_vec(ids)) {
    if (is_map(note)) vv_push(out, map_assoc(note, kw_c("run-id"), run_id));
    return;
  }
  for (uint32_t i = 0; i < vec_count(ids); i++) {
    RunRow row = {0};
    Err err = {0};
    if (!store_run_by_id(w->store, NULL, str_s(vec_nth(ids, i)), &row, &err)) continue;
    if (row.status == RUN_WAITING) leaves_of(w, note_of(&row), vec_nth(ids, i), out);
    run_row_free(&row);
  }
}

static void leaves(World *w, Val note, ValVec *out) {
  RunRow row = {0};
  Err err = {0};
  if (!store_run_get(w->store, w->run, &row, &err)) return;
  leaves_of(w, note, str_c(row.run_id), out);
  run_row_free(&row);
}

static Val text_kw(Val v) { return is_kw(v) ? AS(Kw, v)->name : v; }

/* Is the run parked where this event is about? */
static bool event_fits(const TestEvent *ev, Val note) {
  Val step = map_get_kw(ev->spec, "step");
  if (kw_is(map_get_kw(note, "waits"), "sleep")) return false;
  if (!is_nil(step)) return step_named(map_get_kw(note, "step"), id_text(step));
  return !strcmp(kw_text(ev->key), kw_text(map_get_kw(note, "key")));
}

/* The place where it fits; nil. */
static Val event_leaf(World *w, const TestEvent *ev, Val note) {
  ValVec at = {0};
  leaves(w, note, &at);
  for (size_t i = 0; i < at.n; i++)
    if (event_fits(ev, at.a[i])) return at.a[i];
  return NIL;
}

static size_t event_number(const World *w, const TestEvent *ev) { return (size_t)(ev - w->events) + 1; }

static bool send_answer(World *w, const TestEvent *ev, Val key, Val value) {
  Err err = {0};
  const char *outcome = "";
  Val want = map_get_kw(ev->spec, "outcome");
  if (!engine_send(w->engine, WORKSPACE, kw_text(key), value, &outcome, &err)) {
    if (!w->died) world_fail(w, "event %zu: %s", event_number(w, ev), err.msg);
    return false;
  }
  bool last = ev->left == 0;
  if (last && is_kw(want) && strcmp(outcome, kw_text(want)))
    world_fail(w, "event %zu: its sender was told :%s, expected :%s", event_number(w, ev), outcome, kw_text(want));
  return true;
}

static bool person_acts(World *w, const TestEvent *ev, Val run_id, Val action, Val step, Val value) {
  Buf b = {0};
  Err err = {0};
  Val body = map_assoc(map_assoc(map_empty, kw_c("action"), str_c(kw_text(action))), kw_c("step"), str_c(id_text(step)));
  if (!same(value, ABSENT)) body = map_assoc(body, kw_c("value"), value);
  if (is_sig(snap_data(&b, body))) {
    world_fail(w, "event %zu: its :value is no data", event_number(w, ev));
    buf_free(&b);
    return false;
  }
  Batch *batch = batch_new();
  batch_inbox_put(batch, WORKSPACE, str_s(run_id), "action", now_ms(), (Bytesv){b.p, b.n});
  buf_free(&b);
  return store_submit_wait(w->store, batch, &err) && engine_drain_inbox(w->engine, &err);
}

static void fire(World *w, TestEvent *ev) {
  enum RunStatus st;
  Val note = run_note(w, &st), action = map_get_kw(ev->spec, "action"), value = map_get(ev->spec, kw_c("value"), ABSENT);
  Val step = map_get_kw(ev->spec, "step"), key = ev->key;
  bool answer = is_nil(action) || kw_is(action, "answer");
  if (is_nil(key) || !answer) {
    note = event_leaf(w, ev, note);
    if (st != RUN_WAITING || is_nil(note)) {
      world_fail(w, "event %zu: at its time the run did not wait at :%s", event_number(w, ev), id_text(is_nil(step) ? key : step));
      ev->left = 0;
      return;
    }
    key = map_get_kw(note, "key");
    step = map_get_kw(note, "step");
  }
  ev->left--;
  if (answer) send_answer(w, ev, key, same(value, ABSENT) ? NIL : value);
  else person_acts(w, ev, map_get_kw(note, "run-id"), action, step, value);
}

static TestEvent *add_event(World *w, Val spec, int64_t at, Val key) {
  if (w->nevents == w->cap_events) {
    w->cap_events = w->cap_events ? 2 * w->cap_events : 8;
    TestEvent *grown = mem_alloc(w->cap_events * sizeof *grown);
    if (w->nevents) memcpy(grown, w->events, w->nevents * sizeof *grown);
    w->events = grown;
  }
  w->events[w->nevents] = (TestEvent){.spec = spec, .at = at, .left = number_or_1(spec, "times"), .key = key};
  return &w->events[w->nevents++];
}

/* A :wait that :steps answers: an event when its delay is over. */
static bool scripted_wait(World *w, Val note) {
  Val step = map_get_kw(note, "step"), key = map_get_kw(note, "key");
  WaitRow row = {0};
  Err err = {0};
  char text[64];
  if (!kw_is(map_get_kw(note, "waits"), "wait") || !script_has(&w->script, step)) return false;
  if (!store_wait_get(w->store, WORKSPACE, kw_text(key), &row, &err)) return false;
  int64_t seq = row.seq, run = row.run;
  Val which = vec_of2(int_val(run), int_val(seq));
  wait_row_free(&row);
  if (!is_nil(set_get(w->answered_waits, which, NIL))) return false;
  w->answered_waits = set_conj(w->answered_waits, which);
  if (run == w->run) snprintf(text, sizeof text, "wait/%lld", (long long)seq);
  else snprintf(text, sizeof text, "wait/%lld/%lld", (long long)run, (long long)seq);
  int call = script_call(&w->script, step, text);
  Val a = script_answer(&w->script, step, call, 1), delay = map_get_kw(a, "delay");
  if (same(a, ABSENT)) return false; /* it may time out */
  Val value = map_get(a, kw_c("value"), ABSENT);
  if (same(value, ABSENT)) {
    world_fail(w, "step :%s is a :wait: its answer is a {:value ..}; without one it times out", id_text(step));
    return false;
  }
  Val kv[] = {kw_c("value"), value};
  add_event(w, map_from(kv, 1, false), now_ms() + (is_nil(delay) ? 0 : test_duration(delay)), key)->own = true;
  return true;
}

static bool scripted_waits(World *w, Val note) {
  ValVec at = {0};
  leaves(w, note, &at);
  for (size_t i = 0; i < at.n; i++)
    if (scripted_wait(w, at.a[i])) return true;
  return false;
}

/* The first event without a time that is about where the run is parked. */
static TestEvent *untimed(World *w, Val note) {
  for (size_t i = 0; i < w->nevents; i++)
    if (w->events[i].left && w->events[i].at < 0 && !is_nil(event_leaf(w, &w->events[i], note))) return &w->events[i];
  return NULL;
}

static TestEvent *timed(World *w, int64_t *next) {
  for (size_t i = 0; i < w->nevents; i++) {
    TestEvent *ev = &w->events[i];
    if (!ev->left || ev->at < 0) continue;
    if (ev->at <= now_ms()) return ev;
    if (ev->at < *next) *next = ev->at;
  }
  return NULL;
}

static bool crash_due(World *w, int64_t *next) {
  for (size_t i = 0; i < w->ncrashes; i++) {
    TestCrash *x = &w->crashes[i];
    if (x->done || is_nil(map_get_kw(x->spec, "at"))) continue;
    int64_t at = w->start + test_duration(map_get_kw(x->spec, "at"));
    if (at <= now_ms()) return x->done = true;
    if (at < *next) *next = at;
  }
  return false;
}

/* --- the loop --------------------------------------------------------------------------------------------------------------- */
/* Lets the clock jump; when recording it does what it does. */
static void pass_time(World *w, int64_t next) {
  Err err = {0};
  bool idle;
  if (!w->real) w->now = next;
  else if (next > now_ms()) engine_turn(w->engine, next - now_ms() > 50 ? 50 : next - now_ms(), &idle, &err);
  if (w->real) w->now = now_ms();
}

/* The run is over; who sends answers by key does not know. */
static bool late_answer(World *w, int64_t until) {
  TestEvent *first = NULL;
  for (size_t i = 0; i < w->nevents; i++) {
    TestEvent *ev = &w->events[i];
    Val action = map_get_kw(ev->spec, "action");
    bool sent = ev->left && ev->at >= 0 && ev->at <= until && !is_nil(ev->key) && (is_nil(action) || kw_is(action, "answer"));
    if (sent && (!first || ev->at < first->at)) first = ev;
  }
  if (!first) return false;
  if (!w->real && first->at > w->now) w->now = first->at;
  fire(w, first);
  return true;
}

static bool sleeps(World *w, Val note) {
  ValVec at = {0};
  leaves(w, note, &at);
  for (size_t i = 0; i < at.n; i++)
    if (kw_is(map_get_kw(at.a[i], "waits"), "sleep")) return true;
  return false;
}

/* One thing happens. false: nothing is left to happen. */
static bool happen(World *w, Val input, int64_t until, bool may_park) {
  enum RunStatus st;
  TestEvent *ev;
  Val note = run_note(w, &st);
  int64_t next = TEST_NEVER;
  if (run_status_final(st) || st == RUN_BLOCKED) return late_answer(w, until);
  if (crash_due(w, &next)) {
    recover(w, input);
    return true;
  }
  if (st == RUN_WAITING && scripted_waits(w, note)) return true;
  if ((ev = timed(w, &next)) || (st == RUN_WAITING && (ev = untimed(w, note)))) {
    fire(w, ev);
    return true;
  }
  bool parked = st == RUN_WAITING && !sleeps(w, note);
  if (parked && may_park && next == TEST_NEVER) return false;
  int64_t due = answer_next(w), timer = engine_next_due(w->engine);
  if (due < next) next = due;
  if (timer < next) next = timer;
  if (next == TEST_NEVER) return false;
  if (next > until) {
    w->now = until;
    return false;
  }
  pass_time(w, next);
  answer_due(w);
  return true;
}

static void play(World *w, Val input) {
  Val until = map_get_kw(w->tcase, "until");
  int64_t end = is_nil(until) ? TEST_NEVER : w->start + test_duration(until);
  bool may_park = expect_waiting(map_get_kw(w->tcase, "expect"));
  do {
    settle(w);
    while (w->died && !w->stop) {
      recover(w, input);
      settle(w);
    }
  } while (!w->stop && happen(w, input, end, may_park));
}

/* --- how it ended ----------------------------------------------------------------------------------------------------------- */
static Val named(const char *s) { return kw_parse(s, strlen(s)); }

static TestCallRow *call_row(TestCalls *c, const HistoryStep *s) {
  for (size_t i = c->n; s->attempt > 1 && i-- > 0;) {
    TestCallRow *r = &c->a[i];
    if (same(r->step, named(s->step)) && r->occurrence == s->occurrence) return r;
  }
  if (c->n == c->cap) {
    c->cap = c->cap ? 2 * c->cap : 16;
    TestCallRow *grown = mem_alloc(c->cap * sizeof *grown);
    if (c->n) memcpy(grown, c->a, c->n * sizeof *grown);
    c->a = grown;
  }
  TestCallRow *r = &c->a[c->n++];
  *r = (TestCallRow){.step = named(s->step), .type = named(s->type), .input = s->input, .occurrence = s->occurrence};
  return r;
}

static bool take_step(void *ctx, const HistoryStep *s) {
  TestCallRow *r = call_row(ctx, s);
  r->attempts = s->attempt;
  r->output = s->output;
  r->error = s->error;
  r->status = named(s->status);
  return true;
}

static void look(World *w) {
  RunState st;
  RunRow row = {0};
  Err err = {0};
  if (!engine_state(w->engine, w->run, &st, &err) || !store_run_get(w->store, w->run, &row, &err) ||
      !engine_history(w->engine, w->run, take_step, &w->calls, &err)) {
    if (!w->stop) world_fail(w, "the run cannot be looked at: %s", err.msg);
    return;
  }
  w->status = st.status;
  w->value = st.value;
  w->error = st.error;
  w->took_ms = (row.finished_ms ? row.finished_ms : now_ms()) - w->start;
  run_row_free(&row);
  w->note = run_note(w, &st.status);
}

static void unhappened(World *w) {
  for (size_t i = 0; i < w->nevents; i++) {
    const TestEvent *ev = &w->events[i];
    Val step = map_get_kw(ev->spec, "step");
    if (ev->left && !ev->own)
      world_fail(w, "event %zu never happened: the run did not wait at :%s", i + 1, id_text(is_nil(step) ? ev->key : step));
  }
  for (size_t i = 0; i < w->ncrashes; i++)
    if (!w->crashes[i].done)
      world_fail(w, "crash %zu never happened: %s", i + 1,
                 is_nil(map_get_kw(w->crashes[i].spec, "at")) ? "no such attempt, or its step has no such point"
                                                              : "the run had ended before");
}

/* --- making a world --------------------------------------------------------------------------------------------------------- */
static bool fill_kv(World *w) {
  MapIter it;
  Val k, v, kv = map_get_kw(w->tcase, "kv");
  Err err = {0};
  if (!is_map(kv)) return true;
  map_iter(&it, kv);
  while (map_next(&it, &k, &v))
    if (!kv_seed(w->store, WORKSPACE, kw_text(k), v, &err)) {
      world_fail(w, ":kv: %s", err.msg);
      return false;
    }
  return true;
}

static bool bind(World *w) {
  Val slots = map_get_kw(w->tcase, "connections"), kv[] = {kw_c("connections"), slots};
  Err err = {0};
  if (w->bound || is_nil(slots)) return true;
  w->bound = w->target = target_from(map_from(kv, 1, false), ":connections", &err);
  if (!w->target) world_fail(w, "%s", err.msg);
  return w->target != NULL;
}

static void take_plan(World *w) {
  Val events = map_get_kw(w->tcase, "events"), crash = map_get_kw(w->tcase, "crash");
  for (uint32_t i = 0; is_vec(events) && i < vec_count(events); i++) {
    Val spec = vec_nth(events, i), at = map_get_kw(spec, "at");
    add_event(w, spec, is_nil(at) ? -1 : w->start + test_duration(at), text_kw(map_get_kw(spec, "key")));
  }
  if (w->at_record) return;
  if (is_map(crash)) crash = vec_conj(vec_empty, crash);
  if (!is_vec(crash)) return;
  w->ncrashes = vec_count(crash);
  w->crashes = mem_alloc((w->ncrashes + 1) * sizeof *w->crashes);
  for (uint32_t i = 0; i < w->ncrashes; i++) w->crashes[i] = (TestCrash){vec_nth(crash, i), false};
}

static bool take_flows(World *w) {
  Val places = map_get_kw(w->tcase, "flows");
  Err err = {0};
  for (uint32_t i = 0; is_vec(places) && i < vec_count(places); i++) {
    char *path = test_beside(w->file->path, str_s(vec_nth(places, i)));
    bool ok = flow_places_add(&w->flows, path, &err);
    free(path);
    if (!ok) {
      world_fail(w, ":flows: %s", err.msg);
      return false;
    }
  }
  return true;
}

static bool open_world(World *w, Val recorded) {
  Err err = {0};
  Val seed = map_get_kw(w->tcase, "seed");
  w->start = w->real ? system_clock.now_ms(system_clock.ctx) : START_DEFAULT;
  if (!w->real && !test_instant(map_get_kw(w->tcase, "clock"), &w->start)) test_instant(map_get_kw(recorded, "clock"), &w->start);
  w->now = w->start;
  stdlib_seed(is_long(seed) ? (uint64_t)long_of(seed) + 1 : 2);
  w->store = store_open("", &(StoreOptions){.memory = true}, &err);
  if (!w->store) {
    world_fail(w, "no store: %s", err.msg);
    return false;
  }
  store_mem_judge(w->store, judge, w);
  w->blobs = blobs_open_temporary();
  if (!w->blobs) abort();
  take_plan(w);
  return script_init(&w->script, w->env, w->file->path, w->tcase, map_get_kw(recorded, "steps"), &w->fail) && fill_kv(w) && bind(w) && take_flows(w);
}

void world_play(World *w, const TestFile *f, Val tcase, Val input, Val recorded) {
  w->file = f;
  w->tcase = tcase;
  w->env = env_new();
  w->env->sandbox = true;
  w->value = w->error = w->note = w->jstep = NIL;
  w->jseen = w->jcalls = w->recorded = map_empty;
  w->answered_waits = set_empty;
  take_clock(w);
  printed(w->quiet);
  if (open_world(w, recorded)) {
    engine_begin(w);
    if (begin_run(w, input)) play(w, input);
    look(w);
    if (!w->stop && !w->at_record) unhappened(w);
  }
  printed(false);
  give_clock_back();
  stdlib_seed(0);
}

void world_close(World *w) {
  if (w->engine) engine_free(w->engine);
  if (w->store) store_close(w->store);
  blobs_close(w->blobs);
  w->blobs = NULL;
  flow_places_free(&w->flows);
  target_free(w->target);
  w->target = NULL;
  buf_free(&w->fail);
  w->engine = NULL;
  w->store = NULL;
}

bool world_replay(World *w, Buf *why) {
  RunState end;
  Err err = {0};
  Buf diff = {0};
  take_clock(w);
  printed(true);
  bool ok = engine_replay(w->engine, w->run, &diff, &end, &err);
  printed(false);
  give_clock_back();
  if (!ok) buf_fmt(why, "the run cannot be replayed from its journal: %s\n", err.msg);
  else if (diff.n) buf_fmt(why, "the run differs when it is replayed from its journal\n  %s\n", buf_cstr(&diff));
  ok = ok && !diff.n;
  buf_free(&diff);
  return ok;
}

Val world_outcome(const World *w) {
  Val steps = vec_empty, error = w->error;
  for (size_t i = 0; i < w->calls.n; i++) steps = vec_conj(steps, w->calls.a[i].step);
  if (is_map(error)) error = map_dissoc(error, kw_c("trace"));
  Val kv[] = {kw_c("status"), named(run_status_name(w->status)), kw_c("value"), w->value, kw_c("error"), error, kw_c("steps"), steps};
  return map_from(kv, 4, false);
}
