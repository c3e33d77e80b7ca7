/* step_source.h - the text of a flow that runs one step alone, made of a flow's text: requirements, templates, functions, packaged steps
 * stay as they are, the body is another. Such a text is a flow like any other: its hash names it, it is stored with its run.
 *
 *   step_source_call  the body is (flow/step TYPE ID (:params (flow/input)))
 *   step_source_only  the body is the flow's own, in which every other step gives nil without being run, and which ends with the result of
 *                     the step as soon as that is done. What the body computes between steps it still computes, out of nils.
 * Positions of the rest of the text may move. Engine thread. */
#ifndef BR_STEP_SOURCE_H
#define BR_STEP_SOURCE_H
#include "flowdef_int.h"

/* text NULL: no flow is around. type: "http", "tools/fetch". false: *err. */
bool step_source_call(const char *text, size_t n, const char *type, const char *id, Buf *out, Err *err);
bool step_source_only(const char *text, size_t n, const char *id, Buf *out, Err *err);
/* The id of the entry of :steps or :agents that is meant: by its whole id, or by its name alone where only one has it; nil. */
Val step_source_packaged(Val def, const char *id);
/* What JSON says as text where the family's option is a keyword becomes one: {:method "get"} -> {:method :get}. */
Val step_source_params(const char *type, Val params);
bool step_source_id_ok(const char *id); /* can be a keyword: a name, or ns/name */
#endif
