/* engine_table.c - tables for runs: the :table step and the table kind of :persist. The changes lie in the same transaction as the
 * record of the step, as those of :kv do. */
#include "engine_table.h"
#include "eval/unit.h"
#include "runtime/resource/resource.h"
#include "runtime/table/table.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static Batch *batch_of(void *ctx) { return run_batch(ctx); }

/* The CSV file of an import. Engine thread: the step is the run's call. */
int table_csv_file(Run *r, Val ref, Err *e) {
  Resource res;
  int64_t size;
  if (!resource_find(r->e, r->call, ref, &res, e)) return e->code = resource_error_type(e), -1;
  int fd = resource_file(r->e, &res, &size, e);
  if (fd < 0) e->code = resource_error_type(e);
  return fd;
}

static int open_blob(void *ctx, Val ref, Err *e) { return table_csv_file(ctx, ref, e); }

/* Reads see what is submitted, not what is still being put together. */
static TableCall call_of(Run *r) {
  if (r->batch && batch_has_kv(r->batch)) run_submit(r, AFTER_NOTHING);
  return (TableCall){.store = r->e->store, .workspace = r->workspace, .env = r->m->env, .batch = batch_of, .ctx = r, .open = open_blob};
}

/* One step has one change of the store, in one batch with its record, which does not wait for a blob while others read. */
static bool one_change(Val cfg, Val *error) {
  static const char *const reading[] = {"query", "get-row", "aggregate", "schema", "export"};
  const char *op = kw_text(map_get_kw(cfg, "op"));
  if (is_nil(map_get_kw(cfg, "persist"))) return true;
  for (size_t i = 0; i < sizeof reading / sizeof *reading; i++)
    if (!strcmp(reading[i], op)) return true;
  *error = map_assoc(
      err_map("validation",
              "a :table step that changes a table cannot have :persist: keep its result in a step of its own"),
      kw_c("retryable?"), FALSE_V);
  return false;
}

/* A damaged database is nothing that a flow could handle, or its history should keep: the run is blocked, and can be resumed. */
static bool blocked(Run *r, bool unreadable, Val error) {
  if (unreadable) run_block(r, str_s(map_get_kw(error, "message")));
  return false;
}

static bool table_step(Run *r, Val cfg, Val *result, Val *error) {
  if (!one_change(cfg, error)) return false;
  TableCall c = call_of(r);
  bool unreadable = false;
  c.unreadable = &unreadable;
  return table_run(&c, cfg, result, error) || blocked(r, unreadable, *error);
}

/* Its changes leave at once: another run that comes next must see them. */
void table_leave(Run *r) {
  if (r->phase == R_READY && r->batch && batch_has_kv(r->batch)) run_submit(r, AFTER_NOTHING);
}

void table_here(StepCall *c) {
  Run *r = c->r;
  Val result = NIL, error = NIL;
  store_reads(r->e->store, r->reads);
  bool ok = table_step(r, c->cfg, &result, &error);
  r->reads = store_reads(r->e->store, 0);
  if (ok) step_resolve(c, true, result);
  else if (r->status == RUN_BLOCKED) return;
  else step_error(c, error, -1);
  table_leave(r);
}

/* ---- as a blob, row by row ---- */

typedef struct Sink { Run *r; BlobWriter *writer; } Sink;

static Batch *sink_batch(void *ctx) { return run_batch(((Sink *)ctx)->r); }
static bool sink_write(void *ctx, const char *p, size_t n, Err *e) {
  Sink *s = ctx;
  return blobs_write(s->writer, p, n, e);
}

bool table_export_writer(StepCall *c, BlobWriter **out, Val *error) {
  Persist p;
  Err e = {0};
  Val opts = map_get_kw(c->cfg, "persist");
  *out = NULL;
  if (!kw_is(map_get_kw(c->cfg, "op"), "export") || is_nil(opts) || !persist_read(opts, "table", false, &p, &e) || p.type != PERSIST_BLOB) return true;
  *out = blobs_begin(engine_blobs(c->r->e), p.ephemeral ? PERSIST_EPHEMERAL_MAX : PERSIST_RETAINED_MAX, &e);
  if (!*out) *error = map_assoc(err_map(resource_error_type(&e), e.msg), kw_c("retryable?"), TRUE_V);
  return *out != NULL;
}

bool table_export_step(StepCall *c) {
  Run *r = c->r;
  Val result = NIL, error = NIL;
  bool unreadable = false;
  Sink s = {.r = r};
  if (!table_export_writer(c, &s.writer, &error)) return step_error(c, error, -1), true;
  if (!s.writer) return false;
  TableCall call = call_of(r);
  call.batch = sink_batch, call.ctx = &s, call.write = sink_write, call.unreadable = &unreadable;
  if (table_run(&call, c->cfg, &result, &error)) {
    persist_written(c, result, s.writer);
    return true;
  }
  blobs_abort(s.writer);
  if (!blocked(r, unreadable, error) && r->status != RUN_BLOCKED) step_error(c, error, -1);
  return true;
}

/* ---- references in other steps ---- */

typedef struct Csvfile { Run *r; int fd; int64_t size, most; } Csvfile;

static Batch *file_batch(void *ctx) { return run_batch(((Csvfile *)ctx)->r); }
static bool file_write(void *ctx, const char *p, size_t n, Err *e) {
  Csvfile *f = ctx;
  f->size += (int64_t)n;
  if (f->size > f->most)
    return err_set(e, "oversize", "the table is over %lld bytes as CSV, at most that many are sent as a body: export it with :persist and :tier :ephemeral",
                   (long long)f->most);
  for (ssize_t k; n; p += k, n -= (size_t)k)
    if ((k = write(f->fd, p, n)) < 0) return err_set(e, "resource-io", "%s", strerror(errno));
  return true;
}

static bool as_err(Val error, Err *err) {
  const char *type = kw_text(map_get_kw(error, "type"));
  return err_set(err, !strcmp(type, "oversize") ? "oversize" : !strcmp(type, "not-found") ? "not_found" : !strcmp(type, "validation") ? "validation" : "runtime",
                 "%s", str_s(map_get_kw(error, "message")));
}

int table_ref_csv(Run *r, Val ref, int64_t most, int64_t *size, Err *err) {
  TableCall c = call_of(r);
  Csvfile f = {r, memfd_create("table.csv", MFD_CLOEXEC), 0, most};
  Val result, error, kv[] = {kw_c("op"), kw_c("export"), kw_c("table"), ref};
  if (f.fd < 0) return err_set(err, "resource-io", "no file in memory: %s", strerror(errno)), -1;
  c.batch = file_batch, c.ctx = &f, c.write = file_write;
  if (table_run(&c, map_from(kv, 2, false), &result, &error) && lseek(f.fd, 0, SEEK_SET) == 0) return *size = f.size, f.fd;
  close(f.fd);
  as_err(error, err);
  return -1;
}

Val table_ref_rows(Run *r, Val ref, int64_t most, Err *err) {
  TableCall c = call_of(r);
  Val rows, error;
  return table_load(&c, ref, most, &rows, &error) ? rows : (as_err(error, err), ABSENT);
}

bool table_persist(Run *r, Val persist, Val rows, Val *handle, Val *error) {
  TableCall c = call_of(r);
  bool unreadable = false;
  c.unreadable = &unreadable;
  return table_write(&c, persist, rows, handle, error) || blocked(r, unreadable, *error);
}
