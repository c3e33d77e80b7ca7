/* http_token.c - see http_token.h. */
#include "http_token.h"
#include "runtime/base/hash.h"
#include "runtime/base/metrics.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct TokenWait {
  Token *token;
  TokenFn f;
  void *ctx;
  TokenWait *next;
};

struct Token {
  char id[65]; /* digest of key file and scopes */
  char *text;  /* NULL: not there (yet) */
  int64_t until_ms;
  bool asked;
  TokenWait *waiting;
  Token *next;
};

static Token *tokens;
enum { EARLY_MS = 60000, TOKENS_MAX = 256 };

static void *must(void *p) {
  if (!p) abort();
  return p;
}

static void wipe(Buf *b) {
  if (b->p) explicit_bzero(b->p, b->n);
  buf_free(b);
}

static void drop_text(Token *t) {
  if (t->text) explicit_bzero(t->text, strlen(t->text));
  free(t->text);
  t->text = NULL;
}

/* ---- JSON, without making values of secrets ---- */

static int hex4(const char *p) {
  int v = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    if (!isxdigit((unsigned char)c)) return -1;
    v = v * 16 + (isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return v;
}

/* The string that begins behind the quote at p, into b; NULL: malformed. */
static const char *string_end(const char *p, Buf *b) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  for (; *p && *p != '"'; p++) {
    const char *esc = NULL;
    if (*p == '\\') {
      int cp = p[1] == 'u' ? hex4(p + 2) : -1;
      if (cp >= 0) {
        buf_cp(b, (uint32_t)(cp >= 0xd800 && cp < 0xe000 ? 0xfffd : cp));
        p += 5;
        continue;
      }
      if (!p[1] || !(esc = strchr(from, p[1]))) return NULL;
      buf_ch(b, to[esc - from]);
      p++;
    } else {
      buf_ch(b, *p);
    }
  }
  return *p ? p + 1 : NULL;
}

static const char *blanks(const char *p) {
  while (*p && strchr(" \t\r\n", *p)) p++;
  return p;
}

/* The end of a value that is not a string: to the comma or brace that ends it, over nested ones. */
static const char *other_end(const char *p, Buf *b) {
  int depth = 0;
  Buf skipped = {0};
  for (; p && *p && (depth || (*p != ',' && *p != '}')); p++) {
    if (*p == '"') {
      p = string_end(p + 1, &skipped);
      if (p) p--;
      if (!p) break;
    }
    if (strchr("{[", *p)) depth++;
    if (strchr("}]", *p)) depth--;
    if (!strchr(" \t\r\n", *p)) buf_ch(b, *p);
  }
  wipe(&skipped);
  return p;
}

/* The member `key` of the object in text: a string's characters, or another value's text. false: malformed or not there. */
static bool member(const char *text, const char *key, Buf *out) {
  const char *p = blanks(text);
  if (*p != '{') return false;
  for (p = blanks(p + 1); p && *p == '"';) {
    Buf name = {0};
    p = string_end(p + 1, &name);
    bool found = p && name.n == strlen(key) && !memcmp(name.p ? name.p : "", key, name.n);
    buf_free(&name);
    if (!p || *(p = blanks(p)) != ':') return false;
    p = blanks(p + 1);
    out->n = 0;
    p = *p == '"' ? string_end(p + 1, out) : other_end(p, out);
    if (found) return p != NULL;
    if (!p || *(p = blanks(p)) != ',') break;
    p = blanks(p + 1);
  }
  wipe(out);
  return false;
}

/* ---- the assertion ---- */

static void add_json(Buf *b, const char *s) {
  buf_ch(b, '"');
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c < ' ') buf_fmt(b, "\\u%04x", c);
    else {
      if (c == '"' || c == '\\') buf_ch(b, '\\');
      buf_ch(b, (char)c);
    }
  }
  buf_ch(b, '"');
}

typedef struct KeyFile { Buf email, pem, uri; } KeyFile;

static bool assertion(KeyFile *k, const char *scope, int64_t now_s, Buf *out) {
  static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
  Buf claims = {0}, sig = {0};
  size_t from = out->n;
  buf_c(&claims, "{\"iss\":");
  add_json(&claims, buf_cstr(&k->email));
  buf_c(&claims, ",\"scope\":");
  add_json(&claims, scope);
  buf_c(&claims, ",\"aud\":");
  add_json(&claims, buf_cstr(&k->uri));
  buf_fmt(&claims, ",\"iat\":%lld,\"exp\":%lld}", (long long)now_s, (long long)now_s + 3600);
  hash_base64url((const uint8_t *)head, sizeof head - 1, out);
  buf_ch(out, '.');
  hash_base64url((const uint8_t *)claims.p, claims.n, out);
  bool ok = hash_rsa_sha256(buf_cstr(&k->pem), out->p + from, out->n - from, &sig);
  buf_ch(out, '.');
  hash_base64url((const uint8_t *)sig.p, sig.n, out);
  buf_free(&claims);
  buf_free(&sig);
  return ok;
}

static bool read_key(const char *json, KeyFile *k, Err *e) {
  Buf type = {0};
  bool ok = member(json, "type", &type) && !strcmp(buf_cstr(&type), "service_account") && member(json, "client_email", &k->email) &&
            member(json, "private_key", &k->pem);
  if (ok && !member(json, "token_uri", &k->uri)) buf_c(&k->uri, "https://oauth2.googleapis.com/token");
  buf_free(&type);
  return ok || err_set(e, "auth-failed", "the secret is not the key file of a service account: JSON with \"type\": \"service_account\", "
                                         "\"client_email\" and \"private_key\"");
}

static bool exchange(const char *json, const char *scope, int64_t at_ms, HttpRequest *req, Err *e) {
  KeyFile k = {0};
  Buf body = {0};
  buf_c(&body, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
  bool ok = read_key(json, &k, e);
  if (ok && !assertion(&k, scope, at_ms / 1000, &body))
    ok = err_set(e, "auth-failed", "the \"private_key\" of the service account's key file is no RSA key in PEM text");
  http_request_init(req);
  if (ok) {
    strcpy(req->method, "POST");
    req->url = must(strdup(buf_cstr(&k.uri)));
    http_request_header(req, "Content-Type", "application/x-www-form-urlencoded", false);
    req->timeout_ms = 30000;
    req->max_response = 1 << 20;
    req->max_redirects = 0;
    req->nbody = body.n;
    req->body = buf_cstr(&body);
    body = (Buf){0};
  }
  wipe(&body);
  wipe(&k.pem);
  buf_free(&k.email);
  buf_free(&k.uri);
  return ok;
}

/* ---- tokens ---- */

static void token_id(const char *json, const char *scope, char id[65]) {
  Buf b = {0};
  buf_add(&b, json, strlen(json) + 1);
  buf_c(&b, scope);
  hash_sha256_hex(b.p, b.n, id);
  wipe(&b);
}

/* Old ones go when there are many. */
static void make_room(int64_t at_ms) {
  size_t n = 0;
  for (Token **at = &tokens; *at;) {
    Token *t = *at;
    if (++n > TOKENS_MAX / 2 && !t->asked && !t->waiting && (n > TOKENS_MAX || t->until_ms <= at_ms)) {
      *at = t->next;
      drop_text(t);
      free(t);
    } else {
      at = &t->next;
    }
  }
}

static Token *token_find(const char *id, int64_t at_ms) {
  for (Token *t = tokens; t; t = t->next)
    if (!strcmp(t->id, id)) return t;
  make_room(at_ms);
  Token *t = must(calloc(1, sizeof *t));
  strcpy(t->id, id);
  t->next = tokens;
  return tokens = t;
}

const char *token_get(const char *key_json, const char *scope, int64_t at_ms, TokenFn f, void *ctx, TokenWait **wait, bool *ask,
                      HttpRequest *req, Token **token, Err *e) {
  char id[65];
  token_id(key_json, scope, id);
  Token *t = *token = token_find(id, at_ms);
  *wait = NULL;
  *ask = false;
  if (t->text && at_ms < t->until_ms) return t->text;
  if (!t->asked) {
    if (!exchange(key_json, scope, at_ms, req, e)) return NULL;
    drop_text(t);
    *ask = t->asked = true;
    metric_add(METRIC_http_token_requests_total, 1);
  }
  TokenWait *w = *wait = must(calloc(1, sizeof *w));
  *w = (TokenWait){t, f, ctx, t->waiting};
  t->waiting = w;
  return NULL;
}

void token_forget(TokenWait *w) {
  TokenWait **at = &w->token->waiting;
  while (*at != w) at = &(*at)->next;
  *at = w->next;
  free(w);
}

/* What the endpoint says of a refusal, as far as it is known to be safe to show: error codes are words. */
static void refusal(const HttpResponse *r, Err *e) {
  Buf code = {0};
  if (r->err != HTTP_OK) err_set(e, "auth-failed", "no access token: %.200s", r->msg);
  else if (r->status == 200) err_set(e, "auth-failed", "no access token: the answer of %.100s has none that can be used", r->url);
  else {
    bool word = member(r->body, "error", &code) && code.n < 60;
    for (size_t i = 0; word && i < code.n; i++) word = isalnum((unsigned char)code.p[i]) || strchr("_-. ", code.p[i]);
    err_set(e, "auth-failed", "no access token: %.100s answered with status %d%s%.60s", r->url, r->status, word && code.n ? ", " : "",
            word && code.n ? buf_cstr(&code) : "");
  }
  buf_free(&code);
}

static bool take_token(Token *t, const HttpResponse *r, int64_t at_ms, Err *e) {
  Buf text = {0}, life = {0};
  bool ok = r->err == HTTP_OK && r->status == 200 && member(r->body, "access_token", &text) && text.n;
  long long s = ok && member(r->body, "expires_in", &life) ? strtoll(buf_cstr(&life), NULL, 10) : 0;
  for (size_t i = 0; ok && i < text.n; i++) ok = text.p[i] > ' ' && text.p[i] < 0x7f;
  if (ok) {
    t->text = buf_cstr(&text);
    text = (Buf){0};
    if (s < 1 || s > 24 * 3600) s = s < 1 ? 60 : 24 * 3600;
    t->until_ms = at_ms + s * 1000 - (s > 120 ? EARLY_MS : s * 1000 / 2);
  } else {
    refusal(r, e);
  }
  wipe(&text);
  buf_free(&life);
  return ok;
}

void token_answer(Token *t, const HttpResponse *r, const Err *sent, int64_t at_ms) {
  Err e = {0};
  if (sent) e = *sent;
  bool ok = r && take_token(t, r, at_ms, &e);
  bool again = !ok && (!r || r->err == HTTP_NETWORK || r->err == HTTP_TIMEOUT || r->status == 429 || r->status >= 500);
  TokenWait *w = t->waiting;
  t->waiting = NULL;
  t->asked = false;
  while (w) {
    TokenWait *next = w->next;
    w->f(w->ctx, ok ? t->text : NULL, &e, again);
    free(w);
    w = next;
  }
}

void token_refused(const char *token) {
  for (Token *t = tokens; t; t = t->next)
    if (t->text && !strcmp(t->text, token)) t->until_ms = 0;
}
