/* worker_beat.h - the heartbeats of leases, on a thread of their own: whatever the worker does meanwhile, a lease that can be kept is kept.
 *
 * A lease is extended every third of its length, at least every 10 s because the answer is also how a cancelled job is noticed. It is over
 * when the server says so, and when its time is over without the server having said anything: then somebody else may have the job. What
 * became of a lease is found by worker_beat_news after the file descriptor has become readable. */
#ifndef BR_WORKER_BEAT_H
#define BR_WORKER_BEAT_H
#include "runtime/client/client.h"

typedef struct WorkerBeat WorkerBeat;
WorkerBeat *worker_beat_start(const ClientConfig *where, int64_t lease_ms, Err *e);
void worker_beat_stop(WorkerBeat *b);
int worker_beat_fd(const WorkerBeat *b);

/* From now on. begun_us: when the lease has begun at the earliest; sure: that is so (the claim was not repeated). The number is the
 * lease's. */
uint64_t worker_beat_add(WorkerBeat *b, const char *job, const char *token, int64_t begun_us, bool sure);
void worker_beat_drop(WorkerBeat *b, uint64_t lease);

enum WorkerNews { WORKER_NEWS_LOST = 1, WORKER_NEWS_CANCELLED };
/* What an answer that shows the job says of its lease; 0: it is still ours. */
enum WorkerNews worker_beat_judge(Val body);
/* The next thing that happened. why: for people. */
bool worker_beat_news(WorkerBeat *b, uint64_t *lease, enum WorkerNews *what, char why[200]);
#endif
