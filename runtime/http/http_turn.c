/* http_turn.c - see http_turn.h. */
#include "http_turn.h"
#include "runtime/base/metrics.h"
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int clock_fd = -1;
static int64_t clock_due_us = INT64_MAX; /* what it is set to */

static void set_clock(void) {
  int64_t due_us = limit_turn(mono_us());
  if (due_us == clock_due_us) return;
  clock_due_us = due_us;
  int64_t us = due_us == INT64_MAX ? 0 : due_us - mono_us();
  if (due_us != INT64_MAX && us < 1) us = 1;
  struct itimerspec t = {.it_value = {us / 1000000, us % 1000000 * 1000}};
  timerfd_settime(clock_fd, 0, &t, NULL);
}

static void tick(Engine *e, void *ctx) {
  uint64_t n;
  (void)e;
  (void)ctx;
  if (read(clock_fd, &n, sizeof n) < 0) return; /* another has taken it */
  clock_due_us = INT64_MAX;
  set_clock();
}

bool turn_ready(Engine *e, Err *err) {
  if (clock_fd < 0 && (clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) < 0) return err_set(err, "network", "timerfd failed");
  engine_watch(e, clock_fd, tick, NULL);
  return true;
}

/* The connection's own limits, else those of every host. */
static bool limits_of(Val config, LimitSpec *spec, bool *own, Err *err) {
  if (!limit_spec(config, spec, own, err)) {
    char msg[sizeof err->msg];
    snprintf(msg, sizeof msg, "the connection's config: %.400s", err->msg);
    return err_set(err, "validation", "%s", msg);
  }
  if (!*own) *spec = (LimitSpec){.concurrent = LIMIT_PER_HOST};
  return true;
}

bool turn_check(Val config, Err *err) {
  LimitSpec spec;
  bool own;
  return limits_of(config, &spec, &own, err);
}

static void gate_name(const TurnAsk *ask, bool own, Buf *b) {
  if (own) {
    buf_fmt(b, "connection %s/%s", ask->workspace, kw_text(ask->slot));
    return;
  }
  const char *host = strstr(ask->url, "://");
  host = host ? host + 3 : ask->url;
  buf_c(b, "host ");
  buf_add(b, host, strcspn(host, "/?#"));
}

static void let_in(void *ctx) {
  Turn *t = ctx;
  t->waiter = NULL;
  metric_add(METRIC_http_in_flight, 1);
  metric_add(METRIC_http_requests_total, 1);
  t->go(t->ctx);
}

bool turn_take(Turn *t, const TurnAsk *ask, void (*go)(void *ctx), void *ctx, Err *err) {
  LimitSpec spec;
  bool own;
  Buf name = {0};
  if (!limits_of(ask->config, &spec, &own, err)) return false;
  gate_name(ask, own, &name);
  *t = (Turn){.gate = limit_gate(buf_cstr(&name), &spec, mono_us()), .go = go, .ctx = ctx};
  buf_free(&name);
  if (limit_enter(t->gate, ask->flow, let_in, t, mono_us(), &t->waiter)) let_in(t);
  else set_clock();
  return true;
}

void turn_end(Turn *t) {
  Gate *g = t->gate;
  Waiter *w = t->waiter;
  t->gate = NULL;
  t->waiter = NULL;
  if (!g) return;
  if (w) {
    limit_give_up(w);
    return;
  }
  metric_add(METRIC_http_in_flight, -1);
  limit_leave(g, mono_us());
  set_clock();
}

void turn_answered(const HttpResponse *r) {
  metric_add(METRIC_http_received_bytes_total, (int64_t)r->received);
  if (r->err != HTTP_OK) metric_add(METRIC_http_errors_total, 1);
}
