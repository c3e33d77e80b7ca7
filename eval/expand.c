/* expand.c - the walk from forms to the core language: special forms, macro calls, interop sugar. See expand.h. */
#include "expand.h"
#include "macros.h"
#include "node.h"
#include "reader/read.h"
#include "reader/record.h"
#include <stdio.h>

/* C recursion per nested form is a few hundred bytes; the analyzer's own limit is lower for most code. */
enum { EXPAND_MAX_DEPTH = 2000, EXPAND_MAX_TURNS = 10000, EXPAND_MAX_PARAMS = 20 };

/* An Expander with what only this file needs. */
typedef struct Walk {
  Expander x;
  bool placed; /* the pending error's text has its position */
} Walk;

static Val x_form(Expander *x, Val form);

/* --- forms ------------------------------------------------------------------------------------------------------------ */
Val core_sym(const char *name) { return sym_new("clojure.core", name); }
Val sym_bare(Val sym) { return is_nil(AS(Sym, sym)->meta) ? sym : sym_of(AS(Sym, sym)->ns, AS(Sym, sym)->name); }
Val quoted(Val form) { return LIST(sym_c("quote"), form); }
bool form_is_list(Val form) { return is_type(form, T_EMPTY) || is_seq(form); }

Val form_with_body(const ValVec *f, size_t from, const Val *head, size_t n) {
  ValVec all = {0};
  for (size_t i = 0; i < n; i++) vv_push(&all, head[i]);
  for (size_t i = from; i < f->n; i++) vv_push(&all, f->a[i]);
  return list_from(all.a, all.n);
}

Val form_body(const ValVec *f, size_t from) {
  if (from >= f->n) return NIL;
  return from + 1 == f->n ? f->a[from] : LIST_BODY(f, from, sym_c("do"));
}

Val form_like(Val form, Val model) {
  Val meta = meta_of(model);
  return is_nil(meta) ? form : with_meta(form, meta);
}

Val throw_form(const char *cls, const char *text, Val expr) {
  Val msg = str_c(text);
  if (!same(expr, ABSENT)) msg = LIST(core_sym("str"), msg, expr);
  return LIST(sym_c("throw"), LIST(sym_c("new"), sym_c(cls), msg));
}

static bool is_position_key(Val k) {
  static const char *const names[] = {"line", "column", "end-line", "end-column", "file", "tag", "rettag"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (kw_is(k, names[i])) return true;
  return false;
}

/* {:line :column} of a form, nil when it has none. */
static Val position_meta(Val form) {
  Val meta = meta_of(form);
  if (!is_map(meta)) return NIL;
  Val line = map_get_kw(meta, "line"), column = map_get_kw(meta, "column");
  if (is_nil(line) || is_nil(column)) return NIL;
  if (map_count(meta) == 2) return meta;
  return map_from((Val[]){kw_c("line"), line, kw_c("column"), column}, 2, false);
}

/* Metadata that the user wrote: without positions and type hints. nil when there is none. */
static Val user_meta(Val form) {
  Val meta = meta_of(form), k, v;
  if (!is_map(meta)) return NIL;
  Val user = meta;
  MapIter it;
  map_iter(&it, meta);
  while (map_next(&it, &k, &v))
    if (is_position_key(k)) user = map_dissoc(user, k);
  return map_count(user) ? user : NIL;
}

/* Without metadata; an alias is written out, so that core forms do not depend on the aliases of the moment. */
static Val sym_full(Expander *x, Val sym) {
  const Sym *s = AS(Sym, sym);
  Val target = is_nil(s->ns) ? NIL : map_get(AS(Ns, x->env->cur_ns)->aliases, sym_of(NIL, s->ns), NIL);
  if (!is_sym(target)) return sym_bare(sym);
  TRY(var, env_resolve(x->env, sym));
  return is_nil(var) ? sym_bare(sym) : sym_of(AS(Sym, target)->name, s->name);
}

/* Items that a lazy seq in `coll` hides are realised by running it. */
static Val realize(Expander *x, Val coll) {
  TRY(var, env_resolve(x->env, core_sym("vec")));
  if (is_nil(var)) return ex_throw(EXC_STATE, "clojure.core/vec is missing: a macro gave a lazy form");
  TRY(f, var_get(var));
  return mach_call_sync(x->env, f, &coll, 1);
}

Val form_items(Expander *x, Val coll, ValVec *out) {
  for (;;) {
    size_t had = out->n;
    Val r = coll_into_array(coll, out);
    if (!same(r, SIG_DEMAND)) return r;
    out->n = had;
    TRY(all, realize(x, coll));
    coll = all;
  }
}

static Val plain_items(Expander *x, Val form, ValVec *out, bool *changed) {
  ValVec items = {0};
  CHECK(form_items(x, form, &items));
  for (size_t i = 0; i < items.n; i++) {
    TRY(v, form_plain(x, items.a[i]));
    *changed |= !same(v, items.a[i]);
    vv_push(out, v);
  }
  return NIL;
}

static Val plain_map(Expander *x, Val form) {
  MapIter it;
  Val k, v, kvs;
  ValVec out = {0};
  bool changed = false;
  map_iter(&it, form);
  while (map_next(&it, &k, &v)) {
    TRY(pk, form_plain(x, k));
    TRY(pv, form_plain(x, v));
    changed |= !same(pk, k) || !same(pv, v);
    vv_push(&out, pk);
    vv_push(&out, pv);
  }
  if (!changed) return form;
  kvs = map_from(out.a, out.n / 2, false);
  return is_sig(kvs) ? kvs : with_meta(kvs, meta_of(form));
}

/* Metadata of a list that becomes data. As on the JVM, lists read from a file keep their position, others have none. */
static Val data_meta(const Expander *x, Val form) {
  Val meta = meta_of(form);
  if (x->file || is_nil(position_meta(form))) return meta;
  meta = map_dissoc(map_dissoc(meta, kw_c("line")), kw_c("column"));
  return map_count(meta) ? meta : NIL;
}

static Val plain_coll(Expander *x, Val form) {
  if (is_map(form)) return plain_map(x, form);
  ValVec out = {0};
  Val meta = form_is_list(form) ? data_meta(x, form) : meta_of(form);
  bool changed = form_is_list(form) && ((!is_type(form, T_LIST) && !is_type(form, T_EMPTY)) || !same(meta, meta_of(form)));
  CHECK(plain_items(x, form, &out, &changed));
  if (!changed) return form;
  TRY(v, is_set(form) ? set_from(out.a, out.n, false) : is_vec(form) ? vec_from(out.a, out.n) : list_from(out.a, out.n));
  return with_meta(v, meta);
}

static Val too_deep(void) { return ex_throw_kind(EXC_STACK, KIND_STACK, "form is nested more than %d deep", EXPAND_MAX_DEPTH); }

Val form_plain(Expander *x, Val form) {
  if (!is_vec(form) && !is_map(form) && !is_set(form) && !form_is_list(form)) return form;
  if (is_type(form, T_ENTRY)) form = vec_as_vec(form);
  if (++x->depth > EXPAND_MAX_DEPTH) return too_deep();
  Val v = plain_coll(x, form);
  x->depth--;
  return v;
}

/* --- errors ------------------------------------------------------------------------------------------------------------- */
Val err_spec(const char *macro) {
  Val e = ex_make(EXC_INFO, str_fmt("Call to clojure.core/%s did not conform to spec.", macro), map_empty, NIL);
  AS(Ex, e)->kind = KIND_SYNTAX;
  return ex_throw_val(e);
}

static Val err_text(enum Exc cls, Buf *b) {
  Val e = ex_throw_kind(cls, KIND_SYNTAX, "%s", buf_cstr(b));
  buf_free(b);
  return e;
}

#define ERR_FORMATTED(cls)                            \
  char small[512];                                    \
  va_list ap;                                         \
  va_start(ap, fmt);                                  \
  int n = vsnprintf(small, sizeof small, fmt, ap);    \
  va_end(ap);                                         \
  Buf b = {0};                                        \
  buf_c(&b, small);                                   \
  if (n >= (int)sizeof small) buf_c(&b, "...");       \
  return err_text(cls, &b)

Val err_argument(const char *fmt, ...) { ERR_FORMATTED(EXC_ILLEGAL_ARG); }
Val err_runtime(const char *fmt, ...) { ERR_FORMATTED(EXC_RUNTIME); }

/* An error whose format has one %s for a form. */
static Val err_form(Expander *x, enum Exc cls, const char *before, Val form) {
  Buf b = {0};
  buf_c(&b, before);
  if (is_nil(form)) {
    buf_c(&b, "null");
  } else {
    TRY(plain, form_plain(x, form));
    CHECK(print_to(&b, plain, &print_readably));
  }
  return err_text(cls, &b);
}

/* Add " (file:line:col)" to a syntax error, once, for the innermost form that has a position. */
static void place_error(Expander *x, Val form) {
  Walk *w = (Walk *)x;
  int line, col;
  if (w->placed || !x->file || !is_type(pend.ex, T_EX) || !form_pos(form, &line, &col)) return;
  Ex *e = AS(Ex, pend.ex);
  w->placed = true;
  if (e->kind == KIND_SYNTAX && is_str(e->msg)) e->msg = str_fmt("%s (%s:%d:%d)", str_s(e->msg), x->file, line, col);
}

/* --- scope ----------------------------------------------------------------------------------------------------------------- */
static Val local_add(Expander *x, Val sym) {
  TRY(s, set_conj(x->locals, sym_bare(sym)));
  x->locals = s;
  return NIL;
}

/* What reads the field that a symbol stands for; nil: it stands for none. */
static Val field_read(const Expander *x, Val sym) {
  if (is_nil(x->fields) || !is_nil(AS(Sym, sym)->ns) || !same(set_get(x->locals, sym, ABSENT), ABSENT)) return NIL;
  return map_get(x->fields, sym, NIL);
}

bool form_is_local(const Expander *x, Val sym) {
  if (!is_sym(sym) || !is_nil(AS(Sym, sym)->ns)) return false;
  return !same(set_get(x->locals, sym, ABSENT), ABSENT) || !is_nil(field_read(x, sym));
}

Val expand_gensym(Expander *x, const char *prefix) {
  return sym_of(NIL, str_fmt("%s__%lld__auto__", prefix, (long long)x->env->gensym++));
}

/* A fn* without a name that is bound to `sym` gets the qualified name ns/sym: it is no local, but shows in traces. */
static Val name_fn(Expander *x, Val init, Val sym) {
  if (!is_type(init, T_LIST) || !sym_is(AS(List, init)->first, "fn*") || AS(List, init)->cnt < 2) return init;
  if (is_sym(AS(List, AS(List, init)->rest)->first) || strstr(str_s(AS(Sym, sym)->name), "__auto__")) return init;
  ValVec f = {0};
  CHECK(coll_into_array(init, &f));
  Val ns = AS(Sym, AS(Ns, x->env->cur_ns)->name)->name;
  return form_like(LIST_BODY(&f, 1, f.a[0], sym_of(ns, AS(Sym, sym)->name)), init);
}

/* --- special forms: each gets the items of its list and gives a core form, positions are put on by the caller ------------------ */
static Val x_all(Expander *x, const ValVec *f, size_t from, ValVec *out) {
  for (size_t i = from; i < f->n; i++) {
    TRY(v, x_form(x, f->a[i]));
    vv_push(out, v);
  }
  return NIL;
}

/* (head item...) with every item expanded: do, recur, calls with a fixed head. */
static Val x_rest(Expander *x, const ValVec *f, size_t from, const Val *head, size_t n) {
  ValVec out = {0};
  for (size_t i = 0; i < n; i++) vv_push(&out, head[i]);
  CHECK(x_all(x, f, from, &out));
  return list_from(out.a, out.n);
}

static Val x_do(Expander *x, Val form, const ValVec *f) {
  (void)form;
  return x_rest(x, f, 1, &f->a[0], 1);
}

static Val x_if(Expander *x, Val form, const ValVec *f) {
  if (f->n < 3) return err_runtime("Too few arguments to if");
  if (f->n > 4) return err_runtime("Too many arguments to if");
  return x_do(x, form, f);
}

static Val x_throw(Expander *x, Val form, const ValVec *f) {
  if (f->n != 2)
    return err_runtime("Too %s arguments to throw, throw expects a single Throwable instance", f->n < 2 ? "few" : "many");
  return x_do(x, form, f);
}

static Val x_quote(Expander *x, Val form, const ValVec *f) {
  (void)form;
  if (f->n != 2) return ex_throw_kind(EXC_INFO, KIND_SYNTAX, "Wrong number of args (%zu) passed to quote", f->n - 1);
  TRY(data, form_plain(x, f->a[1]));
  return quoted(data);
}

static Val check_binding_sym(Expander *x, Val sym) {
  if (!is_sym(sym)) return err_form(x, EXC_ILLEGAL_ARG, "Bad binding form, expected symbol, got: ", sym);
  if (!is_nil(AS(Sym, sym)->ns)) return err_form(x, EXC_RUNTIME, "Can't let qualified name: ", sym);
  return NIL;
}

static Val check_binding_vec(Val b) {
  if (!is_vec(b)) return err_argument("Bad binding form, expected vector");
  if (vec_count(b) % 2) return err_argument("Bad binding form, expected matched symbol expression pairs");
  return NIL;
}

static Val x_let(Expander *x, Val form, const ValVec *f) { /* let* and loop* */
  (void)form;
  Val b = f->n > 1 ? f->a[1] : NIL, outer = x->locals;
  CHECK(check_binding_vec(b));
  ValVec pairs = {0};
  for (uint32_t i = 0; i < vec_count(b); i += 2) {
    Val sym = vec_nth(b, i);
    CHECK(check_binding_sym(x, sym));
    TRY(init, x_form(x, vec_nth(b, i + 1)));
    TRY(named, name_fn(x, init, sym));
    vv_push(&pairs, sym_bare(sym));
    vv_push(&pairs, named);
    CHECK(local_add(x, sym));
  }
  Val v = x_rest(x, f, 2, VALS(f->a[0], vec_from(pairs.a, pairs.n)));
  x->locals = outer;
  return v;
}

static Val x_letfn(Expander *x, Val form, const ValVec *f) {
  (void)form;
  Val b = f->n > 1 ? f->a[1] : NIL, outer = x->locals;
  CHECK(check_binding_vec(b));
  ValVec pairs = {0};
  for (uint32_t i = 0; i < vec_count(b); i += 2) {
    CHECK(check_binding_sym(x, vec_nth(b, i)));
    CHECK(local_add(x, vec_nth(b, i)));
  }
  for (uint32_t i = 0; i < vec_count(b); i += 2) {
    TRY(init, x_form(x, vec_nth(b, i + 1)));
    vv_push(&pairs, sym_bare(vec_nth(b, i)));
    vv_push(&pairs, init);
  }
  Val v = x_rest(x, f, 2, VALS(f->a[0], vec_from(pairs.a, pairs.n)));
  x->locals = outer;
  return v;
}

/* What the arities of one fn* are so far. */
typedef struct Arities { uint32_t seen; int variadic, most; } Arities;

static Val check_arity(Arities *ar, uint32_t fixed, bool variadic) {
  if (fixed > EXPAND_MAX_PARAMS) return err_runtime("Can't specify more than %d params", EXPAND_MAX_PARAMS);
  if (variadic && ar->variadic >= 0) return err_runtime("Can't have more than 1 variadic overload");
  if (!variadic && (ar->seen & 1u << fixed)) return err_runtime("Can't have 2 overloads with same arity");
  if (variadic) {
    ar->variadic = (int)fixed;
  } else {
    ar->seen |= 1u << fixed;
    if ((int)fixed > ar->most) ar->most = (int)fixed;
  }
  if (ar->variadic >= 0 && ar->most > ar->variadic)
    return err_runtime("Can't have fixed arity function with more params than variadic function");
  return NIL;
}

static Val arity_params(Expander *x, Val params, Arities *ar) {
  ValVec out = {0};
  uint32_t n = vec_count(params), fixed = 0;
  bool variadic = false;
  for (uint32_t i = 0; i < n; i++) {
    Val p = vec_nth(params, i);
    if (!is_sym(p)) return err_argument("fn params must be Symbols");
    if (!is_nil(AS(Sym, p)->ns)) return err_form(x, EXC_RUNTIME, "Can't use qualified name as parameter: ", p);
    vv_push(&out, sym_bare(p));
    if (sym_is(p, "&")) {
      if (variadic || i + 2 != n) return err_runtime("Invalid parameter list");
      variadic = true;
      continue;
    }
    fixed += !variadic;
    CHECK(local_add(x, p));
  }
  CHECK(check_arity(ar, fixed, variadic));
  return vec_from(out.a, out.n);
}

static Val x_arity(Expander *x, Val params, const ValVec *f, size_t from, Arities *ar) {
  Val outer = x->locals;
  TRY(ps, arity_params(x, params, ar));
  Val v = x_rest(x, f, from, &ps, 1);
  x->locals = outer;
  return v;
}

static Val x_arities(Expander *x, const ValVec *f, size_t from, ValVec *out) {
  Arities ar = {0, -1, -1};
  if (from < f->n && is_vec(f->a[from])) {
    TRY(one, x_arity(x, f->a[from], f, from + 1, &ar));
    vv_push(out, one);
    return NIL;
  }
  for (size_t i = from; i < f->n; i++) {
    ValVec parts = {0};
    if (!form_is_list(f->a[i])) return ex_cast(f->a[i], "clojure.lang.ISeq");
    CHECK(form_items(x, f->a[i], &parts));
    if (!parts.n || !is_vec(parts.a[0])) return err_argument("fn* needs a parameter vector");
    TRY(one, x_arity(x, parts.a[0], &parts, 1, &ar));
    vv_push(out, form_like(one, f->a[i]));
  }
  return NIL;
}

static Val x_fn(Expander *x, Val form, const ValVec *f) {
  Val outer = x->locals;
  ValVec out = {0};
  size_t from = 1;
  vv_push(&out, f->a[0]);
  if (f->n > 1 && is_sym(f->a[1])) {
    vv_push(&out, sym_bare(f->a[1]));
    if (is_nil(AS(Sym, f->a[1])->ns)) CHECK(local_add(x, f->a[1]));
    from = 2;
  }
  size_t head = out.n;
  CHECK(x_arities(x, f, from, &out));
  if (out.n == head) return err_argument("fn* needs at least one arity");
  x->locals = outer;
  Val fn = list_from(out.a, out.n), meta = user_meta(form);
  if (is_nil(meta)) return fn;
  TRY(mf, x_form(x, meta));
  return LIST(core_sym("with-meta"), fn, mf);
}

static bool is_quoted(Val v) { return is_type(v, T_LIST) && sym_is(AS(List, v)->first, "quote"); }

/* Is this form its own value? Quoted data is. */
static bool is_data(Val v) {
  if (is_sym(v)) return false;
  if (form_is_list(v)) return is_type(v, T_EMPTY) || is_quoted(v);
  if (!is_vec(v) && !is_map(v) && !is_set(v)) return true;
  ValVec parts = {0};
  if (is_sig(coll_into_array(v, &parts))) return false;
  for (size_t i = 0; i < parts.n; i++)
    if (!is_data(parts.a[i])) return false;
  return true;
}

/* The metadata of a def's symbol that has to be evaluated: (k form ...). */
static Val computed_meta(Expander *x, Val sym) {
  ValVec out = {0};
  MapIter it;
  Val k, v;
  if (!is_map(meta_of(sym))) return empty_list;
  map_iter(&it, meta_of(sym));
  while (map_next(&it, &k, &v)) {
    if (is_data(v) || is_position_key(k) || kw_is(k, "arglists") || kw_is(k, "macro") || kw_is(k, "dynamic")) continue;
    TRY(form, x_form(x, v));
    vv_push(&out, k);
    vv_push(&out, form);
  }
  return list_from(out.a, out.n);
}

/* Metadata of a def's symbol is data here: '([x]) and the like lose their quote. */
static Val def_meta(Expander *x, Val sym, Val doc) {
  Val meta = is_map(meta_of(sym)) ? meta_of(sym) : map_empty, out = map_empty, k, v;
  MapIter it;
  map_iter(&it, meta);
  while (map_next(&it, &k, &v)) {
    ValVec q = {0};
    if (form_is_list(v)) CHECK(form_items(x, v, &q));
    TRY(plain, form_plain(x, q.n == 2 && sym_is(q.a[0], "quote") ? q.a[1] : v));
    out = map_assoc(out, k, plain);
  }
  if (is_str(doc)) out = map_assoc(out, kw_c("doc"), doc);
  return map_count(out) ? out : NIL;
}

/* The def, and then what its metadata evaluates to. */
static Val def_with_meta(Val sym, Val computed, Val def) {
  if (!is_type(computed, T_LIST)) return def;
  Val var = LIST(sym_c("var"), sym_bare(sym));
  ValVec call = {0};
  vv_push(&call, core_sym("alter-meta!"));
  vv_push(&call, var);
  vv_push(&call, core_sym("assoc"));
  for (Val s = computed; is_type(s, T_LIST); s = AS(List, s)->rest) vv_push(&call, AS(List, s)->first);
  return LIST(sym_c("do"), def, list_from(call.a, call.n), var);
}

static Val x_def(Expander *x, Val form, const ValVec *f) {
  (void)form;
  bool documented = f->n == 4 && is_str(f->a[2]);
  if (f->n > 4 || (f->n == 4 && !documented)) return err_runtime("Too many arguments to def");
  if (f->n < 2) return err_runtime("Too few arguments to def");
  if (!is_sym(f->a[1])) return err_runtime("First argument to def must be a Symbol");
  TRY(meta, def_meta(x, f->a[1], documented ? f->a[2] : NIL));
  TRY(sym, with_meta(sym_bare(f->a[1]), meta));
  TRY(computed, computed_meta(x, f->a[1]));
  if (f->n == 2) return def_with_meta(sym, computed, LIST(f->a[0], sym));
  TRY(init, x_form(x, f->a[f->n - 1]));
  TRY(named, name_fn(x, init, sym));
  return def_with_meta(sym, computed, LIST(f->a[0], sym, named));
}

static Val x_var(Expander *x, Val form, const ValVec *f) {
  (void)form;
  if (f->n < 2) return err_runtime("Too few arguments to var");
  if (!is_sym(f->a[1])) return ex_cast(f->a[1], "clojure.lang.Symbol");
  TRY(sym, sym_full(x, f->a[1]));
  return LIST(f->a[0], sym);
}

static Val type_sym(const char *name) { return sym_new("breyta.type", name); }

/* (set! (.-field x) v) */
static Val x_set_member(Expander *x, const ValVec *f) {
  ValVec t = {0};
  CHECK(form_items(x, f->a[1], &t));
  bool dot = t.n == 3 && sym_is(t.a[0], "."); /* (. x -field) */
  Val name = dot ? t.a[2] : t.n == 2 ? t.a[0] : NIL;
  const char *s = is_sym(name) && is_nil(AS(Sym, name)->ns) ? str_s(AS(Sym, name)->name) : "";
  s += *s == '.';
  s += *s == '-';
  if (!*s) return err_argument("Invalid assignment target");
  TRY(target, x_form(x, t.a[1]));
  TRY(v, x_form(x, f->a[2]));
  return LIST(type_sym("set-field*"), target, kw_c(s), v);
}

static Val x_set(Expander *x, Val form, const ValVec *f) {
  (void)form;
  if (f->n != 3) return err_argument("Malformed assignment, expecting (set! target val)");
  if (form_is_list(f->a[1])) return x_set_member(x, f);
  if (!is_sym(f->a[1])) return err_argument("Invalid assignment target");
  Val read = field_read(x, f->a[1]);
  ValVec r = {0};
  if (!is_nil(read)) CHECK(form_items(x, read, &r));
  if (r.n && str_eq_c(AS(Sym, r.a[0])->name, "get-mutable*")) return x_rest(x, f, 2, VALS(type_sym("set*"), r.a[1], r.a[2]));
  if (form_is_local(x, f->a[1])) return err_form(x, EXC_ILLEGAL_ARG, "Cannot assign to non-mutable: ", f->a[1]);
  TRY(sym, sym_full(x, f->a[1]));
  return x_rest(x, f, 2, VALS(f->a[0], sym));
}

static Val x_new(Expander *x, Val form, const ValVec *f) {
  (void)form;
  if (f->n < 2) return err_runtime("wrong number of arguments, expecting: (new Classname args...)");
  if (!is_sym(f->a[1])) return err_form(x, EXC_ILLEGAL_ARG, "Unable to resolve classname: ", f->a[1]);
  return x_rest(x, f, 2, VALS(f->a[0], sym_bare(f->a[1])));
}

static Val x_catch(Expander *x, const ValVec *c) {
  Val cls = c->n > 1 ? c->a[1] : NIL, sym = c->n > 2 ? c->a[2] : NIL;
  if (!is_sym(cls)) return err_form(x, EXC_ILLEGAL_ARG, "Unable to resolve classname: ", cls);
  if (!is_sym(sym)) return err_form(x, EXC_ILLEGAL_ARG, "Bad binding form, expected symbol, got: ", sym);
  if (!is_nil(AS(Sym, sym)->ns)) return err_form(x, EXC_RUNTIME, "Can't bind qualified name:", sym);
  Val outer = x->locals;
  CHECK(local_add(x, sym));
  Val v = x_rest(x, c, 3, VALS(c->a[0], sym_bare(cls), sym_bare(sym)));
  x->locals = outer;
  return v;
}

static Val x_try_part(Expander *x, Val part, ValVec *out, bool *caught, bool *finally) {
  ValVec c = {0};
  if (form_is_list(part)) CHECK(form_items(x, part, &c));
  bool is_catch = c.n && sym_is(c.a[0], "catch"), is_finally = c.n && sym_is(c.a[0], "finally");
  if (*finally) return err_runtime("finally clause must be last in try expression");
  if (*caught && !is_catch && !is_finally) return err_runtime("Only catch or finally clause can follow catch in try expression");
  *caught |= is_catch;
  *finally |= is_finally;
  TRY(v, is_catch ? x_catch(x, &c) : is_finally ? x_do(x, part, &c) : x_form(x, part));
  vv_push(out, is_catch || is_finally ? form_like(v, part) : v);
  return NIL;
}

static Val x_try(Expander *x, Val form, const ValVec *f) {
  (void)form;
  ValVec out = {0};
  bool caught = false, finally = false;
  vv_push(&out, f->a[0]);
  for (size_t i = 1; i < f->n; i++) CHECK(x_try_part(x, f->a[i], &out, &caught, &finally));
  return list_from(out.a, out.n);
}

static Val x_case(Expander *x, Val form, const ValVec *f) {
  (void)form;
  if (f->n < 3 || f->n % 2 == 0) return err_argument("Malformed case*, expecting (case* x default [constant...] expr ...)");
  ValVec out = {0};
  vv_push(&out, f->a[0]);
  for (size_t i = 1; i < f->n; i++) {
    TRY(v, i >= 3 && i % 2 ? form_plain(x, f->a[i]) : x_form(x, f->a[i]));
    vv_push(&out, v);
  }
  return list_from(out.a, out.n);
}

static Val x_binding(Expander *x, Val form, const ValVec *f) {
  (void)form;
  CHECK(check_binding_vec(f->n > 1 ? f->a[1] : NIL));
  ValVec pairs = {0};
  for (uint32_t i = 0; i < vec_count(f->a[1]); i += 2) {
    Val sym = vec_nth(f->a[1], i);
    if (!is_sym(sym)) return ex_cast(sym, "clojure.lang.Symbol");
    TRY(v, x_form(x, vec_nth(f->a[1], i + 1)));
    TRY(name, sym_full(x, sym));
    vv_push(&pairs, name);
    vv_push(&pairs, v);
  }
  return x_rest(x, f, 2, VALS(f->a[0], vec_from(pairs.a, pairs.n)));
}

/* A symbol in target position that no value can have: Math, java.util.UUID. */
static Val is_class_target(Expander *x, Val sym) {
  if (!is_sym(sym) || !is_nil(AS(Sym, sym)->ns) || form_is_local(x, sym)) return FALSE_V;
  const char *s = str_s(AS(Sym, sym)->name);
  if (!strchr(s, '.') && !(*s >= 'A' && *s <= 'Z')) return FALSE_V;
  TRY(var, env_resolve(x->env, sym));
  return bool_val(is_nil(var));
}

/* (. target member args...) becomes (.member target args...) or (Class/member args...). */
static Val x_dot(Expander *x, Val form, const ValVec *f) {
  (void)form;
  if (f->n < 3) return err_argument("Malformed member expression, expecting (. target member ...)");
  ValVec m = {0};
  if (form_is_list(f->a[2])) CHECK(form_items(x, f->a[2], &m));
  for (size_t i = 2; !form_is_list(f->a[2]) && i < f->n; i++) vv_push(&m, f->a[i]);
  if (!m.n || !is_sym(m.a[0])) return err_argument("Malformed member expression, expecting (. target member ...)");
  TRY(cls, is_class_target(x, f->a[1]));
  Val member = AS(Sym, m.a[0])->name;
  if (truthy(cls)) return x_rest(x, &m, 1, VALS(sym_of(AS(Sym, f->a[1])->name, member)));
  TRY(target, x_form(x, f->a[1]));
  return x_rest(x, &m, 1, VALS(sym_of(NIL, str_fmt(".%s", str_s(member))), target));
}

static bool field_is_mutable(Val sym) {
  Val meta = meta_of(sym);
  return truthy(map_get_kw(meta, "unsynchronized-mutable")) || truthy(map_get_kw(meta, "volatile-mutable"));
}

/* (with-fields* this [field ...] body...): each field, unless a local shadows it, reads as (get* this place). */
static Val x_with_fields(Expander *x, Val form, const ValVec *f) {
  (void)form;
  if (f->n < 3 || !is_sym(f->a[1]) || !is_vec(f->a[2]))
    return err_argument("Malformed with-fields*, expecting (with-fields* this [field...] body...)");
  Val locals = x->locals, fields = x->fields;
  x->fields = map_empty;
  for (uint32_t i = 0; i < vec_count(f->a[2]); i++) {
    Val sym = vec_nth(f->a[2], i);
    if (!is_sym(sym)) return err_argument("Malformed with-fields*, a field is a symbol");
    Val read = LIST(type_sym(field_is_mutable(sym) ? "get-mutable*" : "get*"), f->a[1], fix(i));
    TRY(more, map_assoc(x->fields, sym_bare(sym), read));
    TRY(less, set_disj(x->locals, sym_bare(sym)));
    x->fields = more;
    x->locals = less;
  }
  Val v = x_rest(x, f, 3, VALS(sym_c("do")));
  x->locals = locals;
  x->fields = fields;
  return v;
}

typedef Val (*SpecialFn)(Expander *x, Val form, const ValVec *f);
static const struct Special { const char *name; SpecialFn fn; } specials[] = {
    {"quote", x_quote}, {"if", x_if}, {"do", x_do}, {"let*", x_let}, {"loop*", x_let}, {"recur", x_do}, {"fn*", x_fn},
    {"letfn*", x_letfn}, {"def", x_def}, {"var", x_var}, {"set!", x_set}, {"throw", x_throw}, {"try", x_try},
    {"case*", x_case}, {"binding*", x_binding}, {"new", x_new}, {".", x_dot},
    {"with-fields*", x_with_fields}};

static SpecialFn special_find(Val head) {
  if (!is_sym(head) || !is_nil(AS(Sym, head)->ns)) return NULL;
  const char *s = str_s(AS(Sym, head)->name);
  for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
    if (!strcmp(s, specials[i].name)) return specials[i].fn;
  return NULL;
}

/* --- macros ---------------------------------------------------------------------------------------------------------------- */
static bool has_dot_sugar(Val sym) { /* .method, Class. */
  if (!is_nil(AS(Sym, sym)->ns)) return false;
  const char *s = str_s(AS(Sym, sym)->name);
  size_t n = str_n(AS(Sym, sym)->name);
  return n > 1 && (s[0] == '.' || s[n - 1] == '.') && strcmp(s, "..") != 0;
}

/* The macro var that a call's head names; nil: it is no macro. */
static Val macro_var(Expander *x, Val head) {
  if (!is_sym(head) || form_is_local(x, head) || has_dot_sugar(head)) return NIL;
  TRY(var, env_resolve(x->env, sym_bare(head)));
  return is_type(var, T_VAR) && (obj(var)->flags & VAR_MACRO) ? var : NIL;
}

static Val env_map(const Expander *x) { /* &env: the locals in scope */
  MapIter it;
  Val k, v;
  ValVec kvs = {0};
  map_iter(&it, x->locals);
  while (map_next(&it, &k, &v)) {
    vv_push(&kvs, k);
    vv_push(&kvs, k);
  }
  return kvs.n ? map_from(kvs.a, kvs.n / 2, false) : NIL;
}

/* The caller did not write &form and &env: an arity error must not count them. */
static Val check_macro_arity(Val f, uint32_t n) {
  if (!is_type(f, T_FN)) return NIL;
  const FnCode *code = AS(Fn, f)->code;
  for (uint16_t i = 0; i < code->narities; i++)
    if (code->ar[i].variadic ? n + 2 >= code->ar[i].nparams : n + 2 == code->ar[i].nparams) return NIL;
  return ex_arity((int)n, str_s(code->name));
}

/* What a macro of the library throws is about the syntax of its call. */
static void complained(void) {
  Ex *e = AS(Ex, pend.ex);
  if (e->kind != KIND_LIMIT && e->kind != KIND_STACK) e->kind = KIND_SYNTAX;
}

static Val macro_call(Expander *x, Val var, Val form, const ValVec *f) {
  TRY(root, var_get(var));
  if (is_type(root, T_BUILTIN) && AS(BuiltinObj, root)->def->macro) {
    Val outer = x->form;
    x->form = form;
    Val v = AS(BuiltinObj, root)->def->macro(x, form);
    x->form = outer;
    return v;
  }
  CHECK(check_macro_arity(root, (uint32_t)f->n - 1));
  TRY(env, env_map(x));
  ValVec args = {0};
  vv_push(&args, form);
  vv_push(&args, env);
  for (size_t i = 1; i < f->n; i++) vv_push(&args, f->a[i]);
  Val v = mach_call_sync(x->env, root, args.a, (uint32_t)args.n);
  if (same(v, SIG_THROW) && obj(var)->flags & VAR_CONST) complained();
  return v;
}

Val macro_args(Expander *x, Val form, ValVec *f, const char *name, int min, int max) {
  CHECK(form_items(x, form, f));
  int argc = (int)f->n - 1;
  if (argc >= min && (max < 0 || argc <= max)) return NIL;
  Buf b = {0};
  buf_fmt(&b, "clojure.core/%s", name);
  Val e = ex_arity(argc, buf_cstr(&b));
  buf_free(&b);
  return e;
}

Val macro_bindings(Expander *x, Val form, const ValVec *f, const char *name, enum MacroPairs pairs) {
  const char *wants = NULL;
  if (!is_vec(f->a[1])) wants = "a vector for its binding";
  else if (pairs == PAIRS_ONE && vec_count(f->a[1]) != 2) wants = "exactly 2 forms in binding vector";
  else if (vec_count(f->a[1]) % 2) wants = "an even number of forms in binding vector";
  if (!wants) return NIL;
  int line, col;
  Val ns = AS(Sym, AS(Ns, x->env->cur_ns)->name)->name;
  if (!form_pos(form, &line, &col)) return err_argument("%s requires %s in %s", name, wants, str_s(ns));
  return err_argument("%s requires %s in %s:%d", name, wants, str_s(ns), line);
}

/* --- calls and data ---------------------------------------------------------------------------------------------------------- */
static Val x_call(Expander *x, Val form, const ValVec *f) {
  Val head = f->a[0];
  if (is_nil(head)) return err_form(x, EXC_ILLEGAL_ARG, "Can't call nil, form: ", form);
  if (is_sym(head) && !form_is_local(x, head) && has_dot_sugar(head)) {
    const char *s = str_s(AS(Sym, head)->name);
    if (s[0] != '.') return x_rest(x, f, 1, VALS(sym_c("new"), sym_of(NIL, str_new(s, strlen(s) - 1))));
    if (f->n < 2) return err_argument("Malformed member expression, expecting (.member target ...)");
  }
  return x_rest(x, f, 0, NULL, 0);
}

static Val placed(Val v, Val at) { return is_nil(at) || !is_type(v, T_LIST) ? v : with_meta(v, at); }

static Val as_list(Expander *x, Val seq) { /* what a macro gave may be lazy, and a copy with metadata would realise it */
  if (is_type(seq, T_LIST) || is_type(seq, T_EMPTY)) return seq;
  ValVec items = {0};
  CHECK(form_items(x, seq, &items));
  return form_like(list_from(items.a, items.n), seq);
}

static Val x_list_turns(Expander *x, Val form) {
  Val at = position_meta(form);
  for (int turns = 0; turns < EXPAND_MAX_TURNS; turns++) {
    ValVec f = {0};
    CHECK(form_items(x, form, &f));
    if (!f.n) return empty_list;
    SpecialFn special = special_find(f.a[0]);
    Val macro = special ? NIL : macro_var(x, f.a[0]);
    if (is_sig(macro)) return macro;
    if (special || is_nil(macro)) {
      TRY(v, special ? special(x, form, &f) : x_call(x, form, &f));
      return placed(v, at);
    }
    TRY(next, macro_call(x, macro, form, &f));
    if (!form_is_list(next)) return x_form(x, next);
    TRY(list, as_list(x, next));
    Val own = position_meta(list);
    if (!is_nil(own)) at = own;
    form = is_nil(meta_of(list)) && !is_nil(at) ? with_meta(list, at) : list;
  }
  return ex_throw_kind(EXC_STACK, KIND_STACK, "a macro expands without end");
}

static Val x_list(Expander *x, Val form) {
  Val v = x_list_turns(x, form);
  if (same(v, SIG_THROW)) place_error(x, form);
  return v;
}

static Val with_user_meta(Expander *x, Val form, Val v) {
  Val meta = user_meta(form);
  if (is_nil(meta)) return v;
  TRY(m, x_form(x, meta));
  return LIST(core_sym("with-meta"), v, m);
}

static Val x_items(Expander *x, Val form, ValVec *out, bool *changed) {
  ValVec items = {0};
  CHECK(form_items(x, form, &items));
  for (size_t i = 0; i < items.n; i++) {
    TRY(v, x_form(x, items.a[i]));
    *changed |= !same(v, items.a[i]);
    vv_push(out, v);
  }
  return NIL;
}

static Val x_vec(Expander *x, Val form) {
  ValVec out = {0};
  bool changed = is_type(form, T_ENTRY) || !is_nil(meta_of(form));
  CHECK(x_items(x, form, &out, &changed));
  return changed ? with_user_meta(x, form, vec_from(out.a, out.n)) : form;
}

/* Two elements that were different forms may be the same core form: then the literal becomes a call, so that none is lost. */
static Val x_set_literal(Expander *x, Val form) {
  ValVec out = {0};
  bool changed = !is_nil(meta_of(form));
  CHECK(x_items(x, form, &out, &changed));
  if (!changed) return form;
  TRY(s, set_from(out.a, out.n, false));
  if (set_count(s) < out.n) s = form_with_body(&out, 0, VALS(core_sym("hash-set")));
  return with_user_meta(x, form, s);
}

static Val x_map_literal(Expander *x, Val form) {
  MapIter it;
  Val k, v;
  ValVec out = {0};
  bool changed = !is_nil(meta_of(form));
  map_iter(&it, form);
  while (map_next(&it, &k, &v)) {
    TRY(ek, x_form(x, k));
    TRY(ev, x_form(x, v));
    changed |= !same(ek, k) || !same(ev, v);
    vv_push(&out, ek);
    vv_push(&out, ev);
  }
  if (!changed) return form;
  TRY(m, is_type(form, T_AMAP) ? amap_from(out.a, out.n / 2) : map_from(out.a, out.n / 2, false));
  if (map_count(m) < out.n / 2) m = form_with_body(&out, 0, VALS(core_sym("hash-map")));
  return with_user_meta(x, form, m);
}

/* A record that the reader read (#user.Point{...}): what is in it is data. */
static Val record_form(Val form) {
  return LIST(type_sym("from-map*"), sym_c(class_name_of(form)), quoted(rec_plain(form)));
}

static Val x_any(Expander *x, Val form) {
  if (!is_ptr(form)) return form;
  if (is_sym(form)) {
    Val read = field_read(x, form);
    return is_nil(read) ? sym_full(x, form) : read;
  }
  if (is_vec(form)) return x_vec(x, form);
  if (is_type(form, T_RECORD)) return record_form(form);
  if (is_map(form)) return x_map_literal(x, form);
  if (is_set(form)) return x_set_literal(x, form);
  if (is_type(form, T_EMPTY)) return with_user_meta(x, form, empty_list);
  if (is_type(form, T_VAR)) return LIST(sym_c("var"), var_name_sym(form)); /* a macro has put it there: named, so that it can be stored */
  return form_is_list(form) ? x_list(x, form) : form;
}

static Val x_form(Expander *x, Val form) {
  if (++x->depth > EXPAND_MAX_DEPTH) return too_deep();
  Val v = x_any(x, form);
  x->depth--;
  return v;
}

/* --- entry points ------------------------------------------------------------------------------------------------------------- */
static Walk walk_new(Env *env, Val form, const char *file) {
  return (Walk){.x = {.env = env, .locals = set_empty, .file = file, .form = form}};
}

Val expand(Env *env, Val form, const char *file) {
  Walk w = walk_new(env, form, file);
  Val v = x_form(&w.x, form);
  return same(v, SIG_DEMAND) ? ex_throw_kind(EXC_RUNTIME, KIND_SYNTAX, "a lazy seq in a key of a form cannot be expanded") : v;
}

static Val sugar_1(Expander *x, Val form, const ValVec *f) { /* (Class. a) shows as (new Class a), as in Clojure */
  Val head = f->a[0];
  if (!is_sym(head) || form_is_local(x, head) || !has_dot_sugar(head)) return form;
  const char *s = str_s(AS(Sym, head)->name);
  size_t n = strlen(s);
  if (s[0] != '.') return form_like(LIST_BODY(f, 1, sym_c("new"), sym_of(NIL, str_new(s, n - 1))), form);
  if (f->n < 2) return err_argument("Malformed member expression, expecting (.member target ...)");
  return form_like(LIST_BODY(f, 2, sym_c("."), f->a[1], sym_of(NIL, str_new(s + 1, n - 1))), form);
}

Val macroexpand_1(Env *env, Val form) {
  if (!form_is_list(form) || is_type(form, T_EMPTY)) return form;
  Walk w = walk_new(env, form, NULL);
  ValVec f = {0};
  CHECK(form_items(&w.x, form, &f));
  if (!f.n || special_find(f.a[0])) return form;
  TRY(macro, macro_var(&w.x, f.a[0]));
  return is_nil(macro) ? sugar_1(&w.x, form, &f) : macro_call(&w.x, macro, form, &f);
}
