/* :aggregate - groups and their metrics, exactly: sums of integers and decimals never lose a digit. avg of integers is exact or a double,
 * of decimals rounded to 20 digits behind the point (HALF_UP). */
#include "runtime/base/json.h"
#include "runtime/store/store_omap.h"
#include "table_int.h"
#include <stdlib.h>

enum { AGG_FIELDS = 16, AGG_METRICS = 32, AVG_DIGITS = 20 };
enum AggOp { AGG_COUNT, AGG_SUM, AGG_AVG, AGG_MIN, AGG_MAX };
static const char *const op_name[] = {"count", "sum", "avg", "min", "max"};

typedef struct Metric {
  enum AggOp op;
  int col;
  Val as;
} Metric; /* col 0: rows */
typedef struct Group {
  int64_t n[AGG_METRICS];
  Val acc[AGG_METRICS];
  Val by[AGG_FIELDS];
  Bytesv key;
} Group;

typedef struct Agg {
  Tc *t;
  const Table *tab;
  int by[AGG_FIELDS], nby;
  Val by_as[AGG_FIELDS];
  Metric metrics[AGG_METRICS];
  int nmetrics;
  Omap map;
  Group **groups;
  size_t n, cap;
  Buf key;
  int64_t row;
  bool failed;
} Agg;

/* ---- arguments ---- */

static bool list_arg(Tc *t, Val v, const char *what, size_t max, ValVec *xs) {
  if (is_nil(v)) return true;
  if (is_kw(v) || is_str(v))
    vv_push(xs, v);
  else if (!is_sequential(v) || is_sig(coll_into_array(v, xs)))
    return tc_fail(t, "validation", "%s must be a vector, not %s", what, tc_text(v));
  return xs->n <= max || tc_fail(t, "validation", "%s takes at most %zu entries", what, max);
}

static bool named(Tc *t, Val as, Val otherwise, Val *out) {
  *out = meta_column_key(is_nil(as) ? otherwise : as);
  return !same(*out, ABSENT) || tc_fail(t, "validation", ":as must be a keyword or a text, not %s", tc_text(as));
}

static bool read_groups(Agg *a, Val v) {
  ValVec xs = {0};
  if (!list_arg(a->t, v, ":group-by", AGG_FIELDS, &xs)) return false;
  for (size_t i = 0; i < xs.n; i++, a->nby++) {
    Val field = is_map(xs.a[i]) ? map_get_kw(xs.a[i], "field") : xs.a[i];
    if (!meta_column(a->t, a->tab, field, ":group-by", &a->by[i]) || !named(a->t, map_get_kw(xs.a[i], "as"), field, &a->by_as[i]))
      return false;
  }
  return true;
}

static bool read_metric(Agg *a, Val v) {
  Metric *m = &a->metrics[a->nmetrics++];
  Val op = map_get_kw(v, "op"), field = map_get_kw(v, "field"), as = map_get_kw(v, "as");
  const char *s = is_kw(op) || is_str(op) ? kw_text(op) : "";
  int at = 0;
  while (at < 5 && strcmp(op_name[at], s)) at++;
  if (!is_map(v) || at == 5)
    return tc_fail(a->t, "validation", ":metrics is a vector of {:op :count|:sum|:avg|:min|:max :field column :as name}, not %s",
                   tc_text(v));
  m->op = (enum AggOp)at;
  if (is_nil(field) && m->op != AGG_COUNT) return tc_fail(a->t, "validation", "metric :%s needs :field", s);
  if (!is_nil(field) && !meta_column(a->t, a->tab, field, ":metrics", &m->col)) return false;
  return named(a->t, as, is_nil(field) ? kw_c("count") : str_fmt("%s-%s", s, kw_text(field)), &m->as);
}

static bool read_metrics(Agg *a, Val v) {
  ValVec xs = {0};
  if (is_map(v))
    vv_push(&xs, v);
  else if (!list_arg(a->t, v, ":metrics", AGG_METRICS, &xs))
    return false;
  for (size_t i = 0; i < xs.n; i++)
    if (!read_metric(a, xs.a[i])) return false;
  if (!xs.n) a->metrics[a->nmetrics++] = (Metric){.as = kw_c("count")};
  return true;
}

/* Names of the result: groups first. */
static bool find_result(void *ctx, Tc *t, Val key, int *col) {
  const Agg *a = ctx;
  Val k = meta_column_key(key);
  for (int i = 0; i < a->nby + a->nmetrics; i++) {
    Val as = i < a->nby ? a->by_as[i] : a->metrics[i - a->nby].as;
    if (same(as, k) || (is_str(as) && is_str(k) && !str_cmp(as, k))) {
      *col = i;
      return true;
    }
  }
  return tc_fail(t, "validation", ":having and :order-by name groups and metrics of the result; there is no %s", tc_text(key));
}

/* ---- rows ---- */

static Group *group_new(Agg *a, Bytesv row, Bytesv key) {
  Group *g = mem_alloc(sizeof *g);
  Buf b = {0};
  for (int i = 0; i < a->nby; i++) {
    Bytesv f;
    row_field(row, a->by[i], &f);
    g->by[i] = row_value(a->t->env, f);
  }
  buf_add(&b, key.p, key.n);
  g->key = tc_keep(&b);
  buf_free(&b);
  if (a->n == a->cap) {
    a->cap = a->cap * 2 + 32;
    Group **more = mem_alloc(a->cap * sizeof *more);
    if (a->n) memcpy(more, a->groups, a->n * sizeof *more);
    a->groups = more;
  }
  return a->groups[a->n++] = g;
}

static Group *group_of(Agg *a, Bytesv row) {
  Bytesv f;
  a->key.n = 0;
  for (int i = 0; i < a->nby; i++) {
    row_field(row, a->by[i], &f);
    order_field(a->t->env, &a->key, f, 0);
  }
  Bytesv key = {a->key.p ? a->key.p : "", a->key.n};
  const OmapNode *n = store_omap_get(&a->map, key);
  size_t at = a->n;
  if (n) {
    memcpy(&at, store_omap_value(n).p, sizeof at);
    return a->groups[at];
  }
  if (a->n == TABLE_MAX_GROUPS)
    return tc_fail(a->t, "limit", ":aggregate makes more than %d groups: narrow it with :where", TABLE_MAX_GROUPS), NULL;
  if (!store_omap_put(&a->map, key, (Bytesv){&at, sizeof at})) return tc_fail(a->t, "limit", "out of memory"), NULL;
  return group_new(a, row, key);
}

static int cmp_values(Val x, Val y) {
  Buf a = {0}, b = {0};
  order_value(&a, x, 0);
  order_value(&b, y, 0);
  int c = order_cmp((Bytesv){a.p, a.n}, (Bytesv){b.p, b.n});
  buf_free(&a);
  buf_free(&b);
  return c;
}

static bool add_number(Agg *a, const Metric *m, Val *acc, int64_t n, Val v) {
  if (!is_num(v))
    return tc_fail(a->t, "validation", ":%s of column %s: row %s holds %s, which is no number", op_name[m->op],
                   a->tab->cols[m->col - 1].name, tc_text(int_val(a->row)), tc_text(v));
  Val s = n ? num_addp(*acc, v) : v;
  if (is_sig(s)) return tc_pending(a->t);
  *acc = s;
  return true;
}

static bool add(Agg *a, Group *g, int i, Bytesv row) {
  const Metric *m = &a->metrics[i];
  Bytesv f;
  if (!m->col) return ++g->n[i];
  if (!row_field(row, m->col, &f)) return true;
  if (m->op == AGG_COUNT && *(const char *)f.p != 'n') return ++g->n[i];
  Val v = row_value(a->t->env, f);
  if (is_sig(v)) return tc_pending(a->t);
  if (is_nil(v)) return true;
  if (m->op == AGG_SUM || m->op == AGG_AVG) {
    if (!add_number(a, m, &g->acc[i], g->n[i], v)) return false;
  } else if (!g->n[i] || (m->op == AGG_MIN ? cmp_values(v, g->acc[i]) < 0 : cmp_values(v, g->acc[i]) > 0))
    g->acc[i] = v;
  g->n[i]++;
  return true;
}

static bool on_row(void *ctx, int part, int64_t number, Bytesv row) {
  Agg *a = ctx;
  (void)part;
  a->row = number;
  Group *g = group_of(a, row);
  for (int i = 0; g && i < a->nmetrics && !a->failed; i++) a->failed = !add(a, g, i, row);
  a->failed = a->failed || !g;
  return !a->failed;
}

/* ---- results ---- */

static Val average(Val sum, int64_t n) {
  Val q = is_type(sum, T_DECIMAL) ? num_rationalize(sum) : sum;
  q = num_div(q, int_val(n));
  if (is_sig(q) || !is_type(sum, T_DECIMAL)) return is_type(q, T_RATIO) ? dbl_val(num_to_double(q)) : q;
  if (!is_type(q, T_RATIO)) return num_to_decimal(q);
  Val scale = num_to_bigint(fix(1));
  for (int i = 0; i < AVG_DIGITS; i++) scale = num_mulp(scale, fix(10));
  Val twice = num_mulp(num_mulp(q, scale), fix(2)), half = num_is_neg(q) ? fix(-1) : fix(1);
  Val whole = num_quot(num_addp(twice, half), fix(2));
  Val d = num_to_decimal(whole);
  if (is_sig(d)) return d;
  return num_div(d, num_to_decimal(scale));
}

static bool metric_value(Agg *a, const Group *g, int i, Val *out) {
  const Metric *m = &a->metrics[i];
  *out = m->op == AGG_COUNT ? int_val(g->n[i]) : g->n[i] ? g->acc[i] : m->op == AGG_SUM ? fix(0) : NIL;
  if (m->op == AGG_AVG && g->n[i]) *out = average(g->acc[i], g->n[i]);
  if (is_type(*out, T_BIGINT)) *out = big_normalise(*out);
  return !is_sig(*out) || tc_pending(a->t);
}

typedef struct Row {
  Bytesv order;
  Val map;
} Row;
static int by_order(const void *a, const void *b) { return order_cmp(((const Row *)a)->order, ((const Row *)b)->order); }

typedef struct Order {
  int cols[AGG_FIELDS];
  bool desc[AGG_FIELDS];
  int n;
} Order;

static Bytesv row_order(Agg *a, const Order *o, const Val *fields, const Group *g) {
  Buf *b = &a->t->scratch;
  b->n = 0;
  for (int i = 0; i < o->n; i++) {
    size_t from = b->n;
    order_value(b, fields[o->cols[i]], 0);
    for (size_t k = from; o->desc[i] && k < b->n; k++) b->p[k] = (char)~b->p[k];
  }
  buf_add(b, g->key.p, g->key.n);
  return tc_keep(b);
}

static bool make_row(Agg *a, const Group *g, const Cond *having, const Order *o, Row *out, bool *keep) {
  Val fields[AGG_FIELDS + AGG_METRICS], m = map_empty;
  for (int i = 0; i < a->nby; i++) fields[i] = g->by[i];
  for (int i = 0; i < a->nmetrics; i++)
    if (!metric_value(a, g, i, &fields[a->nby + i])) return false;
  *keep = cond_true_values(a->t, having, fields);
  if (!*keep) return true;
  for (int i = 0; i < a->nby; i++) m = map_assoc(m, a->by_as[i], fields[i]);
  for (int i = 0; i < a->nmetrics; i++) m = map_assoc(m, a->metrics[i].as, fields[a->nby + i]);
  *out = (Row){row_order(a, o, fields, g), m};
  return true;
}

static bool collect(Agg *a, Val o, int64_t limit, Val *result) {
  Cond *having;
  Order order = {0};
  if (!cond_parse(a->t, map_get_kw(o, "having"), ":having", find_result, a, &having)) return false;
  if (!query_sort(a->t, map_get_kw(o, "order-by"), ":order-by", find_result, a, order.cols, order.desc, AGG_FIELDS, &order.n)) return false;
  Row *rows = mem_alloc((a->n + 1) * sizeof *rows);
  size_t n = 0;
  for (size_t i = 0; i < a->n; i++) {
    bool keep;
    if (!make_row(a, a->groups[i], having, &order, &rows[n], &keep)) return false;
    n += keep;
  }
  qsort(rows, n, sizeof *rows, by_order);
  Val v = vec_empty;
  for (size_t i = 0; i < n && i < (size_t)limit; i++) v = vec_conj(v, rows[i].map);
  Val kv[] = {kw_c("results"), v, kw_c("count"), fix(vec_count(v)), kw_c("has-more"), bool_val(n > (size_t)limit)};
  *result = map_from(kv, 3, false);
  return true;
}

bool agg_run(Tc *t, Table *tab, Val o, Val *result) {
  Agg *a = mem_alloc(sizeof *a);
  Scan s;
  int64_t limit;
  *a = (Agg){.t = t, .tab = tab};
  if (!query_limit(t, map_get_kw(o, "limit"), TABLE_MAX_PAGE, TABLE_MAX_PAGE, &limit) || !scan_init(&s, t, tab, o)) return false;
  if (!read_groups(a, map_get_kw(o, "group-by")) || !read_metrics(a, map_get_kw(o, "metrics"))) return false;
  store_omap_init(&a->map);
  bool ok = scan_each(&s, on_row, a) && !a->failed;
  if (ok && !a->nby && !a->n) group_new(a, (Bytesv){"", 0}, (Bytesv){"", 0}); /* of no rows, too, there is a count */
  ok = ok && collect(a, o, limit, result);
  store_omap_free(&a->map);
  buf_free(&a->key);
  return ok;
}
