/* backoff.h - how often and after what pause a failed step attempt is made again (spec/decisions.md `:retry`, durability
 * rule 10), the intervals of `flow/poll` and `flow/backoff`, and the Retry-After header (RFC 9110 10.2.3).
 *
 * Everything is a pure function of its arguments: jitter comes from a 64-bit seed that the caller derives from what a
 * replay derives too (run, step, occurrence), so a replay computes the same pauses. RetryPolicy and BackoffSpec are plain
 * data without pointers: copy and store them freely. Milliseconds everywhere; attempts count from 1. */
#ifndef BR_BACKOFF_H
#define BR_BACKOFF_H
#include "reader/map.h"
#include "port.h"

enum BackoffKind { BACKOFF_CONSTANT, BACKOFF_LINEAR, BACKOFF_EXPONENTIAL };
enum { BACKOFF_KINDS = 16, BACKOFF_KIND_LEN = 32, BACKOFF_MAX_ATTEMPTS = 1000 };
#define BACKOFF_MAX_RETRY_AFTER ((int64_t)86400000) /* a server cannot park a run for longer than a day */

/* Set of HTTP statuses 100-599. */
typedef struct StatusSet {
  uint64_t bits[8];
} StatusSet;
static inline bool status_set_has(const StatusSet *s, int64_t status) {
  return status >= 100 && status < 600 && (s->bits[(status - 100) / 64] >> ((status - 100) % 64) & 1);
}
static inline void status_set_add(StatusSet *s, int64_t status) { /* 100-599 */
  s->bits[(status - 100) / 64] |= (uint64_t)1 << ((status - 100) % 64);
}

typedef struct RetryPolicy {
  int64_t max_attempts; /* 1 = never again */
  enum BackoffKind kind;
  int64_t backoff_ms, max_backoff_ms;
  bool jitter;        /* full jitter: uniform in [0, pause] */
  StatusSet statuses; /* of errors of type :http-error */
  int nkinds;         /* error types, without colon */
  char kinds[BACKOFF_KINDS][BACKOFF_KIND_LEN];
} RetryPolicy;

/* A step without `:retry`: one attempt; the other fields as spec/decisions.md says. */
void backoff_default(RetryPolicy *p);
/* The value of `:retry`, nil for none. All problems in one message, code "validation". */
bool backoff_policy(Val retry, RetryPolicy *p, Err *e);
/* May an error of this `:type` (status: of :http-error, else 0) be tried again under p? Attempts are not looked at. */
bool backoff_retryable(const RetryPolicy *p, const char *type, int64_t status);
/* Pause after the failed attempt number `attempt`. retry_after_ms wins over the policy (-1: there was none). */
int64_t backoff_delay(const RetryPolicy *p, int64_t attempt, uint64_t seed, int64_t retry_after_ms);
/* Value of a Retry-After header: seconds or an HTTP date in one of its three forms. -1 when malformed; a date in the past
 * is 0; at most BACKOFF_MAX_RETRY_AFTER. */
int64_t backoff_retry_after(const char *value, int64_t at_ms);
/* An HTTP date as UTC milliseconds; false when malformed. */
bool backoff_http_date(const char *s, int64_t *ms);

/* {:type :constant|:linear|:exponential :interval d :step d :factor n :max d}, as `flow/backoff` and `flow/poll` take it.
 * linear: interval + step * (attempt - 1), step defaults to interval; exponential: interval * factor^(attempt - 1). */
typedef struct BackoffSpec {
  enum BackoffKind kind;
  int64_t interval_ms, step_ms, max_ms;
  double factor;
} BackoffSpec;
/* interval_ms: used when the map has no :interval (-1: then it is required). A string or integer instead of a map is a
 * constant interval; nil is the constant interval_ms. */
bool backoff_spec(Val spec, int64_t interval_ms, BackoffSpec *out, Err *e);
int64_t backoff_interval(const BackoffSpec *s, int64_t attempt);
#endif
