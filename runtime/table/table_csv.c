#include "table_csv.h"
#include "runtime/base/json.h"
#include "table_int.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the format ---- */

Csv csv_open(const char *s, size_t n, char delimiter) {
  bool bom = n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3);
  return (Csv){.p = bom ? s + 3 : s, .end = s + n, .delimiter = delimiter, .line = 1};
}

static enum CsvField bad(Csv *c, const char *what) {
  c->problem = what;
  return CSV_BAD;
}

/* Behind a field: a delimiter, a line end, or the end. */
static enum CsvField field_end(Csv *c) {
  if (c->p == c->end) {
    c->done = true;
    return CSV_LAST;
  }
  if (*c->p == c->delimiter) return c->p++, CSV_FIELD;
  if (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n') c->p++;
  if (*c->p != '\n') return bad(c, "text behind a closing quote");
  c->p++;
  c->line++;
  c->done = c->p == c->end;
  return CSV_LAST;
}

static enum CsvField quoted_field(Csv *c, Buf *out) {
  int64_t from = c->line;
  for (c->p++; c->p < c->end; c->p++) {
    if (*c->p == '"') {
      if (c->p + 1 == c->end || c->p[1] != '"') return c->p++, field_end(c);
      c->p++;
    }
    c->line += *c->p == '\n';
    buf_ch(out, *c->p);
  }
  c->line = from;
  return bad(c, "a quoted field has no end");
}

static enum CsvField plain_or_quoted(Csv *c, Buf *out, bool *quoted) {
  *quoted = c->p < c->end && *c->p == '"';
  if (*quoted) return quoted_field(c, out);
  const char *from = c->p;
  while (c->p < c->end && *c->p != c->delimiter && *c->p != '\n' && !(*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n')) c->p++;
  buf_add(out, from, (size_t)(c->p - from));
  return field_end(c);
}

enum CsvField csv_next(Csv *c, Buf *out, bool *quoted) {
  out->n = 0;
  *quoted = false;
  if (c->problem) return CSV_BAD;
  if (c->done || (c->p == c->end && !c->inside)) return CSV_END;
  enum CsvField f = plain_or_quoted(c, out, quoted);
  c->inside = f == CSV_FIELD;
  return f;
}

void csv_put(Buf *b, const char *s, size_t n, char delimiter, bool always) {
  bool need = always || (n && !memcmp(s, "\xef", 1));
  for (size_t i = 0; i < n && !need; i++) need = s[i] == '"' || s[i] == delimiter || s[i] == '\n' || s[i] == '\r';
  if (need) buf_ch(b, '"');
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '"') buf_ch(b, '"');
    buf_ch(b, s[i]);
  }
  if (need) buf_ch(b, '"');
}

/* ---- import ---- */

/* A file is read through a window that holds a record whole: at each record's begin at least CSV_RECORD of it, or all that is left. */
enum { CSV_WINDOW = 4 << 20, CSV_RECORD = 1 << 20 };

typedef struct Import {
  Tc *t;
  Csv csv;
  int fd;       /* -1: none, all of it is there */
  bool at_end;  /* of the file */
  char *window;
  size_t window_n;
  bool infer;
  Val cols[TABLE_MAX_COLUMNS];
  int ncols;
  Writer w;
} Import;

static bool csv_fail(Import *x, const char *what) {
  return tc_fail(x->t, "validation", "CSV, line %lld: %s", (long long)x->csv.line, what);
}

static bool read_more(Import *x) {
  while (!x->at_end && x->window_n < CSV_WINDOW) {
    ssize_t n = read(x->fd, x->window + x->window_n, CSV_WINDOW - x->window_n);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tc_fail(x->t, "resource-io", "the CSV file cannot be read: %s", strerror(errno));
    x->window_n += (size_t)n;
    x->at_end = !n;
  }
  return true;
}

/* Before a record. */
static bool refill(Import *x) {
  size_t left = (size_t)(x->csv.end - x->csv.p);
  if (x->at_end || left >= CSV_RECORD) return true;
  memmove(x->window, x->csv.p, left);
  x->window_n = left;
  bool ok = read_more(x);
  x->csv.p = x->window;
  x->csv.end = x->window + x->window_n;
  x->csv.done = x->csv.done && x->csv.p == x->csv.end;
  return ok;
}

/* Behind one: what touches the window's end while the file goes on was cut. */
static bool whole(Import *x) {
  return x->at_end || x->csv.p < x->csv.end || csv_fail(x, "a record of over 1 MiB: is a closing quote missing?");
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool number_like(const char *s, size_t n) {
  const char *end = s + n, *p = s + (n && *s == '-');
  const char *digits = p;
  while (p < end && *p >= '0' && *p <= '9') p++;
  if (p == digits || (*digits == '0' && p - digits > 1)) return false;
  if (p < end && *p == '.') {
    const char *from = ++p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    if (p == from) return false;
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < end && (*p == '-' || *p == '+')) p++;
    const char *from = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    if (p == from) return false;
  }
  return p == end;
}

static Val infer(const Buf *b) {
  if (number_like(b->p, b->n)) {
    Val v = num_parse(b->p, b->n);
    if (!same(v, ABSENT) && !is_sig(v)) return v;
  }
  if (b->n == 4 && !memcmp(b->p, "true", 4)) return TRUE_V;
  if (b->n == 5 && !memcmp(b->p, "false", 5)) return FALSE_V;
  return str_new(b->p, b->n);
}

/* ABSENT: an empty field without quotes is no field, when kinds are inferred. */
static Val field_value(const Import *x, const Buf *b, bool quoted) {
  if (!x->infer || quoted) return str_new(b->p ? b->p : "", b->n);
  return b->n ? infer(b) : ABSENT;
}

static bool same_key(Val a, Val b) { return same(a, b) || (is_str(a) && is_str(b) && !str_cmp(a, b)); }

static bool header(Import *x) {
  Buf b = {0};
  bool quoted, ok = true;
  enum CsvField f = CSV_FIELD;
  while (ok && f == CSV_FIELD) {
    f = csv_next(&x->csv, &b, &quoted);
    if (f == CSV_BAD)
      ok = csv_fail(x, x->csv.problem);
    else if (f == CSV_END)
      ok = csv_fail(x, "there is no header row with the names of the columns");
    else if (x->ncols == TABLE_MAX_COLUMNS - 1)
      ok = tc_fail(x->t, "oversize", "CSV: more than %d columns", TABLE_MAX_COLUMNS - 1);
    else {
      Val key = meta_column_key(str_new(b.p ? b.p : "", b.n));
      if (same(key, ABSENT))
        ok = tc_fail(x->t, "validation", "CSV: column %d of the header has no name, or one over %d bytes", x->ncols + 1, TABLE_MAX_COLUMN);
      for (int i = 0; i < x->ncols && ok; i++)
        if (same_key(x->cols[i], key)) ok = tc_fail(x->t, "validation", "CSV: the header names column %s twice", tc_text(key));
      x->cols[x->ncols++] = key;
    }
  }
  buf_free(&b);
  return ok;
}

/* One record; *row ABSENT: an empty line. */
static bool record(Import *x, Buf *b, Val *row, bool *end) {
  Val m = map_empty;
  int n = 0;
  bool any = false;
  for (enum CsvField f = CSV_FIELD; f == CSV_FIELD; n++) {
    bool quoted;
    f = csv_next(&x->csv, b, &quoted);
    *end = f == CSV_END;
    if (*end) break;
    if (f == CSV_BAD) return whole(x) && csv_fail(x, x->csv.problem);
    any = any || b->n || quoted || f == CSV_FIELD;
    if (n == x->ncols) return csv_fail(x, "more fields than the header has names");
    Val v = field_value(x, b, quoted);
    if (!same(v, ABSENT)) m = map_assoc(m, x->cols[n], v);
  }
  *row = any ? m : ABSENT;
  return *end || whole(x);
}

static bool records(Import *x) {
  Buf b = {0};
  bool ok = true, end = false;
  while (ok) {
    Val row = ABSENT;
    ok = refill(x) && record(x, &b, &row, &end);
    if (end) break;
    if (ok && !same(row, ABSENT)) ok = writer_row(&x->w, row);
  }
  buf_free(&b);
  return ok;
}

/* An address has no line end; a header with one could have rows. */
bool table_csv_is_ref(Val v) { return is_map(v) || (is_str(v) && !strncmp(str_s(v), "res://", 6) && !strpbrk(str_s(v), "\r\n")); }

static bool source(Import *x, Val csv, char delimiter) {
  const TableCall *c = x->t->call;
  Err e = {0};
  if (!table_csv_is_ref(csv) || !c->open) {
    if (!is_str(csv))
      return tc_fail(x->t, "validation", ":import-csv needs :csv, a text with a header row or a reference to a blob with one, not %s", tc_text(csv));
    x->csv = csv_open(str_s(csv), str_n(csv), delimiter);
    return x->at_end = true;
  }
  x->fd = c->open(c->ctx, csv, &e);
  if (x->fd < 0) return tc_fail(x->t, e.code ? e.code : "resource-io", ":csv: %s", e.msg);
  x->window = malloc(CSV_WINDOW);
  if (!x->window) abort();
  if (!read_more(x)) return false;
  x->csv = csv_open(x->window, x->window_n, delimiter);
  return true;
}

static bool import_options(Tc *t, Val o, Import *x) {
  Val d = map_get_kw(o, "delimiter"), i = map_get_kw(o, "infer-types");
  if (!is_nil(d) && (!is_str(d) || str_n(d) != 1 || strchr("\"\r\n", *str_s(d))))
    return tc_fail(t, "validation", ":delimiter must be a text of one byte, such as \";\", not %s", tc_text(d));
  if (!is_nil(i) && !is_bool(i)) return tc_fail(t, "validation", ":infer-types must be true or false, not %s", tc_text(i));
  x->infer = is_nil(i) || truthy(i);
  return source(x, map_get_kw(o, "csv"), is_nil(d) ? ',' : *str_s(d));
}

static bool import_rows(Import *x, Table *tab, Val o, Val *result) {
  int col;
  if (!import_options(x->t, o, x) || !header(x) || !whole(x)) return false;
  for (int i = 0; tab->fresh && i < x->ncols; i++) /* columns in the order of the header */
    if (!meta_add_column(x->t, tab, x->cols[i], &col)) return false;
  bool ok = writer_begin(&x->w, x->t, tab, o) && records(x);
  if (!writer_end(&x->w, ok)) return false;
  *result = writer_result(&x->w);
  return true;
}

bool import_csv(Tc *t, Table *tab, Val o, Val *result) {
  Import *x = mem_alloc(sizeof *x);
  x->t = t;
  x->fd = -1;
  bool ok = import_rows(x, tab, o, result);
  if (x->fd >= 0) close(x->fd);
  free(x->window);
  return ok;
}
