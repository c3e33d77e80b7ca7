#include "persist.h"
#include "reader/print.h"
#include "reader/vec.h"
#include <stdio.h>
#include <string.h>

static const char *const blob_keys[] = {"type", "filename", "content-type", "tier", "signed-url", "search-index", NULL};
static const char *const index_keys[] = {"text", "tags", "source-label", NULL};
static const char *const kv_keys[] = {"type", "key", "ttl", NULL};

static const char *const table_keys[] = {"type", "table", "rows-path", "write-mode", "key-fields", "index-fields", "schema-mode", "partitions", NULL};

static bool computed(Val v, bool forms) { return forms && (is_sym(v) || is_type(v, T_LIST)); }

static bool bad(Err *e, const char *key, const char *must, Val got) {
  Buf b = {0};
  if (is_sig(print_to(&b, got, &print_readably))) b.n = 0;
  err_set(e, "validation", ":persist: %s must be %s, got %.60s", key, must, buf_cstr(&b));
  buf_free(&b);
  return false;
}

static bool known_keys(Val opts, const char *const *keys, const char *type, Err *e) {
  MapIter it;
  Val k, v;
  map_iter(&it, opts);
  while (map_next(&it, &k, &v)) {
    bool ok = false;
    for (int i = 0; keys[i]; i++) ok |= kw_is(k, keys[i]);
    if (ok) continue;
    Buf all = {0};
    for (int i = 0; keys[i]; i++) buf_fmt(&all, " :%s", keys[i]);
    Buf b = {0};
    if (is_sig(print_to(&b, k, &print_readably))) b.n = 0;
    err_set(e, "validation", ":persist of type :%s has no key %.60s; it takes%s", type, buf_cstr(&b), buf_cstr(&all));
    buf_free(&b);
    buf_free(&all);
    return false;
  }
  return true;
}

static bool text_or_nil(Val opts, const char *key, bool forms, Val *out, Err *e) {
  Val v = map_get_kw(opts, key);
  *out = NIL;
  if (is_nil(v) || computed(v, forms)) return true;
  if (!is_str(v) || !str_n(v) || str_n(v) > 255 || memchr(str_s(v), '\n', str_n(v)) || memchr(str_s(v), '\r', str_n(v)))
    return bad(e, key, "a text of one line, at most 255 bytes", v);
  *out = v;
  return true;
}

static bool tier(Val v, const char *family, bool forms, Persist *out, Err *e) {
  if (is_nil(v) || computed(v, forms)) return true;
  if (!kw_is(v, "retained") && !kw_is(v, "ephemeral")) return bad(e, ":tier", ":retained or :ephemeral", v);
  out->ephemeral = kw_is(v, "ephemeral");
  if (out->ephemeral && strcmp(family, "http") && strcmp(family, "table") && strcmp(family, "ssh"))
    return err_set(e, "validation", ":persist: :tier :ephemeral is for steps that stream (:http, :ssh, :table); a :%s step keeps its result as :retained", family);
  return true;
}

static bool signed_url(Val v, bool forms, Persist *out, Err *e) {
  if (is_nil(v) || same(v, FALSE_V) || computed(v, forms)) return true;
  Val ttl = is_map(v) ? map_get(v, kw_c("ttl-seconds"), fix(PERSIST_URL_TTL)) : fix(PERSIST_URL_TTL);
  if (computed(ttl, forms)) return true;
  bool ok = (same(v, TRUE_V) || is_map(v)) && is_fix(ttl) && fix_of(ttl) >= PERSIST_URL_TTL_MIN && fix_of(ttl) <= PERSIST_URL_TTL_MAX;
  if (!ok) return bad(e, ":signed-url", "true or {:ttl-seconds n} with n from 60 to 86400", v);
  out->url_ttl = fix_of(ttl);
  return true;
}

static bool is_tags(Val tags, bool forms) {
  if (!is_vec(tags)) return computed(tags, forms);
  for (uint32_t i = 0; i < vec_count(tags); i++) {
    Val t = vec_nth(tags, i);
    if (!is_kw(t) && !computed(t, forms) && (!is_str(t) || !str_n(t) || strpbrk(str_s(t), "\n\r"))) return false;
  }
  return true;
}

/* What searching finds the blob by (engine_index.h). */
static bool search_index(Val index, bool forms, Err *e) {
  if (is_nil(index) || computed(index, forms)) return true;
  if (!is_map(index)) return bad(e, ":search-index", "a map such as {:text \"..\" :tags [..] :source-label \"..\"}", index);
  Val text = map_get_kw(index, "text"), tags = map_get_kw(index, "tags"), label = map_get_kw(index, "source-label");
  if (!known_keys(index, index_keys, "blob with :search-index", e)) return false;
  if (!is_nil(text) && !is_str(text) && !computed(text, forms)) return bad(e, ":text of :search-index", "a text", text);
  if (!is_nil(label) && !is_str(label) && !computed(label, forms)) return bad(e, ":source-label of :search-index", "a text", label);
  return is_nil(tags) || is_tags(tags, forms) || bad(e, ":tags of :search-index", "a vector of texts of one line or keywords", tags);
}

static bool blob(Val opts, const char *family, bool forms, Persist *out, Err *e) {
  return search_index(map_get_kw(opts, "search-index"), forms, e) && known_keys(opts, blob_keys, "blob", e) && text_or_nil(opts, "filename", forms, &out->filename, e) &&
         text_or_nil(opts, "content-type", forms, &out->content_type, e) && tier(map_get_kw(opts, "tier"), family, forms, out, e) &&
         signed_url(map_get_kw(opts, "signed-url"), forms, out, e);
}

static bool kv(Val opts, bool forms, Err *e) {
  Val key = map_get_kw(opts, "key"), ttl = map_get_kw(opts, "ttl");
  if (!known_keys(opts, kv_keys, "kv", e)) return false;
  if (is_nil(key)) return err_set(e, "validation", ":persist of type :kv needs :key, as a :kv step does");
  if (!is_kw(key) && !is_str(key) && !computed(key, forms)) return bad(e, ":key", "a string or keyword", key);
  bool ok = is_nil(ttl) || computed(ttl, forms) || (is_fix(ttl) && fix_of(ttl) >= 1 && fix_of(ttl) <= 31536000);
  return ok || bad(e, ":ttl", "seconds from 1 to 31536000", ttl);
}

static bool one_of_two(Val opts, const char *key, const char *a, const char *b, bool forms, Err *e) {
  Val v = map_get_kw(opts, key);
  char name[40], must[60];
  if (is_nil(v) || computed(v, forms) || !strcmp(kw_text(v), a) || !strcmp(kw_text(v), b)) return true;
  snprintf(name, sizeof name, ":%s", key);
  snprintf(must, sizeof must, ":%s or :%s", a, b);
  return bad(e, name, must, v);
}

static bool table(Val opts, bool forms, Err *e) {
  Val name = map_get_kw(opts, "table"), path = map_get_kw(opts, "rows-path");
  if (!known_keys(opts, table_keys, "table", e)) return false;
  if (is_nil(name)) return err_set(e, "validation", ":persist of type :table needs :table, the name of the table");
  if (!is_kw(name) && !is_str(name) && !computed(name, forms)) return bad(e, ":table", "the name of a table", name);
  if (!is_nil(path) && !is_vec(path) && !computed(path, forms)) return bad(e, ":rows-path", "a vector of keys", path);
  return one_of_two(opts, "write-mode", "append", "upsert", forms, e) && one_of_two(opts, "schema-mode", "flexible", "strict", forms, e);
}

bool persist_read(Val opts, const char *family, bool forms, Persist *out, Err *e) {
  *out = (Persist){.opts = opts};
  if (is_nil(opts) || computed(opts, forms)) return true;
  if (!is_map(opts)) return bad(e, "it", "a map such as {:type :blob}", opts);
  Val type = map_get_kw(opts, "type");
  if (computed(type, forms)) return true;
  if (kw_is(type, "blob")) return out->type = PERSIST_BLOB, blob(opts, family, forms, out, e);
  if (kw_is(type, "kv")) return out->type = PERSIST_KV, kv(opts, forms, e);
  if (kw_is(type, "table")) return out->type = PERSIST_TABLE, table(opts, forms, e);
  return bad(e, ":type", ":blob, :kv or :table", type);
}
