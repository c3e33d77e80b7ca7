/* bench_table [DIR] [ROWS]: a table of a million rows. Insert rate, page queries by an index field (median of 200), beside SQLite's own
 * library with the same data, the same index and one transaction. A wrong result ends it. */
#include "eval/unit.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "runtime/engine/engine.h"
#include "runtime/base/json.h"
#include "runtime/table/table.h"
#include "runtime/cli/cli.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 10000, PAGES = 200 };
static Batch *batch;
static Batch *batch_of(void *ctx) { (void)ctx; return batch; }

static void die(const char *what, const char *why) {
  fprintf(stderr, "bench_table: %s: %s\n", what, why);
  exit(1);
}

static double now(void) { return (double)mono_us() / 1e6; }
static uint64_t mix(uint64_t i) { return (i * 0x9e3779b97f4a7c15u) >> 20; }

static Val row_of(int64_t i) {
  char name[40];
  snprintf(name, sizeof name, "customer number %lld", (long long)i);
  Val kv[] = {kw_c("id"), fix(i), kw_c("at"), fix((int64_t)(mix((uint64_t)i) % 100000000)), kw_c("name"), str_c(name), kw_c("sum"), dbl_val((double)(i % 1000) / 4),
              kw_c("open"), bool_val(i % 3 == 0)};
  return map_from(kv, 5, false);
}

static Val json(const char *s) {
  Err e = {0};
  Val v = json_parse(s, strlen(s), &e);
  if (same(v, ABSENT)) die(s, e.msg);
  return v;
}

static double fill(TableCall *c, int64_t rows) {
  Val options = json("{\"table\":\"big\",\"index-fields\":[\"at\"]}"), result, error;
  Err e = {0};
  double t = now();
  for (int64_t i = 0; i < rows; i += CHUNK) {
    Val some = vec_empty;
    for (int64_t k = i; k < i + CHUNK && k < rows; k++) some = vec_conj(some, row_of(k));
    batch = batch_new();
    if (!table_write(c, options, some, &result, &error)) die("write", str_s(map_get_kw(error, "message")));
    store_submit(c->store, batch, 1);
    Completion done[64];
    while (store_completions(c->store, done, 64))
      if (done[0].error) die("commit", done[0].error);
  }
  if (!store_table_settle(c->store, &e)) die("commit", e.msg);
  return now() - t;
}

static int by_double(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }
static double median(double *a, int n) {
  qsort(a, (size_t)n, sizeof *a, by_double);
  return a[n / 2];
}

static double pages(TableCall *c, const char *format) {
  static double took[PAGES];
  char text[400];
  for (int i = 0; i < PAGES; i++) {
    snprintf(text, sizeof text, format, (long long)(mix((uint64_t)i) % 99000000));
    Val o = json(text), result, error;
    double t = now();
    if (!table_run(c, o, &result, &error)) die("query", str_s(map_get_kw(error, "message")));
    took[i] = (now() - t) * 1000;
    if (!fix_of(map_get_kw(result, "count"))) die("query", "no rows");
  }
  return median(took, PAGES);
}

static double once(TableCall *c, const char *text) {
  Val result, error;
  double t = now();
  if (!table_run(c, json(text), &result, &error)) die("query", str_s(map_get_kw(error, "message")));
  return (now() - t) * 1000;
}

/* ---- SQLite's library alone ---- */

static sqlite3 *db;
static void sql(const char *s) {
  if (sqlite3_exec(db, s, NULL, NULL, NULL) != SQLITE_OK) die(s, sqlite3_errmsg(db));
}

static double plain_fill(const char *path, int64_t rows) {
  sqlite3_stmt *st;
  unlink(path);
  if (sqlite3_open(path, &db) != SQLITE_OK) die(path, "cannot be opened");
  sql("PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA cache_size=-16384;"
      "CREATE TABLE big(id INTEGER PRIMARY KEY,at INTEGER,name TEXT,sum REAL,open INTEGER);CREATE INDEX big_at ON big(at)");
  sqlite3_prepare_v2(db, "INSERT INTO big VALUES(?1,?2,?3,?4,?5)", -1, &st, NULL);
  double t = now();
  for (int64_t i = 0; i < rows; i++) {
    char name[40];
    if (i % CHUNK == 0) sql(i ? "COMMIT;BEGIN" : "BEGIN");
    snprintf(name, sizeof name, "customer number %lld", (long long)i);
    sqlite3_bind_int64(st, 1, i);
    sqlite3_bind_int64(st, 2, (int64_t)(mix((uint64_t)i) % 100000000));
    sqlite3_bind_text(st, 3, name, -1, SQLITE_STATIC);
    sqlite3_bind_double(st, 4, (double)(i % 1000) / 4);
    sqlite3_bind_int(st, 5, i % 3 == 0);
    if (sqlite3_step(st) != SQLITE_DONE) die("insert", sqlite3_errmsg(db));
    sqlite3_reset(st);
  }
  sql("COMMIT");
  t = now() - t;
  sqlite3_finalize(st);
  return t;
}

static double plain_pages(void) {
  static double took[PAGES];
  sqlite3_stmt *st;
  sqlite3_prepare_v2(db, "SELECT * FROM big WHERE at>=?1 ORDER BY at LIMIT 100", -1, &st, NULL);
  for (int i = 0; i < PAGES; i++) {
    double t = now();
    int n = 0;
    sqlite3_bind_int64(st, 1, (int64_t)(mix((uint64_t)i) % 99000000));
    while (sqlite3_step(st) == SQLITE_ROW) n += sqlite3_column_text(st, 2) != NULL;
    sqlite3_reset(st);
    took[i] = (now() - t) * 1000;
    if (!n) die("query", "no rows");
  }
  sqlite3_finalize(st);
  return median(took, PAGES);
}

int main(int argc, char **argv) {
  char path[600], other[600];
  const char *dir = argc > 1 ? argv[1] : ".";
  int64_t rows = argc > 2 ? atoll(argv[2]) : 1000000;
  cli_values();
  engine_init();
  snprintf(path, sizeof path, "%s/bench-table.db", dir);
  snprintf(other, sizeof other, "%s/bench-table-plain.db", dir);
  unlink(path);
  Err e = {0};
  Store *s = store_open(path, &(StoreOptions){.executor = true}, &e);
  if (!s) die(path, e.msg);
  TableCall c = {.store = s, .workspace = "main", .batch = batch_of};
  double ours = fill(&c, rows), plain = plain_fill(other, rows);
  printf("insert, %lld rows, one index, %d a transaction   %8.0f rows/s   plain sqlite3 %8.0f rows/s\n", (long long)rows, CHUNK, (double)rows / ours, (double)rows / plain);
  double page = pages(&c, "{\"op\":\"query\",\"table\":\"big\",\"where\":[[\"at\",\">=\",%lld]],\"sort\":[[\"at\",\"asc\"]],\"page\":{\"limit\":100}}");
  printf("page of 100 by an index field, median                %8.3f ms       plain sqlite3 %8.3f ms   (bar: 20 ms)%s\n", page, plain_pages(), page > 20 ? " MISS" : "");
  printf("page of 100, backwards, a filter beside it           %8.3f ms\n",
         pages(&c, "{\"op\":\"query\",\"table\":\"big\",\"where\":[[\"at\",\"<=\",%lld],[\"open\",\"=\",true]],\"sort\":[[\"at\",\"desc\"]],\"page\":{\"limit\":100}}"));
  printf("page of 100 without :sort, range of an index field   %8.3f ms\n",
         pages(&c, "{\"op\":\"query\",\"table\":\"big\",\"where\":[[\"at\",\">\",%lld]],\"page\":{\"limit\":100}}"));
  printf("group over all rows without an index                 %8.0f ms\n",
         once(&c, "{\"op\":\"aggregate\",\"table\":\"big\",\"group-by\":[\"open\"],\"metrics\":[{\"op\":\"sum\",\"field\":\"sum\"}]}"));
  printf("page sorted by a field without an index              %8.0f ms\n",
         once(&c, "{\"op\":\"query\",\"table\":\"big\",\"sort\":[[\"sum\",\"desc\"]],\"page\":{\"limit\":100}}"));
  store_close(s);
  sqlite3_close(db);
  unlink(path);
  unlink(other);
  return 0;
}
