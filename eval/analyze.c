/* analyze.c - core forms to nodes: locals to slots, captures by value, arities, positions. See node.h for the shapes. */
#include "node.h"
#include "dispatch.h"
#include "unit.h"
#include "reader/eq.h"
#include "reader/read.h"
#include <stdlib.h>

typedef struct Local { Val sym; uint32_t slot; } Local;

typedef struct FnCtx {
  struct FnCtx *up;
  Local *locals;
  size_t nlocals, cap_locals;
  ValVec cap_syms; /* captured symbols, in capture order */
  uint32_t depth, max_depth;
  uint32_t fn_id;
  bool may_step;
} FnCtx;

/* `body`: where the pointer to the node that a recur goes on with will be. */
typedef struct RecurTarget { Node *const *body; uint32_t slot, n; bool ok; } RecurTarget;

typedef struct An {
  Env *env;
  Unit *unit;
  FnCtx *fn;
  RecurTarget *recur; /* NULL: not in tail position of anything */
  Node **nodes;
  uint32_t nnodes, cap;
  uint32_t line, col;
  int depth;
  bool failed;
} An;

static Node *an_form(An *a, Val form, bool tail);

/* --- nodes -------------------------------------------------------------------------------------------------------- */
static Node *fail(An *a) {
  if (!a->failed) exception_at(a->env, a->unit->file, a->line, a->col);
  a->failed = true;
  return NULL;
}

static Node *node_new(An *a, enum NodeKind kind, unsigned nk) {
  Node *n = mem_alloc(sizeof(Node) + nk * sizeof(Node *));
  n->kind = (uint8_t)kind;
  n->nk = (uint16_t)nk;
  n->line = a->line;
  n->col = a->col;
  n->unit = a->unit;
  n->depth = (uint16_t)a->fn->depth;
  n->fn_id = a->fn->fn_id;
  if (a->nnodes == a->cap) {
    uint32_t cap = a->cap ? a->cap * 2 : 64;
    Node **grown = mem_alloc(cap * sizeof *grown);
    if (a->nodes) memcpy(grown, a->nodes, a->nnodes * sizeof *grown);
    a->nodes = grown;
    a->cap = cap;
  }
  n->id = a->nnodes;
  a->nodes[a->nnodes++] = n;
  return n;
}

static Node *done(Node *n) {
  n->ev = direct_fn(n);
  fast_op(n);
  return n;
}

static Node *const_node(An *a, Val v) {
  Node *n = node_new(a, NK_CONST, 0);
  n->val = v;
  return done(n);
}

static void reserve(An *a, uint32_t slots) {
  uint32_t top = a->fn->depth + slots;
  if (top > a->fn->max_depth) a->fn->max_depth = top;
}

static Node *syntax(An *a, const char *fmt, const char *arg) {
  Buf b = {0};
  buf_fmt(&b, fmt, arg);
  ex_throw_kind(EXC_RUNTIME, KIND_SYNTAX, "%s", buf_cstr(&b));
  buf_free(&b);
  return fail(a);
}

/* --- locals --------------------------------------------------------------------------------------------------------- */
static void local_push(An *a, Val sym, uint32_t slot) {
  FnCtx *f = a->fn;
  if (f->nlocals == f->cap_locals) {
    size_t cap = f->cap_locals ? f->cap_locals * 2 : 16;
    Local *grown = mem_alloc(cap * sizeof *grown);
    if (f->locals) memcpy(grown, f->locals, f->nlocals * sizeof *grown);
    f->locals = grown;
    f->cap_locals = cap;
  }
  f->locals[f->nlocals++] = (Local){sym, slot};
}

static int local_slot(const FnCtx *f, Val sym) {
  for (size_t i = f->nlocals; i-- > 0;)
    if (sym_eq(f->locals[i].sym, sym)) return (int)f->locals[i].slot;
  return -1;
}

static bool is_local(const FnCtx *f, Val sym) {
  for (; f; f = f->up)
    if (local_slot(f, sym) >= 0) return true;
  return false;
}

static int capture_index(FnCtx *f, Val sym) {
  for (size_t i = 0; i < f->cap_syms.n; i++)
    if (sym_eq(f->cap_syms.a[i], sym)) return (int)i;
  vv_push(&f->cap_syms, sym);
  return (int)f->cap_syms.n - 1;
}

static Node *local_node(An *a, Val sym) {
  int slot = local_slot(a->fn, sym);
  Node *n = node_new(a, slot >= 0 ? NK_LOCAL : NK_CAP, 0);
  n->val = sym;
  n->slot = (uint16_t)(slot >= 0 ? slot : capture_index(a->fn, sym));
  return done(n);
}

/* --- symbols ---------------------------------------------------------------------------------------------------------- */
static bool sym_text(Val sym, Buf *b) {
  const Sym *s = AS(Sym, sym);
  if (!is_nil(s->ns)) {
    buf_add(b, str_s(s->ns), str_n(s->ns));
    buf_ch(b, '/');
  }
  buf_add(b, str_s(s->name), str_n(s->name));
  return !is_nil(s->ns);
}

static Node *unresolved(An *a, Val sym) {
  Buf b = {0};
  const Sym *s = AS(Sym, sym);
  bool qualified = sym_text(sym, &b);
  if (qualified && env_ns_known(a->env, s->ns))
    ex_throw_kind(EXC_RUNTIME, KIND_UNRESOLVED, "No such var: %s", buf_cstr(&b));
  else if (qualified && strchr(str_s(s->ns), '.'))
    ex_throw_kind(EXC_CLASS_NOT_FOUND, KIND_RUNTIME, "%s", str_s(s->ns));
  else if (qualified)
    ex_throw_kind(EXC_RUNTIME, KIND_UNRESOLVED, "No such namespace: %s", str_s(s->ns));
  else if (memchr(str_s(s->name), '.', str_n(s->name)) && str_s(s->name)[0] != '.')
    ex_throw_kind(EXC_CLASS_NOT_FOUND, KIND_RUNTIME, "%s", str_s(s->name));
  else
    ex_throw_kind(EXC_RUNTIME, KIND_UNRESOLVED, "Unable to resolve symbol: %s in this context", buf_cstr(&b));
  buf_free(&b);
  return fail(a);
}

static Node *static_field(An *a, Val sym) { /* Class/FIELD: the builtin without arguments of that name */
  if (is_nil(AS(Sym, sym)->ns)) return NULL;
  Buf b = {0};
  sym_text(sym, &b);
  const Builtin *f = builtin_find(buf_cstr(&b));
  buf_free(&b);
  if (!f && strchr(str_s(AS(Sym, sym)->ns), '.')) { /* with its package: java.lang.Long/MAX_VALUE */
    Val var = env_resolve(a->env, sym);
    if (is_type(var, T_VAR) && is_type(AS(Var, var)->root, T_BUILTIN)) f = AS(BuiltinObj, AS(Var, var)->root)->def;
  }
  if (!f || !f->f0 || f->f1 || f->fv || !class_known(str_s(AS(Sym, sym)->ns))) return NULL;
  Node *n = node_new(a, NK_CALLC, 0);
  n->val = f->self;
  reserve(a, 1);
  return done(n);
}

static Node *var_node(An *a, Val var) {
  const Var *v = AS(Var, var);
  if (v->h.flags & VAR_MACRO) {
    Buf b = {0};
    print_to(&b, var, &print_plain);
    syntax(a, "Can't take value of a macro: %s", buf_cstr(&b));
    buf_free(&b);
    return NULL;
  }
  if ((v->h.flags & VAR_CONST) && !(v->h.flags & VAR_DYNAMIC) && !same(v->root, UNBOUND)) return const_node(a, v->root);
  Node *n = node_new(a, v->h.flags & VAR_DYNAMIC ? NK_DYN : NK_VAR, 0);
  n->val = var;
  if (v->h.flags & VAR_RUN) a->unit->shared = false;
  return done(n);
}

/* --- collections of forms -------------------------------------------------------------------------------------------------- */
static bool forms(An *a, Val list, ValVec *out) {
  if (is_sig(coll_into_array(list, out))) { fail(a); return false; }
  return true;
}

static void position_of(An *a, Val form) {
  int line, col;
  if (form_pos(form, &line, &col)) {
    a->line = (uint32_t)line;
    a->col = (uint32_t)col;
  }
}

static bool kid(An *a, Node *n, unsigned i, Val form, bool tail) {
  n->kid[i] = an_form(a, form, tail);
  return n->kid[i] != NULL;
}

/* f[0..] into consecutive temps from depth + first on. */
static bool kids_in_temps(An *a, Node *n, const Val *f, unsigned count, unsigned first, unsigned kid0) {
  uint32_t depth = a->fn->depth;
  for (unsigned i = 0; i < count; i++) {
    a->fn->depth = depth + first + i;
    reserve(a, 1);
    if (!kid(a, n, kid0 + i, f[i], false)) return false;
  }
  a->fn->depth = depth;
  reserve(a, first + count + 1);
  return true;
}

static Node *call_const(An *a, Val callee, const Val *args, unsigned argc) {
  Node *n = node_new(a, NK_CALLC, argc);
  n->val = callee;
  if (!kids_in_temps(a, n, args, argc, 1, 0)) return NULL;
  return done(n);
}

static Node *call_named(An *a, const char *builtin, const Val *args, unsigned argc) {
  const Builtin *b = builtin_find(builtin);
  if (!b) return syntax(a, "this build has no %s", builtin);
  return call_const(a, b->self, args, argc);
}

static Node *an_symbol(An *a, Val sym) {
  if (is_nil(AS(Sym, sym)->ns) && is_local(a->fn, sym)) return local_node(a, sym);
  Node *n = static_field(a, sym);
  if (n || a->failed) return n;
  Val var = env_resolve(a->env, sym);
  if (is_sig(var)) return fail(a);
  if (!is_nil(var)) return var_node(a, var);
  Val cls = class_of_symbol(sym);
  if (!is_nil(cls)) return const_node(a, cls);
  Val type = env_type_var(a->env, sym);
  if (!is_nil(type)) return var_node(a, type);
  Val protocol = env_interface_var(a->env, sym);
  if (!is_nil(protocol)) {
    Val name = var_name_sym(protocol);
    return call_named(a, "breyta.type/interface-of*", &name, 1);
  }
  return unresolved(a, sym);
}

/* --- special forms ------------------------------------------------------------------------------------------------------- */
typedef Node *(*SpecialFn)(An *a, Val form, const Val *f, unsigned n, bool tail);

static Node *an_body(An *a, const Val *f, unsigned n, bool tail) {
  if (n == 1) return an_form(a, f[0], tail);
  if (n == 0) return const_node(a, NIL);
  Node *d = node_new(a, NK_DO, n);
  for (unsigned i = 0; i < n; i++)
    if (!kid(a, d, i, f[i], tail && i + 1 == n)) return NULL;
  return done(d);
}

static Node *an_quote(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  return const_node(a, n > 1 ? f[1] : NIL);
}

static Node *an_if(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form;
  if (n < 3) return syntax(a, "Too few arguments to if", "");
  if (n > 4) return syntax(a, "Too many arguments to if", "");
  Node *x = node_new(a, NK_IF, 3);
  if (!kid(a, x, 0, f[1], false) || !kid(a, x, 1, f[2], tail) || !kid(a, x, 2, n > 3 ? f[3] : NIL, tail)) return NULL;
  return done(x);
}

static Node *an_do(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form;
  return an_body(a, f + 1, n - 1, tail);
}

/* let* and loop*: bindings take the next slots one by one, the body starts behind them. */
static Node *an_let_like(An *a, const Val *f, unsigned n, bool loop, bool tail) {
  ValVec b = {0};
  if (n < 2 || !is_vec(f[1]) || !forms(a, f[1], &b) || b.n % 2) return syntax(a, "Bad binding form of %s", loop ? "loop*" : "let*");
  unsigned pairs = (unsigned)b.n / 2;
  FnCtx *fn = a->fn;
  uint32_t depth = fn->depth;
  size_t nlocals = fn->nlocals;
  Node *x = node_new(a, loop ? NK_LOOP : NK_LET, pairs + 1);
  x->val = f[1];
  for (unsigned i = 0; i < pairs; i++) {
    reserve(a, 1);
    if (!kid(a, x, i, b.a[2 * i + 1], false)) return NULL;
    local_push(a, b.a[2 * i], fn->depth);
    fn->depth++;
    reserve(a, 1);
  }
  RecurTarget target = {&x->kid[pairs], depth, pairs, true}, *outer = a->recur;
  Val bodyf = n == 3 ? f[2] : list_rest_from((Val[]){sym_c("do")}, 1, list_from(f + 2, n - 2));
  if (loop) a->recur = &target;
  bool ok = kid(a, x, pairs, bodyf, loop || tail);
  a->recur = outer;
  fn->depth = depth;
  fn->nlocals = nlocals;
  if (ok && loop) own_loop(x);
  return ok ? done(x) : NULL;
}
static Node *an_let(An *a, Val form, const Val *f, unsigned n, bool tail) { (void)form; return an_let_like(a, f, n, false, tail); }
static Node *an_loop(An *a, Val form, const Val *f, unsigned n, bool tail) { (void)form; return an_let_like(a, f, n, true, tail); }

static Node *an_recur(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form;
  RecurTarget *t = a->recur;
  if (t && !t->ok) {
    ex_throw_kind(EXC_UNSUPPORTED, KIND_SYNTAX, "Cannot recur across try");
    return fail(a);
  }
  if (!tail || !t) {
    ex_throw_kind(EXC_UNSUPPORTED, KIND_SYNTAX, "Can only recur from tail position");
    return fail(a);
  }
  if (n - 1 != t->n) {
    ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "Mismatched argument count to recur, expected: %u args, got: %u", t->n, n - 1);
    return fail(a);
  }
  Node *x = node_new(a, NK_RECUR, n - 1);
  x->p = t->body;
  x->slot = (uint16_t)t->slot;
  if (!kids_in_temps(a, x, f + 1, n - 1, 0, 0)) return NULL;
  return done(x);
}

/* One arity: parameters from slot 1 on. */
static bool an_arity(An *a, FnArity *ar, Val spec) {
  ValVec parts = {0}, params = {0};
  if (!forms(a, spec, &parts) || parts.n == 0 || !is_vec(parts.a[0]) || !forms(a, parts.a[0], &params)) return false;
  ar->params = parts.a[0];
  FnCtx *fn = a->fn;
  size_t nlocals = fn->nlocals;
  fn->depth = 1;
  for (size_t i = 0; i < params.n; i++) {
    if (sym_is(params.a[i], "&")) { ar->variadic = true; continue; }
    local_push(a, params.a[i], fn->depth++);
  }
  ar->nparams = (uint16_t)(fn->depth - 1 - (ar->variadic ? 1 : 0));
  fn->max_depth = fn->depth;
  RecurTarget target = {&ar->body, 1, fn->depth - 1, true}, *outer = a->recur;
  a->recur = &target;
  ar->body = an_body(a, parts.a + 1, (unsigned)parts.n - 1, true);
  a->recur = outer;
  ar->nslots = fn->max_depth + 2;
  fn->nlocals = nlocals;
  if (ar->body) own_arity(ar);
  return ar->body != NULL;
}

static void fn_name(An *a, FnCode *code, Val name) {
  Buf b = {0};
  Val ns = AS(Sym, AS(Ns, a->env->cur_ns)->name)->name;
  buf_fmt(&b, "%s/%s", str_s(ns), is_sym(name) ? str_s(AS(Sym, name)->name) : "fn");
  code->name = buf_str(&b);
}

static bool fn_arities(An *a, FnCode *code, const Val *f, unsigned from, unsigned n) {
  for (unsigned i = from; i < n; i++) {
    FnArity *ar = &code->ar[i - from];
    if (!an_arity(a, ar, f[i])) return false;
    if (ar->variadic) code->var_arity = (uint16_t)(i - from + 1);
    else if (ar->nparams < 8 && code->fixed[ar->nparams] < 0) code->fixed[ar->nparams] = (int8_t)(i - from);
    else if (ar->nparams < 8) { syntax(a, "Can't have 2 overloads with same arity", ""); return false; }
  }
  return true;
}

static Node *an_fn(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  bool named = n > 1 && is_sym(f[1]);
  unsigned from = named ? 2 : 1;
  if (n <= from) return syntax(a, "fn* needs at least one arity", "");
  FnCode *code = mem_alloc(sizeof *code + (n - from) * sizeof(FnArity));
  code->unit = a->unit;
  code->narities = (uint16_t)(n - from);
  memset(code->fixed, -1, sizeof code->fixed);
  fn_name(a, code, named ? f[1] : NIL);
  code->self = named ? f[1] : NIL;
  uint32_t line = a->line, col = a->col;
  Node *x = node_new(a, NK_FN, 64);
  code->id = x->id;
  FnCtx ctx = {.up = a->fn, .fn_id = x->id}, *outer = a->fn;
  a->fn = &ctx;
  if (named) local_push(a, f[1], 0);
  bool ok = fn_arities(a, code, f, from, n);
  a->fn = outer;
  a->line = line;
  a->col = col;
  if (!ok) return NULL;
  if (ctx.cap_syms.n > 64) { /* more captures than the node was made for: the same node, larger */
    Node *big = mem_alloc(sizeof(Node) + ctx.cap_syms.n * sizeof(Node *));
    *big = *x;
    x = big;
    a->nodes[x->id] = big;
  }
  code->may_step = ctx.may_step;
  if (ctx.may_step) outer->may_step = true;
  code->ncaps = x->nk = (uint16_t)ctx.cap_syms.n;
  for (unsigned i = 0; i < x->nk; i++) x->kid[i] = local_node(a, ctx.cap_syms.a[i]);
  x->p = code;
  return done(x);
}

static Node *an_letfn(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form;
  ValVec b = {0};
  if (n < 2 || !forms(a, f[1], &b)) return syntax(a, "Bad binding form of letfn*", "");
  unsigned pairs = (unsigned)b.n / 2;
  FnCtx *fn = a->fn;
  uint32_t depth = fn->depth;
  size_t nlocals = fn->nlocals;
  Node *x = node_new(a, NK_LETFN, pairs + 1);
  x->val = f[1];
  for (unsigned i = 0; i < pairs; i++) local_push(a, b.a[2 * i], depth + i);
  fn->depth += pairs;
  reserve(a, 1);
  for (unsigned i = 0; i < pairs; i++)
    if (!kid(a, x, i, b.a[2 * i + 1], false)) return NULL;
  x->kid[pairs] = an_body(a, f + 2, n - 2, tail);
  fn->depth = depth;
  fn->nlocals = nlocals;
  return x->kid[pairs] ? done(x) : NULL;
}

static Node *already_refers(An *a, Val name, Val var) {
  Buf b = {0};
  print_to(&b, var, &print_plain);
  ex_throw_kind(EXC_STATE, KIND_SYNTAX, "%s already refers to: %s in namespace: %s", str_s(AS(Sym, name)->name), buf_cstr(&b),
                str_s(AS(Sym, AS(Ns, a->env->cur_ns)->name)->name));
  buf_free(&b);
  return fail(a);
}

/* With :line, :column and :file, as the JVM's compiler adds them; not for the library, which would keep them for ever. */
static Val def_meta(An *a, Val form, Val meta) {
  int line, col;
  if (a->unit->core_unit || !form_pos(form, &line, &col)) return meta;
  Val m = is_map(meta) ? meta : map_empty;
  m = map_assoc(map_assoc(m, kw_c("line"), fix(line)), kw_c("column"), fix(col));
  return map_assoc(m, kw_c("file"), str_c(a->unit->file ? a->unit->file : "NO_SOURCE_PATH"));
}

static Node *an_def(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  if (n < 2 || !is_sym(f[1])) return syntax(a, "First argument to def must be a Symbol", "");
  if (n > 3) return syntax(a, "Too many arguments to def", "");
  Val ns = AS(Ns, a->env->cur_ns)->name;
  if (!is_nil(AS(Sym, f[1])->ns) && !str_eq_c(AS(Sym, f[1])->ns, str_s(AS(Sym, ns)->name)))
    return syntax(a, "Can't refer to qualified var that doesn't exist", "");
  Val name = sym_of(NIL, AS(Sym, f[1])->name), old = map_get(AS(Ns, a->env->cur_ns)->vars, name, NIL);
  if (is_type(old, T_VAR) && !var_is_own(old, ns) && !var_yields(old)) return already_refers(a, name, old);
  Val var = env_intern(a->env, ns, name);
  var_declare(var, def_meta(a, form, meta_of(f[1])));
  if (AS(Var, var)->h.flags & VAR_RUN) a->unit->shared = false;
  Node *x = node_new(a, NK_DEF, n == 3);
  x->val = var;
  reserve(a, 1);
  if (n == 3 && !kid(a, x, 0, f[2], false)) return NULL;
  return done(x);
}

static Node *an_set(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  if (n != 3 || !is_sym(f[1])) return syntax(a, "Invalid assignment target", "");
  Val var = env_resolve(a->env, f[1]);
  if (is_sig(var)) return fail(a);
  if (is_nil(var) || is_local(a->fn, f[1])) return syntax(a, "Invalid assignment target", "");
  Node *x = node_new(a, NK_SET, 1);
  x->val = var;
  reserve(a, 1);
  return kid(a, x, 0, f[2], false) ? done(x) : NULL;
}

static Node *unresolved_var(An *a, Val sym) {
  Buf b = {0};
  sym_text(sym, &b);
  ex_throw_kind(EXC_RUNTIME, KIND_UNRESOLVED, "Unable to resolve var: %s in this context", buf_cstr(&b));
  buf_free(&b);
  return fail(a);
}

static Node *an_var(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  if (n != 2 || !is_sym(f[1])) return syntax(a, "Unable to resolve var in this context", "");
  Val var = env_resolve(a->env, f[1]);
  if (is_sig(var)) return fail(a);
  if (is_nil(var)) return unresolved_var(a, f[1]);
  if (AS(Var, var)->h.flags & VAR_RUN) a->unit->shared = false;
  return const_node(a, var);
}

static Node *an_throw(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  if (n != 2) return syntax(a, "Wrong number of arguments to throw", "");
  Node *x = node_new(a, NK_THROW, 1);
  reserve(a, 1);
  return kid(a, x, 0, f[1], false) ? done(x) : NULL;
}

static bool clause_is(Val form, const char *head) {
  return (is_type(form, T_LIST) || is_type(form, T_CONS)) && sym_is(seq_first(form), head);
}

static int catch_class(An *a, Val sym) {
  if (!is_sym(sym)) { syntax(a, "Bad catch class", ""); return -2; }
  const char *s = str_s(AS(Sym, sym)->name);
  if (!strcmp(s, "Object")) return -1;
  int c = exc_by_name(s);
  if (c < 0 && class_of_symbol(sym).w == 0) {
    ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "Unable to resolve classname: %s", s);
    fail(a);
    return -2;
  }
  return c < 0 ? EXC_COUNT : c; /* a known class that no exception has: never matches */
}

static bool an_catch(An *a, Node *x, unsigned i, CatchTable *t, Val clause, uint32_t depth) {
  ValVec c = {0};
  if (!forms(a, clause, &c)) return false;
  if (c.n < 3 || !is_sym(c.a[2])) {
    ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "Bad binding form, expected symbol, got: null");
    fail(a);
    return false;
  }
  int cls = catch_class(a, c.a[1]);
  if (cls == -2) return false;
  t->cls[i] = (int16_t)cls;
  size_t nlocals = a->fn->nlocals;
  local_push(a, c.a[2], depth + 1);
  t->name[i] = c.a[2];
  x->kid[1 + i] = an_body(a, c.a + 3, (unsigned)c.n - 3, false);
  a->fn->nlocals = nlocals;
  return x->kid[1 + i] != NULL;
}

static Node *an_try(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  unsigned body = 1;
  while (body < n && !clause_is(f[body], "catch") && !clause_is(f[body], "finally")) body++;
  unsigned ncatch = 0;
  while (body + ncatch < n && clause_is(f[body + ncatch], "catch")) ncatch++;
  bool fin = body + ncatch < n && clause_is(f[body + ncatch], "finally");
  if (body + ncatch + fin != n) return syntax(a, "Only catch or finally clause can follow catch in try expression", "");
  if (!ncatch && !fin) { /* plain body, but no recur may cross it */
    RecurTarget none = {0}, *outer = a->recur;
    a->recur = &none;
    Node *b = an_body(a, f + 1, body - 1, false);
    a->recur = outer;
    return b;
  }
  CatchTable *t = mem_alloc(sizeof *t + ncatch * sizeof t->cls[0]);
  t->n = ncatch;
  t->name = mem_alloc((ncatch + 1) * sizeof *t->name);
  t->has_finally = fin;
  Node *x = node_new(a, NK_TRY, 1 + ncatch + fin);
  x->p = t;
  uint32_t depth = a->fn->depth;
  RecurTarget none = {0}, *outer = a->recur;
  a->recur = &none;
  a->fn->depth += 2;
  reserve(a, 1);
  x->kid[0] = an_body(a, f + 1, body - 1, false);
  bool ok = x->kid[0] != NULL;
  for (unsigned i = 0; ok && i < ncatch; i++) ok = an_catch(a, x, i, t, f[body + i], depth);
  if (ok && fin) {
    ValVec c = {0};
    ok = forms(a, f[n - 1], &c);
    if (ok) x->kid[1 + ncatch] = an_body(a, c.a + 1, (unsigned)c.n - 1, false);
    ok = ok && x->kid[1 + ncatch];
  }
  a->recur = outer;
  a->fn->depth = depth;
  return ok ? done(x) : NULL;
}

static Node *an_case(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form;
  if (n < 3 || (n - 3) % 2) return syntax(a, "Bad case* form", "");
  unsigned bodies = (n - 3) / 2;
  Node *x = node_new(a, NK_CASE, 2 + bodies);
  reserve(a, 4);
  Val table = hmap_empty;
  for (unsigned i = 0; i < bodies; i++) {
    ValVec cs = {0};
    if (!forms(a, f[3 + 2 * i], &cs)) return NULL;
    for (size_t j = 0; j < cs.n; j++) {
      table = map_assoc(table, cs.a[j], fix(2 + i));
      if (is_sig(table)) return fail(a);
    }
  }
  x->val = table;
  if (!kid(a, x, 0, f[1], false) || !kid(a, x, 1, f[2], tail)) return NULL;
  for (unsigned i = 0; i < bodies; i++)
    if (!kid(a, x, 2 + i, f[4 + 2 * i], tail)) return NULL;
  return done(x);
}

static Node *an_binding(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  ValVec b = {0};
  if (n < 2 || !forms(a, f[1], &b) || b.n % 2) return syntax(a, "Bad binding form of binding*", "");
  unsigned pairs = (unsigned)b.n / 2;
  Node *x = node_new(a, NK_BINDING, pairs + 1);
  ValVec vars = {0}, vals = {0};
  for (unsigned i = 0; i < pairs; i++) {
    Val var = is_sym(b.a[2 * i]) ? env_resolve(a->env, b.a[2 * i]) : NIL;
    if (is_sig(var)) return fail(a);
    if (is_nil(var)) return is_sym(b.a[2 * i]) ? unresolved_var(a, b.a[2 * i]) : syntax(a, "binding needs symbols", "");
    if (AS(Var, var)->h.flags & VAR_RUN) a->unit->shared = false;
    vv_push(&vars, var);
    vv_push(&vals, b.a[2 * i + 1]);
  }
  x->val = vec_from(vars.a, vars.n);
  RecurTarget none = {0}, *outer = a->recur;
  a->recur = &none;
  bool ok = kids_in_temps(a, x, vals.a, pairs, 1, 0);
  a->fn->depth += 1;
  reserve(a, 1);
  if (ok) x->kid[pairs] = an_body(a, f + 2, n - 2, false);
  a->fn->depth -= 1;
  a->recur = outer;
  return ok && x->kid[pairs] ? done(x) : NULL;
}

static Node *an_new(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)tail;
  if (n < 2 || !is_sym(f[1])) return syntax(a, "wrong number of arguments, expecting at least 1 to new", "");
  Buf b = {0};
  const char *s = str_s(AS(Sym, f[1])->name);
  const char *dot = strrchr(s, '.');
  buf_fmt(&b, "%s.", dot ? dot + 1 : s);
  const Builtin *c = builtin_find(buf_cstr(&b));
  buf_free(&b);
  if (!c) {
    Val made = env_resolve(a->env, sym_of(str_c("breyta.new"), str_c(dot ? dot + 1 : s))); /* constructors of the prelude */
    if (is_sig(made)) return fail(a);
    if (is_type(made, T_VAR)) return call_const(a, AS(Var, made)->root, f + 2, n - 2);
  }
  if (c) return call_const(a, c->self, f + 2, n - 2);
  Val type = env_type_var(a->env, f[1]);
  if (!is_nil(type)) return call_named(a, "breyta.type/new*", f + 1, n - 1);
  ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "Unable to resolve classname: %s", s);
  return fail(a);
}

static Node *an_misplaced(An *a, Val form, const Val *f, unsigned n, bool tail) {
  (void)form; (void)n; (void)tail;
  return unresolved(a, f[0]);
}

static const struct { const char *name; SpecialFn fn; } specials[] = {
    {"quote", an_quote}, {"if", an_if}, {"do", an_do}, {"let*", an_let}, {"loop*", an_loop}, {"recur", an_recur},
    {"fn*", an_fn}, {"letfn*", an_letfn}, {"def", an_def}, {"set!", an_set}, {"var", an_var}, {"throw", an_throw},
    {"try", an_try}, {"case*", an_case}, {"binding*", an_binding}, {"new", an_new},
    {"catch", an_misplaced}, {"finally", an_misplaced}};

/* --- calls -------------------------------------------------------------------------------------------------------------- */
static void note_callee(An *a, const Node *callee) {
  if (callee->kind != NK_CONST) { a->fn->may_step = true; return; }
  if (is_type(callee->val, T_BUILTIN)) {
    const Builtin *b = AS(BuiltinObj, callee->val)->def;
    if (b->native || (b->flags & B_STEP)) a->fn->may_step = true;
  } else if (is_type(callee->val, T_FN)) {
    if (AS(Fn, callee->val)->code->may_step) a->fn->may_step = true;
  } else if (is_type(callee->val, T_METHOD) || is_type(callee->val, T_MULTI)) {
    a->fn->may_step = true;
  }
}

/* Functions that Clojure compiles in line whatever the number of arguments: a wrong one is found then, not when the call is made. */
static bool inlined(const char *name) {
  static const char *const names[] = {
      "aclone", "alength", "bit-not", "bit-shift-left", "bit-shift-right", "boolean", "byte", "char", "compare", "count", "dec", "dec'",
      "double", "float", "inc", "inc'", "int", "long", "neg?", "nil?", "num", "pos?", "quot", "rem", "short", "unchecked-add",
      "unchecked-dec", "unchecked-inc", "unchecked-int", "unchecked-long", "unchecked-multiply", "unchecked-negate", "unchecked-subtract",
      "unsigned-bit-shift-right", "zero?"};
  if (strncmp(name, "clojure.core/", 13) != 0) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(names[i], name + 13)) return true;
  return false;
}

static bool inline_arity_ok(An *a, const Node *call) {
  if (!is_type(call->val, T_BUILTIN)) return true;
  const Builtin *b = AS(BuiltinObj, call->val)->def;
  const bool fits[] = {b->f0, b->f1, b->f2, b->f3, b->f4};
  if (b->fv || b->native || (call->nk < 5 && fits[call->nk]) || !inlined(b->name)) return true;
  ex_throw_kind(EXC_ARITY, KIND_SYNTAX, "Wrong number of args (%u) passed to: %s", call->nk, b->name);
  fail(a);
  return false;
}

/* (.name x ...) that no builtin is: a member of an instance, found when it runs. (.-name x) is a field. */
static Val dot_method(An *a, Val head) {
  const char *s = is_sym(head) && is_nil(AS(Sym, head)->ns) ? str_s(AS(Sym, head)->name) : "";
  if (s[0] != '.' || !s[1] || s[1] == '.') return NIL;
  Val var = env_resolve(a->env, head);
  if (!is_nil(var)) return is_sig(var) ? var : NIL;
  bool field = s[1] == '-' && s[2];
  return method_new(NIL, kw_c(s + 1 + field), AS(Sym, head)->name, field ? METHOD_FIELD : 0);
}

/* (Point/create m), (Point/getBasis): what a class that defrecord made can do. */
static Node *type_static(An *a, const Val *f, unsigned n) {
  if (!is_sym(f[0]) || is_nil(AS(Sym, f[0])->ns)) return NULL;
  bool create = n == 2 && str_eq_c(AS(Sym, f[0])->name, "create"), basis = n == 1 && str_eq_c(AS(Sym, f[0])->name, "getBasis");
  Val cls = sym_of(NIL, AS(Sym, f[0])->ns);
  if ((!create && !basis) || is_nil(env_type_var(a->env, cls))) return NULL;
  Val args[2] = {cls, create ? f[1] : NIL};
  return call_named(a, create ? "breyta.type/from-map*" : "breyta.type/basis*", args, n);
}

/* Does the compiler know that this is a primitive double? Then dividing by zero is infinite instead of an error. */
static bool is_double_node(const Node *n) {
  if (n->kind == NK_CONST) return is_flo(n->val) || is_type(n->val, T_DOUBLE);
  if (n->kind != NK_CALLC || !is_type(n->val, T_BUILTIN)) return false;
  static const char *const makers[] = {"clojure.core/double", "clojure.core/float", "breyta.num/divide"};
  static const char *const longs[] = {"Math/abs", "Math/max", "Math/min", "Math/round", "Exact", "exact", "floor-", "floorD", "floorM", "xponent"};
  static const char *const keepers[] = {"clojure.core/+", "clojure.core/-", "clojure.core/*"};
  const char *name = AS(BuiltinObj, n->val)->def->name;
  for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
    if (!strcmp(name, makers[i])) return true;
  bool math = !strncmp(name, "Math/", 5) || !strncmp(name, "clojure.math/", 13);
  for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) math = math && !strstr(name, longs[i]);
  if (math) return strcmp(name, "clojure.math/round") != 0;
  for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++)
    if (!strcmp(name, keepers[i])) return n->nk && (is_double_node(n->kid[0]) || (n->nk > 1 && is_double_node(n->kid[1])));
  return false;
}

static Val typed_callee(Val callee, const Node *x) {
  const Builtin *divide = builtin_find("clojure.core//");
  if (x->nk != 3 || !is_type(callee, T_BUILTIN) || AS(BuiltinObj, callee)->def != divide) return callee;
  return is_double_node(x->kid[1]) || is_double_node(x->kid[2]) ? builtin_find("breyta.num/divide")->self : callee;
}

static Node *an_call(An *a, const Val *f, unsigned n) {
  uint32_t line = a->line, col = a->col;
  Node *x = n == 1 && is_sym(f[0]) ? static_field(a, f[0]) : NULL; /* (System/nanoTime): naming it is calling it */
  if (!x && !a->failed) x = type_static(a, f, n);
  if (x || a->failed) return x;
  Val dot = dot_method(a, f[0]);
  if (is_sig(dot)) return fail(a);
  ValVec with_dot = {0};
  if (!is_nil(dot)) { /* the same nodes as when a later version has it as a builtin */
    vv_push(&with_dot, dot);
    for (unsigned i = 1; i < n; i++) vv_push(&with_dot, f[i]);
    f = with_dot.a;
  }
  x = node_new(a, NK_CALL, n);
  if (!kids_in_temps(a, x, f, n, 0, 0)) return NULL;
  x->line = line;
  x->col = col;
  note_callee(a, x->kid[0]);
  if (x->kid[0]->kind != NK_CONST) return done(x);
  x->kind = NK_CALLC; /* a constant callee is no child: it is stored at once */
  x->val = typed_callee(x->kid[0]->val, x);
  for (unsigned i = 1; i < n; i++) x->kid[i - 1] = x->kid[i];
  x->nk = (uint16_t)(n - 1);
  return inline_arity_ok(a, x) ? done(x) : NULL;
}

static Node *an_list(An *a, Val form, bool tail) {
  ValVec f = {0};
  if (!forms(a, form, &f)) return NULL;
  if (f.n == 0) return const_node(a, form);
  uint32_t line = a->line, col = a->col;
  position_of(a, form);
  Node *x = NULL;
  bool special = false;
  if (is_sym(f.a[0]) && is_nil(AS(Sym, f.a[0])->ns)) /* a local never shadows a special form */
    for (size_t i = 0; i < sizeof specials / sizeof *specials && !special; i++)
      if (sym_is(f.a[0], specials[i].name)) {
        special = true;
        x = specials[i].fn(a, form, f.a, (unsigned)f.n, tail);
      }
  if (!special && is_nil(f.a[0])) {
    Buf b = {0};
    print_to(&b, form, &print_readably);
    ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "Can't call nil, form: %s", buf_cstr(&b));
    buf_free(&b);
    return fail(a);
  }
  if (!special) x = an_call(a, f.a, (unsigned)f.n);
  a->line = line;
  a->col = col;
  return x;
}

static bool all_const(Val coll) { /* data without symbols and calls: a constant */
  if (is_sym(coll)) return false;
  int t = type_of(coll);
  if (t == T_LIST || t == T_CONS || t == T_LAZY || t == T_CHUNK) return false;
  if (t != T_VEC && !is_map(coll) && !is_set(coll)) return true;
  ValVec v = {0};
  if (is_sig(coll_into_array(coll, &v))) return false;
  for (size_t i = 0; i < v.n; i++) {
    if (is_entry(v.a[i])) {
      if (!all_const(AS(Entry, v.a[i])->k) || !all_const(AS(Entry, v.a[i])->v)) return false;
    } else if (!all_const(v.a[i])) {
      return false;
    }
  }
  return true;
}

static Node *an_coll(An *a, Val form) {
  if (all_const(form)) return const_node(a, form);
  ValVec v = {0}, flat = {0};
  if (!forms(a, form, &v)) return NULL;
  if (is_map(form)) {
    for (size_t i = 0; i < v.n; i++) {
      vv_push(&flat, AS(Entry, v.a[i])->k);
      vv_push(&flat, AS(Entry, v.a[i])->v);
    }
    return call_named(a, "clojure.core/map-literal*", flat.a, (unsigned)flat.n);
  }
  return call_named(a, is_set(form) ? "clojure.core/set-literal*" : "clojure.core/vector", v.a, (unsigned)v.n);
}

#define MAX_FORM_DEPTH 800
static Node *an_form(An *a, Val form, bool tail) {
  if (a->failed) return NULL;
  if (++a->depth > MAX_FORM_DEPTH) {
    ex_throw_kind(EXC_STACK, KIND_STACK, "form is nested more than %d deep", MAX_FORM_DEPTH);
    return fail(a);
  }
  Node *n;
  int t = type_of(form);
  reserve(a, 1);
  if (t == T_SYM) n = an_symbol(a, form);
  else if (t == T_LIST || t == T_CONS || t == T_LAZY || t == T_CHUNK || t == T_VSEQ) n = an_list(a, form, tail);
  else if (t == T_VEC || t == T_ENTRY || is_map(form) || is_set(form)) n = an_coll(a, form);
  else n = const_node(a, form);
  a->depth--;
  return n;
}

Unit *analyze(Env *env, Val core, const char *file) {
  UnitHash h;
  unit_hash(core, file, env->cur_ns, &h);
  /* Where the namespace has vars of its own they may shadow core names: the same form can mean something else. */
  bool common = env_is_core(env) || map_count(AS(Ns, env->cur_ns)->vars) == 0;
  Unit *known = common ? unit_find(&h) : NULL;
  if (known) return known;
  Unit *u = mem_alloc(sizeof *u);
  *u = (Unit){.hash = h, .core = core, .file = file_intern(file), .shared = common, .core_unit = env_is_core(env), .ns = AS(Ns, env->cur_ns)->name};
  FnCode *code = mem_alloc(sizeof *code + sizeof(FnArity));
  code->unit = u;
  code->narities = 1;
  memset(code->fixed, -1, sizeof code->fixed);
  code->fixed[0] = 0;
  An a = {.env = env, .unit = u, .line = 1, .col = 1};
  FnCtx ctx = {.fn_id = UINT32_MAX, .depth = 1, .max_depth = 1};
  a.fn = &ctx;
  fn_name(&a, code, sym_c("eval"));
  code->id = UINT32_MAX;
  u->top = an_form(&a, core, false);
  if (!u->top) return NULL;
  code->ar[0] = (FnArity){.nslots = ctx.max_depth + 2, .body = u->top};
  code->may_step = ctx.may_step;
  u->fn = code;
  u->by_id = a.nodes;
  u->nnodes = a.nnodes;
  if (u->shared) unit_register(u);
  return u;
}

const Node *unit_node(const Unit *u, uint32_t id) { return id < u->nnodes ? u->by_id[id] : NULL; }
