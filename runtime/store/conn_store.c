/* conn_store.c - see conn_store.h. */
#include "conn_store.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 120, TRIES = 100 };

/* ---- documents that are EDN ---- */

static Val read_doc(Store *s, const char *workspace, const char *kind, const char *key, int64_t *rev, Err *e) {
  DocRow d;
  if (rev) *rev = DOC_NEW;
  if (!store_doc_get(s, workspace, kind, key, &d, e)) return NIL;
  Val v = read_one(d.data.p, d.data.n, NULL, true);
  if (rev) *rev = d.rev;
  doc_row_free(&d);
  if (is_map(v)) return v;
  err_set(e, "db_corrupt", "the %s %.100s cannot be read back", kind, key);
  return NIL;
}

/* Its text, from which it is read back; nil: a keyword such as one with a space in it has none. */
static Val text_of(Val v) {
  Val text = pr_str(v), back = is_str(text) ? read_one(str_s(text), str_n(text), NULL, true) : NIL;
  return is_map(back) && same(val_eq(back, v), TRUE_V) ? text : NIL;
}

static bool write_doc(Store *s, const char *workspace, const char *kind, const char *key, Val v, int64_t rev, Err *e) {
  Val text = text_of(v);
  if (!is_str(text)) return err_set(e, "bad_connection", "%s %.100s: its config is data only", kind, key);
  Batch *b = batch_new();
  DocRow d = {.workspace = (char *)workspace, .kind = (char *)kind, .key = (char *)key, .rev = rev, .at_ms = now_ms(),
              .data = {(char *)str_s(text), str_n(text)}};
  batch_doc_put(b, &d);
  return store_submit_wait(s, b, e);
}

static bool conflict(const Err *e) { return e->code && !strcmp(e->code, "doc_conflict"); }

/* ---- connections ---- */

static bool good_id(const char *id) {
  size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
  return n && n <= ID_MAX && !id[n];
}

/* Fields that others would read a secret from. */
static const char *plain_secret(Val config, int depth) {
  static const char *const words[] = {"password", "token", "api-key", "apikey", "secret", "secret-key", "secret-access-key", "private-key", "passphrase", "value",
                                      "authorization", "x-api-key"};
  MapIter it;
  Val k, v;
  if (!is_map(config) || depth > 8) return NULL;
  map_iter(&it, config);
  while (map_next(&it, &k, &v)) {
    const char *inner = plain_secret(v, depth + 1);
    if (inner) return inner;
    for (size_t i = 0; is_str(v) && i < sizeof words / sizeof *words; i++)
      if (!strcasecmp(kw_text(k), words[i])) return words[i];
  }
  return NULL;
}

Val conn_store_get(Store *s, const char *workspace, const char *id, int64_t *rev, Err *e) { return read_doc(s, workspace, "connection", id, rev, e); }

/* type, backend and config as a file would give them. */
static Val checked(const char *id, Val record, Err *e) {
  Val kv[] = {kw_c(id), record}, top[] = {kw_c("connections"), map_from(kv, 1, false)};
  Err why = {0};
  Target *t = target_from(map_from(top, 1, false), "connection", &why);
  if (!t) {
    err_set(e, "bad_connection", "%s", why.msg);
    return NIL;
  }
  Val c = target_slot(t, NIL, kw_c(id));
  target_free(t);
  const char *plain = plain_secret(map_get_kw(c, "config"), 0);
  if (!plain && is_str(text_of(c))) return c;
  if (!plain) {
    err_set(e, "bad_connection", "connection %s: type, backend and the words of its config are letters, digits and - _ . without spaces", id);
    return NIL;
  }
  err_set(e, "bad_connection", "connection %s: \"%s\" in its config would be readable in the database; store the value with `breyta-run secrets set NAME` and "
          "write its name as \"secret-ref\"", id, plain);
  return NIL;
}

static Val record_of(const char *id, Val given, Val c, Val was) {
  static const char *const kept[] = {"name", "description", "status"};
  int64_t at = now_ms();
  Val created = map_get_kw(was, "created-ms"), out = map_assoc(c, kw_c("id"), str_c(id));
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    Val v = map_get_kw(given, kept[i]);
    if (is_nil(v)) v = map_get_kw(was, kept[i]);
    if (!is_nil(v)) out = map_assoc(out, kw_c(kept[i]), v);
  }
  if (is_nil(map_get_kw(out, "name"))) out = map_assoc(out, kw_c("name"), str_c(id));
  out = map_assoc(out, kw_c("created-ms"), is_nil(created) ? int_val(at) : created);
  return map_assoc(out, kw_c("updated-ms"), int_val(at));
}

static Val looked_at(const char *id, Val record, Err *e) {
  if (good_id(id)) return checked(id, record, e);
  err_set(e, "bad_connection", "\"%.130s\" is no id of a connection: letters, digits, . _ and -, at most %d", id, ID_MAX);
  return NIL;
}

bool conn_store_valid(const char *id, Val record, Err *e) { return !is_nil(looked_at(id, record, e)); }

Val conn_store_put(Store *s, const char *workspace, const char *id, Val record, int64_t rev, Err *e) {
  int64_t there;
  Val c = looked_at(id, record, e);
  if (is_nil(c)) return NIL;
  for (int i = 0; i < TRIES; i++) {
    *e = (Err){0};
    Val was = conn_store_get(s, workspace, id, &there, e), out = record_of(id, record, c, was);
    if (!e->code && write_doc(s, workspace, "connection", id, out, rev == DOC_ANY ? there : rev, e)) return out;
    if (rev != DOC_ANY || !conflict(e)) break;
  }
  return NIL;
}

Val conn_store_list(Store *s, const char *workspace, Val type, const char *after, size_t max, Err *e) {
  ValVec out = {0};
  Buf at = {0};
  DocRow d;
  if (after) buf_c(&at, after);
  while (out.n < max && !e->code && store_docs(s, workspace, "connection", "", at.n ? buf_cstr(&at) : NULL, &d, 1, e)) {
    Val c = conn_store_get(s, workspace, d.key, NULL, e);
    at.n = 0;
    buf_c(&at, d.key);
    doc_row_free(&d);
    if (is_map(c) && (is_nil(type) || same(map_get_kw(c, "type"), type))) vv_push(&out, c);
  }
  buf_free(&at);
  return vec_from(out.a, out.n);
}

bool conn_store_delete(Store *s, const char *workspace, const char *id, Err *e) {
  int64_t rev;
  Val c = conn_store_get(s, workspace, id, &rev, e);
  if (is_nil(c)) return e->code ? false : err_set(e, "not_found", "there is no connection %.100s", id);
  Val used = binding_usages(s, workspace, id, e);
  if (e->code) return false;
  if (vec_count(used)) {
    Val u = vec_nth(used, 0);
    return err_set(e, "in_use", "connection %.100s is bound to slot %.60s of the flow %.60s (%s); bind that to another one, or unbind it", id,
                   str_s(map_get_kw(u, "slot")), str_s(map_get_kw(u, "flow")), str_s(map_get_kw(u, "target")));
  }
  Batch *b = batch_new();
  batch_doc_del(b, workspace, "connection", id, rev);
  return store_submit_wait(s, b, e);
}

static void check_refs(const SecretSet *secrets, Val config, ValVec *problems, int depth) {
  MapIter it;
  Val k, v;
  if (!is_map(config) || depth > 8) return;
  map_iter(&it, config);
  while (map_next(&it, &k, &v)) {
    const char *key = kw_text(k);
    size_t n = strlen(key);
    check_refs(secrets, v, problems, depth + 1);
    if (n < 4 || strcmp(key + n - 4, "-ref") || (!is_str(v) && !is_kw(v))) continue;
    SecretUse *used = NULL;
    Err e = {0};
    if (!secret_use(secrets, kw_text(v), &used, &e)) vv_push(problems, str_c(e.msg));
    secret_use_free(used);
  }
}

Val conn_store_check(const SecretSet *secrets, Val record) {
  ValVec problems = {0};
  Val config = map_get_kw(record, "config");
  if (kw_is(map_get_kw(record, "type"), "http-api") && !is_str(map_get_kw(config, "base-url")))
    vv_push(&problems, str_c("its config has no base-url: it works only in slots that declare one"));
  check_refs(secrets, config, &problems, 0);
  return vec_from(problems.a, problems.n);
}

/* ---- bindings ---- */

static void binding_key(Buf *b, const char *slug, const char *target) { buf_fmt(b, "%s/%s", slug, target); }

Val binding_get(Store *s, const char *workspace, const char *slug, const char *target, int64_t *rev, Err *e) {
  Buf key = {0};
  binding_key(&key, slug, target);
  Val v = read_doc(s, workspace, "binding", buf_cstr(&key), rev, e);
  buf_free(&key);
  return is_nil(v) ? map_empty : v;
}

bool binding_put(Store *s, const char *workspace, const char *slug, const char *target, const char *slot, const char *id, Err *e) {
  Buf key = {0};
  bool ok = false;
  if (id && is_nil(conn_store_get(s, workspace, id, NULL, e)))
    return e->code ? false : err_set(e, "not_found", "there is no connection %.100s; `breyta-run connections set` makes one", id);
  binding_key(&key, slug, target);
  for (int i = 0; i < TRIES && !ok && (!i || conflict(e)); i++) {
    int64_t rev;
    *e = (Err){0};
    Val m = binding_get(s, workspace, slug, target, &rev, e);
    m = id ? map_assoc(m, str_c(slot), str_c(id)) : map_dissoc(m, str_c(slot));
    ok = !e->code && write_doc(s, workspace, "binding", buf_cstr(&key), m, rev, e);
  }
  buf_free(&key);
  return ok;
}

static void usages_of(Val bound, const char *key, const char *id, ValVec *out) {
  MapIter it;
  Val slot, c;
  const char *slash = strrchr(key, '/');
  map_iter(&it, bound);
  while (map_next(&it, &slot, &c)) {
    if (!is_str(slot) || !is_str(c) || (id && strcmp(str_s(c), id))) continue;
    Val kv[] = {kw_c("flow"), str_new(key, (size_t)(slash - key)), kw_c("target"), str_c(slash + 1), kw_c("slot"), slot, kw_c("connection"), c};
    vv_push(out, map_from(kv, 4, false));
  }
}

Val binding_usages(Store *s, const char *workspace, const char *id, Err *e) {
  ValVec out = {0};
  Buf at = {0};
  DocRow d;
  while (!e->code && store_docs(s, workspace, "binding", "", at.n ? buf_cstr(&at) : NULL, &d, 1, e)) {
    Val bound = read_doc(s, workspace, "binding", d.key, NULL, e);
    at.n = 0;
    buf_c(&at, d.key);
    doc_row_free(&d);
    if (is_map(bound) && strrchr(buf_cstr(&at), '/')) usages_of(bound, buf_cstr(&at), id, &out);
  }
  buf_free(&at);
  return vec_from(out.a, out.n);
}

/* ---- as a target ---- */

Val conn_place_bound(void *place, const char *slug, const char *slot, Err *e) {
  const ConnPlace *p = place;
  Val bound = binding_get(p->store, p->workspace, slug, p->target, NULL, e), id = e->code ? NIL : map_get(bound, str_c(slot), NIL);
  if (e->code) return NIL;
  Val c = is_str(id) ? conn_store_get(p->store, p->workspace, str_s(id), NULL, e) : NIL;
  if (is_nil(c) && is_str(id) && !e->code) err_set(e, "not_found", "the connection %.100s, which it is bound to, is not there", str_s(id));
  return c;
}

Val conn_place_all(void *ctx, const char *after, size_t max, Err *e) {
  const ConnPlace *p = ctx;
  return conn_store_list(p->store, p->workspace, NIL, after, max, e);
}

Target *target_from_store(Target *over, ConnPlace *place) {
  Target *t = over ? over : target_new();
  target_behind(t, &(TargetStore){conn_place_bound, conn_place_all, vault_source(&place->secrets), place});
  return t;
}
