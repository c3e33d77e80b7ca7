/* engine_init.c - puts the engine's names into the core table: flow builtins and macros, sandbox helpers, step kinds. */
#include "engine_int.h"
#include "flow_tables.h"

void engine_init(void) {
  static bool done;
  if (done) return;
  done = true;
  builtin_register(rows_flow);
  FLOW_TABLES(builtin_register)
  engine_http_register();
}
