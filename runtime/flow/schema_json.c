/* schema_json.c - JSON Schema over values. One row per keyword: what it checks and what it must look like. */
#include "schema_int.h"

static Val check(Schema *s, Val schema, Val v);

static Val field(Val map, const char *name) {
  Val v = map_get(map, kw_c(name), ABSENT);
  return same(v, ABSENT) ? map_get(map, str_c(name), ABSENT) : v;
}

/* --- what values are in JSON ---------------------------------------------------------------------------------------- */
static bool whole(Val v) {
  if (is_integer(v)) return true;
  if (!is_dbl(v)) return false;
  double d = dbl_of(v);
  return d - d == 0 && d == (double)(int64_t)(d > 9e18 || d < -9e18 ? 0 : d);
}
static bool finite(Val v) { return is_num(v) && (!is_dbl(v) || dbl_of(v) - dbl_of(v) == 0); }
static bool texty(Val v) { return is_str(v) || is_kw(v) || is_type(v, T_UUID) || is_type(v, T_INST); }
static bool arrayish(Val v) { return !is_map(v) && (is_sequential(v) || is_set(v)); }
static Val text_of(Val v) { return is_str(v) || is_kw(v) ? schema_key_name(v) : NIL; }

static const struct {
  const char *name, *must;
  bool (*is)(Val);
} types[] = {{"null", "null", is_nil},     {"boolean", "true or false", is_bool}, {"integer", "an integer", whole}, {"number", "a number", finite},
             {"string", "a string", texty}, {"array", "an array", arrayish},       {"object", "an object", is_map}};
enum { NTYPES = sizeof types / sizeof *types };

static int type_named(Val name) {
  for (int i = 0; i < NTYPES; i++)
    if (kw_is(name, types[i].name) || (is_str(name) && str_eq_c(name, types[i].name))) return i;
  return -1;
}

/* A member of an object by its name. */
static Val member(Val object, Val name) {
  Val v = map_get(object, name, ABSENT);
  if (!same(v, ABSENT) || !is_str(name)) return v;
  v = map_get(object, kw_parse(str_s(name), str_n(name)), ABSENT);
  return same(v, ABSENT) ? map_get(object, kw_of(NIL, name), ABSENT) : v;
}

static Val json_equal(Schema *s, Val a, Val b);
static Val arrays_equal(Schema *s, Val a, Val b) {
  ValVec x = {0}, y = {0};
  CHECK(coll_into_array(a, &x));
  CHECK(coll_into_array(b, &y));
  if (x.n != y.n) return FALSE_V;
  for (size_t i = 0; i < x.n; i++) {
    TRY(eq, json_equal(s, x.a[i], y.a[i]));
    if (same(eq, FALSE_V)) return eq;
  }
  return TRUE_V;
}

static Val objects_equal(Schema *s, Val a, Val b) {
  MapIter it;
  Val k, v;
  if (map_count(a) != map_count(b)) return FALSE_V;
  map_iter(&it, a);
  while (map_next(&it, &k, &v)) {
    TRY(name, schema_key_name(k));
    TRY(other, member(b, name));
    if (same(other, ABSENT)) return FALSE_V;
    TRY(eq, json_equal(s, v, other));
    if (same(eq, FALSE_V)) return eq;
  }
  return TRUE_V;
}

static Val json_equal(Schema *s, Val a, Val b) {
  CHECK(schema_enter(s));
  Val r = FALSE_V;
  if (is_num(a) && is_num(b)) r = finite(a) && finite(b) ? num_equiv(a, b) : FALSE_V;
  else if (is_map(a) && is_map(b)) r = objects_equal(s, a, b);
  else if (arrayish(a) && arrayish(b)) r = arrays_equal(s, a, b);
  else if (!is_nil(text_of(a)) && !is_nil(text_of(b))) r = val_eq(text_of(a), text_of(b));
  else if (!is_map(a) && !is_map(b) && !arrayish(a) && !arrayish(b)) r = val_eq(a, b);
  schema_leave(s);
  return r;
}

/* --- assertions: k is the keyword's value, v what is judged --------------------------------------------------------- */
static Val check_type(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  ValVec names = {0};
  if (is_vec(k)) CHECK(coll_into_array(k, &names));
  else vv_push(&names, k);
  Buf must = {0};
  for (size_t i = 0; i < names.n; i++) {
    int t = type_named(names.a[i]);
    if (t < 0) { buf_free(&must); return schema_bad("%s is no type of JSON Schema", schema_short(names.a[i])); }
    if (types[t].is(v)) { buf_free(&must); return NIL; }
    buf_fmt(&must, "%s%s", i ? " or " : "", types[t].must);
  }
  Val r = schema_problem(s, v, "must be %s", buf_cstr(&must));
  buf_free(&must);
  return r;
}

static Val check_enum(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  ValVec items = {0};
  CHECK(coll_into_array(k, &items));
  for (size_t i = 0; i < items.n; i++) {
    TRY(eq, json_equal(s, items.a[i], v));
    if (same(eq, TRUE_V)) return NIL;
  }
  return schema_problem(s, v, "must be one of %s", schema_short(k));
}

static Val check_const(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  TRY(eq, json_equal(s, k, v));
  return same(eq, TRUE_V) ? NIL : schema_problem(s, v, "must be %s", schema_short(k));
}

static Val check_minimum(Schema *s, Val schema, Val k, Val v) { (void)schema; return is_num(v) ? schema_limits(s, v, k, NIL, v, "") : NIL; }
static Val check_maximum(Schema *s, Val schema, Val k, Val v) { (void)schema; return is_num(v) ? schema_limits(s, v, NIL, k, v, "") : NIL; }
static Val check_above(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  return !is_num(v) || same(num_gt(v, k), TRUE_V) ? NIL : schema_problem(s, v, "must be greater than %s", schema_short(k));
}
static Val check_below(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  return !is_num(v) || same(num_lt(v, k), TRUE_V) ? NIL : schema_problem(s, v, "must be less than %s", schema_short(k));
}

static Val check_multiple(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  if (!finite(v)) return NIL;
  bool ok;
  if (is_dbl(v) || is_dbl(k)) {
    double q = num_to_double(v) / num_to_double(k);
    ok = q - q == 0 && q == (double)(int64_t)(q > 9e18 || q < -9e18 ? 0 : q);
  } else {
    TRY(rem, num_rem(v, k));
    ok = num_is_zero(rem);
  }
  return ok ? NIL : schema_problem(s, v, "must be a multiple of %s", schema_short(k));
}

static Val text_length(Val v) { return fix(AS(Str, text_of(v))->nchars); }
static Val check_min_length(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  return is_nil(text_of(v)) ? NIL : schema_limits(s, text_length(v), k, NIL, v, " characters long");
}
static Val check_max_length(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  return is_nil(text_of(v)) ? NIL : schema_limits(s, text_length(v), NIL, k, v, " characters long");
}
static Val check_pattern(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  if (is_nil(text_of(v))) return NIL;
  TRY(found, schema_pattern(k, text_of(v)));
  return same(found, TRUE_V) ? NIL : schema_problem(s, v, "must match the pattern %s", schema_short(k));
}

static Val check_min_items(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  if (!arrayish(v)) return NIL;
  TRY(n, schema_count(v));
  return schema_limits(s, n, k, NIL, v, " items long");
}
static Val check_max_items(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  if (!arrayish(v)) return NIL;
  TRY(n, schema_count(v));
  return schema_limits(s, n, NIL, k, v, " items long");
}
static Val check_min_properties(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  return is_map(v) ? schema_limits(s, fix(map_count(v)), k, NIL, v, " properties") : NIL;
}
static Val check_max_properties(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  return is_map(v) ? schema_limits(s, fix(map_count(v)), NIL, k, v, " properties") : NIL;
}

static Val check_unique(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  ValVec items = {0};
  if (!truthy(k) || !arrayish(v)) return NIL;
  CHECK(coll_into_array(v, &items));
  for (size_t i = 0; i < items.n; i++)
    for (size_t j = 0; j < i; j++) {
      TRY(eq, json_equal(s, items.a[i], items.a[j]));
      if (same(eq, TRUE_V)) return schema_problem(s, items.a[i], "must have no item twice");
    }
  return NIL;
}

/* --- applicators ------------------------------------------------------------------------------------------------------ */
static Val check_at(Schema *s, Val schema, Val key, Val v) {
  CHECK(schema_at(s, key));
  Val r = check(s, schema, v);
  schema_up(s);
  return r;
}

static Val prefix_items(Val schema, ValVec *out) {
  Val prefix = field(schema, "prefixItems");
  return same(prefix, ABSENT) ? NIL : coll_into_array(prefix, out);
}

static Val check_prefix(Schema *s, Val schema, Val k, Val v) {
  ValVec items = {0}, schemas = {0};
  (void)schema;
  if (!arrayish(v)) return NIL;
  CHECK(coll_into_array(v, &items));
  CHECK(coll_into_array(k, &schemas));
  for (size_t i = 0; i < items.n && i < schemas.n; i++) CHECK(check_at(s, schemas.a[i], fix((int64_t)i), items.a[i]));
  return NIL;
}

static Val check_items(Schema *s, Val schema, Val k, Val v) {
  ValVec items = {0}, prefix = {0};
  if (!arrayish(v)) return NIL;
  CHECK(coll_into_array(v, &items));
  CHECK(prefix_items(schema, &prefix));
  for (size_t i = prefix.n; i < items.n; i++) CHECK(check_at(s, k, fix((int64_t)i), items.a[i]));
  return NIL;
}

static Val check_contains(Schema *s, Val schema, Val k, Val v) {
  ValVec items = {0};
  (void)schema;
  if (!arrayish(v)) return NIL;
  CHECK(coll_into_array(v, &items));
  for (size_t i = 0; i < items.n; i++) {
    TRY(fits, schema_try(s, check, k, items.a[i], NULL));
    if (same(fits, TRUE_V)) return NIL;
  }
  return schema_problem(s, v, "must have an item that fits %s", schema_short(k));
}

static Val check_properties(Schema *s, Val schema, Val k, Val v) {
  MapIter it;
  Val name, sub;
  (void)schema;
  if (!is_map(v)) return NIL;
  map_iter(&it, k);
  while (map_next(&it, &name, &sub)) {
    TRY(text, schema_key_name(name));
    TRY(got, member(v, text));
    if (!same(got, ABSENT)) CHECK(check_at(s, sub, kw_parse(str_s(text), str_n(text)), got));
  }
  return NIL;
}

static Val check_required(Schema *s, Val schema, Val k, Val v) {
  ValVec names = {0};
  (void)schema;
  if (!is_map(v)) return NIL;
  CHECK(coll_into_array(k, &names));
  for (size_t i = 0; i < names.n; i++) {
    TRY(text, schema_key_name(names.a[i]));
    TRY(got, member(v, text));
    if (same(got, ABSENT)) CHECK(schema_problem(s, ABSENT, "must have %s", schema_short(kw_parse(str_s(text), str_n(text)))));
  }
  return NIL;
}

/* Schemas of the patterns that the name matches: their number, or a signal. */
static Val by_pattern(Schema *s, Val patterns, Val name, Val key, Val v, bool judge) {
  MapIter it;
  Val pattern, sub;
  int64_t n = 0;
  if (!is_map(patterns)) return fix(0);
  map_iter(&it, patterns);
  while (map_next(&it, &pattern, &sub)) {
    TRY(text, schema_key_name(pattern));
    TRY(found, schema_pattern(text, name));
    if (!same(found, TRUE_V)) continue;
    n++;
    if (judge) CHECK(check_at(s, sub, key, v));
  }
  return fix(n);
}

static Val check_patterns(Schema *s, Val schema, Val k, Val v) {
  MapIter it;
  Val key, x;
  (void)schema;
  if (!is_map(v)) return NIL;
  map_iter(&it, v);
  while (map_next(&it, &key, &x)) {
    TRY(name, schema_key_name(key));
    CHECK(by_pattern(s, k, name, key, x, true));
  }
  return NIL;
}

static Val check_additional(Schema *s, Val schema, Val k, Val v) {
  MapIter it;
  Val key, x, known = field(schema, "properties"), patterns = field(schema, "patternProperties");
  if (!is_map(v)) return NIL;
  map_iter(&it, v);
  while (map_next(&it, &key, &x)) {
    TRY(name, schema_key_name(key));
    TRY(own, is_map(known) ? member(known, name) : ABSENT);
    if (!same(own, ABSENT)) continue;
    TRY(matched, by_pattern(s, patterns, name, key, x, false));
    if (fix_of(matched)) continue;
    if (same(k, FALSE_V)) CHECK(schema_problem(s, ABSENT, "must not have %s", schema_short(key)));
    else CHECK(check_at(s, k, key, x));
  }
  return NIL;
}

static Val check_names(Schema *s, Val schema, Val k, Val v) {
  MapIter it;
  Val key, x;
  (void)schema;
  if (!is_map(v)) return NIL;
  map_iter(&it, v);
  while (map_next(&it, &key, &x)) {
    TRY(name, schema_key_name(key));
    CHECK(check_at(s, k, key, name));
  }
  return NIL;
}

static Val check_all(Schema *s, Val schema, Val k, Val v) {
  ValVec subs = {0};
  (void)schema;
  CHECK(coll_into_array(k, &subs));
  for (size_t i = 0; i < subs.n; i++) CHECK(check(s, subs.a[i], v));
  return NIL;
}

/* How many of the schemas v fits; *why: what is wrong with the first that it does not. */
static Val fitting(Schema *s, Val k, Val v, Val *why) {
  ValVec subs = {0};
  int64_t n = 0;
  CHECK(coll_into_array(k, &subs));
  *why = NIL;
  for (size_t i = 0; i < subs.n; i++) {
    Val problems;
    TRY(fits, schema_try(s, check, subs.a[i], v, &problems));
    if (same(fits, TRUE_V)) n++;
    else if (is_nil(*why)) *why = problems;
  }
  return fix(n);
}

static Val check_any(Schema *s, Val schema, Val k, Val v) {
  Val why;
  (void)schema;
  TRY(n, fitting(s, k, v, &why));
  if (fix_of(n)) return NIL;
  return schema_problem(s, v, "must fit one of the alternatives (the first: %s)", is_nil(why) ? "none is there" : str_s(schema_text(why)));
}

static Val check_one(Schema *s, Val schema, Val k, Val v) {
  Val why;
  (void)schema;
  TRY(n, fitting(s, k, v, &why));
  if (fix_of(n) == 1) return NIL;
  if (fix_of(n)) return schema_problem(s, v, "must fit exactly one of the alternatives, and fits %d", (int)fix_of(n));
  return schema_problem(s, v, "must fit one of the alternatives (the first: %s)", is_nil(why) ? "none is there" : str_s(schema_text(why)));
}

static Val check_not(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  TRY(fits, schema_try(s, check, k, v, NULL));
  return same(fits, TRUE_V) ? schema_problem(s, v, "must not fit %s", schema_short(k)) : NIL;
}

static Val check_if(Schema *s, Val schema, Val k, Val v) {
  TRY(fits, schema_try(s, check, k, v, NULL));
  Val then = field(schema, same(fits, TRUE_V) ? "then" : "else");
  return same(then, ABSENT) ? NIL : check(s, then, v);
}

static Val check_nothing(Schema *s, Val schema, Val k, Val v) { /* judged by the keyword beside it, or a place for $ref */
  (void)s, (void)schema, (void)k, (void)v;
  return NIL;
}

/* --- $ref ---------------------------------------------------------------------------------------------------------------- */
/* "~1" and "~0" of a JSON pointer's part. */
static Val pointer_part(const char *p, size_t n) {
  Buf b = {0};
  for (size_t i = 0; i < n; i++) {
    if (p[i] == '~' && i + 1 < n && (p[i + 1] == '0' || p[i + 1] == '1')) buf_ch(&b, p[++i] == '0' ? '~' : '/');
    else buf_ch(&b, p[i]);
  }
  return buf_str(&b);
}

struct Keyword;
static const struct Keyword *keyword_named(Val name);
static const char *keyword_text(const struct Keyword *w);
static int keyword_nests(const struct Keyword *w); /* 1: it holds a schema, 2: several, 0: none */

/* The schema that keyword `name` of schema `at` holds; *p moves over the name or index behind a keyword that holds several. */
static Val ref_part(Val at, const struct Keyword *w, const char **p) {
  Val k = is_map(at) ? field(at, keyword_text(w)) : ABSENT;
  if (same(k, ABSENT) || !keyword_nests(w)) return ABSENT;
  if (keyword_nests(w) == 1) return k;
  if (**p != '/') return ABSENT;
  size_t n = strcspn(++*p, "/");
  Val part = pointer_part(*p, n);
  *p += n;
  if (is_map(k)) return member(k, part);
  Val i = num_parse_long(part);
  return is_vec(k) && is_long(i) && long_of(i) >= 0 && long_of(i) < vec_count(k) ? vec_nth(k, (uint32_t)long_of(i)) : ABSENT;
}

/* Only by way of keywords that hold schemas: what is found there has been looked at as a schema. */
static Val ref_target(const Schema *s, Val ref) {
  if (!is_str(ref) || str_s(ref)[0] != '#') return schema_bad("$ref %s: only references inside the same schema are followed", schema_short(ref));
  Val at = s->root;
  const char *p = str_s(ref) + 1;
  while (*p == '/') {
    size_t n = strcspn(++p, "/");
    const struct Keyword *w = keyword_named(pointer_part(p, n));
    p += n;
    Val next = w ? ref_part(at, w, &p) : ABSENT;
    if (is_sig(next)) return next;
    if (same(next, ABSENT)) return schema_bad("$ref %s names no schema: write #/$defs/NAME", schema_short(ref));
    at = next;
  }
  return *p ? schema_bad("$ref %s: write #/$defs/NAME", schema_short(ref)) : at;
}

static Val check_ref(Schema *s, Val schema, Val k, Val v) {
  (void)schema;
  TRY(target, ref_target(s, k));
  return check(s, target, v);
}

/* --- the table ------------------------------------------------------------------------------------------------------------ */
enum Takes { SCHEMA, SCHEMAS, SCHEMA_MAP, NUMBER, COUNT, STRING, STRINGS, FLAG, ANYTHING, TYPES, ARRAY, REF };
static const struct Keyword {
  const char *name;
  enum Takes takes;
  Val (*check)(Schema *s, Val schema, Val k, Val v);
} keywords[] = {{"$ref", REF, check_ref},
                {"$defs", SCHEMA_MAP, check_nothing},
                {"definitions", SCHEMA_MAP, check_nothing},
                {"type", TYPES, check_type},
                {"enum", ARRAY, check_enum},
                {"const", ANYTHING, check_const},
                {"minimum", NUMBER, check_minimum},
                {"maximum", NUMBER, check_maximum},
                {"exclusiveMinimum", NUMBER, check_above},
                {"exclusiveMaximum", NUMBER, check_below},
                {"multipleOf", NUMBER, check_multiple},
                {"minLength", COUNT, check_min_length},
                {"maxLength", COUNT, check_max_length},
                {"pattern", STRING, check_pattern},
                {"minItems", COUNT, check_min_items},
                {"maxItems", COUNT, check_max_items},
                {"uniqueItems", FLAG, check_unique},
                {"prefixItems", SCHEMAS, check_prefix},
                {"items", SCHEMA, check_items},
                {"contains", SCHEMA, check_contains},
                {"properties", SCHEMA_MAP, check_properties},
                {"required", STRINGS, check_required},
                {"patternProperties", SCHEMA_MAP, check_patterns},
                {"additionalProperties", SCHEMA, check_additional},
                {"propertyNames", SCHEMA, check_names},
                {"minProperties", COUNT, check_min_properties},
                {"maxProperties", COUNT, check_max_properties},
                {"allOf", SCHEMAS, check_all},
                {"anyOf", SCHEMAS, check_any},
                {"oneOf", SCHEMAS, check_one},
                {"not", SCHEMA, check_not},
                {"if", SCHEMA, check_if},
                {"then", SCHEMA, check_nothing},
                {"else", SCHEMA, check_nothing}};
enum { NKEYWORDS = sizeof keywords / sizeof *keywords };

static const char *keyword_text(const struct Keyword *w) { return w->name; }
static int keyword_nests(const struct Keyword *w) { return w->takes == SCHEMA ? 1 : w->takes == SCHEMAS || w->takes == SCHEMA_MAP ? 2 : 0; }
static const struct Keyword *keyword_named(Val name) {
  for (int i = 0; i < NKEYWORDS; i++)
    if (str_eq_c(name, keywords[i].name)) return &keywords[i];
  return NULL;
}

/* They would change what fits; the rest of the unknown ones are notes. */
static const char *const unknown[] = {"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties", "dependentSchemas",
                                      "dependentRequired", "dependencies", "minContains", "maxContains", "additionalItems"};

static Val judge(Schema *s, Val schema, Val v) {
  if (same(schema, TRUE_V)) return NIL;
  if (same(schema, FALSE_V)) return schema_problem(s, v, "nothing may be here");
  if (!is_map(schema)) return schema_bad("%s is no JSON Schema: it must be an object, true or false", schema_short(schema));
  for (int i = 0; i < NKEYWORDS; i++) {
    Val k = field(schema, keywords[i].name);
    if (same(k, ABSENT)) continue;
    Val before = s->problems;
    CHECK(keywords[i].check(s, schema, k, v));
    if (keywords[i].takes == TYPES && !same(before, s->problems)) return NIL; /* of another type: the rest would only repeat it */
  }
  return NIL;
}

static Val check(Schema *s, Val schema, Val v) {
  CHECK(schema_enter(s));
  Val r = judge(s, schema, v);
  schema_leave(s);
  return r;
}

/* --- is it a schema? --------------------------------------------------------------------------------------------------------- */
static Val shape_all(Schema *s, Val k, const char *name) {
  ValVec subs = {0};
  if (!is_vec(k)) return schema_bad("%s must be an array of schemas, got %s", name, schema_short(k));
  CHECK(coll_into_array(k, &subs));
  for (size_t i = 0; i < subs.n; i++) CHECK(jsonschema_shape(s, subs.a[i]));
  return NIL;
}

static Val shape_map(Schema *s, Val k, const char *name) {
  MapIter it;
  Val key, sub;
  if (!is_map(k)) return schema_bad("%s must be an object of schemas, got %s", name, schema_short(k));
  map_iter(&it, k);
  while (map_next(&it, &key, &sub)) {
    if (!strcmp(name, "patternProperties")) CHECK(regex_new(schema_key_name(key)));
    CHECK(jsonschema_shape(s, sub));
  }
  return NIL;
}

static Val shape_names(Val k, const char *name, bool types_only) {
  ValVec items = {0};
  if (!is_vec(k) && types_only) vv_push(&items, k);
  else if (!is_vec(k)) return schema_bad("%s must be an array of names, got %s", name, schema_short(k));
  else CHECK(coll_into_array(k, &items));
  for (size_t i = 0; i < items.n; i++) {
    if (types_only && type_named(items.a[i]) < 0)
      return schema_bad("%s is no type: write \"string\" \"integer\" \"number\" \"boolean\" \"object\" \"array\" or \"null\"", schema_short(items.a[i]));
    if (!is_str(items.a[i]) && !is_kw(items.a[i])) return schema_bad("%s must hold names, got %s", name, schema_short(items.a[i]));
  }
  return NIL;
}

static Val shape_pattern(Val k, const char *name) {
  if (!is_str(k)) return schema_bad("%s must be a string, got %s", name, schema_short(k));
  return regex_new(k);
}

static Val shape_of(Schema *s, const struct Keyword *w, Val k) {
  switch (w->takes) {
  case SCHEMA: return jsonschema_shape(s, k);
  case SCHEMAS: return shape_all(s, k, w->name);
  case SCHEMA_MAP: return shape_map(s, k, w->name);
  case NUMBER: return is_num(k) && (w->check != check_multiple || num_is_pos(k)) ? NIL : schema_bad("%s must be a number%s, got %s", w->name,
                                                                                 w->check == check_multiple ? " above 0" : "", schema_short(k));
  case COUNT: return is_long(k) && long_of(k) >= 0 ? NIL : schema_bad("%s must be an integer, 0 or more, got %s", w->name, schema_short(k));
  case STRING: return shape_pattern(k, w->name);
  case STRINGS: return shape_names(k, w->name, false);
  case TYPES: return shape_names(k, w->name, true);
  case FLAG: return is_bool(k) ? NIL : schema_bad("%s must be true or false, got %s", w->name, schema_short(k));
  case ARRAY: return is_vec(k) || is_set(k) || is_sequential(k) ? NIL : schema_bad("%s must be an array, got %s", w->name, schema_short(k));
  case REF: return ref_target(s, k);
  case ANYTHING: break;
  }
  return NIL;
}

static Val shape(Schema *s, Val schema) {
  if (is_bool(schema)) return NIL;
  if (!is_map(schema)) return schema_bad("%s is no JSON Schema: it must be an object, true or false", schema_short(schema));
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    if (!same(field(schema, unknown[i]), ABSENT)) return schema_bad("the keyword %s of JSON Schema is not supported", unknown[i]);
  for (int i = 0; i < NKEYWORDS; i++) {
    Val k = field(schema, keywords[i].name);
    if (!same(k, ABSENT)) CHECK(shape_of(s, &keywords[i], k));
  }
  return NIL;
}

Val jsonschema_shape(Schema *s, Val schema) {
  CHECK(schema_enter(s));
  Val r = shape(s, schema);
  schema_leave(s);
  return is_sig(r) ? r : NIL;
}

/* The shape first: the checks then trust it. */
Val jsonschema_check(Schema *s, Val schema, Val v) {
  CHECK(jsonschema_shape(s, schema));
  return check(s, schema, v);
}
