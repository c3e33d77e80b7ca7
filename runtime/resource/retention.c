/* retention.c - see retention.h */
#include "retention.h"
#include "runtime/base/duration.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROWS = 500, PAUSE_MS = 10, LEAST_MS = 1000, MOST_MS = 3600 * 1000, SIZE_MS = 5000 };

static bool bytes_of(const char *text, int64_t *out) {
  static const char *const units[] = {"KB", "MB", "GB", "TB"};
  char *end;
  int64_t n = strtoll(text, &end, 10), size = 1;
  if (end == text || n < 1) return false;
  for (int i = 0; i < 4; i++) {
    size *= 1024;
    if (strcasecmp(end, units[i])) continue;
    *out = n * size;
    return n <= INT64_MAX / size;
  }
  return false;
}

bool retention_policy(Retention *r, const char *keep, const char *above, Err *err) {
  *r = (Retention){0};
  if (keep && !duration_parse(keep, strlen(keep), "--keep-history", &r->keep_ms, err)) return false;
  if (keep && r->keep_ms < 1) return err_set(err, "usage", "--keep-history: a time such as 30d is expected");
  return !above || bytes_of(above, &r->max_bytes) || err_set(err, "usage", "--history-above: a size such as 10GB is expected, not %.60s", above);
}

static bool is_too_big(const Retention *r, Store *s) { return r->max_bytes && store_used_bytes(s) > r->max_bytes; }

/* A whole round is over: look again in a tenth of what is kept; at the size sooner. */
static void pause(Retention *r, int64_t now) {
  int64_t wait = r->keep_ms && r->keep_ms / 10 < MOST_MS ? r->keep_ms / 10 : MOST_MS;
  if (r->max_bytes && wait > SIZE_MS) wait = SIZE_MS;
  r->at = (HistorySweep){0};
  r->next_ms = now + (wait < LEAST_MS ? LEAST_MS : wait);
}

bool retention_turn(Retention *r, Store *s, int64_t now, Err *err) {
  if ((!r->keep_ms && !r->max_bytes) || now < r->next_ms) return true;
  bool big = is_too_big(r, s);
  r->next_ms = now + PAUSE_MS;
  if (!big && !r->keep_ms) return pause(r, now), true;
  err->code = NULL;
  int got = store_sweep_history(s, big ? now : now - r->keep_ms, &r->at, ROWS, err);
  r->dropped += got > 0;
  if (got < 0) pause(r, now);
  return !err->code || !store_failed(s); /* a full disk: the next round */
}
