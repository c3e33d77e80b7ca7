/* test_api.c - the API without a socket: scopes, keys that are over, answers that are forgotten; the clock is ours. */
#include "runtime/api/api.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/cli_run.h"
#include "runtime/base/hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int64_t clock_now = 1750000000000;
static int64_t fake_now(void *ctx) { return (void)ctx, clock_now; }

typedef struct World {
  Api api;
} World;

static int set_up(void **state) {
  Err err = {0};
  World *w = calloc(1, sizeof *w);
  cli_engine_values();
  clock_port.now_ms = fake_now;
  w->api.store = store_open("mem", &(StoreOptions){.memory = true, .executor = true}, &err);
  assert_non_null(w->api.store);
  w->api.engine = engine_new(w->api.store, &(EngineOptions){.workspace = "ws", .serves = true}, &err);
  assert_non_null(w->api.engine);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  World *w = *state;
  engine_free(w->api.engine);
  store_close(w->api.store);
  free(w);
  return 0;
}

/* A key whose secret is "s", for id, of a service account of its own. */
static void key(World *w, const char *id, const char *scope, const char *status, int64_t expires) {
  char hash[65];
  Err err = {0};
  Val caps[] = {str_c(scope)};
  hash_sha256_hex("s", 1, hash);
  Batch *b = batch_new();
  ValVec m = {0};
  ApiKey k = {.id = id, .workspace = "ws", .account = id, .name = id, .secret_hash = hash, .metadata = NIL, .expires_ms = expires};
  api_put_text(&m, "status", status);
  api_put(&m, "capabilities", vec_from(caps, 1));
  assert_true(api_doc_put(b, "ws", "service-account", id, api_map(&m), DOC_NEW, clock_now, 0) && api_key_put(b, &k));
  assert_true(store_submit_wait(w->api.store, b, &err));
}

/* The status of a command with that key; the answer's text in a static buffer. */
static char said[4096];
static int ask(World *w, const char *id, const char *op, const char *body) {
  char bearer[128];
  snprintf(bearer, sizeof bearer, "Bearer bsa_%s_s", id);
  ListenPair headers[] = {{"authorization", bearer}, {"x-breyta-operation-id", (char *)(uintptr_t)op}};
  ListenRequest r = {.method = "POST",
                     .door = LISTEN_API,
                     .workspace = "api",
                     .key = "commands",
                     .raw = "commands",
                     .headers = headers,
                     .nheaders = op ? 2 : 1,
                     .body = (char *)(uintptr_t)body,
                     .nbody = strlen(body)};
  ApiCall c;
  api_answer(&w->api, &r, &c);
  snprintf(said, sizeof said, "%.*s", (int)c.answer.n, c.answer.p);
  int status = c.status;
  api_free(&c);
  return status;
}

#define LIST "{\"command\":\"flows.list\",\"args\":{}}"
#define FLOW                                                                                                                               \
  "{:slug :a :name \\\"A\\\" :concurrency {:type :singleton :on-new-version :supersede} :invocations {:default {:label \\\"Run\\\" "       \
  ":inputs []}} "                                                                                                                          \
  ":interfaces {:manual [{:id :run :invocation :default :enabled true}]} :flow (quote 1)}"
#define PUT "{\"command\":\"flows.put_draft\",\"args\":{\"flowLiteral\":\"" FLOW "\"}}"
#define RELEASE "{\"command\":\"flows.release\",\"args\":{\"flowSlug\":\"a\"}}"

static void t_scopes(void **state) {
  World *w = *state;
  key(w, "sak-full", "workspace.full", "active", 0);
  key(w, "sak-read", "flows.read", "active", 0);
  key(w, "sak-run", "flows.run", "active", 0);
  assert_int_equal(ask(w, "sak-full", NULL, PUT), 200);
  assert_int_equal(ask(w, "sak-read", NULL, LIST), 200);
  assert_int_equal(ask(w, "sak-run", NULL, LIST), 403);
  assert_non_null(strstr(said, "flows.read"));
  const ApiCommand *cmd;
  for (int i = 0; (cmd = api_command_at(i)); i++) { /* every command asks for its scope before anything else */
    char body[200];
    snprintf(body, sizeof body, "{\"command\":\"%s\",\"args\":{}}", cmd->name);
    bool may = strstr(cmd->scope, "flows.read"); /* also as one of several that do: a|b */
    int status = ask(w, "sak-read", NULL, body);
    assert_int_equal(status == 403, !may);
    assert_int_equal(ask(w, "sak-full", NULL, body) == 403, !strcmp(cmd->scope, "service-accounts.manage"));
  }
}

static void t_keys_that_are_over(void **state) {
  World *w = *state;
  key(w, "sak-short", "workspace.full", "active", clock_now + 1000);
  key(w, "sak-off", "workspace.full", "disabled", 0);
  assert_int_equal(ask(w, "sak-short", NULL, LIST), 200);
  clock_now += 999;
  assert_int_equal(ask(w, "sak-short", NULL, LIST), 200);
  clock_now += 1;
  assert_int_equal(ask(w, "sak-short", NULL, LIST), 401);
  assert_int_equal(ask(w, "sak-off", NULL, LIST), 401);
  assert_int_equal(ask(w, "sak-nobody", NULL, LIST), 401);
}

static size_t answers_kept(World *w) {
  DocRow rows[16];
  Err err = {0};
  size_t n = store_docs(w->api.store, "ws", "api-op", "", "", rows, 16, &err);
  for (size_t i = 0; i < n; i++) doc_row_free(&rows[i]);
  return n;
}

static void t_answers_for_a_day(void **state) {
  World *w = *state;
  key(w, "sak-a", "workspace.full", "active", 0);
  key(w, "sak-b", "workspace.full", "active", 0);
  assert_int_equal(ask(w, "sak-a", "one", PUT), 200);
  assert_int_equal(ask(w, "sak-a", "two", RELEASE), 200);
  assert_non_null(strstr(said, "\"version\":1"));
  clock_now += 24 * 3600 * 1000LL - 1;
  assert_int_equal(ask(w, "sak-a", "two", RELEASE), 200);
  assert_non_null(strstr(said, "\"version\":1"));
  assert_int_equal(ask(w, "sak-b", "two", RELEASE), 200); /* ids belong to the key */
  assert_non_null(strstr(said, "\"version\":2"));
  clock_now += 1;
  assert_int_equal(ask(w, "sak-a", "two", RELEASE), 200);
  assert_non_null(strstr(said, "\"version\":3"));
  assert_int_equal(answers_kept(w), 3); /* what is over is thrown away by a server: test_resources.py */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(t_scopes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(t_keys_that_are_over, set_up, tear_down),
      cmocka_unit_test_setup_teardown(t_answers_for_a_day, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
