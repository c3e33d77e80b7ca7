/* effect_kind.c - see effect_kind.h */
#include "effect_kind.h"
#include "runtime/engine/engine_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

Ledger effect_ledger;
static uint64_t pending[64];
static size_t npending;
static int event = -1;

const Effect *effect_find(const Ledger *l, const char *key, int attempt) {
  for (size_t i = 0; i < l->n; i++)
    if (l->a[i].attempt == attempt && !strcmp(l->a[i].key, key)) return &l->a[i];
  return NULL;
}

static void record(const StepCall *c) {
  const char *key = step_key(c), *slash = strrchr(key, '/');
  Effect *f = (Effect *)(uintptr_t)effect_find(&effect_ledger, key, step_attempt(c));
  if (!f) {
    if (effect_ledger.n == EFFECT_MAX || strlen(key) >= sizeof f->key || !slash) abort();
    f = &effect_ledger.a[effect_ledger.n++];
    *f = (Effect){.attempt = step_attempt(c), .occurrence = atoll(slash + 1)};
    f->at_most_once = kw_is(map_get_kw(step_config(c), "delivery"), "at-most-once");
    snprintf(f->key, sizeof f->key, "%s", key);
    const char *step = strchr(key, '/') + 1, *place = slash; /* the id of a part has a slash itself */
    while (place[-1] != '/') place--;
    snprintf(f->step, sizeof f->step, "%.*s", (int)(place - 1 - step), step);
  }
  f->count++;
}

static void finish(Engine *e, StepCall *c) {
  Val fails = map_get_kw(step_config(c), "fail-times");
  if (is_long(fails) && step_attempt(c) <= long_of(fails)) step_failed(e, c, err_map("network", "the effect failed as it was told to"), -1);
  else step_done(e, c, map_get(step_config(c), kw_c("value"), fix(step_attempt(c))));
}

static void readable(Engine *e, void *ctx) {
  (void)ctx;
  uint64_t n;
  if (read(event, &n, sizeof n) < 0) return;
  size_t k = npending;
  uint64_t tokens[64];
  memcpy(tokens, pending, sizeof tokens);
  npending = 0;
  for (size_t i = 0; i < k; i++) {
    StepCall *c = step_by_token(e, tokens[i]);
    if (c) finish(e, c);
  }
}

static void start(Engine *e, StepCall *c) {
  record(c);
  if (truthy(map_get_kw(step_config(c), "hang"))) return;
  if (!truthy(map_get_kw(step_config(c), "async"))) {
    finish(e, c);
    return;
  }
  engine_watch(e, event, readable, NULL);
  if (npending == sizeof pending / sizeof *pending) abort();
  pending[npending++] = step_token(c);
  uint64_t one = 1;
  if (write(event, &one, sizeof one) < 0) abort();
}

void effect_crash(void) {
  uint64_t n;
  npending = 0;
  if (event >= 0 && read(event, &n, sizeof n) < 0) return; /* nothing was to come: EAGAIN */
}

void effect_register(void) {
  static const StepKind kind = {.name = "effect", .start = start};
  if (event < 0) event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) abort();
  engine_register(&kind);
}
