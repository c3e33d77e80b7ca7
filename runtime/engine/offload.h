/* offload.h - blocking C work away from the engine thread: database drivers, name resolution, blob syncs.
 *
 * An OffloadPool is a static variable: a name, the most threads it may have, and perhaps what they do when they are idle.
 * Threads are made when there is work for them and leave when there was none for OFFLOAD_IDLE_MS; jobs beyond `most` wait in order.
 * The threads are not registered with the collector: `work` and everything below `arg` is plain C, without values and without
 * pointers into collected memory. Signals are blocked in them.
 *
 *   static OffloadPool pool = OFFLOAD_POOL("db", 32, NULL);
 *   offload_run(&pool, e, work, done, arg, step_token(c));
 *
 * `work(arg)` runs on a helper thread, then `done(e, token, arg)` exactly once on the engine thread, inside engine_turn. When the
 * engine is freed before that, `done` is called with e == NULL in the turn of another engine of that thread: it frees arg and does
 * nothing else. A job cannot be taken back: `work` has to look at a flag of its own. It may outlive the step: find that by step_by_token. */
#ifndef BR_OFFLOAD_H
#define BR_OFFLOAD_H
#include "engine.h"
#include <pthread.h>

enum { OFFLOAD_IDLE_MS = 5000 };
typedef struct OffloadPool {
  const char *name;  /* of the threads, at most 15 characters */
  int most;          /* threads */
  int stack_mib;     /* of each; 0: 1 */
  bool (*tend)(void); /* NULL, or called on a thread that has been idle: true = call again later, false = nothing is left to tend */
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct OffloadJob *first, *last;
  int threads, idle, queued;
} OffloadPool;
#define OFFLOAD_POOL(title, threads_at_most, tending) \
  {.name = title, .most = threads_at_most, .tend = tending, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER}

typedef void (*OffloadWork)(void *arg);
typedef void (*OffloadDone)(Engine *e, uint64_t token, void *arg);
/* Engine thread. false: no thread could be started and none is there; arg stays the caller's and nothing is called. */
bool offload_run(OffloadPool *p, Engine *e, OffloadWork work, OffloadDone done, void *arg, uint64_t token, Err *err);
/* Any thread; nobody is told when it is done. false: no thread, nothing is called. */
bool offload_post(OffloadPool *p, OffloadWork work, void *arg);
/* So many threads at most for each pool, in place of its own `most`; before the first job of the process. */
void offload_workers(int n);
/* For a family that may wait for a job of another engine to end before it has one of its own: completions come to this engine, too. */
bool offload_watch(Engine *e, Err *err);
/* By engine_free: what is under way for this engine ends with `done(NULL, ..)`. */
void offload_forget(const Engine *e);
#endif
