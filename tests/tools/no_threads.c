/* pthread_create fails with EAGAIN while the file NO_THREADS_FILE exists: LD_PRELOAD, for tests of what a program does without helper threads. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg) {
  static __typeof__(&pthread_create) next;
  const char *file = getenv("NO_THREADS_FILE");
  if (!next) next = (__typeof__(&pthread_create))dlsym(RTLD_NEXT, "pthread_create");
  return file && !access(file, F_OK) ? EAGAIN : next(t, a, f, arg);
}
