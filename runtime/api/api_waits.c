/* api_waits.c - waits over the API (spec/http-api.md G1): what runs wait for, and people's decisions (decisions.h).
 *
 * An id is "<run>-<record>"; of a step that failed at :on-error :checkpoint and waits for a person the record says so (J_CHECK). A decision, the memory of its
 * answer and what it does are one batch; it is handed to the run before the answer leaves. Roles are scopes of the key: "role:manager";
 * keys with workspace.full have all. */
#include "api_runs.h"
#include "runtime/wait/decisions.h"
#include "runtime/engine/child.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "runtime/wait/wait_answer.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_OF_A_RUN = 8, PAGE = 64, LOOKS = 4000, LATER_RECORDS = 20000, BODY_REASON = 1024 };

/* One wait, open or over: of which run, which record. */
typedef struct Wait {
  int64_t run, seq;
  RunRow row;
  WaitRow w;     /* of an open one */
  Val spec, note; /* note: of a checkpoint */
  enum { IS_OPEN, IS_CHECKPOINT, IS_ANSWERED, IS_OVER } state;
} Wait;

static void wait_free(Wait *x) {
  wait_row_free(&x->w);
  run_row_free(&x->row);
}

/* --- finding --------------------------------------------------------------------------------------------------------------------- */
static Val note_of(const RunRow *r) {
  Val v = r->note && r->status == RUN_WAITING ? read_one(r->note, strlen(r->note), NULL, true) : NIL;
  return is_map(v) ? v : NIL;
}

static bool is_checkpoint(Val note) { return kw_is(map_get_kw(note, "waits"), "checkpoint"); }

/* A person's answer is on its way to it, or it has got one that does not show in its row yet. */
static bool check_answered(ApiCall *c, const RunRow *row, Err *err) {
  const Run *r = run_find(c->api->engine, row->run);
  InboxRow there[ROWS_OF_A_RUN];
  if (r && !(r->phase == R_PARKED && r->call && r->call->checkpoint)) return true;
  size_t n = store_inbox_by_key(c->api->store, c->workspace, row->run_id, there, ROWS_OF_A_RUN, err);
  bool any = false;
  for (size_t i = 0; i < n; i++) {
    any = any || !strcmp(there[i].kind, "action");
    inbox_row_free(&there[i]);
  }
  return any;
}

/* What the run of x->row waits for; false: nothing that anybody can answer. */
static bool wait_of_row(ApiCall *c, Wait *x, Err *err) {
  x->run = x->row.run;
  x->spec = NIL;
  x->note = note_of(&x->row);
  if (is_checkpoint(x->note)) {
    x->seq = x->row.head_seq;
    x->state = check_answered(c, &x->row, err) ? IS_ANSWERED : IS_CHECKPOINT;
    return !err->code;
  }
  if (!kw_is(map_get_kw(x->note, "waits"), "wait") || !wait_of_run(c->api->store, c->workspace, x->run, &x->w, err)) return false;
  x->seq = x->w.seq;
  x->spec = wait_spec_read(&x->w);
  x->state = wait_is_answered(c->api->engine, &x->w) ? IS_ANSWERED : IS_OPEN;
  return true;
}

static bool id_of(const char *text, int64_t *run, int64_t *seq) {
  char *end;
  if (*text < '0' || *text > '9') return false;
  *run = strtoll(text, &end, 10);
  if (*end != '-' || end[1] < '0' || end[1] > '9') return false;
  *seq = strtoll(end + 1, &end, 10);
  return !*end;
}

/* The wait of the path's {id}. false: 404 */
static bool find(ApiCall *c, Wait *x) {
  Err err = {0};
  int64_t run = 0, seq = 0;
  const char *id = api_path(c, "id");
  *x = (Wait){.spec = NIL, .note = NIL};
  bool found = id_of(id, &run, &seq) && store_run_get(c->api->store, run, &x->row, &err) && x->row.workspace && !strcmp(x->row.workspace, c->workspace);
  if (found && wait_of_row(c, x, &err) && x->seq == seq) return true;
  x->run = run;
  x->seq = seq;
  x->state = IS_OVER;
  if (found && !err.code) return true;
  wait_free(x);
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "wait not found: %s", id);
}

/* --- showing --------------------------------------------------------------------------------------------------------------------- */
static Val id_val(const Wait *x) { return str_fmt("%lld-%lld", (long long)x->run, (long long)x->seq); }

static Val with_time(Val d) {
  Val at = map_get_kw(d, "at");
  return is_long(at) ? map_assoc(d, kw_c("at"), api_time(long_of(at))) : d;
}

static Val shown_decisions(ApiCall *c, int64_t run, int64_t seq, Err *err) {
  Val all = decisions_of(c->api->store, c->workspace, run, seq, err);
  ValVec out = {0};
  for (uint32_t i = 0; i < vec_count(all); i++) vv_push(&out, with_time(vec_nth(all, i)));
  return out.n ? vec_from(out.a, out.n) : NIL;
}

static Val actions_of(const Wait *x) {
  static const char *const check[] = {"retry", "skip", "fail"}, *const plain[] = {"approve", "reject"};
  ValVec out = {0};
  if (is_checkpoint(x->note))
    for (int i = 0; i < 3; i++) vv_push(&out, str_c(check[i]));
  else
    for (int i = 0; i < 2; i++) vv_push(&out, str_c(plain[i]));
  Val more = map_get_kw(x->spec, "actions");
  for (uint32_t i = 0; is_vec(more) && i < vec_count(more); i++)
    if (!str_eq_c(vec_nth(more, i), "approve") && !str_eq_c(vec_nth(more, i), "reject")) vv_push(&out, vec_nth(more, i));
  return vec_from(out.a, out.n);
}

/* Asked of people, not of services. */
static bool for_people(const Wait *x) {
  return is_checkpoint(x->note) || truthy(map_get_kw(x->spec, "links")) || truthy(map_get_kw(x->spec, "person")) ||
         !is_nil(map_get_kw(x->spec, "roles")) || !is_nil(map_get_kw(x->spec, "approvals")) || !is_nil(map_get_kw(x->spec, "actions"));
}

static Val approval_of(const Wait *x, Val decisions) {
  ValVec m = {0};
  Val need = map_get_kw(x->spec, "approvals"), question = map_get_kw(x->note, "message");
  int64_t have = 0;
  for (uint32_t i = 0; is_vec(decisions) && i < vec_count(decisions); i++) have += str_eq_c(map_get_kw(vec_nth(decisions, i), "action"), "approve");
  api_put(&m, "actions", actions_of(x));
  api_put(&m, "title", api_shown(map_get_kw(x->spec, "title")));
  api_put(&m, "summary", api_shown(is_nil(map_get_kw(x->spec, "summary")) ? question : map_get_kw(x->spec, "summary")));
  api_put(&m, "shown", api_shown(map_get_kw(x->note, "shown")));
  api_put(&m, "fields", api_shown(is_nil(map_get_kw(x->spec, "fields")) ? map_get_kw(x->note, "fields") : map_get_kw(x->spec, "fields")));
  api_put(&m, "roles", map_get_kw(x->spec, "roles"));
  api_put(&m, "required", is_long(need) ? need : fix(1));
  api_put(&m, "have", fix(have));
  if (same(map_get_kw(x->spec, "self-approval"), FALSE_V)) api_put(&m, "selfApproval", FALSE_V);
  return api_map(&m);
}

static const char *state_text(const Wait *x) { return x->state == IS_ANSWERED ? "answered" : "waiting"; }

/* Who started the run; of a child, who started the run at the root. */
static bool starter_of(ApiCall *c, const Wait *x, Val *by, Err *err) {
  Val root = map_get_kw(child_lineage(&x->row), "root-workflow-id");
  RunRow row = {0};
  *by = api_run_fact(&x->row, "by");
  if (!is_nil(*by) || !is_str(root)) return true;
  if (store_run_by_id(c->api->store, c->workspace, str_s(root), &row, err)) *by = api_run_fact(&row, "by");
  run_row_free(&row);
  return !err->code;
}

/* Links ask nobody who they are: whoever may not approve their own run does not get them here. */
static bool is_own(ApiCall *c, const Wait *x) {
  Err err = {0};
  Val by;
  if (!same(map_get_kw(x->spec, "self-approval"), FALSE_V)) return false;
  return !starter_of(c, x, &by, &err) || (c->key_id && str_eq_c(by, c->key_id));
}

static void put_links(ApiCall *c, const Wait *x, ValVec *m) {
  static const char *const names[][2] = {{"approve", "approvalUrl"}, {"reject", "rejectionUrl"}};
  if (!truthy(map_get_kw(x->spec, "links")) || !api_may(c, "workspace.full") || is_own(c, x)) return; /* who has them decides, whatever the roles */
  for (int i = 0; i < 2; i++) {
    Buf b = {0};
    Err err = {0};
    if (wait_link(c->api->engine, c->workspace, x->run, x->seq, names[i][0], &b, &err)) api_put_text(m, names[i][1], buf_cstr(&b));
    buf_free(&b);
  }
}

static void put_address(const Wait *x, ValVec *m) {
  Val path = map_get_kw(x->spec, "path");
  if (!wait_of_people(x->spec) && (wait_by_key(x->spec) || is_str(path))) api_put(m, "eventPath", is_str(path) ? path : str_c(x->w.key));
  if (wait_insecure(x->spec)) api_put(m, "insecure", TRUE_V);
  api_put(m, "auth", api_shown(map_get_kw(map_get_kw(x->spec, "auth"), "type")));
  api_put(m, "event", api_shown(map_get_kw(map_get_kw(x->spec, "event"), "name")));
}

/* Nobody may have been told, and the run waits on: that is said here. */
static void put_notification(ApiCall *c, const Wait *x, ValVec *m) {
  if (!truthy(map_get_kw(x->spec, "links"))) return;
  ValVec n = {0};
  Val told = wait_told(c->api->engine, &x->w), errors = map_get_kw(told, "errors");
  bool sent = truthy(map_get_kw(told, "sent?"));
  if (is_nil(told) && now_ms() - x->w.created_ms >= ANSWERED_FOR_MS) return; /* forgotten */
  api_put_text(&n, "status", sent ? "sent" : is_nil(told) ? "pending" : "failed");
  api_put(&n, "httpStatus", map_get_kw(map_get_kw(map_get_kw(told, "channels"), "http"), "status"));
  if (is_vec(errors) && vec_count(errors)) api_put(&n, "error", api_shown(map_get_kw(vec_nth(errors, 0), "message")));
  api_put(m, "notification", api_map(&n));
}

static bool shown(ApiCall *c, const Wait *x, Val *out) {
  ValVec m = {0};
  Err err = {0};
  Val step = map_get_kw(x->note, "step"), due = map_get_kw(x->note, "due"), decisions = shown_decisions(c, x->run, x->seq, &err);
  if (err.code) return api_fail_err(c, &err);
  api_put(&m, "waitId", id_val(x));
  api_put_text(&m, "workflowId", x->row.run_id);
  api_put_text(&m, "flowSlug", x->row.slug);
  api_put_text(&m, "installationId", x->row.installation);
  api_put_text(&m, "stepId", is_kw(step) ? id_text(step) : NULL);
  api_put_text(&m, "status", state_text(x));
  api_put_text(&m, "kind", is_checkpoint(x->note) ? "checkpoint" : for_people(x) ? "approval" : "callback");
  api_put_text(&m, "key", x->w.key);
  api_put(&m, "registeredAt", api_time(is_checkpoint(x->note) ? x->row.updated_ms : x->w.created_ms));
  api_put(&m, "expiresAt", is_long(due) ? api_time(long_of(due)) : NIL);
  api_put(&m, "error", api_shown(map_get_kw(x->note, "error")));
  api_put(&m, "required", api_shown(map_get_kw(x->spec, "required")));
  if (!is_checkpoint(x->note)) put_address(x, &m);
  if (for_people(x)) api_put(&m, "approval", approval_of(x, decisions));
  api_put(&m, "actions", actions_of(x));
  put_links(c, x, &m);
  put_notification(c, x, &m);
  api_put(&m, "decisions", decisions);
  *out = api_map(&m);
  return true;
}

/* --- over --------------------------------------------------------------------------------------------------------------------------- */
typedef struct Past { int64_t seq; Val intent, result, check; bool end; } Past; /* check: it was a checkpoint */
static bool take_past(void *ctx, const JournalRec *j) {
  Past *p = ctx;
  Val v = snap_read_value(env_core(), j->data.p, j->data.n);
  if (!is_vec(v)) return false;
  if (j->seq == p->seq && j->kind == J_CHECK) return p->check = v, false;
  if (j->seq == p->seq && j->kind == J_INTENT) p->intent = v;
  if (is_nil(p->intent)) return false;
  if (j->kind == J_END) p->end = true;
  if (j->kind == J_RESULT && long_of(vec_nth(v, JR_INTENT)) == p->seq) p->result = v;
  return is_nil(p->result) && !p->end;
}

static const char *past_status(const Past *p) {
  Val v = is_vec(p->result) ? vec_nth(p->result, JR_VALUE) : NIL, type = map_get_kw(v, "type"), action = map_get_kw(v, "action");
  if (!is_vec(p->result)) return "cancelled";
  if (truthy(vec_nth(p->result, JR_OK))) return kw_is(action, "reject") ? "rejected" : "completed";
  return kw_is(type, "wait-timeout") ? "expired" : kw_is(type, "wait-cancelled") || kw_is(type, "cancelled") ? "cancelled" : "failed";
}

static void put_past(const Past *p, ValVec *m) {
  if (is_vec(p->check)) {
    api_put_text(m, "kind", "checkpoint");
    api_put_text(m, "status", "completed");
    api_put(m, "registeredAt", api_time(long_of(vec_nth(p->check, 2))));
    return;
  }
  api_put_text(m, "stepId", id_text(vec_nth(p->intent, JI_STEP)));
  api_put_text(m, "status", past_status(p));
  api_put(m, "registeredAt", api_time(long_of(vec_nth(p->intent, JI_AT))));
  if (is_vec(p->result)) api_put(m, "completedAt", api_time(long_of(vec_nth(p->result, JR_AT))));
}

static bool shown_past(ApiCall *c, const Wait *x, Val *out) {
  ValVec m = {0};
  Err err = {0};
  Past p = {x->seq, NIL, NIL, NIL, false};
  bool near = x->row.head_seq - x->seq <= LATER_RECORDS;
  if (near && !store_journal(c->api->store, x->run, x->seq - 1, take_past, &p, &err) && err.code) return api_fail_err(c, &err);
  Val decisions = shown_decisions(c, x->run, x->seq, &err);
  if (err.code) return api_fail_err(c, &err);
  if (!is_vec(p.check) && (!is_vec(p.intent) || !kw_is(vec_nth(p.intent, JI_TYPE), "wait"))) return api_fail(c, 404, "not_found", "wait not found: %s", api_path(c, "id"));
  api_put(&m, "waitId", id_val(x));
  api_put_text(&m, "workflowId", x->row.run_id);
  api_put_text(&m, "flowSlug", x->row.slug);
  put_past(&p, &m);
  api_put(&m, "actions", vec_empty);
  api_put(&m, "decisions", decisions);
  *out = api_map(&m);
  return true;
}

static bool show(ApiCall *c) {
  Wait x;
  Val v = NIL;
  if (!find(c, &x)) return false;
  bool ok = x.state == IS_OVER ? shown_past(c, &x, &v) : shown(c, &x, &v);
  wait_free(&x);
  return ok && api_ok(c, v);
}

/* --- lists: of the runs that wait, newest first ----------------------------------------------------------------------------------- */
typedef struct Listing { ValVec items; size_t limit; int64_t before; bool more, people, failed; } Listing;

static void list_run(ApiCall *c, Listing *l, RunRow *row) {
  Wait x = {.row = *row, .spec = NIL, .note = NIL};
  Err err = {0};
  Val v;
  *row = (RunRow){0};
  bool there = !l->more && !l->failed && wait_of_row(c, &x, &err) && x.state != IS_ANSWERED && (!l->people || for_people(&x));
  if (err.code) l->failed = true, api_fail_err(c, &err);
  if (there && l->items.n == l->limit) l->more = true;
  else if (there && shown(c, &x, &v)) vv_push(&l->items, v);
  else if (there) l->failed = true;
  if (!l->more) l->before = x.run ? x.run : x.row.run;
  wait_free(&x);
}

static bool list_all(ApiCall *c, Listing *l, Err *err) {
  RunRow rows[PAGE];
  RunQuery q = {c->workspace, api_text(c, "flowSlug"), NULL, 1u << RUN_WAITING};
  size_t n = PAGE;
  for (int looks = 0; n == PAGE && !l->more && !l->failed; looks += PAGE) {
    if ((l->more = looks >= LOOKS)) break;
    n = store_runs_newest(c->api->store, &q, l->before, rows, PAGE, err);
    for (size_t i = 0; i < n; i++) list_run(c, l, &rows[i]);
    if (err->code) return api_fail_err(c, err);
  }
  return !l->failed;
}

static bool list_one(ApiCall *c, Listing *l, const char *id, Err *err) {
  RunRow row = {0};
  const char *slug = api_text(c, "flowSlug");
  bool found = store_run_by_id(c->api->store, c->workspace, id, &row, err);
  if (found && (!slug || (row.slug && !strcmp(slug, row.slug)))) list_run(c, l, &row);
  run_row_free(&row);
  return err->code ? api_fail_err(c, err) : !l->failed;
}

static bool list_waits(ApiCall *c) {
  Listing l = {.limit = (size_t)api_int(c, "limit", 50), .before = INT64_MAX, .people = api_flag(c, "showsInUiOnly")};
  Err err = {0};
  char *end = NULL;
  ValVec m = {0};
  const char *cursor = api_text(c, "cursor"), *run = api_text(c, "workflowId");
  if (cursor) l.before = strtoll(cursor, &end, 16);
  if (cursor && (*end || l.before < 1)) return api_fail(c, 400, "bad_request", "cursor: send nextCursor of the page before");
  if (!(run ? list_one(c, &l, run, &err) : list_all(c, &l, &err))) return false;
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(l.items.a, l.items.n));
  api_put(&m, "hasMore", l.more ? TRUE_V : FALSE_V);
  if (l.more) api_put(&m, "nextCursor", str_fmt("%llx", (long long)l.before));
  return api_ok(c, api_map(&m));
}

/* --- deciding ------------------------------------------------------------------------------------------------------------------------ */
static bool has_role(void *ctx, const char *role) {
  char scope[160];
  snprintf(scope, sizeof scope, "role:%s", role);
  return api_may(ctx, scope);
}

static Decider decider(ApiCall *c) { return (Decider){c->key_id, c->key_name, api_may(c, "workspace.full"), has_role, c}; }

static bool refused(ApiCall *c, const Err *err) {
  static const struct { const char *code; int status; } known[] = {{"forbidden", 403},     {"self_approval", 403},  {"delegated", 403},
                                                                   {"already_decided", 409}, {"invalid_answer", 422}, {"unknown_action", 404},
                                                                   {"too_large", 413}};
  for (size_t i = 0; err->code && i < sizeof known / sizeof *known; i++)
    if (!strcmp(err->code, known[i].code)) return api_fail(c, known[i].status, err->code, "%s", err->msg);
  return api_fail_err(c, err);
}

/* Durable with its answer, then handed to the run. */
static bool commit(ApiCall *c, Batch *b) {
  Err err = {0};
  if (!api_seal(c, b)) {
    batch_free(b);
    c->sealed = false;
    return api_fail(c, 500, "internal", "the answer cannot be stored");
  }
  if (store_submit_wait(c->api->store, b, &err) && engine_drain_inbox(c->api->engine, &err)) return true;
  c->sealed = false;
  return api_fail_err(c, &err);
}

static Val decided(const Wait *x, const char *action, const char *status, const Decided *d) {
  ValVec m = {0};
  api_put(&m, "waitId", id_val(x));
  api_put_text(&m, "workflowId", x->row.run_id);
  api_put_text(&m, "status", status);
  api_put_text(&m, "action", action);
  if (d) api_put(&m, "approvals", int_val(d->have));
  if (d) api_put(&m, "approvalsRequired", int_val(d->need));
  return api_map(&m);
}

static bool is_open(ApiCall *c, const Wait *x) {
  Val v = NIL;
  if (x->state == IS_OPEN || x->state == IS_CHECKPOINT) return true;
  if (x->state == IS_OVER && shown_past(c, x, &v)) c->details = v;
  else if (x->state == IS_OVER) return false;
  return api_fail(c, 409, "already_decided", "this wait is over: nothing has changed");
}

static const char *reason_of(const ApiCall *c) {
  Val r = is_map(c->body) ? map_get_kw(c->body, "reason") : NIL;
  return is_str(r) && str_n(r) <= BODY_REASON ? str_s(r) : NULL;
}

/* Is the reason a field of the answer, too? */
static bool asks_reason(const Wait *x) {
  Val fields = map_get_kw(is_nil(map_get_kw(x->spec, "fields")) ? x->note : x->spec, "fields");
  for (uint32_t i = 0; is_vec(fields) && i < vec_count(fields); i++) {
    Val k = map_get_kw(vec_nth(fields, i), "key");
    if (kw_is(k, "reason") || str_eq_c(k, "reason")) return true;
  }
  return false;
}

static bool reason_ok(ApiCall *c, const Wait *x) {
  Val r = is_map(c->body) ? map_get_kw(c->body, "reason") : NIL;
  return is_nil(r) || reason_of(c) || asks_reason(x) || api_fail(c, 400, "bad_request", "reason: a text of at most %d bytes", BODY_REASON);
}

static DecisionWait place(const ApiCall *c, const Wait *x, Val by) {
  return (DecisionWait){c->workspace, x->run, x->seq, x->spec, is_str(by) ? str_s(by) : NULL};
}

static bool put_inbox(ApiCall *c, const Wait *x, const char *key, const char *kind, Val body, Batch *b) {
  Buf data = {0};
  bool ok = !is_sig(snap_data(&data, body)) || api_fail(c, 400, "bad_request", "the answer cannot be stored");
  if (ok) batch_inbox_put(b, x->row.workspace, key, kind, now_ms(), (Bytesv){data.p, data.n});
  buf_free(&data);
  return ok;
}

/* A step that failed: it is tried again, has a value, or fails for good. */
static bool decide_check(ApiCall *c, const Wait *x, const char *action, Batch *b) {
  Decider who = decider(c);
  DecisionWait at = place(c, x, NIL);
  const char *means = !strcmp(action, "approve") ? "retry" : !strcmp(action, "reject") ? "fail" : !strcmp(action, "complete") ? "skip" : action;
  if (strcmp(means, "retry") && strcmp(means, "skip") && strcmp(means, "fail"))
    return api_fail(c, 404, "unknown_action", "a failed step is answered by retry, skip (with the value as body) or fail, not %.60s", action);
  Val kv[] = {kw_c("action"), str_c(means), kw_c("value"), c->body, kw_c("record"), int_val(x->seq)}, body = map_from(kv, 3, false);
  if (strcmp(means, "skip") && !reason_ok(c, x)) return false;
  if (!put_inbox(c, x, x->row.run_id, "action", body, b)) return false;
  decision_record(&at, means, reason_of(c), &who, b);
  return api_ok(c, decided(x, means, "completed", NULL));
}

/* What is in the body; of a :confirm or :review beside the reason, and {"value": v} is v. */
static Val answer_of(const ApiCall *c, const Wait *x) {
  bool person = truthy(map_get_kw(x->spec, "person"));
  Val body = is_map(c->body) ? c->body : map_empty;
  bool keep = asks_reason(x) || (!person && !is_nil(map_get_kw(body, "reason")));
  Val fields = keep ? body : map_dissoc(body, kw_c("reason")), value = map_get(fields, kw_c("value"), ABSENT);
  if (!person) return fields;
  return map_count(fields) == 1 && !same(value, ABSENT) ? value : map_count(fields) ? fields : NIL;
}

static bool decide_wait(ApiCall *c, const Wait *x, const char *action, Batch *b) {
  Decider who = decider(c);
  Decided d;
  Err err = {0};
  Val by;
  if (!is_nil(c->body) && !is_map(c->body)) return api_fail(c, 400, "bad_request", "the body must be a JSON object: the fields of the answer");
  if (!reason_ok(c, x)) return false;
  if (!starter_of(c, x, &by, &err)) return api_fail_err(c, &err);
  DecisionWait at = place(c, x, by);
  Val fields = answer_of(c, x);
  if (!decision_make(c->api->store, &at, action, fields, reason_of(c), &who, b, &d, &err)) return refused(c, &err);
  if (d.final && !wait_put_answer(b, c->workspace, &x->w, d.answer, &err)) return refused(c, &err);
  return api_ok(c, decided(x, action, !d.final ? "waiting" : !strcmp(action, "reject") ? "rejected" : "completed", &d));
}

static bool complete_wait(ApiCall *c, const Wait *x, Batch *b) {
  Decider who = decider(c);
  Err err = {0};
  Val by, payload = is_nil(c->body) ? map_empty : c->body;
  if (!starter_of(c, x, &by, &err)) return api_fail_err(c, &err);
  DecisionWait at = place(c, x, by);
  if (!is_nil(map_get_kw(x->spec, "approvals")))
    return api_fail(c, 409, "needs_approvals", "this wait needs approvals of several people: use approve or reject");
  if (!decision_may(c->api->store, &at, &who, &err) || !wait_answer_check(x->spec, payload, NULL, &err)) return refused(c, &err);
  if (who.id && at.starter && !strcmp(who.id, at.starter) && same(map_get_kw(x->spec, "self-approval"), FALSE_V))
    return api_fail(c, 403, "self_approval", "who started the run may not decide this themselves (:self-approval false)");
  if (!wait_put_answer(b, c->workspace, &x->w, payload, &err)) return refused(c, &err);
  decision_record(&at, "complete", NULL, &who, b);
  return api_ok(c, decided(x, "complete", "completed", NULL));
}

static bool delegate_wait(ApiCall *c, const Wait *x, Batch *b) {
  Decider who = decider(c);
  Err err = {0};
  Val to = is_map(c->body) ? map_get_kw(c->body, "to") : NIL;
  DecisionWait at = place(c, x, NIL);
  if (!is_str(to) || !str_n(to) || str_n(to) > 200)
    return api_fail(c, 400, "bad_request", "send {\"to\": NAME}: the name or id of a key, or role:NAME");
  if (!reason_ok(c, x)) return false;
  if (!decision_delegate(c->api->store, &at, str_s(to), reason_of(c), &who, b, &err)) return refused(c, &err);
  return api_ok(c, decided(x, "delegate", "waiting", NULL));
}

static bool dismiss_wait(ApiCall *c, const Wait *x, Batch *b) {
  Decider who = decider(c);
  Err err = {0};
  DecisionWait at = place(c, x, NIL);
  if (x->state == IS_CHECKPOINT) return decide_check(c, x, "fail", b);
  if (!decision_may(c->api->store, &at, &who, &err)) return refused(c, &err);
  Val kv[] = {kw_c("by"), str_c(who.name ? who.name : who.id)};
  if (!put_inbox(c, x, x->w.key, "dismiss", map_from(kv, 1, false), b)) return false;
  decision_record(&at, "dismiss", NULL, &who, b);
  return api_ok(c, decided(x, "cancel", "cancelled", NULL));
}

static bool act(ApiCall *c, const Wait *x, const char *action, Batch *b) {
  if (!strcmp(action, "dismiss")) return dismiss_wait(c, x, b);
  if (x->state == IS_CHECKPOINT) return decide_check(c, x, action, b);
  if (!strcmp(action, "delegate")) return delegate_wait(c, x, b);
  if (!strcmp(action, "complete")) return complete_wait(c, x, b);
  return decide_wait(c, x, action, b);
}

static bool decide(ApiCall *c, const char *action) {
  Wait x;
  if (!find(c, &x)) return false;
  Batch *b = batch_new();
  bool ok = is_open(c, &x) && act(c, &x, action, b);
  if (ok) ok = commit(c, b);
  else batch_free(b);
  wait_free(&x);
  return ok;
}

static bool approve(ApiCall *c) { return decide(c, "approve"); }
static bool reject(ApiCall *c) { return decide(c, "reject"); }
static bool complete(ApiCall *c) { return decide(c, "complete"); }
static bool dismiss(ApiCall *c) { return decide(c, "dismiss"); }
static bool action(ApiCall *c) { return decide(c, api_path(c, "name")); }

const ApiRoute api_wait_routes[] = {
    {"GET",
     "waits",
     0,
     {"waits.list",
      "runs.read",
      false,
      "What runs wait for, the newest run first.",
      list_waits,
      {{"workflowId", API_TEXT, false, 0, 256, NULL, "only of this run"},
       {"flowSlug", API_SLUG, false, 0, 0, NULL, "only of this flow"},
       {"showsInUiOnly", API_BOOL, false, 0, 0, NULL, "only what people are asked"},
       {"limit", API_INT, false, 1, 200, NULL, "how many at once, 50 if it is not said"},
       {"cursor", API_TEXT, false, 0, 40, NULL, "nextCursor of the page before"}}}},
    {"GET", "waits/{id}", 0, {"waits.get", "runs.read", false, "One wait, also when it is over.", show, {{0}}}},
    {"POST",
     "waits/{id}/approve",
     ROUTE_VALUE,
     {"waits.approve", "flows.run", true, "Approves; the body has the fields that are asked for, and a reason. Several may have to.", approve, {{0}}}},
    {"POST", "waits/{id}/reject", ROUTE_VALUE, {"waits.reject", "flows.run", true, "Rejects, with a reason if you like.", reject, {{0}}}},
    {"POST", "waits/{id}/complete", ROUTE_VALUE, {"waits.complete", "flows.run", true, "The body is the step's result.", complete, {{0}}}},
    {"POST",
     "waits/{id}/action/{name}",
     ROUTE_VALUE,
     {"waits.action", "flows.run", true, "approve, reject, one of the wait's :actions, delegate {to}, and retry, skip or fail of a failed step.", action, {{0}}}},
    {"DELETE", "waits/{id}", 0, {"waits.cancel", "flows.run", true, "Nobody shall answer it any more: the step fails as :wait-cancelled.", dismiss, {{0}}}},
    {0},
};
