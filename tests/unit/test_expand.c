/* test_expand.c - macroexpansion: the shape of core forms, errors, positions, macros written in the language. */
#include "eval/expand.h"
#include "eval/macros.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* after the standard headers it needs */
#include <cmocka.h>

static Env *env;

static int fresh_env(void **state) {
  (void)state;
  env = env_new();
  return 0;
}

static Val form_of(const char *text) {
  Reader r;
  read_init(&r, text, strlen(text), "t.clj");
  env_reader(env, &r);
  Val f = read_next(&r);
  assert_false(is_sig(f));
  return f;
}

static Val expanded(const char *text, const char *file) { return expand(env, form_of(text), file); }

static const char *shown(Val v) {
  assert_false(is_sig(v));
  Val s = pr_str(v);
  assert_false(is_sig(s));
  return str_s(s);
}

/* Gensyms are numbered per environment: each case starts with a new one, so that their names are fixed. */
static void expands(const char *text, const char *core) {
  env = env_new();
  assert_string_equal(shown(expanded(text, NULL)), core);
}

static void fails(const char *text, enum Exc cls, enum Kind kind, const char *message) {
  env = env_new();
  assert_true(same(expanded(text, NULL), SIG_THROW));
  const Ex *e = AS(Ex, pend.ex);
  assert_string_equal(exc_class_name((enum Exc)e->cls), exc_class_name(cls));
  assert_string_equal(kind_name((enum Kind)e->kind), kind_name(kind));
  assert_string_equal(str_s(e->msg), message);
}
#define SYNTAX(text, cls, message) fails(text, cls, KIND_SYNTAX, message)
#define SPEC(text, macro) SYNTAX(text, EXC_INFO, "Call to clojure.core/" macro " did not conform to spec.")
#define ARITY(text, n, macro) fails(text, EXC_ARITY, KIND_ARITY, "Wrong number of args (" #n ") passed to: clojure.core/" macro)

static void evaluates(const char *text, const char *value) {
  env = env_new();
  Val v = env_eval_text(env, text, strlen(text), NULL), f = builtin_find("clojure.core/pr-str")->self;
  if (same(v, SIG_THROW)) print_message("%s: %s\n", text, shown(AS(Ex, pend.ex)->msg));
  assert_false(is_sig(v));
  Val s = mach_call_sync(env, f, &v, 1);
  assert_false(is_sig(s));
  assert_string_equal(str_s(s), value);
}

static void special_forms(void **state) {
  (void)state;
  expands("(fn* [a] a)", "(fn* ([a] a))");
  expands("(fn [x] {:pre [(pos? x)] :post [(neg? %)]} x)",
          "(fn* ([x] (if (pos? x) nil (throw (new AssertionError \"Assert failed: (pos? x)\"))) "
          "(let* [% x] (if (neg? %) nil (throw (new AssertionError \"Assert failed: (neg? %)\"))) %)))");
  expands("(fn [x] {:pre x})", "(fn* ([x] {:pre x}))");
  expands("(fn self ([] 0) ([a & r] r))", "(fn* self ([] 0) ([a & r] r))");
  expands("(Foo. 1)", "(new Foo 1)");
  expands("(.length s)", "(.length s)");
  expands("(. Math abs 1)", "(Math/abs 1)");
  expands("(. s (substring 1))", "(.substring s 1)");
  expands("(let [s 1] (. s foo 2))", "(let* [s 1] (.foo s 2))");
  expands("(def f (fn [x] x))", "(def f (fn* user/f ([x] x)))");
  expands("(letfn [(f [x] (g x)) (g [x] x)] f)", "(letfn* [f (fn* f ([x] (g x))) g (fn* g ([x] x))] f)");
  expands("(try a (catch Exception e (when e 1)) (finally b))", "(try a (catch Exception e (if e (do 1))) (finally b))");
  expands("'(when a b)", "(quote (when a b))");
  expands("{(inc 1) [(when a b)] :k #{(or)}}", "{(inc 1) [(if a (do b))], :k #{nil}}");
  expands("^{:a (when 1 2)} [1]", "(clojure.core/with-meta [1] {:a (if 1 (do 2))})");
  expands("^:k (fn [x] x)", "(clojure.core/with-meta (fn* ([x] x)) {:k true})");
  expands("(fn [^long x] ^String x)", "(fn* ([x] x))");
}

static void shadowing(void **state) {
  (void)state;
  expands("(let [when 1] (when 2 3))", "(let* [when 1] (when 2 3))");
  expands("(fn [and] (and 1 2))", "(fn* ([and] (and 1 2)))");
  expands("(fn or [x] (or 1 2))", "(fn* or ([x] (or 1 2)))");
  expands("(do (let [when 1] when) (when 2 3))", "(do (let* [when 1] when) (if 2 (do 3)))");
  expands("(try 1 (catch Exception when (when 1)))", "(try 1 (catch Exception when (when 1)))");
  expands("(let [seq 1 first 2] (when-first [x [1]] x))",
          "(let* [seq 1 first 2] (let* [xs__0__auto__ (clojure.core/seq [1])] "
          "(if xs__0__auto__ (let* [x (clojure.core/first xs__0__auto__)] x) nil)))");
}

static void patterns(void **state) {
  (void)state;
  expands("(let [[a [b] :as v] x] a)",
          "(let* [vec__0__auto__ x a (clojure.core/nth vec__0__auto__ 0 nil) vec__1__auto__ (clojure.core/nth vec__0__auto__ 1 nil) "
          "b (clojure.core/nth vec__1__auto__ 0 nil) v vec__0__auto__] a)");
  expands("(let [{:keys [a n/b :c] :p/keys [d] :syms [e] :strs [f] g :g :or {a 1 g 2} :as m} x] a)",
          "(let* [map__0__auto__ (clojure.core/destructure-map* x) m map__0__auto__ g (clojure.core/get map__0__auto__ :g 2) "
          "a (clojure.core/get map__0__auto__ :a 1) b (clojure.core/get map__0__auto__ :n/b) c (clojure.core/get map__0__auto__ :c) "
          "d (clojure.core/get map__0__auto__ :p/d) e (clojure.core/get map__0__auto__ (quote e)) "
          "f (clojure.core/get map__0__auto__ \"f\")] a)");
  expands("(fn [[a] & {:keys [k]}] k)",
          "(fn* ([p__0__auto__ & p__1__auto__] (let* [a (clojure.core/nth p__0__auto__ 0 nil) "
          "map__2__auto__ (clojure.core/destructure-map* p__1__auto__) k (clojure.core/get map__2__auto__ :k)] k)))");
  evaluates("(let [[a & [b & c] :as v] [1 2 3 4]] [a b c v])", "[1 2 (3 4) [1 2 3 4]]");
  evaluates("(let [[a & r] #{7}] [a r])", "[7 nil]");
  evaluates("((fn [& {:keys [a b] :as m}] [a b m]) :a 1 {:b 2})", "[1 2 {:a 1, :b 2}]");
  evaluates("((fn [& {:keys [a] :as m}] [a m]) {:a 1})", "[1 {:a 1}]");
  evaluates("((fn [& {:as m}] m))", "nil");
  evaluates("(let [{:as m} (list)] m)", "{}");
  evaluates("(let [{:keys [a b] :or {b (inc a)}} {:a 1}] [a b])", "[1 2]");
  evaluates("(loop [[x & xs] [1 2 3] n 0] (if x (recur xs (+ n x)) n))", "6");
}

static void definitions(void **state) {
  (void)state;
  expands("(defn f [x] (f x))", "(def f (fn* user/f ([x] (f x))))");
  Val d = expanded("(defn ^:k f \"doc\" {:more 1} ([a] a) ([a b] b) {:last 2})", NULL);
  Val meta = meta_of(seq_first(seq_next(d)));
  assert_string_equal(shown(map_get_kw(meta, "arglists")), "([a] [a b])");
  assert_string_equal(shown(map_get_kw(meta, "doc")), "\"doc\"");
  assert_string_equal(shown(VEC(map_get_kw(meta, "k"), map_get_kw(meta, "more"), map_get_kw(meta, "last"))), "[true 1 2]");
  assert_true(truthy(map_get_kw(meta_of(seq_first(seq_next(expanded("(defn- f [] 1)", NULL)))), "private")));
  assert_true(truthy(map_get_kw(meta_of(seq_first(seq_next(expanded("(defmacro m [] 1)", NULL)))), "macro")));
  expands("(ns a.b \"doc\" (:require [c.d :as e] f (g h [i :as j])) (:import x))",
          "(do (clojure.core/in-ns (quote a.b)) (clojure.core/reset-meta! (clojure.core/find-ns (quote a.b)) (quote {:doc \"doc\"})) "
          "(clojure.core/require (quote [c.d :as e]) (quote f) (quote (g h [i :as j]))) (breyta.type/import* (quote x)) nil)");
  expands("(declare a b)", "(do (def a) (def b))");
}

static void conditions_and_threads(void **state) {
  (void)state;
  expands("(cond a 1 b 2 :else 3)", "(if a 1 (if b 2 3))");
  expands("(let [a 1] (and a (or a 2)))", "(let* [a 1] (if a (if a a 2) a))");
  expands("(and (f) 2)", "(let* [and__0__auto__ (f)] (if and__0__auto__ 2 and__0__auto__))");
  expands("(-> x (f 1) g (->> (h 2)))", "(h 2 (g (f x 1)))");
  expands("(some-> x f)", "(let* [some__0__auto__ x] (if (clojure.core/nil? some__0__auto__) nil (f some__0__auto__)))");
  expands("(if-let [x 1] x y)", "(let* [temp__0__auto__ 1] (if temp__0__auto__ (let* [x temp__0__auto__] x) y))");
  expands("(when-let [x 1] x)", "(let* [x 1] (if x x nil))");
  expands("(case x (1 2) a :b c d)", "(case* x d [1 2] a [:b] c)");
  expands("(condp f x 1 a 2 :>> b c)",
          "(let* [expr__1__auto__ x] (if (f 1 expr__1__auto__) a (let* [test__2__auto__ (f 2 expr__1__auto__)] "
          "(if test__2__auto__ (b test__2__auto__) c))))");
  expands("(binding [*a* 1] b)", "(binding* [*a* 1] b)");
  expands("(lazy-seq a)", "(clojure.core/lazy-seq* (fn* ([] a)))");
}

static void loops(void **state) {
  (void)state;
  expands("(for [x xs] (f x))", "(clojure.core/map (fn* ([x] (f x))) xs)");
  expands("(while a b)", "(loop* [] (if a (do b (recur)) nil))");
  evaluates("(for [x [1 2 3 4] :let [y (* x x)] :when (even? y) :while (< x 4) z [:a :b]] [y z])", "([4 :a] [4 :b])");
  evaluates("(for [x [1 2] y [] z [3]] 1)", "()");
  evaluates("(take 2 (for [x (range) :when (odd? x)] (* x 10)))", "(10 30)");
  evaluates("(let [a (atom 0) s (for [x [1 2 3] y [4]] (swap! a inc))] [(first s) @a])", "[1 1]");
  evaluates("(for [x [1 2]] (loop [n x] (if (pos? n) (recur (dec n)) n)))", "(0 0)");
  evaluates("(let [a (atom [])] [(doseq [x [1 2 3] :when (not= x 2) :let [y x] z [:a :b] :while (= z :a)] (swap! a conj [y z])) @a])",
            "[nil [[1 :a] [3 :a]]]");
  evaluates("(doseq [] 1)", "1");
  evaluates("(let [a (atom 0)] (dotimes [i 5] (swap! a + i)) @a)", "10");
  SYNTAX("(for [x [1] :foo 1] 1)", EXC_ILLEGAL_ARG, "Invalid 'for' keyword :foo");
  SPEC("(for [x [1] :let [a]] x)", "let");
}

static void spec_errors(void **state) {
  (void)state;
  static const char *const let[] = {"(let)", "(let 5)", "(let [x])", "(let [a/b 1] 1)", "(let [[a &] 1] 1)", "(let [[a :as] 1] 1)",
                                    "(let [{:keys [1]} 1] 1)", "(let [{:keys a} 1] 1)", "(let [{:or 5} 1] 1)", "(let [{:foo a} 1] 1)",
                                    "(let [{:b/keys [x :c]} 1] 1)", "(let [& 1] 1)", "(let [{:or {:a 1}} 1] 1)"};
  for (size_t i = 0; i < sizeof let / sizeof *let; i++) SPEC(let[i], "let");
  static const char *const fn[] = {"(fn)", "(fn x)", "(fn (1))", "(fn [a &] 1)", "(fn [& a b] 1)", "(fn f g [x])", "(letfn [(f 5)] 1)"};
  for (size_t i = 0; i < sizeof fn / sizeof *fn; i++) SPEC(fn[i], "fn");
  static const char *const defn[] = {"(defn)", "(defn f)", "(defn 5 [])", "(defn f \"doc\")", "(defn f 5)", "(defmacro f)"};
  for (size_t i = 0; i < sizeof defn / sizeof *defn; i++) SPEC(defn[i], "defn");
  SPEC("(if-let [x 1 y 2] 1)", "if-let");
  SPEC("(if-let [x 1] 1 2 3)", "if-let");
  SPEC("(when-let [x])", "when-let");
  SPEC("(ns 5)", "ns");
  SPEC("(ns a (:bogus 1))", "ns");
}

static void syntax_errors(void **state) {
  (void)state;
  SYNTAX("(if true)", EXC_RUNTIME, "Too few arguments to if");
  SYNTAX("(if 1 2 3 4)", EXC_RUNTIME, "Too many arguments to if");
  SYNTAX("(nil 1)", EXC_ILLEGAL_ARG, "Can't call nil, form: (nil 1)");
  SYNTAX("(def 5 1)", EXC_RUNTIME, "First argument to def must be a Symbol");
  SYNTAX("(def a 1 2)", EXC_RUNTIME, "Too many arguments to def");
  SYNTAX("(cond 1 2 3)", EXC_ILLEGAL_ARG, "cond requires an even number of forms");
  SYNTAX("(case 1 1 :a (2 1) :b)", EXC_ILLEGAL_ARG, "Duplicate case test constant: 1");
  SYNTAX("(loop [x])", EXC_ILLEGAL_ARG, "loop requires an even number of forms in binding vector in user:1");
  SYNTAX("(dotimes [x 1 y 2] 1)", EXC_ILLEGAL_ARG, "dotimes requires exactly 2 forms in binding vector in user:1");
  SYNTAX("(fn ([a] 1) ([b] 2))", EXC_RUNTIME, "Can't have 2 overloads with same arity");
  SYNTAX("(fn ([& a] 1) ([& b] 2))", EXC_RUNTIME, "Can't have more than 1 variadic overload");
  SYNTAX("(fn ([a] 1) ([& b] 2))", EXC_RUNTIME, "Can't have fixed arity function with more params than variadic function");
  SYNTAX("(try 1 (finally 1) 2)", EXC_RUNTIME, "finally clause must be last in try expression");
  SYNTAX("(try (catch Exception e 1) 2)", EXC_RUNTIME, "Only catch or finally clause can follow catch in try expression");
  SYNTAX("(try (catch Exception) 1)", EXC_ILLEGAL_ARG, "Bad binding form, expected symbol, got: null");
  SYNTAX("(try (catch 5 e 1))", EXC_ILLEGAL_ARG, "Unable to resolve classname: 5");
  SYNTAX("(throw)", EXC_RUNTIME, "Too few arguments to throw, throw expects a single Throwable instance");
  SYNTAX("(let [x 1] (set! x 2))", EXC_ILLEGAL_ARG, "Cannot assign to non-mutable: x");
  SYNTAX("(let* [1 2] 1)", EXC_ILLEGAL_ARG, "Bad binding form, expected symbol, got: 1");
  SYNTAX("(.foo)", EXC_ILLEGAL_ARG, "Malformed member expression, expecting (.member target ...)");
  fails("(cond-> 1 true)", EXC_ASSERTION, KIND_ASSERT, "Assert failed: (even? (count clauses))");
  ARITY("(when)", 0, "when");
  ARITY("(->)", 0, "->");
  ARITY("(case)", 0, "case");
  ARITY("(if-not 1 2 3 4)", 4, "if-not");
  ARITY("(for [x [1]])", 1, "for");
}

static bool place(Val form, int line, int column) {
  int l, c;
  return form_pos(form, &l, &c) && l == line && c == column;
}

static void positions(void **state) {
  (void)state;
  Val f = expanded("(do\n  (when a\n    (inc b)))", NULL), if_ = seq_first(seq_next(f));
  assert_true(place(f, 1, 1));
  assert_true(sym_is(seq_first(if_), "if"));
  assert_true(place(if_, 2, 3));
  Val body = coll_nth(if_, 2, NIL);
  assert_true(place(seq_first(seq_next(body)), 3, 5));
  assert_true(place(expanded("(-> x\n (f 1))", NULL), 2, 2));
  assert_true(place(expanded("(Foo. 1)", NULL), 1, 1));
  assert_true(same(expanded("(do\n (f (if)))", "t.clj"), SIG_THROW));
  assert_string_equal(str_s(AS(Ex, pend.ex)->msg), "Too few arguments to if (t.clj:2:5)");
  assert_true(is_nil(meta_of(seq_first(seq_next(expanded("'(1)", NULL))))));
  assert_true(place(seq_first(seq_next(expanded("'(1)", "t.clj"))), 1, 2));
}

static void user_macros(void **state) {
  (void)state;
  evaluates("(do (defmacro unless [c & b] `(if ~c nil (do ~@b))) (unless false 1 2))", "2");
  evaluates("(do (defmacro lazy [& xs] (map identity (cons '+ (map inc xs)))) (lazy 1 2))", "5");
  evaluates("(do (defmacro data [] (list 'quote (map inc [1 (first [2])]))) (data))", "(2 3)");
  evaluates("(do (defmacro env [] (list 'quote (set (keys &env)))) (let [a 1] (env)))", "#{a}");
  evaluates("(do (defmacro whole [& _] (list 'quote &form)) (whole 1 2))", "(whole 1 2)");
  evaluates("(do (defmacro two [a b] a) (try (eval '(two 1)) (catch Exception e (ex-message e))))",
            "\"Wrong number of args (1) passed to: user/two\"");
  evaluates("(do (defmacro ever [] '(ever)) (try (eval '(ever)) (catch StackOverflowError e :deep)))", ":deep");
  evaluates("[(macroexpand-1 '(when a b)) (macroexpand '(-> a b)) (macroexpand-1 '(Foo. 1)) (macroexpand-1 '(.a b c))]",
            "[(if a (do b)) (b a) (new Foo 1) (. b a c)]");
}

static void too_deep(void **state) {
  (void)state;
  Val f = NIL;
  for (int i = 0; i < 3000; i++) f = LIST(sym_c("do"), f);
  env = env_new();
  assert_true(same(expand(env, f, NULL), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->kind, KIND_STACK);
}

int main(void) {
  mem_init();
  mem_thread_enter();
  builtin_register(rows_macros);
  env_register();
  stdlib_register();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(special_forms, fresh_env), cmocka_unit_test_setup(shadowing, fresh_env),
      cmocka_unit_test_setup(patterns, fresh_env), cmocka_unit_test_setup(definitions, fresh_env),
      cmocka_unit_test_setup(conditions_and_threads, fresh_env), cmocka_unit_test_setup(loops, fresh_env),
      cmocka_unit_test_setup(spec_errors, fresh_env), cmocka_unit_test_setup(syntax_errors, fresh_env),
      cmocka_unit_test_setup(positions, fresh_env), cmocka_unit_test_setup(user_macros, fresh_env),
      cmocka_unit_test_setup(too_deep, fresh_env)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
