#include "engine_over.h"
#include "engine_int.h"
#include <stdlib.h>

typedef struct OverWait {
  int64_t run;
  EngineOverFn f;
  void *ctx;
  struct OverWait *next;
} OverWait;

void engine_over_watch(Engine *e, int64_t run, EngineOverFn f, void *ctx) {
  OverWait *w = malloc(sizeof *w);
  if (!w) abort();
  *w = (OverWait){run, f, ctx, e->overs};
  e->overs = w;
}

/* Those of the run, taken out of the list: who is told may watch again. */
static OverWait *taken(Engine *e, int64_t run) {
  OverWait *out = NULL, **at = &e->overs;
  while (*at) {
    OverWait *w = *at;
    if (w->run != run) {
      at = &w->next;
      continue;
    }
    *at = w->next;
    w->next = out;
    out = w;
  }
  return out;
}

static void tell(Engine *e, OverWait *w, const RunState *st) {
  while (w) {
    OverWait *next = w->next;
    w->f(e, w->ctx, st);
    free(w);
    w = next;
  }
}

void engine_over_tell(Engine *e, int64_t run) {
  OverWait *w = e->overs ? taken(e, run) : NULL;
  RunState st = {0};
  Err err = {0};
  if (!w) return;
  if (!engine_state(e, run, &st, &err))
    st = (RunState){.run = run, .status = RUN_BLOCKED, .value = NIL, .error = err_map(err.code ? err.code : "blocked", err.msg)};
  tell(e, w, &st);
}

void engine_over_stop(Engine *e) {
  OverWait *w = e->overs;
  e->overs = NULL;
  tell(e, w, NULL);
}
