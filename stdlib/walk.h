/* walk.h - how native frames go through a collection: a cursor in two slots, `src` and `at`, good for anything seqable.
 *
 * Start: *src = the collection, *at = fix(0). Each walk_next gives one element. Between two calls the slots alone say
 * where the walk stands, so a frame may call, yield, suspend and be saved there; the Walk is a cache of values that lie
 * together, valid while the step function runs (`Walk w = {0}` at its start). Nothing behind the cursor is kept alive:
 * use the slot of the argument itself as `src`. */
#ifndef BR_WALK_H
#define BR_WALK_H
#include "eval/mach.h"
#include "eval/builtin.h"

typedef struct Walk { const Val *p; uint32_t n; } Walk;

Val walk_more(Walk *w, Val *src, Val *at, Val *out);
/* TRUE_V with *out, FALSE_V at the end, or a signal (SIG_DEMAND: nothing has moved, call again later). */
static inline Val walk_next(Walk *w, Val *src, Val *at, Val *out) {
  if (!w->n) return walk_more(w, src, at, out);
  w->n--;
  *out = *w->p++;
  at->w += 2; /* fix(i) + 1 */
  return TRUE_V;
}
/* seq_of for native frames: asks for one cell only, as the frame keeps its place. */
Val walk_seq(Val x);
/* All remaining elements into *arr (a growing T_ARR in a slot, *n = how many, a fixnum): TRUE_V when done. Charges fuel
 * and answers SIG_STOP-like through nf_yield(m, pc), so that the caller returns whatever is a signal. */
Val walk_all(struct Mach *m, uint32_t pc, Val *src, Val *at, Val *arr, Val *n);
/* Values that are there together (at most 32), without realising anything between them. WALK_CHUNKED: as far as Clojure's
 * seqs are chunked, so that a callback runs ahead exactly as far as there; WALK_ANY: for values that are only passed on.
 * *n = 0 at the end. Otherwise as walk_next. */
enum WalkBlock { WALK_ONE, WALK_CHUNKED, WALK_ANY };
Val walk_block(Val *src, Val *at, Val out[32], uint32_t *n, enum WalkBlock how);
/* The seq (nil, or not lazy) of what lies behind the cursor. */
Val walk_to_seq(Val src, Val at);
/* A seq of values in a row that consumers treat one at a time (aux of the chunk), as Clojure's unchunked seqs. */
enum { CHUNK_LOOSE = 1 };
Val walk_loose(Val arr, uint32_t off, uint32_t end, Val rest);
/* Cursors of several collections side by side: T_ARR [src at src at ...]. */
Val walk_cursors(Val first, const Val *more, uint32_t n);
/* One value of each into vals, of which *got are there already. FALSE_V when one has ended; up to `eager` collections are all
 * looked at even then, as Clojure calls seq on each before it tests any. */
enum { MAP_EAGER = 3, INTERLEAVE_EAGER = 2 };
Val walk_zip(Val cursors, Val vals, Val *got, uint32_t eager);
/* Growing array in two slots. */
void walk_push(Val *arr, Val *n, Val x);
Val walk_take_arr(Val arr, Val n); /* a T_ARR of exactly n */
#endif
