/* worker_rows.h - rows out of a file, one at a time: a JSON array of objects, objects one after the other (JSON Lines), one object, or CSV
 * with a header. A window over the file holds one row whole; the file may be of any size, a row has up to WORKER_ROW_MAX bytes.
 *
 * CSV: fields without quotes that are numbers, true or false become such values; an empty one without quotes is left out. */
#ifndef BR_WORKER_ROWS_H
#define BR_WORKER_ROWS_H
#include "reader/text.h"
#include "runtime/base/port.h"
#include "runtime/table/table_csv.h"

enum { WORKER_ROW_MAX = 8 << 20, WORKER_COLUMNS = 1000 };
enum WorkerRowsFormat { WORKER_ROWS_BY_NAME, WORKER_ROWS_JSON, WORKER_ROWS_CSV };
typedef struct WorkerRows {
  const char *name; /* for messages */
  int fd;           /* -1: what is in the window is all */
  enum WorkerRowsFormat format;
  Buf window;
  size_t at; /* in the window */
  bool end;  /* of the file */
  bool array, begun, over;
  int64_t row;  /* the one that was read last, from 1 */
  int64_t line; /* of the window's begin, CSV */
  Buf field;
  Val columns; /* vector */
} WorkerRows;
/* - is standard input. By name: .csv is CSV, all else JSON. */
bool worker_rows_open(WorkerRows *r, const char *path, enum WorkerRowsFormat format, Err *e);
void worker_rows_text(WorkerRows *r, const char *json, size_t n); /* rows that are in memory */
/* 1: *row is a map, and *bytes what it took; 0: no more; -1: e. */
int worker_rows_next(WorkerRows *r, Val *row, size_t *bytes, Err *e);
void worker_rows_close(WorkerRows *r);
#endif
