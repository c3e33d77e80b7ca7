/* engine_kv.c - the :kv step (spec/flows.md 4.9): on our own store, in the same transaction as the step's record. Values
 * keep their EDN types. Expired entries are missing. One engine thread does all of it, so read-modify-write is atomic. */
#include "runtime/engine/engine_int.h"
#include "runtime/base/limits.h"
#include "eval/unit.h"
#include <stdio.h>
#include <stdlib.h>

#define KV_MAX_TTL limit_value(LIMIT_kv_ttl_seconds)

typedef struct Kv { Run *r; Val cfg; const char *key; Val *result, *error; } Kv;

static bool bad(Kv *k, const char *fmt, const char *arg) {
  Buf b = {0};
  buf_fmt(&b, fmt, arg);
  *k->error = map_assoc(err_map("validation", buf_cstr(&b)), kw_c("retryable?"), FALSE_V);
  buf_free(&b);
  return false;
}

/* ":ttl is 0; use ..." */
static bool bad_val(Kv *k, const char *option, Val v, const char *works) {
  Buf b = {0}, t = {0};
  if (is_sig(print_to(&t, v, &print_readably))) t.n = 0;
  buf_fmt(&b, "%s is %.80s; use %s", option, buf_cstr(&t), works);
  buf_free(&t);
  bad(k, "%s", buf_cstr(&b));
  buf_free(&b);
  return false;
}

static bool key_ok(const char *s) {
  size_t n = strlen(s);
  if (n == 0 || n > (size_t)limit_value(LIMIT_kv_key_chars)) return false;
  for (size_t i = 0; i < n; i++) {
    char c = s[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ':')) return false;
  }
  return true;
}

/* A damaged database is nothing that a flow could handle, or its history should keep: the run is blocked, and can be resumed. */
static bool unreadable(Kv *k, const char *why) {
  bad(k, "the store cannot be read: %s", why);
  run_block(k->r, str_s(map_get_kw(*k->error, "message")));
  return false;
}

/* The live entry {:value v :metadata m} into *entry with *found; false = an error (*k->error set). */
static bool load(Kv *k, bool *found, Val *entry, int64_t *expires) {
  KvRow row = {0};
  Err e = {0};
  *found = false;
  if (!store_kv_get(k->r->e->store, k->r->workspace, k->key, &row, &e)) return e.code ? unreadable(k, e.msg) : true;
  bool live = row.expires_ms == 0 || row.expires_ms > now_ms();
  Val v = live ? snap_read_value(k->r->m->env, row.value.p, row.value.n) : NIL;
  *expires = row.expires_ms;
  blob_free(&row.value);
  free(row.key);
  if (live && !is_map(v)) return unreadable(k, "the entry is damaged");
  *entry = v;
  *found = live;
  return true;
}

static Val value_too_large(void) {
  int64_t most = limit_value(LIMIT_kv_value_bytes);
  Val size = most == 1 << 20 ? str_c("1 MB") : str_fmt("%lld bytes", (long long)most);
  Val m = err_map("oversize", str_s(str_fmt("a KV value may take at most %s: use :persist {:type :blob} and keep the reference", str_s(size))));
  return map_assoc(limit_named(m, LIMIT_kv_value_bytes), kw_c("retryable?"), FALSE_V);
}

static bool store_entry(Kv *k, Val value, Val metadata, int64_t expires) {
  Val kv[] = {kw_c("value"), value, kw_c("metadata"), metadata};
  Buf b = {0};
  if (is_sig(snap_data(&b, map_from(kv, is_nil(metadata) ? 1 : 2, false)))) {
    buf_free(&b);
    *k->error = run_error_map(k->r, pend.ex);
    return false;
  }
  if ((int64_t)snap_last_size() > limit_value(LIMIT_kv_value_bytes)) { /* before it was compressed */
    buf_free(&b);
    *k->error = value_too_large();
    return false;
  }
  batch_kv_put(run_batch(k->r), k->r->workspace, k->key, (Bytesv){b.p, b.n}, expires);
  buf_free(&b);
  return true;
}

static Val result_map(Kv *k, Val extra) {
  Val kv[] = {kw_c("success"), TRUE_V};
  Val m = map_from(kv, 1, false);
  if (k->key) m = map_assoc(m, kw_c("key"), str_c(k->key));
  MapIter it;
  Val a, b;
  map_iter(&it, extra);
  while (map_next(&it, &a, &b)) m = map_assoc(m, a, b);
  return m;
}
static Val pair_map(const char *k1, Val v1, const char *k2, Val v2) {
  Val kv[] = {kw_c(k1), v1, k2 ? kw_c(k2) : NIL, v2};
  return map_from(kv, k2 ? 2 : 1, false);
}

static bool ttl_expiry(Kv *k, int64_t *expires) {
  Val ttl = map_get_kw(k->cfg, "ttl");
  *expires = 0;
  if (is_nil(ttl)) return true;
  if (!is_fix(ttl) || fix_of(ttl) < 1 || fix_of(ttl) > KV_MAX_TTL) return bad_val(k, ":ttl", ttl, KV_MAX_TTL == 31536000 ? "a number of seconds from 1 to 31536000 (a year)" : str_s(str_fmt("a number of seconds from 1 to %lld", (long long)KV_MAX_TTL)));
  *expires = now_ms() + fix_of(ttl) * 1000;
  return true;
}

static bool kv_get(Kv *k) {
  Val entry = NIL;
  int64_t x;
  bool found;
  if (!load(k, &found, &entry, &x)) return false;
  Val v = found ? map_get_kw(entry, "value") : map_get_kw(k->cfg, "default");
  *k->result = pair_map("success", TRUE_V, "value", v);
  *k->result = map_assoc(*k->result, kw_c("exists?"), bool_val(found));
  if (found && !is_nil(map_get_kw(entry, "metadata"))) *k->result = map_assoc(*k->result, kw_c("metadata"), map_get_kw(entry, "metadata"));
  return true;
}

static bool kv_set(Kv *k) {
  Val entry = NIL, v = map_get(k->cfg, kw_c("value"), ABSENT);
  int64_t x, expires;
  if (same(v, ABSENT)) return bad(k, ":set needs :value%s", "");
  Val meta = map_get_kw(k->cfg, "metadata"), once = map_get_kw(k->cfg, "if-not-exists");
  if (!is_nil(meta) && !is_map(meta)) return bad_val(k, ":metadata", meta, "a map");
  if (!is_nil(once) && !is_bool(once)) return bad_val(k, ":if-not-exists", once, "true or false");
  if (!ttl_expiry(k, &expires)) return false;
  bool found;
  if (!load(k, &found, &entry, &x)) return false;
  if (found && truthy(map_get_kw(k->cfg, "if-not-exists"))) {
    *k->result = result_map(k, pair_map("created?", FALSE_V, NULL, NIL));
    return true;
  }
  if (!store_entry(k, v, map_get_kw(k->cfg, "metadata"), expires)) return false;
  *k->result = result_map(k, pair_map("created?", bool_val(!found), NULL, NIL));
  return true;
}

static bool kv_delete(Kv *k) {
  Val entry = NIL;
  int64_t x;
  bool found;
  if (!load(k, &found, &entry, &x)) return false;
  batch_kv_del(run_batch(k->r), k->r->workspace, k->key);
  *k->result = result_map(k, pair_map("deleted?", bool_val(found), NULL, NIL));
  return true;
}

static bool kv_exists(Kv *k) {
  Val entry = NIL;
  int64_t x;
  bool found;
  if (!load(k, &found, &entry, &x)) return false;
  *k->result = pair_map("success", TRUE_V, "exists?", bool_val(found));
  return true;
}

static bool kv_increment(Kv *k) {
  Val entry = NIL, delta = map_get(k->cfg, kw_c("delta"), fix(1));
  int64_t expires = 0;
  bool found;
  if (!load(k, &found, &entry, &expires)) return false;
  Val old = found ? map_get_kw(entry, "value") : fix(0);
  if (!is_num(delta)) return bad_val(k, ":delta", delta, "a number");
  if (!is_num(old)) return bad_val(k, ":increment: what is stored", old, "a key that holds a number");
  Val now = num_add(old, delta);
  if (is_sig(now)) {
    *k->error = run_error_map(k->r, pend.ex);
    return false;
  }
  if (!found) expires = 0;
  if (!is_nil(map_get_kw(k->cfg, "ttl")) && !ttl_expiry(k, &expires)) return false;
  if (!store_entry(k, now, found ? map_get_kw(entry, "metadata") : NIL, expires)) return false;
  *k->result = result_map(k, pair_map("value", now, "previous", old));
  return true;
}

static const char *up_to(int64_t n) { return str_s(str_fmt("an integer from 1 to %lld", (long long)n)); }

static bool kv_append(Kv *k) {
  Val entry = NIL, item = map_get(k->cfg, kw_c("item"), ABSENT), items = map_get(k->cfg, kw_c("items"), ABSENT);
  int64_t cap_max = limit_value(LIMIT_kv_append_items);
  Val cap = map_get(k->cfg, kw_c("max-length"), fix(cap_max));
  int64_t expires = 0;
  if (same(item, ABSENT) == same(items, ABSENT)) return bad(k, ":append needs one of :item and :items%s", "");
  if (!is_fix(cap) || fix_of(cap) < 1 || fix_of(cap) > cap_max) return bad_val(k, ":max-length", cap, up_to(cap_max));
  bool found;
  if (!load(k, &found, &entry, &expires)) return false;
  Val list = found ? map_get_kw(entry, "value") : vec_empty;
  if (!is_vec(list)) return bad_val(k, ":append: what is stored", list, "a key that holds a vector");
  ValVec more = {0};
  if (!same(item, ABSENT)) vv_push(&more, item);
  else if (!is_vec(items) && !is_set(items) && !is_sequential(items)) return bad_val(k, ":items", items, "a vector; :item appends one");
  else if (is_sig(coll_into_array(items, &more))) return bad(k, ":items holds an unrealised lazy sequence; use (vec ...)%s", "");
  for (size_t i = 0; i < more.n; i++) list = vec_conj(list, more.a[i]);
  uint32_t n = vec_count(list), most = (uint32_t)fix_of(cap);
  if (n > most) { /* the oldest go first; a fresh vector, so that nothing dropped is kept alive */
    ValVec keep = {0};
    for (uint32_t i = n - most; i < n; i++) vv_push(&keep, vec_nth(list, i));
    list = vec_from(keep.a, keep.n);
  }
  if (!found) expires = 0;
  if (!is_nil(map_get_kw(k->cfg, "ttl")) && !ttl_expiry(k, &expires)) return false;
  if (!store_entry(k, list, found ? map_get_kw(entry, "metadata") : NIL, expires)) return false;
  *k->result = result_map(k, pair_map("value", list, "count", fix(vec_count(list))));
  return true;
}

static bool kv_list(Kv *k) {
  Val prefix = map_get_kw(k->cfg, "prefix"), limit = map_get(k->cfg, kw_c("limit"), fix(limit_value(LIMIT_kv_list_keys)));
  if (!is_nil(prefix) && !is_str(prefix)) return bad_val(k, ":prefix", prefix, "a string");
  if (!is_fix(limit) || fix_of(limit) < 1 || fix_of(limit) > limit_value(LIMIT_kv_list_keys)) return bad_val(k, ":limit", limit, up_to(limit_value(LIMIT_kv_list_keys)));
  Val keys = vec_empty;
  char after[1025] = "";
  Err e = {0};
  for (;;) {
    KvRow rows[64];
    size_t n = store_kv_list(k->r->e->store, k->r->workspace, is_nil(prefix) ? "" : str_s(prefix), after, rows, 64, &e);
    for (size_t i = 0; i < n; i++) {
      bool live = rows[i].expires_ms == 0 || rows[i].expires_ms > now_ms();
      if (live && vec_count(keys) < fix_of(limit)) keys = vec_conj(keys, str_c(rows[i].key));
      snprintf(after, sizeof after, "%s", rows[i].key);
      free(rows[i].key);
      blob_free(&rows[i].value);
    }
    if (e.code) return unreadable(k, e.msg);
    if (n < 64 || vec_count(keys) >= fix_of(limit)) break;
  }
  *k->result = pair_map("success", TRUE_V, "keys", keys);
  *k->result = map_assoc(*k->result, kw_c("count"), fix(vec_count(keys)));
  return true;
}

static const struct { const char *name; bool key; bool (*f)(Kv *k); } operations[] = {
    {"get", true, kv_get}, {"set", true, kv_set}, {"delete", true, kv_delete}, {"exists", true, kv_exists},
    {"increment", true, kv_increment}, {"append", true, kv_append}, {"list-keys", false, kv_list}};

bool kv_seed(Store *s, const char *workspace, const char *key, Val value, Err *e) {
  Val kv[] = {kw_c("value"), value};
  Buf b = {0};
  if (!key_ok(key)) return err_set(e, "validation", "a :kv key is 1 to %lld letters, digits, _ - : and not \"%.80s\"", (long long)limit_value(LIMIT_kv_key_chars), key);
  if (is_sig(snap_data(&b, map_from(kv, 1, false)))) {
    buf_free(&b);
    return err_set(e, "not-serializable", "the value of :kv key %.80s is no data", key);
  }
  Batch *batch = batch_new();
  batch_kv_put(batch, workspace, key, (Bytesv){b.p, b.n}, 0);
  buf_free(&b);
  return store_submit_wait(s, batch, e);
}

bool kv_look(Store *s, const char *workspace, const char *key, int64_t at_ms, Val *value) {
  KvRow row = {0};
  Err e = {0};
  *value = NIL;
  if (!store_kv_get(s, workspace, key, &row, &e)) return false;
  bool live = row.expires_ms == 0 || row.expires_ms > at_ms;
  Val entry = live ? snap_read_value(env_core(), row.value.p, row.value.n) : NIL;
  blob_free(&row.value);
  free(row.key);
  *value = map_get_kw(entry, "value");
  return is_map(entry);
}

/* Reads see what is submitted, not what is still being put together: so every operation has a batch of its own, which the
 * writer's group commit joins again. */
static bool kv_operate(Run *r, Val cfg, Val *result, Val *error) {
  if (r->batch && batch_has_kv(r->batch)) run_submit(r, AFTER_NOTHING);
  Kv k = {.r = r, .cfg = cfg, .result = result, .error = error};
  const char *op = kw_text(map_get_kw(cfg, "operation"));
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
    if (strcmp(operations[i].name, op)) continue;
    if (operations[i].key) {
      k.key = kw_text(map_get_kw(cfg, "key"));
      if (!key_ok(k.key)) return bad_val(&k, ":key", map_get_kw(cfg, "key"), str_s(str_fmt("1 to %lld letters, digits, _ - and :", (long long)limit_value(LIMIT_kv_key_chars))));
    }
    return operations[i].f(&k);
  }
  return bad_val(&k, ":operation", map_get_kw(cfg, "operation"), ":get :set :delete :exists :increment :append or :list-keys");
}

/* What it reads is remembered with the run. */
bool kv_step(Run *r, Val cfg, Val *result, Val *error) {
  store_reads(r->e->store, r->reads);
  bool ok = kv_operate(r, cfg, result, error);
  r->reads = store_reads(r->e->store, 0);
  return ok;
}
