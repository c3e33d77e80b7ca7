/* mem.c - see mem.h. Boehm's collector, or calloc with GC=none.
 *
 * Small objects come from per-thread free lists of whole 16-byte granules, filled a block at a time by
 * GC_generic_malloc_many: the common allocation is a load, a store and an add. The lists are thread-local memory, which
 * the collector does not scan, so `push_roots` shows them to it at each collection; `pend` likewise. The free objects of
 * pointer-free lists are marked one by one, since the collector would not follow their links. */
#include "mem.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#ifndef GC_NONE
#define GC_THREADS 1
#define GC_NO_THREAD_REDIRECTS 1
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#endif

_Thread_local Pending pend;
_Thread_local uint64_t mem_charged;
_Thread_local int64_t *mem_fuel;

enum { GRANULE = 16, SMALL_MAX = 512, LISTS = SMALL_MAX / GRANULE + 1, KIND_ATOMIC = 0, KIND_NORMAL = 1 };
static uint64_t fail_in; /* test hook; 0 = off */

_Noreturn void mem_exhausted(size_t bytes) {
  fprintf(stderr, "breyta-run: out of memory (asked for %zu bytes)\n", bytes);
  _exit(70);
}

void mem_fail_at(uint64_t k) { fail_in = k; }

static void fail_check(size_t bytes) {
  if (__atomic_sub_fetch(&fail_in, 1, __ATOMIC_RELAXED) == 0) mem_exhausted(bytes);
}

void *mem_raw(size_t bytes) {
  void *p = malloc(bytes ? bytes : 1);
  if (!p) mem_exhausted(bytes);
  return p;
}

void *mem_raw_grow(void *p, size_t bytes) {
  void *q = realloc(p, bytes ? bytes : 1);
  if (!q) mem_exhausted(bytes);
  return q;
}

void mem_raw_free(void *p) { free(p); }

char *mem_raw_copy(const char *s) { return s ? strcpy(mem_raw(strlen(s) + 1), s) : NULL; }

#ifdef GC_NONE
static uint64_t total_bytes;

void mem_init(void) {}
void mem_thread_enter(void) {}
void mem_thread_leave(void) {}
void mem_collect(void) {}
void mem_weak_add(MemWeak *w) { (void)w; }
size_t mem_heap_bytes(void) { return __atomic_load_n(&total_bytes, __ATOMIC_RELAXED); }

/* A list of everything keeps LeakSanitizer quiet: nothing here is meant to be freed. */
typedef struct Kept { struct Kept *next; uint64_t pad; } Kept;
static Kept *kept;

static void *alloc_kind(size_t bytes, int kind) {
  (void)kind;
  if (fail_in) fail_check(bytes);
  mem_charged += bytes;
  __atomic_add_fetch(&total_bytes, bytes, __ATOMIC_RELAXED);
  Kept *k = bytes > SIZE_MAX / 2 ? NULL : calloc(1, sizeof(Kept) + bytes);
  if (!k) mem_exhausted(bytes);
  k->next = __atomic_load_n(&kept, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(&kept, &k->next, k, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) continue;
  return k + 1;
}

void *mem_root(size_t bytes) { return alloc_kind(bytes, KIND_NORMAL); }

Val *mem_stack_new(size_t cap, const uint32_t *live) {
  (void)live;
  if (cap > SIZE_MAX / 16) mem_exhausted(cap);
  return alloc_kind(cap * sizeof(Val), KIND_NORMAL);
}
#else

/* ---- threads ---- */

typedef struct MemThread {
  void *lists[2][LISTS];
  Pending *pend;
  struct MemThread *next, *prev;
  int depth;
  bool foreign; /* registered here, so unregistered here */
} MemThread;

static _Thread_local MemThread th;
static MemThread *threads; /* under the collector's lock */
static GC_push_other_roots_proc push_more;

static void mark_free_list(void *o) {
  for (; o; o = *(void **)o) GC_set_mark_bit(o);
}

/* Called with the world stopped. */
static void push_roots(void) {
  for (MemThread *t = threads; t; t = t->next) {
    GC_push_all(t->pend, t->pend + 1);
    GC_push_all(t->lists[KIND_NORMAL], t->lists[KIND_NORMAL] + LISTS);
    for (int i = 0; i < LISTS; i++) mark_free_list(t->lists[KIND_ATOMIC][i]);
  }
  if (push_more) push_more();
}

static void *link_thread(void *arg) {
  MemThread *t = arg;
  t->pend = &pend;
  t->prev = NULL;
  t->next = threads;
  if (threads) threads->prev = t;
  threads = t;
  return NULL;
}

static void *unlink_thread(void *arg) {
  MemThread *t = arg;
  if (t->next) t->next->prev = t->prev;
  if (t->prev) t->prev->next = t->next;
  else threads = t->next;
  memset(t->lists, 0, sizeof t->lists);
  return NULL;
}

void mem_thread_enter(void) {
  if (th.depth++) return;
  struct GC_stack_base base;
  if (GC_get_stack_base(&base) != GC_SUCCESS) abort();
  th.foreign = GC_register_my_thread(&base) == GC_SUCCESS;
  sigset_t stops; /* a thread that keeps signals away would be waited for by the collector for ever */
  sigemptyset(&stops);
  sigaddset(&stops, GC_get_suspend_signal());
  sigaddset(&stops, GC_get_thr_restart_signal());
  pthread_sigmask(SIG_UNBLOCK, &stops, NULL);
  GC_call_with_alloc_lock(link_thread, &th);
}

void mem_thread_leave(void) {
  if (--th.depth) return;
  GC_call_with_alloc_lock(unlink_thread, &th);
  pend = (Pending){.ex = NIL};
  if (th.foreign) GC_unregister_my_thread();
}

/* ---- weak tables ---- */

static MemWeak *weak_tables; /* under the collector's lock */

static void sweep_slots(MemSlot *s, size_t n) {
  for (size_t i = 0; s && i < n; i++) {
    void *o = s[i].o;
    if (o && o != MEM_TOMB && !GC_is_marked(o)) __atomic_store_n(&s[i].o, MEM_TOMB, __ATOMIC_RELAXED);
  }
}

static void sweep_weak(void) {
  for (MemWeak *w = weak_tables; w; w = w->link) {
    sweep_slots(w->cur, w->ncur);
    sweep_slots(w->next, w->nnext);
  }
}

static void *link_weak(void *arg) {
  MemWeak *w = arg;
  w->link = weak_tables;
  weak_tables = w;
  return NULL;
}

void mem_weak_add(MemWeak *w) { GC_call_with_alloc_lock(link_weak, w); }

/* ---- value stacks ----
 * The block begins with this header; word 1 is what the collector reads as the length to mark (GC_DS_PER_OBJECT; not
 * word 0, which links the free blocks). It is set from *live whenever the world has been stopped. */
typedef struct Stack {
  const uint32_t *live;
  size_t marked_bytes;
  void *owner; /* the block that *live is in */
  size_t cap;
} Stack;

static Stack **stacks; /* weak; under the collector's lock, malloc'ed */
static size_t stacks_n, stacks_cap;
static unsigned stack_kind;

static void measure_stacks(void) {
  for (size_t i = 0; i < stacks_n; i++) {
    size_t n = __atomic_load_n(stacks[i]->live, __ATOMIC_RELAXED);
    if (n > stacks[i]->cap) n = stacks[i]->cap;
    stacks[i]->marked_bytes = sizeof(Stack) + n * sizeof(Val);
  }
}

static void drop_dead_stacks(void) {
  size_t n = 0;
  for (size_t i = 0; i < stacks_n; i++)
    if (GC_is_marked(stacks[i])) stacks[n++] = stacks[i];
  stacks_n = n;
}

static void *link_stack(void *arg) {
  if (stacks_n == stacks_cap) {
    stacks_cap = stacks_cap ? stacks_cap * 2 : 64;
    stacks = mem_raw_grow(stacks, stacks_cap * sizeof *stacks);
  }
  stacks[stacks_n++] = arg;
  return NULL;
}

Val *mem_stack_new(size_t cap, const uint32_t *live) {
  if (cap > SIZE_MAX / 16) mem_exhausted(cap);
  size_t bytes = sizeof(Stack) + cap * sizeof(Val);
  if (fail_in) fail_check(bytes);
  mem_charged += bytes;
  Stack *s = GC_malloc_kind(bytes, (int)stack_kind);
  if (!s) mem_exhausted(bytes);
  s->live = live;
  s->owner = GC_base((void *)(uintptr_t)live);
  s->cap = cap;
  s->marked_bytes = sizeof(Stack);
  GC_call_with_alloc_lock(link_stack, s);
  return (Val *)(s + 1);
}

/* ---- heap size ----
 * Small processes stay small: the collector's own policy rules until a process has shown that it works hard, by data
 * alive after a collection or by the number of collections. Then the heap is expanded ahead of need: fewer collections. */
enum { LIVE_EAGER = 4 << 20, BUSY_COLLECTIONS = 24, BUSY_HEAP = 12 << 20 };
static size_t grow_by; /* set at the end of a collection, done by the next slow allocation */
static unsigned collections;

static void plan_heap(void) {
  struct GC_prof_stats_s st;
  GC_get_prof_stats_unsafe(&st, sizeof st);
  size_t live = st.heapsize_full - st.free_bytes_full, target = 0;
  if (++collections >= BUSY_COLLECTIONS) target = BUSY_HEAP;
  if (live > LIVE_EAGER && 2 * live > target) target = 2 * live;
  if (target <= st.heapsize_full) return;
  __atomic_store_n(&grow_by, target - st.heapsize_full, __ATOMIC_RELAXED);
}

static void grow_heap(void) {
  size_t n = __atomic_exchange_n(&grow_by, 0, __ATOMIC_RELAXED);
  if (n) GC_expand_hp(n); /* failing is no error: the allocation itself decides */
}

static void on_event(GC_EventType e) {
  if (e == GC_EVENT_POST_STOP_WORLD) measure_stacks();
  if (e == GC_EVENT_PRE_START_WORLD) {
    sweep_weak();
    drop_dead_stacks();
  }
  if (e == GC_EVENT_END) plan_heap();
}

/* ---- start ---- */

static void *on_oom(size_t bytes) { mem_exhausted(bytes); }

/* No library holds values, except the one this code is in: do not scan the data of the others. */
static int has_roots(const char *name, void *start, size_t size) {
  uintptr_t a = (uintptr_t)start, here = (uintptr_t)&threads;
  return !name || !*name || (here >= a && here < a + size);
}

/* The collector takes the thread that begins for the process's first one; an embedder's library begins on one of its own, which stays. */
static void own_first_stack(void) {
  struct GC_stack_base base;
  if (gettid() != getpid() && !GC_is_init_called() && GC_get_stack_base(&base) == GC_SUCCESS) GC_set_stackbottom(NULL, &base);
}

void mem_init(void) {
  if (stack_kind) return;
  own_first_stack();
  GC_set_all_interior_pointers(0);
  GC_set_finalize_on_demand(1);
  GC_set_markers_count(1);
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(on_oom);
  GC_register_has_static_roots_callback(has_roots);
  GC_INIT();
  GC_allow_register_threads();
  GC_register_displacement(sizeof(Stack));
  stack_kind = GC_new_kind(GC_new_free_list(), GC_DS_PER_OBJECT | offsetof(Stack, marked_bytes), 0, 1);
  push_more = GC_get_push_other_roots();
  GC_set_push_other_roots(push_roots);
  GC_set_on_collection_event(on_event);
  mem_thread_enter();
}

/* ---- allocation ---- */

static __attribute__((noinline)) void *alloc_refill(size_t grans, int kind) {
  if (!th.depth) {
    fputs("breyta-run: bug: a thread without mem_thread_enter allocates\n", stderr);
    abort();
  }
  if (grow_by) grow_heap();
  void **list = &th.lists[kind][grans];
  GC_generic_malloc_many(grans * GRANULE, kind, list);
  void *o = *list;
  if (!o) mem_exhausted(grans * GRANULE);
  *list = *(void **)o;
  return o;
}

static __attribute__((noinline)) void *alloc_big(size_t bytes, int kind) {
  if (grow_by) grow_heap();
  void *o = GC_malloc_kind(bytes, kind);
  if (!o) mem_exhausted(bytes);
  return o;
}

/* Word 0 of a traced object still holds the link of the free list; the rest is zero. Atomic ones hold anything. */
static inline void *alloc_kind(size_t bytes, int kind) {
  if (__builtin_expect(fail_in != 0, 0)) fail_check(bytes);
  size_t grans = (bytes + GRANULE - 1) / GRANULE;
  mem_charged += grans * GRANULE;
  if (__builtin_expect(bytes > SMALL_MAX, 0)) return alloc_big(bytes, kind);
  void **list = &th.lists[kind][grans];
  void *o = *list;
  if (__builtin_expect(!o, 0)) return alloc_refill(grans, kind);
  *list = *(void **)o;
  return o;
}

void *mem_root(size_t bytes) {
  if (fail_in) fail_check(bytes);
  void *o = GC_malloc_uncollectable(bytes);
  if (!o) mem_exhausted(bytes);
  return o;
}

size_t mem_heap_bytes(void) { return GC_get_heap_size() - GC_get_free_bytes(); }
void mem_collect(void) { GC_gcollect(); }
#endif

void *mem_alloc(size_t bytes) {
  void **o = alloc_kind(bytes ? bytes : 1, KIND_NORMAL);
  if (bytes >= sizeof(void *)) *o = NULL;
  else memset(o, 0, bytes);
  return o;
}

void *mem_alloc_atomic(size_t bytes) { return alloc_kind(bytes ? bytes : 1, KIND_ATOMIC); }

/* ---- objects ---- */

#define TYPE_SIZE(name, strukt, raw, nvals, tail, cls) [name] = 8 + (raw) + 8 * (nvals),
#define TYPE_KIND(name, strukt, raw, nvals, tail, cls) [name] = (nvals) || (tail) == TAIL_VALS ? KIND_NORMAL : KIND_ATOMIC,
static const uint8_t fixed_size[T_COUNT] = {TYPE_TABLE(TYPE_SIZE)};
static const uint8_t obj_kind[T_COUNT] = {TYPE_TABLE(TYPE_KIND)};

static inline void *put_header(void *o, enum Type t, size_t zero) {
  if (zero) memset((char *)o + sizeof(Obj), 0, zero);
  Obj h = {.type = (uint8_t)t};
  memcpy(o, &h, sizeof h);
  return o;
}

void *mem_obj(enum Type t) {
  size_t size = fixed_size[t];
  if (obj_kind[t] == KIND_NORMAL) return put_header(alloc_kind(size, KIND_NORMAL), t, 0);
  return put_header(alloc_kind(size, KIND_ATOMIC), t, size - sizeof(Obj));
}

/* The raw part of every type with a tail begins with n. */
typedef struct { Obj h; uint32_t n; } WithTail;

void *mem_obj_n(enum Type t, uint32_t n) {
  size_t size = fixed_size[t];
  WithTail *o;
  if (obj_kind[t] == KIND_NORMAL) {
    o = put_header(alloc_kind(size + (size_t)n * sizeof(Val), KIND_NORMAL), t, 0);
  } else {
    o = put_header(alloc_kind(size + n + 1, KIND_ATOMIC), t, size - sizeof(Obj));
    ((char *)o)[size + n] = 0;
  }
  o->n = n;
  if (n > 65536 && mem_fuel) *mem_fuel -= n >> 8;
  return o;
}

uint64_t mem_share(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  uint64_t bytes = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
  struct rlimit lim;
  if (!getrlimit(RLIMIT_AS, &lim) && lim.rlim_cur != RLIM_INFINITY && (!bytes || lim.rlim_cur < bytes)) bytes = lim.rlim_cur;
  return bytes / 4;
}
