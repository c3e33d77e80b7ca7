/* engine_wait.c - the :wait step: its row, timer and notification are durable in one batch with its intent, and nobody is told
 * its key before that. Who may answer, and how, is in wait_spec.h; requests over HTTP in wait_answer.c. */
#include "runtime/engine/engine_int.h"
#include "runtime/agent/agent_progress.h"
#include "decisions.h"
#include "wait_answer.h"
#include "wait_early.h"
#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include "runtime/flow/wait_spec.h"
#include <strings.h>

/* The config with its key; that of a :confirm or :review is the step's own. */
static Val keyed(const StepCall *c) {
  bool own = step_is_checkpoint(c) && is_nil(map_get_kw(c->cfg, "key"));
  return own ? map_assoc(c->cfg, kw_c("key"), str_c(c->key)) : c->cfg;
}

static Val wait_key(const StepCall *c) { return wait_key_of(keyed(c)); }

/* ---- an answer that is there already ---- */

/* The answer of an agent's wait (remote.clj) comes with what the agent reported on its way. */
static Val with_progress(StepCall *c, Val answer) {
  Run *r = c->r;
  if (is_nil(map_get_kw(c->cfg, "agent"))) return answer;
  Val kv[] = {kw_c("answer"), answer, kw_c("progress"), agent_progress_told(r->e->store, r->workspace, str_s(wait_key(c)))};
  agent_progress_drop(r->e->store, run_batch(r), r->workspace, str_s(wait_key(c)));
  return map_from(kv, 2, false);
}

/* Between two waits of one agent under the same key nobody is told that it is over. */
static bool goes_on(const StepCall *c, Val outcome) { return kw_is(map_get_kw(c->cfg, "agent"), "slice") && kw_is(outcome, "timeout"); }

typedef struct Take { StepCall *c; Val spec, value; bool found, own; } Take; /* own: what is kept under the name is for this wait alone */

/* Who sent it had a 202 and hears no more of it. */
static void say_refused(const StepCall *c, const Err *why) {
  const Run *r = c->r;
  const LogField f[] = {{"workspace", r->workspace, 0}, {"flow", r->slug, 0}, {"runId", r->run_id, 0}, {"stepId", id_text(c->id), 0},
                        {"key", str_s(wait_key(c)), 0}, {"code", why->code, 0}, {"message", why->msg, 0}};
  if (log_mode() != LOG_OFF) log_line("warn", "early-answer-refused", f, sizeof f / sizeof *f);
}

/* Many of a name may be kept, and few are for this wait: a body without its key is not read. */
static bool other_event(const Take *t, const Early *x) {
  const char *type = x->r ? listener_header(x->r, "content-type") : NULL;
  bool form = type && !strncasecmp(type, "application/x-www-form-urlencoded", 33);
  return x->r && !form && !is_nil(map_get_kw(t->spec, "event")) && !json_names(x->r->body, x->r->nbody, str_s(wait_key(t->c)));
}

static bool take_early(void *ctx, const char *row, const Early *x) {
  Take *t = ctx;
  Run *r = t->c->r;
  if (!t->own && other_event(t, x)) return true;
  HookProof proof = {0};
  Err why = {0};
  Val v = x->payload;
  bool ok = !x->r || wait_request_value(r->e, x->r, t->spec, r->run, str_s(wait_key(t->c)), &v, &proof, &why);
  ok = ok && wait_value_check(t->spec, v, &why);
  if (ok && !x->r) ok = wait_payload_fits(t->spec, str_s(wait_key(t->c)), v) && wait_answer_check(t->spec, v, NULL, &why);
  if (ok || t->own) {
    r->taken = true;
    batch_outcome_del(run_batch(r), r->workspace, row);
    early_gone(r->e);
  }
  if (!ok && t->own) say_refused(t->c, &why);
  if (!ok) return true;
  if (x->r) wait_remember(run_batch(r), r->workspace, x->r->key, &proof);
  t->value = v;
  t->found = true;
  return false;
}

/* Sent by a person at the shell, by key. */
static bool take_sent(Take *t) {
  Run *r = t->c->r;
  InboxRow row = {0};
  Err e = {0};
  if (store_inbox_by_key(r->e->store, r->workspace, str_s(wait_key(t->c)), &row, 1, &e) != 1) return false;
  if (strcmp(row.kind, "event")) return inbox_row_free(&row), false;
  Val v = snap_read_value(r->m->env, row.body.p, row.body.n);
  if (is_sig(v)) v = NIL;
  r->taken = true;
  batch_inbox_del(run_batch(r), row.id);
  inbox_row_free(&row);
  t->value = v;
  return wait_answer_check(t->spec, v, NULL, &e) && wait_value_check(t->spec, v, &e);
}

static bool early_answer(StepCall *c, Val spec, bool sent, Val *value) {
  Run *r = c->r;
  Take t = {.c = c, .spec = spec, .own = true};
  Val path = map_get_kw(spec, "path"), event = map_get_kw(map_get_kw(spec, "event"), "name");
  t.found = sent && take_sent(&t);
  if (!t.found && wait_by_key(spec)) early_each(r->e, r->workspace, str_s(wait_key(c)), take_early, &t);
  t.own = false;
  if (!t.found && is_str(path)) early_each(r->e, r->workspace, str_s(path), take_early, &t);
  if (!t.found && is_str(event)) early_each(r->e, r->workspace, str_s(event), take_early, &t);
  *value = t.value;
  return t.found;
}

/* ---- beginning ---- */

/* What the answerer's side must know. */
static Val whole_spec(const StepCall *c, Val spec) {
  Run *r = c->r;
  if (is_nil(spec)) return NIL;
  spec = map_assoc(spec, kw_c("step"), str_c(id_text(c->id)));
  spec = map_assoc(spec, kw_c("run-id"), str_c(r->run_id));
  spec = map_assoc(spec, kw_c("flow"), str_c(r->slug));
  spec = map_assoc(spec, kw_c("due"), int_val(c->due_ms));
  return is_nil(c->title) ? spec : map_assoc(spec, kw_c("title"), c->title);
}

typedef void (*RowFn)(Run *r, const StepCall *c, const char *name);
static void each_name(const StepCall *c, Val spec, RowFn f) {
  const char *key = str_s(wait_key(c));
  Val path = map_get_kw(spec, "path"), event = map_get_kw(spec, "event");
  Buf b = {0};
  if (is_str(path)) {
    wait_path_name(&b, str_s(path), key);
    f(c->r, c, buf_cstr(&b));
    b.n = 0;
  }
  if (is_map(event)) {
    wait_event_name(&b, str_s(map_get_kw(event, "name")), map_get_kw(event, "path"), key);
    f(c->r, c, buf_cstr(&b));
  }
  buf_free(&b);
}

static void put_row(Run *r, const StepCall *c, const char *name, Blob spec) {
  WaitRow w = {.workspace = r->workspace, .key = (char *)(uintptr_t)name, .run = r->run, .seq = c->intent_seq, .created_ms = now_ms(), .spec = spec};
  batch_wait_put(run_batch(r), r->epoch, &w);
}
/* Such a row names the key it leads to. */
static void put_name(Run *r, const StepCall *c, const char *name) {
  Val key = wait_key(c);
  put_row(r, c, name, (Blob){(char *)(uintptr_t)str_s(key), str_n(key)});
}
static void del_name(Run *r, const StepCall *c, const char *name) {
  (void)c;
  batch_wait_del(run_batch(r), r->run, r->epoch, r->workspace, name);
}

/* To be told to people when this batch is durable. */
static void put_notification(StepCall *c) {
  Val n = map_get_kw(c->cfg, "notify");
  Run *r = c->r;
  Buf b = {0}, key = {0};
  if (is_nil(n) || r->replaying_only) return;
  Val kv[] = {kw_c("run"), int_val(r->run), kw_c("seq"), int_val(c->intent_seq), kw_c("key"), wait_key(c), kw_c("notify"), n,
              kw_c("step"), str_c(id_text(c->id)), kw_c("once"), str_fmt("%s/%lld/notify", r->run_id, (long long)c->intent_seq)};
  wait_told_name(&key, r->run, c->intent_seq);
  if (!is_sig(snap_data(&b, map_from(kv, 6, false)))) batch_inbox_put(run_batch(r), r->workspace, buf_cstr(&key), "notify", now_ms(), (Bytesv){b.p, b.n});
  buf_free(&b);
  buf_free(&key);
}

static bool key_is_free(StepCall *c) {
  Run *r = c->r;
  WaitRow held = {0};
  Err e = {0};
  if (!store_wait_get(r->e->store, r->workspace, str_s(wait_key(c)), &held, &e)) return true;
  int64_t other = held.run;
  RunRow row = {0};
  wait_row_free(&held);
  if (other == r->run) return true;
  bool known = store_run_get(r->e->store, other, &row, &e);
  Buf b = {0};
  buf_fmt(&b, "run %s already waits for the key \"%.200s\": put the workflow id or an order id into it", known ? row.run_id : "?", str_s(wait_key(c)));
  run_row_free(&row);
  step_invalid(c, buf_cstr(&b));
  buf_free(&b);
  return false;
}

static void park(StepCall *c, Val spec) {
  Run *r = c->r;
  Val key = wait_key(c), whole = whole_spec(c, spec);
  Buf b = {0};
  if (!is_nil(whole) && is_sig(snap_data(&b, whole))) b.n = 0; /* made of data only */
  put_row(r, c, str_s(key), (Blob){b.p, b.n});
  buf_free(&b);
  each_name(c, spec, put_name);
  batch_timer_put(run_batch(r), r->run, r->epoch, c->intent_seq, c->due_ms);
  put_notification(c);
  run_snapshot(r);
  step_note(r, "wait", c->id, key, 0);
  run_submit(r, AFTER_PARK);
}

void wait_begin(StepCall *c) {
  Run *r = c->r;
  int64_t timeout;
  Val spec = NIL, value = NIL;
  Err e = {0};
  if (!wait_spec_of(keyed(c), &timeout, &spec, &e)) {
    step_invalid(c, e.msg);
    return;
  }
  c->due_ms = now_ms() + timeout;
  if (!key_is_free(c)) return;
  if (!step_intend(c)) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  r->early_seen = r->taken ? 0 : r->e->early.serial + 1;
  if (!r->taken && early_answer(c, spec, true, &value)) { /* else one that is taken already could be taken again: see wait_parked */
    Buf out = {0};
    if (!is_sig(snap_data(&out, value))) batch_outcome_put(run_batch(r), r->workspace, str_s(wait_key(c)), now_ms(), (Bytesv){out.p, out.n});
    buf_free(&out);
    step_resolve(c, true, with_progress(c, value));
    return;
  }
  park(c, spec);
}

/* ---- ending ---- */

static Val spec_again(const StepCall *c) {
  int64_t timeout;
  Val spec = NIL;
  Err e = {0};
  return wait_spec_of(keyed(c), &timeout, &spec, &e) ? spec : NIL;
}

static void put_outcome(Run *r, const char *key, const Buf *b) { batch_outcome_put(run_batch(r), r->workspace, key, now_ms(), (Bytesv){b->p, b->n}); }

void wait_cleanup(StepCall *c, Val outcome) {
  Run *r = c->r;
  Val key = wait_key(c), spec;
  if (is_nil(key)) return;
  spec = spec_again(c);
  batch_wait_del(run_batch(r), r->run, r->epoch, r->workspace, str_s(key));
  each_name(c, spec, del_name);
  batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  Buf b = {0}, link = {0};
  if (!goes_on(c, outcome) && !is_sig(snap_data(&b, outcome))) {
    put_outcome(r, str_s(key), &b);
    if (is_str(map_get_kw(spec, "path"))) put_outcome(r, str_s(map_get_kw(spec, "path")), &b);
    wait_link_name(&link, r->run, c->intent_seq);
    if (truthy(map_get_kw(spec, "links"))) put_outcome(r, buf_cstr(&link), &b);
  }
  buf_free(&b);
  buf_free(&link);
}

void wait_timed_out(StepCall *c) {
  Run *r = c->r;
  run_again(r);
  wait_cleanup(c, kw_c("timeout"));
  if (kw_is(map_get_kw(c->cfg, "on-timeout"), "continue")) {
    step_resolve(c, true, map_get_kw(c->cfg, "default-value"));
    return;
  }
  Buf b = {0};
  buf_fmt(&b, "no answer for wait key %s in time", str_s(wait_key(c)));
  Val m = map_assoc(err_map("wait-timeout", buf_cstr(&b)), kw_c("key"), wait_key(c));
  buf_free(&b);
  step_error(c, map_assoc(m, kw_c("retryable?"), FALSE_V), -1);
}

bool step_waits_for(const Run *r, const char *key) {
  if (!r->call || !kw_is(r->call->type, "wait") || r->call->checkpoint) return false;
  Val k = wait_key(r->call);
  return is_str(k) && !strcmp(str_s(k), key);
}

bool step_deliver(Run *r, Val body, Batch *extra) {
  (void)extra;
  StepCall *c = r->call;
  if (!c || !kw_is(c->type, "wait") || c->checkpoint) return false;
  run_again(r);
  wait_cleanup(c, body);
  step_resolve(c, true, with_progress(c, body));
  return true;
}

static bool shell_role(void *ctx, const char *role) {
  const char *own = ctx;
  return !strcmp(role, *own == ':' ? own + 1 : own);
}

static const char *text_of(Val v) { return is_str(v) ? str_s(v) : NULL; }

/* Nobody says who they are, as in tests of flows: what stands in the answer as :by, if anything, is a field of that name. */
static Val without_decider(Val answer, Val fields) {
  Val by = is_map(fields) ? map_get_kw(fields, "by") : NIL;
  return is_nil(by) ? map_dissoc(answer, kw_c("by")) : map_assoc(answer, kw_c("by"), by);
}

bool wait_decided(Run *r, const char *action, Val body) {
  const char *by = text_of(map_get_kw(body, "by")), *role = text_of(map_get_kw(body, "role"));
  DecisionWait w = {r->workspace, r->run, r->call->intent_seq, spec_again(r->call), NULL};
  Decider who = {by ? by : "shell", by ? by : "shell", false, role ? shell_role : NULL, (void *)(uintptr_t)role};
  Decided d;
  Err why = {0};
  if (!decision_make(r->e->store, &w, action, map_get_kw(body, "value"), text_of(map_get_kw(body, "reason")), &who, run_batch(r), &d, &why)) return false;
  return d.final && step_deliver(r, by ? d.answer : without_decider(d.answer, map_get_kw(body, "value")), NULL);
}

void wait_dismissed(Run *r, Val body) {
  StepCall *c = r->call;
  Val reason = map_get_kw(body, "reason"), by = map_get_kw(body, "by");
  run_again(r);
  wait_cleanup(c, kw_c("cancelled"));
  Val m = err_map("wait-cancelled", "");
  m = map_assoc(m, kw_c("message"), str_fmt("the wait was cancelled%s%s", is_str(reason) ? ": " : "", is_str(reason) ? str_s(reason) : ""));
  if (is_str(by)) m = map_assoc(m, kw_c("by"), by);
  step_error(c, map_assoc(m, kw_c("retryable?"), FALSE_V), -1);
}

void wait_parked(Run *r) {
  Val value = NIL;
  if (!r->call || !kw_is(r->call->type, "wait") || r->call->checkpoint) return;
  r->e->wait_parked = true; /* people to be told, and answers that were sent meanwhile */
  if (r->early_seen == r->e->early.serial + 1) return; /* nothing came since it began */
  if (early_answer(r->call, spec_again(r->call), false, &value)) step_deliver(r, value, NULL);
}
