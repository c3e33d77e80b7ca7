/* http_limit.h - whose turn it is: how many requests may be under way to one place, and how many may begin in a time.
 *
 * A gate is a place (a connection with limits of its own, or a host). Who is refused waits in it, and is let in by what leaves and
 * by time passing: flows take turns (each gate serves the flow that it has served least recently), and within a flow who came
 * first goes first. Nothing is dropped and nothing fails: a full gate slows down those who come. Plain malloc'ed data, one thread;
 * times are monotonic microseconds. Gates that nobody has used for a while and that have no rate to remember are freed. */
#ifndef BR_HTTP_LIMIT_H
#define BR_HTTP_LIMIT_H
#include "reader/val.h"
#include "runtime/base/port.h"

enum { LIMIT_PER_HOST = 512, LIMIT_MAX_CONCURRENT = 10000, LIMIT_MAX_REQUESTS = 10000 };

typedef struct LimitSpec {
  int64_t concurrent; /* at a time; 0 = no limit */
  int64_t requests;   /* begun in any `per_us`; 0 = no limit */
  int64_t per_us;
} LimitSpec;
/* From {:max-concurrent n :rate-limit {:requests n :per "1s"}} (a config; other keys are not looked at). *given: there was one of
 * them. false: *e says which is wrong and what would do. */
bool limit_spec(Val config, LimitSpec *out, bool *given, Err *e);

typedef struct Gate Gate;
typedef struct Waiter Waiter;
/* The gate of that name; its limits are those of the last call. */
Gate *limit_gate(const char *name, const LimitSpec *spec, int64_t now_us);
/* true: goes on at once (counted as under way; limit_leave ends it). false: waits, *w stands for it; `go` is called when its turn
 * has come, by limit_turn or limit_leave. */
bool limit_enter(Gate *g, const char *flow, void (*go)(void *ctx), void *ctx, int64_t now_us, Waiter **w);
void limit_give_up(Waiter *w);            /* leaves the queue */
void limit_leave(Gate *g, int64_t now_us);
/* Lets in whose time has come. The time of the next turn that only the clock brings; INT64_MAX: none. */
int64_t limit_turn(int64_t now_us);
#endif
