/* The tables of the store without a disk. */
#include "store_mem_int.h"

const char *store_mem_table_put(Mem *m, const Batch *b, const Op *op) {
  const OmapNode *n = store_mem_find(m, key_strs('T', op_str(b, op, 0), op_str(b, op, 1)));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  if (n && get_int(&in) != op->i[0]) return "table_exists";
  if (n) get_int(&in);
  Bytes v = {0};
  add_int(&v, op->i[0]);
  add_int(&v, op->i[2]);
  add_int(&v, n ? get_int(&in) : op->i[3]); /* it was made when it was made */
  add_int(&v, op->i[4]);
  add(&v, op_blob(b, op), op->blob_n);
  return store_mem_put(m, key_strs('T', op_str(b, op, 0), op_str(b, op, 1)), v);
}

static Bytes key_raw(Bytesv key) {
  Bytes k = {0};
  add(&k, "K", 1);
  add(&k, key.p, key.n);
  return k;
}

const char *store_mem_table_edits(Mem *m, const Batch *b, const Op *op) {
  const char *p = op_blob(b, op), *end = p + op->blob_n, *e = NULL;
  TableEdit x;
  while (!e && table_edit_next(&p, end, &x)) {
    Bytes v = {0};
    if (x.what == 'R') add(&v, x.v.p, x.v.n);
    if (x.what == 'R' || x.what == 'K') e = store_mem_put(m, x.what == 'R' ? KEY('R', x.place) : key_raw(x.v), v);
    else e = store_mem_del(m, x.what == 'r' ? KEY('R', x.place) : key_raw(x.v));
  }
  return e;
}

/* Everything from the first key on that begins with these bytes. */
static const char *del_prefix(Mem *m, Bytes from) {
  const char *e = from.oom ? NO_MEMORY : NULL;
  for (const OmapNode *n; !e && (n = store_omap_from(&m->map, view(&from))) && starts(n, view(&from));) {
    Bytes k = {0};
    add(&k, store_omap_key(n).p, store_omap_key(n).n);
    e = store_mem_del(m, k);
  }
  free(from.p);
  return e;
}

const char *store_mem_table_drop(Mem *m, const Batch *b, const Op *op) {
  char prefix[4];
  table_key_prefix(op->i[0], prefix);
  const char *e = store_mem_del(m, key_strs('T', op_str(b, op, 0), op_str(b, op, 1)));
  if (!e) e = del_prefix(m, key_raw((Bytesv){prefix, 4}));
  int64_t last = table_place(op->i[0] + 1, 0, 0);
  for (const OmapNode *n; !e;) {
    Bytes from = KEY('R', table_place(op->i[0], 0, 0));
    n = from.oom ? NULL : store_omap_from(&m->map, view(&from));
    free(from.p);
    Reader in = n ? reader(store_omap_key(n)) : (Reader){0};
    if (!n || *in.p++ != 'R') break;
    int64_t place = get_int(&in);
    if (place >= last) break;
    e = store_mem_del(m, KEY('R', place));
  }
  return e;
}

/* ---- reading ---- */

static bool table_unpack(const OmapNode *n, StoreTable *t) {
  Reader k = reader(store_omap_key(n)), v = reader(store_omap_value(n));
  k.p++;
  *t = (StoreTable){.workspace = get_str(&k), .id = get_int(&v), .rows = get_int(&v)};
  t->name = get_str(&k);
  t->created_ms = get_int(&v);
  t->updated_ms = get_int(&v);
  t->meta = get_rest(&v);
  if (k.oom || v.oom) store_table_free(t);
  return !k.oom && !v.oom;
}

int64_t store_mem_table_max(Store *s) {
  int64_t max = 0;
  for (const OmapNode *n = store_mem_walk((Mem *)s, key_strs('T', "", NULL)); in_table(n, 'T'); n = store_omap_next(n)) {
    Reader v = reader(store_omap_value(n));
    int64_t id = get_int(&v);
    if (id > max) max = id;
  }
  return max;
}

bool store_mem_table_get(Store *s, const char *workspace, const char *name, StoreTable *out, Err *e) {
  const OmapNode *n = store_mem_find((Mem *)s, key_strs('T', workspace, name));
  return n && (table_unpack(n, out) || no_memory(e));
}

size_t store_mem_tables(Store *s, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = store_mem_walk((Mem *)s, key_strs('T', workspace, after)); n < max && in_table(at, 'T'); at = store_omap_next(at)) {
    if (!table_unpack(at, &out[n])) return no_memory(e), n;
    bool same_workspace = !strcmp(out[n].workspace, workspace);
    if (same_workspace && strcmp(out[n].name, after) > 0) n++;
    else store_table_free(&out[n]);
    if (!same_workspace) break;
  }
  return n;
}

bool store_mem_tables_pending(Store *s) { return (void)s, false; }

bool store_mem_table_row(Store *s, int64_t place, Blob *out, Err *e) {
  const OmapNode *n = store_mem_find((Mem *)s, KEY('R', place));
  return n && (blob_copy(out, store_omap_value(n).p, store_omap_value(n).n) || no_memory(e));
}

/* Nodes between two keys of the map; descending: collected first, the map has no way back. f must not change the store. */
typedef bool (*NodeFn)(void *ctx, const OmapNode *n);
static bool walk_range(Mem *m, Bytes from, Bytes to, bool descending, NodeFn f, void *ctx, Err *e) {
  const OmapNode **all = NULL;
  size_t n = 0, cap = 0;
  bool ok = !from.oom && !to.oom, more = ok;
  for (const OmapNode *at = ok ? store_omap_from(&m->map, view(&from)) : NULL; at && more; at = store_omap_next(at)) {
    Bytesv k = store_omap_key(at);
    int c = memcmp(k.p, to.p, k.n < to.n ? k.n : to.n);
    if (c > 0 || (!c && k.n >= to.n)) break;
    if (!descending) {
      more = f(ctx, at);
      continue;
    }
    if (n == cap) {
      const OmapNode **p = realloc(all, (cap = cap * 2 + 64) * sizeof *all);
      if (!(ok = more = p != NULL)) break;
      all = p;
    }
    all[n++] = at;
  }
  while (ok && n-- && f(ctx, all[n])) continue;
  free(all);
  free(from.p);
  free(to.p);
  return ok || no_memory(e);
}

typedef struct RowWalk { StoreTableRowFn row; bool (*key)(void *, Bytesv); void *ctx; } RowWalk;
static bool give_row(void *ctx, const OmapNode *n) {
  const RowWalk *w = ctx;
  Reader in = reader(store_omap_key(n));
  in.p++;
  return w->row(w->ctx, get_int(&in), store_omap_value(n));
}
static bool give_key(void *ctx, const OmapNode *n) {
  const RowWalk *w = ctx;
  Bytesv k = store_omap_key(n);
  return w->key(w->ctx, (Bytesv){(const char *)k.p + 1, k.n - 1});
}

bool store_mem_table_rows(Store *s, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e) {
  RowWalk w = {.row = f, .ctx = ctx};
  return walk_range((Mem *)s, KEY('R', from), KEY('R', to + 1), descending, give_row, &w, e);
}

bool store_mem_table_keys(Store *s, Bytesv from, Bytesv to, bool descending, bool (*f)(void *, Bytesv), void *ctx, Err *e) {
  RowWalk w = {.key = f, .ctx = ctx};
  return walk_range((Mem *)s, key_raw(from), key_raw(to), descending, give_key, &w, e);
}
