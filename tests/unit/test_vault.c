/* Stored secrets over the store in memory: versions, compare-and-set, lists, workspaces, rotation with others writing. */
#include "runtime/store/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fix { Store *s; Vault *v; char dir[40], key[80]; } Fix;
static Fix world;

static int setup(void **state) {
  Err e = {0};
  unsetenv("BREYTA_SECRETS_KEY");
  strcpy(world.dir, "/tmp/test_vault.XXXXXX");
  if (!mkdtemp(world.dir)) return -1;
  snprintf(world.key, sizeof world.key, "%s/key", world.dir);
  world.s = store_open(NULL, &(StoreOptions){.memory = true, .executor = true}, &e);
  world.v = vault_new(world.s, world.key);
  *state = &world;
  return world.s ? 0 : -1;
}
static int teardown(void **state) {
  (void)state;
  char cmd[80];
  vault_free(world.v);
  store_close(world.s);
  snprintf(cmd, sizeof cmd, "rm -rf %s", world.dir);
  return system(cmd);
}
static void put(Vault *v, const char *ws, const char *name, const char *value) {
  Err e = {0};
  if (!vault_put(v, ws, name, value, strlen(value), DOC_ANY, NULL, &e)) fail_msg("%s: %s", e.code, e.msg);
}
static void opens(Vault *v, const char *ws, const char *name, const char *want) {
  Buf b = {0};
  Err e = {0};
  if (!vault_open(v, ws, name, &b, &e)) fail_msg("%s: %s", e.code, e.msg);
  assert_string_equal(buf_cstr(&b), want);
  buf_wipe(&b);
}
static void refused(Vault *v, const char *name, const char *value, size_t n, int64_t rev, const char *code) {
  Err e = {0};
  assert_false(vault_put(v, "w", name, value, n, rev, NULL, &e));
  assert_string_equal(e.code, code);
}

static void t_versions(void **state) {
  Vault *v = ((Fix *)*state)->v;
  VaultRow r;
  Err e = {0};
  assert_true(vault_put(v, "w", "a", "one", 3, DOC_NEW, &r, &e));
  assert_int_equal(r.version, 1);
  vault_row_free(&r);
  refused(v, "a", "x", 1, DOC_NEW, "doc_conflict");
  assert_true(vault_row(v, "w", "a", &r, &e));
  int64_t rev = r.rev, created = r.created_ms;
  vault_row_free(&r);
  assert_true(vault_put(v, "w", "a", "two", 3, rev, &r, &e));
  assert_int_equal(r.version, 2);
  assert_int_equal(r.created_ms, created);
  vault_row_free(&r);
  refused(v, "a", "x", 1, rev, "doc_conflict");
  opens(v, "w", "a", "two");
  put(v, "w", "a", "three");
  opens(v, "w", "a", "three");
}

static void t_refused(void **state) {
  Vault *v = ((Fix *)*state)->v;
  char *big = calloc(SECRET_MAX_BYTES + 2, 1);
  memset(big, 'x', SECRET_MAX_BYTES + 1);
  refused(v, "", "x", 1, DOC_ANY, "bad_secret");
  refused(v, "a\n", "x", 1, DOC_ANY, "bad_secret");
  refused(v, "\xff", "x", 1, DOC_ANY, "bad_secret");
  refused(v, "a", "", 0, DOC_ANY, "bad_secret");
  refused(v, "a", "x\0y", 3, DOC_ANY, "bad_secret");
  refused(v, "a", big, SECRET_MAX_BYTES + 1, DOC_ANY, "bad_secret");
  big[SECRET_MAX_BYTES] = 0;
  put(v, "w", "a", big);
  opens(v, "w", "a", big);
  big[VAULT_NAME_MAX + 1] = 0;
  refused(v, big, "x", 1, DOC_ANY, "bad_secret");
  free(big);
}

static void t_lists_and_workspaces(void **state) {
  Vault *v = ((Fix *)*state)->v;
  VaultRow rows[10];
  Err e = {0};
  Buf b = {0};
  for (int i = 0; i < 8; i++) put(v, i % 2 ? "w" : "w2", (char[]){(char)('a' + i), 0}, "same");
  assert_int_equal(vault_list(v, "w", NULL, rows, 10, &e), 4);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(rows[i].name[0], 'b' + 2 * i);
    vault_row_free(&rows[i]);
  }
  assert_int_equal(vault_list(v, "w", "d", rows, 1, &e), 1);
  assert_string_equal(rows[0].name, "f");
  vault_row_free(&rows[0]);
  assert_false(vault_open(v, "w", "a", &b, &e));
  assert_string_equal(e.code, "missing-binding");
  e = (Err){0};
  assert_true(vault_delete(v, "w", "b", DOC_ANY, &e));
  assert_false(vault_delete(v, "w", "b", DOC_ANY, &e));
  assert_string_equal(e.code, "not_found");
}

static void t_rotation(void **state) {
  Fix *f = *state;
  Vault *other = vault_new(f->s, f->key);
  VaultRotation r;
  Err e = {0};
  char name[8];
  for (int i = 0; i < 40; i++) snprintf(name, sizeof name, "s%d", i), put(f->v, i % 3 ? "w" : "x", name, name);
  opens(other, "w", "s1", "s1"); /* has read the first key */
  assert_true(vault_rotate(f->v, &r, &e));
  assert_true(r.new_key);
  assert_int_equal(r.sealed, 40);
  put(other, "w", "s1", "fresh"); /* with the new key, though it had the old one */
  assert_true(vault_forget(f->v, &e));
  assert_int_equal(keyring_count(vault_keys(f->v)), 1);
  opens(other, "w", "s1", "fresh");
  for (int i = 2; i < 40; i++) snprintf(name, sizeof name, "s%d", i), opens(other, i % 3 ? "w" : "x", name, name);
  vault_free(other);
}

static void t_source(void **state) {
  Fix *f = *state;
  VaultPlace place = {f->v, "w"};
  SecretSet *set = secret_set_new();
  SecretUse *used = NULL;
  Err e = {0};
  put(f->v, "w", "tok", "canary-1");
  secret_set_behind(set, vault_source(&place));
  assert_true(secret_set_has(set, "tok"));
  assert_false(secret_set_has(set, "nope"));
  assert_string_equal(secret_use(set, "tok", &used, &e), "canary-1");
  put(f->v, "w", "tok", "canary-2");
  assert_string_equal(secret_use(set, "tok", &used, &e), "canary-1"); /* one step sees one value */
  secret_use_free(used);
  used = NULL;
  assert_string_equal(secret_use(set, "tok", &used, &e), "canary-2");
  assert_null(secret_use(set, "nope", &used, &e));
  assert_string_equal(e.code, "missing-binding");
  secret_use_free(used);
  secret_set_free(set);
}

int main(void) {
#define ON(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {ON(t_versions), ON(t_refused), ON(t_lists_and_workspaces), ON(t_rotation), ON(t_source)};
  return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
