/* port.h - clock, disk and network ports: everything the engine asks of the world goes through here, so that tests can
 * replace it. Absolute times are UTC milliseconds since 1970; monotonic times are for leases and durations. */
#ifndef BR_PORT_H
#define BR_PORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ClockPort {
  int64_t (*now_ms)(void *ctx);   /* UTC wall clock */
  int64_t (*mono_us)(void *ctx);  /* monotonic, microseconds */
  void *ctx;
} ClockPort;
extern ClockPort clock_port;      /* the system's clocks unless a test replaced it */
static inline int64_t now_ms(void) { return clock_port.now_ms(clock_port.ctx); }
static inline int64_t mono_us(void) { return clock_port.mono_us(clock_port.ctx); }

/* C services report failure by an Err: code 0 = fine. Codes are strings for people and JSON ("db_locked"). */
typedef struct Err { const char *code; char msg[480]; } Err;
bool err_set(Err *e, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* returns false */
#endif
