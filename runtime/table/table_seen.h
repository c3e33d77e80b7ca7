/* table_seen.h - tables as a change has seen them that was made on another thread than the engine's: whether they still are like that when
 * it is to be submitted. Plain C, no values. */
#ifndef BR_TABLE_SEEN_H
#define BR_TABLE_SEEN_H
#include "runtime/store/store.h"

enum { TABLE_SEEN_MAX = 3 }; /* a join has three tables; no operation has more */

/* there false: there was none of that name. */
typedef struct TableSeen { int n; struct { char *name; Blob meta; int64_t id; bool there; } a[TABLE_SEEN_MAX]; } TableSeen;

/* For TableCall.seen: the first look counts. */
void table_seen_add(TableSeen *s, const char *name, const StoreTable *t);
bool table_seen_still(const TableSeen *s, Store *store, const char *workspace);
void table_seen_free(TableSeen *s); /* and empty again */
#endif
