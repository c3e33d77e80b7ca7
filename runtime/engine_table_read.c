/* Reads of big tables, away from the engine's thread: a helper thread with a connection of its own looks at the rows and makes the result,
 * while other runs go on. Such a read begins when what its run has written is durable; it sees one committed state of the table.
 *
 * The helper builds values, so it enters the collector (mem.h). What it works on lies in a TableJob, which is a root; only the engine's
 * thread links and unlinks jobs. A step that ends otherwise (cancelled, its run is gone) stops the job: SQLite then ends its statement. */
#include "engine_int.h"
#include "engine_reader.h"
#include "engine_table.h"
#include "offload.h"
#include "reader/mem.h"
#include "resource.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { FAR_ROWS = 2000 }; /* below, a thread costs more than the read */

typedef struct TableJob {
  struct TableJob *next;  /* among those at work, or those to be used again */
  Engine *e;
  uint64_t token;
  Store *of;
  char *workspace;
  Val cfg, result, error;
  BlobWriter *writer;     /* of an export that is kept; NULL */
  bool ok, unreadable;
  _Atomic bool stop;
} TableJob;

static OffloadPool pool = {.name = "tables", .most = 2, .stack_mib = 8, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
static TableJob *working, *unused;
/* ---- jobs ---- */

static TableJob *job_new(Run *r, Val cfg) {
  TableJob *j = unused;
  if (j) unused = j->next;
  else j = mem_root(sizeof *j);
  *j = (TableJob){.next = working, .e = r->e, .of = r->e->store, .workspace = strdup(r->workspace), .cfg = cfg};
  if (!j->workspace) abort();
  return working = j;
}

static void job_free(TableJob *j) {
  TableJob **at = &working;
  while (*at != j) at = &(*at)->next;
  *at = j->next;
  if (j->writer) blobs_abort(j->writer);
  free(j->workspace);
  *j = (TableJob){.next = unused};
  unused = j;
}

static Batch *no_batch(void *ctx) { return (void)ctx, NULL; }
static bool to_blob(void *ctx, const char *p, size_t n, Err *e) { return blobs_write(((TableJob *)ctx)->writer, p, n, e); }

/* Helper thread. */
static void work(void *arg) {
  TableJob *j = arg;
  Err e = {0};
  mem_thread_enter();
  Store *reader = reader_take(j->of, &j->stop, &e);
  TableCall c = {.store = reader, .workspace = j->workspace, .batch = no_batch, .ctx = j, .write = j->writer ? to_blob : NULL, .unreadable = &j->unreadable};
  if (reader) {
    j->ok = table_run(&c, j->cfg, &j->result, &j->error);
    reader_give(reader, &j->stop);
  } else {
    j->unreadable = true;
    j->error = err_map("runtime", e.code ? e.msg : "stopped");
  }
  mem_thread_leave();
}

static void answer(StepCall *c, TableJob *j) {
  if (j->unreadable) run_block(c->r, str_s(map_get_kw(j->error, "message")));
  else if (!j->ok) step_error(c, j->error, -1);
  else if (j->writer) {
    BlobWriter *w = j->writer;
    j->writer = NULL; /* it is theirs now */
    persist_written(c, j->result, w);
  } else step_resolve(c, true, j->result);
}

static void done(Engine *e, uint64_t token, void *arg) {
  TableJob *j = arg;
  StepCall *c = e && !atomic_load(&j->stop) ? step_by_token(e, token) : NULL;
  if (c) {
    j->token = 0; /* it ends by itself */
    answer(c, j);
  }
  if (!e) atomic_store(&j->stop, true); /* its database may be another's by now */
  job_free(j);
}

void table_read_stop(const StepCall *c) {
  for (TableJob *j = working; j; j = j->next)
    if (j->token && j->token == c->token) atomic_store(&j->stop, true);
}

void table_read_gone(const Engine *e) {
  for (TableJob *j = working; j; j = j->next)
    if (j->e == e) reader_stop(&j->stop);
}

/* ---- steps ---- */

static bool reads(Val cfg) {
  Val op = map_get_kw(cfg, "op");
  return kw_is(op, "query") || kw_is(op, "aggregate") || kw_is(op, "export");
}

void table_read_start(StepCall *c) {
  Err e = {0};
  Run *r = c->r;
  TableJob *j = job_new(r, c->cfg);
  r->phase = R_EFFECT;
  j->token = step_token(c);
  if (!table_export_writer(c, &j->writer, &j->error)) {
    Val error = j->error;
    j->token = 0;
    job_free(j);
    step_error(c, error, -1);
  } else if (!offload_run(&pool, r->e, work, done, j, j->token, &e)) { /* no thread: here, then */
    work(j);
    done(r->e, j->token, j);
  }
}

bool table_read_begin(StepCall *c) {
  Run *r = c->r;
  if (!reads(c->cfg) || !store_path(r->e->store) || r->replaying_only) return false;
  TableCall call = {.store = r->e->store, .workspace = r->workspace, .env = r->m->env};
  if (table_count(&call, c->cfg) < FAR_ROWS) return false;
  if (r->inflight || (r->batch && batch_has_kv(r->batch))) run_submit(r, AFTER_TABLE);
  else table_read_start(c);
  return true;
}
