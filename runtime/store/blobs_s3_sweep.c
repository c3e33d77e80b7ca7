/* blobs_s3_sweep.c - what no record names goes out of the storage: objects, and uploads that nobody finished. */
#include "blobs_s3_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Sweep {
  S3 *s;
  bool (*used)(void *ctx, const char *hash);
  void *ctx;
  int64_t grace_ms;
  bool dry_run;
  BlobSweep *out;
} Sweep;

/* ---- times, as they come ---- */

static int64_t ms_of(int year, int month, int day, int hour, int minute, int second) {
  struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = second};
  return (int64_t)timegm(&t) * 1000;
}

/* "2009-10-12T17:50:30.000Z"; -1: no such time, which is never old. */
static int64_t iso_ms(const char *s) {
  int y, mo, d, h, mi, sec;
  if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d", &y, &mo, &d, &h, &mi, &sec) != 6) return -1;
  return ms_of(y, mo, d, h, mi, sec);
}

/* "Fri, 24 May 2013 00:00:00 GMT": the storage's clock stamps its objects, not ours. */
static int64_t date_ms(const HttpResponse *r) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const char *s = http_response_get(r, "date"), *at;
  char mon[4];
  int d, y, h, mi, sec;
  if (!s || sscanf(s, "%*3s, %2d %3s %4d %2d:%2d:%2d", &d, mon, &y, &h, &mi, &sec) != 6 || !(at = strstr(months, mon))) return now_ms();
  return ms_of(y, (int)(at - months) / 3 + 1, d, h, mi, sec);
}

/* As on a disk: without any grace what was written in this second goes as well. */
static bool old(const Sweep *w, int64_t at, int64_t now) {
  return at >= 0 && at / 1000 < now / 1000 - w->grace_ms / 1000 + (w->grace_ms < 1000);
}

/* ---- objects ---- */

static bool hash_of(const Sweep *w, const char *key, char hash[65]) {
  size_t n = strlen(w->s->place.prefix);
  if (strncmp(key, w->s->place.prefix, n) || strlen(key + n) != 65 || key[n + 2] != '/') return false;
  snprintf(hash, 65, "%.2s%.62s", key + n, key + n + 3);
  return blobs_hash_ok(hash);
}

static bool written_meanwhile(S3 *s, const char *hash) {
  bool yes = false;
  pthread_mutex_lock(&s->lock);
  for (size_t i = 0; i < s->nwritten; i++) yes |= !strcmp(s->written[i], hash);
  pthread_mutex_unlock(&s->lock);
  return yes;
}

/* *gone: it was removed, now or by somebody else. */
static bool remove_object(Sweep *w, const char *hash, bool *gone, Err *e) {
  char key[80];
  bool missing, ok = true;
  s3_hash_key(hash, key);
  s3_claim(w->s, hash);
  if ((*gone = !written_meanwhile(w->s, hash)) && !w->dry_run) {
    HttpResponse *r = s3_call(w->s, &(S3Call){.method = "DELETE", .key = key, .query = "", .file = -1}, &missing, e);
    ok = r;
    http_response_free(r);
  }
  s3_release(w->s, hash, false);
  return ok;
}

static bool object(Sweep *w, const char *entry, int64_t now, Err *e) {
  char key[1100], when[40], size[32], hash[65];
  const char *at = entry;
  bool gone = false;
  if (!s3_tag(&at, "Key", key, sizeof key) || !hash_of(w, key, hash)) return true;
  at = entry;
  s3_tag(&at, "LastModified", when, sizeof when);
  at = entry;
  s3_tag(&at, "Size", size, sizeof size);
  if (!w->used(w->ctx, hash) && old(w, iso_ms(when), now) && !remove_object(w, hash, &gone, e)) return false;
  w->out->kept += !gone;
  w->out->removed += gone;
  w->out->bytes += gone ? strtoll(size, NULL, 10) : 0;
  return true;
}

/* Calls f with each <tag>..</tag> of the answer. */
static bool each(Sweep *w, const HttpResponse *r, const char *tag, bool (*f)(Sweep *w, const char *entry, int64_t now, Err *e), Err *e) {
  static const size_t most = 8192;
  char *entry = malloc(most);
  const char *at = r->body;
  int64_t now = date_ms(r);
  bool ok = entry;
  if (!entry) abort();
  while (ok && s3_tag(&at, tag, entry, most)) ok = f(w, entry, now, e);
  free(entry);
  return ok;
}

static HttpResponse *list(Sweep *w, const char *token, Err *e) {
  Buf q = {0};
  if (*token) s3_query(&q, "continuation-token", token);
  s3_query(&q, "list-type", "2");
  s3_query(&q, "prefix", w->s->place.prefix);
  HttpResponse *r = s3_call(w->s, &(S3Call){.method = "GET", .key = "", .query = buf_cstr(&q), .file = -1}, NULL, e);
  buf_free(&q);
  return r;
}

static bool objects(Sweep *w, Err *e) {
  char token[2048] = "", more[8];
  bool ok = true;
  do {
    HttpResponse *r = list(w, token, e);
    ok = r && each(w, r, "Contents", object, e);
    const char *at = r ? r->body : "", *next = at;
    if (!s3_tag(&at, "IsTruncated", more, sizeof more) || strcmp(more, "true") || !s3_tag(&next, "NextContinuationToken", token, sizeof token)) *token = 0;
    http_response_free(r);
  } while (ok && *token);
  return ok;
}

/* ---- uploads ---- */

static bool upload(Sweep *w, const char *entry, int64_t now, Err *e) {
  char key[1100], id[1024], when[40], hash[65];
  const char *at = entry;
  bool missing, ok = true;
  if (!s3_tag(&at, "Key", key, sizeof key) || !hash_of(w, key, hash)) return true;
  at = entry;
  if (!s3_tag(&at, "UploadId", id, sizeof id)) return true;
  at = entry;
  s3_tag(&at, "Initiated", when, sizeof when);
  if (!old(w, iso_ms(when), now)) return true;
  w->out->removed++;
  if (w->dry_run) return true;
  Buf q = {0};
  s3_query(&q, "uploadId", id);
  HttpResponse *r = s3_call(w->s, &(S3Call){.method = "DELETE", .key = key + strlen(w->s->place.prefix), .query = buf_cstr(&q), .file = -1}, &missing, e);
  ok = r;
  http_response_free(r);
  buf_free(&q);
  return ok;
}

static bool uploads_page(Sweep *w, char key[1100], char id[1024], bool *more, Err *e) {
  Buf q = {0};
  char text[8];
  bool missing;
  if (*key) s3_query(&q, "key-marker", key);
  s3_query(&q, "prefix", w->s->place.prefix);
  if (*key) s3_query(&q, "upload-id-marker", id);
  s3_query(&q, "uploads", "");
  HttpResponse *r = s3_call(w->s, &(S3Call){.method = "GET", .key = "", .query = buf_cstr(&q), .file = -1}, &missing, e);
  bool ok = r && (missing || each(w, r, "Upload", upload, e));
  const char *at = r && !missing ? r->body : "", *k = at, *i = at;
  *more = s3_tag(&at, "IsTruncated", text, sizeof text) && !strcmp(text, "true") && s3_tag(&k, "NextKeyMarker", key, 1100) && s3_tag(&i, "NextUploadIdMarker", id, 1024);
  http_response_free(r);
  buf_free(&q);
  return ok;
}

/* A storage that cannot list them (501, or something of its own) has the rest swept all the same. */
static bool uploads(Sweep *w, Err *e) {
  char key[1100] = "", id[1024] = "";
  bool more = true, ok = true;
  while (ok && more) ok = uploads_page(w, key, id, &more, e);
  if (!ok && e->code && strstr(e->msg, "HTTP 501")) *e = (Err){0}, ok = true;
  return ok;
}

bool s3_sweep(void *ctx, bool (*used)(void *ctx, const char *hash), void *used_ctx, int64_t grace_ms, bool dry_run, BlobSweep *out, Err *e) {
  S3 *s = ctx;
  Sweep w = {s, used, used_ctx, grace_ms, dry_run, out};
  if (!s3_own(s, e)) return false;
  pthread_mutex_lock(&s->lock);
  s->sweeping++;
  pthread_mutex_unlock(&s->lock);
  bool ok = objects(&w, e) && uploads(&w, e);
  pthread_mutex_lock(&s->lock);
  if (!--s->sweeping) s->nwritten = 0;
  pthread_mutex_unlock(&s->lock);
  return ok;
}
