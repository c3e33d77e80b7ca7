/* snapconst.c - see snapconst.h */
#include "snapconst.h"
#include "snapcheck.h"
#include "snapfmt.h"

typedef struct Literal { const void *o; Unit *unit; uint32_t number; } Literal;
typedef struct Table { Literal *a; size_t cap, n; } Table;
/* Every object of every literal of the first `units` registered units. Units live for ever, so do these addresses. */
static struct { Table all; size_t units; } *known;

static Literal *slot_of(const Table *t, const void *o) {
  size_t i = ((uintptr_t)o >> 3) * 0x9e3779b97f4a7c15u >> 20 & (t->cap - 1);
  while (t->a[i].o && t->a[i].o != o) i = (i + 1) & (t->cap - 1);
  return &t->a[i];
}

static void table_grow(Table *t) {
  Table big = {.cap = t->cap ? t->cap * 2 : 64, .n = t->n};
  big.a = mem_alloc(big.cap * sizeof *big.a);
  for (size_t i = 0; i < t->cap; i++)
    if (t->a[i].o) *slot_of(&big, t->a[i].o) = t->a[i];
  *t = big;
}

/* False: it was there. */
static bool table_add(Table *t, Literal x) {
  if (t->n * 2 >= t->cap) table_grow(t);
  Literal *at = slot_of(t, x.o);
  if (at->o) return false;
  *at = x;
  t->n++;
  return true;
}

/* Written by name or number elsewhere, or no plain value. */
static bool left_out(Val v) {
  if (!is_ptr(v)) return true;
  switch (type_of(v)) {
  case T_KW: case T_BUILTIN: case T_VAR: case T_FN: case T_NS: case T_LAZY: case T_CLASS: case T_METHOD: case T_MULTI: return true;
  case T_SYM: return is_nil(AS(Sym, v)->meta);
  default: break;
  }
  for (unsigned i = 0; i < SNAP_ONES; i++)
    if (same(snap_one(i), v)) return true;
  return false;
}

static void add_literal(Unit *u, Table *seen, ValVec *found, Val literal) {
  ValVec work = {0};
  vv_push(&work, literal);
  while (work.n) {
    Val v = work.a[--work.n];
    if (left_out(v)) continue;
    Literal x = {obj(v), u, (uint32_t)found->n};
    if (!table_add(seen, x)) continue;
    table_add(&known->all, x); /* of another unit too: the first one names it */
    vv_push(found, v);
    size_t n;
    Val *kids = obj_vals(obj(v), &n);
    for (size_t i = n; i-- > 0;) vv_push(&work, kids[i]);
  }
}

static void add_unit(Unit *u) {
  ValVec found = {0};
  Table seen = {0};
  for (uint32_t i = 0; i < u->nnodes; i++) {
    const Node *n = u->by_id[i];
    if (n && (n->kind == NK_CONST || n->kind == NK_CALLC)) add_literal(u, &seen, &found, n->val);
  }
  u->consts = found.a;
  u->nconsts = (uint32_t)found.n;
}

void snap_const_refresh(void) {
  Unit *const *list;
  if (!known) known = mem_root(sizeof *known);
  size_t n = units_registered(&list);
  while (known->units < n) add_unit(list[known->units++]);
}

Unit *snap_const_of(Val v, uint32_t *number) {
  if (!known || !known->all.cap) return NULL;
  const Literal *x = slot_of(&known->all, obj(v));
  if (!x->o) return NULL;
  *number = x->number;
  return x->unit;
}

Val snap_const_at(Unit *u, uint64_t number) {
  snap_const_refresh();
  return number < u->nconsts ? u->consts[number] : ABSENT;
}
