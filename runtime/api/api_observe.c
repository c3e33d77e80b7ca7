/* api_observe.c - what the server says about itself, and what requests did. See api.h, metrics.h, log.h
 *
 * /metrics and /readyz are open like every scraper's target: they hold figures of the process, with families of steps, statuses, classes
 * of errors and routes as labels; no workspace, flow, id, address or value is in them. */
#include "api.h"
#include "runtime/engine/engine_observe.h"
#include "runtime/base/log.h"
#include "runtime/base/metrics.h"
#include <string.h>

static const char text_format[] = "text/plain; version=0.0.4; charset=utf-8";

static void ready(ApiCall *c) {
  const char *why = observe_ready(c->api->engine);
  Buf b = {0};
  buf_c(&b, why ? "{\"ok\":false,\"error\":{\"code\":\"not_ready\",\"message\":\"" : "{\"ok\":true}");
  if (why) buf_fmt(&b, "%s\"}}", why); /* a fixed text */
  api_raw(c, "application/json", b.p, b.n);
  if (why) c->status = 503;
  buf_free(&b);
}

void api_self(ApiCall *c) {
  Buf b = {0};
  if (strcmp(c->request->key, "metrics")) {
    ready(c);
    return;
  }
  observe_text(c->api->engine, &b);
  api_raw(c, text_format, b.p, b.n);
  buf_free(&b);
}

/* Keys that are refused: who tries, and from where. The header itself is not told, not even the id in it: anything may stand there. */
static void refused(const ApiCall *c) {
  LogField f[] = {{"workspace", c->workspace, 0},
                  {"keyId", c->status == 403 ? c->key_id : NULL, 0},
                  {"route", c->command ? c->command->name : NULL, 0},
                  {"status", NULL, c->status},
                  {"code", c->code, 0},
                  {"peer", c->request->peer, 0}};
  log_line("warn", "auth-refused", f, sizeof f / sizeof *f);
}

void api_observe(const ApiCall *c) {
  const char *route = c->command ? c->command->name : c->request->door == LISTEN_SELF ? "self" : c->request->door == LISTEN_LOGIN ? "login" : "api";
  if (c->api->listener) engine_listen_route(c->api->listener, c->request->token, route);
  if (c->status == 401 || c->status == 403) refused(c);
}

/* Rolled back: pointed at an older version than before, or than the newest where nobody says what was before. */
static bool backwards(const ApiCall *c) {
  if (!is_map(c->data)) return false;
  Val to = map_get_kw(c->data, "version"), was = map_get_kw(c->data, "previousVersion");
  if (is_nil(was) && !strcmp(c->command->name, "flows.versions.activate")) was = map_get_kw(c->data, "latestVersion");
  return is_long(to) && is_long(was) && long_of(to) < long_of(was);
}

const char *api_observe_change(const ApiCall *c) {
  static const struct {
    const char *command, *change;
  } known[] = {{"flows.release", "release"}, {"flows.versions.publish", "publish"}, {"flows.promote", "promote"}, {"flows.versions.activate", "activate"},
               {"flows.put_draft", "draft"}, {"flows.archive", "archive"},          {"flows.delete", "delete"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    bool points = !strcmp(known[i].change, "promote") || !strcmp(known[i].change, "activate");
    if (!strcmp(known[i].command, c->command->name)) return points && backwards(c) ? "rollback" : known[i].change;
  }
  return NULL;
}

void api_observe_changed(const char *change) {
  if (change) metric_count(METRIC_flow_changes_total, change, NULL);
}
