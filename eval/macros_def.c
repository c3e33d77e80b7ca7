/* macros_def.c - macros that bind and define: let loop fn letfn defn defmacro declare defonce ns. */
#include "macros.h"

/* --- let, loop --------------------------------------------------------------------------------------------------------- */
MACRO_DOC(let, "[bindings & body]",
          "Evaluates body with the names in bindings, a vector of pattern init pairs, bound to the values (or their parts).\n"
          "Patterns are symbols, [a b & rest :as all] and {:keys [a] b :key :or {a 1} :as all}.",
          "(let [x 1 [a b] [2 3]] (+ x a b)) ;=> 6");
Val macro_let(Expander *x, Val form) {
  ValVec f = {0}, out = {0};
  CHECK(form_items(x, form, &f));
  if (f.n < 2 || !destructure_bindings_ok(f.a[1])) return err_spec("let");
  for (uint32_t i = 0; i < vec_count(f.a[1]); i += 2)
    CHECK(destructure(x, vec_nth(f.a[1], i), vec_nth(f.a[1], i + 1), false, &out));
  return LIST_BODY(&f, 2, sym_c("let*"), vec_from(out.a, out.n));
}

/* Patterns in a loop: the loop runs over plain names, which are taken apart outside (for later inits) and inside. */
static Val loop_patterns(Expander *x, const ValVec *f) {
  ValVec outer = {0}, names = {0}, inner = {0};
  for (uint32_t i = 0; i < vec_count(f->a[1]); i += 2) {
    Val p = vec_nth(f->a[1], i), g = is_sym(p) ? p : expand_gensym(x, "loop");
    vv_push(&outer, g);
    vv_push(&outer, vec_nth(f->a[1], i + 1));
    vv_push(&names, g);
    vv_push(&names, g);
    if (is_sym(p)) continue;
    vv_push(&outer, p);
    vv_push(&outer, g);
    vv_push(&inner, p);
    vv_push(&inner, g);
  }
  Val body = LIST_BODY(f, 2, core_sym("let"), vec_from(inner.a, inner.n));
  return LIST(core_sym("let"), vec_from(outer.a, outer.n), LIST(sym_c("loop*"), vec_from(names.a, names.n), body));
}

MACRO_DOC(loop, "[bindings & body]",
          "Like let, and a target for recur in tail position: it binds the names anew and starts body again.",
          "(loop [i 0 sum 0] (if (< i 4) (recur (inc i) (+ sum i)) sum)) ;=> 6");
Val macro_loop(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "loop", 1, -1));
  CHECK(macro_bindings(x, form, &f, "loop", PAIRS_EVEN));
  for (uint32_t i = 0; i < vec_count(f.a[1]); i += 2)
    if (is_vec(vec_nth(f.a[1], i)) || is_map(vec_nth(f.a[1], i))) return loop_patterns(x, &f);
  return LIST_BODY(&f, 2, sym_c("loop*"), f.a[1]);
}

/* --- fn ------------------------------------------------------------------------------------------------------------------ */
static Val asserts(Expander *x, Val conditions, ValVec *out) {
  ValVec c = {0};
  if (is_nil(conditions)) return NIL;
  CHECK(form_items(x, conditions, &c));
  for (size_t i = 0; i < c.n; i++) vv_push(out, LIST(core_sym("assert"), c.a[i]));
  return NIL;
}

/* Body forms with {:pre [...] :post [...]} put in. */
static Val with_conditions(Expander *x, Val params, const ValVec *f, size_t from, ValVec *out) {
  Val conds = meta_of(params);
  if (f->n > from + 1 && is_map(f->a[from])) conds = f->a[from++];
  Val pre = map_get_kw(conds, "pre"), post = map_get_kw(conds, "post");
  CHECK(asserts(x, pre, out));
  if (is_nil(post)) {
    for (size_t i = from; i < f->n; i++) vv_push(out, f->a[i]);
    return NIL;
  }
  ValVec let = {0};
  Val result = sym_c("%");
  vv_push(&let, sym_c("let*"));
  vv_push(&let, VEC(result, form_body(f, from)));
  CHECK(asserts(x, post, &let));
  vv_push(&let, result);
  vv_push(out, list_from(let.a, let.n));
  return NIL;
}

/* ([params] body...) with plain parameters. */
static Val fn_arity(Expander *x, Val params, const ValVec *f, size_t from) {
  ValVec plain = {0}, pairs = {0}, body = {0};
  CHECK(with_conditions(x, params, f, from, &body));
  for (uint32_t i = 0; i < vec_count(params); i++) {
    Val p = vec_nth(params, i);
    if (is_sym(p)) {
      vv_push(&plain, p);
      continue;
    }
    Val g = expand_gensym(x, "p");
    vv_push(&plain, g);
    CHECK(destructure(x, p, g, true, &pairs));
  }
  Val ps = vec_from(plain.a, plain.n);
  if (!pairs.n) return LIST_BODY(&body, 0, ps);
  return LIST(ps, LIST_BODY(&body, 0, sym_c("let*"), vec_from(pairs.a, pairs.n)));
}

static bool arity_ok(Expander *x, Val form, ValVec *parts) {
  return form_is_list(form) && !is_sig(form_items(x, form, parts)) && parts->n && destructure_params_ok(parts->a[0]);
}

static bool fn_tail_ok(Expander *x, const ValVec *f, size_t from, size_t end) {
  if (from >= end) return false;
  if (is_vec(f->a[from])) return destructure_params_ok(f->a[from]);
  for (size_t i = from; i < end; i++) {
    ValVec parts = {0};
    if (!arity_ok(x, f->a[i], &parts)) return false;
  }
  return true;
}

static Val with_macro_params(Val params) { /* &form and &env in front */
  ValVec all = {0};
  vv_push(&all, sym_c("&form"));
  vv_push(&all, sym_c("&env"));
  for (uint32_t i = 0; i < vec_count(params); i++) vv_push(&all, vec_nth(params, i));
  return with_meta(vec_from(all.a, all.n), meta_of(params));
}

/* Arities of items [from, end), which fn_tail_ok accepted, appended to out; their parameter vectors to arglists. */
static Val fn_tail(Expander *x, const ValVec *f, size_t from, size_t end, bool macro, ValVec *out, ValVec *arglists) {
  bool single = is_vec(f->a[from]);
  for (size_t i = from; i < (single ? from + 1 : end); i++) {
    ValVec parts = {0};
    if (single)
      for (size_t j = from; j < end; j++) vv_push(&parts, f->a[j]);
    else
      CHECK(form_items(x, f->a[i], &parts));
    vv_push(arglists, parts.a[0]);
    TRY(arity, fn_arity(x, macro ? with_macro_params(parts.a[0]) : parts.a[0], &parts, 1));
    vv_push(out, single ? arity : form_like(arity, f->a[i]));
  }
  return NIL;
}

MACRO_DOC(fn, "[& sigs]",
          "A function: (fn name? [params*] body*) or (fn name? ([params*] body*)+). Parameters may be patterns, the last after & takes\n"
          "the rest. A map {:pre [...] :post [...]} before the body holds conditions; % is the result in :post.",
          "((fn [a & more] [a more]) 1 2 3) ;=> [1 (2 3)]");
Val macro_fn(Expander *x, Val form) {
  ValVec f = {0}, out = {0}, arglists = {0};
  CHECK(form_items(x, form, &f));
  size_t from = 1;
  vv_push(&out, sym_c("fn*"));
  if (f.n > 1 && is_sym(f.a[1]) && is_nil(AS(Sym, f.a[1])->ns)) vv_push(&out, f.a[from++]);
  if (!fn_tail_ok(x, &f, from, f.n)) return err_spec("fn");
  CHECK(fn_tail(x, &f, from, f.n, false, &out, &arglists));
  return form_like(list_from(out.a, out.n), form);
}

MACRO_DOC(letfn, "[fnspecs & body]", "Binds functions, (name [params*] body*) each, that may call one another.",
          "(letfn [(ev [n] (if (zero? n) true (od (dec n)))) (od [n] (if (zero? n) false (ev (dec n))))] (ev 4)) ;=> true");
Val macro_letfn(Expander *x, Val form) {
  ValVec f = {0}, specs = {0}, out = {0};
  CHECK(macro_args(x, form, &f, "letfn", 1, -1));
  CHECK(form_items(x, f.a[1], &specs));
  for (size_t i = 0; i < specs.n; i++) {
    ValVec s = {0};
    CHECK(form_items(x, specs.a[i], &s));
    vv_push(&out, s.n ? s.a[0] : NIL);
    vv_push(&out, form_like(LIST_BODY(&s, 0, core_sym("fn")), specs.a[i]));
  }
  return LIST_BODY(&f, 2, sym_c("letfn*"), vec_from(out.a, out.n));
}

/* --- defn, defmacro -------------------------------------------------------------------------------------------------------- */
static Val merge_meta(Val meta, Val more) {
  MapIter it;
  Val k, v;
  if (!is_map(more)) return meta;
  map_iter(&it, more);
  while (map_next(&it, &k, &v)) {
    TRY(m, map_assoc(meta, k, v));
    meta = m;
  }
  return meta;
}

/* (def ^{...} name (fn* ns/name arities...)). The fn's name is qualified: it names the function but is no local, so that a
 * call of itself goes through the var. flag: "private", "macro" or NULL. */
static Val defn(Expander *x, Val form, const char *self, const char *flag) {
  ValVec f = {0}, out = {0}, arglists = {0};
  CHECK(form_items(x, form, &f));
  if (f.n < 3 || !is_sym(f.a[1]) || !is_nil(AS(Sym, f.a[1])->ns)) return err_spec(self);
  Val meta = merge_meta(map_empty, meta_of(f.a[1]));
  size_t at = 2, end = f.n;
  Val doc = is_str(f.a[at]) ? f.a[at++] : NIL, attr = at < f.n && is_map(f.a[at]) ? f.a[at++] : NIL, tail = NIL;
  if (end > at + 1 && !is_vec(f.a[at]) && is_map(f.a[end - 1])) tail = f.a[--end];
  if (!fn_tail_ok(x, &f, at, end)) return err_spec(self);
  Val ns = AS(Sym, AS(Ns, x->env->cur_ns)->name)->name;
  vv_push(&out, sym_c("fn*"));
  vv_push(&out, sym_of(ns, AS(Sym, f.a[1])->name));
  CHECK(fn_tail(x, &f, at, end, flag && !strcmp(flag, "macro"), &out, &arglists));
  meta = map_assoc(meta, kw_c("arglists"), list_from(arglists.a, arglists.n));
  if (!is_nil(doc)) meta = map_assoc(meta, kw_c("doc"), doc);
  if (flag) meta = map_assoc(meta, kw_c(flag), TRUE_V);
  TRY(with_attr, merge_meta(meta, attr));
  TRY(all, merge_meta(with_attr, tail));
  TRY(name, with_meta(sym_bare(f.a[1]), all));
  Val at_form = form_like(list_from(out.a, out.n), form);
  return form_like(LIST(sym_c("def"), name, at_form), form);
}

MACRO_DOC(defn, "[name doc-string? attr-map? [params*] body*] [name doc-string? attr-map? ([params*] body*)+ attr-map?]",
          "Defines a function: (def name (fn ...)) with documentation and argument lists as metadata of the var.",
          "(do (defn double [x] (* 2 x)) (double 4)) ;=> 8");
Val macro_defn(Expander *x, Val form) { return defn(x, form, "defn", NULL); }

MACRO_DOC(defn_private, "[name & decls]", "Like defn, and marks the var as private.",
          "(do (defn- helper [] :ok) (helper)) ;=> :ok");
Val macro_defn_private(Expander *x, Val form) { return defn(x, form, "defn-", "private"); }

MACRO_DOC(defmacro, "[name doc-string? attr-map? [params*] body*]",
          "Defines a macro: a function that is called with the unevaluated argument forms, and whose result is evaluated in place of\n"
          "the call. &form is the whole call, &env a map whose keys are the locals in scope.",
          "(do (defmacro unless [c & body] `(if ~c nil (do ~@body))) (unless false 1 2)) ;=> 2");
Val macro_defmacro(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "defmacro", 1, -1));
  return defn(x, form, "defn", "macro");
}

/* --- other definitions ------------------------------------------------------------------------------------------------------- */
MACRO_DOC(declare, "[& names]", "Defines vars without values, so that code further up may mention them.",
          "(do (declare later) (defn now [] (later)) (defn later [] 1) (now)) ;=> 1");
Val macro_declare(Expander *x, Val form) {
  ValVec f = {0}, out = {0};
  CHECK(form_items(x, form, &f));
  vv_push(&out, sym_c("do"));
  for (size_t i = 1; i < f.n; i++) {
    if (!is_sym(f.a[i])) return ex_cast(f.a[i], "clojure.lang.IObj");
    Val meta = merge_meta(map_empty, meta_of(f.a[i]));
    TRY(name, with_meta(sym_bare(f.a[i]), map_assoc(meta, kw_c("declared"), TRUE_V)));
    vv_push(&out, LIST(sym_c("def"), name));
  }
  return list_from(out.a, out.n);
}

MACRO_DOC(defonce, "[name expr]", "Defines name as the value of expr unless the var already has a value.",
          "(do (defonce answer 42) (defonce answer 43) answer) ;=> 42");
Val macro_defonce(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(macro_args(x, form, &f, "defonce", 2, 2));
  if (!is_sym(f.a[1])) return err_runtime("First argument to def must be a Symbol");
  Val bound = LIST(core_sym("bound?"), LIST(sym_c("var"), sym_bare(f.a[1])));
  Val def = LIST(sym_c("def"), f.a[1], f.a[2]);
  return LIST(sym_c("do"), LIST(sym_c("def"), f.a[1]), LIST(sym_c("if"), bound, NIL, def));
}

/* The call of import* for the classes that items from 1 on name. */
static Val import_call(Expander *x, const ValVec *f) {
  ValVec call = {0};
  vv_push(&call, sym_new("breyta.type", "import*"));
  for (size_t i = 1; i < f->n; i++) {
    TRY(data, form_plain(x, f->a[i]));
    bool quote = form_is_list(data) && sym_is(seq_first(data), "quote");
    vv_push(&call, quote ? data : quoted(data));
  }
  return list_from(call.a, call.n);
}

MACRO_DOC(import, "[& class-symbols]",
          "Lets classes that defrecord and deftype made in other namespaces be named without theirs: other.Point, or (other Point ...).\n"
          "The classes of the host that code may mention need no import.",
          "(import java.util.UUID) ;=> nil");
Val macro_import(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  return import_call(x, &f);
}

/* What a clause of ns stands for: (require 'spec ...), (refer-clojure :exclude '[names]) ...; nil for those that do nothing. */
static Val ns_clause(Expander *x, const ValVec *clause) {
  static const char *const calls[] = {"require", "use", "refer-clojure", "refer"}, *const ignored[] = {"load", "gen-class"};
  if (kw_is(clause->a[0], "import")) return import_call(x, clause);
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    if (kw_is(clause->a[0], ignored[i])) return NIL;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (!kw_is(clause->a[0], calls[i])) continue;
    ValVec call = {0};
    vv_push(&call, core_sym(calls[i]));
    for (size_t k = 1; k < clause->n; k++) {
      TRY(data, form_plain(x, clause->a[k]));
      vv_push(&call, is_kw(data) ? data : quoted(data));
    }
    return list_from(call.a, call.n);
  }
  return err_spec("ns");
}

static Val ns_meta_form(Val name, Val doc, Val attrs) {
  Val meta = is_map(meta_of(name)) ? meta_of(name) : map_empty;
  meta = map_dissoc(map_dissoc(meta, kw_c("line")), kw_c("column"));
  TRY(all, merge_meta(meta, attrs));
  if (is_str(doc)) all = map_assoc(all, kw_c("doc"), doc);
  return map_count(all) ? LIST(core_sym("reset-meta!"), LIST(core_sym("find-ns"), quoted(sym_bare(name))), quoted(all)) : NIL;
}

MACRO_DOC(ns, "[name docstring? attr-map? & clauses]",
          "Makes the namespace `name` the current one, creating it when missing. Clauses: (:require [lib :as a :refer [x]] ...), (:use ...),\n"
          "(:refer-clojure :exclude [x] :only [x] :rename {x y}), (:refer lib filters...); (:import [other Point]), see import.",
          "(do (ns demo.text (:require [clojure.string :as s])) (s/upper-case \"a\")) ;=> \"A\"\n"
          "(do (ns demo.own (:refer-clojure :exclude [inc])) (defn inc [x] [x]) (inc 1)) ;=> [1]");
Val macro_ns(Expander *x, Val form) {
  ValVec f = {0}, out = {0};
  CHECK(form_items(x, form, &f));
  if (f.n < 2 || !is_sym(f.a[1]) || !is_nil(AS(Sym, f.a[1])->ns)) return err_spec("ns");
  size_t i = 2;
  Val doc = i < f.n && is_str(f.a[i]) ? f.a[i++] : NIL, attrs = i < f.n && is_map(f.a[i]) ? f.a[i++] : NIL;
  TRY(meta, ns_meta_form(f.a[1], doc, attrs));
  vv_push(&out, sym_c("do"));
  vv_push(&out, LIST(core_sym("in-ns"), quoted(sym_bare(f.a[1]))));
  if (!is_nil(meta)) vv_push(&out, meta);
  for (; i < f.n; i++) {
    ValVec clause = {0};
    if (!form_is_list(f.a[i])) return err_spec("ns");
    CHECK(form_items(x, f.a[i], &clause));
    if (!clause.n) return err_spec("ns");
    TRY(call, ns_clause(x, &clause));
    if (!is_nil(call)) vv_push(&out, call);
  }
  vv_push(&out, NIL);
  return list_from(out.a, out.n);
}
