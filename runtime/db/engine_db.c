/* engine_db.c - the :db step kind: the step's config becomes a job for a helper thread (offload.h, db.h), its rows come back by number.
 *
 * A target has at most so many jobs at work as it may have connections; the others wait here, in order, so that a slow database takes
 * no threads from the rest. One timer descriptor looks after their deadlines. */
#include "db_target.h"
#include "db_value.h"
#include "runtime/base/duration.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/guard.h"
#include "runtime/base/limits.h"
#include "runtime/engine/offload.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define ROWS_MOST limit_value(LIMIT_db_rows)
enum { PERSIST_ROWS_MOST = 1000000, TIMEOUT_MS = 30000, TIMEOUT_MOST_MS = 24 * 3600 * 1000 };
#define BYTES_MOST ((size_t)1 << 20)
#define PERSIST_BYTES_MOST ((size_t)50 << 20)

typedef struct DbFlight {
  DbJob *job;
  Engine *e;
  uint64_t token;
  bool running;
  struct DbFlight *next;       /* in its target's queue */
  struct DbFlight *all, **at;  /* among all */
} DbFlight;

static OffloadPool pool = OFFLOAD_POOL("breyta-db", 64, db_tend);
static DbFlight *flights;
static int timer = -1;

/* ---- flights ---- */

static DbFlight *flight_new(Engine *e, DbJob *j, uint64_t token) {
  DbFlight *f = calloc(1, sizeof *f);
  if (!f) abort();
  *f = (DbFlight){.job = j, .e = e, .token = token, .all = flights, .at = &flights};
  if (flights) flights->at = &f->all;
  flights = f;
  return f;
}

static void flight_free(DbFlight *f) {
  *f->at = f->all;
  if (f->all) f->all->at = f->at;
  db_job_free(f->job);
  free(f);
}

static void enqueue(DbFlight *f) {
  DbTarget *t = f->job->target;
  if (t->last) t->last->next = f;
  else t->first = f;
  t->last = f;
}

static void dequeue(DbFlight *f) {
  DbTarget *t = f->job->target;
  DbFlight *before = NULL, *x = t->first;
  while (x != f) before = x, x = x->next;
  if (before) before->next = f->next;
  else t->first = f->next;
  if (t->last == f) t->last = before;
}

/* ---- answers ---- */

static Val failed_map(const char *type, const char *message) { return map_assoc(err_map(type, message), kw_c("retryable?"), FALSE_V); }

/* After an effect of unknown outcome a step that must not run twice is not run again. */
static Val error_of(const StepCall *c, const DbJob *j) {
  Val m = db_error(j);
  bool once = kw_is(map_get_kw(step_config(c), "delivery"), "at-most-once");
  return once && j->fail.unknown ? map_assoc(m, kw_c("retryable?"), FALSE_V) : m;
}

static void answer(Engine *e, uint64_t token, const DbJob *j) {
  StepCall *c = e ? step_by_token(e, token) : NULL;
  if (!c) return; /* cancelled, or the engine is gone */
  if (j->fail.type) {
    step_failed(e, c, error_of(c, j), -1);
    return;
  }
  Val v = db_answer(j);
  if (is_sig(v)) step_failed(e, c, failed_map("validation", "the rows cannot be read as values"), -1);
  else step_done(e, c, v);
}

/* ---- admission ---- */

static void done(Engine *e, uint64_t token, void *arg);

static void work(void *flight) { db_run(((DbFlight *)flight)->job); } /* helper thread */

static bool launch(DbFlight *f, Err *err) {
  f->running = offload_run(&pool, f->e, work, done, f, f->token, err);
  f->job->target->active += f->running;
  return f->running;
}

static void fail_flight(DbFlight *f) {
  answer(f->e, f->token, f->job);
  flight_free(f);
}

static void admit(DbTarget *t) {
  Err err = {0};
  while (t->first && t->active < t->most) {
    DbFlight *f = t->first;
    dequeue(f);
    if (launch(f, &err)) continue;
    db_fail_network(f->job, "%s", err.msg);
    fail_flight(f);
  }
}

/* Of an engine that is gone. */
static void drop_waiting(const Engine *e) {
  for (DbFlight *f = flights, *next; f; f = next) {
    next = f->all;
    if (f->e != e || f->running) continue;
    dequeue(f);
    flight_free(f);
  }
}

static void done(Engine *e, uint64_t token, void *arg) {
  DbFlight *f = arg;
  DbTarget *t = f->job->target;
  t->active--;
  answer(e, token, f->job);
  if (!e) drop_waiting(f->e);
  flight_free(f);
  admit(t);
}

/* ---- deadlines of those that wait ---- */

static void arm(void) {
  int64_t first = INT64_MAX, now = db_clock_us();
  for (const DbFlight *f = flights; f; f = f->all)
    if (!f->running && f->job->deadline_us < first) first = f->job->deadline_us;
  int64_t in = first == INT64_MAX ? 0 : first <= now ? 1 : first - now;
  struct itimerspec t = {.it_value = {.tv_sec = in / 1000000, .tv_nsec = in % 1000000 * 1000}};
  timerfd_settime(timer, 0, &t, NULL);
}

static void overdue(Engine *e, void *ctx) {
  (void)e, (void)ctx;
  uint64_t n;
  if (read(timer, &n, sizeof n) < 0 && errno != EAGAIN) return;
  for (DbFlight *f = flights, *next; f; f = next) {
    next = f->all;
    if (f->running || db_clock_us() < f->job->deadline_us) continue;
    dequeue(f);
    db_fail_late(f->job, false);
    fail_flight(f);
  }
  arm();
}

static bool watch(Engine *e) {
  Err err = {0};
  if (timer < 0) timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer < 0 || !offload_watch(e, &err)) return false;
  engine_watch(e, timer, overdue, NULL);
  return true;
}

/* ---- from the call to a job ---- */

static bool limit_rows(Val cfg, DbJob *j, Err *e) {
  Val most = map_get_kw(cfg, "max-results");
  int64_t cap = is_nil(map_get_kw(cfg, "persist")) ? ROWS_MOST : PERSIST_ROWS_MOST;
  j->max_bytes = cap == ROWS_MOST ? BYTES_MOST : PERSIST_BYTES_MOST;
  j->max_rows = is_nil(most) ? cap : is_long(most) ? long_of(most) : 0;
  if (j->max_rows >= 1 && j->max_rows <= cap) return true;
  return err_set(e, "validation", ":max-results must be an integer from 1 to %lld%s", (long long)cap, cap == ROWS_MOST ? " (more with :persist)" : "");
}

static bool limit_time(Val cfg, DbJob *j, Err *e) {
  Val t = map_get_kw(cfg, "timeout");
  j->timeout_ms = TIMEOUT_MS;
  if (!is_nil(t) && !duration_of(t, DURATION_SECONDS, ":timeout", &j->timeout_ms, e)) return false;
  if (j->timeout_ms < 1 || j->timeout_ms > TIMEOUT_MOST_MS) return err_set(e, "validation", ":timeout of a :db step is between 1 ms and 1 day");
  j->deadline_us = db_clock_us() + j->timeout_ms * 1000;
  return true;
}

static bool statement(Val cfg, enum DbDialect d, DbJob *j, Err *e) {
  Val sql = map_get_kw(cfg, "sql"), params = map_get_kw(cfg, "params");
  if (!is_str(sql)) return err_set(e, "validation", is_nil(sql) ? "a :db step needs :sql, or :template of a :db-query" : ":sql must be a string");
  if (!is_nil(params) && !is_vec(params)) return err_set(e, "validation", ":params must be a vector, one value for each ? of :sql in order");
  if (!db_sql_read(str_s(sql), str_n(sql), d, &j->sql, e)) return false;
  if (j->sql.empty) return err_set(e, "validation", ":sql holds no statement");
  Buf b = {0};
  buf_add(&b, str_s(sql), str_n(sql));
  j->source = buf_cstr(&b);
  j->nsource = b.n;
  return db_params(j, d, params, e);
}

static bool connection(const StepCall *c, Val cfg, Val *out, Err *e) {
  Val slot = map_get_kw(cfg, "connection");
  if (is_str(slot)) slot = kw_parse(str_s(slot), str_n(slot));
  if (!is_kw(slot)) return err_set(e, "validation", "a :db step needs :connection, the slot of a connection of :type :database");
  *out = step_connection(c, slot);
  if (is_nil(*out))
    return err_set(e, "missing-binding", "no connection is bound to :%.60s; bind it with --connections FILE (\"connections\": {\"%.60s\": {\"type\": \"database\", ..}})",
                   kw_text(slot), kw_text(slot));
  if (kw_is(map_get_kw(*out, "type"), "database")) return true;
  return err_set(e, "validation", "the connection :%.60s is of type %.30s; a :db step needs one of type database", kw_text(slot), kw_text(map_get_kw(*out, "type")));
}

/* The job, without the wake descriptor. Without `send` no secret is read, and what only a secret can say is not checked. */
static DbJob *job_of(StepCall *c, bool send, Err *e) {
  Val cfg = step_config(c), conn = NIL;
  enum DbDialect d = DB_POSTGRES;
  bool known;
  DbJob *j = calloc(1, sizeof *j);
  if (!j) abort();
  j->wake = -1;
  bool ok = db_dialect(map_get_kw(cfg, "database"), NIL, &d, &known, e) && connection(c, cfg, &conn, e);
  if (ok) j->target = db_target(map_get_kw(cfg, "database"), conn, step_secrets(c), send ? step_secrets_used(c) : NULL, &d, &known, e);
  const char *other = db_option_of_others(cfg);
  if (ok && other) ok = err_set(e, "validation", ":%s of a :db step is of databases without SQL, which this build does not run: leave it out", other);
  ok = ok && !e->code && limit_rows(cfg, j, e) && limit_time(cfg, j, e) && (!known || statement(cfg, d, j, e));
  if (ok) return j;
  db_job_free(j);
  return NULL;
}

static Val error_map(const Err *e) {
  Val m = failed_map(e->code ? e->code : "validation", e->msg);
  return e->code && !strcmp(e->code, "unsupported_step") ? map_assoc(m, kw_c("family"), kw_c("db")) : m;
}

/* The config as far as it can be judged before the intent is written. */
static Val db_check(Engine *e, StepCall *c) {
  (void)e;
  Err err = {0};
  DbJob *j = job_of(c, false, &err);
  if (!j) return ex_throw_val(ex_make(EXC_INFO, str_c(err.msg), error_map(&err), NIL));
  db_job_free(j);
  return NIL;
}

static void db_start(Engine *e, StepCall *c) {
  Err err = {0};
  DbJob *j = job_of(c, true, &err);
  if (!j) {
    step_failed(e, c, error_map(&err), -1);
    return;
  }
  if (e->o.guard && !(j->guard = guard_from_env(&err))) {
    db_job_free(j);
    step_failed(e, c, failed_map("validation", err.msg), -1);
    return;
  }
  j->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (j->wake < 0 || !watch(e)) {
    db_job_free(j);
    step_failed(e, c, map_assoc(err_map("network", "no descriptor is free for a database step"), kw_c("retryable?"), TRUE_V), -1);
    return;
  }
  enqueue(flight_new(e, j, step_token(c)));
  admit(j->target);
  arm();
}

static void db_cancel(Engine *e, StepCall *c) {
  DbFlight *f = flights;
  while (f && !(f->e == e && f->token == step_token(c))) f = f->all;
  if (!f) return;
  uint64_t one = 1;
  atomic_store(&f->job->cancelled, true);
  if (f->running) {
    if (write(f->job->wake, &one, sizeof one) < 0 && errno != EAGAIN) abort();
    return; /* its thread stops the statement; what comes back finds no step */
  }
  dequeue(f);
  flight_free(f);
}

void engine_db_register(void) {
  static const StepKind db = {.name = "db", .check = db_check, .start = db_start, .cancel = db_cancel};
  engine_register(&db);
}
