/* llm_output.c - the shape that an :llm step asks of the answer; see llm.h. */
#include "llm.h"
#include "runtime/flow/schema.h"
#include "reader/mem.h"
#include "reader/text.h"
#include <string.h>

static Val get(Val m, const char *key) { return map_get_kw(m, key); }

static void take_name(LlmSpec *s, Val name) {
  if (is_str(name) && str_n(name)) s->schema_name = name;
}

/* Providers take objects only. */
static Val wrap(Val schema) {
  Val props[] = {kw_c("value"), schema}, value = str_c("value");
  Val kv[] = {kw_c("type"), str_c("object"), kw_c("properties"), map_from(props, 1, false), kw_c("required"), vec_from(&value, 1)};
  return map_from(kv, 3, false);
}

static void take_schema(LlmSpec *s, Val schema, ValVec *problems) {
  Val wrong = schema_wrong(schema);
  s->json = true;
  if (is_str(wrong)) {
    vv_push(problems, str_fmt("the schema of :output is a Malli schema such as [:map [:name :string]], or a JSON Schema map: %.300s",
                              str_s(wrong)));
    return;
  }
  s->schema = schema;
  s->json_schema = schema_json(schema);
  s->wrapped = !is_map(s->json_schema) || !str_eq_c(get(s->json_schema, "type"), "object");
  if (s->wrapped) s->json_schema = wrap(s->json_schema);
}

/* :json, {:type :json_object}, {:type :json_schema :json_schema {:name .. :schema {..}}} as the provider has them. */
static void take_format(LlmSpec *s, Val f, ValVec *problems) {
  Val type = is_map(f) ? get(f, "type") : f, js = get(f, "json_schema");
  const char *t = kw_text(type);
  if (!strcmp(t, "text")) return;
  if (!strcmp(t, "json") || !strcmp(t, "json_object") || !strcmp(t, "json-object")) s->json = true;
  else if (is_map(js)) {
    take_name(s, get(js, "name"));
    take_schema(s, get(js, "schema"), problems);
  } else vv_push(problems, str_c(":response-format is :text, :json or {:type :json_schema :json_schema {:name .. :schema {..}}}; "
                                 ":output {:schema ..} is shorter"));
}

static void take_output(LlmSpec *s, Val o, ValVec *problems) {
  Val schema = get(o, "schema");
  take_name(s, get(o, "name"));
  if (!is_nil(schema)) take_schema(s, schema, problems);
  else take_format(s, is_map(o) && !is_nil(get(o, "type")) ? get(o, "type") : o, problems);
}

Val llm_output(LlmSpec *s, ValVec *problems) {
  Val o = get(s->cfg, "output"), f = get(s->cfg, "response-format"), js = get(s->cfg, "json-schema");
  if (!is_nil(o) + !is_nil(f) + !is_nil(js) > 1) vv_push(problems, str_c("use one of :output, :response-format and :json-schema"));
  else if (!is_nil(o)) take_output(s, o, problems);
  else if (!is_nil(f)) take_format(s, f, problems);
  else if (!is_nil(js)) take_schema(s, js, problems);
  return NIL;
}

Val llm_output_value(const LlmSpec *s, Val *v) {
  if (is_nil(s->schema)) return vec_empty;
  if (s->wrapped && is_map(*v)) {
    Val inner = map_get(*v, kw_c("value"), ABSENT);
    if (!same(inner, ABSENT)) *v = inner;
  }
  TRY(meant, schema_decode(s->schema, *v));
  *v = meant;
  return schema_problems(s->schema, meant);
}
