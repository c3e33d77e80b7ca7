/* api_configure.c - see api_configure.h. */
#include "api_configure.h"
#include "api_connections.h"
#include "runtime/flow/flowdef_int.h"
#include "runtime/base/hash.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORM_TEXT = 64 << 10 };

static const char *key_text(Val k) { return is_kw(k) ? kw_text(k) : is_str(k) ? str_s(k) : ""; }

static void target_key(const ApiTarget *t, char key[220]) { snprintf(key, 220, "%s/%s", t->flow, t->name); }

/* What belongs to one slot of one target, or with "" to its form: an id that no other has. */
static void own_id(const ApiTarget *t, const char *kind, const char *slot, char id[40]) {
  char hash[65];
  Buf b = {0};
  buf_fmt(&b, "%s/%s/%s", t->flow, t->name, slot);
  hash_sha256_hex(b.p, b.n, hash);
  buf_free(&b);
  snprintf(id, 40, "%s-%.16s", kind, hash);
}

static Val part(const ApiConfiguring *k, const char *name) {
  Val v = map_get_kw(k->doc, name);
  return is_map(v) ? v : map_empty;
}

/* --- opening ----------------------------------------------------------------------------------------------------------------------------
 */
static bool find(ApiCall *c, const char *slug, const char *target, ApiConfiguring *k) {
  Err err = {0};
  if (api_target_find(c->api, c->workspace, slug, target, &k->t, &err)) return true;
  if (!err.code || strcmp(err.code, "profile_missing")) return api_fail_err(c, &err);
  char *hash = NULL; /* nothing is live yet: it can be set up all the same */
  k->t = (ApiTarget){.enabled = true, .schedules = map_empty, .activation = map_empty};
  snprintf(k->t.flow, sizeof k->t.flow, "%s", slug);
  snprintf(k->t.name, sizeof k->t.name, "%s", target);
  err = (Err){0};
  bool ok = api_flow_source(c->api, c->workspace, slug, "active", 0, &hash, &k->t.version, &err);
  if (!ok) err = (Err){0}, ok = api_flow_source(c->api, c->workspace, slug, "draft", 0, &hash, &k->t.version, &err);
  snprintf(k->t.hash, sizeof k->t.hash, "%s", hash ? hash : "");
  free(hash);
  return ok || api_fail_err(c, &err);
}

/* "3", 3, "latest" or nothing. */
static bool other_version(ApiCall *c, ApiConfiguring *k) {
  Val v = api_arg(c, "version");
  char *hash = NULL, *end = NULL;
  Err err = {0};
  bool latest = str_eq_c(v, "latest");
  int64_t n = is_long(v) ? long_of(v) : is_str(v) && !latest ? strtoll(str_s(v), &end, 10) : 0;
  if (is_nil(v)) return true;
  if (!latest && (n < 1 || (end && *end))) return api_fail(c, 400, "bad_request", "version: a number, or \"latest\"");
  if (!api_flow_source(c->api, c->workspace, k->t.flow, "active", n, &hash, &k->t.version, &err)) return api_fail_err(c, &err);
  snprintf(k->t.hash, sizeof k->t.hash, "%s", hash);
  free(hash);
  return true;
}

bool api_configure_open(ApiCall *c, const char *slug, const char *target, ApiConfiguring *k) {
  char key[220];
  Err err = {0};
  *k = (ApiConfiguring){.def = map_empty, .doc = map_empty, .bound = map_empty, .rev = DOC_NEW};
  if (!find(c, slug, target, k) || !other_version(c, k) || !api_target_def(c, k->t.hash, &k->def)) return false;
  target_key(&k->t, key);
  if (!api_doc(c->api, c->workspace, "target", key, &k->doc, &k->rev, &err)) {
    k->doc = map_empty;
    k->rev = DOC_NEW;
  }
  k->t.activation = part(k, "activation"); /* live may be set up before anything is promoted to it */
  k->t.schedules = part(k, "schedules");
  return !err.code || api_fail_err(c, &err);
}
static void set_part(ApiConfiguring *k, const char *name, Val v) { k->doc = map_assoc(k->doc, kw_c(name), v); }

/* --- requirements
 * -------------------------------------------------------------------------------------------------------------------------- */
static Val requirement(const ApiConfiguring *k, const char *slot) {
  Val all = map_get_kw(k->def, "requires");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val s = is_map(vec_nth(all, i)) ? map_get_kw(vec_nth(all, i), "slot") : NIL;
    if (is_kw(s) && !strcmp(kw_text(s), slot)) return vec_nth(all, i);
  }
  return NIL;
}

static Val form_field(const ApiConfiguring *k, const char *name) {
  Val all = map_get_kw(k->def, "requires");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val fields =
        is_map(vec_nth(all, i)) && kw_is(map_get_kw(vec_nth(all, i), "kind"), "form") ? map_get_kw(vec_nth(all, i), "fields") : NIL;
    for (uint32_t n = 0; is_vec(fields) && n < vec_count(fields); n++)
      if (is_map(vec_nth(fields, n)) && !strcmp(key_text(map_get_kw(vec_nth(fields, n), "key")), name)) return vec_nth(fields, n);
  }
  return NIL;
}

static bool is_secret_slot(Val req) { return kw_is(map_get_kw(req, "type"), "secret") || kw_is(map_get_kw(req, "kind"), "secret"); }

/* --- secret values
 * --------------------------------------------------------------------------------------------------------------------------- */
static Val made_up(void) {
  uint8_t bytes[32];
  Buf hex = {0};
  hash_random(bytes, sizeof bytes);
  hash_hex(bytes, sizeof bytes, &hex);
  Val v = buf_str(&hex);
  explicit_bzero(bytes, sizeof bytes);
  buf_free(&hex);
  return v;
}

static bool seal(ApiCall *c, const ApiConfiguring *k, const char *name, Val v) {
  if (str_eq_c(v, "generate")) v = made_up();
  return k->dry ? api_secret_ok(c, name, v) : api_secret_put(c, name, v);
}

/* The value of one secret under the name of another; *there is false when there is none. */
static bool seal_copy(ApiCall *c, const ApiConfiguring *k, const char *from, const char *to, bool *there) {
  Buf value = {0};
  Err err = {0};
  *there = vault_open(c->api->vault, c->workspace, from, &value, &err);
  bool ok = !*there || k->dry || vault_put(c->api->vault, c->workspace, to, value.p, value.n, DOC_ANY, NULL, &err);
  buf_wipe(&value);
  return ok || api_fail_err(c, &err);
}

static bool empty(Val v) { return is_nil(v) || str_eq_c(v, ""); }

/* --- the form
 * -------------------------------------------------------------------------------------------------------------------------------- */
static bool is_secret_field(Val field) {
  Val type = map_get_kw(field, "field-type");
  return kw_is(type, "password") || kw_is(type, "secret");
}

/* As an input of an invocation says it, with :type in place of :field-type. */
static Val as_input(Val field) {
  Val type = map_get_kw(field, "field-type");
  return is_nil(type) ? field : map_assoc(field, kw_c("type"), type);
}

static void field_secret(const ApiTarget *t, const char *name, char secret[VAULT_NAME_MAX + 1]) {
  char id[40];
  own_id(t, "form", "", id);
  snprintf(secret, VAULT_NAME_MAX + 1, "%s.%.100s", id, name);
}

static bool set_field(ApiCall *c, ApiConfiguring *k, const char *name, Val v) {
  Val field = form_field(k, name), coerced = v, all = part(k, "activation"), key = name_kw(str_c(name));
  char secret[VAULT_NAME_MAX + 1];
  if (is_nil(field)) return api_fail(c, 400, "bad_request", "inputs: the setup form of %s has no field %.100s", k->t.flow, name);
  if (empty(v)) return set_part(k, "activation", map_dissoc(all, key)), true;
  if (is_secret_field(field)) {
    field_secret(&k->t, name, secret);
    if (!seal(c, k, secret, v)) return false;
    return set_part(k, "activation", map_assoc(all, key, str_c(secret))), true;
  }
  const char *must = input_problem(as_input(field), v, &coerced);
  if (must) return api_fail(c, 400, "bad_request", "inputs: form-%.100s must be %s", name, must);
  set_part(k, "activation", map_assoc(all, key, coerced));
  return true;
}

/* --- slots
 * ------------------------------------------------------------------------------------------------------------------------------------ */
static bool bind(ApiCall *c, ApiConfiguring *k, const char *slot, const char *id) {
  Err err = {0};
  k->bound = id ? map_assoc(k->bound, str_c(slot), str_c(id)) : map_dissoc(k->bound, str_c(slot));
  return k->dry || binding_put(c->api->store, c->workspace, k->t.flow, k->t.name, slot, id, &err) || api_fail_err(c, &err);
}

static bool type_fits(Val want, Val have) {
  bool llm = kw_is(want, "llm-provider") || kw_is(have, "llm-provider");
  return same(want, have) || (llm && (kw_is(want, "http-api") || kw_is(have, "http-api")));
}

static bool set_connection(ApiCall *c, ApiConfiguring *k, const char *slot, Val req, Val v) {
  Val r, want = map_get_kw(req, "type");
  int64_t rev;
  if (empty(v)) return bind(c, k, slot, NULL);
  if (!is_str(v)) return api_fail(c, 400, "bad_request", "inputs: conn-%s is the id of a connection", slot);
  if (!api_conn_find(c, str_s(v), &r, &rev)) return false;
  if (!type_fits(want, map_get_kw(r, "type")))
    return api_fail(c, 400, "bad_request", "inputs: slot %s wants a connection of type %s, and %.100s is one of type %s", slot,
                    key_text(want), str_s(v), key_text(map_get_kw(r, "type")));
  return bind(c, k, slot, str_s(v));
}

/* What the flow calls the secret of a slot. */
static Val slot_ref(Val req, const char *slot) {
  Val ref = map_get_kw(req, "secret-ref");
  return str_c(is_nil(ref) ? slot : key_text(ref));
}

/* A slot of type :secret: the name that the flow uses is that of this target's own value. */
static bool set_secret_slot(ApiCall *c, ApiConfiguring *k, const char *slot, Val req, Val v) {
  char id[40], secret[60];
  Val all = part(k, "secrets"), name = slot_ref(req, slot);
  own_id(&k->t, "slot", slot, id);
  snprintf(secret, sizeof secret, "%s.secret", id);
  if (empty(v)) {
    if (!k->dry) api_conn_secrets_delete(c, id);
    return set_part(k, "secrets", map_dissoc(all, name)), true;
  }
  if (!seal(c, k, secret, v)) return false;
  set_part(k, "secrets", map_assoc(all, name, str_c(secret)));
  return true;
}

/* Where the fields of a connection of a slot's own stand in its config. */
typedef struct SlotField {
  const char *name;
  enum { IN_CONFIG, IN_AUTH, SEALED, WHOLE_SECRET, ACCOUNT, RECORD, HEADERS } where;
  const char *key;
} SlotField;
static const SlotField slot_fields[] = {{"conn", RECORD, NULL},
                                        {"secret", SEALED, NULL},
                                        {"url", IN_CONFIG, "base-url"},
                                        {"apikey", SEALED, NULL},
                                        {"provider", RECORD, "backend"},
                                        {"backend", RECORD, "backend"},
                                        {"connstr", WHOLE_SECRET, NULL},
                                        {"dsn", WHOLE_SECRET, NULL},
                                        {"host", IN_CONFIG, "host"},
                                        {"port", IN_CONFIG, "port"},
                                        {"database", IN_CONFIG, "database"},
                                        {"user", IN_CONFIG, "username"},
                                        {"pass", SEALED, NULL},
                                        {"project", IN_CONFIG, "project"},
                                        {"location", IN_CONFIG, "location"},
                                        {"param-name", IN_AUTH, "query"},
                                        {"query-param", IN_AUTH, "query"},
                                        {"db-param", IN_CONFIG, "database"},
                                        {"header", IN_AUTH, "header"},
                                        {"prefix", IN_AUTH, "prefix"},
                                        {"svcacct", ACCOUNT, NULL},
                                        {"name", RECORD, "name"},
                                        {"headers", HEADERS, "headers"}};

enum { OWN_TRIES = 100 };
typedef struct OwnConn {
  char id[40], from[40];
  Val record;
  int64_t rev;
  Val secret; /* value to be sealed, nil: none */
} OwnConn;

static bool speaks_http(Val type) { return kw_is(type, "http-api") || kw_is(type, "llm-provider"); }

static Val auth_of(const OwnConn *o, Val req) {
  Val auth = map_get_kw(map_get_kw(o->record, "config"), "auth");
  if (!is_map(auth)) auth = map_get_kw(req, "auth");
  return is_map(auth) ? auth : map_empty;
}

static void put_config(OwnConn *o, const char *key, Val v) {
  Val config = map_get_kw(o->record, "config");
  if (!is_map(config)) config = map_empty;
  config = empty(v) ? map_dissoc(config, kw_c(key)) : map_assoc(config, kw_c(key), v);
  o->record = map_assoc(o->record, kw_c("config"), config);
}

static void put_auth(OwnConn *o, Val req, const char *key, Val v) {
  Val auth = auth_of(o, req);
  put_config(o, "auth", empty(v) ? map_dissoc(auth, kw_c(key)) : map_assoc(auth, kw_c(key), v));
}

static void put_user(OwnConn *o, Val req, Val v) {
  if (!speaks_http(map_get_kw(req, "type"))) return put_config(o, "username", v);
  if (!kw_is(map_get_kw(auth_of(o, req), "type"), "basic")) put_auth(o, req, "type", kw_c("basic"));
  put_auth(o, req, "username", v);
}

static void put_secret(OwnConn *o, Val req, Val v) {
  char name[60];
  Val type = map_get_kw(req, "type"), config = map_get_kw(o->record, "config");
  snprintf(name, sizeof name, "%s.value", o->id);
  o->secret = v;
  if (!speaks_http(type)) return put_config(o, "secret-ref", str_c(name));
  Val auth = auth_of(o, req);
  if (map_count(auth)) config = map_assoc(is_map(config) ? config : map_empty, kw_c("auth"), auth);
  o->record = map_assoc(o->record, kw_c("config"), api_conn_with_secret(type, is_map(config) ? config : map_empty, name));
}

static bool put_field(ApiCall *c, OwnConn *o, Val req, const SlotField *f, Val v) {
  bool text = is_str(v) || is_nil(v) || (is_long(v) && !strcmp(f->name, "port"));
  if (f->where == HEADERS ? !is_map(v) : !text)
    return api_fail(c, 400, "bad_request", "inputs: %s-%s must be %s", f->name, key_text(map_get_kw(req, "slot")),
                    f->where == HEADERS ? "an object" : "a text");
  if ((f->where == SEALED || f->where == WHOLE_SECRET || f->where == ACCOUNT) && empty(v))
    return api_fail(c, 400, "bad_request", "inputs: %s-%s must not be empty", f->name, key_text(map_get_kw(req, "slot")));
  switch (f->where) {
  case IN_CONFIG: strcmp(f->name, "user") ? put_config(o, f->key, v) : put_user(o, req, v); break;
  case HEADERS: put_config(o, f->key, v); break;
  case IN_AUTH: put_auth(o, req, f->key, v); break;
  case SEALED:
  case WHOLE_SECRET: put_secret(o, req, v); break;
  case ACCOUNT:
    put_auth(o, req, "type", kw_c("google-service-account"));
    put_secret(o, req, v);
    break;
  case RECORD: o->record = empty(v) ? map_dissoc(o->record, kw_c(f->key)) : map_assoc(o->record, kw_c(f->key), v); break;
  }
  return true;
}

static Val first_backend(Val req) {
  Val one = map_get_kw(req, "backend"), all = map_get_kw(req, "backends");
  ValVec v = {0};
  if (!is_nil(one) || is_nil(all) || is_sig(coll_into_array(all, &v)) || v.n != 1) return one;
  return v.a[0];
}

/* "slot-" and 16 digits: made here for a slot, and not by a person. */
static bool is_own(const char *id) { return !strncmp(id, "slot-", 5) && strspn(id + 5, "0123456789abcdef") == 16 && strlen(id) == 21; }

/* Who else is bound to the connection: another slot or target; with slot NULL another target, with target NULL as well another flow. */
static bool used_elsewhere(ApiCall *c, const char *id, const char *flow, const char *target, const char *slot, Err *err) {
  Val all = binding_usages(c->api->store, c->workspace, id, err);
  for (uint32_t i = 0; !err->code && i < vec_count(all); i++) {
    Val u = vec_nth(all, i);
    bool here = str_eq_c(map_get_kw(u, "flow"), flow) && (!target || str_eq_c(map_get_kw(u, "target"), target));
    if (!here || (slot && !str_eq_c(map_get_kw(u, "slot"), slot))) return true;
  }
  return false;
}

/* The id of the connection that is this slot's alone. Bindings are copied from target to target, and nobody changes what another one is
 * bound to, too: then it is a new id, and the connection begins as a copy of the shared one (from). */
static bool own_pick(ApiCall *c, const ApiConfiguring *k, const char *slot, OwnConn *o) {
  Val bound = map_get(k->bound, str_c(slot), NIL);
  const char *has = is_str(bound) && is_own(str_s(bound)) ? str_s(bound) : "";
  char name[200];
  Err err = {0};
  bool shared = *has && used_elsewhere(c, has, k->t.flow, k->t.name, slot, &err);
  snprintf(o->id, sizeof o->id, "%s", has);
  snprintf(o->from, sizeof o->from, "%s", shared ? has : "");
  bool found = *has && !shared;
  for (int n = 0; !found && !err.code && n < OWN_TRIES; n++) {
    snprintf(name, sizeof name, n ? "%s %d" : "%s", slot, n);
    own_id(&k->t, "slot", name, o->id);
    found = strcmp(o->id, o->from) && !used_elsewhere(c, o->id, k->t.flow, k->t.name, slot, &err);
  }
  if (err.code) return api_fail_err(c, &err);
  return found || api_fail(c, 409, "in_use", "inputs: the connections made for slot %s are all bound elsewhere", slot);
}

static void own_new(const ApiConfiguring *k, const char *slot, Val req, OwnConn *o) {
  Val backend = first_backend(req);
  o->record = map_assoc(map_assoc(map_empty, kw_c("type"), map_get_kw(req, "type")), kw_c("config"), map_empty);
  o->record = map_assoc(o->record, kw_c("name"), str_fmt("%s %s %s", k->t.flow, k->t.name, slot));
  if (!is_nil(backend)) o->record = map_assoc(o->record, kw_c("backend"), backend);
}

/* What the connection o->from is, under a name of its own and with the same secret sealed once more. */
static bool own_copy(ApiCall *c, const ApiConfiguring *k, const char *slot, Val req, OwnConn *o) {
  Err err = {0};
  Buf value = {0};
  char name[60];
  Val was = conn_store_get(c->api->store, c->workspace, o->from, NULL, &err);
  if (err.code) return api_fail_err(c, &err);
  own_new(k, slot, req, o);
  if (is_map(was)) o->record = map_assoc(was, kw_c("name"), map_get_kw(o->record, "name"));
  snprintf(name, sizeof name, "%s.value", o->from);
  if (vault_open(c->api->vault, c->workspace, name, &value, &err)) put_secret(o, req, buf_str(&value));
  buf_wipe(&value);
  return true;
}

static bool own_open(ApiCall *c, const ApiConfiguring *k, const char *slot, Val req, OwnConn *o) {
  Err err = {0};
  o->secret = NIL;
  if (!own_pick(c, k, slot, o)) return false;
  o->record = conn_store_get(c->api->store, c->workspace, o->id, &o->rev, &err);
  if (err.code) return api_fail_err(c, &err);
  if (*o->from) return own_copy(c, k, slot, req, o);
  if (!is_map(o->record)) own_new(k, slot, req, o);
  return true;
}

static bool own_save(ApiCall *c, ApiConfiguring *k, const char *slot, OwnConn *o) {
  Err err = {0};
  char name[60];
  bool ok = k->dry ? conn_store_valid(o->id, o->record, &err)
                   : !is_nil(conn_store_put(c->api->store, c->workspace, o->id, o->record, o->rev, &err));
  snprintf(name, sizeof name, "%s.value", o->id);
  return (ok || api_fail_err(c, &err)) && (is_nil(o->secret) || seal(c, k, name, o->secret)) && bind(c, k, slot, o->id);
}

/* --- inputs
 * ------------------------------------------------------------------------------------------------------------------------------------ */
/* "apikey-my-slot": the field and the slot. The field's name may hold a dash, and so may the slot's. */
static const SlotField *split(const ApiConfiguring *k, const char *key, const char **slot) {
  for (size_t i = 0; i < sizeof slot_fields / sizeof *slot_fields; i++) {
    size_t n = strlen(slot_fields[i].name);
    if (strncmp(key, slot_fields[i].name, n) || key[n] != '-' || is_nil(requirement(k, key + n + 1))) continue;
    *slot = key + n + 1;
    return &slot_fields[i];
  }
  return NULL;
}

static bool unknown_input(ApiCall *c, const ApiConfiguring *k, const char *key) {
  return api_fail(
      c, 400, "bad_request",
      "inputs: %.100s means nothing for %s: keys are form-FIELD, conn-SLOT, headers-SLOT or one of url apikey secret user pass host port "
      "database connstr backend header prefix ..., a dash and a slot of :requires",
      key, k->t.flow);
}

/* All fields of one slot at once: they are one connection. */
static bool set_slot(ApiCall *c, ApiConfiguring *k, const char *slot, Val inputs) {
  Val req = requirement(k, slot), key, v, conn = ABSENT;
  MapIter it;
  OwnConn o;
  bool own = false;
  map_iter(&it, inputs);
  while (map_next(&it, &key, &v)) {
    const char *its = NULL;
    const SlotField *f = split(k, key_text(key), &its);
    if (!f || strcmp(its, slot) || str_eq_c(v, "redacted")) continue;
    if (!strcmp(f->name, "conn")) {
      conn = v;
    } else if (is_secret_slot(req)) {
      if (!set_secret_slot(c, k, slot, req, v)) return false;
    } else if ((!own && !own_open(c, k, slot, req, &o)) || !put_field(c, &o, req, f, v)) {
      return false;
    } else {
      own = true;
    }
  }
  if (own && !same(conn, ABSENT) && !empty(conn))
    return api_fail(c, 400, "bad_request", "inputs: slot %s gets either a connection (conn-%s) or fields for one of its own", slot, slot);
  if (own) return own_save(c, k, slot, &o);
  return same(conn, ABSENT) || set_connection(c, k, slot, req, conn);
}

static bool known_inputs(ApiCall *c, const ApiConfiguring *k, Val inputs) {
  MapIter it;
  Val key, v;
  map_iter(&it, inputs);
  while (map_next(&it, &key, &v)) {
    const char *name = key_text(key), *slot;
    if (strncmp(name, "form-", 5) && !split(k, name, &slot)) return unknown_input(c, k, name);
  }
  return true;
}

static bool set_inputs(ApiCall *c, ApiConfiguring *k, Val inputs) {
  MapIter it;
  Val key, v, all = map_get_kw(k->def, "requires");
  if (is_nil(inputs)) return true;
  if (!known_inputs(c, k, inputs)) return false;
  map_iter(&it, inputs);
  while (map_next(&it, &key, &v))
    if (!strncmp(key_text(key), "form-", 5) && !str_eq_c(v, "redacted") && !set_field(c, k, key_text(key) + 5, v)) return false;
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val slot = is_map(vec_nth(all, i)) ? map_get_kw(vec_nth(all, i), "slot") : NIL;
    if (is_kw(slot) && !set_slot(c, k, kw_text(slot), inputs)) return false;
  }
  return true;
}

/* {slot {"connectionId" id}} or {slot id} */
static bool set_bindings(ApiCall *c, ApiConfiguring *k, Val bindings) {
  MapIter it;
  Val slot, v;
  if (!is_map(bindings)) return true;
  map_iter(&it, bindings);
  while (map_next(&it, &slot, &v)) {
    Val req = requirement(k, key_text(slot)), id = is_map(v) ? map_get_kw(v, "connectionId") : v;
    if (is_map(v) && is_nil(id)) id = map_get_kw(v, "conn");
    if (is_nil(req)) return api_fail(c, 400, "bad_request", "bindings: %s requires no slot %.100s", k->t.flow, key_text(slot));
    if (!set_connection(c, k, key_text(slot), req, id)) return false;
  }
  return true;
}

/* --- schedules
 * ------------------------------------------------------------------------------------------------------------------------------- */
static bool has_schedule(const ApiConfiguring *k, const char *id) {
  Val all = map_get_kw(k->def, "schedules");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++)
    if (is_map(vec_nth(all, i)) && !strcmp(key_text(map_get_kw(vec_nth(all, i), "id")), id)) return true;
  return false;
}

static bool set_schedules(ApiCall *c, ApiConfiguring *k) {
  Val given = api_arg(c, "schedules"), resets = api_arg(c, "scheduleResets"), all = part(k, "schedules"), id, v;
  MapIter it;
  map_iter(&it, is_map(given) ? given : map_empty);
  while (map_next(&it, &id, &v)) {
    Val on = is_map(v) ? map_get_kw(v, "enabled") : NIL;
    if (!has_schedule(k, key_text(id)))
      return api_fail(c, 400, "bad_request", "schedules: %s has no schedule %.100s", k->t.flow, key_text(id));
    if (!is_bool(on)) return api_fail(c, 400, "bad_request", "schedules: %.100s must be {\"enabled\": true} or false", key_text(id));
    all = map_assoc(all, str_c(key_text(id)), map_assoc(map_empty, kw_c("enabled"), on));
  }
  for (uint32_t i = 0; is_vec(resets) && i < vec_count(resets); i++) {
    if (!is_str(vec_nth(resets, i))) return api_fail(c, 400, "bad_request", "scheduleResets: ids of schedules are expected");
    all = map_dissoc(all, vec_nth(resets, i));
  }
  set_part(k, "schedules", all);
  return true;
}

/* --- from the draft
 * ---------------------------------------------------------------------------------------------------------------------------- */
/* Values of secret slots and fields are sealed again for this target: what the draft does with its own is nothing to this one. */
static bool copy_secrets(ApiCall *c, ApiConfiguring *k, Val from) {
  Val all = map_get_kw(k->def, "requires"), out = map_empty;
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val req = vec_nth(all, i), slot = is_map(req) ? map_get_kw(req, "slot") : NIL;
    char id[40], secret[60];
    bool there;
    if (!is_kw(slot) || !is_secret_slot(req)) continue;
    Val ref = slot_ref(req, kw_text(slot)), name = map_get(from, ref, NIL);
    if (!is_str(name)) continue;
    own_id(&k->t, "slot", kw_text(slot), id);
    snprintf(secret, sizeof secret, "%s.secret", id);
    if (!seal_copy(c, k, str_s(name), secret, &there)) return false;
    if (there) out = map_assoc(out, ref, str_c(secret));
  }
  return set_part(k, "secrets", out), true;
}

static bool copy_activation(ApiCall *c, ApiConfiguring *k, Val from) {
  MapIter it;
  Val key, v, out = from;
  map_iter(&it, from);
  while (map_next(&it, &key, &v)) {
    char secret[VAULT_NAME_MAX + 1];
    bool there;
    if (!is_secret_field(form_field(k, key_text(key))) || !is_str(v)) continue;
    field_secret(&k->t, key_text(key), secret);
    if (!seal_copy(c, k, str_s(v), secret, &there)) return false;
    out = there ? map_assoc(out, key, str_c(secret)) : map_dissoc(out, key);
  }
  return set_part(k, "activation", out), true;
}

static bool copy_draft(ApiCall *c, ApiConfiguring *k) {
  char key[220];
  Val doc = NIL, slot, id;
  int64_t rev;
  MapIter it;
  Err err = {0};
  if (!api_flag(c, "fromDraft") || !strcmp(k->t.name, "draft")) return true;
  Val bound = binding_get(c->api->store, c->workspace, k->t.flow, "draft", NULL, &err);
  if (err.code) return api_fail_err(c, &err);
  map_iter(&it, bound);
  while (map_next(&it, &slot, &id))
    if (!is_nil(requirement(k, key_text(slot))) && is_str(id) && !bind(c, k, key_text(slot), str_s(id))) return false;
  snprintf(key, sizeof key, "%s/draft", k->t.flow);
  if (!api_doc(c->api, c->workspace, "target", key, &doc, &rev, &err)) return !err.code || api_fail_err(c, &err);
  Val activation = map_get_kw(doc, "activation"), secrets = map_get_kw(doc, "secrets");
  return copy_activation(c, k, is_map(activation) ? activation : map_empty) && copy_secrets(c, k, is_map(secrets) ? secrets : map_empty);
}

/* --- the whole
 * ------------------------------------------------------------------------------------------------------------------------------------ */
static bool set_all(ApiCall *c, ApiConfiguring *k) {
  return copy_draft(c, k) && set_inputs(c, k, api_arg(c, "inputs")) && set_bindings(c, k, api_arg(c, "bindings")) && set_schedules(c, k);
}

/* Everything is looked at before anything is changed: one wrong field, and the target is as it was. */
static bool set_dry(ApiCall *c, ApiConfiguring *k) {
  Err err = {0};
  k->bound = binding_get(c->api->store, c->workspace, k->t.flow, k->t.name, NULL, &err);
  if (err.code) return api_fail_err(c, &err);
  Val doc = k->doc, bound = k->bound;
  k->dry = true;
  bool ok = set_all(c, k);
  k->dry = false;
  k->doc = doc;
  k->bound = bound;
  return ok;
}

bool api_configure_apply(ApiCall *c, ApiConfiguring *k) {
  char key[220];
  if (!set_dry(c, k) || !set_all(c, k)) return false;
  k->doc = map_assoc(k->doc, kw_c("updated-ms"), int_val(now_ms()));
  k->t.activation = part(k, "activation");
  k->t.schedules = part(k, "schedules");
  target_key(&k->t, key);
  Batch *b = batch_new(); /* at once, as bindings and secrets are: what the call answers with is what a run would find */
  Err err = {0};
  if (api_doc_put(b, c->workspace, "target", key, k->doc, k->rev, now_ms(), 0))
    return store_submit_wait(c->api->store, b, &err) || api_fail_err(c, &err);
  batch_free(b);
  return api_fail(c, 500, "internal", "the target cannot be stored");
}

/* A connection that was made for a slot goes with its last target; alone: targets of the same flow do not count, they go as well. */
static bool forget_connection(ApiCall *c, const ApiTarget *t, const char *id, bool alone) {
  Err err = {0};
  if (used_elsewhere(c, id, t->flow, alone ? NULL : t->name, NULL, &err) || err.code) return !err.code || api_fail_err(c, &err);
  api_conn_secrets_delete(c, id);
  if (is_map(conn_store_get(c->api->store, c->workspace, id, NULL, &err)))
    batch_doc_del(api_batch(c), c->workspace, "connection", id, DOC_ANY);
  return !err.code || api_fail_err(c, &err);
}

static bool forget_slot(ApiCall *c, const ApiTarget *t, const char *slot, Val bound, bool alone) {
  char id[40];
  own_id(t, "slot", slot, id);
  if (is_str(bound) && is_own(str_s(bound)) && strcmp(str_s(bound), id) && !forget_connection(c, t, str_s(bound), alone)) return false;
  return forget_connection(c, t, id, alone);
}

/* Values of secret slots. What the draft names as well stays. */
static void forget_secrets(ApiCall *c, Val secrets, Val of_draft) {
  MapIter it;
  Val ref, name;
  map_iter(&it, is_map(secrets) ? secrets : map_empty);
  while (map_next(&it, &ref, &name)) {
    Err err = {0};
    bool shared = is_str(name) && same(val_eq(map_get(of_draft, ref, NIL), name), TRUE_V);
    if (is_str(name) && !shared) vault_delete(c->api->vault, c->workspace, str_s(name), DOC_ANY, &err);
  }
}

static Val draft_secrets(ApiCall *c, const char *slug) {
  char key[220];
  Val doc = NIL;
  int64_t rev;
  Err err = {0};
  snprintf(key, sizeof key, "%s/draft", slug);
  api_doc(c->api, c->workspace, "target", key, &doc, &rev, &err);
  Val all = is_map(doc) ? map_get_kw(doc, "secrets") : NIL;
  return is_map(all) ? all : map_empty;
}

/* What the target has of its own beside its documents, which are told by their revisions; DOC_NEW: there is none. */
static bool forget_own(ApiCall *c, const char *slug, const char *target, bool alone, char key[220], int64_t *binding_rev,
                       int64_t *target_rev) {
  ApiTarget t = {.activation = map_empty, .schedules = map_empty};
  char id[40];
  Val slot, v, doc;
  MapIter it;
  Err err = {0};
  *target_rev = DOC_NEW;
  snprintf(t.flow, sizeof t.flow, "%s", slug);
  snprintf(t.name, sizeof t.name, "%s", target);
  target_key(&t, key);
  Val bound = binding_get(c->api->store, c->workspace, slug, target, binding_rev, &err);
  if (err.code) return api_fail_err(c, &err);
  map_iter(&it, bound);
  while (map_next(&it, &slot, &v))
    if (!forget_slot(c, &t, key_text(slot), v, alone)) return false;
  own_id(&t, "form", "", id);
  api_conn_secrets_delete(c, id);
  if (api_doc(c->api, c->workspace, "target", key, &doc, target_rev, &err))
    forget_secrets(c, map_get_kw(doc, "secrets"), strcmp(target, "draft") ? draft_secrets(c, slug) : map_empty);
  return !err.code || api_fail_err(c, &err);
}

bool api_configure_forget(ApiCall *c, const char *slug, const char *target) {
  char key[220];
  int64_t bound, doc;
  if (!forget_own(c, slug, target, false, key, &bound, &doc)) return false;
  if (bound != DOC_NEW) batch_doc_del(api_batch(c), c->workspace, "binding", key, bound);
  if (doc != DOC_NEW) api_doc_del(api_batch(c), c->workspace, "target", key, doc);
  return true;
}

typedef struct Gone {
  ApiCall *c;
  const char *slug;
} Gone;
static bool install_gone(void *ctx, const char *id, Val doc) {
  const Gone *g = ctx;
  char key[220];
  int64_t a, b;
  (void)doc;
  if (!forget_own(g->c, g->slug, id, true, key, &a, &b)) return false;
  api_doc_del(api_batch(g->c), g->c->workspace, "installation", id, DOC_ANY);
  return true;
}

bool api_configure_flow_gone(ApiCall *c, const char *slug) {
  Gone g = {c, slug};
  char key[220];
  int64_t a, b;
  Err err = {0};
  if (!api_installations_each(c->api, c->workspace, slug, install_gone, &g, &err)) return api_fail_err(c, &err);
  return !c->code && forget_own(c, slug, "live", true, key, &a, &b) && forget_own(c, slug, "draft", true, key, &a, &b);
}
