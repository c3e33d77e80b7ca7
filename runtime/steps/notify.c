/* notify.c - see notify.h. A failure to deliver is a result, not an error: {:sent? false :errors [..]}, once :retry has nothing
 * more to try. */
#include "notify.h"
#include "runtime/base/limits.h"
#include "runtime/store/connection.h"
#include "runtime/engine/engine_int.h"
#include "runtime/http/http_build.h"
#include "runtime/template/template_step.h"
#include <stdlib.h>

/* ---- the shape ---- */

static const char *const channel_keys[] = {"connection", "url", "path", "method", "headers", "query", "json", "form", "body",
                                           "content-type", "timeout", "template", "data", NULL};

static bool in_list(const char *const *list, Val k) {
  for (; *list; list++)
    if (kw_is(k, *list)) return true;
  return false;
}

static bool unknown(Err *e, const char *what, Val k, const char *works) {
  err_set(e, "validation", "%s %s%.60s %s", what, is_kw(k) ? ":" : "", is_kw(k) ? kw_text(k) : is_str(k) ? str_s(k) : "?", works);
  return false;
}

static bool channel_check(Val http, Err *e) {
  MapIter it;
  Val k, v;
  if (!is_map(http)) return err_set(e, "validation", ":channels :http must be a map such as {:url \"https://..\" :json {..}}");
  if (!is_nil(map_get_kw(http, "auth"))) return err_set(e, "validation", ":channels :http takes no :auth; bind the credentials to a :connection");
  map_iter(&it, http);
  while (map_next(&it, &k, &v))
    if (!in_list(channel_keys, k)) return unknown(e, ":channels :http has no option", k, "; it takes :connection or :url, :path :method :headers :query :json :form :body :template :data");
  bool url = !is_nil(map_get_kw(http, "url")), conn = !is_nil(map_get_kw(http, "connection")), templated = !is_nil(map_get_kw(http, "template"));
  if (url && conn) return err_set(e, "validation", ":channels :http has both :url and :connection; use one");
  if (!url && !conn && !templated) return err_set(e, "validation", ":channels :http needs :connection, a slot of :requires, or :url");
  if (!is_nil(map_get_kw(http, "data")) && !is_map(map_get_kw(http, "data"))) return err_set(e, "validation", ":channels :http :data must be a map");
  return true;
}

bool notify_channels_check(Val channels, Err *e) {
  MapIter it;
  Val k, v;
  if (is_nil(channels)) return err_set(e, "validation", ":notify needs :channels, such as {:http {:url \"https://..\" :json {..}}}");
  if (!is_map(channels) || !map_count(channels)) return err_set(e, "validation", ":channels must be a map such as {:http {:url \"https://..\" :json {..}}}");
  map_iter(&it, channels);
  while (map_next(&it, &k, &v)) {
    if (kw_is(k, "ui")) return err_set(e, "validation", ":channels :ui does not exist; send an :http channel, or use a :wait that people answer");
    if (!kw_is(k, "http")) return unknown(e, ":channels knows no", k, "; the one channel is :http (for email, the HTTP API of a mail service)");
    if (!channel_check(v, e)) return false;
  }
  return true;
}

/* ---- the request ---- */

Val notify_request(Val channel, Val data, Val extra, Val templates, Val *error) {
  Val all = map_merge(map_merge(data, map_get_kw(channel, "data")), extra), out = channel;
  if (!is_nil(map_get_kw(channel, "template"))) {
    out = template_config(templates, "http", is_nil(all) ? channel : map_assoc(channel, kw_c("data"), all), error);
  } else if (!is_nil(all)) {
    out = template_strings(kw_c("http"), map_dissoc(channel, kw_c("data")), all, &(TemplateOptions){.braces = !is_nil(extra)}, error);
  }
  if (same(out, ABSENT)) return out;
  return is_nil(map_get_kw(out, "method")) ? map_assoc(out, kw_c("method"), kw_c("post")) : out;
}

/* ---- the result ---- */

/* Of an error what helps to see why: not the answer's headers. */
static Val short_error(Val e) {
  static const char *const keys[] = {"type", "message", "status", "body"};
  Val out = map_empty;
  out = map_assoc(out, kw_c("channel"), kw_c("http"));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    Val v = map_get_kw(e, keys[i]);
    if (!is_nil(v)) out = map_assoc(out, kw_c(keys[i]), v);
  }
  return out;
}

Val notify_result(bool ok, Val v) {
  Val status = map_get_kw(v, "status");
  Val http[] = {kw_c("sent?"), bool_val(ok), kw_c("status"), status};
  Val channels[] = {kw_c("http"), map_from(http, is_nil(status) ? 1 : 2, false)};
  Val kv[] = {kw_c("sent?"), bool_val(ok), kw_c("channels"), map_from(channels, 1, false)};
  Val m = map_from(kv, 2, false), error = ok ? NIL : short_error(v);
  return ok ? m : map_assoc(m, kw_c("errors"), vec_from(&error, 1));
}

/* ---- the step ---- */

static Val step_templates(const StepCall *c) {
  Run *r = c->r;
  Err err = {0};
  if (!r->def && !engine_def(r->e, r->source_hash, &r->def, NULL, &err)) return NIL;
  return map_get_kw(r->def->map, "templates");
}

static Val invalid(Val error) { return ex_throw_val(ex_make(EXC_INFO, map_get_kw(error, "message"), error, NIL)); }

static Val invalid_text(const StepCall *c, const char *msg) {
  Buf b = {0};
  buf_fmt(&b, "step :%s: %s", id_text(c->id), msg);
  Val m = map_assoc(err_map("validation", buf_cstr(&b)), kw_c("retryable?"), FALSE_V);
  buf_free(&b);
  return invalid(m);
}

static Val request_of(const StepCall *c, Val *error) {
  Val cfg = c->cfg, data = map_get_kw(cfg, "data");
  return notify_request(map_get_kw(map_get_kw(cfg, "channels"), "http"), data, NIL, step_templates(c), error);
}

static Val notify_check(Engine *e, StepCall *c) {
  Err err = {0};
  Val error = NIL, data = map_get_kw(c->cfg, "data");
  (void)e;
  if (!notify_channels_check(map_get_kw(c->cfg, "channels"), &err)) return invalid_text(c, err.msg);
  if (!is_nil(data) && !is_map(data)) return invalid_text(c, ":data must be a map");
  return same(request_of(c, &error), ABSENT) ? invalid(error) : NIL;
}

/* The result, unless :retry has another attempt for such an error. */
static void notify_done(Engine *e, StepCall *c, bool ok, Val v, int64_t retry_after) {
  Val able = map_get_kw(v, "retryable?"), status = map_get_kw(v, "status");
  bool again = !ok && c->attempt < c->retry->max_attempts && !same(able, FALSE_V) &&
               backoff_retryable(c->retry, kw_text(map_get_kw(v, "type")), is_long(status) ? long_of(status) : 0);
  if (again) step_failed(e, c, v, retry_after);
  else step_done(e, c, notify_result(ok, v));
}

static void notify_ended(Engine *e, void *ctx, bool ok, Val v, int64_t retry_after) {
  StepCall *c = step_by_token(e, *(uint64_t *)ctx);
  free(ctx);
  if (c) notify_done(e, c, ok, v, retry_after);
}

static void notify_start(Engine *e, StepCall *c) {
  Val error = NIL, req = request_of(c, &error);
  uint64_t *token = malloc(sizeof *token);
  if (!token) abort();
  *token = c->token;
  if (!same(req, ABSENT)) {
    Val slot = map_get_kw(req, "connection"), t = map_get_kw(c->cfg, "timeout"), delivery = map_get_kw(c->cfg, "delivery");
    if (!is_nil(t) && is_nil(map_get_kw(req, "timeout"))) req = map_assoc(req, kw_c("timeout"), t);
    Val bound = is_kw(slot) ? step_connection(c, slot) : NIL;
    const char *why = is_kw(slot) && is_nil(bound) ? target_problem(run_target(c->r)) : NULL;
    HttpCall call = {.cfg = req, .bound = map_get_kw(bound, "config"), .secrets = step_secrets(c),
                     .used = step_secrets_used(c), .key = kw_is(delivery, "idempotent") ? step_key(c) : NULL,
                     .fresh = kw_is(delivery, "at-most-once"), .max_body = NOTIFY_MAX_BODY,
                     .slot = slot, .workspace = c->r->workspace, .flow = c->r->slug, .token = c->token};
    if (why) error = http_error_map("connection-unreadable", false, str_s(str_fmt("the connection of the slot %s cannot be read: %s", kw_text(slot), why)));
    else if (engine_http_call(e, &call, notify_ended, token, &error)) return;
  }
  free(token);
  notify_done(e, c, false, error, -1);
}

void notify_register(void) {
  static const StepKind notify = {.name = "notify", .check = notify_check, .start = notify_start};
  engine_register(&notify);
}
