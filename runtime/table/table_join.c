/* :materialize-join - the rows of two tables that belong together, written as a table. The left side is walked once; of the right side
 * either everything is held (at most TABLE_MAX_JOIN rows), or its index is asked for each row of the left. nil joins nothing. */
#include "runtime/store/store_omap.h"
#include "table_int.h"

enum { JOIN_FIELDS = 8, INDEX_FROM = 10000 };

typedef struct Side {
  Table tab;
  Scan scan;
  Val options;
  int on[JOIN_FIELDS];
} Side;
typedef struct Project {
  bool right;
  int col;
  Val as;
} Project;

typedef struct Join {
  Tc *t;
  Side l, r;
  int non;
  bool inner, by_index, failed;
  Project *project;
  int nproject;
  Omap map; /* key bytes and a number -> row */
  uint32_t held;
  Writer w;
  Table into;
  Bytesv left; /* the row being joined */
  Buf key;
  bool matched;
} Join;

/* ---- arguments ---- */

static bool side_open(Tc *t, Val v, const char *what, Side *s) {
  s->options = is_map(v) ? v : map_empty;
  if (is_nil(v)) return tc_fail(t, "validation", ":materialize-join needs %s, a table or {:ref .. :where .. :partitions ..}", what);
  if (!is_map(v) && !is_str(v) && !is_kw(v))
    return tc_fail(t, "validation", "%s of :materialize-join is %s; use a table or {:ref .. :where .. :partitions ..}", what, tc_text(v));
  return meta_open(t, v, &s->tab) && scan_init(&s->scan, t, &s->tab, s->options);
}

static bool on_pair(Join *j, Val l, Val r) {
  if (j->non == JOIN_FIELDS) return tc_fail(j->t, "validation", ":on takes at most %d pairs", JOIN_FIELDS);
  if (!meta_column(j->t, &j->l.tab, l, ":on", &j->l.on[j->non]) || !meta_column(j->t, &j->r.tab, r, ":on", &j->r.on[j->non])) return false;
  j->non++;
  return true;
}

/* :id, [:id ..], [[:left-field :right-field] ..], [{:left :a :right :b} ..] */
static bool read_on(Join *j, Val on) {
  ValVec xs = {0};
  if (is_kw(on) || is_str(on) || is_map(on))
    vv_push(&xs, on);
  else if (!is_sequential(on) || is_sig(coll_into_array(on, &xs)))
    xs.n = 0;
  for (size_t i = 0; i < xs.n; i++) {
    Val x = xs.a[i], l = x, r = x;
    if (is_map(x)) l = map_get_kw(x, "left"), r = map_get_kw(x, "right");
    if (is_vec(x) && vec_count(x) == 2) l = vec_nth(x, 0), r = vec_nth(x, 1);
    if (!on_pair(j, l, r)) return false;
  }
  return j->non || tc_fail(j->t, "validation", ":on must be [[:left-field :right-field] ..], not %s", tc_text(on));
}

static bool add_project(Join *j, bool right, int col, Val as) {
  Val key = meta_column_key(as);
  if (same(key, ABSENT)) return tc_fail(j->t, "validation", ":project: %s is no column name", tc_text(as));
  for (int i = 0; i < j->nproject; i++) {
    Val k = j->project[i].as;
    if (same(k, key) || (is_str(k) && is_str(key) && !str_cmp(k, key)))
      return tc_fail(j->t, "validation", ":project makes two columns %s: give one of them another name with :as", tc_text(key));
  }
  if (j->nproject == TABLE_MAX_COLUMNS - 1) return tc_fail(j->t, "oversize", ":project makes more than %d columns", TABLE_MAX_COLUMNS - 1);
  j->project[j->nproject++] = (Project){right, col, key};
  return true;
}

/* {:from :left|:right :field f :as a}, [:left f], [:left f a] */
static bool project_one(Join *j, Val x) {
  Val from = map_get_kw(x, "from"), field = map_get_kw(x, "field"), as = map_get_kw(x, "as");
  uint32_t n = is_vec(x) ? vec_count(x) : 0;
  if (n == 2 || n == 3) from = vec_nth(x, 0), field = vec_nth(x, 1), as = n == 3 ? vec_nth(x, 2) : NIL;
  const char *s = is_kw(from) || is_str(from) ? kw_text(from) : "";
  bool right = !strcmp(s, "right");
  int col;
  if (!right && strcmp(s, "left"))
    return tc_fail(j->t, "validation", ":project is a vector of {:from :left|:right :field column :as name}, not %s", tc_text(x));
  return meta_column(j->t, right ? &j->r.tab : &j->l.tab, field, ":project", &col) && add_project(j, right, col, is_nil(as) ? field : as);
}

static bool is_on(const Join *j, int col) {
  for (int i = 0; i < j->non; i++)
    if (j->r.on[i] == col) return true;
  return false;
}

/* Everything of the left, and of the right what is not joined on; a name that is taken gets right- in front. */
static bool project_all(Join *j) {
  for (int i = 1; i <= j->l.tab.ncols; i++)
    if (!add_project(j, false, i, j->l.tab.cols[i - 1].key)) return false;
  for (int i = 1; i <= j->r.tab.ncols; i++) {
    const Column *c = &j->r.tab.cols[i - 1];
    bool taken = is_fix(map_get(j->l.tab.by_key, c->key, NIL));
    if (!is_on(j, i) && !add_project(j, true, i, taken ? str_fmt("right-%s", c->name) : c->key)) return false;
  }
  return true;
}

static bool read_project(Join *j, Val v) {
  ValVec xs = {0};
  j->project = mem_alloc(TABLE_MAX_COLUMNS * sizeof *j->project);
  if (is_nil(v)) return project_all(j);
  if (!is_sequential(v) || is_sig(coll_into_array(v, &xs)))
    return tc_fail(j->t, "validation", ":project must be a vector, not %s", tc_text(v));
  for (size_t i = 0; i < xs.n; i++)
    if (!project_one(j, xs.a[i])) return false;
  return true;
}

static bool read_type(Join *j, Val v) {
  const char *s = is_kw(v) || is_str(v) ? kw_text(v) : is_nil(v) ? "left" : "";
  j->inner = !strcmp(s, "inner");
  return j->inner || !strcmp(s, "left") || tc_fail(j->t, "validation", ":join-type must be :left or :inner, not %s", tc_text(v));
}

/* ---- the result's table ---- */

static bool begin_into(Join *j, Val into) {
  Tc *t = j->t;
  Val name = map_get_kw(into, "table"), mode = map_get_kw(into, "write-mode");
  bool replace = is_nil(mode) || !strcmp(kw_text(mode), "replace");
  if (is_kw(name)) name = AS(Kw, name)->name;
  if (!is_map(into) || !is_str(name))
    return tc_fail(t, "validation",
                   ":into must be {:table name :write-mode :replace|:append|:upsert :key-fields .. :index-fields ..}, not %s",
                   tc_text(into));
  if (!meta_open_or_new(t, str_s(name), &j->into)) return false;
  int64_t old = j->into.fresh || !replace ? 0 : j->into.st.id;
  if (old == j->l.tab.st.id || old == j->r.tab.st.id)
    if (old) return tc_fail(t, "validation", ":into would replace a table that is joined");
  if (old && !meta_renew(t, &j->into)) return false;
  if (!writer_begin(&j->w, t, &j->into, map_dissoc(into, replace ? kw_c("write-mode") : kw_c("replace")))) return writer_end(&j->w, false);
  j->w.b = t->call->batch(t->call->ctx);
  j->w.mark = batch_mark(j->w.b);
  if (old) batch_table_drop(j->w.b, t->call->workspace, j->into.st.name, old);
  return true;
}

/* ---- joining ---- */

/* The bytes a row joins by; false: a field of it is nil. */
static bool join_key(Join *j, const Side *s, Bytesv row, Buf *out) {
  out->n = 0;
  for (int i = 0; i < j->non; i++) {
    Bytesv f;
    if (!row_field(row, s->on[i], &f) || *(const char *)f.p == 'n') return false;
    order_field(j->t->env, out, f, 0);
  }
  return true;
}

static bool hold(void *ctx, int part, int64_t number, Bytesv row) {
  Join *j = ctx;
  (void)part, (void)number;
  if (!join_key(j, &j->r, row, &j->key)) return true;
  if (j->held == TABLE_MAX_JOIN) {
    j->failed =
        !tc_fail(j->t, "limit", "the right side of the join has more than %d rows: make its joined column an index field", TABLE_MAX_JOIN);
    return false;
  }
  order_int(&j->key, j->held++, 4);
  j->failed = !store_omap_put(&j->map, (Bytesv){j->key.p, j->key.n}, row) && !tc_fail(j->t, "limit", "out of memory");
  return !j->failed;
}

static bool emit(Join *j, Bytesv right) {
  Val m = map_empty;
  if (j->w.n == TABLE_MAX_JOIN)
    return tc_fail(j->t, "limit", "the join has more than %d rows: join a part of the left side at a time (:where, :partitions)",
                   TABLE_MAX_JOIN);
  for (int i = 0; i < j->nproject; i++) {
    const Project *p = &j->project[i];
    Bytesv f, row = p->right ? right : j->left;
    if (!row.p || !row_field(row, p->col, &f)) continue;
    Val v = row_value(j->t->env, f);
    if (is_sig(v)) return tc_pending(j->t);
    m = map_assoc(m, p->as, v);
  }
  return writer_row(&j->w, m);
}

static bool match_held(Join *j) {
  Bytesv key = {j->key.p, j->key.n};
  for (const OmapNode *n = store_omap_from(&j->map, key); n; n = store_omap_next(n)) {
    Bytesv k = store_omap_key(n);
    if (k.n != key.n + 4 || memcmp(k.p, key.p, key.n)) break;
    j->matched = true;
    if (!emit(j, store_omap_value(n))) return false;
  }
  return true;
}

static bool match_row(void *ctx, int part, int64_t number, Bytesv row) {
  Join *j = ctx;
  Buf k = {0};
  (void)part, (void)number;
  bool same_key = join_key(j, &j->r, row, &k) && k.n == j->key.n && !memcmp(k.p, j->key.p, k.n);
  buf_free(&k);
  if (!same_key) return true;
  j->matched = true;
  j->failed = !emit(j, row);
  return !j->failed;
}

/* Asks the right side for the rows with the value of the first joined column. */
static bool match_index(Join *j) {
  Bytesv f;
  row_field(j->left, j->l.on[0], &f);
  Val v = row_value(j->t->env, f);
  if (is_sig(v)) return tc_pending(j->t);
  Cond *both = mem_alloc(sizeof *both), *eq = mem_alloc(sizeof *eq);
  j->t->scratch.n = 0;
  order_value(&j->t->scratch, v, 0);
  *eq = (Cond){.op = OP_EQ, .col = j->r.on[0], .value = v, .key = tc_keep(&j->t->scratch)};
  *both = (Cond){.op = COND_AND, .n = 1, .kids = mem_alloc(2 * sizeof(Cond *))};
  both->kids[0] = eq;
  if (j->r.scan.where) both->kids[both->n++] = (Cond *)(uintptr_t)j->r.scan.where;
  Scan s = j->r.scan;
  s.where = both;
  return scan_each(&s, match_row, j) && !j->failed;
}

static bool join_left(void *ctx, int part, int64_t number, Bytesv row) {
  Join *j = ctx;
  (void)part, (void)number;
  j->left = row;
  j->matched = false;
  bool ok = !join_key(j, &j->l, row, &j->key) || (j->by_index ? match_index(j) : match_held(j));
  if (ok && !j->matched && !j->inner) ok = emit(j, (Bytesv){0});
  j->failed = !ok;
  return ok;
}

static bool run(Join *j) {
  j->by_index = j->r.tab.st.rows > INDEX_FROM && meta_index_of(&j->r.tab, j->r.on[0]) > 0;
  if (!j->by_index && !(scan_each(&j->r.scan, hold, j) && !j->failed)) return false;
  return scan_each(&j->l.scan, join_left, j) && !j->failed;
}

bool join_run(Tc *t, Val o, Val *result) {
  Join *j = mem_alloc(sizeof *j);
  j->t = t;
  if (!side_open(t, map_get_kw(o, "left"), ":left", &j->l) || !side_open(t, map_get_kw(o, "right"), ":right", &j->r)) return false;
  if (!read_type(j, map_get_kw(o, "join-type")) || !read_on(j, map_get_kw(o, "on")) || !read_project(j, map_get_kw(o, "project")))
    return false;
  if (!begin_into(j, map_get_kw(o, "into"))) return false;
  store_omap_init(&j->map);
  bool ok = writer_end(&j->w, run(j));
  store_omap_free(&j->map);
  buf_free(&j->key);
  if (ok) *result = writer_result(&j->w);
  return ok;
}
