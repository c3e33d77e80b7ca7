/* mapint.h - what the files of maps and sets share; private to map.c, mseq.c, tmap.c and set.c. */
#ifndef BR_MAPINT_H
#define BR_MAPINT_H
#include "map.h"

enum { SEQ_ENTRIES, SEQ_KEYS, SEQ_VALS };           /* MSeq.what */
enum { TMAP_HAS_NIL = 1 };                          /* flags of T_TMAP */

Val amap_find(const Val *kv, uint32_t n, Val k, int32_t *at); /* *at = place of the key or -1; nil or a signal */
Val hmap_assoc(Val m, Val k, Val v);                /* v ABSENT: a set element */
Val hmap_dissoc(Val m, Val k);
Val hmap_pair(Val m, Val k, const Val **kv);        /* *kv: stored key and value or NULL; for nil the key alone */
Val map_duplicate_key(Val k);                       /* throws */
Val tmap_hashed(const Val *kvs, uint32_t n);        /* a transient hash map of n values (n/2 pairs) */
Val tmap_add(Val t, Val x);                         /* a set element */
Val tmap_key(Val t, Val x, Val not_found);          /* the stored key */
#endif
