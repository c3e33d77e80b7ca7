/* Unit tests of llm*.c: streams of both wire formats, cut at every byte and damaged; answers of every shape; requests. */
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/seq.h"
#include "runtime/base/json.h"
#include "runtime/llm/llm.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), "test", true);
  assert_false(is_sig(v));
  return v;
}

static Val json(const char *s) {
  Err e = {0};
  Val v = json_parse(s, strlen(s), &e);
  if (same(v, ABSENT)) fail_msg("%s: %s", s, e.msg);
  return v;
}

static void prints(Val v, const char *want) {
  Val s = pr_str(v);
  assert_false(is_sig(s));
  assert_string_equal(str_s(s), want);
}

static LlmSpec spec_of(const char *cfg, const char *connection) {
  LlmSpec s;
  Val bad = llm_resolve(edn(cfg), edn(connection), &s);
  if (is_map(bad)) fail_msg("%s", str_s(map_get_kw(bad, "message")));
  assert_true(is_nil(bad));
  return s;
}

/* --- streams --- */
static const char openai[] = "data: {\"model\":\"m\",\"id\":\"i\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
                             "data: {\"choices\":[{\"delta\":{\"content\":\"h\xc3\xa9\"}}]}\n\n"
                             ": a comment\r\ndata:{\"choices\":[{\"delta\":{\"content\":\"y\"}}]}\r\n\r\n"
                             "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}},"
                             "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\"\"}}]}}]}\n\n"
                             "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}}]}\n\n"
                             "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                             "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n";
static const char anthropic[] =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"i\",\"model\":\"m\",\"role\":\"assistant\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"h\xc3\xa9y\"}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":4}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static const char responses[] = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"i\"}}\n\n"
                                "data: {\"type\":\"response.output_text.delta\",\"delta\":\"h\"}\n\n"
                                "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"i\",\"model\":\"m\",\"error\":null,\"output\":["
                                "{\"type\":\"reasoning\"},{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}],"
                                "\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n";

static void answer_of(const char *text, const char *connection, Val *out) {
  LlmSpec s = spec_of("{:prompt \"x\" :model \"q\"}", connection);
  Val body = NIL, error = NIL;
  if (!llm_stream_body(s.wire, text, strlen(text), &body, &error)) fail_msg("%s", str_s(map_get_kw(error, "message")));
  assert_true(llm_answer(&s, body, out));
}

static void streams(void **st) {
  (void)st;
  Val out = NIL;
  answer_of(openai, "{:backend :openai}", &out);
  prints(out, "{:content \"h\u00e9y\", :role \"assistant\", :model \"m\", :finish-reason :tool-calls, :id \"i\", :usage {:input-tokens 3, :output-tokens 4, "
              ":total-tokens 7}, :tool-calls [{:id \"b\", :name \"g\", :arguments {}} {:id \"a\", :name \"f\", :arguments {:x 1}}]}");
  answer_of(anthropic, "{:backend :anthropic}", &out);
  prints(out, "{:content \"h\u00e9y\", :role \"assistant\", :model \"m\", :finish-reason :tool-calls, :id \"i\", :usage {:input-tokens 3, :output-tokens 4, "
              ":total-tokens 7}, :tool-calls [{:id \"a\", :name \"f\", :arguments {:x 1}}]}");
}

static void responses_stream(void **st) {
  (void)st;
  LlmSpec s = spec_of("{:prompt \"x\" :model \"q\" :openai {:responses true}}", "{:backend :openai}");
  Val body = NIL, error = NIL, out = NIL;
  assert_int_equal(s.wire, LLM_RESPONSES);
  assert_true(llm_stream_body(s.wire, responses, strlen(responses), &body, &error));
  assert_true(llm_answer(&s, body, &out));
  prints(out, "{:content \"hi\", :role \"assistant\", :model \"m\", :finish-reason :stop, :id \"i\", :usage {:input-tokens 3, :output-tokens 4, "
              ":total-tokens 7}}");
}

/* Where the first of its events that end it is complete. */
static size_t end_of(const char *text, const char *last) { return (size_t)(strstr(text, last) + strlen(last) - text); }

static void cut(const char *text, enum LlmWire wire, size_t whole) {
  for (size_t n = 0; n < strlen(text); n++) {
    Val body = NIL, error = NIL;
    char *copy = malloc(n + 1); /* its own piece: reading beyond it is noticed */
    memcpy(copy, text, n);
    bool ok = llm_stream_body(wire, copy, n, &body, &error);
    free(copy);
    assert_true(ok || n < whole || is_map(error));
    if (n < whole && ok) fail_msg("a stream cut after %zu bytes was taken as whole", n);
    if (!ok) assert_true(kw_is(map_get_kw(error, "type"), "network") && same(map_get_kw(error, "retryable?"), TRUE_V));
  }
}

static void cut_streams(void **st) {
  (void)st;
  cut(openai, LLM_OPENAI, end_of(openai, "\"finish_reason\":\"tool_calls\"}]}"));
  cut(responses, LLM_RESPONSES, end_of(responses, "\"output_tokens\":4}}}"));
  cut(anthropic, LLM_ANTHROPIC, end_of(anthropic, "data: {\"type\":\"message_stop\"}"));
}

static void damaged_streams(void **st) {
  (void)st;
  uint64_t x = 88172645463325252u;
  for (int round = 0; round < 4000; round++) {
    const char *text = round % 3 == 0 ? responses : round % 2 ? openai : anthropic;
    size_t n = strlen(text);
    char *copy = malloc(n);
    memcpy(copy, text, n);
    for (int k = 0; k < 3; k++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      copy[x % n] = (char)(x >> 32);
    }
    LlmSpec s = spec_of(round % 5 ? "{:prompt \"x\" :model \"q\"}" : "{:prompt \"x\" :model \"q\" :openai {:responses true}}", round % 4 < 2 ? "{:backend :openai}" : "{:backend :anthropic}");
    Val body = NIL, error = NIL, out = NIL;
    if (llm_stream_body(s.wire, copy, n, &body, &error)) (void)llm_answer(&s, body, &out);
    else assert_true(is_map(error));
    free(copy);
  }
}

/* --- answers of any shape --- */
static void odd_answers(void **st) {
  (void)st;
  static const char *const bodies[] = {"{}", "{\"choices\":[]}", "{\"choices\":5}", "{\"choices\":[5]}", "{\"choices\":[{\"message\":7}]}",
                                       "{\"choices\":[{\"message\":{\"content\":5,\"tool_calls\":7}}],\"usage\":[1],\"model\":3}",
                                       "{\"choices\":[{\"message\":{\"tool_calls\":[1,{\"function\":2},{\"function\":{\"arguments\":3}}]}}]}",
                                       "{\"content\":[1,{\"type\":\"text\"},{\"type\":\"tool_use\"}],\"usage\":{\"input_tokens\":-5}}", "{\"content\":{}}",
                                       "{\"error\":5}", "{\"error\":{\"message\":7}}", "{\"error\":\"x\"}", "{\"message\":\"y\",\"error\":{}}"};
  static const char *const connections[] = {"{:backend :openai}", "{:backend :anthropic}"};
  for (size_t c = 0; c < 2; c++)
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
      LlmSpec s = spec_of(i % 2 ? "{:prompt \"x\" :model \"q\" :output {:schema [:map [:a :int]]}}" : "{:prompt \"x\" :model \"q\"}", connections[c]);
      Val out = NIL;
      bool ok = llm_answer(&s, json(bodies[i]), &out);
      assert_true(is_map(out));
      if (ok) assert_true(is_str(map_get_kw(out, "content")));
      else assert_true(is_kw(map_get_kw(out, "type")) && is_str(map_get_kw(out, "message")));
    }
}

static void structured(void **st) {
  (void)st;
  LlmSpec s = spec_of("{:prompt \"x\" :model \"q\" :output {:schema [:vector [:enum :a :b]]}}", "{:backend :openai}");
  Val out = NIL;
  assert_true(llm_answer(&s, json("{\"choices\":[{\"message\":{\"content\":\"```json\\n{\\\"value\\\":[\\\"a\\\"]}\\n```\"}}]}"), &out));
  prints(map_get_kw(out, "parsed"), "[:a]");
  assert_true(llm_answer(&s, json("{\"choices\":[{\"message\":{\"content\":\"[\\\"b\\\"]\"}}]}"), &out));
  prints(map_get_kw(out, "parsed"), "[:b]");
  assert_false(llm_answer(&s, json("{\"choices\":[{\"message\":{\"content\":\"[\\\"c\\\"]\"}}]}"), &out));
  prints(map_get_kw(out, "type"), ":invalid-output");
  prints(map_get_kw(vec_nth(map_get_kw(out, "problems"), 0), "path"), "[0]");
}

/* --- lines of a stream as they come --- */
static void count_line(void *ctx, const char *data, size_t n) {
  (void)data;
  *(size_t *)ctx += n;
}

static void lines(void **st) {
  (void)st;
  size_t n = 0;
  static const char text[] = "event: x\ndata: abc\r\ndata:de\n\ndata: unfinished";
  assert_int_equal(llm_stream_lines(text, strlen(text), count_line, &n), strlen(text) - strlen("data: unfinished"));
  assert_int_equal(n, 5);
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(streams),     cmocka_unit_test(responses_stream),
                                     cmocka_unit_test(cut_streams), cmocka_unit_test(damaged_streams),
                                     cmocka_unit_test(odd_answers), cmocka_unit_test(structured),  cmocka_unit_test(lines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
