/* expand.h - macroexpansion of a whole form into the core language, which is plain data:
 *
 *   constants, symbols
 *   (quote x) (if t a b) (do x...) (let* [s v ...] body...) (loop* [s v ...] body...) (recur x...)
 *   (fn* name? ([p... & r] body...) ...)        always the list-of-arities form, params are plain symbols
 *   (letfn* [f (fn* f ...) ...] body...)
 *   (def sym) (def sym init)                    metadata (docstring, :dynamic, :private, :macro) on sym
 *   (try body... (catch Class sym body...)... (finally body...))   (throw x)
 *   (case* x default [c1 c2 ...] e1 [c3] e2 ...) constants grouped, already unquoted data
 *   (binding* [var-sym v ...] body...)          dynamic bindings
 *   (with-fields* this [field...] body...)      here only: `field` reads the field of `this`, (set! field x) writes a mutable one
 *   (var sym) (set! sym x) (new Class x...)     (f x...)  calls; vectors, maps and sets evaluate their elements
 *
 * `lazy-seq` and `delay` are calls of clojure.core/lazy-seq* and clojure.core/delay* with a fn*. Destructuring, pre/post
 * conditions, varargs, for, doseq, case, threading ... are gone. Locals shadow macros. Every list keeps the {:line :column}
 * metadata of the form it came from, so that nodes have positions. Type hints and other metadata on symbols are dropped;
 * metadata on collection literals and fn forms is kept as (with-meta form meta) calls when it has user keys.
 * Symbols introduced by macros are namespace-qualified (clojure.core/x), so shadowing does not break them. */
#ifndef BR_EXPAND_H
#define BR_EXPAND_H
#include "mach.h"

typedef struct Expander {
  Env *env;
  Val locals;       /* set of local symbols in scope */
  Val fields;       /* in a method of a deftype or defrecord: map of field symbols, unless locals shadow them, to what reads them */
  int depth;
  const char *file;
  Val form;         /* the whole macro call being expanded (&form) */
} Expander;

/* Core form of `form`, or SIG_THROW (kind :syntax or :unresolved; message with file:line:col at the end of the text only
 * when known). */
Val expand(Env *env, Val form, const char *file);
Val macroexpand_1(Env *env, Val form); /* for the functions of that name */
Val expand_gensym(Expander *x, const char *prefix); /* prefix__12__auto__ like symbol, unique in this env */
extern const BuiltinRow rows_macros[]; /* C macros: let fn loop defn when cond and or -> ->> case for doseq ... */
#endif
