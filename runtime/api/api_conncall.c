/* api_conncall.c - what reaches out with a connection: tests of it, and one request. The engine goes on meanwhile. */
#include "api_connections.h"
#include "runtime/steps/conncheck.h"
#include "runtime/http/engine_http.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/offload.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS_AT_ONCE = 16, CALL_MS = 30000, SPARE_MS = 5000, CALL_BODY_MAX = 4 << 20 };

/* --- tests -------------------------------------------------------------------------------------------------------------------------------
 */
static OffloadPool pool = OFFLOAD_POOL("conn-test", TESTS_AT_ONCE, NULL);

typedef struct Testing {
  Api *api;
  ApiLater later;
  bool all, only_failing;
  size_t n, left;
  struct OneTest *each;
} Testing;
typedef struct OneTest {
  Testing *of;
  ConnCheck check;
  char id[130], name[256], type[64];
} OneTest;

static bool works(const OneTest *t) { return t->check.state == CONN_FINE; }
static bool fails(const OneTest *t) { return t->check.state != CONN_FINE && t->check.state != CONN_UNTESTED; }

static Val test_shown(const OneTest *t) {
  ValVec m = {0};
  api_put_text(&m, "connection-id", t->id);
  api_put_text(&m, "name", t->name);
  api_put_text(&m, "type", t->type);
  api_put(&m, "success", works(t) ? TRUE_V : FALSE_V);
  api_put_text(&m, "status", works(t) ? "ok" : fails(t) ? "failed" : "untested");
  api_put_text(&m, "state", conncheck_state(t->check.state));
  api_put_text(&m, "message", buf_cstr((Buf *)(uintptr_t)&t->check.says));
  return api_map(&m);
}

static Val tests_shown(const Testing *t) {
  ValVec items = {0}, m = {0}, sum = {0};
  int64_t ok = 0, failed = 0;
  for (size_t i = 0; i < t->n; i++) {
    ok += works(&t->each[i]);
    failed += fails(&t->each[i]);
    if (!t->only_failing || fails(&t->each[i])) vv_push(&items, test_shown(&t->each[i]));
  }
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&sum, "tested", int_val((int64_t)t->n));
  api_put(&sum, "ok", int_val(ok));
  api_put(&sum, "failed", int_val(failed));
  api_put(&m, "summary", api_map(&sum));
  return api_map(&m);
}

static void testing_free(Testing *t) {
  for (size_t i = 0; i < t->n; i++) buf_free(&t->each[i].check.says);
  free(t->each);
  free(t);
}

static void one_less(Testing *t, bool tell) {
  if (--t->left) return;
  if (tell) api_later_ok(t->api, &t->later, t->all ? tests_shown(t) : test_shown(&t->each[0]), NIL);
  testing_free(t);
}

static void test_work(void *arg) { conncheck_work(&((OneTest *)arg)->check); }
static void test_done(Engine *e, uint64_t token, void *arg) {
  OneTest *t = arg;
  (void)token;
  conncheck_end(&t->check);
  one_less(t->of, e != NULL);
}

static void test_begin(ApiCall *c, OneTest *t, Val record) {
  Err err = {0};
  Val name = map_get_kw(record, "name"), type = map_get_kw(record, "type");
  snprintf(t->id, sizeof t->id, "%s", str_s(map_get_kw(record, "id")));
  snprintf(t->name, sizeof t->name, "%s", is_str(name) ? str_s(name) : t->id);
  snprintf(t->type, sizeof t->type, "%s", is_kw(type) ? kw_text(type) : "");
  t->check = (ConnCheck){.connection = record, .secrets = api_workspace_secrets(c), .guard = true, .db = store_path(c->api->store), .callback = c->api->engine->base_url};
  conncheck_begin(&t->check);
  if (t->check.job && offload_run(&pool, c->api->engine, test_work, test_done, t, 0, &err)) return;
  if (t->check.job) conncheck_says(&t->check, CONN_UNTESTED, "%s", err.msg);
  conncheck_end(&t->check);
  t->of->left--;
}

/* `left` counts one more until all are begun: then the last of them answers. */
static bool test_these(ApiCall *c, Val records, bool all) {
  Testing *t = calloc(1, sizeof *t);
  size_t n = vec_count(records);
  if (!t || !(t->each = calloc(n + 1, sizeof *t->each))) abort();
  *t = (Testing){.api = c->api, .all = all, .only_failing = api_flag(c, "onlyFailing"), .n = n, .left = n + 1, .each = t->each};
  int64_t turns = (int64_t)(n / TESTS_AT_ONCE + 1);
  if (!api_put_off(c, &t->later, turns * 2 * CONNCHECK_MS + SPARE_MS)) {
    testing_free(t);
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    t->each[i].of = t;
    test_begin(c, &t->each[i], vec_nth(records, (uint32_t)i));
  }
  one_less(t, true);
  return true;
}

bool api_conn_test(ApiCall *c) {
  Val r;
  int64_t rev;
  return api_conn_find(c, api_path(c, "id"), &r, &rev) && test_these(c, vec_from(&r, 1), false);
}

bool api_conn_test_all(ApiCall *c) {
  Err err = {0};
  Val all = conn_store_list(c->api->store, c->workspace, NIL, NULL, SIZE_MAX, &err);
  return err.code ? api_fail_err(c, &err) : test_these(c, all, true);
}

/* --- one request
 * ---------------------------------------------------------------------------------------------------------------------------- */
typedef struct Calling {
  Api *api;
  ApiLater later;
  SecretUse *used;
} Calling;

static void calling_free(Calling *k) {
  secret_use_free(k->used);
  free(k);
}

static Val call_shown(bool ok, Val v) {
  ValVec m = {0};
  Val status = map_get_kw(v, "status");
  api_put(&m, "success", ok ? TRUE_V : FALSE_V);
  api_put(&m, "status", status);
  api_put(&m, "headers", api_shown(map_get_kw(v, "headers")));
  vv_push(&m, kw_c("body"));
  vv_push(&m, api_shown(map_get_kw(v, "body")));
  if (ok) return api_map(&m);
  ValVec e = {0};
  api_put(&e, "type", api_shown(map_get_kw(v, "type")));
  api_put(&e, "message", map_get_kw(v, "message"));
  api_put(&m, "error", api_map(&e));
  return api_map(&m);
}

static void call_done(Engine *e, void *ctx, bool ok, Val v, int64_t retry_after_ms) {
  Calling *k = ctx;
  (void)e;
  (void)retry_after_ms;
  Val clean = secret_clean(k->used, v);
  if (is_sig(clean))
    api_later_fail(k->api, &k->later, 500, "internal", "the answer cannot be shown", NIL);
  else
    api_later_ok(k->api, &k->later, call_shown(ok, clean), NIL);
  calling_free(k);
}

/* What stands behind the base URL in an address below it; NULL: it is elsewhere, where the credentials must not go. */
static const char *below(const char *url, const char *base) {
  size_t n = strlen(base);
  while (n && base[n - 1] == '/') n--;
  if (strncmp(url, base, n)) return NULL;
  return !url[n] || strchr("/?#", url[n]) ? url + n : NULL;
}

static void put_same(Val *cfg, ApiCall *c, const char *arg, const char *key) {
  Val v = api_arg(c, arg);
  if (!is_nil(v)) *cfg = map_assoc(*cfg, kw_c(key), v);
}

/* The options of the :http step that this is. */
static bool call_cfg(ApiCall *c, Val config, Val *cfg) {
  static const char *const same_as[][2] = {
      {"query", "query"},   {"headers", "headers"},         {"json", "json"}, {"form", "form"}, {"body", "body"},
      {"accept", "accept"}, {"contentType", "content-type"}};
  const char *url = api_text(c, "url"), *path = api_text(c, "path"), *method = api_text(c, "method"), *as = api_text(c, "responseAs");
  Val base = map_get_kw(config, "base-url"), include = api_arg(c, "includeHeaders");
  if (!is_str(base)) return api_fail(c, 409, "bad_connection", "the connection has no base-url, so there is nothing to call");
  if (url && path) return api_fail(c, 400, "bad_request", "send path or url, not both");
  if (url && !(path = below(url, str_s(base))))
    return api_fail(c, 400, "bad_request", "url must begin with %s: the credentials go nowhere else", str_s(base));
  *cfg = map_assoc(map_assoc(map_empty, kw_c("connection"), kw_c("it")), kw_c("path"), str_c(path ? path : ""));
  char lower[20];
  snprintf(lower, sizeof lower, "%s", method ? method : "get");
  for (char *p = lower; *p; p++)
    if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
  *cfg = map_assoc(*cfg, kw_c("method"), kw_c(lower));
  for (size_t i = 0; i < sizeof same_as / sizeof *same_as; i++) put_same(cfg, c, same_as[i][0], same_as[i][1]);
  if (as) *cfg = map_assoc(*cfg, kw_c("response-as"), kw_c(as));
  if (is_vec(include)) *cfg = map_assoc(*cfg, kw_c("include-headers"), include);
  *cfg = map_assoc(*cfg, kw_c("timeout"), int_val(api_int(c, "timeout", CALL_MS / 1000)));
  return true;
}

bool api_conn_call(ApiCall *c) {
  Val r, cfg, error = NIL;
  int64_t rev;
  if (!api_conn_find(c, api_path(c, "id"), &r, &rev) || !call_cfg(c, map_get_kw(r, "config"), &cfg)) return false;
  if (str_eq_c(map_get_kw(r, "status"), "disabled")) return api_fail(c, 409, "bad_connection", "the connection is switched off");
  Calling *k = calloc(1, sizeof *k);
  if (!k) abort();
  k->api = c->api;
  if (!api_put_off(c, &k->later, api_int(c, "timeout", CALL_MS / 1000) * 1000 + SPARE_MS)) return free(k), false;
  HttpCall call = {.cfg = cfg,
                   .bound = map_get_kw(r, "config"),
                   .secrets = api_workspace_secrets(c),
                   .used = &k->used,
                   .fresh = true,
                   .max_body = CALL_BODY_MAX,
                   .slot = NIL,
                   .workspace = c->workspace,
                   .flow = ""};
  if (!engine_http_call(c->api->engine, &call, call_done, k, &error)) call_done(c->api->engine, k, false, error, -1);
  return true;
}
