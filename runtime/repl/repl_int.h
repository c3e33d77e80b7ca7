/* repl_int.h - what repl_session.c, repl_report.c and repl_names.c share. Not for other files. */
#ifndef BR_REPL_INT_H
#define BR_REPL_INT_H
#include "eval/mach.h"
#include "reader/mem.h"
#include "repl_session.h"

/* Namespaces and counters of sessions that share them; in a session's Env while it holds the lock. */
typedef struct ReplWorld { Val namespaces; uint32_t serial; int64_t gensym; } ReplWorld;

struct ReplSession {
  Env *env;
  Mach *mach;      /* idle between evaluations */
  ReplWorld *world;
  Val keywords;    /* set of those in forms that were read: kept alive, so that they can be completed */
  Val bindings;    /* map var -> Box: what the machine starts each form with */
  const ReplCallbacks *cb; /* of the evaluation */
  ReplPhase phase;
  int line, col;   /* of the form */
  int stop, busy;  /* atomics */
  bool stopped;    /* this evaluation was interrupted */
  Buf unread;      /* of standard input: lines put back */
  struct ReplSession *next;
};

void repl_enter(ReplSession *s); /* lock, and the shared namespaces into s->env */
void repl_leave(ReplSession *s);
Val *repl_binding(ReplSession *s, const char *name); /* cell of a bound var of clojure.core */
/* Run f on the session's machine, with its bindings, to the end. */
Val repl_call(ReplSession *s, Val f, const Val *args, uint32_t n);
/* load-file: evaluate a text inside of an evaluation; the current namespace stays. The last value, or a signal. */
Val repl_load(ReplSession *s, const char *text, size_t n, const char *file);
/* Tell the session's callback about an exception of the phase it is in (repl_report.c). */
void repl_report(ReplSession *s, Val ex, const char *file);
#endif
