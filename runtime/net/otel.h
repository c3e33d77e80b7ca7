/* otel.h - spans to an OpenTelemetry collector: OTLP over HTTP with JSON, when OTEL_EXPORTER_OTLP_ENDPOINT (to which /v1/traces is added) or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set; OTEL_EXPORTER_OTLP_HEADERS (a=b,c=d%20e; that of TRACES_HEADERS instead) and OTEL_SERVICE_NAME are kept to. Else nothing is done.
 *
 * Spans are queued, up to OTEL_QUEUE, and sent by a thread of their own, OTEL_BATCH at a time or after a second: nobody waits for a
 * collector. What does not fit, or is refused after some tries, is dropped and counted (otel_dropped_total). */
#ifndef BR_OTEL_H
#define BR_OTEL_H
#include "runtime/base/log.h"

enum { OTEL_QUEUE = 4096, OTEL_BATCH = 512, OTEL_TRIES = 3 };

bool otel_start(Err *e); /* false: an address or header that cannot be used, or no thread */
bool otel_on(void);
void otel_stop(void); /* sends what is queued, for two seconds at most */

typedef struct OtelSpan {
  const char *trace, *span, *parent; /* hex; parent NULL or "": none */
  const char *name;
  bool client; /* a request to somebody else */
  int64_t start_ms, end_ms;
  const LogField *attributes; /* as in log_line */
  size_t n;
  bool failed;
  const char *message; /* of a failure; NULL */
} OtelSpan;
void otel_span(const OtelSpan *s); /* any thread */

/* "00-<trace>-<span>-<flags>" (W3C trace context, version 00). false: it is no such thing. */
bool otel_parent(const char *header, char trace[33], char span[17]);
#endif
