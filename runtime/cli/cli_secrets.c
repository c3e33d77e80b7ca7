/* cli_secrets.c - `breyta-run secrets` and `breyta-run connections`: what is stored for flows, beside a running executor too. */
#include "cli_run.h"
#include "runtime/store/conn_store.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Sub { const char *name; int args; const char *usage; int (*run)(Cli *cli, Store *s, Vault *v); } Sub;

static int told(const Err *e) {
  static const char *const usage[] = {"bad_secret", "bad_connection", "not_found", "in_use", "key_in_use", "key_env"};
  cli_say("%s [%s]", e->msg, e->code ? e->code : "?");
  for (size_t i = 0; e->code && i < sizeof usage / sizeof *usage; i++)
    if (!strcmp(e->code, usage[i])) return EXIT_USAGE;
  return EXIT_FAILED;
}

static Val time_val(int64_t ms) {
  char text[40];
  cli_time_text(ms, text);
  return str_c(text);
}

static int print_all(const Cli *cli, ValVec *rows) { return cli_print_value(cli, vec_from(rows->a, rows->n)) ? EXIT_OK : EXIT_FAILED; }

/* ---- secrets ---- */

static bool value_text(Cli *cli, Buf *b) {
  const char *env = cli->from_env ? getenv(cli->from_env) : NULL;
  if (cli->from_env && cli->from_file) return cli_usage(cli, "secrets set: --from-env or --from-file, not both"), false;
  if (cli->from_env) return env ? buf_c(b, env), true : (cli_usage(cli, "--from-env: the environment has no variable %s", cli->from_env), false);
  if (!cli_read_file(cli->from_file ? cli->from_file : "-", b)) return cli_usage(cli, "cannot read %s: %s", cli->from_file ? cli->from_file : "standard input", strerror(errno)), false;
  if (b->n && b->p[b->n - 1] == '\n') b->n--;
  if (b->n && b->p[b->n - 1] == '\r') b->n--;
  return true;
}

static int secret_set(Cli *cli, Store *s, Vault *v) {
  Buf b = {0};
  Err e = {0};
  VaultRow row = {0};
  (void)s;
  bool given = value_text(cli, &b);
  bool ok = given && vault_put(v, cli->workspace, cli->args.a[1], b.p ? b.p : "", b.n, DOC_ANY, &row, &e);
  buf_wipe(&b);
  if (!given) return EXIT_USAGE;
  if (!ok) return told(&e);
  fprintf(stderr, "secret %s is stored, version %lld, sealed with the key %s of %s\n", row.name, (long long)row.version, row.key, keyring_place(vault_keys(v)));
  vault_row_free(&row);
  return EXIT_OK;
}

static Val secret_val(const VaultRow *r) {
  if (!r->version) {
    Val bad[] = {kw_c("name"), str_c(r->name), kw_c("damaged"), TRUE_V};
    return map_from(bad, 2, false);
  }
  Val kv[] = {kw_c("name"), str_c(r->name), kw_c("version"), int_val(r->version), kw_c("created"), time_val(r->created_ms),
              kw_c("updated"), time_val(r->updated_ms), kw_c("key"), str_c(r->key)};
  return map_from(kv, 5, false);
}

static int secret_list(Cli *cli, Store *s, Vault *v) {
  ValVec out = {0};
  VaultRow row;
  Err e = {0};
  Buf at = {0};
  (void)s;
  while (vault_list(v, cli->workspace, at.n ? buf_cstr(&at) : NULL, &row, 1, &e)) {
    vv_push(&out, secret_val(&row));
    at.n = 0;
    buf_c(&at, row.name);
    vault_row_free(&row);
  }
  buf_free(&at);
  return e.code ? told(&e) : print_all(cli, &out);
}

static int secret_rm(Cli *cli, Store *s, Vault *v) {
  Err e = {0};
  (void)s;
  if (!vault_delete(v, cli->workspace, cli->args.a[1], DOC_ANY, &e)) return told(&e);
  fprintf(stderr, "secret %s is deleted\n", cli->args.a[1]);
  return EXIT_OK;
}

static int secret_rotate(Cli *cli, Store *s, Vault *v) {
  VaultRotation r;
  Err e = {0};
  (void)s;
  if (cli->forget_old) {
    if (!vault_forget(v, &e)) return told(&e);
    fprintf(stderr, "%s holds one key only now\n", keyring_place(vault_keys(v)));
    return EXIT_OK;
  }
  if (!vault_rotate(v, &r, &e)) return told(&e);
  fprintf(stderr, "%s: %zu secrets are sealed again with the key %s%s; old keys stay in %s for backups\n",
          r.new_key ? "a new key" : "going on with the key that is there", r.sealed, r.key, r.already ? ", others were already" : "", keyring_place(vault_keys(v)));
  return EXIT_OK;
}

/* ---- connections ---- */

static int conn_set(Cli *cli, Store *s, Vault *v) {
  Err e = {0};
  Val config = NIL, type = NIL, was;
  (void)v;
  const char *id = cli->args.a[1];
  if (cli->conn_config && !cli_json(cli, "--config", cli->conn_config, &config)) return EXIT_USAGE;
  was = conn_store_get(s, cli->workspace, id, NULL, &e);
  if (e.code) return told(&e);
  type = cli->conn_type ? str_c(cli->conn_type) : map_get_kw(was, "type");
  if (is_nil(type)) return cli_usage(cli, "connections set: --type says what it is: http-api, database, kv-store, blob-storage, secret or ssh");
  Val kv[] = {kw_c("type"), type, kw_c("backend"), cli->conn_backend ? str_c(cli->conn_backend) : map_get_kw(was, "backend"),
              kw_c("config"), is_nil(config) ? map_get_kw(was, "config") : config};
  Val stored = conn_store_put(s, cli->workspace, id, map_from(kv, 3, false), DOC_ANY, &e);
  return is_nil(stored) ? told(&e) : cli_print_value(cli, stored) ? EXIT_OK : EXIT_FAILED;
}

static int conn_list(Cli *cli, Store *s, Vault *v) {
  Err e = {0};
  (void)v;
  Val all = conn_store_list(s, cli->workspace, cli->conn_type ? kw_c(cli->conn_type) : NIL, NULL, SIZE_MAX, &e);
  return e.code ? told(&e) : cli_print_value(cli, all) ? EXIT_OK : EXIT_FAILED;
}

static Val named(Cli *cli, Store *s, Err *e) {
  Val c = conn_store_get(s, cli->workspace, cli->args.a[1], NULL, e);
  if (is_nil(c) && !e->code) err_set(e, "not_found", "there is no connection %.100s; `breyta-run connections list` shows those that are", cli->args.a[1]);
  return c;
}

static int conn_show(Cli *cli, Store *s, Vault *v) {
  Err e = {0};
  (void)v;
  Val c = named(cli, s, &e);
  if (!e.code) c = map_assoc(c, kw_c("bound-to"), binding_usages(s, cli->workspace, cli->args.a[1], &e));
  return e.code ? told(&e) : cli_print_value(cli, c) ? EXIT_OK : EXIT_FAILED;
}

static int conn_rm(Cli *cli, Store *s, Vault *v) {
  Err e = {0};
  (void)v;
  if (!conn_store_delete(s, cli->workspace, cli->args.a[1], &e)) return told(&e);
  fprintf(stderr, "connection %s is deleted\n", cli->args.a[1]);
  return EXIT_OK;
}

static int conn_check(Cli *cli, Store *s, Vault *v) {
  Err e = {0};
  ConnPlace place = {s, {v, cli->workspace}, cli->workspace, cli->conn_target};
  Val c = named(cli, s, &e);
  if (e.code) return told(&e);
  Target *t = target_from_store(NULL, &place);
  Val problems = conn_store_check(target_secrets(t), c), kv[] = {kw_c("id"), map_get_kw(c, "id"), kw_c("ok"), bool_val(!vec_count(problems)), kw_c("problems"), problems};
  target_free(t);
  if (!cli_print_value(cli, map_from(kv, 3, false))) return EXIT_FAILED;
  return vec_count(problems) ? EXIT_FAILED : EXIT_OK;
}

static int bind_to(Cli *cli, Store *s, const char *id) {
  Err e = {0};
  const char *const *a = cli->args.a;
  const char *slug = a[1] + (*a[1] == ':'), *slot = a[2] + (*a[2] == ':');
  if (strcmp(cli->conn_target, "draft") && strcmp(cli->conn_target, "live")) return cli_usage(cli, "--target is draft or live, not %s", cli->conn_target);
  if (!*slug || strchr(slug, '/') || !*slot) return cli_usage(cli, "connections %s: FLOW is the :slug of a flow, SLOT a :slot of its :requires", a[0]);
  if (!binding_put(s, cli->workspace, slug, cli->conn_target, slot, id, &e)) return told(&e);
  if (id) fprintf(stderr, "slot %s of %s (%s) is bound to %s\n", slot, slug, cli->conn_target, id);
  else fprintf(stderr, "slot %s of %s (%s) is not bound\n", slot, slug, cli->conn_target);
  return EXIT_OK;
}

static int conn_bind(Cli *cli, Store *s, Vault *v) { return (void)v, bind_to(cli, s, cli->args.a[3]); }
static int conn_unbind(Cli *cli, Store *s, Vault *v) { return (void)v, bind_to(cli, s, NULL); }

/* ---- both ---- */

static const Sub secret_subs[] = {{"set", 1, "NAME", secret_set}, {"list", 0, "", secret_list}, {"rm", 1, "NAME", secret_rm}, {"rotate-key", 0, "", secret_rotate}, {0}};
static const Sub conn_subs[] = {{"set", 1, "ID --type TYPE --config JSON", conn_set}, {"list", 0, "", conn_list}, {"show", 1, "ID", conn_show}, {"rm", 1, "ID", conn_rm},
                                {"check", 1, "ID", conn_check}, {"bind", 3, "FLOW SLOT ID", conn_bind}, {"unbind", 2, "FLOW SLOT", conn_unbind}, {0}};

static const Sub *sub_of(const Cli *cli, const Sub *subs) {
  for (const Sub *x = subs; cli->args.n && x->name; x++)
    if (!strcmp(x->name, cli->args.a[0])) return x;
  return NULL;
}

/* Only `set` makes a database; a mistyped --db must not become one. */
static int run_sub(Cli *cli, const Sub *subs) {
  const char *name = cli_commands[cli->cmd].name;
  const Sub *x = sub_of(cli, subs);
  if (!x && cli->args.n) return cli_usage(cli, "%s does not know \"%s\"; it is %s", name, cli->args.a[0], cli_commands[cli->cmd].args);
  if (!x) return cli_usage(cli, "%s: say what to do: breyta-run %s %s", name, name, cli_commands[cli->cmd].args);
  if (cli->args.n - 1 != x->args) {
    bool value = subs == secret_subs && x->run == secret_set && cli->args.n > 2;
    return cli_usage(cli, "%s: breyta-run %s %s%s%s", value ? "a value on the command line can be seen by others; it comes from standard input, --from-env or --from-file" :
                     "wrong number of words", name, x->name, *x->usage ? " " : "", x->usage);
  }
  if (strcmp(x->name, "set") && cli_no_database(cli)) return EXIT_USAGE;
  cli_engine_values();
  Store *s = cli_store(cli, (StoreOptions){.beside = true});
  if (!s) return EXIT_FAILED;
  Vault *v = vault_new(s, cli->secrets_key);
  int status = x->run(cli, s, v);
  vault_free(v);
  store_close(s);
  return status;
}

int cmd_secrets(Cli *cli) { return run_sub(cli, secret_subs); }
int cmd_connections(Cli *cli) { return run_sub(cli, conn_subs); }
