/* blobs_s3_keys.c - s3:// URLs, and where the keys are. */
#include "blobs_s3_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_DEFAULT (1LL << 30)

bool s3_is_url(const char *url) { return !strncmp(url, "s3://", 5); }

static const char *env(const char *a, const char *b) {
  const char *v = getenv(a);
  if ((!v || !*v) && b) v = getenv(b);
  return v && *v ? v : NULL;
}

/* ---- the URL ---- */

static bool all_of(const char *s, const char *set) { return *s && strspn(s, set) == strlen(s); }
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789-."
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"

static bool endpoint_ok(const char *s) {
  const char *p = !strncmp(s, "https://", 8) ? s + 8 : !strncmp(s, "http://", 7) ? s + 7 : "";
  return all_of(p, LETTERS ":[]") && *p != '/';
}

static bool size_of(const char *s, int64_t *out) {
  char *end;
  unsigned long long n = strtoull(s, &end, 10);
  const char *unit = *end ? strchr("KMG", *end) : "";
  if (!*s || end == s || *s < '0' || *s > '9' || !unit || (*end && end[1]) || n > 1ull << 40) return false;
  *out = (int64_t)(n << (*end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0));
  return *out >= 0;
}

/* [WORKSPACE/]NAME */
static bool keys_option(S3Place *p, const char *v, Err *e) {
  const char *slash = strchr(v, '/'), *name = slash ? slash + 1 : v;
  size_t n = slash ? (size_t)(slash - v) : 0;
  if (n >= sizeof p->keys_of || strlen(name) >= sizeof p->keys || !all_of(name, LETTERS) || strchr(name, '/') || (slash && !n))
    return err_set(e, "validation", "keys=%.100s: the name of a stored secret is expected, such as s3-keys or my-workspace/s3-keys", v);
  snprintf(p->keys_of, sizeof p->keys_of, "%.*s", slash ? (int)n : 5, slash ? v : "local");
  snprintf(p->keys, sizeof p->keys, "%s", name);
  return true;
}

static bool option(S3Place *p, const char *name, const char *v, Err *e) {
  if (!strcmp(name, "endpoint")) {
    if (strlen(v) >= sizeof p->endpoint || !endpoint_ok(v)) return err_set(e, "validation", "endpoint=%.100s: an address such as https://minio.example.com:9000 is expected", v);
    snprintf(p->endpoint, sizeof p->endpoint, "%s", v);
    return true;
  }
  if (!strcmp(name, "region")) {
    if (strlen(v) >= sizeof p->region || !all_of(v, LOWER)) return err_set(e, "validation", "region=%.100s: a name such as eu-central-1 is expected", v);
    snprintf(p->region, sizeof p->region, "%s", v);
    return true;
  }
  if (!strcmp(name, "keys")) return keys_option(p, v, e);
  if (strcmp(name, "cache")) return err_set(e, "validation", "there is no %.40s=; endpoint=, region=, cache= and keys= can stand behind the ?", name);
  return size_of(v, &p->cache) || err_set(e, "validation", "cache=%.40s: a size such as 500M or 2G is expected", v);
}

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

static void decode(char *s) {
  char *to = s;
  for (; *s; s++)
    if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0 && (s[1] != '0' || s[2] != '0')) *to++ = (char)(hex(s[1]) << 4 | hex(s[2])), s += 2;
    else *to++ = *s;
  *to = 0;
}

static bool options(S3Place *p, char *query, Err *e) {
  char *save = NULL;
  for (char *o = strtok_r(query, "&", &save); o; o = strtok_r(NULL, "&", &save)) {
    char *eq = strchr(o, '=');
    if (!eq) return err_set(e, "validation", "?%.60s: NAME=VALUE is expected", o);
    *eq = 0;
    decode(eq + 1);
    if (!option(p, o, eq + 1, e)) return false;
  }
  return true;
}

static bool bucket_and_prefix(S3Place *p, char *name, Err *e) {
  char *slash = strchr(name, '/');
  if (strchr(name, '@')) return err_set(e, "validation", "keys do not belong into the URL, which is kept: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ?keys= to the name of a stored secret");
  if (slash) *slash++ = 0;
  if (strlen(name) < 3 || strlen(name) > 63 || !all_of(name, LOWER))
    return err_set(e, "validation", "s3://%.80s: the name of a bucket has 3 to 63 lower-case letters, digits, dots and dashes", name);
  snprintf(p->bucket, sizeof p->bucket, "%s", name);
  if (!slash || !*slash) return true;
  size_t n = strlen(slash);
  while (n && slash[n - 1] == '/') slash[--n] = 0;
  if (n > 400 || !all_of(slash, LETTERS) || *slash == '/' || strstr(slash, "//") || strstr(slash, ".."))
    return err_set(e, "validation", "the prefix %.80s: letters, digits, - . _ ~ and / between them are expected, at most 400", slash);
  snprintf(p->prefix, sizeof p->prefix, "%s/", slash);
  return true;
}

bool s3_place(const char *url, S3Place *out, Err *e) {
  *out = (S3Place){.cache = CACHE_DEFAULT};
  if (!s3_is_url(url)) return err_set(e, "validation", "%.80s is no address such as s3://bucket/prefix", url);
  const char *endpoint = env("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), *region = env("AWS_REGION", "AWS_DEFAULT_REGION");
  char *copy = strdup(url + 5);
  if (!copy) abort();
  char *query = strchr(copy, '?');
  if (query) *query++ = 0;
  bool ok = bucket_and_prefix(out, copy, e) && option(out, "region", region ? region : "us-east-1", e);
  ok = ok && (!endpoint || option(out, "endpoint", endpoint, e)) && (!query || options(out, query, e));
  for (size_t n = strlen(out->endpoint); ok && n && out->endpoint[n - 1] == '/';) out->endpoint[--n] = 0;
  free(copy);
  return ok;
}

/* ---- keys ---- */

static void wipe(char *s) {
  if (s) explicit_bzero(s, strlen(s));
  free(s);
}

void s3_keys_free(S3Keys *k) {
  free(k->id);
  wipe(k->secret);
  wipe(k->session);
  *k = (S3Keys){0};
}

static char *own(const char *s) {
  char *p = s ? strdup(s) : NULL;
  if (s && !p) abort();
  return p;
}

/* "name = value" of the line, its value malloc'ed; NULL: another line. */
static char *value_of(const char *line, const char *name) {
  line += strspn(line, " \t");
  if (strncmp(line, name, strlen(name))) return NULL;
  line += strlen(name);
  line += strspn(line, " \t");
  if (*line != '=') return NULL;
  line += 1 + strspn(line + 1, " \t");
  return own(line);
}

static void take(char **to, const char *line, const char *name) {
  char *v = value_of(line, name);
  if (!v) return;
  wipe(*to);
  *to = v;
}

/* The lines of one profile of a file in the format of Amazon's tools; those in front of any profile count for all. */
static bool from_lines(FILE *f, const char *profile, S3Keys *out) {
  char line[8192], head[200];
  bool in = true;
  snprintf(head, sizeof head, "[%.190s]", profile);
  while (fgets(line, sizeof line, f)) {
    size_t n = strlen(line);
    while (n && strchr(" \t\r\n", line[n - 1])) line[--n] = 0;
    if (*line == '[') in = !strcmp(line, head);
    if (!in) continue;
    take(&out->id, line, "aws_access_key_id");
    take(&out->secret, line, "aws_secret_access_key");
    take(&out->session, line, "aws_session_token");
  }
  explicit_bzero(line, sizeof line);
  if (out->id && out->secret) return true;
  s3_keys_free(out);
  return false;
}

static bool from_file(const char *path, const char *profile, S3Keys *out) {
  FILE *f = fopen(path, "re");
  if (!f) return false;
  bool ok = from_lines(f, profile, out);
  fclose(f);
  return ok;
}

bool s3_keys_of_text(const char *text, size_t n, const S3Place *p, S3Keys *out, Err *e) {
  FILE *f = n ? fmemopen((char *)(uintptr_t)text, n, "r") : NULL;
  *out = (S3Keys){0};
  bool ok = f && from_lines(f, "default", out);
  if (f) fclose(f);
  return ok || err_set(e, "blob_denied", "no keys for the object storage: the secret %s of workspace %s holds no lines aws_access_key_id = .. and"
                       " aws_secret_access_key = ..", p->keys, p->keys_of);
}

bool s3_keys(S3Keys *out, Err *e) {
  const char *id = env("AWS_ACCESS_KEY_ID", NULL), *secret = env("AWS_SECRET_ACCESS_KEY", NULL), *home = env("HOME", NULL);
  const char *file = env("AWS_SHARED_CREDENTIALS_FILE", NULL), *profile = env("AWS_PROFILE", NULL);
  char path[4096];
  *out = (S3Keys){0};
  if (id && secret) {
    *out = (S3Keys){own(id), own(secret), own(env("AWS_SESSION_TOKEN", NULL))};
    return true;
  }
  snprintf(path, sizeof path, "%s%s", file ? file : home ? home : "", file ? "" : "/.aws/credentials");
  if (!profile) profile = "default";
  if (from_file(path, profile, out)) return true;
  return err_set(e, "blob_denied", "no keys for the object storage: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them under [%.60s] into %.200s", profile, path);
}
