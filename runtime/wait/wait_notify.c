/* wait_notify.c - telling people about a wait. What is to be told is a row of the inbox, made in the batch that registers the
 * wait; it is deleted in the batch that records what came of it. So the key and its links are durable before anybody is told,
 * a crash in between tells twice, and a failure is recorded beside the wait and changes nothing about it. */
#include "runtime/store/connection.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "runtime/steps/notify.h"
#include "runtime/base/limits.h"
#include "runtime/template/template_step.h"
#include "wait_answer.h"
#include "runtime/flow/wait_spec.h"
#include <stdlib.h>

typedef struct Telling {
  Engine *e;              /* NULL: it is gone, and its end with it */
  int64_t inbox;
  char *workspace, *name; /* under which the outcome is recorded */
  SecretUse *used;
  RetryPolicy retry;
  int attempt;
  int64_t again_ms;       /* 0: a request is on its way */
  struct Telling *next;
} Telling;
static Telling *tellings;

bool wait_notifying(const Engine *e) {
  for (const Telling *t = tellings; t; t = t->next)
    if (t->e == e) return true;
  return false;
}

/* Their rows stay: whoever takes the database up next tells again. */
void wait_notify_stop(const Engine *e) {
  for (Telling *t = tellings; t; t = t->next)
    if (t->e == e) t->e = NULL;
}

static void telling_free(Telling *t) {
  for (Telling **at = &tellings; *at; at = &(*at)->next)
    if (*at == t) {
      *at = t->next;
      break;
    }
  secret_use_free(t->used);
  free(t->workspace);
  free(t->name);
  free(t);
}

/* ---- ends ---- */

static void record(Engine *e, int64_t inbox, const char *workspace, const char *name, Val result) {
  Buf b = {0};
  Err err = {0};
  Batch *batch = batch_new();
  batch_inbox_del(batch, inbox);
  if (!is_nil(result) && !is_sig(snap_data(&b, result))) batch_outcome_put(batch, workspace, name, now_ms(), (Bytesv){b.p, b.n});
  buf_free(&b);
  if (!store_submit_wait(e->store, batch, &err)) e->inbox_again = !store_failed(e->store); /* told again later: at least once */
}

static void finished(Engine *e, Telling *t, bool ok, Val v) {
  Val clean = secret_clean(t->used, notify_result(ok, v));
  record(e, t->inbox, t->workspace, t->name, is_sig(clean) ? NIL : clean);
  telling_free(t);
}

static void ended(Engine *e, void *ctx, bool ok, Val v, int64_t retry_after) {
  Telling *t = ctx;
  if (!t->e) {
    telling_free(t);
    return;
  }
  Val able = map_get_kw(v, "retryable?"), status = map_get_kw(v, "status");
  bool again = !ok && t->attempt < t->retry.max_attempts && !same(able, FALSE_V) &&
               backoff_retryable(&t->retry, kw_text(map_get_kw(v, "type")), is_long(status) ? long_of(status) : 0);
  if (!again) {
    finished(e, t, ok, v);
    return;
  }
  t->again_ms = now_ms() + backoff_delay(&t->retry, t->attempt++, (uint64_t)t->inbox, retry_after);
  e->inbox_again = true;
}

/* ---- what is sent ---- */

/* Into data under both spellings. false: the wait has no address. */
static bool put_links(Engine *e, const char *workspace, int64_t run, int64_t seq, Val *data, Err *err) {
  static const char *const names[][3] = {{"approve", "approval-url", "approvalUrl"}, {"reject", "rejection-url", "rejectionUrl"}};
  *data = map_empty;
  for (int i = 0; i < 2; i++) {
    Buf b = {0};
    if (!wait_link(e, workspace, run, seq, names[i][0], &b, err)) return buf_free(&b), false;
    Val url = buf_str(&b);
    buf_free(&b);
    *data = map_assoc(map_assoc(*data, kw_c(names[i][1]), url), kw_c(names[i][2]), url);
  }
  return true;
}

/* The links are only an error's reason when something asked for them. */
static Val explained(Val error, const Err *no_links) {
  Val variable = map_get_kw(error, "variable");
  if (!no_links->code || !is_str(variable) || !strstr(str_s(variable), "-url")) return error;
  return map_assoc(error, kw_c("message"), str_fmt("the notification names %s, but %s", str_s(variable), no_links->msg));
}

static Val channels_of(Val notify, Val data, Val templates, Val *error) {
  if (is_nil(map_get_kw(notify, "template"))) return map_get_kw(notify, "channels");
  Val cfg = map_assoc(map_assoc(map_empty, kw_c("template"), map_get_kw(notify, "template")), kw_c("data"), data);
  Val out = template_config(templates, "notify", cfg, error);
  return same(out, ABSENT) ? out : map_get_kw(out, "channels");
}

/* ABSENT: *error. */
static Val request_for(Engine *e, const Telling *t, Val row, const FlowDef *def, Val *error) {
  Val notify = map_get_kw(row, "notify"), data = map_get_kw(notify, "data"), links = map_empty;
  Val templates = map_get_kw(def->map, "templates");
  Err no_links = {0}, err = {0};
  put_links(e, t->workspace, long_of(map_get_kw(row, "run")), long_of(map_get_kw(row, "seq")), &links, &no_links);
  if (!is_nil(data) && !is_map(data)) return *error = err_map("validation", ":notify :data must be a map"), ABSENT;
  bool whole = !is_nil(map_get_kw(notify, "template"));
  Val channels = channels_of(notify, map_merge(data, links), templates, error), req = ABSENT;
  if (!same(channels, ABSENT) && !notify_channels_check(channels, &err)) *error = err_map("validation", err.msg);
  else if (!same(channels, ABSENT)) req = notify_request(map_get_kw(channels, "http"), whole ? NIL : data, whole ? NIL : links, templates, error);
  if (same(req, ABSENT)) *error = map_assoc(explained(*error, &no_links), kw_c("retryable?"), FALSE_V);
  return req;
}

static void send(Engine *e, Telling *t, Val row, const FlowDef *def) {
  Val error = NIL, req = request_for(e, t, row, def, &error);
  Val once = map_get_kw(row, "once");
  t->again_ms = 0;
  if (!same(req, ABSENT)) {
    Val slot = map_get_kw(req, "connection");
    const Target *on = engine_target(e, long_of(map_get_kw(row, "run")));
    Val bound = is_kw(slot) ? map_get_kw(target_slot(on, def->map, slot), "config") : NIL;
    HttpCall call = {.cfg = req, .bound = bound, .secrets = target_secrets(on), .used = &t->used,
                     .key = is_str(once) ? str_s(once) : NULL, .max_body = NOTIFY_MAX_BODY,
                     .slot = slot, .workspace = t->workspace, .flow = def->slug};
    if (engine_http_call(e, &call, ended, t, &error)) return;
  }
  ended(e, t, false, error, -1);
}

/* The definition of the run, when it still waits there. */
static FlowDef *still_waits(Engine *e, const char *workspace, Val row) {
  RunRow run = {0};
  WaitRow w = {0};
  Err err = {0};
  FlowDef *def = NULL;
  int64_t number = long_of(map_get_kw(row, "run")), seq = long_of(map_get_kw(row, "seq"));
  bool there = wait_of_run(e->store, workspace, number, &w, &err) && w.seq == seq && store_run_get(e->store, number, &run, &err);
  if (there && !engine_def(e, run.source_hash, &def, NULL, &err)) def = NULL;
  wait_row_free(&w);
  run_row_free(&run);
  return def;
}

static Telling *telling_new(Engine *e, const InboxRow *row, Val body) {
  Telling *t = calloc(1, sizeof *t);
  Err err = {0};
  if (!t) abort();
  *t = (Telling){.e = e, .inbox = row->id, .workspace = strdup(row->workspace), .name = strdup(row->key), .attempt = 1, .next = tellings};
  Val retry = map_get_kw(map_get_kw(body, "notify"), "retry");
  if (!is_map(retry) || !backoff_policy(retry, &t->retry, &err)) {
    backoff_default(&t->retry);
    t->retry.max_attempts = 3;
    t->retry.backoff_ms = 200;
  }
  tellings = t;
  return t;
}

void wait_notify(Engine *e, const InboxRow *row) {
  Telling *t = tellings;
  while (t && (t->inbox != row->id || t->e != e)) t = t->next;
  if (t && (!t->again_ms || t->again_ms > now_ms())) {
    e->inbox_again = e->inbox_again || t->again_ms; /* looked at until its time has come */
    return;
  }
  Val body = snap_read_value(env_core(), row->body.p, row->body.n);
  FlowDef *def = is_map(body) && !e->o.stand_in ? still_waits(e, row->workspace, body) : NULL;
  if (!def) { /* answered already, over, or a test, which tells nobody */
    record(e, row->id, row->workspace, row->key, NIL);
    if (t) telling_free(t);
    return;
  }
  send(e, t ? t : telling_new(e, row, body), body, def);
}
