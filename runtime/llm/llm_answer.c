/* llm_answer.c - the answer of a model's server to a step's result; see llm.h. */
#include "runtime/base/json.h"
#include "llm.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "runtime/flow/schema.h"
#include <string.h>

typedef struct Answer {
  const LlmSpec *s;
  Val body, message;  /* of the server; the message or nil */
  Val content, finish, refusal; /* string or nil; keyword; string or nil */
  ValVec calls;
} Answer;

static Val get(Val m, const char *key) { return map_get_kw(m, key); }

static Val error_map(const char *type, Val message) {
  Val kv[] = {kw_c("type"), kw_c(type), kw_c("message"), message};
  return map_from(kv, 2, false);
}

static Val model_of(const Answer *a) { return is_str(get(a->body, "model")) ? get(a->body, "model") : a->s->model; }

/* --- parts of a message ---------------------------------------------------------------------------------------------- */
static Val joined_text(Val parts) {
  Buf b = {0};
  bool any = false;
  for (uint32_t i = 0; i < vec_count(parts); i++) {
    Val t = get(vec_nth(parts, i), "text");
    if (!is_str(t)) continue;
    any = true;
    buf_add(&b, str_s(t), str_n(t));
  }
  if (any) return buf_str(&b);
  buf_free(&b);
  return NIL;
}

/* Arguments are JSON text; what is none is shown to whoever asked, not hidden. */
static Val call_map(Val id, Val name, Val arguments) {
  Err e = {0};
  Val kv[] = {kw_c("id"), id, kw_c("name"), name}, m = map_from(kv, 2, false), args = arguments;
  if (is_str(arguments)) {
    args = str_n(arguments) ? json_parse(str_s(arguments), str_n(arguments), &e) : map_empty;
    if (same(args, ABSENT)) {
      m = map_assoc(m, kw_c("problem"), str_fmt("the arguments are not JSON: %.200s", e.msg));
      return map_assoc(m, kw_c("arguments-text"), arguments);
    }
  }
  return map_assoc(m, kw_c("arguments"), is_nil(args) ? map_empty : args);
}

static Val finish_kw(const char *text) {
  static const char *const known[][2] = {
      {"end_turn", "stop"},       {"stop_sequence", "stop"},       {"max_tokens", "length"},
      {"tool_use", "tool-calls"}, {"function_call", "tool-calls"}, {"tool_calls", "tool-calls"}, {"content_filter", "content-filter"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i][0], text)) return kw_c(known[i][1]);
  return *text ? kw_c(text) : NIL;
}

/* --- the two wire formats: false: there is no message ------------------------------------------------------------------ */
static bool read_openai(Answer *a) {
  Val choices = get(a->body, "choices"), c = is_vec(choices) && vec_count(choices) ? vec_nth(choices, 0) : NIL;
  a->message = get(c, "message");
  if (!is_map(a->message)) return false;
  Val content = get(a->message, "content"), calls = get(a->message, "tool_calls"), refusal = get(a->message, "refusal");
  a->content = is_vec(content) ? joined_text(content) : is_str(content) ? content : NIL;
  a->finish = finish_kw(kw_text(get(c, "finish_reason")));
  a->refusal = is_str(refusal) && str_n(refusal) ? refusal : NIL;
  for (uint32_t i = 0; is_vec(calls) && i < vec_count(calls); i++) {
    Val f = get(vec_nth(calls, i), "function");
    vv_push(&a->calls, call_map(get(vec_nth(calls, i), "id"), get(f, "name"), get(f, "arguments")));
  }
  return true;
}

/* The tool that stands for a structured answer gives the answer's text. */
static void anthropic_use(Answer *a, Val part) {
  Val name = get(part, "name"), input = get(part, "input");
  if (is_nil(a->s->schema) || !is_str(name) || !str_eq_c(name, str_s(a->s->schema_name))) {
    vv_push(&a->calls, call_map(get(part, "id"), name, input));
    return;
  }
  Buf b = {0};
  if (is_str(input)) a->content = input;
  else if (!is_sig(json_print(&b, input))) a->content = buf_str(&b);
  if (kw_is(a->finish, "tool-calls")) a->finish = kw_c("stop");
}

static bool read_anthropic(Answer *a) {
  Val parts = get(a->body, "content");
  if (!is_vec(parts)) return false;
  a->message = a->body;
  a->content = joined_text(parts);
  a->finish = finish_kw(kw_text(get(a->body, "stop_reason")));
  for (uint32_t i = 0; i < vec_count(parts); i++)
    if (str_eq_c(get(vec_nth(parts, i), "type"), "tool_use")) anthropic_use(a, vec_nth(parts, i));
  if (kw_is(a->finish, "refusal")) a->refusal = is_nil(a->content) ? str_c("the model refused") : a->content;
  return true;
}

static void responses_part(Answer *a, Val part, Buf *text) {
  Val t = get(part, "text"), refusal = get(part, "refusal");
  if (is_str(t)) buf_add(text, str_s(t), str_n(t));
  if (is_str(refusal)) a->refusal = refusal;
}

static void responses_item(Answer *a, Val item, Buf *text) {
  Val parts = get(item, "content");
  if (str_eq_c(get(item, "type"), "function_call"))
    vv_push(&a->calls, call_map(get(item, "call_id"), get(item, "name"), get(item, "arguments")));
  if (!str_eq_c(get(item, "type"), "message")) return;
  for (uint32_t i = 0; is_vec(parts) && i < vec_count(parts); i++) responses_part(a, vec_nth(parts, i), text);
}

static bool read_responses(Answer *a) {
  Val items = get(a->body, "output"), why = get(get(a->body, "incomplete_details"), "reason");
  Buf text = {0};
  if (!is_vec(items)) return false;
  for (uint32_t i = 0; i < vec_count(items); i++) responses_item(a, vec_nth(items, i), &text);
  a->message = a->body;
  a->content = text.n ? buf_str(&text) : NIL;
  a->finish = kw_c(a->calls.n ? "tool-calls" : "stop");
  if (is_str(why)) a->finish = str_eq_c(why, "max_output_tokens") ? kw_c("length") : finish_kw(str_s(why));
  return true;
}

/* --- usage and cost ------------------------------------------------------------------------------------------------------ */
static int64_t count(Val v) { return is_long(v) && long_of(v) > 0 ? long_of(v) : 0; }

static Val usage_map(int64_t in, int64_t out, int64_t total, int64_t cached, int64_t reasoning) {
  Val kv[] = {kw_c("input-tokens"), int_val(in), kw_c("output-tokens"), int_val(out), kw_c("total-tokens"), int_val(total)};
  Val m = map_from(kv, 3, false);
  if (cached) m = map_assoc(m, kw_c("cached-input-tokens"), int_val(cached));
  return reasoning ? map_assoc(m, kw_c("reasoning-tokens"), int_val(reasoning)) : m;
}

static Val usage_said(const Answer *a) {
  Val u = get(a->body, "usage");
  if (!is_map(u)) return NIL;
  if (a->s->wire == LLM_ANTHROPIC) {
    int64_t cached = count(get(u, "cache_read_input_tokens"));
    int64_t in = count(get(u, "input_tokens")) + count(get(u, "cache_creation_input_tokens")) + cached;
    int64_t out = count(get(u, "output_tokens"));
    return usage_map(in, out, in + out, cached, 0);
  }
  if (a->s->wire == LLM_RESPONSES) {
    int64_t in = count(get(u, "input_tokens")), out = count(get(u, "output_tokens"));
    return usage_map(in, out, in + out, count(get(get(u, "input_tokens_details"), "cached_tokens")),
                     count(get(get(u, "output_tokens_details"), "reasoning_tokens")));
  }
  int64_t in = count(get(u, "prompt_tokens")), out = count(get(u, "completion_tokens")), total = count(get(u, "total_tokens"));
  return usage_map(in, out, total ? total : in + out, count(get(get(u, "prompt_tokens_details"), "cached_tokens")),
                   count(get(get(u, "completion_tokens_details"), "reasoning_tokens")));
}

/* What a key of the platform paid for is told apart: it has a limit of its own. */
static Val usage_of(const Answer *a) {
  Val u = usage_said(a);
  return is_map(u) && truthy(get(a->s->config, "platform-key")) ? map_assoc(u, kw_c("platform-tokens"), get(u, "total-tokens")) : u;
}

/* The row of a price table for a model: names are keywords or strings. */
static Val price_row(Val prices, Val model) {
  MapIter it;
  Val k, v;
  if (!is_map(prices) || !is_str(model)) return NIL;
  map_iter(&it, prices);
  while (map_next(&it, &k, &v)) {
    Val name = json_scalar_text(k);
    if (is_str(name) && str_eq_c(name, str_s(model)) && is_map(v)) return v;
  }
  return NIL;
}

static double price(Val row, const char *key, double otherwise) { return is_num(get(row, key)) ? num_to_double(get(row, key)) : otherwise; }

/* From the connection's "prices" {model {:input n :output n :cached-input n}}, money for a million tokens. */
static Val cost_of(const Answer *a, Val usage) {
  Val prices = get(a->s->config, "prices"), row = price_row(prices, a->s->model), currency = get(a->s->config, "currency");
  if (is_nil(row)) row = price_row(prices, model_of(a));
  if (is_nil(row) || is_nil(usage)) return NIL;
  double in = price(row, "input", 0), cached = (double)count(get(usage, "cached-input-tokens"));
  double input = ((double)count(get(usage, "input-tokens")) - cached) * in + cached * price(row, "cached-input", in);
  double output = (double)count(get(usage, "output-tokens")) * price(row, "output", 0);
  Val kv[] = {kw_c("input"), dbl_val(input / 1e6), kw_c("output"), dbl_val(output / 1e6), kw_c("total"), dbl_val((input + output) / 1e6),
              kw_c("currency"), is_str(currency) ? currency : str_c("USD")};
  return map_from(kv, 4, false);
}

/* --- the result ------------------------------------------------------------------------------------------------------------ */
static void put(Val *m, const char *key, Val v) {
  if (!is_nil(v)) *m = map_assoc(*m, kw_c(key), v);
}

static Val result_map(const Answer *a) {
  Val role = get(a->message, "role"), text = is_nil(a->content) ? (is_nil(a->refusal) ? str_c("") : a->refusal) : a->content;
  Val kv[] = {kw_c("content"), text, kw_c("role"), is_str(role) ? role : str_c("assistant"), kw_c("model"), model_of(a)};
  Val m = map_from(kv, 3, false), usage = usage_of(a);
  put(&m, "finish-reason", is_nil(a->refusal) ? a->finish : kw_c("refusal"));
  put(&m, "id", get(a->body, "id"));
  put(&m, "usage", usage);
  put(&m, "cost", cost_of(a, usage));
  put(&m, "refusal", a->refusal);
  if (a->calls.n) put(&m, "tool-calls", vec_from(a->calls.a, a->calls.n));
  return m;
}

/* Some put the JSON into a fence all the same. */
static Val unfenced(Val text) {
  const char *p = str_s(text), *end = p + str_n(text);
  while (p < end && strchr(" \n\r\t", *p)) p++;
  if (end - p < 6 || memcmp(p, "```", 3)) return text;
  const char *line = memchr(p, '\n', (size_t)(end - p)), *close = end;
  while (close > p && strchr(" \n\r\t", close[-1])) close--;
  if (!line || close - line < 3 || memcmp(close - 3, "```", 3)) return text;
  return str_new(line + 1, (size_t)(close - 3 - line - 1));
}

static Val invalid_output(const Answer *a, Val result, Val problems) {
  Val text = schema_text(problems);
  Val m = error_map("invalid-output", str_fmt("the model's answer is not what :output asks for: %.400s", is_str(text) ? str_s(text) : "?"));
  m = map_assoc(map_assoc(m, kw_c("problems"), problems), kw_c("content"), get(result, "content"));
  put(&m, "finish-reason", a->finish);
  put(&m, "usage", get(result, "usage"));
  put(&m, "cost", get(result, "cost"));
  put(&m, "model", get(result, "model"));
  return map_assoc(m, kw_c("retryable?"), FALSE_V);
}

static Val problem1(Val text) {
  Val kv[] = {kw_c("path"), vec_empty, kw_c("message"), text}, m = map_from(kv, 2, false);
  return vec_from(&m, 1);
}

/* The parsed answer, checked; on problems an error map in *error. */
static bool parse_output(const Answer *a, Val result, Val *out) {
  Err e = {0};
  Val text = unfenced(get(result, "content")), v;
  if (kw_is(a->finish, "length"))
    return *out = invalid_output(a, result, problem1(str_c("was cut off at :max-tokens; allow more"))), false;
  v = json_parse(str_s(text), str_n(text), &e);
  if (same(v, ABSENT)) return *out = invalid_output(a, result, problem1(str_fmt("is not JSON: %.200s", e.msg))), false;
  Val problems = llm_output_value(a->s, &v);
  if (is_sig(problems)) problems = problem1(str_c("cannot be compared with the schema: too deep, or too much work"));
  if (vec_count(problems)) return *out = invalid_output(a, result, problems), false;
  *out = map_assoc(result, kw_c("parsed"), v);
  return true;
}

static Val provider_says(Val body) {
  Val e = get(body, "error"), m = is_str(e) ? e : get(e, "message");
  if (!is_str(m)) m = get(body, "message");
  return is_str(m) ? m : is_str(body) ? body : NIL;
}

Val llm_error(const LlmSpec *s, Val error) {
  Val says = provider_says(get(error, "body")), m = get(error, "message");
  if (!is_str(says) || !str_n(says) || !kw_is(get(error, "type"), "http-error")) return error;
  (void)s;
  return map_assoc(error, kw_c("message"), str_fmt("%s: %.400s", str_s(m), str_s(says)));
}

bool llm_answer(const LlmSpec *s, Val body, Val *out) {
  Answer a = {.s = s, .body = body};
  Val says = is_nil(get(body, "error")) ? NIL : provider_says(body);
  if (is_str(says)) return *out = error_map("llm-error", str_fmt("%s: the model's server says: %.400s", s->backend, str_s(says))), false;
  static bool (*const readers[])(Answer *) = {read_openai, read_anthropic, read_responses}; /* by enum LlmWire */
  if (!readers[s->wire](&a))
    return *out = error_map("invalid-response",
                            str_fmt("what the %s server answered holds no message of the model; is its address right?", s->backend)),
           false;
  Val result = result_map(&a);
  if (!s->json || a.calls.n) return *out = result, true;
  if (is_nil(a.refusal)) return parse_output(&a, result, out);
  Val m = error_map("refused", str_fmt("the model refused: %.400s", str_s(a.refusal)));
  *out = map_assoc(map_assoc(m, kw_c("content"), a.refusal), kw_c("retryable?"), FALSE_V);
  put(out, "usage", get(result, "usage"));
  return false;
}
