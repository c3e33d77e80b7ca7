/* test_textdiff.c - diffs are correct (they make b of a), as short as diff's, and quick on texts with nothing in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "runtime/base/textdiff.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static TextDiff diff(const char *a, const char *b, Buf *out) { return textdiff(a, strlen(a), "a", b, strlen(b), "b", out); }

static void texts(void **state) {
  (void)state;
  static const struct {
    const char *a, *b, *out;
  } cases[] = {
      {"", "", ""},
      {"x\ny\n", "x\ny\n", ""},
      {"", "x\n", "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n"},
      {"x\n", "", "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n"},
      {"x\ny\nz\n", "x\nz\n", "--- a\n+++ b\n@@ -1,3 +1,2 @@\n x\n-y\n z\n"},
      {"x", "x\n", "--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "1\nB\n3\n4\n5\n6\n7\n8\n9\n10\nX\n12\n",
       "--- a\n+++ b\n@@ -1,5 +1,5 @@\n 1\n-2\n+B\n 3\n 4\n 5\n@@ -8,5 +8,5 @@\n 8\n 9\n 10\n-11\n+X\n 12\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Buf b = {0};
    diff(cases[i].a, cases[i].b, &b);
    assert_string_equal(buf_cstr(&b), cases[i].out);
    buf_free(&b);
  }
}

/* The length of a shortest script, by the table of all common subsequences. */
static size_t shortest(const char *a, size_t na, const char *b, size_t nb) {
  static size_t t[65][65];
  memset(t, 0, sizeof t);
  for (size_t i = 1; i <= na; i++)
    for (size_t j = 1; j <= nb; j++)
      t[i][j] = a[i - 1] == b[j - 1] ? t[i - 1][j - 1] + 1 : t[i - 1][j] > t[i][j - 1] ? t[i - 1][j] : t[i][j - 1];
  return na + nb - 2 * t[na][nb];
}

static size_t random_text(char *letters, char *text, int alphabet) {
  size_t n = (size_t)(rand() % 60);
  for (size_t i = 0; i < n; i++) {
    letters[i] = (char)('a' + rand() % alphabet);
    text[2 * i] = letters[i];
    text[2 * i + 1] = '\n';
  }
  text[2 * n] = 0;
  return n;
}

/* The unified form applied to a. */
static void apply(const char *a, const char *patch, Buf *out) {
  size_t at = 0, from, len = strlen(a);
  const char *p = strstr(patch, "@@");
  while (p) {
    if (sscanf(p, "@@ -%zu", &from) != 1) break;
    size_t n = 1;
    const char *comma = strpbrk(p + 4, ", ");
    if (*comma == ',') n = (size_t)atol(comma + 1);
    size_t first = n ? from - 1 : from;
    for (; at < first; at++) buf_add(out, a + 2 * at, 2);
    for (p = strchr(p, '\n') + 1; *p && strncmp(p, "@@", 2); p += 3) {
      if (*p == ' ') assert_int_equal(a[2 * at], p[1]), at++, buf_add(out, p + 1, 2);
      else if (*p == '-') assert_int_equal(a[2 * at], p[1]), at++;
      else buf_add(out, p + 1, 2);
    }
    if (!*p) p = NULL;
  }
  buf_add(out, a + 2 * at, len - 2 * at);
}

static void random_pairs(void **state) {
  (void)state;
  srand(5);
  for (int round = 0; round < 20000; round++) {
    char la[64], lb[64], a[130], b[130];
    int alphabet = 2 + rand() % 12;
    size_t na = random_text(la, a, alphabet), nb = random_text(lb, b, alphabet);
    Buf out = {0}, made = {0};
    TextDiff t = diff(a, b, &out);
    assert_int_equal(t.added + t.removed, shortest(la, na, lb, nb));
    apply(a, buf_cstr(&out), &made);
    assert_string_equal(buf_cstr(&made), b);
    buf_free(&out);
    buf_free(&made);
  }
}

static void nothing_in_common(void **state) {
  (void)state;
  Buf a = {0}, b = {0};
  for (int i = 0; i < 100000; i++) buf_fmt(&a, "a%d\n", i), buf_fmt(&b, "b%d\n", i);
  buf_c(&a, "end\n"), buf_c(&b, "end\n");
  clock_t from = clock();
  TextDiff t = textdiff(a.p, a.n, "a", b.p, b.n, "b", NULL);
  assert_true(clock() - from < 5 * CLOCKS_PER_SEC);
  assert_int_equal(t.added, 100000);
  assert_int_equal(t.removed, 100000);
  buf_free(&a);
  buf_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(random_pairs), cmocka_unit_test(nothing_in_common)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
