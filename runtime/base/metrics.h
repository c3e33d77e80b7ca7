/* metrics.h - what the process counts about itself: one row for each figure, atomic, any thread, never reset.
 *
 * METRICS(M): M(name, type, doc); type is counter (only grows; its name ends in _total) or gauge.
 * METRIC_FAMILIES(M): M(name, type, unit, label, label2, doc): figures with one or two labels (NULL: fewer). type is counter, or histogram
 * with the unit its bounds are in: seconds (observed in microseconds) or count.
 * Names are what a Prometheus-style scraper sees behind "breyta_". Figures are about the process, never about one tenant: labels say
 * families of steps, statuses, classes of errors and routes, never ids, slugs, addresses or values. Whatever a flow may choose itself
 * (the :type of an error) cannot grow without bound: a family has METRIC_SERIES series, what comes later is counted as "other". */
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
  M(webhook_deduped_total, counter, "deliveries that were there before") \
  M(resource_written_bytes_total, counter, "bytes of results and files that were stored") \
  M(resource_served_bytes_total, counter, "bytes of results and files that were sent to clients") \
  M(jobs_submitted_total, counter, "jobs that were put into the queue over the API") \
  M(jobs_claimed_total, counter, "claims that gave a worker a job") \
  M(jobs_polls, gauge, "workers that wait for a job at the moment") \
  M(store_full, gauge, "1: the disk has no room for the database") \
  M(otel_spans_total, counter, "spans that the OpenTelemetry collector has taken") \
  M(otel_dropped_total, counter, "spans that were dropped: too many at once, or the collector does not take them") \
  M(log_lost_total, counter, "log lines that could not be written to standard error")

#define METRIC_FAMILIES(M) \
  M(runs_started_total, counter, none, NULL, NULL, "runs whose start became durable") \
  M(runs_ended_total, counter, none, "status", "error", "runs that ended, by status and by the :type of the error") \
  M(run_seconds, histogram, seconds, "status", NULL, "from the start of a run to its end") \
  M(step_seconds, histogram, seconds, "type", "outcome", "from the moment a step was reached to its result, retries included") \
  M(step_queue_seconds, histogram, seconds, "type", NULL, "how long an attempt waited until its effect could begin") \
  M(step_failures_total, counter, none, "type", "error", "steps that failed for good, by family and by the :type of the error") \
  M(step_retries_total, counter, none, "type", "error", "attempts that failed and are made again") \
  M(http_delay_seconds, histogram, seconds, NULL, NULL, "how long requests waited for their turn: a rate limit or a concurrency limit") \
  M(jobs_ended_total, counter, none, "status", NULL, "jobs that ended, by status") \
  M(wait_seconds, histogram, seconds, "outcome", NULL, "how long :wait steps waited: answered, timed-out or failed") \
  M(approval_seconds, histogram, seconds, "action", NULL, "how long people took to decide, by what they did") \
  M(flow_changes_total, counter, none, "change", NULL, "releases, promotions, rollbacks and other changes of flows over the API") \
  M(commit_operations, histogram, count, NULL, NULL, "operations that became durable in one commit") \
  M(commit_seconds, histogram, seconds, NULL, NULL, "how long a commit took, up to stable storage") \
  M(sync_seconds, histogram, seconds, NULL, NULL, "of it, writing the log and waiting for the disk") \
  M(timer_lag_seconds, histogram, seconds, NULL, NULL, "how late timers fired") \
  M(requests_total, counter, none, "route", "status", "HTTP requests that were answered") \
  M(request_seconds, histogram, seconds, "route", NULL, "from the first byte of a request's headers to its answer")
enum { METRIC_SERIES = 200 };


#define METRIC_ID(name, type, doc) METRIC_##name,
enum Metric { METRICS(METRIC_ID) METRIC_COUNT };
#define FAMILY_ID(name, type, unit, a, b, doc) METRIC_##name,
enum MetricFamily { METRIC_FAMILIES(FAMILY_ID) METRIC_FAMILY_COUNT };

void metric_add(enum Metric m, int64_t n); /* n may be negative for gauges */
int64_t metric_get(enum Metric m);
/* Of a family; a and b: values of its labels, copied; NULL is "none". observe: microseconds, or a count. */
void metric_count(enum MetricFamily f, const char *a, const char *b);
void metric_observe(enum MetricFamily f, const char *a, const char *b, int64_t value);
void metrics_text(Buf *out); /* the text format of Prometheus, version 0.0.4 */
void metrics_gauge(Buf *out, const char *name, const char *doc, int64_t value_us); /* one more, told when it is asked for: seconds */
void metrics_number(Buf *out, const char *name, const char *doc, int64_t value);
#endif
