/* num.h - Clojure's numeric tower: long, double, BigInt, Ratio, BigDecimal. Arithmetic is Clojure's: longs throw on
 * overflow ("integer overflow"), the *p variants promote, contagion is long < bigint < ratio < decimal < double.
 * Errors: non-numbers ClassCastException, nil NullPointerException, "Divide by zero" ArithmeticException.
 * gmp.h is included in num.c and big.c alone. Locale never matters. */
#ifndef BR_NUM_H
#define BR_NUM_H
#include "text.h"

/* The precision and rounding of the moment for decimals (with-precision); false or 0 digits: exact. NULL: always exact. */
extern bool (*dec_context)(int64_t *digits, int *rounding);

bool is_num(Val v);
bool is_long(Val v);                 /* fixnum or T_LONG: what Clojure calls Long */
static inline bool is_dbl(Val v) { return is_flo(v) || is_type(v, T_DOUBLE); }
bool is_integer(Val v);              /* long or bigint */
int64_t long_of(Val v);              /* is_long only */
double dbl_of(Val v);                /* is_dbl only */
bool is_float(Val v);                /* what (float x) makes: a double of single precision that prints as one; any arithmetic gives doubles */
Val num_float(double d);
double num_to_double(Val v);         /* any number */
bool num_to_long(Val v, int64_t *out); /* any number, truncating; false: out of range */
/* An int index argument, as Clojure's (int x) coerces; false with a pending exception otherwise. */
bool arg_int(Val v, int64_t *out);

/* Number.longValue() and intValue() of any number: doubles saturate (NaN is 0), integers wrap around. */
int64_t num_java_long(Val v);
int32_t num_java_int(Val v);

Val num_add(Val a, Val b); Val num_sub(Val a, Val b); Val num_mul(Val a, Val b); Val num_div(Val a, Val b);
Val num_div_double(Val a, Val b);    /* of what is known to be doubles at compile time: no error for a zero divisor */
Val num_addp(Val a, Val b); Val num_subp(Val a, Val b); Val num_mulp(Val a, Val b); /* +' -' *' */
Val num_quot(Val a, Val b); Val num_rem(Val a, Val b); Val num_mod(Val a, Val b);
Val num_neg(Val a); Val num_inc(Val a); Val num_dec(Val a); Val num_negp(Val a); Val num_incp(Val a); Val num_decp(Val a);
Val num_abs(Val a);
Val num_lt(Val a, Val b); Val num_le(Val a, Val b); Val num_gt(Val a, Val b); Val num_ge(Val a, Val b); /* booleans */
Val num_equiv(Val a, Val b);         /* == : a boolean */
bool num_eq(Val a, Val b);           /* = on two numbers: same category and value */
int num_cmp(Val a, Val b);           /* compare on two numbers, -1 0 1 */
Val num_compare(Val a, Val b, int *out); /* the same, or ArithmeticException of 1/3 and a decimal: it has no exact decimal */
bool num_is_zero(Val v); bool num_is_pos(Val v); bool num_is_neg(Val v);
Val num_numerator(Val r); Val num_denominator(Val r);
Val num_rationalize(Val v);
Val num_to_bigint(Val v);            /* bigint */
Val num_to_biginteger(Val v);
Val num_to_decimal(Val v);           /* bigdec */
Val num_to_long_checked(Val v);      /* (long x): value out of range throws IllegalArgumentException */
Val num_to_int_checked(Val v);       /* (int x): chars too */
enum BitOp { BIT_AND, BIT_OR, BIT_XOR, BIT_AND_NOT, BIT_SHL, BIT_SHR, BIT_USHR, BIT_CLEAR, BIT_SET, BIT_FLIP, BIT_TEST };
Val num_bit(enum BitOp op, Val a, Val b);
Val num_bit_not(Val a);
Val dec_with_scale(Val dec, int scale, int rounding); /* java.math rounding modes 0-7; 7 = UNNECESSARY throws */
Val dec_round(Val dec, int64_t digits, int rounding); /* to so many digits at most; digits 0 = all */
int32_t dec_precision(Val dec);

uint32_t num_hash(Val v);            /* Clojure hasheq */
void num_print(Buf *b, Val v);       /* as pr prints: 1N 1.5M 1.0E10 ##Inf */
void num_str(Buf *b, Val v);         /* as str prints: 1 1.5 1.0E10 Infinity */
void flt_print(Buf *b, float f);     /* Java's Float.toString, shortest digits */
void dbl_print(Buf *b, double d);    /* Java's Double.toString for finite values, shortest digits */

/* Parse the text of a number token in Clojure's reader syntax. ABSENT: it is not a number; SIG_THROW: e.g. 1/0. */
Val num_parse(const char *s, size_t n);
Val num_parse_long(Val str);         /* parse-long: nil if it is none */
Val num_parse_double(Val str);       /* parse-double: Java's syntax; nil if it is none */
Val big_of_i64(int64_t i);
Val big_of_decimal_text(const char *s, size_t n, int radix); /* digits with optional sign */
Val big_normalise(Val big);          /* a long if it fits */
#endif
