/* table.h - table resources: rows of named columns, durable in the store, for the :table steps of flows, `:persist {:type :table}`,
 * attached tables of jobs and the routes /api/resources/table/{op}. The address is res://v1/ws/<workspace>/table/<name>.
 *
 * Rows are maps. A column is a name; :x and "x" name the same one, and results have keywords where the name can be one. A field may
 * be absent. Values keep their EDN types exactly. Every row has an opaque, stable id such as "0.17".
 *
 * Order. One order is used by sorting, comparing, grouping, keys and indexes (table_row.c makes bytes of it that sort like memcmp):
 *   nil and absent < false < true < numbers < text < lists and sets < maps < everything else
 * Numbers compare by value, exactly: 1, 1.0, 1N and 1M are the same; a double counts as the decimal it prints as (0.1 is 0.1M); a
 * ratio counts as a double; -Inf and Inf are the ends, NaN is behind Inf. Text is what JSON makes a string: strings, keywords
 * (without colon), symbols, characters, UUIDs, instants (as ISO text); it compares by code points. Collections compare by
 * their printed text. Sorting looks at the first 1,000 bytes of a text. Rows that sort alike are in the order of their ids, backwards
 * when the first field of :sort is descending; without :sort rows are in the order of their ids.
 *
 * Conditions (:where, :having): [field op value] with the ops = != < <= > >= in contains contains-any exists?, as keywords or strings;
 * {:field value ..} (all equal); [c c ..] and [:and c ..] (all), [:or c ..], [:not c]. < <= > >= match only what is of the same kind as
 * the value. `contains`: a text has the value in it, a collection has it as element; `contains-any`: of one of several. `in`: equals
 * one of several. `exists?`: true (or no value) has the field, false does not; a nil counts as a field.
 *
 * Partitions. A table first written with :partitions is split by a text; every read and write then names {:key s} or
 * {:keys [s ..]} (up to 100; writes: one :key, or {:field f}: each row goes where its field f says). Key fields are unique within a
 * partition.
 *
 * Tables belong to their workspace, as keys of :kv do: they have no time to live, runs come and go over them, and gc leaves them alone.
 * They are removed by name: `breyta-run gc --table NAME`, DELETE /api/files/by-uri, :into of a join that replaces its table.
 *
 * Changes go into one batch, all or nothing, beside what the caller puts there. Both reads and changes may run on another thread than the
 * engine's, one that builds values, with a store of its own (store_reader); who then submits the changes sees to it that the tables still
 * are as they were seen: the bytes of a table's meta are other ones after every change. */
#ifndef BR_TABLE_H
#define BR_TABLE_H
#include "eval/node.h"
#include "runtime/store/store.h"

enum {
  TABLE_MAX_COLUMNS = 256,
  TABLE_MAX_INDEXES = 8,       /* :index-fields */
  TABLE_MAX_KEYS = 8,          /* :key-fields */
  TABLE_MAX_PARTS = 1000,      /* partitions of a table */
  TABLE_MAX_READ_PARTS = 100,  /* of one read */
  TABLE_MAX_NAME = 200,        /* bytes of a name */
  TABLE_MAX_COLUMN = 128,      /* bytes of a column's name */
  TABLE_MAX_ROW = 256 << 10,   /* bytes of a row, encoded */
  TABLE_MAX_KEY = 1000,        /* bytes of a key field's text; what sorting and indexes look at of others */
  TABLE_MAX_PAGE = 1000,       /* rows of a page */
  TABLE_MAX_OFFSET = 100000,
  TABLE_MAX_GROUPS = 10000,    /* of an :aggregate */
  TABLE_MAX_SCAN = 2000000,    /* rows that one read looks at */
  TABLE_MAX_CHANGES = 100000,  /* rows that one :set-column or :recompute changes */
  TABLE_MAX_JOIN = 100000,     /* rows of a join, and of its right side without index */
  TABLE_MAX_EXPORT = 100000    /* rows of a sorted export */
};
#define TABLE_MAX_WRITE ((size_t)256 << 20) /* bytes of one write, encoded with its index keys */

typedef struct TableCall {
  Store *store;
  const char *workspace;
  Env *env;                     /* values are read into it; NULL: the core one */
  Batch *(*batch)(void *ctx);   /* where changes go; asked for only when something changes */
  void *ctx;
  /* Both may be NULL. write: where an export goes, piece by piece, instead of into :content (false: *e). open: the file, to be closed,
   * that the :csv of an import refers to (-1: *e). */
  bool (*write)(void *ctx, const char *p, size_t n, Err *e);
  int (*open)(void *ctx, Val ref, Err *e);
  /* For who works with a store that has no numbers to give (store_reader); 0: the store's next. seen: may be NULL, is told every table that is
   * looked up by its name (t NULL: there is none), before anything is made of it. */
  int64_t number;
  void (*seen)(void *ctx, const char *name, const StoreTable *t);
  bool *unreadable;             /* may be NULL: set when it fails because the database is damaged or cannot be read */
} TableCall;

/* One operation: a map as a :table step has it, :op one of query get-row aggregate schema export import-csv update-cell
 * update-cell-format set-column recompute materialize-join; the table under :table (an address, a handle, a name, or
 * {:ref .. :partitions ..}) or :uri. false: *error is the map a step fails with. */
bool table_run(const TableCall *c, Val options, Val *result, Val *error);
/* Is it one of those? */
bool table_op_known(const char *op);
/* Writes rows (any seqable of maps, or one map) as :persist says: {:table name :write-mode :append|:upsert :key-fields :index-fields
 * :schema-mode :flexible|:strict :partitions}. *result is the table's handle with :rows-written :rows-inserted :rows-updated. */
bool table_write(const TableCall *c, Val persist, Val rows, Val *result, Val *error);

/* The registered table an address, a handle or a name means. false: *error (:not-found says which exist); the caller frees *out. */
bool table_find(const TableCall *c, Val ref, StoreTable *out, Val *error);
/* How many rows the table of an operation's options has; 0: there is none, or it cannot be read. */
int64_t table_count(const TableCall *c, Val options);
/* All rows as a vector of maps: of `ref`, an address or a handle, which may name :partitions. "oversize" over `most` bytes, encoded. */
bool table_load(const TableCall *c, Val ref, int64_t most, Val *rows, Val *error);
/* The tables of the workspace by name, from behind `after` (NULL: the first): {:items [handle ..] :has-more b}. */
bool table_list(const TableCall *c, const char *after, size_t max, Val *result, Val *error);
/* The table with its rows is gone when the batch is committed. *result: its handle. */
bool table_drop(const TableCall *c, Val ref, Val *result, Val *error);
/* {:type :resource-ref :resource-type :table :uri :table :table-id :row-count} */
Val table_handle(const StoreTable *t);
/* The same of the registered table at this address, with :columns (names); nil: there is none. */
Val table_at(const TableCall *c, const char *uri);
/* Does an :import-csv's :csv refer to a file? */
bool table_csv_is_ref(Val csv);
/* Is it the address of a table? */
bool table_is_uri(const char *s);

struct Run;
struct StepCall;
/* engine_table.c: for the generic :persist. Waits for the disk when rows that this one depends on are still on their way to it. */
bool table_persist(struct Run *r, Val persist, Val rows, Val *handle, Val *error);
/* An export that is kept as a blob goes into it row by row. true: it was one, and the step ends now or later. */
bool table_export_step(struct StepCall *c);
/* Rows of a reference to a table (:load); ABSENT: *err. */
Val table_ref_rows(struct Run *r, Val ref, int64_t most, Err *err);
/* The same as CSV in an unnamed file in memory, as the body of a request; -1: *err. */
int table_ref_csv(struct Run *r, Val ref, int64_t most, int64_t *size, Err *err);
#endif
