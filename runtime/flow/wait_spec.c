/* wait_spec.c - see wait_spec.h. */
#include "wait_spec.h"
#include "runtime/base/duration.h"
#include "eval/unit.h"
#include "reader/map.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include "runtime/store/snapshot.h"
#include "runtime/net/webhook_auth.h"
#include <stdio.h>
#include <string.h>

/* ---- checks ---- */

static bool wrong(Err *e, const char *option, Val v, const char *works) {
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) b.n = 0;
  err_set(e, "validation", "%s is %.80s; use %s", option, buf_cstr(&b), works);
  buf_free(&b);
  return false;
}

static const char *text(Val v) { return is_str(v) && str_n(v) ? str_s(v) : is_kw(v) ? kw_text(v) : NULL; }

static bool plain_text(const char *s, size_t most) {
  size_t n = strlen(s);
  if (!n || n > most) return false;
  for (const char *p = s; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7f) return false;
  return true;
}

Val wait_key_of(Val cfg) {
  Val k = map_get_kw(cfg, "key");
  if (is_kw(k)) k = AS(Kw, k)->name;
  return is_str(k) && strlen(str_s(k)) == str_n(k) && plain_text(str_s(k), WAIT_KEY_MAX) ? k : NIL;
}

bool wait_webhook_check(Val w, Err *e) {
  if (!is_map(w)) return wrong(e, ":webhook", w, "a map such as {:auth {:type :hmac-sha256 :secret-ref :my-secret}}");
  Val path = map_get_kw(w, "path"), auth = map_get_kw(w, "auth");
  if (!is_nil(path) && !(is_str(path) && strlen(str_s(path)) == str_n(path) && plain_text(str_s(path), WAIT_KEY_MAX) && *str_s(path) != '/'))
    return wrong(e, ":webhook :path", path, "a string such as \"orders/callback\", without a slash in front");
  if (is_nil(auth)) return err_set(e, "validation", ":webhook needs :auth, for example {:type :hmac-sha256 :secret-ref :my-secret}; {:type :none} believes everybody");
  Err why = {0};
  return hook_auth_check(auth, true, &why) || err_set(e, "validation", ":webhook %.400s", why.msg);
}

/* [k1 k2], k or "k" as a vector; ABSENT: neither. */
static Val path_of(Val v) {
  if (text(v)) return vec_from(&v, 1);
  if (!is_vec(v) || !vec_count(v)) return ABSENT;
  for (uint32_t i = 0; i < vec_count(v); i++)
    if (!text(vec_nth(v, i)) && !is_fix(vec_nth(v, i))) return ABSENT;
  return v;
}

bool wait_event_check(Val ev, Err *e) {
  static const char works[] = "{:name \"order.paid\" :key {:path [:order :id]}}";
  if (!is_map(ev)) return wrong(e, ":event", ev, works);
  const char *name = text(map_get_kw(ev, "name"));
  Val key = map_get_kw(ev, "key");
  if (!name || !plain_text(name, 256)) return wrong(e, ":event :name", map_get_kw(ev, "name"), "a name such as \"order.paid\"");
  if (!is_map(key) || same(path_of(map_get_kw(key, "path")), ABSENT))
    return wrong(e, ":event :key", key, "{:path [:order :id]}: where in the event the value stands that must be the wait's :key");
  return true;
}

/* The paths of :required as vectors; ABSENT. */
static Val required_of(Val v) {
  ValVec out = {0};
  Val list = map_get_kw(v, "required");
  ValVec items = {0};
  if (!is_map(v) || (!is_vec(list) && !is_set(list) && !is_sequential(list)) || is_sig(coll_into_array(list, &items))) return ABSENT;
  for (size_t i = 0; i < items.n; i++) {
    Val p = path_of(items.a[i]);
    if (same(p, ABSENT)) return ABSENT;
    vv_push(&out, p);
  }
  return out.n ? vec_from(out.a, out.n) : ABSENT;
}

bool wait_validation_check(Val v, Err *e) {
  return !same(required_of(v), ABSENT) || wrong(e, ":validation", v, "{:required [:amount [:customer :id]]}: the fields that the answer must have");
}

static const char *const field_types[] = {"string", "text", "number", "boolean", "select", "date", "email", "textarea", NULL};

static bool field_check(Val f, Err *e) {
  if (!is_map(f) || !text(map_get_kw(f, "key"))) return wrong(e, ":notify :fields", f, "maps such as {:key :comment :label \"Comment\" :field-type :text}");
  Val type = map_get_kw(f, "field-type"), options = map_get_kw(f, "options");
  if (kw_is(type, "select") && (!is_vec(options) || !vec_count(options)))
    return wrong(e, ":notify :fields :options", options, "a vector of choices: a :select field has some");
  if (is_nil(type)) return true;
  for (int i = 0; field_types[i]; i++)
    if (text(type) && !strcmp(text(type), field_types[i])) return true;
  return wrong(e, ":notify :fields :field-type", type, ":string :text :number :boolean :select :date :email or :textarea");
}

bool wait_fields_check(Val fields, Err *e) {
  if (!is_vec(fields)) return wrong(e, ":notify :fields", fields, "a vector of fields such as [{:key :comment :label \"Comment\"}]");
  for (uint32_t i = 0; i < vec_count(fields); i++)
    if (!field_check(vec_nth(fields, i), e)) return false;
  return true;
}

/* ---- the spec ---- */

typedef struct Making { Val cfg, spec; Err *e; } Making;

static void put(Making *m, const char *key, Val v) {
  if (!is_nil(v)) m->spec = map_assoc(is_nil(m->spec) ? map_empty : m->spec, kw_c(key), v);
}

static bool webhook(Making *m) {
  Val w = map_get_kw(m->cfg, "webhook"), path = map_get_kw(w, "path"), key = wait_key_of(m->cfg);
  if (is_nil(w)) return true;
  if (!wait_webhook_check(w, m->e)) return false;
  put(m, "webhook?", TRUE_V);
  put(m, "auth", map_get_kw(w, "auth"));
  if (is_str(path) && strcmp(str_s(path), str_s(key))) put(m, "path", path);
  return true;
}

/* The wait of an :agent step on another machine (remote.clj): its credential is the engine's. */
static void agent(Making *m) {
  Val kv[] = {kw_c("type"), kw_c("one-shot")};
  if (is_nil(map_get_kw(m->cfg, "agent"))) return;
  put(m, "webhook?", TRUE_V);
  put(m, "auth", map_from(kv, 1, false));
  put(m, "secrets", map_get_kw(m->cfg, "agent-secrets"));
}

static bool event(Making *m) {
  Val ev = map_get_kw(m->cfg, "event");
  if (is_nil(ev)) return true;
  if (!wait_event_check(ev, m->e)) return false;
  Val kv[] = {kw_c("name"), str_c(text(map_get_kw(ev, "name"))), kw_c("path"), path_of(map_get_kw(map_get_kw(ev, "key"), "path"))};
  put(m, "event", map_from(kv, 2, false));
  return true;
}

static bool notify(Making *m) {
  Val n = map_get_kw(m->cfg, "notify"), fields = map_get_kw(n, "fields"), summary = map_get_kw(n, "summary");
  if (is_nil(n)) return true;
  if (!is_map(n)) return wrong(m->e, ":notify", n, "{:channels {:http {..}}} or {:template :id :data {..}}");
  if (is_nil(map_get_kw(n, "channels")) == is_nil(map_get_kw(n, "template")))
    return err_set(m->e, "validation", ":notify needs either :channels {:http {..}} or :template, the id of a :notification template");
  if (!is_nil(map_get_kw(n, "auth"))) return err_set(m->e, "validation", ":notify takes no :auth; credentials belong to the channel's :connection");
  if (!is_nil(fields) && !wait_fields_check(fields, m->e)) return false;
  if (!is_nil(summary) && !is_str(summary)) return wrong(m->e, ":notify :summary", summary, "a string");
  put(m, "links", TRUE_V);
  put(m, "fields", fields);
  put(m, "summary", summary);
  return true;
}

static bool validation(Making *m) {
  Val v = map_get_kw(m->cfg, "validation");
  if (is_nil(v)) return true;
  if (!wait_validation_check(v, m->e)) return false;
  put(m, "required", required_of(v));
  return true;
}

static bool names(Making *m, const char *key, const char *works) {
  Val v = map_get_kw(m->cfg, key);
  ValVec in = {0}, out = {0};
  char option[32];
  if (is_nil(v)) return true;
  snprintf(option, sizeof option, ":%s", key);
  bool list = is_vec(v) || is_set(v) || is_sequential(v);
  if (!list || is_sig(coll_into_array(v, &in)) || !in.n) return wrong(m->e, option, v, works);
  for (size_t i = 0; i < in.n; i++) {
    if (!text(in.a[i])) return wrong(m->e, option, v, works);
    vv_push(&out, str_c(text(in.a[i])));
  }
  put(m, key, vec_from(out.a, out.n));
  return true;
}

/* Who decides, and how many it takes (decisions.h). */
static bool deciding(Making *m) {
  Val n = map_get_kw(m->cfg, "approvals"), self = map_get_kw(m->cfg, "self-approval");
  if (!names(m, "roles", "names of roles such as [:manager :admin]") || !names(m, "actions", "names such as [:approve :reject :escalate]")) return false;
  if (!is_nil(n) && !(is_long(n) && long_of(n) >= 1 && long_of(n) <= 100)) return wrong(m->e, ":approvals", n, "a number from 1 to 100: how many people must approve");
  if (!is_nil(self) && !is_bool(self)) return wrong(m->e, ":self-approval", self, "true or false");
  if (is_long(n) && long_of(n) > 1) put(m, "approvals", n);
  if (same(self, FALSE_V)) put(m, "self-approval", self);
  return true;
}

bool wait_spec_of(Val cfg, int64_t *timeout, Val *spec, Err *e) {
  Val t = map_get_kw(cfg, "timeout"), on = map_get_kw(cfg, "on-timeout");
  Making m = {cfg, NIL, e};
  *timeout = WAIT_DEFAULT_MS;
  if (is_nil(wait_key_of(cfg)))
    return wrong(e, ":key", map_get_kw(cfg, "key"), "a string or keyword of 1 to 1024 bytes that the answer names, such as (str \"order-\" id)");
  if (!is_nil(t) && !duration_of(t, DURATION_SECONDS, ":timeout", timeout, e)) return false;
  if (*timeout > WAIT_MAX_MS) return err_set(e, "validation", "Wait timeout exceeds maximum: at most %lld days", (long long)WAIT_MAX_MS / 86400000);
  if (!is_nil(on) && !kw_is(on, "fail") && !kw_is(on, "continue")) return wrong(e, ":on-timeout", on, ":fail or :continue");
  if (!webhook(&m) || !event(&m) || !notify(&m) || !validation(&m) || !deciding(&m)) return false;
  if (!is_nil(map_get_kw(cfg, "checkpoint"))) put(&m, "person", TRUE_V);
  if (!is_nil(map_get_kw(cfg, "persist"))) put(&m, "persist", TRUE_V);
  agent(&m);
  *spec = m.spec;
  return true;
}

Val wait_spec_read(const WaitRow *w) {
  if (!w->spec.n) return NIL;
  Val v = snap_read_value(env_core(), w->spec.p, w->spec.n);
  return is_map(v) ? v : NIL;
}

bool wait_by_key(Val spec) {
  if (is_nil(spec)) return true;
  if (truthy(map_get_kw(spec, "person"))) return false;
  if (truthy(map_get_kw(spec, "webhook?"))) return is_nil(map_get_kw(spec, "path"));
  return is_nil(map_get_kw(spec, "event")) && !truthy(map_get_kw(spec, "links"));
}

bool wait_of_people(Val spec) { return !is_nil(map_get_kw(spec, "approvals")) || !is_nil(map_get_kw(spec, "self-approval")); }

bool wait_insecure(Val spec) {
  if (truthy(map_get_kw(spec, "webhook?")) || !is_nil(map_get_kw(spec, "event"))) return hook_auth_insecure(map_get_kw(spec, "auth"));
  return false;
}

/* ---- answers ---- */

static Val at_key(Val m, Val k) {
  if (is_vec(m) && is_fix(k)) return fix_of(k) >= 0 && fix_of(k) < vec_count(m) ? vec_nth(m, (uint32_t)fix_of(k)) : NIL;
  if (!is_map(m)) return NIL;
  Val v = map_get(m, k, ABSENT);
  if (!same(v, ABSENT) || !text(k)) return same(v, ABSENT) ? NIL : v;
  const char *s = text(k);
  return map_get(m, is_kw(k) ? str_c(s) : kw_parse(s, strlen(s)), NIL);
}

static Val at_path(Val v, Val path) {
  for (uint32_t i = 0; i < vec_count(path); i++) v = at_key(v, vec_nth(path, i));
  return v;
}

Val wait_event_key(Val payload, Val path) {
  Val v = at_path(payload, path);
  Buf b = {0};
  if (is_kw(v)) return str_c(kw_text(v));
  if (is_str(v)) return str_n(v) ? v : NIL;
  if (!is_long(v) || is_sig(print_to(&b, v, &print_readably))) return NIL;
  Val s = buf_str(&b);
  buf_free(&b);
  return s;
}

static bool filled(Val v) { return !is_nil(v) && !(is_str(v) && !str_s(v)[strspn(str_s(v), " \t\r\n")]); }

static bool lacks(Val path, Err *e) {
  Buf b = {0};
  for (uint32_t i = 0; i < vec_count(path); i++) {
    Val k = vec_nth(path, i);
    if (is_fix(k)) buf_fmt(&b, "%s%lld", i ? "." : "", (long long)fix_of(k));
    else buf_fmt(&b, "%s%s", i ? "." : "", text(k));
  }
  err_set(e, "invalid_answer", "the answer lacks \"%.100s\", which this wait requires; it still waits", buf_cstr(&b));
  buf_free(&b);
  return false;
}

bool wait_answer_check(Val spec, Val body, const char *action, Err *e) {
  Val required = map_get_kw(spec, "required"), fields = map_get_kw(spec, "fields");
  if (action && !strcmp(action, "reject")) return true;
  for (uint32_t i = 0; is_vec(required) && i < vec_count(required); i++)
    if (!filled(at_path(body, vec_nth(required, i)))) return lacks(vec_nth(required, i), e);
  for (uint32_t i = 0; action && is_vec(fields) && i < vec_count(fields); i++) {
    Val f = vec_nth(fields, i), k = map_get_kw(f, "key");
    if (truthy(map_get_kw(f, "required")) && !filled(at_key(body, k))) return lacks(vec_from(&k, 1), e);
  }
  return true;
}

bool wait_size_check(Val spec, size_t bytes, Err *e) {
  int64_t most = limit_value(LIMIT_result_bytes);
  if ((int64_t)bytes <= most || truthy(map_get_kw(spec, "persist"))) return true;
  return err_set(e, "too_large", "the answer would take %zu bytes in the run, and a step's result may have %lld (limit result-bytes); nothing has changed. "
                 "A :wait with :persist takes more", bytes, (long long)most);
}

bool wait_value_check(Val spec, Val answer, Err *e) {
  Buf b = {0};
  bool ok = is_sig(snap_data(&b, answer)) || wait_size_check(spec, snap_last_size(), e);
  buf_free(&b);
  return ok;
}

bool wait_role_check(Val spec, const char *role, Err *e) {
  Val roles = map_get_kw(spec, "roles");
  Buf b = {0};
  if (!role || !is_vec(roles)) return true;
  if (*role == ':') role++;
  for (uint32_t i = 0; i < vec_count(roles); i++) {
    if (!strcmp(str_s(vec_nth(roles, i)), role)) return buf_free(&b), true;
    buf_fmt(&b, "%s%s", i ? ", " : "", str_s(vec_nth(roles, i)));
  }
  err_set(e, "forbidden", "the role %.60s may not answer this wait; its :roles are %.200s", role, buf_cstr(&b));
  buf_free(&b);
  return false;
}

/* ---- names ---- */

#define SEP '\x1f'

void wait_path_name(Buf *b, const char *path, const char *key) { buf_fmt(b, "%cpath/%s%c%s", WAIT_SYSTEM, path, SEP, key ? key : ""); }

void wait_event_name(Buf *b, const char *name, Val path, const char *key) {
  buf_fmt(b, "%cevent/%s%c", WAIT_SYSTEM, name, SEP);
  if (is_nil(path)) return;
  if (is_sig(print_to(b, path, &print_readably))) return;
  buf_fmt(b, "%c%s", SEP, key ? key : "");
}

void wait_early_name(Buf *b, const char *name, int64_t at, uint64_t n) {
  buf_fmt(b, "%cearly/%s%c", WAIT_SYSTEM, name, SEP);
  if (at >= 0) buf_fmt(b, "%016llx%08llx", (unsigned long long)at, (unsigned long long)n);
}

void wait_replay_name(Buf *b, const char *name, const char *id) { buf_fmt(b, "%creplay/%s%c%s", WAIT_SYSTEM, name, SEP, id); }
void wait_link_name(Buf *b, int64_t run, int64_t seq) { buf_fmt(b, "%clink/%lld-%lld", WAIT_SYSTEM, (long long)run, (long long)seq); }
void wait_told_name(Buf *b, int64_t run, int64_t seq) { buf_fmt(b, "%ctold/%lld-%lld", WAIT_SYSTEM, (long long)run, (long long)seq); }
bool wait_is_system(const char *key) { return *key == WAIT_SYSTEM; }

/* ---- looking waits up ---- */

/* The path in an event row's key, whose prefix is n bytes long. */
static Val row_path(const char *key, size_t n) {
  const char *end = strchr(key + n, SEP);
  if (!end) return NIL;
  Val v = read_one(key + n, (size_t)(end - key) - n, NULL, true);
  return is_vec(v) ? v : NIL;
}

static bool event_wait(Store *s, const char *workspace, const char *name, Val path, Val payload, WaitRow *out, Err *e) {
  Val key = wait_event_key(payload, path);
  if (is_nil(key) || !store_wait_get(s, workspace, str_s(key), out, e)) return false;
  Val ev = map_get_kw(wait_spec_read(out), "event"), own = map_get_kw(ev, "name");
  if (is_str(own) && !strcmp(str_s(own), name) && same(val_eq(map_get_kw(ev, "path"), path), TRUE_V)) return true;
  wait_row_free(out);
  return false;
}

/* One look for each place that waits for this event take their key from, however many wait. */
bool wait_for_event(Store *s, const char *workspace, const char *name, Val payload, WaitRow *out, Err *e) {
  Buf prefix = {0}, after = {0};
  bool found = false;
  wait_event_name(&prefix, name, NIL, NULL);
  for (WaitRow row; !found && store_waits_under(s, workspace, buf_cstr(&prefix), after.n ? buf_cstr(&after) : NULL, &row, 1, e) == 1;) {
    Val path = row_path(row.key, prefix.n);
    after.n = 0;
    if (is_nil(path)) buf_c(&after, row.key);
    else {
      found = event_wait(s, workspace, name, path, payload, out, e);
      wait_event_name(&after, name, path, "\xf4\x8f\xbf\xbf");
    }
    wait_row_free(&row);
  }
  buf_free(&prefix);
  buf_free(&after);
  return found;
}

bool wait_of_run(Store *s, const char *workspace, int64_t run, WaitRow *out, Err *e) {
  WaitRow rows[4];
  size_t n = store_waits(s, workspace, run, rows, 4, e);
  bool found = false;
  for (size_t i = 0; i < n; i++) {
    bool own = !found && !wait_is_system(rows[i].key);
    if (own) *out = rows[i];
    else wait_row_free(&rows[i]);
    found = found || own;
  }
  return found;
}
