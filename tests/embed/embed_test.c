/* embed_test.c - libbreyta from the outside: built by tests/cli/embed.bats against an installed breyta.h, with nothing else of the project.
 * TAP on standard error: standard output must stay empty. embed_test DIRECTORY */
#include <breyta.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tests, failures;
static breyta_error e;
static char dir[400], path[500];

static void check(int ok, const char *what) {
  fprintf(stderr, "%sok %d %s\n", ok ? "" : "not ", ++tests, what);
  if (!ok && e.code[0]) fprintf(stderr, "# %s: %s\n", e.code, e.message);
  failures += !ok;
}

#define FLOW(slug, body)                                                                                                        \
  "{:slug :" slug " :name \"F\" :concurrency {:type :singleton :on-new-version :supersede}"                                    \
  " :invocations {:default {:label \"R\" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]} :flow (quote " body ")}"

static const char *database(const char *name) {
  snprintf(path, sizeof path, "%s/%s.db", dir, name);
  return path;
}

static breyta_flow *load(breyta *b, const char *text) { return breyta_load(b, text, strlen(text), &e); }

static int state_has(breyta *b, const char *id, const char *what) {
  char *s = breyta_state(b, id, &e);
  int found = s && strstr(s, what);
  if (!found) fprintf(stderr, "# %s: %s\n", id, s ? s : "no state");
  breyta_free(s);
  return found;
}

static int begin(breyta *b, breyta_flow *f, const char *input, const char *id) {
  char *got = breyta_start(b, f, input, id, &e);
  int ok = got && (!id || !strcmp(got, id));
  breyta_free(got);
  return ok;
}

static void errors(void) {
  breyta *b = breyta_open(database("errors"), NULL, &e);
  check(b != NULL && !e.code[0], "a file is made");
  check(!breyta_open(path, NULL, &e) && !strcmp(e.code, "db_locked"), "a second one on the same file is refused");
  check(!breyta_open("/proc/no/such.db", NULL, &e) && e.message[0], "a file that cannot be made");
  check(!breyta_open(NULL, &(breyta_options){sizeof(breyta_options), .public_url = "x"}, &e) && !strcmp(e.code, "validation"), "a bad option");
  check(!load(b, "{:slug") && !strcmp(e.code, "invalid_flow"), "text that is no EDN");
  check(!load(b, "{:slug :a}") && !strcmp(e.code, "invalid_flow") && strstr(e.message, "missing"), "a definition with parts missing");
  char *found = breyta_check(b, "{:slug :a}", 10, &e);
  check(found && strstr(found, "\"missing_required_field\"") && !strstr(found, "\"errors\":0,"), "all problems as JSON");
  breyta_free(found);
  breyta_flow *f = load(b, FLOW("a", "1"));
  check(f != NULL, "a definition");
  check(!begin(b, f, "[1]", NULL) && !strcmp(e.code, "bad_input"), "input that is no object");
  check(!begin(b, f, "{", NULL) && e.code[0], "input that is no JSON");
  check(!begin(b, f, "edn:{:a", NULL) && !strcmp(e.code, "bad_input"), "input that is no EDN");
  check(!begin(b, f, NULL, "../x y") && !strcmp(e.code, "bad_input"), "an id that is none");
  check(begin(b, f, "edn:{:a 1/2}", "one") && !begin(b, f, NULL, "one") && !strcmp(e.code, "run_exists"), "an id that is taken");
  check(!breyta_state(b, "two", &e) && !strcmp(e.code, "not_found"), "a run that is not there");
  check(breyta_resume(b, "two", &e) < 0 && breyta_cancel(b, "two", 0, NULL, &e) < 0 && !strcmp(e.code, "not_found"), "nor continued or cancelled");
  check(breyta_answer(b, "k", "{", &e) < 0 && e.code[0], "an answer that is no JSON");
  check(breyta_run(b, NULL) == 0 && state_has(b, "one", "\"completed\"") && state_has(b, "one", "\"value\":1"), "errors need no place");
  breyta_unload(b, f);
  check(!begin(b, f, NULL, "three") && !strcmp(e.code, "bad_input"), "a flow that was unloaded");
  breyta_close(b);
  breyta_close(NULL);
}

static void runs(void) {
  breyta *b = breyta_open(NULL, NULL, &e);
  breyta_flow *fails = load(b, FLOW("fails", "(do (println \"out\") (throw (ex-info \"no such luck\" {:type :mine})))"));
  breyta_flow *waits = load(b, FLOW("waits", "(try (flow/step :wait :w {:key \"k\" :timeout \"2h\"}) (finally (flow/step :kv :k {:operation :set :key \"done\" :value 1})))"));
  check(begin(b, fails, NULL, "f") && breyta_run(b, &e) == 0 && state_has(b, "f", "\"failed\"") && state_has(b, "f", "no such luck"), "a run that fails");
  check(begin(b, waits, NULL, "w") && breyta_run(b, &e) == 0 && state_has(b, "w", "\"waiting\"") && state_has(b, "w", "\"parked\":true"), "a run that waits");
  check(breyta_pump(b, 0, &e) == 1, "nothing goes on by itself");
  check(breyta_cancel(b, "w", 0, "why not", &e) == 0 && breyta_run(b, &e) == 0 && state_has(b, "w", "\"cancelled\""), "it is cancelled");
  check(begin(b, waits, NULL, "v") && breyta_run(b, &e) == 0 && breyta_answer(b, "k", "{\"a\": [1, null]}", &e) == 0, "another one is answered");
  check(breyta_answer(b, "k", "2", &e) >= 0 && breyta_run(b, &e) == 0 && state_has(b, "v", "{\"a\":[1,null]}"), "it goes on with the first answer");
  check(breyta_answer(b, "k", "3", &e) == 1, "a later one changes nothing");
  check(begin(b, waits, NULL, "u") && breyta_cancel(b, "u", 1, NULL, &e) == 0 && state_has(b, "u", "\"terminated\""), "by force");
  breyta_close(b);
}

/* In place of a process that dies: another breyta on the file. */
static void over_a_restart(void) {
  breyta *b = breyta_open(database("again"), NULL, &e);
  check(begin(b, load(b, FLOW("again", "(:x (flow/step :wait :w {:key \"k\" :timeout \"2h\"}))")), NULL, "r") && breyta_run(b, &e) == 0, "a run is begun");
  breyta_close(b);
  b = breyta_open(database("again"), NULL, &e);
  check(state_has(b, "r", "\"waiting\"") && breyta_answer(b, "k", "edn:{:x :y}", &e) == 0, "answered in the next life");
  check(breyta_resume(b, NULL, &e) == 0 && breyta_run(b, &e) == 0 && state_has(b, "r", "\"value\":\"y\""), "and finished");
  breyta_close(b);
}

static void *interrupts(void *b) {
  struct timespec t = {0, 200000000};
  nanosleep(&t, NULL);
  breyta_interrupt(b);
  return NULL;
}

static void interrupted(void) {
  pthread_t t;
  breyta *b = breyta_open(NULL, NULL, &e);
  check(begin(b, load(b, FLOW("sleeps", "(do (flow/step :sleep :s {:duration \"1h\"}) 1)")), NULL, "s"), "a run that sleeps an hour");
  check(breyta_pump(b, 20, &e) == 0, "a turn of 20 ms comes back");
  pthread_create(&t, NULL, interrupts, b);
  check(breyta_run(b, &e) == 0 && state_has(b, "s", "\"waiting\""), "and so does one that is interrupted");
  pthread_join(t, NULL);
  breyta_close(b);
}

enum { WORKERS = 8, EACH = 20 };
static breyta *shared;
static breyta_flow *heavy;
static void *works(void *arg) {
  char id[40], want[40];
  breyta_error mine;
  for (long i = 0; i < EACH; i++) {
    snprintf(id, sizeof id, "h-%ld-%ld", (long)arg, i);
    char *got = breyta_start(shared, heavy, "{}", id, &mine);
    if (!got || breyta_run(shared, &mine) < 0) return "start";
    breyta_free(got);
    snprintf(want, sizeof want, "\"value\":%d", 4950 * 50);
    char *s = breyta_state(shared, id, &mine);
    int ok = s && strstr(s, want);
    breyta_free(s);
    if (!ok) return "state";
  }
  return NULL;
}

/* Threads that the collector has never heard of, and enough garbage that it runs. */
static void threads(void) {
  pthread_t t[WORKERS];
  int bad = 0;
  shared = breyta_open(NULL, NULL, &e);
  heavy = load(shared, FLOW("heavy", "(reduce + (map (fn [i] (reduce + (map :n (mapv (fn [n] {:n n :s (str n \"-\" i)}) (range 100))))) (range 50)))"));
  for (long i = 0; i < WORKERS; i++) pthread_create(&t[i], NULL, works, (void *)i);
  for (int i = 0; i < WORKERS; i++) {
    void *what;
    pthread_join(t[i], &what);
    bad += what != NULL;
  }
  check(!bad, "8 threads at once");
  breyta_close(shared);
}

static volatile sig_atomic_t seen;
static pthread_t main_thread;
static void on_signal(int sig) {
  (void)sig;
  seen += pthread_equal(pthread_self(), main_thread) != 0;
}

static void signals(void) {
  struct sigaction sa = {.sa_handler = on_signal}, now;
  static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM};
  int n = sizeof all / sizeof *all, kept = 0;
  main_thread = pthread_self();
  sigaction(SIGPIPE, NULL, &now);
  int pipe_kept = now.sa_handler == SIG_DFL;
  for (int i = 0; i < n; i++) sigaction(all[i], &sa, NULL);
  breyta *b = breyta_open(NULL, &(breyta_options){.size = sizeof(breyta_options), .listen = "127.0.0.1:0"}, &e);
  begin(b, load(b, FLOW("s", "(flow/step :function :f {:code (quote (fn [_] 1)) :input {}})")), NULL, "s");
  breyta_pump(b, 100, &e);
  for (int i = 0; i < n; i++) {
    sigaction(all[i], NULL, &now);
    kept += now.sa_handler == on_signal;
    kill(getpid(), all[i]);
  }
  check(b && kept == n && pipe_kept, "signal handlers stay the program's");
  check(seen == n, "and signals come to its thread");
  check(state_has(b, "s", "\"completed\""), "while a run goes on");
  breyta_close(b);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  snprintf(dir, sizeof dir, "%s", argv[1]);
  check(breyta_version()[0] == '0', "a version");
  signals();
  errors();
  runs();
  over_a_restart();
  interrupted();
  threads();
  fprintf(stderr, "1..%d\n", tests);
  return failures ? 1 : 0;
}
