/* api_resources.c - resources over HTTP (http-api.md H1): blobs and files (documents of kind "resource"), tables, and what runs have kept
 * as their own: .../result/run/<wf>/flow-output, .../step/<step>/(input|output|error), .../result/kv/<key>. */
#include "api_far.h"
#include "runtime/steps/engine_index.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "runtime/store/snapshot.h"
#include "runtime/table/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_SCAN = 20000, LIST_PAGE = 64, TEXT_SUMMARY = 4000, CONTENT_ROWS = 25 };

/* --- one resource as JSON ------------------------------------------------------------------------------------------------------------ */
static Val doc_meta(const DocRow *d) {
  Val m = api_doc_value(d);
  return is_map(m) ? m : NIL;
}

/* A file that was begun and not completed is nobody's yet. */
static bool is_pending(Val meta) { return same(map_get_kw(meta, "pending"), TRUE_V); }

static const char *text_at(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_str(v) ? str_s(v) : is_kw(v) ? id_text(v) : NULL;
}

static Val shown(const DocRow *d, Val m) {
  ValVec o = {0};
  const char *name = text_at(m, "filename");
  Val index = map_get_kw(m, "search-index");
  api_put_text(&o, "uri", d->key);
  api_put_text(&o, "type", text_at(m, "resource-type") ? text_at(m, "resource-type") : "result");
  api_put_text(&o, "display-name", name && *name ? name : index_path(d->key));
  api_put_text(&o, "filename", name && *name ? name : NULL);
  api_put_text(&o, "folder", text_at(m, "folder"));
  api_put_text(&o, "content-type", text_at(m, "content-type"));
  api_put(&o, "size-bytes", map_get_kw(m, "size-bytes"));
  api_put_text(&o, "sha256", text_at(m, "sha256"));
  api_put_text(&o, "tier", text_at(m, "tier"));
  api_put_text(&o, "flow-slug", text_at(m, "flow-slug"));
  api_put_text(&o, "workflow-id", text_at(m, "workflow-id"));
  api_put_text(&o, "step-id", text_at(m, "step-id"));
  if (is_map(index)) api_put(&o, "tags", map_get_kw(index, "tags"));
  api_put(&o, "created-at", api_time(d->at_ms));
  api_put(&o, "updated-at", api_time(d->at_ms));
  api_put(&o, "expires-at", api_time(d->expires_ms));
  return api_map(&o);
}

static Val shown_table(const StoreTable *t, const char *workspace) {
  ValVec o = {0};
  api_put(&o, "uri", str_fmt("res://v1/ws/%s/table/%s", workspace, t->name));
  api_put_text(&o, "type", "table");
  api_put_text(&o, "display-name", t->name);
  api_put_text(&o, "table-name", t->name);
  api_put(&o, "row-count", int_val(t->rows));
  api_put_text(&o, "content-type", "application/vnd.breyta.table");
  api_put(&o, "created-at", api_time(t->created_ms));
  api_put(&o, "updated-at", api_time(t->updated_ms));
  return api_map(&o);
}

/* --- lists ------------------------------------------------------------------------------------------------------------------------------ */
static bool in_csv(const char *csv, const char *word) {
  size_t n = strlen(word);
  for (const char *s = csv; *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ','))
    if (strcspn(s, ",") == n && !strncmp(s, word, n)) return true;
  return false;
}

static bool has(const char *where, const char *what) { return where && strcasestr(where, what); }

/* "image/..." with a star, and "text/plain": one of them, by the beginning in front of a star. */
static bool accepted(const char *csv, const char *type) {
  for (const char *s = csv; *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ',')) {
    size_t n = strcspn(s, ",*");
    if (type && !strncasecmp(s, type, n) && (s[n] == '*' || strchr("; ,", type[n]))) return true;
  }
  return false;
}

static bool has_tags(Val meta, const char *csv) {
  Val tags = map_get_kw(map_get_kw(meta, "search-index"), "tags");
  for (const char *s = csv; *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ',')) {
    bool there = false;
    Val want = str_new(s, strcspn(s, ","));
    for (uint32_t i = 0; is_vec(tags) && i < vec_count(tags) && !there; i++)
      there = is_str(vec_nth(tags, i)) && !strcmp(str_s(vec_nth(tags, i)), str_s(want));
    if (!there) return false;
  }
  return true;
}

typedef struct Wanted {
  const char *type, *types, *query, *accept, *not_tier, *prefix, *path, *tags, *backend;
} Wanted;

static Wanted wanted_of(const ApiCall *c) {
  return (Wanted){api_text(c, "type"),   api_text(c, "types"),       api_text(c, "query"), api_text(c, "accept"),         api_text(c, "exclude-tier"),
                  api_text(c, "prefix"), api_text(c, "path-prefix"), api_text(c, "tags"),  api_text(c, "storage-backend")};
}

static bool type_wanted(const Wanted *w, const char *type) {
  return (!w->type || !strcmp(w->type, type)) && (!w->types || in_csv(w->types, type));
}

static bool wants(const Wanted *w, const DocRow *d, Val m) {
  const char *type = text_at(m, "resource-type"), *name = text_at(m, "filename"), *tier = text_at(m, "tier");
  if (is_pending(m) || (d->expires_ms && d->expires_ms <= now_ms())) return false;
  if (!type_wanted(w, type ? type : "result")) return false;
  if (w->query && !has(name, w->query) && !has(d->key, w->query) && !has(text_at(m, "flow-slug"), w->query)) return false;
  if (w->accept && !accepted(w->accept, text_at(m, "content-type"))) return false;
  if (w->not_tier && tier && !strcmp(tier, w->not_tier)) return false;
  if (w->prefix && strncmp(d->key, w->prefix, strlen(w->prefix))) return false;
  if (w->path && strncmp(index_path(d->key), w->path, strlen(w->path))) return false;
  return !w->tags || has_tags(m, w->tags);
}

typedef struct Page {
  ValVec items;
  int64_t limit, scanned, ms;
  Buf key;   /* with ms: the last document that was looked at; empty: none yet */
  Buf table; /* the last table, likewise */
  bool more, past_tables;
} Page;

/* Where the page before ended: "table/<name>" among the tables, which come first, and "<ms>/<uri>" behind them. */
static bool cursor_of(ApiCall *c, Page *p) {
  const char *s = api_text(c, "cursor");
  char *end;
  p->ms = INT64_MAX;
  if (!s) return true;
  if (!strncmp(s, "table/", 6) && s[6]) return buf_c(&p->table, s + 6), true;
  p->past_tables = true;
  p->ms = strtoll(s, &end, 10);
  if (p->ms <= 0 || *end != '/' || strncmp(end + 1, "res://", 6)) return api_fail(c, 400, "bad_request", "this cursor is none that a list has given");
  buf_c(&p->key, end + 1);
  return true;
}

static void take_table(ApiCall *c, const Wanted *w, Page *p, const StoreTable *t) {
  Val v = shown_table(t, c->workspace);
  const char *uri = str_s(map_get_kw(v, "uri"));
  bool ok = (!w->query || has(t->name, w->query)) && (!w->prefix || !strncmp(uri, w->prefix, strlen(w->prefix))) &&
            (!w->path || !strncmp(index_path(uri), w->path, strlen(w->path)));
  p->more = p->more || (ok && (int64_t)p->items.n >= p->limit);
  if (p->more) return;
  if (ok) vv_push(&p->items, v);
  p->table.n = 0;
  buf_c(&p->table, t->name);
}

static bool put_tables(ApiCall *c, const Wanted *w, Page *p) {
  StoreTable rows[LIST_PAGE];
  Err err = {0};
  if (!type_wanted(w, "table") || w->accept || w->tags || p->past_tables) return true;
  for (size_t n = LIST_PAGE; n == LIST_PAGE && !p->more;) {
    n = store_tables(c->api->store, c->workspace, p->table.n ? buf_cstr(&p->table) : NULL, rows, LIST_PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      take_table(c, w, p, &rows[i]);
      store_table_free(&rows[i]);
    }
  }
  return !err.code || api_fail_err(c, &err);
}

static bool take_doc(ApiCall *c, const Wanted *w, Page *p, const DocRow *d) {
  (void)c;
  Val m = doc_meta(d);
  if (p->more || is_nil(m)) return !p->more;
  if (wants(w, d, m)) {
    if ((int64_t)p->items.n >= p->limit) return !(p->more = true);
    vv_push(&p->items, shown(d, m));
  }
  p->ms = d->at_ms;
  p->key.n = 0;
  buf_c(&p->key, d->key);
  return ++p->scanned < LIST_SCAN || !(p->more = true);
}

static bool put_docs(ApiCall *c, const Wanted *w, Page *p) {
  Err err = {0};
  for (size_t n = LIST_PAGE; n == LIST_PAGE && !p->more;) {
    DocRow rows[LIST_PAGE];
    n = store_docs_newest(c->api->store, c->workspace, RESOURCE_KIND, p->ms, buf_cstr(&p->key), rows, LIST_PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      take_doc(c, w, p, &rows[i]);
      doc_row_free(&rows[i]);
    }
  }
  return !err.code || api_fail_err(c, &err);
}

static bool list(ApiCall *c) {
  Wanted w = wanted_of(c);
  Page p = {.limit = api_int(c, "limit", 50)};
  ValVec m = {0};
  bool ok = cursor_of(c, &p) && put_tables(c, &w, &p) && put_docs(c, &w, &p);
  api_put(&m, "items", vec_from(p.items.a, p.items.n));
  api_put(&m, "has-more", p.more ? TRUE_V : FALSE_V);
  if (p.more && p.key.n) api_put(&m, "next-cursor", str_fmt("%lld/%s", (long long)p.ms, buf_cstr(&p.key)));
  else if (p.more) api_put(&m, "next-cursor", str_fmt("table/%s", buf_cstr(&p.table)));
  buf_free(&p.key);
  buf_free(&p.table);
  return ok && api_ok(c, api_map(&m));
}

static bool of_run(ApiCall *c, const char *step) {
  RunRow row = {0};
  DocRow rows[LIST_PAGE];
  Err err = {0};
  ValVec items = {0}, m = {0};
  const char *id = api_path(c, "run");
  int64_t limit = api_int(c, "limit", 50);
  bool there = store_run_by_id(c->api->store, c->workspace, id, &row, &err);
  int64_t run = row.run;
  run_row_free(&row);
  if (!there) return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "run not found: %.200s", id);
  Buf after = {0};
  for (size_t n = LIST_PAGE; n == LIST_PAGE && (int64_t)items.n < limit;) {
    n = store_docs_of_run(c->api->store, c->workspace, RESOURCE_KIND, run, after.n ? buf_cstr(&after) : "", rows, LIST_PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      Val meta = doc_meta(&rows[i]);
      const char *of = text_at(meta, "step-id");
      if ((int64_t)items.n < limit && (!step || (of && !strcmp(of, step)))) vv_push(&items, shown(&rows[i], meta));
      after.n = 0;
      buf_c(&after, rows[i].key);
      doc_row_free(&rows[i]);
    }
  }
  buf_free(&after);
  api_put(&m, "items", vec_from(items.a, items.n));
  return err.code ? api_fail_err(c, &err) : api_ok(c, api_map(&m));
}

static bool of_workflow(ApiCall *c) { return of_run(c, NULL); }
static bool of_step(ApiCall *c) { return of_run(c, api_path(c, "step")); }

/* --- search ------------------------------------------------------------------------------------------------------------------------------ */
static Val hit(const SearchHit *h) {
  ValVec m = {0};
  api_put_text(&m, "uri", h->key);
  api_put_text(&m, "type", h->type);
  api_put_text(&m, "display-name", h->title);
  api_put_text(&m, "snippet", h->snippet);
  api_put(&m, "score", dbl_val(h->score));
  api_put(&m, "updated-at", api_time(h->at_ms));
  return api_map(&m);
}

/* in: the arguments; result: the items. */
static void read_search(ApiFar *j) {
  Val keyword = map_get_kw(j->in, "keyword-mode"), v = map_get_kw(j->in, "limit"), from = map_get_kw(j->in, "offset");
  int64_t limit = is_long(v) ? long_of(v) : 10, offset = is_long(from) ? long_of(from) : 0;
  Val path = map_get_kw(j->in, "path-prefix"), types = map_get_kw(j->in, "type");
  SearchQuery q = {.workspace = j->workspace, .target = "resources", .text = str_s(map_get_kw(j->in, "q")), .path = is_str(path) ? str_s(path) : NULL,
                   .any = str_eq_c(keyword, "any")};
  SearchHit *hits = calloc((size_t)(limit + offset), sizeof *hits);
  ValVec items = {0};
  if (!hits) abort();
  if (is_str(types)) q.types = str_s(types);
  size_t n = store_search(j->store, &q, hits, (size_t)(limit + offset), &j->err);
  if (!n && !j->err.code && str_eq_c(keyword, "balanced")) {
    q.any = true; /* all of the words if there is such a thing, else some */
    n = store_search(j->store, &q, hits, (size_t)(limit + offset), &j->err);
  }
  for (size_t i = 0; i < n; i++) {
    if ((int64_t)i >= offset) vv_push(&items, hit(&hits[i]));
    search_hit_free(&hits[i]);
  }
  free(hits);
  j->result = vec_from(items.a, items.n);
}

static bool answer_search(ApiCall *c, ApiFar *j) {
  Val mode = map_get_kw(j->in, "mode");
  ValVec m = {0};
  if (j->err.code) return !strcmp(j->err.code, "validation") ? api_fail(c, 400, "bad_request", "%s", j->err.msg) : api_fail_err(c, &j->err);
  api_put(&m, "query", map_get_kw(j->in, "q"));
  api_put(&m, "mode", is_nil(mode) ? NIL : str_c("lexical")); /* what was asked for otherwise is done by words, too */
  api_put(&m, "items", j->result);
  return api_ok(c, api_map(&m));
}

static bool search(ApiCall *c) { return api_far_search(c, read_search, answer_search, c->args); }

/* --- one ---------------------------------------------------------------------------------------------------------------------------------- */
static bool uri_of(ApiCall *c, const char **uri) {
  char prefix[160];
  *uri = api_text(c, "uri");
  snprintf(prefix, sizeof prefix, "res://v1/ws/%s/", c->workspace);
  if (strncmp(*uri, "res://", 6)) return api_fail(c, 400, "bad_request", "uri must be the address of a resource, res://...");
  return !strncmp(*uri, prefix, strlen(prefix)) || api_fail(c, 404, "not_found", "there is no resource %.300s here", *uri);
}

static bool no_resource(ApiCall *c, const Err *err) {
  if (err->code && strcmp(err->code, "not_found")) return api_fail_err(c, err);
  return api_fail(c, 404, "not_found", "%s", err->code ? err->msg : "there is no such resource");
}

static bool find_doc(ApiCall *c, const char *uri, DocRow *d, Val *meta) {
  Err err = {0};
  Resource r;
  if (!resource_look(c->api->engine, c->workspace, uri, &r, &err) || !store_doc_get(c->api->store, c->workspace, RESOURCE_KIND, uri, d, &err))
    return no_resource(c, &err);
  *meta = doc_meta(d);
  if (!is_nil(*meta) && !is_pending(*meta)) return true;
  doc_row_free(d);
  return api_fail(c, 404, "not_found", "there is no resource %.300s: its upload is not complete", uri);
}

static bool find_table(ApiCall *c, const char *uri, StoreTable *t) {
  TableCall call = {.store = c->api->store, .workspace = c->workspace};
  Val error = NIL;
  return table_find(&call, str_c(uri), t, &error) || api_table_fail(c, error);
}

static bool by_uri(ApiCall *c) {
  const char *uri;
  StoreTable t = {0};
  DocRow d = {0};
  Val meta;
  if (!uri_of(c, &uri)) return false;
  if (table_is_uri(uri)) {
    if (!find_table(c, uri, &t)) return false;
    Val v = shown_table(&t, c->workspace);
    store_table_free(&t);
    return api_ok(c, v);
  }
  if (!find_doc(c, uri, &d, &meta)) return false;
  Val v = shown(&d, meta);
  doc_row_free(&d);
  return api_ok(c, v);
}

static bool url(ApiCall *c) {
  const char *uri;
  Resource r;
  Err err = {0};
  ValVec m = {0};
  int64_t until = now_ms() + api_int(c, "ttl", 3600) * 1000;
  if (!uri_of(c, &uri)) return false;
  if (!resource_look(c->api->engine, c->workspace, uri, &r, &err)) return no_resource(c, &err);
  api_put(&m, "url", resource_url(c->api->engine, &r, c->workspace, until));
  api_put(&m, "expiresAt", api_time(until));
  api_put_text(&m, "uri", uri);
  api_put_text(&m, "contentType", r.content_type);
  return m.n > 6 ? api_ok(c, api_map(&m)) : api_fail(c, 503, "store_failed", "no signed address can be made at the moment");
}

/* --- content ------------------------------------------------------------------------------------------------------------------------------ */
static Val cut_text(Val v, ValVec *m) {
  size_t n = TEXT_SUMMARY;
  if (str_n(v) <= n) return v;
  while (n && ((unsigned char)str_s(v)[n] & 0xc0) == 0x80) n--;
  api_put(m, "truncated", TRUE_V);
  return str_new(str_s(v), n);
}

static bool blob_content(ApiCall *c, const char *uri) {
  Resource r;
  Err err = {0};
  ValVec m = {0};
  if (!resource_look(c->api->engine, c->workspace, uri, &r, &err)) return no_resource(c, &err);
  api_put_text(&m, "uri", uri);
  api_put_text(&m, "contentType", r.content_type);
  api_put(&m, "sizeBytes", int_val(r.size));
  Val v = resource_content(c->api->engine, &r, &err);
  if (same(v, ABSENT) && !strcmp(err.code, "not_found")) return no_resource(c, &err);
  bool data = !same(v, ABSENT) && !is_type(v, T_BYTES);
  if (data) api_put(&m, "body", is_str(v) && api_text(c, "view") ? cut_text(v, &m) : api_text(c, "view") ? api_preview(v) : api_shown(v));
  else api_put(&m, "downloadUrl", resource_url(c->api->engine, &r, c->workspace, now_ms() + 3600 * 1000));
  return api_ok(c, api_map(&m));
}

static Val partitions(ApiCall *c) {
  const char *one = api_text(c, "tablePartition"), *many = api_text(c, "tablePartitions");
  ValVec keys = {0};
  for (const char *s = many ? many : ""; *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ',')) vv_push(&keys, str_new(s, strcspn(s, ",")));
  Val kv[] = {kw_c(one ? "key" : "keys"), one ? str_c(one) : vec_from(keys.a, keys.n)};
  return one || many ? map_from(kv, 1, false) : NIL;
}

/* What stands behind `part` in the URI, up to the next slash; decoded, malloc'ed. NULL: it has no such part. */
static char *segment(const char *uri, const char *part, const char **rest) {
  const char *s = strstr(uri, part);
  if (!s) return NULL;
  s += strlen(part);
  *rest = s + strcspn(s, "/");
  return listener_decode(s, strcspn(s, "/"));
}

typedef struct StepWanted {
  const char *step, *what;
  Val found;
} StepWanted;

static bool step_seen(void *ctx, const HistoryStep *s) {
  StepWanted *w = ctx;
  if (strcmp(s->step, w->step)) return true;
  w->found = !strcmp(w->what, "input") ? s->input : !strcmp(w->what, "error") ? s->error : s->output; /* the last one counts */
  return true;
}

static bool value_answer(ApiCall *c, const char *uri, Val v) {
  ValVec m = {0};
  api_put_text(&m, "uri", uri);
  api_put_text(&m, "contentType", is_str(v) ? "text/plain; charset=utf-8" : "application/json");
  vv_push(&m, kw_c("body"));
  vv_push(&m, api_text(c, "view") ? api_preview(v) : api_shown(v));
  return api_ok(c, api_map(&m));
}

/* What a run holds itself: *handled, and the answer. */
static bool run_content(ApiCall *c, const char *uri, bool *handled) {
  const char *rest, *step_rest;
  char *id = segment(uri, "/result/run/", &rest), *step = id ? segment(rest, "/step/", &step_rest) : NULL;
  RunRow row = {0};
  Err err = {0};
  bool ok = false, output = id && !strcmp(rest, "/flow-output");
  const char *what = step && *step_rest ? step_rest + 1 : "";
  bool of_step = !strcmp(what, "input") || !strcmp(what, "output") || !strcmp(what, "error");
  *handled = (output || of_step) && store_run_by_id(c->api->store, c->workspace, id, &row, &err);
  if (*handled && output) {
    RunState st = {.value = NIL, .error = NIL};
    bool over = engine_state(c->api->engine, row.run, &st, &err) && st.status == RUN_COMPLETED;
    ok = over ? value_answer(c, uri, st.value) : api_fail(c, 404, "not_found", "run %.200s has no output: it is %s", id, run_status_name(row.status));
  } else if (*handled) {
    StepWanted w = {step, what, NIL};
    bool read = engine_history(c->api->engine, row.run, step_seen, &w, &err);
    ok = !read ? api_fail_err(c, &err) : is_nil(w.found) ? api_fail(c, 404, "not_found", "step %.200s has no %s", step, what) : value_answer(c, uri, w.found);
  }
  run_row_free(&row);
  free(id);
  free(step);
  return ok;
}

static bool kv_content(ApiCall *c, const char *uri, bool *handled) {
  const char *s = strstr(uri, "/result/kv/");
  char *key = s ? listener_decode(s + 11, strlen(s + 11)) : NULL;
  KvRow row = {0};
  Err err = {0};
  *handled = key && store_kv_get(c->api->store, c->workspace, key, &row, &err) && (!row.expires_ms || row.expires_ms > now_ms());
  Val v = *handled ? snap_read_value(env_core(), row.value.p, row.value.n) : NIL;
  blob_free(&row.value);
  free(row.key);
  free(key);
  return *handled && value_answer(c, uri, v);
}

static bool content(ApiCall *c) {
  const char *uri;
  DocRow d = {0};
  Err err = {0};
  bool handled;
  if (!uri_of(c, &uri)) return false;
  if (table_is_uri(uri))
    return api_table_page(c, uri, partitions(c), api_int(c, "limit", CONTENT_ROWS), api_int(c, "offset", 0));
  if (store_doc_get(c->api->store, c->workspace, RESOURCE_KIND, uri, &d, &err)) {
    doc_row_free(&d);
    return blob_content(c, uri);
  }
  bool ok = run_content(c, uri, &handled);
  if (handled) return ok;
  ok = kv_content(c, uri, &handled);
  return handled ? ok : no_resource(c, &err);
}

/* --- deleting and the search index --------------------------------------------------------------------------------------------------------- */
static bool delete(ApiCall *c) {
  const char *uri;
  DocRow d = {0};
  Val meta;
  ValVec m = {0};
  if (!uri_of(c, &uri)) return false;
  if (table_is_uri(uri)) {
    TableCall t = {.store = c->api->store, .workspace = c->workspace, .batch = NULL};
    Val handle = NIL, error = NIL;
    StoreTable was = {0};
    if (!find_table(c, uri, &was)) return false;
    store_table_free(&was);
    t.batch = api_batch_of;
    t.ctx = c;
    if (!table_drop(&t, str_c(uri), &handle, &error)) return api_table_fail(c, error);
  } else {
    if (!find_doc(c, uri, &d, &meta)) return false;
    batch_doc_del(api_batch(c), c->workspace, RESOURCE_KIND, uri, d.rev);
    batch_index_del(api_batch(c), c->workspace, "resources", uri);
    doc_row_free(&d);
  }
  api_put(&m, "deleted", TRUE_V);
  api_put_text(&m, "uri", uri);
  return api_ok(c, api_map(&m));
}

static void put_tags(Buf *b, Val tags) {
  for (uint32_t i = 0; is_vec(tags) && i < vec_count(tags); i++)
    if (is_str(vec_nth(tags, i))) buf_fmt(b, "%s%s", b->n ? "\n" : "", str_s(vec_nth(tags, i)));
}

void api_resource_index(ApiCall *c, const DocRow *d, Val meta) {
  Resource r;
  Blob content = {0};
  Buf text = {0}, tags = {0};
  bool cut;
  Val hints = map_get_kw(meta, "search-index");
  const char *name = text_at(meta, "filename"), *own = text_at(hints, "text"), *label = text_at(hints, "source-label");
  if (own) buf_fmt(&text, "%s\n", own);
  if (label) buf_fmt(&text, "%s\n", label);
  buf_fmt(&text, "%s\n%s\n", name ? name : "", text_at(meta, "flow-slug") ? text_at(meta, "flow-slug") : "");
  if (resource_of(d, &r) && index_text(c->api->engine, &r, INDEX_CONTENT_MAX, &content, &cut)) buf_add(&text, content.p, content.n);
  blob_free(&content);
  put_tags(&tags, map_get_kw(hints, "tags"));
  IndexRow row = {.workspace = c->workspace, .target = "resources", .key = d->key, .path = index_path(d->key), .tags = buf_cstr(&tags),
                  .type = text_at(meta, "resource-type") ? text_at(meta, "resource-type") : "result", .title = name && *name ? name : index_path(d->key),
                  .text = {text.p, text.n}, .at_ms = d->at_ms};
  batch_index_put(api_batch(c), &row);
  buf_free(&text);
  buf_free(&tags);
}

static Val hints_of(const ApiCall *c, Val was) {
  static const char *const fields[] = {"text", "tags", "source-label"};
  Val h = is_map(api_arg(c, "search-index")) ? api_arg(c, "search-index") : is_map(was) ? was : map_empty;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (!is_nil(api_arg(c, fields[i]))) h = map_assoc(h, kw_c(fields[i]), api_arg(c, fields[i]));
  return h;
}

static bool search_index(ApiCall *c) {
  const char *uri, *op = api_text(c, "op");
  DocRow d = {0};
  Val meta;
  ValVec m = {0};
  if (!uri_of(c, &uri) || !find_doc(c, uri, &d, &meta)) return false;
  bool clear = !strcmp(op, "clear"), show = !strcmp(op, "show");
  if (!show && !api_may(c, "resources.write")) {
    doc_row_free(&d);
    return api_fail(c, 403, "forbidden", "this key may not change the search index: it needs the scope resources.write");
  }
  if (!strcmp(op, "update")) meta = map_assoc(meta, kw_c("search-index"), hints_of(c, map_get_kw(meta, "search-index")));
  if (clear) meta = map_dissoc(meta, kw_c("search-index"));
  if (clear || !strcmp(op, "update")) api_doc_put(api_batch(c), c->workspace, RESOURCE_KIND, uri, meta, d.rev, d.at_ms, d.expires_ms);
  if (clear) batch_index_del(api_batch(c), c->workspace, "resources", uri);
  else if (!show) api_resource_index(c, &d, meta);
  doc_row_free(&d);
  api_put_text(&m, "uri", uri);
  api_put(&m, "searchIndex", map_get_kw(meta, "search-index"));
  api_put(&m, "indexed", clear ? FALSE_V : TRUE_V);
  return api_ok(c, api_map(&m));
}

#define URI_ARG {"uri", API_TEXT, true, 0, RESOURCE_URI_MAX, NULL, "the resource, res://v1/ws/..."}
#define LIMIT_ARG(most) {"limit", API_INT, false, 1, most, NULL, "how many at once"}
#define TEXT_ARG(name, doc) {name, API_TEXT, false, 0, 0, NULL, doc}

const ApiRoute api_resource_routes[] = {
    {"GET",
     "resources",
     0,
     {"resources.list",
      "resources.read",
      false,
      "Files, kept results and tables, newest first.",
      list,
      {TEXT_ARG("type", "result, file or table"), TEXT_ARG("types", "the same, several with commas"), TEXT_ARG("query", "part of its name, address or flow"),
       TEXT_ARG("accept", "content types, with commas; image/* for all images"), TEXT_ARG("exclude-tier", "retained or ephemeral"),
       TEXT_ARG("prefix", "beginning of the address"), TEXT_ARG("tags", "all of these, with commas"), TEXT_ARG("storage-backend", "accepted; there is one"),
       TEXT_ARG("storage-root", "accepted; there is one"), TEXT_ARG("path-prefix", "beginning of what follows res://v1/ws/<workspace>/"), LIMIT_ARG(1000),
       TEXT_ARG("cursor", "next-cursor of the page before")}}},
    {"GET",
     "resources/search",
     0,
     {"resources.search",
      "resources.read",
      false,
      "Full-text search, best first.",
      search,
      {{"q", API_TEXT, true, 0, 0, NULL, "words; \"several words\" side by side; begin* of a word"}, TEXT_ARG("type", "result, file or table"),
       TEXT_ARG("content-sources", "accepted; all are searched"), TEXT_ARG("storage-backend", "accepted; there is one"),
       TEXT_ARG("storage-root", "accepted; there is one"), TEXT_ARG("path-prefix", "beginning of what follows res://v1/ws/<workspace>/"),
       {"mode", API_TEXT, false, 0, 0, "lexical|hybrid|semantic", "all search by words here"},
       {"keyword-mode", API_TEXT, false, 0, 0, "all|balanced|any", "all (default), any, or all and else any of the words"}, LIMIT_ARG(100),
       {"offset", API_INT, false, 0, 10000, NULL, "how many to leave out first"}}}},
    {"GET", "resources/by-uri", 0, {"resources.get", "resources.read", false, "What is known about a resource.", by_uri, {URI_ARG}}},
    {"GET",
     "resources/content",
     0,
     {"resources.content",
      "resources.read",
      false,
      "The content: text and data as body, rows of a table, an address for what is binary or large.",
      content,
      {URI_ARG, {"view", API_TEXT, false, 0, 0, "summary", "the beginning of what is long"}, LIMIT_ARG(1000),
       {"offset", API_INT, false, 0, 100000, NULL, "rows to leave out first"}, TEXT_ARG("tablePartition", "partition of a table"),
       TEXT_ARG("tablePartitions", "partitions, with commas")}}},
    {"GET",
     "resources/url",
     0,
     {"resources.url",
      "resources.read",
      false,
      "An address at which anybody can read the resource for some time; ranges are served.",
      url,
      {URI_ARG, {"ttl", API_INT, false, PERSIST_URL_TTL_MIN, PERSIST_URL_TTL_MAX, NULL, "seconds, default 3600"}}}},
    {"GET", "resources/workflow/{run}", 0, {"resources.workflow", "resources.read", false, "What a run has kept.", of_workflow, {LIMIT_ARG(1000)}}},
    {"GET",
     "resources/workflow/{run}/step/{step}",
     0,
     {"resources.workflow.step", "resources.read", false, "What a step of a run has kept.", of_step, {LIMIT_ARG(1000)}}},
    {"DELETE", "files/by-uri", 0, {"files.delete", "resources.write", true, "Deletes a file, a kept result or a table.", delete, {URI_ARG}}},
    {"POST",
     "resources/search-index",
     0,
     {"resources.search-index",
      "resources.read",
      true,
      "What a resource is found by: show, update, clear or reindex it. Changes need the scope resources.write.",
      search_index,
      {{"op", API_TEXT, true, 0, 0, "show|update|clear|reindex", "what to do"}, URI_ARG, {"full", API_BOOL, false, 0, 0, NULL, "accepted"},
       {"search-index", API_OBJECT, false, 0, 0, NULL, "text, tags and source-label at once"}, {"text", API_TEXT, false, 0, 65536, NULL, "words to be found by"},
       {"tags", API_ARRAY, false, 0, 0, NULL, "tags"}, TEXT_ARG("source-label", "where it is from"), {"include-raw-content", API_BOOL, false, 0, 0, NULL, "accepted"}}}},
    {0},
};
