/* http_build_int.h - what http_build.c and http_payload.c share: one build under way. Functions return nil or a signal; what is
 * wrong with the config is collected as problems. */
#ifndef BR_HTTP_BUILD_INT_H
#define BR_HTTP_BUILD_INT_H
#include "reader/text.h"
#include "reader/vec.h"
#include "http_build.h"

typedef struct Build {
  Val cfg;
  HttpRequest *req;
  HttpPlan *plan;
  const HttpRefs *refs; /* NULL: there are none to look at */
  ValVec problems, texts; /* texts: kept alive, for pointers into them */
  const char *type; /* of the error, once there are problems */
  Buf url, form;
  bool has_query;
} Build;

void build_problem(Build *b, const char *text);
void build_problem_val(Build *b, const char *before, Val v, const char *after); /* before <value> after */
Val build_get(Build *b, const char *key);
bool build_has(Build *b, const char *key); /* also when it is nil */
/* f with every text of v: a scalar once, a vector, list, set or seq once per element; nil is skipped. */
typedef void (*EachFn)(Build *b, Val key, Val text);
Val build_each_text(Build *b, const char *what, Val key, Val v, EachFn f);
Val build_each_pair(Build *b, const char *what, Val m, EachFn f);
void build_add_pair(Buf *b, Val key, Val text, bool form); /* key=text, percent-encoded */
bool build_header_value(Val v);                           /* no line break, no control character */
const char *build_mime(Val v);                            /* of a shortcut (:json ...) or a MIME type; NULL: neither */

/* http_payload.c: the body, and its type unless the step names one. */
Val build_body(Build *b, const char **mime);
#endif
