/* Secrets cut out of a stream: every way of cutting it into pieces gives what the whole gives. */
#include "runtime/base/secret_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static SecretUse other = {(char *)"other", (char *)"sesame-open", NULL};
static SecretUse longer = {(char *)"longer", (char *)"sesame-open-now", &other};
static SecretUse shorty = {(char *)"shorty", (char *)"abc", &longer}; /* too short to be one */
static SecretUse again = {(char *)"again", (char *)"aaaaaab", &shorty};

static bool take(void *ctx, const char *p, size_t n) {
  buf_add(ctx, p, n);
  return true;
}

static void in_pieces(const char *text, size_t piece, const char *want) {
  SecretStream *s = secret_stream_new(&again);
  Buf out = {0};
  for (size_t i = 0, n = strlen(text); i < n; i += piece) assert_true(secret_stream_add(s, text + i, i + piece < n ? piece : n - i, take, &out));
  assert_true(secret_stream_end(s, take, &out));
  assert_string_equal(buf_cstr(&out), want);
  buf_free(&out);
  secret_stream_free(s);
}

static void t_pieces(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", ""},
      {"abc sesame", "abc sesame"},
      {"x sesame-open y", "x #secret[other] y"},
      {"sesame-open-nowsesame-open", "#secret[longer]#secret[other]"},
      {"sesame-open-nosesame-open-now", "#secret[other]-no#secret[longer]"},
      {"sesame-sesame-open-", "sesame-#secret[other]-"},
      {"aaaaaaaaaab!", "aaaa#secret[again]!"},
      {"aaaaaa", "aaaaaa"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (size_t piece = 1; piece <= strlen(cases[i][0]) + 1; piece++) in_pieces(cases[i][0], piece, cases[i][1]);
}

static bool refuse(void *ctx, const char *p, size_t n) { return (void)ctx, (void)p, (void)n, false; }

static void t_refused(void **state) {
  (void)state;
  SecretStream *s = secret_stream_new(&longer);
  assert_false(secret_stream_add(s, "0123456789012345678901234567890", 31, refuse, NULL));
  secret_stream_free(s);
  SecretUse none = {(char *)"n", (char *)"short", NULL};
  assert_null(secret_stream_new(&none));
  assert_null(secret_stream_new(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(t_pieces), cmocka_unit_test(t_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
