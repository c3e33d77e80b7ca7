/* json.h - values <-> JSON, as spec/decisions.md's first row says.
 *
 * In: objects become maps (a duplicate key: the last one wins), arrays vectors; identifier-like keys (ASCII letters, digits and
 * _ - . ? ! * + < > = with at most one inner /, not starting with a digit) become keywords, others stay strings. Integers
 * beyond 64 bits become doubles.
 * Out: keywords lose their colon and keep ns/name; sets, lists and seqs become arrays; #inst and #uuid strings; ratios and
 * BigDecimals numbers; characters strings; other keys than strings and keywords their pr-str.
 *
 * jansson does the parsing; its header is included in json.c alone. Registered threads only (values are built). */
#ifndef BR_JSON_H
#define BR_JSON_H
#include "reader/map.h"
#include "reader/text.h"
#include "port.h"

enum { JSON_DEPTH = 1000 };
#define JSON_MAX_BYTES ((size_t)256 << 20) /* of written text */

/* The one JSON value in the text. ABSENT on an error: code "json", message "line:column: what is wrong". */
Val json_parse(const char *s, size_t n, Err *e);
/* The same, with the keys of objects in their order (of those with at most 256): for what is shown again. */
Val json_parse_ordered(const char *s, size_t n, Err *e);
/* Is the text a key, a string or a number of this JSON? A quick look, which also says yes where it is a part of one, or of what is no JSON. Any thread. */
bool json_names(const char *s, size_t n, const char *text);
/* Does key text become a keyword? */
bool json_keyword_like(const char *s, size_t n);

/* Append v to b. nil; SIG_DEMAND (deep, of v) when an unrealised lazy seq is inside; SIG_THROW when v has no JSON form
 * (##NaN, functions, atoms, bytes ...): IllegalArgumentException that names the path, or LimitError for depth and size.
 * On a signal the buffer holds rubbish. */
Val json_print(Buf *b, Val v);
Val json_pretty(Buf *b, Val v); /* two spaces a level */
/* A scalar without quotes, for headers, queries and templates: strings, keywords (ns/name), symbols, numbers, booleans,
 * characters, #inst, #uuid. ABSENT for all else; a signal. */
Val json_scalar_text(Val v);
/* Append a JSON string, quotes included, of any valid UTF-8 text. Any thread. */
void json_text(Buf *b, const char *s, size_t n);
#endif
