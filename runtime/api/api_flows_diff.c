/* api_flows_diff.c - flows.diff: what is different between two texts of a flow, by parts of the definition and by lines. */
#include "api_flow.h"
#include "reader/eq.h"
#include "runtime/base/textdiff.h"
#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 256, DIFF_TEXT_MAX = 512 << 10 };

typedef struct Side {
  const char *source; /* "draft" "live" "version" "file" */
  int64_t version;    /* 0: draft, file */
  char label[LABEL_MAX + 32];
  Blob text;
  Val def;
} Side;

static bool side_file(ApiCall *c, Side *s) {
  Val literal = api_arg(c, "fileLiteral");
  const char *label = api_text(c, "fileLabel");
  if (!is_str(literal)) return api_fail(c, 400, "bad_request", "flows.diff with \"file\" needs fileLiteral");
  s->text = (Blob){strndup(str_s(literal), str_n(literal)), str_n(literal)};
  snprintf(s->label, sizeof s->label, "%s", label ? label : "file");
  return true;
}

static bool side_stored(ApiCall *c, Side *s, const char *which) {
  char hash[65];
  bool named = !strcmp(s->source, "version");
  if (named && !s->version)
    return api_fail(c, 400, "bad_request", "flows.diff: \"%s\" is \"version\": say which one with %sVersion", which, which);
  if (!api_flow_read(c, api_text(c, "flowSlug"), named ? NULL : s->source, s->version, &s->text, &s->version, hash)) return false;
  if (s->version)
    snprintf(s->label, sizeof s->label, "%s%sv%lld", named ? "" : s->source, named ? "" : " ", (long long)s->version);
  else
    snprintf(s->label, sizeof s->label, "draft");
  return true;
}

static bool side_read(ApiCall *c, Side *s, const char *which, const char *otherwise) {
  char field[32];
  const char *source = api_text(c, which);
  snprintf(field, sizeof field, "%sVersion", which);
  s->version = api_int(c, field, 0);
  s->source = source ? source : s->version ? "version" : otherwise;
  if (strcmp(s->source, "version")) s->version = 0;
  if (!(strcmp(s->source, "file") ? side_stored(c, s, which) : side_file(c, s))) return false;
  s->def = api_flow_definition(s->text.p, s->text.n);
  return true;
}

static Val side_shown(const Side *s) {
  ValVec m = {0};
  api_put_text(&m, "source", s->source);
  api_put(&m, "version", api_flow_number_or_nil(s->version));
  api_put_text(&m, "label", s->label);
  return api_map(&m);
}

/* Keys of the definition whose values differ, in the order of the text: how, "added", "removed" or "changed". */
static void sections_of(const Side *from, const Side *to, ValVec *names, ValVec *details) {
  MapIter it;
  Val k, v;
  const Side *both[] = {to, from};
  for (int i = 0; i < 2; i++) {
    map_iter(&it, both[i]->def);
    while (map_next(&it, &k, &v)) {
      ValVec m = {0};
      Val other = map_get(both[1 - i]->def, k, ABSENT);
      bool gone = same(other, ABSENT);
      if (!is_kw(k) || (gone ? false : i || same(val_eq(v, other), TRUE_V))) continue;
      Val name = str_c(id_text(k));
      vv_push(names, name);
      api_put(&m, "section", name);
      api_put_text(&m, "change", gone ? (i ? "removed" : "added") : "changed");
      vv_push(details, api_map(&m));
    }
  }
}

static Val stat_of(const TextDiff *t, size_t sections) {
  ValVec m = {0};
  api_put(&m, "addedLines", int_val((int64_t)t->added));
  api_put(&m, "removedLines", int_val((int64_t)t->removed));
  api_put(&m, "hunks", int_val((int64_t)t->hunks));
  api_put(&m, "changedSections", int_val((int64_t)sections));
  return api_map(&m);
}

static bool compare(ApiCall *c, const Side *from, const Side *to) {
  ValVec m = {0}, names = {0}, details = {0};
  Buf text = {0};
  const char *view = api_text(c, "view");
  bool full = view && !strcmp(view, "full");
  TextDiff t = textdiff(from->text.p, from->text.n, from->label, to->text.p, to->text.n, to->label, full ? &text : NULL);
  sections_of(from, to, &names, &details);
  api_put_text(&m, "flowSlug", api_text(c, "flowSlug"));
  api_put(&m, "changed", bool_val(t.added || t.removed));
  api_put(&m, "from", side_shown(from));
  api_put(&m, "to", side_shown(to));
  api_put(&m, "stat", stat_of(&t, names.n));
  api_put(&m, "changedSections", vec_from(names.a, names.n));
  if (full) {
    size_t n = text.n < DIFF_TEXT_MAX ? text.n : DIFF_TEXT_MAX;
    while (n && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80) n--;
    api_put(&m, "sections", vec_from(details.a, details.n));
    api_put(&m, "diff", str_new(text.p ? text.p : "", n));
    if (n < text.n) api_put(&m, "diffTruncated", TRUE_V);
  }
  buf_free(&text);
  return api_ok(c, api_map(&m));
}

static bool diff(ApiCall *c) {
  Side from = {.def = NIL}, to = {.def = NIL};
  Flow f;
  bool ok = api_flow_find(c, &f) && side_read(c, &from, "from", "live") && side_read(c, &to, "to", "draft") && compare(c, &from, &to);
  blob_free(&from.text);
  blob_free(&to.text);
  return ok;
}

const ApiCommand api_diff_commands[] = {
    {"flows.diff",
     "flows.read",
     false,
     "What is different between two texts of a flow: parts of the definition, counts of lines and, with view full, the unified diff.",
     diff,
     {FLOW_SLUG_ARG,
      {"from", API_TEXT, false, 0, 0, "draft|live|active|version|file", "the old side; live if it is not said"},
      {"to", API_TEXT, false, 0, 0, "draft|live|active|version|file", "the new side; the draft if it is not said"},
      {"fromVersion", API_INT, false, 1, INT32_MAX, NULL, "of the old side"},
      {"toVersion", API_INT, false, 1, INT32_MAX, NULL, "of the new side"},
      {"fileLiteral", API_TEXT, false, 0, FLOW_TEXT_MAX, NULL, "the text that \"file\" is"},
      {"fileLabel", API_TEXT, false, 0, LABEL_MAX, NULL, "what it is called"},
      {"view", API_TEXT, false, 0, 0, "summary|full", "full: with the unified diff"}}},
    {.name = NULL},
};
