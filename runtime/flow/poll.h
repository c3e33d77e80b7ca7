/* poll.h - the options of `flow/poll` (spec/flows.md section 3), read in one place for the macro, the checks of a definition
 * and the helpers that the expansion calls. */
#ifndef BR_POLL_H
#define BR_POLL_H
#include "runtime/base/backoff.h"
#include "runtime/base/limits.h"

typedef struct PollOptions {
  int64_t timeout_ms;   /* -1: none */
  int64_t max_attempts; /* 0: none */
  BackoffSpec backoff;
  StatusSet abort_status;
  bool abort_error;     /* errors stop polling */
} PollOptions;

#define POLL_MAX_ATTEMPTS limit_value(LIMIT_poll_attempts)
#define POLL_MAX_MS (limit_value(LIMIT_poll_seconds) * 1000)

/* All problems of the options in one message, code "validation". `forms`: opts is the unevaluated map of a call; what is no
 * literal in it is taken as given and good. Otherwise opts holds values, :return-on excepted. */
bool poll_options(Val opts, bool forms, PollOptions *out, Err *e);
#endif
