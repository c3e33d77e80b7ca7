/* envfns.c - builtins that read, expand and evaluate forms, and the literals that the analyzer turns into calls. */
#include "expand.h"
#include "unit.h"
#include "reader/read.h"

/* --- eval, load ----------------------------------------------------------------------------------------------------- */
/* Forms to be evaluated one by one, each a unit of its own: those in the list *forms; what a (do ...) there holds comes first.
 * ABSENT when none is left, else the call of the next one, or a signal. */
static Val run_next(Mach *m, uint32_t pc, Val *forms, const char *file) {
  while (is_type(*forms, T_LIST)) {
    TRY(form, env_top_form(m->env, AS(List, *forms)->first));
    *forms = AS(List, *forms)->rest;
    if (is_type(form, T_LIST) && sym_is(AS(List, form)->first, "do")) {
      ValVec all = {0};
      CHECK(coll_into_array(AS(List, form)->rest, &all));
      for (size_t i = all.n; i-- > 0;) *forms = list_conj(*forms, all.a[i]);
      continue;
    }
    TRY(core, expand(m->env, form, file));
    Unit *u = analyze(m->env, core, file);
    if (!u) return SIG_THROW;
    Fn *f = mem_obj_n(T_FN, 0);
    f->code = u->fn;
    f->serial = m->env->serial++;
    return nf_call0(m, pc, from_obj(f));
  }
  return ABSENT;
}

/* The namespace that *ns* is bound to is the current one while forms are read and expanded. */
static Val ns_enter(Env *e) {
  Val outer = e->cur_ns;
  e->cur_ns = env_ns(e);
  return outer;
}

DOC(eval, "[form]", "Evaluates the form data structure (not text) and returns the result.",
    "(eval '(+ 1 2)) ;=> 3\n(eval '(do (defmacro twice [x] `(* 2 ~x)) (twice 4))) ;=> 8");
/* slots: form | forms left, last value */
static Val eval_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) s[1] = list_conj(empty_list, s[0]);
  else s[2] = in;
  Val outer = ns_enter(m->env), v = run_next(m, 1, &s[1], NULL);
  m->env->cur_ns = outer;
  return same(v, ABSENT) ? s[2] : v;
}
static const NativeDef nd_eval = {"clojure.core/eval", 2, 1, 1, false, false, 2, eval_step};

/* Slots of load-text. */
enum { L_TEXT, L_FILE, L_NS, L_AT, L_LINE, L_COL, L_FORMS, L_LAST };

static Val load_read(Mach *m, Val *s) {
  Reader r;
  const char *text = str_s(s[L_TEXT]);
  size_t at = (size_t)fix_of(s[L_AT]);
  read_init(&r, text + at, str_n(s[L_TEXT]) - at, is_str(s[L_FILE]) ? file_intern(str_s(s[L_FILE])) : NULL);
  r.line = (int)fix_of(s[L_LINE]);
  r.col = (int)fix_of(s[L_COL]);
  env_reader(m->env, &r);
  TRY(form, read_next(&r));
  s[L_AT] = fix(r.p - text);
  s[L_LINE] = fix(r.line);
  s[L_COL] = fix(r.col);
  return form;
}

static Val load_forms(Mach *m, Val *s) {
  const char *file = is_str(s[L_FILE]) ? file_intern(str_s(s[L_FILE])) : NULL;
  for (;;) {
    Val v = run_next(m, 1, &s[L_FORMS], file);
    if (!same(v, ABSENT)) return v;
    TRY(form, load_read(m, s));
    if (same(form, ABSENT)) return ABSENT;
    s[L_FORMS] = list_conj(empty_list, form);
  }
}

DOC(load_text, "[text file]", "Reads and evaluates each form of a text; the last value. The current namespace is the same afterwards.",
    "(breyta.ns/load-text \"(def a 1) (inc a)\" nil) ;=> 2");
static Val load_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    if (!is_str(s[L_TEXT])) return ex_cast(s[L_TEXT], "java.lang.String");
    s[L_NS] = m->env->cur_ns;
    s[L_AT] = fix(0);
    s[L_LINE] = s[L_COL] = fix(1);
    s[L_FORMS] = empty_list;
    m->env->cur_ns = env_ns(m->env);
  }
  if (pc == 1) s[L_LAST] = in;
  Val v = pc & NF_THROWN ? ex_throw_val(in) : load_forms(m, s);
  if (same(v, SIG_CALL)) return v;
  m->env->cur_ns = s[L_NS];
  return same(v, ABSENT) ? s[L_LAST] : v;
}
static const NativeDef nd_load = {"breyta.ns/load-text", 1, 2, 2, false, true, 6, load_step};

/* --- expansion ------------------------------------------------------------------------------------------------------ */
DOC(macroexpand1, "[form]", "If form is a macro call, returns its expansion, else form.", "(macroexpand-1 '(when a b)) ;=> (if a (do b))");
static Val fn_macroexpand1(Val form) {
  Env *e = mach_cur->env;
  Val outer = ns_enter(e), v = macroexpand_1(e, form);
  e->cur_ns = outer;
  return v;
}

DOC(macroexpand, "[form]", "Repeatedly calls macroexpand-1 on form until it is no macro call any more; subforms stay.",
    "(macroexpand '(-> 1 inc)) ;=> (inc 1)");
static Val fn_macroexpand(Val form) {
  for (;;) {
    TRY(next, fn_macroexpand1(form));
    if (same(next, form)) return form;
    form = next;
  }
}

DOC(destructure, "[bindings]", "The vector of plain bindings that a vector of patterns and values stands for; what let does first.",
    "(count (destructure '[[a b] x])) ;=> 6");
static Val fn_destructure(Val bindings) {
  Val let = list2(sym_new("clojure.core", "let"), bindings);
  TRY(form, macroexpand_1(mach_cur->env, let));
  return coll_nth(form, 1, NIL);
}

DOC(gensym, "[] [prefix]", "A symbol with a name that is unique in this run. prefix defaults to G__.", "(symbol? (gensym)) ;=> true");
static Val fn_gensym1(Val prefix) {
  Buf b = {0};
  CHECK(print_str_of(&b, prefix));
  buf_fmt(&b, "%lld", (long long)mach_cur->env->gensym++);
  return sym_of(NIL, buf_str(&b));
}
static Val fn_gensym0(void) { return fn_gensym1(str_c("G__")); }

/* --- literals ------------------------------------------------------------------------------------------------------- */
DOC(map_literal, "[& keyvals]", "What a map literal with parts to evaluate calls. Duplicate keys are an error.", "{:a (+ 1 2)} ;=> {:a 3}");
static Val fn_map_literal(int argc, const Val *a) { return map_from(a, (size_t)argc / 2, true); }

DOC(set_literal, "[& xs]", "What a set literal with parts to evaluate calls. Duplicates are an error.", "#{(+ 1 2)} ;=> #{3}");
static Val fn_set_literal(int argc, const Val *a) { return set_from(a, (size_t)argc, true); }

static const BuiltinRow rows_env[] = {
    ROWV("map-literal*", 0, fn_map_literal, map_literal, B_PURE),
    ROWV("set-literal*", 0, fn_set_literal, set_literal, B_PURE),
    ROW_NATIVE("eval", nd_eval, eval, B_IMPURE),
    ROW_NATIVE("breyta.ns/load-text", nd_load, load_text, B_IMPURE),
    ROW1("macroexpand-1", fn_macroexpand1, macroexpand1, B_IMPURE),
    ROW1("macroexpand", fn_macroexpand, macroexpand, B_IMPURE),
    ROW1("destructure", fn_destructure, destructure, B_IMPURE),
    ROW0("gensym", fn_gensym0, gensym, B_IMPURE),
    ROW1("gensym", fn_gensym1, gensym, B_IMPURE),
    ROW_END};

void env_register(void) {
  if (builtin_find("clojure.core/macroexpand-1")) return;
  builtin_register(rows_env);
  builtin_register(rows_ns);
  builtin_register(rows_var);
  var_hooks();
}
