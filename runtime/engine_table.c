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

bool table_step(Run *r, Val cfg, Val *result, Val *error) {
  if (!one_change(cfg, error)) return false;
  TableCall c = call_of(r);
  return table_run(&c, cfg, result, error);
}

bool table_persist(Run *r, Val persist, Val rows, Val *handle, Val *error) {
  TableCall c = call_of(r);
  return table_write(&c, persist, rows, handle, error);
}
