/* db.h - one statement on its way to a database and back (the :db step family).
 *
 * The engine thread fills a DbJob with plain malloc'ed data (engine_db.c, db_value.c), a helper thread runs it through the driver of its
 * target (db_run.c, db_pg.c, db_mysql.c, db_sqlite.c), and the engine thread turns what came back into values. Drivers see no values and
 * hold a connection only as long as they work on a job.
 *
 * Rows come back as a sequence of cells, each a tag and its bytes, in column order:
 *   N null   T F booleans   I int64   U instant, int64 ms   E double   and with a uint32 length: D double text, M decimal text, S text, J JSON,
 *   B bytes, G uuid text, Z integer text; L list: uint32 count, then the cells (uint32 and int64 in the machine's order). */
#ifndef BR_DB_H
#define BR_DB_H
#include "db_sql.h"
#include <pthread.h>
#include <stdatomic.h>

/* ---- targets ---- */

typedef struct DbTarget {
  char *key;               /* all that follows in one text: equal keys are one target */
  enum DbDialect dialect;
  char *host, *port, *database, *user, *password, *path; /* path: of SQLite's file */
  char *ssl_mode, *ssl_root, *application, *search_path;
  bool read_only;
  int64_t connect_ms;
  int most;                /* connections at the same time */
  /* the engine thread's */
  int active;
  struct DbFlight *first, *last; /* waiting for a connection */
  struct DbTarget *next;
  /* of all threads */
  pthread_mutex_t lock;
  struct DbIdle *idle;
} DbTarget;

/* ---- jobs ---- */

typedef struct DbParam {
  enum DbType { DB_NULL, DB_BOOL, DB_INT, DB_BIG /* beyond int64: text */, DB_DECIMAL, DB_DOUBLE, DB_TEXT, DB_INST, DB_UUID, DB_JSON, DB_LIST, DB_BYTES } type;
  int64_t i;     /* DB_BOOL DB_INT, DB_INST ms */
  double d;      /* DB_DOUBLE */
  char *s;       /* text of all but NULL, NUL-terminated; DB_LIST: as JSON */
  size_t n;
  char *array;   /* DB_LIST: as an array of PostgreSQL; NULL: it holds maps, only JSON will do */
} DbParam;

/* What went wrong. `type` is what the flow sees, NULL: nothing did. */
typedef struct DbFail {
  const char *type;   /* "db-error" "timeout" "network" "auth-failed" "oversize" "validation" "cancelled" "guard" */
  const char *class;  /* of a db-error: "constraint" "serialization" "deadlock" "lock" "busy" "permission" "read-only" "syntax" "data" "other" */
  char sqlstate[6];
  int code;           /* the driver's number; 0 none */
  bool retryable;     /* doing it again may help, and nothing has happened */
  bool unknown;       /* the statement was sent, and whether it has taken effect is not known */
  int line, col;      /* in :sql; 0 unknown */
  Buf message, detail, hint, constraint;
} DbFail;

typedef struct DbJob {
  DbTarget *target;
  char *source;        /* :sql as the author wrote it */
  size_t nsource;
  DbSql sql;
  DbParam *params;
  int nparams;
  int64_t max_rows;
  size_t max_bytes;
  int64_t deadline_us; /* db_clock_us */
  int64_t timeout_ms;
  const struct Guard *guard; /* the outbound guard; NULL: it is off */
  char *address;       /* with a guard: the checked addresses of the target's hosts; NULL: not resolved, or a socket of this machine */
  int wake;            /* eventfd: readable once cancelled */
  atomic_bool cancelled;
  /* the answer */
  DbFail fail;
  bool has_rows, sent;
  char **columns;
  int ncolumns;
  Buf rows;
  int64_t nrows, updated, last_id; /* last_id 0: none */
} DbJob;

int64_t db_clock_us(void); /* monotonic, the machine's own */
void db_job_free(DbJob *j);

/* false, for `return db_fail(...)`. The first failure of a job stays. */
bool db_fail(DbJob *j, const char *type, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool db_fail_network(DbJob *j, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* retryable; unknown if j->sent */
bool db_fail_oversize(DbJob *j, bool undone);  /* which limit, and what to do */
bool db_fail_late(DbJob *j, bool confirmed);   /* the deadline has passed or the run was cancelled; confirmed: the statement is stopped */
bool db_fail_open_transaction(DbJob *j);
void db_fail_clear(DbJob *j);
/* Class and retryable? of a db-error by its SQLSTATE; type becomes network for those that mean a lost connection. */
void db_classify(DbJob *j, const char *sqlstate);

/* Waits for the descriptor (POLLIN, POLLOUT; -1: only for the time), the deadline or the cancellation. extra_ms: beyond the deadline and
 * deaf to the cancellation, for stopping a statement. most_ms: -1, or return DB_READY after that time at the latest. */
enum DbWait { DB_READY, DB_LATE, DB_CANCELLED };
enum DbWait db_wait(DbJob *j, int fd, short events, int64_t most_ms);
bool db_wait_grace(int fd, short events, int64_t until_us); /* false: nothing until then */
bool db_due(const DbJob *j); /* late or cancelled */

/* ---- the outbound guard (db_guard.c); helper thread ---- */

bool db_address(DbJob *j, Err *e); /* j->address; code "guard" or "network" */
bool db_guarded(DbJob *j);         /* the same, for `return`: with j->fail */
bool db_peer_guarded(DbJob *j, int fd); /* where a socket has been connected to */

/* ---- rows ---- */

/* Columns of the answer: their names are copied, repeated ones get _2, _3. */
void db_columns(DbJob *j, int n, const char *(*name)(void *ctx, int i), void *ctx);
bool db_row_begin(DbJob *j); /* false: one row too many */
bool db_row_end(DbJob *j);   /* false: too many bytes */
void db_put_tag(Buf *b, char tag);
void db_put_bool(Buf *b, bool v);
void db_put_int(Buf *b, char tag, int64_t v);
void db_put_text(Buf *b, char tag, const char *s, size_t n);
size_t db_put_list(Buf *b);                       /* begins one; where its count goes */
void db_put_count(Buf *b, size_t at, uint32_t n);

/* ---- drivers ---- */

typedef struct DbDriver {
  const char *name;
  /* A connection, or NULL with j->fail. */
  void *(*open)(DbJob *j);
  /* A connection out of the pool: is it alive and as good as new? Nothing of the job is sent. */
  bool (*fresh)(void *conn, DbJob *j);
  /* Runs the statement. false: the connection is not to be used again (whether or not the job failed). */
  bool (*exec)(void *conn, DbJob *j);
  void (*close)(void *conn);
} DbDriver;
extern const DbDriver db_pg, db_mysql, db_sqlite; /* db_sqlite is SQLite's */

void db_run(void *job); /* on a helper thread: takes or opens a connection, runs, keeps or closes it */
bool db_tend(void);     /* closes connections that were idle for DB_IDLE_MS; are there any left? */
void db_target_register(DbTarget *t); /* engine thread; lives as long as the process */
DbTarget *db_target_find(const char *key);
enum { DB_IDLE_MS = 60000, DB_MOST_CONNECTIONS = 8, DB_CONNECT_MS = 10000, DB_GRACE_MS = 5000, DB_FRESH_MS = 3000 };
#endif
