/* Addresses of object storages; signatures against the vectors that Amazon publishes in "Signature Calculations for the Authorization
 * Header" and "Authenticating Requests: Using Query Parameters" of the S3 API reference. */
#include "runtime/store/blobs_s3.h"
#include "runtime/store/blobs_s3_int.h"
#include "runtime/store/blobs_s3_sign.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define ID "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST "examplebucket.s3.amazonaws.com"

static void t_presigned(void **state) {
  (void)state;
  Buf q = {0};
  S3Presign p = {ID, SECRET, "us-east-1", "20130524T000000Z", HOST, "/test.txt", 86400, NULL, NULL};
  s3_sign_query(&p, &q);
  assert_non_null(strstr(buf_cstr(&q), "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
  buf_free(&q);
}

/* Takes one request and answers it; its head to `text`. */
typedef struct Peer { int fd; char text[8192]; } Peer;

static void *serve(void *arg) {
  Peer *p = arg;
  size_t n = 0;
  int c = accept(p->fd, NULL, NULL);
  for (ssize_t k; c >= 0 && !strstr(p->text, "\r\n\r\n") && (k = read(c, p->text + n, sizeof p->text - 1 - n)) > 0;) p->text[n += (size_t)k] = 0;
  const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  if (write(c, ok, sizeof ok - 1) < 0) abort();
  close(c);
  return NULL;
}

static int listening(int *port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&a, n) || listen(fd, 4) || getsockname(fd, (struct sockaddr *)&a, &n)) abort();
  *port = ntohs(a.sin_port);
  return fd;
}

/* What libcurl signs when a request of ours has that path, those headers and the published date. */
static void vector(const char *method, const char *path, const char *payload, const char *body, const char *name, const char *value, const char *signature) {
  Peer peer = {0};
  pthread_t t;
  int port;
  char url[300], want[100];
  Err e = {0};
  HttpRequest r;
  peer.fd = listening(&port);
  pthread_create(&t, NULL, serve, &peer);
  http_request_init(&r);
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
  snprintf(r.method, sizeof r.method, "%s", method);
  r.url = strdup(url);
  r.guard = false;
  if (body) r.body = strdup(body), r.nbody = strlen(body);
  http_request_header(&r, "Host", HOST, false);
  http_request_header(&r, "X-Amz-Date", "20130524T000000Z", false);
  http_request_header(&r, "X-Amz-Content-Sha256", payload, false);
  if (name) http_request_header(&r, name, value, false);
  if (body) http_request_header(&r, "Date", "Fri, 24 May 2013 00:00:00 GMT", false);
  r.sigv4 = strdup("aws:amz:us-east-1:s3");
  r.user = strdup(ID);
  r.password = strdup(SECRET);
  HttpClient *c = http_client_new(NULL, &e);
  assert_true(http_client_send(c, &r, &e));
  struct pollfd p = {.fd = http_client_fd(c), .events = POLLIN};
  assert_int_equal(poll(&p, 1, 20000), 1);
  HttpResponse *res = http_client_next(c);
  assert_int_equal(res->err, HTTP_OK);
  pthread_join(t, NULL);
  snprintf(want, sizeof want, "Signature=%s\r\n", signature);
  if (!strstr(peer.text, want)) print_error("%s\nwanted %s", peer.text, want);
  assert_non_null(strstr(peer.text, want));
  http_response_free(res);
  http_client_free(c);
  close(peer.fd);
}

static void t_libcurl(void **state) {
  (void)state;
  vector("GET", "/test.txt", EMPTY, NULL, "Range", "bytes=0-9", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  vector("GET", "/?lifecycle=", EMPTY, NULL, NULL, NULL, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  vector("GET", "/?max-keys=2&prefix=J", EMPTY, NULL, NULL, NULL, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void url_is(const char *place, const char *key, const char *want) {
  S3Place p;
  Err e = {0};
  Buf b = {0};
  if (!s3_place(place, &p, &e)) print_error("%s: %s\n", place, e.msg);
  s3_url(&p, key, &b);
  assert_string_equal(buf_cstr(&b), want);
  buf_free(&b);
}

static void t_addresses(void **state) {
  (void)state;
  unsetenv("AWS_ENDPOINT_URL"), unsetenv("AWS_ENDPOINT_URL_S3"), unsetenv("AWS_REGION"), unsetenv("AWS_DEFAULT_REGION");
  url_is("s3://my-bucket", "ab/cd", "https://my-bucket.s3.us-east-1.amazonaws.com/ab/cd");
  url_is("s3://my-bucket", "", "https://my-bucket.s3.us-east-1.amazonaws.com/");
  url_is("s3://my-bucket/a/b/?region=eu-west-1", "ab/cd", "https://my-bucket.s3.eu-west-1.amazonaws.com/a/b/ab/cd");
  url_is("s3://my.bucket/a", "x", "https://s3.us-east-1.amazonaws.com/my.bucket/a/x");
  url_is("s3://bucket/a~b?endpoint=http%3A%2F%2Flocalhost:9000/", "x", "http://localhost:9000/bucket/a~b/x");
  url_is("s3://bucket/?endpoint=https://host/below", "", "https://host/below/bucket");
  setenv("AWS_REGION", "eu-north-1", 1), setenv("AWS_ENDPOINT_URL", "https://minio", 1);
  url_is("s3://bucket", "x", "https://minio/bucket/x");
  unsetenv("AWS_ENDPOINT_URL"), unsetenv("AWS_REGION");
  S3Place p;
  Err e;
  assert_true(s3_place("s3://bucket?cache=2G", &p, &e) && p.cache == 2LL << 30);
  assert_true(s3_place("s3://bucket?cache=0", &p, &e) && p.cache == 0);
  static const char *const bad[] = {"s3://", "s3://ab", "s3://Bucket", "s3://bucket/a b", "s3://bucket/a?cache=-1", "s3://bucket?cache=1T", "s3://bucket?cache=9999999999999G",
                                    "s3://bucket?endpoint=http://", "s3://bucket?endpoint=http://a?b", "s3://id:key@bucket", "http://bucket", "s3://bucket?region="};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (s3_place(bad[i], &p, &e)) fail_msg("taken: %s", bad[i]);
}

static void t_xml(void **state) {
  (void)state;
  char out[12];
  const char *at = "<a><Key>x</Key><Key>1234567890123456</Key><Key>open";
  assert_true(s3_tag(&at, "Key", out, sizeof out));
  assert_string_equal(out, "x");
  assert_true(s3_tag(&at, "Key", out, sizeof out));
  assert_string_equal(out, "12345678901");
  assert_false(s3_tag(&at, "Key", out, sizeof out));
  assert_string_equal(out, "");
  char wide[40];
  at = "<Key>a&amp;amp;&quot;&#10;</Key>";
  assert_true(s3_tag(&at, "Key", wide, sizeof wide));
  assert_string_equal(wide, "a&amp;\"&#10;");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(t_presigned), cmocka_unit_test(t_libcurl), cmocka_unit_test(t_addresses), cmocka_unit_test(t_xml)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
