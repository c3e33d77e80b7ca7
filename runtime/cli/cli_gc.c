/* cli_gc.c - `breyta-run gc`: see resource_gc.h. */
#include "runtime/store/blobs_place.h"
#include "cli_run.h"
#include "reader/map.h"
#include "reader/num.h"
#include "runtime/resource/resource.h"
#include "runtime/resource/resource_gc.h"
#include "runtime/table/table.h"
#include <stdlib.h>

static Val counts(const Cli *cli, const ResourceGc *g) {
  Val resources[] = {kw_c("kept"), int_val(g->resources - g->removed), kw_c("removed"), int_val(g->removed), kw_c("expired"), int_val(g->expired),
                     kw_c("referenced"), int_val(g->referenced)};
  Val blobs[] = {kw_c("kept"), int_val(g->blobs.kept), kw_c("removed"), int_val(g->blobs.removed), kw_c("bytes"), int_val(g->blobs.bytes)};
  Val all[] = {kw_c("resources"), map_from(resources, 4, false), kw_c("blobs"), map_from(blobs, 3, false), kw_c("unfinished-runs"), int_val(g->runs),
               kw_c("dry-run"), bool_val(cli->dry_run)};
  return map_from(all, 4, false);
}

static const char *many(int64_t n, const char *what, char out[64]) {
  snprintf(out, 64, "%lld %s%s", (long long)n, what, n == 1 ? "" : "s");
  return out;
}

static void tell(const Cli *cli, const ResourceGc *g) {
  char a[64], b[64], c[64], d[64];
  Buf out = {0};
  const char *verb = cli->dry_run ? "would be removed" : "removed";
  buf_fmt(&out, "%s %s, %lld kept\n", many(g->removed, "expired resource", a), verb, (long long)(g->resources - g->removed));
  if (g->referenced)
    buf_fmt(&out, "%s kept though expired: %s still to finish\n", many(g->referenced, "resource", b), g->runs == 1 ? "1 run is" : "runs that hold them are");
  buf_fmt(&out, "%s (%s) %s, %lld kept\n", many(g->blobs.removed, "blob", c), many(g->blobs.bytes, "byte", d), verb, (long long)g->blobs.kept);
  cli_out(out.p, out.n);
  buf_free(&out);
}

/* ---- tables: they belong to their workspace, as keys of :kv do, and stay until somebody says otherwise ---- */

static Batch *into(void *ctx) { return ctx; }

static bool drop_tables(const Cli *cli, Store *s, ValVec *out, Err *e) {
  Batch *b = batch_new();
  TableCall c = {.store = s, .workspace = cli->workspace, .batch = into, .ctx = b};
  Val handle, error;
  for (int i = 0; i < cli->table.n; i++) {
    if (!table_drop(&c, str_c(cli->table.a[i]), &handle, &error)) {
      batch_free(b);
      return err_set(e, "not_found", "--table: %s", str_s(map_get_kw(error, "message")));
    }
    vv_push(out, handle);
  }
  if (!cli->dry_run) return store_submit_wait(s, b, e);
  batch_free(b);
  return true;
}

static Val counted_tables(const ValVec *tables) {
  Val all = vec_empty;
  for (size_t i = 0; i < tables->n; i++) {
    Val kv[] = {kw_c("table"), map_get_kw(tables->a[i], "table"), kw_c("rows"), map_get_kw(tables->a[i], "row-count")};
    all = vec_conj(all, map_from(kv, 2, false));
  }
  return all;
}

static void tell_tables(const Cli *cli, const ValVec *tables) {
  Buf out = {0};
  char rows[64];
  for (size_t i = 0; i < tables->n; i++)
    buf_fmt(&out, "table %s (%s) %s\n", str_s(map_get_kw(tables->a[i], "table")), many(long_of(map_get_kw(tables->a[i], "row-count")), "row", rows),
            cli->dry_run ? "would be removed" : "removed");
  cli_out(out.p ? out.p : "", out.n);
  buf_free(&out);
}

static bool collect(const Cli *cli, Store *s) {
  Err e = {0};
  ResourceGc g;
  ValVec tables = {0};
  Vault *v = cli->secrets_key ? vault_new(s, cli->secrets_key) : NULL;
  BlobStore *b = blobs_place_open(s, v, &e);
  bool ok = drop_tables(cli, s, &tables, &e) && b && resource_gc(s, b, now_ms(), BLOBS_GRACE_MS, cli->dry_run, &g, &e) && (cli->dry_run || store_index_drain(s, &e));
  blobs_close(b);
  vault_free(v);
  if (!ok) cli_say("%s [%s]", e.msg, e.code);
  else if (CLI_GIVEN(cli, format)) ok = cli_print_value(cli, tables.n ? map_assoc(counts(cli, &g), kw_c("tables"), counted_tables(&tables)) : counts(cli, &g));
  else tell_tables(cli, &tables), tell(cli, &g);
  cli_out_flush();
  return ok;
}

int cmd_gc(Cli *cli) {
  if (cli->args.n) return cli_usage(cli, "gc takes no argument: breyta-run gc [--db FILE] [--dry-run] [--table NAME]");
  if (cli_no_database(cli)) return EXIT_USAGE;
  cli_values();
  Store *s = cli_store(cli, cli->dry_run ? (StoreOptions){.read_only = true} : (StoreOptions){.executor = true});
  if (!s) return EXIT_FAILED;
  bool ok = collect(cli, s);
  store_close(s);
  return ok ? EXIT_OK : EXIT_FAILED;
}
