#include "api_flow_index.h"
#include "runtime/steps/engine_index.h"
#include "runtime/flow/flow_facets.h"
#include <string.h>

static const char *target_of(const char *where) {
  return !strcmp(where, "draft") ? "flows-draft" : !strcmp(where, "live") ? "flows-live" : "flows-latest";
}

static void lines(Buf *b, Val v) {
  for (uint32_t i = 0; is_vec(v) && i < vec_count(v); i++) {
    Val s = vec_nth(v, i);
    if (is_str(s) && !strchr(str_s(s), '\n')) buf_fmt(b, "%s%s", b->n ? "\n" : "", str_s(s));
  }
}

static void line(Buf *b, Val s) {
  if (is_str(s)) buf_fmt(b, "%s\n", str_s(s));
}

void api_flow_index(Batch *batch, const char *workspace, const char *where, Val flow, Val facets) {
  static const char *const words[] = {"step-types", "providers", "connections", "tool-names"};
  Buf b = {0}, tags = {0};
  const char *slug = api_flow_text(flow, "slug");
  Val name = api_flow_shown(flow, "name");
  line(&b, map_get_kw(flow, "slug"));
  line(&b, api_flow_shown(flow, "description"));
  line(&b, map_get_kw(facets, "labels"));
  for (size_t i = 0; i < 4; i++) lines(&b, map_get_kw(facets, words[i]));
  lines(&tags, api_flow_shown(flow, "tags"));
  IndexRow row = {.workspace = workspace,
                  .target = target_of(where),
                  .key = slug,
                  .title = is_str(name) ? str_s(name) : slug,
                  .type = "flow",
                  .path = slug,
                  .tags = buf_cstr(&tags),
                  .text = {b.p, b.n},
                  .at_ms = now_ms()};
  batch_index_put(batch, &row);
  buf_free(&b);
  buf_free(&tags);
}

static void index_draft(ApiCall *c, Val flow) {
  Val facets = map_get_kw(flow, "facets");
  api_flow_index(api_batch(c), c->workspace, "draft", flow, facets);
  if (!api_flow_number(flow, "active")) api_flow_index(api_batch(c), c->workspace, "active", flow, facets);
}

void api_flow_draft(ApiCall *c, Flow *f, Val def, const char *hash) {
  Val name = map_get_kw(def, "name");
  api_flow_set(f, "hash", str_c(hash));
  api_flow_set(f, "facets", flow_facets(def));
  api_flow_texts(f, def);
  index_draft(c, f->map);
  index_flow_put(api_batch(c), c->workspace, f->slug, is_str(name) ? str_s(name) : f->slug, def, map_get_kw(def, "flow"));
}

void api_flow_live(ApiCall *c, Flow *f, int64_t version, Val facets) {
  api_flow_set(f, "live", api_flow_number_or_nil(version));
  api_flow_set(f, "live-ms", version ? int_val(now_ms()) : NIL);
  if (version) api_flow_index(api_batch(c), c->workspace, "live", f->map, facets);
  else batch_index_del(api_batch(c), c->workspace, target_of("live"), f->slug);
}

bool api_flow_index_again(ApiCall *c, Val flow) {
  static const char *const where[] = {"latest", "live"};
  int64_t version;
  index_draft(c, flow);
  for (size_t i = 0; i < 2; i++) {
    Val facets = api_flow_facets(c, flow, where[i], &version);
    if (c->code) return false;
    if (!same(facets, ABSENT)) api_flow_index(api_batch(c), c->workspace, where[i], flow, facets);
  }
  return true;
}

void api_flow_index_gone(Batch *b, const char *workspace, const char *slug) {
  static const char *const where[] = {"draft", "active", "live"};
  for (size_t i = 0; i < 3; i++) batch_index_del(b, workspace, target_of(where[i]), slug);
  batch_index_del(b, workspace, "flows", slug); /* what :search steps find */
}

Val api_flow_facets(ApiCall *c, Val flow, const char *target, int64_t *version) {
  Val v;
  int64_t rev;
  *version = !strcmp(target, "live") ? api_flow_number(flow, "live") : !strcmp(target, "latest") ? api_flow_number(flow, "active") : 0;
  if (!*version) return strcmp(target, "live") ? map_get_kw(flow, "facets") : ABSENT;
  return api_flow_version(c, api_flow_text(flow, "slug"), *version, &v, &rev) ? map_get_kw(v, "facets") : ABSENT;
}

bool api_flow_index_find(ApiCall *c, const char *target, const char *query, SearchHit *hits, size_t max, size_t *n) {
  Err err = {0};
  SearchQuery q = {.workspace = c->workspace, .target = target_of(target), .text = query};
  *n = store_search(c->api->store, &q, hits, max, &err);
  if (!err.code && !*n) {
    q.any = true;
    *n = store_search(c->api->store, &q, hits, max, &err);
  }
  if (!err.code) return true;
  if (strcmp(err.code, "validation")) return api_fail_err(c, &err);
  return api_fail(c, 400, "bad_request", "query: %s", err.msg);
}
