/* user.h - methods that a program gave to its own types (deftype, reify, inline in defrecord) for what the host's interfaces
 * do: Object, Comparable, IFn, ILookup, Seqable, IDeref ...; and calling them from C.
 *
 * No function of reader/ runs Clojure code. `user_call` says SIG_DEMAND with pend.demand = a T_ARR [f arg ...]; the machine
 * makes that call, puts what it answered into pend.answers, and makes the C call again, which then finds it there: as it asks
 * in the same order each time, answers are used up in order. They live as long as that one C call is being made: a walk that
 * asks n times is made n times, so nothing here is for big loops. */
#ifndef BR_USER_H
#define BR_USER_H
#include "seq.h"
#include "text.h"

#define USER_METHODS(M)                                                                                                     \
  M(TO_STRING, "toString") M(EQUALS, "equals") M(EQUIV, "equiv") M(HASH_CODE, "hashCode") M(HASHEQ, "hasheq")               \
  M(COMPARE_TO, "compareTo") M(COUNT, "count") M(SEQ, "seq") M(VAL_AT, "valAt") M(CONTAINS_KEY, "containsKey")              \
  M(ENTRY_AT, "entryAt") M(ASSOC, "assoc") M(CONS, "cons") M(WITHOUT, "without") M(NTH, "nth") M(EMPTY, "empty")            \
  M(PEEK, "peek") M(POP, "pop") M(DEREF, "deref") M(INVOKE, "invoke") M(META, "meta") M(WITH_META, "withMeta")              \
  M(GET_NAME, "getName") M(GET_NAMESPACE, "getNamespace") M(REDUCE, "reduce") M(KVREDUCE, "kvreduce") M(RSEQ, "rseq")       \
  M(CONTAINS, "contains") M(GET, "get") M(DISJOIN, "disjoin") M(IS_REALIZED, "isRealized")         \
  M(COMPARE, "compare")
#define USER_METHOD_ENUM(e, s) UM_##e,
enum UserMethod { USER_METHODS(USER_METHOD_ENUM) UM_COUNT_ };

static inline bool is_user(Val v) { return is_type(v, T_INSTANCE) || is_type(v, T_RECORD); }
/* What a reify keeps at the place its class says. */
static inline Val reify_method(Val x, Val place) {
  return is_fix(place) && (uint64_t)fix_of(place) < AS(Record, x)->n ? AS(Record, x)->f[fix_of(place)] : NIL;
}
/* The function behind x's method of that name, nil: it has none. */
Val user_named(Val x, Val keyword);
/* The same for the table above, and only when the class implements something of the host's. */
Val user_method(Val x, enum UserMethod m);
Val user_call(Val f, const Val *args, uint32_t n);
/* (.m x args...), at most 2 arguments; ABSENT: no such method. */
Val user_invoke(Val x, enum UserMethod m, const Val *args, uint32_t n);
static inline bool demand_is_call(void) { return is_type(pend.demand, T_ARR); }

Val user_eq(Val a, Val b);                   /* one of them is a T_INSTANCE */
Val user_hash(Val x, uint32_t *out);         /* of a T_INSTANCE; nil or a signal */
Val user_compare(Val a, Val b, int *out);    /* a is a user's; nil, a signal, or ABSENT: not Comparable */
Val user_text(Buf *b, Val x);                /* as str gives it; nil or a signal */
bool class_has_host(Val cls);                /* does it implement something of the host's? */

/* Java's hashCode of a value; nil or a signal. */
Val java_hash(Val v, uint32_t *out);
#endif
