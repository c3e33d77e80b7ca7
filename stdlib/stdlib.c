/* stdlib.c - see stdlib.h. */
#include "stdlib.h"

#define STDLIB_REGISTER(table) builtin_register(table);

void stdlib_register(void) { STDLIB_TABLES(STDLIB_REGISTER) }
