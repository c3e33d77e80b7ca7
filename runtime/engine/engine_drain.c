/* engine_drain.c - the last turns of a process: see engine_drain in engine.h */
#include "engine_int.h"

void engine_drain(Engine *e) { e->draining = true; }

/* A step made of children, or of a wait, goes on in another process as well as here. */
static bool settled(const Run *r) {
  return r->phase == R_DONE || r->phase == R_PARKED || r->phase == R_HELD || r->phase == R_TIMER || (r->phase == R_EFFECT && r->call && r->call->kids);
}

size_t engine_under_way(const Engine *e) {
  size_t n = e->commits != NULL;
  for (size_t i = 0; i < e->cap; i++)
    for (const Run *r = e->runs[i]; r; r = r->chain) n += !settled(r);
  return n;
}
