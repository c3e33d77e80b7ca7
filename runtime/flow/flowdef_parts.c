/* flowdef_parts.c - what steps made of steps take (steps.clj): packaged :steps and :agents of a definition (spec/flows.md 1.10),
 * :confirm, :review and :expect of a step. */
#include "runtime/base/duration.h"
#include "flowdef_int.h"
#include "runtime/base/limits.h"
#include "schema.h"
#include <stdio.h>

enum { DAY_MS = 86400000 };

static bool is_qualified(Val v) { return is_kw(v) && is_str(AS(Kw, v)->ns); }

/* --- options ------------------------------------------------------------------------------------------------------ */
static const char *field_problem(Val f) {
  Val key = map_get_kw(f, "key"), name = map_get_kw(f, "name"), options = map_get_kw(f, "options");
  Val type = map_get_kw(f, "field-type");
  if (is_nil(type)) type = map_get_kw(f, "type");
  static const char *const types[] = {"string", "text", "number", "boolean", "checkbox", "select", "date", "time", "datetime", "email",
                                      "textarea", "password", "secret", "json"};
  if (!is_map(f) || (!safe_id_val(key, true) && !safe_id_val(name, true))) return "a map whose :fields are maps with a :key, such as {:key :subject :label \"Subject\"}";
  bool known = is_nil(type);
  for (size_t i = 0; i < sizeof types / sizeof *types && !known; i++) known = kw_is(type, types[i]) || (is_str(type) && str_eq_c(type, types[i]));
  if (!known) return "a map whose :fields have a :field-type of :string :text :number :boolean :select :date ...";
  if (kw_is(type, "select") && !is_vec(options)) return "a map whose :fields of type :select have :options, a vector";
  return NULL;
}

static const char *fields_problem(Val fields) {
  if (is_nil(fields) || !is_literal(fields)) return NULL;
  if (!is_vec(fields)) return "a map whose :fields is a vector of maps";
  for (uint32_t i = 0; i < vec_count(fields); i++) {
    const char *must = is_literal(vec_nth(fields, i)) ? field_problem(vec_nth(fields, i)) : NULL;
    if (must) return must;
  }
  return NULL;
}

static const char *deadline_problem(Val t) {
  int64_t ms;
  Err e;
  if (is_nil(t) || !is_literal(t)) return NULL;
  if (!duration_of(t, DURATION_SECONDS, ":timeout", &ms, &e)) return "a map whose :timeout is a duration such as \"24h\", or seconds";
  return ms > 30 * (int64_t)DAY_MS ? "a map whose :timeout is at most 30 days" : NULL;
}

static bool text_or_code(Val v) { return is_nil(v) || is_str(v) || !is_literal(v); }

const char *human_problem(Val v) {
  static const char *const keys[] = {"title", "message", "fields", "timeout", "roles", "approvals", "self-approval", "notify"};
  if (is_bool(v) || is_str(v) || is_nil(v)) return NULL;
  if (!is_map(v)) return "true, false, a text, or a map with :title, :message, :fields, :timeout and :roles";
  MapIter it;
  Val k, x;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    bool known = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) known |= kw_is(k, keys[i]);
    if (!known) return "a map of :title, :message, :fields, :timeout, :roles, :approvals, :self-approval and :notify";
  }
  if (!text_or_code(map_get_kw(v, "title")) || !text_or_code(map_get_kw(v, "message"))) return "a map whose :title and :message are strings";
  Val roles = map_get_kw(v, "roles");
  if (!is_nil(roles) && is_literal(roles) && !is_vec(roles) && !is_set(roles)) return "a map whose :roles is a vector";
  const char *must = deadline_problem(map_get_kw(v, "timeout"));
  return must ? must : fields_problem(map_get_kw(v, "fields"));
}

/* NULL, or why it is no schema; good until the next call on this thread. */
static const char *schema_problem_text(Val schema) {
  static _Thread_local char text[240];
  bool quoted;
  Val wrong = schema_wrong(unquote_form(schema, &quoted));
  if (is_nil(wrong)) return NULL;
  snprintf(text, sizeof text, "%.200s", is_str(wrong) ? str_s(wrong) : "it cannot be read");
  return text;
}

const char *expect_problem(Val v) {
  static _Thread_local char text[300];
  if (is_str(v) || is_nil(v)) return NULL;
  if (!is_map(v)) return "a text or a map";
  Val schema = map_get_kw(v, "schema");
  const char *why = is_nil(schema) || !is_literal(schema) ? NULL : schema_problem_text(schema);
  if (!why) return NULL;
  snprintf(text, sizeof text, "a map whose :schema is one (%s)", why);
  return text;
}

/* --- declarations --------------------------------------------------------------------------------------------------- */
static void bad_field(Check *c, Val map, At at, const char *key, const char *of, const char *must) {
  Val v = map_get_kw(map, key);
  diag_add(c, DIAG_invalid_packaged_step, at_field(c, at, key), NULL, ":%s of %s must be %s, got %s", key, of, must, val_text(v));
}

static void check_schema(Check *c, Val map, At at, const char *key, const char *of) {
  Val v = map_get_kw(map, key);
  const char *why = is_nil(v) ? NULL : schema_problem_text(v);
  if (why)
    diag_add(c, DIAG_invalid_packaged_step, at_field(c, at, key), "write Malli such as [:map [:name :string]], or JSON Schema",
             ":%s of %s is no schema: %s", key, of, why);
}

static void named_parts(Check *c, Val ids, At at) {
  ValVec all = {0};
  if ((!is_vec(ids) && !is_set(ids)) || is_sig(coll_into_array(ids, &all))) return;
  for (size_t i = 0; i < all.n; i++) {
    Val id = is_map(all.a[i]) ? map_get_kw(all.a[i], "id") : all.a[i];
    if (is_qualified(id)) note_use(&c->used_steps, id, at, "");
  }
}

void check_more_tools(Check *c, Val steps, At at) { named_parts(c, steps, at); }

void check_tools(Check *c, Val tools, At at) {
  if (!is_map(tools)) return;
  named_parts(c, map_get_kw(tools, "steps"), at_field(c, at, "steps"));
  named_parts(c, map_get_kw(tools, "agents"), at_field(c, at, "agents"));
}

static bool is_function_form(Val v) {
  bool quoted;
  Val f = unquote_form(v, &quoted);
  return list_head_is(f, NULL, "fn") || list_head_is(f, NULL, "fn*") || list_head_is(f, "clojure.core", "fn");
}

/* Functions must compile. Definitions are data: a call in them would never be made. */
static void walk_data(Check *c, Val v, At at, int depth) {
  bool quoted;
  Val form = unquote_form(v, &quoted);
  if (is_function_form(v)) check_code_form(c, form, at, DIAG_function_code_invalid, "a function of :defaults");
  if (depth > 32 || quoted || is_function_form(v)) return;
  if (is_type(v, T_LIST))
    diag_add(c, DIAG_invalid_packaged_step, at, "quote a function of the input: '(fn [input] ...)",
             "%s is not evaluated here: :defaults are data", val_text(v));
  MapIter it;
  Val k, x;
  if (is_map(v)) {
    map_iter(&it, v);
    while (map_next(&it, &k, &x)) walk_data(c, x, at_entry(c, at, k), depth + 1);
  }
  for (uint32_t i = 0; is_vec(v) && i < vec_count(v); i++) walk_data(c, vec_nth(v, i), at_kid(c, at, i, vec_nth(v, i)), depth + 1);
}

/* Values that a function gives for the input are judged when the step runs. */
static void check_defaults(Check *c, const char *family, Val defaults, At at) {
  MapIter it;
  Val k, v;
  bool in_table = is_nil(step_option(kw_c(family), NIL)); /* else its options are its own */
  map_iter(&it, defaults);
  while (map_next(&it, &k, &v)) {
    bool code = kw_is(step_option(kw_c(family), k), "code");
    if (in_table && (code || !is_function_form(v))) check_option(c, family, k, v, at);
    if (!code) walk_data(c, v, at_entry(c, at, k), 0);
  }
  check_tools(c, map_get_kw(defaults, "tools"), at_field(c, at, "tools"));
}

static void check_type(Check *c, Val v, At at) {
  Val type = map_get_kw(v, "type"), defaults = map_get_kw(v, "defaults");
  const char *of = "a packaged step";
  if (is_nil(type)) {
    diag_add(c, DIAG_invalid_packaged_step, at, NULL, "%s needs :type, a step type such as :http", of);
  } else if (!is_kw(type) || is_qualified(type)) {
    bad_field(c, v, at, "type", of, "a step type such as :http (it wraps one built-in step)");
  } else if (!step_kind_known(type)) {
    diag_add(c, DIAG_invalid_packaged_step, at_field(c, at, "type"), NULL, "the step type %s is not known", val_text(type));
  } else if (is_map(defaults)) {
    At inner = at_field(c, at, "defaults");
    path_kw(c, "defaults");
    check_defaults(c, kw_is(type, "code") ? "function" : kw_text(type), defaults, inner);
    path_pop(c);
  }
}

static void check_id(Check *c, Val id, Val v, At at, Val *declared, const char *of) {
  if (is_nil(id)) {
    diag_add(c, DIAG_invalid_packaged_step, at, NULL, "%s needs :id, a qualified keyword such as :my/step", of);
    return;
  }
  if (!is_qualified(id)) {
    bad_field(c, v, at, "id", of, "a qualified keyword such as :my/step");
    return;
  }
  if (!same(set_get(*declared, id, ABSENT), ABSENT))
    diag_add(c, DIAG_duplicate_packaged_step, at_field(c, at, "id"), NULL, "%s is declared twice", val_text(id));
  Val s = set_conj(*declared, id);
  if (!is_sig(s)) *declared = s;
}

static void check_unused(Check *c, Val id, At at) {
  bool used = !same(map_get(c->used_steps, id, ABSENT), ABSENT) || !same(set_get(c->mentioned, id, ABSENT), ABSENT);
  if (is_qualified(id) && !used && !c->dynamic_ref)
    diag_add(c, DIAG_unreferenced_packaged_step, at, NULL, "the packaged step %s is never used", val_text(id));
}

/* The ids first: what they name in each other counts as used. */
static void check_one(Check *c, Val id, Val v, At at, Val *declared, bool agent) {
  const char *of = agent ? "an agent" : "a packaged step";
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_packaged_step, at, NULL, "%s must be a map, got %s", of, val_text(v));
    return;
  }
  Val description = map_get_kw(v, "description"), defaults = map_get_kw(v, "defaults");
  check_id(c, id, v, at, declared, of);
  if (!is_nil(description) && !is_str(description)) bad_field(c, v, at, "description", of, "a string");
  if (!is_nil(defaults) && !is_map(defaults)) bad_field(c, v, at, "defaults", of, "a map");
  check_schema(c, v, at, "input-schema", of);
  check_schema(c, v, at, "output-schema", of);
  if (!agent) {
    check_type(c, v, at);
    return;
  }
  check_tools(c, map_get_kw(v, "tools"), at_field(c, at, "tools"));
  if (is_map(defaults)) check_tools(c, map_get_kw(defaults, "tools"), at_field(c, at_field(c, at, "defaults"), "tools"));
}

static void check_vector(Check *c, Val v, At at, Val *declared, bool agent) {
  for (uint32_t i = 0; i < vec_count(v); i++) {
    Val one = vec_nth(v, i);
    path_push(c, fix(i));
    check_one(c, map_get_kw(one, "id"), one, at_kid(c, at, i, one), declared, agent);
    path_pop(c);
  }
}

static void check_agents(Check *c, Val agents, At at, Val *declared) {
  MapIter it;
  Val id, one;
  if (is_vec(agents)) check_vector(c, agents, at, declared, true);
  if (!is_map(agents)) return;
  map_iter(&it, agents);
  while (map_next(&it, &id, &one)) {
    path_push(c, id);
    check_one(c, id, one, at_entry(c, at, id), declared, true);
    path_pop(c);
  }
}

static void check_missing(Check *c, Val declared) {
  MapIter it;
  Val id, pos;
  map_iter(&it, c->used_steps);
  path_kw(c, "flow");
  while (map_next(&it, &id, &pos)) {
    At at = {NULL, (int)fix_of(vec_nth(pos, 0)), (int)fix_of(vec_nth(pos, 1))};
    if (same(set_get(declared, id, ABSENT), ABSENT))
      diag_add(c, DIAG_missing_packaged_step_reference, at, NULL, "the packaged step %s is not declared", val_text(id));
  }
  path_pop(c);
}

void check_packaged(Check *c, Val steps, Val agents) {
  Val declared = set_empty;
  At at = at_field(c, c->root, "steps");
  path_kw(c, "agents");
  check_agents(c, agents, at_field(c, c->root, "agents"), &declared);
  path_pop(c);
  path_kw(c, "steps");
  if (is_vec(steps)) check_vector(c, steps, at, &declared, false);
  else if (!is_nil(steps)) diag_add(c, DIAG_invalid_packaged_steps_shape, at, NULL, ":steps must be a vector of maps, got %s", val_text(steps));
  if (is_vec(steps) && vec_count(steps) > limit_value(LIMIT_declared_steps))
    diag_add(c, DIAG_declared_steps_limit, at, NULL, ":steps declares %u steps", vec_count(steps));
  for (uint32_t i = 0; is_vec(steps) && i < vec_count(steps); i++) {
    path_push(c, fix(i));
    check_unused(c, map_get_kw(vec_nth(steps, i), "id"), at_kid(c, at, i, vec_nth(steps, i)));
    path_pop(c);
  }
  path_pop(c);
  check_missing(c, declared);
}
