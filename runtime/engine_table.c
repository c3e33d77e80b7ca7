/* engine_table.c - tables for runs: the :table step and the table kind of :persist. The changes lie in the same transaction as the
 * record of the step, as those of :kv do. */
#include "engine_int.h"
#include "eval/unit.h"
#include "table.h"

static Batch *batch_of(void *ctx) { return run_batch(ctx); }

/* Reads see what is submitted, not what is still being put together. */
static TableCall call_of(Run *r) {
  if (r->batch && batch_has_kv(r->batch)) run_submit(r, AFTER_NOTHING);
  return (TableCall){.store = r->e->store, .workspace = r->workspace, .env = r->m->env, .batch = batch_of, .ctx = r};
}

bool table_step(Run *r, Val cfg, Val *result, Val *error) {
  TableCall c = call_of(r);
  return table_run(&c, cfg, result, error);
}

bool table_persist(Run *r, Val persist, Val rows, Val *handle, Val *error) {
  TableCall c = call_of(r);
  return table_write(&c, persist, rows, handle, error);
}
