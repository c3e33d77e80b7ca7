/* worker_sweep.h - folders of jobs that are over are removed on a helper thread: one with a checkout of 100,000 files must not hold up what
 * other jobs have to report. */
#ifndef BR_WORKER_SWEEP_H
#define BR_WORKER_SWEEP_H

enum { WORKER_SWEEP_MOST = 64 /* that wait; one more is removed by who brings it, so that a slow disk slows down the claims */ };
void worker_sweep(const char *path);
void worker_sweep_end(void); /* when all are gone */
#endif
