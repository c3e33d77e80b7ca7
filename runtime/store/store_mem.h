/* store_mem.h - what tests may do to a store without a disk (store_open with .memory): have its process die at an exact place
 * of a journal. One thread.
 *
 * The judge sees every journal record before its batch is applied (payload: the engine's bytes). KEEP: go on. LAST: this batch
 * is still stored, then the process is dead. LOSE: this batch is lost too. When dead, batches vanish without a completion, but
 * store_submit_wait fails with store_failed; reads go on, for whoever looks at what is left. */
#ifndef BR_STORE_MEM_H
#define BR_STORE_MEM_H
#include "store.h"

enum StoreMemVerdict { STORE_MEM_KEEP, STORE_MEM_LAST, STORE_MEM_LOSE };
typedef enum StoreMemVerdict (*StoreMemJudge)(void *ctx, int64_t run, int kind, Bytesv payload);
void store_mem_judge(Store *s, StoreMemJudge f, void *ctx); /* f NULL: none */
/* A new process takes the store over: completions of the old one are forgotten. */
void store_mem_revive(Store *s);
#endif
