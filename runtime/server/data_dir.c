/* data_dir.c - see data_dir.h */
#include "data_dir.h"
#include "runtime/cli/cli.h"
#include "runtime/base/json.h"
#include "reader/map.h"
#include <stdlib.h>
#include <string.h>

enum { DATA_PAGE = 256 };

char *data_db(const char *dir) {
  Buf b = {0};
  buf_fmt(&b, "%s/breyta.db", dir);
  return buf_cstr(&b);
}

static bool page_of(const DocRow *page, size_t n, DataBlobFn f, void *ctx, Err *err) {
  Resource r;
  for (size_t i = 0; i < n; i++)
    if (resource_of(&page[i], &r) && !f(ctx, &r, err)) return false;
  return true;
}

bool data_blobs(Store *s, DataBlobFn f, void *ctx, Err *err) {
  DocRow page[DATA_PAGE];
  char *workspace = strdup(""), *key = strdup("");
  size_t n = DATA_PAGE;
  bool ok = true;
  while (ok && n == DATA_PAGE) {
    n = store_docs_everywhere(s, RESOURCE_KIND, workspace, key, 0, page, DATA_PAGE, err);
    ok = !err->code && page_of(page, n, f, ctx, err);
    if (n) {
      free(workspace);
      free(key);
      workspace = strdup(page[n - 1].workspace);
      key = strdup(page[n - 1].key);
    }
    for (size_t i = 0; i < n; i++) doc_row_free(&page[i]);
  }
  free(workspace);
  free(key);
  return ok;
}

int64_t data_runs(Store *s, unsigned mask, Err *err) {
  RunRow rows[128];
  int64_t after = 0, all = 0;
  size_t n;
  do {
    n = store_runs(s, after, mask, rows, 128, err);
    all += (int64_t)n;
    for (size_t i = 0; i < n; i++) {
      after = rows[i].run;
      run_row_free(&rows[i]);
    }
  } while (n == 128);
  return err->code ? -1 : all;
}

void data_print(Val m, bool json) {
  Buf b = {0};
  MapIter it;
  Val k, v;
  if (json) {
    json_print(&b, m);
    buf_ch(&b, '\n');
  } else {
    map_iter(&it, m);
    while (map_next(&it, &k, &v)) {
      buf_fmt(&b, "%-12s ", kw_text(k));
      if (is_str(v)) buf_add(&b, str_s(v), str_n(v));
      else json_print(&b, v);
      buf_ch(&b, '\n');
    }
  }
  cli_out(b.p, b.n);
  cli_out_flush();
  buf_free(&b);
}
