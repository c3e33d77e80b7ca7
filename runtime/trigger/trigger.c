/* trigger.c - triggers as definitions have them, and how they start runs. See trigger.h */
#include "runtime/engine/slots.h"
#include "trigger.h"
#include "runtime/engine/engine_int.h"
#include "runtime/flow/flowdef_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *trigger_type_name(enum TriggerType t) {
  static const char *const names[] = {"manual", "http", "webhook", "mcp", "schedule"};
  return names[t];
}

/* --- definitions ------------------------------------------------------------------------------------------------------------------- */
static void copy(char *out, size_t n, Val v) { snprintf(out, n, "%s", is_str(v) ? str_s(v) : is_kw(v) ? kw_text(v) : ""); }

typedef struct Each {
  bool (*f)(void *ctx, const Trigger *t);
  void *ctx;
  const char *only; /* the one with this id; NULL: all */
  Val key;          /* of ids */
  bool stop;
} Each;

/* A flow may have thousands: the others are not looked at any closer. */
static bool wanted(const Each *e, Val def) {
  Val id = map_get(def, e->key, NIL);
  return !e->only || (is_str(id) && !strcmp(str_s(id), e->only)) || (is_kw(id) && !strcmp(kw_text(id), e->only));
}

static void tell(Each *e, const Trigger *t) {
  if (!e->stop && *t->id) e->stop = !e->f(e->ctx, t);
}

static Trigger common(Val def, enum TriggerType type) {
  Trigger t = {.type = type, .enabled = !same(map_get_kw(def, "enabled"), FALSE_V), .def = def};
  t.label = map_get_kw(def, "label");
  t.auth = map_get_kw(def, "auth");
  t.input = map_get_kw(def, "input");
  copy(t.invocation, sizeof t.invocation, map_get_kw(def, "invocation"));
  copy(t.id, sizeof t.id, map_get_kw(def, type == TRIGGER_MCP ? "tool-name" : "id"));
  return t;
}

static void interfaces(Val flow, Each *e) {
  Val all = map_get_kw(flow, "interfaces");
  for (int type = TRIGGER_MANUAL; type <= TRIGGER_MCP; type++) {
    Val list = map_get_kw(all, trigger_type_name((enum TriggerType)type));
    for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
      Trigger t = common(vec_nth(list, i), (enum TriggerType)type);
      copy(t.event, sizeof t.event, map_get_kw(t.def, "event-name"));
      if (!*t.event) memcpy(t.event, t.id, sizeof t.id);
      tell(e, &t);
    }
  }
}

static void schedules(Val flow, Each *e) {
  Val list = map_get_kw(flow, "schedules");
  for (uint32_t i = 0; is_vec(list) && i < vec_count(list) && !e->stop; i++) {
    if (!wanted(e, vec_nth(list, i))) continue;
    Trigger t = common(vec_nth(list, i), TRIGGER_SCHEDULE);
    tell(e, &t);
  }
}

/* {:type :event :enabled true :config {...}}: what it says stands in :config, and it may have no id of its own. */
static Trigger legacy(Val entry, uint32_t i) {
  Val type = map_get_kw(entry, "type"), config = map_get_kw(entry, "config");
  enum TriggerType is = kw_is(type, "manual") ? TRIGGER_MANUAL : kw_is(type, "schedule") ? TRIGGER_SCHEDULE : TRIGGER_WEBHOOK;
  Trigger t = common(is_map(config) ? config : map_empty, is);
  t.legacy = true;
  t.label = map_get_kw(entry, "label");
  t.enabled = !same(map_get_kw(entry, "enabled"), FALSE_V);
  copy(t.id, sizeof t.id, map_get_kw(entry, "id"));
  if (!*t.id) snprintf(t.id, sizeof t.id, "%s-%u", trigger_type_name(is), i + 1);
  if (is != TRIGGER_WEBHOOK) return t;
  Val source = map_get_kw(t.def, "source");
  t.enabled = t.enabled && (is_nil(source) || kw_is(source, "webhook"));
  copy(t.event, sizeof t.event, map_get_kw(t.def, "event-name"));
  if (!*t.event) memcpy(t.event, t.id, sizeof t.id);
  copy(t.path, sizeof t.path, map_get_kw(t.def, "path"));
  size_t slashes = strspn(t.path, "/");
  memmove(t.path, t.path + slashes, strlen(t.path) - slashes + 1);
  return t;
}

static void walk(Val flow, Each *e) {
  Val old = map_get_kw(flow, "triggers");
  e->key = kw_c("id");
  interfaces(flow, e);
  if (!e->stop) schedules(flow, e);
  for (uint32_t i = 0; is_vec(old) && i < vec_count(old) && !e->stop; i++) {
    Trigger t = legacy(vec_nth(old, i), i);
    tell(e, &t);
  }
}

void triggers_each(Val flow, bool (*f)(void *ctx, const Trigger *t), void *ctx) { walk(flow, &(Each){.f = f, .ctx = ctx}); }

typedef struct Find {
  const char *id;
  int type; /* -1: any */
  Trigger *out;
  bool found;
} Find;

static bool is_it(void *ctx, const Trigger *t) {
  Find *f = ctx;
  f->found = !strcmp(t->id, f->id) && (f->type < 0 || (int)t->type == f->type);
  if (f->found) *f->out = *t;
  return !f->found;
}

static bool find(Val flow, int type, const char *id, Trigger *out) {
  Find f = {id, type, out, false};
  walk(flow, &(Each){.f = is_it, .ctx = &f, .only = id});
  return f.found;
}

bool trigger_find(Val flow, const char *id, Trigger *out) { return find(flow, -1, id, out); }
bool trigger_find_type(Val flow, enum TriggerType type, const char *id, Trigger *out) { return find(flow, (int)type, id, out); }

/* Interfaces come first and have ids of their own: only what stands behind them can be called like another one. */
void trigger_name(Val flow, const Trigger *t, Buf *out) {
  Trigger first;
  Find f = {t->id, -1, &first, false};
  Each e = {.f = is_it, .ctx = &f, .only = t->id, .key = kw_c("id")};
  bool behind = t->legacy || t->type == TRIGGER_SCHEDULE;
  if (behind) interfaces(flow, &e);
  if (t->legacy && !e.stop) schedules(flow, &e);
  if (f.found && first.type != t->type) buf_fmt(out, "%s:", trigger_type_name(t->type));
  buf_c(out, t->id);
}

bool trigger_named(Val flow, const char *name, Trigger *out) {
  const char *id = strchr(name, ':');
  if (trigger_find(flow, name, out)) return true;
  for (int type = TRIGGER_MANUAL; id && type <= TRIGGER_SCHEDULE; type++) {
    const char *is = trigger_type_name((enum TriggerType)type);
    if (strlen(is) == (size_t)(id - name) && !strncmp(is, name, strlen(is))) return find(flow, type, id + 1, out);
  }
  return false;
}

Val trigger_inputs(Val flow, const Trigger *t) {
  if (t->legacy && !is_nil(map_get_kw(t->def, "fields"))) return map_get_kw(t->def, "fields");
  return flowdef_inputs(flow, *t->invocation ? t->invocation : NULL);
}

void trigger_path(const ApiTarget *target, const Trigger *t, Buf *out) {
  bool own = !strcmp(target->name, "draft") || !strcmp(target->name, "live");
  if (*t->path) buf_c(out, t->path);
  else buf_fmt(out, "webhooks/%s/%s", target->flow, t->event);
  if (!own) buf_fmt(out, "/%s", target->name);
}

void trigger_spec(const Trigger *t, Buf *out) {
  Val cron = map_get_kw(t->def, "cron"), zone = map_get_kw(t->def, "timezone"), late = map_get_kw(t->def, "catch-up");
  if (is_nil(cron)) cron = map_get_kw(t->def, "preset");
  buf_fmt(out, "%s%s|%s|%s", is_kw(cron) ? "@" : "", is_kw(cron) ? str_s(AS(Kw, cron)->name) : is_str(cron) ? str_s(cron) : "", is_str(zone) ? str_s(zone) : "",
          is_kw(late) ? kw_text(late) : "last");
}

bool trigger_spec_read(const char *spec, Cron *c, const Tz **z, const char **late) {
  Err e = {0};
  char *text = strdup(spec);
  if (!text) abort();
  char *zone = strchr(text, '|'), *end = zone ? strchr(zone + 1, '|') : NULL;
  if (end) {
    *zone++ = *end = 0;
    *late = spec + (end + 1 - text);
  }
  *z = end ? tz_get(zone) : NULL;
  bool ok = *z && cron_parse(text, c, &e);
  free(text);
  return ok;
}

bool trigger_flow_map(Api *a, const char *hash, Val *out, Err *err) {
  Blob text = {0};
  char *file = NULL;
  Diags d = {0};
  if (!store_source_get(a->store, hash, &file, &text, err)) return err->code ? false : err_set(err, "source_missing", "the source of the flow is gone");
  bool ok = diags_read_map(text.p, text.n, "flow.edn", "flow definition", out, &d);
  diags_free(&d);
  blob_free(&text);
  free(file);
  return ok || err_set(err, "flow_invalid", "the flow's source cannot be read");
}

/* --- starting ------------------------------------------------------------------------------------------------------------------------ */
static Val prepared(const ApiTarget *target, Val def, Val input) {
  Val activation = flowdef_activation(def, target->activation);
  if (is_nil(input)) input = map_empty;
  if (!is_map(input) || !map_count(activation)) return input;
  return map_assoc(input, kw_c("activation"), activation);
}

static Val origin(const ApiTarget *target, const Trigger *t, const char *by) {
  ValVec m = {0};
  api_put_text(&m, "door", trigger_type_name(t->type));
  api_put_text(&m, "target", target->name);
  api_put_text(&m, "trigger-id", t->id);
  api_put_text(&m, "invocation", *t->invocation ? t->invocation : NULL);
  api_put_text(&m, "by", by);
  return api_map(&m);
}

static bool set_up(Api *a, const char *workspace, const ApiTarget *target, const FlowDef *f, Err *err) {
  ApiSetup s;
  api_setup(a, workspace, target, f->map, &s);
  if (!vec_count(s.slots) && !vec_count(s.fields)) return true;
  return err_set(err, "not_set_up", "flow %s is not set up on %s; flows.configure.check says what is missing", target->flow, target->name);
}

bool trigger_start(Api *a, const char *workspace, const ApiTarget *target, const Trigger *t, const char *by, Val input, RunStart *how, int64_t *run, Err *err) {
  FlowDef *f;
  if (!engine_def(a->engine, target->hash, &f, NULL, err)) return false;
  if (!set_up(a, workspace, target, f, err)) return false;
  input = prepared(target, f->map, input);
  if (!flowdef_input_for(trigger_inputs(f->map, t), &input, err)) return false;
  SlotDecision slot = {0};
  bool own = !strcmp(target->name, "draft") || !strcmp(target->name, "live");
  how->workspace = workspace;
  how->target = target->name;
  how->installation = own ? NULL : target->name;
  how->version = target->version;
  how->origin = origin(target, t, by);
  how->slot = &slot; /* its decision is in memory only until this returns */
  return engine_start_as(a->engine, f, input, how, run, err);
}
