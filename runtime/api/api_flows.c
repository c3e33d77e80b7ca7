/* api_flows.c - flows over the API: the draft, and looking at definitions (spec/flows.md 9). Versions: api_flows_release.c. */
#include "api_flow_index.h"
#include "runtime/flow/flow_facets.h"
#include "runtime/flow/flowdef_int.h"
#include "runtime/base/hash.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* --- checking ------------------------------------------------------------------------------------------------------------------------ */
static bool validate(ApiCall *c) {
  Blob src = {0};
  int64_t version;
  int errors;
  char hash[65];
  const char *slug = api_text(c, "flowSlug"), *source = api_text(c, "source");
  if (!api_flow_read(c, slug, source ? source : "draft", api_int(c, "version", 0), &src, &version, hash)) return false;
  Val found = api_diagnostics(src.p, src.n, slug, &errors);
  blob_free(&src);
  if (errors) return api_flow_invalid(c, slug, found, errors);
  ValVec m = {0};
  api_put_text(&m, "flowSlug", slug);
  api_put_text(&m, "source", version ? "version" : "draft");
  api_put(&m, "version", int_val(version));
  api_put(&m, "valid", TRUE_V);
  api_put(&m, "diagnostics", found);
  return api_ok(c, api_map(&m));
}

/* What the text is like, whether it can run or not: found problems are the answer, not a failure. */
static bool lint(ApiCall *c) {
  Val literal = api_arg(c, "flowLiteral"), slug = map_get_kw(api_flow_definition(str_s(literal), str_n(literal)), "slug");
  ValVec m = {0}, next = {0};
  int errors;
  Val found = api_diagnostics_as(str_s(literal), str_n(literal), "flow.edn", true, &errors);
  if (is_kw(slug) || is_str(slug)) api_put_text(&m, "flowSlug", kw_text(slug));
  api_put(&m, "valid", errors ? FALSE_V : TRUE_V);
  api_put(&m, "errors", fix(errors));
  api_put(&m, "warnings", fix((int)vec_count(found) - errors));
  api_put(&m, "diagnostics", found);
  Val commands[] = {str_c("breyta flows push --file <path>")};
  if (!errors) api_put(&next, "nextCommands", vec_from(commands, 1));
  if (is_map(c->meta)) api_put(&next, "warnings", map_get_kw(c->meta, "warnings"));
  c->meta = api_map(&next);
  return api_ok(c, api_map(&m));
}

/* --- the draft ------------------------------------------------------------------------------------------------------------------------ */
static Val name_text(Val v) { return is_str(v) ? v : is_kw(v) ? str_c(id_text(v)) : NIL; }

static bool slug_of(ApiCall *c, Val def, char slug[132]) {
  Val s = name_text(map_get_kw(def, "slug"));
  const char *p = is_str(s) ? str_s(s) : "";
  size_t n = strlen(p);
  bool ok =
      n && n <= 128 && strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n && !strchr("0123456789-_", *p);
  snprintf(slug, 132, "%s", ok ? p : "");
  return ok || api_fail(c, 400, "flow_invalid", "the flow needs a :slug: a letter, then letters, digits, - and _, at most 128 in all");
}

/* A flow that is there, or a new one; one that was deleted before goes on counting its versions. */
static bool draft_flow(ApiCall *c, Flow *f) {
  Err err = {0};
  Val gone;
  int64_t rev;
  api_pend_settle(c, f->slug);
  if (api_doc(c->api, c->workspace, "flow", f->slug, &f->map, &f->rev, &err)) return true;
  if (err.code) return api_fail_err(c, &err);
  f->map = map_assoc(map_assoc(map_empty, kw_c("slug"), str_c(f->slug)), kw_c("created-ms"), int_val(now_ms()));
  f->rev = DOC_NEW;
  if (api_doc(c->api, c->workspace, "flow-gone", f->slug, &gone, &rev, &err))
    api_flow_set(f, "counted", api_flow_number_or_nil(api_flow_number(gone, "counted")));
  return !err.code || api_fail_err(c, &err);
}

static Val drafted(const Flow *f, const char *hash, bool changed, Val diagnostics, int errors) {
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f->slug);
  api_put(&m, "savedDraft", TRUE_V);
  api_put(&m, "changed", bool_val(changed));
  api_put(&m, "flowVersion", fix(0));
  api_put_text(&m, "sourceHash", hash);
  api_put(&m, "latestVersion", api_flow_number_or_nil(api_flow_number(f->map, "latest")));
  api_put(&m, "valid", errors ? FALSE_V : TRUE_V);
  api_put(&m, "diagnostics", diagnostics);
  return api_map(&m);
}

static void draft_set(ApiCall *c, Flow *f, Val def, Val literal, const char *hash) {
  char file[160];
  snprintf(file, sizeof file, "%s.edn", f->slug);
  batch_source_put(api_batch(c), hash, file, (Bytesv){str_s(literal), str_n(literal)});
  api_flow_set(f, "archived", NIL);
  api_flow_draft(c, f, def, hash);
}

/* The same text again changes nothing, not even when it was changed last. */
static bool draft_store(ApiCall *c, Flow *f, Val def, Val literal, Val diagnostics, int errors) {
  char hash[65];
  if (!draft_flow(c, f)) return false;
  Val was = map_get_kw(f->map, "updated-ms"), before = f->map;
  hash_sha256_hex(str_s(literal), str_n(literal), hash);
  if (!api_flow_key_push(c, f, def)) return false;
  bool changed = !str_eq_c(map_get_kw(f->map, "hash"), hash) || api_flow_is_archived(f->map);
  if (changed) draft_set(c, f, def, literal, hash);
  if ((changed || !same(val_eq(before, f->map), TRUE_V)) && !api_flow_save(c, f)) return false;
  if (!changed && is_long(was)) api_flow_set(f, "updated-ms", was);
  c->defer = true;
  return api_ok(c, drafted(f, hash, changed, diagnostics, errors));
}

static bool put_draft(ApiCall *c) {
  Val literal = api_arg(c, "flowLiteral"), def;
  Diags d = {0};
  char slug[132];
  int errors;
  bool map = diags_read_map(str_s(literal), str_n(literal), "flow.edn", "flow definition", &def, &d);
  diags_free(&d);
  Val found = api_diagnostics(str_s(literal), str_n(literal), "flow.edn", &errors);
  if (!map) return api_flow_invalid(c, "the flow", found, errors);
  if (!slug_of(c, def, slug)) return false;
  Flow f = {.slug = slug};
  return draft_store(c, &f, def, literal, found, errors);
}

/* --- looking ------------------------------------------------------------------------------------------------------------------------- */
typedef struct Page {
  ValVec items;
  size_t limit;
  bool more;
  Val last; /* slug of the last item */
} Page;

static bool take_flow(void *ctx, const char *slug, Val flow) {
  Page *p = ctx;
  ValVec one = {0};
  p->more = p->items.n == p->limit;
  if (p->more) return false;
  api_flow_put(&one, flow);
  vv_push(&p->items, api_map(&one));
  p->last = str_c(slug);
  return true;
}

static bool list(ApiCall *c) {
  ValVec m = {0}, meta = {0};
  Page p = {.limit = (size_t)api_int(c, "limit", API_PAGE), .last = NIL};
  const char *cursor = api_text(c, "cursor");
  if (!api_flow_each(c, cursor ? cursor : "", api_flag(c, "includeArchived"), take_flow, &p)) return false;
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(p.items.a, p.items.n));
  api_put(&meta, "hasMore", bool_val(p.more));
  if (p.more) api_put(&meta, "nextCursor", p.last);
  if (is_map(c->meta)) api_put(&meta, "warnings", map_get_kw(c->meta, "warnings"));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

/* The value with quotes taken off and, where the key is known, under the name that clients look for. */
static Val shown_entry(Val entry) {
  static const char *const names[][2] = {{"event-name", "eventName"}, {"tool-name", "toolName"}, {"content-type", "contentType"}};
  MapIter it;
  Val k, v;
  ValVec m = {0};
  if (!is_map(entry)) return api_shown(entry);
  map_iter(&it, entry);
  while (map_next(&it, &k, &v)) {
    if (is_nil(v)) continue;
    vv_push(&m, k);
    vv_push(&m, api_shown(v));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
      if (kw_is(k, names[i][0])) api_put(&m, names[i][1], api_shown(v));
  }
  return api_map(&m);
}

/* {:manual [..] :http [..] :webhook [..] :mcp [..]}: as the definition has it. An entry without :id or :label has one here. */
static Val shown_interfaces(Val interfaces) {
  MapIter it;
  Val k, v;
  ValVec all = {0};
  if (!is_map(interfaces)) return NIL;
  map_iter(&it, interfaces);
  while (map_next(&it, &k, &v)) {
    ValVec entries = {0};
    for (uint32_t i = 0; is_vec(v) && i < vec_count(v); i++) vv_push(&entries, shown_entry(vec_nth(v, i)));
    vv_push(&all, k);
    vv_push(&all, vec_from(entries.a, entries.n));
  }
  return api_map(&all);
}

/* {:discover {:public true}}: said only where it is so, because clients write it back into the text. */
static void put_switch(ValVec *m, Val def, const char *key, const char *field) {
  ValVec one = {0};
  if (!same(map_get_kw(map_get_kw(def, key), field), TRUE_V)) return;
  api_put(&one, field, TRUE_V);
  api_put(m, key, api_map(&one));
}

/* Parts of the definition, as JSON can say them; code as its text. */
static void put_definition(ApiCall *c, ValVec *m, Val def) {
  static const char *const parts[] = {"requires", "invocations", "schedules", "concurrency"};
  bool full = api_text(c, "view") && !strcmp(api_text(c, "view"), "full");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    Val v = map_get_kw(def, parts[i]);
    if (!is_nil(v)) api_put(m, parts[i], api_shown(v));
  }
  api_put(m, "interfaces", shown_interfaces(map_get_kw(def, "interfaces")));
  put_switch(m, def, "discover", "public");
  put_switch(m, def, "marketplace", "visible");
  if (full || api_flag(c, "includeTemplates")) api_put(m, "templates", api_shown(map_get_kw(def, "templates")));
  if (full || api_flag(c, "includeFunctions")) api_put(m, "functions", api_shown(map_get_kw(def, "functions")));
}

static bool get(ApiCall *c) {
  Flow f = {0};
  Blob src = {0};
  int64_t version;
  char hash[65];
  const char *source = api_text(c, "source");
  ValVec m = {0}, data = {0};
  if (source && !strcmp(source, "version") && !api_int(c, "version", 0))
    return api_fail(c, 400, "bad_request", "flows.get with source \"version\" needs version");
  if (!api_flow_find(c, &f) || !api_flow_read(c, f.slug, source ? source : "draft", api_int(c, "version", 0), &src, &version, hash))
    return false;
  Val def = api_flow_definition(src.p, src.n);
  api_flow_put(&m, f.map);
  api_put(&m, "version", int_val(version));
  api_put_text(&m, "sourceHash", hash);
  put_definition(c, &m, def);
  api_put(&data, "flow", api_map(&m));
  if (api_flag(c, "includeFlowLiteral")) api_put(&data, "flowLiteral", str_new(src.p, src.n));
  blob_free(&src);
  return api_ok(c, api_map(&data));
}


const ApiCommand api_flow_commands[] = {
    {"flows.put_draft",
     "flows.manage",
     true,
     "Saves the text of a flow as its draft and says what is wrong with it. Runs and versions are not touched; the same text again changes "
     "nothing. An archived flow is taken back.",
     put_draft,
     {FLOW_LITERAL_ARG,
      {"deploy-key", API_TEXT, false, 0, FLOW_DEPLOY_KEY_MAX, NULL,
       "sets the key of a flow with :deploy-key-required true, or shows that you have it"}}},
    {"flows.lint",
     "flows.read",
     false,
     "What is wrong with a text, with the severities of a linter; nothing is stored.",
     lint,
     {FLOW_LITERAL_ARG}},
    {"flows.validate",
     "flows.read",
     false,
     "Checks a stored definition; flow_invalid with details.diagnostics when it cannot run.",
     validate,
     {FLOW_SLUG_ARG,
      {"source", API_TEXT, false, 0, 0, "draft|active|live", "which text: the draft (default), the active version or what is live"},
      FLOW_VERSION_ARG(false, "a version, in place of source")}},
    {"flows.get",
     "flows.read",
     false,
     "One flow, with its definition.",
     get,
     {FLOW_SLUG_ARG,
      {"source", API_TEXT, false, 0, 0, "draft|active|live|version",
       "which text: the draft (default), the active version, what is live, or the version given"},
      FLOW_VERSION_ARG(false, "a version"),
      {"view", API_TEXT, false, 0, 0, "summary|full", "full: with templates and functions"},
      {"includeFlowLiteral", API_BOOL, false, 0, 0, NULL, "with the text itself"},
      {"includeTemplates", API_BOOL, false, 0, 0, NULL, "with :templates"},
      {"includeFunctions", API_BOOL, false, 0, 0, NULL, "with :functions"}}},
    {"flows.list",
     "flows.read",
     false,
     "The flows of the workspace by slug.",
     list,
     {{"limit", API_INT, false, 1, API_PAGE, NULL, "how many at once"},
      {"cursor", API_TEXT, false, 0, 0, NULL, "meta.nextCursor of the page before"},
      {"includeArchived", API_BOOL, false, 0, 0, NULL, "archived ones, too"}}},
    {.name = NULL},
};
