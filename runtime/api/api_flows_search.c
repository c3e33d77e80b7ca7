/* api_flows_search.c - finding flows and steps of the workspace: by words (the search index), by what they are made of, by text.
 *
 * flows.workspace.search looks at the flows of the workspace. flows.search and flows.examples.step look at those of the key's workspace
 * that say :discover {:public true}, "templates", or with scope workspace at all; they are the commands that need no workspace header. */
#include "api_far.h"
#include "api_flow_index.h"
#include "runtime/flow/flow_facets.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum {
  HITS = 500,
  LIMIT = 5,
  LIMIT_MAX = 100,
  FROM_MAX = 10000,
  PATTERNS_MAX = 20,
  MATCHES = 5,
  LINE_MAX_SHOWN = 200,
  LOOKED_MAX = 5000,
  QUERY_MAX = 1000
};

typedef struct Search {
  ApiCall *c;
  const char *target;
  bool templates; /* only those that are public */
  const char *patterns[PATTERNS_MAX];
  size_t npatterns, from, limit, found, looked;
  const SearchHit *hit; /* of the flow at hand, or NULL */
  ValVec hits;
  bool more, failed;
  Val (*shown)(struct Search *s, Val flow, Val facets, int64_t version); /* ABSENT: no hit after all */
} Search;

/* --- filters -----------------------------------------------------------------------------------------------------------------------------
 */
static bool has_word(Val all, const char *word) {
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++)
    if (!strcasecmp(str_s(vec_nth(all, i)), word)) return true;
  return false;
}

static bool fits(const Search *s, Val flow, Val facets) {
  static const char *const by[][3] = {{"provider", "providers", NULL},
                                      {"stepType", "step-types", NULL},
                                      {"toolName", "tool-names", NULL},
                                      {"connection", "connections", "providers"}};
  const char *slug = api_text(s->c, "flowSlug");
  if (slug && !str_eq_c(map_get_kw(flow, "slug"), slug)) return false;
  if (s->templates && !same(map_get_kw(facets, "public"), TRUE_V)) return false;
  for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
    const char *want = api_text(s->c, by[i][0]);
    if (!want || !*want) continue;
    if (*want == ':') want++;
    if (!has_word(map_get_kw(facets, by[i][1]), want) && !(by[i][2] && has_word(map_get_kw(facets, by[i][2]), want))) return false;
  }
  return true;
}

/* --- one flow ---------------------------------------------------------------------------------------------------------------------------
 */
static bool take(Search *s, Val flow) {
  int64_t version;
  if (++s->looked > LOOKED_MAX) return !(s->more = true);
  Val facets = api_flow_facets(s->c, flow, s->target, &version);
  if (s->c->code) return !(s->failed = true);
  if (same(facets, ABSENT) || !fits(s, flow, facets)) return true;
  Val hit = s->shown(s, flow, facets, version);
  if (s->failed || same(hit, ABSENT)) return !s->failed;
  if (s->found++ < s->from) return true;
  if (s->hits.n == s->limit) return !(s->more = true);
  vv_push(&s->hits, hit);
  return true;
}

static bool take_each(void *ctx, const char *slug, Val flow) {
  (void)slug;
  return take(ctx, flow);
}

static Val hit_of(const Search *s, Val flow, Val facets, int64_t version) {
  static const char *const lists[][2] = {
      {"providers", "providers"}, {"tool_names", "tool-names"}, {"step_types", "step-types"}, {"connections", "connections"}};
  static const char *const texts[] = {"name", "description", "tags"};
  ValVec m = {0};
  api_put(&m, "flow_slug", map_get_kw(flow, "slug"));
  for (size_t i = 0; i < 3; i++) api_put(&m, texts[i], api_flow_shown(flow, texts[i]));
  for (size_t i = 0; i < 4; i++) api_put(&m, lists[i][0], map_get_kw(facets, lists[i][1]));
  api_put(&m, "step_count", map_get_kw(facets, "steps"));
  api_put_text(&m, "target", s->target);
  api_put(&m, "version", int_val(version));
  if (api_flow_is_archived(flow)) api_put(&m, "archived", TRUE_V);
  api_put(&m, "updated_at", api_time(api_flow_number(flow, "updated-ms")));
  if (s->hit) api_put_text(&m, "snippet", s->hit->snippet);
  if (s->hit) api_put(&m, "score", dbl_val(s->hit->score));
  return api_map(&m);
}

static Val shown_flow(Search *s, Val flow, Val facets, int64_t version) { return hit_of(s, flow, facets, version); }

/* --- in the text of definitions ------------------------------------------------------------------------------------------------------- */
static bool text_of(Search *s, Val flow, int64_t version, Blob *out) {
  int64_t at;
  char hash[65];
  bool ok = api_flow_read(s->c, api_flow_text(flow, "slug"), "draft", version, out, &at, hash);
  s->failed = !ok;
  return ok;
}

static bool line_has(const Search *s, const char *line, size_t n) {
  for (size_t i = 0; i < s->npatterns; i++) {
    size_t m = strlen(s->patterns[i]);
    for (size_t at = 0; at + m <= n; at++)
      if (!strncasecmp(line + at, s->patterns[i], m)) return true;
  }
  return false;
}

static void put_match(ValVec *all, const char *line, size_t n, int64_t number) {
  ValVec m = {0};
  if (n > LINE_MAX_SHOWN) n = LINE_MAX_SHOWN;
  while (n && ((unsigned char)line[n] & 0xc0) == 0x80) n--;
  api_put(&m, "line", int_val(number));
  api_put(&m, "text", str_new(line, n));
  vv_push(all, api_map(&m));
}

static Val shown_lines(Search *s, Val flow, Val facets, int64_t version) {
  Blob src = {0};
  ValVec all = {0};
  int64_t number = 1, matches = 0;
  if (!text_of(s, flow, version, &src)) return ABSENT;
  for (const char *p = src.p, *end = src.p + src.n, *nl; p < end; p = nl + 1, number++) {
    nl = memchr(p, '\n', (size_t)(end - p));
    if (!nl) nl = end;
    if (!line_has(s, p, (size_t)(nl - p))) continue;
    if (matches++ < MATCHES) put_match(&all, p, (size_t)(nl - p), number);
  }
  blob_free(&src);
  if (!matches) return ABSENT;
  Val hit = map_assoc(hit_of(s, flow, facets, version), kw_c("matches"), vec_from(all.a, all.n));
  return map_assoc(hit, kw_c("match_count"), int_val(matches));
}

static bool read_patterns(Search *s) {
  Val more = api_arg(s->c, "patterns");
  const char *query = api_text(s->c, "query");
  if (query && *query) s->patterns[s->npatterns++] = query;
  for (uint32_t i = 0; is_vec(more) && i < vec_count(more); i++) {
    Val one = vec_nth(more, i);
    if (!is_str(one) || !str_n(one) || str_n(one) > QUERY_MAX || s->npatterns == PATTERNS_MAX)
      return api_fail(s->c, 400, "bad_request", "patterns has at most %d texts, none of them empty", PATTERNS_MAX - 1);
    s->patterns[s->npatterns++] = str_s(one);
  }
  return s->npatterns || api_fail(s->c, 400, "bad_request", "a search in definitions needs query or patterns");
}

/* --- looking -----------------------------------------------------------------------------------------------------------------------------
 */
static bool look_at_hits(Search *s, const char *query) {
  SearchHit *found = calloc(HITS, sizeof *found);
  size_t n = 0;
  bool go = true;
  if (!found) abort();
  bool ok = api_flow_index_find(s->c, s->target, query, found, HITS, &n);
  for (size_t i = 0; i < n; i++) {
    Val flow;
    int64_t rev;
    Err err = {0};
    s->hit = &found[i];
    if (go && api_doc(s->c->api, s->c->workspace, "flow", found[i].key, &flow, &rev, &err) &&
        (!api_flow_is_archived(flow) || api_flag(s->c, "includeArchived")))
      go = take(s, flow);
    if (err.code) ok = api_fail_err(s->c, &err);
    search_hit_free(&found[i]);
  }
  free(found);
  return ok && !s->failed;
}

static bool look(Search *s, const char *words) {
  s->from = (size_t)api_int(s->c, "from", 0);
  s->limit = (size_t)api_int(s->c, "limit", LIMIT);
  if (words && *words) return look_at_hits(s, words);
  return api_flow_each(s->c, "", api_flag(s->c, "includeArchived"), take_each, s) && !s->failed;
}

static bool answer(Search *s, const char *list, const char *outer) {
  ValVec m = {0}, result = {0}, meta = {0};
  api_put(&result, list, vec_from(s->hits.a, s->hits.n));
  api_put(&result, "count", int_val((int64_t)s->hits.n));
  api_put(&result, "from", int_val((int64_t)s->from));
  api_put(&result, "hasMore", bool_val(s->more));
  api_put(&m, outer, api_map(&result));
  api_put(&meta, "hasMore", bool_val(s->more));
  if (is_map(s->c->meta)) api_put(&meta, "warnings", map_get_kw(s->c->meta, "warnings"));
  s->c->meta = api_map(&meta);
  return api_ok(s->c, api_map(&m));
}

static const char *target_of(const ApiCall *c) { return api_text(c, "target") ? api_text(c, "target") : "latest"; }

static bool by_text(const ApiCall *c) { return api_flag(c, "definitionSearch") || !is_nil(api_arg(c, "patterns")); }

static bool search(ApiCall *c, bool templates) {
  Search s = {.c = c, .target = target_of(c), .templates = templates, .shown = shown_flow};
  bool text = by_text(c);
  if (text && !read_patterns(&s)) return false;
  if (text) s.shown = shown_lines;
  return look(&s, text ? NULL : api_text(c, "query")) && answer(&s, "hits", "result");
}

static bool of_templates(const ApiCall *c) {
  const char *scope = api_text(c, "scope");
  return !scope || strcmp(scope, "workspace");
}

/* They may look at thousands of flows: not on the engine's thread. */
static bool far(ApiCall *c, bool (*handler)(ApiCall *c)) {
  const char *words = by_text(c) ? NULL : api_text(c, "query");
  return api_far_read(c, handler, words && *words);
}
static bool search_all(ApiCall *c) { return search(c, false); }
static bool search_templates(ApiCall *c) { return search(c, of_templates(c)); }
static bool workspace_search(ApiCall *c) { return far(c, search_all); }
static bool template_search(ApiCall *c) { return far(c, search_templates); }

/* --- examples of steps ------------------------------------------------------------------------------------------------------------------
 */
static bool example_fits(const char *form, size_t n, const char *query) {
  char word[128];
  while (query && *query) { /* all of its words, in any order */
    size_t skip = strspn(query, " \t"), len = strcspn(query + skip, " \t"), at = 0;
    query += skip;
    if (!len) return true;
    snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1), query);
    len = strlen(word);
    while (at + len <= n && strncasecmp(form + at, word, len)) at++;
    if (at + len > n) return false;
    query += strcspn(query, " \t");
  }
  return true;
}

static Val example(const Search *s, Val flow, Val step, const char *form, size_t n, int64_t version) {
  ValVec m = {0};
  api_put(&m, "flow_slug", map_get_kw(flow, "slug"));
  api_put(&m, "flow_name", api_flow_shown(flow, "name"));
  api_put(&m, "step_id", map_get_kw(step, "id"));
  api_put(&m, "step_type", map_get_kw(step, "type"));
  api_put(&m, "title", map_get_kw(step, "title"));
  api_put(&m, "line", map_get_kw(step, "line"));
  api_put_text(&m, "target", s->target);
  api_put(&m, "version", int_val(version));
  api_put(&m, "snippet", str_new(form, n));
  return api_map(&m);
}

/* Every step of the flow is a hit of its own; false ends the search. */
static void take_examples(Search *s, Val flow, const Blob *src, int64_t version) {
  PosIndex ix;
  Val steps = flow_steps(api_flow_definition(src->p, src->n));
  const char *type = api_text(s->c, "stepType"), *query = api_text(s->c, "query");
  if (*type == ':') type++;
  pos_init(&ix, src->p, src->n);
  for (uint32_t i = 0; i < vec_count(steps) && !s->more; i++) {
    Val step = vec_nth(steps, i), line = map_get_kw(step, "line"), col = map_get_kw(step, "column");
    const PosNode *at = is_fix(line) && is_fix(col) ? pos_find(&ix, (int)fix_of(line), (int)fix_of(col)) : NULL;
    if (!at || !str_eq_c(map_get_kw(step, "type"), type) || !example_fits(src->p + at->at, at->end - at->at, query)) continue;
    if (s->hits.n == s->limit) {
      s->more = true;
    } else {
      Val one = example(s, flow, step, src->p + at->at, at->end - at->at, version);
      if (api_flag(s->c, "full")) one = map_assoc(one, kw_c("flow_literal"), str_new(src->p, src->n));
      vv_push(&s->hits, one);
    }
  }
  pos_free(&ix);
}

static Val shown_examples(Search *s, Val flow, Val facets, int64_t version) {
  Blob src = {0};
  (void)facets;
  if (!s->more && text_of(s, flow, version, &src)) take_examples(s, flow, &src, version);
  blob_free(&src);
  return ABSENT; /* the hits are in */
}

static bool examples(ApiCall *c, bool templates) {
  Search s = {.c = c, .target = target_of(c), .templates = templates, .shown = shown_examples};
  return look(&s, NULL) && answer(&s, "items", "examples");
}
static bool examples_all(ApiCall *c) { return examples(c, false); }
static bool examples_templates(ApiCall *c) { return examples(c, of_templates(c)); }
static bool step_examples(ApiCall *c) { return api_far_read(c, examples_templates, false); }
static bool workspace_examples(ApiCall *c) { return api_far_read(c, examples_all, false); }

#define FILTER_ARGS                                                                                                                        \
  {"flowSlug", API_SLUG, false, 0, 0, NULL, "only this flow"},                                                                             \
      {"provider", API_TEXT, false, 0, 128, NULL, "with this provider or backend"},                                                        \
      {"stepType", API_TEXT, false, 0, 128, NULL, "with a step of this type"},                                                             \
      {"toolName", API_TEXT, false, 0, 128, NULL, "with this tool"}, {"connection", API_TEXT, false, 0, 128, NULL, "with this slot"},      \
      {"target", API_TEXT, false, 0, 0, "latest|draft|live", "which texts; latest: the active version, or the draft while there is none"}, \
      {"limit", API_INT, false, 1, LIMIT_MAX, NULL, "how many hits; 5 if it is not said"},                                                 \
      {"from", API_INT, false, 0, FROM_MAX, NULL, "how many hits to pass over"}, {                                                         \
    "includeArchived", API_BOOL, false, 0, 0, NULL, "archived ones, too"                                                                   \
  }
#define QUERY_ARG(doc)                                                                                                                     \
  { "query", API_TEXT, false, 0, QUERY_MAX, NULL, doc }
#define SCOPE_ARG                                                                                                                          \
  { "scope", API_TEXT, false, 0, 0, "all|workspace", "all: flows with :discover {:public true}; workspace: all of the workspace" }
#define EXAMPLE_ARGS                                                                                                                       \
  {"stepType", API_TEXT, true, 0, 128, NULL, "type of the steps, such as http"}, QUERY_ARG("words that the text of the step has"),         \
      {"flowSlug", API_SLUG, false, 0, 0, NULL, "only this flow"}, {"target", API_TEXT, false, 0, 0, "latest|draft|live", "which texts"},  \
      {"limit", API_INT, false, 1, LIMIT_MAX, NULL, "how many steps; 5 if it is not said"},                                                \
      {"includeArchived", API_BOOL, false, 0, 0, NULL, "of archived flows, too"}, {                                                        \
    "full", API_BOOL, false, 0, 0, NULL, "with the whole definition"                                                                       \
  }
#define TEXT_ARGS                                                                                                                          \
  {"definitionSearch", API_BOOL, false, 0, 0, NULL, "looks for query as it stands in the text, upper and lower case alike"}, {             \
    "patterns", API_ARRAY, false, 0, 0, NULL, "more texts to look for; one of them is enough"                                              \
  }

const ApiCommand api_search_commands[] = {
    {"flows.workspace.search",
     "flows.read",
     false,
     "Flows of the workspace by words, best first, by what they are made of, or by their text.",
     workspace_search,
     {QUERY_ARG("words; \"several words\" in quotes stand side by side"), FILTER_ARGS, TEXT_ARGS}},
    {"flows.search",
     "flows.read",
     false,
     "Flows to start from, by words: those with :discover {:public true}. Needs no workspace.",
     template_search,
     {QUERY_ARG("words"),
      SCOPE_ARG,
      {"surface", API_TEXT, false, 0, 0, "templates|workspace", "accepted"},
      {"full", API_BOOL, false, 0, 0, NULL, "accepted"},
      FILTER_ARGS,
      TEXT_ARGS}},
    {"flows.examples.step",
     "flows.read",
     false,
     "Steps of a type, as they stand in flows with :discover {:public true}. Needs no workspace.",
     step_examples,
     {SCOPE_ARG, EXAMPLE_ARGS}},
    {"flows.workspace.examples.step",
     "flows.read",
     false,
     "Steps of a type, as they stand in flows of the workspace.",
     workspace_examples,
     {EXAMPLE_ARGS}},
    {.name = NULL},
};
