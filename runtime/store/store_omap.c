#include "store_omap.h"
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

struct OmapNode {
  char *value;
  size_t key_n, value_n;
  int levels;
  OmapNode *next[]; /* `levels` of them, then the key */
};

static char *node_key(const OmapNode *n) { return (char *)(n->next + n->levels); }

static int key_compare(Bytesv a, Bytesv b) {
  size_t n = a.n < b.n ? a.n : b.n;
  int c = n ? memcmp(a.p, b.p, n) : 0;
  return c ? c : (a.n > b.n) - (a.n < b.n);
}

void store_omap_init(Omap *m) { *m = (Omap){.random = 0x9e3779b97f4a7c15u, .levels = 1}; }

static void node_free(OmapNode *n) {
  free(n->value);
  free(n);
}

void store_omap_free(Omap *m) {
  for (OmapNode *n = m->first[0], *next; n; n = next) {
    next = n->next[0];
    node_free(n);
  }
  store_omap_init(m);
}

Bytesv store_omap_key(const OmapNode *n) { return (Bytesv){node_key(n), n->key_n}; }
Bytesv store_omap_value(const OmapNode *n) { return (Bytesv){n->value, n->value_n}; }
const OmapNode *store_omap_next(const OmapNode *n) { return n->next[0]; }

enum { MAX_LEVELS = 24 };

/* The links that point to the first node with a key >= key, on every level. */
static OmapNode *search(const Omap *m, Bytesv key, OmapNode ***links) {
  OmapNode **row = (OmapNode **)m->first, *n = NULL;
  for (int l = m->levels; l-- > 0;) {
    while ((n = row[l]) && key_compare(store_omap_key(n), key) < 0) row = n->next;
    if (links) links[l] = &row[l];
  }
  return n;
}

const OmapNode *store_omap_from(const Omap *m, Bytesv key) { return search(m, key, NULL); }

const OmapNode *store_omap_get(const Omap *m, Bytesv key) {
  const OmapNode *n = search(m, key, NULL);
  return n && !key_compare(store_omap_key(n), key) ? n : NULL;
}

static int random_levels(Omap *m) {
  m->random ^= m->random << 13;
  m->random ^= m->random >> 7;
  m->random ^= m->random << 17;
  int l = 1;
  for (uint64_t r = m->random >> 8; (r & 3) == 0 && l < MAX_LEVELS; r >>= 2) l++;
  return l;
}

static OmapNode *node_new(int levels, Bytesv key) {
  OmapNode *n = calloc(1, sizeof *n + (size_t)levels * sizeof n->next[0] + key.n);
  if (!n) return NULL;
  n->levels = levels;
  n->key_n = key.n;
  if (key.n) memcpy(node_key(n), key.p, key.n);
  return n;
}

bool store_omap_put(Omap *m, Bytesv key, Bytesv value) {
  OmapNode **links[MAX_LEVELS];
  Blob copy;
  if (!blob_copy(&copy, value.p, value.n)) return false;
  OmapNode *n = search(m, key, links);
  if (!n || key_compare(store_omap_key(n), key)) {
    n = node_new(random_levels(m), key);
    if (!n) return blob_free(&copy), false;
    for (; m->levels < n->levels; m->levels++) links[m->levels] = &m->first[m->levels];
    for (int l = 0; l < n->levels; l++) {
      n->next[l] = *links[l];
      *links[l] = n;
    }
  }
  free(n->value);
  n->value = copy.p;
  n->value_n = copy.n;
  return true;
}

bool store_omap_del(Omap *m, Bytesv key) {
  OmapNode **links[MAX_LEVELS];
  OmapNode *n = search(m, key, links);
  if (!n || key_compare(store_omap_key(n), key)) return false;
  for (int l = 0; l < n->levels; l++) *links[l] = n->next[l];
  node_free(n);
  return true;
}
