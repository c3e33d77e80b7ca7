/* engine_trace.c - see engine_trace.h. */
#include "engine_trace.h"
#include "runtime/base/hash.h"
#include "runtime/net/otel.h"
#include "reader/read.h"
#include <stdio.h>
#include <string.h>

static Val traceparent(const char *text) {
  Val m = text && strstr(text, "traceparent") ? read_one(text, strlen(text), NULL, true) : NIL;
  return is_map(m) ? map_get_kw(m, "traceparent") : NIL;
}

/* n hex digits that follow from the text. */
static void derive(const Buf *b, char *out, size_t n) {
  char hex[65];
  hash_sha256_hex(b->p, b->n, hex);
  memcpy(out, hex, n);
  out[n] = 0;
}

void trace_run(Run *r, const RunRow *row) {
  if (!otel_on()) return;
  Val from = traceparent(row->lineage);
  if (!is_str(from)) from = traceparent(row->origin);
  Buf b = {0};
  buf_fmt(&b, "run/%s/%s/%lld", r->workspace, r->run_id, (long long)r->created_ms);
  derive(&b, r->trace.span, 16);
  if (!is_str(from) || !otel_parent(str_s(from), r->trace.trace, r->trace.parent)) {
    *r->trace.parent = 0;
    buf_c(&b, "/trace");
    derive(&b, r->trace.trace, 32);
  }
  buf_free(&b);
}

static void attempt_span(const StepCall *c, char out[17]) {
  Buf b = {0};
  buf_fmt(&b, "%s/%s/%s/%lld/%d", c->r->trace.trace, c->r->trace.span, id_text(c->id), (long long)c->occ, c->attempt);
  derive(&b, out, 16);
  buf_free(&b);
}

void trace_run_ended(const Run *r, const LogField *f, size_t n, bool failed, const char *message) {
  if (!otel_on() || !*r->trace.trace) return;
  otel_span(&(OtelSpan){.trace = r->trace.trace, .span = r->trace.span, .parent = r->trace.parent, .name = r->slug, .start_ms = r->created_ms,
                        .end_ms = now_ms(), .attributes = f, .n = n, .failed = failed, .message = message});
}

void trace_attempt_ended(const StepCall *c, const LogField *f, size_t n, bool failed, const char *message) {
  char span[17];
  if (!otel_on() || !*c->r->trace.trace) return;
  attempt_span(c, span);
  const char *type = kw_text(c->type);
  otel_span(&(OtelSpan){.trace = c->r->trace.trace, .span = span, .parent = c->r->trace.span, .name = id_text(c->id),
                        .client = !strcmp(type, "http") || !strcmp(type, "llm") || !strcmp(type, "db"),
                        .start_ms = c->attempt > 1 && c->due_ms ? c->due_ms : c->started_ms, .end_ms = now_ms(), .attributes = f, .n = n,
                        .failed = failed, .message = message});
}

bool trace_header(const StepCall *c, char out[56]) {
  char span[17];
  if (!otel_on() || !*c->r->trace.trace) return false;
  attempt_span(c, span);
  snprintf(out, 56, "00-%s-%s-01", c->r->trace.trace, span);
  return true;
}
