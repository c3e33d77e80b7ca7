/* read.c - tokens, strings, characters, numbers and collections; the reader macros are in read_syntax.c.
 *
 * Scanning is driven by a table of character attributes. Line and column are counted only when somebody asks: for an
 * error, for the position of a list, and once at the end of each top-level form. The elements of open collections lie on
 * one growing stack, and vectors and maps are made from it in bulk. */
#include "read_impl.h"
#include "mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- character attributes ---- */

enum {
  C_SPACE = 1,   /* white space and comma */
  C_END = 2,     /* ends a symbol or keyword (white space too) */
  C_NUMEND = 4,  /* ends a number */
  C_SLASH = 8,
  C_COLON = 16,
  C_HIGH = 32,   /* part of a multi-byte character */
  C_STR = 64,    /* needs attention inside a string */
  C_EDNNUM = 128 /* ends a number in source, not in EDN */
};
#define CE (C_END | C_NUMEND)
static const uint8_t attr[256] = {
    ['\t'] = C_SPACE | CE, ['\n'] = C_SPACE | CE, [0x0b] = C_SPACE | CE, ['\f'] = C_SPACE | CE, ['\r'] = C_SPACE | CE,
    [0x1c] = C_SPACE | CE, [0x1d] = C_SPACE | CE, [0x1e] = C_SPACE | CE, [0x1f] = C_SPACE | CE, [' '] = C_SPACE | CE,
    [','] = C_SPACE | CE,  ['"'] = CE | C_STR,    [';'] = CE,            ['@'] = CE | C_EDNNUM, ['^'] = CE,
    ['`'] = CE | C_EDNNUM, ['~'] = CE | C_EDNNUM, ['('] = CE,            [')'] = CE,            ['['] = CE,
    [']'] = CE,            ['{'] = CE,            ['}'] = CE,            ['\\'] = CE | C_STR,   ['#'] = C_NUMEND,
    ['\''] = C_NUMEND | C_EDNNUM, ['%'] = C_NUMEND | C_EDNNUM, ['/'] = C_SLASH, [':'] = C_COLON,
    [128 ... 255] = C_HIGH,
};
#define ATTR(p) attr[(uint8_t)*(p)]
#define IS_DIGIT(c) ((uint8_t)((c) - '0') < 10)

/* Java's Character.isWhitespace, and the comma. */
bool read_is_space(const char *p, const char *end, int *len) {
  *len = 1;
  if (p >= end) return false;
  if ((uint8_t)*p < 0x80) return ATTR(p) & C_SPACE;
  if ((uint8_t)*p < 0xe1 || (uint8_t)*p > 0xe3) return false; /* a continuation byte, or no space begins like that */
  const char *q = p;
  uint32_t c = utf8_next(&q);
  *len = (int)(q - p);
  if (c == 0x1680 || c == 0x2028 || c == 0x2029 || c == 0x205f || c == 0x3000) return true;
  return c >= 0x2000 && c <= 0x200a && c != 0x2007;
}

/* ---- positions and errors ---- */

static void pos_advance(int *line, int *col, const char *from, const char *to) {
  const char *nl;
  while (from < to && (nl = memchr(from, '\n', (size_t)(to - from)))) {
    (*line)++, *col = 1;
    from = nl + 1;
  }
  for (; from < to; from++) *col += ((uint8_t)*from & 0xc0) != 0x80;
}

static void mark_at(Reader *r, const char *at) {
  if (!r->mark) r->mark = r->src, r->line0 = r->line, r->col0 = r->col;
  if (at < r->mark) r->mark = r->src, r->line = r->line0, r->col = r->col0;
  pos_advance(&r->line, &r->col, r->mark, at);
  r->mark = at;
}

void read_position(Reader *r, const char *at, int *line, int *col) {
  Reader copy = *r;
  mark_at(&copy, at);
  *line = copy.line, *col = copy.col;
}

static Val throw_at(Reader *r, const char *at, enum Exc c, const char *text) {
  Buf b = {0};
  mark_at(r, at);
  if (r->file) buf_c(&b, r->file), buf_ch(&b, ':');
  buf_fmt(&b, "%d:%d: ", r->line, r->col);
  buf_c(&b, text);
  Val ex = ex_make(c, buf_str(&b), NIL, NIL);
  if (!r->edn && !r->natural_kinds) AS(Ex, ex)->kind = KIND_READER;
  return ex_throw_val(ex);
}

Val read_fail(Reader *r, const char *at, enum Exc c, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *text = NULL;
  if (vasprintf(&text, fmt, ap) < 0) abort();
  va_end(ap);
  Val v = throw_at(r, at, c, text);
  free(text);
  return v;
}

Val read_located(Reader *r, const char *at, Val v) {
  if (!same(v, SIG_THROW) || !is_type(pend.ex, T_EX)) return v;
  Val msg = AS(Ex, pend.ex)->msg;
  return throw_at(r, at, (enum Exc)AS(Ex, pend.ex)->cls, is_str(msg) ? str_s(msg) : "");
}

/* "; expected ] to close [ at 3:14" when a delimiter is open */
static void expected_close(Reader *r, char out[160]) {
  out[0] = 0;
  if (!r->open) return;
  int line, col;
  read_position(r, r->open->at, &line, &col);
  const char *at = r->open->at;
  int n = 1;
  while (n < 24 && at + n < r->end && at[n - 1] != '(' && at[n - 1] != '[' && at[n - 1] != '{') n++;
  snprintf(out, 160, "; expected %c to close %.*s at %s%s%d:%d", r->open->close, n, at, r->file && strlen(r->file) < 80 ? r->file : "",
           r->file && strlen(r->file) < 80 ? ":" : "", line, col);
}

/* An error because the text ends, while what began at `open` is open. */
Val read_fail_eof(Reader *r, const char *open, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *text = NULL;
  if (vasprintf(&text, fmt, ap) < 0) abort();
  va_end(ap);
  Val v = throw_at(r, r->end, EXC_RUNTIME, text);
  free(text);
  r->eof = true;
  r->eof_at = open;
  return v;
}

Val read_eof(Reader *r, const char *what) {
  const char *open = r->open ? r->open->at : NULL;
  char close[160];
  expected_close(r, close);
  if (close[0] || !what) return read_fail_eof(r, open, "EOF while reading%s", close);
  return read_fail_eof(r, open, "EOF while reading; expected %s", what);
}

static Val unmatched(Reader *r) {
  char close[160];
  expected_close(r, close);
  return read_fail(r, r->p, EXC_RUNTIME, "Unmatched delimiter: %c%s", *r->p, close[0] ? close : "; nothing is open");
}

/* ---- white space ---- */

static void skip_line(Reader *r) {
  const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
  r->p = nl ? nl + 1 : r->end;
}

void read_skip_space(Reader *r) {
  int n;
  for (; r->p < r->end; r->p += n) {
    if (ATTR(r->p) & C_SPACE)
      n = 1;
    else if (!(ATTR(r->p) & C_HIGH) || !read_is_space(r->p, r->end, &n))
      return;
  }
}

/* Behind `%`: nothing that continues a token. */
bool read_at_token_end(Reader *r) {
  int n;
  return r->p >= r->end || (ATTR(r->p) & C_END) || read_is_space(r->p, r->end, &n);
}

/* ---- symbols and keywords ---- */

#define CACHE_SLOTS 512
struct ReadCache { struct { const char *s; size_t n; Val v; } slot[CACHE_SLOTS]; };

/* A document repeats its keys: look a keyword up by its text before interning it. */
static Val keyword(Reader *r, const char *s, size_t n) {
  if (!r->cache) {
    if (r->end - r->src < 1024) return kw_parse(s, n);
    r->cache = mem_alloc(sizeof *r->cache);
  }
  uint32_t h = (uint32_t)n * 31 + (uint8_t)s[0] * 7u + (uint8_t)s[n - 1] * 101u + (uint8_t)s[n / 2] * 1031u;
  h = (h ^ h >> 9) % CACHE_SLOTS;
  if (r->cache->slot[h].n == n && !memcmp(r->cache->slot[h].s, s, n)) return r->cache->slot[h].v;
  Val k = kw_parse(s, n);
  r->cache->slot[h].s = s, r->cache->slot[h].n = n, r->cache->slot[h].v = k;
  return k;
}

Val read_ns_name(Reader *r) { return is_sym(r->ns) ? AS(Sym, r->ns)->name : str_c("user"); }

Val read_alias(Reader *r, Val alias) {
  if (!is_map(r->aliases)) return NIL;
  Val ns = map_get(r->aliases, alias, NIL);
  return is_sym(ns) ? AS(Sym, ns)->name : NIL;
}

/* Does it match (X.*SLASH)?(SLASH|X[^SLASH]*), X neither digit nor slash? Sets where the name begins. */
static bool name_matches(const char *s, size_t n, size_t *name) {
  *name = 0;
  if (n == 0) return false;
  if (n == 1 && s[0] == '/') return true;
  if (IS_DIGIT(s[0]) || s[0] == '/') return false;
  const char *slash = memrchr(s, '/', n);
  if (!slash) return true;
  *name = (size_t)(slash - s) + 1;
  if (*name == n) { /* the name may be "/" itself */
    *name = n - 1;
    return n >= 3 && s[n - 2] == '/';
  }
  return !IS_DIGIT(s[*name]);
}

static bool has_double_colon(const char *s, size_t n) { return n > 2 && memmem(s + 1, n - 1, "::", 2); }

/* LispReader's matchSymbol: is the text a symbol or keyword at all? */
static bool token_valid(const char *s, size_t n) {
  size_t name, skip = n > 0 && s[0] == ':';
  if (!name_matches(s + skip, n - skip, &name)) {
    if (!skip || !name_matches(s, n, &name)) return false;
    skip = 0;
  }
  name += skip;
  if (name >= skip + 2 && s[name - 2] == ':') return false; /* the namespace ends in a colon */
  return s[n - 1] != ':' && !has_double_colon(s, n);
}

/* ::name, ::alias/name; s is behind the colons. */
static Val auto_keyword(Reader *r, const char *at, const char *s, size_t n) {
  Val sym = sym_parse(s, n), ns = AS(Sym, sym)->ns;
  if (r->edn) return read_fail(r, at, EXC_RUNTIME, "Invalid token: ::%.*s; EDN has no ::keywords", (int)(n > 200 ? 200 : n), s);
  if (is_nil(ns)) return kw_of(read_ns_name(r), AS(Sym, sym)->name);
  Val full = read_alias(r, sym_of(NIL, ns));
  if (is_nil(full) && r->suppress) full = ns;
  if (!is_nil(full)) return kw_of(full, AS(Sym, sym)->name);
  return read_fail(r, at, EXC_RUNTIME, "Invalid token: ::%.*s; there is no alias %.100s", (int)(n > 200 ? 200 : n), s, str_s(ns));
}

static Val invalid_token(Reader *r, const char *s, size_t n) {
  return read_fail(r, s, EXC_RUNTIME, "Invalid token: %.*s", (int)(n > 200 ? 200 : n), s);
}

static Val token_value(Reader *r, const char *s, size_t n, unsigned flags) {
  bool plain = !(flags & (C_SLASH | C_COLON));
  if (s[0] == ':') {
    if (n > 1 && plain) return keyword(r, s + 1, n - 1);
    if (!token_valid(s, n)) return invalid_token(r, s, n);
    if (s[1] == ':') return auto_keyword(r, s, s + 2, n - 2);
    return keyword(r, s + 1, n - 1);
  }
  if (n == 3 && !memcmp(s, "nil", 3)) return NIL;
  if (n == 4 && !memcmp(s, "true", 4)) return TRUE_V;
  if (n == 5 && !memcmp(s, "false", 5)) return FALSE_V;
  if (!plain || IS_DIGIT(s[0]) || s[0] == '/')
    if (!token_valid(s, n)) return invalid_token(r, s, n);
  return sym_parse(s, n);
}

/* Scan on from r->p to the end of a token; returns the attributes met on the way. */
static unsigned scan_token(Reader *r) {
  const char *p = r->p, *end = r->end;
  unsigned flags = 0, a;
  int n;
  while (p < end && !((a = ATTR(p)) & C_END)) {
    if ((a & C_HIGH) && read_is_space(p, end, &n)) break;
    flags |= a;
    p++;
  }
  r->p = p;
  return flags;
}

Val read_token(Reader *r) {
  const char *s = r->p;
  bool slash = *r->p == '/';
  r->p++;
  unsigned flags = scan_token(r) | (slash ? C_SLASH : 0);
  if (r->edn && r->p < r->end && (ATTR(r->p) & C_EDNNUM))
    return read_fail(r, r->p, EXC_RUNTIME, "Invalid constituent character: %c", *r->p);
  return token_value(r, s, (size_t)(r->p - s), flags);
}

/* ---- numbers ---- */

static const double pow10_exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool number_end(const Reader *r, const char *p) {
  if (p >= r->end) return true;
  uint8_t a = ATTR(p);
  int n;
  if (a & C_HIGH) return read_is_space(p, r->end, &n);
  return (a & C_NUMEND) && !(r->edn && (a & C_EDNNUM));
}

static Val number_slow(Reader *r, const char *s) {
  const char *p = s;
  while (!number_end(r, p)) p++;
  r->p = p;
  Val v = num_parse(s, (size_t)(p - s));
  if (same(v, ABSENT)) return read_fail(r, s, EXC_NUMBER_FORMAT, "Invalid number: %.*s", (int)(p - s > 200 ? 200 : p - s), s);
  return read_located(r, s, v);
}

/* Plain integers of up to 18 digits, and decimals whose digits and power of ten are exact doubles (then one division
 * rounds correctly); all else is num_parse's. */
static Val read_number(Reader *r) {
  const char *s = r->p, *p = s;
  bool neg = *p == '-';
  if (*p == '-' || *p == '+') p++;
  const char *d = p;
  uint64_t m = 0;
  for (; p < r->end && IS_DIGIT(*p); p++) m = m * 10 + (uint64_t)(*p - '0');
  ptrdiff_t nd = p - d;
  if (nd > 18) return number_slow(r, s);
  if (number_end(r, p)) {
    if (*d == '0' && nd > 1) return number_slow(r, s);
    r->p = p;
    return int_val(neg ? -(int64_t)m : (int64_t)m);
  }
  if (*p != '.') return number_slow(r, s);
  const char *dot = p++;
  for (; p < r->end && IS_DIGIT(*p); p++) m = m * 10 + (uint64_t)(*p - '0');
  ptrdiff_t nf = p - dot - 1;
  if (nd + nf > 18 || m > (UINT64_C(1) << 53) || !number_end(r, p)) return number_slow(r, s);
  double v = (double)m / pow10_exact[nf];
  r->p = p;
  return dbl_val(neg ? -v : v);
}

/* ---- strings and characters ---- */

static int digit_value(uint32_t c, int base) {
  int v = c >= '0' && c <= '9' ? (int)c - '0' : (c | 32) >= 'a' && (c | 32) <= 'z' && c < 128 ? (int)(c | 32) - 'a' + 10 : 99;
  return v < base ? v : -1;
}

static int char_len(const Reader *r, const char *p) {
  const char *q = p;
  if (p >= r->end) return 0;
  if ((uint8_t)*p < 0x80) return 1;
  utf8_next(&q);
  return (int)(q - p);
}

/* Up to `length` digits from r->p; false with an exception pending. */
static bool escape_digits(Reader *r, const char *at, int base, int length, bool exact, uint32_t *out) {
  int i = 0, d;
  for (*out = 0; i < length && r->p < r->end && !(ATTR(r->p) & C_NUMEND); i++, r->p++) {
    if ((d = digit_value((uint8_t)*r->p, base)) < 0) {
      read_fail(r, at, EXC_ILLEGAL_ARG, "Invalid digit: %.*s", char_len(r, r->p), r->p);
      return false;
    }
    *out = *out * (uint32_t)base + (uint32_t)d;
  }
  if (i == length || !exact) return true;
  read_fail(r, at, EXC_ILLEGAL_ARG, "Invalid character length: %d, should be: %d", i, length);
  return false;
}

/* A \u escape may be half of a surrogate pair. Strings are UTF-8: a lone half becomes U+FFFD. */
static bool unicode_escape(Reader *r, const char *at, uint32_t *out) {
  if (r->p < r->end && digit_value((uint8_t)*r->p, 16) < 0) {
    read_fail(r, at, EXC_RUNTIME, "Invalid unicode escape: \\u%.*s", char_len(r, r->p), r->p);
    return false;
  }
  if (!escape_digits(r, at, 16, 4, true, out)) return false;
  if (*out < 0xd800 || *out > 0xdfff) return true;
  uint32_t low;
  const char *back = r->p;
  if (*out < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
    r->p += 2;
    if (!escape_digits(r, at, 16, 4, true, &low)) return false;
    if (low >= 0xdc00 && low <= 0xdfff) {
      *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
      return true;
    }
    r->p = back;
  }
  *out = 0xfffd;
  return true;
}

/* r->p is behind the backslash. */
static bool string_escape(Reader *r, Buf *b) {
  const char *at = r->p - 1;
  uint32_t cp;
  char c = *r->p;
  static const char simple[256] = {['t'] = '\t', ['r'] = '\r', ['n'] = '\n', ['\\'] = '\\', ['"'] = '"', ['b'] = '\b', ['f'] = '\f'};
  if (simple[(uint8_t)c]) {
    buf_ch(b, simple[(uint8_t)c]);
    r->p++;
    return true;
  }
  if (c == 'u') {
    r->p++;
    if (!unicode_escape(r, at, &cp)) return false;
    buf_cp(b, cp);
    return true;
  }
  if (IS_DIGIT(c)) {
    if (!escape_digits(r, at, 8, 3, false, &cp)) return false;
    if (cp > 0377) {
      read_fail(r, at, EXC_RUNTIME, "Octal escape sequence must be in range [0, 377].");
      return false;
    }
    buf_cp(b, cp);
    return true;
  }
  read_fail(r, at, EXC_RUNTIME, "Unsupported escape character: \\%.*s", char_len(r, r->p), r->p);
  return false;
}

static const char *string_run(const Reader *r, const char *p) {
  while (p < r->end && !(ATTR(p) & C_STR)) p++;
  return p;
}

Val read_string_eof(Reader *r, const char *at, const char *kind) {
  int line, col;
  read_position(r, at, &line, &col);
  return read_fail_eof(r, at, "EOF while reading %s; expected \" to close the one at %d:%d", kind, line, col);
}

static Val read_string(Reader *r) {
  const char *at = r->p++, *p = string_run(r, r->p);
  if (p < r->end && *p == '"') {
    Val v = str_new(r->p, (size_t)(p - r->p));
    r->p = p + 1;
    return v;
  }
  Buf b = {0};
  for (;;) {
    buf_add(&b, r->p, (size_t)(p - r->p));
    r->p = p;
    if (p < r->end && *p == '"') break;
    if (r->end - p < 2) {
      buf_free(&b);
      return read_string_eof(r, at, "string");
    }
    r->p++;
    if (!string_escape(r, &b)) {
      buf_free(&b);
      return SIG_THROW;
    }
    p = string_run(r, r->p);
  }
  r->p++;
  return buf_str(&b);
}

static Val char_unicode(Reader *r, const char *at, const char *s, size_t n) {
  uint32_t cp = 0;
  int d;
  if (n != 5) return read_fail(r, at, EXC_ILLEGAL_ARG, "Invalid unicode character: \\%.*s; expected 4 digits", (int)(n > 80 ? 80 : n), s);
  for (size_t i = 1; i < n; i++) {
    if ((d = digit_value((uint8_t)s[i], 16)) < 0)
      return read_fail(r, at, EXC_ILLEGAL_ARG, "Invalid digit: %.*s", char_len(r, s + i), s + i);
    cp = cp << 4 | (uint32_t)d;
  }
  if (cp >= 0xd800 && cp <= 0xdfff) return read_fail(r, at, EXC_RUNTIME, "Invalid character constant: \\u%x", cp);
  return char_val(cp);
}

static Val char_octal(Reader *r, const char *at, const char *s, size_t n) {
  uint32_t cp = 0;
  int d;
  if (n > 4) return read_fail(r, at, EXC_RUNTIME, "Invalid octal escape sequence length: %zu", n - 1);
  for (size_t i = 1; i < n; i++) {
    if ((d = digit_value((uint8_t)s[i], 8)) < 0)
      return read_fail(r, at, EXC_ILLEGAL_ARG, "Invalid digit: %.*s", char_len(r, s + i), s + i);
    cp = cp << 3 | (uint32_t)d;
  }
  if (cp > 0377) return read_fail(r, at, EXC_RUNTIME, "Octal escape sequence must be in range [0, 377].");
  return char_val(cp);
}

static Val read_char(Reader *r) {
  static const struct { const char *name; char c; } names[] = {{"newline", '\n'},   {"space", ' '},     {"tab", '\t'},
                                                               {"backspace", '\b'}, {"formfeed", '\f'}, {"return", '\r'}};
  const char *at = r->p++, *s = r->p;
  if (s >= r->end) return read_fail_eof(r, r->open ? r->open->at : NULL, "EOF while reading character");
  r->p += char_len(r, s);
  const char *one = r->p;
  scan_token(r);
  size_t n = (size_t)(r->p - s);
  if (r->p == one) return char_val(utf8_next(&s));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i].name) == n && !memcmp(names[i].name, s, n)) return char_val((uint8_t)names[i].c);
  if (*s == 'u') return char_unicode(r, at, s, n);
  if (*s == 'o') return char_octal(r, at, s, n);
  return read_fail(r, at, EXC_RUNTIME, "Unsupported character: \\%.*s", (int)(n > 80 ? 80 : n), s);
}

/* ---- collections ---- */

static inline void push(Reader *r, Val v) {
  if (r->stack.n < r->stack.cap)
    r->stack.a[r->stack.n++] = v;
  else
    vv_push(&r->stack, v);
}

static Val too_deep(Reader *r, const char *at) {
  return read_fail(r, at, EXC_RUNTIME, "Forms are nested deeper than %d", READ_DEPTH);
}

Val read_elems(Reader *r, const char *at, char close, size_t *base) {
  struct ReadOpen open = {at, close, r->open};
  if (r->depth >= READ_DEPTH) return too_deep(r, at);
  r->depth++;
  r->open = &open;
  *base = r->stack.n;
  for (;;) {
    TRY(v, read_any(r, close));
    if (same(v, READ_CLOSE)) break;
    if (same(v, ABSENT)) return read_eof(r, NULL);
    push(r, v);
  }
  r->depth--;
  r->open = open.up;
  return NIL;
}

void read_note_pos(Reader *r, const char *at, int *line, int *col) {
  if (!r->positions) return;
  mark_at(r, at);
  *line = r->line, *col = r->col;
}

Val read_pos_meta(Reader *r, int line, int col) {
  if (is_nil(r->kw_line)) r->kw_line = kw_c("line"), r->kw_column = kw_c("column");
  AMap *m = mem_obj_n(T_AMAP, 4);
  m->kv[0] = r->kw_line, m->kv[1] = fix(line), m->kv[2] = r->kw_column, m->kv[3] = fix(col);
  return from_obj(m);
}

Val read_list(Reader *r, const char *at) {
  size_t base;
  int line = 0, col = 0;
  read_note_pos(r, at, &line, &col);
  CHECK(read_elems(r, at, ')', &base));
  Val v = r->stack.n == base ? empty_list : list_from(r->stack.a + base, r->stack.n - base);
  r->stack.n = base;
  if (r->positions && is_type(v, T_LIST)) AS(List, v)->meta = read_pos_meta(r, line, col);
  return v;
}

static Val read_vector(Reader *r, const char *at) {
  size_t base;
  CHECK(read_elems(r, at, ']', &base));
  Val v = r->stack.n == base ? vec_empty : vec_from(r->stack.a + base, r->stack.n - base);
  r->stack.n = base;
  return v;
}

static inline Val read_one_thing(Reader *r, char close);

/* The number of the first element that repeats an earlier one, of those from base on. */
static size_t repeated_at(Reader *r, size_t base, size_t step) {
  Val seen = map_empty;
  size_t i = base;
  for (; i < r->stack.n && same(map_get(seen, r->stack.a[i], ABSENT), ABSENT); i += step) seen = map_assoc(seen, r->stack.a[i], NIL);
  return i - base;
}

/* Where an element begins: nothing is kept of those in front, so they are read once more. `open` when they cannot be counted. */
static const char *element_at(Reader *r, const char *open, char close, size_t number) {
  Reader again = *r;
  again.positions = false;
  again.stack = (ValVec){0};
  again.p = open + 1;
  for (;;) {
    read_skip_space(&again);
    const char *begin = again.p;
    Val v = again.p < r->p ? read_one_thing(&again, close) : READ_CLOSE;
    if (is_sig(v) || same(v, READ_CLOSE) || !is_nil(again.pending)) return open;
    if (!same(v, READ_SKIP) && !number--) return begin;
  }
}

Val read_distinct(Reader *r, const char *open, char close, size_t base, size_t step, Val v) {
  if (!same(v, SIG_THROW) || !is_type(pend.ex, T_EX)) return v;
  Val ex = pend.ex;
  const char *place = element_at(r, open, close, repeated_at(r, base, step));
  pend.ex = ex;
  return read_located(r, place, v);
}

static Val read_map(Reader *r, const char *at) {
  size_t base;
  CHECK(read_elems(r, at, '}', &base));
  size_t n = r->stack.n - base;
  if (n & 1) return read_fail(r, at, EXC_RUNTIME, "Map literal must contain an even number of forms; it has %zu", n);
  Val v = n ? map_from(r->stack.a + base, n / 2, true) : map_empty;
  if (is_sig(v)) return read_distinct(r, at, '}', base, 2, v);
  r->stack.n = base;
  return v;
}

/* ---- the main loop ---- */

static Val source_macro(Reader *r, const char *at) {
  r->p = at + 1;
  switch (*at) {
  case '\'': return read_wrapped(r, NULL, "quote", "a form after '");
  case '@': return read_wrapped(r, "clojure.core", "deref", "a form after @");
  case '`': return read_syntax_quote(r, at);
  case '~': return read_unquote(r);
  default: return read_arg(r, at); /* % */
  }
}

/* One thing at r->p, which is not white space; READ_SKIP if it was nothing. */
static inline Val read_one_thing(Reader *r, char close) {
  const char *at = r->p;
  char c = *at;
  switch (c) {
  case ';': skip_line(r); return READ_SKIP;
  case '"': return read_string(r);
  case '\\': return read_char(r);
  case '(': r->p++; return read_list(r, at);
  case '[': r->p++; return read_vector(r, at);
  case '{': r->p++; return read_map(r, at);
  case ')':
  case ']':
  case '}':
    if (c != close) return unmatched(r);
    r->p++;
    return READ_CLOSE;
  case '^': r->p++; return read_meta(r, at);
  case '#': r->p++; return read_dispatch(r, at);
  case '@':
  case '`':
  case '~':
    if (r->edn) return read_fail(r, at, EXC_RUNTIME, "Invalid leading character: %c", c);
    return source_macro(r, at);
  case '\'':
  case '%': return r->edn ? read_token(r) : source_macro(r, at);
  case '+':
  case '-': return r->end - at > 1 && IS_DIGIT(at[1]) ? read_number(r) : read_token(r);
  default: return IS_DIGIT(c) ? read_number(r) : read_token(r);
  }
}

Val read_any(Reader *r, char close) {
  for (;;) {
    if (!is_nil(r->pending)) {
      List *l = AS(List, r->pending);
      r->pending = is_type(l->rest, T_LIST) ? l->rest : NIL;
      return l->first;
    }
    while (r->p < r->end && (ATTR(r->p) & (C_SPACE | C_HIGH))) {
      int n = 1;
      if ((ATTR(r->p) & C_HIGH) && !read_is_space(r->p, r->end, &n)) break;
      r->p += n;
    }
    if (r->p >= r->end) return ABSENT;
    Val v = read_one_thing(r, close);
    if (!same(v, READ_SKIP)) return v;
  }
}

Val read_form(Reader *r, const char *what) {
  if (r->depth >= READ_DEPTH) return too_deep(r, r->p);
  r->depth++;
  Val v = read_any(r, 0);
  r->depth--;
  return same(v, ABSENT) ? read_eof(r, what) : v;
}

/* ---- entry points ---- */

void read_init(Reader *r, const char *src, size_t n, const char *file) {
  *r = (Reader){.src = src, .p = src, .end = src + n, .file = file, .line = 1, .col = 1};
}

static size_t utf8_len(uint8_t lead) { return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4; }

/* The whole text at once: everything behind here may then decode without looking. */
static Val check_utf8(Reader *r) {
  if (utf8_valid(r->src, (size_t)(r->end - r->src))) {
    r->checked = true;
    return NIL;
  }
  const char *p = r->src;
  for (size_t n; p < r->end; p += n) {
    n = utf8_len((uint8_t)*p);
    if (n > (size_t)(r->end - p) || !utf8_valid(p, n)) break;
  }
  return read_fail(r, p, EXC_RUNTIME, "Invalid UTF-8: byte 0x%02x", (uint8_t)*p);
}

static void start_form(Reader *r) {
  r->depth = 0, r->suppress = 0;
  r->open = NULL, r->args = NULL;
  r->stack.n = 0, r->pending = NIL;
}

Val read_next(Reader *r) {
  if (!r->checked) CHECK(check_utf8(r));
  start_form(r);
  TRY(v, read_any(r, 0));
  if (!is_nil(r->pending)) return read_fail(r, r->p, EXC_RUNTIME, "Reader conditional splicing not allowed at the top level.");
  mark_at(r, r->p);
  return v;
}

Val read_one(const char *src, size_t n, const char *file, bool edn) {
  Reader r;
  read_init(&r, src, n, file);
  r.edn = edn;
  TRY(v, read_next(&r));
  if (same(v, ABSENT)) return read_fail(&r, r.end, EXC_RUNTIME, "EOF while reading; expected a form, there is none");
  read_skip_space(&r);
  const char *at = r.p;
  TRY(more, read_next(&r));
  if (!same(more, ABSENT)) return read_fail(&r, at, EXC_RUNTIME, "Expected the end of the text after the first form");
  return v;
}

bool form_pos(Val form, int *line, int *col) {
  Val m = meta_of(form);
  if (!is_map(m)) return false;
  Val l = map_get_kw(m, "line"), c = map_get_kw(m, "column");
  if (!is_fix(l) || !is_fix(c)) return false;
  *line = (int)fix_of(l), *col = (int)fix_of(c);
  return true;
}
