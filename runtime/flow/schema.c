/* schema.c - see schema.h: the questions, and what both languages share. */
#include "schema_int.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- going down --------------------------------------------------------------------------------------------------- */
void schema_begin(Schema *s, Val root) {
  *s = (Schema){.left = SCHEMA_WORK, .problems = vec_empty, .root = root};
}

Val schema_enter(Schema *s) {
  if (s->depth >= SCHEMA_DEPTH) return schema_bad("the value or its schema is nested deeper than %d levels", SCHEMA_DEPTH);
  if (--s->left < 0) return schema_bad("this value takes more than %d comparisons with its schema", SCHEMA_WORK);
  s->depth++;
  return NIL;
}
void schema_leave(Schema *s) { s->depth--; }

Val schema_at(Schema *s, Val key) {
  if (s->npath > SCHEMA_DEPTH) return schema_bad("the value is nested deeper than %d levels", SCHEMA_DEPTH);
  s->path[s->npath++] = key;
  return NIL;
}
void schema_up(Schema *s) { s->npath--; }

Val schema_bad(const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  Buf b = {0};
  buf_vfmt(&b, fmt, ap, again);
  va_end(again);
  va_end(ap);
  Val r = ex_throw(EXC_ILLEGAL_ARG, "schema: %s", buf_cstr(&b));
  buf_free(&b);
  return r;
}

/* --- problems ----------------------------------------------------------------------------------------------------- */
const char *schema_short(Val v) {
  static _Thread_local char ring[4][84];
  static _Thread_local unsigned turn;
  char *out = ring[turn++ % 4];
  Buf b = {0};
  PrintOpts o = print_readably;
  o.max_bytes = 1 << 16;
  o.length = 10;
  o.level = 4;
  if (is_sig(print_to(&b, v, &o))) snprintf(out, sizeof ring[0], "a %s", class_name_of(v));
  else if (b.n < 72) snprintf(out, sizeof ring[0], "%s", buf_cstr(&b));
  else {
    size_t n = 64; /* not in the middle of a character */
    while (n && ((uint8_t)b.p[n] & 0xc0) == 0x80) n--;
    snprintf(out, sizeof ring[0], "%.*s...", (int)n, buf_cstr(&b));
  }
  buf_free(&b);
  return out;
}

Val schema_problem(Schema *s, Val v, const char *fmt, ...) {
  if (vec_count(s->problems) >= SCHEMA_PROBLEMS) return NIL;
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  Buf b = {0};
  buf_vfmt(&b, fmt, ap, again);
  va_end(again);
  va_end(ap);
  Val kv[] = {kw_c("path"), vec_from(s->path, (size_t)s->npath), kw_c("message"), buf_str(&b), kw_c("got"), NIL};
  bool shown = !same(v, ABSENT);
  if (shown) kv[5] = str_c(schema_short(v));
  s->problems = vec_conj(s->problems, map_from(kv, shown ? 3 : 2, false));
  return NIL;
}


Val schema_try(Schema *s, SchemaCheck *f, Val schema, Val v, Val *why) {
  Val before = s->problems;
  s->problems = vec_empty;
  Val r = f(s, schema, v);
  Val found = s->problems;
  s->problems = before;
  if (is_sig(r)) return r;
  if (why) *why = found;
  return bool_val(!vec_count(found));
}

static void one_problem(Buf *b, Val p) {
  Val path = map_get_kw(p, "path"), msg = map_get_kw(p, "message"), got = map_get_kw(p, "got");
  if (is_vec(path) && vec_count(path)) buf_fmt(b, "at %s ", schema_short(path));
  buf_c(b, is_str(msg) ? str_s(msg) : "does not fit");
  if (is_str(got)) buf_fmt(b, ", got %s", str_s(got));
}

Val schema_text(Val problems) {
  Buf b = {0};
  for (uint32_t i = 0; is_vec(problems) && i < vec_count(problems); i++) {
    if (i == 5 && vec_count(problems) > 6) {
      buf_fmt(&b, "; and %u more", vec_count(problems) - i);
      break;
    }
    if (i) buf_c(&b, "; ");
    one_problem(&b, vec_nth(problems, i));
  }
  return buf_str(&b);
}

/* --- shared checks ------------------------------------------------------------------------------------------------ */
Val schema_count(Val v) {
  if (is_vec(v)) return fix(vec_count(v));
  if (is_map(v)) return fix(map_count(v));
  if (is_set(v)) return fix(set_count(v));
  ValVec items = {0};
  CHECK(coll_into_array(v, &items));
  return int_val((int64_t)items.n);
}

Val schema_limits(Schema *s, Val of, Val least, Val most, Val v, const char *what) {
  if (is_num(least) && !same(num_ge(of, least), TRUE_V)) return schema_problem(s, v, "must be at least %s%s", schema_short(least), what);
  if (is_num(most) && !same(num_le(of, most), TRUE_V)) return schema_problem(s, v, "must be at most %s%s", schema_short(most), what);
  return NIL;
}

Val schema_key_name(Val k) {
  if (is_str(k)) return k;
  if (is_kw(k)) return is_nil(AS(Kw, k)->ns) ? AS(Kw, k)->name : str_fmt("%s/%s", str_s(AS(Kw, k)->ns), str_s(AS(Kw, k)->name));
  if (is_sym(k)) return AS(Sym, k)->name;
  return pr_str(k);
}

Val schema_pattern(Val re, Val str) {
  RegexMatch m;
  if (is_str(re)) {
    TRY(made, regex_new(re));
    re = made;
  }
  CHECK(regex_exec(re, str, 0, false, &m));
  return bool_val(m.found);
}

/* --- the questions ------------------------------------------------------------------------------------------------ */
bool schema_is_json(Val schema) { return is_map(schema) || is_bool(schema); }

Val schema_problems(Val schema, Val v) {
  Schema s;
  schema_begin(&s, schema);
  CHECK((schema_is_json(schema) ? jsonschema_check : malli_check)(&s, schema, v));
  return s.problems;
}

Val schema_wrong(Val schema) {
  Schema s;
  schema_begin(&s, schema);
  Val r = (schema_is_json(schema) ? jsonschema_shape : malli_shape)(&s, schema);
  if (!same(r, SIG_THROW)) return is_sig(r) ? r : NIL;
  Val ex = pend.ex, msg = is_type(ex, T_EX) ? AS(Ex, ex)->msg : NIL;
  if (is_type(ex, T_EX) && AS(Ex, ex)->kind == KIND_LIMIT) return r;
  pend.ex = NIL;
  static const char prefix[] = "schema: ";
  if (!is_str(msg)) return str_c("it cannot be read");
  return strncmp(str_s(msg), prefix, sizeof prefix - 1) ? msg : str_c(str_s(msg) + sizeof prefix - 1);
}

Val schema_json(Val schema) {
  Schema s;
  schema_begin(&s, schema);
  if (schema_is_json(schema)) {
    CHECK(jsonschema_shape(&s, schema));
    return schema;
  }
  CHECK(malli_shape(&s, schema));
  schema_begin(&s, schema);
  return malli_json(&s, schema);
}

Val schema_decode(Val schema, Val v) {
  Schema s;
  schema_begin(&s, schema);
  return schema_is_json(schema) ? v : malli_decode(&s, schema, v);
}

/* --- builtins ------------------------------------------------------------------------------------------------------ */
DOC(problems, "[schema value]",
    "What keeps value from fitting the schema (Malli as data, or JSON Schema as a map): a vector of {:path :message :got}, empty when "
    "it fits.",
    "(breyta.schema/problems [:map [:a :int]] {:a 1}) ;=> []\n"
    "(breyta.schema/problems [:map [:a :int]] {:a \"x\"}) ;=> [{:path [:a], :message \"must be an integer\", :got \"\\\"x\\\"\"}]\n"
    "(breyta.schema/problems {:type \"array\" :items {:type \"string\"}} [\"a\" 1]) ;=> [{:path [1], :message \"must be a string\", :got \"1\"}]\n"
    "(breyta.schema/problems [:nothing] 1) ;!> argument");
DOC(text, "[problems]", "Those problems in words.",
    "(breyta.schema/text (breyta.schema/problems [:tuple :int :string] [1 2])) ;=> \"at [1] must be a string, got 2\"");
DOC(wrong, "[schema]", "Why this is no schema, nil when it is one.",
    "(breyta.schema/wrong [:vector :int]) ;=> nil\n(breyta.schema/wrong [:vector]) ;=> \"[:vector] needs one schema behind :vector\"");
DOC(json, "[schema]", "The JSON Schema of a schema.",
    "(breyta.schema/json [:map [:a :int] [:b {:optional true} [:enum :x :y]]]) ;=> {:type \"object\", :properties {:a {:type \"integer\"}, "
    ":b {:enum [\"x\" \"y\"], :type \"string\"}}, :required [\"a\"]}");
DOC(decode, "[schema value]", "A value that came from JSON as the schema means it.",
    "(breyta.schema/decode [:map [:a :keyword] [:b [:set :int]]] {:a \"x\" :b [1 2.0]}) ;=> {:a :x, :b #{1 2}}");

const BuiltinRow rows_schema[] = {ROW2("breyta.schema/problems", schema_problems, problems, B_PURE),
                                  ROW1("breyta.schema/text", schema_text, text, B_PURE),
                                  ROW1("breyta.schema/wrong", schema_wrong, wrong, B_PURE),
                                  ROW1("breyta.schema/json", schema_json, json, B_PURE),
                                  ROW2("breyta.schema/decode", schema_decode, decode, B_PURE),
                                  ROW_END};
