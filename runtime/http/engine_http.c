/* engine_http.c - the :http step kind: the step's config becomes a plain request for the client's I/O thread, its response
 * comes back by number and becomes the step's result. With :delivery :idempotent the step's key travels as the
 * Idempotency-Key header; with :at-most-once the request never rides on a kept connection, because curl would repeat it.
 *
 * A flight is one attempt: BUILT (checked, before its intent is durable), TOKEN (waits for an access token), QUEUED (for its turn at
 * its gate, http_limit.h), SENT. A cancel takes it out of wherever it is. */
#include "engine_http.h"
#include "runtime/engine/engine_int.h"
#include "http_auth.h"
#include "http_blob.h"
#include "http_build.h"
#include "http_result.h"
#include "http_token.h"
#include "http_turn.h"
#include "runtime/engine/engine_trace.h"
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

typedef struct Flight {
  uint64_t id, token; /* of the client, once sent; of the call */
  Engine *e;
  HttpRequest req; /* until it is sent */
  HttpPlan plan;
  Turn turn;
  TokenWait *wait;
  char *bearer;    /* the access token that was used */
  HttpSave *save;  /* the body goes into a blob */
  Token *exchange; /* not a step's request but the one for this token */
  HttpDone done;   /* not a step's request either: who made it is told */
  void *ctx;
  uint64_t caller; /* of those: the call that it is for, 0: none */
  struct Flight *next;
} Flight;

enum { BUCKETS = 1024 };
static HttpClient *client;
static Flight *flights[BUCKETS];  /* sent ones by id */
static Flight *grounded[BUCKETS]; /* built ones and those that wait, by token */

static Flight **bucket(uint64_t id) { return &flights[(id >> 1) % BUCKETS]; } /* the lowest bit says whether it is guarded */

static Flight *flight_take(uint64_t id) {
  for (Flight **at = bucket(id); *at; at = &(*at)->next)
    if ((*at)->id == id) {
      Flight *f = *at;
      *at = f->next;
      return f;
    }
  return NULL;
}

static Flight **ground_bucket(uint64_t token) { return &grounded[(token ^ token >> 24) % BUCKETS]; }

/* Where the flight of that call is; *at is NULL when there is none. */
static Flight **grounded_of(uint64_t token) {
  Flight **at = ground_bucket(token);
  while (*at && (*at)->token != token) at = &(*at)->next;
  return at;
}

static void ground(Flight *f) {
  f->next = *ground_bucket(f->token);
  *ground_bucket(f->token) = f;
}

static void unground(Flight *f) {
  Flight **at = ground_bucket(f->token);
  while (*at && *at != f) at = &(*at)->next;
  if (*at) *at = f->next;
}

static void flight_free(Flight *f) {
  turn_end(&f->turn);
  if (f->wait) token_forget(f->wait);
  if (f->bearer) explicit_bzero(f->bearer, strlen(f->bearer));
  free(f->bearer);
  http_request_free(&f->req);
  http_plan_free(&f->plan);
  http_save_free(f->save);
  free(f);
}

static Flight *flight_new(Engine *e) {
  Flight *f = calloc(1, sizeof *f);
  if (!f) abort();
  f->e = e;
  return f;
}

static Val error_of(const Err *err, bool retryable) { return http_error_map(err->code ? err->code : "validation", retryable, err->msg); }

/* ---- answers ---- */

static void landed(Engine *e, Flight *f, const HttpResponse *r) {
  StepCall *c = step_by_token(e, f->token);
  Val out = http_save_error(f->save);
  int64_t retry_after = -1;
  turn_answered(r);
  if (r->status == 401 && f->bearer) token_refused(f->bearer);
  if (!c) return;
  if (!is_nil(out) || !http_result(r, &f->plan, now_ms(), &out, &retry_after)) step_failed(e, c, out, retry_after);
  else if (r->sunk) {
    http_save_finish(f->save, e, c, out);
    f->save = NULL;
  } else step_done(e, c, out);
}

static void call_ended(Engine *e, const Flight *f, const HttpResponse *r) {
  Val out = NIL;
  int64_t retry_after = -1;
  turn_answered(r);
  bool ok = http_result(r, &f->plan, now_ms(), &out, &retry_after);
  f->done(e, f->ctx, ok, out, retry_after);
}

static void responses(Engine *e, void *ctx) {
  (void)ctx;
  HttpResponse *r;
  while ((r = http_client_next(client))) {
    Flight *f = flight_take(r->id);
    if (f && f->e && f->exchange) token_answer(f->exchange, r, NULL, now_ms());
    else if (f && f->e) { /* else its engine is gone */
      turn_end(&f->turn);
      if (f->done) call_ended(e, f, r);
      else landed(e, f, r);
    }
    if (f) flight_free(f);
    http_response_free(r);
  }
}

static bool client_ready(Engine *e, Err *err) {
  Guard *guard = guard_from_env(err);
  if (!guard) return false;
  if (!client && !(client = http_client_new(guard, err))) return false;
  engine_watch(e, http_client_fd(client), responses, NULL);
  return turn_ready(e, err);
}

/* ---- from the call to a request ---- */

/* The step's own :auth wins over its connection's. */
static Val auth_of(Val cfg, Val config) {
  Val own = map_get_kw(cfg, "auth");
  return is_nil(own) ? map_get_kw(config, "auth") : own;
}

static Val conn_config(const StepCall *c, Val cfg) {
  Val slot = map_get_kw(cfg, "connection");
  return is_kw(slot) ? map_get_kw(step_connection(c, slot), "config") : NIL;
}

static bool rest_ok(StepCall *c, Val cfg, Val config, Err *err) {
  return turn_check(config, err) && http_auth_check(auth_of(cfg, config), step_secrets(c), err);
}

/* nil with the flight's request and plan; else the error's map, or a signal. No secret is read. */
static Val build(StepCall *c, Flight *f) {
  Val cfg = step_config(c), config = conn_config(c, cfg), base = map_get_kw(config, "base-url");
  HttpConn conn = {.base_url = is_str(base) ? str_s(base) : NULL, .headers = map_get_kw(config, "headers"), .query = map_get_kw(config, "query")};
  Err err = {0};
  char trace[56];
  HttpRefs refs = http_refs(c);
  Val bad = http_build(cfg, conn.base_url ? &conn : NULL, &refs, &f->req, &f->plan);
  if (!is_nil(bad)) return bad;
  if (!http_request_get(&f->req, "traceparent") && trace_header(c, trace)) http_request_header(&f->req, "traceparent", trace, false);
  f->save = http_save_new(c->r->e, c, &f->plan, &f->req);
  return rest_ok(c, cfg, config, &err) ? NIL : error_of(&err, false);
}

/* Built ones whose run has been dropped before its intent was durable. */
static void sweep(Engine *e) {
  static unsigned turn;
  for (Flight **at = &grounded[turn++ % BUCKETS]; *at;) {
    Flight *f = *at;
    if (f->e != e || turn_waits(&f->turn) || f->wait || step_by_token(e, f->token)) {
      at = &f->next;
      continue;
    }
    *at = f->next;
    flight_free(f);
  }
}

/* The config as far as it can be judged before the intent is written. The request is kept for http_start. */
static Val http_check(Engine *e, StepCall *c) {
  sweep(e);
  Flight *f = flight_new(e);
  Val bad = build(c, f);
  if (is_nil(bad)) {
    f->token = step_token(c);
    ground(f);
    return NIL;
  }
  flight_free(f);
  return is_map(bad) ? ex_throw_val(ex_make(EXC_INFO, map_get_kw(bad, "message"), bad, NIL)) : bad;
}

/* ---- sending ---- */

static void crash(Flight *f, Val error) {
  Engine *e = f->e;
  StepCall *c = step_by_token(e, f->token);
  HttpDone done = f->done;
  void *ctx = f->ctx;
  unground(f);
  flight_free(f);
  if (done) done(e, ctx, false, error, -1);
  else if (c) step_failed(e, c, error, -1);
}

static bool launch(Flight *f, Err *err) {
  f->id = http_client_send(client, &f->req, err);
  if (!f->id) return false;
  unground(f);
  f->next = *bucket(f->id);
  *bucket(f->id) = f;
  return true;
}

static void take_off(Flight *f) {
  Err err = {0};
  StepCall *c = step_by_token(f->e, f->token);
  if (c) http_save_clean(f->save, *step_secrets_used(c));
  if (!launch(f, &err)) crash(f, http_error_map("network", true, err.msg));
}

/* A call whose step is over by now (cancelled while it waited) is not made. */
static bool still_wanted(const Flight *f) { return !f->caller || step_by_token(f->e, f->caller); }

static void my_turn(void *ctx) {
  Flight *f = ctx;
  if (still_wanted(f)) take_off(f);
  else crash(f, http_error_map("cancelled", false, "nobody waits for it any more"));
}

static void queue(Flight *f, StepCall *c) {
  Val cfg = step_config(c);
  TurnAsk ask = {conn_config(c, cfg), map_get_kw(cfg, "connection"), f->req.url, c->r->workspace, c->r->slug};
  Err err = {0};
  if (!turn_take(&f->turn, &ask, my_turn, f, &err)) crash(f, error_of(&err, false));
}

/* ---- access tokens ---- */

static void with_token(Flight *f, StepCall *c, const char *token) {
  Val cfg = step_config(c);
  f->bearer = strdup(token);
  if (!f->bearer) abort();
  http_auth_token(auth_of(cfg, conn_config(c, cfg)), token, step_secrets_used(c), &f->req);
  queue(f, c);
}

static void token_here(void *ctx, const char *token, const Err *err, bool retryable) {
  Flight *f = ctx;
  StepCall *c = step_by_token(f->e, f->token);
  f->wait = NULL;
  if (c && token) with_token(f, c, token);
  else crash(f, error_of(err, retryable));
}

static void ask_token(Flight *f, Token *t, HttpRequest *req) {
  Flight *x = flight_new(f->e);
  Err err = {0};
  x->exchange = t;
  x->req = *req;
  x->req.guard = f->req.guard;
  if (launch(x, &err)) return;
  flight_free(x);
  token_answer(t, NULL, &err, now_ms());
}

static void fetch_token(Flight *f, StepCall *c, Val auth) {
  Buf scope = {0};
  Err err = {0};
  HttpRequest req = {0};
  Token *t = NULL;
  bool ask = false;
  const char *key = http_auth_google(auth, step_secrets(c), step_secrets_used(c), &scope, &err), *token = NULL;
  if (key) token = token_get(key, buf_cstr(&scope), now_ms(), token_here, f, &f->wait, &ask, &req, &t, &err);
  buf_free(&scope);
  if (ask) ask_token(f, t, &req);
  else if (token) with_token(f, c, token);
  else if (!f->wait) crash(f, error_of(&err, false));
}

/* ---- the step ---- */

static bool headers_of_step(Flight *f, StepCall *c, Err *err) {
  Val cfg = step_config(c), delivery = map_get_kw(cfg, "delivery"), auth = auth_of(cfg, conn_config(c, cfg));
  if (!http_auth_apply(auth, step_secrets(c), step_secrets_used(c), &f->req, err)) return false;
  if (kw_is(delivery, "idempotent")) http_request_header(&f->req, "Idempotency-Key", step_key(c), false);
  f->req.fresh = kw_is(delivery, "at-most-once");
  f->req.guard = f->e->o.guard;
  return client_ready(f->e, err);
}

static void http_start(Engine *e, StepCall *c) {
  Flight **at = grounded_of(step_token(c)), *f = *at;
  Err err = {0};
  if (!f) { /* after a crash, or another attempt: nothing is kept */
    f = flight_new(e);
    f->token = step_token(c);
    Val bad = build(c, f);
    ground(f);
    if (!is_nil(bad)) return crash(f, is_map(bad) ? bad : http_error_map("validation", false, "the config holds what cannot be sent"));
  }
  if (!headers_of_step(f, c, &err)) return crash(f, error_of(&err, false));
  Val auth = auth_of(step_config(c), conn_config(c, step_config(c)));
  if (http_auth_is_google(auth)) fetch_token(f, c, auth);
  else queue(f, c);
}

static void http_cancel(Engine *e, StepCall *c) {
  Flight **at = grounded_of(step_token(c)), *f = *at;
  (void)e;
  if (f) {
    *at = f->next;
    flight_free(f);
    return;
  }
  for (size_t i = 0; i < BUCKETS; i++)
    for (f = flights[i]; f; f = f->next)
      if (f->token == step_token(c)) http_client_cancel(client, f->id); /* its response says so and finds nobody */
}

/* What was built goes, what was sent is nobody's. */
static void http_gone(Engine *e) {
  for (size_t i = 0; i < BUCKETS; i++) {
    for (Flight **at = &grounded[i], *f; (f = *at);) {
      if (f->e != e) {
        at = &f->next;
        continue;
      }
      *at = f->next;
      flight_free(f);
    }
    for (Flight *f = flights[i]; f; f = f->next)
      if (f->e == e && !f->exchange) {
        f->e = NULL;
        http_client_cancel(client, f->id);
      }
  }
}

/* ---- calls of others ---- */

static bool call_auth(const HttpCall *call, HttpRequest *req, Err *err) {
  Val auth = map_get_kw(call->bound, "auth");
  if (http_auth_is_google(auth)) return err_set(err, "validation", "a connection with :auth {:type :google-service-account} is for :http steps");
  return http_auth_apply(auth, call->secrets, call->used, req, err);
}

static bool call_build(const HttpCall *call, Flight *f, Val *error) {
  Val base = map_get_kw(call->bound, "base-url");
  HttpConn conn = {.base_url = is_str(base) ? str_s(base) : NULL, .headers = map_get_kw(call->bound, "headers"), .query = map_get_kw(call->bound, "query")};
  Err err = {0};
  *error = http_build(call->cfg, conn.base_url ? &conn : NULL, NULL, &f->req, &f->plan);
  if (is_sig(*error)) *error = http_error_map("validation", false, "it holds what cannot be sent");
  if (!is_nil(*error)) return false;
  if (f->req.nbody > call->max_body) err_set(&err, "oversize", "the body has %zu bytes, and %zu are allowed", f->req.nbody, call->max_body);
  else if (call_auth(call, &f->req, &err)) return true;
  *error = error_of(&err, false);
  return false;
}

bool engine_http_call(Engine *e, const HttpCall *call, HttpDone done, void *ctx, Val *error) {
  Err err = {0};
  Flight *f = flight_new(e);
  f->done = done;
  f->ctx = ctx;
  f->caller = call->token;
  if (!call_build(call, f, error)) return flight_free(f), false;
  if (call->key) http_request_header(&f->req, "Idempotency-Key", call->key, false);
  f->req.fresh = call->fresh;
  f->req.guard = e->o.guard;
  TurnAsk ask = {call->bound, call->slot, f->req.url, call->workspace, call->flow};
  if (!client_ready(e, &err) || !turn_check(ask.config, &err)) {
    flight_free(f);
    *error = error_of(&err, false);
    return false;
  }
  ground(f); /* from here on `done` says what comes of it */
  turn_take(&f->turn, &ask, my_turn, f, &err);
  return true;
}

void engine_http_register(void) {
  static const StepKind http = {.name = "http", .check = http_check, .start = http_start, .cancel = http_cancel, .gone = http_gone};
  engine_register(&http);
}
