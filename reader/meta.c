/* meta.c - metadata. Objects that carry it have a `meta` Val at a place of their own type. */
#include "user.h"
#include "text.h"
#include "mem.h"
#include "ex.h"

static Val *meta_slot(Val x) {
  switch (type_of(x)) {
  case T_SYM: return &AS(Sym, x)->meta;
  case T_VEC: return &AS(Vec, x)->meta;
  case T_AMAP: return &AS(AMap, x)->meta;
  case T_HMAP: return &AS(HMap, x)->meta;
  case T_SMAP: return &AS(SMap, x)->meta;
  case T_SET: return &AS(Set, x)->meta;
  case T_SSET: return &AS(SSet, x)->meta;
  case T_EMPTY: return &AS(EmptyList, x)->meta;
  case T_LIST: return &AS(List, x)->meta;
  case T_CONS: return &AS(Cons, x)->meta;
  case T_LAZY: return &AS(Lazy, x)->meta;
  case T_CHUNK: return &AS(Chunk, x)->meta;
  case T_VSEQ: case T_RSEQ: return &AS(VSeq, x)->meta;
  case T_STRSEQ: return &AS(StrSeq, x)->meta;
  case T_RANGE: return &AS(Range, x)->meta;
  case T_MSEQ: return &AS(MSeq, x)->meta;
  case T_REPEAT: return &AS(Repeat, x)->meta;
  case T_FN: return &AS(Fn, x)->meta;
  case T_INSTANCE: return AS(Class, AS(Record, x)->type)->h.flags & CLASS_REIFY ? &AS(Record, x)->meta : NULL;
  case T_RECORD: return &AS(Record, x)->meta;
  case T_METHOD: return &AS(Method, x)->meta;
  default: return NULL;
  }
}

/* Cells whose metadata changes in place (alter-meta!); with-meta refuses them. */
static Val cell_meta(Val x) {
  switch (type_of(x)) {
  case T_VAR: return AS(Var, x)->meta;
  case T_NS: return AS(Ns, x)->meta;
  case T_ATOM: return AS(Atom, x)->meta;
  case T_MULTI: return AS(Multi, x)->meta;
  case T_REF: return AS(Ref, x)->meta;
  default: return NIL;
  }
}

Val meta_of(Val x) {
  const Val *slot = meta_slot(x);
  Val own = is_type(x, T_INSTANCE) ? user_invoke(x, UM_META, NULL, 0) : ABSENT;
  if (!same(own, ABSENT)) return own;
  return slot ? *slot : cell_meta(x);
}

static Val copy_with_meta(Val x, Val meta) {
  const TypeInfo *t = &type_info[obj(x)->type];
  size_t bytes = obj_size(obj(x)), n;
  Obj *c;
  if (t->tail == TAIL_VALS) {
    obj_vals(obj(x), &n);
    c = mem_obj_n((enum Type)obj(x)->type, (uint32_t)(n - t->nvals));
  } else {
    c = mem_obj((enum Type)obj(x)->type);
  }
  memcpy(c, obj(x), bytes);
  *meta_slot(from_obj(c)) = meta;
  return from_obj(c);
}

Val with_meta(Val x, Val meta) {
  Val own = is_type(x, T_INSTANCE) ? user_invoke(x, UM_WITH_META, &meta, 1) : ABSENT;
  if (!same(own, ABSENT)) return own;
  if (!meta_slot(x)) return ex_cast(x, "clojure.lang.IObj");
  if (!is_nil(meta) && !is_map(meta)) return ex_cast(meta, "clojure.lang.IPersistentMap");
  if (is_sym(x) && is_nil(meta)) return sym_of(AS(Sym, x)->ns, AS(Sym, x)->name);
  if (is_lazy(x)) CHECK(seq_of(x)); /* realised, as Clojure does: two copies must not run the body twice */
  if (same(*meta_slot(x), meta)) return x;
  return copy_with_meta(x, meta);
}
