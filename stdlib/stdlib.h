/* stdlib.h - the library of the language: tables of C builtins and native frames, and the Clojure prelude.
 *
 * stdlib_register puts all of it into the registry of eval/builtin.h; call it once, before anything is analyzed. To add a
 * function: DOC, C function and row stand together in the file of its concern; a new table is named in tables.h. */
#ifndef BR_STDLIB_H
#define BR_STDLIB_H
#include "eval/builtin.h"
#include "tables.h"

#define STDLIB_DECLARE(table) extern const BuiltinRow table[];
STDLIB_TABLES(STDLIB_DECLARE)

void stdlib_register(void);
/* Tests: rand, random-uuid and the like follow from this seed on this thread; 0: from the kernel again. */
void stdlib_seed(uint64_t seed);
bool stdlib_random(uint64_t *out, size_t n); /* n seeded words; false: there is no seed, ask the kernel */
#endif
