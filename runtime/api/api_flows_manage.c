/* api_flows_manage.c - flows over the API, beside their texts: metadata, provenance, going back to a release, archive and delete. */
#include "api_configure.h"
#include "api_flow_index.h"
#include "runtime/engine/breaks.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { TAGS_MAX = 50, SOURCES_MAX = 100, RUN_PAGE = 128, ACTIVE_SHOWN = 20 };

static Val slug_data(const Flow *f) {
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f->slug);
  return api_map(&m);
}
static bool answer(ApiCall *c, const Flow *f, const char *key, Val v) { return api_ok(c, map_assoc(slug_data(f), kw_c(key), v)); }

/* --- metadata: said beside the text, and kept when other texts are pushed ------------------------------------------------------------ */
static Val tags_of(const char *s) { /* "a, b" */
  ValVec all = {0};
  while (*s) {
    size_t skip = strspn(s, ", \t\n"), n = strcspn(s + skip, ",");
    s += skip;
    n = strcspn(s, ",");
    size_t end = n;
    while (end && strchr(" \t\n", s[end - 1])) end--;
    if (end && all.n < TAGS_MAX) vv_push(&all, str_new(s, end));
    s += n;
  }
  return vec_from(all.a, all.n);
}

/* An empty text takes away what was said: what the flow's text says counts again. */
static Val overlay_with(ApiCall *c, Val overlay, const char *key) {
  Val v = api_arg(c, key);
  if (is_nil(v)) return overlay;
  if (str_eq_c(v, "")) return map_dissoc(overlay, kw_c(key));
  return map_assoc(overlay, kw_c(key), !strcmp(key, "tags") && is_str(v) ? tags_of(str_s(v)) : v);
}

static bool update(ApiCall *c) {
  static const char *const keys[] = {
      "name",      "description",      "tags",       "publishDescription",          "publishMedia", "groupKey",
      "groupName", "groupDescription", "groupOrder", "primaryDisplayConnectionSlot"};
  Flow f = {0};
  ValVec m = {0};
  if (!api_flow_find(c, &f)) return false;
  Val overlay = map_get_kw(f.map, "overlay");
  if (!is_map(overlay)) overlay = map_empty;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) overlay = overlay_with(c, overlay, keys[i]);
  if (api_flag(c, "clearPublishMedia")) overlay = map_dissoc(overlay, kw_c("publishMedia"));
  api_flow_set(&f, "overlay", map_count(overlay) ? overlay : NIL);
  if (!api_flow_save(c, &f) || !api_flow_index_again(c, f.map)) return false;
  api_flow_put(&m, f.map);
  return answer(c, &f, "flow", api_map(&m));
}

static bool provenance(ApiCall *c) {
  Flow f = {0};
  ValVec m = {0};
  Val sources = api_arg(c, "sourceFlows");
  if (vec_count(sources) > SOURCES_MAX) return api_fail(c, 400, "bad_request", "sourceFlows has at most %d entries", SOURCES_MAX);
  for (uint32_t i = 0; i < vec_count(sources); i++)
    if (!is_str(vec_nth(sources, i)) && !is_map(vec_nth(sources, i)))
      return api_fail(c, 400, "bad_request", "sourceFlows[%u] must be a slug or an object such as {\"workspaceId\": .., \"flowSlug\": ..}",
                      i);
  if (!api_flow_find(c, &f)) return false;
  api_put(&m, "sourceFlows", sources);
  api_put(&m, "updatedAt", api_time(now_ms()));
  api_flow_set(&f, "provenance", vec_count(sources) ? api_map(&m) : NIL);
  return api_flow_save(c, &f) && answer(c, &f, "provenance", api_map(&m));
}

/* --- the draft becomes what is active ---------------------------------------------------------------------------------------------- */
static bool draft_reset(ApiCall *c) {
  Flow f = {0};
  Blob src = {0};
  int64_t version;
  char hash[65];
  if (!api_flow_find(c, &f)) return false;
  if (!api_flow_number(f.map, "active"))
    return api_fail(c, 409, "not_released", "flow %s has no released version that its draft could go back to", f.slug);
  if (!api_flow_read(c, f.slug, "active", 0, &src, &version, hash)) return false;
  Val def = api_flow_definition(src.p, src.n);
  blob_free(&src);
  bool changed = !str_eq_c(map_get_kw(f.map, "hash"), hash);
  if (changed) api_flow_draft(c, &f, def, hash);
  if (changed && !api_flow_save(c, &f)) return false;
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f.slug);
  api_put(&m, "draftReset", TRUE_V);
  api_put(&m, "changed", bool_val(changed));
  api_put(&m, "version", int_val(version));
  api_put_text(&m, "sourceHash", hash);
  return api_ok(c, api_map(&m));
}

/* --- archive and delete ----------------------------------------------------------------------------------------------------------------
 */
/* Runs go on, and everything stays readable; nothing new begins. */
static bool archive(ApiCall *c) {
  Flow f = {0};
  if (!api_flow_find(c, &f)) return false;
  bool was = api_flow_is_archived(f.map);
  api_flow_set(&f, "archived", TRUE_V);
  return (was || api_flow_save(c, &f)) && answer(c, &f, "archived", TRUE_V);
}

typedef struct Active {
  ValVec ids; /* the first of them */
  size_t n;
} Active;

/* Runs of the flow that are not over; with cancel they are asked to end at once. */
static bool active_runs(ApiCall *c, const char *slug, bool cancel, Active *a) {
  RunQuery q = {.workspace = c->workspace, .slug = slug, .mask = RUNS_OPEN};
  RunRow rows[RUN_PAGE];
  Err err = {0};
  int64_t before = INT64_MAX;
  size_t n = RUN_PAGE;
  while (n == RUN_PAGE && !err.code) {
    n = store_runs_newest(c->api->store, &q, before, rows, RUN_PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      before = rows[i].run;
      if (a->n++ < ACTIVE_SHOWN) vv_push(&a->ids, str_c(rows[i].run_id));
      if (cancel && !err.code) engine_cancel(c->api->store, &rows[i], true, "the flow was deleted", &err);
      run_row_free(&rows[i]);
    }
  }
  return !err.code || api_fail_err(c, &err);
}

/* Everything of a kind whose key begins with "<slug>/". */
static bool delete_kind(ApiCall *c, const char *kind, const char *slug) {
  DocRow rows[API_PAGE];
  Err err = {0};
  char prefix[140], after[API_TEXT_MAX] = "";
  size_t n = API_PAGE;
  snprintf(prefix, sizeof prefix, "%s/", slug);
  while (n == API_PAGE && !err.code) {
    n = store_docs(c->api->store, c->workspace, kind, prefix, after, rows, API_PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      api_doc_del(api_batch(c), c->workspace, kind, rows[i].key, rows[i].rev);
      snprintf(after, sizeof after, "%s", rows[i].key);
      doc_row_free(&rows[i]);
    }
  }
  return !err.code || api_fail_err(c, &err);
}

/* Versions, and what the flow has beside its texts. A family that keeps documents under "<slug>/.." has its kind here. */
static bool delete_documents(ApiCall *c, const Flow *f) {
  static const char *const kinds[] = {"flow-version", "target", "binding", "step-docs", "step-example", "step-test"};
  Batch *b = api_batch(c);
  ValVec m = {0};
  api_put(&m, "counted", int_val(api_flow_counted(f->map)));
  api_put(&m, "deleted-ms", int_val(now_ms()));
  api_doc_del(b, c->workspace, "flow", f->slug, f->rev);
  if (!api_doc_put(b, c->workspace, "flow-gone", f->slug, api_map(&m), DOC_ANY, now_ms(), 0))
    return api_fail(c, 500, "internal", "the flow cannot be deleted");
  api_flow_index_gone(b, c->workspace, f->slug);
  api_doc_del(b, c->workspace, BREAKS_KIND, f->slug, DOC_ANY);
  breaks_sweep(c->api->engine, b, c->workspace, f->slug);
  if (!api_configure_flow_gone(c, f->slug)) return false; /* its installations, and what targets had of their own */
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!delete_kind(c, kinds[i], f->slug)) return false;
  return true;
}

static bool still_running(ApiCall *c, const Flow *f, const Active *a) {
  ValVec m = {0};
  api_put(&m, "activeRuns", int_val((int64_t)a->n));
  api_put(&m, "workflowIds", vec_from(a->ids.a, a->ids.n));
  c->details = api_map(&m);
  return api_fail(c, 409, "active_runs", "flow %s has %zu run%s that %s not over; delete it with --force to end %s", f->slug, a->n,
                  a->n == 1 ? "" : "s", a->n == 1 ? "is" : "are", a->n == 1 ? "it" : "them");
}

/* Requests to end runs are durable before the flow is gone: killed in between, the flow is still there, and deleting it goes on. */
static bool delete (ApiCall *c) {
  Flow f = {0};
  Active a = {0};
  Err err = {0};
  bool force = api_flag(c, "force");
  if (!api_flow_find(c, &f)) return false;
  if (!api_flag(c, "yes"))
    return api_fail(c, 400, "confirmation_required", "deleting %s cannot be taken back: confirm it with --yes", f.slug);
  if (!active_runs(c, f.slug, force, &a)) return false;
  if (a.n && !force) return still_running(c, &f, &a);
  if (a.n && !engine_drain_inbox(c->api->engine, &err)) return api_fail_err(c, &err);
  if (!delete_documents(c, &f)) return false;
  ValVec m = {0};
  api_put_text(&m, "flowSlug", f.slug);
  api_put(&m, "deleted", TRUE_V);
  api_put(&m, "cancelledRuns", int_val((int64_t)a.n));
  return api_ok(c, api_map(&m));
}

#define TEXT_ARG(name, max, doc)                                                                                                           \
  { name, API_TEXT, false, 0, max, NULL, doc }
const ApiCommand api_manage_commands[] = {
    {"flows.update",
     "flows.manage",
     true,
     "Says name, description and the like beside the flow's text; it stays when other texts are pushed. An empty text takes it away again.",
     update,
     {FLOW_SLUG_ARG,
      TEXT_ARG("name", 512, "shown in place of :name"),
      TEXT_ARG("description", FLOW_NOTE_MAX, "shown in place of :description"),
      TEXT_ARG("tags", 0, "with commas between them, in place of :tags"),
      TEXT_ARG("groupKey", 256, "flows with the same key are shown together"),
      TEXT_ARG("groupName", 512, "headline of the group"),
      TEXT_ARG("groupDescription", FLOW_NOTE_MAX, "what the group is for"),
      {"groupOrder", API_INT, false, INT32_MIN, INT32_MAX, NULL, "place in the group"},
      TEXT_ARG("primaryDisplayConnectionSlot", 256, "the slot whose connection stands for the flow"),
      TEXT_ARG("publishDescription", FLOW_NOTE_MAX, "for listings; kept"),
      {"publishMedia", API_OBJECT, false, 0, 0, NULL, "for listings; kept"},
      {"clearPublishMedia", API_BOOL, false, 0, 0, NULL, "takes publishMedia away"}}},
    {"flows.provenance.set",
     "flows.manage",
     true,
     "Notes which flows this one was made from; an empty list takes the note away.",
     provenance,
     {FLOW_SLUG_ARG, {"sourceFlows", API_ARRAY, true, 0, 0, NULL, "slugs, or objects with workspaceId and flowSlug"}}},
    {"flows.draft.reset", "flows.manage", true, "The draft becomes the text of the active version again.", draft_reset, {FLOW_SLUG_ARG}},
    {"flows.archive",
     "flows.manage",
     true,
     "Takes a flow out of lists; nothing new begins on it, and everything stays readable. Pushing it again takes it back.",
     archive,
     {FLOW_SLUG_ARG}},
    {"flows.delete",
     "flows.manage",
     true,
     "Deletes a flow and its versions; the history of its runs stays. Refused while runs are not over, unless force ends them.",
     delete,
     {FLOW_SLUG_ARG,
      {"yes", API_BOOL, false, 0, 0, NULL, "must be true"},
      {"force", API_BOOL, false, 0, 0, NULL, "ends runs that are not over"}}},
    {.name = NULL},
};
