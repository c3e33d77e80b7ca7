/* dispatch.h - callables that choose what to call by their arguments: methods of protocols and (.name x ...) (T_METHOD),
 * multimethods (T_MULTI), instances of the program's types that implement IFn; and the frame that makes the calls which C
 * functions asked for (reader/user.h).
 *
 * A protocol is a map in its var's root, as in Clojure: {:on-interface C, :impls {class {:method f}}, ...}. Its methods look
 * there and remember, by class, what they found, in a cache that is valid as long as that very map is the root; a
 * multimethod remembers by dispatch value as long as its table of methods and the hierarchy are what they were. A cache
 * is one array, replaced as a whole: threads may share the callables of the library. */
#ifndef BR_DISPATCH_H
#define BR_DISPATCH_H
#include "frame.h"
#include "class.h"

typedef enum { DISPATCH_CALL, DISPATCH_VALUE, DISPATCH_NATIVE, DISPATCH_SIGNAL, DISPATCH_FEWER } Dispatch; /* FEWER: in dispatch.c only */
/* slots[base] is such a callable with *argc arguments behind. CALL: slots[base] is now what to call; VALUE: *out is the
 * value; NATIVE: enter *native; SIGNAL: *out. */
Dispatch dispatch(Mach *m, uint32_t base, int *argc, Val *out, const NativeDef **native);
/* A builtin named .name on an instance of the program's own type that has such a method or field; otherwise false. */
bool dispatch_dot(Mach *m, uint32_t base, int argc, const Builtin *b, Dispatch *d, Val *out);

/* --- the cache of a protocol's method: [protocol, key, value, key, value ...], by the class of the first argument --------------- */
enum { METHOD_CACHE_BITS = 4, METHOD_CACHE_VALS = 1 + (2 << METHOD_CACHE_BITS) };

/* Values of one key have one class. */
static inline Val class_key(Val x) {
  if (is_fix(x)) return fix(T_LONG);
  int t = type_of(x);
  switch (t) {
  case T_RECORD: case T_INSTANCE: return AS(Record, x)->type;
  case T_BIGINT: return fix(t + 256 * (obj(x)->flags & 2));
  case T_DOUBLE: return fix(t + 256 * (obj(x)->flags & DBL_FLOAT));
  case T_EX: return fix(t + 256 * (int64_t)AS(Ex, x)->cls);
  case T_MSEQ: return fix(t + 256 * (int64_t)AS(MSeq, x)->what);
  case T_REF: case T_JARRAY: case T_STREAM: return class_of(x); /* one of several */
  case -1: return is_flo(x) ? fix(T_DOUBLE) : is_nil(x) ? fix(-2) : fix(-3 - (int64_t)(x.w & 0xff));
  default: return fix(t);
  }
}
static inline Val *method_cache_at(Arr *c, Val key) { return &c->a[1 + 2 * (key.w * 0x9e3779b97f4a7c15u >> (64 - METHOD_CACHE_BITS))]; }

/* The implementation remembered for x (a reify: the place of the field that holds it), ABSENT: none. */
static inline Val method_cached(const Method *me, Val x) {
  Val cache = {__atomic_load_n(&me->cache.w, __ATOMIC_ACQUIRE)};
  if (is_nil(cache) || is_nil(me->proto) || !same(AS(Arr, cache)->a[0], AS(Var, me->proto)->root)) return ABSENT;
  Val key = class_key(x);
  const Val *at = method_cache_at(AS(Arr, cache), key);
  return same(at[0], key) ? at[1] : ABSENT;
}

/* What implements `proto` for x: x itself when its class does it, the map of methods given to extend, or nil. */
Val protocol_impl(Val proto, Val x);
Val method_new(Val proto_var, Val name, Val full, unsigned flags);

extern const NativeDef nd_answer; /* [f arg ...] is called, and the answer left in pend.answers */
extern const NativeDef nd_multi;
#endif
