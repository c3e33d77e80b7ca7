/* mem.h - the only place that knows the garbage collector (gc.h is included in mem.c alone).
 *
 * Objects are allocated zeroed and never freed by hand. Built with GC=none (calloc, never freed) for sanitizers and
 * fuzzers. Each thread that builds values calls mem_thread_enter first. Running out of memory ends the process with a
 * message and status 70: what was acknowledged is on disk, and no code path has to survive a half-built value. */
#ifndef BR_MEM_H
#define BR_MEM_H
#include "types.h"

void mem_init(void); /* once, first thing in main */
void mem_thread_enter(void);
void mem_thread_leave(void);

/* Bytes this thread has allocated since it started; the machine charges runs by differences of it. */
extern _Thread_local uint64_t mem_charged;
/* Fuel that objects over 64 KiB are charged to, 1 for 256 bytes, so that a slice in which big values are made is short and
 * the memory limit is looked at in time; NULL: no machine runs on this thread. */
extern _Thread_local int64_t *mem_fuel;

void *mem_alloc(size_t bytes);        /* zeroed, traced conservatively */
void *mem_alloc_atomic(size_t bytes); /* not traced, not zeroed */
void *mem_root(size_t bytes);         /* zeroed, traced, never collected */

/* An object of a type without tail, header filled in. */
void *mem_obj(enum Type t);
/* An object whose tail has n Vals (TAIL_VALS) or n bytes (TAIL_BYTES; one NUL byte more is allocated behind). Sets n. */
void *mem_obj_n(enum Type t, uint32_t n);

/* Value stacks: a zeroed block that the collector marks only up to *live Vals (never beyond cap). `live` points into
 * collected memory (the block it is in is kept alive by the stack), static data or a mem_root; never into malloc memory
 * that may be freed. Only the returned address itself keeps the stack alive from other heap objects. */
Val *mem_stack_new(size_t cap, const uint32_t *live);

/* Weakly held table of interned objects (keywords, symbols): text.c is the only user. The slots live in malloc'ed memory
 * that the collector does not trace. While the world is stopped it puts MEM_TOMB into every slot whose object is dead.
 * Two arrays, because a thread may be stopped in the middle of moving the one into the other. Slots are read and written
 * with relaxed atomics, and a pointer read from one is held as it is (not hidden), so that it roots its object. */
typedef struct MemSlot { void *o; uint32_t hash; uint32_t pad; } MemSlot;
typedef struct MemWeak { MemSlot *cur, *next; size_t ncur, nnext; struct MemWeak *link; } MemWeak;
#define MEM_TOMB ((void *)1)
void mem_weak_add(MemWeak *w); /* once, w is static */

/* malloc and realloc for memory without values, same policy when there is none left. */
void *mem_raw(size_t bytes);
void *mem_raw_grow(void *p, size_t bytes);
void mem_raw_free(void *p);
char *mem_raw_copy(const char *s); /* NULL: NULL */
_Noreturn void mem_exhausted(size_t bytes); /* the message, then _exit(70) */

/* What one evaluation without a limit of its own may hold: a quarter of the machine's memory or of `ulimit -v`, so that an endless seq that is
 * held ends in an error and not in the end of the process, or of others. 0: unknown. */
uint64_t mem_share(void);
size_t mem_heap_bytes(void); /* live heap, for limits and metrics */
void mem_collect(void);
/* Test hook: the k-th allocation from now fails (0 = never). */
void mem_fail_at(uint64_t k);
#endif
