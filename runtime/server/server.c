/* server.c - `breyta serve`: the embedded store, the engine and the API in one process.
 *
 * Order of a start: the database, the socket bound (nobody can connect yet), the first key printed and then stored, unfinished runs taken
 * up, the port opened. Killed between print and store, the next start prints another key; a stored key that nobody has seen does
 * not exist. SIGTERM and SIGINT end it with 0: nothing more is accepted, steps under way may end within --drain seconds, requests still
 * under way are answered (503: try again), runs stay where they are durable. The second signal ends it at once. */
#include "runtime/api/api_far.h"
#include "runtime/api/api_target.h"
#include "runtime/store/blobs_place.h"
#include "breyta_options.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/cli_run.h"
#include "runtime/base/limits.h"
#include "runtime/engine/offload.h"
#include "runtime/net/proxy.h"
#include "runtime/resource/retention.h"
#include "runtime/engine/slots.h"
#include "runtime/jobs/jobs.h"
#include "runtime/base/log.h"
#include "runtime/net/otel.h"
#include "runtime/base/sock.h"
#include "runtime/trigger/trigger_hook.h"
#include "runtime/store/vault.h"
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Server {
  const BreytaOptions *o;
  Api api;
  Retention retention;
  int fd;
  char url[600];
  Buf cert, key;
  Proxies *proxies;
  int64_t drain_ms;
} Server;

enum { SERVER_CONNECTIONS = 12000 };

static volatile bool stop;
static void on_signal(int sig) {
  if (stop) _exit(128 + sig); /* asked twice: what is durable stays durable */
  stop = true;
}

static int tell(const char *what, const Err *err) {
  fprintf(stderr, "breyta serve: %s%s%s\n", what, *what ? ": " : "", err->msg);
  return EXIT_FAILED;
}

static int usage(const char *option, const char *what) {
  fprintf(stderr, "breyta serve: --%s: %s\n", option, what);
  return EXIT_USAGE;
}

/* Whose bindings a child has when nothing is said: those of what its caller runs on, and beside an installation those of live. */
static const char *child_target(const FlowWanted *w) {
  if (w->installation) return w->installation;
  if (w->target) return w->target;
  return w->caller_target ? "live" : "draft";
}

static bool child_source(Api *a, const FlowWanted *w, const char *name, FlowSource *out, Err *err) {
  ApiTarget t;
  char *hash = NULL;
  Blob text = {0};
  bool other = is_kw(w->version) || (is_long(w->version) && long_of(w->version)); /* than what the target has */
  if (!api_target_find(a, w->workspace, w->slug, name, &t, err)) return false;
  if (!t.enabled) return err_set(err, "installation_disabled", "%s of flow %s is switched off", name, w->slug);
  int64_t number = is_long(w->version) ? long_of(w->version) : 0;
  bool ok = !other || api_flow_source(a, w->workspace, w->slug, "active", number, &hash, &t.version, err);
  ok = ok && store_source_get(a->store, hash ? hash : t.hash, &out->file, &text, err);
  if (ok) buf_add(&out->text, text.p, text.n);
  blob_free(&text);
  free(hash);
  out->version = t.version;
  out->on = strcmp(name, "draft") ? strdup(name) : NULL;
  out->activation = map_count(t.activation) ? t.activation : NIL;
  return ok;
}

/* The flow that another one calls, out of the same workspace. */
static bool resolve(void *ctx, const FlowWanted *w, FlowSource *out, Err *err) {
  const char *name = child_target(w);
  if (child_source(ctx, w, name, out, err)) return true;
  if (!err->code || !strcmp(err->code, "not_found"))
    err_set(err, "flow_not_found", "there is no flow %s (%s) in workspace %s", w->slug, name, w->workspace);
  return false;
}

static bool workspace_known(void *ctx, const char *workspace) { return api_workspace_there(ctx, workspace); }

static Store *open_store(const char *dir) {
  char path[4096];
  Err err = {0};
  if (mkdir(dir, 0700) && errno != EEXIST) {
    err_set(&err, "data", "cannot make the folder %s: %s", dir, strerror(errno));
    return tell("--data", &err), NULL;
  }
  if (snprintf(path, sizeof path, "%s/breyta.db", dir) >= (int)sizeof path) return usage("data", "the name is too long"), NULL;
  Store *s = store_open(path, &(StoreOptions){.executor = true}, &err);
  if (!s) tell("", &err);
  return s;
}

/* The key that seals secrets: of --secrets-key, else of BREYTA_SECRETS_KEY, else a file beside the database. */
static Vault *open_vault(Server *s) {
  char path[4096];
  const char *file = s->o->secrets_key;
  snprintf(path, sizeof path, "%s/secrets.key", s->o->data);
  return vault_new(s->api.store, file ? file : getenv("BREYTA_SECRETS_KEY") ? NULL : path);
}

/* The first key: printed, then stored. */
static bool first_key(Server *s, Err *err) {
  char id[32];
  Buf key = {0}, hash = {0};
  bool any = api_key_admin(&s->api, err);
  if (err->code) return false;
  printf("BREYTA_API_URL=%s\nBREYTA_WORKSPACE=%s\n", s->url, s->o->workspace);
  if (!any) {
    api_key_new(id, &key, &hash);
    printf("BREYTA_API_KEY=%s\n", buf_cstr(&key));
    explicit_bzero(key.p, key.n);
  }
  bool ok = !fflush(stdout) || err_set(err, "stdout", "standard output cannot be written: %s", strerror(errno));
  if (ok && !any)
    ok = api_key_first(&s->api, s->o->workspace, id, buf_cstr(&hash), err);
  buf_free(&key);
  buf_free(&hash);
  return ok;
}

static bool take_up_runs(Server *s, Err *err) {
  RunRow rows[128];
  int64_t after = 0;
  size_t n;
  bool ok = true;
  do {
    n = store_runs(s->api.store, after, 1u << RUN_RUNNING | 1u << RUN_WAITING, rows, 128, err);
    for (size_t i = 0; i < n; i++) {
      after = rows[i].run;
      ok = ok && engine_resume(s->api.engine, after, err);
      run_row_free(&rows[i]);
    }
  } while (n == 128 && ok);
  return ok && !err->code && slots_resume(s->api.engine, err);
}

static bool bind_port(Server *s, Err *err) {
  char host[64];
  s->fd = sock_bind(s->o->listen, err);
  if (s->fd < 0) return false;
  sock_host(s->fd, host);
  bool six = strchr(host, ':'), any = !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
  if (s->o->public_url)
    snprintf(s->url, sizeof s->url, "%s", s->o->public_url);
  else
    snprintf(s->url, sizeof s->url, "http%s://%s%s%s:%d", s->cert.n ? "s" : "", six && !any ? "[" : "", any ? "127.0.0.1" : host, six && !any ? "]" : "",
             sock_port(s->fd));
  return true;
}

static bool begin(Server *s, Err *err) {
  if (!bind_port(s, err)) return false;
  EngineOptions o = {.workspace = s->o->workspace,
                     .listen = s->o->listen,
                     .public_url = s->url,
                     .serves = true,
                     .guard = true,
                     .mem_limit = limit_value(LIMIT_run_memory_bytes),
                     .vault = s->api.vault,
                     .target_of = api_place_target,
                     .workspace_known = workspace_known,
                     .resolve = resolve,
                     .resolve_ctx = &s->api};
  s->api.engine = engine_new(s->api.store, &o, err);
  if (!s->api.engine || !api_workspace_make(&s->api, s->o->workspace, err) || !first_key(s, err) || !take_up_runs(s, err) || !jobs_serve(s->api.engine, err)) return false;
  triggers_new(&s->api);
  int fd = s->fd;
  s->fd = -1;
  ListenerOptions l = {.api = true, .connections = SERVER_CONNECTIONS, .spool_dir = s->o->data, .max_body = api_max_body, .proxies = s->proxies};
  if (s->cert.n) l.cert = buf_cstr(&s->cert), l.key = buf_cstr(&s->key);
  s->api.listener = engine_listen_api(s->api.engine, fd, &l, api_request, &s->api, err);
  if (s->key.n) explicit_bzero(s->key.p, s->key.n);
  if (s->api.listener) engine_listen_unsent(s->api.listener, jobs_unsent);
  if (s->api.listener) engine_listen_events(s->api.listener, hook_event, s->api.triggers);
  return s->api.listener;
}

/* Ten thousand connections are as many descriptors. */
static void raise_limits(void) {
  struct rlimit r;
  if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= r.rlim_max) return;
  r.rlim_cur = r.rlim_max;
  setrlimit(RLIMIT_NOFILE, &r);
}

static bool read_pem(const char *option, const char *path, const char *what, Buf *out) {
  if (!cli_read_file(path, out)) return !usage(option, strerror(errno));
  return (strstr(buf_cstr(out), what) && strlen(buf_cstr(out)) == out->n) || !usage(option, "this file holds no such thing in PEM form");
}

static bool tls_files(Server *s) {
  if (!s->o->tls_cert != !s->o->tls_key) return !usage(s->o->tls_cert ? "tls-cert" : "tls-key", "--tls-cert and --tls-key go together");
  return !s->o->tls_cert || (read_pem("tls-cert", s->o->tls_cert, "BEGIN CERTIFICATE", &s->cert) &&
                             read_pem("tls-key", s->o->tls_key, "PRIVATE KEY", &s->key));
}

static bool set_log(const char *mode) {
  static const char *const names[] = {[LOG_OFF] = "off", [LOG_TEXT] = "text", [LOG_JSON] = "json"};
  if (!mode) mode = isatty(STDERR_FILENO) ? "text" : "json";
  for (int i = LOG_OFF; i <= LOG_JSON; i++)
    if (!strcmp(mode, names[i])) return log_set((enum LogMode)i), true;
  return false;
}

static bool serve(Server *s, Err *err) {
  bool idle, ok = engine_drain_inbox(s->api.engine, err);
  LogField f[] = {{"url", s->url, 0}, {"data", s->o->data, 0}};
  log_line("info", "ready", f, 2);
  while (ok && !stop) {
    int64_t dropped = s->retention.dropped;
    ok = engine_turn(s->api.engine, 1000, &idle, err) && retention_turn(&s->retention, s->api.store, now_ms(), err);
    if (s->retention.dropped != dropped) engine_listen_forget(s->api.listener);
    triggers_turn(s->api.triggers);
  }
  return ok;
}

/* Steps under way end and become durable; nothing else begins. */
static bool drain(Server *s, Err *err) {
  bool idle, ok = true;
  int64_t end = mono_us() + s->drain_ms * 1000;
  size_t left = 0;
  log_line("info", "stopping", NULL, 0);
  engine_listen_refuse(s->api.listener);
  engine_drain(s->api.engine);
  while (ok && (left = engine_under_way(s->api.engine)) && mono_us() < end) ok = engine_turn(s->api.engine, 1000, &idle, err);
  LogField f[] = {{"steps", NULL, (int64_t)left}, {"seconds", NULL, s->drain_ms / 1000}};
  if (ok && left) log_line("warn", "steps-not-ended", f, 2); /* the next start goes on with their runs */
  return ok;
}

static bool whole_number(const char *text, long most, long *out) {
  char *end;
  errno = 0;
  *out = strtol(text, &end, 10);
  return isdigit((unsigned char)*text) && !*end && !errno && *out <= most;
}

static int set_limits(const BreytaOptions *o) {
  Err err = {0};
  Buf b = {0};
  for (const char *p = o->limit; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
    b.n = 0;
    buf_add(&b, p, strcspn(p, "\n"));
    if (!limit_set(buf_cstr(&b), &err)) break;
  }
  buf_free(&b);
  if (err.code) return usage("limit", err.msg);
  return limit_profile(o->profile, &err) ? 0 : usage("profile", err.msg);
}

/* What is a number or a list, and what other parts are told about it. */
static int settings(Server *s) {
  Err err = {0};
  long n;
  if (!whole_number(s->o->drain, 86400, &n)) return usage("drain", "a number of seconds up to 86400 is expected");
  s->drain_ms = n * 1000;
  if (s->o->workers && (!whole_number(s->o->workers, 256, &n) || !n)) return usage("workers", "a number from 1 to 256 is expected");
  if (s->o->workers) offload_workers((int)n);
  if (s->o->trust_proxy && !(s->proxies = proxies_new(s->o->trust_proxy, &err))) return usage("trust-proxy", err.msg);
  return set_limits(s->o);
}

int breyta_serve(const BreytaOptions *o) {
  Err err = {0};
  Server s = {.o = o, .fd = -1};
  struct sigaction sa = {.sa_handler = on_signal};
  if (!api_workspace_name(o->workspace))
    return usage("workspace", "a letter or digit, then letters, digits, - and _, at most 64 in all, and not \"api\": it is part of URLs");
  if (o->public_url && !cli_good_url(o->public_url))
    return usage("public-url", "an address such as https://flows.example.com is expected, without a slash at the end");
  int bad = settings(&s);
  if (bad || !tls_files(&s)) return EXIT_USAGE;
  if (!set_log(o->log)) return usage("log", "json, text or off is expected");
  if (!otel_start(&err)) return tell("", &err), EXIT_USAGE;
  raise_limits();
  if (!retention_policy(&s.retention, o->keep_history, o->history_above, &err)) return tell("", &err), EXIT_USAGE;
  sigaction(SIGINT, &sa, NULL);
  sigaction(SIGTERM, &sa, NULL);
  cli_engine_values();
  if (!(s.api.store = open_store(o->data))) return EXIT_FAILED;
  s.api.vault = open_vault(&s);
  if (o->blobs && !blobs_place_set(s.api.store, s.api.vault, o->blobs, &err)) {
    vault_free(s.api.vault);
    store_close(s.api.store);
    return usage("blobs", err.msg);
  }
  bool ok = begin(&s, &err) && serve(&s, &err) && drain(&s, &err);
  if (!ok) tell("", &err);
  triggers_stop(s.api.triggers);
  api_far_gone(&s.api);
  if (s.api.engine) jobs_hang_up(s.api.engine);
  if (s.api.listener) engine_listen_stop(s.api.listener);
  s.api.listener = NULL;
  if (s.api.engine) engine_free(s.api.engine);
  triggers_free(s.api.triggers);
  if (s.fd >= 0) close(s.fd);
  api_places_free(&s.api);
  vault_free(s.api.vault);
  proxies_free(s.proxies);
  buf_free(&s.cert);
  buf_free(&s.key);
  store_close(s.api.store);
  otel_stop();
  return ok ? EXIT_OK : EXIT_FAILED;
}
