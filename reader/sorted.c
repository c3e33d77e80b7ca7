/* sorted.c - see sorted.h */
#include "sorted.h"
#include "mem.h"
#include "user.h"
#include "ex.h"
#include "print.h"

Val (*smap_cmp_hook)(Val cmp, Val a, Val b, int *out);

static Val compare_by(Val cmp, Val a, Val b, int *out) {
  if (is_nil(cmp)) return val_compare(a, b, out);
  if (smap_cmp_hook) return smap_cmp_hook(cmp, a, b, out);
  return ex_throw(EXC_UNSUPPORTED, "a sorted collection needs a comparator this layer knows");
}

/* ---- tree ---- */

static inline SNode *sn(Val n) { return AS(SNode, n); }
static inline uint32_t height(Val n) { return is_nil(n) ? 0 : sn(n)->info; }

static Val node_new(Val k, Val v, Val l, Val r) {
  SNode *n = mem_obj(T_SNODE);
  uint32_t hl = height(l), hr = height(r);
  n->info = (hl > hr ? hl : hr) + 1;
  n->k = k;
  n->v = v;
  n->l = l;
  n->r = r;
  return from_obj(n);
}

/* A balanced node from sides whose heights differ by at most two. */
static Val node_balanced(Val k, Val v, Val l, Val r) {
  if (height(l) > height(r) + 1) {
    const SNode *a = sn(l);
    if (height(a->l) >= height(a->r)) return node_new(a->k, a->v, a->l, node_new(k, v, a->r, r));
    const SNode *b = sn(a->r);
    return node_new(b->k, b->v, node_new(a->k, a->v, a->l, b->l), node_new(k, v, b->r, r));
  }
  if (height(r) > height(l) + 1) {
    const SNode *a = sn(r);
    if (height(a->r) >= height(a->l)) return node_new(a->k, a->v, node_new(k, v, l, a->l), a->r);
    const SNode *b = sn(a->l);
    return node_new(b->k, b->v, node_new(k, v, l, b->l), node_new(a->k, a->v, b->r, a->r));
  }
  return node_new(k, v, l, r);
}

Val sorted_find(const SMap *m, Val k, Val *node) {
  *node = NIL;
  for (Val n = m->root; !is_nil(n);) {
    int c;
    CHECK(compare_by(m->cmp, k, sn(n)->k, &c));
    if (c == 0) {
      *node = n;
      return NIL;
    }
    n = c < 0 ? sn(n)->l : sn(n)->r;
  }
  return NIL;
}

static Val insert(const SMap *m, Val n, Val k, Val v, bool *added) {
  if (is_nil(n)) {
    *added = true;
    return node_new(k, same(v, ABSENT) ? k : v, NIL, NIL);
  }
  const SNode *s = sn(n);
  int c;
  CHECK(compare_by(m->cmp, k, s->k, &c));
  if (c == 0) return same(v, ABSENT) || same(v, s->v) ? n : node_new(s->k, v, s->l, s->r);
  TRY(side, insert(m, c < 0 ? s->l : s->r, k, v, added));
  if (same(side, c < 0 ? s->l : s->r)) return n;
  return c < 0 ? node_balanced(s->k, s->v, side, s->r) : node_balanced(s->k, s->v, s->l, side);
}

static Val remove_min(Val n, Val *min) {
  const SNode *s = sn(n);
  if (is_nil(s->l)) {
    *min = n;
    return s->r;
  }
  return node_balanced(s->k, s->v, remove_min(s->l, min), s->r);
}

static Val join(Val l, Val r) { /* all of l before all of r */
  if (is_nil(l)) return r;
  if (is_nil(r)) return l;
  Val min;
  r = remove_min(r, &min);
  return node_balanced(sn(min)->k, sn(min)->v, l, r);
}

static Val delete(const SMap *m, Val n, Val k) {
  if (is_nil(n)) return n;
  const SNode *s = sn(n);
  int c;
  CHECK(compare_by(m->cmp, k, s->k, &c));
  if (c == 0) return join(s->l, s->r);
  TRY(side, delete(m, c < 0 ? s->l : s->r, k));
  if (same(side, c < 0 ? s->l : s->r)) return n;
  return c < 0 ? node_balanced(s->k, s->v, side, s->r) : node_balanced(s->k, s->v, s->l, side);
}

static Val smap_with(const SMap *m, Val root, uint32_t cnt) {
  SMap *c = mem_obj(T_SMAP);
  c->cnt = cnt;
  c->meta = m->meta;
  c->root = root;
  c->cmp = m->cmp;
  return from_obj(c);
}

static bool is_comparable(Val k) {
  int t = type_of(k);
  return t == -1 || is_num(k) || is_vec(k) || t == T_STR || t == T_SYM || t == T_KW || t == T_UUID || t == T_INST ||
         (is_user(k) && !is_nil(user_method(k, UM_COMPARE_TO)));
}

/* The first key is compared with nothing, but Clojure 1.11 looks at it all the same. */
static Val check_first_key(const SMap *m, Val k) {
  if (!is_nil(m->root) || !is_nil(m->cmp) || is_comparable(k)) return NIL;
  Buf b = {0};
  Val r = print_str_of(&b, k);
  if (!is_sig(r)) r = ex_throw(EXC_CLASS_CAST, "Default comparator requires nil, Number, or Comparable: %s", buf_cstr(&b));
  buf_free(&b);
  return r;
}

Val sorted_assoc(Val mv, Val k, Val v) {
  const SMap *m = AS(SMap, mv);
  CHECK(check_first_key(m, k));
  bool added = false;
  TRY(root, insert(m, m->root, k, v, &added));
  return same(root, m->root) ? mv : smap_with(m, root, m->cnt + added);
}

Val sorted_dissoc(Val mv, Val k) {
  const SMap *m = AS(SMap, mv);
  TRY(root, delete(m, m->root, k));
  return same(root, m->root) ? mv : smap_with(m, root, m->cnt - 1);
}

Val smap_new(Val cmp) {
  SMap *m = mem_obj(T_SMAP);
  m->cmp = cmp;
  return from_obj(m);
}

/* ---- cursors: node = the entry, up = cursors of the ancestors still to come, i = 1 going down ---- */

static Val cursor(Val node, uint32_t down, uint32_t what, Val up) {
  MSeq *s = mem_obj(T_MSEQ);
  s->i = down;
  s->what = what;
  s->node = node;
  s->up = up;
  return from_obj(s);
}

static Val cursor_spine(Val n, uint32_t down, uint32_t what, Val up) {
  for (; !is_nil(n); n = down ? sn(n)->r : sn(n)->l) up = cursor(n, down, what, up);
  return up;
}

Val sorted_seq(Val mv, uint32_t what, Val k, bool ascending) {
  const SMap *m = AS(SMap, mv);
  uint32_t down = !ascending;
  if (same(k, ABSENT)) return cursor_spine(m->root, down, what, NIL);
  Val up = NIL;
  for (Val n = m->root; !is_nil(n);) {
    int c;
    CHECK(compare_by(m->cmp, k, sn(n)->k, &c));
    if (c == 0) return cursor(n, down, what, up);
    if ((c < 0) == ascending) up = cursor(n, down, what, up);
    n = c < 0 ? sn(n)->l : sn(n)->r;
  }
  return up;
}

Val sorted_next(const MSeq *c) {
  const SNode *s = sn(c->node);
  return cursor_spine(c->i ? s->l : s->r, c->i, c->what, c->up);
}
