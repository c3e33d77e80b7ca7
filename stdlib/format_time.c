/* format_time.c - the %t conversions of java.util.Formatter. */
#include "format.h"
#include "args.h"
#include "reader/host.h"
#include "reader/num.h"

typedef struct Moment {
  bool has_day, has_time, has_instant;
  int64_t day, ns, second; /* local day and nanoseconds of it; seconds of the epoch */
  int32_t offset;
  const char *zone;
} Moment;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

static void at_instant(Moment *m, int64_t second, int64_t nanos, int32_t offset, const char *zone) {
  int64_t local = second + offset;
  m->has_day = m->has_time = m->has_instant = true;
  m->second = second;
  m->offset = offset;
  m->zone = zone;
  m->day = floor_div(local, 86400);
  m->ns = (local - m->day * 86400) * 1000000000 + nanos;
}

static bool moment_of(Val x, Moment *m) {
  *m = (Moment){0};
  int64_t ms;
  if (is_long(x) || is_type(x, T_INST)) {
    ms = is_long(x) ? long_of(x) : AS(Inst, x)->ms;
    int64_t s = floor_div(ms, 1000);
    at_instant(m, s, (ms - s * 1000) * 1000000, 0, "UTC");
    return true;
  }
  if (!is_type(x, T_HOST)) return false;
  const Host *h = AS(Host, x);
  switch ((enum HostKind)h->h.aux) {
  case HOST_ZONED: case HOST_OFFSET_DT: at_instant(m, h->a, h->b, h->c, is_str(h->x) ? str_s(h->x) : NULL); return true;
  case HOST_DATE: m->has_day = true; m->day = h->a; return true;
  case HOST_TIME: m->has_time = true; m->ns = h->b; return true;
  case HOST_DATETIME: m->has_day = m->has_time = true; m->day = h->a; m->ns = h->b; return true;
  default: return false;
  }
}

static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

static void put(Buf *b, char suffix, const Moment *m);
static void put_all(Buf *b, const char *suffixes, const char *between, const Moment *m) {
  for (; *suffixes; suffixes++) {
    put(b, *suffixes, m);
    if (*between) buf_ch(b, *between++);
  }
}

static void put_clock(Buf *b, char suffix, const Moment *m) {
  int64_t s = m->ns / 1000000000;
  int h = (int)(s / 3600), h12 = (h + 11) % 12 + 1;
  switch (suffix) {
  case 'H': buf_fmt(b, "%02d", h); return;
  case 'I': buf_fmt(b, "%02d", h12); return;
  case 'k': buf_fmt(b, "%d", h); return;
  case 'l': buf_fmt(b, "%d", h12); return;
  case 'M': buf_fmt(b, "%02d", (int)(s / 60 % 60)); return;
  case 'S': buf_fmt(b, "%02d", (int)(s % 60)); return;
  case 'L': buf_fmt(b, "%03d", (int)(m->ns % 1000000000 / 1000000)); return;
  case 'N': buf_fmt(b, "%09d", (int)(m->ns % 1000000000)); return;
  case 'p': buf_c(b, h < 12 ? "am" : "pm"); return;
  case 'R': put_all(b, "HM", ":", m); return;
  case 'T': put_all(b, "HMS", "::", m); return;
  default: put_all(b, "IMS", ":: ", m); buf_c(b, h < 12 ? "AM" : "PM"); /* r */
  }
}

static void put_calendar(Buf *b, char suffix, const Moment *m) {
  int64_t y;
  int month, d, w = (int)(((m->day + 3) % 7 + 7) % 7);
  host_civil(m->day, &y, &month, &d);
  switch (suffix) {
  case 'B': buf_c(b, months[month - 1]); return;
  case 'b': case 'h': buf_fmt(b, "%.3s", months[month - 1]); return;
  case 'A': buf_c(b, days[w]); return;
  case 'a': buf_fmt(b, "%.3s", days[w]); return;
  case 'C': buf_fmt(b, "%02lld", (long long)(y / 100)); return;
  case 'Y': buf_fmt(b, "%04lld", (long long)y); return;
  case 'y': buf_fmt(b, "%02lld", (long long)(y % 100)); return;
  case 'j': buf_fmt(b, "%03d", (int)(m->day - host_epoch_day(y, 1, 1) + 1)); return;
  case 'm': buf_fmt(b, "%02d", month); return;
  case 'd': buf_fmt(b, "%02d", d); return;
  case 'e': buf_fmt(b, "%d", d); return;
  case 'D': put_all(b, "mdy", "//", m); return;
  default: put_all(b, "Ymd", "--", m); /* F */
  }
}

static void put_zone(Buf *b, char suffix, const Moment *m) {
  int32_t o = m->offset < 0 ? -m->offset : m->offset;
  if (suffix == 'Z' && m->zone) buf_c(b, m->zone);
  else if (suffix == 'Z' && !o) buf_ch(b, 'Z');
  else buf_fmt(b, suffix == 'Z' ? "%c%02d:%02d" : "%c%02d%02d", m->offset < 0 ? '-' : '+', o / 3600, o / 60 % 60);
}

static void put(Buf *b, char suffix, const Moment *m) {
  if (strchr("HIklMSLNpRTr", suffix)) put_clock(b, suffix, m);
  else if (suffix == 's') buf_fmt(b, "%lld", (long long)m->second);
  else if (suffix == 'Q') buf_fmt(b, "%lld", (long long)(m->second * 1000 + m->ns % 1000000000 / 1000000));
  else if (suffix == 'z' || suffix == 'Z') put_zone(b, suffix, m);
  else if (suffix == 'c') put_all(b, "abdTZY", "     ", m);
  else put_calendar(b, suffix, m);
}

Val format_time(Buf *b, char suffix, Val x) {
  Moment m;
  if (!moment_of(x, &m)) return ex_throw(EXC_FORMAT_CONV, "%c != %s", suffix, class_name_of(x));
  bool clock = strchr("HIklMSLNpRTrc", suffix), calendar = strchr("BbhAaCYyjmdeDFc", suffix), instant = strchr("sQzZc", suffix);
  if ((clock && !m.has_time) || (calendar && !m.has_day) || (instant && !m.has_instant)) {
    const char *field = clock && !m.has_time ? "HourOfDay" : calendar && !m.has_day ? "DayOfMonth" : suffix == 's' || suffix == 'Q' ? "InstantSeconds" : "OffsetSeconds";
    return ex_throw(EXC_DATE_UNIT, "Unsupported field: %s", field);
  }
  put(b, suffix, &m);
  return NIL;
}
