/* macros.h - what expand.c, destructure.c and the files of C macros share; nobody else includes it.
 *
 * A C macro gets the whole call, unexpanded, and gives a form that is expanded further. What it was given may hold lazy
 * seqs that a user's macro made: take lists apart with form_items, never with seq_* functions. Symbols that a macro brings
 * in are core_sym (clojure.core/x) or names of special forms, which nothing can shadow. Errors that Clojure reports at
 * compile time are of kind :syntax whatever their class. */
#ifndef BR_MACROS_H
#define BR_MACROS_H
#include "expand.h"
#include "reader/print.h"

/* Every C macro: M(name, id) stands for a function macro_<id> and its documentation doc_m_<id>. */
#define MACRO_TABLE(M)                                                                                          \
  /* macros_def.c */                                                                                            \
  M("let", let) M("loop", loop) M("fn", fn) M("letfn", letfn) M("defn", defn) M("defn-", defn_private)          \
  M("defmacro", defmacro) M("declare", declare) M("defonce", defonce) M("ns", ns) M("import", import)           \
  /* macros.c */                                                                                                \
  M("when", when) M("when-not", when_not) M("if-not", if_not) M("cond", cond) M("and", and) M("or", or)         \
  M("if-let", if_let) M("when-let", when_let) M("if-some", if_some) M("when-some", when_some)                   \
  M("when-first", when_first) M("->", thread_first) M("->>", thread_last) M("as->", thread_as)                  \
  M("cond->", cond_first) M("cond->>", cond_last) M("some->", some_first) M("some->>", some_last)               \
  M("doto", doto) M("..", dotdot) M("comment", comment) M("assert", assert) M("binding", binding)               \
  M("lazy-seq", lazy_seq) M("lazy-cat", lazy_cat) M("delay", delay) M("with-open", with_open) M("time", time)   \
  M("with-out-str", with_out_str) M("vswap!", vswap)                                                            \
  /* macros_iter.c */                                                                                           \
  M("case", case) M("condp", condp) M("for", for) M("doseq", doseq) M("dotimes", dotimes) M("while", while)

#define MACRO_DECLARE(name, id)   \
  extern const Doc doc_m_##id;    \
  Val macro_##id(Expander *x, Val form);
MACRO_TABLE(MACRO_DECLARE)
#define MACRO_DOC(id, arglists, text, examples) const Doc doc_m_##id = {arglists, text, examples}

/* --- building forms ------------------------------------------------------------------------------------------------- */
#define VALS(...) (Val[]){__VA_ARGS__}, sizeof((Val[]){__VA_ARGS__}) / sizeof(Val)
#define LIST(...) list_from(VALS(__VA_ARGS__))
#define VEC(...) vec_from(VALS(__VA_ARGS__))
#define VEC_EMPTY vec_from(NULL, 0)
/* The given values, then items from `from` on of the vector f: (LIST_BODY(&f, 2, sym_c("do"))). */
#define LIST_BODY(f, from, ...) form_with_body(f, from, VALS(__VA_ARGS__))
Val form_with_body(const ValVec *f, size_t from, const Val *head, size_t n);
Val form_body(const ValVec *f, size_t from); /* the one form, or (do ...), that items from `from` on make; nil for none */
Val core_sym(const char *name);              /* clojure.core/name */
Val sym_bare(Val sym);                       /* without metadata */
Val form_like(Val form, Val model);          /* `form`, a list, with the metadata of the form it replaces */
Val quoted(Val form);                        /* (quote form) */
/* (throw (new Cls (clojure.core/str text expr))), expr ABSENT: only the text */
Val throw_form(const char *cls, const char *text, Val expr);

/* --- taking forms apart ---------------------------------------------------------------------------------------------- */
Val form_items(Expander *x, Val coll, ValVec *out); /* all items of any seqable, lazy ones realised; nil or a signal */
Val form_plain(Expander *x, Val form);              /* the same data with every lazy or odd seq made a list, at any depth */
bool form_is_list(Val form);                        /* what seq? says */
/* Items of a macro call into f (f->a[0] is the macro's name); ArityException unless min <= arguments <= max (-1: any). */
Val macro_args(Expander *x, Val form, ValVec *f, const char *name, int min, int max);
/* f->a[1] must be a vector of an even number of forms, or of exactly two. nil or a signal with Clojure's wording. */
enum MacroPairs { PAIRS_EVEN, PAIRS_ONE };
Val macro_bindings(Expander *x, Val form, const ValVec *f, const char *name, enum MacroPairs pairs);
bool form_is_local(const Expander *x, Val sym);

Val err_spec(const char *macro);    /* ExceptionInfo "Call to clojure.core/let did not conform to spec." */
Val err_argument(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* IllegalArgumentException, :syntax */
Val err_runtime(const char *fmt, ...) __attribute__((format(printf, 1, 2)));  /* RuntimeException, :syntax */

/* --- destructure.c ---------------------------------------------------------------------------------------------------- */
bool destructure_ok(Val pattern);          /* as core.specs.alpha has it */
bool destructure_bindings_ok(Val bindings); /* [pattern init ...] */
bool destructure_params_ok(Val params);    /* parameter vector of a fn */
/* Appends symbol, form, symbol, form ... to out that bind what `pattern` names to its parts of `value`. stable: value is a
 * symbol that nothing else can rebind, so that it may be mentioned many times. nil or a signal. */
Val destructure(Expander *x, Val pattern, Val value, bool stable, ValVec *out);
/* What {...} patterns look into: a seq of keys and values becomes a map (a last odd map is merged), anything else stays. */
Val destructure_map(Val v);
#endif
