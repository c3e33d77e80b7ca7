/* Reading rows: which index to walk, pages, cursors, single rows.
 *
 * A hit is remembered by the bytes it sorts by: the fields of :sort (complemented where descending), then partition and row number. So a
 * page is the smallest `most` of them, whatever way they were found, and a cursor is the bytes of the last hit. */
#include "runtime/base/hash.h"
#include "reader/print.h"
#include "table_int.h"
#include <stdlib.h>

enum { FEW = 5000, SORT_MAX = 16, PLACE_BYTES = 6 };

/* ---- arguments ---- */

bool query_limit(Tc *t, Val v, int64_t most, int64_t otherwise, int64_t *out) {
  *out = otherwise;
  if (is_nil(v) && otherwise) return true;
  if (!is_fix(v) || fix_of(v) < 1 || fix_of(v) > most)
    return tc_fail(t, "validation", ":limit must be an integer from 1 to %lld, not %s", (long long)most, tc_text(v));
  *out = fix_of(v);
  return true;
}

static bool sort_one(Tc *t, Val v, const char *what, CondFind find, void *ctx, int *col, bool *desc) {
  Val field = is_vec(v) && vec_count(v) ? vec_nth(v, 0) : v, dir = is_vec(v) && vec_count(v) > 1 ? vec_nth(v, 1) : NIL;
  const char *d = is_kw(dir) || is_str(dir) ? kw_text(dir) : "";
  *desc = !strcmp(d, "desc");
  if ((is_vec(v) && (!vec_count(v) || vec_count(v) > 2)) || (!is_nil(dir) && !*desc && strcmp(d, "asc")))
    return tc_fail(t, "validation", "%s is a vector of [field :asc] and [field :desc], not %s", what, tc_text(v));
  return find(ctx, t, field, col);
}

bool query_sort(Tc *t, Val sort, const char *what, CondFind find, void *ctx, int *cols, bool *desc, int max, int *n) {
  ValVec xs = {0};
  *n = 0;
  if (is_nil(sort)) return true;
  if (!is_sequential(sort) || is_sig(coll_into_array(sort, &xs)))
    return tc_fail(t, "validation", "%s must be a vector such as [[:created :desc]], not %s", what, tc_text(sort));
  if (xs.n > (size_t)max) return tc_fail(t, "validation", "%s takes at most %d fields", what, max);
  for (size_t i = 0; i < xs.n; i++, (*n)++)
    if (!sort_one(t, xs.a[i], what, find, ctx, &cols[i], &desc[i])) return false;
  return true;
}

static bool find_sort(void *ctx, Tc *t, Val key, int *col) { return meta_column(t, ctx, key, ":sort", col); }

bool scan_init(Scan *s, Tc *t, const Table *tab, Val o) {
  Cond *where;
  *s = (Scan){.t = t, .tab = tab};
  if (!meta_read_parts(t, tab, map_get_kw(o, "partitions"), s->parts, &s->nparts) ||
      !cond_parse_table(t, tab, map_get_kw(o, "where"), &where))
    return false;
  s->where = where;
  bool ok = query_sort(t, map_get_kw(o, "sort"), ":sort", find_sort, (void *)(uintptr_t)tab, s->sort, s->desc, SORT_MAX, &s->nsort);
  s->first_desc = s->nsort && s->desc[0];
  return ok;
}

/* ---- hits: a heap with the worst on top while `most` are wanted ---- */

static bool worse(const Hits *h, size_t a, size_t b) { return order_cmp(h->a[a].order, h->a[b].order) > 0; }
static void swap_hits(Hits *h, size_t a, size_t b) {
  Hit x = h->a[a];
  h->a[a] = h->a[b];
  h->a[b] = x;
}

static void sift_up(Hits *h, size_t i) {
  for (; i && worse(h, i, (i - 1) / 2); i = (i - 1) / 2) swap_hits(h, i, (i - 1) / 2);
}

static void sift_down(Hits *h, size_t i) {
  for (;;) {
    size_t top = i, l = 2 * i + 1, r = l + 1;
    if (l < h->n && worse(h, l, top)) top = l;
    if (r < h->n && worse(h, r, top)) top = r;
    if (top == i) return;
    swap_hits(h, i, top);
    i = top;
  }
}

static void hits_push(Hits *h, Hit x) {
  if (h->n == h->cap) {
    h->cap = h->cap * 2 + 64;
    Hit *more = mem_alloc(h->cap * sizeof *more);
    if (h->n) memcpy(more, h->a, h->n * sizeof *more);
    h->a = more;
  }
  h->a[h->n++] = x;
  sift_up(h, h->n - 1);
}

static int by_order(const void *a, const void *b) { return order_cmp(((const Hit *)a)->order, ((const Hit *)b)->order); }

typedef struct Walk {
  Scan *s;
  Hits *hits;
  int part;
  bool covered;  /* the index alone says that the row is meant, and gives its order */
  bool in_order; /* rows come in the order of hits: the first that is too late ends it */
  bool failed;
  int64_t looked;
  size_t prefix;  /* bytes of a key in front of the field */
  ScanRowFn each; /* instead of hits */
  void *ctx;
} Walk;

static void complement(Buf *b, size_t from) {
  for (size_t i = from; i < b->n; i++) b->p[i] = (char)~b->p[i];
}

/* The bytes the row sorts by, into the scratch. `field`: those of the only sort field, from its index. */
static Bytesv order_of(Scan *s, int part, int64_t row, Bytesv data, Bytesv field) {
  Buf *b = &s->t->scratch;
  b->n = 0;
  for (int i = 0; i < s->nsort; i++) {
    size_t from = b->n;
    Bytesv f;
    if (field.p)
      buf_add(b, field.p, field.n);
    else {
      row_field(data, s->sort[i], &f);
      order_field(s->t->env, b, f, TABLE_MAX_KEY);
    }
    if (s->desc[i]) complement(b, from);
  }
  size_t from = b->n;
  order_int(b, (uint64_t)part, 2);
  order_int(b, (uint64_t)row, 4);
  if (s->first_desc) complement(b, from);
  return (Bytesv){b->p, b->n};
}

/* false: nothing better comes behind it. */
static bool offer(Walk *w, int64_t row, Bytesv data, Bytesv field) {
  Scan *s = w->s;
  Hits *h = w->hits;
  Bytesv o = order_of(s, w->part, row, data, field);
  if (s->after.p && order_cmp(o, s->after) <= 0) return true;
  bool full = s->most && h->n == s->most;
  if (full && order_cmp(o, h->a[0].order) >= 0) return !w->in_order;
  Hit x = {tc_keep(&s->t->scratch), w->part, row};
  if (full) {
    h->a[0] = x;
    sift_down(h, 0);
  } else
    hits_push(h, x);
  return true;
}

static bool too_far(Walk *w) {
  if (++w->looked <= TABLE_MAX_SCAN) return false;
  w->failed = !tc_fail(w->s->t, "limit", "this read would look at more than %d rows of table %.80s: ask for an index field, or a partition",
                       TABLE_MAX_SCAN, w->s->tab->st.name);
  return true;
}

static bool take_found(Walk *w, int64_t row, Bytesv data, Bytesv field) {
  if (!w->each) return offer(w, row, data, field);
  return w->each(w->ctx, w->part, row, data);
}

static bool on_row(void *ctx, int64_t place, Bytesv data) {
  Walk *w = ctx;
  if (too_far(w)) return false;
  if (!cond_true(w->s->t, w->s->where, data)) return true;
  return take_found(w, place & (((int64_t)1 << TABLE_ROW_BITS) - 1), data, (Bytesv){0});
}

static int64_t row_of_key(Bytesv key) {
  const uint8_t *p = (const uint8_t *)key.p + key.n - KEY_ROW_BYTES;
  return (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | p[3];
}

bool scan_row(Tc *t, const Table *tab, int part, int64_t row, Blob *out, bool *found) {
  Err e = {0};
  *out = (Blob){0};
  *found = store_table_row(t->call->store, table_place(tab->st.id, part, row), out, &e);
  return *found || !e.code || tc_store(t, &e);
}

static bool on_key(void *ctx, Bytesv key) {
  Walk *w = ctx;
  Scan *s = w->s;
  int64_t row = row_of_key(key);
  Bytesv field = {(const char *)key.p + w->prefix, key.n - w->prefix - KEY_ROW_BYTES};
  bool by_field = s->nsort == 1 && w->in_order;
  if (w->covered && !w->each) return offer(w, row, (Bytesv){0}, by_field ? field : (Bytesv){0});
  if (too_far(w)) return false;
  Blob data;
  bool found;
  w->failed = !scan_row(s->t, s->tab, w->part, row, &data, &found);
  bool more = !w->failed;
  if (found) {
    Bytesv d = {data.p, data.n};
    if (cond_true(s->t, s->where, d)) more = take_found(w, row, d, (Bytesv){0});
  }
  blob_free(&data);
  return more;
}

/* ---- indexes ---- */

typedef struct KeyRange {
  const Cond *c;
  int number;
  bool eq, exact;
} KeyRange; /* number: of the index; 0: the key fields */

static bool better(const KeyRange *a, const KeyRange *b) { return !b->c || (a->eq && !b->eq); }

static void consider(const Table *tab, const Cond *c, bool alone, KeyRange *best) {
  if (c->op > OP_GE) return;
  if (c->op == OP_NE) return;
  KeyRange r = {c, meta_index_of(tab, c->col), c->op == OP_EQ, false};
  if (r.number < 0) return;
  r.exact = alone && r.eq && r.number > 0 && c->key.n < TABLE_MAX_KEY;
  if (better(&r, best)) *best = r;
}

static KeyRange choose(const Table *tab, const Cond *where) {
  KeyRange r = {0};
  if (where && where->op == COND_AND)
    for (int i = 0; i < where->n; i++) consider(tab, where->kids[i], where->n == 1, &r);
  else if (where)
    consider(tab, where, true, &r);
  return r;
}

/* Keys of the range in a partition: generous at its ends, the rows are looked at again. */
static void range_bounds(const Scan *s, const KeyRange *r, int part, Buf *from, Buf *to) {
  from->n = to->n = 0;
  write_index_key(s->tab, from, part, r->number);
  write_index_key(s->tab, to, part, r->number);
  char kind = *(const char *)r->c->key.p;
  enum CondOp op = r->c->op;
  size_t cut = r->number ? TABLE_MAX_KEY : 0;
  if (op == OP_EQ || op == OP_GT || op == OP_GE)
    order_value(from, r->c->value, cut);
  else
    buf_ch(from, kind);
  if (op == OP_EQ || op == OP_LT || op == OP_LE)
    order_value(to, r->c->value, cut), buf_ch(to, (char)0xff);
  else
    buf_ch(to, (char)(kind + 1));
}

static bool walk_keys(Walk *w, const Buf *from, const Buf *to, bool descending, bool (*f)(void *, Bytesv), void *ctx) {
  Err e = {0};
  bool ok = store_table_keys(w->s->t->call->store, (Bytesv){from->p, from->n}, (Bytesv){to->p, to->n}, descending, f, ctx, &e);
  return ok ? !w->failed : tc_store(w->s->t, &e);
}

static bool walk_rows(Walk *w, bool descending) {
  Err e = {0};
  int64_t id = w->s->tab->st.id;
  bool ok =
      store_table_rows(w->s->t->call->store, table_place(id, w->part, 0), table_place(id, w->part + 1, 0) - 1, descending, on_row, w, &e);
  return ok ? !w->failed : tc_store(w->s->t, &e);
}

static bool count_key(void *ctx, Bytesv key) {
  (void)key;
  return ++*(int64_t *)ctx < FEW;
}

/* Are there only few keys in the range, in all partitions? */
static bool range_few(Scan *s, const KeyRange *r, bool *few) {
  Buf from = {0}, to = {0};
  int64_t n = 0;
  Walk w = {.s = s};
  bool ok = true;
  for (int i = 0; i < s->nparts && ok && n < FEW; i++) {
    range_bounds(s, r, s->parts[i], &from, &to);
    ok = walk_keys(&w, &from, &to, false, count_key, &n);
  }
  *few = n < FEW;
  buf_free(&from);
  buf_free(&to);
  return ok;
}

static bool walk_range(Walk *w, const KeyRange *r, bool descending) {
  Buf from = {0}, to = {0};
  range_bounds(w->s, r, w->part, &from, &to);
  w->prefix = 7;
  bool ok = walk_keys(w, &from, &to, descending, on_key, w);
  buf_free(&from);
  buf_free(&to);
  return ok;
}

/* The bytes of the sort field in a cursor, as they are in the index. */
static void cursor_start(const Walk *w, int number, Buf *from, Buf *to) {
  const Scan *s = w->s;
  Buf *b = s->first_desc ? to : from;
  if (s->after.n < PLACE_BYTES) return;
  size_t n = s->after.n - PLACE_BYTES;
  Buf c = {0};
  buf_add(&c, s->after.p, s->after.n);
  if (s->first_desc) complement(&c, 0);
  b->n = 0;
  write_index_key(s->tab, b, w->part, number);
  buf_add(b, c.p, n);
  bool same_part = ((uint8_t)c.p[n] << 8 | (uint8_t)c.p[n + 1]) == w->part;
  if (same_part)
    buf_add(b, c.p + n + 2, 4);
  else if (s->first_desc)
    buf_ch(b, (char)0xff);
  buf_free(&c);
}

/* The index of the one sort field, from its beginning, its bound or the cursor. */
static bool walk_sorted(Walk *w, int number, const KeyRange *bound) {
  Buf from = {0}, to = {0};
  write_index_key(w->s->tab, &from, w->part, number);
  write_index_key(w->s->tab, &to, w->part, number);
  buf_ch(&to, (char)0xff);
  if (bound->c && bound->number == number) range_bounds(w->s, bound, w->part, &from, &to);
  if (w->s->after.p) cursor_start(w, number, &from, &to);
  w->prefix = 7;
  bool ok = walk_keys(w, &from, &to, w->s->first_desc, on_key, w);
  buf_free(&from);
  buf_free(&to);
  return ok;
}

typedef struct Plan {
  enum { PLAN_ROWS, PLAN_RANGE, PLAN_RANGE_IN_ORDER, PLAN_SORTED } way;
  KeyRange range;
  int number;
} Plan;

static bool plan(Scan *s, Plan *p) {
  *p = (Plan){.way = PLAN_ROWS, .range = choose(s->tab, s->where), .number = s->nsort == 1 ? meta_index_of(s->tab, s->sort[0]) : -1};
  bool few = false;
  if (p->range.c && !s->nsort && p->range.eq && p->range.number > 0)
    p->way = PLAN_RANGE_IN_ORDER;
  else if (p->range.c && p->number > 0 && p->range.number == p->number)
    p->way = PLAN_SORTED;
  else {
    if (p->range.c && !range_few(s, &p->range, &few)) return false;
    p->way = few ? PLAN_RANGE : p->number > 0 ? PLAN_SORTED : PLAN_ROWS;
  }
  return true;
}

static bool walk_part(Walk *w, const Plan *p) {
  Scan *s = w->s;
  w->in_order = p->way == PLAN_SORTED || p->way == PLAN_RANGE_IN_ORDER || (p->way == PLAN_ROWS && !s->nsort);
  w->covered = (p->way == PLAN_SORTED && !s->where) ||
               (p->range.exact && (p->way == PLAN_RANGE_IN_ORDER || p->way == PLAN_SORTED) && !(s->nsort && p->way != PLAN_SORTED) &&
                (p->way != PLAN_SORTED || p->range.number == p->number));
  if (p->way == PLAN_SORTED) return walk_sorted(w, p->number, &p->range);
  return p->way == PLAN_ROWS ? walk_rows(w, false) : walk_range(w, &p->range, false);
}

bool scan_hits(Scan *s, Hits *out) {
  Plan p;
  *out = (Hits){0};
  if (!plan(s, &p)) return false;
  int64_t looked = 0;
  for (int i = 0; i < s->nparts; i++) {
    Walk w = {.s = s, .hits = out, .part = s->parts[i], .looked = looked};
    if (!walk_part(&w, &p)) return false;
    looked = w.looked;
  }
  if (out->n) qsort(out->a, out->n, sizeof *out->a, by_order);
  return true;
}

bool scan_each(Scan *s, ScanRowFn f, void *ctx) {
  KeyRange r = choose(s->tab, s->where);
  for (int i = 0; i < s->nparts; i++) {
    Walk w = {.s = s, .part = s->parts[i], .each = f, .ctx = ctx};
    bool ordered = r.c && r.eq && r.number > 0;
    if (!(ordered ? walk_range(&w, &r, false) : walk_rows(&w, false))) return false;
  }
  return true;
}

/* ---- counting ---- */

static bool count_row(void *ctx, int part, int64_t row, Bytesv data) {
  (void)part, (void)row, (void)data;
  ++*(int64_t *)ctx;
  return true;
}

static bool count_every_key(void *ctx, Bytesv key) {
  (void)key;
  ++*(int64_t *)ctx;
  return true;
}

static bool total(Scan *s, int64_t *n) {
  KeyRange r = choose(s->tab, s->where);
  *n = 0;
  if (s->where && !r.exact) return scan_each(s, count_row, n);
  Buf from = {0}, to = {0};
  bool ok = true;
  for (int i = 0; i < s->nparts && ok; i++) {
    if (!s->where)
      *n += s->tab->parts[s->parts[i]].rows;
    else {
      Walk w = {.s = s};
      range_bounds(s, &r, s->parts[i], &from, &to);
      ok = walk_keys(&w, &from, &to, false, count_every_key, n);
    }
  }
  buf_free(&from);
  buf_free(&to);
  return ok;
}

/* ---- cursors: base64 of a check over the query and the bytes, and the bytes ---- */

static uint64_t check_of(Tc *t, const Table *tab, Val o, Bytesv order) {
  Buf b = {0};
  buf_fmt(&b, "%lld", (long long)tab->st.id);
  static const char *const keys[] = {"where", "sort", "partitions"};
  for (int i = 0; i < 3; i++) print_to(&b, map_get_kw(o, keys[i]), &print_readably);
  buf_add(&b, order.p, order.n);
  uint8_t h[32];
  hash_sha256(b.p, b.n, h);
  buf_free(&b);
  uint64_t x;
  memcpy(&x, h, 8);
  (void)t;
  return x;
}

static Val cursor_make(Tc *t, const Table *tab, Val o, Bytesv order) {
  Buf raw = {0}, text = {0};
  uint64_t x = check_of(t, tab, o, order);
  buf_add(&raw, (const char *)&x, 8);
  buf_add(&raw, order.p, order.n);
  hash_base64((const uint8_t *)raw.p, raw.n, &text);
  while (text.n && text.p[text.n - 1] == '=') text.n--;
  for (size_t i = 0; i < text.n; i++) text.p[i] = text.p[i] == '+' ? '-' : text.p[i] == '/' ? '_' : text.p[i];
  buf_free(&raw);
  return buf_str(&text);
}

static bool cursor_read(Tc *t, const Table *tab, Val o, Val v, Bytesv *out) {
  Buf raw = {0};
  uint64_t x = 0;
  bool ok = is_str(v) && str_n(v) < 40000 && hash_unbase64(str_s(v), str_n(v), &raw) && raw.n >= 8 + PLACE_BYTES;
  if (ok) {
    memcpy(&x, raw.p, 8);
    memmove(raw.p, raw.p + 8, raw.n -= 8);
    *out = tc_keep(&raw);
    ok = x == check_of(t, tab, o, *out);
  }
  buf_free(&raw);
  return ok || tc_fail(t, "validation",
                       ":cursor %s is not from a page of this query: take :next-cursor of the page before, with the same :where and :sort",
                       tc_text(v));
}

/* ---- query ---- */

typedef struct Page {
  bool cursor, want_total;
  int64_t limit, offset;
  Val page;
} Page;

static bool page_mode(Tc *t, Page *p) {
  Val mode = map_get_kw(p->page, "mode");
  const char *s = is_kw(mode) || is_str(mode) ? kw_text(mode) : "";
  p->cursor = !strcmp(s, "cursor") || (is_nil(mode) && !is_nil(map_get_kw(p->page, "cursor")));
  return is_nil(mode) || p->cursor || !strcmp(s, "offset") ||
         tc_fail(t, "validation", ":page :mode must be :offset or :cursor, not %s", tc_text(mode));
}

static bool page_read(Tc *t, Val o, Page *p) {
  p->page = map_get_kw(o, "page");
  if (!is_map(p->page))
    return tc_fail(t, "validation", ":query needs :page {:mode :offset :limit n} or {:mode :cursor :limit n}, not %s", tc_text(p->page));
  if (!page_mode(t, p) || !query_limit(t, map_get_kw(p->page, "limit"), TABLE_MAX_PAGE, 0, &p->limit)) return false;
  Val offset = map_get_kw(p->page, "offset");
  if (!is_nil(offset) && (p->cursor || !is_fix(offset) || fix_of(offset) < 0 || fix_of(offset) > TABLE_MAX_OFFSET))
    return tc_fail(t, "validation", ":page :offset must be an integer from 0 to %d, in mode :offset, not %s (deeper pages: mode :cursor)",
                   TABLE_MAX_OFFSET, tc_text(offset));
  p->offset = is_nil(offset) ? 0 : fix_of(offset);
  p->want_total = truthy(map_get_kw(p->page, "include-total-count")) || truthy(map_get_kw(p->page, "include-total-count?"));
  return true;
}

static bool page_start(Scan *s, Val o, const Page *p) {
  Val cursor = map_get_kw(p->page, "cursor");
  s->most = (size_t)(p->offset + p->limit + 1);
  if (!p->cursor) return is_nil(cursor) || tc_fail(s->t, "validation", ":page :cursor needs :mode :cursor");
  if (!s->nsort) return tc_fail(s->t, "validation", ":page :mode :cursor needs :sort");
  return is_nil(cursor) || cursor_read(s->t, s->tab, o, cursor, &s->after);
}

static bool page_rows(Scan *s, const Hits *h, const Page *p, const int *cols, int ncols, Val *rows, Val *ids) {
  *rows = *ids = vec_empty;
  for (int64_t i = p->offset; i < (int64_t)h->n && i < p->offset + p->limit; i++) {
    Blob data;
    bool found;
    const Hit *x = &h->a[i];
    if (!scan_row(s->t, s->tab, x->part, x->row, &data, &found)) return false;
    Val m = found ? meta_row_map(s->t->env, s->tab, (Bytesv){data.p, data.n}, cols, ncols) : map_empty;
    blob_free(&data);
    if (is_sig(m)) return tc_pending(s->t);
    *rows = vec_conj(*rows, m);
    *ids = vec_conj(*ids, meta_row_id(x->part, x->row));
  }
  return true;
}

static Val page_result(Scan *s, Val o, const Page *p, const Hits *h) {
  bool more = (int64_t)h->n > p->offset + p->limit;
  Val kv[] = {kw_c("mode"), kw_c(p->cursor ? "cursor" : "offset"), kw_c("limit"), fix(p->limit), kw_c("has-more"), bool_val(more)};
  Val m = map_from(kv, 3, false);
  if (!p->cursor) m = map_assoc(m, kw_c("offset"), fix(p->offset));
  if (!p->cursor && more) m = map_assoc(m, kw_c("next-offset"), fix(p->offset + p->limit));
  if (p->cursor) m = map_assoc(m, kw_c("next-cursor"), more ? cursor_make(s->t, s->tab, o, h->a[p->limit - 1].order) : NIL);
  return m;
}

bool query_run(Tc *t, Table *tab, Val o, Val *result) {
  Page p = {0};
  Scan s;
  Hits h;
  int cols[TABLE_MAX_COLUMNS], ncols;
  Val rows, ids;
  int64_t n = 0;
  if (!page_read(t, o, &p) || !scan_init(&s, t, tab, o) || !page_start(&s, o, &p)) return false;
  if (!meta_columns_arg(t, tab, map_get_kw(o, "select"), ":select", cols, TABLE_MAX_COLUMNS, &ncols)) return false;
  if (!scan_hits(&s, &h) || !page_rows(&s, &h, &p, cols, ncols, &rows, &ids)) return false;
  Val page = page_result(&s, o, &p, &h);
  if (p.want_total && !total(&s, &n)) return false;
  if (p.want_total) page = map_assoc(page, kw_c("total-count"), int_val(n));
  Val kv[] = {kw_c("rows"), rows, kw_c("row-ids"), ids, kw_c("count"), fix(vec_count(rows)), kw_c("page"), page};
  *result = map_from(kv, 4, false);
  return true;
}

/* ---- one row ---- */

static bool locate_by_key(Tc *t, const Table *tab, Val o, Val key, int *part, int64_t *row) {
  int parts[TABLE_MAX_READ_PARTS], n;
  Buf b = {0};
  *row = -1;
  bool ok = meta_read_parts(t, tab, map_get_kw(o, "partitions"), parts, &n) && write_key_of(t, tab, key, true, &b);
  for (int i = 0; i < n && ok && *row < 0; i++) {
    *part = parts[i];
    ok = write_find_key(t, tab, parts[i], (Bytesv){b.p, b.n}, row);
  }
  buf_free(&b);
  return ok;
}

static bool locate(Tc *t, const Table *tab, Val o, int *part, int64_t *row, Blob *data, bool *found) {
  Val id = map_get_kw(o, "row-id"), key = map_get_kw(o, "key");
  *found = false;
  if (is_nil(id) == is_nil(key)) return tc_fail(t, "validation", "which row? Give :row-id or :key, one of them");
  bool ok = is_nil(key) ? meta_parse_row_id(t, tab, id, part, row) : locate_by_key(t, tab, o, key, part, row);
  return ok && (*row < 0 || scan_row(t, tab, *part, *row, data, found));
}

bool query_locate(Tc *t, const Table *tab, Val o, int *part, int64_t *row, Blob *data) {
  bool found;
  if (!locate(t, tab, o, part, row, data, &found)) return false;
  Val id = map_get_kw(o, "row-id");
  return found || tc_fail(t, "not-found", "table %.80s has no row %s", tab->st.name, tc_text(is_nil(id) ? map_get_kw(o, "key") : id));
}

bool query_get_row(Tc *t, Table *tab, Val o, Val *result) {
  int part, cols[TABLE_MAX_COLUMNS], ncols;
  int64_t row;
  Blob data = {0};
  Bytesv formats;
  bool found, missing_id = false;
  if (!meta_columns_arg(t, tab, map_get_kw(o, "select"), ":select", cols, TABLE_MAX_COLUMNS, &ncols)) return false;
  if (!locate(t, tab, o, &part, &row, &data, &found)) {
    missing_id = kw_is(map_get_kw(*t->error, "type"), "not-found");
    if (!missing_id) return false;
    *t->error = NIL;
  }
  Bytesv d = {data.p, data.n};
  Val m = found ? meta_row_map(t->env, tab, d, cols, ncols) : NIL;
  Val kv[] = {kw_c("row"), m, kw_c("exists?"), bool_val(found)};
  *result = map_from(kv, 2, false);
  if (found) *result = map_assoc(*result, kw_c("row-id"), meta_row_id(part, row));
  if (found && row_field(d, 0, &formats)) *result = map_assoc(*result, kw_c("formats"), row_value(t->env, formats));
  blob_free(&data);
  return !is_sig(m) || tc_pending(t);
}
