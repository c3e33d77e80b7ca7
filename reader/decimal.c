/* decimal.c - see big.h: java.math.BigDecimal, an unscaled integer x 10^-scale. Scales of results are Java's. */
#include "big.h"
#include "mem.h"
#include <math.h>

static const char *const err_endless = "Non-terminating decimal expansion; no exact representable decimal result.";
enum { ROUND_UP, ROUND_DOWN, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_NONE };

static Val unscaled(Val a) { return AS(Decimal, a)->unscaled; }
static int64_t scale_of(Val a) { return AS(Decimal, a)->scale; }

Val dec_new(Val u, int64_t scale) {
  if (is_sig(u)) return u;
  if (scale > INT32_MAX) return ex_throw(EXC_ARITHMETIC, "Underflow");
  if (scale < INT32_MIN) return ex_throw(EXC_ARITHMETIC, "Overflow");
  if (is_long(u)) u = big_of_i64(long_of(u));
  Decimal *d = mem_obj(T_DECIMAL);
  d->scale = (int32_t)scale;
  d->unscaled = u;
  return from_obj(d);
}

/* Java clamps the scale of a zero instead of overflowing. */
static Val dec_zero(int64_t scale) {
  int64_t s = scale > INT32_MAX ? INT32_MAX : scale < INT32_MIN ? INT32_MIN : scale;
  return dec_new(fix(0), s);
}

/* u x 10^n, n >= 0 */
static Val shift10(Val u, int64_t n) {
  if (is_sig(u) || n == 0 || big_sign(u) == 0) return u;
  return big_op(OP_MUL, u, big_pow10((uint64_t)n));
}

int32_t dec_precision(Val dec) { return (int32_t)big_digits(unscaled(dec)); }

/* ---- rounding ---- */

/* Does q, truncated, with remainder r != 0 of divisor d, go one away from zero? sign: of the exact quotient */
static bool rounds_away(int mode, Val q, Val r, Val d, int sign) {
  switch (mode) {
  case ROUND_UP: return true;
  case ROUND_DOWN: return false;
  case ROUND_CEILING: return sign > 0;
  case ROUND_FLOOR: return sign < 0;
  default: break;
  }
  Val twice = big_op(OP_ADD, r, r);
  int half = is_sig(twice) ? 1 : big_cmp_abs(twice, d);
  if (half) return half > 0;
  return mode == ROUND_HALF_UP || (mode == ROUND_HALF_EVEN && big_is_odd(q));
}

static Val div_round(Val n, Val d, int mode) {
  TRY(q, big_op(OP_QUOT, n, d));
  TRY(r, big_op(OP_REM, n, d));
  if (!big_sign(r)) return q;
  if (mode == ROUND_NONE) return ex_throw(EXC_ARITHMETIC, "Rounding necessary");
  int sign = big_sign(n) * big_sign(d);
  return rounds_away(mode, q, r, d, sign) ? big_op(OP_ADD, q, fix(sign)) : q;
}

Val dec_with_scale(Val dec, int scale, int rounding) {
  int64_t up = (int64_t)scale - scale_of(dec);
  Val u = unscaled(dec);
  if (up >= 0 || !big_sign(u)) return dec_new(up >= 0 ? shift10(u, up) : u, scale);
  if (-up > (int64_t)big_digits(u) + 1) up = -(int64_t)big_digits(u) - 2; /* all of it is below a tenth of a unit */
  return dec_new(div_round(u, big_pow10((uint64_t)-up), rounding), scale);
}

/* To `digits` digits at most, as BigDecimal.round. */
Val dec_round(Val dec, int64_t digits, int rounding) {
  if (is_sig(dec)) return dec;
  while (digits > 0 && dec_precision(dec) > digits) { /* twice when rounding carries: 9.99 */
    int64_t scale = scale_of(dec) - (dec_precision(dec) - digits);
    if (scale < INT32_MIN) return ex_throw(EXC_ARITHMETIC, "Overflow");
    dec = dec_with_scale(dec, (int)scale, rounding);
    if (is_sig(dec)) return dec;
  }
  return dec;
}

/* ---- arithmetic ---- */

static Val add_sub(enum NumOp op, Val a, Val b) {
  int64_t sa = scale_of(a), sb = scale_of(b), s = sa > sb ? sa : sb;
  return dec_new(big_op(op, shift10(unscaled(a), s - sa), shift10(unscaled(b), s - sb)), s);
}

/* n/d exactly, with the smallest scale that is not below `scale`. */
static Val div_exact(Val n, Val d, int64_t scale) {
  uint64_t twos, fives;
  if (is_sig(n) || is_sig(d)) return is_sig(n) ? n : d;
  if (!big_sign(n)) return dec_zero(scale);
  TRY(g, big_gcd(n, d));
  TRY(den, big_op(OP_QUOT, d, g));
  if (!big_twos_fives(den, &twos, &fives)) return ex_throw(EXC_ARITHMETIC, "%s", err_endless);
  int64_t k = (int64_t)(twos > fives ? twos : fives);
  return dec_new(big_op(OP_QUOT, shift10(big_op(OP_QUOT, n, g), k), den), scale + k);
}

/* floor(log10|a|) */
static int64_t adjusted(Val a) { return (int64_t)big_digits(unscaled(a)) - 1 - scale_of(a); }

/* The integer part of a/b; zeros behind go as far as the scale Java prefers. */
static Val quot(Val a, Val b) {
  int64_t scale = scale_of(a) - scale_of(b), top;
  uint64_t stripped;
  if (!big_sign(unscaled(a)) || adjusted(a) < adjusted(b)) return dec_zero(scale);
  Val n = unscaled(a), d = unscaled(b);
  top = scale < 0 ? -scale : 0;
  Val q = big_op(OP_QUOT, shift10(n, top), shift10(d, scale > 0 ? scale : 0));
  if (is_sig(q)) return q;
  if (!big_sign(q)) return dec_zero(scale);
  if (scale >= 0) return dec_new(shift10(q, scale), scale);
  q = big_strip10(q, (uint64_t)-scale, &stripped);
  return dec_new(q, -(int64_t)stripped);
}

static Val rem(Val a, Val b) {
  TRY(q, quot(a, b));
  TRY(p, dec_op(OP_MUL, q, b));
  return add_sub(OP_SUB, a, p);
}

Val dec_of(Val v) {
  if (is_sig(v) || is_type(v, T_DECIMAL)) return v;
  if (is_type(v, T_RATIO)) return div_exact(ratio_num(v), ratio_den(v), 0);
  return dec_new(v, 0);
}

bool (*dec_context)(int64_t *digits, int *rounding);

/* n/d to so many digits, as BigDecimal.divide with a MathContext: exact quotients lose zeros as far as `scale`. */
static Val div_context(Val n, Val d, int64_t scale, int64_t digits, int rounding) {
  int64_t up = digits + 3 + (int64_t)big_digits(d) - (int64_t)big_digits(n);
  if (up < 0) up = 0;
  if (digits > 100000) return ex_throw(EXC_ARITHMETIC, "Precision of %lld digits is too large", (long long)digits);
  TRY(wide, shift10(n, up));
  TRY(q, big_op(OP_QUOT, wide, d));
  TRY(r, big_op(OP_REM, wide, d));
  if (big_sign(r)) { /* one more digit stands for all that follow */
    q = big_op(OP_ADD, shift10(q, 1), fix(big_sign(n) * big_sign(d)));
    return dec_round(dec_new(q, scale + up + 1), digits, rounding);
  }
  uint64_t stripped;
  q = big_strip10(q, (uint64_t)up, &stripped);
  return dec_round(dec_new(q, scale + up - (int64_t)stripped), digits, rounding);
}

static Val op_context(enum NumOp op, Val a, Val b, int64_t digits, int rounding) {
  if (op == OP_DIV && big_sign(unscaled(a))) return div_context(unscaled(a), unscaled(b), scale_of(a) - scale_of(b), digits, rounding);
  if (op == OP_QUOT || op == OP_REM) return op == OP_QUOT ? quot(a, b) : rem(a, b);
  if (op == OP_MUL) return dec_round(dec_new(big_op(OP_MUL, unscaled(a), unscaled(b)), scale_of(a) + scale_of(b)), digits, rounding);
  if (op == OP_DIV) return dec_zero(scale_of(a) - scale_of(b));
  if (op == OP_SUB && digits) { /* it is an addition of -b, which is rounded itself */
    TRY(minus, dec_round(b, digits, rounding));
    b = minus;
  }
  return dec_round(add_sub(op, a, b), digits, rounding);
}

/* Ratios are divided by the context too. */
static Val dec_of_context(Val v, int64_t digits, int rounding) {
  return is_type(v, T_RATIO) ? div_context(ratio_num(v), ratio_den(v), 0, digits, rounding) : dec_of(v);
}

static bool in_context(int64_t *digits, int *rounding) { return dec_context && dec_context(digits, rounding) && *digits > 0; }

Val dec_in_context(Val v) {
  int64_t digits = 0;
  int rounding = 4;
  return in_context(&digits, &rounding) ? dec_of_context(v, digits, rounding) : dec_of(v);
}

Val dec_negate(Val v) {
  int64_t digits = 0;
  int rounding = 4;
  Val n = dec_new(big_neg(unscaled(v)), scale_of(v));
  return in_context(&digits, &rounding) ? dec_round(n, digits, rounding) : n;
}

Val dec_op(enum NumOp op, Val x, Val y) {
  int64_t digits = 0;
  int rounding = 4;
  if (in_context(&digits, &rounding)) {
    TRY(a, dec_of_context(x, digits, rounding));
    TRY(b, dec_of_context(y, digits, rounding));
    return op_context(op, a, b, digits, rounding);
  }
  TRY(a, dec_of(x));
  TRY(b, dec_of(y));
  switch (op) {
  case OP_MUL: return dec_new(big_op(OP_MUL, unscaled(a), unscaled(b)), scale_of(a) + scale_of(b));
  case OP_DIV: return div_exact(unscaled(a), unscaled(b), scale_of(a) - scale_of(b));
  case OP_QUOT: return quot(a, b);
  case OP_REM: return rem(a, b);
  default: return add_sub(op, a, b);
  }
}

/* ---- comparison, hash ---- */

/* Two decimals of the same sign: the magnitudes decide before anything is scaled up. */
static int cmp_same_sign(Val a, Val b, int sign) {
  int64_t x = adjusted(a), y = adjusted(b);
  if (x != y) return x > y ? sign : -sign;
  int64_t sa = scale_of(a), sb = scale_of(b), s = sa > sb ? sa : sb;
  Val u = shift10(unscaled(a), s - sa), v = shift10(unscaled(b), s - sb);
  return is_sig(u) || is_sig(v) ? 0 : big_cmp(u, v); /* never: a difference of scales is one of digits here */
}

int dec_cmp(Val a, Val b) {
  if (is_type(a, T_RATIO) || is_type(b, T_RATIO)) {
    Val x = is_type(a, T_DECIMAL) ? dec_rational(a) : a, y = is_type(b, T_DECIMAL) ? dec_rational(b) : b;
    if (!is_sig(x) && !is_sig(y)) return ratio_cmp(x, y);
    double p = num_to_double(a), q = num_to_double(b); /* beyond the size limit */
    return (p > q) - (p < q);
  }
  a = dec_of(a);
  b = dec_of(b);
  int sa = big_sign(unscaled(a)), sb = big_sign(unscaled(b));
  if (sa != sb || !sa) return (sa > sb) - (sa < sb);
  return cmp_same_sign(a, b, sa);
}

/* Of the value without zeros behind, so that 1.0M and 1.00M agree. */
uint32_t dec_hash(Val a) {
  uint64_t n;
  Val u = unscaled(a);
  if (!big_sign(u)) return 0;
  int64_t room = scale_of(a) - (int64_t)INT32_MIN;
  Val s = big_strip10(u, (uint64_t)room, &n);
  return 31 * big_hash(s) + (uint32_t)(scale_of(a) - (int64_t)n);
}

/* ---- conversions ---- */

Val dec_rational(Val a) {
  int64_t s = scale_of(a);
  if (s <= 0) return shift10(unscaled(a), -s);
  if (!big_sign(unscaled(a))) return big_of_i64(0);
  TRY(p, big_pow10((uint64_t)s));
  return ratio_make(unscaled(a), p);
}

Val dec_to_integer(Val a) {
  int64_t s = scale_of(a);
  if (s <= 0) return shift10(unscaled(a), -s);
  if (s >= (int64_t)big_digits(unscaled(a))) return big_of_i64(0);
  return big_op(OP_QUOT, unscaled(a), big_pow10((uint64_t)s));
}

double dec_to_double(Val a) {
  Buf b = {0};
  dec_print(&b, a);
  double d = dbl_of_text(b.p, b.n);
  buf_free(&b);
  return d;
}

/* As Ratio.doubleValue: by way of sixteen decimal digits. */
double dec_ratio_to_double(Val ratio) {
  Val n = ratio_num(ratio), d = ratio_den(ratio);
  int64_t k = 18 - ((int64_t)big_digits(n) - (int64_t)big_digits(d)); /* 17 to 19 digits of quotient */
  Val q = NIL, r = NIL;
  Val top = shift10(n, k > 0 ? k : 0), bottom = shift10(d, k < 0 ? -k : 0);
  q = big_op(OP_QUOT, top, bottom);
  r = big_op(OP_REM, top, bottom);
  if (is_sig(q) || is_sig(r)) return big_to_double(n) / big_to_double(d);
  /* a digit that stands for all that was cut off, so that the rounding below cannot see a false tie */
  q = big_op(OP_ADD, big_op(OP_MUL, q, fix(10)), fix(big_sign(r)));
  Val dec = dec_round(dec_new(q, k + 1), 16, ROUND_HALF_EVEN);
  return is_sig(dec) ? big_to_double(n) / big_to_double(d) : dec_to_double(dec);
}

/* ---- text ---- */

void dec_print(Buf *b, Val a) {
  Buf t = {0};
  int64_t scale = scale_of(a);
  big_print(&t, unscaled(a));
  const char *p = t.p;
  int64_t n = (int64_t)t.n;
  if (*p == '-') {
    buf_ch(b, '-');
    p++, n--;
  }
  int64_t exp = n - 1 - scale;
  if (scale < 0 || exp < -6) {
    buf_ch(b, *p);
    if (n > 1) buf_ch(b, '.');
    buf_add(b, p + 1, (size_t)n - 1);
    if (exp) buf_fmt(b, "E%+lld", (long long)exp);
  } else if (n > scale) {
    buf_add(b, p, (size_t)(n - scale));
    if (scale) buf_ch(b, '.');
    buf_add(b, p + n - scale, (size_t)scale);
  } else {
    buf_add(b, "0.", 2);
    for (int64_t i = n; i < scale; i++) buf_ch(b, '0');
    buf_add(b, p, (size_t)n);
  }
  buf_free(&t);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The part behind the digits: empty, or e with a whole exponent. False: malformed; saturates far beyond int. */
static bool parse_exponent(const char *p, const char *end, int64_t *exp) {
  *exp = 0;
  if (p == end) return true;
  if (*p != 'e' && *p != 'E') return false;
  bool neg = ++p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  if (p == end) return false;
  for (; p < end; p++) {
    if (!is_digit(*p)) return false;
    if (*exp < (int64_t)1 << 40) *exp = *exp * 10 + (*p - '0');
  }
  if (neg) *exp = -*exp;
  return true;
}

Val dec_of_text(const char *s, size_t n) {
  const char *p = s, *end = s + n;
  int64_t after = 0, exp;
  bool point = false;
  Buf digits = {0};
  if (p < end && (*p == '-' || *p == '+')) buf_ch(&digits, *p++);
  size_t sign = digits.n;
  for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
    if (*p == '.') {
      point = true;
    } else {
      buf_ch(&digits, *p);
      after += point;
    }
  }
  bool ok = digits.n > sign && parse_exponent(p, end, &exp);
  Val u = ok ? big_of_decimal_text(digits.p, digits.n, 10) : ABSENT;
  buf_free(&digits);
  if (!ok || is_sig(u)) return u;
  if (after - exp > INT32_MAX || after - exp < INT32_MIN) return ex_throw(EXC_NUMBER_FORMAT, "Exponent overflow.");
  return dec_new(u, after - exp);
}

Val dec_of_double(double d) {
  if (!isfinite(d))
    return ex_throw(EXC_NUMBER_FORMAT,
                    "Character %c is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.",
                    isnan(d) ? 'N' : 'I');
  Buf b = {0};
  dbl_print(&b, d);
  Val v = dec_of_text(b.p, b.n);
  buf_free(&b);
  return v;
}
