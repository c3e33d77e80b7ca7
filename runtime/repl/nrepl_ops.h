/* nrepl_ops.h - the operations of the nREPL server, one row each: `describe` and dispatch are made from them.
 *
 *   OP(name, where, function, doc, required, optional, returned)
 *     where     NOW on the polling thread, TOOLS on the tools worker, SESSION in the session's turn
 *     the last three are pairs of names and texts
 * `completions` and `lookup` are nREPL's own, `complete`, `info` and `eldoc` the small forms of the same that CIDER asks for. */
#ifndef BR_NREPL_OPS_H
#define BR_NREPL_OPS_H

#define NREPL_PRINT_KEYS                                                                                                             \
  {"nrepl.middleware.print/print", "A printing function; one whose name ends in pprint breaks lines, others print as pr does."},     \
      {"nrepl.middleware.print/options", "For pprint: right-margin."}, {"nrepl.middleware.print/quota", "The most bytes of a value."}
#define NREPL_SYM_KEYS {"sym", "The symbol."}, {"ns", "The namespace to look in; by default the session's."}

#define NREPL_OPS(OP)                                                                                                                \
  OP("clone", TOOLS, op_clone, "Makes a session: the session's current namespace and bindings, or those of a new one.", ARGS(),      \
     ARGS({"session", "The session to copy."}), ARGS({"new-session", "The id of the new session."}))                                 \
  OP("close", NOW, op_close, "Ends a session; what it evaluates is interrupted.", ARGS({"session", "The session to end."}), ARGS(),  \
     ARGS({"status", "session-closed"}))                                                                                             \
  OP("ls-sessions", NOW, op_ls_sessions, "Lists the sessions.", ARGS(), ARGS(), ARGS({"sessions", "Their ids."}))                    \
  OP("describe", NOW, op_describe, "What this server can do.", ARGS(), ARGS({"verbose?", "With documentation of the ops."}),         \
     ARGS({"ops", "The operations."}, {"versions", "Versions of breyta-run, of nREPL and of the Clojure that is spoken."},           \
          {"aux", "The session's current namespace, when there is a session."}))                                                     \
  OP("eval", SESSION, op_eval, "Evaluates all forms of a text, in order, to the first error.", ARGS({"code", "The text."}),          \
     ARGS({"session", "The session; without one the text is evaluated in a copy of a new one."}, {"id", "The name of the request."}, \
          {"ns", "The namespace to evaluate in; it must exist."}, {"file", "The name of the file that the text is from."},           \
          {"line", "The line where it begins there."}, {"column", "The column where it begins there."}, NREPL_PRINT_KEYS),           \
     ARGS({"out", "Printed text, as it comes."}, {"err", "Text printed to *err*, and error messages."},                              \
          {"value", "The value of each form."}, {"ns", "The current namespace after it."}, {"ex", "The class of an exception."},     \
          {"root-ex", "The class of its first cause."},                                                                              \
          {"status", "eval-error, namespace-not-found, no-code, interrupted, need-input, done"}))                                    \
  OP("load-file", SESSION, op_load_file, "Evaluates the text of a file as a whole.", ARGS({"file", "The text of the file."}),        \
     ARGS({"file-path", "Its path."}, {"file-name", "Its name."}, NREPL_PRINT_KEYS),                                                 \
     ARGS({"value", "The value of the last form."}, {"ex", "The class of an exception."}, {"root-ex", "The class of its first cause."})) \
  OP("interrupt", NOW, op_interrupt, "Ends what a session evaluates; the session lives on.", ARGS({"session", "The session."}),      \
     ARGS({"interrupt-id", "The request to interrupt; one that waits for its turn is dropped."}),                                    \
     ARGS({"status", "interrupted (of the request), session-idle, interrupt-id-mismatch, session-ephemeral"}))                       \
  OP("stdin", NOW, op_stdin, "Input for (read-line) and (read); asked for by the status need-input.",                                \
     ARGS({"stdin", "The text; empty: the end of the input."}, {"session", "The session."}), ARGS(), ARGS())                         \
  OP("completions", TOOLS, op_completions, "What a prefix can become.", ARGS({"prefix", "The prefix."}),                             \
     ARGS({"ns", "The namespace to look in; by default the session's."}, {"options", "extra-metadata: a list of arglists and doc."}), \
     ARGS({"completions", "Maps with candidate, type and ns."}))                                                                     \
  OP("complete", TOOLS, op_completions, "As completions.", ARGS({"prefix", "The prefix; or symbol."}), ARGS({"ns", "The namespace."}), \
     ARGS({"completions", "Maps with candidate, type and ns."}))                                                                     \
  OP("lookup", TOOLS, op_lookup, "What is known of a name.", ARGS({"sym", "The symbol."}), ARGS(NREPL_SYM_KEYS),                     \
     ARGS({"info", "A map: ns, name, arglists, doc, file, line, column ..."}))                                                       \
  OP("info", TOOLS, op_info, "As lookup, with the entries in the answer itself.", ARGS({"sym", "The symbol."}), ARGS(NREPL_SYM_KEYS), \
     ARGS({"status", "no-info when nothing is known."}))                                                                             \
  OP("eldoc", TOOLS, op_eldoc, "The argument lists of a function.", ARGS({"sym", "The symbol."}), ARGS(NREPL_SYM_KEYS),              \
     ARGS({"eldoc", "A list of lists of names."}, {"status", "no-eldoc when nothing is known."}))

#define NREPL_OP_PROTO(name, where, run, ...) void run(struct NreplReq *r);
struct NreplReq;
NREPL_OPS(NREPL_OP_PROTO)
#endif
