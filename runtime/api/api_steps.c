/* api_steps.c - what is noted about a step: its documentation, examples of its input and output, tests. See api_step.h */
#include "api_step.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DOCS_MAX = 256 << 10 };

const char *api_step_id(ApiCall *c) {
  const char *id = api_text(c, "stepId");
  if (*id == ':') id++;
  for (const unsigned char *p = (const unsigned char *)id; *p; p++)
    if (*p <= ' ' || *p == 0x7f) id = "";
  if (*id) return id;
  api_fail(c, 400, "bad_request", "stepId is the step's id, such as fetch or tools/fetch, without blanks");
  return NULL;
}

static void key_of(char key[STEP_KEY], const char *slug, const char *step, const char *more) {
  snprintf(key, STEP_KEY, "%s/%s%s", slug, step, more);
}

/* --- reading -----------------------------------------------------------------------------------------------------------------------------
 */
bool api_step_items(Api *a, const char *workspace, const char *kind, const char *slug, const char *step, ValVec *out, Err *err) {
  DocRow rows[STEP_ITEMS_MAX];
  char prefix[STEP_KEY];
  key_of(prefix, slug, step, " ");
  size_t n = store_docs(a->store, workspace, kind, prefix, "", rows, STEP_ITEMS_MAX, err);
  for (size_t i = 0; i < n; i++) {
    Val v = api_doc_value(&rows[i]);
    if (is_map(v)) vv_push(out, v);
    doc_row_free(&rows[i]);
  }
  return !err->code;
}

static Val item_shown(Val item) {
  static const char *const fields[][2] = {{"id", "id"},         {"name", "name"},         {"step-type", "stepType"}, {"input", "input"},
                                          {"output", "output"}, {"expected", "expected"}, {"note", "note"}};
  ValVec m = {0};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    Val v = map_get(item, kw_c(fields[i][0]), ABSENT);
    if (same(v, ABSENT)) continue;
    vv_push(&m, kw_c(fields[i][1]));
    vv_push(&m, api_shown(v));
  }
  api_put(&m, "createdAt", api_time(api_flow_number(item, "created-ms")));
  return api_map(&m);
}

static bool items_shown(ApiCall *c, const char *kind, const char *step, Val *out) {
  ValVec found = {0}, shown = {0};
  Err err = {0};
  if (!api_step_items(c->api, c->workspace, kind, api_text(c, "flowSlug"), step, &found, &err)) return api_fail_err(c, &err);
  for (size_t i = 0; i < found.n; i++) vv_push(&shown, item_shown(found.a[i]));
  *out = vec_from(shown.a, shown.n);
  return true;
}

static bool docs_of(ApiCall *c, const char *step, Val *docs, int64_t *rev) {
  char key[STEP_KEY];
  Err err = {0};
  key_of(key, api_text(c, "flowSlug"), step, "");
  *docs = NIL;
  *rev = DOC_NEW;
  return api_doc(c->api, c->workspace, "step-docs", key, docs, rev, &err) || !err.code || api_fail_err(c, &err);
}

static const char *begin(ApiCall *c, ValVec *m) { /* the step's id; NULL: failed */
  Flow f = {0};
  const char *step = api_step_id(c);
  if (!step || !api_flow_find(c, &f)) return NULL;
  api_put_text(m, "flowSlug", f.slug);
  api_put_text(m, "stepId", step);
  return step;
}

static void put_docs(ValVec *m, Val docs) {
  Val text = map_get_kw(docs, "markdown");
  vv_push(m, kw_c("docs"));
  vv_push(m, text);
  api_put(m, "markdown", text);
  api_put(m, "updatedAt", api_time(api_flow_number(docs, "updated-ms")));
}

static bool docs_get(ApiCall *c) {
  ValVec m = {0};
  Val docs;
  int64_t rev;
  const char *step = begin(c, &m);
  if (!step || !docs_of(c, step, &docs, &rev)) return false;
  put_docs(&m, docs);
  return api_ok(c, api_map(&m));
}

static bool list(ApiCall *c, const char *kind) {
  ValVec m = {0}, meta = {0};
  Val items;
  const char *step = begin(c, &m);
  if (!step || !items_shown(c, kind, step, &items)) return false;
  api_put(&m, "items", items);
  api_put(&m, "count", int_val(vec_count(items)));
  api_put(&meta, "hasMore", FALSE_V);
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}
static bool examples(ApiCall *c) { return list(c, "step-example"); }
static bool tests(ApiCall *c) { return list(c, "step-test"); }

static Val counted(Val items) {
  ValVec m = {0};
  api_put(&m, "items", items);
  api_put(&m, "count", int_val(vec_count(items)));
  return api_map(&m);
}

static bool artifacts(ApiCall *c) {
  ValVec m = {0};
  Val docs, all[2];
  int64_t rev;
  const char *step = begin(c, &m);
  if (!step || !docs_of(c, step, &docs, &rev) || !items_shown(c, "step-example", step, &all[0]) ||
      !items_shown(c, "step-test", step, &all[1]))
    return false;
  put_docs(&m, docs);
  api_put(&m, "examples", counted(all[0]));
  api_put(&m, "tests", counted(all[1]));
  return api_ok(c, api_map(&m));
}

/* --- writing -----------------------------------------------------------------------------------------------------------------------------
 */
static bool docs_put(ApiCall *c) {
  ValVec m = {0}, doc = {0};
  Val was;
  int64_t rev;
  char key[STEP_KEY];
  const char *step = begin(c, &m), *text = api_text(c, "markdown");
  if (!text) text = api_text(c, "docs");
  if (!step) return false;
  if (!text) return api_fail(c, 400, "bad_request", "steps.docs.put needs markdown");
  if (!docs_of(c, step, &was, &rev)) return false;
  key_of(key, api_text(c, "flowSlug"), step, "");
  api_put_text(&doc, "markdown", text);
  api_put(&doc, "updated-ms", int_val(now_ms()));
  if (!api_doc_put(api_batch(c), c->workspace, "step-docs", key, api_map(&doc), rev, now_ms(), 0))
    return api_fail(c, 500, "internal", "the documentation cannot be stored");
  put_docs(&m, api_map(&doc));
  return api_ok(c, api_map(&m));
}

/* The number behind the newest item. */
static int64_t next_number(const ValVec *items) {
  Val last = items->n ? map_get_kw(items->a[items->n - 1], "id") : NIL;
  return is_long(last) ? long_of(last) + 1 : 1;
}

static bool add(ApiCall *c, const char *kind, const char *what, const char *const fields[][2], size_t n) {
  ValVec m = {0}, doc = {0}, items = {0};
  Err err = {0};
  char key[STEP_KEY], number[24];
  const char *step = begin(c, &m), *slug = api_text(c, "flowSlug");
  if (!step) return false;
  if (!api_step_items(c->api, c->workspace, kind, slug, step, &items, &err)) return api_fail_err(c, &err);
  if (items.n >= STEP_ITEMS_MAX)
    return api_fail(c, 409, "too_many", "step %s has %d %ss already, the most there may be", step, STEP_ITEMS_MAX, what);
  int64_t id = next_number(&items);
  api_put(&doc, "id", int_val(id));
  for (size_t i = 0; i < n; i++) {
    Val v = map_get(c->args, kw_c(fields[i][0]), ABSENT);
    if (same(v, ABSENT)) continue;
    vv_push(&doc, kw_c(fields[i][1]));
    vv_push(&doc, v);
  }
  api_put(&doc, "created-ms", int_val(now_ms()));
  snprintf(number, sizeof number, " %010lld", (long long)id);
  key_of(key, slug, step, number);
  if (!api_doc_put(api_batch(c), c->workspace, kind, key, api_map(&doc), DOC_NEW, now_ms(), 0))
    return api_fail(c, 500, "internal", "the %s cannot be stored", what);
  api_put(&m, what, item_shown(api_map(&doc)));
  return api_ok(c, api_map(&m));
}

static bool example_add(ApiCall *c) {
  static const char *const fields[][2] = {{"input", "input"}, {"output", "output"}, {"note", "note"}};
  return add(c, "step-example", "example", fields, 3);
}
static bool test_add(ApiCall *c) {
  static const char *const fields[][2] = {
      {"name", "name"}, {"stepType", "step-type"}, {"input", "input"}, {"expected", "expected"}, {"note", "note"}};
  return add(c, "step-test", "test", fields, 5);
}

#define NOTE_ARG                                                                                                                           \
  { "note", API_TEXT, false, 0, 0, NULL, "a remark" }
const ApiCommand api_step_commands[] = {
    {"steps.docs.get", "steps.read", false, "What is written about a step.", docs_get, {FLOW_SLUG_ARG, STEP_ID_ARG}},
    {"steps.docs.put",
     "flows.manage",
     true,
     "Writes about a step, in place of what was written.",
     docs_put,
     {FLOW_SLUG_ARG,
      STEP_ID_ARG,
      {"markdown", API_TEXT, false, 0, DOCS_MAX, NULL, "the text"},
      {"docs", API_TEXT, false, 0, DOCS_MAX, NULL, "another name of markdown"}}},
    {"steps.examples.list",
     "steps.read",
     false,
     "Examples of a step's input and output, oldest first.",
     examples,
     {FLOW_SLUG_ARG, STEP_ID_ARG}},
    {"steps.examples.add",
     "flows.manage",
     true,
     "Adds an example.",
     example_add,
     {FLOW_SLUG_ARG,
      STEP_ID_ARG,
      {"input", API_ANY, true, 0, 0, NULL, "what the step was given"},
      {"output", API_ANY, false, 0, 0, NULL, "what came out"},
      NOTE_ARG}},
    {"steps.tests.list", "steps.read", false, "Tests of a step, oldest first.", tests, {FLOW_SLUG_ARG, STEP_ID_ARG}},
    {"steps.tests.add",
     "flows.manage",
     true,
     "Adds a test: with this input the step is expected to give that.",
     test_add,
     {FLOW_SLUG_ARG,
      STEP_ID_ARG,
      {"stepType", API_TEXT, false, 0, 128, NULL, "type of the step; that of the flow's text if it is not said"},
      {"name", API_TEXT, false, 0, 512, NULL, "what is tested"},
      {"input", API_OBJECT, true, 0, 0, NULL, "the step's params"},
      {"expected", API_ANY, false, 0, 0, NULL, "what it must give"},
      NOTE_ARG}},
    {"steps.artifacts.get", "steps.read", false, "Documentation, examples and tests of a step.", artifacts, {FLOW_SLUG_ARG, STEP_ID_ARG}},
    {.name = NULL},
};
