/* flow_trial.h - runs the flows of tests/flows on a database that can crash, with a clock of its own and a scripted outside.
 *
 * A Trial is one run of one flow together with what the outside knows: what was acknowledged to it. It lives longer than
 * the processes (Process: a store and an engine) that it goes through. */
#ifndef FLOW_TRIAL_H
#define FLOW_TRIAL_H
#include "effect_kind.h"
#include "vfs_crash.h"

enum Outside { NOBODY, EARLY, LATE, TIMEOUT, ACTION };
typedef struct Script {
  const char *flow;      /* tests/flows/<flow>.edn */
  enum Outside outside;  /* sends an answer before the run starts, when it parks, or lets the time pass */
  const char *key, *body; /* EARLY, LATE: wait key; body as EDN. ACTION: body of the action */
  const char *value;     /* what the run ends with, as EDN; NULL: whatever the uninterrupted run says */
  bool failed;           /* it ends :failed */
} Script;
extern const Script trial_scripts[];
extern const size_t trial_count;

typedef struct Trial {
  const Script *script;
  int64_t run;
  const char *run_id;    /* NULL: "t" */
  bool start_acked, send_acked;
} Trial;

typedef struct Process { Store *store; Engine *engine; } Process;
enum Progress { FINISHED, CRASHED, WRONG }; /* WRONG: trial_why says what */
extern char trial_why[600];

extern const char *trial_dir; /* where the flows are: tests/flows */
void trial_init(int argc, char **argv); /* once per program; an argument with a slash is the folder of the flows */
bool trial_wanted(int argc, char **argv, const Script *s); /* the other arguments are names of flows; none: all */
FlowDef *trial_def(const Script *s);
extern _Atomic int64_t virtual_now; /* the clock of all processes, ms; it passes when nothing else can happen */
void trial_world(void); /* an empty disk, an empty ledger, the clock at its start */
/* Opens the database as a new process would. false: crashed (or trial_why, when vfs_crash_happened is false). */
bool process_start(Process *p, const Trial *t, EngineOptions o);
void process_end(Process *p); /* whatever state it is in */
/* Starts or resumes the run, plays the outside and goes on to the end. */
enum Progress trial_go(Process *p, Trial *t);
/* Text of how the run ended: status, value, error, and the ids of its children. Caller frees. NULL: trial_why. */
char *trial_outcome(Process *p, const Trial *t);
/* The two parts of it: how the run ended; the ids of all children there are, sorted, a space in front of each. */
char *trial_ended(Process *p, const Trial *t);
char *trial_children(Process *p);
/* Re-executes the run and its children from their journals; true = no difference (else trial_why). */
bool trial_replay(Process *p, const Trial *t);
/* The flow's name and how it is driven; the text lives until the next call. */
const char *trial_name(const Script *s);
#endif
