/* textops.h - operations on strings that clojure.string, java.lang.String's methods and regular expressions share. They
 * work on UTF-8 bytes; what the program sees are code points. Arguments are T_STR unless said otherwise. */
#ifndef BR_TEXTOPS_H
#define BR_TEXTOPS_H
#include "args.h"

#define TEXT_NONE SIZE_MAX
size_t text_find(Val s, Val part, size_t from);      /* byte offset at or behind `from`, TEXT_NONE */
size_t text_find_last(Val s, Val part, size_t from); /* greatest byte offset <= from */
uint32_t text_index(Val s, size_t byte);             /* code point index of a byte offset */
size_t text_byte(Val s, int64_t index);              /* the reverse, clamped to the string */
Val text_sub(Val s, int64_t from, int64_t to);       /* StringIndexOutOfBoundsException of String.substring */
Val text_trim(Val s, bool left, bool right);         /* Character.isWhitespace */
Val text_upper(Val s);
Val text_lower(Val s);
Val text_replace(Val s, Val part, Val with, bool all);
bool text_starts(Val s, Val part);
bool text_ends(Val s, Val part);
Val text_join(Val sep, Val coll); /* sep: T_STR; a T_STR or a signal */

/* Regular expressions (patterns.c). */
Val text_split(Val s, Val re, int64_t limit);              /* Pattern.split: a vector or a signal */
Val text_replace_regex(Val s, Val re, Val with, bool all); /* with: $1, ${name} and \x are understood */
#endif
