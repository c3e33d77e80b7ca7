/* repl_session.h - one evaluation session: what the terminal REPL and nREPL share. No terminal and no socket is known here.
 *
 * A session holds dynamic bindings (*1 *2 *3 *e *ns* *print-length* ...; `set!` of them lasts), a current namespace, and
 * namespaces: its own (repl_new) or those of another session (repl_clone: vars defined in one are seen in all of them, as
 * the sessions of one nREPL server share one Clojure). Text is evaluated form by form; what it prints, each value and an
 * error go to callbacks as they come. The first error ends the evaluation of that text.
 *
 * Threads. A thread that calls anything here but repl_interrupt and repl_interrupted must be one that may build values:
 * the main thread, or one between mem_thread_enter() and mem_thread_leave() (reader/mem.h), with a stack of 8 MiB. One
 * session evaluates on one thread at a time, any thread; the others may evaluate other sessions. There is one lock around
 * all values of all sessions: every function here takes it for itself, and an evaluation hands it over between two slices of
 * fuel (about a millisecond) when another thread waits, first come first served. So completions and lookups answer while
 * an endless loop runs. Callbacks are called on the evaluating thread: `value` and `error` with the lock held, `out` and `line`
 * without it, so these two may block (and must not touch a Val).
 * C code that waits for the world in a function called by Clojure code wraps the wait in repl_block_begin / repl_block_end.
 *
 * Interrupting. repl_interrupt may be called from any thread and from a signal handler. The evaluation ends at the end of its
 * slice with an error that no catch clause takes (`interrupted` is set) and the session lives on. It also ends endless lazy seqs,
 * native turns and the printing of a value. An interrupt when nothing is evaluated is forgotten when the next one starts.
 * `line` has to return false soon after: it asks repl_interrupted, its wait must be woken by whoever interrupts.
 *
 * Adding functions. See repl_ext.h: a table of builtin rows, Clojure source, names to refer in `user`, lines for (help). A
 * function finds its session by repl_current(). */
#ifndef BR_REPL_SESSION_H
#define BR_REPL_SESSION_H
#include "reader/val.h"
#include "reader/text.h"

typedef struct ReplSession ReplSession;

/* With :read-eval-print phases of the names that Clojure's clojure.main/ex-triage uses. */
#define REPL_PHASES(P)                                                                                     \
  P(REPL_READ, "read-source") P(REPL_EXPAND, "macroexpansion") P(REPL_COMPILE, "compile-syntax-check")     \
  P(REPL_EXECUTE, "execution") P(REPL_PRINT, "print-eval-result")
#define REPL_PHASE_ENUM(e, name) e,
typedef enum ReplPhase { REPL_PHASES(REPL_PHASE_ENUM) REPL_PHASE_COUNT } ReplPhase;
const char *repl_phase_name(ReplPhase p);

typedef enum ReplStream { REPL_OUT, REPL_ERR } ReplStream; /* *out*, *err* */

/* One line of a trace, innermost first. file is NULL and line 0 for functions written in C. */
typedef struct ReplFrame { const char *fn, *file; int line, col; } ReplFrame;

typedef struct ReplError {
  ReplPhase phase;
  bool interrupted;
  Val ex;                 /* T_EX, also *e now */
  const char *cls;        /* java.lang.ArithmeticException */
  const char *kind;       /* arithmetic */
  const char *message;    /* never NULL */
  const char *data;       /* printed ex-data, or NULL */
  const char *file;       /* where in the source the form or the bad token stands, or NULL */
  int line, col;          /* 0: unknown */
  const ReplFrame *frames;
  size_t nframes;
  const char *text;       /* all of it for people: class, message, data, causes, trace; lines, each ended by \n */
} ReplError;              /* all of it is only valid during the callback */

typedef struct ReplCallbacks {
  void *ctx;
  void (*out)(void *ctx, ReplStream to, const char *s, size_t n);               /* NULL: thrown away */
  void (*value)(void *ctx, Val v, const char *text, size_t n, const char *ns);  /* per form; text as `print` says, ns the present one */
  void (*error)(void *ctx, const ReplError *e);
  bool (*line)(void *ctx, Buf *b); /* read-line, read: append the next line of input without its end; false: no more. NULL: none */
  void (*begin)(void *ctx);  /* the evaluation begins: an interrupt from now on counts (older ones are forgotten). NULL: not told */
} ReplCallbacks;

typedef struct ReplSource {
  const char *text;
  size_t n;
  const char *file; /* for positions; NULL: REPL */
  int line, col;    /* of the first character, 1-based; 0 is 1 */
  const char *ns;   /* evaluate in this namespace (made when missing) and then return to the present one; NULL: in the present one, and
                       (ns x) and (in-ns 'x) stay in effect */
  bool load;        /* as one (load-file): only the last form's value is printed, becomes *1 and is told */
  int width;        /* values by pprint with this right margin; 0: as pr does; < 0: not printed (value gets "") */
} ReplSource;

typedef enum ReplResult { REPL_DONE, REPL_FAILED, REPL_STOPPED } ReplResult;

/* Once, before the first session and any other thread: collector, library, extensions. */
void repl_init(void);
ReplSession *repl_new(void);               /* namespaces of its own: `user` with clojure.repl's names */
ReplSession *repl_clone(ReplSession *of);  /* the same namespaces; bindings and current namespace copied */
void repl_free(ReplSession *s);            /* not while it evaluates */

ReplResult repl_eval(ReplSession *s, const ReplSource *src, const ReplCallbacks *cb);
void repl_take_input(ReplSession *s, Buf *b);   /* lines that `line` gave and no program used, in front of what b holds */
void repl_interrupt(ReplSession *s);            /* async-signal-safe */
bool repl_interrupted(const ReplSession *s);    /* an interrupt has not taken effect yet; async-signal-safe */
bool repl_evaluating(const ReplSession *s);     /* between start and end of repl_eval; async-signal-safe */
bool repl_has_ns(ReplSession *s, const char *ns); /* a namespace of that name; aliases do not count */
void repl_ns(ReplSession *s, Buf *b);           /* name of the current namespace */
ReplSession *repl_current(void);                /* of the evaluation on this thread; NULL outside */
/* Print from a function of an extension: to *out* of the evaluation on this thread. */
void repl_print(const char *s, size_t n);
void repl_block_begin(void);                    /* around a wait inside of an evaluation: no Val may be touched between the two */
void repl_block_end(void);
/* Hold the lock around Val work outside of an evaluation (printing a value kept from a callback, say). */
void repl_lock(void);
void repl_unlock(void);

/* --- text that is being typed ---------------------------------------------------------------------------------------------- */
typedef enum ReplForm {
  REPL_EMPTY,      /* nothing but white space and comments */
  REPL_COMPLETE,   /* forms, and nothing is open */
  REPL_INCOMPLETE, /* the reader wants more: a delimiter or string is open (its place in line, col), a quote has no form ... */
  REPL_BAD         /* can never be read: a closing delimiter too many, a bad token ... */
} ReplForm;
typedef struct ReplCheck {
  ReplForm form;
  size_t first_end;  /* bytes up to the end of the first form; 0: not even that is complete */
  int line, col;     /* INCOMPLETE: of what is open (0: nothing is, e.g. a quote alone); BAD: of the error */
  char open;         /* INCOMPLETE: ( [ { or "; 0 */
  int indent;        /* INCOMPLETE: column (from 0) where the next line should begin; inside a string 0 */
  char message[200]; /* BAD: the reader's */
} ReplCheck;
/* s (it may be NULL) knows the aliases of ::alias/keywords. */
void repl_check(ReplSession *s, const char *text, size_t n, ReplCheck *out);

/* type: function macro var special-form namespace class keyword local-file; ns: of a var, else NULL */
typedef struct ReplCandidate { const char *text, *type, *ns, *arglists, *doc; } ReplCandidate; /* the last two are given for up to 64
   candidates, where there are any; else NULL */
typedef void ReplCandidateFn(void *ctx, const ReplCandidate *c);
/* Everything that `prefix` can become in namespace ns (NULL: the current one), sorted by text, no text twice. A prefix with a slash
 * completes in that namespace or alias, one that begins with a colon among the keywords read so far. */
void repl_complete(ReplSession *s, const char *prefix, const char *ns, ReplCandidateFn *f, void *ctx);
/* The word that ends at byte `at` of a text: completes it by what stands before (inside a string literal: file names). *start: where
 * the word begins, what the candidates replace. */
void repl_complete_at(ReplSession *s, const char *text, size_t at, size_t *start, ReplCandidateFn *f, void *ctx);

/* What is known of a name: a var, macro, special form, namespace or class. Empty buffers: not known. */
typedef struct ReplInfo {
  Buf ns, name;   /* name alone for special forms, namespaces and classes */
  Buf arglists;   /* ([x] [x y]) */
  Buf doc;
  Buf file;       /* where it is defined; line and col are 1-based, 0 = not known */
  int line, col;
  Buf source;     /* text of the definition, when it was evaluated in a session or is part of the Clojure prelude */
  const char *type; /* as for candidates */
  bool macro, special, is_private, dynamic;
} ReplInfo;
bool repl_lookup(ReplSession *s, const char *symbol, const char *ns, ReplInfo *out); /* false: no such name; free it in any case */
void repl_info_free(ReplInfo *info);
#endif
