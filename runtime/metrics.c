/* metrics.c - see metrics.h. */
#include "runtime/metrics.h"
#include <stdatomic.h>

static _Atomic int64_t values[METRIC_COUNT];

void metric_add(enum Metric m, int64_t n) { atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed); }
int64_t metric_get(enum Metric m) { return atomic_load_explicit(&values[m], memory_order_relaxed); }

void metrics_text(Buf *out) {
#define METRIC_TEXT(name, type, doc)                                                                                            \
  buf_fmt(out, "# HELP breyta_" #name " %s\n# TYPE breyta_" #name " " #type "\nbreyta_" #name " %lld\n", doc, \
          (long long)metric_get(METRIC_##name));
  METRICS(METRIC_TEXT)
}
