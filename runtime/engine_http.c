/* engine_http.c - the :http step kind: the step's config becomes a plain request for the client's I/O thread, its response
 * comes back by number and becomes the step's result. With :delivery :idempotent the step's key travels as the
 * Idempotency-Key header; with :at-most-once the request never rides on a kept connection, because curl would repeat it. */
#include "engine_http.h"
#include "engine_int.h"
#include "http_auth.h"
#include "http_build.h"
#include "http_result.h"
#include <stdlib.h>

typedef struct Flight { uint64_t id, token; HttpPlan plan; HttpDone done; void *ctx; struct Flight *next; } Flight; /* done: of a call that is no step's */

static Guard *guard;
static HttpClient *client;
static Flight *flights;

static Flight *flight_take(uint64_t id) {
  for (Flight **at = &flights; *at; at = &(*at)->next)
    if ((*at)->id == id) {
      Flight *f = *at;
      *at = f->next;
      return f;
    }
  return NULL;
}

static void flight_free(Flight *f) {
  http_plan_free(&f->plan);
  free(f);
}

static void call_ended(Engine *e, const Flight *f, const HttpResponse *r) {
  Val out = NIL;
  int64_t retry_after = -1;
  bool ok = http_result(r, &f->plan, now_ms(), &out, &retry_after);
  f->done(e, f->ctx, ok, out, retry_after);
}

static void responses(Engine *e, void *ctx) {
  (void)ctx;
  HttpResponse *r;
  while ((r = http_client_next(client))) {
    Flight *f = flight_take(r->id);
    StepCall *c = f && !f->done ? step_by_token(e, f->token) : NULL;
    if (f && f->done) call_ended(e, f, r);
    if (c) {
      Val out = NIL;
      int64_t retry_after = -1;
      if (http_result(r, &f->plan, now_ms(), &out, &retry_after)) step_done(e, c, out);
      else step_failed(e, c, out, retry_after);
    }
    if (f) flight_free(f);
    http_response_free(r);
  }
}

static bool client_ready(Engine *e, Err *err) {
  if (!guard && !(guard = guard_from_env(err))) return false;
  if (!client && !(client = http_client_new(guard, err))) return false;
  engine_watch(e, http_client_fd(client), responses, NULL);
  return true;
}

/* ---- from the call to a request ---- */

static Val error_of(const Err *err) { return http_error_map(err->code ? err->code : "validation", false, err->msg); }

/* The step's own :auth wins over its connection's. */
static Val auth_of(Val cfg, Val config) {
  Val own = map_get_kw(cfg, "auth");
  return is_nil(own) ? map_get_kw(config, "auth") : own;
}

static Val conn_of(const StepCall *c, Val cfg, HttpConn *conn) {
  Val slot = map_get_kw(cfg, "connection"), bound = is_kw(slot) ? step_connection(c, slot) : NIL;
  Val config = map_get_kw(bound, "config"), base = map_get_kw(config, "base-url");
  *conn = (HttpConn){.base_url = is_str(base) ? str_s(base) : NULL, .headers = map_get_kw(config, "headers"), .query = map_get_kw(config, "query")};
  return config;
}

/* nil with *req and *plan; else the error's map, or a signal. Without `send` no secret is read. */
static Val request_of(StepCall *c, bool send, HttpRequest *req, HttpPlan *plan) {
  Val cfg = step_config(c);
  HttpConn conn;
  Err err = {0};
  Val config = conn_of(c, cfg, &conn), bad = http_build(cfg, conn.base_url ? &conn : NULL, req, plan);
  if (!is_nil(bad)) return bad;
  Val auth = auth_of(cfg, config);
  if (send ? http_auth_apply(auth, step_secrets(c), step_secrets_used(c), req, &err) : http_auth_check(auth, step_secrets(c), &err)) return NIL;
  http_request_free(req);
  http_plan_free(plan);
  return error_of(&err);
}

/* The config as far as it can be judged before the intent is written. */
static Val http_check(Engine *e, StepCall *c) {
  (void)e;
  HttpRequest req;
  HttpPlan plan;
  Val bad = request_of(c, false, &req, &plan);
  if (is_sig(bad)) return bad;
  if (is_map(bad)) return ex_throw_val(ex_make(EXC_INFO, map_get_kw(bad, "message"), bad, NIL));
  http_request_free(&req);
  http_plan_free(&plan);
  return NIL;
}

static void fail(Engine *e, StepCall *c, const Err *err) {
  step_failed(e, c, http_error_map("network", true, err->msg), -1);
}

static void http_start(Engine *e, StepCall *c) {
  HttpRequest req;
  Flight *f = calloc(1, sizeof *f);
  Err err = {0};
  if (!f) abort();
  Val cfg = step_config(c), bad = request_of(c, true, &req, &f->plan);
  if (!is_nil(bad)) {
    free(f);
    step_failed(e, c, is_map(bad) ? bad : http_error_map("validation", false, "the config holds what cannot be sent"), -1);
    return;
  }
  Val delivery = map_get_kw(cfg, "delivery");
  if (kw_is(delivery, "idempotent")) http_request_header(&req, "Idempotency-Key", step_key(c), false);
  req.fresh = kw_is(delivery, "at-most-once");
  req.guard = e->o.guard;
  f->token = step_token(c);
  if (client_ready(e, &err)) f->id = http_client_send(client, &req, &err);
  else http_request_free(&req);
  if (!f->id) {
    flight_free(f);
    fail(e, c, &err);
    return;
  }
  f->next = flights;
  flights = f;
}

/* ---- calls of others ---- */

static bool call_build(const HttpCall *call, HttpRequest *req, HttpPlan *plan, Val *error) {
  Val base = map_get_kw(call->bound, "base-url");
  HttpConn conn = {.base_url = is_str(base) ? str_s(base) : NULL, .headers = map_get_kw(call->bound, "headers"), .query = map_get_kw(call->bound, "query")};
  Err err = {0};
  *error = http_build(call->cfg, conn.base_url ? &conn : NULL, req, plan);
  if (is_sig(*error)) *error = http_error_map("validation", false, "it holds what cannot be sent");
  if (!is_nil(*error)) return false;
  Buf text = {0};
  buf_fmt(&text, "the body has %zu bytes, and %zu are allowed", req->nbody, call->max_body);
  if (req->nbody > call->max_body) *error = http_error_map("oversize", false, buf_cstr(&text));
  else if (!http_auth_apply(map_get_kw(call->bound, "auth"), call->secrets, call->used, req, &err)) *error = error_of(&err);
  buf_free(&text);
  if (is_nil(*error)) return true;
  http_request_free(req);
  http_plan_free(plan);
  return false;
}

bool engine_http_call(Engine *e, const HttpCall *call, HttpDone done, void *ctx, Val *error) {
  HttpRequest req;
  Err err = {0};
  Flight *f = calloc(1, sizeof *f);
  if (!f) abort();
  if (!call_build(call, &req, &f->plan, error)) return free(f), false;
  if (call->key) http_request_header(&req, "Idempotency-Key", call->key, false);
  req.fresh = call->fresh;
  req.guard = e->o.guard;
  f->done = done;
  f->ctx = ctx;
  if (client_ready(e, &err)) f->id = http_client_send(client, &req, &err);
  else http_request_free(&req);
  if (!f->id) {
    flight_free(f);
    *error = http_error_map("network", true, err.msg);
    return false;
  }
  f->next = flights;
  flights = f;
  return true;
}

void engine_http_register(void) {
  static const StepKind http = {"http", http_check, http_start, NULL};
  engine_register(&http);
}
