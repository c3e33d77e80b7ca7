/* vec.h - persistent vectors (32-way trie with tail), map entries, arrays of values. `vec_*` functions that read accept
 * T_VEC and T_ENTRY; indices are checked by the caller unless said otherwise. */
#ifndef BR_VEC_H
#define BR_VEC_H
#include "types.h"

static inline bool is_vec(Val v) { return is_type(v, T_VEC) || is_type(v, T_ENTRY); } /* what vector? says */
extern Val vec_empty; /* [] */
uint32_t vec_count(Val v);
Val vec_nth(Val v, uint32_t i);
Val vec_conj(Val v, Val x);
Val vec_conj_own(Val v, Val x);          /* T_VEC: see coll_conj_own */
Val vec_assoc(Val v, uint32_t i, Val x); /* i <= count */
Val vec_pop(Val v);                      /* throws IllegalStateException "Can't pop empty vector" */
Val vec_peek(Val v);
Val vec_sub(Val v, uint32_t from, uint32_t to); /* O(1) */
Val vec_from(const Val *xs, size_t n);
Val vec_of2(Val a, Val b);
Val vec_as_vec(Val v);                   /* an entry becomes a T_VEC; a vector is returned as it is */
/* Leaf that holds index i: *n values from index i on that lie together. For fast scans. */
const Val *vec_run(Val v, uint32_t i, uint32_t *n);

static inline bool is_entry(Val v) { return is_type(v, T_ENTRY); }
Val entry_new(Val k, Val v);

/* Transients. Use after persistent throws IllegalAccessError "Transient used after persistent! call". */
Val tvec_of(Val vec);
Val tvec_conj(Val t, Val x);   /* returns t */
Val tvec_assoc(Val t, uint32_t i, Val x);
Val tvec_pop(Val t);
Val tvec_nth(Val t, uint32_t i);
uint32_t tvec_count(Val t);
Val tvec_persistent(Val t);

/* Growing C array of values (traced). */
typedef struct ValVec { Val *a; size_t n, cap; } ValVec;
void vv_push(ValVec *v, Val x);
Val arr_new(const Val *xs, uint32_t n); /* T_ARR; xs may be NULL (nils) */
uint32_t edit_token(void);              /* a fresh transient owner token, per thread, never 0 */
#endif
