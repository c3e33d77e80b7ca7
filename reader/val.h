/* val.h - the representation of every value, and of failure.
 *
 * A Val is one 64-bit word. Its low bits say what it is:
 *
 *     ......1   integer, 63 bits, two's complement        (others: T_LONG on the heap)
 *     .....10   double in the inline range, CRuby rotation (others: T_DOUBLE on the heap)
 *     ....000   pointer to an Obj, unmodified, so that Boehm's collector sees it; 0 is nil
 *     ....100   immediate: booleans, characters, control signals, private marks
 *
 * It is a struct so that mixing one up with an int does not compile. Compare words with `same`.
 *
 * Heap objects. Every type is laid out the same way, so that snapshots, the memory walk and debuggers need no code
 * per type:
 *
 *     Obj header (8 bytes) | `raw` bytes of plain data | `nvals` Vals | tail of n Vals or n bytes
 *
 * where n is the first uint32 of the raw part. types.h has the table. Objects are immutable once published, except the
 * cells (atom, var, volatile, delay, lazy seq, transient) and the caches (hash in the header).
 *
 * Failure. A C function that can fail returns a signal: `is_sig(v)` is true, and the thread's `pend` says what happened:
 *   SIG_THROW   a Clojure exception is in pend.ex (a T_EX value)
 *   SIG_DEMAND  a lazy seq in pend.demand must be realised, or the call there made, before this call can be made again
 *               (see seq.h, user.h)
 * Further signals belong to the machine (eval/mach.h). A signal is never stored in a collection or a variable:
 * `TRY(v, expr);` returns it at once. No function of reader/ suspends or calls back into Clojure code.
 *
 * Threads: values are built and touched only on threads that mem.h registered. */
#ifndef BR_VAL_H
#define BR_VAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct { uint64_t w; } Val;

typedef struct Obj {
  uint8_t type;   /* enum Type */
  uint8_t flags;  /* per type, see types.h */
  uint16_t aux;   /* per type */
  uint32_t hash;  /* cached Clojure hasheq; 0 = not computed yet (a hash of 0 is recomputed each time) */
} Obj;

enum ImmKind { IMM_BOOL, IMM_CHAR, IMM_SIG, IMM_MARK };
#define IMM(kind, payload) ((Val){((uint64_t)(payload) << 8) | ((uint64_t)(kind) << 3) | 4u})

#define NIL ((Val){0})
#define FALSE_V IMM(IMM_BOOL, 0)
#define TRUE_V IMM(IMM_BOOL, 1)
/* "no such key": what lookups take and give as default when nil is a possible value. Never escapes to Clojure code. */
#define ABSENT IMM(IMM_MARK, 0)
#define UNBOUND IMM(IMM_MARK, 1)

#define SIG_THROW IMM(IMM_SIG, 0)
#define SIG_DEMAND IMM(IMM_SIG, 1)
#define SIG_CALL IMM(IMM_SIG, 2)    /* eval: a native frame asks the machine to call (mach.h) */
#define SIG_SUSPEND IMM(IMM_SIG, 3) /* eval: the run waits for the world */
#define SIG_STOP IMM(IMM_SIG, 4)    /* eval: fuel slice ended, cancelled, or over a limit */

static inline bool same(Val a, Val b) { return a.w == b.w; }
static inline bool is_nil(Val v) { return v.w == 0; }
static inline bool truthy(Val v) { return (v.w & ~(uint64_t)4) != 0; } /* neither nil (0) nor false (4) */
static inline bool is_fix(Val v) { return v.w & 1; }
static inline bool is_flo(Val v) { return (v.w & 3) == 2; }
static inline bool is_ptr(Val v) { return v.w && !(v.w & 7); }
static inline bool is_imm(Val v) { return (v.w & 7) == 4; }
static inline bool imm_is(Val v, enum ImmKind k) { return (v.w & 0xff) == (((uint64_t)k << 3) | 4u); }
static inline bool is_sig(Val v) { return imm_is(v, IMM_SIG); }
static inline bool is_char(Val v) { return imm_is(v, IMM_CHAR); }
static inline bool is_bool(Val v) { return imm_is(v, IMM_BOOL); }

static inline Obj *obj(Val v) { return (Obj *)(uintptr_t)v.w; }
static inline Val from_obj(const void *p) { return (Val){(uint64_t)(uintptr_t)p}; }
static inline bool is_type(Val v, int type) { return is_ptr(v) && obj(v)->type == type; }
/* enum Type of a heap value, -1 for anything else */
static inline int type_of(Val v) { return is_ptr(v) ? obj(v)->type : -1; }

static inline Val bool_val(bool b) { return b ? TRUE_V : FALSE_V; }
static inline Val char_val(uint32_t cp) { return IMM(IMM_CHAR, cp); }
static inline uint32_t char_of(Val v) { return (uint32_t)(v.w >> 8); }

#define FIX_MAX ((int64_t)0x3fffffffffffffff)
#define FIX_MIN (-FIX_MAX - 1)
static inline bool fits_fix(int64_t i) { return i >= FIX_MIN && i <= FIX_MAX; }
static inline Val fix(int64_t i) { return (Val){((uint64_t)i << 1) | 1}; } /* i must fit */
static inline int64_t fix_of(Val v) { return (int64_t)v.w >> 1; }

Val box_long(int64_t i);   /* T_LONG, for what does not fit */
Val box_double(double d);
static inline Val int_val(int64_t i) { return fits_fix(i) ? fix(i) : box_long(i); }

static inline Val dbl_val(double d) {
  uint64_t b;
  memcpy(&b, &d, 8);
  unsigned top = (unsigned)(b >> 60) & 7;
  if (top - 3u <= 1u && b != 0x3000000000000000u) return (Val){(((b << 3) | (b >> 61)) & ~(uint64_t)3) | 2};
  if (b == 0) return (Val){0x8000000000000002u};
  return box_double(d);
}
static inline double flo_of(Val v) { /* v must be is_flo */
  if (v.w == 0x8000000000000002u) return 0.0;
  uint64_t t = (2 - (v.w >> 63)) | (v.w & ~(uint64_t)3);
  uint64_t b = (t >> 3) | (t << 61);
  double d;
  memcpy(&d, &b, 8);
  return d;
}

/* What the last signal on this thread was about. The collector sees it (mem.h roots it). */
typedef struct Pending {
  Val ex;          /* SIG_THROW: the exception */
  Val demand;      /* SIG_DEMAND: the lazy seq to realise */
  uint32_t demand_n;  /* how many cells of it; 0 = the machine's doubling policy */
  bool demand_deep;   /* realise everything inside the value `demand` (any collection), at any depth */
  Val answers;        /* vector of what methods of the program answered to the C call that is being made (user.h), or nil */
  uint32_t answer_at; /* the next one that this try of the call has not looked at */
} Pending;
extern _Thread_local Pending pend;

#define TRY(v, expr)                      \
  Val v = (expr);                         \
  if (is_sig(v)) return v
#define CHECK(expr)                       \
  do {                                    \
    Val check_v_ = (expr);                \
    if (is_sig(check_v_)) return check_v_; \
  } while (0)
#endif
