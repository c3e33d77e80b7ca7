/* Work on big tables, away from the engine's thread: a helper thread with a connection of its own looks at the rows and makes the result,
 * while other runs go on. It begins when what its run has written is durable, and sees one committed state of the tables.
 *
 * Three kinds of work: reads; changes, which are put together in a batch of their own (rows that :persist keeps are such a one, too); and
 * tables that a :load names. Changes were made of
 * what the helper saw. Where one of those tables is not like that any more when the helper is done (another run has written it), they are
 * thrown away and made again, at last on the engine's thread, where nobody comes between. Else the batch becomes the run's, with the
 * record of its step.
 *
 * The helper builds values, so it enters the collector (mem.h). What it works on lies in a TableJob, which is a root; only the engine's
 * thread links and unlinks jobs. A step that ends otherwise (cancelled, its run is gone) stops the job: SQLite then ends its statement. */
#include "runtime/engine/engine_int.h"
#include "runtime/engine/engine_reader.h"
#include "engine_table.h"
#include "runtime/engine/offload.h"
#include "reader/mem.h"
#include "reader/seq.h"
#include "runtime/resource/resource.h"
#include "runtime/table/table_seen.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below, a thread costs more than the work. */
enum { FAR_ROWS = 2000, FAR_KEEP_ROWS = 500, FAR_BYTES = 64 << 10 };
enum { FAR_TRIES = 3 }; /* of a change, before it is made here */

typedef enum Work { FAR_NOTHING, FAR_READ, FAR_CHANGE, FAR_KEEP, FAR_LOAD } Work;
static bool changes(Work w) { return w == FAR_CHANGE || w == FAR_KEEP; }

typedef struct TableJob {
  struct TableJob *next;  /* among those at work, or those to be used again */
  Engine *e;
  uint64_t token;
  Store *of;
  char *workspace;
  Work work;
  Val cfg, key, result, error; /* key: of :input, FAR_LOAD. cfg: of FAR_KEEP, :persist */
  Val rows;               /* FAR_KEEP */
  BlobWriter *writer;     /* of an export that is kept; NULL */
  Batch *batch;           /* of changes */
  TableSeen seen;
  int tries, csv;         /* csv: the file of an import; -1 */
  int64_t number;         /* of a table that is made */
  bool ok, unreadable;
  _Atomic bool stop;
} TableJob;

static OffloadPool pool = {.name = "tables", .most = 2, .stack_mib = 8, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
static TableJob *working, *unused;

/* ---- jobs ---- */

static TableJob *job_new(Run *r, Work work, Val cfg) {
  TableJob *j = unused;
  if (j) unused = j->next;
  else j = mem_root(sizeof *j);
  *j = (TableJob){.next = working, .e = r->e, .of = r->e->store, .workspace = strdup(r->workspace), .work = work, .cfg = cfg, .csv = -1};
  if (!j->workspace) abort();
  return working = j;
}

/* What a helper has made goes. */
static void job_reset(TableJob *j) {
  table_seen_free(&j->seen);
  batch_free(j->batch);
  j->batch = NULL;
  j->ok = j->unreadable = false;
}

static void job_free(TableJob *j) {
  TableJob **at = &working;
  while (*at != j) at = &(*at)->next;
  *at = j->next;
  job_reset(j);
  if (j->writer) blobs_abort(j->writer);
  if (j->csv >= 0) close(j->csv);
  free(j->workspace);
  *j = (TableJob){.next = unused};
  unused = j;
}

/* ---- on the helper thread ---- */

static Batch *job_batch(void *ctx) {
  TableJob *j = ctx;
  if (!j->batch && changes(j->work)) j->batch = batch_new();
  return j->batch;
}

static bool to_blob(void *ctx, const char *p, size_t n, Err *e) { return blobs_write(((TableJob *)ctx)->writer, p, n, e); }

static int job_csv(void *ctx, Val ref, Err *e) {
  int fd = dup(((TableJob *)ctx)->csv);
  (void)ref;
  if (fd < 0 || lseek(fd, 0, SEEK_SET)) err_set(e, "resource-io", "the CSV file cannot be read: %s", strerror(errno));
  return fd;
}

static void note_seen(void *ctx, const char *name, const StoreTable *t) { table_seen_add(&((TableJob *)ctx)->seen, name, t); }

static bool run_job(TableJob *j, const TableCall *c) {
  switch (j->work) {
  case FAR_LOAD: return table_load(c, j->cfg, RESOURCE_LOAD_MAX, &j->result, &j->error);
  case FAR_KEEP: return table_write(c, j->cfg, j->rows, &j->result, &j->error);
  default: return table_run(c, j->cfg, &j->result, &j->error);
  }
}

static void work(void *arg) {
  TableJob *j = arg;
  Err e = {0};
  mem_thread_enter();
  Store *reader = reader_take(j->of, &j->stop, &e);
  TableCall c = {.store = reader, .number = j->number, .workspace = j->workspace, .batch = job_batch, .ctx = j, .unreadable = &j->unreadable,
                 .write = j->writer ? to_blob : NULL, .open = j->csv >= 0 ? job_csv : NULL, .seen = changes(j->work) ? note_seen : NULL};
  if (reader) {
    j->ok = run_job(j, &c);
    reader_give(reader, &j->stop);
  } else {
    j->unreadable = true;
    j->error = err_map("runtime", e.code ? e.msg : "stopped");
  }
  mem_thread_leave();
}

/* ---- the end, on the engine's thread ---- */

/* What the batch is made of is still so. These count as its reads: it is refused with what they have seen (store_reads). */
static bool all_as_seen(Run *r, TableJob *j) {
  store_reads(r->e->store, r->reads);
  bool same_ones = table_seen_still(&j->seen, r->e->store, j->workspace);
  r->reads = store_reads(r->e->store, 0);
  return same_ones;
}

static void changed(StepCall *c, TableJob *j) {
  Run *r = c->r;
  if (!j->ok) {
    step_error(c, j->error, -1);
    return;
  }
  r->batch = j->batch;
  j->batch = NULL;
  if (r->stored_seq) batch_expect(r->batch, r->run, r->stored_epoch, r->stored_seq);
  if (j->work == FAR_KEEP) persist_rows_kept(c, j->result);
  else step_resolve(c, true, j->result);
  table_leave(r);
}

static void here(StepCall *c, const TableJob *j) {
  if (j->work == FAR_KEEP) persist_rows_here(c);
  else table_here(c);
}

static void done(Engine *e, uint64_t token, void *arg);

/* false: it is at work again. */
static bool change_done(StepCall *c, TableJob *j) {
  Err e = {0};
  bool kept = !c->r->batch && all_as_seen(c->r, j);
  if (kept) changed(c, j);
  else if (++j->tries < FAR_TRIES) {
    job_reset(j);
    j->token = step_token(c);
    if (offload_run(&pool, j->e, work, done, j, j->token, &e)) return false;
    j->token = 0;
    here(c, j);
  } else here(c, j);
  return true;
}

/* The step begins again, and finds the rows. */
static void loaded(StepCall *c, TableJob *j) {
  c->loaded = map_assoc(is_map(c->loaded) ? c->loaded : map_empty, j->key, j->result);
  c->r->phase = R_COMMITTING;
  step_begin_attempt(c);
}

/* false: it is at work again. */
static bool answer(StepCall *c, TableJob *j) {
  if (j->unreadable) run_block(c->r, str_s(map_get_kw(j->error, "message")));
  else if (changes(j->work)) return change_done(c, j);
  else if (!j->ok && j->work == FAR_LOAD) step_error(c, map_assoc(map_assoc(j->error, kw_c("key"), j->key), kw_c("retryable?"), FALSE_V), -1);
  else if (!j->ok) step_error(c, j->error, -1);
  else if (j->work == FAR_LOAD) loaded(c, j);
  else if (j->writer) {
    BlobWriter *w = j->writer;
    j->writer = NULL; /* it is theirs now */
    persist_written(c, j->result, w);
  } else step_resolve(c, true, j->result);
  return true;
}

static void done(Engine *e, uint64_t token, void *arg) {
  TableJob *j = arg;
  StepCall *c = e && !atomic_load(&j->stop) ? step_by_token(e, token) : NULL;
  if (c) {
    j->token = 0; /* it ends by itself */
    if (!answer(c, j)) return;
  }
  if (!e) atomic_store(&j->stop, true); /* its database may be another's by now */
  job_free(j);
}

void table_far_stop(const StepCall *c) {
  for (TableJob *j = working; j; j = j->next)
    if (j->token && j->token == c->token) atomic_store(&j->stop, true);
}

void table_far_gone(const Engine *e) {
  for (TableJob *j = working; j; j = j->next)
    if (j->e == e) reader_stop(&j->stop);
}

/* ---- steps ---- */

static int64_t rows_of(Run *r, Val ref) {
  TableCall call = {.store = r->e->store, .workspace = r->workspace, .env = r->m->env};
  Val kv[] = {kw_c("table"), ref};
  return is_nil(ref) ? 0 : table_count(&call, map_from(kv, 1, false));
}

static Work of_rows(Work work, int64_t rows) { return rows < FAR_ROWS ? FAR_NOTHING : work; }

/* A file is opened here, where it is known which it is. */
static Work import_work(StepCall *c, int *file) {
  Val csv = map_get_kw(c->cfg, "csv");
  struct stat st;
  Err e = {0};
  if (!table_csv_is_ref(csv)) return is_str(csv) && str_n(csv) >= FAR_BYTES ? FAR_CHANGE : FAR_NOTHING;
  int fd = table_csv_file(c->r, csv, &e);
  bool big = fd >= 0 && !fstat(fd, &st) && st.st_size >= FAR_BYTES;
  if (big && file) *file = fd;
  else if (fd >= 0) close(fd);
  return big ? FAR_CHANGE : FAR_NOTHING; /* without a file it fails, or waits for it */
}

static Work table_work(StepCall *c, int *file) {
  Val op = map_get_kw(c->cfg, "op");
  const char *name = is_kw(op) ? kw_text(op) : "";
  Val ref = map_get_kw(c->cfg, "table");
  if (!strcmp(name, "query") || !strcmp(name, "aggregate") || !strcmp(name, "export")) return of_rows(FAR_READ, rows_of(c->r, ref));
  if (!is_nil(map_get_kw(c->cfg, "persist"))) return FAR_NOTHING; /* refused (engine_table.c) */
  if (!strcmp(name, "set-column") || !strcmp(name, "recompute")) return of_rows(FAR_CHANGE, rows_of(c->r, ref));
  if (!strcmp(name, "import-csv")) return import_work(c, file);
  if (strcmp(name, "materialize-join")) return FAR_NOTHING;
  return of_rows(FAR_CHANGE, rows_of(c->r, map_get_kw(c->cfg, "left")) + rows_of(c->r, map_get_kw(c->cfg, "right")));
}

/* The next big table of :load that is not there yet. */
static Work load_work(StepCall *c, Val *key, Val *ref) {
  Val input = map_get_kw(c->cfg, "input"), keys = map_get_kw(c->cfg, "load");
  for (uint32_t i = 0; is_vec(keys) && is_map(input) && i < vec_count(keys); i++) {
    *key = vec_nth(keys, i);
    *ref = map_get(input, *key, NIL);
    Val uri = is_nil(*ref) ? NIL : resource_uri(*ref);
    bool there = is_map(c->loaded) && !same(map_get(c->loaded, *key, ABSENT), ABSENT);
    if (!there && is_str(uri) && table_is_uri(str_s(uri)) && rows_of(c->r, *ref) >= FAR_ROWS) return FAR_LOAD;
  }
  return FAR_NOTHING;
}

/* Rows that :persist keeps; lazy ones that nothing has realised are refused where it is done at once. */
static Work keep_work(Val rows) {
  SeqIter it;
  Val x;
  int n = 0;
  if (is_vec(rows)) return vec_count(rows) < FAR_KEEP_ROWS ? FAR_NOTHING : FAR_KEEP;
  if (!is_sequential(rows) || is_sig(seq_iter(&it, rows))) return FAR_NOTHING;
  while (n < FAR_KEEP_ROWS && same(seq_iter_next(&it, &x), TRUE_V)) n++;
  return n < FAR_KEEP_ROWS ? FAR_NOTHING : FAR_KEEP;
}

/* What is to be done for the step now. open: with the file of an import. */
typedef struct Plan { Val cfg, key, rows; int csv; } Plan;

static Work plan(StepCall *c, Plan *p, bool open) {
  *p = (Plan){.cfg = c->cfg, .key = NIL, .rows = NIL, .csv = -1};
  if (!is_nil(c->keeping)) {
    p->cfg = map_get_kw(c->cfg, "persist");
    return keep_work(p->rows = persist_rows(c));
  }
  if (kw_is(c->type, "table")) return table_work(c, open ? &p->csv : NULL);
  return load_work(c, &p->key, &p->cfg);
}

static void not_far(StepCall *c) { /* it is not big any more */
  c->r->phase = R_COMMITTING;
  if (kw_is(c->type, "table")) table_here(c);
  else step_begin_attempt(c);
}

void table_far_start(StepCall *c) {
  Err e = {0};
  Run *r = c->r;
  Plan p;
  Work kind = plan(c, &p, true);
  if (kind == FAR_NOTHING) {
    not_far(c);
    return;
  }
  TableJob *j = job_new(r, kind, p.cfg);
  r->phase = R_EFFECT;
  j->key = p.key;
  j->rows = p.rows;
  j->csv = p.csv;
  if (changes(kind)) j->number = store_next_table(r->e->store);
  j->token = step_token(c);
  if (kind == FAR_READ && !table_export_writer(c, &j->writer, &j->error)) {
    Val error = j->error;
    j->token = 0;
    job_free(j);
    step_error(c, error, -1);
  } else if (!offload_run(&pool, r->e, work, done, j, j->token, &e)) { /* no thread: here, then */
    work(j);
    done(r->e, j->token, j);
  }
}

bool table_far_begin(StepCall *c) {
  Run *r = c->r;
  Plan p;
  if (!store_path(r->e->store) || r->replaying_only) return false;
  Work kind = plan(c, &p, false);
  if (kind == FAR_NOTHING) return false;
  if (r->inflight || (r->batch && (changes(kind) || batch_has_kv(r->batch)))) run_submit(r, AFTER_TABLE);
  else table_far_start(c);
  return true;
}
