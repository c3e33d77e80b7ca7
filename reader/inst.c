/* inst.c - #inst and #uuid: RFC 3339-like timestamps as clojure.instant reads them, and UUIDs as java.util.UUID does.
 *
 * Like java.util.GregorianCalendar, dates before 1582-10-15 are Julian, so that old dates have Java's milliseconds. */
#include "read.h"
#include "mem.h"

#define DAY_MS INT64_C(86400000)
#define CUTOVER_DAY (-141427) /* 1582-10-15 */

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

static bool before_cutover(int64_t y, int m, int d) { return y < 1582 || (y == 1582 && (m < 10 || (m == 10 && d < 15))); }

/* Days since 1970-01-01. Years begin in March here: the leap day comes last. */
static int64_t days_of_date(int64_t y, int m, int d) {
  bool julian = before_cutover(y, m, d);
  y -= m <= 2;
  int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  int64_t days = 365 * y + floor_div(y, 4) + doy;
  return julian ? days - 719470 : days - floor_div(y, 100) + floor_div(y, 400) - 719468;
}

static void date_of_days(int64_t days, int64_t *y, int *m, int *d) {
  int64_t year, doy;
  if (days < CUTOVER_DAY) {
    int64_t z = days + 719470, era = floor_div(z, 1461), doe = z - era * 1461;
    int64_t yoe = (doe - doe / 1460) / 365;
    year = yoe + era * 4, doy = doe - 365 * yoe;
  } else {
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    year = yoe + era * 400, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  }
  int64_t mp = (5 * doy + 2) / 153;
  *d = (int)(doy - (153 * mp + 2) / 5 + 1);
  *m = (int)(mp < 10 ? mp + 3 : mp - 9);
  *y = year + (*m <= 2);
}

/* ---- parsing: yyyy[-mm[-dd[Thh[:mm[:ss[.fraction]]]]]][Z|+hh:mm|-hh:mm] ---- */

typedef struct { const char *p, *end; } Cur;

static bool digits(Cur *c, int n, int *out) {
  int v = 0;
  if (c->end - c->p < n) return false;
  for (int i = 0; i < n; i++) {
    if (c->p[i] < '0' || c->p[i] > '9') return false;
    v = v * 10 + (c->p[i] - '0');
  }
  c->p += n;
  *out = v;
  return true;
}

static bool eat(Cur *c, char ch) {
  if (c->p >= c->end || *c->p != ch) return false;
  c->p++;
  return true;
}

/* An optional field: absent is fine (*more = false), present but malformed is not. */
static bool field(Cur *c, char lead, bool *more, int *out) {
  if (!*more) return true;
  const char *p = c->p;
  if (eat(c, lead) && digits(c, 2, out)) return true;
  c->p = p;
  *more = false;
  return true;
}

static bool fraction(Cur *c, bool more, int *nanos) {
  if (!more || !eat(c, '.')) return true;
  int n = 0, v = 0;
  for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++, n++)
    if (n < 9) v = v * 10 + (*c->p - '0');
  for (int i = n; i < 9; i++) v *= 10;
  *nanos = v;
  return n > 0;
}

static bool offset(Cur *c, int *sign, int *oh, int *om) {
  *sign = 1;
  if (c->p == c->end || eat(c, 'Z')) return c->p == c->end;
  if (*c->p != '+' && *c->p != '-') return false;
  *sign = *c->p++ == '-' ? -1 : 1;
  return digits(c, 2, oh) && eat(c, ':') && digits(c, 2, om) && c->p == c->end;
}

static int days_in_month(int y, int m) {
  static const uint8_t n[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
  return n[m - 1] + (m == 2 && leap);
}

/* What clojure.instant says about the first field out of range; NULL if all is well. */
static const char *out_of_range(int y, int mo, int d, int h, int mi, int s, int oh, int om) {
  if (mo < 1 || mo > 12) return "(<= 1 months 12)";
  if (d < 1 || d > days_in_month(y, mo)) return "(<= 1 days (days-in-month months (leap-year? years)))";
  if (h > 23) return "(<= 0 hours 23)";
  if (mi > 59) return "(<= 0 minutes 59)";
  if (s > (mi == 59 ? 60 : 59)) return "(<= 0 seconds (if (= minutes 59) 60 59))";
  if (oh > 23) return "(<= 0 offset-hours 23)";
  if (om > 59) return "(<= 0 offset-minutes 59)";
  return NULL;
}

Val inst_parse(Val str) {
  Cur c = {str_s(str), str_s(str) + str_n(str)};
  int y = 0, mo = 1, d = 1, h = 0, mi = 0, s = 0, nanos = 0, sign = 1, oh = 0, om = 0;
  bool more = true;
  bool ok = digits(&c, 4, &y) && field(&c, '-', &more, &mo) && field(&c, '-', &more, &d) && field(&c, 'T', &more, &h) &&
            field(&c, ':', &more, &mi) && field(&c, ':', &more, &s) && fraction(&c, more, &nanos) && offset(&c, &sign, &oh, &om);
  if (!ok) return ex_throw(EXC_RUNTIME, "Unrecognized date/time syntax: %.200s", str_s(str));
  const char *bad = out_of_range(y, mo, d, h, mi, s, oh, om);
  if (bad) return ex_throw(EXC_RUNTIME, "failed: %s", bad);
  Inst *i = mem_obj(T_INST);
  int64_t mins = (int64_t)h * 60 + mi - sign * (oh * 60 + om);
  i->ms = days_of_date(y, mo, d) * DAY_MS + mins * 60000 + s * 1000 + nanos / 1000000;
  return from_obj(i);
}

/* Two digits at a time: much faster than printf, and timestamps are common in flow data. */
static char *put2(char *p, int v) {
  *p++ = (char)('0' + v / 10 % 10);
  *p++ = (char)('0' + v % 10);
  return p;
}

void inst_print(Buf *b, int64_t ms) {
  int64_t y, day = floor_div(ms, DAY_MS), t = ms - day * DAY_MS;
  int m, d;
  date_of_days(day, &y, &m, &d);
  if (y <= 0) y = 1 - y; /* SimpleDateFormat prints the year of the era */
  buf_fmt(b, "%04lld", (long long)y);
  char s[32], *p = s;
  *p++ = '-', p = put2(p, m), *p++ = '-', p = put2(p, d), *p++ = 'T';
  p = put2(p, (int)(t / 3600000)), *p++ = ':', p = put2(p, (int)(t / 60000 % 60)), *p++ = ':';
  p = put2(p, (int)(t / 1000 % 60)), *p++ = '.', *p++ = (char)('0' + t % 1000 / 100), p = put2(p, (int)(t % 100));
  memcpy(p, "-00:00", 6);
  buf_add(b, s, (size_t)(p - s) + 6);
}

void inst_str(Buf *b, int64_t ms) {
  static const char wd[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static const char mon[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int64_t y, day = floor_div(ms, DAY_MS), t = (ms - day * DAY_MS) / 1000;
  int m, d;
  date_of_days(day, &y, &m, &d);
  if (y <= 0) y = 1 - y;
  buf_fmt(b, "%s %s %02d %02d:%02d:%02d UTC %lld", wd[day - floor_div(day, 7) * 7], mon[m - 1], d, (int)(t / 3600),
          (int)(t / 60 % 60), (int)(t % 60), (long long)y);
}

/* ---- UUIDs ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
  return -1;
}

/* A run of 1 to 16 hex digits up to `stop`; java.util.UUID lets groups be shorter or longer, and cuts them. */
static bool hex_group(Cur *c, bool last, uint64_t *out) {
  uint64_t v = 0;
  int n = 0, x;
  for (; c->p < c->end && (x = hex_digit(*c->p)) >= 0; c->p++, n++) v = v << 4 | (uint64_t)x;
  *out = v;
  return n > 0 && n <= 16 && (last ? c->p == c->end : eat(c, '-'));
}

Val uuid_parse(Val str) {
  Cur c = {str_s(str), str_s(str) + str_n(str)};
  uint64_t g[5];
  if (str_n(str) > 36) return ABSENT;
  for (int i = 0; i < 5; i++)
    if (!hex_group(&c, i == 4, &g[i])) return ABSENT;
  Uuid *u = mem_obj(T_UUID);
  u->hi = g[0] << 32 | (g[1] & 0xffff) << 16 | (g[2] & 0xffff);
  u->lo = (g[3] & 0xffff) << 48 | (g[4] & 0xffffffffffff);
  return from_obj(u);
}

void uuid_print(Buf *b, const Uuid *u) {
  char s[37];
  int n = 0;
  for (int i = 0; i < 32; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20) s[n++] = '-';
    uint64_t w = i < 16 ? u->hi : u->lo;
    s[n++] = "0123456789abcdef"[w >> (60 - 4 * (i & 15)) & 15];
  }
  buf_add(b, s, 36);
}
