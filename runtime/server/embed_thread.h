/* embed_thread.h - the one thread of libbreyta on which everything happens (breyta.h).
 *
 * It begins with the first call and stays: the collector knows its stack as the process's first one, and an embedder's own threads
 * need not be known to the collector at all. All signals but the collector's are kept away from it and from every thread that it
 * makes, so that they come to the embedder's. */
#ifndef BR_EMBED_THREAD_H
#define BR_EMBED_THREAD_H
#include "runtime/base/port.h"
/* f(arg) on that thread, in the order of the calls; comes back when it is done. false: the thread cannot be made. Any thread. */
bool embed_call(void (*f)(void *arg), void *arg);
#endif
