/* Unit tests of template*.c: the answers of npm's handlebars for a shared set of templates (tests/templates), what we do
 * differently, errors with their places, limits. */
#include "reader/mem.h"
#include "reader/read.h"
#include "reader/seq.h"
#include "runtime/base/json.h"
#include "runtime/template/template.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), "test", true);
  assert_false(is_sig(v));
  return v;
}

static Val json_file(const char *path) {
  Buf b = {0};
  char chunk[4096];
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("cannot open %s", path);
  for (size_t n; (n = fread(chunk, 1, sizeof chunk, f));) buf_add(&b, chunk, n);
  fclose(f);
  Err e = {0};
  Val v = json_parse(b.p, b.n, &e);
  if (same(v, ABSENT)) fail_msg("%s: %s", path, e.msg);
  buf_free(&b);
  return v;
}

/* The text, or "line:col: message". */
static char *answer(const char *s, size_t n, Val data, const TemplateOptions *o) {
  TemplateError e;
  Buf b = {0};
  Template *t = template_parse(s, n, &e);
  bool ok = t && template_render(t, data, o, &b, &e);
  template_free(t);
  if (!ok) {
    b.n = 0;
    buf_fmt(&b, "%d:%d: %s", e.line, e.col, e.msg);
  }
  return buf_cstr(&b);
}

static void test_oracle(void **state) {
  (void)state;
  Val cases = json_file("tests/templates/cases.json"), expected = json_file("tests/templates/expected.json");
  Val templates = map_get_kw(cases, "templates"), data = map_get_kw(cases, "data");
  int wrong = 0;
  assert_true(vec_count(templates) > 100);
  assert_int_equal(vec_count(templates), vec_count(expected));
  for (uint32_t i = 0; i < vec_count(templates); i++)
    for (uint32_t plain = 0; plain < 2; plain++) {
      Val t = vec_nth(templates, i), want = vec_nth(vec_nth(expected, i), plain);
      char *got = answer(str_s(t), str_n(t), data, &(TemplateOptions){.html = !plain, .lenient = true});
      bool error = got[0] >= '1' && got[0] <= '9' && strstr(got, ": ");
      if (is_str(want) ? strcmp(got, str_s(want)) != 0 : !error) {
        printf("%s\n  expected %s\n  got      %s\n", str_s(t), is_str(want) ? str_s(want) : str_s(map_get_kw(want, "error")), got);
        wrong++;
      }
      free(got);
    }
  assert_int_equal(wrong, 0);
}

static const TemplateOptions strict = {0}, html = {.html = true}, lenient = {.lenient = true}, braces = {.braces = true};

static void gives_with(const TemplateOptions *o, const char *template, const char *data, const char *want) {
  char *got = answer(template, strlen(template), edn(data), o);
  if (strcmp(got, want)) fail_msg("%s\n  expected %s\n  got      %s", template, want, got);
  free(got);
}
static void gives(const char *template, const char *data, const char *want) { gives_with(&strict, template, data, want); }

static void test_values(void **state) {
  (void)state;
  gives("{{a}} {{b}} {{c.d}}", "{:a 1 \"b\" 2 :c {\"d\" 3}}", "1 2 3");
  gives("{{approval-url}} {{x?}}", "{:approval-url \"https://x/?a=b&c\" :x? true}", "https://x/?a=b&c true");
  gives_with(&html, "{{u}} {{{u}}}", "{:u \"a=b&c\"}", "a&#x3D;b&amp;c a=b&c");
  gives("{{k}} {{q}} {{i}} {{r}} {{d}} {{f}} {{c}}", "{:k :a :q :n/a :i 10N :r 1/2 :d 1.50M :f 1.0 :c \\x}", "a n/a 10 1/2 1.50 1.0 x");
  gives("{{t}} {{u}}", "{:t #inst \"2024-01-02T03:04:05.006Z\" :u #uuid \"00000000-0000-0001-0000-000000000002\"}",
        "2024-01-02T03:04:05.006Z 00000000-0000-0001-0000-000000000002");
  gives("{{l.0.a}} {{l.1}} {{#each l}}{{@first}}{{@last}} {{/each}}", "{:l [{:a 1} 2]}", "1 2 truefalse falsetrue ");
  gives("{{[n/a]}} {{#each m}}{{@key}}{{/each}}", "{:n/a 1 :m {:n/b 2}}", "1 n/b");
  gives("{{l.1}} {{#each s}}{{this}}{{/each}} {{length s}} {{first l}}{{last l}} {{join s}}", "{:l (7 8) :s #{5}}", "8 5 1 78 5");
  gives("{{name.a}}{{#each list}}{{this}}{{../../x}}{{/each}}", "{:name {:a 1} :list []}", "1");
}

static void test_names_of_helpers_are_variables(void **state) {
  (void)state;
  gives("{{first}} {{length}} {{default}} {{first list}}", "{:first \"Ann\" :length 3 :default :d :list [1]}", "Ann 3 d 1");
  gives("{{first}}", "{}", "1:3: the variable first is not in the data");
}

static void test_missing(void **state) {
  (void)state;
  gives("a\n{{user.nme}}", "{:user {:name 1}}", "2:3: the variable user.nme is not in the data");
  gives("{{a.b}}", "{:a nil}", "1:3: the variable a.b is not in the data");
  gives("[{{a}}]", "{:a nil}", "[]");
  gives_with(&lenient, "[{{a}}]", "{}", "[]");
  gives("{{#if a}}x{{/if}}{{#unless a}}y{{/unless}}{{#a}}z{{/a}}{{default a \"d\"}}", "{}", "yd");
  gives("{{#each a}}x{{/each}}", "{}", "1:9: the variable a is not in the data");
  gives("{{#each a}}x{{else}}none{{/each}}{{#with a}}x{{else}}none{{/with}}", "{}", "nonenone");
  gives("{{#each a}}x{{/each}}", "{:a nil}", "");
  gives("{{#each l}}{{nme}}{{/each}}", "{:l [{:name 1}]}", "1:14: the variable nme is not in the data");
  gives("{{join a}}", "{}", "1:8: the variable a is not in the data");
  gives("{{lookup m \"x\"}}", "{:m {}}", "1:3: lookup finds nothing; write {{default (lookup ...) \"\"}} if that may be");
  gives("{{@index}}", "{}", "1:3: the variable @index is not in the data");
  gives("{{truncate a length=n}}", "{:a \"x\"}", "1:21: the variable n is not in the data");
}

static void test_not_text(void **state) {
  (void)state;
  gives("{{a}}", "{:a {:b 1}}", "1:3: this is a map, which has no text of its own: write {{json ...}} or name one of its keys");
  gives("{{json a}}", "{:a {:b [1 nil :k]}}", "{\"b\":[1,null,\"k\"]}");
  gives("{{json a}}", "{:a ##NaN}", "1:3: json: JSON cannot hold ##NaN; use nil or a string");
  gives("{{length a}}", "{:a 5}", "1:3: length takes a list, a map or a text");
  gives("{{join a}}", "{:a 5}", "1:3: join takes a list");
  gives("{{first a}}", "{:a {:b 1}}", "1:3: first takes a list or a text");
  gives("{{truncate a length=\"x\"}}", "{:a 5}", "1:3: length of truncate must be an integer, 0 or more");
}

static void test_errors(void **state) {
  static const char *const rows[][2] = {
      {"a\nbé {{x", "2:4: this tag has no end: expected }}"},
      {"{{{x}}", "1:5: expected }}} to close {{{"},
      {"{{}}", "1:1: expected a name inside {{ }}"},
      {"{{#if x}}", "1:1: this block has no end: expected {{/if}}"},
      {"{{#if x}}{{/each}}", "1:10: expected {{/if}}, got {{/each}}"},
      {"{{#each}}{{/each}}", "1:4: #each takes one argument, got 0"},
      {"{{#if a b}}{{/if}}", "1:4: #if takes one argument, got 2"},
      {"{{#if a x=1}}{{/if}}", "1:11: #if has no argument x=; it takes includeZero"},
      {"{{/if}}", "1:1: this closes a block that was not opened"},
      {"{{else}}", "1:1: an {{else}} outside a block"},
      {"{{#if a}}{{else}}{{else}}{{/if}}", "1:18: a second {{else}}: expected {{/if}}"},
      {"{{upper x}}", "1:3: there is no helper upper; helpers are lookup truncate json length join first last default"},
      {"{{#loop x}}{{/loop}}", "1:4: there is no block #loop; blocks are if unless each with"},
      {"{{#json x}}{{/json}}", "1:4: json is no block: write {{json ...}}"},
      {"{{if x}}", "1:3: if is a block: write {{#if ...}}"},
      {"{{json}} {{json a b}}", "1:12: json takes 1 argument, got 2"},
      {"{{truncate a 1 2}}", "1:3: truncate takes 1 or 2 arguments, got 3"},
      {"{{truncate a len=1}}", "1:18: truncate has no argument len=; it takes length suffix"},
      {"{{truncate length=1 a}}", "1:21: expected key=value: arguments by name come last"},
      {"{{default a (first b}}", "1:13: expected ) to close this subexpression"},
      {"{{default a \"b}}", "1:1: this tag has no end: expected }}"},
      {"{{a.}}", "1:5: expected a name before the end of the tag"},
      {"{{a b=}}", "1:7: expected a name before the end of the tag"},
      {"{{a..b}}", "1:5: . may stand at the begin of a path only"},
      {"{{a;}}", "1:4: expected a name, a text in quotes or a number, got ;"},
      {"{{> part}}", "1:1: partials {{> ...}} are not supported"},
      {"{{* deco}}", "1:1: decorators {{* ...}} are not supported"},
      {"{{{{raw}}}} {{{{/raw}}}}", "1:1: raw blocks {{{{...}}}} are not supported; write \\{{ for braces as text"},
      {"{{!-- x }}", "1:1: this comment has no end: write --}}"},
      {"{{#each a as |x y z|}}{{/each}}", "1:11: a block has two names at most: as |value key|"},
      {"{{#each a as |x}}{{/each}}", "1:11: expected | to close the names of this block"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) gives_with(&lenient, rows[i][0], "{}", rows[i][1]);
}

static void test_braces(void **state) {
  (void)state;
  gives_with(&braces, "Go to {approvalUrl} or {{rejection-url}}, {unknown} {} { {a", "{:approvalUrl \"A\" :rejection-url \"R\" :a 1}",
             "Go to A or R, {unknown} {} { {a");
  gives("{approvalUrl}", "{:approvalUrl \"A\"}", "{approvalUrl}");
}

static char *repeat(const char *before, const char *middle, const char *after, int n) {
  Buf b = {0};
  for (int i = 0; i < n; i++) buf_c(&b, before);
  buf_c(&b, middle);
  for (int i = 0; i < n; i++) buf_c(&b, after);
  return buf_cstr(&b);
}

static char *nested_calls(void) {
  Buf b = {0};
  buf_c(&b, "{{default a ");
  for (int i = 0; i < 10000; i++) buf_c(&b, "(first ");
  buf_c(&b, "}}");
  return buf_cstr(&b);
}

/* One tag of some 60 KB in a loop of 10,000. */
static char *long_tag(const char *begin, const char *middle, const char *end) {
  Buf b = {0};
  buf_c(&b, "{{#each @root.l}}{{#each @root.l}}");
  buf_c(&b, begin);
  while (b.n < 60000) buf_c(&b, middle);
  buf_fmt(&b, "%s{{/each}}{{/each}}", end);
  return buf_cstr(&b);
}

static void limited(char *template, Val data, const char *message) {
  char *got = answer(template, strlen(template), data, &lenient);
  if (!strstr(got, message)) fail_msg("\"%.200s\" lacks \"%s\"", got, message);
  free(got);
  free(template);
}

static void test_limits(void **state) {
  (void)state;
  Val items = vec_empty, big = str_c("0123456789abcdef");
  for (int i = 0; i < 100; i++) items = vec_conj(items, fix(i));
  for (int i = 0; i < 14; i++) big = str_fmt("%s%s", str_s(big), str_s(big));
  Val kv[] = {kw_c("l"), items, kw_c("s"), big};
  Val data = map_from(kv, 2, false);
  limited(repeat("{{#if l}}", "x", "{{/if}}", 64), data, "x");
  limited(repeat("{{#if l}}", "x", "{{/if}}", 65), data, "more than 64 levels");
  limited(repeat("{{#if l}}{{else if l}}", "x", "", 10000), data, "more than 64 levels");
  limited(repeat("", "{{default a ", "(first ", 10000), data, "this tag has no end");
  limited(nested_calls(), data, "more than 64 levels");
  limited(repeat("{{#each @root.l}}", "", "{{/each}}", 10), data, "takes too long");
  limited(repeat("{{#each @root.l}}", "{{@root.s}}", "{{/each}}", 1), data, "over 8 MiB");
  limited(repeat("{{#each @root.l}}", "{{length (json @root.s)}}{{length (join @root.l separator=@root.s)}}", "{{/each}}", 2), data, "takes too long");
  static const char *const slow[][2] = {{"{{length \"", "xxxxxxxxxxxxxxx"}, {"{{default ", "nnnnnnnnnnnnnnn"}};
  static const char *const ends[] = {"\"}}", " 1}}"};
  for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) limited(long_tag(slow[i][0], slow[i][1], ends[i]), data, "takes too long");
  limited(long_tag("{{json l", " pretty=true", "}}"), data, "more than 16 arguments by name");
  TemplateError e;
  Buf b = {0};
  for (size_t i = 0; i <= TEMPLATE_MAX_BYTES; i++) buf_ch(&b, 'x');
  assert_null(template_parse(b.p, b.n, &e));
  assert_string_equal(e.msg, "a template has 1 MiB at most");
  buf_free(&b);
}

static void test_shared_budget(void **state) {
  (void)state;
  TemplateBudget budget = {5, 100};
  TemplateOptions o = {.budget = &budget};
  gives_with(&o, "abc", "{}", "abc");
  gives_with(&o, "abc", "{}", "1:1: the text is over 8 MiB");
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_oracle), cmocka_unit_test(test_values), cmocka_unit_test(test_names_of_helpers_are_variables),
      cmocka_unit_test(test_missing), cmocka_unit_test(test_not_text), cmocka_unit_test(test_errors),
      cmocka_unit_test(test_braces), cmocka_unit_test(test_limits), cmocka_unit_test(test_shared_budget)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
