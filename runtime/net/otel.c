/* otel.c - see otel.h. */
#include "otel.h"
#include "http_client.h"
#include "runtime/base/metrics.h"
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMEOUT_MS = 10000, LAST_MS = 2000, PAUSE_MS = 1000 };

typedef struct Queued {
  char *text;
  size_t n;
  struct Queued *next;
} Queued;

static struct {
  bool on, stop;
  char *url, *headers;
  Buf head; /* of every body, up to the spans */
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  Queued *first, **last;
  int n;
  HttpClient *client;
} otel = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool otel_on(void) { return otel.on; }

/* --- spans as JSON ---------------------------------------------------------------------------------------------------------------------- */
static void put_attribute(Buf *b, const LogField *f, const char **between) {
  if (!f->text && !f->n) return;
  buf_fmt(b, "%s{\"key\":\"breyta.%s\",\"value\":{", *between, f->name);
  if (f->text) buf_c(b, "\"stringValue\":"), log_json(b, f->text);
  else buf_fmt(b, "\"intValue\":\"%lld\"", (long long)f->n);
  buf_c(b, "}}");
  *between = ",";
}

static void put_span(Buf *b, const OtelSpan *s) {
  const char *between = "";
  buf_fmt(b, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", s->trace, s->span);
  if (s->parent && *s->parent) buf_fmt(b, ",\"parentSpanId\":\"%s\"", s->parent);
  buf_c(b, ",\"name\":");
  log_json(b, s->name);
  buf_fmt(b, ",\"kind\":%d,\"startTimeUnixNano\":\"%lld000000\",\"endTimeUnixNano\":\"%lld000000\",\"attributes\":[", s->client ? 3 : 1,
          (long long)s->start_ms, (long long)(s->end_ms < s->start_ms ? s->start_ms : s->end_ms));
  for (size_t i = 0; i < s->n; i++) put_attribute(b, &s->attributes[i], &between);
  buf_fmt(b, "],\"status\":{\"code\":%d", s->failed ? 2 : 1);
  if (s->failed && s->message) buf_c(b, ",\"message\":"), log_json(b, s->message);
  buf_c(b, "}}");
}

void otel_span(const OtelSpan *s) {
  if (!otel.on) return;
  Buf b = {0};
  put_span(&b, s);
  Queued *q = malloc(sizeof *q);
  if (!q) abort();
  *q = (Queued){buf_cstr(&b), b.n, NULL};
  pthread_mutex_lock(&otel.lock);
  bool room = otel.n < OTEL_QUEUE && !otel.stop;
  if (room) {
    *otel.last = q;
    otel.last = &q->next;
    if (otel.n++ == 0 || otel.n == OTEL_BATCH) pthread_cond_signal(&otel.changed);
  }
  pthread_mutex_unlock(&otel.lock);
  if (room) return;
  metric_add(METRIC_otel_dropped_total, 1);
  free(q->text);
  free(q);
}

/* --- the thread ---------------------------------------------------------------------------------------------------------------------------- */
/* Locked: until something changes or the time is over. */
static void wait_ms(int64_t ms) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += ms / 1000;
  (void)pthread_cond_timedwait(&otel.changed, &otel.lock, &t);
}

/* The next spans as a body; 0: it is over. */
static int take_batch(Buf *body) {
  int n = 0;
  pthread_mutex_lock(&otel.lock);
  while (!otel.n && !otel.stop) pthread_cond_wait(&otel.changed, &otel.lock);
  if (otel.n < OTEL_BATCH && !otel.stop) wait_ms(PAUSE_MS);
  buf_add(body, otel.head.p, otel.head.n);
  for (; otel.first && n < OTEL_BATCH; n++) {
    Queued *q = otel.first;
    otel.first = q->next;
    if (n) buf_c(body, ",");
    buf_add(body, q->text, q->n);
    free(q->text);
    free(q);
  }
  if (!otel.first) otel.last = &otel.first;
  otel.n -= n;
  pthread_mutex_unlock(&otel.lock);
  buf_c(body, "]}]}]}");
  return n;
}

static bool stopping(void) {
  pthread_mutex_lock(&otel.lock);
  bool stop = otel.stop;
  pthread_mutex_unlock(&otel.lock);
  return stop;
}

/* In place: without blanks at the ends, %20 as a blank. */
static char *plain(char *s) {
  static const char digits[] = "0123456789abcdef";
  s += strspn(s, " \t");
  char *to = s;
  size_t n = strlen(s);
  while (n && (s[n - 1] == ' ' || s[n - 1] == '\t')) s[--n] = 0;
  for (const char *p = s; *p; p++) {
    const char *high = *p == '%' && p[1] ? strchr(digits, tolower((unsigned char)p[1])) : NULL;
    const char *low = high && p[2] ? strchr(digits, tolower((unsigned char)p[2])) : NULL;
    int c = low ? (int)((high - digits) << 4 | (low - digits)) : (unsigned char)*p;
    if (low) p += 2;
    *to++ = c < ' ' ? ' ' : (char)c; /* nothing begins a line of its own */
  }
  *to = 0;
  return s;
}

/* name=value,name=value, the values percent-encoded where they have to be (OTEL_EXPORTER_OTLP_HEADERS of the OpenTelemetry specification). */
static void add_headers(HttpRequest *r) {
  char *all = strdup(otel.headers ? otel.headers : ""), *rest = all, *one;
  http_request_header(r, "Content-Type", "application/json", false);
  while (all && (one = strsep(&rest, ","))) {
    char *eq = strchr(one, '=');
    if (!eq) continue;
    *eq = 0;
    const char *name = plain(one), *value = plain(eq + 1);
    if (*name && !name[strcspn(name, " \t:")]) http_request_header(r, name, value, true);
  }
  free(all);
}

/* 1: taken; 0: refused for good; -1: perhaps later. */
static int post(const Buf *body) {
  HttpRequest r;
  Err err = {0};
  http_request_init(&r);
  snprintf(r.method, sizeof r.method, "POST");
  r.url = strdup(otel.url);
  r.guard = false;
  r.timeout_ms = stopping() ? LAST_MS : TIMEOUT_MS;
  r.max_response = 1 << 20;
  r.body = malloc(body->n);
  if (!r.url || !r.body) abort();
  memcpy(r.body, body->p, body->n);
  r.nbody = body->n;
  add_headers(&r);
  if (!http_client_send(otel.client, &r, &err)) return 0;
  struct pollfd p = {.fd = http_client_fd(otel.client), .events = POLLIN};
  HttpResponse *got;
  while (!(got = http_client_next(otel.client)))
    if (poll(&p, 1, -1) < 0 && errno != EINTR) return 0; /* the request has a time limit of its own */
  int status = got->err == HTTP_OK ? got->status : 0;
  http_response_free(got);
  if (status >= 200 && status < 300) return 1;
  return !status || status == 429 || (status >= 502 && status <= 504) ? -1 : 0;
}

static void pause_between(void) {
  pthread_mutex_lock(&otel.lock);
  if (!otel.stop) wait_ms(PAUSE_MS);
  pthread_mutex_unlock(&otel.lock);
}

static void *run(void *arg) {
  Buf body = {0};
  int n;
  (void)arg;
  while ((n = take_batch(&body)) || !stopping()) {
    int got = n ? post(&body) : 1;
    for (int i = 1; got < 0 && i < OTEL_TRIES && !stopping(); i++) {
      pause_between();
      got = post(&body);
    }
    metric_add(got > 0 ? METRIC_otel_spans_total : METRIC_otel_dropped_total, n);
    body.n = 0;
  }
  buf_free(&body);
  return NULL;
}

/* --- start and stop ------------------------------------------------------------------------------------------------------------------------- */
static const char *variable(const char *name) {
  const char *v = getenv(name);
  return v && *v ? v : NULL;
}

static bool read_url(Err *e) {
  const char *traces = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), *base = variable("OTEL_EXPORTER_OTLP_ENDPOINT"), *v = traces ? traces : base;
  if (!v) return true;
  if (strncmp(v, "http://", 7) && strncmp(v, "https://", 8))
    return err_set(e, "otel", "%s: http://HOST:4318 or https://... is expected, not %.200s", traces ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT", v);
  Buf b = {0};
  buf_c(&b, v);
  while (!traces && b.p[b.n - 1] == '/') b.n--;
  if (!traces) buf_c(&b, "/v1/traces");
  otel.url = buf_cstr(&b);
  return true;
}

static void make_head(void) {
  const char *name = variable("OTEL_SERVICE_NAME");
  buf_c(&otel.head, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":");
  log_json(&otel.head, name ? name : "breyta");
  buf_c(&otel.head, "}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"breyta\"},\"spans\":[");
}

static bool start_thread(Err *e) {
  sigset_t all, old;
  pthread_condattr_t mono;
  pthread_condattr_init(&mono);
  pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
  pthread_cond_init(&otel.changed, &mono);
  pthread_condattr_destroy(&mono);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int rc = pthread_create(&otel.thread, NULL, run, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return !rc || err_set(e, "otel", "cannot start a thread: %s", strerror(rc));
}

bool otel_start(Err *e) {
  if (!read_url(e)) return false;
  if (!otel.url) return true;
  const char *headers = variable("OTEL_EXPORTER_OTLP_TRACES_HEADERS");
  if (!headers) headers = variable("OTEL_EXPORTER_OTLP_HEADERS");
  otel.headers = headers ? strdup(headers) : NULL;
  otel.last = &otel.first;
  make_head();
  otel.client = http_client_new(NULL, e);
  otel.on = otel.client && start_thread(e);
  return otel.on;
}

void otel_stop(void) {
  if (!otel.on) return;
  pthread_mutex_lock(&otel.lock);
  otel.stop = true;
  pthread_cond_signal(&otel.changed);
  pthread_mutex_unlock(&otel.lock);
  pthread_join(otel.thread, NULL);
  otel.on = false;
  http_client_free(otel.client);
  free(otel.url);
  free(otel.headers);
  buf_free(&otel.head);
}

/* --- W3C trace context ------------------------------------------------------------------------------------------------------------------------ */
static bool hex_part(const char *s, size_t n, char *out) {
  if (strspn(s, "0123456789abcdef") < n || strspn(s, "0") >= n) return false; /* all zeroes mean none */
  memcpy(out, s, n);
  out[n] = 0;
  return true;
}

bool otel_parent(const char *header, char trace[33], char span[17]) {
  if (!header || strlen(header) != 55 || strncmp(header, "00-", 3) || header[35] != '-' || header[52] != '-') return false;
  return hex_part(header + 3, 32, trace) && hex_part(header + 36, 16, span) && strspn(header + 53, "0123456789abcdef") == 2;
}
