/* store.h - the one narrow door to durable state. No SQL or sqlite type outside store_sqlite.c (and the VFS shim of the
 * tests); store_mem.c passes the same contract tests.
 *
 * Writing. The engine fills a Batch with operations and submits it. Batches are applied in the order of submission, each
 * all or nothing; many are committed together with one fsync (group commit: what is queued when the writer becomes free,
 * up to 2,048 operations). When a batch is on stable storage, its completion appears in store_completions (an eventfd
 * says so). Nothing may be acknowledged to anyone before that. A batch whose precondition fails (unknown run, stale epoch,
 * existing run id, missing wait) completes with an error and leaves no trace; others go on. A failed fsync or EIO is fatal:
 * every later completion is an error with code "store_failed" (a damaged file: "db_corrupt") and store_failed() says so: the
 * process must exit non-zero.
 * ENOSPC before the sync is not fatal: batches complete with "disk_full" and may be submitted again.
 *
 * Journal. Append-only rows (rowid; run, prev, data) without any secondary index; the data has a header with length, kind,
 * sequence number within the run, epoch and checksum (store_record.h documents it). prev is the rowid of the run's
 * previous record. The head of a run (rowid, seq) is kept in memory while it is hot and written to its row in `runs` when
 * its status changes, when it parks, or every 4,096 journal rows; on open, rows above the watermark are scanned once to
 * find the heads of runs whose row is behind. Segments: journal tables of the one file, a new one every 2^20 rows; closed
 * ones can be dropped whole when no live run needs them.
 *
 * Reading happens on the caller's thread on a second connection and sees everything committed; kv reads also see
 * submitted, not yet committed batches. No cursor stays open across calls.
 *
 * Threads: one writer thread inside; submit from one engine thread; reads from the engine thread. Everything is plain
 * bytes on malloc'ed memory, no garbage-collected value comes near. */
#ifndef BR_STORE_H
#define BR_STORE_H
#include "runtime/base/port.h"

typedef struct Store Store;
typedef struct Batch Batch;

typedef struct Bytesv { const void *p; size_t n; } Bytesv; /* borrowed bytes */
typedef struct Blob { char *p; size_t n; } Blob;           /* malloc'ed bytes, NUL behind; blob_free */
void blob_free(Blob *b);

enum RunStatus { RUN_RUNNING, RUN_WAITING, RUN_COMPLETED, RUN_FAILED, RUN_CANCELLED, RUN_TERMINATED, RUN_TIMED_OUT, RUN_BLOCKED,
                 RUN_QUEUED /* waits for its slot (slots.h): its START is there, and nothing of it has run */ };
#define RUNS_OPEN (1u << RUN_RUNNING | 1u << RUN_WAITING | 1u << RUN_BLOCKED | 1u << RUN_QUEUED) /* as a status_mask */
const char *run_status_name(enum RunStatus s); /* "running" ... as spec/flows.md 8 */
static inline bool run_status_final(enum RunStatus s) { return s >= RUN_COMPLETED && s <= RUN_TIMED_OUT; }

/* A row of `runs`. Strings are UTF-8, NULL = none. Owned by the holder: run_row_free. */
typedef struct RunRow {
  int64_t run;          /* number, assigned by the engine from store_next_run */
  char *run_id;         /* workflow id, unique in its workspace */
  char *workspace, *slug;
  int64_t version;
  int64_t epoch;        /* fencing: bumped by whoever takes the run over */
  enum RunStatus status;
  int64_t created_ms, updated_ms, finished_ms; /* 0 = not yet */
  int64_t wake_ms;      /* earliest timer, 0 = none */
  int64_t head_row, head_seq; /* last journal record; written by the store itself */
  int64_t snap_seq;     /* journal sequence the stored snapshot includes; -1 none */
  char *source_hash;    /* hex hash of the definition */
  char *note;           /* EDN map for people: what it waits for, or why it is blocked */
  char *lineage;        /* of a child: EDN map (child.h), fixed for good; NULL: nobody's child */
  char *slot;           /* which of its flow's runs exclude each other (slots.h); NULL: it takes no part */
  char *installation;   /* of the flow, that it belongs to; NULL none */
  char *origin;         /* EDN map: who started it and how (engine.h); NULL: not known */
  char *target;         /* what it runs on, fixed for good: "live" or the id of an installation; NULL: the draft */
} RunRow;
void run_row_free(RunRow *r);

/* A document: what the engine keeps by (workspace, kind, key) beside runs, such as a resource. rev counts its writes from 1. */
typedef struct DocRow {
  char *workspace, *kind, *key;
  int64_t rev, at_ms, run, expires_ms; /* at: orders listings; run: 0 none; expires: 0 never, what is over stays until it is deleted */
  Blob data;
} DocRow;
void doc_row_free(DocRow *d);
enum { DOC_ANY = -1, DOC_NEW = 0 }; /* as `rev` of a write: whatever is there; nothing is there */

/* An entry of the search index. Words are found in title, tags and text; type and path are for filters. UTF-8. */
typedef struct IndexRow {
  const char *workspace, *target, *key; /* target: "resources" "flows" "runs"; key: the URI, slug or run id */
  const char *title, *type, *path;
  const char *tags;                     /* one a line */
  Bytesv text;
  int64_t at_ms;
} IndexRow;
enum { SEARCH_WORDS_MAX = 64, SEARCH_SNIPPET_WORDS = 24 };
/* What to look for. Words are parted by spaces; "several words" in quotes stand side by side; word* is the beginning of one. Nothing else
 * means anything. Case and accents make no difference (SQLite's unicode61 with remove_diacritics 2). */
typedef struct SearchQuery {
  const char *workspace, *target, *text;
  bool any;                             /* one of the words is enough; else all of them */
  const char *types, *tags;             /* one a line, NULL or "": no such filter. One of the types, all of the tags */
  const char *path;                     /* it begins with this */
} SearchQuery;
typedef struct SearchHit { char *key, *title, *type, *path, *tags, *snippet; double score; int64_t at_ms; } SearchHit; /* snippet: words found in ** */
void search_hit_free(SearchHit *h);

typedef struct WaitRow { char *workspace, *key; int64_t run; int64_t seq; int64_t created_ms; Blob spec; } WaitRow;
void wait_row_free(WaitRow *w);
typedef struct InboxRow { int64_t id; char *workspace, *key; char *kind; int64_t received_ms; Blob body; } InboxRow;
void inbox_row_free(InboxRow *r);
typedef struct TimerRow { int64_t run; int64_t seq; int64_t due_ms; } TimerRow;
/* What is registered of a table resource: a name in a workspace, its number, how many rows, and bytes that table.h understands. */
typedef struct StoreTable { char *workspace, *name; int64_t id, rows, created_ms, updated_ms; Blob meta; } StoreTable;
void store_table_free(StoreTable *t);
typedef struct KvRow { char *key; Blob value; int64_t expires_ms; } KvRow; /* expires 0 = never */

typedef struct StoreOptions {
  bool memory;         /* store_mem.c */
  bool read_only;      /* listing beside a running executor: no lock, no writer thread */
  bool beside;         /* may write inbox rows beside an executor: no executor lock */
  bool executor;       /* take the OS file lock; fails with "db_locked" naming the holder's pid */
  const char *vfs;     /* sqlite VFS name for tests, NULL = default */
  int group_ops;       /* most operations of one commit; 0 = 2,048 */
} StoreOptions;

/* Opens (creating directories and the file when missing, unless read_only). Errors: db_locked, db_foreign (not our
 * database: application_id), db_newer, db_corrupt, db_readonly, db_open; messages say path and way out. */
Store *store_open(const char *path, const StoreOptions *o, Err *e);
const char *store_path(const Store *s); /* of the database file; NULL in memory */
/* Drains, checkpoints, closes. */
void store_close(Store *s);
/* Between gather and release batches wait for each other, up to STORE_GATHER operations: the engine hands over a turn's work as one commit in
 * place of many, each with a sync of its own. store_submit_wait is not held up. */
enum { STORE_GATHER = 256 };
void store_gather(Store *s);
void store_release(Store *s);
/* Reads of the thread that reads are close together until it is switched off: they may share what they see of other processes' changes; what
 * this one commits is seen as ever. Switched off whenever the thread waits for something. */
void store_together(Store *s, bool on);
/* The code of what ended the store (store_failed, db_corrupt), or NULL while it works. */
const char *store_failed(const Store *s);
/* What the code of a failed batch says to a person. */
const char *store_error_text(const char *code);

Batch *batch_new(void);
void batch_free(Batch *b); /* only of a batch never submitted */
size_t batch_ops(const Batch *b);
bool batch_has_kv(const Batch *b);
/* What was added since the mark is taken out again. Nothing was submitted in between. */
typedef struct BatchMark { size_t n, mem, blob_n; bool kv, table; } BatchMark;
BatchMark batch_mark(const Batch *b);
void batch_undo(Batch *b, BatchMark m);
/* Preconditions of every run operation: the run exists, its stored epoch equals `epoch`, and its status is not final. */
void batch_run_create(Batch *b, const RunRow *r);                  /* fails with run_exists */
/* First in every batch of a run whose earlier batches may still be on their way: refused with "out_of_order" unless the run's
 * last record is `seq`. So nothing of a run is stored behind a batch that was refused, not even its end. */
void batch_expect(Batch *b, int64_t run, int64_t epoch, int64_t seq);
void batch_append(Batch *b, int64_t run, int64_t epoch, int kind, Bytesv data);
void batch_status(Batch *b, int64_t run, int64_t epoch, enum RunStatus st, int64_t at_ms, int64_t wake_ms, const char *note);
void batch_take_over(Batch *b, int64_t run, int64_t old_epoch, int64_t new_epoch);
void batch_snapshot(Batch *b, int64_t run, int64_t epoch, int64_t seq, Bytesv data); /* replaces the run's snapshot */
void batch_timer_put(Batch *b, int64_t run, int64_t epoch, int64_t seq, int64_t due_ms);
void batch_timer_del(Batch *b, int64_t run, int64_t epoch, int64_t seq);
void batch_wait_put(Batch *b, int64_t epoch, const WaitRow *w);    /* (workspace, key) must not be held by another live wait: wait_exists */
void batch_wait_del(Batch *b, int64_t run, int64_t epoch, const char *workspace, const char *key);
void batch_essential(Batch *b); /* it leads to the end of a run: it may use the reserve of a full disk */
void batch_inbox_put(Batch *b, const char *workspace, const char *key, const char *kind, int64_t received_ms, Bytesv body);
void batch_inbox_del(Batch *b, int64_t id);                        /* precondition: still there (inbox_gone) */
void batch_kv_put(Batch *b, const char *workspace, const char *key, Bytesv value, int64_t expires_ms);
void batch_kv_del(Batch *b, const char *workspace, const char *key);
void batch_unit_put(Batch *b, const uint8_t hash[16], const char *file, Bytesv data); /* no-op when present */
void batch_source_put(Batch *b, const char *hash, const char *file, Bytesv text);     /* no-op when present */
void batch_meta_put(Batch *b, const char *name, const char *value);
/* Outcomes of finished waits (48 h memory for duplicates and replays): */
/* The first byte of keys of waits and outcomes that are the engine's own: a user's key cannot begin with it. */
#define WAIT_SYSTEM '\x01'
void batch_outcome_put(Batch *b, const char *workspace, const char *key, int64_t at_ms, Bytesv outcome);
void batch_outcome_del(Batch *b, const char *workspace, const char *key); /* no-op when it is gone */

/* d->rev: the revision it replaces, DOC_ANY or DOC_NEW; another one there: doc_conflict. */
void batch_doc_put(Batch *b, const DocRow *d);
void batch_doc_del(Batch *b, const char *workspace, const char *kind, const char *key, int64_t rev);
/* Tables. A row is bytes at a place (table, part of it, number in it); index keys are bytes that begin with the table's number and
 * sort like memcmp: what is in them is the caller's. Every batch that changes rows or keys also holds a batch_table_put of the
 * table. */
enum { TABLE_ID_BITS = 23, TABLE_PART_BITS = 10, TABLE_ROW_BITS = 30 };
static inline int64_t table_place(int64_t id, int64_t part, int64_t row) { return ((id << TABLE_PART_BITS | part) << TABLE_ROW_BITS) | row; }
void table_key_prefix(int64_t id, char out[4]); /* the bytes that begin every key of a table */
void batch_table_put(Batch *b, const StoreTable *t); /* a new table (table_exists: the name is taken by another) or new data of it */
void batch_table_drop(Batch *b, const char *workspace, const char *name, int64_t id); /* with its rows and keys */
void batch_table_row_put(Batch *b, int64_t place, Bytesv data);
void batch_table_row_del(Batch *b, int64_t place);
void batch_table_key_put(Batch *b, Bytesv key);      /* no-op when present */
void batch_table_key_del(Batch *b, Bytesv key);

/* Replaces the entry of (workspace, target, key). */
void batch_index_put(Batch *b, const IndexRow *r);
void batch_index_del(Batch *b, const char *workspace, const char *target, const char *key);

/* Entries wait in the database until they are put into the index, which costs much more: the first `rows` of those that wait. */
enum { INDEX_DRAIN_ROWS = 500 };
void batch_index_work(Batch *b, int rows);
bool store_index_waits(Store *s, Err *e); /* does any wait? */
bool store_index_drain(Store *s, Err *e); /* all of them, waiting for the disk */

/* Takes ownership of b. `tag` comes back in the completion. */
void store_submit(Store *s, Batch *b, uint64_t tag);
typedef struct Completion { uint64_t tag; const char *error; } Completion; /* error NULL = durable now */
/* Moves up to `max` completions to out, without blocking. */
size_t store_completions(Store *s, Completion *out, size_t max);
int store_event_fd(const Store *s);   /* readable when completions are there */
/* Submit and wait; false with *e on error. */
bool store_submit_wait(Store *s, Batch *b, Err *e);

/* Reads. false = not there (or e->code set). */
int64_t store_next_run(Store *s);     /* next free run number (counts up in memory from the stored maximum) */
int64_t store_last_run(Store *s);     /* the highest run number given out; 0 none, -1 cannot be read */
int64_t store_count_slug(Store *s, const char *workspace, const char *slug); /* runs ever made for this flow: N of r<N> */
bool store_take_number(Store *s, const char *workspace, const char *slug); /* one more that is given out: of a run that is made later */
bool store_run_get(Store *s, int64_t run, RunRow *out, Err *e);
bool store_run_by_id(Store *s, const char *workspace, const char *run_id, RunRow *out, Err *e); /* workspace NULL: the oldest of any */
/* Runs after `after` (0 = from the first), up to max, in number order; status_mask bits 1<<RunStatus, 0 = all. */
size_t store_runs(Store *s, int64_t after, unsigned status_mask, RunRow *out, size_t max, Err *e);
/* Runs of a workspace with numbers below `before` (INT64_MAX: from the newest), newest first; without a walk over others. slug,
 * installation: NULL any; mask: as above, 0 = all. */
typedef struct RunQuery { const char *workspace, *slug, *installation; unsigned mask; } RunQuery;
size_t store_runs_newest(Store *s, const RunQuery *q, int64_t before, RunRow *out, size_t max, Err *e);
/* Who is in a slot and not over, in a status of the mask (0: any), with numbers above `after`, in number order; and how many queue there, at
 * most `most`; -1: cannot be read. */
size_t store_slot(Store *s, const char *workspace, const char *slot, unsigned mask, int64_t after, RunRow *out, size_t max, Err *e);
int64_t store_slot_queue(Store *s, const char *workspace, const char *slot, int64_t most);
typedef struct JournalRec { int64_t seq; int kind; int64_t epoch; Bytesv data; } JournalRec;
/* Calls f for the run's records with seq > after, ascending; f returns false to stop. A record whose checksum or chain is
 * wrong: false with code "corrupt_record" and the seq in the message. */
bool store_journal(Store *s, int64_t run, int64_t after, bool (*f)(void *ctx, const JournalRec *r), void *ctx, Err *e);
bool store_snapshot_get(Store *s, int64_t run, int64_t *seq, Blob *out, Err *e); /* checksum verified */
size_t store_timers_due(Store *s, int64_t now, TimerRow *out, size_t max, Err *e); /* by due time */
int64_t store_timer_next(Store *s);   /* due time of the earliest timer, INT64_MAX none */
bool store_wait_get(Store *s, const char *workspace, const char *key, WaitRow *out, Err *e);
size_t store_waits(Store *s, const char *workspace, int64_t run, WaitRow *out, size_t max, Err *e); /* run 0 = all */
/* Of keys that begin with prefix and come after `after` (NULL: from the first), in key order (bytes). */
size_t store_waits_under(Store *s, const char *workspace, const char *prefix, const char *after, WaitRow *out, size_t max, Err *e);
/* The same of outcomes: key, received_ms = at, body = outcome. */
size_t store_outcomes_under(Store *s, const char *workspace, const char *prefix, const char *after, InboxRow *out, size_t max, Err *e);
bool store_outcomes_use(Store *s, const char *workspace, const char *prefix, int64_t *n, int64_t *bytes, Err *e);
bool store_outcome_get(Store *s, const char *workspace, const char *key, int64_t *at_ms, Blob *out, Err *e);
size_t store_inbox(Store *s, int64_t after, InboxRow *out, size_t max, Err *e);
size_t store_inbox_by_key(Store *s, const char *workspace, const char *key, InboxRow *out, size_t max, Err *e);
bool store_kv_get(Store *s, const char *workspace, const char *key, KvRow *out, Err *e); /* expired = not there is the caller's */
/* Reads of kv and tables are remembered until the next batch that changes some: it is refused ("out_of_order") when a batch was that they
 * may have seen. Whoever works for several runs in turn keeps each one's memory: gives in what it has, 0 at first, and gets what was here. */
uint64_t store_reads(Store *s, uint64_t mine);
size_t store_kv_list(Store *s, const char *workspace, const char *prefix, const char *after, KvRow *out, size_t max, Err *e);
bool store_doc_get(Store *s, const char *workspace, const char *kind, const char *key, DocRow *out, Err *e);
/* Of one kind, keys that begin with `prefix` and come after `after` (bytes), in key order. */
size_t store_docs(Store *s, const char *workspace, const char *kind, const char *prefix, const char *after, DocRow *out, size_t max, Err *e);
/* Of one kind, newest first by (at, key), behind (before_ms, before_key); from the newest: INT64_MAX and "". */
size_t store_docs_newest(Store *s, const char *workspace, const char *kind, int64_t before_ms, const char *before_key, DocRow *out, size_t max,
                         Err *e);
/* Of one kind, those whose `at` is until then or before, oldest first by (at, key). */
size_t store_docs_due(Store *s, const char *workspace, const char *kind, int64_t until_ms, DocRow *out, size_t max, Err *e);
/* Of one run, in key order behind `after`. */
size_t store_docs_of_run(Store *s, const char *workspace, const char *kind, int64_t run, const char *after, DocRow *out, size_t max, Err *e);
int64_t store_next_table(Store *s);   /* next free table number; -1: cannot be read, or none is left */
/* These, rows and keys see what is submitted and not committed yet; the list of tables does not: store_table_settle waits for what is
 * on its way. */
bool store_table_get(Store *s, const char *workspace, const char *name, StoreTable *out, Err *e);
size_t store_tables(Store *s, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e); /* committed, by name */
bool store_table_settle(Store *s, Err *e);
/* Another connection to the same database, for reading on another thread: NULL with *e, or without when there can be none (memory). Between
 * begin and end it sees one committed state; reads fail soon after *stop has become true. */
Store *store_reader(Store *s, Err *e);
bool store_reader_begin(Store *reader, const _Atomic bool *stop, Err *e);
void store_reader_end(Store *reader);
bool store_table_row(Store *s, int64_t place, Blob *out, Err *e);
/* Rows of the places from..to, and keys from <= k < to, ascending or descending; f returns false to stop. It may read, and walk
 * again. */
typedef bool (*StoreTableRowFn)(void *ctx, int64_t place, Bytesv data);
bool store_table_rows(Store *s, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e);
bool store_table_keys(Store *s, Bytesv from, Bytesv to, bool descending, bool (*f)(void *ctx, Bytesv key), void *ctx, Err *e);
/* Of one kind in every workspace, in the order of (workspace, key), behind that pair; "" and "" from the first. With expired_by those alone
 * whose time was over then. */
size_t store_docs_everywhere(Store *s, const char *kind, const char *workspace, const char *after, int64_t expired_by, DocRow *out, size_t max,
                             Err *e);
/* All of them, a page at a time; f returns false to stop, and then so does this. It may read and write. */
typedef bool (*StoreDocFn)(void *ctx, const DocRow *d);
bool store_docs_each(Store *s, const char *kind, int64_t expired_by, StoreDocFn f, void *ctx, Err *e);
/* Best first: bm25, the title counts four times, tags twice; a higher score is better. e->code "validation": the text has no word, or more
 * than SEARCH_WORDS_MAX. */
size_t store_search(Store *s, const SearchQuery *q, SearchHit *out, size_t max, Err *e);
/* The same over rows of the caller's. */
size_t store_search_rows(const IndexRow *rows, size_t n, const SearchQuery *q, SearchHit *out, size_t max, Err *e);
bool store_unit_get(Store *s, const uint8_t hash[16], char **file, Blob *out, Err *e);
bool store_source_get(Store *s, const char *hash, char **file, Blob *out, Err *e);
bool store_meta_get(Store *s, const char *name, char **value, Err *e);
/* True when another process has committed since the last call (PRAGMA data_version). */
bool store_changed(Store *s);
typedef struct StoreStats { uint64_t commits, syncs, ops, journal_rows; } StoreStats;
void store_stats(const Store *s, StoreStats *out);
/* Drops closed journal segments all of whose runs are final and older than the time given. Number dropped. */
int store_drop_history(Store *s, int64_t finished_before_ms, Err *e);
/* The same in small pieces: looks at the next `rows` journal rows. 1: a segment was dropped; 0: there is more to look at; -1: that was all
 * (begin anew, with {0}, when time has passed), or *e. */
typedef struct HistorySweep { int64_t segment, row; } HistorySweep;
int store_sweep_history(Store *s, int64_t finished_before_ms, HistorySweep *at, int rows, Err *e);
/* Bytes of the file that hold something; 0 in memory, -1 cannot be read. What was dropped leaves room, the file does not shrink. */
int64_t store_used_bytes(Store *s);
#endif
