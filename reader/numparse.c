/* numparse.c - text to numbers: tokens of Clojure's reader, and Long.parseLong and Double.parseDouble. */
#include "big.h"
#include "mem.h"
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t count_digits(const char *p, const char *end) {
  const char *q = p;
  while (q < end && is_digit(*q)) q++;
  return (size_t)(q - p);
}

/* ---- doubles ---- */

static locale_t c_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", NULL);
  if (!c_locale) mem_exhausted(0);
}

static double slow_double(const char *s, size_t n) {
  char small[64];
  pthread_once(&locale_once, make_locale);
  char *text = n < sizeof small ? small : mem_raw(n + 1);
  memcpy(text, s, n);
  text[n] = 0;
  double d = strtod_l(text, NULL, c_locale);
  if (text != small) mem_raw_free(text);
  return d;
}

/* Up to 15 digits and a power of ten that is exact too: one rounding, so the result is the nearest. */
static bool quick_double(const char *s, size_t n, double *out) {
  static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *p = s, *end = s + n;
  bool neg = p < end && *p == '-', point = false;
  int digits = 0, exp = 0;
  int64_t m = 0;
  if (p < end && (*p == '-' || *p == '+')) p++;
  for (; p < end && (is_digit(*p) || *p == '.'); p++) {
    if (*p == '.') {
      point = true;
      continue;
    }
    if (++digits > 15) return false;
    m = m * 10 + (*p - '0');
    exp -= point;
  }
  if (p < end) {
    bool down = p + 1 < end && p[1] == '-';
    const char *q = p + 1 + (down || (p + 1 < end && p[1] == '+'));
    if (end - q > 3) return false;
    int e = 0;
    for (; q < end; q++) e = e * 10 + (*q - '0');
    exp += down ? -e : e;
  }
  if (exp < -22 || exp > 22) return false;
  double d = exp < 0 ? (double)m / tens[-exp] : (double)m * tens[exp];
  *out = neg ? -d : d;
  return true;
}

double dbl_of_text(const char *s, size_t n) {
  double d;
  return quick_double(s, n, &d) ? d : slow_double(s, n);
}

/* Behind the digits: [e [+-] digits]. NULL: malformed. */
static const char *skip_exponent(const char *p, const char *end, char mark) {
  if (p == end || (*p | 0x20) != mark) return p;
  p++;
  if (p < end && (*p == '+' || *p == '-')) p++;
  size_t n = count_digits(p, end);
  return n ? p + n : NULL;
}

static size_t count_hex(const char *p, const char *end) {
  const char *q = p;
  while (q < end && (is_digit(*q) || ((*q | 0x20) >= 'a' && (*q | 0x20) <= 'f'))) q++;
  return (size_t)(q - p);
}

/* Java's FloatingPointLiteral without sign, decimal or hexadecimal: its end without the suffix; NULL: malformed. */
static const char *skip_literal(const char *p, const char *end) {
  bool hex = end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x';
  size_t (*count)(const char *, const char *) = hex ? count_hex : count_digits;
  if (hex) p += 2;
  size_t n = count(p, end), m = 0;
  p += n;
  if (p < end && *p == '.') {
    p++;
    p += m = count(p, end);
  }
  if (n + m == 0) return NULL;
  const char *q = skip_exponent(p, end, hex ? 'p' : 'e');
  return hex && q == p ? NULL : q;
}

static bool text_is(const char *p, const char *end, const char *word) {
  return (size_t)(end - p) == strlen(word) && !memcmp(p, word, strlen(word));
}

static Val parse_java_double(const char *p, const char *end) {
  while (p < end && (uint8_t)*p <= ' ') p++;
  while (end > p && (uint8_t)end[-1] <= ' ') end--;
  const char *start = p;
  bool neg = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  if (text_is(p, end, "NaN")) return dbl_val((double)NAN);
  if (text_is(p, end, "Infinity")) return dbl_val(neg ? -INFINITY : INFINITY);
  const char *q = skip_literal(p, end);
  if (!q) return NIL;
  bool suffix = q + 1 == end && strchr("fFdD", *q);
  if (q != end && !suffix) return NIL;
  bool hex = q - p > 2 && (p[1] | 0x20) == 'x';
  return dbl_val(hex ? slow_double(start, (size_t)(q - start)) : dbl_of_text(start, (size_t)(q - start)));
}

static Val want_string(Val v) {
  const char *cls = class_name_of(v);
  return ex_throw(EXC_ILLEGAL_ARG, "Expected string, got %s", cls ? cls : "nil");
}

Val num_parse_double(Val str) {
  if (!is_str(str)) return want_string(str);
  return parse_java_double(str_s(str), str_s(str) + str_n(str));
}

/* ---- integers ---- */

/* All of [p, end) as decimal digits; false if it is not, or does not fit. */
static bool parse_i64(const char *p, const char *end, bool neg, int64_t *out) {
  uint64_t m = 0;
  if (p == end) return false;
  for (; p < end; p++) {
    if (!is_digit(*p) || __builtin_mul_overflow(m, 10u, &m)) return false;
    if (__builtin_add_overflow(m, (uint64_t)(*p - '0'), &m)) return false;
  }
  if (m > (uint64_t)INT64_MAX + neg) return false;
  *out = neg ? (int64_t)(0 - m) : (int64_t)m;
  return true;
}

static const char *skip_sign(const char *p, const char *end) { return p < end && (*p == '-' || *p == '+') ? p + 1 : p; }

Val num_parse_long(Val str) {
  int64_t i;
  if (!is_str(str)) return want_string(str);
  const char *p = str_s(str), *end = p + str_n(str);
  return parse_i64(skip_sign(p, end), end, p < end && *p == '-', &i) ? int_val(i) : NIL;
}

/* Digits in a radix, with the sign the token had; a Long if it fits and no N follows. */
static Val integer(const char *p, const char *end, int radix, bool neg, bool n) {
  Buf b = {0};
  if (neg) buf_ch(&b, '-');
  buf_add(&b, p, (size_t)(end - p));
  Val v = big_of_decimal_text(b.p, b.n, radix);
  buf_free(&b);
  return n ? v : big_normalise(v);
}

static bool all_octal(const char *p, const char *end) {
  while (p < end && *p >= '0' && *p <= '7') p++;
  return p == end;
}

static bool all_alnum(const char *p, const char *end) {
  while (p < end && (is_digit(*p) || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'))) p++;
  return p == end;
}

/* `12r` or `2r` at p, digits behind: the radix, else 0. */
static int radix_prefix(const char *p, const char *end, const char **digits) {
  size_t n = count_digits(p, end);
  if (n < 1 || n > 2 || *p == '0' || end - p < (ptrdiff_t)n + 2 || (p[n] | 0x20) != 'r') return 0;
  *digits = p + n + 1;
  return n == 1 ? p[0] - '0' : (p[0] - '0') * 10 + (p[1] - '0');
}

/* p is behind the sign. With a radix, N is a digit when it is the last: Clojure's pattern is greedy. */
static Val parse_integer(const char *p, const char *end, bool neg) {
  const char *digits;
  int radix = radix_prefix(p, end, &digits);
  if (radix) return all_alnum(digits, end) ? integer(digits, end, radix, neg, false) : ABSENT;
  bool n = end[-1] == 'N';
  if (n) end--;
  if (p == end) return ABSENT;
  if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
    return count_hex(p + 2, end) == (size_t)(end - p - 2) ? integer(p + 2, end, 16, neg, n) : ABSENT;
  if (count_digits(p, end) != (size_t)(end - p)) return ABSENT;
  if (*p == '0' && end - p > 1) return all_octal(p, end) ? integer(p + 1, end, 8, neg, n) : ABSENT;
  return integer(p, end, 10, neg, n);
}

static Val parse_ratio(const char *p, const char *slash, const char *end, bool neg) {
  if (count_digits(p, slash) != (size_t)(slash - p) || slash + 1 == end) return ABSENT;
  if (count_digits(slash + 1, end) != (size_t)(end - slash - 1)) return ABSENT;
  TRY(n, integer(p, slash, 10, neg, false));
  TRY(d, integer(slash + 1, end, 10, false, false));
  return num_div(n, d);
}

/* digits [. digits] [exponent] [M]; s is where the sign is, p behind it */
static Val parse_float(const char *s, const char *p, const char *end) {
  const char *q = p + count_digits(p, end);
  if (q < end && *q == '.') {
    q++;
    q += count_digits(q, end);
  }
  q = skip_exponent(q, end, 'e');
  if (!q) return ABSENT;
  if (q == end) return dbl_val(dbl_of_text(s, (size_t)(q - s)));
  return q + 1 == end && *q == 'M' ? dec_of_text(s, (size_t)(q - s)) : ABSENT;
}

Val num_parse(const char *s, size_t n) {
  const char *end = s + n, *p = skip_sign(s, end);
  int64_t i;
  bool neg = n && *s == '-';
  if (p == end || !is_digit(*p)) return ABSENT;
  if ((*p != '0' || p + 1 == end) && parse_i64(p, end, neg, &i)) return int_val(i);
  const char *slash = memchr(p, '/', (size_t)(end - p));
  if (slash) return parse_ratio(p, slash, end, neg);
  Val v = parse_integer(p, end, neg);
  if (!same(v, ABSENT)) return v;
  if (*p == '0' && count_digits(p, end) == (size_t)(end - p)) return ABSENT; /* 08 */
  return parse_float(s, p, end);
}
