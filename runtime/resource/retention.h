/* retention.h - how long the histories of runs that are over are kept (--keep-history, --history-above).
 *
 * Journal segments are dropped whole, and only when every run in them is over for long enough; a run that is not over keeps its segments,
 * however old. The rows of runs stay: lists and their results' absence (historyGone) say what there was. A little at a time, between turns of
 * the engine; without a policy nothing is ever dropped. Engine thread. */
#ifndef BR_RETENTION_H
#define BR_RETENTION_H
#include "runtime/store/store.h"

typedef struct Retention {
  int64_t keep_ms;   /* older than that may go; 0: no such limit */
  int64_t max_bytes; /* while the database holds more than that, the oldest goes, however young; 0: no such limit */
  HistorySweep at;
  int64_t next_ms;   /* when it looks next */
  int64_t dropped;   /* segments, ever */
} Retention;

/* "30d", "10GB" (KB MB GB TB, of 1024); NULL: none. false: *err says what would work. */
bool retention_policy(Retention *r, const char *keep, const char *above, Err *err);
/* A piece of work, if it is time. false: the store failed. */
bool retention_turn(Retention *r, Store *s, int64_t now, Err *err);
#endif
