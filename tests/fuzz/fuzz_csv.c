/* fuzz_csv.c - any bytes as CSV: reading ends, in fields or in an error with a line inside the text; what was read, written and read
 * again is the same. The first byte picks the delimiter. */
#include "runtime/table/table_csv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what, const uint8_t *data, size_t n) {
  fprintf(stderr, "fuzz_csv: %s\ninput: ", what);
  fwrite(data, 1, n, stderr);
  fputc('\n', stderr);
  abort();
}

/* Every field with a mark behind it, so that texts can be compared; `again`: written anew. */
static enum CsvField read_all(const char *s, size_t n, char delimiter, Buf *fields, Buf *again, int64_t *line) {
  Csv c = csv_open(s, n, delimiter);
  Buf b = {0};
  bool quoted, first = true;
  enum CsvField f;
  size_t most = n + 2;
  while ((f = csv_next(&c, &b, &quoted)) == CSV_FIELD || f == CSV_LAST) {
    if (!most--) bug("more fields than bytes", (const uint8_t *)s, n);
    buf_add(fields, b.p, b.n);
    buf_add(fields, f == CSV_LAST ? "\1\2" : "\1\3", 2);
    if (!first) buf_ch(again, delimiter);
    csv_put(again, b.p ? b.p : "", b.n, delimiter, !b.n);
    first = f == CSV_LAST;
    if (first) buf_c(again, "\r\n");
  }
  *line = c.line;
  buf_free(&b);
  return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (!n) return 0;
  char delimiter = ",;\t|"[data[0] & 3];
  Buf one = {0}, two = {0}, again = {0}, scrap = {0};
  int64_t line, other, lines = 1;
  for (size_t i = 1; i < n; i++) lines += data[i] == '\n';
  enum CsvField end = read_all((const char *)data + 1, n - 1, delimiter, &one, &again, &line);
  if (line < 1 || line > lines) bug("a line outside of the text", data, n);
  if (end == CSV_END) {
    if (read_all(again.p ? again.p : "", again.n, delimiter, &two, &scrap, &other) != CSV_END) bug("what was written cannot be read", data, n);
    if (one.n != two.n || (one.n && memcmp(one.p, two.p, one.n))) bug("written and read again, it differs", data, n);
  }
  buf_free(&one);
  buf_free(&two);
  buf_free(&again);
  buf_free(&scrap);
  return 0;
}
