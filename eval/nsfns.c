/* nsfns.c - namespaces as values: finding, making, listing; aliases and referred names; what a symbol names.
 *
 * The namespaces of the library have no object of their own: a T_NS of that name is made in the environment when one is asked
 * for, and its vars are those of the core table, plus what the program itself has put there. Every namespace has all of
 * clojure.core without an entry; a name that it does not want is marked false in its map of vars. */
#include "expand.h"
#include "unit.h"
#include "class.h"

static Env *env(void) { return mach_cur->env; }
static bool is_ns(Val v) { return is_type(v, T_NS); }
static Val ns_bare(Val sym) { return sym_of(NIL, AS(Sym, sym)->name); }
static const char *ns_text(Val ns) { return str_s(AS(Sym, AS(Ns, ns)->name)->name); }
static Val need_sym(Val v) { return is_sym(v) ? NIL : ex_cast(v, "clojure.lang.Symbol"); }

/* --- finding -------------------------------------------------------------------------------------------------------- */
static bool is_library(const char *name) { /* Math and the like are classes; breyta.* of ours are no business of users */
  if (*name < 'a' || *name > 'z' || !env_core_has_ns(name)) return false;
  return strncmp(name, "breyta.", 7) || !strcmp(name, "breyta.sandbox");
}

static Val ns_find(Val sym) {
  Val ns = env_find_ns(env(), ns_bare(sym));
  if (!is_nil(ns)) return ns;
  return is_library(str_s(AS(Sym, sym)->name)) ? env_make_ns(env(), ns_bare(sym)) : NIL;
}

Val ns_the(Val x) {
  if (is_ns(x)) return x;
  CHECK(need_sym(x));
  Val ns = ns_find(x);
  return is_nil(ns) ? ex_throw(EXC_EXCEPTION, "No namespace: %s found", str_s(AS(Sym, x)->name)) : ns;
}

DOC(find_ns, "[sym]", "The namespace of that name, nil if there is none.", "(ns-name (find-ns 'clojure.set)) ;=> clojure.set\n(find-ns 'no.such) ;=> nil");
static Val fn_find_ns(Val sym) {
  CHECK(need_sym(sym));
  return ns_find(sym);
}

DOC(the_ns, "[x]", "x if it is a namespace, else the namespace that the symbol x names, an error when there is none.",
    "(str (the-ns 'user)) ;=> \"user\"\n(the-ns 'no.such) ;!> runtime");

DOC(create_ns, "[sym]", "The namespace of that name, made when it is missing.", "(ns-name (create-ns 'demo.made)) ;=> demo.made");
static Val fn_create_ns(Val sym) {
  CHECK(need_sym(sym));
  Val ns = ns_find(sym);
  return is_nil(ns) ? env_make_ns(env(), ns_bare(sym)) : ns;
}

DOC(ns_name, "[ns]", "The name of a namespace, a symbol.", "(ns-name *ns*) ;=> user\n(ns-name 'no.such) ;!> runtime");
static Val fn_ns_name(Val x) {
  TRY(ns, ns_the(x));
  return AS(Ns, ns)->name;
}

static void add_library(const char *name, void *ctx) {
  if (is_library(name)) env_make_ns(ctx, sym_c(name));
}

DOC(all_ns, "[]", "A list of all namespaces.", "(boolean (some #{'clojure.string} (map ns-name (all-ns)))) ;=> true");
static Val fn_all_ns(void) {
  MapIter it;
  Val k, v;
  ValVec out = {0};
  env_each_core_ns(add_library, env());
  map_iter(&it, env()->namespaces);
  while (map_next(&it, &k, &v)) vv_push(&out, v);
  return list_from(out.a, out.n);
}

DOC(remove_ns, "[sym]", "Removes the namespace of that name, which code that exists already goes on using. nil if there was none.",
    "(do (create-ns 'demo.gone) (remove-ns 'demo.gone) (find-ns 'demo.gone)) ;=> nil\n(remove-ns 'clojure.core) ;!> argument");
static Val fn_remove_ns(Val sym) {
  CHECK(need_sym(sym));
  if (str_eq_c(AS(Sym, sym)->name, "clojure.core")) return ex_throw(EXC_ILLEGAL_ARG, "Cannot remove clojure namespace");
  Val ns = env_find_ns(env(), ns_bare(sym));
  env()->namespaces = map_dissoc(env()->namespaces, ns_bare(sym));
  return ns;
}

/* --- listing -------------------------------------------------------------------------------------------------------- */
static Val add_core(Val map, const char *ns, const Ns *hidden) {
  Val names = env_core_names(ns);
  for (uint32_t i = 0; i < vec_count(names); i++) {
    Val name = vec_nth(names, i);
    if (hidden && !is_nil(map_get(hidden->vars, name, NIL))) continue;
    TRY(var, env_resolve(env(), sym_of(str_c(ns), AS(Sym, name)->name)));
    if (!is_nil(var)) map = map_assoc(map, name, var);
  }
  return map;
}

/* Entries of the map of vars that are the namespace's own, or else those that it refers. */
static Val add_entries(Val map, Val ns, bool own) {
  MapIter it;
  Val k, v;
  map_iter(&it, AS(Ns, ns)->vars);
  while (map_next(&it, &k, &v))
    if (is_type(v, T_VAR) && !(obj(v)->flags & VAR_TYPE) && var_is_own(v, AS(Ns, ns)->name) == own) map = map_assoc(map, k, v);
  return map;
}

static Val add_types(Val map, Val ns) { /* classes of the program that have a name there */
  MapIter it;
  Val k, v;
  map_iter(&it, AS(Ns, ns)->vars);
  while (map_next(&it, &k, &v))
    if (is_type(v, T_VAR) && obj(v)->flags & VAR_TYPE && is_type(AS(Var, v)->root, T_CLASS)) map = map_assoc(map, k, AS(Var, v)->root);
  return map;
}

DOC(ns_interns, "[ns]", "A map from names to the vars that were made in a namespace.",
    "(do (def own 1) (contains? (ns-interns *ns*) 'own)) ;=> true");
static Val fn_ns_interns(Val x) {
  TRY(ns, ns_the(x));
  TRY(m, is_library(ns_text(ns)) ? add_core(map_empty, ns_text(ns), AS(Ns, ns)) : map_empty);
  return add_entries(m, ns, true);
}

DOC(ns_publics, "[ns]", "A map from names to the public vars that were made in a namespace.",
    "(get (ns-publics 'clojure.string) 'join) ;=> #'clojure.string/join");
static Val fn_ns_publics(Val x) {
  TRY(all, fn_ns_interns(x));
  Val out = all, k, v;
  MapIter it;
  map_iter(&it, all);
  while (map_next(&it, &k, &v))
    if (obj(v)->flags & VAR_PRIVATE) out = map_dissoc(out, k);
  return out;
}

DOC(ns_refers, "[ns]", "A map from names to the vars of other namespaces, clojure.core included, that the namespace refers.",
    "(get (ns-refers 'user) 'map) ;=> #'clojure.core/map");
static Val fn_ns_refers(Val x) {
  TRY(ns, ns_the(x));
  bool core = !strcmp(ns_text(ns), "clojure.core");
  TRY(m, core ? map_empty : add_core(map_empty, "clojure.core", AS(Ns, ns)));
  return add_entries(m, ns, false);
}

DOC(ns_map, "[ns]", "A map from all names that a namespace has, its own and those it refers, to their vars.",
    "(get (ns-map 'user) 'inc) ;=> #'clojure.core/inc");
static Val fn_ns_map(Val x) {
  TRY(m, fn_ns_refers(x));
  TRY(own, fn_ns_interns(x));
  MapIter it;
  Val k, v;
  map_iter(&it, own);
  while (map_next(&it, &k, &v)) m = map_assoc(m, k, v);
  TRY(ns, ns_the(x));
  return add_types(m, ns);
}

DOC(ns_imports, "[ns]", "A map from the names of the program's own classes that a namespace has to these; the host's need no import.",
    "(ns-imports 'user) ;=> {}\n(do (defrecord P [x]) (ns-imports 'user)) ;=> {P user.P}");
static Val fn_ns_imports(Val x) {
  TRY(ns, ns_the(x));
  return add_types(map_empty, ns);
}

/* --- aliases -------------------------------------------------------------------------------------------------------- */
DOC(ns_aliases, "[ns]", "A map from the aliases that a namespace has to the namespaces they stand for.",
    "(do (alias 'st 'clojure.set) (ns-name (get (ns-aliases *ns*) 'st))) ;=> clojure.set");
static Val fn_ns_aliases(Val x) {
  TRY(ns, ns_the(x));
  Val out = map_empty, k, v;
  MapIter it;
  map_iter(&it, AS(Ns, ns)->aliases);
  while (map_next(&it, &k, &v)) {
    Val target = ns_find(v);
    out = map_assoc(out, k, is_nil(target) ? env_make_ns(env(), v) : target);
  }
  return out;
}

DOC(alias, "[alias namespace]", "Makes the symbol alias stand for a namespace in the current one.",
    "(do (alias 'cs 'clojure.string) (cs/upper-case \"a\")) ;=> \"A\"\n(alias 'q 'no.such) ;!> runtime");
static Val fn_alias(Val sym, Val x) {
  CHECK(need_sym(sym));
  TRY(target, ns_the(x));
  Ns *here = AS(Ns, env_ns(env()));
  Val name = ns_bare(sym), old = map_get(here->aliases, name, NIL);
  if (!is_nil(old) && !sym_eq(old, AS(Ns, target)->name))
    return ex_throw(EXC_STATE, "Alias %s already exists in namespace %s, aliasing %s", str_s(AS(Sym, name)->name), ns_text(env_ns(env())),
                    str_s(AS(Sym, old)->name));
  here->aliases = map_assoc(here->aliases, name, AS(Ns, target)->name);
  return NIL;
}

DOC(as_alias, "[alias sym]", "As alias, and makes the namespace when it is missing; what :as-alias of require does.",
    "(do (breyta.ns/as-alias 'zz 'demo.none) (ns-name (get (ns-aliases *ns*) 'zz))) ;=> demo.none");
static Val fn_as_alias(Val sym, Val target) {
  CHECK(need_sym(target));
  TRY(ns, fn_create_ns(target));
  return fn_alias(sym, ns);
}

DOC(ns_unalias, "[ns sym]", "Takes an alias away.", "(do (alias 'st 'clojure.set) (ns-unalias *ns* 'st) (get (ns-aliases *ns*) 'st)) ;=> nil");
static Val fn_ns_unalias(Val x, Val sym) {
  TRY(ns, ns_the(x));
  CHECK(need_sym(sym));
  AS(Ns, ns)->aliases = map_dissoc(AS(Ns, ns)->aliases, ns_bare(sym));
  return NIL;
}

DOC(ns_unmap, "[ns sym]", "Takes a name away from a namespace, also one of clojure.core.",
    "(do (def gone 1) (ns-unmap *ns* 'gone) (resolve 'gone)) ;=> nil");
static Val fn_ns_unmap(Val x, Val sym) {
  TRY(ns, ns_the(x));
  CHECK(need_sym(sym));
  if (!is_nil(AS(Sym, sym)->ns)) return ex_throw(EXC_ILLEGAL_ARG, "Can't unintern namespace-qualified symbol");
  TRY(core, env_resolve(env(), sym_of(str_c("clojure.core"), AS(Sym, sym)->name)));
  Ns *n = AS(Ns, ns);
  n->vars = is_nil(core) ? map_dissoc(n->vars, ns_bare(sym)) : map_assoc(n->vars, ns_bare(sym), FALSE_V);
  return NIL;
}

/* --- referring ------------------------------------------------------------------------------------------------------ */
/* exclude, only (nil: all) and rename as refer got them */
typedef struct Filters { Val exclude, only, rename; } Filters;

static Val filters_of(int n, const Val *a, Filters *f) {
  *f = (Filters){set_empty, NIL, map_empty};
  for (int i = 0; i < n; i += 2) {
    if (i + 1 >= n) return ex_throw(EXC_ILLEGAL_ARG, "No value supplied for key: %s", is_kw(a[i]) ? str_s(AS(Kw, a[i])->name) : "?");
    Val v = a[i + 1];
    bool only = kw_is(a[i], "only");
    if (kw_is(a[i], "rename")) {
      if (!is_nil(v) && !is_map(v)) return ex_cast(v, "clojure.lang.IPersistentMap");
      f->rename = is_nil(v) ? map_empty : v;
    } else if (only || kw_is(a[i], "exclude")) {
      ValVec names = {0};
      if (!is_nil(v) && !is_sequential(v) && !is_set(v))
        return ex_throw(EXC_EXCEPTION, "%s value must be a sequential collection of symbols", only ? ":only/:refer" : ":exclude");
      CHECK(coll_into_array(v, &names));
      if (only && !is_nil(v)) f->only = vec_from(names.a, names.n);
      if (!only) f->exclude = set_from(names.a, names.n, false);
    }
  }
  return NIL;
}

static Val put_refer(Val here, Val name, Val var) {
  Ns *n = AS(Ns, here);
  Val old = map_get(n->vars, name, NIL);
  if (is_type(old, T_VAR) && !same(old, var) && !var_yields(old)) {
    Buf b = {0};
    CHECK(print_to(&b, old, &print_plain));
    Val e = ex_throw(EXC_STATE, "%s already refers to: %s in namespace: %s", str_s(AS(Sym, name)->name), buf_cstr(&b), ns_text(here));
    buf_free(&b);
    return e;
  }
  n->vars = map_assoc(n->vars, name, var);
  return NIL;
}

static Val missing_name(Val from, Val name) {
  TRY(all, fn_ns_interns(from));
  const char *why = is_nil(map_get(all, name, NIL)) ? "does not exist" : "is not public";
  return ex_throw(EXC_ILLEGAL_ACCESS, "%s %s", str_s(AS(Sym, name)->name), why);
}

static Val refer_name(Val from, Val publics, Val name, const Filters *f, bool core) {
  CHECK(need_sym(name));
  if (!same(set_get(f->exclude, name, ABSENT), ABSENT)) return NIL;
  Val var = map_get(publics, name, NIL), as = map_get(f->rename, name, name), here = env_ns(env());
  if (is_nil(var)) return missing_name(from, name);
  CHECK(need_sym(as));
  if (!core) return put_refer(here, as, var);
  Ns *n = AS(Ns, here);
  if (!sym_eq(as, name)) return put_refer(here, as, var);
  if (same(map_get(n->vars, name, NIL), FALSE_V)) n->vars = map_dissoc(n->vars, name);
  return NIL;
}

/* Of clojure.core every name is there already: those that were not asked for are taken away. */
static void hide_core(Val names, const Filters *f) {
  Ns *n = AS(Ns, env_ns(env()));
  Val wanted = is_nil(f->only) ? NIL : set_empty;
  for (uint32_t i = 0; !is_nil(f->only) && i < vec_count(f->only); i++) wanted = set_conj(wanted, vec_nth(f->only, i));
  for (uint32_t i = 0; i < vec_count(names); i++) {
    Val name = vec_nth(names, i);
    bool keep = same(set_get(f->exclude, name, ABSENT), ABSENT) && is_nil(map_get(f->rename, name, NIL));
    keep = keep && (is_nil(wanted) || !same(set_get(wanted, name, ABSENT), ABSENT));
    if (!keep && is_nil(map_get(n->vars, name, NIL))) n->vars = map_assoc(n->vars, name, FALSE_V);
  }
}

DOC(refer, "[ns-sym & filters]",
    "Makes the public names of a namespace names of the current one. Filters: :only [names], :exclude [names], :rename {name new}.",
    "(do (refer 'clojure.string :only '[join]) (join \",\" [1 2])) ;=> \"1,2\"\n"
    "(do (refer 'clojure.string :only '[join] :rename '{join glue}) (glue \"-\" [1 2])) ;=> \"1-2\"\n(refer 'no.such) ;!> runtime");
static Val fn_refer(int n, const Val *a) {
  Filters f;
  CHECK(need_sym(a[0]));
  Val from = ns_find(a[0]);
  if (is_nil(from)) return ex_throw(EXC_EXCEPTION, "No namespace: %s", str_s(AS(Sym, a[0])->name));
  CHECK(filters_of(n - 1, a + 1, &f));
  TRY(publics, fn_ns_publics(from));
  bool core = !strcmp(ns_text(from), "clojure.core");
  ValVec names = {0};
  if (!is_nil(f.only)) {
    CHECK(coll_into_array(f.only, &names));
  } else {
    MapIter it;
    Val k, v;
    map_iter(&it, publics);
    while (map_next(&it, &k, &v)) vv_push(&names, k);
  }
  for (size_t i = 0; i < names.n; i++) CHECK(refer_name(from, publics, names.a[i], &f, core));
  if (core) hide_core(env_core_names("clojure.core"), &f);
  return NIL;
}

DOC(refer_clojure, "[& filters]", "(refer 'clojure.core filters...): all names are there without it; the filters take some away.",
    "(do (refer-clojure :exclude '[update]) (resolve 'update)) ;=> nil");
static Val fn_refer_clojure(int n, const Val *a) {
  ValVec all = {0};
  vv_push(&all, sym_c("clojure.core"));
  for (int i = 0; i < n; i++) vv_push(&all, a[i]);
  return fn_refer(n + 1, all.a);
}

/* --- what a symbol names -------------------------------------------------------------------------------------------- */
static Val resolve_in(Val ns, Val locals, Val sym) {
  CHECK(need_sym(sym));
  if (is_map(locals) && !same(map_get(locals, sym, ABSENT), ABSENT)) return NIL;
  Env *e = env();
  Val outer = e->cur_ns;
  e->cur_ns = ns;
  Val type = env_type_var(e, sym), var = is_nil(type) ? env_resolve(e, sym) : type;
  e->cur_ns = outer;
  if (!is_nil(type)) return AS(Var, type)->root;
  if (!is_nil(var)) return var;
  return class_of_symbol(sym);
}

DOC(resolve, "[sym] [env sym]", "The var or class that a symbol names in the current namespace, nil if there is none.",
    "(resolve 'inc) ;=> #'clojure.core/inc\n(resolve 'String) ;=> java.lang.String\n(resolve 'no-such) ;=> nil");
static Val fn_resolve(Val sym) { return resolve_in(env_ns(env()), NIL, sym); }
static Val fn_resolve2(Val locals, Val sym) { return resolve_in(env_ns(env()), locals, sym); }

DOC(ns_resolve, "[ns sym] [ns env sym]", "The var or class that a symbol names in a namespace, nil if there is none or env has the symbol.",
    "(ns-resolve 'clojure.set 'union) ;=> #'clojure.set/union\n(ns-resolve 'no.such 'x) ;!> runtime");
static Val fn_ns_resolve3(Val x, Val locals, Val sym) {
  TRY(ns, ns_the(x));
  const char *name = ns_text(ns);
  if (is_sym(sym) && is_nil(AS(Sym, sym)->ns) && is_library(name) && same(map_get(AS(Ns, ns)->vars, sym, ABSENT), ABSENT)) {
    TRY(var, env_resolve(env(), sym_of(str_c(name), AS(Sym, sym)->name)));
    if (!is_nil(var)) return var;
  }
  return resolve_in(ns, locals, sym);
}
static Val fn_ns_resolve(Val x, Val sym) { return fn_ns_resolve3(x, NIL, sym); }

DOC(in_ns, "[name]", "Makes the namespace of that name the current one, creating it when missing.", "(do (in-ns 'user) 1) ;=> 1");
static Val fn_in_ns(Val sym) {
  TRY(ns, fn_create_ns(sym));
  env_enter_ns(env(), ns);
  return ns;
}

const BuiltinRow rows_ns[] = {
    ROW1("find-ns", fn_find_ns, find_ns, B_IMPURE),
    ROW1("the-ns", ns_the, the_ns, B_IMPURE),
    ROW1("create-ns", fn_create_ns, create_ns, B_IMPURE),
    ROW1("ns-name", fn_ns_name, ns_name, B_IMPURE),
    ROW0("all-ns", fn_all_ns, all_ns, B_IMPURE),
    ROW1("remove-ns", fn_remove_ns, remove_ns, B_IMPURE),
    ROW1("ns-interns", fn_ns_interns, ns_interns, B_IMPURE),
    ROW1("ns-publics", fn_ns_publics, ns_publics, B_IMPURE),
    ROW1("ns-refers", fn_ns_refers, ns_refers, B_IMPURE),
    ROW1("ns-map", fn_ns_map, ns_map, B_IMPURE),
    ROW1("ns-imports", fn_ns_imports, ns_imports, B_IMPURE),
    ROW1("ns-aliases", fn_ns_aliases, ns_aliases, B_IMPURE),
    ROW2("alias", fn_alias, alias, B_IMPURE),
    ROW2("breyta.ns/as-alias", fn_as_alias, as_alias, B_IMPURE),
    ROW2("ns-unalias", fn_ns_unalias, ns_unalias, B_IMPURE),
    ROW2("ns-unmap", fn_ns_unmap, ns_unmap, B_IMPURE),
    ROWV("refer", 1, fn_refer, refer, B_IMPURE),
    ROWV("refer-clojure", 0, fn_refer_clojure, refer_clojure, B_IMPURE),
    ROW1("resolve", fn_resolve, resolve, B_IMPURE),
    ROW2("resolve", fn_resolve2, resolve, B_IMPURE),
    ROW2("ns-resolve", fn_ns_resolve, ns_resolve, B_IMPURE),
    ROW3("ns-resolve", fn_ns_resolve3, ns_resolve, B_IMPURE),
    ROW1("in-ns", fn_in_ns, in_ns, B_IMPURE),
    ROW_END};
