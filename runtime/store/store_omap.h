/* store_omap.h - an ordered map from bytes to bytes, keys compared like memcmp (a prefix sorts first): a skip list. Owns
 * copies of keys and values. One thread. */
#ifndef BR_STORE_OMAP_H
#define BR_STORE_OMAP_H
#include "store.h"

typedef struct OmapNode OmapNode;
typedef struct Omap {
  OmapNode *first[24];
  uint64_t random;
  int levels;
} Omap;

void store_omap_init(Omap *m);
void store_omap_free(Omap *m);
/* NULL when absent. Nodes stay valid until their key is put again or deleted. */
const OmapNode *store_omap_get(const Omap *m, Bytesv key);
const OmapNode *store_omap_from(const Omap *m, Bytesv key); /* the first node with a key >= key */
const OmapNode *store_omap_next(const OmapNode *n);
Bytesv store_omap_key(const OmapNode *n);
Bytesv store_omap_value(const OmapNode *n);
bool store_omap_put(Omap *m, Bytesv key, Bytesv value); /* false = no memory, nothing changed */
bool store_omap_del(Omap *m, Bytesv key);               /* false = was absent */
#endif
