/* engine_search.c - the :search step (spec/flows.md 4.12): what engine_index.h has put into the index of the run's workspace, and the
 * connections: those of --connections (by :slot) and those that are stored (by :connection, their id).
 *
 *   {:query "invoice \"net 30\" acme*" :targets [:resources :runs] :limit 12 :tags [..] :hydrate {:top-k 3}}
 *   -> {:query "..." :count 2 :items [{:target :resources :uri "res://.." :title :snippet :score :content ..} {:target :runs :workflow-id ..}]}
 * Entries that have all words of the query come first, best first, then those that have some of them. The step reads only, and its
 * result is recorded: replay finds what it found. */
#include "runtime/store/connection.h"
#include "engine_index.h"
#include "runtime/engine/engine_reader.h"
#include "eval/unit.h"
#include "runtime/base/limits.h"
#include "runtime/engine/offload.h"
#include "reader/num.h"
#include "reader/text.h"
#include "runtime/table/table.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 12, TOP_K = 5, CHARS = 20000, QUERY_MAX = 4000 /* bytes */, LOOK = 100 /* hits */ };
#define LOCAL_BACKEND "local"
#define LOCAL_ROOT "blobs"
#define STORED "/" /* begins the key of a stored connection: no slot begins so */
enum { CONNECTIONS = 1000 /* stored ones that are looked through */ };
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

static Val table_item(const Ask *a, const SearchHit *h) {
  static const char *const keys[] = {"uri", "table", "table-id", "row-count", "columns"};
  TableCall call = {.store = a->e->store, .workspace = a->c->r->workspace};
  Val t = table_at(&call, h->key), item = item_of(ON_RESOURCES, h);
  if (is_nil(t)) return NIL;
  put(&item, "type", kw_c("table"));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) put(&item, keys[i], map_get_kw(t, keys[i]));
  put(&item, "path", str_c(h->path));
  put(&item, "storage-backend", kw_c(LOCAL_BACKEND));
  put(&item, "storage-root", str_c(LOCAL_ROOT));
  return item;
}

/* nil: it is gone, or over. */
static Val resource_item(Ask *a, const SearchHit *h, int64_t nth) {
  static const char *const keys[] = {"size-bytes", "content-type", "filename", "workflow-id", "step-id", "flow-slug"};
  DocRow d;
  Err err = {0};
  Resource r;
  if (table_is_uri(h->key)) return table_item(a, h);
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
  bool stored = !strncmp(h->key, STORED, strlen(STORED));
  put(&item, stored ? "connection" : "slot", stored ? str_c(h->key + strlen(STORED)) : kw_c(h->key));
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

/* ---- searching: plain data, on a helper thread ---- */

/* One target: entries with all words, and, when these are few, those with some of them. */
typedef struct Found { SearchHit hits[2][LOOK]; size_t n[2]; bool some; } Found;

typedef struct SearchJob {
  struct SearchJob *next;
  Engine *e;
  uint64_t token;
  Store *store;        /* of the engine; a helper reads it through a connection of its own */
  char *workspace, *text, *types, *tags, *path;
  IndexRow *rows;      /* of connections; their texts are ours */
  size_t nrows;
  bool on[TARGETS], every; /* every: also those with some of the words, whatever was found before */
  int64_t limit;
  Found *found;        /* TARGETS of them */
  Err err;
  _Atomic bool stop;
} SearchJob;

static OffloadPool pool = OFFLOAD_POOL("search", 2, NULL);
static SearchJob *jobs; /* engine thread */

static char *copied(const char *s) {
  char *p = strdup(s ? s : "");
  if (!p) abort();
  return p;
}

static void found_clear(SearchJob *j) {
  for (int t = 0; t < TARGETS; t++)
    for (int any = 0; any < 2; any++) {
      for (size_t i = 0; i < j->found[t].n[any]; i++) search_hit_free(&j->found[t].hits[any][i]);
      j->found[t].n[any] = 0;
    }
}

static void row_clear(IndexRow *r) {
  const char *all[] = {r->key, r->title, r->type, r->path, r->text.p};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free((void *)(uintptr_t)all[i]);
}

static void job_free(SearchJob *j) {
  SearchJob **at = &jobs;
  while (*at != j) at = &(*at)->next;
  *at = j->next;
  found_clear(j);
  for (size_t i = 0; i < j->nrows; i++) row_clear(&j->rows[i]);
  free(j->rows);
  free(j->found);
  char *texts[] = {j->workspace, j->text, j->types, j->tags, j->path};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
  free(j);
}

/* By name, slot or id, type and backend: what else a connection says stays out of the result. */
static void take_connection(SearchJob *j, const char *key, Val v) {
  Val backend = map_get_kw(v, "backend"), name = map_get_kw(v, "name"), about = map_get_kw(v, "description");
  const char *type = kw_text(map_get_kw(v, "type")), *on = is_kw(backend) || is_str(backend) ? kw_text(backend) : "";
  char *text = copied(str_s(str_fmt("%s %s %s", type, key, is_str(about) ? str_s(about) : "")));
  j->rows = realloc(j->rows, (j->nrows + 1) * sizeof *j->rows);
  if (!j->rows) abort();
  IndexRow *r = &j->rows[j->nrows++];
  *r = (IndexRow){.workspace = j->workspace, .target = targets[ON_CONNECTIONS], .key = copied(key), .type = copied(type), .path = copied(on)};
  r->title = copied(is_str(name) && str_n(name) ? str_s(name) : key);
  r->tags = r->path;
  r->text = (Bytesv){text, strlen(text)};
}

/* Those of the file by slot, then those of the store. */
static void take_connections(SearchJob *j, const Target *target) {
  MapIter it;
  Val k, v, all = target_connections(target);
  map_iter(&it, all);
  while (map_next(&it, &k, &v)) take_connection(j, kw_text(k), v);
  Val stored = target_stored(target, NULL, CONNECTIONS, &j->err);
  for (uint32_t i = 0; is_vec(stored) && i < vec_count(stored); i++) {
    Val id = map_get_kw(vec_nth(stored, i), "id");
    if (is_str(id)) take_connection(j, str_s(str_fmt(STORED "%s", str_s(id))), vec_nth(stored, i));
  }
}

static SearchJob *job_new(const Ask *a) {
  SearchJob *j = calloc(1, sizeof *j);
  if (!j || !(j->found = calloc(TARGETS, sizeof *j->found))) abort();
  j->next = jobs;
  j->e = a->e;
  j->token = step_token(a->c);
  j->store = a->e->store;
  j->workspace = copied(a->c->r->workspace);
  j->text = copied(str_s(a->query));
  j->types = copied(a->types.n ? a->types.p : "");
  j->tags = copied(a->tags.n ? a->tags.p : "");
  j->path = a->path ? copied(a->path) : NULL;
  j->limit = a->limit;
  memcpy(j->on, a->on, sizeof j->on);
  if (a->elsewhere) j->on[ON_RESOURCES] = false;
  if (j->on[ON_CONNECTIONS]) take_connections(j, run_target(a->c->r));
  return jobs = j;
}

static bool search_one(SearchJob *j, Store *s, int target, bool any) {
  Found *f = &j->found[target];
  SearchQuery q = {.workspace = j->workspace, .target = targets[target], .text = j->text, .any = any};
  if (target == ON_RESOURCES) q.types = j->types, q.tags = j->tags, q.path = j->path;
  f->some |= any;
  f->n[any] = target == ON_CONNECTIONS ? store_search_rows(j->rows, j->nrows, &q, f->hits[any], LOOK, &j->err) : store_search(s, &q, f->hits[any], LOOK, &j->err);
  return !j->err.code;
}

static void search_in(SearchJob *j, Store *s) {
  for (int t = 0; t < TARGETS && !j->err.code; t++)
    if (j->on[t] && search_one(j, s, t, false) && (j->every || (int64_t)j->found[t].n[0] < j->limit)) search_one(j, s, t, true);
}

static void work(void *arg) {
  SearchJob *j = arg;
  Store *s = reader_take(j->store, &j->stop, &j->err);
  if (s) search_in(j, s);
  reader_give(s, &j->stop);
}

/* ---- from hits to the result: engine thread ---- */

/* Appends what one target has, at most a->limit in all. false: it may have more, and was not looked through for it. */
static bool target_items(Ask *a, const SearchJob *j, int target, Val *items) {
  const Found *f = &j->found[target];
  Val keys = set_empty;
  int64_t n = 0;
  for (int any = 0; any < 2; any++)
    for (size_t i = 0; i < f->n[any] && n < a->limit; i++) {
      const SearchHit *h = &f->hits[any][i];
      Val item = is_nil(set_get(keys, str_c(h->key), NIL)) ? hit_item(a, target, h, n) : NIL;
      if (is_nil(item)) continue;
      *items = vec_conj(*items, item);
      keys = set_conj(keys, str_c(h->key));
      n++;
    }
  return n == a->limit || f->some || !j->on[target];
}

static void fail(Engine *e, StepCall *c, const Err *err) {
  bool wrong = !strcmp(err->code, "validation");
  step_failed(e, c, map_assoc(err_map(wrong ? "validation" : "store", err->msg), kw_c("retryable?"), bool_val(!wrong)), -1);
}

static void launch(Engine *e, SearchJob *j);

static void done(Engine *e, uint64_t token, void *arg) {
  SearchJob *j = arg;
  StepCall *c = e && !atomic_load(&j->stop) ? step_by_token(e, token) : NULL;
  Ask a = {0};
  Err err = {0};
  Val items = vec_empty;
  bool all = true;
  if (!c || j->err.code || !ask_read(&a, e, c, &err)) { /* looked at by search_check */
    Err why = j->err.code ? j->err : err;
    ask_free(&a);
    job_free(j);
    if (c) fail(e, c, &why);
    return;
  }
  *e->away = 0;
  for (int t = 0; t < TARGETS; t++) all &= !a.on[t] || target_items(&a, j, t, &items);
  ask_free(&a);
  if (!all) { /* some of what was found is over: then the rest counts */
    found_clear(j);
    j->every = true;
    launch(e, j);
    return;
  }
  job_free(j);
  if (resource_fetch(c, err_map("resource-away", "content is elsewhere"))) return; /* and is shown when it is here: the step starts again */
  Val kv[] = {kw_c("query"), map_get_kw(step_config(c), "query"), kw_c("count"), int_val(vec_count(items)), kw_c("items"), items};
  step_done(e, c, map_from(kv, 3, false));
}

static void launch(Engine *e, SearchJob *j) {
  Err err = {0};
  if (!store_path(e->store)) search_in(j, e->store); /* a store in memory is this thread's alone */
  else if (offload_run(&pool, e, work, done, j, j->token, &err)) return;
  else work(j);
  done(e, j->token, j);
}

/* What waits for the index is put into it first, a piece at a time beside what other runs write; then the step starts again. */
static bool index_behind(Engine *e, StepCall *c, Err *err) {
  if (!store_index_waits(e->store, err)) return false;
  batch_index_work(run_batch(c->r), INDEX_DRAIN_ROWS);
  run_submit(c->r, AFTER_START);
  return true;
}

static void search_start(Engine *e, StepCall *c) {
  Ask a = {0};
  Err err = {0};
  if (index_behind(e, c, &err)) return;
  bool ok = !err.code && ask_read(&a, e, c, &err);
  SearchJob *j = ok ? job_new(&a) : NULL;
  ask_free(&a);
  if (ok) launch(e, j);
  else fail(e, c, &err);
}

static void search_cancel(Engine *e, StepCall *c) {
  for (SearchJob *j = jobs; j; j = j->next)
    if (j->e == e && j->token == step_token(c)) reader_stop(&j->stop);
}

static void search_gone(Engine *e) {
  for (SearchJob *j = jobs; j; j = j->next)
    if (j->e == e) reader_stop(&j->stop);
}

void engine_search_register(void) {
  static const StepKind search = {.name = "search", .check = search_check, .start = search_start, .cancel = search_cancel, .gone = search_gone};
  engine_register(&search);
}
