/* jarray.h - Java arrays, for those who make them. */
#ifndef BR_JARRAY_H
#define BR_JARRAY_H
#include "reader/types.h"

/* cls: "[I", "[Ljava.lang.String;". xs NULL: zeros. The values must fit the kind already. */
Val jarray_new(enum ArrayKind kind, const char *cls, const Val *xs, uint32_t n);
#endif
