/* offload.c - see offload.h. */
#include "offload.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

typedef struct OffloadJob {
  OffloadWork work;
  OffloadDone done;
  void *arg;
  Engine *e; /* NULL: freed meanwhile. Changed under ended.lock only */
  uint64_t token;
  struct OffloadJob *next;      /* in its pool's queue, then in the list of those that have ended */
  struct OffloadJob *all, **at; /* among all that are not yet handed back */
} OffloadJob;

/* Shared by all pools: one descriptor in the engine's loop, whatever there is. */
static struct {
  pthread_mutex_t lock;
  OffloadJob *first, *last, *all;
  int fd;
} ended = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* ---- threads ---- */

static OffloadJob *job_pop(OffloadPool *p) {
  OffloadJob *j = p->first;
  if (!j) return NULL;
  p->first = j->next;
  if (!p->first) p->last = NULL;
  p->queued--;
  return j;
}

static bool wait_for_work(OffloadPool *p) { /* locked; false: idle for the whole time */
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += OFFLOAD_IDLE_MS / 1000;
  int rc = 0;
  p->idle++;
  while (!p->first && rc != ETIMEDOUT) rc = pthread_cond_clockwait(&p->wake, &p->lock, CLOCK_MONOTONIC, &until);
  p->idle--;
  return p->first != NULL;
}

static void hand_back(OffloadJob *j) {
  j->next = NULL;
  pthread_mutex_lock(&ended.lock);
  if (ended.last) ended.last->next = j;
  else ended.first = j;
  ended.last = j;
  pthread_mutex_unlock(&ended.lock);
  uint64_t one = 1;
  if (write(ended.fd, &one, sizeof one) < 0 && errno != EAGAIN) abort();
}

static bool tended(OffloadPool *p) { /* locked; is there something left to come back for? */
  if (!p->tend) return false;
  pthread_mutex_unlock(&p->lock);
  bool more = p->tend();
  pthread_mutex_lock(&p->lock);
  return more;
}

static void *thread_main(void *arg) {
  OffloadPool *p = arg;
  pthread_mutex_lock(&p->lock);
  for (;;) {
    OffloadJob *j = job_pop(p);
    if (j) {
      pthread_mutex_unlock(&p->lock);
      j->work(j->arg);
      if (j->done) hand_back(j);
      else free(j);
      pthread_mutex_lock(&p->lock);
    } else if (!wait_for_work(p) && !(tended(p) && p->threads == 1) && !p->first) {
      break; /* the last one stays while something is to be tended */
    }
  }
  p->threads--;
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

static int thread_start(OffloadPool *p) { /* locked */
  pthread_t t;
  pthread_attr_t attr;
  sigset_t all, old;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, (size_t)(p->stack_mib ? p->stack_mib : 1) << 20);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
  int rc = pthread_create(&t, &attr, thread_main, p);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  if (rc) return rc;
  pthread_setname_np(t, p->name);
  p->threads++;
  return 0;
}

/* ---- engine thread ---- */

static void job_forget(OffloadJob *j) { /* ended.lock held */
  *j->at = j->all;
  if (j->all) j->all->at = j->at;
}

static OffloadJob *take_ended(void) {
  pthread_mutex_lock(&ended.lock);
  OffloadJob *mine = ended.first;
  ended.first = ended.last = NULL;
  for (OffloadJob *j = mine; j; j = j->next) job_forget(j);
  pthread_mutex_unlock(&ended.lock);
  return mine;
}

static void completions(Engine *looks, void *ctx) {
  (void)looks, (void)ctx;
  uint64_t n;
  if (read(ended.fd, &n, sizeof n) < 0 && errno != EAGAIN && errno != EINTR) abort();
  for (OffloadJob *j = take_ended(), *next; j; j = next) {
    next = j->next;
    j->done(j->e, j->token, j->arg);
    free(j);
  }
}

static OffloadJob *job_new(Engine *e, OffloadWork work, OffloadDone done, void *arg, uint64_t token) {
  OffloadJob *j = calloc(1, sizeof *j);
  if (!j) abort();
  *j = (OffloadJob){.work = work, .done = done, .arg = arg, .e = e, .token = token};
  pthread_mutex_lock(&ended.lock);
  j->all = ended.all;
  j->at = &ended.all;
  if (ended.all) ended.all->at = &j->all;
  ended.all = j;
  pthread_mutex_unlock(&ended.lock);
  return j;
}

static void job_queue(OffloadPool *p, OffloadJob *j) { /* locked */
  if (p->last) p->last->next = j;
  else p->first = j;
  p->last = j;
  p->queued++;
  pthread_cond_signal(&p->wake);
}

bool offload_watch(Engine *e, Err *err) {
  if (ended.fd < 0) ended.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (ended.fd < 0) return err_set(err, "network", "no descriptor for helper threads: %s", strerror(errno));
  engine_watch(e, ended.fd, completions, NULL);
  return true;
}

static int asked; /* before the first job */
void offload_workers(int n) { asked = n; }
static int most_of(const OffloadPool *p) { return asked ? asked : p->most; }

bool offload_run(OffloadPool *p, Engine *e, OffloadWork work, OffloadDone done, void *arg, uint64_t token, Err *err) {
  if (!offload_watch(e, err)) return false;
  pthread_mutex_lock(&p->lock);
  int rc = 0;
  if (p->queued >= p->idle && p->threads < most_of(p)) rc = thread_start(p);
  bool ok = p->threads > 0;
  if (ok) job_queue(p, job_new(e, work, done, arg, token));
  pthread_mutex_unlock(&p->lock);
  return ok || err_set(err, "network", "no helper thread could be started: %s", strerror(rc));
}

bool offload_post(OffloadPool *p, OffloadWork work, void *arg) {
  OffloadJob *j = calloc(1, sizeof *j);
  if (!j) abort();
  *j = (OffloadJob){.work = work, .arg = arg};
  pthread_mutex_lock(&p->lock);
  if (p->queued >= p->idle && p->threads < most_of(p)) (void)thread_start(p);
  bool ok = p->threads > 0;
  if (ok) job_queue(p, j);
  pthread_mutex_unlock(&p->lock);
  if (!ok) free(j);
  return ok;
}

void offload_forget(const Engine *e) {
  pthread_mutex_lock(&ended.lock);
  for (OffloadJob *j = ended.all; j; j = j->all)
    if (j->e == e) j->e = NULL;
  pthread_mutex_unlock(&ended.lock);
}
