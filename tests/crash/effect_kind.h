/* effect_kind.h - the step kind :effect, for tests: an effect on a world that no crash of ours can undo.
 *
 * Every start of an attempt is counted in a ledger under key and attempt. Config: :value v (the result; the attempt's number
 * when absent), :fail-times n (the first n attempts fail with a :network error), :async true (ends at a later turn of the
 * engine's loop, through a descriptor), :hang true (never ends). The ledger is a plain struct: copy it to go back in time. */
#ifndef EFFECT_KIND_H
#define EFFECT_KIND_H
#include "runtime/engine/engine.h"

enum { EFFECT_MAX = 128 };
typedef struct Effect {
  char key[120];   /* step_key: run/step/place/occurrence */
  char step[40];
  int64_t occurrence;
  int attempt, count;
  bool at_most_once;
} Effect;
typedef struct Ledger { Effect a[EFFECT_MAX]; size_t n; } Ledger;
extern Ledger effect_ledger;

void effect_register(void);
void effect_crash(void); /* the process has died: what was to end later never will */
const Effect *effect_find(const Ledger *l, const char *key, int attempt); /* NULL: never started */
#endif
