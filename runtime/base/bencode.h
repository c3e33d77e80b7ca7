/* bencode.h - bencode as nREPL speaks it: an incremental reader of messages that trusts nothing, and a writer.
 *
 * No values of the language are made here and no thread needs to be known to the collector: a message is one flat array of
 * nodes in the order they came (a container is followed by what is in it; `end` is the index behind its last descendant) and
 * one block of text. Who takes a message frees it.
 *
 * The reader is fed bytes in pieces of any size, looks at each byte once, and stores no more than has arrived: an announced
 * length is checked against the limit but allocates nothing. Accepted beyond the canonical form, because clients write it:
 * keys in any order, and a key twice (the later one counts). Refused: a key that is no string, leading zeros, -0, integers
 * beyond 64 bits, a top-level value that is no dictionary, and more of anything than the limits below. The first error is
 * final: where the next message would begin is unknown.
 *
 * The writer appends to a Buf; dictionaries may be written in any order of keys and come out sorted. */
#ifndef BR_BENCODE_H
#define BR_BENCODE_H
#include "reader/text.h"

enum {
  BEN_MAX_TEXT = 32 << 20,  /* bytes of all strings of one message */
  BEN_MAX_NODES = 1 << 17,
  BEN_MAX_DEPTH = 64
};

enum BenKind { BEN_INT, BEN_STR, BEN_LIST, BEN_DICT };
typedef struct BenNode {
  enum BenKind kind;
  uint32_t end;     /* index behind the last node inside (behind itself for BEN_INT and BEN_STR) */
  union {
    int64_t i;      /* BEN_INT */
    struct { uint32_t off, n; } s; /* BEN_STR: in text; a NUL follows the bytes */
    uint32_t count; /* BEN_LIST: elements, BEN_DICT: keys and values */
  };
} BenNode;

typedef struct BenMsg {
  BenNode *nodes; /* nodes[0] is the dictionary */
  uint32_t nnodes, cap;
  Buf text;
} BenMsg;
void ben_msg_free(BenMsg *m);

/* The node under a key of the dictionary at node `dict`; 0 = there is none (no key can have node 0). */
uint32_t ben_find(const BenMsg *m, uint32_t dict, const char *key);
/* A string under a key of the message itself; NULL when there is none or it is no string. n may be NULL. */
const char *ben_str(const BenMsg *m, const char *key, size_t *n);
/* An integer under a key, also when it came as a decimal string (clients differ); dflt when it is neither. */
int64_t ben_int(const BenMsg *m, const char *key, int64_t dflt);
static inline const char *ben_text(const BenMsg *m, uint32_t node) { return m->text.p + m->nodes[node].s.off; }

enum BenStatus { BEN_MORE, BEN_DONE, BEN_BAD };
typedef struct BenReader {
  BenMsg msg;
  uint32_t stack[BEN_MAX_DEPTH]; /* open containers */
  int depth;
  int state;
  bool negative, digits;
  uint64_t number;  /* integer or length under way */
  uint64_t left;    /* bytes of the string under way that are still to come */
  uint64_t offset;  /* bytes of this message so far */
  char error[128];  /* after BEN_BAD: what is wrong, at which byte */
} BenReader;

/* Takes bytes up to the end of one message. BEN_DONE: it is in r->msg, to be taken with ben_take before the next call; *used
 * bytes were consumed. BEN_MORE: all n bytes were. BEN_BAD: r->error. */
enum BenStatus ben_feed(BenReader *r, const char *p, size_t n, size_t *used);
/* The finished message; the reader is ready for the next one. */
BenMsg ben_take(BenReader *r);
/* Is a message half-way in? */
static inline bool ben_partial(const BenReader *r) { return r->offset > 0; }
void ben_reader_free(BenReader *r);

typedef struct BenWriter {
  Buf b;
  struct BenSpan { size_t off; int depth; } *pairs; /* where each key of an open dictionary begins */
  size_t npairs, cap;
  int depth;
} BenWriter;
void ben_w_str(BenWriter *w, const char *s, size_t n);
void ben_w_c(BenWriter *w, const char *s);
void ben_w_int(BenWriter *w, int64_t i);
void ben_w_list(BenWriter *w); /* elements, then ben_w_end */
void ben_w_dict(BenWriter *w); /* ben_w_key and a value each, then ben_w_end_dict */
void ben_w_key(BenWriter *w, const char *key);
void ben_w_end(BenWriter *w);
void ben_w_end_dict(BenWriter *w);
/* key and string, the most frequent pair; s may be NULL: nothing is written then. */
void ben_w_pair(BenWriter *w, const char *key, const char *s);
void ben_w_free(BenWriter *w);
#endif
