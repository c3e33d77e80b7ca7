/* http_limit.c - see http_limit.h. */
#include "http_limit.h"
#include "reader/map.h"
#include "reader/num.h"
#include "runtime/base/duration.h"
#include "runtime/base/metrics.h"
#include <stdlib.h>
#include <string.h>

struct Waiter {
  struct Queue *queue;
  void (*go)(void *ctx);
  void *ctx;
  int64_t since_us;
  Waiter *prev, *next;
};

/* Those of one flow that wait at one gate. */
typedef struct Queue {
  Gate *gate;
  char *flow;
  Waiter *first, *last;
  struct Queue *next; /* in the order of their turns */
} Queue;

struct Gate {
  char *name;
  LimitSpec spec;
  int64_t inside;
  int64_t *begun; /* ring of the last spec.requests beginnings; 0: none */
  int64_t at, used_us;
  Queue *queues; /* with somebody in them */
  Gate *next;
};

static Gate *gates;

static void *must(void *p) {
  if (!p) abort();
  return p;
}

/* ---- what is allowed ---- */

static bool count_of(Val v, int64_t max, int64_t *out) {
  bool ok = is_long(v) && long_of(v) >= 1 && long_of(v) <= max;
  if (ok) *out = long_of(v);
  return ok;
}

static bool rate_spec(Val rate, LimitSpec *out, Err *e) {
  int64_t ms;
  if (!is_map(rate) || !count_of(map_get_kw(rate, "requests"), LIMIT_MAX_REQUESTS, &out->requests))
    return err_set(e, "validation", ":rate-limit is a map such as {:requests 10 :per \"1s\"}; :requests is an integer from 1 to %d", LIMIT_MAX_REQUESTS);
  if (!duration_of(map_get_kw(rate, "per"), DURATION_MS, ":rate-limit :per", &ms, e)) return false;
  if (ms < 1 || ms > 24 * 3600 * 1000LL) return err_set(e, "validation", ":rate-limit :per is a duration from \"1ms\" to \"24h\"");
  out->per_us = ms * 1000;
  return true;
}

bool limit_spec(Val config, LimitSpec *out, bool *given, Err *e) {
  Val most = map_get_kw(config, "max-concurrent"), rate = map_get_kw(config, "rate-limit");
  *out = (LimitSpec){0};
  *given = !is_nil(most) || !is_nil(rate);
  if (!is_nil(most) && !count_of(most, LIMIT_MAX_CONCURRENT, &out->concurrent))
    return err_set(e, "validation", ":max-concurrent is an integer from 1 to %d", LIMIT_MAX_CONCURRENT);
  return is_nil(rate) || rate_spec(rate, out, e);
}

/* ---- gates ---- */

static void gate_free(Gate *g) {
  free(g->name);
  free(g->begun);
  free(g);
}

#define IDLE_US (60 * 1000000LL)
static void sweep(int64_t now) {
  for (Gate **at = &gates; *at;) {
    Gate *g = *at;
    int64_t keep = g->spec.requests && g->spec.per_us > IDLE_US ? g->spec.per_us : IDLE_US;
    if (g->inside || g->queues || now - g->used_us < keep) {
      at = &g->next;
      continue;
    }
    *at = g->next;
    gate_free(g);
  }
}

static void gate_limits(Gate *g, const LimitSpec *spec) {
  if (g->spec.requests != spec->requests) {
    free(g->begun);
    g->begun = spec->requests ? must(calloc((size_t)spec->requests, sizeof *g->begun)) : NULL;
    g->at = 0;
  }
  g->spec = *spec;
}

Gate *limit_gate(const char *name, const LimitSpec *spec, int64_t now_us) {
  Gate *g = gates;
  while (g && strcmp(g->name, name)) g = g->next;
  if (!g) {
    sweep(now_us);
    g = must(calloc(1, sizeof *g));
    g->name = must(strdup(name));
    g->next = gates;
    gates = g;
  }
  gate_limits(g, spec);
  g->used_us = now_us;
  return g;
}

/* When the next one may begin as far as the rate is concerned. */
static int64_t rate_due(const Gate *g) {
  int64_t oldest = g->spec.requests ? g->begun[g->at] : 0;
  return oldest ? oldest + g->spec.per_us : 0;
}

static bool has_room(const Gate *g) { return !g->spec.concurrent || g->inside < g->spec.concurrent; }

static void count_in(Gate *g, int64_t now) {
  g->inside++;
  g->used_us = now;
  if (!g->spec.requests) return;
  g->begun[g->at] = now;
  g->at = (g->at + 1) % g->spec.requests;
}

/* ---- waiting ---- */

static Queue *queue_of(Gate *g, const char *flow) {
  Queue **at = &g->queues;
  while (*at && strcmp((*at)->flow, flow)) at = &(*at)->next;
  if (*at) return *at;
  Queue *q = *at = must(calloc(1, sizeof *q));
  q->gate = g;
  q->flow = must(strdup(flow));
  return q;
}

static void queue_unlink(Queue *q) {
  Queue **at = &q->gate->queues;
  while (*at != q) at = &(*at)->next;
  *at = q->next;
  q->next = NULL;
}

static void waiter_out(Waiter *w) {
  Queue *q = w->queue;
  if (w->prev) w->prev->next = w->next;
  else q->first = w->next;
  if (w->next) w->next->prev = w->prev;
  else q->last = w->prev;
  metric_add(METRIC_http_queued, -1);
  if (q->first) return;
  queue_unlink(q);
  free(q->flow);
  free(q);
}

/* The first of the flow whose turn it is; that flow then goes behind the others. */
static Waiter *next_waiter(Gate *g) {
  Queue *q = g->queues;
  Waiter *w = q->first;
  if (q->next) {
    Queue *last = q->next;
    while (last->next) last = last->next;
    g->queues = q->next;
    last->next = q;
    q->next = NULL;
  }
  waiter_out(w);
  return w;
}

static void let_in(Gate *g, int64_t now) {
  while (g->queues && has_room(g) && rate_due(g) <= now) {
    Waiter *w = next_waiter(g);
    count_in(g, now);
    metric_add(METRIC_http_delay_ms_total, (now - w->since_us) / 1000);
    metric_observe(METRIC_http_delay_seconds, NULL, NULL, now - w->since_us);
    void (*go)(void *ctx) = w->go;
    void *ctx = w->ctx;
    free(w);
    go(ctx);
  }
}

bool limit_enter(Gate *g, const char *flow, void (*go)(void *ctx), void *ctx, int64_t now_us, Waiter **out) {
  *out = NULL;
  if (!g->queues && has_room(g) && rate_due(g) <= now_us) {
    count_in(g, now_us);
    return true;
  }
  Queue *q = queue_of(g, flow);
  Waiter *w = must(calloc(1, sizeof *w));
  *w = (Waiter){.queue = q, .go = go, .ctx = ctx, .since_us = now_us, .prev = q->last};
  if (q->last) q->last->next = w;
  else q->first = w;
  q->last = w;
  metric_add(METRIC_http_queued, 1);
  metric_add(METRIC_http_delayed_total, 1);
  *out = w;
  return false;
}

void limit_give_up(Waiter *w) {
  waiter_out(w);
  free(w);
}

void limit_leave(Gate *g, int64_t now_us) {
  g->inside--;
  g->used_us = now_us;
  let_in(g, now_us);
}

int64_t limit_turn(int64_t now_us) {
  int64_t next = INT64_MAX;
  for (Gate *g = gates; g; g = g->next) {
    let_in(g, now_us);
    if (g->queues && has_room(g) && rate_due(g) < next) next = rate_due(g);
  }
  return next;
}
