/* eq.h - equality, hashing and order, bit-compatible with Clojure 1.11. All may signal (see seq.h). */
#ifndef BR_EQ_H
#define BR_EQ_H
#include "seq.h"
#include "num.h"

Val val_eq(Val a, Val b);              /* (= a b): a boolean or a signal */
Val val_hash(Val v, uint32_t *out);    /* hasheq: nil or a signal */
Val val_compare(Val a, Val b, int *out); /* (compare a b): nil or a signal */
/* `compare` of strings, symbols and keywords as Java's compareTo gives it: the difference, not only its sign. */
int str_compare_java(Val a, Val b);
bool val_identical(Val a, Val b);
uint32_t murmur_int(uint32_t x);
uint32_t murmur_mix_coll(uint32_t h, uint32_t count);
uint32_t murmur_bytes_of_str(Val s);   /* hasheq of a string */
#endif
