/* Table operations of a batch, and their doors. The edits of one batch lie behind each other in one operation:
 *   what (1 byte: R row put, r row deleted, K key put, k key deleted) · place (8 bytes, native; rows) · length (4 bytes, native;
 *   R K k) · bytes */
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

void store_table_free(StoreTable *t) {
  free(t->workspace);
  free(t->name);
  blob_free(&t->meta);
  *t = (StoreTable){0};
}

void table_key_prefix(int64_t id, char out[4]) {
  for (int i = 0; i < 4; i++) out[i] = (char)((uint64_t)id >> (24 - 8 * i));
}

static Op *table_op(Batch *b, enum OpType type, const char *workspace, const char *name, int64_t id) {
  Op *op = batch_op(b, type, 0, 0);
  if (!op) return NULL;
  b->has_kv = b->has_table = true;
  op->i[0] = id;
  op->i[1] = (int64_t)op_key_hash(workspace, name);
  op_set_key(b, op, workspace, name);
  return op;
}

void batch_table_put(Batch *b, const StoreTable *t) {
  Op *op = table_op(b, OP_TABLE_PUT, t->workspace, t->name, t->id);
  if (!op) return;
  op->i[2] = t->rows;
  op->i[3] = t->created_ms;
  op->i[4] = t->updated_ms;
  op_set_blob(b, op, (Bytesv){t->meta.p, t->meta.n}, 0);
}

void batch_table_drop(Batch *b, const char *workspace, const char *name, int64_t id) { table_op(b, OP_TABLE_DROP, workspace, name, id); }

static void edit_add(Batch *b, char what, int64_t place, Bytesv v) {
  if (!b || b->error) return;
  Op *op = b->n ? &b->ops[b->n - 1] : NULL;
  bool more = op && op->type == OP_TABLE_EDITS && op->blob + op->blob_n == b->mem_n;
  if (!more && !(op = batch_op(b, OP_TABLE_EDITS, 0, 0))) return;
  if (!more) op->blob = b->mem_n;
  bool row = what == 'R' || what == 'r';
  size_t n = 1 + (row ? 8 : 0) + (what == 'r' ? 0 : 4 + v.n);
  char *p = op->blob_n + n > STORE_BLOB_MAX ? NULL : batch_room(b, n);
  if (!p) {
    if (!b->error) b->error = "too_big";
    return;
  }
  uint32_t len = (uint32_t)v.n;
  *p++ = what;
  if (row) memcpy(p, &place, 8), p += 8;
  if (what != 'r') memcpy(p, &len, 4), p += 4;
  if (what != 'r' && v.n) memcpy(p, v.p, v.n);
  op->blob_n += n;
}

void batch_table_row_put(Batch *b, int64_t place, Bytesv data) { edit_add(b, 'R', place, data); }
void batch_table_row_del(Batch *b, int64_t place) { edit_add(b, 'r', place, (Bytesv){0}); }
void batch_table_key_put(Batch *b, Bytesv key) { edit_add(b, 'K', 0, key); }
void batch_table_key_del(Batch *b, Bytesv key) { edit_add(b, 'k', 0, key); }

BatchMark batch_mark(const Batch *b) {
  return b ? (BatchMark){b->n, b->mem_n, b->n ? b->ops[b->n - 1].blob_n : 0, b->has_kv, b->has_table} : (BatchMark){0};
}

void batch_undo(Batch *b, BatchMark m) {
  if (!b || b->error) return;
  b->n = m.n;
  b->mem_n = m.mem;
  if (m.n) b->ops[m.n - 1].blob_n = m.blob_n;
  b->has_kv = m.kv;
  b->has_table = m.table;
}

bool table_edit_next(const char **p, const char *end, TableEdit *out) {
  if (*p >= end) return false;
  uint32_t n = 0;
  out->what = *(*p)++;
  if (out->what == 'R' || out->what == 'r') memcpy(&out->place, *p, 8), *p += 8;
  if (out->what != 'r') memcpy(&n, *p, 4), *p += 4;
  out->v = (Bytesv){*p, n};
  *p += n;
  return true;
}

/* ---- the door ---- */

int64_t store_next_table(Store *s) {
  if (!s->next_table) {
    int64_t max = s->impl->table_max(s);
    if (max < 0) return -1;
    s->next_table = max + 1;
  }
  return s->next_table >= (int64_t)1 << TABLE_ID_BITS ? -1 : s->next_table++;
}

bool store_table_get(Store *s, const char *workspace, const char *name, StoreTable *out, Err *e) {
  return s->impl->table_get(store_fresh(s, e), workspace, name, out, e);
}
size_t store_tables(Store *s, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e) {
  return s->impl->tables(store_fresh(s, e), workspace, after ? after : "", out, max, e);
}
bool store_table_settle(Store *s, Err *e) { return !s->impl->tables_pending(store_fresh(s, e)) || store_submit_wait(s, batch_new(), e); }
Store *store_reader(Store *s, Err *e) {
  Store *r = s->impl->reader ? s->impl->reader(store_fresh(s, e), e) : NULL;
  if (r && !r->path) r->path = strdup(s->path);
  return r;
}
bool store_reader_begin(Store *s, const _Atomic bool *stop, Err *e) { return s->impl->reader_begin(store_fresh(s, e), stop, e); }
void store_reader_end(Store *s) { s->impl->reader_end(s); }
bool store_table_row(Store *s, int64_t place, Blob *out, Err *e) { return s->impl->table_row(store_fresh(s, e), place, out, e); }
bool store_table_rows(Store *s, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e) {
  return s->impl->table_rows(store_fresh(s, e), from, to, descending, f, ctx, e);
}
bool store_table_keys(Store *s, Bytesv from, Bytesv to, bool descending, bool (*f)(void *ctx, Bytesv key), void *ctx, Err *e) {
  return s->impl->table_keys(store_fresh(s, e), from, to, descending, f, ctx, e);
}
