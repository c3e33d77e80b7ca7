/* cron.h - when a schedule is due (spec/flows.md 1.6, decisions: schedule presets).
 *
 *   minute hour day-of-month month day-of-week     numbers, names (jan, mon), * a-b a,b and steps: star/15 8-18/2 5/10 (from 5 on);
 *                                                  weekdays 0-7, 0 and 7 are Sunday. Where both days are restricted, either is enough.
 *   @hourly @daily @midnight @weekly @monthly @yearly @annually
 *   every 15m                                      a duration of at least a minute, aligned to 1970-01-01 UTC
 *
 * Fields are those of the wall clock of a time zone. A time that the clock skips is due once, at the end of the gap; a time that comes
 * twice is due the first time alone: every nominal time has at most one moment. Plain C. */
#ifndef BR_CRON_H
#define BR_CRON_H
#include "port.h"
#include "stdlib/tz.h"

typedef struct Cron {
  uint64_t minutes;
  uint32_t hours, days, months, weekdays;
  bool any_day, any_weekday; /* the field is a star */
  int64_t every_ms;          /* > 0: nothing else counts */
} Cron;

/* false: *e (validation) says which field and what would work. */
bool cron_parse(const char *s, Cron *out, Err *e);
/* The first time after `after_ms` (UTC ms), or INT64_MAX: never again within 30 years. */
int64_t cron_next(const Cron *c, const Tz *z, int64_t after_ms);
#endif
