/* sorted.h - the balanced tree under sorted maps and sets; private to map.c, mseq.c and set.c.
 *
 * An AVL tree of T_SNODE (info = height), copied along the path. The comparator nil is `compare`; any other one is
 * answered by `smap_cmp_hook` (map.h). */
#ifndef BR_SORTED_H
#define BR_SORTED_H
#include "hash.h"

Val sorted_find(const SMap *m, Val k, Val *node);              /* *node = T_SNODE or nil; nil or a signal */
Val sorted_assoc(Val m, Val k, Val v);                         /* v ABSENT: a set element */
Val sorted_dissoc(Val m, Val k);
/* Cursor (T_MSEQ) on the first entry >= k (ascending) or <= k (descending); k ABSENT: the very first. */
Val sorted_seq(Val m, uint32_t what, Val k, bool ascending);
Val sorted_next(const MSeq *c);
#endif
