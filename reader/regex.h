/* regex.h - java.util.regex patterns on pcre2 (pcre2.h is included in regex.c alone). Match, heap and depth limits are
 * set: a blow-up is a LimitError, not a hang. Compiled code is a cache inside the T_REGEX, rebuilt after a restore.
 * Differences from java.util.regex are listed in stdlib/README.md. */
#ifndef BR_REGEX_H
#define BR_REGEX_H
#include "text.h"

Val regex_new(Val pattern);  /* T_REGEX or PatternSyntaxException with position */
/* Find from byte offset `from`. Returns nil or a signal; *found tells; groups[2*i], [2*i+1] are byte offsets or SIZE_MAX. */
typedef struct RegexMatch { bool found; uint32_t ngroups; size_t *groups; } RegexMatch; /* groups: thread-owned, till next call */
Val regex_exec(Val re, Val str, size_t from, bool anchored_whole, RegexMatch *m);
Val regex_group_index(Val re, const char *name, int *index); /* named groups */
#endif
