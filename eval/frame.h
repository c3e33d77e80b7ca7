/* frame.h - what the machine and its stack helpers share: program counters, realising lazy seqs, growing, unwinding. */
#ifndef BR_FRAME_H
#define BR_FRAME_H
#include "node.h"

enum {
  PC_EVAL = 0x7ffe, /* the node is to be evaluated (a slice ended here) */
  PC_RET = 0x7fff,  /* a call waits for its value */
  /* NK_TRY */
  PC_TRY_BODY = 1, PC_TRY_CATCH = 2, PC_TRY_FINALLY = 3, PC_TRY_RETHROW = 4,
  PC_BOUND = 0x7ffd /* NK_BINDING: the body runs */
};
/* What the loop does next, and its registers. */
typedef enum {
  GO_EVAL,   /* n in the activation at base */
  GO_RET,    /* v is the value for the frame on top */
  GO_POP,    /* the same, and fast_run has nothing to do with that frame */
  GO_APPLY,  /* the function at base to the argc values behind it */
  GO_NATIVE, /* step the native frame on top, `in` = v */
  GO_THROW,  /* pend.ex */
  GO_STOP
} Go;
typedef struct Regs {
  const Node *n;
  uint32_t base;
  int argc;
  Val v;
  bool direct; /* GO_EVAL: may use direct evaluation; false once that met an unrealised seq */
} Regs;
/* fast.c: from GO_EVAL or GO_RET on as far as it goes. GO_EVAL: mach.c is to evaluate r->n itself. */
Go fast_run(Mach *m, Regs *r, Go go);

/* An nd_apply frame keeps its argument count in pc and the upper byte of flags, its demands so far in bits 3-7. */
static inline uint16_t apply_flags(int argc, unsigned demands) {
  return (uint16_t)(FR_NATIVE | demands << 3 | ((unsigned)argc >> 16) << 8);
}
static inline int apply_argc(const Frame *f) { return f->pc | (f->flags >> 8) << 16; }
#define APPLY_MAX_ARGS 0xffffff

extern const NativeDef nd_realize; /* walks a lazy seq forward: slots [seq, cells left, deep work list] */
extern const NativeDef nd_apply;   /* calls slots[base] with its pc arguments, again after a demand */

void frame_grow(Mach *m);
void slots_grow(Mach *m, uint32_t need);
static inline void slots_need(Mach *m, uint32_t top) {
  if (__builtin_expect(top + 16 > m->nslots_cap, 0)) slots_grow(m, top + 16);
#ifdef STRESS_STACK
  slots_grow(m, m->nslots_cap);
#endif
}
static inline Frame *frame_push(Mach *m, const void *code, uint32_t base, uint16_t pc, uint16_t flags) {
  if (__builtin_expect(m->nframes == m->nframes_cap, 0)) frame_grow(m);
  Frame *f = &m->frames[m->nframes++];
  *f = (Frame){code, base, pc, flags};
  return f;
}
/* The call a node frame is in the middle of: its own node for PC_RET, else the child being evaluated when that is a call. */
static inline const Node *frame_site(const Frame *f) {
  const Node *n = f->code;
  if (f->pc >= 1 && f->pc <= n->nk && n->kind != NK_TRY) {
    const Node *k = n->kid[f->pc - 1];
    if (k->kind == NK_CALL || k->kind == NK_CALLC) return k;
  }
  return n;
}
/* Slots in use by the frame on top: what a snapshot has to save. */
uint32_t frame_live(const Mach *m);
uint32_t native_slots(const NativeDef *d); /* slots of a native frame, callee included */
void exception_at(Env *e, const char *file, uint32_t line, uint32_t col); /* give pend.ex the place of a form that does not compile */
void exception_trace(Mach *m);             /* give pend.ex a trace of the present frames unless it has one */
#endif
