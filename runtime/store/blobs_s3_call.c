/* blobs_s3_call.c - one request to the storage: its URL, its attempts, what a failure means. */
#include "blobs_s3_int.h"
#include "runtime/base/hash.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 8 << 20, TIMEOUT_MS = 120000, PAUSE_MS = 100, PAUSE_MAX_MS = 5000 };

/* ---- addresses ---- */

void s3_hash_key(const char *hash, char out[80]) { snprintf(out, 80, "%.2s/%.62s", hash, hash + 2); }

static bool plain(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._~", c); }

static void encode(Buf *b, const char *s, bool slash) {
  for (; *s; s++)
    if (plain(*s) || (slash && *s == '/')) buf_ch(b, *s);
    else buf_fmt(b, "%%%02X", (unsigned char)*s);
}

void s3_query(Buf *b, const char *name, const char *value) {
  if (b->n) buf_ch(b, '&');
  encode(b, name, false);
  buf_ch(b, '=');
  encode(b, value, false);
}

/* The bucket is part of Amazon's host names, but for one with dots, which no certificate fits. */
void s3_host_path(const S3Place *p, const char *key, Buf *host, Buf *path) {
  bool in_path = *p->endpoint || strchr(p->bucket, '.');
  const char *at = strstr(p->endpoint, "://");
  if (at) buf_add(host, at + 3, strcspn(at + 3, "/"));
  else if (in_path) buf_fmt(host, "s3.%s.amazonaws.com", p->region);
  else buf_fmt(host, "%s.s3.%s.amazonaws.com", p->bucket, p->region);
  if (at) buf_c(path, at + 3 + strcspn(at + 3, "/"));
  buf_ch(path, '/');
  if (in_path) buf_c(path, p->bucket);
  if (in_path && *key) buf_ch(path, '/');
  if (!*key) return;
  encode(path, p->prefix, true);
  encode(path, key, true);
}

void s3_url(const S3Place *p, const char *key, Buf *out) {
  Buf path = {0};
  buf_c(out, strncmp(p->endpoint, "http:", 5) ? "https://" : "http://");
  s3_host_path(p, key, out, &path);
  buf_add(out, path.p, path.n);
  buf_free(&path);
}

/* ---- XML ---- */

static void unescape(char *s) {
  static const char *const names[][2] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};
  char *to = s;
  while (*s) {
    size_t i = 0, n = sizeof names / sizeof *names;
    while (*s == '&' && i < n && strncmp(s, names[i][0], strlen(names[i][0]))) i++;
    if (*s != '&' || i == n) *to++ = *s++;
    else *to++ = *names[i][1], s += strlen(names[i][0]);
  }
  *to = 0;
}

bool s3_tag(const char **at, const char *tag, char *out, size_t n) {
  char open[40], close[40];
  snprintf(open, sizeof open, "<%s>", tag);
  snprintf(close, sizeof close, "</%s>", tag);
  const char *from = strstr(*at, open), *to = from ? strstr(from, close) : NULL;
  *out = 0;
  if (!to) return false;
  from += strlen(open);
  size_t len = (size_t)(to - from) < n ? (size_t)(to - from) : n - 1;
  memcpy(out, from, len);
  out[len] = 0;
  unescape(out);
  *at = to + strlen(close);
  return true;
}

/* ---- sending ---- */

static HttpRequest request_of(S3 *s, const S3Call *c) {
  HttpRequest r;
  Buf url = {0}, sign = {0};
  char hex[65];
  http_request_init(&r);
  snprintf(r.method, sizeof r.method, "%s", c->method);
  s3_url(&s->place, c->key, &url);
  if (*c->query) buf_fmt(&url, "?%s", c->query);
  r.url = buf_cstr(&url);
  if (c->file >= 0) {
    int fd = dup(c->file);
    if (fd < 0) abort();
    http_body_file(r.stream = http_body_new(), fd, (uint64_t)c->at, c->nbody);
  } else if (c->body) {
    r.body = strdup(c->body);
    r.nbody = c->nbody;
  }
  if (!c->hash) hash_sha256_hex(c->body ? c->body : "", c->nbody, hex);
  http_request_header(&r, "X-Amz-Content-Sha256", c->hash ? c->hash : hex, false);
  if (s->keys.session) http_request_header(&r, "X-Amz-Security-Token", s->keys.session, true);
  if (c->range) http_request_header(&r, "Range", c->range, false);
  if (c->header[0]) http_request_header(&r, c->header[0], c->header[1], false);
  buf_fmt(&sign, "aws:amz:%s:s3", s->place.region);
  r.sigv4 = buf_cstr(&sign);
  r.user = strdup(s->keys.id);
  r.password = strdup(s->keys.secret);
  r.timeout_ms = TIMEOUT_MS;
  r.max_response = c->most ? c->most : ANSWER_MAX;
  r.max_redirects = 0;
  r.guard = false; /* the operator says where it is */
  return r;
}

static HttpResponse *take_done(S3 *s, uint64_t id) { /* locked */
  HttpResponse **at = &s->done, *r;
  while ((r = *at) && r->id != id) at = &r->next;
  if (r) *at = r->next;
  return r;
}

/* The first who waits asks the client for all of them. */
static void wait_for_any(S3 *s) { /* locked */
  if (s->polling) {
    pthread_cond_wait(&s->changed, &s->lock);
    return;
  }
  s->polling = true;
  pthread_mutex_unlock(&s->lock);
  struct pollfd p = {.fd = http_client_fd(s->http), .events = POLLIN};
  (void)poll(&p, 1, 1000); /* every request has an end of its own */
  pthread_mutex_lock(&s->lock);
  for (HttpResponse *r; (r = http_client_next(s->http)); s->done = r) r->next = s->done;
  s->polling = false;
  pthread_cond_broadcast(&s->changed);
}

static HttpResponse *answer_to(S3 *s, HttpRequest *req, Err *e) {
  pthread_mutex_lock(&s->lock);
  if (!s->http) s->http = http_client_new(NULL, e);
  pthread_mutex_unlock(&s->lock);
  uint64_t id = s->http ? http_client_send(s->http, req, e) : (http_request_free(req), 0);
  HttpResponse *r = NULL;
  if (!id) return NULL;
  pthread_mutex_lock(&s->lock);
  while (!(r = take_done(s, id))) wait_for_any(s);
  pthread_mutex_unlock(&s->lock);
  return r;
}

/* ---- failures ---- */

/* What passes by itself. 409 is what a storage says of two writers of one object, 408 and 400 RequestTimeout of a slow one. */
static bool passing(const HttpResponse *r) {
  if (r->err) return r->err == HTTP_NETWORK || r->err == HTTP_TIMEOUT;
  return r->status >= 500 ? r->status != 501 : r->status == 429 || r->status == 408 || r->status == 409 || (r->body && strstr(r->body, "<Code>RequestTimeout<"));
}

static const char *advice(const char *code, int status) {
  static const struct { const char *code, *text; } rows[] = {
      {"InvalidAccessKeyId", "the storage does not know the access key (AWS_ACCESS_KEY_ID)"},
      {"SignatureDoesNotMatch", "the secret key (AWS_SECRET_ACCESS_KEY) does not fit the access key, or the region is another one"},
      {"ExpiredToken", "the session token has expired: new keys are needed"},
      {"InvalidToken", "the session token (AWS_SESSION_TOKEN) is wrong"},
      {"RequestTimeTooSkewed", "the clock of this machine is wrong"},
      {"AccessDenied", "these keys may not do this: reading, writing, listing and deleting objects under the prefix are needed"},
      {"NoSuchBucket", "there is no such bucket: make it first"},
      {"AuthorizationHeaderMalformed", "the region is probably another one: give region=NAME"},
      {"PermanentRedirect", "the bucket is in another region: give region=NAME"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(code, rows[i].code)) return rows[i].text;
  if (status == 301 || status == 307) return "the bucket is in another region: give region=NAME";
  if (status == 401 || status == 403) return "the keys are wrong, or may not do this";
  return NULL;
}

/* Nothing of the answer but its code: a storage may repeat what was signed. */
static bool failure(const S3 *s, const S3Call *c, const HttpResponse *r, Err *e) {
  char code[80] = "";
  const char *at = r->body ? r->body : "", *text;
  const char *what = passing(r) ? "blob_busy" : "blob_denied", *where = s->place.bucket;
  if (r->err) return err_set(e, what, "the object storage of bucket %s cannot be reached: %.200s", where, r->msg);
  s3_tag(&at, "Code", code, sizeof code);
  if (strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != strlen(code)) *code = 0;
  text = advice(code, r->status);
  if (r->status == 404 && strcmp(code, "NoSuchBucket")) return err_set(e, "not_found", "bucket %s has no object %s%s", where, s->place.prefix, c->key);
  return err_set(e, what, "%s in bucket %s: %s%s%s (HTTP %d%s%s)", c->method, where, text ? text : "the object storage refuses",
                 passing(r) ? ", also after some attempts" : "", text || !passing(r) ? "" : ": it is busy", r->status, *code ? " " : "", code);
}

static void pause_before(int attempt) {
  int64_t ms = (int64_t)PAUSE_MS << attempt;
  uint8_t random[2];
  if (ms > PAUSE_MAX_MS) ms = PAUSE_MAX_MS;
  hash_random(random, sizeof random);
  ms = ms / 2 + ms * (random[0] << 8 | random[1]) / 65536; /* half to one and a half */
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) && errno == EINTR) continue;
}

HttpResponse *s3_call(S3 *s, const S3Call *c, bool *missing, Err *e) {
  HttpResponse *r = NULL;
  if (missing) *missing = false;
  if (!s->keys.id) return *e = s->no_keys, NULL;
  for (int i = 0; i < S3_ATTEMPTS; i++) {
    HttpRequest req = request_of(s, c);
    if (i) pause_before(i - 1);
    http_response_free(r);
    if (!(r = answer_to(s, &req, e))) return NULL;
    if (!passing(r)) break;
  }
  if (!r->err && ((r->status >= 200 && r->status < 300) || (r->status == 416 && c->range))) return r;
  failure(s, c, r, e);
  if (missing && !r->err && r->status == 404 && !strcmp(e->code, "not_found")) return *missing = true, r;
  http_response_free(r);
  return NULL;
}
