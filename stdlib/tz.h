/* tz.h - time zones of the IANA database by name, read from the system's TZif files (RFC 9636): /usr/share/zoneinfo, or where $TZDIR says.
 *
 * libc's tzset is one zone per process; here a zone is a value. A file is read once and kept for the life of the process: a newer tzdata
 * is seen by the next start. Behind the last transition of the file its footer holds (a POSIX TZ rule), so far-away years are right
 * too. Seconds are UTC since 1970, as time_t; offsets are seconds east of UTC. Nothing is trusted of what is in a file. Any thread. */
#ifndef BR_TZ_H
#define BR_TZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Tz Tz;
/* "Europe/Berlin", "UTC"; NULL or "" is UTC. NULL: there is no such zone. Never freed. */
const Tz *tz_get(const char *name);
int32_t tz_offset(const Tz *z, int64_t utc);
/* The next moment after `utc` at which the offset may change; INT64_MAX: never. */
int64_t tz_next_change(const Tz *z, int64_t utc);
/* The first moment at which clocks of the zone show `local` (seconds since 1970 as if its wall clock were UTC) or more: of a time that
 * comes twice the first one, of a time that is skipped the end of the gap. */
int64_t tz_first(const Tz *z, int64_t local);

/* The parser, for tests and fuzzing: a zone out of the bytes of a file; NULL: malformed. tz_free it. */
Tz *tz_parse(const void *p, size_t n);
void tz_free(Tz *z);

/* Days since 1970-01-01 of a date, and back (proleptic Gregorian). */
int64_t tz_days(int64_t year, int month, int day);
void tz_date(int64_t days, int64_t *year, int *month, int *day);
#endif
