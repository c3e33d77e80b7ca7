/* connection.c - see connection.h. */
#include "connection.h"
#include "runtime/base/json.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Target {
  Val connections; /* map from slot keyword */
  SecretSet *secrets;
  TargetStore behind;
  Err *problem; /* of the last look behind */
};

/* Slot types of spec/flows.md 1.3, and the backends that steps know; NULL = any. */
static const struct { const char *type, *backends; } types[] = {
    {"http-api", NULL},          {"database", "postgres mysql mariadb sqlite"},
    {"kv-store", "breyta"},      {"blob-storage", "file s3"},
    {"secret", NULL},            {"ssh", "ssh"},
    {"llm-provider", NULL}};

Target *target_new(void) {
  Target *t = mem_root(sizeof *t); /* holds a value: a root until target_free */
  t->connections = map_empty;
  t->secrets = secret_set_new();
  return t;
}

void target_free(Target *t) {
  if (!t) return;
  secret_set_free(t->secrets);
  free(t->problem);
  t->problem = NULL;
  t->secrets = NULL;
  t->connections = map_empty;
}

const SecretSet *target_secrets(const Target *t) { return t ? t->secrets : NULL; }

/* ---- reading the file ---- */

typedef struct Load { Target *t; Buf problems; } Load;

static void problem(Load *l, const char *what, const char *name, const char *says) {
  buf_fmt(&l->problems, "%s%s %.100s: %s", l->problems.n ? "; " : "", what, name, says);
}

static Val as_kw(Val v) { return is_str(v) ? kw_parse(str_s(v), str_n(v)) : v; }

static bool known_backend(const char *list, const char *name) {
  size_t n = strlen(name);
  for (const char *p = list; p && *p; p += strcspn(p, " "), p += *p == ' ')
    if (!strncmp(p, name, n) && (p[n] == ' ' || !p[n])) return true;
  return !list;
}

static bool check_type(Load *l, const char *slot, Val type, Val backend) {
  for (size_t i = 0; is_kw(type) && i < sizeof types / sizeof *types; i++) {
    if (!kw_is(type, types[i].type)) continue;
    if (is_nil(backend) || (is_kw(backend) && known_backend(types[i].backends, kw_text(backend)))) return true;
    Buf b = {0};
    buf_fmt(&b, "\"backend\" is one of %s", types[i].backends ? types[i].backends : "the names that its steps know");
    problem(l, "connection", slot, buf_cstr(&b));
    buf_free(&b);
    return false;
  }
  problem(l, "connection", slot, "\"type\" is one of http-api, database, blob-storage, kv-store, secret, ssh");
  return false;
}

/* Keyword-like texts of the small closed sets become keywords, so that flow and file are written alike. */
static Val tidy_auth(Val config) {
  Val auth = map_get_kw(config, "auth");
  if (!is_map(auth)) return config;
  Val type = map_get_kw(auth, "type");
  return is_str(type) ? map_assoc(config, kw_c("auth"), map_assoc(auth, kw_c("type"), as_kw(type))) : config;
}

static void load_connection(Load *l, Val slot, Val c) {
  slot = as_kw(slot);
  if (!is_kw(slot)) return problem(l, "connection", "?", "slots are names");
  const char *name = kw_text(slot);
  if (!is_map(c)) return problem(l, "connection", name, "write {\"type\": \"http-api\", \"config\": {...}}");
  Val type = as_kw(map_get_kw(c, "type")), backend = as_kw(map_get_kw(c, "backend")), config = map_get_kw(c, "config");
  if (!check_type(l, name, type, backend)) return;
  if (!is_nil(config) && !is_map(config)) return problem(l, "connection", name, "\"config\" is a map");
  Val kv[] = {kw_c("type"), type, kw_c("backend"), backend, kw_c("config"), tidy_auth(is_nil(config) ? map_empty : config)};
  l->t->connections = map_assoc(l->t->connections, slot, map_from(kv, 3, false));
}

static const char *name_text(Val k, Buf *b) {
  b->n = 0;
  if (is_str(k)) buf_add(b, str_s(k), str_n(k));
  else if (is_kw(k)) buf_c(b, kw_text(k));
  return b->n ? buf_cstr(b) : NULL;
}

static void load_secret(Load *l, Val k, Val spec) {
  Buf b = {0};
  Err e = {0};
  const char *name = name_text(k, &b);
  if (!name) problem(l, "secret", "?", "names are texts");
  else if (!secret_set_add(l->t->secrets, name, spec, &e)) buf_fmt(&l->problems, "%s%s", l->problems.n ? "; " : "", e.msg);
  buf_free(&b);
}

static void each(Load *l, Val file, const char *part, void (*f)(Load *l, Val k, Val v)) {
  Val m = map_get_kw(file, part), k, v;
  MapIter it;
  if (is_nil(m)) return;
  if (!is_map(m)) return problem(l, "field", part, "is a map");
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) f(l, k, v);
}

static void unknown_fields(Load *l, Val file) {
  MapIter it;
  Val k, v;
  Buf b = {0};
  map_iter(&it, file);
  while (map_next(&it, &k, &v)) {
    const char *name = name_text(k, &b);
    if (!name || (strcmp(name, "connections") && strcmp(name, "secrets"))) problem(l, "field", name ? name : "?", "only connections and secrets are known");
  }
  buf_free(&b);
}

static bool read_file(const char *path, Buf *b, Err *e) {
  FILE *f = fopen(path, "re");
  char part[8192];
  size_t n;
  if (!f) return err_set(e, "connections", "cannot read %s: %s", path, strerror(errno));
  while ((n = fread(part, 1, sizeof part, f))) buf_add(b, part, n);
  bool ok = !ferror(f);
  fclose(f);
  explicit_bzero(part, sizeof part);
  return ok || err_set(e, "connections", "cannot read %s: %s", path, strerror(errno));
}

static Val parse_file(const char *path, const Buf *b, Err *e) {
  size_t n = strlen(path);
  if (n < 4 || strcmp(path + n - 4, ".edn")) return json_parse(b->p ? b->p : "", b->n, e);
  Val v = read_one(b->p ? b->p : "", b->n, path, true);
  if (!is_sig(v)) return v;
  err_set(e, "connections", "%s", is_str(AS(Ex, pend.ex)->msg) ? str_s(AS(Ex, pend.ex)->msg) : "it cannot be read");
  return ABSENT;
}

static bool load_all(Load *l, const char *path, Val file, Err *e) {
  if (!is_map(file)) return err_set(e, "connections", "%s: write {\"connections\": {...}, \"secrets\": {...}}", path);
  unknown_fields(l, file);
  each(l, file, "connections", load_connection);
  each(l, file, "secrets", load_secret);
  return !l->problems.n || err_set(e, "connections", "%s: %s", path, buf_cstr(&l->problems));
}

Target *target_load(const char *path, Err *e) {
  Buf text = {0};
  Err why = {0};
  if (!read_file(path, &text, e)) return NULL;
  Val file = parse_file(path, &text, &why);
  if (text.p) explicit_bzero(text.p, text.n);
  buf_free(&text);
  if (same(file, ABSENT)) {
    err_set(e, "connections", "%s: %s", path, why.msg);
    return NULL;
  }
  return target_from(file, path, e);
}

Target *target_from(Val data, const char *what, Err *e) {
  Load l = {.t = target_new()};
  bool ok = load_all(&l, what, data, e);
  buf_free(&l.problems);
  if (ok) return l.t;
  target_free(l.t);
  return NULL;
}

/* ---- resolving ---- */

static Val requirement(Val requires, Val slot) {
  for (uint32_t i = 0; is_vec(requires) && i < vec_count(requires); i++) {
    Val r = vec_nth(requires, i);
    if (is_map(r) && same(map_get_kw(r, "slot"), slot)) return r;
  }
  return NIL;
}

/* What a requirement declares of its connection's config. */
static Val declared(Val req) {
  Val out = map_get_kw(req, "config");
  if (!is_map(out)) out = map_empty;
  static const char *const fields[] = {"base-url", "auth", "headers", "query"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    Val v = map_get_kw(req, fields[i]);
    if (!is_nil(v)) out = map_assoc(out, kw_c(fields[i]), v);
  }
  return out;
}

static bool needs_no_binding(Val config) {
  Val auth = map_get_kw(config, "auth");
  return is_str(map_get_kw(config, "base-url")) && kw_is(map_get_kw(auth, "type"), "none");
}

void target_behind(Target *t, const TargetStore *s) {
  t->behind = *s;
  if (!t->problem && !(t->problem = calloc(1, sizeof *t->problem))) abort();
  secret_set_behind(t->secrets, s->secrets);
}

static Val bound_to(const Target *t, Val flow, Val slot) {
  if (t && t->problem) *t->problem = (Err){0};
  Val bound = t ? map_get(t->connections, slot, NIL) : NIL, slug = map_get_kw(flow, "slug");
  if (!is_nil(bound) || !t || !t->behind.bound || is_nil(slug)) return bound;
  return t->behind.bound(t->behind.ctx, kw_text(slug), kw_text(slot), t->problem);
}

Val target_secret_slot(Val flow, Val slot) {
  Val req = requirement(map_get_kw(flow, "requires"), slot), ref = map_get_kw(req, "secret-ref");
  if (!kw_is(map_get_kw(req, "type"), "secret") && !kw_is(map_get_kw(req, "kind"), "secret")) return NIL;
  return str_c(kw_text(is_nil(ref) ? slot : ref));
}

bool target_slot_bound(const Target *t, Val flow, Val slot) {
  Val secret = target_secret_slot(flow, slot);
  if (is_nil(secret)) return !is_nil(target_slot(t, flow, slot));
  if (t && t->problem) *t->problem = (Err){0};
  return secret_set_has(target_secrets(t), str_s(secret));
}

const char *target_problem(const Target *t) { return t && t->problem && t->problem->code ? t->problem->msg : NULL; }

Val target_slot(const Target *t, Val flow, Val slot) {
  Val req = requirement(map_get_kw(flow, "requires"), slot), bound = bound_to(t, flow, slot);
  Val config = is_nil(req) ? map_empty : declared(req);
  if (is_nil(bound)) {
    if (is_nil(req) || !needs_no_binding(config)) return NIL;
    Val kv[] = {kw_c("type"), map_get_kw(req, "type"), kw_c("config"), config};
    return map_from(kv, 2, false);
  }
  return map_assoc(bound, kw_c("config"), map_merge(config, map_get_kw(bound, "config")));
}

Val target_stored(const Target *t, const char *after, size_t max, Err *e) {
  return t && t->behind.all ? t->behind.all(t->behind.ctx, after, max, e) : vec_empty;
}

Val target_connections(const Target *t) { return t ? t->connections : map_empty; }
