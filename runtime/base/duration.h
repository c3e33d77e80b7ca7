/* duration.h - lengths of time as authors write them: "250ms" "10s" "45m" "2h" "1d", or a bare integer whose unit depends
 * on the field (milliseconds in poll, job and backoff fields, seconds in `:timeout` of steps and waits; see
 * spec/decisions.md). Results are milliseconds >= 0. Errors have the code "validation" and say what would work. Pure
 * functions, any registered thread. */
#ifndef BR_DURATION_H
#define BR_DURATION_H
#include "reader/text.h"
#include "port.h"

enum DurationUnit { DURATION_MS = 1, DURATION_SECONDS = 1000 }; /* of a bare integer */
#define DURATION_MAX_MS ((int64_t)1000 * 365 * 86400 * 1000)    /* 1000 years: no sum of two can overflow */

/* "<digits><unit>" with unit ms, s, m, h or d. `what` names the field in the error (":timeout"). */
bool duration_parse(const char *s, size_t n, const char *what, int64_t *ms, Err *e);
/* A string as above, or an integer in `bare` units. */
bool duration_of(Val v, enum DurationUnit bare, const char *what, int64_t *ms, Err *e);
/* For people: 850ms, 1.2s, 3m 4s, 2h 5m, 1d 3h. Truncates, never rounds up. */
void duration_print(Buf *b, int64_t ms);
#endif
