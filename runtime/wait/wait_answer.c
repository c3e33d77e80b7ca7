/* wait_answer.c - see wait_answer.h. */
#include "wait_answer.h"
#include "runtime/agent/agent_token.h"
#include "runtime/store/connection.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "runtime/base/json.h"
#include "runtime/base/limits.h"
#include "reader/read.h"
#include "wait_early.h"
#include "runtime/flow/wait_spec.h"
#include <stdlib.h>
#include <stdio.h>
#include <strings.h>

enum { PATH_WAITS = 64 }; /* how many waits of one path a request is tried against */

/* ---- bodies ---- */

static bool has_type(const ListenRequest *r, const char *type) {
  const char *t = listener_header(r, "content-type");
  return t && !strncasecmp(t, type, strlen(type));
}

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

/* One name or value of a form; ABSENT: not percent-encoded UTF-8. */
static Val form_text(const char *s, size_t n) {
  Buf b = {0};
  for (size_t i = 0; i < n; i++) {
    int hi = s[i] == '%' && i + 2 < n ? hex(s[i + 1]) : -1, lo = hi >= 0 ? hex(s[i + 2]) : -1;
    if (s[i] == '%' && lo < 0) return buf_free(&b), ABSENT;
    buf_ch(&b, s[i] == '+' ? ' ' : s[i] == '%' ? (char)(hi << 4 | lo) : s[i]);
    if (s[i] == '%') i += 2;
  }
  Val v = b.n && !utf8_valid(b.p, b.n) ? ABSENT : buf_str(&b);
  buf_free(&b);
  return v;
}

static Val form_map(const char *s, size_t n) {
  Val m = map_empty;
  while (n) {
    const char *amp = memchr(s, '&', n), *eq;
    size_t k = amp ? (size_t)(amp - s) : n;
    eq = memchr(s, '=', k);
    size_t name = eq ? (size_t)(eq - s) : k;
    Val key = form_text(s, name), v = eq ? form_text(eq + 1, k - name - 1) : str_c("");
    if (same(key, ABSENT) || same(v, ABSENT)) return ABSENT;
    if (str_n(key) && json_keyword_like(str_s(key), str_n(key))) key = kw_parse(str_s(key), str_n(key));
    Val was = map_get(m, key, ABSENT); /* a name that comes again makes a vector */
    if (!same(was, ABSENT)) v = is_vec(was) ? vec_conj(was, v) : vec_from((Val[]){was, v}, 2);
    if (!str_eq_c(key, "")) m = map_assoc(m, key, v);
    s += k + (amp != NULL);
    n -= k + (amp != NULL);
  }
  return m;
}

bool wait_body(const ListenRequest *r, Val *value, Err *err) {
  Err why = {0};
  bool form = has_type(r, "application/x-www-form-urlencoded");
  if (r->read) {
    *value = r->read->value;
    return !same(*value, ABSENT) || err_set(err, r->read->err.code, "%s", r->read->err.msg);
  }
  *value = r->nbody ? json_parse(r->body, r->nbody, &why) : map_empty;
  if (!same(*value, ABSENT) && !is_sig(*value)) return true;
  if (form && !same(*value = form_map(r->body, r->nbody), ABSENT)) return true;
  if (form && r->body[0] != '{' && r->body[0] != '[')
    return err_set(err, "bad_request", "the form is malformed: its names and values are UTF-8, and %% stands before two hexadecimal digits");
  bool other = listener_header(r, "content-type") && !form && !has_type(r, "application/json") && utf8_valid(r->body, r->nbody);
  *value = other ? str_new(r->body, r->nbody) : NIL;
  return other || err_set(err, "bad_request", "%s", why.msg[0] ? why.msg : "the body must be JSON");
}

void wait_body_read(const ListenRequest *r, BodyRead *out) {
  if (!wait_body(r, &out->value, &out->err)) out->value = ABSENT;
}

/* ---- one wait and one request ---- */

static const char by_replay[] = "", by_delivery[] = "delivery-";

static void remembered_name(Buf *b, const char *name, const char *kind, const char *id) {
  char both[80];
  snprintf(both, sizeof both, "%s%s", kind, id);
  wait_replay_name(b, name, both);
}

bool wait_payload_fits(Val spec, const char *key, Val payload) {
  Val event = map_get_kw(spec, "event");
  if (is_nil(event)) return true;
  Val found = wait_event_key(payload, map_get_kw(event, "path"));
  return is_str(found) && !strcmp(str_s(found), key);
}

/* Was a request with this replay id, or this id of its delivery, an answer under the same name before? */
static bool is_remembered(Engine *e, const ListenRequest *r, const char *kind, const char *id) {
  Buf name = {0};
  Blob was = {0};
  Err err = {0};
  int64_t at = 0;
  if (!*id) return false;
  remembered_name(&name, r->key, kind, id);
  bool seen = store_outcome_get(e->store, r->workspace, buf_cstr(&name), &at, &was, &err) && r->received_ms - at < HOOK_REPLAY_MS;
  blob_free(&was);
  buf_free(&name);
  return seen;
}

static void remember(Batch *b, const char *workspace, const char *name, const char *kind, const char *id) {
  Buf key = {0};
  if (!*id) return;
  remembered_name(&key, name, kind, id);
  batch_outcome_put(b, workspace, buf_cstr(&key), now_ms(), (Bytesv){"", 0});
  buf_free(&key);
}

void wait_remember(Batch *b, const char *workspace, const char *name, const HookProof *proof) {
  remember(b, workspace, name, by_replay, proof->replay);
  remember(b, workspace, name, by_delivery, proof->delivery);
}

/* Of a request without credentials nobody knows the role. */
static bool role_known(Val spec, Err *err) {
  if (wait_of_people(spec)) return err_set(err, "links_only", "people decide here (:approvals, :self-approval): they have links, the API's waits, and breyta-run approve");
  return !is_vec(map_get_kw(spec, "roles")) || !hook_auth_insecure(map_get_kw(spec, "auth")) ||
         err_set(err, "forbidden", "this wait has :roles, and a request without credentials has none: answer it with breyta-run send or approve, or give its :webhook an :auth");
}

bool wait_may_take(const ListenRequest *r) { return (int64_t)r->nbody <= limit_value(LIMIT_callback_bytes); }

static bool too_large(const ListenRequest *r, Err *err) {
  return !wait_may_take(r) && !err_set(err, "too_large", "the body is over %lld bytes", (long long)limit_value(LIMIT_callback_bytes));
}

bool wait_request_value(Engine *e, const ListenRequest *r, Val spec, int64_t run, const char *key, Val *value, HookProof *proof, Err *err) {
  Val auth = map_get_kw(spec, "auth");
  if (too_large(r, err)) return false;
  enum HookVerdict v = agent_token_auth(auth) ? agent_token_verify(e, r, key, proof, err)
                                              : hook_auth_verify(auth, is_nil(auth) ? NULL : target_secrets(engine_target(e, run)), r, proof, err);
  if (v == HOOK_BROKEN) err_set(err, "unverifiable", "this wait's credentials cannot be verified at the moment; try again later");
  if (v != HOOK_OK) return false;
  hook_delivery(r, proof->delivery);
  if (is_remembered(e, r, by_replay, proof->replay)) return err_set(err, "webhook_replay", "this signed request was used before");
  if (is_remembered(e, r, by_delivery, proof->delivery)) return err_set(err, "delivered_before", "a request with this delivery id was taken before");
  if (!wait_body(r, value, err)) return false;
  if (agent_token_auth(auth)) *value = agent_token_clean(e, r->workspace, key, spec, run, *value);
  if (!wait_payload_fits(spec, key, *value)) return err_set(err, "other_event", "the event is for another wait");
  if (!role_known(spec, err)) return false;
  return wait_answer_check(spec, *value, NULL, err);
}

bool wait_put_answer(Batch *batch, const char *workspace, const WaitRow *w, Val value, Err *err) {
  Buf b = {0};
  bool ok = !is_sig(snap_data(&b, value)) || err_set(err, "bad_request", "the answer cannot be stored");
  ok = ok && wait_size_check(wait_spec_read(w), snap_last_size(), err);
  if (ok) batch_inbox_put(batch, workspace, w->key, "event", now_ms(), (Bytesv){b.p, b.n});
  buf_free(&b);
  return ok;
}

static Batch *answer_batch(const char *workspace, const WaitRow *w, Val value, Err *err) {
  Batch *b = batch_new();
  if (wait_put_answer(b, workspace, w, value, err)) return b;
  batch_free(b);
  return NULL;
}

/* ---- replies ---- */

static void reply_error(WaitReply *out, const Err *err) {
  static const struct { const char *code; int status; } statuses[] = {
      {"unauthorized", 401}, {"bad_request", 400}, {"invalid_answer", 422}, {"webhook_replay", 409}, {"too_many_early", 429},
      {"links_only", 403}, {"too_large", 413},   {"forbidden", 403}};
  out->status = 503;
  out->code = err->code ? err->code : "store_failed";
  snprintf(out->msg, sizeof out->msg, "%s", err->msg);
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    if (!strcmp(out->code, statuses[i].code)) out->status = statuses[i].status;
}

static void reply_ok(WaitReply *out, int status, const char *outcome) {
  *out = (WaitReply){.status = status, .outcome = outcome};
}

/* Answered within a day: what comes now changes nothing (durability rule 12). */
static bool is_duplicate(Engine *e, const char *workspace, const char *name, WaitReply *out) {
  Blob was = {0};
  Err err = {0};
  int64_t at = 0;
  if (!store_outcome_get(e->store, workspace, name, &at, &was, &err)) return false;
  Val v = was.n ? snap_read_value(env_core(), was.p, was.n) : NIL;
  blob_free(&was);
  if (now_ms() - at >= ANSWERED_FOR_MS) return false;
  reply_ok(out, 200, "duplicate");
  out->answered_ms = at;
  out->recorded = kw_is(v, "timeout") ? "timed-out" : kw_is(v, "cancelled") ? "cancelled" : "answered";
  return true;
}

static void reply_duplicate(Engine *e, const ListenRequest *r, WaitReply *out) {
  if (!is_duplicate(e, r->workspace, r->key, out)) reply_ok(out, 200, "duplicate");
}

/* Its answer is durable, and what follows from it is on its way to the disk. */
static void guard_of(Buf *b, const char *workspace, const char *key) { buf_fmt(b, "%s\n%s", workspace, key); }
/* Beside its guard, among what is on its way. */
static Val delivery_of(const char *guard, const char *delivery) { return str_fmt("%s\n%s", guard, delivery); }

static bool just_answered(Engine *e, const WaitRow *w) {
  const Run *r = run_find(e, w->run);
  return r && !(r->phase == R_PARKED && step_waits_for(r, w->key));
}

/* ---- finding the wait ---- */

bool wait_on_its_way(Engine *e, const char *workspace, const char *key) {
  Buf guard = {0};
  guard_of(&guard, workspace, key);
  bool is = !is_nil(set_get(e->delivering, str_c(buf_cstr(&guard)), NIL));
  buf_free(&guard);
  return is;
}

bool wait_is_accepted(Engine *e, const char *workspace, const char *key) {
  Buf guard = {0};
  if (!e->accepted) return false;
  guard_of(&guard, workspace, key);
  bool is = !is_nil(set_get(e->accepted_keys, str_c(buf_cstr(&guard)), NIL));
  buf_free(&guard);
  return is;
}

bool wait_is_answered(Engine *e, const WaitRow *w) {
  return wait_on_its_way(e, w->workspace, w->key) || wait_is_accepted(e, w->workspace, w->key) || just_answered(e, w);
}

typedef struct Search { Engine *e; const ListenRequest *r; WaitReply *out; } Search;

/* false: one of another delivery is on its way. */
static bool deliver(Search *s, const WaitRow *w, Val value, const HookProof *proof) {
  Buf guard = {0};
  Err err = {0};
  guard_of(&guard, s->r->workspace, w->key);
  Val name = str_c(buf_cstr(&guard));
  Val own = *proof->delivery ? delivery_of(buf_cstr(&guard), proof->delivery) : NIL;
  bool on_its_way = !is_nil(set_get(s->e->delivering, name, NIL));
  if (on_its_way && !is_nil(own) && is_nil(set_get(s->e->delivering, own, NIL))) return buf_free(&guard), false;
  Batch *b = on_its_way ? NULL : answer_batch(s->r->workspace, w, value, &err);
  if (!b && !on_its_way) {
    buf_free(&guard);
    reply_error(s->out, &err);
    return true;
  }
  reply_ok(s->out, 200, "delivered");
  s->out->guard = buf_cstr(&guard);
  s->out->batch = b;
  if (!b) return true;
  snprintf(s->out->delivery, sizeof s->out->delivery, "%s", proof->delivery);
  wait_remember(b, s->r->workspace, s->r->key, proof);
  s->e->delivering = set_conj(s->e->delivering, name);
  if (!is_nil(own)) s->e->delivering = set_conj(s->e->delivering, own);
  return true;
}

void wait_settle(Engine *e, WaitReply *out, WaitReply *others, const char *error) {
  char *guard = out->guard, *key = strchr(guard, '\n');
  WaitRow w = {0};
  Err err = {0};
  Buf whole = {0};
  e->delivering = set_disj(set_disj(e->delivering, str_c(guard)), delivery_of(guard, out->delivery));
  buf_c(&whole, guard);
  *key++ = 0;
  out->guard = NULL;
  out->batch = NULL;
  if (error) {
    err_set(&err, error, "%s", store_error_text(error));
    reply_error(out, &err);
    *others = *out;
    e->inbox_again = true;
  } else {
    bool open = store_wait_get(e->store, guard, key, &w, &err) && !just_answered(e, &w);
    wait_row_free(&w);
    reply_ok(others, 200, "duplicate");
    if (open) wait_accept(e, buf_cstr(&whole));
    else if (!is_duplicate(e, guard, key, out)) *out = *others;
  }
  buf_free(&whole);
  free(guard);
}

/* true: the search is over, *out has the reply. A wait that does not believe the request leaves it to others, and one that is answered another
 * delivery to those to come. */
static bool try_wait(Search *s, const WaitRow *w) {
  Val spec = wait_spec_read(w), value = NIL;
  HookProof proof = {0};
  Err err = {0};
  if (!wait_request_value(s->e, s->r, spec, w->run, w->key, &value, &proof, &err)) {
    if (!strcmp(err.code, "other_event")) return false;
    if (!strcmp(err.code, "delivered_before")) return reply_duplicate(s->e, s->r, s->out), true;
    reply_error(s->out, &err);
    return strcmp(err.code, "unauthorized") && strcmp(err.code, "unverifiable");
  }
  if (!wait_is_accepted(s->e, w->workspace, w->key) && !just_answered(s->e, w)) return deliver(s, w, value, &proof);
  if (*proof.delivery) return false;
  reply_ok(s->out, 200, "duplicate");
  return true;
}

static bool by_key(Search *s) {
  WaitRow w = {0};
  Err err = {0};
  if (wait_is_system(s->r->key) || !store_wait_get(s->e->store, s->r->workspace, s->r->key, &w, &err)) return false;
  bool done = false;
  if (wait_by_key(wait_spec_read(&w))) done = try_wait(s, &w);
  else {
    err_set(&err, "links_only", "this wait is not answered under its key: people have its links, services its webhook path or event");
    reply_error(s->out, &err);
  }
  wait_row_free(&w);
  return done;
}

static bool by_path(Search *s) {
  WaitRow rows[PATH_WAITS], w;
  Buf prefix = {0};
  Err err = {0};
  bool done = false;
  wait_path_name(&prefix, s->r->key, NULL);
  size_t n = store_waits_under(s->e->store, s->r->workspace, buf_cstr(&prefix), NULL, rows, PATH_WAITS, &err);
  for (size_t i = 0; i < n; i++) {
    if (!done && store_wait_get(s->e->store, s->r->workspace, rows[i].key + prefix.n, &w, &err)) {
      done = try_wait(s, &w);
      wait_row_free(&w);
    }
    wait_row_free(&rows[i]);
  }
  buf_free(&prefix);
  return done;
}

static bool by_event(Search *s) {
  WaitRow w = {0};
  Val payload = NIL;
  Err err = {0};
  if (wait_is_system(s->r->key) || too_large(s->r, &err) || !wait_body(s->r, &payload, &err)) return false;
  if (!wait_for_event(s->e->store, s->r->workspace, s->r->key, payload, &w, &err)) return false;
  bool done = try_wait(s, &w);
  wait_row_free(&w);
  return done;
}

bool wait_request_taken(Engine *e, const ListenRequest *r, WaitReply *out) {
  Search s = {e, r, out};
  *out = (WaitReply){0};
  return by_key(&s) || by_path(&s) || by_event(&s);
}

void wait_request_early(Engine *e, const ListenRequest *r, WaitReply *out) {
  Err err = {0};
  Val body;
  char delivery[65];
  hook_delivery(r, delivery);
  if (out->status || (!*delivery && is_duplicate(e, r->workspace, r->key, out))) return;
  if (is_remembered(e, r, by_delivery, delivery)) reply_duplicate(e, r, out);
  else if (too_large(r, &err)) reply_error(out, &err);
  else if (!wait_body(r, &body, &err) || !early_keep_request(e, r, &err)) reply_error(out, &err);
  else reply_ok(out, 202, "kept");
}

void wait_named(Engine *e, const InboxRow *row, Err *err) {
  Val payload = snap_read_value(env_core(), row->body.p, row->body.n);
  WaitRow w = {0};
  Err why = {0};
  bool found = !is_sig(payload) && wait_for_event(e->store, row->workspace, row->key, payload, &w, err);
  bool taken = found && wait_answer_check(wait_spec_read(&w), payload, NULL, &why) && wait_value_check(wait_spec_read(&w), payload, &why) && !just_answered(e, &w);
  if (!found && !is_sig(payload)) early_keep_event(e, row->workspace, row->key, payload, row->received_ms, err);
  Batch *b = batch_new();
  if (taken) batch_inbox_put(b, row->workspace, w.key, "event", row->received_ms, (Bytesv){row->body.p, row->body.n});
  batch_inbox_del(b, row->id);
  if (store_submit_wait(e->store, b, err) && taken) e->inbox_again = true;
  wait_row_free(&w);
}
