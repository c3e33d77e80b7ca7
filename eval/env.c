/* env.c - the core table (builtins and prelude), namespaces, vars, evaluation of forms.
 *
 * Core names live in one process-wide table: builtin rows are put in at start, prelude definitions are indexed by name and
 * evaluated one by one when first resolved. Core vars are constant and shared. Everything else belongs to an Env. */
#include "expand.h"
#include "dispatch.h"
#include "unit.h"
#include "reader/read.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Core {
  char *name; /* "clojure.core/map" */
  const Builtin *b;
  const char *text, *file; /* prelude definition */
  uint32_t len, line;
  const char *ns;
  Val var;
} Core;

#define CORE_CAP 8192
static Core *core;
static size_t core_n;
static Env *core_env;
static pthread_mutex_t core_lock;
static struct { const char *name; } core_ns[256];
static size_t core_ns_n;

static uint64_t text_hash(const char *s, size_t n) {
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)s[i]) * 0x100000001b3u;
  return h ^ h >> 32;
}

static void core_init(void) {
  if (core) return;
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&core_lock, &a);
  core = mem_root(CORE_CAP * sizeof *core);
}

static Core *core_slot(const char *name, size_t n) {
  size_t i = text_hash(name, n) & (CORE_CAP - 1);
  while (core[i].name && (strncmp(core[i].name, name, n) || core[i].name[n])) i = (i + 1) & (CORE_CAP - 1);
  return &core[i];
}

static void note_ns(const char *name, size_t n) {
  for (size_t i = 0; i < core_ns_n; i++)
    if (!strncmp(core_ns[i].name, name, n) && !core_ns[i].name[n]) return;
  if (core_ns_n == sizeof core_ns / sizeof *core_ns) abort();
  core_ns[core_ns_n++].name = strndup(name, n);
}

static Core *core_add(const char *name, size_t n) {
  if (core_n > CORE_CAP * 3 / 4) abort();
  Core *c = core_slot(name, n);
  if (!c->name) {
    c->name = strndup(name, n);
    core_n++;
    const char *slash = memchr(name + 1, '/', n - 1);
    if (slash) note_ns(name, (size_t)(slash - name));
  }
  return c;
}

/* --- builtins --------------------------------------------------------------------------------------------------------------- */
static void full_name(const char *row, char out[128]) {
  bool core_name = !strchr(row, '/') || !strcmp(row, "/");
  bool plain = core_name && row[0] != '.' && !(strlen(row) > 1 && row[strlen(row) - 1] == '.');
  snprintf(out, 128, "%s%s", plain || !strcmp(row, "..") ? "clojure.core/" : "", row);
}

static void builtin_arity(Builtin *b, const BuiltinRow *r) {
  if (r->flags & B_KIND_NATIVE) b->native = r->u.native;
  else if (r->flags & B_KIND_MACRO) b->macro = r->u.macro;
  else if (r->flags & B_KIND_VARIADIC) b->fv = r->u.fv, b->var_min = r->arity;
  else if (r->arity == 0) b->f0 = r->u.f0;
  else if (r->arity == 1) b->f1 = r->u.f1;
  else if (r->arity == 2) b->f2 = r->u.f2;
  else if (r->arity == 3) b->f3 = r->u.f3;
  else if (r->arity == 4) b->f4 = r->u.f4;
}

void builtin_register(const BuiltinRow *rows) {
  core_init();
  for (const BuiltinRow *r = rows; r->name; r++) {
    char name[128];
    full_name(r->name, name);
    Core *c = core_add(name, strlen(name));
    Builtin *b = (Builtin *)(uintptr_t)c->b;
    if (!b) {
      b = mem_root(sizeof *b);
      *b = (Builtin){.name = c->name, .var_min = -1, .doc = r->doc};
      const char *slash = strchr(c->name + 1, '/');
      b->short_name = slash ? slash + 1 : c->name;
      BuiltinObj *o = mem_obj(T_BUILTIN);
      o->def = b;
      b->self = from_obj(o);
      c->b = b;
    } else if (r == rows || strcmp(r[-1].name, r->name)) {
      fprintf(stderr, "builtin %s is registered twice\n", name);
      abort();
    }
    b->flags |= r->flags | (name[0] == '.' ? B_DOT : 0);
    builtin_arity(b, r);
  }
}

const Builtin *builtin_find(const char *full) {
  if (!core) return NULL;
  Core *c = core_slot(full, strlen(full));
  return c->name ? c->b : NULL;
}

void builtin_each(void (*f)(const Builtin *b, void *ctx), void *ctx) {
  for (size_t i = 0; core && i < CORE_CAP; i++)
    if (core[i].b) f(core[i].b, ctx);
}

const NativeDef *native_find(const char *name) {
  static const NativeDef *const own[] = {&nd_realize, &nd_apply, &nd_answer, &nd_multi};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (!strcmp(name, own[i]->name)) return own[i];
  for (size_t i = 0; core && i < CORE_CAP; i++)
    if (core[i].b && core[i].b->native && !strcmp(core[i].b->native->name, name)) return core[i].b->native;
  return NULL;
}

Val builtin_call(const Builtin *b, int argc, const Val *a) {
  switch (argc) {
  case 0: if (b->f0) return b->f0(); break;
  case 1: if (b->f1) return b->f1(a[0]); break;
  case 2: if (b->f2) return b->f2(a[0], a[1]); break;
  case 3: if (b->f3) return b->f3(a[0], a[1], a[2]); break;
  case 4: if (b->f4) return b->f4(a[0], a[1], a[2], a[3]); break;
  default: break;
  }
  if (b->fv && argc >= b->var_min) return b->fv(argc, a);
  if (*b->name == '.' && argc > 0) return ex_no_method(b->name + 1, argc - 1, a[0]);
  return ex_arity(argc, b->name);
}

/* --- prelude index ------------------------------------------------------------------------------------------------------------ */
static const char *token_end(const char *p, const char *end) {
  while (p < end && !strchr(" \t\n()[]{}\"", *p)) p++;
  return p;
}

/* The name that a top-level definition at p ("(def... ") gives; metadata such as ^:private is stepped over. */
static const char *def_name(const char *p, const char *end, size_t *n) {
  p = token_end(p + 1, end);
  for (;;) {
    while (p < end && (*p == ' ' || *p == '\n')) p++;
    if (p < end && *p == '^') { p = token_end(p, end); continue; }
    break;
  }
  *n = (size_t)(token_end(p, end) - p);
  return p;
}

void prelude_register(const char *text, size_t n, const char *file) {
  core_init();
  const char *end = text + n, *ns = "clojure.core", *line = text;
  Core *open = NULL;
  uint32_t lineno = 1;
  for (; line < end; lineno++) {
    const char *eol = memchr(line, '\n', (size_t)(end - line));
    if (!eol) eol = end;
    if (*line == '(') {
      if (open) open->len = (uint32_t)(line - open->text);
      open = NULL;
      size_t len;
      const char *name = def_name(line, end, &len);
      if (!strncmp(line, "(ns ", 4)) ns = file_intern(AS(Str, str_new(name, len))->s);
      else if (!strncmp(line, "(def", 4)) {
        char full[160];
        int k = snprintf(full, sizeof full, "%s/%.*s", ns, (int)len, name);
        open = core_add(full, (size_t)k);
        open->text = line;
        open->file = file;
        open->line = lineno;
        open->ns = ns;
      }
    }
    line = eol + 1;
  }
  if (open) open->len = (uint32_t)(end - open->text);
}

static Val sym_of_full(const char *full) {
  const char *slash = strchr(full + 1, '/');
  return slash ? sym_of(str_new(full, (size_t)(slash - full)), str_c(slash + 1)) : sym_of(NIL, str_c(full));
}

static Val ns_var; /* #'*ns* once anybody has named it; before that nothing can be bound to it */

static Val core_var_new(Core *c) {
  Var *v = mem_obj(T_VAR);
  Val name = sym_of_full(c->name);
  v->h.flags = VAR_CONST;
  v->ns = sym_of(NIL, is_nil(AS(Sym, name)->ns) ? str_c("") : AS(Sym, name)->ns);
  v->name = sym_of(NIL, AS(Sym, name)->name);
  v->root = UNBOUND;
  v->serial = (uint32_t)text_hash(c->name, strlen(c->name));
  return from_obj(v);
}

/* Evaluate a prelude definition. Counters start anew for each, so that the result does not depend on what else was loaded; nor on
 * the machine that asks, whose slices another thread may take over: it would wait for core_lock. */
static Val prelude_load(Core *c) {
  Env *e = env_core();
  Env saved = *e;
  Mach *outer = mach_cur;
  mach_cur = NULL;
  e->gensym = 0;
  e->serial = (uint32_t)text_hash(c->name, strlen(c->name));
  e->cur_ns = env_make_ns(e, sym_c(c->ns));
  Reader r;
  read_init(&r, c->text, c->len, c->file);
  r.positions = true;
  r.line = (int)c->line;
  r.ns = AS(Ns, e->cur_ns)->name;
  Val v = env_read_eval(e, &r);
  e->cur_ns = saved.cur_ns;
  e->gensym = saved.gensym;
  e->serial = saved.serial;
  mach_cur = outer;
  if (!strcmp(c->name, "clojure.core/*ns*")) {
    ns_var = c->var;
    AS(Var, c->var)->h.flags |= VAR_CUR_NS;
  }
  return v;
}

static Val core_var(Core *c) {
  pthread_mutex_lock(&core_lock);
  Val result = c->var;
  if (is_nil(c->var)) {
    result = c->var = core_var_new(c);
    if (c->b) {
      AS(Var, c->var)->root = c->b->self;
      if (c->b->macro) AS(Var, c->var)->h.flags |= VAR_MACRO;
    } else {
      Val v = prelude_load(c);
      if (is_sig(v)) {
        c->var = NIL;
        result = v;
      }
    }
  }
  pthread_mutex_unlock(&core_lock);
  return result;
}

void core_each(void (*f)(const CoreName *name, void *ctx), void *ctx) {
  for (size_t i = 0; core && i < CORE_CAP; i++) {
    const Core *c = &core[i];
    if (c->name) f(&(CoreName){c->name, c->b, c->text, c->len, c->file, c->line}, ctx);
  }
}

bool core_find(const char *full, CoreName *out) {
  const Core *c = core_slot(full, strlen(full));
  if (c->name) *out = (CoreName){c->name, c->b, c->text, c->len, c->file, c->line};
  return c->name;
}

static Core *core_lookup(const char *ns, Val name) {
  if (!core) return NULL;
  char full[256];
  int n = ns ? snprintf(full, sizeof full, "%s/%s", ns, str_s(name)) : snprintf(full, sizeof full, "%s", str_s(name));
  if (n >= (int)sizeof full) return NULL;
  Core *c = core_slot(full, (size_t)n);
  return c->name ? c : NULL;
}

/* --- environments --------------------------------------------------------------------------------------------------------------- */
Env *env_core(void) {
  if (!core_env) {
    core_init();
    Env **slot = mem_root(sizeof *slot);
    *slot = core_env = mem_alloc(sizeof *core_env);
    core_env->namespaces = map_empty;
    core_env->cur_ns = env_make_ns(core_env, sym_c("clojure.core"));
  }
  return core_env;
}
bool env_is_core(const Env *e) { return e == core_env; }

Env *env_new(void) {
  Env *e = mem_alloc(sizeof *e);
  e->namespaces = map_empty;
  e->serial = 1;
  e->cur_ns = env_make_ns(e, sym_c("user"));
  return e;
}

Val env_find_ns(Env *e, Val ns_sym) { return map_get(e->namespaces, ns_sym, NIL); }

Val env_make_ns(Env *e, Val ns_sym) {
  Val ns = env_find_ns(e, ns_sym);
  if (!is_nil(ns)) return ns;
  Ns *n = mem_obj(T_NS);
  n->name = ns_sym;
  n->vars = map_empty;
  n->aliases = map_empty;
  e->namespaces = map_assoc(e->namespaces, ns_sym, from_obj(n));
  return from_obj(n);
}

bool var_yields(Val v) { return (obj(v)->flags & VAR_CONST) && !strncmp(str_s(AS(Sym, AS(Var, v)->ns)->name), "breyta.", 7); }
bool var_is_own(Val v, Val ns_sym) { return is_type(v, T_VAR) && sym_eq(AS(Var, v)->ns, ns_sym); }

Val env_intern(Env *e, Val ns_sym, Val name_sym) {
  if (env_is_core(e)) {
    Core *c = core_lookup(str_s(AS(Sym, ns_sym)->name), AS(Sym, name_sym)->name);
    if (c && !is_nil(c->var)) return c->var;
  }
  Ns *ns = AS(Ns, env_make_ns(e, ns_sym));
  Val var = map_get(ns->vars, name_sym, NIL);
  if (var_is_own(var, ns_sym)) return var;
  Var *v = mem_obj(T_VAR);
  v->h.flags = env_is_core(e) ? VAR_CONST : VAR_RUN;
  v->ns = ns_sym;
  v->name = name_sym;
  v->root = UNBOUND;
  v->serial = e->serial++;
  ns->vars = map_assoc(ns->vars, name_sym, from_obj(v));
  return from_obj(v);
}

/* A key that macros of the library put there: taken out. */
static bool take_mark(Val *meta, const char *key) {
  if (!truthy(map_get_kw(*meta, key))) return false;
  *meta = map_dissoc(*meta, kw_c(key));
  return true;
}

/* It belongs to the run: a var of its own namespace. */
Val env_hierarchy(Env *e) {
  if (is_nil(e->hierarchy)) e->hierarchy = env_intern(e, sym_c("breyta.world"), sym_c("hierarchy"));
  return e->hierarchy;
}

void var_declare(Val var, Val meta) {
  if (is_nil(meta)) return;
  Var *v = AS(Var, var);
  if (take_mark(&meta, "breyta-type")) v->h.flags |= VAR_TYPE;
  if (take_mark(&meta, "breyta-protocol")) v->h.flags |= VAR_PROTOCOL;
  v->meta = meta;
  if (truthy(map_get_kw(meta, "dynamic"))) v->h.flags |= VAR_DYNAMIC;
  if (truthy(map_get_kw(meta, "macro"))) v->h.flags |= VAR_MACRO;
  if (truthy(map_get_kw(meta, "private"))) v->h.flags |= VAR_PRIVATE;
}

bool env_core_has_ns(const char *name) {
  for (size_t i = 0; i < core_ns_n; i++)
    if (!strcmp(core_ns[i].name, name)) return true;
  return false;
}

void env_each_core_ns(void (*f)(const char *name, void *ctx), void *ctx) {
  for (size_t i = 0; i < core_ns_n; i++) f(core_ns[i].name, ctx);
}

/* Helpers that only expansions of macros name. */
static bool is_internal(const char *name) {
  size_t n = strlen(name);
  return n > 1 && name[n - 1] == '*' && name[0] != '*' && strcmp(name, "list*") && strncmp(name, "with-bindings", 13) && strcmp(name, "bound-fn*") &&
         strcmp(name, "inst-ms*");
}

Val env_core_names(const char *ns) {
  size_t len = strlen(ns);
  ValVec names = {0};
  for (size_t i = 0; core && i < CORE_CAP; i++) {
    const char *full = core[i].name;
    if (full && !strncmp(full, ns, len) && full[len] == '/' && full[len + 1] && !is_internal(full + len + 1)) vv_push(&names, sym_c(full + len + 1));
  }
  return vec_from(names.a, names.n);
}

Val env_alias_target(Env *e, Val ns_name) {
  Val full = map_get(AS(Ns, e->cur_ns)->aliases, sym_of(NIL, ns_name), NIL);
  return is_sym(full) ? AS(Sym, full)->name : ns_name;
}

bool env_ns_known(Env *e, Val ns_name) {
  Val target = env_alias_target(e, ns_name);
  return env_core_has_ns(str_s(target)) || !is_nil(env_find_ns(e, sym_of(NIL, target)));
}

static Val resolve_qualified(Env *e, Val sym) {
  Val target = env_alias_target(e, AS(Sym, sym)->ns);
  Val ns = env_find_ns(e, sym_of(NIL, target));
  if (!is_nil(ns)) {
    Val var = map_get(AS(Ns, ns)->vars, sym_of(NIL, AS(Sym, sym)->name), NIL);
    if (is_type(var, T_VAR)) return var;
  }
  const char *s = str_s(target);
  Core *c = core_lookup(s, AS(Sym, sym)->name);
  if (!c && !strncmp(s, "java.", 5)) c = core_lookup(strrchr(s, '.') + 1, AS(Sym, sym)->name);
  return c ? core_var(c) : NIL;
}

Val env_method(Val name) {
  Core *c = core_lookup("breyta.method", name);
  TRY(var, c ? core_var(c) : NIL);
  return is_nil(var) ? NIL : var_get(var);
}

Val env_resolve(Env *e, Val sym) {
  const Sym *s = AS(Sym, sym);
  if (!is_nil(s->ns)) return resolve_qualified(e, sym);
  Val bare = sym_of(NIL, s->name);
  Val var = map_get(AS(Ns, e->cur_ns)->vars, bare, NIL);
  if (!is_nil(var)) return is_type(var, T_VAR) ? var : NIL;
  const char *t = str_s(s->name);
  if (t[0] == '.' && t[1] && strcmp(t, "..")) {
    Core *m = core_lookup(NULL, s->name);
    return m ? core_var(m) : NIL;
  }
  Core *c = NULL;
  if (env_is_core(e)) c = core_lookup(str_s(AS(Sym, AS(Ns, e->cur_ns)->name)->name), s->name);
  if (!c) c = core_lookup("clojure.core", s->name);
  return c ? core_var(c) : NIL;
}

static Val ns_cell(void) { return mach_cur && !is_nil(ns_var) && !is_nil(mach_cur->bindings) ? map_get(mach_cur->bindings, ns_var, NIL) : NIL; }

Val env_ns(Env *e) {
  Val cell = ns_cell();
  return !is_nil(cell) && is_type(AS(Box, cell)->val, T_NS) ? AS(Box, cell)->val : e->cur_ns;
}

void env_enter_ns(Env *e, Val ns) {
  Val cell = ns_cell();
  if (!is_nil(cell)) AS(Box, cell)->val = ns;
  e->cur_ns = ns;
}

Val var_get(Val var) {
  const Var *v = AS(Var, var);
  if ((v->h.flags & VAR_DYNAMIC) && mach_cur && !is_nil(mach_cur->bindings)) {
    Val cell = map_get(mach_cur->bindings, var, NIL);
    if (!is_nil(cell)) return AS(Box, cell)->val;
  }
  if (v->h.flags & VAR_CUR_NS) return mach_cur ? mach_cur->env->cur_ns : NIL;
  if (!same(v->root, UNBOUND)) return v->root;
  Buf b = {0};
  CHECK(print_to(&b, var, &print_plain));
  Val r = ex_throw(EXC_STATE, "Attempting to use unbound var: %s", buf_cstr(&b));
  buf_free(&b);
  return r;
}

Val var_name_sym(Val var) {
  const Var *v = AS(Var, var);
  return sym_of(AS(Sym, v->ns)->name, AS(Sym, v->name)->name);
}

/* --- evaluation -------------------------------------------------------------------------------------------------------------------- */
static Val run_to_end(Mach *m) {
  Val v = mach_run(m);
  while (same(v, SIG_STOP)) v = mach_continue(m);
  if (same(v, SIG_SUSPEND)) return ex_throw(EXC_UNSUPPORTED, "a step cannot run here: only the body of a flow can wait for the world");
  return v;
}

Val mach_call_sync(Env *env, Val f, const Val *args, uint32_t n) {
  Mach *m = mach_new(env);
  if (mach_cur) {
    m->out = mach_cur->out;
    m->io = mach_cur->io;
    m->bindings = mach_cur->bindings;
    m->fuel_limit = mach_cur->fuel_limit;
    m->mem_limit = mach_cur->mem_limit;
    m->max_frames = mach_cur->max_frames / 2;
  }
  mach_start(m, f, args, n);
  return run_to_end(m);
}

static Val eval_unit(Env *e, Val form, const char *file) {
  int line, col;
  Val cf = expand(e, form, file);
  if (is_sig(cf)) {
    if (form_pos(form, &line, &col)) exception_at(e, file, (uint32_t)line, (uint32_t)col);
    return cf;
  }
  Unit *u = analyze(e, cf, file);
  if (!u) return SIG_THROW;
  Fn *f = mem_obj_n(T_FN, 0);
  f->code = u->fn;
  f->serial = e->serial++;
  return mach_call_sync(e, from_obj(f), NULL, 0);
}

/* What a call of a macro at top level stands for, so that a (do ...) it gives is seen. */
Val env_top_form(Env *e, Val form) {
  for (int turns = 0; turns < 100 && is_type(form, T_LIST); turns++) {
    if (!is_sym(AS(List, form)->first) || sym_is(AS(List, form)->first, "do")) break;
    TRY(var, env_resolve(e, AS(List, form)->first));
    if (!is_type(var, T_VAR) || !(obj(var)->flags & VAR_MACRO) || (obj(var)->flags & VAR_CONST)) break;
    TRY(next, macroexpand_1(e, form));
    form = is_type(next, T_LIST) && is_nil(meta_of(next)) ? with_meta(next, meta_of(form)) : next;
  }
  return form;
}

/* (do ...) at top level: each form is a unit of its own, so that later ones see the macros and vars of earlier ones. */
static Val eval_form(Env *e, Val form, const char *file) {
  TRY(top, env_top_form(e, form));
  form = top;
  if (!is_type(form, T_LIST) || !sym_is(AS(List, form)->first, "do")) return eval_unit(e, form, file);
  Val last = NIL;
  for (Val s = AS(List, form)->rest; is_type(s, T_LIST); s = AS(List, s)->rest) {
    last = eval_form(e, AS(List, s)->first, file);
    if (is_sig(last)) return last;
  }
  return last;
}

Val env_eval(Env *e, Val form) { return eval_form(e, form, NULL); }
Val env_eval_at(Env *e, Val form, const char *file) { return eval_form(e, form, file); }

/* The full name of the class that a name means, nil if it is none. */
static Val quoted_class(Env *e, Val name) {
  Val sym = sym_of(NIL, name), var = env_type_var(e, sym);
  if (is_type(var, T_VAR)) return str_c(class_text(AS(Var, var)->root));
  Val cls = class_of_symbol(sym);
  return is_type(cls, T_CLASS) ? AS(Sym, AS(Class, cls)->name)->name : NIL;
}

static Val quoted_name(void *ctx, Val sym) { /* syntax-quote: the full name of an unqualified symbol */
  Env *e = ctx;
  const Sym *s = AS(Sym, sym);
  if (!is_nil(s->ns)) return sym_of(env_alias_target(e, s->ns), s->name);
  Val own = AS(Ns, e->cur_ns)->name;
  Val var = map_get(AS(Ns, e->cur_ns)->vars, sym_of(NIL, s->name), NIL);
  if (is_type(var, T_VAR)) return var_name_sym(var);
  if (!is_nil(var)) return sym_of(AS(Sym, own)->name, s->name);
  Val cls = quoted_class(e, s->name);
  if (!is_nil(cls)) return sym_of(NIL, cls);
  if (env_is_core(e) && core_lookup(str_s(AS(Sym, own)->name), s->name)) return sym_of(AS(Sym, own)->name, s->name);
  if (core_lookup("clojure.core", s->name)) return sym_of(str_c("clojure.core"), s->name);
  return sym_of(AS(Sym, own)->name, s->name);
}
static int64_t reader_gensym(void *ctx) { return ((Env *)ctx)->gensym++; }

void env_reader(Env *e, Reader *r) {
  r->positions = true;
  r->ns = AS(Ns, e->cur_ns)->name;
  r->aliases = AS(Ns, e->cur_ns)->aliases;
  r->resolve = quoted_name;
  r->gensym = reader_gensym;
  r->tag_read = env_read_tag;
  r->ctx = e;
}

Val env_read_eval(Env *e, Reader *r) {
  Val last = NIL;
  for (;;) {
    env_reader(e, r);
    Val form = read_next(r);
    if (same(form, ABSENT)) return last;
    if (is_sig(form)) return form;
    last = eval_form(e, form, r->file);
    if (is_sig(last)) return last;
  }
}

Val env_eval_text(Env *e, const char *src, size_t n, const char *file) {
  Reader r;
  read_init(&r, src, n, file);
  return env_read_eval(e, &r);
}
