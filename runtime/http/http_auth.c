/* http_auth.c - see http_auth.h. */
#include "http_auth.h"
#include "runtime/base/hash.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/vec.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct Auth {
  Val map;
  const SecretSet *secrets;
  SecretUse **used; /* NULL: only checking */
  HttpRequest *req;
  Err *e;
} Auth;

static bool bad(Auth *a, const char *text) { return err_set(a->e, "validation", ":auth %s", text); }

static const char *text_field(Auth *a, const char *key) {
  Val v = map_get_kw(a->map, key);
  return is_str(v) ? str_s(v) : is_kw(v) ? kw_text(v) : NULL;
}

/* The value of the secret that a field names. */
static const char *secret_field(Auth *a, const char *key) {
  const char *ref = text_field(a, key);
  if (!ref) {
    err_set(a->e, "validation", ":auth needs :%s, the name of a secret (never its value)", key);
    return NULL;
  }
  if (a->used) return secret_use(a->secrets, ref, a->used, a->e);
  if (secret_set_has(a->secrets, ref)) return "";
  err_set(a->e, "missing-binding", "there is no secret %.100s; give it with --connections FILE, under \"secrets\"", ref);
  return NULL;
}

static bool header_safe(const char *s) {
  for (; *s; s++)
    if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f) return false;
  return true;
}

static bool put_header(Auth *a, const char *name, const char *value) {
  if (!header_safe(value)) return err_set(a->e, "validation", "the secret for the header %.60s contains a line break or a control character", name);
  if (a->req && !http_request_get(a->req, name)) http_request_header(a->req, name, value, true);
  return true;
}

/* prefix and value as one header; the joined text is as secret as the value. */
static bool put_prefixed(Auth *a, const char *name, const char *prefix, const char *value) {
  Buf b = {0};
  buf_c(&b, prefix);
  buf_c(&b, value);
  bool ok = put_header(a, name, buf_cstr(&b));
  explicit_bzero(b.p, b.n);
  buf_free(&b);
  return ok;
}

static bool bearer(Auth *a) {
  const char *v = secret_field(a, "secret-ref");
  return v && put_prefixed(a, "Authorization", "Bearer ", v);
}

static void pct(Buf *b, const char *s) {
  for (; *s; s++)
    if (isalnum((unsigned char)*s) || strchr("-._~", *s)) buf_ch(b, *s);
    else buf_fmt(b, "%%%02X", (unsigned char)*s);
}

static bool put_query(Auth *a, const char *name, const char *value) {
  if (!a->req) return true;
  Buf b = {0};
  buf_c(&b, a->req->url);
  buf_ch(&b, strchr(a->req->url, '?') ? '&' : '?');
  pct(&b, name);
  buf_ch(&b, '=');
  size_t from = b.n;
  pct(&b, value);
  if (strcmp(buf_cstr(&b) + from, value)) secret_note(a->used, text_field(a, "secret-ref"), buf_cstr(&b) + from);
  explicit_bzero(a->req->url, strlen(a->req->url));
  free(a->req->url);
  a->req->url = buf_cstr(&b); /* the request's memory now */
  return true;
}

static bool api_key(Auth *a) {
  const char *v = secret_field(a, "secret-ref"), *header = text_field(a, "header"), *query = text_field(a, "query");
  const char *prefix = text_field(a, "prefix");
  if (!v) return false;
  if (header && query) return bad(a, "has both :header and :query; use one");
  if (query) return put_query(a, query, v);
  return put_prefixed(a, header ? header : "X-API-Key", prefix ? prefix : "", v);
}

static bool basic(Auth *a) {
  const char *user = text_field(a, "username"), *pass;
  if (!user && !(user = secret_field(a, "username-secret-ref"))) return bad(a, "of :type :basic needs :username or :username-secret-ref");
  if (strchr(user, ':')) return bad(a, "of :type :basic cannot have a colon in the user's name");
  const char *field = is_nil(map_get_kw(a->map, "secret-ref")) ? "password-secret-ref" : "secret-ref";
  if (!(pass = secret_field(a, field))) return false;
  if (!a->req) return true;
  Buf plain = {0}, coded = {0};
  buf_fmt(&plain, "%s:%s", user, pass);
  hash_base64((const uint8_t *)plain.p, plain.n, &coded);
  secret_note(a->used, text_field(a, field), buf_cstr(&coded));
  bool ok = put_prefixed(a, "Authorization", "Basic ", buf_cstr(&coded));
  explicit_bzero(plain.p, plain.n);
  explicit_bzero(coded.p, coded.n);
  buf_free(&plain);
  buf_free(&coded);
  return ok;
}

/* ---- Google ---- */

/* :scopes as one text; scope may be NULL. */
static bool google_scopes(Auth *a, Buf *scope) {
  Val v = map_get_kw(a->map, "scopes");
  bool ok = is_vec(v) && vec_count(v) > 0;
  for (uint32_t i = 0; ok && i < vec_count(v); i++) {
    Val x = vec_nth(v, i);
    ok = is_str(x) && str_n(x) && header_safe(str_s(x)) && !strchr(str_s(x), ' ');
    if (ok && scope) buf_fmt(scope, "%s%s", i ? " " : "", str_s(x));
  }
  return ok || bad(a, "of :type :google-service-account needs :scopes, a vector of texts such as [\"https://www.googleapis.com/auth/drive\"]");
}

static bool google(Auth *a) { return google_scopes(a, NULL) && secret_field(a, "secret-ref"); }

bool http_auth_is_google(Val auth) { return is_map(auth) && kw_is(map_get_kw(auth, "type"), "google-service-account"); }

const char *http_auth_google(Val auth, const SecretSet *secrets, SecretUse **used, Buf *scope, Err *e) {
  Auth a = {auth, secrets, used, NULL, e};
  return google_scopes(&a, scope) ? secret_field(&a, "secret-ref") : NULL;
}

void http_auth_token(Val auth, const char *token, SecretUse **used, HttpRequest *req) {
  Auth a = {auth, NULL, used, req, NULL};
  secret_note(used, text_field(&a, "secret-ref"), token);
  put_prefixed(&a, "Authorization", "Bearer ", token);
}

/* ---- AWS Signature Version 4: libcurl signs, we see to what it leaves to its caller ---- */

static bool aws_word(const char *s) { return s && *s && strlen(s) < 64 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s); }

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The signature is over the parameters in order, so that is how they are sent. */
static void sort_query(char *url) {
  char *q = strchr(url, '?'), *parts[256], *save = NULL;
  size_t n = 0;
  if (!q || !q[1]) return;
  char *copy = strdup(q + 1);
  if (!copy) abort();
  for (char *p = strtok_r(copy, "&", &save); p && n < 256; p = strtok_r(NULL, "&", &save)) parts[n++] = p;
  if (n < 256) {
    qsort(parts, n, sizeof *parts, by_text);
    for (size_t i = 0; i < n; i++) {
      *q++ = i ? '&' : '?';
      q = stpcpy(q, parts[i]);
    }
  }
  free(copy);
}

static bool body_digest(HttpRequest *req, char hex[65]) {
  HashStream *h = hash_begin();
  char part[16384];
  ssize_t n = 0;
  hash_add(h, req->body ? req->body : "", req->nbody);
  if (req->stream)
    while ((n = http_body_read(req->stream, part, sizeof part)) > 0) hash_add(h, part, (size_t)n);
  hash_end(h, hex);
  if (req->stream) (void)http_body_seek(req->stream, 0);
  return n >= 0;
}

static char *own(const char *s) {
  char *p = strdup(s);
  if (!p) abort();
  return p;
}

static bool sigv4(Auth *a) {
  const char *region = text_field(a, "region"), *service = text_field(a, "service"), *id, *key, *session = NULL;
  if (!aws_word(region) || !aws_word(service)) return bad(a, "of :type :aws-sigv4 needs :region and :service, such as \"eu-west-1\" and \"s3\"");
  if (!(id = secret_field(a, "access-key-ref")) || !(key = secret_field(a, "secret-key-ref"))) return false;
  if (!is_nil(map_get_kw(a->map, "session-token-ref")) && !(session = secret_field(a, "session-token-ref"))) return false;
  if (!a->req) return true;
  char hex[65];
  if (!body_digest(a->req, hex)) return bad(a, "cannot sign: a file of the body cannot be read");
  if (session && !put_header(a, "X-Amz-Security-Token", session)) return false;
  put_header(a, "X-Amz-Content-Sha256", hex);
  sort_query(a->req->url);
  Buf b = {0};
  buf_fmt(&b, "aws:amz:%s:%s", region, service);
  a->req->sigv4 = buf_cstr(&b);
  a->req->user = own(id);
  a->req->password = own(key);
  return true;
}

static bool none(Auth *a) { return (void)a, true; }

static bool apply(Auth *a) {
  static const struct { const char *name; bool (*f)(Auth *a); } kinds[] = {{"none", none}, {"bearer", bearer}, {"api-key", api_key}, {"basic", basic}, {"google-service-account", google}, {"aws-sigv4", sigv4}};
  if (is_nil(a->map)) return true;
  if (!is_map(a->map)) return bad(a, "is a map such as {:type :bearer :secret-ref :my-token}");
  static const char *const inline_keys[] = {"token", "value", "key", "password", "api-key", "secret", "access-key", "secret-key", "session-token", "private-key", "credentials"};
  for (size_t i = 0; i < sizeof inline_keys / sizeof *inline_keys; i++)
    if (!is_nil(map_get_kw(a->map, inline_keys[i]))) return bad(a, "takes names of secrets (:secret-ref), never their values");
  const char *type = text_field(a, "type");
  for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(type, kinds[i].name)) return kinds[i].f(a);
  return bad(a, "needs :type, one of :none :bearer :api-key :basic :google-service-account :aws-sigv4");
}

bool http_auth_apply(Val auth, const SecretSet *secrets, SecretUse **used, HttpRequest *req, Err *e) {
  Auth a = {auth, secrets, used, req, e};
  return apply(&a);
}

bool http_auth_check(Val auth, const SecretSet *secrets, Err *e) {
  Auth a = {auth, secrets, NULL, NULL, e};
  return apply(&a);
}
