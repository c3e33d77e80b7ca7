/* The operations of table.h by name, and what its files share. */
#include "table.h"
#include "eval/unit.h"
#include "reader/print.h"
#include "table_int.h"
#include <stdarg.h>
#include <stdio.h>

/* ---- errors ---- */

static Val error_of(const char *type, Val message) {
  Val kv[] = {kw_c("type"), kw_c(type), kw_c("message"), message, kw_c("retryable?"), FALSE_V};
  return map_from(kv, 3, false);
}

bool tc_fail(Tc *t, const char *type, const char *fmt, ...) {
  Buf b = {0};
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  buf_vfmt(&b, fmt, ap, again);
  va_end(again);
  va_end(ap);
  *t->error = error_of(type, buf_str(&b));
  return false;
}

bool tc_store(Tc *t, const Err *e) {
  if (t->call->unreadable) *t->call->unreadable = true;
  return tc_fail(t, "runtime", "the store cannot be read: %s", e->msg);
}

/* Of a signal: an exception, or a lazy seq that is not realised. */
bool tc_pending(Tc *t) {
  if (is_type(pend.ex, T_EX) && is_str(AS(Ex, pend.ex)->msg)) {
    Val data = AS(Ex, pend.ex)->data, type = map_get_kw(data, "type");
    const char *kind = is_kw(type) ? kw_text(type) : "validation";
    return tc_fail(t, kind, "%s", str_s(AS(Ex, pend.ex)->msg));
  }
  return tc_fail(t, "not-serializable", "a value is a lazy sequence that is not realised, or no data");
}

Bytesv tc_keep(Buf *b) {
  char *p = mem_alloc_atomic(b->n + 1);
  size_t n = b->n;
  if (n) memcpy(p, b->p, n);
  b->n = 0;
  return (Bytesv){p, n};
}

const char *tc_text(Val v) {
  static _Thread_local char texts[4][96];
  static _Thread_local int at;
  char *out = texts[at++ & 3];
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) b.n = 0;
  snprintf(out, sizeof texts[0], "%.*s%s", (int)(b.n > 80 ? 80 : b.n), b.p ? b.p : "", b.n > 80 ? "..." : "");
  for (size_t n = strlen(out); n && !utf8_valid(out, n); n = strlen(out)) { /* cut in the middle of a character */
    size_t cut = 80;
    while (cut && ((uint8_t)out[cut] & 0xc0) == 0x80) cut--;
    memmove(out + cut, "...", 4);
    if (!utf8_valid(out, strlen(out))) out[0] = 0;
  }
  buf_free(&b);
  return out;
}

/* ---- operations ---- */

static bool schema_run(Tc *t, Table *tab, Val o, Val *result) {
  int parts[TABLE_MAX_READ_PARTS], n;
  Val p = map_get_kw(o, "partitions");
  if (!is_nil(p) && !meta_read_parts(t, tab, p, parts, &n)) return false;
  *result = meta_schema(tab);
  return true;
}

static const struct {
  const char *name;
  bool (*f)(Tc *t, Table *tab, Val o, Val *result);
} ops[] = {{"query", query_run},         {"get-row", query_get_row},     {"aggregate", agg_run},      {"schema", schema_run},
           {"export", export_run},       {"import-csv", import_csv},     {"update-cell", write_cell}, {"update-cell-format", write_format},
           {"set-column", write_column}, {"recompute", write_recompute}, {"materialize-join", NULL}};

static int op_of(const char *name) {
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (!strcmp(ops[i].name, name)) return (int)i;
  return -1;
}

bool table_op_known(const char *op) { return op_of(op) >= 0; }

static Tc tc_new(const TableCall *c, Val *error) {
  *error = NIL;
  return (Tc){.call = c, .env = c->env ? c->env : env_core(), .error = error};
}

/* The table of the options; :partitions of {:ref :partitions} counts as one of theirs. */
static Val target(Val *o) {
  Val v = map_get_kw(*o, "table"), p = is_map(v) ? map_get_kw(v, "partitions") : NIL;
  if (is_nil(v)) v = map_get_kw(*o, "uri");
  if (!is_nil(p) && is_nil(map_get_kw(*o, "partitions"))) *o = map_assoc(*o, kw_c("partitions"), p);
  return v;
}

/* REST says partition-key and partition-keys. */
static Val partitions_spelled(Val o) {
  Val key = map_get_kw(o, "partition-key"), keys = map_get_kw(o, "partition-keys");
  if (is_nil(key) && is_nil(keys)) return o;
  Val kv[] = {kw_c(is_nil(key) ? "keys" : "key"), is_nil(key) ? keys : key};
  return map_assoc(o, kw_c("partitions"), map_from(kv, 1, false));
}

static bool open_for(Tc *t, const char *op, Val ref, Table *tab) {
  if (strcmp(op, "import-csv")) return meta_open(t, ref, tab);
  const char *text = is_kw(ref) || is_str(ref) ? kw_text(ref) : NULL;
  if (is_map(ref)) return meta_open(t, ref, tab);
  return text ? meta_open_or_new(t, text, tab) : tc_fail(t, "validation", ":import-csv needs :table, the name or address of a table");
}

static bool run(Tc *t, Val o, Val *result) {
  Val op = map_get_kw(o, "op");
  const char *name = is_kw(op) || is_str(op) ? kw_text(op) : "";
  int i = op_of(name);
  if (i < 0)
    return tc_fail(t, "validation",
                   ":table needs :op, one of :query :get-row :aggregate :schema :export :import-csv :update-cell :update-cell-format"
                   " :set-column :recompute :materialize-join, not %s",
                   tc_text(op));
  if (!ops[i].f) return join_run(t, o, result);
  Table *tab = mem_alloc(sizeof *tab);
  o = partitions_spelled(o);
  Val ref = target(&o);
  return open_for(t, name, ref, tab) && ops[i].f(t, tab, o, result);
}

bool table_run(const TableCall *c, Val options, Val *result, Val *error) {
  Tc t = tc_new(c, error);
  bool ok = run(&t, options, result);
  buf_free(&t.scratch);
  return ok;
}

/* ---- writing ---- */

static bool write_all(Writer *w, Val rows) {
  if (is_map(rows)) return writer_row(w, rows);
  if (!is_nil(rows) && !is_sequential(rows) && !is_set(rows))
    return tc_fail(w->t, "validation", "the rows of a table must be a vector of maps, not %s", tc_text(rows));
  SeqIter it;
  Val x, more;
  if (is_sig(seq_iter(&it, rows))) return tc_pending(w->t);
  while (same(more = seq_iter_next(&it, &x), TRUE_V))
    if (!writer_row(w, x)) return false;
  return !is_sig(more) || tc_pending(w->t);
}

/* A new table has its columns in the order of the first row. */
static void columns_in_order(Table *tab, Tc *t, Val rows) {
  Val first = is_map(rows) ? rows : is_vec(rows) && vec_count(rows) ? vec_nth(rows, 0) : NIL, k, v;
  if (!tab->fresh || !is_map(first)) return;
  MapIter it;
  map_iter(&it, first);
  while (map_next(&it, &k, &v)) {
    Val key = meta_column_key(k);
    int col;
    if (!same(key, ABSENT) && is_nil(map_get(tab->by_key, key, NIL)) && !meta_add_column(t, tab, key, &col))
      *t->error = NIL; /* the row itself is refused */
  }
}

static bool persist(Tc *t, Val o, Val rows, Val *result) {
  Val name = map_get_kw(o, "table");
  Table *tab = mem_alloc(sizeof *tab);
  Writer w;
  o = partitions_spelled(o);
  if (!is_kw(name) && !is_str(name))
    return tc_fail(t, "validation", ":persist {:type :table} needs :table, the name of the table, not %s", tc_text(name));
  if (!meta_open_or_new(t, kw_text(name), tab)) return false;
  columns_in_order(tab, t, rows);
  bool ok = writer_begin(&w, t, tab, o) && write_all(&w, rows);
  if (!writer_end(&w, ok)) return false;
  *result = map_assoc(writer_result(&w), kw_c("preview"), w.preview);
  return true;
}

bool table_write(const TableCall *c, Val options, Val rows, Val *result, Val *error) {
  Tc t = tc_new(c, error);
  bool ok = persist(&t, options, rows, result);
  buf_free(&t.scratch);
  return ok;
}

/* ---- whole tables ---- */

typedef struct Load { Tc *t; const Table *tab; Val rows; int64_t bytes, most; bool ok; } Load;

static bool load_row(void *ctx, int part, int64_t number, Bytesv data) {
  Load *l = ctx;
  (void)part, (void)number;
  l->bytes += (int64_t)data.n;
  Val m = l->bytes <= l->most ? meta_row_map(l->t->env, l->tab, data, NULL, 0) : NIL;
  l->ok = l->bytes <= l->most ? !is_sig(m) || tc_pending(l->t)
                              : tc_fail(l->t, "oversize", "the table %.200s has over %lld bytes of rows, at most that many are loaded into a value: read"
                                        " it in pages with :op :query", l->tab->st.name, (long long)l->most);
  if (l->ok) l->rows = vec_conj(l->rows, m);
  return l->ok;
}

static bool load(Tc *t, Val ref, int64_t most, Val *rows) {
  Table *tab = mem_alloc(sizeof *tab);
  Load *l = mem_alloc(sizeof *l);
  Scan *s = mem_alloc(sizeof *s);
  Val kv[] = {kw_c("table"), ref}, o = map_from(kv, 1, false), of = target(&o);
  if (!meta_open(t, of, tab) || !scan_init(s, t, tab, o)) return false;
  *l = (Load){t, tab, vec_empty, 0, most, true};
  if (!scan_each(s, load_row, l) || !l->ok) return false;
  *rows = l->rows;
  return true;
}

bool table_load(const TableCall *c, Val ref, int64_t most, Val *rows, Val *error) {
  Tc t = tc_new(c, error);
  bool ok = load(&t, ref, most, rows);
  buf_free(&t.scratch);
  return ok;
}

enum { LIST_MAX = 1000 };

bool table_list(const TableCall *c, const char *after, size_t max, Val *result, Val *error) {
  Tc t = tc_new(c, error);
  StoreTable some[LIST_MAX + 1];
  Err e = {0};
  size_t most = max < LIST_MAX ? max : LIST_MAX, n;
  if (!store_table_settle(c->store, &e)) return tc_store(&t, &e);
  n = store_tables(c->store, c->workspace, after, some, most + 1, &e);
  Val items = vec_empty;
  for (size_t i = 0; i < n; i++) {
    if (i < most) items = vec_conj(items, table_handle(&some[i]));
    store_table_free(&some[i]);
  }
  if (e.code) return tc_store(&t, &e);
  Val kv[] = {kw_c("items"), items, kw_c("has-more"), n > most ? TRUE_V : FALSE_V};
  *result = map_from(kv, 2, false);
  return true;
}

bool table_drop(const TableCall *c, Val ref, Val *result, Val *error) {
  Tc t = tc_new(c, error);
  Table *tab = mem_alloc(sizeof *tab);
  if (!meta_open(&t, ref, tab)) return false;
  *result = table_handle(&tab->st);
  batch_table_drop(c->batch(c->ctx), c->workspace, tab->st.name, tab->st.id);
  batch_index_del(c->batch(c->ctx), c->workspace, "resources", str_s(meta_uri(&tab->st)));
  return true;
}

int64_t table_count(const TableCall *c, Val options) {
  Val error, ref = target(&options);
  StoreTable st = {0};
  Tc t = tc_new(c, &error);
  const char *name;
  Err e = {0};
  if (!meta_ref_name(&t, ref, &name) || !store_table_get(c->store, c->workspace, name, &st, &e)) return 0;
  int64_t n = st.rows;
  store_table_free(&st);
  return n;
}

bool table_find(const TableCall *c, Val ref, StoreTable *out, Val *error) {
  Tc t = tc_new(c, error);
  Table *tab = mem_alloc(sizeof *tab);
  Err e = {0};
  if (!meta_open(&t, ref, tab)) return false;
  return store_table_get(c->store, c->workspace, tab->st.name, out, &e) || tc_store(&t, &e);
}

Val table_at(const TableCall *c, const char *uri) {
  Val error, columns = vec_empty;
  Tc t = tc_new(c, &error);
  Table *tab = mem_alloc(sizeof *tab);
  if (!meta_open(&t, str_c(uri), tab)) return NIL;
  for (int i = 0; i < tab->ncols; i++) columns = vec_conj(columns, tab->cols[i].key);
  return map_assoc(table_handle(&tab->st), kw_c("columns"), columns);
}
