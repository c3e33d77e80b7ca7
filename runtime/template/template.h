/* template.h - Handlebars over our own values: a text is parsed once into a tree of plain memory, and rendered with data.
 *
 *     {{a.b.0}} {{this}} {{./a}} {{../a}} {{[odd name]}} {{@index}} {{@root.a}}      escaped as the call asks, see below
 *     {{{a}}} {{&a}}                                                                 never escaped
 *     {{#if x}} {{else if y}} {{else}} {{/if}}  #unless  #each list as |item i|  #with x as |y|  {{#x}}..{{^}}..{{/x}}
 *     {{helper arg "text" 1.5 true null key=value (helper arg)}}
 *     {{! comment }} {{!-- comment with }} --}} {{~ takes the white space beside it ~}}  \{{ is no tag
 *
 * Helpers (template_helpers.h is the table): lookup truncate json length join first last default. A tag that stands alone on
 * its line takes the line with it. White space, escaping, truth (nil, false, 0, "" and empty lists are false, empty maps are
 * true) and paths are those of Handlebars 4.7; tests/templates holds its answers. What differs, on purpose: a helper's name
 * without arguments is a variable when the data has it; a map as text is an error (write {{json x}}); numbers print as
 * Clojure prints them; partials, decorators, raw blocks and helpers of one's own do not exist; the `{{/if}}` behind an
 * `{{else if}}` takes its line with it like any other.
 *
 * Keys of the data may be keywords or strings. A variable that the data lacks is an error, but where a template asks whether
 * it is there: as what #if, #unless, `default` and a section {{#x}} look at, and of an #each or #with that has an {{else}}.
 *
 * Templates are trusted with nothing: nesting, tags, output and work are limited, and an error is all that goes wrong.
 * Parsing: any thread. Rendering: registered threads; the data must be realised (a step's config is). */
#ifndef BR_TEMPLATE_H
#define BR_TEMPLATE_H
#include "reader/text.h"

typedef struct Template Template;

/* Where in the template's text (bytes count as characters of UTF-8), what, and the variable that was missing ("" if none). */
typedef struct TemplateError { int line, col; char msg[320]; char variable[128]; } TemplateError;

enum { TEMPLATE_DEPTH = 64 };                      /* of blocks and subexpressions */
#define TEMPLATE_MAX_BYTES ((size_t)1 << 20)       /* of a template's text: spec/flows.md 10 */
#define TEMPLATE_MAX_OUTPUT ((size_t)8 << 20)      /* of one budget */
#define TEMPLATE_MAX_WORK 300000                   /* tags, elements, and each 64 bytes of text that is made or copied */

typedef struct TemplateBudget { size_t bytes; int64_t work; } TemplateBudget;
#define TEMPLATE_BUDGET ((TemplateBudget){TEMPLATE_MAX_OUTPUT, TEMPLATE_MAX_WORK})

typedef struct TemplateOptions {
  bool html;              /* escape & < > " ' ` = of {{x}}; without it nothing is escaped */
  bool lenient;           /* a missing variable is the empty text */
  bool braces;            /* {name} in plain text too, when the data has that name: older notifications */
  TemplateBudget *budget; /* shared by the strings of one template; NULL: a fresh one */
} TemplateOptions;

/* NULL: *e says what was expected. The text is not kept. */
Template *template_parse(const char *s, size_t n, TemplateError *e);
void template_free(Template *t);
/* Appends to out. false: *e; out then holds the part before. */
bool template_render(const Template *t, Val data, const TemplateOptions *o, Buf *out, TemplateError *e);
#endif
