/* big.c - see big.h: integers of any size and ratios. GMP works on views of our own limbs (mpz_roinit_n) and on
 * temporaries of its own that are copied into a BigInt and cleared, so it never sees collected memory to free. */
#include "big.h"
#include "mem.h"
#include <gmp.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

_Static_assert(GMP_NUMB_BITS == 64, "limbs are 64 bits without nails");

typedef struct View { mpz_t z; mp_limb_t limb; } View;

static uint64_t magnitude(int64_t i) { return i < 0 ? 0 - (uint64_t)i : (uint64_t)i; }

static mpz_srcptr view(View *v, Val a) {
  if (is_long(a)) {
    int64_t i = long_of(a);
    v->limb = magnitude(i);
    return mpz_roinit_n(v->z, &v->limb, i < 0 ? -1 : i > 0);
  }
  const BigInt *b = AS(BigInt, a);
  mp_size_t n = b->n / 8;
  return mpz_roinit_n(v->z, (const mp_limb_t *)b->limb, b->h.flags & BIG_NEG ? -n : n);
}

static Val too_big(void) { return ex_throw(EXC_LIMIT, "Number too large: more than %d bits", BIG_MAX_BITS); }

/* The value of a temporary, which is cleared. */
static Val take(mpz_ptr r) {
  size_t n = mpz_size(r);
  if (n * 64 > (size_t)BIG_MAX_BITS + 64) {
    mpz_clear(r);
    return too_big();
  }
  BigInt *b = mem_obj_n(T_BIGINT, (uint32_t)(n * 8));
  if (mpz_sgn(r) < 0) b->h.flags = BIG_NEG;
  if (n) memcpy(b->limb, mpz_limbs_read(r), n * 8);
  mpz_clear(r);
  return from_obj(b);
}

Val big_of_i64(int64_t i) {
  BigInt *b = mem_obj_n(T_BIGINT, i ? 8 : 0);
  if (i < 0) b->h.flags = BIG_NEG;
  if (i) b->limb[0] = magnitude(i);
  return from_obj(b);
}

bool big_to_long(Val a, int64_t *out) {
  if (is_long(a)) {
    *out = long_of(a);
    return true;
  }
  const BigInt *b = AS(BigInt, a);
  bool neg = b->h.flags & BIG_NEG;
  uint64_t m = b->n ? b->limb[0] : 0;
  if (b->n > 8 || m > (uint64_t)INT64_MAX + neg) return false;
  *out = neg ? (int64_t)(0 - m) : (int64_t)m;
  return true;
}

Val big_normalise(Val a) {
  int64_t i;
  if (is_sig(a) || !big_to_long(a, &i)) return a;
  return int_val(i);
}

Val big_as_java(Val a) {
  if (is_sig(a)) return a;
  int64_t i;
  if (is_long(a)) a = big_of_i64(long_of(a));
  const BigInt *b = AS(BigInt, a);
  BigInt *c = mem_obj_n(T_BIGINT, b->n);
  c->h.flags = (uint8_t)(b->h.flags | BIG_JAVA);
  c->h.hash = big_to_long(a, &i) ? 0 : b->h.hash;
  memcpy(c->limb, b->limb, b->n);
  return from_obj(c);
}

/* ---- arithmetic ---- */

static bool small_op(enum NumOp op, int64_t a, int64_t b, int64_t *r) {
  switch (op) {
  case OP_ADD: return !__builtin_add_overflow(a, b, r);
  case OP_SUB: return !__builtin_sub_overflow(a, b, r);
  case OP_MUL: return !__builtin_mul_overflow(a, b, r);
  default: break;
  }
  if (b == -1) {
    if (op == OP_REM) *r = 0;
    return op == OP_REM || !__builtin_sub_overflow((int64_t)0, a, r);
  }
  *r = op == OP_REM ? a % b : a / b;
  return true;
}

static bool product_too_big(mpz_srcptr x, mpz_srcptr y) { return mpz_size(x) + mpz_size(y) > BIG_MAX_BITS / 64 + 1; }

static Val mpz_op(enum NumOp op, mpz_srcptr x, mpz_srcptr y) {
  mpz_t r;
  if (op == OP_MUL && product_too_big(x, y)) return too_big();
  mpz_init(r);
  switch (op) {
  case OP_ADD: mpz_add(r, x, y); break;
  case OP_SUB: mpz_sub(r, x, y); break;
  case OP_MUL: mpz_mul(r, x, y); break;
  case OP_REM: mpz_tdiv_r(r, x, y); break;
  default: mpz_tdiv_q(r, x, y); break;
  }
  return take(r);
}

Val big_op(enum NumOp op, Val a, Val b) {
  int64_t i, j, k;
  View x, y;
  if (is_sig(a)) return a;
  if (is_sig(b)) return b;
  if (big_to_long(a, &i) && big_to_long(b, &j) && small_op(op, i, j, &k)) return big_of_i64(k);
  return mpz_op(op, view(&x, a), view(&y, b));
}

Val big_neg(Val a) { return big_op(OP_SUB, fix(0), a); }

static uint64_t gcd64(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t t = a % b;
    a = b;
    b = t;
  }
  return a;
}

Val big_gcd(Val a, Val b) {
  int64_t i, j;
  View x, y;
  mpz_t r;
  if (is_sig(a)) return a;
  if (is_sig(b)) return b;
  if (big_to_long(a, &i) && big_to_long(b, &j)) {
    uint64_t g = gcd64(magnitude(i), magnitude(j));
    if (g <= INT64_MAX) return big_of_i64((int64_t)g);
  }
  mpz_init(r);
  mpz_gcd(r, view(&x, a), view(&y, b));
  return take(r);
}

Val big_pow10(uint64_t n) {
  if (n <= 18) {
    int64_t p = 1;
    while (n--) p *= 10;
    return big_of_i64(p);
  }
  if (n > BIG_MAX_BITS / 4) return too_big();
  mpz_t r;
  mpz_init(r);
  mpz_ui_pow_ui(r, 10, n);
  return take(r);
}

int big_sign(Val a) {
  if (is_long(a)) return (long_of(a) > 0) - (long_of(a) < 0);
  const BigInt *b = AS(BigInt, a);
  return !b->n ? 0 : b->h.flags & BIG_NEG ? -1 : 1;
}

static int sign_of(int i) { return (i > 0) - (i < 0); }

int big_cmp(Val a, Val b) {
  int64_t i, j;
  View x, y;
  if (big_to_long(a, &i) && big_to_long(b, &j)) return (i > j) - (i < j);
  return sign_of(mpz_cmp(view(&x, a), view(&y, b)));
}

int big_cmp_abs(Val a, Val b) {
  View x, y;
  return sign_of(mpz_cmpabs(view(&x, a), view(&y, b)));
}

bool big_is_odd(Val a) {
  View x;
  return mpz_odd_p(view(&x, a));
}

/* ---- conversions ---- */

/* The top 64 bits, with the lowest set if anything below is: rounding that to 53 bits rounds the whole correctly. */
double big_to_double(Val a) {
  View x;
  mpz_srcptr z = view(&x, a);
  size_t n = mpz_size(z);
  if (n <= 1) {
    double d = n ? (double)mpz_getlimbn(z, 0) : 0;
    return mpz_sgn(z) < 0 ? -d : d;
  }
  size_t bits = mpz_sizeinbase(z, 2), shift = bits - 64;
  mpz_t top;
  mpz_init(top);
  mpz_tdiv_q_2exp(top, z, shift);
  uint64_t m = mpz_getlimbn(top, 0);
  mpz_clear(top);
  if (mpz_scan1(z, 0) < shift) m |= 1;
  double d = ldexp((double)m, shift > 2000 ? 2000 : (int)shift);
  return mpz_sgn(z) < 0 ? -d : d;
}

/* BigInteger.hashCode: 32-bit words from the top, times the sign. */
uint32_t big_hash(Val a) {
  View x;
  mpz_srcptr z = view(&x, a);
  uint32_t h = 0;
  for (size_t i = mpz_size(z); i-- > 0;) {
    uint64_t w = mpz_getlimbn(z, (mp_size_t)i);
    h = 31 * (31 * h + (uint32_t)(w >> 32)) + (uint32_t)w;
  }
  return mpz_sgn(z) < 0 ? 0 - h : h;
}

size_t big_digits(Val a) {
  View x;
  mpz_t p;
  mpz_srcptr z = view(&x, a);
  size_t n = mpz_sizeinbase(z, 10); /* exact or one too many */
  if (n < 2) return 1;
  mpz_init(p);
  mpz_ui_pow_ui(p, 10, n - 1);
  if (mpz_cmpabs(z, p) < 0) n--;
  mpz_clear(p);
  return n;
}

void big_print_radix(Buf *b, Val a, int radix) {
  View x;
  mpz_srcptr z = view(&x, a);
  char *text = mem_raw(mpz_sizeinbase(z, radix) + 2);
  buf_c(b, mpz_get_str(text, radix, z));
  mem_raw_free(text);
}

void big_print(Buf *b, Val a) {
  int64_t i;
  if (big_to_long(a, &i)) buf_fmt(b, "%" PRId64, i);
  else big_print_radix(b, a, 10);
}

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

static Val bad_digits(const char *s, size_t n, int radix) {
  if (!n) return ex_throw(EXC_NUMBER_FORMAT, "Zero length BigInteger");
  if (radix == 10) return ex_throw(EXC_NUMBER_FORMAT, "For input string: \"%.*s\"", (int)n, s);
  return ex_throw(EXC_NUMBER_FORMAT, "For input string: \"%.*s\" under radix %d", (int)n, s, radix);
}

static Val mpz_of_text(const char *s, size_t n, int radix, bool neg) {
  Buf b = {0};
  mpz_t r;
  if (n > BIG_MAX_BITS / 3) return too_big();
  buf_add(&b, s, n);
  mpz_init(r);
  mpz_set_str(r, buf_cstr(&b), radix);
  buf_free(&b);
  if (neg) mpz_neg(r, r);
  return take(r);
}

Val big_of_decimal_text(const char *s, size_t n, int radix) {
  if (radix < 2 || radix > 36) return ex_throw(EXC_NUMBER_FORMAT, "Radix out of range");
  bool neg = n && *s == '-';
  if (n && (*s == '-' || *s == '+')) s++, n--;
  bool fits = n > 0;
  uint64_t m = 0;
  for (size_t i = 0; i < n; i++) {
    int d = digit_value(s[i]);
    if (d >= radix) return bad_digits(s, n, radix);
    fits = fits && !__builtin_mul_overflow(m, (uint64_t)radix, &m) && !__builtin_add_overflow(m, (uint64_t)d, &m);
  }
  if (!n) return bad_digits(s, n, radix);
  if (fits && m <= INT64_MAX) return big_of_i64(neg ? -(int64_t)m : (int64_t)m);
  return mpz_of_text(s, n, radix, neg);
}

bool big_twos_fives(Val a, uint64_t *twos, uint64_t *fives) {
  View x;
  mpz_srcptr z = view(&x, a);
  mpz_t r, five;
  mpz_init_set_ui(five, 5);
  mpz_init(r);
  *twos = mpz_scan1(z, 0);
  mpz_tdiv_q_2exp(r, z, *twos);
  *fives = mpz_remove(r, r, five);
  bool all = mpz_cmpabs_ui(r, 1) == 0;
  mpz_clear(r);
  mpz_clear(five);
  return all;
}

Val big_strip10(Val a, uint64_t max, uint64_t *count) {
  View x;
  mpz_t r, ten;
  *count = 0;
  if (is_sig(a) || !big_sign(a) || !max) return a;
  mpz_init_set_ui(ten, 10);
  mpz_init(r);
  *count = mpz_remove(r, view(&x, a), ten);
  if (*count > max) {
    mpz_ui_pow_ui(ten, 10, *count - max);
    mpz_mul(r, r, ten);
    *count = max;
  }
  mpz_clear(ten);
  return take(r);
}

/* ---- ratios ---- */

Val ratio_num(Val a) { return is_type(a, T_RATIO) ? AS(Ratio, a)->num : a; }
Val ratio_den(Val a) { return is_type(a, T_RATIO) ? AS(Ratio, a)->den : fix(1); }

Val ratio_make(Val num, Val den) {
  TRY(g, big_gcd(num, den));
  if (big_sign(den) < 0) g = big_neg(g);
  TRY(n, big_op(OP_QUOT, num, g));
  TRY(d, big_op(OP_QUOT, den, g));
  if (big_cmp(d, fix(1)) == 0) return n;
  Ratio *r = mem_obj(T_RATIO);
  r->num = n;
  r->den = d;
  return from_obj(r);
}

/* n1/d1 over n2/d2 as two cross products. */
static Val cross(Val a, Val b) { return big_op(OP_MUL, ratio_num(a), ratio_den(b)); }

static Val ratio_rem(Val a, Val b) {
  TRY(q, ratio_op(OP_QUOT, a, b));
  TRY(p, ratio_op(OP_MUL, q, b));
  return ratio_op(OP_SUB, a, p);
}

Val ratio_op(enum NumOp op, Val a, Val b) {
  if (op == OP_REM) return ratio_rem(a, b);
  if (op == OP_MUL)
    return ratio_make(big_op(OP_MUL, ratio_num(a), ratio_num(b)), big_op(OP_MUL, ratio_den(a), ratio_den(b)));
  Val x = cross(a, b), y = cross(b, a);
  if (op == OP_QUOT) return big_op(OP_QUOT, x, y);
  if (op == OP_DIV) return ratio_make(x, y);
  return ratio_make(big_op(op, x, y), big_op(OP_MUL, ratio_den(a), ratio_den(b)));
}

int ratio_cmp(Val a, Val b) {
  Val x = cross(a, b), y = cross(b, a);
  if (!is_sig(x) && !is_sig(y)) return big_cmp(x, y);
  double p = num_to_double(a), q = num_to_double(b); /* beyond the size limit: as near as doubles tell */
  return (p > q) - (p < q);
}
