/* fuzz_rows.c - any bytes as a file of rows for attach-table, JSON and CSV, through the window that a file is read by. Rows are maps, an error says
 * what is wrong, and a JSON array of objects gives as many rows as the reader of JSON finds in it. */
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/vec.h"
#include "runtime/base/json.h"
#include "runtime/worker/worker_rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void wrong(const char *what) {
  fprintf(stderr, "fuzz_rows: %s\n", what);
  abort();
}

/* The rows of a file, or -1. */
static int64_t rows_of(const char *path, enum WorkerRowsFormat format) {
  WorkerRows r;
  Err e = {0};
  Val row;
  size_t bytes;
  int64_t n = 0;
  int rc;
  if (!worker_rows_open(&r, path, format, &e)) wrong("a file that is there is not opened");
  while ((rc = worker_rows_next(&r, &row, &bytes, &e)) == 1) {
    if (!is_map(row)) wrong("a row is no map");
    if (bytes > WORKER_ROW_MAX) wrong("a row is longer than rows may be");
    n++;
  }
  if (rc < 0 && (!e.code || !e.msg[0])) wrong("an error that says nothing");
  worker_rows_close(&r);
  return rc < 0 ? -1 : n;
}

static int64_t objects_in(const uint8_t *data, size_t n) {
  Err e = {0};
  Val v = json_parse((const char *)data, n, &e);
  if (e.code || !is_vec(v)) return -1;
  for (uint32_t i = 0; i < vec_count(v); i++)
    if (!is_map(vec_nth(v, i))) return -1;
  return vec_count(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  char path[64];
  int fd = memfd_create("rows", MFD_CLOEXEC);
  mem_init();
  if (fd < 0 || write(fd, data, n) != (ssize_t)n) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int64_t want = objects_in(data, n), got = rows_of(path, WORKER_ROWS_JSON);
  if (want >= 0 && got != want) wrong("an array of objects has another number of rows");
  rows_of(path, WORKER_ROWS_CSV);
  close(fd);
  return 0;
}
