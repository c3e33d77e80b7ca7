/* champ.h - nodes of hash maps and sets (T_MNODE); private to map.c, tmap.c and set.c.
 *
 * A node maps 5 bits of the hash to a pair (datamap) or to a child (nodemap), never both. Its values are the pairs in
 * bit order, then the children in bit order, then (in nodes owned by a transient) unused nil slots. Reading both bitmaps
 * merged in ascending order is Clojure's iteration order. Outside the root no node holds just one pair and nothing
 * else: it is kept in the parent, so equal maps have equal shape whatever their history (collision nodes apart).
 *
 * A collision node (aux = 1) holds pairs with one full hash, kept in nodemap, their number in datamap, in order of
 * insertion. As in Clojure it appears at the level where the two keys met and sinks when another hash comes along.
 *
 * `edit` is the token of the transient that works, 0 for a persistent operation: nodes with that token are changed in
 * place. A set stores each element as key and value. */
#ifndef BR_CHAMP_H
#define BR_CHAMP_H
#include "hash.h"

/* *kv = the pair of key k (hash h) or NULL. Returns nil or a signal. node may be nil. */
Val champ_find(Val node, uint32_t h, Val k, const Val **kv);
/* The node with k -> v; v ABSENT means "add the set element k, keep the present one". node may be nil. The same
 * node when nothing changed or all changed in place. */
Val champ_assoc(Val node, uint32_t shift, uint32_t h, Val k, Val v, uint32_t edit, bool *added);
/* The node without k; nil when that was all. */
Val champ_dissoc(Val node, uint32_t shift, uint32_t h, Val k, uint32_t edit, bool *removed);

bool champ_use_popcnt(bool yes); /* chosen at start; for tests. What it was */
/* The same, made of the popcnt instruction; for champ.c alone. */
Val champ_popcnt_find(Val node, uint32_t h, Val k, const Val **kv);
Val champ_popcnt_assoc(Val node, uint32_t shift, uint32_t h, Val k, Val v, uint32_t edit, bool *added);
Val champ_popcnt_dissoc(Val node, uint32_t shift, uint32_t h, Val k, uint32_t edit, bool *removed);

static inline bool champ_is_collision(const MNode *m) { return m->h.aux != 0; }
static inline const Val *champ_pair(const MNode *m, uint32_t bit) { return m->a + 2 * hash_pop(m->datamap & (bit - 1)); }
static inline uint32_t champ_child_at(const MNode *m, uint32_t bit) { return hash_pop2(m->datamap, m->nodemap & (bit - 1)); }
static inline Val champ_child(const MNode *m, uint32_t bit) { return m->a[champ_child_at(m, bit)]; }
#endif
