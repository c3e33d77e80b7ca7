/* Writing rows: append and upsert, the growth of columns, keys and indexes; then the changes of single cells and whole columns.
 * Everything goes into one batch; a failure takes out again what was put there. */
#include "runtime/store/store_omap.h"
#include "table_int.h"
#include <stdlib.h>

struct PendingKeys {
  Omap map;
  Buf row, key, old;
};

/* ---- index keys ---- */

void write_index_key(const Table *tab, Buf *out, int part, int number) {
  char prefix[4];
  table_key_prefix(tab->st.id, prefix);
  buf_add(out, prefix, 4);
  order_int(out, (uint64_t)part, 2);
  order_int(out, (uint64_t)number, 1);
}

static bool last_row(void *ctx, Bytesv key) {
  const uint8_t *p = (const uint8_t *)key.p + key.n - KEY_ROW_BYTES;
  *(int64_t *)ctx = (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | p[3];
  return false;
}

/* `key` is the whole key but for the row. */
static bool find_key(Tc *t, Bytesv key, int64_t *row) {
  Buf to = {0};
  Err e = {0};
  buf_add(&to, key.p, key.n);
  buf_ch(&to, (char)0xff);
  *row = -1;
  bool ok = store_table_keys(t->call->store, key, (Bytesv){to.p, to.n}, false, last_row, row, &e);
  buf_free(&to);
  return ok || tc_store(t, &e);
}

bool write_find_key(Tc *t, const Table *tab, int part, Bytesv key, int64_t *row) {
  Buf b = {0};
  write_index_key(tab, &b, part, 0);
  buf_add(&b, key.p, key.n);
  bool ok = find_key(t, (Bytesv){b.p, b.n}, row);
  buf_free(&b);
  return ok;
}

static bool key_part(Tc *t, const Table *tab, int col, Val v, Buf *out) {
  size_t from = out->n;
  order_value(out, v, 0);
  if (is_nil(v) || same(v, ABSENT)) return tc_fail(t, "validation", "key field %s has no value", tab->cols[col - 1].name);
  if (out->n - from <= TABLE_MAX_KEY + 3) return true;
  return tc_fail(t, "oversize", "key field %s has more than %d bytes", tab->cols[col - 1].name, TABLE_MAX_KEY);
}

bool write_key_of(Tc *t, const Table *tab, Val fields, bool coerce, Buf *out) {
  if (!tab->nkeys) return tc_fail(t, "validation", "table %.80s has no key fields: use :row-id", tab->st.name);
  if (!is_map(fields)) return tc_fail(t, "validation", ":key must be a map of the key fields, not %s", tc_text(fields));
  MapIter it;
  Val k, v;
  map_iter(&it, fields);
  while (map_next(&it, &k, &v)) {
    int col, is_key = 0;
    if (!meta_column(t, tab, k, ":key", &col)) return false;
    for (int i = 0; i < tab->nkeys; i++) is_key |= tab->keys[i] == col;
    if (!is_key) return tc_fail(t, "validation", ":key: %s is no key field of table %.80s", tc_text(k), tab->st.name);
  }
  for (int i = 0; i < tab->nkeys; i++) {
    const Column *c = &tab->cols[tab->keys[i] - 1];
    Val x = map_get(fields, c->key, NIL);
    if (is_nil(x)) x = map_get(fields, str_c(c->name), NIL);
    if (!key_part(t, tab, tab->keys[i], coerce ? meta_coerce(c, x) : x, out)) return false;
  }
  return true;
}

/* ---- rows ---- */

static bool row_fail(Writer *w, const char *field, bool ok) {
  if (ok) return true;
  Tc *t = w->t;
  if (w->n) *t->error = map_assoc(*t->error, kw_c("row"), int_val(w->n));
  if (field) *t->error = map_assoc(*t->error, kw_c("field"), str_c(field));
  return false;
}

static Batch *batch_of(Writer *w) {
  if (!w->b) {
    w->b = w->t->call->batch(w->t->call->ctx);
    w->mark = batch_mark(w->b);
  }
  return w->b;
}

static bool grow(Writer *w, size_t n) {
  w->bytes += n;
  return w->bytes <= TABLE_MAX_WRITE ||
         tc_fail(w->t, "oversize", "one write may take %d MiB: write fewer rows at a time", (int)(TABLE_MAX_WRITE >> 20));
}

static bool encode(Writer *w, const Val *vals, Bytesv formats, Buf *out) {
  out->n = 0;
  if (formats.p) {
    buf_ch(out, 0);
    buf_add(out, formats.p, formats.n);
  }
  for (int i = 1; i <= w->tab->ncols; i++)
    if (!same(vals[i], ABSENT) && is_sig(row_put_field(out, i, vals[i]))) return row_fail(w, w->tab->cols[i - 1].name, tc_pending(w->t));
  if (out->n <= TABLE_MAX_ROW) return true;
  return row_fail(
      w, NULL,
      tc_fail(w->t, "oversize",
              "a row of table %.80s would take %zu bytes, more than %d KiB: keep large values as blobs and their references in the row",
              w->tab->st.name, out->n, TABLE_MAX_ROW >> 10));
}

static void index_key(Writer *w, Buf *b, int part, int i, Bytesv row, int64_t number) {
  Bytesv f;
  row_field(row, w->tab->index[i], &f);
  write_index_key(w->tab, b, part, i + 1);
  order_field(w->t->env, b, f, TABLE_MAX_KEY);
  order_int(b, (uint64_t)number, KEY_ROW_BYTES);
}

static bool put_indexes(Writer *w, int part, int64_t number, Bytesv old, Bytesv now) {
  struct PendingKeys *p = w->pending;
  for (int i = 0; i < w->tab->nindex; i++) {
    p->old.n = p->key.n = 0;
    if (old.p) index_key(w, &p->old, part, i, old, number);
    index_key(w, &p->key, part, i, now, number);
    Bytesv a = {p->old.p, p->old.n}, b = {p->key.p, p->key.n};
    if (old.p && !order_cmp(a, b)) continue;
    if (!grow(w, a.n + b.n + 10)) return false;
    if (old.p) batch_table_key_del(batch_of(w), a);
    batch_table_key_put(batch_of(w), b);
  }
  return true;
}

static bool key_of_vals(Writer *w, int part, const Val *vals, Buf *out) {
  out->n = 0;
  write_index_key(w->tab, out, part, 0);
  for (int i = 0; i < w->tab->nkeys; i++)
    if (!key_part(w->t, w->tab, w->tab->keys[i], vals[w->tab->keys[i]], out))
      return row_fail(w, w->tab->cols[w->tab->keys[i] - 1].name, false);
  return true;
}

/* The row that has this key now, in this write or before it; -1 none. */
static bool holder(Writer *w, Bytesv key, int64_t *row) {
  const OmapNode *n = store_omap_get(&w->pending->map, key);
  if (!n) return find_key(w->t, key, row);
  memcpy(row, store_omap_value(n).p, 8);
  return true;
}

static bool remember(Writer *w, Bytesv key, int64_t number, Bytesv row) {
  Buf v = {0};
  buf_add(&v, (const char *)&number, 8);
  if (row.n) buf_add(&v, row.p, row.n);
  bool ok = store_omap_put(&w->pending->map, key, (Bytesv){v.p, v.n});
  buf_free(&v);
  return ok || tc_fail(w->t, "limit", "out of memory");
}

/* Keys beside the row: the unique one first. `key`: what key_of_vals made of the row as it will be. */
static bool put_key(Writer *w, int64_t number, Bytesv old_key, Bytesv key, Bytesv row) {
  Buf b = {0};
  if (old_key.p) {
    buf_add(&b, old_key.p, old_key.n);
    order_int(&b, (uint64_t)number, KEY_ROW_BYTES);
    batch_table_key_del(batch_of(w), (Bytesv){b.p, b.n});
    b.n = 0;
    if (!remember(w, old_key, -1, (Bytesv){0})) return buf_free(&b), false;
  }
  buf_add(&b, key.p, key.n);
  order_int(&b, (uint64_t)number, KEY_ROW_BYTES);
  batch_table_key_put(batch_of(w), (Bytesv){b.p, b.n});
  bool ok = grow(w, 2 * b.n) && remember(w, key, number, row);
  buf_free(&b);
  return ok;
}

static bool compute(Writer *w, Val *vals) {
  Table *tab = w->tab;
  Val row = ABSENT;
  for (int i = 1; i <= tab->ncols; i++) {
    if (is_nil(map_get_kw(tab->cols[i - 1].def, "computed"))) continue;
    row = map_empty; /* what was computed before counts for what is computed now */
    for (int k = 1; k <= tab->ncols; k++)
      if (!same(vals[k], ABSENT)) row = map_assoc(row, tab->cols[k - 1].key, vals[k]);
    if (!expr_eval(w->t, tab, tab->cols[i - 1].def, row, &vals[i])) return row_fail(w, tab->cols[i - 1].name, false);
    tab->cols[i - 1].type = meta_type_join(tab->cols[i - 1].type, meta_type_of(vals[i]));
  }
  return true;
}

/* Takes v as the column's, which may grow. */
static bool take(Writer *w, int col, Val v) {
  Column *c = &w->tab->cols[col - 1];
  enum ColType now = meta_type_join(c->type, meta_type_of(v));
  if (w->strict && c->type != COL_NONE && now != c->type)
    return row_fail(w, c->name,
                    tc_fail(w->t, "validation", "row %lld: column %s holds %s, and :schema-mode is :strict: not %s", (long long)w->n,
                            c->name, col_type_name[c->type], tc_text(v)));
  c->type = now;
  return true;
}

static bool take_column(Writer *w, Val k, int *col) {
  Val key = meta_column_key(k);
  Table *tab = w->tab;
  if (same(key, ABSENT))
    return row_fail(w, NULL,
                    tc_fail(w->t, "validation", "row %lld: %s is no column name (a keyword or text of 1 to %d bytes)", (long long)w->n,
                            tc_text(k), TABLE_MAX_COLUMN));
  Val n = map_get(tab->by_key, key, NIL);
  if (is_fix(n)) {
    *col = (int)fix_of(n);
    return true;
  }
  if (w->strict && (tab->st.rows || w->n > 1))
    return row_fail(w, kw_text(k),
                    tc_fail(w->t, "validation", "row %lld: table %.80s has no column %s, and :schema-mode is :strict", (long long)w->n,
                            tab->st.name, tc_text(k)));
  return row_fail(w, kw_text(k), meta_add_column(w->t, tab, key, col));
}

static bool take_row(Writer *w, Val row, Val *vals) {
  MapIter it;
  Val k, v;
  map_iter(&it, row);
  while (map_next(&it, &k, &v)) {
    int col;
    if (!take_column(w, k, &col) || !take(w, col, v)) return false;
    vals[col] = v;
  }
  return true;
}

static void vals_clear(Val *vals) {
  for (int i = 0; i <= TABLE_MAX_COLUMNS; i++) vals[i] = ABSENT;
}

static bool vals_read(Writer *w, Bytesv row, Val *vals, Bytesv *formats) {
  const char *p = row.p, *end = p + row.n;
  int col;
  Bytesv f;
  *formats = (Bytesv){0};
  while (row_next(&p, end, &col, &f)) {
    if (!col)
      *formats = f;
    else if (is_sig(vals[col] = row_value(w->t->env, f)))
      return tc_pending(w->t);
  }
  return true;
}

static bool row_part(Writer *w, const Val *vals, int *part) {
  *part = w->part;
  if (w->part >= 0) return true;
  Val v = vals[w->part_col];
  return row_fail(w, w->tab->cols[w->part_col - 1].name, meta_part(w->t, w->tab, same(v, ABSENT) ? NIL : v, part));
}

/* The row a key belongs to, as bytes: from this write, else from the store. */
static bool old_row(Writer *w, int part, Bytesv key, int64_t number, Blob *out) {
  const OmapNode *n = store_omap_get(&w->pending->map, key);
  Err e = {0};
  *out = (Blob){0};
  if (n) {
    Bytesv v = store_omap_value(n);
    out->p = malloc(v.n - 8 + 1);
    if (!out->p) return tc_fail(w->t, "limit", "out of memory");
    out->n = v.n - 8;
    memcpy(out->p, (const char *)v.p + 8, out->n);
    return true;
  }
  if (store_table_row(w->t->call->store, table_place(w->tab->st.id, part, number), out, &e)) return true;
  if (!e.code) err_set(&e, "db_corrupt", "an index of table %.80s names a row that is not there", w->tab->st.name);
  return tc_store(w->t, &e);
}

static bool put_row(Writer *w, int part, int64_t number, Bytesv old, Val *vals, Bytesv formats, Bytesv *now) {
  struct PendingKeys *p = w->pending;
  if (!compute(w, vals) || !encode(w, vals, formats, &p->row)) return false;
  *now = (Bytesv){p->row.p ? p->row.p : "", p->row.n};
  if (!grow(w, now->n + 16)) return false;
  batch_table_row_put(batch_of(w), table_place(w->tab->st.id, part, number), *now);
  return put_indexes(w, part, number, old, *now);
}

static bool insert(Writer *w, int part, Val *vals, Bytesv key) {
  Part *p = &w->tab->parts[part];
  Bytesv now;
  if (p->next >= (int64_t)1 << TABLE_ROW_BITS) return tc_fail(w->t, "limit", "table %.80s has used up its row numbers", w->tab->st.name);
  int64_t number = p->next++;
  p->rows++;
  w->tab->st.rows++;
  w->inserted++;
  return put_row(w, part, number, (Bytesv){0}, vals, (Bytesv){0}, &now) && (!key.p || put_key(w, number, (Bytesv){0}, key, now));
}

/* The fields of the new row over those of the old one. */
static bool update(Writer *w, int part, int64_t number, Val *vals, Bytesv key) {
  Blob old;
  Val merged[TABLE_MAX_COLUMNS + 1];
  Bytesv formats, now;
  if (!old_row(w, part, key, number, &old)) return false;
  vals_clear(merged);
  bool ok = vals_read(w, (Bytesv){old.p, old.n}, merged, &formats);
  for (int i = 1; i <= w->tab->ncols; i++)
    if (!same(vals[i], ABSENT)) merged[i] = vals[i];
  ok = ok && put_row(w, part, number, (Bytesv){old.p, old.n}, merged, formats, &now) && remember(w, key, number, now);
  w->updated++;
  blob_free(&old);
  return ok;
}

static bool put_keyed(Writer *w, int part, Val *vals) {
  Buf key = {0};
  int64_t number = -1;
  bool ok = compute(w, vals) && key_of_vals(w, part, vals, &key) && holder(w, (Bytesv){key.p, key.n}, &number);
  Bytesv k = {key.p, key.n};
  if (ok && number >= 0 && !w->upsert)
    ok = row_fail(w, w->tab->cols[w->tab->keys[0] - 1].name,
                  tc_fail(w->t, "conflict", "row %lld: table %.80s has a row with this key already (:write-mode :upsert would change it)",
                          (long long)w->n, w->tab->st.name));
  else if (ok)
    ok = number < 0 ? insert(w, part, vals, k) : update(w, part, number, vals, k);
  buf_free(&key);
  return ok;
}

bool writer_row(Writer *w, Val row) {
  Val vals[TABLE_MAX_COLUMNS + 1];
  int part;
  w->n++;
  if (!is_map(row))
    return row_fail(w, NULL, tc_fail(w->t, "validation", "row %lld must be a map of columns, not %s", (long long)w->n, tc_text(row)));
  vals_clear(vals);
  if (!take_row(w, row, vals) || !row_part(w, vals, &part)) return false;
  if (vec_count(w->preview) < 3) w->preview = vec_conj(w->preview, row);
  return w->tab->nkeys ? put_keyed(w, part, vals) : insert(w, part, vals, (Bytesv){0});
}

/* ---- options ---- */

static bool one_word(Tc *t, Val v, const char *what, const char *a, const char *b, bool *is_b) {
  const char *s = is_kw(v) || is_str(v) ? kw_text(v) : "";
  *is_b = !strcmp(s, b);
  return is_nil(v) || *is_b || !strcmp(s, a) || tc_fail(t, "validation", "%s must be :%s or :%s, not %s", what, a, b, tc_text(v));
}

/* Columns that a new table gets because an option names them. */
static bool named_columns(Tc *t, Table *tab, Val v, const char *what, int *cols, int max, int *n) {
  ValVec xs = {0};
  *n = 0;
  if (is_kw(v) || is_str(v))
    vv_push(&xs, v);
  else if (!is_nil(v) && (!(is_sequential(v) || is_set(v)) || is_sig(coll_into_array(v, &xs))))
    return tc_fail(t, "validation", "%s must be a vector of columns, not %s", what, tc_text(v));
  if (xs.n > (size_t)max) return tc_fail(t, "validation", "%s: at most %d", what, max);
  for (size_t i = 0; i < xs.n; i++) {
    Val key = meta_column_key(xs.a[i]), at = same(key, ABSENT) ? NIL : map_get(tab->by_key, key, NIL);
    if (same(key, ABSENT)) return tc_fail(t, "validation", "%s: %s is no column name", what, tc_text(xs.a[i]));
    if (is_fix(at))
      cols[(*n)++] = (int)fix_of(at);
    else if (!meta_add_column(t, tab, key, &cols[(*n)++]))
      return false;
  }
  return true;
}

static bool set_keys(Tc *t, Table *tab, Val v) {
  int cols[TABLE_MAX_KEYS], n;
  if (is_nil(v)) return true;
  if (!named_columns(t, tab, v, ":key-fields", cols, TABLE_MAX_KEYS, &n)) return false;
  bool same_keys = n == tab->nkeys && !memcmp(cols, tab->keys, (size_t)n * sizeof *cols);
  if (same_keys || !n) return true;
  if (tab->nkeys || tab->st.rows)
    return tc_fail(t, "conflict", "the :key-fields of table %.80s are set when it is first written, and were not these", tab->st.name);
  memcpy(tab->keys, cols, sizeof cols);
  tab->nkeys = n;
  return true;
}

static bool set_indexes(Tc *t, Table *tab, Val v) {
  int cols[TABLE_MAX_INDEXES], n;
  if (!named_columns(t, tab, v, ":index-fields", cols, TABLE_MAX_INDEXES, &n)) return false;
  for (int i = 0; i < n; i++) {
    bool there = false;
    for (int k = 0; k < tab->nindex; k++) there = there || tab->index[k] == cols[i];
    if (!there && tab->nindex == TABLE_MAX_INDEXES)
      return tc_fail(t, "oversize", "table %.80s would have more than %d index fields", tab->st.name, TABLE_MAX_INDEXES);
    if (!there) tab->index[tab->nindex++] = cols[i];
  }
  return true;
}

static bool set_partitions(Tc *t, Table *tab, Val v) {
  if (is_nil(v)) return true;
  Val field = map_get_kw(v, "field"), key = map_get_kw(v, "key");
  if (!is_map(v) || is_nil(field) == is_nil(key) || !is_nil(map_get_kw(v, "keys")))
    return tc_fail(t, "validation", ":partitions of a write is {:key \"..\"} or {:field column}, not %s", tc_text(v));
  if (!tab->partitioned && (tab->st.rows || !tab->fresh))
    return tc_fail(t, "validation", "table %.80s has no partitions: leave :partitions out", tab->st.name);
  tab->partitioned = true;
  if (is_nil(field)) return true;
  int col, n;
  if (!named_columns(t, tab, field, ":partitions :field", &col, 1, &n) || !n)
    return tc_fail(t, "validation", ":partitions :field must be a column");
  tab->part_field = tab->cols[col - 1].key;
  return true;
}

bool write_options(Tc *t, Table *tab, Val o) {
  bool strict = tab->strict;
  Val mode = map_get_kw(o, "schema-mode");
  if (!is_nil(mode) && !one_word(t, mode, ":schema-mode", "flexible", "strict", &strict)) return false;
  if (tab->fresh) tab->strict = strict;
  return set_keys(t, tab, map_get_kw(o, "key-fields")) && set_partitions(t, tab, map_get_kw(o, "partitions")) &&
         set_indexes(t, tab, map_get_kw(o, "index-fields"));
}

/* ---- a write ---- */

typedef struct Backfill {
  Writer *w;
  int from;
} Backfill;
static bool backfill_row(void *ctx, int64_t place, Bytesv row) {
  Backfill *b = ctx;
  Writer *w = b->w;
  int part = (int)(place >> TABLE_ROW_BITS & ((1 << TABLE_PART_BITS) - 1));
  for (int i = b->from; i < w->tab->nindex; i++) {
    w->pending->key.n = 0;
    index_key(w, &w->pending->key, part, i, row, place & (((int64_t)1 << TABLE_ROW_BITS) - 1));
    if (!grow(w, w->pending->key.n + 5)) return false;
    batch_table_key_put(batch_of(w), (Bytesv){w->pending->key.p, w->pending->key.n});
  }
  return true;
}

/* Rows that are there get keys of indexes that are new. */
static bool backfill(Writer *w, int from) {
  Err e = {0};
  Backfill b = {w, from};
  if (from == w->tab->nindex || !w->tab->st.rows) return true;
  *w->t->error = NIL;
  int64_t id = w->tab->st.id;
  if (!store_table_rows(w->t->call->store, table_place(id, 0, 0), table_place(id + 1, 0, 0) - 1, false, backfill_row, &b, &e))
    return tc_store(w->t, &e);
  return is_nil(*w->t->error);
}

static bool choose_part(Writer *w, Val partitions) {
  Table *tab = w->tab;
  Val key = map_get_kw(partitions, "key");
  if (!tab->partitioned) return meta_part(w->t, tab, NIL, &w->part);
  if (!is_nil(key)) return meta_part(w->t, tab, key, &w->part);
  if (is_nil(tab->part_field))
    return tc_fail(w->t, "validation",
                   "table %.80s is partitioned: say where the rows go with :partitions {:key \"..\"} or {:field column}", tab->st.name);
  w->part = -1;
  return meta_column(w->t, tab, tab->part_field, ":partitions", &w->part_col);
}

static void writer_init(Writer *w, Tc *t, Table *tab) {
  *w = (Writer){.t = t, .tab = tab, .strict = tab->strict, .preview = vec_empty};
  w->pending = mem_alloc(sizeof *w->pending);
  store_omap_init(&w->pending->map);
}

bool writer_begin(Writer *w, Tc *t, Table *tab, Val o) {
  int had = tab->nindex;
  writer_init(w, t, tab);
  if (!one_word(t, map_get_kw(o, "write-mode"), ":write-mode", "append", "upsert", &w->upsert) || !write_options(t, tab, o)) return false;
  Val mode = map_get_kw(o, "schema-mode");
  if (!is_nil(mode)) w->strict = !strcmp(kw_text(mode), "strict");
  if (w->upsert && !tab->nkeys) return tc_fail(t, "validation", ":write-mode :upsert needs :key-fields, which say what row is meant");
  return choose_part(w, map_get_kw(o, "partitions")) && backfill(w, had);
}

bool writer_end(Writer *w, bool ok) {
  struct PendingKeys *p = w->pending;
  if (ok) {
    batch_of(w);
    ok = meta_save(w->t, w->tab);
  }
  if (!ok && w->b) batch_undo(w->b, w->mark);
  store_omap_free(&p->map);
  buf_free(&p->row);
  buf_free(&p->key);
  buf_free(&p->old);
  return ok;
}

Val writer_result(const Writer *w) {
  Val m = table_handle(&w->tab->st);
  m = map_assoc(m, kw_c("rows-written"), int_val(w->n));
  m = map_assoc(m, kw_c("rows-inserted"), int_val(w->inserted));
  return map_assoc(m, kw_c("rows-updated"), int_val(w->updated));
}

/* ---- cells and columns ---- */

static Val cell_result(const Table *tab, int part, int64_t number, Val more_key, Val more) {
  Val kv[] = {kw_c("success"), TRUE_V, kw_c("uri"), meta_uri(&tab->st), kw_c("row-id"), meta_row_id(part, number), more_key, more};
  return map_from(kv, 4, false);
}

static bool expected(Writer *w, Val o, Val now) {
  Val want = map_get(o, kw_c("expected"), ABSENT);
  if (same(want, ABSENT)) return true;
  Buf a = {0}, b = {0};
  order_value(&a, want, 0);
  order_value(&b, now, 0);
  bool same_value = !order_cmp((Bytesv){a.p, a.n}, (Bytesv){b.p, b.n});
  buf_free(&a);
  buf_free(&b);
  if (same_value) return true;
  tc_fail(w->t, "conflict", "the cell holds %s, not the expected %s", tc_text(same(now, ABSENT) ? NIL : now), tc_text(want));
  *w->t->error = map_assoc(*w->t->error, kw_c("actual"), same(now, ABSENT) ? NIL : now);
  return false;
}

/* The row with other values; its key may change, but not to that of another row. */
static bool change_row(Writer *w, int part, int64_t number, Bytesv old, Val *vals, Bytesv formats) {
  Bytesv now;
  Val before[TABLE_MAX_COLUMNS + 1];
  Buf was = {0}, is = {0};
  int64_t other = -1;
  Bytesv f;
  vals_clear(before);
  bool ok = compute(w, vals);
  if (ok && w->tab->nkeys) {
    ok = vals_read(w, old, before, &f) && key_of_vals(w, part, before, &was) && key_of_vals(w, part, vals, &is);
    bool moved = ok && order_cmp((Bytesv){was.p, was.n}, (Bytesv){is.p, is.n});
    ok = ok && (!moved || holder(w, (Bytesv){is.p, is.n}, &other));
    if (ok && other >= 0) ok = tc_fail(w->t, "conflict", "another row of table %.80s has this key", w->tab->st.name);
    ok = ok && put_row(w, part, number, old, vals, formats, &now);
    ok = ok && (!moved || put_key(w, number, (Bytesv){was.p, was.n}, (Bytesv){is.p, is.n}, now));
  } else
    ok = ok && put_row(w, part, number, old, vals, formats, &now);
  buf_free(&was);
  buf_free(&is);
  w->updated++;
  return ok;
}

/* The partition of a row is where it lies. */
static bool not_split_by(Tc *t, const Table *tab, int col) {
  bool split = !is_nil(tab->part_field) && same(tab->cols[col - 1].key, tab->part_field);
  return !split ||
         tc_fail(t, "validation", "column %s says in which partition a row is: write the row anew instead", tab->cols[col - 1].name);
}

static bool computed_column(Tc *t, const Table *tab, int col) {
  bool computed = !is_nil(map_get_kw(tab->cols[col - 1].def, "computed"));
  return !computed || tc_fail(t, "validation", "column %s is computed: change what it is computed from", tab->cols[col - 1].name);
}

static bool cell_column(Writer *w, Val o, int *col) {
  Val key = map_get_kw(o, "column");
  if (is_nil(key)) return tc_fail(w->t, "validation", "this :op needs :column");
  if (w->strict) return meta_column(w->t, w->tab, key, ":column", col);
  return take_column(w, key, col);
}

bool write_cell(Tc *t, Table *tab, Val o, Val *result) {
  int part, col;
  int64_t number;
  Blob old = {0};
  Val vals[TABLE_MAX_COLUMNS + 1], v = map_get(o, kw_c("value"), ABSENT);
  Bytesv formats;
  if (same(v, ABSENT)) return tc_fail(t, "validation", ":update-cell needs :value (nil is one)");
  if (!query_locate(t, tab, o, &part, &number, &old)) return false;
  Writer w;
  writer_init(&w, t, tab);
  vals_clear(vals);
  bool ok = cell_column(&w, o, &col) && not_split_by(t, tab, col) && computed_column(t, tab, col) &&
            vals_read(&w, (Bytesv){old.p, old.n}, vals, &formats) && expected(&w, o, vals[col]) && take(&w, col, v);
  Val before = ok && !same(vals[col], ABSENT) ? vals[col] : NIL;
  if (ok) vals[col] = v;
  ok = writer_end(&w, ok && change_row(&w, part, number, (Bytesv){old.p, old.n}, vals, formats));
  blob_free(&old);
  if (ok) *result = map_assoc(cell_result(tab, part, number, kw_c("value"), v), kw_c("previous"), before);
  return ok;
}

bool write_format(Tc *t, Table *tab, Val o, Val *result) {
  int part, col;
  int64_t number;
  Blob old = {0};
  Val vals[TABLE_MAX_COLUMNS + 1], format = map_get(o, kw_c("format"), ABSENT);
  Bytesv formats;
  if (same(format, ABSENT) || (!is_map(format) && !is_nil(format)))
    return tc_fail(t, "validation", ":update-cell-format needs :format, a map, or nil to clear it");
  if (!meta_column(t, tab, map_get_kw(o, "column"), ":column", &col) || !query_locate(t, tab, o, &part, &number, &old)) return false;
  Writer w;
  writer_init(&w, t, tab);
  vals_clear(vals);
  Buf b = {0};
  bool ok = vals_read(&w, (Bytesv){old.p, old.n}, vals, &formats);
  Val all = ok && formats.p ? row_value(t->env, formats) : map_empty, key = tab->cols[col - 1].key;
  all = is_nil(format) ? map_dissoc(all, key) : map_assoc(all, key, format);
  if (ok && map_count(all)) ok = !is_sig(row_put_field(&b, 0, all)) || tc_pending(t);
  formats = b.n ? (Bytesv){b.p + 1, b.n - 1} : (Bytesv){0};
  ok = writer_end(&w, ok && change_row(&w, part, number, (Bytesv){old.p, old.n}, vals, formats));
  buf_free(&b);
  blob_free(&old);
  if (ok) *result = cell_result(tab, part, number, kw_c("format"), format);
  return ok;
}

typedef struct Change {
  Writer *w;
  const Cond *where;
  int col;        /* set-column; 0: recompute */
  Val value, how; /* literal, or {:template}/{:expr} */
  int64_t limit, offset, scanned, changed;
  bool more, failed;
} Change;

static bool new_value(Change *c, Bytesv row, Val *vals) {
  Writer *w = c->w;
  if (!c->col) return true;
  Val v = c->value;
  if (!is_nil(c->how)) {
    Val m = meta_row_map(w->t->env, w->tab, row, NULL, 0);
    if (is_sig(m)) return tc_pending(w->t);
    if (!expr_eval(w->t, w->tab, c->how, m, &v)) return false;
  }
  vals[c->col] = v;
  return take(w, c->col, v);
}

/* Only what differs is written. */
static bool change_if_new(Change *c, int part, int64_t number, Bytesv row) {
  Val vals[TABLE_MAX_COLUMNS + 1];
  Bytesv formats;
  Writer *w = c->w;
  vals_clear(vals);
  if (!vals_read(w, row, vals, &formats) || !new_value(c, row, vals) || !compute(w, vals)) return false;
  if (!encode(w, vals, formats, &w->pending->row)) return false;
  if (!order_cmp((Bytesv){w->pending->row.p, w->pending->row.n}, row)) return true;
  c->changed++;
  return change_row(w, part, number, row, vals, formats);
}

static bool change_each(void *ctx, int part, int64_t number, Bytesv row) {
  Change *c = ctx;
  if (c->scanned++ < c->offset) return true;
  c->more = c->scanned - c->offset > c->limit;
  if (c->more) {
    c->scanned--;
    return false;
  }
  c->w->n = c->scanned;
  c->failed = !change_if_new(c, part, number, row);
  return !c->failed;
}

static bool change_rows(Change *c, Tc *t, Table *tab, Val o) {
  Scan s;
  if (!scan_init(&s, t, tab, o)) return false;
  return scan_each(&s, change_each, c) && !c->failed;
}

static Val change_result(const Table *tab, const Change *c) {
  Val kv[] = {kw_c("success"),      TRUE_V,
              kw_c("uri"),          meta_uri(&tab->st),
              kw_c("rows-scanned"), int_val(c->scanned - (c->scanned < c->offset ? c->scanned : c->offset)),
              kw_c("rows-updated"), int_val(c->changed),
              kw_c("has-more"),     bool_val(c->more)};
  return map_from(kv, 5, false);
}

static bool definition_ok(Tc *t, Val d) {
  static const char *const known[] = {"type-hint", "semantic-type", "display-name", "computed",
                                      "reference", "enum",          "format",       "validation"};
  MapIter it;
  Val k, v;
  if (!is_map(d)) return tc_fail(t, "validation", ":definition must be a map, not %s", tc_text(d));
  map_iter(&it, d);
  while (map_next(&it, &k, &v)) {
    bool ok = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) ok = ok || kw_is(k, known[i]);
    if (!ok)
      return tc_fail(
          t, "validation",
          ":definition has no key %s; it may have :type-hint :semantic-type :display-name :computed :reference :enum :format :validation",
          tc_text(k));
  }
  return true;
}

static bool set_definition(Writer *w, int col, Val d) {
  if (!definition_ok(w->t, d)) return false;
  Val old = w->tab->cols[col - 1].def;
  MapIter it;
  Val k, v;
  if (is_nil(old)) old = map_empty;
  map_iter(&it, d);
  while (map_next(&it, &k, &v)) old = is_nil(v) ? map_dissoc(old, k) : map_assoc(old, k, v); /* nil takes a key away */
  w->tab->cols[col - 1].def = map_count(old) ? old : NIL;
  if (is_nil(map_get_kw(old, "computed"))) return true;
  for (int i = 0; i < w->tab->nkeys; i++)
    if (w->tab->keys[i] == col) return tc_fail(w->t, "validation", "key field %s cannot be computed", w->tab->cols[col - 1].name);
  return expr_check(w->t, w->tab, map_get_kw(old, "computed"));
}

bool write_column(Tc *t, Table *tab, Val o, Val *result) {
  static const char *const ways[] = {"value", "value-template", "expr"};
  Val definition = map_get_kw(o, "definition");
  int given = 0, col;
  Writer w;
  Change c = {.w = &w, .value = map_get(o, kw_c("value"), ABSENT), .how = NIL};
  for (int i = 0; i < 3; i++) given += !same(map_get(o, kw_c(ways[i]), ABSENT), ABSENT);
  if (given > 1 || (!given && is_nil(definition)))
    return tc_fail(t, "validation", ":set-column needs :definition, or one of :value, :value-template and :expr, or both");
  if (!query_limit(t, map_get_kw(o, "limit"), TABLE_MAX_CHANGES, TABLE_MAX_CHANGES, &c.limit)) return false;
  writer_init(&w, t, tab);
  bool ok = cell_column(&w, o, &col) && (is_nil(definition) || set_definition(&w, col, definition));
  if (ok && given) {
    c.col = col;
    Val text = map_get_kw(o, "value-template"),
        how[] = {kw_c(is_nil(text) ? "expr" : "template"), is_nil(text) ? map_get_kw(o, "expr") : text};
    if (same(c.value, ABSENT)) c.how = map_from(how, 1, false);
    ok = not_split_by(t, tab, col) && computed_column(t, tab, col) && (is_nil(c.how) || expr_check(t, tab, c.how)) &&
         change_rows(&c, t, tab, o);
  }
  ok = writer_end(&w, ok);
  if (ok) *result = map_assoc(change_result(tab, &c), kw_c("column"), tab->cols[col - 1].key);
  return ok;
}

bool write_recompute(Tc *t, Table *tab, Val o, Val *result) {
  Writer w;
  Change c = {.w = &w, .value = NIL, .how = NIL};
  if (!query_limit(t, map_get_kw(o, "limit"), TABLE_MAX_CHANGES, 1000, &c.limit)) return false;
  Val offset = map_get_kw(o, "offset");
  if (!is_nil(offset) && (!is_fix(offset) || fix_of(offset) < 0))
    return tc_fail(t, "validation", ":offset must be an integer, 0 or more, not %s", tc_text(offset));
  c.offset = is_nil(offset) ? 0 : fix_of(offset);
  writer_init(&w, t, tab);
  bool ok = writer_end(&w, change_rows(&c, t, tab, o));
  if (ok) *result = change_result(tab, &c);
  return ok;
}
