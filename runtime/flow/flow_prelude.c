/* flow_prelude.c - takes the .clj files of this layer into the program. */
#include "flow_prelude.h"

#define OF_RUNTIME(file) PRELUDE_BYTES("runtime/flow", file)
FLOW_PRELUDE_FILES(OF_RUNTIME)

const PreludeFile flow_prelude_files[] = {FLOW_PRELUDE_FILES(PRELUDE_ROW){0}};
