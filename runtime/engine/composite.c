/* composite.c - see composite.h. */
#include "composite.h"
#include "eval/mach.h"
#include "reader/map.h"
#include <stdlib.h>
#include <string.h>

static const Composite *table[16];
static size_t ntable;

void composite_register(const Composite *c) {
  for (size_t i = 0; i < ntable; i++)
    if (table[i] == c) return;
  if (ntable == sizeof table / sizeof *table) abort();
  table[ntable++] = c;
}

static const char *function_for(Val type, Val cfg, bool whole) {
  if (is_str(AS(Kw, type)->ns)) return "breyta.step/packaged";
  if (truthy(map_get_kw(cfg, "confirm")) || truthy(map_get_kw(cfg, "review"))) return "breyta.step/checked";
  for (size_t i = 0; i < ntable && !whole; i++)
    if (kw_is(type, table[i]->type) && (!table[i]->applies || table[i]->applies(cfg))) return table[i]->function;
  return NULL;
}

Val composite_function(Val type, Val cfg, bool whole) {
  const char *name = function_for(type, cfg, whole);
  if (!name) return NIL;
  TRY(var, env_resolve(mach_cur->env, sym_parse(name, strlen(name))));
  if (is_nil(var)) abort(); /* a function that is not in the program */
  return var_get(var);
}
