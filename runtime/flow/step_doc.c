/* step_doc.c - see step_doc.h. */
#include "step_doc.h"
#include "step_fields.h"
#include "step_options.h"
#include "step_results.h"
#include <string.h>

const StepDocFamily step_doc_families[] = {
#define FAMILY_ROW(name, runs, doc) {#name, doc, runs},
    STEP_KINDS(FAMILY_ROW)};

/* What a value of the type is written as. No default: a new type has to say it. */
static const char *type_text(enum OptType t) {
  switch (t) {
  case OPT_ANY: return "any value";
  case OPT_STRING: return "string";
  case OPT_KEYWORD: return "keyword";
  case OPT_NAME: return "keyword or string";
  case OPT_MAP: return "map";
  case OPT_VECTOR: return "vector";
  case OPT_COLL: return "vector, set or list";
  case OPT_BOOL: return "true or false";
  case OPT_INT: return "integer, 0 or more";
  case OPT_NUMBER: return "number, 0 or more";
  case OPT_SECONDS: return "seconds, or a duration such as \"500ms\" \"10s\" \"5m\" \"2h\" \"1d\"";
  case OPT_MILLIS: return "milliseconds, or a duration such as \"500ms\" \"10s\" \"5m\" \"2h\" \"1d\"";
  case OPT_ENUM: return "keyword";
  case OPT_CODE: return "function form such as '(fn [input] ...), or a string of one";
  case OPT_RETRY: return "map";
  case OPT_PERSIST: return "map";
  case OPT_STATUSES: return "vector or set of HTTP statuses, 100 to 599";
  case OPT_URL: return "string that begins with http:// or https://";
  case OPT_STR_OR_MAP: return "string or map";
  case OPT_STR_OR_VEC: return "string or vector";
  case OPT_HUMAN: return "true, false, string or map";
  case OPT_APPROVAL: return "true, false, vector or map";
  case OPT_EXPECT: return "string or map";
  }
  return "any value";
}

const StepDocOption step_doc_options[] = {
#define OPTION_ROW(kind, name, required, type, allowed, doc) {kind, name, required, type, allowed, doc},
    STEP_OPTIONS(OPTION_ROW)};
const StepDocField step_doc_fields[] = {
#define FIELD_ROW(kind, option, name, type, doc) {kind, option, name, type, doc},
    STEP_FIELDS(FIELD_ROW)};
const StepDocField step_doc_results[] = {
#define RESULT_ROW(kind, name, type, doc) {kind, NULL, name, type, doc},
    STEP_RESULTS(RESULT_ROW)};
const StepDocOneOf step_doc_one_of[] = {
#define ONE_OF_ROW(kind, names, least) {kind, names, least},
    STEP_ONE_OF(ONE_OF_ROW)};

#define N_OF(a) (sizeof(a) / sizeof *(a))
const size_t step_doc_nfamilies = N_OF(step_doc_families), step_doc_noptions = N_OF(step_doc_options),
             step_doc_nfields = N_OF(step_doc_fields), step_doc_nresults = N_OF(step_doc_results), step_doc_none_of = N_OF(step_doc_one_of);

const char *step_doc_type(const StepDocOption *o) { return type_text((enum OptType)o->type); }

const StepDocFamily *step_doc_family(const char *name) {
  name += *name == ':';
  for (size_t i = 0; i < N_OF(step_doc_families); i++)
    if (!strcmp(step_doc_families[i].name, name)) return &step_doc_families[i];
  return NULL;
}

const StepDocOption *step_doc_option(const char *family, const char *name) {
  name += *name == ':';
  for (size_t i = 0; i < N_OF(step_doc_options); i++) {
    const StepDocOption *o = &step_doc_options[i];
    if (!strcmp(o->name, name) && (!strcmp(o->kind, family) || !strcmp(o->kind, "*"))) return o;
  }
  return NULL;
}

bool step_doc_field_of(const StepDocField *f, const char *family, const StepDocOption *o) {
  return !strcmp(f->option, o->name) && (!strcmp(f->kind, "*") || !strcmp(f->kind, family));
}
