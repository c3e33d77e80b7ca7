/* api_flows.c - flows over the API: the draft, numbered versions that never change, and what live points at (spec/flows.md 9).
 *
 * "flow" <slug>: {:slug :name :description :tags :hash (of the draft) :latest :active :live :live-ms :created-ms :updated-ms}; numbers are
 * absent until there is one. "flow-version" <slug>/<10 digits>: {:version :hash :note :created-ms :by}. The texts are sources of
 * the store, by their hash. Every write names the revision it replaces. */
#include "api.h"
#include "engine_index.h"
#include "flowdef_int.h"
#include "hash.h"
#include "reader/print.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { LITERAL_MAX = 1 << 20, NOTE_MAX = 64 << 10 };
#define SLUG_ARG                                                                                                                           \
  { "flowSlug", API_SLUG, true, 0, 0, NULL, "the flow's slug" }
#define NOTE_ARG                                                                                                                           \
  { "releaseNote", API_TEXT, false, 0, NOTE_MAX, NULL, "what is new, in Markdown" }
#define KEY_ARG                                                                                                                            \
  { "deployKey", API_TEXT, false, 0, 0, NULL, "for flows that only its holder may release; no flow asks for one yet" }
#define VERSION_NUMBER_ARG(need, doc)                                                                                                      \
  { "version", API_INT, need, 1, INT32_MAX, NULL, doc }

typedef struct Flow {
  Val map;
  int64_t rev;
  const char *slug;
} Flow;

static int64_t number(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_long(v) ? long_of(v) : 0;
}
static const char *text(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_str(v) ? str_s(v) : NULL;
}
static Val number_or_nil(int64_t n) { return n ? int_val(n) : NIL; }

static bool flow_find(ApiCall *c, Flow *f) {
  Err err = {0};
  f->slug = api_text(c, "flowSlug");
  if (api_doc(c->api, c->workspace, "flow", f->slug, &f->map, &f->rev, &err)) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "flow not found: %s", f->slug);
}

static void flow_set(Flow *f, const char *key, Val v) { f->map = map_assoc(f->map, kw_c(key), v); }

static bool flow_save(ApiCall *c, Flow *f) {
  flow_set(f, "updated-ms", int_val(now_ms()));
  return api_doc_put(api_batch(c), c->workspace, "flow", f->slug, f->map, f->rev, now_ms(), 0) ||
         api_fail(c, 500, "internal", "the flow cannot be stored");
}

/* --- versions ------------------------------------------------------------------------------------------------------------------------ */
static void version_key(const char *slug, int64_t version, char key[160]) { snprintf(key, 160, "%s/%010lld", slug, (long long)version); }

static bool version_get(Api *a, const char *workspace, const char *slug, int64_t version, Val *out, int64_t *rev, Err *err) {
  char key[160];
  version_key(slug, version, key);
  if (api_doc(a, workspace, "flow-version", key, out, rev, err)) return true;
  return err->code ? false : err_set(err, "not_found", "flow %s has no version %lld", slug, (long long)version);
}

static bool aim(const char *slug, Val flow, const char *target, int64_t *version, Err *err) {
  if (*version) return true;
  if (!strcmp(target, "active")) *version = number(flow, "active");
  if (!strcmp(target, "live")) *version = number(flow, "live");
  if (*version) return true;
  if (!strcmp(target, "live")) return err_set(err, "profile_missing", "live target is not configured: promote a version of %s first", slug);
  return err_set(err, "not_found", "flow %s has no released version; release one first", slug);
}

bool api_flow_source(Api *a, const char *workspace, const char *slug, const char *target, int64_t version, char **hash, int64_t *at,
                     Err *err) {
  Val flow, v;
  int64_t rev;
  if (!api_doc(a, workspace, "flow", slug, &flow, &rev, err))
    return err->code ? false : err_set(err, "not_found", "flow not found: %s", slug);
  bool draft = !version && !strcmp(target, "draft");
  if (!draft && (!aim(slug, flow, target, &version, err) || !version_get(a, workspace, slug, version, &v, &rev, err))) return false;
  const char *h = text(draft ? flow : v, "hash");
  *at = draft ? 0 : version;
  *hash = h ? strdup(h) : NULL;
  return *hash || err_set(err, "corrupt_record", "flow %s has no source", slug);
}

/* The text that the call means by source and version; malloc'ed. */
static bool source_text(ApiCall *c, const char *slug, const char *source, int64_t number_asked, Blob *out, int64_t *version,
                        char hash_out[65]) {
  char *hash = NULL, *file = NULL;
  Err err = {0};
  bool ok = api_flow_source(c->api, c->workspace, slug, source, number_asked, &hash, version, &err);
  if (ok && !store_source_get(c->api->store, hash, &file, out, &err))
    ok = err.code ? false : err_set(&err, "source_missing", "the source of %s is gone", slug);
  snprintf(hash_out, 65, "%s", ok ? hash : "");
  free(hash);
  free(file);
  return ok || api_fail_err(c, &err);
}

/* --- checking ------------------------------------------------------------------------------------------------------------------------ */
static Val diagnostic(const Diag *d) {
  ValVec m = {0};
  api_put_text(&m, "severity", d->error ? "error" : "warning");
  api_put_text(&m, "code", d->code);
  api_put_text(&m, "message", d->message);
  api_put_text(&m, "path", d->path);
  api_put_text(&m, "hint", d->hint);
  if (d->line) api_put(&m, "line", fix(d->line)), api_put(&m, "column", fix(d->col));
  return api_map(&m);
}

Val api_diagnostics(const char *src, size_t n, const char *file, int *errors) {
  Diags d = {0};
  ValVec all = {0};
  flowdef_read(src, n, file, &d);
  for (size_t i = 0; i < d.n; i++) vv_push(&all, diagnostic(&d.a[i]));
  *errors = d.errors;
  diags_free(&d);
  return vec_from(all.a, all.n);
}

static bool invalid(ApiCall *c, const char *slug, Val diagnostics, int errors) {
  ValVec m = {0};
  Val first = vec_nth(diagnostics, 0);
  for (uint32_t i = 0; i < vec_count(diagnostics); i++)
    if (str_eq_c(map_get_kw(vec_nth(diagnostics, i), "severity"), "error")) {
      first = vec_nth(diagnostics, i);
      break;
    }
  api_put_text(&m, "flowSlug", slug);
  api_put(&m, "diagnostics", diagnostics);
  c->details = api_map(&m);
  return api_fail(c, 400, "flow_invalid", "%s has %d error%s; the first: %s", slug, errors, errors == 1 ? "" : "s",
                  str_s(map_get_kw(first, "message")));
}

static bool validate(ApiCall *c) {
  Blob src = {0};
  int64_t version;
  int errors;
  char hash[65];
  const char *slug = api_text(c, "flowSlug"), *source = api_text(c, "source");
  if (!source_text(c, slug, source ? source : "draft", api_int(c, "version", 0), &src, &version, hash)) return false;
  Val found = api_diagnostics(src.p, src.n, slug, &errors);
  blob_free(&src);
  if (errors) return invalid(c, slug, found, errors);
  ValVec m = {0};
  api_put_text(&m, "flowSlug", slug);
  api_put_text(&m, "source", version ? "version" : "draft");
  api_put(&m, "version", int_val(version));
  api_put(&m, "valid", TRUE_V);
  api_put(&m, "diagnostics", found);
  return api_ok(c, api_map(&m));
}

/* --- the draft ------------------------------------------------------------------------------------------------------------------------ */
static Val name_text(Val v) { return is_str(v) ? v : is_kw(v) ? str_c(id_text(v)) : NIL; }

static Val names_of(Val v) {
  ValVec all = {0}, items = {0};
  if (!is_vec(v) && is_nil(name_text(v))) return NIL;
  if (!is_vec(v)) return vec_from((Val[]){name_text(v)}, 1);
  for (uint32_t i = 0; i < vec_count(v); i++) vv_push(&items, vec_nth(v, i));
  for (size_t i = 0; i < items.n; i++)
    if (!is_nil(name_text(items.a[i]))) vv_push(&all, name_text(items.a[i]));
  return vec_from(all.a, all.n);
}

static bool slug_of(ApiCall *c, Val def, char slug[132]) {
  Val s = name_text(map_get_kw(def, "slug"));
  const char *p = is_str(s) ? str_s(s) : "";
  size_t n = strlen(p);
  bool ok =
      n && n <= 128 && strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n && !strchr("0123456789-_", *p);
  snprintf(slug, 132, "%s", ok ? p : "");
  return ok || api_fail(c, 400, "flow_invalid", "the flow needs a :slug: a letter, then letters, digits, - and _, at most 128 in all");
}

/* What a list shows of a flow is read from its draft. */
static void take_texts(Flow *f, Val def) {
  static const char *const keys[] = {"name", "description"};
  for (size_t i = 0; i < 2; i++) flow_set(f, keys[i], name_text(map_get_kw(def, keys[i])));
  flow_set(f, "tags", names_of(map_get_kw(def, "tags")));
}

static bool draft_store(ApiCall *c, Flow *f, Val def, Val literal, Val diagnostics, int errors) {
  char hash[65], file[160];
  Err err = {0};
  if (!api_doc(c->api, c->workspace, "flow", f->slug, &f->map, &f->rev, &err)) {
    if (err.code) return api_fail_err(c, &err);
    f->map = map_assoc(map_assoc(map_empty, kw_c("slug"), str_c(f->slug)), kw_c("created-ms"), int_val(now_ms()));
    f->rev = DOC_NEW;
  }
  hash_sha256_hex(str_s(literal), str_n(literal), hash);
  snprintf(file, sizeof file, "%s.edn", f->slug);
  batch_source_put(api_batch(c), hash, file, (Bytesv){str_s(literal), str_n(literal)});
  flow_set(f, "hash", str_c(hash));
  take_texts(f, def);
  Val name = map_get_kw(def, "name");
  index_flow_put(api_batch(c), c->workspace, f->slug, is_str(name) ? str_s(name) : f->slug, def, map_get_kw(def, "flow"));
  if (!flow_save(c, f)) return false;
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f->slug);
  api_put(&m, "savedDraft", TRUE_V);
  api_put(&m, "flowVersion", fix(0));
  api_put_text(&m, "sourceHash", hash);
  api_put(&m, "latestVersion", number_or_nil(number(f->map, "latest")));
  api_put(&m, "valid", errors ? FALSE_V : TRUE_V);
  api_put(&m, "diagnostics", diagnostics);
  return api_ok(c, api_map(&m));
}

static bool put_draft(ApiCall *c) {
  Val literal = api_arg(c, "flowLiteral"), def;
  Diags d = {0};
  char slug[132];
  int errors;
  bool map = diags_read_map(str_s(literal), str_n(literal), "flow.edn", "flow definition", &def, &d);
  diags_free(&d);
  Val found = api_diagnostics(str_s(literal), str_n(literal), "flow.edn", &errors);
  if (!map) return invalid(c, "the flow", found, errors);
  if (!slug_of(c, def, slug)) return false;
  Flow f = {.slug = slug};
  return draft_store(c, &f, def, literal, found, errors);
}

/* --- looking ------------------------------------------------------------------------------------------------------------------------- */
static void put_flow(ValVec *m, Val f) {
  api_put_text(m, "flowSlug", text(f, "slug"));
  api_put_text(m, "name", text(f, "name"));
  api_put_text(m, "description", text(f, "description"));
  api_put(m, "tags", map_get_kw(f, "tags"));
  api_put(m, "activeVersion", number_or_nil(number(f, "active")));
  api_put(m, "latestVersion", number_or_nil(number(f, "latest")));
  api_put(m, "liveVersion", number_or_nil(number(f, "live")));
  api_put(m, "createdAt", api_time(number(f, "created-ms")));
  api_put(m, "updatedAt", api_time(number(f, "updated-ms")));
}

static bool list(ApiCall *c) {
  DocRow rows[API_PAGE + 1];
  Err err = {0};
  ValVec items = {0}, m = {0}, meta = {0};
  const char *cursor = api_text(c, "cursor");
  size_t limit = (size_t)api_int(c, "limit", API_PAGE),
         n = store_docs(c->api->store, c->workspace, "flow", "", cursor ? cursor : "", rows, limit + 1, &err);
  for (size_t i = 0; i < n; i++) {
    ValVec one = {0};
    put_flow(&one, api_doc_value(&rows[i]));
    if (i < limit) vv_push(&items, api_map(&one));
    if (i + 1 == limit && n > limit) api_put_text(&meta, "nextCursor", rows[i].key);
    doc_row_free(&rows[i]);
  }
  if (err.code) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&meta, "hasMore", n > limit ? TRUE_V : FALSE_V);
  if (is_map(c->meta)) api_put(&meta, "warnings", map_get_kw(c->meta, "warnings"));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

/* Parts of the definition, as JSON can say them; code as its text. */
static void put_definition(ApiCall *c, ValVec *m, Val def) {
  static const char *const parts[] = {"requires", "invocations", "interfaces", "schedules", "concurrency"};
  bool full = api_text(c, "view") && !strcmp(api_text(c, "view"), "full");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    Val v = map_get_kw(def, parts[i]);
    if (!is_nil(v)) api_put(m, parts[i], api_shown(v));
  }
  if (full || api_flag(c, "includeTemplates")) api_put(m, "templates", api_shown(map_get_kw(def, "templates")));
  if (full || api_flag(c, "includeFunctions")) api_put(m, "functions", api_shown(map_get_kw(def, "functions")));
}

static bool get(ApiCall *c) {
  Flow f = {0};
  Blob src = {0};
  int64_t version;
  Val def = NIL;
  Diags d = {0};
  char hash[65];
  const char *source = api_text(c, "source");
  ValVec m = {0}, data = {0};
  if (source && !strcmp(source, "version") && !api_int(c, "version", 0))
    return api_fail(c, 400, "bad_request", "flows.get with source \"version\" needs version");
  if (!flow_find(c, &f) || !source_text(c, f.slug, source ? source : "draft", api_int(c, "version", 0), &src, &version, hash)) return false;
  if (!diags_read_map(src.p, src.n, "flow.edn", "flow definition", &def, &d)) def = map_empty;
  diags_free(&d);
  put_flow(&m, f.map);
  api_put(&m, "version", int_val(version));
  api_put_text(&m, "sourceHash", hash);
  put_definition(c, &m, def);
  api_put(&data, "flow", api_map(&m));
  if (api_flag(c, "includeFlowLiteral")) api_put(&data, "flowLiteral", str_new(src.p, src.n));
  blob_free(&src);
  return api_ok(c, api_map(&data));
}

/* --- releasing ----------------------------------------------------------------------------------------------------------------------- */
static Val released(const Flow *f, int64_t version, Val extra) {
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f->slug);
  api_put(&m, "version", int_val(version));
  api_put(&m, "activeVersion", number_or_nil(number(f->map, "active")));
  api_put(&m, "latestVersion", number_or_nil(number(f->map, "latest")));
  api_put(&m, "releaseNote", extra);
  return api_map(&m);
}

/* The draft becomes the next version. */
static bool publish_draft(ApiCall *c, Flow *f, int64_t *version) {
  Blob src = {0};
  int64_t at;
  int errors;
  char hash[65], key[160];
  if (!source_text(c, f->slug, "draft", 0, &src, &at, hash)) return false;
  Val found = api_diagnostics(src.p, src.n, f->slug, &errors);
  blob_free(&src);
  if (errors) return invalid(c, f->slug, found, errors);
  *version = number(f->map, "latest") + 1;
  ValVec m = {0};
  api_put(&m, "version", int_val(*version));
  api_put_text(&m, "hash", hash);
  api_put(&m, "note", api_arg(c, "releaseNote"));
  api_put(&m, "created-ms", int_val(now_ms()));
  api_put_text(&m, "by", c->key_id);
  version_key(f->slug, *version, key);
  flow_set(f, "latest", int_val(*version));
  return api_doc_put(api_batch(c), c->workspace, "flow-version", key, api_map(&m), DOC_NEW, now_ms(), 0) ||
         api_fail(c, 500, "internal", "the version cannot be stored");
}

static bool version_there(ApiCall *c, const char *slug, int64_t version, Val *out, int64_t *rev) {
  Err err = {0};
  return version_get(c->api, c->workspace, slug, version, out, rev, &err) || api_fail_err(c, &err);
}

static bool release(ApiCall *c) {
  Flow f = {0};
  Val v;
  int64_t rev, version = api_int(c, "version", 0);
  if (!flow_find(c, &f)) return false;
  if (version ? !version_there(c, f.slug, version, &v, &rev) : !publish_draft(c, &f, &version)) return false;
  flow_set(&f, "active", int_val(version));
  return flow_save(c, &f) && api_ok(c, released(&f, version, api_arg(c, "releaseNote")));
}

static bool publish(ApiCall *c) {
  Flow f = {0};
  int64_t version;
  return flow_find(c, &f) && publish_draft(c, &f, &version) && flow_save(c, &f) &&
         api_ok(c, released(&f, version, api_arg(c, "releaseNote")));
}

static bool activate(ApiCall *c) {
  Flow f = {0};
  Val v;
  int64_t rev, version = api_int(c, "version", 0);
  if (!flow_find(c, &f) || !version_there(c, f.slug, version, &v, &rev)) return false;
  flow_set(&f, "active", int_val(version));
  return flow_save(c, &f) && api_ok(c, released(&f, version, NIL));
}

static bool promote(ApiCall *c) {
  Flow f = {0};
  Val v;
  int64_t rev;
  if (!flow_find(c, &f)) return false;
  int64_t was = number(f.map, "live"), version = api_int(c, "version", number(f.map, "active"));
  if (!version) return api_fail(c, 409, "not_released", "flow %s has no released version; release one first", f.slug);
  if (!version_there(c, f.slug, version, &v, &rev)) return false;
  flow_set(&f, "live", int_val(version));
  flow_set(&f, "live-ms", int_val(now_ms()));
  if (!flow_save(c, &f)) return false;
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f.slug);
  api_put_text(&m, "target", "live");
  api_put(&m, "profileId", str_fmt("live-%s", f.slug));
  api_put(&m, "version", int_val(version));
  api_put(&m, "previousVersion", number_or_nil(was));
  api_put(&m, "activeVersion", number_or_nil(number(f.map, "active")));
  api_put(&m, "latestVersion", number_or_nil(number(f.map, "latest")));
  return api_ok(c, api_map(&m));
}

static Val version_item(const Flow *f, Val v) {
  ValVec m = {0};
  int64_t n = number(v, "version");
  api_put(&m, "version", int_val(n));
  api_put(&m, "releaseNote", map_get_kw(v, "note"));
  api_put_text(&m, "sourceHash", text(v, "hash"));
  api_put(&m, "createdAt", api_time(number(v, "created-ms")));
  api_put_text(&m, "createdBy", text(v, "by"));
  api_put(&m, "active", number(f->map, "active") == n ? TRUE_V : FALSE_V);
  api_put(&m, "live", number(f->map, "live") == n ? TRUE_V : FALSE_V);
  return api_map(&m);
}

/* Newest first; all of them fit: numbers go up to latest, pages go down. */
static bool versions(ApiCall *c) {
  Flow f = {0};
  ValVec items = {0}, m = {0}, meta = {0};
  if (!flow_find(c, &f)) return false;
  int64_t latest = number(f.map, "latest"), limit = api_int(c, "limit", API_PAGE), rev;
  const char *cursor = api_text(c, "cursor");
  int64_t from = cursor ? strtoll(cursor, NULL, 10) - 1 : latest;
  if (from > latest) from = latest;
  for (int64_t n = from; n > 0 && n > from - limit; n--) {
    Val v;
    if (!version_there(c, f.slug, n, &v, &rev)) return false;
    vv_push(&items, version_item(&f, v));
  }
  api_put_text(&m, "flowSlug", f.slug);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&meta, "hasMore", from > limit ? TRUE_V : FALSE_V);
  if (from > limit) api_put(&meta, "nextCursor", str_fmt("%lld", (long long)(from - limit + 1)));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

/* Only the note of a version may change. */
static bool version_note(ApiCall *c) {
  Flow f = {0};
  Val v;
  int64_t rev, version = api_int(c, "version", 0);
  char key[160];
  bool clear = api_flag(c, "clearReleaseNote");
  if (clear == !is_nil(api_arg(c, "releaseNote")))
    return api_fail(c, 400, "bad_request", "flows.versions.update needs either releaseNote or clearReleaseNote true");
  if (!flow_find(c, &f) || !version_there(c, f.slug, version, &v, &rev)) return false;
  v = map_assoc(v, kw_c("note"), clear ? NIL : api_arg(c, "releaseNote"));
  version_key(f.slug, version, key);
  if (!api_doc_put(api_batch(c), c->workspace, "flow-version", key, v, rev, number(v, "created-ms"), 0))
    return api_fail(c, 500, "internal", "the note cannot be stored");
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f.slug);
  api_put(&m, "version", version_item(&f, v));
  return api_ok(c, api_map(&m));
}

/* --- what live points at, as the profile that clients look for -------------------------------------------------------------------- */
static Val live_profile(const char *slug, Val flow) {
  ValVec m = {0}, config = {0};
  api_put_text(&config, "install-scope", "live");
  api_put(&m, "profile-id", str_fmt("live-%s", slug));
  api_put_text(&m, "flow-slug", slug);
  api_put_text(&m, "profile-type", "prod");
  api_put(&m, "version", int_val(number(flow, "live")));
  api_put(&m, "enabled", TRUE_V);
  api_put(&m, "updated-at", api_time(number(flow, "live-ms")));
  api_put(&m, "config", api_map(&config));
  return api_map(&m);
}

/* Of one flow: live is the only profile there is. */
static bool flow_profiles(ApiCall *c) {
  Err err = {0};
  Val flow;
  int64_t rev;
  ValVec m = {0}, items = {0};
  const char *slug = api_text(c, "flow-slug"), *type = api_text(c, "profile-type");
  bool wanted = (!type || !strcmp(type, "prod")) && !same(api_arg(c, "enabled"), FALSE_V);
  bool found = api_doc(c->api, c->workspace, "flow", slug, &flow, &rev, &err);
  if (!found) return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "flow not found: %.130s", slug);
  if (wanted && number(flow, "live")) vv_push(&items, live_profile(slug, flow));
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&m, "has-more", FALSE_V);
  return api_ok(c, api_map(&m));
}

const ApiRoute api_flow_routes[] = {
    {"GET",
     "flow-profiles",
     0,
     {"flow-profiles.list",
      "flows.read",
      false,
      "What live points at.",
      flow_profiles,
      {{"flow-slug", API_SLUG, true, 0, 0, NULL, "the flow"},
       {"profile-type", API_TEXT, false, 0, 0, "prod|draft", "of which kind"},
       {"enabled", API_BOOL, false, 0, 0, NULL, "those that are on, or off"},
       {"user-id", API_TEXT, false, 0, 0, NULL, "of whom"},
       {"limit", API_INT, false, 1, 200, NULL, "how many at once"},
       {"cursor", API_TEXT, false, 0, 0, NULL, "next-cursor of the page before"}}}},
    {0},
};

const ApiCommand api_flow_commands[] = {
    {"flows.put_draft",
     "flows.manage",
     true,
     "Saves the text of a flow as its draft and says what is wrong with it. Runs and versions are not touched.",
     put_draft,
     {{"flowLiteral", API_TEXT, true, 0, LITERAL_MAX, NULL, "the definition, an EDN map with :slug and :flow"}}},
    {"flows.validate",
     "flows.read",
     false,
     "Checks a stored definition; flow_invalid with details.diagnostics when it cannot run.",
     validate,
     {SLUG_ARG,
      {"source", API_TEXT, false, 0, 0, "draft|active|live", "which text: the draft (default), the active version or what is live"},
      VERSION_NUMBER_ARG(false, "a version, in place of source")}},
    {"flows.get",
     "flows.read",
     false,
     "One flow, with its definition.",
     get,
     {SLUG_ARG,
      {"source", API_TEXT, false, 0, 0, "draft|active|live|version",
       "which text: the draft (default), the active version, what is live, or the version given"},
      VERSION_NUMBER_ARG(false, "a version"),
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
    {"flows.release",
     "flows.manage",
     true,
     "Makes the draft the next version, which never changes, and the active one; with version, makes that one active.",
     release,
     {SLUG_ARG, VERSION_NUMBER_ARG(false, "a version that there is, in place of a new one"), KEY_ARG, NOTE_ARG}},
    {"flows.promote",
     "flows.manage",
     true,
     "Points live at a version, the active one if none is named. An older one rolls back.",
     promote,
     {SLUG_ARG,
      {"target", API_TEXT, false, 0, 0, "live", "what is pointed at the version"},
      VERSION_NUMBER_ARG(false, "a version"),
      {"scope", API_TEXT, false, 0, 0, "all|live", "installations that follow, too; there are none yet"},
      {"policy", API_TEXT, false, 0, 0, "track-latest|pinned", "of installations; there are none yet"},
      KEY_ARG}},
    {"flows.versions.list",
     "flows.read",
     false,
     "The versions of a flow, newest first.",
     versions,
     {SLUG_ARG,
      {"limit", API_INT, false, 1, API_PAGE, NULL, "how many at once"},
      {"cursor", API_TEXT, false, 0, 0, NULL, "meta.nextCursor of the page before"}}},
    {"flows.versions.publish",
     "flows.manage",
     true,
     "Makes the draft the next version, without making it active.",
     publish,
     {SLUG_ARG, NOTE_ARG, KEY_ARG}},
    {"flows.versions.activate",
     "flows.manage",
     true,
     "Makes a version the active one.",
     activate,
     {SLUG_ARG, VERSION_NUMBER_ARG(true, "the version"), KEY_ARG}},
    {"flows.versions.update",
     "flows.manage",
     true,
     "Changes the note of a version.",
     version_note,
     {SLUG_ARG,
      VERSION_NUMBER_ARG(true, "the version"),
      NOTE_ARG,
      {"clearReleaseNote", API_BOOL, false, 0, 0, NULL, "takes the note away"}}},
    {.name = NULL},
};
