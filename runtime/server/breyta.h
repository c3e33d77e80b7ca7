/* breyta.h - libbreyta: durable Breyta flows inside another program.
 *
 *   cc program.c $(pkg-config --cflags --libs breyta)             the shared library
 *   cc program.c $(pkg-config --cflags --libs --static breyta)    the archive, where only that is installed
 *
 * A breyta is one store (a database file, or memory) with an engine on it. What a call has said is durable when it returns; a program
 * that was killed opens the same file again and calls breyta_resume. Nothing runs by itself: runs go on while breyta_pump or
 * breyta_run is being called. One breyta at a time holds a file.
 *
 * Threads: any thread may call any function at any time. The work is done on one thread of the library, for all breytas of the process, and
 * calls wait for their turn, so a long breyta_run holds the others up: pump in small turns, or end it with breyta_interrupt.
 * A breyta must not be used during or after its breyta_close. Do not fork() and go on with the library in the child.
 *
 * Texts are UTF-8. Texts that a function gives are the caller's: breyta_free. A function gives 0 (or a text), else -1 (or NULL) and fills
 * `e`, which may be NULL: a code for programs ("not_found", "db_locked", "bad_input" ...) and a message for people.
 *
 * The library writes nothing to standard output (what a flow prints goes to standard error), installs no signal handlers but those by which
 * its collector stops its own threads (SIGPWR and SIGXCPU), and keeps every other signal away from its threads. Out of memory ends the
 * process with status 70: what was acknowledged is on disk. */
#ifndef BREYTA_H
#define BREYTA_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#define BREYTA_API __attribute__((visibility("default")))
#else
#define BREYTA_API
#endif

typedef struct breyta breyta;
typedef struct breyta_flow breyta_flow;
typedef struct breyta_error {
  char code[64], message[1024];
} breyta_error;

/* All of it may be 0. `size` is sizeof(breyta_options): later versions add fields at the end. */
typedef struct breyta_options {
  size_t size;
  const char *workspace;   /* "local" */
  const char *listen;      /* HOST:PORT for callbacks over HTTP while runs are pumped; NULL: waits park until breyta_answer */
  const char *public_url;  /* how others reach `listen` */
  const char *connections; /* file: what the slots of flows are bound to, and secrets (as --connections of breyta-run) */
  const char *flows;       /* folder in which flows find other flows by slug */
  int guard;               /* refuse requests to private addresses */
} breyta_options;

BREYTA_API const char *breyta_version(void);
/* path NULL: in memory, gone when closed. The file and its folder are made when they are missing. options may be NULL. */
BREYTA_API breyta *breyta_open(const char *path, const breyta_options *options, breyta_error *e);
/* Runs that are not over stay as they are durable. NULL is fine. */
BREYTA_API void breyta_close(breyta *b);
BREYTA_API void breyta_free(void *text);

/* Every problem of a definition: {"errors":n,"warnings":n,"diagnostics":[{"severity","code","message","line","column",..}]}. */
BREYTA_API char *breyta_check(breyta *b, const char *definition, size_t size, breyta_error *e);
/* The definition, ready to run; "invalid_flow" with the first problem in the message. Of that breyta alone, until breyta_close. */
BREYTA_API breyta_flow *breyta_load(breyta *b, const char *definition, size_t size, breyta_error *e);
BREYTA_API void breyta_unload(breyta *b, breyta_flow *flow);

/* Starts a run, durably, and gives its id. input: a JSON object, or EDN behind "edn:"; NULL: {}. run_id NULL: one is made. The run
 * does nothing before it is pumped. "run_exists": there is a run of that id. */
BREYTA_API char *breyta_start(breyta *b, breyta_flow *flow, const char *input, const char *run_id, breyta_error *e);
/* Takes up a run that another process began; run_id NULL: all that are not over. */
BREYTA_API int breyta_resume(breyta *b, const char *run_id, breyta_error *e);
/* Works for up to ms milliseconds. 0: there is more to do; 1: nothing goes on by itself (all runs are over, or wait for an answer). */
BREYTA_API int breyta_pump(breyta *b, int ms, breyta_error *e);
/* Pumps until nothing goes on by itself, or breyta_interrupt is called. */
BREYTA_API int breyta_run(breyta *b, breyta_error *e);
/* Ends the breyta_run or breyta_pump that is under way, or the next one, at a durable place. Safe in a signal handler. */
BREYTA_API void breyta_interrupt(breyta *b);

/* {"runId","status","value","error","parked","waitsFor"}: status is running, waiting, completed, failed, cancelled, terminated, timed-out or
 * blocked; value of a completed run; error {"message","type",..} of a failed one; waitsFor says in words what would wake it. */
BREYTA_API char *breyta_state(breyta *b, const char *run_id, breyta_error *e);
/* Answers a wait by its key with a JSON value (or EDN behind "edn:"), also one that no run has registered yet. 0: it is taken; 1: the
 * run has gone on with another answer, this one changes nothing. Of two answers in front of the next pump the first counts. */
BREYTA_API int breyta_answer(breyta *b, const char *key, const char *body, breyta_error *e);
/* Asks for the end of a run: its finally blocks run while it is pumped. force: at once, without them. A run that is over stays as it is. */
BREYTA_API int breyta_cancel(breyta *b, const char *run_id, int force, const char *reason, breyta_error *e);

#ifdef __cplusplus
}
#endif
#endif
