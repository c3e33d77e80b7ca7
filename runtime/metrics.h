/* metrics.h - what the process counts about itself: one row for each figure, atomic, any thread, never reset.
 *
 * METRICS(M): M(name, type, doc); type is counter (only grows; its name ends in _total) or gauge. Names are what a Prometheus-style
 * scraper sees behind "breyta_". Figures are about the process, never about one tenant, and hold no names, addresses or values. */
#ifndef BR_METRICS_H
#define BR_METRICS_H
#include "reader/text.h"
#include <stdint.h>

#define METRICS(M)                                                                                \
  M(http_requests_total, counter, "requests that :http, :llm and :notify steps have sent")         \
  M(http_errors_total, counter, "of these, the ones that ended without a response")               \
  M(http_received_bytes_total, counter, "bytes of response bodies, decoded")                      \
  M(http_in_flight, gauge, "requests under way")                                                  \
  M(http_queued, gauge, "requests that wait for their turn: a rate limit or a concurrency limit") \
  M(http_delayed_total, counter, "requests that had to wait for their turn")                      \
  M(http_delay_ms_total, counter, "how long they waited, together")                               \
  M(http_token_requests_total, counter, "access tokens that were asked for (:google-service-account)") \
  M(schedule_runs_total, counter, "runs that schedules have started")                             \
  M(schedule_failures_total, counter, "times that were due and whose run could not be started")   \
  M(schedule_lag_ms, gauge, "how late the schedule was that started a run last")                  \
  M(webhook_runs_total, counter, "runs that webhooks have started")                               \
  M(webhook_refused_total, counter, "requests to webhooks that were not believed or not fit")     \
  M(webhook_deduped_total, counter, "deliveries that were there before")

#define METRIC_ID(name, type, doc) METRIC_##name,
enum Metric { METRICS(METRIC_ID) METRIC_COUNT };

void metric_add(enum Metric m, int64_t n); /* n may be negative for gauges */
int64_t metric_get(enum Metric m);
void metrics_text(Buf *out); /* the text format of Prometheus, version 0.0.4 */
#endif
