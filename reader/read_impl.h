/* read_impl.h - what read.c (tokens, collections) and read_syntax.c (reader macros) share. Not for other files.
 *
 * A function that reads something is called with r->p behind the characters that announced it, and gets `at`, where those
 * began, for messages. It returns the form, SIG_THROW, or one of the marks below. */
#ifndef BR_READ_IMPL_H
#define BR_READ_IMPL_H
#include "read.h"
#include "regex.h"

#define READ_DEPTH 1000
#define READ_SKIP IMM(IMM_MARK, 16)  /* nothing was there: comment, discarded form, branch not taken */
#define READ_CLOSE IMM(IMM_MARK, 17) /* the delimiter that was asked for, now consumed */

struct ReadOpen { const char *at; char close; struct ReadOpen *up; };
struct ReadArgs { Val pos[21]; Val rest; int high; };

Val read_fail(Reader *r, const char *at, enum Exc c, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A result of a function that knows no positions: an exception gets this one. */
Val read_located(Reader *r, const char *at, Val v);
Val read_fail_eof(Reader *r, const char *open, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
Val read_eof(Reader *r, const char *what);
/* The next form or READ_CLOSE (when it is `close`) or ABSENT at the end of the text. */
Val read_any(Reader *r, char close);
/* The next form; at the end of the text an error that says `what` was expected. */
Val read_form(Reader *r, const char *what);
/* Elements up to `close` pushed on r->stack: nil or a signal. The caller takes them from r->stack.a + base, and pops. */
Val read_elems(Reader *r, const char *at, char close, size_t *base);
/* What map_from or set_from made of r->stack.a + base, every `step`-th a key: an exception for a key that is there twice gets
 * the place of its second time. `open` is the opening delimiter. */
Val read_distinct(Reader *r, const char *open, char close, size_t base, size_t step, Val v);
Val read_list(Reader *r, const char *at);
Val read_string_eof(Reader *r, const char *at, const char *kind);
Val read_token(Reader *r); /* symbol, keyword, nil, true, false */
bool read_is_space(const char *p, const char *end, int *len);
void read_skip_space(Reader *r);
bool read_at_token_end(Reader *r);
/* Positions must be asked for in the order of the text: a form's before its parts are read. */
void read_note_pos(Reader *r, const char *at, int *line, int *col); /* only when r->positions */
Val read_pos_meta(Reader *r, int line, int col);                   /* {:line l :column c} */
Val read_ns_name(Reader *r);           /* current namespace: a string */
Val read_alias(Reader *r, Val alias);  /* namespace name (string) an alias symbol stands for; nil if unknown */

/* read_syntax.c: `c` is the macro character */
Val read_wrapped(Reader *r, const char *sym_ns, const char *sym, const char *what);
Val read_dispatch(Reader *r, const char *at);
Val read_meta(Reader *r, const char *at);
Val read_arg(Reader *r, const char *at);
Val read_syntax_quote(Reader *r, const char *at);
Val read_unquote(Reader *r);
#endif
