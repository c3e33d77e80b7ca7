/* http_help.h - tests/tools/httpd.py started for a cmocka program, and requests to it through a client whose guard lets loopback
 * through. setup and teardown are the group's. */
#include "runtime/net/http_client.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static int port;        /* of httpd.py */
static Guard *local_ok; /* lets loopback through */
static HttpClient *client;

/* ---- the server ---- */

static pid_t httpd;
static int httpd_in;

static inline void start_httpd(void) {
  int in[2], out[2];
  char line[64] = "";
  assert_return_code(pipe(in), errno);
  assert_return_code(pipe(out), errno);
  httpd = fork();
  if (!httpd) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    const char *tool = getenv("HTTPD") ? getenv("HTTPD") : "tests/tools/httpd.py";
    execlp("python3", "python3", tool, "--stdin", (char *)NULL);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  httpd_in = in[1];
  FILE *f = fdopen(out[0], "r");
  if (!fgets(line, sizeof line, f) || sscanf(line, "PORT %d", &port) != 1) fail_msg("httpd.py did not start: \"%s\"", line);
  fclose(f);
}

static inline int setup(void **state) {
  (void)state;
  Err e = {0};
  signal(SIGPIPE, SIG_IGN);
  start_httpd();
  local_ok = guard_new("127.0.0.1", &e);
  client = http_client_new(local_ok, &e);
  return client ? 0 : -1;
}

static inline int teardown(void **state) {
  (void)state;
  http_client_free(client);
  guard_free(local_ok);
  close(httpd_in);
  kill(httpd, SIGTERM);
  return waitpid(httpd, NULL, 0) == httpd ? 0 : -1;
}

/* ---- helpers ---- */

static inline char *url_of(const char *path) {
  static char buf[600];
  snprintf(buf, sizeof buf, "http://127.0.0.1:%d%s", port, path);
  return buf;
}

static inline HttpRequest request(const char *method, const char *url) {
  HttpRequest r;
  http_request_init(&r);
  snprintf(r.method, sizeof r.method, "%s", method);
  r.url = strdup(url);
  r.timeout_ms = 10000;
  return r;
}

static inline HttpResponse *wait_next(HttpClient *c) {
  struct pollfd p = {http_client_fd(c), POLLIN, 0};
  if (poll(&p, 1, 20000) != 1) fail_msg("no response within 20 s");
  HttpResponse *r = http_client_next(c);
  assert_non_null(r);
  return r;
}

static inline HttpResponse *exchange_on(HttpClient *c, HttpRequest *q) {
  Err e = {0};
  uint64_t id = http_client_send(c, q, &e);
  if (!id) fail_msg("%s", e.msg);
  assert_null(q->url);
  HttpResponse *r = wait_next(c);
  assert_int_equal(r->id, id);
  return r;
}

static inline HttpResponse *exchange(HttpRequest *q) { return exchange_on(client, q); }

static inline HttpResponse *get(const char *path) {
  HttpRequest q = request("GET", url_of(path));
  return exchange(&q);
}

static inline void want(const HttpResponse *r, enum HttpErr err, const char *text) {
  if (r->err != err || (text && !strstr(r->msg, text)))
    fail_msg("got %s (%s), expected %s (%s)", http_err_name(r->err), r->msg, http_err_name(err), text ? text : "");
}
