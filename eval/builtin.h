/* builtin.h - one table row per function and arity, one DOC block per function: the single place for each fact.
 *
 *   DOC(inc, "[x]", "Returns a number one greater than x. Throws on long overflow. See also inc'.",
 *       "(inc 1) ;=> 2")
 *   static Val core_inc(Val x) { return num_inc(x); }
 *   ...
 *   const BuiltinRow rows_math[] = { ROW1("inc", core_inc, inc, B_PURE), ... ROW_END };
 *
 * A row without DOC does not compile, a function without row is unused, so neither can be forgotten. Rows of one name
 * stand together, one per arity. From them come dispatch, ArityException, (doc x), reference pages, the example tests
 * (each `EXPR ;=> VALUE` or `EXPR ;!> kind` line of the examples), arity tests, and the analyzer's purity.
 *
 * Names without a slash are in clojure.core; "clojure.string/join", "Math/abs", ".toString" and "Exception." as written.
 *
 * Four kinds of row:
 *   ROW0..ROW4   C function of that many Vals
 *   ROWV         C function (int argc, const Val *argv) for argc >= min
 *   ROW_NATIVE   a native frame (see NativeDef): everything that calls back into Clojure code, or may suspend
 *   ROW_MACRO    C macro: Val f(Expander *, Val form) -> form, see expand.h
 * C functions never call Clojure code; a lazy seq they meet makes them return SIG_DEMAND and they are called again. So a
 * C function that is not B_PURE must not have done its effect before it may demand. */
#ifndef BR_BUILTIN_H
#define BR_BUILTIN_H
#include "reader/val.h"
#include "reader/types.h"

typedef struct Doc { const char *arglists, *text, *examples; } Doc;
#define DOC(id, arglists, text, examples) static const Doc doc_##id = {arglists, text, examples}

enum BFlags {
  B_PURE = 1,   /* deterministic, no effect: may be evaluated directly and run again after a demand */
  B_IMPURE = 2, /* reads or writes cells (atoms, transients), prints, ...: runs exactly once, on the machine */
  B_NONDET = 4, /* clock, randomness: journaled in a flow run (micro-effect) */
  B_STEP = 8,   /* may suspend the run (flow/step and friends): refused inside :function code */
  B_KIND_NATIVE = 64,
  B_KIND_MACRO = 128,
  B_KIND_VARIADIC = 256,
  B_DOT = 512, /* .name: an instance of the program's own type may have a member of that name (set at registration) */
};

struct Mach;
struct Expander;

/* A native frame: a function written as a little state machine, so that no C frame ever sits below Clojure code.
 * Slots: s[0..fixed-1] the arguments (ABSENT where not given), s[fixed] the rest as T_ARR or nil when `variadic`, then
 * `nstate` state slots (nil at first). `pc` is 0 at entry. The step function returns
 *   a value          the call's result
 *   nf_call(...)     have the machine call f; it re-enters with the pc given there and `in` = the result
 *   SIG_DEMAND       (from a C function) the machine realises and re-enters with m->nf_pc and in = nil
 *   SIG_THROW        the exception leaves the frame
 *   nf_yield(...)    slice over: re-enters later
 *   SIG_SUSPEND      the run waits for the world; re-enters with m->nf_pc and in = what the world answered
 * Store `in` and all progress in slots before anything that can demand or yield; m->nf_pc is the current pc unless you
 * set it. s is valid only until the function returns (stacks move). With NF_CATCHES, an exception thrown by something
 * this frame called re-enters the step with pc | NF_THROWN and in = the exception.
 * name and version are written in snapshots: change the slots or the meaning of a pc, and version must go up. */
typedef struct NativeDef {
  const char *name;
  uint16_t version;
  uint8_t min, fixed; /* least number of arguments; number of fixed slots */
  bool variadic;
  uint8_t how; /* NF_CATCHES, NF_OWNS, NF_BINDS */
  uint16_t nstate;
  Val (*step)(struct Mach *m, uint32_t pc, Val *s, Val in);
} NativeDef;
#define NF_THROWN 0x8000u
enum {
  NF_CATCHES = 1,
  /* What it passes as first argument to the functions that it calls, and takes back from them, nobody else refers to (own.c).
   * It keeps no copy during the call, and publishes (coll_publish) what it returns. */
  NF_OWNS = 2,
  /* Its first state slot holds the bindings that it gives back to the machine: checked when a snapshot is read. */
  NF_BINDS = 4
};

typedef struct BuiltinRow {
  const char *name; /* NULL ends a table */
  int8_t arity;     /* exact, or the least number of arguments for ROWV; -1 for native and macro */
  uint16_t flags;
  union {
    Val (*f0)(void);
    Val (*f1)(Val);
    Val (*f2)(Val, Val);
    Val (*f3)(Val, Val, Val);
    Val (*f4)(Val, Val, Val, Val);
    Val (*fv)(int argc, const Val *argv);
    const NativeDef *native;
    Val (*macro)(struct Expander *x, Val form);
  } u;
  const Doc *doc;
} BuiltinRow;

#define ROW0(name, fn, docid, flags) {name, 0, flags, {.f0 = fn}, &doc_##docid}
#define ROW1(name, fn, docid, flags) {name, 1, flags, {.f1 = fn}, &doc_##docid}
#define ROW2(name, fn, docid, flags) {name, 2, flags, {.f2 = fn}, &doc_##docid}
#define ROW3(name, fn, docid, flags) {name, 3, flags, {.f3 = fn}, &doc_##docid}
#define ROW4(name, fn, docid, flags) {name, 4, flags, {.f4 = fn}, &doc_##docid}
#define ROWV(name, min, fn, docid, flags) {name, min, (flags) | B_KIND_VARIADIC, {.fv = fn}, &doc_##docid}
#define ROW_NATIVE(name, def, docid, flags) {name, -1, (flags) | B_KIND_NATIVE, {.native = &(def)}, &doc_##docid}
#define ROW_MACRO(name, fn, docid) {name, -1, B_KIND_MACRO, {.macro = fn}, &doc_##docid}
#define ROW_END {0, 0, 0, {0}, 0}

/* A function put together from its rows at start. */
typedef struct Builtin {
  const char *name; /* full: "clojure.core/inc" */
  const char *short_name; /* part behind the slash */
  uint16_t flags;
  int8_t var_min; /* -1: no variadic row */
  Val (*f0)(void);
  Val (*f1)(Val);
  Val (*f2)(Val, Val);
  Val (*f3)(Val, Val, Val);
  Val (*f4)(Val, Val, Val, Val);
  Val (*fv)(int argc, const Val *argv);
  const NativeDef *native;
  Val (*macro)(struct Expander *x, Val form);
  const Doc *doc;
  Val self; /* the T_BUILTIN value */
} Builtin;

void builtin_register(const BuiltinRow *rows); /* at start, before any analysis; a duplicate name aborts */
const Builtin *builtin_find(const char *full_name);
const NativeDef *native_find(const char *name); /* snapshots */
void builtin_each(void (*f)(const Builtin *b, void *ctx), void *ctx);
/* Call a C builtin (not native, not macro) directly; ArityException if no row fits. */
Val builtin_call(const Builtin *b, int argc, const Val *argv);
#endif
