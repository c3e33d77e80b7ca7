/* bench_effect.h - the step kind :effect of the durable figures: the effect happens in another process.
 *
 * effect_server forks a child that reads 16-byte orders (token, run << 32 | step) from a pipe, counts them in memory shared
 * by all processes of the bench, and writes the 8-byte token back as the acknowledgement. Orders of one turn of the engine's
 * loop travel in one write, as a client library would send them. The child ends when the engine's end of the pipe is closed,
 * also by kill -9. Fork it before a database is opened: it must not inherit the database's lock. */
#ifndef BENCH_EFFECT_H
#define BENCH_EFFECT_H
#include "runtime/engine/engine.h"

enum { TALLY_RUNS = 16384, TALLY_STEPS = 64 };
typedef struct Tally {
  uint64_t orders;                              /* effects that happened */
  int32_t last[TALLY_RUNS];                     /* highest step of each run, -1 none */
  uint8_t count[TALLY_RUNS][TALLY_STEPS];       /* how often each step of each run happened */
} Tally;
extern Tally *tally; /* shared memory */

void tally_new(void);    /* once, before any fork */
void tally_clear(void);
void effect_server(void);
void effect_register(void);
/* Called on the engine thread when an effect may start; may be NULL. */
extern void (*effect_seen)(int64_t run, int64_t step);
extern uint64_t effect_acks; /* acknowledged in this process */
#endif
