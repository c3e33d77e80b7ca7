/* mach.h - the machine: runs analyzed code with two flat arrays, which together are the continuation.
 *
 *   frames  {code, base, pc, flags}, 16 bytes each: a node that waits for a child's value, or a native frame
 *   slots   the value stack. An activation of a function owns slots from its base: [closure][args][locals][temps], all at
 *           offsets the analyzer fixed, like register windows: a call's function and arguments are evaluated into the
 *           slots where the callee's activation begins, so calling copies nothing.
 * Both may move when they grow: indices, never `Val *`, survive a call. Slots below the depth of the top frame are live
 * and initialised, nothing above is; a snapshot is exactly frames + those slots + what they reach.
 *
 * Threads: a Mach is run by one thread at a time. No C frame below mach_run belongs to a Clojure call. */
#ifndef BR_MACH_H
#define BR_MACH_H
#include "builtin.h"
#include "reader/seq.h"
#include "reader/ex.h"
#include "reader/text.h"

typedef struct Frame {
  const void *code; /* Node, or NativeDef when FR_NATIVE */
  uint32_t base;    /* slot index of the activation (native: of the callee slot) */
  uint16_t pc;
  uint16_t flags;
} Frame;
enum { FR_NATIVE = 1 };

/* Namespaces, vars and the counters that keep identity deterministic: one per run (or per REPL / eval session). */
typedef struct Env {
  Val namespaces;   /* map symbol -> T_NS */
  Val cur_ns;       /* T_NS */
  uint32_t serial;  /* next identity of a function, atom, var, exception, ... */
  int64_t gensym;
  bool sandbox;     /* flow code: no eval of files, no slurp, no host effects but steps */
  Val hierarchy;    /* env_hierarchy's var, once it was asked for */
} Env;

/* What a session gives its machines, and they to the ones they start (macros, comparators). Each may be NULL. */
typedef struct MachIo {
  void (*err)(struct Mach *m, const char *s, size_t n); /* *err*; NULL = nowhere */
  /* The next line of standard input without its end: a string, nil at the end, or a signal. NULL = there is no input. What a reader
   * has of it and did not use stays in the stream that *in* is (stdlib/streams.c). */
  Val (*line)(struct Mach *m);
  bool (*slice_end)(struct Mach *m); /* at the end of each slice; true: stop the evaluation (InterruptedException, not to be caught) */
} MachIo;

typedef struct Mach {
  Val *slots;
  Frame *frames;
  uint32_t nslots_cap, nframes, nframes_cap;
  uint32_t live;       /* slots the collector marks */
  int64_t fuel;        /* of this slice; calls, back-edges and native turns take 1 each */
  int64_t slice;       /* fuel dealt at a time; MACH_SLICE unless a test wants it smaller */
  int64_t fuel_total;  /* spent in whole slices so far */
  int64_t fuel_limit;  /* LimitError beyond; 0 = none */
  uint32_t max_frames; /* StackOverflowError beyond */
  uint64_t mem_limit;  /* bytes reachable from the run; LimitError beyond; 0 = none */
  uint64_t mem_mark;   /* mem_charged at the last look */
  Val bindings;        /* dynamic bindings: map T_VAR -> Box, nil at the bottom */
  Env *env;
  uint32_t nf_top;     /* native frames: slot index behind the state slots */
  uint32_t nf_pc, nf_argc;
  uint32_t demands;    /* how often the call on top has demanded already (doubling policy) */
  uint32_t in_function; /* depth of :function code: B_STEP builtins are refused there */
  Val state;           /* the runtime's own state of this run, saved in snapshots with it */
  void *host;          /* the runtime's, never looked at here */
  void (*out)(struct Mach *m, const char *s, size_t n); /* where print goes when *out* is not rebound; NULL = nowhere */
  Val (*nondet)(struct Mach *m, Val v); /* journals the value of a clock or random builtin; NULL = as it is */
  MachIo io;
} Mach;
extern _Thread_local Mach *mach_cur; /* the machine running on this thread */

/* What a new machine starts with; zero fields: no limit, the built-in depth, output to nowhere. Set at start of a program that
 * evaluates for itself (eval); the engine sets the limits of its runs one by one. */
typedef struct MachDefaults {
  int64_t fuel_limit;
  uint64_t mem_limit;
  uint32_t max_frames;
  void (*out)(struct Mach *m, const char *s, size_t n);
  MachIo io;
} MachDefaults;
extern MachDefaults mach_defaults;

Env *env_new(void); /* with namespace `user`, referring clojure.core */
Mach *mach_new(Env *env);

/* --- for native frames ------------------------------------------------------------------------------------------- */
/* Ask the machine to call f with these arguments and come back to `pc` with the result in `in`. */
Val nf_call0(Mach *m, uint32_t pc, Val f);
Val nf_call1(Mach *m, uint32_t pc, Val f, Val a);
Val nf_call2(Mach *m, uint32_t pc, Val f, Val a, Val b);
Val nf_call3(Mach *m, uint32_t pc, Val f, Val a, Val b, Val c);
Val nf_calln(Mach *m, uint32_t pc, Val f, const Val *args, uint32_t n); /* may move the stack: s is dead afterwards */
/* May calling f reach a step? Lazy natives work one element at a time then, instead of in chunks. */
bool fn_may_step(Val f);
/* Slice over (only when `nf_spent` said so): re-enter at pc. */
Val nf_yield(Mach *m, uint32_t pc);
static inline bool nf_spent(Mach *m, int64_t cost) { return (m->fuel -= cost) <= 0; }
/* Call f at once if it is a pure C builtin, keyword, map, set or vector. ABSENT: it is not, use nf_call. SIG_DEMAND and
 * SIG_THROW as always (on SIG_DEMAND use nf_call instead: the machine then does it the general way). */
Val fast_call1(Val f, Val a);
Val fast_call2(Val f, Val a, Val b);
/* Realise x (any seqable) for walking: (seq x) without running Clojure code, SIG_DEMAND if it must. = seq_of. */

/* --- running ------------------------------------------------------------------------------------------------------ */
struct Unit;
/* Push a call of f; then mach_run. The machine must be idle (no frames). */
void mach_start(Mach *m, Val f, const Val *args, uint32_t n);
void mach_start_unit(Mach *m, const struct Unit *u); /* evaluate a unit's top form */
/* Run until the value of the whole (returned), SIG_THROW (pend.ex; the machine is idle), SIG_SUSPEND (resume with
 * mach_resume), or SIG_STOP (the slice's fuel is spent: give fuel, call mach_continue). Throwing LimitError for fuel,
 * memory and depth is done inside. */
Val mach_run(Mach *m);
Val mach_resume(Mach *m, Val v);       /* the answer to SIG_SUSPEND; v may be SIG_THROW with pend.ex set */
Val mach_continue(Mach *m);            /* after SIG_STOP */
Val mach_throw(Mach *m);               /* after SIG_STOP: pend.ex is thrown where the machine stands */
/* Run f to completion on a machine of its own: macros, comparators at analysis time; never for flow code. */
Val mach_call_sync(Env *env, Val f, const Val *args, uint32_t n);
/* After a slice: adds it up; true and pend.ex = LimitError when the run is over its fuel or memory. */
bool mach_over_limit(Mach *m);
#define MACH_SLICE 20000

/* "  at user/f (flow.edn:3:7)\n" lines of the current frames, innermost first, at most `max`. */
void mach_trace(const Mach *m, Buf *b, int max);
/* Bytes reachable from the machine (for the memory limit). */
uint64_t mach_reachable(const Mach *m);

/* --- vars ----------------------------------------------------------------------------------------------------------*/
/* The var a symbol names: core table, prelude (loaded on first use), then the environment. nil: none. Core vars are
 * shared by all environments and constant. */
Val env_resolve(Env *e, Val sym);
Val env_method(Val name); /* the function of the prelude that (.name x ...) calls for what no builtin takes; nil: none. name: T_STR */
Val env_intern(Env *e, Val ns_sym, Val name_sym); /* T_VAR, made when missing */
Val env_find_ns(Env *e, Val ns_sym);              /* T_NS or nil */
Val env_make_ns(Env *e, Val ns_sym);
Val env_hierarchy(Env *e);                        /* the var of the run's global hierarchy (derive, isa?) */
Val var_get(Val var);                             /* dynamic binding or root; throws when unbound */
Val var_name_sym(Val var);                        /* ns/name */
Val var_meta(Val var);                            /* what (meta var) says: :name and :ns included */
/* The prelude: Clojure source, indexed at start by the `(defn name`, `(defmacro name`, `(def name` and `(ns name)` lines
 * that begin in column 1, analyzed one var at a time when first resolved. */
void prelude_register(const char *text, size_t n, const char *file);
/* Evaluate every form of a source text in env; the last value. For the REPL, eval and tests. */
Val env_eval_text(Env *e, const char *src, size_t n, const char *file);
/* Macroexpand, analyze and run one form (nested machine). */
Val env_eval(Env *e, Val form);
Val env_eval_at(Env *e, Val form, const char *file); /* with the file that traces name */
#endif
