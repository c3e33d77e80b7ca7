/* Computed columns: {:template "{{first}} {{last}}"} (Handlebars, template.h) or {:expr [:* :price [:+ 1 :vat]]}.
 *
 * In an expression a keyword is the column's value, {:column name} too (for JSON, where there are no keywords), a vector
 * [op arg ..] a call, anything else itself. Calls with a nil number give nil. */
#include "runtime/base/json.h"
#include "reader/print.h"
#include "table_int.h"
#include "runtime/template/template.h"

enum { EXPR_DEPTH = 32 };

typedef struct Ex1 {
  Tc *t;
  const Table *tab;
  Val row;
  bool checking;
} Ex1;
static bool eval(Ex1 *x, Val e, int depth, Val *out);

#define EXPR_OPS(E)                                                                                                                        \
  E("+", num, 1, 64)                                                                                                                       \
  E("-", num, 1, 64) E("*", num, 1, 64) E("/", num, 2, 64) E("round", round, 1, 2) E("str", str, 1, 64) E("upper", text, 1, 1)             \
      E("lower", text, 1, 1) E("trim", text, 1, 1) E("length", length, 1, 1) E("coalesce", coalesce, 1, 64) E("=", compare, 2, 2)          \
          E("!=", compare, 2, 2) E("<", compare, 2, 2) E("<=", compare, 2, 2) E(">", compare, 2, 2) E(">=", compare, 2, 2)                 \
              E("not", not, 1, 1)

static bool failed(Ex1 *x, const char *what, Val got) { return tc_fail(x->t, "validation", "expression: %s, not %s", what, tc_text(got)); }

static Val arith(char op, Val a, Val b) {
  switch (op) {
  case '+': return num_addp(a, b);
  case '-': return num_subp(a, b);
  case '*': return num_mulp(a, b);
  default: return num_div(a, b);
  }
}

static bool op_num(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  *out = NIL;
  for (size_t i = 0; i < a->n; i++) {
    if (is_nil(a->a[i])) return true;
    if (!is_num(a->a[i])) return failed(x, "a number is needed", a->a[i]);
  }
  Val v = a->n == 1 ? (*op == '-' ? num_neg(a->a[0]) : a->a[0]) : a->a[0];
  for (size_t i = 1; i < a->n && !is_sig(v); i++) v = arith(*op, v, a->a[i]);
  if (is_sig(v)) return tc_pending(x->t);
  *out = v;
  return true;
}

static bool op_round(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  (void)op;
  Val digits = a->n > 1 ? a->a[1] : fix(0), v = a->a[0];
  *out = NIL;
  if (is_nil(v)) return true;
  if (!is_num(v) || !is_fix(digits) || fix_of(digits) < 0 || fix_of(digits) > 100) return failed(x, "[:round number digits]", v);
  bool was_double = is_dbl(v);
  Val d = num_to_decimal(v);
  if (!is_sig(d)) d = dec_with_scale(d, (int)fix_of(digits), 4); /* HALF_UP */
  if (is_sig(d)) return tc_pending(x->t);
  int64_t whole;
  *out = was_double ? dbl_val(num_to_double(d)) : a->n == 1 && num_to_long(d, &whole) ? int_val(whole) : d;
  return true;
}

static bool add_text(Ex1 *x, Buf *b, Val v) {
  Val s = is_nil(v) ? str_c("") : json_scalar_text(v);
  if (!is_str(s)) return is_sig(print_to(b, v, &print_readably)) ? tc_pending(x->t) : true;
  buf_add(b, str_s(s), str_n(s));
  return true;
}

static bool op_str(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  (void)op;
  Buf b = {0};
  bool ok = true;
  for (size_t i = 0; i < a->n && ok && b.n <= TABLE_MAX_ROW; i++) ok = add_text(x, &b, a->a[i]);
  if (ok)
    *out = buf_str(&b);
  else
    buf_free(&b);
  return ok;
}

/* ASCII letters; others stay. */
static bool op_text(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  Buf b = {0};
  *out = NIL;
  if (is_nil(a->a[0])) return true;
  if (!add_text(x, &b, a->a[0])) return buf_free(&b), false;
  size_t from = 0;
  for (size_t i = 0; i < b.n; i++) {
    if (*op == 'u' && b.p[i] >= 'a' && b.p[i] <= 'z') b.p[i] = (char)(b.p[i] - 32);
    if (*op == 'l' && b.p[i] >= 'A' && b.p[i] <= 'Z') b.p[i] = (char)(b.p[i] + 32);
  }
  while (*op == 't' && b.n && (uint8_t)b.p[b.n - 1] <= ' ') b.n--;
  while (*op == 't' && from < b.n && (uint8_t)b.p[from] <= ' ') from++;
  *out = str_new(b.p ? b.p + from : "", b.n - from);
  buf_free(&b);
  return true;
}

static bool op_length(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  (void)op;
  *out = is_nil(a->a[0]) ? fix(0) : coll_count(a->a[0]);
  return !is_sig(*out) || tc_pending(x->t);
}

static bool op_coalesce(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  (void)x, (void)op;
  *out = NIL;
  for (size_t i = 0; i < a->n && is_nil(*out); i++) *out = a->a[i];
  return true;
}

static bool op_compare(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  (void)x;
  Buf p = {0}, q = {0};
  order_value(&p, a->a[0], 0);
  order_value(&q, a->a[1], 0);
  int c = order_cmp((Bytesv){p.p, p.n}, (Bytesv){q.p, q.n});
  buf_free(&p);
  buf_free(&q);
  bool equal = op[0] == '=' || op[0] == '!' || op[1] == '=';
  bool yes = op[0] == '=' ? !c : op[0] == '!' ? c != 0 : op[0] == '<' ? c < 0 || (equal && !c) : c > 0 || (equal && !c);
  *out = bool_val(yes);
  return true;
}

static bool op_not(Ex1 *x, const char *op, const ValVec *a, Val *out) {
  (void)x, (void)op;
  *out = bool_val(!truthy(a->a[0]));
  return true;
}

static const struct {
  const char *name;
  bool (*f)(Ex1 *x, const char *op, const ValVec *a, Val *out);
  size_t least, most;
} ops[] = {
#define E_ROW(name, f, least, most) {name, op_##f, least, most},
    EXPR_OPS(E_ROW)};

static bool column_value(Ex1 *x, Val key, Val *out) {
  int col;
  if (!meta_column(x->t, x->tab, key, "expression", &col)) return false;
  *out = x->checking ? NIL : map_get(x->row, meta_column_key(key), NIL);
  return true;
}

/* if, and, or: what decides is evaluated first. */
static bool branch(Ex1 *x, const char *op, const ValVec *f, int depth, Val *out) {
  if (!strcmp(op, "if")) {
    if (f->n < 3 || f->n > 4) return tc_fail(x->t, "validation", "expression: [:if test then else]");
    for (size_t i = 1; x->checking && i < f->n; i++)
      if (!eval(x, f->a[i], depth, out)) return false;
    if (x->checking) return true;
    if (!eval(x, f->a[1], depth, out)) return false;
    size_t at = truthy(*out) ? 2 : 3;
    *out = NIL;
    return at >= f->n || eval(x, f->a[at], depth, out);
  }
  bool stop = !strcmp(op, "or");
  *out = stop ? NIL : TRUE_V;
  for (size_t i = 1; i < f->n; i++) {
    if (!eval(x, f->a[i], depth, out)) return false;
    if (!x->checking && truthy(*out) == stop) return true;
  }
  return true;
}

static bool call(Ex1 *x, Val e, int depth, Val *out) {
  ValVec f = {0}, args = {0};
  if (is_sig(coll_into_array(e, &f)) || !f.n || !(is_kw(f.a[0]) || is_str(f.a[0]))) return failed(x, "a call is [op arg ..]", e);
  const char *op = kw_text(f.a[0]);
  if (!strcmp(op, "if") || !strcmp(op, "and") || !strcmp(op, "or")) return branch(x, op, &f, depth, out);
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    if (strcmp(ops[i].name, op)) continue;
    if (f.n - 1 < ops[i].least || f.n - 1 > ops[i].most) return failed(x, "the number of arguments is wrong", e);
    for (size_t k = 1; k < f.n; k++) {
      Val v;
      if (!eval(x, f.a[k], depth, &v)) return false;
      if (x->checking && ops[i].f == op_num && is_str(f.a[k])) return failed(x, "a number is needed, or a column as {:column name}", f.a[k]);
      vv_push(&args, v);
    }
    *out = NIL;
    return x->checking || ops[i].f(x, op, &args, out);
  }
  return failed(x, "the operator is one of + - * / round str upper lower trim length coalesce if and or not = != < <= > >=", f.a[0]);
}

static bool eval(Ex1 *x, Val e, int depth, Val *out) {
  if (depth > EXPR_DEPTH) return tc_fail(x->t, "validation", "expression: nested too deeply");
  if (is_kw(e)) return column_value(x, e, out);
  if (is_map(e) && !is_nil(map_get_kw(e, "column"))) return column_value(x, map_get_kw(e, "column"), out);
  if (is_vec(e)) return call(x, e, depth + 1, out);
  *out = e;
  return true;
}

static bool render(Tc *t, Val text, Val row, Val *out) {
  TemplateError e = {0};
  Template *tp = template_parse(str_s(text), str_n(text), &e);
  Buf b = {0};
  TemplateOptions o = {.lenient = true};
  bool ok = tp && (same(row, ABSENT) || template_render(tp, row, &o, &b, &e));
  template_free(tp);
  if (ok)
    *out = buf_str(&b);
  else {
    buf_free(&b);
    tc_fail(t, "template-error", "template of a column, %d:%d: %s", e.line, e.col, e.msg);
  }
  return ok;
}

static bool typed(Val def, Val *out) {
  const char *hint = kw_text(map_get_kw(def, "type-hint"));
  static const char *const numeric[] = {"number", "int", "integer", "double", "decimal"};
  for (size_t i = 0; i < 5 && is_str(*out); i++)
    if (!strcmp(hint, numeric[i])) *out = meta_coerce(&(Column){.type = COL_NUMBER}, *out);
  return true;
}

static Val inner(Val def) {
  Val c = map_get_kw(def, "computed");
  return is_nil(c) ? def : c;
}

bool expr_check(Tc *t, const Table *tab, Val def) {
  Val c = inner(def), out;
  Val template = map_get_kw(c, "template"), e = map_get(c, kw_c("expr"), ABSENT);
  if (is_nil(template) == same(e, ABSENT) || (!is_nil(template) && !is_str(template)))
    return tc_fail(t, "validation", "what is computed is {:template \"..\"} or {:expr [op ..]}, not %s", tc_text(c));
  if (is_str(template)) return render(t, template, ABSENT, &out);
  Ex1 x = {t, tab, NIL, true};
  return eval(&x, e, 0, &out);
}

bool expr_eval(Tc *t, const Table *tab, Val def, Val row, Val *out) {
  Val c = inner(def), template = map_get_kw(c, "template");
  Ex1 x = {t, tab, row, false};
  bool ok = is_str(template) ? render(t, template, row, out) : eval(&x, map_get_kw(c, "expr"), 0, out);
  return ok && typed(def, out);
}
