/* table_csv.h - CSV as RFC 4180 has it: fields in quotes may hold delimiters, line ends and doubled quotes; records end with CRLF or
 * LF; a byte order mark in front is skipped. No values: any thread.
 *
 * Text that a spreadsheet would take for a formula (=SUM(..)) is written as it is: who opens the file there has to know. */
#ifndef BR_TABLE_CSV_H
#define BR_TABLE_CSV_H
#include "reader/text.h"

typedef struct Csv {
  const char *p, *end;
  char delimiter;
  int64_t line;
  bool inside, done;
  const char *problem;
} Csv;
enum CsvField { CSV_FIELD, CSV_LAST, CSV_END, CSV_BAD }; /* LAST: of its record; END: no more records; BAD: problem, at line */
Csv csv_open(const char *s, size_t n, char delimiter);
/* One field into out (emptied first). */
enum CsvField csv_next(Csv *c, Buf *out, bool *quoted);
/* A field, quoted when it has to be, or `always`. */
void csv_put(Buf *b, const char *s, size_t n, char delimiter, bool always);
#endif
