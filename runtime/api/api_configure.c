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
  int64_t n = is_long(v) ? long_of(v) : is_str(v) ? strtoll(str_s(v), &end, 10) : 0;
  if (is_nil(v)) return true;
  if (end && *end && strcmp(str_s(v), "latest")) return api_fail(c, 400, "bad_request", "version: a number, or \"latest\"");
  if (!api_flow_source(c->api, c->workspace, k->t.flow, "active", n, &hash, &k->t.version, &err)) return api_fail_err(c, &err);
  snprintf(k->t.hash, sizeof k->t.hash, "%s", hash);
  free(hash);
  return true;
}

bool api_configure_open(ApiCall *c, const char *slug, const char *target, ApiConfiguring *k) {
  char key[220];
  Err err = {0};
  *k = (ApiConfiguring){.def = map_empty, .doc = map_empty, .rev = DOC_NEW};
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

static bool seal(ApiCall *c, const char *name, Val v) { return api_secret_put(c, name, str_eq_c(v, "generate") ? made_up() : v); }

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

static bool set_field(ApiCall *c, ApiConfiguring *k, const char *name, Val v) {
  Val field = form_field(k, name), coerced = v, all = part(k, "activation"), key = name_kw(str_c(name));
  char id[40], secret[VAULT_NAME_MAX + 1];
  if (is_nil(field)) return api_fail(c, 400, "bad_request", "inputs: the setup form of %s has no field %.100s", k->t.flow, name);
  if (empty(v)) return set_part(k, "activation", map_dissoc(all, key)), true;
  if (is_secret_field(field)) {
    own_id(&k->t, "form", "", id);
    snprintf(secret, sizeof secret, "%s.%.100s", id, name);
    if (!seal(c, secret, v)) return false;
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
  return binding_put(c->api->store, c->workspace, k->t.flow, k->t.name, slot, id, &err) || api_fail_err(c, &err);
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

/* A slot of type :secret: the name that the flow uses is that of this target's own value. */
static bool set_secret_slot(ApiCall *c, ApiConfiguring *k, const char *slot, Val req, Val v) {
  char id[40], secret[60];
  Val ref = map_get_kw(req, "secret-ref"), all = part(k, "secrets"), name = str_c(is_nil(ref) ? slot : key_text(ref));
  own_id(&k->t, "slot", slot, id);
  snprintf(secret, sizeof secret, "%s.secret", id);
  if (empty(v)) {
    api_conn_secrets_delete(c, id);
    return set_part(k, "secrets", map_dissoc(all, name)), true;
  }
  if (!seal(c, secret, v)) return false;
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

typedef struct OwnConn {
  char id[40];
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

static bool own_open(ApiCall *c, const ApiConfiguring *k, const char *slot, Val req, OwnConn *o) {
  Err err = {0};
  own_id(&k->t, "slot", slot, o->id);
  o->secret = NIL;
  o->record = conn_store_get(c->api->store, c->workspace, o->id, &o->rev, &err);
  if (err.code) return api_fail_err(c, &err);
  if (is_map(o->record)) return true;
  o->rev = DOC_NEW;
  o->record = map_assoc(map_assoc(map_empty, kw_c("type"), map_get_kw(req, "type")), kw_c("config"), map_empty);
  o->record = map_assoc(o->record, kw_c("name"), str_fmt("%s %s %s", k->t.flow, k->t.name, slot));
  Val backend = first_backend(req);
  if (!is_nil(backend)) o->record = map_assoc(o->record, kw_c("backend"), backend);
  return true;
}

static bool own_save(ApiCall *c, ApiConfiguring *k, const char *slot, OwnConn *o) {
  Err err = {0};
  char name[60];
  if (is_nil(conn_store_put(c->api->store, c->workspace, o->id, o->record, o->rev, &err))) return api_fail_err(c, &err);
  snprintf(name, sizeof name, "%s.value", o->id);
  return (is_nil(o->secret) || seal(c, name, o->secret)) && bind(c, k, slot, o->id);
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
  set_part(k, "activation", is_map(map_get_kw(doc, "activation")) ? map_get_kw(doc, "activation") : map_empty);
  set_part(k, "secrets", is_map(map_get_kw(doc, "secrets")) ? map_get_kw(doc, "secrets") : map_empty);
  return true;
}

/* --- the whole
 * ------------------------------------------------------------------------------------------------------------------------------------ */
bool api_configure_apply(ApiCall *c, ApiConfiguring *k) {
  char key[220];
  if (!copy_draft(c, k) || !set_inputs(c, k, api_arg(c, "inputs")) || !set_bindings(c, k, api_arg(c, "bindings")) || !set_schedules(c, k))
    return false;
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

static void forget_slot(ApiCall *c, const ApiTarget *t, const char *slot) {
  char id[40];
  Err err = {0};
  int64_t rev;
  own_id(t, "slot", slot, id);
  api_conn_secrets_delete(c, id);
  if (is_map(conn_store_get(c->api->store, c->workspace, id, &rev, &err))) batch_doc_del(api_batch(c), c->workspace, "connection", id, rev);
}

/* Values of secret slots. What was copied from the draft is named by the draft as well, and stays. */
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
static bool forget_own(ApiCall *c, const char *slug, const char *target, char key[220], int64_t *binding_rev, int64_t *target_rev) {
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
  while (map_next(&it, &slot, &v)) forget_slot(c, &t, key_text(slot));
  own_id(&t, "form", "", id);
  api_conn_secrets_delete(c, id);
  if (api_doc(c->api, c->workspace, "target", key, &doc, target_rev, &err))
    forget_secrets(c, map_get_kw(doc, "secrets"), strcmp(target, "draft") ? draft_secrets(c, slug) : map_empty);
  return !err.code || api_fail_err(c, &err);
}

bool api_configure_forget(ApiCall *c, const char *slug, const char *target) {
  char key[220];
  int64_t bound, doc;
  if (!forget_own(c, slug, target, key, &bound, &doc)) return false;
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
  if (!forget_own(g->c, g->slug, id, key, &a, &b)) return false;
  api_doc_del(api_batch(g->c), g->c->workspace, "installation", id, DOC_ANY);
  return true;
}

bool api_configure_flow_gone(ApiCall *c, const char *slug) {
  Gone g = {c, slug};
  char key[220];
  int64_t a, b;
  Err err = {0};
  if (!api_installations_each(c->api, c->workspace, slug, install_gone, &g, &err)) return api_fail_err(c, &err);
  return !c->code && forget_own(c, slug, "live", key, &a, &b) && forget_own(c, slug, "draft", key, &a, &b);
}
