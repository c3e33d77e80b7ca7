/* flowdef_step.c - static checks of (flow/step ...) and (flow/poll ...) calls in a body: number of arguments, step kinds,
 * options (step_options.h). What is computed is judged when the step runs. */
#include "flowdef_int.h"
#include "runtime/base/backoff.h"
#include "runtime/base/duration.h"
#include "runtime/engine/engine.h"
#include "poll.h"
#include "runtime/steps/notify.h"
#include "runtime/resource/persist.h"
#include "step_options.h"
#include "wait_spec.h"
#include <pthread.h>
#include <stdio.h>

#define N_OF(a) (sizeof(a) / sizeof *(a))

static const struct {
  const char *name;
  bool runs;
} kinds[] = {
#define KIND_ROW(name, runs, doc) {#name, runs},
    STEP_KINDS(KIND_ROW)};
typedef struct StepOption {
  const char *kind, *name;
  bool required;
  enum OptType type;
  const char *allowed, *doc;
} StepOption;
static const StepOption options[] = {
#define OPTION_ROW(kind, name, required, type, allowed, doc) {kind, name, required, type, allowed, doc},
    STEP_OPTIONS(OPTION_ROW)};
static const struct {
  const char *kind, *names;
  int least;
} one_of[] = {
#define ONE_OF_ROW(kind, names, least) {kind, names, least},
    STEP_ONE_OF(ONE_OF_ROW)};

static int kind_of(Val kw) {
  for (size_t i = 0; i < N_OF(kinds); i++)
    if (kw_is(kw, kinds[i].name)) return (int)i;
  return -1;
}

bool step_kind_known(Val kw) {
  return kind_of(kw) >= 0 || (is_kw(kw) && is_nil(AS(Kw, kw)->ns) && engine_kind_known(str_s(AS(Kw, kw)->name)));
}

Val step_option(Val family, Val key) {
  const char *kind = kw_is(family, "code") ? "function" : kw_text(family);
  bool any = false;
  for (size_t i = 0; i < N_OF(options); i++) {
    bool own = !strcmp(options[i].kind, kind);
    any |= own;
    if ((own || !strcmp(options[i].kind, "*")) && kw_is(key, options[i].name))
      return options[i].type == OPT_CODE ? kw_c("code") : kw_c("option");
  }
  return any ? NIL : kw_c("option");
}

/* --- option values ------------------------------------------------------------------------------------------------ */
static bool in_words(const char *words, const char *w) {
  size_t n = strlen(w);
  for (const char *p = words; n && (p = strstr(p, w)); p += n)
    if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
  return false;
}

static const char *duration_problem(Val v, enum DurationUnit bare) {
  int64_t ms;
  Err e;
  return duration_of(v, bare, "it", &ms, &e) ? NULL
         : bare == DURATION_MS               ? "a duration such as \"10s\", or milliseconds"
                                             : "a duration such as \"10s\", or seconds";
}

static bool statuses_ok(Val v) {
  if (!is_set(v) && !is_vec(v)) return false;
  ValVec items = {0};
  if (is_sig(coll_into_array(v, &items))) return false;
  for (size_t i = 0; i < items.n; i++)
    if (is_literal(items.a[i]) && (!is_fix(items.a[i]) || fix_of(items.a[i]) < 100 || fix_of(items.a[i]) > 599)) return false;
  return true;
}

static const char *enum_problem(Val v, const char *allowed) {
  static _Thread_local char text[160];
  if (is_kw(v) && is_nil(AS(Kw, v)->ns) && in_words(allowed, str_s(AS(Kw, v)->name))) return NULL;
  size_t n = (size_t)snprintf(text, sizeof text, "one of");
  for (const char *p = allowed; *p && n < sizeof text - 40;) {
    size_t len = strcspn(p, " ");
    n += (size_t)snprintf(text + n, sizeof text - n, " :%.*s", (int)len, p);
    p += len + (p[len] == ' ');
  }
  return text;
}

static const char *code_problem(Check *c, Val v) {
  const char *why = NULL;
  Val form = code_form(v, c->f->file, &why);
  if (same(form, ABSENT)) return why;
  return code_is_fn(form) ? NULL : "a function form: '(fn [input] ...)";
}

static bool url_ok(Val v) { return is_str(v) && (!strncmp(str_s(v), "http://", 7) || !strncmp(str_s(v), "https://", 8)); }

/* NULL, or what the literal must be. */
static const char *option_problem(Check *c, const StepOption *o, Val v) {
  switch (o->type) {
  case OPT_ANY: return NULL;
  case OPT_STRING: return is_str(v) ? NULL : "a string";
  case OPT_KEYWORD: return is_kw(v) ? NULL : "a keyword";
  case OPT_NAME: return is_kw(v) || (is_str(v) && str_n(v)) ? NULL : "a keyword or a string";
  case OPT_MAP: return is_map(v) ? NULL : "a map";
  case OPT_VECTOR: return is_vec(v) ? NULL : "a vector";
  case OPT_COLL: return is_vec(v) || is_set(v) || is_form_list(v) ? NULL : "a vector";
  case OPT_BOOL: return is_bool(v) ? NULL : "true or false";
  case OPT_INT: return is_long(v) && long_of(v) >= 0 ? NULL : "an integer, 0 or more";
  case OPT_NUMBER: return is_num(v) && num_to_double(v) >= 0 ? NULL : "a number, 0 or more";
  case OPT_SECONDS: return duration_problem(v, DURATION_SECONDS);
  case OPT_MILLIS: return duration_problem(v, DURATION_MS);
  case OPT_ENUM: return enum_problem(v, o->allowed);
  case OPT_CODE: return code_problem(c, v);
  case OPT_STATUSES: return statuses_ok(v) ? NULL : "a set of HTTP statuses such as #{404}";
  case OPT_URL: return url_ok(v) ? NULL : "an http:// or https:// address";
  case OPT_STR_OR_MAP: return is_str(v) || is_map(v) ? NULL : "a string or a map";
  case OPT_STR_OR_VEC: return is_str(v) || is_vec(v) ? NULL : "a string or a vector";
  case OPT_PERSIST: return is_map(v) ? NULL : "a map such as {:type :blob}";
  case OPT_HUMAN: return human_problem(v);
  case OPT_APPROVAL: return is_bool(v) || is_vec(v) || is_set(v) || is_map(v) ? NULL : "true, false, a vector of tools, or a map such as {:message \"..\"}";
  case OPT_EXPECT: return expect_problem(v);
  case OPT_RETRY: return is_map(v) ? NULL : "a map such as {:max-attempts 3}";
  }
  return NULL;
}

static const struct { const char *kind, *names; } typed[] = {
#define TYPED_ROW(kind, names) {kind, names},
    STEP_TYPED(TYPED_ROW)};

static bool by_type(const char *kind, const char *name) {
  for (size_t i = 0; i < N_OF(typed); i++)
    if ((!strcmp(typed[i].kind, kind) || *typed[i].kind == '*') && in_words(typed[i].names, name)) return true;
  return false;
}

/* Every step that runs looks for all of its options: rows by the hash of their names, and which of them STEP_TYPED has (its kinds are
 * those of the rows). */
enum { SLOTS = 256 };
static struct { uint16_t first[SLOTS], next[N_OF(options) + 1]; bool typed[N_OF(options)]; } rows; /* 0: none, else a row's number + 1 */
static pthread_once_t rows_once = PTHREAD_ONCE_INIT;

static size_t name_slot(const char *s) {
  uint32_t h = 0;
  while (*s) h = h * 31 + (uint8_t)*s++;
  return (h ^ h >> 8) % SLOTS;
}

static void rows_make(void) {
  for (size_t i = N_OF(options); i-- > 0;) {
    size_t at = name_slot(options[i].name);
    rows.next[i + 1] = rows.first[at];
    rows.first[at] = (uint16_t)(i + 1);
    rows.typed[i] = by_type(options[i].kind, options[i].name);
  }
}

static const StepOption *find_option(const char *kind, const char *name) {
  const StepOption *common = NULL;
  pthread_once(&rows_once, rows_make);
  for (size_t i = rows.first[name_slot(name)]; i; i = rows.next[i]) {
    const StepOption *o = &options[i - 1];
    if (strcmp(o->name, name)) continue;
    if (!strcmp(o->kind, kind)) return o;
    if (*o->kind == '*') common = o;
  }
  return common;
}

/* --- the same when the step runs ------------------------------------------------------------------------------------ */
static bool is_text(Val v) { return is_kw(v) || is_str(v); }
static bool is_many(Val v) { return is_sequential(v) || is_set(v); }

static bool in_enum(Val v, const char *allowed) { return is_text(v) && in_words(allowed, kw_text(v)); }

/* NULL, or what it must be. What a flow computes comes as lists where a vector is written, and as texts where a keyword is: JSON has no
 * others. How large a number may be, what is inside a map: that is judged by the family. */
static const char *computed_problem(const StepOption *o, Val v) {
  switch (o->type) {
  case OPT_NAME: return is_text(v) ? NULL : "a keyword or a string";
  case OPT_VECTOR:
  case OPT_COLL: return is_many(v) ? NULL : "a vector";
  case OPT_STR_OR_VEC: return is_str(v) || is_many(v) ? NULL : "a string or a vector";
  case OPT_APPROVAL: return is_many(v) ? NULL : option_problem(NULL, o, v);
  case OPT_STATUSES: return is_many(v) ? NULL : "a set of HTTP statuses such as #{404}";
  case OPT_INT: return is_integer(v) && num_to_double(v) >= 0 ? NULL : "an integer, 0 or more";
  case OPT_ENUM: return in_enum(v, o->allowed) ? NULL : enum_problem(v, o->allowed);
  case OPT_CODE: return is_type(v, T_FN) || is_type(v, T_BUILTIN) || is_form_list(v) || is_str(v) ? NULL : "a function form: '(fn [input] ...)";
  default: return option_problem(NULL, o, v); /* does not look at the definition */
  }
}

bool step_options_check(Val type, Val cfg, Err *e) {
  const char *kind = kw_is(type, "code") ? "function" : kw_text(type);
  MapIter it;
  Val k, v;
  map_iter(&it, is_map(cfg) ? cfg : map_empty);
  while (map_next(&it, &k, &v)) {
    const StepOption *o = is_kw(k) && is_nil(AS(Kw, k)->ns) ? find_option(kind, str_s(AS(Kw, k)->name)) : NULL;
    const char *must = o && !is_nil(v) && rows.typed[o - options] ? computed_problem(o, v) : NULL;
    if (must) return err_set(e, "validation", ":%s is %s; of a :%s step it must be %s", o->name, val_text(v), kind, must);
  }
  return true;
}

/* A map without anything to evaluate at its first level. */
static bool all_literal(Val map) {
  MapIter it;
  Val k, v;
  map_iter(&it, map);
  while (map_next(&it, &k, &v)) {
    if (!is_literal(k) || !is_literal(v)) return false;
    ValVec items = {0};
    if ((is_vec(v) || is_set(v)) && is_sig(coll_into_array(v, &items))) return false;
    for (size_t i = 0; i < items.n; i++)
      if (!is_literal(items.a[i])) return false;
  }
  return true;
}

static void check_retry(Check *c, Val v, At at) {
  RetryPolicy p;
  Err e;
  if (is_map(v) && all_literal(v) && !backoff_policy(v, &p, &e)) diag_add(c, DIAG_flow_step_option_invalid, at, NULL, ":retry: %s", e.msg);
}

static void check_persist(Check *c, const char *kind, Val v, At at) {
  Persist p;
  Err e = {0};
  if (is_map(v) && !persist_read(v, kind, true, &p, &e)) diag_add(c, DIAG_flow_step_option_invalid, at, NULL, "%s", e.msg);
}

static void unknown_option(Check *c, const char *kind, Val k, At at) {
  const char *names[N_OF(options)];
  size_t n = 0;
  for (size_t i = 0; i < N_OF(options); i++)
    if (!strcmp(options[i].kind, kind) || !strcmp(options[i].kind, "*")) names[n++] = options[i].name;
  const char *near = is_kw(k) && is_nil(AS(Kw, k)->ns) ? nearest_name(str_s(AS(Kw, k)->name), names, n) : NULL;
  char hint[96];
  if (near) snprintf(hint, sizeof hint, "did you mean :%s?", near);
  diag_add(c, DIAG_flow_step_option_unknown, at, near ? hint : NULL, ":%s steps have no option %s", kind, val_text(k));
}

void note_use(Val *set, Val id, At at, const char *kind) {
  Val use[] = {fix(at.line), fix(at.col), kw_c(kind)};
  if (same(map_get(*set, id, ABSENT), ABSENT)) *set = map_assoc(*set, id, vec_from(use, 3));
}

/* Ids of functions and templates that an option names. */
static void note_reference(Check *c, const char *kind, const char *name, Val v, At at) {
  bool fn = !strcmp(kind, "function") && !strcmp(name, "ref"), tmpl = !strcmp(name, "template");
  if (!fn && !tmpl) return;
  if (!is_literal(v))
    c->dynamic_ref = true;
  else if (!is_nil(name_kw(v)))
    note_use(fn ? &c->used_functions : &c->used_templates, name_kw(v), at, kind);
}

void check_option(Check *c, const char *kind, Val k, Val v, At cfg) {
  const char *name = is_kw(k) && is_nil(AS(Kw, k)->ns) ? str_s(AS(Kw, k)->name) : NULL;
  const StepOption *o = name ? find_option(kind, name) : NULL;
  if (!o) {
    if (is_literal(k)) unknown_option(c, kind, k, at_key(c, cfg, k));
    return;
  }
  At at = at_entry(c, cfg, k);
  note_reference(c, kind, name, v, at);
  bool code = o->type == OPT_CODE && is_type(v, T_LIST) && code_is_fn(v);
  if (is_nil(v) || (!is_literal(v) && !code)) return;
  bool quoted;
  Val value = o->type == OPT_CODE ? v : unquote_form(v, &quoted);
  const char *must = option_problem(c, o, value);
  enum DiagCode dc = o->type == OPT_CODE && is_str(v) ? DIAG_function_code_string_invalid : DIAG_flow_step_option_invalid;
  if (must) diag_add(c, dc, at, NULL, ":%s of this :%s step must be %s, got %s", name, kind, must, val_text(value));
  if (o->type == OPT_RETRY) check_retry(c, v, at);
  if (o->type == OPT_PERSIST) check_persist(c, kind, v, at);
}

/* --- rules over several options ----------------------------------------------------------------------------------- */
static int count_given(Val cfg, const char *names, char *out, size_t size) {
  int given = 0;
  size_t n = 0;
  out[0] = 0;
  for (const char *p = names; *p;) {
    char name[32];
    size_t len = strcspn(p, " ");
    snprintf(name, sizeof name, "%.*s", (int)len, p);
    given += !is_nil(map_get_kw(cfg, name));
    n += (size_t)snprintf(out + n, n < size ? size - n : 0, "%s:%s", n ? " " : "", name);
    p += len + (p[len] == ' ');
  }
  return given;
}

static void check_one_of(Check *c, const char *kind, Val cfg, At at) {
  bool templated = !is_nil(map_get_kw(cfg, "template"));
  for (size_t i = 0; i < N_OF(one_of); i++) {
    char list[96];
    if (strcmp(one_of[i].kind, kind)) continue;
    int given = count_given(cfg, one_of[i].names, list, sizeof list);
    if (given > 1) diag_add(c, DIAG_flow_step_option_conflict, at, NULL, "a :%s step takes one of %s, not several", kind, list);
    if (given < one_of[i].least && !templated)
      diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :%s step needs one of %s", kind, list);
  }
}

static void check_required(Check *c, const char *kind, Val cfg, At at) {
  if (!is_nil(map_get_kw(cfg, "template"))) return;
  if (!strcmp(kind, "agent") && !is_nil(map_get_kw(cfg, "via"))) return; /* what a model needs, a command does not */
  for (size_t i = 0; i < N_OF(options); i++) {
    const StepOption *o = &options[i];
    if (!o->required || strcmp(o->kind, kind) || !same(map_get(cfg, kw_c(o->name), ABSENT), ABSENT)) continue;
    if (!strcmp(kind, "function"))
      diag_add(c, DIAG_function_step_missing_input, at, NULL, "the :function step has no :%s", o->name);
    else
      diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :%s step needs :%s: %s", kind, o->name, o->doc);
  }
}

static void check_kv(Check *c, Val cfg, At at) {
  Val op = map_get_kw(cfg, "operation"), key = map_get_kw(cfg, "key");
  if (!is_kw(op)) return;
  if (!kw_is(op, "list-keys") && is_nil(key))
    diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :kv step with operation %s needs :key", val_text(op));
  if (kw_is(op, "set") && same(map_get(cfg, kw_c("value"), ABSENT), ABSENT))
    diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :kv step with operation :set needs :value");
  bool has_item = !same(map_get(cfg, kw_c("item"), ABSENT), ABSENT) || !same(map_get(cfg, kw_c("items"), ABSENT), ABSENT);
  if (kw_is(op, "append") && !has_item)
    diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :kv step with operation :append needs :item or :items");
  if (is_str(key) && strspn(str_s(key), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:") != str_n(key))
    diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, "key"), "no slashes, dots or spaces",
             "the key %s may hold letters, digits, _ - and : only", val_text(key));
}

static void check_function_step(Check *c, Val cfg, At at) {
  Val code = map_get_kw(cfg, "code"), ref = map_get_kw(cfg, "ref"), input = map_get_kw(cfg, "input");
  if (!is_nil(code) && !is_nil(ref))
    diag_add(c, DIAG_function_step_code_ref_conflict, at, NULL, "the :function step has both :code and :ref");
  if (is_nil(code) && is_nil(ref))
    diag_add(c, DIAG_function_step_missing_code_or_ref, at, NULL, "the :function step has neither :code nor :ref");
  if (!is_nil(input) && is_literal(input) && !is_map(input))
    diag_add(c, DIAG_function_step_input_shape_invalid, at_field(c, at, "input"), NULL,
             ":input of a :function step should be a map, got %s", val_text(input));
}

/* Nothing to evaluate anywhere in it: it can be judged whole. */
static bool all_data(Val v) {
  MapIter it;
  Val k, x;
  if (is_vec(v)) {
    for (uint32_t i = 0; i < vec_count(v); i++)
      if (!all_data(vec_nth(v, i))) return false;
    return true;
  }
  if (!is_map(v)) return is_literal(v);
  map_iter(&it, v);
  while (map_next(&it, &k, &x))
    if (!all_data(k) || !all_data(x)) return false;
  return true;
}

/* A part of a config by the rules it is judged by when the step runs. */
static void check_part(Check *c, Val cfg, At at, const char *name, bool (*f)(Val v, Err *e)) {
  Val v = map_get_kw(cfg, name);
  Err e = {0};
  if (!is_nil(v) && is_map(v) && all_data(v) && !f(v, &e)) diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, name), NULL, "%s", e.msg);
}

static bool notify_check(Val n, Err *e) {
  Val fields = map_get_kw(n, "fields"), channels = map_get_kw(n, "channels");
  if (is_nil(channels) == is_nil(map_get_kw(n, "template")))
    return err_set(e, "validation", ":notify needs either :channels {:http {..}} or :template, the id of a :notification template");
  return (is_nil(fields) || wait_fields_check(fields, e)) && (is_nil(channels) || notify_channels_check(channels, e));
}

static void check_wait_parts(Check *c, Val cfg, At at) {
  Val webhook = map_get_kw(cfg, "webhook"), auth = is_map(webhook) ? map_get_kw(webhook, "auth") : NIL;
  check_part(c, cfg, at, "webhook", wait_webhook_check);
  check_part(c, cfg, at, "event", wait_event_check);
  check_part(c, cfg, at, "validation", wait_validation_check);
  check_part(c, cfg, at, "notify", notify_check);
  if (is_map(auth) && kw_is(map_get_kw(auth, "type"), "none"))
    diag_add(c, DIAG_insecure_webhook, at_field(c, at, "webhook"), NULL, "with :auth {:type :none} whoever knows the address of this wait is believed");
}

static void check_wait(Check *c, Val cfg, At at) {
  check_wait_parts(c, cfg, at);
  Val t = map_get_kw(cfg, "timeout");
  int64_t ms;
  Err e;
  if (is_nil(t) || !is_literal(t) || !duration_of(t, DURATION_SECONDS, ":timeout", &ms, &e)) return;
  char hint[60];
  snprintf(hint, sizeof hint, "at most %lld days", (long long)WAIT_MAX_MS / 86400000);
  if (ms > WAIT_MAX_MS) diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, "timeout"), hint, "Wait timeout exceeds maximum");
}

static void check_fanout(Check *c, Val cfg, At at) {
  Val n = map_get_kw(cfg, "max-concurrency"), items = map_get_kw(cfg, "items");
  if (is_long(n) && (!long_of(n) || long_of(n) > 5))
    diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, "max-concurrency"), NULL, ":max-concurrency must be from 1 to 5, got %s", val_text(n));
  if (is_vec(items) && vec_count(items) > 25)
    diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, "items"), NULL, "a fan-out takes at most 25 :items, got %u", vec_count(items));
  if (!is_nil(items) && is_literal(items) && !is_vec(items))
    diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, "items"), NULL, ":items of this :fanout step must be a vector, got %s", val_text(items));
}

static void check_config(Check *c, const char *kind, Val cfg, At at) {
  MapIter it;
  Val k, v;
  map_iter(&it, cfg);
  while (map_next(&it, &k, &v)) check_option(c, kind, k, v, at);
  check_secret_use(c, cfg, at);
  check_required(c, kind, cfg, at);
  check_one_of(c, kind, cfg, at);
  check_tools(c, map_get_kw(cfg, "tools"), at_field(c, at, "tools"));
  check_more_tools(c, map_get_kw(cfg, "available-steps"), at_field(c, at, "available-steps"));
  if (!strcmp(kind, "kv"))
    check_kv(c, cfg, at);
  else if (!strcmp(kind, "function"))
    check_function_step(c, cfg, at);
  else if (!strcmp(kind, "wait"))
    check_wait(c, cfg, at);
  else if (!strcmp(kind, "fanout"))
    check_fanout(c, cfg, at);
  else if (!strcmp(kind, "notify"))
    check_part(c, cfg, at, "channels", notify_channels_check);
  else if (!strcmp(kind, "db"))
    check_db(c, cfg, at);
  else if (!strcmp(kind, "job"))
    check_job(c, cfg, at);
  else if (!strcmp(kind, "ssh"))
    check_ssh(c, cfg, at);
  else if (!strcmp(kind, "table"))
    check_table(c, cfg, at);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */
static void check_kind(Check *c, Val type, At at, int kind) {
  if (kind < 0 && step_kind_known(type)) return; /* registered from outside the table: its options are its own */
  if (kind < 0) {
    const char *names[N_OF(kinds)];
    for (size_t i = 0; i < N_OF(kinds); i++) names[i] = kinds[i].name;
    const char *near = nearest_name(str_s(AS(Kw, type)->name), names, N_OF(kinds));
    char hint[96];
    if (near) snprintf(hint, sizeof hint, "did you mean :%s?", near);
    diag_add(c, DIAG_flow_step_invalid_type, at, near ? hint : "`breyta-run help step` lists the step types",
             "there is no step type %s", val_text(type));
  } else if (!kinds[kind].runs) {
    diag_add(c, DIAG_unsupported_step, at, NULL, "the step family %s is not part of this build", val_text(type));
  } else if (kw_is(type, "code")) {
    diag_add(c, DIAG_deprecated_code_step, at, NULL, ":code is the old name of :function");
  }
}

static void check_packaged_call(Check *c, Val form, At at, uint32_t argc) {
  Val id = list_nth(form, 1), last = list_nth(form, argc);
  note_use(&c->used_steps, id, at_kid(c, at, 1, id), "");
  if (argc < 2)
    diag_add(c, DIAG_flow_step_missing_config, at, "write (flow/step :ns/name {...})",
             "the packaged step %s is called without a config map", val_text(id));
  else if (argc > 3)
    diag_add(c, DIAG_flow_step_packaged_extra_argument, at, NULL, "the packaged step %s is called with %u arguments", val_text(id), argc);
  else if (argc == 3 && is_literal(list_nth(form, 2)) && !is_kw(list_nth(form, 2)))
    diag_add(c, DIAG_flow_step_invalid_id, at_kid(c, at, 2, list_nth(form, 2)), NULL, "the step id must be a keyword, got %s",
             val_text(list_nth(form, 2)));
  if (argc >= 2 && argc <= 3 && is_literal(last) && !is_map(last))
    diag_add(c, DIAG_flow_step_invalid_config, at_kid(c, at, argc, last), NULL, "the config of %s must be a map, got %s", val_text(id),
             val_text(last));
}

/* Which rule a wrong number of arguments breaks. */
static void wrong_arity(Check *c, Val form, At at, uint32_t argc, bool function) {
  Val type = list_nth(form, 1), second = list_nth(form, 2);
  enum DiagCode code = function ? DIAG_function_step_arity_invalid : DIAG_flow_step_arity_invalid;
  if (argc == 2 && is_map(second))
    code = DIAG_flow_step_missing_step_id;
  else if (argc == 2 && !function)
    code = DIAG_flow_step_missing_config;
  const char *what = code == DIAG_flow_step_missing_step_id  ? "has no step id"
                     : code == DIAG_flow_step_missing_config ? "has no config map"
                                                             : NULL;
  if (what)
    diag_add(c, code, at, NULL, "this %s step %s", val_text(type), what);
  else if (argc)
    diag_add(c, code, at, NULL, "flow/step takes a type, a step id and a config map: 3 arguments, got %u", argc);
  else
    diag_add(c, code, at, NULL, "flow/step is called without arguments");
}

static void check_typed_call(Check *c, Val form, At at, uint32_t argc) {
  Val type = list_nth(form, 1), id = list_nth(form, 2), cfg = list_nth(form, 3);
  int kind = kind_of(type);
  bool function = kw_is(type, "function") || kw_is(type, "code");
  check_kind(c, type, at_kid(c, at, 1, type), kind);
  if (argc != 3) {
    wrong_arity(c, form, at, argc, function);
    return;
  }
  if (is_literal(id) && !is_kw(id))
    diag_add(c, DIAG_flow_step_invalid_id, at_kid(c, at, 2, id), NULL, "the step id must be a keyword, got %s", val_text(id));
  At cfg_at = at_kid(c, at, 3, cfg);
  if (is_map(cfg) && kind >= 0 && kinds[kind].runs)
    check_config(c, function ? "function" : kinds[kind].name, cfg, cfg_at);
  else if (is_literal(cfg) && !is_map(cfg))
    diag_add(c, function ? DIAG_function_step_config_invalid : DIAG_flow_step_invalid_config, cfg_at, NULL,
             "the config of a step must be a map, got %s", val_text(cfg));
}

void check_step(Check *c, Val form, At at, bool threaded) {
  uint32_t argc = list_n(form) - 1;
  if (threaded) return; /* arguments come from elsewhere: the frame judges them */
  Val type = list_nth(form, 1);
  if (!argc)
    wrong_arity(c, form, at, 0, false);
  else if (is_kw(type) && is_str(AS(Kw, type)->ns))
    check_packaged_call(c, form, at, argc);
  else if (is_kw(type))
    check_typed_call(c, form, at, argc);
  else if (is_literal(type))
    diag_add(c, DIAG_flow_step_invalid_type, at_kid(c, at, 1, type), NULL, "the step type must be a keyword, got %s", val_text(type));
  else {
    c->dynamic_ref = true;
    if (argc < 2 || argc > 3)
      wrong_arity(c, form, at, argc, false);
    else
      diag_warn(c, DIAG_flow_step_invalid_type, at_kid(c, at, 1, type), "write the type itself, so that it can be checked",
                "the step type %s is computed", val_text(type));
  }
}

/* (flow/call-flow step-id {:flow-slug ..}); without :flow-slug the map is the child's input. */
void check_call_flow(Check *c, Val form, At at, bool threaded) {
  uint32_t argc = list_n(form) - 1;
  Val id = list_nth(form, 1), opts = list_nth(form, 2);
  if (threaded) return;
  if (argc < 1 || argc > 2)
    diag_add(c, DIAG_flow_call_invalid, at, NULL, "flow/call-flow takes a step id and a map of options, or a slug and an input map; got %u arguments", argc);
  else if (is_literal(id) && !is_kw(id))
    diag_add(c, DIAG_flow_call_invalid, at_kid(c, at, 1, id), NULL, "the step id of flow/call-flow must be a keyword, got %s", val_text(id));
  else if (argc == 2 && is_literal(opts) && !is_map(opts))
    diag_add(c, DIAG_flow_call_invalid, at_kid(c, at, 2, opts), NULL, "the second argument of flow/call-flow must be a map, got %s", val_text(opts));
  else if (argc == 2 && is_map(opts) && !same(map_get(opts, kw_c("flow-slug"), ABSENT), ABSENT))
    check_config(c, "call-flow", opts, at_kid(c, at, 2, opts));
}

void check_poll(Check *c, Val form, At at) {
  uint32_t argc = list_n(form) - 1;
  Val opts = list_nth(form, 1);
  PollOptions p;
  Err e;
  if (argc != 2)
    diag_add(c, DIAG_flow_poll_invalid, at, NULL, "flow/poll takes an options map and one body form, got %u arguments", argc);
  else if (!is_map(opts))
    diag_add(c, DIAG_flow_poll_invalid, at_kid(c, at, 1, opts), NULL, "the options of flow/poll must be a literal map, got %s",
             val_text(opts));
  else if (!poll_options(opts, true, &p, &e))
    diag_add(c, DIAG_flow_poll_invalid, at_kid(c, at, 1, opts), NULL, "%s", e.msg);
}
