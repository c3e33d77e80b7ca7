/* agent_progress.c - see agent_progress.h. */
#include "agent_progress.h"
#include "agent_token.h"
#include "engine_agent.h"
#include "runtime/store/connection.h"
#include "runtime/base/duration.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "runtime/base/json.h"
#include "reader/num.h"
#include "reader/read.h"
#include "runtime/wait/wait_answer.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>

enum { ROWS = PROGRESS_KEPT + 12 }; /* some more than are kept, when several were on their way at a time */

/* ---- what is kept ---- */

static void row_name(Buf *b, const char *key, int64_t at) {
  static _Thread_local uint32_t serial;
  buf_fmt(b, "%cprogress/%s\x1f", WAIT_SYSTEM, key);
  if (at >= 0) buf_fmt(b, "%016llx%08x", (unsigned long long)at, ++serial);
}

static size_t rows_of(Store *s, const char *workspace, const char *key, InboxRow rows[ROWS]) {
  Buf prefix = {0};
  Err err = {0};
  row_name(&prefix, key, -1);
  size_t n = store_outcomes_under(s, workspace, buf_cstr(&prefix), NULL, rows, ROWS, &err);
  buf_free(&prefix);
  return n;
}

static void rows_free(InboxRow *rows, size_t n) {
  for (size_t i = 0; i < n; i++) inbox_row_free(&rows[i]);
}

static Val row_value(const InboxRow *row) {
  Val v = snap_read_value(env_core(), row->body.p, row->body.n);
  return is_map(v) ? map_assoc(v, kw_c("at"), int_val(row->received_ms)) : ABSENT;
}

Val agent_progress_list(Store *s, const char *workspace, const char *key) {
  InboxRow rows[ROWS];
  ValVec out = {0};
  size_t n = rows_of(s, workspace, key, rows);
  for (size_t i = n > PROGRESS_KEPT ? n - PROGRESS_KEPT : 0; i < n; i++) {
    Val v = row_value(&rows[i]);
    if (!same(v, ABSENT)) vv_push(&out, v);
  }
  rows_free(rows, n);
  return vec_from(out.a, out.n);
}

Val agent_progress_told(Store *s, const char *workspace, const char *key) {
  Val all = agent_progress_list(s, workspace, key);
  ValVec out = {0};
  for (uint32_t i = 0; i < vec_count(all); i++) {
    Val v = map_dissoc(map_dissoc(vec_nth(all, i), kw_c("log-tail")), kw_c("log-bytes"));
    Buf at = {0};
    inst_print(&at, long_of(map_get_kw(v, "at")));
    vv_push(&out, map_assoc(v, kw_c("at"), buf_str(&at)));
    buf_free(&at);
  }
  return vec_from(out.a, out.n);
}

void agent_progress_drop(Store *s, Batch *b, const char *workspace, const char *key) {
  InboxRow rows[ROWS];
  size_t n = rows_of(s, workspace, key, rows);
  for (size_t i = 0; i < n; i++) batch_outcome_del(b, workspace, rows[i].key);
  rows_free(rows, n);
}

void agent_progress_say(Store *s, const char *workspace, const char *key, Buf *b) {
  Val all = agent_progress_list(s, workspace, key);
  uint32_t n = vec_count(all);
  for (uint32_t i = n > 3 ? n - 3 : 0; i < n; i++) {
    Val v = vec_nth(all, i), percent = map_get_kw(v, "percent"), message = map_get_kw(v, "message");
    int64_t ago = now_ms() - long_of(map_get_kw(v, "at"));
    buf_c(b, "\nprogress");
    if (is_num(percent)) buf_ch(b, ' '), num_str(b, percent), buf_ch(b, '%');
    if (is_str(message)) buf_fmt(b, " %.160s", str_s(message));
    buf_c(b, " (");
    duration_print(b, ago < 0 ? 0 : ago / 1000 * 1000);
    buf_c(b, " ago)");
  }
}

/* ---- a request ---- */

static bool refuse(ProgressReply *out, int status, const char *code, const char *msg) {
  out->status = status;
  out->code = code;
  snprintf(out->msg, sizeof out->msg, "%s", msg);
  return false;
}

/* At most n bytes of it, from its end or its beginning, and no half character. */
static Val cut(Val v, size_t n, bool end) {
  if (!is_str(v) || str_n(v) <= n) return v;
  const char *p = str_s(v) + (end ? str_n(v) - n : 0), *stop = p + n;
  while (end && p < stop && ((unsigned char)*p & 0xc0) == 0x80) p++;
  while (!end && stop > p && ((unsigned char)*stop & 0xc0) == 0x80) stop--;
  return str_new(p, (size_t)(stop - p));
}

static void put(Val *m, const char *key, Val v, bool ok) {
  if (ok) *m = map_assoc(*m, kw_c(key), v);
}

static Val entry_of(Val body) {
  Val m = map_empty;
  if (!is_map(body)) body = map_assoc(map_empty, kw_c("message"), body);
  Val message = map_get_kw(body, "message"), tail = map_get_kw(body, "logTail"), percent = map_get_kw(body, "percent");
  Val seq = map_get_kw(body, "seq"), bytes = map_get_kw(body, "logBytes");
  put(&m, "message", cut(message, PROGRESS_MESSAGE, false), is_str(message));
  put(&m, "percent", percent, is_num(percent));
  put(&m, "seq", seq, is_long(seq));
  put(&m, "log-bytes", bytes, is_long(bytes));
  put(&m, "log-tail", cut(tail, PROGRESS_TAIL, true), is_str(tail));
  return m;
}

/* The row of the wait in *w, if there is one. false: nobody will wait for it any more. */
static bool find_wait(Engine *e, const ListenRequest *r, WaitRow *w, Val *spec, ProgressReply *out) {
  Err err = {0};
  Blob was = {0};
  int64_t at;
  *spec = NIL;
  if (store_wait_get(e->store, r->workspace, r->key, w, &err)) {
    *spec = wait_spec_read(w);
    return true;
  }
  bool over = store_outcome_get(e->store, r->workspace, r->key, &at, &was, &err);
  blob_free(&was);
  return !over || refuse(out, 410, "wait_over", "this wait is over");
}

/* Nobody waits, and nobody will: the run was cancelled or terminated, and a step of it that ends its agent has not run. */
static bool run_ended(Engine *e, const ListenRequest *r) {
  RunRow run = {0};
  Err err = {0};
  Buf id = {0};
  bool ended = engine_agent_run(r->key, &id) && store_run_by_id(e->store, r->workspace, buf_cstr(&id), &run, &err) &&
               (run.status == RUN_CANCELLED || run.status == RUN_TERMINATED);
  run_row_free(&run);
  buf_free(&id);
  return ended;
}

static bool believed(Engine *e, const ListenRequest *r, Val *spec, int64_t *run, ProgressReply *out) {
  WaitRow w = {0};
  Err err = {0};
  HookProof proof;
  enum HookVerdict v = HOOK_DENIED;
  if (wait_is_system(r->key)) return refuse(out, 425, "too_early", "nobody waits for that yet");
  if (!find_wait(e, r, &w, spec, out)) return false;
  Val auth = map_get_kw(*spec, "auth");
  bool open = w.workspace, own = !open || agent_token_auth(auth);
  if (own) v = agent_token_verify(e, r, r->key, &proof, &err);
  else if (wait_by_key(*spec)) v = hook_auth_verify(auth, is_nil(auth) ? NULL : target_secrets(engine_target(e, w.run)), r, &proof, &err);
  else err_set(&err, "unauthorized", "this wait takes no reports under its key");
  *run = w.run;
  wait_row_free(&w);
  if (v == HOOK_OK && open) return true;
  if (v == HOOK_OK && run_ended(e, r)) return refuse(out, 410, "cancelled", "the run was ended, and so is its agent to be");
  if (v == HOOK_BROKEN) return refuse(out, 503, "unverifiable", "the credentials cannot be verified at the moment; try again later");
  return open ? refuse(out, 401, "unauthorized", err.msg) : refuse(out, 425, "too_early", "nobody waits for that yet");
}

/* Room for one more: the oldest go. false: too soon after the last. */
static bool make_room(Engine *e, const ListenRequest *r, Batch *b) {
  InboxRow rows[ROWS];
  size_t n = rows_of(e->store, r->workspace, r->key, rows);
  bool soon = n && r->received_ms - rows[n - 1].received_ms < PROGRESS_EVERY_MS && r->received_ms >= rows[n - 1].received_ms;
  for (size_t i = 0; !soon && i + PROGRESS_KEPT <= n; i++) batch_outcome_del(b, r->workspace, rows[i].key);
  rows_free(rows, n);
  return !soon;
}

void agent_progress_request(Engine *e, const ListenRequest *r, ProgressReply *out) {
  Val body = NIL, spec;
  int64_t run;
  Err err = {0};
  Buf name = {0}, data = {0};
  *out = (ProgressReply){.status = 200};
  if (!believed(e, r, &spec, &run, out)) return;
  if (!wait_body(r, &body, &err)) {
    refuse(out, 400, "bad_request", err.msg);
    return;
  }
  Val entry = agent_token_clean(e, r->workspace, r->key, spec, run, entry_of(body));
  if (!map_count(entry)) return;
  Batch *b = batch_new();
  if (!make_room(e, r, b)) {
    batch_free(b);
    refuse(out, 429, "too_often", "the last report came just now; send the next one a little later");
    return;
  }
  row_name(&name, r->key, r->received_ms);
  if (is_sig(snap_data(&data, entry))) data.n = 0; /* texts and numbers */
  batch_outcome_put(b, r->workspace, buf_cstr(&name), r->received_ms, (Bytesv){data.p, data.n});
  out->batch = b;
  buf_free(&name);
  buf_free(&data);
}
