/* seq.h - lists and seqs. None of these functions runs Clojure code: at an unrealised lazy seq they return SIG_DEMAND
 * (demand(...) sets pend), the machine realises it and calls again. So a function that walks a seq must either keep its
 * place in machine slots (native frames) or accept being started again: the machine doubles the number of realised
 * cells at each demand of one call, which keeps a restarted walk linear. A function that needs the whole of a seq says so
 * with demand_all; one that looks at nested values (printing, hashing) with demand_deep. */
#ifndef BR_SEQ_H
#define BR_SEQ_H
#include "map.h"

extern Val empty_list; /* () */
Val demand(Val lazy, uint32_t n);  /* n cells; 0 = machine's doubling policy */
Val demand_all(Val lazy);
Val demand_deep(Val v);

static inline bool is_lazy(Val v) { return is_type(v, T_LAZY); }
bool is_seq(Val v);        /* what seq? says */
bool is_sequential(Val v); /* vectors, lists, seqs */
bool is_seqable(Val v);
bool is_coll(Val v);
/* (seq x): nil or a non-empty seq that is not lazy. Throws on what is not seqable. */
Val seq_of(Val x);
Val seq_first(Val x);      /* (first x) of anything seqable */
Val seq_next(Val x);
Val seq_rest(Val x);       /* never nil: () at the end; may return an unrealised T_LAZY without demanding it */
Val cons_new(Val first, Val rest); /* rest: anything; (cons 1 nil) is a list */
Val list_conj(Val list, Val x);    /* onto T_LIST / T_EMPTY / nil */
Val list_from(const Val *xs, size_t n);
Val list2(Val a, Val b); Val list3(Val a, Val b, Val c);
Val list_rest_from(const Val *xs, size_t n, Val tail); /* list* */
Val chunk_new(Val arr, uint32_t off, uint32_t end, Val rest);
Val lazy_new(Val fn);              /* fn: callable of no arguments */
Val range_new(int64_t start, int64_t end, int64_t step); /* () when empty */
Val repeat_new(int64_t n, Val x);  /* n = -1 for ever; () for 0 */
Val vseq_new(Val vec, uint32_t i); /* nil when i is at the end */
Val rseq_new(Val vec);             /* nil when empty */
/* If s begins with values that lie together (vector seq, chunk, range block), their number (<= 32) and the seq behind
 * them; values are copied to out. 0 = not chunked. */
uint32_t seq_chunk(Val s, Val out[32], Val *rest);
/* Walking any seqable from C without a cell per step: seq_iter (nil or a signal), then seq_iter_next until it is FALSE_V;
 * TRUE_V: *x is the next value. At an unrealised lazy seq it is a SIG_DEMAND by the doubling policy; the iterator stays
 * where it is and may be asked again. Lives on the C stack only (it holds pointers into arrays).
 * A range or repeat ends with a LimitError behind SEQ_WALK_MAX elements: no fuel is counted inside one C call. */
#ifndef SEQ_WALK_MAX /* the fuzzers, whose every comparison is watched, have a smaller one */
#define SEQ_WALK_MAX (1u << 24)
#endif
typedef struct SeqIter { Val s; const Val *run; uint32_t left, at, walked; } SeqIter;
Val seq_iter(SeqIter *it, Val x);
Val seq_iter_next(SeqIter *it, Val *x);
/* Number of elements of a LongRange. */
uint64_t range_count(Val range);
/* Count of anything countable. Signals for infinite laziness as above. */
Val coll_count(Val x);
/* (nth coll i not-found); not_found ABSENT: throws. Strings, vectors, seqs, nil. */
Val coll_nth(Val x, int64_t i, Val not_found);
Val coll_get(Val x, Val k, Val not_found);   /* (get x k nf): maps, sets, vectors, strings, nil, others -> nf */
Val coll_contains(Val x, Val k);             /* boolean */
Val coll_assoc(Val x, Val k, Val v);         /* nil, maps, vectors */
Val coll_dissoc(Val x, Val k);
Val coll_conj(Val x, Val v);
/* The same for the holder of the only reference to x: changes x and returns it when it has COLL_OWNED, else returns a copy
 * that has it (where the type can). coll_publish clears it: before anybody else may see the collection. */
Val coll_assoc_own(Val x, Val k, Val v);
Val coll_conj_own(Val x, Val v);
static inline void coll_publish(Val x) {
  int t = type_of(x);
  if (t == T_VEC || t == T_AMAP || t == T_HMAP) obj(x)->flags = 0;
}
Val coll_empty(Val x);                       /* (empty x) */
Val coll_peek(Val x); Val coll_pop(Val x);
Val coll_into_array(Val x, ValVec *out);     /* realised values of any seqable; nil or a signal */
Val meta_of(Val x);                          /* nil where there is none; a signal only of a T_INSTANCE */
Val with_meta(Val x, Val meta);              /* a copy; ClassCastException where not supported */
#endif
