/* format.c - java.util.Formatter: %s %d %x %o %f %e %g %b %c %h %n %% with flags, width, precision and argument index.
 * %t (format_time.c). Doubles are rounded half up from their shortest decimal text, as Java does, not from their binary value. */
#include "stdlib.h"
#include "args.h"
#include "unicode.h"
#include "format.h"
#include "reader/big.h"
#include "reader/user.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { F_LEFT = 1, F_PLUS = 2, F_SPACE = 4, F_ZERO = 8, F_GROUP = 16, F_PAREN = 32, F_ALT = 64, F_PREVIOUS = 128 };
static const char flag_chars[] = "-+ 0,(#<";

typedef struct Spec {
  int index; /* argument index, 0: the next one */
  unsigned flags;
  int width, prec; /* -1: none */
  char conv;       /* lower case */
  char suffix;     /* of %t */
  bool upper;
} Spec;

/* ---- errors ---- */

static Val unknown_conversion(const char *p) {
  char c[5] = {0};
  utf8_put(c, utf8_next(&p));
  return ex_throw(EXC_FORMAT_UNKNOWN, "Conversion = '%s'", c);
}

static Val bad_type(const Spec *f, Val x) { return ex_throw(EXC_FORMAT_CONV, "%c != %s", f->conv, class_name_of(x)); }

/* The flags in the order in which java.util.Formatter names them; ^ stands for upper case. */
static void flags_text(Buf *b, unsigned flags, bool upper) {
  static const struct { char c; unsigned flag; } order[] = {{'-', F_LEFT}, {'^', 0}, {'#', F_ALT}, {'+', F_PLUS}, {' ', F_SPACE},
                                                            {'0', F_ZERO}, {',', F_GROUP}, {'(', F_PAREN}, {'<', F_PREVIOUS}};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    if (order[i].flag ? flags & order[i].flag : upper) buf_ch(b, order[i].c);
}

/* Throws for the first of the flags, in that order, that the specifier has. */
static Val no_flags(const Spec *f, const char *bad) {
  for (; *bad; bad++)
    if (f->flags & (1u << (strchr(flag_chars, *bad) - flag_chars)))
      return ex_throw(EXC_FORMAT_MISMATCH, "Conversion = %c, Flags = %c", f->conv, *bad);
  return NIL;
}

/* An exception whose message is the specifier, or its flags in quotes. */
static Val spec_error(enum Exc cls, const Spec *f) {
  Buf b = {0};
  bool missing = cls == EXC_FORMAT_MISSING;
  buf_c(&b, missing ? "Format specifier '%" : "%");
  flags_text(&b, f->flags, false);
  if (f->index) buf_fmt(&b, "%d$", f->index);
  if (f->width >= 0) buf_fmt(&b, "%d", f->width);
  if (f->prec >= 0) buf_fmt(&b, ".%d", f->prec);
  buf_ch(&b, f->upper ? (char)(f->conv - 32) : f->conv);
  if (missing) buf_ch(&b, '\'');
  Val v = ex_throw(cls, "%s", buf_cstr(&b));
  buf_free(&b);
  return v;
}

static Val flags_error(const Spec *f) {
  Buf b = {0};
  flags_text(&b, f->flags, f->upper);
  Val v = ex_throw(EXC_FORMAT_FLAGS, "Flags = '%s'", buf_cstr(&b));
  buf_free(&b);
  return v;
}

/* ---- parsing ---- */

static int parse_digits(const char **p) {
  long v = 0;
  while (**p >= '0' && **p <= '9') {
    v = v * 10 + (*(*p)++ - '0');
    if (v > 1000000) v = 1000000;
  }
  return (int)v;
}

static Val parse_flags(const char **p, Spec *f) {
  for (const char *c; **p && (c = strchr(flag_chars, **p)); ++*p) {
    unsigned flag = 1u << (c - flag_chars);
    if (f->flags & flag) return ex_throw(EXC_FORMAT_DUPLICATE, "Flags = '%c'", **p);
    f->flags |= flag;
  }
  return NIL;
}

/* %[index$][flags][width][.precision]conversion. */
static bool spec_shape(const char *p) {
  p += strspn(p, "0123456789$-+ ,(#<");
  if (*p == '.' && p[1] >= '0' && p[1] <= '9') p += 1 + strspn(p + 1, "0123456789");
  return (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '%';
}

/* One specifier; *p is behind the %. */
static Val parse_spec(const char **p, const char *end, Spec *f) {
  const char *start = *p;
  *f = (Spec){.width = -1, .prec = -1};
  if (start >= end) return unknown_conversion(start - 1);
  if (!spec_shape(start)) return unknown_conversion(start);
  const char *digits = start;
  int n = parse_digits(p);
  if (*p > digits && **p == '$') {
    f->index = n;
    ++*p;
  } else {
    *p = start;
  }
  CHECK(parse_flags(p, f));
  if (**p >= '0' && **p <= '9') f->width = parse_digits(p);
  if (**p == '.') {
    ++*p;
    f->prec = parse_digits(p);
  }
  char c = **p;
  f->upper = c >= 'A' && c <= 'Z';
  f->conv = f->upper ? (char)(c + 32) : c;
  if (!strchr("bhscdoxefgant%", f->conv) || (f->upper && !strchr("bhscxegat", f->conv))) return unknown_conversion(*p);
  ++*p;
  if (f->conv == 't') {
    if (*p >= end || !strchr(FORMAT_TIME_SUFFIXES, **p)) return ex_throw(EXC_FORMAT_UNKNOWN, "Conversion = 't%c'", *p < end ? **p : '?');
    f->suffix = *(*p)++;
  }
  return NIL;
}

static Val check_precision(const Spec *f) { return f->prec < 0 ? NIL : ex_throw(EXC_FORMAT_PRECISION, "%d", f->prec); }
static Val check_left(const Spec *f) {
  return (f->flags & F_LEFT) && f->width < 0 ? spec_error(EXC_FORMAT_NO_WIDTH, f) : NIL;
}

static Val check_general(const Spec *f) {
  if (f->conv != 's') CHECK(no_flags(f, "#"));
  CHECK(check_left(f));
  return no_flags(f, "+ 0,(");
}

static Val check_character(const Spec *f) {
  CHECK(check_precision(f));
  CHECK(no_flags(f, "#+ 0,("));
  return check_left(f);
}

static Val check_number(const Spec *f) {
  if (f->width < 0 && (f->flags & (F_LEFT | F_ZERO))) return spec_error(EXC_FORMAT_NO_WIDTH, f);
  if ((f->flags & F_PLUS && f->flags & F_SPACE) || (f->flags & F_LEFT && f->flags & F_ZERO)) return flags_error(f);
  if (strchr("dox", f->conv)) CHECK(check_precision(f));
  const char *bad = f->conv == 'd' || f->conv == 'g' ? "#" : f->conv == 'a' ? "(," : f->conv == 'f' ? "" : ",";
  return no_flags(f, bad);
}

static Val check_text(const Spec *f) { /* %% and %n */
  CHECK(check_precision(f));
  if (f->conv == 'n' && f->width >= 0) return ex_throw(EXC_FORMAT_WIDTH, "%d", f->width);
  if (f->flags & ~(unsigned)(f->conv == '%' ? F_LEFT : 0)) return flags_error(f);
  return check_left(f);
}

static Val check_spec(const Spec *f) {
  switch (f->conv) {
  case 'b': case 'h': case 's': return check_general(f);
  case 'c': case 't': return check_character(f);
  case '%': case 'n': return check_text(f);
  default: return check_number(f);
  }
}

/* ---- padding ---- */

static void put_padded(Buf *out, const Spec *f, const char *s, size_t n) {
  int64_t pad = f->width;
  for (size_t i = 0; i < n; i++) pad -= ((unsigned char)s[i] & 0xc0) != 0x80;
  if (!(f->flags & F_LEFT))
    for (int64_t i = 0; i < pad; i++) buf_ch(out, ' ');
  buf_add(out, s, n);
  if (f->flags & F_LEFT)
    for (int64_t i = 0; i < pad; i++) buf_ch(out, ' ');
}

/* A text: cut to the precision, in capitals if so, padded. */
static void put_text(Buf *out, const Spec *f, const char *s, size_t n) {
  Buf up = {0};
  if (f->prec >= 0) {
    size_t cut = 0;
    for (int chars = 0; cut < n; cut++)
      if (((unsigned char)s[cut] & 0xc0) != 0x80 && chars++ == f->prec) break;
    n = cut;
  }
  if (f->upper) {
    unicode_upper(&up, s, n);
    put_padded(out, f, buf_cstr(&up), up.n);
    buf_free(&up);
  } else {
    put_padded(out, f, s, n);
  }
}

/* A number: sign, grouping and zero padding around digits (an unsigned text with at most one point). */
static void put_number(Buf *out, const Spec *f, bool neg, const char *digits, size_t n) {
  Buf b = {0};
  size_t whole = 0;
  while (whole < n && digits[whole] >= '0' && digits[whole] <= '9') whole++;
  bool paren = neg && (f->flags & F_PAREN);
  if (paren)
    buf_ch(&b, '(');
  else if (neg)
    buf_ch(&b, '-');
  else if (f->flags & F_PLUS)
    buf_ch(&b, '+');
  else if (f->flags & F_SPACE)
    buf_ch(&b, ' ');
  size_t len = b.n + n + paren + ((f->flags & F_GROUP) && whole ? (whole - 1) / 3 : 0);
  if (f->flags & F_ZERO)
    for (; (int64_t)len < f->width; len++) buf_ch(&b, '0');
  for (size_t i = 0; i < n; i++) {
    if (i && i < whole && (f->flags & F_GROUP) && (whole - i) % 3 == 0) buf_ch(&b, ',');
    buf_ch(&b, digits[i]);
  }
  if (paren) buf_ch(&b, ')');
  put_padded(out, f, buf_cstr(&b), b.n);
  buf_free(&b);
}

/* ---- integers ---- */

/* java.math.BigInteger; not Clojure's BigInt */
static bool is_big_integer(Val x) { return is_type(x, T_BIGINT) && (AS(BigInt, x)->h.flags & 2); }

static Val put_decimal(Buf *out, const Spec *f, Val x) {
  if (!is_long(x) && !is_big_integer(x)) return bad_type(f, x);
  TRY(s, arg_str_of(x));
  bool neg = str_s(s)[0] == '-';
  put_number(out, f, neg, str_s(s) + neg, str_n(s) - neg);
  return NIL;
}

/* A java.math.BigInteger has a sign in every radix. */
static Val put_big(Buf *out, const Spec *f, Val x) {
  int radix = f->conv == 'o' ? 8 : 16;
  Buf b = {0}, text = {0};
  big_print_radix(&text, x, radix);
  bool neg = text.p[0] == '-';
  if (f->flags & F_ALT) buf_c(&b, radix == 8 ? "0" : f->upper ? "0X" : "0x");
  for (const char *c = buf_cstr(&text) + neg; *c; c++) buf_ch(&b, f->upper && *c >= 'a' ? (char)(*c - 32) : *c);
  put_number(out, f, neg, buf_cstr(&b), b.n);
  buf_free(&b);
  buf_free(&text);
  return NIL;
}

static Val put_unsigned(Buf *out, const Spec *f, Val x) {
  char buf[32];
  if (is_big_integer(x)) return put_big(out, f, x);
  if (!is_long(x)) return bad_type(f, x);
  CHECK(no_flags(f, "( +"));
  const char *prefix = !(f->flags & F_ALT) ? "" : f->conv == 'x' ? "0x" : "0";
  int n = snprintf(buf, sizeof buf, f->conv == 'o' ? "%llo" : f->upper ? "%llX" : "%llx", (unsigned long long)long_of(x));
  Buf b = {0};
  for (const char *c = prefix; *c; c++) buf_ch(&b, f->upper && *c == 'x' ? 'X' : *c);
  if (f->flags & F_ZERO)
    for (int len = n + (int)strlen(prefix); len < f->width; len++) buf_ch(&b, '0');
  buf_add(&b, buf, (size_t)n);
  put_padded(out, f, buf_cstr(&b), b.n);
  buf_free(&b);
  return NIL;
}

/* ---- floating point: decimal digits d[0..n) with the point before d[0] shifted right by `exp` places ---- */

typedef struct Digits {
  char *d;
  int n, exp;
} Digits;

static void digits_of_text(const char *s, Digits *g) { /* Java's text of a number, or BigDecimal's */
  int seen = 0, point = -1;
  g->d = malloc(strlen(s) + 2);
  if (!g->d) abort();
  for (; *s && *s != 'E' && *s != 'e'; s++) {
    if (*s == '.')
      point = seen;
    else if (*s >= '0' && *s <= '9')
      g->d[seen++] = *s;
  }
  g->n = seen;
  g->exp = (point < 0 ? seen : point) + (*s ? atoi(s + 1) : 0);
  int lead = 0;
  while (lead < g->n && g->d[lead] == '0') lead++;
  memmove(g->d, g->d + lead, (size_t)(g->n - lead));
  g->n -= lead;
  g->exp = g->n ? g->exp - lead : 0;
}

/* Keep `keep` digits, half up. */
static void digits_round(Digits *g, int keep) {
  if (keep >= g->n) return;
  if (keep < 0) {
    g->n = 0;
    return;
  }
  bool up = g->d[keep] >= '5';
  g->n = keep;
  if (!up) return;
  int i = keep - 1;
  while (i >= 0 && g->d[i] == '9') i--;
  if (i >= 0) {
    g->d[i]++;
    g->n = i + 1;
    return;
  }
  g->d[0] = '1';
  g->n = 1;
  g->exp++;
}

static char digit_at(const Digits *g, int i) { return i >= 0 && i < g->n ? g->d[i] : '0'; }

static void put_fixed(Buf *b, Digits *g, int prec) {
  digits_round(g, g->exp + prec);
  if (g->n == 0) g->exp = 0;
  if (g->exp <= 0) buf_ch(b, '0');
  for (int i = 0; i < g->exp; i++) buf_ch(b, digit_at(g, i));
  if (prec > 0) buf_ch(b, '.');
  for (int i = 0; i < prec; i++) buf_ch(b, digit_at(g, g->exp + i));
}

static void put_scientific(Buf *b, Digits *g, int prec) {
  digits_round(g, prec + 1);
  buf_ch(b, digit_at(g, 0));
  if (prec > 0) buf_ch(b, '.');
  for (int i = 1; i <= prec; i++) buf_ch(b, digit_at(g, i));
  int e = g->n ? g->exp - 1 : 0;
  buf_fmt(b, "e%c%02d", e < 0 ? '-' : '+', abs(e));
}

/* %g: after rounding to the precision, 10^-4 <= x < 10^precision is written without exponent. */
static void put_general(Buf *b, Digits *g, int prec) {
  if (prec == 0) prec = 1;
  digits_round(g, prec);
  if (g->n == 0) {
    put_fixed(b, g, prec - 1);
  } else if (g->exp > -4 && g->exp <= prec) {
    put_fixed(b, g, prec - g->exp);
  } else {
    put_scientific(b, g, prec - 1);
  }
}

static bool put_special(Buf *out, const Spec *f, double d) {
  if (d - d == 0) return false;
  Spec plain = *f;
  plain.prec = -1;
  plain.flags &= F_LEFT;
  bool neg = d < 0, paren = neg && (f->flags & F_PAREN);
  const char *text = d != d ? "NaN" : paren ? "(Infinity)" : neg ? "-Infinity" : f->flags & F_PLUS ? "+Infinity" : "Infinity";
  put_text(out, &plain, text, strlen(text));
  return true;
}

/* The significand to `prec` hexadecimal digits, halves to even; one that was rounded up to 2 is 1 of the next power. */
static uint64_t hex_round(uint64_t significand, int prec, int *exp) {
  int drop = 4 * (13 - prec);
  uint64_t half = (uint64_t)1 << (drop - 1), rest = significand & (2 * half - 1), kept = significand >> drop;
  if (rest > half || (rest == half && kept & 1)) kept++;
  if (kept >> (4 * prec) < 2) return kept;
  ++*exp;
  return kept / 2;
}

/* Java's Double.toHexString; with digits asked for, subnormal numbers are normalised. */
static void hex_text(Buf *b, double d, int prec) {
  uint64_t bits;
  memcpy(&bits, &d, 8);
  int biased = (int)(bits >> 52 & 0x7ff), exp = d == 0 ? 0 : biased ? biased - 1023 : -1022, n = 13;
  uint64_t x = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)(biased != 0) << 52;
  if (d != 0 && prec > 0 && prec < 13) {
    for (; !(x >> 52); x <<= 1) exp--;
    x = hex_round(x, n = prec, &exp);
  }
  for (; n > 1 && (x & 15) == 0; x >>= 4) n--;
  buf_fmt(b, "%s0x%u.%0*llx", signbit(d) ? "-" : "", (unsigned)(x >> (4 * n)), n, (unsigned long long)(x & (((uint64_t)1 << 4 * n) - 1)));
  for (; n < prec; n++) buf_ch(b, '0');
  buf_fmt(b, "p%d", exp);
}

static void put_hex_float(Buf *out, const Spec *f, double d) {
  Buf text = {0};
  if (!signbit(d) && f->flags & (F_PLUS | F_SPACE)) buf_ch(&text, f->flags & F_PLUS ? '+' : ' ');
  hex_text(&text, d, f->prec == 0 ? 1 : f->prec);
  Spec plain = *f;
  plain.prec = -1;
  put_text(out, &plain, text.p, text.n);
  buf_free(&text);
}

/* The point that the flag # wants, behind the digits and in front of an exponent. */
static void put_point(Buf *b) {
  size_t at = 0;
  while (at < b->n && b->p[at] >= '0' && b->p[at] <= '9') at++;
  buf_ch(b, '.');
  memmove(b->p + at + 1, b->p + at, b->n - 1 - at);
  b->p[at] = '.';
}

static Val put_float(Buf *out, const Spec *f, Val x) {
  if (!is_dbl(x) && !(is_type(x, T_DECIMAL) && f->conv != 'a')) return bad_type(f, x);
  if (is_dbl(x) && put_special(out, f, dbl_of(x))) return NIL;
  if (f->conv == 'a') {
    put_hex_float(out, f, dbl_of(x));
    return NIL;
  }
  TRY(text, arg_str_of(is_float(x) ? dbl_val(dbl_of(x)) : x));
  Digits g;
  Buf b = {0};
  digits_of_text(str_s(text), &g);
  int prec = f->prec < 0 ? 6 : f->prec;
  if (f->conv == 'f')
    put_fixed(&b, &g, prec);
  else if (f->conv == 'e')
    put_scientific(&b, &g, prec);
  else
    put_general(&b, &g, prec);
  free(g.d);
  if (f->upper)
    for (size_t i = 0; i < b.n; i++)
      if (b.p[i] == 'e') b.p[i] = 'E';
  if ((f->flags & F_ALT) && !memchr(b.p, '.', b.n)) put_point(&b);
  put_number(out, f, str_s(text)[0] == '-', buf_cstr(&b), b.n);
  buf_free(&b);
  return NIL;
}

/* ---- the other conversions ---- */

static Val put_char(Buf *out, const Spec *f, Val x) {
  if (!is_char(x)) return bad_type(f, x);
  TRY(s, arg_str_of(x));
  put_text(out, f, str_s(s), str_n(s));
  return NIL;
}

static Val put_string(Buf *out, const Spec *f, Val x) {
  CHECK(no_flags(f, "#"));
  if (is_nil(x)) {
    put_text(out, f, "null", 4);
    return NIL;
  }
  TRY(s, arg_str_of(x));
  put_text(out, f, str_s(s), str_n(s));
  return NIL;
}

static Val put_hash(Buf *out, const Spec *f, Val x) {
  char buf[16];
  uint32_t h;
  CHECK(java_hash(x, &h));
  int n = snprintf(buf, sizeof buf, "%x", h);
  put_text(out, f, buf, (size_t)n);
  return NIL;
}

static Val put_time(Buf *out, const Spec *f, Val x) {
  Buf b = {0};
  Val r = format_time(&b, f->suffix, x);
  if (!is_sig(r)) put_text(out, f, b.p ? b.p : "", b.n);
  buf_free(&b);
  return r;
}

static Val put_argument(Buf *out, const Spec *f, Val x) {
  if (f->conv == 'b') {
    const char *t = truthy(x) ? "true" : "false";
    put_text(out, f, t, strlen(t));
    return NIL;
  }
  if (f->conv == 's') return put_string(out, f, x);
  if (is_nil(x)) {
    put_text(out, f, "null", 4);
    return NIL;
  }
  switch (f->conv) {
  case 'd': return put_decimal(out, f, x);
  case 'x':
  case 'o': return put_unsigned(out, f, x);
  case 'c': return put_char(out, f, x);
  case 'h': return put_hash(out, f, x);
  case 't': return put_time(out, f, x);
  default: return put_float(out, f, x);
  }
}

static Val pick_argument(const Spec *f, int n, const Val *args, int *next, int *last, Val *x) {
  int i = f->flags & F_PREVIOUS ? *last : f->index ? f->index - 1 : (*next)++;
  if (i < 0 || i >= n) return spec_error(EXC_FORMAT_MISSING, f);
  *last = i;
  *x = args[i];
  return NIL;
}

static Val put_spec(Buf *out, const Spec *f, int n, const Val *args, int *next, int *last) {
  Val x = NIL;
  if (f->conv == 'n') {
    buf_ch(out, '\n');
    return NIL;
  }
  if (f->conv == '%') {
    put_padded(out, f, "%", 1);
    return NIL;
  }
  CHECK(pick_argument(f, n, args, next, last, &x));
  return put_argument(out, f, x);
}

/* The text from *p up to the next specifier, which is parsed into f: TRUE_V if there is one. */
static Val next_spec(const char **p, const char *end, Buf *text, Spec *f) {
  const char *q = memchr(*p, '%', (size_t)(end - *p));
  if (text) buf_add(text, *p, (size_t)((q ? q : end) - *p));
  if (!q) return FALSE_V;
  *p = q + 1;
  CHECK(parse_spec(p, end, f));
  return TRUE_V;
}

/* Java checks the whole template before it looks at the first argument. */
static Val check_template(const char *p, const char *end) {
  Spec f;
  for (;;) {
    TRY(more, next_spec(&p, end, NULL, &f));
    if (!truthy(more)) return NIL;
    CHECK(check_spec(&f));
  }
}

Val format_to(Buf *out, Val fmt, int n, const Val *args) {
  const char *p = str_s(fmt), *end = p + str_n(fmt);
  int next = 0, last = -1;
  Spec f;
  CHECK(check_template(p, end));
  for (;;) {
    TRY(more, next_spec(&p, end, out, &f));
    if (!truthy(more)) return NIL;
    CHECK(put_spec(out, &f, n, args, &next, &last));
  }
}

DOC(format, "[fmt & args]", "The text of a java.util.Formatter template.",
    "(format \"%05.1f|%-4s|%,d\" 3.14159 \"ab\" 1234567) ;=> \"003.1|ab  |1,234,567\"\n(format \"%d\" 1.5) ;!> argument");
static Val format_call(int n, const Val *a) {
  CHECK(arg_str(a[0], "String.length()", "s"));
  Buf b = {0};
  Val r = format_to(&b, a[0], n - 1, a + 1);
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}

DOC(string_format, "[fmt args]", "The text of a template with the arguments in a collection.",
    "(String/format \"%s-%s\" [1 2]) ;=> \"1-2\"");
static Val format_string_format(Val fmt, Val args) {
  ValVec v = {0};
  vv_push(&v, fmt);
  CHECK(coll_into_array(args, &v));
  return format_call((int)v.n, v.a);
}

const BuiltinRow rows_format[] = {
    ROWV("format", 1, format_call, format, B_PURE),
    ROW2("String/format", format_string_format, string_format, B_PURE),
    ROW_END,
};
