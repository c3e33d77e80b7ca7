#include "port.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static int64_t port_read(clockid_t id, int64_t per_s) {
  struct timespec t;
  clock_gettime(id, &t);
  return (int64_t)t.tv_sec * per_s + (int64_t)t.tv_nsec / (1000000000 / per_s);
}

static int64_t port_now_ms(void *ctx) {
  (void)ctx;
  return port_read(CLOCK_REALTIME, 1000);
}

static int64_t port_mono_us(void *ctx) {
  (void)ctx;
  return port_read(CLOCK_MONOTONIC, 1000000);
}

ClockPort clock_port = {port_now_ms, port_mono_us, NULL};

bool err_set(Err *e, const char *code, const char *fmt, ...) {
  if (!e) return false;
  va_list ap;
  va_start(ap, fmt);
  e->code = code;
  vsnprintf(e->msg, sizeof e->msg, fmt, ap);
  va_end(ap);
  return false;
}
