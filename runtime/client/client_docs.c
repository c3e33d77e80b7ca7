/* client_docs.c - see client_docs.h */
#include "client_docs.h"
#include "runtime/cli/cli.h"
#include "client_file.h"
#include "client_flows.h"
#include "reader/num.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* raw: the page's text, in a->text. */
static bool get(ClientRun *r, const char *path, Val query, bool raw, ClientAnswer *a) {
  Client *c = client_of(r);
  *a = (ClientAnswer){.body = NIL};
  return c && client_rest(c, &(ClientRequest){.method = "GET", .path = path, .query = query, .body = ABSENT, .raw = raw,
                                              .timeout_ms = 1000 * client_int(r, "timeout-seconds", 30)}, a);
}

static bool page(ClientRun *r, const char *slug, const char *format, ClientAnswer *a) {
  Buf path = {0};
  buf_c(&path, "api/docs/pages");
  client_segment(&path, slug);
  bool ok = get(r, buf_cstr(&path), client_put_text(NIL, "format", format), strcmp(format, "json") != 0, a);
  buf_free(&path);
  return ok;
}

static bool format_is(const ClientRun *r, const char *name) { return !strcmp(client_text(r, "format"), name); }

static int print(Buf *b) {
  cli_out(b->n ? b->p : "", b->n);
  cli_out_flush();
  buf_free(b);
  return EXIT_OK;
}

/* --- lines of cells, with tabs between them --------------------------------------------------------------------------------------------- */
static void line(Buf *b, Val row, const char *const *keys) {
  for (int i = 0; keys[i]; i++) {
    const char *s = client_text_at(row, keys[i]);
    if (i) buf_ch(b, '\t');
    for (; s && *s; s++) buf_ch(b, strchr("\t\r\n", *s) ? ' ' : *s);
  }
  buf_ch(b, '\n');
}

static int print_lines(const ClientRun *r, Val rows, const char *const *keys) {
  Buf b = {0};
  for (int i = 0; keys[i] && !client_flag(r, "no-header"); i++) buf_fmt(&b, "%s%s", keys[i], keys[i + 1] ? "\t" : "\n");
  for (uint32_t i = 0; is_vec(rows) && i < vec_count(rows); i++) line(&b, vec_nth(rows, i), keys);
  return print(&b);
}

int client_docs_find(ClientRun *r) {
  static const char *const keys[] = {"slug", "title", "source", "snippet", NULL};
  ClientAnswer a;
  if (!get(r, "api/docs/pages", r->args, false, &a) || format_is(r, "json")) return client_finish(r, &a);
  int status = print_lines(r, client_at(a.body, "data.data.pages"), keys);
  client_answer_free(&a);
  return status;
}

/* --- Markdown --------------------------------------------------------------------------------------------------------------------------- */
/* The next line of a text: where it begins and how long it is. */
typedef struct Line {
  const char *s;
  size_t n;
  int level; /* of a heading; 0: it is none */
} Line;

typedef struct Lines {
  const char *at, *end;
  bool fenced; /* between ``` and ``` */
} Lines;

static bool next_line(Lines *t, Line *l) {
  if (t->at >= t->end) return false;
  const char *nl = memchr(t->at, '\n', (size_t)(t->end - t->at));
  *l = (Line){t->at, (size_t)((nl ? nl : t->end) - t->at), 0};
  t->at += l->n + (nl != NULL);
  if (l->n >= 3 && !memcmp(l->s, "```", 3)) t->fenced = !t->fenced;
  while (!t->fenced && (size_t)l->level < l->n && l->s[l->level] == '#') l->level++;
  return true;
}

static Val heading(const Line *l) {
  const char *s = l->s + l->level;
  size_t n = l->n - (size_t)l->level;
  for (; n && *s == ' '; n--) s++;
  return str_new(s, n);
}

/* What stands below the first heading that has these words, with it. false: there is no such heading. */
static bool section(const char *s, size_t n, const char *words, Buf *out) {
  Lines t = {s, s + n, false};
  Line l;
  int level = 0;
  while (next_line(&t, &l)) {
    if (level && l.level && l.level <= level) break;
    if (!level && l.level && strcasestr(str_s(heading(&l)), words)) level = l.level;
    if (level) buf_add(out, l.s, l.n), buf_ch(out, '\n');
  }
  return level;
}

/* The page's Markdown, or what --section leaves of it. false: told and printed. */
static bool page_text(ClientRun *r, const char *slug, Buf *out) {
  ClientAnswer a;
  const char *words = client_text(r, "section");
  if (!page(r, slug, "markdown", &a)) return client_finish(r, &a), false;
  bool there = !words || section(a.text.n ? a.text.p : "", a.text.n, words, out);
  if (!words) buf_add(out, a.text.n ? a.text.p : "", a.text.n);
  client_answer_free(&a);
  if (!there) client_fail(r, "not_found", "the page %.80s has no heading with \"%.80s\"", slug, words);
  return there;
}

static void cut(Buf *b, int64_t max) {
  const char *p = buf_cstr(b), *end = p + b->n;
  for (int64_t n = 0; p < end && n < max; n++) utf8_next(&p);
  if (p == end) return;
  b->n = (size_t)(p - b->p);
  buf_ch(b, '\n');
  client_say("cut after %lld characters; --full prints all, --section a part", (long long)max);
}

int client_docs_show(ClientRun *r) {
  ClientAnswer a;
  Buf b = {0};
  const char *slug = client_text(r, "<slug>");
  if (!format_is(r, "markdown")) {
    if (client_given(r, "section")) return client_usage(r, "--section needs --format markdown");
    if (!page(r, slug, client_text(r, "format"), &a) || format_is(r, "json")) return client_finish(r, &a);
    buf_add(&b, a.text.n ? a.text.p : "", a.text.n);
    client_answer_free(&a);
  } else if (!page_text(r, slug, &b))
    return EXIT_FAILED;
  if (!client_flag(r, "full")) cut(&b, client_int(r, "max-chars", 12000));
  return print(&b);
}

/* --- the tables of a page --------------------------------------------------------------------------------------------------------------- */
/* "| `:name` | value | required | meaning |": its cells, without marks; 0: the line is no such row. */
static int cells(const Line *l, Val *out, int max) {
  int n = 0;
  if (l->n < 5 || memcmp(l->s, "| `", 3) != 0) return 0;
  for (const char *p = l->s + 1, *end = l->s + l->n; p < end && n < max; p++) {
    Buf b = {0};
    for (; p < end && *p != '|'; p++) {
      if (*p == '\\' && p + 1 < end && p[1] == '|') p++;
      if (*p != '`' && (b.n || *p != ' ')) buf_ch(&b, *p);
    }
    while (b.n && b.p[b.n - 1] == ' ') b.n--;
    out[n++] = buf_str(&b);
    buf_free(&b);
  }
  return n;
}

static bool chosen(const ClientRun *r, const char *field) {
  ClientGiven g = client_list(r, "[field...]");
  for (int i = 0; i < g.n; i++)
    if (!strcmp(g.a[i] + (*g.a[i] == ':'), field + (*field == ':'))) return true;
  return !g.n;
}

static Val rows_of(const ClientRun *r, const Buf *text) {
  Lines t = {text->p, text->p + text->n, false};
  Line l;
  Val all = vec_empty, title = str_c("");
  while (next_line(&t, &l)) {
    Val c[4];
    int n = cells(&l, c, 4);
    if (l.level) title = heading(&l);
    if (n < 3 || !chosen(r, str_s(c[0]))) continue;
    Val row = client_put(client_put(client_put(NIL, "section", title), "field", c[0]), "value", c[1]);
    all = vec_conj(all, client_put(client_put(row, "required", n == 4 ? c[2] : str_c("")), "meaning", c[n - 1]));
  }
  return all;
}

int client_docs_fields(ClientRun *r) {
  static const char *const keys[] = {"section", "field", "value", "required", "meaning", NULL};
  const char *given = client_text(r, "<step-type-or-doc-slug>");
  Buf slug = {0}, text = {0};
  buf_fmt(&slug, "%s%s", strncmp(given, "reference-", 10) ? "reference-step-" : "", given + (*given == ':'));
  if (!page_text(r, buf_cstr(&slug), &text)) return EXIT_FAILED;
  Val rows = text.n ? rows_of(r, &text) : vec_empty;
  buf_free(&text);
  if (!vec_count(rows)) return client_fail(r, "not_found", "the page %s has no such field; `breyta docs show %s` prints it", slug.p, slug.p);
  return format_is(r, "json") ? client_done(r, client_put(client_put_text(NIL, "slug", slug.p), "items", rows)) : print_lines(r, rows, keys);
}

/* --- all pages as files ------------------------------------------------------------------------------------------------------------------- */
static bool file_name(const char *slug, Buf *path, const char *out) {
  path->n = 0;
  buf_fmt(path, "%s/%s.md", out, slug);
  return *slug && *slug != '.' && !strchr(slug, '/');
}

static bool is_page(Val slugs, const char *file) {
  for (uint32_t i = 0; i < vec_count(slugs); i++) {
    const char *s = str_s(vec_nth(slugs, i));
    size_t n = strlen(s);
    if (!strncmp(s, file, n) && !strcmp(file + n, ".md")) return true;
  }
  return false;
}

/* Other .md files in the folder are of pages that are gone. */
static int64_t clean(const char *out, Val slugs) {
  DIR *d = opendir(out);
  int64_t gone = 0;
  for (struct dirent *f; d && (f = readdir(d));) {
    size_t n = strlen(f->d_name);
    if (n > 3 && !strcmp(f->d_name + n - 3, ".md") && !is_page(slugs, f->d_name)) gone += !unlinkat(dirfd(d), f->d_name, 0);
  }
  if (d) closedir(d);
  return gone;
}

static bool page_file(ClientRun *r, const char *out, const char *slug) {
  ClientAnswer a;
  Buf path = {0};
  if (!file_name(slug, &path, out)) return client_fail(r, "invalid_answer", "a page is called %.80s: that is no name for a file", slug), false;
  if (!page(r, slug, "markdown", &a)) return client_finish(r, &a), false;
  bool ok = client_file_write(r, buf_cstr(&path), a.text.n ? a.text.p : "", a.text.n);
  client_answer_free(&a);
  buf_free(&path);
  return ok;
}

int client_docs_sync(ClientRun *r) {
  ClientAnswer a;
  const char *out = client_text(r, "out");
  Val slugs = vec_empty;
  if (!get(r, "api/docs/pages", client_put(NIL, "limit", fix(500)), false, &a)) return client_finish(r, &a);
  Val pages = client_at(a.body, "data.data.pages");
  for (uint32_t i = 0; is_vec(pages) && i < vec_count(pages); i++) {
    const char *slug = client_text_at(vec_nth(pages, i), "slug");
    if (slug) slugs = vec_conj(slugs, str_c(slug));
  }
  client_answer_free(&a);
  for (uint32_t i = 0; i < vec_count(slugs); i++)
    if (!page_file(r, out, str_s(vec_nth(slugs, i)))) return EXIT_FAILED;
  Val data = client_put(client_put_text(NIL, "out", out), "pages", slugs);
  return client_done(r, client_flag(r, "clean") ? client_put(data, "removed", int_val(clean(out, slugs))) : data);
}
