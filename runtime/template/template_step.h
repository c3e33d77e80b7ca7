/* template_step.h - the :templates of a flow definition (spec/flows.md 1.8): from `:template id :data {..}` to a config.
 *
 * TEMPLATE_TYPES(T): T(type, key, as, kinds): an entry of that :type holds a template under `key`; rendered it stands under `as`
 * ("" = its map is merged into the config) of the step families `kinds`.
 *
 * Every string inside maps and vectors is rendered, keys are not, and nothing below :auth: secrets are named there, not written.
 * Text is not escaped: what a template says goes into JSON bodies, headers and prompts as it is. Registered threads. */
#ifndef BR_TEMPLATE_STEP_H
#define BR_TEMPLATE_STEP_H
#include "template.h"

#define TEMPLATE_TYPES(T)                                                                                                \
  T("http-request", "request", "", "http")                                                                               \
  T("llm-prompt", "system", "system", "llm agent")                                                                       \
  T("llm-prompt", "prompt", "prompt", "llm agent")                                                                       \
  T("db-query", "sql", "sql", "db")                                                                                      \
  T("sql", "query", "sql", "db")                                                                                         \
  T("notification", "channels", "channels", "notify")

enum { TEMPLATE_PATH = 32 }; /* maps and vectors inside each other */

/* May a step of that family use an entry of that :type? `type` NULL: any. */
bool template_fits(const char *kind, const char *type);
/* A family's :type, for messages: the first of the table; NULL: it takes no :template. */
const char *template_type_of(const char *kind);
/* The `i`-th key of an entry of that :type that holds text to be rendered; NULL behind the last. */
const char *template_key(const char *type, int i);
/* Is the text under this key rendered? */
bool template_renders(Val key);

/* The strings of any value rendered with `data`; `what` names it in messages. ABSENT: *error is the map that a step fails with (:type
 * :template-error, :template, :variable, :message, :retryable? false). */
Val template_strings(Val what, Val v, Val data, const TemplateOptions *o, Val *error);
/* The config of a step of family `kind` that names a :template: the rendered map under its own keys, :template and :data gone.
 * `cfg` itself when it names none. ABSENT: *error. */
Val template_config(Val templates, const char *kind, Val cfg, Val *error);
#endif
