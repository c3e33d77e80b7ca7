/* hof.h - helpers shared by the native frames of stdlib: counts, adding to a collection under construction, and the loop
 * of reduce. Native frames keep everything in slots; see eval/builtin.h for the rules. */
#ifndef BR_HOF_H
#define BR_HOF_H
#include "walk.h"

/* A number argument such as n of (take n coll): any number, as a count; a signal (ClassCastException) otherwise. */
Val hof_count(Val v, int64_t *out);
/* `to` made fit for adding many elements (a transient of vectors, hash maps and sets), and back with the metadata. */
Val hof_open(Val to);
Val hof_add(Val acc, Val x); /* conj to what hof_open gave; nothing is added when it signals */
Val hof_close(Val acc);
/* acc = f(acc, x) for the rest of the walk. At `pc` go on; pc + 1 is where a call of f comes back: hand `in` to
 * hof_reduced first. The final value, or a signal to return. */
Val hof_reduce(Mach *m, uint32_t pc, Val f, Val *src, Val *at, Val *acc);
static inline bool hof_is_reduced(Val v) { return is_type(v, T_REDUCED); }
static inline Val hof_unreduced(Val v) { return hof_is_reduced(v) ? AS(Box, v)->val : v; }
/* Call f now if that needs no machine, else ask for the call: a value, or a signal to return. */
static inline Val hof_call1(Mach *m, uint32_t pc, Val f, Val a) {
  Val v = fast_call1(f, a);
  return same(v, ABSENT) || same(v, SIG_DEMAND) ? nf_call1(m, pc, f, a) : v;
}
static inline Val hof_call2(Mach *m, uint32_t pc, Val f, Val a, Val b) {
  Val v = fast_call2(f, a, b);
  return same(v, ABSENT) || same(v, SIG_DEMAND) ? nf_call2(m, pc, f, a, b) : v;
}
/* The value of a core var: a function of the table or of the prelude. */
/* The same with the further arguments of a native frame (T_ARR or nil) behind x. */
Val hof_call_more(Mach *m, uint32_t pc, Val f, Val x, Val more);
/* Comparators of sorted collections: called once at start (stdlib_register). */
void sort_init(void);
Val hof_core(const char *full_name);
#endif
