/* cli_check.c - `breyta-run check`: the definition, its slots and secrets against --connections, and whether something answers there. */
#include "runtime/store/conn_store.h"
#include "cli_run.h"
#include "runtime/steps/conncheck.h"
#include "runtime/flow/flowdef.h"
#include "runtime/http/http_auth.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include <unistd.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 256, WALK_DEPTH = 200 };

typedef struct Slot {
  Val name, type, connection; /* connection: nil when nothing is bound */
  bool required;
  const char *status; /* "fine" "not-bound" "wrong-type" or of conncheck_state */
  Buf says;
} Slot;

typedef struct Look {
  const Cli *cli;
  const char *file;
  FlowDef *def;
  Diags diags;
  struct Target *target;
  Val secrets, workers; /* secrets: set of names in the order of the definition, a vector */
  Slot *slots;                     /* mem_alloc: holds values */
  size_t n;
  bool missing;
  Store *store; /* what is stored of connections and secrets; NULL: no database */
  Vault *vault;
  ConnPlace place;
} Look;

static void slot_says(Slot *s, const char *status, const char *text) {
  s->status = status;
  s->says.n = 0;
  buf_c(&s->says, text);
  buf_cstr(&s->says); /* read as a text below */
}

static bool is_bad(const Slot *s) {
  if (!strcmp(s->status, "fine") || !strcmp(s->status, "untested")) return false;
  return s->required || strcmp(s->status, "not-bound") != 0;
}

/* --- slots ---------------------------------------------------------------------------------------------------------------- */
static bool backend_fits(Val req, Val connection) {
  Val all = map_get_kw(req, "backends"), backend = map_get_kw(connection, "backend");
  return !is_set(all) || is_nil(backend) || !same(set_get(all, backend, ABSENT), ABSENT);
}

static bool type_fits(Val req, Val connection) {
  Val want = map_get_kw(req, "type"), is = map_get_kw(connection, "type");
  bool llm = kw_is(want, "llm-provider") && kw_is(is, "http-api");
  return same(want, is) || llm;
}

/* NULL, or why the secret cannot be had. */
static const char *secret_problem(const Look *l, Val name, Err *e) {
  SecretUse *used = NULL;
  const char *v = secret_use(target_secrets(l->target), str_s(name), &used, e);
  secret_use_free(used);
  return v ? NULL : e->msg;
}

static void check_secret_slot(Look *l, Slot *s, Val req) {
  Val name = target_secret_slot(l->def->map, s->name);
  Buf b = {0};
  Err e = {0};
  bool there = secret_set_has(target_secrets(l->target), str_s(name));
  const char *why = there ? secret_problem(l, name, &e) : NULL;
  if (there) s->connection = req;
  if (why) buf_c(&b, why);
  else if (there) buf_fmt(&b, "the secret %s", str_s(name));
  else buf_fmt(&b, "there is no secret %s; store it with `breyta-run secrets set`, or give it with --connections FILE, under \"secrets\"", str_s(name));
  slot_says(s, why ? "unreadable" : there ? "fine" : "not-bound", buf_cstr(&b));
  buf_free(&b);
}

static void check_slot(Look *l, Slot *s, Val req) {
  Buf b = {0};
  if (kw_is(s->type, "secret")) return check_secret_slot(l, s, req);
  s->connection = target_slot(l->target, l->def->map, s->name);
  if (is_nil(s->connection) && (kw_is(s->type, "kv-store") || kw_is(s->type, "blob-storage"))) { /* steps use those of this machine */
    s->connection = map_assoc(map_empty, kw_c("type"), s->type);
  } else if (is_nil(s->connection) && target_problem(l->target)) {
    buf_fmt(&b, "what it is bound to cannot be read: %s", target_problem(l->target));
    slot_says(s, "unreadable", buf_cstr(&b));
  } else if (is_nil(s->connection)) {
    buf_fmt(&b, "bind it with `breyta-run connections`, or --connections FILE: {\"connections\": {\"%s\": {\"type\": \"%s\", \"config\": {...}}}}", kw_text(s->name), kw_text(s->type));
    slot_says(s, "not-bound", s->required ? buf_cstr(&b) : "optional");
  } else if (!type_fits(req, s->connection)) {
    buf_fmt(&b, "the flow wants a connection of type %s, bound is one of type %s", kw_text(s->type), kw_text(map_get_kw(s->connection, "type")));
    slot_says(s, "wrong-type", buf_cstr(&b));
  } else if (!backend_fits(req, s->connection)) {
    buf_fmt(&b, "the flow does not take the backend %s: see :backends of the slot", kw_text(map_get_kw(s->connection, "backend")));
    slot_says(s, "wrong-type", buf_cstr(&b));
  }
  buf_free(&b);
}

static void take_requirement(Look *l, Val req) {
  Val kind = map_get_kw(req, "kind"), slot = map_get_kw(req, "slot");
  if (kw_is(kind, "worker")) l->workers = vec_conj(l->workers, map_get_kw(req, "job-type"));
  if (!is_kw(slot) || l->n == SLOTS_MAX) return;
  Slot *s = &l->slots[l->n++];
  *s = (Slot){.name = slot, .type = map_get_kw(req, "type"), .connection = NIL, .required = !truthy(map_get_kw(req, "optional"))};
  check_slot(l, s, req);
}

/* What answers behind those that are bound. */
static void try_slots(Look *l) {
  ConnCheck *checks = mem_alloc((l->n + 1) * sizeof *checks);
  size_t at[SLOTS_MAX], n = 0;
  memset(checks, 0, (l->n + 1) * sizeof *checks);
  for (size_t i = 0; i < l->n; i++) {
    if (l->slots[i].status) continue;
    at[n] = i;
    checks[n++] = (ConnCheck){.connection = l->slots[i].connection, .secrets = target_secrets(l->target), .guard = l->cli->guard, .db = l->cli->db};
  }
  conncheck_run(checks, n, !l->cli->no_connect);
  for (size_t i = 0; i < n; i++) {
    slot_says(&l->slots[at[i]], conncheck_state(checks[i].state), buf_cstr(&checks[i].says));
    buf_free(&checks[i].says);
  }
}

/* --- secrets ---------------------------------------------------------------------------------------------------------------- */
static bool names_a_secret(Val key) {
  static const char *const keys[] = {"secret-ref", "username-secret-ref", "password-secret-ref", "access-key-ref", "secret-key-ref", "session-token-ref"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (kw_is(key, keys[i])) return true;
  return false;
}

static void note_secret(Look *l, Val v) {
  Val name = is_kw(v) ? str_c(kw_text(v)) : v;
  if (!is_str(name)) return; /* computed */
  for (uint32_t i = 0; i < vec_count(l->secrets); i++)
    if (str_eq_c(vec_nth(l->secrets, i), str_s(name))) return;
  l->secrets = vec_conj(l->secrets, name);
}

static void find_secrets(Look *l, Val v, int depth);
static void find_in_map(Look *l, Val m, int depth) {
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    if (names_a_secret(k)) note_secret(l, v);
    else find_secrets(l, v, depth + 1);
  }
}

/* Every name of a secret in maps, vectors and code. */
static void find_secrets(Look *l, Val v, int depth) {
  if (depth > WALK_DEPTH) return;
  if (is_map(v)) return find_in_map(l, v, depth);
  for (uint32_t i = 0; is_vec(v) && i < vec_count(v); i++) find_secrets(l, vec_nth(v, i), depth + 1);
  for (; is_type(v, T_LIST); v = AS(List, v)->rest) find_secrets(l, AS(List, v)->first, depth + 1);
}

/* What `breyta-run connections` and `secrets` have stored lies behind the file's; a database that is not there has nothing. */
static bool look_into_store(Look *l) {
  if (access(l->cli->db, F_OK)) return true;
  l->store = cli_store(l->cli, (StoreOptions){.read_only = true});
  if (!l->store) return false;
  l->vault = vault_new(l->store, l->cli->secrets_key);
  l->place = (ConnPlace){l->store, {l->vault, l->cli->workspace}, l->cli->workspace, "draft"};
  l->target = target_from_store(l->target, &l->place);
  return true;
}

static bool collect(Look *l) {
  Err err = {0};
  l->target = l->cli->connections ? target_load(l->cli->connections, &err) : target_new();
  if (!l->target) return cli_usage(l->cli, "--connections: %s", err.msg), false;
  if (!look_into_store(l)) return false;
  l->slots = mem_alloc(SLOTS_MAX * sizeof *l->slots);
  if (!l->def) return true;
  Val requires = map_get_kw(l->def->map, "requires");
  for (uint32_t i = 0; is_vec(requires) && i < vec_count(requires); i++) take_requirement(l, vec_nth(requires, i));
  for (size_t i = 0; i < l->n; i++)
    if (!is_nil(l->slots[i].connection)) find_secrets(l, l->slots[i].connection, 0);
  MapIter it; /* what is declared of slots that are not bound wants nothing yet */
  Val k, v;
  map_iter(&it, l->def->map);
  while (map_next(&it, &k, &v))
    if (!kw_is(k, "requires")) find_secrets(l, v, 0);
  try_slots(l);
  return true;
}

/* --- telling ---------------------------------------------------------------------------------------------------------------- */
static Val slot_map(const Slot *s) {
  Val kv[] = {kw_c("slot"), s->name, kw_c("type"), s->type, kw_c("required"), bool_val(s->required), kw_c("bound"), bool_val(!is_nil(s->connection)),
              kw_c("status"), kw_c(s->status), kw_c("message"), str_c(s->says.n ? s->says.p : ""), kw_c("ok"), bool_val(!is_bad(s))};
  return map_from(kv, 7, false);
}

static Val secrets_data(Look *l) {
  Val all = vec_empty;
  for (uint32_t i = 0; i < vec_count(l->secrets); i++) {
    Err e = {0};
    Val name = vec_nth(l->secrets, i);
    const char *why = secret_problem(l, name, &e);
    Val kv[] = {kw_c("secret"), name, kw_c("ok"), bool_val(!why), kw_c("message"), why ? str_c(why) : NIL};
    all = vec_conj(all, map_from(kv, 3, false));
    l->missing |= why != NULL;
  }
  return all;
}

static Val report(Look *l) {
  Val diags = vec_empty, slots = vec_empty;
  for (size_t i = 0; i < l->diags.n; i++) diags = vec_conj(diags, cli_diag_map(&l->diags.a[i]));
  for (size_t i = 0; i < l->n; i++) {
    slots = vec_conj(slots, slot_map(&l->slots[i]));
    l->missing |= is_bad(&l->slots[i]);
  }
  Val secrets = secrets_data(l);
  l->missing |= !l->def;
  Val kv[] = {kw_c("file"), str_c(l->file), kw_c("ok"), bool_val(!l->missing), kw_c("diagnostics"), diags, kw_c("slots"), slots,
              kw_c("secrets"), secrets, kw_c("workers"), l->workers};
  return map_from(kv, 6, false);
}

static const char *text_of(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_str(v) ? str_s(v) : is_kw(v) ? kw_text(v) : "";
}

static void line(Buf *b, const char *what, const char *name, const char *status, const char *says) {
  buf_fmt(b, "%-8s %-20s %-13s %s", what, name, status, says);
  while (b->n && b->p[b->n - 1] == ' ') b->n--;
  buf_ch(b, '\n');
}

static void lines(const Look *l, Val data, Buf *b) {
  Val slots = map_get_kw(data, "slots"), secrets = map_get_kw(data, "secrets");
  diags_print(&l->diags, l->file, b);
  for (uint32_t i = 0; i < vec_count(slots); i++) {
    Val s = vec_nth(slots, i);
    line(b, text_of(s, "type"), text_of(s, "slot"), text_of(s, "status"), text_of(s, "message"));
  }
  for (uint32_t i = 0; i < vec_count(secrets); i++) {
    Val s = vec_nth(secrets, i);
    line(b, "secret", text_of(s, "secret"), truthy(map_get_kw(s, "ok")) ? "fine" : "missing", text_of(s, "message"));
  }
  for (uint32_t i = 0; i < vec_count(l->workers); i++) {
    Val w = vec_nth(l->workers, i);
    line(b, "worker", is_kw(w) ? kw_text(w) : is_str(w) ? str_s(w) : "?", "needed", "a worker outside must take jobs of this type");
  }
}

static int tell(Look *l) {
  Val data = report(l);
  if (CLI_GIVEN(l->cli, format)) return cli_print_value(l->cli, data) && !l->missing ? EXIT_OK : EXIT_FAILED;
  Buf b = {0};
  lines(l, data, &b);
  cli_out(b.p ? b.p : "", b.n);
  cli_out_flush();
  fprintf(stderr, "%s: %s\n", l->file, l->missing ? "something is missing" : "all there");
  buf_free(&b);
  return l->missing ? EXIT_FAILED : EXIT_OK;
}

int cmd_check(Cli *cli) {
  if (cli->args.n != 1) return cli_usage(cli, "check takes the file of one flow");
  cli_engine_values();
  Look l = {.cli = cli, .file = cli->args.a[0], .secrets = vec_empty, .workers = vec_empty};
  Buf text = {0};
  if (!cli_read_file(l.file, &text)) {
    buf_free(&text);
    return cli_usage(cli, "cannot read %s: %s", l.file, strerror(errno));
  }
  l.def = flowdef_read_file(buf_cstr(&text), text.n, l.file, &l.diags);
  int status = collect(&l) ? tell(&l) : EXIT_USAGE;
  diags_free(&l.diags);
  buf_free(&text);
  for (size_t i = 0; i < l.n; i++) buf_free(&l.slots[i].says);
  target_free(l.target);
  if (l.vault) vault_free(l.vault);
  if (l.store) store_close(l.store);
  return status;
}
