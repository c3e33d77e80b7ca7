/* body_read.c - see body_read.h. */
#include "body_read.h"
#include "offload.h"
#include "reader/mem.h"

typedef struct BodyJob {
  BodyRead body;
  struct BodyJob *next; /* among those to be used again */
  ListenRequest *request;
  BodyReader read;
  BodyDone done;
  void *ctx;
} BodyJob;

static OffloadPool pool = {.name = "bodies", .most = 2, .stack_mib = 8, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
static BodyJob *unused; /* each is a root of the collector */

static void job_free(BodyJob *j) {
  *j = (BodyJob){.next = unused};
  unused = j;
}

/* Helper thread. */
static void work(void *arg) {
  BodyJob *j = arg;
  mem_thread_enter();
  j->read(j->request, &j->body);
  mem_thread_leave();
}

static void over(Engine *e, uint64_t token, void *arg) {
  BodyJob *j = arg;
  (void)token;
  j->done(e, j->request, &j->body, j->ctx);
  job_free(j);
}

bool body_read(Engine *e, ListenRequest *r, BodyReader read, BodyDone done, void *ctx) {
  Err err = {0};
  BodyJob *j = unused;
  if (j) unused = j->next;
  else j = mem_root(sizeof *j);
  *j = (BodyJob){.request = r, .read = read, .done = done, .ctx = ctx};
  if (offload_run(&pool, e, work, over, j, 0, &err)) return true;
  job_free(j);
  return false;
}
