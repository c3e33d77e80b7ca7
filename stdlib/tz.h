/* tz.h - time zones from the system's database (/usr/share/zoneinfo, TZif files of RFC 8536). */
#ifndef BR_TZ_H
#define BR_TZ_H
#include <stdbool.h>
#include <stdint.h>

/* Seconds that local time is ahead of UTC in a zone at an instant (seconds of the epoch). False: no such zone. Any thread. */
bool tz_offset(const char *zone, int64_t epoch_sec, int32_t *offset);
#endif
