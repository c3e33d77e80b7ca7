/* oracle_help.h - reading the tables that real Clojure wrote (data, *_oracle.txt): tab-separated fields with backslash escapes. */
#ifndef BR_ORACLE_HELP_H
#define BR_ORACLE_HELP_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/text.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/unit/data/"
#endif

typedef struct OracleRow { char *f[4]; size_t n[4]; } OracleRow;

static inline size_t oracle_unescape(char *s, size_t n) {
  char *o = s;
  for (size_t i = 0; i < n; i++) {
    char c = s[i];
    if (c == '\\' && i + 1 < n) {
      c = s[++i];
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    *o++ = c;
  }
  *o = 0;
  return (size_t)(o - s);
}

/* Calls `each` for every row; fails when there are fewer than `at_least`. */
static inline void oracle_rows(const char *file, int at_least, void (*each)(const OracleRow *)) {
  FILE *f = fopen(file, "r");
  if (!f) fail_msg("cannot open %s: run the tests from the top of the checkout", file);
  char *line = NULL;
  size_t cap = 0;
  ssize_t len;
  int rows = 0;
  while ((len = getline(&line, &cap, f)) > 0) {
    OracleRow row;
    char *p = line, *end = line + len - 1;
    *end = 0;
    for (int i = 0; i < 4; i++) {
      char *tab = i < 3 ? memchr(p, '\t', (size_t)(end - p)) : end;
      assert_non_null(tab);
      *tab = 0;
      row.f[i] = p, row.n[i] = oracle_unescape(p, (size_t)(tab - p));
      p = tab + 1;
    }
    each(&row);
    rows++;
  }
  free(line);
  fclose(f);
  assert_true(rows >= at_least);
}

static inline const char *pending_message(void) {
  assert_true(is_type(pend.ex, T_EX));
  Val m = AS(Ex, pend.ex)->msg;
  return is_str(m) ? str_s(m) : "";
}
#endif
