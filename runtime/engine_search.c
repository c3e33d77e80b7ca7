/* engine_search.c - the :search step (spec/flows.md 4.12): what engine_index.h has put into the index of the run's workspace, and the
 * connections of this process.
 *
 *   {:query "invoice \"net 30\" acme*" :targets [:resources :runs] :limit 12 :tags [..] :hydrate {:top-k 3}}
 *   -> {:query "..." :count 2 :items [{:target :resources :uri "res://.." :title :snippet :score :content ..} {:target :runs :workflow-id ..}]}
 * Entries that have all words of the query come first, best first, then those that have some of them. The step reads only, and its
 * result is recorded: replay finds what it found. */
#include "connection.h"
#include "engine_index.h"
#include "eval/unit.h"
#include "limits.h"
#include "reader/num.h"
#include "reader/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 12, TOP_K = 5, CHARS = 20000, QUERY_MAX = 4000 /* bytes */, LOOK = 100 /* hits */ };
#define LOCAL_BACKEND "local"
#define LOCAL_ROOT "blobs"
enum Target_ { ON_RESOURCES, ON_FLOWS, ON_RUNS, ON_CONNECTIONS, TARGETS };
static const char *const targets[TARGETS] = {"resources", "flows", "runs", "connections"};

typedef struct Ask {
  Engine *e;
  StepCall *c;
  Val query;
  bool on[TARGETS], elsewhere; /* elsewhere: a storage that this process has not */
  int64_t limit, top_k, chars;
  Buf types, tags;
  const char *path;
} Ask;

static void ask_free(Ask *a) {
  buf_free(&a->types);
  buf_free(&a->tags);
}

/* ---- options ---- */

static bool bad(Err *e, const char *key, const char *must, Val got) {
  Buf b = {0};
  if (is_sig(print_to(&b, got, &print_readably))) b.n = 0;
  err_set(e, "validation", ":search: %s must be %s, got %.60s", key, must, buf_cstr(&b));
  buf_free(&b);
  return false;
}

static bool read_int(Val m, const char *key, const char *shown, enum LimitId id, int64_t *out, Err *e) {
  Val v = map_get_kw(m, key);
  int64_t most = limit_value(id);
  if (*out > most) *out = most;
  if (is_nil(v)) return true;
  if (!is_fix(v) || fix_of(v) < 1 || fix_of(v) > most) return bad(e, shown, str_s(str_fmt("a number from 1 to %lld", (long long)most)), v);
  *out = fix_of(v);
  return true;
}

static bool is_blank(Val s) {
  for (const char *p = str_s(s); *p; p++)
    if (*p != ' ' && (*p < '\t' || *p > '\r')) return false;
  return true;
}

static bool read_query(Ask *a, Val v, Err *e) {
  if (!is_str(v) || is_blank(v) || str_n(v) > QUERY_MAX || strlen(str_s(v)) != str_n(v)) return bad(e, ":query", "a text with words, at most 4000 bytes", v);
  a->query = v;
  return true;
}

/* As a vector; ABSENT: it is no collection of several. */
static Val listed(Val v) {
  ValVec all = {0};
  if (is_nil(v) || is_vec(v)) return v;
  if ((!is_set(v) && !is_type(v, T_LIST)) || is_sig(coll_into_array(v, &all))) return ABSENT;
  return vec_from(all.a, all.n);
}

static bool read_targets(Ask *a, Val v, Err *e) {
  static const char must[] = "a vector of :resources, :flows, :runs and :connections";
  Val list = listed(v);
  if (same(list, ABSENT) || (is_vec(list) && !vec_count(list))) return bad(e, ":targets", must, v);
  for (int t = 0; t < TARGETS; t++) a->on[t] = is_nil(list);
  for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
    int t = 0;
    Val one = vec_nth(list, i);
    while (t < TARGETS && !((is_kw(one) || is_str(one)) && !strcmp(kw_text(one), targets[t]))) t++;
    if (t == TARGETS) return bad(e, ":targets", must, one);
    a->on[t] = true;
  }
  return true;
}

static bool read_lines(Val v, const char *key, const char *must, Buf *out, Err *e) {
  Val list = listed(v);
  if (same(list, ABSENT)) return bad(e, key, must, v);
  for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
    Val one = vec_nth(list, i);
    const char *s = is_kw(one) ? kw_text(one) : is_str(one) ? str_s(one) : "";
    if (!*s || strchr(s, '\n')) return bad(e, key, must, one);
    buf_fmt(out, "%s%s", out->n ? "\n" : "", s);
  }
  return true;
}

static bool read_place(Ask *a, Val cfg, Err *e) {
  Val backend = map_get_kw(cfg, "storage-backend"), root = map_get_kw(cfg, "storage-root"), path = map_get_kw(cfg, "path-prefix");
  if (!is_nil(backend) && !is_kw(backend) && !is_str(backend)) return bad(e, ":storage-backend", "a keyword or text such as :" LOCAL_BACKEND, backend);
  if (!is_nil(root) && !is_kw(root) && !is_str(root)) return bad(e, ":storage-root", "a text such as \"" LOCAL_ROOT "\"", root);
  if (!is_nil(path) && !is_str(path)) return bad(e, ":path-prefix", "a text such as \"result/run/\"", path);
  a->elsewhere = (!is_nil(backend) && strcmp(kw_text(backend), LOCAL_BACKEND)) || (!is_nil(root) && strcmp(kw_text(root), LOCAL_ROOT));
  a->path = is_nil(path) ? NULL : str_s(path);
  return true;
}

static bool read_hydrate(Ask *a, Val h, Err *e) {
  static const char *const keys[] = {"enabled", "top-k", "max-chars"};
  MapIter it;
  Val k, v, on = is_map(h) ? map_get_kw(h, "enabled") : NIL;
  a->top_k = TOP_K;
  a->chars = CHARS;
  if (!is_nil(h) && !is_map(h)) return bad(e, ":hydrate", "a map {:enabled :top-k :max-chars}", h);
  map_iter(&it, is_nil(h) ? map_empty : h);
  while (map_next(&it, &k, &v))
    if (!kw_is(k, keys[0]) && !kw_is(k, keys[1]) && !kw_is(k, keys[2])) return bad(e, ":hydrate", "a map with :enabled, :top-k and :max-chars alone", k);
  if (!is_nil(on) && !is_bool(on)) return bad(e, ":enabled of :hydrate", "true or false", on);
  bool ok = read_int(h, "top-k", ":top-k of :hydrate", LIMIT_search_hydrate_hits, &a->top_k, e) &&
            read_int(h, "max-chars", ":max-chars of :hydrate", LIMIT_search_hydrate_chars, &a->chars, e);
  if (same(on, FALSE_V) || !a->on[ON_RESOURCES]) a->top_k = 0;
  return ok;
}

static bool ask_read(Ask *a, Engine *e, StepCall *c, Err *err) {
  Val cfg = step_config(c);
  *a = (Ask){.e = e, .c = c, .limit = LIMIT};
  return read_query(a, map_get_kw(cfg, "query"), err) && read_targets(a, map_get_kw(cfg, "targets"), err) &&
         read_int(cfg, "limit", ":limit", LIMIT_search_results, &a->limit, err) && read_place(a, cfg, err) &&
         read_lines(map_get_kw(cfg, "types"), ":types", "a vector of types of resources such as [:result]", &a->types, err) &&
         read_lines(map_get_kw(cfg, "tags"), ":tags", "a vector of tags", &a->tags, err) && read_hydrate(a, map_get_kw(cfg, "hydrate"), err);
}

static Val search_check(Engine *e, StepCall *c) {
  Ask a;
  Err err = {0};
  bool ok = ask_read(&a, e, c, &err);
  ask_free(&a);
  if (ok) return NIL;
  Val m = err_map("validation", err.msg);
  return ex_throw_val(ex_make(EXC_INFO, map_get_kw(m, "message"), m, NIL));
}

/* ---- items ---- */

static void put(Val *m, const char *key, Val v) {
  if (!is_nil(v)) *m = map_assoc(*m, kw_c(key), v);
}

static Val lines_vec(const char *s) {
  Val v = vec_empty;
  while (*s) {
    size_t n = strcspn(s, "\n");
    v = vec_conj(v, str_new(s, n));
    s += n + (s[n] == '\n');
  }
  return v;
}

static Val item_of(int target, const SearchHit *h) {
  Val kv[] = {kw_c("target"), kw_c(targets[target]), kw_c("title"), str_c(h->title ? h->title : ""), kw_c("snippet"), str_c(h->snippet ? h->snippet : ""),
              kw_c("score"), dbl_val(h->score)};
  return map_from(kv, 4, false);
}

/* As many characters of the content as are asked for. */
static void hydrate(const Ask *a, const Resource *r, Val *item) {
  Blob t;
  bool cut;
  if (!index_text(a->e, r, (size_t)a->chars * 4, &t, &cut)) return;
  size_t n = 0;
  for (int64_t chars = 0; n < t.n; n++)
    if (((uint8_t)t.p[n] & 0xc0) != 0x80 && ++chars > a->chars) break;
  put(item, "content", str_new(t.p, n));
  put(item, "truncated?", bool_val(cut || n < t.n));
  blob_free(&t);
}

/* nil: it is gone, or over. */
static Val resource_item(Ask *a, const SearchHit *h, int64_t nth) {
  static const char *const keys[] = {"size-bytes", "content-type", "filename", "workflow-id", "step-id", "flow-slug"};
  DocRow d;
  Err err = {0};
  Resource r;
  if (!store_doc_get(a->e->store, a->c->r->workspace, RESOURCE_KIND, h->key, &d, &err)) return NIL;
  Val meta = snap_read_value(env_core(), d.data.p, d.data.n), item = item_of(ON_RESOURCES, h);
  bool ok = resource_of(&d, &r) && (!d.expires_ms || d.expires_ms > now_ms());
  doc_row_free(&d);
  if (!ok) return NIL;
  put(&item, "uri", str_c(r.uri));
  put(&item, "type", kw_c(h->type));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) put(&item, keys[i], map_get_kw(meta, keys[i]));
  put(&item, "source-label", map_get_kw(map_get_kw(meta, "search-index"), "source-label"));
  put(&item, "tags", lines_vec(h->tags ? h->tags : ""));
  put(&item, "path", str_c(h->path));
  put(&item, "storage-backend", kw_c(LOCAL_BACKEND));
  put(&item, "storage-root", str_c(LOCAL_ROOT));
  put(&item, "created-at", int_val(r.created_ms));
  if (nth < a->top_k) hydrate(a, &r, &item);
  return item;
}

static Val run_item(const SearchHit *h) {
  Val item = item_of(ON_RUNS, h);
  put(&item, "workflow-id", str_c(h->key));
  put(&item, "flow-slug", str_c(h->path));
  put(&item, "status", kw_c(h->type));
  put(&item, "finished-at", int_val(h->at_ms));
  return item;
}

static Val flow_item(const SearchHit *h) {
  Val item = item_of(ON_FLOWS, h);
  put(&item, "flow-slug", str_c(h->key));
  put(&item, "tags", lines_vec(h->tags ? h->tags : ""));
  return item;
}

static Val connection_item(const SearchHit *h) {
  Val item = item_of(ON_CONNECTIONS, h);
  put(&item, "slot", kw_c(h->key));
  put(&item, "type", kw_c(h->type));
  if (h->path && *h->path) put(&item, "backend", kw_c(h->path));
  return item;
}

static Val hit_item(Ask *a, int target, const SearchHit *h, int64_t nth) {
  switch (target) {
  case ON_RESOURCES: return resource_item(a, h, nth);
  case ON_RUNS: return run_item(h);
  case ON_FLOWS: return flow_item(h);
  default: return connection_item(h);
  }
}

/* ---- searching ---- */

/* By slot, type and backend: what else a connection says stays out of the result. */
static size_t search_connections(Ask *a, const SearchQuery *q, SearchHit *out, size_t max, Err *e) {
  Val all = target_connections(a->e->o.target), k, v;
  IndexRow *rows = calloc(map_count(all) + 1, sizeof *rows);
  size_t n = 0;
  MapIter it;
  if (!rows) abort();
  map_iter(&it, all);
  while (map_next(&it, &k, &v)) {
    Val backend = map_get_kw(v, "backend");
    const char *slot = kw_text(k), *type = kw_text(map_get_kw(v, "type")), *on = is_kw(backend) || is_str(backend) ? kw_text(backend) : "";
    rows[n++] = (IndexRow){.workspace = q->workspace, .target = q->target, .key = slot, .title = slot, .type = type, .path = on, .tags = on, .text = {type, strlen(type)}};
  }
  n = store_search_rows(rows, n, q, out, max, e);
  free(rows);
  return n;
}

/* Appends what one target has, at most a->limit in all. */
static bool search_target(Ask *a, int target, bool any, Val *items, Val *keys, int64_t *found, Err *e) {
  SearchHit hits[LOOK];
  SearchQuery q = {.workspace = a->c->r->workspace, .target = targets[target], .text = str_s(a->query), .any = any};
  if (target == ON_RESOURCES) q.types = buf_cstr(&a->types), q.tags = buf_cstr(&a->tags), q.path = a->path;
  if (target == ON_RESOURCES && a->elsewhere) return true;
  size_t n = target == ON_CONNECTIONS ? search_connections(a, &q, hits, LOOK, e) : store_search(a->e->store, &q, hits, LOOK, e);
  for (size_t i = 0; i < n; i++) {
    Val item = *found < a->limit && is_nil(set_get(*keys, str_c(hits[i].key), NIL)) ? hit_item(a, target, &hits[i], *found) : NIL;
    if (!is_nil(item)) {
      *items = vec_conj(*items, item);
      *keys = set_conj(*keys, str_c(hits[i].key));
      ++*found;
    }
    search_hit_free(&hits[i]);
  }
  return !e->code;
}

static bool search_all(Ask *a, Val *items, Err *e) {
  *items = vec_empty;
  for (int t = 0; t < TARGETS; t++) {
    Val keys = set_empty;
    int64_t found = 0;
    if (!a->on[t]) continue;
    if (!search_target(a, t, false, items, &keys, &found, e)) return false;
    if (found < a->limit && !search_target(a, t, true, items, &keys, &found, e)) return false;
  }
  return true;
}

static void search_start(Engine *e, StepCall *c) {
  Ask a;
  Err err = {0};
  Val items = NIL;
  *e->away = 0;
  bool ok = ask_read(&a, e, c, &err) && search_all(&a, &items, &err); /* looked at by search_check */
  ask_free(&a);
  if (ok && resource_fetch(c, err_map("resource-away", "content is elsewhere"))) return; /* and is shown when it is here */
  if (ok) {
    Val kv[] = {kw_c("query"), a.query, kw_c("count"), int_val(vec_count(items)), kw_c("items"), items};
    step_done(e, c, map_from(kv, 3, false));
  } else step_failed(e, c, map_assoc(err_map(strcmp(err.code, "validation") ? "store" : "validation", err.msg), kw_c("retryable?"), bool_val(strcmp(err.code, "validation"))), -1);
}

void engine_search_register(void) {
  static const StepKind search = {.name = "search", .check = search_check, .start = search_start};
  engine_register(&search);
}
