/* flowdef_db.c - what can be said about a :db step before it runs: the database, its statement, the number of its parameters. */
#include "runtime/db/db_sql.h"
#include "runtime/db/db_target.h"
#include "flowdef_int.h"

static bool in(Val v, const char *a, const char *b, const char *c) { return kw_is(v, a) || kw_is(v, b) || kw_is(v, c); }

static void check_text(Check *c, Val cfg, At at, enum DbDialect d) {
  Val sql = map_get_kw(cfg, "sql"), params = map_get_kw(cfg, "params");
  DbSql q;
  Err e = {0};
  At here = at_field(c, at, "sql");
  if (!db_sql_read(str_s(sql), str_n(sql), d, &q, &e)) {
    diag_add(c, DIAG_flow_step_option_invalid, here, NULL, "%s", e.msg);
    return;
  }
  if (q.empty) diag_add(c, DIAG_flow_step_option_invalid, here, NULL, ":sql holds no statement");
  if (q.literal) diag_add(c, DIAG_db_string_literal, here, NULL, "the statement holds a string literal");
  uint32_t given = is_vec(params) ? vec_count(params) : 0;
  if (!is_nil(params) ? is_vec(params) && (int)given != q.params : q.params > 0)
    diag_add(c, DIAG_flow_step_option_invalid, here, NULL, ":sql has %d `?` and :params %u value%s", q.params, given, given == 1 ? "" : "s");
  db_sql_free(&q);
}

void check_db(Check *c, Val cfg, At at) {
  Val database = map_get_kw(cfg, "database"), sql = map_get_kw(cfg, "sql");
  if (in(database, "clickhouse", "bigquery", "firestore")) {
    diag_add(c, DIAG_unsupported_step, at_field(c, at, "database"), "use :postgres, :mysql or :sqlite", "the database %s of :db is not part of this build", val_text(database));
    return;
  }
  const char *other = db_option_of_others(cfg);
  if (other) diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, other), NULL, ":%s of this :db step must be left out: it is of databases without SQL, which this build does not run", other);
  if (is_nil(sql) && is_nil(map_get_kw(cfg, "template")))
    diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :db step needs :sql, or :template of a :db-query");
  if (!is_nil(map_get_kw(cfg, "params")) && is_literal(map_get_kw(cfg, "params")) && !is_vec(map_get_kw(cfg, "params")))
    diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, "params"), NULL, ":params of this :db step must be a vector, one value for each ? of :sql");
  bool known = in(database, "postgres", "mysql", "sqlite");
  if (is_str(sql) && known) check_text(c, cfg, at, kw_is(database, "postgres") ? DB_POSTGRES : kw_is(database, "mysql") ? DB_MYSQL : DB_SQLITE);
}
