/* db_sql.h - the text of a :db statement: where its `?` are (spec/flows.md 4.4: positional parameters only).
 *
 * One pass over the bytes, knowing what each database takes for a string, a quoted name and a comment. A `?` there is text. Everywhere
 * else it is a parameter; for PostgreSQL it becomes $1, $2 .. and `??` becomes the operator `?` (as in JDBC: `data ?? 'key'`, `??|`, `??&`).
 *
 *   postgres  'a''b'  E'a\'b'  "name"  $$..$$ $tag$..$tag$  -- to the end of the line  / * nested * /
 *   mysql     'a''b' 'a\'b' "like '"  `name`  -- and # to the end of the line  / * * /, whose contents count in / *! * /
 *   sqlite    'a''b'  "name" `name` [name]  -- to the end of the line  / * * /
 *
 * Named and numbered parameters ($1, ?1, :name, @name where the database has them as parameters) are refused: values are given in order.
 * Knows no values; any thread. */
#ifndef BR_DB_SQL_H
#define BR_DB_SQL_H
#include "runtime/base/port.h"
#include "reader/text.h"

enum DbDialect { DB_POSTGRES, DB_MYSQL, DB_SQLITE };

typedef struct DbSql {
  Buf text;        /* for the driver; NUL-terminated */
  int params;      /* how many `?` */
  bool returning;  /* the word RETURNING is in it: rows of a statement that writes */
  bool reads;      /* SELECT, VALUES, SHOW ... without a word that writes: running it twice does no harm */
  bool session;    /* PRAGMA, TEMP: it changes the connection that it runs on */
  bool literal;    /* it has a string literal */
  bool empty;      /* nothing but blanks, comments and ; */
} DbSql;

/* false: code "validation", msg "LINE:COLUMN: what is wrong"; out holds nothing then. */
bool db_sql_read(const char *s, size_t n, enum DbDialect d, DbSql *out, Err *e);
void db_sql_free(DbSql *q);
/* Line and column (from 1, in characters) of a byte of the author's text, given its offset in the driver's. */
void db_sql_place(const char *s, size_t n, enum DbDialect d, size_t offset, int *line, int *col);
#endif
