/* stdlib.c - see stdlib.h. */
#include "stdlib.h"
#include "eval/mach.h"
#include "hof.h"
#include "lazy.h"
#include "prelude_text.h"

#define STDLIB_REGISTER(table) builtin_register(table);

void stdlib_register(void) {
  STDLIB_TABLES(STDLIB_REGISTER)
  lazy_init();
  sort_init();
  prelude_add(prelude_files);
}
