/* text.h - strings, symbols, keywords, and the growing byte buffer that everything textual is written into.
 * Strings are immutable UTF-8 (always valid: makers replace bad bytes by U+FFFD) and indexed by code point. Symbols
 * without metadata and keywords are interned (weakly), so equal ones are the same word. */
#ifndef BR_TEXT_H
#define BR_TEXT_H
#include "types.h"
#include <stdarg.h>

Val str_new(const char *s, size_t bytes);
Val str_c(const char *s);
Val str_fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline bool is_str(Val v) { return is_type(v, T_STR); }
static inline const char *str_s(Val v) { return AS(Str, v)->s; }
static inline size_t str_n(Val v) { return AS(Str, v)->n; }
bool str_eq_c(Val v, const char *s);   /* v is a string equal to s */
int str_cmp(Val a, Val b);             /* by UTF-16 code units, as Java's compareTo orders (sign only) */
size_t str_byte_of(Val s, uint32_t index); /* byte offset of code point `index` (index <= nchars) */
Val str_sub(Val s, uint32_t from, uint32_t to); /* code points, in range */
uint32_t str_hash_java(const char *s, size_t bytes); /* String.hashCode over UTF-16 units */
uint32_t utf8_next(const char **p);              /* decode one code point of valid UTF-8, advance */
int utf8_put(char *out, uint32_t cp);            /* encode; returns 1-4 */
bool utf8_valid(const char *s, size_t n);
size_t utf8_whole(const char *s, size_t n); /* of a text that may have been cut: its length without the beginning of a character at its end */

/* ns may be NULL / nil. */
Val kw_new(const char *ns, const char *name);
Val kw_c(const char *name);           /* no namespace; the text is taken whole */
Val kw_find(Val ns, Val name);        /* nil: no such keyword exists at the moment */
Val kw_of(Val ns, Val name);          /* T_STR or nil, T_STR */
Val kw_parse(const char *s, size_t n); /* "a/b" split as Clojure's `keyword` does */
Val sym_new(const char *ns, const char *name);
Val sym_c(const char *name);
Val sym_of(Val ns, Val name);
Val sym_parse(const char *s, size_t n);
static inline bool is_kw(Val v) { return is_type(v, T_KW); }
static inline bool is_sym(Val v) { return is_type(v, T_SYM); }
/* Every keyword that is alive now, in no order: for completion. */
void kw_each(void (*f)(Val kw, void *ctx), void *ctx);
bool sym_eq(Val a, Val b);            /* same ns and name, whatever the metadata */
bool sym_is(Val v, const char *name); /* an unqualified symbol of that name */
const char *kw_text(Val v);           /* name of a keyword, string or symbol; "" otherwise */
const char *id_text(Val v);           /* the same with the namespace of a keyword: "ns/name" */
bool kw_is(Val v, const char *name);  /* an unqualified keyword of that name */

/* Byte buffer on malloc'ed memory: no values inside, may be used on any thread. */
typedef struct Buf { char *p; size_t n, cap; } Buf;
void buf_add(Buf *b, const char *s, size_t n);
void buf_c(Buf *b, const char *s);
void buf_ch(Buf *b, char c);
void buf_cp(Buf *b, uint32_t cp);
void buf_fmt(Buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(Buf *b, const char *fmt, va_list ap, va_list again); /* again: a va_copy of ap */
Val buf_str(Buf *b); /* as a string value; the buffer is freed and zeroed */
void buf_free(Buf *b);
/* Moves the first line of b to the end of `line`, without its end, and drops it from b; a last one without end too if `rest`. */
bool buf_take_line(Buf *b, Buf *line, bool rest);
char *buf_cstr(Buf *b); /* NUL-terminated view, owned by the buffer */
#endif
