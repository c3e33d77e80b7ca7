/* Rows and keys of tables that are submitted and not committed yet: reads see them over what is stored, so nobody waits for the disk to
 * see its own change or that of another run.
 *
 * They are put into an ordered map at the first read that comes while they are on their way (most writes are never read that soon): under
 * R and the place, big-endian, or K and the key; the value is the serial number of the batch, what was done, and the row. Later batches
 * replace what earlier ones said. When a batch is finished, what is still its own goes out again. The map belongs to queue_lock. */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

enum { SERIAL = 8, PLACE = 8 };

static void place_bytes(int64_t place, char out[PLACE]) {
  for (int i = 0; i < PLACE; i++) out[i] = (char)((uint64_t)place >> (8 * (PLACE - 1 - i)));
}

static int64_t place_of(const char *p) {
  uint64_t n = 0;
  for (int i = 0; i < PLACE; i++) n = n << 8 | (uint8_t)p[i];
  return (int64_t)n;
}

/* The key in the map, malloc'ed; p NULL: no memory. */
static Bytesv map_key(char kind, const void *p, size_t n) {
  char *k = malloc(n + 1);
  if (!k) return (Bytesv){0};
  k[0] = kind;
  if (n) memcpy(k + 1, p, n);
  return (Bytesv){k, n + 1};
}

static Bytesv edit_key(const TableEdit *x) {
  char place[PLACE];
  if (x->what == 'K' || x->what == 'k') return map_key('K', x->v.p, x->v.n);
  place_bytes(x->place, place);
  return map_key('R', place, PLACE);
}

/* ---- into the map and out of it ---- */

static bool edit_put(Sq *s, uint64_t serial, const TableEdit *x) {
  size_t n = x->what == 'R' ? x->v.n : 0;
  char *v = malloc(SERIAL + 1 + n);
  Bytesv k = edit_key(x);
  if (v) memcpy(v, &serial, SERIAL), v[SERIAL] = x->what;
  if (v && n) memcpy(v + SERIAL + 1, x->v.p, n);
  bool ok = v && k.p && store_omap_put(&s->pending, k, (Bytesv){v, SERIAL + 1 + n});
  free(v);
  free((void *)(uintptr_t)k.p);
  return ok;
}

static bool edit_take(Sq *s, uint64_t serial, const TableEdit *x) {
  uint64_t by;
  Bytesv k = edit_key(x);
  const OmapNode *n = k.p ? store_omap_get(&s->pending, k) : NULL;
  if (n) memcpy(&by, store_omap_value(n).p, SERIAL);
  if (n && by == serial) store_omap_del(&s->pending, k);
  free((void *)(uintptr_t)k.p);
  return k.p != NULL;
}

static bool each_edit(Sq *s, const Batch *b, bool (*f)(Sq *s, uint64_t serial, const TableEdit *x)) {
  bool ok = true;
  for (size_t i = 0; i < b->n && ok; i++) {
    const Op *op = &b->ops[i];
    const char *p = op_blob(b, op), *end = p + op->blob_n;
    TableEdit x;
    while (op->type == OP_TABLE_EDITS && ok && table_edit_next(&p, end, &x)) ok = f(s, b->pending_serial, &x);
  }
  return ok;
}

/* With queue_lock. All that is on its way is in the map. */
static bool brought_up(Sq *s, Err *e) {
  for (Batch *b = s->kv_first; b; b = b->kv_next) {
    if (!b->has_table || b->pending_serial) continue;
    b->pending_serial = ++s->pending_serial;
    if (!each_edit(s, b, edit_put)) return sq_no_memory(e);
  }
  sq_kv_seen(s);
  return true;
}

static bool none(const Sq *s) {
  for (const Batch *b = s->kv_first; b; b = b->kv_next)
    if (b->has_table) return false;
  return true;
}

/* Without memory for a key nothing can be taken out; then all of it goes, and comes in again at the next read. */
void sq_pending_done(Sq *s, const Batch *done) {
  if (!done->pending_serial || each_edit(s, done, edit_take)) return;
  store_omap_free(&s->pending);
  for (Batch *b = s->kv_first; b; b = b->kv_next) b->pending_serial = 0;
}

/* ---- reading ---- */

enum SqPending sq_pending_row(Sq *s, int64_t place, Blob *out, Err *e) {
  char key[1 + PLACE] = "R";
  enum SqPending found = SQ_PENDING_NONE;
  place_bytes(place, key + 1);
  pthread_mutex_lock(&s->queue_lock);
  bool ok = none(s) || brought_up(s, e);
  const OmapNode *n = ok ? store_omap_get(&s->pending, (Bytesv){key, sizeof key}) : NULL;
  if (n) {
    Bytesv v = store_omap_value(n);
    const char *p = v.p;
    found = p[SERIAL] == 'r' ? SQ_PENDING_GONE : SQ_PENDING_THERE;
    if (found == SQ_PENDING_THERE) ok = blob_copy(out, p + SERIAL + 1, v.n - SERIAL - 1) || sq_no_memory(e);
  }
  pthread_mutex_unlock(&s->queue_lock);
  return ok ? found : SQ_PENDING_ERROR;
}

void sq_pending_free(SqPendingRange *r) {
  for (size_t i = 0; i < r->n; i++) free(r->a[i].mem);
  free(r->a);
  *r = (SqPendingRange){0};
}

static bool range_add(SqPendingRange *r, const OmapNode *n) {
  Bytesv k = store_omap_key(n), v = store_omap_value(n);
  const char *what = (const char *)v.p + SERIAL;
  size_t need = k.n - 1 + v.n - SERIAL - 1;
  if (r->n == r->cap) {
    SqPendingItem *more = realloc(r->a, (r->cap = r->cap * 2 + 16) * sizeof *more);
    if (!more) return false;
    r->a = more;
  }
  char *p = malloc(need + 1);
  if (!p) return false;
  memcpy(p, (const char *)k.p + 1, k.n - 1);
  memcpy(p + k.n - 1, what + 1, v.n - SERIAL - 1);
  r->a[r->n++] = (SqPendingItem){.mem = p, .key = {p, k.n - 1}, .row = {p + k.n - 1, v.n - SERIAL - 1}, .gone = *what == 'r' || *what == 'k',
                                 .place = *(const char *)k.p == 'R' ? place_of(p) : 0};
  return true;
}

static int key_cmp(Bytesv a, Bytesv b) {
  int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
  return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* With queue_lock. */
static bool range_fill(Sq *s, Bytesv from, Bytesv to, SqPendingRange *out) {
  for (const OmapNode *n = store_omap_from(&s->pending, from); n && key_cmp(store_omap_key(n), to) < 0; n = store_omap_next(n))
    if (!range_add(out, n)) return false;
  return true;
}

static void backwards(SqPendingRange *r) {
  for (size_t i = 0; i < r->n / 2; i++) {
    SqPendingItem x = r->a[i];
    r->a[i] = r->a[r->n - 1 - i];
    r->a[r->n - 1 - i] = x;
  }
}

static bool range(Sq *s, Bytesv from, Bytesv to, bool descending, SqPendingRange *out, Err *e) {
  *out = (SqPendingRange){0};
  pthread_mutex_lock(&s->queue_lock);
  bool ok = none(s) || (brought_up(s, e) && (range_fill(s, from, to, out) || sq_no_memory(e)));
  pthread_mutex_unlock(&s->queue_lock);
  if (descending) backwards(out);
  if (!ok) sq_pending_free(out);
  return ok;
}

bool sq_pending_rows(Sq *s, int64_t from, int64_t to, bool descending, SqPendingRange *out, Err *e) {
  char a[1 + PLACE] = "R", b[1 + PLACE] = "R";
  place_bytes(from, a + 1);
  place_bytes(to + 1, b + 1);
  return range(s, (Bytesv){a, sizeof a}, (Bytesv){b, sizeof b}, descending, out, e);
}

bool sq_pending_keys(Sq *s, Bytesv from, Bytesv to, bool descending, SqPendingRange *out, Err *e) {
  Bytesv a = map_key('K', from.p, from.n), b = map_key('K', to.p, to.n);
  bool ok = a.p && b.p ? range(s, a, b, descending, out, e) : sq_no_memory(e);
  free((void *)(uintptr_t)a.p);
  free((void *)(uintptr_t)b.p);
  return ok;
}
