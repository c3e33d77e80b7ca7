/* engine_parked.c - the numbers of the runs this engine answers for that are not in memory: a set of 8 bytes a run, because
 * there may be a hundred thousand of them. Open addressing, linear probing, 0 is free; no values, so plain malloc. */
#include "engine_int.h"
#include "reader/mem.h"

static size_t home(const ParkedSet *s, int64_t run) { return (size_t)((uint64_t)run * 0x9e3779b97f4a7c15u >> 32) & (s->cap - 1); }

static size_t slot_of(const ParkedSet *s, int64_t run) {
  size_t i = home(s, run);
  while (s->a[i] && s->a[i] != run) i = (i + 1) & (s->cap - 1);
  return i;
}

static void grow(ParkedSet *s) {
  ParkedSet old = *s;
  s->cap = old.cap ? old.cap * 2 : 64;
  s->a = mem_raw(s->cap * sizeof *s->a);
  memset(s->a, 0, s->cap * sizeof *s->a);
  for (size_t i = 0; i < old.cap; i++)
    if (old.a[i]) s->a[slot_of(s, old.a[i])] = old.a[i];
  mem_raw_free(old.a);
}

void parked_add(ParkedSet *s, int64_t run) {
  if (2 * (s->n + 1) > s->cap) grow(s);
  size_t i = slot_of(s, run);
  s->n += !s->a[i];
  s->a[i] = run;
}

void parked_remove(ParkedSet *s, int64_t run) {
  if (!s->n) return;
  size_t hole = slot_of(s, run), mask = s->cap - 1;
  if (!s->a[hole]) return;
  s->n--;
  s->a[hole] = 0;
  for (size_t i = (hole + 1) & mask; s->a[i]; i = (i + 1) & mask) { /* close the gap, so that no search ends at it too early */
    size_t h = home(s, s->a[i]);
    if (((i - h) & mask) < ((i - hole) & mask)) continue;
    s->a[hole] = s->a[i];
    s->a[i] = 0;
    hole = i;
  }
}

void parked_clear(ParkedSet *s) {
  mem_raw_free(s->a);
  *s = (ParkedSet){0};
}
