/* :export - rows as CSV, JSON, JSON lines or EDN. Without :sort they are written as they are found; with it they are ordered first. */
#include "runtime/base/json.h"
#include "reader/print.h"
#include "table_csv.h"
#include "table_int.h"

enum { EXPORT_MAX = 64 << 20, EXPORT_PIECE = 256 << 10 };

typedef struct Export {
  Tc *t;
  const Table *tab;
  enum { EXPORT_CSV, EXPORT_JSON, EXPORT_JSONL, EXPORT_EDN } format;
  char delimiter;
  int cols[TABLE_MAX_COLUMNS], ncols;
  bool all;
  Buf out;
  int64_t n;
  bool failed;
} Export;

static const struct {
  const char *name, *type;
} formats[] = {
    {"csv", "text/csv; charset=utf-8"}, {"json", "application/json"}, {"jsonl", "application/x-ndjson"}, {"edn", "application/edn"}};

static bool csv_value(Export *x, Bytesv f) {
  if (!f.p || *(const char *)f.p == 'n') return true; /* nothing: "" in quotes is the empty text */
  Val v = row_value(x->t->env, f), s = is_sig(v) ? v : json_scalar_text(v);
  Buf b = {0};
  bool ok = true;
  if (is_str(s))
    buf_add(&b, str_s(s), str_n(s));
  else
    ok = !is_sig(s) && !is_sig(json_print(&b, v));
  if (ok) csv_put(&x->out, b.p ? b.p : "", b.n, x->delimiter, !b.n);
  buf_free(&b);
  return ok || tc_pending(x->t);
}

static bool csv_row(Export *x, Bytesv row) {
  for (int i = 0; i < x->ncols; i++) {
    Bytesv f;
    row_field(row, x->cols[i], &f);
    if (i) buf_ch(&x->out, x->delimiter);
    if (x->ncols == 1 && !f.p) buf_c(&x->out, "\"\""); /* an empty line would be none */
    if (!csv_value(x, f)) return false;
  }
  buf_c(&x->out, "\r\n");
  return true;
}

static bool value_row(Export *x, Bytesv row) {
  Val m = meta_row_map(x->t->env, x->tab, row, x->all ? NULL : x->cols, x->all ? 0 : x->ncols);
  if (is_sig(m)) return tc_pending(x->t);
  if (x->format == EXPORT_JSON) buf_c(&x->out, x->n ? ",\n " : "");
  Val s = x->format == EXPORT_EDN ? print_to(&x->out, m, &print_readably) : json_print(&x->out, m);
  if (x->format != EXPORT_JSON) buf_ch(&x->out, '\n');
  return !is_sig(s) || tc_pending(x->t);
}

/* What is over `most` bytes goes to the caller's writer; without one there is a limit. */
static bool room(Export *x, size_t most) {
  const TableCall *c = x->t->call;
  Err e = {0};
  if (!c->write)
    return x->out.n <= EXPORT_MAX || tc_fail(x->t, "oversize", "the export is over %d MiB: keep it with :persist {:type :blob}, choose rows"
                                             " with :where, or columns with :select", EXPORT_MAX >> 20);
  if (x->out.n <= most) return true;
  if (!c->write(c->ctx, x->out.p, x->out.n, &e)) return tc_fail(x->t, e.code ? e.code : "resource-io", "the export cannot be kept: %s", e.msg);
  x->out.n = 0;
  return true;
}

static bool on_row(void *ctx, int part, int64_t number, Bytesv row) {
  Export *x = ctx;
  (void)part, (void)number;
  x->failed = !(x->format == EXPORT_CSV ? csv_row(x, row) : value_row(x, row)) || !room(x, EXPORT_PIECE);
  x->n++;
  return !x->failed;
}

static bool sorted(Export *x, Scan *s) {
  Hits h;
  s->most = TABLE_MAX_EXPORT + 1;
  if (!scan_hits(s, &h)) return false;
  if (h.n > TABLE_MAX_EXPORT)
    return tc_fail(x->t, "limit", "a sorted export takes at most %d rows: leave :sort out, or choose rows with :where", TABLE_MAX_EXPORT);
  bool ok = true;
  for (size_t i = 0; i < h.n && ok; i++) {
    Blob data;
    bool found;
    ok = scan_row(x->t, x->tab, h.a[i].part, h.a[i].row, &data, &found);
    if (ok && found) ok = on_row(x, h.a[i].part, h.a[i].row, (Bytesv){data.p, data.n});
    blob_free(&data);
  }
  return ok;
}

static bool options(Export *x, Val o) {
  Val f = map_get_kw(o, "format"), d = map_get_kw(o, "delimiter");
  const char *s = is_kw(f) || is_str(f) ? kw_text(f) : "";
  int at = is_nil(f) ? 0 : -1;
  for (int i = 0; i < 4; i++)
    if (!strcmp(formats[i].name, s)) at = i;
  if (at < 0) return tc_fail(x->t, "validation", ":format must be :csv, :json, :jsonl or :edn, not %s", tc_text(f));
  if (!is_nil(d) && (!is_str(d) || str_n(d) != 1 || strchr("\"\r\n", *str_s(d))))
    return tc_fail(x->t, "validation", ":delimiter must be a text of one byte, such as \";\", not %s", tc_text(d));
  x->format = at;
  x->delimiter = is_nil(d) ? ',' : *str_s(d);
  if (!meta_columns_arg(x->t, x->tab, map_get_kw(o, "select"), ":select", x->cols, TABLE_MAX_COLUMNS, &x->ncols)) return false;
  x->all = !x->ncols;
  for (int i = 1; x->all && i <= x->tab->ncols; i++) x->cols[x->ncols++] = i;
  return true;
}

static void header(Export *x) {
  for (int i = 0; i < x->ncols; i++) {
    const char *name = x->cols[i] <= x->tab->ncols ? x->tab->cols[x->cols[i] - 1].name : "";
    if (i) buf_ch(&x->out, x->delimiter);
    csv_put(&x->out, name, strlen(name), x->delimiter, false);
  }
  if (x->ncols) buf_c(&x->out, "\r\n");
}

bool export_run(Tc *t, Table *tab, Val o, Val *result) {
  Export *x = mem_alloc(sizeof *x);
  Scan s;
  *x = (Export){.t = t, .tab = tab};
  if (!options(x, o) || !scan_init(&s, t, tab, o)) return false;
  if (x->format == EXPORT_CSV) header(x);
  if (x->format == EXPORT_JSON) buf_ch(&x->out, '[');
  bool ok = (s.nsort ? sorted(x, &s) : scan_each(&s, on_row, x)) && !x->failed;
  if (x->format == EXPORT_JSON) buf_c(&x->out, "]\n");
  if (!ok || !room(x, 0)) {
    buf_free(&x->out);
    return false;
  }
  if (t->call->write) buf_free(&x->out);
  Val kv[] = {kw_c("content"),      t->call->write ? NIL : buf_str(&x->out),
              kw_c("content-type"), str_c(formats[x->format].type),
              kw_c("format"),       kw_c(formats[x->format].name),
              kw_c("row-count"),    int_val(x->n)};
  *result = map_from(kv, 4, false);
  return true;
}
