/* child.c - see child.h. The life of a :call-flow or :fanout step: what is in flight, waiting, outcomes, giving up. */
#include "child.h"
#include "runtime/base/duration.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "engine_observe.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 32 };

static bool is_fanout(const StepCall *c) { return kw_is(c->type, "fanout"); }

/* --- the state and its records ------------------------------------------------------------------------------- */
static Kids *kids_new(StepCall *c) {
  uint32_t n = is_fanout(c) ? vec_count(child_items(c->journal_cfg)) : 1;
  Kids *k = mem_alloc(sizeof *k + n * sizeof *k->a);
  k->n = n;
  for (uint32_t i = 0; i < n; i++) k->a[i] = (Kid){.id = NIL, .status = NIL, .value = NIL};
  return k;
}

void child_replayed(StepCall *c, Val rec) {
  if (!c->kids) c->kids = kids_new(c);
  Val index = journal_field(rec, JC_INDEX), event = journal_field(rec, JC_EVENT), due = journal_field(rec, JC_DUE), id = journal_field(rec, JC_ID);
  if (!is_fix(index) || fix_of(index) < 0 || fix_of(index) >= c->kids->n) return;
  Kid *k = &c->kids->a[fix_of(index)];
  k->attempt = (int)fix_of(journal_field(rec, JC_ATTEMPT));
  k->due_ms = is_long(due) ? long_of(due) : 0;
  if (!is_nil(id)) k->id = id;
  if (kw_is(event, "started")) k->state = KID_RUNNING;
  else if (kw_is(event, "retry")) k->state = KID_RETRY, k->attempt++;
  else {
    k->state = KID_OVER;
    k->status = event;
    k->value = journal_field(rec, JC_VALUE);
  }
}

/* Writes what has become of child i, and takes it in as a replay would. */
static void record(StepCall *c, uint32_t i, Val event, Val value, int64_t due) {
  const Kid *k = &c->kids->a[i];
  Val f[JC_COUNT] = {fix(i), event, fix(k->attempt), int_val(now_ms()), k->id, copy_data(c->r, value), int_val(due)};
  if (is_sig(f[JC_VALUE])) f[JC_VALUE] = err_map("not-serializable", "the child's outcome could not be stored");
  run_append(c->r, J_CHILD, f, JC_COUNT);
  child_replayed(c, vec_from(f, JC_COUNT));
}

/* --- starting ------------------------------------------------------------------------------- */
static void begin_kid(StepCall *c, uint32_t i) {
  Kid *k = &c->kids->a[i];
  Val error;
  int64_t timeout = child_timeout(child_item(c, i));
  if (k->state == KID_TODO) k->attempt = 1;
  k->id = NIL;
  if (child_start(c, i, &error)) record(c, i, kw_c("started"), NIL, timeout ? now_ms() + timeout : 0);
  else record(c, i, kw_c("failed"), error, 0);
}

static bool fail_fast(const StepCall *c) {
  Val on = map_get_kw(c->journal_cfg, "on-error");
  return !is_fanout(c) || (!kw_is(on, "continue") && !kw_is(on, "collect"));
}

static bool succeeded(const Kid *k) { return k->state == KID_OVER && kw_is(k->status, "completed"); }

static const Kid *first_failed(const StepCall *c) {
  for (uint32_t i = 0; i < c->kids->n; i++)
    if (c->kids->a[i].state == KID_OVER && !succeeded(&c->kids->a[i])) return &c->kids->a[i];
  return NULL;
}

/* As many as may run side by side; one that waits to be tried again keeps its place. */
static void start_some(StepCall *c) {
  int room = is_fanout(c) ? child_at_once(c->journal_cfg) : 1;
  for (uint32_t i = 0; i < c->kids->n; i++) room -= c->kids->a[i].state == KID_RUNNING || c->kids->a[i].state == KID_RETRY;
  for (uint32_t i = 0; i < c->kids->n && room > 0; i++) {
    if (c->kids->a[i].state != KID_TODO) continue;
    if (fail_fast(c) && first_failed(c)) return;
    begin_kid(c, i);
    room -= c->kids->a[i].state == KID_RUNNING;
  }
}

/* --- the end of the step ------------------------------------------------------------------------------- */
static Val item_map(const Kid *k, uint32_t i) {
  bool ok = succeeded(k);
  Val m = map_assoc(map_assoc(map_empty, kw_c("index"), fix(i)), kw_c("status"), str_c(kw_text(k->status)));
  if (!is_nil(k->id)) m = map_assoc(m, kw_c("workflow-id"), k->id);
  return map_assoc(m, kw_c(ok ? "result" : "error"), k->value);
}

static Val aggregate(const StepCall *c) {
  Val items = vec_empty;
  for (uint32_t i = 0; i < c->kids->n; i++) items = vec_conj(items, item_map(&c->kids->a[i], i));
  return fanout_result(items, map_get_kw(c->journal_cfg, "on-error"));
}

static Val slug_text(Val item) {
  Val s = map_get_kw(item, "flow-slug");
  return is_kw(s) ? AS(Kw, s)->name : s;
}

/* What a child that did not complete is to its parent. */
static Val failure(const StepCall *c, const Kid *k) {
  uint32_t i = (uint32_t)(k - c->kids->a);
  Val item = child_item(c, i), why = map_get_kw(k->value, "message");
  Val error = k->value;
  bool late = kw_is(k->status, "timed-out") && kw_is(map_get_kw(error, "type"), "timeout");
  if (!is_fanout(c) && (is_nil(k->id) || late)) return error;
  Val m = err_map("child-failed", "");
  m = map_assoc(m, kw_c("message"), str_fmt("flow %s %s: %.300s", str_s(slug_text(item)), kw_text(k->status), is_str(why) ? str_s(why) : "no message"));
  m = map_assoc(map_assoc(m, kw_c("flow-slug"), slug_text(item)), kw_c("status"), str_c(kw_text(k->status)));
  if (!is_nil(k->id)) m = map_assoc(m, kw_c("workflow-id"), k->id);
  if (is_fanout(c)) m = map_assoc(m, kw_c("index"), fix(i));
  return map_assoc(m, kw_c("error"), error);
}

static void finish(StepCall *c) {
  Run *r = c->r;
  const Kid *bad = first_failed(c);
  Val value = is_fanout(c) && !(fail_fast(c) && bad) ? aggregate(c) : NIL, error = NIL;
  if (fail_fast(c) && bad) error = failure(c, bad);
  else if (!is_fanout(c)) value = c->kids->a[0].value;
  child_close(c, CLOSE_SIBLING);
  c->kids = NULL;
  c->due_ms = 0;
  run_again(r);
  batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  if (is_nil(error)) step_resolve(c, true, value);
  else step_error(c, error, -1);
}

/* --- waiting ------------------------------------------------------------------------------- */
static int64_t earliest(const StepCall *c, bool *retry) {
  int64_t due = 0;
  *retry = false;
  for (uint32_t i = 0; i < c->kids->n; i++) {
    const Kid *k = &c->kids->a[i];
    if (k->state != KID_RUNNING && k->state != KID_RETRY) continue;
    *retry = *retry || k->state == KID_RETRY;
    if (k->due_ms && (!due || k->due_ms < due)) due = k->due_ms;
  }
  return due;
}

static void note(StepCall *c, int64_t wake) {
  Run *r = c->r;
  Val ids = vec_empty;
  for (uint32_t i = 0; i < c->kids->n; i++)
    if (c->kids->a[i].state == KID_RUNNING) ids = vec_conj(ids, c->kids->a[i].id);
  Val kv[] = {kw_c("waits"), kw_c("child"), kw_c("step"), c->id, kw_c("children"), ids, kw_c("due"), int_val(c->due_ms)};
  Buf b = {0};
  print_to(&b, map_from(kv, 4, false), &print_readably);
  r->status = RUN_WAITING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_WAITING, now_ms(), wake, buf_cstr(&b));
  buf_free(&b);
}

/* Parks: with nothing in memory, unless a retry is to be waited out here. */
static void wait_on(StepCall *c) {
  Run *r = c->r;
  bool retry;
  c->due_ms = earliest(c, &retry);
  if (c->due_ms) batch_timer_put(run_batch(r), r->run, r->epoch, c->intent_seq, c->due_ms);
  else batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  if (c->due_ms) r->e->child_timers = true;
  note(c, retry ? c->due_ms : 0);
  run_submit(r, retry ? AFTER_TIMER : AFTER_PARK);
}

static void go_on(StepCall *c) {
  start_some(c);
  bool over = true;
  for (uint32_t i = 0; i < c->kids->n; i++) over = over && c->kids->a[i].state == KID_OVER;
  if (over || (fail_fast(c) && first_failed(c))) finish(c);
  else wait_on(c);
}

void child_begin(StepCall *c) {
  Val problem = child_problem(c->r, c->type, c->journal_cfg);
  if (!is_nil(problem)) {
    step_error(c, problem, -1);
    return;
  }
  if (is_fanout(c) && !vec_count(child_items(c->journal_cfg))) {
    step_resolve(c, true, fanout_result(vec_empty, map_get_kw(c->journal_cfg, "on-error")));
    return;
  }
  c->due_ms = 0;
  if (!step_intent(c)) return;
  run_snapshot(c->r); /* in front of the children's records: what is in flight is their fold */
  run_progress(c->r, STEP_STARTED, NULL, 0);
  c->kids = kids_new(c);
  go_on(c);
}

void child_again(StepCall *c) {
  bool retry;
  c->due_ms = earliest(c, &retry);
  c->r->phase = retry ? R_TIMER : R_PARKED;
  if (c->due_ms) c->r->e->child_timers = true;
  if (retry) engine_timer_add(c->r->e, c->due_ms, c->r);
}

/* --- outcomes ------------------------------------------------------------------------------- */
/* Under :retry-policy: false, it is not tried again. */
static bool try_again(StepCall *c, uint32_t i, Val error) {
  Kid *k = &c->kids->a[i];
  Val policy = map_get_kw(child_item(c, i), "retry-policy"), type = map_get_kw(error, "type"), status = map_get_kw(error, "status");
  RetryPolicy p;
  Err e = {0};
  if (is_nil(policy) || !backoff_policy(policy, &p, &e) || k->attempt >= p.max_attempts) return false;
  bool any = is_nil(map_get_kw(policy, "retry-on"));
  if (!any && !backoff_retryable(&p, kw_text(type), is_long(status) ? long_of(status) : 0)) return false;
  uint64_t seed = (uint64_t)c->r->run * 0x9e3779b97f4a7c15u + (uint64_t)c->intent_seq * 64 + i;
  record(c, i, kw_c("retry"), error, now_ms() + backoff_delay(&p, k->attempt, seed ^ (uint64_t)k->attempt << 32, -1));
  return true;
}

static bool stopped_by_hand(Val status) { return kw_is(status, "cancelled") || kw_is(status, "terminated"); }

static void kid_over(StepCall *c, uint32_t i, Val status, Val value) {
  bool ok = kw_is(status, "completed");
  if (!ok && !stopped_by_hand(status) && try_again(c, i, value)) return;
  record(c, i, status, value, 0);
}

static int kid_by_id(const StepCall *c, Val id) {
  for (uint32_t i = 0; c->kids && i < c->kids->n; i++) {
    const Kid *k = &c->kids->a[i];
    if (k->state == KID_RUNNING && same(val_eq(k->id, id), TRUE_V)) return (int)i;
  }
  return -1;
}

/* One outcome, out of the inbox into the journal. */
static void take_outcome(Run *r, const InboxRow *row) {
  Val body = snap_read_value(r->m->env, row->body.p, row->body.n);
  int i = is_map(body) && r->call ? kid_by_id(r->call, map_get_kw(body, "id")) : -1;
  batch_inbox_del(run_batch(r), row->id);
  if (i >= 0) kid_over(r->call, (uint32_t)i, map_get_kw(body, "status"), map_get_kw(body, "value"));
}

/* All that have come in are taken in one batch. */
static void take_outcomes(Run *r, const InboxRow *first) {
  InboxRow rows[ROWS];
  Err err = {0};
  take_outcome(r, first);
  size_t n = store_inbox_by_key(r->e->store, first->workspace, first->key, rows, ROWS, &err);
  for (size_t i = 0; i < n; i++) {
    if (rows[i].id != first->id && !strcmp(rows[i].kind, "child")) take_outcome(r, &rows[i]);
    inbox_row_free(&rows[i]);
  }
  go_on(r->call);
}

static Val note_of(const RunRow *row) {
  if (!row->note || !*row->note) return NIL;
  Val v = read_one(row->note, strlen(row->note), NULL, true);
  return is_map(v) ? v : NIL;
}

static Val children_of(const RunRow *row) {
  Val n = row->status == RUN_WAITING ? note_of(row) : NIL;
  if (!kw_is(map_get_kw(n, "waits"), "child")) return vec_empty;
  Val ids = map_get_kw(n, "children");
  return is_vec(ids) ? ids : vec_empty;
}

static bool waits_for(const RunRow *row, Val id) {
  Val ids = children_of(row);
  for (uint32_t i = 0; i < vec_count(ids); i++)
    if (same(val_eq(vec_nth(ids, i), id), TRUE_V)) return true;
  return false;
}

/* The parent is in memory. */
static void deliver_to(Run *r, const InboxRow *row) {
  bool waits = (r->phase == R_PARKED || r->phase == R_TIMER) && r->call && r->call->kids;
  bool settled = !r->inflight && !r->batch && r->cursor >= r->nrecs && !(r->call && r->call->kids);
  if (waits) take_outcomes(r, row);
  else if (settled) inbox_done(r->e, NULL, row->id); /* nobody waits for it any more */
  else r->e->inbox_again = true;
}

static void deliver_to_row(Engine *e, const RunRow *parent, const InboxRow *row, Err *err) {
  Val body = snap_read_value(env_core(), row->body.p, row->body.n);
  if (parent->status == RUN_BLOCKED) return;
  if (!is_map(body) || !waits_for(parent, map_get_kw(body, "id"))) {
    inbox_done(e, NULL, row->id);
    return;
  }
  Run *r = take_over_row(e, parent, (Cancel){.error = NIL}, err);
  if (r) deliver_to(r, row);
}

void child_deliver(Engine *e, const InboxRow *row, Err *err) {
  RunRow parent = {0};
  if (!store_run_by_id(e->store, row->workspace, row->key, &parent, err)) {
    if (!err->code) inbox_done(e, NULL, row->id);
    return;
  }
  Run *r = run_find(e, parent.run);
  if (r) deliver_to(r, row);
  else deliver_to_row(e, &parent, row, err);
  run_row_free(&parent);
}

static Val too_late(const Kid *k, Val item) {
  Buf b = {0};
  buf_fmt(&b, "flow %s did not end within ", str_s(slug_text(item)));
  duration_print(&b, child_timeout(item));
  Val m = err_map("timeout", buf_cstr(&b));
  buf_free(&b);
  return map_assoc(map_assoc(m, kw_c("workflow-id"), k->id), kw_c("flow-slug"), slug_text(item));
}

static void close_kid(StepCall *c, uint32_t i, enum ChildClose why);

void child_timer(StepCall *c) {
  int64_t now = now_ms();
  for (uint32_t i = 0; i < c->kids->n; i++) {
    Kid *k = &c->kids->a[i];
    if (!k->due_ms || k->due_ms > now) continue;
    if (k->state == KID_RETRY) begin_kid(c, i);
    else if (k->state == KID_RUNNING) {
      close_kid(c, i, CLOSE_TIMEOUT);
      kid_over(c, i, kw_c("timed-out"), too_late(k, child_item(c, i)));
    }
  }
  go_on(c);
}

/* --- a child's end ------------------------------------------------------------------------------- */
Val child_lineage(const RunRow *row) {
  if (!row->lineage || !*row->lineage) return NIL;
  Val v = read_one(row->lineage, strlen(row->lineage), NULL, true);
  return is_map(v) && is_str(map_get_kw(v, "parent-workflow-id")) ? v : NIL;
}

static void outcome_put(Batch *b, Val lineage, const char *workspace, const char *id, enum RunStatus st, Val outcome) {
  Val parent = map_get_kw(lineage, "parent-workflow-id");
  const char *status = run_status_name(st);
  if (!is_str(parent)) return;
  Buf body = {0};
  if (is_sig(snap_data(&body, outcome)) || (int64_t)snap_last_size() > limit_value(LIMIT_result_bytes)) {
    outcome = child_error("oversize", "the value of the child flow is over 1 MiB: keep it with :persist {:type :blob} or return less");
    status = "failed";
  }
  Val kv[] = {kw_c("id"), str_c(id), kw_c("status"), kw_c(status), kw_c("value"), outcome};
  body.n = 0;
  if (!is_sig(snap_data(&body, map_from(kv, 3, false)))) batch_inbox_put(b, workspace, str_s(parent), "child", now_ms(), (Bytesv){body.p, body.n});
  buf_free(&body);
}

void child_over(Run *r, enum RunStatus st, Val outcome) {
  if (r->call && r->call->kids) child_close(r->call, st == RUN_TERMINATED ? CLOSE_TERMINATED : CLOSE_CANCELLED);
  if (is_nil(r->lineage)) return;
  r->tells = true;
  outcome_put(run_batch(r), r->lineage, r->workspace, r->run_id, st, outcome);
}

void child_over_row(Batch *b, const RunRow *row, enum RunStatus st, Val outcome) {
  outcome_put(b, child_lineage(row), row->workspace, row->run_id, st, outcome);
}

/* --- giving up ------------------------------------------------------------------------------- */
/* false: it is left alone. */
static bool close_one(Batch *b, const char *workspace, const char *id, Val policy, enum ChildClose why) {
  static const char *const reasons[] = {"its parent was cancelled", "its parent was terminated", "its parent waited for its :timeout",
                                        "its parent stopped over another item"};
  if (kw_is(policy, "abandon")) return false;
  bool force = is_nil(policy) ? why == CLOSE_TERMINATED : kw_is(policy, "terminate");
  Val kv[] = {kw_c("force"), bool_val(force), kw_c("reason"), str_c(reasons[why])};
  Buf body = {0};
  snap_data(&body, map_from(kv, 2, false));
  batch_inbox_put(b, workspace, id, "cancel", now_ms(), (Bytesv){body.p, body.n});
  buf_free(&body);
  return true;
}

static void close_kid(StepCall *c, uint32_t i, enum ChildClose why) {
  Run *r = c->r;
  const Kid *k = &c->kids->a[i];
  if (close_one(run_batch(r), r->workspace, str_s(k->id), map_get_kw(child_item(c, i), "parent-close-policy"), why)) r->tells = true;
}

void child_close(StepCall *c, enum ChildClose why) {
  for (uint32_t i = 0; c->kids && i < c->kids->n; i++)
    if (c->kids->a[i].state == KID_RUNNING) close_kid(c, i, why);
}

void child_close_row(Engine *e, Batch *b, const RunRow *parent, bool force) {
  Val ids = children_of(parent);
  Err err = {0};
  for (uint32_t i = 0; i < vec_count(ids); i++) {
    RunRow row = {0};
    if (!store_run_by_id(e->store, parent->workspace, str_s(vec_nth(ids, i)), &row, &err)) continue;
    Val policy = map_get_kw(child_lineage(&row), "parent-close-policy");
    if (!run_status_final(row.status)) close_one(b, row.workspace, row.run_id, policy, force ? CLOSE_TERMINATED : CLOSE_CANCELLED);
    run_row_free(&row);
  }
}

/* --- running them ------------------------------------------------------------------------------- */
static void launch(Engine *e, int64_t run) {
  RunRow row = {0};
  Err err = {0};
  if (run_find(e, run) || !store_run_get(e->store, run, &row, &err)) return;
  if (!run_status_final(row.status)) {
    Run *r = run_add(e, &row);
    observe_run_started(r);
    if (!run_load(r, &row, false, &err)) run_block(r, err.msg);
  }
  run_row_free(&row);
}

void child_launch(Run *r) {
  Val fresh = r->fresh;
  r->fresh = NIL;
  for (uint32_t i = 0; is_vec(fresh) && i < vec_count(fresh); i++) launch(r->e, long_of(vec_nth(fresh, i)));
}

bool child_resume(Engine *e, const RunRow *parent, Err *err) {
  Val ids = children_of(parent);
  for (uint32_t i = 0; i < vec_count(ids); i++) {
    RunRow row = {0};
    if (!store_run_by_id(e->store, parent->workspace, str_s(vec_nth(ids, i)), &row, err)) {
      if (err->code) return false;
      continue;
    }
    int64_t number = row.run;
    bool open = !run_status_final(row.status) && row.status != RUN_BLOCKED;
    run_row_free(&row);
    if (open && !engine_resume(e, number, err)) return false;
  }
  return true;
}

static Val root_of(Engine *e, int64_t run) {
  RunRow row = {0};
  Err err = {0};
  if (!store_run_get(e->store, run, &row, &err)) return NIL;
  Val of = child_lineage(&row), root = is_map(of) ? map_get_kw(of, "root-workflow-id") : str_c(row.run_id);
  run_row_free(&row);
  return root;
}

bool child_at_work(Engine *e, int64_t run) {
  Val root = root_of(e, run);
  for (size_t i = 0; i < e->cap; i++)
    for (const Run *r = e->runs[i]; r; r = r->chain) {
      bool works = !is_nil(r->lineage) && r->phase != R_PARKED && r->phase != R_DONE && r->phase != R_HELD;
      if (works && same(val_eq(map_get_kw(r->lineage, "root-workflow-id"), root), TRUE_V)) return true;
    }
  return e->inbox_again; /* an outcome is on its way */
}

/* --- for people ------------------------------------------------------------------------------- */
static void say_child(Engine *e, const char *workspace, const char *id, Buf *b) {
  RunRow row = {0};
  RunState st;
  Err err = {0};
  buf_fmt(b, "  child %s ", id);
  if (store_run_by_id(e->store, workspace, id, &row, &err) && engine_state(e, row.run, &st, &err)) {
    Val why = is_map(st.error) ? map_get_kw(st.error, "message") : NIL;
    buf_fmt(b, "(%s): %s\n", run_status_name(st.status), st.parked ? st.waits_for : is_str(why) ? str_s(why) : st.status == RUN_RUNNING ? "under way" : "over");
  } else buf_c(b, "cannot be looked at\n");
  run_row_free(&row);
}

void child_say_waits(Engine *e, Val n, const char *workspace, const char *run_id, char *out, size_t size) {
  Val ids = map_get_kw(n, "children");
  uint32_t many = is_vec(ids) ? vec_count(ids) : 0, most = many > 3 ? 2 : many;
  Buf b = {0};
  buf_fmt(&b, "step :%s waits for %u child flow%s\n", kw_text(map_get_kw(n, "step")), many, many == 1 ? "" : "s");
  for (uint32_t i = 0; i < most; i++) say_child(e, workspace, str_s(vec_nth(ids, i)), &b);
  if (many > most) buf_fmt(&b, "  and %u more: breyta-run runs lists them\n", many - most);
  buf_fmt(&b, "to go on: breyta-run resume %s", run_id);
  snprintf(out, size, "%s", buf_cstr(&b));
  buf_free(&b);
}
