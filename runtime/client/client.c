/* client.c - see client.h */
#include "client.h"
#include "runtime/base/hash.h"
#include "runtime/net/http_client.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/map.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 3, PAUSE_MS = 150, PAUSE_FACTOR = 3, RETRY_AFTER_MAX_MS = 5000, CONNECT_MS = 10000 };
#define ANSWER_MAX ((size_t)256 << 20)

struct Client {
  ClientConfig where;
  HttpClient *http;
  int tries;
};

static void config_copy(ClientConfig *to, const ClientConfig *from) {
  *to = *from;
  to->url = mem_raw_copy(from->url);
  to->workspace = mem_raw_copy(from->workspace);
  to->key = mem_raw_copy(from->key);
  to->ca_file = mem_raw_copy(from->ca_file);
}

void client_config_free(ClientConfig *c) {
  if (c->key) explicit_bzero(c->key, strlen(c->key));
  mem_raw_free(c->url);
  mem_raw_free(c->workspace);
  mem_raw_free(c->key);
  mem_raw_free(c->ca_file);
  *c = (ClientConfig){0};
}

Client *client_new(const ClientConfig *where, Err *e) {
  HttpClient *http = http_client_new(NULL, e);
  if (!http) return NULL;
  Client *c = mem_raw(sizeof *c);
  *c = (Client){.http = http, .tries = TRIES};
  config_copy(&c->where, where);
  return c;
}

void client_free(Client *c) {
  if (!c) return;
  http_client_free(c->http);
  client_config_free(&c->where);
  mem_raw_free(c);
}

void client_tries(Client *c, int tries) { c->tries = tries < 1 ? 1 : tries > 10 ? 10 : tries; }

void client_answer_free(ClientAnswer *a) {
  buf_free(&a->text);
  *a = (ClientAnswer){.body = NIL};
}

void client_uuid(char out[37]) {
  uint8_t r[16];
  Buf b = {0};
  hash_random(r, sizeof r);
  r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
  r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
  hash_hex(r, sizeof r, &b);
  const char *h = buf_cstr(&b);
  snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16, h + 20);
  buf_free(&b);
}

/* --- values ----------------------------------------------------------------------------------------------------------------------- */
Val client_key(const char *name) {
  return json_keyword_like(name, strlen(name)) ? kw_parse(name, strlen(name)) : str_c(name);
}

static Val key_of(const char *s, size_t n) {
  char name[256];
  snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), s);
  return client_key(name);
}

Val client_at(Val v, const char *path) {
  while (*path && (is_map(v) || is_vec(v))) {
    size_t n = strcspn(path, "."), i = strtoul(path, NULL, 10);
    v = is_map(v) ? map_get(v, key_of(path, n), NIL) : i < vec_count(v) ? vec_nth(v, (uint32_t)i) : NIL;
    path += n + (path[n] == '.');
  }
  return *path ? NIL : v;
}

const char *client_text_at(Val v, const char *path) {
  Val x = client_at(v, path);
  return is_str(x) ? str_s(x) : NULL;
}

int64_t client_int_at(Val v, const char *path, int64_t otherwise) {
  Val x = client_at(v, path);
  return is_long(x) ? long_of(x) : otherwise;
}

bool client_true_at(Val v, const char *path) { return same(client_at(v, path), TRUE_V); }

static Val ordered(const ValVec *m) { return amap_from(m->a, m->n / 2); }

/* A map of any size that keeps the order of its keys: people and scripts see the same line every time. */
static Val put_key(Val map, Val key, Val v) {
  ValVec m = {0};
  Val k, x;
  MapIter it;
  map_iter(&it, map);
  while (map_next(&it, &k, &x)) vv_push(&m, k), vv_push(&m, x);
  vv_push(&m, key);
  vv_push(&m, v);
  return ordered(&m);
}

Val client_put(Val map, const char *path, Val v) {
  size_t n = strcspn(path, ".");
  Val key = key_of(path, n), m = is_map(map) ? map : map_empty;
  return put_key(m, key, path[n] ? client_put(map_get(m, key, NIL), path + n + 1, v) : v);
}

Val client_put_text(Val map, const char *path, const char *s) { return s ? client_put(map, path, str_c(s)) : map; }

static void entry(ValVec *m, const char *key, Val v) {
  vv_push(m, client_key(key));
  vv_push(m, v);
}

Val client_error(const char *workspace, const char *code, const char *message, const char *hint) {
  ValVec m = {0}, e = {0};
  entry(&e, "code", str_c(code));
  entry(&e, "message", str_c(message));
  entry(&m, "ok", FALSE_V);
  if (workspace) entry(&m, "workspaceId", str_c(workspace));
  entry(&m, "data", map_empty);
  entry(&m, "meta", map_empty);
  entry(&m, "error", ordered(&e));
  if (hint) entry(&m, "hint", str_c(hint));
  return ordered(&m);
}

/* --- requests --------------------------------------------------------------------------------------------------------------------- */
static bool plain(unsigned char ch) { return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (ch && strchr("-._~", ch)); }

static void encode(Buf *b, const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (plain((unsigned char)s[i])) buf_ch(b, s[i]);
    else buf_fmt(b, "%%%02X", (unsigned char)s[i]);
}

void client_segment(Buf *path, const char *text) {
  buf_ch(path, '/');
  encode(path, text, strlen(text));
}

/* The text of a value in a query: lists are joined with commas. */
static void query_text(Buf *b, Val v) {
  Val s = is_vec(v) ? NIL : json_scalar_text(v);
  for (uint32_t i = 0; is_vec(v) && i < vec_count(v); i++) {
    if (i) buf_ch(b, ',');
    query_text(b, vec_nth(v, i));
  }
  if (is_str(s)) buf_add(b, str_s(s), str_n(s));
}

static void url_of(const Client *c, const ClientRequest *r, Buf *url) {
  Val k, v;
  MapIter it;
  char mark = '?';
  buf_fmt(url, "%s/%s", c->where.url, r->path);
  if (!is_map(r->query)) return;
  map_iter(&it, r->query);
  while (map_next(&it, &k, &v)) {
    Buf text = {0};
    if (is_nil(v)) continue;
    query_text(&text, v);
    buf_ch(url, mark);
    mark = '&';
    encode(url, id_text(k), strlen(id_text(k)));
    buf_ch(url, '=');
    encode(url, text.n ? text.p : "", text.n);
    buf_free(&text);
  }
}

static bool mutates(const ClientRequest *r) { return strcmp(r->method, "GET") != 0; }

void client_headers(const ClientConfig *where, const char *op, int attempt, HttpRequest *q) {
  char n[16];
  http_request_header(q, "user-agent", "breyta-cli", false);
  http_request_header(q, "x-breyta-client", "cli", false);
  if (where->ca_file && !(q->ca_file = strdup(where->ca_file))) abort();
  if (where->workspace) http_request_header(q, "x-breyta-workspace", where->workspace, false);
  if (op) {
    snprintf(n, sizeof n, "%d", attempt);
    http_request_header(q, "x-breyta-operation-id", op, false);
    http_request_header(q, "x-breyta-operation-attempt", n, false);
  }
  if (!where->key) return;
  Buf b = {0};
  buf_fmt(&b, "Bearer %s", where->key);
  http_request_header(q, "authorization", buf_cstr(&b), true);
  explicit_bzero(b.p, b.n);
  buf_free(&b);
}

static void headers(const Client *c, const ClientRequest *r, HttpRequest *q, const char *op, int attempt) {
  ClientConfig where = c->where;
  if (r->no_key) where.key = NULL;
  if (!strcmp(r->path, "api/me") || !strncmp(r->path, "api/auth/", 9) || !strncmp(r->path, "api/docs/", 9)) where.workspace = NULL; /* of no workspace */
  client_headers(&where, mutates(r) ? op : NULL, attempt, q);
  for (const char *const *h = r->headers; h && *h; h += 2) http_request_header(q, h[0], h[1], true);
}

static bool set_body(const ClientRequest *r, HttpRequest *q, Err *e) {
  if (r->stream) {
    http_request_header(q, "content-type", r->content_type ? r->content_type : "application/octet-stream", false);
    q->stream = r->stream;
    return true;
  }
  if (same(r->body, ABSENT)) return true;
  Buf b = {0};
  if (is_sig(json_print(&b, r->body))) {
    buf_free(&b);
    return err_set(e, "validation", "the arguments cannot be written as JSON");
  }
  http_request_header(q, "content-type", "application/json", false);
  q->body = buf_cstr(&b); /* the request's own now */
  q->nbody = b.n;
  return true;
}

static HttpResponse *wait_for(HttpClient *http) {
  for (;;) {
    HttpResponse *r = http_client_next(http);
    if (r) return r;
    struct pollfd p = {http_client_fd(http), POLLIN, 0};
    if (poll(&p, 1, -1) < 0 && errno != EINTR) return NULL;
  }
}

static HttpResponse *send_once(Client *c, const ClientRequest *r, const char *op, int attempt, Err *e) {
  HttpRequest q;
  Buf url = {0};
  http_request_init(&q);
  q.guard = false;
  snprintf(q.method, sizeof q.method, "%s", r->method);
  url_of(c, r, &url);
  q.url = buf_cstr(&url);
  q.timeout_ms = r->timeout_ms ? r->timeout_ms : CLIENT_TIMEOUT_MS;
  q.connect_timeout_ms = CONNECT_MS;
  q.max_response = r->sink ? (size_t)1 << 60 : ANSWER_MAX;
  q.max_redirects = 0;
  headers(c, r, &q, op, attempt);
  if (!set_body(r, &q, e)) {
    http_request_free(&q);
    return NULL;
  }
  q.sink = r->sink;
  return http_client_send(c->http, &q, e) ? wait_for(c->http) : NULL;
}

/* Milliseconds until another attempt; -1: none. */
static int64_t again_in(const Client *c, const ClientRequest *r, const HttpResponse *h, int attempt) {
  if (r->once || r->stream || r->sink || attempt >= c->tries) return -1;
  int64_t pause = PAUSE_MS;
  for (int i = 1; i < attempt; i++) pause *= PAUSE_FACTOR;
  if (h->err) return h->err == HTTP_NETWORK ? pause : -1;
  if (h->status != 408 && h->status != 429 && (h->status < 502 || h->status > 504)) return -1;
  const char *after = http_response_get(h, "retry-after");
  int64_t ms = after ? strtoll(after, NULL, 10) * 1000 : 0;
  if (ms > RETRY_AFTER_MAX_MS) return -1;
  return ms > pause ? ms : pause;
}

static HttpResponse *exchange(Client *c, const ClientRequest *r, Err *e) {
  char op[37];
  client_uuid(op);
  for (int attempt = 1;; attempt++) {
    HttpResponse *h = send_once(c, r, op, attempt, e);
    int64_t ms = h ? again_in(c, r, h, attempt) : -1;
    if (ms < 0) return h;
    http_response_free(h);
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) < 0 && errno == EINTR) continue;
  }
}

/* --- answers ---------------------------------------------------------------------------------------------------------------------- */
static void broken(const Client *c, ClientAnswer *a, const char *code, const char *message, const char *hint) {
  a->ok = false;
  a->body = client_error(c->where.workspace, code, message, hint);
}

static void no_answer(const Client *c, ClientAnswer *a, const HttpResponse *h, const Err *e) {
  Buf b = {0}, hint = {0};
  bool late = h && h->err == HTTP_TIMEOUT, untrusted = h && h->err == HTTP_TLS;
  buf_fmt(&b, "%s: %s", c->where.url, h ? h->msg : e->msg);
  if (untrusted)
    buf_c(&hint, "does a server speak TLS there? If its certificate is of its own, `--ca-file FILE` or BREYTA_CA_FILE says which authority is trusted");
  else if (!late)
    buf_fmt(&hint, "is a server running there%s? The address comes from %s; `breyta serve` runs one",
            strncmp(c->where.url, "http:", 5) ? "" : ", and not one with --tls-cert, which is reached by https://", c->where.url_from);
  broken(c, a, late ? "timeout" : "unreachable", buf_cstr(&b), late ? NULL : buf_cstr(&hint));
  buf_free(&b);
  buf_free(&hint);
}

/* What a route answers is data; what a command answers is the envelope already. */
static Val wrapped(const Client *c, Val body, int status) {
  ValVec m = {0};
  Val error = client_at(body, "error"), hint = client_at(body, "hint");
  bool ok = status < 400;
  entry(&m, "ok", bool_val(ok));
  if (c->where.workspace) entry(&m, "workspaceId", str_c(c->where.workspace));
  entry(&m, "data", body);
  entry(&m, "meta", client_put(NIL, "status", int_val(status)));
  if (!ok && !is_nil(error)) entry(&m, "error", error);
  if (!ok && !is_nil(hint)) entry(&m, "hint", hint);
  return ordered(&m);
}

static const char *message_of(Val error) {
  Val text = is_str(error) ? error : client_at(error, "message"), details = client_at(error, "details");
  if (is_str(text)) return str_s(text);
  return is_str(details) ? str_s(details) : "the server refused it and did not say why";
}

static void judge(ClientAnswer *a) {
  Val error = client_at(a->body, "error");
  a->ok = a->status > 0 && a->status < 400 && !same(client_at(a->body, "ok"), FALSE_V);
  if (a->ok) return;
  const char *code = client_text_at(error, "code");
  a->code = code ? code : "failed";
  a->message = message_of(error);
}

static void invalid(const Client *c, ClientAnswer *a) {
  char b[160];
  snprintf(b, sizeof b, "the answer with status %d is not a JSON object: is %.80s a Breyta server?", a->status, c->where.url);
  broken(c, a, "invalid_answer", b, NULL);
}

/* What is no JSON, as data. */
static Val as_text(const HttpResponse *h, bool elsewhere) {
  bool there = h->nbody && !elsewhere && utf8_valid(h->body, h->nbody);
  return there ? client_put(NIL, "text", str_new(h->body, h->nbody)) : map_empty;
}

static void take(const Client *c, const ClientRequest *r, bool command, const HttpResponse *h, ClientAnswer *a) {
  const char *type = http_response_get(h, "content-type");
  Err e = {0};
  a->status = h->status;
  const char *session = http_response_get(h, "mcp-session-id");
  snprintf(a->content_type, sizeof a->content_type, "%s", type ? type : "");
  snprintf(a->session, sizeof a->session, "%s", session ? session : "");
  bool text = (r->raw || h->sunk) && h->status < 400;
  Val v = text || h->nbody == 0 ? ABSENT : json_parse_ordered(h->body, h->nbody, &e);
  if ((same(v, ABSENT) || r->keep_text) && h->nbody) buf_add(&a->text, h->body, h->nbody);
  if (command && is_map(v)) a->body = v;
  else if (command) invalid(c, a);
  else a->body = wrapped(c, same(v, ABSENT) ? as_text(h, text) : v, h->status);
}

/* The server knows of headers; who called knows of variables and flags. */
static void whose_key(const Client *c, ClientAnswer *a) {
  Buf b = {0};
  if (a->status != 401 || !is_nil(client_at(a->body, "hint"))) return;
  if (c->where.key) buf_fmt(&b, "the key comes from %s; `breyta auth whoami` tries it", c->where.key_from);
  else buf_c(&b, "no key was sent: BREYTA_API_KEY or --api-key-file FILE says which, and `breyta auth login` keeps one");
  a->body = client_put_text(a->body, "hint", buf_cstr(&b));
  buf_free(&b);
}

static bool perform(Client *c, const ClientRequest *r, bool command, ClientAnswer *a) {
  Err e = {0};
  *a = (ClientAnswer){.body = NIL};
  HttpResponse *h = exchange(c, r, &e);
  if (!h && e.code && !strcmp(e.code, "validation")) broken(c, a, "invalid_arguments", e.msg, NULL);
  else if (!h || h->err) no_answer(c, a, h, &e);
  else take(c, r, command, h, a);
  if (h) http_response_free(h);
  judge(a);
  if (!r->no_key) whose_key(c, a);
  return a->ok;
}

bool client_rest(Client *c, const ClientRequest *r, ClientAnswer *a) { return perform(c, r, false, a); }

bool client_call(Client *c, const char *command, Val args, int64_t timeout_ms, ClientAnswer *a) {
  Val body = client_put(client_put(NIL, "command", str_c(command)), "args", is_map(args) ? args : map_empty);
  ClientRequest r = {.method = "POST", .path = "api/commands", .query = NIL, .body = body, .timeout_ms = timeout_ms};
  return perform(c, &r, true, a);
}
