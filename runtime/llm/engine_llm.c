/* engine_llm.c - the :llm step kind: one call of a language model. llm.h makes the request and reads the answer; sending,
 * guard, secrets and error classes are those of :http. When somebody looks (EngineOptions.watched) the answer is streamed: its
 * bytes are gathered on the HTTP client's I/O thread in a Feed, which the engine thread reads to tell how far the text is. The
 * result is the same with and without. */
#include "runtime/engine/engine_int.h"
#include "runtime/engine/composite.h"
#include "runtime/store/connection.h"
#include "runtime/http/http_auth.h"
#include "runtime/http/http_result.h"
#include "runtime/http/http_turn.h"
#include "runtime/base/json.h"
#include "runtime/base/limits.h"
#include "llm.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What has arrived of a streamed answer. Two owners: the request and its Flight. */
typedef struct Feed {
  pthread_mutex_t lock;
  Buf got;   /* under lock */
  int owners;
  size_t seen; /* the engine thread's: bytes whose events have been told */
  Buf text;    /* the answer's text so far; engine thread */
} Feed;

typedef struct Flight {
  uint64_t id, token; /* of the client, 0 while it waits for its turn; of the call */
  Engine *e;          /* NULL: it is gone */
  HttpRequest req;    /* until it is sent */
  HttpPlan plan;
  Turn turn;
  Feed *feed; /* NULL: not streamed */
  struct Flight *next;
} Flight;

static HttpClient *client;
static Flight *flights;
static int feed_fd = -1;

/* --- feeds ---------------------------------------------------------------------------------------------------------------- */
static void feed_release(void *ctx) {
  Feed *f = ctx;
  pthread_mutex_lock(&f->lock);
  bool last = --f->owners == 0;
  pthread_mutex_unlock(&f->lock);
  if (!last) return;
  pthread_mutex_destroy(&f->lock);
  buf_free(&f->got);
  buf_free(&f->text);
  free(f);
}

static Feed *feed_new(void) {
  Feed *f = calloc(1, sizeof *f);
  if (!f) abort();
  pthread_mutex_init(&f->lock, NULL);
  f->owners = 2;
  return f;
}

/* Errors are read as ever. */
static bool feed_begin(void *ctx, int status) { return (void)ctx, status == 200; }

static bool feed_write(void *ctx, const char *p, size_t n) {
  Feed *f = ctx;
  uint64_t one = 1;
  pthread_mutex_lock(&f->lock);
  buf_add(&f->got, p, n);
  pthread_mutex_unlock(&f->lock);
  while (write(feed_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
  return true;
}

typedef struct Tell { Feed *f; enum LlmWire wire; bool more; } Tell;

static void tell_event(void *ctx, const char *data, size_t n) {
  Tell *t = ctx;
  Err e = {0};
  Val v = json_parse(data, n, &e), text = is_map(v) ? llm_stream_text(t->wire, v) : NIL;
  if (!is_str(text)) return;
  buf_add(&t->f->text, str_s(text), str_n(text));
  t->more = true;
}

static void feed_tell(StepCall *c, Feed *f, enum LlmWire wire) {
  Tell t = {f, wire, false};
  Buf part = {0};
  pthread_mutex_lock(&f->lock);
  buf_add(&part, f->got.p ? f->got.p + f->seen : "", f->got.n - f->seen);
  pthread_mutex_unlock(&f->lock);
  f->seen += part.n ? llm_stream_lines(part.p, part.n, tell_event, &t) : 0;
  buf_free(&part);
  if (!t.more) return;
  Buf shown = {0};
  buf_add(&shown, f->text.p, f->text.n);
  secret_clean_text(*step_secrets_used(c), &shown);
  run_progress_text(c->r, buf_cstr(&shown));
  buf_free(&shown);
}

/* --- resolving -------------------------------------------------------------------------------------------------------------- */
static Val connection_of(const StepCall *c) {
  Val slot = map_get_kw(step_config(c), "connection");
  return is_kw(slot) ? step_connection(c, slot) : is_str(slot) ? step_connection(c, kw_parse(str_s(slot), str_n(slot))) : NIL;
}

static Val unbound(const StepCall *c) {
  Val slot = map_get_kw(step_config(c), "connection");
  Buf b = {0};
  buf_fmt(&b, "the connection %.100s is not bound; give it with --connections FILE, under \"connections\"", kw_text(slot));
  Val m = http_error_map("missing-binding", false, buf_cstr(&b));
  buf_free(&b);
  return m;
}

static Val resolve(const StepCall *c, LlmSpec *s) {
  Val conn = connection_of(c);
  if (is_nil(conn) && !is_nil(map_get_kw(step_config(c), "connection"))) return unbound(c);
  return llm_resolve(step_config(c), conn, s);
}

/* nil with *req and *plan; else the error's map, or a signal. Without `send` no secret is read. */
static Val request_of(StepCall *c, bool send, bool stream, HttpRequest *req, HttpPlan *plan) {
  LlmSpec s;
  Val http = NIL, bad = resolve(c, &s);
  Err err = {0};
  if (is_nil(bad)) bad = llm_request(&s, stream, &http);
  if (is_nil(bad)) bad = http_build(http, NULL, NULL, req, plan);
  if (!is_nil(bad)) return bad;
  const SecretSet *secrets = step_secrets(c);
  bool ok = send ? http_auth_apply(s.auth, secrets, step_secrets_used(c), req, &err) : http_auth_check(s.auth, secrets, &err);
  if (ok) return NIL;
  http_request_free(req);
  http_plan_free(plan);
  return http_error_map(err.code ? err.code : "validation", false, err.msg);
}

static Val llm_check(Engine *e, StepCall *c) {
  (void)e;
  HttpRequest req;
  HttpPlan plan;
  Val bad = request_of(c, false, false, &req, &plan);
  if (is_sig(bad)) return bad;
  if (is_map(bad)) return ex_throw_val(ex_make(EXC_INFO, map_get_kw(bad, "message"), bad, NIL));
  http_request_free(&req);
  http_plan_free(&plan);
  return NIL;
}

/* --- answers ------------------------------------------------------------------------------------------------------------------ */
static Flight *flight_take(uint64_t id) {
  Flight **at = &flights, *f;
  while (*at && (*at)->id != id) at = &(*at)->next;
  if ((f = *at)) *at = f->next;
  return f;
}

static void flight_free(Flight *f) {
  turn_end(&f->turn);
  if (f->feed) feed_release(f->feed);
  http_request_free(&f->req);
  http_plan_free(&f->plan);
  free(f);
}

static bool is_stream(const HttpResponse *r) {
  const char *ct = http_response_get(r, "content-type");
  return ct && !strncmp(ct, "text/event-stream", 17);
}

/* The answer's body as JSON, streamed or not; false: *out is the error. */
static bool body_of(const LlmSpec *s, HttpResponse *r, const Flight *f, Val *out, int64_t *retry_after) {
  if (r->err == HTTP_OK && r->sunk) { /* its bytes are in the feed: nobody else has it any more */
    free(r->body);
    r->body = buf_cstr(&f->feed->got);
    r->nbody = f->feed->got.n;
    f->feed->got = (Buf){0};
  }
  if (r->err == HTTP_OK && r->status == 200 && is_stream(r)) return llm_stream_body(s->wire, r->body, r->nbody, out, out);
  HttpPlan plan = f->plan;
  plan.as = HTTP_AS_TEXT;
  if (!http_result(r, &plan, now_ms(), out, retry_after)) return *out = llm_error(s, *out), false;
  Err e = {0};
  Val v = json_parse(r->body, r->nbody, &e);
  if (is_map(v)) return *out = v, true;
  Buf b = {0};
  buf_fmt(&b, "what the %s server answered is not a JSON object%s%.200s; is its address right?", s->backend, e.code ? ": " : "",
          e.code ? e.msg : "");
  *out = err_map("invalid-response", buf_cstr(&b));
  buf_free(&b);
  return false;
}

static void answered(Engine *e, StepCall *c, HttpResponse *r, const Flight *f) {
  LlmSpec s;
  Val out = resolve(c, &s);
  int64_t retry_after = -1;
  bool ok = is_nil(out) && body_of(&s, r, f, &out, &retry_after) && llm_answer(&s, out, &out);
  if (ok) step_done(e, c, out);
  else step_failed(e, c, out, retry_after);
}

static void responses(Engine *e, void *ctx) {
  (void)ctx;
  HttpResponse *r;
  while ((r = http_client_next(client))) {
    Flight *f = flight_take(r->id);
    StepCall *c = f && f->e ? step_by_token(f->e, f->token) : NULL;
    if (f) turn_end(&f->turn), turn_answered(r);
    if (c) answered(e, c, r, f);
    if (f) flight_free(f);
    http_response_free(r);
  }
}

static void pieces(Engine *e, void *ctx) {
  uint64_t n;
  (void)ctx;
  while (read(feed_fd, &n, sizeof n) < 0 && errno == EINTR) continue;
  for (Flight *f = flights; f; f = f->next) {
    StepCall *c = f->feed && f->e == e ? step_by_token(e, f->token) : NULL;
    LlmSpec s;
    if (c && is_nil(resolve(c, &s))) feed_tell(c, f->feed, s.wire);
  }
}

/* --- sending ------------------------------------------------------------------------------------------------------------------- */
static bool ready(Engine *e, Err *err) {
  Guard *guard = guard_from_env(err);
  if (!guard) return false;
  if (!client && !(client = http_client_new(guard, err))) return false;
  engine_watch(e, http_client_fd(client), responses, NULL);
  if (!turn_ready(e, err)) return false;
  if (!e->o.watched) return true;
  if (feed_fd < 0 && (feed_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) return err_set(err, "network", "eventfd: %s", strerror(errno));
  engine_watch(e, feed_fd, pieces, NULL);
  return true;
}

static void gather(Flight *f, HttpRequest *req) {
  f->feed = feed_new();
  HttpSink *sink = http_request_sink(req, f->feed, feed_write);
  sink->begin = feed_begin;
  sink->free = feed_release;
}

/* The attempt is over before it was sent. */
static void grounded(Flight *f, Val error) {
  Engine *e = f->e;
  StepCall *c = step_by_token(e, f->token);
  for (Flight **at = &flights; *at; at = &(*at)->next)
    if (*at == f) {
      *at = f->next;
      break;
    }
  flight_free(f);
  if (c) step_failed(e, c, error, -1);
}

static void take_off(void *ctx) {
  Flight *f = ctx;
  Err err = {0};
  f->id = http_client_send(client, &f->req, &err);
  if (!f->id) grounded(f, http_error_map("network", true, err.msg));
}

static Val platform_over(StepCall *c) {
  bool platform = truthy(map_get_kw(map_get_kw(connection_of(c), "config"), "platform-key"));
  return platform ? limits_platform_over(c->r->m->state) : NIL;
}

static void llm_start(Engine *e, StepCall *c) {
  Flight *f = calloc(1, sizeof *f);
  Err err = {0};
  if (!f) abort();
  f->e = e;
  f->token = step_token(c);
  Val cfg = step_config(c), bad = request_of(c, true, e->o.watched, &f->req, &f->plan);
  if (!is_nil(bad)) return grounded(f, is_map(bad) ? bad : http_error_map("validation", false, "the config holds what cannot be sent"));
  if (!is_nil(bad = platform_over(c))) return grounded(f, bad);
  if (kw_is(map_get_kw(cfg, "delivery"), "idempotent")) http_request_header(&f->req, "Idempotency-Key", step_key(c), false);
  f->req.fresh = kw_is(map_get_kw(cfg, "delivery"), "at-most-once");
  f->req.guard = e->o.guard;
  if (!ready(e, &err)) return grounded(f, http_error_map("network", true, err.msg));
  if (e->o.watched) gather(f, &f->req);
  f->next = flights;
  flights = f;
  TurnAsk ask = {map_get_kw(connection_of(c), "config"), map_get_kw(cfg, "connection"), f->req.url, c->r->workspace, c->r->slug};
  if (!turn_take(&f->turn, &ask, take_off, f, &err)) grounded(f, http_error_map("validation", false, err.msg));
}

static void llm_cancel(Engine *e, StepCall *c) {
  for (Flight **at = &flights, *f; (f = *at); at = &f->next) {
    if (f->e != e || f->token != step_token(c)) continue;
    if (f->id) {
      http_client_cancel(client, f->id); /* its response says so and finds nobody */
      return;
    }
    *at = f->next;
    flight_free(f);
    return;
  }
}

/* What waits goes, what was sent is nobody's. */
static void llm_gone(Engine *e) {
  for (Flight **at = &flights, *f; (f = *at);) {
    bool waits = f->e == e && !f->id;
    if (f->e == e && f->id) http_client_cancel(client, f->id), f->e = NULL;
    if (waits) *at = f->next, flight_free(f);
    else at = &f->next;
  }
}

/* --- more than one call (llm.clj) ------------------------------------------------------------------------------------------------- */
/* Exactly one of the options for structured answers, and one more try wanted. */
static bool may_ask_again(Val cfg) {
  Val o = map_get_kw(cfg, "output"), f = map_get_kw(cfg, "response-format"), s = map_get_kw(cfg, "json-schema");
  if (!is_nil(o) + !is_nil(f) + !is_nil(s) != 1) return false;
  return !same(map_get_kw(is_nil(o) ? f : o, "repair"), FALSE_V);
}

static bool many_calls(Val cfg) {
  Val tools = map_get_kw(cfg, "tools");
  bool runs = !is_nil(map_get_kw(tools, "steps")) || !is_nil(map_get_kw(tools, "agents")) || !is_nil(map_get_kw(tools, "mcp"));
  return runs || !is_nil(map_get_kw(cfg, "available-steps")) || may_ask_again(cfg);
}

void engine_llm_register(void) {
  static const StepKind llm = {.name = "llm", .check = llm_check, .start = llm_start, .cancel = llm_cancel, .gone = llm_gone};
  static const Composite calls = {"llm", "breyta.llm/run", many_calls}, agent = {"agent", "breyta.agent/run", NULL};
  engine_register(&llm);
  composite_register(&calls);
  composite_register(&agent);
}
