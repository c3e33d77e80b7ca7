/* introspect.c - see introspect.h, and the functions of the language that look at names (breyta.repl/...). */
#include "introspect.h"
#include "unit.h"
#include "reader/mem.h"
#include "reader/read.h"

/* ---- special forms: they have no var and no DOC block elsewhere ---- */

#define SPECIAL_FORMS(S)                                                                                                             \
  S("def", "(def symbol doc-string? init?)", "Makes a var of that name in the current namespace, with init as its value.")          \
  S("if", "(if test then else?)", "Evaluates test; if it is neither false nor nil then evaluates then, otherwise else (nil).")       \
  S("do", "(do exprs*)", "Evaluates the expressions in order and answers the value of the last (nil without any).")                  \
  S("quote", "(quote form)", "The form itself, unevaluated: 'form.")                                                                 \
  S("var", "(var symbol)", "The var that the symbol names, not its value: #'symbol.")                                                \
  S("recur", "(recur exprs*)", "Goes back to the innermost loop or fn with new values, in constant space. Tail position only.")     \
  S("throw", "(throw expr)", "Throws the exception that expr answers; see ex-info.")                                                \
  S("try", "(try expr* catch-clause* finally-clause?)",                                                                              \
    "catch-clause is (catch Class name expr*), finally-clause is (finally expr*). Answers the value of the last expression, or of "   \
    "the first catch clause whose class the exception has. The finally clause is evaluated in any case, for its effect.")            \
  S("catch", "(catch Class name expr*)", "Part of try.")                                                                             \
  S("finally", "(finally expr*)", "Part of try.")                                                                                    \
  S("new", "(new Class args*)", "Makes an object of one of the few known classes: (Class. args*).")                                  \
  S("set!", "(set! var-symbol expr)", "Changes the value of a dynamic var where it is bound on this thread.")                       \
  S(".", "(. target member args*)", "Calls one of the known methods: (.member target args*), (Class/member args*).")                \
  S("&", "[a & rest]", "In a parameter vector or a pattern: the name behind it takes what is left, as a seq or nil.")

typedef struct Special { const char *name, *form, *doc; } Special;
#define SPECIAL_ROW(name, form, doc) {name, form, doc},
static const Special specials[] = {SPECIAL_FORMS(SPECIAL_ROW)};
enum { SPECIALS = sizeof specials / sizeof *specials };

/* ---- noted definitions: var -> [text file line column] ---- */

static Val *noted;

static Val noted_map(void) {
  if (!noted) {
    noted = mem_root(sizeof *noted);
    *noted = hmap_empty;
  }
  return *noted;
}

void introspect_note(Val var, Val text, const char *file, int line, int col) {
  Val parts[] = {text, file ? str_c(file) : NIL, fix(line), fix(col)};
  *noted = map_assoc(noted_map(), var, vec_from(parts, 4));
}

/* ---- info ---- */

static void put(Val *m, const char *key, Val v) {
  if (!is_nil(v)) *m = map_assoc(*m, kw_c(key), v);
}

/* "[x] [x y]" as ([x] [x y]); nil when it does not read. */
static Val arglists_of(const char *text) {
  Buf b = {0};
  buf_fmt(&b, "(%s)", text);
  Val v = read_one(b.p, b.n, NULL, false);
  buf_free(&b);
  return is_sig(v) ? NIL : v;
}

static Val with_examples(const Doc *d) {
  Buf b = {0};
  buf_c(&b, d->text);
  for (const char *s = d->examples; s && *s;) {
    size_t n = strcspn(s, "\n");
    buf_c(&b, "\n  ");
    buf_add(&b, s, n);
    s += n + (s[n] == '\n');
  }
  return buf_str(&b);
}

static Val special_info(const Special *s) {
  Val m = map_empty;
  put(&m, "type", kw_c("special-form"));
  put(&m, "name", sym_c(s->name));
  put(&m, "forms", str_c(s->form));
  put(&m, "doc", str_c(s->doc));
  return m;
}

static void core_info(Val *m, const Var *v) {
  Buf full = {0};
  CoreName c;
  buf_fmt(&full, "%s%s%s", str_s(AS(Sym, v->ns)->name), str_n(AS(Sym, v->ns)->name) ? "/" : "", str_s(AS(Sym, v->name)->name));
  if (core_find(buf_cstr(&full), &c)) {
    if (c.b && c.b->doc) {
      put(m, "arglists", arglists_of(c.b->doc->arglists));
      put(m, "doc", with_examples(c.b->doc));
    } else if (c.text) {
      uint32_t n = c.len;
      while (n && strchr(" \n", c.text[n - 1])) n--;
      put(m, "source", str_new(c.text, n));
      put(m, "file", str_c(c.file));
      put(m, "line", fix(c.line));
    }
  }
  buf_free(&full);
}

static void noted_info(Val *m, Val var) {
  Val note = map_get(noted_map(), var, NIL);
  if (!is_vec(note)) return;
  put(m, "source", vec_nth(note, 0));
  put(m, "file", vec_nth(note, 1));
  put(m, "line", vec_nth(note, 2));
  put(m, "column", vec_nth(note, 3));
}

static const char *var_type(const Var *v) {
  if (v->h.flags & VAR_MACRO) return "macro";
  return is_type(v->root, T_FN) || is_type(v->root, T_BUILTIN) ? "function" : "var";
}

static Val var_info(Val var) {
  const Var *v = AS(Var, var);
  Val m = map_empty, meta = v->meta;
  put(&m, "type", kw_c(var_type(v)));
  if (str_n(AS(Sym, v->ns)->name)) put(&m, "ns", v->ns);
  put(&m, "name", v->name);
  put(&m, "arglists", map_get_kw(meta, "arglists"));
  put(&m, "doc", map_get_kw(meta, "doc"));
  if (v->h.flags & VAR_CONST) core_info(&m, v);
  noted_info(&m, var);
  if (v->h.flags & VAR_PRIVATE) put(&m, "private", TRUE_V);
  if (v->h.flags & VAR_DYNAMIC) put(&m, "dynamic", TRUE_V);
  return m;
}

static Val named(const char *type, Val sym) {
  Val m = map_empty;
  put(&m, "type", kw_c(type));
  put(&m, "name", sym);
  return m;
}

Val introspect(Env *e, Val sym) {
  const char *name = str_s(AS(Sym, sym)->name);
  bool bare = is_nil(AS(Sym, sym)->ns);
  for (size_t i = 0; bare && i < SPECIALS; i++)
    if (!strcmp(name, specials[i].name)) return special_info(&specials[i]);
  TRY(var, env_resolve(e, sym));
  if (is_type(var, T_VAR)) return var_info(var);
  if (bare && env_ns_known(e, AS(Sym, sym)->name)) return named("namespace", sym);
  if (bare && is_type(class_of_symbol(sym), T_CLASS)) return named("class", sym);
  return NIL;
}

/* ---- all names ---- */

typedef struct Names { const char *all; IntrospectFn *f; void *ctx; } Names;

static bool helper(const Names *n, const char *ns, const char *name) {
  size_t k = strlen(name);
  if (n->all && ns && !strcmp(ns, n->all)) return false;
  if (ns && !strncmp(ns, "breyta.", 7) && strcmp(ns, "breyta.sandbox")) return true;
  return k > 2 && name[k - 1] == '*' && name[0] != '*';
}

static const char *core_type(const CoreName *c) {
  if (c->b) return c->b->macro ? "macro" : "function";
  return !strncmp(c->text, "(defmacro", 9) ? "macro" : !strncmp(c->text, "(def ", 5) ? "var" : "function";
}

static void core_name(const CoreName *c, void *ctx) {
  const Names *n = ctx;
  const char *slash = strchr(c->name + 1, '/');
  char ns[128];
  if (!slash || (size_t)(slash - c->name) >= sizeof ns) return; /* .method and Class. are no names of their own */
  memcpy(ns, c->name, (size_t)(slash - c->name));
  ns[slash - c->name] = 0;
  if (!helper(n, ns, slash + 1)) n->f(n->ctx, ns, slash + 1, core_type(c));
}

static void ns_names(const Names *n, const Ns *ns) {
  MapIter it;
  Val k, v;
  const char *own = str_s(AS(Sym, ns->name)->name);
  map_iter(&it, ns->vars);
  while (map_next(&it, &k, &v)) {
    if (!is_type(v, T_VAR)) continue;
    Val home = is_sym(AS(Var, v)->ns) ? AS(Var, v)->ns : ns->name;
    if (sym_eq(home, ns->name) && (!(obj(v)->flags & VAR_PRIVATE) || (n->all && !strcmp(own, n->all))))
      n->f(n->ctx, own, str_s(AS(Sym, k)->name), var_type(AS(Var, v)));
  }
}

void introspect_names(Env *e, const char *all, IntrospectFn *f, void *ctx) {
  Names n = {all, f, ctx};
  MapIter it;
  Val k, v;
  for (size_t i = 0; i < SPECIALS; i++) f(ctx, NULL, specials[i].name, "special-form");
  core_each(core_name, &n);
  map_iter(&it, e->namespaces);
  while (map_next(&it, &k, &v)) ns_names(&n, AS(Ns, v));
}

/* ---- functions ---- */

DOC(name_info, "[sym]", "A map of what is known about the name in the current namespace, nil if it names nothing. See clojure.repl/doc.",
    "(:name (breyta.repl/info 'inc)) ;=> inc");
static Val fn_info(Val sym) {
  if (!is_sym(sym)) return ex_cast(sym, "clojure.lang.Symbol");
  return introspect(mach_cur->env, sym);
}

static void collect(void *ctx, const char *ns, const char *name, const char *type) {
  (void)type;
  ValVec *all = ctx;
  vv_push(all, sym_new(ns, name));
}

DOC(name_list, "[]", "The symbols of everything that may be used, in no order: core names with their namespace, and vars.",
    "(contains? (set (breyta.repl/names)) 'clojure.core/inc) ;=> true");
static Val fn_names(void) {
  ValVec all = {0};
  introspect_names(mach_cur->env, NULL, collect, &all);
  return vec_from(all.a, all.n);
}

DOC(ns_of, "[sym]", "The symbol of the namespace that a name or alias means; throws if there is none.", "(breyta.repl/ns-of 'clojure.set) ;=> clojure.set");
static Val fn_ns_of(Val sym) {
  if (!is_sym(sym)) return ex_cast(sym, "clojure.lang.Symbol");
  Env *e = mach_cur->env;
  if (env_ns_known(e, AS(Sym, sym)->name)) return sym_of(NIL, env_alias_target(e, AS(Sym, sym)->name));
  return ex_throw(EXC_RUNTIME, "No namespace: %s found", str_s(AS(Sym, sym)->name));
}

DOC(trace_text, "[ex]", "The trace of an exception as text, a line for each call; nil when it has none.",
    "(breyta.repl/trace (ex-info \"x\" {})) ;=> nil");
static Val fn_trace(Val ex) {
  if (!is_type(ex, T_EX)) return ex_cast(ex, "java.lang.Throwable");
  return AS(Ex, ex)->trace;
}

const BuiltinRow rows_introspect[] = {
    ROW1("breyta.repl/info", fn_info, name_info, B_IMPURE),
    ROW0("breyta.repl/names", fn_names, name_list, B_IMPURE),
    ROW1("breyta.repl/ns-of", fn_ns_of, ns_of, B_IMPURE),
    ROW1("breyta.repl/trace", fn_trace, trace_text, B_IMPURE),
    ROW_END};
