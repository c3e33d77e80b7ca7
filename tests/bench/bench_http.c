/* bench_http.c - :http beside plain libcurl: bench_http DIR. 1,000 requests at once to nginx (started here, on loopback), each answered
 * after 100 ms: once by libcurl's multi interface alone, in a plain loop, and once as 1,000 runs of one :http step each, durable, in
 * one process. Both may have as many connections as the engine opens to a host, and begin with none. Bars of issue 4: <= 1 s, <= 64 MiB,
 * and <= 100 us of processor time a step beside what the call itself costs. Five times in turn, each in a process of its own; medians. A
 * missed bar is no failure; a wrong answer is. */
#include "reader/map.h"
#include "reader/print.h"
#include "reader/text.h"
#include "runtime/cli/cli.h"
#include "runtime/engine/engine.h"
#include "runtime/net/http_limit.h"
#include "runtime/base/metrics.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 1000 };
static char dir[3000], db[3100], url[100];
static int port;
static pid_t nginx;

static void stop_nginx(void) {
  if (nginx > 0) {
    kill(nginx, SIGTERM);
    waitpid(nginx, NULL, 0);
  }
  nginx = 0;
}

static _Noreturn void fail(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fprintf(stderr, "bench_http: ");
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
  stop_nginx();
  exit(1);
}

static double now(void) { return (double)mono_us() / 1000; } /* ms */

static double cpu_ms(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static double peak_mib(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)u.ru_maxrss / 1024;
}

/* --- the server ----------------------------------------------------------------------------------------------------------------- */
static bool answers(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool ok = !connect(fd, (struct sockaddr *)&a, sizeof a);
  close(fd);
  return ok;
}

static int free_port(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&a, n) || getsockname(fd, (struct sockaddr *)&a, &n)) fail("no free port");
  close(fd);
  return ntohs(a.sin_port);
}

static void start_nginx(void) {
  char conf[3100];
  snprintf(conf, sizeof conf, "%s/nginx.conf", dir);
  FILE *f = fopen(conf, "we");
  if (!f) fail("%s: %s", conf, strerror(errno));
  port = free_port();
  fprintf(f,
          "load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;\ndaemon off; pid %s/nginx.pid; error_log %s/nginx.log;\n"
          "worker_processes 1; events { worker_connections 4096; }\nhttp { access_log off; client_body_temp_path %s/body; proxy_temp_path %s/proxy;\n"
          " fastcgi_temp_path %s/fcgi; uwsgi_temp_path %s/uwsgi; scgi_temp_path %s/scgi; keepalive_requests 100000;\n"
          " server { listen 127.0.0.1:%d backlog=4096; location /slow { default_type application/json; echo_sleep 0.1; echo '{\"ok\": true}'; } } }\n",
          dir, dir, dir, dir, dir, dir, dir, port);
  fclose(f);
  fflush(NULL);
  nginx = fork();
  if (!nginx) {
    execlp("nginx", "nginx", "-p", dir, "-c", conf, (char *)NULL);
    execl("/usr/sbin/nginx", "nginx", "-p", dir, "-c", conf, (char *)NULL);
    _exit(127);
  }
  for (int i = 0; !answers(); i++) {
    if (i == 500 || waitpid(nginx, NULL, WNOHANG) == nginx) fail("nginx with the echo module did not start: see %s/nginx.log", dir);
    usleep(10000);
  }
  snprintf(url, sizeof url, "http://127.0.0.1:%d/slow", port);
}

/* --- libcurl alone ------------------------------------------------------------------------------------------------------------------ */
static size_t take(char *p, size_t size, size_t n, void *ctx) {
  (void)p;
  *(size_t *)ctx += size * n;
  return size * n;
}

static double plain_ms, plain_cpu;

static void part_curl(void) {
  static size_t got[N];
  int running, left, done = 0;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM *m = curl_multi_init();
  curl_multi_setopt(m, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)LIMIT_PER_HOST);
  curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)LIMIT_PER_HOST);
  double t0 = now(), c0 = cpu_ms();
  for (int i = 0; i < N; i++) {
    CURL *h = curl_easy_init();
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, &got[i]);
    curl_multi_add_handle(m, h);
  }
  do {
    if (curl_multi_perform(m, &running) != CURLM_OK) fail("curl_multi_perform");
    for (CURLMsg *msg; (msg = curl_multi_info_read(m, &left));) {
      CURL *h = msg->easy_handle;
      if (msg->data.result != CURLE_OK) fail("curl: %s", curl_easy_strerror(msg->data.result));
      curl_multi_remove_handle(m, h);
      curl_easy_cleanup(h);
      done++;
    }
    if (running) curl_multi_poll(m, NULL, 0, 1000, NULL);
  } while (running);
  plain_ms = now() - t0;
  plain_cpu = cpu_ms() - c0;
  curl_multi_cleanup(m);
  for (int i = 0; i < N; i++)
    if (got[i] != 13) fail("an answer of %zu bytes", got[i]);
  if (done != N) fail("%d answers", done);
}

/* --- the engine --------------------------------------------------------------------------------------------------------------------- */
static FlowDef *flow_of(const char *text) {
  Diags d = {0};
  FlowDef *f = flowdef_read(text, strlen(text), "bench.edn", &d);
  if (f) return f;
  Buf b = {0};
  diags_print(&d, "bench.edn", &b);
  fail("%s", buf_cstr(&b));
}

static double loop_ms, loop_cpu;

/* `step` in the body of N runs, at once; what the loop takes. */
static void runs(const char *step, const char *expect) {
  char text[2000];
  Err err = {0};
  snprintf(text, sizeof text,
           "{:slug :bench :name \"Bench\" :concurrency {:type :keyed :key-field :run :on-new-version :coexist} :invocations {:default {:label \"Start\" "
           ":inputs [{:name :run :type :number}]}} :interfaces {:manual [{:id :run :label \"Start\" :invocation :default}]} :flow '%s}",
           step);
  for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
    char path[3200];
    snprintf(path, sizeof path, "%s%s", db, *end);
    unlink(path);
  }
  Store *s = store_open(db, &(StoreOptions){.executor = true}, &err);
  if (!s) fail("%s", err.msg);
  Engine *e = engine_new(s, &(EngineOptions){.workspace = "local"}, &err);
  FlowDef *f = flow_of(text);
  static int64_t run[N];
  for (int i = 0; i < N; i++) {
    Val kv[] = {kw_c("run"), fix(i)};
    if (!engine_start(e, f, map_from(kv, 1, false), NULL, &run[i], &err)) fail("start: %s", err.msg);
  }
  double t0 = now(), c0 = cpu_ms();
  if (!engine_loop(e, NULL, &err)) fail("engine: %s", err.msg);
  loop_ms = now() - t0;
  loop_cpu = cpu_ms() - c0;
  for (int i = 0; i < N; i++) {
    RunState st;
    if (!engine_state(e, run[i], &st, &err) || st.status != RUN_COMPLETED) fail("run %d is not completed: %s", i, err.msg);
    if (strcmp(str_s(pr_str(st.value)), expect)) fail("run %d gives %s", i, str_s(pr_str(st.value)));
  }
  engine_free(e);
  store_close(s);
}

enum { TIMES = 5 };
enum { PLAIN_MS, PLAIN_CPU, MS, CPU, BESIDE, MIB, WAITED, FIGURES };
static double (*figures)[TIMES]; /* [figure][time], shared with the children */
static int turn;

static void part_engine(void) {
  char step[300];
  cli_values();
  engine_init();
  snprintf(step, sizeof step, "(:ok (:body (flow/step :http :get {:url \"%s\"})))", url);
  runs(step, "true");
  const double all[FIGURES] = {plain_ms, plain_cpu * 1000 / N, loop_ms, loop_cpu * 1000 / N, (loop_cpu - plain_cpu) * 1000 / N, peak_mib(),
                               (double)metric_get(METRIC_http_delayed_total)};
  for (int i = 0; i < FIGURES; i++) figures[i][turn] = all[i];
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_figures(void) {
  double m[FIGURES];
  for (int i = 0; i < FIGURES; i++) {
    qsort(figures[i], TIMES, sizeof *figures[i], by_value);
    m[i] = figures[i][TIMES / 2];
  }
  bool pass = m[MS] <= 1000 && figures[MIB][TIMES - 1] <= 64 && m[BESIDE] <= 100;
  printf("%-4s  %-38s %.0f ms, %.1f MiB; %.0f us of processor time a step, %.0f us of it beside plain libcurl (%.0f to %.0f)\n"
         "      plain libcurl (multi): %.0f ms, %.0f us a request; ratio %.2f in time, %.2f in processor time; %.0f waited for a connection\n"
         "      bar: <= 1 s, <= 64 MiB, <= 100 us a step beside the call; medians of %d\n",
         pass ? "PASS" : "MISS", "1,000 :http steps of 100 ms at once", m[MS], figures[MIB][TIMES - 1], m[CPU], m[BESIDE], figures[BESIDE][0],
         figures[BESIDE][TIMES - 1], m[PLAIN_MS], m[PLAIN_CPU], m[MS] / m[PLAIN_MS], m[CPU] / m[PLAIN_CPU], m[WAITED], TIMES);
}

static void in_child(void (*f)(void)) {
  int status;
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (!pid) {
    nginx = 0;
    f();
    fflush(NULL);
    _exit(0);
  }
  if (waitpid(pid, &status, 0) != pid || status) fail("a part failed");
}

static void both(void) {
  part_curl();
  part_engine();
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: bench_http DIR\n");
    return 2;
  }
  if (!realpath(argv[1], dir)) fail("%s: %s", argv[1], strerror(errno));
  signal(SIGPIPE, SIG_IGN);
  snprintf(db, sizeof db, "%s/http.db", dir);
  start_nginx();
  figures = mmap(NULL, FIGURES * sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (figures == MAP_FAILED) fail("mmap: %s", strerror(errno));
  for (turn = 0; turn < TIMES; turn++) in_child(both);
  print_figures();
  stop_nginx();
  return 0;
}
