/* host.h - values that stand for objects of the host's library: java.time, rounding contexts, encoders. Immutable data.
 *
 * aux is the kind. The numbers mean
 *   HOST_INSTANT HOST_DURATION  a seconds (of the epoch), b nanoseconds 0..999999999
 *   HOST_PERIOD                 a years, b months, c days
 *   HOST_DATE                   a days since 1970-01-01, proleptic Gregorian
 *   HOST_TIME                   b nanoseconds of the day
 *   HOST_DATETIME               a days, b nanoseconds of the day
 *   HOST_ZONED HOST_OFFSET_DT   a seconds of the epoch, b nanoseconds, c seconds of the offset from UTC; x zone id (zoned)
 *   HOST_OFFSET                 c seconds
 *   HOST_ZONE                   x id
 *   HOST_DAY HOST_MONTH HOST_UNIT HOST_FIELD   a number of the constant (days and months from 1, the others from 0)
 *   HOST_YEAR a year   HOST_YEAR_MONTH a year x 12 + month - 1
 *   HOST_OBJECT                 x what it is made of, y the name of its class (T_STR); equal when x and y are */
#ifndef BR_HOST_H
#define BR_HOST_H
#include "text.h"

enum HostKind {
  HOST_OBJECT, HOST_INSTANT, HOST_DURATION, HOST_PERIOD, HOST_DATE, HOST_TIME, HOST_DATETIME, HOST_ZONED, HOST_OFFSET_DT, HOST_OFFSET,
  HOST_ZONE, HOST_DAY, HOST_MONTH, HOST_UNIT, HOST_FIELD, HOST_YEAR, HOST_YEAR_MONTH, HOST_KINDS
};
extern const char *const host_classes[HOST_KINDS];

Val host_new(enum HostKind kind, int64_t a, int64_t b, int32_t c, Val x, Val y);
Val host_text(Buf *b, Val v);          /* toString; nil or a signal */
Val host_eq(Val a, Val b);             /* both T_HOST: a boolean or a signal */
Val host_hash(Val v, uint32_t *out);   /* Java's hashCode where that is not an address */
bool host_compare(Val a, Val b, int *out); /* as compareTo; false: not comparable */
const char *host_unit_name(int i);     /* "Days"; NULL behind the last */
const char *host_field_name(int i);    /* "DayOfMonth" */

void host_civil(int64_t epoch_day, int64_t *year, int *month, int *day);
int64_t host_epoch_day(int64_t year, int month, int day);
#define HOST_DAY_NS INT64_C(86400000000000)
#endif
