/* repl_ext.h - what others add to every session: functions in C or Clojure, names for `user`, lines for (help).
 *
 *   const ReplExtension repl_ext_flow = {
 *       .ns = "breyta.flow", .alias = "flow", .rows = rows_repl_flow, .refer = (const char *const[]){"load", "next", NULL},
 *       .help = "(load \"x.edn\")   load a flow\n"};
 *
 * and a row REPL_EXTENSION(flow) below. Row names are full ("breyta.flow/load"); flags B_IMPURE. A function that must wait for the
 * world does it between repl_block_begin and repl_block_end, asks repl_interrupted(repl_current()), and prints by repl_print or
 * Clojure's println. What it has to keep for a session it keys by the ReplSession pointer. */
#ifndef BR_REPL_EXT_H
#define BR_REPL_EXT_H
#include "eval/builtin.h"
#include "repl_session.h"

struct Cli;
typedef struct ReplExtension {
  const char *ns;                 /* where its functions are */
  const char *alias;              /* of that namespace in `user`, or NULL */
  const BuiltinRow *rows;         /* C functions, or NULL */
  const char *clojure, *file;     /* Clojure source as in prelude.clj: (ns x) and (defn ...) in column 1; or NULL */
  const char *const *refer;       /* names that `user` has without a qualifier; NULL at the end; or NULL */
  const char *help;               /* lines for (help), each ended by \n; or NULL */
  int (*open)(ReplSession *s, const struct Cli *cli, const char *path); /* `breyta-run repl FLOW.edn`: an exit status; path NULL: no flow is
                                     named, but options may be; or NULL */
  bool (*show)(Val v, int width, Buf *out); /* what a terminal of that width shows of a value; false: as ever; or NULL */
  void (*session)(ReplSession *s); /* called for each new session, with the lock held; or NULL */
} ReplExtension;

#define REPL_EXTENSIONS(REPL_EXTENSION) \
  REPL_EXTENSION(help) REPL_EXTENSION(flow)

#define REPL_EXT_DECL(id) extern const ReplExtension repl_ext_##id;
REPL_EXTENSIONS(REPL_EXT_DECL)
extern const ReplExtension *const repl_extensions[]; /* NULL at the end */
#endif
