/* db_run.c - what every driver shares: failures and their classes, waiting, rows, the pool of idle connections. See db.h. */
#include "db.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t db_clock_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void fail_free(DbFail *f) {
  buf_free(&f->message);
  buf_free(&f->detail);
  buf_free(&f->hint);
  buf_free(&f->constraint);
  memset(f, 0, sizeof *f);
}

static void wipe(char *s, size_t n) {
  if (s) explicit_bzero(s, n);
  free(s);
}

void db_job_free(DbJob *j) {
  fail_free(&j->fail);
  for (int i = 0; i < j->nparams; i++) {
    wipe(j->params[i].s, j->params[i].n);
    free(j->params[i].array);
  }
  for (int i = 0; i < j->ncolumns; i++) free(j->columns[i]);
  free(j->params);
  free(j->columns);
  free(j->source);
  free(j->address);
  db_sql_free(&j->sql);
  buf_free(&j->rows);
  if (j->wake >= 0) close(j->wake);
  free(j);
}

/* ---- failures ---- */

static void fail_text(DbJob *j, const char *type, const char *fmt, va_list ap, va_list again) {
  if (j->fail.type) return;
  j->fail.type = type;
  j->fail.message.n = 0;
  buf_vfmt(&j->fail.message, fmt, ap, again);
}

bool db_fail(DbJob *j, const char *type, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  fail_text(j, type, fmt, ap, again);
  va_end(again);
  va_end(ap);
  return false;
}

bool db_fail_network(DbJob *j, const char *fmt, ...) {
  va_list ap, again;
  if (j->fail.type) return false;
  va_start(ap, fmt);
  va_copy(again, ap);
  fail_text(j, "network", fmt, ap, again);
  va_end(again);
  va_end(ap);
  j->fail.retryable = true;
  j->fail.unknown = j->sent && !j->sql.reads && !j->target->read_only;
  if (j->fail.unknown) buf_c(&j->fail.message, "; the statement was sent: whether it has taken effect is not known");
  return false;
}

bool db_fail_oversize(DbJob *j, bool undone) {
  const char *state = undone ? " (it was undone)" : j->sql.reads ? "" : " (what it wrote is written)";
  if (j->nrows >= j->max_rows)
    return db_fail(j, "oversize", "the statement gives more than %lld rows%s: ask for fewer with LIMIT, or keep them with :persist {:type :table ..}",
                   (long long)j->max_rows, state);
  return db_fail(j, "oversize", "the rows are over %zu KiB%s: select fewer rows or columns, or keep them with :persist {:type :table ..}",
                 j->max_bytes >> 10, state);
}

bool db_fail_late(DbJob *j, bool confirmed) {
  if (j->fail.type) return false;
  if (atomic_load(&j->cancelled)) return db_fail(j, "cancelled", "the step was cancelled");
  const char *end = !j->sent ? "" : confirmed ? "; it was stopped in the database" : "; the database did not confirm that it stopped";
  db_fail(j, "timeout", "%s %lld ms%s", j->sent ? "the statement took longer than :timeout," : "no connection was free or could be made within :timeout,",
          (long long)j->timeout_ms, end);
  j->fail.retryable = true;
  j->fail.unknown = j->sent && !confirmed && !j->sql.reads && !j->target->read_only;
  return false;
}

bool db_fail_open_transaction(DbJob *j) {
  return db_fail(j, "validation", "the statement leaves a transaction open, which was undone: each :db step is a transaction of its own; "
                                  "put what belongs together into one statement (WITH .., a function of the database)");
}

void db_fail_clear(DbJob *j) { fail_free(&j->fail); }

/* PostgreSQL's and the standard's classes (PostgreSQL 15, appendix A); MariaDB and SQLite are put into them by their drivers. */
void db_classify(DbJob *j, const char *s) {
  static const struct { const char *prefix, *class; bool again; } rows[] = {
      {"23", "constraint", false}, {"40001", "serialization", true}, {"40P01", "deadlock", true}, {"55P03", "lock", true},
      {"53", "busy", true},        {"25006", "read-only", false},    {"42501", "permission", false}, {"42", "syntax", false},
      {"22", "data", false},       {"44", "constraint", false}};
  DbFail *f = &j->fail;
  snprintf(f->sqlstate, sizeof f->sqlstate, "%s", s);
  f->class = "other";
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strncmp(s, rows[i].prefix, strlen(rows[i].prefix))) {
      f->class = rows[i].class;
      f->retryable = rows[i].again;
      return;
    }
}

/* ---- waiting ---- */

bool db_due(const DbJob *j) { return atomic_load(&j->cancelled) || db_clock_us() >= j->deadline_us; }

enum DbWait db_wait(DbJob *j, int fd, short events, int64_t most_ms) {
  int64_t until = most_ms < 0 ? INT64_MAX : db_clock_us() + most_ms * 1000;
  for (;;) {
    if (atomic_load(&j->cancelled)) return DB_CANCELLED;
    int64_t now = db_clock_us(), left = (until < j->deadline_us ? until : j->deadline_us) - now;
    if (left <= 0) return now >= j->deadline_us ? DB_LATE : DB_READY;
    struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = j->wake, .events = POLLIN}};
    int n = poll(p, 2, left > 60000000 ? 60000 : (int)((left + 999) / 1000));
    if (n > 0 && p[0].revents && !atomic_load(&j->cancelled)) return DB_READY;
  }
}

bool db_wait_grace(int fd, short events, int64_t until_us) {
  for (;;) {
    int64_t left = until_us - db_clock_us();
    if (left <= 0) return false;
    struct pollfd p = {.fd = fd, .events = events};
    if (poll(&p, 1, (int)((left + 999) / 1000)) > 0) return true;
  }
}

/* ---- rows ---- */

void db_put_tag(Buf *b, char tag) { buf_ch(b, tag); }
void db_put_bool(Buf *b, bool v) { buf_ch(b, v ? 'T' : 'F'); }

void db_put_int(Buf *b, char tag, int64_t v) {
  buf_ch(b, tag);
  buf_add(b, (const char *)&v, sizeof v);
}

void db_put_text(Buf *b, char tag, const char *s, size_t n) {
  uint32_t len = (uint32_t)n;
  buf_ch(b, tag);
  buf_add(b, (const char *)&len, sizeof len);
  buf_add(b, s, n);
}

size_t db_put_list(Buf *b) {
  buf_ch(b, 'L');
  size_t at = b->n;
  db_put_count(b, SIZE_MAX, 0);
  return at;
}

void db_put_count(Buf *b, size_t at, uint32_t n) {
  if (at == SIZE_MAX) buf_add(b, (const char *)&n, sizeof n);
  else memcpy(b->p + at, &n, sizeof n);
}

static bool taken(const DbJob *j, int before, const char *name) {
  for (int i = 0; i < before; i++)
    if (!strcmp(j->columns[i], name)) return true;
  return false;
}

static char *own_name(const DbJob *j, int i, const char *name) {
  Buf b = {0};
  buf_c(&b, name);
  for (int k = 2; taken(j, i, buf_cstr(&b)); k++) {
    b.n = 0;
    buf_fmt(&b, "%s_%d", name, k);
  }
  return buf_cstr(&b); /* the buffer's memory is the caller's */
}

void db_columns(DbJob *j, int n, const char *(*name)(void *ctx, int i), void *ctx) {
  if (j->has_rows) return;
  j->has_rows = true;
  j->columns = calloc((size_t)n + 1, sizeof *j->columns);
  if (!j->columns) abort();
  for (int i = 0; i < n; i++, j->ncolumns++) j->columns[i] = own_name(j, i, name(ctx, i));
}

bool db_row_begin(DbJob *j) { return j->nrows < j->max_rows; }
bool db_row_end(DbJob *j) {
  j->nrows++;
  return j->rows.n <= j->max_bytes;
}

/* ---- idle connections ---- */

typedef struct DbIdle { void *conn; int64_t since_us; struct DbIdle *next; } DbIdle;

static const DbDriver *driver_of(const DbTarget *t) {
  return t->dialect == DB_POSTGRES ? &db_pg : t->dialect == DB_MYSQL ? &db_mysql : &db_sqlite;
}

static void *idle_take(DbTarget *t) {
  pthread_mutex_lock(&t->lock);
  DbIdle *i = t->idle;
  if (i) t->idle = i->next;
  pthread_mutex_unlock(&t->lock);
  void *conn = i ? i->conn : NULL;
  free(i);
  return conn;
}

static void idle_put(DbTarget *t, void *conn) {
  DbIdle *i = malloc(sizeof *i);
  if (!i) abort();
  pthread_mutex_lock(&t->lock);
  *i = (DbIdle){conn, db_clock_us(), t->idle};
  t->idle = i;
  pthread_mutex_unlock(&t->lock);
}

/* Newest first in the list: what is too old stands behind the first that is. */
static DbIdle *take_old(DbTarget *t, int64_t before) {
  pthread_mutex_lock(&t->lock);
  DbIdle **at = &t->idle;
  while (*at && (*at)->since_us > before) at = &(*at)->next;
  DbIdle *old = *at;
  *at = NULL;
  pthread_mutex_unlock(&t->lock);
  return old;
}

static _Atomic(DbTarget *) targets; /* never shrinks: there are as many as connections were configured */

void db_target_register(DbTarget *t) {
  pthread_mutex_init(&t->lock, NULL);
  t->next = atomic_load(&targets);
  atomic_store(&targets, t);
}

DbTarget *db_target_find(const char *key) {
  DbTarget *t = atomic_load(&targets);
  while (t && strcmp(t->key, key)) t = t->next;
  return t;
}

bool db_tend(void) {
  bool left = false;
  for (DbTarget *t = atomic_load(&targets); t; t = t->next) {
    for (DbIdle *i = take_old(t, db_clock_us() - DB_IDLE_MS * 1000LL), *next; i; i = next) {
      next = i->next;
      driver_of(t)->close(i->conn);
      free(i);
    }
    pthread_mutex_lock(&t->lock);
    left |= t->idle != NULL;
    pthread_mutex_unlock(&t->lock);
  }
  return left;
}

/* ---- one job ---- */

static void *kept(DbJob *j) {
  const DbDriver *d = driver_of(j->target);
  for (void *conn; (conn = idle_take(j->target));) {
    if (d->fresh(conn, j)) return conn;
    d->close(conn); /* dead: nothing of this job has been sent, so another one does */
    db_fail_clear(j);
  }
  return NULL;
}

static void run_on(DbJob *j, void *conn) {
  const DbDriver *d = driver_of(j->target);
  if (d->exec(conn, j)) idle_put(j->target, conn);
  else d->close(conn);
}

/* A kept connection that died under a statement without an effect. */
static bool worth_another(const DbJob *j) {
  return j->fail.type && !strcmp(j->fail.type, "network") && !j->fail.unknown && (!j->sent || j->sql.reads) && !db_due(j);
}

static void forget_answer(DbJob *j) {
  db_fail_clear(j);
  for (int i = 0; i < j->ncolumns; i++) free(j->columns[i]);
  free(j->columns);
  j->columns = NULL;
  j->ncolumns = 0;
  j->rows.n = 0;
  j->nrows = j->updated = j->last_id = 0;
  j->has_rows = j->sent = false;
}

void db_run(void *job) {
  DbJob *j = job;
  if (db_due(j)) {
    db_fail_late(j, false);
    return;
  }
  void *conn = kept(j);
  if (conn) {
    run_on(j, conn);
    if (!worth_another(j)) return;
    forget_answer(j);
  }
  if ((conn = driver_of(j->target)->open(j))) run_on(j, conn);
}
