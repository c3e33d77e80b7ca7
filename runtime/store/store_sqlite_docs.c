/* store_sqlite_docs.c - reading documents (store.h). Writing them is in store_sqlite_ops.c. */
#include "store_sqlite.h"
#include <string.h>

static bool row_out(sqlite3_stmt *st, DocRow *d, Err *e) {
  bool ok = true;
  *d = (DocRow){.workspace = sq_col_str(st, 0, &ok), .kind = sq_col_str(st, 1, &ok), .key = sq_col_str(st, 2, &ok)};
  d->rev = sqlite3_column_int64(st, 3);
  d->at_ms = sqlite3_column_int64(st, 4);
  d->run = sqlite3_column_int64(st, 5);
  d->expires_ms = sqlite3_column_int64(st, 6);
  d->data = sq_col_blob(st, 7, &ok);
  if (!ok) doc_row_free(d);
  return ok || sq_no_memory(e);
}

bool sq_doc_get(Store *base, const char *workspace, const char *kind, const char *key, DocRow *out, Err *e) {
  Sq *s = (Sq *)base;
  sqlite3_stmt *st = sq_query(s, R_DOC, e);
  *out = (DocRow){0};
  if (!st) return false;
  sq_bind_str(st, 1, workspace);
  sq_bind_str(st, 2, kind);
  sq_bind_str(st, 3, key);
  if (!sq_next_row(s, st, e)) return false;
  bool ok = row_out(st, out, e);
  sqlite3_reset(st);
  return ok;
}

size_t sq_docs(Store *base, const DocQuery *q, DocRow *out, size_t max, Err *e) {
  static const enum SqStmt how[] = {R_DOCS, R_DOCS_NEWEST, R_DOCS_RUN, R_DOCS_ALL, R_DOCS_DUE};
  Sq *s = (Sq *)base;
  sqlite3_stmt *st = sq_query(s, how[q->how], e);
  size_t n = 0, prefix = strlen(q->prefix);
  if (!st) return 0;
  sq_bind_str(st, 1, q->workspace);
  sq_bind_str(st, 2, q->kind);
  if (q->how == DOCS_BY_KEY) sq_bind_str(st, 3, q->prefix);
  else sqlite3_bind_int64(st, 3, q->how == DOCS_OF_RUN ? q->run : q->at_ms);
  sq_bind_str(st, 4, q->key);
  sqlite3_bind_int64(st, 5, (int64_t)max);
  while (n < max && sq_next_row(s, st, e)) {
    if (strncmp((const char *)sqlite3_column_text(st, 2), q->prefix, prefix) || !row_out(st, &out[n], e)) break;
    n++;
  }
  sqlite3_reset(st);
  return n;
}
