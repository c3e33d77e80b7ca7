/* fuzz_watch.h - ends an input that does not end. Counted in the process's own time: a loaded machine is no finding. */
#ifndef BR_FUZZ_WATCH_H
#define BR_FUZZ_WATCH_H
#include <signal.h>
#include <sys/time.h>

static void watch_init(void (*too_long)(int)) { signal(SIGPROF, too_long); }
/* Seconds from now, 0 = no more. */
static void watch_for(int seconds) {
  struct itimerval t = {.it_value = {.tv_sec = seconds}};
  setitimer(ITIMER_PROF, &t, 0);
}
#endif
