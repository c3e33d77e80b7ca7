/* types.c - see types.h: the type table as data, and proof that the structs obey it. */
#include "types.h"

#define TYPE_INFO(name, strukt, raw, nvals, tail, cls) {#name, cls, raw, nvals, tail},
const TypeInfo type_info[T_COUNT] = {TYPE_TABLE(TYPE_INFO)};

/* Header, raw, Vals and nothing else; every part a multiple of 8 bytes. */
#define TYPE_ASSERT(name, strukt, raw, nvals, tail, cls)                                                             \
  _Static_assert(sizeof(strukt) == sizeof(Obj) + (raw) + (nvals) * sizeof(Val), #name ": size differs from its row"); \
  _Static_assert((raw) % 8 == 0 && offsetof(strukt, h) == 0, #name ": layout");
TYPE_TABLE(TYPE_ASSERT)

_Static_assert(sizeof(Obj) == 8 && sizeof(Val) == 8, "words");
_Static_assert(T_COUNT <= 256, "Obj.type is a byte");

_Static_assert(offsetof(Ref, val) == offsetof(Atom, val) && offsetof(Ref, watches) == offsetof(Atom, watches), "a Ref begins as an Atom");

/* n comes first in the raw part, the first Val right behind it, the tail behind the last. */
#define TAIL_ASSERT(strukt, tail_field)                                  \
  _Static_assert(offsetof(strukt, n) == sizeof(Obj), #strukt ": n");     \
  _Static_assert(offsetof(strukt, tail_field) == sizeof(strukt), #strukt ": tail");
TAIL_ASSERT(BigInt, limb)
TAIL_ASSERT(Str, s)
TAIL_ASSERT(Bytes, b)
TAIL_ASSERT(Arr, a)
TAIL_ASSERT(AMap, kv)
TAIL_ASSERT(MNode, a)
TAIL_ASSERT(Fn, cap)
TAIL_ASSERT(Record, f)

#define FIRST_VAL(strukt, raw, field) _Static_assert(offsetof(strukt, field) == sizeof(Obj) + (raw), #strukt ": " #field);
FIRST_VAL(Ratio, 0, num)
FIRST_VAL(Decimal, 8, unscaled)
FIRST_VAL(Sym, 0, ns)
FIRST_VAL(Kw, 0, ns)
FIRST_VAL(Regex, 8, pattern)
FIRST_VAL(Tagged, 0, tag)
FIRST_VAL(Vec, 16, meta)
FIRST_VAL(Entry, 0, k)
FIRST_VAL(TVec, 16, root)
FIRST_VAL(AMap, 8, meta)
FIRST_VAL(HMap, 8, meta)
FIRST_VAL(MNode, 16, unused)
FIRST_VAL(TMap, 8, map)
FIRST_VAL(Set, 0, meta)
FIRST_VAL(TSet, 0, map)
FIRST_VAL(SMap, 8, meta)
FIRST_VAL(SNode, 8, k)
FIRST_VAL(SSet, 0, meta)
FIRST_VAL(EmptyList, 0, meta)
FIRST_VAL(List, 8, meta)
FIRST_VAL(Cons, 0, meta)
FIRST_VAL(Lazy, 0, meta)
FIRST_VAL(Chunk, 8, meta)
FIRST_VAL(VSeq, 8, meta)
FIRST_VAL(StrSeq, 8, meta)
FIRST_VAL(Range, 24, meta)
FIRST_VAL(MSeq, 8, meta)
FIRST_VAL(Repeat, 8, meta)
FIRST_VAL(Fn, 16, meta)
FIRST_VAL(Var, 8, ns)
FIRST_VAL(Ns, 0, name)
FIRST_VAL(Atom, 8, val)
FIRST_VAL(Box, 8, val)
FIRST_VAL(Delay, 8, fn)
FIRST_VAL(Ex, 8, msg)
FIRST_VAL(Class, 0, name)
FIRST_VAL(Matcher, 8, re)
FIRST_VAL(Record, 8, meta)
FIRST_VAL(Method, 0, proto)
FIRST_VAL(Multi, 8, name)

static uint32_t tail_count(const Obj *o) {
  uint32_t n;
  memcpy(&n, (const char *)o + sizeof(Obj), sizeof n);
  return n;
}

Val *obj_vals(Obj *o, size_t *n) {
  const TypeInfo *t = &type_info[o->type];
  *n = t->nvals + (t->tail == TAIL_VALS ? (size_t)tail_count(o) : 0);
  return (Val *)((char *)o + sizeof(Obj) + t->raw);
}

size_t obj_size(const Obj *o) {
  const TypeInfo *t = &type_info[o->type];
  size_t size = sizeof(Obj) + t->raw + t->nvals * sizeof(Val);
  if (t->tail == TAIL_VALS) size += (size_t)tail_count(o) * sizeof(Val);
  if (t->tail == TAIL_BYTES) size += tail_count(o);
  return size;
}
