/* decisions.c - see decisions.h */
#include "decisions.h"
#include "eval/unit.h"
#include "reader/map.h"
#include "reader/num.h"
#include "reader/vec.h"
#include "runtime/store/snapshot.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "decision"
enum { PAGE = 32, MOST = 1000 };

static void key_of(Buf *b, int64_t run, int64_t seq, const char *who) { buf_fmt(b, "%lld-%lld/%s", (long long)run, (long long)seq, who); }

/* --- documents -------------------------------------------------------------------------------------------------------------------- */
static Val doc_value(const DocRow *d) {
  Val v = snap_read_value(env_core(), d->data.p, d->data.n);
  return is_map(v) ? v : NIL;
}

static Val doc_of(Store *s, const DecisionWait *w, const char *who, Err *err) {
  Buf key = {0};
  DocRow d = {0};
  err->code = NULL;
  key_of(&key, w->run, w->seq, who);
  Val v = store_doc_get(s, w->workspace, KIND, buf_cstr(&key), &d, err) ? doc_value(&d) : NIL;
  doc_row_free(&d);
  buf_free(&key);
  return v;
}

static void put(Val *m, const char *key, const char *text) {
  if (text && *text) *m = map_assoc(*m, kw_c(key), str_c(text));
}

static Val record_of(const char *action, const char *reason, const Decider *who) {
  Val m = map_empty;
  put(&m, "action", action);
  put(&m, "by", who->name && *who->name ? who->name : who->id);
  put(&m, "id", who->id);
  m = map_assoc(m, kw_c("at"), int_val(now_ms()));
  put(&m, "reason", reason);
  return m;
}

static void put_doc(const DecisionWait *w, const char *who, Val v, Batch *b) {
  Buf key = {0}, data = {0};
  key_of(&key, w->run, w->seq, who);
  if (!is_sig(snap_data(&data, v))) /* texts and numbers: it always is */
    batch_doc_put(b, &(DocRow){.workspace = (char *)(uintptr_t)w->workspace, .kind = KIND, .key = (char *)(uintptr_t)buf_cstr(&key), .rev = DOC_ANY,
                               .at_ms = now_ms(), .run = w->run, .data = {data.p, data.n}});
  buf_free(&key);
  buf_free(&data);
}

static int by_time(const void *a, const void *b) {
  int64_t x = long_of(map_get_kw(*(const Val *)a, "at")), y = long_of(map_get_kw(*(const Val *)b, "at"));
  return x < y ? -1 : x > y;
}

Val decisions_of(Store *s, const char *workspace, int64_t run, int64_t seq, Err *err) {
  DocRow rows[PAGE];
  ValVec out = {0};
  char after[512] = "", prefix[64] = "";
  size_t n;
  if (seq) snprintf(prefix, sizeof prefix, "%lld-%lld/", (long long)run, (long long)seq);
  do {
    n = seq ? store_docs(s, workspace, KIND, prefix, after, rows, PAGE, err) : store_docs_of_run(s, workspace, KIND, run, after, rows, PAGE, err);
    for (size_t i = 0; i < n; i++) {
      Val v = doc_value(&rows[i]);
      if (!is_nil(v)) vv_push(&out, v);
      snprintf(after, sizeof after, "%s", rows[i].key);
      doc_row_free(&rows[i]);
    }
  } while (n == PAGE && out.n < MOST && !err->code);
  if (out.n) qsort(out.a, out.n, sizeof *out.a, by_time);
  return vec_from(out.a, out.n);
}

/* --- who may ------------------------------------------------------------------------------------------------------------------------- */
static bool has_one(const Decider *who, Val roles) {
  for (uint32_t i = 0; i < vec_count(roles); i++)
    if (who->has_role(who->ctx, str_s(vec_nth(roles, i)))) return true;
  return false;
}

static void list(Buf *b, Val names) {
  for (uint32_t i = 0; i < vec_count(names); i++) buf_fmt(b, "%s%s", i ? ", " : "", str_s(vec_nth(names, i)));
}

static bool role_ok(Val spec, const Decider *who, Err *err) {
  Val roles = map_get_kw(spec, "roles");
  Buf b = {0};
  if (!is_vec(roles) || who->all || !who->has_role || has_one(who, roles)) return true;
  list(&b, roles);
  err_set(err, "forbidden", "%.60s has none of the :roles that may decide here: %.300s", who->name ? who->name : who->id, buf_cstr(&b));
  buf_free(&b);
  return false;
}

static bool is_to(const Decider *who, const char *to) {
  if (!strncmp(to, "role:", 5)) return who->has_role && who->has_role(who->ctx, to + 5);
  return !strcmp(to, who->id) || (who->name && !strcmp(to, who->name));
}

bool decision_may(Store *s, const DecisionWait *w, const Decider *who, Err *err) {
  if (!role_ok(w->spec, who, err)) return false;
  Val passed = doc_of(s, w, ">", err), to = map_get_kw(passed, "to");
  if (err->code) return false;
  if (!is_str(to) || who->all || is_to(who, str_s(to))) return true;
  return err_set(err, "delegated", "this was passed on to %.200s, who alone decides now", str_s(to));
}

static bool is_self(const DecisionWait *w, const Decider *who) {
  return same(map_get_kw(w->spec, "self-approval"), FALSE_V) && w->starter && !strcmp(w->starter, who->id);
}

bool decision_action_ok(Val spec, const char *action) {
  Val more = map_get_kw(spec, "actions");
  if (!strcmp(action, "approve") || !strcmp(action, "reject")) return true;
  for (uint32_t i = 0; is_vec(more) && i < vec_count(more); i++)
    if (!strcmp(str_s(vec_nth(more, i)), action)) return true;
  return false;
}

/* --- deciding --------------------------------------------------------------------------------------------------------------------------- */
static int64_t needed(Val spec, const char *action) {
  Val n = map_get_kw(spec, "approvals");
  return !strcmp(action, "approve") && is_long(n) ? long_of(n) : 1;
}

static bool allowed(Store *s, const DecisionWait *w, const char *action, Val fields, const Decider *who, Err *err) {
  if (!decision_action_ok(w->spec, action)) return err_set(err, "unknown_action", "this wait knows no action %.60s", action);
  if (!decision_may(s, w, who, err)) return false;
  if (strcmp(action, "reject") && is_self(w, who))
    return err_set(err, "self_approval", "who started the run may not decide this themselves (:self-approval false)");
  if (!is_nil(doc_of(s, w, who->id, err)))
    return err_set(err, "already_decided", "%.60s has decided here before", who->name ? who->name : who->id);
  return !err->code && wait_answer_check(w->spec, fields, action, err);
}

static int64_t approvals(Val all) {
  int64_t n = 0;
  for (uint32_t i = 0; i < vec_count(all); i++) n += str_eq_c(map_get_kw(vec_nth(all, i), "action"), "approve");
  return n;
}

bool decision_make(Store *s, const DecisionWait *w, const char *action, Val fields, const char *reason, const Decider *who, Batch *b, Decided *out,
                   Err *err) {
  bool person = truthy(map_get_kw(w->spec, "person"));
  if (!person && !is_map(fields)) fields = map_empty;
  if (!allowed(s, w, action, fields, who, err)) return false;
  Val before = decisions_of(s, w->workspace, w->run, w->seq, err), rec = record_of(action, reason, who);
  if (err->code) return false;
  *out = (Decided){.answer = NIL, .have = approvals(before) + !strcmp(action, "approve"), .need = needed(w->spec, action)};
  out->final = strcmp(action, "approve") || out->have >= out->need;
  put_doc(w, who->id, rec, b);
  if (!out->final) return true;
  Val answer = !person ? fields : is_nil(fields) ? map_empty : map_assoc(map_empty, kw_c("value"), fields);
  out->answer = map_assoc(map_assoc(answer, kw_c("action"), kw_c(action)), kw_c("by"), map_get_kw(rec, "by"));
  if (reason && *reason) out->answer = map_assoc(out->answer, kw_c("reason"), str_c(reason));
  if (vec_count(before)) out->answer = map_assoc(out->answer, kw_c("decisions"), vec_conj(before, rec));
  return true;
}

bool decision_delegate(Store *s, const DecisionWait *w, const char *to, const char *reason, const Decider *who, Batch *b, Err *err) {
  if (!decision_may(s, w, who, err)) return false;
  Val rec = map_assoc(record_of("delegate", reason, who), kw_c("to"), str_c(to)), before = doc_of(s, w, ">", err);
  char past[48];
  if (err->code) return false;
  if (!is_nil(before)) { /* whom it went through */
    snprintf(past, sizeof past, ">/%020lld", (long long)long_of(map_get_kw(before, "at")));
    put_doc(w, past, before, b);
  }
  put_doc(w, ">", rec, b);
  return true;
}

void decision_record(const DecisionWait *w, const char *action, const char *reason, const Decider *who, Batch *b) {
  Buf key = {0};
  buf_fmt(&key, "%s/%s", who->id, action); /* their approval stays */
  put_doc(w, buf_cstr(&key), record_of(action, reason, who), b);
  buf_free(&key);
}
