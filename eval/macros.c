/* macros.c - the table of C macros, and those for conditions, threading and single tricks. */
#include "macros.h"

/* --- conditions ---------------------------------------------------------------------------------------------------------- */
static Val if_form(Val test, Val then, Val otherwise) { return LIST(sym_c("if"), test, then, otherwise); }

MACRO_DOC(when, "[test & body]", "Evaluates body if test is neither false nor nil.", "(when (pos? 1) :a :b) ;=> :b");
Val macro_when(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "when", 1, -1));
  return LIST(sym_c("if"), f.a[1], LIST_BODY(&f, 2, sym_c("do")));
}

MACRO_DOC(when_not, "[test & body]", "Evaluates body if test is false or nil.", "(when-not (pos? -1) :neg) ;=> :neg");
Val macro_when_not(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "when-not", 1, -1));
  return if_form(f.a[1], NIL, LIST_BODY(&f, 2, sym_c("do")));
}

MACRO_DOC(if_not, "[test then] [test then else]", "Evaluates then if test is false or nil, else `else`.",
          "(if-not (pos? 1) :a :b) ;=> :b");
Val macro_if_not(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "if-not", 2, 3));
  return if_form(f.a[1], f.n > 3 ? f.a[3] : NIL, f.a[2]);
}

MACRO_DOC(cond, "[& clauses]",
          "test expr pairs: the expr of the first test that holds; nil if none does. The last test is usually :else.",
          "(cond (neg? 1) :neg (pos? 1) :pos :else :zero) ;=> :pos");
Val macro_cond(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  if (f.n == 1) return NIL;
  if (f.n % 2 == 0) return err_argument("cond requires an even number of forms");
  if (is_kw(f.a[1])) return f.a[2]; /* :else */
  return if_form(f.a[1], f.a[2], f.n == 3 ? NIL : LIST_BODY(&f, 3, core_sym("cond")));
}

/* and, or: (let* [v first] (if v more v)); no name is needed when the first form is a local. */
static Val short_circuit(Expander *x, Val form, const char *name, bool is_and) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  if (f.n == 1) return is_and ? TRUE_V : NIL;
  if (f.n == 2) return f.a[1];
  bool local = form_is_local(x, f.a[1]);
  Val v = local ? f.a[1] : expand_gensym(x, name), more = LIST_BODY(&f, 2, core_sym(name));
  Val test = is_and ? if_form(v, more, v) : if_form(v, v, more);
  return local ? test : LIST(sym_c("let*"), VEC(v, f.a[1]), test);
}

MACRO_DOC(and, "[& exprs]", "Evaluates exprs until one is false or nil: its value, else that of the last. (and) is true.",
          "(and 1 nil 2) ;=> nil");
Val macro_and(Expander *x, Val form) { return short_circuit(x, form, "and", true); }

MACRO_DOC(or, "[& exprs]", "Evaluates exprs until one is neither false nor nil: its value, else that of the last. (or) is nil.",
          "(or nil false 2) ;=> 2");
Val macro_or(Expander *x, Val form) { return short_circuit(x, form, "or", false); }

/* (let* [v init] (if TEST (let [pattern v] then) else)); TEST is v, or (nil? v) with the branches swapped. */
static Val bind_and_test(Expander *x, Val bindings, bool some, Val then, Val otherwise) {
  Val pattern = vec_nth(bindings, 0), init = vec_nth(bindings, 1);
  bool direct = is_sym(pattern) && (!is_ptr(otherwise) || is_kw(otherwise) || is_str(otherwise)); /* these cannot see the name */
  Val v = direct ? pattern : expand_gensym(x, "temp");
  if (!direct) then = LIST(core_sym("let"), VEC(pattern, v), then);
  Val test = some ? if_form(LIST(core_sym("nil?"), v), otherwise, then) : if_form(v, then, otherwise);
  return LIST(sym_c("let*"), VEC(v, init), test);
}

static bool one_binding_ok(const ValVec *f) {
  return f->n > 1 && is_vec(f->a[1]) && vec_count(f->a[1]) == 2 && destructure_ok(vec_nth(f->a[1], 0));
}

MACRO_DOC(if_let, "[bindings then] [bindings then else]",
          "bindings is [pattern test]: if test holds, then with its value bound, else `else`.",
          "(if-let [x (get {:a 1} :a)] (inc x) :none) ;=> 2");
Val macro_if_let(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  if (f.n < 3 || f.n > 4 || !one_binding_ok(&f)) return err_spec("if-let");
  return bind_and_test(x, f.a[1], false, f.a[2], f.n > 3 ? f.a[3] : NIL);
}

MACRO_DOC(when_let, "[bindings & body]", "bindings is [pattern test]: if test holds, evaluates body with its value bound.",
          "(when-let [x (get {:a 1} :a)] (inc x)) ;=> 2");
Val macro_when_let(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  if (!one_binding_ok(&f)) return err_spec("when-let");
  return bind_and_test(x, f.a[1], false, form_body(&f, 2), NIL);
}

MACRO_DOC(if_some, "[bindings then] [bindings then else]", "Like if-let, but tests for not nil: false counts.",
          "(if-some [x false] [x] :none) ;=> [false]");
Val macro_if_some(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "if-some", 2, -1));
  CHECK(macro_bindings(x, form, &f, "if-some", PAIRS_ONE));
  if (f.n > 4) return err_argument("if-some requires 1 or 2 forms after binding vector");
  return bind_and_test(x, f.a[1], true, f.a[2], f.n > 3 ? f.a[3] : NIL);
}

MACRO_DOC(when_some, "[bindings & body]", "Like when-let, but tests for not nil: false counts.",
          "(when-some [x nil] :some) ;=> nil");
Val macro_when_some(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "when-some", 1, -1));
  CHECK(macro_bindings(x, form, &f, "when-some", PAIRS_ONE));
  return bind_and_test(x, f.a[1], true, form_body(&f, 2), NIL);
}

MACRO_DOC(when_first, "[bindings & body]",
          "bindings is [pattern coll]: if coll has elements, evaluates body with the first one bound.",
          "(when-first [x [1 2]] (inc x)) ;=> 2");
Val macro_when_first(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "when-first", 1, -1));
  CHECK(macro_bindings(x, form, &f, "when-first", PAIRS_ONE));
  Val s = expand_gensym(x, "xs"), first = LIST(core_sym("first"), s);
  Val body = LIST_BODY(&f, 2, core_sym("let"), VEC(vec_nth(f.a[1], 0), first));
  return LIST(sym_c("let*"), VEC(s, LIST(core_sym("seq"), vec_nth(f.a[1], 1))), if_form(s, body, NIL));
}

/* --- threading -------------------------------------------------------------------------------------------------------------- */
/* `step` with v put in as the first or the last argument. */
static Val thread(Expander *x, Val step, Val v, bool last) {
  if (!form_is_list(step)) return LIST(step, v);
  ValVec s = {0};
  CHECK(form_items(x, step, &s));
  if (!s.n) return LIST(NIL, v);
  if (!last) return form_like(LIST_BODY(&s, 1, s.a[0], v), step);
  vv_push(&s, v);
  return form_like(list_from(s.a, s.n), step);
}

static Val thread_all(Expander *x, Val form, const char *name, bool last) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, name, 1, -1));
  Val v = f.a[1];
  for (size_t i = 2; i < f.n; i++) {
    TRY(next, thread(x, f.a[i], v, last));
    v = next;
  }
  return v;
}

MACRO_DOC(thread_first, "[x & forms]", "Threads x through forms as the first argument of each.", "(-> 10 (- 3) inc) ;=> 8");
Val macro_thread_first(Expander *x, Val form) { return thread_all(x, form, "->", false); }

MACRO_DOC(thread_last, "[x & forms]", "Threads x through forms as the last argument of each.",
          "(->> [1 2 3] (map inc) (reduce +)) ;=> 9");
Val macro_thread_last(Expander *x, Val form) { return thread_all(x, form, "->>", true); }

MACRO_DOC(thread_as, "[expr name & forms]", "Binds name to expr, then to each form in turn; the value of the last.",
          "(as-> 1 x (+ x 1) (* x 10)) ;=> 20");
Val macro_thread_as(Expander *x, Val form) {
  ValVec f = {0}, b = {0};
  CHECK(macro_args(x, form, &f, "as->", 2, -1));
  for (size_t i = 2; i < f.n; i++) {
    if (i > 2 && i + 1 == f.n) break;
    vv_push(&b, f.a[2]);
    vv_push(&b, i == 2 ? f.a[1] : f.a[i]);
  }
  return LIST(core_sym("let"), vec_from(b.a, b.n), f.n == 3 ? f.a[2] : f.a[f.n - 1]);
}

/* (let* [g expr g step ...] last step), from the pairs */
static Val chain(ValVec *b) {
  Val last = b->a[b->n - 1];
  b->n -= 2;
  return b->n ? LIST(sym_c("let*"), vec_from(b->a, b->n), last) : last;
}

static Val cond_thread(Expander *x, Val form, const char *name, bool last) {
  ValVec f = {0}, b = {0};
  CHECK(macro_args(x, form, &f, name, 1, -1));
  if (f.n % 2) return ex_throw(EXC_ASSERTION, "Assert failed: (even? (count clauses))");
  Val g = expand_gensym(x, "cond");
  vv_push(&b, g);
  vv_push(&b, f.a[1]);
  for (size_t i = 2; i < f.n; i += 2) {
    TRY(step, thread(x, f.a[i + 1], g, last));
    vv_push(&b, g);
    vv_push(&b, if_form(f.a[i], step, g));
  }
  return chain(&b);
}

MACRO_DOC(cond_first, "[expr & clauses]",
          "clauses are test form pairs: expr is threaded (->) through each form whose test holds.",
          "(cond-> 1 true inc false (* 100)) ;=> 2");
Val macro_cond_first(Expander *x, Val form) { return cond_thread(x, form, "cond->", false); }

MACRO_DOC(cond_last, "[expr & clauses]",
          "clauses are test form pairs: expr is threaded (->>) through each form whose test holds.",
          "(cond->> [1 2] true (map inc)) ;=> (2 3)");
Val macro_cond_last(Expander *x, Val form) { return cond_thread(x, form, "cond->>", true); }

static Val some_thread(Expander *x, Val form, const char *name, bool last) {
  ValVec f = {0}, b = {0};
  CHECK(macro_args(x, form, &f, name, 1, -1));
  Val g = expand_gensym(x, "some");
  vv_push(&b, g);
  vv_push(&b, f.a[1]);
  for (size_t i = 2; i < f.n; i++) {
    TRY(step, thread(x, f.a[i], g, last));
    vv_push(&b, g);
    vv_push(&b, if_form(LIST(core_sym("nil?"), g), NIL, step));
  }
  return chain(&b);
}

MACRO_DOC(some_first, "[expr & forms]", "Like ->, but stops with nil as soon as a value is nil.",
          "(some-> {:a nil} :a inc) ;=> nil");
Val macro_some_first(Expander *x, Val form) { return some_thread(x, form, "some->", false); }

MACRO_DOC(some_last, "[expr & forms]", "Like ->>, but stops with nil as soon as a value is nil.",
          "(some->> [1 2] (map inc)) ;=> (2 3)");
Val macro_some_last(Expander *x, Val form) { return some_thread(x, form, "some->>", true); }

MACRO_DOC(doto, "[x & forms]", "Evaluates x, then each form with it as the first argument; the value is x.",
          "(doto {:a 1} (get :a)) ;=> {:a 1}");
Val macro_doto(Expander *x, Val form) {
  ValVec f = {0}, out = {0};
  CHECK(macro_args(x, form, &f, "doto", 1, -1));
  Val g = expand_gensym(x, "doto");
  vv_push(&out, sym_c("let*"));
  vv_push(&out, VEC(g, f.a[1]));
  for (size_t i = 2; i < f.n; i++) {
    TRY(step, thread(x, f.a[i], g, false));
    vv_push(&out, step);
  }
  vv_push(&out, g);
  return list_from(out.a, out.n);
}

MACRO_DOC(dotdot, "[x form & more]", "Chained member calls: (.. x a (b 1)) is (. (. x a) b 1).",
          "(.. \"abc\" (substring 1) length) ;=> 2");
Val macro_dotdot(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "..", 2, -1));
  Val v = f.a[1];
  for (size_t i = 2; i < f.n; i++) v = LIST(sym_c("."), v, f.a[i]);
  return v;
}

/* --- single tricks ------------------------------------------------------------------------------------------------------------ */
MACRO_DOC(comment, "[& body]", "Ignores body, which must only read; nil.", "(comment (this is not evaluated)) ;=> nil");
Val macro_comment(Expander *x, Val form) {
  (void)x; (void)form;
  return NIL;
}

MACRO_DOC(assert, "[x] [x message]", "Throws an AssertionError unless x is neither false nor nil.",
          "(assert (pos? 1)) ;=> nil\n(assert (neg? 1)) ;!> assert");
Val macro_assert(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "assert", 1, 2));
  Buf b = {0};
  TRY(plain, form_plain(x, f.a[1]));
  buf_c(&b, f.n > 2 ? "\n" : "Assert failed: ");
  CHECK(print_to(&b, plain, &print_readably));
  Val msg = buf_str(&b);
  if (f.n > 2) msg = LIST(core_sym("str"), str_c("Assert failed: "), f.a[2], msg);
  return if_form(f.a[1], NIL, LIST(sym_c("throw"), LIST(sym_c("new"), sym_c("AssertionError"), msg)));
}

MACRO_DOC(binding, "[bindings & body]", "Evaluates body with dynamic vars, given as name value pairs, bound anew.",
          "(do (def ^:dynamic *d* 1) (binding [*d* 2] *d*)) ;=> 2");
Val macro_binding(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "binding", 1, -1));
  CHECK(macro_bindings(x, form, &f, "binding", PAIRS_EVEN));
  return LIST_BODY(&f, 2, sym_c("binding*"), f.a[1]);
}

static Val thunk(const ValVec *f, size_t from) { return LIST(sym_c("fn*"), LIST_BODY(f, from, VEC_EMPTY)); }

MACRO_DOC(lazy_seq, "[& body]", "A seq whose body, which gives a seq or nil, is evaluated when it is first looked at.",
          "(take 2 (lazy-seq [1 2 3])) ;=> (1 2)");
Val macro_lazy_seq(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  return LIST(core_sym("lazy-seq*"), thunk(&f, 1));
}

MACRO_DOC(lazy_cat, "[& colls]", "concat of colls, each evaluated only when it is reached.", "(lazy-cat [1] [2 3]) ;=> (1 2 3)");
Val macro_lazy_cat(Expander *x, Val form) {
  ValVec f = {0}, out = {0};
  CHECK(form_items(x, form, &f));
  vv_push(&out, core_sym("concat"));
  for (size_t i = 1; i < f.n; i++) vv_push(&out, LIST(core_sym("lazy-seq"), f.a[i]));
  return list_from(out.a, out.n);
}

MACRO_DOC(delay, "[& body]", "A value that is computed by body when it is first asked for with force or @.",
          "@(delay (+ 1 2)) ;=> 3");
Val macro_delay(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  return LIST(core_sym("delay*"), thunk(&f, 1));
}

MACRO_DOC(with_open, "[bindings & body]",
          "Evaluates body with the names bound, and calls .close on each, last first, whatever happens.",
          "(with-open [] 1) ;=> 1");
Val macro_with_open(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "with-open", 1, -1));
  CHECK(macro_bindings(x, form, &f, "with-open", PAIRS_EVEN));
  Val b = f.a[1], body = LIST_BODY(&f, 2, sym_c("do"));
  for (uint32_t i = vec_count(b); i >= 2; i -= 2) {
    Val name = vec_nth(b, i - 2);
    if (!is_sym(name)) return err_argument("with-open only allows Symbols in bindings");
    Val close = LIST(sym_c("finally"), LIST(sym_c(".close"), name));
    body = LIST(core_sym("let"), VEC(name, vec_nth(b, i - 1)), LIST(sym_c("try"), body, close));
  }
  return body;
}

MACRO_DOC(time, "[expr]", "Evaluates expr and prints how many milliseconds it took; the value of expr.", "(time (+ 1 2)) ;=> 3");
Val macro_time(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "time", 1, 1));
  Val t0 = expand_gensym(x, "start"), v = expand_gensym(x, "ret"), now = LIST(sym_new("System", "nanoTime"));
  Val ms = LIST(core_sym("/"), LIST(core_sym("-"), now, t0), dbl_val(1000000.0));
  Val text = LIST(core_sym("str"), str_c("Elapsed time: "), ms, str_c(" msecs"));
  return LIST(sym_c("let*"), VEC(t0, now, v, f.a[1]), LIST(core_sym("prn"), text), v);
}

MACRO_DOC(with_out_str, "[& body]", "Evaluates body; the text that it printed.", "(with-out-str (print 1 2)) ;=> \"1 2\"");
Val macro_with_out_str(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  Val w = expand_gensym(x, "out");
  Val body = LIST_BODY(&f, 1, sym_c("binding*"), VEC(core_sym("*out*"), w));
  return LIST(sym_c("let*"), VEC(w, LIST(core_sym("string-writer*"))), body, LIST(core_sym("string-writer-str*"), w));
}

MACRO_DOC(vswap, "[vol f & args]", "Sets the volatile vol to (f its-value args...); the new value.",
          "(let [v (volatile! 1)] (vswap! v + 2)) ;=> 3");
Val macro_vswap(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "vswap!", 2, -1));
  Val v = form_is_local(x, f.a[1]) ? f.a[1] : expand_gensym(x, "vol");
  Val set = LIST(core_sym("vreset!"), v, LIST_BODY(&f, 3, f.a[2], LIST(core_sym("deref"), v)));
  return same(v, f.a[1]) ? set : LIST(sym_c("let*"), VEC(v, f.a[1]), set);
}

/* --- the table --------------------------------------------------------------------------------------------------------------- */
DOC(destructure_map, "[x]", "What map patterns look into: a seq of keys and values as a map (a last odd map is merged in), else x.",
    "(destructure-map* '(:a 1 {:b 2})) ;=> {:a 1, :b 2}");

#define MACRO_ROW(name, id) ROW_MACRO(name, macro_##id, m_##id),
const BuiltinRow rows_macros[] = {
    MACRO_TABLE(MACRO_ROW)
    ROW1("destructure-map*", destructure_map, destructure_map, B_PURE),
    ROW_END};
