/* bench_load - asks an HTTP server N times over connections that are kept open, as fast as it answers.
 *
 *   bench_load PORT CONNECTIONS N METHOD PATH BODY [HEADER: value ...]     "{i}" in path and body: the number of the request, from 0
 *
 * Prints one line of JSON: {"seconds", "ok" (2xx), "other", "p50_ms", "p99_ms", "cpu_us" (of this client, per request)}. One thread, epoll. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20 };

typedef struct Client {
  int fd;
  char *in;
  size_t n;
  double sent;
} Client;

static struct {
  int ep, argc;
  char **argv;
  long total, sent, done, ok, other;
  double *took;
} g;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* `text` with the number in place of {i}; returns its length. */
static size_t numbered(char *out, size_t max, const char *text, long i) {
  const char *at = strstr(text, "{i}");
  int n = at ? snprintf(out, max, "%.*s%ld%s", (int)(at - text), text, i, at + 3) : snprintf(out, max, "%s", text);
  if (n < 0 || (size_t)n >= max) die("the request is too long");
  return (size_t)n;
}

static void ask(Client *c) {
  char text[16384], path[2048], body[8192];
  long i = g.sent++;
  numbered(path, sizeof path, g.argv[5], i);
  size_t nbody = numbered(body, sizeof body, g.argv[6], i);
  int n = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n", g.argv[4], path, nbody);
  for (int k = 7; k < g.argc; k++) n += snprintf(text + n, sizeof text - (size_t)n, "%s\r\n", g.argv[k]);
  n += snprintf(text + n, sizeof text - (size_t)n, "\r\n%s", body);
  c->sent = now();
  c->n = 0;
  if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n) die("send");
}

/* How long the answer is, 0: not known yet. */
static size_t length(const Client *c) {
  const char *end = memmem(c->in, c->n, "\r\n\r\n", 4);
  if (!end) return 0;
  for (const char *p = c->in; p && p < end; p = memmem(p, (size_t)(end - p), "\r\n", 2) ? (char *)memmem(p, (size_t)(end - p), "\r\n", 2) + 2 : NULL)
    if (!strncasecmp(p, "content-length:", 15)) return (size_t)(end + 4 - c->in) + strtoul(p + 15, NULL, 10);
  return (size_t)(end + 4 - c->in);
}

static void answered(Client *c) {
  g.took[g.done++] = now() - c->sent;
  if (c->n > 9 && c->in[9] == '2') g.ok++;
  else if (!g.other++) fprintf(stderr, "%.*s\n", (int)(c->n < 600 ? c->n : 600), c->in);
  if (g.sent < g.total) ask(c);
}

static void readable(Client *c) {
  ssize_t n = recv(c->fd, c->in + c->n, ANSWER_MAX - c->n, 0);
  if (n <= 0) die("the server has closed the connection");
  c->n += (size_t)n;
  size_t want = length(c);
  if (want && c->n >= want) answered(c);
}

static void connect_one(Client *c, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  c->in = malloc(ANSWER_MAX);
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (!c->in || c->fd < 0 || connect(c->fd, (struct sockaddr *)(void *)&a, sizeof a)) die("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  if (epoll_ctl(g.ep, EPOLL_CTL_ADD, c->fd, &e)) die("epoll");
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double cpu(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void loop(void) {
  struct epoll_event e[64];
  while (g.done < g.total) {
    int n = epoll_wait(g.ep, e, 64, 30000);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) die("no answer within 30 seconds");
    for (int i = 0; i < n; i++) readable(e[i].data.ptr);
  }
}

int main(int argc, char **argv) {
  if (argc < 7) return fprintf(stderr, "usage: bench_load PORT CONNECTIONS N METHOD PATH BODY [HEADER...]\n"), 2;
  int n = atoi(argv[2]);
  g.argc = argc;
  g.argv = argv;
  g.total = atol(argv[3]);
  g.ep = epoll_create1(0);
  if (n > g.total) n = (int)g.total;
  Client *all = calloc((size_t)n + 1, sizeof *all);
  g.took = calloc((size_t)g.total + 1, sizeof *g.took);
  if (!all || !g.took || g.total < 1 || n < 1) die("bench_load");
  for (int i = 0; i < n; i++) connect_one(&all[i], atoi(argv[1]));
  double from = now(), used = cpu();
  for (int i = 0; i < n; i++) ask(&all[i]);
  loop();
  double took = now() - from;
  used = cpu() - used;
  qsort(g.took, (size_t)g.done, sizeof *g.took, by_size);
  printf("{\"seconds\":%.6f,\"ok\":%ld,\"other\":%ld,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us\":%.2f}\n", took, g.ok, g.other,
         g.took[g.done / 2] * 1e3, g.took[g.done * 99 / 100] * 1e3, used * 1e6 / (double)g.total);
  return 0;
}
