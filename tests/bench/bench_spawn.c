/* bench_spawn.c - bench_spawn FILE PROGRAM ARG...: runs a program, writes its seconds and peak KiB to FILE, exits as it did.
 * A process' peak memory counts from before exec: measured from a large parent, such as Python, a small program looks large. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc < 3) return fputs("usage: bench_spawn FILE PROGRAM ARG...\n", stderr), 2;
  pid_t pid;
  int status;
  struct rusage use;
  double t0 = now();
  errno = posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ);
  if (errno) return perror(argv[2]), 126;
  while (wait4(pid, &status, 0, &use) < 0)
    if (errno != EINTR) return perror("wait4"), 126;
  double seconds = now() - t0;
  FILE *f = fopen(argv[1], "w");
  if (!f) return perror(argv[1]), 126;
  fprintf(f, "%.6f %ld\n", seconds, use.ru_maxrss);
  if (fclose(f)) return perror(argv[1]), 126;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
