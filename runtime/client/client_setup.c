/* client_setup.c - settings of a flow's target: --set SLOT.FIELD=VALUE, schedules, settings in a file, and templates of such files
 * (client_flows.h).
 *
 * A file of settings is EDN (or JSON): {:bindings {:slot {:conn "id"}} :activation {:field value} :schedules {:id {:enabled true}}}, in an
 * outer map or not. Values :redacted and "redacted" are left out: a template that was filled in partly says nothing about the rest. */
#include "runtime/cli/cli.h"
#include "runtime/cli/cli_run.h"
#include "client_file.h"
#include "client_flows.h"
#include "runtime/base/json.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/read.h"
#include <stdlib.h>
#include <string.h>

/* Other names of the fields of a slot. */
static const struct {
  const char *alias, *name;
} fields[] = {{"connection", "conn"}, {"connection-id", "conn"},        {"base-url", "url"},  {"api-key", "apikey"},
              {"token", "apikey"},    {"connection-string", "connstr"}, {"username", "user"}, {"password", "pass"},
              {"db", "database"},     {"service-account", "svcacct"},   {"root", "prefix"}};

static const char *field_of(const char *name) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (!strcmp(fields[i].alias, name)) return fields[i].name;
  return name;
}

static bool nothing(Val v) { return str_eq_c(v, "redacted") || kw_is(v, "redacted"); }

static Val put_key(Val m, const char *key, Val v) { return map_assoc(is_map(m) ? m : map_empty, client_key(key), v); }

/* "form-F", "FIELD-SLOT" or headers-SLOT {X v}, out of a path in dots. false: told. */
static bool put_input(ClientRun *r, Val *inputs, const char *path, Val v) {
  char key[300], first[128], second[128];
  const char *dot = strchr(path, '.'), *more = dot ? strchr(dot + 1, '.') : NULL;
  if (!dot || dot == path || !dot[1] || strlen(path) > 250) {
    client_usage(r, "--set %.200s: SLOT.FIELD=VALUE or activation.FIELD=VALUE is expected", path);
    return false;
  }
  snprintf(first, sizeof first, "%.*s", (int)(dot - path), path);
  snprintf(second, sizeof second, "%.*s", (int)(more && !strncmp(dot + 1, "headers.", 8) ? more - dot - 1 : (long)strlen(dot + 1)),
           dot + 1);
  if (nothing(v)) return true;
  if (!strcmp(first, "activation"))
    snprintf(key, sizeof key, "form-%s", dot + 1);
  else
    snprintf(key, sizeof key, "%s-%s", field_of(second), first);
  if (!strcmp(second, "headers") && more) {
    Val old = is_map(*inputs) ? map_get(*inputs, client_key(key), NIL) : NIL;
    v = put_key(old, more + 1, v);
  }
  *inputs = put_key(*inputs, key, v);
  return true;
}

/* JSON if it looks like it, @file, @@text. */
static bool set_value(ClientRun *r, const char *s, Val *v) {
  Err ignored = {0};
  Buf b = {0};
  if (*s == '@' && s[1] == '@') return *v = str_c(s + 1), true;
  if (*s == '@') {
    if (!client_read(r, s + 1, &b, "--set")) return false;
    while (b.n && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r')) b.n--;
    *v = buf_str(&b);
    return true;
  }
  *v = *s ? json_parse(s, strlen(s), &ignored) : ABSENT;
  if (same(*v, ABSENT)) *v = str_c(s);
  return true;
}

static bool sets(ClientRun *r, Val *inputs) {
  ClientGiven g = client_list(r, "set");
  for (int i = 0; i < g.n; i++) {
    char path[300];
    const char *eq = strchr(g.a[i], '=');
    Val v;
    if (!eq || (size_t)(eq - g.a[i]) >= sizeof path) return client_usage(r, "--set %.100s: SLOT.FIELD=VALUE is expected", g.a[i]), false;
    snprintf(path, sizeof path, "%.*s", (int)(eq - g.a[i]), g.a[i]);
    if (!set_value(r, eq + 1, &v) || !put_input(r, inputs, path, v)) return false;
  }
  return true;
}

/* --- schedules -------------------------------------------------------------------------------------------------------------------- */
static Val enabled(ClientRun *r, const char *flag, bool on, Val schedules) {
  ClientGiven g = client_list(r, flag);
  for (int i = 0; i < g.n; i++) schedules = put_key(schedules, g.a[i], client_put(NIL, "enabled", bool_val(on)));
  return schedules;
}

static void schedules(ClientRun *r) {
  Val m = client_at(r->args, "schedules");
  m = enabled(r, "schedule-disable", false, enabled(r, "schedule-enable", true, m));
  if (is_map(m)) r->args = client_put(r->args, "schedules", m);
}

/* --- files ------------------------------------------------------------------------------------------------------------------------ */
static bool read_settings(ClientRun *r, const char *path, Val *out) {
  Buf b = {0};
  if (!client_read(r, path, &b, "settings")) return false;
  cli_engine_values();
  Val v = read_one(buf_cstr(&b), b.n, path, true);
  buf_free(&b);
  if (is_sig(v)) {
    Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
    client_usage(r, "%s", is_str(msg) ? str_s(msg) : "the settings are no EDN");
    return false;
  }
  *out = v;
  return is_map(v) || (client_usage(r, "%.300s has to be a map, such as {:bindings {:slot {:conn \"id\"}}}", path), false);
}

static bool file_slot(ClientRun *r, const char *slot, Val values, Val *inputs) {
  Val k, v;
  MapIter it;
  char path[300];
  if (is_str(values)) {
    snprintf(path, sizeof path, "%s.conn", slot);
    return put_input(r, inputs, path, values);
  }
  if (!is_map(values)) return client_usage(r, "settings: %.100s has to be a map, such as {:conn \"id\"}", slot), false;
  map_iter(&it, values);
  while (map_next(&it, &k, &v)) {
    snprintf(path, sizeof path, "%.120s.%.120s", slot, kw_text(k));
    if (!put_input(r, inputs, path, v)) return false;
  }
  return true;
}

static bool file_settings(ClientRun *r, const char *path, Val *inputs) {
  Val all, k, v;
  MapIter it;
  if (!read_settings(r, path, &all)) return false;
  Val bindings = map_get_kw(all, "bindings"), activation = map_get_kw(all, "activation"), times = map_get_kw(all, "schedules");
  if (is_map(bindings)) {
    map_iter(&it, bindings);
    while (map_next(&it, &k, &v))
      if (!file_slot(r, kw_text(k), v, inputs)) return false;
  }
  if (is_map(activation) && !file_slot(r, "activation", activation, inputs)) return false;
  if (is_map(times)) r->args = client_put(r->args, "schedules", times);
  return true;
}

static const char *settings_file(const ClientRun *r) {
  const char *s = client_text(r, "[@profile.edn]");
  return s && *s == '@' ? s + 1 : s;
}

int client_configure(ClientRun *r) {
  ClientAnswer a;
  Val inputs = client_at(r->args, "inputs");
  const char *file = settings_file(r);
  if (file && !file_settings(r, file, &inputs)) return EXIT_FAILED;
  if (!sets(r, &inputs)) return EXIT_FAILED;
  schedules(r);
  bool from_draft = client_true_at(r->args, "fromDraft");
  if (is_map(inputs))
    r->args = client_put(r->args, "inputs", inputs);
  else if (!from_draft && is_nil(client_at(r->args, "schedules")) && is_nil(client_at(r->args, "scheduleResets")) &&
           is_nil(client_at(r->args, "bindings")))
    return client_usage(
        r, "nothing is said to set: --set SLOT.conn=ID, --set activation.FIELD=VALUE, a file of settings, or --schedule-enable ID");
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- templates -------------------------------------------------------------------------------------------------------------------- */
/* What a slot may be told, by its type. */
static Val slot_template(Val req, bool clean, Val bound) {
  const char *type = client_text_at(req, "type");
  Val m = client_put_text(NIL, "conn", is_str(bound) && !clean ? str_s(bound) : "redacted");
  if (type && !strcmp(type, "secret")) return client_put_text(NIL, "secret", "redacted");
  return m;
}

static bool template_of(ClientRun *r, Val *out, Val *status) {
  ClientAnswer t, s;
  Val args = client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")), bindings = map_empty, activation = map_empty;
  const char *target = client_text(r, "target");
  bool draft = target ? !strcmp(target, "draft") : strstr(r->command->name, "draft") != NULL, clean = client_flag(r, "clean");
  args = client_put_text(args, "profileType", draft ? "draft" : "prod");
  if (!client_ask(r, "profiles.template", args, &t)) return client_finish(r, &t), false;
  if (!client_ask(r, "profiles.status", args, &s)) return client_answer_free(&t), client_finish(r, &s), false;
  Val reqs = client_at(t.body, "data.requirements");
  *status = client_at(s.body, "data");
  for (uint32_t i = 0; is_vec(reqs) && i < vec_count(reqs); i++) {
    Val req = vec_nth(reqs, i), form = client_at(req, "fields");
    const char *slot = client_text_at(req, "slot");
    if (slot) {
      Val values = client_at(*status, "bindingValues"), bound = is_map(values) ? map_get(values, client_key(slot), NIL) : NIL;
      bindings = put_key(bindings, slot, slot_template(req, clean, bound));
    }
    for (uint32_t k = 0; is_vec(form) && k < vec_count(form); k++) {
      const char *key = client_text_at(vec_nth(form, k), "key");
      if (key) activation = put_key(activation, key, str_c("redacted"));
    }
  }
  *out = client_put(client_put(NIL, "bindings", bindings), "activation", activation);
  client_answer_free(&t);
  client_answer_free(&s);
  return true;
}

/* EDN, to a file or to standard output: the one answer that is no JSON when it goes there. */
int client_setup_template(ClientRun *r) {
  Val t, status;
  Buf b = {0};
  const char *out = client_text(r, "out");
  if (!template_of(r, &t, &status)) return EXIT_FAILED;
  buf_c(&b, ";; Settings: fill in, then `breyta flows configure SLUG @FILE`. What stays \"redacted\" is left as it is.\n");
  Val text = pr_str(t);
  if (is_sig(text)) return client_fail(r, "failed", "the template cannot be printed");
  buf_add(&b, str_s(text), str_n(text));
  buf_ch(&b, '\n');
  if (!out || !strcmp(out, "-")) {
    cli_out(b.p, b.n);
    cli_out_flush();
    return EXIT_OK;
  }
  if (!client_file_write(r, out, b.p, b.n)) return EXIT_FAILED;
  client_hint(r, "breyta flows configure %s @%s", client_text(r, "<flow-slug>"), out);
  return client_done(r, client_put_text(client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")), "path", out));
}

static Val connections_of(ClientRun *r, const char *type) {
  ClientAnswer a;
  Val found = vec_empty, query = client_put_text(client_put_text(NIL, "type", type), "limit", "200");
  if (client_get(r, "api/connections", query, &a)) {
    Val items = client_at(a.body, "data.items");
    for (uint32_t i = 0; is_vec(items) && i < vec_count(items); i++) {
      const char *id = client_text_at(vec_nth(items, i), "connection-id");
      if (!id) id = client_text_at(vec_nth(items, i), "id");
      if (id)
        found =
            vec_conj(found, client_put_text(client_put_text(NIL, "connectionId", id), "name", client_text_at(vec_nth(items, i), "name")));
    }
  }
  client_answer_free(&a);
  return found;
}

/* What is missing, and what could be bound to it. */
int client_setup_suggest(ClientRun *r) {
  ClientAnswer t;
  const char *slug = client_text(r, "<flow-slug>"), *target = client_text(r, "target");
  Val args = client_put_text(client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")), "target", target), all = vec_empty;
  if (!client_ask(r, "flows.configure.check", args, &t)) return client_finish(r, &t);
  Val reqs = client_at(t.body, "data.requirements");
  for (uint32_t i = 0; is_vec(reqs) && i < vec_count(reqs); i++) {
    Val req = vec_nth(reqs, i);
    const char *slot = client_text_at(req, "slot"), *type = client_text_at(req, "type");
    if (!slot || client_true_at(req, "bound")) continue;
    Val found = type ? connections_of(r, type) : vec_empty;
    const char *id = vec_count(found) ? client_text_at(vec_nth(found, 0), "connectionId") : NULL;
    all = vec_conj(all, client_put(client_put_text(client_put_text(NIL, "slot", slot), "type", type), "connections", found));
    if (id)
      client_hint(r, "breyta flows configure %s --target %s --set %s.conn=%s", slug, target, slot, id);
    else
      client_hint(r, "breyta connections create --type %s --slot %s", type ? type : "http-api", slot);
  }
  Val data = client_put(client_put_text(client_at(t.body, "data"), "flowSlug", slug), "suggestions", all);
  int status = client_done(r, data);
  client_answer_free(&t);
  return status;
}
