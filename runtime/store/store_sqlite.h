/* store_sqlite.h - the SQLite implementation of store.h; private to store_sqlite*.c and store_schema.c.
 *
 * Two connections. `rd` belongs to the engine's thread: it is opened (and makes the schema) in store_open and serves all
 * reads. `wr` belongs to the writer thread, which starts at the first submit. Both sync in full.
 *
 * Heads. A Head is what the writer knows of a hot run: epoch, status, head of the journal chain. `cur` is the state inside
 * the running transaction, `com` the committed one, which readers see under head_lock. A head whose row in `runs` is
 * behind is *dirty*; rows above the watermark are the only ones that can make a head dirty, so scanning them after a crash
 * finds all of those. Only the writer changes heads once it runs.
 *
 * A group of batches is applied in one transaction without savepoints. When a batch is refused (rare) the group is rolled
 * back and applied again with one savepoint per batch. */
#ifndef BR_STORE_SQLITE_H
#define BR_STORE_SQLITE_H
#include "store_impl.h"
#include "store_omap.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>

enum { STORE_APPLICATION_ID = 0x42725274, STORE_VERSION = 1 }; /* "BrRt" */
/* Asks a VFS to sync the directory of a file; one that does not know it gets an fsync of the real directory. */
enum { SQ_FCNTL_SYNC_DIR = 0x42720001 };
/* The search index. Writing an entry costs ten times what a row costs, so entries wait in search_todo, in order, and the next search puts
 * them in. `scope` is one word made of workspace and target, so that a search sees its own entries alone. */
#define SQ_SEARCH_SCHEMA \
  "CREATE TABLE search_docs(id INTEGER PRIMARY KEY, workspace TEXT, target TEXT, key TEXT, at INTEGER, type TEXT, path TEXT," \
  " UNIQUE(workspace,target,key));" \
  "CREATE TABLE search_todo(id INTEGER PRIMARY KEY, gone INTEGER NOT NULL, at INTEGER, workspace TEXT, target TEXT, key TEXT, title TEXT," \
  " tags TEXT, type TEXT, path TEXT, body BLOB);" \
  "CREATE VIRTUAL TABLE search USING fts5(scope,title,tags,body,tokenize='unicode61 remove_diacritics 2');"
/* Jobs. A head over SQ_JOB_HEAD bytes is kept apart: each change of a job writes its row anew. */
enum { SQ_JOB_HEAD = 1024 };
#define SQ_JOBS_SCHEMA \
  "CREATE TABLE jobs(job INTEGER PRIMARY KEY, rev INTEGER NOT NULL, phase INTEGER NOT NULL, priority INTEGER NOT NULL," \
  " attempt INTEGER NOT NULL, max_attempts INTEGER NOT NULL, due INTEGER NOT NULL, created INTEGER, updated INTEGER, started INTEGER," \
  " finished INTEGER, batch INTEGER NOT NULL, run INTEGER NOT NULL, unique_until INTEGER, workspace TEXT NOT NULL, id TEXT NOT NULL," \
  " type TEXT NOT NULL, unique_key TEXT, token TEXT, worker TEXT, tail BLOB, head BLOB);" \
  "CREATE INDEX jobs_ready ON jobs(workspace,type,priority DESC,job) WHERE phase=0;" \
  "CREATE INDEX jobs_type ON jobs(workspace,type,phase);" \
  "CREATE INDEX jobs_due ON jobs(due) WHERE due>0;" \
  "CREATE INDEX jobs_active ON jobs(job) WHERE phase>=3 AND phase<=5;" \
  "CREATE INDEX jobs_batch ON jobs(batch,phase,priority DESC,job) WHERE batch>0 AND phase<=2;" \
  "CREATE INDEX jobs_run ON jobs(run,job) WHERE run>0 AND phase<=5;" \
  "CREATE TABLE job_heads(job INTEGER PRIMARY KEY, head BLOB);" \
  "CREATE TABLE job_batches(batch INTEGER PRIMARY KEY, created INTEGER, finished INTEGER NOT NULL, run INTEGER NOT NULL," \
  " requested INTEGER NOT NULL, there INTEGER NOT NULL, max_active INTEGER NOT NULL, cancelled INTEGER NOT NULL," \
  " c0 INTEGER NOT NULL, c1 INTEGER NOT NULL, c2 INTEGER NOT NULL, c3 INTEGER NOT NULL, c4 INTEGER NOT NULL, c5 INTEGER NOT NULL," \
  " c6 INTEGER NOT NULL, workspace TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, data BLOB);" \
  "CREATE TABLE job_keys(workspace TEXT, key TEXT, job INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY(workspace,key)) WITHOUT ROWID;"
enum { SQ_REFUSED = -1 }; /* beside SQLite's result codes: a precondition failed, b->error says which */

/* Every statement of the writer (W) and the readers (R). Journal statements are per segment and kept apart. */
#define SQ_STATEMENTS(X) \
  X(W_BEGIN, "BEGIN IMMEDIATE") \
  X(W_COMMIT, "COMMIT") \
  X(W_ROLLBACK, "ROLLBACK") \
  X(W_SAVE, "SAVEPOINT batch") \
  X(W_RELEASE, "RELEASE batch") \
  X(W_UNDO, "ROLLBACK TO batch") \
  X(W_RUN, "INSERT INTO runs(run,epoch,version,status,created,updated,finished,wake,run_id,workspace,slug,source_hash,note," \
           "lineage,slot,installation,origin,target,head_row,head_seq)" \
           " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,0,0)") \
  X(W_FLOW, "INSERT INTO flows VALUES(?1,?2,max(?3,1)) ON CONFLICT DO UPDATE SET n=max(n+1,?3)") \
  X(W_HEAD, "SELECT epoch,status,head_row,head_seq FROM runs WHERE run=?1") \
  X(W_STATUS, "UPDATE runs SET status=?2,updated=?3,finished=?4,wake=?5,note=?6,head_row=?7,head_seq=?8 WHERE run=?1") \
  X(W_EPOCH, "UPDATE runs SET epoch=?2,head_row=?3,head_seq=?4 WHERE run=?1") \
  X(W_FLUSH, "UPDATE runs SET head_row=?2,head_seq=?3 WHERE run=?1") \
  X(W_WATERMARK, "UPDATE state SET watermark=?1") \
  X(W_SNAPSHOT, "INSERT OR REPLACE INTO snapshots VALUES(?1,?2,?3)") \
  X(W_SNAPSHOT_DEL, "DELETE FROM snapshots WHERE run=?1") \
  X(W_TIMER, "INSERT OR REPLACE INTO timers VALUES(?1,?2,?3)") \
  X(W_TIMER_DEL, "DELETE FROM timers WHERE run=?1 AND seq=?2") \
  X(W_TIMERS_DEL, "DELETE FROM timers WHERE run=?1") \
  X(W_WAIT_HOLDER, "SELECT run,seq FROM waits WHERE workspace=?1 AND key=?2") \
  X(W_WAIT, "INSERT OR REPLACE INTO waits VALUES(?1,?2,?3,?4,?5,?6)") \
  X(W_WAIT_DEL, "DELETE FROM waits WHERE workspace=?1 AND key=?2 AND run=?3") \
  X(W_WAITS_DEL, "DELETE FROM waits WHERE run=?1") \
  X(W_INBOX, "INSERT INTO inbox(workspace,key,kind,received,body) VALUES(?1,?2,?3,?4,?5)") \
  X(W_INBOX_DEL, "DELETE FROM inbox WHERE id=?1") \
  X(W_DOC_REV, "SELECT rev FROM docs WHERE workspace=?1 AND kind=?3 AND key=?2") \
  X(W_DOC, "INSERT OR REPLACE INTO docs(workspace,key,kind,rev,at,run,expires,data) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)") \
  X(W_DOC_DEL, "DELETE FROM docs WHERE workspace=?1 AND kind=?3 AND key=?2") \
  X(W_KV, "INSERT OR REPLACE INTO kv VALUES(?1,?2,?3,?4)") \
  X(W_KV_DEL, "DELETE FROM kv WHERE workspace=?1 AND key=?2") \
  X(W_TABLE, "INSERT INTO tables(id,workspace,name,rows,created,updated,meta) VALUES(?1,?2,?3,?4,?5,?6,?7)" \
             " ON CONFLICT(id) DO UPDATE SET rows=?4,updated=?6,meta=?7") \
  X(W_TABLE_DEL, "DELETE FROM tables WHERE id=?1") \
  X(W_TABLE_ROW, "INSERT OR REPLACE INTO table_rows VALUES(?1,?2)") \
  X(W_TABLE_ROW_DEL, "DELETE FROM table_rows WHERE place=?1") \
  X(W_TABLE_ROWS_DEL, "DELETE FROM table_rows WHERE place>=?1 AND place<=?2") \
  X(W_TABLE_KEY, "INSERT OR IGNORE INTO table_keys VALUES(?1)") \
  X(W_TABLE_KEY_DEL, "DELETE FROM table_keys WHERE k=?1") \
  X(W_TABLE_KEYS_DEL, "DELETE FROM table_keys WHERE k>=?1 AND k<?2") \
  X(W_UNIT, "INSERT OR IGNORE INTO units VALUES(?1,?2,?3)") \
  X(W_SOURCE, "INSERT OR IGNORE INTO sources VALUES(?1,?2,?3)") \
  X(W_META, "INSERT OR REPLACE INTO meta VALUES(?1,?2)") \
  X(W_OUTCOME, "INSERT OR REPLACE INTO outcomes VALUES(?1,?2,?3,?4)") \
  X(W_OUTCOME_DEL, "DELETE FROM outcomes WHERE workspace=?1 AND key=?2") \
  X(W_OUTCOME_PURGE, "DELETE FROM outcomes WHERE at<?1") \
  X(X_BEGIN, "BEGIN") \
  X(X_STATE, "SELECT watermark,segment_bits FROM state") \
  X(X_SEGMENTS, "SELECT name FROM sqlite_master WHERE type='table' AND name GLOB 'j[0-9]*'") \
  X(X_VERSION, "PRAGMA data_version") \
  X(R_MAX_RUN, "SELECT coalesce(max(run),0) FROM runs") \
  X(R_SLUG, "SELECT n FROM flows WHERE workspace=?1 AND slug=?2") \
  X(R_RUN, "SELECT " SQ_RUN_COLS " WHERE r.run=?1") \
  X(R_RUN_ID, "SELECT " SQ_RUN_COLS " WHERE r.run_id=?1 AND (?2 IS NULL OR r.workspace=?2) ORDER BY r.run LIMIT 1") \
  X(R_RUNS, "SELECT " SQ_RUN_COLS " WHERE r.run>?1 AND ((1<<r.status)&?2)!=0 ORDER BY r.run LIMIT ?3") \
  X(R_RUNS_OPEN, "SELECT " SQ_RUN_COLS " WHERE r.run>?1 AND (r.status<2 OR r.status>6) AND ((1<<r.status)&?2)!=0 ORDER BY r.run LIMIT ?3") \
  X(R_NEW_STATUS, SQ_EACH_STATUS("run<?3", "run DESC")) \
  X(R_NEW_FLOW, SQ_EACH_STATUS("slug=?2 AND run<?3", "run DESC")) \
  X(R_NEW_INSTALLATION, "SELECT run FROM runs WHERE workspace=?1 AND installation=?6 AND run<?3 AND (?2 IS NULL OR slug=?2)" \
                        " AND ((1<<status)&?5)!=0 ORDER BY run DESC LIMIT ?4") \
  X(R_SLOT, SQ_OPEN_STATUS("slot=?2 AND (status<2 OR status>6) AND run>?3", "run")) \
  X(R_SLOT_QUEUE, "SELECT count(*) FROM (SELECT 1 FROM runs WHERE workspace=?1 AND slot=?2 AND status=8 AND (status<2 OR status>6) LIMIT ?3)") \
  X(R_SNAPSHOT, "SELECT seq,data FROM snapshots WHERE run=?1") \
  X(R_DUE, "SELECT run,seq,due FROM timers WHERE due<=?1 ORDER BY due,run,seq LIMIT ?2") \
  X(R_NEXT, "SELECT due FROM timers ORDER BY due LIMIT 1") \
  X(R_WAIT, "SELECT workspace,key,run,seq,created,spec FROM waits WHERE workspace=?1 AND key=?2") \
  X(R_WAITS, "SELECT workspace,key,run,seq,created,spec FROM waits WHERE workspace=?1 ORDER BY key LIMIT ?3") \
  X(R_WAITS_RUN, "SELECT workspace,key,run,seq,created,spec FROM waits WHERE run=?2 AND workspace=?1 ORDER BY key LIMIT ?3") \
  X(R_WAITS_ALL, "SELECT workspace,key,run,seq,created,spec FROM waits ORDER BY workspace,key LIMIT ?3") \
  X(R_WAITS_RUN_ALL, "SELECT workspace,key,run,seq,created,spec FROM waits WHERE run=?2 ORDER BY workspace,key LIMIT ?3") \
  X(R_OUTCOME, "SELECT at,outcome FROM outcomes WHERE workspace=?1 AND key=?2") \
  X(R_WAITS_UNDER, "SELECT workspace,key,run,seq,created,spec FROM waits WHERE workspace=?1 AND key>=max(?2,?3||char(1)) AND key<?2||char(1114111)" \
                   " ORDER BY key LIMIT ?4") \
  X(R_OUTCOMES_UNDER, "SELECT 0,workspace,key,NULL,at,outcome FROM outcomes WHERE workspace=?1 AND key>=max(?2,?3||char(1)) AND key<?2||char(1114111)" \
                      " ORDER BY key LIMIT ?4") \
  X(R_OUTCOMES_USE, "SELECT count(*),coalesce(sum(length(outcome)),0) FROM outcomes WHERE workspace=?1 AND key>=?2 AND key<?2||char(1114111)") \
  X(R_INBOX, "SELECT id,workspace,key,kind,received,body FROM inbox WHERE id>?1 ORDER BY id LIMIT ?2") \
  X(R_INBOX_KEY, "SELECT id,workspace,key,kind,received,body FROM inbox WHERE workspace=?1 AND key=?2 ORDER BY id LIMIT ?3") \
  X(R_KV, "SELECT key,value,expires FROM kv WHERE workspace=?1 AND key=?2") \
  X(R_KV_LIST, "SELECT key,value,expires FROM kv WHERE workspace=?1 AND key>=max(?2,?3||char(1)) ORDER BY key") \
  X(R_DOC, "SELECT " SQ_DOC_COLS " WHERE workspace=?1 AND kind=?2 AND key=?3") \
  X(R_DOCS, "SELECT " SQ_DOC_COLS " WHERE workspace=?1 AND kind=?2 AND key>=max(?3,?4||char(1)) ORDER BY key LIMIT ?5") \
  X(R_DOCS_NEWEST, "SELECT " SQ_DOC_COLS " WHERE workspace=?1 AND kind=?2 AND (at<?3 OR (at=?3 AND key<?4)) ORDER BY at DESC, key DESC LIMIT ?5") \
  X(R_DOCS_DUE, "SELECT " SQ_DOC_COLS " WHERE workspace=?1 AND kind=?2 AND at<=?3 AND ?4='' ORDER BY at, key LIMIT ?5") \
  X(R_DOCS_RUN, "SELECT " SQ_DOC_COLS " WHERE run=?3 AND workspace=?1 AND kind=?2 AND key>?4 ORDER BY key LIMIT ?5") \
  X(R_TABLE_MAX, "SELECT coalesce(max(id),0) FROM tables") \
  X(R_TABLE, "SELECT id,workspace,name,rows,created,updated,meta FROM tables WHERE workspace=?1 AND name=?2") \
  X(R_TABLES, "SELECT id,workspace,name,rows,created,updated,meta FROM tables WHERE workspace=?1 AND name>?2 ORDER BY name LIMIT ?3") \
  X(R_TABLE_ROW, "SELECT data FROM table_rows WHERE place=?1") \
  X(R_TABLE_ROWS, "SELECT place,data FROM table_rows WHERE place>=?1 AND place<=?2 ORDER BY place") \
  X(R_TABLE_ROWS_DESC, "SELECT place,data FROM table_rows WHERE place>=?1 AND place<=?2 ORDER BY place DESC") \
  X(R_TABLE_KEYS, "SELECT k FROM table_keys WHERE k>=?1 AND k<?2 ORDER BY k") \
  X(R_TABLE_KEYS_DESC, "SELECT k FROM table_keys WHERE k>=?1 AND k<?2 ORDER BY k DESC") \
  X(R_DOCS_ALL, "SELECT " SQ_DOC_COLS " WHERE (workspace,kind,key)>(?1,?2,?4) AND kind=?2 AND (?3=0 OR (expires>0 AND expires<=?3))" \
                " ORDER BY workspace,kind,key LIMIT ?5") \
  X(W_INDEX, "INSERT INTO search_docs(workspace,target,key,at,type,path) VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(workspace,target,key)" \
             " DO UPDATE SET at=?4,type=?5,path=?6 RETURNING id") \
  X(W_INDEX_TODO, "INSERT INTO search_todo(gone,at,workspace,target,key,title,tags,type,path,body) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)") \
  X(W_INDEX_NEXT, "SELECT gone,at,workspace,target,key,title,tags,type,path,body,id FROM search_todo ORDER BY id LIMIT ?1") \
  X(W_INDEX_DONE, "DELETE FROM search_todo WHERE id<=?1") \
  X(R_INDEX_TODO, "SELECT 1 FROM search_todo LIMIT 1") \
  X(W_INDEX_TEXT, "INSERT OR REPLACE INTO search(rowid,scope,title,tags,body) VALUES(?1,?2,?3,?4,?5)") \
  X(W_INDEX_FIND, "SELECT id FROM search_docs WHERE workspace=?1 AND target=?2 AND key=?3") \
  X(W_INDEX_DEL, "DELETE FROM search_docs WHERE id=?1") \
  X(W_INDEX_TEXT_DEL, "DELETE FROM search WHERE rowid=?1") \
  X(R_SEARCH, "SELECT d.key,search.title,d.type,d.path,search.tags,snippet(search,3,'**','**','...',24),rank,d.at FROM search" \
              " JOIN search_docs d ON d.id=search.rowid WHERE search MATCH ?1 AND rank MATCH 'bm25(0.0,4.0,2.0,1.0)' ORDER BY rank") \
  X(R_UNIT, "SELECT file,data FROM units WHERE hash=?1") \
  X(R_SOURCE, "SELECT file,text FROM sources WHERE hash=?1") \
  X(R_META, "SELECT value FROM meta WHERE name=?1") \
  SQ_JOB_STATEMENTS(X)
#define SQ_JOB_STATEMENTS(X) \
  X(W_JOB, "INSERT INTO jobs VALUES(?1,1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)") \
  X(W_JOB_HEAD, "INSERT INTO job_heads VALUES(?1,?2)") \
  X(W_JOB_SET, "UPDATE jobs SET rev=rev+1,phase=?3,attempt=?4,due=?5,updated=?6,started=?7,finished=?8,token=?9,worker=?10,tail=?11" \
               " WHERE job=?1 AND rev=?2") \
  X(W_JOB_REV, "SELECT 1 FROM jobs WHERE job=?1 AND rev=?2") \
  X(W_JOB_DEL, "DELETE FROM jobs WHERE job=?1 AND rev=?2") \
  X(W_JOB_HEAD_DEL, "DELETE FROM job_heads WHERE job=?1") \
  X(W_JOB_KEY_HELD, "SELECT 1 FROM job_keys WHERE workspace=?1 AND key=?2 AND until>?3") \
  X(W_JOB_KEY, "INSERT OR REPLACE INTO job_keys VALUES(?1,?2,?3,?4)") \
  X(W_JOB_KEY_DEL, "DELETE FROM job_keys WHERE workspace=?1 AND key=?2 AND job=?3 AND until>=?4") \
  X(W_JOB_BATCH, "INSERT INTO job_batches VALUES(?1,?2,0,?3,?4,?4,?5,0,?4,0,0,0,0,0,0,?6,?7,?8,?9)") \
  X(W_JOB_COUNT, "UPDATE job_batches SET c0=c0+?2,c1=c1+?3,c2=c2+?4,c3=c3+?5,c4=c4+?6,c5=c5+?7,c6=c6+?8," \
                 "finished=CASE WHEN c0+?2+c1+?3=0 THEN ?9 ELSE 0 END WHERE batch=?1") \
  X(W_JOB_BATCH_CANCEL, "UPDATE job_batches SET cancelled=1 WHERE batch=?1") \
  X(W_JOB_BATCH_LESS, "UPDATE job_batches SET there=there-1 WHERE batch=?1") \
  X(W_JOB_BATCH_DEL, "DELETE FROM job_batches WHERE batch=?1 AND there<=0") \
  X(R_JOB_MAX, "SELECT max(coalesce((SELECT max(job) FROM jobs),0),coalesce((SELECT max(batch) FROM job_batches),0))") \
  X(R_JOB, "SELECT " SQ_JOB_COLS ",j.tail,coalesce(j.head,h.head) FROM jobs j LEFT JOIN job_heads h ON h.job=j.job WHERE j.job=?1") \
  X(R_JOB_BATCH, "SELECT * FROM job_batches WHERE batch=?1") \
  X(R_JOB_KEY, "SELECT job FROM job_keys WHERE workspace=?1 AND key=?2 AND until>?3") \
  X(R_JOBS_READY, "SELECT " SQ_JOB_COLS " FROM jobs j WHERE workspace=?1 AND type=?2 AND phase=0 ORDER BY priority DESC,job LIMIT ?3") \
  X(R_JOBS_READY_OF, "SELECT " SQ_JOB_COLS " FROM jobs j WHERE batch=?1 AND batch>0 AND phase=0 AND phase<=2 ORDER BY priority DESC,job LIMIT ?2") \
  X(R_JOBS_WAITING, "SELECT " SQ_JOB_COLS " FROM jobs j WHERE batch=?1 AND batch>0 AND phase=2 AND phase<=2 ORDER BY priority DESC,job LIMIT ?2") \
  X(R_JOBS_DUE, "SELECT " SQ_JOB_COLS " FROM jobs j WHERE due>0 AND due<=?1 ORDER BY due,job LIMIT ?2") \
  X(R_JOBS_NEXT, "SELECT due FROM jobs WHERE due>0 ORDER BY due LIMIT 1") \
  X(R_JOBS_ACTIVE, "SELECT " SQ_JOB_COLS ",j.tail,coalesce(j.head,h.head) FROM jobs j LEFT JOIN job_heads h ON h.job=j.job" \
                   " WHERE j.phase>=3 AND j.phase<=5 AND j.job>?1 ORDER BY j.job LIMIT ?2") \
  X(R_JOBS_OF_RUN, "SELECT " SQ_JOB_COLS " FROM jobs j WHERE run=?1 AND run>0 AND phase<=5 AND job>?2 ORDER BY job LIMIT ?3") \
  X(R_JOBS_OF_BATCH, "SELECT " SQ_JOB_COLS ",j.tail,coalesce(j.head,h.head) FROM jobs j LEFT JOIN job_heads h ON h.job=j.job" \
                     " WHERE j.job>?2 AND j.job<=?1+?4 AND j.batch+0=?1 AND (?5=0 OR (?5>>j.phase)&1) ORDER BY j.job LIMIT ?3") \
  X(R_JOBS_NEWEST, "SELECT " SQ_JOB_COLS ",j.tail,coalesce(j.head,h.head) FROM jobs j LEFT JOIN job_heads h ON h.job=j.job" \
                   " WHERE j.workspace=?1 AND j.type=?2 AND j.phase=?3 AND j.job<?4 ORDER BY j.job DESC LIMIT ?5") \
  X(R_JOB_TYPES, "SELECT type FROM jobs WHERE workspace=?1 AND type>?2 ORDER BY type LIMIT 1")
#define SQ_JOB_COLS \
  "j.job,j.rev,j.phase,j.priority,j.attempt,j.max_attempts,j.due,j.created,j.updated,j.started,j.finished,j.batch,j.run,j.unique_until," \
  "j.workspace,j.id,j.type,j.unique_key,j.token,j.worker"
/* The first ?4 numbers in each status of the mask ?5, walks along an index; one statement, so that no run that changes its status
 * meanwhile is missed. */
#define SQ_STATUS(n, where, order) \
  "SELECT * FROM (SELECT run FROM runs WHERE workspace=?1 AND status=" #n " AND " where " AND ((1<<" #n ")&?5)!=0 ORDER BY " order " LIMIT ?4)"
#define SQ_AND_STATUS(n, where, order) " UNION ALL " SQ_STATUS(n, where, order)
#define SQ_OPEN_STATUS(where, order) \
  SQ_STATUS(0, where, order) SQ_AND_STATUS(1, where, order) SQ_AND_STATUS(7, where, order) SQ_AND_STATUS(8, where, order)
#define SQ_EACH_STATUS(where, order) \
  SQ_OPEN_STATUS(where, order) SQ_AND_STATUS(2, where, order) SQ_AND_STATUS(3, where, order) SQ_AND_STATUS(4, where, order) \
  SQ_AND_STATUS(5, where, order) SQ_AND_STATUS(6, where, order)
#define SQ_RUN_COLS \
  "r.run,r.run_id,r.workspace,r.slug,r.version,r.epoch,r.status,r.created,r.updated,r.finished,r.wake,r.head_row,r.head_seq," \
  "coalesce(s.seq,-1),r.source_hash,r.note,r.lineage,r.slot,r.installation,r.origin,r.target FROM runs r LEFT JOIN snapshots s ON s.run=r.run"
#define SQ_DOC_COLS "workspace,kind,key,rev,at,run,expires,data FROM docs"
#define X_ENUM(name, sql) name,
enum SqStmt { SQ_STATEMENTS(X_ENUM) SQ_STMTS };
#undef X_ENUM

enum { SEG_CACHE = 8 };
typedef struct SegStmt { int64_t seg; sqlite3_stmt *st; } SegStmt;

/* A connection with its prepared statements. One thread at a time. */
typedef struct Conn {
  sqlite3 *db;
  sqlite3_stmt *st[SQ_STMTS];
  SegStmt insert;          /* the segment being written */
  SegStmt read[SEG_CACHE]; /* by segment modulo SEG_CACHE */
  int64_t version;         /* PRAGMA data_version as last seen */
} Conn;

typedef struct HeadState {
  bool exists;
  bool bare; /* no timer, wait or snapshot of it was ever written: nothing to tidy. false: not known */
  enum RunStatus status;
  int64_t epoch, row, seq;
  int64_t flushed; /* head_row as the run's row has it; dirty when != row */
} HeadState;

typedef struct Head {
  int64_t run;
  HeadState cur, com, save; /* save: before the running batch, when stamp is the batch's */
  uint64_t stamp;
  bool touched;
  struct Head *next_touched, *chain;
} Head;

typedef struct Sq {
  Store base; /* first */
  char *path;
  StoreOptions o;
  StoreTune tune;
  Conn rd, wr;
  int lock_fd;
  _Atomic uint64_t syncs, commits, ops, rows;
  _Atomic bool changed;
  const char *_Atomic failed; /* the code of what ended the store, or NULL */
  bool together, looking;     /* store_sqlite_together.c: reads share a transaction; one is open, ... */
  uint64_t looked;            /* ... begun when so many commits were counted */
  unsigned looks;             /* how many reads there were */

  pthread_mutex_t queue_lock; /* the queue, stop, the list of pending kv batches */
  pthread_cond_t queue_cond;
  Batch *queue_first, *queue_last, *kv_first, *kv_last;
  Omap pending;               /* edits of tables on their way: store_sqlite_pending.c */
  uint64_t pending_serial;
  uint64_t kv_world;          /* how often a kv batch was refused: what was read of it never was */
  uint64_t kv_read_world;     /* kv_world at the first read since the last kv batch was submitted, when kv_read */
  bool kv_read;
  size_t queued;              /* operations in the queue */
  bool gathering, urgent;     /* the queue waits to grow, unless it has been released or somebody waits for it */
  bool stop, started;
  pthread_t writer;

  pthread_mutex_t wr_lock; /* held while the writer uses wr; store_changed only tries it */

  pthread_mutex_t head_lock; /* shape of the table and every `com` */
  Head **heads;
  size_t n_heads, cap_heads; /* cap: buckets */
  bool heads_loaded;
  Head *touched;
  uint64_t stamp;

  int64_t watermark, last_row; /* writer's view inside its transaction ... */
  int64_t com_watermark, com_last_row; /* ... and the committed ones */
  int segment_bits;
  int64_t wal_frames, checkpoint_at; /* frames in the WAL; checkpoint when it has so many */
  bool reserve_used;                 /* the reserve was given back to the full disk */
  bool full;                         /* the disk is: see writer_group */
  bool reserve_tried;
  unsigned outcome_puts;
  size_t evict_at;                   /* look for idle heads when there are so many */
  bool wr_moved;                     /* another process committed since the heads were read; under wr_lock */
} Sq;

/* store_sqlite_vfs.c: opens a connection whose syncs are counted. */
int sq_vfs_open(const char *path, sqlite3 **db, int flags, const char *base, _Atomic uint64_t *syncs);

/* store_schema.c: identity, schema, pragmas. */
bool sq_schema_open(Sq *s, Conn *c, bool first, Err *e);
bool sq_schema_refused(Sq *s, Err *e); /* somebody else's file */

/* store_sqlite_conn.c: statements and heads. */
sqlite3_stmt *sq_stmt(Conn *c, enum SqStmt id); /* reset, unbound; NULL = see sqlite3_errcode */
int sq_done(sqlite3_stmt *st);                  /* steps a statement without rows, resets it */
int sq_exec(Conn *c, enum SqStmt id);
const char *sq_text(enum SqStmt id);
void sq_conn_close(Conn *c, bool keep_wal);
int sq_data_version(Conn *c, int64_t *out);
int sq_journal_stmt(Sq *s, Conn *c, int64_t row, sqlite3_stmt **out); /* NULL in *out: the segment was dropped */
void sq_journal_forget(Conn *c, int64_t seg);
static inline int64_t sq_segment(const Sq *s, int64_t row) { return (row - 1) >> s->segment_bits; }
int sq_heads_load(Sq *s, Conn *c); /* head_lock held */
void sq_heads_clear(Sq *s);        /* head_lock held */
Head *sq_head_find(const Sq *s, int64_t run);
Head *sq_head_add(Sq *s, int64_t run); /* head_lock held; NULL = no memory */
void sq_heads_evict(Sq *s);
void sq_bind_str(sqlite3_stmt *st, int at, const char *s);
bool sq_error(Conn *c, Err *e, const char *doing); /* false with the connection's error */

/* store_sqlite_ops.c: a batch inside the writer's transaction. */
int sq_ops_apply(Sq *s, Batch *b);
int sq_ops_flush_heads(Sq *s);
void sq_ops_commit(Sq *s);   /* cur becomes com */
void sq_ops_rollback(Sq *s); /* com becomes cur */
/* store_sqlite_table.c: tables. */
int sq_table_apply(Sq *s, Batch *b, const Op *op);
int64_t sq_table_max(Store *st);
bool sq_table_get(Store *st, const char *workspace, const char *name, StoreTable *out, Err *e);
size_t sq_tables(Store *st, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e);
bool sq_tables_pending(Store *st);
bool sq_table_row(Store *st, int64_t place, Blob *out, Err *e);
bool sq_table_rows(Store *st, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e);
bool sq_table_keys(Store *st, Bytesv from, Bytesv to, bool descending, bool (*f)(void *, Bytesv), void *ctx, Err *e);

/* store_sqlite_together.c */
void sq_together(Store *st, bool on);
void sq_look(Sq *s);
void sq_look_end(Sq *s);
/* store_sqlite_jobs.c */
int sq_job_apply(Sq *s, Batch *b, const Op *op);
int64_t sq_job_max(Store *st);
bool sq_job_get(Store *st, int64_t job, JobRow *out, Err *e);
bool sq_job_batch_get(Store *st, int64_t batch, JobBatchRow *out, Err *e);
int64_t sq_job_unique(Store *st, const char *workspace, const char *key, int64_t now_ms, Err *e);
size_t sq_jobs(Store *st, const JobQuery *q, JobRow *out, size_t max, Err *e);
int64_t sq_jobs_due(Store *st);
size_t sq_job_types(Store *st, const char *workspace, const char *after, char **out, size_t max, Err *e);
/* store_sqlite_reader.c */
Store *sq_reader(Store *of, Err *e);
bool sq_reader_begin(Store *reader, const _Atomic bool *stop, Err *e);
void sq_reader_end(Store *reader);
/* store_sqlite_pending.c: rows and keys of tables that are on their way. Reads take them before they ask the database, so that what is
 * committed in between is not missed. */
enum SqPending { SQ_PENDING_NONE, SQ_PENDING_THERE, SQ_PENDING_GONE, SQ_PENDING_ERROR };
enum SqPending sq_pending_row(Sq *s, int64_t place, Blob *out, Err *e);
typedef struct SqPendingItem { char *mem; Bytesv key, row; int64_t place; bool gone; } SqPendingItem; /* key: of keys; place, row: of rows */
typedef struct SqPendingRange { SqPendingItem *a; size_t n, cap; } SqPendingRange; /* in the order of the walk */
bool sq_pending_rows(Sq *s, int64_t from, int64_t to, bool descending, SqPendingRange *out, Err *e);
bool sq_pending_keys(Sq *s, Bytesv from, Bytesv to, bool descending, SqPendingRange *out, Err *e);
void sq_pending_free(SqPendingRange *r);
void sq_pending_done(Sq *s, const Batch *done); /* with queue_lock, when the batch is out of the list of pending ones */

void sq_ops_undo(Sq *s, uint64_t stamp, int64_t last_row); /* of one batch */

/* store_sqlite_read.c: a query bound and ready, or NULL with *e; a row, or false at the end (reset) and on an error (with *e). */
sqlite3_stmt *sq_query(Sq *s, enum SqStmt id, Err *e);
bool sq_next_row(Sq *s, sqlite3_stmt *st, Err *e);
char *sq_col_str(sqlite3_stmt *st, int i, bool *ok);
Blob sq_col_blob(sqlite3_stmt *st, int i, bool *ok);
bool sq_no_memory(Err *e);
/* store_sqlite_docs.c */
bool sq_doc_get(Store *st, const char *workspace, const char *kind, const char *key, DocRow *out, Err *e);
size_t sq_docs(Store *st, const DocQuery *q, DocRow *out, size_t max, Err *e);
/* store_sqlite_read.c */
void sq_kv_seen(Sq *s); /* with queue_lock: the next kv batch may be built on what is pending now */
/* store_sqlite_search.c: an entry in the running transaction. */
int sq_index_later(Conn *c, const IndexRow *r, bool gone);
int sq_index_work(Conn *c, int rows);
bool sq_index_waits(Store *st, Err *e);
int sq_index(Conn *c, const IndexRow *r);
int sq_unindex(Conn *c, const char *workspace, const char *target, const char *key);
size_t sq_search(Store *st, const SearchQuery *q, SearchHit *out, size_t max, Err *e);
extern const StoreImpl sq_impl;
void sq_close(Store *st);
const char *sq_failed(const Store *st);
void sq_submit(Store *st, Batch *b);
void sq_gather(Store *st, bool on);
bool sq_changed(Store *st);
void sq_stats(const Store *st, StoreStats *out);
#endif
