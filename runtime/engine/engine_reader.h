/* engine_reader.h - connections for helper threads that read the engine's database (store_reader), kept for the next job.
 *
 * A job has a `stop` flag. reader_take looks at it with the lock held that reader_stop sets it under: once reader_stop has returned, no job
 * with that flag begins to use the store, which may then be closed. */
#ifndef BR_ENGINE_READER_H
#define BR_ENGINE_READER_H
#include "runtime/store/store.h"

/* Helper thread. A connection in a reading transaction, or NULL: stopped (no e->code), or *e. */
Store *reader_take(Store *of, const _Atomic bool *stop, Err *e);
/* Ends the transaction; the connection is kept unless the job was stopped. s may be NULL. */
void reader_give(Store *s, const _Atomic bool *stop);
void reader_stop(_Atomic bool *stop);
void reader_gone(const Store *of); /* the store is about to be closed: nothing of it is kept open */
#endif
