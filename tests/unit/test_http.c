/* Tests of the HTTP ports against a real server (tests/tools/httpd.py, started here): http_client.c, http_build.c,
 * http_result.c, and of listener.c through http_client.c. */
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/net/http_client.h"
#include "runtime/http/http_result.h"
#include "runtime/base/json.h"
#include "runtime/net/listener.h"
#include "reader/vec.h"
#include "http_help.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), "test", true);
  assert_false(is_sig(v));
  return v;
}

static Val in(Val m, const char *key) { return map_get(m, is_map(m) && !is_nil(map_get_kw(m, key)) ? kw_c(key) : str_c(key), NIL); }
static void same_printed(Val v, const char *expect) { assert_string_equal(str_s(pr_str(v)), expect); }

static Val json_of(const HttpResponse *r) {
  Err e = {0};
  want(r, HTTP_OK, NULL);
  Val v = json_parse(r->body, r->nbody, &e);
  if (same(v, ABSENT)) fail_msg("%s: %s", e.msg, r->body);
  return v;
}

/* ---- http_client ---- */

static void test_get(void **state) {
  (void)state;
  HttpResponse *r = get("/echo?a=1&b=x%20y");
  Val v = json_of(r);
  assert_int_equal(r->status, 200);
  assert_string_equal(http_response_get(r, "content-type"), "application/json");
  same_printed(in(v, "method"), "\"GET\"");
  same_printed(in(v, "query"), "{:a [\"1\"], :b [\"x y\"]}");
  assert_true(is_nil(in(in(v, "headers"), "content-type")));
  assert_null(strstr(r->url, "a=1"));
  assert_true(r->duration_us > 0);
  http_response_free(r);
}

static void test_methods_and_bodies(void **state) {
  (void)state;
  static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET"};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    HttpRequest q = request(methods[i], url_of("/echo"));
    q.body = strdup("hello \xc3\xa9");
    q.nbody = strlen(q.body);
    http_request_header(&q, "X-One", "1", false);
    http_request_header(&q, "X-Empty", "", false);
    HttpResponse *r = exchange(&q);
    Val v = json_of(r);
    assert_true(str_eq_c(in(v, "method"), methods[i]));
    same_printed(in(v, "body"), "\"hello é\"");
    same_printed(in(in(v, "headers"), "x-one"), "\"1\"");
    same_printed(in(in(v, "headers"), "x-empty"), "\"\"");
    assert_true(is_nil(in(in(v, "headers"), "expect")));
    http_response_free(r);
  }
  HttpRequest head = request("HEAD", url_of("/big?bytes=20000000"));
  HttpResponse *r = exchange(&head);
  want(r, HTTP_OK, NULL);
  assert_int_equal(r->nbody, 0);
  assert_string_equal(http_response_get(r, "content-length"), "20000000");
  http_response_free(r);
  HttpRequest empty = request("POST", url_of("/echo"));
  r = exchange(&empty);
  same_printed(in(in(json_of(r), "headers"), "content-length"), "\"0\"");
  http_response_free(r);
}

static void test_headers_joined(void **state) {
  (void)state;
  HttpResponse *r = get("/type?ct=text/plain&body=x&header=X-Two:a&header=x-two:b&header=Set-Cookie:%20c%3D1");
  want(r, HTTP_OK, NULL);
  assert_string_equal(http_response_get(r, "x-two"), "a, b");
  assert_string_equal(http_response_get(r, "set-cookie"), "c=1");
  http_response_free(r);
}

static void test_limits(void **state) {
  (void)state;
  static const char *const paths[] = {"/big?bytes=1001", "/big?bytes=1001&chunked=1"};
  for (int i = 0; i < 2; i++) {
    HttpRequest q = request("GET", url_of(paths[i]));
    q.max_response = 1000;
    HttpResponse *r = exchange(&q);
    want(r, HTTP_OVERSIZE, "more than 1000 bytes");
    http_response_free(r);
  }
  HttpRequest q = request("GET", url_of("/big?bytes=1000&chunked=1"));
  q.max_response = 1000;
  HttpResponse *r = exchange(&q);
  want(r, HTTP_OK, NULL);
  assert_int_equal(r->nbody, 1000);
  http_response_free(r);
  r = get("/big?bytes=10485761");
  want(r, HTTP_OVERSIZE, "10485760");
  http_response_free(r);
}

static void test_timeouts(void **state) {
  (void)state;
  static const char *const paths[] = {"/slow?ms=5000", "/slow?ms=5000&chunk=1", "/redirect?to=/slow%3Fms%3D5000"};
  for (int i = 0; i < 3; i++) {
    HttpRequest q = request("GET", url_of(paths[i]));
    q.timeout_ms = 150;
    HttpResponse *r = exchange(&q);
    want(r, HTTP_TIMEOUT, "150 ms");
    assert_in_range(r->duration_us, 100000, 3000000);
    http_response_free(r);
  }
}

static void test_network_errors(void **state) {
  (void)state;
  HttpResponse *r = get("/drop");
  want(r, HTTP_NETWORK, NULL);
  http_response_free(r);
  int fd = socket(AF_INET, SOCK_STREAM, 0); /* a port that nobody listens on */
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  assert_return_code(bind(fd, (struct sockaddr *)&a, n), errno);
  assert_return_code(getsockname(fd, (struct sockaddr *)&a, &n), errno);
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
  HttpRequest q = request("GET", url);
  r = exchange(&q);
  want(r, HTTP_NETWORK, "127.0.0.1");
  http_response_free(r);
  close(fd);
  q = request("GET", "http://no-such-host.invalid/");
  r = exchange(&q);
  want(r, HTTP_NETWORK, "no-such-host.invalid");
  http_response_free(r);
}

static void test_tls_error(void **state) {
  (void)state;
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", port); /* a plain HTTP server */
  HttpRequest q = request("GET", url);
  HttpResponse *r = exchange(&q);
  want(r, HTTP_TLS, NULL);
  http_response_free(r);
}

static void test_bad_requests(void **state) {
  (void)state;
  static const char *const urls[] = {"", "nonsense", "file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http://a b/"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    HttpRequest q = request("GET", urls[i]);
    HttpResponse *r = exchange(&q);
    if (r->err != HTTP_BAD_URL && r->err != HTTP_NETWORK) fail_msg("%s: %s", urls[i], http_err_name(r->err));
    if (i != 1) want(r, HTTP_BAD_URL, "URL");
    http_response_free(r);
  }
  HttpRequest q = request("GET", url_of("/echo"));
  http_request_header(&q, "X-A", "b\r\nX-Evil: 1", false);
  HttpResponse *r = exchange(&q);
  want(r, HTTP_BAD_URL, "line break");
  http_response_free(r);
  q = request("GET", url_of("/echo"));
  http_request_header(&q, "X A", "b", false);
  r = exchange(&q);
  want(r, HTTP_BAD_URL, "not a token");
  http_response_free(r);
  q = request("GE T", url_of("/echo"));
  r = exchange(&q);
  want(r, HTTP_BAD_URL, "method");
  http_response_free(r);
}

static void test_guard(void **state) {
  (void)state;
  Err e = {0};
  HttpClient *strict = http_client_new(NULL, &e);
  HttpRequest q = request("GET", url_of("/echo"));
  HttpResponse *r = exchange_on(strict, &q);
  want(r, HTTP_GUARD, "127.0.0.1 is a loopback address");
  http_response_free(r);
  char url[64];
  snprintf(url, sizeof url, "http://localhost:%d/echo", port); /* a name does not help */
  q = request("GET", url);
  r = exchange_on(strict, &q);
  want(r, HTTP_GUARD, "localhost is a loopback address");
  http_response_free(r);
  q = request("GET", url_of("/counts")); /* open first, then guarded: the kept connection must not be used */
  q.guard = false;
  r = exchange_on(strict, &q);
  want(r, HTTP_OK, NULL);
  http_response_free(r);
  q = request("GET", url_of("/counts"));
  r = exchange_on(strict, &q);
  want(r, HTTP_GUARD, NULL);
  http_response_free(r);
  http_client_free(strict);
  HttpRequest hop = request("GET", url_of("/redirect?to=http://127.0.0.2/")); /* checked again at each hop */
  r = exchange(&hop);
  want(r, HTTP_GUARD, "127.0.0.2");
  http_response_free(r);
}

static void test_proxy_ignored(void **state) {
  (void)state;
  Err e = {0};
  setenv("http_proxy", "http://127.0.0.1:9", 1); /* nothing listens there */
  HttpRequest q = request("GET", url_of("/echo"));
  HttpResponse *r = exchange(&q);
  want(r, HTTP_OK, NULL);
  http_response_free(r);
  HttpClient *c = http_client_new(local_ok, &e);
  q = request("GET", url_of("/echo"));
  q.guard = false; /* without the guard the variable counts */
  r = exchange_on(c, &q);
  want(r, HTTP_NETWORK, NULL);
  http_response_free(r);
  http_client_free(c);
  unsetenv("http_proxy");
}

static HttpResponse *redirected(const char *method, int status, const char *to) {
  char path[300];
  snprintf(path, sizeof path, "/redirect?status=%d&to=%s", status, to);
  HttpRequest q = request(method, url_of(path));
  if (!strcmp(method, "POST") || !strcmp(method, "PUT")) {
    q.body = strdup("data");
    q.nbody = 4;
    http_request_header(&q, "Content-Type", "text/plain", false);
  }
  http_request_header(&q, "Authorization", "Bearer s3cret", false);
  http_request_header(&q, "X-Api-Key", "k3y", true);
  http_request_header(&q, "X-Plain", "p", false);
  return exchange(&q);
}

static void test_redirect_methods(void **state) {
  (void)state;
  static const struct {
    const char *method;
    int status;
    const char *becomes;
  } rows[] = {{"GET", 301, "GET"}, {"GET", 302, "GET"}, {"POST", 301, "GET"},  {"POST", 302, "GET"},  {"POST", 303, "GET"},
              {"PUT", 303, "GET"}, {"PUT", 302, "PUT"}, {"POST", 307, "POST"}, {"POST", 308, "POST"}, {"DELETE", 302, "DELETE"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    HttpResponse *r = redirected(rows[i].method, rows[i].status, "/echo");
    Val v = json_of(r);
    bool body = !strcmp(rows[i].becomes, "POST") || !strcmp(rows[i].becomes, "PUT");
    assert_int_equal(r->redirects, 1);
    assert_true(str_eq_c(in(v, "method"), rows[i].becomes));
    assert_true(str_eq_c(in(v, "body"), body ? "data" : ""));
    assert_int_equal(is_nil(in(in(v, "headers"), "content-type")), !body);
    same_printed(in(in(v, "headers"), "authorization"), "\"Bearer s3cret\"");
    http_response_free(r);
  }
}

static void test_redirect_origin(void **state) {
  (void)state;
  char to[100];
  Err e = {0};
  Guard *g = guard_new("127.0.0.1,localhost", &e);
  HttpClient *c = http_client_new(g, &e), *saved = client;
  client = c;
  snprintf(to, sizeof to, "http://localhost:%d/echo", port);
  HttpResponse *r = redirected("GET", 302, to);
  Val h = in(json_of(r), "headers");
  assert_true(is_nil(in(h, "authorization")) && is_nil(in(h, "x-api-key")));
  same_printed(in(h, "x-plain"), "\"p\"");
  http_response_free(r);
  client = saved;
  http_client_free(c);
  guard_free(g);
}

static void test_redirect_limits(void **state) {
  (void)state;
  HttpResponse *r = get("/redirect?n=4&to=/echo");
  want(r, HTTP_OK, NULL);
  assert_int_equal(r->redirects, 5);
  http_response_free(r);
  r = get("/redirect?n=5&to=/echo");
  want(r, HTTP_BAD_URL, "more than 5 redirects");
  http_response_free(r);
  r = get("/redirect?to=file:///etc/passwd");
  want(r, HTTP_BAD_URL, "scheme \"file\"");
  http_response_free(r);
  HttpRequest q = request("GET", url_of("/redirect?to=/echo"));
  q.max_redirects = 0;
  r = exchange(&q);
  want(r, HTTP_OK, NULL);
  assert_int_equal(r->status, 302);
  assert_string_equal(http_response_get(r, "location"), "/echo");
  http_response_free(r);
}

static void test_cancel(void **state) {
  (void)state;
  Err e = {0};
  HttpRequest slow = request("GET", url_of("/slow?ms=15000"));
  uint64_t id = http_client_send(client, &slow, &e);
  http_client_cancel(client, id);
  http_client_cancel(client, id); /* twice, and unknown ids: nothing happens */
  http_client_cancel(client, id + 1000);
  HttpResponse *r = wait_next(client);
  assert_int_equal(r->id, id);
  want(r, HTTP_CANCELLED, NULL);
  http_response_free(r);
  assert_null(http_client_next(client));
  struct pollfd p = {http_client_fd(client), POLLIN, 0};
  assert_int_equal(poll(&p, 1, 0), 0); /* the eventfd is quiet again */
}

static void test_many(void **state) {
  (void)state;
  enum { N = 200 };
  Err e = {0};
  uint64_t ids[N], sum = 0;
  for (int i = 0; i < N; i++) {
    char path[64];
    snprintf(path, sizeof path, "/count?key=many-%d", i % 10);
    HttpRequest q = request("POST", url_of(path));
    ids[i] = http_client_send(client, &q, &e);
    sum += ids[i];
  }
  for (int i = 0; i < N; i++) {
    HttpResponse *r = wait_next(client);
    want(r, HTTP_OK, NULL);
    assert_int_equal(r->status, 200);
    sum -= r->id;
    http_response_free(r);
  }
  assert_int_equal(sum, 0);
  HttpResponse *r = get("/counts");
  same_printed(in(json_of(r), "many-7"), "20");
  http_response_free(r);
}

/* Freeing a client with transfers under way and untaken responses must neither hang nor leak (ASan, TSan). */
static void test_free_busy(void **state) {
  (void)state;
  Err e = {0};
  HttpClient *c = http_client_new(local_ok, &e);
  for (int i = 0; i < 8; i++) {
    HttpRequest q = request("GET", url_of(i % 2 ? "/slow?ms=15000" : "/echo"));
    assert_true(http_client_send(c, &q, &e) != 0);
  }
  http_response_free(wait_next(c));
  http_client_free(c);
}

/* ---- http_build ---- */

static Val built_as(const char *config, const HttpConn *conn, HttpPlan *plan) {
  HttpRequest q;
  Val r = http_build(edn(config), conn, NULL, &q, plan);
  if (!is_nil(r)) fail_msg("%s: %s", config, str_s(pr_str(r)));
  HttpResponse *x = exchange(&q);
  Val v = json_of(x);
  http_response_free(x);
  return v;
}

static Val built(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static Val built(const char *fmt, ...) { /* %d: the port */
  char text[1000];
  HttpPlan plan;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  Val v = built_as(text, NULL, &plan);
  http_plan_free(&plan);
  return v;
}

static void test_build_query(void **state) {
  (void)state;
  Val v = built("{:url \"http://127.0.0.1:%d/echo?x=0#frag\" :query {:tag [\"a b\" :c] :n 5 \"k&\" \"é=+\" :none nil :ok true}}", port);
  same_printed(in(v, "query"), "{:x [\"0\"], :tag [\"a b\" \"c\"], :n [\"5\"], \"k&\" [\"é=+\"], :ok [\"true\"]}");
  v = built("{:url \"http://127.0.0.1:%d/echo\" :query {:a/b 1} :method \"get\"}", port);
  same_printed(in(v, "query"), "{:a/b [\"1\"]}");
  same_printed(in(v, "method"), "\"GET\"");
  same_printed(in(built("{:url \"http://127.0.0.1:%d/echo/æ b\"}", port), "error"), "nil");
}

static void test_build_bodies(void **state) {
  (void)state;
  Val v = built("{:url \"http://127.0.0.1:%d/echo\" :method :post :json {:a [1 nil] :b/c :d} :body \"loses\" :accept :json}", port);
  same_printed(in(v, "body"), "\"{\\\"a\\\":[1,null],\\\"b/c\\\":\\\"d\\\"}\"");
  same_printed(in(in(v, "headers"), "content-type"), "\"application/json\"");
  same_printed(in(in(v, "headers"), "accept"), "\"application/json\"");
  v = built(
      "{:url \"http://127.0.0.1:%d/echo\" :method :put :form {:a \"x y&\" :b [1 2]} :headers {:x-h 7 \"x-list\" [\"a\" \"b\"] :x-nil nil}}",
      port);
  same_printed(in(v, "body"), "\"a=x+y%26&b=1&b=2\"");
  same_printed(in(in(v, "headers"), "content-type"), "\"application/x-www-form-urlencoded\"");
  same_printed(in(in(v, "headers"), "x-h"), "\"7\"");
  same_printed(in(in(v, "headers"), "x-list"), "\"a, b\"");
  v = built("{:url \"http://127.0.0.1:%d/echo\" :method :post :body \"<a/>\" :content-type :xml}", port);
  same_printed(in(in(v, "headers"), "content-type"), "\"application/xml\"");
  v = built("{:url \"http://127.0.0.1:%d/echo\" :method :post :body \"x\" :content-type :xml :headers {\"content-type\" \"a/b\"}}", port);
  same_printed(in(in(v, "headers"), "content-type"), "\"a/b\"");
  same_printed(in(built("{:url \"http://127.0.0.1:%d/echo\" :method :post :json nil}", port), "body"), "\"null\"");
}

static void test_build_connection(void **state) {
  (void)state;
  HttpPlan plan;
  char base[64];
  snprintf(base, sizeof base, "http://127.0.0.1:%d/echo/", port);
  HttpConn conn = {base, edn("{\"x-conn\" \"1\" \"x-both\" \"c\"}"), edn("{:key 1 :page 1}")};
  Val v = built_as("{:connection :api :path \"@evil/x\" :headers {\"x-both\" \"s\"} :query {:page 2}}", &conn, &plan);
  same_printed(in(v, "path"), "\"/echo/@evil/x\"");
  same_printed(in(v, "query"), "{:key [\"1\"], :page [\"2\"]}");
  same_printed(in(in(v, "headers"), "x-both"), "\"s\"");
  same_printed(in(in(v, "headers"), "x-conn"), "\"1\"");
  http_plan_free(&plan);
}

static void build_fails_val(Val config, const char *type, const char *const *parts) {
  HttpRequest q;
  HttpPlan plan;
  Val r = http_build(config, NULL, NULL, &q, &plan);
  assert_true(is_map(r));
  assert_true(kw_is(in(r, "type"), type));
  assert_true(same(map_get_kw(r, "retryable?"), FALSE_V));
  for (; *parts; parts++)
    if (!strstr(str_s(in(r, "message")), *parts)) fail_msg("\"%s\" lacks \"%s\"", str_s(in(r, "message")), *parts);
}

#define BUILD_FAILS(config, type, ...) build_fails_val(edn(config), type, (const char *const[]){__VA_ARGS__, NULL})

static void test_build_errors(void **state) {
  (void)state;
  BUILD_FAILS("{}", "validation", ":url");
  BUILD_FAILS("7", "validation", "use a map");
  BUILD_FAILS("{:connection :api}", "missing-binding", ":api", "base-url", "--connections FILE");
  BUILD_FAILS("{:url \"ftp://x\" :method :fetch :query 1 :headers [] :timeout \"x\" :response-as :pdf :accept-status #{7} :client-opts "
              "{:max-response-bytes 0}}",
              "validation", "http:// or https://", ":method is :fetch", ":query is 1", ":headers is []", ":timeout", ":response-as is :pdf",
              ":accept-status has 7", ":max-response-bytes is 0");
  BUILD_FAILS("{:url \"http://x\" :headers {\"x\" \"secret\\r\\ny: 1\" \"a b\" \"1\"}}", "validation", "line break", "\"a b\"");
  BUILD_FAILS("{:url \"http://x\" :form {:a 1} :body \"x\"}", "validation", ":form and :body");
  BUILD_FAILS("{:url \"http://x\" :body {:a 1}}", "validation", ":body is {:a 1}", ":json");
  BUILD_FAILS("{:url \"http://x\" :json {:a ##Inf}}", "validation", "##Inf (at [:a])");
  BUILD_FAILS("{:url \"http://x\" :query {:a {:b 1}}}", "validation", ":query has {:b 1}");
  BUILD_FAILS("{:url \"http://x\" :multipart []}", "validation", ":multipart is []");
  BUILD_FAILS("{:url \"http://x\\u0001\" :timeout 0 :follow-redirects 99}", "validation", "control character", ":timeout 0",
              ":follow-redirects is 99");
  HttpRequest q;
  HttpPlan plan; /* the header's value may be a secret and must not be in the message */
  Val r = http_build(edn("{:url \"http://x\" :headers {\"x\" \"s3cret\\r\\n\"}}"), NULL, NULL, &q, &plan);
  assert_null(strstr(str_s(in(r, "message")), "s3cret"));
}

static void test_build_options(void **state) {
  (void)state;
  HttpRequest q;
  HttpPlan p;
  Val config =
      edn("{:url \"https://h/\" :timeout 5 :connect-timeout-ms 70 :follow-redirects false :accept-status [404 409] :response-as :text "
          ":include-headers [:content-type \"X-A\"] :client-opts {:max-response-bytes 99}}");
  assert_true(is_nil(http_build(config, NULL, NULL, &q, &p)));
  assert_int_equal(q.timeout_ms, 5000);
  assert_int_equal(q.connect_timeout_ms, 70);
  assert_int_equal(q.max_redirects, 0);
  assert_int_equal(q.max_response, 99);
  assert_true(q.guard && p.as == HTTP_AS_TEXT);
  assert_true(status_set_has(&p.accept, 404) && status_set_has(&p.accept, 409) && !status_set_has(&p.accept, 400));
  assert_int_equal(p.ninclude, 2);
  assert_string_equal(p.include[1], "x-a");
  http_request_free(&q);
  http_plan_free(&p);
  Val lazy = lazy_new(kw_c("fn")), m = map_assoc(edn("{:url \"http://x\"}"), kw_c("json"), vec_from(&lazy, 1));
  assert_true(same(http_build(m, NULL, NULL, &q, &p), SIG_DEMAND));
  assert_true(is_nil(http_build(edn("{:url \"http://x\"}"), NULL, NULL, &q, &p)));
  assert_int_equal(q.timeout_ms, HTTP_DEFAULT_TIMEOUT_MS);
  http_request_free(&q);
}

/* ---- multipart and refs ---- */

/* "res://r" is a file of ten bytes; nothing else is there. */
static bool open_ref(void *ctx, Val ref, HttpRef *out, Err *e) {
  char name[] = "/tmp/test_http.XXXXXX";
  Val uri = is_map(ref) ? map_get_kw(ref, "uri") : ref;
  if (!str_eq_c(uri, "res://r")) return err_set(e, "not-found", "there is no such resource");
  int fd = mkstemp(name);
  unlink(name);
  assert_int_equal(write(fd, "0123456789", 10), 10);
  *out = (HttpRef){fd, 10, strdup(ctx ? ctx : "text/csv"), strdup("r.csv")};
  return true;
}

static Val sent(const char *config, const char *path, const char *ref_type) {
  HttpRequest q;
  HttpPlan plan;
  char type[100];
  snprintf(type, sizeof type, "%s", ref_type);
  HttpRefs refs = {open_ref, type};
  Val cfg = map_assoc(edn(config), kw_c("url"), str_c(url_of(path)));
  Val r = http_build(map_assoc(cfg, kw_c("method"), kw_c("post")), NULL, &refs, &q, &plan);
  if (!is_nil(r)) fail_msg("%s: %s", config, str_s(pr_str(r)));
  http_plan_free(&plan);
  HttpResponse *x = exchange(&q);
  Val v = json_of(x);
  http_response_free(x);
  return v;
}

static Val part(Val answer, uint32_t i) {
  Val p = vec_nth(in(answer, "parts"), i);
  Val kvs[] = {kw_c("name"), in(p, "name"), kw_c("file"), in(p, "filename"), kw_c("type"), in(p, "type"), kw_c("body"), in(p, "body")};
  return map_from(kvs, 4, false);
}

static void test_multipart(void **state) {
  (void)state;
  Val v = sent("{:multipart [{:name :a :value 7} {:name \"b\" :filename \"x.txt\" :body \"l1\\r\\nl2\"} {:name \"c\" :json {:k [1]}}"
               " {:name \"d\" :from-ref \"res://r\"} {:name \"e\" :filename \"other\" :content-type :xml :from-ref {:type :blob :uri \"res://r\"}}]}",
               "/multipart", "text/csv");
  assert_int_equal(vec_count(in(v, "parts")), 5);
  same_printed(in(v, "defects"), "0");
  same_printed(part(v, 0), "{:name \"a\", :file nil, :type nil, :body \"7\"}");
  same_printed(part(v, 1), "{:name \"b\", :file \"x.txt\", :type \"text/plain; charset=\\\"utf-8\\\"\", :body \"l1\\r\\nl2\"}");
  same_printed(part(v, 2), "{:name \"c\", :file nil, :type \"application/json\", :body \"{\\\"k\\\":[1]}\"}");
  same_printed(part(v, 3), "{:name \"d\", :file \"r.csv\", :type \"text/csv\", :body \"0123456789\"}");
  same_printed(part(v, 4), "{:name \"e\", :file \"other\", :type \"application/xml\", :body \"0123456789\"}");
}

/* Names, filenames and types from strangers add no header and no part. */
static void test_multipart_injection(void **state) {
  (void)state;
  Val v = sent("{:multipart [{:name \"a\\\"\\r\\nX-Evil: 1\" :filename \"é \\\"; name=z\\r\\n\\r\\nbody\" :value \"x\"}"
               " {:name \"t\" :from-ref \"res://r\"}]}",
               "/multipart", "text/plain\r\nX-Evil: 2");
  assert_int_equal(vec_count(in(v, "parts")), 2);
  Val p = vec_nth(in(v, "parts"), 0);
  same_printed(in(p, "name"), "\"a%22%0D%0AX-Evil: 1\"");
  same_printed(in(p, "headers"), "[\"content-disposition\"]");
  same_printed(in(p, "body"), "\"x\"");
  assert_non_null(strstr(str_s(in(p, "filename")), "%22; name=z%0D%0A%0D%0Abody"));
  same_printed(in(vec_nth(in(v, "parts"), 1), "type"), "\"application/octet-stream\"");
}

static void test_body_from_ref(void **state) {
  (void)state;
  Val v = sent("{:body-from-ref {:type :resource-ref :uri \"res://r\"}}", "/upload", "text/csv");
  same_printed(in(v, "bytes"), "10");
  same_printed(in(v, "type"), "\"text/csv\"");
  v = sent("{:body-from-ref \"res://r\" :content-type \"a/b\"}", "/echo", "text/csv");
  same_printed(in(v, "body"), "\"0123456789\"");
  same_printed(in(in(v, "headers"), "content-type"), "\"a/b\"");
}

static void refs_fail(const char *config, const char *type, const char *text) {
  HttpRequest q;
  HttpPlan plan;
  HttpRefs refs = {open_ref, NULL};
  Val r = http_build(map_assoc(edn(config), kw_c("url"), str_c("http://x")), NULL, &refs, &q, &plan);
  if (!is_map(r) || !kw_is(in(r, "type"), type) || !strstr(str_s(in(r, "message")), text))
    fail_msg("%s gives %s in place of %s: %s", config, str_s(pr_str(r)), type, text);
}

static void test_payload_errors(void **state) {
  (void)state;
  refs_fail("{:body-from-ref 7}", "validation", ":body-from-ref is 7; use what a step with :persist returned");
  refs_fail("{:body-from-ref \"http://x\"}", "validation", "res://");
  refs_fail("{:body-from-ref {:type :table}}", "validation", "res://");
  refs_fail("{:body-from-ref \"res://gone\"}", "not-found", "there is no such resource");
  refs_fail("{:multipart {:a 1}}", "validation", ":multipart is {:a 1}; use a vector of parts");
  refs_fail("{:multipart [{:name \"a\" :value 1} 7]}", "validation", ":multipart part 2 is 7; use a map");
  refs_fail("{:multipart [{:value 1}]}", "validation", ":multipart part 1 needs :name");
  refs_fail("{:multipart [{:name \"a\"}]}", "validation", "exactly one of :value, :body, :json and :from-ref");
  refs_fail("{:multipart [{:name \"a\" :value 1 :body \"x\"}]}", "validation", "exactly one of");
  refs_fail("{:multipart [{:name \"a\" :value {:b 1}}]}", "validation", "part 1 has the :value {:b 1}");
  refs_fail("{:multipart [{:name \"a\" :body 7}]}", "validation", "part 1 has the :body 7");
  refs_fail("{:multipart [{:name \"a\" :json ##Inf}]}", "validation", "part 1 :json");
  refs_fail("{:multipart [{:name \"a\" :value 1 :filename 7}]}", "validation", "part 1 has the :filename 7");
  refs_fail("{:multipart [{:name \"a\" :value 1 :content-type \"x\"}]}", "validation", "part 1 has the :content-type \"x\"");
  refs_fail("{:multipart [{:name \"a\" :value 1 :type \"x/y\"}]}", "validation", "part 1 has :type; it takes :name");
  refs_fail("{:multipart [{:name \"a\" :from-ref \"res://gone\"}]}", "not-found", "part 1 has the :from-ref \"res://gone\": there is no");
  refs_fail("{:multipart [{:name \"a\" :value 1}] :form {:a 1}}", "validation", "both :form and :multipart");
  refs_fail("{:json 1 :form {:a 1}}", "validation", "both :json and :form");
  refs_fail("{:body \"x\" :form {:a 1}}", "validation", "both :form and :body");
}

/* ---- http_result ---- */

/* The result or error map of GET path under extra config. */
static Val result(const char *path, const char *config, bool expect_ok) {
  HttpRequest q;
  HttpPlan plan;
  Val out = NIL, cfg = map_assoc(edn(config), kw_c("url"), str_c(url_of(path)));
  assert_true(is_nil(http_build(cfg, NULL, NULL, &q, &plan)));
  HttpResponse *r = exchange(&q);
  bool ok = http_result(r, &plan, 0, &out, NULL);
  if (ok != expect_ok) fail_msg("%s: %s", path, str_s(pr_str(out)));
  http_response_free(r);
  http_plan_free(&plan);
  return out;
}

static Val body(const char *path, const char *config) { return in(result(path, config, true), "body"); }

static void test_result_bodies(void **state) {
  (void)state;
  same_printed(body("/type?ct=application/json&body={\"a\":[1]}", "{}"), "{:a [1]}");
  same_printed(body("/type?ct=application/problem%2Bjson%3B%20charset%3Dutf-8&body={\"a\":1}", "{}"), "{:a 1}");
  same_printed(body("/type?ct=text/plain&body={\"a\":1}", "{}"), "\"{\\\"a\\\":1}\"");
  same_printed(body("/type?ct=text/plain&body={\"a\":1}", "{:response-as :json}"), "{:a 1}");
  same_printed(body("/type?ct=application/json&body={\"a\":1}", "{:response-as :text}"), "\"{\\\"a\\\":1}\"");
  same_printed(body("/type?ct=application/x-ndjson&body={\"a\":1}%0A%0D%0A[2]", "{}"), "[{:a 1} [2]]");
  same_printed(body("/type?ct=application/edn&body={:a%20%23{1}}", "{}"), "{:a #{1}}");
  same_printed(body("/type?ct=text/plain%3Bcharset%3DISO-8859-1&body=e9&hex=1", "{}"), "\"é\"");
  same_printed(body("/type?ct=application/xml&body=<a/>", "{}"), "\"<a/>\"");
  same_printed(body("/type?ct=application/xml&body=<a>%3C/a>", "{:response-as :xml}"), "{:tag :a, :attrs nil, :content nil}");
  same_printed(body("/type?ct=application/xml%3Bcharset%3Diso-8859-1&body=3c613ee93c2f613e&hex=1", "{:response-as :xml}"),
               "{:tag :a, :attrs nil, :content [\"é\"]}");
  same_printed(body("/type?ct=text/plain&body=a:%20%5B1,yes%5D", "{:response-as :yaml}"), "{:a [1 true]}");
  same_printed(body("/type?ct=application/json&body=", "{}"), "nil");
  same_printed(body("/type?ct=text/plain&body=", "{:response-as :text}"), "\"\"");
  same_printed(body("/status/204", "{}"), "nil");
}

static void test_result_sse(void **state) {
  (void)state;
  const char *path =
      "/type?ct=text/event-stream&body=%3Ahi%0Adata%3A%20a%0Adata%3Ab%0A%0Aevent%3A%20end%0D%0Aid%3A7%0D%0Adata%0D%0A%0D%0Adata%3A%20x";
  same_printed(
      body(path, "{}"),
      "[{:event \"message\", :data \"a\\nb\"} {:event \"end\", :data \"\", :id \"7\"} {:event \"message\", :data \"x\", :id \"7\"}]");
}

static void result_error(const char *path, const char *config, const char *type, const char *text) {
  Val m = result(path, config, false);
  assert_true(kw_is(in(m, "type"), type));
  if (!strstr(str_s(in(m, "message")), text)) fail_msg("\"%s\" lacks \"%s\"", str_s(in(m, "message")), text);
  assert_null(strstr(str_s(in(m, "message")), "body="));
}

static void test_result_refused_bodies(void **state) {
  (void)state;
  result_error("/type?ct=application/json&body={", "{}", "validation", "not JSON (1:2");
  result_error("/type?ct=application/jsonl&body=1%0Ax", "{}", "validation", "line 2");
  result_error("/type?ct=image/png&body=89504e47&hex=1", "{}", "validation", "needs :persist");
  result_error("/type?ct=text/plain&body=x", "{:response-as :bytes}", "validation", "needs :persist");
  result_error("/type?ct=application/xml&body=<a>", "{:response-as :xml}", "validation", "not XML that can be read (line 1");
  result_error("/type?ct=text/plain&body=%5B1", "{:response-as :yaml}", "validation", "not YAML that can be read (line ");
  result_error("/type?ct=application/edn&body={:a", "{}", "validation", "EDN");
}

static void test_result_headers(void **state) {
  (void)state;
  Val h = in(result("/type?ct=text/plain&body=x&header=X-A:1", "{:include-headers [\"x-a\" \"nope\"]}", true), "headers");
  same_printed(h, "{\"x-a\" \"1\"}");
  h = in(result("/type?ct=text/plain&body=x&header=X-A:1", "{}", true), "headers");
  same_printed(in(h, "content-type"), "\"text/plain\"");
}

static void test_result_http_error(void **state) {
  (void)state;
  Val m = result("/status/503?after=3&body=%7B%22why%22:1%7D&type=application/json", "{}", false);
  assert_true(kw_is(in(m, "type"), "http-error"));
  same_printed(in(m, "status"), "503");
  same_printed(in(m, "body"), "{:why 1}");
  same_printed(map_get_kw(m, "retryable?"), "true");
  same_printed(map_get_kw(m, "retry-after-ms"), "3000");
  same_printed(in(in(m, "headers"), "retry-after"), "\"3\"");
  m = result("/status/404?body=no", "{}", false);
  same_printed(map_get_kw(m, "retryable?"), "false");
  same_printed(in(m, "body"), "\"no\"");
  m = result("/status/404?body=no", "{:accept-status #{404}}", true);
  same_printed(in(m, "status"), "404");
  m = result("/redirect?to=/echo", "{:follow-redirects false}", false);
  same_printed(in(m, "status"), "302");
}

static void test_result_error_body_cut(void **state) {
  (void)state;
  HttpPlan plan = {0};
  Val out;
  HttpResponse r = {.status = 500, .method = (char *)"GET", .url = (char *)"http://x/"};
  r.nbody = 9000;
  r.body = malloc(9001);
  for (size_t i = 0; i < 9000; i += 3) memcpy(r.body + i, "\xe6\x97\xa5", 3); /* 8192 is inside a character */
  r.body[9000] = 0;
  assert_false(http_result(&r, &plan, 0, &out, NULL));
  assert_int_equal(str_n(in(out, "body")), 8190);
  free(r.body);
}

static void test_result_transport(void **state) {
  (void)state;
  static const struct {
    const char *path, *config, *type, *text;
    bool retry;
  } rows[] = {{"/drop", "{}", "network", "GET http://127.0.0.1", true},
              {"/slow?ms=5000", "{:timeout \"100ms\"}", "timeout", "100 ms", true},
              {"/big?bytes=500", "{:client-opts {:max-response-bytes 100}}", "oversize", ":max-response-bytes", false},
              {"/redirect?to=http://10.0.0.1/", "{}", "guard", "private address", false},
              {"/redirect?n=9", "{}", "validation", "5 redirects", false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Val m = result(rows[i].path, rows[i].config, false);
    if (!kw_is(in(m, "type"), rows[i].type) || !strstr(str_s(in(m, "message")), rows[i].text)) fail_msg("%s", str_s(pr_str(m)));
    assert_true(same(map_get_kw(m, "retryable?"), bool_val(rows[i].retry)));
  }
}

/* ---- listener ---- */

/* What the callback got; the test answers. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t came;
  ListenRequest *got[64];
  int n;
} inbox = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {NULL}, 0};

static void on_request(void *ctx, ListenRequest *r) {
  (void)ctx;
  pthread_mutex_lock(&inbox.lock);
  inbox.got[inbox.n++] = r;
  pthread_cond_signal(&inbox.came);
  pthread_mutex_unlock(&inbox.lock);
}

static ListenRequest *take(void) {
  pthread_mutex_lock(&inbox.lock);
  while (!inbox.n) pthread_cond_wait(&inbox.came, &inbox.lock);
  ListenRequest *r = inbox.got[--inbox.n];
  pthread_mutex_unlock(&inbox.lock);
  return r;
}

static void answer_at_once(void *ctx, ListenRequest *r) {
  assert_true(listener_answer(*(Listener **)ctx, r->token, 202, "{\"ok\":true}", 11));
  listener_request_free(r);
}

static Listener *listen_here(int park_ms, ListenFn f, void *ctx) {
  Err e = {0};
  Listener *l = listener_start("127.0.0.1:0", park_ms, f, ctx, &e);
  if (!l) fail_msg("%s", e.msg);
  return l;
}

static HttpRequest to_listener(Listener *l, const char *method, const char *path, size_t nbody) {
  char url[2000];
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", listener_port(l), path);
  HttpRequest q = request(method, url);
  if (nbody) {
    q.body = malloc(nbody);
    memset(q.body, 'x', nbody);
    q.nbody = nbody;
  }
  return q;
}

static void test_listener_round_trip(void **state) {
  (void)state;
  Err e = {0};
  Listener *l = listen_here(0, on_request, NULL);
  HttpRequest q = to_listener(l, "POST", "/my%20ws/events/a/b%2Fc-%C3%A9?token=x%26y+z&flag", 0);
  q.body = strdup("{\"a\":1}\r\n");
  q.nbody = strlen(q.body);
  http_request_header(&q, "X-Signature", "abc", false);
  uint64_t id = http_client_send(client, &q, &e);
  ListenRequest *r = take();
  assert_string_equal(r->workspace, "my ws");
  assert_string_equal(r->key, "a/b/c-é");
  assert_string_equal(r->body, "{\"a\":1}\r\n");
  assert_int_equal(r->nbody, 9);
  assert_string_equal(listener_header(r, "x-signature"), "abc");
  assert_null(listener_header(r, "X-Signature"));
  assert_int_equal(r->nquery, 2);
  assert_string_equal(r->query[0].value, "x&y z");
  assert_string_equal(r->query[1].name, "flag");
  assert_string_equal(r->query[1].value, "");
  assert_string_equal(r->peer, "127.0.0.1");
  assert_true(r->received_ms > 1600000000000);
  assert_true(listener_answer(l, r->token, 200, "{\"ok\":true}", 11));
  assert_false(listener_answer(l, r->token, 500, "{}", 2)); /* once */
  assert_false(listener_answer(l, r->token + 1, 500, "{}", 2));
  HttpResponse *x = wait_next(client);
  assert_int_equal(x->id, id);
  assert_int_equal(x->status, 200);
  assert_string_equal(x->body, "{\"ok\":true}");
  assert_string_equal(http_response_get(x, "content-type"), "application/json");
  http_response_free(x);
  listener_request_free(r);
  listener_stop(l);
}

static void refused_with(Listener *l, const char *method, const char *path, size_t nbody, int status, const char *code) {
  HttpRequest q = to_listener(l, method, path, nbody);
  HttpResponse *r = exchange(&q);
  Val v = json_of(r);
  if (r->status != status || !str_eq_c(in(in(v, "error"), "code"), code)) fail_msg("%s %s: %d %s", method, path, r->status, r->body);
  assert_true(same(map_get_kw(v, "ok"), FALSE_V));
  assert_true(str_n(in(in(v, "error"), "message")) > 0);
  if (status == 405) assert_string_equal(http_response_get(r, "allow"), "POST");
  http_response_free(r);
}

static void test_listener_refusals(void **state) {
  (void)state;
  Listener *l = NULL;
  l = listen_here(0, answer_at_once, &l);
  refused_with(l, "GET", "/", 0, 404, "not_found");
  refused_with(l, "POST", "/ws/events/", 0, 404, "not_found");
  refused_with(l, "POST", "/ws/event/k", 5, 404, "not_found");
  refused_with(l, "POST", "//events/k", 5, 404, "not_found");
  refused_with(l, "GET", "/ws/events/k", 0, 405, "method_not_allowed");
  refused_with(l, "PUT", "/ws/events/k", 3, 405, "method_not_allowed");
  refused_with(l, "POST", "/ws/events/%00", 0, 400, "bad_request");
  refused_with(l, "POST", "/ws/events/%zz", 0, 400, "bad_request");
  refused_with(l, "POST", "/ws/events/a%2", 0, 400, "bad_request");
  refused_with(l, "POST", "/ws/events/%ff", 0, 400, "bad_request");
  refused_with(l, "POST", "/ws/events/k?a=%ff", 0, 400, "bad_request");
  refused_with(l, "POST", "/ws/events/k", LISTENER_MEMORY + 1, 413, "too_large");
  char *path = calloc(1, 1100);
  memset(path, 'k', 1099);
  memcpy(path, "/ws/events/", 11);
  refused_with(l, "POST", path, 0, 400, "bad_request");
  free(path);
  HttpRequest q = to_listener(l, "POST", "/ws/events/k", LISTENER_MEMORY);
  HttpResponse *r = exchange(&q);
  want(r, HTTP_OK, NULL);
  assert_int_equal(r->status, 202);
  http_response_free(r);
  listener_stop(l);
}

/* Nobody answers: the client gets 503, and the late answer is told that it is late. */
static void test_listener_park_limit(void **state) {
  (void)state;
  Listener *l = listen_here(100, on_request, NULL);
  refused_with(l, "POST", "/ws/events/k", 4, 503, "not_confirmed");
  ListenRequest *r = take();
  assert_false(listener_answer(l, r->token, 200, "{}", 2));
  listener_request_free(r);
  listener_stop(l);
}

/* Stopping with suspended connections, half-read ones and idle ones: all get an answer or are closed, nothing aborts. */
static void test_listener_stop_busy(void **state) {
  (void)state;
  enum { N = 20 };
  Err e = {0};
  for (int round = 0; round < 5; round++) {
    Listener *l = listen_here(0, on_request, NULL);
    int half = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)listener_port(l)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_return_code(connect(half, (struct sockaddr *)&a, sizeof a), errno);
    const char *text = "POST /ws/events/half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc";
    assert_int_equal(write(half, text, strlen(text)), strlen(text));
    for (int i = 0; i < N; i++) {
      HttpRequest q = to_listener(l, "POST", "/ws/events/k", 10);
      assert_true(http_client_send(client, &q, &e) != 0);
    }
    for (int i = 0; i < N; i++) listener_request_free(take());
    listener_stop(l);
    for (int i = 0; i < N; i++) {
      HttpResponse *r = wait_next(client);
      want(r, HTTP_OK, NULL);
      assert_int_equal(r->status, 503);
      http_response_free(r);
    }
    close(half);
  }
}

/* Answers from inside the callback race with the suspension; none may be lost. */
static void test_listener_many(void **state) {
  (void)state;
  enum { N = 300 };
  Err e = {0};
  Listener *l = NULL;
  l = listen_here(0, answer_at_once, &l);
  for (int i = 0; i < N; i++) {
    HttpRequest q = to_listener(l, "POST", "/ws/events/k", (size_t)i * 100);
    assert_true(http_client_send(client, &q, &e) != 0);
  }
  for (int i = 0; i < N; i++) {
    HttpResponse *r = wait_next(client);
    want(r, HTTP_OK, NULL);
    assert_int_equal(r->status, 202);
    http_response_free(r);
  }
  listener_stop(l);
}

static void test_listener_addresses(void **state) {
  (void)state;
  Err e = {0};
  static const char *const bad[] = {"", "localhost", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:8o", "::1:80"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    e.code = NULL;
    assert_null(listener_start(bad[i], 0, on_request, NULL, &e));
    assert_string_equal(e.code, "validation");
    assert_non_null(strstr(e.msg, bad[i]));
  }
  Listener *l = listen_here(0, on_request, NULL);
  char same_port[40];
  snprintf(same_port, sizeof same_port, ":%d", listener_port(l));
  assert_null(listener_start(same_port, 0, on_request, NULL, &e));
  assert_string_equal(e.code, "listen");
  assert_non_null(strstr(e.msg, "in use"));
  listener_stop(l);
  l = listener_start("localhost:0", 0, on_request, NULL, &e);
  assert_non_null(l);
  assert_true(listener_port(l) > 0);
  listener_stop(l);
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_get),
      cmocka_unit_test(test_methods_and_bodies),
      cmocka_unit_test(test_headers_joined),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_timeouts),
      cmocka_unit_test(test_network_errors),
      cmocka_unit_test(test_tls_error),
      cmocka_unit_test(test_bad_requests),
      cmocka_unit_test(test_guard),
      cmocka_unit_test(test_proxy_ignored),
      cmocka_unit_test(test_redirect_methods),
      cmocka_unit_test(test_redirect_origin),
      cmocka_unit_test(test_redirect_limits),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_free_busy),
      cmocka_unit_test(test_build_query),
      cmocka_unit_test(test_build_bodies),
      cmocka_unit_test(test_build_connection),
      cmocka_unit_test(test_build_errors),
      cmocka_unit_test(test_build_options),
      cmocka_unit_test(test_multipart),
      cmocka_unit_test(test_multipart_injection),
      cmocka_unit_test(test_body_from_ref),
      cmocka_unit_test(test_payload_errors),
      cmocka_unit_test(test_result_bodies),
      cmocka_unit_test(test_result_sse),
      cmocka_unit_test(test_result_refused_bodies),
      cmocka_unit_test(test_result_headers),
      cmocka_unit_test(test_result_http_error),
      cmocka_unit_test(test_result_error_body_cut),
      cmocka_unit_test(test_result_transport),
      cmocka_unit_test(test_listener_round_trip),
      cmocka_unit_test(test_listener_refusals),
      cmocka_unit_test(test_listener_park_limit),
      cmocka_unit_test(test_listener_stop_busy),
      cmocka_unit_test(test_listener_many),
      cmocka_unit_test(test_listener_addresses),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
