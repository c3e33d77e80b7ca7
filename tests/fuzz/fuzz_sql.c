/* fuzz_sql.c - any bytes as a statement of each database: read without a crash, its text of the same length but for the parameters, and
 * what is in quotes stays as it is: a text made of the input, quoted, never holds a parameter. Array texts of PostgreSQL, too. */
#include "runtime/db/db_pg_types.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what) {
  fprintf(stderr, "fuzz_sql: %s\n", what);
  abort();
}

static void read_as(const char *s, size_t n, enum DbDialect d) {
  DbSql q;
  Err e = {0};
  if (!db_sql_read(s, n, d, &q, &e)) {
    if (!e.code || !strstr(e.msg, ":sql ")) bug("an error without a place");
    return;
  }
  if (d != DB_POSTGRES && (q.text.n != n || memcmp(q.text.p, s, n))) bug("the text was changed");
  int line, col;
  for (size_t at = 0; at <= q.text.n; at += 1 + q.text.n / 7) {
    db_sql_place(s, n, d, at, &line, &col);
    if (line < 1 || col < 1) bug("a place before the beginning");
  }
  db_sql_free(&q);
}

/* select '<input>' , ? */
static void in_quotes(const char *s, size_t n, enum DbDialect d) {
  Buf b = {0};
  DbSql q;
  Err e = {0};
  buf_c(&b, "select '");
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '\'' || (s[i] == '\\' && d == DB_MYSQL)) buf_ch(&b, s[i]);
    buf_ch(&b, s[i]);
  }
  buf_c(&b, "', ?");
  if (!db_sql_read(buf_cstr(&b), b.n, d, &q, &e)) bug("a quoted text is refused");
  if (q.params != 1) bug("a parameter inside of a text");
  db_sql_free(&q);
  buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  char *copy = malloc(n + 1);
  Buf b = {0};
  if (!copy) abort();
  memcpy(copy, data, n);
  copy[n] = 0;
  for (enum DbDialect d = DB_POSTGRES; d <= DB_SQLITE; d++) {
    read_as(copy, n, d);
    in_quotes(copy, n, d);
  }
  pg_array_cell(&b, PG_INT4, copy, n);
  pg_array_cell(&b, PG_TEXT, copy, n);
  buf_free(&b);
  free(copy);
  return 0;
}
