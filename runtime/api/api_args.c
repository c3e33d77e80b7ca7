/* api_args.c - the arguments of a command against its row, and the same row as JSON Schema. */
#include "api.h"
#include <ctype.h>
#include <string.h>

enum { SLUG_MAX = 128 };

static const char *const type_names[] = {
    [API_TEXT] = "a text",        [API_SLUG] = "a flow's slug: a letter, then letters, digits, - and _, at most 128 in all",
    [API_INT] = "a whole number", [API_BOOL] = "true or false",
    [API_OBJECT] = "an object",   [API_ARRAY] = "an array",
    [API_ANY] = "any value",      [API_VERSION] = "a version: a number from 1, or \"latest\""};
const char *api_type_name(enum ApiType t) { return type_names[t]; }

static bool slug_ok(const char *s, size_t n) {
  if (!n || n > SLUG_MAX || !isalpha((unsigned char)*s)) return false;
  for (size_t i = 0; i < n; i++)
    if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_') return false;
  return true;
}

static bool text_ok(const ApiArg *a, Val v) {
  return is_str(v) && str_n(v) <= (size_t)(a->max ? a->max : API_TEXT_MAX) && strlen(str_s(v)) == str_n(v);
}

static bool type_ok(const ApiArg *a, Val v) {
  switch (a->type) {
  case API_TEXT: return text_ok(a, v);
  case API_SLUG: return is_str(v) && slug_ok(str_s(v), str_n(v));
  case API_INT: return is_long(v) && long_of(v) >= a->min && long_of(v) <= a->max;
  case API_BOOL: return same(v, TRUE_V) || same(v, FALSE_V);
  case API_OBJECT: return is_map(v);
  case API_ARRAY: return is_vec(v);
  case API_VERSION: return str_eq_c(v, "latest") || (is_long(v) && long_of(v) >= 1);
  case API_ANY: return true;
  }
  return false;
}

static bool choice_ok(const char *choices, const char *s) {
  size_t n = strlen(s);
  for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
    if (!strncmp(p, s, n) && (p[n] == '|' || !p[n])) return true;
  return false;
}

static bool refuse(ApiCall *c, const ApiArg *a, Val v) {
  ValVec m = {0};
  api_put_text(&m, "argument", a->name);
  c->details = api_map(&m);
  const char *cmd = c->command->name;
  if (is_nil(v)) return api_fail(c, 400, "bad_request", "%s needs %s: %s", cmd, a->name, a->doc);
  if (a->choices) return api_fail(c, 400, "bad_request", "%s: %s is one of %s", cmd, a->name, a->choices);
  if (a->type == API_INT)
    return api_fail(c, 400, "bad_request", "%s: %s must be a whole number from %lld to %lld", cmd, a->name, (long long)a->min,
                    (long long)a->max);
  if (a->type == API_TEXT && is_str(v))
    return api_fail(c, 400, "bad_request", "%s: %s must be at most %lld bytes long, without NUL", cmd, a->name,
                    (long long)(a->max ? a->max : API_TEXT_MAX));
  return api_fail(c, 400, "bad_request", "%s: %s must be %s", cmd, a->name, api_type_name(a->type));
}

static const ApiArg *arg_row(const ApiCommand *cmd, const char *name) {
  for (const ApiArg *a = cmd->args; a->name; a++)
    if (!strcmp(a->name, name)) return a;
  return NULL;
}

/* Nothing is lost silently: the caller is told what had no effect. */
static void warn_unknown(ApiCall *c, Val args) {
  MapIter it;
  Val k, v;
  ValVec warnings = {0};
  map_iter(&it, args);
  while (map_next(&it, &k, &v)) {
    const char *name = is_kw(k) ? id_text(k) : is_str(k) ? str_s(k) : "?";
    if (is_nil(v) || arg_row(c->command, name) || !strcmp(name, "command")) continue;
    ValVec m = {0};
    api_put_text(&m, "code", "unknown_argument");
    api_put(&m, "message", str_fmt("%s does not know the argument %.100s; it had no effect", c->command->name, name));
    vv_push(&warnings, api_map(&m));
  }
  if (!warnings.n) return;
  ValVec m = {0};
  api_put(&m, "warnings", vec_from(warnings.a, warnings.n));
  c->meta = api_map(&m);
}

bool api_args_check(ApiCall *c, Val args) {
  for (const ApiArg *a = c->command->args; a->name; a++) {
    Val v = map_get_kw(args, a->name);
    bool ok = is_nil(v) ? !a->required : type_ok(a, v) && (!a->choices || choice_ok(a->choices, str_s(v)));
    if (!ok) return refuse(c, a, v);
  }
  c->args = args;
  warn_unknown(c, args);
  return true;
}

/* --- JSON Schema --------------------------------------------------------------------------------------------------------------------- */
static Val choices_of(const char *choices) {
  ValVec v = {0};
  for (const char *p = choices; *p;) {
    size_t n = strcspn(p, "|");
    vv_push(&v, str_new(p, n));
    p += n + (p[n] == '|');
  }
  return vec_from(v.a, v.n);
}

static Val arg_schema(const ApiArg *a) {
  static const char *const json_types[] = {[API_TEXT] = "string",   [API_SLUG] = "string", [API_INT] = "integer", [API_BOOL] = "boolean",
                                           [API_OBJECT] = "object", [API_ARRAY] = "array", [API_VERSION] = NULL,  [API_ANY] = NULL};
  ValVec m = {0};
  api_put_text(&m, "type", json_types[a->type]);
  api_put_text(&m, "description", a->doc);
  if (a->choices) api_put(&m, "enum", choices_of(a->choices));
  if (a->type == API_SLUG) api_put_text(&m, "pattern", "^[A-Za-z][A-Za-z0-9_-]{0,127}$");
  if (a->type == API_TEXT && !a->choices) api_put(&m, "maxLength", int_val(a->max ? a->max : API_TEXT_MAX));
  if (a->type == API_INT) api_put(&m, "minimum", int_val(a->min)), api_put(&m, "maximum", int_val(a->max));
  if (a->type == API_VERSION) {
    ValVec n = {0}, s = {0};
    api_put_text(&n, "type", "integer");
    api_put(&n, "minimum", fix(1));
    api_put_text(&s, "const", "latest");
    Val any[] = {api_map(&n), api_map(&s)};
    api_put(&m, "anyOf", vec_from(any, 2));
  }
  return api_map(&m);
}

Val api_args_schema(const ApiCommand *cmd) {
  ValVec m = {0}, properties = {0}, required = {0};
  for (const ApiArg *a = cmd->args; a->name; a++) {
    api_put(&properties, a->name, arg_schema(a));
    if (a->required) vv_push(&required, str_c(a->name));
  }
  api_put_text(&m, "type", "object");
  api_put(&m, "properties", api_map(&properties));
  if (required.n) api_put(&m, "required", vec_from(required.a, required.n));
  return api_map(&m);
}
