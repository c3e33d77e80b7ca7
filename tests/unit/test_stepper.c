/* test_stepper.c - runs under the hand of a person: held in front of steps, answered, failed, changed; stacks and locals of past
 * steps; forks with changes; cancelling. On the in-memory store; tests/crash/crash_forks.c has the crashes. */
#include "eval/macros.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/fork.h"
#include "runtime/engine/inspect.h"
#include "runtime/engine/stepper.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct World { Store *store; Engine *e; Stepper s; Err err; } World;

#define HEAD "{:slug :t :name \"t\" :concurrency {:type :singleton :on-new-version :supersede}\n :flow '"

static FlowDef *flow(const char *body) {
  Buf text = {0};
  buf_fmt(&text, HEAD "%s}", body);
  Diags d = {0};
  FlowDef *f = flowdef_read(buf_cstr(&text), text.n, "t.edn", &d);
  Buf out = {0};
  if (!f) diags_print(&d, "t.edn", &out), print_error("%s\n", buf_cstr(&out));
  assert_non_null(f);
  diags_free(&d);
  return f;
}

static World world(void) {
  World w = {0};
  w.store = store_open("mem", &(StoreOptions){.memory = true, .executor = true}, &w.err);
  assert_non_null(w.store);
  w.e = engine_new(w.store, &(EngineOptions){.verify = true}, &w.err);
  w.s.e = w.e;
  return w;
}
static void end(World *w) {
  engine_free(w->e);
  store_close(w->store);
}

static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), NULL, true);
  assert_false(is_sig(v));
  return v;
}

static void same_edn_at(Val got, const char *want, const char *file, int line) {
  if (!is_sig(got) && same(val_eq(got, edn(want)), TRUE_V)) return;
  print_error("%s:%d: got %s, not %s\n", file, line, is_sig(got) ? "a signal" : str_s(pr_str(got)), want);
  fail();
}
#define SAME(got, want) same_edn_at(got, want, __FILE__, __LINE__)
static void true_at(bool ok, World *w, int line) {
  if (!ok) print_error("line %d: %s\n", line, w->err.code ? w->err.msg : "false");
  assert_true(ok);
}
#define OK(x) true_at(x, &w, __LINE__)

static World started(const char *body, const char *input, bool held) {
  World w = world();
  OK(engine_start(w.e, flow(body), edn(input), "r", &w.s.run, &w.err));
  if (held) w.e->stepping = w.s.run;
  OK(stepper_settle(&w.s, true, &w.err));
  return w;
}

static Val state(World *w, const char *key) { return map_get_kw(stepper_state(&w->s), key); }
static Val local(Val at, uint32_t frame, const char *name) {
  return map_get_kw(map_get_kw(vec_nth(map_get_kw(at, "frames"), frame), "locals"), name);
}
static void replays(World *w, int64_t run) {
  Buf diff = {0};
  RunState st;
  bool ok = engine_replay(w->e, run, &diff, &st, &w->err);
  if (!ok || diff.n) print_error("replay: %s\n", diff.n ? buf_cstr(&diff) : w->err.msg);
  assert_true(ok && !diff.n);
  buf_free(&diff);
}

/* Ends w's engine as a crash would and opens another on the same store. */
static void again(World *w) {
  engine_free(w->e);
  w->e = w->s.e = engine_new(w->store, &(EngineOptions){.verify = true}, &w->err);
}

/* --- the stepper ------------------------------------------------------------ */
static const char *const three = "(let [a (flow/step :function :one {:code '(fn [_] 1)})\n b (flow/step :function :two {:input {:a a} "
                                 ":code '(fn [in] (+ 10 (:a in)))})]\n"
                                 " (try (flow/step :function :three {:input {:b b} :code '(fn [in] (:b in))}) (catch Exception e [:caught "
                                 "(ex-message e) (:type (ex-data e))])))";

static void test_step_by_step(void **st) {
  (void)st;
  World w = started(three, "{}", true);
  SAME(state(&w, "at"), ":held");
  SAME(map_get_kw(state(&w, "step"), "id"), ":one");
  SAME(map_get_kw(state(&w, "step"), "number"), "1");
  OK(stepper_step(&w.s, &w.err));
  SAME(map_get_kw(state(&w, "step"), "id"), ":two");
  SAME(map_get_kw(map_get_kw(state(&w, "step"), "input"), "input"), "{:a 1}");
  SAME(local(stepper_stack(&w.s), 0, "a"), "1");
  OK(stepper_step(&w.s, &w.err));
  OK(stepper_step(&w.s, &w.err));
  SAME(state(&w, "at"), ":over");
  SAME(state(&w, "value"), "11");
  replays(&w, w.s.run);
  end(&w);
}

static bool by_hand(void *ctx, const HistoryStep *h) {
  Val *seen = ctx;
  *seen = vec_conj(*seen, vec_of2(kw_c(h->step), str_c(h->by)));
  return true;
}

static void test_answers(void **st) {
  (void)st;
  World w = started(three, "{}", true);
  OK(stepper_answer(&w.s, true, fix(5), &w.err));
  SAME(map_get_kw(map_get_kw(state(&w, "step"), "input"), "input"), "{:a 5}");
  OK(stepper_step(&w.s, &w.err));
  OK(stepper_answer(&w.s, false, edn("{:message \"no\" :type :teapot}"), &w.err));
  SAME(state(&w, "value"), "[:caught \"no\" :teapot]");
  Val seen = vec_empty;
  OK(engine_history(w.e, w.s.run, by_hand, &seen, &w.err));
  SAME(seen, "[[:one \"hand\"] [:two \"\"] [:three \"hand\"]]");
  replays(&w, w.s.run);
  end(&w);
}

static void test_answers_are_durable(void **st) {
  (void)st;
  World w = started(three, "{}", true);
  OK(stepper_answer(&w.s, true, fix(5), &w.err));
  OK(stepper_answer(&w.s, true, edn("{:x [1 2.5 \"s\"]}"), &w.err));
  again(&w);
  OK(engine_resume(w.e, w.s.run, &w.err) && stepper_settle(&w.s, true, &w.err));
  SAME(state(&w, "value"), "{:x [1 2.5 \"s\"]}");
  replays(&w, w.s.run);
  end(&w);
}

static void test_not_data(void **st) {
  (void)st;
  World w = started(three, "{}", true);
  assert_false(stepper_answer(&w.s, true, builtin_find("clojure.core/inc")->self, &w.err));
  assert_string_equal(w.err.code, "not_serializable");
  SAME(state(&w, "at"), ":held");
  OK(stepper_run_on(&w.s, &w.err));
  SAME(state(&w, "value"), "11");
  assert_false(stepper_step(&w.s, &w.err));
  assert_string_equal(w.err.code, "not_at_step");
  assert_false(stepper_answer(&w.s, true, NIL, &w.err));
  end(&w);
}

static void test_wait_and_sleep(void **st) {
  (void)st;
  World w = started("(let [a (flow/step :wait :ask {:key \"k\" :timeout \"1h\"}) b (flow/step :sleep :nap {:seconds 1000})\n"
                    " c (flow/step :wait :ask {:key \"k2\" :timeout \"1h\"})] [a b c])", "{}", true);
  OK(stepper_step(&w.s, &w.err));
  SAME(state(&w, "at"), ":waiting");
  OK(stepper_answer(&w.s, true, edn("{:yes true}"), &w.err));
  SAME(map_get_kw(state(&w, "step"), "id"), ":nap");
  OK(stepper_step(&w.s, &w.err));
  SAME(state(&w, "at"), ":timer");
  assert_true(is_type(state(&w, "until"), T_INST));
  OK(stepper_answer(&w.s, true, kw_c("woken"), &w.err));
  OK(stepper_answer(&w.s, true, fix(3), &w.err)); /* before the wait is registered */
  SAME(state(&w, "value"), "[{:yes true} :woken 3]");
  replays(&w, w.s.run);
  end(&w);
}

static void test_checkpoint(void **st) {
  (void)st;
  World w = started("(flow/step :function :f {:on-error :checkpoint :code '(fn [_] (/ 1 0))})", "{}", true);
  OK(stepper_step(&w.s, &w.err));
  SAME(state(&w, "at"), ":waiting");
  again(&w);
  OK(stepper_answer(&w.s, true, fix(7), &w.err));
  SAME(state(&w, "value"), "7");
  replays(&w, w.s.run);
  end(&w);
}

/* --- changes in place ------------------------------------------------------------ */
static bool change(World *w, const char *name, int frame, const char *value) {
  LocalChange l = {name, frame, edn(value)};
  return stepper_change(&w->s, &l, 1, NIL, &w->err);
}

static void test_change_in_place(void **st) {
  (void)st;
  World w = started("(let [a 1 f (fn [x] (flow/step :function :s {:input {:x x :a a} :code '(fn [in] in)}))] [(f 10) a])", "{}", true);
  Val at = stepper_stack(&w.s);
  SAME(local(at, 0, "x"), "10");
  SAME(local(at, 0, "a"), "1");
  SAME(local(at, 1, "a"), "1");
  OK(change(&w, "x", -1, "20"));
  SAME(map_get_kw(map_get_kw(state(&w, "step"), "input"), "input"), "{:x 20 :a 1}");
  OK(change(&w, "a", -1, "2")); /* captured: only this call's */
  SAME(map_get_kw(map_get_kw(state(&w, "step"), "input"), "input"), "{:x 20 :a 2}");
  OK(change(&w, "a", 1, "3"));
  assert_false(change(&w, "a", 5, "3"));
  assert_string_equal(w.err.code, "no_local");
  assert_false(change(&w, "nope", -1, "3"));
  SAME(map_get_kw(state(&w, "step"), "number"), "1");
  again(&w);
  w.e->stepping = w.s.run;
  OK(engine_resume(w.e, w.s.run, &w.err) && stepper_settle(&w.s, true, &w.err));
  SAME(map_get_kw(map_get_kw(state(&w, "step"), "input"), "input"), "{:x 20 :a 2}");
  OK(stepper_run_on(&w.s, &w.err));
  SAME(state(&w, "value"), "[{:x 20 :a 2} 3]");
  replays(&w, w.s.run);
  end(&w);
}

/* Loops change their collection in place (eval/own.c): not one that somebody has looked at. */
static void test_what_was_seen_stays(void **st) {
  (void)st;
  World w = started("(loop [i 0 m {} v []] (if (< i 3) (let [r (flow/step :function :s {:input {:i i} :code '(fn [in] (:i in))})]\n"
                    " (recur (inc i) (assoc m r r) (conj v r))) [m v]))",
                    "{}", true);
  OK(stepper_step(&w.s, &w.err));
  Val at = stepper_stack(&w.s);
  SAME(local(at, 0, "m"), "{0 0}");
  OK(stepper_run_on(&w.s, &w.err));
  SAME(local(at, 0, "m"), "{0 0}");
  SAME(local(at, 0, "v"), "[0]");
  SAME(state(&w, "value"), "[{0 0 1 1 2 2} [0 1 2]]");
  replays(&w, w.s.run);
  end(&w);
}

static void test_change_config(void **st) {
  (void)st;
  World w = started("(flow/step :function :s {:input {:x 1} :code '(fn [in] (:x in))})", "{}", true);
  OK(stepper_change(&w.s, NULL, 0, edn("{:input {:x 9} :code (fn [in] [(:x in)])}"), &w.err));
  OK(stepper_run_on(&w.s, &w.err));
  SAME(state(&w, "value"), "[9]");
  replays(&w, w.s.run);
  end(&w);
}

/* --- what is in sight ------------------------------------------------------------ */
#define AT "(flow/step :function :here {:code '(fn [_] 0)})"
static Val sight(const char *body) {
  World w = started(body, "{}", false);
  Val at = inspect_at(w.e, w.s.run, 1, &w.err);
  if (same(at, ABSENT)) print_error("%s\n", w.err.msg);
  assert_false(same(at, ABSENT));
  Val frames = map_get_kw(at, "frames"), out = vec_empty;
  for (uint32_t i = 0; i < vec_count(frames); i++) {
    Val f = vec_nth(frames, i);
    out = vec_conj(out, vec_of2(map_get_kw(f, "fn"), map_get_kw(f, "locals")));
  }
  end(&w);
  return out;
}

static void shows_at(Val got, const char *want, int line) {
  char plain[2000], *o = plain; /* without the commas */
  for (const char *p = str_s(pr_str(got)); *p && o < plain + sizeof plain - 1; p++)
    if (*p != ',') *o++ = *p;
  *o = 0;
  if (!strcmp(plain, want)) return;
  print_error("line %d: %s, not %s\n", line, plain, want);
  fail();
}
#define SHOWS(got, want) shows_at(got, want, __LINE__)

static void test_sight(void **st) {
  (void)st;
  SHOWS(sight("(let [a 1 b (+ a 1)] " AT ")"), "[[\"flow\" {:a 1 :b 2}]]");
  SHOWS(sight("(let [a 1 r " AT " b 2] b)"), "[[\"flow\" {:a 1}]]");
  SHOWS(sight("(let [a 1] (let [a 2 z 0] nil) (let [a 3] " AT "))"), "[[\"flow\" {:a 3}]]");
  SHOWS(sight("(loop [i 0 acc []] (if (< i 2) (recur (inc i) (conj acc i)) " AT "))"), "[[\"flow\" {:i 2 :acc [0 1]}]]");
  SHOWS(sight("(let [{:keys [x] [p & q] :v :as m} {:x 1 :v [1 2 3]}] " AT ")"), "[[\"flow\" {:m {:x 1 :v [1 2 3]} :p 1 :q (2 3) :x 1}]]");
  SHOWS(sight("(try (throw (ex-info \"e\" {})) (catch Exception err " AT "))"),
        "[[\"flow\" {:err [#<exception clojure.lang.ExceptionInfo> \"e\"]}]]");
  SHOWS(sight("(try 1 (finally (let [k :v] " AT ")))"), "[[\"flow\" {:k :v}]]");
  SHOWS(sight("(letfn [(f [n] (if (zero? n) " AT " (g n))) (g [n] (f (dec n)))] (f 1))"),
       "[[\"user/f\" {:g #<fn user/g> :f #<fn user/f> :n 0}] [\"user/g\" {:f #<fn user/f> :g #<fn user/g> :n 1}]"
       " [\"user/f\" {:g #<fn user/g> :f #<fn user/f> :n 1}] [\"flow\" {:f #<fn user/f> :g #<fn user/g>}]]");
  SHOWS(sight("((fn ([a] 1) ([a b & more] " AT ")) 1 2 3 4)"), "[[\"user/fn\" {:a 1 :b 2 :more (3 4)}] [\"flow\" {}]]");
  SHOWS(sight("(mapv #(do " AT " (+ % %2)) [1] [2])"), "[[\"user/fn\" {:%1 1 :%2 2}] [\"clojure.core/mapv\" nil] [\"flow\" {}]]");
  SHOWS(sight("(let [xs (map inc (iterate inc 1)) _ (first xs) at (atom {:n 1})] " AT ")"),
        "[[\"flow\" {:xs (2 ...) :_ 2 :at [#<atom> {:n 1}]}]]");
  SHOWS(sight("(first (for [x [1 2]] " AT "))"), "[[\"user/fn\" {:x 1}] [\"breyta.lazy/map\" nil] [\"flow\" {}]]");
}

static void test_numbers(void **st) {
  (void)st;
  World w = started(
      "(do (dotimes [i 3] (flow/step :function :a {:input {:i i} :code '(fn [_] 0)})) (flow/step :function :b {:code '(fn [_] 0)}))", "{}",
      false);
  static const struct { const char *text; int64_t n; } good[] = {{"2", 2}, {"a", 1}, {":a", 1}, {"a#3", 3}, {":b", 4}, {"last", 4}};
  int64_t n;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    OK(inspect_step_number(w.e, w.s.run, good[i].text, &n, &w.err));
    assert_int_equal(n, good[i].n);
  }
  assert_false(inspect_step_number(w.e, w.s.run, "a#4", &n, &w.err));
  assert_string_equal(w.err.code, "no_step");
  assert_false(inspect_step_number(w.e, w.s.run, "zzz", &n, &w.err));
  assert_true(same(inspect_at(w.e, w.s.run, 5, &w.err), ABSENT));
  assert_string_equal(w.err.code, "no_step");
  SAME(map_get_kw(map_get_kw(inspect_at(w.e, w.s.run, 0, &w.err), "step"), "id"), ":b");
  end(&w);
}

/* --- forks ------------------------------------------------------------ */
static const ForkChanges nothing = {.result = NIL, .config = NIL, .input = NIL};

static Val fork_value(World *w, int64_t step, const ForkChanges *c) {
  World f = *w;
  if (!engine_fork(w->e, w->s.run, step, c, NULL, &f.s.run, &w->err)) {
    print_error("%s\n", w->err.msg);
    fail();
  }
  assert_true(engine_resume(f.e, f.s.run, &w->err) && stepper_settle(&f.s, true, &w->err));
  replays(&f, f.s.run);
  RunState st;
  assert_true(engine_state(w->e, f.s.run, &st, &w->err));
  Val v = st.status == RUN_COMPLETED ? st.value : map_get_kw(st.error, "message");
  return v;
}

static void refused(World *w, int64_t step, const ForkChanges *c, const char *code) {
  int64_t run;
  assert_false(engine_fork(w->e, w->s.run, step, c, NULL, &run, &w->err));
  assert_string_equal(w->err.code, code);
}

static void test_forks(void **st) {
  (void)st;
  World w = started(three, "{}", false);
  ForkChanges result = nothing, error = nothing, locals = nothing, config = nothing;
  LocalChange b = {"b", -1, fix(77)}, gone = {"zzz", -1, NIL}, code = {"b", -1, builtin_find("clojure.core/inc")->self};
  result.step = FORK_RESULT;
  result.result = fix(100);
  SAME(fork_value(&w, 1, &result), "110");
  error.step = FORK_ERROR;
  error.result = str_c("broken");
  SAME(fork_value(&w, 3, &error), "[:caught \"broken\" :by-hand]");
  SAME(fork_value(&w, 2, &error), "\"broken\"");
  locals.locals = &b;
  locals.nlocals = 1;
  SAME(fork_value(&w, 3, &locals), "77");
  config.config = edn("{:code (fn [_] :other)}");
  SAME(fork_value(&w, 3, &config), ":other");
  locals.locals = &gone;
  refused(&w, 3, &locals, "no_local");
  locals.locals = &code;
  refused(&w, 3, &locals, "not_serializable");
  refused(&w, 4, &nothing, "no_step");
  refused(&w, 0, &nothing, "no_step");
  end(&w);
}

static void test_fork_of_an_edited_run(void **st) {
  (void)st;
  World w = started(three, "{}", true);
  OK(stepper_step(&w.s, &w.err));
  OK(change(&w, "a", -1, "1000"));
  OK(stepper_run_on(&w.s, &w.err));
  SAME(state(&w, "value"), "1010");
  SAME(fork_value(&w, 3, &nothing), "1010");
  SAME(fork_value(&w, 2, &nothing), "1010");
  SAME(fork_value(&w, 1, &nothing), "11");
  ForkChanges input = nothing;
  input.input = edn("{:x 1}");
  refused(&w, 3, &input, "fork_diverged");
  end(&w);
}

static void test_fork_other_source(void **st) {
  (void)st;
  World w =
      started("(let [in (flow/input) a (flow/step :function :a {:input {:n (:n in)} :code '(fn [in] (inc (:n in)))}) t (flow/now-ms)]\n"
              " (flow/step :function :b {:input {:a a} :code '(fn [in] (/ (:a in) 0))}))",
              "{:n 4}", false);
  ForkChanges c = nothing;
  c.def = flow("(let [in (flow/input) a (flow/step :function :a {:input {:n (:n in) :more true} :code '(fn [in] :never)})]\n"
               " (flow/step :function :b {:input {:a a} :code '(fn [in] [:fixed (:a in)])}))");
  SAME(fork_value(&w, 2, &c), "[:fixed 5]");
  c.def = NULL;
  c.input = edn("{:n 1}");
  SAME(fork_value(&w, 1, &c), "\"Divide by zero\"");
  c.input = NIL;
  c.def = flow("(do (flow/step :function :z {:code '(fn [_] 0)}) (flow/step :function :b {:code '(fn [_] 0)}))");
  refused(&w, 2, &c, "fork_diverged");
  end(&w);
}

static void test_fork_own_identity(void **st) {
  (void)st;
  World w = started("(let [id (:run-id (:flow/ctx (flow/input))) r (rand) a (flow/step :function :a {:code '(fn [_] 1)})]\n"
                    " [id (flow/step :function :b {:input {:id id} :code '(fn [in] (:id in))}) (= r (do (flow/step :function :c {:code "
                    "'(fn [_] 1)}) r))])",
                    "{}", false);
  int64_t run;
  OK(engine_fork(w.e, w.s.run, 2, &nothing, "mine", &run, &w.err));
  SAME(map_dissoc(engine_lineage(w.e, run), kw_c("run")), "{:run-id \"r\" :step 2 :changed []}");
  SAME(engine_lineage(w.e, w.s.run), "nil");
  assert_false(engine_fork(w.e, w.s.run, 2, &nothing, "mine", &run, &w.err));
  assert_string_equal(w.err.code, "run_exists");
  w.s.run = run;
  RunRow row = {0};
  OK(store_run_by_id(w.store, NULL, "mine", &row, &w.err));
  w.s.run = row.run;
  run_row_free(&row);
  OK(engine_resume(w.e, w.s.run, &w.err) && stepper_settle(&w.s, true, &w.err));
  SAME(state(&w, "value"), "[\"mine\" \"mine\" true]");
  end(&w);
}

static void test_args_with_steps(void **st) {
  (void)st;
  World w = started(
      "(let [k 1] (flow/step :function :outer {:input {:k k :v (flow/step :function :inner {:code '(fn [_] 5)})} :code '(fn [in] in)}))",
      "{}", false);
  ForkChanges c = nothing;
  LocalChange k = {"k", -1, fix(2)};
  c.locals = &k;
  c.nlocals = 1;
  refused(&w, 2, &c, "fork_diverged"); /* evaluating the call again would do :inner again */
  SAME(fork_value(&w, 1, &c), "{:k 1, :v 5}"); /* k is in the map under way already */
  end(&w);
}

/* --- cancelling ------------------------------------------------------------ */
static void cancel(World *w, bool force) {
  RunRow row = {0};
  assert_true(store_run_get(w->store, w->s.run, &row, &w->err) && engine_cancel(w->store, &row, force, "enough", &w->err));
  run_row_free(&row);
  w->e->stepping = 0;
  assert_true(engine_drain_inbox(w->e, &w->err) && stepper_settle(&w->s, true, &w->err));
  replays(w, w->s.run);
}

#define GUARDED(what) "(try (try " what " (catch Throwable t (flow/step :kv :caught {:operation :set :key \"caught\" :value 1})))\n" \
                      " (finally (flow/step :kv :clean {:operation :set :key \"clean\" :value 1})))"
static bool kv_there(World *w, const char *key) {
  KvRow row = {0};
  bool there = store_kv_get(w->store, "local", key, &row, &w->err);
  free(row.key);
  blob_free(&row.value);
  return there;
}

static void test_cancel(void **st) {
  (void)st;
  static const char *const bodies[] = {
      GUARDED("(flow/step :wait :w {:key \"k\" :timeout \"1h\"})"), GUARDED("(flow/step :sleep :z {:seconds 1000})"),
      GUARDED("(flow/step :function :f {:on-error :checkpoint :code '(fn [_] (/ 1 0))})"),
      GUARDED("(flow/step :function :f {:retry {:max-attempts 2 :backoff-ms 50000} :code '(fn [_] (/ 1 0))})"),
      GUARDED("(first (map (fn [x] @(delay (flow/step :wait :w {:key \"k\" :timeout \"1h\"}))) [1 2]))")};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    for (int resumed = 0; resumed < 2; resumed++) {
      World w = world();
      OK(engine_start(w.e, flow(bodies[i]), edn("{}"), "r", &w.s.run, &w.err));
      OK(stepper_settle(&w.s, false, &w.err));
      if (resumed) again(&w);
      cancel(&w, false);
      SAME(state(&w, "status"), ":cancelled");
      SAME(state(&w, "error"), "{:type :cancelled :message \"cancelled: enough\" :retryable? false}");
      assert_true(kv_there(&w, "clean"));
      assert_false(kv_there(&w, "caught"));
      end(&w);
    }
}

static void test_cancel_held_and_force(void **st) {
  (void)st;
  World w = started(GUARDED("(flow/step :function :f {:code '(fn [_] 1)})"), "{}", true);
  cancel(&w, false);
  SAME(state(&w, "status"), ":cancelled");
  assert_true(kv_there(&w, "clean"));
  end(&w);
  w = started(GUARDED("(flow/step :wait :w {:key \"k\" :timeout \"1h\"})"), "{}", false);
  cancel(&w, true);
  SAME(state(&w, "status"), ":terminated");
  assert_false(kv_there(&w, "clean"));
  RunRow row = {0};
  OK(store_run_get(w.store, w.s.run, &row, &w.err));
  OK(engine_cancel(w.store, &row, false, NULL, &w.err) && engine_drain_inbox(w.e, &w.err)); /* over: stays as it is */
  run_row_free(&row);
  SAME(state(&w, "status"), ":terminated");
  InboxRow left;
  assert_int_equal(store_inbox(w.store, 0, &left, 1, &w.err), 0);
  end(&w);
}

static void test_finally_that_throws(void **st) {
  (void)st;
  World w = started("(try (try (flow/step :wait :w {:key \"k\" :timeout \"1h\"}) (finally (throw (ex-info \"in finally\" {}))))\n"
                    " (catch Exception e (flow/step :kv :late {:operation :set :key \"late\" :value 1})))", "{}", false);
  cancel(&w, false);
  SAME(state(&w, "status"), ":cancelled");
  assert_true(kv_there(&w, "late")); /* it may be caught, and its steps run; the run is cancelled all the same */
  end(&w);
}

static int setup(void **st) {
  (void)st;
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  engine_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_step_by_step), cmocka_unit_test(test_answers), cmocka_unit_test(test_answers_are_durable),
      cmocka_unit_test(test_not_data), cmocka_unit_test(test_wait_and_sleep), cmocka_unit_test(test_checkpoint),
      cmocka_unit_test(test_change_in_place), cmocka_unit_test(test_change_config), cmocka_unit_test(test_what_was_seen_stays), cmocka_unit_test(test_sight),
      cmocka_unit_test(test_numbers), cmocka_unit_test(test_forks), cmocka_unit_test(test_fork_of_an_edited_run),
      cmocka_unit_test(test_fork_other_source), cmocka_unit_test(test_fork_own_identity), cmocka_unit_test(test_args_with_steps),
      cmocka_unit_test(test_cancel), cmocka_unit_test(test_cancel_held_and_force), cmocka_unit_test(test_finally_that_throws)};
  return cmocka_run_group_tests(tests, setup, NULL);
}
