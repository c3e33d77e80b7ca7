/* snapcheck.h - the structural invariants of objects read from a snapshot. */
#ifndef BR_SNAPCHECK_H
#define BR_SNAPCHECK_H
#include "reader/types.h"
/* NULL, or what is wrong with this object (it may refer to objects not yet checked: all are checked before any is used). */
const char *snap_check(Val v);
#endif
