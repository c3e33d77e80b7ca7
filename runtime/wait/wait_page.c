/* wait_page.c - see wait_page.h. */
#include "wait_page.h"
#include "reader/map.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/vec.h"
#include "runtime/base/json.h"
#include <math.h>
#include <string.h>

void wait_page_escape(Buf *b, const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const char *rep = s[i] == '&' ? "&amp;" : s[i] == '<' ? "&lt;" : s[i] == '>' ? "&gt;" : s[i] == '"' ? "&quot;" : s[i] == '\'' ? "&#39;" : NULL;
    if (rep) buf_c(b, rep);
    else if ((unsigned char)s[i] >= ' ' || s[i] == '\n' || s[i] == '\t') buf_ch(b, s[i]);
  }
}

static void escaped(Buf *b, const char *s) { wait_page_escape(b, s, strlen(s)); }

static void text_of(Buf *b, Val v) {
  Buf t = {0};
  if (is_str(v)) buf_add(&t, str_s(v), str_n(v));
  else if (is_kw(v)) buf_c(&t, kw_text(v));
  else if (is_sig(print_to(&t, v, &print_readably))) t.n = 0;
  wait_page_escape(b, t.n ? t.p : "", t.n);
  buf_free(&t);
}

static void head_onward(Buf *b, const char *title, const char *url) {
  buf_c(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>");
  escaped(b, title);
  buf_c(b, "</title>\n");
  if (url) {
    buf_c(b, "<meta http-equiv=\"refresh\" content=\"0;url=");
    escaped(b, url);
    buf_c(b, "\">\n");
  }
  buf_c(b, "<style>body{font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;padding:0 1em}label{display:block;margin:1em 0}"
           "input,select,textarea{display:block;width:100%;font:inherit;box-sizing:border-box}input[type=checkbox]{display:inline;width:auto}"
           "button{font:inherit;padding:.5em 2em}.problem{border-left:4px solid #b00;padding-left:1em}dt{color:#555}</style></head>\n<body><h1>");
  escaped(b, title);
  buf_c(b, "</h1>\n");
}

static void head(Buf *b, const char *title) { head_onward(b, title, NULL); }
static void foot(Buf *b) { buf_c(b, "</body></html>\n"); }

void wait_page_note(Buf *b, const char *title, const char *text) {
  head(b, title);
  buf_c(b, "<p>");
  escaped(b, text);
  buf_c(b, "</p>\n");
  foot(b);
}

void wait_page_onward(Buf *b, const char *title, const char *link, const char *url) {
  head_onward(b, title, url);
  buf_c(b, "<p><a href=\"");
  escaped(b, url);
  buf_c(b, "\">");
  escaped(b, link);
  buf_c(b, "</a></p>\n");
  foot(b);
}

/* ---- fields ---- */

static const char *field_type(Val f) {
  Val t = map_get_kw(f, "field-type");
  return is_kw(t) ? kw_text(t) : is_str(t) ? str_s(t) : "string";
}

static void attribute(Buf *b, const char *name, Val v) {
  buf_fmt(b, " %s=\"", name);
  text_of(b, v);
  buf_ch(b, '"');
}

static void select_options(Buf *b, Val f) {
  Val options = map_get_kw(f, "options"), chosen = map_get_kw(f, "default");
  for (uint32_t i = 0; is_vec(options) && i < vec_count(options); i++) {
    Val o = vec_nth(options, i), value = is_map(o) ? map_get_kw(o, "value") : o, label = is_map(o) ? map_get_kw(o, "label") : o;
    buf_c(b, "<option");
    attribute(b, "value", value);
    buf_c(b, same(value, chosen) || same(val_eq(value, chosen), TRUE_V) ? " selected>" : ">");
    text_of(b, is_nil(label) ? value : label);
    buf_c(b, "</option>");
  }
}

static void control(Buf *b, Val f) {
  const char *type = field_type(f);
  Val dflt = map_get_kw(f, "default");
  bool area = !strcmp(type, "text") || !strcmp(type, "textarea"), select = !strcmp(type, "select"), box = !strcmp(type, "boolean");
  buf_fmt(b, "<%s", area ? "textarea rows=\"4\"" : select ? "select" : "input");
  attribute(b, "name", map_get_kw(f, "key"));
  if (!area && !select) buf_fmt(b, " type=\"%s\"", box ? "checkbox" : !strcmp(type, "number") || !strcmp(type, "date") || !strcmp(type, "email") || !strcmp(type, "password") ? type : "text");
  if (!strcmp(type, "number")) buf_c(b, " step=\"any\"");
  if (box) buf_c(b, truthy(dflt) ? " value=\"true\" checked" : " value=\"true\"");
  else if (!area && !select && !is_nil(dflt)) attribute(b, "value", dflt);
  if (truthy(map_get_kw(f, "required")) && !box) buf_c(b, " required");
  buf_ch(b, '>');
  if (area && !is_nil(dflt)) text_of(b, dflt);
  if (select) select_options(b, f);
  if (area || select) buf_c(b, area ? "</textarea>" : "</select>");
}

static void field(Buf *b, Val f) {
  Val label = map_get_kw(f, "label");
  buf_c(b, "<label>");
  text_of(b, is_nil(label) ? map_get_kw(f, "key") : label);
  buf_ch(b, ' ');
  control(b, f);
  buf_c(b, "</label>\n");
}

static void fact(Buf *b, const char *name, Val v) {
  if (is_nil(v)) return;
  buf_fmt(b, "<dt>%s</dt><dd>", name);
  text_of(b, v);
  buf_c(b, "</dd>\n");
}

void wait_page_form(Buf *b, Val spec, const char *button, const char *problem) {
  Val fields = map_get_kw(spec, "fields"), title = map_get_kw(spec, "title"), summary = map_get_kw(spec, "summary");
  head(b, is_str(title) ? str_s(title) : button);
  if (problem) {
    buf_c(b, "<p class=\"problem\">");
    escaped(b, problem);
    buf_c(b, "</p>\n");
  }
  if (is_str(summary)) {
    buf_c(b, "<p>");
    text_of(b, summary);
    buf_c(b, "</p>\n");
  }
  buf_c(b, "<dl>\n");
  fact(b, "Flow", map_get_kw(spec, "flow"));
  fact(b, "Run", map_get_kw(spec, "run-id"));
  buf_c(b, "</dl>\n<form method=\"post\">\n");
  for (uint32_t i = 0; is_vec(fields) && i < vec_count(fields); i++) field(b, vec_nth(fields, i));
  buf_fmt(b, "<button>%s</button>\n</form>\n", button);
  foot(b);
}

/* ---- what was posted ---- */

static bool one_of_options(Val f, Val text, Val *out) {
  Val options = map_get_kw(f, "options");
  for (uint32_t i = 0; is_vec(options) && i < vec_count(options); i++) {
    Val o = vec_nth(options, i), value = is_map(o) ? map_get_kw(o, "value") : o;
    Buf a = {0}, b = {0};
    text_of(&a, value);
    text_of(&b, text);
    bool hit = a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
    buf_free(&a);
    buf_free(&b);
    if (hit) return *out = value, true;
  }
  return false;
}

/* As browsers send numbers and people write them: 010 is ten, .5 a half. */
static bool number_of(Val text, Val *out) {
  const char *s = str_s(text);
  size_t n = str_n(text), i = s[0] == '-' || s[0] == '+';
  if (n > 40 || i == n || strspn(s + i, "0123456789.eE+-") != n - i) return false;
  Buf b = {0};
  buf_add(&b, s, i);
  while (s[i] == '0' && s[i + 1] >= '0' && s[i + 1] <= '9') i++;
  if (s[i] == '.' && s[i + 1] >= '0' && s[i + 1] <= '9') buf_ch(&b, '0');
  buf_add(&b, s + i, n - i);
  Val v = read_one(b.p, b.n, NULL, true);
  buf_free(&b);
  return !is_sig(v) && is_num(v) && isfinite(num_to_double(v)) && (*out = v, true);
}

static bool read_field(Val f, Val text, Val *out) {
  const char *type = field_type(f);
  *out = text;
  if (!strcmp(type, "number")) return number_of(text, out);
  if (!strcmp(type, "select")) return one_of_options(f, text, out);
  if (strcmp(type, "boolean")) return true;
  *out = bool_val(str_eq_c(text, "true") || str_eq_c(text, "on"));
  return true;
}

/* What the answer has a field under: the same that JSON with that name would give (json.h). */
static Val answer_key(Val key) { return is_str(key) && json_keyword_like(str_s(key), str_n(key)) ? kw_parse(str_s(key), str_n(key)) : key; }

/* Names that are not like keywords are texts in what was posted. */
static Val posted_as(Val form, Val key) {
  Val v = map_get(form, key, ABSENT);
  return !same(v, ABSENT) ? v : is_kw(key) ? map_get(form, str_c(kw_text(key)), NIL) : NIL;
}

bool wait_page_fields(Val fields, Val form, Val *out, Buf *problem) {
  *out = map_empty;
  for (uint32_t i = 0; is_vec(fields) && i < vec_count(fields); i++) {
    Val f = vec_nth(fields, i), key = map_get_kw(f, "key"), v;
    Val own = answer_key(key), text = posted_as(form, own);
    if (is_nil(text) && !strcmp(field_type(f), "boolean")) text = str_c("false"); /* an unticked box is not sent */
    if (!is_str(text) || !str_n(text)) continue;
    if (!read_field(f, text, &v)) {
      buf_c(problem, "The field ");
      buf_c(problem, is_str(own) ? str_s(own) : kw_text(own));
      buf_c(problem, !strcmp(field_type(f), "number") ? " must be a number." : " must be one of its choices.");
      return false;
    }
    *out = map_assoc(*out, own, v);
  }
  return true;
}
