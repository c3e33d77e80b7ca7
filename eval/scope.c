/* scope.c - see scope.h */
#include "scope.h"
#include "frame.h"
#include "reader/seq.h"
#include <ctype.h>
#include <stdio.h>

/* --- names ------------------------------------------------------------ */
/* What people call it: nil for a name that a macro made. */
static Val shown_name(Val sym) {
  const char *s = str_s(AS(Sym, sym)->name), *end = s + str_n(AS(Sym, sym)->name), *mark = strstr(s, "__");
  if (!mark || !isdigit((unsigned char)mark[2])) return sym;
  if (end - s > 8 && !strcmp(end - 8, "__auto__")) return NIL;
  if (end[-1] != '#') return sym;
  if (!strncmp(s, "rest__", 6)) return sym_c("%&");
  if (*s != 'p' || !isdigit((unsigned char)s[1])) return sym;
  char arg[24];
  snprintf(arg, sizeof arg, "%%%.*s", (int)(mark - s - 1), s + 1);
  return sym_c(arg);
}

static void add(Activation *a, Val sym, bool captured, uint32_t at) {
  if (!is_sym(sym) || is_nil(sym = shown_name(sym))) return;
  size_t n = 0;
  for (size_t i = 0; i < a->nlocals; i++) /* the inner one hides the outer one */
    if (!sym_eq(a->locals[i].name, sym)) a->locals[n++] = a->locals[i];
  a->nlocals = n;
  if (n % 16 == 0) {
    ScopeLocal *grown = mem_alloc((n + 16) * sizeof *grown);
    if (n) memcpy(grown, a->locals, n * sizeof *grown);
    a->locals = grown;
  }
  a->locals[a->nlocals++] = (ScopeLocal){sym, captured, at};
}

/* --- what is in sight ------------------------------------------------------------ */
static void add_bindings(Activation *a, const Node *n, unsigned count) {
  for (unsigned i = 0; i < count; i++) add(a, vec_nth(n->val, 2 * i), false, n->depth + i);
}

/* What node n binds for its child i; the children of a let see the bindings before them. */
static void add_bound(Activation *a, const Node *n, unsigned i) {
  switch ((enum NodeKind)n->kind) {
  case NK_LET:
  case NK_LOOP: add_bindings(a, n, i); break;
  case NK_LETFN: add_bindings(a, n, n->nk - 1u); break;
  case NK_TRY: {
    const CatchTable *t = n->p;
    if (i > 0 && i <= t->n) add(a, t->name[i - 1], false, n->depth + 1);
    break;
  }
  default: break;
  }
}

/* Ids are preorder numbers: the child that holds id is the last one that does not begin behind it. */
static unsigned child_towards(const Node *n, uint32_t id) {
  unsigned i = n->nk;
  while (i && n->kid[i - 1]->id > id) i--;
  return i;
}

static void add_locals(Activation *a, const Node *n, const Frame *f) {
  uint32_t id = a->site->id;
  unsigned i;
  while (n->id != id && (i = child_towards(n, id)) > 0) {
    add_bound(a, n, i - 1);
    n = n->kid[i - 1];
  }
  if (n == f->code && f->pc >= 1 && f->pc <= n->nk) add_bound(a, n, f->pc - 1u);
}

static void add_captures(Activation *a) {
  if (a->code->id == UINT32_MAX) return;
  const Node *fn = unit_node(a->code->unit, a->code->id);
  for (unsigned i = 0; i < fn->nk; i++) add(a, fn->kid[i]->val, true, i);
}

static const FnArity *arity_of(const FnCode *c, uint32_t id) {
  const FnArity *ar = &c->ar[0];
  for (unsigned i = 1; i < c->narities; i++)
    if (c->ar[i].body->id <= id) ar = &c->ar[i];
  return ar;
}

static void add_params(Activation *a, const FnArity *ar) {
  uint32_t slot = 1;
  if (!is_nil(a->code->self)) add(a, a->code->self, false, 0);
  if (!is_vec(ar->params)) return;
  for (uint32_t i = 0; i < vec_count(ar->params); i++) {
    Val p = vec_nth(ar->params, i);
    if (!sym_is(p, "&")) add(a, p, false, slot++);
  }
}

static Activation of_node(const Frame *f) {
  const Node *site = frame_site(f);
  const Unit *u = site->unit;
  Activation a = {.base = f->base, .site = site, .code = site->fn_id == UINT32_MAX ? u->fn : u->by_id[site->fn_id]->p};
  a.name = str_s(a.code->name);
  const FnArity *ar = arity_of(a.code, site->id);
  add_captures(&a);
  add_params(&a, ar);
  add_locals(&a, ar->body, f);
  return a;
}

size_t scope_stack(const Mach *m, Activation **out) {
  Activation *a = mem_alloc((m->nframes + 1) * sizeof *a);
  size_t n = 0;
  uint32_t base = UINT32_MAX;
  for (uint32_t i = m->nframes; i-- > 0;) {
    const Frame *f = &m->frames[i];
    if (f->flags & FR_NATIVE) {
      if (f->code == &nd_apply || f->code == &nd_realize) continue;
      const NativeDef *d = f->code;
      a[n++] = (Activation){.base = f->base, .native = d, .name = d->name};
    } else if (f->base != base) { /* further frames of an activation are what the first one is part of */
      base = f->base;
      a[n++] = of_node(f);
    }
  }
  *out = a;
  return n;
}

const ScopeLocal *scope_local(const Activation *a, const char *name) {
  for (size_t i = 0; i < a->nlocals; i++)
    if (sym_is(a->locals[i].name, name)) return &a->locals[i];
  return NULL;
}

/* --- values ------------------------------------------------------------ */
static Fn *closure(const Mach *m, uint32_t base, uint32_t at) {
  Val f = m->slots[base];
  return is_type(f, T_FN) && at < AS(Fn, f)->n ? AS(Fn, f) : NULL;
}

Val scope_get(const Mach *m, const Activation *a, const ScopeLocal *l) {
  if (!l->captured) {
    Val v = m->slots[a->base + l->at];
    coll_publish(v); /* the loop that owns it must not change what somebody looks at */
    return v;
  }
  const Fn *f = closure(m, a->base, l->at);
  return f ? f->cap[l->at] : NIL;
}

void scope_set(Mach *m, uint32_t base, bool captured, uint32_t at, Val v) {
  if (!captured) {
    m->slots[base + at] = v;
    return;
  }
  const Fn *f = closure(m, base, at);
  if (!f) return;
  Fn *own = mem_obj_n(T_FN, f->n);
  own->serial = f->serial;
  own->code = f->code;
  own->meta = f->meta;
  for (uint32_t i = 0; i < f->n; i++) own->cap[i] = i == at ? v : f->cap[i];
  m->slots[base] = from_obj(own);
}

bool scope_can_call_again(const Mach *m) {
  if (m->nframes < 2 || !(m->frames[m->nframes - 1].flags & FR_NATIVE)) return false;
  const Frame *f = &m->frames[m->nframes - 2];
  return !(f->flags & FR_NATIVE) && m->frames[m->nframes - 1].base == f->base + frame_site(f)->depth;
}

bool scope_call_again(Mach *m) {
  if (!scope_can_call_again(m)) return false;
  Frame *f = &m->frames[m->nframes - 2];
  const Node *call = frame_site(f);
  m->nframes--;
  if (call == f->code) f->pc = PC_EVAL;
  else frame_push(m, call, f->base, PC_EVAL, 0);
  return true;
}
