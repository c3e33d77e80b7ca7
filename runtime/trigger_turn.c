/* trigger_turn.c - triggers in the loop of a server; see trigger.h */
#include "trigger.h"
#include <stdlib.h>

Triggers *triggers_new(Api *a) {
  Triggers *t = calloc(1, sizeof *t);
  if (!t) abort();
  t->api = a;
  a->triggers = t;
  return t;
}

void triggers_turn(Triggers *t) {
  trigger_sync_turn(t);
  trigger_fire_turn(t);
  trigger_hook_turn(t);
}

void triggers_stop(Triggers *t) {
  if (t) trigger_hook_stop(t);
}

void triggers_free(Triggers *t) {
  if (!t) return;
  t->api->triggers = NULL;
  free(t);
}
