/* test_regex.c - patterns against java.util.regex: data/regex_oracle.txt holds what Java 17 finds (made by gen_regex.clj). */
#include "tests/unit/oracle_help.h"
#include "reader/print.h"
#include "reader/regex.h"

static Val slice(Val s, size_t from, size_t to) { return str_new(str_s(s) + from, to - from); }

static int64_t code_points(Val s, size_t bytes) {
  int64_t n = 0;
  for (size_t i = 0; i < bytes; i++) n += ((uint8_t)str_s(s)[i] & 0xc0) != 0x80;
  return n;
}

/* [start end group ...] in code points */
static Val match_vec(Val text, const RegexMatch *m) {
  Val v = vec_of2(fix(code_points(text, m->groups[0])), fix(code_points(text, m->groups[1])));
  for (uint32_t i = 1; i <= m->ngroups; i++)
    v = vec_conj(v, m->groups[2 * i] == SIZE_MAX ? NIL : slice(text, m->groups[2 * i], m->groups[2 * i + 1]));
  return v;
}

static Val find_all(Val re, Val text) {
  Val out = vec_empty;
  RegexMatch m;
  for (size_t at = 0; at <= str_n(text);) {
    TRY(r, regex_exec(re, text, at, false, &m));
    if (!m.found) break;
    out = vec_conj(out, match_vec(text, &m));
    at = m.groups[1];
    if (m.groups[0] != m.groups[1]) continue;
    do at++;
    while (at < str_n(text) && ((uint8_t)str_s(text)[at] & 0xc0) == 0x80);
  }
  return out;
}

static Val result_of(Val pattern, Val text, int times) {
  RegexMatch m;
  TRY(re, regex_new(pattern));
  Val found = NIL;
  for (int i = 0; i < times; i++) found = find_all(re, text); /* the later ones run compiled to machine code */
  CHECK(found);
  CHECK(regex_exec(re, text, 0, true, &m));
  Val kv[4] = {kw_c("find"), found, kw_c("matches"), bool_val(m.found)};
  return map_from(kv, 2, false);
}

static bool syntax_message_matches(const char *expected) {
  size_t cut = strcspn(expected, "<{\n");
  const char *near = strstr(expected, " near index");
  if (near && (size_t)(near - expected) < cut) cut = (size_t)(near - expected);
  if (cut > 16 && !strncmp(expected, "Named capturing", 15)) cut = 15;
  if (cut > 15 && !strncmp(expected, "named capturing", 15)) cut = 15;
  while (cut > 0 && expected[cut - 1] == ' ') cut--;
  return AS(Ex, pend.ex)->cls == EXC_PATTERN && strncmp(pending_message(), expected, cut) == 0;
}

static void check_row(const OracleRow *row) {
  for (int times = 1; times <= 40; times += 39) {
    Val r = result_of(str_new(row->f[0], row->n[0]), str_new(row->f[1], row->n[1]), times);
    if (same(r, SIG_THROW)) {
      if (strcmp(row->f[2], "err") != 0 || !syntax_message_matches(row->f[3]))
        print_error("/%s/ on \"%s\"\n  expected %s\n  got %s\n", row->f[0], row->f[1], row->f[3], pending_message()), fail();
      continue;
    }
    Val text = pr_str(r);
    if (strcmp(row->f[2], "ok") != 0 || !str_eq_c(text, row->f[3]))
      print_error("/%s/ on \"%s\"\n  expected %s\n  got %s\n", row->f[0], row->f[1], row->f[3], str_s(text)), fail();
  }
}

static void test_oracle(void **state) {
  (void)state;
  oracle_rows(TEST_DATA "regex_oracle.txt", 160, check_row);
}

static void test_messages(void **state) {
  (void)state;
  static const struct { const char *pattern, *message; } rows[] = {
      {"(a", "Unclosed group near index 2\n(a"},
      {"*", "Dangling meta character '*' near index 0\n*\n^"},
      {"é[", "Unclosed character class near index 1\né[\n ^"},
      {")", "Unmatched closing ')'\n)"},
      {"(?<=a+)b", "Look-behind of variable length is not supported\n(?<=a+)b"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_true(same(regex_new(str_c(rows[i].pattern)), SIG_THROW));
    assert_string_equal(pending_message(), rows[i].message);
  }
}

/* Catastrophic backtracking ends with a LimitError, interpreted and compiled. */
static void test_limits(void **state) {
  (void)state;
  Val re = regex_new(str_c("(a+)+b|(a+)+c")), text = str_c("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad");
  RegexMatch m;
  for (int i = 0; i < 30; i++) {
    assert_true(same(regex_exec(re, text, 0, i & 1, &m), SIG_THROW));
    assert_int_equal(AS(Ex, pend.ex)->cls, EXC_LIMIT);
  }
}

static void test_restored(void **state) {
  (void)state;
  Val re = regex_new(str_c("(?<y>\\d+)-(?<m>\\d+)"));
  AS(Regex, re)->code = NULL; /* as after a restore */
  RegexMatch m;
  int index = 0;
  assert_true(is_nil(regex_exec(re, str_c("on 2026-11"), 0, false, &m)));
  assert_true(m.found && m.ngroups == 2 && m.groups[0] == 3);
  assert_true(is_nil(regex_group_index(re, "m", &index)));
  assert_int_equal(index, 2);
  assert_true(same(regex_group_index(re, "x", &index), SIG_THROW));
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_oracle),
      cmocka_unit_test(test_messages),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_restored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
