/* http_auth.c - see http_auth.h. */
#include "http_auth.h"
#include "hash.h"
#include "reader/map.h"
#include "reader/mem.h"
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

static bool none(Auth *a) { return (void)a, true; }

static bool apply(Auth *a) {
  static const struct { const char *name; bool (*f)(Auth *a); } kinds[] = {{"none", none}, {"bearer", bearer}, {"api-key", api_key}, {"basic", basic}};
  if (is_nil(a->map)) return true;
  if (!is_map(a->map)) return bad(a, "is a map such as {:type :bearer :secret-ref :my-token}");
  static const char *const inline_keys[] = {"token", "value", "key", "password", "api-key"};
  for (size_t i = 0; i < sizeof inline_keys / sizeof *inline_keys; i++)
    if (!is_nil(map_get_kw(a->map, inline_keys[i]))) return bad(a, "takes names of secrets (:secret-ref), never their values");
  const char *type = text_field(a, "type");
  for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(type, kinds[i].name)) return kinds[i].f(a);
  return bad(a, "needs :type, one of :none :bearer :api-key :basic");
}

bool http_auth_apply(Val auth, const SecretSet *secrets, SecretUse **used, HttpRequest *req, Err *e) {
  Auth a = {auth, secrets, used, req, e};
  return apply(&a);
}

bool http_auth_check(Val auth, const SecretSet *secrets, Err *e) {
  Auth a = {auth, secrets, NULL, NULL, e};
  return apply(&a);
}
