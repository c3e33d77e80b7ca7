/* cli_gc.c - `breyta-run gc`: see resource_gc.h. */
#include "blobs_place.h"
#include "cli_run.h"
#include "reader/map.h"
#include "resource.h"
#include "resource_gc.h"
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

static bool collect(const Cli *cli, Store *s) {
  Err e = {0};
  ResourceGc g;
  BlobStore *b = blobs_place_open(s, &e);
  bool ok = b && resource_gc(s, b, now_ms(), BLOBS_GRACE_MS, cli->dry_run, &g, &e) && (cli->dry_run || store_index_drain(s, &e));
  blobs_close(b);
  if (!ok) cli_say("%s [%s]", e.msg, e.code);
  else if (CLI_GIVEN(cli, format)) ok = cli_print_value(cli, counts(cli, &g));
  else tell(cli, &g);
  cli_out_flush();
  return ok;
}

int cmd_gc(Cli *cli) {
  if (cli->args.n) return cli_usage(cli, "gc takes no argument: breyta-run gc [--db FILE] [--dry-run]");
  if (cli_no_database(cli)) return EXIT_USAGE;
  cli_values();
  Store *s = cli_store(cli, cli->dry_run ? (StoreOptions){.read_only = true} : (StoreOptions){.executor = true});
  if (!s) return EXIT_FAILED;
  bool ok = collect(cli, s);
  store_close(s);
  return ok ? EXIT_OK : EXIT_FAILED;
}
