/* Cron expressions and time zones: tests/tools/cron_oracle.py has an answer of its own for each case (Python's zoneinfo, minute by minute);
 * the moments below are from it or from tzdata's NEWS. */
#include "runtime/base/cron.h"
#include "runtime/base/port.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const Tz *zone(const char *name) {
  const Tz *z = tz_get(name);
  if (!z) fail_msg("no zone %s", name ? name : "UTC");
  return z;
}

static int64_t utc(int64_t y, int mo, int d, int h, int mi, int s) { return tz_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + s; }

static void days_and_dates(void **state) {
  (void)state;
  assert_int_equal(tz_days(1970, 1, 1), 0);
  assert_int_equal(tz_days(2000, 3, 1), 11017);
  assert_int_equal(tz_days(1600, 2, 29), -135081);
  for (int64_t d = -800000; d < 800000; d += 37) {
    int64_t y;
    int m, day;
    tz_date(d, &y, &m, &day);
    assert_int_equal(tz_days(y, m, day), d);
  }
}

static void offsets(void **state) {
  (void)state;
  assert_int_equal(tz_offset(zone(NULL), 12345), 0);
  assert_int_equal(tz_offset(zone("Europe/Berlin"), utc(2026, 3, 29, 0, 59, 59)), 3600);
  assert_int_equal(tz_offset(zone("Europe/Berlin"), utc(2026, 3, 29, 1, 0, 0)), 7200);
  assert_int_equal(tz_offset(zone("Europe/Berlin"), utc(2099, 7, 1, 0, 0, 0)), 7200); /* beyond every table: the footer */
  assert_int_equal(tz_offset(zone("Europe/Dublin"), utc(2060, 1, 15, 0, 0, 0)), 0);    /* its daylight saving time is in winter */
  assert_int_equal(tz_offset(zone("Europe/Dublin"), utc(2060, 7, 15, 0, 0, 0)), 3600);
  assert_int_equal(tz_offset(zone("Asia/Kathmandu"), utc(2026, 1, 1, 0, 0, 0)), 5 * 3600 + 45 * 60);
  assert_int_equal(tz_offset(zone("Australia/Lord_Howe"), utc(2050, 1, 15, 0, 0, 0)), 11 * 3600);
  assert_int_equal(tz_offset(zone("Australia/Lord_Howe"), utc(2050, 7, 15, 0, 0, 0)), 10 * 3600 + 1800);
  assert_int_equal(tz_next_change(zone("Europe/Berlin"), utc(2026, 3, 29, 0, 59, 59)), utc(2026, 3, 29, 1, 0, 0));
  assert_int_equal(tz_next_change(zone("Europe/Berlin"), utc(2026, 3, 29, 1, 0, 0)), utc(2026, 10, 25, 1, 0, 0));
  assert_true(tz_next_change(zone("UTC"), 0) == INT64_MAX);
}

static void no_such_zone(void **state) {
  (void)state;
  static const char *const names[] = {"Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe/../Europe/Berlin", "Europe", "Europe/", "zone.tab", ".", "a b"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_null(tz_get(names[i]));
}

static int64_t next(const char *cron, const char *tz, int64_t after) {
  Cron c;
  Err e = {0};
  if (!cron_parse(cron, &c, &e)) fail_msg("%s: %s", cron, e.msg);
  int64_t at = cron_next(&c, zone(tz), after * 1000);
  return at == INT64_MAX ? at : at / 1000;
}

static void gaps_and_repeats(void **state) {
  (void)state;
  /* Berlin, 29 March 2026: 02:00 to 03:00 is skipped; once, at 03:00 */
  assert_int_equal(next("30 2 * * *", "Europe/Berlin", utc(2026, 3, 28, 12, 0, 0)), utc(2026, 3, 29, 1, 0, 0));
  assert_int_equal(next("30 2 * * *", "Europe/Berlin", utc(2026, 3, 29, 1, 0, 0)), utc(2026, 3, 30, 0, 30, 0));
  assert_int_equal(next("*/15 * * * *", "Europe/Berlin", utc(2026, 3, 29, 0, 45, 0)), utc(2026, 3, 29, 1, 0, 0));
  assert_int_equal(next("*/15 * * * *", "Europe/Berlin", utc(2026, 3, 29, 1, 0, 0)), utc(2026, 3, 29, 1, 15, 0));
  /* 25 October 2026: 02:00 to 03:00 comes twice; the first time alone */
  assert_int_equal(next("30 2 * * *", "Europe/Berlin", utc(2026, 10, 24, 12, 0, 0)), utc(2026, 10, 25, 0, 30, 0));
  assert_int_equal(next("30 2 * * *", "Europe/Berlin", utc(2026, 10, 25, 0, 30, 0)), utc(2026, 10, 26, 1, 30, 0));
  assert_int_equal(next("30 2 * * *", "Europe/Berlin", utc(2026, 10, 25, 1, 10, 0)), utc(2026, 10, 26, 1, 30, 0));
  /* Lord Howe moves by half an hour: 02:00 to 02:30 is skipped on 4 October 2026, 01:30 to 02:00 comes twice on 5 April */
  assert_int_equal(next("15 2 * * *", "Australia/Lord_Howe", utc(2026, 10, 3, 12, 0, 0)), utc(2026, 10, 3, 15, 30, 0));
  assert_int_equal(next("45 1 * * *", "Australia/Lord_Howe", utc(2026, 4, 4, 0, 0, 0)), utc(2026, 4, 4, 14, 45, 0));
  assert_int_equal(next("45 1 * * *", "Australia/Lord_Howe", utc(2026, 4, 4, 14, 45, 0)), utc(2026, 4, 5, 15, 15, 0));
  assert_int_equal(next("0 0 * * *", "Asia/Kathmandu", utc(2026, 1, 1, 0, 0, 0)), utc(2026, 1, 1, 18, 15, 0));
}

static void calendar(void **state) {
  (void)state;
  int64_t from = utc(2026, 11, 21, 14, 30, 0); /* a Saturday */
  assert_int_equal(next("* * * * *", "UTC", from), from + 60);
  assert_int_equal(next("* * * * *", "UTC", from + 59), from + 60);
  assert_int_equal(next("0 0 29 2 *", "UTC", from), utc(2028, 2, 29, 0, 0, 0));
  assert_int_equal(next("0 9 * * MON-fri", "UTC", from), utc(2026, 11, 23, 9, 0, 0));
  assert_int_equal(next("0 0 * * 7", "UTC", from), utc(2026, 11, 22, 0, 0, 0));
  assert_int_equal(next("0 0 * * 5-7", "UTC", from), utc(2026, 11, 22, 0, 0, 0));
  assert_int_equal(next("0 0 13 * 5", "UTC", from), utc(2026, 11, 27, 0, 0, 0)); /* the 13th, or a Friday */
  assert_int_equal(next("0 0 1 jan *", "UTC", from), utc(2027, 1, 1, 0, 0, 0));
  assert_int_equal(next("5/20 10-12/2 * * *", "UTC", utc(2026, 11, 21, 10, 25, 0)), utc(2026, 11, 21, 10, 45, 0));
  assert_int_equal(next("5/20 10-12/2 * * *", "UTC", utc(2026, 11, 21, 10, 45, 0)), utc(2026, 11, 21, 12, 5, 0));
  assert_int_equal(next("@weekly", "UTC", from), utc(2026, 11, 22, 0, 0, 0));
  assert_int_equal(next("@monthly", "America/New_York", from), utc(2026, 12, 1, 5, 0, 0));
  assert_int_equal(next("every 15m", "Asia/Kathmandu", from), from + 900);
  assert_int_equal(next("every 1h", "UTC", from), from + 1800);
  assert_int_equal(next("* * * * *", "UTC", -61), -60);
}

static void wrong_ones(void **state) {
  (void)state;
  static const char *const bad[] = {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *",
                                    "*/0 * * * *", "1, * * * *", ",1 * * * *", "1- * * * *", "a * * * *", "* * * foo *", "* * * * foo", "0 0 30 2 *", "0 0 L * *",
                                    "0 0 15W * *", "@never", "@reboot", "every", "every ", "every 10s", "every 1x", "*/99999999999 * * * *", "99999999999 * * * *"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Cron c;
    Err e = {0};
    if (cron_parse(bad[i], &c, &e)) fail_msg("\"%s\" was taken", bad[i]);
    assert_string_equal(e.code, "validation");
    assert_true(e.msg[0]);
  }
}

/* What the oracle says, minute by minute, of years around the changes. */
static void oracle(void **state) {
  (void)state;
  char line[256], cron[80], tz[60];
  long long after, expected;
  FILE *p = popen("python3 tests/tools/cron_oracle.py", "r");
  assert_non_null(p);
  int n = 0;
  while (fgets(line, sizeof line, p)) {
    assert_int_equal(sscanf(line, "%79[^|]|%59[^|]|%lld|%lld", cron, tz, &after, &expected), 4);
    int64_t got = next(cron, tz, after);
    if (got != expected) fail_msg("%s in %s after %lld: %lld, the oracle says %lld", cron, tz, after, (long long)got, expected);
    n++;
  }
  assert_int_equal(pclose(p), 0);
  assert_true(n >= 1000);
}

static void mangled_files(void **state) {
  (void)state;
  static uint8_t good[1 << 16], bad[1 << 16];
  FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
  assert_non_null(f);
  size_t n = fread(good, 1, sizeof good, f);
  fclose(f);
  srandom(7);
  for (int i = 0; i < 20000; i++) {
    size_t len = i % 3 ? n : (size_t)random() % n;
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(bad, good, n);
    for (int k = 0; k < 1 + i % 5; k++) bad[(size_t)random() % (i % 2 ? n : 100)] = (uint8_t)random();
    memcpy(exact, bad, len);
    Tz *z = tz_parse(exact, len);
    if (z) {
      tz_offset(z, random());
      tz_next_change(z, random());
    }
    tz_free(z);
    free(exact);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(days_and_dates), cmocka_unit_test(offsets), cmocka_unit_test(no_such_zone), cmocka_unit_test(gaps_and_repeats),
      cmocka_unit_test(calendar), cmocka_unit_test(wrong_ones), cmocka_unit_test(oracle), cmocka_unit_test(mangled_files)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
