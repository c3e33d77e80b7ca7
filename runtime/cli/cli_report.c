/* cli_report.c - see cli_report.h. Text and TAP are written as they come, JUnit and JSON at the end. */
#include "cli_report.h"
#include "cli.h"
#include "runtime/base/duration.h"
#include "runtime/base/json.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

const char *const report_formats[REPORT_FORMATS + 1] = {"text", "tap", "junit", "json", NULL};

typedef struct Row { char *name, *text, *note; enum ReportVerdict verdict; int64_t us, virtual_ms; } Row;
typedef struct File { char *path, *invalid; Row *rows; size_t n, cap; } File;
struct Report {
  enum ReportFormat format;
  bool colour;
  File *files;
  size_t n, cap;
  int count[4], invalid, number;
  int64_t us;
  time_t began;
};

static char *copy(const char *s) {
  char *d = strdup(s ? s : "");
  if (!d) abort();
  return d;
}

static void *grown(void *a, size_t n, size_t *cap, size_t size) {
  if (n < *cap) return a;
  *cap = *cap ? 2 * *cap : 16;
  void *p = realloc(a, *cap * size);
  if (!p) abort();
  return p;
}

static void put(Buf *b) {
  if (b->n) cli_out(b->p, b->n);
  cli_out_flush();
  buf_free(b);
}

/* Every line of s with `before` in front. */
static void lines(Buf *b, const char *before, const char *s) {
  while (*s) {
    size_t n = strcspn(s, "\n");
    buf_c(b, before);
    buf_add(b, s, n);
    buf_ch(b, '\n');
    s += n + (s[n] != 0);
  }
}

/* --- text ------------------------------------------------------------------------------------------------------------------- */
static const char *const words[] = {"ok  ", "FAIL", "skip", "DIED"};
static const char *const colours[] = {"\033[32m", "\033[31m", "\033[33m", "\033[31m"};

static void took(Buf *b, int64_t us) {
  if (us < 10000) buf_fmt(b, "%lld.%lldms", (long long)(us / 1000), (long long)(us % 1000 / 100));
  else duration_print(b, us / 1000);
}

static void text_case(const Report *r, const Row *c) {
  Buf b = {0};
  buf_fmt(&b, "  %s%s%s  %s  ", r->colour ? colours[c->verdict] : "", words[c->verdict], r->colour ? "\033[0m" : "", c->name);
  if (r->colour) buf_c(&b, "\033[2m");
  if (c->verdict == REPORT_SKIPPED) {
    buf_c(&b, c->text);
  } else {
    took(&b, c->us);
    if (c->virtual_ms) {
      buf_c(&b, " for ");
      duration_print(&b, c->virtual_ms);
    }
  }
  if (r->colour) buf_c(&b, "\033[0m");
  buf_ch(&b, '\n');
  if (c->verdict == REPORT_FAILED || c->verdict == REPORT_BROKEN) lines(&b, "        ", c->text);
  lines(&b, "        ", c->note);
  put(&b);
}

static void counted(Buf *b, int n, const char *what, bool always) {
  if (n || always) buf_fmt(b, "%s%d %s", b->n ? ", " : "", n, what);
}

static void text_end(const Report *r) {
  Buf b = {0};
  counted(&b, r->count[REPORT_PASSED], "passed", true);
  counted(&b, r->count[REPORT_FAILED] + r->count[REPORT_BROKEN], "failed", true);
  counted(&b, r->count[REPORT_SKIPPED], "skipped", false);
  counted(&b, r->invalid, r->invalid == 1 ? "invalid file" : "invalid files", false);
  buf_c(&b, " in ");
  took(&b, r->us);
  buf_ch(&b, '\n');
  put(&b);
}

/* --- TAP -------------------------------------------------------------------------------------------------------------------- */
/* A description may not hold a bare #: it would begin a directive. */
static void tap_text(Buf *b, const char *s) {
  for (; *s; s++) {
    if (*s == '#' || *s == '\\') buf_ch(b, '\\');
    buf_ch(b, *s == '\n' ? ' ' : *s);
  }
}

static void tap_line(Report *r, const File *f, const char *name, bool ok, Buf *b) {
  buf_fmt(b, "%s %d - ", ok ? "ok" : "not ok", ++r->number);
  tap_text(b, f->path);
  buf_c(b, ": ");
  tap_text(b, name);
}

static void tap_details(Buf *b, const char *severity, const char *text, int64_t us, int64_t virtual_ms) {
  buf_fmt(b, "  ---\n  severity: %s\n  duration_ms: %lld.%03lld\n  virtual_ms: %lld\n  message: |\n", severity, (long long)(us / 1000),
          (long long)(us % 1000), (long long)virtual_ms);
  lines(b, "    ", text);
  buf_c(b, "  ...\n");
}

static void tap_case(Report *r, const File *f, const Row *c) {
  Buf b = {0};
  bool bad = c->verdict == REPORT_FAILED || c->verdict == REPORT_BROKEN;
  tap_line(r, f, c->name, !bad, &b);
  if (c->verdict == REPORT_SKIPPED) {
    buf_c(&b, " # SKIP ");
    tap_text(&b, c->text);
  }
  buf_ch(&b, '\n');
  if (bad) tap_details(&b, c->verdict == REPORT_BROKEN ? "error" : "fail", c->text, c->us, c->virtual_ms);
  put(&b);
}

/* --- JUnit ------------------------------------------------------------------------------------------------------------------ */
static void xml(Buf *b, const char *s) {
  for (; *s; s++) {
    unsigned char ch = (unsigned char)*s;
    if (ch == '&') buf_c(b, "&amp;");
    else if (ch == '<') buf_c(b, "&lt;");
    else if (ch == '>') buf_c(b, "&gt;");
    else if (ch == '"') buf_c(b, "&quot;");
    else if (ch == '\n') buf_c(b, "&#10;");
    else if (ch >= 0x20 || ch == '\t') buf_ch(b, *s);
    else buf_fmt(b, "\\x%02x", ch); /* not allowed in XML 1.0 in any form */
  }
}

static void xml_attr(Buf *b, const char *name, const char *value) {
  buf_fmt(b, " %s=\"", name);
  xml(b, value);
  buf_ch(b, '"');
}

static void seconds(Buf *b, int64_t us) { buf_fmt(b, " time=\"%lld.%06lld\"", (long long)(us / 1000000), (long long)(us % 1000000)); }

static void junit_problem(Buf *b, const char *tag, const char *type, const char *text) {
  size_t n = strcspn(text, "\n");
  char *first = copy(text);
  first[n] = 0;
  buf_fmt(b, "\n      <%s", tag);
  xml_attr(b, "message", first);
  if (type) xml_attr(b, "type", type);
  buf_ch(b, '>');
  for (const char *p = text; *p; p++) {
    char one[2] = {*p, 0};
    if (*p == '\n') buf_ch(b, '\n');
    else xml(b, one);
  }
  buf_fmt(b, "</%s>\n    ", tag);
  free(first);
}

static void junit_case(Buf *b, const File *f, const Row *c) {
  buf_c(b, "    <testcase");
  xml_attr(b, "classname", f->path);
  xml_attr(b, "name", c->name);
  seconds(b, c->us);
  buf_ch(b, '>');
  if (c->verdict == REPORT_FAILED) junit_problem(b, "failure", "expectation", c->text);
  if (c->verdict == REPORT_BROKEN) junit_problem(b, "error", "process", c->text);
  if (c->verdict == REPORT_SKIPPED) junit_problem(b, "skipped", NULL, c->text);
  buf_c(b, "</testcase>\n");
}

static void junit_counts(Buf *b, size_t tests, int failures, int errors, int skipped, int64_t us) {
  buf_fmt(b, " tests=\"%zu\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"", tests, failures, errors, skipped);
  seconds(b, us);
}

static void junit_file(const Report *r, Buf *b, const File *f) {
  int n[4] = {0};
  int64_t us = 0;
  char at[32], host[128] = "localhost";
  for (size_t i = 0; i < f->n; i++) n[f->rows[i].verdict]++, us += f->rows[i].us;
  strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S", gmtime(&r->began));
  gethostname(host, sizeof host - 1);
  buf_c(b, "  <testsuite");
  xml_attr(b, "name", f->path);
  junit_counts(b, f->n + (f->invalid != NULL), n[REPORT_FAILED], n[REPORT_BROKEN] + (f->invalid != NULL), n[REPORT_SKIPPED], us);
  xml_attr(b, "timestamp", at);
  xml_attr(b, "hostname", host);
  buf_c(b, ">\n");
  if (f->invalid) {
    buf_c(b, "    <testcase");
    xml_attr(b, "classname", f->path);
    xml_attr(b, "name", "the file is valid");
    buf_c(b, " time=\"0\">");
    junit_problem(b, "error", "invalid", f->invalid);
    buf_c(b, "</testcase>\n");
  }
  for (size_t i = 0; i < f->n; i++) junit_case(b, f, &f->rows[i]);
  buf_c(b, "  </testsuite>\n");
}

static void junit_end(const Report *r) {
  Buf b = {0};
  size_t tests = (size_t)(r->count[0] + r->count[1] + r->count[2] + r->count[3] + r->invalid);
  buf_c(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"breyta-run test\"");
  junit_counts(&b, tests, r->count[REPORT_FAILED], r->count[REPORT_BROKEN] + r->invalid, r->count[REPORT_SKIPPED], r->us);
  buf_c(&b, ">\n");
  for (size_t i = 0; i < r->n; i++) junit_file(r, &b, &r->files[i]);
  buf_c(&b, "</testsuites>\n");
  put(&b);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------- */
static void json_field(Buf *b, const char *name, const char *value) {
  buf_fmt(b, "\"%s\":", name);
  json_text(b, value, strlen(value));
}

static void json_case(Buf *b, const Row *c) {
  static const char *const names[] = {"passed", "failed", "skipped", "died"};
  buf_ch(b, '{');
  json_field(b, "name", c->name);
  buf_fmt(b, ",\"verdict\":\"%s\",\"ms\":%lld.%03lld,\"virtualMs\":%lld", names[c->verdict], (long long)(c->us / 1000),
          (long long)(c->us % 1000), (long long)c->virtual_ms);
  if (*c->text) {
    buf_ch(b, ',');
    json_field(b, "text", c->text);
  }
  if (*c->note) {
    buf_ch(b, ',');
    json_field(b, "note", c->note);
  }
  buf_ch(b, '}');
}

static void json_end(const Report *r) {
  Buf b = {0};
  buf_fmt(&b, "{\"passed\":%d,\"failed\":%d,\"skipped\":%d,\"died\":%d,\"invalid\":%d,\"files\":[", r->count[REPORT_PASSED],
          r->count[REPORT_FAILED], r->count[REPORT_SKIPPED], r->count[REPORT_BROKEN], r->invalid);
  for (size_t i = 0; i < r->n; i++) {
    const File *f = &r->files[i];
    buf_c(&b, i ? ",\n {" : "\n {");
    json_field(&b, "file", f->path);
    if (f->invalid) {
      buf_ch(&b, ',');
      json_field(&b, "invalid", f->invalid);
    }
    buf_c(&b, ",\"cases\":[");
    for (size_t k = 0; k < f->n; k++) {
      buf_c(&b, k ? ",\n  " : "\n  ");
      json_case(&b, &f->rows[k]);
    }
    buf_c(&b, "]}");
  }
  buf_c(&b, "]}\n");
  put(&b);
}

/* --- all -------------------------------------------------------------------------------------------------------------------- */
Report *report_new(enum ReportFormat format, bool colour) {
  Report *r = calloc(1, sizeof *r);
  if (!r) abort();
  r->format = format;
  r->colour = colour;
  r->began = time(NULL);
  r->us = mono_us();
  if (format == REPORT_TAP) cli_out("TAP version 13\n", 15);
  return r;
}

void report_file(Report *r, const char *path) {
  r->files = grown(r->files, r->n, &r->cap, sizeof *r->files);
  r->files[r->n++] = (File){.path = copy(path)};
  Buf b = {0};
  if (r->format == REPORT_TEXT) buf_fmt(&b, "%s\n", path);
  put(&b);
}

void report_case(Report *r, const ReportCase *c) {
  File *f = &r->files[r->n - 1];
  f->rows = grown(f->rows, f->n, &f->cap, sizeof *f->rows);
  Row *row = &f->rows[f->n++];
  *row = (Row){copy(c->name), copy(c->text), copy(c->note), c->verdict, c->us, c->virtual_ms};
  r->count[c->verdict]++;
  if (r->format == REPORT_TEXT) text_case(r, row);
  else if (r->format == REPORT_TAP) tap_case(r, f, row);
}

void report_invalid(Report *r, const char *text) {
  File *f = &r->files[r->n - 1];
  Buf b = {0};
  f->invalid = copy(text);
  r->invalid++;
  if (r->format == REPORT_TEXT)
    buf_fmt(&b, "  %sinvalid%s: no case of it was run\n", r->colour ? colours[1] : "", r->colour ? "\033[0m" : "");
  if (r->format == REPORT_TAP) {
    tap_line(r, f, "the file is valid", false, &b);
    buf_ch(&b, '\n');
    tap_details(&b, "error", text, 0, 0);
  }
  put(&b);
}

int report_failures(const Report *r) { return r->count[REPORT_FAILED] + r->count[REPORT_BROKEN]; }

int report_cases(const Report *r) { return report_failures(r) + r->count[REPORT_PASSED] + r->count[REPORT_SKIPPED]; }

int report_end(Report *r) {
  r->us = mono_us() - r->us;
  if (r->format == REPORT_TEXT) text_end(r);
  else if (r->format == REPORT_JUNIT) junit_end(r);
  else if (r->format == REPORT_JSON) json_end(r);
  else {
    Buf b = {0};
    buf_fmt(&b, "1..%d\n", r->number);
    put(&b);
  }
  int status = r->invalid ? EXIT_USAGE : report_failures(r) ? EXIT_FAILED : EXIT_OK;
  for (size_t i = 0; i < r->n; i++) {
    File *f = &r->files[i];
    for (size_t k = 0; k < f->n; k++) free(f->rows[k].name), free(f->rows[k].text), free(f->rows[k].note);
    free(f->rows);
    free(f->path);
    free(f->invalid);
  }
  free(r->files);
  free(r);
  return status;
}
