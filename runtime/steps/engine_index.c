#include "engine_index.h"
#include "reader/text.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WALK_DEPTH = 64 };

static void word(Buf *b, const char *s) {
  if (!s || !*s) return;
  if (b->n) buf_ch(b, '\n');
  buf_c(b, s);
}
static void word_val(Buf *b, Val v) {
  if (is_str(v) || is_kw(v)) word(b, is_str(v) ? str_s(v) : kw_text(v));
}

/* ---- the text of blobs ---- */

static bool ends_in(const char *s, size_t n, const char *end) { return n >= strlen(end) && !strncasecmp(s + n - strlen(end), end, strlen(end)); }

static bool is_text(const char *media) {
  static const char *const ends[] = {"/json", "+json", "/edn", "/xml", "+xml", "/yaml", "/x-yaml", "/javascript", "/csv", "ndjson", "jsonl"};
  size_t n = strcspn(media, "; ");
  bool yes = !strncasecmp(media, "text/", 5);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) yes |= ends_in(media, n, ends[i]);
  return yes;
}

static size_t read_some(int fd, char *p, size_t n) {
  size_t have = 0;
  for (ssize_t k; have < n && (k = read(fd, p + have, n - have)) > 0;) have += (size_t)k;
  return have;
}

bool index_text(Engine *e, const Resource *r, size_t most, Blob *out, bool *cut) {
  Err err;
  int64_t size;
  int fd = is_text(r->content_type) ? resource_file(e, r, &size, &err) : -1;
  *out = (Blob){0};
  if (fd < 0) return false;
  *cut = size > (int64_t)most;
  size_t n = *cut ? most : (size_t)size;
  out->p = malloc(n + 1);
  if (!out->p) abort();
  out->n = read_some(fd, out->p, n);
  close(fd);
  for (int i = 0; i < 4 && *cut && out->n && !utf8_valid(out->p, out->n); i++) out->n--;
  out->p[out->n] = 0;
  bool ok = utf8_valid(out->p, out->n);
  if (!ok) blob_free(out);
  return ok;
}

/* ---- resources ---- */

const char *index_path(const char *uri) {
  const char *p = strncmp(uri, "res://v1/ws/", 12) ? NULL : strchr(uri + 12, '/');
  return p ? p + 1 : uri;
}

static void put_tags(Buf *b, Val tags) {
  for (uint32_t i = 0; is_vec(tags) && i < vec_count(tags); i++) word_val(b, vec_nth(tags, i));
}

static void put_content(Engine *e, const Resource *r, Buf *b) {
  Blob t;
  bool cut;
  if (!index_text(e, r, INDEX_CONTENT_MAX, &t, &cut)) return;
  if (b->n) buf_ch(b, '\n');
  buf_add(b, t.p, t.n);
  blob_free(&t);
}

void index_resource(const StepCall *c, const Resource *r, Val hints, bool content) {
  Run *run = c->r;
  Buf b = {0}, tags = {0};
  word_val(&b, map_get_kw(hints, "text"));
  word_val(&b, map_get_kw(hints, "source-label"));
  word_val(&b, c->title);
  word(&b, r->filename);
  word_val(&b, c->id);
  word(&b, run->slug);
  if (content) put_content(run->e, r, &b);
  put_tags(&tags, map_get_kw(hints, "tags"));
  IndexRow row = {.workspace = run->workspace, .target = "resources", .key = r->uri, .type = "result", .path = index_path(r->uri), .tags = buf_cstr(&tags),
                  .title = *r->filename ? r->filename : is_str(c->title) ? str_s(c->title) : kw_text(c->id), .text = {b.p, b.n}, .at_ms = r->created_ms};
  batch_index_put(run_batch(run), &row);
  buf_free(&b);
  buf_free(&tags);
}

/* ---- runs ---- */

void index_run(Batch *batch, const RunRow *r, enum RunStatus st, Val outcome) {
  Buf b = {0};
  PrintOpts o = print_readably;
  o.max_bytes = INDEX_RESULT_MAX;
  if (is_sig(print_to(&b, outcome, &o))) pend.ex = NIL; /* the beginning is what counts */
  if (b.n > INDEX_RESULT_MAX) b.n = INDEX_RESULT_MAX;
  while (b.n && !utf8_valid(b.p, b.n)) b.n--;
  word(&b, r->run_id);
  word(&b, r->slug);
  word(&b, run_status_name(st));
  IndexRow row = {.workspace = r->workspace, .target = "runs", .key = r->run_id, .title = r->slug, .type = run_status_name(st), .path = r->slug,
                  .text = {b.p, b.n}, .at_ms = now_ms()};
  batch_index_put(batch, &row);
  buf_free(&b);
}

/* ---- flows ---- */

static bool is_label(Val k) { return kw_is(k, "title") || kw_is(k, "label") || kw_is(k, "name") || kw_is(k, "description"); }

static void walk(Buf *b, Val v, int depth);
static void walk_map(Buf *b, Val m, int depth) {
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    if (is_label(k) && is_str(v)) word_val(b, v);
    else walk(b, v, depth + 1);
  }
}

/* Texts under the keys that people write labels under, at any depth of the definition and its code. */
static void walk(Buf *b, Val v, int depth) {
  if (depth > WALK_DEPTH || b->n > INDEX_CONTENT_MAX) return;
  if (is_map(v)) walk_map(b, v, depth);
  else if (is_vec(v))
    for (uint32_t i = 0; i < vec_count(v); i++) walk(b, vec_nth(v, i), depth + 1);
  else if (is_type(v, T_LIST))
    for (; is_type(v, T_LIST); v = AS(List, v)->rest) walk(b, AS(List, v)->first, depth + 1);
}

void index_flow_words(Buf *b, Val def) { walk(b, def, 0); }

void index_flow_put(Batch *batch, const char *workspace, const char *slug, const char *name, Val map, Val body) {
  Buf b = {0}, tags = {0};
  word(&b, slug);
  walk(&b, map, 0);
  walk(&b, body, 0);
  put_tags(&tags, map_get_kw(map, "tags"));
  IndexRow row = {.workspace = (char *)(uintptr_t)workspace, .target = "flows", .key = slug, .title = name, .type = "flow", .path = slug, .tags = buf_cstr(&tags),
                  .text = {b.p, b.n}, .at_ms = now_ms()};
  batch_index_put(batch, &row);
  buf_free(&b);
  buf_free(&tags);
}

void index_flow(Engine *e, const char *workspace, const FlowDef *f) {
  Val key = str_fmt("%s/%s", workspace, f->slug), hash = str_c(f->hash), last = map_get(e->indexed, key, NIL);
  if (is_str(last) && !strcmp(str_s(last), f->hash)) return;
  e->indexed = map_assoc(e->indexed, key, hash);
  Batch *batch = batch_new();
  index_flow_put(batch, workspace, f->slug, f->name, f->map, f->body);
  store_submit(e->store, batch, 0);
}

/* ---- entries that wait ---- */

enum { IDLE_ROWS = 32, IDLE_EVERY_US = 100000 }; /* a few milliseconds of the writer's time, while no run is ready */

void index_idle(Engine *e) {
  Err err = {0};
  int64_t now = mono_us();
  if (now < e->next_index_us) return;
  bool some = store_index_waits(e->store, &err);
  e->next_index_us = now + (some ? IDLE_EVERY_US / 10 : IDLE_EVERY_US);
  if (!some) return;
  Batch *b = batch_new();
  batch_index_work(b, IDLE_ROWS);
  store_submit(e->store, b, 0);
}
