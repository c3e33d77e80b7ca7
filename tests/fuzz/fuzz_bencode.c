/* fuzz_bencode.c - any bytes as a stream of messages: read at once and byte by byte, the answers must agree, every node must
 * lie inside its message, and a message written again and read must be the same. */
#include "runtime/base/bencode.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what) {
  fprintf(stderr, "fuzz_bencode: %s\n", what);
  abort();
}

/* Writes the value at node i again; counts what a container claims to hold. */
static void again(const BenMsg *m, uint32_t i, BenWriter *w) {
  const BenNode *n = &m->nodes[i];
  if (n->end <= i || n->end > m->nnodes) bug("a node ends outside of its message");
  if (n->kind == BEN_INT) { ben_w_int(w, n->i); return; }
  if (n->kind == BEN_STR) {
    if ((size_t)n->s.off + n->s.n >= m->text.n || m->text.p[n->s.off + n->s.n]) bug("a string outside of the text");
    ben_w_str(w, m->text.p + n->s.off, n->s.n);
    return;
  }
  uint32_t count = 0;
  buf_ch(&w->b, n->kind == BEN_LIST ? 'l' : 'd');
  for (uint32_t k = i + 1; k < n->end; k = m->nodes[k].end, count++) {
    if (n->kind == BEN_DICT && count % 2 == 0 && m->nodes[k].kind != BEN_STR) bug("a key that is no string");
    again(m, k, w);
  }
  if (count != n->count) bug("a container miscounts");
  ben_w_end(w);
}

static void check_message(BenMsg *m, const uint8_t *from, size_t n) {
  BenWriter w = {0};
  BenReader r = {0};
  size_t used;
  ben_find(m, 0, "op");
  ben_int(m, "line", 0);
  again(m, 0, &w);
  if (w.b.n != n || memcmp(w.b.p, from, n)) bug("written again, a message differs");
  for (size_t i = 0; i < n; i++) {
    enum BenStatus s = ben_feed(&r, w.b.p + i, 1, &used);
    if (s != (i + 1 < n ? BEN_MORE : BEN_DONE)) bug("byte by byte, a message reads differently");
  }
  if (r.msg.nnodes != m->nnodes) bug("byte by byte, a message has other values");
  ben_reader_free(&r);
  ben_w_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  uint8_t *copy = malloc(n ? n : 1);
  BenReader r = {0};
  if (!copy) abort();
  memcpy(copy, data, n);
  for (size_t at = 0; at < n;) {
    size_t used;
    enum BenStatus s = ben_feed(&r, (const char *)copy + at, n - at, &used);
    if (used > n - at || (!used && s != BEN_BAD)) bug("a wrong count of used bytes");
    if (s == BEN_BAD && !r.error[0]) bug("an error without a text");
    if (s != BEN_DONE) break;
    BenMsg m = ben_take(&r);
    check_message(&m, copy + at, used);
    ben_msg_free(&m);
    at += used;
  }
  ben_reader_free(&r);
  free(copy);
  return 0;
}
