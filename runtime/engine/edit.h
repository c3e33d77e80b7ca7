/* edit.h - values of a run changed by hand while it stands in front of a step. The changes become a J_EDIT record of its journal, so
 * that replay makes them again. Thread: the engine's. */
#ifndef BR_EDIT_H
#define BR_EDIT_H
#include "engine.h"

typedef struct LocalChange {
  const char *name;
  int frame; /* of the stack as inspect.h lists it, 0 = innermost; -1: the innermost one that has a local of that name */
  Val value; /* data */
} LocalChange;

struct Run;
/* One more edit for the record. Errors: no_local, not_serializable. */
bool edit_local(struct Run *r, const LocalChange *l, ValVec *edits, Err *err);
bool edit_config(struct Run *r, Val config, ValVec *edits, Err *err); /* of the step it stands in front of */
/* An error given by hand, as the map that a failed step has; from a map, a text or nil. */
Val edit_error(Val error);
/* false and *err from pend.ex: what cannot be stored. */
bool edit_failed(Err *err, const char *code, const char *what);
#endif
