/* flowdef_setup.c - what a definition brings along or needs from outside (spec/flows.md 1.3, 1.8, 1.9): :requires,
 * :templates, :functions. Packaged :steps and :agents: flowdef_parts.c. */
#include "flowdef_int.h"
#include "step_options.h"
#include "runtime/template/template_step.h"

#define N_OF(a) (sizeof(a) / sizeof *(a))

static bool one_of(Val v, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (kw_is(v, names[i])) return true;
  return false;
}

static bool add_once(Val *seen, Val x) {
  if (!same(set_get(*seen, x, ABSENT), ABSENT)) return false;
  Val s = set_conj(*seen, x);
  if (!is_sig(s)) *seen = s;
  return true;
}

typedef void (*EntryCheck)(Check *c, Val v, At at, Val *seen);
static void each_entry(Check *c, Val v, At at, enum DiagCode shape, const char *field, EntryCheck f) {
  Val seen = set_empty;
  if (is_nil(v)) return;
  if (!is_vec(v)) {
    diag_add(c, shape, at, NULL, ":%s must be a vector of maps, got %s", field, val_text(v));
    return;
  }
  for (uint32_t i = 0; i < vec_count(v); i++) {
    Val item = vec_nth(v, i);
    path_push(c, fix(i));
    f(c, item, at_kid(c, at, i, item), &seen);
    path_pop(c);
  }
}

static void need(Check *c, enum DiagCode code, Val map, At at, const char *key, bool (*ok)(Val), const char *what, const char *of) {
  Val v = map_get_kw(map, key);
  if (is_nil(v))
    diag_add(c, code, at, NULL, "%s needs :%s, %s", of, key, what);
  else if (!ok(v))
    diag_add(c, code, at_field(c, at, key), NULL, ":%s of %s must be %s, got %s", key, of, what, val_text(v));
}

static bool is_text(Val v) { return is_str(v) && str_n(v); }
static bool is_map_val(Val v) { return is_map(v); }
static bool is_vec_val(Val v) { return is_vec(v); }
static bool is_plain_kw(Val v) { return safe_id_val(v, false); }
static bool is_name(Val v) { return is_kw(v) || is_text(v); }

/* --- requires ----------------------------------------------------------------------------------------------------- */
static void check_connection(Check *c, Val v, At at, Val *seen) {
  static const char *const types[] = {"http-api", "database", "blob-storage", "kv-store", "secret", "ssh", "llm-provider"};
  Val slot = map_get_kw(v, "slot"), type = map_get_kw(v, "type"), auth = map_get_kw(v, "auth");
  enum DiagCode code = DIAG_invalid_requirement;
  need(c, code, v, at, "slot", is_plain_kw, "an unqualified keyword", "a connection");
  need(c, code, v, at, "label", is_text, "a text for people", "a connection");
  if (is_kw(slot) && !add_once(seen, slot))
    diag_add(c, DIAG_duplicate_requirement_slot, at_field(c, at, "slot"), NULL, "the slot %s is declared twice", val_text(slot));
  if (!one_of(type, types, N_OF(types))) {
    diag_add(c, code, at_field(c, at, "type"), "use :http-api :database :blob-storage :kv-store :secret or :ssh",
             "the connection type %s is not known", val_text(type));
    return;
  }
  if (kw_is(type, "secret") && !is_nil(map_get_kw(v, "secret-ref"))) need(c, code, v, at, "secret-ref", is_name, "a keyword or a text", "a secret");
  if (!is_nil(auth) && (!is_map(auth) || !is_kw(map_get_kw(auth, "type"))))
    diag_add(c, code, at_field(c, at, "auth"), "write :auth {:type :none}", ":auth must be a map with a :type, got %s", val_text(auth));
  if (!kw_is(type, "http-api")) return;
  bool llm = !is_nil(map_get_kw(v, "config")) || !is_nil(map_get_kw(v, "backend")); /* these carry both in their config */
  if (!llm) need(c, code, v, at, "base-url", is_text, "the address that paths are appended to", "an :http-api connection");
  if (!llm && is_nil(auth))
    diag_add(c, code, at, "write :auth {:type :none}, or :api-key, :bearer, :basic", "an :http-api connection needs :auth");
}

static void check_form_field(Check *c, Val v, At at, Val *seen) {
  static const char *const types[] = {"string", "text", "number", "boolean", "select", "date", "email", "textarea", "password", "secret"};
  enum DiagCode code = DIAG_invalid_requirement;
  if (!is_map(v)) {
    diag_add(c, code, at, "write {:key :k :label \"...\" :field-type :text}", "a form field must be a map, got %s", val_text(v));
    return;
  }
  Val key = map_get_kw(v, "key"), type = map_get_kw(v, "field-type");
  need(c, code, v, at, "key", is_name, "a keyword", "a form field");
  if (!is_nil(key) && !add_once(seen, name_kw(key)))
    diag_add(c, code, at_field(c, at, "key"), NULL, "the form field %s is declared twice", val_text(key));
  if (!is_nil(type) && !one_of(type, types, N_OF(types)))
    diag_add(c, code, at_field(c, at, "field-type"), NULL, "the :field-type %s is not known", val_text(type));
  if (kw_is(type, "select")) need(c, code, v, at, "options", is_vec_val, "a vector", "a :select field");
}

static void check_form(Check *c, Val v, At at) {
  Val fields = map_get_kw(v, "fields"), collect = map_get_kw(v, "collect"), seen = set_empty;
  At fields_at = at_field(c, at, "fields");
  need(c, DIAG_invalid_requirement, v, at, "fields", is_vec_val, "a vector of fields", "a form");
  if (kw_is(collect, "run"))
    diag_add(c, DIAG_deprecated_run_collected_form, at_field(c, at, "collect"), NULL, "a form collected at each run is the old way");
  else if (!is_nil(collect) && !kw_is(collect, "setup"))
    diag_add(c, DIAG_invalid_requirement, at_field(c, at, "collect"), "write :setup", ":collect must be :setup, got %s", val_text(collect));
  for (uint32_t i = 0; is_vec(fields) && i < vec_count(fields); i++) {
    Val field = vec_nth(fields, i);
    check_form_field(c, field, at_kid(c, fields_at, i, field), &seen);
  }
}

static bool is_job_type(Val v) {
  const char *s = is_kw(v) ? id_text(v) : is_str(v) ? str_s(v) : "";
  size_t n = strlen(s);
  for (const char *p = s; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7f) return false;
  return n && n <= 200;
}

static void may_have(Check *c, Val map, At at, const char *key, bool (*ok)(Val), const char *what) {
  Val v = map_get_kw(map, key);
  if (!is_nil(v) && !ok(v))
    diag_add(c, DIAG_invalid_requirement, at_field(c, at, key), NULL, ":%s of a worker must be %s, got %s", key, what, val_text(v));
}

static bool is_flag(Val v) { return is_bool(v); }

static void check_worker(Check *c, Val v, At at) {
  need(c, DIAG_invalid_requirement, v, at, "job-type", is_job_type, "the type of jobs that it takes, a text of 1 to 200 bytes", "a worker");
  may_have(c, v, at, "label", is_text, "a text for people");
  may_have(c, v, at, "description", is_text, "a text for people");
  may_have(c, v, at, "optional", is_flag, "true or false");
}

static void check_requirement(Check *c, Val v, At at, Val *seen) {
  enum DiagCode code = DIAG_invalid_requirement;
  if (!is_map(v)) {
    diag_add(c, code, at, "write {:slot :api :type :http-api ...}", "a requirement must be a map, got %s", val_text(v));
    return;
  }
  Val kind = map_get_kw(v, "kind");
  if (kw_is(kind, "form"))
    check_form(c, v, at);
  else if (kw_is(kind, "worker"))
    check_worker(c, v, at);
  else if (is_nil(kind) || kw_is(kind, "connection") || kw_is(kind, "secret"))
    check_connection(c, v, at, seen);
  else
    diag_add(c, code, at_field(c, at, "kind"), "use :form or :worker, or none for a connection", "the requirement :kind %s is not known",
             val_text(kind));
}

void check_requires(Check *c, Val v, At at) { each_entry(c, v, at, DIAG_invalid_requires_shape, "requires", check_requirement); }

/* --- templates ---------------------------------------------------------------------------------------------------- */
static void check_template_text(Check *c, Val s, At at, Val id) {
  TemplateError e;
  Template *t = template_parse(str_s(s), str_n(s), &e);
  if (!t) diag_add(c, DIAG_invalid_template, at, NULL, "template %s, %d:%d of this text: %s", val_text(id), e.line, e.col, e.msg);
  template_free(t);
}

/* Every string that is going to be rendered, at any depth. */
static void check_template_part(Check *c, Val v, At at, Val id, int depth) {
  MapIter it;
  Val k, x;
  if (is_str(v)) check_template_text(c, v, at, id);
  if (depth > TEMPLATE_PATH && (is_map(v) || is_vec(v)))
    diag_add(c, DIAG_invalid_template, at, NULL, "template %s: maps and vectors inside each other, deeper than %d levels", val_text(id), TEMPLATE_PATH);
  else if (is_map(v)) {
    map_iter(&it, v);
    while (map_next(&it, &k, &x))
      if (template_renders(k)) check_template_part(c, x, at_entry(c, at, k), id, depth + 1);
  } else if (is_vec(v)) {
    for (uint32_t i = 0; i < vec_count(v); i++) check_template_part(c, vec_nth(v, i), at_kid(c, at, i, vec_nth(v, i)), id, depth + 1);
  }
}

static void check_template_texts(Check *c, Val v, At at) {
  const char *type = kw_text(map_get_kw(v, "type")), *key;
  for (int i = 0; (key = template_key(type, i)); i++) {
    path_kw(c, key);
    check_template_part(c, map_get_kw(v, key), at_field(c, at, key), map_get_kw(v, "id"), 1);
    path_pop(c);
  }
}

static void check_template(Check *c, Val v, At at, Val *seen) {
  enum DiagCode code = DIAG_invalid_template;
  if (!is_map(v)) {
    diag_add(c, code, at, NULL, "a template must be a map, got %s", val_text(v));
    return;
  }
  Val id = map_get_kw(v, "id"), type = map_get_kw(v, "type");
  need(c, code, v, at, "id", is_name, "a keyword", "a template");
  if (!is_nil(id) && !add_once(seen, name_kw(id)))
    diag_add(c, DIAG_duplicate_template_id, at_field(c, at, "id"), NULL, "the template id %s is used twice", val_text(id));
  if (kw_is(type, "http-request"))
    need(c, code, v, at, "request", is_map_val, "a map of :http options", "an :http-request template");
  else if (kw_is(type, "llm-prompt")) {
    if (is_nil(map_get_kw(v, "prompt")) && is_nil(map_get_kw(v, "system")))
      diag_add(c, code, at, NULL, "an :llm-prompt template needs :prompt or :system");
  } else if (kw_is(type, "db-query"))
    need(c, code, v, at, "sql", is_text, "a query", "a :db-query template");
  else if (kw_is(type, "sql"))
    need(c, code, v, at, "query", is_text, "a query", "an :sql template");
  else if (kw_is(type, "notification"))
    need(c, code, v, at, "channels", is_map_val, "a map such as {:http {...}}", "a :notification template");
  else
    diag_add(c, code, at_field(c, at, "type"), "use :http-request :llm-prompt :db-query or :notification",
             "the template :type %s is not known", val_text(type));
  check_template_texts(c, v, at);
}

/* A step uses a template of its own family's type. */
static void check_template_uses(Check *c, Val templates) {
  for (uint32_t i = 0; is_vec(templates) && i < vec_count(templates); i++) {
    Val id = map_get_kw(vec_nth(templates, i), "id"), type = map_get_kw(vec_nth(templates, i), "type");
    Val use = is_nil(id) ? NIL : map_get(c->used_templates, name_kw(id), NIL);
    if (!is_vec(use) || !is_kw(type)) continue;
    const char *kind = kw_text(vec_nth(use, 2)), *wants = template_type_of(kind);
    At at = {NULL, (int)fix_of(vec_nth(use, 0)), (int)fix_of(vec_nth(use, 1))};
    if (!wants)
      diag_add(c, DIAG_template_type_mismatch, at, "remove it", ":%s steps take no :template", kind);
    else if (!template_fits(kind, kw_text(type)))
      diag_add(c, DIAG_template_type_mismatch, at, NULL, "the template %s is of :type %s, a :%s step needs :%s", val_text(id), val_text(type),
               kind, wants);
  }
}

static void check_references(Check *c, Val used, const char *field, enum DiagCode code) {
  Val list = def_field(c, field), k, pos;
  MapIter it;
  if (!is_map(used)) return;
  map_iter(&it, used);
  while (map_next(&it, &k, &pos)) {
    bool found = false;
    for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
      Val id = map_get_kw(vec_nth(list, i), "id");
      found |= !is_nil(id) && same(name_kw(id), k);
    }
    At at = {NULL, (int)fix_of(vec_nth(pos, 0)), (int)fix_of(vec_nth(pos, 1))};
    if (!found) diag_add(c, code, at, NULL, "there is no %s in :%s", val_text(k), field);
  }
}

void check_templates(Check *c, Val v, At at) {
  each_entry(c, v, at, DIAG_invalid_templates_shape, "templates", check_template);
  path_pop(c);
  path_kw(c, "flow");
  check_references(c, c->used_templates, "templates", DIAG_missing_template_reference);
  check_template_uses(c, v);
}

/* --- functions ---------------------------------------------------------------------------------------------------- */
static void check_code(Check *c, Val v, At at, Val id) {
  Val code = map_get(v, kw_c("code"), ABSENT);
  At code_at = at_field(c, at, "code");
  const char *why = NULL;
  path_kw(c, "code");
  Val form = ABSENT;
  if (same(code, ABSENT) || is_nil(code))
    diag_add(c, DIAG_invalid_function, at, "add :code '(fn [input] ...)", "function %s has no :code", val_text(id));
  else if (same(form = code_form(code, c->f->file, &why), ABSENT)) {
    enum DiagCode dc =
        strstr(why, "#=") || strstr(why, "EvalReader") ? DIAG_clojure_reader_eval_disabled : DIAG_function_code_string_invalid;
    diag_add(c, dc, code_at, NULL, "the code of function %s: %s", val_text(id), why);
  } else if (!code_is_fn(form)) {
    diag_add(c, DIAG_function_code_invalid, code_at, NULL, "the code of function %s is %s, which is no function form", val_text(id),
             val_text(form));
  } else if (!is_nil(id)) {
    c->f->functions = map_assoc(c->f->functions, name_kw(id), form);
  }
  path_pop(c);
}

static void check_function(Check *c, Val v, At at, Val *seen) {
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_function, at, NULL, "a function must be a map, got %s", val_text(v));
    return;
  }
  Val id = map_get_kw(v, "id"), language = map_get_kw(v, "language");
  need(c, DIAG_invalid_function, v, at, "id", is_name, "a keyword", "a function");
  if (!is_nil(id) && !is_nil(name_kw(id)) && !add_once(seen, name_kw(id)))
    diag_add(c, DIAG_duplicate_function_id, at_field(c, at, "id"), NULL, "the function id %s is used twice", val_text(id));
  if (!is_nil(language) && !kw_is(language, "clojure") && !str_eq_c(language, "clojure"))
    diag_add(c, DIAG_invalid_function, at_field(c, at, "language"), "write :clojure", "the :language %s of function %s is not supported",
             val_text(language), val_text(id));
  check_code(c, v, at, name_kw(id));
  bool used = !same(map_get(c->used_functions, name_kw(id), ABSENT), ABSENT);
  if (!used && !c->dynamic_ref && is_name(id) && !is_nil(c->f->body))
    diag_add(c, DIAG_unreferenced_function, at, NULL, "the function %s is never used", val_text(id));
}

void check_functions(Check *c, Val v, At at) {
  each_entry(c, v, at, DIAG_invalid_functions_shape, "functions", check_function);
  path_pop(c);
  path_kw(c, "flow");
  check_references(c, c->used_functions, "functions", DIAG_missing_function_reference);
}
