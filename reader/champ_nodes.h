/* champ_nodes.h - the code behind champ.h, compiled twice: by champ.c for any processor, by champ_popcnt.c for those that count
 * bits in one instruction (a third off a lookup). The includer defines CHAMP(name), the function's name, and its linkage. */
#include "champ.h"
#include "mem.h"

enum { BITS = 5, MASK = 31, SLACK = 6, MAX_USED = 64 };

static inline uint32_t bit_of(uint32_t h, uint32_t shift) { return (uint32_t)1 << ((h >> shift) & MASK); }
static inline uint32_t node_used(const MNode *m) {
  return champ_is_collision(m) ? 2 * m->datamap : hash_pop2(m->datamap, m->nodemap);
}
static inline bool node_owned(const MNode *m, uint32_t edit) { return edit && m->edit == edit; }

/* A node for `used` values; a transient gets some room to grow in place. */
static MNode *node_new(uint32_t used, uint32_t edit) {
  uint32_t n = edit ? used + SLACK : used;
  if (n > MAX_USED && used <= MAX_USED) n = MAX_USED;
  MNode *m = mem_obj_n(T_MNODE, n);
  m->edit = edit;
  return m;
}

static void node_take_maps(MNode *to, const MNode *from) {
  to->h.aux = from->h.aux;
  to->datamap = from->datamap;
  to->nodemap = from->nodemap;
}

/* A node to be changed by storing to slots: `m` itself or a copy. */
static MNode *node_editable(MNode *m, uint32_t edit) {
  if (node_owned(m, edit)) return m;
  uint32_t used = node_used(m);
  MNode *c = node_new(used, edit);
  node_take_maps(c, m);
  memcpy(c->a, m->a, used * sizeof(Val));
  return c;
}

/* The node with the `del` values at `at` replaced by room for `ins` values; bitmaps are the caller's. */
static MNode *node_splice(MNode *m, uint32_t edit, uint32_t at, uint32_t del, uint32_t ins) {
  uint32_t used = node_used(m), now = used - del + ins;
  if (node_owned(m, edit) && now <= m->n) {
    memmove(m->a + at + ins, m->a + at + del, (used - at - del) * sizeof(Val));
    if (now < used) memset(m->a + now, 0, (used - now) * sizeof(Val));
    return m;
  }
  MNode *c = node_new(now, edit);
  node_take_maps(c, m);
  memcpy(c->a, m->a, at * sizeof(Val));
  memcpy(c->a + at + ins, m->a + at + del, (used - at - del) * sizeof(Val));
  return c;
}

/* ---- lookup ---- */

static Val collision_index(const MNode *m, Val k, int32_t *at) {
  for (uint32_t i = 0; i < 2 * m->datamap; i += 2) {
    TRY(e, key_eq(m->a[i], k));
    if (truthy(e)) {
      *at = (int32_t)i;
      return NIL;
    }
  }
  *at = -1;
  return NIL;
}

static Val collision_find(const MNode *m, uint32_t h, Val k, const Val **kv) {
  int32_t at = -1;
  if (h == m->nodemap) CHECK(collision_index(m, k, &at));
  *kv = at < 0 ? NULL : m->a + at;
  return NIL;
}

CHAMP_LINKAGE Val CHAMP(find)(Val node, uint32_t h, Val k, const Val **kv) {
  *kv = NULL;
  for (uint32_t rest = h; !is_nil(node); rest >>= BITS) {
    const MNode *m = AS(MNode, node);
    if (champ_is_collision(m)) return collision_find(m, h, k, kv);
    uint32_t bit = (uint32_t)1 << (rest & MASK);
    if (m->nodemap & bit) {
      node = champ_child(m, bit);
    } else {
      if (!(m->datamap & bit)) return NIL;
      const Val *pair = champ_pair(m, bit);
      TRY(e, key_eq(pair[0], k));
      if (truthy(e)) *kv = pair;
      return NIL;
    }
  }
  return NIL;
}

/* ---- assoc ---- */

static inline void pair_set(Val *pair, Val k, Val v) {
  pair[0] = k;
  pair[1] = same(v, ABSENT) ? k : v;
}

static Val node_of_pair(uint32_t bit, Val k, Val v, uint32_t edit) {
  MNode *m = node_new(2, edit);
  m->datamap = bit;
  pair_set(m->a, k, v);
  return from_obj(m);
}

static Val node_of_child(uint32_t bit, Val child, uint32_t edit) {
  MNode *m = node_new(1, edit);
  m->nodemap = bit;
  m->a[0] = child;
  return from_obj(m);
}

/* A node that tells two keys apart. */
static Val node_of_two(uint32_t shift, uint32_t h1, const Val *kv1, uint32_t h2, Val k2, Val v2, uint32_t edit) {
  uint32_t b1 = bit_of(h1, shift), b2 = bit_of(h2, shift);
  if (h1 != h2 && b1 == b2) return node_of_child(b1, node_of_two(shift + BITS, h1, kv1, h2, k2, v2, edit), edit);
  MNode *m = node_new(4, edit);
  bool first = h1 == h2 || b1 < b2;
  m->h.aux = h1 == h2;
  m->datamap = h1 == h2 ? 2 : b1 | b2;
  m->nodemap = h1 == h2 ? h1 : 0;
  pair_set(m->a + (first ? 0 : 2), kv1[0], kv1[1]);
  pair_set(m->a + (first ? 2 : 0), k2, v2);
  return from_obj(m);
}

static Val node_set_val(MNode *m, uint32_t i, Val v, uint32_t edit) {
  if (same(m->a[i], v)) return from_obj(m);
  m = node_editable(m, edit);
  m->a[i] = v;
  return from_obj(m);
}

CHAMP_LINKAGE Val CHAMP(assoc)(Val node, uint32_t shift, uint32_t h, Val k, Val v, uint32_t edit, bool *added);

static Val collision_assoc(MNode *m, uint32_t shift, uint32_t h, Val k, Val v, uint32_t edit, bool *added) {
  if (h != m->nodemap) {
    Val wrap = node_of_child(bit_of(m->nodemap, shift), from_obj(m), edit);
    return CHAMP(assoc)(wrap, shift, h, k, v, edit, added);
  }
  int32_t at;
  CHECK(collision_index(m, k, &at));
  if (at >= 0) return same(v, ABSENT) ? from_obj(m) : node_set_val(m, (uint32_t)at + 1, v, edit);
  uint32_t end = 2 * m->datamap;
  m = node_splice(m, edit, end, 0, 2);
  m->datamap++;
  pair_set(m->a + end, k, v);
  *added = true;
  return from_obj(m);
}

/* The pair at `bit` gives way to a child. */
static Val node_pair_to_child(MNode *m, uint32_t bit, Val child, uint32_t edit) {
  uint32_t at = (uint32_t)(champ_pair(m, bit) - m->a), to = champ_child_at(m, bit) - 2, used = node_used(m);
  MNode *c = m;
  if (!node_owned(m, edit)) {
    c = node_new(used - 1, edit);
    memcpy(c->a, m->a, at * sizeof(Val));
  }
  memmove(c->a + at, m->a + at + 2, (to - at) * sizeof(Val));
  if (c == m) memmove(c->a + to + 1, m->a + to + 2, (used - to - 2) * sizeof(Val));
  else memcpy(c->a + to + 1, m->a + to + 2, (used - to - 2) * sizeof(Val));
  c->a[to] = child;
  if (c == m) c->a[used - 1] = NIL;
  c->h.aux = 0;
  uint32_t data = m->datamap & ~bit, nodes = m->nodemap | bit;
  c->datamap = data;
  c->nodemap = nodes;
  return from_obj(c);
}

static Val assoc_pair(MNode *m, uint32_t shift, uint32_t bit, uint32_t h, Val k, Val v, uint32_t edit, bool *added) {
  const Val *pair = champ_pair(m, bit);
  TRY(e, key_eq(pair[0], k));
  if (truthy(e)) return same(v, ABSENT) ? from_obj(m) : node_set_val(m, (uint32_t)(pair - m->a) + 1, v, edit);
  uint32_t old;
  CHECK(hash_key(pair[0], &old));
  Val child = node_of_two(shift + BITS, old, pair, h, k, v, edit);
  *added = true;
  return node_pair_to_child(m, bit, child, edit);
}

static Val assoc_new(MNode *m, uint32_t bit, Val k, Val v, uint32_t edit, bool *added) {
  uint32_t at = (uint32_t)(champ_pair(m, bit) - m->a);
  m = node_splice(m, edit, at, 0, 2);
  m->datamap |= bit;
  pair_set(m->a + at, k, v);
  *added = true;
  return from_obj(m);
}

CHAMP_LINKAGE Val CHAMP(assoc)(Val node, uint32_t shift, uint32_t h, Val k, Val v, uint32_t edit, bool *added) {
  uint32_t bit = bit_of(h, shift);
  if (is_nil(node)) {
    *added = true;
    return node_of_pair(bit, k, v, edit);
  }
  MNode *m = AS(MNode, node);
  if (champ_is_collision(m)) return collision_assoc(m, shift, h, k, v, edit, added);
  if (m->nodemap & bit) {
    uint32_t at = champ_child_at(m, bit);
    TRY(child, CHAMP(assoc)(m->a[at], shift + BITS, h, k, v, edit, added));
    return node_set_val(m, at, child, edit);
  }
  if (m->datamap & bit) return assoc_pair(m, shift, bit, h, k, v, edit, added);
  return assoc_new(m, bit, k, v, edit, added);
}

/* ---- dissoc ---- */

/* A persistent removal keeps the order of the others; a transient one moves the last pair into the gap. Both as
 * Clojure's HashCollisionNode. */
static Val collision_dissoc(MNode *m, uint32_t h, Val k, uint32_t edit, bool *removed) {
  int32_t found = -1;
  if (h == m->nodemap) CHECK(collision_index(m, k, &found));
  if (found < 0) return from_obj(m);
  uint32_t at = (uint32_t)found, last = 2 * m->datamap - 2;
  *removed = true;
  if (edit) {
    m = node_editable(m, edit);
    memmove(m->a + at, m->a + last, 2 * sizeof(Val));
    m->a[last] = m->a[last + 1] = NIL;
  } else {
    m = node_splice(m, 0, at, 2, 0);
  }
  m->datamap--;
  return from_obj(m);
}

static Val dissoc_pair(MNode *m, uint32_t bit, Val k, uint32_t edit, bool *removed) {
  const Val *pair = champ_pair(m, bit);
  TRY(e, key_eq(pair[0], k));
  if (!truthy(e)) return from_obj(m);
  *removed = true;
  if (m->datamap == bit && !m->nodemap) return NIL;
  m = node_splice(m, edit, (uint32_t)(pair - m->a), 2, 0);
  m->datamap &= ~bit;
  return from_obj(m);
}

static bool node_is_one_pair(const MNode *m) {
  if (champ_is_collision(m)) return m->datamap == 1;
  return !m->nodemap && !(m->datamap & (m->datamap - 1));
}

/* The child at `bit` gives way to the one pair it has left. */
static Val node_child_to_pair(MNode *m, uint32_t bit, const Val *pair, uint32_t edit) {
  uint32_t from = champ_child_at(m, bit), at = (uint32_t)(champ_pair(m, bit) - m->a), used = node_used(m);
  Val buf[MAX_USED + 2];
  memcpy(buf, m->a, at * sizeof(Val));
  memcpy(buf + at, pair, 2 * sizeof(Val));
  memcpy(buf + at + 2, m->a + at, (from - at) * sizeof(Val));
  memcpy(buf + from + 2, m->a + from + 1, (used - from - 1) * sizeof(Val));
  MNode *c = node_owned(m, edit) && used < m->n ? m : node_new(used + 1, edit);
  memcpy(c->a, buf, (used + 1) * sizeof(Val));
  uint32_t data = m->datamap | bit, nodes = m->nodemap & ~bit;
  c->datamap = data;
  c->nodemap = nodes;
  return from_obj(c);
}

CHAMP_LINKAGE Val CHAMP(dissoc)(Val node, uint32_t shift, uint32_t h, Val k, uint32_t edit, bool *removed) {
  if (is_nil(node)) return node;
  MNode *m = AS(MNode, node);
  if (champ_is_collision(m)) return collision_dissoc(m, h, k, edit, removed);
  uint32_t bit = bit_of(h, shift);
  if (m->datamap & bit) return dissoc_pair(m, bit, k, edit, removed);
  if (!(m->nodemap & bit)) return node;
  uint32_t at = champ_child_at(m, bit);
  TRY(child, CHAMP(dissoc)(m->a[at], shift + BITS, h, k, edit, removed));
  if (!*removed) return node;
  const MNode *c = AS(MNode, child);
  if (node_is_one_pair(c)) return node_child_to_pair(m, bit, c->a, edit);
  return node_set_val(m, at, child, edit);
}
