/* envfns.c - builtins that look at the environment: eval, macroexpand, resolve, namespaces. */
#include "expand.h"
#include "unit.h"
#include "reader/read.h"

DOC(eval, "[form]", "Evaluates the form data structure (not text) and returns the result.", "(eval '(+ 1 2)) ;=> 3");
static Val eval_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc) return in;
  TRY(cf, expand(m->env, s[0], NULL));
  Unit *u = analyze(m->env, cf, NULL);
  if (!u) return SIG_THROW;
  Fn *f = mem_obj_n(T_FN, 0);
  f->code = u->fn;
  f->serial = m->env->serial++;
  return nf_call0(m, 1, from_obj(f));
}
static const NativeDef nd_eval = {"clojure.core/eval", 1, 1, 1, false, false, 0, eval_step};

DOC(macroexpand1, "[form]", "If form is a macro call, returns its expansion, else form.", "(macroexpand-1 '(when a b)) ;=> (if a (do b))");
static Val fn_macroexpand1(Val form) { return macroexpand_1(mach_cur->env, form); }

DOC(macroexpand, "[form]", "Repeatedly calls macroexpand-1 on form until it is no macro call any more; subforms stay.",
    "(macroexpand '(-> 1 inc)) ;=> (inc 1)");
static Val fn_macroexpand(Val form) {
  for (;;) {
    TRY(next, macroexpand_1(mach_cur->env, form));
    if (same(next, form)) return form;
    form = next;
  }
}

DOC(resolve, "[sym]", "The var that a symbol names in the current namespace, nil if there is none.", "(resolve 'inc) ;=> #'clojure.core/inc");
static Val fn_resolve(Val sym) {
  if (!is_sym(sym)) return ex_cast(sym, "clojure.lang.Symbol");
  Val type = env_type_var(mach_cur->env, sym);
  if (!is_nil(type)) return AS(Var, type)->root;
  Val var = env_resolve(mach_cur->env, sym);
  return is_nil(var) ? class_of_symbol(sym) : var;
}

DOC(gensym, "[] [prefix]", "A symbol with a name that is unique in this run. prefix defaults to G__.", "(symbol? (gensym)) ;=> true");
static Val fn_gensym1(Val prefix) {
  Buf b = {0};
  CHECK(print_str_of(&b, prefix));
  buf_fmt(&b, "%lld", (long long)mach_cur->env->gensym++);
  return sym_of(NIL, buf_str(&b));
}
static Val fn_gensym0(void) { return fn_gensym1(str_c("G__")); }

DOC(in_ns, "[name]", "Makes the namespace of that name the current one, creating it when missing.", "(do (in-ns 'user) 1) ;=> 1");
static Val fn_in_ns(Val sym) {
  if (!is_sym(sym)) return ex_cast(sym, "clojure.lang.Symbol");
  return mach_cur->env->cur_ns = env_make_ns(mach_cur->env, sym_of(NIL, AS(Sym, sym)->name));
}

/* One libspec of require: sym, or [sym :as alias :refer [names] | :refer :all]. */
static Val require_spec(Env *e, Val spec) {
  Val name = is_vec(spec) && vec_count(spec) ? vec_nth(spec, 0) : spec;
  if (!is_sym(name)) return ex_throw(EXC_ILLEGAL_ARG, "require needs a symbol or a vector that begins with one");
  Val text = AS(Sym, name)->name;
  if (!env_ns_known(e, text))
    return ex_throw_kind(EXC_FILE_NOT_FOUND, KIND_RUNTIME, "Could not locate %s: only the built-in namespaces can be required", str_s(text));
  Ns *ns = AS(Ns, e->cur_ns);
  for (uint32_t i = 1; is_vec(spec) && i + 1 < vec_count(spec); i += 2) {
    Val opt = vec_nth(spec, i), arg = vec_nth(spec, i + 1);
    if ((kw_is(opt, "as") || kw_is(opt, "as-alias")) && is_sym(arg)) {
      ns->aliases = map_assoc(ns->aliases, sym_of(NIL, AS(Sym, arg)->name), sym_of(NIL, text));
    } else if (kw_is(opt, "refer") && (is_vec(arg) || is_seq(arg))) {
      ValVec names = {0};
      CHECK(coll_into_array(arg, &names));
      for (size_t k = 0; k < names.n; k++) {
        if (!is_sym(names.a[k])) return ex_cast(names.a[k], "clojure.lang.Symbol");
        TRY(var, env_resolve(e, sym_of(text, AS(Sym, names.a[k])->name)));
        if (is_nil(var)) return ex_throw(EXC_ILLEGAL_ACCESS, "%s does not exist", str_s(AS(Sym, names.a[k])->name));
        ns->vars = map_assoc(ns->vars, sym_of(NIL, AS(Sym, names.a[k])->name), var);
      }
    }
  }
  return NIL;
}

DOC(require_fn, "[& specs]",
    "Makes built-in namespaces available: each spec is a quoted symbol or vector [name :as alias :refer [names]].",
    "(do (require '[clojure.string :as s]) (s/upper-case \"a\")) ;=> \"A\"");
static Val fn_require(int argc, const Val *a) {
  for (int i = 0; i < argc; i++)
    if (!is_kw(a[i])) CHECK(require_spec(mach_cur->env, a[i]));
  return NIL;
}

DOC(ns_name, "[ns]", "The name of a namespace, a symbol.", "(ns-name (in-ns 'user)) ;=> user");
static Val fn_ns_name(Val ns) { return is_type(ns, T_NS) ? AS(Ns, ns)->name : is_sym(ns) ? ns : ex_cast(ns, "clojure.lang.Symbol"); }

static Val stdin_line(Val unread) {
  if (mach_cur->env->sandbox) return ex_throw(EXC_UNSUPPORTED, "Standard input is not available in flows; use the flow's input or a :wait");
  return mach_cur->io.line ? mach_cur->io.line(mach_cur, unread) : NIL;
}

DOC(read_line, "[]", "The next line of standard input, nil at its end. Not available in flows.", "(fn? read-line) ;=> true");
static Val fn_read_line(void) { return stdin_line(NIL); }

/* One form of the text so far; ABSENT: it takes more lines. What stands behind the form goes back to the input. */
static Val read_from(const char *s, size_t n) {
  Reader r;
  read_init(&r, s, n, NULL);
  env_reader(mach_cur->env, &r);
  Val v = read_next(&r);
  if (is_sig(v)) return r.eof ? ABSENT : v;
  const char *rest = r.p;
  while (!same(v, ABSENT) && rest < r.end && (*rest == ' ' || *rest == '\t' || *rest == ',')) rest++;
  if (!same(v, ABSENT) && rest < r.end && *rest != '\n') CHECK(stdin_line(str_new(rest, (size_t)(r.end - rest))));
  return v;
}

DOC(read, "[]", "The next form of standard input. Not available in flows.", "(fn? read) ;=> true");
static Val fn_read(void) {
  Buf b = {0};
  Val v = ABSENT;
  while (same(v, ABSENT)) {
    Val line = stdin_line(NIL);
    if (is_nil(line)) v = ex_throw_kind(EXC_RUNTIME, KIND_RUNTIME, "EOF while reading");
    else if (is_sig(line)) v = line;
    else {
      buf_add(&b, str_s(line), str_n(line));
      v = read_from(b.p, b.n);
      buf_ch(&b, '\n');
    }
  }
  buf_free(&b);
  return v;
}

DOC(bound, "[& vars]", "True if every var has a value, from its root or a binding.", "(bound? #'inc) ;=> true");
static Val fn_bound(int argc, const Val *a) {
  for (int i = 0; i < argc; i++) {
    if (!is_type(a[i], T_VAR)) return ex_cast(a[i], "clojure.lang.Var");
    if (same(AS(Var, a[i])->root, UNBOUND) && is_sig(var_get(a[i]))) return FALSE_V;
  }
  return TRUE_V;
}

DOC(map_literal, "[& keyvals]", "What a map literal with parts to evaluate calls. Duplicate keys are an error.", "{:a (+ 1 2)} ;=> {:a 3}");
static Val fn_map_literal(int argc, const Val *a) { return map_from(a, (size_t)argc / 2, true); }

DOC(set_literal, "[& xs]", "What a set literal with parts to evaluate calls. Duplicates are an error.", "#{(+ 1 2)} ;=> #{3}");
static Val fn_set_literal(int argc, const Val *a) { return set_from(a, (size_t)argc, true); }

const BuiltinRow rows_env[] = {
    ROW0("read-line", fn_read_line, read_line, B_IMPURE),
    ROW0("read", fn_read, read, B_IMPURE),
    ROWV("bound?", 0, fn_bound, bound, B_IMPURE),
    ROWV("map-literal*", 0, fn_map_literal, map_literal, B_PURE),
    ROWV("set-literal*", 0, fn_set_literal, set_literal, B_PURE),
    ROW_NATIVE("eval", nd_eval, eval, B_IMPURE),
    ROW1("macroexpand-1", fn_macroexpand1, macroexpand1, B_IMPURE),
    ROW1("macroexpand", fn_macroexpand, macroexpand, B_IMPURE),
    ROW1("resolve", fn_resolve, resolve, B_IMPURE),
    ROW0("gensym", fn_gensym0, gensym, B_IMPURE),
    ROW1("gensym", fn_gensym1, gensym, B_IMPURE),
    ROW1("in-ns", fn_in_ns, in_ns, B_IMPURE),
    ROW1("in-ns*", fn_in_ns, in_ns, B_IMPURE),
    ROWV("require", 0, fn_require, require_fn, B_IMPURE),
    ROWV("require*", 0, fn_require, require_fn, B_IMPURE),
    ROW1("ns-name", fn_ns_name, ns_name, B_PURE),
    ROW_END};
