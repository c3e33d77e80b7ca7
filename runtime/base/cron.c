/* cron.c - see cron.h */
#include "cron.h"
#include "duration.h"
#include <string.h>
#include <strings.h>

enum { MINUTE, HOUR, DAY_OF_MONTH, MONTH, WEEKDAY, FIELDS };
static const struct Field { const char *name; int lo, hi; } fields[FIELDS] = {
    [MINUTE] = {"minute", 0, 59}, [HOUR] = {"hour", 0, 23}, [DAY_OF_MONTH] = {"day of month", 1, 31}, [MONTH] = {"month", 1, 12}, [WEEKDAY] = {"day of week", 0, 7}};
static const char month_names[] = "janfebmaraprmayjunjulaugsepoctnovdec", day_names[] = "sunmontuewedthufrisat";
#define EVERY_MIN_MS ((int64_t)60000)
#define SEARCH_DAYS (30 * 366)

/* --- reading ------------------------------------------------------------------------------------------------------------------------- */
static int named(const char *s, size_t n, const char *names) {
  for (int i = 0; n == 3 && names[3 * i]; i++)
    if (!strncasecmp(s, names + 3 * i, 3)) return i;
  return -1;
}

static bool value(const char **p, int field, int *out) {
  const char *s = *p;
  if (*s >= '0' && *s <= '9') {
    for (*out = 0; *s >= '0' && *s <= '9' && *out < 1000; s++) *out = *out * 10 + (*s - '0');
  } else {
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    *out = field == MONTH ? named(s, n, month_names) + 1 : field == WEEKDAY ? named(s, n, day_names) : -1;
    if (!n || *out < fields[field].lo) return false;
    s += n;
  }
  *p = s;
  return *out >= fields[field].lo && *out <= fields[field].hi;
}

static bool step(const char **p, int *out) {
  const char *s = *p;
  for (*out = 0; *s >= '0' && *s <= '9' && *out < 1000; s++) *out = *out * 10 + (*s - '0');
  bool ok = s > *p && *out > 0 && *out < 1000;
  *p = s;
  return ok;
}

/* star, n, n-m, each with /step; n/step goes on to the end. */
static bool part(const char **p, int field, uint64_t *bits) {
  int a = fields[field].lo, b = fields[field].hi, by = 1;
  if (field == WEEKDAY) b = 6;
  bool single = false;
  if (**p == '*')
    ++*p;
  else {
    if (!value(p, field, &a)) return false;
    single = **p != '-';
    if (single) b = a;
    else if (++*p, !value(p, field, &b)) return false;
  }
  if (b < a) return false;
  if (**p == '/') {
    ++*p;
    if (!step(p, &by)) return false;
    if (single) b = field == WEEKDAY ? 6 : fields[field].hi;
  }
  for (int v = a; v <= b; v += by) *bits |= 1ull << v;
  return true;
}

static bool list(const char **p, int field, uint64_t *bits, bool *any, Err *e) {
  const char *from = *p;
  *bits = 0;
  *any = **p == '*' && (!(*p)[1] || strchr(" \t", (*p)[1]));
  do {
    if (*p > from) ++*p;
    if (!part(p, field, bits)) goto bad;
  } while (**p == ',');
  if (!**p || strchr(" \t", **p)) return true;
bad:;
  size_t n = strcspn(from, " \t");
  return err_set(e, "validation", "the %s \"%.*s\" is not understood: %d to %d are expected, as in *, 5, 1-5, 1,3 or */2", fields[field].name,
                 (int)(n < 40 ? n : 40), from, fields[field].lo, fields[field].hi);
}

static const char *preset(const char *s) {
  static const char *const presets[][2] = {{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                                           {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};
  for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
    if (!strcmp(s, presets[i][0])) return presets[i][1];
  return NULL;
}

static bool every(const char *s, Cron *c, Err *e) {
  s += strspn(s, " ");
  if (!duration_parse(s, strlen(s), "every", &c->every_ms, e)) return false;
  return c->every_ms >= EVERY_MIN_MS || err_set(e, "validation", "every %.40s is too often: at least every 1m", s);
}

static bool read_fields(const char *s, Cron *c, Err *e) {
  uint64_t bits[FIELDS];
  bool any[FIELDS];
  for (int i = 0; i < FIELDS; i++) {
    s += strspn(s, " \t");
    if (!*s) return err_set(e, "validation", "five fields are expected: minute, hour, day of month, month, day of week");
    if (!list(&s, i, &bits[i], &any[i], e)) return false;
  }
  if (s[strspn(s, " \t")]) return err_set(e, "validation", "more than five fields; seconds and years are not understood");
  *c = (Cron){.minutes = bits[MINUTE], .hours = (uint32_t)bits[HOUR], .days = (uint32_t)bits[DAY_OF_MONTH], .months = (uint32_t)bits[MONTH],
              .weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f), .any_day = any[DAY_OF_MONTH], .any_weekday = any[WEEKDAY]};
  return true;
}

bool cron_parse(const char *s, Cron *out, Err *e) {
  *out = (Cron){0};
  if (!strncmp(s, "every ", 6)) return every(s + 6, out, e);
  const char *fixed = *s == '@' ? preset(s) : NULL;
  if (*s == '@' && !fixed) return err_set(e, "validation", "%.40s is none of @hourly @daily @weekly @monthly @yearly", s);
  if (!read_fields(fixed ? fixed : s, out, e)) return false;
  return cron_next(out, tz_get(NULL), 0) != INT64_MAX || err_set(e, "validation", "there is never such a day");
}

/* --- the next time ------------------------------------------------------------------------------------------------------------------- */
static bool day_fits(const Cron *c, int64_t days) {
  int64_t year;
  int month, day, weekday = (int)(((days + 4) % 7 + 7) % 7);
  tz_date(days, &year, &month, &day);
  if (!(c->months >> month & 1)) return false;
  bool d = c->days >> day & 1, w = c->weekdays >> weekday & 1;
  return c->any_day || c->any_weekday ? d && w : d || w;
}

/* The first minute of the day at or after `from` that fits; -1 none. */
static int minute_of(const Cron *c, int from) {
  for (int h = from / 60, m = from % 60; h < 24; h++, m = 0) {
    if (!(c->hours >> h & 1)) continue;
    uint64_t rest = c->minutes >> m;
    if (rest) return h * 60 + m + __builtin_ctzll(rest);
  }
  return -1;
}

int64_t cron_next(const Cron *c, const Tz *z, int64_t after_ms) {
  int64_t ms = c->every_ms;
  if (ms) return (after_ms / ms - (after_ms % ms < 0) + 1) * ms;
  int64_t after = after_ms / 1000 - (after_ms % 1000 < 0), wall = after + tz_offset(z, after);
  int64_t day = wall / 86400 - (wall % 86400 < 0);
  int from = (int)((wall - day * 86400) / 60);
  for (int i = 0; i < SEARCH_DAYS; i++, day++, from = 0) {
    if (!day_fits(c, day)) continue;
    for (int m = minute_of(c, from); m >= 0; m = minute_of(c, m + 1)) {
      int64_t at = tz_first(z, day * 86400 + m * 60);
      if (at > after) return at * 1000;
    }
  }
  return INT64_MAX;
}
