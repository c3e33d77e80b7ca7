/* embed_thread.c - see embed_thread.h */
#include "embed_thread.h"
#include "runtime/cli/cli_run.h"
#include <pthread.h>
#include <signal.h>

enum { EMBED_STACK = 8 << 20 };

typedef struct Call {
  void (*f)(void *arg);
  void *arg;
  bool done;
  struct Call *next;
} Call;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t comes = PTHREAD_COND_INITIALIZER, ended = PTHREAD_COND_INITIALIZER;
static Call *first, **last = &first; /* of those that wait, under the lock */
static bool begun;

static void *work(void *unused) {
  cli_engine_values();
  pthread_mutex_lock(&lock);
  for (;;) {
    while (!first) pthread_cond_wait(&comes, &lock);
    Call *c = first;
    first = c->next;
    if (!first) last = &first;
    pthread_mutex_unlock(&lock);
    c->f(c->arg);
    pthread_mutex_lock(&lock);
    c->done = true;
    pthread_cond_broadcast(&ended);
  }
  return unused;
}

/* locked */
static bool begin(void) {
  pthread_attr_t a;
  pthread_t t;
  sigset_t all, old;
  if (begun) return true;
  sigfillset(&all);
  pthread_attr_init(&a);
  pthread_attr_setstacksize(&a, EMBED_STACK);
  pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  begun = !pthread_create(&t, &a, work, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&a);
  return begun;
}

bool embed_call(void (*f)(void *arg), void *arg) {
  Call c = {.f = f, .arg = arg};
  pthread_mutex_lock(&lock);
  bool ok = begin();
  if (ok) {
    *last = &c;
    last = &c.next;
    pthread_cond_signal(&comes);
  }
  while (ok && !c.done) pthread_cond_wait(&ended, &lock);
  pthread_mutex_unlock(&lock);
  return ok;
}
