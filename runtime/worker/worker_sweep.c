/* worker_sweep.c - see worker_sweep.h */
#include "worker_sweep.h"
#include "reader/mem.h"
#include "runtime/engine/offload.h"
#include "worker_dir.h"
#include <stdlib.h>
#include <string.h>

static OffloadPool pool = OFFLOAD_POOL("sweep", 1, NULL);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t less = PTHREAD_COND_INITIALIZER;
static int waiting;

static bool count(int change, int most) {
  pthread_mutex_lock(&lock);
  bool ok = waiting + change <= most;
  if (ok) waiting += change;
  pthread_cond_signal(&less);
  pthread_mutex_unlock(&lock);
  return ok;
}

static void removed(void *path) {
  worker_dir_remove(path);
  free(path);
  count(-1, WORKER_SWEEP_MOST);
}

void worker_sweep(const char *path) {
  char *copy = strcpy(mem_raw(strlen(path) + 1), path);
  bool counted = count(1, WORKER_SWEEP_MOST);
  if (counted && offload_post(&pool, removed, copy)) return;
  if (counted) count(-1, WORKER_SWEEP_MOST);
  worker_dir_remove(path);
  free(copy);
}

void worker_sweep_end(void) {
  pthread_mutex_lock(&lock);
  while (waiting) pthread_cond_wait(&less, &lock);
  pthread_mutex_unlock(&lock);
}
