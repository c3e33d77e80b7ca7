/* api_far.h - reads that may take long, and changes of many rows of tables, away from the engine's thread: a helper thread with a connection
 * of its own (engine_reader.h) makes the result while other requests are answered. It sees what was durable when it began.
 *
 * `work` runs on the helper thread, which has entered the collector: it may build values, reads from j->store, and puts what it makes into j.
 * `answer` runs on the engine's thread, with a call that has only what an answer needs. A request that nobody waits for any more is read to
 * its end and answers nobody. */
#ifndef BR_API_FAR_H
#define BR_API_FAR_H
#include "api.h"
#include "runtime/table/table_seen.h"

struct ApiFar;
typedef void (*ApiFarWork)(struct ApiFar *j);
typedef bool (*ApiFarAnswer)(ApiCall *c, struct ApiFar *j);

typedef struct ApiFar {
  Store *store;          /* while work runs */
  const char *workspace; /* of the call */
  Val in;                /* the caller's */
  Val result, error;
  bool ok;
  Err err;
  int fd;                /* of an answer that is a file; -1: none. Closed unless `answer` has taken it (-1) */
  uint64_t token;        /* of the request */
  Batch *batch;          /* api_far_change: what work has changed, NULL as long as that is nothing */
  TableSeen seen;        /* and which tables it has looked at for that */
  int64_t number;        /* of a table that it makes */
} ApiFar;

/* Is there a helper thread for reads? Not of a store in memory, nor in unit tests. */
bool api_far_can(const ApiCall *c);
/* As a handler returns it: the call is answered later, or at once where there are no threads. */
bool api_far(ApiCall *c, ApiFarWork work, ApiFarAnswer answer, Val in);
/* The same for a search: what waits to be put into the index is put there first, a piece at a time. */
bool api_far_search(ApiCall *c, ApiFarWork work, ApiFarAnswer answer, Val in);
/* A whole handler that only reads, there: its call has the store of that thread, workspace, arguments, meta and nothing else: no request, no
 * listener, no engine. index: as api_far_search. Its answer is made into text there, too. */
bool api_far_read(ApiCall *c, bool (*handler)(ApiCall *c), bool index);
/* A change of tables. What `work` leaves in j->batch becomes durable with the answer and the memory of it. Where a table that it has seen is
 * not like that any more (another request, a run), it is thrown away and made again, at last on the engine's thread, where nobody comes
 * between. Only if api_far_can. */
bool api_far_change(ApiCall *c, ApiFarWork work, ApiFarAnswer answer, Val in);
void api_far_gone(const Api *a); /* the store is about to be closed */
#endif
