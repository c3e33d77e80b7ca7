/* data_dir.c - see data_dir.h */
#include "data_dir.h"
#include "runtime/cli/cli.h"
#include "runtime/base/json.h"
#include "reader/map.h"

char *data_db(const char *dir) {
  Buf b = {0};
  buf_fmt(&b, "%s/breyta.db", dir);
  return buf_cstr(&b);
}

typedef struct EachBlob {
  DataBlobFn f;
  void *ctx;
  Err *err;
} EachBlob;

static bool blob_of(void *ctx, const DocRow *d) {
  EachBlob *b = ctx;
  Resource r;
  return !resource_of(d, &r) || b->f(b->ctx, &r, b->err);
}

bool data_blobs(Store *s, DataBlobFn f, void *ctx, Err *err) {
  EachBlob b = {f, ctx, err};
  return store_docs_each(s, RESOURCE_KIND, 0, blob_of, &b, err);
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
