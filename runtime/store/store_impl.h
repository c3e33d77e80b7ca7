/* store_impl.h - what the implementations of store.h share. Private to store*.c and their tests.
 *
 * A Batch is a list of fixed-size operations plus one byte arena for their strings and blobs; an operation refers to the
 * arena by offset, so the arena may move while the batch grows and stands still once it is submitted. Blobs of journal
 * records and snapshots have room for their header in front of them, so that nothing is copied again on the way to disk.
 * A finished batch is its own completion: the queue is a list of batches and cannot fail for lack of memory. */
#ifndef BR_STORE_IMPL_H
#define BR_STORE_IMPL_H
#include "store_jobs.h"

#include <pthread.h>

enum OpType {
  OP_RUN_CREATE, /* i: version status created updated finished wake, count of its flow's runs (of store_submit); s: run_id workspace slug
                    source_hash note lineage slot installation origin target */
  OP_EXPECT,     /* i: seq */
  OP_APPEND,     /* kind; blob with a record header in front */
  OP_STATUS,     /* kind = status; i: at wake; s: note */
  OP_TAKE_OVER,  /* i: new epoch */
  OP_SNAPSHOT,   /* i: seq; blob with a snapshot header in front */
  OP_TIMER_PUT,  /* i: seq due */
  OP_TIMER_DEL,  /* i: seq */
  OP_WAIT_PUT,   /* i: seq created; s: workspace key; blob */
  OP_WAIT_DEL,   /* s: workspace key */
  OP_INBOX_PUT,  /* i: received; s: workspace key kind; blob */
  OP_INBOX_DEL,  /* i: id */
  OP_KV_PUT,     /* i: expires, hash; s: workspace key; blob */
  OP_KV_DEL,     /* i: -, hash; s: workspace key */
  OP_UNIT_PUT,   /* s: file; key16; blob */
  OP_SOURCE_PUT, /* s: hash file; blob */
  OP_META_PUT,   /* s: name value */
  OP_OUTCOME_PUT, /* i: at; s: workspace key; blob */
  OP_DOC_PUT,     /* i: rev at run expires; s: workspace key kind; blob */
  OP_DOC_DEL,     /* i: rev; s: workspace key kind */
  OP_OUTCOME_DEL, /* s: workspace key */
  OP_INDEX_PUT,   /* i: at; s: workspace key target title tags type path; blob */
  OP_INDEX_DEL,   /* s: workspace key target */
  OP_INDEX_WORK,  /* i: rows; so many entries that wait are put into the index */
  OP_DROP_SEGMENT, /* i: segment; from store_sweep_history only */
  OP_TABLE_PUT,   /* i: id, hash, rows, created, updated; s: workspace name; blob */
  OP_TABLE_DROP,  /* i: id, hash; s: workspace name */
  OP_TABLE_EDITS, /* blob: a list of TableEdits, see store_table.c */
  OP_JOB_PUT,     /* kind: phase before; s, blob: see op_job */
  OP_JOB_EXPECT,  /* i: job rev */
  OP_JOB_DEL,     /* i: job rev batch; s: workspace unique_key */
  OP_JOB_BATCH,   /* s, blob: see op_job_batch */
  OP_JOB_BATCH_CANCEL /* i: batch */
};

typedef struct Op {
  enum OpType type;
  int kind;
  int64_t run, epoch;
  int64_t i[7];
  size_t s[10]; /* offset in the arena + 1; 0 = NULL */
  size_t blob, blob_n;
  uint8_t key16[16];
} Op;

#define KV_BLIND UINT64_MAX

typedef struct Waiter {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  bool done;
  const char *error;
} Waiter;

struct Batch {
  Op *ops;
  size_t n, cap;
  char *mem;
  size_t mem_n, mem_cap;
  uint64_t tag;
  const char *error;  /* NULL = fine; out_of_memory and too_big are found while building */
  bool refused;       /* error is a refusal in the running transaction: void when that fails */
  bool has_kv;        /* holds kv operations that reads must see before the commit */
  uint64_t kv_world;  /* of those: how often kv operations had been refused when what they depend on was read, or KV_BLIND */
  bool has_table;     /* holds changes of tables; has_kv is then set too */
  uint64_t pending_serial; /* of those: reads see them in Sq.pending; 0: nobody has asked yet */
  bool touches_runs;  /* holds an operation with a run precondition or a new run */
  bool essential;     /* ends a run or empties the inbox: may use the reserve of a full disk */
  Batch *next;        /* queue */
  Batch *kv_prev, *kv_next; /* submitted, not finished batches with kv operations, oldest first */
  Waiter *waiter;     /* store_submit_wait */
};

static inline const char *op_str(const Batch *b, const Op *op, int k) { return op->s[k] ? b->mem + op->s[k] - 1 : NULL; }
static inline char *op_blob(const Batch *b, const Op *op) { return b->mem + op->blob; }
uint64_t op_key_hash(const char *workspace, const char *key);

/* Which documents, and where the last page ended. */
typedef struct DocQuery {
  enum { DOCS_BY_KEY, DOCS_NEWEST, DOCS_OF_RUN, DOCS_EVERYWHERE, DOCS_DUE } how;
  const char *workspace, *kind, *prefix, *key; /* key: after, or of the last one of the newest */
  int64_t at_ms, run; /* at: everywhere, expired by, 0 all; due: by then */
} DocQuery;

typedef struct StoreImpl {
  void (*close)(Store *s);
  const char *(*failed)(const Store *s);
  void (*submit)(Store *s, Batch *b);
  void (*gather)(Store *s, bool on); /* NULL: nothing waits */
  void (*together)(Store *s, bool on); /* may be NULL */
  int64_t (*max_run)(Store *s); /* -1 = cannot be read */
  int64_t (*slug_count)(Store *s, const char *workspace, const char *slug);
  bool (*run_get)(Store *s, int64_t run, RunRow *out, Err *e);
  bool (*run_by_id)(Store *s, const char *workspace, const char *run_id, RunRow *out, Err *e);
  size_t (*runs)(Store *s, int64_t after, unsigned mask, RunRow *out, size_t max, Err *e);
  size_t (*runs_newest)(Store *s, const RunQuery *q, int64_t before, RunRow *out, size_t max, Err *e);
  size_t (*slot)(Store *s, const char *workspace, const char *slot, unsigned mask, int64_t after, RunRow *out, size_t max, Err *e);
  int64_t (*slot_queue)(Store *s, const char *workspace, const char *slot, int64_t most);
  bool (*journal)(Store *s, int64_t run, int64_t after, bool (*f)(void *, const JournalRec *), void *ctx, Err *e);
  bool (*snapshot_get)(Store *s, int64_t run, int64_t *seq, Blob *out, Err *e);
  size_t (*timers_due)(Store *s, int64_t now, TimerRow *out, size_t max, Err *e);
  int64_t (*timer_next)(Store *s);
  bool (*wait_get)(Store *s, const char *workspace, const char *key, WaitRow *out, Err *e);
  size_t (*waits)(Store *s, const char *workspace, int64_t run, WaitRow *out, size_t max, Err *e);
  bool (*outcome_get)(Store *s, const char *workspace, const char *key, int64_t *at, Blob *out, Err *e);
  size_t (*waits_under)(Store *s, const char *workspace, const char *prefix, const char *after, WaitRow *out, size_t max, Err *e);
  size_t (*outcomes_under)(Store *s, const char *workspace, const char *prefix, const char *after, InboxRow *out, size_t max, Err *e);
  bool (*outcomes_use)(Store *s, const char *workspace, const char *prefix, int64_t *n, int64_t *bytes, Err *e);
  size_t (*inbox)(Store *s, int64_t after, InboxRow *out, size_t max, Err *e);
  size_t (*inbox_by_key)(Store *s, const char *workspace, const char *key, InboxRow *out, size_t max, Err *e);
  bool (*kv_get)(Store *s, const char *workspace, const char *key, KvRow *out, Err *e);
  size_t (*kv_list)(Store *s, const char *workspace, const char *prefix, const char *after, KvRow *out, size_t max, Err *e);
  bool (*doc_get)(Store *s, const char *workspace, const char *kind, const char *key, DocRow *out, Err *e);
  size_t (*docs)(Store *s, const struct DocQuery *q, DocRow *out, size_t max, Err *e);
  int64_t (*table_max)(Store *s); /* -1 = cannot be read */
  bool (*table_get)(Store *s, const char *workspace, const char *name, StoreTable *out, Err *e);
  size_t (*tables)(Store *s, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e);
  bool (*tables_pending)(Store *s);
  Store *(*reader)(Store *s, Err *e); /* these three may be NULL */
  bool (*reader_begin)(Store *s, const _Atomic bool *stop, Err *e);
  void (*reader_end)(Store *s);
  bool (*table_row)(Store *s, int64_t place, Blob *out, Err *e);
  bool (*table_rows)(Store *s, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e);
  bool (*table_keys)(Store *s, Bytesv from, Bytesv to, bool descending, bool (*f)(void *, Bytesv), void *ctx, Err *e);
  bool (*index_waits)(Store *s, Err *e); /* may be NULL: nothing ever waits */
  size_t (*search)(Store *s, const SearchQuery *q, SearchHit *out, size_t max, Err *e);
  bool (*unit_get)(Store *s, const uint8_t hash[16], char **file, Blob *out, Err *e);
  bool (*source_get)(Store *s, const char *hash, char **file, Blob *out, Err *e);
  bool (*meta_get)(Store *s, const char *name, char **value, Err *e);
  bool (*changed)(Store *s);
  uint64_t (*reads)(Store *s, uint64_t mine); /* NULL: nothing of a batch is seen before it is committed */
  void (*stats)(const Store *s, StoreStats *out);
  int (*sweep_history)(Store *s, int64_t before, HistorySweep *at, int rows, Err *e);
  int64_t (*used_bytes)(Store *s);
  int64_t (*job_max)(Store *s); /* -1 = cannot be read */
  bool (*job_get)(Store *s, int64_t job, JobRow *out, Err *e);
  bool (*job_batch_get)(Store *s, int64_t batch, JobBatchRow *out, Err *e);
  int64_t (*job_unique)(Store *s, const char *workspace, const char *key, int64_t now_ms, Err *e);
  size_t (*jobs)(Store *s, const JobQuery *q, JobRow *out, size_t max, Err *e);
  int64_t (*jobs_due)(Store *s);
  size_t (*job_types)(Store *s, const char *workspace, const char *after, char **out, size_t max, Err *e);
} StoreImpl;

typedef struct SlugCount SlugCount;

/* store_search.c: "a AND b" or "a OR b" for FTS5, in which no word of the query is more than a word; malloc'ed. NULL: *e. */
char *search_expression(const SearchQuery *q, Err *e);
/* Do the filters let this entry through? */
bool search_wanted(const SearchQuery *q, const char *type, const char *path, const char *tags);
IndexRow op_index_row(const Batch *b, const Op *op);

/* The common head of every implementation's Store. */
struct Store {
  const StoreImpl *impl;
  char *path;                /* NULL in memory */
  int event_fd;
  pthread_mutex_t done_lock; /* guards the four below */
  Batch *done_first, *done_last;
  uint64_t lost[64]; /* tags submitted with a batch that could not even be allocated */
  int n_lost;
  int64_t next_run;          /* 0 = not read yet */
  int64_t next_table;        /* 0 = not read yet */
  int64_t next_job;          /* 0 = not read yet */
  SlugCount **slugs;         /* hash table of chains; runs ever made per flow, submitted ones included */
};

/* store.c: what building a batch shares. */
Op *batch_op(Batch *b, enum OpType type, int64_t run, int64_t epoch); /* zeroed; NULL: the batch is already lost */
char *batch_room(Batch *b, size_t n);
void op_set_key(Batch *b, Op *op, const char *workspace, const char *key);
void op_set_blob(Batch *b, Op *op, Bytesv v, size_t header);
void op_set_str(Batch *b, Op *op, int k, const char *s);
/* store_jobs.c: what the operation holds; strings and blobs stay the batch's. */
JobRow op_job(const Batch *b, const Op *op);
JobBatchRow op_job_batch(const Batch *b, const Op *op);
/* Which count of its batch a job in that phase is in: 0 queued, 1 active, 2.. done. */
static inline int job_class(enum JobPhase p) { return p <= JOB_HELD ? 0 : p <= JOB_RUNNING ? 1 : 2 + (int)p - JOB_SUCCEEDED; }
enum { JOB_CLASSES = 2 + JOB_PHASES - JOB_SUCCEEDED };
Store *store_fresh(Store *s, Err *e); /* forgets the error of the call before */

/* One edit of an OP_TABLE_EDITS, store_table.c. */
typedef struct TableEdit { char what; int64_t place; Bytesv v; } TableEdit; /* what: R row put, r row del, K key put, k key del */
bool table_edit_next(const char **p, const char *end, TableEdit *out);

bool store_base_init(Store *s, const StoreImpl *impl, Err *e);
void store_base_free(Store *s);
/* Hands a finished batch (b->error says how it ended) to whoever waits for it. Any thread. */
void store_complete(Store *s, Batch *b);

Store *store_sqlite_open(const char *path, const StoreOptions *o, Err *e);
Store *store_mem_open(Err *e);

/* Sizes that tests shrink so that short workloads meet every path. Read at store_open. */
typedef struct StoreTune {
  int64_t checkpoint_bytes; /* passive checkpoint when the WAL is at least this long */
  int flush_rows;           /* run heads are written at the latest after so many journal rows */
  int segment_bits;         /* a journal segment has 1 << bits rows; fixed when a database is made */
  bool purge_always;        /* forget old outcomes at every put instead of every 64th */
} StoreTune;
extern StoreTune store_tune;

/* Copies; false = no memory. */
bool blob_copy(Blob *out, const void *p, size_t n);
#define OUTCOME_KEEP_MS (49ll * 3600 * 1000) /* over HOOK_REPLAY_MS */
#define STORE_BLOB_MAX ((size_t)512 << 20)
#endif
