/* db_pg.c - PostgreSQL through libpq, never blocking on the server: a helper thread waits on the socket, on the deadline and on the
 * cancellation at once.
 *
 * libpq is loaded (dlopen) at the first connection. Sessions are in UTC with ISO dates; rows come one by one, so that a large answer is
 * stopped and not held. After a statement DISCARD ALL is sent without waiting for its answer: it is read when the connection is next used,
 * which shows as well whether it is still alive. A statement with RETURNING runs inside BEGIN and COMMIT: when its rows are over a limit,
 * nothing has happened. */
#include "db_pg_types.h"
#include <dlfcn.h>
#include <poll.h>
#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PQ_FUNCTIONS(F)                                                                                                                    \
  F(PQconnectStartParams) F(PQconnectPoll) F(PQfinish) F(PQstatus) F(PQsocket) F(PQerrorMessage) F(PQsetErrorVerbosity)                    \
      F(PQsetnonblocking) F(PQflush) F(PQconsumeInput) F(PQisBusy) F(PQgetResult) F(PQsendQuery) F(PQsendQueryParams) F(PQsendPrepare)     \
          F(PQsendDescribePrepared) F(PQsetSingleRowMode) F(PQresultStatus) F(PQresultErrorField) F(PQclear) F(PQnfields) F(PQfname)       \
              F(PQftype) F(PQntuples) F(PQgetvalue) F(PQgetisnull) F(PQgetlength) F(PQcmdTuples) F(PQnparams) F(PQparamtype)               \
                  F(PQtransactionStatus) F(PQgetCancel) F(PQcancel) F(PQfreeCancel) F(PQsetNoticeProcessor) F(PQresultErrorMessage)
#define PQ_FIELD(f) __typeof__(&f) p_##f;
static struct {
  PQ_FUNCTIONS(PQ_FIELD) char error[200];
  bool ok;
} lib;
#define L(f) (lib.p_##f)
static pthread_once_t lib_once = PTHREAD_ONCE_INIT;

static void lib_load(void) {
  void *so = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(lib.error, sizeof lib.error, "%s", dlerror());
    return;
  }
#define PQ_LOAD(f)                                                                                                                         \
  *(void **)&lib.p_##f = dlsym(so, #f);                                                                                                    \
  if (!lib.p_##f) {                                                                                                                        \
    snprintf(lib.error, sizeof lib.error, "libpq.so.5 has no " #f);                                                                        \
    return;                                                                                                                                \
  }
  PQ_FUNCTIONS(PQ_LOAD)
  lib.ok = true;
}

typedef struct Conn {
  PGconn *pg;
  bool resetting; /* DISCARD ALL is on its way */
} Conn;

/* ---- failures ---- */

/* The first line, without "ERROR:  " or "FATAL:  28P01: " in front: *state is the SQLSTATE if it has one. */
static void first_line(const char *s, char state[6], Buf *out) {
  const char *colon = strchr(s, ':');
  size_t n = strcspn(s, "\n");
  state[0] = 0;
  for (const char *p = s; p + 6 < s + n; p++) /* in the form that verbose errors of a connection have */
    if (p[5] == ':' && p[6] == ' ' && p > s && p[-1] == ' ' && strspn(p, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
        strcspn(p, "0123456789") < 5) {
      memcpy(state, p, 5);
      state[5] = 0;
      colon = p + 5;
      break;
    }
  const char *from = state[0] && colon ? colon + 1 : s;
  while (from < s + n && *from == ' ') from++;
  buf_add(out, from, (size_t)(s + n - from));
}

static bool fail_connect(DbJob *j, PGconn *pg) {
  Buf text = {0};
  char state[6];
  first_line(pg ? L(PQerrorMessage)(pg) : "out of memory", state, &text);
  const char *type = !strncmp(state, "28", 2) ? "auth-failed" : !state[0] || !strncmp(state, "57P", 3) || !strncmp(state, "53", 2) ? "network" : "db-error";
  const char *on = j->target->host ? j->target->host : "the local server";
  if (!strcmp(type, "network")) db_fail_network(j, "PostgreSQL on %s: %s", on, buf_cstr(&text));
  else db_fail(j, type, "PostgreSQL on %s: %s", on, buf_cstr(&text));
  if (state[0]) {
    db_classify(j, state);
    j->fail.retryable = !strcmp(type, "network");
  }
  buf_free(&text);
  return false;
}

static void field(Buf *b, const PGresult *r, int code) {
  const char *s = L(PQresultErrorField)(r, code);
  if (s) buf_add(b, s, strnlen(s, 2000));
}

static void place(DbJob *j, const PGresult *r) {
  const char *at = L(PQresultErrorField)(r, PG_DIAG_STATEMENT_POSITION); /* characters from 1, in the text that was sent */
  if (!at) return;
  size_t offset = 0;
  for (long n = strtol(at, NULL, 10); n > 1 && offset < j->sql.text.n; n--)
    do offset++;
    while (offset < j->sql.text.n && ((unsigned char)j->sql.text.p[offset] & 0xc0) == 0x80);
  db_sql_place(j->source, j->nsource, DB_POSTGRES, offset, &j->fail.line, &j->fail.col);
}

static bool fail_result(DbJob *j, Conn *c, const PGresult *r) {
  if (j->fail.type) return false;
  const char *state = L(PQresultErrorField)(r, PG_DIAG_SQLSTATE), *text = L(PQresultErrorField)(r, PG_DIAG_MESSAGE_PRIMARY);
  if (!state || L(PQstatus)(c->pg) == CONNECTION_BAD || !strncmp(state, "08", 2) || !strncmp(state, "57P0", 4)) {
    Buf line = {0};
    char none[6];
    first_line(text ? text : L(PQresultErrorMessage)(r), none, &line);
    db_fail_network(j, "the connection to PostgreSQL broke: %s", line.n ? buf_cstr(&line) : "it was closed");
    if (state) snprintf(j->fail.sqlstate, sizeof j->fail.sqlstate, "%s", state);
    buf_free(&line);
    return false;
  }
  db_fail(j, !strcmp(state, "57014") ? "timeout" : "db-error", "%s", text ? text : "the statement failed");
  db_classify(j, state);
  field(&j->fail.detail, r, PG_DIAG_MESSAGE_DETAIL);
  field(&j->fail.hint, r, PG_DIAG_MESSAGE_HINT);
  field(&j->fail.constraint, r, PG_DIAG_CONSTRAINT_NAME);
  place(j, r);
  return false;
}

/* ---- connecting ---- */

static void quiet(void *arg, const char *message) { (void)arg, (void)message; }

static PGconn *start(const DbJob *j) {
  const DbTarget *t = j->target;
  Buf options = {0};
  buf_c(&options, "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c bytea_output=hex");
  if (t->read_only) buf_c(&options, " -c default_transaction_read_only=on");
  if (t->search_path) {
    buf_c(&options, " -c search_path=");
    for (const char *p = t->search_path; *p; p++) {
      if (*p == ' ' || *p == '\\') buf_ch(&options, '\\');
      buf_ch(&options, *p);
    }
  }
  const char *names[] = {"host", "hostaddr", "port", "dbname", "user", "password", "sslmode", "sslrootcert", "application_name", "client_encoding", "options",
                         "tcp_user_timeout", "keepalives_idle", NULL};
  const char *values[] = {t->host, j->address, t->port, t->database, t->user, t->password, t->ssl_mode, t->ssl_root, t->application ? t->application : "breyta-run", "UTF8",
                          buf_cstr(&options), "20000", "30", NULL};
  PGconn *pg = L(PQconnectStartParams)(names, values, 0);
  buf_free(&options);
  return pg;
}

static bool connected(DbJob *j, PGconn *pg) {
  int64_t until = db_clock_us() + j->target->connect_ms * 1000;
  short events = POLLOUT;
  for (;;) {
    int64_t left = (until - db_clock_us()) / 1000;
    if (left <= 0) return db_fail_network(j, "PostgreSQL on %s did not answer within %lld ms", j->target->host ? j->target->host : "the local server", (long long)j->target->connect_ms);
    enum DbWait w = db_wait(j, L(PQsocket)(pg), events, left);
    if (w != DB_READY) return db_fail_late(j, false);
    if (db_clock_us() >= until) continue;
    PostgresPollingStatusType s = L(PQconnectPoll)(pg);
    if (s == PGRES_POLLING_OK) return true;
    if (s == PGRES_POLLING_FAILED) return fail_connect(j, pg);
    events = s == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  }
}

static void *pg_open(DbJob *j) {
  pthread_once(&lib_once, lib_load);
  if (!lib.ok) return db_fail(j, "network", "PostgreSQL needs libpq (Debian package libpq5): %s", lib.error), NULL;
  if (!db_guarded(j)) return NULL;
  PGconn *pg = start(j);
  if (pg) L(PQsetErrorVerbosity)(pg, PQERRORS_VERBOSE);
  if (!pg || L(PQstatus)(pg) == CONNECTION_BAD ? !fail_connect(j, pg) : !connected(j, pg)) {
    if (pg) L(PQfinish)(pg);
    return NULL;
  }
  L(PQsetNoticeProcessor)(pg, quiet, NULL);
  L(PQsetnonblocking)(pg, 1);
  Conn *c = calloc(1, sizeof *c);
  if (!c) abort();
  c->pg = pg;
  return c;
}

static void pg_close(void *conn) {
  Conn *c = conn;
  L(PQfinish)(c->pg);
  free(c);
}

/* ---- waiting for results ---- */

/* Asks the server to stop, then waits a while for what it says. */
static bool stop(Conn *c, int64_t *until) {
  char text[256];
  PGcancel *k = L(PQgetCancel)(c->pg);
  bool ok = k && L(PQcancel)(k, text, sizeof text);
  if (k) L(PQfreeCancel)(k);
  *until = db_clock_us() + DB_GRACE_MS * 1000;
  return ok;
}

typedef struct Wait { DbJob *j; int64_t stop_until; /* 0: nobody has asked it to stop */ } Wait;

/* Until a result can be taken without waiting. false: it did not come, or the connection is broken (PQgetResult then says so at once). */
static bool result_ready(Conn *c, Wait *w) {
  for (;;) {
    int unsent = L(PQflush)(c->pg);
    if (unsent < 0) return true;
    if (!unsent && !L(PQisBusy)(c->pg)) return true;
    short events = (short)(POLLIN | (unsent ? POLLOUT : 0));
    if (w->stop_until) {
      if (!db_wait_grace(L(PQsocket)(c->pg), events, w->stop_until)) return false;
    } else if (db_wait(w->j, L(PQsocket)(c->pg), events, -1) != DB_READY) {
      if (!stop(c, &w->stop_until)) return false;
      continue;
    }
    if (!L(PQconsumeInput)(c->pg)) return true;
  }
}

/* ---- parameters ---- */

typedef struct Args { const char **values; int *lengths, *formats; Oid *types; } Args;

static void args_free(Args *a) {
  free(a->values);
  free(a->lengths);
  free(a->formats);
  free(a->types);
}

/* A value behaves as its literal in SQL would: a number is an integer, bigint or numeric, a text takes the type that its place asks for. */
static Oid type_of_param(const DbParam *p, bool plain) {
  switch (p->type) {
  case DB_BOOL: return PG_BOOL;
  case DB_INT: return p->i >= INT32_MIN && p->i <= INT32_MAX ? PG_INT4 : PG_INT8;
  case DB_BIG: case DB_DECIMAL: case DB_DOUBLE: return PG_NUMERIC;
  case DB_INST: return PG_TIMESTAMPTZ;
  case DB_UUID: return PG_UUID;
  case DB_JSON: return PG_JSONB;
  case DB_BYTES: return PG_BYTEA;
  case DB_LIST: return 0;
  case DB_NULL: case DB_TEXT: break;
  }
  return plain ? PG_TEXT : 0;
}

static Args args_of(const DbJob *j, bool plain, const Oid *asked) {
  size_t n = (size_t)j->nparams + 1;
  Args a = {calloc(n, sizeof *a.values), calloc(n, sizeof *a.lengths), calloc(n, sizeof *a.formats), calloc(n, sizeof *a.types)};
  if (!a.values || !a.lengths || !a.formats || !a.types) abort();
  for (int i = 0; i < j->nparams; i++) {
    const DbParam *p = &j->params[i];
    bool json = asked && (asked[i] == PG_JSON || asked[i] == PG_JSONB);
    a.types[i] = asked ? asked[i] : type_of_param(p, plain);
    a.values[i] = p->type == DB_NULL ? NULL : p->type == DB_LIST && p->array && !json ? p->array : p->s;
    a.lengths[i] = (int)p->n;
    a.formats[i] = p->type == DB_BYTES;
  }
  return a;
}

static bool has_lists(const DbJob *j) {
  for (int i = 0; i < j->nparams; i++)
    if (j->params[i].type == DB_LIST) return true;
  return false;
}

static bool take_all(Conn *c, Wait *w) { /* false: they did not come; failures are the job's */
  for (PGresult *r;; L(PQclear)(r)) {
    if (!result_ready(c, w)) return db_fail_late(w->j, false);
    if (!(r = L(PQgetResult)(c->pg))) return true;
    if (L(PQresultStatus)(r) == PGRES_FATAL_ERROR) fail_result(w->j, c, r);
  }
}

/* What the server takes the parameters for: a vector is an array or JSON, as the statement needs it. */
static bool asked_types(Conn *c, DbJob *j, Wait *w, bool plain, Oid *out) {
  Args a = args_of(j, plain, NULL);
  bool ok = L(PQsendPrepare)(c->pg, "", j->sql.text.p, j->nparams, a.types) && take_all(c, w) && !j->fail.type;
  args_free(&a);
  if (!ok || !L(PQsendDescribePrepared)(c->pg, "")) return false;
  for (PGresult *r;; L(PQclear)(r)) {
    if (!result_ready(c, w)) return db_fail_late(j, false);
    if (!(r = L(PQgetResult)(c->pg))) return !j->fail.type;
    if (L(PQresultStatus)(r) == PGRES_FATAL_ERROR) fail_result(j, c, r);
    for (int i = 0; i < j->nparams && i < L(PQnparams)(r); i++) out[i] = L(PQparamtype)(r, i);
  }
}

/* ---- rows ---- */

static const char *column_name(void *ctx, int i) { return L(PQfname)(ctx, i); }

static bool put_row(DbJob *j, PGresult *r, int row) {
  if (!db_row_begin(j)) return false;
  for (int i = 0, n = L(PQnfields)(r); i < n; i++)
    if (L(PQgetisnull)(r, row, i)) db_put_tag(&j->rows, 'N');
    else pg_cell(&j->rows, L(PQftype)(r, i), L(PQgetvalue)(r, row, i), (size_t)L(PQgetlength)(r, row, i));
  return db_row_end(j);
}

static bool put_rows(DbJob *j, PGresult *r) {
  db_columns(j, L(PQnfields)(r), column_name, r);
  for (int i = 0, n = L(PQntuples)(r); i < n; i++)
    if (!put_row(j, r, i)) return false;
  return true;
}

typedef struct Outcome { bool over, ended, lost; } Outcome;

/* true: go on. */
static bool take_result(Conn *c, DbJob *j, PGresult *r, Outcome *o) {
  switch (L(PQresultStatus)(r)) {
  case PGRES_SINGLE_TUPLE: case PGRES_TUPLES_OK:
    if (!o->over && !put_rows(j, r)) o->over = true;
    o->ended |= L(PQresultStatus)(r) == PGRES_TUPLES_OK;
    return true;
  case PGRES_COMMAND_OK:
    j->updated = strtoll(L(PQcmdTuples)(r), NULL, 10);
    return o->ended = true;
  case PGRES_EMPTY_QUERY: return db_fail(j, "validation", ":sql holds no statement"), true;
  case PGRES_COPY_IN: case PGRES_COPY_OUT: case PGRES_COPY_BOTH: return db_fail(j, "validation", "COPY from or to the client is not possible in a :db step");
  default: return fail_result(j, c, r), true;
  }
}

/* The results of what was sent. false: the connection cannot be used any more. */
static bool results(Conn *c, DbJob *j, Wait *w, Outcome *o) {
  for (bool stopped = false;;) {
    if (!result_ready(c, w)) return db_fail_late(j, false);
    PGresult *r = L(PQgetResult)(c->pg);
    if (!r) return L(PQstatus)(c->pg) == CONNECTION_OK;
    bool on = take_result(c, j, r, o);
    L(PQclear)(r);
    if (!on) return false;
    if (o->over && !stopped && !w->stop_until) stopped = stop(c, &w->stop_until);
  }
}

static bool simple(Conn *c, DbJob *j, Wait *w, const char *sql) {
  return L(PQsendQuery)(c->pg, sql) ? take_all(c, w) && !j->fail.type : db_fail_network(j, "the connection to PostgreSQL broke");
}

static bool send(Conn *c, DbJob *j, const Args *a) {
  bool ok = L(PQsendQueryParams)(c->pg, j->sql.text.p, j->nparams, a->types, a->values, a->lengths, a->formats, 0);
  if (!ok) return db_fail_network(j, "the connection to PostgreSQL broke");
  j->sent = true;
  L(PQsetSingleRowMode)(c->pg);
  return true;
}

static bool run_once(Conn *c, DbJob *j, Wait *w, Outcome *o, bool plain) {
  Oid *asked = has_lists(j) ? calloc((size_t)j->nparams, sizeof *asked) : NULL;
  bool ok = !asked || asked_types(c, j, w, plain, asked);
  if (ok) {
    Args a = args_of(j, plain, asked);
    ok = send(c, j, &a) && results(c, j, w, o);
    args_free(&a);
  }
  free(asked);
  return ok || (j->fail.type && L(PQtransactionStatus)(c->pg) != PQTRANS_ACTIVE && L(PQstatus)(c->pg) == CONNECTION_OK);
}

/* What has become of the statement once nothing of it is on its way any more. */
static void judge(DbJob *j, Wait *w, Outcome *o) {
  bool cancelled = w->stop_until && !strcmp(j->fail.sqlstate, "57014");
  if (o->over && (!j->fail.type || cancelled)) {
    db_fail_clear(j);
    db_fail_oversize(j, j->sql.returning);
  } else if (cancelled) { /* ended in time after all: it is a success */
    db_fail_clear(j);
    db_fail_late(j, true);
  }
}

/* The server could not tell the type of a parameter (`? is null`): nothing was run, texts then say that they are texts. */
static bool indeterminate(const DbJob *j) { return j->fail.type && (!strcmp(j->fail.sqlstate, "42P18")); }

static bool statement(Conn *c, DbJob *j, Wait *w, Outcome *o) {
  bool whole = j->sql.returning;
  if (whole && !simple(c, j, w, "BEGIN")) return false;
  bool ok = run_once(c, j, w, o, false);
  if (ok && indeterminate(j) && !whole) {
    db_fail_clear(j);
    ok = run_once(c, j, w, o, true);
  }
  judge(j, w, o);
  if (!ok || !whole) return ok;
  if (j->fail.type) return false; /* closing the connection rolls back: nothing has happened */
  return simple(c, j, w, "COMMIT");
}

static bool pg_exec(void *conn, DbJob *j) {
  Conn *c = conn;
  Wait w = {j, 0};
  Outcome o = {0};
  bool ok = statement(c, j, &w, &o);
  if (!ok && !j->fail.type) db_fail_network(j, "the connection to PostgreSQL broke");
  if (!ok || L(PQstatus)(c->pg) != CONNECTION_OK) return false;
  if (L(PQtransactionStatus)(c->pg) != PQTRANS_IDLE) return db_fail_open_transaction(j);
  c->resetting = L(PQsendQuery)(c->pg, "DISCARD ALL") && L(PQflush)(c->pg) == 0;
  return c->resetting;
}

static bool pg_fresh(void *conn, DbJob *j) {
  Conn *c = conn;
  Wait w = {j, db_clock_us() + DB_FRESH_MS * 1000};
  c->resetting = false;
  if (!L(PQconsumeInput)(c->pg) || !take_all(c, &w) || j->fail.type) return false;
  struct pollfd p = {.fd = L(PQsocket)(c->pg), .events = POLLIN}; /* idle: it has nothing to say unless it is going */
  return poll(&p, 1, 0) == 0 && L(PQstatus)(c->pg) == CONNECTION_OK;
}

const DbDriver db_pg = {"PostgreSQL", pg_open, pg_fresh, pg_exec, pg_close};
