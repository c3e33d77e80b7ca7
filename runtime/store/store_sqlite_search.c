/* store_sqlite_search.c - the search index (store.h) on FTS5. */
#include "store_sqlite.h"
#include <stdlib.h>
#include <string.h>

static const char *text(const char *s) { return s ? s : ""; }

/* ---- scope: one word for FTS5, whatever the workspace is called ---- */

static char *scope_of(const char *workspace, const char *target) {
  static const char hex[] = "0123456789abcdef";
  char *s = malloc(2 * strlen(workspace) + strlen(target) + 2), *to = s;
  if (!s) return NULL;
  for (; *workspace; workspace++) {
    *to++ = hex[(unsigned char)*workspace >> 4];
    *to++ = hex[*workspace & 15];
  }
  sprintf(to, "x%s", target);
  return s;
}

static char *match_of(const SearchQuery *q, Err *e) {
  char *words = search_expression(q, e), *scope = words ? scope_of(q->workspace, q->target) : NULL, *m = NULL;
  size_t n = scope ? strlen(words) + strlen(scope) + 64 : 0;
  if (scope && (m = malloc(n))) snprintf(m, n, "scope:\"%s\" AND {title tags body}:(%s)", scope, words);
  else if (words) sq_no_memory(e);
  free(words);
  free(scope);
  return m;
}

/* ---- writing ---- */

static int one_id(sqlite3_stmt *st, int64_t *id) {
  int rc = sqlite3_step(st);
  *id = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
  int end = sqlite3_reset(st);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? end : rc;
}

static int put_text(Conn *c, int64_t id, const IndexRow *r) {
  sqlite3_stmt *st = sq_stmt(c, W_INDEX_TEXT);
  char *scope = scope_of(text(r->workspace), text(r->target));
  if (!st || !scope) return free(scope), st ? SQLITE_NOMEM : sqlite3_extended_errcode(c->db);
  sqlite3_bind_int64(st, 1, id);
  sq_bind_str(st, 2, scope);
  sq_bind_str(st, 3, text(r->title));
  sq_bind_str(st, 4, text(r->tags));
  sqlite3_bind_text64(st, 5, r->text.n ? r->text.p : "", r->text.n, SQLITE_STATIC, SQLITE_UTF8);
  int rc = sq_done(st);
  sqlite3_clear_bindings(st);
  free(scope);
  return rc;
}

int sq_index(Conn *c, const IndexRow *r) {
  sqlite3_stmt *st = sq_stmt(c, W_INDEX);
  int64_t id;
  if (!st) return sqlite3_extended_errcode(c->db);
  sq_bind_str(st, 1, text(r->workspace));
  sq_bind_str(st, 2, text(r->target));
  sq_bind_str(st, 3, text(r->key));
  sqlite3_bind_int64(st, 4, r->at_ms);
  sq_bind_str(st, 5, text(r->type));
  sq_bind_str(st, 6, text(r->path));
  int rc = one_id(st, &id);
  return rc == SQLITE_OK ? put_text(c, id, r) : rc;
}

static int del_id(Conn *c, enum SqStmt how, int64_t id) {
  sqlite3_stmt *st = sq_stmt(c, how);
  if (!st) return sqlite3_extended_errcode(c->db);
  sqlite3_bind_int64(st, 1, id);
  return sq_done(st);
}

int sq_unindex(Conn *c, const char *workspace, const char *target, const char *key) {
  sqlite3_stmt *st = sq_stmt(c, W_INDEX_FIND);
  int64_t id;
  if (!st) return sqlite3_extended_errcode(c->db);
  sq_bind_str(st, 1, text(workspace));
  sq_bind_str(st, 2, text(target));
  sq_bind_str(st, 3, text(key));
  int rc = one_id(st, &id);
  if (rc != SQLITE_OK || !id) return rc;
  rc = del_id(c, W_INDEX_TEXT_DEL, id);
  return rc == SQLITE_OK ? del_id(c, W_INDEX_DEL, id) : rc;
}

/* ---- entries that wait ---- */

int sq_index_later(Conn *c, const IndexRow *r, bool gone) {
  sqlite3_stmt *st = sq_stmt(c, W_INDEX_TODO);
  const char *s[] = {r->workspace, r->target, r->key, r->title, r->tags, r->type, r->path};
  if (!st) return sqlite3_extended_errcode(c->db);
  sqlite3_bind_int(st, 1, gone);
  sqlite3_bind_int64(st, 2, r->at_ms);
  for (int i = 0; i < 7; i++) sq_bind_str(st, 3 + i, text(s[i]));
  sqlite3_bind_blob64(st, 10, r->text.n ? r->text.p : "", r->text.n, SQLITE_STATIC);
  return sq_done(st);
}

static int work_row(Conn *c, sqlite3_stmt *st) {
  const char *s[7];
  for (int i = 0; i < 7; i++) s[i] = text((const char *)sqlite3_column_text(st, 2 + i));
  if (sqlite3_column_int(st, 0)) return sq_unindex(c, s[0], s[1], s[2]);
  IndexRow r = {.workspace = s[0], .target = s[1], .key = s[2], .title = s[3], .tags = s[4], .type = s[5], .path = s[6],
                .at_ms = sqlite3_column_int64(st, 1)};
  r.text = (Bytesv){sqlite3_column_blob(st, 9), (size_t)sqlite3_column_bytes(st, 9)};
  return sq_index(c, &r);
}

int sq_index_work(Conn *c, int rows) {
  sqlite3_stmt *st = sq_stmt(c, W_INDEX_NEXT), *done = sq_stmt(c, W_INDEX_DONE);
  int64_t last = 0;
  int rc = SQLITE_OK;
  if (!st || !done) return sqlite3_extended_errcode(c->db);
  sqlite3_bind_int(st, 1, rows);
  while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
    last = sqlite3_column_int64(st, 10);
    rc = work_row(c, st);
  }
  int end = sqlite3_reset(st);
  if (rc != SQLITE_DONE) return rc != SQLITE_OK ? rc : end;
  sqlite3_bind_int64(done, 1, last);
  return sq_done(done);
}

bool sq_index_waits(Store *base, Err *e) {
  Sq *s = (Sq *)base;
  sqlite3_stmt *st = s->o.read_only ? NULL : sq_query(s, R_INDEX_TODO, e);
  if (!st || !sq_next_row(s, st, e)) return false;
  sqlite3_reset(st);
  return true;
}

/* ---- reading ---- */

static bool hit_out(sqlite3_stmt *st, SearchHit *h, Err *e) {
  bool ok = true;
  *h = (SearchHit){.key = sq_col_str(st, 0, &ok), .title = sq_col_str(st, 1, &ok), .type = sq_col_str(st, 2, &ok), .path = sq_col_str(st, 3, &ok),
                   .tags = sq_col_str(st, 4, &ok), .snippet = sq_col_str(st, 5, &ok)};
  h->score = -sqlite3_column_double(st, 6);
  h->at_ms = sqlite3_column_int64(st, 7);
  if (!ok) search_hit_free(h);
  return ok || sq_no_memory(e);
}

static const char *col(sqlite3_stmt *st, int i) { return text((const char *)sqlite3_column_text(st, i)); }

static size_t search(Conn *c, const SearchQuery *q, SearchHit *out, size_t max, Err *e) {
  char *match = match_of(q, e);
  sqlite3_stmt *st = match ? sq_stmt(c, R_SEARCH) : NULL;
  size_t n = 0;
  int rc = SQLITE_ROW;
  if (match && !st) sq_error(c, e, "the search index cannot be read");
  if (!st) return free(match), 0;
  sq_bind_str(st, 1, match);
  while (n < max && (rc = sqlite3_step(st)) == SQLITE_ROW)
    if (search_wanted(q, col(st, 2), col(st, 3), col(st, 4)) && (!hit_out(st, &out[n], e) || ++n == max)) break;
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) sq_error(c, e, "the search index cannot be read");
  sqlite3_reset(st);
  sqlite3_clear_bindings(st);
  free(match);
  return n;
}

size_t sq_search(Store *st, const SearchQuery *q, SearchHit *out, size_t max, Err *e) {
  e->code = NULL;
  if (!store_index_drain(st, e)) return 0;
  sq_look((Sq *)st);
  return search(&((Sq *)st)->rd, q, out, max, e);
}

/* In an index that lives for this search alone, so that the same words find the same in the same order. */
size_t store_search_rows(const IndexRow *rows, size_t n, const SearchQuery *q, SearchHit *out, size_t max, Err *e) {
  Conn c = {0};
  size_t found = 0;
  int rc = sqlite3_open_v2(":memory:", &c.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_exec(c.db, SQ_SEARCH_SCHEMA "BEGIN", NULL, NULL, NULL);
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++) rc = sq_index(&c, &rows[i]);
  if (rc == SQLITE_OK) rc = sqlite3_exec(c.db, "COMMIT", NULL, NULL, NULL);
  if (rc == SQLITE_OK) found = search(&c, q, out, max, e);
  else err_set(e, "db_read", "the search index cannot be made: %s", sqlite3_errstr(rc));
  sq_conn_close(&c, false);
  return found;
}
