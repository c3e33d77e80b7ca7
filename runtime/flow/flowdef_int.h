/* flowdef_int.h - what the files that read and check definitions share. A Check lives on the stack of flowdef_read. */
#ifndef BR_FLOWDEF_INT_H
#define BR_FLOWDEF_INT_H
#include "flowdef.h"
#include "flowdef_codes.h"
#include "flowdef_pos.h"
#include "reader/print.h"
#include "reader/read.h"

/* A place: the node of the text, if it is known, and the line and column of that or of what is around it. */
typedef struct At {
  const PosNode *n;
  int line, col;
} At;

enum { CHECK_PATH = 64 };
typedef struct Check {
  FlowDef *f;
  Diags *d;
  PosIndex pos;
  At root; /* the definition map */
  Val path[CHECK_PATH];
  size_t npath;
  Val used_functions, used_steps, used_templates; /* maps id -> [line col kind] of what the body mentions first */
  Val mentioned;                                  /* set of the qualified keywords anywhere in the body */
  bool dynamic_ref;                               /* an id is computed: nothing can be called unreferenced */
  Val free_set;                                   /* symbols that are not local, */
  ValVec free_syms;                               /* the same in the order of the text, with ... */
  At *free_at;                                    /* ... where each first stood */
  size_t recompiled;                               /* bytes of code that were looked at once more, for another unknown name */
  size_t free_cap;
} Check;

/* hint NULL: the one of the table. */
void diag_add(Check *c, enum DiagCode code, At at, const char *hint, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same, as a warning whatever the table says. */
void diag_warn(Check *c, enum DiagCode code, At at, const char *hint, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void path_push(Check *c, Val v);
void path_kw(Check *c, const char *name);
void path_pop(Check *c);

/* The one map of a text, read as source with positions; `what` it is, for the message. false: d says why not. */
bool diags_read_map(const char *text, size_t n, const char *file, const char *what, Val *map, Diags *d);
void diags_sort(Diags *d);
void diags_error(Diags *d, enum DiagCode code, const char *file, int line, int col, const char *text); /* file: see Diag */

At at_node(const Check *c, const PosNode *n, At otherwise);
At at_entry(const Check *c, At map, Val key); /* the value of an entry */
At at_field(const Check *c, At map, const char *kw);
At at_key(const Check *c, At map, Val key);
At at_kid(const Check *c, At parent, uint32_t i, Val form); /* i-th form of a list, vector, ... */
At at_form(const Check *c, Val form, At otherwise);         /* by the position that a list carries */

/* Short text of a value for messages; good until the next-but-three call on this thread. */
const char *val_text(Val v);
bool safe_id(const char *s, size_t n); /* a letter, then letters, digits, _ or -, at most 128 */
bool safe_id_val(Val v, bool strings); /* unqualified keyword (or string) of that form */
Val name_kw(Val v);                    /* keyword of a keyword, string or symbol; nil for others */
bool is_form_list(Val v);              /* list or () */
bool list_head_is(Val form, const char *ns, const char *name);
uint32_t list_n(Val form);
Val list_nth(Val form, uint32_t i);    /* nil behind the end */
Val unquote_form(Val v, bool *quoted); /* X of (quote X) */
/* A literal: the reader's value is the value itself. Quoted forms are literals. */
bool is_literal(Val v);
const char *nearest_name(const char *name, const char *const *names, size_t n); /* for "did you mean"; NULL */

void check_definition(Check *c);             /* flowdef_check.c: everything but the body */
void check_requires(Check *c, Val v, At at); /* flowdef_setup.c */
void check_secret_use(Check *c, Val cfg, At at); /* flowdef_secret.c */
void check_templates(Check *c, Val v, At at);
void check_functions(Check *c, Val v, At at);
void check_packaged(Check *c, Val steps, Val agents);
void check_body(Check *c, At at);                          /* flowdef_lint.c */
void check_step(Check *c, Val form, At at, bool threaded); /* flowdef_step.c: a (flow/step ...) or (flow/poll ...) call */
void check_poll(Check *c, Val form, At at);
/* Is key an option of the family, from step_options.h? nil, :code (it takes a function) or :option; of a family that the table does not
 * have, everything is one. family :*: the common options alone. */
Val step_option(Val family, Val key);
/* flowdef_step.c: a literal option of a family, wherever it stands; a step type that there is. */
void check_option(Check *c, const char *kind, Val k, Val v, At map);
void note_use(Val *set, Val id, At at, const char *kind);
/* flowdef_parts.c: NULL, or what the literal must be. */
const char *human_problem(Val v);
const char *expect_problem(Val v);
void check_tools(Check *c, Val tools, At at); /* :tools of a step or agent: the packaged steps and agents that it names */
void check_more_tools(Check *c, Val steps, At at); /* :available-steps */
void check_call_flow(Check *c, Val form, At at, bool threaded);
void check_job(Check *c, Val cfg, At at); /* flowdef_job.c: the config of a :job step */
void check_db(Check *c, Val cfg, At at); /* flowdef_db.c: the config of a :db step */
void check_ssh(Check *c, Val cfg, At at); /* flowdef_ssh.c */
void check_table(Check *c, Val cfg, At at); /* flowdef_table.c: the config of a :table step */
void check_strings(Check *c);           /* flowdef_lint.c: hardcoded ids, long strings, anywhere in the definition */
void check_compiles(Check *c, At body); /* flowdef_fn.c: what expansion and analysis object to */
/* Does the form expand and analyze? `of`: whose code it is, "" for the body. */
void check_code_form(Check *c, Val form, At at, enum DiagCode code, const char *of);
/* Form of a `:code` value: read from a string, unquoted. ABSENT and *why when it is no single form. */
Val code_form(Val code, const char *file, const char **why);
bool code_is_fn(Val form); /* (fn ...), (fn* ...), or a symbol */
Val def_field(const Check *c, const char *kw);
/* An input's value against its :type etc. NULL or what it must be. `declared`: one entry of :inputs. */
const char *input_problem(Val declared, Val v, Val *coerced);
#endif
