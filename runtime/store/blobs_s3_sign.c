/* blobs_s3_sign.c - presigned URLs: Signature Version 4 in the query (libcurl signs headers only). */
#include "blobs_s3_sign.h"
#include "blobs_s3_int.h"
#include "runtime/base/hash.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LONGEST_S = 7 * 24 * 3600 };

static void sign_key(const char *secret, const char *day, const char *region, uint8_t out[32]) {
  const char *const parts[] = {day, region, "s3", "aws4_request"};
  Buf b = {0};
  buf_fmt(&b, "AWS4%s", secret);
  hash_hmac_sha256(b.p, b.n, parts[0], strlen(parts[0]), out);
  explicit_bzero(b.p, b.n);
  buf_free(&b);
  for (int i = 1; i < 4; i++) {
    uint8_t next[32];
    hash_hmac_sha256(out, 32, parts[i], strlen(parts[i]), next);
    memcpy(out, next, 32);
  }
}

void s3_sign_query(const S3Presign *p, Buf *query) {
  Buf scope = {0}, b = {0};
  char text[32], hex[65];
  uint8_t key[32], mac[32];
  buf_fmt(&scope, "%.8s/%s/s3/aws4_request", p->stamp, p->region);
  buf_fmt(&b, "%s/%s", p->id, buf_cstr(&scope));
  s3_query(query, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  s3_query(query, "X-Amz-Credential", buf_cstr(&b));
  s3_query(query, "X-Amz-Date", p->stamp);
  snprintf(text, sizeof text, "%lld", (long long)p->seconds);
  s3_query(query, "X-Amz-Expires", text);
  s3_query(query, "X-Amz-SignedHeaders", "host");
  if (p->disposition) s3_query(query, "response-content-disposition", p->disposition);
  if (p->content_type) s3_query(query, "response-content-type", p->content_type);
  b.n = 0;
  buf_fmt(&b, "GET\n%s\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD", p->path, buf_cstr(query), p->host);
  hash_sha256_hex(b.p, b.n, hex);
  b.n = 0;
  buf_fmt(&b, "AWS4-HMAC-SHA256\n%s\n%s\n%s", p->stamp, buf_cstr(&scope), hex);
  char day[9];
  snprintf(day, sizeof day, "%.8s", p->stamp);
  sign_key(p->secret, day, p->region, key);
  hash_hmac_sha256(key, sizeof key, b.p, b.n, mac);
  explicit_bzero(key, sizeof key);
  buf_c(query, "&X-Amz-Signature=");
  hash_hex(mac, sizeof mac, query);
  buf_free(&b);
  buf_free(&scope);
}

/* Keys with a session token give none: the token would stand in it. */
char *s3_presigned(void *ctx, const char *hash, const char *content_type, const char *filename, int64_t now, int64_t until) {
  const S3 *s = ctx;
  char stamp[20], key[80], name[400];
  time_t at = (time_t)(now / 1000);
  struct tm t;
  int64_t seconds = (until - now) / 1000;
  if (!s->keys.id || s->keys.session || seconds < 1 || !gmtime_r(&at, &t)) return NULL;
  strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &t);
  snprintf(name, sizeof name, "attachment; filename=\"%.255s\"", filename);
  for (char *p = name + 22; *p && p[1]; p++)
    if (strchr("\"\\\r\n", *p)) *p = '_';
  s3_hash_key(hash, key);
  Buf host = {0}, path = {0}, query = {0}, url = {0};
  s3_host_path(&s->place, key, &host, &path);
  s3_url(&s->place, key, &url);
  S3Presign p = {s->keys.id, s->keys.secret, s->place.region, stamp, buf_cstr(&host), buf_cstr(&path), seconds > LONGEST_S ? LONGEST_S : seconds,
                 *filename ? name : NULL, content_type};
  s3_sign_query(&p, &query);
  buf_fmt(&url, "?%s", buf_cstr(&query));
  buf_free(&host);
  buf_free(&path);
  buf_free(&query);
  return buf_cstr(&url);
}
