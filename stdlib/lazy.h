/* lazy.h - the lazy seqs made in C. Each is a T_LAZY whose fn is a T_ARR [native function, arguments...]: one small object
 * that the machine calls when the seq is forced. */
#ifndef BR_LAZY_H
#define BR_LAZY_H
#include "walk.h"

/* Finds the step functions: once, after the tables are registered. */
void lazy_init(void);
Val lazy_concat(Val colls); /* the elements of the elements of any seqable */
#endif
