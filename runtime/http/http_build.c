#include "http_build_int.h"
#include "runtime/base/limits.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/print.h"
#include "runtime/base/duration.h"
#include "runtime/base/json.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const http_as_names[] = {"auto", "json", "jsonl", "sse", "text", "bytes", "edn", "xml", "yaml", NULL};

void http_plan_free(HttpPlan *p) {
  for (size_t i = 0; i < p->ninclude; i++) free(p->include[i]);
  free(p->include);
  memset(p, 0, sizeof *p);
}

void build_problem(Build *b, const char *text) { vv_push(&b->problems, str_c(text)); }

void build_problem_val(Build *b, const char *before, Val v, const char *after) {
  Buf t = {0};
  if (is_sig(print_to(&t, v, &print_readably))) t.n = 0;
  vv_push(&b->problems, str_fmt("%s%.60s%s", before, buf_cstr(&t), after));
  buf_free(&t);
}

Val build_get(Build *b, const char *key) { return map_get_kw(b->cfg, key); }
bool build_has(Build *b, const char *key) { return !same(map_get(b->cfg, kw_c(key), ABSENT), ABSENT); }

/* ---- scalars as text ---- */

Val build_each_text(Build *b, const char *what, Val key, Val v, EachFn f) {
  if (is_nil(v)) return NIL;
  TRY(t, json_scalar_text(v));
  if (!same(t, ABSENT)) return f(b, key, t), NIL;
  if (!is_sequential(v) && !is_set(v)) {
    build_problem_val(b, what, v, "; use strings, numbers, keywords, booleans or vectors of them");
    return NIL;
  }
  Val s = seq_of(v);
  for (; !is_nil(s) && !is_sig(s); s = seq_next(s)) {
    TRY(x, seq_first(s));
    TRY(xt, json_scalar_text(x));
    if (same(xt, ABSENT))
      build_problem_val(b, what, x, "; use strings, numbers, keywords or booleans");
    else
      f(b, key, xt);
  }
  return s;
}

Val build_each_pair(Build *b, const char *what, Val m, EachFn f) {
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    TRY(name, json_scalar_text(k));
    if (same(name, ABSENT))
      build_problem_val(b, what, k, " as a key; use strings or keywords");
    else
      CHECK(build_each_text(b, what, name, v, f));
  }
  return NIL;
}

/* ---- percent encoding ---- */

static void pct(Buf *b, unsigned char c) {
  static const char hex[] = "0123456789ABCDEF";
  buf_ch(b, '%');
  buf_ch(b, hex[c >> 4]);
  buf_ch(b, hex[c & 15]);
}

/* RFC 3986 unreserved characters stay; forms write a blank as +. */
static void encode(Buf *b, Val text, bool form) {
  for (size_t i = 0; i < str_n(text); i++) {
    unsigned char c = (unsigned char)str_s(text)[i];
    if (isalnum(c) || (c && strchr("-._~", c)))
      buf_ch(b, (char)c);
    else if (c == ' ' && form)
      buf_ch(b, '+');
    else
      pct(b, c);
  }
}

void build_add_pair(Buf *b, Val key, Val text, bool form) {
  encode(b, key, form);
  buf_ch(b, '=');
  encode(b, text, form);
}

static void add_query(Build *b, Val key, Val text) {
  if (b->url.p[b->url.n - 1] != '?' && b->url.p[b->url.n - 1] != '&') buf_ch(&b->url, b->has_query ? '&' : '?');
  b->has_query = true;
  build_add_pair(&b->url, key, text, false);
}

/* ---- URL ---- */

static size_t scheme_len(const char *s) { return !strncasecmp(s, "https://", 8) ? 8 : !strncasecmp(s, "http://", 7) ? 7 : 0; }

/* A blank and what is not ASCII are percent-encoded behind the host; control characters are a problem. */
static void put_url(Build *b, const char *s, size_t n) {
  size_t host = scheme_len(s), i = 0;
  while (host < n && !strchr("/?#", s[host])) host++;
  for (; i < n && s[i] != '#'; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c < ' ' || c == 0x7f || (c == ' ' && i < host)) return build_problem(b, "the URL contains a blank in its host or a control character");
    if (i >= host && (c == ' ' || c >= 0x80))
      pct(&b->url, c);
    else
      buf_ch(&b->url, (char)c);
  }
}

/* base and path with exactly one slash between them: a path can never change the host. */
static void put_joined(Build *b, const char *base, Val path) {
  Buf t = {0};
  size_t n = strcspn(base, "?#");
  const char *p = is_nil(path) ? "" : str_s(path);
  size_t np = is_nil(path) ? 0 : str_n(path);
  while (n && base[n - 1] == '/') n--;
  buf_add(&t, base, n);
  if (*p && *p != '/' && *p != '?') buf_ch(&t, '/');
  buf_add(&t, p, np);
  put_url(b, buf_cstr(&t), t.n);
  buf_free(&t);
}

static void missing_connection(Build *b, Val c) {
  b->type = "missing-binding";
  build_problem_val(b, "no connection is bound to ", c, "; bind it with --connections FILE (\"connections\": a \"base-url\" for the slot), or write :url");
}

static void build_address(Build *b, const HttpConn *conn) {
  Val url = build_get(b, "url"), c = build_get(b, "connection"), path = build_get(b, "path");
  if (!is_nil(path) && !is_str(path)) build_problem_val(b, ":path is ", path, "; use a string such as \"/v1/items\"");
  if (is_str(url)) {
    if (!scheme_len(str_s(url))) return build_problem_val(b, ":url is ", url, "; it begins with http:// or https://");
    return put_url(b, str_s(url), str_n(url));
  }
  if (!is_nil(url)) return build_problem_val(b, ":url is ", url, "; use a string such as \"https://host/path\"");
  if (is_nil(c)) return build_problem(b, "neither :url nor :connection is there; use :url \"https://host/path\"");
  if (!conn || !conn->base_url) return missing_connection(b, c);
  if (!scheme_len(conn->base_url)) return build_problem(b, "the connection's :base-url does not begin with http:// or https://");
  if (is_nil(path) || is_str(path)) put_joined(b, conn->base_url, path);
}

static Val build_query(Build *b, const HttpConn *conn) {
  Val q = build_get(b, "query");
  if (!is_nil(q) && !is_map(q)) return build_problem_val(b, ":query is ", q, "; use a map such as {:page 2 :tag [\"a\" \"b\"]}"), NIL;
  TRY(all, map_merge(conn ? conn->query : NIL, q));
  if (is_nil(all) || !b->url.n) return NIL;
  b->has_query = memchr(b->url.p, '?', b->url.n);
  return build_each_pair(b, ":query has ", all, add_query);
}

/* ---- method and headers ---- */

static void build_method(Build *b) {
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
  Val m = build_get(b, "method");
  if (is_nil(m)) return;
  Val t = is_kw(m) ? AS(Kw, m)->name : m;
  for (size_t i = 0; is_str(t) && i < sizeof methods / sizeof *methods; i++)
    if (!strcasecmp(methods[i], str_s(t))) {
      strcpy(b->req->method, methods[i]);
      return;
    }
  build_problem_val(b, ":method is ", m, "; use :get :post :put :patch :delete :head or :options");
}

static bool header_name(const char *s) {
  if (!*s) return false;
  for (; *s; s++)
    if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s)) return false;
  return true;
}

bool build_header_value(Val v) {
  for (size_t i = 0; i < str_n(v); i++) {
    unsigned char c = (unsigned char)str_s(v)[i];
    if ((c < ' ' && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

static void add_header(Build *b, Val name, Val value) {
  if (!header_name(str_s(name)) || strlen(str_s(name)) != str_n(name))
    return build_problem_val(b, ":headers has the name ", name, "; header names are letters, digits and dashes");
  /* the value may be a secret: it is not shown */
  if (!build_header_value(value)) return build_problem_val(b, "the value of header ", name, " contains a line break or a control character");
  http_request_header(b->req, str_s(name), str_s(value), false);
}

static Val build_headers(Build *b, const HttpConn *conn) {
  Val h = build_get(b, "headers");
  if (!is_nil(h) && !is_map(h)) return build_problem_val(b, ":headers is ", h, "; use a map such as {\"X-Trace\" \"1\"}"), NIL;
  TRY(all, map_merge(conn ? conn->headers : NIL, h));
  return is_nil(all) ? NIL : build_each_pair(b, ":headers has ", all, add_header);
}

const char *build_mime(Val v) {
  static const char *const table[][2] = {{"json", "application/json"},
                                         {"form", "application/x-www-form-urlencoded"},
                                         {"xml", "application/xml"},
                                         {"text", "text/plain; charset=utf-8"},
                                         {"html", "text/html"},
                                         {"edn", "application/edn"},
                                         {"jsonl", "application/x-ndjson"},
                                         {"sse", "text/event-stream"}};
  if (is_str(v) && strchr(str_s(v), '/') && build_header_value(v)) return str_s(v);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (kw_is(v, table[i][0])) return table[i][1];
  return NULL;
}

/* An explicit header wins over the shortcut, the shortcut over the body's own type. */
static void mime_header(Build *b, const char *key, const char *name, const char *fallback) {
  Val v = build_get(b, key);
  const char *mime = is_nil(v) ? fallback : build_mime(v);
  if (!is_nil(v) && !mime)
    build_problem_val(b, !strcmp(key, "accept") ? ":accept is " : ":content-type is ", v,
                "; use :json, :xml, :text or a MIME type such as \"text/csv\"");
  if (mime && !http_request_get(b->req, name)) http_request_header(b->req, name, mime, false);
}

static Val build_payload(Build *b) {
  const char *mime = NULL;
  CHECK(build_body(b, &mime));
  mime_header(b, "content-type", "Content-Type", mime);
  return NIL;
}

/* ---- limits ---- */

static void positive_duration(Build *b, Val v, enum DurationUnit unit, const char *what, int64_t *out) {
  Err e;
  if (is_nil(v)) return;
  if (!duration_of(v, unit, what, out, &e))
    build_problem(b, e.msg);
  else if (!*out)
    build_problem_val(b, what, v, " is no time at all; use a duration such as \"30s\"");
}

static void redirects(Build *b, Val v) {
  if (is_nil(v)) return;
  if (is_bool(v))
    b->req->max_redirects = truthy(v) ? HTTP_MAX_REDIRECTS : 0;
  else if (is_long(v) && long_of(v) >= 0 && long_of(v) <= 20)
    b->req->max_redirects = (int)long_of(v);
  else
    build_problem_val(b, ":follow-redirects is ", v, "; use true, false or an integer from 0 to 20");
}

static void known_opts(Build *b, Val opts) {
  MapIter it;
  Val k, v;
  map_iter(&it, opts);
  while (map_next(&it, &k, &v))
    if (!kw_is(k, "max-response-bytes") && !kw_is(k, "connect-timeout") && !kw_is(k, "follow-redirects"))
      build_problem_val(b, ":client-opts has ", k, "; it takes :max-response-bytes, :connect-timeout and :follow-redirects");
}

static void build_client_opts(Build *b) {
  Val o = build_get(b, "client-opts");
  if (is_nil(o)) return;
  if (!is_map(o)) return build_problem_val(b, ":client-opts is ", o, "; use a map such as {:max-response-bytes 1000000}");
  Val max = map_get_kw(o, "max-response-bytes");
  if (is_long(max) && long_of(max) > 0 && long_of(max) <= ((int64_t)1 << 30))
    b->req->max_response = (size_t)long_of(max);
  else if (!is_nil(max))
    build_problem_val(b, ":max-response-bytes is ", max, "; use an integer from 1 to 1073741824");
  known_opts(b, o);
  positive_duration(b, map_get_kw(o, "connect-timeout"), DURATION_MS, ":connect-timeout ", &b->req->connect_timeout_ms);
  redirects(b, map_get_kw(o, "follow-redirects"));
}

static void build_limits(Build *b) {
  b->req->max_response = (size_t)limit_value(LIMIT_http_response_bytes);
  b->req->timeout_ms = HTTP_DEFAULT_TIMEOUT_MS;
  positive_duration(b, build_get(b, "timeout"), DURATION_SECONDS, ":timeout ", &b->req->timeout_ms);
  positive_duration(b, build_get(b, "connect-timeout-ms"), DURATION_MS, ":connect-timeout-ms ", &b->req->connect_timeout_ms);
  redirects(b, build_get(b, "follow-redirects"));
  build_client_opts(b);
}

/* What does nothing to the request, but is checked: a mistake in it would stay unseen. */
static void check_others(Build *b) {
  Val m = build_get(b, "metering"), idx = build_get(b, "auto-search-index?"), fn = build_get(b, "parser-fn");
  if (!is_nil(m) && !is_map(m)) build_problem_val(b, ":metering is ", m, "; use a map");
  if (!is_nil(idx) && !is_bool(idx)) build_problem_val(b, ":auto-search-index? is ", idx, "; use true or false");
  if (is_nil(fn)) return;
  if (!is_type(fn, T_FN) && !is_type(fn, T_BUILTIN) && !is_sequential(fn) && !is_str(fn))
    build_problem_val(b, ":parser-fn is ", fn, "; use a function of the body such as (fn [body] (:items body))");
  if (!is_nil(build_get(b, "persist"))) build_problem(b, ":parser-fn has nothing to read: :persist leaves no body in the result; use one of them");
}

/* ---- plan ---- */

static void plan_as(Build *b) {
  Val v = build_get(b, "response-as");
  if (is_nil(v)) return;
  for (int i = 0; http_as_names[i]; i++)
    if (kw_is(v, http_as_names[i]) || str_eq_c(v, http_as_names[i])) {
      b->plan->as = (enum HttpAs)i;
      return;
    }
  build_problem_val(b, ":response-as is ", v, "; use :auto :json :jsonl :sse :text :bytes :edn :xml or :yaml");
}

static void accept_one(Build *b, Val v) {
  if (is_long(v) && long_of(v) >= 100 && long_of(v) < 600)
    status_set_add(&b->plan->accept, long_of(v));
  else
    build_problem_val(b, ":accept-status has ", v, "; use statuses from 100 to 599, for example #{404}");
}

static Val plan_accept(Build *b) {
  Val v = build_get(b, "accept-status");
  if (is_nil(v)) return NIL;
  if (!is_sequential(v) && !is_set(v)) return accept_one(b, v), NIL;
  Val s = seq_of(v);
  for (; !is_nil(s) && !is_sig(s); s = seq_next(s)) {
    TRY(x, seq_first(s));
    accept_one(b, x);
  }
  return s;
}

static void add_include(Build *b, Val key, Val text) {
  HttpPlan *p = b->plan;
  (void)key;
  p->include = mem_raw_grow(p->include, (p->ninclude + 1) * sizeof *p->include);
  char *s = mem_raw(str_n(text) + 1);
  for (size_t i = 0; i <= str_n(text); i++) s[i] = (char)tolower((unsigned char)str_s(text)[i]);
  p->include[p->ninclude++] = s;
}

static Val plan_include(Build *b) {
  Val v = build_get(b, "include-headers");
  b->plan->include_some = !is_nil(v);
  return build_each_text(b, ":include-headers has ", NIL, v, add_include);
}

/* ---- all of it ---- */

static Val build_all(Build *b, const HttpConn *conn) {
  build_address(b, conn);
  CHECK(build_query(b, conn));
  build_method(b);
  CHECK(build_headers(b, conn));
  mime_header(b, "accept", "Accept", NULL);
  CHECK(build_payload(b));
  build_limits(b);
  check_others(b);
  plan_as(b);
  CHECK(plan_accept(b));
  CHECK(plan_include(b));
  if (!http_request_get(b->req, "user-agent")) http_request_header(b->req, "User-Agent", "breyta-run", false);
  return NIL;
}

Val http_error_map(const char *type, bool retryable, const char *message) {
  Val kvs[] = {kw_c("type"), kw_c(type), kw_c("message"), str_c(message), kw_c("retryable?"), bool_val(retryable)};
  return map_from(kvs, 3, false);
}

static Val problems_map(Build *b) {
  Buf t = {0};
  for (size_t i = 0; i < b->problems.n; i++) {
    if (i) buf_c(&t, "; ");
    buf_add(&t, str_s(b->problems.a[i]), str_n(b->problems.a[i]));
  }
  Val m = http_error_map(b->type, false, buf_cstr(&t));
  buf_free(&t);
  return map_assoc(m, kw_c("problems"), vec_from(b->problems.a, b->problems.n));
}

Val http_build(Val config, const HttpConn *conn, const HttpRefs *refs, HttpRequest *req, HttpPlan *plan) {
  Build b = {.cfg = config, .req = req, .plan = plan, .refs = refs, .type = "validation"};
  http_request_init(req);
  memset(plan, 0, sizeof *plan);
  Val r = NIL;
  if (is_map(config))
    r = build_all(&b, conn);
  else
    build_problem_val(&b, "the config of an :http step is ", config, "; use a map such as {:url \"https://host/path\"}");
  if (!is_sig(r) && b.problems.n) r = problems_map(&b);
  if (is_nil(r)) {
    req->url = buf_cstr(&b.url);
    return NIL;
  }
  buf_free(&b.url);
  http_request_free(req);
  http_plan_free(plan);
  return r;
}
