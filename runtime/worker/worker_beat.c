/* worker_beat.c - see worker_beat.h */
#include "worker_beat.h"
#include "reader/mem.h"
#include "worker_rpc.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MOST_MS = 10000, ASK_MS = 10000 };

typedef struct Lease {
  uint64_t id;
  char *job, *token;
  int64_t due_us, end_us; /* the next heartbeat; when it is over unless one is answered */
  WorkerCall call;
  enum WorkerNews news;
  bool told;
  char why[200];
} Lease;

struct WorkerBeat {
  WorkerRpc rpc;
  int64_t lease_us, every_us;
  pthread_t thread;
  pthread_mutex_t lock; /* of what follows */
  Lease *a;
  size_t n, cap;
  uint64_t last;
  bool stop;
  int wake, out; /* eventfds: for the thread, for the worker */
};

static void ring(int fd) {
  uint64_t one = 1;
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}
static void hush(int fd) {
  uint64_t n;
  while (read(fd, &n, sizeof n) < 0 && errno == EINTR) continue;
}

/* --- one lease, under the lock ----------------------------------------------------------------------------------------------------------
 */
static void tell(WorkerBeat *b, Lease *l, enum WorkerNews what, const char *why) {
  if (l->news) return;
  l->news = what;
  snprintf(l->why, sizeof l->why, "%s", why);
  worker_rpc_cancel(&b->rpc, &l->call);
  l->call.again_us = 0;
  ring(b->out);
}

static void send_beat(WorkerBeat *b, Lease *l) {
  Err e = {0};
  if (!l->call.body) {
    Val args = client_put_text(client_put_text(NIL, "jobId", l->job), "leaseToken", l->token);
    worker_call_new(&l->call, "jobs.heartbeat", client_put(args, "leaseDuration", int_val(b->lease_us / 1000)), ASK_MS);
  }
  if (!worker_rpc_send(&b->rpc, &l->call, &e)) worker_rpc_later(&b->rpc, &l->call, -1);
}

enum WorkerNews worker_beat_judge(Val body) {
  static const char *const ends[] = {"succeeded", "no_changes", "failed", "timed_out"};
  const char *status = client_text_at(body, "data.job.status");
  if (!status) return 0;
  if (!strcmp(status, "cancelled")) return WORKER_NEWS_CANCELLED;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (!strcmp(status, ends[i])) return WORKER_NEWS_LOST;
  return 0;
}

static void kept(WorkerBeat *b, Lease *l, Val body) {
  enum WorkerNews what = worker_beat_judge(body);
  l->end_us = l->call.sent_us + b->lease_us;
  l->due_us = l->call.sent_us + b->every_us;
  worker_call_free(&l->call);
  if (what) tell(b, l, what, what == WORKER_NEWS_CANCELLED ? "the job was cancelled" : "the job has ended without this worker");
}

static void take(WorkerBeat *b, Lease *l, const WorkerAnswer *a) {
  char why[200];
  l->call.id = 0;
  snprintf(why, sizeof why, "%.40s: %.150s", a->code, a->message);
  switch (a->said) {
  case WORKER_SAID_OK: kept(b, l, a->body); break;
  case WORKER_SAID_LOST: tell(b, l, WORKER_NEWS_LOST, why); break;
  default: worker_rpc_later(&b->rpc, &l->call, a->retry_after_ms); /* until its time is over */
  }
}

/* What is to be done for it now; the time of the next thing. */
static int64_t look(WorkerBeat *b, Lease *l, int64_t now) {
  if (l->news) return INT64_MAX;
  if (now >= l->end_us) {
    tell(b, l, WORKER_NEWS_LOST, "the lease is over, and the server could not be reached to extend it");
    return INT64_MAX;
  }
  if (!l->call.id && (l->call.again_us ? now >= l->call.again_us : now >= l->due_us)) send_beat(b, l);
  int64_t next = l->call.id ? l->end_us : l->call.again_us ? l->call.again_us : l->due_us;
  return next < l->end_us ? next : l->end_us;
}

/* --- the thread ------------------------------------------------------------------------------------------------------------------------
 */
static void answers(WorkerBeat *b) {
  WorkerAnswer a;
  while (worker_rpc_next(&b->rpc, &a))
    for (size_t i = 0; i < b->n; i++)
      if (b->a[i].call.id == a.id) take(b, &b->a[i], &a);
}

static int pause_of(int64_t next) {
  int64_t ms = next == INT64_MAX ? 60000 : (next - mono_us() + 999) / 1000;
  return ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms;
}

static void *run(void *arg) {
  WorkerBeat *b = arg;
  mem_thread_enter();
  for (;;) {
    int64_t next = INT64_MAX;
    pthread_mutex_lock(&b->lock);
    answers(b);
    for (size_t i = 0; i < b->n; i++) {
      int64_t t = look(b, &b->a[i], mono_us());
      if (t < next) next = t;
    }
    bool stop = b->stop;
    pthread_mutex_unlock(&b->lock);
    if (stop) break;
    struct pollfd p[2] = {{b->wake, POLLIN, 0}, {worker_rpc_fd(&b->rpc), POLLIN, 0}};
    if (poll(p, 2, pause_of(next)) > 0 && p[0].revents) hush(b->wake);
  }
  mem_thread_leave();
  return NULL;
}

/* --- for the worker ----------------------------------------------------------------------------------------------------------------------
 */
WorkerBeat *worker_beat_start(const ClientConfig *where, int64_t lease_ms, Err *e) {
  WorkerBeat *b = mem_raw(sizeof *b);
  int64_t every_ms = lease_ms / 3 < MOST_MS ? lease_ms / 3 : MOST_MS;
  *b = (WorkerBeat){.lease_us = lease_ms * 1000,
                    .every_us = every_ms * 1000,
                    .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                    .out = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  pthread_mutex_init(&b->lock, NULL);
  if (!worker_rpc_open(&b->rpc, where, e)) return NULL;
  int rc = pthread_create(&b->thread, NULL, run, b);
  if (!rc) return b;
  err_set(e, "worker", "cannot start a thread: %s", strerror(rc));
  return NULL;
}

int worker_beat_fd(const WorkerBeat *b) { return b->out; }

static void lease_free(Lease *l) {
  free(l->job);
  free(l->token);
  worker_call_free(&l->call);
}

void worker_beat_stop(WorkerBeat *b) {
  pthread_mutex_lock(&b->lock);
  b->stop = true;
  pthread_mutex_unlock(&b->lock);
  ring(b->wake);
  pthread_join(b->thread, NULL);
  worker_rpc_close(&b->rpc);
  for (size_t i = 0; i < b->n; i++) lease_free(&b->a[i]);
  free(b->a);
  close(b->wake);
  close(b->out);
  pthread_mutex_destroy(&b->lock);
  free(b);
}

uint64_t worker_beat_add(WorkerBeat *b, const char *job, const char *token, int64_t begun_us, bool sure) {
  int64_t now = mono_us();
  Lease l = {.job = mem_raw_copy(job), .token = mem_raw_copy(token), .due_us = begun_us + b->every_us, .end_us = begun_us + b->lease_us};
  if (!sure) l.due_us = now, l.end_us = now + b->lease_us / 2; /* it may be older than we know: ask at once */
  pthread_mutex_lock(&b->lock);
  if (b->n == b->cap) {
    b->cap = b->cap ? 2 * b->cap : 16;
    b->a = mem_raw_grow(b->a, b->cap * sizeof *b->a);
  }
  l.id = ++b->last;
  b->a[b->n++] = l;
  pthread_mutex_unlock(&b->lock);
  ring(b->wake);
  return l.id;
}

void worker_beat_drop(WorkerBeat *b, uint64_t lease) {
  pthread_mutex_lock(&b->lock);
  for (size_t i = 0; i < b->n; i++) {
    if (b->a[i].id != lease) continue;
    worker_rpc_cancel(&b->rpc, &b->a[i].call);
    lease_free(&b->a[i]);
    b->a[i] = b->a[--b->n];
    break;
  }
  pthread_mutex_unlock(&b->lock);
}

bool worker_beat_news(WorkerBeat *b, uint64_t *lease, enum WorkerNews *what, char why[200]) {
  bool found = false;
  hush(b->out);
  pthread_mutex_lock(&b->lock);
  for (size_t i = 0; i < b->n && !found; i++) {
    Lease *l = &b->a[i];
    if (!l->news || l->told) continue;
    l->told = found = true;
    *lease = l->id;
    *what = l->news;
    snprintf(why, 200, "%s", l->why);
  }
  pthread_mutex_unlock(&b->lock);
  return found;
}
