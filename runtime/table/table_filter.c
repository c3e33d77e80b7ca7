/* Conditions: from their EDN form to a tree, and its truth for a row (table.h, Conditions). */
#include "runtime/base/json.h"
#include "table_int.h"

enum { COND_DEPTH = 32, COND_MAX = 1000 };

static const struct {
  const char *name;
  enum CondOp op;
} ops[] = {{"=", OP_EQ},
           {"!=", OP_NE},
           {"<", OP_LT},
           {"<=", OP_LE},
           {">", OP_GT},
           {">=", OP_GE},
           {"in", OP_IN},
           {"contains", OP_CONTAINS},
           {"contains-any", OP_CONTAINS_ANY},
           {"exists?", OP_EXISTS}};

typedef struct Parse {
  Tc *t;
  const char *what;
  CondFind find;
  void *ctx;
  int made;
} Parse;

static bool parse(Parse *p, Val v, int depth, Cond **out);

static bool op_of(Val v, enum CondOp *op) {
  const char *s = is_kw(v) || is_str(v) || is_sym(v) ? kw_text(v) : "";
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (!strcmp(ops[i].name, s)) {
      *op = ops[i].op;
      return true;
    }
  return false;
}

static bool bad(Parse *p, const char *must, Val got) { return tc_fail(p->t, "validation", "%s: %s, not %s", p->what, must, tc_text(got)); }

static Cond *cond_new(enum CondOp op) {
  Cond *c = mem_alloc(sizeof *c);
  c->op = op;
  return c;
}

static Bytesv order_kept(Tc *t, Val v) {
  t->scratch.n = 0;
  order_value(&t->scratch, v, 0);
  return tc_keep(&t->scratch);
}

/* Several values: a vector, set or list. */
static bool operand_list(Parse *p, Cond *c, Val v) {
  ValVec xs = {0};
  if (!(is_sequential(v) || is_set(v)) || is_sig(coll_into_array(v, &xs))) return bad(p, "this operator takes a vector of values", v);
  if (xs.n > COND_MAX) return tc_fail(p->t, "validation", "%s: at most %d values in one list", p->what, COND_MAX);
  c->keys = mem_alloc((xs.n + 1) * sizeof *c->keys);
  c->vals = xs.a;
  c->n = (int)xs.n;
  for (size_t i = 0; i < xs.n; i++) c->keys[i] = order_kept(p->t, xs.a[i]);
  return true;
}

static bool comparison(Parse *p, Val field, enum CondOp op, Val v, Cond **out) {
  Cond *c = *out = cond_new(op);
  if (++p->made > COND_MAX) return tc_fail(p->t, "validation", "%s has more than %d conditions", p->what, COND_MAX);
  if (!p->find(p->ctx, p->t, field, &c->col)) return false;
  c->value = v;
  if (op == OP_IN || op == OP_CONTAINS_ANY) return operand_list(p, c, v);
  if (op == OP_EXISTS && !is_nil(v) && !is_bool(v)) return bad(p, ":exists? takes true or false", v);
  c->key = order_kept(p->t, v);
  return true;
}

static Cond *group_new(enum CondOp op, size_t n) {
  Cond *c = cond_new(op);
  c->kids = mem_alloc((n + 1) * sizeof *c->kids);
  return c;
}

static bool parse_map(Parse *p, Val v, Cond **out) {
  MapIter it;
  Val k, x;
  Cond *c = *out = group_new(COND_AND, map_count(v));
  map_iter(&it, v);
  while (map_next(&it, &k, &x))
    if (!comparison(p, k, OP_EQ, x, &c->kids[c->n++])) return false;
  return true;
}

static bool parse_kids(Parse *p, const ValVec *xs, size_t from, enum CondOp op, int depth, Cond **out) {
  Cond *c = *out = group_new(op, xs->n);
  for (size_t i = from; i < xs->n; i++)
    if (!parse(p, xs->a[i], depth + 1, &c->kids[c->n++])) return false;
  return true;
}

static bool is_group(Val v) { return is_map(v) || is_sequential(v); }

static bool parse_vector(Parse *p, Val v, int depth, Cond **out) {
  ValVec xs = {0};
  enum CondOp op;
  if (is_sig(coll_into_array(v, &xs))) return bad(p, "a condition is a vector or a map", v);
  if (!xs.n || is_group(xs.a[0])) return parse_kids(p, &xs, 0, COND_AND, depth, out);
  bool grouped = xs.n > 1 && is_group(xs.a[1]);
  const char *head = is_kw(xs.a[0]) || is_str(xs.a[0]) ? kw_text(xs.a[0]) : "";
  if (grouped && !strcmp(head, "and")) return parse_kids(p, &xs, 1, COND_AND, depth, out);
  if (grouped && !strcmp(head, "or")) return parse_kids(p, &xs, 1, COND_OR, depth, out);
  if (grouped && xs.n == 2 && !strcmp(head, "not")) return parse_kids(p, &xs, 1, COND_NOT, depth, out);
  if (xs.n < 2 || xs.n > 3 || !op_of(xs.a[1], &op) || (xs.n == 2 && op != OP_EXISTS))
    return bad(p, "a condition is [field op value] with op one of = != < <= > >= in contains contains-any exists?", v);
  return comparison(p, xs.a[0], op, xs.n == 3 ? xs.a[2] : TRUE_V, out);
}

static bool parse(Parse *p, Val v, int depth, Cond **out) {
  if (depth > COND_DEPTH) return tc_fail(p->t, "validation", "%s is nested too deeply", p->what);
  if (is_map(v)) return parse_map(p, v, out);
  if (is_sequential(v)) return parse_vector(p, v, depth, out);
  return bad(p, "a condition is a vector such as [:status := \"open\"] or a map", v);
}

bool cond_parse(Tc *t, Val where, const char *what, CondFind find, void *ctx, Cond **out) {
  Parse p = {.t = t, .what = what, .find = find, .ctx = ctx};
  *out = NULL;
  return is_nil(where) || parse(&p, where, 0, out);
}

static bool find_column(void *ctx, Tc *t, Val key, int *col) { return meta_column(t, ctx, key, ":where", col); }
bool cond_parse_table(Tc *t, const Table *tab, Val where, Cond **out) {
  return cond_parse(t, where, ":where", find_column, (void *)(uintptr_t)tab, out);
}

/* ---- truth ---- */

static bool starts_alike(Bytesv a, Bytesv b) { return a.n && b.n && *(const char *)a.p == *(const char *)b.p; }

static bool is_in(Bytesv x, const Cond *c) {
  for (int i = 0; i < c->n; i++)
    if (!order_cmp(x, c->keys[i])) return true;
  return false;
}

static bool text_has(Val text, Val part) {
  Val a = json_scalar_text(text), b = is_nil(part) ? ABSENT : json_scalar_text(part);
  return is_str(a) && is_str(b) && memmem(str_s(a), str_n(a), str_s(b), str_n(b)) != NULL;
}

static bool coll_has(Tc *t, Val coll, Bytesv key) {
  ValVec xs = {0};
  if (is_sig(coll_into_array(coll, &xs))) return false;
  for (size_t i = 0; i < xs.n; i++) {
    t->scratch.n = 0;
    order_value(&t->scratch, xs.a[i], 0);
    if (!order_cmp((Bytesv){t->scratch.p, t->scratch.n}, key)) return true;
  }
  return false;
}

static bool has(Tc *t, Val v, Val part, Bytesv key) { return is_set(v) || is_sequential(v) ? coll_has(t, v, key) : text_has(v, part); }

static bool contains(Tc *t, const Cond *c, Val v) {
  if (is_nil(v)) return false;
  if (c->op == OP_CONTAINS) return has(t, v, c->value, c->key);
  for (int i = 0; i < c->n; i++)
    if (has(t, v, c->vals[i], c->keys[i])) return true;
  return false;
}

static bool compared(const Cond *c, Bytesv x) {
  if (c->op == OP_IN) return is_in(x, c);
  int d = order_cmp(x, c->key);
  switch (c->op) {
  case OP_EQ: return !d;
  case OP_NE: return d;
  case OP_LT: return d < 0 && starts_alike(x, c->key);
  case OP_LE: return d <= 0 && starts_alike(x, c->key);
  case OP_GT: return d > 0 && starts_alike(x, c->key);
  default: return d >= 0 && starts_alike(x, c->key);
  }
}

static bool exists_wanted(const Cond *c) { return is_nil(c->value) || truthy(c->value); }

static bool row_test(Tc *t, const Cond *c, Bytesv row) {
  Bytesv f;
  bool there = row_field(row, c->col, &f);
  if (c->op == OP_EXISTS) return there == exists_wanted(c);
  if (c->op == OP_CONTAINS || c->op == OP_CONTAINS_ANY) return there && contains(t, c, row_value(t->env, f));
  t->scratch.n = 0;
  order_field(t->env, &t->scratch, f, 0);
  return compared(c, (Bytesv){t->scratch.p, t->scratch.n});
}

static bool value_test(Tc *t, const Cond *c, const Val *fields) {
  Val v = fields[c->col];
  if (c->op == OP_EXISTS) return !is_nil(v) == exists_wanted(c);
  if (c->op == OP_CONTAINS || c->op == OP_CONTAINS_ANY) return contains(t, c, v);
  t->scratch.n = 0;
  order_value(&t->scratch, v, 0);
  return compared(c, (Bytesv){t->scratch.p, t->scratch.n});
}

static bool holds(Tc *t, const Cond *c, Bytesv row, const Val *fields) {
  if (c->op == COND_NOT) return !holds(t, c->kids[0], row, fields);
  if (c->op == COND_AND || c->op == COND_OR) {
    for (int i = 0; i < c->n; i++)
      if (holds(t, c->kids[i], row, fields) == (c->op == COND_OR)) return c->op == COND_OR;
    return c->op == COND_AND;
  }
  return fields ? value_test(t, c, fields) : row_test(t, c, row);
}

bool cond_true(Tc *t, const Cond *c, Bytesv row) { return !c || holds(t, c, row, NULL); }
bool cond_true_values(Tc *t, const Cond *c, const Val *fields) { return !c || holds(t, c, (Bytesv){0}, fields); }
