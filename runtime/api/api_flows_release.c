/* api_flows_release.c - numbered versions that never change, which one is active, and which one live points at (spec/flows.md 9). */
#include "api_target.h"
#include "api_flow_index.h"
#include <stdlib.h>
#include <string.h>

/* --- releasing ----------------------------------------------------------------------------------------------------------------------- */
static Val released(const Flow *f, int64_t version, Val extra) {
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f->slug);
  api_put(&m, "version", int_val(version));
  api_put(&m, "activeVersion", api_flow_number_or_nil(api_flow_number(f->map, "active")));
  api_put(&m, "latestVersion", api_flow_number_or_nil(api_flow_number(f->map, "latest")));
  api_put(&m, "releaseNote", extra);
  return api_map(&m);
}

/* The draft becomes the next version. */
static bool publish_draft(ApiCall *c, Flow *f, int64_t *version) {
  Blob src = {0};
  int64_t at;
  int errors;
  char hash[65], key[160];
  if (!api_flow_key_ok(c, f) || !api_flow_read(c, f->slug, "draft", 0, &src, &at, hash)) return false;
  Val found = api_diagnostics(src.p, src.n, f->slug, &errors);
  blob_free(&src);
  if (errors) return api_flow_invalid(c, f->slug, found, errors);
  *version = api_flow_counted(f->map) + 1;
  ValVec m = {0};
  api_put(&m, "version", int_val(*version));
  api_put_text(&m, "hash", hash);
  api_put(&m, "note", api_arg(c, "releaseNote"));
  api_put(&m, "facets", map_get_kw(f->map, "facets"));
  api_put(&m, "created-ms", int_val(now_ms()));
  api_put_text(&m, "by", c->key_id);
  api_flow_version_key(f->slug, *version, key);
  api_flow_set(f, "latest", int_val(*version));
  return api_doc_put(api_batch(c), c->workspace, "flow-version", key, api_map(&m), DOC_NEW, now_ms(), 0) ||
         api_fail(c, 500, "internal", "the version cannot be stored");
}

/* The version that the call names: a number that there is, "latest", or *version as it is. */
static bool version_named(ApiCall *c, const Flow *f, int64_t *version, Val *v, int64_t *rev) {
  Val wanted = api_arg(c, "version");
  if (is_long(wanted)) *version = long_of(wanted);
  if (str_eq_c(wanted, "latest")) *version = api_flow_number(f->map, "latest");
  if (!*version) return api_fail(c, 409, "not_released", "flow %s has no released version; release one first", f->slug);
  return api_flow_version(c, f->slug, *version, v, rev);
}

static void set_active(ApiCall *c, Flow *f, int64_t version, Val facets) {
  api_flow_set(f, "active", int_val(version));
  api_flow_index(api_batch(c), c->workspace, "active", f->map, facets);
}

static bool put_note(ApiCall *c, const Flow *f, int64_t version, Val v, int64_t rev) {
  char key[160];
  api_flow_version_key(f->slug, version, key);
  return api_doc_put(api_batch(c), c->workspace, "flow-version", key, v, rev, api_flow_number(v, "created-ms"), 0) ||
         api_fail(c, 500, "internal", "the note cannot be stored");
}

/* Makes a new version of the draft, or takes the one that is named (a note that is given is its note then), and makes it the active one. */
static bool make_release(ApiCall *c, Flow *f, int64_t *version, Val *facets) {
  Val v = NIL, note = api_arg(c, "releaseNote");
  int64_t rev;
  *version = 0;
  if (is_nil(api_arg(c, "version"))) {
    if (!publish_draft(c, f, version)) return false;
    *facets = map_get_kw(f->map, "facets");
  } else {
    if (!api_flow_key_ok(c, f) || !version_named(c, f, version, &v, &rev)) return false;
    if (!is_nil(note) && !put_note(c, f, *version, map_assoc(v, kw_c("note"), note), rev)) return false;
    *facets = map_get_kw(v, "facets");
  }
  set_active(c, f, *version, *facets);
  return true;
}

/* Other documents that the batch changes are versions of this flow: the next change of the flow waits for them. */
static bool saved(ApiCall *c, Flow *f) {
  c->defer = true;
  return api_flow_save(c, f);
}

static bool release(ApiCall *c) {
  Flow f = {0};
  int64_t version;
  Val facets;
  return api_flow_find(c, &f) && make_release(c, &f, &version, &facets) && saved(c, &f) &&
         api_ok(c, released(&f, version, api_arg(c, "releaseNote")));
}

static bool publish(ApiCall *c) {
  Flow f = {0};
  int64_t version;
  return api_flow_find(c, &f) && publish_draft(c, &f, &version) && saved(c, &f) &&
         api_ok(c, released(&f, version, api_arg(c, "releaseNote")));
}

static bool activate(ApiCall *c) {
  Flow f = {0};
  Val v;
  int64_t version = 0, rev;
  if (!api_flow_find(c, &f) || !api_flow_key_ok(c, &f) || !version_named(c, &f, &version, &v, &rev)) return false;
  set_active(c, &f, version, map_get_kw(v, "facets"));
  return saved(c, &f) && api_ok(c, released(&f, version, NIL));
}

static Val promoted(const Flow *f, int64_t version, int64_t was) {
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f->slug);
  api_put_text(&m, "target", "live");
  api_put(&m, "profileId", str_fmt("live-%s", f->slug));
  api_put(&m, "version", int_val(version));
  api_put(&m, "previousVersion", api_flow_number_or_nil(was));
  api_put(&m, "activeVersion", api_flow_number_or_nil(api_flow_number(f->map, "active")));
  api_put(&m, "latestVersion", api_flow_number_or_nil(api_flow_number(f->map, "latest")));
  return api_map(&m);
}

static bool promote(ApiCall *c) {
  Flow f = {0};
  Val v;
  if (!api_flow_find(c, &f) || !api_flow_key_ok(c, &f)) return false;
  int64_t was = api_flow_number(f.map, "live"), version = api_flow_number(f.map, "active"), rev;
  if (!version_named(c, &f, &version, &v, &rev)) return false;
  api_flow_live(c, &f, version, map_get_kw(v, "facets"));
  bool all = !api_text(c, "scope") || strcmp(api_text(c, "scope"), "live");
  if (all) api_flow_set(&f, "track", int_val(version)); /* what installations that follow have */
  if (all && !api_installations_promoted(c, f.slug, version, api_text(c, "policy"))) return false;
  return api_flow_save(c, &f) && api_ok(c, promoted(&f, version, was));
}

/* Release and promote at once: both are durable, or nothing is. */
static bool deploy(ApiCall *c) {
  Flow f = {0};
  int64_t version;
  Val facets;
  if (!api_flow_find(c, &f)) return false;
  int64_t was = api_flow_number(f.map, "live");
  if (!make_release(c, &f, &version, &facets)) return false;
  api_flow_live(c, &f, version, facets);
  api_flow_set(&f, "track", int_val(version));
  Val note = api_arg(c, "releaseNote"), all = promoted(&f, version, was);
  return saved(c, &f) && api_ok(c, is_nil(note) ? all : map_assoc(all, kw_c("releaseNote"), note));
}

static Val version_item(const Flow *f, Val v) {
  ValVec m = {0};
  int64_t n = api_flow_number(v, "version");
  api_put(&m, "version", int_val(n));
  api_put(&m, "releaseNote", map_get_kw(v, "note"));
  api_put_text(&m, "sourceHash", api_flow_text(v, "hash"));
  api_put(&m, "createdAt", api_time(api_flow_number(v, "created-ms")));
  api_put_text(&m, "createdBy", api_flow_text(v, "by"));
  api_put(&m, "active", api_flow_number(f->map, "active") == n ? TRUE_V : FALSE_V);
  api_put(&m, "live", api_flow_number(f->map, "live") == n ? TRUE_V : FALSE_V);
  return api_map(&m);
}

/* Newest first; all of them fit: numbers go up to latest, pages go down. */
static bool versions(ApiCall *c) {
  Flow f = {0};
  ValVec items = {0}, m = {0}, meta = {0};
  if (!api_flow_find(c, &f)) return false;
  int64_t latest = api_flow_number(f.map, "latest"), low = api_flow_number(f.map, "counted"), limit = api_int(c, "limit", API_PAGE), rev;
  const char *cursor = api_text(c, "cursor");
  char *end = NULL;
  int64_t from = cursor ? strtoll(cursor, &end, 10) - 1 : latest;
  if (cursor && (*end || from < 0)) return api_fail(c, 400, "bad_request", "cursor: send meta.nextCursor of the page before");
  if (from > latest) from = latest;
  for (int64_t n = from; n > low && n > from - limit; n--) {
    Val v;
    if (!api_flow_version(c, f.slug, n, &v, &rev)) return false;
    vv_push(&items, version_item(&f, v));
  }
  api_put_text(&m, "flowSlug", f.slug);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&meta, "hasMore", bool_val(from - limit > low));
  if (from - limit > low) api_put(&meta, "nextCursor", str_fmt("%lld", (long long)(from - limit + 1)));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

/* Only the note of a version may change. */
static bool version_note(ApiCall *c) {
  Flow f = {0};
  Val v;
  int64_t rev, version = api_int(c, "version", 0);
  bool clear = api_flag(c, "clearReleaseNote");
  if (clear == !is_nil(api_arg(c, "releaseNote")))
    return api_fail(c, 400, "bad_request", "flows.versions.update needs either releaseNote or clearReleaseNote true");
  if (!api_flow_find(c, &f) || !api_flow_version(c, f.slug, version, &v, &rev)) return false;
  v = map_assoc(v, kw_c("note"), clear ? NIL : api_arg(c, "releaseNote"));
  if (!put_note(c, &f, version, v, rev)) return false;
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f.slug);
  api_put(&m, "version", version_item(&f, v));
  return api_ok(c, api_map(&m));
}

const ApiCommand api_release_commands[] = {
    {"flows.release",
     "flows.manage",
     true,
     "Makes the draft the next version, which never changes, and the active one; with version, makes that one active.",
     release,
     {FLOW_SLUG_ARG,
      {"version", API_VERSION, false, 0, 0, NULL, "a version that there is, in place of a new one"},
      FLOW_KEY_ARG,
      FLOW_NOTE_ARG}},
    {"flows.promote",
     "flows.manage",
     true,
     "Points live at a version, the active one if none is named. An older one rolls back.",
     promote,
     {FLOW_SLUG_ARG,
      {"target", API_TEXT, false, 0, 0, "live", "what is pointed at the version"},
      {"version", API_VERSION, false, 0, 0, NULL, "a version, or latest"},
      {"scope", API_TEXT, false, 0, 0, "all|live", "all (the default): installations that follow get it, too; live: live alone"},
      {"policy", API_TEXT, false, 0, 0, "track-latest|pinned", 
       "with scope all: every installation gets this version, and follows from now on or stays at it"},
      FLOW_KEY_ARG}},
    {"flows.deploy",
     "flows.manage",
     true,
     "Release and promote in one: the draft (or the version named) becomes the active version, and live points at it.",
     deploy,
     {FLOW_SLUG_ARG,
      {"version", API_VERSION, false, 0, 0, NULL, "a version that there is, in place of a new one"},
      FLOW_KEY_ARG,
      FLOW_NOTE_ARG}},
    {"flows.versions.list",
     "flows.read",
     false,
     "The versions of a flow, newest first.",
     versions,
     {FLOW_SLUG_ARG,
      {"limit", API_INT, false, 1, API_PAGE, NULL, "how many at once"},
      {"cursor", API_TEXT, false, 0, 0, NULL, "meta.nextCursor of the page before"}}},
    {"flows.versions.publish",
     "flows.manage",
     true,
     "Makes the draft the next version, without making it active.",
     publish,
     {FLOW_SLUG_ARG, FLOW_NOTE_ARG, FLOW_KEY_ARG}},
    {"flows.versions.activate",
     "flows.manage",
     true,
     "Makes a version the active one.",
     activate,
     {FLOW_SLUG_ARG, {"version", API_VERSION, true, 0, 0, NULL, "the version"}, FLOW_KEY_ARG}},
    {"flows.versions.update",
     "flows.manage",
     true,
     "Changes the note of a version.",
     version_note,
     {FLOW_SLUG_ARG,
      FLOW_VERSION_ARG(true, "the version"),
      FLOW_NOTE_ARG,
      {"clearReleaseNote", API_BOOL, false, 0, 0, NULL, "takes the note away"}}},
    {.name = NULL},
};
