/* Unit tests of the parts of :db that need no database: where the `?` of a statement are, dates, PostgreSQL's arrays. */
#include "reader/mem.h"
#include "runtime/db/db_pg_types.h"
#include "runtime/db/db_sql.h"
#include "runtime/db/db_time.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void reads_as(enum DbDialect d, const char *sql, const char *text, int params) {
  DbSql q;
  Err e = {0};
  if (!db_sql_read(sql, strlen(sql), d, &q, &e)) fail_msg("%s: %s", sql, e.msg);
  assert_string_equal(q.text.p, text);
  assert_int_equal(q.params, params);
  db_sql_free(&q);
}

static void as_it_is(enum DbDialect d, const char *sql, int params) { reads_as(d, sql, sql, params); }

static void refused(enum DbDialect d, const char *sql, const char *says) {
  DbSql q;
  Err e = {0};
  if (db_sql_read(sql, strlen(sql), d, &q, &e)) fail_msg("accepted: %s", sql);
  assert_string_equal(e.code, "validation");
  if (!strstr(e.msg, says)) fail_msg("%s: %s", sql, e.msg);
}

static void test_postgres(void **state) {
  (void)state;
  reads_as(DB_POSTGRES, "select ?, ?", "select $1, $2", 2);
  as_it_is(DB_POSTGRES, "select '?', 'it''s ?', \"a?\"\"?\" -- ?\n, 1 /* ? /* ? */ ? */", 0);
  reads_as(DB_POSTGRES, "select E'\\'?', ?", "select E'\\'?', $1", 1);
  reads_as(DB_POSTGRES, "select '\\', ?", "select '\\', $1", 1); /* no backslash in plain strings */
  reads_as(DB_POSTGRES, "select $$ ? $$, $a$ $$ ? $b$ $a$, ?", "select $$ ? $$, $a$ $$ ? $b$ $a$, $1", 1);
  reads_as(DB_POSTGRES, "select j ?? 'k', j ??| ?, a$b, ?::int", "select j ? 'k', j ?| $1, a$b, $2::int", 2);
  reads_as(DB_POSTGRES, "select ???", "select ?$1", 1);
  reads_as(DB_POSTGRES, "select a::text, 1.5e3, [?]", "select a::text, 1.5e3, [$1]", 1);
  reads_as(DB_POSTGRES, "select 'é?', ?", "select 'é?', $1", 1);
  refused(DB_POSTGRES, "select $1", "1:8");
  refused(DB_POSTGRES, "select\n 'x", "2:2");
  refused(DB_POSTGRES, "select /* ", "comment");
  refused(DB_POSTGRES, "select $q$ x $Q$", "dollar-quoted");
}

static void test_mysql(void **state) {
  (void)state;
  as_it_is(DB_MYSQL, "select ?, '?', '\\'?', \"?\"\"\", `?`, 1 # ?\n, 2 -- ?\n, 3 /* ? */", 1);
  as_it_is(DB_MYSQL, "select 1--?", 1); /* two minus signs */
  as_it_is(DB_MYSQL, "select /*!40101 ? */ 1, /*M! ? */ 2", 2);
  as_it_is(DB_MYSQL, "select @x, @@time_zone, ?", 1);
  refused(DB_MYSQL, "select 'a\\'", "quote");
  refused(DB_MYSQL, "select `a", "quoted name");
}

static void test_sqlite(void **state) {
  (void)state;
  as_it_is(DB_SQLITE, "select ?, '?', \"?\", `?`, [?], '\\', -- ?\n 1 /* ?", 1);
  as_it_is(DB_SQLITE, "select j -> '$.a', ?", 1);
  refused(DB_SQLITE, "select ?1", "?1");
  refused(DB_SQLITE, "select :name", "by name");
  refused(DB_SQLITE, "select @name", "by name");
  refused(DB_SQLITE, "select $1", "by name");
}

static DbSql facts(const char *sql) {
  DbSql q;
  Err e = {0};
  assert_true(db_sql_read(sql, strlen(sql), DB_POSTGRES, &q, &e));
  DbSql out = q;
  db_sql_free(&q);
  return out;
}

static void test_facts(void **state) {
  (void)state;
  assert_true(facts("select 1").reads);
  assert_true(facts("-- x\n WITH a AS (select 1) select * from a").reads);
  assert_false(facts("with a as (insert into t values (1) returning 1) select * from a").reads);
  assert_false(facts("insert into t values (1)").reads);
  assert_false(facts("select nextval('s')").reads);
  assert_true(facts("select 'insert'").reads);
  assert_true(facts("delete from t RETURNING id").returning);
  assert_false(facts("select t.returning, 'returning' from t").returning);
  assert_true(facts("create temp table x (a int)").session);
  assert_true(facts("select 'x'").literal);
  assert_false(facts("select \"x\" from t where a = ?").literal);
  assert_true(facts(" ; -- nothing\n /* */").empty);
  assert_false(facts("x").empty);
}

static void test_place(void **state) {
  (void)state;
  int line, col;
  const char *sql = "select ?,\n  'é', nope(?)";
  db_sql_place(sql, strlen(sql), DB_POSTGRES, strlen("select $1,\n  'é', "), &line, &col);
  assert_int_equal(line, 2);
  assert_int_equal(col, 8);
}

static void test_time(void **state) {
  (void)state;
  static const struct { const char *text; int64_t ms; } rows[] = {
      {"1970-01-01 00:00:00+00", 0}, {"2026-01-02 03:04:05.678901+00", 1767323045678}, {"2026-01-02T03:04:05Z", 1767323045000},
      {"2026-01-02 03:04:05-03:30", 1767335645000}, {"1969-12-31 23:59:59.999+00", -1}, {"2000-02-29 12:00:00", 951825600000}};
  int64_t ms;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_true(db_time_read(rows[i].text, strlen(rows[i].text), &ms));
    assert_int_equal(ms, rows[i].ms);
  }
  static const char *const bad[] = {"infinity", "2026-01-02", "0044-03-15 00:00:00+00 BC", "2026-13-01 00:00:00", "2026-01-02 03:04:05+00x", ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(db_time_read(bad[i], strlen(bad[i]), &ms));
  for (int64_t t = -62135596800000; t < 253402300800000; t += 86400000LL * 97 + 12345678) {
    Buf b = {0};
    db_time_write(&b, t, ' ', "+00");
    assert_true(db_time_read(b.p, b.n, &ms));
    assert_int_equal(ms, t);
    buf_free(&b);
  }
}

/* The cells as text: lists in brackets, texts in quotes. */
static void show(Buf *out, const char **p) {
  uint32_t n;
  int64_t i;
  char tag = *(*p)++;
  switch (tag) {
  case 'N': buf_c(out, "nil"); return;
  case 'T': buf_c(out, "true"); return;
  case 'F': buf_c(out, "false"); return;
  case 'I': case 'U':
    memcpy(&i, *p, sizeof i);
    *p += sizeof i;
    buf_fmt(out, "%lld", (long long)i);
    return;
  }
  memcpy(&n, *p, sizeof n);
  *p += sizeof n;
  buf_ch(out, tag == 'L' ? '[' : tag);
  for (uint32_t k = 0; tag == 'L' && k < n; k++) {
    if (k) buf_ch(out, ' ');
    show(out, p);
  }
  if (tag == 'L') buf_ch(out, ']');
  else buf_fmt(out, "<%.*s>", (int)n, *p), *p += n;
}

static void cell_is(unsigned oid, const char *text, const char *want) {
  Buf b = {0}, out = {0};
  pg_cell(&b, oid, text, strlen(text));
  const char *p = b.p;
  show(&out, &p);
  assert_ptr_equal(p, b.p + b.n);
  assert_string_equal(buf_cstr(&out), want);
  buf_free(&b);
  buf_free(&out);
}

static void test_pg_cells(void **state) {
  (void)state;
  cell_is(PG_INT8, "-9223372036854775808", "-9223372036854775808");
  cell_is(PG_NUMERIC, "1.50", "M<1.50>");
  cell_is(PG_NUMERIC, "NaN", "D<NaN>");
  cell_is(PG_BYTEA, "\\x00ff41", "B<>"); /* a NUL ends what is shown */
  cell_is(1114, "2026-01-02 03:04:05.1", "S<2026-01-02T03:04:05.1>");
  cell_is(1114, "0044-03-15 00:00:00 BC", "S<0044-03-15 00:00:00 BC>");
  cell_is(1007, "{1,NULL,-3}", "[1 nil -3]");
  cell_is(1007, "{}", "[]");
  cell_is(1007, "[2:3]={7,8}", "[7 8]");
  cell_is(1009, "{\"a,b\",\"c\\\"d\\\\\",\"\",\"NULL\",NULL,x y}", "[S<a,b> S<c\"d\\> S<> S<NULL> nil S<x y>]");
  cell_is(1007, "{{1,2},{3,4}}", "[[1 2] [3 4]]");
  cell_is(1000, "{t,f}", "[true false]");
  cell_is(999999, "whatever", "S<whatever>");
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_postgres), cmocka_unit_test(test_mysql), cmocka_unit_test(test_sqlite), cmocka_unit_test(test_facts),
                                     cmocka_unit_test(test_place),    cmocka_unit_test(test_time),  cmocka_unit_test(test_pg_cells)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
