/* test_schema.c - schemas as data: what fits, what is told about what does not, what is refused as a schema, the JSON Schema of a
 * Malli schema, values from JSON. */
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/flow/schema.h"
#include "reader/ex.h"
#include "reader/eq.h"
#include "reader/print.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static Val rd(const char *s) {
  Val v = read_one(s, strlen(s), "test", false);
  if (is_sig(v)) fail_msg("cannot read %s", s);
  return v;
}

static const char *shown(Val v) {
  if (same(v, SIG_THROW)) return is_type(pend.ex, T_EX) && is_str(AS(Ex, pend.ex)->msg) ? str_s(AS(Ex, pend.ex)->msg) : "thrown";
  return is_sig(v) ? "signal" : str_s(pr_str(v));
}

typedef struct Fit { const char *schema, *value, *text; } Fit; /* text: of the problems, "" when it fits */

static void check_fits(const Fit *f, size_t n) {
  int bad = 0;
  for (size_t i = 0; i < n; i++) {
    Val problems = schema_problems(rd(f[i].schema), rd(f[i].value));
    const char *got = is_sig(problems) ? shown(problems) : str_s(schema_text(problems));
    if (strcmp(got, f[i].text)) print_error("%s of %s\n  want: %s\n  got:  %s\n", f[i].schema, f[i].value, f[i].text, got), bad++;
  }
  assert_int_equal(bad, 0);
}
#define FITS(...) do { static const Fit fits[] = {__VA_ARGS__}; check_fits(fits, sizeof fits / sizeof *fits); } while (0)

static void test_malli(void **state) {
  (void)state;
  FITS({":int", "1", ""}, {":int", "1.5", "must be an integer, got 1.5"}, {"int?", "1", ""}, {"pos-int?", "0", "must be an integer above 0, got 0"},
       {"nat-int?", "0", ""}, {"neg-int?", "-1", ""}, {"string?", ":a", "must be a string, got :a"}, {":any", "nil", ""}, {":some", "nil", "must be something other than nil, got nil"},
       {":nil", "nil", ""}, {":boolean", "false", ""}, {":keyword", "\"a\"", "must be a keyword, got \"a\""}, {":symbol", "x", ""},
       {":qualified-keyword", ":a", "must be a keyword with a namespace, got :a"}, {":uuid", "#uuid \"00000000-0000-0001-0000-000000000002\"", ""},
       {":double", "1", "must be a double, got 1"}, {"inst?", "#inst \"2024-01-01\"", ""},
       {"[:int {:min 1 :max 3}]", "4", "must be at most 3, got 4"}, {"[:int {:min 1 :max 3}]", "0", "must be at least 1, got 0"},
       {"[:double {:min 0.5}]", "0.25", "must be at least 0.5, got 0.25"},
       {"[:string {:min 2 :max 3}]", "\"\xc3\xa9\"", "must be at least 2 characters long, got \"\xc3\xa9\""}, {"[:string {:max 1}]", "\"\xc3\xa9\"", ""});
  FITS({"[:map [:a :int] [:b {:optional true} :string]]", "{:a 1}", ""}, {"[:map [:a :int]]", "{}", "must have :a"},
       {"[:map [:a :int]]", "[1]", "must be a map, got [1]"}, {"[:map [:a [:map [:b :int]]]]", "{:a {:b nil}}", "at [:a :b] must be an integer, got nil"},
       {"[:map {:closed true} [:a :int]]", "{:a 1 :x 2}", "must not have :x: the map is closed"}, {"[:map [:a :int]]", "{:a 1 :x 2}", ""},
       {"[:map [\"k\" :int] [7 :int]]", "{\"k\" 1 7 2}", ""}, {":map", "{:z 1}", ""},
       {"[:map [:a {:optional true} :int]]", "{:a nil}", "at [:a] must be an integer, got nil"},
       {"[:map-of :keyword :int]", "{:a 1 \"b\" 2}", "at [\"b\"] must be a keyword, got \"b\""}, {"[:map-of {:min 1} :any :any]", "{}", "must be at least 1 items long, got {}"});
  FITS({"[:vector :int]", "[1 2]", ""}, {"[:vector :int]", "(1 2)", "must be a vector, got (1 2)"}, {"[:sequential :int]", "(1 :x)", "at [1] must be an integer, got :x"},
       {"[:vector {:min 1 :max 2} :int]", "[1 2 3]", "must be at most 2 items long, got [1 2 3]"}, {"[:set :int]", "#{1 :x}", "at [:x] must be an integer, got :x"},
       {"[:tuple :int :string]", "[1 \"a\"]", ""}, {"[:tuple :int :string]", "[1]", "must have 2 items, got [1]"},
       {"[:enum :a \"b\" 3]", "3", ""}, {"[:enum :a \"b\"]", ":b", "must be one of [:a \"b\"], got :b"}, {"[:= {:a 1}]", "{:a 1}", ""}, {"[:= 1]", "2", "must be 1, got 2"},
       {"[:not= 1]", "1", "must be other than 1, got 1"}, {"[:> 3]", "3", "must be > 3, got 3"}, {"[:<= 3]", "3", ""}, {"[:>= 1]", ":x", "must be a number, got :x"},
       {"[:maybe :int]", "nil", ""}, {"[:maybe :int]", ":a", "must be an integer, got :a"}, {"[:not :int]", "1", "must not be :int, got 1"},
       {"[:and :int [:> 3]]", "2", "must be > 3, got 2"}, {"[:and :int [:> 3]]", ":a", "must be an integer, got :a"},
       {"[:or :int :string]", ":a", "must fit one of 2 alternatives (must be an integer, got :a; or must be a string, got :a), got :a"}, {"[:or :int :string]", "1", ""},
       {"[:orn [:n :int] [:s :string]]", "\"x\"", ""}, {"[:re \"^a+$\"]", "\"aaa\"", ""}, {"[:re #\"b\"]", "\"abc\"", ""}, {"[:re \"^a\"]", "\"ba\"", "must match the pattern \"^a\", got \"ba\""},
       {"[:multi {:dispatch :t} [:a [:map [:x :int]]] [:b :map]]", "{:t :a :x :no}", "at [:x] must be an integer, got :no"},
       {"[:multi {:dispatch :t} [:a :map] [:b :map]]", "{:t :c}", "must have :t with one of [:a :b], got {:t :c}"}, {"[:schema :int]", "1", ""});
}

static void test_malli_refused(void **state) {
  (void)state;
  static const struct { const char *schema, *why; } cases[] = {
      {"[:fn (fn [x] x)]", "data alone"}, {":nope", "there is no schema type :nope"}, {"[]", "there is no schema type"}, {"7", "there is no schema type 7"},
      {"[:vector]", "needs one schema"}, {"[:vector :int :int]", "needs one schema"}, {"[:map [:a]]", "must be [key schema]"}, {"[:map :a]", "must be [key schema]"},
      {"[:map [:a :int :string :x]]", "must be [key schema]"}, {"[:enum]", "needs values"}, {"[:re 5]", "needs a pattern"}, {"[:re \"(\"]", "Unclosed group"},
      {"[:multi [:a :map]]", "needs {:dispatch :key}"}, {"[:or]", "needs schemas"}, {"[:int {:min :a}]", ":min must be a number"}, {"[:int :int]", "needs nothing"},
      {"[:map-of :int]", "a schema of keys and one of values"}, {"[:> :a]", "needs a number"}, {"other.ns/string?", "there is no schema type"}, {"[:ref :x]", "data alone"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Val why = schema_wrong(rd(cases[i].schema)), problems = schema_problems(rd(cases[i].schema), rd("{:t :a}"));
    if (!is_str(why) || !strstr(str_s(why), cases[i].why)) fail_msg("%s: %s", cases[i].schema, shown(why));
    assert_true(same(problems, SIG_THROW));
  }
  assert_true(is_nil(schema_wrong(rd("[:map {:closed true} [:a {:optional true} [:maybe [:vector pos-int?]]]]"))));
}

static void test_json_schema(void **state) {
  (void)state;
  FITS({"{:type \"object\" :properties {:a {:type \"integer\"}} :required [\"a\"]}", "{:a 1}", ""}, {"{\"type\" \"object\" \"required\" [\"a\"]}", "{}", "must have :a"},
       {"{:type \"object\" :properties {\"a\" {:type \"integer\"}}}", "{\"a\" :x}", "at [:a] must be an integer, got :x"}, {"{:type \"string\"}", "5", "must be a string, got 5"},
       {"{:type [\"string\" \"null\"]}", "nil", ""}, {"{:type [\"string\" \"null\"]}", "5", "must be a string or null, got 5"}, {"{:type \"integer\"}", "5.0", ""},
       {"{:type \"integer\"}", "5.5", "must be an integer, got 5.5"}, {"{:type \"string\"}", ":kw", ""}, {"{:type \"array\"}", "#{1}", ""}, {"{:type \"number\"}", "##Inf", "must be a number, got ##Inf"},
       {"{:additionalProperties false :properties {:a {}}}", "{:a 1 :b 2}", "must not have :b"}, {"{:additionalProperties {:type \"integer\"}}", "{:b :x}", "at [:b] must be an integer, got :x"},
       {"{:patternProperties {\"^x\" {:type \"integer\"}} :additionalProperties false}", "{:x1 1 :y 2}", "must not have :y"}, {"{:propertyNames {:maxLength 1}}", "{:ab 1}", "at [:ab] must be at most 1 characters long, got \"ab\""});
  FITS({"{:items {:type \"integer\"} :minItems 1}", "[1 :x]", "at [1] must be an integer, got :x"}, {"{:minItems 1}", "[]", "must be at least 1 items long, got []"},
       {"{:prefixItems [{:type \"integer\"}] :items {:type \"string\"}}", "[1 \"a\" 2]", "at [2] must be a string, got 2"}, {"{:prefixItems [true] :items false}", "[1 2]", "at [1] nothing may be here, got 2"},
       {"{:uniqueItems true}", "[1 2 1.0]", "must have no item twice, got 1.0"}, {"{:contains {:type \"string\"}}", "[1]", "must have an item that fits {:type \"string\"}, got [1]"},
       {"{:enum [\"a\" 1 nil]}", ":a", ""}, {"{:enum [\"a\" 1]}", "1.0", ""}, {"{:enum [\"a\"]}", "2", "must be one of [\"a\"], got 2"}, {"{:const {:a [1 \"x\"]}}", "{\"a\" [1.0 :x]}", ""},
       {"{:const {:a 1}}", "{:a 2}", "must be {:a 1}, got {:a 2}"}, {"{:minimum 1 :exclusiveMaximum 3}", "3", "must be less than 3, got 3"}, {"{:multipleOf 3}", "7", "must be a multiple of 3, got 7"},
       {"{:multipleOf 0.5}", "1.5", ""}, {"{:pattern \"^a\" :minLength 2}", "\"b\"", "must be at least 2 characters long, got \"b\"; must match the pattern \"^a\", got \"b\""},
       {"{:format \"email\" :title \"x\"}", "\"no\"", ""}, {"true", "1", ""}, {"false", "1", "nothing may be here, got 1"}, {"{:maxProperties 1}", "{:a 1 :b 2}", "must be at most 1 properties, got {:a 1, :b 2}"});
  FITS({"{:anyOf [{:type \"integer\"} {:type \"string\"}]}", "nil", "must fit one of the alternatives (the first: must be an integer, got nil), got nil"},
       {"{:oneOf [{:type \"integer\"} {:minimum 3}]}", "5", "must fit exactly one of the alternatives, and fits 2, got 5"}, {"{:allOf [{:minimum 1} {:maximum 3}]}", "4", "must be at most 3, got 4"},
       {"{:not {:type \"string\"}}", "\"x\"", "must not fit {:type \"string\"}, got \"x\""}, {"{:if {:type \"string\"} :then {:minLength 2} :else {:minimum 0}}", "-1", "must be at least 0, got -1"},
       {"{:$ref \"#/$defs/n\" :$defs {:n {:type \"integer\"}}}", ":x", "must be an integer, got :x"},
       {"{:properties {:next {:$ref \"#\"} :v {:type \"integer\"}}}", "{:v 1 :next {:v 2 :next {:v :x}}}", "at [:next :next :v] must be an integer, got :x"},
       {"{:$ref \"#/prefixItems/1\" :prefixItems [true {:type \"null\"}]}", "5", "must be null, got 5"});
}

static void test_json_refused(void **state) {
  (void)state;
  static const char *const cases[] = {"{:type \"strin\"}", "{:properties []}", "{:items 5}", "{:required \"a\"}", "{:minLength -1}", "{:pattern \"(\"}", "{:anyOf {}}", "{:$ref \"http://x\"}",
                                      "{:$ref \"#/$defs/none\"}", "{:$ref \"#/default\" :default 5}", "{:unevaluatedProperties false}", "{:multipleOf 0}", "{:patternProperties {\"[\" true}}", "{:uniqueItems 1}"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!is_str(schema_wrong(rd(cases[i])))) fail_msg("%s is taken for a schema", cases[i]);
    assert_true(same(schema_problems(rd(cases[i]), rd("[{:a 1}]")), SIG_THROW));
  }
}

/* A schema that goes nowhere, and one that is too much work: an exception each, and soon. */
static void test_bounds(void **state) {
  (void)state;
  assert_true(same(schema_problems(rd("{:$ref \"#\"}"), rd("1")), SIG_THROW));
  assert_non_null(strstr(shown(SIG_THROW), "deeper"));
  Val deep = rd("1"), wide = vec_empty, schema = rd(":int");
  for (int i = 0; i < 300; i++) deep = vec_conj(vec_empty, deep), schema = vec_of2(kw_c("vector"), schema);
  assert_true(same(schema_problems(schema, deep), SIG_THROW));
  for (int i = 0; i < 3000; i++) wide = vec_conj(wide, fix(i));
  assert_true(same(schema_problems(rd("{:uniqueItems true}"), wide), SIG_THROW));
  assert_non_null(strstr(shown(SIG_THROW), "comparisons"));
  Val many = schema_problems(rd("[:vector :string]"), wide);
  assert_int_equal(vec_count(many), SCHEMA_PROBLEMS);
  assert_non_null(strstr(str_s(schema_text(many)), "and 15 more"));
}

static void test_conversion(void **state) {
  (void)state;
  static const struct { const char *malli, *json; } cases[] = {
      {":string", "{:type \"string\"}"}, {"[:string {:min 1 :max 5}]", "{:type \"string\" :minLength 1 :maxLength 5}"}, {"pos-int?", "{:type \"integer\" :minimum 1}"},
      {"[:int {:min 0 :description \"how many\"}]", "{:type \"integer\" :minimum 0 :description \"how many\"}"}, {":any", "{}"}, {":uuid", "{:type \"string\" :format \"uuid\"}"},
      {"[:map {:closed true} [:a :int] [:b {:optional true :description \"d\"} :string]]",
       "{:type \"object\" :properties {:a {:type \"integer\"} :b {:type \"string\" :description \"d\"}} :required [\"a\"] :additionalProperties false}"},
      {"[:vector {:min 1} :int]", "{:type \"array\" :items {:type \"integer\"} :minItems 1}"}, {"[:set :int]", "{:type \"array\" :items {:type \"integer\"} :uniqueItems true}"},
      {"[:enum :a :b]", "{:enum [\"a\" \"b\"] :type \"string\"}"}, {"[:enum 1 :b]", "{:enum [1 \"b\"]}"}, {"[:= :a/b]", "{:const \"a/b\"}"}, {"[:maybe :int]", "{:anyOf [{:type \"integer\"} {:type \"null\"}]}"},
      {"[:tuple :int :string]", "{:type \"array\" :prefixItems [{:type \"integer\"} {:type \"string\"}] :minItems 2 :maxItems 2}"}, {"[:map-of :string :int]", "{:type \"object\" :additionalProperties {:type \"integer\"}}"},
      {"[:or :int :string]", "{:anyOf [{:type \"integer\"} {:type \"string\"}]}"}, {"[:not :nil]", "{:not {:type \"null\"}}"}, {"[:re #\"^a\"]", "{:type \"string\" :pattern \"^a\"}"}, {"[:> 3]", "{:type \"number\" :exclusiveMinimum 3}"},
      {"[:string {:json-schema {:type \"string\" :format \"email\"}}]", "{:type \"string\" :format \"email\"}"}, {"{:type \"string\"}", "{:type \"string\"}"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Val got = schema_json(rd(cases[i].malli));
    if (is_sig(got) || !same(val_eq(got, rd(cases[i].json)), TRUE_V)) fail_msg("%s: %s", cases[i].malli, shown(got));
    assert_true(is_nil(schema_wrong(got)));
  }
}

static void test_decode(void **state) {
  (void)state;
  static const struct { const char *schema, *json, *value; } cases[] = {
      {":keyword", "\"a/b\"", ":a/b"}, {":symbol", "\"x\"", "x"}, {":int", "5.0", "5"}, {":int", "5.5", "5.5"}, {":double", "5", "5.0"}, {":string", "\"5\"", "\"5\""},
      {"[:set :keyword]", "[\"a\" \"b\"]", "#{:a :b}"}, {"[:enum :a :b]", "\"b\"", ":b"}, {"[:maybe :keyword]", "nil", "nil"}, {"[:tuple :int :keyword]", "[1.0 \"x\"]", "[1 :x]"},
      {"[:map [:a :keyword] [:x/y :int]]", "{:a \"k\" \"x/y\" 2.0 :more \"m\"}", "{:a :k :x/y 2 :more \"m\"}"}, {"[:map-of :string :int]", "{:a 1.0}", "{\"a\" 1}"},
      {"[:or :int :keyword]", "\"k\"", ":k"}, {"[:vector :uuid]", "[\"00000000-0000-0001-0000-000000000002\" \"x\"]", "[#uuid \"00000000-0000-0001-0000-000000000002\" \"x\"]"},
      {"[:multi {:dispatch :t} [:a [:map [:v :keyword]]]]", "{:t \"a\" :v \"z\"}", "{:t :a :v :z}"}, {"{:type \"string\"}", "\"a\"", "\"a\""}, {"[:map [:a :int]]", "[1]", "[1]"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Val got = schema_decode(rd(cases[i].schema), rd(cases[i].json));
    if (is_sig(got) || !same(val_eq(got, rd(cases[i].value)), TRUE_V)) fail_msg("%s of %s: %s", cases[i].schema, cases[i].json, shown(got));
  }
}

static int start(void **state) {
  (void)state;
  mem_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_malli),        cmocka_unit_test(test_malli_refused), cmocka_unit_test(test_json_schema), cmocka_unit_test(test_json_refused),
                                     cmocka_unit_test(test_bounds),       cmocka_unit_test(test_conversion),    cmocka_unit_test(test_decode)};
  return cmocka_run_group_tests(tests, start, NULL);
}
