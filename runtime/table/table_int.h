/* table_int.h - what the files of tables share. See table.h.
 *
 * A row is: for each field, by ascending column number: column (varint) and a tagged value. Column 0 holds the formats of cells.
 * Column numbers are places in Table.cols plus one and never change. */
#ifndef BR_TABLE_INT_H
#define BR_TABLE_INT_H
#include "reader/eq.h"
#include "reader/mem.h"
#include "table.h"

enum ColType {
  COL_NONE, COL_BOOLEAN, COL_INT, COL_DOUBLE, COL_DECIMAL, COL_NUMBER, COL_STRING, COL_KEYWORD, COL_UUID, COL_INSTANT, COL_LIST, COL_MAP,
  COL_ANY
};
extern const char *const col_type_name[];

typedef struct Column {
  Val key;             /* keyword, or a string where the name can be none */
  const char *name;
  enum ColType type;
  Val def;             /* what :set-column said of it, {:computed ..} too; nil */
} Column;

typedef struct Part { Val name; int64_t next, rows; } Part;

typedef struct Table {
  StoreTable st;       /* collected memory */
  bool fresh;          /* not registered yet */
  bool partitioned, strict;
  int64_t changes;     /* how often it was written */
  Val part_field;      /* column key by which writes are split; nil */
  Column *cols;
  int ncols, found_by;  /* found_by: so many columns are in the search index */
  Val by_key;          /* column key -> number from 1 */
  int keys[TABLE_MAX_KEYS], nkeys;        /* column numbers */
  int index[TABLE_MAX_INDEXES], nindex;
  Part *parts;
  int nparts;
} Table;

/* What a call works with. */
typedef struct Tc {
  const TableCall *call;
  Env *env;
  Val *error;
  Buf scratch;         /* order bytes for the moment */
} Tc;

/* table.c */
bool tc_fail(Tc *t, const char *type, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* false */
bool tc_store(Tc *t, const Err *e);   /* false: the store's error, or what it holds is damaged: TableCall.unreadable */
bool tc_pending(Tc *t);               /* false: the pending exception as the error */
Bytesv tc_keep(Buf *b);               /* as collected bytes; the buffer is emptied, its memory stays */
const char *tc_text(Val v);           /* short text of a value for messages */

/* table_row.c */
Val row_put_field(Buf *b, int col, Val v);                   /* appends; nil or a signal */
bool row_field(Bytesv row, int col, Bytesv *out);            /* the tagged value; false: absent */
bool row_next(const char **p, const char *end, int *col, Bytesv *out);
Val row_value(Env *env, Bytesv field);
void order_value(Buf *b, Val v, size_t cut);                 /* appends the bytes that sort; cut 0: the whole text */
void order_field(Env *env, Buf *b, Bytesv field, size_t cut); /* the same of a tagged value; field.p NULL: absent */
int order_cmp(Bytesv a, Bytesv b);
void order_int(Buf *b, uint64_t v, int bytes);               /* big-endian */
enum { ORDER_NIL = 1, ORDER_FALSE, ORDER_TRUE, ORDER_NUMBER, ORDER_TEXT, ORDER_LIST, ORDER_MAP, ORDER_OTHER };

/* table_meta.c */
bool meta_name_ok(const char *s);
bool meta_ref_name(Tc *t, Val ref, const char **name);       /* the table an address, a handle or a name means */
bool meta_open(Tc *t, Val ref, Table *out);                  /* a registered table */
bool meta_open_or_new(Tc *t, const char *name, Table *out);
bool meta_renew(Tc *t, Table *tab);                          /* an empty one of the same name */
bool meta_save(Tc *t, Table *tab);                           /* into the batch */
bool meta_column(Tc *t, const Table *tab, Val key, const char *what, int *col); /* by name; an error that names the columns */
Val meta_column_key(Val key);                                /* canonical key; ABSENT: no name */
bool meta_add_column(Tc *t, Table *tab, Val key, int *col);
enum ColType meta_type_of(Val v);
enum ColType meta_type_join(enum ColType a, enum ColType b);
bool meta_read_parts(Tc *t, const Table *tab, Val partitions, int *parts, int *n);  /* which to read */
bool meta_part(Tc *t, Table *tab, Val name, int *part);      /* to write to: made when it is not there */
bool meta_columns_arg(Tc *t, const Table *tab, Val v, const char *what, int *cols, int max, int *n);
int meta_index_of(const Table *tab, int col);                /* of the index whose field that is; 0: the first key field; -1 none */
Val meta_schema(const Table *tab);
Val meta_row_id(int part, int64_t row);
bool meta_parse_row_id(Tc *t, const Table *tab, Val id, int *part, int64_t *row);
Val meta_uri(const StoreTable *st);
Val meta_row_map(Env *env, const Table *tab, Bytesv row, const int *cols, int ncols); /* ncols 0: all */
Val meta_coerce(const Column *c, Val v);                     /* a text as the column's kind of value, when it reads as one */

/* table_filter.c */
typedef struct Cond Cond;
enum CondOp { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OP_CONTAINS, OP_CONTAINS_ANY, OP_EXISTS, COND_AND, COND_OR, COND_NOT };
struct Cond {
  enum CondOp op;
  int col;
  Bytesv key;          /* order bytes of the value, whole */
  Bytesv *keys;        /* in, contains-any */
  Val *vals;
  Val value;
  Cond **kids;
  int n;
};
/* find: a field's number by its name. NULL in *out: no condition. */
typedef bool (*CondFind)(void *ctx, Tc *t, Val key, int *col);
bool cond_parse(Tc *t, Val where, const char *what, CondFind find, void *ctx, Cond **out);
bool cond_parse_table(Tc *t, const Table *tab, Val where, Cond **out);
bool cond_true(Tc *t, const Cond *c, Bytesv row);
/* For rows that are values (aggregates): f gives the field. */
bool cond_true_values(Tc *t, const Cond *c, const Val *fields);

/* table_expr.c: computed columns, {:template ".."} or {:expr [..]} */
bool expr_check(Tc *t, const Table *tab, Val def);
bool expr_eval(Tc *t, const Table *tab, Val def, Val row, Val *out);

/* table_write.c */
typedef struct Writer {
  Tc *t;
  Table *tab;
  Batch *b;
  struct BatchMark mark;
  struct PendingKeys *pending; /* rows of this write, by key */
  bool upsert, strict;
  int part;            /* -1: each row says */
  int part_col;
  size_t bytes, backfill;
  int64_t n, inserted, updated;
  Val preview;
} Writer;
bool writer_begin(Writer *w, Tc *t, Table *tab, Val options);
bool writer_row(Writer *w, Val row);
bool writer_end(Writer *w, bool ok); /* ok false: nothing of it is left in the batch; false is handed on */
Val writer_result(const Writer *w);
bool write_options(Tc *t, Table *tab, Val options); /* of a table that exists or is new: keys, indexes, mode, partitions */
bool write_cell(Tc *t, Table *tab, Val options, Val *result);
bool write_format(Tc *t, Table *tab, Val options, Val *result);
bool write_column(Tc *t, Table *tab, Val options, Val *result);
bool write_recompute(Tc *t, Table *tab, Val options, Val *result);
bool write_find_key(Tc *t, const Table *tab, int part, Bytesv key, int64_t *row); /* *row -1: none */
bool write_key_of(Tc *t, const Table *tab, Val fields, bool coerce, Buf *out);    /* order bytes of the key fields in a map */
void write_index_key(const Table *tab, Buf *out, int part, int number);           /* what begins the keys of an index; 0: the key fields */
enum { KEY_ROW_BYTES = 4 };

/* table_query.c */
typedef struct Scan { /* which rows, in which order */
  Tc *t;
  const Table *tab;
  int parts[TABLE_MAX_READ_PARTS], nparts;
  const Cond *where;
  int sort[16], nsort;
  bool desc[16];
  bool first_desc;
  Bytesv after;        /* cursor: order bytes of the last row seen, or none */
  size_t most;         /* rows wanted; 0: all */
} Scan;
typedef struct Hit { Bytesv order; int part; int64_t row; } Hit;
typedef struct Hits { Hit *a; size_t n, cap; } Hits;
bool scan_init(Scan *s, Tc *t, const Table *tab, Val options);
bool scan_hits(Scan *s, Hits *out);       /* the first `most` in order */
/* In the order of ids, all of them; f returns false to stop (with an error set, or none). */
typedef bool (*ScanRowFn)(void *ctx, int part, int64_t row, Bytesv data);
bool scan_each(Scan *s, ScanRowFn f, void *ctx);
bool scan_row(Tc *t, const Table *tab, int part, int64_t row, Blob *out, bool *found);
bool query_run(Tc *t, Table *tab, Val options, Val *result);
bool query_get_row(Tc *t, Table *tab, Val options, Val *result);
/* By :row-id or :key; an error when there is none. */
bool query_locate(Tc *t, const Table *tab, Val options, int *part, int64_t *row, Blob *data);
bool query_limit(Tc *t, Val v, int64_t most, int64_t otherwise, int64_t *out);
bool query_sort(Tc *t, Val sort, const char *what, CondFind find, void *ctx, int *cols, bool *desc, int max, int *n);

/* table_agg.c table_join.c table_csv.c table_export.c */
bool agg_run(Tc *t, Table *tab, Val options, Val *result);
bool join_run(Tc *t, Val options, Val *result);
bool export_run(Tc *t, Table *tab, Val options, Val *result);
bool import_csv(Tc *t, Table *tab, Val options, Val *result);
#endif
