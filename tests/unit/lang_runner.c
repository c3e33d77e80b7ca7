/* lang_runner.c - runs expressions and compares what they answer; then once more, stopped every K units of fuel, written
 * to a snapshot, read back and gone on with. The second answer must be the same, and the snapshot of what was read must
 * be the snapshot it was read from, byte for byte.
 *
 *     lang_runner [--suspend K] [--gc] [--no-docs] [--slow] FILE...
 *     lang_runner --list FILE...      prints `WHERE TAB EXPR TAB error or value TAB WANT`, line ends as spaces, and runs nothing
 *
 * FILE.clj: `EXPR ;=> VALUE` and `EXPR ;!> kind` (expressions of several lines and several forms end with such a line;
 * lines that begin with ; between them are comments). FILE.txt: conformance, `id TAB expr`; only plain and restored are
 * compared there, tests/conformance/bin/run.py judges the answers. The examples of all builtins and of the prelude's
 * docstrings are run too. K = 0: plain only; default 50, and 1 to 7 in turn when built with STRESS=suspend. --gc collects
 * at every stop. --slow prints what took over half a second. */
#include "trips.h"
#include "eval/builtin.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/eq.h"
#include "reader/seq.h"
#include "stdlib/prelude_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES ((rlim_t)1 << 30)

static int suspend_at = -1, passed, failed;
static bool slow, list;
static const char *where = "";
static int where_line;

static void report(const char *expr, const char *want, const char *got) {
  failed++;
  if (where_line) printf("%s:%d: ", where, where_line);
  else printf("%s: ", where);
  printf("%s\n  want %s\n  got  %s\n", expr, want, got);
}

/* --- judging ------------------------------------------------------------------------------------------------------------------------ */
static bool equal_data(const char *a, const char *b) {
  Val x = read_one(a, strlen(a), NULL, false), y = is_sig(x) ? x : read_one(b, strlen(b), NULL, false);
  return !is_sig(y) && type_of(x) == type_of(y) && (is_map(x) || is_set(x)) && same(val_eq(x, y), TRUE_V);
}

static bool right(const char *got, const char *want, bool error) {
  if (error && *want == ':') want++;
  if (error) return *got == '!' && !strncmp(got + 1, want, strlen(want)) && (!got[1 + strlen(want)] || got[1 + strlen(want)] == ' ');
  if (*got == '!') return false;
  if (!strcmp(got, want) || equal_data(got, want)) return true;
  Buf b = {0}; /* VALUE as it prints: '#{...} in any order, 0x10, ... */
  Val v = read_one(want, strlen(want), NULL, false);
  if (!is_sig(v)) v = pr_str(v);
  bool ok = !is_sig(v) && !strcmp(str_s(v), got);
  buf_free(&b);
  return ok;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t next_slice(void) {
  static int turn;
  if (suspend_at >= 0) return suspend_at;
#ifdef STRESS_SUSPEND
  return 1 + turn++ % 7;
#else
  (void)turn;
  return 50;
#endif
}

static void print_case(const char *expr, const char *want, bool error) {
  bool comment = false, text = false; /* a comment would swallow the rest of the line */
  printf("%s:%d\t", where, where_line);
  for (const char *p = expr; *p; p++) {
    if (*p == '"' && !comment && (p == expr || p[-1] != '\\')) text = !text;
    if (*p == ';' && !text && (p == expr || p[-1] != '\\')) comment = true;
    if (*p == '\n') comment = false;
    if (!comment) putchar(*p == '\n' ? ' ' : *p);
  }
  printf("\t%s\t%s\n", error ? "error" : "value", want);
}

/* want NULL: only that plain and restored agree. */
static void check(const char *expr, const char *want, bool error) {
  if (list) {
    print_case(expr, want, error);
    return;
  }
  double t0 = seconds();
  Buf plain = {0}, restored = {0};
  size_t n = strlen(expr);
  trip_answer(expr, n, 0, &plain);
  bool ok = !want || right(plain.p, want, error);
  if (!ok) report(expr, want, plain.p);
  int64_t k = ok ? next_slice() : 0;
  double t1 = seconds();
  if (k) {
    *trip_broken = 0;
    trip_answer(expr, n, k, &restored);
    bool same_answer = !strcmp(plain.p, restored.p) || (trip_unstable(expr) && (!want || right(restored.p, want, error)));
    if (*trip_broken || !same_answer) {
      ok = false;
      printf("restored every %lld: ", (long long)k);
      report(expr, plain.p, *trip_broken ? trip_broken : restored.p);
    }
  }
  passed += ok;
  if (slow && seconds() - t0 > 0.5) printf("slow: %s:%d %.1f + %.1f s\n", where, where_line, t1 - t0, seconds() - t1);
  buf_free(&plain);
  buf_free(&restored);
}

/* --- where the cases come from -------------------------------------------------------------------------------------------------------- */
static char *find_mark(char *line, bool *error) { /* the last one */
  char *found = NULL;
  for (char *p = line; (p = strchr(p, ';')); p++)
    if ((p[1] == '=' || p[1] == '!') && p[2] == '>' && p[3] == ' ') found = p;
  if (found) *error = found[1] == '!';
  return found;
}

static void trim(char *s) {
  size_t n = strlen(s);
  while (n && (s[n - 1] == ' ' || s[n - 1] == '\n' || s[n - 1] == '\r')) s[--n] = 0;
}

static void case_line(Buf *expr, char *line, int lineno) {
  bool error = false;
  char *mark = find_mark(line, &error);
  if (!expr->n) {
    where_line = lineno;
    if (line[strspn(line, " \n")] == 0 || line[strspn(line, " ")] == ';') return;
  }
  if (!mark) {
    buf_c(expr, line);
    return;
  }
  *mark = 0;
  buf_c(expr, line);
  trim(mark + 4);
  buf_ch(expr, 0);
  trim(expr->p);
  check(expr->p, mark + 4, error);
  expr->n = 0;
}

static void open_failed(const char *path) {
  perror(path);
  exit(2);
}

static void run_file(const char *path) {
  FILE *f = fopen(path, "r");
  if (!f) open_failed(path);
  size_t len = strlen(path), cap = 0;
  bool conformance = len > 4 && !strcmp(path + len - 4, ".txt");
  char *line = NULL;
  Buf expr = {0};
  where = path;
  for (int lineno = 1; getline(&line, &cap, f) >= 0; lineno++) {
    char *tab = strchr(line, '\t');
    if (!conformance) case_line(&expr, line, lineno);
    else if (tab && *line != ';') {
      where_line = lineno;
      trim(line);
      check(tab + 1, NULL, false);
    }
  }
  if (expr.n) report(buf_cstr(&expr), "a line with ;=> or ;!>", "the end of the file");
  buf_free(&expr);
  free(line);
  fclose(f);
}

static void run_lines(const char *text) { /* examples: one a line */
  char *copy = strdup(text), *save = NULL;
  Buf expr = {0};
  for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) case_line(&expr, line, 0);
  if (expr.n) report(buf_cstr(&expr), "a line with ;=> or ;!>", "the end of the examples");
  buf_free(&expr);
  free(copy);
}

static void builtin_docs(const Builtin *b, void *ctx) {
  (void)ctx;
  where = b->name;
  if (b->doc && b->doc->examples) run_lines(b->doc->examples);
}

/* Lines of docstrings: \" and \\ are taken back; the quote that ends the docstring may end the line. */
static void prelude_docs(const PreludeFile *file) {
  const char *p = file->text, *end = file->end;
  where = file->name;
  for (int lineno = 1; p < end; lineno++) {
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    if (!eol) eol = end;
    Buf line = {0}, none = {0};
    bool closed = false;
    for (const char *q = p; q < eol && !closed; q++) {
      if (*q == '"') closed = true;
      else buf_ch(&line, *q == '\\' && q + 1 < eol ? *++q : *q);
    }
    bool error;
    if (line.n && find_mark(buf_cstr(&line), &error) && line.p[strspn(line.p, " ")] != ';') case_line(&none, buf_cstr(&line), lineno);
    buf_free(&line);
    buf_free(&none);
    p = eol + 1;
  }
}

static void big_stack(char **argv) { /* equality and printing of deep values recurse */
  struct rlimit lim;
  if (getenv("LANG_RUNNER_STACK") || getrlimit(RLIMIT_STACK, &lim)) return;
  if (lim.rlim_max != RLIM_INFINITY && lim.rlim_max < STACK_BYTES) return;
  lim.rlim_cur = STACK_BYTES;
  if (setrlimit(RLIMIT_STACK, &lim) || setenv("LANG_RUNNER_STACK", "1", 1)) return;
  execv("/proc/self/exe", argv);
}

int main(int argc, char **argv) {
  bool docs = true;
  int i = 1;
  big_stack(argv);
  for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
    if (!strcmp(argv[i], "--suspend") && i + 1 < argc) suspend_at = atoi(argv[++i]);
    else if (!strcmp(argv[i], "--gc")) trip_collect = true;
    else if (!strcmp(argv[i], "--slow")) slow = true;
    else if (!strcmp(argv[i], "--list")) list = true;
    else if (!strcmp(argv[i], "--no-docs")) docs = false;
    else return fprintf(stderr, "lang_runner: unknown option %s\n", argv[i]), 2;
  }
  trip_init();
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (; i < argc; i++) run_file(argv[i]);
  if (docs) {
    builtin_each(builtin_docs, NULL);
    for (const PreludeFile *f = prelude_files; f->name; f++) prelude_docs(f);
  }
  if (!list) printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
