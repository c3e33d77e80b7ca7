/* Bodies that are not in memory: request bodies from pieces and files, responses to a sink (http_body.h, http_client.h). */
#include "http_help.h"
#include <fcntl.h>

/* ---- HttpBody alone ---- */

static int temp_file(const char *text, size_t n) {
  char name[] = "/tmp/http_stream.XXXXXX";
  int fd = mkstemp(name);
  assert_return_code(fd, errno);
  unlink(name);
  assert_int_equal(write(fd, text, n), n);
  return fd;
}

static HttpBody *three(void) {
  HttpBody *b = http_body_new();
  http_body_mem(b, "head-", 5);
  http_body_mem(b, "", 0);
  http_body_file(b, temp_file("xx0123456789yy", 14), 2, 10);
  http_body_mem(b, "-tail", 5);
  return b;
}

static void read_all(HttpBody *b, size_t step, char *out) {
  ssize_t n;
  size_t at = 0;
  while ((n = http_body_read(b, out + at, step)) > 0) at += (size_t)n;
  assert_int_equal(n, 0);
  out[at] = 0;
}

static void test_body_reads(void **state) {
  (void)state;
  char out[64];
  HttpBody *b = three();
  assert_int_equal(http_body_size(b), 20);
  for (size_t step = 1; step < 25; step++) {
    assert_true(http_body_seek(b, 0));
    read_all(b, step, out);
    assert_string_equal(out, "head-0123456789-tail");
  }
  for (uint64_t at = 0; at <= 20; at++) {
    assert_true(http_body_seek(b, at));
    read_all(b, 7, out);
    assert_string_equal(out, "head-0123456789-tail" + at);
  }
  assert_false(http_body_seek(b, 21));
  http_body_free(b);
  b = http_body_new();
  assert_true(http_body_seek(b, 0));
  assert_int_equal(http_body_read(b, out, 9), 0);
  http_body_file(b, temp_file("short", 5), 0, 9);
  assert_int_equal(http_body_read(b, out, 9), 5);
  assert_int_equal(http_body_read(b, out, 9), -1);
  http_body_free(b);
}

/* ---- requests ---- */

static HttpRequest posting(const char *path, HttpBody *b) {
  HttpRequest q = request("POST", url_of(path));
  q.stream = b;
  http_request_header(&q, "Content-Type", "text/plain", false);
  return q;
}

static void test_stream_sent(void **state) {
  (void)state;
  HttpRequest q = posting("/echo", three());
  HttpResponse *r = exchange(&q);
  want(r, HTTP_OK, NULL);
  assert_non_null(strstr(r->body, "\"body\": \"head-0123456789-tail\""));
  assert_non_null(strstr(r->body, "\"content-length\": \"20\""));
  http_response_free(r);
  q = posting("/redirect?to=/echo&status=307", three()); /* sent again from the start */
  r = exchange(&q);
  want(r, HTTP_OK, NULL);
  assert_non_null(strstr(r->body, "\"body\": \"head-0123456789-tail\""));
  http_response_free(r);
}

static void test_stream_short_file(void **state) {
  (void)state;
  HttpBody *b = http_body_new();
  http_body_file(b, temp_file("short", 5), 0, 90);
  HttpRequest q = posting("/echo", b);
  HttpResponse *r = exchange(&q);
  want(r, HTTP_BAD_URL, "cannot be read to its end");
  http_response_free(r);
}

/* ---- sinks ---- */

typedef struct Seen {
  size_t bytes, writes, limit, strange;
  int begun, status, ended, ok, freed;
  bool refuse;
} Seen;

static bool seen_begin(void *ctx, int status) {
  Seen *s = ctx;
  s->begun++;
  s->status = status;
  return !s->refuse;
}
/* On the I/O thread, so no assertion is in here: cmocka's are for one thread. */
static bool seen_write(void *ctx, const char *p, size_t n) {
  Seen *s = ctx;
  for (size_t i = 0; i < n; i++) s->strange += p[i] != 'x';
  s->bytes += n;
  s->writes++;
  return !s->limit || s->bytes <= s->limit;
}
static void seen_end(void *ctx, bool ok) {
  Seen *s = ctx;
  s->ended++;
  s->ok = ok;
}
static void seen_free(void *ctx) { ((Seen *)ctx)->freed++; }

static HttpRequest sinking(const char *path, Seen *s, bool keep) {
  HttpRequest q = request("GET", url_of(path));
  HttpSink *k = http_request_sink(&q, s, seen_write);
  k->begin = seen_begin;
  k->end = seen_end;
  k->free = seen_free;
  k->keep = keep;
  return q;
}

static HttpResponse *sunk(const char *path, Seen *s, bool keep, size_t max) {
  HttpRequest q = sinking(path, s, keep);
  if (max) q.max_response = max;
  HttpResponse *r = exchange(&q);
  assert_int_equal(s->ended, 1); /* before the response was delivered */
  assert_int_equal(s->freed, 1);
  assert_int_equal(s->strange, 0);
  return r;
}

static void test_sink_takes(void **state) {
  (void)state;
  Seen s = {0};
  HttpResponse *r = sunk("/big?bytes=3000000", &s, false, 0);
  want(r, HTTP_OK, NULL);
  assert_int_equal(s.bytes, 3000000);
  assert_int_equal(r->received, 3000000);
  assert_int_equal(r->nbody, 0);
  assert_true(r->sunk && s.ok && s.status == 200 && s.begun == 1 && s.writes > 2);
  http_response_free(r);
  Seen k = {0};
  r = sunk("/big?bytes=70000&chunked=1", &k, true, 0);
  assert_int_equal(k.bytes, 70000);
  assert_int_equal(r->nbody, 70000);
  http_response_free(r);
  Seen e = {0};
  r = sunk("/status/204", &e, false, 0);
  assert_true(r->sunk && e.ok && !e.bytes && e.begun == 1);
  http_response_free(r);
  Seen d = {0};
  r = sunk("/redirect?to=/big%3Fbytes%3D5&status=302", &d, false, 0);
  assert_true(r->sunk && d.bytes == 5 && d.status == 200 && d.begun == 1);
  http_response_free(r);
}

static void test_sink_refuses(void **state) {
  (void)state;
  Seen s = {.refuse = true};
  HttpResponse *r = sunk("/status/500?body=xxx", &s, false, 0);
  want(r, HTTP_OK, NULL);
  assert_true(!r->sunk && !s.ok && s.status == 500 && !s.writes);
  assert_string_equal(r->body, "xxx");
  http_response_free(r);
}

static void test_sink_limits(void **state) {
  (void)state;
  Seen s = {.limit = 100000};
  HttpResponse *r = sunk("/big?bytes=3000000", &s, false, 0);
  want(r, HTTP_ABORTED, "could not be taken further");
  assert_false(s.ok);
  http_response_free(r);
  Seen o = {0};
  r = sunk("/big?bytes=300000&chunked=1", &o, false, 200000);
  want(r, HTTP_OVERSIZE, "more than 200000 bytes");
  assert_true(!o.ok && o.bytes <= 200000);
  http_response_free(r);
  /* what the sink does not take must fit into memory, whatever the sink's limit is */
  Seen m = {.refuse = true};
  r = sunk("/big?bytes=11000000&chunked=1", &m, false, (size_t)1 << 32);
  want(r, HTTP_OVERSIZE, NULL);
  http_response_free(r);
}

static void test_sink_cancelled(void **state) {
  (void)state;
  Seen s = {0};
  HttpRequest q = sinking("/slow?ms=20000&chunk=1", &s, false);
  Err e = {0};
  uint64_t id = http_client_send(client, &q, &e);
  assert_true(id);
  http_client_cancel(client, id);
  HttpResponse *r = wait_next(client);
  want(r, HTTP_CANCELLED, NULL);
  assert_true(s.ended == 1 && s.freed == 1 && !s.ok);
  http_response_free(r);
}

static void test_sink_freed(void **state) {
  (void)state;
  Seen s = {0};
  HttpRequest q = sinking("/status/200", &s, false);
  http_request_free(&q);
  assert_true(s.freed == 1 && !s.ended);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_body_reads),   cmocka_unit_test(test_stream_sent),  cmocka_unit_test(test_stream_short_file),
      cmocka_unit_test(test_sink_takes),   cmocka_unit_test(test_sink_refuses), cmocka_unit_test(test_sink_limits),
      cmocka_unit_test(test_sink_cancelled), cmocka_unit_test(test_sink_freed),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
