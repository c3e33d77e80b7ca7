/* flow_prelude.h - the parts of flows that are written in the language itself (NAME.clj beside this file), in the program as the
 * stdlib's prelude is: definitions are analyzed when first used, and a unit's identity is the hash of its core form.
 *
 * What they are for: a step that is made of steps. Its parts are called with flow/step by ordinary code that runs in the machine,
 * so each part is a durable step of its own, and the code between them is in the continuation like the flow's own. Such code lives
 * by the rules of a flow body: deterministic, no effect but through steps.
 * Adding a file: a name here, NAME.clj beside this file (another name than the stdlib's files have). */
#ifndef BR_FLOW_PRELUDE_H
#define BR_FLOW_PRELUDE_H
#include "stdlib/prelude_text.h"

#define FLOW_PRELUDE_FILES(F) F(steps) F(llm) F(remote) F(agent)

extern const PreludeFile flow_prelude_files[]; /* a NULL name ends it */
#endif
