#include "bencode.h"
#include "reader/mem.h"
#include <stdio.h>
#include <stdlib.h>

/* --- reading --------------------------------------------------------------------------------------------------------------- */
/* What the next byte may be. VALUE: the begin of a value, or the end of the container on top. */
enum { S_VALUE, S_INT, S_LENGTH, S_STRING };

static enum BenStatus bad(BenReader *r, const char *what) {
  snprintf(r->error, sizeof r->error, "%s at byte %llu of the message", what, (unsigned long long)r->offset);
  return BEN_BAD;
}

static BenNode *node_add(BenReader *r, enum BenKind kind) {
  BenMsg *m = &r->msg;
  if (m->nnodes == m->cap) {
    m->cap = m->cap ? m->cap * 2 : 32;
    m->nodes = mem_raw_grow(m->nodes, m->cap * sizeof *m->nodes);
  }
  BenNode *n = &m->nodes[m->nnodes++];
  *n = (BenNode){.kind = kind, .end = m->nnodes};
  return n;
}

static BenNode *top(BenReader *r) { return r->depth ? &r->msg.nodes[r->stack[r->depth - 1]] : NULL; }

/* A value is complete: count it in its container. */
static enum BenStatus complete(BenReader *r) {
  r->state = S_VALUE;
  if (!r->depth) return BEN_DONE;
  top(r)->count++;
  return BEN_MORE;
}

static enum BenStatus open_container(BenReader *r, enum BenKind kind) {
  if (r->depth == BEN_MAX_DEPTH) return bad(r, "nested too deep");
  node_add(r, kind);
  r->stack[r->depth++] = r->msg.nnodes - 1;
  return BEN_MORE;
}

static enum BenStatus close_container(BenReader *r) {
  BenNode *c = top(r);
  if (!c) return bad(r, "an `e` that ends nothing");
  if (c->kind == BEN_DICT && c->count % 2) return bad(r, "a key without value");
  c->end = r->msg.nnodes;
  r->depth--;
  return complete(r);
}

static enum BenStatus begin_value(BenReader *r, char c) {
  const BenNode *in = top(r);
  bool digit = c >= '0' && c <= '9';
  if (c == 'e') return close_container(r);
  if (!in && c != 'd') return bad(r, "no `d`, with which a message begins,");
  if (in && in->kind == BEN_DICT && in->count % 2 == 0 && !digit) return bad(r, "a key that is no string");
  if (r->msg.nnodes == BEN_MAX_NODES) return bad(r, "too many values in one message");
  r->negative = false;
  r->digits = digit;
  r->number = digit ? (uint64_t)(c - '0') : 0;
  if (digit) r->state = S_LENGTH;
  else if (c == 'i') r->state = S_INT;
  else if (c == 'l') return open_container(r, BEN_LIST);
  else if (c == 'd') return open_container(r, BEN_DICT);
  else return bad(r, "none of `d`, `l`, `i`, `e` and a length");
  return BEN_MORE;
}

/* One more digit; a zero may only stand alone. */
static bool digit_add(BenReader *r, char c, uint64_t max) {
  unsigned d = (unsigned)(c - '0');
  if (r->digits && r->number == 0) return false;
  r->digits = true;
  if (r->number > (max - d) / 10) return false;
  r->number = r->number * 10 + d;
  return true;
}

static enum BenStatus integer_byte(BenReader *r, char c) {
  uint64_t max = r->negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
  if (c == '-' && !r->negative && !r->digits) {
    r->negative = true;
    return BEN_MORE;
  }
  if (c >= '0' && c <= '9') return digit_add(r, c, max) ? BEN_MORE : bad(r, "an integer with a leading zero or beyond 64 bits");
  if (c != 'e' || !r->digits || (r->negative && r->number == 0)) return bad(r, "a malformed integer");
  node_add(r, BEN_INT)->i = r->negative ? (int64_t)(0 - r->number) : (int64_t)r->number;
  return complete(r);
}

static enum BenStatus string_done(BenReader *r) {
  buf_ch(&r->msg.text, 0);
  return complete(r);
}

static enum BenStatus length_byte(BenReader *r, char c) {
  BenMsg *m = &r->msg;
  if (c >= '0' && c <= '9') return digit_add(r, c, UINT32_MAX) ? BEN_MORE : bad(r, "a length with a leading zero, or beyond reason,");
  if (c != ':') return bad(r, "no `:` behind a length");
  if (m->text.n + r->number + 1 > BEN_MAX_TEXT) return bad(r, "more than 32 MiB of text announced");
  BenNode *n = node_add(r, BEN_STR);
  n->s.off = (uint32_t)m->text.n;
  n->s.n = (uint32_t)r->number;
  r->left = r->number;
  r->state = S_STRING;
  return r->left ? BEN_MORE : string_done(r);
}

static enum BenStatus string_bytes(BenReader *r, const char *p, size_t n, size_t *took) {
  *took = n < r->left ? n : (size_t)r->left;
  buf_add(&r->msg.text, p, *took);
  r->left -= *took;
  return r->left ? BEN_MORE : string_done(r);
}

enum BenStatus ben_feed(BenReader *r, const char *p, size_t n, size_t *used) {
  enum BenStatus s = r->error[0] ? BEN_BAD : BEN_MORE;
  size_t at = 0;
  while (at < n && s == BEN_MORE) {
    size_t took = 1;
    if (r->state == S_VALUE) s = begin_value(r, p[at]);
    else if (r->state == S_INT) s = integer_byte(r, p[at]);
    else if (r->state == S_LENGTH) s = length_byte(r, p[at]);
    else s = string_bytes(r, p + at, n - at, &took);
    at += took;
    r->offset += took;
  }
  *used = at;
  return s;
}

BenMsg ben_take(BenReader *r) {
  BenMsg m = r->msg;
  *r = (BenReader){0};
  return m;
}

void ben_msg_free(BenMsg *m) {
  mem_raw_free(m->nodes);
  buf_free(&m->text);
  *m = (BenMsg){0};
}

void ben_reader_free(BenReader *r) {
  ben_msg_free(&r->msg);
  *r = (BenReader){0};
}

/* --- looking at a message -------------------------------------------------------------------------------------------------- */
uint32_t ben_find(const BenMsg *m, uint32_t dict, const char *key) {
  uint32_t found = 0, end = m->nodes[dict].end;
  size_t n = strlen(key);
  for (uint32_t k = dict + 1; k < end; k = m->nodes[k + 1].end)
    if (m->nodes[k].s.n == n && !memcmp(ben_text(m, k), key, n)) found = k + 1;
  return found;
}

const char *ben_str(const BenMsg *m, const char *key, size_t *n) {
  uint32_t at = ben_find(m, 0, key);
  if (!at || m->nodes[at].kind != BEN_STR) return NULL;
  if (n) *n = m->nodes[at].s.n;
  return ben_text(m, at);
}

int64_t ben_int(const BenMsg *m, const char *key, int64_t dflt) {
  uint32_t at = ben_find(m, 0, key);
  if (!at) return dflt;
  if (m->nodes[at].kind == BEN_INT) return m->nodes[at].i;
  if (m->nodes[at].kind != BEN_STR) return dflt;
  char *end;
  long long i = strtoll(ben_text(m, at), &end, 10);
  return *end || end == ben_text(m, at) ? dflt : i;
}

/* --- writing --------------------------------------------------------------------------------------------------------------- */
void ben_w_str(BenWriter *w, const char *s, size_t n) {
  buf_fmt(&w->b, "%zu:", n);
  buf_add(&w->b, s, n);
}
void ben_w_c(BenWriter *w, const char *s) { ben_w_str(w, s, strlen(s)); }
void ben_w_int(BenWriter *w, int64_t i) { buf_fmt(&w->b, "i%llde", (long long)i); }
void ben_w_list(BenWriter *w) { buf_ch(&w->b, 'l'); }
void ben_w_end(BenWriter *w) { buf_ch(&w->b, 'e'); }

void ben_w_dict(BenWriter *w) {
  buf_ch(&w->b, 'd');
  w->depth++;
}

void ben_w_key(BenWriter *w, const char *key) {
  if (w->npairs == w->cap) {
    w->cap = w->cap ? w->cap * 2 : 16;
    w->pairs = mem_raw_grow(w->pairs, w->cap * sizeof *w->pairs);
  }
  w->pairs[w->npairs++] = (struct BenSpan){w->b.n, w->depth};
  ben_w_c(w, key);
}

typedef struct Pair { const char *key, *p; size_t nkey, n; } Pair;

static Pair pair_at(const char *p, size_t n) {
  char *colon;
  size_t nkey = strtoul(p, &colon, 10);
  return (Pair){colon + 1, p, nkey, n};
}

static int pair_cmp(const void *a, const void *b) {
  const Pair *x = a, *y = b;
  int c = memcmp(x->key, y->key, x->nkey < y->nkey ? x->nkey : y->nkey);
  return c ? c : (x->nkey > y->nkey) - (x->nkey < y->nkey);
}

void ben_w_end_dict(BenWriter *w) {
  size_t first = w->npairs;
  while (first && w->pairs[first - 1].depth == w->depth) first--;
  size_t n = w->npairs - first, from = n ? w->pairs[first].off : w->b.n;
  Pair *ps = mem_raw((n + 1) * sizeof *ps);
  Buf sorted = {0};
  for (size_t i = 0; i < n; i++) {
    size_t off = w->pairs[first + i].off, end = i + 1 < n ? w->pairs[first + i + 1].off : w->b.n;
    ps[i] = pair_at(w->b.p + off, end - off);
  }
  qsort(ps, n, sizeof *ps, pair_cmp);
  for (size_t i = 0; i < n; i++) buf_add(&sorted, ps[i].p, ps[i].n);
  if (n) memcpy(w->b.p + from, sorted.p, sorted.n);
  buf_free(&sorted);
  mem_raw_free(ps);
  w->npairs = first;
  w->depth--;
  buf_ch(&w->b, 'e');
}

void ben_w_pair(BenWriter *w, const char *key, const char *s) {
  if (!s) return;
  ben_w_key(w, key);
  ben_w_c(w, s);
}

void ben_w_free(BenWriter *w) {
  buf_free(&w->b);
  mem_raw_free(w->pairs);
  *w = (BenWriter){0};
}
