/* bench_jobs.c - a protocol driver for jobs over HTTP, without worker processes: bench_jobs HOST PORT KEY WORKSPACE CONNECTIONS JOBS.
 * Each connection is a thread that submits a job, claims one and completes it, and goes on when each answer is there: JOBS in all.
 * Prints seconds. Exit 1 when an answer is not as it has to be. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *host, *key, *workspace;
static int port;
static atomic_long todo, done;

static void die(const char *what, const char *answer) {
  fprintf(stderr, "bench_jobs: %s: %.300s\n", what, answer);
  exit(1);
}

static int dial(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  inet_pton(AF_INET, host, &to.sin_addr);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect", "failed");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* One request and its answer, which stays in buf. */
static const char *ask(int fd, char *buf, size_t size, const char *body) {
  int n = snprintf(buf, size, "POST /api/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Breyta-Workspace: %s\r\n"
                              "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", key, workspace, strlen(body), body);
  if (write(fd, buf, (size_t)n) != n) die("write", body);
  size_t have = 0;
  for (;;) {
    ssize_t k = read(fd, buf + have, size - 1 - have);
    if (k <= 0) die("read", body);
    have += (size_t)k;
    buf[have] = 0;
    char *end = strstr(buf, "\r\n\r\n"), *length = end ? strcasestr(buf, "content-length:") : NULL;
    if (length && have >= (size_t)(end + 4 - buf) + strtoul(length + 15, NULL, 10)) break;
  }
  if (strncmp(buf, "HTTP/1.1 200", 12) || !strstr(buf, "\"ok\":true")) die(body, buf);
  return buf;
}

static void text_at(const char *answer, const char *name, char *out, size_t size) {
  const char *p = strstr(answer, name);
  if (!p) die(name, answer);
  p += strlen(name);
  size_t n = strcspn(p, "\"");
  if (n >= size) die(name, answer);
  memcpy(out, p, n);
  out[n] = 0;
}

static void *worker(void *arg) {
  char buf[65536], body[1024], id[80], token[80];
  int fd = dial();
  (void)arg;
  while (atomic_fetch_sub(&todo, 1) > 0) {
    ask(fd, buf, sizeof buf, "{\"command\":\"jobs.create\",\"args\":{\"jobType\":\"bench\",\"payload\":{\"n\":1,\"name\":\"a job of the bench\"}}}");
    const char *a = ask(fd, buf, sizeof buf, "{\"command\":\"jobs.claim\",\"args\":{\"jobType\":\"bench\",\"workerId\":\"bench\",\"waitMs\":20000}}");
    text_at(a, "\"jobId\":\"", id, sizeof id);
    text_at(a, "\"leaseToken\":\"", token, sizeof token);
    snprintf(body, sizeof body, "{\"command\":\"jobs.complete\",\"args\":{\"jobId\":\"%s\",\"leaseToken\":\"%s\",\"outputs\":{\"ok\":true}}}", id, token);
    ask(fd, buf, sizeof buf, body);
    atomic_fetch_add(&done, 1);
  }
  close(fd);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 7) return fputs("bench_jobs HOST PORT KEY WORKSPACE CONNECTIONS JOBS\n", stderr), 2;
  host = argv[1], port = atoi(argv[2]), key = argv[3], workspace = argv[4];
  int n = atoi(argv[5]);
  long jobs = atol(argv[6]);
  pthread_t *t = calloc((size_t)n, sizeof *t);
  struct timespec a, b;
  atomic_store(&todo, jobs);
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int i = 0; i < n; i++) pthread_create(&t[i], NULL, worker, NULL);
  for (int i = 0; i < n; i++) pthread_join(t[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &b);
  if (atomic_load(&done) != jobs) die("jobs", "some are missing");
  printf("%.3f\n", (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
  free(t);
  return 0;
}
