/* worker_cli.c - the flags of `jobs worker run`; see worker_cli.h */
#include "worker_cli.h"
#include "runtime/cli/cli.h"
#include "reader/mem.h"
#include "worker.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEASE_LEAST_MS = 1000, LEASE_MOST_MS = 86400000 };

/* hostname-pid; what would be read as a separator becomes a dash. */
static char *default_id(void) {
  char host[256] = "worker";
  Buf b = {0};
  gethostname(host, sizeof host - 1);
  for (char *p = host; *p; p++) buf_ch(&b, strchr(" /\\:@.", *p) ? '-' : (char)tolower((unsigned char)*p));
  buf_fmt(&b, "-%ld", (long)getpid());
  return buf_cstr(&b);
}

/* --- the handler ------------------------------------------------------------------------------------------------------------------------
 */
static bool is_program(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool on_path(const char *name) {
  const char *path = getenv("PATH");
  for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
    size_t n = strcspn(p, ":");
    Buf b = {0};
    buf_fmt(&b, "%.*s/%s", (int)n, n ? p : ".", name);
    bool found = is_program(buf_cstr(&b));
    buf_free(&b);
    if (found) return true;
    p += n + (p[n] == ':');
  }
  return false;
}

static int no_program(ClientRun *r, const char *name) {
  if (strpbrk(name, " \t"))
    return client_usage(r, "there is no program \"%s\"; a handler with arguments goes behind --, or into --handler-arg: -- %s", name, name);
  if (access(name, F_OK) == 0 && strchr(name, '/')) return client_usage(r, "%s is no program that may be run: chmod +x %s", name, name);
  if (access(name, F_OK) == 0) return client_usage(r, "there is no program %s in PATH; the file here is ./%s", name, name);
  return client_usage(r, "there is no program %s", name);
}

/* The handler and its arguments, NULL behind; NULL: told. */
static char **handler(ClientRun *r) {
  const char *name = client_text(r, "handler");
  ClientGiven more = client_list(r, "handler-arg");
  int rest = r->rest_at ? r->argc - r->rest_at : 0, n = 0;
  if (!name && rest <= 0) {
    client_usage(r, "which handler? --handler PROGRAM, or the command behind --");
    return NULL;
  }
  char **argv = mem_raw((size_t)(more.n + (rest > 0 ? rest : 0) + 2) * sizeof *argv);
  if (name) argv[n++] = (char *)(uintptr_t)name;
  for (int i = 0; i < more.n; i++) argv[n++] = (char *)(uintptr_t)more.a[i];
  for (int i = 0; i < rest; i++) argv[n++] = r->argv[r->rest_at + i];
  argv[n] = NULL;
  if (strchr(argv[0], '/') ? is_program(argv[0]) : on_path(argv[0])) return argv;
  no_program(r, argv[0]);
  free(argv);
  return NULL;
}

/* --- the rest ------------------------------------------------------------------------------------------------------------------------ */
/* --label a=b, repeated; --labels a=b,c=d. */
static bool labels(ClientRun *r, Val *out) {
  bool ok;
  Err e = {0};
  Val all = client_pairs(r, "label", false, &ok), list, one;
  const char *several = client_text(r, "labels");
  if (!ok) return false;
  if (several && client_value(CLIENT_CSV, several, strlen(several), "--labels", &list, &e))
    for (uint32_t i = 0; i < vec_count(list); i++) {
      Val s = vec_nth(list, i);
      if (!client_value(CLIENT_LABELS, str_s(s), str_n(s), "--labels", &one, &e)) return client_usage(r, "%s", e.msg), false;
      all = map_merge(all, one);
    }
  *out = is_map(all) && map_count(all) ? all : NIL;
  return true;
}

static bool in_range(ClientRun *r, const char *flag, int64_t v, int64_t least, int64_t most, const char *words) {
  if (v >= least && v <= most) return true;
  client_usage(r, "--%s has to be %s", flag, words);
  return false;
}

static bool numbers(ClientRun *r, WorkerOptions *o) {
  int64_t n = client_int(r, "concurrency", 1);
  o->concurrency = n > 0 && n <= WORKER_MOST ? (int)n : 0;
  o->lease_ms = client_int(r, "lease-duration", 0);
  o->poll_ms = client_int(r, "poll-interval", 0);
  o->grace_ms = client_int(r, "grace", 0);
  o->max_jobs = client_int(r, "max-jobs", 0);
  return in_range(r, "concurrency", o->concurrency, 1, WORKER_MOST, "1 to 1000") &&
         in_range(r, "lease-duration", o->lease_ms, LEASE_LEAST_MS, LEASE_MOST_MS, "1s to 24h") &&
         in_range(r, "poll-interval", o->poll_ms, 10, LEASE_MOST_MS, "10ms to 24h") &&
         in_range(r, "grace", o->grace_ms, 0, LEASE_MOST_MS, "0s to 24h");
}

int worker_cli_run(ClientRun *r) {
  const char *id = client_text(r, "worker-id");
  char *own = id && *id ? NULL : default_id();
  WorkerOptions o = {.where = &r->where,
                     .type = client_text(r, "type"),
                     .id = own ? own : id,
                     .batch = client_text(r, "batch-id"),
                     .labels = NIL,
                     .once = client_flag(r, "once"),
                     .keep = client_flag(r, "keep-job-dirs") || client_flag(r, "keep-dirs")};
  int status = EXIT_FAILED;
  char **argv = numbers(r, &o) && labels(r, &o.labels) ? handler(r) : NULL;
  o.argv = argv;
  if (argv) status = worker_run(r, &o);
  free(argv);
  free(own);
  return status;
}
