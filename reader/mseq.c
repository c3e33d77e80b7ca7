/* mseq.c - walking maps and sets: MapIter for C, T_MSEQ cursors for programs.
 *
 * A cursor is immutable: `node` and the place `i` in it, `up` the cursor of the parent node at the bit of this one. Going
 * on inside a node allocates one cursor; a descent allocates one per level, paid for by the node's entries.
 *   AMap    i = place in kv             HMap   stands for the nil key, which comes first
 *   MNode   i = bit, or pair number in a collision node
 *   Record  i = number of the field; the other keys are walked as the map they are in
 *   SNode   see sorted.c */
#include "map.h"
#include "champ.h"
#include "sorted.h"
#include "mapint.h"
#include "mem.h"

static Val set_map(Val m) {
  switch (type_of(m)) {
  case T_SET: return AS(Set, m)->map;
  case T_SSET: return AS(SSet, m)->map;
  default: return m;
  }
}

/* ---- MapIter ---- */

static uint32_t node_todo(const MNode *m) { return champ_is_collision(m) ? m->datamap : m->datamap | m->nodemap; }

static void iter_push(MapIter *it, Val node) {
  const MNode *m = AS(MNode, node);
  MapIterPlace *p = &it->path[it->depth++];
  *p = (MapIterPlace){.node = node, .todo = node_todo(m), .pair = 0, .child = champ_is_collision(m) ? 0 : (uint8_t)(2 * hash_pop(m->datamap))};
}

static void iter_spine(MapIter *it, Val n) {
  for (; !is_nil(n); n = AS(SNode, n)->l) it->stack[it->depth++] = n;
}

void map_iter(MapIter *it, Val m) {
  it->m = m = set_map(m);
  it->i = 0;
  it->depth = 0;
  if (is_type(m, T_HMAP) && !is_nil(AS(HMap, m)->root)) iter_push(it, AS(HMap, m)->root);
  if (is_type(m, T_SMAP)) iter_spine(it, AS(SMap, m)->root);
}

static bool iter_pair(const Val *kv, Val *k, Val *v) {
  *k = kv[0];
  *v = kv[1];
  return true;
}

static bool iter_hash(MapIter *it, Val *k, Val *v) {
  while (it->depth) {
    MapIterPlace *p = &it->path[it->depth - 1];
    const MNode *m = AS(MNode, p->node);
    if (!p->todo) {
      it->depth--;
    } else if (champ_is_collision(m)) {
      return iter_pair(m->a + 2 * (m->datamap - p->todo--), k, v);
    } else {
      uint32_t bit = p->todo & (0 - p->todo);
      p->todo ^= bit;
      if (m->datamap & bit) return iter_pair(m->a + 2 * p->pair++, k, v);
      iter_push(it, m->a[p->child++]);
    }
  }
  return false;
}

static bool iter_sorted(MapIter *it, Val *k, Val *v) {
  if (!it->depth) return false;
  const SNode *n = AS(SNode, it->stack[--it->depth]);
  *k = n->k;
  *v = n->v;
  iter_spine(it, n->r);
  return true;
}

static Val field_name(const Record *r, uint32_t i) { return AS(Arr, AS(Class, r->type)->fields)->a[i]; }

static bool iter_record(MapIter *it, Val *k, Val *v) {
  const Record *r = AS(Record, it->m);
  if (it->i < r->n) {
    *k = field_name(r, it->i);
    *v = r->f[it->i++];
    return true;
  }
  if (is_nil(r->ext)) return false;
  map_iter(it, r->ext);
  return map_next(it, k, v);
}

bool map_next(MapIter *it, Val *k, Val *v) {
  int type = type_of(it->m);
  if (type == T_AMAP) {
    const AMap *m = AS(AMap, it->m);
    if (it->i >= m->n) return false;
    it->i += 2;
    return iter_pair(m->kv + it->i - 2, k, v);
  }
  if (type == T_SMAP) return iter_sorted(it, k, v);
  if (type == T_RECORD) return iter_record(it, k, v);
  const HMap *m = AS(HMap, it->m);
  if (it->i == 0 && m->has_nil) {
    it->i = 1;
    *k = NIL;
    *v = m->nil_val;
    return true;
  }
  return iter_hash(it, k, v);
}

/* ---- cursors ---- */

static Val cursor(Val node, uint32_t i, uint32_t what, Val up) {
  MSeq *s = mem_obj(T_MSEQ);
  s->i = i;
  s->what = what;
  s->node = node;
  s->up = up;
  return from_obj(s);
}

/* The cursor at the first place of `todo` (bits of the node), down to a pair. */
static Val cursor_at(Val node, uint32_t todo, uint32_t what, Val up) {
  for (;;) {
    const MNode *m = AS(MNode, node);
    if (champ_is_collision(m)) return cursor(node, 0, what, up);
    uint32_t i = (uint32_t)__builtin_ctz(todo), bit = (uint32_t)1 << i;
    Val here = cursor(node, i, what, up);
    if (m->datamap & bit) return here;
    up = here;
    node = champ_child(m, bit);
    todo = node_todo(AS(MNode, node));
  }
}

static Val cursor_root(Val root, uint32_t what) {
  return is_nil(root) ? NIL : cursor_at(root, node_todo(AS(MNode, root)), what, NIL);
}

static Val cursor_after(const MSeq *c) {
  for (;;) {
    const MNode *m = AS(MNode, c->node);
    if (champ_is_collision(m)) {
      if (c->i + 1 < m->datamap) return cursor(c->node, c->i + 1, c->what, c->up);
    } else {
      uint32_t todo = node_todo(m) & ~(((uint32_t)2 << c->i) - 1);
      if (todo) return cursor_at(c->node, todo, c->what, c->up);
    }
    if (is_nil(c->up)) return NIL;
    c = AS(MSeq, c->up);
  }
}

static Val map_seq_what(Val m, uint32_t what);

static Val record_seq(Val m, uint32_t i, uint32_t what) {
  const Record *r = AS(Record, m);
  if (i < r->n) return cursor(m, i, what, NIL);
  return is_nil(r->ext) ? NIL : map_seq_what(r->ext, what);
}

static Val map_seq_what(Val m, uint32_t what) {
  if (is_type(m, T_AMAP)) return AS(AMap, m)->n ? cursor(m, 0, what, NIL) : NIL;
  if (is_type(m, T_SMAP)) return sorted_seq(m, what, ABSENT, true);
  if (is_type(m, T_RECORD)) return record_seq(m, 0, what);
  return AS(HMap, m)->has_nil ? cursor(m, 0, what, NIL) : cursor_root(AS(HMap, m)->root, what);
}

Val map_seq(Val m) { return map_seq_what(set_map(m), is_set(m) ? SEQ_KEYS : SEQ_ENTRIES); }
Val map_keys_seq(Val m) { return map_seq_what(set_map(m), SEQ_KEYS); }
Val map_vals_seq(Val m) { return map_seq_what(set_map(m), SEQ_VALS); }

Val smap_seq_at(Val m, Val k, bool ascending) {
  return sorted_seq(set_map(m), is_set(m) ? SEQ_KEYS : SEQ_ENTRIES, k, ascending);
}

Val smap_seq_from(Val m, bool ascending) { return smap_seq_at(m, ABSENT, ascending); }

static Val pair_part(Val k, Val v, uint32_t what) {
  return what == SEQ_KEYS ? k : what == SEQ_VALS ? v : entry_new(k, v);
}

Val mseq_first(Val sv) {
  const MSeq *s = AS(MSeq, sv);
  const Val *kv;
  switch (type_of(s->node)) {
  case T_AMAP: kv = AS(AMap, s->node)->kv + s->i; break;
  case T_HMAP: return pair_part(NIL, AS(HMap, s->node)->nil_val, s->what);
  case T_RECORD: return pair_part(field_name(AS(Record, s->node), s->i), AS(Record, s->node)->f[s->i], s->what);
  case T_SNODE: return pair_part(AS(SNode, s->node)->k, AS(SNode, s->node)->v, s->what);
  default: {
    const MNode *m = AS(MNode, s->node);
    kv = champ_is_collision(m) ? m->a + 2 * s->i : champ_pair(m, (uint32_t)1 << s->i);
  }
  }
  return pair_part(kv[0], kv[1], s->what);
}

Val mseq_next(Val sv) {
  const MSeq *s = AS(MSeq, sv);
  switch (type_of(s->node)) {
  case T_AMAP: return s->i + 2 < AS(AMap, s->node)->n ? cursor(s->node, s->i + 2, s->what, NIL) : NIL;
  case T_HMAP: return cursor_root(AS(HMap, s->node)->root, s->what);
  case T_RECORD: return record_seq(s->node, s->i + 1, s->what);
  case T_SNODE: return sorted_next(s);
  default: return cursor_after(s);
  }
}
