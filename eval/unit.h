/* unit.h - what analyze.c, env.c and unit.c share below node.h: unit names, the registry, class names in code. */
#ifndef BR_UNIT_H
#define BR_UNIT_H
#include "node.h"
#include "class.h"
#include "reader/print.h"

/* Content hash of a core form: structure, texts and positions, the file and the namespace it is analyzed in. */
void unit_hash(Val core, const char *file, Val ns, UnitHash *out);
void unit_register(Unit *u);

bool env_is_core(const Env *e);
Env *env_core(void);
const char *file_intern(const char *file); /* a copy that lives for ever; one per name */
bool env_ns_known(Env *e, Val ns_name_str); /* namespace or alias of that name exists */
Val env_alias_target(Env *e, Val ns_name_str);         /* T_STR of the namespace that a qualifier names: itself, or what an alias stands for */
bool var_yields(Val var);                    /* a name that the REPL offers: as with those of clojure.core, one's own takes its place */
bool var_is_own(Val var, Val ns_sym);        /* a var, and interned there rather than referred */
bool env_core_has_ns(const char *name);
void env_each_core_ns(void (*f)(const char *name, void *ctx), void *ctx);
Val env_core_names(const char *ns);         /* symbols of what the library has in that namespace */
Val env_top_form(Env *e, Val form);         /* calls of the program's own macros expanded */
void var_declare(Val var, Val sym_meta);    /* flags and metadata that the symbol of a def carries */

/* Every name of the core table in no order: builtins (b) and definitions of the prelude (text). */
typedef struct CoreName { const char *name; const struct Builtin *b; const char *text; uint32_t len; const char *file; uint32_t line; } CoreName;
void core_each(void (*f)(const CoreName *name, void *ctx), void *ctx);
bool core_find(const char *full, CoreName *out);

struct Reader;
void env_reader(Env *e, struct Reader *r);       /* namespace, aliases, syntax-quote of this environment */
Val env_read_eval(Env *e, struct Reader *r);     /* every form that is left; the last value */
extern const BuiltinRow rows_ns[], rows_var[];
void var_hooks(void);
void env_register(void);                         /* the builtins of eval/; once, a second call does nothing */
Val env_ns(Env *e);                              /* the current namespace: what *ns* is bound to, if it is */
void env_enter_ns(Env *e, Val ns);               /* in-ns */
Val ns_the(Val x);                               /* the-ns */

Val env_read_tag(void *env, Val tag, Val form); /* Reader.tag_read: records of the program, ABSENT for other tags */
Val env_interface_var(Env *e, Val sym); /* the var of the protocol whose class is user.Shape; nil: none */
Val env_type_var(Env *e, Val sym); /* the var of a class that the program defined: Point or user.Point; nil: none */
#endif
