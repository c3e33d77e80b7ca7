/* api_flow.c - see api_flow.h */
#include "api_flow.h"
#include "runtime/flow/flowdef_int.h"
#include "runtime/base/hash.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t api_flow_number(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_long(v) ? long_of(v) : 0;
}
const char *api_flow_text(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_str(v) ? str_s(v) : NULL;
}
Val api_flow_number_or_nil(int64_t n) { return n ? int_val(n) : NIL; }
int64_t api_flow_counted(Val flow) {
  int64_t latest = api_flow_number(flow, "latest"), before = api_flow_number(flow, "counted");
  return latest > before ? latest : before;
}
bool api_flow_is_archived(Val flow) { return same(map_get_kw(flow, "archived"), TRUE_V); }

bool api_flow_find(ApiCall *c, Flow *f) {
  Err err = {0};
  f->slug = api_text(c, "flowSlug");
  if (c->command->mutates) api_pend_settle(c, f->slug);
  if (api_doc(c->api, c->workspace, "flow", f->slug, &f->map, &f->rev, &err)) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "flow not found: %s", f->slug);
}

void api_flow_set(Flow *f, const char *key, Val v) { f->map = is_nil(v) ? map_dissoc(f->map, kw_c(key)) : map_assoc(f->map, kw_c(key), v); }

bool api_flow_save(ApiCall *c, Flow *f) {
  api_flow_set(f, "updated-ms", int_val(now_ms()));
  return api_doc_put(api_batch(c), c->workspace, "flow", f->slug, f->map, f->rev, now_ms(), 0) ||
         api_fail(c, 500, "internal", "the flow cannot be stored");
}

bool api_flow_each(ApiCall *c, const char *after, bool archived_too, bool (*f)(void *ctx, const char *slug, Val flow), void *ctx) {
  DocRow rows[API_PAGE];
  Err err = {0};
  char from[API_TEXT_MAX + 1];
  bool go = true;
  size_t n = API_PAGE;
  snprintf(from, sizeof from, "%s", after);
  while (go && n == API_PAGE) {
    n = store_docs(c->api->store, c->workspace, "flow", "", from, rows, API_PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      Val flow = api_doc_value(&rows[i]);
      go = go && (!is_map(flow) || (api_flow_is_archived(flow) && !archived_too) || f(ctx, rows[i].key, flow));
      if (i + 1 == n) snprintf(from, sizeof from, "%s", rows[i].key);
      doc_row_free(&rows[i]);
    }
  }
  return !err.code || api_fail_err(c, &err);
}

/* --- what is shown of it ------------------------------------------------------------------------------------------------------------ */
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

void api_flow_texts(Flow *f, Val def) {
  static const char *const keys[] = {"name", "description"};
  for (size_t i = 0; i < 2; i++) api_flow_set(f, keys[i], name_text(map_get_kw(def, keys[i])));
  api_flow_set(f, "tags", names_of(map_get_kw(def, "tags")));
}

Val api_flow_shown(Val flow, const char *key) {
  Val over = map_get_kw(map_get_kw(flow, "overlay"), key);
  return is_nil(over) ? map_get_kw(flow, key) : over;
}

void api_flow_put(ValVec *m, Val f) {
  static const char *const shown[] = {"name", "description", "tags"};
  static const char *const more[] = {"groupKey",           "groupName",   "groupDescription", "groupOrder", "primaryDisplayConnectionSlot",
                                     "publishDescription", "publishMedia"};
  api_put_text(m, "flowSlug", api_flow_text(f, "slug"));
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) api_put(m, shown[i], api_flow_shown(f, shown[i]));
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) api_put(m, more[i], map_get_kw(map_get_kw(f, "overlay"), more[i]));
  api_put(m, "activeVersion", api_flow_number_or_nil(api_flow_number(f, "active")));
  api_put(m, "latestVersion", api_flow_number_or_nil(api_flow_number(f, "latest")));
  api_put(m, "liveVersion", api_flow_number_or_nil(api_flow_number(f, "live")));
  if (api_flow_is_archived(f)) api_put(m, "archived", TRUE_V);
  if (same(map_get_kw(f, "deploy-key-required"), TRUE_V)) api_put(m, "deployKeyRequired", TRUE_V);
  api_put(m, "provenance", map_get_kw(f, "provenance"));
  api_put(m, "createdAt", api_time(api_flow_number(f, "created-ms")));
  api_put(m, "updatedAt", api_time(api_flow_number(f, "updated-ms")));
}

/* --- versions ------------------------------------------------------------------------------------------------------------------------ */
void api_flow_version_key(const char *slug, int64_t version, char key[160]) { snprintf(key, 160, "%s/%010lld", slug, (long long)version); }

static bool version_get(Api *a, const char *workspace, const char *slug, int64_t version, Val *out, int64_t *rev, Err *err) {
  char key[160];
  api_flow_version_key(slug, version, key);
  if (api_doc(a, workspace, "flow-version", key, out, rev, err)) return true;
  return err->code ? false : err_set(err, "not_found", "flow %s has no version %lld", slug, (long long)version);
}

bool api_flow_version(ApiCall *c, const char *slug, int64_t version, Val *out, int64_t *rev) {
  Err err = {0};
  return version_get(c->api, c->workspace, slug, version, out, rev, &err) || api_fail_err(c, &err);
}

static bool aim(const char *slug, Val flow, const char *target, int64_t *version, Err *err) {
  if (*version) return true;
  if (!strcmp(target, "active") || !strcmp(target, "latest")) *version = api_flow_number(flow, "active");
  if (!strcmp(target, "live")) *version = api_flow_number(flow, "live");
  if (*version) return true;
  if (!strcmp(target, "live")) return err_set(err, "profile_missing", "live target is not configured: promote a version of %s first", slug);
  return err_set(err, "not_found", "flow %s has no released version; release one first", slug);
}

static bool source_hash(Api *a, const char *workspace, const char *slug, Val flow, const char *target, int64_t version, char **hash,
                        int64_t *at, Err *err) {
  Val v;
  int64_t rev;
  bool draft = !version && !strcmp(target, "draft");
  if (!draft && (!aim(slug, flow, target, &version, err) || !version_get(a, workspace, slug, version, &v, &rev, err))) return false;
  const char *h = api_flow_text(draft ? flow : v, "hash");
  *at = draft ? 0 : version;
  *hash = h ? strdup(h) : NULL;
  return *hash || err_set(err, "corrupt_record", "flow %s has no source", slug);
}

bool api_flow_source(Api *a, const char *workspace, const char *slug, const char *target, int64_t version, char **hash, int64_t *at,
                     Err *err) {
  Val flow;
  int64_t rev;
  if (!api_doc(a, workspace, "flow", slug, &flow, &rev, err))
    return err->code ? false : err_set(err, "not_found", "flow not found: %s", slug);
  if (api_flow_is_archived(flow)) return err_set(err, "flow_archived", "flow %s is archived: push it again to take it back", slug);
  return source_hash(a, workspace, slug, flow, target, version, hash, at, err);
}

bool api_flow_read(ApiCall *c, const char *slug, const char *source, int64_t version_asked, Blob *out, int64_t *version,
                   char hash_out[65]) {
  char *hash = NULL, *file = NULL;
  Err err = {0};
  Val flow;
  int64_t rev;
  Api *a = c->api;
  bool ok = api_doc(a, c->workspace, "flow", slug, &flow, &rev, &err);
  if (!ok && !err.code) err_set(&err, "not_found", "flow not found: %s", slug);
  ok = ok && source_hash(a, c->workspace, slug, flow, source ? source : "draft", version_asked, &hash, version, &err);
  if (ok && !store_source_get(a->store, hash, &file, out, &err))
    ok = err.code ? false : err_set(&err, "source_missing", "the source of %s is gone", slug);
  snprintf(hash_out, 65, "%s", ok ? hash : "");
  free(hash);
  free(file);
  return ok || api_fail_err(c, &err);
}

Val api_flow_definition(const char *text, size_t n) {
  Val def = NIL;
  Diags d = {0};
  if (!diags_read_map(text, n, "flow.edn", "flow definition", &def, &d)) def = map_empty;
  diags_free(&d);
  return def;
}

/* --- checking ------------------------------------------------------------------------------------------------------------------------ */
/* "[:invocations :default :inputs 0]" -> ["invocations" "default" "inputs" 0] */
static Val path_of(const char *path) {
  Val v = path ? read_one(path, strlen(path), NULL, true) : NIL;
  ValVec all = {0};
  for (uint32_t i = 0; is_vec(v) && i < vec_count(v); i++) {
    Val k = vec_nth(v, i);
    vv_push(&all, is_kw(k) ? str_c(id_text(k)) : api_shown(k));
  }
  return vec_from(all.a, all.n);
}

/* Clients put included files in before they push; here is no file that could be meant. */
static bool wants_include(const Diag *d) { return !strcmp(d->code, "clojure_reader_invalid") && strstr(d->message, "flow/include"); }

static Val diagnostic(const Diag *d, bool lint) {
  ValVec m = {0};
  bool include = wants_include(d);
  api_put_text(&m, "severity", d->error || (lint && d->refused) ? "error" : "warning");
  api_put_text(&m, "code", include ? "flow_include_invalid" : d->code);
  api_put_text(&m, "message", include ? "#flow/include names a file beside the flow, and the server has no such files" : d->message);
  api_put(&m, "path", path_of(d->path));
  api_put_text(&m, "hint", include ? "push with `breyta flows push`, which puts the files in, or paste the text" : d->hint);
  api_put_text(&m, "stage", "server");
  if (lint) api_put(&m, "runs", d->error ? FALSE_V : TRUE_V);
  if (d->line) api_put(&m, "line", fix(d->line)), api_put(&m, "column", fix(d->col));
  return api_map(&m);
}

Val api_diagnostics_as(const char *src, size_t n, const char *file, bool lint, int *errors) {
  Diags d = {0};
  ValVec all = {0};
  *errors = 0;
  flowdef_read(src, n, file, &d);
  for (size_t i = 0; i < d.n; i++) {
    *errors += d.a[i].error || (lint && d.a[i].refused);
    vv_push(&all, diagnostic(&d.a[i], lint));
  }
  diags_free(&d);
  return vec_from(all.a, all.n);
}

Val api_diagnostics(const char *src, size_t n, const char *file, int *errors) { return api_diagnostics_as(src, n, file, false, errors); }

bool api_flow_invalid(ApiCall *c, const char *what, Val diagnostics, int errors) {
  ValVec m = {0};
  Val first = vec_nth(diagnostics, 0);
  for (uint32_t i = 0; i < vec_count(diagnostics); i++)
    if (str_eq_c(map_get_kw(vec_nth(diagnostics, i), "severity"), "error")) {
      first = vec_nth(diagnostics, i);
      break;
    }
  api_put_text(&m, "flowSlug", what);
  api_put(&m, "diagnostics", diagnostics);
  c->details = api_map(&m);
  return api_fail(c, 400, "flow_invalid", "%s has %d error%s; the first: %s", what, errors, errors == 1 ? "" : "s",
                  str_s(map_get_kw(first, "message")));
}

/* --- deploy keys --------------------------------------------------------------------------------------------------------------------- */
static Val key_hash(const Flow *f, const char *key) {
  Buf b = {0};
  char hex[65];
  buf_fmt(&b, "%s/%s", f->slug, key);
  hash_sha256_hex(b.p, b.n, hex);
  if (b.p) explicit_bzero(b.p, b.n);
  buf_free(&b);
  return str_c(hex);
}

static bool key_is(const Flow *f, const char *key) {
  Val hash = map_get_kw(f->map, "deploy-key"), given = key ? key_hash(f, key) : NIL;
  return is_str(hash) && is_str(given) && hash_equal(str_s(hash), str_n(hash), str_s(given), str_n(given));
}

bool api_flow_key_push(ApiCall *c, Flow *f, Val def) {
  const char *key = api_text(c, "deploy-key");
  if (!key) key = api_text(c, "deployKey");
  bool wanted = same(map_get_kw(def, "deploy-key-required"), TRUE_V), is_set = is_str(map_get_kw(f->map, "deploy-key"));
  if (key && is_set && !key_is(f, key)) return api_fail(c, 403, "deploy_key_invalid", "this is not the deploy key of %s", f->slug);
  bool holds = key || !is_set; /* who may change the guard */
  if (wanted) api_flow_set(f, "deploy-key-required", TRUE_V);
  if (wanted && key) api_flow_set(f, "deploy-key", key_hash(f, key));
  if (!wanted && holds) {
    api_flow_set(f, "deploy-key-required", NIL);
    api_flow_set(f, "deploy-key", NIL);
  }
  return true;
}

bool api_flow_key_ok(ApiCall *c, const Flow *f) {
  const char *key = api_text(c, "deployKey");
  if (!same(map_get_kw(f->map, "deploy-key-required"), TRUE_V)) return true;
  if (!is_str(map_get_kw(f->map, "deploy-key")))
    return api_fail(c, 403, "deploy_key_required", "%s has :deploy-key-required true and no key yet: push it once with --deploy-key",
                    f->slug);
  if (!key) return api_fail(c, 403, "deploy_key_required", "%s is released only with its deploy key: give --deploy-key", f->slug);
  return key_is(f, key) || api_fail(c, 403, "deploy_key_invalid", "this is not the deploy key of %s", f->slug);
}
