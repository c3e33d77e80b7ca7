/* conncheck.c - see conncheck.h: the tests of HTTP APIs, databases and the local stores. */
#include "conncheck.h"
#include "runtime/db/db_target.h"
#include "runtime/http/http_auth.h"
#include "runtime/http/http_build.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

const char *conncheck_state(enum ConnState s) {
  static const char *const names[] = {"fine", "untested", "invalid", "unreachable", "auth-refused"};
  return names[s];
}

void conncheck_says(ConnCheck *c, enum ConnState s, const char *fmt, ...) {
  char text[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  c->state = s;
  c->says.n = 0;
  buf_c(&c->says, text);
}

static void *zeroed(size_t n) {
  void *p = calloc(1, n);
  if (!p) abort();
  return p;
}

/* --- HTTP APIs -------------------------------------------------------------------------------------------------------- */
typedef struct HttpTry {
  Guard *guard;
  HttpClient *client;
  HttpRequest req;
  bool token; /* the credentials are a token that only steps fetch */
} HttpTry;

static void http_try_free(HttpTry *t) {
  if (t->client) http_client_free(t->client);
  http_request_free(&t->req);
  free(t);
}

/* A HEAD request to the base URL, with the headers and credentials of the connection. */
static bool http_request_of(ConnCheck *c, HttpTry *t, Err *e) {
  Val config = map_get_kw(c->connection, "config"), base = map_get_kw(config, "base-url"), auth = map_get_kw(config, "auth");
  HttpConn conn = {str_s(base), map_get_kw(config, "headers"), map_get_kw(config, "query")};
  HttpPlan plan;
  Val step = map_assoc(map_assoc(map_empty, kw_c("connection"), kw_c("it")), kw_c("method"), kw_c("head"));
  Val bad = http_build(step, &conn, NULL, &t->req, &plan);
  if (is_sig(bad)) return err_set(e, "validation", "its config cannot be read");
  if (!is_nil(bad)) return err_set(e, "validation", "%s", str_s(map_get_kw(bad, "message")));
  http_plan_free(&plan);
  t->req.timeout_ms = t->req.connect_timeout_ms = CONNCHECK_MS;
  t->req.guard = c->guard;
  t->token = http_auth_is_google(auth);
  return t->token ? http_auth_check(auth, c->secrets, e) : http_auth_apply(auth, c->secrets, &c->used, &t->req, e);
}

static void http_begin(ConnCheck *c) {
  Val base = map_get_kw(map_get_kw(c->connection, "config"), "base-url"), backend = map_get_kw(c->connection, "backend");
  Err e = {0};
  if (!is_str(base) && !is_nil(backend)) return conncheck_says(c, CONN_UNTESTED, "no base-url is bound: the address of %s is not tried", kw_text(backend));
  if (!is_str(base)) return conncheck_says(c, CONN_INVALID, "its config has no \"base-url\"");
  HttpTry *t = zeroed(sizeof *t);
  t->guard = guard_from_env(&e);
  if (t->guard && http_request_of(c, t, &e) && (t->client = http_client_new(t->guard, &e))) {
    c->job = t;
    return;
  }
  conncheck_says(c, CONN_INVALID, "%s", e.msg);
  http_try_free(t);
}

static HttpResponse *http_ask(HttpTry *t, HttpRequest *req, Err *e) {
  if (!http_client_send(t->client, req, e)) return NULL;
  for (struct pollfd p = {http_client_fd(t->client), POLLIN, 0};;) {
    HttpResponse *r = http_client_next(t->client);
    if (r) return r;
    poll(&p, 1, 2 * CONNCHECK_MS); /* the request has its own timeout: there is an answer */
  }
}

static void http_judge(ConnCheck *c, const HttpTry *t, const HttpResponse *r) {
  if (r->err == HTTP_OVERSIZE) return conncheck_says(c, CONN_FINE, "answers");
  if (r->err != HTTP_OK) return conncheck_says(c, CONN_UNREACHABLE, "%s: %s", http_err_name(r->err), r->msg);
  if (t->token) return conncheck_says(c, CONN_FINE, "%s answers with %d; its token was not tried", r->url, r->status);
  if (r->status == 401 || r->status == 403)
    return conncheck_says(c, CONN_REFUSED, "%s answers with %d: it does not take these credentials", r->url, r->status);
  conncheck_says(c, CONN_FINE, "%s answers with %d", r->url, r->status);
}

static HttpRequest again_as_get(const HttpRequest *from) {
  HttpRequest r;
  http_request_init(&r);
  r.url = strdup(from->url);
  if (!r.url) abort();
  r.timeout_ms = r.connect_timeout_ms = CONNCHECK_MS;
  r.max_response = 64 << 10;
  r.guard = from->guard;
  for (size_t i = 0; i < from->nheaders; i++) http_request_header(&r, from->headers[i].name, from->headers[i].value, from->headers[i].secret);
  return r;
}

static void http_work(ConnCheck *c) {
  HttpTry *t = c->job;
  Err e = {0};
  bool plain = !t->req.sigv4; /* a signature is made for one method */
  HttpRequest get = again_as_get(&t->req);
  HttpResponse *r = http_ask(t, &t->req, &e);
  if (r && r->err == HTTP_OK && (r->status == 405 || r->status == 501) && plain) { /* it knows no HEAD */
    http_response_free(r);
    r = http_ask(t, &get, &e);
  }
  if (r) http_judge(c, t, r);
  else conncheck_says(c, CONN_UNREACHABLE, "%s", e.msg);
  if (r) http_response_free(r);
  http_request_free(&get);
}

static void http_end(ConnCheck *c) { http_try_free(c->job); }

/* --- databases --------------------------------------------------------------------------------------------------------- */
static void database_begin(ConnCheck *c) {
  enum DbDialect d = DB_POSTGRES;
  bool known = false;
  Err e = {0};
  DbJob *j = zeroed(sizeof *j);
  j->wake = -1;
  j->target = db_target(NIL, c->connection, c->secrets, &c->used, &d, &known, &e);
  j->guard = c->guard ? guard_from_env(&e) : NULL;
  if (!j->target || e.code || !db_sql_read("SELECT 1", 8, d, &j->sql, &e)) {
    bool hosted = e.code && !strcmp(e.code, "unsupported_step");
    conncheck_says(c, hosted ? CONN_UNTESTED : CONN_INVALID, "%s", e.msg);
    db_job_free(j);
    return;
  }
  j->source = strdup("SELECT 1");
  j->nsource = 8;
  j->max_rows = 1;
  j->max_bytes = 4096;
  j->timeout_ms = CONNCHECK_MS;
  c->job = j;
}

static void database_work(ConnCheck *c) {
  DbJob *j = c->job;
  j->deadline_us = db_clock_us() + CONNCHECK_MS * 1000LL;
  j->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  db_run(j);
  if (!j->fail.type) return conncheck_says(c, CONN_FINE, "SELECT 1 works");
  bool refused = !strcmp(j->fail.type, "auth-failed");
  conncheck_says(c, refused ? CONN_REFUSED : CONN_UNREACHABLE, "%s: %s", j->fail.type, buf_cstr(&j->fail.message));
}

static void database_end(ConnCheck *c) { db_job_free(c->job); }

/* --- stores of this machine ---------------------------------------------------------------------------------------------- */
/* Can the engine's database be written, or made? */
static void local_begin(ConnCheck *c) {
  char path[4096];
  snprintf(path, sizeof path, "%s", c->db ? c->db : "");
  if (!access(path, F_OK)) {
    if (!access(path, R_OK | W_OK)) return conncheck_says(c, CONN_FINE, "kept in %s", path);
    return conncheck_says(c, CONN_UNREACHABLE, "%s: %s", path, strerror(errno));
  }
  while (access(path, F_OK)) { /* the nearest folder that is there */
    char *slash = strrchr(path, '/');
    if (!slash) snprintf(path, sizeof path, ".");
    else if (slash == path) path[1] = 0;
    else *slash = 0;
  }
  if (!access(path, W_OK | X_OK)) conncheck_says(c, CONN_FINE, "kept in %s, which does not exist yet", c->db);
  else conncheck_says(c, CONN_UNREACHABLE, "%s cannot be made: %s: %s", c->db, path, strerror(errno));
}

static void blob_begin(ConnCheck *c) {
  if (!kw_is(map_get_kw(c->connection, "backend"), "s3")) return local_begin(c);
  conncheck_says(c, CONN_UNTESTED, "steps keep their blobs where --blobs says; a binding changes nothing about that");
}

/* --- all of them ---------------------------------------------------------------------------------------------------------- */
static ConnectionTest http_test = {"http-api", http_begin, http_work, http_end, NULL};
static ConnectionTest llm_test = {"llm-provider", http_begin, http_work, http_end, &http_test};
static ConnectionTest database_test = {"database", database_begin, database_work, database_end, &llm_test};
static ConnectionTest kv_test = {"kv-store", local_begin, NULL, NULL, &database_test};
static ConnectionTest blob_test = {"blob-storage", blob_begin, NULL, NULL, &kv_test};
static ConnectionTest *tests = &blob_test;

void conncheck_register(ConnectionTest *t) {
  t->next = tests;
  tests = t;
}

static ConnectionTest *test_of(const ConnCheck *c) {
  Val type = map_get_kw(c->connection, "type");
  ConnectionTest *t = tests;
  while (t && !kw_is(type, t->type)) t = t->next;
  return t;
}

void conncheck_begin(ConnCheck *c) {
  c->test = test_of(c);
  conncheck_says(c, CONN_UNTESTED, "there is no test for connections of this type");
  if (c->test) c->test->begin(c);
  c->connection = NIL;
}

void conncheck_work(ConnCheck *c) { c->test->work(c); }

void conncheck_end(ConnCheck *c) {
  if (c->job) c->test->end(c);
  c->job = NULL;
  secret_clean_text(c->used, &c->says);
  secret_use_free(c->used);
  c->used = NULL;
}

typedef struct Worker { pthread_t thread; bool started; ConnCheck *check; } Worker;

static void *work(void *arg) {
  conncheck_work(((Worker *)arg)->check);
  return NULL;
}

void conncheck_run(ConnCheck *checks, size_t n, bool connect) {
  Worker *w = zeroed((n + 1) * sizeof *w);
  for (size_t i = 0; i < n; i++) conncheck_begin((w[i].check = &checks[i]));
  for (size_t i = 0; i < n; i++) {
    if (!checks[i].job) continue;
    conncheck_says(&checks[i], CONN_UNTESTED, "not tried");
    if (!connect) continue;
    w[i].started = !pthread_create(&w[i].thread, NULL, work, &w[i]);
    if (!w[i].started) work(&w[i]);
  }
  for (size_t i = 0; i < n; i++) {
    if (w[i].started) pthread_join(w[i].thread, NULL);
    conncheck_end(&checks[i]);
  }
  free(w);
}
