/* introspect.h - what can be known of names: for doc, apropos, source, completion and lookups.
 *
 * The texts come from where they are kept anyway: DOC blocks of builtins, the prelude's text, metadata of vars. Definitions that a
 * session evaluates are noted here with their text. Calls come from one thread at a time (the REPL's lock). */
#ifndef BR_INTROSPECT_H
#define BR_INTROSPECT_H
#include "mach.h"

/* What a symbol names in the current namespace of env: a map of :type (:function :macro :var :special-form :namespace :class) :ns
 * (symbol) :name (symbol) :arglists (list of vectors) :doc :file :line :column :source :private :dynamic, those that are known; nil when
 * it names nothing. A signal when a prelude definition fails. */
Val introspect(Env *e, Val sym);
/* The text of a definition that was evaluated: what :source, :file, :line and :column of its var say from now on. */
void introspect_note(Val var, Val text, const char *file, int line, int col);
/* Every name that may be used: special forms bare, core names and vars of env with their namespace. Private ones and helpers whose
 * names end in * are left out, except in the namespace `all` (NULL: in none). In no order; names may come twice. */
typedef void IntrospectFn(void *ctx, const char *ns, const char *name, const char *type); /* ns NULL: special form */
void introspect_names(Env *e, const char *all, IntrospectFn *f, void *ctx);
extern const BuiltinRow rows_introspect[]; /* breyta.repl/info names ns-of trace: used by clojure.repl in the prelude */
#endif
