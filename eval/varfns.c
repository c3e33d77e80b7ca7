/* varfns.c - vars as values: their roots, thread bindings and metadata. Vars of the library are constant. */
#include "expand.h"
#include "unit.h"
#include "reader/read.h"
#include "reader/num.h"
#include "reader/vec.h"

static Val need_var(Val v) { return is_type(v, T_VAR) ? NIL : ex_cast(v, "clojure.lang.Var"); }

static Val var_constant(Val var) {
  Buf b = {0};
  CHECK(print_to(&b, var, &print_plain));
  Val e = ex_throw(EXC_STATE, "%s is part of the language and cannot be changed: pass a function as an argument, or call a var of your own", buf_cstr(&b));
  buf_free(&b);
  return e;
}

/* --- values --------------------------------------------------------------------------------------------------------- */
DOC(var_get, "[x]", "The value of a var: its binding, else its root.", "((var-get (var inc)) 1) ;=> 2\n(var-get 1) ;!> type");
static Val fn_var_get(Val var) {
  CHECK(need_var(var));
  return var_get(var);
}

/* The cell of a var's binding, ABSENT when it has none. */
static Val binding_of(Val var) { return is_nil(mach_cur->bindings) ? ABSENT : map_get(mach_cur->bindings, var, ABSENT); }

DOC(var_set, "[var val]", "Sets the value that binding or with-local-vars gave a var.",
    "(with-local-vars [x 1] (var-set x 2) @x) ;=> 2\n(do (def v 1) (var-set #'v 2)) ;!> state");
static Val fn_var_set(Val var, Val v) {
  CHECK(need_var(var));
  Val cell = binding_of(var);
  if (same(cell, ABSENT))
    return ex_throw(EXC_STATE, "Can't change/establish root binding of: %s with set", str_s(AS(Sym, AS(Var, var)->name)->name));
  return AS(Box, cell)->val = v;
}

DOC(bound, "[& vars]", "True if every var has a value, from its root or a binding.", "(bound? #'inc) ;=> true");
static Val fn_bound(int argc, const Val *a) {
  for (int i = 0; i < argc; i++) {
    CHECK(need_var(a[i]));
    bool root = !same(AS(Var, a[i])->root, UNBOUND) || (obj(a[i])->flags & VAR_CUR_NS);
    if (!root && same(binding_of(a[i]), ABSENT)) return FALSE_V;
  }
  return TRUE_V;
}

DOC(thread_bound, "[& vars]", "True if every var is bound by binding or with-bindings.",
    "(binding [*print-length* 1] (thread-bound? #'*print-length*)) ;=> true\n(thread-bound? #'inc) ;=> false");
static Val fn_thread_bound(int argc, const Val *a) {
  for (int i = 0; i < argc; i++) {
    CHECK(need_var(a[i]));
    if (same(binding_of(a[i]), ABSENT)) return FALSE_V;
  }
  return TRUE_V;
}

DOC(alter_var_root, "[var f & args]", "Sets the root of a var to (f root & args), and answers it.",
    "(do (def v 1) (alter-var-root #'v + 2) v) ;=> 3\n(alter-var-root #'inc identity) ;!> state");
/* slots: var, f, args */
static Val alter_var_root_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc) return AS(Var, s[0])->root = in;
  CHECK(need_var(s[0]));
  if (!(obj(s[0])->flags & VAR_RUN)) return var_constant(s[0]);
  ValVec args = {0};
  Val root = AS(Var, s[0])->root;
  vv_push(&args, same(root, UNBOUND) ? NIL : root);
  for (uint32_t i = 0; !is_nil(s[2]) && i < AS(Arr, s[2])->n; i++) vv_push(&args, AS(Arr, s[2])->a[i]);
  return nf_calln(m, 1, s[1], args.a, (uint32_t)args.n);
}
static const NativeDef nd_alter_var_root = {"clojure.core/alter-var-root", 1, 2, 2, true, false, 0, alter_var_root_step};

DOC(roots, "[vars]", "The roots of vars of the program, as a vector; what with-redefs-fn keeps.", "(breyta.var/roots []) ;=> []");
static Val fn_roots(Val vars) {
  ValVec vs = {0};
  CHECK(coll_into_array(vars, &vs));
  for (size_t i = 0; i < vs.n; i++) {
    CHECK(need_var(vs.a[i]));
    if (!(obj(vs.a[i])->flags & VAR_RUN)) return var_constant(vs.a[i]);
    Val root = AS(Var, vs.a[i])->root;
    vs.a[i] = vec_from((Val[]){vs.a[i], root}, 2);
  }
  return vec_from(vs.a, vs.n);
}

DOC(set_root, "[var val]", "Sets the root of a var.", "(do (def v 1) (breyta.var/set-root! #'v 2) v) ;=> 2");
static Val fn_set_root(Val var, Val v) {
  CHECK(need_var(var));
  if (!(obj(var)->flags & VAR_RUN)) return var_constant(var);
  AS(Var, var)->root = v;
  return NIL;
}

DOC(set_roots, "[pairs]", "Gives vars back what roots has kept.", "(breyta.var/set-roots! []) ;=> nil");
static Val fn_set_roots(Val pairs) {
  ValVec ps = {0};
  CHECK(coll_into_array(pairs, &ps));
  for (size_t i = 0; i < ps.n; i++) AS(Var, vec_nth(ps.a[i], 0))->root = vec_nth(ps.a[i], 1);
  return NIL;
}

DOC(local_var, "[]", "A var of no namespace, for with-local-vars.", "(var? (breyta.var/local)) ;=> true");
static Val fn_local_var(void) {
  Env *e = mach_cur->env;
  Val name = sym_of(NIL, str_fmt("local-%u", e->serial));
  Var *v = mem_obj(T_VAR);
  v->h.flags = VAR_RUN | VAR_DYNAMIC;
  v->ns = sym_c("breyta.local");
  v->name = name;
  v->root = UNBOUND;
  v->serial = e->serial++;
  return from_obj(v);
}

/* --- intern, find-var ----------------------------------------------------------------------------------------------- */
static Val intern(Val x, Val sym, Val v) {
  TRY(ns, ns_the(x));
  if (!is_sym(sym)) return ex_cast(sym, "clojure.lang.Symbol");
  Val var = env_intern(mach_cur->env, AS(Ns, ns)->name, sym_of(NIL, AS(Sym, sym)->name));
  if (!is_nil(meta_of(sym))) var_declare(var, meta_of(sym));
  if (!same(v, ABSENT)) AS(Var, var)->root = v;
  return var;
}

DOC(intern, "[ns name] [ns name val]", "The var of that name in a namespace, made when it is missing, with the root val if given.",
    "(do (intern 'user 'made 5) made) ;=> 5\n(intern 'no.such 'x) ;!> runtime");
static Val fn_intern(Val ns, Val sym) { return intern(ns, sym, ABSENT); }
static Val fn_intern3(Val ns, Val sym, Val v) { return intern(ns, sym, v); }

DOC(find_var, "[sym]", "The var that a qualified symbol names, nil if there is none.",
    "(find-var 'clojure.core/inc) ;=> #'clojure.core/inc\n(find-var 'user/no-such) ;=> nil\n(find-var 'inc) ;!> argument");
static Val fn_find_var(Val sym) {
  if (!is_sym(sym)) return ex_cast(sym, "clojure.lang.Symbol");
  const Sym *s = AS(Sym, sym);
  if (is_nil(s->ns)) return ex_throw(EXC_ILLEGAL_ARG, "Symbol must be namespace-qualified");
  Env *e = mach_cur->env;
  if (is_nil(env_find_ns(e, sym_of(NIL, s->ns))) && !env_core_has_ns(str_s(s->ns)))
    return ex_throw(EXC_ILLEGAL_ARG, "No such namespace: %s", str_s(s->ns));
  return env_resolve(e, sym);
}

/* --- bindings ------------------------------------------------------------------------------------------------------- */
DOC(thread_bindings, "[]", "A map from the vars that are bound to their values.",
    "(binding [*print-length* 3] (get (get-thread-bindings) #'*print-length*)) ;=> 3");
static Val fn_thread_bindings(void) {
  MapIter it;
  Val out = hmap_empty, k, cell;
  if (is_nil(mach_cur->bindings)) return map_empty;
  map_iter(&it, mach_cur->bindings);
  while (map_next(&it, &k, &cell)) out = map_assoc(out, k, AS(Box, cell)->val);
  return out;
}

static Val bind_all(Mach *m, Val map) {
  MapIter it;
  Val b = is_nil(m->bindings) ? hmap_empty : m->bindings, var, v;
  if (is_nil(map)) return ex_throw(EXC_NULL, "Cannot invoke \"clojure.lang.Associative.seq()\" because \"bindings\" is null");
  if (!is_map(map)) return ex_cast(map, "clojure.lang.Associative");
  map_iter(&it, map);
  while (map_next(&it, &var, &v)) {
    CHECK(need_var(var));
    if (!(obj(var)->flags & VAR_DYNAMIC)) {
      TRY(name, pr_str(var_name_sym(var)));
      return ex_throw(EXC_STATE, "Can't dynamically bind non-dynamic var: %s", str_s(name));
    }
    Box *cell = mem_obj(T_VOLATILE);
    cell->serial = m->env->serial++;
    cell->val = v;
    b = map_assoc(b, var, from_obj(cell));
  }
  m->bindings = b;
  return NIL;
}

DOC(with_bindings, "[binding-map f & args]", "(f & args) while each var of the map has its value; see also the macro with-bindings.",
    "(with-bindings* {#'*print-length* 1} pr-str [1 2]) ;=> \"[1 ...]\"\n(with-bindings* {#'inc 1} str) ;!> state");
/* slots: map, f, args | the bindings before */
static Val with_bindings_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    s[3] = m->bindings;
    CHECK(bind_all(m, s[0]));
    const Arr *more = is_nil(s[2]) ? NULL : AS(Arr, s[2]);
    return nf_calln(m, 1, s[1], more ? more->a : NULL, more ? more->n : 0);
  }
  m->bindings = s[3];
  return pc & NF_THROWN ? ex_throw_val(in) : in;
}
static const NativeDef nd_with_bindings = {"clojure.core/with-bindings*", 1, 2, 2, true, NF_CATCHES | NF_BINDS, 1, with_bindings_step};

DOC(math_context, "[precision mode]", "What *math-context* is bound to: digits and a rounding mode, by the name of its Java constant.",
    "(breyta.math/context 3 'HALF_UP) ;=> [3 4]\n(breyta.math/context 3 'NO) ;!> argument");
static Val fn_math_context(Val precision, Val mode) {
  static const char *const modes[] = {"UP", "DOWN", "CEILING", "FLOOR", "HALF_UP", "HALF_DOWN", "HALF_EVEN", "UNNECESSARY"};
  if (!is_long(precision) || long_of(precision) < 0) return ex_throw(EXC_ILLEGAL_ARG, "Digits < 0");
  for (int i = 0; i < 8; i++)
    if (sym_is(mode, modes[i])) return vec_from((Val[]){precision, fix(i)}, 2);
  return ex_throw(EXC_ILLEGAL_ARG, "No matching field found: %s for class java.math.RoundingMode", is_sym(mode) ? str_s(AS(Sym, mode)->name) : "?");
}

static bool bound_context(int64_t *digits, int *rounding) {
  if (!mach_cur || is_nil(mach_cur->bindings)) return false;
  Val var = env_resolve(mach_cur->env, sym_new("clojure.core", "*math-context*"));
  Val v = is_type(var, T_VAR) ? var_get(var) : NIL;
  if (!is_type(v, T_VEC)) return false;
  *digits = long_of(vec_nth(v, 0));
  *rounding = (int)fix_of(vec_nth(v, 1));
  return true;
}

void var_hooks(void) { dec_context = bound_context; }

/* --- metadata ------------------------------------------------------------------------------------------------------- */
static Val read_arglists(const char *text) {
  Reader r;
  ValVec lists = {0};
  read_init(&r, text, strlen(text), NULL);
  for (;;) {
    Val v = read_next(&r);
    if (is_sig(v)) return NIL; /* no lists at all rather than half of them; test_doc reads every one */
    if (same(v, ABSENT)) return list_from(lists.a, lists.n);
    vv_push(&lists, v);
  }
}

/* What the table of builtins says. */
static Val builtin_meta(const Builtin *b) {
  Val m = map_assoc(map_empty, kw_c("arglists"), read_arglists(b->doc->arglists));
  m = map_assoc(m, kw_c("doc"), str_c(b->doc->text));
  return b->macro ? map_assoc(m, kw_c("macro"), TRUE_V) : m;
}

Val var_meta(Val var) {
  const Var *v = AS(Var, var);
  Val m = is_map(v->meta) ? v->meta : map_empty;
  if (is_type(v->root, T_BUILTIN) && !(v->h.flags & VAR_RUN)) m = builtin_meta(AS(BuiltinObj, v->root)->def);
  m = map_assoc(m, kw_c("name"), sym_of(NIL, AS(Sym, v->name)->name));
  return map_assoc(m, kw_c("ns"), env_make_ns(mach_cur->env, v->ns));
}

DOC(meta, "[obj]", "The metadata of obj, or nil. A var has :name and :ns, and what its definition says.",
    "(meta (with-meta [] {:a 1})) ;=> {:a 1}\n(meta 1) ;=> nil\n(:name (meta #'inc)) ;=> inc\n(:arglists (meta #'inc)) ;=> ([x])");
static Val fn_meta(Val x) { return is_type(x, T_VAR) ? var_meta(x) : meta_of(x); }

static Val *meta_cell(Val x) {
  switch (type_of(x)) {
  case T_VAR: return &AS(Var, x)->meta;
  case T_NS: return &AS(Ns, x)->meta;
  case T_ATOM: return &AS(Atom, x)->meta;
  default: return NULL;
  }
}

DOC(reset_meta, "[ref metadata-map]", "Sets the metadata of an atom, var or namespace, and answers it.",
    "(let [a (atom 1)] (reset-meta! a {:x 1}) (meta a)) ;=> {:x 1}\n(reset-meta! [] {}) ;!> type");
static Val fn_reset_meta(Val x, Val m) {
  Val *cell = meta_cell(x);
  if (!cell) return ex_cast(x, "clojure.lang.IReference");
  if (!is_nil(m) && !is_map(m)) return ex_cast(m, "clojure.lang.IPersistentMap");
  if (is_type(x, T_VAR) && !(obj(x)->flags & VAR_RUN)) return var_constant(x);
  if (is_type(x, T_VAR)) {
    var_declare(x, is_nil(m) ? map_empty : m);
    return m;
  }
  return *cell = m;
}

const BuiltinRow rows_var[] = {
    ROW1("var-get", fn_var_get, var_get, B_IMPURE),
    ROW2("var-set", fn_var_set, var_set, B_IMPURE),
    ROWV("bound?", 0, fn_bound, bound, B_IMPURE),
    ROWV("thread-bound?", 0, fn_thread_bound, thread_bound, B_IMPURE),
    ROW_NATIVE("alter-var-root", nd_alter_var_root, alter_var_root, B_IMPURE),
    ROW1("breyta.var/roots", fn_roots, roots, B_IMPURE),
    ROW2("breyta.var/set-root!", fn_set_root, set_root, B_IMPURE),
    ROW1("breyta.var/set-roots!", fn_set_roots, set_roots, B_IMPURE),
    ROW0("breyta.var/local", fn_local_var, local_var, B_IMPURE),
    ROW2("intern", fn_intern, intern, B_IMPURE),
    ROW3("intern", fn_intern3, intern, B_IMPURE),
    ROW1("find-var", fn_find_var, find_var, B_IMPURE),
    ROW0("get-thread-bindings", fn_thread_bindings, thread_bindings, B_IMPURE),
    ROW_NATIVE("with-bindings*", nd_with_bindings, with_bindings, B_IMPURE),
    ROW2("breyta.math/context", fn_math_context, math_context, B_PURE),
    ROW1("meta", fn_meta, meta, B_PURE),
    ROW2("reset-meta!", fn_reset_meta, reset_meta, B_IMPURE),
    ROW_END};
