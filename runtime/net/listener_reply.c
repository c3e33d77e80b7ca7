#include "listener_int.h"
#include "runtime/base/metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

const char listener_page_type[] = "text/html; charset=utf-8";

/* Of an answer whose headers somebody else has written: a browser runs nothing of it as ours. */
static void extra_headers(struct MHD_Response *r, char *extra) {
  (void)L(MHD_add_response_header)(r, "Content-Security-Policy", "sandbox");
  (void)L(MHD_add_response_header)(r, "X-Content-Type-Options", "nosniff");
  for (char *name = extra, *value, *end; *name; name = end + 1) {
    value = strchr(name, '\n');
    *value++ = 0;
    end = strchr(value, '\n');
    *end = 0;
    (void)L(MHD_add_response_header)(r, name, value);
  }
}

/* What is understood there, for 405. */
static const char *allowed(const Conn *x) {
  static const char *const by_door[][2] = {{"api", "GET, POST, PUT, PATCH, DELETE"}, {"self", "GET, HEAD"}, {"resources", "GET"}, {"waits", "GET, POST"}, {"login", "GET, POST"}};
  for (size_t i = 0; x->route && i < sizeof by_door / sizeof *by_door; i++)
    if (!strcmp(x->route, by_door[i][0])) return by_door[i][1];
  return "POST";
}

/* Not-error answers carry their own text; errors are made here. type NULL: JSON, "": nothing is said. extra: what a flow says, in place of
 * what we would add. */
enum MHD_Result listener_reply(Conn *x, int status, char *json, size_t n, const char *type, char *extra) {
  struct MHD_Response *r = listener_must(L(MHD_create_response_from_buffer)(n, json, MHD_RESPMEM_MUST_FREE));
  if (!type || *type) (void)L(MHD_add_response_header)(r, "Content-Type", type ? type : "application/json");
  static const char *const page_headers[][2] = {
      {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
      {"Referrer-Policy", "no-referrer"}, {"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"}, {"X-Robots-Tag", "noindex"}};
  bool html = type && !extra && !strcmp(type, listener_page_type);
  for (size_t i = 0; html && i < sizeof page_headers / sizeof *page_headers; i++)
    (void)L(MHD_add_response_header)(r, page_headers[i][0], page_headers[i][1]);
  if (extra) extra_headers(r, extra);
  else (void)L(MHD_add_response_header)(r, "Cache-Control", "no-store");
  if (status == 405 && !extra) (void)L(MHD_add_response_header)(r, "Allow", allowed(x));
  if (status == 503 && !extra) (void)L(MHD_add_response_header)(r, "Retry-After", "1");
  enum MHD_Result ok = L(MHD_queue_response)(x->mhd, (unsigned)status, r);
  L(MHD_destroy_response)(r);
  return ok;
}

/* The one range of "bytes=a-b", "bytes=a-" or "bytes=-n" within size (RFC 9110 14.1.2). 0: none that is understood, the whole file;
 * -1: none that there is. */
static int range_of(const char *s, uint64_t size, uint64_t *from, uint64_t *n) {
  if (!s || strncmp(s, "bytes=", 6)) return 0;
  s += 6;
  size_t first = strspn(s, "0123456789"), last = s[first] == '-' ? strspn(s + first + 1, "0123456789") : 0;
  if (s[first] != '-' || s[first + 1 + last] || !(first + last)) return 0;
  uint64_t a = strtoull(s, NULL, 10), b = last ? strtoull(s + first + 1, NULL, 10) : UINT64_MAX;
  if (!first) a = b >= size ? 0 : b ? size - b : size, b = UINT64_MAX;
  if (b < a) return 0;
  if (a >= size) return -1;
  *from = a;
  *n = (b >= size ? size - 1 : b) - a + 1;
  return 1;
}

/* What a file is called, in the quotes of Content-Disposition: other characters than plain ones become _. */
static void disposition(const char *filename, char *out, size_t n) {
  size_t at = (size_t)snprintf(out, n, "attachment; filename=\"");
  for (; *filename && at + 3 < n; filename++) out[at++] = (unsigned char)*filename > 0x7e || strchr("\\\"\r\n/", *filename) || *filename < ' ' ? '_' : *filename;
  snprintf(out + at, n - at, "\"");
}

/* ---- bytes that come bit by bit ---- */

/* locked */
static void stream_seen(Drip *s) {
  if (!s->asleep) return;
  s->asleep = s->resumed = false;
  s->l->suspended--;
  pthread_cond_broadcast(&s->l->changed);
}

static bool stream_sleeps(Drip *s) { /* false: it was woken meanwhile */
  Listener *l = s->l;
  pthread_mutex_lock(&l->lock);
  bool sleeps = !s->woken && !l->stopping;
  s->woken = false;
  if (sleeps) {
    s->asleep = true;
    l->suspended++;
    L(MHD_suspend_connection)(s->mhd);
  }
  pthread_mutex_unlock(&l->lock);
  return sleeps;
}

static ssize_t stream_read(void *ctx, uint64_t at, char *p, size_t n) {
  Drip *s = ctx;
  pthread_mutex_lock(&s->l->lock);
  stream_seen(s);
  bool stopping = s->l->stopping;
  pthread_mutex_unlock(&s->l->lock);
  int64_t got;
  while (!(got = s->source.read(s->source.ctx, s->from + at, p, n)) && !stopping) {
    if (stream_sleeps(s)) return 0;
    pthread_mutex_lock(&s->l->lock);
    stopping = s->l->stopping;
    pthread_mutex_unlock(&s->l->lock);
  }
  return got > 0 ? (ssize_t)got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void stream_free(void *ctx) {
  Drip *s = ctx, **at;
  pthread_mutex_lock(&s->l->lock);
  for (at = &s->l->streams; *at != s; at = &(*at)->next) continue;
  *at = s->next;
  stream_seen(s);
  pthread_mutex_unlock(&s->l->lock);
  s->source.free(s->source.ctx);
  free(s);
}

void listener_stream_wake(Drip *s) { /* locked */
  s->woken = true;
  if (s->asleep && !s->resumed) L(MHD_resume_connection)(s->mhd);
  s->resumed = s->asleep;
}

void listener_wake(Listener *l, uint64_t token) {
  pthread_mutex_lock(&l->lock);
  for (Drip *s = l->streams; s; s = s->next)
    if (s->token == token) listener_stream_wake(s);
  pthread_mutex_unlock(&l->lock);
}

static struct MHD_Response *stream_response(Conn *x, uint64_t from, uint64_t n) {
  if (!n) return listener_must(L(MHD_create_response_from_buffer)(0, NULL, MHD_RESPMEM_PERSISTENT));
  Drip *s = listener_must(calloc(1, sizeof *s));
  *s = (Drip){.l = x->l, .mhd = x->mhd, .source = x->source, .token = x->token, .from = from};
  x->source.free = NULL;
  pthread_mutex_lock(&x->l->lock);
  s->next = x->l->streams;
  x->l->streams = s;
  pthread_mutex_unlock(&x->l->lock);
  return listener_must(L(MHD_create_response_from_callback)(n, 65536, stream_read, s, stream_free));
}

char *listener_error_text(const char *code, const char *message, size_t *n) {
  char t[400];
  int k = snprintf(t, sizeof t, "{\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code, message); /* both fixed texts */
  *n = (size_t)k;
  return listener_copy(t, *n);
}

static enum MHD_Result no_such_range(Conn *x) {
  char text[64];
  size_t n;
  char *t = listener_error_text("range_not_satisfiable", "the range begins behind the end of the resource; Content-Range says how long it is", &n);
  struct MHD_Response *r = listener_must(L(MHD_create_response_from_buffer)(n, t, MHD_RESPMEM_MUST_FREE));
  snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)x->nfile);
  (void)L(MHD_add_response_header)(r, "Content-Type", "application/json");
  (void)L(MHD_add_response_header)(r, "Cache-Control", "no-store");
  (void)L(MHD_add_response_header)(r, "Content-Range", text);
  enum MHD_Result ok = L(MHD_queue_response)(x->mhd, 416, r);
  L(MHD_destroy_response)(r);
  return ok;
}

enum MHD_Result listener_reply_file(Conn *x) {
  uint64_t from = 0, n = x->nfile;
  char text[300];
  int range = range_of(L(MHD_lookup_connection_value)(x->mhd, MHD_HEADER_KIND, "Range"), x->nfile, &from, &n);
  if (range < 0) return no_such_range(x);
  struct MHD_Response *r = x->fd >= 0 ? listener_must(L(MHD_create_response_from_fd_at_offset64)(n, x->fd, from)) : stream_response(x, from, n);
  x->fd = -1; /* the response's */
  (void)L(MHD_add_response_header)(r, "Content-Type", x->type);
  static const char *const headers[][2] = {{"Content-Security-Policy", "default-src 'none'; sandbox"}, {"X-Content-Type-Options", "nosniff"},
                                           {"Referrer-Policy", "no-referrer"}, {"Accept-Ranges", "bytes"}, {"Cache-Control", "private, no-store"}};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) (void)L(MHD_add_response_header)(r, headers[i][0], headers[i][1]);
  if (x->filename) {
    disposition(x->filename, text, sizeof text);
    (void)L(MHD_add_response_header)(r, "Content-Disposition", text);
  }
  if (range > 0) snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)from, (unsigned long long)(from + n - 1), (unsigned long long)x->nfile);
  if (range) (void)L(MHD_add_response_header)(r, "Content-Range", text);
  metric_add(METRIC_resource_served_bytes_total, (int64_t)n);
  enum MHD_Result ok = L(MHD_queue_response)(x->mhd, range ? 206 : 200, r);
  L(MHD_destroy_response)(r);
  return ok;
}

void listener_observe(const Conn *x, int status) {
  char text[8];
  snprintf(text, sizeof text, "%d", status);
  metric_count(METRIC_requests_total, x->route, text);
  metric_observe(METRIC_request_seconds, x->route, NULL, mono_us() - x->begun_us);
}

enum MHD_Result listener_reply_error(Conn *x, int status, const char *code, const char *message) {
  size_t n;
  char *t = listener_error_text(code, message, &n);
  x->phase = PHASE_QUEUED;
  listener_observe(x, status);
  return listener_reply(x, status, t, n, NULL, NULL);
}
