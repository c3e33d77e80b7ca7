/* step_doc.h - the reference of step families as text: what `breyta-run help step` and the man page show. Everything comes from the
 * tables of step_options.h, and of step_fields.h for what is inside options that are maps. */
#ifndef BR_STEP_DOC_H
#define BR_STEP_DOC_H
#include <stdbool.h>
#include <stddef.h>

typedef struct StepDocFamily { const char *name, *doc; bool runs; } StepDocFamily;
typedef struct StepDocOption {
  const char *kind, *name; /* kind "*": every family */
  bool required;
  int type;                         /* enum OptType */
  const char *allowed, *doc;        /* allowed: keywords separated by spaces, or NULL */
} StepDocOption;
typedef struct StepDocField { const char *kind, *option, *name, *type, *doc; } StepDocField; /* kind "*": of every family that has the option */
typedef struct StepDocOneOf { const char *kind, *names; int least; } StepDocOneOf;

extern const StepDocFamily step_doc_families[];
extern const StepDocOption step_doc_options[];
extern const StepDocField step_doc_fields[];
extern const StepDocField step_doc_results[]; /* of a family's result; option NULL */
extern const StepDocOneOf step_doc_one_of[];
extern const size_t step_doc_nfamilies, step_doc_noptions, step_doc_nfields, step_doc_nresults, step_doc_none_of;

const char *step_doc_type(const StepDocOption *o); /* what is written as its value, in words */
const StepDocFamily *step_doc_family(const char *name); /* NULL; a colon before the name is fine */
/* A family's own option, or one of those of every family. NULL. */
const StepDocOption *step_doc_option(const char *family, const char *name);
bool step_doc_field_of(const StepDocField *f, const char *family, const StepDocOption *o);
#endif
