/* test_flow_fns.c - the pure builtins of flows: every `EXPR ;=> VALUE` and `EXPR ;!> kind` line of their DOC blocks, more
 * cases than belong there, and what flow/poll expands to. */
#include "eval/expand.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/engine/engine.h"
#include "runtime/flow/flow_prelude.h"
#include "runtime/flow/flow_tables.h"
#include "runtime/base/hash.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static Val eval_text(const char *s, size_t n) {
  pend.ex = NIL;
  return env_eval_text(env_new(), s, n, "test");
}

static const char *kind_of_pending(void) { return is_type(pend.ex, T_EX) ? kind_name((enum Kind)AS(Ex, pend.ex)->kind) : "none"; }

/* "EXPR ;=> VALUE" or "EXPR ;!> kind": false and a message when it is not so. */
static bool line_ok(const char *line, size_t n) {
  const char *mark = NULL;
  for (size_t i = 0; i + 4 < n; i++)
    if (!memcmp(line + i, " ;=> ", 5) || !memcmp(line + i, " ;!> ", 5)) mark = line + i;
  if (!mark) return print_error("no expectation: %.*s\n", (int)n, line), false;
  Val got = eval_text(line, (size_t)(mark - line));
  const char *want = mark + 5;
  size_t nwant = n - (size_t)(want - line);
  if (mark[2] == '!') {
    if (same(got, SIG_THROW) && strlen(kind_of_pending()) == nwant && !memcmp(kind_of_pending(), want, nwant)) return true;
    return print_error("%.*s: got %s\n", (int)n, line, is_sig(got) ? kind_of_pending() : str_s(pr_str(got))), false;
  }
  Val expected = eval_text(want, nwant);
  if (!is_sig(got) && !is_sig(expected) && same(val_eq(got, expected), TRUE_V)) return true;
  return print_error("%.*s: got %s\n", (int)n, line, is_sig(got) ? kind_of_pending() : str_s(pr_str(got))), false;
}

static int bad_lines(const char *text, int *lines) {
  int bad = 0;
  while (*text) {
    size_t n = strcspn(text, "\n");
    if (n) bad += !line_ok(text, n), ++*lines;
    text += n + (text[n] == '\n');
  }
  return bad;
}

static void test_doc_examples(void **state) {
  (void)state;
  static const BuiltinRow *const tables[] = {rows_flow_macros, rows_flow_fns, rows_sandbox, rows_schema, rows_flow_parts};
  int lines = 0, bad = 0;
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
    for (const BuiltinRow *r = tables[t]; r->name; r++) {
      int before = lines;
      bad += bad_lines(r->doc->examples, &lines);
      if (lines == before) print_error("%s has no example\n", r->name), bad++;
    }
  assert_int_equal(bad, 0);
  assert_true(lines > 40);
}

/* Docstrings of the runtime's prelude: lines with ;=>, \" taken back. */
static int prelude_lines(const PreludeFile *f, int *lines) {
  int bad = 0;
  for (const char *p = f->text; p < f->end;) {
    const char *eol = memchr(p, '\n', (size_t)(f->end - p));
    Buf line = {0};
    for (; p < eol && *p != '"'; p++) buf_ch(&line, *p == '\\' ? *++p : *p);
    if (strstr(buf_cstr(&line), " ;=> ")) bad += !line_ok(line.p, line.n), ++*lines;
    buf_free(&line);
    p = eol + 1;
  }
  return bad;
}

static void test_prelude_examples(void **state) {
  (void)state;
  int lines = 0, bad = 0;
  for (const PreludeFile *f = flow_prelude_files; f->name; f++) bad += prelude_lines(f, &lines);
  assert_int_equal(bad, 0);
  assert_true(lines >= 8);
}

static void test_more(void **state) {
  (void)state;
  static const char text[] =
      "(breyta.sandbox/base64-decode \"\") ;=> \"\"\n"
      "(breyta.sandbox/base64-decode \"YQ\") ;=> \"a\"\n"
      "(breyta.sandbox/base64-decode \"YR==\") ;!> argument\n"
      "(breyta.sandbox/base64-decode \"Y\") ;!> argument\n"
      "(breyta.sandbox/base64-decode \"/w==\") ;!> argument\n"
      "(mapv breyta.sandbox/base64-encode [\"\" \"f\" \"fo\" \"foo\" \"foob\"]) ;=> [\"\" \"Zg==\" \"Zm8=\" \"Zm9v\" \"Zm9vYg==\"]\n"
      "(breyta.sandbox/base64-decode (breyta.sandbox/base64-encode \"日本 é\")) ;=> \"日本 é\"\n"
      "(breyta.sandbox/sha256-hex \"abc\") ;=> \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n"
      "(breyta.sandbox/sha256-hex nil) ;!> argument\n"
      "(breyta.sandbox/uuid-from 5) ;!> argument\n"
      "(breyta.sandbox/url-decode \"%zz\") ;!> argument\n"
      "(breyta.sandbox/url-decode \"%ff\") ;!> argument\n"
      "(breyta.sandbox/format-instant (breyta.sandbox/parse-instant \"1969-12-31T23:59:59.999Z\")) ;=> \"1969-12-31T23:59:59.999Z\"\n"
      "(breyta.sandbox/format-instant (breyta.sandbox/parse-instant \"2024-02-29T00:00:00Z\")) ;=> \"2024-02-29T00:00:00Z\"\n"
      "(breyta.sandbox/format-instant-pattern #inst \"2024-02-29T00:07:00Z\" \"yyyy-MM-dd'T'hh:mm a EEEE MMMM yy X\") "
      ";=> \"2024-02-29T12:07 AM Thursday February 24 Z\"\n"
      "(breyta.sandbox/format-instant-pattern #inst \"2024-02-29\" \"'it''s' d\") ;=> \"it's 29\"\n"
      "(breyta.sandbox/format-instant-pattern #inst \"2024-02-29\" \"'open\") ;!> argument\n"
      "(breyta.sandbox/truncate-instant #inst \"1969-12-31T23:59:59Z\" :days) ;=> #inst \"1969-12-31\"\n"
      "(breyta.sandbox/truncate-instant #inst \"1969-12-31\" :weeks) ;!> argument\n"
      "(breyta.sandbox/instant-plus #inst \"2026-01-01\" 9223372036854775807 :days) ;!> argument\n"
      "(breyta.sandbox/epoch-ms->instant 9223372036854775807) ;!> argument\n"
      "(breyta.sandbox/parse-instant \"nope\") ;!> argument\n"
      "(json/parse (breyta.sandbox/base64-decode-bytes \"WzFd\")) ;=> [1]\n"
      "(json/parse (json/write-str {:a #{1} :b [nil true 1.5 \"x\"]})) ;=> {:a [1] :b [nil true 1.5 \"x\"]}\n"
      "(json/write-str (map inc [1 2])) ;=> \"[2,3]\"\n"
      "(flow/backoff {:type :exponential :interval \"1s\" :max \"5s\"} 30) ;=> 5000\n"
      "(flow/backoff {:type :linear :interval \"1s\" :step 500} 3) ;=> 2000\n"
      "(flow/backoff \"1s\" 0) ;!> argument\n"
      "(flow/elapsed? 0 \"nope\") ;!> argument\n"
      "(flow/elapsed? (flow/now-ms) \"1h\") ;=> false\n"
      "(flow/elapsed? 0) ;!> syntax\n"
      "(flow/poll {:interval 1 :max-attempts 1 :return-on pos?} 5) ;=> 5\n"
      "(flow/poll {:interval 1 :timeout \"1s\" :return-on :done} {:done 1 :x 2}) ;=> {:done 1 :x 2}\n"
      "(try (flow/poll {:interval 1 :max-attempts 1 :return-on neg?} 5) (catch Exception e (select-keys (ex-data e) [:type :attempts "
      ":last]))) "
      ";=> {:type :poll-timeout :attempts 1 :last 5}\n"
      "(try (flow/poll {:interval 1 :max-attempts 1 :return-on neg?} (throw (ex-info \"m\" {:status 500}))) (catch Exception e (ex-data "
      "e))) "
      ";=> {:status 500}\n"
      "(try (flow/poll {:interval 1 :max-attempts 1 :return-on neg? :abort-on {:error? false}} (throw (ex-info \"m\" {:status 500}))) "
      "(catch Exception e (:last (ex-data e)))) ;=> {:status 500}\n"
      "(try (flow/poll {:interval 1 :max-attempts 2 :return-on neg? :abort-on {:error? false :status #{500}}} (throw (ex-info \"m\" "
      "{:status 500}))) "
      "(catch Exception e (ex-data e))) ;=> {:status 500}\n"
      "(try (flow/poll {:interval 1 :max-attempts 2 :return-on (fn [x] (throw (ex-info \"stop\" {:x x})))} 7) (catch Exception e (ex-data "
      "e))) "
      ";=> {:x 7}\n"
      "(let [n 0] (flow/poll {:interval 1 :max-attempts n :return-on pos?} 5)) ;!> argument\n"
      "(flow/poll {:interval 1 :max-attempts 1 :return-on pos?} 5 6) ;!> syntax\n"
      "(let [flow nil inc dec nth 5 - 7] (flow/poll {:interval 1 :max-attempts 1 :return-on pos?} 5)) ;=> 5";
  int lines = 0;
  assert_int_equal(bad_lines(text, &lines), 0);
}

/* The pause is a step with the id that the options or the polled step give it. */
static void test_poll_step_id(void **state) {
  (void)state;
  static const struct {
    const char *form, *id;
  } cases[] = {{"'(flow/poll {:interval 1 :max-attempts 1 :return-on some? :id :own} (flow/step :http :job {}))", ":sleep :own {"},
               {"'(flow/poll {:interval 1 :max-attempts 1 :return-on some?} (flow/step :http :job {}))", ":sleep :job-poll {"},
               {"'(flow/poll {:interval 1 :max-attempts 1 :return-on some?} (f))", ":sleep :poll {"}};
  for (size_t i = 0; i < 3; i++) {
    Buf b = {0};
    buf_fmt(&b, "(pr-str (macroexpand-1 %s))", cases[i].form);
    Val v = eval_text(b.p, b.n);
    assert_false(is_sig(v));
    if (!strstr(str_s(v), cases[i].id)) fail_msg("%s is not in %s", cases[i].id, str_s(v));
    buf_free(&b);
  }
}

static void test_hash_buffers(void **state) {
  (void)state;
  Buf b = {0};
  uint8_t mac[32];
  assert_true(hash_unbase64("_-8", 3, &b)); /* the URL alphabet, unpadded */
  assert_int_equal(b.n, 2);
  assert_int_equal((uint8_t)b.p[0], 0xff);
  assert_int_equal((uint8_t)b.p[1], 0xef);
  buf_free(&b);
  hash_hmac_sha256(NULL, 0, NULL, 0, mac); /* RFC: empty key and text */
  hash_hex(mac, 32, &b);
  assert_string_equal(buf_cstr(&b), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  buf_free(&b);
}

static int start(void **state) {
  (void)state;
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  engine_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_doc_examples), cmocka_unit_test(test_prelude_examples), cmocka_unit_test(test_more), cmocka_unit_test(test_poll_step_id),
                                     cmocka_unit_test(test_hash_buffers)};
  return cmocka_run_group_tests(tests, start, NULL);
}
