/* cli_session.c - see cli_session.h */
#include "cli_session.h"
#include "runtime/store/blobs_place.h"
#include "runtime/store/connection.h"
#include "runtime/base/limits.h"
#include "eval/unit.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* A line for people with the commands in it completed. */
void cli_say_commands(const Cli *cli, const char *prefix, const char *text) {
  Buf b = {0};
  cli_commands_text(cli, text, &b);
  fprintf(stderr, "%s%s\n", prefix, buf_cstr(&b));
  buf_free(&b);
}

void cli_say_resume(const Cli *cli, const char *prefix, const char *run_id) {
  Buf b = {0};
  buf_fmt(&b, "`breyta-run resume %s`", run_id);
  cli_say_commands(cli, prefix, buf_cstr(&b));
  buf_free(&b);
}

/* --- sessions: a store with an engine on it ------------------------------------------------------------ */
static volatile bool stop;
static volatile sig_atomic_t stop_signal;

static void on_signal(int sig) {
  if (stop) _exit(128 + sig); /* asked twice: what is durable stays durable */
  stop_signal = sig;
  stop = true;
}

static void catch_signals(void) {
  struct sigaction sa = {.sa_handler = on_signal};
  sigaction(SIGINT, &sa, NULL);
  sigaction(SIGTERM, &sa, NULL);
}

static void tick(Engine *e, void *ctx) {
  (void)e;
  CliSession *s = ctx;
  uint64_t n;
  if (read(s->ticker, &n, sizeof n) > 0) progress_tick(&s->progress);
}

static void start_ticker(CliSession *s) {
  s->ticker = -1;
  if (!s->progress.live) return;
  s->ticker = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  struct itimerspec every = {{0, 200000000}, {0, 200000000}};
  if (s->ticker < 0 || timerfd_settime(s->ticker, 0, &every, NULL)) return;
  engine_watch(s->engine, s->ticker, tick, s);
}

void cli_session_close(CliSession *s) {
  progress_clear(&s->progress);
  if (s->listener) engine_listen_stop(s->listener);
  if (s->engine) engine_free(s->engine);
  if (s->store) store_close(s->store);
  target_free(s->target);
  vault_free(s->vault);
  flow_places_free(&s->flows);
  if (s->ticker >= 0) close(s->ticker);
}

bool cli_good_url(const char *s) {
  size_t n = strlen(s);
  bool scheme = !strncmp(s, "https://", 8) || !strncmp(s, "http://", 7);
  return scheme && n > 8 && n < 500 && s[n - 1] != '/' && !s[strcspn(s, " \t\n\"'<>?#")];
}

bool cli_session_open(CliSession *s, const Cli *cli) {
  Err err = {0};
  s->cli = cli;
  s->ticker = -1;
  s->status = EXIT_FAILED;
  progress_init(&s->progress, cli->progress);
  cli_engine_values();
  if (cli->public_url && !cli_good_url(cli->public_url)) {
    s->status = cli_usage(cli, "--public-url: %s is no address such as https://flows.example.com, without a slash at the end", cli->public_url);
    return false;
  }
  if (cli->connections && !(s->target = target_load(cli->connections, &err))) {
    s->status = cli_usage(cli, "--connections: %s", err.msg);
    return false;
  }
  for (int i = 0; i < cli->flows.n; i++)
    if (!flow_places_add(&s->flows, cli->flows.a[i], &err)) {
      s->status = cli_usage(cli, "--flows: %s", err.msg);
      return false;
    }
  s->store = cli_store(cli, (StoreOptions){.executor = true});
  if (!s->store) return false;
  s->vault = vault_new(s->store, cli->secrets_key);
  if (cli->blobs && !blobs_place_set(s->store, s->vault, cli->blobs, &err)) {
    s->status = cli_usage(cli, "--blobs: %s", err.msg);
    cli_session_close(s);
    return false;
  }
  s->place = (ConnPlace){s->store, {s->vault, cli->workspace}, cli->workspace, "draft"};
  s->target = target_from_store(s->target, &s->place);
  EngineOptions o = {.workspace = cli->workspace, .guard = cli->guard, .listen = cli->listen, .public_url = cli->public_url, .detach = cli->detach,
                     .target = s->target, .vault = s->vault, .resolve = flow_places_find, .resolve_ctx = &s->flows, .progress = progress_event,
                     .ctx = &s->progress, .watched = s->progress.live, .mem_limit = limit_value(LIMIT_run_memory_bytes)};
  s->engine = engine_new(s->store, &o, &err);
  if (s->engine && cli->listen) s->listener = engine_listen(s->engine, cli->listen, &err);
  if (!s->engine || (cli->listen && !s->listener)) {
    if (err.code && !strcmp(err.code, "validation")) s->status = cli_usage(cli, "--listen: %s", err.msg);
    else cli_say("%s%s", s->engine ? "--listen: " : "", err.msg);
    cli_session_close(s);
    return false;
  }
  start_ticker(s);
  catch_signals();
  return true;
}

/* --- how a run ended ------------------------------------------------------------ */
static const char *hint_for(Val error) {
  static const struct { const char *type, *hint; } hints[] = {
      {"timeout", "raise :timeout of the step, or give it :retry"},
      {"network", "give the step :retry {:max-attempts 3}, or check that the address can be reached from here"},
      {"http-error", "make the status a result with :accept-status #{404}, or catch the error in the flow"},
      {"not-serializable", "what a step takes and gives, and the run's value, must be data: no functions, atoms or exceptions"},
      {"limit", "look for an endless loop, endless recursion or an endless seq at the position above"},
      {"stack", "use loop/recur instead of recursion"},
      {"wait-timeout", "give the :wait a longer :timeout, or :on-timeout :continue with a :default-value"},
      {"poll-timeout", "raise :timeout or :max-attempts of flow/poll"},
      {"oversize", "keep large results outside the run, for example in :kv"},
      {"missing-binding", "see :requires of the flow"},
      {"unsupported_step", "`breyta-run help step` lists what this build runs"},
  };
  Val type = map_get_kw(error, "type");
  if (!is_nil(map_get_kw(error, "limit"))) return "`breyta-run help limits` lists the limits; --limit NAME=N sets one";
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (kw_is(type, hints[i].type)) return hints[i].hint;
  return NULL;
}

static void text_of(Val v, Buf *b) {
  if (is_str(v)) buf_add(b, str_s(v), str_n(v));
  else if (is_sig(cli_pr(env_core(), v, b))) b->n = 0;
}

static void error_line(Val error, const char *key, const char *label) {
  Val v = map_get_kw(error, key);
  if (is_nil(v)) return;
  Buf b = {0};
  text_of(v, &b);
  fprintf(stderr, "  %-8s %s\n", label, buf_cstr(&b));
  buf_free(&b);
}

static void say_error(const RunState *st) {
  Buf msg = {0};
  text_of(map_get_kw(st->error, "message"), &msg);
  fprintf(stderr, "run %s %s: %s\n", st->run_id, run_status_name(st->status), msg.n ? buf_cstr(&msg) : "no message");
  buf_free(&msg);
  error_line(st->error, "type", "type");
  error_line(st->error, "step-id", "step");
  error_line(st->error, "attempt", "attempt");
  error_line(st->error, "at", "at");
  Val trace = map_get_kw(st->error, "trace");
  if (is_str(trace)) fprintf(stderr, "%s%s", str_s(trace), str_n(trace) && str_s(trace)[str_n(trace) - 1] == '\n' ? "" : "\n");
  const char *hint = hint_for(st->error);
  if (hint) fprintf(stderr, "  %-8s %s\n", "hint", hint);
}

/* Tells how the run stands; its value to standard output when `print`. The exit status. */
int cli_report(CliSession *s, int64_t run, bool print) {
  RunState st;
  Err err = {0};
  if (!engine_state(s->engine, run, &st, &err)) {
    cli_say("%s [%s]", err.msg, err.code);
    return EXIT_FAILED;
  }
  progress_clear(&s->progress);
  if (st.status == RUN_COMPLETED) {
    if (print) return cli_print_value(s->cli, st.value) ? EXIT_OK : EXIT_FAILED;
    fprintf(stderr, "run %s completed\n", st.run_id);
    return EXIT_OK;
  }
  if (run_status_final(st.status) || st.status == RUN_BLOCKED) {
    say_error(&st);
    return EXIT_FAILED;
  }
  if (stop) {
    fprintf(stderr, "run %s is durable up to its last step\n", st.run_id);
    cli_say_resume(s->cli, "to go on: ", st.run_id);
    return 128 + stop_signal;
  }
  fprintf(stderr, "run %s is parked\n", st.run_id);
  cli_say_commands(s->cli, "", st.waits_for);
  return EXIT_PARKED;
}

/* With the port that was got where port 0 was asked for. */
static void say_listening(const CliSession *s) {
  const char *hp = s->cli->listen, *colon = strrchr(hp, ':');
  int n = colon ? (int)(colon - hp) : 0;
  fprintf(stderr, "listening on http://%.*s:%d/%s/events/<wait-key>\n", n ? n : 9, n ? hp : "127.0.0.1", engine_listen_port(s->listener), s->cli->workspace);
}

bool cli_loop(CliSession *s) {
  Err err = {0};
  if (s->listener) say_listening(s);
  bool ok = engine_loop(s->engine, &stop, &err);
  progress_clear(&s->progress);
  progress_end(&s->progress);
  if (ok) return true;
  cli_say("%s [%s]", err.msg, err.code ? err.code : "?");
  return false;
}

int cli_detached(CliSession *s, int64_t run) {
  RunState st;
  Err err = {0};
  if (!engine_state(s->engine, run, &st, &err)) {
    cli_say("%s [%s]", err.msg, err.code);
    return EXIT_FAILED;
  }
  cli_out(st.run_id, strlen(st.run_id));
  cli_out("\n", 1);
  cli_out_flush();
  cli_say_resume(s->cli, "started durably; to run it: ", st.run_id);
  return EXIT_PARKED;
}
