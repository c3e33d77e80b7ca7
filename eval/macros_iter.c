/* macros_iter.c - macros that choose among many (case, condp) or repeat (for, doseq, dotimes, while). */
#include "macros.h"

static Val if_form(Val test, Val then, Val otherwise) { return LIST(sym_c("if"), test, then, otherwise); }

/* --- case ------------------------------------------------------------------------------------------------------------------ */
static Val case_constant(Val constant, Val *seen) {
  if (!same(set_get(*seen, constant, ABSENT), ABSENT)) {
    Buf b = {0};
    CHECK(print_str_of(&b, constant));
    if (is_nil(constant)) buf_c(&b, "null");
    Val e = err_argument("Duplicate case test constant: %s", buf_cstr(&b));
    buf_free(&b);
    return e;
  }
  TRY(s, set_conj(*seen, constant));
  *seen = s;
  return NIL;
}

/* The constants of one clause: a list stands for several. */
static Val case_test(Expander *x, Val test, Val *seen) {
  TRY(plain, form_plain(x, test));
  ValVec cs = {0};
  if (!form_is_list(plain)) vv_push(&cs, plain);
  else CHECK(form_items(x, plain, &cs));
  for (size_t i = 0; i < cs.n; i++) CHECK(case_constant(cs.a[i], seen));
  return vec_from(cs.a, cs.n);
}

MACRO_DOC(case, "[expr & clauses]",
          "clauses are constant result pairs, the constants not evaluated; (a b c) stands for any of these. A last single form is the\n"
          "default; without one, no match throws an IllegalArgumentException.",
          "(case (+ 1 1) 1 :one (2 3) :few :many) ;=> :few\n(case 9 1 :one) ;!> argument");
Val macro_case(Expander *x, Val form) {
  ValVec f = {0}, out = {0};
  CHECK(macro_args(x, form, &f, "case", 1, -1));
  bool has_default = f.n % 2 == 1;
  size_t end = f.n - has_default;
  Val seen = set_empty, g = expand_gensym(x, "case");
  vv_push(&out, sym_c("case*"));
  vv_push(&out, g);
  vv_push(&out, has_default ? f.a[end] : throw_form("IllegalArgumentException", "No matching clause: ", g));
  for (size_t i = 2; i < end; i += 2) {
    TRY(constants, case_test(x, f.a[i], &seen));
    vv_push(&out, constants);
    vv_push(&out, f.a[i + 1]);
  }
  if (has_default) out.a[1] = f.a[1]; /* nobody else looks at the value */
  Val c = list_from(out.a, out.n);
  return has_default ? c : LIST(sym_c("let*"), VEC(g, f.a[1]), c);
}

/* --- condp ------------------------------------------------------------------------------------------------------------------ */
static Val condp_clauses(Expander *x, const ValVec *f, size_t i, Val pred, Val v) {
  if (i >= f->n) return throw_form("IllegalArgumentException", "No matching clause: ", v);
  if (i + 1 == f->n) return f->a[i];
  Val test = LIST(pred, f->a[i], v);
  bool arrow = kw_is(f->a[i + 1], ">>") && i + 2 < f->n;
  TRY(more, condp_clauses(x, f, i + (arrow ? 3 : 2), pred, v));
  if (!arrow) return if_form(test, f->a[i + 1], more);
  Val r = expand_gensym(x, "test");
  return LIST(sym_c("let*"), VEC(r, test), if_form(r, LIST(f->a[i + 2], r), more));
}

MACRO_DOC(condp, "[pred expr & clauses]",
          "clauses are `test result` or `test :>> f`: the first for which (pred test expr) holds gives result, or (f that-value).\n"
          "A last single form is the default; without one, no match throws an IllegalArgumentException.",
          "(condp = 2 1 :one 2 :two :many) ;=> :two\n(condp some [1 2] #{2} :>> inc) ;=> 3");
Val macro_condp(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "condp", 2, -1));
  Val pred = expand_gensym(x, "pred"), v = expand_gensym(x, "expr");
  if (is_sym(f.a[1])) pred = f.a[1]; /* evaluating a symbol again is free */
  TRY(clauses, condp_clauses(x, &f, 3, pred, v));
  return is_sym(f.a[1]) ? LIST(sym_c("let*"), VEC(v, f.a[2]), clauses)
                        : LIST(sym_c("let*"), VEC(pred, f.a[1], v, f.a[2]), clauses);
}

/* --- for: nested lazy seqs ------------------------------------------------------------------------------------------------------ */
typedef struct ForForm { Expander *x; Val b, body; } ForForm;

static bool mentions_recur(Expander *x, Val form, int depth) {
  if (is_sym(form)) return sym_is(form, "recur");
  if (depth > 200) return true;
  if (!is_vec(form) && !is_map(form) && !is_set(form) && !form_is_list(form)) return false;
  ValVec f = {0};
  if (is_sig(form_items(x, form, &f))) return true;
  for (size_t i = 0; i < f.n; i++)
    if (mentions_recur(x, f.a[i], depth + 1)) return true;
  return false;
}

static Val for_level(ForForm *f, uint32_t i);

/* What an element does from binding i on, within the loop over `s` of the function `iter`. */
static Val for_step(ForForm *f, uint32_t i, Val iter, Val s) {
  Val on = LIST(sym_c("recur"), LIST(core_sym("next"), s)), later = LIST(iter, LIST(core_sym("rest"), s));
  if (i >= vec_count(f->b)) return LIST(core_sym("cons"), f->body, later);
  Val k = vec_nth(f->b, i), v = vec_nth(f->b, i + 1);
  if (!is_kw(k)) {
    TRY(inner, for_level(f, i));
    Val fs = expand_gensym(f->x, "fs");
    Val some = if_form(fs, LIST(core_sym("concat"), fs, later), on);
    return LIST(sym_c("let*"), VEC(fs, LIST(core_sym("seq"), inner)), some);
  }
  TRY(more, for_step(f, i + 2, iter, s));
  if (kw_is(k, "let")) return LIST(core_sym("let"), v, more);
  if (kw_is(k, "while")) return if_form(v, more, NIL);
  if (kw_is(k, "when")) return if_form(v, more, on);
  Buf b = {0};
  CHECK(print_to(&b, k, &print_readably));
  Val e = err_argument("Invalid 'for' keyword %s", buf_cstr(&b));
  buf_free(&b);
  return e;
}

/* The seq that binding i (pattern coll) and what follows it make:
 * ((fn* iter ([s0] (lazy-seq* (fn* ([] (loop* [s (seq s0)] (if s (let [pattern (first s)] STEP) nil))))))) coll) */
static Val for_level(ForForm *f, uint32_t i) {
  Val iter = expand_gensym(f->x, "iter"), s0 = expand_gensym(f->x, "s0"), s = expand_gensym(f->x, "s");
  TRY(step, for_step(f, i + 2, iter, s));
  Val element = LIST(core_sym("let"), VEC(vec_nth(f->b, i), LIST(core_sym("first"), s)), step);
  Val loop = LIST(sym_c("loop*"), VEC(s, LIST(core_sym("seq"), s0)), if_form(s, element, NIL));
  Val seq = LIST(core_sym("lazy-seq*"), LIST(sym_c("fn*"), LIST(VEC_EMPTY, loop)));
  return LIST(LIST(sym_c("fn*"), iter, LIST(VEC(s0), seq)), vec_nth(f->b, i + 1));
}

MACRO_DOC(for, "[seq-exprs body-expr]",
          "A lazy seq of body for every combination of elements: seq-exprs are pattern coll pairs, the last changing fastest, and\n"
          "modifiers :let [bindings], :when test, :while test.",
          "(for [x [1 2 3] :when (odd? x) y [:a :b]] [x y]) ;=> ([1 :a] [1 :b] [3 :a] [3 :b])");
Val macro_for(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "for", 2, 2));
  CHECK(macro_bindings(x, form, &f, "for", PAIRS_EVEN));
  Val b = f.a[1];
  if (vec_count(b) == 0) return err_spec("let");
  if (is_kw(vec_nth(b, 0))) return ex_throw_kind(EXC_STATE, KIND_SYNTAX, "Can't pop empty vector");
  if (vec_count(b) == 2 && !mentions_recur(x, f.a[2], 0)) { /* what map does, natively and in chunks */
    if (!destructure_ok(vec_nth(b, 0))) return err_spec("let");
    return LIST(core_sym("map"), LIST(core_sym("fn"), VEC(vec_nth(b, 0)), f.a[2]), vec_nth(b, 1));
  }
  ForForm ff = {x, b, f.a[2]};
  return for_level(&ff, 0);
}

/* --- doseq: nested loops ----------------------------------------------------------------------------------------------------------- */
typedef struct DoseqForm { Expander *x; Val b, body; } DoseqForm;

/* What is done from binding i on. `on` is the recur of the loop around (nil: none); *needs tells whether it still has to be
 * put behind the result. */
static Val doseq_step(DoseqForm *f, uint32_t i, Val on, bool *needs) {
  *needs = true;
  if (i >= vec_count(f->b)) return f->body;
  Val k = vec_nth(f->b, i), v = vec_nth(f->b, i + 1);
  bool inner_needs;
  if (!is_kw(k)) {
    Val s = expand_gensym(f->x, "s"), next = LIST(sym_c("recur"), LIST(core_sym("next"), s));
    TRY(inner, doseq_step(f, i + 2, next, &inner_needs));
    Val bound = VEC(k, LIST(core_sym("first"), s));
    Val element = inner_needs ? LIST(core_sym("let"), bound, inner, next) : LIST(core_sym("let"), bound, inner);
    return LIST(sym_c("loop*"), VEC(s, LIST(core_sym("seq"), v)), if_form(s, element, NIL));
  }
  TRY(inner, doseq_step(f, i + 2, on, &inner_needs));
  Val with_on = inner_needs ? LIST(sym_c("do"), inner, on) : inner;
  if (kw_is(k, "let")) {
    *needs = inner_needs;
    return LIST(core_sym("let"), v, inner);
  }
  *needs = false;
  if (kw_is(k, "while")) return if_form(v, with_on, NIL);
  if (kw_is(k, "when")) return if_form(v, with_on, on);
  Buf b = {0};
  CHECK(print_to(&b, k, &print_readably));
  Val e = err_argument("Invalid 'doseq' keyword %s", buf_cstr(&b));
  buf_free(&b);
  return e;
}

MACRO_DOC(doseq, "[seq-exprs & body]",
          "Evaluates body for every combination of elements, for its effects; bindings and modifiers as in for. nil.",
          "(let [a (atom [])] (doseq [x [1 2] :when (odd? x)] (swap! a conj x)) @a) ;=> [1]");
Val macro_doseq(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "doseq", 1, -1));
  CHECK(macro_bindings(x, form, &f, "doseq", PAIRS_EVEN));
  DoseqForm d = {x, f.a[1], LIST_BODY(&f, 2, sym_c("do"))};
  bool needs;
  return doseq_step(&d, 0, NIL, &needs);
}

/* --- counting and conditions --------------------------------------------------------------------------------------------------------- */
MACRO_DOC(dotimes, "[bindings & body]", "bindings is [name n]: evaluates body with name 0, 1 ... n-1, for its effects. nil.",
          "(let [a (atom 0)] (dotimes [i 4] (swap! a + i)) @a) ;=> 6");
Val macro_dotimes(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "dotimes", 1, -1));
  CHECK(macro_bindings(x, form, &f, "dotimes", PAIRS_ONE));
  Val i = vec_nth(f.a[1], 0), n = expand_gensym(x, "n");
  Val again = LIST(sym_c("recur"), LIST(core_sym("inc"), i));
  Val turn = if_form(LIST(core_sym("<"), i, n), LIST(sym_c("do"), form_body(&f, 2), again), NIL);
  Val loop = LIST(sym_c("loop*"), VEC(i, fix(0)), turn);
  return LIST(sym_c("let*"), VEC(n, LIST(core_sym("long"), vec_nth(f.a[1], 1))), loop);
}

MACRO_DOC(while, "[test & body]", "Evaluates body again and again as long as test holds. nil.",
          "(let [a (atom 0)] (while (< @a 3) (swap! a inc)) @a) ;=> 3");
Val macro_while(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "while", 1, -1));
  Val turn = LIST(sym_c("do"), form_body(&f, 2), LIST(sym_c("recur")));
  return LIST(sym_c("loop*"), VEC_EMPTY, if_form(f.a[1], turn, NIL));
}
