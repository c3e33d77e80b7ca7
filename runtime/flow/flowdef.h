/* flowdef.h - flow definitions: one EDN map (spec/flows.md sections 1-3), read, checked and made ready to run.
 *
 * flowdef_check finds every problem of a definition in one pass; each has a documented code (the table below), severity,
 * position and hint. Only what cannot run is an error; what upstream's linter merely dislikes is a warning. */
#ifndef BR_FLOWDEF_H
#define BR_FLOWDEF_H
#include "eval/node.h"
#include "runtime/base/port.h"

typedef struct Diag {
  bool error;       /* the flow cannot run */
  bool refused;     /* it runs here, upstream refuses it: an error for `lint` alone */
  const char *code; /* "missing_required_field" ... from the table in flowdef_codes.h */
  char *message, *hint, *path; /* path: "[:invocations :default :inputs 0]" ; hint may be NULL */
  int line, col;    /* 0 = unknown */
  char *file;       /* an included file; NULL: the flow's own */
} Diag;
typedef struct Diags { Diag *a; size_t n, cap; int errors, warnings; } Diags;
void diags_free(Diags *d);
/* "flow.edn:3:7: error [missing_required_field] message (hint)" and a newline to b. */
void diag_print(const Diag *d, const char *file, bool is_error, Buf *b);
/* All of them, as a run sees them. */
void diags_print(const Diags *d, const char *file, Buf *b);

typedef struct FlowDef {
  Val map;          /* the whole definition, quoted body unwrapped is `body` */
  Val body;         /* the orchestration form, with positions */
  char *slug, *name;
  char hash[65];    /* hex SHA-256 of the source text */
  char *file;       /* as given, for messages */
  char *text; size_t text_n;
  Val functions;    /* map id keyword -> function form (read from string when it was one) */
} FlowDef;            /* allocated by the collector's allocator: no free; strings malloc'ed once per definition */

/* The same of a file's text, with its includes put in (flow_include.h). */
FlowDef *flowdef_read_file(const char *text, size_t n, const char *file, Diags *d);
/* Reads and checks. NULL when there are errors (d has them; syntax errors are one Diag too). */
FlowDef *flowdef_read(const char *text, size_t n, const char *file, Diags *d);
/* Function form of `:functions` by id, or ABSENT. */
Val flowdef_function(const FlowDef *f, Val id);
/* A function form, or string of one, to a T_FN in env: quoted or not, `(fn [x] ...)` or #(...). A signal on error. */
Val flowdef_compile_fn(Env *env, Val code, const char *file);
/* What :activation of a run's input is: `set` (a map) and the defaults of the setup forms of :requires. {}: nothing. */
Val flowdef_activation(Val def, Val set);
/* Default values of the chosen invocation's inputs filled in, required ones checked, types coerced where JSON cannot say
 * (none are dropped: unknown keys stay). false: *e says which input and what it needs. */
bool flowdef_input(const FlowDef *f, Val *input, Err *e);
/* The declared inputs of an invocation (a vector, or nil); NULL: of :default, or of the only one, or the :fields of a manual trigger. */
Val flowdef_inputs(Val flow, const char *invocation);
/* The same as flowdef_input for inputs that are declared like that. */
bool flowdef_input_for(Val declared, Val *input, Err *e);
/* Step kinds this build can run: from the same table as step dispatch. */
bool step_kind_known(Val kw);
/* The options of a config that is about to run have values of their types. false: *e names option, value and what would work. */
bool step_options_check(Val type, Val cfg, Err *e);
#endif
