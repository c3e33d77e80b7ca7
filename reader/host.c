/* host.c - see host.h: calendar arithmetic, texts, equality, hashes and order of the host's values. */
#include "host.h"
#include "eq.h"
#include "ex.h"
#include "mem.h"
#include "print.h"
#include "vec.h"
#include <stdio.h>

const char *const host_classes[HOST_KINDS] = {
    "java.lang.Object", "java.time.Instant", "java.time.Duration", "java.time.Period", "java.time.LocalDate", "java.time.LocalTime",
    "java.time.LocalDateTime", "java.time.ZonedDateTime", "java.time.OffsetDateTime", "java.time.ZoneOffset", "java.time.ZoneRegion",
    "java.time.DayOfWeek", "java.time.Month", "java.time.temporal.ChronoUnit", "java.time.temporal.ChronoField", "java.time.Year",
    "java.time.YearMonth"};

static const char *const days[] = {"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"};
static const char *const months[] = {"JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE",
                                     "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"};
static const char *const units[] = {"Nanos", "Micros", "Millis", "Seconds", "Minutes", "Hours", "HalfDays", "Days", "Weeks", "Months",
                                    "Years", "Decades", "Centuries", "Millennia", "Eras", "Forever", NULL};
static const char *const fields[] = {
    "NanoOfSecond", "NanoOfDay", "MicroOfSecond", "MicroOfDay", "MilliOfSecond", "MilliOfDay", "SecondOfMinute", "SecondOfDay",
    "MinuteOfHour", "MinuteOfDay", "HourOfAmPm", "ClockHourOfAmPm", "HourOfDay", "ClockHourOfDay", "AmPmOfDay", "DayOfWeek",
    "AlignedDayOfWeekInMonth", "AlignedDayOfWeekInYear", "DayOfMonth", "DayOfYear", "EpochDay", "AlignedWeekOfMonth", "AlignedWeekOfYear",
    "MonthOfYear", "ProlepticMonth", "YearOfEra", "Year", "Era", "InstantSeconds", "OffsetSeconds", NULL};

static const char *name_at(const char *const *names, int i) {
  for (int k = 0; names[k]; k++)
    if (k == i) return names[k];
  return NULL;
}
const char *host_unit_name(int i) { return name_at(units, i); }
const char *host_field_name(int i) { return name_at(fields, i); }

Val host_new(enum HostKind kind, int64_t a, int64_t b, int32_t c, Val x, Val y) {
  Host *h = mem_obj(T_HOST);
  h->h.aux = kind;
  h->a = a;
  h->b = b;
  h->c = c;
  h->x = x;
  h->y = y;
  return from_obj(h);
}

/* ---- calendar ---- */

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* Years begin in March, so that the day that leap years add is their last (H. Hinnant's published algorithm). */
void host_civil(int64_t epoch_day, int64_t *year, int *month, int *day) {
  int64_t z = epoch_day + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  *day = (int)(doy - (153 * mp + 2) / 5 + 1);
  *month = (int)(mp < 10 ? mp + 3 : mp - 9);
  *year = yoe + era * 400 + (*month <= 2);
}

int64_t host_epoch_day(int64_t year, int month, int day) {
  int64_t y = year - (month <= 2), era = floor_div(y, 400), yoe = y - era * 400;
  int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1, doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

/* ---- text ---- */

static void put_year(Buf *b, int64_t y) {
  if (y > 9999) buf_ch(b, '+');
  if (y < 0) buf_fmt(b, "-%04lld", (long long)-y);
  else buf_fmt(b, "%04lld", (long long)y);
}

static void put_date(Buf *b, int64_t epoch_day) {
  int64_t y;
  int m, d;
  host_civil(epoch_day, &y, &m, &d);
  put_year(b, y);
  buf_fmt(b, "-%02d-%02d", m, d);
}

static void put_fraction(Buf *b, int64_t nanos) { /* 3, 6 or 9 digits */
  if (!nanos) return;
  if (nanos % 1000000 == 0) buf_fmt(b, ".%03d", (int)(nanos / 1000000));
  else if (nanos % 1000 == 0) buf_fmt(b, ".%06d", (int)(nanos / 1000));
  else buf_fmt(b, ".%09d", (int)nanos);
}

static void put_time(Buf *b, int64_t ns, bool seconds) {
  int64_t s = ns / 1000000000;
  buf_fmt(b, "%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60));
  if (!seconds && ns % INT64_C(60000000000) == 0) return;
  buf_fmt(b, ":%02d", (int)(s % 60));
  put_fraction(b, ns % 1000000000);
}

static void put_offset(Buf *b, int32_t secs) {
  if (!secs) {
    buf_ch(b, 'Z');
    return;
  }
  int32_t s = secs < 0 ? -secs : secs;
  buf_fmt(b, "%c%02d:%02d", secs < 0 ? '-' : '+', s / 3600, s / 60 % 60);
  if (s % 60) buf_fmt(b, ":%02d", s % 60);
}

static void put_epoch(Buf *b, int64_t secs, int64_t nanos, int32_t offset, bool seconds) {
  int64_t local = secs + offset, day = floor_div(local, 86400);
  put_date(b, day);
  buf_ch(b, 'T');
  put_time(b, (local - day * 86400) * 1000000000 + nanos, seconds);
}

static void put_duration(Buf *b, int64_t secs, int64_t nanos) {
  int64_t eff = secs < 0 && nanos > 0 ? secs + 1 : secs, h = eff / 3600, m = eff % 3600 / 60, s = eff % 60;
  size_t start = b->n;
  buf_c(b, "PT");
  if (h) buf_fmt(b, "%lldH", (long long)h);
  if (m) buf_fmt(b, "%lldM", (long long)m);
  if (!s && !nanos && b->n > start + 2) return;
  if (secs < 0 && nanos > 0 && !s) buf_c(b, "-0");
  else buf_fmt(b, "%lld", (long long)s);
  if (nanos) {
    char digits[16];
    snprintf(digits, sizeof digits, "%09d", (int)(secs < 0 ? 1000000000 - nanos : nanos));
    for (size_t n = 9; n && digits[n - 1] == '0';) digits[--n] = 0;
    buf_fmt(b, ".%s", digits);
  }
  buf_ch(b, 'S');
}

static void put_period(Buf *b, const Host *h) {
  size_t start = b->n;
  buf_ch(b, 'P');
  if (h->a) buf_fmt(b, "%lldY", (long long)h->a);
  if (h->b) buf_fmt(b, "%lldM", (long long)h->b);
  if (h->c || b->n == start + 1) buf_fmt(b, "%dD", h->c);
}

static Val put_object(Buf *b, const Host *h) {
  Val text = is_type(h->x, T_VEC) && vec_count(h->x) ? vec_nth(h->x, 0) : h->x;
  return print_str_of(b, text);
}

Val host_text(Buf *b, Val v) {
  const Host *h = AS(Host, v);
  switch ((enum HostKind)h->h.aux) {
  case HOST_INSTANT: put_epoch(b, h->a, h->b, 0, true); buf_ch(b, 'Z'); break;
  case HOST_DURATION: put_duration(b, h->a, h->b); break;
  case HOST_PERIOD: put_period(b, h); break;
  case HOST_DATE: put_date(b, h->a); break;
  case HOST_TIME: put_time(b, h->b, false); break;
  case HOST_DATETIME: put_date(b, h->a); buf_ch(b, 'T'); put_time(b, h->b, false); break;
  case HOST_ZONED: case HOST_OFFSET_DT:
    put_epoch(b, h->a, h->b, h->c, false);
    put_offset(b, h->c);
    if (is_str(h->x)) buf_fmt(b, "[%s]", str_s(h->x));
    break;
  case HOST_OFFSET: put_offset(b, h->c); break;
  case HOST_ZONE: return print_str_of(b, h->x);
  case HOST_DAY: buf_c(b, h->a >= 1 && h->a <= 7 ? days[h->a - 1] : "?"); break;
  case HOST_MONTH: buf_c(b, h->a >= 1 && h->a <= 12 ? months[h->a - 1] : "?"); break;
  case HOST_UNIT: buf_c(b, host_unit_name((int)h->a) ? host_unit_name((int)h->a) : "?"); break;
  case HOST_FIELD: buf_c(b, host_field_name((int)h->a) ? host_field_name((int)h->a) : "?"); break;
  case HOST_YEAR: buf_fmt(b, "%lld", (long long)h->a); break;
  case HOST_YEAR_MONTH:
    put_year(b, floor_div(h->a, 12));
    buf_fmt(b, "-%02d", (int)(h->a - 12 * floor_div(h->a, 12)) + 1);
    break;
  default: return put_object(b, h);
  }
  return NIL;
}

/* ---- equality, hash, order ---- */

Val host_eq(Val a, Val b) {
  const Host *x = AS(Host, a), *y = AS(Host, b);
  if (x->h.aux != y->h.aux || x->a != y->a || x->b != y->b || x->c != y->c) return FALSE_V;
  TRY(same_x, val_eq(x->x, y->x));
  return truthy(same_x) ? val_eq(x->y, y->y) : FALSE_V;
}

static uint32_t fold(int64_t x) { return (uint32_t)((uint64_t)x ^ (uint64_t)x >> 32); }
static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static uint32_t hash_date(int64_t epoch_day) {
  int64_t y;
  int m, d;
  host_civil(epoch_day, &y, &m, &d);
  uint32_t u = (uint32_t)y;
  return (u & 0xfffff800u) ^ ((u << 11) + ((uint32_t)m << 6) + (uint32_t)d);
}

static uint32_t hash_local(const Host *h) {
  int64_t local = h->a + h->c, day = floor_div(local, 86400);
  return hash_date(day) ^ fold((local - day * 86400) * 1000000000 + h->b);
}

Val host_hash(Val v, uint32_t *out) {
  const Host *h = AS(Host, v);
  uint32_t x = 0;
  if (is_str(h->x)) x = str_hash_java(str_s(h->x), str_n(h->x));
  switch ((enum HostKind)h->h.aux) {
  case HOST_INSTANT: case HOST_DURATION: *out = fold(h->a) + 51 * (uint32_t)h->b; break;
  case HOST_PERIOD: *out = (uint32_t)h->a + rotate((uint32_t)h->b, 8) + rotate((uint32_t)h->c, 16); break;
  case HOST_DATE: *out = hash_date(h->a); break;
  case HOST_TIME: *out = fold(h->b); break;
  case HOST_DATETIME: *out = hash_date(h->a) ^ fold(h->b); break;
  case HOST_ZONED: *out = hash_local(h) ^ (uint32_t)h->c ^ rotate(is_str(h->x) ? x : (uint32_t)h->c, 3); break;
  case HOST_OFFSET_DT: *out = hash_local(h) ^ (uint32_t)h->c; break;
  case HOST_OFFSET: *out = (uint32_t)h->c; break;
  case HOST_ZONE: *out = x; break;
  case HOST_YEAR: *out = (uint32_t)h->a; break;
  case HOST_YEAR_MONTH: *out = (uint32_t)floor_div(h->a, 12) ^ (uint32_t)(h->a - 12 * floor_div(h->a, 12) + 1) << 27; break;
  case HOST_OBJECT: return val_hash(h->x, out);
  default: *out = murmur_int((uint32_t)h->h.aux << 8 ^ (uint32_t)h->a);
  }
  return NIL;
}

static int sign(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int cmp_dates(int64_t x, int64_t y) { /* the difference of years, else of months, else of days */
  int64_t y1, y2;
  int m1, d1, m2, d2;
  host_civil(x, &y1, &m1, &d1);
  host_civil(y, &y2, &m2, &d2);
  return y1 != y2 ? (int)(y1 - y2) : m1 != m2 ? m1 - m2 : d1 - d2;
}

bool host_compare(Val a, Val b, int *out) {
  const Host *x = AS(Host, a), *y = AS(Host, b);
  if (x->h.aux != y->h.aux) return false;
  switch ((enum HostKind)x->h.aux) {
  case HOST_INSTANT: case HOST_DURATION: *out = x->a != y->a ? sign(x->a, y->a) : (int)(x->b - y->b); return true;
  case HOST_ZONED: case HOST_OFFSET_DT: *out = x->a != y->a ? sign(x->a, y->a) : x->b != y->b ? sign(x->b, y->b) : sign(x->c, y->c); return true;
  case HOST_DATE: *out = cmp_dates(x->a, y->a); return true;
  case HOST_TIME: *out = sign(x->b, y->b); return true;
  case HOST_DATETIME: *out = x->a != y->a ? cmp_dates(x->a, y->a) : sign(x->b, y->b); return true;
  case HOST_OFFSET: *out = y->c - x->c; return true;
  case HOST_DAY: case HOST_MONTH: case HOST_UNIT: case HOST_FIELD: case HOST_YEAR: *out = (int)(x->a - y->a); return true;
  case HOST_YEAR_MONTH: {
    int64_t y1 = floor_div(x->a, 12), y2 = floor_div(y->a, 12);
    *out = (int)(y1 != y2 ? y1 - y2 : x->a - y->a);
    return true;
  }
  default: return false;
  }
}
