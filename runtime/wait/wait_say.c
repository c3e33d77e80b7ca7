/* wait_say.c - what a person is told about a run that waits: who may answer and how, and what came of its notification. */
#include "runtime/engine/engine_int.h"
#include "runtime/agent/agent_progress.h"
#include "eval/unit.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>

static const char *text(Val v) { return is_str(v) ? str_s(v) : is_kw(v) ? kw_text(v) : ""; }

static void say_webhook(Buf *b, const WaitRow *w, Val spec) {
  Val path = map_get_kw(spec, "path"), event = map_get_kw(spec, "event");
  if (truthy(map_get_kw(spec, "webhook?")))
    buf_fmt(b, "\nanswered over HTTP by POST /%s/events/%s, auth :%s", w->workspace, is_str(path) ? str_s(path) : w->key, text(map_get_kw(map_get_kw(spec, "auth"), "type")));
  if (is_map(event)) buf_fmt(b, "\nanswered by the event %s: breyta-run send --event '%s' JSON", text(map_get_kw(event, "name")), text(map_get_kw(event, "name")));
  if (wait_insecure(spec)) buf_c(b, "\nINSECURE: whoever knows the address is believed; give :webhook an :auth such as {:type :hmac-sha256 :secret-ref ..}");
}

/* A plain wait: its key is all it takes. */
static void say_by_key(Buf *b, const WaitRow *w, Val spec) {
  bool plain = wait_by_key(spec) && !truthy(map_get_kw(spec, "webhook?")) && !is_vec(map_get_kw(spec, "roles")) && !wait_of_people(spec);
  if (plain) buf_fmt(b, "\nwhere --listen is reached, whoever knows the key is believed: POST /%s/events/%s; a :webhook with an :auth asks for credentials", w->workspace, w->key);
}

static void say_names(Buf *b, const char *before, Val names) {
  if (!is_vec(names)) return;
  buf_c(b, before);
  for (uint32_t i = 0; i < vec_count(names); i++) {
    Val n = vec_nth(names, i);
    buf_c(b, i ? ", " : "");
    for (uint32_t k = 0; is_vec(n) && k < vec_count(n); k++) buf_fmt(b, "%s%s", k ? "." : "", text(vec_nth(n, k)));
    if (!is_vec(n)) buf_c(b, text(n));
  }
}

Val wait_told(Engine *e, const WaitRow *w) {
  Buf name = {0};
  Blob was = {0};
  Err err = {0};
  int64_t at;
  wait_told_name(&name, w->run, w->seq);
  bool known = store_outcome_get(e->store, w->workspace, buf_cstr(&name), &at, &was, &err);
  Val v = known ? snap_read_value(env_core(), was.p, was.n) : NIL;
  blob_free(&was);
  buf_free(&name);
  return is_map(v) ? v : NIL;
}

static void say_told(Engine *e, Buf *b, const WaitRow *w) {
  Val v = wait_told(e, w), errors = map_get_kw(v, "errors");
  Val status = map_get_kw(map_get_kw(map_get_kw(v, "channels"), "http"), "status");
  if (is_vec(errors)) buf_fmt(b, "\nthe notification FAILED: %.300s", text(map_get_kw(vec_nth(errors, 0), "message")));
  else if (is_map(v)) buf_fmt(b, "\nthe notification was sent (HTTP %lld)", is_long(status) ? (long long)long_of(status) : 0LL);
  else buf_c(b, "\nthe notification is not sent yet, or longer ago than a day");
}

void wait_say(Engine *e, const RunRow *row, const char *step, const char *key, const char *until, char *out, size_t n) {
  WaitRow w = {0};
  Err err = {0};
  Buf b = {0};
  Val spec = store_wait_get(e->store, row->workspace, key, &w, &err) ? wait_spec_read(&w) : NIL;
  buf_fmt(&b, "step :%s waits for an answer with key \"%s\" until %s\n", step, key, until);
  buf_fmt(&b, "to answer: breyta-run send '%s' '{\"status\":\"ok\"}', then breyta-run resume %s", key, row->run_id);
  if (w.workspace) say_by_key(&b, &w, spec);
  if (is_map(spec)) {
    say_webhook(&b, &w, spec);
    if (truthy(map_get_kw(spec, "links"))) {
      buf_fmt(&b, "\nor: breyta-run approve|reject %s", row->run_id);
      say_told(e, &b, &w);
    }
    say_names(&b, "\nthe answer must have: ", map_get_kw(spec, "required"));
    say_names(&b, "\nfor the roles: ", map_get_kw(spec, "roles"));
    if (is_long(map_get_kw(spec, "approvals"))) buf_fmt(&b, "\n%lld different people must approve: breyta-run approve|reject %s", (long long)long_of(map_get_kw(spec, "approvals")), row->run_id);
  }
  agent_progress_say(e->store, row->workspace, key, &b);
  wait_row_free(&w);
  snprintf(out, n, "%s", buf_cstr(&b));
  buf_free(&b);
}
