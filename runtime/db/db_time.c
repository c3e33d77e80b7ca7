/* db_time.c - see db_time.h. */
#include "db_time.h"
#include <ctype.h>

/* Days from 1970-01-01 in the proleptic Gregorian calendar: years begin in March, so that the leap day is the last. */
static int64_t days(int64_t y, int m, int d) {
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
  int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int64_t db_time_ms(int64_t year, int month, int day) { return days(year, month, day) * 86400000; }

typedef struct Scan { const char *p, *end; } Scan;

static bool digits(Scan *s, int least, int most, int64_t *out) {
  int n = 0;
  for (*out = 0; n < most && s->p < s->end && isdigit((unsigned char)*s->p); n++) *out = *out * 10 + (*s->p++ - '0');
  return n >= least;
}

static bool one(Scan *s, const char *of) {
  for (; *of; of++)
    if (s->p < s->end && *s->p == *of) return s->p++, true;
  return false;
}

static bool clock_part(Scan *s, int64_t *ms) {
  int64_t h, m, sec = 0;
  if (!digits(s, 2, 2, &h) || !one(s, ":") || !digits(s, 2, 2, &m)) return false;
  if (one(s, ":") && !digits(s, 2, 2, &sec)) return false;
  *ms = ((h * 60 + m) * 60 + sec) * 1000;
  if (!one(s, ".")) return true;
  int64_t unit = 100, x;
  for (; digits(s, 1, 1, &x); unit /= 10) *ms += x * unit;
  return true;
}

static bool offset_part(Scan *s, int64_t *ms) {
  *ms = 0;
  if (one(s, "Zz") || s->p == s->end) return true;
  bool west = s->p < s->end && *s->p == '-';
  int64_t h, m = 0, sec = 0;
  if (!one(s, "+-") || !digits(s, 2, 2, &h)) return false;
  one(s, ":");
  digits(s, 2, 2, &m);
  if (one(s, ":")) digits(s, 2, 2, &sec);
  *ms = ((h * 60 + m) * 60 + sec) * (west ? -1000 : 1000);
  return true;
}

bool db_time_read(const char *text, size_t n, int64_t *ms) {
  Scan s = {text, text + n};
  int64_t y, m, d, clock, offset;
  if (!digits(&s, 4, 6, &y) || !one(&s, "-") || !digits(&s, 2, 2, &m) || !one(&s, "-") || !digits(&s, 2, 2, &d)) return false;
  if (!one(&s, " T") || !clock_part(&s, &clock) || !offset_part(&s, &offset) || s.p != s.end) return false;
  if (m < 1 || m > 12 || d < 1 || d > 31) return false;
  *ms = db_time_ms(y, (int)m, (int)d) + clock - offset;
  return true;
}

void db_time_write(Buf *b, int64_t ms, char between, const char *zone) {
  int64_t day = ms / 86400000, in = ms % 86400000;
  if (in < 0) in += 86400000, day--;
  int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9, y = yoe + era * 400 + (m <= 2);
  buf_fmt(b, "%04lld-%02lld-%02lld%c%02lld:%02lld:%02lld.%03lld%s", (long long)y, (long long)m, (long long)d, between, (long long)(in / 3600000),
          (long long)(in / 60000 % 60), (long long)(in / 1000 % 60), (long long)(in % 1000), zone);
}
