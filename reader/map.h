/* map.h - persistent maps and sets: array maps up to 8 entries (insertion order), CHAMP hash maps beyond (iterated in
 * Clojure's order: merged bitmaps ascending, a nil key first), sorted maps and sets by `compare`, transients.
 * Functions that hash or compare keys may return SIG_DEMAND (a lazy seq inside a key) or SIG_THROW: check `is_sig`. */
#ifndef BR_MAP_H
#define BR_MAP_H
#include "vec.h"

enum { AMAP_MAX = 16 }; /* values in an array map that another key turns into a hash map */
static inline bool is_map(Val v) { int t = type_of(v); return t == T_AMAP || t == T_HMAP || t == T_SMAP || t == T_RECORD; } /* records too */
static inline bool is_set(Val v) { int t = type_of(v); return t == T_SET || t == T_SSET; }
extern Val map_empty; /* {} (array map) */
extern Val set_empty; /* #{} */
extern Val hmap_empty;
uint32_t map_count(Val m);
Val map_get(Val m, Val k, Val not_found);
Val map_find(Val m, Val k);                 /* T_ENTRY or nil; the entry's key is the one stored */
Val map_assoc(Val m, Val k, Val v);
Val map_assoc_own(Val m, Val k, Val v);     /* T_AMAP, T_HMAP: see coll_assoc_own */
Val map_dissoc(Val m, Val k);
Val map_merge(Val under, Val over);         /* the keys of both, values of `over` where it has them; what is no map counts as none */
Val map_get_kw(Val m, const char *name);    /* by unqualified keyword; nil if absent or m is no map */
/* Build from n key-value pairs as a literal does: <= 8 array map in order, else hash map. Duplicate key: throws
 * IllegalArgumentException "Duplicate key: k" when `dup_error`, else last wins. */
Val map_from(const Val *kvs, size_t pairs, bool dup_error);
Val hmap_from(const Val *kvs, size_t pairs); /* hash-map: always a hash map, last wins */
Val amap_from(const Val *kvs, size_t pairs); /* array-map: an array map of any size, last wins, first key's place */
Val smap_new(Val cmp);                       /* nil = compare; C comparators only on this layer */

/* Iteration in the order of `seq`. Not affected by later changes (maps do not change). */
typedef struct MapIterPlace { Val node; uint32_t todo; uint8_t pair, child; } MapIterPlace; /* bits still to come, places in a */
typedef struct MapIter {
  Val m;
  uint32_t i;
  int depth;
  union {
    MapIterPlace path[8];                       /* hash nodes */
    Val stack[48];                              /* sorted: nodes whose entry and right side are still to come */
  };
} MapIter;
void map_iter(MapIter *it, Val m);           /* map, or set (k = v = element) */
bool map_next(MapIter *it, Val *k, Val *v);
Val map_seq(Val m);                          /* T_MSEQ or nil; also on sets */
Val map_keys_seq(Val m);                     /* nil when empty; keys of a map */
Val map_vals_seq(Val m);
Val mseq_first(Val s);                       /* T_MSEQ */
Val mseq_next(Val s);

uint32_t set_count(Val s);
Val set_get(Val s, Val x, Val not_found);    /* the stored element */
Val set_conj(Val s, Val x);
Val set_disj(Val s, Val x);
Val set_from(const Val *xs, size_t n, bool dup_error); /* hash set */
Val sset_new(Val cmp);
/* Sorted: smallest entry >= / > etc. is for subseq, see the next issue. */
Val smap_seq_from(Val m, bool ascending);
/* The seq from the first entry >= k (descending: <= k) on, for subseq and rsubseq. Sorted maps and sets. */
Val smap_seq_at(Val m, Val k, bool ascending);
/* How comparators other than nil (`compare`) are called: set once by the layer above. nil or a signal. */
extern Val (*smap_cmp_hook)(Val cmp, Val a, Val b, int *out);

Val tmap_of(Val m);                          /* array map, hash map */
Val tmap_assoc(Val t, Val k, Val v);
Val tmap_dissoc(Val t, Val k);
Val tmap_get(Val t, Val k, Val not_found);
uint32_t tmap_count(Val t);
Val tmap_persistent(Val t);
Val tset_of(Val s);
Val tset_conj(Val t, Val x);
Val tset_disj(Val t, Val x);
Val tset_persistent(Val t);
Val tset_get(Val t, Val x, Val not_found);
uint32_t tset_count(Val t);
/* A transient (T_TVEC, T_TMAP, T_TSET) that may still be used: nil, or throws IllegalAccessError. */
Val transient_check(Val t);
#endif
