/* dblprint.c - shortest decimal digits of a double (Raffaello Giulietti, "The Schubfach way to render doubles", 2020)
 * in the format of Java's Double.toString.
 *
 * A double c x 2^q owns the interval between the midpoints to its neighbours. With 10^k the largest power of ten not
 * above the interval's width, at most one multiple of 10^(k+1) and at least one of 10^k lie inside. All is computed as
 * multiples of 10^k / 4, from 128-bit powers of ten rounded up, with the fraction folded into the lowest bit (sticky). */
#include "big.h"
#include <math.h>
#include <pthread.h>

typedef unsigned __int128 u128;
typedef struct Pow { uint64_t hi, lo; } Pow;
enum { POW_MIN = -292, POW_MAX = 324, WORDS = 20 };

/* 10^e as a 128-bit significand, top bit set, rounded up. */
static Pow pows[POW_MAX - POW_MIN + 1];
static pthread_once_t pows_once = PTHREAD_ONCE_INIT;

/* A plain little number for making the table: WORDS x 64 bits, least significant first. */
typedef struct Wide { uint64_t w[WORDS]; } Wide;

static void wide_mul(Wide *x, uint64_t m) {
  u128 carry = 0;
  for (int i = 0; i < WORDS; i++) {
    carry += (u128)x->w[i] * m;
    x->w[i] = (uint64_t)carry;
    carry >>= 64;
  }
}

/* Quotient in place; returns whether there was a remainder. */
static bool wide_div(Wide *x, uint64_t d) {
  u128 rem = 0;
  for (int i = WORDS - 1; i >= 0; i--) {
    rem = rem << 64 | x->w[i];
    x->w[i] = (uint64_t)(rem / d);
    rem %= d;
  }
  return rem != 0;
}

static uint64_t wide_bits(const Wide *x, int from) {
  uint64_t r = 0;
  for (int i = 63; i >= 0; i--) {
    int bit = from + i;
    r = r << 1 | (bit < 0 ? 0 : (x->w[bit / 64] >> (bit % 64)) & 1);
  }
  return r;
}

static Pow wide_top(const Wide *x, bool inexact) {
  int top = WORDS * 64 - 1;
  while (!(x->w[top / 64] >> (top % 64) & 1)) top--;
  Pow p = {wide_bits(x, top - 63), wide_bits(x, top - 127)};
  for (int i = 0; i < top - 127 && !inexact; i++) inexact = x->w[i / 64] >> (i % 64) & 1;
  if (inexact && ++p.lo == 0) p.hi++;
  return p;
}

static void make_pows(void) {
  Wide up = {.w = {1}}, down = {0};
  down.w[WORDS - 1] = (uint64_t)1 << 63; /* 2^1279 / 10^n keeps more than 300 bits */
  bool inexact = false;
  pows[-POW_MIN] = wide_top(&up, false);
  for (int e = 1; e <= POW_MAX; e++) {
    wide_mul(&up, 10);
    pows[e - POW_MIN] = wide_top(&up, false);
  }
  for (int e = -1; e >= POW_MIN; e--) {
    inexact |= wide_div(&down, 10);
    pows[e - POW_MIN] = wide_top(&down, inexact);
  }
}

/* floor(log10(2^q)), or of 3/4 x 2^q; floor(log2(10^e)) */
static int floor_log10_pow2(int q, bool three_quarters) { return (q * 1262611 - (three_quarters ? 524031 : 0)) >> 22; }
static int floor_log2_pow10(int e) { return (e * 1741647) >> 19; }

static uint64_t mul_sticky(Pow g, uint64_t x) {
  u128 lo = (u128)g.lo * x, hi = (u128)g.hi * x + (uint64_t)(lo >> 64);
  return (uint64_t)(hi >> 64) | ((uint64_t)hi > 1);
}

static uint64_t shortest(uint64_t c, int q, bool narrow_below, int *exp10) {
  int k = floor_log10_pow2(q, narrow_below), h = q + floor_log2_pow10(-k) + 1;
  uint64_t odd = c & 1;
  Pow g = pows[-k - POW_MIN];
  uint64_t low = mul_sticky(g, (4 * c - 2 + narrow_below) << h) + odd;
  uint64_t mid = mul_sticky(g, (4 * c) << h), high = mul_sticky(g, (4 * c + 2) << h) - odd, s = mid / 4;
  *exp10 = k;
  if (s >= 100) { /* one digit less, but two at least */
    uint64_t t = s / 10;
    bool down = low <= 40 * t, up = 40 * t + 40 <= high;
    if (down != up) {
      *exp10 = k + 1;
      return t + up;
    }
  }
  bool down = low <= 4 * s, up = 4 * s + 4 <= high;
  if (down != up) return s + up;
  return s + (mid > 4 * s + 2 || (mid == 4 * s + 2 && (s & 1)));
}

static uint64_t without_zeros(uint64_t s, int *exp10) {
  for (; s % 10 == 0; s /= 10) ++*exp10;
  return s;
}

uint64_t dbl_shortest(double d, int *exp10) {
  uint64_t bits, frac, s;
  memcpy(&bits, &d, 8);
  frac = bits & (((uint64_t)1 << 52) - 1);
  int e = (int)(bits >> 52 & 0x7ff);
  *exp10 = -325;
  if (e == 0 && frac == 1) return 49; /* Java: 4.9E-324, two digits though 5E-324 would do */
  pthread_once(&pows_once, make_pows);
  if (e == 0 && frac == 2) s = 100; /* 1.0E-323, one digit though 9.9E-324 is nearer */
  else if (e == 0) s = shortest(frac, -1074, false, exp10);
  else s = shortest(frac | (uint64_t)1 << 52, e - 1075, frac == 0 && e > 1, exp10);
  return without_zeros(s, exp10);
}

/* A float owns its interval as a double does; only the width of its significand and its exponents are others. */
static uint64_t flt_shortest(float f, int *exp10) {
  enum { FRAC_BITS = 23, MIN_EXP = -149 };
  uint32_t bits, frac;
  memcpy(&bits, &f, 4);
  frac = bits & ((1u << FRAC_BITS) - 1);
  int e = (int)(bits >> FRAC_BITS & 0xff);
  pthread_once(&pows_once, make_pows);
  if (e) return without_zeros(shortest(frac | 1u << FRAC_BITS, e + MIN_EXP - 1, frac == 0 && e > 1, exp10), exp10);
  if (frac >= 8) return without_zeros(shortest(frac, MIN_EXP, false, exp10), exp10);
  uint64_t s = shortest(10 * frac, MIN_EXP, false, exp10); /* two digits, as Java: 1.4E-45 though 1E-45 would do */
  --*exp10;
  return without_zeros(s, exp10);
}

/* ---- format ---- */

static int digits_of(uint64_t x, char *out) {
  char rev[24];
  int n = 0;
  do rev[n++] = (char)('0' + x % 10);
  while (x /= 10);
  for (int i = 0; i < n; i++) out[i] = rev[n - 1 - i];
  return n;
}

static void put_zeros(Buf *b, int n) {
  while (n-- > 0) buf_ch(b, '0');
}

/* d.dddEn */
static void put_scientific(Buf *b, const char *digits, int n, int exp) {
  char text[8];
  buf_ch(b, digits[0]);
  buf_ch(b, '.');
  if (n > 1) buf_add(b, digits + 1, (size_t)n - 1);
  else buf_ch(b, '0');
  buf_ch(b, 'E');
  if (exp < 0) buf_ch(b, '-');
  buf_add(b, text, (size_t)digits_of((uint64_t)(exp < 0 ? -exp : exp), text));
}

/* point: digits before the decimal point, -2 to 7 */
static void put_plain(Buf *b, const char *digits, int n, int point) {
  if (point <= 0) {
    buf_add(b, "0.", 2);
    put_zeros(b, -point);
    buf_add(b, digits, (size_t)n);
  } else if (point >= n) {
    buf_add(b, digits, (size_t)n);
    put_zeros(b, point - n);
    buf_add(b, ".0", 2);
  } else {
    buf_add(b, digits, (size_t)point);
    buf_ch(b, '.');
    buf_add(b, digits + point, (size_t)(n - point));
  }
}

static void put_digits(Buf *b, const char *digits, int n, int exp10) {
  int point = n + exp10;
  if (point > 7 || point < -2) put_scientific(b, digits, n, point - 1);
  else put_plain(b, digits, n, point);
}

void flt_print(Buf *b, float f) {
  char digits[24];
  int exp10 = 0;
  if (signbit(f)) buf_ch(b, '-');
  f = fabsf(f);
  int n = digits_of(f == 0 ? 0 : flt_shortest(f, &exp10), digits);
  put_digits(b, digits, n, exp10);
}

void dbl_print(Buf *b, double d) {
  char digits[24];
  int exp10 = 0;
  if (signbit(d)) buf_ch(b, '-');
  d = fabs(d);
  bool small_int = d < 1e7 && d == (double)(int)d;
  int n = digits_of(small_int ? (uint64_t)d : dbl_shortest(d, &exp10), digits);
  put_digits(b, digits, n, exp10);
}
