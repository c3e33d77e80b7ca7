/* log.h - the server's log on standard error: one line for each event, as JSON or as text; off until log_set.
 *
 * A line is written whole by one write, from any thread; what cannot be written is counted (log_lost_total), never waited for twice.
 * JSON: {"time":"2026-01-02T03:04:05.678Z","level":"info","event":"run-started",...}; fields that are missing are left out.
 * Whoever gives texts that steps have made has taken secrets out of them (secret_clean). */
#ifndef BR_LOG_H
#define BR_LOG_H
#include "port.h"
#include "reader/text.h"

enum LogMode { LOG_OFF, LOG_TEXT, LOG_JSON };
enum { LOG_TEXT_MAX = 2000 /* bytes of one field; more is cut */ };

typedef struct LogField {
  const char *name, *text; /* text NULL: the number, or nothing when that is 0 */
  int64_t n;
} LogField;

void log_json(Buf *b, const char *s); /* s in quotes, cut when it is long; what is no UTF-8 becomes question marks */
void log_set(enum LogMode mode);
enum LogMode log_mode(void);
/* level: "info", "warn" or "error"; event: words-with-dashes. */
void log_line(const char *level, const char *event, const LogField *fields, size_t n);
#endif
