/* template.c - rendering of a parsed template, see template.h. Recursion follows the template's nesting, which is limited. */
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/seq.h"
#include "runtime/base/json.h"
#include "template_int.h"
#include <ctype.h>
#include <stdio.h>

enum { TEXT_DEPTH = 64 }; /* of lists in lists that are shown as text */

static bool render_nodes(Render *r, const TNode *n);

bool template_spend(Render *r, uint32_t at, size_t work) {
  if ((int64_t)work <= r->budget->work) return r->budget->work -= (int64_t)work, true;
  return template_fail(r->t, at, r->e, "the template takes too long: its loops come to more than %d tags", TEMPLATE_MAX_WORK);
}

static bool room(Render *r, uint32_t at, size_t n) {
  if (n <= r->budget->bytes) return r->budget->bytes -= n, true;
  return template_fail(r->t, at, r->e, "the text is over %d MiB", (int)(TEMPLATE_MAX_OUTPUT >> 20));
}

/* --- looking up ----------------------------------------------------------------------------------------------------- */
static Val found(Val v) { /* a sorted map may refuse to compare the key: then it is not there */
  if (!is_sig(v)) return v;
  pend.ex = NIL;
  return ABSENT;
}

static Val map_member(Val m, Val key) {
  if (!is_str(key)) {
    Val v = found(map_get(m, key, ABSENT));
    return same(v, ABSENT) && is_kw(key) && is_nil(AS(Kw, key)->ns) ? found(map_get(m, AS(Kw, key)->name, ABSENT)) : v;
  }
  Val v = str_n(key) ? found(map_get(m, kw_parse(str_s(key), str_n(key)), ABSENT)) : ABSENT;
  return same(v, ABSENT) ? found(map_get(m, key, ABSENT)) : v;
}

static bool index_of(Val key, int64_t *i) {
  if (is_fix(key)) return *i = fix_of(key), *i >= 0;
  Val n = is_str(key) && str_n(key) && str_s(key)[0] != '+' ? num_parse_long(key) : NIL;
  return is_fix(n) && (*i = fix_of(n)) >= 0;
}

Val template_member(Render *r, Val of, Val key) {
  int64_t i;
  if (is_map(of)) return map_member(of, key);
  if (is_str(of)) return str_eq_c(key, "length") ? int_val(AS(Str, of)->nchars) : ABSENT;
  if (!is_sequential(of)) return ABSENT;
  if (str_eq_c(key, "length")) return found(coll_count(of));
  if (!index_of(key, &i)) return ABSENT;
  if (!is_vec(of) && !template_spend(r, 0, (size_t)(i < TEMPLATE_MAX_WORK ? i : TEMPLATE_MAX_WORK))) return SIG_THROW;
  return found(coll_nth(of, i, ABSENT));
}

static bool name_is(Slice a, const char *s) { return a.n == strlen(s) && !memcmp(a.s, s, a.n); }

static Val loop_value(const Render *r, const Expr *x) {
  const Loop *l = r->loop;
  Slice name = x->parts ? x->parts->name : (Slice){"", 0};
  if (name_is(name, "root")) return r->root;
  for (int i = 0; i < x->up && l; i++) l = l->up;
  if (!l) return ABSENT;
  if (name_is(name, "index")) return l->index;
  if (name_is(name, "key")) return l->key;
  if (name_is(name, "first")) return l->first;
  return name_is(name, "last") ? l->last : ABSENT;
}

/* The innermost block parameter of that name; NULL: none. */
static const Val *block_parameter(const Render *r, const Expr *x) {
  if (x->data || x->scoped || !x->parts) return NULL;
  Slice name = x->parts->name;
  for (const Bind *b = r->bind; b; b = b->up)
    for (int i = 0; i < b->node->nnames; i++)
      if (b->node->names[i].n == name.n && !memcmp(b->node->names[i].s, name.s, name.n)) return &b->v[i];
  return NULL;
}

/* What a path begins with; *p is what is still to be looked up. */
static Val path_base(const Render *r, const Expr *x, const Part **p) {
  const Val *bound = block_parameter(r, x);
  const Scope *s = r->scope;
  *p = x->parts;
  if ((x->data || bound) && *p) *p = (*p)->next;
  if (x->data) return loop_value(r, x);
  if (bound) return *bound;
  for (int i = 0; i < x->up && s; i++) s = s->up;
  return s ? s->ctx : ABSENT;
}

static Val eval_path(Render *r, const Expr *x) {
  const Part *p;
  Val v = path_base(r, x, &p);
  for (; p && !same(v, ABSENT) && !is_sig(v); p = p->next) {
    if (!template_spend(r, x->at, 1 + p->name.n / TEMPLATE_WORK_BYTES)) return SIG_THROW;
    v = template_member(r, v, str_new(p->name.s, p->name.n));
  }
  return v;
}

static Val number_of(Slice text) {
  Val s = str_new(text.s, text.n), n = num_parse_long(s);
  return is_nil(n) ? num_parse_double(s) : n;
}

Val template_eval(Render *r, const Expr *x) {
  if (!template_spend(r, x->at, x->kind == EX_PATH ? 0 : 1 + x->text.n / TEMPLATE_WORK_BYTES)) return SIG_THROW;
  switch (x->kind) {
  case EX_PATH: return eval_path(r, x);
  case EX_STR: return str_new(x->text.s, x->text.n);
  case EX_NUM: return number_of(x->text);
  case EX_BOOL: return bool_val(x->yes);
  case EX_NIL: return NIL;
  case EX_CALL: return template_call(r, x);
  }
  return ABSENT;
}

bool template_missing(Render *r, const Expr *x) {
  int n = x->text.n < sizeof r->e->variable ? (int)x->text.n : (int)sizeof r->e->variable - 1;
  if (x->kind == EX_CALL) return template_fail(r->t, x->at, r->e, "%.*s finds nothing; write {{default (%.*s ...) \"\"}} if that may be", n, x->text.s, n, x->text.s);
  snprintf(r->e->variable, sizeof r->e->variable, "%.*s", n, x->text.s);
  return template_fail(r->t, x->at, r->e, "the variable %.*s is not in the data", n, x->text.s);
}

/* --- values as text ------------------------------------------------------------------------------------------------- */
static bool list_text(Render *r, uint32_t at, Val v, Buf *b, int depth);

static bool value_text(Render *r, uint32_t at, Val v, Buf *b, int depth) {
  if (is_nil(v) || same(v, ABSENT)) return true;
  if (is_map(v)) return template_fail(r->t, at, r->e, "this is a map, which has no text of its own: write {{json ...}} or name one of its keys");
  if (is_sequential(v) || is_set(v)) return list_text(r, at, v, b, depth);
  Val t = json_scalar_text(v);
  if (!is_str(t)) return template_fail(r->t, at, r->e, "this value has no text: use strings, numbers, keywords, booleans, dates or lists of them");
  buf_add(b, str_s(t), str_n(t));
  return true;
}

static bool list_text(Render *r, uint32_t at, Val v, Buf *b, int depth) {
  ValVec items = {0};
  if (depth > TEXT_DEPTH) return template_fail(r->t, at, r->e, "lists in lists, deeper than %d levels", TEXT_DEPTH);
  if (is_sig(coll_into_array(v, &items))) return template_fail(r->t, at, r->e, "this list cannot be read");
  if (!template_spend(r, at, items.n)) return false;
  for (size_t i = 0; i < items.n; i++) {
    if (i) buf_ch(b, ',');
    if (!value_text(r, at, items.a[i], b, depth + 1)) return false;
  }
  return true;
}

bool template_text(Render *r, uint32_t at, Val v, Buf *b) {
  size_t before = b->n;
  return value_text(r, at, v, b, 0) && template_spend(r, at, (b->n - before) / TEMPLATE_WORK_BYTES);
}

static void add_html(Buf *out, const char *s, size_t n) {
  static const char *const escapes[][2] = {{"&", "&amp;"},  {"<", "&lt;"},   {">", "&gt;"},  {"\"", "&quot;"},
                                           {"'", "&#x27;"}, {"`", "&#x60;"}, {"=", "&#x3D;"}};
  for (size_t i = 0; i < n; i++) {
    const char *as = NULL;
    for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++)
      if (s[i] == escapes[k][0][0]) as = escapes[k][1];
    if (as) buf_c(out, as);
    else buf_ch(out, s[i]);
  }
}

static bool put(Render *r, uint32_t at, const char *s, size_t n, bool html) {
  size_t before = r->out->n;
  if (n > r->budget->bytes) return room(r, at, n);
  if (html) add_html(r->out, s, n);
  else if (n) buf_add(r->out, s, n);
  return room(r, at, r->out->n - before);
}

/* --- nodes ---------------------------------------------------------------------------------------------------------- */
/* {name} in text, when the data has that name. */
static size_t brace_name(const char *s, size_t n) {
  size_t k = 1;
  while (k < n && (s[k] == '_' || s[k] == '-' || isalpha((uint8_t)s[k]) || (k > 1 && isdigit((uint8_t)s[k])))) k++;
  return k > 1 && k < n && s[k] == '}' ? k + 1 : 0;
}

static bool render_braces(Render *r, const TNode *n) {
  const char *s = n->text.s, *end = s + n->text.n;
  if (!template_spend(r, n->at, n->text.n / TEMPLATE_WORK_BYTES)) return false;
  for (const char *p = s; p < end;) {
    const char *open = memchr(p, '{', (size_t)(end - p));
    size_t k = open ? brace_name(open, (size_t)(end - open)) : 0, plain = (size_t)((open ? open + 1 : end) - p);
    Val v = k ? template_member(r, r->root, str_new(open + 1, k - 2)) : ABSENT;
    if (same(v, ABSENT)) {
      if (!put(r, n->at, p, plain, false)) return false;
      p += plain;
      continue;
    }
    Buf b = {0};
    bool ok = put(r, n->at, p, (size_t)(open - p), false) && template_text(r, n->at, v, &b) && put(r, n->at, b.p, b.n, r->o->html);
    buf_free(&b);
    if (!ok) return false;
    p = open + k;
  }
  return true;
}

static bool render_value(Render *r, const TNode *n) {
  Val v = template_eval(r, n->expr);
  if (is_sig(v)) return false;
  if (same(v, ABSENT) && !r->o->lenient) return template_missing(r, n->expr);
  Buf b = {0};
  bool ok = template_text(r, n->expr->at, v, &b) && put(r, n->at, b.p, b.n, r->o->html && !n->raw);
  buf_free(&b);
  return ok;
}

bool template_false(Val v) {
  if (!truthy(v) || same(v, ABSENT)) return true;
  if (is_str(v)) return !str_n(v);
  if (is_sequential(v) || is_set(v)) return is_nil(seq_of(v));
  return is_num(v) && num_to_double(v) != num_to_double(v);
}

static bool is_zero(Val v) { return is_num(v) && num_to_double(v) == 0; }

static bool same_context(Val a, Val b) { return same(a, b) || (is_str(a) && is_str(b) && str_n(a) == str_n(b) && !memcmp(str_s(a), str_s(b), str_n(a))); }

/* A body with another `this`; block parameters are bound to value and key. */
static bool render_in(Render *r, const TNode *n, Val ctx, Val key) {
  Scope scope = {ctx, r->scope};
  Bind bind = {n, {ctx, key}, r->bind};
  const Scope *outer = r->scope;
  const Bind *outer_bind = r->bind;
  if (!same_context(ctx, outer->ctx)) r->scope = &scope;
  if (n->nnames) r->bind = &bind;
  bool ok = render_nodes(r, n->body);
  r->scope = outer;
  r->bind = outer_bind;
  return ok;
}

static bool render_item(Render *r, const TNode *n, Val item, Val key, size_t i, size_t count) {
  Loop loop = {key, int_val((int64_t)i), bool_val(i == 0), bool_val(i + 1 == count), r->loop};
  const Loop *outer = r->loop;
  if (!template_spend(r, n->at, 1)) return false;
  r->loop = &loop;
  bool ok = render_in(r, n, item, key);
  r->loop = outer;
  return ok;
}

static Val key_text(Val k) { return is_kw(k) ? json_scalar_text(k) : k; }

static bool each_entry_of(Render *r, const TNode *n, Val m) {
  MapIter it;
  Val k, v;
  size_t i = 0, count = map_count(m);
  map_iter(&it, m);
  while (map_next(&it, &k, &v))
    if (!render_item(r, n, v, key_text(k), i++, count)) return false;
  return count ? true : render_nodes(r, n->otherwise);
}

static bool render_each(Render *r, const TNode *n, Val v) {
  ValVec items = {0};
  if (is_map(v)) return each_entry_of(r, n, v);
  if (!is_sequential(v) && !is_set(v)) return render_nodes(r, n->otherwise);
  if (is_sig(coll_into_array(v, &items))) return template_fail(r->t, n->at, r->e, "this list cannot be read");
  for (size_t i = 0; i < items.n; i++)
    if (!render_item(r, n, items.a[i], int_val((int64_t)i), i, items.n)) return false;
  return items.n ? true : render_nodes(r, n->otherwise);
}

static bool render_section(Render *r, const TNode *n, Val v) {
  if (same(v, ABSENT) || !truthy(v)) return render_nodes(r, n->otherwise);
  if (is_sequential(v) || is_set(v)) return render_each(r, n, v);
  return render_in(r, n, same(v, TRUE_V) ? r->scope->ctx : v, NIL);
}

static bool render_node(Render *r, const TNode *n) {
  if (!template_spend(r, n->at, 1)) return false;
  if (n->kind == ND_TEXT) return r->o->braces ? render_braces(r, n) : put(r, n->at, n->text.s, n->text.n, false);
  if (n->kind == ND_VALUE) return render_value(r, n);
  Val v = template_eval(r, n->expr);
  if (is_sig(v)) return false;
  bool iterates = n->kind == ND_EACH || n->kind == ND_WITH;
  if (iterates && same(v, ABSENT) && !n->has_else && !r->o->lenient) return template_missing(r, n->expr);
  bool no = template_false(v) || (!iterates && !n->include_zero && is_zero(v));
  switch (n->kind) {
  case ND_IF: return render_nodes(r, no ? n->otherwise : n->body);
  case ND_UNLESS: return render_nodes(r, no ? n->body : n->otherwise);
  case ND_EACH: return render_each(r, n, v);
  case ND_WITH: return no ? render_nodes(r, n->otherwise) : render_in(r, n, v, NIL);
  default: return render_section(r, n, v);
  }
}

static bool render_nodes(Render *r, const TNode *n) {
  for (; n; n = n->next)
    if (!render_node(r, n)) return false;
  return true;
}

bool template_render(const Template *t, Val data, const TemplateOptions *o, Buf *out, TemplateError *e) {
  TemplateBudget fresh = TEMPLATE_BUDGET;
  Scope root = {data, NULL};
  *e = (TemplateError){0};
  Render r = {.t = t, .o = o, .budget = o->budget ? o->budget : &fresh, .out = out, .e = e, .root = data, .scope = &root};
  return render_nodes(&r, t->root);
}
