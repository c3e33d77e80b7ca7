/* snapcheck.h - the structural invariants of objects read from a snapshot. */
#ifndef BR_SNAPCHECK_H
#define BR_SNAPCHECK_H
#include "reader/types.h"
/* NULL, or what is wrong with this object (it may refer to objects not yet checked: all are checked before any is used). */
const char *snap_check(Val v);
/* The i-th of the objects that exist once per process: written by number, so that sharing is the same after a restore. */
Val snap_one(unsigned i);
#endif
