/* llm_request.c - an :llm step's config to a request; see llm.h. */
#include "llm.h"
#include "runtime/base/json.h"
#include "runtime/base/limits.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/seq.h"
#include <string.h>

typedef struct Req {
  const LlmSpec *s;
  Val body;
  ValVec problems;
} Req;

static void problem(Req *q, Val text) { vv_push(&q->problems, text); }

static Val shown(Val v) {
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) b.n = 0;
  Val s = str_fmt("%.60s", buf_cstr(&b));
  buf_free(&b);
  return s;
}

static Val problems_map(Req *q) {
  Buf t = {0};
  for (size_t i = 0; i < q->problems.n; i++) buf_fmt(&t, "%s%s", i ? "; " : "", str_s(q->problems.a[i]));
  Val m = http_error_map("validation", false, buf_cstr(&t));
  buf_free(&t);
  return map_assoc(m, kw_c("problems"), vec_from(q->problems.a, q->problems.n));
}

static Val opt(const Req *q, const char *key) { return map_get_kw(q->s->cfg, key); }
static void put(Req *q, const char *key, Val v) { q->body = map_assoc(q->body, kw_c(key), v); }
static Val map1(const char *k, Val v) { return map_from((Val[]){kw_c(k), v}, 1, false); }
static Val map2(const char *k, Val v, const char *k2, Val v2) { return map_from((Val[]){kw_c(k), v, kw_c(k2), v2}, 2, false); }

static Val json_text_of(Val v) {
  Buf b = {0};
  Val r = json_print(&b, v);
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}

/* --- which backend, model, secret ------------------------------------------------------------------------------------ */
static const struct { const char *name; enum LlmWire wire; const char *base, *path; } backends[] = {
#define BACKEND_ROW(name, wire, base, path) {name, wire, base, path},
    LLM_BACKENDS(BACKEND_ROW)};

static Val name_of(Val v) {
  if (is_str(v)) return str_n(v) ? v : NIL;
  Val t = is_kw(v) ? json_scalar_text(v) : NIL;
  return is_str(t) ? t : NIL;
}

static Val first_name(Val a, Val b, Val c) {
  Val n = name_of(a);
  if (is_nil(n)) n = name_of(b);
  return is_nil(n) ? name_of(c) : n;
}

static bool wants_responses(Val cfg) {
  return !is_nil(map_get_kw(cfg, "previous-response-id")) || truthy(map_get_kw(map_get_kw(cfg, "openai"), "responses"));
}

static void take_backend(Req *q, LlmSpec *s, Val connection) {
  Val name = first_name(map_get_kw(s->cfg, "provider"), map_get_kw(connection, "backend"), map_get_kw(s->config, "backend"));
  bool has_url = is_str(map_get_kw(s->cfg, "base-url")) || is_str(map_get_kw(s->config, "base-url"));
  const char *n = is_str(name) ? str_s(name) : has_url ? "openai-compatible" : "openai";
  for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
    if (!strcmp(backends[i].name, n)) {
      s->backend = backends[i].name;
      s->wire = backends[i].wire;
      s->base = backends[i].base;
      s->path = backends[i].path;
      if (s->wire == LLM_OPENAI && wants_responses(s->cfg)) {
        s->wire = LLM_RESPONSES;
        s->path = "/responses";
      }
      return;
    }
  Buf b = {0};
  for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) buf_fmt(&b, "%s%s", i ? ", " : "", backends[i].name);
  problem(q, str_fmt("the model backend is \"%.60s\"; known are %s. Most others speak openai-compatible, with their :base-url", n,
                     buf_cstr(&b)));
  buf_free(&b);
}

/* A connection's secret goes to the connection's own address and to no other. */
static void take_base_url(Req *q, LlmSpec *s) {
  Val own = map_get_kw(s->cfg, "base-url"), theirs = map_get_kw(s->config, "base-url");
  if (!is_nil(own) && !is_str(own)) return problem(q, str_c(":base-url is a string such as \"https://host/v1\""));
  if (is_str(own) && is_nil(map_get_kw(s->cfg, "auth")) && !is_nil(map_get_kw(s->config, "auth")) &&
      !(is_str(theirs) && str_eq_c(own, str_s(theirs))))
    return problem(q, str_c(":base-url would send the connection's secret to another address: put it into the connection, or give :auth "
                            "as well"));
  s->base_url = is_str(own) ? own : is_str(theirs) ? theirs : s->base ? str_c(s->base) : NIL;
  if (is_nil(s->base_url)) problem(q, str_fmt("the %s backend needs :base-url, in the connection or in the step", s->backend));
}

/* A name that is none must not make way for the connection's. */
static void check_names(Req *q, const LlmSpec *s) {
  static const char *const keys[] = {"model", "deployment", "api-version"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    Val v = map_get_kw(s->cfg, keys[i]);
    if (!is_nil(v) && is_nil(name_of(v))) problem(q, str_fmt(":%s is %s; use a text", keys[i], str_s(shown(v))));
  }
}

static void take_model(Req *q, LlmSpec *s) {
  Val m = first_name(map_get_kw(s->cfg, "model"), map_get_kw(s->config, "model"), NIL);
  bool azure = !strcmp(s->backend, "azure");
  if (is_nil(m) && azure) m = first_name(map_get_kw(s->cfg, "deployment"), map_get_kw(s->config, "deployment"), NIL);
  if (is_nil(m)) problem(q, str_c("there is no :model; name one in the step, or as \"model\" in the connection's config"));
  s->model = is_nil(m) ? str_c("") : m;
}

/* An API key travels as each provider wants it, unless the auth says where. */
static Val auth_of(const LlmSpec *s) {
  Val a = map_get_kw(s->cfg, "auth"), type;
  if (is_nil(a)) a = map_get_kw(s->config, "auth");
  if (!is_map(a)) return a;
  type = map_get_kw(a, "type");
  if (!is_nil(type) && strcmp(kw_text(type), "api-key")) return a;
  if (!is_nil(map_get_kw(a, "header")) || !is_nil(map_get_kw(a, "query"))) return map_assoc(a, kw_c("type"), kw_c("api-key"));
  bool key_header = s->wire == LLM_ANTHROPIC || !strcmp(s->backend, "azure");
  a = map_assoc(a, kw_c("type"), kw_c(key_header ? "api-key" : "bearer"));
  return key_header ? map_assoc(a, kw_c("header"), str_c(s->wire == LLM_ANTHROPIC ? "x-api-key" : "api-key")) : a;
}

Val llm_resolve(Val cfg, Val connection, LlmSpec *s) {
  Req q = {.s = s, .body = map_empty};
  Val config = map_get_kw(connection, "config");
  *s = (LlmSpec){.cfg = cfg, .config = is_map(config) ? config : map_empty, .schema_name = str_c("answer")};
  take_backend(&q, s, connection);
  if (s->backend) {
    take_base_url(&q, s);
    check_names(&q, s);
    take_model(&q, s);
    s->auth = auth_of(s);
    CHECK(llm_output(s, &q.problems));
  }
  return q.problems.n ? problems_map(&q) : NIL;
}

/* --- messages -------------------------------------------------------------------------------------------------------- */
static const char *role_of(Val m) { return kw_text(map_get_kw(m, "role")); }

static bool content_ok(Val c) { return is_nil(c) || is_str(c) || is_vec(c); }

static void check_message(Req *q, Val m, uint32_t i) {
  static const char *const roles[] = {"system", "developer", "user", "assistant", "tool"};
  if (!is_map(m))
    return problem(q, str_fmt(":messages, number %u is %s; a message is a map such as {:role :user :content \"..\"}", i + 1,
                              str_s(shown(m))));
  Val c = map_get_kw(m, "content");
  bool tool = !strcmp(role_of(m), "tool"), known = false;
  for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) known = known || !strcmp(role_of(m), roles[k]);
  if (!known) problem(q, str_fmt(":messages, number %u: :role is one of :system :user :assistant :tool", i + 1));
  if (!content_ok(c) && !tool) problem(q, str_fmt(":messages, number %u: :content is a string or a vector of parts", i + 1));
}

static Val user_message(Val text) { return map2("role", str_c("user"), "content", text); }

static Val input_messages(Req *q, Val input) {
  if (is_str(input)) return vec_from((Val[]){user_message(input)}, 1);
  if (is_vec(input) && vec_count(input) && is_map(vec_nth(input, 0)) && *role_of(vec_nth(input, 0))) return input;
  TRY(text, json_text_of(input));
  (void)q;
  return vec_from((Val[]){user_message(text)}, 1);
}

static bool list_ok(Val v) { return is_nil(v) || is_sequential(v); }

/* All messages in order: :system, :history, those of :messages, :prompt or :input, :follow-up; or a signal. */
static Val messages(Req *q) {
  Val ms = opt(q, "messages"), prompt = opt(q, "prompt"), input = opt(q, "input"), system = opt(q, "system");
  if (!is_nil(ms) + !is_nil(prompt) + !is_nil(input) != 1)
    return problem(q, str_c("an :llm step needs exactly one of :messages, :prompt and :input")), vec_empty;
  if (!is_nil(system) && !is_str(system)) problem(q, str_c(":system is a string"));
  if (!is_nil(prompt) && !is_str(prompt)) return problem(q, str_c(":prompt is a string; data goes under :input")), vec_empty;
  if (!is_nil(prompt)) ms = vec_from((Val[]){user_message(prompt)}, 1);
  else if (!is_nil(input)) ms = input_messages(q, input);
  if (is_sig(ms)) return ms;
  ValVec all = {0};
  Val before = opt(q, "history"), after = opt(q, "follow-up");
  if (is_str(system)) vv_push(&all, map2("role", str_c("system"), "content", system));
  size_t own = all.n;
  if (!list_ok(before) || !list_ok(ms) || !list_ok(after))
    return problem(q, str_c(":messages, :history and :follow-up are vectors of {:role .. :content ..}")), vec_empty;
  CHECK(coll_into_array(before, &all));
  CHECK(coll_into_array(ms, &all));
  CHECK(coll_into_array(after, &all));
  if (all.n == own) problem(q, str_c(":messages is a vector with at least one {:role .. :content ..}"));
  for (size_t i = 0; i < all.n; i++) check_message(q, all.a[i], (uint32_t)i);
  return vec_from(all.a, all.n);
}

/* What is not text is sent as JSON. */
static Val content_text(Val c) {
  if (is_str(c)) return c;
  return is_nil(c) ? str_c("") : json_text_of(c);
}

static Val openai_call(Val call) {
  TRY(args, json_text_of(is_nil(map_get_kw(call, "arguments")) ? map_empty : map_get_kw(call, "arguments")));
  Val f = map2("name", map_get_kw(call, "name"), "arguments", args);
  return map_assoc(map2("id", map_get_kw(call, "id"), "type", str_c("function")), kw_c("function"), f);
}

static Val openai_message(Val m) {
  Val calls = map_get_kw(m, "tool-calls"), id = map_get_kw(m, "tool-call-id"), out = map_dissoc(m, kw_c("error?"));
  if (is_vec(calls) && vec_count(calls)) {
    ValVec v = {0};
    for (uint32_t i = 0; i < vec_count(calls); i++) {
      TRY(call, openai_call(vec_nth(calls, i)));
      vv_push(&v, call);
    }
    out = map_assoc(out, kw_c("tool_calls"), vec_from(v.a, v.n));
  }
  if (!is_nil(id)) out = map_assoc(out, kw_c("tool_call_id"), id);
  if (!strcmp(role_of(m), "tool")) {
    TRY(text, content_text(map_get_kw(m, "content")));
    out = map_assoc(out, kw_c("content"), text);
  }
  return map_dissoc(map_dissoc(out, kw_c("tool-calls")), kw_c("tool-call-id"));
}

static Val openai_messages(Req *q, Val ms) {
  ValVec out = {0};
  for (uint32_t i = 0; i < vec_count(ms); i++) {
    if (!is_map(vec_nth(ms, i))) continue;
    TRY(m, openai_message(vec_nth(ms, i)));
    vv_push(&out, m);
  }
  put(q, "messages", vec_from(out.a, out.n));
  return NIL;
}

/* --- messages as the items of OpenAI's responses */
static Val responses_calls(Val calls, ValVec *out) {
  for (uint32_t i = 0; i < vec_count(calls); i++) {
    Val c = vec_nth(calls, i), args = map_get_kw(c, "arguments");
    TRY(text, json_text_of(is_nil(args) ? map_empty : args));
    Val item = map2("type", str_c("function_call"), "call_id", map_get_kw(c, "id"));
    vv_push(out, map_merge(item, map2("name", map_get_kw(c, "name"), "arguments", text)));
  }
  return NIL;
}

static Val responses_item(Val m, ValVec *out) {
  Val content = map_get_kw(m, "content"), calls = map_get_kw(m, "tool-calls");
  if (!strcmp(role_of(m), "tool")) {
    TRY(text, content_text(content));
    Val item = map2("type", str_c("function_call_output"), "call_id", map_get_kw(m, "tool-call-id"));
    vv_push(out, map_assoc(item, kw_c("output"), text));
    return NIL;
  }
  bool has_calls = is_vec(calls) && vec_count(calls), empty = is_nil(content) || (is_str(content) && !str_n(content));
  if (!has_calls || !empty) vv_push(out, map_dissoc(m, kw_c("tool-calls")));
  return has_calls ? responses_calls(calls, out) : NIL;
}

static Val responses_messages(Req *q, Val ms) {
  ValVec out = {0};
  for (uint32_t i = 0; i < vec_count(ms); i++)
    if (is_map(vec_nth(ms, i))) CHECK(responses_item(vec_nth(ms, i), &out));
  put(q, "input", vec_from(out.a, out.n));
  return NIL;
}

static Val text_part(Val text) { return map2("type", str_c("text"), "text", text); }

static Val with_parts(Val content, ValVec *parts) {
  if (is_str(content) && str_n(content)) vv_push(parts, text_part(content));
  return is_vec(content) ? coll_into_array(content, parts) : NIL;
}

static Val anthropic_assistant(Val m) {
  Val calls = map_get_kw(m, "tool-calls"), content = map_get_kw(m, "content");
  if (!is_vec(calls) || !vec_count(calls)) return map2("role", str_c("assistant"), "content", is_nil(content) ? str_c("") : content);
  ValVec parts = {0};
  CHECK(with_parts(content, &parts));
  for (uint32_t i = 0; i < vec_count(calls); i++) {
    Val c = vec_nth(calls, i), args = map_get_kw(c, "arguments");
    Val use = map2("type", str_c("tool_use"), "id", map_get_kw(c, "id"));
    vv_push(&parts, map_merge(use, map2("name", map_get_kw(c, "name"), "input", is_map(args) ? args : map_empty)));
  }
  return map2("role", str_c("assistant"), "content", vec_from(parts.a, parts.n));
}

static Val tool_result(Val m) {
  Val c = map_get_kw(m, "content");
  TRY(text, content_text(c));
  Val out = map2("type", str_c("tool_result"), "tool_use_id", map_get_kw(m, "tool-call-id"));
  out = map_assoc(out, kw_c("content"), text);
  return truthy(map_get_kw(m, "error?")) ? map_assoc(out, kw_c("is_error"), TRUE_V) : out;
}

/* Answers to tools go as one message of the user. */
static Val tool_results(Val ms, uint32_t *i) {
  ValVec parts = {0};
  for (; *i < vec_count(ms) && !strcmp(role_of(vec_nth(ms, *i)), "tool"); ++*i) {
    TRY(part, tool_result(vec_nth(ms, *i)));
    vv_push(&parts, part);
  }
  --*i;
  return user_message(vec_from(parts.a, parts.n));
}

static void put_system(Req *q, const ValVec *texts) {
  Buf b = {0};
  for (size_t i = 0; i < texts->n; i++) {
    buf_c(&b, b.n ? "\n\n" : "");
    if (is_str(texts->a[i])) buf_add(&b, str_s(texts->a[i]), str_n(texts->a[i]));
  }
  if (!b.n) return buf_free(&b);
  Val text = buf_str(&b);
  if (!truthy(opt(q, "cache-system?"))) return put(q, "system", text);
  Val part = map_assoc(text_part(text), kw_c("cache_control"), map1("type", str_c("ephemeral")));
  put(q, "system", vec_from(&part, 1));
}

static Val anthropic_messages(Req *q, Val ms) {
  ValVec out = {0}, system = {0};
  for (uint32_t i = 0; i < vec_count(ms); i++) {
    Val m = vec_nth(ms, i), to;
    const char *role = role_of(m);
    if (!is_map(m)) continue;
    if (!strcmp(role, "system") || !strcmp(role, "developer")) {
      vv_push(&system, map_get_kw(m, "content"));
      continue;
    }
    to = !strcmp(role, "tool") ? tool_results(ms, &i) : !strcmp(role, "assistant") ? anthropic_assistant(m) : m;
    if (is_sig(to)) return to;
    vv_push(&out, to);
  }
  put_system(q, &system);
  put(q, "messages", vec_from(out.a, out.n));
  return NIL;
}

/* --- plain fields ---------------------------------------------------------------------------------------------------- */
enum FieldType { F_NUMBER, F_INT, F_TEXT, F_STOP };
/* names: by enum LlmWire, NULL where there is none */
static const struct { const char *option; enum FieldType type; double min, max; const char *names[3]; } fields[] = {
    {"temperature", F_NUMBER, 0, 2, {"temperature", "temperature", "temperature"}},
    {"top-p", F_NUMBER, 0, 1, {"top_p", "top_p", "top_p"}},
    {"stop", F_STOP, 0, 0, {"stop", "stop_sequences", NULL}},
    {"max-tokens", F_INT, 1, 10000000, {"max_tokens", "max_tokens", "max_output_tokens"}},
    {"seed", F_INT, -9e18, 9e18, {"seed", NULL, NULL}},
    {"presence-penalty", F_NUMBER, -2, 2, {"presence_penalty", NULL, NULL}},
    {"frequency-penalty", F_NUMBER, -2, 2, {"frequency_penalty", NULL, NULL}},
    {"reasoning-effort", F_TEXT, 0, 0, {"reasoning_effort", NULL, "reasoning"}},
    {"prompt-cache-key", F_TEXT, 0, 0, {"prompt_cache_key", NULL, "prompt_cache_key"}},
    {"previous-response-id", F_TEXT, 0, 0, {NULL, NULL, "previous_response_id"}}};

static bool texts_ok(Val v) {
  for (uint32_t i = 0; i < vec_count(v); i++)
    if (!is_str(vec_nth(v, i))) return false;
  return vec_count(v) > 0;
}

static void number_problem(Req *q, const char *name, bool whole, double min, double max, Val v) {
  Buf b = {0};
  if (max > 1e18) buf_c(&b, "an integer");
  else buf_fmt(&b, "%s from %lld to %lld", whole ? "an integer" : "a number", (long long)min, (long long)max);
  problem(q, str_fmt(":%s is %s; use %s", name, str_s(shown(v)), buf_cstr(&b)));
  buf_free(&b);
}

/* The value as it travels; ABSENT: a problem. */
static Val field_value(Req *q, size_t i, Val v) {
  const char *name = fields[i].option;
  bool whole = fields[i].type == F_INT;
  if (fields[i].type == F_NUMBER || whole) {
    bool ok = whole ? is_long(v) : is_num(v);
    double d = ok ? num_to_double(v) : 0;
    if (ok && d >= fields[i].min && d <= fields[i].max) return v;
    return number_problem(q, name, whole, fields[i].min, fields[i].max, v), ABSENT;
  }
  if (fields[i].type == F_STOP) {
    if (is_str(v)) return q->s->wire == LLM_ANTHROPIC ? vec_from(&v, 1) : v;
    if (is_vec(v) && texts_ok(v)) return v;
    return problem(q, str_fmt(":stop is %s; use a string or a vector of strings", str_s(shown(v)))), ABSENT;
  }
  Val t = name_of(v);
  if (!is_nil(t)) return t;
  return problem(q, str_fmt(":%s is %s; use a string or a keyword", name, str_s(shown(v)))), ABSENT;
}

/* OpenAI's own newer models refuse the old name, most others know no new one. */
static const char *max_tokens_name(const Req *q) {
  bool azure = !strcmp(q->s->backend, "azure") && !is_nil(opt(q, "reasoning-effort"));
  if (q->s->wire == LLM_RESPONSES) return "max_output_tokens";
  return q->s->wire == LLM_OPENAI && (azure || !strcmp(q->s->backend, "openai")) ? "max_completion_tokens" : "max_tokens";
}

static void put_fields(Req *q) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    Val v = opt(q, fields[i].option);
    const char *to = fields[i].names[q->s->wire];
    if (is_nil(v)) continue;
    if (!to) {
      const char *api = q->s->wire == LLM_RESPONSES ? "the responses of the " : "the ";
      problem(q, str_fmt(":%s is not known to %s%s backend; what that API takes beside goes under :provider-opts", fields[i].option, api,
                         q->s->backend));
      continue;
    }
    v = field_value(q, i, v);
    if (same(v, ABSENT)) continue;
    if (!strcmp(to, "reasoning")) v = map1("effort", v);
    put(q, !strcmp(to, "max_tokens") ? max_tokens_name(q) : to, v);
  }
}

/* A key that the platform pays for is limited (spec/flows.md 10), the author's own is not. */
static void clamp_tokens(Req *q) {
  const char *name = max_tokens_name(q);
  Val v = map_get_kw(q->body, name);
  bool platform = truthy(map_get_kw(q->s->config, "platform-key"));
  if (platform && (is_nil(v) || (is_long(v) && long_of(v) > limit_value(LIMIT_llm_answer_tokens)))) put(q, name, fix(limit_value(LIMIT_llm_answer_tokens)));
  else if (is_nil(v) && q->s->wire == LLM_ANTHROPIC) put(q, name, fix(LLM_ANTHROPIC_MAX_TOKENS));
}

/* --- tools the model may call ------------------------------------------------------------------------------------------ */
static bool tool_name_ok(Val v) {
  if (!is_str(v) || !str_n(v) || str_n(v) > 64) return false;
  return strspn(str_s(v), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == str_n(v);
}

static bool allowed(Val list, Val name) {
  if (is_nil(list)) return true;
  ValVec v = {0};
  if (is_sig(coll_into_array(list, &v))) return true;
  for (size_t i = 0; i < v.n; i++)
    if (is_str(name_of(v.a[i])) && str_eq_c(name, str_s(name_of(v.a[i])))) return true;
  return false;
}

static Val tool_wire(const Req *q, Val name, Val about, Val params) {
  if (is_nil(params)) params = map2("type", str_c("object"), "properties", map_empty);
  bool a = q->s->wire == LLM_ANTHROPIC;
  Val m = map2("name", name, a ? "input_schema" : "parameters", params);
  if (is_str(about)) m = map_assoc(m, kw_c("description"), about);
  if (q->s->wire == LLM_RESPONSES) return map_assoc(m, kw_c("type"), str_c("function"));
  return a ? m : map2("type", str_c("function"), "function", m);
}

static Val tool_of(Req *q, Val d) {
  Val name = name_of(map_get_kw(d, "name")), params = map_get_kw(d, "parameters");
  if (is_nil(params)) params = map_get_kw(d, "input-schema");
  if (!tool_name_ok(name))
    return problem(q, str_fmt("a tool of :definitions has the :name %s; use 1 to 64 letters, digits, _ and -",
                              str_s(shown(map_get_kw(d, "name"))))),
           ABSENT;
  if (!allowed(map_get_kw(opt(q, "tools"), "allowed"), name)) return ABSENT;
  return tool_wire(q, name, map_get_kw(d, "description"), params);
}

/* {:mode :auto|:required|:none|"tool name"} */
static void put_choice(Req *q, Val mode) {
  bool a = q->s->wire == LLM_ANTHROPIC;
  const char *m = kw_text(mode);
  if (is_nil(mode)) return;
  if (!strcmp(m, "auto") || !strcmp(m, "none")) return put(q, "tool_choice", a ? map1("type", str_c(m)) : str_c(m));
  if (!strcmp(m, "required")) return put(q, "tool_choice", a ? map1("type", str_c("any")) : str_c(m));
  if (!tool_name_ok(name_of(mode)))
    return problem(q, str_fmt(":mode of :tools is %s; use :auto, :required, :none or a tool's name", str_s(shown(mode))));
  Val one = map2("type", str_c(a ? "tool" : "function"), "name", name_of(mode));
  put(q, "tool_choice", q->s->wire == LLM_OPENAI ? map2("type", str_c("function"), "function", map1("name", name_of(mode))) : one);
}

static Val put_tools(Req *q) {
  Val tools = opt(q, "tools"), defs = is_vec(tools) ? tools : map_get_kw(tools, "definitions");
  ValVec in = {0}, out = {0};
  if (!is_nil(tools) && !is_map(tools) && !is_vec(tools))
    return problem(q, str_c(":tools is a map such as {:definitions [..]}, or a vector of definitions")), NIL;
  CHECK(coll_into_array(defs, &in));
  for (size_t i = 0; i < in.n; i++) {
    Val t = tool_of(q, in.a[i]);
    if (!same(t, ABSENT)) vv_push(&out, t);
  }
  if (out.n) put_choice(q, map_get_kw(tools, "mode"));
  if (q->s->wire == LLM_ANTHROPIC && !is_nil(q->s->schema)) {
    vv_push(&out, tool_wire(q, q->s->schema_name, str_c("Give your final answer with this tool."), q->s->json_schema));
    put(q, "tool_choice", out.n > 1 ? map1("type", str_c("any")) : map2("type", str_c("tool"), "name", q->s->schema_name));
  }
  if (out.n) put(q, "tools", vec_from(out.a, out.n));
  return NIL;
}

/* --- the shape of the answer ------------------------------------------------------------------------------------------- */
static void put_format(Req *q) {
  const LlmSpec *s = q->s;
  bool flat = s->wire == LLM_RESPONSES;
  if (s->wire == LLM_ANTHROPIC || !s->json) return;
  Val f = map1("type", str_c(is_nil(s->schema) ? "json_object" : "json_schema")), strict = map_get_kw(opt(q, "output"), "strict");
  if (!is_nil(s->schema)) {
    Val js = map2("name", s->schema_name, "schema", s->json_schema);
    if (is_bool(strict)) js = map_assoc(js, kw_c("strict"), strict);
    f = flat ? map_merge(f, js) : map_assoc(f, kw_c("json_schema"), js);
  }
  put(q, flat ? "text" : "response_format", flat ? map1("format", f) : f);
}

/* --- all of it --------------------------------------------------------------------------------------------------------- */
static Val trimmed_base(Val base) {
  size_t n = str_n(base);
  while (n && str_s(base)[n - 1] == '/') n--;
  return str_new(str_s(base), n);
}

static bool ends_with(Val s, const char *end) {
  size_t n = strlen(end);
  return str_n(s) >= n && !memcmp(str_s(s) + str_n(s) - n, end, n);
}

static Val address(Req *q) {
  const LlmSpec *s = q->s;
  Val base = trimmed_base(s->base_url);
  if (!strcmp(s->backend, "azure") && s->wire == LLM_RESPONSES) return str_fmt("%s/openai%s", str_s(base), s->path);
  if (!strcmp(s->backend, "azure")) {
    Val d = first_name(opt(q, "deployment"), map_get_kw(s->config, "deployment"), s->model);
    if (strpbrk(str_s(d), "/?#% ")) problem(q, str_fmt(":deployment is \"%.60s\"; use the name it has at Azure", str_s(d)));
    return str_fmt("%s/openai/deployments/%s%s", str_s(base), str_s(d), s->path);
  }
  const char *version = s->wire == LLM_ANTHROPIC && !ends_with(base, "/v1") ? "/v1" : "";
  return str_fmt("%s%s%s", str_s(base), version, s->path);
}

static Val http_config(Req *q) {
  const LlmSpec *s = q->s;
  Val query = map_get_kw(s->config, "query"), headers = map_get_kw(s->config, "headers"), timeout = opt(q, "timeout");
  Val out = map2("url", address(q), "method", kw_c("post"));
  if (s->wire == LLM_ANTHROPIC) headers = map_merge(map_from((Val[]){str_c("anthropic-version"), str_c("2023-06-01")}, 1, false), headers);
  if (!strcmp(s->backend, "azure")) {
    Val v = first_name(opt(q, "api-version"), map_get_kw(s->config, "api-version"), str_c(LLM_AZURE_API_VERSION));
    query = map_merge(map1("api-version", v), query);
  }
  if (!is_nil(query)) out = map_assoc(out, kw_c("query"), query);
  if (!is_nil(headers)) out = map_assoc(out, kw_c("headers"), headers);
  out = map_assoc(out, kw_c("timeout"), is_nil(timeout) ? str_c(LLM_DEFAULT_TIMEOUT) : timeout);
  out = map_assoc(out, kw_c("client-opts"), map1("max-response-bytes", fix((int64_t)LLM_STREAM_MAX)));
  return map_assoc(out, kw_c("json"), q->body);
}

static void put_stream(Req *q) {
  put(q, "stream", TRUE_V);
  if (q->s->wire == LLM_OPENAI) put(q, "stream_options", map1("include_usage", TRUE_V));
}

Val llm_request(const LlmSpec *s, bool stream, Val *out) {
  Req q = {.s = s, .body = map_empty};
  Val extra = map_get_kw(s->cfg, "provider-opts");
  put(&q, "model", s->model);
  TRY(ms, messages(&q));
  static Val (*const put_messages[])(Req *, Val) = {openai_messages, anthropic_messages, responses_messages}; /* by enum LlmWire */
  CHECK(put_messages[s->wire](&q, ms));
  put_fields(&q);
  clamp_tokens(&q);
  CHECK(put_tools(&q));
  put_format(&q);
  if (stream) put_stream(&q);
  if (!is_nil(extra) && !is_map(extra)) problem(&q, str_c(":provider-opts is a map; its keys go into the request as they are"));
  q.body = map_merge(map_merge(q.body, map_get_kw(map_get_kw(s->cfg, "openai"), "responses")), extra);
  *out = http_config(&q);
  return q.problems.n ? problems_map(&q) : NIL;
}
