/* worker_rows.c - see worker_rows.h */
#include "worker_rows.h"
#include "runtime/client/client.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include "reader/num.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

bool worker_rows_open(WorkerRows *r, const char *path, enum WorkerRowsFormat format, Err *e) {
  const char *dot = strrchr(path, '.');
  bool in = !strcmp(path, "-");
  *r = (WorkerRows){.name = in ? "standard input" : path, .format = format, .line = 1, .columns = vec_empty};
  if (!format) r->format = dot && !strcasecmp(dot, ".csv") ? WORKER_ROWS_CSV : WORKER_ROWS_JSON;
  r->fd = in ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
  return r->fd >= 0 || err_set(e, "file", "cannot read %.300s: %s", path, strerror(errno));
}

void worker_rows_text(WorkerRows *r, const char *json, size_t n) {
  *r = (WorkerRows){.name = "--rows", .format = WORKER_ROWS_JSON, .fd = -1, .end = true, .line = 1, .columns = vec_empty};
  buf_add(&r->window, json, n);
}

void worker_rows_close(WorkerRows *r) {
  if (r->fd >= 0) close(r->fd);
  buf_free(&r->window);
  buf_free(&r->field);
  r->fd = -1;
}

/* More of the file behind what is left of the window; false: e. At the file's end nothing comes, and r->end is set. */
static bool more(WorkerRows *r, Err *e) {
  char piece[PIECE];
  ssize_t n;
  if (r->at) {
    memmove(r->window.p, r->window.p + r->at, r->window.n - r->at);
    r->window.n -= r->at;
    r->at = 0;
  }
  if (r->end) return true;
  while ((n = read(r->fd, piece, sizeof piece)) < 0 && errno == EINTR) continue;
  if (n < 0) return err_set(e, "file", "cannot read %.300s: %s", r->name, strerror(errno));
  if (n) buf_add(&r->window, piece, (size_t)n);
  r->end = !n;
  return true;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------ */
/* The next character that is no white space; 0: there is none. */
static bool peek(WorkerRows *r, char *ch, Err *e) {
  for (;;) {
    while (r->at < r->window.n && strchr(" \t\r\n", r->window.p[r->at])) r->at++;
    *ch = r->at < r->window.n ? r->window.p[r->at] : 0;
    if (*ch || r->end) return true;
    if (!more(r, e)) return false;
  }
}

typedef struct Scan {
  size_t n; /* bytes seen */
  int depth;
  bool text, escaped, done;
} Scan;

static void scan(Scan *s, char ch) {
  s->n++;
  if (s->text) {
    s->text = s->escaped || ch != '"';
    s->escaped = !s->escaped && ch == '\\';
    return;
  }
  if (ch == '"')
    s->text = true;
  else if (ch == '{' || ch == '[')
    s->depth++;
  else if (ch == '}' || ch == ']')
    s->depth--;
  s->done = s->depth == 0 && !s->text;
}

/* The object that begins here is in the window: its length, 0: the file ends in it. */
static bool whole_object(WorkerRows *r, size_t *n, Err *e) {
  Scan s = {0};
  for (;;) {
    while (r->at + s.n < r->window.n && !s.done) scan(&s, r->window.p[r->at + s.n]);
    *n = s.done ? s.n : 0;
    if (s.done || r->end) return true;
    if (s.n > WORKER_ROW_MAX)
      return err_set(e, "oversize", "%.200s: row %lld has more than %d bytes", r->name, (long long)r->row + 1, WORKER_ROW_MAX);
    if (!more(r, e)) return false;
  }
}

static int bad_row(const WorkerRows *r, Err *e, const char *what) {
  err_set(e, "validation", "%.200s, row %lld: %s", r->name, (long long)r->row + 1, what);
  return -1;
}

/* The array's begin, the comma between two rows, the end. false: *got says which end it is. */
static bool between(WorkerRows *r, int *got, Err *e) {
  char ch;
  *got = -1;
  if (!peek(r, &ch, e)) return false;
  if (!r->begun && ch == '[') {
    r->array = true;
    r->at++;
    if (!peek(r, &ch, e)) return false;
  } else if (r->array && r->row && ch == ',') {
    r->at++;
    if (!peek(r, &ch, e)) return false;
    if (ch == ']') return bad_row(r, e, "there is no row behind the comma"), false;
  } else if (r->array && r->row && ch && ch != ']')
    return bad_row(r, e, "a comma or ] is expected"), false;
  r->begun = true;
  if (r->array && ch == ']') {
    r->at++;
    r->over = true;
    if (!peek(r, &ch, e)) return false;
    if (ch) return bad_row(r, e, "the array has ended, and something follows"), false;
  } else if (r->array && !ch)
    return bad_row(r, e, "the file ends inside of the array"), false;
  *got = 0;
  if (r->over || !ch) return false;
  if (ch != '{') return *got = bad_row(r, e, "a row is a JSON object, such as {\"id\": 1}"), false;
  return true;
}

static int next_json(WorkerRows *r, Val *row, size_t *bytes, Err *e) {
  int got;
  Err why = {0};
  if (r->over) return 0;
  if (!between(r, &got, e)) return got;
  if (!whole_object(r, bytes, e)) return -1;
  if (!*bytes) return bad_row(r, e, "the file ends inside of it");
  *row = json_parse(r->window.p + r->at, *bytes, &why);
  if (same(*row, ABSENT)) return bad_row(r, e, why.msg);
  r->at += *bytes;
  r->row++;
  return 1;
}

/* --- CSV ------------------------------------------------------------------------------------------------------------------------ */
static Val field_value(const Buf *b, bool quoted) {
  const char *s = b->n ? b->p : "";
  if (quoted) return str_new(s, b->n);
  if (!b->n) return ABSENT;
  if (b->n == 4 && !memcmp(s, "true", 4)) return TRUE_V;
  if (b->n == 5 && !memcmp(s, "false", 5)) return FALSE_V;
  bool number = strchr("-0123456789", *s) != NULL;
  Err no = {0};
  Val v = number ? json_parse(s, b->n, &no) : ABSENT; /* JSON's numbers: no leading zeroes, so that 007 stays text */
  return same(v, ABSENT) ? str_new(s, b->n) : v;
}

typedef struct CsvRecord {
  Val fields; /* vector; ABSENT in it: left out */
  bool any, end;
} CsvRecord;

/* One record from the window's begin; false: it is cut, or e says what is wrong. */
static bool parse_record(WorkerRows *r, bool header, CsvRecord *out, size_t *used, Err *e) {
  const char *begin = r->window.n ? r->window.p + r->at : "";
  Csv csv = csv_open(begin, r->window.n - r->at, ',');
  *out = (CsvRecord){.fields = vec_empty, .end = r->end && csv.p == csv.end};
  *used = 0;
  if (out->end) return true;
  for (enum CsvField f = CSV_FIELD; f == CSV_FIELD;) {
    bool quoted;
    f = csv_next(&csv, &r->field, &quoted);
    if (f == CSV_BAD)
      return r->end || csv.p + 1 < csv.end ? err_set(e, "validation", "%.200s, row %lld: %s", r->name, (long long)r->row + 1, csv.problem)
                                           : false;
    out->any = out->any || r->field.n || quoted || f == CSV_FIELD;
    Val v = header ? str_new(r->field.n ? r->field.p : "", r->field.n) : field_value(&r->field, quoted);
    out->fields = vec_conj(out->fields, v);
    if (vec_count(out->fields) > WORKER_COLUMNS) return err_set(e, "validation", "%.200s: more than %d columns", r->name, WORKER_COLUMNS);
  }
  *used = (size_t)(csv.p - begin);
  return r->end || csv.p < csv.end; /* what touches the window's end may go on behind it */
}

static bool record(WorkerRows *r, bool header, CsvRecord *out, size_t *used, Err *e) {
  while (!parse_record(r, header, out, used, e)) {
    if (e->code) return false;
    if (r->window.n - r->at > WORKER_ROW_MAX)
      return err_set(e, "validation", "%.200s, row %lld: more than %d bytes; is a closing quote missing?", r->name, (long long)r->row + 1,
                     WORKER_ROW_MAX);
    if (!more(r, e)) return false;
  }
  r->at += *used;
  return true;
}

static bool read_header(WorkerRows *r, Err *e) {
  CsvRecord h;
  size_t used;
  if (!record(r, true, &h, &used, e)) return false;
  if (h.end || !h.any) return err_set(e, "validation", "%.200s: there is no header with the names of the columns", r->name);
  for (uint32_t i = 0; i < vec_count(h.fields); i++)
    if (!str_n(vec_nth(h.fields, i))) return err_set(e, "validation", "%.200s: column %u of the header has no name", r->name, i + 1);
  r->columns = h.fields;
  return r->begun = true;
}

static int next_csv(WorkerRows *r, Val *row, size_t *bytes, Err *e) {
  CsvRecord x;
  if (!r->begun && !read_header(r, e)) return -1;
  do {
    if (!record(r, false, &x, bytes, e)) return -1;
    if (x.end) return 0;
  } while (!x.any);
  if (vec_count(x.fields) > vec_count(r->columns)) return bad_row(r, e, "more fields than the header has names");
  *row = map_empty;
  for (uint32_t i = 0; i < vec_count(x.fields); i++)
    if (!same(vec_nth(x.fields, i), ABSENT)) *row = map_assoc(*row, client_key(str_s(vec_nth(r->columns, i))), vec_nth(x.fields, i));
  r->row++;
  return 1;
}

int worker_rows_next(WorkerRows *r, Val *row, size_t *bytes, Err *e) {
  return r->format == WORKER_ROWS_CSV ? next_csv(r, row, bytes, e) : next_json(r, row, bytes, e);
}
