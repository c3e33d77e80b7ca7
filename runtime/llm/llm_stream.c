/* llm_stream.c - answers that come in pieces (server-sent events); see llm.h. */
#include "runtime/base/json.h"
#include "llm.h"
#include "reader/mem.h"
#include "reader/num.h"
#include <string.h>

static Val get(Val m, const char *key) { return map_get_kw(m, key); }
static Val first_of(Val v) { return is_vec(v) && vec_count(v) ? vec_nth(v, 0) : NIL; }

/* --- lines --------------------------------------------------------------------------------------------------------------- */
size_t llm_stream_lines(const char *s, size_t n, void (*f)(void *ctx, const char *data, size_t n), void *ctx) {
  size_t used = 0;
  for (const char *nl; (nl = memchr(s + used, '\n', n - used)); used = (size_t)(nl - s) + 1) {
    const char *p = s + used, *end = nl;
    if (end > p && end[-1] == '\r') end--;
    if (end - p < 5 || memcmp(p, "data:", 5)) continue;
    p += 5 + (end - p > 5 && p[5] == ' ');
    f(ctx, p, (size_t)(end - p));
  }
  return used;
}

Val llm_stream_text(enum LlmWire wire, Val event) {
  if (wire == LLM_RESPONSES) return str_eq_c(get(event, "type"), "response.output_text.delta") ? get(event, "delta") : NIL;
  Val delta = wire == LLM_ANTHROPIC ? get(event, "delta") : get(first_of(get(event, "choices")), "delta");
  Val t = get(delta, wire == LLM_ANTHROPIC ? "text" : "content");
  if (!is_str(t) && wire == LLM_ANTHROPIC) t = get(delta, "partial_json");
  return is_str(t) ? t : NIL;
}

/* --- a whole stream -------------------------------------------------------------------------------------------------------- */
/* One tool call, or block of content, while its pieces come in. */
typedef struct Piece { int64_t index; Val type, id, name; Buf text; struct Piece *next; } Piece;

typedef struct Gathered {
  enum LlmWire wire;
  Val head;    /* map: model, id ... */
  Val usage, finish, refusal, error; /* of the last event that had one */
  Buf content;
  Piece *pieces, **tail;
  bool ended;
} Gathered;

static Piece *piece_at(Gathered *s, int64_t index) {
  for (Piece *p = s->pieces; p; p = p->next)
    if (p->index == index) return p;
  Piece *p = mem_alloc(sizeof *p);
  p->index = index;
  *s->tail = p;
  s->tail = &p->next;
  return p;
}

static void add_text(Buf *b, Val t) {
  if (is_str(t)) buf_add(b, str_s(t), str_n(t));
}

static void take(Val *to, Val v) {
  if (!is_nil(v)) *to = v;
}

static int64_t index_of(Val v) { return is_long(get(v, "index")) ? long_of(get(v, "index")) : 0; }

static void openai_event(Gathered *s, Val e) {
  Val c = first_of(get(e, "choices")), delta = get(c, "delta"), calls = get(delta, "tool_calls");
  if (is_nil(s->head)) s->head = map_dissoc(map_dissoc(e, kw_c("choices")), kw_c("usage"));
  take(&s->usage, get(e, "usage"));
  take(&s->finish, get(c, "finish_reason"));
  add_text(&s->content, get(delta, "content"));
  Val refusal = get(delta, "refusal");
  if (is_str(refusal)) s->refusal = is_str(s->refusal) ? str_fmt("%s%s", str_s(s->refusal), str_s(refusal)) : refusal;
  for (uint32_t i = 0; is_vec(calls) && i < vec_count(calls); i++) {
    Val call = vec_nth(calls, i), f = get(call, "function");
    Piece *p = piece_at(s, index_of(call));
    take(&p->id, get(call, "id"));
    take(&p->name, get(f, "name"));
    add_text(&p->text, get(f, "arguments"));
  }
  if (is_str(s->finish)) s->ended = true;
}

static void anthropic_event(Gathered *s, Val e) {
  const char *type = kw_text(get(e, "type"));
  Val block = get(e, "content_block"), delta = get(e, "delta");
  if (!strcmp(type, "message_start")) {
    s->head = get(e, "message");
    s->usage = get(s->head, "usage");
  } else if (!strcmp(type, "content_block_start")) {
    Piece *p = piece_at(s, index_of(e));
    p->type = get(block, "type");
    p->id = get(block, "id");
    p->name = get(block, "name");
    add_text(&p->text, get(block, "text"));
  } else if (!strcmp(type, "content_block_delta")) {
    Piece *p = piece_at(s, index_of(e));
    add_text(&p->text, llm_stream_text(LLM_ANTHROPIC, e));
  } else if (!strcmp(type, "message_delta")) {
    take(&s->finish, get(delta, "stop_reason"));
    s->usage = map_merge(s->usage, get(e, "usage"));
  } else if (!strcmp(type, "message_stop")) {
    s->ended = true;
  }
}

/* The last event holds the whole answer. */
static void responses_event(Gathered *s, Val e) {
  const char *type = kw_text(get(e, "type"));
  if (strcmp(type, "response.completed") && strcmp(type, "response.incomplete") && strcmp(type, "response.failed")) return;
  s->head = get(e, "response");
  s->ended = true;
}

static void on_data(void *ctx, const char *data, size_t n) {
  Gathered *s = ctx;
  Err err = {0};
  if (n == 6 && !memcmp(data, "[DONE]", 6)) {
    s->ended = true;
    return;
  }
  Val e = json_parse(data, n, &err);
  if (!is_map(e)) return take(&s->error, str_fmt("an event of the stream is not JSON: %.200s", err.msg));
  if (!is_nil(get(e, "error"))) return take(&s->error, get(e, "error"));
  if (s->wire == LLM_RESPONSES) responses_event(s, e);
  else if (s->wire == LLM_ANTHROPIC) anthropic_event(s, e);
  else openai_event(s, e);
}

static Val text_value(Buf *b) { return str_new(b->n ? b->p : "", b->n); }

static Val openai_body(Gathered *s) {
  ValVec calls = {0};
  for (Piece *p = s->pieces; p; p = p->next) {
    Val f[] = {kw_c("name"), p->name, kw_c("arguments"), text_value(&p->text)};
    Val kv[] = {kw_c("id"), p->id, kw_c("function"), map_from(f, 2, false)};
    vv_push(&calls, map_from(kv, 2, false));
  }
  Val m[] = {kw_c("role"), str_c("assistant"), kw_c("content"), s->content.n ? text_value(&s->content) : NIL, kw_c("refusal"), s->refusal,
             kw_c("tool_calls"), vec_from(calls.a, calls.n)};
  Val c[] = {kw_c("message"), map_from(m, 4, false), kw_c("finish_reason"), s->finish};
  Val choice = map_from(c, 2, false), body = is_map(s->head) ? s->head : map_empty;
  return map_assoc(map_assoc(body, kw_c("choices"), vec_from(&choice, 1)), kw_c("usage"), s->usage);
}

static Val anthropic_part(Piece *p) {
  bool use = str_eq_c(p->type, "tool_use");
  Err e = {0};
  Val text = text_value(&p->text), input = text;
  if (use) input = p->text.n ? json_parse(p->text.p, p->text.n, &e) : map_empty;
  if (same(input, ABSENT)) input = text; /* not JSON: said by whoever reads the call */
  Val kv[] = {kw_c("type"), p->type, kw_c(use ? "input" : "text"), input, kw_c("id"), p->id, kw_c("name"), p->name};
  return map_from(kv, 4, false);
}

static Val anthropic_body(Gathered *s) {
  ValVec parts = {0};
  for (Piece *p = s->pieces; p; p = p->next)
    if (str_eq_c(p->type, "text") || str_eq_c(p->type, "tool_use")) vv_push(&parts, anthropic_part(p));
  Val body = is_map(s->head) ? s->head : map_empty;
  body = map_assoc(map_assoc(body, kw_c("content"), vec_from(parts.a, parts.n)), kw_c("stop_reason"), s->finish);
  return map_assoc(body, kw_c("usage"), s->usage);
}

static void stream_free(Gathered *s) {
  buf_free(&s->content);
  for (Piece *p = s->pieces; p; p = p->next) buf_free(&p->text);
}

static Val error_map(const char *type, bool retryable, Val message) {
  Val kv[] = {kw_c("type"), kw_c(type), kw_c("message"), message, kw_c("retryable?"), bool_val(retryable)};
  return map_from(kv, 3, false);
}

bool llm_stream_body(enum LlmWire wire, const char *text, size_t n, Val *body, Val *error) {
  Gathered s = {.wire = wire};
  s.tail = &s.pieces;
  size_t used = llm_stream_lines(text, n, on_data, &s);
  if (n - used > 5 && !memcmp(text + used, "data:", 5)) on_data(&s, text + used + 5, n - used - 5); /* the last line break forgotten */
  if (!is_nil(s.error)) {
    Val says = is_str(s.error) ? s.error : get(s.error, "message");
    *error = error_map("network", true, str_fmt("the model's server broke off: %.400s", is_str(says) ? str_s(says) : "without a reason"));
  } else if (!s.ended) {
    *error = error_map("network", true, str_c("the model's answer broke off before its end"));
  } else {
    *body = wire == LLM_RESPONSES ? s.head : wire == LLM_ANTHROPIC ? anthropic_body(&s) : openai_body(&s);
  }
  bool ok = is_nil(s.error) && s.ended;
  stream_free(&s);
  return ok;
}
