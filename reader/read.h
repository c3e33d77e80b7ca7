/* read.h - text to values: Clojure source and strict EDN.
 *
 * Source mode reads every literal of Clojure 1.11 (numbers of all forms, strings, characters, regexes, keywords,
 * ::keywords, namespaced maps, sets, quote syntax-quote unquote deref var #() metadata discard reader conditionals with
 * features :clj and :default, tagged literals, ##Inf). `#=` is refused. Lists carry {:line :column} metadata when
 * `positions` is set. Errors are RuntimeException (kind :reader) with "file:line:col: what; expected what", and an
 * unbalanced delimiter names its opener and where that stands. Depth is limited (1,000 nested forms). */
#ifndef BR_READ_H
#define BR_READ_H
#include "print.h"
#include "ex.h"

typedef struct Reader {
  const char *src, *p, *end; /* UTF-8 text; invalid bytes are an error with position */
  const char *file;          /* for messages; may be NULL */
  int line, col;             /* 1-based; col counts code points */
  bool edn;                  /* strict EDN: no quote, #(), regex, metadata is allowed, ... */
  bool positions;
  int depth;
  Val ns;                    /* current namespace name (symbol) for ::kw and syntax-quote; nil = user */
  Val aliases;               /* map alias symbol -> namespace symbol; may be nil */
  /* syntax-quote: full name of an unqualified symbol (e.g. clojure.core/map); NULL = current namespace */
  Val (*resolve)(void *ctx, Val sym);
  void *ctx;
  int64_t (*gensym)(void *ctx); /* next number for x# and #(); NULL = a thread counter */
  Val tag_readers;           /* map symbol -> handled by `tag_read`; may be nil */
  Val (*tag_read)(void *ctx, Val tag, Val form); /* unknown tags; NULL or ABSENT: an error, T_TAGGED is never made */
  Val data_default;          /* reserved */
  bool natural_kinds;        /* errors keep the kind of their class (read-string at run time) instead of :reader; EDN mode implies it */

  /* The rest belongs to read.c. `line` and `col` above are those of `mark`: where the last form ended, or the error is. */
  const char *mark;
  int line0, col0;
  bool eof;                  /* the error is that the text ends too early; `eof_at` is what is open then, NULL: nothing */
  const char *eof_at;
  bool checked;              /* the text is known to be valid UTF-8 */
  uint8_t suppress;          /* > 0: inside a branch of #? that was not taken */
  struct ReadOpen *open;     /* innermost open delimiter */
  struct ReadArgs *args;     /* parameters of the #() being read */
  struct ReadCache *cache;   /* keywords lately seen */
  ValVec stack;              /* elements of the open collections */
  Val pending;               /* list of forms that #?@ spliced and nobody took yet */
  Val kw_line, kw_column;
} Reader;

void read_init(Reader *r, const char *src, size_t n, const char *file);
/* The next form; ABSENT at the end of input; a signal on error. */
Val read_next(Reader *r);
/* Exactly one form, nothing but white space and comments behind it. */
Val read_one(const char *src, size_t n, const char *file, bool edn);
/* Line and column of the text position `at` (1-based, code points). */
void read_position(Reader *r, const char *at, int *line, int *col);
/* Line and column that a form read with positions carries; false when it has none. */
bool form_pos(Val form, int *line, int *col);
/* #inst "..." / #uuid "..." text to value; a signal on error. */
Val inst_parse(Val str);
Val uuid_parse(Val str);       /* ABSENT if malformed */
void inst_print(Buf *b, int64_t ms); /* 2026-01-01T00:00:00.000-00:00 */
void uuid_print(Buf *b, const Uuid *u);
void inst_str(Buf *b, int64_t ms);   /* as java.util.Date's toString in UTC: Thu Jan 01 00:00:00 UTC 2026 */
#endif
