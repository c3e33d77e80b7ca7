/* A wall clock that is wrong by CLOCK_SHIFT seconds, for a program and all that it starts: LD_PRELOAD. The monotonic clock stays as it is. For
 * tests at awkward times (`make clocks`): the last hour of a week, month or year, a leap day, clocks put forward, times past 2038.
 * What reads the wall clock, or a file's times, is shifted on the way out; what takes a wall time, on the way in. */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static long shift(void) {
  static _Thread_local long seconds; /* of the thread: no lock, and no order of constructors to depend on */
  static _Thread_local int known;
  if (!known) {
    const char *s = getenv("CLOCK_SHIFT");
    seconds = s ? atol(s) : 0;
    known = 1;
  }
  return seconds;
}

static struct timespec real(const struct timespec *t) {
  return (struct timespec){.tv_sec = t->tv_sec - shift(), .tv_nsec = t->tv_nsec};
}

static int is_wall(clockid_t id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI; }

#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t id, struct timespec *t) {
  NEXT(clock_gettime);
  int r = next(id, t);
  if (r == 0 && is_wall(id)) t->tv_sec += shift();
  return r;
}

int gettimeofday(struct timeval *t, void *zone) {
  struct timespec now;
  (void)zone;
  int r = clock_gettime(CLOCK_REALTIME, &now);
  if (r == 0) *t = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return r;
}

time_t time(time_t *out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *t, int base) { return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, t) == 0 ? base : 0; }

int clock_nanosleep(clockid_t id, int flags, const struct timespec *t, struct timespec *left) {
  NEXT(clock_nanosleep);
  struct timespec r = is_wall(id) && (flags & TIMER_ABSTIME) ? real(t) : *t;
  return next(id, flags, &r, left);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
  NEXT(timerfd_settime);
  struct itimerspec n = *new;
  /* only wall times are this large; a time since the machine's start is not */
  if ((flags & TFD_TIMER_ABSTIME) && n.it_value.tv_sec > 1000000000) n.it_value = real(&n.it_value);
  return next(fd, flags, &n, old);
}

int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *t) {
  NEXT(pthread_mutex_timedlock);
  struct timespec r = real(t);
  return next(m, &r);
}

int sem_timedwait(sem_t *s, const struct timespec *t) {
  NEXT(sem_timedwait);
  struct timespec r = real(t);
  return next(s, &r);
}

/* A condition's clock is its own affair: see timerfd_settime for how the wall's times are told from the others. */
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t) {
  NEXT(pthread_cond_timedwait);
  struct timespec r = t->tv_sec > 1000000000 ? real(t) : *t;
  return next(c, m, &r);
}

/* Times of files: the kernel's clock is not shifted. */
static void shift_stat(struct stat *s) {
  s->st_atim.tv_sec += shift();
  s->st_mtim.tv_sec += shift();
  s->st_ctim.tv_sec += shift();
}

#define STAT(name, parameters, ...)   \
  int name parameters {               \
    NEXT(name);                       \
    int r = next(__VA_ARGS__);        \
    if (r == 0) shift_stat((void *)s); \
    return r;                         \
  }
STAT(stat, (const char *p, struct stat *s), p, s)
STAT(lstat, (const char *p, struct stat *s), p, s)
STAT(fstat, (int fd, struct stat *s), fd, s)
STAT(fstatat, (int fd, const char *p, struct stat *s, int flags), fd, p, s, flags)
STAT(stat64, (const char *p, struct stat64 *s), p, s)
STAT(lstat64, (const char *p, struct stat64 *s), p, s)
STAT(fstat64, (int fd, struct stat64 *s), fd, s)
STAT(fstatat64, (int fd, const char *p, struct stat64 *s, int flags), fd, p, s, flags)

int statx(int fd, const char *path, int flags, unsigned mask, struct statx *s) {
  NEXT(statx);
  int r = next(fd, path, flags, mask, s);
  if (r == 0) {
    s->stx_atime.tv_sec += shift();
    s->stx_mtime.tv_sec += shift();
    s->stx_ctime.tv_sec += shift();
    s->stx_btime.tv_sec += shift();
  }
  return r;
}

static const struct timespec *real_times(const struct timespec *t, struct timespec out[2]) {
  if (!t) return NULL;
  for (int i = 0; i < 2; i++) out[i] = t[i].tv_nsec == UTIME_NOW || t[i].tv_nsec == UTIME_OMIT ? t[i] : real(&t[i]);
  return out;
}

int futimens(int fd, const struct timespec t[2]) {
  NEXT(futimens);
  struct timespec r[2];
  return next(fd, real_times(t, r));
}

int utimensat(int fd, const char *path, const struct timespec t[2], int flags) {
  NEXT(utimensat);
  struct timespec r[2];
  return next(fd, path, real_times(t, r), flags);
}
