/* big.h - inside of the numeric tower: integers of any size, ratios, decimals and the text of doubles. Private to
 * num.c, big.c, decimal.c, dblprint.c and numparse.c; everyone else uses num.h.
 *
 * "Integer" below is a Long or a T_BIGINT value; results are T_BIGINT unless said otherwise. Every function that takes
 * Vals and returns one hands on a signal given as an argument, so calls nest without checks between them. Numbers
 * beyond BIG_MAX_BITS are a LimitError: GMP would abort the process, and no operation can be interrupted. */
#ifndef BR_BIG_H
#define BR_BIG_H
#include "num.h"
#include "ex.h"

enum { BIG_MAX_BITS = 1 << 25, BIG_NEG = 1, BIG_JAVA = 2 };
enum NumOp { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_QUOT, OP_REM };

/* Integers. Division truncates and its divisor is not zero; OP_DIV is not for integers. */
Val big_op(enum NumOp op, Val a, Val b);
Val big_gcd(Val a, Val b);
Val big_neg(Val a);
Val big_pow10(uint64_t n);
int big_sign(Val a);
int big_cmp(Val a, Val b);
int big_cmp_abs(Val a, Val b);
bool big_is_odd(Val a);
bool big_to_long(Val a, int64_t *out); /* false: does not fit */
double big_to_double(Val a);           /* nearest, ties to even */
size_t big_digits(Val a);              /* decimal digits of |a|, 1 for 0 */
uint32_t big_hash(Val a);              /* BigInteger.hashCode */
void big_print(Buf *b, Val a);         /* decimal digits with sign, no N */
void big_print_radix(Buf *b, Val a, int radix); /* 2 to 36 */
Val big_as_java(Val a);                /* marked as a java.math.BigInteger */
bool big_twos_fives(Val a, uint64_t *twos, uint64_t *fives); /* |a| = 2^twos x 5^fives? a is not 0 */
Val big_strip10(Val a, uint64_t max, uint64_t *count);       /* a / 10^count, as many as divide it, at most max */

/* Ratios; arguments are integers or ratios. The result is a ratio, or a T_BIGINT when the denominator is 1. */
Val ratio_make(Val num, Val den); /* den is not 0 */
Val ratio_op(enum NumOp op, Val a, Val b);
int ratio_cmp(Val a, Val b);
Val ratio_num(Val a);
Val ratio_den(Val a);

/* Decimals; arguments are any exact numbers. */
Val dec_new(Val unscaled, int64_t scale);
Val dec_in_context(Val v);             /* the same by with-precision, if there is one */
Val dec_negate(Val dec);               /* by with-precision */
Val dec_of(Val v); /* ratios: ArithmeticException when the expansion does not end */
Val dec_op(enum NumOp op, Val a, Val b);
int dec_cmp(Val a, Val b); /* two T_DECIMAL, or one and an integer or ratio */
uint32_t dec_hash(Val a);
void dec_print(Buf *b, Val a); /* BigDecimal.toString, no M */
double dec_to_double(Val a);
Val dec_to_integer(Val a);     /* truncated */
Val dec_rational(Val a);       /* exact: T_BIGINT or ratio */
double dec_ratio_to_double(Val ratio);
/* [+-] digits [. digits] [e [+-] digits]; ABSENT: it is not that. */
Val dec_of_text(const char *s, size_t n);
Val dec_of_double(double d);   /* from its shortest digits; NumberFormatException unless finite */

/* Text of a decimal floating number in the syntax above to the nearest double. */
double dbl_of_text(const char *s, size_t n);
/* Shortest digits (2 at least where Java asks for them): |d| = digits x 10^*exp10; d finite and not 0. */
uint64_t dbl_shortest(double d, int *exp10);
#endif
