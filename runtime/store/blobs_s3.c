/* blobs_s3.c - see blobs_s3.h: writing, reading, whose the prefix is. */
#include "blobs_s3_int.h"
#include "runtime/base/hash.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Parts get larger with the blob: there may be 10,000 of them. */
#define ONE_PUT_MAX (16LL << 20)
#define PART_MIN (8LL << 20)
#define OWNER_KEY "breyta-owner"

/* ---- one at a time ---- */

static char (*grown(char (*a)[65], size_t n, size_t *cap))[65] {
  if (n < *cap) return a;
  *cap = *cap ? *cap * 2 : 16;
  char(*b)[65] = realloc(a, *cap * sizeof *a);
  if (!b) abort();
  return b;
}

static size_t claimed(const S3 *s, const char *hash) {
  size_t i = 0;
  while (i < s->nclaims && strcmp(s->claims[i], hash)) i++;
  return i;
}

void s3_claim(S3 *s, const char *hash) {
  pthread_mutex_lock(&s->lock);
  while (claimed(s, hash) < s->nclaims) pthread_cond_wait(&s->changed, &s->lock);
  s->claims = grown(s->claims, s->nclaims, &s->cap);
  snprintf(s->claims[s->nclaims++], 65, "%s", hash);
  pthread_mutex_unlock(&s->lock);
}

void s3_release(S3 *s, const char *hash, bool wrote) {
  pthread_mutex_lock(&s->lock);
  size_t i = claimed(s, hash);
  memmove(s->claims[i], s->claims[--s->nclaims], 65);
  if (wrote && s->sweeping) {
    s->written = grown(s->written, s->nwritten, &s->written_cap);
    snprintf(s->written[s->nwritten++], 65, "%s", hash);
  }
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

/* ---- whose ---- */

static bool make_own(S3 *s, Err *e) {
  HttpResponse *r = s3_call(s, &(S3Call){.method = "PUT", .key = OWNER_KEY, .query = "", .body = s->owner, .nbody = strlen(s->owner), .file = -1}, NULL, e);
  http_response_free(r);
  return r;
}

static bool look_own(S3 *s, Err *e) {
  bool missing;
  HttpResponse *r = s3_call(s, &(S3Call){.method = "GET", .key = OWNER_KEY, .query = "", .file = -1}, &missing, e);
  if (!r) return false;
  bool same = !missing && r->nbody == strlen(s->owner) && !memcmp(r->body, s->owner, r->nbody);
  http_response_free(r);
  if (missing) return make_own(s, e);
  return same || err_set(e, "blob_denied", "s3://%s/%s belongs to another database, whose blobs would be swept with this one's: give this one a prefix of its own",
                         s->place.bucket, s->place.prefix);
}

bool s3_own(S3 *s, Err *e) {
  pthread_mutex_lock(&s->lock);
  bool known = s->owned;
  pthread_mutex_unlock(&s->lock);
  if (known) return true;
  if (!look_own(s, e)) return false;
  pthread_mutex_lock(&s->lock);
  s->owned = true;
  pthread_mutex_unlock(&s->lock);
  return true;
}

/* ---- writing ---- */

static bool put_whole(S3 *s, const char *key, const BlobName *name, int fd, Err *e) {
  HttpResponse *r = s3_call(s, &(S3Call){.method = "PUT", .key = key, .query = "", .file = fd, .nbody = (size_t)name->size, .hash = name->hash}, NULL, e);
  http_response_free(r);
  return r;
}

static bool part_hash(int fd, int64_t at, int64_t n, char out[65], Err *e) {
  char buf[65536];
  HashStream *h = hash_begin();
  while (n) {
    ssize_t k = pread(fd, buf, n < (int64_t)sizeof buf ? (size_t)n : sizeof buf, at);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) break;
    hash_add(h, buf, (size_t)k);
    at += k;
    n -= k;
  }
  hash_end(h, n ? NULL : out);
  return !n || err_set(e, "blob_io", "the blob cannot be read again to send it");
}

static bool put_part(S3 *s, const char *key, const char *upload, int number, int fd, int64_t at, int64_t n, Buf *list, Err *e) {
  Buf q = {0};
  char hash[65], text[16];
  snprintf(text, sizeof text, "%d", number);
  s3_query(&q, "partNumber", text);
  s3_query(&q, "uploadId", upload);
  HttpResponse *r = NULL;
  if (part_hash(fd, at, n, hash, e))
    r = s3_call(s, &(S3Call){.method = "PUT", .key = key, .query = buf_cstr(&q), .file = fd, .at = at, .nbody = (size_t)n, .hash = hash}, NULL, e);
  const char *tag = r ? http_response_get(r, "etag") : NULL;
  if (tag) buf_fmt(list, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", number, tag);
  else if (r) err_set(e, "blob_denied", "the object storage takes a part and gives no ETag for it");
  http_response_free(r);
  buf_free(&q);
  return tag;
}

static bool complete(S3 *s, const char *key, const char *upload, Buf *list, Err *e) {
  Buf q = {0};
  char code[80];
  s3_query(&q, "uploadId", upload);
  buf_c(list, "</CompleteMultipartUpload>");
  HttpResponse *r = s3_call(s, &(S3Call){.method = "POST", .key = key, .query = buf_cstr(&q), .body = buf_cstr(list), .nbody = list->n, .file = -1,
                                         .header = {"Content-Type", "application/xml"}}, NULL, e);
  const char *at = r ? r->body : NULL;
  bool ok = at && !strstr(at, "<Error>"); /* it may say 200 first and find out later */
  if (at && !ok) s3_tag(&at, "Code", code, sizeof code), err_set(e, "blob_busy", "the object storage could not put the parts of a blob together (%.60s)", code);
  http_response_free(r);
  buf_free(&q);
  return ok;
}

static void give_up(S3 *s, const char *key, const char *upload) {
  Buf q = {0};
  Err e; /* what stays is aborted by the sweep */
  s3_query(&q, "uploadId", upload);
  http_response_free(s3_call(s, &(S3Call){.method = "DELETE", .key = key, .query = buf_cstr(&q), .file = -1}, NULL, &e));
  buf_free(&q);
}

static bool put_parts(S3 *s, const char *key, const BlobName *name, int fd, Err *e) {
  char upload[1024] = "";
  HttpResponse *r = s3_call(s, &(S3Call){.method = "POST", .key = key, .query = "uploads=", .file = -1}, NULL, e);
  const char *at = r ? r->body : NULL;
  if (!r) return false;
  if (!s3_tag(&at, "UploadId", upload, sizeof upload)) err_set(e, "blob_denied", "the object storage begins no multipart upload");
  http_response_free(r);
  if (!*upload) return false;
  Buf list = {0};
  int64_t part = name->size / 9000 > PART_MIN ? name->size / 9000 : PART_MIN, done = 0;
  bool ok = true;
  buf_c(&list, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
  for (int i = 1; ok && done < name->size; i++, done += part)
    ok = put_part(s, key, upload, i, fd, done, name->size - done < part ? name->size - done : part, &list, e);
  ok = ok && complete(s, key, upload, &list, e);
  if (!ok) give_up(s, key, upload);
  buf_free(&list);
  return ok;
}

/* Sent even when it is there already: the newer object is what the sweep has to leave alone. */
static bool put(void *ctx, const BlobName *name, int fd, Err *e) {
  S3 *s = ctx;
  char key[80];
  s3_hash_key(name->hash, key);
  if (!s3_own(s, e)) return false;
  s3_claim(s, name->hash);
  bool ok = (name->size <= ONE_PUT_MAX ? put_whole : put_parts)(s, key, name, fd, e);
  s3_release(s, name->hash, ok);
  return ok;
}

/* ---- reading ---- */

static bool range(void *ctx, const char *hash, int64_t at, char *to, size_t n, size_t *got, Err *e) {
  S3 *s = ctx;
  char key[80], text[80];
  bool missing;
  s3_hash_key(hash, key);
  snprintf(text, sizeof text, "bytes=%lld-%lld", (long long)at, (long long)(at + (int64_t)n - 1));
  HttpResponse *r = s3_call(s, &(S3Call){.method = "GET", .key = key, .query = "", .file = -1, .range = text, .most = n}, &missing, e);
  *got = 0;
  if (r && missing) err_set(e, "not_found", "the blob %.12s.. is not in s3://%s/%s", hash, s->place.bucket, s->place.prefix);
  /* 200: all of it, by a storage that knows no ranges, or because there is no byte */
  bool end = r && r->status == 416, ok = r && !missing && (end || r->status == 206 || (r->status == 200 && !at));
  if (r && !missing && !ok) err_set(e, "blob_denied", "the object storage answers a part of a blob with status %d", r->status);
  if (ok && !end && r->nbody) memcpy(to, r->body, *got = r->nbody);
  http_response_free(r);
  return ok;
}

/* ---- the store ---- */

static void s3_free(void *ctx) {
  S3 *s = ctx;
  if (s->http) http_client_free(s->http);
  for (HttpResponse *r = s->done, *next; r; r = next) next = r->next, http_response_free(r);
  s3_keys_free(&s->keys);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->changed);
  free(s->owner);
  free(s->claims);
  free(s->written);
  free(s);
}

static const BlobRemote s3_remote = {put, range, s3_sweep, s3_presigned, s3_free};

BlobStore *s3_open(const S3Place *p, const char *owner, const char *cache_dir, S3Keys *keys, const Err *why, Err *e) {
  S3 *s = calloc(1, sizeof *s);
  if (!s) s3_keys_free(keys);
  if (!s) return err_set(e, "out_of_memory", "out of memory"), NULL;
  s->place = *p;
  s->owner = strdup(owner);
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, NULL);
  s->keys = *keys;
  s->no_keys = *why;
  *keys = (S3Keys){0};
  BlobStore *b = blobs_open_remote(cache_dir, p->cache, &s3_remote, s);
  if (!b) s3_free(s), err_set(e, "out_of_memory", "out of memory");
  return b;
}
