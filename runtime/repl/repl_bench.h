/* repl_bench.h - what the flow functions of the REPL work on: one database, one engine, one loaded flow and one run under the hand of
 * the author, for all sessions of the process.
 *
 * The database is opened when it is first needed, for reading; as the one executor when something is to be run, and then kept until
 * bench_close. Every function is called with the lock of the sessions held; waiting hands it over between turns, and meanwhile
 * other sessions are refused (bench_enter). */
#ifndef BR_REPL_BENCH_H
#define BR_REPL_BENCH_H
#include "runtime/engine/child_find.h"
#include "runtime/store/conn_store.h"
#include "runtime/engine/stepper.h"

typedef struct Bench {
  char *db, *workspace, *flow_path;
  Target *target;     /* connections and secrets; NULL none */
  FlowPlaces flows;   /* where other flows are, beside the folder of the caller */
  bool guard, talk;   /* talk: print a line for each step that ends */
  bool writable, busy;
  Store *store;
  Vault *vault;       /* of the store: what it has bound comes behind the target's */
  ConnPlace place;
  char *secrets_key;
  Engine *e;
  FlowDef *def;
  Val input;
  int64_t run;        /* number of the present run; 0 none */
} Bench;

/* The bench for a function of the REPL: NULL and pend.ex when it must not be used from here (flow code, another session at work). */
Bench *bench_enter(void);
/* What `breyta-run repl` was given; NULL: as it is. Closes what is open. The target is the bench's from now on. */
void bench_config(const char *db, const char *workspace, bool guard, Target *t, const char *secrets_key);
FlowPlaces *bench_flows(void); /* to be added to */
void bench_close(Bench *b);
void bench_flow(FlowDef *def, const char *path); /* the loaded flow from now on */
/* NIL, or SIG_THROW: an ExceptionInfo of {:type code} with what would help. */
Val bench_reading(Bench *b);
Val bench_writing(Bench *b);
Val bench_error(const Err *err);
Val bench_fail(const char *type, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Reads a definition; problems are printed. NIL or SIG_THROW. */
Val bench_load(Bench *b, const char *path, FlowDef **out);
/* The run of that id, or the present one for nil: its row, which the caller frees. */
Val bench_run(Bench *b, Val id, RunRow *row);
/* The stepper of the present run. */
Stepper bench_stepper(Bench *b);
#endif
