/* test_repl.c - the evaluation session of runtime/repl/repl_session.h, without a terminal. */
#include "runtime/repl/repl_session.h"
#include "reader/mem.h"
#include "reader/ex.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* What the callbacks were told, as one text: o:"..." e:"..." =value !Class: message (interrupted is !!). */
typedef struct Seen {
  Buf b;
  const char *const *lines; /* for read-line */
  ReplError last;           /* numbers only */
  char file[64], frame[64];
  int interrupt_at;         /* interrupt after that many out calls */
  ReplSession *s;
  int outs;
} Seen;

static void seen_out(void *ctx, ReplStream to, const char *s, size_t n) {
  Seen *e = ctx;
  buf_c(&e->b, to == REPL_OUT ? "o:" : "e:");
  buf_add(&e->b, s, n);
  if (++e->outs == e->interrupt_at) repl_interrupt(e->s);
}
static void seen_value(void *ctx, Val v, const char *text, size_t n, const char *ns) {
  Seen *e = ctx;
  (void)v;
  buf_c(&e->b, "=");
  buf_add(&e->b, text, n);
  buf_fmt(&e->b, "@%s ", ns);
}
static void seen_error(void *ctx, const ReplError *err) {
  Seen *e = ctx;
  buf_fmt(&e->b, "%s%s: %s ", err->interrupted ? "!!" : "!", err->cls, err->message);
  e->last = *err;
  snprintf(e->file, sizeof e->file, "%s", err->file ? err->file : "");
  snprintf(e->frame, sizeof e->frame, "%s", err->nframes ? err->frames[0].fn : "");
  if (err->nframes) e->last.line = err->frames[0].line ? err->frames[0].line : err->line;
}
static bool seen_line(void *ctx, Buf *b) {
  Seen *e = ctx;
  if (!e->lines || !*e->lines) return false;
  buf_c(b, *e->lines++);
  return true;
}

static ReplSession *s;
static Seen seen;

static ReplResult eval_src(ReplSession *in, ReplSource src) {
  ReplCallbacks cb = {&seen, seen_out, seen_value, seen_error, seen_line, NULL};
  seen.b.n = 0;
  seen.outs = 0;
  seen.s = in;
  src.n = strlen(src.text);
  return repl_eval(in, &src, &cb);
}
static ReplResult ev(const char *text) { return eval_src(s, (ReplSource){.text = text}); }
#define SAYS(text) assert_string_equal(buf_cstr(&seen.b), text)
#define EV(text, wanted) \
  do {                   \
    ev(text);            \
    SAYS(wanted);        \
  } while (0)

static int setup(void **state) {
  (void)state;
  s = repl_new();
  memset(&seen.lines, 0, sizeof seen - offsetof(Seen, lines));
  return 0;
}
static int teardown(void **state) {
  (void)state;
  repl_free(s);
  return 0;
}

static void test_values(void **state) {
  (void)state;
  EV("1 (+ 1 1)\n\"x\"", "=1@user =2@user =\"x\"@user ");
  EV("[*1 *2 *3]", "=[\"x\" 2 1]@user ");
  EV("(println \"hi\") (binding [*out* *err*] (print 1))", "o:hi\n=nil@user e:1=nil@user ");
  EV("(ns a.b) (def x 5) *ns*", "=nil@a.b =#'a.b/x@a.b =#object[clojure.lang.Namespace \"a.b\"]@a.b ");
  EV("(in-ns 'user) a.b/x", "=#object[clojure.lang.Namespace \"user\"]@user =5@user ");
  EV("; nothing", "");
}

static void test_namespace_of_one_text(void **state) {
  (void)state;
  assert_int_equal(eval_src(s, (ReplSource){.text = "(def y 1)", .ns = "other"}), REPL_DONE);
  SAYS("=#'other/y@other ");
  EV("other/y", "=1@user ");
}

static void begins(void *ctx) { repl_interrupt(ctx); }

/* As one: the last value alone, *1 moves once; an error, and a value that does not print, are told. */
static void test_load(void **state) {
  (void)state;
  ev(":before");
  assert_int_equal(eval_src(s, (ReplSource){.text = "(def z 1) (println z)\n(+ z 1)", .load = true, .ns = "user"}), REPL_DONE);
  SAYS("o:1\n=2@user ");
  EV("[*1 *2]", "=[2 :before]@user ");
  assert_int_equal(eval_src(s, (ReplSource){.text = "", .load = true}), REPL_DONE);
  SAYS("=nil@user ");
  assert_int_equal(eval_src(s, (ReplSource){.text = "1 (/ 1 0) 2", .load = true}), REPL_FAILED);
  SAYS("!java.lang.ArithmeticException: Divide by zero ");
  assert_int_equal(eval_src(s, (ReplSource){.text = "1 (map #(/ 1 %) [1 0])", .load = true}), REPL_FAILED);
  assert_int_equal(seen.last.phase, REPL_PRINT);
}

static void test_interrupt_at_begin(void **state) {
  (void)state;
  ReplCallbacks cb = {.ctx = s, .begin = begins};
  repl_interrupt(s); /* forgotten */
  EV("1", "=1@user ");
  assert_int_equal(repl_eval(s, &(ReplSource){.text = "(loop [] (recur))", .n = 17}, &cb), REPL_STOPPED);
  EV("2", "=2@user ");
}

static void test_has_ns(void **state) {
  (void)state;
  assert_true(repl_has_ns(s, "user"));
  assert_true(repl_has_ns(s, "clojure.string"));
  assert_false(repl_has_ns(s, "string")); /* an alias */
  assert_false(repl_has_ns(s, "new.one"));
  ev("(ns new.one)");
  assert_true(repl_has_ns(s, "new.one"));
}

static void test_errors(void **state) {
  (void)state;
  assert_int_equal(ev("(defn f [x]\n  (/ x 0))\n1 (f 1) 2"), REPL_FAILED);
  SAYS("=#'user/f@user =1@user !java.lang.ArithmeticException: Divide by zero ");
  assert_int_equal(seen.last.phase, REPL_EXECUTE);
  assert_string_equal(seen.frame, "user/f");
  assert_string_equal(seen.file, "REPL");
  assert_int_equal(seen.last.line, 2);
  EV("(ex-message *e)", "=\"Divide by zero\"@user ");
  ev("(foo)");
  assert_int_equal(seen.last.phase, REPL_COMPILE);
  ev("(defmacro m [x] (throw (Exception. \"no\"))) (m 1)");
  assert_int_equal(seen.last.phase, REPL_EXPAND);
  eval_src(s, (ReplSource){.text = "\n (1 2", .file = "x.clj", .line = 10, .col = 3});
  assert_int_equal(seen.last.phase, REPL_READ);
  assert_int_equal(seen.last.line, 11);
  assert_string_equal(seen.file, "x.clj");
  ev("(throw (ex-info \"boom\" {:a (map inc [1])}))");
  SAYS("!clojure.lang.ExceptionInfo: boom ");
  EV("(+ 1 1)", "=2@user ");
}

static void test_lasting_bindings(void **state) {
  (void)state;
  EV("(set! *print-length* 2)", "=2@user ");
  EV("(range)", "=(0 1 ...)@user ");
  ReplSession *other = repl_clone(s);
  eval_src(other, (ReplSource){.text = "(def shared 1) [1 2 3]"});
  SAYS("=#'user/shared@user =[1 2 ...]@user ");
  eval_src(other, (ReplSource){.text = "(set! *print-length* nil) *1"});
  SAYS("=nil@user =nil@user ");
  EV("shared [1 2 3]", "=1@user =[1 2 ...]@user ");
  repl_free(other);
  ReplSession *alone = repl_new();
  eval_src(alone, (ReplSource){.text = "shared"});
  SAYS("!java.lang.RuntimeException: Unable to resolve symbol: shared in this context ");
  repl_free(alone);
}

static void test_printing(void **state) {
  (void)state;
  eval_src(s, (ReplSource){.text = "[:aaaa :bbbb]", .width = 10});
  SAYS("=[:aaaa\n :bbbb]@user ");
  eval_src(s, (ReplSource){.text = "[:aaaa :bbbb]", .width = -1});
  SAYS("=@user ");
  EV("{:a/b 1}", "=#:a{:b 1}@user ");
}

static void test_input(void **state) {
  (void)state;
  static const char *const lines[] = {"one", "(+ 1", " 2) (rest", "of it)", NULL};
  seen.lines = lines;
  EV("[(read-line) (read) (read) (read-line)]", "=[\"one\" (+ 1 2) (rest of it) \"\"]@user ");
}

static void load(const char *text) {
  char path[] = "/tmp/test_repl_XXXXXX", form[64];
  int fd = mkstemp(path);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
  snprintf(form, sizeof form, "(load-file \"%s\")", path);
  ev(form);
  unlink(path);
}
static void test_load_file(void **state) {
  (void)state;
  load("(ns loaded)\n(defn f [x] (/ x 0))\n(println *1)\n:end");
  SAYS("o:nil\n=:end@user ");
  EV("(source loaded/f)", "o:(defn f [x] (/ x 0))\n=nil@user ");
  load("(def before 1)\n\n(loaded/f 1)\n(def after 1)");
  SAYS("!java.lang.ArithmeticException: Divide by zero ");
  assert_string_equal(seen.frame, "loaded/f");
  EV("before *ns*", "=1@user =#object[clojure.lang.Namespace \"user\"]@user ");
  load("(");
  assert_non_null(strstr(buf_cstr(&seen.b), "EOF while reading"));
  EV("(load-file \"/nowhere\")", "!java.io.FileNotFoundException: /nowhere (No such file or directory) ");
  EV("(+ 1 2)", "=3@user ");
}

/* --- interrupts --------------------------------------------------------------------------------------------------------------------- */
static void *interrupt_when_busy(void *arg) {
  while (!repl_evaluating(arg)) sched_yield();
  while (repl_evaluating(arg)) {
    repl_interrupt(arg);
    sched_yield();
  }
  return NULL;
}
static void interrupted(const char *text) {
  pthread_t t;
  pthread_create(&t, NULL, interrupt_when_busy, s);
  assert_int_equal(ev(text), REPL_STOPPED);
  pthread_join(t, NULL);
  SAYS("!!java.lang.InterruptedException: Evaluation interrupted ");
  EV("(+ 1 2)", "=3@user ");
}
static void test_interrupt(void **state) {
  (void)state;
  interrupted("(loop [] (recur))");
  interrupted("(loop [] (try (throw (Exception. \"x\")) (catch Throwable _ nil)) (recur))");
  interrupted("(count (iterate inc 0))");
  interrupted("(reduce + (map inc (range)))");
  ev("(defmacro forever [] (loop [] (recur)))");
  interrupted("(forever)");
  interrupted("(sort-by (fn [x] (loop [] (recur))) [2 1])");
  seen.interrupt_at = 3;
  assert_int_equal(ev("(loop [] (println 1) (recur))"), REPL_STOPPED);
}

static void test_interrupt_while_printing(void **state) {
  (void)state;
  interrupted("(iterate inc 0)");
  assert_int_equal(seen.last.interrupted, true);
}

static void test_idle_interrupt_is_forgotten(void **state) {
  (void)state;
  repl_interrupt(s);
  EV("(+ 1 2)", "=3@user ");
}

/* --- two threads -------------------------------------------------------------------------------------------------------------------- */
static void silent(void *ctx, ReplStream to, const char *t, size_t n) { (void)ctx, (void)to, (void)t, (void)n; }
static void no_value(void *ctx, Val v, const char *t, size_t n, const char *ns) { (void)ctx, (void)v, (void)t, (void)n, (void)ns; }
static void no_error(void *ctx, const ReplError *e) { (void)ctx, (void)e; }

static void *spin(void *arg) {
  mem_thread_enter();
  ReplCallbacks cb = {NULL, silent, no_value, no_error, NULL, NULL};
  const char *text = "(loop [i 0] (recur (count (str i (vec (range 100))))))";
  ReplResult r = repl_eval(arg, &(ReplSource){.text = text, .n = strlen(text)}, &cb);
  mem_thread_leave();
  return (void *)(intptr_t)r;
}
static void count_candidates(void *ctx, const ReplCandidate *c) {
  (void)c;
  ++*(int *)ctx;
}
static void test_two_threads(void **state) {
  (void)state;
  ReplSession *busy = repl_clone(s);
  pthread_t t;
  void *result;
  pthread_create(&t, NULL, spin, busy);
  while (!repl_evaluating(busy)) sched_yield();
  for (int i = 0; i < 50; i++) {
    int n = 0;
    repl_complete(busy, "mapv", NULL, count_candidates, &n);
    assert_int_equal(n, 1);
    EV("(def z (reduce + (range 1000))) z", "=#'user/z@user =499500@user ");
  }
  assert_true(repl_evaluating(busy));
  repl_interrupt(busy);
  pthread_join(t, &result);
  assert_int_equal((int)(intptr_t)result, REPL_STOPPED);
  eval_src(busy, (ReplSource){.text = "z"});
  SAYS("=499500@user ");
  repl_free(busy);
}

/* --- text being typed --------------------------------------------------------------------------------------------------------------- */
static ReplCheck check(const char *text) {
  ReplCheck c;
  repl_check(s, text, strlen(text), &c);
  return c;
}
static void test_check(void **state) {
  (void)state;
  assert_int_equal(check("  ; x").form, REPL_EMPTY);
  assert_int_equal(check("(a) 1").form, REPL_COMPLETE);
  assert_int_equal(check("(a) 1").first_end, 3);
  assert_int_equal(check("(a) (b").form, REPL_INCOMPLETE);
  assert_int_equal(check("(a) (b").first_end, 3);
  assert_int_equal(check("(a))").form, REPL_BAD);
  assert_int_equal(check("(a))").col, 4);
  assert_int_equal(check("'").form, REPL_INCOMPLETE);
  assert_int_equal(check("#_").form, REPL_INCOMPLETE);
  assert_int_equal(check("\"abc").open, '"');
  assert_int_equal(check("#\"abc").form, REPL_INCOMPLETE);
  assert_int_equal(check("#?(:clj").form, REPL_INCOMPLETE);
  assert_int_equal(check("^{:a").form, REPL_INCOMPLETE);
  ReplCheck c = check("(defn f [x]\n  (let [a 1");
  assert_int_equal(c.line, 2);
  assert_int_equal(c.col, 8);
  assert_int_equal(c.open, '[');
  assert_int_equal(c.indent, 8);
  assert_int_equal(check("(defn f [x]").indent, 2);
  assert_int_equal(check("(map inc").indent, 5);
  assert_int_equal(check("(map").indent, 1);
  assert_int_equal(check("{:a 1").indent, 1);
  assert_int_equal(check("(str \"a").indent, 0);
  assert_int_equal(check("(a 08").form, REPL_BAD);
}

/* --- completion ----------------------------------------------------------------------------------------------------------------------- */
static void list_candidates(void *ctx, const ReplCandidate *c) { buf_fmt(ctx, "%s:%s ", c->text, c->type); }
static char *complete(const char *prefix, const char *ns) {
  static Buf b;
  b.n = 0;
  repl_complete(s, prefix, ns, list_candidates, &b);
  return buf_cstr(&b);
}
static void test_complete(void **state) {
  (void)state;
  ev("(def my-var 1) (defn my-fn [a] a) (defmacro my-macro [a] a) :my/keyword ::my-own (ns third) (def deep 1) (in-ns 'user)");
  ev("1 2 3 4");
  mem_collect(); /* keywords are weakly held: the session keeps those it has read */
  assert_string_equal(complete("my-", NULL), "my-fn:function my-macro:macro my-var:var ");
  assert_string_equal(complete("str/tri", NULL), "str/trim:function str/trim-newline:function str/triml:function str/trimr:function ");
  assert_string_equal(complete("clojure.set/un", NULL), "clojure.set/union:function ");
  assert_string_equal(complete("third/", NULL), "third/deep:var ");
  assert_string_equal(complete("third", NULL), "third:namespace ");
  assert_string_equal(complete("dee", "third"), "deep:var ");
  assert_string_equal(complete(":my/k", NULL), ":my/keyword:keyword ");
  assert_string_equal(complete("::my", NULL), "::my-own:keyword ");
  assert_string_equal(complete("recu", NULL), "recur:special-form ");
  assert_string_equal(complete("apropo", NULL), "apropos:function ");
  assert_string_equal(complete("zzz", NULL), "");
}
static void test_complete_files(void **state) {
  (void)state;
  char dir[] = "/tmp/test_repl_XXXXXX", path[128], text[256];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/flow.edn", dir);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fclose(f);
  int n = snprintf(text, sizeof text, "(slurp \"%s/fl", dir);
  size_t start;
  Buf b = {0};
  repl_complete_at(s, text, (size_t)n, &start, list_candidates, &b);
  assert_int_equal(start, 8);
  snprintf(text, sizeof text, "%s:local-file ", path);
  assert_string_equal(buf_cstr(&b), text);
  b.n = 0;
  repl_complete_at(s, "(foo (mapv \"a\" ;\" \n red", 23, &start, list_candidates, &b);
  assert_int_equal(start, 20);
  assert_non_null(strstr(buf_cstr(&b), "reduce:function "));
  unlink(path);
  rmdir(dir);
  buf_free(&b);
}

static void test_lookup(void **state) {
  (void)state;
  ReplInfo i;
  eval_src(s, (ReplSource){.text = "; note\n(defn g \"Says.\" ([a] a)\n ([a b] b)) 1", .file = "g.clj", .line = 4});
  assert_true(repl_lookup(s, "g", NULL, &i));
  assert_string_equal(buf_cstr(&i.ns), "user");
  assert_string_equal(buf_cstr(&i.arglists), "([a] [a b])");
  assert_string_equal(buf_cstr(&i.doc), "Says.");
  assert_string_equal(buf_cstr(&i.file), "g.clj");
  assert_int_equal(i.line, 5);
  assert_string_equal(buf_cstr(&i.source), "(defn g \"Says.\" ([a] a)\n ([a b] b))");
  repl_info_free(&i);
  assert_true(repl_lookup(s, "when", NULL, &i));
  assert_true(i.macro);
  repl_info_free(&i);
  assert_true(repl_lookup(s, "str/join", NULL, &i));
  assert_string_equal(buf_cstr(&i.ns), "clojure.string");
  repl_info_free(&i);
  assert_true(repl_lookup(s, "if", NULL, &i));
  assert_true(i.special);
  repl_info_free(&i);
  assert_true(repl_lookup(s, "comp", NULL, &i));
  assert_int_equal(strncmp(buf_cstr(&i.source), "(defn comp", 10), 0);
  repl_info_free(&i);
  assert_false(repl_lookup(s, "no-such-name", NULL, &i));
  repl_info_free(&i);
}

static void test_help_functions(void **state) {
  (void)state;
  ev("(doc g)");
  assert_non_null(strstr(buf_cstr(&seen.b), "Nothing is named g"));
  ev("(defn h \"Helps.\" [x] x) (doc h) (source h) (dir clojure.walk) (apropos \"postwalk-r\")");
  assert_non_null(strstr(buf_cstr(&seen.b), "user/h"));
  assert_non_null(strstr(buf_cstr(&seen.b), "Helps."));
  assert_non_null(strstr(buf_cstr(&seen.b), "(defn h \"Helps.\" [x] x)"));
  assert_non_null(strstr(buf_cstr(&seen.b), "keywordize-keys"));
  assert_non_null(strstr(buf_cstr(&seen.b), "(clojure.walk/postwalk-replace)"));
  ev("(help)");
  assert_non_null(strstr(buf_cstr(&seen.b), "Ctrl-C"));
  ev("(find-doc \"(?i)murmur|juxt\")");
  assert_non_null(strstr(buf_cstr(&seen.b), "clojure.core/juxt"));
  ev("(ex-info \"x\" {}) (pst (ex-info \"why\" {:k 1} (Exception. \"cause\")))");
  assert_non_null(strstr(buf_cstr(&seen.b), "e:clojure.lang.ExceptionInfo: why {:k 1}\n"));
  assert_non_null(strstr(buf_cstr(&seen.b), "Caused by: java.lang.Exception: cause"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
  mem_init();
  repl_init();
  const struct CMUnitTest tests[] = {
      T(test_values), T(test_namespace_of_one_text), T(test_load), T(test_interrupt_at_begin), T(test_has_ns), T(test_load_file),
      T(test_errors), T(test_lasting_bindings), T(test_printing), T(test_input),
      T(test_interrupt), T(test_interrupt_while_printing), T(test_idle_interrupt_is_forgotten), T(test_two_threads), T(test_check),
      T(test_complete), T(test_complete_files), T(test_lookup), T(test_help_functions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
