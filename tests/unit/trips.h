/* trips.h - evaluating text in the two ways that the tests compare: straight through, or stopped every k units of fuel, each
 * time written to a snapshot, read back and gone on with. For lang_runner and the fuzz target of the evaluator. */
#ifndef BR_TRIPS_H
#define BR_TRIPS_H
#include "reader/text.h"

typedef struct TripLimits { int64_t fuel; uint64_t mem; uint32_t frames; } TripLimits;
extern TripLimits trip_limits;  /* to be set before trip_init */
extern bool trip_collect;       /* collect garbage at every stop */
extern char trip_broken[256];   /* what a snapshot's round trip got wrong; the caller empties it */

void trip_init(void);
/* The printed answer of the last form, or `!kind message`, NUL-terminated. k = 0: straight through. Long programs are stopped
 * less and less often. */
void trip_answer(const char *expr, size_t n, int64_t k, Buf *out);
/* Does it name what answers differently each time? */
bool trip_unstable(const char *expr);
#endif
