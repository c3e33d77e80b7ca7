/* flowdef_pos.h - where the parts of a definition stand in its text. Lists that the reader makes carry their position; maps,
 * vectors, keywords and symbols do not. So the text is scanned once more into a tree of spans, which is walked side by side
 * with the value: child by child, map entries by the text of their keys.
 *
 * Looking up one part after another takes time in proportion to the text, however long its lines, lists and maps are.
 *
 * The text has been read without error before: the scanner only has to find the same delimiters. Malloc'ed, no values. Where
 * the tree and the value do not agree (reader conditionals that splice, namespaced maps) a lookup gives NULL, and the caller
 * falls back on the position of what is around. */
#ifndef BR_FLOWDEF_POS_H
#define BR_FLOWDEF_POS_H
#include "reader/val.h"

enum PosKind { POS_ATOM, POS_LIST, POS_VEC, POS_MAP, POS_SET, POS_FN, POS_PREFIX, POS_META, POS_COND, POS_TAGGED };
typedef struct PosNode {
  uint32_t at, end;     /* byte span */
  uint32_t next, first; /* sibling, first child: numbers of nodes, 0 = none */
  uint32_t nkids;
  uint32_t seen, seen_i; /* the child that was asked for last, and which one that is: walks go on from there */
  uint8_t kind;          /* enum PosKind */
  bool indexed;          /* a map of many entries, all of them in `entries` */
} PosNode;
typedef struct PosEntry {
  uint32_t map, key, value; /* nodes; map 0: free */
} PosEntry;
typedef struct PosIndex {
  const char *text;
  size_t n;
  PosNode *a; /* a[0] is unused; in the order of the text */
  uint32_t na, cap;
  uint32_t *lines, nlines, lines_cap; /* byte offsets of line starts */
  uint32_t *chars;                    /* characters in front of each POS_BLOCK bytes */
  struct PosEntries {
    PosEntry *a; /* open addressing, by the map and the text of the key */
    uint32_t n, cap;
  } *entries;
} PosIndex;
enum { POS_BLOCK = 256 };

void pos_init(PosIndex *ix, const char *text, size_t n);
void pos_free(PosIndex *ix);
const PosNode *pos_root(const PosIndex *ix); /* the first form; NULL for an empty text */
/* Metadata and reader conditionals taken off. */
const PosNode *pos_value(const PosIndex *ix, const PosNode *n);
const PosNode *pos_kid(const PosIndex *ix, const PosNode *n, uint32_t i); /* i-th child, value taken; NULL */
/* Entry of a map by key: the value's node, or the key's. */
const PosNode *pos_entry(const PosIndex *ix, const PosNode *map, Val key, bool want_key);
const PosNode *pos_find(const PosIndex *ix, int line, int col); /* the node that begins there; NULL */
void pos_linecol(const PosIndex *ix, const PosNode *n, int *line, int *col);
#endif
