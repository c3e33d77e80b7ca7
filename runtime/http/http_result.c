#include "http_result.h"
#include "reader/ex.h"
#include "reader/read.h"
#include "runtime/base/json.h"
#include "runtime/base/xml_read.h"
#include "runtime/base/yaml_read.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- content types ---- */

/* Does the media type of a Content-Type value equal `type`, or end with it when it begins with '+'? */
static bool media_is(const char *ct, const char *type) {
  size_t n = strcspn(ct, ";"), k = strlen(type);
  while (n && (ct[n - 1] == ' ' || ct[n - 1] == '\t')) n--;
  if (type[0] == '+') return n > k && !strncasecmp(ct + n - k, type, k);
  return n == k && !strncasecmp(ct, type, k);
}

static bool media_in(const char *ct, const char *const *types) {
  for (; *types; types++)
    if (media_is(ct, *types)) return true;
  return false;
}

/* What :auto means for this response; HTTP_AS_BYTES: it cannot be text. */
static enum HttpAs auto_as(const HttpResponse *r) {
  static const char *const json[] = {"application/json", "text/json", "+json", NULL};
  static const char *const jsonl[] = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", NULL};
  static const char *const text[] = {"application/xml",        "+xml",
                                     "application/yaml",       "application/x-yaml",
                                     "application/javascript", "application/x-www-form-urlencoded",
                                     "application/graphql",    "application/sql",
                                     "application/toml",       NULL};
  const char *ct = http_response_get(r, "content-type");
  if (!ct) return utf8_valid(r->body, r->nbody) ? HTTP_AS_TEXT : HTTP_AS_BYTES;
  if (media_in(ct, json)) return HTTP_AS_JSON;
  if (media_in(ct, jsonl)) return HTTP_AS_JSONL;
  if (media_is(ct, "text/event-stream")) return HTTP_AS_SSE;
  if (media_is(ct, "application/edn")) return HTTP_AS_EDN;
  return !strncasecmp(ct, "text/", 5) || media_in(ct, text) ? HTTP_AS_TEXT : HTTP_AS_BYTES;
}

/* The charset parameter of the Content-Type; false: none. */
static bool charset_of(const HttpResponse *r, char out[48]) {
  const char *ct = http_response_get(r, "content-type");
  const char *cs = ct ? strcasestr(ct, "charset=") : NULL;
  if (!cs) return false;
  cs += 8;
  if (*cs == '"') cs++;
  size_t n = strcspn(cs, "\"; \t");
  snprintf(out, 48, "%.*s", (int)(n > 47 ? 47 : n), cs);
  return n > 0;
}

static bool latin1(const HttpResponse *r) {
  char cs[48];
  return charset_of(r, cs) && (!strncasecmp(cs, "iso-8859-1", 10) || !strncasecmp(cs, "latin1", 6));
}

/* UTF-8 (bad bytes become U+FFFD); ISO-8859-1 when the charset says so. */
static Val text_of(const HttpResponse *r, size_t n) {
  if (!latin1(r)) return str_new(r->body, n);
  Buf b = {0};
  for (size_t i = 0; i < n; i++) buf_cp(&b, (unsigned char)r->body[i]);
  return buf_str(&b);
}

/* ---- bodies ---- */

/* Decoders return the value, or ABSENT with the reason in *why. */
typedef struct Why {
  char msg[400];
} Why;
static Val no(Why *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static Val no(Why *w, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(w->msg, sizeof w->msg, fmt, ap);
  va_end(ap);
  return ABSENT;
}

static Val decode_json(const HttpResponse *r, Why *w) {
  Err e = {0};
  Val v = json_parse(r->body, r->nbody, &e);
  return same(v, ABSENT) || is_sig(v) ? no(w, "the body is not JSON (%.200s); :response-as :text gives it as it is", e.msg) : v;
}

static bool blank(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!isspace((unsigned char)s[i])) return false;
  return true;
}

/* The end of the line at p, *next behind its LF, CRLF or CR. */
static const char *line_end(const char *p, const char *end, const char **next) {
  const char *q = p;
  while (q < end && *q != '\n' && *q != '\r') q++;
  *next = q + (q < end);
  if (q + 1 < end && q[0] == '\r' && q[1] == '\n') (*next)++;
  return q;
}

static Val decode_jsonl(const HttpResponse *r, Why *w) {
  Val t = tvec_of(vec_empty);
  int line = 1;
  for (const char *p = r->body, *end = p + r->nbody, *next; p < end; p = next, line++) {
    Err e = {0};
    const char *q = line_end(p, end, &next);
    if (blank(p, (size_t)(q - p))) continue;
    Val v = json_parse(p, (size_t)(q - p), &e);
    if (same(v, ABSENT)) return no(w, "line %d of the body is not JSON (%.200s); :response-as :text gives it as it is", line, e.msg);
    (void)tvec_conj(t, v);
  }
  return tvec_persistent(t);
}

/* One event of a text/event-stream (WHATWG HTML 9.2.6) while its lines come in. */
typedef struct Sse {
  Buf data, event, id;
  bool any, has_id;
} Sse;

static void sse_flush(Sse *s, Val events) {
  if (s->any) {
    if (s->data.n) s->data.n--; /* the LF behind the last data line */
    Val kvs[] = {kw_c("event"), s->event.n ? str_new(s->event.p, s->event.n) : str_c("message"),
                 kw_c("data"),  str_new(s->data.n ? s->data.p : "", s->data.n),
                 kw_c("id"),    s->has_id ? str_new(s->id.n ? s->id.p : "", s->id.n) : NIL};
    (void)tvec_conj(events, map_from(kvs, s->has_id ? 3 : 2, false));
  }
  s->data.n = s->event.n = 0;
  s->any = false;
}

static void sse_field(Sse *s, const char *p, size_t n) {
  const char *colon = memchr(p, ':', n);
  size_t name = colon ? (size_t)(colon - p) : n;
  const char *v = colon ? colon + 1 : p + n;
  if (v < p + n && *v == ' ') v++;
  size_t vn = (size_t)(p + n - v);
  if (name == 4 && !memcmp(p, "data", 4)) {
    buf_add(&s->data, v, vn);
    buf_ch(&s->data, '\n');
    s->any = true;
  } else if (name == 5 && !memcmp(p, "event", 5)) {
    s->event.n = 0;
    buf_add(&s->event, v, vn);
  } else if (name == 2 && !memcmp(p, "id", 2)) { /* stays for the events that follow */
    s->id.n = 0;
    buf_add(&s->id, v, vn);
    s->has_id = true;
  }
}

static Val decode_sse(const HttpResponse *r) {
  Sse s = {0};
  Val events = tvec_of(vec_empty);
  const char *p = r->body, *end = p + r->nbody, *next;
  if (r->nbody >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) p += 3;
  for (; p < end; p = next) {
    const char *q = line_end(p, end, &next);
    if (q == p)
      sse_flush(&s, events);
    else
      sse_field(&s, p, (size_t)(q - p));
  }
  sse_flush(&s, events); /* servers forget the last empty line */
  buf_free(&s.data);
  buf_free(&s.event);
  buf_free(&s.id);
  return tvec_persistent(events);
}

static Val decode_edn(const HttpResponse *r, Why *w) {
  Val v = read_one(r->body, r->nbody, "body", true);
  if (!is_sig(v) && !same(v, ABSENT)) return v;
  Val msg = is_sig(v) && is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  return no(w, "the body is not one EDN form (%.200s)", is_str(msg) ? str_s(msg) : "nothing to read");
}

static Val decode_xml(const HttpResponse *r, Why *w) {
  char cs[48];
  Err e = {0};
  Val v = xml_read(r->body, r->nbody, charset_of(r, cs) ? cs : NULL, &e);
  return same(v, ABSENT) ? no(w, "the body is not XML that can be read (%.200s); :response-as :text gives it as it is", e.msg) : v;
}

static Val decode_yaml(const HttpResponse *r, Why *w) {
  Err e = {0};
  Val v = yaml_read(r->body, r->nbody, &e);
  return same(v, ABSENT) ? no(w, "the body is not YAML that can be read (%.200s); :response-as :text gives it as it is", e.msg) : v;
}

static Val decode(const HttpResponse *r, enum HttpAs as, Why *w) {
  if (as == HTTP_AS_AUTO) as = r->nbody ? auto_as(r) : HTTP_AS_BYTES;
  if (as == HTTP_AS_TEXT) return text_of(r, r->nbody);
  if (!r->nbody) return NIL;
  const char *ct = http_response_get(r, "content-type");
  switch (as) {
  case HTTP_AS_JSON: return decode_json(r, w);
  case HTTP_AS_JSONL: return decode_jsonl(r, w);
  case HTTP_AS_SSE: return decode_sse(r);
  case HTTP_AS_EDN: return decode_edn(r, w);
  case HTTP_AS_XML: return decode_xml(r, w);
  case HTTP_AS_YAML: return decode_yaml(r, w);
  default:
    return no(w, "a binary body (%.80s, %zu bytes) cannot be an inline value: it needs :persist, or :response-as :text",
              ct ? ct : "no Content-Type", r->nbody);
  }
}

/* ---- maps ---- */

static bool included(const HttpPlan *p, const char *name) {
  if (!p->include_some) return true;
  for (size_t i = 0; i < p->ninclude; i++)
    if (!strcmp(p->include[i], name)) return true;
  return false;
}

static Val headers_map(const HttpResponse *r, const HttpPlan *p) {
  ValVec kvs = {0};
  for (size_t i = 0; i < r->nheaders; i++) {
    if (!included(p, r->headers[i].name)) continue;
    vv_push(&kvs, str_c(r->headers[i].name));
    vv_push(&kvs, str_c(r->headers[i].value));
  }
  return kvs.n ? map_from(kvs.a, kvs.n / 2, false) : map_empty;
}

static Val with(Val m, const char *key, Val v) { return map_assoc(m, kw_c(key), v); }

/* The body of an error: decoded when it is small and says what it is, else text cut at a character. */
static Val error_body(const HttpResponse *r) {
  Why w;
  if (!r->nbody) return NIL;
  if (r->nbody <= HTTP_ERROR_BODY_BYTES) {
    Val v = decode(r, HTTP_AS_AUTO, &w);
    if (!same(v, ABSENT)) return v;
  }
  size_t n = r->nbody > HTTP_ERROR_BODY_BYTES ? HTTP_ERROR_BODY_BYTES : r->nbody;
  if (n < r->nbody)
    while (n && ((unsigned char)r->body[n] & 0xc0) == 0x80) n--;
  return text_of(r, n);
}

static bool transient_status(int status) {
  RetryPolicy p;
  backoff_default(&p);
  return status_set_has(&p.statuses, status);
}

static Val http_error(const HttpResponse *r, const HttpPlan *p, int64_t at_ms, int64_t *retry_after) {
  char msg[400];
  const char *after = http_response_get(r, "retry-after");
  *retry_after = after ? backoff_retry_after(after, at_ms) : -1;
  snprintf(msg, sizeof msg, "%.16s %.300s answered with status %d", r->method, r->url, r->status);
  Val m = http_error_map("http-error", transient_status(r->status), msg);
  m = with(m, "status", fix(r->status));
  m = with(m, "headers", headers_map(r, p));
  m = with(m, "body", error_body(r));
  return *retry_after < 0 ? m : with(m, "retry-after-ms", fix(*retry_after));
}

static const char *oversize_hint(const HttpPlan *p) {
  return p->saved ? "; a blob of :tier :ephemeral may have 4 GB, one of :tier :retained 50 MB, both within :client-opts {:max-response-bytes n}"
                  : "; raise :client-opts {:max-response-bytes n} or :persist the body";
}

static Val transport_error(const HttpResponse *r, const HttpPlan *p) {
  static const char *const types[] = {"", "network", "timeout", "oversize", "guard", "tls", "validation", "cancelled", "oversize"};
  char msg[700];
  const char *hint = r->err == HTTP_OVERSIZE ? oversize_hint(p) : "";
  snprintf(msg, sizeof msg, "%.16s %.300s: %s%s", r->method ? r->method : "?", r->url ? r->url : "(malformed URL)", r->msg, hint);
  return http_error_map(types[r->err], r->err == HTTP_NETWORK || r->err == HTTP_TIMEOUT, msg);
}

static Val decode_error(const HttpResponse *r, const HttpPlan *p, const Why *w) {
  char msg[800];
  snprintf(msg, sizeof msg, "%.16s %.300s: %s", r->method, r->url, w->msg);
  Val m = with(http_error_map("validation", false, msg), "status", fix(r->status));
  return with(m, "headers", headers_map(r, p));
}

bool http_result(const HttpResponse *r, const HttpPlan *plan, int64_t at_ms, Val *out, int64_t *retry_after_ms) {
  Why w;
  int64_t after = -1, *ra = retry_after_ms ? retry_after_ms : &after;
  *ra = -1;
  if (r->err != HTTP_OK) return *out = transport_error(r, plan), false;
  if ((r->status < 200 || r->status > 299) && !status_set_has(&plan->accept, r->status))
    return *out = http_error(r, plan, at_ms, ra), false;
  Val body = decode(r, plan->as, &w);
  if (same(body, ABSENT)) return *out = decode_error(r, plan, &w), false;
  Val kvs[] = {kw_c("status"), fix(r->status), kw_c("headers"), headers_map(r, plan), kw_c("body"), body};
  *out = map_from(kvs, 3, false);
  return true;
}
