/* mach.c - the loop. Three states: EVAL a node in an activation, RETURN a value to the frame on top, THROW. The C stack
 * depth does not depend on the program; see mach.h for the layout. */
#include "mach.h"
#include "dispatch.h"
#include "reader/print.h"

_Thread_local Mach *mach_cur;

/* The frame that does what a C function demanded (pend.demand): a lazy seq is realised, a method of the program called. */
static Go demand_frame(Mach *m, Regs *r, uint32_t top, uint64_t cells) {
  slots_need(m, top + 8);
  Val *s = m->slots + top;
  s[0] = NIL;
  s[1] = pend.demand;
  s[2] = demand_is_call() ? NIL : fix((int64_t)cells);
  s[3] = bool_val(pend.demand_deep);
  s[4] = s[5] = NIL;
  frame_push(m, demand_is_call() ? &nd_answer : &nd_realize, top, 0, FR_NATIVE);
  if (!demand_is_call()) pend.answers = NIL; /* asked for again: what is realised meanwhile must not see them */
  pend.demand = NIL;
  r->v = NIL;
  return GO_NATIVE;
}

/* A call's C function met an unrealised lazy seq: realise, then make the call again. `flags` counts its demands. */
static Go demand_for(Mach *m, Regs *r, uint32_t base, int argc, uint16_t demands) {
  frame_push(m, &nd_apply, base, (uint16_t)argc, apply_flags(argc, demands < 31 ? demands + 1 : 31));
  return demand_frame(m, r, base + 1 + (uint32_t)argc, pend.demand_n ? pend.demand_n : 1ull << demands);
}

static Go stop_here(Mach *m, const Node *n, uint32_t base) {
  frame_push(m, n, base, PC_EVAL, 0);
  return GO_STOP;
}

static Go enter_arity(Mach *m, Regs *r, const FnArity *ar, uint32_t base) {
  slots_need(m, base + ar->nslots);
  m->live = base + ar->nslots;
  r->n = ar->body;
  r->base = base;
  r->direct = true;
  if (__builtin_expect(--m->fuel <= 0, 0)) return stop_here(m, ar->body, base);
  return GO_EVAL;
}

static Val arity_error(const FnCode *c, int argc) { return ex_arity(argc, str_s(c->name)); }

static Go call_fn(Mach *m, Regs *r, const FnCode *c, uint32_t base, int argc) {
  if (__builtin_expect(m->nframes > m->max_frames, 0)) {
    ex_throw(EXC_STACK, "calls are nested more than %u deep", m->max_frames);
    return GO_THROW;
  }
  if (argc < 8 && c->fixed[argc] >= 0) return enter_arity(m, r, &c->ar[c->fixed[argc]], base);
  for (unsigned i = 0; i < c->narities && argc >= 8; i++)
    if (!c->ar[i].variadic && c->ar[i].nparams == argc) return enter_arity(m, r, &c->ar[i], base);
  const FnArity *va = c->var_arity ? &c->ar[c->var_arity - 1] : NULL;
  if (!va || argc < va->nparams) {
    arity_error(c, argc);
    return GO_THROW;
  }
  Val *args = m->slots + base + 1;
  Val rest = argc > va->nparams ? list_from(args + va->nparams, (size_t)(argc - va->nparams)) : NIL;
  slots_need(m, base + va->nslots);
  m->slots[base + 1 + va->nparams] = rest;
  return enter_arity(m, r, va, base);
}

static Go native_enter(Mach *m, Regs *r, const NativeDef *d, uint32_t base, int argc) {
  if (argc < d->min || (!d->variadic && argc > d->fixed)) {
    ex_arity(argc, d->name);
    return GO_THROW;
  }
  if (m->nframes > m->max_frames) {
    ex_throw(EXC_STACK, "calls are nested more than %u deep", m->max_frames);
    return GO_THROW;
  }
  slots_need(m, base + native_slots(d) + 8);
  Val *s = m->slots + base + 1;
  uint32_t k = d->fixed;
  if (d->variadic) {
    Val rest = argc > d->fixed ? arr_new(s + d->fixed, (uint32_t)(argc - d->fixed)) : NIL;
    s[k++] = rest;
  }
  for (int i = argc; i < d->fixed; i++) s[i] = ABSENT;
  for (unsigned i = 0; i < d->nstate; i++) s[k + i] = NIL;
  m->live = base + native_slots(d) + 8;
  m->fuel--;
  frame_push(m, d, base, 0, FR_NATIVE);
  r->v = NIL;
  return GO_NATIVE;
}

static Go builtin_enter(Mach *m, Regs *r, const Builtin *b, uint32_t base, int argc, uint16_t demands) {
  if (b->native) return native_enter(m, r, b->native, base, argc);
  if (b->macro) {
    ex_throw_kind(EXC_RUNTIME, KIND_SYNTAX, "Can't take value of a macro: #'%s", b->name);
    return GO_THROW;
  }
  m->fuel--;
  Val v = builtin_call(b, argc, m->slots + base + 1);
  if (!same(v, SIG_DEMAND)) pend.answers = NIL;
  if (is_sig(v)) return same(v, SIG_DEMAND) ? demand_for(m, r, base, argc, demands) : GO_THROW;
  if (b->flags & B_NONDET && m->nondet) {
    v = m->nondet(m, v);
    if (is_sig(v)) return GO_THROW;
  }
  r->v = v;
  return GO_RET;
}

static Val key_must_be_integer(void) { return ex_throw(EXC_ILLEGAL_ARG, "Key must be integer"); }

static Val nested_arity(int argc, Val f) { /* a nested class is named Outer/Inner */
  Buf b = {0};
  for (const char *c = class_name_of(f); *c; c++) buf_ch(&b, *c == '$' ? '/' : *c);
  Val v = ex_arity(argc, buf_cstr(&b));
  buf_free(&b);
  return v;
}

/* Data as functions: keywords, symbols, maps, sets, vectors. */
static Val call_data(Val f, int argc, const Val *a) {
  int t = type_of(f);
  switch (t) {
  case T_KW:
  case T_SYM:
    if (argc < 1 || argc > 2) {
      Buf b = {0};
      CHECK(print_to(&b, f, &print_readably));
      Val r = t == T_KW && argc == 0
                  ? ex_throw(EXC_ARITY, "Wrong number of args (%d) passed to: %s", argc, buf_cstr(&b))
                  : t == T_KW ? ex_throw_kind(EXC_ARITY, KIND_ARITY, "Wrong number of args (%d) passed to: %s", argc, buf_cstr(&b))
                              : ex_arity(argc, "clojure.lang.Symbol");
      buf_free(&b);
      return r;
    }
    return coll_get(a[0], f, argc == 2 ? a[1] : NIL);
  case T_AMAP: case T_HMAP: case T_SMAP:
    if (argc < 1 || argc > 2) return ex_arity(argc, class_name_of(f));
    return map_get(f, a[0], argc == 2 ? a[1] : NIL);
  case T_SET: case T_SSET:
    if (argc != 1) return ex_arity(argc, class_name_of(f));
    return set_get(f, a[0], NIL);
  case T_VEC: case T_ENTRY: {
    if (argc != 1) return ex_arity(argc, class_name_of(f));
    if (!is_integer(a[0])) return key_must_be_integer();
    return coll_nth(f, num_java_int(a[0]), ABSENT);
  }
  case T_TVEC:
    if (argc != 1) return nested_arity(argc, f);
    if (!is_integer(a[0])) return key_must_be_integer();
    return coll_nth(f, num_java_int(a[0]), ABSENT);
  case T_TMAP:
  case T_TSET:
    if (argc < 1 || argc > 2) return nested_arity(argc, f);
    return coll_get(f, a[0], argc == 2 ? a[1] : NIL);
  default:
    if (is_nil(f)) return ex_throw(EXC_NULL, "Cannot call nil as a function");
    if (same(f, UNBOUND)) return ex_throw(EXC_STATE, "Attempting to call unbound fn");
    return ex_cast(f, "clojure.lang.IFn");
  }
}

/* What is called may stand for another function (a var, a method, a type's invoke), which may stand for another: a ring of
 * them is an endless recursion without frames. */
enum { APPLY_RING = 1000 };
static Go apply(Mach *m, Regs *r, uint16_t demands) {
  uint32_t base = r->base;
  for (int turns = 0;; turns++) {
    Val f = m->slots[base];
    if (turns == APPLY_RING) {
      ex_throw(EXC_STACK, "a function that stands for itself");
      return GO_THROW;
    }
    switch (type_of(f)) {
    case T_FN: return call_fn(m, r, AS(Fn, f)->code, base, r->argc);
    case T_BUILTIN: {
      const Builtin *b = AS(BuiltinObj, f)->def;
      Dispatch d;
      if (!(b->flags & B_DOT) || !dispatch_dot(m, base, r->argc, b, &d, &r->v)) return builtin_enter(m, r, b, base, r->argc, demands);
      if (d == DISPATCH_VALUE) return GO_RET;
      continue;
    }
    case T_METHOD: case T_MULTI: case T_INSTANCE: case T_RECORD: {
      const NativeDef *native;
      switch (dispatch(m, base, &r->argc, &r->v, &native)) {
      case DISPATCH_CALL: continue;
      case DISPATCH_VALUE: return GO_RET;
      case DISPATCH_NATIVE: return native_enter(m, r, native, base, r->argc);
      default: return same(r->v, SIG_DEMAND) ? demand_for(m, r, base, r->argc, demands) : GO_THROW;
      }
    }
    case T_VAR: {
      Val root = var_get(f);
      if (is_sig(root)) return GO_THROW;
      m->slots[base] = root;
      continue;
    }
    default: {
      Val v = call_data(f, r->argc, m->slots + base + 1);
      if (!same(v, SIG_DEMAND)) pend.answers = NIL;
      if (is_sig(v)) return same(v, SIG_DEMAND) ? demand_for(m, r, base, r->argc, demands) : GO_THROW;
      r->v = v;
      return GO_RET;
    }
    }
  }
}

/* --- evaluating nodes --------------------------------------------------------------------------------------------------- */
/* Evaluate kid directly if it can be: true, value in *v. false: *go says what next (GO_EVAL of the kid, frame pushed with
 * `pc` to come back to, or GO_THROW). */
static inline bool kid_now(Mach *m, Regs *r, const Node *n, unsigned i, uint16_t pc, Val *v, Go *go) {
  const Node *k = n->kid[i];
  bool direct = true;
  if (k->ev) {
    *v = k->ev(k, m->slots + r->base);
    if (!is_sig(*v)) return true;
    if (!same(*v, SIG_DEMAND)) {
      frame_push(m, n, r->base, pc, 0); /* so that the trace knows where */
      *go = GO_THROW;
      return false;
    }
    direct = false;
  }
  frame_push(m, n, r->base, pc, 0);
  r->n = k;
  r->direct = direct;
  *go = GO_EVAL;
  return false;
}

static Go eval_call(Mach *m, Regs *r, const Node *n, unsigned from) {
  bool konst = n->kind == NK_CALLC;
  uint32_t at = r->base + n->depth + (konst ? 1 : 0);
  if (konst) m->slots[at - 1] = n->val;
  Go go;
  Val v;
  for (unsigned i = from; i < n->nk; i++) {
    if (!kid_now(m, r, n, i, (uint16_t)(i + 1), &v, &go)) return go;
    m->slots[at + i] = v;
  }
  frame_push(m, n, r->base, PC_RET, 0);
  r->base += n->depth;
  r->argc = konst ? n->nk : n->nk - 1;
  return apply(m, r, 0);
}

static Go eval_do(Mach *m, Regs *r, const Node *n, unsigned from) {
  Go go;
  Val v;
  for (unsigned i = from; i + 1u < n->nk; i++)
    if (!kid_now(m, r, n, i, (uint16_t)(i + 1), &v, &go)) return go;
  r->n = n->kid[n->nk - 1];
  r->direct = true;
  return GO_EVAL;
}

static Go eval_let(Mach *m, Regs *r, const Node *n, unsigned from) {
  Go go;
  Val v;
  unsigned last = n->nk - 1u;
  for (unsigned i = from; i < last; i++) {
    if (!kid_now(m, r, n, i, (uint16_t)(i + 1), &v, &go)) return go;
    m->slots[r->base + n->depth + i] = v;
  }
  r->n = n->kid[last];
  r->direct = true;
  return GO_EVAL;
}

static Go eval_recur(Mach *m, Regs *r, const Node *n, unsigned from) {
  Go go;
  Val v;
  uint32_t temps = r->base + n->depth;
  for (unsigned i = from; i < n->nk; i++) {
    if (!kid_now(m, r, n, i, (uint16_t)(i + 1), &v, &go)) return go;
    m->slots[temps + i] = v;
  }
  Val *to = m->slots + r->base + n->slot, *src = m->slots + temps;
  for (unsigned i = 0; i < n->nk; i++) to[i] = src[i];
  const Node *body = *(Node *const *)n->p;
  r->n = body;
  r->direct = true;
  if (__builtin_expect(--m->fuel <= 0, 0)) return stop_here(m, body, r->base);
  return GO_EVAL;
}

static Go eval_letfn(Mach *m, Regs *r, const Node *n) {
  unsigned fns = n->nk - 1u;
  Val *s = m->slots + r->base + n->depth;
  for (unsigned i = 0; i < fns; i++) s[i] = NIL;
  for (unsigned i = 0; i < fns; i++) {
    const Node *k = n->kid[i];
    s[i] = k->ev(k, m->slots + r->base);
  }
  for (unsigned i = 0; i < fns; i++) { /* closures that capture one another: fill in what did not exist yet */
    const Node *k = n->kid[i];
    for (unsigned c = 0; c < k->nk; c++)
      if (k->kid[c]->kind == NK_LOCAL) AS(Fn, s[i])->cap[c] = m->slots[r->base + k->kid[c]->slot];
  }
  r->n = n->kid[fns];
  r->direct = true;
  return GO_EVAL;
}

static Go ret_val(Regs *r, Val v) {
  r->v = v;
  return GO_RET;
}

static Go finish_set(Mach *m, Regs *r, const Node *n, Val v) {
  Val cell = is_nil(m->bindings) ? ABSENT : map_get(m->bindings, n->val, ABSENT);
  if (same(cell, ABSENT)) {
    Buf b = {0};
    print_to(&b, n->val, &print_plain);
    const char *name = buf_cstr(&b);
    const char *slash = strchr(name, '/');
    ex_throw(EXC_STATE, "Can't change/establish root binding of: %s with set", slash && slash[1] ? slash + 1 : name);
    buf_free(&b);
    return GO_THROW;
  }
  AS(Box, cell)->val = v;
  return ret_val(r, v);
}

static bool will_be_caught(const Mach *m, Val ex);

/* The trace begins at the throw itself: no frame says where that is, as its argument was evaluated directly. */
static void trace_throw(Mach *m, const Regs *r, const Node *n) {
  if (!is_type(pend.ex, T_EX) || !is_nil(AS(Ex, pend.ex)->trace) || will_be_caught(m, pend.ex)) return;
  frame_push(m, n, r->base, PC_EVAL, 0);
  exception_trace(m);
  m->nframes--;
}

static Go finish_throw(Mach *m, const Regs *r, const Node *n, Val v) {
  if (is_nil(v)) ex_throw(EXC_NULL, "Cannot throw exception because \"null\" is null");
  else if (!is_type(v, T_EX)) ex_cast(v, "java.lang.Throwable");
  else ex_throw_val(v);
  trace_throw(m, r, n);
  return GO_THROW;
}

static Go choose_case(Regs *r, const Node *n, Val ix) {
  uint64_t i = is_fix(ix) ? (uint64_t)fix_of(ix) : 1;
  r->n = n->kid[i < n->nk ? i : 1];
  r->direct = true;
  return GO_EVAL;
}

/* What needs to be realised, or a method of the program, to be looked up, is looked up by a call: (get table x). */
static Go finish_case(Mach *m, Regs *r, const Node *n, Val x) {
  Val ix = map_get(n->val, x, NIL);
  if (!is_sig(ix)) return choose_case(r, n, ix);
  if (!same(ix, SIG_DEMAND)) return GO_THROW;
  uint32_t at = r->base + n->depth;
  m->slots[at] = builtin_find("clojure.core/get")->self;
  m->slots[at + 1] = n->val;
  m->slots[at + 2] = x;
  frame_push(m, n, r->base, 2, 0);
  r->base = at;
  r->argc = 2;
  return apply(m, r, 0);
}

static Go eval_binding(Mach *m, Regs *r, const Node *n, unsigned from) {
  Go go;
  Val v;
  unsigned last = n->nk - 1u;
  uint32_t at = r->base + n->depth;
  if (from == 0) m->slots[at] = m->bindings;
  for (unsigned i = from; i < last; i++) {
    if (!kid_now(m, r, n, i, (uint16_t)(i + 1), &v, &go)) return go;
    m->slots[at + 1 + i] = v;
  }
  Val b = is_nil(m->bindings) ? hmap_empty : m->bindings;
  for (unsigned i = 0; i < last; i++) {
    Val var = vec_nth(n->val, i);
    if (!(AS(Var, var)->h.flags & VAR_DYNAMIC)) {
      Val name = pr_str(var_name_sym(var));
      ex_throw(EXC_STATE, "Can't dynamically bind non-dynamic var: %s", str_s(name));
      return GO_THROW;
    }
    Box *cell = mem_obj(T_VOLATILE);
    cell->serial = m->env->serial++;
    cell->val = m->slots[at + 1 + i];
    b = map_assoc(b, var, from_obj(cell));
  }
  m->bindings = b;
  frame_push(m, n, r->base, PC_BOUND, 0);
  r->n = n->kid[last];
  r->direct = true;
  return GO_EVAL;
}

static Go eval_try(Mach *m, Regs *r, const Node *n) {
  m->slots[r->base + n->depth] = NIL;
  m->slots[r->base + n->depth + 1] = NIL;
  frame_push(m, n, r->base, PC_TRY_BODY, 0);
  r->n = n->kid[0];
  r->direct = true;
  return GO_EVAL;
}

static Go eval_def(Regs *r, const Node *n, Val v) {
  Var *var = AS(Var, n->val);
  var->root = v;
  return ret_val(r, n->val);
}

static Go one_kid(Mach *m, Regs *r, const Node *n, Val *v) {
  Go go = GO_RET;
  return kid_now(m, r, n, 0, 1, v, &go) ? GO_RET : go;
}

static Go kid_value(Mach *m, Regs *r, const Node *n, Val v) { /* the only evaluated kid of these kinds */
  switch (n->kind) {
  case NK_IF:
    r->n = n->kid[truthy(v) ? 1 : 2];
    r->direct = true;
    return GO_EVAL;
  case NK_SET: return finish_set(m, r, n, v);
  case NK_THROW: return finish_throw(m, r, n, v);
  case NK_CASE: return finish_case(m, r, n, v);
  default: return eval_def(r, n, v);
  }
}

static Go eval_node(Mach *m, Regs *r) {
  const Node *n = r->n;
  switch ((enum NodeKind)n->kind) {
  case NK_CALL:
  case NK_CALLC: return eval_call(m, r, n, 0);
  case NK_IF:
  case NK_SET:
  case NK_THROW:
  case NK_CASE: {
    Val v;
    Go go = one_kid(m, r, n, &v);
    return go == GO_RET ? kid_value(m, r, n, v) : go;
  }
  case NK_DEF: {
    if (n->nk == 0) return ret_val(r, n->val);
    Val v;
    Go go = one_kid(m, r, n, &v);
    return go == GO_RET ? eval_def(r, n, v) : go;
  }
  case NK_LET:
  case NK_LOOP: return eval_let(m, r, n, 0);
  case NK_DO: return eval_do(m, r, n, 0);
  case NK_RECUR: return eval_recur(m, r, n, 0);
  case NK_LETFN: return eval_letfn(m, r, n);
  case NK_TRY: return eval_try(m, r, n);
  case NK_BINDING: return eval_binding(m, r, n, 0);
  default: return ret_val(r, n->ev(n, m->slots + r->base)); /* leaves are always simple and cannot demand */
  }
}

/* --- returning ---------------------------------------------------------------------------------------------------------- */
static Go try_returned(Mach *m, Regs *r, Frame *f, const Node *n) {
  const CatchTable *t = n->p;
  Val *saved = m->slots + f->base + n->depth;
  if (f->pc == PC_TRY_RETHROW) {
    Val ex = *saved;
    m->nframes--;
    ex_throw_val(ex);
    return GO_THROW;
  }
  if (f->pc == PC_TRY_FINALLY || !t->has_finally) {
    if (f->pc == PC_TRY_FINALLY) r->v = *saved;
    m->nframes--;
    return GO_RET;
  }
  *saved = r->v;
  f->pc = PC_TRY_FINALLY;
  r->base = f->base;
  r->n = n->kid[n->nk - 1];
  r->direct = true;
  return GO_EVAL;
}

static Go node_returned(Mach *m, Regs *r, Frame *f) {
  const Node *n = f->code;
  uint16_t pc = f->pc;
  if (n->kind == NK_TRY) return try_returned(m, r, f, n);
  r->base = f->base;
  m->nframes--;
  if (pc == PC_BOUND) {
    m->bindings = m->slots[r->base + n->depth];
    return GO_RET;
  }
  switch ((enum NodeKind)n->kind) {
  case NK_CALL: m->slots[r->base + n->depth + pc - 1] = r->v; return eval_call(m, r, n, pc);
  case NK_CALLC: m->slots[r->base + n->depth + pc] = r->v; return eval_call(m, r, n, pc);
  case NK_DO: return eval_do(m, r, n, pc);
  case NK_LET:
  case NK_LOOP: m->slots[r->base + n->depth + pc - 1] = r->v; return eval_let(m, r, n, pc);
  case NK_RECUR: m->slots[r->base + n->depth + pc - 1] = r->v; return eval_recur(m, r, n, pc);
  case NK_BINDING: m->slots[r->base + n->depth + pc] = r->v; return eval_binding(m, r, n, pc);
  case NK_CASE: return pc == 2 ? choose_case(r, n, r->v) : finish_case(m, r, n, r->v);
  default: return kid_value(m, r, n, r->v);
  }
}

static Go returned(Mach *m, Regs *r) {
  Frame *f = &m->frames[m->nframes - 1];
  if (f->flags & FR_NATIVE) {
    if (f->code != &nd_apply) return GO_NATIVE;
    r->base = f->base;
    r->argc = apply_argc(f);
    uint16_t demands = (f->flags >> 3) & 31;
    m->nframes--;
    return apply(m, r, demands);
  }
  if (f->pc == PC_RET) {
    m->nframes--;
    return GO_RET;
  }
  if (f->pc == PC_EVAL) { /* only after a stop */
    r->n = f->code;
    r->base = f->base;
    r->direct = true;
    m->nframes--;
    return GO_EVAL;
  }
  return node_returned(m, r, f);
}

static Go native_demand(Mach *m, Regs *r, Frame *f, uint32_t top) {
  f->pc = (uint16_t)m->nf_pc;
  return demand_frame(m, r, top, pend.demand_n ? pend.demand_n : 1); /* native frames keep their place: one cell at a time is linear */
}

static Go run_native(Mach *m, Regs *r) {
  Frame *f = &m->frames[m->nframes - 1];
  const NativeDef *d = f->code;
  uint32_t top = f->base + native_slots(d);
  m->nf_top = top;
  m->nf_pc = f->pc & ~NF_THROWN;
  m->live = top + 8;
  Val v = d->step(m, f->pc, m->slots + f->base + 1, r->v);
  if (!same(v, SIG_DEMAND) && d != &nd_answer) pend.answers = NIL;
  if (!is_sig(v)) {
    m->nframes--;
    return ret_val(r, v);
  }
  f = &m->frames[m->nframes - 1];
  if (same(v, SIG_CALL)) {
    f->pc = (uint16_t)m->nf_pc;
    r->base = top;
    r->argc = (int)m->nf_argc;
    return apply(m, r, 0);
  }
  if (same(v, SIG_DEMAND)) return native_demand(m, r, f, top);
  if (same(v, SIG_THROW)) {
    f->pc = (uint16_t)(m->nf_pc & ~NF_THROWN);
    m->nframes--;
    if (is_type(pend.ex, T_EX) && is_nil(AS(Ex, pend.ex)->trace)) { m->nframes++; exception_trace(m); m->nframes--; }
    return GO_THROW;
  }
  f->pc = (uint16_t)m->nf_pc;
  r->v = v;
  return GO_STOP;
}

/* --- throwing ----------------------------------------------------------------------------------------------------------- */
static int catch_for(const CatchTable *t, Val ex) {
  if (AS(Ex, ex)->kind == KIND_LIMIT || AS(Ex, ex)->kind == KIND_CANCELLED) return -1; /* no clause takes them */
  enum Exc c = (enum Exc)AS(Ex, ex)->cls;
  for (uint32_t i = 0; i < t->n; i++)
    if (t->cls[i] < 0 || (t->cls[i] < EXC_COUNT && exc_is_a(c, (enum Exc)t->cls[i]))) return (int)i;
  return -1;
}

/* True when the try frame takes the exception; otherwise it is dead and must be popped. */
static bool try_thrown(Mach *m, Regs *r, Frame *f, const Node *n, Val ex) {
  const CatchTable *t = n->p;
  int c = f->pc == PC_TRY_BODY ? catch_for(t, ex) : -1;
  bool unstoppable = AS(Ex, ex)->kind == KIND_LIMIT;
  if (c >= 0) {
    f->pc = PC_TRY_CATCH;
    m->slots[f->base + n->depth + 1] = ex;
    r->n = n->kid[1 + c];
  } else if (t->has_finally && f->pc <= PC_TRY_CATCH && !unstoppable) {
    f->pc = PC_TRY_RETHROW;
    m->slots[f->base + n->depth] = ex;
    r->n = n->kid[n->nk - 1];
  } else {
    return false;
  }
  r->base = f->base;
  r->direct = true;
  return true;
}

static bool will_be_caught(const Mach *m, Val ex) {
  for (uint32_t i = m->nframes; i-- > 0;) {
    const Frame *f = &m->frames[i];
    if (f->flags & FR_NATIVE) {
      if (((const NativeDef *)f->code)->how & NF_CATCHES) return false; /* step frames report traces */
      continue;
    }
    const Node *n = f->code;
    if (n->kind == NK_TRY && f->pc == PC_TRY_BODY && catch_for(n->p, ex) >= 0) return true;
  }
  return false;
}

static Go thrown(Mach *m, Regs *r) {
  Val ex = pend.ex;
  pend.answers = NIL;
  if (is_nil(AS(Ex, ex)->trace) && !will_be_caught(m, ex)) exception_trace(m);
  while (m->nframes) {
    Frame *f = &m->frames[m->nframes - 1];
    if (f->flags & FR_NATIVE) {
      const NativeDef *d = f->code;
      if (d->how & NF_CATCHES) {
        f->pc |= NF_THROWN;
        r->v = ex;
        return GO_NATIVE;
      }
    } else {
      const Node *n = f->code;
      if (f->pc == PC_BOUND && n->kind == NK_BINDING) m->bindings = m->slots[f->base + n->depth];
      if (n->kind == NK_TRY && f->pc <= PC_TRY_RETHROW && try_thrown(m, r, f, n, ex)) return GO_EVAL;
    }
    m->nframes--;
  }
  m->bindings = NIL;
  return GO_THROW; /* nobody: out of the machine */
}

/* --- the loop ------------------------------------------------------------------------------------------------------------ */
static Val stopped(Mach *m, Val v) {
  if (same(v, SIG_SUSPEND)) return v;
  return mach_over_limit(m) ? SIG_THROW : SIG_STOP;
}

static Val loop(Mach *m, Regs *r, Go go) {
  Mach *outer = mach_cur;
  int64_t *outer_fuel = mem_fuel;
  Val outer_answers = pend.answers;
  pend.answers = NIL;
  mach_cur = m;
  mem_fuel = &m->fuel;
  Val result;
  for (;;) {
    switch (go) {
    case GO_EVAL:
      if (r->direct) go = fast_run(m, r, GO_EVAL);
      if (go == GO_EVAL) go = eval_node(m, r);
      break;
    case GO_RET:
      if (m->nframes && !(m->frames[m->nframes - 1].flags & FR_NATIVE)) {
        go = fast_run(m, r, GO_RET);
        break;
      } /* fall through */
    case GO_POP:
      if (m->nframes == 0) { result = r->v; goto out; }
      go = returned(m, r);
      break;
    case GO_NATIVE: go = run_native(m, r); break;
    case GO_APPLY: go = apply(m, r, 0); break;
    case GO_THROW:
      go = thrown(m, r);
      if (go == GO_THROW) { result = SIG_THROW; goto out; }
      break;
    case GO_STOP:
      result = stopped(m, same(r->v, SIG_SUSPEND) && (m->frames[m->nframes - 1].flags & FR_NATIVE) ? r->v : SIG_STOP);
      if (!same(result, SIG_THROW)) goto out;
      go = GO_THROW;
      break;
    }
  }
out:
  mach_cur = outer;
  mem_fuel = outer_fuel;
  pend.answers = outer_answers;
  return result;
}

void mach_start(Mach *m, Val f, const Val *args, uint32_t n) {
  slots_need(m, n + 8);
  m->slots[0] = f;
  for (uint32_t i = 0; i < n; i++) m->slots[1 + i] = args[i];
  m->live = n + 1;
  frame_push(m, &nd_apply, 0, (uint16_t)n, apply_flags((int)n, 0));
}

void mach_start_unit(Mach *m, const Unit *u) {
  Fn *f = mem_obj_n(T_FN, 0);
  f->code = u->fn;
  f->serial = m->env->serial++;
  mach_start(m, from_obj(f), NULL, 0);
}

static void deal(Mach *m) {
  if (m->fuel <= 0) m->fuel = m->slice;
}

Val mach_run(Mach *m) {
  Regs r = {.v = NIL, .direct = true};
  deal(m);
  return loop(m, &r, GO_RET);
}

Val mach_resume(Mach *m, Val v) {
  Regs r = {.v = v, .direct = true};
  deal(m);
  if (same(v, SIG_THROW)) {
    m->nframes--; /* the frame that suspended is where it was thrown: it does not catch its own answer */
    return loop(m, &r, GO_THROW);
  }
  return loop(m, &r, GO_RET);
}

Val mach_continue(Mach *m) { return mach_run(m); }

Val mach_throw(Mach *m) {
  Regs r = {.v = NIL, .direct = true};
  deal(m);
  return loop(m, &r, GO_THROW);
}
