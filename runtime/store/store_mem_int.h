/* store_mem_int.h - what the files of the store without a disk share: packing, keys, changes that can be taken back. See store_mem.c. */
#ifndef BR_STORE_MEM_INT_H
#define BR_STORE_MEM_INT_H
#include "store_impl.h"
#include "store_mem.h"
#include "store_omap.h"
#include <stdlib.h>
#include <string.h>

typedef struct Bytes { char *p; size_t n, cap; bool oom; } Bytes;
typedef struct Undo { Blob key, value; bool was; } Undo;

typedef struct Mem {
  Store base; /* first */
  Omap map;
  Undo *undo;
  size_t n_undo, cap_undo;
  int64_t next_inbox;
  StoreStats stats;
  StoreMemJudge judge; /* tests; NULL: everything is kept */
  void *judge_ctx;
  bool dead;           /* the judge said so: what is submitted is lost */
} Mem;

/* ---- packing ---- */

static inline void add(Bytes *b, const void *p, size_t n) {
  if (b->n + n > b->cap) {
    size_t cap = (b->n + n) * 2 + 64;
    char *q = realloc(b->p, cap);
    if (!q) {
      b->oom = true;
      return;
    }
    b->p = q;
    b->cap = cap;
  }
  if (n) memcpy(b->p + b->n, p, n);
  b->n += n;
}

static inline void add_int(Bytes *b, int64_t v) {
  uint8_t p[8];
  uint64_t u = (uint64_t)v ^ (uint64_t)1 << 63; /* negative numbers sort first */
  for (int i = 0; i < 8; i++) p[i] = (uint8_t)(u >> (56 - 8 * i));
  add(b, p, 8);
}

/* NULL is told from "" by a byte in front. */
static inline void add_opt(Bytes *b, const char *s) {
  add(b, s ? "\1" : "\0", 1);
  if (s) add(b, s, strlen(s) + 1);
}

static inline void add_str(Bytes *b, const char *s) { add(b, s ? s : "", strlen(s ? s : "") + 1); }

typedef struct Reader { const char *p, *end; bool oom; } Reader;

static inline Reader reader(Bytesv v) { return (Reader){v.p, (const char *)v.p + v.n, false}; }

static inline int64_t get_int(Reader *r) {
  uint64_t u = 0;
  for (int i = 0; i < 8; i++) u = u << 8 | (uint8_t)*r->p++;
  return (int64_t)(u ^ (uint64_t)1 << 63);
}

static inline char *get_str(Reader *r) {
  char *s = strdup(r->p);
  if (!s) r->oom = true;
  r->p += strlen(r->p) + 1;
  return s;
}

static inline char *get_opt(Reader *r) { return *r->p++ ? get_str(r) : NULL; }

static inline Blob get_rest(Reader *r) {
  Blob b = {0};
  if (!blob_copy(&b, r->p, (size_t)(r->end - r->p))) r->oom = true;
  return b;
}

/* ---- keys ---- */

static inline Bytes key_ints(char table, const int64_t *v, int n) {
  Bytes k = {0};
  add(&k, &table, 1);
  for (int i = 0; i < n; i++) add_int(&k, v[i]);
  return k;
}
#define KEY(table, ...) key_ints(table, (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static inline Bytes key_strs(char table, const char *a, const char *b) {
  Bytes k = {0};
  add(&k, &table, 1);
  add_str(&k, a);
  if (b) add_str(&k, b);
  return k;
}

static inline Bytesv view(const Bytes *b) { return (Bytesv){b->p, b->n}; }

static inline bool starts(const OmapNode *n, Bytesv prefix) {
  Bytesv k = store_omap_key(n);
  return k.n >= prefix.n && !memcmp(k.p, prefix.p, prefix.n);
}

#define NO_MEMORY "out_of_memory"
static inline bool no_memory(Err *e) { return err_set(e, NO_MEMORY, "out of memory"); }
static inline bool in_table(const OmapNode *n, char table) { return n && *(const char *)store_omap_key(n).p == table; }

/* All take their keys and values, whatever becomes of them. */
const OmapNode *store_mem_find(const Mem *m, Bytes key);
const OmapNode *store_mem_walk(const Mem *m, Bytes k); /* where a walk begins: the first key at or behind k */
const char *store_mem_put(Mem *m, Bytes key, Bytes value); /* NULL, or why not */
const char *store_mem_del(Mem *m, Bytes key);

/* store_mem_jobs.c */
const char *store_mem_job(Mem *m, const Batch *b, const Op *op);
int64_t store_mem_job_max(Store *s);
bool store_mem_job_get(Store *s, int64_t job, JobRow *out, Err *e);
bool store_mem_job_batch_get(Store *s, int64_t batch, JobBatchRow *out, Err *e);
int64_t store_mem_job_unique(Store *s, const char *workspace, const char *key, int64_t now_ms, Err *e);
size_t store_mem_jobs(Store *s, const JobQuery *q, JobRow *out, size_t max, Err *e);
int64_t store_mem_jobs_due(Store *s);
size_t store_mem_job_types(Store *s, const char *workspace, const char *after, char **out, size_t max, Err *e);
/* store_mem_table.c */
const char *store_mem_table_put(Mem *m, const Batch *b, const Op *op);
const char *store_mem_table_drop(Mem *m, const Batch *b, const Op *op);
const char *store_mem_table_edits(Mem *m, const Batch *b, const Op *op);
int64_t store_mem_table_max(Store *s);
bool store_mem_table_get(Store *s, const char *workspace, const char *name, StoreTable *out, Err *e);
size_t store_mem_tables(Store *s, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e);
bool store_mem_tables_pending(Store *s);
bool store_mem_table_row(Store *s, int64_t place, Blob *out, Err *e);
bool store_mem_table_rows(Store *s, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e);
bool store_mem_table_keys(Store *s, Bytesv from, Bytesv to, bool descending, bool (*f)(void *, Bytesv), void *ctx, Err *e);
#endif
