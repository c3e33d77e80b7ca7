/* db_mysql.c - MariaDB and MySQL through libmariadb's non-blocking functions: a helper thread waits on the socket, on the deadline and on
 * the cancellation at once.
 *
 * libmariadb is loaded (dlopen) at the first connection. Statements are prepared on the server; rows are fetched one by one, so that a
 * large answer is stopped and not held. A statement is stopped with KILL QUERY over a second connection. A connection that is used again
 * is reset first, which shows as well whether it is alive. Sessions are in UTC and UTF-8; an UPDATE counts the rows it has found, as
 * other databases do; LOAD DATA LOCAL is off. */
#include "db.h"
#include "db_time.h"
#include <dlfcn.h>
#include <mariadb/mysql.h>
#include <mariadb/errmsg.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MY_FUNCTIONS(F)                                                                                                                    \
  F(mysql_server_init) F(mysql_init) F(mysql_close) F(mysql_options) F(mysql_ssl_set) F(mysql_real_connect) F(mysql_real_query)            \
      F(mysql_real_connect_start) F(mysql_real_connect_cont) F(mysql_real_query_start) F(mysql_real_query_cont)                            \
          F(mysql_reset_connection_start) F(mysql_reset_connection_cont) F(mysql_get_socket) F(mysql_get_timeout_value_ms)                 \
              F(mysql_errno) F(mysql_error) F(mysql_sqlstate) F(mysql_thread_id) F(mysql_stmt_init) F(mysql_stmt_close)                    \
                  F(mysql_stmt_prepare_start) F(mysql_stmt_prepare_cont) F(mysql_stmt_param_count) F(mysql_stmt_bind_param)                \
                      F(mysql_stmt_execute_start) F(mysql_stmt_execute_cont) F(mysql_stmt_fetch_start) F(mysql_stmt_fetch_cont)            \
                          F(mysql_stmt_next_result_start) F(mysql_stmt_next_result_cont) F(mysql_stmt_free_result_start)                   \
                              F(mysql_stmt_free_result_cont) F(mysql_stmt_field_count) F(mysql_stmt_result_metadata)                       \
                                  F(mysql_stmt_bind_result) F(mysql_stmt_fetch_column) F(mysql_stmt_affected_rows)                         \
                                      F(mysql_stmt_insert_id) F(mysql_stmt_errno) F(mysql_stmt_error) F(mysql_stmt_sqlstate)               \
                                          F(mysql_fetch_fields) F(mysql_free_result) F(mariadb_field_attr)
#define MY_FIELD(f) __typeof__(&f) p_##f;
static struct {
  MY_FUNCTIONS(MY_FIELD) char error[200];
  bool ok;
} lib;
#define L(f) (lib.p_##f)
static pthread_once_t lib_once = PTHREAD_ONCE_INIT;

static void lib_load(void) {
  void *so = dlopen("libmariadb.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(lib.error, sizeof lib.error, "%s", dlerror());
    return;
  }
#define MY_LOAD(f)                                                                                                                         \
  *(void **)&lib.p_##f = dlsym(so, #f);                                                                                                    \
  if (!lib.p_##f) {                                                                                                                        \
    snprintf(lib.error, sizeof lib.error, "libmariadb.so.3 has no " #f);                                                                   \
    return;                                                                                                                                \
  }
  MY_FUNCTIONS(MY_LOAD)
  lib.ok = L(mysql_server_init)(0, NULL, NULL) == 0;
  if (!lib.ok) snprintf(lib.error, sizeof lib.error, "it could not be initialised");
}

typedef struct Conn { MYSQL *my; unsigned long id; } Conn;

/* ---- failures ---- */

enum Lost { MY_AUTH = 1045, MY_AUTH_DB = 1044, MY_AUTH_SOCKET = 1698, MY_TOO_MANY = 1040, MY_SHUTDOWN = 1053, MY_LOCK_WAIT = 1205, MY_DEADLOCK = 1213,
            MY_INTERRUPTED = 1317, MY_CHECK = 4025, MY_STATEMENT_TIME = 1969, MY_EXECUTION_TIME = 3024, MY_KILLED = 1927, MY_READ_ONLY = 1792,
            MY_DENIED_FIRST = 1142, MY_DENIED_LAST = 1143, MY_DENIED_PRIVILEGE = 1227, MY_SERVER_READ_ONLY = 1290 };

static bool lost(unsigned no) {
  return no == CR_SERVER_GONE_ERROR || no == CR_SERVER_LOST || no == CR_CONNECTION_ERROR || no == CR_CONN_HOST_ERROR || no == CR_UNKNOWN_HOST ||
         no == MY_SHUTDOWN || no == MY_KILLED || no == MY_TOO_MANY || no == CR_SSL_CONNECTION_ERROR || no == CR_MALFORMED_PACKET;
}

/* MariaDB gives many errors the SQLSTATE HY000 or 42000. */
static void classify(DbJob *j, unsigned no, const char *state) {
  static const struct { unsigned no; const char *class; bool again; } rows[] = {
      {MY_DEADLOCK, "deadlock", true}, {MY_LOCK_WAIT, "lock", true}, {MY_CHECK, "constraint", false}, {MY_DENIED_FIRST, "permission", false},
      {MY_DENIED_LAST, "permission", false}, {MY_DENIED_PRIVILEGE, "permission", false}, {MY_READ_ONLY, "read-only", false}, {MY_SERVER_READ_ONLY, "read-only", false}};
  db_classify(j, state);
  j->fail.code = (int)no;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].no == no) {
      j->fail.class = rows[i].class;
      j->fail.retryable = rows[i].again;
    }
}

static bool fail_with(DbJob *j, unsigned no, const char *state, const char *text) {
  if (j->fail.type) return false;
  if (lost(no)) {
    db_fail_network(j, "%s: %s", j->sent ? "the connection to MariaDB broke" : "MariaDB", *text ? text : "the connection was closed");
    j->fail.code = (int)no;
    return false;
  }
  bool late = no == MY_STATEMENT_TIME || no == MY_EXECUTION_TIME;
  db_fail(j, no == MY_AUTH || no == MY_AUTH_DB || no == MY_AUTH_SOCKET ? "auth-failed" : late ? "timeout" : "db-error", "%s", text);
  classify(j, no, state);
  return false;
}

static bool fail_conn(DbJob *j, MYSQL *m) { return fail_with(j, L(mysql_errno)(m), L(mysql_sqlstate)(m), L(mysql_error)(m)); }
static bool fail_stmt(DbJob *j, MYSQL_STMT *s) { /* an error between rows stands on the connection alone */
  unsigned no = L(mysql_stmt_errno)(s);
  return no || !s->mysql ? fail_with(j, no, L(mysql_stmt_sqlstate)(s), L(mysql_stmt_error)(s)) : fail_conn(j, s->mysql);
}

/* ---- waiting ---- */

typedef struct Wait {
  DbJob *j;
  MYSQL *my;
  unsigned long id;    /* 0: there is nothing to stop yet */
  int64_t stop_until;  /* 0: nobody has asked it to stop */
  bool gone;           /* it did not answer: the connection is in the middle of something and must be closed */
} Wait;

static MYSQL *connect_blocking(DbJob *j);

static bool kill_query(const Wait *w) {
  char sql[64];
  MYSQL *m = connect_blocking(w->j);
  if (!m) return false;
  int n = snprintf(sql, sizeof sql, "KILL QUERY %lu", w->id);
  bool ok = !L(mysql_real_query)(m, sql, (unsigned long)n);
  L(mysql_close)(m);
  return ok;
}

/* What the library waits for has come: the status for the _cont function. -1: it is given up. */
static int await(Wait *w, int status) {
  short events = (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) | (status & MYSQL_WAIT_WRITE ? POLLOUT : 0) | (status & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
  int fd = (int)L(mysql_get_socket)(w->my);
  int64_t most = status & MYSQL_WAIT_TIMEOUT ? (int64_t)L(mysql_get_timeout_value_ms)(w->my) : -1, began = db_clock_us();
  for (;;) {
    if (w->stop_until) {
      if (db_wait_grace(fd, events, w->stop_until)) break;
      return w->gone = true, -1;
    }
    enum DbWait r = db_wait(w->j, fd, events, most);
    if (r == DB_READY) break;
    if (!w->id) return w->gone = true, -1;
    kill_query(w);
    w->stop_until = db_clock_us() + DB_GRACE_MS * 1000;
  }
  if (most >= 0 && db_clock_us() - began >= most * 1000) return MYSQL_WAIT_TIMEOUT;
  struct pollfd p = {.fd = fd, .events = events};
  poll(&p, 1, 0);
  int got = (p.revents & (POLLIN | POLLERR | POLLHUP) ? MYSQL_WAIT_READ : 0) | (p.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
            (p.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
  return got & status ? got & status : status & ~MYSQL_WAIT_TIMEOUT;
}

/* ret = f(obj, ...) with the waiting done here; leaves the function with `otherwise` when it was given up. */
#define AWAIT(w, ret, f, obj, otherwise, ...)                   \
  for (int st_ = L(f##_start)(&(ret), obj, ##__VA_ARGS__); st_;) { \
    if ((st_ = await(w, st_)) < 0) return otherwise;            \
    st_ = L(f##_cont)(&(ret), obj, st_);                        \
  }

/* ---- connecting ---- */

static bool is_mode(const DbTarget *t, const char *mode) { return t->ssl_mode && !strcmp(t->ssl_mode, mode); }

static MYSQL *new_handle(const DbTarget *t, unsigned seconds) {
  MYSQL *m = L(mysql_init)(NULL);
  if (!m) return NULL;
  char on = 1, off = 0, verify = is_mode(t, "verify-ca") || is_mode(t, "verify-full");
  unsigned zero = 0;
  L(mysql_options)(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  L(mysql_options)(m, MYSQL_OPT_LOCAL_INFILE, &zero);
  L(mysql_options)(m, MYSQL_OPT_RECONNECT, &off);
  L(mysql_options)(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  if (verify || is_mode(t, "require")) L(mysql_options)(m, MYSQL_OPT_SSL_ENFORCE, &on);
  L(mysql_options)(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  if (t->ssl_root) L(mysql_ssl_set)(m, NULL, NULL, t->ssl_root, NULL, NULL);
  return m;
}

typedef struct Address { const char *host, *socket; unsigned port; } Address;
/* The name stays where a certificate is compared with it; then the peer is looked at as well (connected). */
static bool by_name(const DbTarget *t) { return is_mode(t, "verify-ca") || is_mode(t, "verify-full"); }

static Address address(const DbJob *j) {
  const DbTarget *t = j->target;
  if (j->address && !by_name(t)) return (Address){j->address, NULL, t->port ? (unsigned)strtoul(t->port, NULL, 10) : 0};
  bool path = t->host && *t->host == '/';
  return (Address){path ? NULL : t->host ? t->host : "127.0.0.1", path ? t->host : NULL, t->port ? (unsigned)strtoul(t->port, NULL, 10) : 0};
}

static MYSQL *connect_blocking(DbJob *j) {
  const DbTarget *t = j->target;
  Err e = {0};
  if (!db_address(j, &e)) return NULL;
  unsigned seconds = DB_GRACE_MS / 1000;
  MYSQL *m = new_handle(t, seconds);
  Address a = address(j);
  if (!m) return NULL;
  L(mysql_options)(m, MYSQL_OPT_READ_TIMEOUT, &seconds);
  L(mysql_options)(m, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
  if (L(mysql_real_connect)(m, a.host, t->user, t->password, NULL, a.port, a.socket, 0)) return m;
  L(mysql_close)(m);
  return NULL;
}

static bool query(Wait *w, const char *sql) {
  int rc = 0;
  AWAIT(w, rc, mysql_real_query, w->my, db_fail_late(w->j, false), sql, strlen(sql))
  return rc ? fail_conn(w->j, w->my) : true;
}

static bool set_up(Wait *w) {
  if (!query(w, "SET NAMES utf8mb4, time_zone='+00:00', autocommit=1")) return false;
  return !w->j->target->read_only || query(w, "SET SESSION TRANSACTION READ ONLY");
}

static bool connected(Wait *w) {
  const DbTarget *t = w->j->target;
  Address a = address(w->j);
  MYSQL *got = NULL;
  int st = L(mysql_real_connect_start)(&got, w->my, a.host, t->user, t->password, t->database, a.port, a.socket, CLIENT_FOUND_ROWS);
  while (st) {
    if ((st = await(w, st)) < 0) return db_fail_late(w->j, false);
    st = L(mysql_real_connect_cont)(&got, w->my, st);
  }
  if (got && by_name(t) && !db_peer_guarded(w->j, (int)L(mysql_get_socket)(w->my))) return false;
  return got ? set_up(w) : fail_conn(w->j, w->my);
}

static void *my_open(DbJob *j) {
  pthread_once(&lib_once, lib_load);
  if (!lib.ok) return db_fail(j, "network", "MySQL needs libmariadb (Debian package libmariadb3): %s", lib.error), NULL;
  if (!db_guarded(j)) return NULL;
  MYSQL *m = new_handle(j->target, (unsigned)((j->target->connect_ms + 999) / 1000));
  if (!m) return db_fail(j, "network", "MariaDB: out of memory"), NULL;
  L(mysql_options)(m, MYSQL_OPT_NONBLOCK, 0);
  Wait w = {.j = j, .my = m};
  if (!connected(&w)) {
    L(mysql_close)(m);
    return NULL;
  }
  Conn *c = calloc(1, sizeof *c);
  if (!c) abort();
  *c = (Conn){m, L(mysql_thread_id)(m)};
  return c;
}

static void my_close(void *conn) {
  Conn *c = conn;
  L(mysql_close)(c->my);
  free(c);
}

static bool reset(Wait *w) {
  int rc = 1;
  AWAIT(w, rc, mysql_reset_connection, w->my, false)
  return !rc;
}

static bool my_fresh(void *conn, DbJob *j) {
  Conn *c = conn;
  Wait w = {.j = j, .my = c->my, .stop_until = db_clock_us() + DB_FRESH_MS * 1000};
  struct pollfd p = {.fd = (int)L(mysql_get_socket)(c->my), .events = POLLIN}; /* idle: it has nothing to say unless it is going */
  return poll(&p, 1, 0) == 0 && reset(&w) && set_up(&w);
}

/* ---- parameters ---- */

static MYSQL_TIME time_of(int64_t ms) {
  int64_t in = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;
  time_t s = (time_t)((ms - in) / 1000);
  struct tm t;
  gmtime_r(&s, &t);
  return (MYSQL_TIME){.year = (unsigned)t.tm_year + 1900, .month = (unsigned)t.tm_mon + 1, .day = (unsigned)t.tm_mday, .hour = (unsigned)t.tm_hour,
                      .minute = (unsigned)t.tm_min, .second = (unsigned)t.tm_sec, .second_part = (unsigned long)in * 1000, .time_type = MYSQL_TIMESTAMP_DATETIME};
}

static enum enum_field_types type_of_param(const DbParam *p) {
  switch (p->type) {
  case DB_NULL: return MYSQL_TYPE_NULL;
  case DB_BOOL: case DB_INT: return MYSQL_TYPE_LONGLONG;
  case DB_BIG: case DB_DECIMAL: return MYSQL_TYPE_NEWDECIMAL;
  case DB_DOUBLE: return MYSQL_TYPE_DOUBLE;
  case DB_INST: return MYSQL_TYPE_DATETIME;
  case DB_BYTES: return MYSQL_TYPE_BLOB;
  case DB_TEXT: case DB_UUID: case DB_JSON: case DB_LIST: break;
  }
  return MYSQL_TYPE_STRING;
}

static bool bind(DbJob *j, MYSQL_STMT *s, MYSQL_BIND *b, MYSQL_TIME *times) {
  for (int i = 0; i < j->nparams; i++) {
    DbParam *p = &j->params[i];
    b[i].buffer_type = type_of_param(p);
    if (p->type == DB_INST) times[i] = time_of(p->i);
    b[i].buffer = p->type == DB_INST ? (void *)&times[i] : p->type == DB_DOUBLE ? (void *)&p->d : p->type == DB_INT || p->type == DB_BOOL ? (void *)&p->i : p->s;
    b[i].buffer_length = b[i].length_value = p->n;
  }
  if (L(mysql_stmt_param_count)(s) != (unsigned long)j->nparams)
    return db_fail(j, "validation", "MariaDB finds %lu parameters in :sql, and :params has %d values", L(mysql_stmt_param_count)(s), j->nparams);
  return !j->nparams || !L(mysql_stmt_bind_param)(s, b) ? true : fail_stmt(j, s);
}

/* ---- columns ---- */

typedef struct Column {
  char kind; /* tag of db.h, or: i integer, b boolean, f FLOAT, 1 BIT, t DATETIME, d DATE, c TIME */
  bool is_unsigned, one_bit;
  int decimals;
  unsigned long length;
  char null, error;
  union { int64_t i; double d; float f; MYSQL_TIME t; } v;
} Column;

static bool attribute(const MYSQL_FIELD *f, enum mariadb_field_attr_t a, const char *is) {
  MARIADB_CONST_STRING s = {0};
  return !L(mariadb_field_attr)(&s, f, a) && s.length == strlen(is) && !memcmp(s.str, is, s.length);
}

static char text_kind(const MYSQL_FIELD *f) {
  if (attribute(f, MARIADB_FIELD_ATTR_FORMAT_NAME, "json")) return 'J';
  if (attribute(f, MARIADB_FIELD_ATTR_DATA_TYPE_NAME, "uuid")) return 'G';
  if (attribute(f, MARIADB_FIELD_ATTR_DATA_TYPE_NAME, "inet4") || attribute(f, MARIADB_FIELD_ATTR_DATA_TYPE_NAME, "inet6")) return 'S';
  return f->charsetnr == 63 ? 'B' : 'S';
}

static char kind_of(const MYSQL_FIELD *f) {
  switch (f->type) {
  case MYSQL_TYPE_NULL: return 'N';
  case MYSQL_TYPE_TINY: return f->length == 1 && !(f->flags & UNSIGNED_FLAG) ? 'b' : 'i'; /* BOOLEAN is TINYINT(1) */
  case MYSQL_TYPE_SHORT: case MYSQL_TYPE_LONG: case MYSQL_TYPE_INT24: case MYSQL_TYPE_LONGLONG: case MYSQL_TYPE_YEAR: return 'i';
  case MYSQL_TYPE_DOUBLE: return 'E';
  case MYSQL_TYPE_FLOAT: return 'f';
  case MYSQL_TYPE_DECIMAL: case MYSQL_TYPE_NEWDECIMAL: return 'M';
  case MYSQL_TYPE_TIMESTAMP: return 'U';
  case MYSQL_TYPE_DATETIME: return 't';
  case MYSQL_TYPE_DATE: case MYSQL_TYPE_NEWDATE: return 'd';
  case MYSQL_TYPE_TIME: return 'c';
  case MYSQL_TYPE_BIT: return '1';
  case MYSQL_TYPE_JSON: return 'J';
  default: return text_kind(f);
  }
}

static void bind_column(const MYSQL_FIELD *f, Column *c, MYSQL_BIND *b) {
  c->kind = kind_of(f);
  c->is_unsigned = f->flags & UNSIGNED_FLAG;
  c->decimals = (int)f->decimals;
  c->one_bit = f->length == 1;
  b->is_null = (my_bool *)&c->null;
  b->error = (my_bool *)&c->error;
  b->length = &c->length;
  b->buffer = &c->v;
  b->buffer_length = sizeof c->v;
  b->is_unsigned = c->is_unsigned;
  if (strchr("ib", c->kind)) b->buffer_type = MYSQL_TYPE_LONGLONG;
  else if (c->kind == 'E') b->buffer_type = MYSQL_TYPE_DOUBLE;
  else if (c->kind == 'f') b->buffer_type = MYSQL_TYPE_FLOAT;
  else if (strchr("Utdc", c->kind)) b->buffer_type = f->type;
  else b->buffer_type = strchr("B1", c->kind) ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING, b->buffer_length = 0; /* fetched once its length is known */
}

/* ---- cells ---- */

static void put_fraction(Buf *b, const MYSQL_TIME *t, int decimals) {
  char f[8];
  if (decimals < 1 || decimals > 6) return;
  snprintf(f, sizeof f, "%06lu", t->second_part % 1000000);
  buf_fmt(b, ".%.*s", decimals, f);
}

static void put_time(Buf *out, const Column *c) {
  const MYSQL_TIME *t = &c->v.t;
  Buf b = {0};
  if (c->kind == 'U' && t->year && t->month && t->day) {
    int64_t ms = db_time_ms(t->year, (int)t->month, (int)t->day) + ((t->hour * 60LL + t->minute) * 60 + t->second) * 1000 + (int64_t)t->second_part / 1000;
    return db_put_int(out, 'U', ms);
  }
  if (c->kind == 'c') buf_fmt(&b, "%s%02u:%02u:%02u", t->neg ? "-" : "", t->hour + t->day * 24, t->minute, t->second);
  else buf_fmt(&b, "%04u-%02u-%02u", t->year, t->month, t->day);
  if (c->kind == 't' || c->kind == 'U') buf_fmt(&b, "T%02u:%02u:%02u", t->hour, t->minute, t->second);
  if (c->kind != 'd') put_fraction(&b, t, c->decimals);
  db_put_text(out, 'S', b.p, b.n);
  buf_free(&b);
}

static void put_integer(Buf *out, const Column *c) {
  if (c->kind == 'b') return db_put_bool(out, c->v.i != 0);
  if (!c->is_unsigned || c->v.i >= 0) return db_put_int(out, 'I', c->v.i);
  char t[24];
  db_put_text(out, 'Z', t, (size_t)snprintf(t, sizeof t, "%llu", (unsigned long long)c->v.i));
}

/* The shortest digits that mean this float: 0.1 and not 0.10000000149011612. */
static void put_float(Buf *out, float f) {
  char t[40];
  int n = 0;
  for (int digits = 6; digits <= 9; digits++) {
    n = snprintf(t, sizeof t, "%.*e", digits - 1, (double)f);
    if (strtof(t, NULL) == f) break;
  }
  for (int i = 0; i < n; i++) /* whatever the locale's point is */
    if (!strchr("0123456789e+-", t[i])) t[i] = '.';
  db_put_text(out, 'D', t, (size_t)n);
}

static void put_bits(Buf *out, const Column *c, const unsigned char *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
  if (c->one_bit) db_put_bool(out, v != 0);
  else db_put_int(out, 'I', (int64_t)v);
}

static bool put_long(DbJob *j, MYSQL_STMT *s, const Column *c, unsigned i, Buf *scratch) {
  unsigned long length = 0;
  char error = 0, null = 0;
  MYSQL_BIND b = {.buffer_type = strchr("B1", c->kind) ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING, .length = &length, .error = (my_bool *)&error, .is_null = (my_bool *)&null};
  scratch->n = 0;
  buf_cstr(scratch);
  while (scratch->cap <= c->length) buf_add(scratch, "0123456789abcdef0123456789abcdef", 32);
  b.buffer = scratch->p;
  b.buffer_length = c->length;
  if (c->length && L(mysql_stmt_fetch_column)(s, &b, i, 0)) return fail_stmt(j, s);
  if (c->kind == '1') put_bits(&j->rows, c, (unsigned char *)scratch->p, c->length);
  else db_put_text(&j->rows, c->kind, scratch->p, c->length);
  return true;
}

static bool put_cell(DbJob *j, MYSQL_STMT *s, const Column *c, unsigned i, Buf *scratch) {
  int64_t bits;
  if (c->null || c->kind == 'N') return db_put_tag(&j->rows, 'N'), true;
  if (strchr("ib", c->kind)) return put_integer(&j->rows, c), true;
  if (strchr("Utdc", c->kind)) return put_time(&j->rows, c), true;
  if (c->kind == 'f') return put_float(&j->rows, c->v.f), true;
  if (c->kind != 'E') return put_long(j, s, c, i, scratch);
  memcpy(&bits, &c->v.d, sizeof bits);
  return db_put_int(&j->rows, 'E', bits), true;
}

/* ---- rows ---- */

typedef struct Fetch { MYSQL_STMT *s; Column *cols; unsigned n; Buf scratch; bool over; } Fetch;

static bool put_row(DbJob *j, Fetch *f) {
  if (!db_row_begin(j)) return f->over = true, false;
  for (unsigned i = 0; i < f->n; i++)
    if (!put_cell(j, f->s, &f->cols[i], i, &f->scratch)) return false;
  return db_row_end(j) || (f->over = true, false);
}

static bool fetch_all(Wait *w, Fetch *f) {
  for (;;) {
    int rc = 0;
    AWAIT(w, rc, mysql_stmt_fetch, f->s, db_fail_late(w->j, false))
    if (rc == MYSQL_NO_DATA) return true;
    if (rc == 1) return fail_stmt(w->j, f->s);
    if (!put_row(w->j, f)) return false;
  }
}

static const char *column_name(void *ctx, int i) { return ((MYSQL_FIELD *)ctx)[i].name; }

static bool rows(Wait *w, Fetch *f) {
  MYSQL_RES *meta = L(mysql_stmt_result_metadata)(f->s);
  if (!meta) return fail_stmt(w->j, f->s);
  MYSQL_FIELD *fields = L(mysql_fetch_fields)(meta);
  MYSQL_BIND *b = calloc(f->n, sizeof *b);
  f->cols = calloc(f->n, sizeof *f->cols);
  if (!b || !f->cols) abort();
  for (unsigned i = 0; i < f->n; i++) bind_column(&fields[i], &f->cols[i], &b[i]);
  db_columns(w->j, (int)f->n, column_name, fields);
  bool ok = L(mysql_stmt_bind_result)(f->s, b) ? fail_stmt(w->j, f->s) : fetch_all(w, f);
  free(b);
  free(f->cols);
  buf_free(&f->scratch);
  L(mysql_free_result)(meta);
  return ok;
}

/* What a procedure gives besides its first result. */
static bool rest(Wait *w, MYSQL_STMT *s) {
  for (;;) {
    my_bool freed = 0;
    int rc = 0;
    AWAIT(w, freed, mysql_stmt_free_result, s, db_fail_late(w->j, false))
    AWAIT(w, rc, mysql_stmt_next_result, s, db_fail_late(w->j, false))
    if (rc > 0) return fail_stmt(w->j, s);
    if (rc < 0) return true;
  }
}

/* ---- statements ---- */

static bool prepared(Wait *w, MYSQL_STMT *s) {
  int rc = 0;
  AWAIT(w, rc, mysql_stmt_prepare, s, db_fail_late(w->j, false), w->j->sql.text.p, (unsigned long)w->j->sql.text.n)
  return rc ? fail_stmt(w->j, s) : true;
}

static bool executed(Wait *w, MYSQL_STMT *s) {
  int rc = 0;
  w->j->sent = true;
  AWAIT(w, rc, mysql_stmt_execute, s, db_fail_late(w->j, false))
  return rc ? fail_stmt(w->j, s) : true;
}

/* false with over: more rows than wanted are still to come. */
static bool answer(Wait *w, MYSQL_STMT *s, bool *over) {
  Fetch f = {.s = s, .n = L(mysql_stmt_field_count)(s)};
  if (f.n) {
    bool ok = rows(w, &f);
    *over = f.over;
    return ok && rest(w, s);
  }
  w->j->updated = (int64_t)L(mysql_stmt_affected_rows)(s);
  w->j->last_id = (int64_t)L(mysql_stmt_insert_id)(s);
  return rest(w, s);
}

static bool statement(Wait *w, MYSQL_STMT *s, bool *over) {
  size_t n = (size_t)w->j->nparams + 1;
  MYSQL_BIND *b = calloc(n, sizeof *b);
  MYSQL_TIME *times = calloc(n, sizeof *times);
  if (!b || !times) abort();
  bool ok = prepared(w, s) && bind(w->j, s, b, times) && executed(w, s) && answer(w, s, over);
  free(b);
  free(times);
  return ok;
}

static void judge(Wait *w, bool over) {
  DbJob *j = w->j;
  bool stopped = w->stop_until && !w->gone && j->fail.type && j->fail.code == MY_INTERRUPTED;
  if (over) {
    db_fail_clear(j);
    db_fail_oversize(j, j->sql.returning);
  } else if (stopped) {
    db_fail_clear(j);
    db_fail_late(j, true);
  }
}

/* Is the connection good for another statement? A statement that is not at its end is abandoned with it. */
static bool finish(Conn *c, Wait *w, MYSQL_STMT *s, bool ended) {
  bool broken = w->gone || lost(L(mysql_errno)(c->my)) || (!ended && !w->j->fail.code);
  if (broken) { /* in this order nothing is read any more */
    L(mysql_close)(c->my);
    c->my = NULL;
  }
  L(mysql_stmt_close)(s);
  return !broken;
}

static bool my_exec(void *conn, DbJob *j) {
  Conn *c = conn;
  Wait w = {.j = j, .my = c->my, .id = c->id};
  bool over = false, whole = j->sql.returning;
  if (whole && !query(&w, "START TRANSACTION")) return false;
  MYSQL_STMT *s = L(mysql_stmt_init)(c->my);
  if (!s) return db_fail(j, "network", "MariaDB: out of memory");
  bool ended = statement(&w, s, &over);
  judge(&w, over);
  if (!finish(c, &w, s, ended)) return false;
  if (whole) return !j->fail.type && query(&w, "COMMIT");
  return c->my->server_status & SERVER_STATUS_IN_TRANS ? db_fail_open_transaction(j) : true;
}

static void my_drop(void *conn) {
  Conn *c = conn;
  if (c->my) my_close(c);
  else free(c);
}

const DbDriver db_mysql = {"MariaDB", my_open, my_fresh, my_exec, my_drop};
