/* xml_read.c and yaml_read.c: what comes out, what is refused and where, and documents that try to do harm. */
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/text.h"
#include "runtime/base/xml_read.h"
#include "runtime/base/yaml_read.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

typedef struct Case { const char *text, *expect; /* printed, or "!" and a part of the error */ } Case;

static void check(const char *text, Val v, const Err *e, const char *expect) {
  if (same(v, ABSENT)) {
    if (expect[0] != '!' || !strstr(e->msg, expect + 1)) fail_msg("%s\n gives the error %s\n instead of %s", text, e->msg, expect);
    return;
  }
  const char *got = str_s(pr_str(v));
  if (strcmp(got, expect)) fail_msg("%s\n gives %s\n instead of %s", text, got, expect);
}

/* ---- XML ---- */

static const Case xml[] = {
    {"<a/>", "{:tag :a, :attrs nil, :content nil}"},
    {"<?xml version='1.0'?><!-- c --><a x='1' y=\"&lt;&#65;\">t</a>", "{:tag :a, :attrs {:x \"1\", :y \"<A\"}, :content [\"t\"]}"},
    {"<a> <b>1</b>\n <b/> </a>", "{:tag :a, :attrs nil, :content [{:tag :b, :attrs nil, :content [\"1\"]} {:tag :b, :attrs nil, :content nil}]}"},
    {"<p>one <b>two</b> three&amp;<![CDATA[<4>]]></p>",
     "{:tag :p, :attrs nil, :content [\"one \" {:tag :b, :attrs nil, :content [\"two\"]} \" three&<4>\"]}"},
    {"<s:Body xmlns:s='urn:x' s:id='é'>x</s:Body>", "{:tag :s:Body, :attrs {:xmlns:s \"urn:x\", :s:id \"é\"}, :content [\"x\"]}"},
    {"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "{:tag :a, :attrs nil, :content [\"é\"]}"},
    {"<!DOCTYPE html><html/>", "{:tag :html, :attrs nil, :content nil}"},
    {"<a><b></a>", "!line 1, column "},
    {"<a>\n<b>\n</c></a>", "!line 3"},
    {"<a>&nope;</a>", "!&nope;"},
    {"<a/><b/>", "!line 1"},
    {"plain", "!line 1"},
    {"<a>\xff</a>", "!line 1"},
    /* entities: not read from files or the net, not expanded */
    {"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "!the entity &x;"},
    {"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "!the entity &x;"},
    {"<!DOCTYPE a [<!ENTITY x 'y'>]><a b='&x;'/>", "!the entity &x;"},
    {"<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]><a/>", "!the entity &p;"},
    {"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'><a/>", "{:tag :a, :attrs nil, :content nil}"},
};

static void test_xml(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof xml / sizeof *xml; i++) {
    Err e = {0};
    check(xml[i].text, xml_read(xml[i].text, strlen(xml[i].text), NULL, &e), &e, xml[i].expect);
  }
  Err e = {0};
  check("charset", xml_read("<a>\xe9</a>", 8, "iso-8859-1", &e), &e, "{:tag :a, :attrs nil, :content [\"é\"]}");
  check("charset", xml_read("<a/>", 4, "klingon", &e), &e, "!charset klingon");
  check("empty", xml_read("", 0, NULL, &e), &e, "!nothing");
}

static void test_xml_deep(void **state) {
  (void)state;
  Buf b = {0};
  Err e = {0};
  for (int i = 0; i < 100000; i++) buf_c(&b, "<a>");
  check("<a> 100000 times", xml_read(b.p, b.n, NULL, &e), &e, "!epth");
  b.n = 0;
  for (int i = 0; i < 200; i++) buf_c(&b, "<a>");
  for (int i = 0; i < 200; i++) buf_c(&b, "</a>");
  assert_true(is_map(xml_read(b.p, b.n, NULL, &e)));
  buf_free(&b);
}

/* ---- YAML ---- */

static const Case yaml[] = {
    {"", "nil"},
    {"a: 1\nb c: two\n3: x\n", "{:a 1, \"b c\" \"two\", 3 \"x\"}"},
    {"- 1\n- [2, {x: y}]\n- ~\n-\n", "[1 [2 {:x \"y\"}] nil nil]"},
    {"[true, Yes, on, OFF, no, y, n, 'true', \"no\"]", "[true true true false false \"y\" \"n\" \"true\" \"no\"]"},
    {"[12, -7, +3, 0x1F, 0b101, 017, 1_000, 0, 09, 0x, _1, -]", "[12 -7 3 31 5 15 1000 0 \"09\" \"0x\" \"_1\" \"-\"]"},
    {"[1.5, .5, -1., 1e3, 1.5E-3, .inf, -.INF, .nan, 1.2.3, 1e, '.']",
     "[1.5 0.5 -1.0 1000.0 0.0015 ##Inf ##-Inf ##NaN \"1.2.3\" \"1e\" \".\"]"},
    {"[12345678901234567890, 12:30, 2001-12-14, 1/2, 2r11, 1N]",
     "[12345678901234567890N \"12:30\" \"2001-12-14\" \"1/2\" \"2r11\" \"1N\"]"},
    {"[!!str 12, !!int '12', !!float 3, !!bool 'yes', !!null '', !mine 7]", "[\"12\" 12 3.0 true nil \"7\"]"},
    {"!!set {a, b}", "#{\"a\" \"b\"}"},
    {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{:a \"x\\ny\\n\", :b \"x y\"}"},
    {"base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3\n", "{:base {:x 1, :y 2}, :d {:y 3, :x 1}}"},
    {"d: {<<: [{x: 1}, {x: 2, z: 3}], q: 0}\n", "{:d {:q 0, :x 1, :z 3}}"},
    {"a: &x [1]\nb: *x\nc: *x\n", "{:a [1], :b [1], :c [1]}"},
    {"--- 1\n--- {a: b}\n", "[1 {:a \"b\"}]"},
    {"a: 1\na: 2\n", "{:a 2}"},
    {"? [1, 2]\n: x\n", "{[1 2] \"x\"}"},
    {"a: [1, 2", "!line 2"},
    {"a: 1\n b: 2\n", "!line 2"},
    {"a: *nope\n", "!no anchor &nope"},
    {"&a [*a]\n", "!inside its own anchor"},
    {"!!int x", "!not what its tag says"},
    {"<<: 1\n", "!<< merges"},
    {"a: \xff\n", "!line"},
};

static void test_yaml(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof yaml / sizeof *yaml; i++) {
    Err e = {0};
    check(yaml[i].text, yaml_read(yaml[i].text, strlen(yaml[i].text), &e), &e, yaml[i].expect);
  }
}

static void test_yaml_hostile(void **state) {
  (void)state;
  Buf b = {0};
  Err e = {0};
  clock_t start = clock();
  buf_c(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"); /* a billion laughs */
  for (int i = 1; i < 12; i++) {
    buf_fmt(&b, "a%d: &a%d [", i, i);
    for (int k = 0; k < 10; k++) buf_fmt(&b, "%s*a%d", k ? "," : "", i - 1);
    buf_c(&b, "]\n");
  }
  check("laughs", yaml_read(b.p, b.n, &e), &e, "!too many values");
  b.n = 0;
  buf_c(&b, "a: &a \"");
  for (int i = 0; i < 1000000; i++) buf_ch(&b, 'x');
  buf_c(&b, "\"\nb: [");
  for (int i = 0; i < 1000; i++) buf_c(&b, "*a,");
  buf_c(&b, "]\n");
  check("long texts", yaml_read(b.p, b.n, &e), &e, "!too many values");
  b.n = 0;
  for (int i = 0; i < 100000; i++) buf_ch(&b, '[');
  check("deep", yaml_read(b.p, b.n, &e), &e, "!nest");
  b.n = 0;
  for (int i = 0; i < 20000; i++) buf_c(&b, "{");
  check("deep maps", yaml_read(b.p, b.n, &e), &e, "!nest");
  b.n = 0;
  for (int i = 0; i < 600; i++) buf_fmt(&b, "%*s- \n", i, "");
  yaml_read(b.p, b.n, &e);
  buf_free(&b);
  assert_true((clock() - start) / CLOCKS_PER_SEC < 10);
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_xml),
      cmocka_unit_test(test_xml_deep),
      cmocka_unit_test(test_yaml),
      cmocka_unit_test(test_yaml_hostile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
