#include "engine_reader.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { READERS = 4 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { Store *a[READERS]; int n; } idle;

static Store *idle_take(const char *path) {
  for (int i = 0; i < idle.n; i++)
    if (!strcmp(store_path(idle.a[i]), path)) {
      Store *s = idle.a[i];
      idle.a[i] = idle.a[--idle.n];
      return s;
    }
  return NULL;
}

Store *reader_take(Store *of, const _Atomic bool *stop, Err *e) {
  Store *s = NULL;
  *e = (Err){0};
  pthread_mutex_lock(&lock);
  if (!atomic_load(stop) && !(s = idle_take(store_path(of)))) s = store_reader(of, e);
  pthread_mutex_unlock(&lock);
  if (!s || store_reader_begin(s, stop, e)) return s;
  store_close(s);
  return NULL;
}

void reader_give(Store *s, const _Atomic bool *stop) {
  if (!s) return;
  store_reader_end(s);
  pthread_mutex_lock(&lock);
  bool kept = !atomic_load(stop) && idle.n < READERS;
  if (kept) idle.a[idle.n++] = s;
  pthread_mutex_unlock(&lock);
  if (!kept) store_close(s);
}

void reader_stop(_Atomic bool *stop) {
  pthread_mutex_lock(&lock);
  atomic_store(stop, true);
  pthread_mutex_unlock(&lock);
}

void reader_gone(const Store *of) {
  pthread_mutex_lock(&lock);
  for (Store *s; store_path(of) && (s = idle_take(store_path(of)));) store_close(s);
  pthread_mutex_unlock(&lock);
}
