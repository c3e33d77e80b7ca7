/* regex_java.h - java.util.regex syntax to pcre2 syntax. No pcre2 here: text in, text out.
 *
 * Groups keep their numbers and names. What pcre2 would take and Java refuses (recursion, conditionals, verbs, `a{`, `a**`)
 * is refused with Java's message; what Java has and pcre2 has not (class intersection, \uXXXX, \0NN, \Q in classes,
 * \p{javaLowerCase}, flags d u U) is rewritten. */
#ifndef BR_REGEX_JAVA_H
#define BR_REGEX_JAVA_H
#include "text.h"

typedef struct RegexJava {
  Buf out;          /* the pcre2 pattern */
  bool ucp;         /* (?U) was used: \w \d \s \b are Unicode's */
  const char *error; /* NULL, or what is wrong, static or in `text` ... */
  char text[96];
  size_t error_at;  /* ... and at which byte; SIZE_MAX: nowhere in particular */
} RegexJava;

/* False when `error` is set. The caller frees `out` in any case. */
bool regex_java(const char *pattern, size_t n, RegexJava *j);
#endif
