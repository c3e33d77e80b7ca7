/* api_docs.c - GET /api/docs/pages: the reference as pages of Markdown, made of the tables that the program itself goes by (step_doc.h, and
 * the commands of this API). "reference-steps", "reference-step-<family>", "reference-api". */
#include "api.h"
#include "runtime/flow/step_doc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct Page {
  char slug[80], title[120];
  const char *category, *family; /* family: NULL but for a step's page */
} Page;

/* --- Markdown -------------------------------------------------------------------------------------------------------------------------- */
/* A cell of a table: no line breaks, no bars. */
static void cell(Buf *b, const char *s) {
  for (; *s; s++) {
    if (*s == '|') buf_c(b, "\\|");
    else buf_add(b, *s == '\n' ? " " : s, 1);
  }
}

static void row(Buf *b, const char *name, const char *type, const char *need, const char *doc) {
  buf_fmt(b, "| `:%s` | ", name);
  cell(b, type);
  if (need) buf_fmt(b, " | %s", need);
  buf_c(b, " | ");
  cell(b, doc);
  buf_c(b, " |\n");
}

static void option_row(Buf *b, const StepDocOption *o) {
  Buf type = {0};
  buf_c(&type, o->allowed ? "one of :" : step_doc_type(o));
  for (const char *p = o->allowed; p && *p; p++) buf_fmt(&type, *p == ' ' ? " :" : "%c", *p);
  row(b, o->name, buf_cstr(&type), o->required ? "yes" : "no", o->doc);
  buf_free(&type);
}

static void options(Buf *b, const char *kind, const char *title) {
  bool any = false;
  for (size_t i = 0; i < step_doc_noptions; i++) {
    if (strcmp(step_doc_options[i].kind, kind)) continue;
    if (!any) buf_fmt(b, "\n## %s\n\n| option | value | required | meaning |\n|---|---|---|---|\n", title);
    any = true;
    option_row(b, &step_doc_options[i]);
  }
}

static void fields(Buf *b, const char *kind, const StepDocOption *o) {
  bool any = false;
  for (size_t i = 0; i < step_doc_nfields; i++) {
    const StepDocField *f = &step_doc_fields[i];
    if (!step_doc_field_of(f, kind, o)) continue;
    if (!any) buf_fmt(b, "\n## Inside `:%s`\n\n| field | value | meaning |\n|---|---|---|\n", o->name);
    any = true;
    row(b, f->name, f->type, NULL, f->doc);
  }
}

static void results(Buf *b, const char *kind) {
  bool any = false;
  for (size_t i = 0; i < step_doc_nresults; i++) {
    const StepDocField *f = &step_doc_results[i];
    if (strcmp(f->kind, kind)) continue;
    if (!any) buf_c(b, "\n## Result\n\n| field | value | meaning |\n|---|---|---|\n");
    any = true;
    row(b, f->name, f->type, NULL, f->doc);
  }
}

static void step_page(Buf *b, const char *family) {
  const StepDocFamily *f = step_doc_family(family);
  const char *kind = !strcmp(family, "code") ? "function" : family;
  buf_fmt(b, "# The step :%s\n\n%s%s\n\n```clojure\n(flow/step :%s :step-id {...options...})\n```\n", family, f->doc,
          f->runs ? "" : " (Not part of this build: reaching such a step is an error of :type :unsupported_step.)", family);
  options(b, kind, "Options");
  options(b, "*", "Options of every step");
  for (size_t i = 0; i < step_doc_noptions; i++) {
    const StepDocOption *o = &step_doc_options[i];
    if (!strcmp(o->kind, kind) || !strcmp(o->kind, "*")) fields(b, kind, o);
  }
  results(b, kind);
}

static void steps_page(Buf *b) {
  buf_c(b, "# Steps\n\nA step is written `(flow/step :family :step-id {...options...})`.\n\n| family | what it does | page |\n|---|---|---|\n");
  for (size_t i = 0; i < step_doc_nfamilies; i++) {
    const StepDocFamily *f = &step_doc_families[i];
    buf_fmt(b, "| `:%s` | ", f->name);
    cell(b, f->doc);
    buf_fmt(b, "%s | `reference-step-%s` |\n", f->runs ? "" : " (not part of this build)", f->name);
  }
}

static void api_page(Buf *b) {
  const ApiCommand *c;
  buf_c(b, "# Commands of the API\n\nA command is sent as `POST /api/commands {\"command\": name, \"args\": {...}}`; `GET /api/openapi.json` has every "
           "argument and route.\n");
  for (int i = 0; (c = api_command_at(i)); i++) {
    buf_fmt(b, "\n## %s\n\n%s Scope: `%s`.\n", c->name, c->doc, c->scope ? c->scope : "any key");
    for (const ApiArg *a = c->args; a->name; a++) buf_fmt(b, "- `%s`%s: %s\n", a->name, a->required ? " (required)" : "", a->doc);
  }
}

static void text_of(Buf *b, const Page *p) {
  if (p->family) step_page(b, p->family);
  else if (!strcmp(p->slug, "reference-steps")) steps_page(b);
  else api_page(b);
}

/* --- which pages there are --------------------------------------------------------------------------------------------------------------- */
static bool page_at(size_t i, Page *p) {
  static const Page whole[] = {{"reference-steps", "Steps", "steps", NULL}, {"reference-api", "Commands of the API", "api", NULL}};
  const size_t nwhole = sizeof whole / sizeof *whole;
  if (i < nwhole) *p = whole[i];
  if (i < nwhole) return true;
  if (i - nwhole >= step_doc_nfamilies) return false;
  p->family = step_doc_families[i - nwhole].name;
  p->category = "steps";
  snprintf(p->slug, sizeof p->slug, "reference-step-%s", p->family);
  snprintf(p->title, sizeof p->title, "The step :%s", p->family);
  return true;
}

static bool page_of(const char *slug, Page *p) {
  for (size_t i = 0; page_at(i, p); i++)
    if (!strcmp(p->slug, slug)) return true;
  return false;
}

/* --- finding ------------------------------------------------------------------------------------------------------------------------------ */
typedef struct Found {
  Page page;
  int64_t score;
  Val snippet;
} Found;

static int64_t times(const char *text, const char *word, size_t n, const char **first) {
  int64_t k = 0;
  for (const char *p = text; *p; p++)
    if (!strncasecmp(p, word, n)) {
      if (!k++ && first && !*first) *first = p;
      p += n - 1;
    }
  return k;
}

static Val line_at(const char *text, const char *at) {
  enum { MOST = 240 };
  while (at > text && at[-1] != '\n') at--;
  size_t n = strcspn(at, "\n");
  if (n > MOST) for (n = MOST; n && ((unsigned char)at[n] & 0xc0) == 0x80;) n--;
  return str_new(at, n);
}

/* Every word has to be there; in the name it counts most. */
static bool scored(Found *f, const char *query, bool snippet) {
  Buf text = {0};
  const char *first = NULL;
  text_of(&text, &f->page);
  bool all = true;
  for (const char *w = query; *w && all; w += strspn(w, " ")) {
    size_t n = strcspn(w, " ");
    int64_t k = n ? times(buf_cstr(&text), w, n, &first) : 0;
    if (n) f->score += (k > 20 ? 20 : k) + 100 * times(f->page.slug, w, n, NULL);
    all = !n || k || times(f->page.slug, w, n, NULL);
    w += n;
  }
  if (snippet) f->snippet = line_at(text.p, first ? first : text.p);
  buf_free(&text);
  return all;
}

static int better(const void *a, const void *b) {
  const Found *x = a, *y = b;
  return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : strcmp(x->page.slug, y->page.slug);
}

static Val shown(const Found *f) {
  ValVec m = {0};
  Val tag = str_c(f->page.family ? f->page.family : f->page.category);
  api_put_text(&m, "slug", f->page.slug);
  api_put_text(&m, "title", f->page.title);
  api_put_text(&m, "source", "reference");
  api_put_text(&m, "category", f->page.category);
  api_put(&m, "tags", vec_from(&tag, 1));
  api_put(&m, "score", int_val(f->score));
  api_put(&m, "snippet", f->snippet);
  return api_map(&m);
}

static bool pages(ApiCall *c) {
  enum { MOST = 128 };
  Found found[MOST];
  size_t n = 0;
  const char *query = api_text(c, "query") ? api_text(c, "query") : api_text(c, "q") ? api_text(c, "q") : "", *source = api_text(c, "source");
  bool snippet = api_flag(c, "with-snippets"), ours = !source || !strcmp(source, "reference") || !strcmp(source, "all");
  for (size_t i = 0; ours && n < MOST && page_at(i, &found[n].page); i++) {
    found[n].score = 0;
    found[n].snippet = NIL;
    n += scored(&found[n], query, snippet);
  }
  qsort(found, n, sizeof *found, better);
  size_t from = (size_t)api_int(c, "offset", 0), limit = (size_t)api_int(c, "limit", 25);
  ValVec items = {0}, data = {0}, meta = {0}, m = {0};
  for (size_t i = from; i < n && i < from + limit; i++) vv_push(&items, shown(&found[i]));
  vv_push(&data, kw_c("pages"));
  vv_push(&data, vec_from(items.a, items.n));
  api_put(&meta, "total", int_val((int64_t)n));
  api_put(&meta, "limit", int_val((int64_t)limit));
  api_put(&meta, "offset", int_val((int64_t)from));
  api_put(&m, "data", api_map(&data));
  api_put(&m, "meta", api_map(&meta));
  return api_ok(c, api_map(&m));
}

/* --- one page ------------------------------------------------------------------------------------------------------------------------------ */
static void escaped(Buf *b, const Buf *text) {
  for (size_t i = 0; i < text->n; i++) {
    char ch = text->p[i];
    if (ch == '<' || ch == '>' || ch == '&') buf_c(b, ch == '<' ? "&lt;" : ch == '>' ? "&gt;" : "&amp;");
    else buf_add(b, &ch, 1);
  }
}

static void html_of(Buf *b, const Page *p, const Buf *text) {
  buf_fmt(b, "<!doctype html><meta charset=\"utf-8\"><title>%s</title><pre>", p->title);
  escaped(b, text);
  buf_c(b, "</pre>\n");
}

static bool page_json(ApiCall *c, const Page *p, const Buf *text, const Buf *html) {
  ValVec page = {0}, data = {0}, m = {0};
  api_put_text(&page, "slug", p->slug);
  api_put_text(&page, "title", p->title);
  api_put(&page, "markdown", str_new(text->p, text->n));
  api_put(&page, "html", str_new(html->p, html->n));
  api_put(&data, "page", api_map(&page));
  api_put(&m, "data", api_map(&data));
  return api_ok(c, api_map(&m));
}

static bool page(ApiCall *c) {
  Page p;
  Buf text = {0}, html = {0};
  const char *format = api_text(c, "format");
  if (!page_of(api_path(c, "slug"), &p)) return api_fail(c, 404, "not_found", "there is no page %.80s; GET /api/docs/pages lists them", api_path(c, "slug"));
  text_of(&text, &p);
  html_of(&html, &p, &text);
  bool ok = !format || !strcmp(format, "json") ? page_json(c, &p, &text, &html)
            : !strcmp(format, "html")          ? api_raw(c, "text/html; charset=utf-8", html.p, html.n)
                                               : api_raw(c, "text/markdown; charset=utf-8", text.p, text.n);
  buf_free(&text);
  buf_free(&html);
  return ok;
}

const ApiRoute api_docs_routes[] = {
    {"GET",
     "docs/pages",
     0,
     {"docs.pages",
      NULL,
      false,
      "The pages of the reference, best first.",
      pages,
      {{"query", API_TEXT, false, 0, 400, NULL, "words that must be there"},
       {"q", API_TEXT, false, 0, 400, NULL, "the same"},
       {"source", API_TEXT, false, 0, 80, NULL, "reference or all: there are no others"},
       {"with-snippets", API_BOOL, false, 0, 0, NULL, "with a line of each"},
       {"limit", API_INT, false, 1, 500, NULL, "how many at once"},
       {"offset", API_INT, false, 0, 10000, NULL, "how many to leave out first"}}}},
    {"GET",
     "docs/pages/{slug}",
     ROUTE_OWN,
     {"docs.page", NULL, false, "One page of the reference.", page, {{"format", API_TEXT, false, 0, 0, "markdown|html|json", "json is the default"}}}},
    {0},
};
